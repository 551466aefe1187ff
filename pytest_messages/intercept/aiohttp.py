"""VCR.py's request function for aiohttp, asking a session; importing this module imports VCR.py."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from vcr.stubs.aiohttp_stubs import MockStream, vcr_request  # type: ignore[import-untyped]  # it has no types
from yarl import URL

from pytest_messages.intercept import common
from pytest_messages.intercept.whole_call import Exchange, to_vcr, whole, wire_headers
from pytest_messages.wire import Ended, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_messages.session.session import Session


async def request(
    original: Any, client: Any, method: str, url: str, session: Session, seen: set[str], **kwargs: Any
) -> Any:
    """Replay, forward or refuse a request of an aiohttp ``client``."""
    exchange = Exchange(session, "aiohttp", seen)
    cassette = _Cassette(exchange)

    async def forwarded(client: Any, method: str, url: str, **kwargs: Any) -> Any:
        with common.sending():
            return await _network(original)(client, method, url, **kwargs)

    kwargs = await _formed(kwargs)
    try:
        response = await vcr_request(cassette, forwarded)(client, method, url, **kwargs)
    except BaseException as error:
        cassette.settle(error)
        raise
    cassette.settle(response.content.exception() if cassette.is_cut else None)
    return cassette.cut(response)


async def _formed(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Write a form out: it can be written once only, with a boundary of its own, and is both compared and sent."""
    data = kwargs.get("data")
    if isinstance(data, (dict, list, tuple)):
        data = aiohttp.FormData(data)
    form = data() if isinstance(data, aiohttp.FormData) else data
    if not isinstance(form, (aiohttp.MultipartWriter, aiohttp.payload.BytesPayload)):
        return kwargs
    written = _Written()
    await form.write(written)  # type: ignore[arg-type]  # as much of a writer as a form asks for
    headers = dict(kwargs.get("headers") or {})
    if not any(name.lower() == "content-type" for name in headers):
        headers["content-type"] = form.headers["content-type"]
    return {**kwargs, "data": bytes(written), "headers": headers}


class _Written(bytearray):
    """What would go out."""

    async def write(self, chunk: bytes) -> None:
        self += chunk


def _network(original: Any) -> Any:
    """Return aiohttp's own function, behind that of a VCR.py cassette of the user's that is open around us."""
    while original.__globals__["__name__"] == vcr_request.__module__:
        original = original.__wrapped__
    return original


class _Cassette:
    """As much of a VCR.py cassette as its aiohttp stub asks for, for one call."""

    write_protected = False

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._replayed: Any = None
        self._recorded: dict[str, Any] | None = None

    # What VCR.py calls

    def can_play_response_for(self, request: Any) -> bool:
        """Ask the session; raises `Refused`."""
        headers, body = wire_headers(request.headers.items()), request.body
        if isinstance(body, (dict, list)):  # what was given as ``json=``
            body = json.dumps(body)
            headers += () if "content-type" in dict(headers) else (("content-type", "application/json"),)
        self._replayed = self._exchange.decide(Request(request.method, request.uri, headers, _sent(body)))
        return self._replayed is not None

    def play_response(self, _: Any) -> dict[str, Any]:
        """Return what was recorded, or raise what the client saw then."""
        if not self._replayed.status:
            raise _broken(self._replayed, self._exchange.request)
        return to_vcr(self._replayed)

    def filter_request(self, request: Any) -> Any:
        """Keep every request: a scrubber of our own sees to it."""
        return request

    def append(self, _: Any, response: dict[str, Any]) -> None:
        """Take an answer; of a chain of redirects the last counts."""
        self._recorded = response

    # What is left to do

    @property
    def is_cut(self) -> bool:
        """Whether a body broke off: VCR.py's stub takes that for none at all."""
        return self._recorded is not None and "string" not in self._recorded["body"]

    def settle(self, error: BaseException | None) -> None:
        """Tell the session how a forwarded call went; one that was answered may still raise for its status."""
        if self._recorded is not None:
            cut = (error or aiohttp.ClientConnectionError()) if self.is_cut else None
            self._exchange.answered(self._recorded, cut)
        elif error is not None:
            self._exchange.failed(error)

    def cut(self, response: Any) -> Any:
        """Let a replayed body end as the recorded one did."""
        replayed = self._replayed
        if replayed is None or replayed.ended is Ended.COMPLETE:
            return response

        def error() -> BaseException:
            return (
                self._exchange.past_the_end()
                if replayed.ended is Ended.CLOSED
                else _broken(replayed, self._exchange.request)
            )

        async def read(*_: Any, **__: Any) -> Any:
            raise error()

        response.content = _CutStream(replayed.body, error)
        response.read = response.text = response.json = read
        return response


class _CutStream(MockStream):  # type: ignore[misc]
    """A body that ends with an exception: where more would be waited for, it is raised."""

    def __init__(self, body: bytes, error: Callable[[], BaseException]) -> None:
        super().__init__(body)
        self._error = error
        self._eof = False

    async def _wait(self, _: str) -> None:
        raise self._error()


def _sent(body: Any) -> bytes:
    """Return a request body as aiohttp sends it; a payload of aiohttp's own wraps what it sends."""
    body = getattr(body, "_value", body)
    return b"" if body is None else body.encode() if isinstance(body, str) else whole(body)


def _broken(replayed: Response, request: Request) -> Exception:
    """Make the exception that the client saw, or the nearest of aiohttp's that needs no more than a message."""
    message = f"replayed: the recorded response ended as {replayed.ended}"
    name = _SAME.get(replayed.error or "", replayed.error or "")
    kind: Any = TimeoutError if name == "TimeoutError" else getattr(aiohttp, name, None)
    if isinstance(kind, type) and issubclass(kind, aiohttp.ClientConnectorError):
        return kind(_peer(request), OSError(0, message))  # type: ignore[arg-type]  # as much of a key as it prints
    if kind is TimeoutError or (isinstance(kind, type) and issubclass(kind, _SIMPLE)):
        return cast("Exception", kind(message))
    if isinstance(kind, type) and issubclass(kind, aiohttp.ClientResponseError):
        url = URL(request.url)
        asked = aiohttp.RequestInfo(url, request.method, CIMultiDictProxy(CIMultiDict()), url)
        return kind(asked, (), status=400, message=message)
    if replayed.ended is Ended.TIMEOUT:
        return aiohttp.ServerTimeoutError(message)
    # A body that breaks off is another error than a connection without an answer.
    return (aiohttp.ClientPayloadError if replayed.status else aiohttp.ServerDisconnectedError)(message)


def _peer(request: Request) -> SimpleNamespace:
    url = URL(request.url)
    return SimpleNamespace(host=url.host, port=url.port, ssl=True, is_ssl=url.scheme == "https")


_SIMPLE = (
    aiohttp.ClientPayloadError,
    aiohttp.ServerTimeoutError,
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientOSError,
    aiohttp.ClientConnectionError,
)
_SAME = {
    "ConnectionRefusedError": "ClientConnectorError",
    "NewConnectionError": "ClientConnectorError",
    "ConnectError": "ClientConnectorError",
    "NameResolutionError": "ClientConnectorDNSError",
    "gaierror": "ClientConnectorDNSError",
}
"""What other libraries call an exception of the network, and aiohttp."""
