"""Settings that cannot mean anything are found where they are said, before anything is sent or compared.

Each part of the package is loaded only where a setting of its own was chosen: the process that hands tests to workers
checks the settings too, and needs nothing else of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages.errors import SettingsError

if TYPE_CHECKING:
    from pytest_messages.settings import Settings


def check(settings: Settings, *, whole: bool = True) -> None:
    """Raise `SettingsError` where a name, a pattern or a file in ``settings`` means nothing.

    Whoever uses a setting reads it here too, so there is no second opinion of what is right. ``whole`` says that no
    settings are still to come: else a provider may yet be declared.
    """
    if settings.providers or settings.provider:
        _check_providers(settings, whole=whole)
    if settings.match_on or settings.ignore:
        from pytest_messages.matching import Matching  # noqa: PLC0415 - see the module's docstring

        Matching(match_on=settings.match_on, ignore=settings.ignore)
    if settings.scrub or settings.allow:
        from pytest_messages.scrubbing import Scrubber  # noqa: PLC0415 - see the module's docstring

        Scrubber(salt="", rules=settings.scrub).gate(allow=settings.allow)
    if settings.rules:
        from pytest_messages.judge.grading import verdict  # noqa: PLC0415 - see the module's docstring
        from pytest_messages.providers import COMPATIBLE  # noqa: PLC0415 - see the module's docstring

        verdict((), COMPATIBLE, rules=settings.rules)
    for host in settings.hosts:
        if "/" in host:
            raise SettingsError(f"hosts: {host!r} is not a host; write {_host_of(host)!r}")


def _check_providers(settings: Settings, *, whole: bool) -> None:
    from pytest_messages import providers  # noqa: PLC0415 - see the module's docstring

    declared = providers.load_declared(settings.providers) if settings.providers else {}
    if settings.provider and whole:
        providers.provider_named(settings.provider, declared=declared)


def _host_of(entry: str) -> str:
    return entry.partition("://")[2].partition("/")[0] or entry.partition("/")[0]
