"""The lines that a run prints: how it records, what came of it, and what is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages.errors import CassetteError, ReplayError
from pytest_messages.report.explanation import explain
from pytest_messages.report.layout import line, number, shell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_messages.errors import MessagesError
    from pytest_messages.session.tally import Tally

ENDED_WITH = "The test itself ended with:"
"""Stands between what a session has to say and what the test failed with."""

MEANT = "A test that means this says so: with pytest_messages.expect_refusal(): ... Nothing else clears a refusal."
"""Ends what is said to a test that has passed for all its refused calls."""

DERANDOMIZE = (
    "Hypothesis draws other examples in each run, and none of them was recorded: @settings(derandomize=True) draws the"
    " same ones, and with @pytest.mark.messages(repeats='last') an example may be tried again."
)
"""Said where a test of hypothesis was refused something."""

_LONG = 1000
"""A line of the summary wraps by itself, and is cut only where it would never end."""


_COUNTS = ("replayed", "recorded", "forwarded", "refused")


def summary(tally: Tally, notes: Sequence[str] = ()) -> list[str]:
    """Return the lines at the end of a run: calls and tokens in numbers, then ``notes``; none for nothing."""
    counts = [(name, getattr(tally, name)) for name in _COUNTS]
    total = sum(count for _, count in counts)
    done = ", ".join(f"{count:,} {name}" for name, count in counts if count)
    calls = f"{number(total, 'call')}: {done}" if total else ""
    pieces = [calls, _tokens(tally), _altered(tally.altered), _allowed(tally.allowed)]
    told = "; ".join(filter(None, pieces))
    return [f"messages: {text}" for text in (told, *(line(note, _LONG) for note in notes)) if text]


def _tokens(tally: Tally) -> str:
    if not tally.input_tokens and not tally.output_tokens:
        return ""
    saved = "" if tally.recorded or tally.forwarded else " saved by replay"
    return f"{tally.input_tokens:,} input and {tally.output_tokens:,} output tokens{saved}"


def _altered(count: int) -> str:
    return f"{number(count, 'answer')} will read differently on replay, as scrubbed" if count else ""


def _allowed(count: int) -> str:
    return f"{number(count, 'finding')} of the gate allowed by messages_allow" if count else ""


# --- Notes ------------------------------------------------------------------------------------------------------------


def _of(test: str | None) -> str:
    return f"{test}: " if test else ""


def kept_aside(path: str, count: int, test: str | None) -> str:
    """Say where a failed test's recordings are that must not touch the cassette."""
    kept = f"{number(count, 'recorded interaction')} kept in {path}"
    bring = f"`pytest-messages recover --replace {shell(path)}` brings it in"
    return f"{_of(test)}failed, so the cassette stays as it was; {kept}: {bring}"


def incomplete(path: str, count: int, test: str | None) -> str:
    """Say that a test that failed left an incomplete cassette, from which the next run goes on."""
    kept = f"{number(count, 'interaction')} of it {'is' if count == 1 else 'are'} kept"
    return f"{_of(test)}failed while recording; {kept} in {path}, marked incomplete: run it again to go on from there"


def still_open(call: str, test: str | None) -> str:
    """Say that a stream was still open when the test ended."""
    return f"{_of(test)}a stream was still open at the end, and was closed then: {call}"


def left_behind(path: str, count: int, tests: Sequence[str]) -> str:
    """Say what a file holds that a killed run, or a failed test, left beside a cassette."""
    whose = f" of {_few(tests)}" if tests else ""
    bring = f"`pytest-messages recover {shell(path)}` brings it in, or delete it"
    return f"{path} was left behind with {number(count, 'interaction')}{whose}: {bring}"


def late(error: MessagesError) -> str:
    """Say what was found when no test was left to fail by it."""
    return f"after the last test: {error}"


def stray(error: MessagesError) -> str:
    """Say what a thread called whose test had ended: no other test is to fail by it."""
    whose = error.context.test if isinstance(error, ReplayError) else None
    return f"from a thread that {whose or 'a test'} has left behind: {error}"


def passed_by(errors: Sequence[MessagesError], test: str | None) -> str:
    """Say which calls went out unrecorded."""
    kinds = list(dict.fromkeys(map(str, errors)))
    return f"{_of(test)}{number(len(errors), 'call')} went out unrecorded: {_few(kinds)}"


def not_live(libraries: Sequence[str]) -> str:
    """Say once that some clients were handed their streams whole."""
    return f"streams through {', '.join(libraries)} were recorded whole: such a client saw none of them live"


def warned(error: MessagesError, test: str | None) -> str:
    """Say what a setting makes a warning of."""
    return f"{_of(test)}warning: {error}"


def unplayed_not_judged(path: str, tests: Sequence[str]) -> str:
    """Say that a shared cassette was not judged, since tests that recorded into it did not pass in this run."""
    return f"{path}: what is unplayed was not judged, since not every test that recorded here passed: {_few(tests)}"


def unplayed_by_all(path: str, positions: Sequence[int], total: int) -> str:
    """Say which interactions of a shared cassette no test asked for."""
    which = _few([str(position) for position in positions])
    return f"{path}: nobody asked for {len(positions)} of {number(total, 'interaction')}: {which}"


def orphans(paths: Sequence[str]) -> str:
    """Name the cassette files that no test used."""
    return f"no test used {number(len(paths), 'cassette')}: {_few(paths)}"


def together(
    errors: Sequence[MessagesError], *, said: MessagesError | None = None, hints: Sequence[str] = ()
) -> list[str]:
    """Return the texts of all that a test fails by, and how many more there are where one kind came up often.

    ``said`` is what pytest shows anyway, since the test ended with it; ``hints`` go with refusals.
    """
    kinds: dict[str, list[MessagesError]] = {}
    for error in errors:
        # Where a take is that could not be put in place is said whatever else there is.
        kept = error.kept if isinstance(error, CassetteError) else None
        kinds.setdefault(kept or type(error).__name__, []).append(error)
    told = [text for kind, several in kinds.items() for text in _several(kind, several, said)]
    return [*told, *hints] if any(isinstance(error, ReplayError) for error in errors) else told


_FEW = 2
"""So many errors of one kind are told one by one: two tasks side by side are refused two calls."""


def _several(kind: str, errors: Sequence[MessagesError], said: MessagesError | None) -> list[str]:
    unsaid = [error for error in errors if error is not said]
    if len(errors) <= _FEW:
        return [explain(error) for error in unsaid]
    more = f"This test has {number(len(errors) - 1, 'problem')} more of this kind ({kind})."
    return [more] if len(unsaid) < len(errors) else [explain(errors[0]), more]


def orphans_not_judged(why: str) -> str:
    """Say why the cassettes that no test used may belong to tests that were not run."""
    return f"orphaned cassettes were not judged, because {why}"


def _few(items: Sequence[str], most: int = 5) -> str:
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more
