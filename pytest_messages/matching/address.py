"""What of a URL is compared, and which server on this machine stands for which."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

from pytest_messages.providers.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping


class Address(NamedTuple):
    """A URL in parts: the scheme counts only as the port that it stands for, a fragment never crosses the wire.

    ``query`` is shown, ``parameters`` are compared: their order means nothing to an API that names them. So are
    ``path`` and ``steps``, in which it does not count what was percent-encoded, a slash aside.
    """

    host: str
    loopback: bool
    path: str
    steps: tuple[bytes, ...]
    query: str
    parameters: tuple[tuple[str, str], ...]


@lru_cache(maxsize=256)
def address(url: str) -> Address:
    """Return the parts of ``url``; what is no URL by RFC 3986 is a host of its own, equal to itself only."""
    try:
        parts = urlsplit(url)
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return Address(url, loopback=False, path="", steps=(), query="", parameters=())
    suffix = "" if port in (None, _PORTS.get(parts.scheme)) else f":{port}"
    # The escapes keep bytes apart that are no UTF-8.
    parameters = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
    return Address(
        host=name + suffix,
        loopback=is_loopback(name),
        path=parts.path or "/",
        steps=tuple(unquote_to_bytes(step) for step in (parts.path or "/").split("/")),
        query=parts.query,
        parameters=tuple(sorted(parameters)),
    )


_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


class Loopback:
    """Which recorded server of this machine a live one stands for, since ports are drawn anew in every run.

    Recorded servers are numbered in the order in which the test that recorded them used them first: what one test calls
    its first server is what another test calls so, whatever the ports. A number belongs to the live server that was
    first to ask for something it holds. So one live server may own several (a cassette that was recorded in two runs),
    two never share one, and two that are used side by side find their own by what they are asked. Only where they are
    asked the very same thing first does the order of use decide; a server of the same name and port goes before it.
    """

    def __init__(self) -> None:
        self._numbers: dict[str | None, dict[str, int]] = {}
        self._names: dict[int, set[str]] = {}
        self._holders: dict[Hashable, set[int]] = {}
        self._owners: dict[int, str] = {}

    def add(self, server: str, asked: Hashable, test: str | None) -> int:
        """Note that a server that ``test`` recorded holds an answer to ``asked``, and return its number."""
        used = self._numbers.setdefault(test, {})
        number = used.setdefault(server, len(used))
        self._names.setdefault(number, set()).add(server)
        self._holders.setdefault(asked, set()).add(number)
        return number

    def choose(self, server: str, asked: Hashable) -> int | None:
        """Return the number that answers for a live server, or None."""
        free = [number for number in self._holders.get(asked, ()) if self._owners.get(number, server) == server]
        return min(free, key=lambda n: (n not in self._owners, server not in self._names[n], n), default=None)

    def claim(self, server: str, asked: Hashable) -> int | None:
        """As `choose`, and the live server owns the number from now on."""
        chosen = self.choose(server, asked)
        if chosen is not None:
            self._owners[chosen] = server
        return chosen

    def numbers(self, recorded: str) -> set[int]:
        """Return the numbers under which a recorded server goes."""
        return {number for number, names in self._names.items() if recorded in names}

    def taken(self, recorded: str, server: str) -> bool:
        """Tell whether a recorded server can only stand for another live one than ``server``."""
        numbers = self.numbers(recorded)
        return bool(numbers) and all(self._owners.get(number, server) != server for number in numbers)
