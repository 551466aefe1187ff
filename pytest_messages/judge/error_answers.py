"""Does the API say no as it is documented to? Error bodies, statuses and the headers that go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages.findings import Level
from pytest_messages.judge.documentation import ERRORS, RATE_LIMITS
from pytest_messages.judge.rules import declare
from pytest_messages.judge.shape import ENVELOPE, judge_shape
from pytest_messages.judge.values import member, shown
from pytest_messages.wire import header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.judge.rules import Fault
    from pytest_messages.providers import Provider
    from pytest_messages.wire import Headers

STATUS = declare("error.status", Level.VIOLATION, ERRORS, "Each status has its error types.", "D11")
STATUS_UNKNOWN = declare("error.status-unknown", Level.HINT, ERRORS, "This status is not documented here.", "D11")
REQUEST_ID = declare("error.request-id", Level.HINT, ERRORS, "An error carries the id of its request.", "D12")
RETRY_AFTER = declare("error.retry-after", Level.HINT, RATE_LIMITS, "A rate limit says when to try again.", "D12")

_DOCUMENTED = ("type", "error")
_TOO_LARGE = 413
_RATE_LIMITED = 429
_SERVER = 500
# A fault of the request that has no type of its own, and one of the server that has none.
_GENERAL = {"invalid_request_error": range(400, 500), "api_error": range(500, 600)}


def judge_error(body: object, status: int, headers: Headers, provider: Provider) -> Iterator[Fault]:
    """Judge the parsed body of an answer of status 4xx or 5xx; ``body`` is None where it is no JSON.

    https://platform.claude.com/docs/en/api/errors
    """
    known = {entry.code for entry in provider.statuses}
    if known and status not in known:
        yield STATUS_UNKNOWN.broken("status", f"the status is {status}")
    yield from _envelope(body, status, provider, documented=status in known or not known)
    if isinstance(body, dict):
        yield from _status(member(body, "error").get("type"), status, provider)
        yield from _trimmings(body, status, headers, provider)


def _envelope(body: object, status: int, provider: Provider, *, documented: bool) -> Iterator[Fault]:
    if not isinstance(body, dict):
        # What is too large, or meets a failure on the way, is answered before the API is reached.
        level = None if documented and status != _TOO_LARGE and status < _SERVER else Level.HINT
        yield ENVELOPE.broken("body", "the body is not a JSON object", level=level)
    elif provider.error.envelope == _DOCUMENTED:
        yield from judge_shape("error", body)
    else:
        for name in provider.error.envelope:
            if name not in body:
                yield ENVELOPE.broken("body", f"there is no {name}")


def _status(kind: object, status: int, provider: Provider) -> Iterator[Fault]:
    here = provider.types_of(status)
    elsewhere = {name for entry in provider.statuses for name in entry.types}
    if (
        isinstance(kind, str)
        and here
        and kind not in here
        and kind in elsewhere
        and status not in _GENERAL.get(kind, ())
    ):
        yield STATUS.broken("error.type", f"{shown(kind)} with status {status}, documented is {here[0]}")


def _trimmings(body: dict[str, object], status: int, headers: Headers, provider: Provider) -> Iterator[Fault]:
    shape = provider.error
    if (shape.request_id or shape.request_id_header) and not (
        body.get(shape.request_id or "request_id") or header(headers, shape.request_id_header or "request-id")
    ):
        yield REQUEST_ID.broken("request_id", "there is none, in the body or the headers")
    if status == _RATE_LIMITED and not (header(headers, "retry-after") or header(headers, "retry-after-ms")):
        yield RETRY_AFTER.broken("headers", "there is no retry-after")
