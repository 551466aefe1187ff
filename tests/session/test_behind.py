"""A big answer is its client's at once, and is in the cassette none the less, with whatever is wrong with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sessions import JSON_HEADERS, answer, dump, message, opened, request

from pytest_messages.errors import CassetteError
from pytest_messages.session.behind import Behind, is_big
from pytest_messages.session.call import Forward
from pytest_messages.session.verdict import failing
from pytest_messages.wire import Response

if TYPE_CHECKING:
    from pytest_messages.cassette.document import ScrubbedInteraction
    from pytest_messages.session.call import Ticket
    from pytest_messages.session.session import Session

BIG = Response(200, "OK", JSON_HEADERS, dump(message("x" * (1 << 18))))


def issued(session: Session) -> Ticket:
    decision = session.decide(request("one"))
    assert isinstance(decision, Forward)
    return decision.ticket


def test_a_client_does_not_wait_until_a_big_answer_is_stored_and_the_verdict_does() -> None:
    may_store, stored = threading.Event(), []

    def append(interaction: ScrubbedInteraction) -> None:
        assert may_store.wait(10)
        stored.append(interaction)

    session = opened(append=append)
    session.record(issued(session), BIG)
    assert (session.calls[0].response, stored) == (BIG, [])
    may_store.set()
    (kept,) = session.finish().recorded
    assert stored == [kept]
    assert kept.response.body == BIG.body


def test_a_small_answer_is_stored_when_its_call_returns() -> None:
    stored: list[ScrubbedInteraction] = []
    session = opened(append=stored.append)
    session.record(issued(session), answer())
    assert len(stored) == 1


def test_what_goes_wrong_behind_reaches_the_verdict() -> None:
    def append(_: ScrubbedInteraction) -> None:
        raise CassetteError("the disk is full", path="a.yaml")

    session = opened(append=append)
    session.record(issued(session), BIG)
    session.finish()
    assert [str(error) for error in failing(session.verdict.take())] == ["the disk is full"]


def test_usage_and_violations_wait_for_the_answers_that_they_speak_of() -> None:
    session = opened()
    session.record(issued(session), BIG)
    assert session.usage == {"input_tokens": 7, "output_tokens": 5}
    assert session.violations == ()


def test_jobs_are_done_one_after_the_other_and_leave_no_thread() -> None:
    before, done = threading.active_count(), []
    behind = Behind()
    for number in range(20):
        behind.store(BIG, lambda number=number: done.append(number))  # type: ignore[misc]
    behind.wait()
    behind.store(BIG, lambda: done.append(20))
    behind.wait()
    behind.wait()
    assert (done, threading.active_count()) == (list(range(21)), before)


def test_a_huge_answer_is_stored_by_who_asks_and_holds_up_nobody_before() -> None:
    stored: list[int] = []
    session = opened(append=lambda _: stored.append(threading.get_ident()))
    huge = Response(200, "OK", JSON_HEADERS, dump(message("x" * (1 << 22))))
    session.record(issued(session), huge)
    assert stored == []
    assert len(session.finish().recorded) == 1
    assert stored == [threading.get_ident()]


def test_what_is_big() -> None:
    assert is_big(BIG)
    assert not is_big(answer())
