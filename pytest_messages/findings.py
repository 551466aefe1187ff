"""What was found, as plain scrubbed values: where two requests part, what must not be stored, what the judge says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Level(IntEnum):
    """How grave a finding of the judge is; a lower number is graver."""

    VIOLATION = 1
    NOTICE = 2
    HINT = 3


class Absent(Enum):
    """What stands for a value that is not there at all, which ``None`` cannot: JSON has a null of its own."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in which two requests part: where it is, what was recorded there and what was sent (scrubbed).

    A side that has nothing at the place is `ABSENT`. ``part`` is the matcher that noticed: ``body``, whose ``path`` is
    a JSONPath without its ``$.``, or another name of ``match_on``.
    """

    path: str
    recorded: object
    sent: object
    part: str = "body"


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """A secret that would be stored: where it stands and of what kind it is, never what it is."""

    where: str
    kind: str


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One finding of the judge, of any level.

    ``where`` is a JSON path or ``event 7 (content_block_delta)``; ``rule`` a stable name of the catalogue; ``source``
    the address at which the API documents the rule.
    """

    where: str
    rule: str
    level: Level
    message: str
    source: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """What the gate found: what must not be stored, and what a user allowed by name and place."""

    leaks: tuple[Leak, ...]
    allowed: tuple[Leak, ...]
