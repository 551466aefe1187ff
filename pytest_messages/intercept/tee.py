"""Hand every byte of a live answer on at once and keep a copy; the session gets it when the answer has ended.

How it ended is the hard part, for replay must give a test what it had. The exception of the client's own library names
a broken connection and a timeout. An answer that nobody waited for any more was *closed*: its reader knew where to
stop, and reading on is another test. One that somebody was still waiting for when a deadline, a cancel scope or an
interrupt took him away was *cancelled*: reading on is exactly what that test did, and replay lets it wait again.
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

from pytest_messages.intercept.common import CALL, ended_by
from pytest_messages.intercept.private import content_decoder
from pytest_messages.wire import Chunk, Ended, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from types import ModuleType

    from pytest_messages.session.call import Ticket
    from pytest_messages.session.session import Session
    from pytest_messages.wire import Headers

_clock = time.perf_counter
"""Taken at import, so that a clock which a test freezes does not freeze us."""

_DRAINED, _PATIENCE = 1 << 16, 0.1
"""How much of an error body is read for a client that closes it unread, in bytes and in seconds: the SDK does so before
each retry, and must not be kept from it by a body that does not come."""


class Tee:
    """One live answer: what was kept of it so far, and the one verdict on how it ended."""

    def __init__(self, session: Session, ticket: Ticket, library: ModuleType, issued: float) -> None:
        self._session, self._ticket, self._library, self._issued = session, ticket, library, issued
        self._status, self._reason = 0, ""
        self._headers: Headers = ()
        self._decoder: Any = None
        self._undecodable = False
        self._pieces: list[bytes] = []
        self._chunks: list[Chunk] = []
        self._size = 0
        self._handled = sys.exception()
        """What the client's caller was recovering from when it asked: nothing that takes this call away."""
        self.waiting = True
        """Whether somebody waits: for the answer at first, then for its next piece."""
        self.ended: Ended | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take note of an exception that comes instead of a response."""
        try:
            yield
        except BaseException as error:
            self.fail(error)
            raise

    def sync_stream(self, response: Any, request: Any) -> Any:
        """Wrap the response's own stream."""
        self._begin(response)
        if response.is_closed:
            return self._whole(response)
        self._session.holds_open(self._ticket, self._closer(response, lambda held: held.close()))
        return _streams(self._library)[0](response.stream, self, response, request)

    def async_stream(self, response: Any) -> Any:
        """Wrap the response's own stream."""
        self._begin(response)
        if response.is_closed:
            return self._whole(response)
        self._session.holds_open(self._ticket, self._closer(response, partial(_close_soon, _running_loop())))
        return _streams(self._library)[1](response.stream, self)

    def _whole(self, response: Any) -> Any:
        """Keep what a transport has read itself, to retry or from its cache: the client will not iterate over it."""
        ended = Ended.CLOSED
        with suppress(self._library.ResponseNotRead):
            self._add(response.content)
            ended = Ended.COMPLETE
        self._decoder = None
        self.end(ended)
        return response.stream

    def _closer(self, response: Any, close: Callable[[Any], None]) -> Callable[[], None]:
        """Make what closes the response at the end of the test, without keeping alive what nobody else holds."""
        held = weakref.ref(response)

        def closer() -> None:
            self.close()
            if (response := held()) is not None:
                close(response)

        return closer

    def settle(self) -> None:
        """Let the session record what a closing generator left behind."""
        self._session.settle()

    def _begin(self, response: Any) -> None:
        self.waiting = False
        response.extensions[CALL] = self._ticket.call
        self._status, self._reason = response.status_code, response.reason_phrase
        self._headers = tuple((name.lower(), value) for name, value in response.headers.multi_items())
        self._decoder = content_decoder(self._library.Response(response.status_code, headers=response.headers))

    @property
    def wants_draining(self) -> bool:
        """Whether the body is an error that is worth reading for a client that does not; not on the way out."""
        leaving = (error := self._in_flight()) is not None and not isinstance(error, Exception)
        return self.ended is None and self._is_small_error and not leaving and not self.waiting

    def _in_flight(self) -> BaseException | None:
        error = sys.exception()
        return None if error is self._handled else error

    @property
    def _is_small_error(self) -> bool:
        return self._status >= 400 and self._size < _DRAINED  # noqa: PLR2004 - HTTP's own boundary

    def drains(self, data: bytes, until: float) -> bool:
        """Keep a piece that the client did not ask for, and tell whether to read on."""
        self.keep(data)
        return self._is_small_error and _clock() < until

    def keep(self, data: bytes) -> None:
        """Keep a copy of what the client gets."""
        self._add(self._decode(self._decoder.decode, data))

    def _add(self, decoded: bytes) -> None:
        self._pieces.append(decoded)
        self._size += len(decoded)
        self._mark()

    def _mark(self) -> None:
        self._chunks.append(Chunk(round((_clock() - self._issued) * 1000), self._size))

    def _decode(self, step: Callable[..., bytes | Iterable[bytes]], *data: bytes) -> bytes:
        """Decode as the client does; where it cannot, its own error is on the way and what was decoded stays."""
        if self._undecodable:
            return b""
        decoded = b""
        try:
            pieces = step(*data)
            for piece in (pieces,) if isinstance(pieces, bytes) else pieces:  # httpx2 decodes piece by piece
                decoded += piece
        except self._library.DecodingError:
            self._undecodable = True
        return decoded

    def fail(self, error: BaseException) -> None:
        """End with the exception that the client is about to see."""
        ended, name = ended_by(error, self._library)
        if self.waiting and name is None:
            ended = Ended.CANCELLED  # whatever took the waiting caller away: a deadline by signal raises anything
        self.end(ended, name, collected=isinstance(error, GeneratorExit))

    def close(self) -> None:
        """End where the client leaves: closed, unless something takes it away while it waits."""
        cancelled = self.waiting or ended_by(self._in_flight(), self._library)[0] is Ended.CANCELLED
        self.end(Ended.CANCELLED if cancelled else Ended.CLOSED)

    def end(self, ended: Ended, error: str | None = None, *, collected: bool = False) -> None:
        """Hand the response to the session. The first verdict counts."""
        if self.ended is not None:
            return
        self.ended, self._handled = ended, None
        if self._decoder is not None:
            known = self._undecodable
            if tail := self._decode(self._decoder.flush):
                self._add(tail)
            # A client flushes its decoder only where it has read to the end.
            if self._undecodable and (known or ended is Ended.COMPLETE):
                ended, error = Ended.DROPPED, self._library.DecodingError.__name__
        if ended is Ended.CANCELLED:
            self._mark()  # how long nothing more had come
        body, chunks = b"".join(self._pieces), tuple(self._chunks)
        response = Response(self._status, self._reason, self._headers, body, chunks, ended, error)
        take = self._session.record_later if collected else self._session.record
        take(self._ticket, response)


@cache
def _streams(library: ModuleType) -> tuple[type, type]:  # noqa: C901 - two small classes, which need the library's bases
    """Make the sync and the async stream class for ``library``."""

    class SyncTee(library.SyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, inner: Any, tee: Tee, response: Any, request: Any) -> None:
            self._inner, self._tee = inner, tee
            self._shares_connection = response.extensions.get("http_version") == b"HTTP/2"
            self._extensions = request.extensions
            self._begun = False

        def __iter__(self) -> Iterator[bytes]:
            self._begun = self._tee.waiting = True
            try:
                for data in self._inner:
                    self._tee.keep(data)
                    self._tee.waiting = False
                    yield data
                    self._tee.waiting = True
            except BaseException as error:
                self._tee.fail(error)
                raise
            finally:
                self._tee.waiting = False
            self._tee.end(Ended.COMPLETE)

        def close(self) -> None:
            try:
                self._drain()
            finally:
                try:
                    self._inner.close()
                finally:
                    self._tee.close()
                    self._tee.settle()

        def _drain(self) -> None:
            # HTTP/2 shares its connection: a read that times out there would end other answers too.
            if self._begun or self._shares_connection or not self._tee.wants_draining:
                return
            until = _clock() + _PATIENCE
            try:
                with _hurried(self._extensions):
                    for data in self._inner:
                        if not self._tee.drains(data, until):
                            return
            except library.TimeoutException:
                return
            except Exception as error:  # noqa: BLE001 - the client did not ask to read: it must not hear of it
                self._tee.fail(error)
            self._tee.end(Ended.COMPLETE)

    class AsyncTee(library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, inner: Any, tee: Tee) -> None:
            self._inner, self._tee = inner, tee
            self._begun = False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            self._begun = self._tee.waiting = True
            try:
                async for data in self._inner:
                    self._tee.keep(data)
                    self._tee.waiting = False
                    yield data
                    self._tee.waiting = True
            except BaseException as error:
                self._tee.fail(error)
                raise
            finally:
                self._tee.waiting = False
            self._tee.end(Ended.COMPLETE)

        async def aclose(self) -> None:
            try:
                await self._drain()
            finally:
                try:
                    await self._inner.aclose()
                finally:
                    self._tee.close()
                    self._tee.settle()

        async def _drain(self) -> None:
            if self._begun or not self._tee.wants_draining:
                return
            until, scope = _clock() + _PATIENCE, anyio.move_on_after(_PATIENCE)
            try:
                with scope:
                    async for data in self._inner:
                        if not self._tee.drains(data, until):
                            return
            except Exception as error:  # noqa: BLE001 - the client did not ask to read: it must not hear of it
                self._tee.fail(error)
            if not scope.cancelled_caught:
                self._tee.end(Ended.COMPLETE)

    return SyncTee, AsyncTee


@contextmanager
def _hurried(extensions: dict[str, Any]) -> Iterator[None]:
    """Let the network wait no longer than we do: it looks at this when a body is first read."""
    own = extensions.get("timeout")
    extensions["timeout"] = {**(own or {}), "read": _PATIENCE}
    try:
        yield
    finally:
        if own is None:
            del extensions["timeout"]
        else:
            extensions["timeout"] = own


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
