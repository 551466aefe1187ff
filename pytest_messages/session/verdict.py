"""What a session has to say, each thing once.

Refusals, secrets that were kept off the disk, what the judge found, calls that went out unrecorded, recordings that
nobody asked for: they come up at different times, some while the test runs, some when its call is over, some after it,
and several places ask for them. So they stand in one list, in the order in which they came up, and what has been told
is a position in it. A problem is a value with an identity: one that comes up again is the one that stands there.

One thing is known late. A test may mean a refusal, and says so only after the refusal was raised. So `Problem.meant` is
looked up when problems are told, not when they are noted.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import TYPE_CHECKING

from pytest_messages.errors import ConformanceError, MessagesError
from pytest_messages.findings import Violation

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from pytest_messages.errors import Refused


_LONG = 400


class Weight(StrEnum):
    """What a problem does to the test in which it comes up."""

    FAIL = auto()
    WARN = auto()
    """A line of the summary, since a setting asks for no more."""
    NOTE = auto()
    """A line of the summary, whatever the settings."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to tell; two of one ``identity`` are one. ``refusal`` is what was raised, where something was."""

    what: MessagesError | Violation | str
    weight: Weight = Weight.FAIL
    identity: Hashable = None
    refusal: Refused | None = None

    @property
    def meant(self) -> bool:
        """Whether this is a refusal that the test has said it meant."""
        return self.refusal is not None and self.refusal.caught

    @property
    def fails(self) -> bool:
        """Whether the test fails by it, as far as is known."""
        return self.weight is Weight.FAIL and not self.meant


class Verdict:
    """The problems of one session. Any thread may add to them."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._standing: dict[Hashable, Problem] = {}
        self._told = 0
        self._lock = threading.RLock()

    def add(self, problem: Problem) -> Problem:
        """Note ``problem`` down, and return the one that stands for it: an earlier one, where it came up before."""
        identity = _by_value(problem) if problem.identity is None else problem.identity
        with self._lock:
            standing = self._standing.get(identity)
            if standing is not None and not standing.meant:
                return standing
            self._standing[identity] = problem
            self._problems.append(problem)
            return problem

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that came up so far, told or not, in the order in which it did."""
        return tuple(self._problems)

    def take(self) -> list[Problem]:
        """Return what has not been told yet; whoever takes it tells it."""
        with self._lock:
            fresh, self._told = self._problems[self._told :], len(self._problems)
        return fresh

    @property
    def fails(self) -> bool:
        """Whether the test fails by anything that came up so far, told or not."""
        return any(problem.fails for problem in self.problems)

    @property
    def reason(self) -> str | None:
        """The first thing that makes the test fail, in one line; None where nothing does."""
        return next(map(_in_a_line, failing(self.problems)), None)


def _by_value(problem: Problem) -> Hashable:
    """Tell apart what was raised by what it is, and anything else by what it says."""
    if problem.refusal is not None:
        return problem.refusal
    what = problem.what
    return f"{type(what).__name__} {what}" if isinstance(what, MessagesError) else what


def failing(problems: Iterable[Problem]) -> list[MessagesError]:
    """Return the errors to fail by, what the judge found as one of them."""
    return list(_errors([each for each in problems if each.fails]))


def warnings(problems: Iterable[Problem]) -> list[MessagesError]:
    """Return what is only warned of, what the judge found as one of them."""
    return list(_errors([each for each in problems if each.weight is Weight.WARN]))


def _errors(problems: list[Problem]) -> Iterator[MessagesError]:
    found = tuple(each.what for each in problems if isinstance(each.what, Violation))
    for problem in problems:
        if isinstance(problem.what, MessagesError):
            yield problem.what
        elif problem.what is found[0]:
            yield nonconforming(found)


def _in_a_line(error: MessagesError) -> str:
    """Return an error with the first place that the judge found, where it is the judge's."""
    first = (
        f": {error.violations[0].where}: {error.violations[0].message}" if isinstance(error, ConformanceError) else ""
    )
    return " ".join(f"{error}{first}".split())[:_LONG]


def nonconforming(found: tuple[Violation, ...]) -> ConformanceError:
    """Make the error that says what the judge found."""
    rules = ", ".join(dict.fromkeys(each.rule for each in found))
    breaches = "1 breach" if len(found) == 1 else f"{len(found)} breaches"
    return ConformanceError(f"{breaches} of the documented API ({rules})", violations=found)
