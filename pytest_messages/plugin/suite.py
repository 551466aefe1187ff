"""pytest's items and reports in our terms: which cassette a test uses, what its report must say, what is left over."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_messages import report
from pytest_messages.cassette import naming, store
from pytest_messages.errors import (
    CassetteIncompleteError,
    CassetteNotFoundError,
    ConformanceError,
    CredentialError,
    EmptyError,
    ExhaustedError,
    MessagesError,
    NoMatchError,
    NotRecordableError,
    SettingsError,
    StreamClosedError,
    UnplayedError,
    refusal,
)
from pytest_messages.intercept.sessions import SESSIONS
from pytest_messages.session.verdict import Problem
from pytest_messages.settings import Settings
from pytest_messages.use import block, opening, options
from pytest_messages.use.expecting import noticing_raises
from pytest_messages.use.plan import Plan
from pytest_messages.use.run import Note, Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_messages.session.session import Session
    from pytest_messages.use.conclusion import Use
    from pytest_messages.use.options import Layers

_CLIENTS = ("messages_client", "async_messages_client", "messages_cassette")


@dataclass(slots=True)
class _Test:
    """What is remembered about a test while it runs."""

    uses: list[Use] = field(default_factory=list)
    passed: bool = True
    called: bool = False
    """Whether its call has come to an end: a run that was broken off has no verdict."""
    over: bool = False
    """Whether its body has ended: a report of the call before that is one of its subtests'."""
    subtest_failed: bool = False
    ours: bool = False
    """Whether it has had a session of its own, or asks for one: what others say is not explained."""


_TEST = pytest.StashKey[_Test]()


class Suite:
    """The run as pytest sees it, in this process."""

    def __init__(self, config: pytest.Config, layers: Layers) -> None:
        self._config = config
        self._layers = layers
        self._item: pytest.Item | None = None
        self._fixture: Settings | None = None
        self._folder: Path | None = None
        self._order: dict[str, int] | None = None
        self._named: Counter[str] | None = None
        self._seen_before = frozenset(SESSIONS.foreign_seen)
        self._guard = ExitStack()
        self._guard.enter_context(noticing_raises())
        self._base = config.inipath.parent if config.inipath else config.rootpath
        folder = getattr(config, "workerinput", {}).get("messages_folder")
        self.run = Run(folder=Path(folder) if folder else None, order=self._place, home=config.rootpath)
        block.RUNS.append(block.Inside(self.run, self._settings_of_block))

    def close(self) -> None:
        """Undo what outlives a test."""
        self._guard.close()
        block.RUNS[:] = [inside for inside in block.RUNS if inside.run is not self.run]
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.with_suffix(".lock").unlink(missing_ok=True)

    def folder_for_workers(self) -> Path:
        """Return the folder that the workers of this run share."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="pytest-messages-"))
        return self._folder

    def refuse_unmarked(self) -> None:
        """Let no test without the mark call a Messages host."""
        self._guard.enter_context(opening.refusing_unmarked(self._resolved([])))

    def _place(self, nodeid: str) -> int:
        """Return a test's place in the collection; tests of other runs come first."""
        if self._order is None and self._item is not None:
            self._order = {item.nodeid: place for place, item in enumerate(self._item.session.items)}
        return (self._order or {}).get(nodeid, -1)

    # Which cassette

    @contextmanager
    def running(self, item: pytest.Item) -> Iterator[None]:
        """Prepare ``item``, and know while it runs that it does."""
        outer, self._item = self._item, item
        self._fixture = None
        self.run.test = item.nodeid
        test = item.stash[_TEST] = _Test()
        item.stash[_NAMED] = tuple(getattr(item, "fixturenames", ()))
        marked = item.get_closest_marker("messages") is not None
        test.ours = marked or "messages_cassette" in item.stash[_NAMED]
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
            self._item = outer
            self.run.test = outer.nodeid if outer else None

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
        test = item.stash[_TEST]
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
        name, markers = _markers(item)
        settings = self._resolved(markers)
        directory = Path(settings.dir)
        path = self._path(item, name, directory)
        if item.get_closest_marker("vcr") and path == item.path.parent / "cassettes" / item.path.stem / path.name:
            # The last writer would win, and pytest-recording stores what we keep off the disk.
            raise SettingsError(
                f"the mark vcr has its recorder write to {self.run.shown(path)} too: give our cassette another name,"
                f" @pytest.mark.messages('messages/{item.name}')"
            )
        shared = name is not None and self._users_of(name) > 1
        return Plan(
            path=path,
            name=path.relative_to(directory).as_posix(),
            settings=settings,
            test=item.nodeid,
            shared=shared,
            empty=_empty(item, settings),
        )

    def _path(self, item: pytest.Item, name: str | None, directory: Path) -> Path:
        if name is not None:
            return naming.named_cassette(directory, name)
        paths = [str(Path(path).as_posix()) for path in self._config.getini("testpaths")]
        return naming.cassette_of_test(directory, item.nodeid, testpaths=paths)

    def _users_of(self, name: str) -> int:
        if self._named is None:
            items = self._item.session.items if self._item else []
            self._named = Counter(filter(None, map(_name_of, items)))
        return self._named[name]

    def _resolved(self, markers: list[dict[str, object]]) -> Settings:
        layers = replace(self._layers, fixture=self._fixture, markers=markers)
        settings = options.resolve(layers)
        places = {"dir": str(self._base / settings.dir)}
        if settings.providers:
            places["providers"] = str(self._base / settings.providers)
        return settings.with_values(places, origin="pytest")

    def _settings_of_block(self, keywords: Mapping[str, object]) -> Settings:
        markers = _markers(self._item)[1] if self._item else []
        if self._item:
            self._item.stash[_TEST].ours = True
        self._fixture = _settings_fixture(self._item)
        return self._resolved([dict(keywords), *markers])

    # What the report must say

    def correct(self, item: pytest.Item, call: pytest.CallInfo[None], phase: pytest.TestReport) -> None:
        """Put into the report of a phase what its sessions found, and let it fail where it must."""
        test = item.stash.get(_TEST, None) or _Test()
        if phase.when == "setup":  # a rerun begins anew
            test.over = test.subtest_failed = False
        elif phase.when == "call" and not test.over:
            test.subtest_failed = test.subtest_failed or phase.failed
            return
        test.called = phase.when == "call" or (test.called and phase.when != "setup")
        if phase.when in {"setup", "call"}:
            # pytest lets a test fail with its subtests only when it counts the reports.
            test.passed = (phase.passed or hasattr(phase, "wasxfail")) and not test.subtest_failed
        if phase.when == "call" and phase.passed and test.passed and not hasattr(phase, "wasxfail"):
            self.run.passed.add(item.nodeid)
        for opened in test.uses:
            opened.ended_with = call.excinfo.typename if call.excinfo else opened.ended_with
        keyless = _missing_key(call) if test.ours and phase.failed else []
        problems = [*keyless, *self._problems(test, concluding=phase.when == "call")]
        if phase.when == "teardown":
            self.run.end_attempt(item.nodeid)
        _properties(item, phase, problems)
        counted = [error for error in problems if _counts(error, phase)]
        if not counted:
            return
        test.passed = False
        self.run.passed.discard(item.nodeid)
        _fail(item, call, phase, counted)

    def body_is_over(self, item: pytest.Item) -> None:
        """Know that the next report of the call is the test's own."""
        item.stash.setdefault(_TEST, _Test()).over = True

    def _problems(self, test: _Test, *, concluding: bool) -> list[MessagesError]:
        problems = self.run.take_pending()
        for opened in test.uses:
            opened.passed = opened.passed and test.passed and not problems
            problems += opened.conclude() if concluding else self.run.hear(opened.session)
        for session in SESSIONS.everyone():
            problems += self.run.hear(session)
        return problems

    def fail(self, item: pytest.Item, phase: pytest.TestReport) -> None:
        """Let a phase fail with the exception that is being handled: what breaks one test must not end the run."""
        phase.outcome = "failed"
        phase.longrepr = item.repr_failure(pytest.ExceptionInfo.from_current())

    # What the run is left with

    def finish(self, session: pytest.Session, *, partial: bool) -> None:
        """Send what was counted to the controller, or judge the run where there is none."""
        self._take_stock()
        workeroutput = getattr(self._config, "workeroutput", None)
        if workeroutput is not None:
            workeroutput["messages"] = self.run.plain()
            return
        settings = self._resolved([])
        self.run.notes += [*self._unplayed(), *self._orphans(settings, partial=partial)]
        if any(note.fails for note in self.run.notes) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _take_stock(self) -> None:
        """Note what nobody has told so far."""
        if libraries := sorted(SESSIONS.foreign_seen - self._seen_before):
            self.run.notes.append(Note(report.not_live(libraries)))
        self.run.notes += [Note(report.late(error), fails=True) for error in self.run.take_pending()]

    def _unplayed(self) -> Iterator[Note]:
        for path, positions, shared in self.run.unplayed():
            missing = sorted(shared.recorders - self.run.passed)
            if missing:
                yield Note(report.unplayed_not_judged(path, missing))
            else:
                yield Note(report.unplayed_by_all(path, positions, shared.total), fails=shared.policy == "fail")

    def _orphans(self, settings: Settings, *, partial: bool) -> Iterator[Note]:
        if settings.orphans == "ignore" or partial or self._selects():
            return
        directory = Path(settings.dir)
        if directory.is_dir():
            left = [self.run.shown(path) for path in store.cassettes(directory) if str(path) not in self.run.used]
            if left:
                yield Note(report.orphans(left), fails=settings.orphans == "fail")

    def _selects(self) -> bool:
        """Tell whether the command line asked for less than the whole suite."""
        paths = self._config.args_source is pytest.Config.ArgsSource.ARGS
        return paths or bool(self._config.option.keyword or self._config.option.markexpr)

    def summary(self) -> list[str]:
        """Return the lines for the end of the run."""
        # Each worker says what it saw; what two of them saw is said once.
        return report.summary(self.run.tally, list(dict.fromkeys(note.text for note in self.run.notes)))


def _markers(item: pytest.Item) -> tuple[str | None, list[dict[str, object]]]:
    """Return the cassette name that the marks of ``item`` give, and their keywords, nearest mark first."""
    params = list(getattr(getattr(item, "callspec", None), "marks", []))
    marks = [*params, *(mark for mark in item.iter_markers() if mark not in params)]
    ours = [mark for mark in marks if mark.name == "messages"]
    name: str | None = None
    for mark in reversed(ours):
        name = _name(mark) or name
    return name, [{key: value for key, value in mark.kwargs.items() if key != "name"} for mark in ours]


def _name_of(item: pytest.Item) -> str | None:
    """Return the cassette name that a test's marks give; a wrong mark is told by its own test."""
    with suppress(SettingsError):
        return _markers(item)[0]
    return None


def _settings_fixture(item: pytest.Item | None) -> Settings | None:
    """Return what the fixture ``messages_settings`` gives where ``item`` stands."""
    request = getattr(item, "_request", None)  # pytest hands an item's request out to its fixtures alone
    found = request.getfixturevalue("messages_settings") if request else None
    return found if isinstance(found, Settings) else None


def _name(mark: pytest.Mark) -> str | None:
    names = [*mark.args, *([mark.kwargs["name"]] if "name" in mark.kwargs else [])]
    if len(names) > 1 or not all(isinstance(name, str) for name in names):
        raise SettingsError(f"@pytest.mark.messages takes one cassette name, not {', '.join(map(repr, names))}")
    return names[0] if names else None


def _empty(item: pytest.Item, settings: Settings) -> str:
    """Return what a passing test without a call does: fail only where the test itself promised one."""
    own = any(mark.name == "messages" for mark in item.own_markers)
    asked = any(name in item.stash[_NAMED] for name in _CLIENTS)
    if settings.empty == "fail" and not own and not asked:
        return "ignore"
    return settings.empty


_NAMED = pytest.StashKey[tuple[str, ...]]()


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


def _counts(error: MessagesError, phase: pytest.TestReport) -> bool:
    """Tell whether ``error`` makes this report fail: neither xfail nor a skip excuses a refusal or a leak."""
    excused = hasattr(phase, "wasxfail") or phase.skipped
    return not (excused and isinstance(error, (ConformanceError, UnplayedError, EmptyError)))


_REFUSALS = (
    CassetteNotFoundError,
    CassetteIncompleteError,
    NoMatchError,
    ExhaustedError,
    StreamClosedError,
    NotRecordableError,
)
"""What a call is refused with."""

_KEYLESS = ("Could not resolve authentication method", "The api_key client option must be set")
"""What the official SDK says, before any transport, when it was made where no key was set."""


def _missing_key(call: pytest.CallInfo[None]) -> list[MessagesError]:
    """Explain a client that gave up for want of a key: it was made before our placeholder was there, or to record."""
    said = str(call.excinfo.value) if call.excinfo else ""
    if not any(text in said for text in _KEYLESS):
        return []
    variables = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    problem = "the SDK's client was made without a key; made in the test or a fixture, it would find one for replay"
    return [CredentialError(problem, variables=variables)]


def _properties(item: pytest.Item, phase: pytest.TestReport, problems: list[MessagesError]) -> None:
    """Name the broken rules in the JUnit report, which is made of what the report of the teardown says."""
    rules = {finding.rule for error in problems if isinstance(error, ConformanceError) for finding in error.violations}
    named: list[tuple[str, object]] = [("messages_rule", rule) for rule in sorted(rules)]
    item.user_properties += named
    phase.user_properties += named


def _fail(
    item: pytest.Item, call: pytest.CallInfo[None], phase: pytest.TestReport, errors: list[MessagesError]
) -> None:
    raised = getattr(getattr(call.excinfo, "value", None), "error", None) if call.excinfo else None
    if phase.failed and len(errors) == 1 and raised is errors[0]:
        return  # the test ended with this very refusal: pytest has said it
    text = "\n\n".join(report.explain(error) for error in errors)
    if not phase.failed and any(isinstance(error, _REFUSALS) for error in errors):
        text = f"{text}\n\n{report.MEANT}"
    if phase.failed and phase.longrepr is not None:
        text = f"{text}\n\n{report.ENDED_WITH}\n\n{phase.longreprtext}"
    phase.outcome = "failed"
    if hasattr(phase, "wasxfail"):
        del phase.wasxfail
    try:
        raise refusal(errors[0], text)
    except pytest.fail.Exception:
        phase.longrepr = item.repr_failure(pytest.ExceptionInfo.from_current())
