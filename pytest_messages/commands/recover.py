"""Bring into its cassette what a part file holds: what a killed run, a failed test or a failed last step left there."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages import report
from pytest_messages.cassette import part, store
from pytest_messages.cassette.disk import PART_SUFFIX
from pytest_messages.errors import CassetteError, MessagesError
from pytest_messages.report.layout import number
from pytest_messages.scrubbing import Scrubber, new_salt
from pytest_messages.use.opening import credentials

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pytest_messages.cassette.document import Interaction, ScrubbedInteraction
    from pytest_messages.cassette.part import Leftover

_REASON = "recovered from a part file: no test has passed with it yet"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came of one part file: how many interactions were ``added``, and what keeps the others out."""

    cassette: Path
    added: int
    refused: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help=f"part files (NAME.NUMBER{PART_SUFFIX}), or folders")
    parser.add_argument("--into", type=Path, metavar="CASSETTE", help="which cassette; the one beside it otherwise")
    parser.add_argument(
        "--replace", action="store_true", help="in place of what the same test has recorded in the cassette before"
    )


def run(asked: argparse.Namespace) -> int:
    """Recover every part file that ``asked`` names, and return the exit code: 1 where one of them is still there."""
    paths = _parts(asked.paths)
    if not paths:
        print("there is no part file to recover: nothing was left behind", file=sys.stderr)
        return 2
    return max(_recovered(path, asked.into, replacing=asked.replace) for path in paths)


def _parts(named: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, named):
        if path.is_dir():
            folders = [path, *(each for each in sorted(path.rglob("*")) if each.is_dir())]
            found += [each for folder in folders for each in part.parts(folder)]
        elif path.exists():
            found.append(path)
        else:
            raise CassetteError(f"there is no file or folder {path}", path=str(path))
    return list(dict.fromkeys(found))


def _recovered(path: Path, into: Path | None, *, replacing: bool) -> int:
    """Recover one file and say what came of it; what is wrong with one keeps no other."""
    try:
        done = recover(path, into=into, replacing=replacing)
    except MessagesError as error:
        print(report.explain(error), file=sys.stderr)
        return 1
    print(f"{path}: {number(done.added, 'interaction')} brought into {done.cassette}")
    for problem in done.refused:
        print(f"{path}: {problem}", file=sys.stderr)
    if done.refused:
        print(f"{path} stays, for what it still holds", file=sys.stderr)
    return 1 if done.refused else 0


def recover(path: Path, *, into: Path | None = None, replacing: bool = False) -> Recovered:
    """Move what the part file ``path`` holds into its cassette, or ``into`` another.

    An interaction that the gate refuses keeps no other back.

    What stands in the cassette already is not added again. The file is removed when all it held stands there. Raises
    `CassetteError` where it is no part file, is in use, or the cassette cannot be read or written.
    """
    left, cassette = part.left_at(path), into or part.cassette_of(path)
    if not left.cassette.interactions:
        raise CassetteError(f"{path} holds no whole interaction: delete it", path=str(path))
    scrubber = _scrubber(left, cassette)
    gate = scrubber.gate()
    fresh, refused = _passing(left.cassette.interactions, scrubber)
    added = 0

    def change(current: store.Draft | None) -> store.Draft:
        nonlocal added
        draft = _brought_in(current or store.Draft(salt=left.cassette.salt), left, fresh, replacing=replacing)
        known = current.interactions if current else ()
        added = sum(each not in known for each in draft.interactions)
        return draft

    if fresh:
        store.commit(cassette, change, gate=gate, scrub=scrubber.interaction)
    if not refused:
        left.remove()
    return Recovered(cassette, added, refused)


def _scrubber(left: Leftover, cassette: Path) -> Scrubber:
    salt = left.cassette.salt or new_salt(cassette.stem)
    return Scrubber(salt=salt, secrets=credentials(os.environ))


def _passing(
    interactions: Sequence[Interaction], scrubber: Scrubber
) -> tuple[tuple[ScrubbedInteraction, ...], tuple[str, ...]]:
    """Return what the gate lets through, and in words what it does not."""
    gate, fine, refused = scrubber.gate(), [], []
    for count, interaction in enumerate(interactions, 1):
        scrubbed = scrubber.interaction(interaction)
        leaks = gate.check(store.text_of(scrubbed)).leaks
        if leaks:
            found = ", ".join(dict.fromkeys(f"{leak.kind} at {leak.where}" for leak in leaks))
            refused.append(f"interaction {count} holds a secret and was not brought in: {found}")
        else:
            fine.append(scrubbed)
    return tuple(fine), tuple(refused)


def _brought_in(
    current: store.Draft, left: Leftover, fresh: Sequence[ScrubbedInteraction], *, replacing: bool
) -> store.Draft:
    tests = {each.recording.test for each in fresh}
    kept = [each for each in current.interactions if not (replacing and each.recording.test in tests)]
    waiting = sorted({*current.incomplete, *left.cassette.incomplete})
    return store.Draft(
        interactions=(*kept, *(each for each in fresh if each not in kept)),
        incomplete=tuple(waiting),
        reasons={**dict.fromkeys(left.cassette.incomplete, _REASON), **current.reasons},
        salt=current.salt or left.cassette.salt,
    )
