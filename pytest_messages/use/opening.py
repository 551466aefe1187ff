"""Open a session: read what is at the path, say whose API is spoken, and put everything together."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from pytest_messages import providers, report
from pytest_messages.cassette import store
from pytest_messages.cassette.document import Cassette
from pytest_messages.cassette.part import Part
from pytest_messages.errors import CassetteError, CassetteNotFoundError
from pytest_messages.intercept.sessions import SESSIONS
from pytest_messages.matching import Matching
from pytest_messages.scrubbing import Scrubber
from pytest_messages.session.modes import State
from pytest_messages.session.scope import Scope
from pytest_messages.session.session import Session
from pytest_messages.session.unmarked import Unmarked
from pytest_messages.settings import RecordMode
from pytest_messages.use import renamed
from pytest_messages.use.conclusion import Use, timestamp
from pytest_messages.use.keeping import Keeping
from pytest_messages.use.run import First

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_messages.errors import MessagesError
    from pytest_messages.findings import GateResult
    from pytest_messages.providers import Provider
    from pytest_messages.scrubbing import Gate
    from pytest_messages.settings import Settings
    from pytest_messages.use.plan import Plan
    from pytest_messages.use.run import Run


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


@contextmanager
def opened(plan: Plan, run: Run) -> Iterator[Use]:
    """Open a session for ``plan``; it takes every call of the process to a Messages host until the block ends.

    Raises `CassetteError` where the file at the path cannot be read.
    """
    settings = plan.settings
    try:
        found = _read(plan)
    except CassetteError as error:
        raise run.located(error, plan.test) from None
    first = _asked(plan, run, found)
    cassette = replayable(found or Cassette(), first, settings.mode)
    state = State.MISSING if first.state is State.MISSING else State.INCOMPLETE if cassette.incomplete else State.WHOLE
    provider_of = _providers(settings)
    salt = plan.salt_of(found.salt if found else None)
    scrubber = Scrubber(salt=salt, rules=settings.scrub, secrets=credentials(os.environ))
    gate = CountingGate(scrubber.gate(allow=settings.allow))
    part = Part(plan.path, gate=gate, test=plan.test, salt=salt)
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
        prepare=part.prepare,
        append=part.append,
        now=timestamp,
        explain=lambda error: _explained(error, plan, run, session),
        late=lambda _: run.called_late(session),
    )
    run.used.add(str(plan.path))
    use = Use(plan, run, session, Keeping(plan, run, session, part, gate=gate, scrub=scrubber.interaction))
    try:
        with ExitStack() as stack:
            if not session.may_forward:
                stack.enter_context(placeholder_keys())
            elif settings.mode is not RecordMode.LIVE:
                run.note_leftovers(plan.path)
            stack.callback(part.close)
            stack.enter_context(SESSIONS.opened(session))
            yield use
    finally:
        run.tally += replace(session.tally, allowed=gate.counted)


def _explained(error: MessagesError, plan: Plan, run: Run, session: Session) -> str:
    """Return the text of a refusal, which for the first call that finds no cassette says where its answer may lie."""
    if isinstance(error, CassetteNotFoundError) and len(session.calls) == 1:
        found = renamed.former(plan, run, session.calls[0].request)
        if found is not None:
            error.former, error.former_test = run.shown(found.path), found.tests[0]
    return report.explain(error)


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
    known = (*providers.PROVIDERS.values(), *declared.values())
    recorded = (interaction.request for interaction in cassette.interactions)
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
        explain=report.explain,
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


def replayable(cassette: Cassette, first: First, mode: RecordMode) -> Cassette:
    """Return the part of ``cassette`` that replay may answer from: nothing that this run recorded."""
    if first.state is State.MISSING or mode in {RecordMode.REWRITE, RecordMode.LIVE}:
        return Cassette(salt=cassette.salt, own=cassette.own)
    interactions = cassette.interactions[: first.known]
    return replace(cassette, interactions=interactions)
