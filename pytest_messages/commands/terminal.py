"""What the commands share at a terminal: exit codes, progress, questions, and a batch that a bad file does not stop."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_messages import report
from pytest_messages.errors import MessagesError
from pytest_messages.report.layout import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

FINE, FOUND, USAGE = 0, 1, 2
"""Exit codes: nothing wrong; something found, or a file that failed; a wrong command, or nothing to work on."""

_TICK = 50


def complain(text: str) -> None:
    """Say on stderr what is wrong."""
    print(text, file=sys.stderr)


def each(paths: Sequence[Path], act: Callable[[Path], None], failing: str) -> int:
    """Do ``act`` for every file and return how many failed; a bad file is explained and stops none of the others.

    ``failing`` ends the sentence that counts them: "2 of 5 files could not be ``failing``".
    """
    failed = 0
    for path in paths:
        try:
            act(path)
        except MessagesError as error:
            complain(report.explain(error))
            failed += 1
    if failed:
        complain(f"{failed} of {number(len(paths), 'file')} could not be {failing}")
    return failed


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """Count on the last line of a terminal; print nothing elsewhere."""
    seen = 0
    shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def tick() -> None:
        nonlocal seen
        seen += 1
        if shown and (seen % _TICK == 0 or seen == total):
            print(f"\r{seen:,} of {total:,}", end="", file=sys.stderr, flush=True)

    try:
        yield tick
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr)


def agreed(question: str) -> bool:
    """Ask, and tell whether the answer was yes; without a terminal there is nobody to ask."""
    if not sys.stdin.isatty():
        complain("there is no terminal to ask on: add --yes to send")
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
