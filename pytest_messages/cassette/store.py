"""Cassettes on disk: canonical text, append as it happens, replace at once, one writer."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages.cassette.disk import BINARY, PART_SUFFIX, failure, pass_gate, write_all, writer_lock, writing
from pytest_messages.cassette.document import Cassette
from pytest_messages.cassette.reading import load, unread
from pytest_messages.cassette.writing import dump, dump_interaction
from pytest_messages.errors import CassetteNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_messages.cassette.disk import LeakCheck
    from pytest_messages.cassette.document import Interaction, ScrubbedInteraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A cassette as it may be written: every interaction is scrubbed."""

    interactions: tuple[ScrubbedInteraction, ...] = ()
    incomplete: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    salt: str | None = None

    def text(self, unread: Mapping[str, object]) -> str:
        """Return the text of the file, with what other tools put into it."""
        return dump(
            Cassette(
                interactions=self.interactions,
                incomplete=self.incomplete,
                reasons=self.reasons,
                salt=self.salt,
                unread=unread,
            )
        )


def text_of(interaction: ScrubbedInteraction) -> str:
    """Return the text of one interaction as it would stand in the file, for the gate."""
    return dump_interaction(interaction)


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
        raise failure("read", path, error) from error


def commit(
    path: Path,
    change: Callable[[Draft | None], Draft | None],
    *,
    gate: LeakCheck,
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
        found = None if before is None else load(before, str(path))
        draft = change(None if found is None else _scrubbed(found, scrub))
        return draft is not None and _put(target, before, draft.text(found.unread if found else {}), gate, path)


def put(path: Path, draft: Draft, *, gate: LeakCheck, patience: float = 60.0) -> bool:
    """Replace whatever stands at ``path``, readable or not, and tell whether the file is another now.

    What other tools put beside the interactions stays, since nobody can record it again here. As
    safe as `commit`, and raises what it raises, but for the errors of reading.
    """
    with _only_writer(path, patience) as target:
        before = _bytes_at(target)
        return _put(target, before, draft.text(unread(before or "", str(path))), gate, path)


def cassettes(directory: Path) -> Iterator[Path]:
    """Yield the cassette files below ``directory`` in order of their names; part files are none."""
    for path in sorted(directory.rglob("*.y*ml")):
        if path.suffix in {".yaml", ".yml"} and not path.name.endswith(PART_SUFFIX) and path.is_file():
            yield path


@contextlib.contextmanager
def _only_writer(path: Path, patience: float) -> Iterator[Path]:
    """Keep other writers out, and hand over the file itself where ``path`` is a link."""
    target = Path(os.path.realpath(path))
    with writing(path), writer_lock(target).acquire(timeout=patience):
        yield target


def _put(target: Path, before: bytes | None, text: str, gate: LeakCheck, path: Path) -> bool:
    pass_gate(gate, text, path)
    if text.encode() == before:
        return False
    _replace(target, text.encode())
    return True


def _scrubbed(cassette: Cassette, scrub: Callable[[Interaction], ScrubbedInteraction]) -> Draft:
    return Draft(
        interactions=tuple(scrub(interaction) for interaction in cassette.interactions),
        incomplete=cassette.incomplete,
        reasons=cassette.reasons,
        salt=cassette.salt,
    )


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
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | BINARY, 0o666)
        try:
            write_all(file, data)
            os.fsync(file)
        finally:
            os.close(file)
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(target, fresh)
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
