"""What an error response says, in whichever envelope."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pytest_messages.providers.lookup import at, pairs
from pytest_messages.providers.profile import ErrorFacts, Provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def read_error(
    provider: Provider,
    status: int,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: object,
) -> ErrorFacts:
    """Read an error response, or the ``data`` of an error event, in the way its ``provider`` writes it.

    ``body`` is the parsed JSON, or the text where it is none. What the provider's own form leaves open is read in the
    documented form, since a gateway may hand an answer through.
    """
    named = {name.lower(): value for name, value in reversed(pairs(headers))}
    shape = provider.error
    message = _first(body, shape.message, "error.message", "error", "message")
    return ErrorFacts(
        type=_first(body, shape.type, "error.type"),
        message=message or (body if isinstance(body, str) and body else f"status {status}"),
        request_id=_first(body, shape.request_id, "request_id")
        or named.get(shape.request_id_header or "request-id")
        or named.get("request-id"),
        retry_after=_retry_after(named),
    )


def _first(body: object, *paths: str) -> str | None:
    """Return the first text found at one of ``paths``; numbers count as text, as some gateways write codes."""
    for path in filter(None, paths):
        for _, value in at(body, path):
            if isinstance(value, (str, int)) and str(value):
                return str(value)
    return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the wait in seconds; a date counts from the answer's own ``date``, since nothing here reads a clock."""
    ms, said = _number(headers.get("retry-after-ms")), headers.get("retry-after")
    if ms is not None:
        return ms / 1000
    seconds = _number(said)
    if seconds is not None or said is None:
        return seconds
    try:
        until, now = parsedate_to_datetime(said), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
