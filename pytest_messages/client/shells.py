"""The clients and their streams, sync and async: what sends and what waits, and nothing else."""

from __future__ import annotations

import os
import ssl
from contextlib import AsyncExitStack, aclosing
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

import httpx

from pytest_messages.api import schema
from pytest_messages.client.account import Account, as_json, provider_of
from pytest_messages.client.accumulation import Reading

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator, Iterator, Mapping

    from pytest_messages.api.schema import Message, StreamEvent, TokenCount
    from pytest_messages.client.params import CountParams, CreateParams
    from pytest_messages.providers import Provider
    from pytest_messages.session.session import Session

__tracebackhide__ = True
"""As in `account`."""


class MessagesClient:
    """Asks for messages in the session of a test; `MessagesClient.of` makes one.

    Every call may raise, before anything is sent, `CredentialError`, `UnsupportedFieldError`, and `ConformanceError`
    for a request that breaks the documented API; afterwards `ApiError` for any answer but a success, `ConformanceError`
    for one that is not what it should be, and the exceptions of httpx for a network that fails. Nothing is sent twice.
    """

    def __init__(self, account: Account, http: httpx.Client) -> None:
        self._account = account
        self._http = http

    @classmethod
    def of(cls, session: Session, *, provider: str | Provider | None = None) -> Self:
        """Make a client for ``session`` that speaks to its provider, or to another one."""
        return cls(_account(session, provider), httpx.Client(verify=_trust(session)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def for_provider(self, provider: str | Provider) -> Self:
        """Return a client of the same session for another provider: by name, or by a profile of one's own."""
        return type(self)(self._account.at(provider), self._http)

    @overload
    def create(self, *, stream: Literal[True], **params: Unpack[CreateParams]) -> MessageStream: ...

    @overload
    def create(self, *, stream: Literal[False] = False, **params: Unpack[CreateParams]) -> Message: ...

    def create(self, *, stream: bool = False, **params: Unpack[CreateParams]) -> Message | MessageStream:
        """Return the answer; with ``stream=True`` the same as `stream`. https://platform.claude.com/docs/en/api/messages."""
        if stream:
            return self.stream(**params)
        return self._account.message(self._send(self._account.create(params)))

    def stream(self, **params: Unpack[CreateParams]) -> MessageStream:
        """Return the streamed answer: a context manager, which sends the request when it is entered.

        https://platform.claude.com/docs/en/build-with-claude/streaming
        """
        return MessageStream(self._account, self._http, self._account.create(params, streamed=True))

    def count_tokens(self, **params: Unpack[CountParams]) -> TokenCount:
        """Return how long a prompt would be. https://platform.claude.com/docs/en/api/messages/count_tokens."""
        return self._account.token_count(self._send(self._account.count_tokens(params)))

    def raw(
        self,
        json: object = None,
        *,
        content: str | bytes | None = None,
        method: str = "POST",
        path: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> httpx.Response:
        """Send anything, and return the HTTP response itself, read, whatever its status.

        ``json`` is the body, or ``content`` as it is; ``path`` is below the provider's base URL. ``headers`` replace
        those of the provider, and None leaves one out: a key, for example.
        """
        return self._send(self._account.anything(method, path, _content(json, content), headers or {}))

    def _send(self, request: httpx.Request) -> httpx.Response:
        with self._account.explaining(request):
            return self._http.send(request)


class MessageStream:
    """A streamed answer: ``with client.stream(...) as stream: for event in stream: ...``.

    The events come as they arrive, each once. An ``error`` event is raised as `ApiError`, and a stream that ends before
    its message does as `StreamError`, or as the exception of httpx that broke it off.
    """

    response: httpx.Response
    """The HTTP response whose body this is."""

    def __init__(self, account: Account, http: httpx.Client, request: httpx.Request) -> None:
        self._account = account
        self._http = http
        self._request = request
        self._events: Generator[StreamEvent] | None = None
        self._taken = False

    def __enter__(self) -> Self:
        """Send the request; raises `ApiError` where it is answered with an error."""
        with self._account.explaining(self._request):
            self.response = response = self._http.send(self._request, stream=True)
            if not _is_stream(response):
                response.read()
                raise self._account.not_streamed(response)
        self._reading = Reading(self._account, response)
        self._events = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the response; what was not read yet is lost."""
        self._reading.abandon()
        self._open().close()
        self.response.close()

    def __iter__(self) -> Iterator[StreamEvent]:
        """Yield every event as it arrives; raises `RuntimeError` when asked a second time."""
        self._taken = _once(taken=self._taken)
        return self._open()

    def text_deltas(self) -> Iterator[str]:
        """Yield the pieces of the text as they arrive, in place of the events."""
        return (text for event in self if (text := _text_of(event)))

    def read(self) -> Message:
        """Read what is left, and return the Message that all events add up to."""
        for _ in self._open():
            pass
        return self._reading.message()

    @property
    def message(self) -> Message:
        """The Message that the events add up to; reads what is left. Raises where the stream was cut."""
        return self.read()

    @property
    def text(self) -> str:
        """The text of the message; reads what is left. Raises where the stream was cut."""
        return _text(self.read())

    def _open(self) -> Generator[StreamEvent]:
        return self._events or _not_entered("with")

    def _read(self) -> Generator[StreamEvent]:
        reading = self._reading
        with reading.watching():
            for data in self.response.iter_bytes():
                yield from reading.feed(data)
            yield from reading.end()


class AsyncMessagesClient:
    """As `MessagesClient`, for async tests. No connection outlives a call, and so none an event loop."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @classmethod
    def of(cls, session: Session, *, provider: str | Provider | None = None) -> Self:
        """Make a client for ``session`` that speaks to its provider, or to another one."""
        return cls(_account(session, provider))

    def for_provider(self, provider: str | Provider) -> Self:
        """As `MessagesClient.for_provider`."""
        return type(self)(self._account.at(provider))

    @overload
    def create(self, *, stream: Literal[True], **params: Unpack[CreateParams]) -> AsyncMessageStream: ...

    @overload
    def create(
        self, *, stream: Literal[False] = False, **params: Unpack[CreateParams]
    ) -> Coroutine[Any, Any, Message]: ...

    def create(
        self, *, stream: bool = False, **params: Unpack[CreateParams]
    ) -> Coroutine[Any, Any, Message] | AsyncMessageStream:
        """As `MessagesClient.create`, to be awaited; with ``stream=True`` to be entered with ``async with``."""
        return self.stream(**params) if stream else self._create(params)

    async def _create(self, params: Mapping[str, Any]) -> Message:
        return self._account.message(await self._send(self._account.create(params)))

    def stream(self, **params: Unpack[CreateParams]) -> AsyncMessageStream:
        """As `MessagesClient.stream`, with ``async with`` and ``async for``."""
        return AsyncMessageStream(self._account, self._account.create(params, streamed=True))

    async def count_tokens(self, **params: Unpack[CountParams]) -> TokenCount:
        """As `MessagesClient.count_tokens`."""
        return self._account.token_count(await self._send(self._account.count_tokens(params)))

    async def raw(
        self,
        json: object = None,
        *,
        content: str | bytes | None = None,
        method: str = "POST",
        path: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> httpx.Response:
        """As `MessagesClient.raw`."""
        return await self._send(self._account.anything(method, path, _content(json, content), headers or {}))

    async def _send(self, request: httpx.Request) -> httpx.Response:
        with self._account.explaining(request):
            async with httpx.AsyncClient(verify=_trust(self._account.session)) as http:
                return await http.send(request)


class AsyncMessageStream:
    """As `MessageStream`, with ``async with`` and ``async for``.

    Nothing can wait in a property: ``message`` and ``text`` are there once all events have been read, and
    ``await stream.read()`` reads what is left.
    """

    response: httpx.Response
    """The HTTP response whose body this is."""

    def __init__(self, account: Account, request: httpx.Request) -> None:
        self._account = account
        self._request = request
        self._events: AsyncGenerator[StreamEvent] | None = None
        self._taken = False

    async def __aenter__(self) -> Self:
        """Send the request; raises `ApiError` where it is answered with an error."""
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx.AsyncClient(verify=_trust(self._account.session)))
            with self._account.explaining(self._request):
                self.response = response = await http.send(self._request, stream=True)
                stack.push_async_callback(response.aclose)
                if not _is_stream(response):
                    await response.aread()
                    raise self._account.not_streamed(response)
            self._closing = stack.pop_all()
        self._reading = Reading(self._account, response)
        self._events = self._read()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the response; what was not read yet is lost."""
        self._reading.abandon()
        await self._open().aclose()
        await self._closing.aclose()

    def __aiter__(self) -> AsyncIterator[StreamEvent]:
        """Yield every event as it arrives; raises `RuntimeError` when asked a second time."""
        self._taken = _once(taken=self._taken)
        return self._open()

    def text_deltas(self) -> AsyncIterator[str]:
        """Yield the pieces of the text as they arrive, in place of the events."""
        return (text async for event in self if (text := _text_of(event)))

    async def read(self) -> Message:
        """Read what is left, and return the Message that all events add up to."""
        async for _ in self._open():
            pass
        return self._reading.message()

    @property
    def message(self) -> Message:
        """The Message that the events add up to. Raises where the stream was cut or not read to its end."""
        self._open()
        return self._reading.message()

    @property
    def text(self) -> str:
        """The text of the message. Raises where the stream was cut or not read to its end."""
        return _text(self.message)

    def _open(self) -> AsyncGenerator[StreamEvent]:
        return self._events or _not_entered("async with")

    async def _read(self) -> AsyncGenerator[StreamEvent]:
        reading = self._reading
        with reading.watching():
            async with aclosing(self.response.aiter_bytes()) as pieces:  # type: ignore[type-var]  # httpx says iterator
                async for data in pieces:
                    for event in reading.feed(data):
                        yield event
            for event in reading.end():
                yield event


def _account(session: Session, provider: str | Provider | None) -> Account:
    return Account(session=session, provider=provider_of(session, provider), environ=os.environ)


def _trust(session: Session) -> ssl.SSLContext:
    """Return whom to trust. Where nothing goes out that is nobody: reading certificates takes 20 ms and more."""
    return _certificates() if session.may_forward else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _content(json: object, content: str | bytes | None) -> str | bytes | None:
    return content if json is None else as_json(json)


def _is_stream(response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return response.is_success and kind.startswith("text/event-stream")


def _once(*, taken: bool) -> Literal[True]:
    if taken:
        raise RuntimeError("the events of a stream come once: keep them in a list, or use `.message`")
    return True


def _not_entered(keyword: str) -> Any:
    raise RuntimeError(f"the stream is not open: `{keyword} client.stream(...) as stream`")


def _text_of(event: StreamEvent) -> str:
    """Return the text that an event adds."""
    match event:
        case schema.ContentBlockDeltaEvent(delta=schema.TextDelta(text=text)):
            return text
        case schema.ContentBlockStartEvent(content_block=schema.TextBlock(text=text)):
            return text
        case _:
            return ""


def _text(message: Message) -> str:
    return "".join(block.text for block in message.content if isinstance(block, schema.TextBlock))
