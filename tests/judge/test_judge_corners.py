"""Corners of the judge's rules that no exchange of the project reaches."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_messages.api import schema, sse
from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.findings import Level
from pytest_messages.judge import check, judge_body, judge_request
from pytest_messages.judge.requests import Asked, is_well_formed
from pytest_messages.judge.shape import is_plain_delta
from pytest_messages.judge.subset import strict_limits
from pytest_messages.judge.user_schemas import obeys_schema
from pytest_messages.judge.values import shown
from pytest_messages.providers import PROVIDERS
from pytest_messages.wire import Request, Response

ANTHROPIC = PROVIDERS["anthropic"]
ASK = {"model": "claude-sonnet-4-5", "max_tokens": 9}
USER: dict[str, Any] = {"role": "user", "content": "Hm?"}
SYSTEM = {"role": "system", "content": "Be brief."}


def wrong(**fields: Any) -> list[tuple[str, str]]:
    return [(each.rule, each.where) for each in judge_request({**ASK, "messages": [USER], **fields}, ANTHROPIC)]


def test_a_system_message_lies_between_a_user_and_an_assistant() -> None:
    answer = {"role": "assistant", "content": "So."}
    searched = {"role": "assistant", "content": [SEARCH, RESULT]}
    assert wrong(messages=[USER, SYSTEM, SYSTEM, answer, USER, SYSTEM]) == []
    assert wrong(messages=[USER, searched, SYSTEM]) == []
    assert wrong(messages=[USER, answer, SYSTEM]) == [("request.system-role", "messages[2]")]
    assert wrong(messages=[USER, SYSTEM, USER]) == [("request.system-role", "messages[1]")]
    assert wrong(messages=[USER, {**SYSTEM, "content": []}, answer, USER]) == []


SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
RESULT = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
THOUGHT = {"type": "thinking", "thinking": "a", "signature": "YQ=="}
TEXT = {"type": "text", "text": "So."}


@pytest.mark.parametrize(
    ("earlier", "broken"),
    [
        ({"content": [{**THOUGHT, "thinking": "b"}, TEXT]}, True),
        ({"content": [THOUGHT, TEXT]}, False),
        ({"content": [THOUGHT, {**TEXT, "text": "Another."}]}, False),
        ({"content": []}, False),
        ({}, False),
    ],
)
def test_thinking_is_compared_with_the_message_that_the_turn_repeats(earlier: dict[str, Any], *, broken: bool) -> None:
    messages = [USER, {"role": "assistant", "content": [THOUGHT, TEXT]}, USER]
    asked = Asked(body={**ASK, "messages": messages}, earlier=({"content": [TEXT]}, earlier))
    # The message without thinking gave nothing that could go back unchanged.
    expected = ["request.thinking-blocks"] if broken or earlier.get("content") != [THOUGHT, TEXT] else []
    found = [fault.rule.name for fault in is_well_formed(asked)]
    assert found == expected


def test_a_paused_turn_goes_on_with_what_the_assistant_said() -> None:
    messages = [USER, {"role": "assistant", "content": [SEARCH]}]
    assert wrong(messages=messages, model="claude-opus-4-6") == []
    thinking = {"type": "enabled", "budget_tokens": 1024}
    assert wrong(messages=messages, thinking=thinking, max_tokens=2048) == []


@pytest.mark.parametrize(
    ("model", "broken"),
    [
        ("claude-opus-4-6", True),
        ("claude-sonnet-5", True),
        ("anthropic/claude-sonnet-4.6", True),
        ("claude-sonnet-4-5-20250929", False),
        ("claude-sonnet-4-20250514", False),
        ("claude-3-5-sonnet-20241022", False),
        ("somebody-else", False),
    ],
)
def test_prefill_ended_with_the_model_that_says_so(model: str, *, broken: bool) -> None:
    found = wrong(model=model, messages=[USER, {"role": "assistant", "content": "It is"}])
    assert found == ([("request.prefill", "messages[1]")] if broken else [])


def test_a_tool_of_a_toolset_or_server_may_be_forced_by_its_own_name() -> None:
    choice = {"type": "tool", "name": "read"}
    toolset = {"type": "mcp_toolset", "mcp_server_name": "notes"}
    server = {"type": "url", "name": "notes", "url": "https://example.org"}
    assert wrong(tools=[toolset], tool_choice=choice, mcp_servers=[server]) == []
    assert wrong(tools=[{"type": "browser_toolset_20260801"}], tool_choice=choice) == []


def test_a_batch_has_a_name_for_each_request() -> None:
    params = {**ASK, "messages": [USER]}
    many = [{"custom_id": str(n), "params": params} for n in range(100_001)]
    asked = Asked(body={"requests": many}, kind="batch_request")
    assert ("request.batch", "requests") in {(fault.rule.name, fault.breach.where) for fault in is_well_formed(asked)}
    asked = Asked(body={"requests": [{"custom_id": 7, "params": params}]}, kind="batch_request")
    assert {fault.breach.where for fault in is_well_formed(asked)} == {"requests[0].custom_id"}


def test_an_endpoint_of_nobody_takes_what_it_likes() -> None:
    assert list(is_well_formed(Asked(body={"anything": 1}, kind=None))) == []


def test_schemas_that_are_no_json_and_values_too_deep_to_show_break_nothing() -> None:
    assert obeys_schema(1, {"type": object()}) == []
    assert obeys_schema("x", {"enum": "boat"}) == [((), "'x' is not one of 'boat'")]
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "a list"
    assert shown("x" * 100) == '"' + "x" * 79 + "…"


START = {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}}
START["message"] |= {"content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}  # type: ignore[operator]  # JSON
OPEN = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
CLOSE = {"type": "content_block_stop", "index": 0}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
STOP = {"type": "message_stop"}
FAIL = {"type": "error", "error": {"type": "api_error", "message": "x"}}
PIECE = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}
COME: list[dict[str, Any]] = [START, OPEN, PIECE, CLOSE, END, STOP]


def order(*events: Any) -> set[str]:
    body = b"".join(sse.encode(event["type"], json.dumps(event)) for event in events)
    unfinished = {"stream.unfinished"}
    return {
        each.rule for each in judge_body(body, ANTHROPIC, stream=True) if each.level is Level.VIOLATION
    } - unfinished


@pytest.mark.parametrize(
    ("before", "rules"),
    [
        ([], "- message-start message-start message-start message-start message-start"),
        ([START], "message-start - block-missing block-missing - message-delta"),
        ([START, OPEN], "message-start block-nested - - block-unclosed message-delta"),
        ([START, OPEN, CLOSE, END], "message-start block-late block-late block-late - -"),
        ([START, END, STOP], "after-stop after-stop after-stop after-stop after-stop after-stop"),
        ([START, FAIL], "after-error after-error after-error after-error after-error after-error"),
    ],
)
def test_an_event_in_the_wrong_place_breaks_one_rule(before: list[Any], rules: str) -> None:
    # A second block would be numbered 1, which is another rule's business.
    found = [order(*before, event) - {"stream.index"} for event in COME]
    assert found == [set() if rule == "-" else {f"stream.{rule}"} for rule in rules.split()]


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("text", "text", "x"),
        ("thinking", "thinking", "x"),
        ("tool_use", "input", {"x": 1}),
        ("server_tool_use", "input", {"x": 1}),
        ("mcp_tool_use", "input", {"x": 1}),
    ],
)
def test_a_block_that_is_streamed_starts_empty(kind: str, field: str, value: object) -> None:
    block = {"type": kind, "id": "srvtoolu_1", "name": "web_search", "server_name": "s", "signature": "x", field: value}
    assert "stream.block-start-empty" in order(START, {**OPEN, "content_block": block}, CLOSE)


@pytest.mark.parametrize(
    ("kind", "start", "end", "first"),
    [
        ("char_location", "start_char_index", "end_char_index", 0),
        ("page_location", "start_page_number", "end_page_number", 1),
        ("content_block_location", "start_block_index", "end_block_index", 0),
        ("search_result_location", "start_block_index", "end_block_index", 0),
    ],
)
def test_each_kind_of_citation_has_a_range(kind: str, start: str, end: str, first: int) -> None:
    def found(begin: int, stop: int) -> set[str]:
        citation = {"type": kind, start: begin, end: stop}
        body = {"content": [{"type": "text", "text": "x", "citations": [citation]}]}
        return {
            each.where.rpartition(".")[2] for each in judge_body(body, ANTHROPIC) if each.rule == "message.citation"
        }

    assert found(first, first + 1) == set()
    assert found(first - 1, first + 1) == {start}
    assert found(first + 2, first + 1) == {end}


@pytest.mark.parametrize(
    ("body", "status", "rule"),
    [
        ({"type": "error", "error": {"type": "api_error", "message": "x"}, "new": 1}, 500, "reply.unknown"),
        ({"type": "message_batch", "new": 1}, 200, "reply.unknown"),
    ],
)
def test_what_is_new_in_a_reply_is_a_notice(body: dict[str, Any], status: int, rule: str) -> None:
    found = judge_body(body, ANTHROPIC, status=status)
    assert [(each.where, each.level) for each in found if each.rule == rule] == [("new", Level.NOTICE)]


def test_what_is_new_in_a_list_of_models_is_a_notice_and_what_is_missing_in_a_batch_a_fault() -> None:
    models = {"data": [], "has_more": False, "first_id": None, "last_id": None, "new": 1}
    request = Request("GET", "https://api.anthropic.com/v1/models")
    found = check(Interaction(request, (Response(200, body=json.dumps(models).encode()), Recording())), ANTHROPIC)
    assert [(each.rule, each.where, each.level) for each in found] == [("reply.unknown", "new", Level.NOTICE)]
    asked = Asked(body={"requests": [{"params": {**ASK, "messages": [USER]}}]}, kind="batch_request")
    assert [(each.rule.name, each.breach.where) for each in is_well_formed(asked)] == [
        ("request.batch", "requests[0].custom_id")
    ]


PLAIN = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [0, 1, -1, True, 1.0, None, "x", "", [], {}, "text_delta", "input_json_delta", "thinking_delta"]
)


@given(
    st.dictionaries(st.sampled_from(["type", "index", "new"]), ODD, max_size=2),
    st.dictionaries(st.sampled_from(["type", "text", "partial_json", "thinking", "new"]), ODD, max_size=3),
    st.booleans(),
)
def test_what_is_taken_for_a_plain_piece_is_one_by_the_models(event: Any, delta: Any, whole: bool) -> None:
    event = {**PLAIN, **event, "delta": {**(PLAIN["delta"] if whole else {}), **delta}}  # type: ignore[dict-item]  # JSON
    if is_plain_delta(event):
        assert schema.judge("event", event) == []


@pytest.mark.parametrize("kind", ["text_delta", "input_json_delta", "thinking_delta"])
def test_each_kind_of_piece_is_known_as_plain(kind: str) -> None:
    key = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}[kind]
    assert is_plain_delta({**PLAIN, "delta": {"type": kind, key: ""}})
    odds: list[dict[str, Any]] = [{"index": -1}, {"index": True}, {"index": "0"}, {"delta": []}, {"new": 1}]
    for odd in [*odds, {"delta": {"type": [], key: ""}}]:
        assert not is_plain_delta({**PLAIN, **odd})


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"minimum": 1}
    for _ in range(depth):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "problems"),
    [
        (True, []),
        (nested(10), [("s" + ".items" * 10, "minimum is not supported")]),
        (nested(100), []),
        ({"properties": {"a": {"$ref": "#"}}, "additionalProperties": False}, [("s", "the schema refers to itself")]),
        (
            {
                "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/c"}, "c": {"type": "null"}},
                "$ref": "#/$defs/a",
            },
            [],
        ),
        (
            {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
            [("s", "the schema refers to itself")],
        ),
        ({"anyOf": [{"maxLength": 3}, {"type": "null"}]}, [("s.anyOf[0]", "maxLength is not supported")]),
        ({"pattern": "^a(?!b)"}, [("s", "the pattern looks around or back")]),
        ({"$ref": "other.json"}, [("s", '$ref leads outside, to "other.json"')]),
        ({"minItems": 2}, [("s", "minItems is 2, supported are 0 and 1")]),
        ({"minItems": 1, "required": 7, "type": ["string", "null"], "pattern": "^[a-z]+$"}, []),
    ],
)
def test_strict_schemas_stay_within_what_is_supported(schema: object, problems: list[tuple[str, str]]) -> None:
    assert list(strict_limits([("s", schema)], tools=1)) == problems


@pytest.mark.parametrize(
    ("event", "rules"),
    [
        (b'event: ping\ndata: "x"\n\n', ["stream.data"]),
        (b"event: ping\ndata: [DONE]", ["stream.done"]),
        (b": only a comment", []),
        (b"event: new\ndata: {}\n\n", ["stream.name-type"]),
        (b"event: ping\ndata: {}\n\n", ["stream.name-type", "stream.shape"]),
    ],
)
def test_odd_events_have_one_name_each(event: bytes, rules: list[str]) -> None:
    ended = b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"x"}}\n\n'
    found = judge_body(event + ended if event.endswith(b"\n") else ended + event, ANTHROPIC, stream=True)
    late = {"stream.after-error", "stream.comment", "stream.last-line"}
    assert sorted({each.rule for each in found} - late) == rules
    assert sse.decode(ended) != ()


def test_a_tool_that_a_continued_thread_forces_was_given_where_it_began() -> None:
    forced = {"type": "tool", "name": "get_weather"}
    goes_on = {"type": "continue", "previous_message_id": "msg_1"}
    assert wrong(tool_choice=forced, thread=goes_on) == []
    assert wrong(tool_choice=forced, thread={"type": "create"}) == [("request.tool-choice", "tool_choice")]
