"""A run as a whole: what it notes, what it counts, what ends it, and that nothing of a user's ends it badly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from sessions import interaction

from pytest_messages.cassette.store import Draft
from pytest_messages.session.modes import State
from pytest_messages.session.tally import Tally
from pytest_messages.use.keeping import Take, merged, worth_keeping
from pytest_messages.use.run import First, Ledger, Note, Run

if TYPE_CHECKING:
    from conftest import Suite

TWO = """
import os

@pytest.mark.messages{mark}
def test_it():
    assert ask("sandbox: say one") == "one"
    {more}
"""


def two(more: str = "pass", mark: str = "") -> str:
    return TWO.format(more=more, mark=mark)


# The books of a run


def test_files_are_named_from_where_the_user_stands() -> None:
    run = Run(home=Path("/home/me/project"))
    assert run.shown("/home/me/project/cassettes/a.yaml") == "cassettes/a.yaml"
    assert run.shown(Path("/elsewhere/a.yaml")) == "/elsewhere/a.yaml"


def test_what_a_worker_counts_adds_up() -> None:
    worker, controller = Run(), Run()
    worker.tally += Tally(replayed=2, allowed=1)
    worker.used.add("a.yaml")
    worker.passed.add("t.py::a")
    worker.notes.append(Note("a note", fails=True))
    worker.share("a.yaml", total=3, played=[0, 2], recorders=["t.py::a"], policy="warn")
    for _ in range(2):
        controller.add(worker.plain())
    assert (controller.tally.replayed, controller.tally.allowed, controller.used) == (4, 2, {"a.yaml"})
    assert (controller.passed, controller.notes) == ({"t.py::a"}, [Note("a note", fails=True)] * 2)
    assert [(path, positions, use.policy) for path, positions, use in controller.unplayed()] == [
        ("a.yaml", (2,), "warn")
    ]


@pytest.mark.parametrize("shared", [True, False])
def test_what_was_found_first_is_asked_once_by_all_that_share_a_folder(tmp_path: Path, shared: bool) -> None:
    (tmp_path / "run").mkdir()
    ledger = Ledger(tmp_path / "run" if shared else None)
    assert ledger.first("a", lambda: First(State.WHOLE, known=3)) == First(State.WHOLE, 3)
    other = Ledger(tmp_path / "run") if shared else ledger
    with other.changing("a") as first:
        first.rewritten = True
    assert ledger.first("a", lambda: First(State.MISSING)) == First(State.WHOLE, 3, rewritten=True)
    assert ([*ledger._entries] != [], len(ledger._entries)) == (True, 1)
    del ledger._entries["a"]
    assert "a" not in ledger._entries


def test_what_a_failed_test_paid_for_ends_with_its_last_success() -> None:
    from dataclasses import replace

    from sessions import answer

    fine, bad = interaction("a"), interaction("b", replace(answer(), status=529))
    assert worth_keeping((fine, bad, fine, bad)) == (fine, bad, fine)  # type: ignore[arg-type]
    assert worth_keeping((bad,)) == ()  # type: ignore[arg-type]


def test_a_take_follows_what_was_there_in_the_order_of_the_collection() -> None:
    old, early, late = (interaction(text, test=text) for text in ("old", "early", "late"))
    take = Take(interactions=(early,), test="early", finished=False, superseded=lambda _: False)  # type: ignore[arg-type]
    current = Draft(interactions=(old, late), incomplete=("late",))  # type: ignore[arg-type]
    draft, known = merged(current, take, known=1, order=["old", "early", "late"].index)
    assert (draft.interactions, draft.incomplete, known) == ((old, early, late), ("early", "late"), 1)


# What a run notes


def test_recordings_that_are_too_old_are_noted_or_fail(suite: Suite) -> None:
    suite.write(two())
    suite.run(passed=1)
    path = suite.path / "cassettes/test_suite/test_it.yaml"
    at = suite.cassette().interactions[0].recording.at
    path.write_text(path.read_text().replace(str(at), "2020-01-02T03:04:05Z"))
    suite.pytester.makeini("[pytest]\nmessages_expire = 90d\n")
    noted = "messages: test_suite.py::test_it: warning: 1 of 1 recorded interactions is older than messages_expire says"
    suite.run(passed=1).stdout.fnmatch_lines([noted])
    suite.pytester.makeini("[pytest]\nmessages_expire = 90d:fail\n")
    suite.run(failed=1).stdout.fnmatch_lines(["*expired   interactions 1; the oldest is of 2020-01-02T03:04:05Z"])


def test_what_an_earlier_run_left_is_noted_when_something_is_recorded_there(suite: Suite) -> None:
    suite.write(two())
    suite.run(passed=1)
    suite.write(two("assert False"))
    suite.run("--messages-record=rewrite", failed=1)
    suite.write(two())
    result = suite.run("--messages-record=rewrite", passed=1)
    result.stdout.fnmatch_lines(
        ["messages: cassettes/test_suite/test_it.*.part.yaml was left behind with 1 interaction of test_suite.py::*"]
    )
    assert "was left behind" not in suite.run("--messages-record=none", passed=1).stdout.str()


def test_a_call_that_went_out_unrecorded_is_noted(suite: Suite) -> None:
    suite.write(
        two("""
    try:
        httpx.post(os.environ["SANDBOX"] + "/model/anthropic.claude/invoke", json={})
    except httpx.HTTPError:
        pass
""")
    )
    suite.run(passed=1).stdout.fnmatch_lines(["messages: test_suite.py::test_it: 1 call went out unrecorded*"])


def test_junit_names_the_broken_rules_and_the_cassette_stays_incomplete(suite: Suite) -> None:
    suite.write(
        two("""
    class Odd(httpx.BaseTransport):
        def handle_request(self, request):
            return httpx.Response(200, json={"type": "message", "role": "user"})
    with httpx.Client(transport=Odd()) as client:
        client.post("https://api.anthropic.com/v1/messages", json=body("two"), headers=HEADERS)
""")
    )
    result = suite.run("--junitxml=out.xml", failed=1)
    result.stdout.fnmatch_lines(["*breaches of the documented API*"])
    named = {each.get("value") for each in ET.parse(suite.path / "out.xml").iter("property")}  # noqa: S314 - pytest's own
    assert any(rule and rule.startswith("message.") for rule in named)
    assert suite.cassette().incomplete == ("test_suite.py::test_it",)


def test_paths_are_relative_in_explanations_and_name_the_test_to_run(suite: Suite) -> None:
    suite.write(two())
    suite.run("--messages-record=none", failed=1).stdout.fnmatch_lines(
        ["  cassette  cassettes/test_suite/test_it.yaml  missing, record mode none"]
    )
    (suite.path / "cassettes/test_suite").mkdir(parents=True)
    (suite.path / "cassettes/test_suite/test_it.yaml").write_text("version: 1\ninteractions: {")
    suite.run(errors=1).stdout.fnmatch_lines(
        [
            "*cassette  cassettes/test_suite/test_it.yaml:3:1",
            "*to record it again*pytest 'test_suite.py::test_it' --messages-record=rewrite",
        ]
    )


def test_a_skipped_test_leaves_no_orphan(suite: Suite) -> None:
    suite.write(two())
    suite.run(passed=1)
    suite.write(two(mark='\n@pytest.mark.skip(reason="not today")'))
    assert suite.run("--messages-orphans=fail", skipped=1).ret == pytest.ExitCode.OK


# What ends a run


def test_an_interrupted_test_has_not_passed_and_loses_nothing(suite: Suite) -> None:
    suite.write(two("raise KeyboardInterrupt"))
    result = suite.pytester.runpytest_subprocess("-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert suite.cassette().incomplete == ("test_suite.py::test_it",)
    assert suite.prompts() == ["sandbox: say one"]
    assert not [name for name in suite.files() if ".part." in name]


def test_the_settings_fixture_counts_for_blocks_too(suite: Suite) -> None:
    suite.pytester.makeconftest("""
        import pytest
        from pytest_messages import Settings

        @pytest.fixture(scope="session")
        def messages_settings():
            return Settings(dir="tapes", chunking="whole")
    """)
    suite.write("""
        from pytest_messages import use_cassette

        def test_it():
            with use_cassette("block", pace="2") as session:
                ask("sandbox: say one")
            assert (session.settings.chunking, session.settings.pace) == ("whole", "2")
    """)
    suite.run(passed=1)
    assert (suite.path / "tapes/block.yaml").exists()


def test_a_call_after_its_session_is_refused_and_named_in_the_next_report(suite: Suite) -> None:
    suite.write("""
        KEPT = []

        @pytest.mark.messages
        def test_one():
            ask("sandbox: say one")
            client = httpx.Client()
            KEPT.append((client, client._transport_for_url(httpx.URL(URL))))

        def test_two():
            client, shell = KEPT.pop()
            try:
                shell.handle_request(client.build_request("POST", URL, json=body("late"), headers=HEADERS))
            except BaseException:
                pass

        def test_three():
            pass
    """)
    result = suite.run(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*came after its session had closed*", "FAILED test_suite.py::test_two*"])


def test_without_the_plugin_nothing_is_ours(suite: Suite) -> None:
    suite.pytester.makeini("[pytest]\n")
    suite.write('def test_it():\n    assert ask("sandbox: say one") == "one"')
    suite.run("-p", "no:messages", passed=1)


# What must not end a run


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("(match_on=[lambda a, b: 1 / 0])", "*the matcher <lambda> failed with ZeroDivisionError*"),
    ],
)
def test_a_users_mistake_is_the_failure_of_its_test(suite: Suite, mark: str, said: str) -> None:
    suite.write(two())
    suite.run(passed=1)
    suite.write(two(mark=mark) + "\ndef test_other(): pass")
    result = suite.run("-W", "ignore", passed=1, failed=1)
    result.stdout.fnmatch_lines([said])
    assert "INTERNALERROR" not in result.stdout.str()


def test_an_item_that_knows_no_fixtures_tells_a_wrong_mark_in_its_report(suite: Suite) -> None:
    suite.pytester.makeconftest("""
        import pytest
        class Prompt(pytest.Item):
            def runtest(self):
                pass
        class Prompts(pytest.File):
            def collect(self):
                for name in ("one", "two"):
                    item = Prompt.from_parent(self, name=name)
                    item.add_marker(pytest.mark.messages(**({"colour": "blue"} if name == "one" else {})))
                    yield item
        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".prompts":
                return Prompts.from_parent(parent, path=file_path)
    """)
    (suite.path / "all.prompts").write_text("")
    result = suite.run("all.prompts", "--messages-empty=ignore", "-n1")
    result.stdout.fnmatch_lines(["*there is no setting 'colour'*"])
    assert result.parseoutcomes() == {"errors": 1, "passed": 1}


def test_a_cassette_that_breaks_during_the_run_fails_its_test_alone(suite: Suite) -> None:
    broken = "version: 1\\ninteractions: {"
    breaking = f'__import__("pathlib").Path("cassettes/test_suite/test_it.yaml").write_text("{broken}")'
    suite.write(two(breaking) + "\ndef test_other(): pass")
    result = suite.run(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*cassette  cassettes/test_suite/test_it.yaml:3:1"])
    assert "INTERNALERROR" not in result.stdout.str()


def test_whatever_else_breaks_is_the_failure_of_its_test(suite: Suite) -> None:
    suite.write("""
        from pytest_messages.use.block import RUNS

        @pytest.mark.messages
        def test_it():
            assert ask("sandbox: say one") == "one"
            RUNS[-1].run.pending.append(ValueError("nothing that can be explained"))

        def test_other():
            pass
    """)
    result = suite.run(passed=1, failed=1)
    assert "INTERNALERROR" not in result.stdout.str()


def test_an_error_that_comes_when_no_test_is_left_fails_the_run(suite: Suite) -> None:
    suite.pytester.makeconftest("""
        import pytest
        from pytest_messages.errors import SettingsError
        from pytest_messages.session.verdict import Problem
        from pytest_messages.use.block import RUNS

        @pytest.hookimpl(tryfirst=True)
        def pytest_sessionfinish():
            RUNS[-1].run.pending.append(Problem(SettingsError("too late")))
    """)
    suite.write(two())
    result = suite.run(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["messages: after the last test: too late"])


def test_a_block_may_be_the_first_that_needs_the_run(suite: Suite) -> None:
    suite.write("""
        def test_block(monkeypatch, tmp_path):
            monkeypatch.chdir(tmp_path)
            from pytest_messages import use_cassette
            with use_cassette("talk"):
                assert ask("sandbox: say one") == "one"

        def test_other(): pass
    """)
    suite.pytester.runpytest_subprocess("-p", "no:cacheprovider").stdout.fnmatch_lines(
        ["messages: 1 call: 1 recorded*"]
    )
    assert [each.recording.test for each in suite.cassette("talk").interactions] == ["test_suite.py::test_block"]
    refused = suite.pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "block", "--messages-record=none")
    refused.assert_outcomes(passed=1, deselected=1)
