"""`pytest-messages check · show · audit · import · recover · schema · sandbox · demo`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages import providers, report
from pytest_messages.api import schema
from pytest_messages.cassette import store
from pytest_messages.commands import at_rest, recover
from pytest_messages.errors import MessagesError
from pytest_messages.findings import Level
from pytest_messages.report.check_output import FORMATS, audited, checked
from pytest_messages.report.layout import number
from pytest_messages.use.opening import credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_messages.sandbox import Sandbox

FINE, FOUND, USAGE = 0, 1, 2
"""Exit codes: nothing wrong, something found, a wrong command or nothing to look at."""

_TICK = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; what goes wrong by name is explained, not traced."""
    asked = _parser().parse_args(arguments)
    try:
        code: int = asked.run(asked)
    except MessagesError as error:
        print(report.explain(error), file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has seen enough: `show … | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pytest-messages", description="Recorded Messages calls, outside of pytest.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        made.set_defaults(run=run)
        return made

    check = command("check", _check, "judge cassettes, or a live endpoint, against the documented API")
    check.add_argument("paths", nargs="*", metavar="PATH", help="cassettes of any tool, or folders of them")
    check.add_argument("--live", metavar="URL", help="judge this endpoint by a fixed battery of requests")
    check.add_argument("--model", metavar="NAME", help="with --live: the model to ask (the profile's)")
    check.add_argument("--yes", action="store_true", help="with --live: send without asking")
    check.add_argument("--provider", metavar="NAME", help="whose API is spoken; told by the URL of each call otherwise")
    check.add_argument("--providers", metavar="TOML", help="a file that declares gateways")
    check.add_argument("--rules", action="append", default=[], metavar="-NAME", help="turn a rule off by name")
    check.add_argument("--strict", action="store_true", help="fail on notices too")
    check.add_argument("--hints", action="store_true", help="print hints too")
    check.add_argument("--format", choices=FORMATS, default="text", help="how findings are printed (text)")

    show = command("show", _show, "print a cassette as a conversation")
    show.add_argument("path", metavar="PATH[#N]", help="a cassette; #N picks one interaction")
    show.add_argument("--raw", action="store_true", help="as it crossed the wire")

    audit = command("audit", _audit, "look for secrets in cassettes of any tool")
    audit.add_argument("paths", nargs="+", metavar="PATH")
    audit.add_argument("--allow", action="append", default=[], metavar="KIND@PLACE", help="a finding that is none")
    audit.add_argument("--fix", action="store_true", help="scrub the files that hold some")

    imports = command("import", _import, "scrub cassettes of another tool and write them in our own form, in place")
    imports.add_argument("paths", nargs="+", metavar="PATH")
    imports.add_argument(
        "--scrub", action="append", default=[], metavar="RULE", help="a further rule, as messages_scrub"
    )

    recover.add_arguments(command("recover", recover.run, "bring into its cassette what a part file beside it holds"))

    schemas = command("schema", _schema, "print JSON Schema (Draft 2020-12) of what the API takes and answers")
    schemas.add_argument("kind", nargs="?", choices=schema.KINDS, metavar="KIND", help=", ".join(schema.KINDS))
    schemas.add_argument("--version", choices=schema.VERSIONS, default=schema.VERSIONS[0], help="the API version")

    sandbox = command("sandbox", _sandbox, "run a Messages API on this machine")
    sandbox.add_argument("--port", type=int, default=0, help="which port to listen on (any free one)")
    sandbox.add_argument("--provider", default="anthropic", metavar="NAME", help="who answers at the root (anthropic)")
    sandbox.add_argument("--recordings", type=Path, metavar="PATH", help="cassettes to answer from, byte for byte")
    sandbox.add_argument("--pace", type=float, default=1, help="how fast: 1 as recorded, 0 at once")

    demo = command("demo", _demo, "record, replay and judge a small suite, and show what that looks like")
    demo.add_argument(
        "--live", action="store_true", help="against the real API, with your key; the cost is stated first"
    )
    demo.add_argument("--yes", action="store_true", help="with --live: record without asking")
    return parser


# check


def _check(asked: argparse.Namespace) -> int:
    declared = providers.load_declared(asked.providers) if asked.providers else {}
    if asked.live:
        from pytest_messages.commands import live  # noqa: PLC0415 - needs a client, which judging files does not

        return live.main(asked, declared)
    paths = at_rest.files(asked.paths)
    if not paths:
        print("there is no cassette to check; name a file or a folder that holds some", file=sys.stderr)
        return USAGE
    levels: Counter[Level] = Counter()
    found: list[at_rest.Found] = []
    interactions = 0
    with _progress(len(paths)) as tick:
        for done in at_rest.check_files(paths, provider=asked.provider, declared=declared, rules=asked.rules):
            levels.update(each.violation.level for each in done.found)
            found += (each for each in done.found if each.violation.level is not Level.HINT or asked.hints)
            interactions += done.interactions
            tick()
    return tell(found, levels, asked, f"{checked(len(paths), interactions, levels)}")


def tell(found: Sequence[at_rest.Found], levels: Mapping[Level, int], asked: argparse.Namespace, last_line: str) -> int:
    """Print findings in the format that was asked for, and return the exit code."""
    printed = FORMATS[asked.format](found)
    if printed:
        print(printed)
    print(last_line, file=sys.stdout if asked.format == "text" else sys.stderr)
    counted = [Level.VIOLATION, *([Level.NOTICE] if asked.strict else [])]
    return FOUND if any(levels.get(level) for level in counted) else FINE


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Count on a terminal's last line; elsewhere in silence."""
    seen = 0
    shown = sys.stderr.isatty()

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


# show


def _show(asked: argparse.Namespace) -> int:
    name, _, number = asked.path.rpartition("#") if _is_number(asked.path.rpartition("#")[2]) else (asked.path, "", "")
    name = name or asked.path
    interactions = store.read(Path(name)).interactions
    first = int(number) if number else 1
    chosen = interactions[first - 1 : first] if number else interactions
    if number and not chosen:
        print(f"{name} has no interaction {first}; it has {len(interactions)}", file=sys.stderr)
        return USAGE
    print("\n\n".join(map(report.wire, chosen)) if asked.raw else report.conversation(chosen, first=first))
    return FINE


def _is_number(text: str) -> bool:
    return text.isdigit() and int(text) > 0


# audit and import


def _audit(asked: argparse.Namespace) -> int:
    paths = at_rest.files(asked.paths)
    secrets = credentials(os.environ)
    leaking = False
    for done in at_rest.audit(paths, secrets=secrets, allow=asked.allow):
        if done.leaks and asked.fix:
            at_rest.rewrite(done.path, secrets=secrets, allow=asked.allow)
            print(f"{done.path}: scrubbed")
            continue
        leaking = leaking or bool(done.leaks)
        if text := audited(str(done.path), done.leaks, len(done.allowed), len(done.hints)):
            print(text)
    print(f"{number(len(paths), 'file')} looked at" + ("; --fix scrubs what was found" if leaking else ""))
    return FOUND if leaking else FINE if paths else USAGE


def _import(asked: argparse.Namespace) -> int:
    paths = at_rest.files(asked.paths)
    for path in paths:
        changed = at_rest.rewrite(path, secrets=credentials(os.environ), rules=asked.scrub)
        print(f"{path}: {'rewritten' if changed else 'already as we write it'}")
    return FINE if paths else USAGE


# schema, sandbox, demo


def _schema(asked: argparse.Namespace) -> int:
    kinds = [asked.kind] if asked.kind else schema.KINDS
    made = {kind: schema.json_schema(kind, version=asked.version) for kind in kinds}
    print(json.dumps(made[asked.kind] if asked.kind else made, indent=2))
    return FINE


def _sandbox(asked: argparse.Namespace) -> int:
    from pytest_messages import sandbox  # noqa: PLC0415 - its server comes with an extra

    def ready(server: Sandbox) -> None:
        print(f"a Messages API answers at {server.url} until you press Ctrl-C\n")
        for name in ("anthropic", "shinzo", "shuyou"):
            settings = server.environ_for(name)
            print("\n".join([f"as {name}:", *(f"  export {key}={value}" for key, value in settings.items())]))
        print("\nIn the last user text, `sandbox: …` orders:")
        for handle in sandbox.HANDLES:
            print(f"  {handle.form:<42} {handle.help}", flush=True)

    sandbox.run(ready, port=asked.port, provider=asked.provider, recordings=asked.recordings, pace=asked.pace)
    return FINE


def _demo(asked: argparse.Namespace) -> int:
    from pytest_messages.commands import demo  # noqa: PLC0415 - starts a sandbox, which comes with an extra

    return demo.live(yes=asked.yes) if asked.live else demo.offline()
