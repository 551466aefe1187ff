"""What a client need not wait for: scrubbing and storing a big answer, which it has already.

To scrub and to check a megabyte takes about a tenth of a second. Done where the answer ends, that is the client's time,
and in async code everybody's: the event loop stands still. So a big answer is kept by a thread of its own. A small one,
which costs milliseconds, is not: once its call has returned, killing the process no longer loses it, and that is worth
more than the milliseconds. A huge one would hold up every other thread too, since one search for one pattern in it is
one step for the interpreter; it waits until somebody asks. What is kept behind is safe when `Behind.wait` returns,
which every verdict asks for first.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_messages.wire import Response

_BIG, _HUGE = 1 << 18, 1 << 22
"""Bytes of a body from which on its client does not wait until it is stored, and from which on nobody does but who asks
for it."""


def is_big(response: Response) -> bool:
    """Tell whether storing ``response`` takes so long that its client would notice."""
    return len(response.body) >= _BIG


class Behind:
    """One thread that does one job after the other, and lives no longer than there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: ThreadPoolExecutor | None = None
        self._later: deque[Callable[[], None]] = deque()

    def store(self, response: Response, job: Callable[[], None]) -> None:
        """Have ``job`` done, which stores ``response`` and raises nothing."""
        if len(response.body) >= _HUGE:
            self._later.append(job)
        else:
            self._do(job)

    def _do(self, job: Callable[[], None]) -> None:
        try:
            with self._lock:
                self._worker = self._worker or ThreadPoolExecutor(1, "pytest-messages")
                self._worker.submit(job)
        except RuntimeError:  # the interpreter is about to exit
            job()

    def wait(self) -> None:
        """Return when every job is done."""
        with self._lock:  # held, so that nobody else who waits returns before
            if self._worker is not None:
                self._worker.shutdown(wait=True)
                self._worker = None
        while self._later:
            self._later.popleft()()
