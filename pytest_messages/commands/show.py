"""`pytest-messages show`: print cassettes as conversations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages import report
from pytest_messages.cassette import store
from pytest_messages.commands import at_rest
from pytest_messages.commands.terminal import FINE, FOUND, USAGE, complain, each

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("path", metavar="PATH[#N]", help="a cassette, or a folder of them; #N picks one interaction")
    parser.add_argument("--raw", action="store_true", help="print what crossed the wire")


def run(asked: argparse.Namespace) -> int:
    """Print what ``asked`` names and return the exit code."""
    if Path(asked.path).is_dir():
        return _folder(asked.path, raw=asked.raw)
    path, position = _split(asked.path)
    interactions = store.read(path).interactions
    if position is not None and not 0 < position <= len(interactions):
        complain(f"{path} has no interaction {position}; it has {len(interactions)}")
        return USAGE
    _print(path, position, raw=asked.raw)
    return FINE


def _folder(name: str, *, raw: bool) -> int:
    paths = at_rest.files([name])
    if not paths:
        complain(at_rest.nothing_to("show", [name]))
        return USAGE

    def show(path: Path) -> None:
        text = _text(path, None, raw=raw)
        print(f"{'' if path is paths[0] else chr(10)}{path}\n\n{text}")

    return FOUND if each(paths, show, "shown") else FINE


def _split(text: str) -> tuple[Path, int | None]:
    """Return the file and the position that ``text`` names; a file may have a # in its name."""
    name, _, last = text.rpartition("#")
    if name and last.isdecimal() and not Path(text).exists():
        return Path(name), int(last)
    return Path(text), None


def _print(path: Path, position: int | None, *, raw: bool) -> None:
    print(_text(path, position, raw=raw))


def _text(path: Path, position: int | None, *, raw: bool) -> str:
    interactions = store.read(path).interactions
    chosen = interactions if position is None else interactions[position - 1 : position]
    return "\n\n".join(map(report.wire, chosen)) if raw else report.conversation(chosen, first=position or 1)
