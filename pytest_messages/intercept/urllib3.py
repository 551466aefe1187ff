"""urllib3's way to VCR.py's stub connections: a pool beside each pool that is asked for a Messages call."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import urllib3
from vcr.stubs import urllib3_stubs  # type: ignore[import-untyped]  # it has no types

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

    def broken_off(self, replayed: Response) -> Exception:
        """Make urllib3's exception, which requests knows how to translate."""
        error = broken(replayed)
        if isinstance(error, TimeoutError):
            return urllib3.exceptions.ReadTimeoutError(None, None, str(error))  # type: ignore[arg-type]  # of a pool, in a message
        return urllib3.exceptions.ProtocolError(str(error), error)

    def finished(self, response: VCRHTTPResponse) -> VCRHTTPResponse:
        """Give the response urllib3's own kind of headers."""
        response.headers = urllib3.HTTPHeaderDict(response.getheaders())
        return response
