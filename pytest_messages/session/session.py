"""One test's use of one cassette. The heart.

A session is asked about every request (`Session.decide`) and told how every forwarded one was answered
(`Session.record`); what it has to say stands in `Session.verdict`. Any thread may call it.

Its one lock guards what `Playback` and `Record` hold, and is never held over I/O: whoever waits for a disk waits alone.
So an answer is claimed under the lock, scrubbed and appended to the part file without it, and noted down under it
again; and a request is decided under the lock before the place that it will be recorded at is made ready without it.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.errors import (
    CassetteError,
    MessagesError,
    NotRecordableError,
    SecretLeakError,
    UnreplayableError,
    refusal,
)
from pytest_messages.session.behind import Behind, is_big
from pytest_messages.session.call import Call, Forward, Refuse, Replay, Ticket, tokens, truly_ended
from pytest_messages.session.judged import judged
from pytest_messages.session.modes import DECISIONS, Action, Found, State, may_forward, reads
from pytest_messages.session.playback import TEARDOWN, Playback
from pytest_messages.session.reasons import Reasons
from pytest_messages.session.record import Answered, Outcome, Record, Recorded, in_order
from pytest_messages.session.self_match import unanswered
from pytest_messages.session.tally import Tally
from pytest_messages.session.verdict import Problem, Verdict, Weight
from pytest_messages.settings import RecordMode, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pytest_messages.cassette.document import Cassette, ScrubbedInteraction
    from pytest_messages.findings import Violation
    from pytest_messages.matching import Matching
    from pytest_messages.providers import Provider
    from pytest_messages.scrubbing import Scrubber
    from pytest_messages.session.scope import Scope
    from pytest_messages.wire import Request, Response, Scrubbed


def _nothing(*_: object) -> None:
    """Do nothing."""


class Session:
    """One test's use of one cassette.

    ``cassette`` is what replay may answer from, ``state`` what the run found at ``path``. ``prepare`` makes ready to
    record before the first request goes out, and raises where nothing could be written; ``append`` keeps a recorded
    interaction and raises `SecretLeakError` where the gate refuses it; ``now`` gives the time as RFC 3339; ``explain``
    lays an error out for people; ``late`` is told what was refused after the session had closed, when nobody asks it
    any more.
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
        prepare: Callable[[], None] = _nothing,
        explain: Callable[[MessagesError], str] = str,
        late: Callable[[MessagesError], None] = _nothing,
    ) -> None:
        self.settings = settings
        self.path = path
        self.test = test
        self.scope = scope
        self.provider_of = provider_of
        self.verdict = Verdict()
        self.playback = Playback(cassette, scrubber=scrubber, matching=matching, test=test, repeats=settings.repeats)
        self.reasons = Reasons(
            path=path,
            mode=str(settings.mode),
            test=test,
            incomplete=cassette.incomplete,
            why=cassette.reasons,
            playback=self.playback,
        )
        self._state = state
        self._scrubber, self._matching = scrubber, matching
        self._prepare, self._append, self._now, self._explain, self._late = prepare, append, now, explain, late
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._record = Record()
        self._behind = Behind()
        self._tally = Tally()
        self._counted = self._matched = 0
        self._open = True
        self._phase: str | None = None

    # What tests may use

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls so far, in order of issue."""
        self.settle()
        return tuple(self._calls)

    @property
    def recorded(self) -> tuple[Interaction, ...]:
        """What the cassette holds. Asserting on it proves nothing about what was sent: that is in `calls`."""
        return self.playback.interactions

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
        self._settle_all()
        answered = tuple(self._record.answered)
        for number, each in enumerate(answered):
            if each.findings is None:
                each.findings = judged(each, answered[:number], rules=self.settings.rules)
        found = (finding for each in answered for finding in each.findings or ())
        return tuple(sorted(found, key=lambda finding: finding.level))

    # What transports use

    @property
    def may_forward(self) -> bool:
        """Whether any request of this session can go out."""
        return may_forward(self.mode, self._state)

    @property
    def is_open(self) -> bool:
        """Whether the session still takes calls."""
        return self._open

    @property
    def tally(self) -> Tally:
        """What was done so far, in numbers."""
        self._settle_all()
        self._count_tokens()
        return self._tally

    def decide(
        self, request: Request, *, provider: Provider | None = None, library: str = ""
    ) -> Replay | Forward | Refuse:
        """Say what happens to ``request``, and claim its position in the order of issue.

        The only place that knows modes. ``provider`` is whose API it speaks, where the caller knows better than its
        URL; ``library`` is the HTTP library that issues it.
        """
        self.settle()
        try:
            scrubbed = self._scrubber.request(request)
            with self._lock:
                ticket = self._claim(request, scrubbed, provider or self.provider_of(request.url), library)
                decision = self._decided(ticket)
            if isinstance(decision, Forward) and self._keeps:
                self._ready(decision.ticket)
        except MessagesError as error:
            # A scrub rule or a matcher that fails, a cassette that turns out to be broken where it is read now, a
            # place where nothing can be written.
            return self._refuse(error)
        return decision

    def _decided(self, ticket: Ticket) -> Replay | Forward | Refuse:
        if not self._open:
            return self._refuse(self.reasons.unwelcome(ticket, "came after its session had closed"))
        position, found, times = self.playback.find(ticket.scrubbed)
        action = DECISIONS[self.mode, self._state][found]
        if action is Action.REPLAY and position is not None:
            return self._replay(ticket, position)
        if action is Action.REFUSE:
            return self._refuse(self._why(ticket, found, times))
        return self._forward(ticket, action)

    def record(self, ticket: Ticket, response: Response) -> None:
        """Take the answer to a forwarded request, once it has ended. The first answer to a ticket counts.

        Raises nothing: the client has its answer, and what keeps it from being stored is this session's business. It is
        stored when this returns, but for a big one: see `behind`.
        """
        with self._lock:
            if ticket.call.response is not None:
                return
            ticket.call.response = response = truly_ended(response)
            ticket.call.duration = response.chunks[-1].ms / 1000 if response.chunks else None
            self._record.closers.pop(ticket, None)
            self._record.unanswered.pop(ticket.call.position, None)
        if self._open and is_big(response):
            self._behind.store(response, partial(self._store, ticket, response))
        else:
            self._store(ticket, response)

    def _store(self, ticket: Ticket, response: Response) -> None:
        try:
            interaction = self._scrubbed(ticket, response)
            if self._keeps:
                self._write_down(interaction)
        except MessagesError as error:
            self.verdict.add(Problem(error))
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, this answer cannot be stored, and that is told
            self.verdict.add(Problem(self._unstorable(ticket, error)))
            return
        with self._lock:
            self._note(ticket, interaction, response)

    def _write_down(self, interaction: ScrubbedInteraction) -> None:
        try:
            self._append(interaction)
        except SecretLeakError:
            raise
        except CassetteError as error:
            # A full disk: the test fails by it. Until it has ended the answer is kept in memory, and may get in then.
            self.verdict.add(Problem(error))

    def record_later(self, ticket: Ticket, response: Response) -> None:
        """As `record`, from where no lock may be taken: the collector may close a stream at any time, in any thread."""
        self._record.late.append((ticket, response))

    def settle(self) -> None:
        """Record what the collector or a closing generator left behind."""
        while self._record.late:
            self.record(*self._record.late.popleft())

    def _settle_all(self) -> None:
        self.settle()
        self._behind.wait()

    def scrubbed_answer(self, response: Response) -> Response:
        """Return an answer as it may be shown: what recording shows and what replay shows are the same."""
        return self._scrubber.response(response)

    def holds_open(self, ticket: Ticket, close: Callable[[], None]) -> None:
        """Remember how to close the stream of ``ticket``, should the test end before it."""
        self._record.closers[ticket] = close

    def refuse(self, error: MessagesError, *, once: Hashable = None) -> NoReturn:
        """Note a refusal down, so that it counts whatever swallows it, and raise it as `Refused`.

        Refusals of the same ``once`` are one, until a test has meant it: a client that tries all addresses of a host,
        or tries again, was refused once.
        """
        raised = refusal(error, self._explain(error))
        standing = self.verdict.add(Problem(error, identity=once, refusal=raised))
        if not self._open:
            self._late(error)
        raise (standing.refusal or raised).with_traceback(None)

    def unrecordable(self, url: str, *, host: str, library: str) -> NotRecordableError:
        """Make the error for a call that cannot be recorded, of whatever kind."""
        asked = f"{library} call to {self._scrubber.text(url)}"
        why = "cannot be recorded or replayed" if self._open else "came after its session had closed"
        number = len(self._calls) + 1
        return self.reasons.unrecordable(number, asked, f"{asked} {why}", host=host, library=library)

    def passed_by(self, error: NotRecordableError) -> None:
        """Take note of a call that went out unrecorded because it cannot be recorded: it must not pass silently."""
        self.verdict.add(Problem(error, Weight.NOTE, identity=object()))

    def refuse_to_read_past(self, method: str, url: str, *, waited: float | None = None) -> NoReturn:
        """Refuse a client that reads further, or waits longer, than the client did that recorded."""
        asked = f"{method} {self._scrubber.text(url)}"
        self.refuse(self.reasons.read_past(len(self._calls), asked, waited=waited))

    @property
    def patience(self) -> float:
        """How many seconds a caller may wait on replay for what it gave up waiting for when it was recorded.

        Its deadline may span the calls before, which took their time then and take none now; and a machine may be slow.
        """
        return min(sum(call.duration or 0.0 for call in self._calls), _LONGEST) + _MARGIN

    # What `use` asks at the end

    @property
    def replays(self) -> bool:
        """Whether this session answers from the cassette at all."""
        return self._state is not State.MISSING and reads(self.mode)

    @property
    def was_incomplete(self) -> bool:
        """Whether this test recorded here before and had not passed."""
        return self.test in self.reasons.incomplete

    def recorded_by_others(self) -> bool:
        """Tell whether other tests recorded into this cassette too."""
        return any(each.recording.test not in {self.test, None} for each in self.recorded)

    def mine_unplayed(self) -> tuple[Interaction, ...]:
        """Return what an earlier, failed attempt of this test recorded and this one did not ask for."""
        if not self.was_incomplete:
            return ()
        rest = (self.recorded[n] for n in self.playback.unplayed())
        return tuple(each for each in rest if each.recording.test == self.test)

    def finish(self) -> Outcome:
        """Take stock: close what is still open, and return what was recorded and played."""
        still_open = self._record.close_streams()
        self._settle_all()
        self._match_with_itself()
        return Outcome(
            recorded=self._record.interactions(),
            played=frozenset(self.playback.played),
            still_open=still_open,
            calls=len(self._calls),
        )

    def call_is_over(self) -> None:
        """Know that what comes now is the teardown's, which the end of the call cannot miss."""
        self._phase = TEARDOWN

    def close(self) -> None:
        """Take no more calls."""
        self._open = False

    # Inside

    @property
    def _keeps(self) -> bool:
        """Whether what is forwarded is recorded."""
        return DECISIONS[self.mode, self._state][Found.NOTHING] is Action.RECORD

    def _claim(self, request: Request, scrubbed: Scrubbed, provider: Provider, library: str) -> Ticket:
        call = Call(position=len(self._calls) + 1, request=request, scrubbed=scrubbed, provider=provider)
        thread = threading.get_ident()
        raced = any(ticket.thread != thread for ticket in self._record.unanswered.values())
        self._calls.append(call)
        return Ticket(
            call=call, scrubbed=scrubbed, at=self._now(), thread=thread, raced=raced, library=library, phase=self._phase
        )

    def _replay(self, ticket: Ticket, position: int) -> Replay:
        interaction = self.playback.play(position)
        response = interaction.response
        ticket.call.response, ticket.call.replayed = response, True
        ticket.call.duration = response.chunks[-1].ms / 1000 if response.chunks else None
        self._tally.replayed += 1
        answered = Interaction(ticket.scrubbed, (response, interaction.recording))
        self._record.answered.append(Answered(ticket.call, answered))
        return Replay(ticket, response)

    def _forward(self, ticket: Ticket, action: Action) -> Forward:
        if action is Action.RECORD and self.mode is RecordMode.ONCE:
            # Once one request had to be recorded the conversation has taken another turn: what follows is recorded too.
            self._state = State.MISSING
        self._record.unanswered[ticket.call.position] = ticket
        return Forward(ticket)

    def _ready(self, ticket: Ticket) -> None:
        """Find out that nothing can be written while nothing has been paid for."""
        try:
            self._prepare()
        except MessagesError:
            self._record.unanswered.pop(ticket.call.position, None)
            raise

    def _refuse(self, error: MessagesError) -> Refuse:
        self._tally.refused += 1
        return Refuse(error)

    def _why(self, ticket: Ticket, found: Found, times: int) -> MessagesError:
        if self._state is State.MISSING:
            return self.reasons.missing(ticket)
        if self._state is State.INCOMPLETE and self.mode is RecordMode.NONE:
            return self.reasons.unfinished(ticket)
        return self.reasons.exhausted(ticket, times) if found is Found.PLAYED else self.reasons.no_match(ticket)

    def _scrubbed(self, ticket: Ticket, response: Response) -> ScrubbedInteraction:
        recording = Recording(at=ticket.at, test=self.test, provider=ticket.call.provider.name, phase=ticket.phase)
        return self._scrubber.interaction(Interaction(ticket.scrubbed, (response, recording)))

    def _unstorable(self, ticket: Ticket, error: Exception) -> CassetteError:
        problem = f"the answer to call {ticket.call.position}, {ticket.asked}, could not be stored"
        return CassetteError(f"{problem}: {type(error).__name__}: {self._scrubber.text(str(error))}", path=self.path)

    def _note(self, ticket: Ticket, interaction: ScrubbedInteraction, response: Response) -> None:
        if self._keeps:
            position = ticket.call.position
            self._record.recorded.append(
                Recorded(
                    interaction=interaction,
                    asked=ticket.scrubbed,
                    position=position,
                    thread=ticket.thread,
                    raced=ticket.raced,
                )
            )
            self._tally.recorded += 1
            self._tally.altered += interaction.response.body != response.body
        else:
            self._tally.forwarded += 1
        self._record.answered.append(Answered(ticket.call, interaction))

    def _match_with_itself(self) -> None:
        """Note what was recorded and would not be answered by its own recording, once for all calls."""
        entries = in_order(self._record.recorded)
        if len(entries) == self._matched:
            return
        self._matched = len(entries)
        try:
            found = unanswered(
                entries, path=self.path, scrubber=self._scrubber, matching=self._matching, test=self.test
            )
        except MessagesError as error:
            # A matcher that fails, a text that does not read back as it was written.
            self.verdict.add(Problem(error))
        else:
            if found:
                self.verdict.add(Problem(self.reasons.unreplayable(found), identity=UnreplayableError))

    def _count_tokens(self) -> None:
        """Sum up what was not summed up yet: a test that waits for an answer does not wait for this."""
        with self._lock:
            fresh = self._record.answered[self._counted :]
            self._counted += len(fresh)
            for each in fresh:
                given, made = tokens(each.interaction.response)
                self._tally.input_tokens += given
                self._tally.output_tokens += made


_LONGEST, _MARGIN = 600.0, 30.0
"""Seconds: the SDK's own default deadline, and what a slow machine or a slow set-up may add."""
