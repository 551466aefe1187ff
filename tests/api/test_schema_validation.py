"""Is this payload the published shape? What the judge finds, where, and what it says the documentation is."""

import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from pytest_messages.api import schema
from pytest_messages.api.schema.sources import page_of
from pytest_messages.api.schema.validation import _FAULTS

DOCS = "https://platform.claude.com/docs/en/"
CREATE = DOCS + "api/messages/create"
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [{"type": "text", "text": "4"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 1},
}
REQUEST: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "2+2?"}],
}
CONTAINER = {"id": "container_1", "expires_at": "soon"}


def with_content(*blocks: Any) -> dict[str, Any]:
    return {**MESSAGE, "content": list(blocks)}


def asking(*blocks: Any) -> dict[str, Any]:
    return {**REQUEST, "messages": [{"role": "user", "content": list(blocks)}]}


# One fault for each error that pydantic knows: the row, the payload, and all that is found.
PLANTED: list[tuple[str, schema.Kind, Any, tuple[str, str, str, str]]] = [
    (
        "missing",
        "message",
        {name: MESSAGE[name] for name in MESSAGE if name != "usage"},
        ("usage", "missing", "missing; documented is a required field", CREATE),
    ),
    (
        "extra_forbidden",
        "message",
        {**MESSAGE, "mood": "good"},
        ("mood", "unknown-field", 'found "good"; documented is no such field', CREATE),
    ),
    (
        "unknown_value",
        "message",
        {**MESSAGE, "usage": {**MESSAGE["usage"], "service_tier": "gold"}},
        (
            "usage.service_tier",
            "unknown-value",
            'found "gold"; documented is standard, priority, batch',
            CREATE,
        ),
    ),
    (
        "by_field",
        "event",
        {"type": "content_block_delta", "index": 0, "delta": {"type": "smell_delta"}},
        (
            "delta.type",
            "unknown-type",
            (
                'found "smell_delta"; documented is text_delta, input_json_delta, citations_delta, thinking_delta, '
                "signature_delta, compaction_delta"
            ),
            DOCS + "build-with-claude/streaming",
        ),
    ),
    (
        "by_shape",
        "request",
        {**REQUEST, "messages": [{"role": "user", "content": 7}]},
        ("messages[0].content", "wrong-type", "found 7; documented is string or array", CREATE),
    ),
    (
        "literal_error",
        "message",
        {**MESSAGE, "role": "user"},
        ("role", "wrong-value", "found \"user\"; documented is 'assistant'", CREATE),
    ),
    ("string_type", "message", {**MESSAGE, "id": 7}, ("id", "wrong-type", "found 7; documented is a string", CREATE)),
    (
        "string_unicode",
        "message",
        with_content({"type": "text", "text": "\ud83d"}),
        (
            "content[0].text",
            "wrong-value",
            'found "\\ud83d"; documented is a string of Unicode characters',
            CREATE,
        ),
    ),
    (
        "int_type",
        "token_count",
        {"input_tokens": "9"},
        ("input_tokens", "wrong-type", 'found "9"; documented is an integer', DOCS + "api/messages/count_tokens"),
    ),
    (
        "float_type",
        "request",
        {**REQUEST, "temperature": "hot"},
        ("temperature", "wrong-type", 'found "hot"; documented is a number', CREATE),
    ),
    (
        "bool_type",
        "request",
        {**REQUEST, "stream": 1},
        ("stream", "wrong-type", "found 1; documented is a boolean", CREATE),
    ),
    (
        "list_type",
        "message",
        {**MESSAGE, "content": {}},
        ("content", "wrong-type", "found {}; documented is an array", CREATE),
    ),
    (
        "dict_type",
        "request",
        {**REQUEST, "metadata": "me"},
        ("metadata", "wrong-type", 'found "me"; documented is an object', CREATE),
    ),
    (
        "model_type",
        "message",
        {**MESSAGE, "usage": []},
        ("usage", "wrong-type", "found []; documented is an object", CREATE),
    ),
    (
        "greater_than_equal",
        "request",
        {**REQUEST, "thinking": {"type": "enabled", "budget_tokens": 12}},
        (
            "thinking.budget_tokens",
            "out-of-range",
            "found 12; documented is at least 1024",
            DOCS + "build-with-claude/thinking",
        ),
    ),
    (
        "less_than_equal",
        "request",
        {**REQUEST, "top_p": 1.5},
        ("top_p", "out-of-range", "found 1.5; documented is at most 1.0", CREATE),
    ),
    (
        "string_too_short",
        "request",
        asking({"type": "text", "text": ""}),
        ("messages[0].content[0].text", "out-of-range", 'found ""; documented is at least 1 characters', CREATE),
    ),
    (
        "string_too_long",
        "request",
        {**REQUEST, "metadata": {"user_id": "u" * 257}},
        (
            "metadata.user_id",
            "out-of-range",
            f'found "{"u" * 59}…; documented is at most 256 characters',
            CREATE,
        ),
    ),
    (
        "string_pattern_mismatch",
        "message",
        {**MESSAGE, "container": CONTAINER},
        (
            "container.expires_at",
            "out-of-range",
            (
                'found "soon"; documented is a string that matches '
                r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
            ),
            DOCS + "agents-and-tools/tool-use/code-execution-tool",
        ),
    ),
    (
        "too_short",
        "request",
        {**REQUEST, "messages": []},
        ("messages", "out-of-range", "found []; documented is at least 1 items", CREATE),
    ),
    (
        "too_long",
        "batch_request",
        {"requests": [{"custom_id": "a", "params": REQUEST}] * 100_001},
        (
            "requests",
            "out-of-range",
            'found [{"custom_id": "a", "params": {"max_tokens": 64, "messages":…; documented is at most 100000 items',
            DOCS + "build-with-claude/batch-processing",
        ),
    ),
]


@pytest.mark.parametrize(("row", "kind", "payload", "expected"), PLANTED, ids=[row for row, *_ in PLANTED])
def test_a_planted_fault_is_the_one_finding(
    row: str, kind: schema.Kind, payload: Any, expected: tuple[str, schema.Problem, str, str]
) -> None:
    assert row in _FAULTS
    assert schema.judge(kind, payload) == [schema.Finding(*expected)]


def test_there_is_a_planted_fault_for_every_row() -> None:
    assert [row for row, *_ in PLANTED] == list(_FAULTS)


@pytest.mark.parametrize(
    ("block", "path", "problem"),
    [
        (7, "content[0]", "wrong-type"),
        ([], "content[0]", "wrong-type"),
        ({}, "content[0].type", "missing"),
        ({"type": 7}, "content[0].type", "wrong-type"),
        ({"type": None}, "content[0].type", "wrong-type"),
        ({"type": "smell"}, "content[0].type", "unknown-type"),
    ],
)
def test_a_block_that_is_none_says_why(block: Any, path: str, problem: str) -> None:
    found = schema.judge("message", with_content(block))
    assert [(finding.path, finding.problem) for finding in found] == [(path, problem)]


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [("text", "", "wrong-type"), ([], "", "wrong-type"), (None, "", "wrong-type"), ({}, "type", "missing")],
)
def test_a_payload_that_is_none_says_why(value: Any, path: str, problem: str) -> None:
    assert [(found.path, found.problem) for found in schema.judge("event", value)] == [(path, problem)]


def test_a_constant_of_another_type_is_a_wrong_type() -> None:
    assert [found.problem for found in schema.judge("message", {**MESSAGE, "role": 7})] == ["wrong-type"]


def test_all_faults_of_a_payload_are_found_each_at_its_place_with_its_page() -> None:
    message = with_content(
        {"type": "text", "text": "a", "citations": [{"type": "search_result_location", "cited_text": 5}]},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result"}]},
        {"type": "fallback", "to": {"model": "m"}, "trigger": {"type": "refusal", "category": None}},
    )
    found = [(f.path, f.problem, f.page.removeprefix(DOCS)) for f in schema.judge("message", message)]
    citation, search = "content[0].citations[0].", "content[1].content[0]."
    results, tool = "build-with-claude/search-results", "agents-and-tools/tool-use/web-search-tool"
    assert found == [
        (citation + "cited_text", "wrong-type", results),
        (citation + "search_result_index", "missing", results),
        (citation + "source", "missing", results),
        (citation + "start_block_index", "missing", results),
        (citation + "end_block_index", "missing", results),
        (search + "title", "missing", tool),
        (search + "url", "missing", tool),
        (search + "encrypted_content", "missing", tool),
        ("content[2].from", "missing", "build-with-claude/refusals-and-fallback"),
    ]


@pytest.mark.parametrize(
    ("tool", "path", "page"),
    [
        ({"name": "a", "input_schema": {"type": "array", "x-own": 1}}, "tools[0].input_schema.type", "define-tools"),
        ({"name": "a b", "input_schema": {"type": "object"}}, "tools[0].name", "define-tools"),
        ({"type": None, "name": "a"}, "tools[0].input_schema", "define-tools"),
        ({"type": "bash_20250124", "name": "sh"}, "tools[0].name", "bash-tool"),
        (
            {"type": "computer_toolset_20260801", "configs": {"zoom": {"enabled": "yes"}}},
            "tools[0].configs.zoom.enabled",
            "computer-use-tool",
        ),
    ],
)
def test_tools_are_judged_by_their_type_and_without_one_as_the_callers_own(
    tool: dict[str, Any], path: str, page: str
) -> None:
    found = schema.judge("request", {**REQUEST, "tools": [tool]})
    assert [(f.path, f.page) for f in found] == [(path, f"{DOCS}agents-and-tools/tool-use/{page}")]


def test_the_configs_of_a_toolset_of_a_server_are_judged_by_the_name_of_the_tool() -> None:
    tool = {"type": "mcp_toolset", "mcp_server_name": "s", "configs": {"anything": {"enabled": 1}}}
    found = schema.judge("request", {**REQUEST, "tools": [tool]})
    assert [(f.path, f.page) for f in found] == [
        ("tools[0].configs.anything.enabled", DOCS + "agents-and-tools/mcp-connector")
    ]


def test_an_unknown_place_is_documented_where_the_payload_is() -> None:
    assert page_of(schema.Message, ("usage", "nothing", "there", 7), "elsewhere") == CREATE
    assert page_of(int, ("x", 0), "elsewhere") == "elsewhere"


# --- Versions ------------------------------------------------------------------------------------------------------

SAMPLED = {**REQUEST, "temperature": 1, "top_p": 0.9, "top_k": 5}


def refused_by_the_newer_version(kind: schema.Kind, payload: object) -> list[str]:
    found = schema.judge(kind, payload, version="2026-10-21")
    assert {finding.problem for finding in found} <= {"not-in-version"}
    return [finding.path for finding in found]


def test_the_newer_version_takes_no_sampling_parameters() -> None:
    assert schema.judge("request", SAMPLED) == []
    assert refused_by_the_newer_version("request", SAMPLED) == ["temperature", "top_p", "top_k"]
    assert schema.judge("request", SAMPLED, version="2026-10-21")[0] == schema.Finding(
        path="temperature",
        problem="not-in-version",
        message="found 1; documented for 2023-06-01 alone, not for 2026-10-21",
        page=DOCS + "api/versioning",
    )


def test_the_newer_version_looks_into_batches_and_past_what_is_none() -> None:
    batch = {"requests": [{"custom_id": "a", "params": REQUEST}, {"custom_id": "b", "params": SAMPLED}]}
    paths = ["requests[1].params.temperature", "requests[1].params.top_p", "requests[1].params.top_k"]
    assert refused_by_the_newer_version("batch_request", batch) == paths
    for broken in ({"requests": 7}, {"requests": [7]}, {"requests": [{"custom_id": "a", "params": 7}]}, 7):
        problems = {finding.problem for finding in schema.judge("batch_request", broken, version="2026-10-21")}
        assert problems == {"wrong-type"}


def test_replies_are_the_same_in_both_versions() -> None:
    assert schema.judge("message", {**MESSAGE, "temperature": 1}, version="2026-10-21") == schema.judge(
        "message", {**MESSAGE, "temperature": 1}
    )


# --- Parsing -------------------------------------------------------------------------------------------------------

NEW = {
    **MESSAGE,
    "mood": {"good": True},
    "stop_reason": "bored",
    "content": [
        {"type": "text", "text": "4", "tone": "flat", "citations": [{"type": "dream_location", "depth": 3}]},
        {"type": "smell", "of": "coffee"},
        {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "web_fetch_dream"}},
    ],
}


def test_what_the_documentation_does_not_list_is_kept_and_said() -> None:
    message = schema.parse_message(NEW)
    assert message.model_dump(exclude_unset=True) == NEW
    assert [type(block).__name__ for block in message.content] == [
        "TextBlock",
        "UnknownBlock",
        "WebFetchToolResultBlock",
    ]
    assert [(finding.path, finding.problem) for finding in schema.judge("message", NEW)] == [
        ("content[0].citations[0].type", "unknown-type"),
        ("content[0].tone", "unknown-field"),
        ("content[1].type", "unknown-type"),
        ("content[2].content.type", "unknown-type"),
        ("stop_reason", "unknown-value"),
        ("mood", "unknown-field"),
    ]


def test_a_parsed_message_is_pleasant() -> None:
    message = schema.parse_message(MESSAGE)
    block = message.content[0]
    assert isinstance(block, schema.TextBlock)
    assert block.text == "4"
    assert message.usage == schema.Usage(input_tokens=9, output_tokens=1)
    assert (message.stop_reason, message.stop_details, message.container) == ("end_turn", None, None)


def test_a_field_that_is_a_word_of_python_has_its_own_name_in_json() -> None:
    fallback = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}, "trigger": {"type": "refusal"}}
    message = schema.parse_message(with_content(fallback))
    assert isinstance(message.content[0], schema.FallbackBlock)
    assert message.content[0].from_.model == "a"
    assert message.model_dump(exclude_unset=True)["content"] == [fallback]


@pytest.mark.parametrize(
    ("event", "model"),
    [
        ({"type": "ping"}, schema.PingEvent),
        ({"type": "message_start", "message": MESSAGE}, schema.MessageStartEvent),
        ({"type": "content_block_stop", "index": 0}, schema.ContentBlockStopEvent),
        ({"type": "message_stop"}, schema.MessageStopEvent),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, schema.ErrorEvent),
        ({"type": "weather", "sun": True}, schema.UnknownEvent),
    ],
)
def test_an_event_is_parsed_by_its_type(event: dict[str, Any], model: type) -> None:
    parsed = schema.parse_event(event)
    assert type(parsed) is model
    assert parsed.model_dump(exclude_unset=True) == event


def test_an_unknown_delta_is_kept() -> None:
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "smell_delta", "of": "tea"}}
    parsed = schema.parse_event(event)
    assert isinstance(parsed, schema.ContentBlockDeltaEvent)
    assert parsed.delta == schema.UnknownDelta.model_validate({"type": "smell_delta", "of": "tea"})


def test_a_message_without_a_required_field_does_not_parse() -> None:
    with pytest.raises(ValidationError, match="usage"):
        schema.parse_message({name: MESSAGE[name] for name in MESSAGE if name != "usage"})


def test_a_block_without_a_type_does_not_parse() -> None:
    with pytest.raises(ValidationError, match="content"):
        schema.parse_message(with_content({"text": "4"}))


def test_parsed_objects_can_be_parsed_again() -> None:
    message = schema.parse_message(NEW)
    assert schema.parse_message({**NEW, "content": list(message.content), "usage": message.usage}) == message


def test_judging_and_parsing_leave_the_payload_as_it_was() -> None:
    before = copy.deepcopy(NEW)
    schema.judge("message", NEW)
    schema.parse_message(NEW)
    assert before == NEW


def test_a_tool_that_a_reply_echoes_may_have_grown() -> None:
    definition = {"type": "bash_20250124", "name": "bash", "shell": "fish"}
    change = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": definition}}
    message = with_content({"type": "compaction", "content": "so far", "tool_changes": [change]})
    assert [(finding.path, finding.problem) for finding in schema.judge("message", message)] == [
        ("content[0].tool_changes[0].tool.definition.shell", "unknown-field")
    ]
    assert schema.parse_message(message).model_dump(exclude_unset=True) == message


# --- Weight --------------------------------------------------------------------------------------------------------


def test_importing_the_room_builds_no_validator() -> None:
    code = (
        "import json; from pytest_messages.api import schema; "
        "from pytest_messages.api.schema.base import DOCUMENTED, Reply;"
        "print(json.dumps([m.__name__ for m in DOCUMENTED if issubclass(m, Reply) and m.__pydantic_complete__]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == []


def test_what_is_shown_does_not_depend_on_the_order_of_keys() -> None:
    one = schema.judge("request", {"model": "m", "max_tokens": 1, "messages": [], "extra": {"a": 1, "b": 2}})
    other = schema.judge("request", {"extra": {"b": 2, "a": 1}, "messages": [], "max_tokens": 1, "model": "m"})
    assert set(one) == set(other)


def test_a_value_with_keys_that_no_json_has_is_shown_all_the_same() -> None:
    found = schema.judge("request", {"model": "m", "max_tokens": 1, "messages": [], "extra": {1: "one", "two": 2}})
    assert any("one" in finding.message for finding in found if finding.path == "extra")
