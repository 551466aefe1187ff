"""Every private name of a library that this package touches, once, and the version it was seen in.

A private name may go with any release. Held in one place, and each by a test that looks it up in the installed library,
a new release that takes one away fails there, by name, and not in the middle of somebody's recording.
"""

from __future__ import annotations

from typing import Any

TRANSPORT_OF = "_transport_for_url"
"""``Client`` and ``AsyncClient`` of httpx 0.28.1 and httpx2 2.16.2: the one method that custom transports, mounts and
redirects all pass."""

DECODER_OF = "_get_content_decoder"
"""``Response`` of httpx 0.28.1 and httpx2 2.16.2: the client's own decoder of content codings."""

FULL_URL = "_build_url"
"""``ClientSession`` of aiohttp 3.14.5: joins a URL to the session's base, which VCR.py does not know of."""

TUNNEL_HOST, TUNNEL_PORT = "_tunnel_host", "_tunnel_port"
"""``HTTPConnection`` of Python 3.11.7: whom a connection through a proxy speaks to."""


def content_decoder(response: Any) -> Any:
    """Return a fresh decoder for the body of a response of httpx or httpx2."""
    return getattr(response, DECODER_OF)()


def full_url(client: Any, url: Any) -> str:
    """Return the URL that a session of aiohttp asks for."""
    return str(getattr(client, FULL_URL)(url))


def peer(connection: Any) -> tuple[str, int]:
    """Return host and port that a connection of `http.client` speaks to, through a proxy or not."""
    host = getattr(connection, TUNNEL_HOST) or connection.host
    return str(host), getattr(connection, TUNNEL_PORT) or connection.port
