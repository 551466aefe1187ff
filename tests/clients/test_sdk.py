"""The official SDK, whichever generation is installed, and the HTTP library below it: recorded live, replayed alike.

One file for three environments, since the generations cannot share one: `make matrix` runs it in each.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import threading
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from pytest_messages import Refused, sandbox, use_cassette

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_messages.sandbox import Sandbox

    Talk = Callable[[Sandbox], Any]

GENERATION = int(anthropic.__version__.split(".")[0])
LIBRARY: Any = importlib.import_module("httpx2" if GENERATION >= 1 else "httpx")

pytestmark = pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")

# As many applications do it: made when the module is imported, long before any cassette opens.
KEY = "sk-ant-" + "api03-" + "i" * 80
AT_IMPORT = anthropic.Anthropic(api_key=KEY, base_url="http://127.0.0.1:9", max_retries=0)
AT_IMPORT_ASYNC = anthropic.AsyncAnthropic(
    # No connection may outlive the event loop that made it.
    api_key=KEY,
    base_url="http://127.0.0.1:9",
    max_retries=0,
    default_headers={"connection": "close"},
)
AT_IMPORT_PLAIN = LIBRARY.Client()

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def question(text: str = "Say hello.", **more: Any) -> dict[str, Any]:
    return {"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": text}], **more}


def client_of(server: Sandbox, **options: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=server.key, base_url=server.url, max_retries=0, **options)


def async_client_of(server: Sandbox, **options: Any) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(api_key=server.key, base_url=server.url, max_retries=0, **options)


# Ways to talk


def sync_json(server: Sandbox) -> Any:
    with client_of(server) as client:
        return client.messages.create(**question()).to_dict()


def sync_stream(server: Sandbox) -> Any:
    with client_of(server) as client, client.messages.stream(**question()) as stream:
        events = [event.to_dict() for event in stream]
        return events, stream.get_final_message().to_dict()


def sync_raw_stream(server: Sandbox) -> Any:
    with client_of(server) as client:
        return [event.to_dict() for event in client.messages.create(**question(), stream=True)]


def async_json(server: Sandbox) -> Any:
    async def talk() -> Any:
        async with async_client_of(server) as client:
            return (await client.messages.create(**question())).to_dict()

    return asyncio.run(talk())


def async_stream(server: Sandbox) -> Any:
    async def talk() -> Any:
        async with async_client_of(server) as client, client.messages.stream(**question()) as stream:
            events = [event.to_dict() async for event in stream]
            return events, (await stream.get_final_message()).to_dict()

    return asyncio.run(talk())


def tool_loop(server: Sandbox) -> Any:
    with client_of(server) as client:
        turns: list[Any] = [{"role": "user", "content": "What is the weather in Ghent?"}]
        asked = client.messages.create(**question() | {"messages": turns, "tools": [WEATHER]})
        use = next(block for block in asked.content if block.type == "tool_use")
        turns.append({"role": "assistant", "content": [block.to_dict() for block in asked.content]})
        result = {"type": "tool_result", "tool_use_id": use.id, "content": "rain"}
        turns.append({"role": "user", "content": [result]})
        answer = client.messages.create(**question() | {"messages": turns, "tools": [WEATHER]})
        return asked.to_dict(), answer.to_dict()


def counting(server: Sandbox) -> Any:
    with client_of(server) as client:
        asked = question()
        del asked["max_tokens"]
        return client.messages.count_tokens(**asked).to_dict()


def refused_by_the_api(server: Sandbox) -> Any:
    with client_of(server) as client, pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(**question("sandbox: error 529"))
    return caught.value.status_code, caught.value.body


def unread_errors_before_retries(server: Sandbox) -> Any:
    with client_of(server) as client:
        patient = client.with_options(max_retries=2)
        with patient.messages.stream(**question("sandbox: flaky 2")) as stream:
            return stream.get_final_message().to_dict()


def error_in_the_stream(server: Sandbox) -> Any:
    with client_of(server) as client, pytest.raises(anthropic.APIStatusError) as caught:
        with client.messages.stream(**question("sandbox: error 529 midstream")) as stream:
            stream.until_done()
    return caught.value.body


def dropped_stream(server: Sandbox) -> Any:
    seen: list[str] = []
    with client_of(server) as client, pytest.raises(LIBRARY.TransportError) as caught:
        with client.messages.stream(**question("sandbox: drop after 4 events")) as stream:
            seen.extend(event.type for event in stream)
    return seen, type(caught.value).__name__


def closed_early(server: Sandbox) -> Any:
    seen = []
    with client_of(server) as client, client.messages.stream(**question()) as stream:
        for event in stream:
            seen.append(event.type)
            if len(seen) == 3:
                break
    return seen


def timed_out(server: Sandbox) -> Any:
    with (
        client_of(server, timeout=0.3) as client,
        pytest.raises((LIBRARY.ReadTimeout, anthropic.APITimeoutError)) as caught,
    ):
        with client.messages.stream(**question("sandbox: stall after 3 events")) as stream:
            stream.until_done()
    return type(caught.value).__name__


def custom_transport(server: Sandbox) -> Any:
    class Mine(LIBRARY.BaseTransport):  # type: ignore[misc]
        def __init__(self) -> None:
            self.inner = LIBRARY.HTTPTransport()

        def handle_request(self, request: Any) -> Any:
            return self.inner.handle_request(request)

        def close(self) -> None:
            self.inner.close()

    with client_of(server, http_client=LIBRARY.Client(transport=Mine())) as client:
        return client.messages.create(**question()).to_dict()


def mounted_transport(server: Sandbox) -> Any:
    http = LIBRARY.Client(mounts={"http://127.0.0.1": LIBRARY.HTTPTransport(retries=1)})
    with client_of(server, http_client=http) as client:
        return client.messages.create(**question()).to_dict()


def made_at_import(server: Sandbox) -> Any:
    client = AT_IMPORT.with_options(base_url=server.url, api_key=server.key)
    return client.messages.create(**question()).to_dict()


def made_at_import_async(server: Sandbox) -> Any:
    async def talk() -> Any:
        client = AT_IMPORT_ASYNC.with_options(base_url=server.url, api_key=server.key)
        return (await client.messages.create(**question())).to_dict()

    return asyncio.run(talk())


def headers_of(server: Sandbox) -> dict[str, str]:
    return {"x-api-key": server.key, "anthropic-version": "2023-06-01"}


def plain_json(server: Sandbox) -> Any:
    answer = AT_IMPORT_PLAIN.post(f"{server.url}/v1/messages", json=question(), headers=headers_of(server))
    return answer.status_code, answer.content


def plain_stream(server: Sandbox) -> Any:
    asked = question(stream=True)
    with AT_IMPORT_PLAIN.stream("POST", f"{server.url}/v1/messages", json=asked, headers=headers_of(server)) as answer:
        return b"".join(answer.iter_raw())


def plain_async_stream(server: Sandbox) -> Any:
    async def talk() -> bytes:
        asked = question(stream=True)
        url = f"{server.url}/v1/messages"
        async with (
            LIBRARY.AsyncClient() as client,
            client.stream("POST", url, json=asked, headers=headers_of(server)) as answer,
        ):
            return b"".join([data async for data in answer.aiter_bytes()])

    return asyncio.run(talk())


def plain_gzip(server: Sandbox) -> Any:
    answer = AT_IMPORT_PLAIN.post(
        f"{server.url}/v1/messages", json=question("sandbox: gzip say hello"), headers=headers_of(server)
    )
    return answer.json()


def from_threads(server: Sandbox) -> Any:
    answers: dict[int, Any] = {}

    def ask(n: int) -> None:
        with client_of(server) as client:
            answers[n] = client.messages.create(**question(f"sandbox: say number {n}")).to_dict()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers.items())


def from_gather(server: Sandbox) -> Any:
    async def talk() -> Any:
        async with async_client_of(server) as client:

            async def ask(n: int) -> Any:
                return (await client.messages.create(**question(f"sandbox: say number {n}"))).to_dict()

            return await asyncio.gather(*map(ask, range(8)))

    return asyncio.run(talk())


WAYS: dict[str, Talk] = {
    each.__name__: each
    for each in (
        sync_json,
        sync_stream,
        sync_raw_stream,
        async_json,
        async_stream,
        tool_loop,
        counting,
        refused_by_the_api,
        unread_errors_before_retries,
        error_in_the_stream,
        dropped_stream,
        closed_early,
        timed_out,
        custom_transport,
        mounted_transport,
        made_at_import,
        made_at_import_async,
        plain_json,
        plain_stream,
        plain_async_stream,
        plain_gzip,
        from_threads,
        from_gather,
    )
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_recorded_is_what_is_replayed(way: str, tmp_path: Path) -> None:
    talk, tape = WAYS[way], tmp_path / "tape.yaml"
    with sandbox.serve() as server:
        alone = talk(server)
        with use_cassette(tape, record="once", conformance="fail") as recording:
            live = talk(server)
        sent = len(server.requests)
    with use_cassette(tape, record="none", conformance="fail") as replaying:
        again = talk(server)
    assert again == live
    assert _timeless(live) == _timeless(alone)
    assert len(server.requests) == sent
    assert [call.replayed for call in recording.calls] == [False] * len(recording.calls)
    assert sorted((call.request.body, call.replayed) for call in replaying.calls) == sorted(
        (call.request.body, True) for call in recording.calls
    )
    assert KEY not in tape.read_text()
    assert server.key not in tape.read_text()


def _timeless(said: Any) -> Any:
    return json.loads(json.dumps(said, default=str))


def test_a_stream_is_live_while_it_is_recorded(tmp_path: Path) -> None:
    """The server sends three events and then nothing: whoever waits for the end of the stream sees none of them."""
    with sandbox.serve() as server, use_cassette(tmp_path / "tape.yaml", record="once") as session:
        seen: list[str] = []
        with client_of(server) as client, client.messages.stream(**question("sandbox: stall after 4 events")) as stream:
            for event in stream:
                seen.append(event.type)
                if event.type == "content_block_delta":
                    break
        assert seen[0] == "message_start"
        assert seen[-1] == "content_block_delta"
    assert [call.ended for call in session.calls] == ["closed"]


def test_an_async_stream_is_live_while_it_is_recorded(tmp_path: Path) -> None:
    async def talk(server: Sandbox) -> list[str]:
        seen: list[str] = []
        async with async_client_of(server) as client:
            async with client.messages.stream(**question("sandbox: stall after 4 events")) as stream:
                async for event in stream:
                    seen.append(event.type)
                    if event.type == "content_block_delta":
                        return seen
        return seen

    with sandbox.serve() as server, use_cassette(tmp_path / "tape.yaml", record="once") as session:
        assert asyncio.run(talk(server))[-1] == "content_block_delta"
    assert [call.ended for call in session.calls] == ["closed"]


def test_a_refusal_comes_through_the_sdk_at_once(tmp_path: Path) -> None:
    with sandbox.serve() as server:
        with use_cassette(tmp_path / "tape.yaml", record="once"):
            sync_json(server)
        with (
            use_cassette(tmp_path / "tape.yaml", record="none", unplayed="ignore") as session,
            client_of(server).with_options(max_retries=9) as client,
            pytest.raises(Refused, match="No recorded interaction"),
        ):
            client.messages.create(**question("Something else."))
    assert session.tally.refused == 1


def test_replay_does_not_wait_when_it_was_told_to(tmp_path: Path) -> None:
    asked = question("sandbox: flaky 2")
    with sandbox.serve() as server:
        with use_cassette(tmp_path / "tape.yaml", record="once"), client_of(server) as client:
            client.with_options(max_retries=2).messages.create(**asked)
        with use_cassette(tmp_path / "tape.yaml", record="none") as session, client_of(server) as client:
            client.with_options(max_retries=2).messages.create(**asked)
    assert [call.response.status for call in session.calls if call.response] == [529, 529, 200]


@pytest.mark.skipif(GENERATION < 1, reason="anthropic 0.x has no aiohttp transport for this Python's httpx")
def test_the_sdk_over_aiohttp_is_one_interaction(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="the SDK's aiohttp client needs aiohttp")
    try:
        make = anthropic.DefaultAioHttpClient
        make()
    except (AttributeError, RuntimeError) as error:
        pytest.skip(f"the SDK's aiohttp client is not installed: {error}")

    async def talk(server: Sandbox) -> Any:
        async with (
            async_client_of(server, http_client=make()) as client,
            client.messages.stream(**question()) as stream,
        ):
            return (await stream.get_final_message()).to_dict()

    with sandbox.serve() as server, use_cassette(tmp_path / "tape.yaml", record="once") as session:
        live = asyncio.run(talk(server))
    assert len(session.calls) == 1
    with use_cassette(tmp_path / "tape.yaml", record="none"):
        assert asyncio.run(talk(server)) == live


def test_the_generation_is_the_one_that_was_asked_for() -> None:
    wanted = os.environ.get("PYTEST_MESSAGES_SDK")
    if wanted is None:
        pytest.skip("only the matrix asks for a generation; run `make matrix`")
    assert str(GENERATION) == wanted
