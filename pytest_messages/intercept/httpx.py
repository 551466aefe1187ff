"""Put a session between an httpx or httpx2 client and its network.

The library is a parameter: ``httpx`` or ``httpx2``, whose relevant parts are the same. Sync and async shells share all
but the words ``async`` and ``await``. Every private name of either library that we touch is in this file:
``Client._transport_for_url``, the one place that custom transports, mounts and redirects all pass, and
``Response._get_content_decoder``, the client's own decoder.
"""

from __future__ import annotations

import asyncio
import sys
import time
import weakref
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import anyio

from pytest_messages.intercept.chunking import pieces
from pytest_messages.intercept.common import CALL, PROVIDER, pass_by, sending, without_waiting
from pytest_messages.session.call import Refuse, Replay
from pytest_messages.session.scope import Ours
from pytest_messages.wire import Chunk, Ended, Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from types import ModuleType

    from pytest_messages.session.call import Ticket
    from pytest_messages.session.session import Session
    from pytest_messages.wire import Headers

_clock = time.perf_counter
"""Taken at import, so that a clock which a test freezes does not freeze us."""
_sleep = time.sleep

_DRAINED = 1 << 16
"""How much of an error body is read for a client that closes it unread: the SDK does so before each retry."""

_IN_PROCESS = {"ASGITransport", "WSGITransport", "MockTransport", "_TestClientTransport"}
"""Classes, of httpx, httpx2, respx and starlette, whose instances are the application, not the network.

Known by name: the libraries give their public classes a module that says nothing, and none is imported for this.
"""


def hook(library: ModuleType, innermost: Callable[[], Session | None]) -> Callable[[], None]:
    """Let every client of ``library`` ask ``innermost`` for a session at each request; return what undoes it."""
    undo = [_hook(getattr(library, name), library, innermost) for name in ("Client", "AsyncClient")]

    def unhook() -> None:
        for step in undo:
            step()

    return unhook


def _hook(client: type, library: ModuleType, innermost: Callable[[], Session | None]) -> Callable[[], None]:
    original = client._transport_for_url  # type: ignore[attr-defined]  # noqa: SLF001 - see the module's docstring

    def _transport_for_url(self: Any, url: Any) -> Any:
        transport = original(self, url)
        session = innermost()
        return transport if session is None else _between(session, transport, str(url), library)

    client._transport_for_url = _transport_for_url  # type: ignore[attr-defined]  # noqa: SLF001

    def unhook() -> None:
        client._transport_for_url = original  # type: ignore[attr-defined]  # noqa: SLF001

    return unhook


def _between(session: Session, transport: Any, url: str, library: ModuleType) -> Any:
    ours = session.scope.may_be(url)
    if _is_in_process(transport) and not session.scope.names(url):
        return transport
    if ours is Ours.CLOUD:
        return _Cloud(transport, session, library)
    if session.scope.of_call(url) is Ours.YES:
        return Shell(transport, session, library)
    return transport if ours is Ours.NO and session.may_forward else _Undecided(transport, session, library)


def _is_in_process(transport: object) -> bool:
    return any(kind.__name__ in _IN_PROCESS for kind in type(transport).__mro__)


class _Cloud:
    """A cloud's form of the API: refused where nothing may go out, let through unrecorded and counted elsewhere."""

    def __init__(self, inner: Any, session: Session, library: ModuleType) -> None:
        self._inner, self._session, self._library = inner, session, library

    def _check(self, request: Any) -> None:
        pass_by(self._session, str(request.url), host=request.url.host, library=self._library.__name__)

    def handle_request(self, request: Any) -> Any:
        self._check(request)
        return self._inner.handle_request(request)

    async def handle_async_request(self, request: Any) -> Any:
        self._check(request)
        return await self._inner.handle_async_request(request)


class _Undecided:
    """A call that is ours only by its method or headers, which a client tells no sooner than it sends.

    One that is not ours goes out as it is, vouched for: the guard knows hosts only, and refuses what nobody saw.
    """

    def __init__(self, inner: Any, session: Session, library: ModuleType) -> None:
        self._inner, self._session, self._library = inner, session, library

    def _is_ours(self, request: Any) -> bool:
        url, headers = str(request.url), request.headers.items()
        return self._session.scope.of_call(url, headers, request.method) is Ours.YES

    def handle_request(self, request: Any) -> Any:
        if self._is_ours(request):
            return Shell(self._inner, self._session, self._library).handle_request(request)
        with sending():
            return self._inner.handle_request(request)

    async def handle_async_request(self, request: Any) -> Any:
        if self._is_ours(request):
            return await Shell(self._inner, self._session, self._library).handle_async_request(request)
        with sending():
            return await self._inner.handle_async_request(request)


class Shell:
    """A transport that asks the session, then replays, forwards or refuses."""

    def __init__(self, inner: Any, session: Session, library: ModuleType) -> None:
        self._inner, self._session, self._library = inner, session, library

    def handle_request(self, request: Any) -> Any:
        """Answer a sync client."""
        issued = _clock()
        decision = self._decide(request, request.read())
        if isinstance(decision, Replay):
            return self._replayed(decision, request)
        tee = _Tee(self._session, decision.ticket, self._library, issued)
        with sending(), tee.watching():
            response = self._inner.handle_request(request)
        response.stream = tee.sync_stream(response)
        return response

    async def handle_async_request(self, request: Any) -> Any:
        """Answer an async client."""
        issued = _clock()
        decision = self._decide(request, await request.aread())
        if isinstance(decision, Replay):
            return self._replayed(decision, request)
        tee = _Tee(self._session, decision.ticket, self._library, issued)
        with sending(), tee.watching():
            response = await self._inner.handle_async_request(request)
        response.stream = tee.async_stream(response)
        return response

    def _decide(self, request: Any, body: bytes) -> Any:
        decision = self._session.decide(
            to_wire(request, body), provider=request.extensions.get(PROVIDER), library=self._library.__name__
        )
        if isinstance(decision, Refuse):
            self._session.refuse(decision.error)
        return decision

    def _replayed(self, decision: Replay, request: Any) -> Any:
        response = decision.response
        if not response.status:
            raise _as_raised(self._library, response, request)
        stream = streams(self._library).Replay(self._session, response, request, self._library)
        return self._library.Response(
            response.status,
            headers=without_waiting(response.headers),
            stream=stream,
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": response.reason.encode("ascii", "replace"),
                CALL: decision.ticket.call,
            },
        )


def to_wire(request: Any, body: bytes) -> Request:
    """Turn a library's request into a value."""
    headers = tuple((name.lower(), value) for name, value in request.headers.multi_items())
    return Request(request.method, str(request.url), headers, body)


def _as_raised(library: ModuleType, response: Response, request: Any) -> Exception:
    """Make the exception that the client saw, as its own library spells it."""
    kind = getattr(library, response.error or "", None)
    if not (isinstance(kind, type) and issubclass(kind, library.TransportError)):
        kind = library.ReadTimeout if response.ended is Ended.TIMEOUT else library.RemoteProtocolError
    error: Exception = kind(f"replayed: the recorded response ended as {response.ended}", request=request)
    return error


class _Tee:
    """Hand every byte on at once and keep a copy; the session gets it when the stream has ended, however it ended."""

    def __init__(self, session: Session, ticket: Ticket, library: ModuleType, issued: float) -> None:
        self._session, self._ticket, self._library, self._issued = session, ticket, library, issued
        self._status, self._reason = 0, ""
        self._headers: Headers = ()
        self._decoder: Any = None
        self._pieces: list[bytes] = []
        self._chunks: list[Chunk] = []
        self._size = 0
        self.ended: Ended | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take note of an exception that comes instead of a response."""
        try:
            yield
        except BaseException as error:
            self.end(*self.verdict(error))
            raise

    def sync_stream(self, response: Any) -> Any:
        """Wrap the response's own stream."""
        self._begin(response)
        if response.is_closed:
            return self._whole(response)
        self._session.holds_open(self._ticket, self._closer(response, lambda held: held.close()))
        return streams(self._library).Tee(response.stream, self)

    def async_stream(self, response: Any) -> Any:
        """Wrap the response's own stream."""
        self._begin(response)
        if response.is_closed:
            return self._whole(response)
        self._session.holds_open(self._ticket, self._closer(response, partial(_close_soon, _running_loop())))
        return streams(self._library).AsyncTee(response.stream, self)

    def _whole(self, response: Any) -> Any:
        """Keep what a transport has read itself, to retry or from its cache: the client will not iterate over it."""
        ended = Ended.CLOSED
        with suppress(self._library.ResponseNotRead):
            self._add(response.content)
            ended = Ended.COMPLETE
        self._decoder = None
        self.end(ended, None)
        return response.stream

    def _closer(self, response: Any, close: Callable[[Any], None]) -> Callable[[], None]:
        """Make what closes the response at the end of the test, without keeping alive what nobody else holds."""
        held = weakref.ref(response)

        def closer() -> None:
            self.end(Ended.CLOSED, None)
            if (response := held()) is not None:
                close(response)

        return closer

    def settle(self) -> None:
        """Let the session record what a closing generator left behind."""
        self._session.settle()

    def _begin(self, response: Any) -> None:
        response.extensions[CALL] = self._ticket.call
        self._status, self._reason = response.status_code, response.reason_phrase
        self._headers = tuple((name.lower(), value) for name, value in response.headers.multi_items())
        decoding = self._library.Response(response.status_code, headers=response.headers)
        self._decoder = decoding._get_content_decoder()  # noqa: SLF001 - see the module's docstring

    def is_error(self) -> bool:
        """Whether the body is an error that is worth reading for a client that does not."""
        return self._status >= 400 and self._size < _DRAINED  # noqa: PLR2004 - HTTP's own boundary

    def keep(self, data: bytes) -> None:
        """Keep a copy of what the client gets."""
        self._add(self._decode(self._decoder.decode, data))

    def _add(self, decoded: bytes) -> None:
        self._pieces.append(decoded)
        self._size += len(decoded)
        self._chunks.append(Chunk(round((_clock() - self._issued) * 1000), self._size))

    def _decode(self, step: Callable[..., bytes | Iterable[bytes]], *data: bytes) -> bytes:
        """Decode as the client does; where it cannot, its own error is on the way and what was decoded stays."""
        try:
            decoded = step(*data)
            return decoded if isinstance(decoded, bytes) else b"".join(decoded)  # httpx2 decodes piece by piece
        except self._library.DecodingError:
            return b""

    def verdict(self, error: BaseException) -> tuple[Ended, str | None]:
        """Name how it ended, by the exception of the client's library."""
        if isinstance(error, self._library.TimeoutException):
            return Ended.TIMEOUT, type(error).__name__
        if isinstance(error, (self._library.NetworkError, self._library.ProtocolError)):
            return Ended.DROPPED, type(error).__name__
        return Ended.CLOSED, None

    def end(self, ended: Ended, error: str | None, *, collected: bool = False) -> None:
        """Hand the response to the session. The first verdict counts."""
        if self.ended is not None:
            return
        self.ended = ended
        if self._decoder is not None and (tail := self._decode(self._decoder.flush)):
            self._add(tail)
        body, chunks = b"".join(self._pieces), tuple(self._chunks)
        response = Response(self._status, self._reason, self._headers, body, chunks, ended, error)
        take = self._session.record_later if collected else self._session.record
        take(self._ticket, response)


class _Streams:
    """The stream classes of one library, which must derive from its own."""

    Tee: type
    AsyncTee: type
    Replay: type


@cache
def streams(library: ModuleType) -> type[_Streams]:  # noqa: C901 - three small classes, which need the library's bases
    """Make the stream classes for ``library``."""

    class Tee(library.SyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, inner: Any, tee: _Tee) -> None:
            self._inner, self._tee = inner, tee
            self._rest: Iterator[bytes] | None = None

        def __iter__(self) -> Iterator[bytes]:
            self._rest = iter(self._inner)
            try:
                for data in self._rest:
                    self._tee.keep(data)
                    yield data
            except GeneratorExit:
                self._tee.end(Ended.CLOSED, None, collected=True)
                raise
            except BaseException as error:
                self._tee.end(*self._tee.verdict(error))
                raise
            self._tee.end(Ended.COMPLETE, None)

        def close(self) -> None:
            try:
                self._drain()
            finally:
                self._inner.close()
                self._tee.end(Ended.CLOSED, None)
                self._tee.settle()

        def _drain(self) -> None:
            if self._tee.ended is not None or not self._tee.is_error() or _is_leaving():
                return
            try:
                for data in self._rest or iter(self._inner):
                    self._tee.keep(data)
                    if not self._tee.is_error():
                        return
            except Exception as error:  # noqa: BLE001 - the client did not ask to read: it must not hear of it
                self._tee.end(*self._tee.verdict(error))
            self._tee.end(Ended.COMPLETE, None)

    class AsyncTee(library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, inner: Any, tee: _Tee) -> None:
            self._inner, self._tee = inner, tee
            self._rest: AsyncIterator[bytes] | None = None

        async def __aiter__(self) -> AsyncIterator[bytes]:
            self._rest = aiter(self._inner)
            try:
                async for data in self._rest:
                    self._tee.keep(data)
                    yield data
            except GeneratorExit:
                self._tee.end(Ended.CLOSED, None, collected=True)
                raise
            except BaseException as error:
                self._tee.end(*self._tee.verdict(error))
                raise
            self._tee.end(Ended.COMPLETE, None)

        async def aclose(self) -> None:
            try:
                await self._drain()
            finally:
                await self._inner.aclose()
                self._tee.end(Ended.CLOSED, None)
                self._tee.settle()

        async def _drain(self) -> None:
            if self._tee.ended is not None or not self._tee.is_error() or _is_leaving():
                return
            try:
                async for data in self._rest or aiter(self._inner):
                    self._tee.keep(data)
                    if not self._tee.is_error():
                        return
            except Exception as error:  # noqa: BLE001 - the client did not ask to read: it must not hear of it
                self._tee.end(*self._tee.verdict(error))
            self._tee.end(Ended.COMPLETE, None)

    class ReplayStream(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, session: Session, response: Response, request: Any, library: ModuleType) -> None:
            self._session, self._response, self._request, self._library = session, response, request, library

        def _pieces(self) -> Iterator[tuple[float, bytes]]:
            """Seconds to wait, and bytes."""
            settings, start = self._session.settings, _clock()
            for after, data in pieces(self._response, chunking=settings.chunking, pace=settings.pace):
                yield max(0.0, start + after - _clock()), data

        def __iter__(self) -> Iterator[bytes]:
            for wait, data in self._pieces():
                if wait:
                    _sleep(wait)
                yield data
            self._finish()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for wait, data in self._pieces():
                if wait:
                    await anyio.sleep(wait)
                yield data
            self._finish()

        def _finish(self) -> None:
            if self._response.ended is Ended.CLOSED:
                self._session.refuse_to_read_past(self._request.method, str(self._request.url))
            if self._response.ended is not Ended.COMPLETE:
                raise _as_raised(self._library, self._response, self._request)

    class Made(_Streams):
        pass

    Made.Tee, Made.AsyncTee, Made.Replay = Tee, AsyncTee, ReplayStream
    return Made


def _is_leaving() -> bool:
    """Tell whether an exception other than an ordinary one is on its way: then nothing is drained."""
    error = sys.exception()
    return error is not None and not isinstance(error, Exception)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None  # trio


def _close_soon(loop: asyncio.AbstractEventLoop | None, response: Any) -> None:
    """Close an async response from sync code: by its own event loop, as soon as that runs again."""
    if loop is None or loop.is_closed():
        return  # the connection went with the loop
    tasks: set[asyncio.Task[None]] = set()

    def close() -> None:
        task = loop.create_task(response.aclose())
        tasks.add(task)  # a loop holds its tasks by weak references only
        task.add_done_callback(forget)

    def forget(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled():
            task.exception()  # nobody is left to hear of it

    loop.call_soon_threadsafe(close)
