"""The sandbox through the official SDK and over plain HTTP: answers, streams, tools, thinking, and every handle."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anthropic
import httpx
import pytest
from jsonschema import Draft202012Validator

from pytest_messages import sandbox
from pytest_messages.api import sse
from pytest_messages.errors import SettingsError
from pytest_messages.providers import ANTHROPIC, PROVIDERS, parse_declared, request_headers
from pytest_messages.sandbox import HANDLES, Sandbox, serve
from pytest_messages.sandbox.answers import tokens
from pytest_messages.wire import header

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = ANTHROPIC.model
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
    },
}
CLOCK: dict[str, Any] = {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Sandbox) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key=server.key, max_retries=0) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def http(server: Sandbox) -> Iterator[httpx.Client]:
    headers = dict(request_headers(ANTHROPIC, server.environ))
    with httpx.Client(base_url=server.url, headers=headers, timeout=5) as plain:
        yield plain


@pytest.fixture(scope="module")
def plain() -> Iterator[httpx.Client]:
    """A client that says nothing of its own, for servers of their own."""
    with httpx.Client() as client:
        yield client


def asked(text: str, **changes: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": text}]} | changes


def reply(http: httpx.Client, text: str, **changes: Any) -> Any:
    return http.post("/v1/messages", json=asked(text, **changes)).json()


def body(http: httpx.Client, text: str, **changes: Any) -> bytes:
    return http.post("/v1/messages", json=asked(text, stream=True, **changes)).content


def events(http: httpx.Client, text: str, **changes: Any) -> list[dict[str, Any]]:
    return [json.loads(event.data) for event in sse.decode(body(http, text, **changes))]


def said(message: Any) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


# --- through the official SDK -----------------------------------------------------------------------------------------


def test_the_sdk_reads_an_answer(client: anthropic.Anthropic) -> None:
    message = client.messages.create(**asked("Hello, Claude"))
    assert message.content[0].to_dict() == {"type": "text", "text": "Hello! How can I help you today?"}
    assert (message.stop_reason, message.model, message.usage.output_tokens) == ("end_turn", MODEL, 9)


def test_the_sdk_reads_the_same_answer_as_a_stream(client: anthropic.Anthropic) -> None:
    streamed = []
    with client.messages.stream(**asked("What is the meaning of life?")) as stream:
        streamed += list(stream.text_stream)
        final = stream.get_final_message()
    whole = client.messages.create(**asked("What is the meaning of life?"))
    assert len(streamed) > 3
    assert "".join(streamed).startswith(("Here is", "A good", "“What", "You asked"))
    assert (final.stop_reason, final.role) == (whole.stop_reason, whole.role)


def test_the_async_sdk_reads_answers_and_streams(server: Sandbox) -> None:
    async def both() -> tuple[str, str]:
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key=server.key) as sdk:
            message = await sdk.messages.create(**asked("2 + 3?"))
            async with sdk.messages.stream(**asked("6 * 7?")) as stream:
                final = await stream.get_final_text()
            return message.content[0].to_dict()["text"], final

    assert asyncio.run(both()) == ("2 + 3 = 5", "6 * 7 = 42")


@pytest.mark.parametrize("streamed", [False, True])
def test_the_sdk_goes_round_the_tool_loop(client: anthropic.Anthropic, streamed: bool) -> None:
    question = {"role": "user", "content": "What is the weather in Paris?"}
    first = _turn(client, [question], streamed=streamed)
    call = first.content[-1]
    assert (first.stop_reason, call.type, call.name) == ("tool_use", "tool_use", "get_weather")
    assert call.input == {"city": "Paris", "unit": "celsius"}
    said_before = {"role": "assistant", "content": [block.to_dict() for block in first.content]}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "12 degrees"}]}
    second = _turn(client, [question, said_before, {"role": "user", "content": [result]}], streamed=streamed)
    assert (second.content[0].text, second.stop_reason) == ("The tool answered: 12 degrees.", "end_turn")


def _turn(client: anthropic.Anthropic, messages: list[Any], *, streamed: bool) -> Any:
    choices: dict[str, Any] = {"model": MODEL, "max_tokens": 200, "tools": [WEATHER], "messages": messages}
    if not streamed:
        return client.messages.create(**choices)
    with client.messages.stream(**choices) as stream:
        return stream.get_final_message()


def test_the_sdk_counts_tokens(client: anthropic.Anthropic) -> None:
    question: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
    few = client.messages.count_tokens(**question)
    more = client.messages.count_tokens(**question | {"system": "Be brief.", "tools": [WEATHER]})
    assert (few.input_tokens, more.input_tokens) == (4, 27)


def test_the_sdk_lists_models(client: anthropic.Anthropic) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]


def test_the_sdk_retries_what_is_flaky(server: Sandbox) -> None:
    with anthropic.Anthropic(base_url=server.url, api_key=server.key, max_retries=1) as sdk:
        before = len(server.requests)
        assert sdk.messages.create(**asked("sandbox: flaky 1; say done")).content[0].to_dict()["text"] == "done"
    assert len(server.requests) - before == 2


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (409, anthropic.ConflictError),
        (413, anthropic.RequestTooLargeError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.OverloadedError),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_the_sdk_raises_what_the_handle_asks_for(
    client: anthropic.Anthropic, status: int, raised: type[anthropic.APIStatusError], streamed: bool
) -> None:
    with pytest.raises(raised) as caught:
        client.messages.create(**asked(f"sandbox: error {status}"), stream=streamed)
    assert (caught.value.status_code, caught.value.body["error"]["type"]) == (  # type: ignore[index]  # JSON
        status,
        ANTHROPIC.types_of(status)[0],
    )
    assert caught.value.request_id == caught.value.response.headers["request-id"]


def test_the_sdk_raises_an_error_in_the_middle_of_a_stream(client: anthropic.Anthropic) -> None:
    seen: list[str] = []
    with (
        pytest.raises(anthropic.APIStatusError) as caught,
        client.messages.stream(**asked("sandbox: error 529 midstream after 4 events")) as stream,
    ):
        seen.extend(event.type for event in stream if event.type != "text")
    assert seen == ["message_start", "content_block_start", "content_block_delta"]
    assert caught.value.body == {
        "type": "error",
        "error": {"details": None, "type": "overloaded_error", "message": "The sandbox was asked for status 529."},
    }


@pytest.mark.parametrize("name", ["shinzo", "shuyou"])
def test_the_sdk_speaks_to_the_gateways(server: Sandbox, name: str) -> None:
    provider = PROVIDERS[name]
    # The model of Shinzo's page is one that the SDK warns about.
    model = MODEL if name == "shinzo" else provider.model
    with anthropic.Anthropic(
        base_url=server.url_for(name),
        auth_token=server.key_for(name),
        default_headers={"anthropic-version": provider.version},
    ) as sdk:
        assert sdk.messages.create(**asked("1 + 1", model=model)).content[0].to_dict()["text"] == "1 + 1 = 2"
        with sdk.messages.stream(**asked("1 + 2", model=model)) as stream:
            assert stream.get_final_text() == "1 + 2 = 3"


def test_an_sdk_of_the_new_version_is_told_that_shuyou_does_not_take_it(server: Sandbox) -> None:
    with (
        anthropic.Anthropic(base_url=server.url_for("shuyou"), api_key=server.key_for("shuyou")) as sdk,
        pytest.raises(anthropic.BadRequestError, match="anthropic-version: '2026-10-21' is not one of 2023-06-01"),
    ):
        sdk.messages.create(**asked("Hello", model="a/b"))


# --- answers ----------------------------------------------------------------------------------------------------------


def test_the_same_question_has_the_same_bytes_for_an_answer(http: httpx.Client) -> None:
    for streamed in (False, True):
        answers = {http.post("/v1/messages", json=asked("Why?", stream=streamed)).content for _ in range(3)}
        assert len(answers) == 1


def test_different_questions_have_different_ids(http: httpx.Client) -> None:
    answers = [reply(http, text) for text in ("One?", "Two?", "Three?")]
    ids = {answer["id"] for answer in answers}
    assert len(ids) == 3
    assert all(each.startswith("msg_01") and len(each) == 28 for each in ids)


@pytest.mark.parametrize(
    ("text", "answer"),
    [("Hello there", "Hello! How can I help you today?"), ("What is 12 * -3?", "12 * -3 = -36"), ("7-9", "7 - 9 = -2")],
)
def test_some_questions_have_a_plain_answer(http: httpx.Client, text: str, answer: str) -> None:
    assert said(reply(http, text)) == answer


def test_other_questions_are_named_in_the_answer(http: httpx.Client) -> None:
    assert "Why is the sky blue" in said(reply(http, "Why is the sky blue?"))
    assert "one two three four five six seven eight…" in said(
        reply(http, "one two three four five six seven eight nine")
    )
    assert "nothing in particular" in said(reply(http, "sandbox: no ping"))


def test_text_blocks_are_read_as_a_string_is(http: httpx.Client) -> None:
    blocks = [{"type": "text", "text": "sandbox: say"}, {"type": "image", "source": {"type": "url", "url": "x"}}]
    message = reply(http, "", messages=[{"role": "user", "content": [*blocks, {"type": "text", "text": "4 + 4"}]}])
    assert message["type"] == "error"
    message = reply(http, "", messages=[{"role": "user", "content": [blocks[1], {"type": "text", "text": "4 + 4"}]}])
    assert said(message) == "4 + 4 = 8"


def test_a_conversation_without_a_user_is_answered(http: httpx.Client) -> None:
    # Models of that age still take a turn of the assistant at the end.
    message = reply(http, "", messages=[{"role": "assistant", "content": "Well:"}], model="claude-sonnet-4-5")
    assert "nothing in particular" in said(message)


def test_a_lone_surrogate_and_odd_characters_come_back(http: httpx.Client) -> None:
    text = "sandbox: say \ud800 \u2028 \u0085 😀 é"
    raw = json.dumps(asked(text)).encode()
    assert json.loads(http.post("/v1/messages", content=raw).content)["content"][0]["text"] == text[13:]
    raw = json.dumps(asked(text, stream=True)).encode()
    content = http.post("/v1/messages", content=raw).content
    pieces = [json.loads(event.data).get("delta", {}).get("text", "") for event in sse.decode(content)]
    assert "".join(pieces) == text[13:]


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 7])
@pytest.mark.parametrize("text", ["sandbox: say one two three four five six seven eight", "sandbox: think"])
def test_max_tokens_cuts_and_is_spent(http: httpx.Client, limit: int, text: str) -> None:
    message = reply(http, text, max_tokens=limit)
    shown = "".join(block.get("text") or block["thinking"] for block in message["content"])
    assert (message["stop_reason"], message["usage"]["output_tokens"], len(tokens(shown))) == (
        "max_tokens",
        limit,
        limit,
    )


def test_a_tool_call_that_does_not_fit_is_left_out(http: httpx.Client) -> None:
    message = reply(http, "Weather?", tools=[WEATHER], tool_choice={"type": "any"}, max_tokens=3)
    assert (message["content"], message["stop_reason"], message["usage"]["output_tokens"]) == ([], "max_tokens", 3)


def test_max_tokens_0_warms_up(http: httpx.Client) -> None:
    message = reply(http, "Hello", max_tokens=0)
    assert (message["content"], message["stop_reason"], message["usage"]["output_tokens"]) == ([], "max_tokens", 0)


@pytest.mark.parametrize(
    "change",
    [
        {"stream": True},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"output_config": {"format": {"type": "json_schema", "schema": {}}}},
        {"tools": [CLOCK], "tool_choice": {"type": "any"}},
    ],
)
def test_max_tokens_0_goes_without_the_rest(http: httpx.Client, change: dict[str, Any]) -> None:
    assert http.post("/v1/messages", json=asked("Hello", max_tokens=0, **change)).status_code == 400


@pytest.mark.parametrize("streamed", [False, True])
def test_the_earliest_stop_sequence_ends_the_text(http: httpx.Client, streamed: bool) -> None:
    choices: dict[str, Any] = {"stop_sequences": ["STOP", "two", ""]}
    if streamed:
        seen = events(http, "sandbox: say one two STOP", **choices)
        delta = seen[-2]["delta"]
        text = "".join(each["delta"].get("text", "") for each in seen if each["type"] == "content_block_delta")
    else:
        delta = message = reply(http, "sandbox: say one two STOP", **choices)
        text = said(message)
    assert (text, delta["stop_reason"], delta["stop_sequence"]) == ("one ", "stop_sequence", "two")


def test_a_stop_sequence_at_the_start_leaves_nothing(http: httpx.Client) -> None:
    message = reply(http, "sandbox: say STOP", stop_sequences=["STOP"])
    assert (message["content"], message["stop_sequence"]) == ([], "STOP")


# --- tools ------------------------------------------------------------------------------------------------------------


def calls(message: Any) -> list[str]:
    return [block["name"] for block in message["content"] if block["type"] == "tool_use"]


@pytest.mark.parametrize(
    ("text", "choices", "expected"),
    [
        ("Weather?", {}, ["get_weather"]),
        ("Use get_time", {}, ["get_time"]),
        ("Weather?", {"tool_choice": {"type": "none"}}, []),
        ("Weather?", {"tool_choice": {"type": "tool", "name": "get_time"}}, ["get_time"]),
        ("sandbox: calls 2", {}, ["get_weather", "get_time"]),
        ("sandbox: calls 3", {}, ["get_weather", "get_time", "get_weather"]),
        ("sandbox: calls 2", {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, ["get_weather"]),
        ("sandbox: calls 0", {}, []),
        ("sandbox: calls 0", {"tool_choice": {"type": "any"}}, ["get_weather"]),
        ("sandbox: say no", {}, []),
        ("Weather?", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, []),
        ("Look", {"tools": [{"type": "bash_20250124", "name": "bash"}]}, ["bash"]),
        ("Look", {"tools": [{"type": "computer_toolset_20260801"}]}, []),
    ],
)
def test_tools_are_called_as_the_request_says(
    http: httpx.Client, text: str, choices: dict[str, Any], expected: list[str]
) -> None:
    message = reply(http, text, **{"tools": [WEATHER, CLOCK], **choices})
    assert calls(message) == expected
    assert message["stop_reason"] == ("tool_use" if expected else "end_turn")
    ids = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("kind", "name", "made"),
    [
        ("bash_20250124", "bash", {"command": "ls"}),
        ("text_editor_20250728", "str_replace_based_edit_tool", {"command": "view", "path": "/example.txt"}),
        ("memory_20250818", "memory", {"command": "view", "path": "/memories"}),
        ("computer_20251124", "computer", {"action": "screenshot"}),
    ],
)
def test_the_apis_own_client_tools_are_called_too(http: httpx.Client, kind: str, name: str, made: Any) -> None:
    tool = {"type": kind, "name": name}
    screen = {"display_width_px": 1, "display_height_px": 1} if name == "computer" else {}
    message = reply(http, "Look", tools=[tool | screen])
    assert (message["content"][-1]["name"], message["content"][-1]["input"]) == (name, made)


def test_a_forced_call_comes_without_a_word(http: httpx.Client) -> None:
    forced = reply(http, "Weather?", tools=[WEATHER], tool_choice={"type": "any"})
    free = reply(http, "Weather?", tools=[WEATHER])
    assert [len(message["content"]) for message in (forced, free)] == [1, 2]


def test_a_streamed_input_is_its_pieces_put_together(http: httpx.Client) -> None:
    seen = events(http, "Weather in Oslo?", tools=[WEATHER])
    pieces = [each["delta"].get("partial_json") for each in seen if each["type"] == "content_block_delta"]
    text = "".join(piece for piece in pieces if piece is not None)
    assert json.loads(text) == {"city": "Oslo", "unit": "celsius"}
    assert "" in pieces


def test_an_empty_input_is_streamed_as_nothing(http: httpx.Client) -> None:
    seen = events(http, "Use it", tools=[CLOCK], tool_choice={"type": "any"})
    assert [each["delta"] for each in seen if each["type"] == "content_block_delta"] == [
        {"type": "input_json_delta", "partial_json": ""}
    ]


def test_an_input_is_an_object_even_where_its_schema_is_broken(http: httpx.Client) -> None:
    tool = {"name": "t", "input_schema": {"type": "object", "$ref": "#/$defs/missing"}}
    assert reply(http, "Go", tools=[tool])["content"][-1]["input"] == {}


@pytest.mark.parametrize("name", ["output_config", "output_format"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_structured_answer_obeys_its_schema(http: httpx.Client, name: str, streamed: bool) -> None:
    schema = {**WEATHER["input_schema"], "additionalProperties": False}
    form = {"type": "json_schema", "schema": schema}
    choices = {name: {"format": form} if name == "output_config" else form, "tools": [CLOCK]}
    if streamed:
        seen = events(http, "Weather in Rome?", **choices)
        text = "".join(each["delta"]["text"] for each in seen if each["type"] == "content_block_delta")
    else:
        text = said(reply(http, "Weather in Rome?", **choices))
    Draft202012Validator(schema).validate(json.loads(text))
    assert json.loads(text)["city"] == "Rome"


# --- thinking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "thinking", "kinds"),
    [
        ("Why?", {"type": "enabled", "budget_tokens": 1024}, ["thinking", "text"]),
        ("Why?", {"type": "adaptive"}, ["thinking", "text"]),
        ("Why?", {"type": "disabled"}, ["text"]),
        ("Why?", {"type": "between_tools"}, ["text"]),
        ("sandbox: think", None, ["thinking", "text"]),
        ("sandbox: redacted thinking", {"type": "adaptive"}, ["redacted_thinking", "text"]),
        ("sandbox: redacted thinking; think", None, ["redacted_thinking", "thinking", "text"]),
        ("sandbox: think; say x", None, ["thinking", "text"]),
    ],
)
def test_thinking_comes_first_where_it_is_on(
    http: httpx.Client, text: str, thinking: dict[str, Any] | None, kinds: list[str]
) -> None:
    choices = {"max_tokens": 2000} | ({"thinking": thinking} if thinking else {})
    message = reply(http, text, **choices)
    assert [block["type"] for block in message["content"]] == kinds
    counted = message["usage"].get("output_tokens_details", {"thinking_tokens": 0})["thinking_tokens"]
    assert (counted > 0) is (len(kinds) > 1)


def test_thinking_between_tools_follows_a_result(http: httpx.Client) -> None:
    use = {"type": "tool_use", "id": "toolu_x", "name": "get_time", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_x"}
    turns = [("user", "Go"), ("assistant", [use]), ("user", [result])]
    messages = [{"role": role, "content": content} for role, content in turns]
    message = reply(http, "", messages=messages, tools=[CLOCK], thinking={"type": "between_tools"})
    assert [block["type"] for block in message["content"]] == ["thinking", "text"]
    assert said(message) == "The tool answered: nothing."


def test_a_signature_is_deterministic_and_streamed_last(http: httpx.Client) -> None:
    first, second = (events(http, "sandbox: think") for _ in range(2))
    assert first == second
    deltas = [each["delta"]["type"] for each in first if each["type"] == "content_block_delta" and each["index"] == 0]
    assert (deltas[0], deltas[-1], deltas.count("signature_delta")) == ("thinking_delta", "signature_delta", 1)


def test_thinking_that_is_not_displayed_has_a_signature_only(http: httpx.Client) -> None:
    seen = events(http, "Why?", thinking={"type": "adaptive", "display": "omitted"})
    deltas = [each["delta"] for each in seen if each["type"] == "content_block_delta" and each["index"] == 0]
    assert [delta["type"] for delta in deltas] == ["signature_delta"]
    assert reply(http, "Why?", thinking={"type": "adaptive", "display": "omitted"})["content"][0]["thinking"] == ""


# --- the other handles ------------------------------------------------------------------------------------------------


def test_a_stop_reason_can_be_asked_for(http: httpx.Client) -> None:
    refused = reply(http, "sandbox: stop refusal")
    assert (refused["stop_reason"], refused["stop_details"]["type"]) == ("refusal", "refusal")
    assert "stop_details" not in reply(http, "sandbox: stop pause_turn")
    assert events(http, "sandbox: stop refusal")[-2]["delta"]["stop_details"]["category"] == "general_harms"
    assert reply(http, "sandbox: stop something_new")["stop_reason"] == "something_new"


def test_an_empty_answer(http: httpx.Client) -> None:
    assert reply(http, "sandbox: empty")["content"] == []
    assert [each["type"] for each in events(http, "sandbox: empty")] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]


@pytest.mark.parametrize("text", ["sandbox: leak", "sandbox: leak; error 401"])
def test_the_key_can_leak(http: httpx.Client, server: Sandbox, text: str) -> None:
    assert server.key in http.post("/v1/messages", json=asked(text)).text


def test_bodies_can_be_compressed(http: httpx.Client) -> None:
    plain = http.post("/v1/messages", json=asked("sandbox: gzip"))
    assert plain.headers["content-encoding"] == "gzip"
    assert plain.json()["type"] == "message"
    with http.stream("POST", "/v1/messages", json=asked("sandbox: gzip", stream=True)) as response:
        raw = b"".join(response.iter_raw())
    assert sse.decode(gzip.decompress(raw))[-1].name == "message_stop"


def test_every_event_of_a_stream_is_a_chunk(http: httpx.Client) -> None:
    for text in ("Hello", "sandbox: gzip"):
        with http.stream("POST", "/v1/messages", json=asked(text, stream=True)) as response:
            assert response.headers["transfer-encoding"] == "chunked"
            chunks = list(response.iter_bytes())
        assert [len(sse.decode(chunk)) for chunk in chunks if chunk] == [1] * len(sse.decode(b"".join(chunks)))


def test_line_ends_padding_and_names_can_be_odd(http: httpx.Client) -> None:
    crlf = body(http, "sandbox: crlf")
    assert crlf.count(b"\r\n") == crlf.count(b"\n")
    assert [each.name for each in sse.decode(crlf)][-1] == "message_stop"
    padded = sse.decode(body(http, "sandbox: padding"))
    assert all(json.loads(each.data) for each in padded)
    assert any(each.data.endswith("  }") for each in padded)
    assert {each.name for each in sse.decode(body(http, "sandbox: unnamed events"))} == {None}
    doubled = sse.decode(body(http, "sandbox: double encoded"))
    assert json.loads(json.loads(doubled[0].data))["type"] == "message_start"


def test_streams_can_end_oddly_and_hold_the_unknown(http: httpx.Client) -> None:
    assert body(http, "sandbox: done tail").endswith(b"event: data\ndata: [DONE]\n\n")
    assert events(http, "sandbox: no message_stop")[-1]["type"] == "message_delta"
    assert "sandbox_event" in [each["type"] for each in events(http, "sandbox: unknown event")]
    assert "ping" in [each["type"] for each in events(http, "Hello")]
    assert "ping" not in [each["type"] for each in events(http, "sandbox: no ping")]


def test_a_comment_can_stand_before_every_event(http: httpx.Client) -> None:
    blocks = sse.blocks(body(http, "sandbox: keep-alive"))
    comments = [comment for block in blocks for comment in block.comments]
    assert len(comments) == len([block for block in blocks if block.dispatched])
    assert set(comments) == {"keep-alive"}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("handle", "raised"), [("drop", httpx.RemoteProtocolError), ("reset", httpx.ReadError)])
def test_a_connection_can_break(
    http: httpx.Client, streamed: bool, handle: str, raised: type[httpx.TransportError]
) -> None:
    received: list[bytes] = []
    with (
        pytest.raises(raised),
        http.stream(
            "POST", "/v1/messages", json=asked(f"sandbox: {handle} after 2 events", stream=streamed)
        ) as response,
    ):
        received.extend(each for each in response.iter_bytes() if each)
    assert [len(sse.decode(each)) for each in received] == ([1, 1] if streamed else [0])


def test_a_connection_can_break_before_the_first_event(http: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        body(http, "sandbox: drop after 0 events")


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_can_stall(http: httpx.Client, streamed: bool) -> None:
    received: list[bytes] = []
    with (
        pytest.raises(httpx.ReadTimeout),
        http.stream(
            "POST", "/v1/messages", json=asked("sandbox: stall after 2 events", stream=streamed), timeout=0.2
        ) as response,
    ):
        received.extend(each for each in response.iter_bytes() if each)
    assert len(received) == (2 if streamed else 0)


def test_answers_can_be_slow(http: httpx.Client) -> None:
    started = time.perf_counter()
    count = len(events(http, "sandbox: slow 10ms; say a b c"))
    assert time.perf_counter() - started >= count * 0.01
    started = time.perf_counter()
    reply(http, "sandbox: slow 30ms; wait 30ms")
    assert time.perf_counter() - started >= 0.06


def test_the_first_event_of_a_slow_stream_does_not_wait_for_the_last(http: httpx.Client) -> None:
    arrivals = []
    started = time.perf_counter()
    with http.stream("POST", "/v1/messages", json=asked("sandbox: slow 30ms; say a b c", stream=True)) as response:
        for _ in response.iter_bytes():
            arrivals.append(time.perf_counter() - started)  # noqa: PERF401 - times are taken as the chunks come
    assert arrivals[0] < arrivals[-1] / 2


def test_a_silent_stream_is_kept_alive_in_the_dialects_own_words() -> None:
    with serve(keep_alive=0.05) as server, httpx.Client() as http:
        headers = dict(request_headers(PROVIDERS["shuyou"], server.environ_for("shuyou")))
        url = f"{server.url_for('shuyou')}/v1/messages"
        waiting = asked("sandbox: wait 180ms", model="a/b", stream=True)
        blocks = sse.blocks(http.post(url, headers=headers, json=waiting).content)
        assert [block.comments for block in blocks][:3] == [("ShuYou PROCESSING",)] * 3
        stalled = asked("sandbox: stall after 1 event", model="a/b", stream=True)
        with http.stream("POST", url, headers=headers, json=stalled) as response:
            chunks = response.iter_bytes()
            next(chunks)
            assert [next(chunks) for _ in range(2)] == [b": ShuYou PROCESSING\n\n"] * 2


def test_a_flaky_answer_fails_as_often_as_asked_and_then_again(
    http: httpx.Client, plain: httpx.Client, server: Sandbox
) -> None:
    statuses = [http.post("/v1/messages", json=asked("sandbox: flaky 2")).status_code for _ in range(5)]
    assert statuses == [529, 529, 200, 529, 529]
    headers = dict(request_headers(PROVIDERS["shuyou"], server.environ_for("shuyou")))
    url = f"{server.url_for('shuyou')}/v1/messages"
    answers = [plain.post(url, headers=headers, json=asked("sandbox: flaky 1", model="a/b")) for _ in range(2)]
    assert [each.status_code for each in answers] == [500, 200]


def test_a_handle_that_is_none_is_a_bad_request(http: httpx.Client) -> None:
    response = http.post("/v1/messages", json=asked("sandbox: eror 529"))
    assert response.status_code == 400
    assert "there is no handle 'eror 529'" in response.json()["error"]["message"]


# --- requests that are refused ----------------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": None}, "max_tokens: "),
    ({"nonsense": 1}, "nonsense: "),
    ({"messages": []}, "messages: "),
    ({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}, "messages[1]: "),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role: "),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "messages[0].content[0].text: "),
    ({"tools": [{"name": "x"}]}, "tools[0].input_schema: "),
    ({"tools": [CLOCK, CLOCK]}, "tools[1].name: "),
    ({"tool_choice": {"type": "any"}}, "tool_choice: "),
    ({"thinking": {"type": "enabled", "budget_tokens": 1}}, "thinking.budget_tokens: "),
]


@pytest.mark.parametrize(("change", "says"), WRONG, ids=[json.dumps(change) for change, _ in WRONG])
def test_a_request_of_a_wrong_shape_is_refused_by_name(http: httpx.Client, change: dict[str, Any], says: str) -> None:
    response = http.post("/v1/messages", json=asked("Hello", **change))
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert response.json()["error"]["message"].startswith(says)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(http: httpx.Client, raw: bytes) -> None:
    response = http.post("/v1/messages", content=raw)
    assert (response.status_code, response.json()["type"]) == (400, "error")


def test_a_count_needs_no_max_tokens_and_obeys_handles(http: httpx.Client) -> None:
    plain = {"model": MODEL, "messages": [{"role": "user", "content": "sandbox: error 529"}]}
    assert http.post("/v1/messages/count_tokens", json=plain).status_code == 529


def test_nulls_that_are_allowed_are_taken(http: httpx.Client) -> None:
    assert reply(http, "Hello", cache_control=None, container=None)["type"] == "message"


# --- the server -------------------------------------------------------------------------------------------------------


def test_the_door_says_what_is_here(http: httpx.Client) -> None:
    assert http.get("/").json() == {
        "sandbox": "pytest-messages",
        "dialects": {
            "anthropic": "/",
            "shinzo": "/spotlight/anthropic",
            "shuyou": "/shuyou",
            "compatible": "/compatible",
        },
        "handles": "/sandbox/handles",
    }
    assert http.head("/").status_code == 200
    listed = http.get("/sandbox/handles").json()
    assert [each["handle"] for each in listed] == [f"sandbox: {handle.form}" for handle in HANDLES]


def test_requests_are_seen_as_they_came(http: httpx.Client, server: Sandbox) -> None:
    http.post("/v1/messages", json=asked("Look at me"), headers={"x-mine": "1"})
    seen = server.requests[-1]
    assert (seen.method, seen.url) == ("POST", f"{server.url}/v1/messages")
    assert header(seen.headers, "x-mine") == "1"
    assert json.loads(seen.body) == asked("Look at me")


@pytest.mark.parametrize("name", ["anthropic", "shinzo", "shuyou", "compatible", "openrouter"])
def test_any_provider_can_stand_at_the_root(plain: httpx.Client, name: str) -> None:
    with serve(provider=name) as server:
        provider = PROVIDERS[name]
        environ = server.environ
        headers = dict(request_headers(provider, environ))
        url = environ[provider.base_url_env] + provider.messages
        response = plain.post(url, headers=headers, json=asked("3 + 3", model=provider.model))
        assert (response.status_code, said(response.json())) == (200, "3 + 3 = 6")


def test_every_dialect_has_a_path_of_its_own_whatever_stands_at_the_root() -> None:
    with serve(provider="shuyou") as server:
        assert [server.url_for(name).removeprefix(server.url) for name in ("shuyou", "anthropic", "shinzo")] == [
            *("", "/anthropic", "/spotlight/anthropic"),
        ]


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_built_in_provider_is_spoken_at_its_path(plain: httpx.Client, server: Sandbox, name: str) -> None:
    provider, environ = PROVIDERS[name], server.environ_for(name)
    url = environ[provider.base_url_env] + provider.messages
    response = plain.post(
        url, headers=dict(request_headers(provider, environ)), json=asked("4 + 3", model=provider.model)
    )
    assert (response.status_code, said(response.json())) == (200, "4 + 3 = 7")


def test_a_declared_gateway_can_be_spoken_and_anything_goes_without_a_key(plain: httpx.Client) -> None:
    declared = parse_declared("[mine]\nkey_env = []\nheaders = { x-team = 'a' }", origin="g.toml")["mine"]
    with serve(provider=declared) as server:
        response = plain.post(f"{server.url}/v1/messages", json=asked("1+1", model="any"))
        assert said(response.json()) == "1 + 1 = 2"


def test_a_declared_gateway_fails_and_streams_as_it_is_declared(plain: httpx.Client) -> None:
    text = """
        [mine]
        key_env = []
        error.envelope = ["detail"]
        error.type = "detail.kind"
        error.message = "detail.text"
        error.code = "detail.no"
        error.request_id = ""
        statuses = { 429 = "slow_down" }
        habits = { error_event = false, done_tail = true, pings = false }
    """
    with serve(provider=parse_declared(text, origin="g.toml")["mine"]) as server:
        url = f"{server.url}/v1/messages"
        failed = plain.post(url, json=asked("sandbox: error 429", model="any")).json()
        said_so = "The sandbox was asked for status 429."
        assert failed == {"detail": {"no": "429", "kind": "slow_down", "text": said_so}}
        content = plain.post(url, json=asked("Hi", model="any", stream=True)).content
        assert [each.data for each in sse.decode(content)][-1] == "[DONE]"
        with pytest.raises(httpx.RemoteProtocolError):
            plain.post(url, json=asked("sandbox: error 529 midstream", model="any", stream=True))


def test_further_keys_are_accepted_where_they_are_named(plain: httpx.Client) -> None:
    with serve(keys=("mine-and-mine-only",)) as server:
        answers = [
            plain.post(
                f"{server.url}/v1/messages",
                headers={"x-api-key": key, "anthropic-version": "2023-06-01"},
                json=asked("Hi"),
            )
            for key in ("mine-and-mine-only", server.key, "other")
        ]
        assert [each.status_code for each in answers] == [200, 200, 401]


def test_unknown_names_and_taken_ports_are_settings_errors() -> None:
    with (
        pytest.raises(SettingsError, match="there is no provider 'antropic'; did you mean 'anthropic'"),
        serve(provider="antropic"),
    ):
        pass
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"the sandbox cannot listen on 127.0.0.1:{port}: "), serve(port=port):
            pass


def test_it_starts_and_stops_at_once_and_leaves_nothing_behind(plain: httpx.Client) -> None:
    before = threading.active_count()
    started = time.perf_counter()
    for _ in range(5):
        with serve() as server:
            assert plain.get(server.url).status_code == 200
    assert time.perf_counter() - started < 2.5
    assert threading.active_count() == before


def test_it_stops_although_a_client_waits_for_ever() -> None:
    with httpx.Client(timeout=5) as http:
        with serve() as server:
            headers = dict(request_headers(ANTHROPIC, server.environ))
            stalled = asked("sandbox: stall after 1 event", stream=True)
            request = http.build_request("POST", f"{server.url}/v1/messages", headers=headers, json=stalled)
            response = http.send(request, stream=True)
        with pytest.raises(httpx.TransportError):
            response.read()
        response.close()


def test_a_client_that_goes_away_costs_nothing(server: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    headers = dict(request_headers(ANTHROPIC, server.environ))
    for text in ("sandbox: slow 50ms", "sandbox: stall after 1 event", "sandbox: wait 5s"):
        with httpx.Client(timeout=0.2) as impatient, suppress(httpx.ReadTimeout):
            request = impatient.build_request("POST", f"{server.url}/v1/messages", headers=headers, json=asked(text))
            impatient.send(request, stream=True).close()
    assert caplog.records == []


def test_it_runs_until_it_is_interrupted(plain: httpx.Client) -> None:
    seen = []

    def ready(server: Sandbox) -> None:
        seen.append(plain.get(server.url).status_code)
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()

    sandbox.run(ready, provider="shuyou")
    assert seen == [200]


@pytest.mark.parametrize("library", ["starlette", "uvicorn"])
def test_without_its_extra_the_sandbox_says_what_to_install(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SettingsError) as caught:
        sandbox.serve()
    assert str(caught.value) == f"the sandbox needs {library}: pip install 'pytest-messages[sandbox]'"


def test_a_name_that_the_package_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        sandbox.nonsense  # noqa: B018 - the access is the test
