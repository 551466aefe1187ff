"""Settings that cannot mean anything are found where they are said, before anything is sent or compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages import providers
from pytest_messages.errors import SettingsError
from pytest_messages.judge.grading import verdict
from pytest_messages.matching import Matching
from pytest_messages.scrubbing import Scrubber

if TYPE_CHECKING:
    from pytest_messages.settings import Settings


def check(settings: Settings, *, whole: bool = True) -> None:
    """Raise `SettingsError` where a name, a pattern or a file in ``settings`` means nothing.

    Whoever uses a setting reads it here too, so there is no second opinion of what is right. ``whole`` says that no
    settings are still to come: else a provider may yet be declared.
    """
    declared = providers.load_declared(settings.providers) if settings.providers else {}
    if settings.provider and whole:
        providers.provider_named(settings.provider, declared=declared)
    Matching(match_on=settings.match_on, ignore=settings.ignore)
    Scrubber(salt="", rules=settings.scrub).gate(allow=settings.allow)
    verdict((), providers.COMPATIBLE, rules=settings.rules)
    for host in settings.hosts:
        if "/" in host:
            raise SettingsError(f"hosts: {host!r} is not a host; write {_host_of(host)!r}")


def _host_of(entry: str) -> str:
    return entry.partition("://")[2].partition("/")[0] or entry.partition("/")[0]
