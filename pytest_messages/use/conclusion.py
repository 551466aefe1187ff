"""One open session, and what becomes of it: kept, judged, and told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pytest_messages import report
from pytest_messages.errors import MessagesError
from pytest_messages.findings import Level
from pytest_messages.intercept.sessions import SESSIONS
from pytest_messages.session.verdict import Problem, Weight

if TYPE_CHECKING:
    from pytest_messages.session.record import Outcome
    from pytest_messages.session.session import Session
    from pytest_messages.use.keeping import Keeping
    from pytest_messages.use.plan import Plan
    from pytest_messages.use.run import Run

_now = datetime.now
"""Taken at import, so that a clock which a test freezes does not freeze us."""

_WEIGHTS = {"fail": Weight.FAIL, "strict": Weight.FAIL, "warn": Weight.WARN}


def timestamp() -> str:
    """Return the time as RFC 3339, in seconds and UTC."""
    return _now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Use:
    """One open session. Concluded when its test's call is over; what comes later is added when it closes.

    ``passed`` says whether the test passed, as far as is known: a script's block has no other verdict than its
    exceptions. ``ended_with`` names the exception that it ended with, where it did not.
    """

    def __init__(self, plan: Plan, run: Run, session: Session, keeping: Keeping) -> None:
        self.plan = plan
        self.run = run
        self.session = session
        self.passed = True
        self.ended_with: str | None = None
        self._keeping = keeping

    def conclude(self, *, in_call: bool = False) -> list[MessagesError]:
        """Keep what was recorded, judge it, and return what must make the test fail and was not told yet.

        ``in_call`` says that only the test's own call is over: its teardown may make further calls.
        """
        self._draw_up(in_call=in_call)
        if in_call:
            self.session.call_is_over()
        return self.run.hear(self.session)

    def conclude_later(self) -> None:
        """As `conclude`, where no report is at hand: the next one tells what must make the test fail."""
        self._draw_up(in_call=False)
        self.run.hear_later(self.session)

    def _draw_up(self, *, in_call: bool) -> None:
        outcome = self.session.finish()
        self._keeping.keep(outcome.recorded, passed=self._passes(), reason=self._reason())
        self._judge()
        self._keeping.settle(outcome.recorded, passed=self._passes(), reason=self._reason())
        self._note_streams(outcome)
        if self._passes():
            self._take_stock(outcome, in_call=in_call)

    def _passes(self) -> bool:
        self.passed = self.passed and not self.session.verdict.fails
        return self.passed

    def _reason(self) -> str | None:
        if self.passed:
            return None
        ended = f"the test ended with {self.ended_with}" if self.ended_with else "the test did not pass"
        return self.session.verdict.reason or ended

    def _add(self, what: MessagesError, word: str) -> None:
        # Of each kind there is one: what the end of the test would add to it was told when the call was over.
        self.session.verdict.add(Problem(what, _WEIGHTS[word], identity=type(what).__name__))

    def _note_streams(self, outcome: Outcome) -> None:
        for call in outcome.still_open:
            told = report.still_open(repr(call), self.plan.test)
            self.session.verdict.add(Problem(told, Weight.NOTE, identity=("open", call.position)))

    def _judge(self) -> None:
        word = self.plan.settings.conformance
        if word == "ignore":
            return
        worst = Level.NOTICE if word == "strict" else Level.VIOLATION
        try:
            found = self.session.violations
        except MessagesError as error:
            # A rule of no such name, an interaction of a foreign file that cannot be read.
            self.session.verdict.add(Problem(error))
            return
        for finding in found:
            if finding.level <= worst:
                self.session.verdict.add(Problem(finding, _WEIGHTS[word]))

    def _take_stock(self, outcome: Outcome, *, in_call: bool) -> None:
        """Add what a test that passed may still fail by."""
        reasons, settings = self.session.reasons, self.plan.settings
        if not outcome.calls and self.plan.empty != "ignore":
            self._add(reasons.empty(SESSIONS.loaded(), SESSIONS.hooked()), self.plan.empty)
        if settings.unplayed != "ignore" and self.session.replays:
            self._unplayed(outcome, in_call=in_call)
        days = settings.expire.removesuffix(":fail").partition("d")[0]
        if days.isdecimal():
            before = _now(UTC) - timedelta(days=int(days))
            if expired := reasons.expired(outcome.calls, outcome.played, before=before):
                self._add(expired, "fail" if settings.expire.endswith(":fail") else "warn")

    def _unplayed(self, outcome: Outcome, *, in_call: bool) -> None:
        word = self.plan.settings.unplayed
        if self.plan.shared or self.session.recorded_by_others():
            self._share(outcome, word)
        elif unplayed := self.session.reasons.unplayed(outcome.calls, in_call=in_call):
            self._add(unplayed, word)

    def _share(self, outcome: Outcome, word: str) -> None:
        recorders = {test for each in self.session.recorded if (test := each.recording.test)}
        total = len(self.session.recorded)
        self.run.share(self.session.path, total=total, played=outcome.played, recorders=recorders, policy=word)
