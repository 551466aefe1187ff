"""What every way in shares: whose call it is, what cannot be recorded, and a wait that is not waited for."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.session.session import Session

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


def without_waiting(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Ask for a wait that is as good as none, where one was asked for: the SDK takes 0 for "not said" and waits."""
    waits = {"retry-after", "retry-after-ms"}
    kept = [(name, value) for name, value in headers if name not in waits]
    return [*kept, ("retry-after-ms", "1")] if len(kept) < len(headers) else kept
