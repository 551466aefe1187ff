"""Why a session refuses, or fails its test: the errors, each with where it stands in the test and in the cassette."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_messages.errors import (
    CallContext,
    CassetteIncompleteError,
    CassetteNotFoundError,
    EmptyError,
    ExhaustedError,
    ExpiredError,
    NoMatchError,
    NotRecordableError,
    StreamClosedError,
    UnplayedError,
    UnreplayableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_messages.session.call import Ticket
    from pytest_messages.session.playback import Playback
    from pytest_messages.session.self_match import Unanswered

_END = "the end of the test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Makes the errors of one session.

    ``incomplete`` names the tests that recorded here and have not passed yet, ``why`` says why, where that is known.
    """

    path: str
    mode: str
    test: str | None
    incomplete: tuple[str, ...]
    why: Mapping[str, str]
    playback: Playback

    def context(self, number: int, asked: str) -> CallContext:
        """Say where call ``number`` stands."""
        total = len(self.playback.interactions)
        return CallContext(
            number=number,
            asked=asked,
            cassette=self.path,
            mode=self.mode,
            interactions=total,
            unplayed=total - len(self.playback.played),
            test=self.test,
        )

    # Why a call is refused

    def missing(self, ticket: Ticket) -> CassetteNotFoundError:
        """Say that there is no cassette, and the mode makes none."""
        return CassetteNotFoundError(
            f"no cassette answers {ticket.asked}: there is none, and record mode {self.mode} makes none",
            path=self.path,
            context=self.context(ticket.call.position, ticket.asked),
        )

    def unfinished(self, ticket: Ticket) -> CassetteIncompleteError:
        """Say that tests recorded here and have not passed yet, and the mode does not go on."""
        return CassetteIncompleteError(
            f"the cassette is incomplete: {', '.join(self.incomplete)} recorded here and has not passed yet",
            path=self.path,
            tests=self.incomplete,
            since=tuple(self._since(test) for test in self.incomplete),
            reasons=tuple(self.why.get(test, "") for test in self.incomplete),
            context=self.context(ticket.call.position, ticket.asked),
        )

    def _since(self, test: str) -> str:
        times = (each.recording.at for each in self.playback.interactions if each.recording.test == test)
        return max(filter(None, times), default="")

    def exhausted(self, ticket: Ticket, times: int) -> ExhaustedError:
        """Say that every recording of this request has been played."""
        return ExhaustedError(
            f"{ticket.asked}: already played, {times} of {times}",
            context=self.context(ticket.call.position, ticket.asked),
            times=times,
        )

    def no_match(self, ticket: Ticket) -> NoMatchError:
        """Say that no recording answers this request, and which comes nearest."""
        nearest = self.playback.nearest(ticket.scrubbed)
        return NoMatchError(
            f"no recorded interaction answers request {ticket.call.position}: {ticket.asked}",
            context=self.context(ticket.call.position, ticket.asked),
            nearest=nearest[0] + 1 if nearest else None,
            differences=nearest[1] if nearest else (),
        )

    def unrecordable(self, number: int, asked: str, problem: str, *, host: str, library: str) -> NotRecordableError:
        """Make the error for a call that cannot be recorded, of whatever kind; ``problem`` is what it says."""
        return NotRecordableError(
            problem,
            context=self.context(number, asked),
            host=host,
            library=library,
            thread=threading.current_thread().name,
        )

    def unwelcome(self, ticket: Ticket, why: str) -> NotRecordableError:
        """Make the error for a call that no session takes, though it could be recorded."""
        host = urlsplit(ticket.scrubbed.url).netloc
        return self.unrecordable(
            ticket.call.position, ticket.asked, f"{ticket.asked} {why}", host=host, library=ticket.library
        )

    def read_past(self, number: int, asked: str, *, waited: float | None = None) -> StreamClosedError:
        """Say that a client reads further, or has ``waited`` longer, than the client did that recorded."""
        ends = "the client stopped reading" if waited is None else "its caller gave up waiting"
        return StreamClosedError(
            f"{asked}: the recording ends where {ends}", context=self.context(number, asked), waited=waited
        )

    # Why a test fails that was refused nothing

    def empty(self, loaded: Sequence[str], hooked: Sequence[str]) -> EmptyError:
        """Say that a test promised calls and made none."""
        return EmptyError(
            "the test made no Messages call",
            context=self.context(0, _END),
            loaded=tuple(loaded),
            hooked=tuple(hooked),
        )

    def unplayed(self, calls: int, *, in_call: bool = False) -> UnplayedError | None:
        """Say which recordings nobody asked for; None where somebody asked for each.

        ``in_call`` leaves out what the teardown recorded, which may still ask for it.
        """
        missing = self.playback.unplayed(in_call=in_call)
        if not missing:
            return None
        positions = tuple(n + 1 for n in missing)
        return UnplayedError(
            f"{len(positions)} of {len(self.playback.interactions)} recorded interactions were never asked for",
            context=self.context(calls, _END),
            positions=positions,
            prompts=self.playback.prompts(missing),
        )

    def unreplayable(self, found: Sequence[Unanswered]) -> UnreplayableError:
        """Say that recordings do not answer the requests that they were made for; all that differs is of the first."""
        first = found[0]
        request = first.recorded.asked
        asked = f"{request.method} {request.url}"
        number = first.recorded.position
        return UnreplayableError(
            f"what was recorded for request {number} does not answer that very request on replay: {asked}",
            context=self.context(number, asked),
            calls=tuple(each.recorded.position for each in found),
            differences=first.differences,
            matchers=first.matchers,
        )

    def expired(self, calls: int, played: Iterable[int], *, before: datetime) -> ExpiredError | None:
        """Say which of the played recordings are from ``before`` a time; None where none is."""
        recorded = {n: self.playback.interactions[n].recording.at for n in played}
        times = sorted((time, n, at) for n, at in recorded.items() if at and (time := _time(at)) and time < before)
        if not times:
            return None
        count, total = len(times), len(self.playback.interactions)
        return ExpiredError(
            f"{count} of {total} recorded interactions {'is' if count == 1 else 'are'} older than messages_expire says",
            context=self.context(calls, _END),
            positions=tuple(sorted(n + 1 for _, n, _ in times)),
            oldest=times[0][2],
        )


def _time(text: str) -> datetime | None:
    """Return the time that a cassette says, in UTC where it names no zone; None for what is no time."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
