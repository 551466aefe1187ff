"""The exported JSON Schema and the models: two judges that must agree, on real payloads and on damaged ones."""

import copy
import functools
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_messages.api import schema

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
FILES = ("dev", "dev_dropped_by_cap", "dev_response_only")
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the recorded traffic lies beside the repository")

TEXT: dict[str, Any] = {"type": "text", "text": "4"}
USAGE: dict[str, Any] = {"input_tokens": 9, "output_tokens": 1}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [TEXT],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}
REQUEST: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": [TEXT]}],
    "tools": [
        {"name": "add", "input_schema": {"type": "object", "properties": {}, "$defs": {}}},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
    ],
    "tool_choice": {"type": "auto"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "temperature": 0.5,
    "metadata": {"user_id": "someone"},
}
BATCH: dict[str, Any] = {
    "id": "msgbatch_1",
    "type": "message_batch",
    "processing_status": "ended",
    "request_counts": {"processing": 0, "succeeded": 1, "errored": 0, "canceled": 0, "expired": 0},
    "created_at": "2026-11-22T01:02:03Z",
    "expires_at": "2026-11-23T01:02:03.456+00:00",
}
MODEL: dict[str, Any] = {
    "id": "claude-sonnet-5",
    "type": "model",
    "display_name": "Claude Sonnet 5",
    "created_at": "2026-06-30T00:00:00Z",
}
ERROR: dict[str, Any] = {"type": "error", "error": {"type": "api_error", "message": "no", "details": None}}
PAYLOADS: dict[schema.Kind, Any] = {
    "request": REQUEST,
    "cloud_request": {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "2+2?"}],
    },
    "message": MESSAGE,
    "event": {"type": "content_block_start", "index": 0, "content_block": TEXT},
    "error": ERROR,
    "count_tokens_request": {"model": "claude-sonnet-5", "messages": [{"role": "user", "content": "2+2?"}]},
    "token_count": {"input_tokens": 9},
    "batch_request": {"requests": [{"custom_id": "a", "params": {**REQUEST, "stream": False}}]},
    "batch": BATCH,
    "batches": {"data": [BATCH], "has_more": False, "first_id": "msgbatch_1", "last_id": "msgbatch_1"},
    "batch_result": {"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}},
    "batch_deleted": {"id": "msgbatch_1", "type": "message_batch_deleted"},
    "model": MODEL,
    "models": {"data": [MODEL], "has_more": False, "first_id": None, "last_id": None},
}


@functools.cache
def validator(kind: schema.Kind, version: str = "2023-06-01") -> Draft202012Validator:
    return Draft202012Validator(schema.json_schema(kind, version=version))


def refused_by_models(kind: schema.Kind, value: object, version: str = "2023-06-01") -> bool:
    """A request is refused for anything that is not documented, a reply not for what may come."""
    found = schema.judge(kind, value, version=version)
    return any(kind.endswith("request") or not finding.problem.startswith("unknown-") for finding in found)


def refused_by_schema(kind: schema.Kind, value: object, version: str = "2023-06-01") -> bool:
    return not validator(kind, version).is_valid(value)


@pytest.mark.parametrize("kind", schema.KINDS)
def test_every_kind_is_exported_as_a_valid_schema_that_says_its_dialect(kind: schema.Kind) -> None:
    exported = schema.json_schema(kind)
    Draft202012Validator.check_schema(exported)
    assert exported["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.dumps(exported) == json.dumps(schema.json_schema(kind))


@pytest.mark.parametrize("kind", schema.KINDS)
def test_every_kind_takes_its_payload(kind: schema.Kind) -> None:
    assert schema.judge(kind, PAYLOADS[kind]) == []
    assert not refused_by_schema(kind, PAYLOADS[kind])


# --- Damages -------------------------------------------------------------------------------------------------------

OTHERS: tuple[Any, ...] = (None, True, 7, -1, 0.5, "", "text", [], {}, {"type": "text"}, [{"type": "text"}])


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a value with a key or an index in it."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield value, step
        yield from places(inner)


def drop(container: Any, step: Any, _: random.Random) -> None:
    del container[step]


def retype(container: Any, step: Any, dice: random.Random) -> None:
    container[step] = copy.deepcopy(dice.choice(OTHERS))


def add(container: Any, step: Any, dice: random.Random) -> None:
    if isinstance(container, dict):
        container[f"new_{step}"] = copy.deepcopy(dice.choice(OTHERS))
    else:
        container.append(copy.deepcopy(dice.choice(OTHERS)))


DAMAGES: tuple[Callable[[Any, Any, random.Random], None], ...] = (drop, retype, add)


def damaged(payload: Any, dice: random.Random) -> Any:
    payload = copy.deepcopy(payload)
    around = {"payload": payload}
    container, step = dice.choice(list(places(around)))
    dice.choice(DAMAGES)(container, step, dice)
    return around.get("payload")


def disagreement(kind: schema.Kind, payload: object) -> object:
    """The payload, where only one of the two judges refuses it."""
    return None if refused_by_models(kind, payload) == refused_by_schema(kind, payload) else payload


@pytest.mark.parametrize("kind", schema.KINDS)
def test_judges_agree_on_damaged_payloads(kind: schema.Kind) -> None:
    dice = random.Random(kind)  # noqa: S311 - a seeded sample
    payloads = [damaged(PAYLOADS[kind], dice) for _ in range(40)]
    assert [payload for payload in payloads if disagreement(kind, payload) is not None] == []
    assert len({refused_by_models(kind, payload) for payload in payloads}) == 2


# --- Known differences ---------------------------------------------------------------------------------------------


def test_a_whole_float_is_an_integer_to_json_schema_and_not_to_the_models() -> None:
    payload = {"input_tokens": 9.0}
    assert not refused_by_schema("token_count", payload)
    assert [finding.problem for finding in schema.judge("token_count", payload)] == ["wrong-type"]


def test_a_dollar_lets_a_line_end_pass_in_one_dialect_of_patterns() -> None:
    payload = {"requests": [{"custom_id": "a\n", "params": REQUEST}]}
    assert not refused_by_schema("batch_request", payload)
    assert [finding.path for finding in schema.judge("batch_request", payload)] == ["requests[0].custom_id"]


# --- Versions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["request", "batch_request"])
def test_judges_agree_on_what_the_newer_version_no_longer_takes(kind: schema.Kind) -> None:
    assert refused_by_models(kind, PAYLOADS[kind], "2026-10-21")
    assert refused_by_schema(kind, PAYLOADS[kind], "2026-10-21")
    without = copy.deepcopy(PAYLOADS[kind])
    del (without if kind == "request" else without["requests"][0]["params"])["temperature"]
    assert not refused_by_models(kind, without, "2026-10-21")
    assert not refused_by_schema(kind, without, "2026-10-21")


# --- Real traffic --------------------------------------------------------------------------------------------------


def events(body: str) -> Iterator[Any]:
    for block in body.replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].strip() for line in block.split("\n") if line.startswith("data:"))
        if data:
            yield json.loads(data)


def replies(record: dict[str, Any]) -> Iterator[tuple[schema.Kind, Any]]:
    body = record["response_body"]
    match record["kind"]:
        case "sse":
            yield from (("event", event) for event in events(body))
        case "json":
            yield "message", body
        case "batch":
            yield ("batches" if "data" in body else "batch"), body
        case "count_tokens":
            yield "token_count", body
        case other:
            yield other, body


def asked(record: dict[str, Any]) -> Iterator[tuple[schema.Kind, Any]]:
    """The request of a record: a message, or the count of its tokens. The recorded posts about batches have no body."""
    body, path = record["request_body"], (record["url"] or "").partition("?")[0]
    if not isinstance(body, dict) or "/batches/" in path:
        return
    if path.endswith("/batches"):
        yield "batch_request", body
    elif path.endswith("/count_tokens"):
        yield "count_tokens_request", body
    else:
        yield ("cloud_request" if "anthropic_version" in body else "request"), body


@functools.cache
def corpus() -> list[dict[str, Any]]:
    lines = (line for name in FILES for line in (CORPUS / f"{name}.jsonl").read_text("utf-8").splitlines())
    return [json.loads(line) for line in lines]


@needs_corpus
def test_no_reply_of_real_traffic_breaks_the_documentation() -> None:
    broken = [
        (record["path"], finding)
        for record in corpus()
        for kind, payload in replies(record)
        for finding in schema.judge(kind, payload)
        if not finding.problem.startswith("unknown-")
    ]
    assert broken == []


# What real replies have beyond the documentation: notices. The path, and how often.
UNDOCUMENTED = {
    "content[].content.abort_reason": 6,
    "content[].content[].snippet": 2,
    "usage.pydantic_ai_gateway": 1,
}


def general(path: str) -> str:
    return "".join(
        "[]" if part.isdigit() else part for part in path.replace("[", "[ ").replace("]", " ]").split(" ")
    ).replace("[[]]", "[]")


@needs_corpus
def test_all_that_real_replies_have_beyond_the_documentation_is_known() -> None:
    seen: dict[str, int] = {}
    for record in corpus():
        for kind, payload in replies(record):
            for finding in schema.judge(kind, payload):
                seen[general(finding.path)] = seen.get(general(finding.path), 0) + 1
    assert seen == UNDOCUMENTED


# Requests that a server took although they are not what is documented, and why.
TAKEN = {
    "messages[].content[].tool_use_id": "an id that the recording project replaced",
}


@needs_corpus
def test_requests_that_were_answered_are_what_is_documented() -> None:
    broken = {
        general(finding.path)
        for record in corpus()
        if record["status"] < 400
        for kind, payload in asked(record)
        for finding in schema.judge(kind, payload)
    }
    assert broken == TAKEN.keys()


@needs_corpus
def test_judges_agree_on_real_traffic() -> None:
    some = corpus()[::15]
    payloads = [pair for record in some for pair in (*asked(record), *list(replies(record))[:4])]
    assert [pair for pair in payloads if disagreement(*pair) is not None] == []


@needs_corpus
def test_judges_agree_on_damaged_real_traffic() -> None:
    dice = random.Random("damage")  # noqa: S311 - a seeded sample
    payloads = [pair for record in corpus()[::11] for pair in (*asked(record), *list(replies(record))[:3])]
    broken = [(kind, damaged(payload, dice)) for kind, payload in dice.sample(payloads, 200)]
    assert [pair for pair in broken if disagreement(*pair) is not None] == []
    assert 25 < sum(refused_by_models(*pair) for pair in broken) < 175
