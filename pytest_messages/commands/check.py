"""`pytest-messages check`: judge cassettes, or a live endpoint."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from pytest_messages import providers
from pytest_messages.commands import at_rest
from pytest_messages.commands.terminal import FINE, FOUND, USAGE, complain, progress
from pytest_messages.findings import Level
from pytest_messages.report.check_output import FORMATS, checked

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="cassettes of any tool, or folders of them")
    parser.add_argument("--live", metavar="URL", help="send a fixed set of requests to this endpoint and judge them")
    parser.add_argument("--model", metavar="NAME", help="with --live: the model to ask (default: the provider's)")
    parser.add_argument("--yes", action="store_true", help="with --live: send without asking first")
    parser.add_argument(
        "--provider", metavar="NAME", help="judge every call as this provider's (default: told by its URL)"
    )
    parser.add_argument("--providers", metavar="TOML", help="a file that declares gateways")
    parser.add_argument("--rules", action="append", default=[], metavar="-NAME", help="turn a rule off by name")
    parser.add_argument("--strict", action="store_true", help="fail on notices too")
    parser.add_argument("--hints", action="store_true", help="print hints too")
    parser.add_argument("--format", choices=FORMATS, default="text", help="how to print findings (default: text)")


def run(asked: argparse.Namespace) -> int:
    """Judge what ``asked`` names and return the exit code."""
    declared = providers.load_declared(asked.providers) if asked.providers else {}
    if asked.live:
        from pytest_messages.commands import live  # noqa: PLC0415 - needs a client, which judging files does not

        return live.main(asked, declared)
    paths = at_rest.files(asked.paths)
    if not paths:
        complain(at_rest.nothing_to("check", asked.paths))
        return USAGE
    levels: Counter[Level] = Counter()
    found: list[at_rest.CheckFound] = []
    interactions = 0
    with progress(len(paths)) as tick:
        for done in at_rest.check_files(paths, provider=asked.provider, declared=declared, rules=asked.rules):
            levels.update(each.violation.level for each in done.found)
            found += (each for each in done.found if each.violation.level is not Level.HINT or asked.hints)
            interactions += done.interactions
            tick()
    return _told(found, levels, asked, checked(len(paths), interactions, levels))


def _told(
    found: Sequence[at_rest.CheckFound], levels: Mapping[Level, int], asked: argparse.Namespace, last: str
) -> int:
    printed = FORMATS[asked.format](found)
    if printed:
        print(printed)
    print(last, file=sys.stdout if asked.format == "text" else sys.stderr)
    counted = [Level.VIOLATION, *([Level.NOTICE] if asked.strict else [])]
    return FOUND if any(levels.get(level) for level in counted) else FINE
