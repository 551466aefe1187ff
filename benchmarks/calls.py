"""What a recorder adds to one replayed HTTP call, beside the peers and in one process.

Every recorder opens the same cassette (N requests with distinct bodies, JSON and streamed answers in turn) and replays
it through one client. The floor is the library's own mock transport with the same bytes. Medians of some rounds, in
microseconds; a peer that is not installed is left out.
"""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from pytest_messages import sandbox, use_cassette
from pytest_messages.cassette.store import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.cassette.document import Interaction

SIZES = (1, 10, 100)
ROUNDS = 5
CLIENT = httpx2.Client()


def record(path: Path, count: int) -> list[Interaction]:
    """Record the cassette that all of them replay, from the sandbox."""
    with sandbox.serve() as server, use_cassette(path, record="rewrite"):
        for n in range(count):
            text = f"sandbox: say {n} " + "and so on, " * 30
            body = {"model": "claude-sonnet-5", "max_tokens": 200, "messages": [{"role": "user", "content": text}]}
            headers = {"x-api-key": server.key, "anthropic-version": "2023-06-01"}
            more = {"stream": True} if n % 2 else {}
            CLIENT.post(f"{server.url}/v1/messages", json=body | more, headers=headers)
    return list(read(path).interactions)


@contextmanager
def floor(path: Path, interactions: list[Interaction]) -> Iterator[httpx2.Client]:
    """Answer from a dictionary."""
    del path
    answers = {each.request.body: each.response for each in interactions}

    def handler(request: httpx2.Request) -> httpx2.Response:
        answer = answers[request.content]
        return httpx2.Response(answer.status, headers=dict(answer.headers), content=answer.body)

    with httpx2.Client(transport=httpx2.MockTransport(handler)) as client:
        yield client


@contextmanager
def ours(path: Path, interactions: list[Interaction]) -> Iterator[httpx2.Client]:
    """Replay by pytest_messages."""
    del interactions
    with use_cassette(path, record="none", chunking="whole"):
        yield CLIENT


@contextmanager
def vcr(path: Path, interactions: list[Interaction]) -> Iterator[httpx2.Client]:
    """Stock VCR.py, comparing bodies."""
    library: Any = importlib.import_module("vcr")
    del interactions
    with library.use_cassette(str(path), record_mode="none", match_on=["method", "uri", "body"]):
        yield CLIENT


@contextmanager
def cassetter(path: Path, interactions: list[Interaction]) -> Iterator[httpx2.Client]:
    """Cassetter, comparing bodies."""
    library: Any = importlib.import_module("cassetter")
    del interactions
    with library.use_cassette(path, record_mode="none", match_on=["method", "uri", "json_body"]):
        yield CLIENT


WAYS: dict[str, Any] = {"floor": floor, "ours": ours, "vcr": vcr, "cassetter": cassetter}


def clock(way: Any, path: Path, interactions: list[Interaction]) -> tuple[float, float]:
    """Seconds to open, and per call."""
    start = time.perf_counter()
    with way(path, interactions) as client:
        opened = time.perf_counter()
        for each in interactions:
            asked, said = each.request, {"content-type": "application/json"}
            answer = client.post(asked.url, content=asked.body, headers=said)
            assert answer.status_code == 200, answer.text
        return opened - start, (time.perf_counter() - opened) / len(interactions)


def main() -> None:
    """Print one line for each recorder and size."""
    known = [name for name in WAYS if name in {"floor", "ours"} or importlib.util.find_spec(name)]
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = Path(folder) / f"{size}.yaml"
            interactions = record(path, size)
            base = 0.0
            for name in known:
                clock(WAYS[name], path, interactions)
                runs = [clock(WAYS[name], path, interactions) for _ in range(ROUNDS)]
                opened, call = (statistics.median(column) for column in zip(*runs, strict=True))
                base = call if name == "floor" else base
                print(
                    f"{size:5} interactions  {name:10} opened in {opened * 1e3:8.2f} ms, "
                    f"{call * 1e6:9.1f} µs a call, {call / base:6.1f} times the floor"
                )


if __name__ == "__main__":
    main()
