"""pytest's view: options, marker, fixtures, summary. No logic.

pytest loads this module in every run and every worker, used or not: it imports what costs something only when a test
asks for it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_messages.errors import SettingsError
from pytest_messages.settings import OPTIONS, Settings
from pytest_messages.use import options
from pytest_messages.use.options import Layers

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from pytest_messages.client import AsyncMessagesClient, MessagesClient
    from pytest_messages.plugin.suite import Suite
    from pytest_messages.sandbox import Sandbox
    from pytest_messages.session.session import Session

_LAYERS = pytest.StashKey[Layers]()
_SUITE = pytest.StashKey["Suite"]()


# Options


def pytest_addoption(parser: pytest.Parser) -> None:
    """Make the command line and ini options from the options table."""
    group = parser.getgroup("messages", "record, replay and judge Messages calls")
    for option in OPTIONS:
        described = f"{option.help} ({option.choices})" if option.words else option.help
        if option.cli:
            group.addoption(option.flag, dest=option.ini_name, metavar=option.metavar, help=described)
        if option.ini:
            kind = "linelist" if option.kind == "list" else "string"
            parser.addini(option.ini_name, described, type=kind, default=None)  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and read what the command line and the ini file say."""
    config.addinivalue_line(
        "markers",
        "messages(name=None, **settings): record the Messages calls of this test, replay them afterwards, judge them",
    )
    ini = {option.name: value for option in OPTIONS if (value := config.getini(option.ini_name))}
    cli = {option.name: value for option in OPTIONS if (value := config.getoption(option.ini_name, None)) is not None}
    layers = Layers(cli=cli, ini=ini, environ=os.environ)
    try:
        settings = options.resolve(layers)
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[_LAYERS] = layers
    if settings.unmarked == "refuse":
        _suite(config).refuse_unmarked()


def pytest_report_header(config: pytest.Config) -> str:
    """Say the record mode and who chose it."""
    layers = config.stash[_LAYERS]
    return f"messages: record mode {options.resolve(layers).record} ({options.why(layers)})"


# The run


def _suite(config: pytest.Config) -> Suite:
    """Return what does the work, made when a test first needs it."""
    if _SUITE not in config.stash:
        from pytest_messages.plugin.suite import Suite  # noqa: PLC0415 - see the module's docstring

        config.stash[_SUITE] = Suite(config, config.stash[_LAYERS])
    return config.stash[_SUITE]


def _is_idle(config: pytest.Config) -> bool:
    """Tell whether nothing of ours has happened in this run: then nothing of ours costs anything."""
    return _SUITE not in config.stash and "pytest_messages.use.block" not in sys.modules


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember that this is not the whole suite."""
    if items:
        items[0].config.stash[_PARTIAL] = True


_PARTIAL = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Give a marked item the fixture, and say which test is running."""
    ours = "messages_cassette" in getattr(item, "fixturenames", ()) or item.get_closest_marker("messages")
    if not ours and _is_idle(item.config):
        return (yield)
    with _suite(item.config).running(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Know when a test's own call is over: its subtests are reported before."""
    try:
        return (yield)
    finally:
        if not _is_idle(item.config):
            _suite(item.config).body_is_over(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Correct the report of a phase by what its sessions have to say."""
    report = yield
    if not _is_idle(item.config):
        suite = _suite(item.config)
        try:
            suite.correct(item, call, report)
        except Exception:  # noqa: BLE001 - whatever it is, it is this test's failure and not the end of the run
            suite.fail(item, report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Take stock of the run: a worker sends it, the controller and a plain run judge it."""
    if not _is_idle(session.config):
        _suite(session.config).finish(session, partial=session.config.stash.get(_PARTIAL, False))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker which folder the run shares."""
    node.workerinput["messages_folder"] = str(_suite(node.config).folder_for_workers())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take what an xdist worker counted; a crashed one sends nothing, so that nobody knows what it used."""
    if error:
        node.config.stash[_PARTIAL] = True
    counted = getattr(node, "workeroutput", {}).get("messages")
    if counted is not None:
        _suite(node.config).run.add(counted)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was replayed, recorded and refused, and what is left over."""
    if not _is_idle(config):
        for line in _suite(config).summary():
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Clean up what this run made for itself."""
    if _SUITE in config.stash:
        config.stash[_SUITE].close()


# Fixtures


@pytest.fixture(scope="session")
def messages_settings() -> Settings:
    """Override this to choose settings in code: return a `pytest_messages.Settings` with the choices you make."""
    return Settings()


@pytest.fixture
def messages_cassette(request: pytest.FixtureRequest, messages_settings: Settings) -> Iterator[Session]:
    """Open the session of this test: its calls, their usage, what the judge found."""
    with _suite(request.config).opened(request.node, fixture=messages_settings) as session:
        yield session


@pytest.fixture
def messages_client(messages_cassette: Session) -> Iterator[MessagesClient]:
    """Make a small typed client whose calls are recorded, replayed and judged."""
    from pytest_messages.client import MessagesClient  # noqa: PLC0415 - see the module's docstring

    with MessagesClient.of(messages_cassette) as client:
        yield client


@pytest.fixture
def async_messages_client(messages_cassette: Session) -> AsyncMessagesClient:
    """Make the same client for async tests."""
    from pytest_messages.client import AsyncMessagesClient  # noqa: PLC0415 - see the module's docstring

    return AsyncMessagesClient.of(messages_cassette)


@pytest.fixture(scope="session")
def messages_sandbox() -> Iterator[Sandbox]:
    """Run a Messages API on this machine, for the time of the test run."""
    from pytest_messages import sandbox  # noqa: PLC0415 - see the module's docstring

    with sandbox.serve() as server:
        yield server
