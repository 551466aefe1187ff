from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_messages.cassette import disk, store
from pytest_messages.cassette.document import Cassette, Interaction, Recording, ScrubbedInteraction
from pytest_messages.cassette.part import Part, leftovers
from pytest_messages.cassette.store import Draft, commit, read
from pytest_messages.cassette.writing import dump
from pytest_messages.errors import CassetteError, CassetteFormatError, CassetteNotFoundError, SecretLeakError
from pytest_messages.findings import GateResult, Leak
from pytest_messages.scrubbing import Gate
from pytest_messages.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-ant-" + "api03-" + "x" * 80
GATE = Gate()


def interaction(number: int, text: str = "hello") -> ScrubbedInteraction:
    """Make an interaction as a scrubber would hand it over; these tests are about files, not about scrubbing."""
    body = json.dumps({"n": number, "text": text}, separators=(",", ":")).encode()
    return ScrubbedInteraction(
        Interaction(
            Request("POST", "https://api.anthropic.com/v1/messages", (("content-type", "application/json"),), body),
            (Response(200, "OK", (), b"event: ping\ndata: {}\n\n"), Recording(test="t.py::test")),
        )
    )


def adding(*items: ScrubbedInteraction) -> Callable[[Draft | None], Draft]:
    return lambda before: Draft(interactions=(*(before.interactions if before else ()), *items))


def save(path: Path, change: Callable[[Draft | None], Draft | None], gate: disk.LeakCheck = GATE) -> bool:
    return commit(path, change, gate=gate, scrub=ScrubbedInteraction)


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture(params=["plain.yaml", "ü [a-b]*.yaml"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    name: str = request.param
    return tmp_path / "cassettes" / "test_é[1]" / name


class TestRead:
    def test_what_was_committed_is_read(self, path: Path) -> None:
        assert save(path, lambda _: Draft(interactions=(interaction(1),), incomplete=("t.py::a",), salt="5a"))
        assert read(path) == Cassette(interactions=(interaction(1),), incomplete=("t.py::a",), salt="5a")

    def test_a_missing_cassette_is_an_error_of_its_own(self, path: Path) -> None:
        with pytest.raises(CassetteNotFoundError) as error:
            read(path)
        assert (str(error.value), error.value.path) == (f"there is no cassette {path}", str(path))

    def test_a_directory_in_its_place_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CassetteError) as error:
            read(tmp_path)
        assert str(error.value) == (
            f"cannot read {tmp_path}: Is a directory; move the directory away, or name the cassette otherwise: "
            "@pytest.mark.messages('name')"
        )

    def test_junk_is_named_by_its_place(self, tmp_path: Path) -> None:
        junk = tmp_path / "junk.yaml"
        junk.write_bytes(b"version: 1\ninteractions: [\xff\n")
        with pytest.raises(CassetteFormatError) as error:
            read(junk)
        assert (error.value.path, error.value.line, error.value.column) == (str(junk), 2, 16)


class TestCommit:
    def test_the_change_gets_what_stands_on_disk(self, path: Path) -> None:
        seen: list[Draft | None] = []

        def change(before: Draft | None) -> Draft:
            seen.append(before)
            return adding(interaction(len(seen)))(before)

        assert [save(path, change), save(path, change)] == [True, True]
        assert seen == [None, Draft(interactions=(interaction(1),))]
        assert read(path).interactions == (interaction(1), interaction(2))
        assert files(path.parent) == [path.name]

    def test_what_stands_on_disk_is_scrubbed_before_it_is_written_again(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        path.write_text(dump(Cassette(interactions=(interaction(1, KEY),))), encoding="utf-8")
        commit(path, lambda before: before, gate=GATE, scrub=lambda item: interaction(1, item.request.method))
        assert read(path).interactions == (interaction(1, "POST"),)

    def test_an_unchanged_text_is_not_written(self, path: Path) -> None:
        save(path, adding(interaction(1)))
        stamp = path.stat()
        assert save(path, lambda before: before) is False
        assert save(path, lambda _: None) is False
        assert path.stat() == stamp

    def test_no_change_makes_no_file(self, path: Path) -> None:
        assert save(path, lambda _: None) is False
        assert not path.parent.exists()

    def test_an_exception_of_the_change_leaves_everything(self, path: Path) -> None:
        def broken(_: Draft | None) -> Draft:
            raise ZeroDivisionError

        save(path, adding(interaction(1)))
        before = path.read_bytes()
        with pytest.raises(ZeroDivisionError):
            save(path, broken)
        assert path.read_bytes() == before
        assert save(path, adding(interaction(2)))

    def test_a_leak_is_refused_and_never_said(self, path: Path) -> None:
        save(path, adding(interaction(1)))
        before = path.read_bytes()
        with pytest.raises(SecretLeakError) as error:
            save(path, adding(interaction(2, KEY)))
        assert error.value.leaks
        assert str(error.value).startswith(f"not written to {path}: api-key at ")
        assert KEY not in repr(error.value) + str(error.value.leaks)
        assert (path.read_bytes(), files(path.parent)) == (before, [path.name])

    def test_many_leaks_are_counted(self, path: Path) -> None:
        class Strict:
            def check(self, text: str, *, where: str = "") -> GateResult:
                return GateResult(tuple(Leak(f"{where}word {n}", "word") for n in range(len(text.split()[:7]))), ())

        with pytest.raises(SecretLeakError, match=r"word at word 0, .*word at word 4 and 2 more$"):
            save(path, adding(interaction(1)), Strict())
        assert not path.exists()

    def test_put_replaces_what_cannot_be_read(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        path.write_text("version: 1\ninteractions: [", encoding="utf-8")
        with pytest.raises(SecretLeakError):
            store.put(path, Draft(interactions=(interaction(1, KEY),)), gate=GATE)
        assert path.read_text(encoding="utf-8") == "version: 1\ninteractions: ["
        assert store.put(path, Draft(interactions=(interaction(1),)), gate=GATE) is True
        assert store.put(path, Draft(interactions=(interaction(1),)), gate=GATE) is False
        assert read(path).interactions == (interaction(1),)

    def test_a_broken_file_is_not_replaced(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        path.write_text("version: 1\ninteractions: [", encoding="utf-8")
        with pytest.raises(CassetteFormatError):
            save(path, adding(interaction(1)))
        assert path.read_text(encoding="utf-8") == "version: 1\ninteractions: ["

    def test_the_file_keeps_its_mode_and_a_link_stays_a_link(self, tmp_path: Path) -> None:
        target, link = tmp_path / "target.yaml", tmp_path / "a" / "link.yaml"
        save(target, adding(interaction(1)))
        target.chmod(0o640)
        link.parent.mkdir()
        link.symlink_to(target)
        save(link, adding(interaction(2)))
        assert link.is_symlink()
        assert read(target).interactions == (interaction(1), interaction(2))
        assert target.stat().st_mode & 0o777 == 0o640

    def test_what_a_killed_writer_left_is_overwritten(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        (path.parent / f"{path.stem}.new.part.yaml").write_text("half", encoding="utf-8")
        save(path, adding(interaction(1)))
        assert files(path.parent) == [path.name]

    @pytest.mark.parametrize(
        ("place", "said"),
        [
            (".", "Is a directory; move the directory away, or name the cassette otherwise: "),
            ("file/c.yaml", "Not a directory; a part of the path is a file: move it away, or choose another place "),
            (
                "n" * 300 + ".yaml",
                "File name too long; give the cassette a shorter name: @pytest.mark.messages('name')",
            ),
        ],
    )
    def test_a_place_that_cannot_be_is_named_with_what_to_do(self, tmp_path: Path, place: str, said: str) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(CassetteError) as error:
            save(tmp_path / place, adding(interaction(1)))
        assert str(error.value).startswith(f"cannot write {tmp_path / place}: {said}")
        assert files(tmp_path) == ["file"]

    @pytest.mark.parametrize(
        ("code", "remedy"),
        [
            ("EACCES", "make it writable, or choose another place with --messages-dir"),
            ("EPERM", "make it writable, or choose another place with --messages-dir"),
            ("EROFS", "make it writable, or choose another place with --messages-dir"),
            ("ENOSPC", "free some space; what stood there before is whole"),
            ("EDQUOT", "free some space; what stood there before is whole"),
            ("EFBIG", "raise the limit on file sizes; what stood there before is whole"),
            ("EISDIR", "move the directory away, or name the cassette otherwise: @pytest.mark.messages('name')"),
            ("ENOTDIR", "a part of the path is a file: move it away, or choose another place with --messages-dir"),
            ("EEXIST", "a part of the path is a file: move it away, or choose another place with --messages-dir"),
            ("ENAMETOOLONG", "give the cassette a shorter name: @pytest.mark.messages('name')"),
            ("EIO", "look after the place, or choose another with --messages-dir"),
        ],
    )
    def test_what_the_system_says_is_told_with_its_remedy(self, path: Path, code: str, remedy: str) -> None:
        number = getattr(errno, code)

        class Broken:
            def check(self, text: str, *, where: str = "") -> GateResult:
                raise OSError(number, os.strerror(number), where + text[:1])

        with pytest.raises(CassetteError) as error:
            save(path, adding(interaction(1)), Broken())
        assert str(error.value) == f"cannot write {path}: {os.strerror(number)} (#); {remedy}"

    def test_a_disk_that_is_really_full(self, path: Path) -> None:
        if not Path("/dev/full").exists():
            pytest.skip("this system has no device that is always full")
        save(path, adding(interaction(1)))
        path.with_name(f"{path.stem}.new.part.yaml").symlink_to("/dev/full")
        with pytest.raises(CassetteError, match="No space left on device; free some space"):
            save(path, adding(interaction(2)))
        assert read(path).interactions == (interaction(1),)
        assert files(path.parent) == [path.name]

    def test_an_error_of_the_system_that_is_not_in_the_table_is_said_too(self, tmp_path: Path) -> None:
        loop = tmp_path / "loop.yaml"
        loop.symlink_to(loop)
        with pytest.raises(CassetteError, match="look after the place, or choose another with --messages-dir"):
            read(loop)

    def test_one_who_holds_the_lock_for_ever_is_named(self, path: Path) -> None:
        held = threading.Event()
        release = threading.Event()

        def slow(_: Draft | None) -> None:
            held.set()
            release.wait(10)

        writer = threading.Thread(target=save, args=(path, slow))
        writer.start()
        held.wait(10)
        try:
            with pytest.raises(CassetteError, match=r"has been writing .* for too long; end it and run again"):
                commit(path, adding(interaction(1)), gate=GATE, scrub=ScrubbedInteraction, patience=0.05)
        finally:
            release.set()
            writer.join()

    def test_lock_files_do_not_stand_among_the_cassettes(self, path: Path) -> None:
        with Part(path, gate=GATE) as part:
            part.append(interaction(1))
            save(path, adding(interaction(1)))
            assert [name for name in files(path.parent) if not name.endswith(".yaml")] == []
            part.discard()
        assert files(path.parent) == [path.name]

    def test_lock_files_do_not_pile_up(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        for number in range(100):
            save(tmp_path / "cassettes" / f"{number}.yaml", adding(interaction(1)))
        [directory] = tmp_path.glob("pytest-messages-*")
        assert len(files(directory)) <= 64

    def test_a_file_that_was_left_behind_goes_with_its_lock(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with Part(path, gate=GATE) as part:
            part.append(interaction(1))
        [leftover] = leftovers(path)
        leftover.remove()
        [directory] = tmp_path.glob("pytest-messages-*")
        assert (files(path.parent), files(directory)) == ([], [])


class TestPart:
    def test_each_interaction_is_on_disk_when_append_returns(self, path: Path) -> None:
        part = Part(path, gate=GATE, test="t.py::test", salt="5a")
        assert not path.parent.exists()
        for number in (1, 2, 3):
            part.append(interaction(number))
            assert part.path is not None
            assert read(part.path) == Cassette(
                interactions=tuple(map(interaction, range(1, number + 1))), incomplete=("t.py::test",), salt="5a"
            )
        assert files(path.parent) == [f"{path.stem}.{os.getpid()}.part.yaml"]
        part.discard()
        assert (files(path.parent), part.path) == ([], None)

    def test_a_part_without_a_test_names_none(self, path: Path) -> None:
        with Part(path, gate=GATE) as part:
            part.append(interaction(1))
        [leftover] = leftovers(path)
        assert leftover.cassette == Cassette(interactions=(interaction(1),))

    def test_two_parts_of_one_process_do_not_meet(self, path: Path) -> None:
        with Part(path, gate=GATE) as one, Part(path, gate=GATE) as other:
            one.append(interaction(1))
            other.append(interaction(2))
            assert leftovers(path) == ()
        assert [item.cassette.interactions for item in leftovers(path)] == [(interaction(2),), (interaction(1),)]
        assert [item.path.name for item in leftovers(path)] == [
            f"{path.stem}.{os.getpid()}-1.part.yaml",
            f"{path.stem}.{os.getpid()}.part.yaml",
        ]
        with Part(path, gate=GATE) as third:
            third.append(interaction(3))
            assert third.path == path.with_name(f"{path.stem}.{os.getpid()}-2.part.yaml")

    def test_threads_may_append(self, path: Path) -> None:
        with Part(path, gate=GATE) as part:
            threads = [threading.Thread(target=part.append, args=(interaction(n),)) for n in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        [leftover] = leftovers(path)
        assert sorted(json.loads(item.request.body)["n"] for item in leftover.cassette.interactions) == [*range(20)]

    def test_another_thread_may_close(self, path: Path) -> None:
        part = Part(path, gate=GATE)
        thread = threading.Thread(target=part.append, args=(interaction(1),))
        thread.start()
        thread.join()
        assert leftovers(path) == ()
        part.close()
        assert len(leftovers(path)) == 1

    def test_a_part_leaves_no_lock_behind(self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with Part(path, gate=GATE) as part:
            part.append(interaction(1))
            [directory] = tmp_path.glob("pytest-messages-*")
            assert len(files(directory)) == 1
        assert files(directory) == []

    def test_a_leak_is_refused_before_its_first_byte(self, path: Path) -> None:
        with Part(path, gate=GATE) as part:
            with pytest.raises(SecretLeakError):
                part.append(interaction(1, KEY))
            assert not path.parent.exists()
            part.append(interaction(1))
            with pytest.raises(SecretLeakError) as error:
                part.append(interaction(2, KEY))
            assert error.value.path == str(path)
            part.append(interaction(3))
        [leftover] = leftovers(path)
        assert leftover.cassette.interactions == (interaction(1), interaction(3))

    def test_a_place_that_cannot_be_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for place in (tmp_path / "file" / "c.yaml", tmp_path / ("n" * 255)):
            with pytest.raises(CassetteError, match=r"^cannot write "):
                Part(place, gate=GATE).append(interaction(1))

    def test_what_is_discarded_or_closed_twice_is_gone_once(self, path: Path) -> None:
        part = Part(path, gate=GATE)
        part.append(interaction(1))
        part.close()
        part.close()
        part.discard()
        part.discard()
        assert files(path.parent) == []


class TestLeftovers:
    def test_a_file_cut_at_any_byte_holds_its_whole_interactions(self, tmp_path: Path) -> None:
        cassette = tmp_path / "c.yaml"
        text = dump(Cassette(interactions=(interaction(1, "é😀"), interaction(2)), incomplete=("t.py::t",))).encode()
        first = text.index(b"- request:", text.index(b"- request:") + 1)
        part = tmp_path / "c.1.part.yaml"
        for cut in (*range(0, len(text), 5), first - 1, first, first + 1, len(text) - 1, len(text)):
            part.write_bytes(text[:cut])
            whole = 2 if cut == len(text) else 1 if cut >= first else 0
            [leftover] = leftovers(cassette)
            assert leftover.cassette == Cassette(
                interactions=(interaction(1, "é😀"), interaction(2))[:whole], incomplete=("t.py::t",) if whole else ()
            )
        [leftover] = leftovers(cassette)
        leftover.remove()
        leftover.remove()
        assert files(tmp_path) == []

    def test_only_parts_of_this_cassette_are_found(self, path: Path) -> None:
        assert leftovers(path) == ()
        path.parent.mkdir(parents=True)
        stem = path.stem
        for name in (f"{stem}.7-1.part.yaml", f"{stem}.8.part.yaml", f"{stem}.new.part.yaml", f"{stem}x.7.part.yaml",
                     f"{stem}.a.7.part.yaml", f"{stem}.yaml", "plainX7.part.yaml"):  # fmt: skip
            (path.parent / name).touch()
        assert [item.path.name for item in leftovers(path)] == [f"{stem}.7-1.part.yaml", f"{stem}.8.part.yaml"]

    def test_cassettes_are_told_from_parts(self, tmp_path: Path) -> None:
        (tmp_path / "d.yaml").mkdir()
        for name in ("b.yaml", "a.yml", "a.7.part.yaml", "a.new.part.yaml", "c.yamlx", "d.yaml/e.yaml", "f.json"):
            (tmp_path / name).touch()
        assert [str(found.relative_to(tmp_path)) for found in store.cassettes(tmp_path)] == [
            "a.yml",
            "b.yaml",
            "d.yaml/e.yaml",
        ]


PRELUDE = """
import sys
from pathlib import Path
from test_store import *
path = Path(sys.argv[1])
"""


def python(code: str, path: Path) -> subprocess.Popen[str]:
    """Start a process that runs ``code`` with the helpers of this file and the cassette's path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests" / "cassette")))}
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code), str(path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class TestProcesses:
    def test_eight_processes_that_merge_lose_nothing(self, tmp_path: Path) -> None:
        merge = """
        start = 20 * int(path.stem)
        for number in range(start, start + 20, 5):
            save(path.with_name("shared.yaml"), adding(*map(interaction, range(number, number + 5))))
        """
        processes = [python(merge, tmp_path / f"{number}.yaml") for number in range(8)]
        assert [(process.communicate()[0], process.returncode) for process in processes] == [("", 0)] * 8
        merged = read(tmp_path / "shared.yaml").interactions
        assert sorted(json.loads(item.request.body)["n"] for item in merged) == [*range(160)]
        assert files(tmp_path) == ["shared.yaml"]

    def test_a_process_killed_at_any_moment_leaves_the_old_cassette_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "c.yaml"
        save(path, adding(interaction(0)))
        writer = """
        print("ready", flush=True)
        for number in range(100000):
            part = Part(path, gate=GATE)
            part.append(interaction(1, "long " * 2000))
            part.append(interaction(2, "long " * 2000))
            save(path, lambda before: Draft(interactions=(interaction(0), interaction(number, "long " * 20000))))
            part.discard()
        """
        for moment in range(6):
            process = python(writer, path)
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.003 + 0.017 * moment)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            first, *rest = read(path).interactions
            assert (first, len(rest) <= 1) == (interaction(0), True)
            assert first.response == interaction(0).response
            for leftover in leftovers(path):
                whole = leftover.cassette.interactions
                assert whole == (interaction(1, "long " * 2000), interaction(2, "long " * 2000))[: len(whole)]
                leftover.remove()
        assert save(path, adding(interaction(5)))
        assert read(path).interactions[-1] == interaction(5)
        assert files(tmp_path) == ["c.yaml"]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let writing fail beyond ``size`` bytes of a file, as it does on a full disk."""
    resource = pytest.importorskip("resource", reason="this system has no limits on file sizes")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestFullDisk:
    REMEDY = "File too large; raise the limit on file sizes; what stood there before is whole"

    def test_the_old_cassette_stays_whole(self, path: Path) -> None:
        save(path, adding(interaction(0)))
        with files_of_at_most(5000), pytest.raises(CassetteError) as error:
            save(path, adding(interaction(1, "x" * 5000)))
        assert str(error.value) == f"cannot write {path}: {self.REMEDY}"
        assert read(path).interactions == (interaction(0),)
        assert files(path.parent) == [path.name]

    def test_a_part_loses_only_what_did_not_fit(self, path: Path) -> None:
        with Part(path, gate=GATE) as part:
            part.append(interaction(1))
            with files_of_at_most(5000):
                with pytest.raises(CassetteError) as error:
                    part.append(interaction(2, "x" * 5000))
                assert part.path is not None
                assert read(part.path).interactions == (interaction(1),)
                part.append(interaction(3))
            assert str(error.value) == f"cannot write {path}: {self.REMEDY}"
        [leftover] = leftovers(path)
        assert leftover.cassette.interactions == (interaction(1), interaction(3))

    def test_a_part_that_never_began_leaves_nothing(self, path: Path) -> None:
        with Part(path, gate=GATE) as part, files_of_at_most(5000), pytest.raises(CassetteError):
            part.append(interaction(1, "x" * 5000))
        assert files(path.parent) == []
        part.append(interaction(2))
        assert part.path is not None
        part.discard()


@pytest.fixture
def ordinary() -> Iterator[Path]:
    """Return a directory of a user whom permissions bind; the tests may run as root, whom none do."""
    if not hasattr(os, "seteuid"):
        pytest.skip("this system has no user ids")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        user = os.geteuid()
        if user == 0:
            os.chown(directory, 65534, -1)
            os.seteuid(65534)
        try:
            yield directory
        finally:
            directory.chmod(0o700)
            os.seteuid(user)


class TestPermissions:
    def test_a_directory_that_may_not_be_written_is_named(self, ordinary: Path) -> None:
        path = ordinary / "c.yaml"
        save(path, adding(interaction(1)))
        ordinary.chmod(0o500)
        said = "Permission denied; make it writable, or choose another place with --messages-dir"
        for act in (
            lambda: save(path, adding(interaction(2))),
            lambda: Part(path, gate=GATE).append(interaction(2)),
        ):
            with pytest.raises(CassetteError) as error:
                act()
            assert str(error.value) == f"cannot write {path}: {said}"
        assert read(path).interactions == (interaction(1),)

    def test_a_file_that_may_not_be_read_is_named(self, ordinary: Path) -> None:
        path = ordinary / "c.yaml"
        save(path, adding(interaction(1)))
        path.chmod(0)
        with pytest.raises(CassetteError, match="Permission denied"):
            read(path)
