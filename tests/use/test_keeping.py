"""What was paid for is kept, whatever comes after."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sessions import answer, errors_of, opened, request

from pytest_messages.cassette import part
from pytest_messages.commands.main import main
from pytest_messages.errors import CassetteError, SecretLeakError
from pytest_messages.session.call import Forward, Refuse
from pytest_messages.session.verdict import failing

if TYPE_CHECKING:
    from conftest import Suite

    from pytest_messages.cassette.document import ScrubbedInteraction

CASSETTE = "test_suite/test_it.yaml"


def leftover(suite: Suite) -> str:
    (left,) = [name for name in suite.files() if name.endswith(".part.yaml")]
    return left


# Kept first, judged second


def test_what_the_judge_finds_does_not_keep_the_recording_off_the_disk(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.messages(provider="anthropic")
        def test_it():
            stream("sandbox: no message_stop")
    """)
    suite.run(failed=1)
    assert (suite.files(), suite.prompts()) == ([CASSETTE], ["sandbox: no message_stop"])
    assert suite.cassette().incomplete == ("test_suite.py::test_it",)


def test_a_judge_that_fails_is_a_finding_and_loses_nothing() -> None:
    kept: list[ScrubbedInteraction] = []
    session = opened(append=kept.append)
    without_rules: Any = SimpleNamespace(name="anthropic")  # a profile that no rule can read
    decision = session.decide(request("one"), provider=without_rules)
    assert isinstance(decision, Forward)
    session.record(decision.ticket, answer())
    assert len(kept) == 1
    assert {(each.rule, each.where) for each in session.violations} >= {("judge.error", "call 1, the judge")}


# A last step that fails


def test_a_commit_that_fails_leaves_the_part_and_says_how_it_gets_in(suite: Suite) -> None:
    suite.write("""
        from pathlib import Path

        @pytest.mark.messages
        def test_it():
            assert ask("sandbox: say paid") == "paid"
            Path("cassettes/test_suite/test_it.yaml").mkdir()
    """)
    result = suite.run(failed=1)
    name = leftover(suite)
    result.stdout.fnmatch_lines(
        [f"  kept      cassettes/{name}  what was recorded", f"*pytest-messages recover *cassettes/{name}*"]
    )
    (suite.path / "cassettes" / CASSETTE).rmdir()
    suite.pytester.run(sys.executable, "-m", "pytest_messages", "recover", f"cassettes/{name}")
    assert (suite.files(), suite.prompts()) == ([CASSETTE], ["sandbox: say paid"])
    suite.write("""
        @pytest.mark.messages
        def test_it():
            assert ask("sandbox: say paid") == "paid"
    """)
    sent = suite.sent()
    suite.run(passed=1)
    suite.run("--messages-record=none", passed=1)
    assert suite.sent() == sent


def test_what_the_gate_refuses_does_not_take_the_others_with_it(suite: Suite) -> None:
    suite.write("""
        KEY = "sk-ant-" + "api03-" + "x" * 80
        SIGNED = {"type": "thinking", "thinking": "", "signature": KEY}  # a signature goes back unchanged

        @pytest.mark.messages(conformance="ignore")
        def test_it():
            ask("sandbox: say one")
            ask("", messages=[{"role": "assistant", "content": [SIGNED]}, {"role": "user", "content": "two"}])
            ask("sandbox: say three")
    """)
    suite.run(failed=1).stdout.fnmatch_lines(["*A secret would have been stored*"])
    assert (suite.files(), suite.prompts()) == ([CASSETTE], ["sandbox: say one", "sandbox: say three"])
    assert suite.cassette().incomplete == ("test_suite.py::test_it",)


@pytest.mark.parametrize("failing_call", [0, 1, 2])
def test_an_interaction_that_cannot_be_stored_is_told_and_the_others_are_kept(failing_call: int) -> None:
    error = SecretLeakError("not written", path="cassettes/a.yaml")
    kept: list[ScrubbedInteraction] = []
    count = iter(range(3))

    def append(interaction: ScrubbedInteraction) -> None:
        if next(count) == failing_call:
            raise error
        kept.append(interaction)

    session = opened(append=append)
    for text in ("one", "two", "three"):
        decision = session.decide(request(text))
        assert isinstance(decision, Forward)
        session.record(decision.ticket, answer())
    assert list(session.finish().recorded) == kept
    assert (len(kept), failing(session.verdict.problems), errors_of(session)) == (2, [error], [])


def test_any_failure_while_an_answer_is_stored_is_told_and_never_raised_into_the_client() -> None:
    def append(_: ScrubbedInteraction) -> None:
        raise RecursionError("too deep")

    session = opened(append=append)
    decision = session.decide(request("one"))
    assert isinstance(decision, Forward)
    session.record(decision.ticket, answer())
    (error,) = failing(session.verdict.problems)
    assert isinstance(error, CassetteError)
    assert "call 1" in str(error)
    assert "RecursionError: too deep" in str(error)


def test_an_answer_that_a_full_disk_did_not_take_gets_in_when_there_is_room_again(suite: Suite) -> None:
    suite.write("""
        import resource

        @pytest.mark.messages
        def test_it():
            ask("sandbox: say one")
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
            try:
                ask("sandbox: say two")
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            ask("sandbox: say three")
    """)
    suite.run(failed=1).stdout.fnmatch_lines(["*File too large*"])
    assert suite.files() == [CASSETTE]
    assert suite.prompts() == [f"sandbox: say {word}" for word in ("one", "two", "three")]


# A place where nothing can be written


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
@pytest.mark.parametrize("mode", ["once", "new_episodes", "rewrite"])
def test_a_place_that_cannot_be_written_is_told_before_the_first_call(suite: Suite, mode: str) -> None:
    suite.write(f"""
        @pytest.mark.messages(record="{mode}")
        def test_it():
            ask("sandbox: say one")
    """)
    sent = suite.sent()
    result = suite.run("--messages-dir=/proc/self/cassettes", failed=1)
    result.stdout.fnmatch_lines(["*cannot write /proc/self/cassettes/test_suite/test_it.yaml*"])
    assert suite.sent() == sent


@pytest.mark.parametrize("obstacle", ["cassettes", "cassettes/test_suite"])
def test_a_file_in_the_way_of_a_folder_is_told_before_the_first_call(suite: Suite, obstacle: str) -> None:
    suite.write("""
        @pytest.mark.messages(record="rewrite")
        def test_it():
            ask("sandbox: say one")
    """)
    path = suite.path / obstacle
    path.parent.mkdir(exist_ok=True)
    path.write_text("in the way")
    sent = suite.sent()
    suite.run(failed=1).stdout.fnmatch_lines(["*a part of the path is a file: move it away*"])
    assert (suite.sent(), path.read_text()) == (sent, "in the way")


def test_a_folder_in_the_place_of_the_cassette_is_told_before_the_first_call(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.messages(record="rewrite")
        def test_it():
            ask("sandbox: say one")
    """)
    (suite.path / "cassettes" / CASSETTE).mkdir(parents=True)
    sent = suite.sent()
    suite.run(failed=1).stdout.fnmatch_lines(["*Is a directory*"])
    assert (suite.sent(), suite.files()) == (sent, [])


def test_a_session_that_could_not_make_ready_refuses_and_owes_no_answer() -> None:
    error = CassetteError("cannot write", path="cassettes/a.yaml")

    def prepare() -> None:
        raise error

    session = opened(prepare=prepare)
    for _ in range(2):
        decision = session.decide(request("one"))
        assert isinstance(decision, Refuse)
        assert decision.error is error
    assert session.finish().recorded == ()


def test_a_replay_touches_no_disk(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.messages
        def test_it():
            ask("sandbox: say one")
    """)
    suite.run(passed=1)
    before = (suite.path / "cassettes" / CASSETTE).stat().st_mtime_ns
    suite.run(passed=1)
    assert (suite.path / "cassettes" / CASSETTE).stat().st_mtime_ns == before
    assert part.parts(suite.path / "cassettes/test_suite") == []


FULL = """
    import resource

    @pytest.mark.messages
    def test_it():
        ask("sandbox: say one")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            ask("sandbox: say two")
            with __import__("contextlib").suppress(BaseException):
                ask("sandbox: say three")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        {end}
"""


def test_a_full_disk_lets_no_further_call_go_out(suite: Suite) -> None:
    suite.write(FULL.format(end="pass"))
    sent = suite.sent()
    suite.run(failed=1)
    assert suite.sent() == sent + 2
    assert suite.prompts() == ["sandbox: say one", "sandbox: say two"]


def test_what_neither_cassette_nor_part_file_took_is_put_elsewhere_and_comes_back(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    suite.write(FULL.format(end="__import__('pathlib').Path('cassettes/test_suite/test_it.yaml').mkdir()"))
    result = suite.run(failed=1)
    (kept,) = tmp_path.glob("pytest-messages-kept-*/test_it.*.part.yaml")
    result.stdout.fnmatch_lines([f"*pytest-messages recover *{kept}* --into *cassettes/{CASSETTE}*"])
    (suite.path / "cassettes" / CASSETTE).rmdir()
    assert main(["recover", str(kept), "--into", str(suite.path / "cassettes" / CASSETTE)]) == 0
    assert suite.prompts() == ["sandbox: say one", "sandbox: say two"]


def test_a_folder_that_went_away_in_the_test_loses_nothing(suite: Suite) -> None:
    suite.write("""
        import shutil

        @pytest.mark.messages
        def test_it():
            ask("sandbox: say one")
            shutil.rmtree("cassettes")
            ask("sandbox: say two")
    """)
    suite.run(passed=1)
    assert (suite.files(), suite.prompts()) == ([CASSETTE], ["sandbox: say one", "sandbox: say two"])


# What the teardown does


def test_calls_of_a_teardown_replay_as_they_were_recorded(suite: Suite) -> None:
    suite.write("""
        @pytest.fixture
        def cleaning(messages_cassette):
            yield
            assert ask("sandbox: say bye") == "bye"

        @pytest.mark.messages
        def test_it(cleaning):
            assert ask("sandbox: say hello") == "hello"
    """)
    for mode in ("once", "once", "none"):
        suite.run(f"--messages-record={mode}", passed=1)
    assert [each.recording.phase for each in suite.cassette().interactions] == [None, "teardown"]


def test_a_recording_that_the_teardown_no_longer_asks_for_is_told(suite: Suite) -> None:
    source = """
        @pytest.fixture
        def cleaning(messages_cassette):
            yield
            {then}

        @pytest.mark.messages
        def test_it(cleaning):
            ask("sandbox: say hello")
    """
    suite.write(source.format(then='ask("sandbox: say bye")'))
    suite.run(passed=1)
    suite.write(source.format(then="pass"))
    result = suite.run(passed=1, errors=1)
    result.stdout.fnmatch_lines(["1 of 2 recorded interactions was never asked for"])


# Attempts


FLAKY = """
    from pathlib import Path

    @pytest.mark.flaky(reruns=1)
    @pytest.mark.messages
    def test_it():
        ask("sandbox: say one")
        first = not Path("seen").exists()
        Path("seen").touch()
        assert not first
        ask("sandbox: say two")
"""


@pytest.mark.parametrize("mode", ["once", "rewrite"])
def test_a_rerun_that_passes_takes_back_what_its_first_attempt_left(suite: Suite, mode: str) -> None:
    pytest.importorskip("pytest_rerunfailures")
    if mode == "rewrite":
        suite.write("@pytest.mark.messages\ndef test_it():\n    ask('sandbox: say old')")
        suite.run(passed=1)
    suite.write(FLAKY)
    result = suite.run(f"--messages-record={mode}")
    said = result.stdout.str()
    assert "1 passed" in said
    assert "failed while recording" not in said
    assert "kept in" not in said
    assert (suite.files(), suite.prompts()) == ([CASSETTE], ["sandbox: say one", "sandbox: say two"])
    assert suite.cassette().incomplete == ()


def test_two_blocks_of_one_name_in_one_test_both_keep_what_they_recorded(suite: Suite) -> None:
    suite.write("""
        from pytest_messages import use_cassette

        def test_it():
            for text in ("one", "two"):
                with use_cassette("block", unplayed="ignore"):
                    assert ask(f"sandbox: say {text}") == text
    """)
    suite.run(passed=1)
    assert suite.prompts("block") == ["sandbox: say one", "sandbox: say two"]
    suite.run("--messages-record=none", passed=1)
