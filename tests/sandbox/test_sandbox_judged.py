"""The sandbox obeys what the project's own judge knows, in every dialect; and breaks it where it is asked to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.judge import check, judge_body
from pytest_messages.providers import PROVIDERS, request_headers
from pytest_messages.sandbox import serve
from pytest_messages.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.findings import Violation
    from pytest_messages.sandbox import Sandbox
    from pytest_messages.wire import Headers

DIALECTS = ("anthropic", "shinzo", "shuyou", "compatible")
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL: dict[str, Any] = {"name": "get_weather", "description": "Weather.", "input_schema": SCHEMA}
USE = {"type": "tool_use", "id": "toolu_01A", "name": "get_weather", "input": {"city": "Rome", "days": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_01A", "content": "sunny"}
LOOP = [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": [USE]},
    {"role": "user", "content": [RESULT]},
]
FORM = {"format": {"type": "json_schema", "schema": SCHEMA}}

LAWFUL: list[tuple[str, dict[str, Any]]] = [
    ("Hello", {}),
    ("Why is the sky blue?", {"system": "Be brief."}),
    ("Weather in Oslo?", {"tools": [TOOL]}),
    ("sandbox: calls 2", {"tools": [TOOL]}),
    ("sandbox: calls 2", {"tools": [TOOL], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}}),
    ("Weather?", {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "get_weather"}}),
    ("Weather?", {"tools": [TOOL], "tool_choice": {"type": "none"}}),
    ("", {"tools": [TOOL], "messages": LOOP}),
    ("Weather in Oslo?", {"output_config": FORM}),
    ("Why?", {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}),
    ("Why?", {"thinking": {"type": "adaptive", "display": "omitted"}, "max_tokens": 2000}),
    ("sandbox: redacted thinking", {"thinking": {"type": "adaptive"}, "max_tokens": 2000}),
    ("Why is the sky blue?", {"max_tokens": 3}),
    ("sandbox: say one STOP two", {"stop_sequences": ["STOP"]}),
    ("sandbox: stop refusal", {}),
    ("sandbox: stop pause_turn", {}),
    ("sandbox: stop model_context_window_exceeded", {}),
    ("sandbox: empty", {}),
    ("sandbox: gzip; crlf; padding", {}),
    ("sandbox: leak", {}),
]


class World:
    """One running sandbox, one client, and the judge."""

    def __init__(self, server: Sandbox, http: httpx.Client) -> None:
        self.server = server
        self.http = http

    def post(self, name: str, headers: Headers, body: dict[str, Any], path: str) -> httpx.Response:
        sent = {key: value for key, value in body.items() if value is not None}
        return self.http.post(self.server.url_for(name) + path, headers=dict(headers), json=sent)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with serve() as server, httpx.Client() as http:
        yield World(server, http)


def judged(world: World, name: str, text: str, path: str = "/v1/messages", **changes: Any) -> tuple[Violation, ...]:
    provider = PROVIDERS[name]
    headers = request_headers(provider, world.server.environ_for(name))
    body = {"model": provider.model, "max_tokens": 400, "messages": [{"role": "user", "content": text}]} | changes
    response = world.post(name, headers, body, path)
    received = tuple((key.lower(), value) for key, value in response.headers.multi_items())
    request = Request("POST", provider.base_url + path, headers, response.request.content)
    answer = Response(response.status_code, "", received, response.content)
    return check(Interaction(request, (answer, Recording())), provider)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("text", "changes"), LAWFUL, ids=range(len(LAWFUL)))
def test_an_answer_obeys_the_documented_api(
    world: World, name: str, streamed: bool, text: str, changes: dict[str, Any]
) -> None:
    assert judged(world, name, text, stream=streamed, **changes) == ()


@pytest.mark.parametrize("name", DIALECTS)
def test_a_warm_up_and_a_count_obey_the_documented_api(world: World, name: str) -> None:
    if name != "shuyou":
        assert judged(world, name, "Hello", max_tokens=0) == ()
        assert judged(world, name, "Hello", path="/v1/messages/count_tokens", max_tokens=None) == ()


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        (name, status.code, kind)
        for name in DIALECTS
        for status in PROVIDERS[name].statuses
        for kind in status.types or ("",)
    ],
)
def test_an_error_obeys_what_its_provider_documents(world: World, name: str, status: int, kind: str) -> None:
    assert judged(world, name, f"sandbox: error {status} {kind}") == ()


@pytest.mark.parametrize("name", DIALECTS)
def test_an_error_on_an_open_stream_obeys_the_documented_api(world: World, name: str) -> None:
    assert judged(world, name, "sandbox: error 529 midstream", stream=True) == ()


def test_the_answers_that_the_gateways_pages_show_obey_their_profiles(world: World) -> None:
    usage = {"input_tokens": 12, "output_tokens": 15}
    said = [{"type": "text", "text": "Hello! How can I help you today?"}]
    shinzo = {"id": "msg_abc123", "model": "claude-sonnet-4-20250514", "stop_reason": "end_turn"}
    shuyou = {
        "id": "msg_example",
        "model": "anthropic/claude-sonnet-4.6",
        "stop_reason": "end_turn",
        "stop_sequence": None,
    }
    for name, shown in (("shinzo", shinzo), ("shuyou", shuyou)):
        message = {"type": "message", "role": "assistant", "content": said, "usage": usage} | shown
        assert judge_body(json.dumps(message), PROVIDERS[name]) == ()


UNLAWFUL = [
    ("double encoded", "stream.double-encoded"),
    ("done tail", "stream.done"),
    ("unnamed events", "stream.event-name"),
    ("no message_stop", "stream.unfinished"),
    ("unknown event", "stream.unknown-event"),
    ("keep-alive", "stream.comment"),
    ("stop something_new", "stream.unknown-value"),
]


@pytest.mark.parametrize(("handle", "rule"), UNLAWFUL)
def test_a_break_of_the_law_can_be_asked_for(world: World, handle: str, rule: str) -> None:
    assert rule in [each.rule for each in judged(world, "anthropic", f"sandbox: {handle}", stream=True)]
