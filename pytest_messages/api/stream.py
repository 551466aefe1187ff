"""The life of a streamed message: states, `TRANSITIONS`, `DELTAS_OF_BLOCK`, and the fold of events into a Message.

    BEGINNING ──message_start──▶ OPEN ──message_delta──▶ ENDING ──message_stop──▶ STOPPED
                                 │  ▲
              content_block_start│  │content_block_stop
                                 ▼  │
                                BLOCK ↺ content_block_delta        any but STOPPED ──error──▶ FAILED

https://platform.claude.com/docs/en/build-with-claude/streaming#event-types
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from pytest_messages.api import jsons
from pytest_messages.api.jsons import members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_messages.api.sse import Event

Payload = dict[str, Any]
"""The JSON object that an event carries."""


class StreamState(StrEnum):
    """Where a streamed message stands between two events."""

    BEGINNING = "before message_start"
    OPEN = "between content blocks"
    BLOCK = "inside a content block"
    ENDING = "after message_delta"
    STOPPED = "after message_stop"
    FAILED = "after error"


TRANSITIONS: Mapping[StreamState, Mapping[str, StreamState]] = {
    StreamState.BEGINNING: {
        "message_start": StreamState.OPEN,
        "ping": StreamState.BEGINNING,
        "error": StreamState.FAILED,
    },
    StreamState.OPEN: {
        "content_block_start": StreamState.BLOCK,
        "message_delta": StreamState.ENDING,
        "ping": StreamState.OPEN,
        "error": StreamState.FAILED,
    },
    StreamState.BLOCK: {
        "content_block_delta": StreamState.BLOCK,
        "content_block_stop": StreamState.OPEN,
        "ping": StreamState.BLOCK,
        "error": StreamState.FAILED,
    },
    StreamState.ENDING: {
        "message_delta": StreamState.ENDING,
        "message_stop": StreamState.STOPPED,
        "ping": StreamState.ENDING,
        "error": StreamState.FAILED,
    },
    StreamState.STOPPED: {},
    StreamState.FAILED: {},
}
"""Which event may come in which state, and the state it leads to. An event of a type in no row is unknown, and clients
ignore it (https://platform.claude.com/docs/en/api/versioning)."""

EVENTS = frozenset(event for row in TRANSITIONS.values() for event in row)
"""Every documented event type."""

# Where an event that came in the wrong state leads nevertheless, so that one misplaced event is one finding.
_RECOVERY: Mapping[str, StreamState] = {
    "content_block_start": StreamState.BLOCK,
    "message_delta": StreamState.ENDING,
    "message_stop": StreamState.STOPPED,
}

_TOOL_USE = frozenset({"input_json_delta"})
_WHOLE: frozenset[str] = frozenset()

DELTAS_OF_BLOCK: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text_delta", "citations_delta"}),
    "thinking": frozenset({"thinking_delta", "signature_delta"}),
    "tool_use": _TOOL_USE,
    "server_tool_use": _TOOL_USE,
    "mcp_tool_use": _TOOL_USE,
    "compaction": frozenset({"compaction_delta"}),
    # These arrive whole in content_block_start.
    "redacted_thinking": _WHOLE,
    "web_search_tool_result": _WHOLE,
    "web_fetch_tool_result": _WHOLE,
    "code_execution_tool_result": _WHOLE,
    "bash_code_execution_tool_result": _WHOLE,
    "text_editor_code_execution_tool_result": _WHOLE,
    "tool_search_tool_result": _WHOLE,
    "container_upload": _WHOLE,
    "mcp_tool_result": _WHOLE,
    "mcp_tool_listing": _WHOLE,
    "advisor_tool_result": _WHOLE,
    "fallback": _WHOLE,
}
"""Which deltas build which block. A block or a delta in no row is unknown, and clients ignore it."""

DELTAS = frozenset(delta for deltas in DELTAS_OF_BLOCK.values() for delta in deltas)
"""Every documented delta type."""


def after(state: StreamState, event: str) -> tuple[StreamState, bool]:
    """Return the state after ``event``, and whether `TRANSITIONS` allows it there; unknown events change nothing."""
    following = TRANSITIONS[state].get(event)
    if following is not None:
        return following, True
    if state in {StreamState.STOPPED, StreamState.FAILED}:
        return state, False
    return state if state is StreamState.ENDING else _RECOVERY.get(event, state), event not in EVENTS


def payload(event: Event) -> object:
    """Return the JSON that ``event`` carries, or None where it is none.

    A gateway is known to encode twice, so that the data is a JSON string that holds the object: read through it.
    """
    value = jsons.read(event.data)
    return jsons.read(value) if isinstance(value, str) else value


def fold(events: Iterable[Event]) -> Payload | None:
    """Return the Message that ``events`` add up to, as JSON, or None where there is no message_start.

    Equal to what the official SDK accumulates. A stream that is cut or broken is folded as far as it can be read.
    """
    return accumulate(payload(event) for event in events)


def accumulate(payloads: Iterable[object]) -> Payload | None:
    """Return the Message that parsed ``payloads`` add up to, as `fold` does."""
    fold = _Fold()
    for value in payloads:
        if isinstance(value, dict):
            step = _STEPS.get(_text(value, "type"))
            if step is not None:
                step(fold, value)
    return fold.message()


def _text(value: Payload, key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


class _Block:
    """A content block under construction: as it started, and the pieces that its deltas brought."""

    __slots__ = ("citations", "input", "start", "text", "thinking")

    def __init__(self, start: Payload) -> None:
        self.start = dict(start)
        self.text: list[str] = []
        self.thinking: list[str] = []
        self.input: list[str] = []
        self.citations: list[object] = []

    def add(self, delta: Payload) -> None:
        kind = _text(delta, "type")
        if kind not in DELTAS_OF_BLOCK.get(_text(self.start, "type"), ()):
            return
        if kind == "text_delta":
            self.text.append(_text(delta, "text"))
        elif kind == "input_json_delta":
            self.input.append(_text(delta, "partial_json"))
        elif kind == "thinking_delta":
            self.thinking.append(_text(delta, "thinking"))
        elif kind == "citations_delta":
            self.citations.append(delta.get("citation"))
        else:  # signature_delta, compaction_delta: each replaces what it carries
            self.start.update((key, value) for key, value in delta.items() if key != "type")

    def whole(self) -> Payload:
        block = dict(self.start)
        if self.text:
            block["text"] = _text(block, "text") + "".join(self.text)
        if self.thinking:
            block["thinking"] = _text(block, "thinking") + "".join(self.thinking)
        if self.citations:
            before = block.get("citations")
            block["citations"] = [*(before if isinstance(before, list) else ()), *self.citations]
        written = "".join(self.input)
        if written:
            block["input"] = _partial_json(written, block.get("input"))
        return block


def _partial_json(written: str, otherwise: object) -> object:
    """Return what ``written`` holds so far, as the SDK does after each delta, or ``otherwise`` where it is no JSON."""
    try:
        return from_json(written.encode(errors="surrogatepass"), allow_partial=True)
    except ValueError:
        return otherwise


class _Fold:
    """The Message under construction; blocks are found by their index, as deltas name them."""

    __slots__ = ("blocks", "by_index", "envelope")

    def __init__(self) -> None:
        self.envelope: Payload | None = None
        self.blocks: list[_Block] = []
        self.by_index: dict[object, _Block] = {}

    def message(self) -> Payload | None:
        if self.envelope is None:
            return None
        return {**self.envelope, "content": [block.whole() for block in self.blocks]}

    def start(self, event: Payload) -> None:
        if self.envelope is None:
            self.envelope = dict(members(event.get("message")))
            content = self.envelope.get("content")
            for block in content if isinstance(content, list) else ():
                self.open({"content_block": block, "index": len(self.blocks)})

    def open(self, event: Payload) -> None:
        block = _Block(members(event.get("content_block")))
        self.blocks.append(block)
        index = event.get("index")
        if isinstance(index, int):
            self.by_index[index] = block
        # The last hop's fallback block names the model that served the answer.
        # https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
        served_by = _text(members(block.start.get("to")), "model") if block.start.get("type") == "fallback" else ""
        if self.envelope is not None and served_by:
            self.envelope["model"] = served_by

    def delta(self, event: Payload) -> None:
        index = event.get("index")
        block = self.by_index.get(index) if isinstance(index, int) else None
        if block is not None:
            block.add(members(event.get("delta")))

    def end(self, event: Payload) -> None:
        if self.envelope is None:
            return
        delta = members(event.get("delta"))
        self.envelope["stop_reason"] = delta.get("stop_reason")
        self.envelope["stop_sequence"] = delta.get("stop_sequence")
        if "stop_details" in delta:
            self.envelope["stop_details"] = delta["stop_details"]
        given = {**event, "container": delta.get("container")}
        for key in ("container", "context_management", "input_transformations"):
            if given.get(key) is not None:
                self.envelope[key] = given[key]
        # Counts are totals, not additions; what is absent or null leaves the count of message_start as it is.
        # https://platform.claude.com/docs/en/build-with-claude/streaming#event-types
        counts = members(event.get("usage")) or members(delta.get("usage"))
        merged = dict(members(self.envelope.get("usage")))
        merged.update((key, value) for key, value in counts.items() if value is not None)
        self.envelope["usage"] = merged


_STEPS: Mapping[str, Callable[[_Fold, Payload], None]] = {
    "message_start": _Fold.start,
    "content_block_start": _Fold.open,
    "content_block_delta": _Fold.delta,
    "message_delta": _Fold.end,
}
