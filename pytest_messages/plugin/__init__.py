"""pytest's view: options, the marker and the hooks. No logic.

pytest loads this module in every run and every worker, used or not: it imports what costs something only when a test
asks for it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_messages.errors import SettingsError
from pytest_messages.plugin.active import (
    LAYERS,
    RUNNING,
    close,
    folder_for_workers,
    is_controller,
    is_idle,
    is_unused,
    run_of,
    start,
    suite_of,
)
from pytest_messages.plugin.completeness import Completeness
from pytest_messages.plugin.fixtures import async_messages_client as async_messages_client
from pytest_messages.plugin.fixtures import messages_cassette as messages_cassette
from pytest_messages.plugin.fixtures import messages_client as messages_client
from pytest_messages.plugin.fixtures import messages_sandbox as messages_sandbox
from pytest_messages.plugin.fixtures import messages_settings as messages_settings
from pytest_messages.settings import NAMED, OPTIONS
from pytest_messages.use import options
from pytest_messages.use.options import Layers

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


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
    with _telling_the_user():
        settings = options.resolve(layers)
    start(config, layers)
    if not hasattr(config, "workerinput") and not NAMED.isdisjoint({*cli, *ini}):
        from pytest_messages.plugin import names  # noqa: PLC0415 - see the module's docstring

        with _telling_the_user():
            names.check_options(config)
    if settings.unmarked == "refuse" and not is_controller(config):
        suite_of(config).refuse_unmarked()


@contextmanager
def _telling_the_user() -> Iterator[None]:
    """End the run by what is wrong with a setting, before its first test."""
    try:
        yield
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look at the marks before the first test; a worker of xdist cannot end the run, and tells each in its test."""
    marked = [item for item in session.items if item.get_closest_marker("messages")]
    if marked and not hasattr(session.config, "workerinput"):
        from pytest_messages.plugin import names  # noqa: PLC0415 - see the module's docstring

        with _telling_the_user():
            names.check_marks(marked)


def pytest_report_header(config: pytest.Config) -> str:
    """Say the record mode and who chose it."""
    layers = config.stash[LAYERS]
    return f"messages: record mode {options.resolve(layers).record} ({options.why(layers)})"


# What is run


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Know which tests were never seen."""
    report = yield
    if not report.passed:
        what = "could not be collected" if report.failed else "was skipped as a whole"
        Completeness.of(collector.config).lacks(f"{report.nodeid} {what}")
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Know how many tests were left out, by an option or by another plugin."""
    before = len(items)
    yield
    if (left_out := before - len(items)) > 0:
        tests = "1 test was" if left_out == 1 else f"{left_out:,} tests were"
        Completeness.of(config).lacks(f"{tests} deselected")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Give a marked item the fixture, and say which test is running."""
    config = item.config
    config.stash[RUNNING] = item
    Completeness.of(config).begun += 1
    ours = "messages_cassette" in getattr(item, "fixturenames", ()) or item.get_closest_marker("messages")
    try:
        if ours or not is_idle(config):
            with suite_of(config).running(item):
                return (yield)
        return (yield)
    finally:
        del config.stash[RUNNING]
        if not is_idle(config):
            suite_of(config).run.test = None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Know when a test's own call is over: its subtests are reported before."""
    try:
        return (yield)
    finally:
        if not is_idle(item.config):
            from pytest_messages.plugin.reports import Course  # noqa: PLC0415 - see the module's docstring

            Course.of(item).over = True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Correct the report of a phase by what its sessions have to say."""
    report = yield
    if not is_idle(item.config):
        from pytest_messages.plugin import reports  # noqa: PLC0415 - see the module's docstring

        run = suite_of(item.config).run
        try:
            reports.correct(run, item, call, report)
        except Exception:  # noqa: BLE001 - whatever it is, it is this test's failure and not the end of the run
            reports.fail(item, report)
    Completeness.of(item.config).note(report)
    return report


# What the run is left with


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Take stock of the run: a worker sends it, the controller and a plain run judge it."""
    config = session.config
    if not is_idle(config):
        suite_of(config).take_stock()
    workeroutput = getattr(config, "workeroutput", None)
    if workeroutput is not None:
        workeroutput["messages_seen"] = Completeness.of(config).plain()
        workeroutput["messages"] = None if is_unused(config) else run_of(config).plain()
    elif not is_unused(config) or options.resolve(config.stash[LAYERS]).orphans != "ignore":
        from pytest_messages.plugin import summary  # noqa: PLC0415 - see the module's docstring

        summary.judge(session, run_of(config))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker which folder the run shares."""
    node.workerinput["messages_folder"] = str(folder_for_workers(node.config))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take what an xdist worker counted; a crashed one sends nothing, so that nobody knows what it used."""
    sent = getattr(node, "workeroutput", {})
    if error or "messages_seen" not in sent:
        Completeness.of(node.config).lacks("a worker has crashed")
        return
    Completeness.of(node.config).add(sent["messages_seen"])
    if sent["messages"] is not None:
        run_of(node.config).add(sent["messages"])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was replayed, recorded and refused, and what is left over."""
    if not is_unused(config):
        from pytest_messages.plugin import summary  # noqa: PLC0415 - see the module's docstring

        for line in summary.lines(run_of(config)):
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Clean up what this run made for itself."""
    close(config)
