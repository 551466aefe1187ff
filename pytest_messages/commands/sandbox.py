"""`pytest-messages sandbox`: run a Messages API on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages.commands.terminal import FINE, FOUND

if TYPE_CHECKING:
    import argparse

    from pytest_messages.sandbox import Sandbox


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--port", type=int, default=0, help="the port to listen on (default: any free one)")
    parser.add_argument(
        "--provider", default="anthropic", metavar="NAME", help="who answers at the root (default: anthropic)"
    )
    parser.add_argument("--recordings", type=Path, metavar="PATH", help="answer from these cassettes, byte for byte")
    parser.add_argument(
        "--unmatched",
        choices=("refuse", "answer"),
        default="refuse",
        help="what a request gets that equals no recording: an error, or an answer made up (default: refuse)",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="PATH",
        help="a place in the body that is not compared with the recordings, as in the setting; may be repeated",
    )
    parser.add_argument(
        "--pace", type=float, default=1, help="how fast recordings are played: 1 as recorded, 0 at once"
    )


def run(asked: argparse.Namespace) -> int:
    """Serve until Ctrl-C; what no recording answered is told then, and is a failure."""
    from pytest_messages import sandbox  # noqa: PLC0415 - its server comes with an extra

    def ready(server: Sandbox) -> None:
        print(f"a Messages API answers at {server.url} until you press Ctrl-C\n")
        for name in ("anthropic", "shinzo", "shuyou"):
            settings = server.environ_for(name)
            print("\n".join([f"as {name}:", *(f"  export {key}={value}" for key, value in settings.items())]))
        print("\nTo tell it what to do, write one of these in the last user text:")
        for handle in sandbox.HANDLES:
            print(f"  {handle.form:<42} {handle.help}", flush=True)

    unmatched = sandbox.run(
        ready,
        port=asked.port,
        provider=asked.provider,
        recordings=asked.recordings,
        ignore=asked.ignore,
        unmatched=asked.unmatched,
        pace=asked.pace,
    )
    for line in unmatched:
        print(line, file=sys.stderr)
    return FOUND if unmatched else FINE
