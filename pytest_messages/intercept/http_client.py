"""VCR.py's stub connections, asking a session, and http.client's way to them; importing this module imports VCR.py."""

from __future__ import annotations

import functools
import http.client
from io import BytesIO
from typing import TYPE_CHECKING, Any

from vcr.stubs import (  # type: ignore[import-untyped]  # it has no types
    VCRHTTPConnection,
    VCRHTTPResponse,
    VCRHTTPSConnection,
    serialize_headers,
)

from pytest_messages.intercept import common
from pytest_messages.intercept.other_clients import owner_of
from pytest_messages.intercept.whole_call import Exchange, to_vcr, whole, wire_headers
from pytest_messages.wire import Ended, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_messages.intercept.other_clients import Patchers


class Asking:
    """What turns a stub of VCR.py's into one that asks a session; ``patchers`` and ``library`` are set by subclasses.

    VCR.py builds and uses the real connection with all its patches taken off in the whole process, in sight of other
    threads. No class name is patched here, so these steps are done without.
    """

    patchers: Patchers
    library: str
    _baseclass: Any
    _vcr_request: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        vars(self)["real_connection"] = self._baseclass(*args, **kwargs)
        self._sock = None

    @property
    def real(self) -> Any:
        """The connection that sends."""
        return vars(self)["real_connection"]

    def _real_host(self) -> str:
        host = str(self.real._tunnel_host or self.real.host)  # noqa: SLF001 - as VCR.py does, which forgets brackets
        return f"[{host}]" if ":" in host else host

    @property
    def is_connected(self) -> bool:
        """Whether the pool may use it again: what was never connected cannot have been dropped."""
        return bool(self.real.is_connected) if self.real.sock is not None else True

    def connect(self, *args: Any, **kwargs: Any) -> None:
        """Wait with connecting until it is known that the request goes out."""
        self._deferred_connect = (args, kwargs)

    def endheaders(self, message_body: Any = None, **_: Any) -> None:
        """Take the body, of whatever kind, and send nothing yet."""
        if message_body is not None:
            self._vcr_request.body = whole(message_body)

    def send(self, data: Any) -> None:
        """Take a piece of the body."""
        self._vcr_request.body = whole(self._vcr_request.body or b"") + whole(data)

    def getresponse(self, *_: Any, **__: Any) -> Any:
        """Replay, forward or refuse."""
        request = self._vcr_request
        body = whole(request.body or b"")
        headers = wire_headers(request.headers.items())
        session = self.patchers.session_for(request.uri, self.library, request.method, headers)
        if session is None:  # it is not ours by its headers, or the session closed in the meantime
            with common.sending():
                return self._sent(body)
        exchange = Exchange(session, owner_of(self.library), self.patchers.seen)
        replayed = exchange.decide(Request(request.method, request.uri, headers, body))
        return self._forwarded(exchange, body) if replayed is None else self._replayed(exchange, replayed)

    def _forwarded(self, exchange: Exchange, body: bytes) -> Any:
        try:
            with common.sending():
                response = self._sent(body)
                content = response.data if hasattr(response, "data") else response.read()
        except BaseException as error:
            exchange.failed(error)
            raise
        status = {"code": response.status, "message": response.reason}
        recorded = {"status": status, "headers": serialize_headers(response), "body": {"string": content}}
        exchange.answered(recorded)
        return self.finished(_Answer(recorded, self._vcr_request.uri))

    def _sent(self, body: bytes) -> Any:
        request, real = self._vcr_request, self.real
        if vars(self).get("_deferred_connect") and real.sock is None:
            args, kwargs = self._deferred_connect
            real.connect(*args, **kwargs)
        headers = {name: value for name, value in request.headers.items() if _lower(name) != "transfer-encoding"}
        real.request(method=request.method, url=self._url(request.uri), body=body or None, headers=headers)  # type: ignore[attr-defined]
        return real.getresponse()

    def _replayed(self, exchange: Exchange, replayed: Response) -> Any:
        if not replayed.status:
            raise broken(replayed)
        if replayed.ended is Ended.COMPLETE:
            return self.finished(_Answer(to_vcr(replayed), self._vcr_request.uri))
        closed = replayed.ended is Ended.CLOSED
        error = exchange.past_the_end if closed else functools.partial(self.broken_off, replayed)
        return self.finished(_Answer(to_vcr(replayed), self._vcr_request.uri, error))

    def broken_off(self, replayed: Response) -> Exception:
        """Make the exception for a body that breaks off."""
        return broken(replayed)

    def finished(self, response: VCRHTTPResponse) -> VCRHTTPResponse:
        """Make the response what the client's own library returns."""
        return response


class _Plain(Asking, VCRHTTPConnection):  # type: ignore[misc]
    library = "http.client"


class _PlainTLS(Asking, VCRHTTPSConnection):  # type: ignore[misc]
    library = "http.client"


class _Cut(BytesIO):
    """A body that ends with an exception."""

    def __init__(self, body: bytes, error: Callable[[], BaseException]) -> None:
        super().__init__(body)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        return self._checked(super().read(size), whole=size is None or size < 0, wanted=size)

    def read1(self, size: int | None = -1, /) -> bytes:
        return self._checked(super().read1(size if size is not None else -1), wanted=size)

    def readline(self, size: int | None = -1, /) -> bytes:
        return self._checked(super().readline(size), wanted=size)

    def readlines(self, _: int | None = -1, /) -> list[bytes]:
        raise self._error()

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        self._checked(b"." * count, wanted=len(buffer))
        return count

    def _checked(self, data: bytes, *, wanted: int | None, whole: bool = False) -> bytes:
        if whole or (not data and wanted != 0):
            raise self._error()
        return data


class _Answer(VCRHTTPResponse):  # type: ignore[misc]  # VCR.py has no types
    """A response that was taken whole; its body may end with an exception, ``error``."""

    _content: BytesIO

    def __init__(self, recorded: dict[str, Any], url: str, error: Callable[[], BaseException] | None = None) -> None:
        super().__init__(recorded, url)
        if error is not None:
            self._content = _Cut(recorded["body"]["string"], error)

    def close(self) -> None:
        """Close, and return nothing: what VCR.py's returns makes a ``with`` block swallow its exceptions."""
        super().close()

    @property
    def data(self) -> bytes:
        """The whole body, however often it is asked for."""
        return bytes(self._content.read() if isinstance(self._content, _Cut) else super().data)


def broken(replayed: Response) -> Exception:
    """Make the exception of a connection that broke; urllib3 and requests make their own from it."""
    message = f"replayed: the recorded response ended as {replayed.ended}"
    return TimeoutError(message) if replayed.ended is Ended.TIMEOUT else http.client.RemoteDisconnected(message)


def _lower(name: Any) -> str:
    return (name.decode("latin-1") if isinstance(name, bytes) else str(name)).lower()


def turn(connection: Any, patchers: Patchers) -> Any:
    """Let ``connection`` speak through a stub until it has its response; return the stub."""
    if isinstance(connection, _Turned):
        connection.give_back()
    kind = _PlainTLS if connection.default_port == http.client.HTTPS_PORT else _Plain
    stub: Any = kind.__new__(kind)
    vars(stub).update(real_connection=connection, patchers=patchers, _sock=None)
    vars(connection)["_turned"] = (type(connection), stub)
    # A class of its own below the connection's: what is a property there, as `host` is in urllib3, must stay one.
    connection.__class__ = type("TurnedConnection", (_Turned, type(connection)), {})
    return stub


class _Turned:
    """A connection in the middle of a Messages call: what is said to it goes to its stub."""

    _turned: tuple[type, Any]

    def give_back(self) -> Any:
        """Become a connection of its own class again; return the stub."""
        kind, stub = vars(self).pop("_turned")
        self.__class__ = kind
        return stub

    def putheader(self, header: Any, *values: Any) -> None:
        self._turned[1].putheader(header, *values)

    def endheaders(self, message_body: Any = None, **_: Any) -> None:
        self._turned[1].endheaders(message_body)

    def send(self, data: Any) -> None:
        self._turned[1].send(data)

    def getresponse(self) -> Any:
        return self.give_back().getresponse()

    def close(self) -> None:
        self.give_back()
        self.close()
