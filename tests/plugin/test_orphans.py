"""A cassette is an orphan when the whole suite ran and no test used it; in any other run nobody can know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Suite

ORPHANS = "--messages-orphans=fail"
NOT_JUDGED = "messages: orphaned cassettes were not judged, because {}"

TWO = """
@pytest.mark.messages
def test_one():
    ask("sandbox: say one")

@pytest.mark.messages
def test_two():
    ask("sandbox: say two")
"""

BLOCK = """
from pytest_messages import use_cassette

def test_it():
    {}
    with use_cassette("block"):
        ask("hello")
"""


@pytest.fixture
def two(suite: Suite) -> Suite:
    """A suite of two files that were recorded."""
    suite.pytester.makeini("[pytest]\npythonpath = .\ntestpaths = tests\n")
    for name in ("test_a", "test_b"):
        written(suite, TWO, name)
    suite.run(passed=4)
    assert len(suite.files()) == 4
    return suite


def written(suite: Suite, source: str, name: str = "test_a") -> None:
    path = suite.path / "tests" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"from talk import *\n{source}", encoding="utf-8")


def orphaned(suite: Suite) -> None:
    (suite.path / "cassettes/left.yaml").write_bytes((suite.path / "cassettes/test_a/test_one.yaml").read_bytes())


@pytest.mark.parametrize(
    "arguments",
    [(), ("tests",), ("tests/",), (".",), ("{root}",), ("{root}/tests",), ("tests/test_a.py", "tests"), ("-k", "test"),
     ("-n", "2", "tests")],
    ids=" ".join,
)  # fmt: skip
def test_a_run_of_all_that_there_is_judges(two: Suite, arguments: tuple[str, ...]) -> None:
    arguments = tuple(each.format(root=two.path) for each in arguments)
    assert two.run(ORPHANS, *arguments, passed=4).ret == pytest.ExitCode.OK
    orphaned(two)
    result = two.run(ORPHANS, *arguments, passed=4)
    result.stdout.fnmatch_lines(["messages: no test used 1 cassette: cassettes/left.yaml"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("tests/test_a.py",), "tests was not run as a whole"),
        (("tests/test_a.py::test_one",), "tests was not run as a whole"),
        (("tests", "-k", "one"), "2 tests were deselected"),
        (("-m", "not messages"), "4 tests were deselected"),
        (("--deselect", "tests/test_a.py::test_one"), "1 test was deselected"),
        (("--ignore=tests/test_a.py",), "the command line says --ignore"),
        (("--ignore-glob=*_a.py",), "the command line says --ignore"),
        (("--collect-only",), "no test was run"),
        (("-n", "2", "-k", "one"), "2 tests were deselected"),
        (("-n", "2", "tests/test_a.py"), "tests was not run as a whole"),
    ],
    ids=str,
)
def test_a_run_of_less_judges_nothing_and_says_why(two: Suite, arguments: tuple[str, ...], why: str) -> None:
    orphaned(two)
    result = two.run(ORPHANS, *arguments)
    result.stdout.fnmatch_lines([NOT_JUDGED.format(why)])
    assert result.ret in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}


@pytest.mark.parametrize("arguments", [("-x",), ("--maxfail=1",), ("-x", "-n", "2")], ids=" ".join)
def test_a_run_that_stopped_early_judges_nothing(two: Suite, arguments: tuple[str, ...]) -> None:
    written(two, f"def test_zero(): assert False\n{TWO}")
    result = two.run(ORPHANS, *arguments)
    result.stdout.fnmatch_lines([NOT_JUDGED.format("*stopping after 1 failures")])
    assert "no test used" not in result.stdout.str()


@pytest.mark.parametrize(
    ("source", "why", "code"),
    [
        ("pytest.importorskip('no_such_module')", "tests/test_a.py was skipped as a whole", pytest.ExitCode.OK),
        ("pytest.skip('no', allow_module_level=True)", "tests/test_a.py was skipped as a whole", pytest.ExitCode.OK),
        ("import no_such_module", "tests/test_a.py could not be collected", pytest.ExitCode.INTERRUPTED),
        ("def test_it(): raise KeyboardInterrupt", "*", pytest.ExitCode.INTERRUPTED),
        ("def test_it(): pytest.exit('enough')", "*", pytest.ExitCode.INTERRUPTED),
    ],
)
def test_what_was_never_seen_is_not_judged(two: Suite, source: str, why: str, code: pytest.ExitCode) -> None:
    written(two, source)
    result = two.pytester.runpytest_subprocess("-p", "no:cacheprovider", ORPHANS)
    result.stdout.fnmatch_lines([NOT_JUDGED.format(why)])
    assert result.ret == code


def test_what_was_never_seen_by_workers_is_not_judged(two: Suite) -> None:
    written(two, "pytest.importorskip('no_such_module')")
    result = two.run(ORPHANS, "-n", "2", passed=2, skipped=1)
    result.stdout.fnmatch_lines([NOT_JUDGED.format("tests/test_a.py was skipped as a whole")])


def test_a_plugin_that_leaves_items_out_is_noticed(two: Suite) -> None:
    two.pytester.makeconftest("def pytest_collection_modifyitems(items):\n    items[:] = items[::2]\n")
    two.run(ORPHANS, passed=2).stdout.fnmatch_lines([NOT_JUDGED.format("2 tests were deselected")])


def test_the_order_does_not_matter(two: Suite) -> None:
    two.pytester.makeconftest("def pytest_collection_modifyitems(items):\n    items.reverse()\n")
    orphaned(two)
    two.run(ORPHANS, passed=4).stdout.fnmatch_lines(["messages: no test used 1 cassette: *left.yaml"])


def test_what_addopts_ignores_is_no_part_of_the_suite(two: Suite) -> None:
    two.pytester.makeini("[pytest]\npythonpath = .\ntestpaths = tests\naddopts = --ignore=tests/test_a.py\n")
    two.run(ORPHANS, passed=2).stdout.fnmatch_lines(["messages: no test used 2 cassettes: *"])


def test_without_testpaths_the_whole_suite_is_what_lies_at_the_root(two: Suite) -> None:
    two.pytester.makeini("[pytest]\npythonpath = .\n")
    two.run("--messages-record=rewrite", passed=4)
    orphaned(two)
    two.run(ORPHANS, "tests", passed=4).stdout.fnmatch_lines(
        [NOT_JUDGED.format("the whole suite was not run*testpaths*")]
    )
    two.run(ORPHANS, ".", passed=4).stdout.fnmatch_lines(["messages: no test used *left.yaml*"])


def test_cassettes_of_tests_that_were_all_unmarked_are_orphans(two: Suite) -> None:
    for name in ("test_a", "test_b"):
        written(two, "def test_one(): pass", name)
    result = two.run(ORPHANS, passed=2)
    result.stdout.fnmatch_lines(["messages: no test used 4 cassettes: *"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("ending", "workers"),
    [("pytest.skip('no')", "-n0"), ("pytest.xfail('known')", "-n0"), ("assert False", "-n0"), ("assert False", "-n2")],
)
def test_a_block_that_its_test_did_not_reach_is_not_judged(two: Suite, ending: str, workers: str) -> None:
    written(two, BLOCK.format("pass"), "test_c")
    two.run(passed=5)
    written(two, BLOCK.format(ending), "test_c")
    assert "no test used" not in two.run(ORPHANS, workers).stdout.str()


def test_nothing_is_said_where_nobody_asked(two: Suite) -> None:
    orphaned(two)
    assert "no test used" not in two.run("tests/test_a.py", passed=2).stdout.str()
