"""What a run is left with: judged and told once, by the process that hears of everything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_messages import report
from pytest_messages.cassette import store
from pytest_messages.errors import CassetteError
from pytest_messages.plugin.completeness import Completeness
from pytest_messages.plugin.names import resolved
from pytest_messages.use.run import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.settings import Settings
    from pytest_messages.use.run import Run


def judge(session: pytest.Session, run: Run) -> None:
    """Judge what only the whole run can show, and let the run fail where it must."""
    settings = resolved(session.config, None, [])
    run.notes += [*_unplayed(run), *_orphans(session, run, settings)]
    if any(note.fails for note in run.notes) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def lines(run: Run) -> list[str]:
    """Return the lines for the end of the run."""
    # Each worker says what it saw; what two of them saw is said once.
    return report.summary(run.tally, list(dict.fromkeys(note.text for note in run.notes)))


def _unplayed(run: Run) -> Iterator[Note]:
    for path, positions, shared in run.unplayed():
        missing = sorted(shared.recorders - run.passed)
        if missing:
            yield Note(report.unplayed_not_judged(path, missing))
        else:
            yield Note(report.unplayed_by_all(path, positions, shared.total), fails=shared.policy == "fail")


def _orphans(session: pytest.Session, run: Run, settings: Settings) -> Iterator[Note]:
    directory = Path(settings.dir)
    if settings.orphans == "ignore" or not directory.is_dir():
        return
    seen = Completeness.of(session.config)
    if why_not := seen.why_not(session):
        yield Note(report.orphans_not_judged(why_not))
        return
    unused = [path for path in store.cassettes(directory) if str(path) not in run.used]
    # A test that was skipped or failed may have stopped before it opened what it recorded.
    left = [run.shown(path) for path in unused if not _recorders(path) & seen.unfinished]
    if left:
        yield Note(report.orphans(left), fails=settings.orphans == "fail")


def _recorders(path: Path) -> set[str]:
    try:
        return {test for each in store.read(path).interactions if (test := each.recording.test)}
    except CassetteError:
        return set()
