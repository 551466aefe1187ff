"""Cassettes on disk: canonical text, append as it happens, replace at once, one writer."""

from __future__ import annotations

import contextlib
import errno
import getpass
import hashlib
import os
import re
import shutil
import tempfile
import threading
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, cast

import filelock

from pytest_messages.cassette.document import Cassette
from pytest_messages.cassette.reading import load, whole_interactions
from pytest_messages.cassette.writing import dump, dump_head, dump_interaction
from pytest_messages.errors import CassetteError, CassetteNotFoundError, SecretLeakError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_messages.cassette.document import Interaction, ScrubbedInteraction
    from pytest_messages.findings import GateResult

PART_SUFFIX = ".part.yaml"
"""What ends the name of every file beside a cassette that is not one; projects keep it out of version control."""

_SHOWN = 5
_BINARY = getattr(os, "O_BINARY", 0)

# What the operating system says, and what to do about it. Nothing was lost: see `commit`.
_REMEDIES: dict[int, str] = {
    errno.EACCES: "make it writable, or choose another place with --messages-dir",
    errno.EPERM: "make it writable, or choose another place with --messages-dir",
    errno.EROFS: "make it writable, or choose another place with --messages-dir",
    errno.ENOSPC: "free some space and record again; what stood there before is whole",
    errno.EDQUOT: "free some space and record again; what stood there before is whole",
    errno.EFBIG: "raise the limit on file sizes and record again; what stood there before is whole",
    errno.EISDIR: "move the directory away, or name the cassette otherwise: @pytest.mark.messages('name')",
    errno.ENOTDIR: "a part of the path is a file: move it away, or choose another place with --messages-dir",
    errno.EEXIST: "a part of the path is a file: move it away, or choose another place with --messages-dir",
    errno.ENAMETOOLONG: "give the cassette a shorter name: @pytest.mark.messages('name')",
}


class Gate(Protocol):
    """Whoever can tell what in a text must not be stored; `scrubbing.Gate` is one."""

    def check(self, text: str, *, where: str = "") -> GateResult:
        """Return what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A cassette as it may be written: every interaction is scrubbed."""

    interactions: tuple[ScrubbedInteraction, ...] = ()
    incomplete: tuple[str, ...] = ()
    salt: str | None = None

    @property
    def text(self) -> str:
        """The text of the file."""
        return dump(Cassette(interactions=self.interactions, incomplete=self.incomplete, salt=self.salt))


def read(path: Path) -> Cassette:
    """Return the cassette at ``path``.

    Raises `CassetteNotFoundError`, `CassetteFormatError` (line and column), `CassetteVersionError`, and `CassetteError`
    where the file cannot be read.
    """
    try:
        return load(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise CassetteNotFoundError(f"there is no cassette {path}", path=str(path)) from None
    except OSError as error:
        raise _failure("read", path, error) from error


def commit(
    path: Path,
    change: Callable[[Draft | None], Draft | None],
    *,
    gate: Gate,
    scrub: Callable[[Interaction], ScrubbedInteraction],
    patience: float = 60.0,
) -> bool:
    """Replace the cassette at ``path`` by what ``change`` makes of it, and tell whether the file is another now.

    ``change`` gets what stands on disk at this moment, scrubbed, or None where nothing does; nobody else writes until
    it has answered. It returns what shall stand there, or None to leave the file alone. Whatever goes wrong (an
    exception of ``change``, a leak, a full disk, the process killed at any byte) leaves the old file whole. Raises
    what `read` raises, `SecretLeakError`, and `CassetteError` where the file cannot be written, or another process
    has been writing it for ``patience`` seconds.
    """
    with _only_writer(path, patience) as target:
        before = _bytes_at(target)
        draft = change(None if before is None else _scrubbed(load(before, str(path)), scrub))
        return draft is not None and _put(target, draft, before, gate=gate, path=path)


def put(path: Path, draft: Draft, *, gate: Gate, patience: float = 60.0) -> bool:
    """Replace whatever stands at ``path``, readable or not, and tell whether the file is another now.

    As safe as `commit`, and raises what it raises, but for the errors of reading.
    """
    with _only_writer(path, patience) as target:
        return _put(target, draft, _bytes_at(target), gate=gate, path=path)


class Part:
    """What one test has recorded so far, in a file beside its cassette, safe from the moment each answer ended.

    The file is a cassette of its own, marked incomplete. It is made by `prepare`, and any thread may append.
    Until `close` or `discard`, or the end of the process, other processes leave it alone.
    """

    def __init__(self, cassette: Path, *, gate: Gate, test: str | None = None, salt: str | None = None) -> None:
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

    def prepare(self) -> None:
        """Make the file, so that a place where nothing can be written is known before anything has been paid for.

        Raises `CassetteError`, also where something stands in the way of the cassette itself.
        """
        with self._one_at_a_time, _writing(self.cassette):
            self._ready()

    def append(self, interaction: ScrubbedInteraction) -> None:
        """Write ``interaction`` down; when this returns, killing the process no longer loses it.

        Raises `SecretLeakError` and writes nothing of it, or `CassetteError` and takes back what was written of it.
        """
        with self._one_at_a_time, _writing(self.cassette):
            text = dump_interaction(interaction)
            _pass(self._gate, text, self.cassette)
            self._ready()
            self._write(text.encode())
            self._holds += 1

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

    def _open(self) -> None:
        self.cassette.parent.mkdir(parents=True, exist_ok=True)
        numbers = count()
        while self._file is None:
            path = self.cassette.with_name(_part_name(self.cassette, next(numbers)))
            with contextlib.suppress(filelock.Timeout, FileExistsError):
                self._begin(path)

    def _begin(self, path: Path) -> None:
        # The lock comes first, so that nobody takes a file that is there for one whose process is gone.
        life = _lock(path)
        life.acquire(blocking=False)
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
        except OSError:
            life.release()
            raise
        self.path, self._life = path, life

    def _write(self, data: bytes) -> None:
        file = cast("int", self._file)
        try:
            _write_all(file, data)
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


@dataclass(frozen=True, slots=True)
class Leftover:
    """A part file whose process is gone: ``cassette`` holds its whole interactions, and names their test."""

    path: Path
    cassette: Cassette

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def leftovers(cassette: Path) -> tuple[Leftover, ...]:
    """Return what processes that were killed left beside ``cassette``, in order of their names.

    Raises `CassetteFormatError` where a file of such a name holds something else.
    """
    name = re.compile(rf"{re.escape(cassette.stem)}\.[0-9]+(-[0-9]+)?{re.escape(PART_SUFFIX)}")
    if not cassette.parent.is_dir():
        return ()
    paths = sorted(path for path in cassette.parent.iterdir() if name.fullmatch(path.name))
    return tuple(Leftover(path, _salvaged(path)) for path in paths if not _alive(path))


def cassettes(directory: Path) -> Iterator[Path]:
    """Yield the cassette files below ``directory`` in order of their names; part files are none."""
    for path in sorted(directory.rglob("*.y*ml")):
        if path.suffix in {".yaml", ".yml"} and not path.name.endswith(PART_SUFFIX) and path.is_file():
            yield path


@contextlib.contextmanager
def _only_writer(path: Path, patience: float) -> Iterator[Path]:
    """Keep other writers out, and hand over the file itself where ``path`` is a link."""
    target = Path(os.path.realpath(path))
    with _writing(path), _lock(target).acquire(timeout=patience):
        yield target


def _put(target: Path, draft: Draft, before: bytes | None, *, gate: Gate, path: Path) -> bool:
    text = draft.text
    _pass(gate, text, path)
    if text.encode() == before:
        return False
    _replace(target, text.encode())
    return True


def _scrubbed(cassette: Cassette, scrub: Callable[[Interaction], ScrubbedInteraction]) -> Draft:
    return Draft(
        interactions=tuple(scrub(interaction) for interaction in cassette.interactions),
        incomplete=cassette.incomplete,
        salt=cassette.salt,
    )


def _pass(gate: Gate, text: str, path: Path) -> None:
    leaks = gate.check(text).leaks
    if leaks:
        found = ", ".join(f"{leak.kind} at {leak.where}" for leak in leaks[:_SHOWN])
        more = f" and {len(leaks) - _SHOWN} more" if len(leaks) > _SHOWN else ""
        raise SecretLeakError(f"not written to {path}: {found}{more}", path=str(path), leaks=leaks)


def _bytes_at(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _replace(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # One name, since the lock is held: what a killed process left is overwritten by the next.
    fresh = target.with_name(f"{target.stem}.new{PART_SUFFIX}")
    try:
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o666)
        try:
            _write_all(file, data)
            os.fsync(file)
        finally:
            os.close(file)
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(target, fresh)
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _part_name(cassette: Path, number: int) -> str:
    return f"{cassette.stem}.{os.getpid()}{f'-{number}' if number else ''}{PART_SUFFIX}"


def _salvaged(path: Path) -> Cassette:
    text = whole_interactions(path.read_bytes().decode(errors="replace"))
    return load(text, str(path)) if text else Cassette()


def _alive(part: Path) -> bool:
    """Tell whether the process that writes ``part`` still does: it holds a lock for as long as it lives."""
    try:
        with _lock(part).acquire(blocking=False):
            return False
    except filelock.Timeout:
        return True


def _lock(path: Path) -> filelock.BaseFileLock:
    """Return the lock of ``path``. Its file stands in the user's temporary directory, not among the cassettes."""
    directory = Path(tempfile.gettempdir()) / f"pytest-messages-{getattr(os, 'geteuid', getpass.getuser)()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    digest = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:20]
    return filelock.FileLock(directory / f"{digest}.lock", thread_local=False, poll_interval=0.01)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except filelock.Timeout:
        problem = f"another process has been writing {path} for too long; end it and run again"
        raise CassetteError(problem, path=str(path)) from None
    except OSError as error:
        raise _failure("write", path, error) from error


def _failure(verb: str, path: Path, error: OSError) -> CassetteError:
    remedy = _REMEDIES.get(error.errno or 0, "look after the place, or choose another with --messages-dir")
    elsewhere = error.filename is not None and Path(error.filename).parent not in {path, *path.parents}
    place = f" ({error.filename})" if elsewhere else ""
    return CassetteError(f"cannot {verb} {path}: {error.strerror or error}{place}; {remedy}", path=str(path))
