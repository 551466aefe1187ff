"""`pytest-messages schema`: print the JSON Schema of what the API takes and answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_messages.api import schema
from pytest_messages.commands.terminal import FINE

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("kind", nargs="?", choices=schema.KINDS, metavar="KIND", help=", ".join(schema.KINDS))
    parser.add_argument("--version", choices=schema.VERSIONS, default=schema.VERSIONS[0], help="the API version")


def run(asked: argparse.Namespace) -> int:
    """Print one schema, or all of them by name."""
    kinds = [asked.kind] if asked.kind else schema.KINDS
    made = {kind: schema.json_schema(kind, version=asked.version) for kind in kinds}
    print(json.dumps(made[asked.kind] if asked.kind else made, indent=2))
    return FINE
