"""The package keeps its house: floors, names of places, what is shipped."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "pytest_messages"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = sorted(
    path.stem if path.is_file() else path.name for path in PACKAGE.iterdir() if not path.name.startswith("__")
)
TEXTS = sorted(
    path
    for path in (*PACKAGE.rglob("*"), *(ROOT / "docs").glob("*"), *ROOT.glob("*.md"), ROOT / "pyproject.toml")
    if path.suffix in {".py", ".md", ".toml"}
)


def _floors() -> list[set[str]]:
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    return [{name.strip() for name in layer.split("|")} for layer in layers]


def _contracts(config: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [Path(sys.executable).parent / "lint-imports", "--no-cache", "--config", config]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_modules_import_only_lower_floors() -> None:
    done = _contracts(ROOT / "pyproject.toml")
    assert done.returncode == 0, done.stdout


def test_an_import_upwards_is_noticed(tmp_path: Path) -> None:
    turned = tmp_path / "pyproject.toml"
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    swapped = text.replace('    "intercept",\n', "").replace('    "errors",\n', '    "errors",\n    "intercept",\n')
    assert swapped != text
    turned.write_text(swapped, encoding="utf-8")
    assert "pytest_messages.intercept" in _contracts(turned).stdout


def test_every_module_has_a_floor() -> None:
    named = [name for floor in _floors() for name in floor]
    inside = set(MODULES) - {"py"}
    assert sorted(named) == sorted({*inside, "__main__"})


def _classes() -> Iterator[tuple[str, Path]]:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                yield node.name, path.relative_to(PACKAGE)


def test_no_file_and_no_class_is_named_twice() -> None:
    names = Counter(path.name for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
    assert [name for name, times in names.items() if times > 1] == []
    where: dict[str, list[str]] = {}
    for name, path in _classes():
        where.setdefault(name, []).append(str(path))
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in PACKAGE.rglob("*.py") if not path.read_text("utf-8").startswith('"""')]
    assert silent == []


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a path of one machine", r"(?<![\w.<{*])/(?:work|tmp|root|home|Users)/\w"),
        (
            "a host of a package registry",
            r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|proxy\.golang\.org)\b",
        ),
    ],
)
def test_nothing_names(what: str, pattern: str) -> None:
    found = {str(path.relative_to(ROOT)): re.findall(pattern, path.read_text(encoding="utf-8")) for path in TEXTS}
    assert {name: places for name, places in found.items() if places} == {}


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").read_bytes() == b""


def test_the_version_is_in_the_changes() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert (
        re.findall(r"^## (\d\S*)", changes, re.MULTILINE)[0]
        == PROJECT["project"]["version"]
        == version("pytest-messages")
    )


def test_the_entry_points_are_there() -> None:
    (plugin,) = entry_points(group="pytest11", name="messages")
    (command,) = entry_points(group="console_scripts", name="pytest-messages")
    assert (plugin.load().__name__, command.load().__name__) == ("pytest_messages.plugin", "main")


WATCHED = ("aiohttp", "multidict", "urllib3", "yarl")
"""Clients that we attach to where they are installed, and what aiohttp speaks in."""


def test_what_is_imported_is_required() -> None:
    required = {re.split(r"[>=<\[]", entry)[0].replace("-", "_") for entry in PROJECT["project"]["dependencies"]}
    extra = {re.split(r"[>=<\[]", entry)[0] for entry in PROJECT["project"]["optional-dependencies"]["sandbox"]}
    names = {"pyyaml": "yaml", "vcrpy": "vcr"}
    known = {names.get(name, name) for name in required | extra}
    pattern = re.compile(r"^\s*(?:from|import) (\w+)", re.MULTILINE)
    imported = {name for path in PACKAGE.rglob("*.py") for name in pattern.findall(_code(path))}
    foreign = imported - set(sys.stdlib_module_names) - {"pytest_messages"}
    assert foreign - known == {*WATCHED}
    assert known - foreign == set()


def _code(path: Path) -> str:
    """The text of a module without its docstrings and other long strings."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"(\"\"\"|''')(?:.|\n)*?\1", "", text)
