"""How much later the first event of a stream reaches the official SDK while it is recorded.

Events are 100 ms apart. Runs without and with a session alternate in one process, sync and async; the figures are
medians of the time from the call to the first event, in milliseconds.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anthropic

from pytest_messages import sandbox, use_cassette

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pytest_messages.sandbox import Sandbox

ROUNDS = 11
ASKED: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "sandbox: slow 100ms"}],
}


def first_event(server: Sandbox) -> float:
    """Seconds to the first event, sync."""
    with anthropic.Anthropic(api_key=server.key, base_url=server.url) as client:
        start = time.perf_counter()
        with client.messages.create(**ASKED, stream=True) as stream:
            next(iter(stream))
            return time.perf_counter() - start


def first_event_async(server: Sandbox) -> float:
    """Seconds to the first event, async."""

    async def talk() -> float:
        async with anthropic.AsyncAnthropic(api_key=server.key, base_url=server.url) as client:
            start = time.perf_counter()
            async with await client.messages.create(**ASKED, stream=True) as stream:
                await anext(aiter(stream))
                return time.perf_counter() - start

    return asyncio.run(talk())


def compare(way: Callable[[Sandbox], float], server: Sandbox, folder: Path) -> tuple[float, float]:
    """Median seconds without and with a recording session."""
    took: dict[bool, list[float]] = {False: [], True: []}
    for round_ in range(ROUNDS + 1):
        for recording in (False, True):
            tape = folder / f"{way.__name__}-{round_}.yaml"
            around: AbstractContextManager[Any] = use_cassette(tape) if recording else nullcontext()
            with around:
                seconds = way(server)
            if round_:  # the first round warms up
                took[recording].append(seconds)
    return statistics.median(took[False]), statistics.median(took[True])


def main() -> None:
    """Print the medians and their difference."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, sandbox.serve() as server:
        for way in (first_event, first_event_async):
            without, recorded = compare(way, server, Path(folder))
            figures = f"{without * 1000:7.1f} ms without, {recorded * 1000:7.1f} ms recording"
            print(f"{way.__name__:18} {figures}: {(recorded - without) * 1000:+.1f} ms")


if __name__ == "__main__":
    main()
