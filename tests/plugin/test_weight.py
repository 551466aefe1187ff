"""What it costs to have the plugin installed and not used, and that the public names hold together."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_messages

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    *("aiohttp", "anthropic", "anyio", "filelock", "httpx", "httpx2", "jsonpath_rfc9535", "jsonschema", "pydantic"),
    *("requests", "starlette", "typing_extensions", "urllib3", "uvicorn", "vcr", "wrapt", "yaml"),
)
"""What a run without a marked test must not pay for."""

REPORTING = """
import json
import sys


def pytest_unconfigure(config):
    with open("loaded.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""


def python(*arguments: str, cwd: Path) -> str:
    """What a fresh interpreter prints; coverage of subprocesses would import things of its own."""
    command = [sys.executable, "-I", *arguments]
    return subprocess.run(command, cwd=cwd, env={}, check=True, capture_output=True, text=True).stdout


def loaded_after(source: str, *plugins: str, cwd: Path) -> set[str]:
    """The modules that a run of pytest over ``source`` has loaded, with no plugin but those named."""
    (cwd / "test_plain.py").write_text(source, encoding="utf-8")
    (cwd / "conftest.py").write_text(REPORTING, encoding="utf-8")
    named = [argument for plugin in plugins for argument in ("-p", plugin)]
    start = "import os; os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'; import pytest, sys; sys.exit(pytest.main())"
    python("-c", start, "-q", "-p", "no:cacheprovider", *named, cwd=cwd)
    return set(json.loads((cwd / "loaded.json").read_text(encoding="utf-8")))


def test_a_run_without_marked_tests_loads_small_modules_only(tmp_path: Path) -> None:
    plain = "def test_plain():\n    assert True\n"
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    ours = loaded_after(plain, "pytest_messages.plugin", cwd=tmp_path / "with")
    bare = loaded_after(plain, cwd=tmp_path / "without")
    added = {name for name in ours - bare if not name.startswith("pytest_messages")}
    assert {name for name in ours if name.startswith("pytest_messages")} == {
        "pytest_messages",
        *(f"pytest_messages.{name}" for name in ("errors", "plugin", "settings", "use", "use.options")),
        *(f"pytest_messages.plugin.{name}" for name in ("active", "completeness", "fixtures")),
    }
    assert not added & set(HEAVY)
    assert {name.partition(".")[0] for name in added} <= set(sys.stdlib_module_names)
    assert "asyncio" not in added


def test_a_marked_test_loads_what_it_needs(tmp_path: Path) -> None:
    marked = "import pytest\n\n@pytest.mark.messages(empty='ignore')\ndef test_marked():\n    pass\n"
    loaded = loaded_after(marked, "pytest_messages.plugin", cwd=tmp_path)
    assert {"httpx", "yaml", "pytest_messages.session.session"} <= loaded
    # Importing vcr imports every HTTP client that is installed.
    assert not {"vcr", "starlette", "uvicorn"} & loaded


def test_the_controller_of_workers_builds_nothing_that_only_they_need(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        REPORTING.replace("    with", "    if hasattr(config, 'workerinput'): return\n    with")
    )
    (tmp_path / "test_marked.py").write_text(
        "import pytest\n@pytest.mark.messages(empty='ignore')\ndef test_it(): pass\n"
    )
    start = "import os; os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'; import pytest, sys; sys.exit(pytest.main())"
    plugins = ["-p", "xdist", "-p", "pytest_messages.plugin", "-n1", "--messages-unmarked=refuse"]
    python("-c", start, "-q", "-p", "no:cacheprovider", *plugins, cwd=tmp_path)
    loaded = set(json.loads((tmp_path / "loaded.json").read_text(encoding="utf-8")))
    assert "pytest_messages.use.run" in loaded  # it adds up what they have counted
    assert not loaded & {
        "httpx",
        "httpx2",
        "pydantic",
        "vcr",
        "pytest_messages.plugin.suite",
        "pytest_messages.use.opening",
    }


def test_the_package_itself_imports_nothing_but_the_standard_library(tmp_path: Path) -> None:
    show = (
        "import json, sys; bare = {*sys.modules}; import pytest_messages; print(json.dumps([*{*sys.modules} - bare]))"
    )
    added = {name.partition(".")[0] for name in json.loads(python("-c", show, cwd=tmp_path))}
    assert added <= {"pytest_messages", *sys.stdlib_module_names}
    assert "asyncio" not in added


# --- public names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", pytest_messages.__all__)
def test_every_public_name_is_there(name: str) -> None:
    thing = getattr(pytest_messages, name)
    assert thing.__name__ == name
    assert thing.__doc__


def test_the_type_checker_sees_the_names_that_are_loaded_lazily() -> None:
    tree = ast.parse((ROOT / "pytest_messages" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        (node.module, alias.name, alias.asname)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    names = pytest_messages._PUBLIC.items()
    assert typed == {(f"pytest_messages.{room}", name, name) for room, own in names for name in own}


def test_dir_shows_the_public_names() -> None:
    assert dir(pytest_messages) == pytest_messages.__all__ == sorted(pytest_messages.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pytest_messages' has no attribute 'nonsense'"):
        pytest_messages.nonsense  # type: ignore[attr-defined]  # noqa: B018 - the attribute is what is tried
