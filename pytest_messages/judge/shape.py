"""Is this payload the published shape? What `schema` finds, under the names of the rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_messages.api import schema
from pytest_messages.judge.faults import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_messages.api.schema.validation import Finding as Fault
    from pytest_messages.api.schema.validation import Kind
    from pytest_messages.findings import Level
    from pytest_messages.judge.faults import Json
    from pytest_messages.judge.framing import Item


class _Row(NamedTuple):
    """Which rule a fault of shape breaks, by its problem and place; the first row that fits counts."""

    problem: str
    path: str
    rule: str
    level: Level | None = None


_UNKNOWN = r"unknown-.*"
_ANY = r".*"
# Where a fault of shape makes an SDK crash or misread what was said. A signature or an id that is not there is missed
# only by who wants to send it back, a wrong count by nobody.
_LOSING = re.compile(
    r"(?!.*\.signature$)(content|message\.content|delta|content_block|error)\b.*|message|index|type|input_tokens|"
)

_ROWS: Mapping[str, tuple[_Row, ...]] = {
    "event": (
        # The documentation's own example of a web search leaves it out; the rules of order say so.
        _Row("missing", r"content_block\.input", ""),
        _Row("missing|wrong-type", r"usage", ""),
        _Row("missing|wrong-type", r"message\.usage", "stream.usage"),
        _Row("unknown-type", r"type", "stream.unknown-event"),
        _Row("unknown-type", r"delta\.type", "stream.unknown-delta"),
        _Row("unknown-type", r"content_block\.type", "stream.unknown-block"),
        _Row("unknown-value", r"error\.type", "error.unknown-type"),
        _Row("unknown-field", _ANY, "stream.unknown-field"),
        _Row(_UNKNOWN, _ANY, "stream.unknown-value"),
        _Row(_ANY, _ANY, "stream.shape"),
    ),
    "message": (
        _Row("unknown-type", r"content\[\d+\]\.type", "message.unknown-block"),
        _Row("unknown-field", _ANY, "message.unknown-field"),
        _Row(_UNKNOWN, _ANY, "message.unknown-value"),
        _Row(_ANY, _ANY, "message.shape"),
    ),
    "error": (
        _Row("unknown-value", r"error\.type", "error.unknown-type"),
        _Row(_UNKNOWN, _ANY, "reply.unknown"),
        _Row(_ANY, _ANY, "error.envelope"),
    ),
    "token_count": (_Row(_UNKNOWN, _ANY, "reply.unknown"), _Row(_ANY, _ANY, "tokens.shape")),
    "batch": (_Row(_UNKNOWN, _ANY, "reply.unknown"), _Row(_ANY, _ANY, "batch.shape")),
    "models": (_Row(_UNKNOWN, _ANY, "reply.unknown"), _Row(_ANY, _ANY, "models.shape")),
    "request": (
        _Row("unknown-field", _ANY, "request.unknown-field"),
        _Row(_ANY, r"temperature|top_p|top_k", "request.sampling"),
        _Row(_ANY, r"max_tokens", "request.max-tokens"),
        _Row(_ANY, r"messages", "request.messages"),
        _Row(_ANY, r"metadata\.user_id", "request.user-id"),
        _Row(_ANY, r"(.*\.)?source\.media_type", "request.media-type"),
        _Row("out-of-range", r".*\.text", "request.text"),
        _Row("out-of-range", r"thinking\.budget_tokens", "request.thinking"),
        _Row(_ANY, r"tools\[\d+\]\.(name|input_schema.*)", "request.tools"),
        _Row("unknown-.*|wrong-value", _ANY, "request.unknown-value"),
        _Row(_ANY, _ANY, "request.shape"),
    ),
    "batch_request": (_Row(_ANY, _ANY, "request.batch"),),
}

_FAMILY: Mapping[Kind, str] = {
    "count_tokens_request": "request",
    "batches": "batch",
    "batch_result": "batch",
    "batch_deleted": "batch",
    "model": "models",
}


def judge_shape(kind: Kind, value: object, *, version: str = schema.VERSIONS[0], prefix: str = "") -> list[Finding]:
    """Judge a parsed JSON value by the published shape of its ``kind``; places are given below ``prefix``."""
    return [
        finding
        for fault in schema.judge(kind, value, version=version)
        for finding in _named(kind, fault, f"{prefix}{fault.path}".rstrip(".") or "body", None)
    ]


def judge_events(items: Iterable[Item]) -> Iterator[Finding]:
    """Judge each event of a stream by its published shape."""
    for item in items:
        if is_plain_delta(item.data):
            continue
        for fault in schema.judge("event", item.data):
            if item.type == "ping" and fault.problem == "unknown-field":
                continue  # `stream.ping-extra` says it
            where = f"{item.where} {fault.path}".rstrip()
            yield from _named("event", fault, where, item.number)


_PIECES = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}


def is_plain_delta(event: Json) -> bool:
    """Tell whether an event is a piece of a block and nothing else, which the models need not be asked about.

    Nearly all events of a stream are: this takes a fifth of the time. A test holds it to what the models say.
    """
    delta, index = event.get("delta"), event.get("index")
    if len(event) != len(("type", "index", "delta")) or type(delta) is not dict or len(delta) != len(("type", "text")):
        return False
    kind = delta.get("type")
    return (
        event.get("type") == "content_block_delta"
        and type(index) is int
        and index >= 0
        and type(kind) is str
        and type(delta.get(_PIECES.get(kind, ""))) is str
    )


def _named(kind: Kind, fault: Fault, where: str, event: int | None) -> Iterator[Finding]:
    for row in _ROWS[_FAMILY.get(kind, kind)]:
        if re.fullmatch(row.problem, fault.problem) and re.fullmatch(row.path, fault.path):
            if row.rule:
                loses = bool(_LOSING.fullmatch(fault.path)) if row.rule.endswith(".shape") else None
                yield Finding(row.rule, where, fault.message, event, row.level, loses)
            return
