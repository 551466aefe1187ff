"""What README.md and docs/ say holds: tables are fresh, examples run, what is shown is what is printed."""

from __future__ import annotations

import configparser
import importlib.util
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
import yaml

from pytest_messages import plugin
from pytest_messages.commands import main
from pytest_messages.judge import CATALOGUE
from pytest_messages.providers import parse_declared
from pytest_messages.settings import OPTION, OPTIONS
from pytest_messages.use import options
from pytest_messages.use.options import Layers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from conftest import Suite

# Kept loaded: pytester forgets after each run what was imported in it.
assert anthropic.__version__

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE: Any = _generator()


def fenced(text: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return [block.rstrip() for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)]


def names_of(text: str) -> list[str]:
    """The dotted names of the package that a page speaks of."""
    return re.findall(r"\bpytest_messages(?:\.[a-z_]+)+", text)


@every_page
def test_every_name_a_page_speaks_of_exists(page: Path) -> None:
    for name in names_of(page.read_text(encoding="utf-8")):
        pkgutil.resolve_name(name)


def test_a_name_that_moved_away_is_noticed() -> None:
    (name,) = names_of("see `pytest_messages.cli.main(...)` for more")
    with pytest.raises((ImportError, AttributeError)):
        pkgutil.resolve_name(name)


# --- generated parts --------------------------------------------------------------------------------------------------


@every_page
def test_generated_parts_are_fresh(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == GENERATE.made(text), "run `make docs`"


def test_every_generated_part_is_shown_somewhere() -> None:
    shown = {name for page in PAGES for name in re.findall(r"<!-- made: ([\w-]+) -->", page.read_text("utf-8"))}
    assert shown == set(GENERATE.PARTS)


def test_a_stale_part_is_noticed() -> None:
    stale = "<!-- made: handles -->\nsomething else\n<!-- end: handles -->"
    assert "sandbox: flaky N" in GENERATE.made(stale)


def test_stale_pages_are_rewritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate: Any = _generator()
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- made: optional-rules -->\n<!-- end: optional-rules -->\n", encoding="utf-8")
    generate.ROOT, generate.PAGES = tmp_path, (page,)
    generate.main()
    assert page.read_text("utf-8").startswith("before\n<!-- made: optional-rules -->\n`email`, ")
    assert capsys.readouterr().out == "page.md: rewritten\n"
    generate.main()
    assert capsys.readouterr().out == ""


# --- what is named exists ---------------------------------------------------------------------------------------------


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not target.startswith("https://")]
    assert [target for target in targets if not _leads_somewhere(page, target)] == []


def _leads_somewhere(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    file = page.parent / name if name else page
    return file.is_file() and (not anchor or anchor in _anchors(file))


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


COMMAND = re.compile(r"pytest-messages +(?!cassette 1)(?P<name>[a-z]+)(?P<rest>[^`\n]*)")


@every_page
def test_commands_and_their_flags_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for found in COMMAND.finditer(_code_of(page.read_text(encoding="utf-8"))):
        with pytest.raises(SystemExit) as left:
            main.main([found["name"], "--help"])
        known = set(re.findall(r"--[a-z]+", capsys.readouterr().out))
        assert (left.value.code, set(re.findall(r"--[a-z]+", found["rest"])) - known) == (0, set()), found[0]


def _code_of(text: str) -> str:
    """What stands in code blocks and between backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", text)])


@every_page
def test_settings_and_fixtures_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    fixtures = {name for name in dir(plugin) if "messages_" in name}
    named = set(re.findall(r"(?<![\w.])(?:async_)?messages_[a-z]\w+", text)) - {"messages_delta"}
    assert named <= {*(option.ini_name for option in OPTIONS), *fixtures}
    assert set(re.findall(r"--messages-[a-z]+", text)) <= {option.flag for option in OPTIONS if option.cli}


@every_page
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", _code_of(page.read_text(encoding="utf-8")))) <= targets


@every_page
def test_rules_of_the_judge_exist(page: Path) -> None:
    families = {name.partition(".")[0] for name in CATALOGUE}
    pattern = rf"(?<![\w./\[\]-])-?((?:{'|'.join(families)})\.[a-z]+(?:-[a-z]+)+)(?![\w/])"
    assert set(re.findall(pattern, _code_of(page.read_text(encoding="utf-8")))) <= set(CATALOGUE)


def test_the_readme_lists_every_command() -> None:
    listed = re.findall(r"^\| `pytest-messages ([a-z]+)", README, re.MULTILINE)
    assert [main.__doc__ or ""] == [f"`pytest-messages {' · '.join(listed)}`."]


def test_the_errors_are_called_what_they_say() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8").partition("## What to do")[2]
    texts = re.findall(r"^\| `([^`]+)`", page, re.MULTILINE)
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "pytest_messages").rglob("*.py"))
    assert texts
    assert [text for text in texts if text not in code] == []


# --- examples of settings ---------------------------------------------------------------------------------------------


def test_toml_examples_mean_something() -> None:
    examples = [block for page in PAGES for block in fenced(page.read_text("utf-8"), "toml")]
    settings = [table["tool"]["pytest"] for block in examples if "tool" in (table := tomllib.loads(block))]
    gateways = [parse_declared(block, origin="an example") for block in examples if "[tool" not in block]
    assert [sorted(each) for each in gateways] == [["our-gateway"], ["acme"]]
    assert [_resolved(each["ini_options"]).unmarked for each in settings] == ["refuse"]


def test_ini_examples_mean_something() -> None:
    found = []
    for page in PAGES:
        for block in fenced(page.read_text("utf-8"), "ini"):
            parser = configparser.RawConfigParser()
            parser.read_string(block)
            found.append(_resolved(dict(parser["pytest"])).record)
    assert found == ["none", "once"]


def _resolved(ini: dict[str, Any]) -> Any:
    values = {name.removeprefix("messages_"): value for name, value in ini.items()}
    lists = {name: value.split("\n")[1:] for name, value in values.items() if isinstance(value, str) and "\n" in value}
    assert set(values) <= set(OPTION)
    return options.resolve(Layers(ini={**values, **lists}))


def test_ci_examples_are_yaml() -> None:
    jobs = [yaml.safe_load(block) for block in fenced((ROOT / "docs" / "ci.md").read_text("utf-8"), "yaml")]
    assert [type(job) for job in jobs] == [dict, list, dict, dict]
    steps = [*jobs[0]["jobs"]["messages"]["steps"], *jobs[1], *jobs[3]["jobs"]["conformance"]["steps"]]
    assert all(set(step) <= {"uses", "with", "run", "env"} for step in steps)


# --- examples of code, as a story -------------------------------------------------------------------------------------


def _files() -> dict[str, str]:
    """The Python examples of the README, by the name in their first line."""
    blocks = fenced(README, "python")
    return {block.partition("\n")[0].removeprefix("# "): f"{block}\n" for block in blocks}


def shown(name: str) -> list[str]:
    """The block of output that the README shows under a name, by lines."""
    found = re.search(rf"<!-- shown: {name} -->\n```\w+\n(.*?)\n```", README, re.DOTALL)
    assert found is not None, name
    return found[1].split("\n")


def holds(lines: list[str], printed: str) -> bool:
    """Tell whether ``printed`` has the lines, one after the other; ``…`` stands for anything, alone for any lines."""
    pattern = "".join(r"(?:.*\n)*" if line == "…" else f"{_pattern(line)}\n" for line in lines)
    return re.search(rf"^{pattern}", _even(printed), re.MULTILINE) is not None


def _pattern(line: str) -> str:
    return re.escape(_even(line)).replace("…", ".*")


def _even(text: str) -> str:
    """Make alike what differs from run to run: ports and times."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "then", text)


def test_output_that_differs_is_noticed() -> None:
    lines = ["a …", "…", "d"]
    assert holds(lines, "a 1\nb\nc\nd\n")
    assert holds(lines, "a 1\nd\n")
    assert not holds(lines, "a 1\nb\nc\n")
    assert not holds(["a", "c"], "a\nb\nc\n")


class Story:
    """The README's application, its tests and its books."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        suite.pytester.makeini("[pytest]\nmessages_provider = anthropic\n")
        for name, text in _files().items():
            (suite.path / name).write_text(text, encoding="utf-8")

    def run(self, *args: str, **outcomes: int) -> str:
        return self.suite.run(*args, **outcomes).stdout.str() + "\n"

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.suite.path / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def story(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", suite.server.url)
    yield Story(suite)
    sys.modules.pop("chat", None)


def test_the_readme_tells_what_happens(
    story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert holds(shown("record"), story.run("test_chat.py", passed=2))
    before = story.suite.sent()
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert holds(shown("replay"), story.run("test_chat.py", passed=2))
    assert story.suite.sent() == before

    cassette = story.suite.path / "cassettes/test_chat/test_answer.yaml"
    assert holds(shown("cassette"), cassette.read_text(encoding="utf-8"))
    capsys.readouterr()
    main.main(["show", "cassettes/test_chat/test_answer.yaml"])
    assert holds(shown("show"), capsys.readouterr().out)

    story.edit("test_chat.py", "2+2", "2+3")
    assert holds(shown("miss"), story.run("test_chat.py", passed=1, failed=1))

    story.edit("cassettes/test_chat/test_greeting.yaml", '_stop","index":0', '_stop","index":1')
    capsys.readouterr()
    assert main.main(["check", "cassettes"]) == 1
    assert holds(shown("violation"), capsys.readouterr().out)
    assert "index 1 while block 0 is open. Documented: A delta or stop" in story.run("test_chat.py", failed=2)


def test_the_other_examples_of_the_readme_run(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    others = ["test_sent.py", "test_refusal.py", "test_gateway.py", "test_overload.py"]
    assert sorted(_files()) == sorted([*others, "chat.py", "test_chat.py", "script.py"])
    story.run(*others, passed=4)
    before = story.suite.sent()
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    story.run("test_sent.py", "test_refusal.py", "--messages-record=none", passed=2)
    assert story.suite.sent() == before


def test_the_settings_that_are_made_in_code_are_taken(story: Story) -> None:
    (conftest,) = fenced((ROOT / "docs" / "options.md").read_text(encoding="utf-8"), "python")
    (story.suite.path / "conftest.py").write_text(conftest, encoding="utf-8")
    story.suite.write("""
    @pytest.mark.messages
    def test_it(messages_cassette):
        assert ask("sandbox: say one") == "one"
        assert (messages_cassette.settings.chunking, messages_cassette.settings.ignore) == ("split", ("metadata",))
    """)
    story.run("test_suite.py", passed=1)


def test_the_script_of_the_readme_runs(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = "Hello! How can I help you today?\n{'input_tokens': 6, 'output_tokens': 9}\n"
    command = [sys.executable, "script.py"]
    # In a process of its own: what a test run began to record stays recordable for the rest of that run.
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == printed
    before = story.suite.sent()
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == printed
    assert story.suite.sent() == before
    assert (story.suite.path / "hello.yaml").is_file()
