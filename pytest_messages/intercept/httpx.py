"""Put a session between an httpx or httpx2 client and its network.

The library is a parameter: ``httpx`` or ``httpx2``, whose relevant parts are the same. Sync and async shells share all
but the words ``async`` and ``await``. What is forwarded goes on in `tee`, what is answered from a cassette in `replay`.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_messages.intercept import private, replay
from pytest_messages.intercept.common import PROVIDER, pass_by, sending
from pytest_messages.intercept.tee import Tee
from pytest_messages.session.call import Refuse, Replay
from pytest_messages.session.scope import Ours
from pytest_messages.wire import Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from pytest_messages.session.session import Session

_clock = time.perf_counter
"""Taken at import, so that a clock which a test freezes does not freeze us."""

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
    original = getattr(client, private.TRANSPORT_OF)

    def transport_of(self: Any, url: Any) -> Any:
        transport = original(self, url)
        session = innermost()
        return transport if session is None else _between(session, transport, str(url), library)

    setattr(client, private.TRANSPORT_OF, transport_of)
    return partial(setattr, client, private.TRANSPORT_OF, original)


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
            return replay.answered(decision, request, self._session, self._library)
        tee = Tee(self._session, decision.ticket, self._library, issued)
        with sending(), tee.watching():
            response = self._inner.handle_request(request)
        response.stream = tee.sync_stream(response, request)
        return response

    async def handle_async_request(self, request: Any) -> Any:
        """Answer an async client."""
        issued = _clock()
        decision = self._decide(request, await request.aread())
        if isinstance(decision, Replay):
            return await replay.answered_async(decision, request, self._session, self._library)
        tee = Tee(self._session, decision.ticket, self._library, issued)
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


def to_wire(request: Any, body: bytes) -> Request:
    """Turn a library's request into a value."""
    headers = tuple((name.lower(), value) for name, value in request.headers.multi_items())
    return Request(request.method, str(request.url), headers, body)
