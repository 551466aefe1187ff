"""One request of a running test, what came back, and what the session decides about it.

`Call` is what users read; a `Ticket` is the position that a call claimed; `Replay`, `Forward` and `Refuse` are the
decisions. A decision is a value: the shells in `intercept` do what it says, each in its library's way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_messages.api import jsons, schema, sse, stream
from pytest_messages.providers import group_of
from pytest_messages.wire import Ended, Response, header

if TYPE_CHECKING:
    from pytest_messages.errors import MessagesError
    from pytest_messages.providers import Provider
    from pytest_messages.wire import Request, Scrubbed


class Call:
    """One request of a running test, as it was sent, and what came back.

    ``request`` is held in memory only and may contain a key: its ``repr`` shows none of it. ``response`` is None until
    the answer has ended.
    """

    def __init__(self, *, position: int, request: Request, scrubbed: Scrubbed, provider: Provider) -> None:
        self.position = position
        self.request = request
        self.provider = provider
        self.response: Response | None = None
        self.replayed = False
        self.duration: float | None = None
        self._scrubbed = scrubbed

    @property
    def ended(self) -> Ended | None:
        """How the answer ended, None while it is on its way."""
        return self.response.ended if self.response else None

    @property
    def body(self) -> Any:
        """The request's body, parsed where it is JSON."""
        return jsons.read(self.request.body)

    @property
    def group(self) -> str | None:
        """The provider's own session that this call belongs to, where it groups calls: Shinzo's, by its user id."""
        return group_of(self.provider, self.body)

    @property
    def retry_after(self) -> float | None:
        """How many seconds the answer asked to wait, though replay does not wait."""
        return _seconds(self.response.headers, "retry-after-ms", "retry-after") if self.response else None

    @cached_property
    def events(self) -> tuple[schema.StreamEvent, ...]:
        """The events of a streamed answer, typed; empty for any other."""
        if not self.response or not self.response.is_stream:
            return ()
        decoded = sse.decode(self.response.body)
        return tuple(
            schema.parse_event(value) for event in decoded if isinstance(value := jsons.read(event.data), dict)
        )

    @cached_property
    def message(self) -> schema.Message | None:
        """The answer as a Message, folded from its events where it was streamed; None where there is none."""
        if not self.response:
            return None
        if self.response.is_stream:
            body: Any = stream.fold(sse.decode(self.response.body))
        else:
            body = jsons.read(self.response.body)
        return schema.parse_message(body) if isinstance(body, dict) and body.get("type") == "message" else None

    def __repr__(self) -> str:
        """Show the call without its body."""
        answer = f"{self.response.status} {self.response.ended}" if self.response else "unanswered"
        return f"<Call {self.position} {self._scrubbed.method} {self._scrubbed.url}: {answer}>"


@dataclass(slots=True, eq=False)
class Ticket:
    """The position that a call claimed when it was issued; `Session.record` wants it back with the answer."""

    call: Call
    scrubbed: Scrubbed
    at: str
    thread: int
    raced: bool
    """Whether an earlier call, of another thread, was still unanswered at the time."""
    library: str = ""
    """The HTTP library that issued it, where the caller said so."""
    phase: str | None = None
    """``teardown`` where the test's own call was over by then."""

    @property
    def asked(self) -> str:
        """Method and URL, for explanations."""
        return f"{self.scrubbed.method} {self.scrubbed.url}"


@dataclass(frozen=True, slots=True)
class Replay:
    """Answer from the cassette."""

    ticket: Ticket
    response: Response


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request; `Session.record` takes the answer."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Refuse:
    """Neither replay nor send: raise what says why."""

    error: MessagesError


# Reading what crossed the wire


def last_text(body: bytes) -> str:
    """Return the last text of a request's last message; empty where it has none."""
    asked = jsons.read(body)
    messages = asked.get("messages") if isinstance(asked, dict) else None
    content = messages[-1].get("content") if isinstance(messages, list) and messages else None
    if isinstance(content, list):
        texts = [block.get("text") for block in content if isinstance(block, dict) and block.get("type") == "text"]
        content = texts[-1] if texts else None
    return content if isinstance(content, str) else ""


def _seconds(headers: Any, milliseconds: str, seconds: str) -> float | None:
    for name, unit in ((milliseconds, 1000.0), (seconds, 1.0)):
        value = header(headers, name)
        try:
            if value is not None:
                return float(value) / unit
        except ValueError:
            continue
    return None


def truly_ended(response: Response) -> Response:
    """Take a client that stops reading after the terminal event for one that has read it all."""
    if response.ended is not Ended.CLOSED or not response.is_stream:
        return response
    last = next((event.name for event in reversed(sse.decode(response.body)) if event.name), None)
    if last not in {"message_stop", "error"}:
        return response
    return Response(response.status, response.reason, response.headers, response.body, response.chunks)


_USAGE = re.compile(rb'^data: ?(.*"usage".*?)\r?$', re.MULTILINE)


def tokens(response: Response) -> tuple[int, int]:
    """Input and output tokens of an answer; zero where it says none."""
    said = (
        [jsons.read(line) for line in _USAGE.findall(response.body)]
        if response.is_stream
        else [jsons.read(response.body)]
    )
    counts = {"input_tokens": 0, "output_tokens": 0}
    for body in said:
        # In a stream the first count stands in the message that begins, and the last one is cumulative.
        told = body.get("message", body) if isinstance(body, dict) else None
        usage = told.get("usage") if isinstance(told, dict) else None
        if isinstance(usage, dict):
            counts |= {name: count for name in counts if isinstance(count := usage.get(name), int)}
    return counts["input_tokens"], counts["output_tokens"]
