"""Is this request one that the API documents to accept? Headers, shape, and the rules across fields and turns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_messages.api.jsons import path
from pytest_messages.findings import Level
from pytest_messages.judge.asked import Asked as Asked  # noqa: PLC0414 - makers of requests take it from here
from pytest_messages.judge.asked import rule
from pytest_messages.judge.documentation import API, VERSIONING
from pytest_messages.judge.rules import declare, guarded
from pytest_messages.judge.shape import BATCH, judge_shape
from pytest_messages.judge.values import member, numbered, shown
from pytest_messages.providers import unsupported
from pytest_messages.wire import header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.judge.rules import Fault

JSON = declare("request.json", Level.VIOLATION, API, "The body of a request is one JSON object.")
VERSION = declare(
    "request.version",
    Level.VIOLATION,
    VERSIONING,
    "anthropic-version names a version that the endpoint takes.",
    "D16",
)
UNSUPPORTED = declare(
    "request.unsupported", Level.NOTICE, API, "The provider documents this field as unsupported.", "D16"
)


def is_well_formed(asked: Asked) -> Iterator[Fault]:
    """Judge a request by all rules."""
    if asked.kind is None:
        return
    if asked.unreadable:
        yield JSON.broken("body", "the body is not a JSON object")
        return
    yield from guarded(_head(asked), "a rule of headers", "request")
    if asked.body:
        yield from guarded(judge_shape(asked.kind, asked.body, version=asked.version), "a rule of shape", "request")
        yield from guarded(_batch(asked), BATCH.name, "request") if asked.kind == "batch_request" else rule.judge(asked)


def _head(asked: Asked) -> Iterator[Fault]:
    provider = asked.provider
    if provider is None:
        return
    # A recorder may have put a placeholder in its place.
    said = asked.said if asked.said is not None and re.search("[0-9]", asked.said) else None
    if provider.versions and said is not None and said not in provider.versions:
        found = f"{shown(said)}, taken are {', '.join(provider.versions)}"
        yield VERSION.broken("header anthropic-version", found, source=provider.page("versions"))
    # Recorders strip headers: only where something is left may the version be missing, and even there it is no proof.
    elif provider.version_required and asked.said is None and header(asked.headers, "content-type"):
        yield VERSION.broken("header anthropic-version", "there is none", level=Level.HINT)
    for error in unsupported(provider, asked.body, asked.headers):
        yield UNSUPPORTED.broken(error.field, str(error), source=error.source)


_MOST = 100_000
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def _batch(asked: Asked) -> Iterator[Fault]:
    requests = numbered(asked.body.get("requests"))
    if len(requests) > _MOST:
        yield BATCH.broken("requests", f"{len(requests)} requests")
    seen: set[object] = set()
    for n, entry in requests:
        identity = entry.get("custom_id")
        if isinstance(identity, str):
            if identity in seen:
                found = f"a second request with custom_id {shown(identity)}"
                yield BATCH.broken(path("requests", n, "custom_id"), found)
            if not _CUSTOM_ID.fullmatch(identity):
                yield BATCH.broken(path("requests", n, "custom_id"), f"the custom_id {shown(identity)}")
            seen.add(identity)
        if member(entry, "params").get("stream") is True:
            yield BATCH.broken(path("requests", n, "params.stream"), "a streamed request")
