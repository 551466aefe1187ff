"""`pytest-messages mv`: move the cassettes of a test that was renamed, with what stands beside and inside them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_messages.cassette import naming, part, store
from pytest_messages.cassette.document import Interaction
from pytest_messages.commands.terminal import FINE
from pytest_messages.errors import CassetteError, SettingsError
from pytest_messages.scrubbing import Scrubber, new_salt
from pytest_messages.use.opening import credentials

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from pytest_messages.cassette.document import Cassette


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    what = "a cassette, or a node id as pytest prints it: of a test, a class or a module"
    parser.add_argument("old", metavar="OLD", help=f"what there was: {what}")
    parser.add_argument("new", metavar="NEW", help="what it is called now, in the same way")


def run(asked: argparse.Namespace) -> int:
    """Move what ``asked`` names, and return the exit code; nothing is moved where anything stands in the way."""
    moves = planned(asked.old, asked.new)
    for each in moves:
        _refuse_to_overwrite(each)
    for each in moves:
        for line in moved(each):
            print(line)
    return FINE


@dataclass(frozen=True, slots=True)
class Move:
    """One cassette on its way; ``renamed`` are the old and the new beginning of the node ids inside, where known."""

    old: Path
    new: Path
    renamed: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """Where pytest keeps the cassettes of the tests below the working directory."""

    directory: Path
    testpaths: tuple[str, ...]

    def cassette_of(self, nodeid: str) -> Path:
        """Return where the cassette of a test lies, as short as it can be written."""
        path = naming.cassette_of_test(self.directory, nodeid, testpaths=self.testpaths)
        return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


class _Reading:
    """A plugin that keeps pytest's configuration and lets it do nothing else."""

    config: pytest.Config | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> int:
        self.config = config
        return 0


def project() -> Project:
    """Ask pytest how the project is configured; raises `SettingsError` where it cannot say."""
    reading = _Reading()
    pytest.main(["-q"], plugins=[reading])
    config = reading.config
    if config is None:
        raise SettingsError("pytest cannot read the project's configuration; name the cassettes by their paths")
    base = config.inipath.parent if config.inipath else config.rootpath
    testpaths = tuple(Path(path).as_posix() for path in config.getini("testpaths"))
    return Project(base / (config.getini("messages_dir") or "cassettes"), testpaths)


def planned(old: str, new: str) -> Sequence[Move]:
    """Return what is to be moved where; raises `MessagesError` where there is nothing of that name."""
    if not (_is_test(old) or _is_test(new)):
        return _by_path(Path(old), Path(new))
    here = project()
    if not _is_test(old):
        return [_to_test(Path(old), new, here)]
    if not _is_test(new):
        return [Move(here.cassette_of(old), _suffixed(Path(new)))]
    moves = list(_by_test(old, new, here))
    if not moves:
        raise _missing(here.cassette_of(old))
    return moves


def _is_test(text: str) -> bool:
    return "::" in text or text.endswith(".py")


def _by_path(old: Path, new: Path) -> Sequence[Move]:
    if old.is_dir():
        return [Move(path, new / path.relative_to(old)) for path in store.cassettes(old)]
    return [Move(old, new / old.name if new.is_dir() else _suffixed(new))]


def _suffixed(path: Path) -> Path:
    return path.with_name(naming.with_suffix(path.name))


def _to_test(old: Path, nodeid: str, here: Project) -> Move:
    """Move a cassette to a test; which test it was is told by the recordings, where they name one only."""
    tests = _tests(_read(old))
    return Move(old, here.cassette_of(nodeid), (tests.pop(), nodeid) if len(tests) == 1 else None)


def _by_test(old: str, new: str, here: Project) -> Iterator[Move]:
    """Yield the cassette of the test ``old``, and those of all tests that begin with its name: its parameters."""
    exact = here.cassette_of(old)
    if exact.is_file():
        yield Move(exact, here.cassette_of(new), (old, new))
    # A module's own name ends where its folder begins.
    folder = here.cassette_of(f"{old.partition('::')[0]}::x").parent
    for path in store.cassettes(folder):
        for test in _tests(_read(path)):
            if _renamed(test, old, new) not in {None, new} and path == here.cassette_of(test):
                yield Move(path, here.cassette_of(f"{new}{test.removeprefix(old)}"), (old, new))


def _renamed(test: str, old: str, new: str) -> str | None:
    """Return what ``test`` is called when ``old`` is called ``new``; None where it is another test."""
    rest = test.removeprefix(old)
    return f"{new}{rest}" if test.startswith(old) and (not rest or rest.startswith(("[", "::"))) else None


def _tests(cassette: Cassette) -> set[str]:
    named = {each.recording.test for each in cassette.interactions} | set(cassette.incomplete)
    return {test for test in named if test}


def _read(path: Path) -> Cassette:
    try:
        return store.read(path)
    except CassetteError:
        if path.is_file():
            raise
        raise _missing(path) from None


def _missing(path: Path) -> SettingsError:
    there = [str(each) for each in store.cassettes(path.parent)]
    near = get_close_matches(str(path), there, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return SettingsError(f"there is no cassette {path} to move{hint}")


def _refuse_to_overwrite(each: Move) -> None:
    if not each.old.is_file():
        raise _missing(each.old)
    if each.new.exists():
        raise SettingsError(f"{each.new} is there already: remove it first, or choose another name")
    for left in _beside(each.old):
        part.left_at(left)  # raises where a process is still writing it


def moved(each: Move) -> Iterator[str]:
    """Move one cassette and its part files, and yield a line for each thing that was done."""
    cassette = store.read(each.old) if each.renamed else None
    beside = _beside(each.old)
    each.new.parent.mkdir(parents=True, exist_ok=True)
    if cassette and cassette.own and each.renamed:
        _write_renamed(each.new, cassette, each.renamed)
        each.old.unlink()
    else:
        each.old.rename(each.new)
    yield f"{each.old} -> {each.new}"
    for left in beside:
        there = each.new.with_name(f"{each.new.stem}{left.name.removeprefix(each.old.stem)}")
        left.rename(there)
        yield f"{left} -> {there}"
    if not any(each.old.parent.iterdir()):
        each.old.parent.rmdir()


def _beside(cassette: Path) -> list[Path]:
    return [path for path in part.parts(cassette.parent) if part.cassette_of(path) == cassette]


def _write_renamed(path: Path, cassette: Cassette, renamed: tuple[str, str]) -> None:
    """Write a cassette of ours in which the test bears its new name: that is whose recordings they are."""

    def name(test: str) -> str:
        return _renamed(test, *renamed) or test

    scrubber = Scrubber(salt=cassette.salt or new_salt(path.stem), secrets=credentials(os.environ))
    interactions = [
        Interaction(
            each.request, (each.response, replace(each.recording, test=name(each.recording.test or "") or None))
        )
        for each in cassette.interactions
    ]
    for each in interactions:
        scrubber.learn(each.request)
    draft = store.Draft(
        interactions=tuple(map(scrubber.interaction, interactions)),
        incomplete=tuple(map(name, cassette.incomplete)),
        salt=cassette.salt,
    )
    store.put(path, draft, gate=scrubber.gate())
