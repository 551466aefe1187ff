"""What it costs to look a request up, and to explain that there is no answer. Run: python benchmarks/matching.py."""

from __future__ import annotations

import json
from timeit import repeat
from typing import TYPE_CHECKING, Any

from pytest_messages.matching import Matching
from pytest_messages.wire import Request, Scrubbed

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://api.anthropic.com/v1/messages"
SIZES = {"2 kB": 1, "20 kB": 20, "200 kB": 200}


def body(turns: int, seed: int) -> dict[str, Any]:
    """Return a tool loop of about 2 kB for each turn."""
    tool = {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "where " * 6}},
        "required": ["city"],
    }
    messages: list[dict[str, Any]] = []
    for turn in range(turns):
        messages += [
            {"role": "user", "content": [{"type": "text", "text": f"{seed} {turn} What is the weather? " * 15}]},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": f"t{turn}", "name": "w", "input": {"city": "x"}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": f"t{turn}", "content": "sunny " * 100}],
            },
        ]
    tools = [{"name": "w", "description": "The weather. " * 20, "input_schema": tool}]
    return {"model": "m", "max_tokens": 1024, "temperature": 0.7, "stream": True, "tools": tools, "messages": messages}


def ask(turns: int, seed: int = 0, *, spaced: bool = False) -> Scrubbed:
    """Return a request as a client makes it: compact, or with the spaces of json.dumps."""
    text = json.dumps(body(turns, seed), separators=None if spaced else (",", ":"), ensure_ascii=False)
    return Scrubbed(Request("POST", URL, (), text.encode()))


def best(work: Callable[[], object], number: int) -> float:
    """Return the microseconds of one run, best of several rounds: other work on the machine only ever adds."""
    return min(repeat(work, number=number, repeat=9)) / number * 1e6


def lookups() -> None:
    """Print what a key costs, by size: for the bytes of the recording, and for another spelling of them."""
    print(f"{'body':>8} {'bytes':>8} {'loads, µs':>10} {'same bytes':>11} {'other spelling':>15} {'beyond loads':>13}")
    for name, turns in SIZES.items():
        print(f"{name:>8}", lookup(turns))


def lookup(turns: int) -> str:
    """Return the row of one size."""
    recorded, other = ask(turns), ask(turns, spaced=True)
    matching = Matching()
    matching.recorded_key(recorded)
    number = 2000 // turns
    loads = best(lambda: json.loads(other.body), number)
    same = best(lambda: matching.key(recorded), number)
    spelt = best(lambda: matching.key(other), number)
    return f"{len(other.body):>8} {loads:>10.1f} {same:>11.1f} {spelt:>15.1f} {spelt - loads:>13.1f}"


def cassettes() -> None:
    """Print what the number of interactions costs."""
    print(f"{'interactions':>13} {'index all, ms':>14} {'key of one, µs':>15} {'nearest, ms':>12}")
    for count in (10, 100, 1000):
        print(f"{count:>13}", cassette([ask(1, seed) for seed in range(count)]))


def cassette(requests: list[Scrubbed]) -> str:
    """Return the row of one cassette."""
    matching, live = Matching(), ask(1, -1)
    index = best(lambda: [Matching().recorded_key(request) for request in requests], 1) / 1e3
    for request in requests:
        matching.recorded_key(request)
    one = best(lambda: matching.key(requests[-1]), 500)
    nearest = best(lambda: matching.nearest(live, requests), 1) / 1e3
    return f"{index:>14.1f} {one:>15.1f} {nearest:>12.1f}"


if __name__ == "__main__":
    lookups()
    print()
    cassettes()
