"""Sessions around pytest's items: opened before a test's own fixtures, concluded with its reports."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from pytest_messages import report
from pytest_messages.errors import MessagesError
from pytest_messages.intercept.sessions import SESSIONS
from pytest_messages.plugin import names
from pytest_messages.plugin.active import RUNNING
from pytest_messages.plugin.reports import Course
from pytest_messages.session.verdict import Problem
from pytest_messages.settings import Settings
from pytest_messages.use import block, opening
from pytest_messages.use.expecting import noticing_raises
from pytest_messages.use.run import Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_messages.session.session import Session
    from pytest_messages.use.conclusion import Use
    from pytest_messages.use.plan import Plan
    from pytest_messages.use.run import Run


class Suite:
    """The tests of this process, and the sessions that they have open."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self.run = run
        self._config = config
        self._fixture: Settings | None = None
        self._order: dict[str, int] | None = None
        self._seen_before = frozenset(SESSIONS.foreign_seen)
        self._guard = ExitStack()
        self._guard.enter_context(noticing_raises())
        run.order = self._place
        run.test = self._item.nodeid if self._item else None
        block.RUNS.append(block.Inside(run, self._settings_of_block))

    @property
    def _item(self) -> pytest.Item | None:
        return self._config.stash.get(RUNNING, None)

    def close(self) -> None:
        """Undo what outlives a test."""
        self._guard.close()
        block.RUNS[:] = [inside for inside in block.RUNS if inside.run is not self.run]

    def refuse_unmarked(self) -> None:
        """Let no test without the mark call a Messages host."""
        self._guard.enter_context(opening.refusing_unmarked(names.resolved(self._config, None, [])))

    def _place(self, nodeid: str) -> int:
        """Return a test's place in the collection; tests of other runs come first."""
        if self._order is None and self._item is not None:
            self._order = {item.nodeid: place for place, item in enumerate(self._item.session.items)}
        return (self._order or {}).get(nodeid, -1)

    @contextmanager
    def running(self, item: pytest.Item) -> Iterator[None]:
        """Prepare ``item``, and know while it runs that it does."""
        self._fixture = None
        outer, self.run.test = self.run.test, item.nodeid
        self.run.lingering = frozenset(threading.enumerate()) - {threading.current_thread()}
        test = Course.begin(item)
        item.stash[names.ASKED] = tuple(getattr(item, "fixturenames", ()))
        marked = item.get_closest_marker("messages") is not None
        test.ours = marked or "messages_cassette" in item.stash[names.ASKED]
        if test.ours:
            with suppress(MessagesError):  # a wrong mark is told when the session opens
                self.run.used.add(str(self._plan(item).path))  # also where the test is skipped: no orphan
        if marked and hasattr(item, "fixturenames"):
            item.fixturenames = _with_fixture(item)
        try:
            with self._around(item) if marked and not hasattr(item, "fixturenames") else ExitStack():
                yield
        except BaseException:
            self.run.interrupted = True
            raise
        finally:
            self.run.test = outer

    @contextmanager
    def _around(self, item: pytest.Item) -> Iterator[None]:
        """Open the session of an item that knows no fixtures; what keeps it from opening is told in its report."""
        with ExitStack() as stack:
            opened = self._entered(stack, item)
            if isinstance(opened, MessagesError):
                self.run.pending.append(Problem(opened))
            else:
                stack.enter_context(self._used(item, opened))
            yield

    @contextmanager
    def opened(self, item: pytest.Item, *, fixture: Settings | None) -> Iterator[Session]:
        """Open the session of ``item``; what is found when it closes is told in the report of the teardown."""
        self._fixture = fixture
        with ExitStack() as stack:
            opened = self._entered(stack, item)
            if isinstance(opened, MessagesError):
                pytest.fail(report.explain(opened), pytrace=False)
            yield stack.enter_context(self._used(item, opened)).session

    @contextmanager
    def _used(self, item: pytest.Item, opened: Use) -> Iterator[Use]:
        test = Course.of(item)
        test.uses.append(opened)
        try:
            yield opened
        finally:
            opened.passed = opened.passed and test.passed and test.called
            opened.conclude_later()
            test.uses.remove(opened)

    def _entered(self, stack: ExitStack, item: pytest.Item) -> Use | MessagesError:
        try:
            return stack.enter_context(opening.opened(self._plan(item), self.run))
        except MessagesError as error:
            return error

    def _plan(self, item: pytest.Item) -> Plan:
        return names.plan(item, self.run, self._fixture)

    def _settings_of_block(self, keywords: Mapping[str, object]) -> Settings:
        marks = names.markers(self._item)[1] if self._item else []
        if self._item:
            Course.of(self._item).ours = True
        self._fixture = _settings_fixture(self._item)
        return names.resolved(self._config, self._fixture, [dict(keywords), *marks])

    def take_stock(self) -> None:
        """Note what no report has told."""
        if libraries := sorted(SESSIONS.foreign_seen - self._seen_before):
            self.run.notes.append(Note(report.not_live(libraries)))
        self.run.notes += [Note(report.stray(error), fails=True) for error in self.run.take_strays()]
        self.run.notes += [Note(report.late(error), fails=True) for error in self.run.take_pending()]


def _settings_fixture(item: pytest.Item | None) -> Settings | None:
    """Return what the fixture ``messages_settings`` gives where ``item`` stands."""
    request = getattr(item, "_request", None)  # pytest hands an item's request out to its fixtures alone
    found = request.getfixturevalue("messages_settings") if request else None
    return found if isinstance(found, Settings) else None


def _with_fixture(item: Any) -> list[str]:
    """Return the item's fixture names with ours after the last one of wider scope: a list of its own.

    The list that pytest gives is shared by all parameters of a function.
    """
    names = list(item.fixturenames)
    if "messages_cassette" in names:
        return names
    definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    wider = [place for place, name in enumerate(names) if _is_wider(definitions.get(name))]
    place = wider[-1] + 1 if wider else 0
    return [*names[:place], "messages_cassette", *names[place:]]


def _is_wider(definitions: Any) -> bool:
    return bool(definitions) and definitions[-1].scope != "function"
