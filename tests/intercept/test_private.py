"""The private names that we touch are there, in the versions they are said to be of and in the installed ones."""

from __future__ import annotations

import asyncio
import gzip
import http.client
from importlib.metadata import version

import aiohttp
import httpx
import httpx2
import pytest

from pytest_messages.intercept import private

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)


@LIBRARIES
def test_every_client_finds_its_transport_in_one_method(library: object) -> None:
    for kind in ("Client", "AsyncClient"):
        client = getattr(library, kind)()
        assert getattr(client, private.TRANSPORT_OF)(client.base_url) is client._transport, version(library.__name__)  # type: ignore[attr-defined]


@LIBRARIES
def test_a_response_lends_its_decoder(library: object) -> None:
    response = library.Response(200, headers={"content-encoding": "gzip"})  # type: ignore[attr-defined]
    decoded = private.content_decoder(response).decode(gzip.compress(b"grey"))
    assert (decoded if isinstance(decoded, bytes) else b"".join(decoded)) == b"grey"


def test_a_session_of_aiohttp_joins_its_base() -> None:
    async def joined() -> str:
        async with aiohttp.ClientSession("http://127.0.0.1:1/") as client:
            return private.full_url(client, "/v1/messages")

    assert asyncio.run(joined()) == "http://127.0.0.1:1/v1/messages"


def test_a_connection_says_whom_it_speaks_to_behind_a_proxy() -> None:
    connection = http.client.HTTPConnection("proxy.example", 3128)
    assert private.peer(connection) == ("proxy.example", 3128)
    connection.set_tunnel("api.example", 443)
    assert private.peer(connection) == ("api.example", 443)
