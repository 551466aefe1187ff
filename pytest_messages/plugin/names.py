"""Which cassette a test uses, and by which settings: what its marks and the run say, as a plan."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_messages.cassette import naming
from pytest_messages.errors import SettingsError
from pytest_messages.plugin.active import LAYERS
from pytest_messages.plugin.fixtures import messages_settings
from pytest_messages.use import options
from pytest_messages.use.checking import check
from pytest_messages.use.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_messages.settings import Settings
    from pytest_messages.use.run import Run

_CLIENTS = ("messages_client", "async_messages_client", "messages_cassette")

ASKED = pytest.StashKey[tuple[str, ...]]()
"""The fixtures that a test asked for, before ours was added."""

_NAMED = pytest.StashKey["Counter[str]"]()


def plan(item: pytest.Item, run: Run, fixture: Settings | None) -> Plan:
    """Return what the session of ``item`` is opened with; ``fixture`` is what `messages_settings` gives it."""
    name, marks = markers(item)
    settings = resolved(item.config, fixture, marks)
    directory = Path(settings.dir)
    path = _path(item, name, directory)
    if item.get_closest_marker("vcr") and path == item.path.parent / "cassettes" / item.path.stem / path.name:
        # The last writer would win, and pytest-recording stores what we keep off the disk.
        raise SettingsError(
            f"the mark vcr has its recorder write to {run.shown(path)} too: give our cassette another name,"
            f" @pytest.mark.messages('messages/{item.name}')"
        )
    return Plan(
        path=path,
        name=path.relative_to(directory).as_posix(),
        settings=settings,
        test=item.nodeid,
        shared=name is not None and _users_of(name, item.session) > 1,
        empty=_empty(item, settings),
    )


def resolved(config: pytest.Config, fixture: Settings | None, marks: Sequence[dict[str, object]]) -> Settings:
    """Return the settings where ``marks`` stand, the nearest first, with their files found from the ini file."""
    base = config.inipath.parent if config.inipath else config.rootpath
    settings = options.resolve(replace(config.stash[LAYERS], fixture=fixture, markers=list(marks)))
    places = {"dir": str(base / settings.dir)}
    if settings.providers:
        places["providers"] = str(base / settings.providers)
    return settings.with_values(places, origin="pytest")


def check_options(config: pytest.Config) -> None:
    """Raise `SettingsError` where the command line or the ini file name what there is not."""
    check(resolved(config, None, ()), whole=not _chosen_in_code(config))


def check_marks(items: Sequence[pytest.Item]) -> None:
    """Raise `SettingsError`, naming the test, where a mark says what means nothing."""
    known: set[str] = set()
    for item in items:
        try:
            name, marks = markers(item)
            settings = resolved(item.config, None, marks)
            _path(item, name, Path(settings.dir))
            # Tests that share their marks are checked once; two functions of one name differ in where they are.
            if repr(settings) not in known:
                check(settings, whole=not _chosen_in_code(item.config, getattr(item, "module", None)))
                known.add(repr(settings))
        except SettingsError as error:
            raise SettingsError(f"{item.nodeid}: {error}") from error


def _chosen_in_code(config: pytest.Config, *modules: object) -> bool:
    """Tell whether a conftest file, a plugin or a test module brings settings that are known when its tests run."""
    plugins = (*config.pluginmanager.get_plugins(), *modules)
    return any(getattr(each, "messages_settings", messages_settings) is not messages_settings for each in plugins)


def _path(item: pytest.Item, name: str | None, directory: Path) -> Path:
    if name is not None:
        return naming.named_cassette(directory, name)
    paths = [str(Path(path).as_posix()) for path in item.config.getini("testpaths")]
    return naming.cassette_of_test(directory, item.nodeid, testpaths=paths)


def _users_of(name: str, session: pytest.Session) -> int:
    if _NAMED not in session.stash:
        session.stash[_NAMED] = Counter(filter(None, map(_name_of, session.items)))
    return session.stash[_NAMED][name]


def markers(item: pytest.Item) -> tuple[str | None, list[dict[str, object]]]:
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
        return markers(item)[0]
    return None


def _name(mark: pytest.Mark) -> str | None:
    names = [*mark.args, *([mark.kwargs["name"]] if "name" in mark.kwargs else [])]
    if len(names) > 1 or not all(isinstance(name, str) for name in names):
        raise SettingsError(f"@pytest.mark.messages takes one cassette name, not {', '.join(map(repr, names))}")
    return names[0] if names else None


def _empty(item: pytest.Item, settings: Settings) -> str:
    """Return what a passing test without a call does: fail only where the test itself promised one."""
    own = any(mark.name == "messages" for mark in item.own_markers)
    asked = any(name in item.stash[ASKED] for name in _CLIENTS)
    if settings.empty == "fail" and not own and not asked:
        return "ignore"
    return settings.empty
