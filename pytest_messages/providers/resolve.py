"""Find the provider of a request by its host, then its path, then the setting."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_messages.errors import SettingsError
from pytest_messages.providers.builtin import ANTHROPIC, COMPATIBLE, SHINZO, SHUYOU
from pytest_messages.providers.compatible import OTHERS
from pytest_messages.providers.hosts import host_of, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_messages.providers.profile import Provider


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {provider.name: provider for provider in (ANTHROPIC, SHINZO, SHUYOU, COMPATIBLE, *OTHERS)}
)
"""Every built-in profile, by name."""


def provider_of(
    url: str, *, declared: Mapping[str, Provider] = MappingProxyType({}), default: str | Provider | None = None
) -> Provider:
    """Return whose API a call to ``url`` speaks: told by host, then path, then ``default``, else `COMPATIBLE`.

    A declared gateway goes before a built-in one of the same host. Raises `SettingsError` where ``default`` is a name
    that nobody has.
    """
    known = (*declared.values(), *PROVIDERS.values())
    host, path = host_of(url), urlsplit(url).path
    by_host = (each for each in known if any(_host_matches(host, pattern) for pattern in each.hosts))
    by_path = (each for each in known if each.path_prefix and path.startswith(each.path_prefix))
    found = next(by_host, None) or next(by_path, None)
    if found is not None:
        return found
    return provider_named(default, declared=declared) if isinstance(default, str) else default or COMPATIBLE


def _host_matches(host: str, pattern: str) -> bool:
    return pattern in {host, name_of(host)} or fnmatchcase(name_of(host), pattern)


def provider_named(name: str, *, declared: Mapping[str, Provider] = MappingProxyType({})) -> Provider:
    """Return the profile called ``name``; raises `SettingsError` that names the nearest ones where there is none."""
    known = {**PROVIDERS, **declared}
    if name not in known:
        raise SettingsError(f"there is no provider {name!r}; {alternatives(name, known)}")
    return known[name]


def alternatives(name: str, known: Iterable[str]) -> str:
    """Say what could have been meant, else what there is."""
    names = list(known)
    near = get_close_matches(name, names)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(names)}"


def base_url_of(provider: Provider, environ: Mapping[str, str]) -> str:
    """Return the base URL for an SDK: the environment's, else the profile's, without a slash at the end.

    Raises `SettingsError` that names the variable where neither has one.
    """
    url = environ.get(provider.base_url_env) or provider.base_url
    if not url:
        raise SettingsError(f"{provider.name} has no URL of its own: set {provider.base_url_env}")
    return url.rstrip("/")
