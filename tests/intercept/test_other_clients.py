"""Clients other than httpx and httpx2: recorded whole, replayed with the server gone, and never in another's way."""

from __future__ import annotations

import asyncio
import http.client
import inspect
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests
import urllib3
import vcr  # type: ignore[import-untyped]  # it has no types
from loopback import PATH, Server, answer, asking, serving, stream
from requests.adapters import HTTPAdapter
from sessions import errors_of

from pytest_messages import use_cassette
from pytest_messages.errors import NoMatchError, NotRecordableError, Refused, StreamClosedError
from pytest_messages.intercept.sessions import SESSIONS
from pytest_messages.wire import Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_messages.session.session import Session

KEY = "sk-ant-" + "api03-" + "x" * 80
HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "content-type": "application/json"}

BROKEN = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError, aiohttp.ClientError)

Answer = tuple[int, bytes]
Client: TypeAlias = "Callable[[str, dict[str, Any]], Answer]"


def by_requests(url: str, body: dict[str, Any]) -> Answer:
    with requests.post(url, json=body, headers=HEADERS, stream=bool(body.get("stream")), timeout=5) as response:
        return response.status_code, b"".join(response.iter_content(7)) if body.get("stream") else response.content


def by_requests_session(url: str, body: dict[str, Any]) -> Answer:
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=1, pool_block=True))
        response = session.post(url, data=json.dumps(body), headers=HEADERS, timeout=5)
        return response.status_code, response.content


def by_urllib3(url: str, body: dict[str, Any]) -> Answer:
    with urllib3.PoolManager() as pools:
        response = pools.request("POST", url, json=body, headers=HEADERS, retries=False)
        return response.status, response.data


def by_urllib3_in_pieces(url: str, body: dict[str, Any]) -> Answer:
    with urllib3.PoolManager() as pools:
        response = pools.request("POST", url, json=body, headers=HEADERS, preload_content=False, retries=False)
        return response.status, b"".join(response.stream(5))


def opened(url: str, body: dict[str, Any], context: ssl.SSLContext | None = None) -> Any:
    asked = urllib.request.Request(url, data=json.dumps(body).encode(), headers=HEADERS)  # noqa: S310 - our own server
    return urllib.request.urlopen(asked, timeout=5, context=context)  # noqa: S310 - our own server


def by_urllib(url: str, body: dict[str, Any]) -> Answer:
    try:
        with opened(url, body) as response:
            return response.status, b"".join(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def by_http_client(url: str, body: dict[str, Any]) -> Answer:
    with closing(http.client.HTTPConnection(url.split("/")[2], timeout=5)) as connection:
        connection.request("POST", PATH, iter([json.dumps(body).encode()]), HEADERS)
        response = connection.getresponse()
        return response.status, response.read()


def by_connection_of_urllib3(url: str, body: dict[str, Any]) -> Answer:
    host, port = urlsplit(url).hostname, urlsplit(url).port
    with closing(urllib3.connection.HTTPConnection(str(host), port, timeout=5)) as connection:
        connection.request("POST", PATH, json.dumps(body).encode(), HEADERS)
        response = connection.getresponse()
        return response.status, response.data


def by_aiohttp(url: str, body: dict[str, Any]) -> Answer:
    async def call() -> Answer:
        async with aiohttp.ClientSession() as client, client.post(url, json=body, headers=HEADERS) as response:
            return response.status, await response.read()

    return asyncio.run(call())


def by_aiohttp_in_pieces(url: str, body: dict[str, Any]) -> Answer:
    async def call() -> Answer:
        base = url.removesuffix(PATH)
        async with (
            aiohttp.ClientSession(base, headers=HEADERS) as client,
            client.post(PATH, data=json.dumps(body)) as response,
        ):
            return response.status, b"".join([piece async for piece in response.content.iter_chunked(6)])

    return asyncio.run(call())


CLIENTS: dict[str, Client] = {
    "requests": by_requests,
    "requests.Session": by_requests_session,
    "urllib3": by_urllib3,
    "urllib3-pieces": by_urllib3_in_pieces,
    "urllib.request": by_urllib,
    "http.client": by_http_client,
    "urllib3.connection": by_connection_of_urllib3,
    "aiohttp": by_aiohttp,
    "aiohttp-pieces": by_aiohttp_in_pieces,
}


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    return CLIENTS[request.param]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


@contextmanager
def recording(path: Path, **settings: object) -> Iterator[Session]:
    with use_cassette(path, record="once", **settings) as session:
        yield session


@contextmanager
def replaying(path: Path, **settings: object) -> Iterator[Session]:
    with use_cassette(path, record="none", **settings) as session:
        yield session


def recorded(
    path: Path, client: Client, body: dict[str, Any], *, host: str = "127.0.0.1", **settings: object
) -> tuple[Server, Answer]:
    with serving(host) as server, recording(path, **settings):
        return server, client(server.messages, body)


# What every client gets


@pytest.mark.parametrize("streamed", [False, True], ids=["json", "stream"])
def test_each_client_reads_the_same_bytes_when_the_server_is_gone(client: Client, path: Path, streamed: bool) -> None:
    body = asking("hello", stream=True) if streamed else asking("hello")
    expected = b"".join(stream("hello")) if streamed else json.dumps(answer("hello")).encode()
    server, live = recorded(path, client, body)
    assert live == (200, expected)
    assert [(method, place, json.loads(sent)) for method, place, sent in server.seen] == [("POST", PATH, body)]
    with replaying(path) as session:
        assert client(server.messages, body) == live
    (call,) = session.calls
    assert (call.replayed, call.body, call.request.url) == (True, body, server.messages)


def test_each_client_gets_an_error_status_and_no_wait(client: Client, path: Path) -> None:
    server, live = recorded(path, client, asking("overloaded"))
    assert live[0] == 529
    with replaying(path) as session:
        assert client(server.messages, asking("overloaded")) == live
    assert session.calls[0].retry_after == 60.0


def test_a_compressed_body_is_stored_as_text(client: Client, path: Path) -> None:
    server, _ = recorded(path, client, asking("gzip"))
    assert "You said: gzip" in path.read_text("utf-8")
    with replaying(path):
        assert client(server.messages, asking("gzip")) == (200, json.dumps(answer("gzip")).encode())


def test_a_request_that_nothing_answers_is_refused_at_once(client: Client, path: Path) -> None:
    server, _ = recorded(path, client, asking("hello"))
    with (
        replaying(path, unplayed="ignore"),
        pytest.raises(Refused, match="No recorded interaction answers") as refused,
    ):
        client(server.messages, asking("other"))
    assert isinstance(refused.value.error, NoMatchError)


def test_a_key_in_a_header_is_not_stored(client: Client, path: Path) -> None:
    recorded(path, client, asking("hello"))
    assert KEY not in path.read_text("utf-8")


def test_a_call_of_another_host_passes_untouched(client: Client, path: Path) -> None:
    with serving() as server, recording(path, hosts=[f"-{server.netloc}"]) as session:
        assert client(server.messages, asking("hello"))[0] == 200
    assert session.calls == ()
    assert not path.exists()


def test_a_call_without_an_answer_fails_alike_on_replay(client: Client, path: Path) -> None:
    with serving() as server, recording(path) as session, pytest.raises(BROKEN) as live:
        client(server.messages, asking("nothing"))
    assert [(call.response.status, call.ended) for call in session.calls if call.response] == [(0, Ended.DROPPED)]
    with replaying(path), pytest.raises(BROKEN) as again:
        client(server.messages, asking("nothing"))
    assert type(again.value) is type(live.value)


@pytest.mark.parametrize("text", ["cut", "reset"])
def test_a_stream_that_breaks_off_is_never_recorded_as_complete(client: Client, path: Path, text: str) -> None:
    with serving() as server, recording(path, conformance="ignore") as session:
        live = outcome(client, server.messages, asking(text, stream=True))
    assert [call.ended for call in session.calls] == [Ended.DROPPED]
    with replaying(path, conformance="ignore"):
        assert outcome(client, server.messages, asking(text, stream=True)) == live


def outcome(client: Client, url: str, body: dict[str, Any]) -> Answer | type[BaseException]:
    try:
        return client(url, body)  # read by lines, http.client says nothing of an end that came too soon
    except BROKEN as error:
        return type(error)


@pytest.mark.parametrize("mode", ["once", "none"])
def test_an_exception_inside_the_block_of_a_response_is_not_swallowed(path: Path, mode: str) -> None:
    def assertion(url: str) -> None:
        with opened(url, asking("hello")):
            raise ZeroDivisionError

    with serving() as server:
        recorded_once = recorded_at(server, path)
        chosen = path if mode == "none" else path.with_stem("new")
        with use_cassette(chosen, record=mode), pytest.raises(ZeroDivisionError):
            assertion(recorded_once)


def recorded_at(server: Server, path: Path) -> str:
    with recording(path):
        by_urllib(server.messages, asking("hello"))
    return server.messages


@pytest.mark.parametrize("rest", ["", "?x=1"])
def test_a_url_without_a_path_is_seen(path: Path, rest: str) -> None:
    with serving() as server, recording(path, hosts=[server.netloc], conformance="ignore") as session:
        with urllib.request.urlopen(server.url + rest, timeout=5) as response:  # noqa: S310 - our own server
            assert response.read() == b'{"other": true}'
    assert len(session.calls) == len(server.seen) == 1
    with replaying(path, hosts=[server.netloc], conformance="ignore"):
        with urllib.request.urlopen(server.url + rest, timeout=5) as response:  # noqa: S310 - our own server
            assert response.read() == b'{"other": true}'


# How a replayed stream ends


def as_recorded_by_httpx(path: Path, text: str) -> Server:
    """Record a stream that breaks off, or that the client stops reading, with a client that sees it live."""
    with (
        serving() as server,
        recording(path, conformance="ignore"),
        httpx.stream("POST", server.messages, json=asking(text, stream=True), headers=HEADERS) as response,
        suppress(httpx.RemoteProtocolError),
    ):
        pieces = response.iter_raw()
        next(pieces)
        if text == "cut":
            list(pieces)
    return server


def pieces_of_requests(url: str, body: dict[str, Any], got: list[bytes]) -> None:
    with requests.post(url, json=body, headers=HEADERS, stream=True, timeout=5) as response:
        got.extend(response.iter_content(4))


def pieces_of_urllib(url: str, body: dict[str, Any], got: list[bytes]) -> None:
    with opened(url, body) as response:
        got.extend(response)


def pieces_of_http_client(url: str, body: dict[str, Any], got: list[bytes]) -> None:
    with closing(http.client.HTTPConnection(url.split("/")[2], timeout=5)) as connection:
        connection.request("POST", PATH, json.dumps(body), HEADERS)
        response, buffer = connection.getresponse(), bytearray(3)
        got.append(response.read1(10))
        while count := response.readinto(buffer):
            got.append(bytes(buffer[:count]))


def pieces_of_aiohttp(url: str, body: dict[str, Any], got: list[bytes]) -> None:
    async def call() -> None:
        async with aiohttp.ClientSession() as client, client.post(url, json=body, headers=HEADERS) as response:
            got.extend([await response.content.readexactly(5)])
            async for piece in response.content.iter_any():
                got.append(piece)  # noqa: PERF401 - what came before the exception counts

    asyncio.run(call())


PIECES = [
    (pieces_of_requests, requests.exceptions.ChunkedEncodingError),
    (pieces_of_urllib, http.client.RemoteDisconnected),
    (pieces_of_http_client, http.client.RemoteDisconnected),
    (pieces_of_aiohttp, aiohttp.ClientPayloadError),
]


@pytest.mark.parametrize(("read", "error"), PIECES)
def test_a_replayed_stream_gives_its_bytes_and_then_breaks_off(read: Any, error: type[Exception], path: Path) -> None:
    server = as_recorded_by_httpx(path, "cut")
    got: list[bytes] = []
    with replaying(path, conformance="ignore"), pytest.raises(error, match="the recorded response ended as dropped"):
        read(server.messages, asking("cut", stream=True), got)
    assert b"".join(got) == b"".join(stream("cut")[:3])


@pytest.mark.parametrize("read", [read for read, _ in PIECES])
def test_reading_further_than_the_recorded_client_did_is_refused(read: Any, path: Path) -> None:
    server = as_recorded_by_httpx(path, "hello")
    got: list[bytes] = []
    with replaying(path, conformance="ignore") as session, pytest.raises(Refused) as refused:
        read(server.messages, asking("hello", stream=True), got)
    assert isinstance(refused.value.error, StreamClosedError)
    recorded_body = session.recorded[0].response.body
    assert recorded_body
    assert b"".join(got) == recorded_body


@pytest.mark.parametrize("client", ["requests", "urllib3", "urllib.request", "http.client", "aiohttp"], indirect=True)
def test_a_body_taken_whole_is_not_returned_where_it_broke_off(client: Client, path: Path) -> None:
    server = as_recorded_by_httpx(path, "cut")
    with replaying(path, conformance="ignore"), pytest.raises(BROKEN, match="ended as dropped"):
        client(server.messages, asking("cut", stream=True))


@pytest.mark.parametrize(
    ("read", "error"),
    [
        (by_requests, requests.exceptions.ConnectionError),
        (by_urllib3, urllib3.exceptions.ReadTimeoutError),
        (by_urllib, TimeoutError),
        (by_aiohttp, aiohttp.ServerTimeoutError),
    ],
)
def test_a_timeout_is_replayed_as_a_timeout(read: Client, error: type[Exception], path: Path) -> None:
    server = as_recorded_by_httpx(path, "cut")
    path.write_text(path.read_text("utf-8").replace("ended: dropped", "ended: timeout"), "utf-8")
    with replaying(path, conformance="ignore"), pytest.raises(error, match="ended as timeout"):
        read(server.messages, asking("cut", stream=True))


def test_all_lines_of_a_body_that_breaks_off_are_not_returned(path: Path) -> None:
    server = as_recorded_by_httpx(path, "cut")
    with replaying(path, conformance="ignore"), opened(server.messages, asking("cut", stream=True)) as response:
        with pytest.raises(http.client.RemoteDisconnected, match="ended as dropped"):
            response.readlines()


def impatient_requests(url: str) -> None:
    requests.post(url, json=asking("slow"), headers=HEADERS, timeout=0.1)


def impatient_urllib3(url: str) -> None:
    with urllib3.PoolManager() as pools:
        pools.request("POST", url, json=asking("slow"), headers=HEADERS, timeout=0.1, retries=False)


def impatient_aiohttp(url: str) -> None:
    async def call() -> None:
        patience = aiohttp.ClientTimeout(sock_read=0.1)
        async with aiohttp.ClientSession(timeout=patience) as client:
            await client.post(url, json=asking("slow"), headers=HEADERS)

    asyncio.run(call())


@pytest.mark.parametrize("call", [impatient_requests, impatient_urllib3, impatient_aiohttp])
def test_what_a_client_was_not_willing_to_wait_for_is_a_timeout(call: Callable[[str], None], path: Path) -> None:
    with serving() as server, recording(path) as session, pytest.raises(BROKEN) as live:
        call(server.messages)
    assert [each.ended for each in session.calls] == [Ended.TIMEOUT]
    with replaying(path), pytest.raises(BROKEN) as again:
        call(server.messages)
    assert isinstance(live.value, type(again.value))


def test_a_call_that_was_cancelled_is_closed(path: Path) -> None:
    async def call(url: str) -> None:
        async with aiohttp.ClientSession() as client, asyncio.timeout(0.1):
            await client.post(url, json=asking("slow"), headers=HEADERS)

    with serving() as server, recording(path) as session, pytest.raises(TimeoutError):
        asyncio.run(call(server.messages))
    assert [each.ended for each in session.calls] == [Ended.CLOSED]


# Layers, threads, connections


def test_calls_of_many_threads_each_get_their_own_answer(path: Path) -> None:
    texts = [f"number {n}" for n in range(12)]

    def all_of(url: str) -> list[str]:
        with requests.Session() as session, ThreadPoolExecutor(6) as threads:
            session.headers.update(HEADERS)
            posts = [threads.submit(session.post, url, json=asking(text), timeout=5) for text in texts]
            return [post.result().json()["content"][0]["text"] for post in posts]

    expected = [f"You said: {text} — grüße" for text in texts]
    with serving() as server, recording(path) as session:
        assert all_of(server.messages) == expected
    assert len(session.calls) == len(texts)
    with replaying(path):
        assert all_of(server.messages) == expected


def test_calls_of_many_tasks_each_get_their_own_answer(path: Path) -> None:
    texts = [f"number {n}" for n in range(12)]

    async def all_of(url: str) -> list[str]:
        async with aiohttp.ClientSession(headers=HEADERS) as client:
            answers = await asyncio.gather(*(client.post(url, json=asking(text)) for text in texts))
            return [(await each.json())["content"][0]["text"] for each in answers]

    with serving() as server, recording(path):
        live = asyncio.run(all_of(server.messages))
    assert live == [f"You said: {text} — grüße" for text in texts]
    with replaying(path):
        assert asyncio.run(all_of(server.messages)) == live


@pytest.mark.parametrize("client", ["requests", "urllib3", "requests.Session"], indirect=True)
def test_requests_over_urllib3_is_one_interaction(client: Client, path: Path) -> None:
    with serving() as server, recording(path) as session:
        client(server.messages, asking("hello", stream=True))
    assert (len(session.calls), len(server.seen)) == (1, 1)


def test_the_sdk_over_aiohttp_is_one_interaction_of_the_sdk(path: Path) -> None:
    anthropic = pytest.importorskip("anthropic")
    if not hasattr(anthropic, "DefaultAioHttpClient"):
        pytest.skip("this SDK has no aiohttp transport")

    async def text(url: str) -> str:
        try:
            transport = anthropic.DefaultAioHttpClient()
        except RuntimeError:
            pytest.skip("the SDK's extra for aiohttp is not installed")
        async with (
            anthropic.AsyncAnthropic(api_key=KEY, base_url=url, http_client=transport) as client,
            client.messages.stream(**asking("hello", model="claude-of-tests")) as events,
        ):
            return str((await events.get_final_message()).content[0].text)

    with serving() as server, recording(path) as session:
        assert asyncio.run(text(server.url)) == "You said: hello — grüße"
    assert len(session.calls) == 1
    with replaying(path):
        assert asyncio.run(text(server.url)) == "You said: hello — grüße"


def test_a_pool_and_a_connection_that_were_open_before_are_recorded_too(path: Path) -> None:
    body = json.dumps(asking("hello"))
    with (
        serving() as server,
        requests.Session() as session,
        closing(http.client.HTTPConnection(server.netloc)) as connection,
    ):
        session.get(server.url + "/other", timeout=5)
        connection.request("GET", "/other")
        connection.getresponse().read()
        with recording(path) as recorded:
            session.post(server.messages, data=body, headers=HEADERS, timeout=5)
            connection.request("POST", PATH, body, HEADERS)
            assert json.loads(connection.getresponse().read()) == answer("hello")
            connection.request("GET", "/other")
            assert connection.getresponse().read() == b'{"other": true}'
            assert type(connection) is http.client.HTTPConnection
        assert [call.request.url for call in recorded.calls] == [server.messages] * 2
        session.get(server.url + "/other", timeout=5)
        assert server.connections == 3  # the session's, which it keeps for other calls; the stub's; the connection's


def test_no_connection_outlives_the_session_that_made_it(path: Path) -> None:
    with serving() as server, recording(path.with_stem("outer")), requests.Session() as session:
        with recording(path):
            session.post(server.messages, json=asking("hello"), headers=HEADERS, timeout=5)
            (stand_in,) = SESSIONS._foreign._stand_ins.values()
        assert (stand_in.pool, SESSIONS._foreign._stand_ins) == (None, {})
        session.post(server.messages, json=asking("hello"), headers=HEADERS, timeout=5)
    assert server.connections == 2


def test_a_connection_can_be_given_up_in_the_middle_of_a_call(path: Path) -> None:
    with serving() as server, recording(path) as session:
        connection = http.client.HTTPConnection(server.netloc)
        connection.putrequest("POST", PATH)
        connection.putheader("x-api-key", KEY)
        connection.close()
        connection.putrequest("POST", PATH)
        connection.putrequest("POST", PATH)
        connection.putheader("content-type", "application/json")
        connection.endheaders()
        connection.send(json.dumps(asking("hello")).encode())
        assert json.loads(connection.getresponse().read()) == answer("hello")
        connection.close()
    assert len(session.calls) == 1


def test_a_connection_of_ones_own_class_is_recorded(path: Path) -> None:
    class Mine(http.client.HTTPConnection):
        pass

    def call(netloc: str) -> bytes:
        with closing(Mine(netloc)) as connection:
            connection.request("POST", PATH, json.dumps(asking("hello")), HEADERS)
            return connection.getresponse().read()

    with serving() as server, recording(path):
        live = call(server.netloc)
    with replaying(path):
        assert call(server.netloc) == live


BODIES = [
    json.dumps(asking("hello")),
    json.dumps(asking("hello")).encode(),
    bytearray(json.dumps(asking("hello")).encode()),
]


@pytest.mark.parametrize("body", BODIES, ids=["str", "bytes", "bytearray"])
def test_a_body_may_be_of_any_kind(path: Path, body: Any, tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(bytes(body, "utf-8") if isinstance(body, str) else bytes(body))

    async def by_aio(url: str) -> None:
        async def pieces() -> Any:
            yield file.read_bytes()[:9]
            yield file.read_bytes()[9:]

        async with aiohttp.ClientSession(headers=HEADERS) as client:
            for data in (body, aiohttp.BytesPayload(file.read_bytes()), pieces()):
                async with client.post(url, data=data) as response:
                    assert response.status == 200

    def all_of(server: Server) -> None:
        with closing(http.client.HTTPConnection(server.netloc)) as connection, file.open("rb") as opened:
            for data in (body, opened):
                connection.request("POST", PATH, data, HEADERS)
                assert json.loads(connection.getresponse().read()) == answer("hello")
        with file.open("rb") as opened:
            assert requests.post(server.messages, data=opened, headers=HEADERS, timeout=5).json() == answer("hello")
        pieces = iter([file.read_bytes()[:9], file.read_bytes()[9:]])
        assert requests.post(server.messages, data=pieces, headers=HEADERS, timeout=5).json() == answer("hello")
        with urllib3.PoolManager() as pools:
            parts = iter([file.read_text()[:9], file.read_text()[9:]])
            assert pools.request("POST", server.messages, body=parts, headers=HEADERS).json() == answer("hello")
        asyncio.run(by_aio(server.messages))

    with serving() as server, recording(path) as session:
        all_of(server)
    assert [json.loads(sent) for _, _, sent in server.seen] == [asking("hello")] * 8
    assert [call.body for call in session.calls] == [asking("hello")] * 8
    with replaying(path):
        all_of(server)


def test_a_host_by_an_ipv6_address_is_recorded(client: Client, path: Path) -> None:
    try:
        server, live = recorded(path, client, asking("hello"), host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with replaying(path):
        assert client(server.messages, asking("hello")) == live


def test_a_call_through_a_plain_proxy_is_recorded_by_its_own_url(path: Path) -> None:
    def call(proxy: str) -> Any:
        proxies = {"http": proxy}
        url = "http://messages.test" + PATH
        return requests.post(url, json=asking("hello"), headers=HEADERS, proxies=proxies, timeout=5).json()

    with serving() as server, recording(path) as session:
        assert call(server.url) == answer("hello")
    assert [each.request.url for each in session.calls] == ["http://messages.test" + PATH]
    with replaying(path):
        assert call(server.url) == answer("hello")


@pytest.mark.parametrize("client", ["requests", "urllib3", "urllib.request", "aiohttp"], indirect=True)
def test_a_cassette_of_stock_vcr_replays_whatever_its_headers_say(client: Client, path: Path) -> None:
    with serving() as server, vcr.use_cassette(str(path)):
        live = client(server.messages, asking("gzip"))
    with replaying(path, conformance="ignore"):
        status, body = client(server.messages, asking("gzip"))
    assert (status, json.loads(body)) == (200, answer("gzip"))
    assert live[0] == 200


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    made = tmp_path_factory.mktemp("tls") / "both.pem"
    what = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([openssl, *what, *names, "-keyout", made, "-out", made], check=True, capture_output=True)
    return made


def tls_by_requests(server: Server, certificate: Path) -> bytes:
    found = requests.post(server.messages, json=asking("hello"), headers=HEADERS, verify=str(certificate), timeout=5)
    return found.content


def tls_by_urllib(server: Server, certificate: Path) -> bytes:
    trusting = ssl.create_default_context(cafile=certificate)
    with opened(server.messages, asking("hello"), trusting) as response:
        return bytes(response.read())


def tls_by_aiohttp(server: Server, certificate: Path) -> bytes:
    async def call() -> bytes:
        trusting = ssl.create_default_context(cafile=certificate)
        async with (
            aiohttp.ClientSession(headers=HEADERS) as client,
            client.post(server.messages, json=asking("hello"), ssl=trusting) as response,
        ):
            return await response.read()

    return asyncio.run(call())


@pytest.mark.parametrize("call", [tls_by_requests, tls_by_urllib, tls_by_aiohttp])
def test_a_call_over_tls_is_recorded_and_replayed(call: Any, certificate: Path, path: Path) -> None:
    serving_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving_tls.load_cert_chain(certificate)
    with serving(tls=serving_tls) as server, recording(path):
        live = call(server, certificate)
    assert json.loads(live) == answer("hello")
    with replaying(path) as session:
        assert call(server, certificate) == live
    assert session.calls[0].request.url == server.messages


def test_a_certificate_that_is_not_trusted_fails_as_it_does_without_us(certificate: Path, path: Path) -> None:
    serving_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving_tls.load_cert_chain(certificate)
    with serving(tls=serving_tls) as server, recording(path), pytest.raises(requests.exceptions.SSLError):
        requests.post(server.messages, json=asking("hello"), headers=HEADERS, timeout=5)


# Others' calls


def test_another_vcr_cassette_inside_ours_serves_other_calls(path: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.yaml"

    def both(server: Server, other: Server) -> tuple[Any, Any]:
        with vcr.use_cassette(str(theirs)):
            found = requests.get(other.url + "/other", timeout=5).json()
            return found, requests.post(server.messages, json=asking("hello"), headers=HEADERS, timeout=5).json()

    with serving() as server, serving() as other, recording(path) as session:
        assert both(server, other) == ({"other": True}, answer("hello"))
    assert [call.request.url for call in session.calls] == [server.messages]
    assert theirs.read_text().count("uri:") == 1
    with replaying(path):
        assert both(server, other) == ({"other": True}, answer("hello"))


def test_another_vcr_cassette_around_ours_serves_other_calls(path: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.yaml"

    async def by_aio(server: Server, other: Server) -> Any:
        async with (
            aiohttp.ClientSession(headers=HEADERS) as client,
            client.get(other.url + "/aio") as found,
            client.post(server.messages, json=asking("a")) as ours,
        ):
            return await found.json(), await ours.json()

    def all_of(server: Server, other: Server) -> list[Any]:
        found = requests.get(other.url + "/other", timeout=5).json()
        ours = requests.post(server.messages, json=asking("hello"), headers=HEADERS, timeout=5).json()
        return [found, ours, *asyncio.run(by_aio(server, other))]

    with serving() as server, serving() as other, vcr.use_cassette(str(theirs)), recording(path) as session:
        live = all_of(server, other)
    assert live == [{"other": True}, answer("hello"), {"other": True}, answer("a")]
    assert [call.request.url for call in session.calls] == [server.messages] * 2
    assert theirs.read_text().count("uri:") == 2
    with vcr.use_cassette(str(theirs), record_mode="none"), replaying(path):
        assert all_of(server, other) == live


def test_a_stream_of_another_host_arrives_live(path: Path) -> None:
    gate = threading.Event()

    def slowly(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfirst\n")
            gate.wait(5)
            connection.sendall(b"last\n")

    with socket.create_server(("127.0.0.1", 0)) as listening, recording(path):
        thread = threading.Thread(target=slowly, args=(listening,))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/elsewhere"
        with requests.get(url, stream=True, timeout=5) as response:
            lines = response.iter_lines(chunk_size=1)
            assert next(lines) == b"first"
            gate.set()
            assert next(lines) == b"last"
        thread.join()


def test_a_redirect_of_our_call_to_elsewhere_leaves_the_cassette(path: Path) -> None:
    pool = urllib3.HTTPConnectionPool("127.0.0.1", 1)
    with recording(path):
        stand_in = SESSIONS._foreign._stand_in(pool)
        assert SESSIONS._foreign._stand_in(stand_in) is stand_in
        assert stand_in.stands_in_for is pool
        with pytest.raises(urllib3.exceptions.MaxRetryError) as refused:
            stand_in.urlopen("GET", "/elsewhere", retries=urllib3.Retry(0))
    assert refused.value.pool is pool
    pool.close()


def test_a_closed_pool_says_so_itself(path: Path) -> None:
    pool = urllib3.HTTPConnectionPool("127.0.0.1", 1)
    pool.close()
    with recording(path), pytest.raises(urllib3.exceptions.ClosedPoolError):
        pool.urlopen("POST", PATH)


@pytest.mark.parametrize("client", ["requests", "urllib.request", "aiohttp"], indirect=True)
def test_the_form_of_a_cloud_is_refused_or_noted(client: Client, path: Path) -> None:
    def cloud(server: Server) -> str:
        return server.url + "/model/anthropic.claude/invoke"

    with serving() as server:
        with recording(path) as session:
            client(cloud(server), asking("hello"))
            client(server.messages, asking("hello"))
            (noted,) = errors_of(session)
        with replaying(path, unplayed="ignore"), pytest.raises(Refused) as refused:
            client(cloud(server), asking("hello"))
    error = refused.value.error
    assert isinstance(error, NotRecordableError)
    assert {error.library, noted.library} <= {"requests", "http.client", "aiohttp"}


# The doors


def test_every_door_is_shut_again(path: Path) -> None:
    doors = [
        (urllib3.HTTPConnectionPool, "urlopen"),
        (http.client.HTTPConnection, "putrequest"),
        (aiohttp.ClientSession, "_request"),
    ]
    before = [vars(owner)[name] for owner, name in doors]
    with recording(path):
        during = [vars(owner)[name] for owner, name in doors]
        assert set(SESSIONS.hooked()) >= {"urllib3", "http.client", "aiohttp"}
    assert [vars(owner)[name] for owner, name in doors] == before
    assert all(one is not other for one, other in zip(before, during, strict=True))


def test_a_wrapper_that_somebody_put_around_a_door_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        with recording(path):
            inner = http.client.HTTPConnection.putrequest

            def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
                inner(self, *args, **kwargs)

            monkeypatch.setattr(http.client.HTTPConnection, "putrequest", wrapper)
        assert http.client.HTTPConnection.putrequest is wrapper
        assert by_http_client(server.messages, asking("hello"))[0] == 200


def test_what_was_recorded_whole_is_told_by_its_owner(path: Path) -> None:
    SESSIONS.foreign_seen.clear()
    with serving() as server, recording(path):
        by_requests(server.messages, asking("hello"))
        assert SESSIONS.foreign_seen == set()
        for call in (by_requests, by_urllib3, by_urllib, by_aiohttp):
            call(server.messages, asking("hello", stream=True))
    assert SESSIONS.foreign_seen == {"requests", "urllib3", "http.client", "aiohttp"}
    SESSIONS.foreign_seen.clear()


LATE = """
import sys, pytest_messages, json
with pytest_messages.use_cassette({path!r}, record="once") as session:
    before = [name for name in ("vcr", "urllib3", "requests", "aiohttp") if name in sys.modules]
    import requests, urllib3, aiohttp, asyncio
    requests.get({other!r}, timeout=5)
    unneeded = "vcr" in sys.modules
    first = requests.post({url!r}, json={body!r}, headers={headers!r}, timeout=5).status_code
    async def call():
        async with aiohttp.ClientSession(headers={headers!r}) as client:
            async with client.post({url!r}, json={body!r}) as response:
                return response.status
    second = asyncio.run(call())
print(json.dumps([before, unneeded, first, second, len(session.calls)]))
"""


def test_vcr_is_imported_by_the_first_call_that_needs_it_and_clients_may_be_imported_late(path: Path) -> None:
    with serving() as server:
        text = LATE.format(
            path=str(path), url=server.messages, other=server.url + "/other", body=asking("hello"), headers=HEADERS
        )
        run = subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert json.loads(run.stdout) == [[], False, 200, 200, 2]


def test_an_http_library_is_not_needed_for_http_client(path: Path) -> None:
    text = """
import sys, pytest_messages, urllib.request
class Hide:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("urllib3", "requests", "aiohttp"):
            raise ImportError(name)
sys.meta_path.insert(0, Hide())
with pytest_messages.use_cassette({path!r}, record="once") as session:
    with urllib.request.urlopen(urllib.request.Request({url!r}, data={body!r}, headers={headers!r})) as response:
        print(response.status, len(session.calls))
"""
    with serving() as server:
        body = json.dumps(asking("hello")).encode()
        text = text.format(path=str(path), url=server.messages, body=body, headers=HEADERS)
        run = subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, check=False)
    assert (run.stderr, run.stdout) == ("", "200 1\n")


def test_a_session_that_closed_before_the_answer_lets_the_call_go(path: Path) -> None:
    with serving() as server:
        with recording(path) as session:
            connection = http.client.HTTPConnection(server.netloc)
            connection.putrequest("POST", PATH)
            connection.putheader("content-type", "application/json")
            connection.endheaders(json.dumps(asking("hello")).encode())
        assert json.loads(connection.getresponse().read()) == answer("hello")
        connection.close()
    assert [call.response for call in session.calls] == [None]
    assert list(path.parent.iterdir()) == []


# What we use of others' private names


def test_the_private_names_that_we_use_mean_what_they_meant() -> None:
    from aiohttp.streams import StreamReader
    from vcr.stubs import (  # type: ignore[import-untyped]  # it has no types
        VCRConnection,
        VCRHTTPResponse,
        aiohttp_stubs,
        urllib3_stubs,
    )

    assert list(inspect.signature(aiohttp_stubs.vcr_request).parameters) == ["cassette", "real_request"]
    assert issubclass(aiohttp_stubs.MockStream, StreamReader)
    assert list(inspect.signature(StreamReader._wait).parameters) == ["self", "func_name"]
    assert isinstance(aiohttp.ClientSession._build_url, object)
    assert {"request", "putrequest", "putheader", "_uri", "_url", "_real_host"} <= set(vars(VCRConnection))
    assert urllib3_stubs.VCRRequestsHTTPConnection._baseclass is urllib3.connection.HTTPConnection
    assert urllib3_stubs.VCRRequestsHTTPSConnection._baseclass is urllib3.connection.HTTPSConnection
    response = VCRHTTPResponse({"status": {"code": 200, "message": ""}, "headers": {}, "body": {"string": b"x"}})
    assert response._content.read() == b"x"
    assert vars(http.client.HTTPConnection("a")).keys() >= {"_tunnel_host", "_tunnel_port", "sock"}
