"""A Message as the events of a stream: the documented order, small pieces, the same cuts every time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_messages.api import sse
from pytest_messages.sandbox.answers import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.sandbox.answers import Question

_TOKENS_PER_DELTA = 4
_STREAMED = {"text": ("text", "text_delta"), "thinking": ("thinking", "thinking_delta")}


def events(message: dict[str, Any], asked: Question) -> Iterator[dict[str, Any]]:
    """Yield the data of each event of ``message``.

    https://platform.claude.com/docs/en/build-with-claude/streaming
    """
    yield {"type": "message_start", "message": _begun(message)}
    ping = asked.provider.habits.pings and "no-ping" not in asked.instructions.marks
    for index, block in enumerate(message["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": _opened(block)}
        if ping and index == 0:
            yield {"type": "ping"}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    if "unknown-event" in asked.instructions.marks:
        yield {"type": "sandbox_event", "note": "clients ignore what they do not know"}
    yield _ended(message)
    if "no-stop" not in asked.instructions.marks:
        yield {"type": "message_stop"}


def _begun(message: dict[str, Any]) -> dict[str, Any]:
    usage = message["usage"]
    first = {name: value for name, value in usage.items() if name != "output_tokens_details"}
    return {
        **{name: value for name, value in message.items() if name != "stop_details"},
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**first, "output_tokens": min(1, usage["output_tokens"])},
    }


def _opened(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] == "thinking":
        return {**block, "thinking": "", "signature": ""}
    empty: dict[str, dict[str, Any]] = {"text": {"text": ""}, "tool_use": {"input": {}}}
    return {**block, **empty.get(block["type"], {})}


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] in _STREAMED:
        name, kind = _STREAMED[block["type"]]
        yield from ({"type": kind, name: piece} for piece in _pieces(block[name]))
    if block["type"] == "thinking":
        yield {"type": "signature_delta", "signature": block["signature"]}
    if block["type"] == "tool_use":
        made = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in ("", *_pieces(made)))


def _pieces(text: str) -> list[str]:
    found = tokens(text)
    return ["".join(found[at : at + _TOKENS_PER_DELTA]) for at in range(0, len(found), _TOKENS_PER_DELTA)]


def _ended(message: dict[str, Any]) -> dict[str, Any]:
    names = [name for name in ("stop_reason", "stop_sequence", "stop_details") if name in message]
    counted = {
        name: value for name, value in message["usage"].items() if name not in {"cache_creation", "service_tier"}
    }
    return {"type": "message_delta", "delta": {name: message[name] for name in names}, "usage": counted}


def encode(data: dict[str, Any], marks: frozenset[str]) -> bytes:
    """Return one event as it crosses the wire, with the oddities that ``marks`` ask for."""
    text = compact(data)
    if "padding" in marks:
        text = f"{text[:-1]}{' ' * (len(text) % 17)}}}"
    if "double-encoded" in marks:
        text = json.dumps(text)
    return with_newlines(sse.encode(None if "unnamed" in marks else data["type"], text), marks)


def compact(data: Any) -> str:
    """Return JSON without white space; a lone surrogate, which UTF-8 cannot hold, stays escaped."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() or text.encode("utf-8", "replace").decode() == text else json.dumps(data)


def with_newlines(block: bytes, marks: frozenset[str]) -> bytes:
    """Return a block of a stream with the line ends that ``marks`` ask for."""
    return block.replace(b"\n", b"\r\n") if "crlf" in marks else block
