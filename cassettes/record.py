"""Record the sandbox's cassettes of this folder again: ``make record-own``. ``--into`` writes them elsewhere."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages import sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "tests" / "cassette" / "test_own_cassettes.py"
DIALECTS = ("anthropic", "shinzo", "shuyou")


def run_tests(which: str, *, into: Path, url: str, environ: Mapping[str, str]) -> int:
    """Run the tests named after ``which`` against the server at ``url``, recording; return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS), "-k", f"test_{which}_"]
    told = ["--messages-record=rewrite", f"--messages-dir={into}"]
    ours = {name: value for name, value in os.environ.items() if name != "ANTHROPIC_AUTH_TOKEN"}
    return subprocess.run(
        [*command, *told], cwd=HERE.parent, env={**ours, **environ, "CASSETTES_FROM": url}, check=False
    ).returncode


def folder_named() -> Path:
    """Return where the cassettes are to lie, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=HERE, help="the folder to write to, instead of this one")
    into: Path = parser.parse_args().into
    return into.resolve()


def main() -> int:
    """Serve, record, stop."""
    into = folder_named()
    with sandbox.serve() as server:
        keys = {name: value for dialect in DIALECTS for name, value in server.environ_for(dialect).items()}
        return run_tests("sandbox", into=into, url=server.url, environ=keys)


if __name__ == "__main__":
    sys.exit(main())
