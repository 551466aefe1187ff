"""Which calls are ours, while recording and on replay alike.

Ours is `/v1/messages` and what lies below it on any host, any other `/v1/…` that is asked with an `anthropic-version`
header, every path of a host that is the API's alone or that the user names, and the very address of an interaction that
the cassette holds. The clouds' forms of the API are recognised and cannot be recorded yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from pytest_messages.providers.clouds import is_cloud_form
from pytest_messages.providers.hosts import is_loopback, reaches_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_messages.providers import Provider
    from pytest_messages.wire import Request

_MESSAGES_PATH = re.compile(r"/v1/messages(/|$)")
_VERSIONED_PATH = re.compile(r"/v1/[^/]")

_VERSION = "anthropic-version"


class Ours(StrEnum):
    """What a call is to a session."""

    YES = auto()
    CLOUD = auto()
    """The Messages API in the envelope of a cloud: recognised, and not recordable yet."""
    NO = auto()


class _Address(NamedTuple):
    """Where an interaction of the cassette went; all names of this machine are one."""

    method: str
    host: str
    port: int | None
    path: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls belong to a session.

    A host is written as a name, ``name:port`` or a glob. ``hosts`` are those whose connections are guarded: of the
    known providers, of the setting ``hosts`` and of the cassette. ``alone`` are hosts and ``below`` paths that speak
    nothing but the API. ``named`` are the entries of the setting: only they make a call over an in-process transport
    ours. ``excluded`` are its entries that began with ``-``: they win. ``held`` are addresses that the cassette holds
    and no other part of the rule tells.

    A recording must not widen what its own replay takes, or a call that passed while recording is refused for ever
    after. So the host of a recorded call counts for nothing, and its address only where nothing else made the call
    ours: a gateway that was asked for ``/v1/models`` with the API's header may be asked for another vendor's without.
    """

    hosts: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    below: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    held: frozenset[_Address] = frozenset()

    @classmethod
    def of(cls, *, providers: Iterable[Provider], entries: Iterable[str], recorded: Iterable[Request] = ()) -> Scope:
        """Make the scope from the known providers, the setting ``hosts`` and the requests that the cassette holds."""
        known, requests = tuple(providers), tuple(recorded)
        lower = [entry.lower() for entry in entries]
        named = frozenset(entry for entry in lower if not entry.startswith("-"))
        # Servers on this machine that speak the API by default are told by path: the port may be anybody's.
        services = [host for each in known for host in each.hosts if not is_loopback(host.rpartition(":")[0] or host)]
        scope = cls(
            hosts=frozenset({*services, *named, *(_authority(request.url) for request in requests)}),
            alone=frozenset(host for each in known if each.alone and not each.path_prefix for host in each.hosts),
            below=tuple(each.path_prefix for each in known if each.alone and each.path_prefix),
            named=named,
            excluded=frozenset(entry[1:] for entry in lower if entry.startswith("-")),
        )
        return replace(scope, held=frozenset(scope._held_by(requests)))

    def _held_by(self, requests: Iterable[Request]) -> Iterator[_Address]:
        for request in requests:
            address = _address(request.method, request.url)
            if address is not None and self.of_call(request.url, request.headers) is Ours.NO:
                yield address

    def of_call(self, url: str, headers: Iterable[tuple[str, str]] = (), method: str = "") -> Ours:
        """Tell what a call to ``url`` is, by its address and whether its headers say a version of the API."""
        parts = _split(url)
        if parts is None or self._lists(self.excluded, *parts[:2]):
            return Ours.NO
        host, port, path = parts
        if is_cloud_form(unquote(path)):
            return Ours.CLOUD
        by_header = _VERSIONED_PATH.search(path) and any(name.lower() == _VERSION for name, _ in headers)
        by_host = self._lists(self.alone | self.named, host, port) or any(path.startswith(each) for each in self.below)
        ours = by_header or by_host or _MESSAGES_PATH.search(path) or _address(method, url) in self.held
        return Ours.YES if ours else Ours.NO

    def may_be(self, url: str) -> Ours:
        """Tell what a call to ``url`` is at most, before its method and headers are known."""
        most = self.of_call(url, ((_VERSION, ""),))
        parts = _split(url)
        if most is Ours.NO and parts is not None and not self._lists(self.excluded, *parts[:2]):
            place = _address("", url)
            return Ours.YES if any(each._replace(method="") == place for each in self.held) else Ours.NO
        return most

    def names(self, url: str) -> bool:
        """Tell whether the setting ``hosts`` names the host of ``url``."""
        parts = _split(url)
        return parts is not None and self._lists(self.named, *parts[:2])

    def guards(self, host: str, port: int | None) -> bool:
        """Tell whether a connection to ``host`` and ``port`` must come through a transport of ours.

        On loopback only a *port* that the cassette or the setting names counts, for a test has servers of its own, and
        it counts by whatever name of this machine it is reached.
        """
        if self._lists(self.excluded, host, port):
            return False
        if reaches_loopback(host):
            return _has_port(self.hosts, port) and not _has_port(self.excluded, port)
        return self._lists(self.hosts, host, port)

    @staticmethod
    def _lists(hosts: frozenset[str], host: str | None, port: int | None) -> bool:
        name = (host or "").lower()
        if name in hosts or (port is not None and f"{name}:{port}" in hosts):
            return True
        return any("*" in entry and fnmatchcase(name, entry) for entry in hosts)


def _has_port(hosts: Iterable[str], port: int | None) -> bool:
    """Tell whether one of ``hosts`` is this machine at ``port``."""
    places = (host.rpartition(":") for host in hosts)
    return any(digits == str(port) and reaches_loopback(name) for name, colon, digits in places if colon and name)


def _split(url: str) -> tuple[str, int | None, str] | None:
    """Return host, port and path; None for what is no URL, which nobody can send either."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.port, parts.path
    except ValueError:
        return None


def _address(method: str, url: str) -> _Address | None:
    parts = _split(url)
    if parts is None:
        return None
    host, port, path = parts
    default = {"http": 80, "https": 443}.get(urlsplit(url).scheme)
    name = "localhost" if is_loopback(host) else host
    return _Address(method.upper(), name, port or default, unquote(path) or "/")


def _authority(url: str) -> str:
    name, port, _ = _split(url) or (url.lower(), None, "")
    # A port tells servers on this machine apart; elsewhere the host is the service.
    return f"{name}:{port}" if port is not None and is_loopback(name) else name
