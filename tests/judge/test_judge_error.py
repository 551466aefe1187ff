"""A rule that raises is a finding of its own: the others go on, what was recorded stays, nothing ends but the rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prove import never_raises
from prove.exchanges import own

from pytest_messages import ConformanceError, assert_conforms
from pytest_messages.findings import Level
from pytest_messages.judge import answer, asked, check, judge_body, judge_request
from pytest_messages.providers import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.judge.answer import Answer
    from pytest_messages.judge.asked import Asked
    from pytest_messages.judge.rules import Breach

OWN = own()
SECRET = "what the message says"
ERROR = "judge.error"
MESSAGE = {
    "id": "msg_01F0001",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-5",
    "content": [{"type": "text", "text": SECRET}],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


@pytest.fixture
def planted() -> Iterator[None]:
    @answer.rule("message.planted", Level.NOTICE, "https://example.org", "Nothing.")
    def planted_of_messages(judged: Answer) -> Iterator[Breach]:
        raise KeyError(judged.message["content"][0]["text"])

    @asked.rule("request.planted", Level.NOTICE, "https://example.org", "Nothing.")
    def planted_of_requests(judged: Asked) -> Iterator[Breach]:
        raise ZeroDivisionError(judged.body["model"])

    yield
    answer.rule.forget("message.planted")
    asked.rule.forget("request.planted")


@pytest.mark.usefixtures("planted")
def test_a_rule_that_raises_is_named_and_the_other_rules_go_on() -> None:
    found = judge_body(MESSAGE, PROVIDERS["anthropic"])
    (error,) = [each for each in found if each.rule == ERROR]
    assert error.level is Level.VIOLATION
    assert error.where == "message"
    assert "message.planted raised KeyError (test_judge_error.py, line " in error.message
    assert SECRET not in error.message
    assert "message.stop-reason" in {each.rule for each in found}


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("provider", ["anthropic", "compatible"])
def test_it_keeps_its_weight_at_every_provider_and_for_a_request_that_was_taken(provider: str) -> None:
    found = check(OWN["text"].interaction, PROVIDERS[provider])
    errors = [(each.where, each.level) for each in found if each.rule == ERROR]
    assert errors == [("message", Level.VIOLATION), ("request", Level.VIOLATION)]


@pytest.mark.usefixtures("planted")
def test_it_can_be_turned_off_by_its_name() -> None:
    assert not [
        each for each in judge_body(MESSAGE, PROVIDERS["anthropic"], rules=["-judge.error"]) if each.rule == ERROR
    ]


@pytest.mark.usefixtures("planted")
def test_assert_conforms_tells_it() -> None:
    with pytest.raises(ConformanceError, match=r"judge\.error") as told:
        assert_conforms({**MESSAGE, "stop_reason": "end_turn"})
    assert [each.rule for each in told.value.violations] == [ERROR]


@pytest.mark.parametrize(
    ("stream", "rule"),
    [
        ('data: {"error": {"message": "x"}}\n\n', "stream.event-name"),
        ("data: {}\n\n", "stream.event-name"),
        ('data: {"id": "c", "object": "chat.completion.chunk"}\n\ndata: [DONE]\n\n', "stream.event-name"),
        ('event: ping\ndata: {"type": 7}\n\n', "stream.name-type"),
    ],
)
def test_an_event_without_name_and_type_is_found_and_not_tripped_over(stream: str, rule: str) -> None:
    found = {each.rule for each in judge_body(stream, PROVIDERS["anthropic"], stream=True)}
    assert rule in found
    assert ERROR not in found


@pytest.mark.parametrize("deep", ["[" * 3_000 + "]" * 3_000, '{"a":' * 3_000 + "1" + "}" * 3_000])
@pytest.mark.parametrize("status", [200, 500])
def test_a_body_nested_too_deeply_is_no_json(deep: str, status: int) -> None:
    found = {each.rule for each in judge_body(deep, PROVIDERS["anthropic"], status=status)}
    assert found & {"message.json", "error.envelope"}
    assert ERROR not in found


anything: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["text", "tool_use"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "index", "delta", "message", "content", "usage", "error", "id", "stop_reason"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*MESSAGE, "error", "stop_details"]), anything, max_size=9), anything)
def test_no_message_and_no_request_makes_a_rule_raise(message: dict[str, Any], request: Any) -> None:
    body = {**MESSAGE, **message}
    ask = request if isinstance(request, dict) else {"messages": request, "tools": request}
    found = judge_body(body, PROVIDERS["anthropic"], request=ask)
    asked_of = judge_request({"model": "m", "messages": [], **ask}, PROVIDERS["anthropic"])
    assert ERROR not in {each.rule for each in (*found, *asked_of)}


EVENTS = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "ping"]


@given(st.lists(st.tuples(st.sampled_from([*EVENTS, "message_stop", "error", "x"]), anything), max_size=8))
def test_no_stream_makes_a_rule_raise(events: list[tuple[str, Any]]) -> None:
    parts = []
    for name, value in events:
        data = {"type": name, **value} if isinstance(value, dict) else value
        parts.append(f"event: {name}\ndata: {json.dumps(data)}\n\n")
    found = judge_body("".join(parts), PROVIDERS["anthropic"], stream=True)
    assert ERROR not in {each.rule for each in found}


def test_no_exchange_makes_a_rule_raise() -> None:
    """A sample of `prove.never_raises`: whole exchanges, several faults at a time."""
    tally = never_raises.fuzz(1_500, seed=7)
    assert tally.raised == []
    assert tally.judged == 1_500
    # Most of the sample breaks rules, and many different ones: it is no sample of what is sound.
    assert len(tally.rules) > 60


@pytest.mark.usefixtures("planted")
def test_the_fuzzing_notices_a_rule_that_raises(capsys: pytest.CaptureFixture[str]) -> None:
    assert never_raises.main(many=40) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"40 damaged exchanges judged (seed {never_raises.SEED}), ")
    assert any(line.startswith("  RAISED  ") for line in lines)
    assert lines[-1].startswith("skipped: ")
