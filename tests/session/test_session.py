"""The heart, asked without a disk, a network or a clock."""

from __future__ import annotations

import contextlib
import json
import pickle
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import JSON_HEADERS, URL, answer, dump, interaction, message, opened, request, streamed

from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.errors import (
    CassetteFormatError,
    CassetteIncompleteError,
    CassetteNotFoundError,
    EmptyError,
    ExhaustedError,
    MessagesError,
    NoMatchError,
    NotRecordableError,
    Refused,
    SecretLeakError,
    SettingsError,
)
from pytest_messages.findings import Difference
from pytest_messages.session.call import Forward, Refuse, Replay
from pytest_messages.session.modes import State
from pytest_messages.session.record import Recorded, in_order
from pytest_messages.session.verdict import failing
from pytest_messages.wire import Chunk, Ended, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_messages.cassette.document import ScrubbedInteraction
    from pytest_messages.session.session import Session
    from pytest_messages.wire import Scrubbed

KEY = "sk-ant-" + "api03-" + "x" * 80


def replayed(session: Session, text: str) -> Response:
    decision = session.decide(request(text))
    assert isinstance(decision, Replay)
    return decision.response


def refused(session: Session, text: str) -> MessagesError:
    decision = session.decide(request(text))
    assert isinstance(decision, Refuse)
    return decision.error


def forwarded(session: Session, text: str) -> Forward:
    decision = session.decide(request(text))
    assert isinstance(decision, Forward)
    return decision


def recorded(session: Session, text: str, response: Response | None = None) -> None:
    session.record(forwarded(session, text).ticket, response or answer(text))


# Deciding


def test_each_recording_answers_once_and_says_so() -> None:
    session = opened(interaction("one", answer("1")), interaction("one", answer("2")))
    assert [json.loads(replayed(session, "one").body)["content"][0]["text"] for _ in range(2)] == ["1", "2"]
    error = refused(session, "one")
    assert isinstance(error, ExhaustedError)
    assert (error.times, str(error)) == (2, f"POST {URL}: already played, 2 of 2")


@pytest.mark.parametrize(("repeats", "texts"), [("last", "1222"), ("cycle", "1212")])
def test_repeats(repeats: str, texts: str) -> None:
    session = opened(interaction("one", answer("1")), interaction("one", answer("2")), repeats=repeats)
    found = [json.loads(replayed(session, "one").body)["content"][0]["text"] for _ in texts]
    assert "".join(found) == texts


def test_among_equals_those_that_this_test_recorded_come_first() -> None:
    session = opened(
        interaction("one", answer("other"), test="t.py::b"), interaction("one", answer("mine"), test="t.py::a")
    )
    assert b"mine" in replayed(session, "one").body
    assert b"other" in replayed(session, "one").body


def test_outside_of_a_test_the_order_of_the_cassette_counts() -> None:
    session = opened(interaction("one", answer("1"), test="t.py::b"), interaction("one", answer("2")), test=None)
    assert b'"1"' in replayed(session, "one").body


def test_loopback_servers_are_told_apart_by_the_test_that_recorded_them() -> None:
    def local(port: int, text: str, test: str) -> Interaction:
        asked = request("one", url=f"http://127.0.0.1:{port}/v1/messages")
        return Interaction(asked, (answer(text), Recording(test=test)))

    session = opened(local(1, "first", "t.py::a"), local(2, "second", "t.py::b"))
    decisions = [session.decide(request("one", url="http://127.0.0.1:9/v1/messages")) for _ in range(2)]
    assert [json.loads(each.response.body)["content"][0]["text"] for each in decisions if isinstance(each, Replay)] == [
        "first",
        "second",
    ]


def test_a_miss_names_what_came_nearest() -> None:
    error = refused(
        opened(
            Interaction(request("two words", max_tokens=9, temperature=1), (answer(), Recording())),
            interaction("two words"),
        ),
        "two word",
    )
    assert isinstance(error, NoMatchError)
    assert error.nearest == 2
    assert error.differences == (Difference("messages[0].content", "two words", "two word"),)
    assert (error.context.cassette, error.context.test, error.context.unplayed) == ("cassettes/a.yaml", "t.py::a", 2)


def test_a_miss_in_an_empty_cassette_has_nothing_near() -> None:
    error = refused(opened(state=State.WHOLE), "one")
    assert isinstance(error, NoMatchError)
    assert (error.nearest, error.differences) == (None, ())


def test_none_says_what_is_missing_and_who_has_not_passed() -> None:
    missing = refused(opened(record="none"), "one")
    assert isinstance(missing, CassetteNotFoundError)
    incomplete = refused(opened(interaction("one"), record="none", incomplete=("t.py::b",)), "one")
    assert isinstance(incomplete, CassetteIncompleteError)
    assert incomplete.tests == ("t.py::b",)


def test_what_follows_the_first_request_that_is_recorded_is_recorded_too() -> None:
    session = opened(interaction("one"), interaction("three"), incomplete=("t.py::a",))
    replayed(session, "one")
    recorded(session, "two")
    assert forwarded(session, "three").ticket.call.position == 3
    assert session.replays is False


def test_a_matcher_of_ones_own_decides_among_equal_keys() -> None:
    def by_system(there: Scrubbed, here: Scrubbed) -> Difference | None:
        left, right = (json.loads(each.body).get("system") for each in (there, here))
        return None if left == right else Difference("system", left, right, "mine")

    session = opened(
        Interaction(request("one", system="a"), (answer("a"), Recording())),
        Interaction(request("one", system="b"), (answer("b"), Recording())),
        match_on=[by_system],
        ignore=["system"],
    )
    found = session.decide(request("one", system="b"))
    assert isinstance(found, Replay)
    assert b'"b"' in found.response.body
    assert isinstance(session.decide(request("one", system="c")), Refuse)


@pytest.mark.parametrize(
    ("matcher", "said"),
    [
        (lambda *_: 1 / 0, "match_on: the matcher <lambda> failed with ZeroDivisionError"),
        (lambda *_: False, "match_on: the matcher <lambda> returned bool; it returns a Difference, or None"),
    ],
)
def test_a_matcher_that_fails_is_a_refusal_that_says_so(matcher: Callable[..., Any], said: str) -> None:
    session = opened(interaction("one"), match_on=[matcher])
    error = refused(session, "one")
    assert isinstance(error, SettingsError)
    assert str(error) == said


def test_a_recording_that_cannot_be_read_is_a_refusal() -> None:
    def broken() -> Any:
        raise CassetteFormatError("a.yaml:3:1: broken", path="a.yaml", line=3, column=1)

    error = refused(opened(Interaction(request("one"), broken)), "one")
    assert isinstance(error, CassetteFormatError)


def test_a_closed_session_refuses_and_tells_whoever_still_listens() -> None:
    told: list[MessagesError] = []
    session = opened(late=told.append)
    session.close()
    error = refused(session, "one")
    assert isinstance(error, NotRecordableError)
    assert str(error) == f"POST {URL} came after its session had closed"
    with pytest.raises(Refused):
        session.refuse(error)
    assert told == [error]


# Recording


def test_an_answer_is_kept_scrubbed_and_judged_once() -> None:
    kept: list[ScrubbedInteraction] = []
    session = opened(append=kept.append)
    ticket = forwarded(session, f"my key is {KEY}").ticket
    session.record(ticket, answer(f"your key is {KEY}"))
    session.record(ticket, answer("a second verdict"))
    (only,) = kept
    assert KEY not in only.request.body.decode() + only.response.body.decode()
    assert only.recording == Recording(at="2026-01-02T03:04:05Z", test="t.py::a", provider="anthropic")
    assert (session.tally.recorded, session.tally.altered) == (1, 1)
    assert session.usage == {"input_tokens": 7, "output_tokens": 5}
    assert session.finish().recorded == (only,)


def test_live_forwards_and_keeps_nothing() -> None:
    kept: list[ScrubbedInteraction] = []
    session = opened(record="live", append=kept.append)
    recorded(session, "one")
    assert (kept, session.tally.forwarded, session.finish().recorded) == ([], 1, ())


@pytest.mark.parametrize("error", [SecretLeakError("leak", path="a.yaml"), SettingsError("a rule failed")])
def test_what_cannot_be_stored_is_no_business_of_the_client(error: MessagesError) -> None:
    def append(_: ScrubbedInteraction) -> None:
        raise error

    session = opened(append=append)
    recorded(session, "one")
    assert [problem.what for problem in session.verdict.problems] == [error]
    assert session.finish().recorded == ()
    assert session.calls[0].response is not None


def test_a_call_that_comes_after_its_session_names_its_library() -> None:
    session = opened()
    session.close()
    decision = session.decide(request("one"), library="httpx2")
    assert isinstance(decision, Refuse)
    assert isinstance(decision.error, NotRecordableError)
    assert (decision.error.library, decision.error.host) == ("httpx2", "api.anthropic.com")


def test_what_the_collector_leaves_is_taken_at_the_next_question() -> None:
    session = opened()
    ticket = forwarded(session, "one").ticket
    session.record_later(ticket, answer())
    assert session.calls[0].ended is Ended.COMPLETE
    assert session.tally.recorded == 1


@pytest.mark.parametrize(
    ("response", "ended"),
    [
        (streamed(ended=Ended.CLOSED), Ended.COMPLETE),
        (streamed(ended=Ended.CLOSED, events=5), Ended.CLOSED),
        (Response(200, "OK", JSON_HEADERS, b"{", ended=Ended.CLOSED), Ended.CLOSED),
        (streamed(ended=Ended.DROPPED, error="ReadError"), Ended.DROPPED),
    ],
)
def test_a_client_that_stops_after_the_last_event_has_read_it_all(response: Response, ended: Ended) -> None:
    session = opened()
    recorded(session, "one", response)
    assert session.calls[0].ended is ended


def test_a_stream_that_is_still_open_is_closed_and_named() -> None:
    session = opened()
    ticket = forwarded(session, "one").ticket
    session.holds_open(ticket, lambda: session.record(ticket, streamed(ended=Ended.CLOSED, events=2)))
    outcome = session.finish()
    assert outcome.still_open == (ticket.call,)
    assert outcome.recorded[0].response.ended is Ended.CLOSED
    assert session.finish().still_open == ()


# What a call shows


def test_a_call_shows_what_was_sent_and_what_came_back() -> None:
    session = opened(interaction("one", replace(streamed("Hello"), chunks=(Chunk(250, 10),))))
    replayed(session, "one")
    (call,) = session.calls
    assert (call.replayed, call.ended, call.duration, call.group, call.retry_after) == (
        True,
        Ended.COMPLETE,
        0.25,
        None,
        None,
    )
    assert call.message is not None
    assert [event.type for event in call.events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert call.body["messages"][0]["content"] == "one"
    assert repr(call) == f"<Call 1 POST {URL}: 200 complete>"


def test_a_call_without_an_answer_shows_that() -> None:
    session = opened()
    forwarded(session, KEY)
    (call,) = session.calls
    assert (call.ended, call.message, call.events, call.retry_after, call.response) == (None, None, (), None, None)
    assert repr(call) == f"<Call 1 POST {URL}: unanswered>"
    assert KEY not in repr(call) + repr(call.request)


def test_a_json_answer_has_a_message_and_no_events() -> None:
    session = opened()
    recorded(session, "one")
    (call,) = session.calls
    assert call.message is not None
    assert call.message.id == message("")["id"]
    assert call.events == ()


@pytest.mark.parametrize("body", [b'{"type": "error"}', b"not json", b"[]"])
def test_an_answer_that_is_no_message_has_none(body: bytes) -> None:
    session = opened()
    recorded(session, "one", Response(529, "", JSON_HEADERS, body))
    assert session.calls[0].message is None
    assert session.usage == {"input_tokens": 0, "output_tokens": 0}


def test_tokens_that_are_no_numbers_count_as_none() -> None:
    session = opened()
    body = {**message("x"), "usage": {"input_tokens": "many", "output_tokens": 5}}
    recorded(session, "one", Response(200, "", JSON_HEADERS, dump(body)))
    assert session.usage == {"input_tokens": 0, "output_tokens": 5}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((("retry-after", "2"),), 2.0),
        ((("retry-after-ms", "1500"), ("retry-after", "2")), 1.5),
        ((("retry-after-ms", "soon"), ("retry-after", "2")), 2.0),
        ((("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT"),), None),
    ],
)
def test_what_an_answer_asked_to_wait_stays_visible(
    headers: tuple[tuple[str, str], ...], seconds: float | None
) -> None:
    session = opened()
    recorded(session, "one", Response(429, "", (*JSON_HEADERS, *headers), b"{}"))
    assert session.calls[0].retry_after == seconds


# What is asked at the end


def test_unplayed_recordings_are_named_with_their_prompts() -> None:
    blocks = [{"type": "text", "text": "first"}, {"type": "text", "text": "last"}, {"type": "image"}]
    session = opened(
        interaction("one"),
        interaction("two"),
        Interaction(request("", messages=[{"role": "user", "content": blocks}]), (answer(), Recording())),
        Interaction(request("", messages=[{"role": "user", "content": [{"type": "image"}]}]), (answer(), Recording())),
        Interaction(request("", messages=[]), (answer(), Recording())),
        Interaction(replace(request(""), body=b"[]"), (answer(), Recording())),
    )
    replayed(session, "one")
    error = session.reasons.unplayed(1)
    assert error is not None
    assert (error.positions, error.prompts) == ((2, 3, 4, 5, 6), ("two", "last", "", "", ""))


@pytest.mark.parametrize("mode", ["rewrite", "live"])
def test_nothing_is_unplayed_where_nothing_is_read(mode: str) -> None:
    assert not opened(interaction("one"), record=mode).replays


def test_what_an_earlier_attempt_left_is_this_tests_own_alone() -> None:
    mine, other = interaction("one", test="t.py::a"), interaction("two", test="t.py::b")
    session = opened(mine, other, incomplete=("t.py::a",))
    assert (session.was_incomplete, session.recorded_by_others()) == (True, True)
    assert session.mine_unplayed() == (mine,)
    replayed(session, "one")
    assert session.mine_unplayed() == ()
    assert opened(mine).mine_unplayed() == ()


@pytest.mark.parametrize(
    ("at", "expires"),
    [
        ("2025-12-31T00:00:00Z", True),
        ("2025-12-31T00:00:00", True),
        ("2026-01-02T00:00:00Z", False),
        ("yesterday", False),
        (None, False),
    ],
)
def test_recordings_that_are_too_old_are_named(at: str | None, expires: bool) -> None:
    session = opened(interaction("new", at="2026-02-01T00:00:00Z"), interaction("old", at=at))
    replayed(session, "new")
    replayed(session, "old")
    error = session.reasons.expired(2, session.finish().played, before=datetime(2026, 1, 1, tzinfo=UTC))
    assert (error and (error.positions, error.oldest)) == (((2,), at) if expires else None)


def test_findings_name_their_call_gravest_first() -> None:
    body = {**message("x"), "stop_reason": "tired", "role": "user"}
    session = opened(conformance="fail")
    recorded(session, "one")
    recorded(session, "two", Response(200, "", JSON_HEADERS, dump(body)))
    found = session.violations
    assert found == tuple(sorted(found, key=lambda each: each.level))
    assert {each.where.partition(",")[0] for each in found} == {"call 2"}
    assert session.violations == found


def test_thinking_that_comes_back_changed_is_judged_with_what_was_given() -> None:
    thought = {"type": "thinking", "thinking": "so be it", "signature": "c2lnbmF0dXJl" * 4}
    use = {"type": "tool_use", "id": "toolu_01AbCdEfGhIjKlMnOpQrStUv", "name": "f", "input": {}}
    given = {**message(""), "content": [thought, use], "stop_reason": "tool_use"}
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": "1"}

    def rules(back: dict[str, Any]) -> set[str]:
        session = opened()
        tools = [{"name": "f", "input_schema": {"type": "object"}}]
        recorded(session, "one", Response(200, "", JSON_HEADERS, dump(given)))
        turns = [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": [back, use]},
            {"role": "user", "content": [result]},
        ]
        decision = session.decide(request("", messages=turns, tools=tools))
        assert isinstance(decision, Forward)
        session.record(decision.ticket, Response(400, "", JSON_HEADERS, b"{}"))
        return {each.rule for each in session.violations}

    assert "request.thinking-blocks" not in rules(thought)
    assert "request.thinking-blocks" in rules({**thought, "signature": "b3RoZXI="})


def test_refusals_that_the_test_caught_do_not_count() -> None:
    session = opened(record="none")
    meant, swallowed = SettingsError("a"), SettingsError("b")
    with pytest.raises(Refused):
        session.refuse(meant)
    with contextlib.suppress(BaseException):
        session.refuse(swallowed)
    told = session.verdict.take()
    assert (session.verdict.fails, failing(told), session.verdict.take()) == (True, [swallowed], [])


def test_calls_that_cannot_be_recorded_are_told_once() -> None:
    session = opened()
    error = session.unrecordable(f"https://user:{KEY}@h.example/model/x/invoke", host="h.example", library="botocore")
    assert KEY not in str(error)
    assert KEY not in str(pickle.loads(pickle.dumps(error)).__dict__)  # noqa: S301 - our own
    session.passed_by(error)
    assert ([problem.what for problem in session.verdict.take()], session.verdict.take()) == ([error], [])
    assert not session.verdict.fails


def test_a_promise_without_a_call_names_the_libraries() -> None:
    error = opened().reasons.empty(["httpx", "pycurl"], ["httpx"])
    assert isinstance(error, EmptyError)
    assert (error.loaded, error.hooked, error.context.number) == (("httpx", "pycurl"), ("httpx",), 0)


# Threads


def test_many_threads_each_get_their_own_answer() -> None:
    texts = [f"question {n}" for n in range(40)]
    session = opened(*(interaction(text, answer(f"re: {text}")) for text in texts))
    found: dict[str, str] = {}

    def ask(text: str) -> None:
        found[text] = json.loads(replayed(session, text).body)["content"][0]["text"]

    threads = [threading.Thread(target=ask, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {text: f"re: {text}" for text in texts}
    assert [call.position for call in session.calls] == list(range(1, 41))
    assert session.reasons.unplayed(40) is None


def entry(text: str, position: int, *, thread: int = 1, raced: bool = False) -> Recorded:
    scrubbed: Any = interaction(text)
    return Recorded(interaction=scrubbed, asked=scrubbed.request, position=position, thread=thread, raced=raced)


def order(entries: Sequence[Recorded]) -> list[str]:
    return [json.loads(each.interaction.request.body)["messages"][0]["content"] for each in in_order(entries)]


def test_only_what_raced_is_sorted() -> None:
    entries = [entry("z", 1), entry("b", 2), entry("a", 3, raced=True), entry("c", 4)]
    assert order(entries) == ["z", "a", "b", "c"]


@given(st.permutations("abcde"), st.permutations(range(5)))
def test_threads_that_raced_give_one_order_whoever_came_first(issued: list[str], ended: list[int]) -> None:
    """One call, then four threads at once, then one more."""
    entries = [entry(text, n + 2, thread=n, raced=n > 0) for n, text in enumerate(issued)]
    entries = [entry("first", 1), *(entries[n] for n in ended), entry("last", 7)]
    assert order(entries) == ["first", *"abcde", "last"]


def test_sessions_know_who_raced() -> None:
    session = opened()
    first = forwarded(session, "b").ticket
    second: list[Forward] = []
    thread = threading.Thread(target=lambda: second.append(forwarded(session, "a")))
    thread.start()
    thread.join()
    session.record(second[0].ticket, answer())
    session.record(first, answer())
    third = forwarded(session, "0").ticket
    session.record(third, answer())
    assert (first.raced, second[0].ticket.raced, third.raced) == (False, True, False)
    texts = [json.loads(each.request.body)["messages"][0]["content"] for each in session.finish().recorded]
    assert texts == ["a", "b", "0"]
