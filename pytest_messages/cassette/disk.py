"""What every writer of a cassette needs: one writer at a time, whole bytes, errors that say what to do."""

from __future__ import annotations

import contextlib
import errno
import getpass
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import filelock

from pytest_messages.errors import CassetteError, SecretLeakError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.findings import GateResult

PART_SUFFIX = ".part.yaml"
"""What ends the name of every file beside a cassette that is not one; projects keep it out of version control."""

_SHOWN = 5
_WRITERS = 64
BINARY = getattr(os, "O_BINARY", 0)

# What the operating system says, and what to do about it. Nothing was lost: see `commit`.
_REMEDIES: dict[int, str] = {
    errno.EACCES: "make it writable, or choose another place with --messages-dir",
    errno.EPERM: "make it writable, or choose another place with --messages-dir",
    errno.EROFS: "make it writable, or choose another place with --messages-dir",
    errno.ENOSPC: "free some space; what stood there before is whole",
    errno.EDQUOT: "free some space; what stood there before is whole",
    errno.EFBIG: "raise the limit on file sizes; what stood there before is whole",
    errno.EISDIR: "move the directory away, or name the cassette otherwise: @pytest.mark.messages('name')",
    errno.ENOTDIR: "a part of the path is a file: move it away, or choose another place with --messages-dir",
    errno.EEXIST: "a part of the path is a file: move it away, or choose another place with --messages-dir",
    errno.ENAMETOOLONG: "give the cassette a shorter name: @pytest.mark.messages('name')",
}


class LeakCheck(Protocol):
    """Whoever can tell what in a text must not be stored; `scrubbing.Gate` is one."""

    def check(self, text: str, *, where: str = "") -> GateResult:
        """Return what was found."""


def pass_gate(gate: LeakCheck, text: str, path: Path) -> None:
    """Raise `SecretLeakError` where ``gate`` finds anything in ``text``, which was to be written to ``path``."""
    leaks = gate.check(text).leaks
    if leaks:
        found = ", ".join(f"{leak.kind} at {leak.where}" for leak in leaks[:_SHOWN])
        more = f" and {len(leaks) - _SHOWN} more" if len(leaks) > _SHOWN else ""
        raise SecretLeakError(f"not written to {path}: {found}{more}", path=str(path), leaks=leaks)


def write_all(file: int, data: bytes) -> None:
    """Write ``data`` to an open file, in as many pieces as the system takes."""
    while data:
        data = data[os.write(file, data) :]


def writer_lock(path: Path) -> filelock.BaseFileLock:
    """Return the lock that whoever replaces the cassette at ``path`` holds while it does.

    A lock file cannot be removed soundly: one process would hold the removed file, and another its successor. So there
    are no more than a fixed number of them, which cassettes share; two that meet wait a moment for each other.
    """
    return _lock(f"writer-{int(_digest(path), 16) % _WRITERS:02}")


def life_lock(path: Path) -> filelock.BaseFileLock:
    """Return the lock that the process that writes the part file at ``path`` holds as long as it lives.

    Its file goes with the part file: a part's name has its process in it, so nobody else will ask for it.
    """
    return _lock(_digest(path)[:20])


def _lock(name: str) -> filelock.BaseFileLock:
    """Return the lock of that name. Its file stands in the user's temporary directory, not among the cassettes."""
    directory = Path(tempfile.gettempdir()) / f"pytest-messages-{getattr(os, 'geteuid', getpass.getuser)()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    return filelock.FileLock(directory / f"{name}.lock", thread_local=False, poll_interval=0.01)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name what goes wrong while ``path`` is written, as `CassetteError`."""
    try:
        yield
    except filelock.Timeout:
        problem = f"another process has been writing {path} for too long; end it and run again"
        raise CassetteError(problem, path=str(path)) from None
    except OSError as error:
        raise failure("write", path, error) from error


def failure(verb: str, path: Path, error: OSError) -> CassetteError:
    """Make the error for what the operating system said, with what to do about it."""
    remedy = _REMEDIES.get(error.errno or 0, "look after the place, or choose another with --messages-dir")
    elsewhere = error.filename is not None and Path(error.filename).parent not in {path, *path.parents}
    place = f" ({error.filename})" if elsewhere else ""
    return CassetteError(f"cannot {verb} {path}: {error.strerror or error}{place}; {remedy}", path=str(path))
