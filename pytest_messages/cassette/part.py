"""What a test has recorded so far, in a file beside its cassette, and what killed processes left there."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import filelock

from pytest_messages.cassette.disk import BINARY, PART_SUFFIX, failure, life_lock, pass_gate, write_all, writing
from pytest_messages.cassette.document import Cassette
from pytest_messages.cassette.naming import SUFFIXES
from pytest_messages.cassette.reading import load, whole_interactions
from pytest_messages.cassette.writing import dump_head, dump_interaction
from pytest_messages.errors import CassetteError

if TYPE_CHECKING:
    from pytest_messages.cassette.disk import LeakCheck
    from pytest_messages.cassette.document import ScrubbedInteraction


class Part:
    """What one test has recorded so far, in a file beside its cassette, safe from the moment each answer ended.

    The file is a cassette of its own, marked incomplete. It is made by `prepare`, and any thread may append.
    Until `close` or `discard`, or the end of the process, other processes leave it alone.
    """

    def __init__(self, cassette: Path, *, gate: LeakCheck, test: str | None = None, salt: str | None = None) -> None:
        self.cassette = cassette
        self.path: Path | None = None
        self._gate = gate
        self.salt = salt
        self._test = test
        self._one_at_a_time = threading.Lock()
        self._file: int | None = None
        self._life: filelock.BaseFileLock | None = None
        self._size = 0
        self._holds = 0
        """How many interactions stand in the file; without any there is no reason to leave it."""
        self._waiting: list[bytes] = []
        """What a full disk did not take: the next call goes out when it has been written, and not before."""

    def prepare(self) -> None:
        """Make the file, so that a place where nothing can be written is known before anything has been paid for.

        Raises `CassetteError`, also where something stands in the way of the cassette itself, and where what came
        before could not be written and still cannot.
        """
        with self._one_at_a_time, writing(self.cassette):
            self._ready()
            self._catch_up()

    def append(self, interaction: ScrubbedInteraction) -> None:
        """Write ``interaction`` down; when this returns, killing the process no longer loses it.

        Raises `SecretLeakError` and writes nothing of it, or `CassetteError` and takes back what was written of it;
        `prepare` tries again.
        """
        with self._one_at_a_time, writing(self.cassette):
            text = dump_interaction(interaction)
            pass_gate(self._gate, text, self.cassette)
            try:
                self._ready()
                self._add(text.encode())
            except OSError:
                self._waiting.append(text.encode())
                raise

    @property
    def is_whole(self) -> bool:
        """Whether all that was appended stands in the file, and the file where it was made."""
        return not self._waiting and self.path is not None and self.path.is_file()

    def close(self) -> None:
        """Let go of the file, and leave it for `leftovers` to find where it holds anything."""
        with self._one_at_a_time:
            if self._holds:
                self._let_go()
            else:
                self._remove()

    def discard(self) -> None:
        """Remove the file: what it held has been committed, or is not wanted."""
        with self._one_at_a_time:
            self._waiting.clear()
            self._remove()

    def __enter__(self) -> Self:
        """Return the part itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self.close()

    def _head(self) -> str:
        tests = () if self._test is None else (self._test,)
        return dump_head(Cassette(incomplete=tests, salt=self.salt), empty=False)

    def _ready(self) -> None:
        if self._file is None:
            if self.cassette.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self.cassette))
            self._open()
            self._write(self._head().encode())

    def _catch_up(self) -> None:
        while self._waiting:
            self._add(self._waiting[0])
            del self._waiting[0]

    def _add(self, interaction: bytes) -> None:
        self._write(interaction)
        self._holds += 1

    def _open(self) -> None:
        self.cassette.parent.mkdir(parents=True, exist_ok=True)
        numbers = count()
        while self._file is None:
            path = self.cassette.with_name(_part_name(self.cassette, next(numbers)))
            with contextlib.suppress(filelock.Timeout, FileExistsError):
                self._begin(path)

    def _begin(self, path: Path) -> None:
        # The lock comes first, so that nobody takes a file that is there for one whose process is gone.
        life = life_lock(path)
        life.acquire(blocking=False)
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o666)
        except OSError:
            life.release()
            raise
        self.path, self._life = path, life

    def _write(self, data: bytes) -> None:
        file = cast("int", self._file)
        try:
            write_all(file, data)
        except OSError:
            if not self._size:
                self._remove()
            else:
                os.ftruncate(file, self._size)
                os.lseek(file, self._size, os.SEEK_SET)
            raise
        self._size += len(data)

    def _remove(self) -> None:
        self._let_go()
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None
            self._holds = 0

    def _let_go(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
            self._size = 0
        if self._life is not None:
            self._life.release()
            Path(self._life.lock_file).unlink(missing_ok=True)
            self._life = None


_NAME = re.compile(rf"(?P<stem>.+)\.[0-9]+(-[0-9]+)?{re.escape(PART_SUFFIX)}", re.DOTALL)
"""How `_part_name` names: the cassette, the process, and a number where one process needs several."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A part file whose process is gone: ``cassette`` holds its whole interactions, and names their test."""

    path: Path
    cassette: Cassette

    def remove(self) -> None:
        """Remove the file, and the lock file that its process left."""
        self.path.unlink(missing_ok=True)
        Path(life_lock(self.path).lock_file).unlink(missing_ok=True)


def leftovers(cassette: Path) -> tuple[Leftover, ...]:
    """Return what processes that were killed left beside ``cassette``, in order of their names.

    Raises `CassetteFormatError` where a file of such a name holds something else.
    """
    paths = (path for path in parts(cassette.parent) if _NAME.fullmatch(path.name)["stem"] == cassette.stem)  # type: ignore[index]
    return tuple(Leftover(path, _salvaged(path)) for path in paths if not _alive(path))


def parts(folder: Path) -> list[Path]:
    """Return the part files in ``folder``, in order of their names; none where there is no such folder."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name)) if folder.is_dir() else []


def left_at(path: Path) -> Leftover:
    """Return what the part file ``path`` holds.

    Raises `CassetteError` where it is none, cannot be read, or is being written by a process that still runs.
    """
    if not _NAME.fullmatch(path.name):
        raise CassetteError(f"{path} is no part file: those are named NAME.NUMBER{PART_SUFFIX}", path=str(path))
    if _alive(path):
        raise CassetteError(f"{path} is being written by a process that still runs; wait for it", path=str(path))
    try:
        return Leftover(path, _salvaged(path))
    except OSError as error:
        raise failure("read", path, error) from error


def cassette_of(path: Path) -> Path:
    """Return the cassette that the part file ``path`` belongs to."""
    named = _NAME.fullmatch(path.name)
    stem = named["stem"] if named else path.stem
    usual = path.with_name(f"{stem}.yaml")
    there = [each for suffix in SUFFIXES if (each := path.with_name(f"{stem}{suffix}")).is_file()]
    return there[0] if there else usual


def _part_name(cassette: Path, number: int) -> str:
    return f"{cassette.stem}.{os.getpid()}{f'-{number}' if number else ''}{PART_SUFFIX}"


def _salvaged(path: Path) -> Cassette:
    text = whole_interactions(path.read_bytes().decode(errors="replace"))
    return load(text, str(path)) if text else Cassette()


def _alive(part: Path) -> bool:
    """Tell whether the process that writes ``part`` still does: it holds a lock for as long as it lives."""
    try:
        with life_lock(part).acquire(blocking=False):
            return False
    except filelock.Timeout:
        return True
