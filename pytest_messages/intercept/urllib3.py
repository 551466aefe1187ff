"""urllib3's way to VCR.py's stub connections: a pool beside each pool that is asked for a Messages call."""

from __future__ import annotations

import copy
import socket
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import urllib3
from vcr.stubs import (  # type: ignore[import-untyped]  # it has no types
    VCRHTTPConnection,
    VCRHTTPSConnection,
    urllib3_stubs,
)

from pytest_messages.intercept import http_client
from pytest_messages.intercept.http_client import Asking, broken

if TYPE_CHECKING:
    from vcr.stubs import VCRHTTPResponse

    from pytest_messages.intercept.other_clients import Patchers
    from pytest_messages.wire import Response

_STUBS = {"http": urllib3_stubs.VCRRequestsHTTPConnection, "https": urllib3_stubs.VCRRequestsHTTPSConnection}


def stand_in(pool: Any, patchers: Patchers) -> Any:
    """Make a pool like ``pool`` whose connections are stubs; the two share nothing that is open."""
    # A VCR.py cassette of the user's that is open around us has put its stubs in place: behind them is the real class.
    real = getattr(pool.ConnectionCls, "_baseclass", pool.ConnectionCls)
    twin = copy.copy(pool)
    twin.stands_in_for = pool
    twin.ConnectionCls = _stub(_STUBS[pool.scheme], real, patchers)
    twin.pool = pool.QueueCls(pool.pool.maxsize)
    for _ in range(pool.pool.maxsize):
        twin.pool.put(None)  # a free slot, as urllib3 marks it
    return twin


def _stub(base: type, real: type, patchers: Patchers) -> type:
    return type("MessagesConnection", (_Stub, base), {"_baseclass": real, "patchers": patchers})


class _Stub(Asking):
    library = "urllib3"
    asking = MappingProxyType({"preload_content": False})

    def unanswered(self, replayed: Response) -> Exception:
        """Make urllib3's exception for a connection that was never made; else the socket's, which the pool turns."""
        error = broken(replayed)
        if isinstance(error, socket.gaierror):
            return urllib3.exceptions.NameResolutionError(str(self.real.host), self.real, error)
        if isinstance(error, ConnectionRefusedError):
            return urllib3.exceptions.NewConnectionError(self.real, str(error))
        if replayed.error in {"ConnectTimeoutError", "ConnectTimeout"}:
            return urllib3.exceptions.ConnectTimeoutError(self.real, str(error))
        return error

    def broken_off(self, replayed: Response) -> Exception:
        """Make urllib3's exception, which requests knows how to translate."""
        error = broken(replayed)
        if replayed.error in {"DecodeError", "DecodingError"}:
            return urllib3.exceptions.DecodeError(str(error))
        if isinstance(error, TimeoutError):
            return urllib3.exceptions.ReadTimeoutError(None, None, str(error))  # type: ignore[arg-type]  # of a pool, in a message
        return urllib3.exceptions.ProtocolError(str(error), error)

    def finished(self, response: VCRHTTPResponse) -> VCRHTTPResponse:
        """Give the response urllib3's own kind of headers."""
        response.headers = urllib3.HTTPHeaderDict(response.getheaders())
        return response


class _Own(_Stub, VCRHTTPConnection):  # type: ignore[misc]
    pass


class _OwnTLS(_Stub, VCRHTTPSConnection):  # type: ignore[misc]
    pass


def turn(connection: Any, patchers: Patchers) -> Any:
    """Let a connection that no pool holds speak through a stub until it has its response; return the stub."""
    return http_client.turn(connection, patchers, (_Own, _OwnTLS))
