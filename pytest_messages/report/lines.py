"""The lines that a run prints: how it records, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages.report.text import line, number

if TYPE_CHECKING:
    from pytest_messages.tally import Tally


def header(mode: str, why: str) -> str:
    """Return the line at the head of a run: the record mode, and who chose it."""
    return line(f"messages: record mode {mode} ({why})")


_COUNTS = ("replayed", "recorded", "forwarded", "refused")


def summary(tally: Tally) -> str:
    """Return the line at the end of a run: how many calls were replayed, recorded, forwarded and refused, and tokens.

    Empty where there was no call.
    """
    counts = [(name, getattr(tally, name)) for name in _COUNTS]
    total = sum(count for _, count in counts)
    if not total:
        return ""
    done = ", ".join(f"{count:,} {name}" for name, count in counts if count)
    pieces = [f"{number(total, 'call')}: {done}", _tokens(tally), _altered(tally.altered)]
    return line("messages: " + "; ".join(filter(None, pieces)))


def _tokens(tally: Tally) -> str:
    if not tally.input_tokens and not tally.output_tokens:
        return ""
    saved = "" if tally.recorded or tally.forwarded else " saved by replay"
    return f"{tally.input_tokens:,} input and {tally.output_tokens:,} output tokens{saved}"


def _altered(count: int) -> str:
    return f"{number(count, 'answer')} will read differently on replay, as scrubbed" if count else ""
