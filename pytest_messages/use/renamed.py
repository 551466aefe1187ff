"""Find the cassette of a test that has another name now: it lies beside the missing one and holds the same request."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from heapq import nlargest
from itertools import chain, takewhile
from typing import TYPE_CHECKING

from pytest_messages.cassette import store
from pytest_messages.errors import MessagesError
from pytest_messages.matching import Matching
from pytest_messages.scrubbing import Scrubber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_messages.use.plan import Plan
    from pytest_messages.use.run import Run
    from pytest_messages.wire import Request

_MOST = 32
_LARGEST = 4_000_000
"""What is looked through at most, files and bytes of one: a test that fails should fail soon."""


@dataclass(frozen=True, slots=True)
class Former:
    """A cassette that answers the request which found none at its path, and the tests that recorded it."""

    path: Path
    tests: tuple[str, ...]


def former(plan: Plan, run: Run, request: Request) -> Former | None:
    """Return the cassette that answers ``request`` and whose tests are not among those of this run, if there is one."""
    if not plan.path.parent.parent.is_dir():
        return None
    for path in nlargest(_MOST, _beside(plan.path), key=lambda path: _likeness(path, plan.path)):
        if str(path) in run.used:
            continue
        with suppress(MessagesError, OSError, ValueError):
            if path.stat().st_size <= _LARGEST and (tests := _tests(path, plan, run, request)):
                return Former(path, tests)
    return None


def _beside(missing: Path) -> Iterator[Path]:
    """Yield what lies in the same folder, and what has the same name in a folder beside: modules are renamed too."""
    folder = missing.parent
    elsewhere = (each / missing.name for each in folder.parent.iterdir() if each.is_dir())
    return (path for path in chain(folder.glob("*.yaml"), elsewhere) if path != missing and path.is_file())


def _likeness(path: Path, missing: Path) -> int:
    pairs = zip(path.name, missing.name, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _tests(path: Path, plan: Plan, run: Run, request: Request) -> tuple[str, ...]:
    """Return who recorded at ``path``, where all of them are gone and the request is there; else nothing."""
    cassette = store.read(path)
    tests = tuple(dict.fromkeys(test for each in cassette.interactions if (test := each.recording.test)))
    if not tests or any(run.order(test) >= 0 for test in tests):
        return ()
    scrubber = Scrubber(salt=cassette.salt or "", rules=plan.settings.scrub)
    sent = scrubber.request(request)
    matching = Matching(match_on=plan.settings.match_on, ignore=plan.settings.ignore)
    holds = any(not matching.compare(scrubber.request(each.request), sent) for each in cassette.interactions)
    return tests if holds else ()
