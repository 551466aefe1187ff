"""What is refused many times in one test is told once, with a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Suite

MISS = "No recorded interaction answers request"


def test_many_swallowed_refusals_are_one_message_and_a_number(suite: Suite) -> None:
    suite.write("@pytest.mark.messages\ndef test_it(): ask('hello')")
    suite.run(passed=1)
    suite.write("""
        import contextlib
        @pytest.mark.messages
        def test_it():
            with httpx.Client() as client:
                for n in range(200):
                    with contextlib.suppress(BaseException):
                        client.post(URL, json=body(f"another {n}"), headers=HEADERS)
    """)
    told = suite.run(failed=1).stdout
    assert told.str().count(f"{MISS} ") == 1
    told.fnmatch_lines(["This test has 199 problems more of this kind (NoMatchError)."])


def test_hypothesis_is_told_once_and_how_to_draw_the_same_examples(suite: Suite) -> None:
    suite.write("@pytest.mark.messages\ndef test_it(): ask('hello')")
    suite.run(passed=1)
    suite.write("""
        from hypothesis import given, settings, strategies as st
        @pytest.mark.messages
        @settings(max_examples=10, database=None, deadline=None)
        @given(st.integers(0, 1000))
        def test_it(n):
            ask(f"number {n}")
    """)
    told = suite.run(failed=1).stdout
    told.fnmatch_lines(["*@settings(derandomize=True)*"])
    assert told.str().count("  cassette  ") <= 2


def test_what_is_missing_holds_no_interactions(suite: Suite) -> None:
    suite.write("@pytest.mark.messages\ndef test_it(): ask('hello')")
    assert "unplayed)" not in suite.run("--messages-record=none", failed=1).stdout.str()


def test_a_marked_test_is_not_told_to_use_the_mark(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.messages(record="none")
        def test_it():
            httpx.post("https://bedrock-runtime.us-east-1.amazonaws.com/model/x/invoke", json={})
    """)
    told = suite.run(failed=1).stdout
    told.fnmatch_lines(["*cannot be recorded or replayed*"])
    assert "@pytest.mark.messages on the test" not in told.str()
    assert "0 unplayed" not in told.str()
