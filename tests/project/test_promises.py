"""Every promise of docs/promises.md is held by a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?P<promise>.+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<name>[\w:]+)`")


def rows(page: str) -> list[tuple[str, str]]:
    """The rows of every table but its head and its rule."""
    found = [(row["promise"].strip(), row["tests"].strip()) for row in ROW.finditer(page)]
    return [row for row in found if row[0] != "promise" and set(row[0]) != {"-"}]


def unheld(tests: str, root: Path) -> str | None:
    """Say what is wrong with the tests that a row names, or return None."""
    named = list(TEST.finditer(tests))
    if not named or TEST.sub("", tests).strip(" ,·") not in {"", "and"}:
        return f"{tests}: name tests as `tests/room/test_x.py::test_name`"
    missing = [each[0] for each in named if each["name"].split("::")[-1] not in names_in(root / each["file"])]
    return f"no such test: {', '.join(missing)}" if missing else None


def names_in(file: Path) -> set[str]:
    """The names of the tests that a file defines, in classes too; not those in suites that it writes as text."""
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


@pytest.mark.parametrize(("promise", "tests"), rows(PAGE), ids=[promise for promise, _ in rows(PAGE)])
def test_each_promise_is_held_by_a_test_that_exists(promise: str, tests: str) -> None:
    assert unheld(tests, ROOT) is None, promise


def test_no_promise_stands_twice() -> None:
    promises = [promise for promise, _ in rows(PAGE)]
    assert len(promises) == len(set(promises)) > 0


def test_a_test_that_is_gone_is_noticed() -> None:
    assert unheld("`tests/project/test_promises.py::test_that_was_renamed`", ROOT) is not None
    assert unheld("`tests/project/test_gone.py::test_it`", ROOT) is not None
    assert unheld("`tests/project/test_promises.py`", ROOT) is not None
