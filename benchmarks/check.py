"""How long `pytest-messages check` takes for 2,000 cassettes of about 10 kB, on one core."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from pathlib import Path

import httpx

from pytest_messages import sandbox, use_cassette
from pytest_messages.commands.main import main as command

COUNT = 2000


def tape(path: Path) -> None:
    """Record one cassette of about 10 kB."""
    long = "sandbox: say " + "and so on, " * 45
    body = {"model": "claude-sonnet-5", "max_tokens": 400, "messages": [{"role": "user", "content": long}]}
    with sandbox.serve() as server, use_cassette(path, record="rewrite"), httpx.Client() as client:
        headers = {"x-api-key": server.key, "anthropic-version": "2023-06-01"}
        client.post(f"{server.url}/v1/messages", json=body | {"stream": True}, headers=headers)


def main() -> None:
    """Print the seconds."""
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "0.yaml"
        tape(first)
        text = first.read_bytes()
        for n in range(1, COUNT):
            (Path(folder) / f"{n}.yaml").write_bytes(text)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            command(["check", str(first)])
            start = time.perf_counter()
            command(["check", folder])
            took = time.perf_counter() - start
        print(f"{COUNT} cassettes of {len(text) / 1000:.1f} kB: {took:.2f} s ({said.getvalue().splitlines()[-1]})")


if __name__ == "__main__":
    main()
