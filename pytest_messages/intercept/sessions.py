"""Attach sessions to clients the test did not build: httpx and httpx2 by our transport, other clients by VCR.py.

pytest runs one test at a time in a process, so open sessions are a stack of the process: the innermost open one
answers, in every thread and task. Only blocks entered inside tasks that run side by side need more: each such task sees
its own.
"""

from __future__ import annotations

import importlib
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio

from pytest_messages.intercept import httpx as httpx_clients
from pytest_messages.intercept import other_clients
from pytest_messages.intercept.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from pytest_messages.session.session import Session

HTTP_LIBRARIES = ("httpx", "httpx2")
"""The libraries whose clients our transport serves."""

CLIENT_LIBRARIES = (*HTTP_LIBRARIES, "urllib3", "aiohttp")
"""What applications speak HTTP with, requests through urllib3; named in explanations."""


class Sessions:
    """The open sessions of this process, innermost last, and the libraries that ask them."""

    def __init__(self) -> None:
        self._open: list[Session] = []
        self._task_session: ContextVar[Session | None] = ContextVar("pytest_messages_session", default=None)
        self._unhook: dict[str, Callable[[], None]] = {}
        self._lock = threading.RLock()
        self._foreign = other_clients.Patchers(self.innermost)
        self._guard = Guard(self.innermost)

    @contextmanager
    def opened(self, session: Session) -> Iterator[None]:
        """Make ``session`` the innermost one for the time of a block."""
        libraries = _libraries()
        with self._lock:
            self._open.append(session)
            self._hook_all(libraries)
            self._foreign.attach()
            self._guard.attach()
        token = self._task_session.set(session) if _in_task() else None
        try:
            yield
        finally:
            session.close()
            if token is not None:
                self._task_session.set(None)
            self._foreign.release()
            with self._lock:
                self._open.remove(session)
                if not self._open:
                    self._guard.detach()
                    self._foreign.detach()
                    self._unhook_all()

    def innermost(self) -> Session | None:
        """Return the session that answers here and now, or None."""
        own = self._task_session.get()
        if own is not None and own.is_open:
            return own
        return self._open[-1] if self._open else None

    def everyone(self) -> tuple[Session, ...]:
        """Return all open sessions, outermost first."""
        return tuple(self._open)

    def hooked(self) -> tuple[str, ...]:
        """Name the libraries that ask us now."""
        return (*self._unhook, *self._foreign.hooked())

    @property
    def foreign_seen(self) -> set[str]:
        """The libraries other than httpx and httpx2 that had a stream recorded whole: none of them saw it live."""
        return self._foreign.seen

    def loaded(self) -> tuple[str, ...]:
        """Name the HTTP libraries that this process has imported."""
        return tuple(name for name in CLIENT_LIBRARIES if name in sys.modules)

    def _hook_all(self, libraries: list[ModuleType]) -> None:
        for library in libraries:
            if library.__name__ not in self._unhook:
                self._unhook[library.__name__] = httpx_clients.hook(library, self.innermost)

    def _unhook_all(self) -> None:
        for unhook in self._unhook.values():
            unhook()
        self._unhook.clear()


def _libraries() -> list[ModuleType]:
    """Import the libraries that our transport serves, those that are installed.

    Imported here rather than hooked when a test imports them: an import hook that does not fire would let calls slip
    through without a word. Never under a lock: another thread may be in the middle of the same import.
    """
    return [importlib.import_module(name) for name in HTTP_LIBRARIES if name in sys.modules or find_spec(name)]


def _in_task() -> bool:
    """Tell whether a task of asyncio or trio runs here."""
    try:
        anyio.get_current_task()
    except (RuntimeError, AttributeError):  # no event loop; a callback of one, which is no task
        return False
    return True


SESSIONS = Sessions()
"""The one stack of this process."""
