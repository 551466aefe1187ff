"""Is this payload the published shape? Each fault as a plain finding."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pytest_messages.api.schema import pages
from pytest_messages.api.schema.base import DOCS, OLD, Only, marks
from pytest_messages.api.schema.batches import Batch, BatchPage, BatchParams, BatchResult, DeletedBatch
from pytest_messages.api.schema.error_bodies import ErrorBody
from pytest_messages.api.schema.events import StreamEvent
from pytest_messages.api.schema.message import Message, TokenCount
from pytest_messages.api.schema.models import ModelInfo, ModelPage
from pytest_messages.api.schema.request import CloudMessageParams, CountTokensParams, MessageParams
from pytest_messages.api.schema.sources import page_of

Kind = Literal[
    "request",
    "cloud_request",
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
    "wrong-value",  # not the constant, or not a member of a closed enumeration
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

    ``path`` is where, as in ``content[0].text``, and empty for the whole; ``message`` says what was found and what is
    documented; ``page`` is the address of that documentation.
    """

    path: str
    problem: Problem
    message: str
    page: str


# What each kind of payload is, and the page that documents it as a whole.
KINDS: Mapping[Kind, tuple[Any, str]] = {
    "request": (MessageParams, pages.MESSAGES),
    "cloud_request": (CloudMessageParams, pages.CLOUDS),
    "message": (Message, pages.MESSAGES),
    "event": (StreamEvent, pages.STREAMING),
    "error": (ErrorBody, pages.ERRORS),
    "count_tokens_request": (CountTokensParams, pages.COUNTING),
    "token_count": (TokenCount, pages.COUNTING),
    "batch_request": (BatchParams, pages.BATCHES),
    "batch": (Batch, pages.BATCHES),
    "batches": (BatchPage, pages.BATCHES),
    "batch_result": (BatchResult, pages.BATCH_PROCESSING),
    "batch_deleted": (DeletedBatch, pages.BATCHES),
    "model": (ModelInfo, pages.MODELS),
    "models": (ModelPage, pages.MODELS),
}


@cache
def adapter(kind: Kind) -> TypeAdapter[Any]:
    """Return the validator of a kind of payload, built when it is first asked for."""
    return TypeAdapter(KINDS[kind][0])


def judge(kind: Kind, value: object, *, version: str = OLD) -> list[Finding]:
    """Say where a parsed JSON value is not the documented shape; an empty list where it is.

    What the versioning policy allows to come is a finding, too, of a problem that begins with ``unknown-``.
    https://platform.claude.com/docs/en/api/versioning
    """
    try:
        adapter(kind).validate_python(value, strict=True, extra="forbid")
    except ValidationError as error:
        found = [_finding(kind, fault) for fault in error.errors(include_url=False)]
    else:
        found = []
    if version != OLD:
        found.extend(_not_in(kind, value, version))
    return found


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


# --- From pydantic's errors to findings ----------------------------------------------------------------------------

# What an error means, and what is documented at its place; braces are filled from the error's context.
_FAULTS: Mapping[str, tuple[Problem, str]] = {
    "missing": ("missing", "a required field"),
    "extra_forbidden": ("unknown-field", "no such field"),
    "unknown_value": ("unknown-value", "{known}"),
    "by_field": ("unknown-type", "{known}"),
    "by_shape": ("wrong-type", "{known}"),
    "literal_error": ("wrong-value", "{expected}"),
    "string_type": ("wrong-type", "a string"),
    "string_unicode": ("wrong-value", "a string of Unicode characters"),
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


def _finding(kind: Kind, fault: ErrorDetails) -> Finding:
    problem, documented = _FAULTS[fault["type"]]
    context, found, path = fault.get("ctx", {}), fault["input"], _path(fault["loc"])
    if fault["type"] == "by_field":
        problem, documented, path, found = _by_field(path, found, context["field"])
    elif fault["type"] == "literal_error" and not isinstance(found, str | bool):
        problem = "wrong-type"
    said = "missing" if problem == "missing" else f"found {_shown(found)}"
    whole, page = KINDS[kind]
    return Finding(
        path=path,
        problem=problem,
        message=f"{said}; documented is {documented.format_map(context)}",
        page=page_of(whole, fault["loc"], DOCS + page),
    )


def _by_field(path: str, found: Any, field: str) -> tuple[Problem, str, str, Any]:
    """Say why no member of a union was chosen: no object, no such field in it, or a value that is not documented."""
    if not isinstance(found, dict):
        return "wrong-type", "an object", path, found
    path = f"{path}.{field}" if path else field
    if field not in found:
        return "missing", "a required field", path, found
    named = found[field]
    return "unknown-type" if isinstance(named, str) else "wrong-type", "{known}", path, named


def _path(location: tuple[int | str, ...]) -> str:
    """Write a location as a JSON path; the tags of unions, which stand in brackets, are no part of it."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location if not str(step).startswith("<"))
    return "".join(steps).removeprefix(".")


_SHOWN = 60


def _shown(value: object) -> str:
    """Show a value as JSON, cut to a length that fits into a line; no more of it is written than that.

    Keys are sorted: what is found does not depend on the order in which they came.
    """
    try:
        return _cut(json.JSONEncoder(default=repr, sort_keys=True).iterencode(value))
    except TypeError:  # keys that no JSON has, in a value of a user's own
        return _cut(repr(value))


def _cut(pieces: Iterable[str]) -> str:
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > _SHOWN:
            return f"{text[:_SHOWN]}…"
    return text


# --- What differs between the API versions -------------------------------------------------------------------------


@cache
def only_in() -> Mapping[str, str]:
    """Return the fields of a request that one API version alone takes, and which version that is."""
    hints = get_type_hints(MessageParams, include_extras=True)
    return {name: mark.version for name, hint in hints.items() for mark in marks(hint) if isinstance(mark, Only)}


def _not_in(kind: Kind, value: Any, version: str) -> Iterator[Finding]:
    if not isinstance(value, dict):
        return
    if kind == "batch_request":
        requests = value.get("requests")
        for number, request in enumerate(requests if isinstance(requests, list) else ()):
            params = request.get("params") if isinstance(request, dict) else None
            for finding in _not_in("request", params, version):
                yield replace(finding, path=f"requests[{number}].params.{finding.path}")
    elif kind in ("request", "cloud_request"):
        for name, only in only_in().items():
            if name in value and only != version:
                said = f"found {_shown(value[name])}; documented for {only} alone, not for {version}"
                yield Finding(name, "not-in-version", said, DOCS + pages.VERSIONING)
