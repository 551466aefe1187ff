"""Every record mode, told as what a person does with a suite."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from pytest_messages.session.modes import DECISIONS, Action, Found, State, may_forward, reads
from pytest_messages.settings import RecordMode

if TYPE_CHECKING:
    from conftest import Suite

IT = """
import os

@pytest.mark.messages
def test_it():
    assert ask("sandbox: say one") == "one"
    assert ask(os.environ.get("SECOND", "sandbox: say two")).split() != []
    assert not os.environ.get("FAILS")
"""


def test_the_table_decides_every_case() -> None:
    assert set(DECISIONS) == set(product(RecordMode, State))
    assert all(set(outcomes) == set(Found) for outcomes in DECISIONS.values())


def test_the_table_in_words() -> None:
    kept, refused, recorded, passed = Action.REPLAY, Action.REFUSE, Action.RECORD, Action.FORWARD
    expected = {
        (RecordMode.ONCE, State.MISSING): (recorded, recorded, recorded),
        (RecordMode.ONCE, State.WHOLE): (kept, refused, refused),
        (RecordMode.ONCE, State.INCOMPLETE): (kept, recorded, recorded),
        (RecordMode.NONE, State.MISSING): (refused, refused, refused),
        (RecordMode.NONE, State.WHOLE): (kept, refused, refused),
        (RecordMode.NONE, State.INCOMPLETE): (refused, refused, refused),
        (RecordMode.NEW_EPISODES, State.MISSING): (recorded, recorded, recorded),
        (RecordMode.NEW_EPISODES, State.WHOLE): (kept, recorded, recorded),
        (RecordMode.NEW_EPISODES, State.INCOMPLETE): (kept, recorded, recorded),
        **{(RecordMode.REWRITE, state): (recorded, recorded, recorded) for state in State},
        **{(RecordMode.LIVE, state): (passed, passed, passed) for state in State},
    }
    found = (Found.MATCH, Found.PLAYED, Found.NOTHING)
    assert {row: tuple(outcomes[case] for case in found) for row, outcomes in DECISIONS.items()} == expected


def test_what_the_table_says_of_keys_and_files() -> None:
    never = {row for row in DECISIONS if not may_forward(*row)}
    assert never == {(RecordMode.ONCE, State.WHOLE), *((RecordMode.NONE, state) for state in State)}
    assert {mode for mode in RecordMode if not reads(mode)} == {RecordMode.REWRITE, RecordMode.LIVE}


def test_once_records_then_replays_without_the_network(suite: Suite) -> None:
    suite.write(IT)
    suite.run(passed=1)
    before = suite.sent()
    result = suite.run(passed=1)
    assert suite.sent() == before
    result.stdout.fnmatch_lines(["messages: record mode once (default)", "messages: 2 calls: 2 replayed; *"])
    assert suite.prompts() == ["sandbox: say one", "sandbox: say two"]


def test_once_refuses_what_was_not_recorded(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(IT)
    suite.run(passed=1)
    before, text = suite.sent(), (suite.path / "cassettes/test_suite/test_it.yaml").read_bytes()
    monkeypatch.setenv("SECOND", "sandbox: say three")
    suite.run(failed=1).stdout.fnmatch_lines(["*No recorded interaction answers request 2 of this test*"])
    assert suite.sent() == before
    assert (suite.path / "cassettes/test_suite/test_it.yaml").read_bytes() == text


def test_none_says_that_the_cassette_is_missing_and_how_to_record_it(suite: Suite) -> None:
    suite.write(IT)
    before = suite.sent()
    result = suite.run("--messages-record=none", failed=1)
    result.stdout.fnmatch_lines(["*missing*", "*pytest 'test_suite.py::test_it' --messages-record=once*"])
    assert suite.sent() == before


@pytest.mark.parametrize(("variable", "mode"), [("CI", "none"), ("BUILD_NUMBER", "none")])
def test_ci_records_nothing(suite: Suite, monkeypatch: pytest.MonkeyPatch, variable: str, mode: str) -> None:
    monkeypatch.setenv(variable, "1")
    suite.write(IT)
    suite.run(failed=1).stdout.fnmatch_lines([f"messages: record mode {mode} ({variable} is set)"])


@pytest.mark.parametrize("value", ["0", "false", "False", ""])
def test_a_ci_variable_that_says_no_means_no(suite: Suite, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CI", value)
    suite.write(IT)
    suite.run(passed=1).stdout.fnmatch_lines(["messages: record mode once (default)"])


def test_new_episodes_replays_what_is_there_and_records_the_rest(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(IT)
    suite.run(passed=1)
    before = suite.sent()
    monkeypatch.setenv("SECOND", "sandbox: say three")
    suite.run("--messages-record=new_episodes", "--messages-unplayed=ignore", passed=1)
    assert suite.sent() == before + 1
    assert suite.prompts() == ["sandbox: say one", "sandbox: say two", "sandbox: say three"]


def test_rewrite_replaces_the_cassette_when_the_test_has_passed(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(IT)
    suite.run(passed=1)
    salt = suite.cassette().salt
    monkeypatch.setenv("SECOND", "sandbox: say three")
    suite.run("--messages-record=rewrite", passed=1)
    assert suite.prompts() == ["sandbox: say one", "sandbox: say three"]
    assert suite.cassette().salt == salt


@pytest.mark.parametrize("mode", ["rewrite", "new_episodes"])
def test_a_failing_test_never_touches_a_cassette_that_was_there(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    suite.write(IT)
    suite.run(passed=1)
    path = suite.path / "cassettes/test_suite/test_it.yaml"
    text = path.read_bytes()
    monkeypatch.setenv("SECOND", "sandbox: say three")
    monkeypatch.setenv("FAILS", "1")
    result = suite.run(f"--messages-record={mode}", failed=1)
    assert path.read_bytes() == text
    result.stdout.fnmatch_lines(
        ["messages: test_suite.py::test_it: failed, so the cassette stays as it was; *.part.yaml: `*recover *"]
    )
    (part,) = (path for path in suite.files() if path.endswith(".part.yaml"))
    assert "sandbox: say three" in (suite.path / "cassettes" / part).read_text()


def test_rewrite_mends_a_file_that_cannot_be_read(suite: Suite) -> None:
    suite.write(IT)
    suite.run(passed=1)
    path = suite.path / "cassettes/test_suite/test_it.yaml"
    path.write_text("version: 1\ninteractions: {")
    suite.run(errors=1).stdout.fnmatch_lines(["*The cassette cannot be read*", "*test_it.yaml:3:1"])
    assert path.read_text() == "version: 1\ninteractions: {"
    suite.run("--messages-record=rewrite", passed=1)
    suite.run(passed=1)


def test_live_neither_reads_nor_writes(suite: Suite) -> None:
    suite.write(IT)
    before = suite.sent()
    result = suite.run("--messages-record=live", passed=1)
    assert suite.sent() == before + 2
    assert not (suite.path / "cassettes").exists()
    result.stdout.fnmatch_lines(["messages: 2 calls: 2 forwarded; *"])


def test_while_recording_nothing_of_the_same_run_is_replayed(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.messages
        def test_it():
            assert [ask("sandbox: say same"), ask("sandbox: say same")] == ["same", "same"]
    """)
    before = suite.sent()
    suite.run(passed=1)
    assert suite.sent() == before + 2
    assert suite.prompts() == ["sandbox: say same", "sandbox: say same"]
    suite.run(passed=1)
    assert suite.sent() == before + 2


# What a failing test leaves


def test_a_failing_test_keeps_what_it_paid_for_and_goes_on_from_there(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.write(IT)
    monkeypatch.setenv("FAILS", "1")
    suite.run(failed=1).stdout.fnmatch_lines(["messages: *marked incomplete*"])
    assert suite.cassette().incomplete == ("test_suite.py::test_it",)
    before = suite.sent()
    result = suite.run("--messages-record=none", failed=1)
    result.stdout.fnmatch_lines(["The cassette is incomplete*", "*tests*test_suite.py::test_it"])
    monkeypatch.delenv("FAILS")
    monkeypatch.setenv("SECOND", "sandbox: say three")
    suite.run(passed=1)
    assert suite.sent() == before + 1
    assert suite.prompts() == ["sandbox: say one", "sandbox: say three"]
    assert suite.cassette().incomplete == ()


def test_an_error_at_the_end_of_a_failing_test_is_not_saved(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.messages
        def test_it():
            assert ask("sandbox: say one") == "one"
            assert ask("sandbox: error 529") == 200
    """)
    suite.run(failed=1)
    assert suite.prompts() == ["sandbox: say one"]


def test_a_wrong_key_does_not_become_a_recording(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-" + "api03-" + "wrong" * 12)
    suite.write("""
        @pytest.mark.messages
        def test_it():
            assert ask("sandbox: say one") == "one"
    """)
    suite.run(failed=1)
    assert not (suite.path / "cassettes").exists() or suite.files() == []


def test_a_dead_network_does_not_become_a_recording(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX", "http://127.0.0.1:9")
    suite.write("""
        @pytest.mark.messages
        def test_it():
            ask("sandbox: say one")
    """)
    suite.run(failed=1).stdout.fnmatch_lines(["*httpx.ConnectError*"])
    assert not (suite.path / "cassettes").exists() or suite.files() == []


def test_an_error_that_the_test_meant_is_recorded(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.messages
        def test_it():
            assert ask("sandbox: error 529") == 529
    """)
    suite.run(passed=1)
    before = suite.sent()
    suite.run(passed=1)
    assert suite.sent() == before


def test_a_dead_server_that_the_test_meant_is_recorded(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX", "http://127.0.0.1:9")
    suite.write("""
        @pytest.mark.messages
        def test_it():
            with pytest.raises(httpx.ConnectError):
                ask("sandbox: say one")
    """)
    suite.run(passed=1)
    assert suite.cassette().interactions[0].response.status == 0
    suite.run("--messages-record=none", passed=1)


# Cassettes that several tests name

SHARED = """
pytestmark = pytest.mark.messages("shared")

def test_one():
    assert ask("sandbox: say one") == "one"

def test_two():
    assert ask("sandbox: say two") == "two"
"""


def test_tests_that_name_one_cassette_record_into_it_and_replay_from_it(suite: Suite) -> None:
    suite.write(SHARED)
    suite.run(passed=2)
    assert suite.files() == ["shared.yaml"]
    assert suite.prompts("shared") == ["sandbox: say one", "sandbox: say two"]
    before = suite.sent()
    suite.run(passed=2)
    assert suite.sent() == before


def test_a_shared_cassette_is_judged_for_unplayed_at_the_end_of_the_run(suite: Suite) -> None:
    suite.write(SHARED)
    suite.run(passed=2)
    suite.write(SHARED.replace('ask("sandbox: say two") == "two"', "True"))
    result = suite.run(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["messages: *shared.yaml: nobody asked for 1 of 2 interactions: 2"])


def test_a_shared_cassette_is_not_judged_when_a_test_that_recorded_there_did_not_run(suite: Suite) -> None:
    suite.write(SHARED)
    suite.run(passed=2)
    result = suite.run("-k", "test_one", passed=1, deselected=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["messages: *shared.yaml: what is unplayed was not judged*test_two*"])


def test_rewrite_drops_the_old_content_of_a_shared_cassette_once_per_run(suite: Suite) -> None:
    suite.write(SHARED)
    suite.run(passed=2)
    suite.write(SHARED.replace("one", "uno"))
    suite.run("--messages-record=rewrite", passed=2)
    assert suite.prompts("shared") == ["sandbox: say uno", "sandbox: say two"]
