"""What was just recorded answers the request that it was recorded for, or the recording test says that it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import URL, answer, opened, request

from pytest_messages import report
from pytest_messages.errors import MessagesError, SettingsError, UnreplayableError
from pytest_messages.findings import Difference
from pytest_messages.session.call import Forward
from pytest_messages.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conftest import Suite

    from pytest_messages.session.session import Session

FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\xff\r\n--x--\r\n'
KEY = "sk-ant-" + "api03-" + "x" * 80


def recorded(requests: Iterable[Request], **settings: Any) -> Session:
    """Return a session that has recorded ``requests`` and taken stock."""
    session = opened(**settings)
    for each in requests:
        decision = session.decide(each)
        assert isinstance(decision, Forward)
        session.record(decision.ticket, answer())
    session.finish()
    return session


def told(session: Session) -> list[MessagesError]:
    return [each.what for each in session.verdict.problems if isinstance(each.what, MessagesError)]


def never(_recorded: object, _live: object) -> Difference:
    return Difference("nonce", "now", "then", "nonce")


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5)
BODIES = st.binary() | JSON.map(lambda value: request("hi", metadata={"user_id": KEY, "more": value}).body)
HOSTS = st.sampled_from(["https://api.anthropic.com", "http://127.0.0.1:1", "http://127.0.0.1:2"])
NAMES = st.sampled_from(["file_011CNha8iCJcU1wXNR6q4V8w", "a%2fb", "x?key=" + KEY, "x?beta=true&a=é"])


@given(st.lists(st.builds(lambda *at: Request("POST", "/v1/files/".join(at[:2]), (), at[2]), HOSTS, NAMES, BODIES)))
def test_whatever_was_asked_answers_itself(requests: list[Request]) -> None:
    session = recorded(
        requests,
        hosts=("127.0.0.1",),
        match_on=("user_id", "header:accept"),
        ignore=("$..more", "[0-9]+ -> n"),
        scrub=("email", "ACME-[0-9]+ -> <ticket>", "$.model"),
    )
    assert told(session) == []


@pytest.mark.parametrize("body", [b'{"messages": NaN}', b'{"a": 1, "a": 2}', b"\xff\x00", b"", FORM, b"[" * 3000])
def test_a_body_that_is_no_good_json_answers_itself_twice(body: bytes) -> None:
    assert told(recorded([Request("POST", URL, (), body)] * 2)) == []


def test_a_matcher_that_tells_a_request_from_itself_is_named_once_for_all_calls() -> None:
    session = recorded([request("one"), request("two")], match_on=(never,))
    session.finish()
    [error] = told(session)
    assert isinstance(error, UnreplayableError)
    assert (error.calls, error.matchers, error.differences) == ((1, 2), ("never",), (never(0, 0),))
    text = report.explain(error)
    assert "mend never, in match_on" in text
    assert "request 2 of this test" in text
    assert text.endswith("pytest 't.py::a' --messages-record=rewrite")


def test_a_matcher_that_fails_is_told_while_recording() -> None:
    def broken(_recorded: object, _live: object) -> None:
        raise KeyError

    [error] = told(recorded([request("one")], match_on=(broken,)))
    assert isinstance(error, SettingsError)
    assert "broken failed with KeyError" in str(error)


def test_what_came_later_is_matched_too() -> None:
    session = recorded([request("one")], match_on=(lambda one, _: None if b"one" in one.body else never(0, 0),))
    assert told(session) == []
    decision = session.decide(request("two"))
    assert isinstance(decision, Forward)
    session.record(decision.ticket, Response(200, "OK", (), b"{}"))
    session.finish()
    assert [type(each) for each in told(session)] == [UnreplayableError]


def test_a_recording_that_cannot_be_replayed_fails_where_it_is_made_and_says_why_where_it_is_not(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.write("""
from random import random
from pytest_messages import Difference

def by_nonce(recorded, live):
    one, other = random(), random()
    return None if one == other else Difference("nonce", one, other, part="nonce")

@pytest.mark.messages(match_on=[by_nonce])
def test_it():
    assert ask("hi")
""")
    run = suite.run(failed=1)
    run.stdout.fnmatch_lines(
        [
            "*What was recorded for request 1 of this test does not answer that very request on replay: POST *",
            "*to make it replay*mend by_nonce, in match_on: it tells a request from itself*",
            "*then record it again*--messages-record=rewrite*",
        ]
    )
    assert suite.cassette().incomplete
    monkeypatch.setenv("CI", "1")
    suite.run(failed=1).stdout.fnmatch_lines(["*what was recorded for request 1 does not answer that very request*"])
