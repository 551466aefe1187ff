"""One test's use of one cassette. The heart.

A session is asked about every request (`Session.decide`), told how every forwarded one was answered (`Session.record`),
and closed (`Session.finish`). Any thread may call it; its one lock is never held over I/O.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_messages import judge
from pytest_messages.api import schema, sse, stream
from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.errors import (
    CallContext,
    CassetteIncompleteError,
    CassetteNotFoundError,
    EmptyError,
    ExhaustedError,
    ExpiredError,
    MessagesError,
    NoMatchError,
    NotRecordableError,
    Refused,
    StreamClosedError,
    UnplayedError,
)
from pytest_messages.providers import group_of
from pytest_messages.session.modes import DECISIONS, Action, Found, State, may_forward, reads
from pytest_messages.session.tally import Tally
from pytest_messages.settings import RecordMode, Settings
from pytest_messages.wire import Ended, Request, Response, header

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from pytest_messages.cassette.document import Cassette, ScrubbedInteraction
    from pytest_messages.findings import Violation
    from pytest_messages.matching import Matching
    from pytest_messages.providers import Provider
    from pytest_messages.scrubbing import Scrubber
    from pytest_messages.session.scope import Scope
    from pytest_messages.wire import Scrubbed


class Call:
    """One request of a running test, as it was sent, and what came back.

    ``request`` is held in memory only and may contain a key: its ``repr`` shows none of it. ``response`` is None until
    the answer has ended.
    """

    def __init__(self, *, position: int, request: Request, scrubbed: Scrubbed, provider: Provider) -> None:
        self.position = position
        self.request = request
        self.provider = provider
        self.response: Response | None = None
        self.replayed = False
        self.duration: float | None = None
        self._scrubbed = scrubbed

    @property
    def ended(self) -> Ended | None:
        """How the answer ended, None while it is on its way."""
        return self.response.ended if self.response else None

    @property
    def body(self) -> Any:
        """The request's body, parsed where it is JSON."""
        return _parsed(self.request.body)

    @property
    def group(self) -> str | None:
        """The provider's own session that this call belongs to, where it groups calls: Shinzo's, by its user id."""
        return group_of(self.provider, self.body)

    @property
    def retry_after(self) -> float | None:
        """How many seconds the answer asked to wait, though replay does not wait."""
        return _seconds(self.response.headers, "retry-after-ms", "retry-after") if self.response else None

    @cached_property
    def events(self) -> tuple[schema.StreamEvent, ...]:
        """The events of a streamed answer, typed; empty for any other."""
        if not self.response or not self.response.is_stream:
            return ()
        decoded = sse.decode(self.response.body)
        return tuple(schema.parse_event(value) for event in decoded if isinstance(value := _parsed(event.data), dict))

    @cached_property
    def message(self) -> schema.Message | None:
        """The answer as a Message, folded from its events where it was streamed; None where there is none."""
        if not self.response:
            return None
        if self.response.is_stream:
            body: Any = stream.fold(sse.decode(self.response.body))
        else:
            body = _parsed(self.response.body)
        return schema.parse_message(body) if isinstance(body, dict) and body.get("type") == "message" else None

    def __repr__(self) -> str:
        """Show the call without its body."""
        answer = f"{self.response.status} {self.response.ended}" if self.response else "unanswered"
        return f"<Call {self.position} {self._scrubbed.method} {self._scrubbed.url}: {answer}>"


@dataclass(slots=True, eq=False)
class Ticket:
    """The position that a call claimed when it was issued; `Session.record` wants it back with the answer."""

    call: Call
    scrubbed: Scrubbed
    at: str
    thread: int
    raced: bool
    """Whether an earlier call, of another thread, was still unanswered at the time."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Answer from the cassette."""

    ticket: Ticket
    response: Response


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request; `Session.record` takes the answer."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Refuse:
    """Neither replay nor send: raise what says why."""

    error: MessagesError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One interaction that this session recorded, with what orders it among the others."""

    interaction: ScrubbedInteraction
    position: int
    thread: int
    raced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a session has to say when its test is over, for `report` and `store`."""

    recorded: tuple[ScrubbedInteraction, ...]
    played: frozenset[int]
    violations: tuple[Violation, ...]
    still_open: tuple[Call, ...]
    calls: int


@dataclass(slots=True)
class _State:
    """All that changes while a session is open."""

    calls: list[Call] = field(default_factory=list)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    played: dict[int, int] = field(default_factory=dict)
    recorded: list[Recorded] = field(default_factory=list)
    judged: list[tuple[Call, Interaction]] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)
    told: list[Refused] = field(default_factory=list)
    broken: list[MessagesError] = field(default_factory=list)
    passed_by: list[NotRecordableError] = field(default_factory=list)
    counted: int = 0
    """How many of the judged interactions have their tokens in the tally."""
    tally: Tally = field(default_factory=Tally)


class Session:
    """One test's use of one cassette.

    ``cassette`` is what replay may answer from, ``state`` what the run found at ``path``; ``append`` keeps a recorded
    interaction and raises `SecretLeakError` where the gate refuses it; ``now`` gives the time as RFC 3339; ``late`` is
    told what was refused after the session had closed, when nobody asks it any more.
    """

    def __init__(  # noqa: PLR0913 - the heart is handed everything that it decides by
        self,
        *,
        settings: Settings,
        path: str,
        test: str | None,
        state: State,
        cassette: Cassette,
        scope: Scope,
        scrubber: Scrubber,
        matching: Matching,
        provider_of: Callable[[str], Provider],
        append: Callable[[ScrubbedInteraction], None],
        now: Callable[[], str],
        late: Callable[[MessagesError], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self.path = path
        self.test = test
        self.scope = scope
        self.provider_of = provider_of
        self._cassette_state = state
        self._cassette = cassette
        self._scrubber = scrubber
        self._matching = matching
        self._append = append
        self._now = now
        self._tell_late = late
        self._lock = threading.Lock()
        self._late: deque[tuple[Ticket, Response]] = deque()
        self._closers: dict[Ticket, Callable[[], None]] = {}
        self._state = _State()
        self._findings: dict[int, tuple[Violation, ...]] = {}
        self._open = True

    # What tests may use

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls so far, in order of issue."""
        self.settle()
        return tuple(self._state.calls)

    @property
    def recorded(self) -> tuple[Interaction, ...]:
        """What the cassette holds. Asserting on it proves nothing about what was sent: that is in `calls`."""
        return self._cassette.interactions

    @property
    def mode(self) -> RecordMode:
        """The record mode."""
        return self.settings.mode

    @property
    def usage(self) -> dict[str, int]:
        """Input and output tokens, summed over the calls."""
        return {"input_tokens": self.tally.input_tokens, "output_tokens": self.tally.output_tokens}

    @property
    def violations(self) -> tuple[Violation, ...]:
        """The findings of the judge so far, gravest first."""
        self.settle()
        judged = tuple(self._state.judged)
        for number, (call, interaction) in enumerate(judged):
            if call.position not in self._findings:
                earlier = [before for _, before in judged[:number]]
                self._findings[call.position] = self._judge(call, interaction, earlier)
        found = (finding for position in sorted(self._findings) for finding in self._findings[position])
        return tuple(sorted(found, key=lambda finding: finding.level))

    # What transports use

    @property
    def may_forward(self) -> bool:
        """Whether any request of this session can go out."""
        return may_forward(self.mode, self._cassette_state)

    @property
    def is_open(self) -> bool:
        """Whether the session still takes calls."""
        return self._open

    @property
    def tally(self) -> Tally:
        """What was done so far, in numbers."""
        self.settle()
        self._count_tokens()
        return self._state.tally

    def decide(self, request: Request, *, provider: Provider | None = None) -> Replay | Forward | Refuse:
        """Say what happens to ``request``, and claim its position in the order of issue.

        The only place that knows modes. ``provider`` is whose API it speaks, where the caller knows better than its
        URL.
        """
        self.settle()
        try:
            scrubbed = self._scrubber.request(request)
            with self._lock:
                return self._decided(self._claim(request, scrubbed, provider or self.provider_of(request.url)))
        except MessagesError as error:
            # A scrub rule or a matcher that fails, a cassette that turns out to be broken where it is read now.
            return self._refuse(error)

    def _decided(self, ticket: Ticket) -> Replay | Forward | Refuse:
        if not self._open:
            return self._refuse(self._closed_error(ticket))
        scrubbed = ticket.scrubbed
        index = self._index  # the recorded keys come before the first live one: see `Matching`
        positions = index.get(self._matching.key(scrubbed), [])
        position, found = self._find(positions, scrubbed)
        action = DECISIONS[self.mode, self._cassette_state][found]
        if action is Action.REPLAY and position is not None:
            return self._replay(ticket, position)
        if action is Action.REFUSE:
            return self._refuse(self._why(ticket, scrubbed, found, len(positions)))
        return self._forward(ticket, action)

    def record(self, ticket: Ticket, response: Response) -> None:
        """Take the answer to a forwarded request, once it has ended. The first answer to a ticket counts."""
        with self._lock:
            if ticket.call.response is not None:
                return
            ticket.call.response = response = _truly_ended(response)
            ticket.call.duration = response.chunks[-1].ms / 1000 if response.chunks else None
            self._closers.pop(ticket, None)
        keeps = DECISIONS[self.mode, self._cassette_state][Found.NOTHING] is Action.RECORD
        try:
            interaction = self._scrubbed(ticket, response)
            if keeps:
                self._append(interaction)
        except MessagesError as error:
            # Not the client's business: it has its answer, and the test fails by what `Use` finds here.
            self._state.broken.append(error)
            return
        with self._lock:
            self._note(ticket, interaction, response, keeps=keeps)

    def record_later(self, ticket: Ticket, response: Response) -> None:
        """As `record`, from where no lock may be taken: the collector may close a stream at any time, in any thread."""
        self._late.append((ticket, response))

    def settle(self) -> None:
        """Record what the collector or a closing generator left behind."""
        while self._late:
            self.record(*self._late.popleft())

    def scrubbed_answer(self, response: Response) -> Response:
        """Return an answer as it may be shown: what recording shows and what replay shows are the same."""
        return self._scrubber.response(response)

    def holds_open(self, ticket: Ticket, close: Callable[[], None]) -> None:
        """Remember how to close the stream of ``ticket``, should the test end before it."""
        self._closers[ticket] = close

    def refused(self, exception: Refused) -> Refused:
        """Remember a refusal that is about to be raised, so that it counts whatever swallows it."""
        self._state.refusals.append(exception)
        if not self._open:
            self._tell_late(exception.error)
        return exception

    def unrecordable(self, url: str, *, host: str, library: str) -> NotRecordableError:
        """Make the error for a call that cannot be recorded, of whatever kind."""
        asked = f"{library} call to {self._scrubber.text(url)}"
        why = "cannot be recorded or replayed" if self._open else "came after its session had closed"
        return NotRecordableError(
            f"{asked} {why}",
            context=self._context(len(self._state.calls) + 1, asked),
            host=host,
            library=library,
            thread=threading.current_thread().name,
        )

    def passed_by(self, error: NotRecordableError) -> None:
        """Take note of a call that went out unrecorded because it cannot be recorded: it must not pass silently."""
        self._state.passed_by.append(error)

    def read_past(self, method: str, url: str) -> StreamClosedError:
        """Make the error for a client that reads further than the client did when the stream was recorded."""
        asked = f"{method} {self._scrubber.text(url)}"
        return StreamClosedError(
            f"{asked}: the recording ends where the client stopped reading",
            context=self._context(len(self._state.calls), asked),
        )

    # What `use` asks at the end

    @property
    def was_refused(self) -> bool:
        """Whether a call was refused that no test meant to be: one that ``pytest.raises(Refused)`` did not catch."""
        return any(not refusal.caught for refusal in self._state.refusals)

    def take_refusals(self) -> list[MessagesError]:
        """Return the refusals that no test meant, each once: whoever takes them tells them."""
        uncaught = [refusal for refusal in self._state.refusals if not refusal.caught]
        fresh = [refusal for refusal in uncaught if refusal not in self._state.told]
        self._state.told += fresh
        return [refusal.error for refusal in fresh]

    def take_passed_by(self) -> list[NotRecordableError]:
        """Return the calls that went out unrecorded, each once."""
        taken, self._state.passed_by = self._state.passed_by, []
        return taken

    @property
    def broken(self) -> tuple[MessagesError, ...]:
        """What kept an interaction from being stored: a leak, a full disk."""
        return tuple(self._state.broken)

    @property
    def replays(self) -> bool:
        """Whether this session answers from the cassette at all."""
        return self._cassette_state is not State.MISSING and reads(self.mode)

    @property
    def was_incomplete(self) -> bool:
        """Whether this test recorded here before and had not passed."""
        return self.test in self._cassette.incomplete

    def recorded_by_others(self) -> bool:
        """Tell whether other tests recorded into this cassette too."""
        return any(each.recording.test not in {self.test, None} for each in self._cassette.interactions)

    def mine_unplayed(self) -> tuple[Interaction, ...]:
        """Return what an earlier, failed attempt of this test recorded and this one did not ask for."""
        if not self.was_incomplete:
            return ()
        rest = (each for n, each in enumerate(self._cassette.interactions) if n not in self._state.played)
        return tuple(each for each in rest if each.recording.test == self.test)

    def empty(self, loaded: Sequence[str], hooked: Sequence[str]) -> EmptyError:
        """Make the error for a test that promised calls and made none."""
        return EmptyError(
            "the test made no Messages call",
            context=self._context(0, "the end of the test"),
            loaded=tuple(loaded),
            hooked=tuple(hooked),
        )

    def unplayed(self) -> UnplayedError | None:
        """Make the error that names the recordings nobody asked for, or None."""
        missing = [n for n in range(len(self._cassette.interactions)) if n not in self._state.played]
        if not missing or not self.replays:
            return None
        positions = tuple(n + 1 for n in missing)
        total = len(self._cassette.interactions)
        return UnplayedError(
            f"{len(positions)} of {total} recorded interactions were never asked for",
            context=self._context(len(self._state.calls), "the end of the test"),
            positions=positions,
            prompts=tuple(_last_text(self._recorded_requests[n].body) for n in missing),
        )

    def expired(self, played: Iterable[int], *, before: datetime) -> ExpiredError | None:
        """Make the error that names the played recordings from ``before`` a time, or None."""
        recorded = {n: self._cassette.interactions[n].recording.at for n in played}
        times = sorted((time, n, at) for n, at in recorded.items() if at and (time := _time(at)) and time < before)
        if not times:
            return None
        count, total = len(times), len(self._cassette.interactions)
        return ExpiredError(
            f"{count} of {total} recorded interactions {'is' if count == 1 else 'are'} older than messages_expire says",
            context=self._context(len(self._state.calls), "the end of the test"),
            positions=tuple(sorted(n + 1 for _, n, _ in times)),
            oldest=times[0][2],
        )

    def finish(self) -> Outcome:
        """Take stock: what was recorded, in order; what was played; what the judge found; which streams are open."""
        still_open = self._close_streams()
        self.settle()
        return Outcome(
            recorded=tuple(entry.interaction for entry in _in_order(self._state.recorded)),
            played=frozenset(self._state.played),
            violations=self.violations if self.settings.conformance != "ignore" else (),
            still_open=still_open,
            calls=len(self._state.calls),
        )

    def close(self) -> None:
        """Take no more calls."""
        self._open = False

    # Inside

    def _claim(self, request: Request, scrubbed: Scrubbed, provider: Provider) -> Ticket:
        call = Call(position=len(self._state.calls) + 1, request=request, scrubbed=scrubbed, provider=provider)
        thread = threading.get_ident()
        raced = any(ticket.thread != thread for ticket in self._state.tickets.values())
        ticket = Ticket(call=call, scrubbed=scrubbed, at=self._now(), thread=thread, raced=raced)
        self._state.calls.append(call)
        return ticket

    @cached_property
    def _index(self) -> dict[Hashable, list[int]]:
        index: dict[Hashable, list[int]] = {}
        # Who recorded it tells servers on this machine apart; to know it costs reading the answer.
        servers = len({urlsplit(request.url).netloc for request in self._recorded_requests})
        for position, request in enumerate(self._recorded_requests):
            recorder = partial(_recorder, self._cassette.interactions[position]) if servers > 1 else _nobody
            index.setdefault(self._matching.recorded_key(request, recorder), []).append(position)
        return index

    @cached_property
    def _recorded_requests(self) -> Sequence[Scrubbed]:
        return [self._scrubber.request(interaction.request) for interaction in self._cassette.interactions]

    def _candidates(self, positions: list[int], scrubbed: Scrubbed) -> list[int]:
        """Positions of the recordings of this very request; those that this test recorded come first."""
        if self._matching.custom:
            positions = [n for n in positions if self._matching.agrees(self._recorded_requests[n], scrubbed)]
        if len(positions) < 2 or self.test is None:  # noqa: PLR2004 - nothing to order
            return positions
        mine = [n for n in positions if self._cassette.interactions[n].recording.test == self.test]
        return [*mine, *(n for n in positions if n not in mine)]

    def _find(self, positions: list[int], scrubbed: Scrubbed) -> tuple[int | None, Found]:
        candidates = self._candidates(positions, scrubbed)
        fresh = next((n for n in candidates if n not in self._state.played), None)
        if fresh is not None:
            return fresh, Found.MATCH
        if not candidates:
            return None, Found.NOTHING
        if self.settings.repeats == "last":
            return candidates[-1], Found.MATCH
        if self.settings.repeats == "cycle":
            return min(candidates, key=lambda n: self._state.played[n]), Found.MATCH
        return None, Found.PLAYED

    def _replay(self, ticket: Ticket, position: int) -> Replay:
        interaction = self._cassette.interactions[position]
        self._state.played[position] = self._state.played.get(position, 0) + 1
        response = interaction.response
        ticket.call.response, ticket.call.replayed = response, True
        ticket.call.duration = response.chunks[-1].ms / 1000 if response.chunks else None
        self._state.tally.replayed += 1
        self._judge_later(ticket, Interaction(ticket.scrubbed, (response, interaction.recording)))
        return Replay(ticket, response)

    def _forward(self, ticket: Ticket, action: Action) -> Forward:
        if action is Action.RECORD and self.mode is RecordMode.ONCE:
            # Once one request had to be recorded the conversation has taken another turn: what follows is recorded too.
            self._cassette_state = State.MISSING
        self._state.tickets[ticket.call.position] = ticket
        return Forward(ticket)

    def _refuse(self, error: MessagesError) -> Refuse:
        self._state.tally.refused += 1
        return Refuse(error)

    def _why(self, ticket: Ticket, scrubbed: Scrubbed, found: Found, times: int) -> MessagesError:
        asked = f"{scrubbed.method} {scrubbed.url}"
        context = self._context(ticket.call.position, asked)
        if self._cassette_state is State.MISSING:
            return CassetteNotFoundError(
                f"no cassette answers {asked}: there is none, and record mode {self.mode} makes none",
                path=self.path,
                context=context,
            )
        if self._cassette_state is State.INCOMPLETE and self.mode is RecordMode.NONE:
            tests = self._cassette.incomplete
            return CassetteIncompleteError(
                f"the cassette is incomplete: {', '.join(tests)} recorded here and has not passed yet",
                path=self.path,
                tests=tests,
                context=context,
            )
        if found is Found.PLAYED:
            return ExhaustedError(f"{asked}: already played, {times} of {times}", context=context, times=times)
        nearest = self._matching.nearest(scrubbed, self._recorded_requests, played=self._state.played)
        return NoMatchError(
            f"no recorded interaction answers request {ticket.call.position}: {asked}",
            context=context,
            nearest=nearest[0] + 1 if nearest else None,
            differences=nearest[1] if nearest else (),
        )

    def _closed_error(self, ticket: Ticket) -> NotRecordableError:
        error = self.unrecordable(ticket.scrubbed.url, host=ticket.scrubbed.url, library="a late")
        return NotRecordableError(
            f"{ticket.scrubbed.method} {ticket.scrubbed.url} came after its session had closed",
            context=error.context,
            host=error.host,
            library=error.library,
            thread=error.thread,
        )

    def _context(self, number: int, asked: str) -> CallContext:
        total = len(self._cassette.interactions)
        return CallContext(
            number=number,
            asked=asked,
            cassette=self.path,
            mode=str(self.mode),
            interactions=total,
            unplayed=total - len(self._state.played),
            test=self.test,
        )

    def _scrubbed(self, ticket: Ticket, response: Response) -> ScrubbedInteraction:
        recording = Recording(at=ticket.at, test=self.test, provider=ticket.call.provider.name)
        return self._scrubber.interaction(Interaction(ticket.scrubbed, (response, recording)))

    def _note(self, ticket: Ticket, interaction: ScrubbedInteraction, response: Response, *, keeps: bool) -> None:
        self._state.tickets.pop(ticket.call.position, None)
        if keeps:
            position = ticket.call.position
            entry = Recorded(interaction=interaction, position=position, thread=ticket.thread, raced=ticket.raced)
            self._state.recorded.append(entry)
            self._state.tally.recorded += 1
            self._state.tally.altered += interaction.response.body != response.body
        else:
            self._state.tally.forwarded += 1
        self._judge_later(ticket, interaction)

    def _judge_later(self, ticket: Ticket, interaction: Interaction) -> None:
        self._state.judged.append((ticket.call, interaction))

    def _count_tokens(self) -> None:
        """Sum up what was not summed up yet: a test that waits for an answer does not wait for this."""
        with self._lock:
            fresh = self._state.judged[self._state.counted :]
            self._state.counted += len(fresh)
            for _, interaction in fresh:
                usage = _usage(interaction.response)
                self._state.tally.input_tokens += usage[0]
                self._state.tally.output_tokens += usage[1]

    def _judge(self, call: Call, interaction: Interaction, earlier: Sequence[Interaction]) -> tuple[Violation, ...]:
        # Only what must come back unchanged is compared with what was given: most requests hold no such thing.
        given = earlier if _THINKING.search(interaction.request.body) else ()
        found = judge.check(interaction, call.provider, rules=self.settings.rules, earlier=given)
        return tuple(replace(finding, where=f"call {call.position}, {finding.where}") for finding in found)

    def _close_streams(self) -> tuple[Call, ...]:
        still_open = tuple(ticket.call for ticket in self._closers)
        for close in tuple(self._closers.values()):
            close()
        return still_open


class Unmarked(Session):
    """What stands below all sessions where unmarked tests may call nobody."""

    def _why(self, ticket: Ticket, scrubbed: Scrubbed, found: Found, times: int) -> MessagesError:
        del found, times
        error = self.unrecordable(scrubbed.url, host=urlsplit(scrubbed.url).netloc, library=ticket.call.request.method)
        return NotRecordableError(
            f"{scrubbed.method} {scrubbed.url} comes from a test without the mark, and messages_unmarked is refuse",
            context=error.context,
            host=error.host,
            library=error.library,
            thread=error.thread,
        )


def _time(text: str) -> datetime | None:
    """Return the time that a cassette says, in UTC where it names no zone; None for what is no time."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_USAGE = re.compile(rb'^data: ?(.*"usage".*?)\r?$', re.MULTILINE)
_THINKING = re.compile(rb'"(redacted_)?thinking"')


def _recorder(interaction: Interaction) -> str | None:
    return interaction.recording.test


def _nobody() -> None:
    return None


def _parsed(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _last_text(body: bytes) -> str:
    """Return the last text of a request's last message; empty where it has none."""
    parsed = _parsed(body)
    messages = parsed.get("messages") if isinstance(parsed, dict) else None
    content = messages[-1].get("content") if isinstance(messages, list) and messages else None
    if isinstance(content, list):
        texts = [block.get("text") for block in content if isinstance(block, dict) and block.get("type") == "text"]
        content = texts[-1] if texts else None
    return content if isinstance(content, str) else ""


def _seconds(headers: Any, milliseconds: str, seconds: str) -> float | None:
    for name, unit in ((milliseconds, 1000.0), (seconds, 1.0)):
        value = header(headers, name)
        try:
            if value is not None:
                return float(value) / unit
        except ValueError:
            continue
    return None


def _truly_ended(response: Response) -> Response:
    """Take a client that stops reading after the terminal event for one that has read it all."""
    if response.ended is not Ended.CLOSED or not response.is_stream:
        return response
    last = next((event.name for event in reversed(sse.decode(response.body)) if event.name), None)
    if last not in {"message_stop", "error"}:
        return response
    return Response(response.status, response.reason, response.headers, response.body, response.chunks)


def _usage(response: Response) -> tuple[int, int]:
    """Input and output tokens of an answer; zero where it says none."""
    said = [_parsed(line) for line in _USAGE.findall(response.body)] if response.is_stream else [_parsed(response.body)]
    counts = {"input_tokens": 0, "output_tokens": 0}
    for body in said:
        # In a stream the first count stands in the message that begins, and the last one is cumulative.
        told = body.get("message", body) if isinstance(body, dict) else None
        usage = told.get("usage") if isinstance(told, dict) else None
        if isinstance(usage, dict):
            counts |= {name: count for name in counts if isinstance(count := usage.get(name), int)}
    return counts["input_tokens"], counts["output_tokens"]


def _in_order(recorded: Sequence[Recorded]) -> list[Recorded]:
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
