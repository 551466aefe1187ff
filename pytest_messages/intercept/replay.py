"""Answer a client of httpx or httpx2 from the cassette: the same bytes, then the same end, in its library's words."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

import anyio

from pytest_messages.intercept.chunking import pieces
from pytest_messages.intercept.common import CALL, is_given_up, silence, without_waiting
from pytest_messages.wire import Ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import ModuleType

    from pytest_messages.session.call import Replay
    from pytest_messages.session.session import Session
    from pytest_messages.wire import Response

_clock = time.perf_counter
"""Taken at import, so that a clock which a test freezes does not freeze us."""
_sleep = time.sleep


def answered(decision: Replay, request: Any, session: Session, library: ModuleType) -> Any:
    """Return the response for a sync client, or let it wait or fail as it did."""
    if not decision.response.status and is_given_up(decision.response):
        for nap in silence(session, request.method, str(request.url)):
            _sleep(nap)
    return _response(decision, request, session, library)


async def answered_async(decision: Replay, request: Any, session: Session, library: ModuleType) -> Any:
    """Return the response for an async client, or let it wait or fail as it did."""
    if not decision.response.status and is_given_up(decision.response):
        for nap in silence(session, request.method, str(request.url)):
            await anyio.sleep(nap)
    return _response(decision, request, session, library)


def _response(decision: Replay, request: Any, session: Session, library: ModuleType) -> Any:
    response = decision.response
    if not response.status:
        raise _as_raised(library, response, request)
    return library.Response(
        response.status,
        headers=without_waiting(response.headers),
        stream=_stream(library)(session, response, request),
        extensions={
            "http_version": b"HTTP/1.1",
            "reason_phrase": response.reason.encode("ascii", "replace"),
            CALL: decision.ticket.call,
        },
    )


def _as_raised(library: ModuleType, response: Response, request: Any) -> Exception:
    """Make the exception that the client saw, as its own library spells it."""
    kind = getattr(library, response.error or "", None)
    if not (isinstance(kind, type) and issubclass(kind, (library.TransportError, library.DecodingError))):
        kind = library.ReadTimeout if response.ended is Ended.TIMEOUT else library.RemoteProtocolError
    error: Exception = kind(f"replayed: the recorded response ended as {response.ended}", request=request)
    return error


@cache
def _stream(library: ModuleType) -> type:  # noqa: C901 - one small class, which needs the library's bases
    """Make the stream class for ``library``, which must derive from its own."""

    class ReplayStream(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, session: Session, response: Response, request: Any) -> None:
            self._session, self._response, self._request = session, response, request
            self._closed = False

        def _pieces(self) -> Iterator[tuple[float, bytes]]:
            """Seconds to wait, and bytes: none where there is nothing but the wait."""
            settings, start = self._session.settings, _clock()
            for after, data in pieces(self._response, chunking=settings.chunking, pace=settings.pace):
                yield max(0.0, start + after - _clock()), data
            yield from self._end()

        def __iter__(self) -> Iterator[bytes]:
            for wait, data in self._pieces():
                if wait:
                    _sleep(wait)
                if data:
                    yield data

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for wait, data in self._pieces():
                if wait:
                    await anyio.sleep(wait)
                if data:
                    yield data

        def _end(self) -> Iterator[tuple[float, bytes]]:
            if is_given_up(self._response):
                yield from self._silence()
            if self._response.ended is Ended.CLOSED:
                self._session.refuse_to_read_past(self._request.method, str(self._request.url))
            if self._response.ended is not Ended.COMPLETE:
                raise _as_raised(library, self._response, self._request)

        def _silence(self) -> Iterator[tuple[float, bytes]]:
            for nap in silence(self._session, self._request.method, str(self._request.url)):
                if self._closed:
                    raise library.ReadError("replayed: closed while somebody waited for more", request=self._request)
                yield nap, b""

        def close(self) -> None:
            self._closed = True

        async def aclose(self) -> None:
            self._closed = True

    return ReplayStream
