"""How an answer ends that is not as it should be: undecodable, or left by a client that will ask again."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from typing import TYPE_CHECKING, Any

import anthropic
import brotli  # type: ignore[import-untyped]  # it has no types
import httpx
import httpx2
import pytest
import zstandard
from loopback import answer, asking, serving
from sessions import again, hooked, opened
from sessions import dump as dumped

from pytest_messages.wire import Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from loopback import Server


LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
BODY = dumped({**answer("hello"), "padding": [str(hash((n, "x")) % 10**9) for n in range(3000)]})
CODED = {
    "gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "br": brotli.compress(BODY),
    "zstd": zstandard.compress(BODY),
}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "not coded at all": lambda _: b"no such coding",
    "damaged within": lambda coded: coded[: len(coded) // 2] + b"\xff" * 40 + coded[len(coded) // 2 + 40 :],
    "cut short": lambda coded: coded[: len(coded) // 2],
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def reading(library: ModuleType, url: str, body: bytes, coding: str) -> tuple[str, bytes]:
    """Return what a client read of an answer, and which error ended that."""
    read: list[bytes] = []
    headers = {"x-coding": coding, "x-body": body.hex()}
    try:
        with library.Client() as client, client.stream("POST", url, json=asking("given"), headers=headers) as response:
            for piece in response.iter_bytes():
                read.append(piece)  # noqa: PERF402 - what came before the error counts
    except library.HTTPError as error:
        return type(error).__name__, b"".join(read)
    return "", b"".join(read)


async def reading_async(library: ModuleType, url: str, body: bytes, coding: str) -> tuple[str, bytes]:
    """Return what an async client read of an answer, and which error ended that."""
    read: list[bytes] = []
    headers = {"x-coding": coding, "x-body": body.hex()}
    try:
        async with library.AsyncClient() as client:
            async with client.stream("POST", url, json=asking("given"), headers=headers) as response:
                async for piece in response.aiter_bytes():
                    read.append(piece)  # noqa: PERF401 - what came before the error counts
    except library.HTTPError as error:
        return type(error).__name__, b"".join(read)
    return "", b"".join(read)


@LIBRARIES
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("coding", CODED)
def test_a_body_that_cannot_be_decoded_raises_on_replay_what_it_raised(
    library: ModuleType, server: Server, coding: str, damage: str
) -> None:
    body = DAMAGES[damage](CODED[coding])
    ways = [reading, lambda *args: asyncio.run(reading_async(*args))]
    for way in ways:
        live = way(library, server.messages, body, coding)
        recording = opened()
        with hooked(library, recording):
            assert way(library, server.messages, body, coding) == live
        replaying = again(recording)
        with hooked(library, replaying):
            assert way(library, server.messages, body, coding) == live
        assert (replaying.calls[0].ended is Ended.COMPLETE) == (live[0] == "")
        assert not replaying.verdict.problems


def left_unread(library: ModuleType, url: str) -> None:
    with library.Client(timeout=15) as client, client.stream("POST", url, json=asking("stall 529")):
        pass


async def left_unread_async(library: ModuleType, url: str) -> None:
    async with library.AsyncClient(timeout=15) as client:
        async with client.stream("POST", url, json=asking("stall 529")):
            pass


@LIBRARIES
def test_an_error_that_stalls_does_not_keep_the_client_that_leaves_it(library: ModuleType, server: Server) -> None:
    for leave in (left_unread, lambda *args: asyncio.run(left_unread_async(*args))):
        session = opened()
        with hooked(library, session):
            begun = time.perf_counter()
            leave(library, server.messages)
            assert time.perf_counter() - begun < 5
        (call,) = session.calls
        assert call.response is not None
        assert (call.response.status, call.response.ended) == (529, Ended.CLOSED)
        assert call.response.body == b'{"id": "msg_01'


def test_the_official_client_retries_at_once_after_an_error_that_stalls(server: Server) -> None:
    library = next(kind for kind in (httpx, httpx2) if issubclass(anthropic.DefaultHttpxClient, kind.Client))
    session = opened()
    client = anthropic.Anthropic(api_key="test", base_url=server.url, timeout=4, max_retries=1)
    body: Any = {**asking("stall 529"), "model": "claude-opus-5"}
    with hooked(library, session), client:
        begun = time.perf_counter()
        with pytest.raises((anthropic.APIError, library.ReadTimeout)):
            client.messages.create(**body, stream=True)
        first = session.calls[0].response
        assert time.perf_counter() - begun < 10
    assert first is not None
    assert (len(session.calls), first.ended) == (2, Ended.CLOSED)


def test_the_clients_own_timeout_stands_again_after_draining(server: Server) -> None:
    timeouts: list[Any] = []
    with hooked(httpx, opened()), httpx.Client(timeout=7) as client:
        with client.stream("POST", server.messages, json=asking("stall 529")) as response:
            timeouts.append(dict(response.request.extensions["timeout"]))
        assert response.request.extensions["timeout"] == timeouts[0]
    assert timeouts[0]["read"] == 7
