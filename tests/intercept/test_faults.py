"""Every client gets the exception that it gets without us: while recording, and on replay when the server is gone."""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp
import pytest
import requests
import urllib3
from faults import FAULTS, failing
from loopback import PATH, asking

from pytest_messages import use_cassette

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Client: TypeAlias = "Callable[[str, float], Any]"

HEADERS = {"content-type": "application/json"}
BODY = json.dumps(asking("hello")).encode()


def by_requests(url: str, patience: float) -> bytes:
    return requests.post(url, data=BODY, headers=HEADERS, timeout=patience).content


def by_requests_in_pieces(url: str, patience: float) -> bytes:
    with requests.post(url, data=BODY, headers=HEADERS, timeout=patience, stream=True) as response:
        return b"".join(response.iter_content(16))


def by_requests_in_lines(url: str, patience: float) -> list[bytes]:
    with requests.post(url, data=BODY, headers=HEADERS, timeout=patience, stream=True) as response:
        return list(response.iter_lines())


def by_urllib3(url: str, patience: float, **how: Any) -> bytes:
    with urllib3.PoolManager() as pools:
        return pools.request("POST", url, body=BODY, headers=HEADERS, timeout=patience, **how).data


def by_urllib3_without_retries(url: str, patience: float) -> bytes:
    return by_urllib3(url, patience, retries=False)


def by_urllib3_in_pieces(url: str, patience: float) -> bytes:
    with urllib3.PoolManager() as pools:
        how = {"retries": False, "preload_content": False, "timeout": patience}
        return b"".join(pools.request("POST", url, body=BODY, headers=HEADERS, **how).stream(16))  # type: ignore[arg-type]  # of mixed kinds


def by_connection(url: str, patience: float, plain: Any, tls: Any) -> Any:
    parts = urlsplit(url)
    kind = tls if parts.scheme == "https" else plain
    with closing(kind(parts.hostname, parts.port, timeout=patience)) as connection:
        connection.request("POST", PATH, body=BODY, headers=HEADERS)
        return connection.getresponse().read()


def by_connection_of_urllib3(url: str, patience: float) -> Any:
    return by_connection(url, patience, urllib3.connection.HTTPConnection, urllib3.connection.HTTPSConnection)


def by_http_client(url: str, patience: float) -> Any:
    return by_connection(url, patience, http.client.HTTPConnection, http.client.HTTPSConnection)


def by_urllib(url: str, patience: float) -> bytes:
    asked = urllib.request.Request(url, data=BODY, headers=HEADERS)  # noqa: S310 - our own server
    with urllib.request.urlopen(asked, timeout=patience) as response:  # noqa: S310 - our own server
        return bytes(response.read())


def by_urllib_in_lines(url: str, patience: float) -> list[bytes]:
    asked = urllib.request.Request(url, data=BODY, headers=HEADERS)  # noqa: S310 - our own server
    with urllib.request.urlopen(asked, timeout=patience) as response:  # noqa: S310 - our own server
        return list(response)


def by_aiohttp(url: str, patience: float) -> bytes:
    async def call() -> bytes:
        timeout = aiohttp.ClientTimeout(sock_read=patience)
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.post(url, data=BODY, headers=HEADERS) as response,
        ):
            return await response.read()

    return asyncio.run(call())


def by_aiohttp_in_pieces(url: str, patience: float) -> bytes:
    async def call() -> bytes:
        timeout = aiohttp.ClientTimeout(sock_read=patience)
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.post(url, data=BODY, headers=HEADERS) as response,
        ):
            return b"".join([piece async for piece in response.content.iter_any()])

    return asyncio.run(call())


def by_aiohttp_with_a_deadline(url: str, patience: float) -> bytes:
    async def call() -> bytes:
        timeout = aiohttp.ClientTimeout(total=patience)
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.post(url, data=BODY, headers=HEADERS) as response,
        ):
            return await response.read()

    return asyncio.run(call())


CLIENTS: list[Client] = [
    by_requests,
    by_requests_in_pieces,
    by_requests_in_lines,
    by_urllib3,
    by_urllib3_without_retries,
    by_urllib3_in_pieces,
    by_connection_of_urllib3,
    by_http_client,
    by_urllib,
    by_urllib_in_lines,
    by_aiohttp,
    by_aiohttp_in_pieces,
    by_aiohttp_with_a_deadline,
]


def outcome(client: Client, url: str, fault: str) -> Any:
    try:
        return client(url, 0.2 if "stalled" in fault else 5)
    except Exception as error:  # noqa: BLE001 - which one is what is compared
        return type(error)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_fault_looks_the_same_without_us_recorded_and_on_replay(client: Client, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    with failing(fault) as url:
        without_us = outcome(client, url, fault)
        with use_cassette(path, record="once", conformance="ignore"):
            recorded = outcome(client, url, fault)
    with use_cassette(path, record="none", conformance="ignore"):
        replayed = outcome(client, url, fault)
    assert (recorded, replayed) == (without_us, without_us)
