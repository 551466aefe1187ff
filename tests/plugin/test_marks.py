"""Which cassette a test uses, by which settings, and where the fixture stands among the others."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_messages.cassette.naming import cassette_of_test, named_cassette
from pytest_messages.errors import SettingsError
from pytest_messages.settings import NAMED, OPTIONS, Option, RecordMode, Settings, combine
from pytest_messages.use.block import use_cassette
from pytest_messages.use.options import Layers, ci_variable, resolve, why

if TYPE_CHECKING:
    from conftest import Suite

HERE = Path("cassettes")


# Settings


def test_the_last_word_is_the_command_lines() -> None:
    layers = Layers(
        ini={"record": "new_episodes", "pace": "recorded", "chunking": "whole", "unplayed": "warn", "empty": "warn"},
        fixture=Settings(chunking="split", unplayed="ignore"),
        markers=[{"unplayed": "fail"}, {"unplayed": "warn", "empty": "fail"}],
        cli={"record": "none"},
    )
    settings = resolve(layers)
    chosen = (settings.record, settings.pace, settings.chunking, settings.unplayed, settings.empty)
    assert chosen == ("none", "recorded", "split", "fail", "fail")


def test_lists_add_up_from_far_to_near() -> None:
    layers = Layers(
        ini={"ignore": ["a"]}, fixture=Settings(ignore=("b",)), markers=[{"ignore": ["d"]}, {"ignore": ["c"]}]
    )
    assert resolve(layers).ignore == ("a", "b", "c", "d")


def test_an_entry_with_a_minus_takes_one_out() -> None:
    assert combine(["a", "b"], ["c", "-a", "-c", "-unknown", "d"]) == ("b", "d")


@pytest.mark.parametrize(
    ("layers", "mode", "reason"),
    [
        (Layers(), "once", "default"),
        (Layers(environ={"CI": "true"}), "none", "CI is set"),
        (Layers(environ={"CI": "0", "BUILD_NUMBER": "7"}), "none", "BUILD_NUMBER is set"),
        (Layers(ini={"record": "live"}, environ={"CI": "1"}), "live", "messages_record"),
        (Layers(cli={"record": "rewrite"}, ini={"record": "live"}), "rewrite", "--messages-record"),
    ],
)
def test_who_chose_the_record_mode(layers: Layers, mode: str, reason: str) -> None:
    assert (resolve(layers).mode, why(layers)) == (RecordMode(mode), reason)


@pytest.mark.parametrize("value", [None, "", "0", "false", "FALSE"])
def test_ci_variables_that_say_no(value: str | None) -> None:
    assert ci_variable({} if value is None else {"CI": value}) is None


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if option.kind == "word"], ids=lambda option: option.name
)
def test_every_word_option_names_its_alternatives(option: Option) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings().with_values({option.name: "nonsense"}, origin="ini file")
    assert str(caught.value).startswith(f"ini file: {option.name} is 'nonsense'; it takes {option.choices}")
    with pytest.raises(SettingsError, match=f"; did you mean '{option.words[0]}'"):
        Settings().with_values({option.name: f"{option.words[0]}s"}, origin="ini file")
    for word in option.words:
        assert getattr(Settings().with_values({option.name: word}, origin="x"), option.name) == word


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("colour", "blue", "there is no setting 'colour'; there are record, conformance, "),
        ("record", True, "record takes once | none | new_episodes | rewrite | live, not True"),
        ("ignore", 3, "ignore takes a list of strings, not 3"),
        ("ignore", [3], "ignore takes a list of strings, not [3]"),
        ("chunking", "bytes:0", "it takes event | recorded | whole | split | bytes:N"),
    ],
)
def test_what_means_nothing_is_refused_where_it_is_said(name: str, value: object, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings().with_values({name: value}, origin="@pytest.mark.messages")
    assert str(caught.value).startswith("@pytest.mark.messages: ")
    assert said in str(caught.value)


def test_a_settings_value_refuses_nonsense_at_once() -> None:
    with pytest.raises(SettingsError, match="it takes once"):
        Settings(record="always")


def test_one_string_is_a_list_of_one() -> None:
    assert Settings(ignore="a").ignore == ("a",)  # type: ignore[arg-type]  # what people write in a mark


# Where cassettes lie


@pytest.mark.parametrize(
    ("nodeid", "path"),
    [
        ("tests/test_chat.py::test_tool_loop", "test_chat/test_tool_loop.yaml"),
        ("tests/test_chat.py::TestChat::test_it[a/b-C]", "test_chat/TestChat.test_it[a%2fb-C]~800000.yaml"),
        ("tests/unit/test_chat.py::test_it", "unit/test_chat/test_it.yaml"),
        ("test_chat.py::test_it", "test_chat/test_it.yaml"),
        ("other/test_chat.py::test_it", "other/test_chat/test_it.yaml"),
        ("../test_chat.py::test_it", "..~-/test_chat/test_it.yaml"),
        ("con.py::aux", "con~-/aux~-.yaml"),
    ],
)
def test_where_a_tests_cassette_lies(nodeid: str, path: str) -> None:
    assert cassette_of_test(HERE, nodeid, testpaths=["tests"]) == HERE / path


def test_the_test_directory_is_kept_unless_it_is_the_one_configured() -> None:
    nodeid = "tests/test_chat.py::test_it"
    for testpaths in ([], ["tests", "more"], ["t"]):
        assert cassette_of_test(HERE, nodeid, testpaths=testpaths) == HERE / "tests/test_chat/test_it.yaml"


_NAMES = st.text(st.sampled_from("aAtT_:.[]/-~%é\\ <>|0eEsS"), max_size=12)


@given(st.lists(st.tuples(_NAMES, _NAMES), min_size=2, max_size=2, unique=True))
def test_no_two_tests_share_a_cassette_on_any_disk(tests: list[tuple[str, str]]) -> None:
    nodeids = [f"test_x.py::T{owner.replace(':', '')}::test_{name.replace(':', '')}" for owner, name in tests]
    first, second = (str(cassette_of_test(HERE, nodeid)).casefold() for nodeid in nodeids)
    assert (first == second) == (nodeids[0] == nodeids[1])


@given(st.text(max_size=300))
def test_every_name_is_lawful_on_windows(name: str) -> None:
    path = cassette_of_test(HERE, f"test_x.py::test_{name}")
    assert path.is_relative_to(HERE)
    stem = path.stem
    assert not set(stem) & set('<>:"/\\|?*')
    assert stem.isascii()
    assert stem.isprintable()
    assert len(path.name) <= 125
    assert stem[-1] not in " ."


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "C:/x", "C:x", "", "a/"])
def test_a_name_that_leaves_the_directory_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="cassette"):
        named_cassette(HERE, name)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *(("a", "a.yaml"), ("a.yaml", "a.yaml"), ("a/b", "a/b.yaml"), ("a/../b", "b.yaml"), ("v1.2", "v1.2.yaml")),
        *(("old.yml", "old.yml"), ("OLD.YAML", "OLD.YAML"), ("old.json", "old.json")),
    ],
)
def test_a_named_cassette(name: str, path: str) -> None:
    assert named_cassette(HERE, name) == HERE / path


# Marks on every kind of item


def test_a_mark_on_one_parameter_is_not_its_siblings(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.parametrize("text", ["plain", pytest.param("marked", marks=pytest.mark.messages)])
        def test_it(text, request):
            assert ("messages_cassette" in request.fixturenames) == (text == "marked")
            if text == "marked":
                ask("sandbox: say one")
    """)
    suite.run(passed=2)
    assert suite.files() == ["test_suite/test_it[marked].yaml"]


def test_the_parameters_mark_is_nearer_than_the_functions(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.messages("far", chunking="whole")
        @pytest.mark.parametrize("text", [pytest.param("x", marks=pytest.mark.messages("near", chunking="split"))])
        def test_it(text, messages_cassette):
            ask("sandbox: say one")
            assert messages_cassette.settings.chunking == "split"
    """)
    suite.run(passed=1)
    assert suite.files() == ["near.yaml"]


def test_a_testcase_records_and_replays(suite: Suite) -> None:
    suite.write("""
        import unittest
        @pytest.mark.messages
        class TestCase(unittest.TestCase):
            def test_it(self):
                self.assertEqual(ask("sandbox: say one"), "one")
    """)
    suite.run(passed=1)
    before = suite.sent()
    suite.run(passed=1)
    assert suite.sent() == before


SUBTESTS = {
    "fixture": """
        @pytest.mark.messages
        def test_it(subtests):
            for text in ("one", "two"):
                with subtests.test(text=text):
                    assert ask(text) != answer
            assert ask("three")
        """,
    "unittest": """
        import unittest
        class TestIt(unittest.TestCase):
            @pytest.mark.messages("test_suite/test_it")
            def test_it(self):
                for text in ("one", "two"):
                    with self.subTest(text=text):
                        assert ask(text) != answer
                assert ask("three")
        """,
}


@pytest.mark.parametrize("kind", SUBTESTS)
def test_the_report_of_a_subtest_is_not_the_end_of_its_test(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    suite.write(f"answer = None\n{dedent(SUBTESTS[kind])}")
    suite.run().assert_outcomes(passed=1)
    monkeypatch.setenv("SANDBOX", "http://127.0.0.1:9")
    suite.run("--messages-record=none").assert_outcomes(passed=1)


@pytest.mark.parametrize("kind", SUBTESTS)
def test_a_failed_subtest_leaves_the_recording_incomplete(suite: Suite, kind: str) -> None:
    suite.write(f'answer = ask("one")\n{dedent(SUBTESTS[kind])}')
    suite.run()
    assert suite.cassette().incomplete


def test_a_doctest_records_and_replays(suite: Suite) -> None:
    suite.pytester.makeconftest("""
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.messages)
    """)
    suite.pytester.makepyfile(
        module='''
        def f():
            """
            >>> from talk import ask
            >>> ask("sandbox: say one")
            'one'
            """
    '''
    )
    suite.run("--doctest-modules", "module.py", passed=1)
    before = suite.sent()
    suite.run("--doctest-modules", "module.py", passed=1)
    assert suite.sent() == before


def test_an_item_that_knows_no_fixtures_records_and_replays(suite: Suite) -> None:
    suite.pytester.makeconftest("""
        import pytest
        class Prompt(pytest.Item):
            def runtest(self):
                from talk import ask
                assert ask(f"sandbox: say {self.name}") == self.name
        class Prompts(pytest.File):
            def collect(self):
                for name in self.path.read_text().split():
                    item = Prompt.from_parent(self, name=name)
                    item.add_marker(pytest.mark.messages)
                    yield item
        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".prompts":
                return Prompts.from_parent(parent, path=file_path)
    """)
    (suite.path / "all.prompts").write_text("one two")
    suite.run("all.prompts", passed=2)
    before = suite.sent()
    suite.run("all.prompts", passed=2)
    assert suite.sent() == before
    (suite.path / "all.prompts").write_text("one")
    suite.pytester.path.joinpath("cassettes/all.prompts/one.yaml").unlink()
    suite.run("all.prompts", "--messages-record=none", failed=1).stdout.fnmatch_lines(["*missing*"])


def test_the_cassette_opens_after_wider_fixtures_and_before_the_tests_own(suite: Suite) -> None:
    suite.write("""
        from pytest_messages.intercept.sessions import SESSIONS

        @pytest.fixture(scope="module", autouse=True)
        def wide():
            assert SESSIONS.everyone() == ()

        @pytest.fixture(autouse=True)
        def narrow():
            assert len(SESSIONS.everyone()) == 1
            assert ask("sandbox: say narrow") == "narrow"

        @pytest.fixture
        def asked():
            return ask("sandbox: say asked")

        @pytest.mark.messages
        def test_it(asked):
            assert asked == "asked"
    """)
    suite.run(passed=1)
    assert suite.prompts() == ["sandbox: say narrow", "sandbox: say asked"]


def test_an_unmarked_test_is_left_alone(suite: Suite) -> None:
    suite.write("""
        def test_it():
            assert ask("sandbox: say one") == "one"
    """)
    before = suite.sent()
    suite.run(passed=1)
    assert suite.sent() == before + 1
    assert not (suite.path / "cassettes").exists()


def test_an_unmarked_test_may_be_refused(suite: Suite) -> None:
    suite.pytester.makeini("[pytest]\nmessages_unmarked = refuse\n")
    suite.write("""
        @pytest.mark.messages
        def test_marked():
            assert ask("sandbox: say one") == "one"

        def test_unmarked():
            try:
                ask("sandbox: say one")
            except BaseException:
                pass
    """)
    before = suite.sent()
    suite.run(passed=1, failed=1).stdout.fnmatch_lines(["FAILED test_suite.py::test_unmarked*"])
    assert suite.sent() == before + 1


# Promises that were not kept


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("@pytest.mark.messages\ndef test_it(): pass", "failed"),
        ("def test_it(messages_cassette): pass", "failed"),
        ("@pytest.mark.messages(empty='ignore')\ndef test_it(): pass", "passed"),
        ("@pytest.mark.messages(empty='warn')\ndef test_it(): pass", "passed"),
        ("pytestmark = pytest.mark.messages\ndef test_it(): pass", "passed"),
        ("@pytest.mark.messages\nclass TestIt:\n    def test_it(self): pass", "passed"),
    ],
)
def test_a_passing_test_that_promised_calls_and_made_none(suite: Suite, source: str, outcome: str) -> None:
    suite.write(source)
    result = suite.run(**{outcome: 1})
    if outcome == "failed":
        result.stdout.fnmatch_lines(["*passed without one", "*httpx*"])


def test_a_library_that_speaks_through_another_is_not_called_unseen(suite: Suite) -> None:
    suite.write("import requests\n@pytest.mark.messages\ndef test_it(): pass")
    result = suite.run(failed=1)
    (seen,) = re.findall(r"libraries whose calls are seen: ([^;]*); no other\s", result.stdout.str())
    assert {"httpx", "urllib3"} <= set(re.split(r",\s+", seen))


def test_unplayed_recordings_fail_a_passing_test_only(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write("""
        import os
        @pytest.mark.messages
        def test_it():
            ask("sandbox: say one")
            if not os.environ.get("SHORT"):
                ask("sandbox: say two")
            assert os.environ.get("SHORT") != "fails"
    """)
    suite.run(passed=1)
    monkeypatch.setenv("SHORT", "1")
    suite.run(failed=1).stdout.fnmatch_lines(["1 of 2 recorded interactions was never*", "*sandbox: say two*"])
    suite.run("--messages-unplayed=ignore", passed=1)
    suite.run("--messages-unplayed=warn", passed=1).stdout.fnmatch_lines(["messages: *warning*"])
    monkeypatch.setenv("SHORT", "fails")
    assert "never" not in suite.run(failed=1).stdout.str().split("AssertionError")[0]


@pytest.mark.parametrize("how", ["--messages-record=always", "--messages-chunking=bytes:x"])
def test_a_wrong_value_on_the_command_line_stops_at_the_door(suite: Suite, how: str) -> None:
    result = suite.run(how)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: command line: * it takes *"])


def test_a_wrong_value_in_the_ini_file_stops_at_the_door(suite: Suite) -> None:
    suite.pytester.makeini("[pytest]\nmessages_unplayed = perhaps\n")
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: ini file: unplayed is 'perhaps'; it takes fail | warn | ignore"])


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ('messages(colour="blue")', "*there is no setting 'colour'*"),
        ('messages(record="always")', "*it takes once | none*"),
        ('messages("../x")', "*leads out of*"),
        ('messages("a", "b")', "*takes one cassette name*"),
        ('messages(provider="nobody")', "*there is no provider 'nobody'*"),
        ('messages(match_on=["colour"])', "*colour*"),
    ],
)
def test_a_wrong_mark_stops_the_run_before_its_first_test(suite: Suite, mark: str, said: str) -> None:
    suite.write(f"def test_first(): pass\n\n@pytest.mark.{mark}\ndef test_it():\n    ask('sandbox: say one')")
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: test_suite.py::test_it: {said}"])
    assert "passed" not in result.stdout.str()


def test_a_wrong_mark_is_an_error_of_its_test_where_workers_run(suite: Suite) -> None:
    suite.write("@pytest.mark.messages(scrub=['emial'])\ndef test_it(): pass\n\ndef test_other(): pass")
    result = suite.run("-n1", passed=1, errors=1)
    result.stdout.fnmatch_lines(["*'emial' is no rule*"])


WRONG_NAMES = {
    "match_on": ("bdoy", "there is nothing named 'bdoy'"),
    "ignore": ("$.[", "is neither a JSONPath"),
    "scrub": ("emial", "'emial' is no rule"),
    "hosts": ("https://gateway.example/v1", "is not a host; write 'gateway.example'"),
    "rules": ("-stream.ping-extr", "there is no rule 'stream.ping-extr'; did you mean 'stream.ping-extra'?"),
    "allow": ("anything", "`kind@place`"),
    "provider": ("antropic", "there is no provider 'antropic'; did you mean 'anthropic'?"),
    "providers": ("missing.toml", "missing.toml: cannot read the declared gateways"),
}


@pytest.mark.parametrize("name", WRONG_NAMES)
@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_a_wrong_name_in_the_ini_file_stops_the_run_before_its_first_test(
    suite: Suite, name: str, workers: str
) -> None:
    value, said = WRONG_NAMES[name]
    suite.pytester.makeini(f"[pytest]\nmessages_{name} = {value}\n")
    suite.write("def test_first(): pass")
    result = suite.run(workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()


@pytest.mark.parametrize("name", sorted(NAMED - {"provider", "providers"}))
def test_a_wrong_name_for_a_block_is_told_at_the_call(name: str) -> None:
    value, said = WRONG_NAMES[name]
    with pytest.raises(SettingsError) as caught:
        use_cassette("x", **{name: [value]})
    assert said in str(caught.value)


@pytest.mark.parametrize("name", sorted(NAMED - {"provider", "providers", "match_on"}))
def test_only_match_on_takes_functions(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} takes a list of strings, not"):
        Settings(**{name: [len]})  # type: ignore[arg-type]  # what is tried
    assert Settings(match_on=(len,)).match_on == (len,)


def test_settings_made_in_code_may_declare_what_a_mark_names(suite: Suite) -> None:
    (suite.path / "g.toml").write_text('[mine]\nextends = "anthropic"\nbase_url = "https://mine.example"\n')
    suite.pytester.makeconftest("""
        import pytest
        from pytest_messages import Settings

        @pytest.fixture(scope="session")
        def messages_settings():
            return Settings(providers="g.toml")
    """)
    suite.write("@pytest.mark.messages(provider='mine')\ndef test_it(): assert ask('sandbox: say one') == 'one'")
    suite.run(passed=1)


def test_a_settings_value_that_was_replaced_has_chosen_no_more_than_before() -> None:
    changed = dataclasses.replace(Settings(pace="2"), conformance="warn")
    assert changed.given_values == {"pace": "2", "conformance": "warn"}
    assert changed == Settings(pace="2", conformance="warn")
    layers = Layers(fixture=changed, ini={"unplayed": "ignore", "ignore": ["a"]})
    assert (resolve(layers).unplayed, resolve(layers).ignore) == ("ignore", ("a",))
    assert Settings(unplayed="fail").given_values == {"unplayed": "fail"}


def test_settings_from_a_fixture(suite: Suite) -> None:
    suite.pytester.makeconftest("""
        import pytest
        from pytest_messages import Settings

        @pytest.fixture(scope="session")
        def messages_settings():
            return Settings(dir="tapes", chunking="whole")
    """)
    suite.write("""
        @pytest.mark.messages
        def test_it(messages_cassette):
            ask("sandbox: say one")
            assert messages_cassette.settings.chunking == "whole"
    """)
    suite.run(passed=1)
    assert (suite.path / "tapes/test_suite/test_it.yaml").exists()


def test_a_client_made_without_a_key_says_what_to_type(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    suite.pytester.makepyfile(
        test_keyless="""
        import anthropic, os, pytest

        @pytest.mark.messages
        def test_it():
            client = anthropic.Anthropic(base_url=os.environ["SANDBOX"])
            client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}])
        """
    )
    result = suite.run("test_keyless.py", "-W", "ignore", failed=1)
    result.stdout.fnmatch_lines(["the SDK's client was made without a key*", "*export ANTHROPIC_API_KEY=*"])


def test_a_test_that_two_recorders_would_write_one_file_for_is_told(suite: Suite) -> None:
    suite.pytester.makeini("[pytest]\nmarkers = vcr: pytest-recording's\n")
    suite.write("""
        @pytest.mark.vcr
        @pytest.mark.messages
        def test_it():
            ask("sandbox: say one")

        @pytest.mark.vcr
        @pytest.mark.messages("ours")
        def test_named():
            ask("sandbox: say one")
    """)
    result = suite.run(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*the mark vcr has its recorder write to cassettes/test_suite/test_it.yaml too*"])
    assert suite.files() == ["ours.yaml"]
