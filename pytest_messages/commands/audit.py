"""`pytest-messages audit`: look for secrets in cassettes of any tool, and scrub them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_messages.commands import at_rest
from pytest_messages.commands.terminal import FINE, FOUND, USAGE, complain, each
from pytest_messages.report.check_output import audited
from pytest_messages.report.layout import number
from pytest_messages.use.opening import credentials

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="cassettes of any tool, or folders of them")
    parser.add_argument(
        "--allow", action="append", default=[], metavar="KIND@PLACE", help="leave out a finding that is no secret"
    )
    parser.add_argument("--fix", action="store_true", help="scrub the files in which something was found")


def run(asked: argparse.Namespace) -> int:
    """Audit what ``asked`` names and return the exit code: 1 where a secret is left."""
    paths = at_rest.files(asked.paths)
    if not paths:
        complain(at_rest.nothing_to("audit", asked.paths))
        return USAGE
    secrets = credentials(os.environ)
    leaking: list[Path] = []
    for done in at_rest.audit(paths, secrets=secrets, allow=asked.allow):
        if done.leaks:
            leaking.append(done.path)
        if not (done.leaks and asked.fix) and (
            text := audited(str(done.path), done.leaks, len(done.allowed), len(done.hints))
        ):
            print(text)

    def fix(path: Path) -> None:
        at_rest.rewrite(path, secrets=secrets, allow=asked.allow)
        print(f"{path}: scrubbed")

    left = each(leaking, fix, "scrubbed") if asked.fix else len(leaking)
    advice = "; --fix scrubs what was found" if leaking and not asked.fix else ""
    print(f"{number(len(paths), 'file')} looked at{advice}")
    return FOUND if left else FINE
