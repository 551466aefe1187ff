"""One call of a client that records whole: asked about once, answered once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NoReturn

import httpx

from pytest_messages.intercept import common
from pytest_messages.session.call import Refuse, Replay
from pytest_messages.wire import Chunk, Ended, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_messages.session.call import Ticket
    from pytest_messages.session.session import Session
    from pytest_messages.wire import Headers

_clock = time.perf_counter
"""Taken at import, so that a clock which a test freezes does not freeze us."""


class Exchange:
    """One call: `decide` asks the session, then `answered` or `failed` tells it how the call went."""

    def __init__(self, session: Session, library: str, seen: set[str]) -> None:
        self.session, self._library, self._seen = session, library, seen
        self._ticket: Ticket | None = None
        self.request = Request("", "")
        self._issued = _clock()

    def decide(self, request: Request) -> Response | None:
        """Return the response to replay; None where the request goes out. Raises `Refused`."""
        self.request = request
        decision = self.session.decide(request, library=self._library)
        if isinstance(decision, Refuse):
            self.session.refuse(decision.error)
        if isinstance(decision, Replay):
            return decision.response
        self._ticket = decision.ticket
        return None

    def answered(self, recorded: Mapping[str, Any], error: BaseException | None = None) -> None:
        """Record an answer that was taken whole, or as far as it came before ``error``."""
        headers = wire_headers((name, value) for name, values in recorded["headers"].items() for value in values)
        body = decoded(headers, recorded["body"].get("string") or b"")
        response = Response(
            recorded["status"]["code"],
            recorded["status"]["message"] or "",
            headers,
            body,
            (Chunk(round((_clock() - self._issued) * 1000), len(body)),),
            *(verdict(error) if error is not None else ()),
        )
        if response.is_stream:
            self._seen.add(self._library)
        self._record(response)

    def failed(self, error: BaseException) -> None:
        """Record that no whole answer came: more than that such a client does not see."""
        ended, name = verdict(error)
        self._record(Response(0, ended=ended, error=name))

    def _record(self, response: Response) -> None:
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            self.session.record(ticket, response)

    def past_the_end(self) -> NoReturn:
        """Refuse a client that reads further than the client did that recorded."""
        self.session.refuse_to_read_past(self.request.method, self.request.url)


def verdict(error: BaseException) -> tuple[Ended, str | None]:
    """Name how a call ended, by its exception; the name tells a timeout where libraries share no base class."""
    if not isinstance(error, Exception):
        return Ended.CLOSED, None
    name = type(error).__name__
    return (Ended.TIMEOUT if "Timeout" in name else Ended.DROPPED), name


def wire_headers(pairs: Iterable[tuple[Any, Any]]) -> Headers:
    """Return headers as values."""
    return tuple((_text(name).lower(), _text(value)) for name, value in pairs)


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def decoded(headers: Headers, body: bytes) -> bytes:
    """Return ``body`` without content coding; most of these clients have decoded it, and left the header."""
    coding = [(name, value) for name, value in headers if name == "content-encoding"]
    if not coding:
        return body
    try:
        return httpx.Response(200, headers=coding, content=body).content
    except httpx.DecodingError:
        return body


def to_vcr(response: Response) -> dict[str, Any]:
    """Turn a response to replay into VCR.py's form, fresh at each call: its stubs change it."""
    headers: dict[str, list[str]] = {}
    for name, value in common.without_waiting(response.headers):
        headers.setdefault(name, []).append(value)
    status = {"code": response.status, "message": response.reason}
    return {"status": status, "headers": headers, "body": {"string": response.body}}


def whole(body: Any) -> bytes:
    """Return a request body in one piece: text, bytes, a file or an iterable of them."""
    if isinstance(body, str):
        return body.encode()
    if hasattr(body, "read"):
        return whole(body.read())
    return bytes(body) if isinstance(body, (bytes, bytearray, memoryview)) else b"".join(whole(part) for part in body)
