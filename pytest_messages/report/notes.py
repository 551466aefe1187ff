"""The notes below a run: what was kept, what is left over, what nobody asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages.report.text import line, number

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDED_WITH = "The test itself ended with:"
"""Stands between what we have to say and what the test said."""

_NAMED = 3


def incomplete(path: str, kept: int, test: str | None) -> str:
    """Say that a failing test's recordings were saved, and what happens to them."""
    return line(f"messages: {path} is incomplete: {number(kept, 'interaction')} of {test} saved, which did not pass")


def kept_aside(path: str | None, kept: int, test: str | None) -> str:
    """Say that a failing test did not touch the cassette that was there, and where its recordings are."""
    return line(f"messages: {test} did not pass: its cassette is as it was, {number(kept, 'interaction')} in {path}")


def still_open(call: str, test: str | None) -> str:
    """Say that a stream was still open when its test ended."""
    return line(f"messages: {test} left a stream open: {call}")


def warned(error: Exception, test: str | None) -> str:
    """Say in one line what would have failed the test, had the setting not said ``warn``."""
    return line(f"messages: {test}: {error}")


def unplayed_not_judged(path: str, tests: Sequence[str]) -> str:
    """Say why nobody knows whether interactions of a shared cassette are left over."""
    return line(f"messages: {path} is not judged for unplayed interactions: {_some(tests)} did not run or did not pass")


def unplayed_by_all(path: str, positions: Sequence[int], total: int) -> str:
    """Say which interactions of a shared cassette no test asked for."""
    which = ", ".join(map(str, positions))
    return line(f"messages: {len(positions)} of {number(total, 'interaction')} in {path} never played: {which}")


def orphans(paths: Sequence[str]) -> str:
    """Name the cassette files that no test used."""
    return line(f"messages: {number(len(paths), 'cassette')} that no test used: {', '.join(paths)}", 10_000)


def allowed(count: int) -> str:
    """Say how many findings of the gate were let through because a user allowed them."""
    return line(f"messages: {number(count, 'finding')} of the gate allowed by messages_allow")


def passed_by(count: int) -> str:
    """Say how many calls went out that cannot be recorded."""
    return line(f"messages: {number(count, 'call')} in a cloud's form of the API went out unrecorded")


def leftover(path: str, cassette: str, count: int, tests: Sequence[str]) -> str:
    """Say what a killed process left beside a cassette."""
    return line(f"messages: {path} holds {number(count, 'interaction')} of {_some(tests)} for {cassette}, never saved")


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
