"""Who overrides whom: CLI, markers, fixture, ini, default."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_messages.settings import RecordMode, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CI_VARIABLES = ("CI", "BUILD_NUMBER")
"""Set by nearly every CI service: there, nothing is recorded unless somebody says so."""

STARTERS: list[Callable[[], object]] = []
"""What makes ready the test runs of this process, innermost last: a block may be the first that needs one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What each place says, by option name. A marker's first dictionary is the nearest one's."""

    cli: Mapping[str, object] = field(default_factory=dict)
    markers: Sequence[Mapping[str, object]] = ()
    fixture: Settings | None = None
    ini: Mapping[str, object] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


def resolve(layers: Layers) -> Settings:
    """Lay the places over each other, the last word being the command line's.

    Raises `SettingsError`, naming the place, where one says something that means nothing.
    """
    settings = Settings(record=RecordMode.NONE if ci_variable(layers.environ) else RecordMode.ONCE)
    settings = settings.with_values(layers.ini, origin="ini file")
    if layers.fixture is not None:
        settings = settings.with_values(layers.fixture.given_values, origin="messages_settings")
    for values in reversed(layers.markers):
        settings = settings.with_values(values, origin="@pytest.mark.messages")
    return settings.with_values(layers.cli, origin="command line")


def why(layers: Layers) -> str:
    """Say who chose the record mode, for the header of a run."""
    if "record" in layers.cli:
        return "--messages-record"
    if "record" in layers.ini:
        return "messages_record"
    variable = ci_variable(layers.environ)
    return f"{variable} is set" if variable else "default"


def ci_variable(environ: Mapping[str, str]) -> str | None:
    """Return the variable that says this is a CI service, or None."""
    return next((name for name in CI_VARIABLES if environ.get(name, "").lower() not in {"", "0", "false"}), None)
