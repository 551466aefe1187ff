"""A session around a block: `use_cassette`, in tests, fixtures and scripts."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pytest_messages import providers, report
from pytest_messages.cassette import naming, store
from pytest_messages.cassette.document import Cassette
from pytest_messages.errors import (
    CassetteError,
    CassetteNotFoundError,
    ConformanceError,
    EmptyError,
    ExpiredError,
    MessagesError,
    UnplayedError,
)
from pytest_messages.findings import Level
from pytest_messages.intercept.sessions import SESSIONS
from pytest_messages.matching import Matching
from pytest_messages.scrubbing import Scrubber, new_salt
from pytest_messages.session.modes import State
from pytest_messages.session.scope import Scope
from pytest_messages.session.session import Session, Unmarked
from pytest_messages.settings import RecordMode
from pytest_messages.use import options
from pytest_messages.use.run import First, Note, Run, Take, merged, replayable, worth_keeping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pytest_messages.cassette.document import Interaction, ScrubbedInteraction
    from pytest_messages.findings import GateResult, Violation
    from pytest_messages.providers import Provider
    from pytest_messages.scrubbing import Gate
    from pytest_messages.session.session import Outcome
    from pytest_messages.settings import Settings

E = TypeVar("E", bound=MessagesError)

_now = datetime.now
"""Taken at import, so that a clock which a test freezes does not freeze us."""


def timestamp() -> str:
    """Return the time as RFC 3339, in seconds and UTC."""
    return _now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a session is opened with: which cassette, whose test, by which choices.

    ``name`` is the cassette's name, from which a new one derives its salt; ``shared`` says that other tests name it
    too; ``empty`` is what a passing test without a call does (``fail``, ``warn`` or ``ignore``).
    """

    path: Path
    name: str
    settings: Settings
    test: str | None
    shared: bool = False
    empty: str = "ignore"

    def salt_of(self, existing: str | None) -> str:
        """Return the key of the placeholders: that of the file, else one that every process derives alike."""
        return existing or new_salt(self.name)


class CountingGate:
    """The gate of a session, which remembers what it let through because a user allowed it.

    A finding stands at another place in each text that holds it, so each text is counted by itself, and the largest
    count is that of the whole cassette.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.counted = 0

    def check(self, text: str, *, where: str = "") -> GateResult:
        """Return what was found in ``text``."""
        result = self._gate.check(text, where=where)
        self.counted = max(self.counted, len(result.allowed))
        return result


class Use:
    """One open session with its part file: judged when its test's call is over, and once more when it closes."""

    def __init__(
        self, plan: Plan, run: Run, session: Session, part: store.Part, scrubber: Scrubber, gate: CountingGate
    ) -> None:
        self.plan = plan
        self.run = run
        self.session = session
        self.finished = True
        """Whether the test passed, as far as is known: a script's block has no other verdict than its exceptions."""
        self._part = part
        self._scrubber = scrubber
        self._gate = gate
        self._earlier = run.earlier_attempts(str(plan.path), plan.test)
        self._taken = 0
        self._aside = False
        self._completed = False
        self._told: set[str] = set()
        self._findings: set[Violation] = set()
        self._warned: set[str] = set()

    def conclude(self) -> list[MessagesError]:
        """Judge what happened so far, put what was recorded in place, and return what must make the test fail."""
        problems = self.session.take_refusals()
        self.finished = self.finished and not self.session.was_refused
        try:
            problems += self._judged_and_kept(self.session.finish())
        except MessagesError as error:
            # A rule of no such name, an interaction of a foreign file that cannot be read.
            self.finished = False
            problems += self._untold([error])
        return [self._located(error) for error in problems]

    def _judged_and_kept(self, outcome: Outcome) -> list[MessagesError]:
        self._note_streams(outcome)
        nonconforming = self._nonconforming(outcome)
        # What the judge finds makes the test fail, so it comes before anything is put in place.
        self.finished = self.finished and nonconforming is None
        problems = [*self.session.broken, *self._commit(outcome), nonconforming]
        if self.finished:
            problems += [self._unplayed(outcome), self._empty(outcome), self._expired(outcome)]
        return self._untold(problems)

    def _untold(self, errors: Iterable[MessagesError | None]) -> list[MessagesError]:
        """Leave out what was told when the call was over: the end of the test finds it again."""
        fresh = {f"{type(error).__name__} {error}": error for error in errors if error}
        untold = [error for text, error in fresh.items() if text not in self._told]
        self._told.update(fresh)
        return untold

    def _located(self, error: MessagesError) -> MessagesError:
        return located(error, self.plan, self.run)

    # Putting in place

    def _commit(self, outcome: Outcome) -> list[MessagesError]:
        fresh = outcome.recorded[self._taken :]
        kept = fresh if self.finished else worth_keeping(fresh)
        self._taken = len(outcome.recorded)
        if self.plan.settings.mode is RecordMode.LIVE or self.session.broken or self._aside:
            return []
        completes = self.finished and self.session.was_incomplete and not self._completed
        if not kept and not completes:
            self._part.discard()
            return []
        if not self.finished and self._must_not_touch():
            self._aside = True
            kept_in = self.run.shown(self._part.path or self.plan.path)
            self.run.notes.append(Note(report.kept_aside(kept_in, len(kept), self.plan.test)))
            return []
        try:
            self._put_in_place(tuple(kept), outcome)
        except MessagesError as error:
            return [error]
        self._part.discard()
        if not self.finished:
            self.run.notes.append(Note(report.incomplete(self.session.path, len(kept), self.plan.test)))
        return []

    def _must_not_touch(self) -> bool:
        """Tell whether a failing test would spoil a cassette that was there before."""
        existed = self.run.ledger.first(str(self.plan.path), _nothing).state is not State.MISSING
        return existed and self.plan.settings.mode in {RecordMode.REWRITE, RecordMode.NEW_EPISODES}

    def _put_in_place(self, kept: tuple[ScrubbedInteraction, ...], outcome: Outcome) -> None:
        path = str(self.plan.path)
        with self.run.ledger.changing(path) as first:
            rewrites = self.plan.settings.mode is RecordMode.REWRITE and not first.rewritten
            unplayed = self.session.mine_unplayed() if self.finished else ()

            def superseded(interaction: Interaction) -> bool:
                return interaction in self._earlier or interaction in unplayed

            take = Take(interactions=kept, test=self.plan.test, finished=self.finished, superseded=superseded)

            def change(current: store.Draft | None) -> store.Draft:
                base = replace(current or store.Draft(), salt=(current and current.salt) or self._part.salt)
                draft, first.known = merged(base, take, known=first.known, order=self.run.order)
                return draft

            if rewrites:
                # Whatever stands there goes, readable or not.
                store.put(self.plan.path, change(None), gate=self._gate)
                first.rewritten = True
            else:
                store.commit(self.plan.path, change, gate=self._gate, scrub=self._scrubber.interaction)
        self._completed = self.finished
        self.run.remember_attempt(path, self.plan.test, outcome.recorded)

    # Judging

    def _note_streams(self, outcome: Outcome) -> None:
        for call in outcome.still_open:
            self.run.notes.append(Note(report.still_open(repr(call), self.plan.test)))
        if passed_by := self.session.take_passed_by():
            self.run.notes.append(Note(report.passed_by(passed_by, self.plan.test)))

    def _nonconforming(self, outcome: Outcome) -> ConformanceError | None:
        word = self.plan.settings.conformance
        worst = Level.NOTICE if word == "strict" else Level.VIOLATION
        # Judged when the call is over and once more at the end: what was told then is not told again.
        counted = tuple(each for each in outcome.violations if each.level <= worst and each not in self._findings)
        if not counted:
            return None
        self._findings.update(counted)
        rules = ", ".join(dict.fromkeys(each.rule for each in counted))
        breaches = "1 breach" if len(counted) == 1 else f"{len(counted)} breaches"
        error = ConformanceError(f"{breaches} of the documented API ({rules})", violations=counted)
        return self._as_asked(error, word)

    def _unplayed(self, outcome: Outcome) -> UnplayedError | None:
        word = self.plan.settings.unplayed
        if word == "ignore":
            return None
        error = self.session.unplayed()
        if self.plan.shared or self.session.recorded_by_others():
            self._share(outcome, word)
            return None
        return self._as_asked(error, word) if error else None

    def _share(self, outcome: Outcome, word: str) -> None:
        if not self.session.replays:
            return
        recorders = {test for each in self.session.recorded if (test := each.recording.test)}
        total = len(self.session.recorded)
        path = self.session.path
        self.run.share(path, total=total, played=outcome.played, recorders=recorders, policy=word)

    def _empty(self, outcome: Outcome) -> EmptyError | None:
        if outcome.calls or self.plan.empty == "ignore":
            return None
        return self._as_asked(self.session.empty(SESSIONS.loaded(), SESSIONS.hooked()), self.plan.empty)

    def _expired(self, outcome: Outcome) -> ExpiredError | None:
        days, _, word = self.plan.settings.expire.removesuffix(":fail").partition("d")
        if not days.isdecimal():
            return None
        error = self.session.expired(outcome.played, before=_now(UTC) - timedelta(days=int(days)))
        word = "fail" if self.plan.settings.expire.endswith(":fail") else "warn"
        return self._as_asked(error, word) if error else None

    def _as_asked(self, error: E, word: str) -> E | None:
        """Return the error where the setting says ``fail``; note it down where it says ``warn``."""
        if word == "warn":
            said = report.warned(error, self.plan.test)
            self.run.notes += [Note(said)] if said not in self._warned else []
            self._warned.add(said)
            return None
        return error


def located(error: MessagesError, plan: Plan, run: Run) -> MessagesError:
    """Let an error name the cassette as the user does, and the test that records it again."""
    if isinstance(error, CassetteError) and error.path == str(plan.path):
        error.seen_from(run.shown(plan.path), plan.test)
    return error


def _nothing() -> First:
    return First(State.MISSING)


@contextmanager
def opened(plan: Plan, run: Run) -> Iterator[Use]:
    """Open a session for ``plan``; it takes every call of the process to a Messages host until the block ends.

    Raises `CassetteError` where the file at the path cannot be read.
    """
    settings = plan.settings
    try:
        found = _read(plan)
    except CassetteError as error:
        raise located(error, plan, run) from None
    first = _asked(plan, run, found)
    cassette = replayable(found or Cassette(), first, settings.mode)
    state = State.MISSING if first.state is State.MISSING else State.INCOMPLETE if cassette.incomplete else State.WHOLE
    provider_of = _providers(settings)
    salt = plan.salt_of(found.salt if found else None)
    scrubber = Scrubber(salt=salt, rules=settings.scrub, secrets=credentials(os.environ))
    gate = CountingGate(scrubber.gate(allow=settings.allow))
    part = store.Part(plan.path, gate=gate, test=plan.test, salt=salt)
    session = Session(
        settings=settings,
        path=run.shown(plan.path),
        test=plan.test,
        state=state,
        cassette=cassette,
        scope=_scope(settings, cassette),
        scrubber=scrubber,
        matching=Matching(
            match_on=settings.match_on, ignore=settings.ignore, groups=lambda url: provider_of(url).groups_by_user_id
        ),
        provider_of=provider_of,
        append=part.append,
        now=timestamp,
        late=lambda _: run.late.append(session),
    )
    run.used.add(str(plan.path))
    use = Use(plan, run, session, part, scrubber, gate)
    with ExitStack() as stack:
        if not session.may_forward:
            stack.enter_context(placeholder_keys())
        elif settings.mode is not RecordMode.LIVE:
            run.note_leftovers(plan.path)
        stack.callback(part.close)
        stack.enter_context(SESSIONS.opened(session))
        yield use
    run.tally += replace(session.tally, allowed=gate.counted)


def _read(plan: Plan) -> Cassette | None:
    """Read what is at the path; None where there is nothing, or nothing of it is wanted."""
    if plan.settings.mode is RecordMode.LIVE:
        return None
    try:
        return store.read(plan.path)
    except CassetteNotFoundError:
        return None
    except CassetteError:
        # What cannot be read is about to be replaced: `rewrite` is what one types to mend it.
        if plan.settings.mode is RecordMode.REWRITE:
            return None
        raise


def _asked(plan: Plan, run: Run, found: Cassette | None) -> First:
    """Return what the run found at the path when it first asked.

    A session that never records is told what is there now: a block may replay what an earlier one has recorded.
    """
    if plan.settings.mode is RecordMode.NONE:
        return _first(found)
    return run.ledger.first(str(plan.path), lambda: _first(found))


def _first(found: Cassette | None) -> First:
    if found is None:
        return First(State.MISSING)
    return First(State.WHOLE, known=len(found.interactions))


def _providers(settings: Settings) -> Callable[[str], Provider]:
    declared = _declared(settings.providers) if settings.providers else {}
    return cache(partial(providers.provider_of, declared=declared, default=settings.provider))


@cache
def _declared(path: str) -> Mapping[str, Provider]:
    return providers.load_declared(path)


def _scope(settings: Settings, cassette: Cassette) -> Scope:
    declared = _declared(settings.providers) if settings.providers else {}
    known = (host for each in (*providers.PROVIDERS.values(), *declared.values()) for host in each.hosts)
    recorded = (interaction.request.url for interaction in cassette.interactions)
    return Scope.of(providers=known, entries=settings.hosts, recorded=recorded)


def credentials(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the live keys of every known provider that the environment holds."""
    variables = {
        credential.variable
        for provider in providers.PROVIDERS.values()
        for credential in (*provider.credentials, *provider.pass_through)
    }
    return frozenset(value for variable in variables if (value := environ.get(variable)))


@contextmanager
def refusing_unmarked(settings: Settings) -> Iterator[None]:
    """Refuse every Messages call that no inner session takes."""
    scrubber = Scrubber(salt="", secrets=credentials(os.environ))
    session = Unmarked(
        settings=settings.with_values({"record": RecordMode.NONE}, origin="unmarked"),
        path="",
        test=None,
        state=State.MISSING,
        cassette=Cassette(),
        scope=_scope(settings, Cassette()),
        scrubber=scrubber,
        matching=Matching(),
        provider_of=_providers(settings),
        append=lambda _: None,
        now=timestamp,
    )
    with SESSIONS.opened(session):
        yield


@contextmanager
def placeholder_keys() -> Iterator[None]:
    """Set placeholder keys where none is set: a replay needs no key, though an SDK may refuse to start without one."""
    added: dict[str, str] = {}
    for provider in (providers.PROVIDERS[name] for name in ("anthropic", "shinzo", "shuyou")):
        wanted = {each.variable: each.placeholder for each in provider.credentials}
        if not any(os.environ.get(variable) for variable in wanted):
            variable = provider.credentials[0].variable
            added[variable] = wanted[variable]
    os.environ.update(added)
    try:
        yield
    finally:
        for variable, value in added.items():
            if os.environ.get(variable) == value:
                del os.environ[variable]


# Blocks


@dataclass(frozen=True, slots=True)
class Inside:
    """The test run around a block: ``settings`` resolves what a marker with the block's keywords would mean."""

    run: Run
    settings: Callable[[Mapping[str, object]], Settings]


RUNS: list[Inside] = []
"""The test runs that are active in this process, innermost last: pytest inside pytest has two."""


@contextmanager
def use_cassette(path: str | os.PathLike[str], **settings: object) -> Iterator[Session]:
    """Record, replay and judge the Messages calls of a block; yields the `Session`.

    ``path`` is absolute, or relative to the cassette directory in a test run and to the working directory in a script.
    ``settings`` are those of the mark, and rank as the nearest one. In a test, what goes wrong fails the test; in a
    script it is raised at the end of the block: `ConformanceError`, `UnplayedError`, `SecretLeakError`.
    """
    inside = RUNS[-1] if RUNS else None
    if inside is not None:
        run, resolved = inside.run, inside.settings(settings)
    else:
        run, resolved = Run(), options.resolve(options.Layers(markers=[settings], environ=os.environ))
    base = Path.cwd() if inside is None else Path(resolved.dir)
    plan = _plan_of_block(Path(path), base, resolved, run.test)
    with opened(plan, run) as use:
        try:
            yield use.session
        except BaseException:
            use.finished = False
            use.conclude()
            raise
        use.finished = use.finished and not run.interrupted
        problems = use.conclude()
    if inside is not None:
        run.pending += problems
    elif problems:
        raise problems[0]


def _plan_of_block(path: Path, base: Path, settings: Settings, test: str | None) -> Plan:
    if path.is_absolute():
        return Plan(path=path, name=path.stem, settings=settings, test=test)
    located = naming.named_cassette(base, path.as_posix())
    return Plan(path=located, name=located.relative_to(base).as_posix(), settings=settings, test=test)
