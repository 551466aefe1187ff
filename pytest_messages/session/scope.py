"""Which calls are ours: Messages hosts, Messages paths, and the cloud forms that cannot be recorded yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, auto
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_messages.providers.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

_MESSAGES_PATH = re.compile(r"/v1/messages(/count_tokens|/batches(/.*)?)?/?$")
_CLOUD_PATH = re.compile(r"/model/[^/]+/(invoke|converse)[^/]*$|:(streamR|r)awPredict$")
"""Bedrock's InvokeModel and Vertex's rawPredict: the same API in another envelope."""


class Ours(StrEnum):
    """What a call is to a session."""

    YES = auto()
    CLOUD = auto()
    """The Messages API in the envelope of a cloud: recognised, and not recordable yet."""
    NO = auto()


@dataclass(frozen=True, slots=True)
class Scope:
    """The hosts whose calls belong to a session.

    ``hosts`` are names, ``name:port`` or globs; those of the known providers, of the setting ``hosts`` and of the
    interactions in the cassette. ``excluded`` are the entries that began with ``-``: they win. ``named`` are the
    entries of the setting alone: only they make a call over an in-process transport ours.
    """

    hosts: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *, providers: Iterable[str], entries: Iterable[str], recorded: Iterable[str] = ()) -> Scope:
        """Make the scope from the providers' hosts, the setting ``hosts`` and the URLs of recorded requests."""
        named = [entry.lower() for entry in entries]
        added = frozenset(entry for entry in named if not entry.startswith("-"))
        excluded = frozenset(entry[1:] for entry in named if entry.startswith("-"))
        # Servers on this machine that speak the API by default are told by path: the port may be anybody's.
        services = (host for host in providers if not is_loopback(host.rpartition(":")[0] or host))
        return cls(frozenset({*services, *added, *map(_authority, recorded)}), added, excluded)

    def of_call(self, url: str) -> Ours:
        """Tell what a call to ``url`` is."""
        parts = urlsplit(url)
        if self._lists(self.excluded, parts.hostname, parts.port):
            return Ours.NO
        if _CLOUD_PATH.search(parts.path):
            return Ours.CLOUD
        if _MESSAGES_PATH.search(parts.path) or self._lists(self.hosts, parts.hostname, parts.port):
            return Ours.YES
        return Ours.NO

    def names(self, url: str) -> bool:
        """Tell whether the setting ``hosts`` names the host of ``url``."""
        parts = urlsplit(url)
        return self._lists(self.named, parts.hostname, parts.port)

    def guards(self, host: str, port: int | None) -> bool:
        """Tell whether a connection to ``host`` and ``port`` must come through a transport of ours.

        On loopback only a host *and port* that the cassette or the setting names counts: a test has servers of its own.
        """
        if self._lists(self.excluded, host, port):
            return False
        if is_loopback(host):
            return f"{host.lower()}:{port}" in self.hosts
        return self._lists(self.hosts, host, port)

    @staticmethod
    def _lists(hosts: frozenset[str], host: str | None, port: int | None) -> bool:
        name = (host or "").lower()
        if name in hosts or (port is not None and f"{name}:{port}" in hosts):
            return True
        return any("*" in entry and fnmatchcase(name, entry) for entry in hosts)


def _authority(url: str) -> str:
    parts = urlsplit(url)
    name = (parts.hostname or "").lower()
    # A port tells servers on this machine apart; elsewhere the host is the service.
    return f"{name}:{parts.port}" if parts.port is not None and is_loopback(name) else name
