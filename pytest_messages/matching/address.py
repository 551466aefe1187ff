"""What of a URL is compared, and which server on this machine stands for which."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping


class Address(NamedTuple):
    """A URL in parts: the scheme counts only as the port that it stands for, a fragment never crosses the wire.

    ``query`` is shown, ``parameters`` are compared: their order means nothing to an API that names them.
    """

    host: str
    loopback: bool
    path: str
    query: str
    parameters: tuple[tuple[str, str], ...]


@lru_cache(maxsize=256)
def address(url: str) -> Address:
    """Return the parts of ``url``; what is no URL by RFC 3986 is a host of its own, equal to itself only."""
    try:
        parts = urlsplit(url)
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return Address(url, loopback=False, path="", query="", parameters=())
    suffix = "" if port in (None, _PORTS.get(parts.scheme)) else f":{port}"
    # The escapes keep bytes apart that are no UTF-8.
    parameters = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
    return Address(
        host=name + suffix,
        loopback=_is_loopback(name),
        path=parts.path or "/",
        query=parts.query,
        parameters=tuple(sorted(parameters)),
    )


_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):  # https://www.rfc-editor.org/rfc/rfc6761#section-6.3
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Loopback:
    """Which recorded loopback server a live one stands for, since ports are drawn anew in every run.

    A recorded server belongs to the live one that was first to ask for something that it holds. So one live server may
    own several (a cassette that was recorded in two runs), two never share one, and two that are used side by side find
    their own by what they are asked. Only where they are asked the very same thing first does the order of use decide;
    a server of the same name and port goes before it.
    """

    def __init__(self) -> None:
        self._holders: dict[Hashable, dict[str, None]] = {}
        self._owners: dict[str, str] = {}

    def add(self, server: str, asked: Hashable) -> str:
        """Note that a recorded server holds an answer to ``asked``."""
        self._holders.setdefault(asked, {})[server] = None
        return server

    def choose(self, server: str, asked: Hashable) -> str | None:
        """Return the recorded server that answers for a live one, or None."""
        free = [held for held in self._holders.get(asked, ()) if not self.taken(held, server)]
        return min(free, key=lambda held: (held not in self._owners, held != server), default=None)

    def claim(self, server: str, asked: Hashable) -> str | None:
        """As `choose`, and the live server owns the recorded one from now on."""
        chosen = self.choose(server, asked)
        if chosen is not None:
            self._owners[chosen] = server
        return chosen

    def taken(self, held: str, server: str) -> bool:
        """Tell whether a recorded server belongs to another live one than ``server``."""
        return self._owners.get(held, server) != server
