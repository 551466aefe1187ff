"""A request and a response as they crossed the wire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, NewType

Headers = tuple[tuple[str, str], ...]
"""Name and value pairs in wire order; names are lower-case."""


def header(headers: Headers, name: str) -> str | None:
    """Return the first value of ``name`` (lower-case), or None."""
    for key, value in headers:
        if key == name:
            return value
    return None


class Ended(StrEnum):
    """How a response came to its end."""

    COMPLETE = "complete"
    """The body ended as HTTP says it should, or the client stopped after a terminal event."""
    DROPPED = "dropped"
    """The connection broke."""
    TIMEOUT = "timeout"
    """The client waited longer than it was willing to."""
    CLOSED = "closed"
    """The client stopped reading, where it chose to."""
    CANCELLED = "cancelled"
    """The client gave up waiting for more: a deadline of its own, a cancelled task, an interrupt."""


class Chunk(NamedTuple):
    """One network piece of a body, as its end: milliseconds since the request, and decoded bytes so far."""

    ms: int
    end: int


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the client made it; ``body`` is what was sent, decoded from any content coding."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""

    def __repr__(self) -> str:
        """Name the request without showing it: a raw request may hold a key."""
        return f"<Request {self.method} {self.url.split('?')[0].rsplit('@')[-1]} ({len(self.body)} bytes)>"


@dataclass(frozen=True, slots=True)
class Response:
    """A response once it has ended, however it ended.

    ``status`` 0 means that no response came; ``body`` is decoded from any content coding; ``error`` is the class name
    of the client library's exception where ``ended`` is dropped or timeout; where it is cancelled, the last chunk says
    when.
    """

    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""
    chunks: tuple[Chunk, ...] = ()
    ended: Ended = Ended.COMPLETE
    error: str | None = None

    @property
    def is_stream(self) -> bool:
        """Tell whether the body is a stream of server-sent events."""
        return (header(self.headers, "content-type") or "").startswith("text/event-stream")


Scrubbed = NewType("Scrubbed", Request)
"""A request whose secrets are replaced. Only `scrubbing` makes one, so that the type checker proves that what is
matched and what is stored has been scrubbed."""
