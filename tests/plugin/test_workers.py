"""Several processes, several attempts, several sessions: what belongs to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_messages.cassette import store

if TYPE_CHECKING:
    from conftest import Suite

EIGHT = """
pytestmark = pytest.mark.messages("shared")

@pytest.mark.parametrize("n", range(8))
def test_it(n):
    assert ask(f"sandbox: say number {n}") == f"number {n}"
"""


@pytest.mark.parametrize("mode", ["once", "new_episodes", "rewrite"])
def test_workers_that_share_a_cassette_lose_nothing(suite: Suite, mode: str) -> None:
    suite.write(EIGHT)
    result = suite.run("-n", "2", f"--messages-record={mode}", passed=8)
    result.stdout.fnmatch_lines(["messages: 8 calls: 8 recorded; *"])
    assert suite.prompts("shared") == [f"sandbox: say number {n}" for n in range(8)]
    before = suite.sent()
    suite.run("-n", "2", "--messages-record=none", passed=8).stdout.fnmatch_lines(["messages: 8 calls: 8 replayed; *"])
    assert suite.sent() == before
    assert suite.files() == ["shared.yaml"]


def test_the_file_does_not_depend_on_which_worker_came_first(suite: Suite) -> None:
    suite.write(EIGHT)
    suite.run("-n", "2", passed=8)
    parallel = [interaction.request for interaction in suite.cassette("shared").interactions]
    (suite.path / "cassettes/shared.yaml").unlink()
    suite.run(passed=8)
    assert [interaction.request for interaction in suite.cassette("shared").interactions] == parallel


def test_the_controller_judges_what_no_worker_played(suite: Suite) -> None:
    suite.write(EIGHT)
    suite.run(passed=8)
    suite.write(EIGHT.replace("assert ask", "assert n == 3 or ask"))
    result = suite.run("-n", "2", passed=8)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["messages: *nobody asked for 1 of 8 interactions: 4"])


def test_the_controller_knows_the_orphans(suite: Suite) -> None:
    suite.write(EIGHT)
    suite.run("-n", "2", passed=8)
    (suite.path / "cassettes/left.yaml").write_bytes((suite.path / "cassettes/shared.yaml").read_bytes())
    result = suite.run("-n", "2", "--messages-orphans=fail", passed=8)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["messages: no test used 1 cassette: *left.yaml"])
    assert suite.run("--messages-orphans=warn", passed=8).ret == pytest.ExitCode.OK
    quiet = suite.run("--messages-orphans=warn", "-k", "3", passed=1, deselected=7)
    assert "no test used" not in quiet.stdout.str()


# Attempts

FLAKY = """
import pathlib

@pytest.mark.messages
def test_it():
    attempts = pathlib.Path("attempts")
    attempts.write_text((attempts.read_text() if attempts.exists() else "") + "x")
    assert ask("sandbox: say one") == "one"
    if len(attempts.read_text()) % 2:
        ask("sandbox: say a wrong turn")
        assert False
    assert ask("sandbox: say two") == "two"
"""


def test_a_rerun_replaces_what_the_earlier_attempt_recorded(suite: Suite) -> None:
    suite.write(FLAKY)
    suite.run("--reruns=1", passed=1)
    assert suite.prompts() == ["sandbox: say one", "sandbox: say two"]
    assert suite.cassette().incomplete == ()


def test_a_rerun_replays_from_the_start(suite: Suite) -> None:
    suite.write(FLAKY.replace("% 2", "% 2 == 1 and len(attempts.read_text()) > 2"))
    suite.run(passed=1)
    before = suite.sent()
    (suite.path / "attempts").write_text("xx")
    suite.write(FLAKY.replace('ask("sandbox: say a wrong turn")', "pass"))
    suite.run("--reruns=1").stdout.fnmatch_lines(["*1 passed, 1 rerun*"])
    assert suite.sent() == before


# Sessions inside and beside each other


def test_the_innermost_session_answers(suite: Suite) -> None:
    suite.write("""
        from pytest_messages import use_cassette

        @pytest.mark.messages
        def test_it(messages_cassette):
            ask("sandbox: say outer")
            with use_cassette("inner.yaml") as inner:
                ask("sandbox: say inner")
            ask("sandbox: say outer again")
            assert (len(messages_cassette.calls), len(inner.calls)) == (2, 1)
    """)
    suite.run(passed=1)
    assert suite.files() == ["inner.yaml", "test_suite/test_it.yaml"]
    assert suite.prompts("inner") == ["sandbox: say inner"]
    before = suite.sent()
    suite.run(passed=1)
    assert suite.sent() == before


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_side_by_side_have_cassettes_of_their_own(suite: Suite, backend: str) -> None:
    suite.write(f"""
        import anyio
        from pytest_messages import use_cassette

        async def talk(name, made):
            with use_cassette(name) as session:
                async with httpx.AsyncClient() as client:
                    for n in range(3):
                        await client.post(URL, json=body(f"sandbox: say {{name}} {{n}}"), headers=HEADERS)
                made.append(len(session.calls))

        def test_it():
            made = []
            async def both():
                async with anyio.create_task_group() as group:
                    group.start_soon(talk, "a", made)
                    group.start_soon(talk, "b", made)
            anyio.run(both, backend={backend!r})
            assert made == [3, 3]
    """)
    suite.run(passed=1)
    assert suite.prompts("a") == [f"sandbox: say a {n}" for n in range(3)]
    assert suite.prompts("b") == [f"sandbox: say b {n}" for n in range(3)]
    before = suite.sent()
    suite.run(passed=1)
    assert suite.sent() == before


def test_a_fixture_of_any_scope_may_hold_a_cassette(suite: Suite) -> None:
    suite.write("""
        from pytest_messages import use_cassette

        @pytest.fixture(scope="module")
        def answer():
            with use_cassette("module"):
                yield ask("sandbox: say module")

        def test_one(answer):
            assert answer == "module"

        def test_two(answer):
            assert ask("sandbox: say two") == "two"
    """)
    suite.run(passed=2)
    assert suite.prompts("module") == ["sandbox: say module", "sandbox: say two"]
    before = suite.sent()
    suite.run("--messages-record=none", passed=2)
    assert suite.sent() == before


def test_a_refusal_in_a_fixture_of_wider_scope_fails_the_test_that_met_it(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.write("""
        import os
        from pytest_messages import use_cassette

        @pytest.fixture(scope="module")
        def wide():
            with use_cassette("module"):
                yield

        def test_one(wide):
            assert ask("sandbox: say one") == "one"

        def test_two(wide):
            try:
                ask(os.environ.get("PROMPT", "sandbox: say two"))
            except BaseException:
                pass
    """)
    suite.run(passed=2)
    monkeypatch.setenv("PROMPT", "sandbox: say three")
    result = suite.run("--messages-unplayed=ignore", passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_suite.py::test_two*"])


def test_a_script_records_then_replays(suite: Suite, messages_sandbox: object) -> None:
    script = suite.path / "script.py"
    script.write_text(
        "from talk import *\nfrom pytest_messages import use_cassette\n"
        "with use_cassette('tape.yaml') as session:\n    print(ask('sandbox: say one'), session.calls[0].replayed)\n"
    )
    first = suite.pytester.runpython(script)
    second = suite.pytester.runpython(script)
    assert (first.outlines, second.outlines) == (["one False"], ["one True"])
    assert store.read(suite.path / "tape.yaml").interactions[0].response.status == 200
