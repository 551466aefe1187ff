"""What a request to a provider carries, and what the provider documents that it does not take."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_messages.errors import CredentialError, UnsupportedFieldError
from pytest_messages.providers.lookup import at, pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_messages.providers.profile import Headers, Provider, Unsupported


def request_headers(provider: Provider, environ: Mapping[str, str], *, version: str | None = None) -> Headers:
    """Return the headers that a request to ``provider`` needs, keys taken from ``environ``.

    Raises `CredentialError` that names the variables where the profile requires a key and none is set.
    """
    found = [each for each in provider.credentials if environ.get(each.variable)][:1]
    if not found and not provider.anonymous:
        variables = tuple(dict.fromkeys(each.variable for each in provider.credentials))
        raise CredentialError(
            f"no key for {provider.title}: set {' or '.join(variables)}, for example export {variables[0]}=…",
            variables=variables,
        )
    passed = [each for each in provider.pass_through if environ.get(each.variable)]
    keys = [(each.header, each.prefix + environ[each.variable]) for each in (*found, *passed)]
    return (*provider.headers, ("anthropic-version", version or provider.version), *keys)


def placeholders(provider: Provider) -> Mapping[str, str]:
    """Return placeholder values for the provider's key variables, for a replay that needs no key."""
    return {each.variable: each.placeholder for each in (*provider.pass_through, *provider.credentials)}


def unsupported(
    provider: Provider, body: object, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()
) -> tuple[UnsupportedFieldError, ...]:
    """Return what a request asks for that ``provider`` documents as unsupported, as errors ready to be raised.

    ``body`` is the parsed JSON of the request. ``.field`` of an error is the exact place, ``.source`` the page.
    """
    given = [(name.lower(), value) for name, value in pairs(headers)]
    return tuple(
        UnsupportedFieldError(
            f"{place}{_shown(entry, value)} {entry.because} at {provider.title}",
            field=place,
            provider=provider.name,
            source=entry.source,
        )
        for entry in provider.unsupported
        for place, value in (at(body, entry.path) if entry.part == "body" else _entries(given, entry.path))
        if fnmatchcase(str(value), entry.value)
    )


def _shown(entry: Unsupported, value: object) -> str:
    """Return the value for a message, where it is the value that is unsupported and not the field."""
    return "" if entry.value == "*" else f" {value!r}"


def _entries(headers: list[tuple[str, str]], name: str) -> Iterator[tuple[str, str]]:
    """Yield every entry of a comma list that may be spread over several headers."""
    for key, value in headers:
        if key == name:
            yield from ((name, entry.strip()) for entry in value.split(","))


def group_of(provider: Provider, body: object) -> str | None:
    """Return the session that a request belongs to where ``provider`` groups calls, else None."""
    if not provider.groups_by_user_id:
        return None
    named = next((value for _, value in at(body, "metadata.user_id")), None)
    return named if isinstance(named, str) and named else provider.default_group
