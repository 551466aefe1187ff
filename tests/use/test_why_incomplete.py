"""A cassette that is incomplete says why, and so does the run that refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sessions import interaction, opened, request

from pytest_messages import report
from pytest_messages.cassette.document import Cassette
from pytest_messages.cassette.reading import load
from pytest_messages.cassette.writing import dump
from pytest_messages.errors import CassetteFormatError, CassetteIncompleteError
from pytest_messages.session.call import Refuse

if TYPE_CHECKING:
    from conftest import Suite


def test_a_breach_found_while_recording_is_what_ci_says(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.messages(provider="anthropic")
        def test_it():
            stream("sandbox: no message_stop")
    """)
    suite.run(failed=1)
    result = suite.run("--messages-record=none", failed=1)
    result.stdout.fnmatch_lines(
        ["  because   never passed since 2*Z: 1 breach of the documented API (stream.*): call 1, *"]
    )


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ("assert not 1", "the test ended with AssertionError"),
        ("raise KeyError(HEADERS['x-api-key'])", "the test ended with KeyError"),
        ("ask('sandbox: error 529'); pytest.exit('enough')", "the test did not pass"),
    ],
)
def test_a_test_that_failed_by_itself_is_named_by_its_exception_alone(suite: Suite, end: str, says: str) -> None:
    suite.write(f"""
        @pytest.mark.messages
        def test_it():
            ask("sandbox: say one")
            {end}
    """)
    suite.run()
    assert suite.cassette().reasons == {"test_suite.py::test_it": says}
    assert suite.server.key not in (suite.path / "cassettes/test_suite/test_it.yaml").read_text()


def test_the_reason_goes_with_the_mark(suite: Suite) -> None:
    source = "@pytest.mark.messages\ndef test_it():\n    ask('sandbox: say one')\n    assert {}"
    suite.write(source.format("0"))
    suite.run(failed=1)
    suite.write(source.format("1"))
    suite.run(passed=1)
    assert (suite.cassette().incomplete, suite.cassette().reasons) == ((), {})


def test_of_several_tests_each_reason_names_its_own() -> None:
    session = opened(
        interaction("one", test="t.py::a", at="2026-01-02T03:04:05Z"),
        record="none",
        incomplete=("t.py::a", "t.py::b"),
        reasons={"t.py::b": "it was broken off"},
    )
    decision = session.decide(request("one"))
    assert isinstance(decision, Refuse)
    assert isinstance(decision.error, CassetteIncompleteError)
    assert decision.error.since == ("2026-01-02T03:04:05Z", "")
    text = report.explain(decision.error)
    assert "because   t.py::b: never passed since it recorded here: it was broken off" in text


NODE_IDS = st.text(min_size=1, max_size=2000)
REASONS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=500)


@given(st.dictionaries(NODE_IDS.filter(lambda text: text.isprintable()), REASONS | st.none(), max_size=4))
def test_what_is_written_is_read_and_any_yaml_reader_reads_it(why: dict[str, str | None]) -> None:
    reasons = {test: reason for test, reason in why.items() if reason}
    text = dump(Cassette(incomplete=tuple(why), reasons=reasons))
    read = load(text, "c.yaml")
    assert (read.incomplete, dict(read.reasons)) == (tuple(why), reasons)
    assert yaml.safe_load(text).get("incomplete", []) == list(why)


@pytest.mark.parametrize(
    ("head", "reasons"),
    [
        ("incomplete:\n- a\n", {}),
        ("incomplete:\n- a\n- b\nreasons:\n- ''\n- why\n", {"b": "why"}),
        ("incomplete:\n- a\n- b\nreasons:\n- why\n", {"a": "why"}),
        ("incomplete:\n- a\nreasons:\n- why\n- of nobody\n", {"a": "why"}),
        ("incomplete:\n- a\nreasons:\n- 7\n", {}),
    ],
)
def test_lists_that_a_hand_has_changed_are_read_as_far_as_they_go(head: str, reasons: dict[str, str]) -> None:
    read = load(f"# pytest-messages cassette 1\nversion: 1\n{head}interactions: []\n", "c.yaml")
    assert dict(read.reasons) == reasons


def test_reasons_that_are_no_list_are_an_error_with_its_place() -> None:
    with pytest.raises(CassetteFormatError, match="reasons is a list"):
        load("version: 1\nincomplete: [a]\nreasons: {a: b}\ninteractions: []\n", "c.yaml")
