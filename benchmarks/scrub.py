"""What scrubbing and the gate cost: a typical request, a streamed answer, and the same with something to replace.

Run with ``python benchmarks/scrub.py``; prints microseconds, the median of 15 rounds.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING, Any

from pytest_messages.scrubbing import Gate, Scrubber, new_salt
from pytest_messages.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-ant-" + "api03-" + "aB3_" * 20


def median_microseconds(call: Callable[[], object], *, repeat: int) -> float:
    """Return the median time of one call."""
    rounds = []
    for _ in range(15):
        start = time.perf_counter()
        for _ in range(repeat):
            call()
        rounds.append((time.perf_counter() - start) / repeat * 1e6)
    return statistics.median(rounds)


def request(*, prompt: str = "", metadata: bool = False) -> Request:
    """Make a request of about 2 kB: a system prompt, two tools, three turns."""
    properties = {"city": {"type": "string", "description": "The city, e.g. Paris"}, "unit": {"type": "string"}}
    schema = {"type": "object", "properties": properties}
    tool = {"description": "Look up something.\nIn detail. " * 8, "input_schema": schema}
    body = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 1024,
        "system": "You are a careful assistant. Answer in one sentence. " * 6,
        "tools": [{"name": name, **tool} for name in ("weather", "calendar")],
        "messages": [
            {"role": "user", "content": "What's the weather like in Paris?\nAnd tomorrow? " + prompt},
            {"role": "assistant", "content": [{"type": "text", "text": "Sunny today, rain tomorrow. " * 8}]},
            {"role": "user", "content": "Thank you. Which of the two days is better for a walk?"},
        ],
        **({"metadata": {"user_id": "session-1234"}} if metadata else {}),
    }
    headers = (("x-api-key", KEY), ("content-type", "application/json"), ("anthropic-version", "2023-06-01"))
    return Request("POST", "https://api.anthropic.com/v1/messages", headers, json.dumps(body).encode())


def response(*texts: str) -> Response:
    """Make a stream with one text delta a text."""
    start = {"id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": []}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop"},
    ]
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return Response(200, "OK", (("content-type", "text/event-stream"),), body.encode())


def main() -> None:
    """Print the table."""
    scrubber = Scrubber(salt=new_salt("benchmark"), secrets=[KEY])
    gate = scrubber.gate()
    plain, grouped, leaking = request(), request(metadata=True), request(prompt=KEY)
    clean = response(*["and so on "] * 200)
    split = response(*["and so on "] * 184, *(KEY[at : at + 5] for at in range(0, len(KEY), 5)))
    text = clean.body.decode()
    assert isinstance(gate, Gate)
    assert KEY[:20].encode() not in scrubber.request(leaking).body
    rows = (
        (f"request, {len(plain.body)} bytes", lambda: scrubber.request(plain), 300),
        ("request with metadata.user_id", lambda: scrubber.request(grouped), 100),
        ("request with a key in a prompt", lambda: scrubber.request(leaking), 50),
        (f"stream of 200 deltas, {len(clean.body)} bytes", lambda: scrubber.response(clean), 10),
        ("stream with a key split over 18 deltas", lambda: scrubber.response(split), 3),
        ("gate over the stream", lambda: gate.check(text), 3),
    )
    for name, call, repeat in rows:
        print(f"{name:<45} {median_microseconds(call, repeat=repeat):>9.0f} µs")


if __name__ == "__main__":
    main()
