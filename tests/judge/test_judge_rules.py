"""Every rule bites: one planted fault at least for each row of the catalogue, with its place and its level."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from prove.exchanges import Exchange, own

from pytest_messages.findings import Level
from pytest_messages.judge import CATALOGUE, check
from pytest_messages.providers import PROVIDERS
from pytest_messages.wire import Ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_messages.findings import Violation

OWN = own()
V, N, H = Level.VIOLATION, Level.NOTICE, Level.HINT


def judged(exchange: Exchange) -> tuple[Violation, ...]:
    return check(exchange.interaction, PROVIDERS[exchange.provider])


@pytest.mark.parametrize("name", OWN)
def test_the_sound_exchanges_raise_nothing_graver_than_a_hint(name: str) -> None:
    assert [violation for violation in judged(OWN[name]) if violation.level < H] == []


@dataclass(frozen=True)
class Fault:
    """A change to a sound exchange, and the finding that it must raise."""

    rule: str
    of: str
    change: Callable[[Exchange], None]
    where: str
    level: Level = V
    also: frozenset[str] = frozenset()
    """Further rules that the same change breaks as gravely."""


def put(path: str, value: Any) -> Callable[[Exchange], None]:
    """Set what stands at ``path``; a path begins with `request`, `body` or `events`, whose data it goes on into."""

    def change(exchange: Exchange) -> None:
        holder, key = _reach(exchange, path)
        holder[key] = value

    return change


def drop(path: str) -> Callable[[Exchange], None]:
    def change(exchange: Exchange) -> None:
        holder, key = _reach(exchange, path)
        del holder[key]

    return change


def _reach(exchange: Exchange, path: str) -> tuple[Any, Any]:
    root, *steps = [int(step) if step.isdigit() else step for step in path.split(".")]
    here = getattr(exchange, str(root))
    for number, step in enumerate(steps[:-1]):
        here = here[step]
        if root == "events" and number == 0:
            here = here[1]
    return here, steps[-1]


def insert(place: int, name: str | None, data: Any) -> Callable[[Exchange], None]:
    return lambda exchange: _events(exchange).insert(place, (name, data))


def remove(*places: int) -> Callable[[Exchange], None]:
    def change(exchange: Exchange) -> None:
        exchange.events = [event for n, event in enumerate(_events(exchange)) if n not in places]

    return change


def repeat(place: int) -> Callable[[Exchange], None]:
    return lambda exchange: _events(exchange).insert(place, _events(exchange)[place])


def rename(place: int, name: str | None) -> Callable[[Exchange], None]:
    def change(exchange: Exchange) -> None:
        _events(exchange)[place] = (name, _events(exchange)[place][1])

    return change


def replace_bytes(old: bytes, new: bytes) -> Callable[[Exchange], None]:
    def change(exchange: Exchange) -> None:
        assert old in exchange.wire
        exchange.raw = exchange.wire.replace(old, new, 1)

    return change


def cut(by: int) -> Callable[[Exchange], None]:
    def change(exchange: Exchange) -> None:
        exchange.raw = exchange.wire[:-by]

    return change


def having(**fields: Any) -> Callable[[Exchange], None]:
    def change(exchange: Exchange) -> None:
        for name, value in fields.items():
            setattr(exchange, name, value)

    return change


def both(*changes: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    def change(exchange: Exchange) -> None:
        for each in changes:
            each(exchange)

    return change


def _events(exchange: Exchange) -> list[tuple[str | None, Any]]:
    assert exchange.events is not None
    return exchange.events


PING = {"type": "ping"}
DELTA = "content_block_delta"
TEXT_DELTA = {"type": DELTA, "index": 0, "delta": {"type": "text_delta", "text": "x"}}
STOP = {"type": "content_block_stop", "index": 0}
TOOL_RESULT = {"type": "tool_result", "tool_use_id": "toolu_01CCbbCCddEEffGGhhIIjjKK", "content": "rain"}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": "Qk0="}}
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
CHEAP = {"type": "ephemeral"}
BATCH = {"custom_id": "a", "params": {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}}
BATCHES = {"url": "https://api.anthropic.com/v1/messages/batches", "request": {"requests": [BATCH]}}
STRICT = {"name": "t", "strict": True, "input_schema": {"type": "object", "additionalProperties": False}}
OPTIONAL = {**STRICT["input_schema"], "properties": {f"p{n}": {"type": "string"} for n in range(25)}}  # type: ignore[dict-item]  # a JSON object
PREFILL = {"role": "assistant", "content": "It is "}
USER = {"role": "user", "content": "Go on."}
UNRESOLVED: dict[str, Any] = {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {}}

FAULTS = (
    # --- framing ---
    Fault("stream.utf8", "text-stream", replace_bytes("🗼".encode(), b"\xf0\x9f"), "event 7 (content_block_delta)"),
    Fault("stream.event-name", "text-stream", rename(3, None), "event 4"),
    Fault("stream.data", "text-stream", put("events.3", (DELTA, "{")), "event 4 (content_block_delta)"),
    Fault("stream.data", "text-stream", put("events.3", (DELTA, "[]")), "event 4 (content_block_delta)"),
    Fault(
        "stream.data",
        "text-stream",
        replace_bytes(b"data: ", b"dat: "),
        "event 1 (message_start)",
        also=frozenset({"stream.message-start"}),
    ),
    Fault(
        "stream.double-encoded",
        "text-stream",
        put("events.3", (DELTA, json.dumps(json.dumps(TEXT_DELTA)))),
        "event 4 (content_block_delta)",
    ),
    Fault("stream.name-type", "text-stream", rename(3, "ping"), "event 4 (ping)"),
    Fault(
        "stream.name-type",
        "text-stream",
        put("events.3", (DELTA, {**TEXT_DELTA, "type": "text"})),
        "event 4 (content_block_delta)",
    ),
    Fault(
        "stream.name-type",
        "text-stream",
        put("events.3", (DELTA, {**TEXT_DELTA, "type": 7})),
        "event 4 (content_block_delta)",
        also=frozenset({"stream.shape"}),
    ),
    Fault("stream.line", "text-stream", replace_bytes(b"event: ping\n", b"event: ping\nnoise\n"), "event 2 (ping)", N),
    Fault("stream.done", "text-stream", insert(99, None, "[DONE]"), "event 15"),
    Fault(
        "stream.comment", "text-stream", replace_bytes(b"event: ping\n", b": alive\nevent: ping\n"), "event 2 (ping)", H
    ),
    Fault(
        "stream.comment",
        "text-stream",
        replace_bytes(b"event: message_start", b": alive\n\nevent: message_start"),
        "before the first event",
        H,
    ),
    Fault("stream.last-line", "text-stream", cut(2), "event 14 (message_stop)", H),
    Fault("stream.incomplete-event", "text-stream", cut(6), "end of the stream", also=frozenset({"stream.unfinished"})),
    # --- order ---
    Fault("stream.message-start", "text-stream", remove(0), "event 2 (content_block_start)"),
    Fault("stream.message-start", "text-stream", repeat(0), "event 2 (message_start)"),
    Fault("stream.message-start", "empty-stream", remove(0), "event 2 (message_delta)"),
    Fault(
        "stream.start-empty", "text-stream", put("events.0.message.stop_reason", "end_turn"), "event 1 (message_start)"
    ),
    Fault(
        "stream.start-empty",
        "text-stream",
        put("events.0.message.content", [{"type": "text", "text": "x"}]),
        "event 1 (message_start)",
    ),
    Fault(
        "stream.index",
        "text-stream",
        both(*(put(f"events.{n}.index", 2) for n in range(8, 12))),
        "event 9 (content_block_start)",
    ),
    Fault(
        "stream.index",
        "text-stream",
        put("events.2.index", 1),
        "event 3 (content_block_start)",
        also=frozenset({"stream.block-index"}),
    ),
    Fault(
        "stream.index",
        "text-stream",
        put("events.2.index", False),
        "event 3 (content_block_start)",
        also=frozenset({"stream.shape"}),
    ),
    Fault("stream.block-index", "text-stream", put("events.3.index", 1), "event 4 (content_block_delta)"),
    Fault("stream.block-index", "text-stream", put("events.7.index", 1), "event 8 (content_block_stop)"),
    Fault("stream.block-missing", "text-stream", insert(8, DELTA, TEXT_DELTA), "event 9 (content_block_delta)"),
    Fault("stream.block-missing", "text-stream", repeat(7), "event 9 (content_block_stop)"),
    Fault("stream.block-nested", "text-stream", remove(7), "event 8 (content_block_start)"),
    Fault(
        "stream.delta-type",
        "text-stream",
        put("events.3.delta", {"type": "thinking_delta", "thinking": "x"}),
        "event 4 (content_block_delta)",
    ),
    Fault(
        "stream.block-start-empty",
        "text-stream",
        put("events.2.content_block.text", "x"),
        "event 3 (content_block_start)",
    ),
    Fault(
        "stream.block-start-empty",
        "tool-stream",
        drop("events.12.content_block.input"),
        "event 13 (content_block_start)",
        H,
    ),
    Fault(
        "stream.whole-block",
        "tool-stream",
        insert(8, DELTA, {**TEXT_DELTA, "index": 1}),
        "event 9 (content_block_delta)",
    ),
    Fault("stream.signature", "tool-stream", remove(4), "event 5 (content_block_stop)"),
    Fault("stream.signature", "tool-stream", repeat(4), "event 6 (content_block_delta)"),
    Fault(
        "stream.signature",
        "tool-stream",
        lambda exchange: _events(exchange).insert(3, _events(exchange).pop(4)),
        "event 4 (content_block_delta)",
    ),
    Fault(
        "stream.signature",
        "tool-stream",
        both(remove(4), put("events.20.delta.stop_reason", "max_tokens")),
        "event 5 (content_block_stop)",
        H,
    ),
    Fault("stream.tool-json", "tool-stream", remove(15), "event 17 (content_block_stop)"),
    Fault("stream.block-unclosed", "text-stream", remove(11), "event 12 (message_delta)"),
    Fault(
        "stream.block-late",
        "text-stream",
        lambda exchange: _events(exchange).insert(8, _events(exchange).pop(12)),
        "event 10 (content_block_start)",
    ),
    Fault("stream.message-delta", "text-stream", remove(12), "event 13 (message_stop)"),
    Fault("stream.message-delta", "text-stream", remove(11, 12), "event 12 (message_stop)"),
    Fault("stream.message-delta-once", "text-stream", repeat(12), "event 14 (message_delta)", H),
    Fault("stream.stop-reason", "text-stream", put("events.12.delta.stop_reason", None), "event 13 (message_delta)"),
    Fault("stream.after-stop", "text-stream", repeat(13), "event 15 (message_stop)"),
    Fault("stream.after-stop", "text-stream", insert(99, "ping", PING), "event 15 (ping)", H),
    Fault(
        "stream.usage-cumulative", "text-stream", put("events.12.usage.output_tokens", 0), "event 13 (message_delta)"
    ),
    Fault(
        "stream.usage-decreased", "tool-stream", put("events.21.usage.input_tokens", 3), "event 22 (message_delta)", H
    ),
    Fault(
        "stream.usage-decreased", "refusal-stream", put("events.4.usage.output_tokens", 0), "event 5 (message_delta)", H
    ),
    Fault("stream.usage", "text-stream", drop("events.12.usage"), "event 13 (message_delta)"),
    Fault("stream.usage", "text-stream", drop("events.0.message.usage"), "event 1 (message_start) message.usage"),
    Fault(
        "stream.usage-in-delta",
        "text-stream",
        both(put("events.12.delta.usage", {"output_tokens": 9}), drop("events.12.usage")),
        "event 13 (message_delta)",
    ),
    Fault("stream.after-error", "error-stream", insert(99, "ping", PING), "event 6 (ping)"),
    Fault("stream.unfinished", "text-stream", remove(13), "end of the stream"),
    Fault("stream.unfinished", "text-stream", having(raw=b""), "end of the stream"),
    Fault("stream.cut", "text-stream", both(remove(13), having(ended=Ended.CLOSED)), "end of the stream", H),
    Fault("stream.cut", "text", having(ended=Ended.DROPPED, raw=b'{"type"'), "body", H),
    Fault("stream.ping-extra", "text-stream", put("events.1.x", 1), "event 2 (ping)", N),
    # --- shape ---
    Fault("stream.shape", "text-stream", drop("events.3.delta.text"), "event 4 (content_block_delta) delta.text"),
    Fault("stream.unknown-event", "text-stream", insert(4, "news", {"type": "news"}), "event 5 (news) type", N),
    Fault(
        "stream.unknown-delta",
        "text-stream",
        put("events.3.delta", {"type": "new_delta"}),
        "event 4 (content_block_delta) delta.type",
        N,
    ),
    Fault(
        "stream.unknown-block",
        "tool-stream",
        put("events.7.content_block.type", "new_block"),
        "event 8 (content_block_start) content_block.type",
        N,
    ),
    Fault("stream.unknown-field", "text-stream", put("events.3.new", 1), "event 4 (content_block_delta) new", N),
    Fault(
        "stream.unknown-value",
        "text-stream",
        put("events.12.delta.stop_reason", "bored"),
        "event 13 (message_delta) delta.stop_reason",
        N,
    ),
    Fault("message.json", "text", having(raw=b"<html>"), "body"),
    Fault("message.json", "text", having(raw=b"[]"), "body"),
    Fault("message.shape", "text", drop("body.role"), "role"),
    Fault("message.shape", "text", put("body.usage.input_tokens", -1), "usage.input_tokens"),
    Fault("message.unknown-block", "text", put("body.content.0.type", "new_block"), "content[0].type", N),
    Fault("message.unknown-field", "text", put("body.base_resp", {}), "base_resp", N),
    Fault("message.unknown-value", "text", put("body.stop_reason", "bored"), "stop_reason", N),
    Fault("message.id-form", "text", put("body.id", "0a1b"), "id", H),
    Fault("tokens.shape", "text", having(url="http://h/v1/messages/count_tokens", body={}), "input_tokens"),
    Fault("batch.shape", "text", having(**BATCHES, body={"type": "message_batch"}), "id"),
    Fault(
        "batch.shape",
        "text",
        having(method="GET", request=None, url="http://h/v1/messages/batches/b/results", body={"custom_id": "a"}),
        "line 1 result",
    ),
    Fault("models.shape", "text", having(method="GET", request=None, url="http://h/v1/models", body={}), "data"),
    Fault(
        "reply.unknown",
        "text",
        having(
            url="http://h/v1/messages/count_tokens",
            request={"model": "m", "messages": [USER]},
            body={"input_tokens": 3, "x": 1},
        ),
        "x",
        N,
    ),
    # --- promises ---
    Fault("message.stop-reason", "text", put("body.stop_reason", None), "stop_reason"),
    Fault("message.stop-sequence", "stop", put("body.stop_sequence", None), "stop_sequence"),
    Fault("message.stop-sequence-stray", "stop", put("body.stop_reason", "end_turn"), "stop_sequence", H),
    Fault("message.stop-sequence-asked", "stop", put("body.stop_sequence", "stop"), "stop_sequence"),
    Fault("message.stop-sequence-asked", "stop", drop("request.stop_sequences"), "stop_sequence"),
    Fault("message.tool-use-missing", "text", put("body.stop_reason", "tool_use"), "stop_reason"),
    Fault("message.tool-use-reason", "tool", put("body.stop_reason", "end_turn"), "content[0]", H),
    Fault(
        "message.stop-details",
        "search",
        put("body.stop_details", {"type": "refusal", "category": None}),
        "stop_details",
    ),
    Fault(
        "message.tool-id",
        "tool-stream",
        put("events.18.content_block.id", "toolu_01AAbbCCddEEffGGhhIIjjKK"),
        "content[4].id",
    ),
    Fault("message.tool-id-form", "tool", put("body.content.0.id", "call 7"), "content[0].id", H),
    Fault(
        "message.tool-name",
        "tool",
        both(put("body.content.0.name", "fly"), drop("request.tool_choice")),
        "content[0].name",
    ),
    Fault("message.tool-name", "tool-stream", put("events.18.content_block.name", "fly"), "content[4].name", H),
    Fault("message.tool-input", "tool", put("body.content.0.input.days", "2"), "content[0].input.days"),
    Fault(
        "message.tool-input",
        "tool-stream",
        put("events.19.delta.partial_json", '{"city": 7}'),
        "content[4].input.city",
        H,
    ),
    Fault("message.output-format", "structured", put("body.content.0.text", '{"name": "A", "kind": "car"}'), "content"),
    Fault("message.output-format", "structured", put("body.content.0.text", "Albatross"), "content"),
    Fault("message.output-tokens", "limit", put("body.usage.output_tokens", 6), "usage.output_tokens", H),
    Fault("message.max-tokens", "limit", put("body.usage.output_tokens", 4), "usage.output_tokens", H),
    Fault(
        "message.cache-creation",
        "text",
        put("body.usage.cache_creation.ephemeral_5m_input_tokens", 3),
        "usage.cache_creation",
        H,
    ),
    Fault(
        "message.tool-result", "search", put("body.content.2.tool_use_id", "srvtoolu_9"), "content[2].tool_use_id", H
    ),
    Fault("message.server-tool-open", "search", drop("body.content.2"), "content[1]", H),
    Fault("message.pause-turn", "tool", put("body.stop_reason", "pause_turn"), "content[0]"),
    Fault(
        "message.parallel-tools",
        "tool-stream",
        put("request.tool_choice", {"type": "auto", "disable_parallel_tool_use": True}),
        "content[4]",
    ),
    Fault(
        "message.tool-choice",
        "tool",
        put("body.content.0.name", "fly"),
        "content[0].name",
        also=frozenset({"message.tool-name"}),
    ),
    Fault(
        "message.tool-choice",
        "search",
        put("request.tool_choice", {"type": "tool", "name": "get_weather"}),
        "content[1].name",
    ),
    Fault("message.tool-choice", "tool", both(put("body.content", []), put("body.stop_reason", "end_turn")), "content"),
    Fault("message.tool-choice-none", "tool", put("request.tool_choice", {"type": "none"}), "content[0]"),
    Fault("message.thinking-unasked", "tool-stream", drop("request.thinking"), "content[0]", H),
    Fault("message.thinking-unasked", "tool-stream", put("request.thinking", {"type": "disabled"}), "content[0]", H),
    Fault("message.thinking-first", "text", lambda exchange: exchange.body["content"].append(THOUGHT), "content[0]", H),
    Fault("message.prewarm", "text", put("request.max_tokens", 0), "content"),
    Fault("message.prewarm", "text", both(put("request.max_tokens", 0), put("body.content", [])), "stop_reason"),
    Fault(
        "message.citation",
        "text-stream",
        put("events.9.delta.citation.end_char_index", 0),
        "content[1].citations[0].end_char_index",
    ),
    Fault(
        "message.citation",
        "text-stream",
        put("events.9.delta.citation.document_index", 1),
        "content[1].citations[0].document_index",
    ),
    Fault(
        "message.citation",
        "text-stream",
        put("events.9.delta.citation.start_char_index", -1),
        "content[1].citations[0].start_char_index",
        also=frozenset({"stream.shape"}),
    ),
    Fault(
        "message.web-searches",
        "search",
        put("body.usage.server_tool_use.web_search_requests", 2),
        "usage.server_tool_use.web_search_requests",
        H,
    ),
    Fault("message.model", "text", put("body.model", "claude-3-haiku-20240307"), "model", H),
    # --- errors ---
    Fault("error.envelope", "error", put("body.error", "wrong"), "error"),
    Fault("error.envelope", "error", drop("body.type"), "type"),
    Fault("error.envelope", "error", having(raw=b"<html>"), "body"),
    Fault("error.envelope", "error", having(raw=b"<html>", status=413), "body", H),
    Fault(
        "error.status",
        "error",
        having(
            status=401,
            body={"type": "error", "request_id": "req_1", "error": {"type": "rate_limit_error", "message": "x"}},
        ),
        "error.type",
    ),
    Fault("error.status-unknown", "error", having(status=418), "status", H),
    Fault("error.unknown-type", "error", put("body.error.type", "new_error"), "error.type", N),
    Fault(
        "error.unknown-type", "error-stream", put("events.4.error.type", "new_error"), "event 5 (error) error.type", N
    ),
    Fault("error.request-id", "error", put("body.request_id", None), "request_id", H),
    Fault(
        "error.retry-after", "error", both(having(status=429), put("body.error.type", "rate_limit_error")), "headers", H
    ),
    # --- requests, which the answers of status 200 make notices ---
    Fault("request.json", "text", having(request="{"), "request body", N),
    Fault("request.unknown-field", "text", put("request.seed", 7), "request seed", N),
    Fault("request.unknown-value", "text", put("request.service_tier", "gold"), "request service_tier", N),
    Fault("request.shape", "text", drop("request.model"), "request model", N),
    Fault(
        "request.version",
        "text",
        having(asked_with=(("anthropic-version", "2024-01-01"),)),
        "request header anthropic-version",
        N,
    ),
    Fault(
        "request.version",
        "text",
        having(asked_with=(("content-type", "application/json"),)),
        "request header anthropic-version",
        H,
    ),
    Fault(
        "request.unsupported",
        "text",
        both(having(provider="shuyou"), put("request.metadata", {"user_id": "u"})),
        "request metadata",
        N,
    ),
    Fault("request.max-tokens", "text", drop("request.max_tokens"), "request max_tokens", N),
    Fault(
        "request.prewarm",
        "text",
        both(put("request.max_tokens", 0), put("request.stream", True)),
        "request stream",
        N,
        also=frozenset({"message.prewarm"}),
    ),
    Fault(
        "request.first-role",
        "tool",
        lambda exchange: exchange.request["messages"].insert(0, {**USER, "role": "assistant"}),
        "request messages[0]",
        H,
    ),
    Fault("request.messages", "text", put("request.messages", []), "request messages", N),
    Fault(
        "request.prefill",
        "text",
        both(lambda exchange: exchange.request["messages"].append(PREFILL), put("request.model", "claude-opus-4-6")),
        "request messages[1]",
        N,
    ),
    Fault(
        "request.prefill",
        "text",
        lambda exchange: exchange.request["messages"].append(PREFILL),
        "request messages[1].content",
        H,
    ),
    Fault(
        "request.system-role",
        "text",
        lambda exchange: exchange.request["messages"].insert(0, {**USER, "role": "system"}),
        "request messages[0]",
        N,
    ),
    Fault(
        "request.system-role",
        "text",
        lambda exchange: exchange.request["messages"].extend([{"role": "system", "content": [DOCUMENT]}, USER]),
        "request messages[1].content[0]",
        N,
        also=frozenset({"request.unknown-value"}),
    ),
    Fault("request.tool-results", "tool", drop("request.messages.2.content.0"), "request messages[2]", N),
    Fault(
        "request.tool-results",
        "tool",
        put("request.messages.2.content", [{"type": "text", "text": "so"}, TOOL_RESULT]),
        "request messages[2].content[1]",
        N,
    ),
    Fault("request.tool-results", "tool", drop("request.messages.2"), "request messages[1].content[1]", N),
    Fault(
        "request.tool-result-id",
        "tool",
        put("request.messages.2.content.0.tool_use_id", "toolu_9"),
        "request messages[2].content[0]",
        N,
        also=frozenset({"request.tool-results"}),
    ),
    Fault(
        "request.tool-result-id",
        "tool",
        lambda exchange: exchange.request["messages"][2]["content"].append(TOOL_RESULT),
        "request messages[2].content[2]",
        N,
    ),
    Fault(
        "request.toolset-name",
        "tool",
        put("request.messages.1.content.1.toolset_name", "browser_toolset_20260801"),
        "request messages[2].content[0]",
        N,
    ),
    Fault("request.thinking", "tool-stream", put("request.max_tokens", 1024), "request thinking.budget_tokens", N),
    Fault(
        "request.thinking",
        "tool-stream",
        put("request.thinking.budget_tokens", 1000),
        "request thinking.budget_tokens",
        N,
    ),
    Fault("request.thinking", "tool-stream", put("request.tool_choice", {"type": "any"}), "request tool_choice", N),
    Fault(
        "request.thinking",
        "tool-stream",
        lambda exchange: exchange.request["messages"].append(PREFILL),
        "request messages[1]",
        N,
    ),
    Fault("request.thinking", "tool-stream", put("request.temperature", 0.5), "request temperature", H),
    Fault(
        "request.cache-control",
        "text",
        put("request.system", [{"type": "text", "text": "x", "cache_control": CHEAP}] * 5),
        "request system[4]",
        N,
    ),
    Fault(
        "request.cache-control",
        "text",
        put(
            "request.system",
            [
                {"type": "text", "text": "x", "cache_control": CHEAP},
                {"type": "text", "text": "y", "cache_control": {**CHEAP, "ttl": "1h"}},
            ],
        ),
        "request system[1]",
        N,
    ),
    Fault(
        "request.cache-control",
        "text",
        put("request.messages.0.content", [{"type": "text", "text": "", "cache_control": CHEAP}]),
        "request messages[0].content[0]",
        N,
        also=frozenset({"request.text"}),
    ),
    Fault(
        "request.cache-control",
        "text",
        lambda exchange: exchange.request["messages"].extend(
            [{"role": "assistant", "content": [{**THOUGHT, "cache_control": CHEAP}]}, USER]
        ),
        "request messages[1].content[0]",
        N,
        also=frozenset({"request.unknown-field"}),
    ),
    Fault(
        "request.cache-control",
        "text",
        both(
            put("request.cache_control", {**CHEAP, "ttl": "1h"}),
            put("request.messages.0.content", [{"type": "text", "text": "x", "cache_control": CHEAP}]),
        ),
        "request messages[0].content[0]",
        N,
    ),
    Fault("request.sampling", "text", put("request.temperature", 1.5), "request temperature", N),
    Fault(
        "request.sampling",
        "text",
        both(put("request.top_k", 5), having(asked_with=(("anthropic-version", "2026-10-21"),))),
        "request top_k",
        N,
    ),
    Fault(
        "request.version-content",
        "tool",
        both(put("request.messages.1.content.0", DOCUMENT), having(asked_with=(("anthropic-version", "2026-10-21"),))),
        "request messages[1].content[0]",
        N,
    ),
    Fault(
        "request.version-content",
        "tool",
        both(
            put("request.messages.2.content.1.citations", [{}]),
            having(asked_with=(("anthropic-version", "2026-10-21"),)),
        ),
        "request messages[2].content[1]",
        N,
        also=frozenset({"request.shape"}),
    ),
    Fault("request.tools", "search", put("request.tools.1.name", "web_search"), "request tools[1].name", N),
    Fault("request.tools", "tool-stream", put("request.tools.0.name", "get weather"), "request tools[0].name", N),
    Fault(
        "request.tools",
        "tool-stream",
        put("request.tools.0.input_schema.type", "array"),
        "request tools[0].input_schema",
        N,
    ),
    Fault(
        "request.tools",
        "tool-stream",
        put("request.tools.0.input_examples", [{}]),
        "request tools[0].input_examples[0]",
        N,
    ),
    Fault(
        "request.tool-choice",
        "tool",
        put("request.tool_choice.name", "fly"),
        "request tool_choice.name",
        N,
        also=frozenset({"message.tool-choice"}),
    ),
    Fault(
        "request.tool-choice",
        "text",
        put("request.tool_choice", {"type": "any"}),
        "request tool_choice",
        N,
        also=frozenset({"message.tool-choice"}),
    ),
    Fault(
        "request.citations",
        "text-stream",
        lambda exchange: exchange.request["messages"][0]["content"].append(DOCUMENT),
        "request messages[0].content[2]",
        N,
    ),
    Fault(
        "request.citations",
        "text-stream",
        put("request.output_config", {"format": {"type": "json_schema", "schema": {"type": "string"}}}),
        "request output_config.format",
        N,
        also=frozenset({"message.output-format"}),
    ),
    Fault(
        "request.domains",
        "search",
        both(put("request.tools.0.allowed_domains", ["a"]), put("request.tools.0.blocked_domains", ["b"])),
        "request tools[0]",
        N,
    ),
    Fault(
        "request.domains",
        "search",
        put("request.tools.0.user_location", {"type": "approximate"}),
        "request tools[0].user_location",
        N,
    ),
    Fault(
        "request.strict",
        "tool",
        put("request.tools.0.input_schema.additionalProperties", True),
        "request tools[0].input_schema",
        N,
    ),
    Fault(
        "request.strict",
        "text",
        put("request.tools", [{**STRICT, "name": f"t{n}"} for n in range(21)]),
        "request tools",
        N,
    ),
    Fault("request.strict", "text", put("request.tools", [{**STRICT, "input_schema": OPTIONAL}]), "request tools", N),
    Fault("request.user-id", "text", put("request.metadata", {"user_id": "u" * 257}), "request metadata.user_id", N),
    Fault(
        "request.batch",
        "text",
        having(**{**BATCHES, "request": {"requests": [BATCH, BATCH]}}, body={}),
        "request requests[1].custom_id",
        N,
        also=frozenset({"batch.shape"}),
    ),
    Fault(
        "request.text",
        "text",
        put("request.messages.0.content", [{"type": "text", "text": ""}]),
        "request messages[0].content[0].text",
        N,
    ),
    Fault(
        "request.text",
        "text",
        put("request.messages.0.content", [{"type": "text", "text": " "}]),
        "request messages[0].content[0]",
        H,
    ),
    Fault(
        "request.media-type",
        "text",
        put("request.messages.0.content", [IMAGE]),
        "request messages[0].content[0].source.media_type",
        N,
    ),
)

# A fault that only the conversation shows: `test_thinking_goes_back_as_it_came` plants it; and one of the judge itself,
# which `test_judge_error.py` plants.
ELSEWHERE = {"request.thinking-blocks", "judge.error"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule}-{fault.where}")
def test_a_planted_fault_is_found_by_its_rule_at_its_place(fault: Fault) -> None:
    exchange = OWN[fault.of].copy()
    fault.change(exchange)
    found = judged(exchange)
    assert (fault.rule, fault.where, fault.level) in {(each.rule, each.where, each.level) for each in found}
    graver = {each.rule for each in found if each.level <= min(fault.level, N)} - {fault.rule}
    assert graver <= fault.also


def test_every_rule_of_the_catalogue_has_a_planted_fault() -> None:
    assert {fault.rule for fault in FAULTS} | ELSEWHERE == set(CATALOGUE)
