"""Attach sessions to clients the test did not build: httpx and httpx2 by our transport, other clients by VCR.py.

pytest runs one test at a time in a process, so open sessions are a stack of the process: the innermost open one
answers, in every thread and task. Blocks that tasks or threads enter side by side need more: each runs its own.

So a block remembers who entered it. One that plain code of the main thread entered is everybody's. One that a task or
another thread entered belongs to it for as long as it runs, and to what inherits its context: the tasks it starts, and
``asyncio.to_thread``. When the task is over and the block still open, it was entered for others, as a fixture does, and
is everybody's as well. What is asked for is the innermost of the blocks that one may see.

A context holds the blocks that were entered in it, all of them, rather than the innermost and a token to put back what
was: blocks need not close in the order they were opened (generators do not), nor in the context that opened them (an
async fixture does not), and one that is closed is not in the stack any more, whatever a context still says.

A thread without a context of its own, as in a pool, works for somebody who cannot be told: it sees the innermost block
of all.
"""

from __future__ import annotations

import importlib
import sys
import threading
from asyncio import current_task
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One block that was entered: ``alone`` tells whether it is still its task's or thread's own."""

    alone: Callable[[], bool]


class Sessions:
    """The open sessions of this process, innermost last, and the libraries that ask them."""

    def __init__(self) -> None:
        self._open: dict[Block, Session] = {}
        self._entered: ContextVar[frozenset[Block]] = ContextVar("pytest_messages_blocks", default=frozenset())
        self._unhook: dict[str, Callable[[], None]] = {}
        self._lock = threading.RLock()
        self._foreign = other_clients.Patchers(self.innermost)
        self._guard = Guard(self.innermost)

    @contextmanager
    def opened(self, session: Session) -> Iterator[None]:
        """Make ``session`` the innermost one for the time of a block."""
        libraries = _libraries()
        block = Block(_still_running())
        with self._lock:
            self._open = {**self._open, block: session}
            self._hook_all(libraries)
            self._foreign.attach()
            self._guard.attach()
        if block.alone():
            self._entered.set(self._entered.get() | {block})
        try:
            yield
        finally:
            session.close()
            self._entered.set(self._entered.get() - {block})
            self._foreign.release()
            with self._lock:
                self._open = {each: its for each, its in self._open.items() if each is not block}
                if not self._open:
                    self._guard.detach()
                    self._foreign.detach()
                    self._unhook_all()

    def innermost(self) -> Session | None:
        """Return the session that answers here and now, or None."""
        blocks = self._open  # replaced, never changed: another thread may open one now
        if len(blocks) > 1:
            here, stray = self._entered.get(), _is_stray()
            for block, session in reversed(blocks.items()):
                if block in here or (stray and not here) or not block.alone():
                    return session
        return next(reversed(blocks.values()), None)

    def everyone(self) -> tuple[Session, ...]:
        """Return all open sessions, outermost first."""
        return tuple(self._open.values())

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


def _still_running() -> Callable[[], bool]:
    """Return what tells whether the task or the thread that runs here still does; never so for plain main code."""
    task = _current_task()
    if task is not None:
        return lambda: not _is_over(task)
    thread = threading.current_thread()
    return thread.is_alive if thread is not threading.main_thread() else lambda: False


def _current_task() -> Any:
    """Return the task of asyncio or trio that runs here, or None."""
    with suppress(RuntimeError):  # no event loop runs here; a callback of one is no task either
        if (trio := sys.modules.get("trio")) is not None and (task := _task_of_trio(trio)) is not None:
            return task
        return current_task()
    return None


def _task_of_trio(trio: Any) -> Any:
    with suppress(RuntimeError):
        return trio.lowlevel.current_task()
    return None


def _is_over(task: Any) -> bool:
    """Tell whether a task has ended; one of trio's does not say, but the coroutine that it ran does."""
    return bool(task.done()) if hasattr(task, "done") else task.coro.cr_frame is None


def _is_stray() -> bool:
    """Tell whether the code that runs here is a thread's own, and not the main thread's nor a task's."""
    return threading.current_thread() is not threading.main_thread() and _current_task() is None


SESSIONS = Sessions()
"""The one stack of this process."""
