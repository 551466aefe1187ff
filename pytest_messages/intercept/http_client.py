"""VCR.py's stub connections, asking a session, and http.client's way to them; importing this module imports VCR.py."""

from __future__ import annotations

import builtins
import functools
import http.client
import socket
import ssl
from contextlib import contextmanager
from io import BytesIO
from types import MappingProxyType
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
    from collections.abc import Callable, Iterator, Mapping

    from pytest_messages.intercept.other_clients import Patchers


class Asking:
    """What turns a stub of VCR.py's into one that asks a session; ``patchers`` and ``library`` are set by subclasses.

    VCR.py builds and uses the real connection with all its patches taken off in the whole process, in sight of other
    threads. No class name is patched here, so these steps are done without.
    """

    patchers: Patchers
    library: str
    asking: Mapping[str, Any] = MappingProxyType({})
    """What else a real connection is asked, that the body may be read piece by piece."""
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

    def has_whole_body(self) -> bool:
        """Tell whether nothing more is to come: what has been taken, or that the headers announce nothing."""
        request = self._vcr_request
        announced = dict(wire_headers(request.headers.items()))
        length = announced.get("content-length", "" if "transfer-encoding" in announced else None)
        nothing = request.method in {"GET", "HEAD", "DELETE"} if length is None else length == "0"
        return bool(request.body) or nothing

    def begin(self) -> None:
        """Refuse, or decide to replay, or connect and send; what fails before there is an answer fails here."""
        request = self._vcr_request
        body = whole(request.body or b"")
        headers = wire_headers(request.headers.items())
        session = self.patchers.session_for(request.uri, self.library, request.method, headers)
        if session is None:  # it is not ours by its headers, or the session closed in the meantime
            with common.sending():
                self._send(body)
            vars(self)["begun"] = None, None
            return
        exchange = Exchange(session, owner_of(self.library), self.patchers.seen)
        replayed = exchange.decide(Request(request.method, request.uri, headers, body))
        if replayed is None:
            with _failing(exchange), common.sending():
                self._send(body)
        elif not replayed.status and replayed.error in _UNCONNECTED:
            raise self.unanswered(replayed)
        vars(self)["begun"] = exchange, replayed

    def getresponse(self, *_: Any, **__: Any) -> Any:
        """Replay or forward, where it was not refused."""
        if "begun" not in vars(self):
            self.begin()
        exchange, replayed = vars(self).pop("begun")
        if exchange is None or (replayed is None and not exchange.session.is_open):  # nobody would keep the answer
            with common.sending():
                return self.real.getresponse()
        return self._forwarded(exchange) if replayed is None else self._replayed(exchange, replayed)

    def _forwarded(self, exchange: Exchange) -> Any:
        with _failing(exchange), common.sending():
            response = self.real.getresponse()
            content, error = _read(response)
        if error is not None:  # no more is read of it
            response.close()
            self.real.close()
        status = {"code": response.status, "message": response.reason}
        recorded = {"status": status, "headers": serialize_headers(response), "body": {"string": content}}
        exchange.answered(recorded, error)
        return self.finished(_Answer(recorded, self._vcr_request.uri, None if error is None else lambda: error))

    def _send(self, body: bytes) -> None:
        request, real = self._vcr_request, self.real
        if vars(self).get("_deferred_connect") and real.sock is None:
            args, kwargs = self._deferred_connect
            real.connect(*args, **kwargs)
        headers = {name: value for name, value in request.headers.items() if _lower(name) != "transfer-encoding"}
        url = self._url(request.uri)  # type: ignore[attr-defined]
        real.request(method=request.method, url=url, body=body or None, headers=headers, **self.asking)

    def _replayed(self, exchange: Exchange, replayed: Response) -> Any:
        if not replayed.status:
            raise self.unanswered(replayed)
        if replayed.ended is Ended.COMPLETE:
            return self.finished(_Answer(to_vcr(replayed), self._vcr_request.uri))
        closed = replayed.ended is Ended.CLOSED
        error = exchange.past_the_end if closed else functools.partial(self.broken_off, replayed)
        return self.finished(_Answer(to_vcr(replayed), self._vcr_request.uri, error))

    def unanswered(self, replayed: Response) -> Exception:
        """Make the exception for a call that got no answer."""
        return broken(replayed)

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
        return self._checked(super().readline(size), wanted=size, lines=True)

    def readlines(self, _: int | None = -1, /) -> list[bytes]:
        return list(iter(self.readline, b""))

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        self._checked(b"." * count, wanted=len(buffer))
        return count

    def _checked(self, data: bytes, *, wanted: int | None, whole: bool = False, lines: bool = False) -> bytes:
        if whole or (not data and wanted != 0):
            error = self._error()
            if not (lines and isinstance(error, http.client.IncompleteRead)):  # by lines, http.client lets it pass
                raise error
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
    """Make the exception that the client saw, or the nearest; urllib3 and requests make their own from it."""
    message = f"replayed: the recorded response ended as {replayed.ended}"
    name = _SAME.get(replayed.error or "", replayed.error or "")
    for module in (builtins, socket, ssl, http.client):
        kind: Any = getattr(module, name, None)
        if isinstance(kind, type) and issubclass(kind, (OSError, http.client.HTTPException)):
            said: Any = replayed.body if name == "IncompleteRead" else message
            return kind(said)
    return TimeoutError(message) if replayed.ended is Ended.TIMEOUT else http.client.RemoteDisconnected(message)


_SAME = {
    "NewConnectionError": "ConnectionRefusedError",
    "ConnectError": "ConnectionRefusedError",
    "NameResolutionError": "gaierror",
    "ReadError": "ConnectionResetError",
}
"""What other libraries call an exception of the network, and Python itself."""

_UNCONNECTED = {*_SAME, "ConnectionRefusedError", "gaierror", *(name for name in dir(ssl) if name.endswith("Error"))}
_UNCONNECTED -= {"ReadError", "OSError"}
"""What fails before a request is sent: ``urllib.request`` tells it from what fails after."""


@contextmanager
def _failing(exchange: Exchange) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        exchange.failed(error)
        raise


def _read(response: Any) -> tuple[bytes, Exception | None]:
    """Return as much of a body as comes, and the exception that ended it before its end."""
    pieces: list[bytes] = []
    try:
        if hasattr(response, "stream"):
            pieces.extend(iter(response.stream(_AT_ONCE, decode_content=True)))
        else:
            while piece := response.read1(_AT_ONCE):
                pieces.append(piece)
            response.close()
    except Exception as error:  # noqa: BLE001 - the client gets it when it reads as far
        return b"".join(pieces), error
    content = b"".join(pieces)
    missing = getattr(response, "length", None)  # which http.client tells of who reads all at once
    return content, http.client.IncompleteRead(content, missing) if missing else None


_AT_ONCE = 1 << 16


def _lower(name: Any) -> str:
    return (name.decode("latin-1") if isinstance(name, bytes) else str(name)).lower()


def turn(connection: Any, patchers: Patchers, kinds: tuple[type, type] = (_Plain, _PlainTLS)) -> Any:
    """Let ``connection`` speak through a stub until it has its response; return the stub, one of ``kinds``."""
    if isinstance(connection, _Turned):
        connection.give_back()
    kind: Any = kinds[connection.default_port == http.client.HTTPS_PORT]
    stub: Any = kind.__new__(kind)
    vars(stub).update(real_connection=connection, patchers=patchers, _sock=None)
    _hand_over(connection, stub)
    return stub


def _hand_over(connection: Any, stub: Any) -> None:
    vars(connection)["_turned"] = (type(connection), stub)
    # A class of its own below the connection's: what is a property there, as `host` is in urllib3, must stay one.
    connection.__class__ = type("TurnedConnection", (_Turned, type(connection)), {})


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
        stub = self.give_back()  # to connect and to send
        stub.endheaders(message_body)
        if stub.has_whole_body():
            stub.begin()
        _hand_over(self, stub)

    def send(self, data: Any) -> None:
        self._turned[1].send(data)

    def getresponse(self) -> Any:
        return self.give_back().getresponse()

    def close(self) -> None:
        self.give_back()
        self.close()
