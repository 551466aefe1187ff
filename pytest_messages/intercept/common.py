"""What every way in shares: whose call it is, how it ended, what cannot be recorded, and what is waited for."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil
from typing import TYPE_CHECKING

from pytest_messages.wire import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from pytest_messages.session.session import Session
    from pytest_messages.wire import Response

PROVIDER, CALL = "pytest_messages.provider", "pytest_messages.call"
"""Extensions: of a request, by which our own client says whose API it speaks; of a response, which names its call."""

_inside: ContextVar[bool] = ContextVar("pytest_messages_inside", default=False)


def is_ours() -> bool:
    """Tell whether the running code is inside a request that one of our transports sends."""
    return _inside.get()


@contextmanager
def sending() -> Iterator[None]:
    """Mark what the block sends as ours, for layers below that would take it for a call of its own."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def pass_by(session: Session, url: str, *, host: str, library: str) -> None:
    """Refuse a call that cannot be recorded where nothing may go out; else take note that it passes by."""
    error = session.unrecordable(url, host=host, library=library)
    if not session.may_forward:
        session.refuse(error)
    session.passed_by(error)


def ended_by(error: BaseException | None, library: ModuleType) -> tuple[Ended, str | None]:
    """Name how an answer ended, by the exception that ended it; ``library`` is httpx or httpx2."""
    if isinstance(error, library.TimeoutException):
        return Ended.TIMEOUT, type(error).__name__
    if isinstance(error, (library.TransportError, library.DecodingError)):
        return Ended.DROPPED, type(error).__name__
    return (Ended.CANCELLED if gave_up(error) else Ended.CLOSED), None


def gave_up(error: BaseException | None) -> bool:
    """Tell whether ``error`` is a caller who will not wait any longer: a deadline, a cancelled scope, an interrupt."""
    if isinstance(error, Exception):
        return isinstance(error, TimeoutError) or type(error).__name__ == "TooSlowError"  # trio's, which is its own
    return error is not None and not isinstance(error, GeneratorExit)


def is_given_up(response: Response) -> bool:
    """Tell whether the caller was still waiting when it gave up.

    An answer that never began cannot have been closed by its reader: early cassettes say so of a cancelled call.
    """
    return response.ended is Ended.CANCELLED or (response.ended is Ended.CLOSED and not response.status)


def silence(session: Session, method: str, url: str) -> Iterator[float]:
    """Yield naps, for a caller who gave up here when it was recorded and is expected to give up again.

    Nothing more comes until the caller's own deadline ends the wait. Where it has none any more, this ends it: raises
    `Refused` with a `StreamClosedError`, after as long as the recording run can have waited, and a margin.
    """
    patience = session.patience
    for _ in range(ceil(patience / _NAP)):
        yield _NAP
    session.refuse_to_read_past(method, url, waited=patience)


_NAP = 0.05
"""Seconds: how soon somebody who waits notices that another thread or task has closed what he waits for."""


def without_waiting(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Ask for a wait that is as good as none, where one was asked for: the SDK takes 0 for "not said" and waits."""
    waits = {"retry-after", "retry-after-ms"}
    kept = [(name, value) for name, value in headers if name not in waits]
    return [*kept, ("retry-after-ms", "1")] if len(kept) < len(headers) else kept
