"""How long opening a cassette takes: ours, by its offsets, against whole-file readers.

    python benchmarks/cassettes.py [INTERACTIONS ...]

Each interaction is a conversation of some turns and a stream of 100 events with its chunks, 17 kB of file. "open" makes
every request ready to be matched, "read all" also reads every response.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from vcr.persisters.filesystem import FilesystemPersister  # type: ignore[import-untyped]  # it has no types
from vcr.serializers import yamlserializer  # type: ignore[import-untyped]  # it has no types

from pytest_messages.cassette.document import Cassette, Interaction, Recording
from pytest_messages.cassette.reading import load
from pytest_messages.cassette.writing import dump
from pytest_messages.wire import Chunk, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 7
TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind. "


def interaction(number: int) -> Interaction:
    """Return a request of three turns and a streamed answer, all of them different."""
    turns = [{"role": role, "content": f"{number}: {TEXT * 12}"} for role in ("user", "assistant", "user")]
    body = json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 1024, "messages": turns, "stream": True})
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT[:40]}}
    stream = f"event: content_block_delta\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()
    response = Response(
        200,
        "OK",
        (("content-type", "text/event-stream; charset=utf-8"),),
        stream * 100,
        tuple(Chunk(10 * event, event * len(stream)) for event in range(1, 101)),
    )
    request = Request(
        "POST",
        "https://api.anthropic.com/v1/messages",
        (("anthropic-version", "2023-06-01"), ("content-type", "application/json")),
        json.dumps(json.loads(body), separators=(",", ":")).encode(),
    )
    recording = Recording(at="2026-11-21T10:00:00Z", test="tests/test_chat.py::test_hello", provider="anthropic")
    return Interaction(request, (response, recording))


def by_us(path: Path) -> None:
    """Open, as a test does."""
    load(path.read_bytes(), str(path))


def by_us_whole(path: Path) -> None:
    """Open and read every response, as ``check`` does."""
    for item in load(path.read_bytes(), str(path)).interactions:
        _ = item.response


def by_pyyaml(path: Path) -> None:
    """Read the document with PyYAML's C loader."""
    yaml.load(path.read_bytes(), yaml.CSafeLoader)


def by_vcr(path: Path) -> None:
    """Open as VCR.py does."""
    FilesystemPersister.load_cassette(str(path), yamlserializer)


def by_cassetter(path: Path) -> None:
    """Open as cassetter does."""
    cassetter: Any = importlib.import_module("cassetter")
    cassetter.Cassette(path, record_mode=cassetter.RecordMode.NONE).load()


def milliseconds(act: Callable[[Path], None], path: Path) -> float:
    """Return the median of some runs, the first one aside."""
    times = []
    for _ in range(RUNS + 1):
        gc.collect()
        start = time.perf_counter()
        act(path)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[1:])


def main(sizes: list[int]) -> None:
    """Print one line for each reader."""
    readers = {
        "pytest-messages, open": by_us,
        "pytest-messages, read all": by_us_whole,
        "PyYAML, C loader": by_pyyaml,
        "VCR.py": by_vcr,
    }
    if importlib.util.find_spec("cassetter"):
        readers["cassetter"] = by_cassetter
    with tempfile.TemporaryDirectory() as directory:
        paths = [Path(directory, f"{size}.yaml") for size in sizes]
        for size, path in zip(sizes, paths, strict=True):
            path.write_text(dump(Cassette(interactions=tuple(map(interaction, range(size))))), encoding="utf-8")
        heads = [f"{size} ({path.stat().st_size / 1e6:.1f} MB)" for size, path in zip(sizes, paths, strict=True)]
        print(f"{'milliseconds, median of ' + str(RUNS):28}" + "".join(f"{head:>18}" for head in heads))
        for name, act in readers.items():
            print(f"{name:28}" + "".join(f"{milliseconds(act, path):18.1f}" for path in paths))


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [100, 1000])
