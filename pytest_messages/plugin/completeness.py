"""Whether a run was the whole suite: only then does a cassette that nobody used belong to nobody.

Every way to run less leaves one of few traces: the command line names less than there is, a collector was skipped or
broke, items were left out after they were collected, or the run ended before its items did. So these traces are read,
and not the options that leave them.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(slots=True)
class Completeness:
    """What a process saw of the suite.

    ``unfinished`` are the tests that were skipped or failed: they may have stopped before they opened a cassette.
    ``begun`` counts the tests that were run.
    """

    reasons: list[str] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)
    begun: int = 0

    @classmethod
    def of(cls, config: pytest.Config) -> Completeness:
        """Return what this process has seen so far."""
        return config.stash.setdefault(_SEEN, cls())

    def note(self, report: pytest.TestReport) -> None:
        """Remember a test that did not come to its end; a rerun may."""
        if report.when == "setup" and report.passed:
            self.unfinished.discard(report.nodeid)
        elif not report.passed:
            self.unfinished.add(report.nodeid)

    def lacks(self, reason: str) -> None:
        """Remember why this is not the whole suite."""
        if reason not in self.reasons:
            self.reasons.append(reason)

    def plain(self) -> dict[str, list[str]]:
        """Return what a worker sends."""
        return {"reasons": self.reasons, "unfinished": sorted(self.unfinished)}

    def add(self, plain: dict[str, list[str]]) -> None:
        """Add what a worker sent."""
        for reason in plain["reasons"]:
            self.lacks(reason)
        self.unfinished.update(plain["unfinished"])

    def why_not(self, session: pytest.Session) -> str | None:
        """Return why this run was not the whole suite; None where it was."""
        return next(iter([*self._of_the_run(session), *_of_the_command_line(session.config), *self.reasons]), None)

    def _of_the_run(self, session: pytest.Session) -> Iterator[str]:
        if session.config.getoption("collectonly", default=False):
            yield "no test was run"
        stopped = str(session.shouldfail or session.shouldstop or "")
        left = len(getattr(session, "items", ())) - self.begun
        if session.exitstatus in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR}:
            yield stopped or next(iter(self.reasons), "the run was broken off")
        elif left > 0 and not _hands_out(session.config):
            tests = "1 test" if left == 1 else f"{left:,} tests"
            yield f"{tests} never ran" + (f": {stopped}" if stopped else "")


def _hands_out(config: pytest.Config) -> bool:
    return bool(config.getoption("dist", "no") != "no")


_SEEN = pytest.StashKey[Completeness]()


def _of_the_command_line(config: pytest.Config) -> Iterator[str]:
    # What `addopts` says defines the suite, and what is typed leaves some of it out.
    for argument in map(str, config.invocation_params.args):
        if argument.startswith("--ignore"):
            yield "the command line says --ignore"
    if config.getoption("lf", default=False):
        yield "only what failed last was run"
    named = [_place(config, argument) for argument in config.args]
    if missing := [path for path in _suite(config) if not _is_covered(path, named)]:
        yield f"{_shown(config, missing[0])} was not run as a whole" + (
            "" if config.getini("testpaths") else ", and no testpaths in the ini file say where all tests are"
        )


def _suite(config: pytest.Config) -> list[Path]:
    """Return where all tests are, as far as is known."""
    found = [path for pattern in config.getini("testpaths") for path in sorted(config.rootpath.glob(pattern))]
    return [path.resolve() for path in found or [config.rootpath]]


def _place(config: pytest.Config, argument: str) -> Path | None:
    """Return what an argument of the command line names as a whole; None for a test in a file."""
    if "::" in argument:
        return None
    path = (config.invocation_params.dir / argument).resolve()
    if not path.exists() and config.getoption("pyargs", default=False):
        return _package(argument)
    return path


def _package(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).resolve().parent if spec.submodule_search_locations else Path(spec.origin).resolve()


def _is_covered(path: Path, named: Iterable[Path | None]) -> bool:
    return any(place is not None and path.is_relative_to(place) for place in named)


def _shown(config: pytest.Config, path: Path) -> str:
    root = config.rootpath.resolve()
    return path.relative_to(root).as_posix() if path != root and path.is_relative_to(root) else "the whole suite"
