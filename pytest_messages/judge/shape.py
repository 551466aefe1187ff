"""Is this payload the published shape? What `schema` finds, under the names of the rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_messages.api import schema
from pytest_messages.findings import Level
from pytest_messages.judge import order, request_fields, request_tools
from pytest_messages.judge.documentation import API, BATCHES, COUNTING, ERRORS, MODELS, STREAMING, VERSIONING
from pytest_messages.judge.rules import Rule, declare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_messages.api.schema.validation import Finding as Mismatch
    from pytest_messages.api.schema.validation import Kind
    from pytest_messages.judge.framing import Item
    from pytest_messages.judge.rules import Fault
    from pytest_messages.judge.values import Json


STREAM_SHAPE = declare(
    "stream.shape", Level.VIOLATION, STREAMING, "An event has the documented shape.", "D8 M12 T4", loses=True
)
STREAM_UNKNOWN_EVENT = declare(
    "stream.unknown-event", Level.NOTICE, VERSIONING, "Clients ignore events of unknown types.", "S19"
)
STREAM_UNKNOWN_DELTA = declare(
    "stream.unknown-delta", Level.NOTICE, VERSIONING, "Clients ignore deltas of unknown types.", "S19"
)
STREAM_UNKNOWN_BLOCK = declare(
    "stream.unknown-block", Level.NOTICE, VERSIONING, "Clients tolerate blocks of unknown types.", "S19"
)
STREAM_UNKNOWN_FIELD = declare("stream.unknown-field", Level.NOTICE, VERSIONING, "Replies may gain fields.", "D14")
STREAM_UNKNOWN_VALUE = declare("stream.unknown-value", Level.NOTICE, VERSIONING, "Enumerations may gain values.", "S19")
MESSAGE_SHAPE = declare("message.shape", Level.VIOLATION, API, "A Message has the documented shape.", "M12 T3")
MESSAGE_UNKNOWN_BLOCK = declare(
    "message.unknown-block", Level.NOTICE, VERSIONING, "Clients tolerate blocks of unknown types.", "S19"
)
MESSAGE_UNKNOWN_FIELD = declare("message.unknown-field", Level.NOTICE, VERSIONING, "Replies may gain fields.", "D14")
MESSAGE_UNKNOWN_VALUE = declare(
    "message.unknown-value", Level.NOTICE, VERSIONING, "Enumerations may gain values.", "S19"
)
TOKENS_SHAPE = declare(
    "tokens.shape", Level.VIOLATION, COUNTING, "A token count is an object with input_tokens.", loses=True
)
BATCH_SHAPE = declare("batch.shape", Level.VIOLATION, BATCHES, "A message batch has the documented shape.")
MODELS_SHAPE = declare("models.shape", Level.VIOLATION, MODELS, "A list of models has the documented shape.")
REPLY_UNKNOWN = declare(
    "reply.unknown", Level.NOTICE, VERSIONING, "Replies may gain fields, and enumerations values.", "D14"
)
ENVELOPE = declare(
    "error.envelope",
    Level.VIOLATION,
    ERRORS,
    "An error is an object with type error and an error that has a type and a message.",
    "D10 T5",
)
ERROR_UNKNOWN_TYPE = declare("error.unknown-type", Level.NOTICE, VERSIONING, "Error types may be added.", "S19")
REQUEST_UNKNOWN_FIELD = declare(
    "request.unknown-field", Level.VIOLATION, API, "A request has documented fields only.", "R1"
)
REQUEST_UNKNOWN_VALUE = declare(
    "request.unknown-value", Level.VIOLATION, API, "A field of a request has one of its documented values.", "R1"
)
REQUEST_SHAPE = declare("request.shape", Level.VIOLATION, API, "A request has the documented shape.", "R1")
REQUEST_MAX_TOKENS = declare(
    "request.max-tokens", Level.VIOLATION, API, "max_tokens is given and at least 1, or 0 for a pre-warm.", "R2 D15"
)
REQUEST_MESSAGES = declare("request.messages", Level.VIOLATION, API, "A request has 1 to 100,000 messages.", "R3")
REQUEST_SAMPLING = declare(
    "request.sampling",
    Level.VIOLATION,
    VERSIONING,
    "temperature and top_p are 0 to 1, top_k is at least 0; none of them from 2026-10-21 on.",
    "R13",
)
REQUEST_USER_ID = declare(
    "request.user-id", Level.VIOLATION, API, "metadata.user_id has at most 256 characters.", "R20"
)
REQUEST_MEDIA_TYPE = declare(
    "request.media-type",
    Level.VIOLATION,
    API,
    "Images are JPEG, PNG, GIF or WebP, and a base64 document is PDF.",
    "R23",
)
BATCH = declare(
    "request.batch",
    Level.VIOLATION,
    BATCHES,
    "A batch has 1 to 100,000 requests with ids of their own, none of them streamed.",
    "R22",
)


class _Row(NamedTuple):
    """Which rule a fault of shape breaks, by its problem and place; the first row that fits counts."""

    problem: str
    path: str
    rule: Rule | None
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
        _Row("missing", r"content_block\.input", None),
        _Row("missing|wrong-type", r"usage", None),
        _Row("missing|wrong-type", r"message\.usage", order.USAGE),
        _Row("unknown-type", r"type", STREAM_UNKNOWN_EVENT),
        _Row("unknown-type", r"delta\.type", STREAM_UNKNOWN_DELTA),
        _Row("unknown-type", r"content_block\.type", STREAM_UNKNOWN_BLOCK),
        _Row("unknown-value", r"error\.type", ERROR_UNKNOWN_TYPE),
        _Row("unknown-field", _ANY, STREAM_UNKNOWN_FIELD),
        _Row(_UNKNOWN, _ANY, STREAM_UNKNOWN_VALUE),
        _Row(_ANY, _ANY, STREAM_SHAPE),
    ),
    "message": (
        _Row("unknown-type", r"content\[\d+\]\.type", MESSAGE_UNKNOWN_BLOCK),
        _Row("unknown-field", _ANY, MESSAGE_UNKNOWN_FIELD),
        _Row(_UNKNOWN, _ANY, MESSAGE_UNKNOWN_VALUE),
        _Row(_ANY, _ANY, MESSAGE_SHAPE),
    ),
    "error": (
        _Row("unknown-value", r"error\.type", ERROR_UNKNOWN_TYPE),
        _Row(_UNKNOWN, _ANY, REPLY_UNKNOWN),
        _Row(_ANY, _ANY, ENVELOPE),
    ),
    "token_count": (_Row(_UNKNOWN, _ANY, REPLY_UNKNOWN), _Row(_ANY, _ANY, TOKENS_SHAPE)),
    "batch": (_Row(_UNKNOWN, _ANY, REPLY_UNKNOWN), _Row(_ANY, _ANY, BATCH_SHAPE)),
    "models": (_Row(_UNKNOWN, _ANY, REPLY_UNKNOWN), _Row(_ANY, _ANY, MODELS_SHAPE)),
    "request": (
        _Row("unknown-field", _ANY, REQUEST_UNKNOWN_FIELD),
        _Row(_ANY, r"temperature|top_p|top_k", REQUEST_SAMPLING),
        _Row(_ANY, r"max_tokens", REQUEST_MAX_TOKENS),
        _Row(_ANY, r"messages", REQUEST_MESSAGES),
        _Row(_ANY, r"metadata\.user_id", REQUEST_USER_ID),
        _Row(_ANY, r"(.*\.)?source\.media_type", REQUEST_MEDIA_TYPE),
        _Row("out-of-range", r".*\.text", request_fields.texts),
        _Row("out-of-range", r"thinking\.budget_tokens", request_fields.thinking),
        _Row(_ANY, r"tools\[\d+\]\.(name|input_schema.*)", request_tools.tools),
        _Row("unknown-.*|wrong-value", _ANY, REQUEST_UNKNOWN_VALUE),
        _Row(_ANY, _ANY, REQUEST_SHAPE),
    ),
    "batch_request": (_Row(_ANY, _ANY, BATCH),),
}

_FAMILY: Mapping[Kind, str] = {
    "count_tokens_request": "request",
    "batches": "batch",
    "batch_result": "batch",
    "batch_deleted": "batch",
    "model": "models",
}


def judge_shape(kind: Kind, value: object, *, version: str = schema.VERSIONS[0], prefix: str = "") -> list[Fault]:
    """Judge a parsed JSON value by the published shape of its ``kind``; places are given below ``prefix``."""
    return [
        fault
        for mismatch in schema.judge(kind, value, version=version)
        for fault in _named(kind, mismatch, f"{prefix}{mismatch.path}".rstrip(".") or "body", None)
    ]


def judge_events(items: Iterable[Item]) -> Iterator[Fault]:
    """Judge each event of a stream by its published shape."""
    for item in items:
        if is_plain_delta(item.data):
            continue
        for mismatch in schema.judge("event", item.data):
            if item.type == "ping" and mismatch.problem == "unknown-field":
                continue  # `stream.ping-extra` says it
            where = f"{item.where} {mismatch.path}".rstrip()
            yield from _named("event", mismatch, where, item.number)


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


def _named(kind: Kind, mismatch: Mismatch, where: str, event: int | None) -> Iterator[Fault]:
    for row in _ROWS[_FAMILY.get(kind, kind)]:
        if re.fullmatch(row.problem, mismatch.problem) and re.fullmatch(row.path, mismatch.path):
            if row.rule is not None:
                loses = bool(_LOSING.fullmatch(mismatch.path)) if row.rule.name.endswith(".shape") else None
                yield row.rule.broken(where, mismatch.message, event=event, level=row.level, loses=loses)
            return
