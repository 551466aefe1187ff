"""How a streamed answer grows: bytes to typed events, and events to a Message. No I/O."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError

from pytest_messages.api import schema, sse, stream
from pytest_messages.api.stream import StreamState
from pytest_messages.client.account import explained, wire_response
from pytest_messages.errors import StreamError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from pytest_messages.api.schema import Message, StreamEvent
    from pytest_messages.api.sse import Event
    from pytest_messages.client.account import Account

__tracebackhide__ = True
"""As in `account`."""

# What one gateway sends after the last event.
_TAIL = "[DONE]"


class Reading:
    """What has been read of one stream. ``response`` is the HTTP response that it is the body of."""

    def __init__(self, account: Account, response: httpx.Response) -> None:
        self.account = account
        self.response = response
        self._blocks = sse.Blocks()
        self._payloads: list[dict[str, Any]] = []
        self._size = 0
        self._state = StreamState.BEGINNING
        self._failure: BaseException | None = None
        self.ended = False

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        """Yield the events that ``data`` completes; raises `ApiError` for an error event, `StreamError` for garbage."""
        self._size += len(data)
        yield from self._typed(self._blocks.feed(data))

    def end(self) -> Iterator[StreamEvent]:
        """Yield what the end of the body completes; raises `StreamError` where the message is not complete."""
        yield from self._typed(self._blocks.flush())
        if self._state is not StreamState.STOPPED:
            self._cut(f"it ended {self._state}")
        self.ended = True

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Remember what broke the stream off, so that nobody takes what has arrived for the whole."""
        try:
            with self.account.explaining(self.response.request):
                yield
        except GeneratorExit:
            raise
        except BaseException as error:
            self._failure = error
            raise

    def abandon(self) -> None:
        """Take note that nobody will read on."""
        if not self.ended and self._failure is None:
            try:
                self._cut("it was closed before its end")
            except StreamError as error:
                self._failure = error

    def message(self) -> Message:
        """Return the Message that the events add up to; raises again what broke the stream off."""
        if self._failure is not None:
            raise self._failure
        if not self.ended:
            raise RuntimeError("the stream has not been read to its end: `await stream.read()` does that")
        return self.account.parsed(stream.accumulate(self._payloads), "Message", schema.parse_message)

    def _cut(self, how: str) -> NoReturn:
        raise explained(StreamError(f"the stream is cut: {how}, without message_stop", offset=self._size))

    def _typed(self, blocks: Iterable[Event]) -> Iterator[StreamEvent]:
        for block in blocks:
            payload = self._payload(block)
            if payload is not None:
                self._payloads.append(payload)
                self._state, _ = stream.after(self._state, payload["type"])
                yield _event(payload)

    def _payload(self, block: Event) -> dict[str, Any] | None:
        if block.undecodable is not None:
            _broken("it is not UTF-8", block.undecodable)
        if block.ignored and not block.lines:
            _broken(f"it has a line {block.ignored[0][:40]!r}", block.start)
        if not block.dispatched or block.data == _TAIL:
            return None
        payload = stream.payload(block)
        if not isinstance(payload, dict) or not isinstance(payload.get("type"), str):
            _broken(f"an event's data is {block.data[:40]!r}, no JSON object with a type", block.start)
        if payload["type"] == "error":
            raise self.account.error(wire_response(self.response, block.data.encode()))
        return payload


def _broken(how: str, offset: int) -> NoReturn:
    raise explained(StreamError(f"the answer is no stream of a Message: {how}", offset=offset))


def _event(payload: dict[str, Any]) -> StreamEvent:
    try:
        return schema.parse_event(payload)
    except ValidationError:
        # Not as documented: it is handed on as it is, and the judge of the session names what is wrong with it.
        return schema.UnknownEvent.model_validate(payload)
