"""Put what a session recorded into its cassette, and lose nothing on the way.

Each answer stands in the part file from the moment it ended; that is what is kept first, before anybody judges. The
part file is removed when its content stands in the cassette, and at no other time: a last step that fails leaves it,
and says where it is.

The take of a test that passed is put in place before the judge has seen it. What the judge finds then makes the test
fail, so the cassette is marked incomplete in a second step. Only where a failing test may not touch the cassette at all
(`rewrite` and `new_episodes` over one that was there before) the judge comes before the cassette is replaced, and the
part file is what is kept.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages import report
from pytest_messages.cassette import store
from pytest_messages.cassette.part import Part
from pytest_messages.cassette.store import Draft
from pytest_messages.errors import CassetteError, MessagesError
from pytest_messages.session.modes import State
from pytest_messages.session.verdict import Problem
from pytest_messages.settings import RecordMode
from pytest_messages.use.run import First, Note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_messages.cassette.disk import LeakCheck
    from pytest_messages.cassette.document import Interaction, ScrubbedInteraction
    from pytest_messages.session.session import Session
    from pytest_messages.use.plan import Plan
    from pytest_messages.use.run import Run


class Place(Enum):
    """Where the take of a session stands."""

    PART = auto()
    """In its part file, if there is anything."""
    UNFINISHED = auto()
    """In the cassette, which is marked incomplete."""
    WHOLE = auto()
    """In the cassette, which is whole as far as this test is concerned."""
    ASIDE = auto()
    """In the part file for good: the cassette must not be touched, or could not be written."""


class Keeping:
    """The take of one session on its way into the cassette."""

    def __init__(
        self,
        plan: Plan,
        run: Run,
        session: Session,
        part: Part,
        *,
        gate: LeakCheck,
        scrub: Callable[[Interaction], ScrubbedInteraction],
    ) -> None:
        self._plan, self._run, self._session, self._part = plan, run, session, part
        self._gate, self._scrub = gate, scrub
        self._attempt = run.attempt(plan.path, plan.test)
        self._put = 0
        self._reason: str | None = None
        self._place = Place.ASIDE if plan.settings.mode is RecordMode.LIVE else Place.PART

    def keep(self, recorded: Sequence[ScrubbedInteraction], *, passed: bool, reason: str | None) -> None:
        """Put in place what was recorded since the last time, before anybody judges it.

        ``reason`` is why the test did not pass, where it did not.
        """
        if not self._must_pass_first:
            self._reason = reason
            self._put_in_place(recorded, passed=passed)

    def settle(self, recorded: Sequence[ScrubbedInteraction], *, passed: bool, reason: str | None) -> None:
        """Do what is left to do now that the verdict is known."""
        said, self._reason = self._reason, reason
        if self._must_pass_first and not passed:
            self._set_aside(worth_keeping(recorded[self._put :]))
        elif self._must_pass_first:
            self._put_in_place(recorded, passed=True)
        elif self._place is Place.WHOLE and not passed:
            self._commit((), passed=False)
            self._note_unfinished(len(recorded))
        elif self._place is Place.UNFINISHED and not passed and reason != said:
            self._commit((), passed=False)
        elif self._place is Place.WHOLE and self._session.mine_unplayed():
            self._commit((), passed=True, dropping=self._session.mine_unplayed())
        if self._place is Place.WHOLE:
            self._run.passed_after_all(self._plan.path, self._plan.test)

    @property
    def _must_pass_first(self) -> bool:
        """Whether a failing test would spoil a cassette that was there before."""
        existed = self._run.ledger.first(str(self._plan.path), _nothing).state is not State.MISSING
        return existed and self._plan.settings.mode in {RecordMode.REWRITE, RecordMode.NEW_EPISODES}

    def _put_in_place(self, recorded: Sequence[ScrubbedInteraction], *, passed: bool) -> None:
        if self._place is Place.ASIDE:
            return
        fresh = recorded[self._put :]
        kept = tuple(fresh) if passed else worth_keeping(fresh)
        completes = passed and self._session.was_incomplete and self._place is not Place.WHOLE
        if (kept or completes) and not self._commit(kept, passed=passed):
            return
        self._part.discard()
        self._put = len(recorded)
        self._attempt.recorded += kept
        if kept and not passed:
            self._note_unfinished(len(kept))

    def _commit(
        self, kept: tuple[ScrubbedInteraction, ...], *, passed: bool, dropping: Sequence[Interaction] = ()
    ) -> bool:
        """Change the cassette, and tell whether that could be done; else the part file stays."""
        self._place, wanted = Place.ASIDE, Place.WHOLE if passed else Place.UNFINISHED
        try:
            self._change(kept, passed=passed, dropping=dropping)
        except MessagesError as error:
            self._failed(error, kept)
            return False
        self._place = wanted
        return True

    def _change(self, kept: tuple[ScrubbedInteraction, ...], *, passed: bool, dropping: Sequence[Interaction]) -> None:
        def superseded(interaction: Interaction) -> bool:
            return interaction in self._attempt.earlier or interaction in dropping

        take = Take(
            interactions=kept, test=self._plan.test, finished=passed, superseded=superseded, reason=self._reason
        )
        with self._run.ledger.changing(str(self._plan.path)) as first:

            def change(current: Draft | None) -> Draft:
                base = replace(current or Draft(), salt=(current and current.salt) or self._part.salt)
                draft, first.known = merged(base, take, known=first.known, order=self._run.order)
                return draft

            if self._plan.settings.mode is RecordMode.REWRITE and not first.rewritten:
                # Whatever stands there goes, readable or not.
                store.put(self._plan.path, change(None), gate=self._gate)
                first.rewritten = True
            else:
                store.commit(self._plan.path, change, gate=self._gate, scrub=self._scrub)
        self._attempt.earlier.clear()

    def _failed(self, error: MessagesError, kept: Sequence[ScrubbedInteraction]) -> None:
        place = self._part.path if self._part.is_whole else self._put_elsewhere(kept)
        if isinstance(error, CassetteError) and place is not None:
            error.kept = self._run.shown(place)
        # One of the same words may have been told while the test ran; this one says where everything is.
        self._session.verdict.add(Problem(error, identity=("not in place", self._put)))

    def _put_elsewhere(self, kept: Sequence[ScrubbedInteraction]) -> Path | None:
        """Write a take that the part file does not hold to the temporary folder; None where that fails too."""
        if not kept:
            return None
        try:
            folder = Path(tempfile.mkdtemp(prefix="pytest-messages-kept-"))
            with Part(
                folder / self._plan.path.name, gate=self._gate, test=self._plan.test, salt=self._part.salt
            ) as part:
                for interaction in kept:
                    part.append(interaction)
        except (MessagesError, OSError):
            return None
        return part.path

    def _set_aside(self, kept: Sequence[ScrubbedInteraction]) -> None:
        if self._place is Place.ASIDE:
            return
        if not kept or self._part.path is None:
            self._part.discard()
            return
        self._place = Place.ASIDE
        self._attempt.aside.append(self._part.path)
        shown = self._run.shown(self._part.path)
        self._note(report.kept_aside(shown, len(kept), self._plan.test))

    def _note_unfinished(self, count: int) -> None:
        self._note(report.incomplete(self._session.path, count, self._plan.test))

    def _note(self, text: str) -> None:
        note = Note(text)
        self._attempt.notes.append(note)
        self._run.notes.append(note)


def _nothing() -> First:
    return First(State.MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What one session recorded, and all that says where it belongs in the cassette."""

    interactions: tuple[ScrubbedInteraction, ...]
    test: str | None
    finished: bool
    """Whether the test passed, so that nothing more is to come from it."""
    superseded: Callable[[Interaction], bool]
    """Which older interactions this take replaces."""
    reason: str | None = None
    """Why the test did not pass, in one line, where that is known."""


def merged(current: Draft, take: Take, *, known: int, order: Callable[[str], int]) -> tuple[Draft, int]:
    """Lay ``take`` into what is on disk now; return the cassette and how many of the ``known`` ones are left.

    Interactions that were there before this run keep their places. Those of this run follow in the order of the tests'
    collection, so that the file does not depend on which worker came first.
    """
    old = [interaction for interaction in current.interactions[:known] if not take.superseded(interaction)]
    new = [interaction for interaction in current.interactions[known:] if not take.superseded(interaction)]
    fresh = sorted([*new, *take.interactions], key=lambda interaction: order(interaction.recording.test or ""))
    waiting = {test: current.reasons.get(test) for test in current.incomplete if test != take.test}
    if not take.finished and take.test is not None:
        waiting[take.test] = take.reason
    reasons = {test: reason for test, reason in waiting.items() if reason}
    draft = Draft(interactions=(*old, *fresh), incomplete=tuple(sorted(waiting)), reasons=reasons, salt=current.salt)
    return draft, len(old)


def worth_keeping(interactions: Sequence[ScrubbedInteraction]) -> tuple[ScrubbedInteraction, ...]:
    """Return what a failed test paid for: everything up to its last success.

    A wrong key or a dead network must not become a recording.
    """
    last = max((n for n, each in enumerate(interactions) if 200 <= each.response.status < 300), default=-1)  # noqa: PLR2004
    return tuple(interactions[: last + 1])
