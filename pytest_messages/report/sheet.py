"""An explanation as a value, how it is laid out, and what many of them say."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_messages.report.layout import (
    COLUMNS,
    line,
    number,
    plain,
    shell,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_messages.errors import (
        CallContext,
    )

LINES = 40
"""An explanation is no longer than this, since it stands among others."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """An explanation before it is laid out.

    A heading, labelled facts, rows that are laid out already, and what to type, each with what it is for.
    """

    heading: str
    facts: Sequence[tuple[str, Sequence[str]]] = ()
    rows: Sequence[str] = ()
    steps: Sequence[tuple[str, str]] = ()


INDENT = "  "
LABEL = 10


def laid_out(sheet: Sheet) -> str:
    """Return the text of a sheet, its facts cut where they would be too many."""
    heading = wrapped(line(sheet.heading, COLUMNS * 4), COLUMNS)
    steps = list(_steps(sheet.steps))
    facts = [*(row for label, rows in sheet.facts for row in _fact(label, rows)), *sheet.rows]
    room = LINES - len(heading) - len(steps) - 2
    if len(facts) > room:
        facts = [*facts[: room - 1], f"{INDENT}… and {number(len(facts) - room + 1, 'line')} more"]
    blocks = [heading, facts, steps]
    return "\n\n".join("\n".join(plain(row).rstrip() for row in block) for block in blocks if block)


def _fact(label: str, rows: Sequence[str]) -> Iterator[str]:
    for n, row in enumerate(rows):
        yield f"{INDENT}{label if n == 0 else '':<{LABEL}}{row}"


def _steps(steps: Sequence[tuple[str, str]]) -> Iterator[str]:
    column = max((len(purpose) for purpose, _ in steps), default=0) + 1
    for purpose, what in steps:
        row = f"{INDENT}{purpose:<{column}}{what}"
        if len(row) <= COLUMNS:
            yield row
        else:
            yield from (f"{INDENT}{purpose}", f"{INDENT * 2}{what}")


def prose(text: str) -> list[str]:
    """Return text in rows that fit beside a label."""
    return wrapped(line(text, COLUMNS * 4), COLUMNS - len(INDENT) - LABEL)


def file_rows(path: str, *remarks: str) -> list[str]:
    """Return a file's name with remarks behind it, below it where they do not fit; the name stays whole."""
    name, remark = line(path, max(len(path) * 2, COLUMNS)), ", ".join(filter(None, remarks))
    row = f"{name}  {remark}".rstrip()
    return [row] if len(row) <= COLUMNS - len(INDENT) - LABEL else [name, *prose(remark)]


def cassette_fact(context: CallContext) -> tuple[str, list[str]]:
    """Return the fact that says which cassette it is about, what it holds, and the record mode."""
    count = number(context.interactions, "interaction")
    holds = f"({count}, {context.unplayed} unplayed)" if context.interactions else "(nothing recorded yet)"
    return "cassette", file_rows(context.cassette, holds, f"record mode {context.mode}")


def request_of(context: CallContext) -> str:
    """Return which request of its test it was."""
    return f"request {context.number} of this test"


def asked_for(context: CallContext) -> str:
    """Return what was asked for, without the scheme and the host that every call of a test has in common."""
    return re.sub(r"\bhttps?://[^/?#\s]*(?=/)", "", context.asked)


def pytest_command(tests: Sequence[str], mode: str) -> str:
    """Return the command that runs ``tests`` in a record mode."""
    return " ".join(["pytest", *map(shell, tests), f"--messages-record={mode}"])


def record_command(context: CallContext | None, mode: str) -> str:
    """Return what records the test of ``context``; outside of tests that is the call that opened the cassette."""
    if context is None:
        return pytest_command((), mode)
    if context.test is None:
        return f"use_cassette({literal(context.cassette)}, record={literal(mode)})"
    return pytest_command((context.test,), mode)


def again(context: CallContext | None) -> tuple[str, str]:
    """Return the step that records the test anew."""
    return "to record it again", record_command(context, "rewrite")


def mark(keyword: str, setting: object) -> str:
    """Return the mark with one setting."""
    return f"@pytest.mark.messages({keyword}={literal(setting)})"


def literal(setting: object) -> str:
    """Return a setting as it is written in code."""
    return json.dumps(setting, ensure_ascii=False)


def listed(items: Sequence[str], most: int = 8) -> list[str]:
    """Return one row for each of ``items``, at most so many, and how many more there are."""
    columns = COLUMNS - len(INDENT) - LABEL
    more = [f"and {len(items) - most:,} more"] if len(items) > most else []
    return [*(line(item, columns) for item in items[:most]), *more]
