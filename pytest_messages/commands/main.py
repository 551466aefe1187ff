"""`pytest-messages check · show · audit · import · mv · recover · schema · sandbox · demo`."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pytest_messages import report
from pytest_messages.commands import audit, check, demo, importing, mv, recover, sandbox, schema, show
from pytest_messages.commands.terminal import FINE, USAGE
from pytest_messages.errors import MessagesError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TextIO


class Command(NamedTuple):
    """One command: what it does in a sentence, what it takes, and its work, which returns the exit code."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS: Mapping[str, Command] = {
    "check": Command("judge cassettes, or a live endpoint, against the documented API", check.add_arguments, check.run),
    "show": Command("print cassettes as conversations", show.add_arguments, show.run),
    "audit": Command("look for secrets in cassettes of any tool", audit.add_arguments, audit.run),
    "import": Command(
        "scrub cassettes of another tool and rewrite them in our form, in place",
        importing.add_arguments,
        importing.run,
    ),
    "mv": Command("move the cassettes of a test that was renamed", mv.add_arguments, mv.run),
    "recover": Command("bring into its cassette what a part file beside it holds", recover.add_arguments, recover.run),
    "schema": Command(
        "print JSON Schema (Draft 2020-12) of what the API takes and answers", schema.add_arguments, schema.run
    ),
    "sandbox": Command("run a Messages API on this machine", sandbox.add_arguments, sandbox.run),
    "demo": Command("record, replay and judge a small suite, and show how that looks", demo.add_arguments, demo.run),
}
"""Every command, in the order in which they are listed."""

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; what goes wrong by name is explained, not traced."""
    _print_anything()
    asked = _parser().parse_args(arguments)
    try:
        code = COMMANDS[asked.command].run(asked)
        # What is left to write is written here, where a reader that went away is no surprise.
        sys.stdout.flush()
    except MessagesError as error:
        print(report.explain(error), file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough: `show … | head`.
        _give_up(sys.stdout)
        return FINE
    except OSError as error:
        print(f"pytest-messages: {error}", file=sys.stderr)
        _give_up(sys.stdout)
        return USAGE
    return code


def _print_anything() -> None:
    """Let a terminal that lacks a letter show its escape, where Python would raise in the middle of the output."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _give_up(stream: TextIO) -> None:
    """Throw away what is still to be written, or the interpreter would complain when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-messages", description="Work with recorded Messages calls outside of pytest."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    for name, command in COMMANDS.items():
        text = command.help
        command.add_arguments(commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}."))
    return parser
