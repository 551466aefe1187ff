"""A test that was renamed keeps its cassette: what is moved, what is rewritten, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_messages.cassette import store
from pytest_messages.commands.main import main
from pytest_messages.commands.terminal import FINE, USAGE

if TYPE_CHECKING:
    from conftest import Suite

Printed = pytest.CaptureFixture[str]

RECORDED = """
@pytest.mark.messages
@pytest.mark.parametrize("word", ["one", "Two"])
def test_words(word):
    assert ask(f"sandbox: say {word}") == word

@pytest.mark.messages
def test_plain():
    assert ask("sandbox: say plain") == "plain"
"""


@pytest.fixture
def recorded(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    suite.write(RECORDED)
    suite.run(passed=3)
    monkeypatch.chdir(suite.path)
    return suite


def test_a_renamed_test_replays_from_what_was_moved(recorded: Suite, capsys: Printed) -> None:
    recorded.write(RECORDED.replace("test_plain", "test_renamed"))
    before = recorded.sent()
    assert main(["mv", "test_suite.py::test_plain", "test_suite.py::test_renamed"]) == FINE
    out = capsys.readouterr().out
    assert out == "cassettes/test_suite/test_plain.yaml -> cassettes/test_suite/test_renamed.yaml\n"
    recorded.run("--messages-record=none", "--messages-orphans=fail", passed=3)
    assert recorded.sent() == before
    (there,) = recorded.cassette("test_suite/test_renamed").interactions
    assert there.recording.test == "test_suite.py::test_renamed"


def test_a_test_takes_its_parameters_along(recorded: Suite) -> None:
    recorded.write(RECORDED.replace("test_words", "test_numbers"))
    assert main(["mv", "test_suite.py::test_words", "test_suite.py::test_numbers"]) == FINE
    recorded.run("--messages-record=none", "--messages-orphans=fail", passed=3)


def test_a_module_takes_all_its_tests_along(recorded: Suite) -> None:
    (recorded.path / "test_suite.py").rename(recorded.path / "test_other.py")
    assert main(["mv", "test_suite.py", "test_other.py"]) == FINE
    recorded.run("--messages-record=none", "--messages-orphans=fail", passed=3)
    assert not (recorded.path / "cassettes/test_suite").exists()


def test_a_path_moves_to_a_test(recorded: Suite) -> None:
    recorded.write(RECORDED.replace("test_plain", "test_renamed"))
    assert main(["mv", "cassettes/test_suite/test_plain.yaml", "test_suite.py::test_renamed"]) == FINE
    recorded.run("--messages-record=none", "--messages-orphans=fail", passed=3)
    (there,) = recorded.cassette("test_suite/test_renamed").interactions
    assert there.recording.test == "test_suite.py::test_renamed"


def test_a_path_moves_to_a_path_and_stays_as_it_is(recorded: Suite) -> None:
    text = Path("cassettes/test_suite/test_plain.yaml").read_text()
    assert main(["mv", "cassettes/test_suite/test_plain.yaml", "cassettes/new/name"]) == FINE
    assert Path("cassettes/new/name.yaml").read_text() == text
    assert main(["mv", "cassettes/new", "cassettes/newer"]) == FINE
    assert Path("cassettes/newer/name.yaml").read_text() == text
    assert not Path("cassettes/new").exists()


def test_an_incomplete_cassette_waits_for_the_test_by_its_new_name(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = "@pytest.mark.messages\ndef test_it():\n    ask('sandbox: say one')\n    assert 0\n"
    suite.write(failing)
    suite.run(failed=1)
    monkeypatch.chdir(suite.path)
    suite.write(failing.replace("test_it", "test_new").replace("assert 0", "assert 1"))
    assert main(["mv", "test_suite.py::test_it", "test_suite.py::test_new"]) == FINE
    assert suite.cassette("test_suite/test_new").incomplete == ("test_suite.py::test_new",)
    before = suite.sent()
    suite.run(passed=1)
    assert suite.sent() == before
    assert suite.cassette("test_suite/test_new").incomplete == ()


def test_part_files_go_along(recorded: Suite, capsys: Printed) -> None:
    folder = Path("cassettes/test_suite")
    (folder / "test_plain.77.part.yaml").write_text((folder / "test_plain.yaml").read_text())
    assert main(["mv", "test_suite.py::test_plain", "test_suite.py::test_renamed"]) == FINE
    assert (folder / "test_renamed.77.part.yaml").is_file()
    assert "test_plain.77.part.yaml -> cassettes/test_suite/test_renamed.77.part.yaml" in capsys.readouterr().out


def test_nothing_is_overwritten_and_nothing_is_moved_then(recorded: Suite, capsys: Printed) -> None:
    before = recorded.files()
    other = "test_suite.py::test_words[one]"
    assert main(["mv", "test_suite.py::test_plain", other]) == USAGE
    assert "is there already" in capsys.readouterr().err
    assert main(["mv", "cassettes/test_suite", "cassettes/test_suite"]) == USAGE
    assert recorded.files() == before


@pytest.mark.parametrize("old", ["test_suite.py::test_plian", "cassettes/test_suite/test_plian.yaml"])
def test_what_is_not_there_names_what_is_nearest(recorded: Suite, capsys: Printed, old: str) -> None:
    assert main(["mv", old, "test_suite.py::test_renamed"]) == USAGE
    err = capsys.readouterr().err
    assert "to move" in err
    assert "test_plain.yaml?" in err


def test_the_projects_own_places_count(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.pytester.makeini("[pytest]\nmessages_dir = tapes\ntestpaths = tests\n")
    (suite.path / "tests").mkdir()
    (suite.path / "tests/conftest.py").write_text("import sys; sys.path.insert(0, '.')")
    source = "from talk import *\n@pytest.mark.messages\ndef test_it():\n    assert ask('sandbox: say one') == 'one'\n"
    (suite.path / "tests/test_a.py").write_text(source)
    suite.run(passed=1)
    (suite.path / "tests/test_a.py").rename(suite.path / "tests/test_b.py")
    monkeypatch.chdir(suite.path)
    assert main(["mv", "tests/test_a.py::test_it", "tests/test_b.py::test_it"]) == FINE
    suite.run("--messages-record=none", "--messages-orphans=fail", passed=1)


def test_a_foreign_cassette_is_moved_byte_for_byte(recorded: Suite) -> None:
    path = Path("cassettes/test_suite/test_plain.yaml")
    text = path.read_text().removeprefix("# pytest-messages cassette 1\n")
    path.write_text(text)
    assert not store.read(path).own
    assert main(["mv", "test_suite.py::test_plain", "test_suite.py::test_renamed"]) == FINE
    assert Path("cassettes/test_suite/test_renamed.yaml").read_text() == text
