"""Is this payload the published shape? Each fault as a plain finding."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from typing_extensions import get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pytest_messages.schema.base import DOCS, VERSIONS, Only, marks
from pytest_messages.schema.batches import Batch, BatchPage, BatchParams, BatchResult, DeletedBatch
from pytest_messages.schema.errors import ErrorBody
from pytest_messages.schema.events import StreamEvent
from pytest_messages.schema.message import Message, TokenCount
from pytest_messages.schema.models import ModelInfo, ModelPage
from pytest_messages.schema.request import CountTokensParams, MessageParams

Kind = Literal[
    "request",
    "message",
    "event",
    "error",
    "count_tokens_request",
    "token_count",
    "batch_request",
    "batch",
    "batches",
    "batch_result",
    "batch_deleted",
    "model",
    "models",
]
Problem = Literal[
    "wrong-type",  # another JSON type than documented
    "wrong-value",  # a string or constant that is not one of those documented, where the set is closed
    "missing",  # a required field
    "out-of-range",  # a number, a length or a pattern
    "not-in-version",  # documented, but not for this API version
    "unknown-field",
    "unknown-value",  # of an enumeration that may grow
    "unknown-type",  # of a union that may grow: a block, a delta, an event, a citation, a tool
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a payload is not what the documentation says.

    ``path`` is where, as in ``content[0].text``, empty for the whole; ``message`` says what was found and what is
    documented; ``page`` is the address of that documentation.
    """

    path: str
    problem: Problem
    message: str
    page: str


_TYPES: dict[Kind, tuple[Any, str]] = {
    "request": (MessageParams, "api/messages"),
    "message": (Message, "api/messages"),
    "event": (StreamEvent, "build-with-claude/streaming"),
    "error": (ErrorBody, "api/errors"),
    "count_tokens_request": (CountTokensParams, "build-with-claude/token-counting"),
    "token_count": (TokenCount, "build-with-claude/token-counting"),
    "batch_request": (BatchParams, "build-with-claude/batch-processing"),
    "batch": (Batch, "build-with-claude/batch-processing"),
    "batches": (BatchPage, "build-with-claude/batch-processing"),
    "batch_result": (BatchResult, "build-with-claude/batch-processing"),
    "batch_deleted": (DeletedBatch, "build-with-claude/batch-processing"),
    "model": (ModelInfo, "api/models"),
    "models": (ModelPage, "api/models"),
}


@cache
def adapter(kind: Kind) -> TypeAdapter[Any]:
    """Return the validator of a kind of payload, built when it is first asked for."""
    return TypeAdapter(_TYPES[kind][0])


def judge(kind: Kind, value: object, *, version: str = VERSIONS[0]) -> list[Finding]:
    """Say where a parsed JSON value is not the documented shape; an empty list where it is.

    What the versioning policy allows to come is a finding too, of a problem that begins with ``unknown-``.
    """
    try:
        adapter(kind).validate_python(value, strict=True, extra="forbid")
    except ValidationError as error:
        found = [_finding(kind, value, fault) for fault in error.errors(include_url=False)]
    else:
        found = []
    return [*found, *_not_in(kind, value, version)]


def parse_message(value: object) -> Message:
    """Make a `Message` of parsed JSON; what the documentation does not list is kept.

    Raises `pydantic.ValidationError` where a documented field is missing or of another type.
    """
    message: Message = adapter("message").validate_python(value, extra="allow")
    return message


def parse_event(value: object) -> StreamEvent:
    """Make an event of the parsed JSON of one ``data`` field; what the documentation does not list is kept.

    Raises `pydantic.ValidationError` where a documented field is missing or of another type.
    """
    event: StreamEvent = adapter("event").validate_python(value, extra="allow")
    return event


# What pydantic's error means to us, and what is documented; ``{...}`` is filled from the error's context.
_FAULTS: dict[str, tuple[Problem, str]] = {
    "missing": ("missing", "a required field"),
    "extra_forbidden": ("unknown-field", "no such field"),
    "unknown_value": ("unknown-value", "one of {values}"),
    "by_field": ("unknown-type", "one of {known}"),
    "by_shape": ("wrong-type", "{shapes}"),
    "literal_error": ("wrong-value", "{expected}"),
    "string_type": ("wrong-type", "a string"),
    "int_type": ("wrong-type", "an integer"),
    "float_type": ("wrong-type", "a number"),
    "bool_type": ("wrong-type", "a boolean"),
    "list_type": ("wrong-type", "an array"),
    "dict_type": ("wrong-type", "an object"),
    "model_type": ("wrong-type", "an object"),
    "greater_than_equal": ("out-of-range", "at least {ge}"),
    "less_than_equal": ("out-of-range", "at most {le}"),
    "string_too_short": ("out-of-range", "at least {min_length} characters"),
    "string_too_long": ("out-of-range", "at most {max_length} characters"),
    "string_pattern_mismatch": ("out-of-range", "a string that matches {pattern}"),
    "too_short": ("out-of-range", "at least {min_length} items"),
    "too_long": ("out-of-range", "at most {max_length} items"),
}


def _finding(kind: Kind, value: object, fault: ErrorDetails) -> Finding:
    problem, documented = _FAULTS[fault["type"]]
    context, found = fault.get("ctx", {}), fault["input"]
    path = _path(fault["loc"])
    if fault["type"] == "by_field":
        problem, documented, path, found = _by_field(path, found, context)
    elif fault["type"] == "literal_error" and not isinstance(found, str | bool):
        problem = "wrong-type"
    page = DOCS + _TYPES[kind][1]
    if problem == "missing":
        return Finding(path, problem, f"missing, and documented as {documented}", page)
    return Finding(path, problem, f"found {_shown(found)}, documented is {documented.format_map(context)}", page)


def _by_field(path: str, found: Any, context: dict[str, Any]) -> tuple[Problem, str, str, Any]:
    """Why no member of a union was chosen: it is no object, has no such field, or one that is not documented."""
    field = context["field"]
    if not isinstance(found, dict):
        return "wrong-type", "an object", path, found
    path = f"{path}.{field}" if path else field
    if field not in found:
        return "missing", "a required field", path, found
    named = found[field]
    return ("unknown-type" if isinstance(named, str) else "wrong-type"), "one of {known}", path, named


def _path(location: tuple[int | str, ...]) -> str:
    """Write a location as a JSON path; the tags of unions, which stand in brackets, are no part of it."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location if not _is_tag(step))
    return "".join(steps).removeprefix(".")


def _is_tag(step: int | str) -> bool:
    return isinstance(step, str) and step.startswith("<")


_SHOWN = 60


def _shown(value: object) -> str:
    """Show a value as JSON, cut to a length that fits into a line."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _not_in(kind: Kind, value: object, version: str) -> list[Finding]:
    """Name the fields that the API version does not know."""
    if kind == "batch_request":
        return [
            replace(finding, path=f"requests[{number}].params.{finding.path}")
            for number, params in enumerate(_batched(value))
            for finding in _not_in("request", params, version)
        ]
    if kind != "request" or not isinstance(value, dict):
        return []
    return [
        Finding(
            name, "not-in-version", f"found, and documented for {only} only, not for {version}", DOCS + "api/versioning"
        )
        for name, only in versioned().items()
        if name in value and only != version
    ]


def _batched(value: Any) -> list[Any]:
    try:
        return [request["params"] for request in value["requests"]]
    except (KeyError, TypeError):
        return []


@cache
def versioned() -> Mapping[str, str]:
    """Return the fields of a request that only one API version knows, and which."""
    hints = get_type_hints(MessageParams, include_extras=True)
    return {name: mark.version for name, hint in hints.items() for mark in marks(hint) if isinstance(mark, Only)}
