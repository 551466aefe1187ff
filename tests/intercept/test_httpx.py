"""Between a client and its network: every byte at once, one verdict, and the same again on replay."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import httpx2
import pytest
from loopback import asking, serving
from sessions import (
    JSON_HEADERS,
    STREAM_HEADERS,
    URL,
    answer,
    dump,
    errors_of,
    hooked,
    interaction,
    message,
    opened,
    request,
    streamed,
)

from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.errors import NotRecordableError, Refused, StreamClosedError
from pytest_messages.intercept.common import CALL, is_ours, sending, without_waiting
from pytest_messages.session.modes import State
from pytest_messages.wire import Chunk, Ended, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import ModuleType

    from loopback import Server

    from pytest_messages.session.session import Session

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def seen(session: Session) -> Response:
    """Return the answer of the one call that the session took."""
    (call,) = session.calls
    assert call.response is not None
    return call.response


def one(response: Response, **settings: Any) -> Session:
    """Open a session that replays ``response`` to the request ``one``."""
    return opened(interaction("one", response), **settings)


def post(library: ModuleType, text: str = "one", url: str = URL, **extra: Any) -> Any:
    with library.Client() as client:
        return client.post(url, content=request(text).body, headers=dict(request(text).headers), **extra)


# Forwarding


@LIBRARIES
def test_what_is_forwarded_is_kept_as_the_client_read_it(library: ModuleType, server: Server) -> None:
    session = opened()
    with hooked(library, session):
        with library.Client() as client:
            read = client.post(server.messages, json=asking("gzip me")).content
    kept = seen(session)
    assert (kept.status, kept.reason, kept.body, kept.ended) == (200, "OK", read, Ended.COMPLETE)
    assert kept.chunks[-1].end == len(read)


@LIBRARIES
def test_a_stream_is_handed_on_event_by_event(library: ModuleType, server: Server) -> None:
    session = opened()
    with hooked(library, session), library.Client() as client:
        with client.stream("POST", server.messages, json=asking("hello", stream=True)) as response:
            read = b"".join(response.iter_bytes())
            assert response.extensions[CALL] is session.calls[0]
    kept = seen(session)
    assert (kept.body, kept.ended) == (read, Ended.COMPLETE)
    assert len(kept.chunks) >= 1


@LIBRARIES
def test_an_async_stream_is_handed_on_event_by_event(library: ModuleType, server: Server) -> None:
    session = opened()

    async def read() -> bytes:
        async with library.AsyncClient() as client:
            async with client.stream("POST", server.messages, json=asking("hello", stream=True)) as response:
                return b"".join([piece async for piece in response.aiter_bytes()])

    with hooked(library, session):
        assert asyncio.run(read()) == seen(session).body


@LIBRARIES
@pytest.mark.parametrize(
    ("how", "ended"), [("cut", Ended.DROPPED), ("reset", Ended.DROPPED), ("nothing", Ended.DROPPED)]
)
def test_a_broken_connection_reaches_the_client_as_it_was_and_is_named(
    library: ModuleType, server: Server, how: str, ended: Ended
) -> None:
    session = opened()
    with hooked(library, session), library.Client() as client:
        with pytest.raises(library.TransportError) as caught:
            client.post(server.messages, json=asking(how, stream=True))
    assert (seen(session).ended, seen(session).error) == (ended, type(caught.value).__name__)


@LIBRARIES
def test_a_timeout_is_named(library: ModuleType) -> None:
    session = opened()

    class Slow(library.BaseTransport):  # type: ignore[name-defined, misc]
        def handle_request(self, request: Any) -> Any:
            assert request.method == "POST"
            raise library.ReadTimeout("slow", request=request)

    with hooked(library, session), library.Client(transport=Slow()) as client:
        with pytest.raises(library.ReadTimeout, match="slow"):
            client.post(URL, json=asking("one"))
    assert (seen(session).status, seen(session).ended, seen(session).error) == (0, Ended.TIMEOUT, "ReadTimeout")


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, then raises what is given, and knows whether it was closed."""

    def __init__(self, *pieces: bytes, error: BaseException | None = None) -> None:
        self.pieces, self.error, self.closed, self.read = pieces, error, 0, 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.read += 1
            yield piece
        if self.error is not None:
            raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Giving(httpx.BaseTransport, httpx.AsyncBaseTransport):
    def __init__(self, body: Pieces, status: int = 200, headers: Any = STREAM_HEADERS) -> None:
        self.body, self.status, self.headers = body, status, headers

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert request.method == "POST"
        return httpx.Response(self.status, headers=list(self.headers), stream=self.body)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


EVENTS = (b"event: message_start\ndata: {}\n\n", b"event: ping\ndata: {}\n\n", b"event: message_stop\ndata: {}\n\n")


def test_a_client_that_stops_early_is_closed_where_it_stopped() -> None:
    session, body = opened(), Pieces(*EVENTS)
    with hooked(httpx, session), httpx.Client(transport=Giving(body)) as client:
        with client.stream("POST", URL, json=asking("one")) as response:
            next(response.iter_raw())
    assert (seen(session).body, seen(session).ended) == (EVENTS[0], Ended.CLOSED)
    assert (body.closed, body.read) == (1, 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("of the application")])
def test_whatever_interrupts_a_stream_arrives_as_it_is_and_nothing_more_is_read(error: BaseException) -> None:
    session, body = opened(), Pieces(*EVENTS[:1], error=error)
    with hooked(httpx, session), httpx.Client(transport=Giving(body)) as client:
        with pytest.raises(type(error)) as caught, client.stream("POST", URL, json=asking("one")) as response:
            response.read()
    assert caught.value is error
    assert (seen(session).body, seen(session).ended, body.closed) == (EVENTS[0], Ended.CANCELLED, 1)


def test_a_cancelled_stream_is_closed_and_known_as_cancelled() -> None:
    session, body = opened(), Pieces(*EVENTS)

    async def read() -> None:
        async with httpx.AsyncClient(transport=Giving(body)) as client:
            async with client.stream("POST", URL, json=asking("one")) as response:
                async for _ in response.aiter_raw():
                    asyncio.current_task().cancel()  # type: ignore[union-attr]
                    await asyncio.sleep(0)

    with hooked(httpx, session), pytest.raises(asyncio.CancelledError):
        asyncio.run(read())
    assert (seen(session).ended, body.closed) == (Ended.CANCELLED, 1)


def test_a_closed_stream_closed_again_has_one_verdict() -> None:
    session, body = opened(), Pieces(*EVENTS)
    with hooked(httpx, session), httpx.Client(transport=Giving(body)) as client:
        response = client.send(client.build_request("POST", URL, json=asking("one")), stream=True)
        response.read()
        response.stream.close()  # type: ignore[union-attr]
        response.stream.close()  # type: ignore[union-attr]
    assert (seen(session).ended, len(session.finish().recorded)) == (Ended.COMPLETE, 1)


@pytest.mark.parametrize(
    ("pieces", "status", "kept", "ended"),
    [
        ((b"{", b"}"), 529, b"{}", Ended.COMPLETE),
        ((b"x" * 70_000, b"more"), 529, b"x" * 70_000, Ended.CLOSED),
        ((b"{", b"}"), 200, b"", Ended.CLOSED),
    ],
)
def test_a_small_error_body_is_read_for_a_client_that_closes_it_unread(
    pieces: tuple[bytes, ...], status: int, kept: bytes, ended: Ended
) -> None:
    for is_async in (False, True):
        session, body = opened(), Pieces(*pieces)

        async def leave(body: Pieces = body) -> None:
            async with httpx.AsyncClient(transport=Giving(body, status, JSON_HEADERS)) as client:
                async with client.stream("POST", URL, json=asking("one")):
                    pass

        with hooked(httpx, session):
            if is_async:
                asyncio.run(leave())
            else:
                with httpx.Client(transport=Giving(body, status, JSON_HEADERS)) as client:
                    with client.stream("POST", URL, json=asking("one")):
                        pass
        assert (seen(session).body, seen(session).ended, body.closed) == (kept, ended, 1)


def test_an_error_body_that_breaks_while_it_is_drained_is_no_business_of_the_client() -> None:
    error = httpx.ReadError("gone")
    for is_async in (False, True):
        session, body = opened(), Pieces(b"{", error=error)

        async def leave(body: Pieces = body) -> None:
            async with httpx.AsyncClient(transport=Giving(body, 529)) as client:
                async with client.stream("POST", URL, json=asking("one")):
                    pass

        with hooked(httpx, session):
            if is_async:
                asyncio.run(leave())
            else:
                with httpx.Client(transport=Giving(body, 529)) as client, client.stream("POST", URL, json=asking("a")):
                    pass
        assert (seen(session).body, seen(session).ended, seen(session).error) == (b"{", Ended.DROPPED, "ReadError")


def test_nothing_is_drained_on_the_way_out() -> None:
    session, body = opened(), Pieces(b"{", b"}")
    with hooked(httpx, session), httpx.Client(transport=Giving(body, 529)) as client:
        with pytest.raises(KeyboardInterrupt), client.stream("POST", URL, json=asking("one")):
            raise KeyboardInterrupt
    assert (body.read, seen(session).ended) == (0, Ended.CANCELLED)


def test_bytes_that_cannot_be_decoded_raise_in_the_client_and_keep_what_could() -> None:
    session = opened()
    headers = (*JSON_HEADERS, ("content-encoding", "gzip"))
    with hooked(httpx, session), httpx.Client(transport=Giving(Pieces(b"no gzip"), headers=headers)) as client:
        with pytest.raises(httpx.DecodingError):
            client.post(URL, json=asking("one"))
    assert seen(session).body == b""


def test_what_a_decoder_holds_back_is_kept_too() -> None:
    session = opened()
    packed = gzip.compress(dump(message("x")))
    headers = (*JSON_HEADERS, ("content-encoding", "gzip"))
    with (
        hooked(httpx, session),
        httpx.Client(transport=Giving(Pieces(packed[:9], packed[9:]), headers=headers)) as client,
    ):
        read = client.post(URL, json=asking("one")).content
    assert seen(session).body == read == dump(message("x"))


@LIBRARIES
def test_what_a_transport_has_read_itself_is_kept_whole(library: ModuleType) -> None:
    packed = gzip.compress(dump(message("x")))

    def read(_: object) -> Any:
        return library.Response(200, content=packed, headers={"content-encoding": "gzip"})

    def unread(_: object) -> Any:
        response = library.Response(200, content=iter([b"{}"]))
        response.close()
        return response

    async def ask(client: Any) -> bytes:
        content: bytes = (await client.post(URL, json=asking("one"))).content
        return content

    for is_async in (False, True):
        session = opened(hosts=["api.anthropic.com"])
        with hooked(library, session):
            if is_async:
                content = asyncio.run(ask(library.AsyncClient(transport=library.MockTransport(read))))
            else:
                content = library.Client(transport=library.MockTransport(read)).post(URL, json=asking("one")).content
        assert content == seen(session).body == dump(message("x"))
        assert seen(session).ended is Ended.COMPLETE
    session = opened(hosts=["api.anthropic.com"])
    with hooked(library, session), library.Client(transport=library.MockTransport(unread)) as client:
        with pytest.raises(library.StreamError):
            client.post(URL, json=asking("one"))
    assert (seen(session).body, seen(session).ended) == (b"", Ended.CLOSED)


def test_a_response_that_the_collector_takes_is_recorded_without_a_lock() -> None:
    session, body = opened(), Pieces(*EVENTS)
    with hooked(httpx, session):
        client = httpx.Client(transport=Giving(body))
        response = client.send(client.build_request("POST", URL, json=asking("one")), stream=True)
        reading = response.iter_raw()
        next(reading)
        with session._lock:
            del response, reading
            gc.collect()
    assert (seen(session).body, seen(session).ended) == (EVENTS[0], Ended.CLOSED)


def test_an_async_generator_that_is_left_is_finished_by_its_loop() -> None:
    session, body = opened(), Pieces(*EVENTS)

    async def leave() -> None:
        async with httpx.AsyncClient(transport=Giving(body)) as client:
            response = await client.send(client.build_request("POST", URL, json=asking("one")), stream=True)
            async for _ in response.aiter_raw():
                break
            await response.aclose()

    with hooked(httpx, session):
        asyncio.run(leave())
    assert (seen(session).body, seen(session).ended, body.closed) == (EVENTS[0], Ended.CLOSED, 1)


def test_a_stream_that_is_open_at_the_end_is_closed_and_named() -> None:
    session, body = opened(), Pieces(*EVENTS)
    with hooked(httpx, session):
        client = httpx.Client(transport=Giving(body))
        response = client.send(client.build_request("POST", URL, json=asking("one")), stream=True)
        reading = response.iter_raw()
        next(reading)
        outcome = session.finish()
    assert (outcome.still_open, body.closed) == (session.calls, 1)
    assert (seen(session).body, seen(session).ended) == (EVENTS[0], Ended.CLOSED)


def test_an_async_stream_that_is_open_at_the_end_is_closed_when_its_loop_runs_again() -> None:
    session, body = opened(), Pieces(*EVENTS)
    loop = asyncio.new_event_loop()

    async def begin() -> httpx.Response:
        client = httpx.AsyncClient(transport=Giving(body))
        return await client.send(client.build_request("POST", URL, json=asking("one")), stream=True)

    with hooked(httpx, session):
        response = loop.run_until_complete(begin())
        assert session.finish().still_open == session.calls
        assert body.closed == 0
        loop.run_until_complete(asyncio.sleep(0.01))
    assert (response.is_closed, body.closed, seen(session).ended) == (True, 1, Ended.CLOSED)
    loop.close()


def test_a_stream_whose_loop_is_gone_or_that_breaks_while_it_is_closed_is_left() -> None:
    session, body = opened(), Pieces(*EVENTS)

    async def begin() -> httpx.Response:
        client = httpx.AsyncClient(transport=Giving(body))
        return await client.send(client.build_request("POST", URL, json=asking("one")), stream=True)

    with hooked(httpx, session):
        response = asyncio.run(begin())
        assert session.finish().still_open == session.calls
    assert (response.is_closed, body.closed) == (False, 0)


def test_trio_streams_too() -> None:
    pytest.importorskip("trio")
    session = one(streamed(), pace="recorded")
    body = Pieces(*EVENTS)
    live = opened()

    async def both() -> bytes:
        with hooked(httpx, session):
            async with httpx.AsyncClient() as client:
                read = (await client.post(URL, content=request("one").body)).content
        with hooked(httpx, live):
            async with httpx.AsyncClient(transport=Giving(body)) as client:
                await client.send(client.build_request("POST", URL, json=asking("one")), stream=True)
        return read

    assert anyio.run(both, backend="trio") == streamed().body
    assert live.finish().still_open == live.calls


def test_two_threads_that_read_two_streams_get_their_own(server: Server) -> None:
    session = opened()
    read: dict[str, bytes] = {}

    def ask(client: httpx.Client, text: str) -> None:
        with client.stream("POST", server.messages, json=asking(text, stream=True)) as response:
            read[text] = response.read()

    with hooked(httpx, session), httpx.Client() as client:
        threads = [threading.Thread(target=ask, args=(client, f"text {n}")) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    by_text = {call.body["messages"][0]["content"]: call.response for call in session.calls}
    assert {text: response.body for text, response in by_text.items() if response} == read


# What passes


@LIBRARIES
def test_an_in_process_transport_is_the_application_and_not_the_network(library: ModuleType) -> None:
    testclient = pytest.importorskip("starlette.testclient")
    app: Any = lambda *_: None  # noqa: E731 - never called
    mine = type("Mine", (library.MockTransport,), {})
    inner = [library.ASGITransport(app=app), library.WSGITransport(app=app), mine(app)]
    with hooked(library, opened()):
        for transport_of_app in inner:
            client = library.Client(transport=transport_of_app)
            assert client._transport_for_url(library.URL(URL)) is transport_of_app
    with hooked(testclient.httpx, opened()):
        client = testclient.TestClient(app)
        assert type(client._transport_for_url(testclient.httpx.URL(URL))).__name__ == "_TestClientTransport"


def test_what_is_not_ours_passes_untouched() -> None:
    session, body = opened(), Pieces(b"{}")
    other = Giving(body)
    with hooked(httpx, session), httpx.Client(transport=other) as client:
        assert client._transport_for_url(httpx.URL("https://elsewhere.example/")) is other
        in_process = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(204)))
        assert in_process.post(URL).status_code == 204
        asgi = httpx.ASGITransport(app=lambda *_: None)  # type: ignore[arg-type]
        assert httpx.AsyncClient(transport=asgi)._transport_for_url(httpx.URL(URL)) is asgi
    assert session.calls == ()
    with hooked(httpx, None), httpx.Client(transport=other) as client:
        assert client._transport_for_url(httpx.URL(URL)) is other


def test_a_host_that_is_named_is_ours_in_process_too() -> None:
    session = opened(hosts=["testserver"])
    mock = httpx.MockTransport(lambda _: httpx.Response(200, json=message("x")))
    with hooked(httpx, session), httpx.Client(transport=mock) as client:
        client.post("http://testserver/anything", json={})
    assert len(session.calls) == 1


CLOUD = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude/invoke"


def test_a_clouds_form_is_refused_where_nothing_may_go_out_and_noted_elsewhere() -> None:
    closed, live = opened(record="none"), opened(record="live")

    async def invoke() -> int:
        async with httpx.AsyncClient(transport=Giving(Pieces(b"{}"))) as client:
            return (await client.post(CLOUD)).status_code

    with hooked(httpx, closed), httpx.Client(transport=Giving(Pieces(b"{}"))) as client:
        with pytest.raises(Refused, match=r"httpx call to https://bedrock.* cannot be recorded") as caught:
            client.post(CLOUD)
    assert isinstance(caught.value.error, NotRecordableError)
    with hooked(httpx, live), httpx.Client(transport=Giving(Pieces(b"{}"))) as client:
        assert client.post(CLOUD).status_code == 200
        assert asyncio.run(invoke()) == 200
    assert [error.library for error in errors_of(live)] == ["httpx", "httpx"]


def test_what_the_block_sends_is_known_as_ours() -> None:
    assert is_ours() is False
    with sending():
        assert is_ours() is True
    assert is_ours() is False


# Replaying


@LIBRARIES
@pytest.mark.parametrize("chunking", ["event", "whole", "split", "bytes:3"])
def test_replay_gives_the_same_bytes_however_they_are_cut(library: ModuleType, chunking: str) -> None:
    with hooked(library, one(streamed("grüße"), chunking=chunking)):
        response = post(library)
        assert (response.content, response.status_code, response.reason_phrase) == (streamed("grüße").body, 200, "OK")


@LIBRARIES
@pytest.mark.parametrize(
    ("ended", "error", "raised"),
    [
        (Ended.DROPPED, "ReadError", "ReadError"),
        (Ended.DROPPED, "RemoteProtocolError", "RemoteProtocolError"),
        (Ended.TIMEOUT, "ReadTimeout", "ReadTimeout"),
        (Ended.TIMEOUT, "NoSuchClass", "ReadTimeout"),
        (Ended.DROPPED, "Client", "RemoteProtocolError"),
        (Ended.DROPPED, None, "RemoteProtocolError"),
    ],
)
def test_replay_breaks_off_as_the_recording_did(
    library: ModuleType, ended: Ended, error: str | None, raised: str
) -> None:
    for response in (streamed(ended=ended, events=3, error=error), Response(0, ended=ended, error=error)):
        with hooked(library, one(response)), pytest.raises(library.TransportError) as caught:
            post(library)
        assert type(caught.value) is getattr(library, raised)


def test_reading_further_than_a_closed_recording_is_an_error_that_says_so() -> None:
    session = one(streamed(ended=Ended.CLOSED, events=2), chunking="event")

    async def read() -> None:
        async with httpx.AsyncClient() as client:
            await client.post(URL, content=request("one").body)

    with hooked(httpx, session), httpx.Client() as client:
        with client.stream("POST", URL, content=request("one").body) as response:
            reading = response.iter_raw()
            assert next(reading).startswith(b"event: message_start")
            next(reading)
            with pytest.raises(Refused, match="read further than its recording goes") as caught:
                next(reading)
        assert isinstance(caught.value.error, StreamClosedError)
    with hooked(httpx, one(streamed(ended=Ended.CLOSED, events=2))), pytest.raises(Refused):
        asyncio.run(read())


@pytest.mark.parametrize("wait", [("retry-after", "60"), ("retry-after-ms", "60000")])
def test_nobody_waits_on_replay_and_what_was_asked_stays_visible(wait: tuple[str, str]) -> None:
    session = one(Response(529, "", (*JSON_HEADERS, ("x-should-retry", "true"), wait), b"{}"))
    with hooked(httpx, session):
        headers = post(httpx).headers
    assert (headers["retry-after-ms"], "retry-after" in headers, headers["x-should-retry"]) == ("1", False, "true")
    assert session.calls[0].retry_after == 60


def test_an_answer_that_asked_for_no_wait_gets_none() -> None:
    assert without_waiting(JSON_HEADERS) == list(JSON_HEADERS)


def test_the_pace_is_kept_sync_and_async() -> None:
    response = Response(200, "OK", STREAM_HEADERS, b"".join(EVENTS), (Chunk(0, len(EVENTS[0])), Chunk(60, 999)))

    async def read() -> bytes:
        async with httpx.AsyncClient() as client:
            return (await client.post(URL, content=request("one").body)).content

    for ask in (lambda: post(httpx).content, lambda: asyncio.run(read())):
        with hooked(httpx, one(response, pace="recorded")):
            begun = time.perf_counter()
            assert ask() == b"".join(EVENTS)
            assert time.perf_counter() - begun >= 0.06


def test_a_refusal_is_raised_and_remembered() -> None:
    session = opened(state=State.WHOLE)
    with hooked(httpx, session), pytest.raises(Refused, match="No recorded interaction"):
        post(httpx)
    assert len(session.verdict.problems) == 1


def test_no_key_rides_along_with_a_refusal() -> None:
    key = "sk-ant-" + "api03-" + "k" * 80
    session = opened(interaction("two"))
    with hooked(httpx, session), httpx.Client() as client:
        with pytest.raises(Refused) as caught:
            client.post(f"{URL}?token={key}", json=asking(f"my key is {key}"), headers={"x-api-key": key})
    assert key not in str(caught.value) + repr(caught.value) + repr(vars(caught.value.error)) + repr(session.calls)


def test_an_interaction_of_another_library_replays_here(server: Server) -> None:
    session = opened()
    with hooked(httpx2, session), httpx2.Client() as client:
        client.post(server.messages, json=asking("hello", stream=True))
    (kept,) = session.finish().recorded
    again = opened(Interaction(kept.request, (kept.response, Recording())))
    with hooked(httpx, again), httpx.Client() as client:
        read = client.post(server.messages, json=asking("hello", stream=True)).content
    assert read == kept.response.body
    assert json.loads(answer().body)["type"] == "message"
