"""What the judge found, as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_messages.report.layout import (
    COLUMNS,
    line,
    number,
    wrapped,
)
from pytest_messages.report.sheet import (
    INDENT,
    Sheet,
    mark,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_messages.errors import (
        ConformanceError,
    )
    from pytest_messages.findings import Violation


def violations(found: Sequence[Violation], *, most: int | None = None) -> str:
    """Return findings of the judge as text, gravest first, then by place: at most ``most``, then how many more."""
    return "\n".join(_violations(found, most))


_MOST_VIOLATIONS = 5


def conformance(error: ConformanceError) -> Sheet:
    """Explain that an exchange breaks rules of the documented API."""
    return Sheet(
        str(error),
        rows=list(_violations(error.violations, _MOST_VIOLATIONS)),
        steps=[(f"to turn {'it' if len(error.violations) == 1 else 'one'} off", _turn_off(error.violations))],
    )


def _turn_off(found: Sequence[Violation]) -> str:
    return mark("rules", [f"-{min(found, key=_gravity).rule}" if found else "-<rule>"])


def _violations(found: Sequence[Violation], most: int | None) -> Iterator[str]:
    ordered = sorted(found, key=_gravity)
    shown = ordered if most is None else ordered[:most]
    for one in shown:
        yield f"{INDENT}{one.level.name.lower()}  {line(one.rule, 40)}  at {line(one.where, 50)}"
        yield from (f"{INDENT * 3}{row}" for row in wrapped(line(one.message, 300), COLUMNS - 6))
        if one.source:
            yield f"{INDENT * 3}{line(one.source, COLUMNS - 6)}"
    if len(shown) < len(ordered):
        yield f"{INDENT}and {number(len(ordered) - len(shown), 'finding')} more"


def _gravity(one: Violation) -> tuple[int, list[tuple[int, str]], str]:
    """Order by level, then by place, in which event 7 comes before event 10."""
    place = [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"([0-9]{1,9})", one.where)]
    return one.level, place, one.rule
