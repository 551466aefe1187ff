"""The life of a streamed message, and the fold: equal to the official SDK on every stream, total on any."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anthropic._models import construct_type
from anthropic.lib.streaming._beta_messages import accumulate_event as beta_accumulate
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from anthropic.types.beta import BetaContentBlock, BetaRawContentBlockDelta, BetaRawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st

from pytest_messages.api import sse
from pytest_messages.api.stream import (
    DELTAS,
    DELTAS_OF_BLOCK,
    EVENTS,
    StreamState,
    accumulate,
    after,
    fold,
    payload,
)

EXCHANGES = Path(__file__).parents[1] / "data" / "exchanges"
STREAMS = sorted(EXCHANGES.glob("*.sse"))
CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"


def in_beta_sdk(body: bytes) -> object:
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in sse.decode(body):
        if event.name in {None, "ping", "error"}:
            continue
        raw: Any = construct_type(type_=BetaRawMessageStreamEvent, value=json.loads(event.data))
        snapshot = beta_accumulate(
            event=raw, current_snapshot=snapshot, json_bufs=buffers, request_headers=httpx2.Headers()
        )
    return without_nulls(snapshot.to_dict(mode="json"))


def in_sdk(body: bytes) -> object:
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in sse.decode(body):
        if event.name in {None, "ping", "error"}:
            continue
        raw: Any = construct_type(type_=RawMessageStreamEvent, value=json.loads(event.data))
        snapshot = accumulate_event(event=raw, current_snapshot=snapshot, json_bufs=buffers)
    return without_nulls(snapshot.to_dict(mode="json"))


def without_nulls(value: object) -> object:
    """Drop nulls: the SDK writes some of them into the snapshot that no event carried, and omits others."""
    if isinstance(value, dict):
        return {key: without_nulls(entry) for key, entry in value.items() if entry is not None}
    return [without_nulls(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_a_stream_folds_to_what_the_official_sdk_accumulates(path: Path) -> None:
    body = path.read_bytes()
    assert without_nulls(fold(sse.decode(body))) == in_beta_sdk(body)
    if path.name != "beta-stream.response.sse":
        assert without_nulls(fold(sse.decode(body))) == in_sdk(body)


def test_recorded_streams_fold_to_what_the_official_sdk_accumulates() -> None:
    path = CORPUS / "dev.jsonl"
    if not path.exists():
        pytest.skip("the recorded traffic is not beside this checkout")
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    streams = [record["response_body"].encode() for record in records if record["kind"] == "sse"][3::8]
    assert len(streams) > 50
    for body in streams:
        assert without_nulls(fold(sse.decode(body))) == in_beta_sdk(body)


LIFE = {
    "message_start": "OPEN  -OPEN   -BLOCK  -ENDING  -STOPPED -FAILED",
    "content_block_start": "-BLOCK BLOCK  -BLOCK  -ENDING -STOPPED -FAILED",
    "content_block_delta": "-BEGINNING -OPEN BLOCK -ENDING -STOPPED -FAILED",
    "content_block_stop": "-BEGINNING -OPEN OPEN -ENDING -STOPPED -FAILED",
    "message_delta": "-ENDING ENDING -ENDING ENDING -STOPPED -FAILED",
    "message_stop": "-STOPPED -STOPPED -STOPPED STOPPED -STOPPED -FAILED",
    "ping": "BEGINNING OPEN BLOCK ENDING -STOPPED -FAILED",
    "error": "FAILED FAILED FAILED FAILED -STOPPED -FAILED",
    "something_new": "BEGINNING OPEN BLOCK ENDING -STOPPED -FAILED",
}
"""Where each event leads from each state, in the order of `StreamState`; with a dash where it may not come."""


@pytest.mark.parametrize("event", LIFE)
def test_each_event_is_lawful_in_its_states_only_and_leads_on_in_all(event: str) -> None:
    found = []
    for state in StreamState:
        following, lawful = after(state, event)
        found.append(("" if lawful else "-") + following.name)
    assert found == LIFE[event].split()


def test_the_tables_know_the_events_blocks_and_deltas_of_the_official_sdk() -> None:
    assert {*LIFE, "ping", "error"} - {"something_new"} == EVENTS
    assert kinds(BetaContentBlock) | {"container_upload"} == set(DELTAS_OF_BLOCK)
    assert kinds(BetaRawContentBlockDelta) == DELTAS


def kinds(union: object) -> set[str]:
    while typing.get_origin(union) is typing.Annotated:
        union = typing.get_args(union)[0]
    return {typing.get_args(member.model_fields["type"].annotation)[0] for member in typing.get_args(union)}


STREAMED: dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    ("text", "text_delta"): ({"text": ""}, {"text": "a"}, {"text": "aa"}),
    ("text", "citations_delta"): ({"citations": None}, {"citation": {"c": 1}}, {"citations": [{"c": 1}, {"c": 1}]}),
    ("thinking", "thinking_delta"): ({"thinking": "b"}, {"thinking": "a"}, {"thinking": "baa"}),
    ("thinking", "signature_delta"): ({}, {"signature": "s"}, {"signature": "s"}),
    ("tool_use", "input_json_delta"): ({"input": {}}, {"partial_json": "[1, "}, {"input": [1, [1]]}),
    ("server_tool_use", "input_json_delta"): ({"input": {}}, {"partial_json": "[1, "}, {"input": [1, [1]]}),
    ("mcp_tool_use", "input_json_delta"): ({"input": {}}, {"partial_json": "[1, "}, {"input": [1, [1]]}),
    ("compaction", "compaction_delta"): (
        {"content": None},
        {"content": "c", "encrypted_content": "e"},
        {"content": "c", "encrypted_content": "e"},
    ),
}


@pytest.mark.parametrize("kind", DELTAS_OF_BLOCK)
def test_a_block_is_built_by_the_deltas_of_its_kind_alone(kind: str) -> None:
    assert {delta for block, delta in STREAMED if block == kind} == DELTAS_OF_BLOCK[kind]
    for (_, delta), (start, piece, whole) in STREAMED.items():
        message = accumulate([*opened({"type": kind, **start}), *[{**DELTA, "delta": {"type": delta, **piece}}] * 2])
        assert message == {"content": [{"type": kind, **(whole if delta in DELTAS_OF_BLOCK[kind] else start)}]}


DELTA = {"type": "content_block_delta", "index": 0}


def opened(block: object) -> list[dict[str, Any]]:
    return [
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "index": 0, "content_block": block},
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", {"start": 1}),
        ("{}", {}),
        ('{"city": "Ber', {}),
        ('{"city": "Bergen", "days": [1, 2', {"city": "Bergen", "days": [1, 2]}),
        ('{"city" "Bergen"}', {"start": 1}),
        ('{"a": "\ud800"}', {"start": 1}),
    ],
)
def test_tool_input_is_read_as_far_as_it_was_written(written: str, read: object) -> None:
    piece = {**DELTA, "delta": {"type": "input_json_delta", "partial_json": written}}
    message = accumulate([*opened({"type": "tool_use", "input": {"start": 1}}), piece])
    assert message == {"content": [{"type": "tool_use", "input": read}]}


def test_the_end_brings_totals_and_keeps_what_it_does_not_name() -> None:
    start = {
        "type": "message_start",
        "message": {
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 3, "output_tokens": 1, "speed": "fast"},
        },
    }
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "refusal", "stop_sequence": None, "stop_details": {"type": "refusal"}},
        "usage": {"input_tokens": None, "output_tokens": 9, "server_tool_use": {"web_search_requests": 1}},
    }
    last = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "container": {"id": "c"}, "usage": {"output_tokens": 10}},
    }
    assert accumulate([start, end, {**last, "context_management": {"applied_edits": []}}]) == {
        "content": [],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": {"type": "refusal"},
        "container": {"id": "c"},
        "context_management": {"applied_edits": []},
        "usage": {
            "input_tokens": 3,
            "output_tokens": 10,
            "speed": "fast",
            "server_tool_use": {"web_search_requests": 1},
        },
    }  # fmt: skip


def test_what_comes_before_the_start_or_names_no_block_is_left_out() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    stray = {**DELTA, "index": 7, "delta": {"type": "text_delta", "text": "x"}}
    nowhere = {**DELTA, "index": [], "delta": {"type": "text_delta", "text": "x"}}
    block = {"type": "content_block_start", "content_block": {"type": "fallback", "to": {"model": "b"}}}
    assert accumulate([end, block]) is None
    started = {"type": "message_start", "message": {"model": "a", "content": [{"type": "text", "text": "x"}]}}
    assert accumulate([started, stray, nowhere, started]) == {"model": "a", "content": [{"type": "text", "text": "x"}]}
    assert accumulate([started, block])["model"] == "b"  # type: ignore[index]  # it started, so there is a message


def test_every_stream_folds_as_far_as_it_goes() -> None:
    for path in STREAMS:
        body = path.read_bytes()
        for end in sse.event_ends(body):
            assert fold(sse.decode(body[:end])) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=8,
)
WORDS = st.sampled_from([*sorted(EVENTS), *sorted(DELTAS), *DELTAS_OF_BLOCK])
KEYS = st.sampled_from(
    ["type", "index", "message", "delta", "content_block", "content", "usage", "text", "partial_json"]
)
ODD_EVENTS = st.dictionaries(KEYS, st.dictionaries(KEYS, WORDS | JSON) | WORDS | JSON | st.integers(0, 2))


@given(st.lists(ODD_EVENTS | JSON))
def test_folding_is_total(values: list[object]) -> None:
    start = {"type": "message_start", "message": {}}
    assert isinstance(accumulate([start, *values]), dict)


@pytest.mark.parametrize(
    ("data", "read"),
    [
        ('{"type":"ping"}', {"type": "ping"}),
        (json.dumps('{"type":"ping"}'), {"type": "ping"}),
        ("[DONE]", None),
        ('"half', None),
        ('"[DONE]"', None),
        ("[" * 100_000, None),
    ],
)
def test_the_data_of_an_event_is_read_through_a_second_encoding(data: str, read: object) -> None:
    assert payload(sse.Event("ping", data, 0, 0)) == read
