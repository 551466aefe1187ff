"""What was left beside a cassette is brought into it, by a command."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sessions import answer, interaction, request

from pytest_messages.cassette import store
from pytest_messages.cassette.document import Cassette, Interaction, Recording
from pytest_messages.cassette.writing import dump
from pytest_messages.commands.main import main
from pytest_messages.commands.recover import recover

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-ant-" + "api03-" + "x" * 80


def of(text: str, test: str = "t.py::a", says: str = "Hello") -> Interaction:
    return Interaction(interaction(text).request, (answer(says), Recording(at="2026-01-02T03:04:05Z", test=test)))


def left(folder: Path, *interactions: Interaction, name: str = "c.4711.part.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(dump(Cassette(interactions=interactions, incomplete=("t.py::a",), salt="5a")))
    return path


def test_a_part_file_becomes_its_cassette(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = left(tmp_path, of("one"), of("two"))
    assert main(["recover", str(path)]) == 0
    assert f"{path}: 2 interactions brought into {tmp_path / 'c.yaml'}" in capsys.readouterr().out
    made = store.read(tmp_path / "c.yaml")
    assert (made.interactions, made.incomplete, made.salt) == ((of("one"), of("two")), ("t.py::a",), "5a")
    assert not path.exists()


def test_what_stands_there_stays_and_is_not_added_again(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(dump(Cassette(interactions=(of("old", "t.py::b"), of("one")), salt="5a")))
    assert recover(left(tmp_path, of("one"), of("two"))).added == 1
    assert store.read(tmp_path / "c.yaml").interactions == (of("old", "t.py::b"), of("one"), of("two"))


def test_what_the_same_test_recorded_before_is_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(dump(Cassette(interactions=(of("old", "t.py::b"), of("one")), salt="5a")))
    path = left(tmp_path, of("one", says="again"))
    assert main(["recover", "--replace", str(path)]) == 0
    assert store.read(tmp_path / "c.yaml").interactions == (of("old", "t.py::b"), of("one", says="again"))


def test_a_folder_is_searched_and_a_bad_file_keeps_no_other_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "a/bad.1.part.yaml"
    left(tmp_path / "a", of("one"))
    bad.write_text("# pytest-messages cassette 1\nversion: 1\ninteractions:\n- request: 7\n    ended: complete\n")
    (tmp_path / "a/c.new.part.yaml").write_text("half of it")
    left(tmp_path / "b/[x]", of("two"), name="d.1.2.part.yaml")
    assert main(["recover", str(tmp_path)]) == 1
    assert str(bad) in capsys.readouterr().err
    assert len(store.read(tmp_path / "a/c.yaml").interactions) == 1
    assert len(store.read(tmp_path / "b/[x]/d.1.yaml").interactions) == 1
    assert [path.name for path in tmp_path.rglob("*.part.yaml")] == ["bad.1.part.yaml"]


def test_a_secret_stays_out_by_name_and_takes_no_other_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thought = {"type": "thinking", "thinking": "", "signature": KEY}  # a signature goes back unchanged
    asked = request("two", messages=[{"role": "assistant", "content": [thought]}])
    path = left(tmp_path, of("one"), Interaction(asked, of("two").answer), of("three"))
    assert main(["recover", str(path)]) == 1
    told = capsys.readouterr().err
    assert "interaction 2 holds a secret and was not brought in" in told
    assert KEY not in told
    assert store.read(tmp_path / "c.yaml").interactions == (of("one"), of("three"))
    assert main(["recover", str(path)]) == 1
    assert store.read(tmp_path / "c.yaml").interactions == (of("one"), of("three"))
    assert path.exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.yaml", "version: 1\ninteractions: []\n", "is no part file: those are named NAME.NUMBER.part.yaml"),
        ("c.1.part.yaml", "", "holds no whole interaction: delete it"),
        ("c.1.part.yaml", "\x00junk", "holds no whole interaction: delete it"),
    ],
)
def test_what_is_no_part_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, says: str
) -> None:
    (tmp_path / name).write_text(content)
    assert main(["recover", str(tmp_path / name)]) == 1
    assert says in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / name).read_text() == content


def test_a_path_that_is_not_there_and_a_folder_without_any_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recover", str(tmp_path / "gone")]) == 2
    assert main(["recover", str(tmp_path)]) == 2
    assert "nothing was left behind" in capsys.readouterr().err


def test_a_part_file_that_a_running_test_writes_is_left_alone(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom pytest_messages.cassette.part import Part\n"
        "from pytest_messages.scrubbing import Scrubber\nsys.path.insert(0, sys.argv[2])\nfrom test_recover import of\n"
        "part = Part(Path(sys.argv[1]), gate=Scrubber(salt='').gate())\npart.append(of('one'))\n"
        "print(part.path, flush=True)\nsys.stdin.read()\n"
    )
    here = os.path.dirname(__file__)  # noqa: PTH120 - for sys.path
    command = [sys.executable, "-c", script, str(tmp_path / "c.yaml"), here]
    environ = {**os.environ, "PYTHONPATH": os.path.dirname(here)}  # noqa: PTH120 - for sys.path
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as running:
        assert running.stdout
        path = running.stdout.readline().strip()
        assert main(["recover", path]) == 1
        running.kill()
    assert not (tmp_path / "c.yaml").exists()
    assert main(["recover", path]) == 0
    assert store.read(tmp_path / "c.yaml").interactions == (of("one"),)
