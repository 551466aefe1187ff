"""`pytest-messages import`: scrub cassettes of another tool and write them in our own form."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_messages.commands import at_rest
from pytest_messages.commands.terminal import FINE, FOUND, USAGE, complain, each
from pytest_messages.use.opening import credentials

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="cassettes of any tool, or folders of them")
    parser.add_argument(
        "--scrub", action="append", default=[], metavar="RULE", help="add a rule, written as in messages_scrub"
    )


def run(asked: argparse.Namespace) -> int:
    """Rewrite what ``asked`` names in place; return 1 where a file failed, 2 where none could be read."""
    paths = at_rest.files(asked.paths)
    if not paths:
        complain(at_rest.nothing_to("import", asked.paths))
        return USAGE
    secrets = credentials(os.environ)

    def rewrite(path: Path) -> None:
        changed = at_rest.rewrite(path, secrets=secrets, rules=asked.scrub)
        print(f"{path}: {'rewritten' if changed else 'already in our form'}")

    failed = each(paths, rewrite, "imported")
    return USAGE if failed == len(paths) else FOUND if failed else FINE
