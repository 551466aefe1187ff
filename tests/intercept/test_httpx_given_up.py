"""A caller that gives up waiting has, on replay, to give up again: nothing more comes, however the answer is paced."""

from __future__ import annotations

import asyncio
import functools
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import anthropic
import anyio
import httpx
import httpx2
import pytest
from loopback import asking, serving
from sessions import STREAM_HEADERS, URL, again, hooked, interaction, opened, request, streamed

from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.errors import Refused, StreamClosedError
from pytest_messages.intercept.common import silence
from pytest_messages.wire import Chunk, Ended, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import ModuleType

    from loopback import Server

    from pytest_messages.session.session import Session

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
SHORT = 0.25
"""Seconds after which the callers here give up."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def ended(session: Session) -> list[Ended | None]:
    return [call.ended for call in session.calls]


async def asyncio_timeout(work: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(SHORT):
        await work()


async def wait_for(work: Callable[[], Awaitable[Any]]) -> None:
    await asyncio.wait_for(work(), SHORT)


async def task_cancel(work: Callable[[], Awaitable[Any]]) -> None:
    async def named() -> None:
        await work()

    task = asyncio.create_task(named())
    await asyncio.sleep(SHORT)
    task.cancel()
    await task


async def fail_after(work: Callable[[], Awaitable[Any]]) -> None:
    with anyio.fail_after(SHORT):
        await work()


async def task_group(work: Callable[[], Awaitable[Any]]) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(work)  # type: ignore[arg-type]  # an async function, whose awaitable is a coroutine
        await anyio.sleep(SHORT)
        group.cancel_scope.cancel()
    raise TimeoutError


async def trio_fail_after(work: Callable[[], Awaitable[Any]]) -> None:
    trio = pytest.importorskip("trio")
    with trio.fail_after(SHORT):
        await work()


WAYS = [
    pytest.param(how, backend, id=f"{how.__name__}-{backend}")
    for how, backend in [
        (asyncio_timeout, "asyncio"),
        (wait_for, "asyncio"),
        (task_cancel, "asyncio"),
        (fail_after, "asyncio"),
        (fail_after, "trio"),
        (task_group, "trio"),
        (trio_fail_after, "trio"),
    ]
]


def giving_up(library: ModuleType, url: str, body: dict[str, Any], how: Any, backend: str) -> tuple[str, bytes]:
    """Read an answer until the caller gives up; return how it was told, and what it had until then."""
    read: list[bytes] = []

    async def work() -> None:
        async with library.AsyncClient() as client, client.stream("POST", url, json=body) as response:
            async for piece in response.aiter_bytes():
                read.append(piece)  # noqa: PERF401 - what came before the end counts

    try:
        anyio.run(how, work, backend=backend)
    except BaseException as error:  # noqa: BLE001 - the very thing that is compared
        return type(error).__name__, b"".join(read)
    return "", b"".join(read)


@LIBRARIES
@pytest.mark.parametrize(("how", "backend"), WAYS)
@pytest.mark.parametrize(
    "body", [asking("stall", stream=True), asking("stall"), asking("silent")], ids=["stream", "json", "no-answer"]
)
def test_who_gives_up_while_recording_gives_up_alike_on_replay(
    library: ModuleType, server: Server, how: Any, backend: str, body: dict[str, Any]
) -> None:
    live, _ = giving_up(library, server.messages, body, how, backend)
    recording = opened()
    with hooked(library, recording):
        told = giving_up(library, server.messages, body, how, backend)
    assert told[0] == live
    assert ended(recording) == [Ended.CANCELLED]
    for pace in ("instant", "recorded", "0.5") if how in {asyncio_timeout, trio_fail_after} else ("instant",):
        replaying = again(recording, pace=pace)
        with hooked(library, replaying):
            outcome, had = giving_up(library, server.messages, body, how, backend)
        assert outcome == live
        # A busy machine may be late with what a pace asks for, and the deadline does not wait for it.
        assert had == told[1] if pace == "instant" else told[1].startswith(had)
        assert not replaying.verdict.problems


def request_of_sdk(text: str) -> Any:
    return {**asking(text), "model": "claude-opus-5"}


@pytest.mark.parametrize("text", ["stall", "silent"])
def test_the_official_client_gives_up_alike_on_replay(server: Server, text: str) -> None:
    library = next(kind for kind in (httpx, httpx2) if issubclass(anthropic.DefaultAsyncHttpxClient, kind.AsyncClient))

    async def events(client: anthropic.AsyncAnthropic, names: list[str]) -> None:
        async with asyncio.timeout(SHORT * 2), client.messages.stream(**request_of_sdk(text)) as stream:
            async for event in stream:
                names.append(event.type)  # noqa: PERF401 - what came before the end counts

    async def ask() -> list[str]:
        names: list[str] = []
        async with anthropic.AsyncAnthropic(api_key="test", base_url=server.url) as client:
            with pytest.raises(TimeoutError):
                await events(client, names)
        return names

    recording = opened()
    with hooked(library, recording):
        names = asyncio.run(ask())
    assert ended(recording) == [Ended.CANCELLED]
    replaying = again(recording)
    with hooked(library, replaying):
        assert asyncio.run(ask()) == names
    assert not replaying.verdict.problems


@pytest.mark.parametrize("text", ["stall", "silent"])
def test_the_official_clients_own_deadline_is_a_timeout_and_replays_at_once(server: Server, text: str) -> None:
    library = next(kind for kind in (httpx, httpx2) if issubclass(anthropic.DefaultHttpxClient, kind.Client))

    def ask() -> None:
        client = anthropic.Anthropic(api_key="test", base_url=server.url, timeout=SHORT, max_retries=1)
        with client, pytest.raises((anthropic.APITimeoutError, library.ReadTimeout)):
            with client.messages.stream(**request_of_sdk(text)) as stream:
                stream.get_final_message()

    recording = opened()
    with hooked(library, recording):
        ask()
    assert set(ended(recording)) == {Ended.TIMEOUT}
    replaying = again(recording)
    with hooked(library, replaying):
        ask()
    assert len(replaying.calls) == len(recording.calls)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="a deadline by signal needs one")
@pytest.mark.parametrize("text", ["stall", "silent"])
def test_a_deadline_by_signal_ends_the_wait_of_a_sync_client(server: Server, text: str) -> None:
    class TooLate(Exception):  # noqa: N818 - as an application names it
        pass

    def give_up(*_: object) -> None:
        raise TooLate

    def ask() -> None:
        before = signal.signal(signal.SIGALRM, give_up)
        try:
            with httpx.Client() as client:
                signal.setitimer(signal.ITIMER_REAL, SHORT)
                with pytest.raises(TooLate):
                    client.post(server.messages, json=asking(text))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    recording = opened()
    with hooked(httpx, recording):
        ask()
    assert ended(recording) == [Ended.CANCELLED]
    replaying = again(recording)
    with hooked(httpx, replaying):
        ask()
    assert not replaying.verdict.problems


def test_when_the_caller_gave_up_is_in_the_file_and_is_how_long_it_took(server: Server) -> None:
    recording = opened()
    with hooked(httpx, recording):
        giving_up(httpx, server.messages, asking("silent"), wait_for, "asyncio")
    (kept,) = again(recording).recorded
    assert (kept.response.status, kept.response.ended, kept.response.error) == (0, Ended.CANCELLED, None)
    assert [chunk.end for chunk in kept.response.chunks] == [0]
    assert 0 < kept.response.chunks[0].ms <= 60_000


def test_a_deadline_over_several_calls_has_its_whole_time_on_replay() -> None:
    took = Response(200, "OK", STREAM_HEADERS, streamed().body, (Chunk(40_000, len(streamed().body)),))
    given_up = Response(0, chunks=(Chunk(2_000, 0),), ended=Ended.CANCELLED)
    session = opened(interaction("one", took), interaction("two", given_up))
    for text in ("one", "two"):
        session.decide(request(text))
    assert session.patience >= 42


def test_behind_the_wait_stands_an_error_by_name() -> None:
    session = opened(interaction("one", Response(0, ended=Ended.CANCELLED, chunks=(Chunk(500, 0),))))
    session.decide(request("one"))
    naps: list[float] = []
    with pytest.raises(Refused, match="waits longer than its recording goes") as caught:
        naps.extend(silence(session, "POST", URL))
    assert isinstance(caught.value.error, StreamClosedError)
    assert caught.value.error.waited == session.patience == pytest.approx(sum(naps), abs=0.1)


def test_a_call_without_an_answer_in_an_early_cassette_was_given_up_too(server: Server) -> None:
    early = Interaction(request("one", URL), (Response(0, ended=Ended.CLOSED), Recording()))
    work = functools.partial(ask_async, httpx.AsyncClient, URL)
    with hooked(httpx, opened(early)), pytest.raises(TimeoutError):
        asyncio.run(wait_for(work))


async def ask_async(kind: Any, url: str) -> None:
    async with kind() as client:
        await client.post(url, content=request("one").body)


def test_whoever_breaks_out_while_handling_a_timeout_has_closed_and_not_given_up(server: Server) -> None:
    session = opened()
    with hooked(httpx, session), httpx.Client() as client:
        try:
            client.post(server.messages, json=asking("silent"), timeout=SHORT)
        except httpx.ReadTimeout:
            with client.stream("POST", server.messages, json=asking("stall", stream=True)) as response:
                next(response.iter_raw())
    assert ended(session) == [Ended.TIMEOUT, Ended.CLOSED]


def test_a_stream_that_somebody_waits_for_when_the_test_ends_was_given_up(server: Server) -> None:
    async def leave(session: Session) -> None:
        async with httpx.AsyncClient() as client:

            async def read() -> None:
                async with client.stream("POST", server.messages, json=asking("stall", stream=True)) as response:
                    await response.aread()

            task = asyncio.create_task(read())
            await asyncio.sleep(SHORT)
            session.finish()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    session = opened()
    with hooked(httpx, session):
        asyncio.run(leave(session))
    assert ended(session) == [Ended.CANCELLED]


@LIBRARIES
def test_a_stream_closed_by_another_task_wakes_who_waits_for_it(library: ModuleType, server: Server) -> None:
    async def ask() -> str:
        async with library.AsyncClient() as client:
            sent = client.build_request("POST", server.messages, json=asking("stall", stream=True))
            response = await client.send(sent, stream=True)
            reading = asyncio.create_task(response.aread())
            await asyncio.sleep(SHORT)
            await response.aclose()
            ended = await asyncio.gather(reading, return_exceptions=True)
            return type(ended[0]).__name__

    live = asyncio.run(ask())
    recording = opened()
    with hooked(library, recording):
        assert asyncio.run(ask()) == live
    replaying = again(recording)
    with hooked(library, replaying):
        assert asyncio.run(ask()) == live
    assert not replaying.verdict.problems


@LIBRARIES
def test_a_stream_closed_by_another_thread_ends_on_replay(library: ModuleType) -> None:
    session = opened(interaction("one", streamed(ended=Ended.CANCELLED, events=2)))
    with hooked(library, session), library.Client() as client:
        response = client.send(client.build_request("POST", URL, content=request("one").body), stream=True)
        threading.Timer(SHORT, response.close).start()
        begun = time.perf_counter()
        with pytest.raises(library.ReadError):
            response.read()
        assert time.perf_counter() - begun < 10
    assert not session.verdict.problems
