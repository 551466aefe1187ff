"""What came back while a session was open: the answers that ended, in which order they stand, what is still open."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_messages.cassette.document import Interaction, ScrubbedInteraction
    from pytest_messages.findings import Violation
    from pytest_messages.session.call import Call, Ticket
    from pytest_messages.wire import Response, Scrubbed


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One interaction that a session recorded, with what orders it among the others."""

    interaction: ScrubbedInteraction
    asked: Scrubbed
    """The request as it was compared, which its recording must answer."""
    position: int
    thread: int
    raced: bool


@dataclass(slots=True)
class Answered:
    """One call with its answer, recorded, replayed or passed on; ``findings`` are None until it has been judged."""

    call: Call
    interaction: Interaction
    findings: tuple[Violation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a session did so far: what it recorded, in order, and played, how many calls it had, which are open."""

    recorded: tuple[ScrubbedInteraction, ...]
    played: frozenset[int]
    still_open: tuple[Call, ...]
    calls: int


@dataclass(slots=True)
class Record:
    """All that came back so far. Its session sees to it that threads take turns.

    ``late`` is what the collector left behind: it may close a stream at any time, in any thread, where no lock may be
    taken, and a deque needs none.
    """

    recorded: list[Recorded] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    unanswered: dict[int, Ticket] = field(default_factory=dict)
    late: deque[tuple[Ticket, Response]] = field(default_factory=deque)
    closers: dict[Ticket, Callable[[], None]] = field(default_factory=dict)

    def close_streams(self) -> tuple[Call, ...]:
        """Close the streams that are still open, and return their calls."""
        still_open = tuple(self.closers.items())
        for _, close in still_open:
            close()
        return tuple(ticket.call for ticket, _ in still_open)

    def interactions(self) -> tuple[ScrubbedInteraction, ...]:
        """Return what was recorded, in the order in which it stands in the cassette."""
        return tuple(entry.interaction for entry in in_order(self.recorded))


def in_order(recorded: Iterable[Recorded]) -> list[Recorded]:
    """Sort by position at issue; where threads raced, ties are sorted by what was asked, so that files do not churn."""
    ordered: list[Recorded] = []
    tied: list[Recorded] = []
    for entry in sorted(recorded, key=lambda entry: entry.position):
        if tied and not entry.raced:
            ordered += sorted(tied, key=_asked)
            tied = []
        tied.append(entry)
    return [*ordered, *sorted(tied, key=_asked)]


def _asked(entry: Recorded) -> tuple[str, bytes]:
    return entry.interaction.request.url, entry.interaction.request.body
