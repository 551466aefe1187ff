"""What `assert_conforms` takes, what it says, and what it returns."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anthropic
import httpx
import httpx2
import pytest
import requests

from pytest_messages import assert_conforms, report, use_cassette
from pytest_messages.api import schema
from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.client import MessagesClient
from pytest_messages.errors import ConformanceError, SettingsError
from pytest_messages.findings import Level
from pytest_messages.providers import ANTHROPIC
from pytest_messages.sandbox import serve
from pytest_messages.wire import Ended, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_messages.sandbox import Sandbox

URL = "https://api.anthropic.com/v1/messages"
USAGE = {"input_tokens": 1, "output_tokens": 1}
GOOD: dict[str, Any] = {
    "id": "msg_01",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}
BAD = {**GOOD, "role": "robot"}
ASKED = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}


def stream(*events: dict[str, Any]) -> str:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


EVENTS = (
    {"type": "message_start", "message": {**GOOD, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": USAGE},
    {"type": "message_stop"},
)
GOOD_STREAM = stream(*EVENTS)
BAD_STREAM = stream(*EVENTS[:-1])


def rules(answer: Any, **choices: Any) -> set[str]:
    """Return the rules that are said to be broken."""
    try:
        assert_conforms(answer, **choices)
    except ConformanceError as error:
        return {violation.rule for violation in error.violations}
    return set()


def requests_response(body: str, headers: dict[str, str]) -> requests.Response:
    response = requests.Response()
    response.status_code = 200
    response.headers.update(headers)
    response._content = body.encode()
    response.request = requests.Request("POST", URL, json=ASKED).prepare()
    return response


def exchange(body: str, headers: dict[str, str], ended: Ended = Ended.COMPLETE) -> Interaction:
    answer = Response(200, headers=tuple(headers.items()), body=body.encode(), ended=ended)
    asked = Request("POST", URL, tuple(JSON.items()), json.dumps(ASKED).encode())
    return Interaction(asked, (answer, Recording()))


FORMS: dict[str, Callable[[str, dict[str, str]], Any]] = {
    "httpx": lambda body, headers: httpx.Response(200, text=body, headers=headers, request=httpx.Request("POST", URL)),
    "httpx2": lambda body, headers: httpx2.Response(
        200, text=body, headers=headers, request=httpx2.Request("POST", URL, json=ASKED)
    ),
    "httpx by hand": lambda body, headers: httpx.Response(200, text=body, headers=headers),
    "httpx of an application": lambda body, headers: httpx.Response(
        200, text=body, headers=headers, request=httpx.Request("POST", "http://testserver/chat", json={"q": 1})
    ),
    "requests": requests_response,
    "interaction": exchange,
    "text": lambda body, _: body,
    "bytes": lambda body, _: body.encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_message_is_judged(form: str) -> None:
    assert rules(FORMS[form](json.dumps(GOOD), JSON)) == set()
    assert rules(FORMS[form](json.dumps(BAD), JSON)) == {"message.shape"}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_stream_is_judged(form: str) -> None:
    assert rules(FORMS[form](GOOD_STREAM, SSE)) == set()
    assert rules(FORMS[form](BAD_STREAM, SSE)) == rules(BAD_STREAM) != set()


class Foreign:
    """An object of nobody's library that says what it holds."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def to_dict(self) -> dict[str, Any]:
        return self.data


@pytest.mark.parametrize(
    "made", [dict, anthropic.types.Message.construct, schema.Message.model_construct, lambda **data: Foreign(data)]
)
def test_every_form_of_an_object_is_judged(made: Callable[..., Any]) -> None:
    assert rules(made(**GOOD)) == set()
    assert rules(made(**BAD)) == {"message.shape"}


def test_an_sdks_object_is_judged_by_what_the_api_sent() -> None:
    answer = anthropic.types.Message.model_validate(GOOD)
    assert assert_conforms(answer, strict=True) == assert_conforms(GOOD, strict=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with serve() as running:
        yield running


def test_a_call_is_judged_and_knows_its_provider(
    server: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", server.key)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    with (
        use_cassette(tmp_path / "talk.yaml", record="live", conformance="ignore") as session,
        MessagesClient.of(session) as client,
    ):
        client.raw(ASKED)
        client.raw({**ASKED, "stream": True, "messages": [{"role": "user", "content": "sandbox: no message_stop"}]})
        client.raw({**ASKED, "max_tokens": 0.5})
    good, cut, refused = session.calls
    assert rules(good, provider="anthropic") == set()
    assert rules(cut, provider="anthropic") == {"stream.unfinished"}
    assert rules(cut, provider=ANTHROPIC) == {"stream.unfinished"}
    # Its own is whose API the client spoke, whatever the address.
    assert cut.provider.name == "anthropic"
    assert rules(cut) == {"stream.unfinished"}
    # Of an endpoint that nobody knows less is asked.
    assert rules(cut, provider="compatible") == set()
    assert rules(cut, provider="compatible", strict=True) == {"stream.unfinished"}
    # The API has refused the request itself.
    assert rules(refused, provider="anthropic") == set()


def test_a_call_without_an_answer_cannot_be_judged(tmp_path: Path) -> None:
    with use_cassette(tmp_path / "talk.yaml", record="live") as session:
        session.decide(Request("POST", URL))
        with pytest.raises(ValueError, match=r"<Call 1 POST .*: unanswered> has no answer yet"):
            assert_conforms(session.calls[0])


def test_errors_are_judged_by_their_status(server: Sandbox) -> None:
    envelope = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down."}, "request_id": "req_1"}
    request = httpx.Request("POST", URL)
    assert rules(envelope) == set()
    assert rules({**envelope, "error": {"type": "rate_limit_error"}}) == {"error.envelope"}
    assert rules(httpx.Response(429, json=envelope, request=request)) == set()
    assert rules(httpx.Response(429, json={"oops": 1}, request=request)) == {"error.envelope"}
    assert rules(httpx.Response(429, json={"oops": 1})) == {"error.envelope"}
    # A redirect is no answer of the API at all.
    assert rules(httpx.Response(302, request=request)) == {"message.json"}


def test_counts_and_batches_are_told_by_their_looks_or_by_the_url() -> None:
    assert rules({"input_tokens": 4}) == set()
    assert rules({"input_tokens": "4"}) == {"tokens.shape"}
    counting = httpx.Request("POST", f"{URL}/count_tokens")
    assert rules(httpx.Response(200, json={}, request=counting)) == {"tokens.shape"}


def test_a_cut_stream_is_judged_as_far_as_it_goes() -> None:
    assert rules(exchange(BAD_STREAM, SSE, Ended.DROPPED)) == set()
    assert rules(exchange(BAD_STREAM, SSE, Ended.DROPPED), request=ASKED) == set()
    assert rules(exchange(BAD_STREAM, SSE)) != set()


# The request

TOOL: Any = {
    "name": "add",
    "strict": True,
    "input_schema": {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    },
}
USED = {
    **GOOD,
    "content": [{"type": "tool_use", "id": "toolu_01", "name": "add", "input": {"a": "one"}}],
    "stop_reason": "tool_use",
}


@pytest.mark.parametrize("form", ["text", "httpx", "httpx of an application", "interaction"])
def test_the_promises_of_a_request_are_judged(form: str) -> None:
    answer = FORMS[form](json.dumps(USED), JSON)
    assert rules(answer) == set()
    assert rules(answer, request={**ASKED, "tools": [TOOL]}) == {"message.tool-input"}


@pytest.mark.parametrize("form", ["text", "httpx", "httpx of an application", "interaction"])
def test_a_request_that_was_answered_is_no_violation_whatever_it_is(form: str) -> None:
    answer = FORMS[form](json.dumps(GOOD), JSON)
    found = assert_conforms(answer, request={**ASKED, "nonsense": 1})
    assert {(each.where, each.rule, each.level) for each in found} >= {
        ("request nonsense", "request.unknown-field", Level.NOTICE)
    }
    assert "request.unknown-field" in rules(answer, request={**ASKED, "nonsense": 1}, strict=True)


@pytest.mark.parametrize("form", ["text", "httpx", "interaction"])
def test_the_version_says_by_which_api_a_request_is_judged(form: str) -> None:
    answer = FORMS[form](json.dumps(GOOD), JSON)
    warm = {**ASKED, "temperature": 0.5}
    assert rules(answer, request=warm, strict=True) == set()
    assert rules(answer, request=warm, strict=True, version="2026-10-21") == {"request.sampling"}


# Choices


def test_the_provider_is_told_by_the_url_else_it_is_anthropic() -> None:
    bare = {"error": {"code": "403", "type": "access_denied", "message": "No."}}
    shuyou = httpx.Request("POST", "https://api.shuyou.ai/v1/messages")
    assert rules(httpx.Response(403, json=bare, request=shuyou)) == set()
    assert rules(httpx.Response(403, json=bare, request=httpx.Request("POST", URL))) == {"error.envelope"}
    unknown = httpx.Response(403, json=bare, request=httpx.Request("POST", "http://localhost:1/v1/messages"))
    assert rules(unknown) == {"error.envelope"}
    assert rules(unknown, provider="shuyou") == set()
    with pytest.raises(SettingsError, match="there is no provider 'shuyu'; did you mean 'shuyou'"):
        assert_conforms(unknown, provider="shuyu")


def test_a_rule_can_be_turned_off_and_a_lenient_profile_asks_for_less() -> None:
    assert rules(BAD, rules=["-message.shape"]) == set()
    assert rules(exchange(json.dumps(BAD), JSON), rules=("-message.shape",)) == set()
    assert rules({**GOOD, "stop_sequence": 1}) == {"message.shape"}
    assert rules({**GOOD, "stop_sequence": 1}, provider=replace(ANTHROPIC, relax=("message.shape",))) == set()


def test_findings_that_do_not_count_are_returned_and_strict_makes_notices_count() -> None:
    answer = {**GOOD, "news": 1}
    found = assert_conforms(answer)
    assert [(each.where, each.rule, each.level) for each in found] == [("news", "message.unknown-field", Level.NOTICE)]
    assert rules(answer, strict=True) == {"message.unknown-field"}
    assert assert_conforms(GOOD, strict=True) == ()


def test_the_error_is_an_assertion_that_explains_itself() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_conforms({**BAD, "id": 1, "news": 1})
    error = raised.value
    assert isinstance(error, ConformanceError)
    assert {violation.where for violation in error.violations} == {"role", "id"}
    headline = "2 breaches of the documented API"
    assert str(error) == report.explain(ConformanceError(headline, violations=error.violations))
    assert "violation  message.shape  at role" in str(error)
    with pytest.raises(ConformanceError, match=r"^1 breach of the documented API"):
        assert_conforms(BAD)


@pytest.mark.parametrize("thing", [None, 1, [GOOD], object(), {GOOD["id"]}])
def test_anything_else_is_refused_with_a_list_of_what_is_taken(thing: Any) -> None:
    kind = type(thing).__name__
    with pytest.raises(TypeError, match=rf"^assert_conforms takes a response of httpx, .*; not {kind}$"):
        assert_conforms(thing)


def test_a_response_that_was_not_read_is_not_judged() -> None:
    unread = httpx.Response(200, stream=httpx.ByteStream(b"{}"), request=httpx.Request("POST", URL))
    with pytest.raises(httpx.ResponseNotRead):
        assert_conforms(unread)
