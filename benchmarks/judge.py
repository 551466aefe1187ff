"""How long judging a stream of 200 events takes, beside the official SDK that reads the same stream in one process.

Run as ``python benchmarks/judge.py``; the last line says how many times faster the judge is, and how much is asked for.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2

from pytest_messages.api import sse
from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.judge import check
from pytest_messages.providers import PROVIDERS
from pytest_messages.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = 200
ROUNDS = 41
ASKED_FOR = 6
HEADERS = (("content-type", "text/event-stream; charset=utf-8"),)
ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 1024,
    "messages": [{"role": "user", "content": "Hi"}],
}


def stream(number: int) -> bytes:
    """Make a stream of ``number`` events, padded as the API does."""
    usage = {"input_tokens": 3, "output_tokens": 1}
    message = {"id": "msg_01AAbbCCddEEffGGhhIIjjKK", "type": "message", "role": "assistant", "model": ASK["model"]}
    message |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    payloads: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"word {n} and "}}
            for n in range(number - 5)
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 3 * number},
        },
        {"type": "message_stop"},
    ]
    return b"".join(
        sse.encode(each["type"], json.dumps(each)[:-1] + " " * (n * 7 % 12) + "}") for n, each in enumerate(payloads)
    )


def medians(*works: Callable[[], object]) -> list[float]:
    """Return the median time of each, in milliseconds; they alternate, so that all meet the same weather."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, taken in zip(works, times, strict=True):
            begun = time.perf_counter()
            work()
            taken.append(time.perf_counter() - begun)
    return [statistics.median(taken) * 1000 for taken in times]


def main() -> int:
    """Measure both, print the figures, and fail where the judge is too slow."""
    body = stream(EVENTS)
    assert len(sse.decode(body)) == EVENTS

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=dict(HEADERS), content=body)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    client = anthropic.Anthropic(api_key="none", http_client=http)
    request = Request("POST", "https://api.anthropic.com/v1/messages", (), json.dumps({**ASK, "stream": True}).encode())
    interaction = Interaction(request, (Response(200, headers=HEADERS, body=body), Recording()))
    provider = PROVIDERS["anthropic"]

    def read() -> object:
        with client.messages.stream(**ASK) as events:
            return events.get_final_message()

    def judge() -> object:
        found = check(interaction, provider)
        assert not found
        return found

    sdk, ours = medians(read, judge)
    print(f"the SDK reads a stream of {EVENTS} events in {sdk:.2f} ms, the judge judges it in {ours:.2f} ms")
    print(f"the judge is {sdk / ours:.1f} times faster; asked for is {ASKED_FOR}")
    return 0 if sdk / ours >= ASKED_FOR else 1


if __name__ == "__main__":
    sys.exit(main())
