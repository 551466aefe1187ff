"""A test that has another name now is shown the cassette of its old name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Suite

OLD = """
@pytest.mark.parametrize("name", ["red", "blue"])
@pytest.mark.messages
def test_old(name):
    ask(f"sandbox: say {name}")
"""
HINT = "*if the test was renamed*pytest-messages mv 'cassettes/test_suite/{}' '{}'"


@pytest.fixture
def recorded(suite: Suite) -> Suite:
    suite.write(OLD)
    suite.run(passed=2)
    return suite


def test_a_renamed_test_is_offered_its_old_cassette(recorded: Suite) -> None:
    recorded.write(OLD.replace("test_old", "test_new"))
    told = recorded.run("--messages-record=none", failed=2).stdout
    for name in ("red", "blue"):
        old = f"test_old[[]{name}].yaml"
        new = f"test_suite.py::test_new[[]{name}]"
        told.fnmatch_lines([f"*nearest*{old}", "*holds this very request; recorded by test_suite.py::test_old*"])
        told.fnmatch_lines([HINT.format(old, new)])


def test_a_renamed_parameter_is_offered_its_old_cassette(recorded: Suite) -> None:
    recorded.write(OLD.replace('["red", "blue"]', '["red", pytest.param("blue", id="azure")]'))
    told = recorded.run("--messages-record=none", passed=1, failed=1).stdout
    told.fnmatch_lines([HINT.format("test_old[[]blue].yaml", "test_suite.py::test_old[[]azure]")])


def test_a_renamed_module_is_offered_its_old_cassettes(recorded: Suite) -> None:
    (recorded.path / "test_suite.py").unlink()
    recorded.write(OLD, "test_other")
    told = recorded.run("--messages-record=none", failed=2).stdout
    told.fnmatch_lines([HINT.format("test_old[[]red].yaml", "test_other.py::test_old[[]red]")])


def test_the_cassette_of_a_test_that_is_still_there_is_not_offered(recorded: Suite) -> None:
    recorded.write(OLD + OLD.replace("test_old", "test_copy"))
    told = recorded.run("--messages-record=none", "-k", "", passed=2, failed=2).stdout.str()
    assert "pytest-messages mv" not in told
    assert "nothing was recorded at this path yet" in told


def test_a_cassette_that_holds_something_else_is_not_offered(recorded: Suite) -> None:
    recorded.write(OLD.replace("test_old", "test_new").replace("say", "say now"))
    assert "pytest-messages mv" not in recorded.run("--messages-record=none", failed=2).stdout.str()


def test_what_cannot_be_read_beside_it_is_no_reason_to_fail_otherwise(recorded: Suite) -> None:
    for path in (recorded.path / "cassettes/test_suite").iterdir():
        path.write_text("version: 1\ninteractions: {")
    recorded.write(OLD.replace("test_old", "test_new"))
    told = recorded.run("--messages-record=none", failed=2).stdout
    told.fnmatch_lines(["*none: nothing was recorded at this path yet*"])
