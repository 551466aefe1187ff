"""What the judge looks at, how grave it finds it, and that nothing on the wire makes it fall over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prove.exchanges import Exchange, own

from pytest_messages.api import sse
from pytest_messages.api.stream import DELTAS, DELTAS_OF_BLOCK, EVENTS
from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.errors import SettingsError
from pytest_messages.findings import Level
from pytest_messages.judge import CATALOGUE, LENIENT, check, judge_body, judge_request
from pytest_messages.providers import PROVIDERS, parse_declared
from pytest_messages.wire import Ended, Request, Response

if TYPE_CHECKING:
    from pytest_messages.findings import Violation

OWN = own()
ANTHROPIC = PROVIDERS["anthropic"]
COMPATIBLE = PROVIDERS[LENIENT]


def rules_of(found: tuple[Violation, ...], level: Level = Level.NOTICE) -> list[str]:
    return [violation.rule for violation in found if violation.level <= level]


def changed(name: str, **fields: Any) -> Exchange:
    exchange = OWN[name].copy()
    for field, value in fields.items():
        setattr(exchange, field, value)
    return exchange


def test_a_violation_says_where_what_was_found_what_is_documented_and_by_whom() -> None:
    exchange = OWN["text-stream"].copy()
    exchange.events[2][1]["index"] = 3  # type: ignore[index]  # a stream
    found = check(exchange.interaction, ANTHROPIC)[0]
    assert (found.where, found.rule, found.level) == ("event 3 (content_block_start)", "stream.index", Level.VIOLATION)
    assert found.message == (
        "index 3 where 0 is due. Documented: Blocks are numbered 0, 1, 2 and on: "
        "the index is the block's place in the final content."
    )
    assert found.source == "https://platform.claude.com/docs/en/build-with-claude/streaming"


def test_findings_come_gravest_first_then_in_order_of_place() -> None:
    exchange = OWN["text-stream"].copy()
    events = exchange.events or []
    events[1][1]["new"] = 1
    events[12][1]["delta"]["stop_reason"] = None
    events[12][1]["usage"]["input_tokens"] = 1
    events[2][1]["content_block"]["text"] = "x"
    events[13] = ("message_stop", {"type": "message_stop", "new": 1})
    found = [(each.level, each.rule) for each in check(exchange.interaction, ANTHROPIC)]
    assert found == [
        (Level.VIOLATION, "stream.block-start-empty"),
        (Level.VIOLATION, "stream.stop-reason"),
        (Level.NOTICE, "stream.ping-extra"),
        (Level.NOTICE, "stream.unknown-field"),
        (Level.HINT, "stream.usage-decreased"),
    ]


def test_the_same_finding_stands_there_once() -> None:
    tool = {"name": "t", "input_schema": {"type": "object"}}
    exchange = changed("text", request={**OWN["text"].request, "tools": [tool, tool]})
    assert rules_of(check(exchange.interaction, ANTHROPIC)) == ["request.tools"]


def test_control_characters_do_not_reach_the_report() -> None:
    exchange = OWN["text"].copy()
    exchange.body["stop_reason"] = "\x1b[2Jwiped\u202e\ud800"
    exchange.body["\x1b[31m"] = 1
    for violation in check(exchange.interaction, ANTHROPIC):
        assert violation.message.isprintable()
        assert violation.where.isprintable()


# --- how grave --------------------


@pytest.mark.parametrize(
    ("status", "level"), [(200, Level.NOTICE), (400, Level.HINT), (401, Level.NOTICE), (529, Level.NOTICE)]
)
def test_a_broken_request_is_judged_with_the_answer_in_hand(status: int, level: Level) -> None:
    body = OWN["text"].body if status == 200 else OWN["error"].body
    exchange = changed("text", request={**OWN["text"].request, "max_tokens": -1}, status=status, body=body)
    (found,) = [each for each in check(exchange.interaction, ANTHROPIC) if each.rule == "request.max-tokens"]
    assert found.level is level
    assert ("the likely cause of status 400" in found.message) is (status == 400)


def test_before_it_is_sent_a_broken_request_is_a_violation() -> None:
    (found,) = judge_request({**OWN["text"].request, "max_tokens": -1}, ANTHROPIC)
    assert (found.rule, found.level, found.where) == ("request.max-tokens", Level.VIOLATION, "max_tokens")
    assert rules_of(judge_request([], ANTHROPIC)) == ["request.json"]
    assert judge_request(OWN["text"].request, ANTHROPIC) == ()


def test_the_version_to_judge_by_is_the_one_that_the_request_names() -> None:
    request = {**OWN["text"].request, "temperature": 0.5}
    old = changed("text", request=request, asked_with=(("anthropic-version", "2023-06-01"),))
    new = changed("text", request=request, asked_with=(("anthropic-version", "2026-10-21"),))
    assert rules_of(check(old.interaction, ANTHROPIC)) == []
    assert rules_of(check(new.interaction, ANTHROPIC)) == ["request.sampling"]
    assert rules_of(judge_request(request, ANTHROPIC, version="2026-10-21")) == ["request.sampling"]


def test_a_placeholder_of_a_recorder_is_no_version() -> None:
    exchange = changed("text", asked_with=(("anthropic-version", "REDACTED"),))
    assert check(exchange.interaction, ANTHROPIC) == ()


@pytest.mark.parametrize("name", ["request-id", "x-shuyou-requestid"])
def test_the_id_of_a_failed_request_may_stand_in_its_header(name: str) -> None:
    provider = PROVIDERS["anthropic" if name == "request-id" else "shuyou"]
    exchange = changed("error", answered_with=((name, "req_1"),))
    exchange.body["request_id"] = None
    assert "error.request-id" not in rules_of(check(exchange.interaction, provider), Level.HINT)


@pytest.mark.parametrize(("status", "level"), [(404, Level.VIOLATION), (413, Level.HINT), (500, Level.HINT)])
def test_an_answer_from_before_the_api_need_not_be_its_own(status: int, level: Level) -> None:
    exchange = changed("error", raw=b"<html>Bad Gateway</html>", status=status)
    found = check(exchange.interaction, ANTHROPIC)
    assert [(each.rule, each.level) for each in found] == [("error.envelope", level)]


def test_a_search_result_may_end_in_the_block_in_which_it_starts() -> None:
    exchange = OWN["text"].copy()
    exchange.request["messages"][0]["content"] = [
        {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}
    ]
    citation = {"type": "search_result_location", "cited_text": "x", "source": "s", "title": "t"}
    citation |= {"search_result_index": 0, "start_block_index": 0, "end_block_index": 0}  # type: ignore[dict-item]  # JSON
    exchange.body["content"][0]["citations"] = [citation]
    assert check(exchange.interaction, ANTHROPIC) == ()
    citation["start_block_index"] = 1  # type: ignore[assignment]  # JSON
    assert rules_of(check(exchange.interaction, ANTHROPIC)) == ["message.citation"]


# --- profiles --------------------


def test_at_an_unknown_endpoint_only_what_loses_data_is_a_violation() -> None:
    exchange = OWN["text-stream"].copy()
    events = exchange.events or []
    events[0][1]["message"]["stop_reason"] = "end_turn"
    events[10][1]["index"] = 7
    assert check(exchange.interaction, ANTHROPIC)[0].rule == "stream.start-empty"
    found = {each.rule: each.level for each in check(exchange.interaction, COMPATIBLE)}
    assert found == {"stream.start-empty": Level.NOTICE, "stream.block-index": Level.VIOLATION}
    held = check(exchange.interaction, COMPATIBLE, rules=["stream.start-empty"])
    assert {each.level for each in held} == {Level.VIOLATION}


def test_wrong_counts_lose_nothing_and_wrong_content_does() -> None:
    exchange = OWN["text"].copy()
    del exchange.body["usage"]["input_tokens"]
    assert [each.level for each in check(exchange.interaction, COMPATIBLE)] == [Level.NOTICE]
    exchange.body["content"][0]["text"] = None
    assert check(exchange.interaction, COMPATIBLE)[0].level is Level.VIOLATION


@pytest.mark.parametrize("key", ["id", "model", "role", "type"])
def test_an_unknown_endpoint_may_leave_out_of_a_message_what_no_sdk_needs(key: str) -> None:
    exchange = OWN["text-stream"].copy()
    del (exchange.events or [])[0][1]["message"][key]
    assert [each.level for each in check(exchange.interaction, COMPATIBLE)] == [Level.NOTICE]
    assert [each.level for each in check(exchange.interaction, ANTHROPIC)] == [Level.VIOLATION]


def test_an_unknown_endpoint_may_think_without_a_signature() -> None:
    exchange = OWN["tool-stream"].copy()
    events = exchange.events or []
    del events[4], events[1][1]["content_block"]["signature"]
    assert {each.level for each in check(exchange.interaction, COMPATIBLE)} == {Level.NOTICE}
    assert check(exchange.interaction, ANTHROPIC)[0].level is Level.VIOLATION


def test_a_named_done_reaches_the_parser_of_the_sdk_and_a_nameless_one_does_not() -> None:
    exchange = OWN["text-stream"].copy()
    (exchange.events or []).append((None, "[DONE]"))
    assert rules_of(check(exchange.interaction, COMPATIBLE), Level.VIOLATION) == []
    exchange.events[-1] = ("data", "[DONE]")  # type: ignore[index]  # a stream
    assert rules_of(check(exchange.interaction, COMPATIBLE), Level.VIOLATION) == ["stream.done"]


GATEWAY = """
[mine]
extends = "anthropic"
base_url = "https://gateway.example"
relax = ["stream.index"]
[loose]
extends = "compatible"
base_url = "https://loose.example"
add = ["stream.start-empty"]
[noisy]
extends = "anthropic"
base_url = "https://noisy.example"
habits = {keep_alive = "alive", done_tail = true, double_encoded = true}
"""
DECLARED = parse_declared(GATEWAY, origin="gateways.toml")


def test_a_profile_relaxes_a_rule_by_name_and_a_setting_takes_it_back() -> None:
    exchange = OWN["text-stream"].copy()
    exchange.events[8][1]["index"] = 2  # type: ignore[index]  # a stream
    exchange.events[9][1]["index"] = 2  # type: ignore[index]
    exchange.events[10][1]["index"] = 2  # type: ignore[index]
    exchange.events[11][1]["index"] = 2  # type: ignore[index]
    assert rules_of(check(exchange.interaction, ANTHROPIC)) == ["stream.index"]
    assert rules_of(check(exchange.interaction, ANTHROPIC, rules=["-stream.index"])) == []
    assert rules_of(check(exchange.interaction, DECLARED["mine"])) == []
    assert rules_of(check(exchange.interaction, DECLARED["mine"], rules=["stream.index"])) == ["stream.index"]


def test_what_a_profile_documents_as_its_habit_is_no_finding() -> None:
    events = OWN["text-stream"].copy().events or []
    body = b": alive\n\n" + b"".join(sse.encode(name, json.dumps(json.dumps(data))) for name, data in events)
    exchange = changed("text-stream", raw=body + b"event: data\ndata: [DONE]\n\n")
    assert set(rules_of(check(exchange.interaction, ANTHROPIC), Level.HINT)) == {
        "stream.double-encoded",
        "stream.done",
        "stream.comment",
    }
    assert check(exchange.interaction, DECLARED["noisy"]) == ()


def test_a_rule_that_does_not_exist_cannot_be_turned_off() -> None:
    with pytest.raises(SettingsError, match=r"no rule 'stream\.indez'; did you mean 'stream\.index'"):
        check(OWN["text"].interaction, ANTHROPIC, rules=["-stream.indez"])
    with pytest.raises(SettingsError, match=r"no rule 'zzz'; there are batch\.…, error\.…"):
        check(OWN["text"].interaction, ANTHROPIC, rules=["zzz"])


# --- endpoints and ends --------------------

TOKENS = {"input_tokens": 3}
HOST = "http://localhost:1"


@pytest.mark.parametrize(
    ("method", "path", "body", "rules"),
    [
        ("POST", "/v1/messages/count_tokens", {}, ["tokens.shape"]),
        ("POST", "/gateway/v1/messages/count_tokens?beta=true", {}, ["tokens.shape"]),
        ("GET", "/v1/messages/batches", {}, ["batch.shape"]),
        ("GET", "/v1/messages/batches/b", {}, ["batch.shape"]),
        ("POST", "/v1/messages/batches/b/cancel", {}, ["batch.shape"]),
        ("DELETE", "/v1/messages/batches/b", {}, ["batch.shape"]),
        ("GET", "/v1/models/m", {}, ["models.shape"]),
        ("POST", "/model/anthropic.claude/invoke", {}, ["message.shape"]),
        ("POST", "/model/anthropic.claude/invoke-with-response-stream", {}, []),
        ("POST", "/model/another.model/invoke", {}, []),
        ("POST", "/v1/projects/p/publishers/anthropic/models/m:rawPredict", {}, ["message.shape"]),
        ("POST", "/v1/projects/p/publishers/anthropic/models/count-tokens:rawPredict", {}, ["tokens.shape"]),
        ("POST", "/v1/projects/p/publishers/another/models/m:rawPredict", {}, []),
        ("POST", "/v1/messages/", {}, ["message.shape"]),
        ("POST", "/v1/chat/completions", {}, []),
        ("GET", "/v1/messages", {}, []),
        ("POST", "http://[", {}, []),
    ],
)
def test_an_answer_is_judged_by_its_endpoint(method: str, path: str, body: object, rules: list[str]) -> None:
    url = path if path.startswith("http") else HOST + path
    exchange = Exchange(name="x", method=method, url=url, body=body)
    assert sorted(set(rules_of(check(exchange.interaction, ANTHROPIC))) - {"message.stop-reason"}) == rules


def test_what_is_no_call_of_this_api_is_not_judged() -> None:
    exchange = Exchange(name="x", url=f"{HOST}/model/anthropic.claude-v2/invoke", request={"prompt": "x"}, body={})
    assert check(exchange.interaction, ANTHROPIC) == ()


def test_on_the_way_to_a_forced_tool_the_server_may_use_its_own() -> None:
    forced = {"type": "tool", "name": "get_weather"}
    exchange = changed("search", request={**OWN["search"].request, "tool_choice": forced})
    use = {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Oslo"}}
    exchange.body.update(content=[*exchange.body["content"], use], stop_reason="tool_use")
    assert rules_of(check(exchange.interaction, ANTHROPIC)) == []


def test_each_line_of_the_results_of_a_batch_is_judged() -> None:
    line = {"custom_id": "a", "result": {"type": "succeeded", "message": OWN["text"].body}}
    body = f"{json.dumps(line)}\nnoise\n".encode()
    exchange = Exchange(name="x", method="GET", url=f"{HOST}/v1/messages/batches/b/results", raw=body)
    (found,) = check(exchange.interaction, ANTHROPIC)
    assert (found.rule, found.where) == ("message.json", "line 2")


def test_no_answer_at_all_is_not_judged() -> None:
    exchange = changed("text", status=0, raw=b"", ended=Ended.TIMEOUT)
    assert check(exchange.interaction, ANTHROPIC) == ()


@pytest.mark.parametrize("ended", [Ended.CLOSED, Ended.DROPPED, Ended.TIMEOUT])
def test_a_stream_that_was_cut_is_judged_as_far_as_it_goes(ended: Ended) -> None:
    whole = OWN["tool-stream"].wire
    for place in range(0, len(whole), 37):
        exchange = changed("tool-stream", raw=whole[:place] + "🗼".encode()[: place % 4], ended=ended)
        found = check(exchange.interaction, ANTHROPIC)
        assert rules_of(found) == []
    assert [
        each.rule for each in check(changed("tool-stream", raw=whole[:700], ended=ended).interaction, ANTHROPIC)
    ] == ["stream.cut"]


def test_a_stream_that_ends_on_its_own_before_its_end_is_a_violation_wherever_it_ends() -> None:
    whole = OWN["tool-stream"].wire
    for place in range(0, len(whole) - 5, 37):
        exchange = changed("tool-stream", raw=whole[:place])
        assert "stream.unfinished" in rules_of(check(exchange.interaction, ANTHROPIC), Level.VIOLATION)


def test_after_its_last_event_a_stream_may_end_any_way() -> None:
    exchange = changed("tool-stream", ended=Ended.CLOSED)
    assert check(exchange.interaction, ANTHROPIC) == ()
    exchange = changed("error-stream", ended=Ended.DROPPED)
    assert check(exchange.interaction, ANTHROPIC) == ()


# --- without a request --------------------


@pytest.mark.parametrize("name", OWN)
def test_a_reply_can_be_judged_by_itself(name: str) -> None:
    exchange = OWN[name]
    assert rules_of(judge_body(exchange.wire, ANTHROPIC, status=exchange.status)) == []
    assert rules_of(judge_body(exchange.wire.decode(), ANTHROPIC)) == []


def test_what_a_reply_is_shows_in_its_looks() -> None:
    assert rules_of(judge_body({"input_tokens": "3"}, ANTHROPIC)) == ["tokens.shape"]
    assert set(rules_of(judge_body({"type": "message_batch"}, ANTHROPIC))) == {"batch.shape"}
    assert rules_of(judge_body({"type": "error"}, ANTHROPIC)) == ["error.envelope"]
    assert rules_of(judge_body({}, ANTHROPIC, status=500)) != []
    assert rules_of(judge_body("nothing", ANTHROPIC)) == ["message.json"]
    assert rules_of(judge_body("nothing", ANTHROPIC, stream=True)) == ["stream.incomplete-event", "stream.unfinished"]
    assert rules_of(judge_body("\ud800", ANTHROPIC)) == ["message.json"]


def test_the_promises_are_judged_where_the_request_is_known() -> None:
    body = {**OWN["stop"].body, "stop_sequence": "HALT"}
    assert judge_body(body, ANTHROPIC) == ()
    assert rules_of(judge_body(body, ANTHROPIC, request=OWN["stop"].request)) == ["message.stop-sequence-asked"]


# --- across turns --------------------


def test_thinking_goes_back_as_it_came() -> None:
    first = OWN["tool-stream"]
    answer = judge_answer(first)
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "rain"}
        for block in answer["content"]
        if block["type"] == "tool_use"
    ]
    turns = [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": results}]
    second = changed(
        "text", request={**first.request, "stream": False, "messages": [*first.request["messages"], *turns]}
    )
    earlier = [OWN["text"].interaction, first.interaction]
    assert rules_of(check(second.interaction, ANTHROPIC, earlier=earlier)) == []
    answer["content"][0]["signature"] = "c29tZXRoaW5nIGVsc2U="
    found = check(second.interaction, ANTHROPIC, earlier=earlier)
    assert [(each.rule, each.where) for each in found if each.level < Level.HINT] == [
        ("request.thinking-blocks", "request messages[1]")
    ]
    assert rules_of(check(second.interaction, ANTHROPIC)) == []


def judge_answer(exchange: Exchange) -> dict[str, Any]:
    from pytest_messages.api.stream import fold

    message = fold(sse.decode(exchange.wire))
    assert message is not None
    return message


# --- totality --------------------

KEYS = st.sampled_from(
    [
        "type",
        "index",
        "message",
        "delta",
        "content_block",
        "content",
        "usage",
        "text",
        "partial_json",
        "stop_reason",
        "stop_sequence",
        "id",
        "name",
        "input",
        "tools",
        "tool_choice",
        "messages",
        "role",
        "thinking",
        "system",
        "output_config",
        "format",
        "schema",
        "input_schema",
        "strict",
        "citations",
        "tool_use_id",
        "cache_control",
        "properties",
        "$ref",
        "$defs",
        "anyOf",
        "enum",
        "pattern",
        "max_tokens",
        "requests",
        "params",
    ]
)
WORDS = st.sampled_from([*sorted(EVENTS), *sorted(DELTAS), *DELTAS_OF_BLOCK, "object", "end_turn", "tool_use", "user"])
LEAVES = st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.text(max_size=5) | WORDS
JSON = st.recursive(
    LEAVES, lambda values: st.lists(values, max_size=3) | st.dictionaries(KEYS, values, max_size=5), max_leaves=12
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=8)
URLS = st.sampled_from(
    [
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/messages/batches",
        "/v1/messages/batches/b/results",
        "/v1/models",
    ]
)


def interaction(url: str, request: object, status: int, body: bytes) -> Interaction:
    raw = request if isinstance(request, bytes) else json.dumps(request).encode()
    return Interaction(Request("POST", url, (), raw), (Response(status, body=body), Recording()))


@settings(max_examples=50, deadline=None)
@given(URLS, st.binary() | OBJECTS, st.sampled_from([200, 400, 429]), st.binary() | OBJECTS)
def test_any_bytes_and_any_json_can_be_judged(url: str, request: object, status: int, body: object) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    for provider in (ANTHROPIC, COMPATIBLE, PROVIDERS["shuyou"]):
        for violation in check(interaction(url, request, status, raw), provider):
            assert violation.rule in CATALOGUE


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(WORDS, OBJECTS), max_size=6), OBJECTS)
def test_any_stream_can_be_judged(events: list[tuple[str, dict[str, Any]]], request: dict[str, Any]) -> None:
    start = sse.encode("message_start", json.dumps({"type": "message_start", "message": {}}))
    body = start + b"".join(sse.encode(name, json.dumps({"type": name, **data})) for name, data in events)
    found = check(interaction("/v1/messages", request, 200, body), ANTHROPIC)
    assert all(violation.rule in CATALOGUE for violation in found)


def nodes(value: Any, holder: Any = None, key: Any = None) -> list[tuple[Any, Any]]:
    """Return every place in a JSON value, as the object or array that holds it and the key there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    here = [] if holder is None else [(holder, key)]
    return here + [place for step, entry in inner for place in nodes(entry, value, step)]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(OWN)), st.integers(0), JSON | OBJECTS, st.booleans())
def test_anything_may_stand_anywhere_in_an_exchange(name: str, place: int, value: Any, asked: bool) -> None:
    exchange = OWN[name].copy()
    answer = exchange.body if exchange.events is None else [data for _, data in exchange.events]
    found = nodes(exchange.request if asked else answer)
    holder, key = found[place % len(found)]
    holder[key] = value
    if exchange.events is not None and holder is answer:
        exchange.events[key] = (exchange.events[key][0], value)
    for provider in (ANTHROPIC, COMPATIBLE):
        assert all(violation.rule in CATALOGUE for violation in check(exchange.interaction, provider))


@settings(max_examples=60, deadline=None)
@given(JSON, JSON)
def test_a_broken_schema_of_the_user_judges_nothing_and_breaks_nothing(schema: Any, value: Any) -> None:
    tools = [{"name": "get_weather", "strict": True, "input_schema": schema, "input_examples": [{"city": value}]}]
    exchange = changed("tool", request={**OWN["tool"].request, "tools": tools})
    exchange.body["content"][0]["input"] = value
    assert all(violation.rule in CATALOGUE for violation in check(exchange.interaction, ANTHROPIC))


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "("},
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.org/schema.json"},
        {"$ref": "#"},
        {"type": "nonsense"},
        {"properties": 7},
        {"minimum": "x"},
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        [],
    ],
)
def test_a_schema_that_nobody_can_follow_is_no_reason_to_fail(schema: object) -> None:
    wanted = {"type": "json_schema", "schema": schema}
    exchange = changed("structured", request={**OWN["structured"].request, "output_config": {"format": wanted}})
    exchange.body["content"][0]["text"] = '"x"'
    assert [each for each in check(exchange.interaction, ANTHROPIC) if each.rule == "message.output-format"] == []


KINDS = {"enum": ["boat", 7]}


@pytest.mark.parametrize(
    ("schema", "text", "obeyed"),
    [
        (KINDS, '"Boat"', True),
        (KINDS, '"car"', False),
        ({"const": "boat"}, '"BOAT"', True),
        ({"const": "boat"}, '"car"', False),
        ({"anyOf": [KINDS, {"type": "null"}]}, '"BOAT"', True),
        ({"anyOf": [KINDS, {"type": "null"}]}, '"car"', False),
        ({"type": "object", "properties": {"a": KINDS}}, '{"a": 3}', False),
        ({"enum": 7}, '"x"', True),
        (True, '"x"', True),
        (False, '"x"', False),
    ],
)
def test_structured_output_may_differ_in_capitals_only(schema: object, text: str, obeyed: bool) -> None:
    wanted = {"type": "json_schema", "schema": schema}
    for place in ("output_config", "output_format"):
        request = {**OWN["text"].request, place: {"format": wanted} if place == "output_config" else wanted}
        exchange = changed("text", request=request)
        exchange.body["content"] = [{"type": "text", "text": "Well: "}, {"type": "text", "text": text}]
        found = [each for each in check(exchange.interaction, ANTHROPIC) if each.rule == "message.output-format"]
        assert (not found) is obeyed


def test_what_a_continued_thread_was_given_where_it_began_is_not_missed_in_a_later_turn() -> None:
    use = {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {}}
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    body = {**OWN["text"].body, "content": [thought, use], "stop_reason": "tool_use"}
    ask = {key: value for key, value in OWN["text"].request.items() if key not in {"tools", "thinking"}}
    assert set(rules_of(judge_body(body, ANTHROPIC, request=ask), Level.HINT)) >= {
        "message.tool-name",
        "message.thinking-unasked",
    }
    goes_on = {**ask, "thread": {"type": "continue", "previous_message_id": "msg_1"}}
    found = set(rules_of(judge_body(body, ANTHROPIC, request=goes_on), Level.HINT))
    assert found.isdisjoint({"message.tool-name", "message.thinking-unasked"})
