"""Every statement about a provider that a client can observe, one row each, over real HTTP.

A row says the statement in our own words, where it stands, what is asked of the sandbox or of the profile, and what
must come back. A statement that no client can observe is a row in `UNOBSERVABLE`, with its reason.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pytest_messages.api import sse
from pytest_messages.providers import (
    ANTHROPIC,
    CLAUDE_DOCS,
    PROVIDERS,
    SHINZO,
    SHINZO_DOCS,
    SHINZO_SOURCE,
    SHUYOU,
    SHUYOU_DOCS,
    group_of,
    read_error,
    request_headers,
    unsupported,
)
from pytest_messages.sandbox import Sandbox, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

API = f"{CLAUDE_DOCS}/api/messages"
ERRORS = f"{CLAUDE_DOCS}/api/errors"
VERSIONING = f"{CLAUDE_DOCS}/api/versioning"
SHINZO_PAGE = f"{SHINZO_DOCS}/messages"
SHINZO_OVERVIEW = f"{SHINZO_DOCS}/overview"
SHUYOU_PAGE = SHUYOU.source
SHUYOU_ERRORS = f"{SHUYOU_DOCS}/guide/advanced/error-codes"

TOOL = {"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}


class World:
    """One running sandbox, and a client that says what each dialect needs unless told otherwise."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self.http = http

    def post(
        self,
        name: str,
        text: str = "Hello",
        *,
        path: str = "/v1/messages",
        headers: Mapping[str, str | None] | None = None,
        without: tuple[str, ...] = (),
        **changes: Any,
    ) -> httpx.Response:
        """Send a request; a header or field of None is left out."""
        provider = PROVIDERS[name]
        said = dict(request_headers(provider, self.sandbox.environ_for(name))) | dict(headers or {})
        body = {"model": provider.model, "max_tokens": 100, "messages": [{"role": "user", "content": text}]} | changes
        return self.http.post(
            self.sandbox.url_for(name) + path,
            headers={key: value for key, value in said.items() if value is not None},
            json={key: value for key, value in body.items() if key not in without},
        )

    def status(self, name: str, text: str = "Hello", **choices: Any) -> int:
        return self.post(name, text, **choices).status_code

    def reply(self, name: str, text: str = "Hello", **choices: Any) -> Any:
        return self.post(name, text, **choices).json()

    def events(self, name: str, text: str = "Hello", **choices: Any) -> list[dict[str, Any]]:
        response = self.post(name, text, stream=True, **choices)
        return [json.loads(event.data) for event in sse.decode(response.content)]

    def get(self, name: str, path: str) -> httpx.Response:
        headers = dict(request_headers(PROVIDERS[name], self.sandbox.environ_for(name)))
        return self.http.get(self.sandbox.url_for(name) + path, headers=headers)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with serve() as sandbox, httpx.Client(timeout=60) as http:
        yield World(sandbox, http)


@dataclass(frozen=True)
class Row:
    provider: str
    says: str
    source: str
    ask: Callable[[World], Any]
    expect: Any = True


def bearer(key: str) -> dict[str, str | None]:
    return {"x-api-key": None, "authorization": f"Bearer {key}"}


def error_of(response: httpx.Response) -> tuple[int, Any]:
    body = response.json()
    inner = body["error"]
    return response.status_code, inner if isinstance(inner, str) else inner["type"]


def facts(world: World, name: str, text: str) -> Any:
    response = world.post(name, text)
    return read_error(PROVIDERS[name], response.status_code, response.headers, response.json())


def one(field: str, value: Any) -> dict[str, Any]:
    """Return one change to a request's body."""
    return {field: value}


def let(value: Any, read: Callable[[Any], Any]) -> Any:
    """Return what ``read`` makes of ``value``, so that a row can look at one answer twice."""
    return read(value)


def documented(name: str) -> list[Row]:
    """Return a row for every status and error type that a provider documents."""
    provider = PROVIDERS[name]
    return [
        Row(
            name,
            f"status {status.code} with {kind or 'a plain text'}: {status.meaning}",
            provider.page("statuses"),
            partial(_documented, name=name, code=status.code, kind=kind),
            (status.code, kind or "provider_error"),
        )
        for status in provider.statuses
        for kind in status.types or ("",)
    ]


def _documented(world: World, name: str, code: int, kind: str) -> tuple[int, str | None]:
    response = world.post(name, f"sandbox: error {code} {kind}".strip())
    return response.status_code, read_error(PROVIDERS[name], code, response.headers, response.json()).type


def dropped(world: World) -> str:
    try:
        world.post("shuyou", "sandbox: drop", stream=True)
    except httpx.TransportError as error:
        return type(error).__name__
    return "complete"


def stop_reasons(world: World, name: str) -> list[str]:
    """Return the stop reasons of seven requests that ask for one each."""
    ways: list[tuple[str, dict[str, Any]]] = [
        ("Hello", {}),
        ("Hello", {"max_tokens": 2}),
        ("sandbox: say one STOP two", {"stop_sequences": ["STOP"]}),
        ("Weather?", {"tools": [TOOL]}),
        ("sandbox: stop pause_turn", {}),
        ("sandbox: stop refusal", {}),
        ("sandbox: stop model_context_window_exceeded", {}),
    ]
    return [world.reply(name, text, **changes)["stop_reason"] for text, changes in ways]


SEVEN = [
    *("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"),
    "model_context_window_exceeded",
]

ALL_FIELDS: dict[str, Any] = {
    "system": "Be brief.",
    "stop_sequences": ["STOP"],
    "tools": [TOOL],
    "tool_choice": {"type": "auto"},
    "thinking": {"type": "disabled"},
    "output_config": {"effort": "low"},
    "cache_control": {"type": "ephemeral"},
    "inference_geo": "us",
    "metadata": {"user_id": "u-1"},
    "service_tier": "auto",
}

ANTHROPIC_ROWS = [
    Row(
        "anthropic",
        "the URL",
        API,
        lambda _: ANTHROPIC.base_url + ANTHROPIC.messages,
        "https://api.anthropic.com/v1/messages",
    ),
    Row("anthropic", "messages are posted to /v1/messages", API, lambda w: w.status("anthropic"), 200),
    Row(
        "anthropic",
        "beta calls go to the same path with ?beta=true",
        API,
        lambda w: w.status("anthropic", path="/v1/messages?beta=true"),
        200,
    ),
    Row(
        "anthropic",
        "count_tokens is a sibling and returns input_tokens",
        API,
        lambda w: w.reply("anthropic", path="/v1/messages/count_tokens", without=("max_tokens",)),
        {"input_tokens": 4},
    ),
    Row(
        "anthropic",
        "models are listed",
        API,
        lambda w: w.get("anthropic", "/v1/models").json()["data"][0]["type"],
        "model",
    ),
    Row(
        "anthropic",
        "unknown paths are not found",
        ERRORS,
        lambda w: error_of(w.post("anthropic", path="/v1/nonsense")),
        (404, "not_found_error"),
    ),
    Row("anthropic", "the key goes into x-api-key", API, lambda w: w.status("anthropic"), 200),
    Row(
        "anthropic",
        "or into Authorization: Bearer",
        API,
        lambda w: w.status("anthropic", headers=bearer(w.sandbox.key)),
        200,
    ),
    Row(
        "anthropic",
        "a wrong key is refused",
        ERRORS,
        lambda w: error_of(w.post("anthropic", headers={"x-api-key": "wrong"})),
        (401, "authentication_error"),
    ),
    Row(
        "anthropic",
        "no key is refused",
        ERRORS,
        lambda w: error_of(w.post("anthropic", headers={"x-api-key": None})),
        (401, "authentication_error"),
    ),
    Row(
        "anthropic",
        "anthropic-version is required",
        VERSIONING,
        lambda w: error_of(w.post("anthropic", headers={"anthropic-version": None})),
        (400, "invalid_request_error"),
    ),
    Row(
        "anthropic",
        "the versions are 2023-01-01, 2023-06-01 and 2026-10-21",
        VERSIONING,
        lambda w: [
            w.status("anthropic", headers={"anthropic-version": each})
            for each in ("2023-01-01", "2023-06-01", "2026-10-21", "2024-01-01")
        ],
        [200, 200, 200, 400],
    ),
    Row(
        "anthropic",
        "2026-10-21 takes no temperature, top_p, top_k",
        VERSIONING,
        lambda w: [w.status("anthropic", **one(each, 1)) for each in ("temperature", "top_p", "top_k")],
        [400, 400, 400],
    ),
    Row(
        "anthropic",
        "2023-06-01 takes them",
        VERSIONING,
        lambda w: [
            w.status("anthropic", headers={"anthropic-version": "2023-06-01"}, **one(each, 1))
            for each in ("temperature", "top_p", "top_k")
        ],
        [200, 200, 200],
    ),
    Row(
        "anthropic",
        "anthropic-beta is optional, and any value is taken",
        API,
        lambda w: w.status("anthropic", headers={"anthropic-beta": "files-api-2025-04-14,future-thing"}),
        200,
    ),
    Row(
        "anthropic",
        "models are called claude-…; another is not found",
        ERRORS,
        lambda w: error_of(w.post("anthropic", model="gpt")),
        (404, "not_found_error"),
    ),
    Row("anthropic", "all documented fields are taken", API, lambda w: w.status("anthropic", **ALL_FIELDS), 200),
    Row(
        "anthropic",
        "an unknown field is refused",
        API,
        lambda w: error_of(w.post("anthropic", nonsense=1)),
        (400, "invalid_request_error"),
    ),
    Row("anthropic", "nothing is unsupported", API, lambda _: unsupported(ANTHROPIC, ALL_FIELDS), ()),
    Row(
        "anthropic",
        "metadata.user_id has at most 256 characters",
        API,
        lambda w: [w.status("anthropic", metadata={"user_id": "u" * size}) for size in (256, 257)],
        [200, 400],
    ),
    Row(
        "anthropic",
        "metadata.user_id is opaque and groups nothing",
        API,
        lambda _: group_of(ANTHROPIC, {"metadata": {"user_id": "u"}}),
        None,
    ),
    Row("anthropic", "stop_reason has seven values", API, lambda w: stop_reasons(w, "anthropic"), SEVEN),
    Row(
        "anthropic",
        "a Message has the documented fields",
        API,
        lambda w: set(w.reply("anthropic")),
        {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"},
    ),
    Row(
        "anthropic",
        "a stream is server-sent events",
        f"{CLAUDE_DOCS}/build-with-claude/streaming",
        lambda w: w.post("anthropic", stream=True).headers["content-type"],
        "text/event-stream; charset=utf-8",
    ),
    Row(
        "anthropic",
        "a stream has the documented events in order, with a ping",
        f"{CLAUDE_DOCS}/build-with-claude/streaming",
        lambda w: list(dict.fromkeys(each["type"] for each in w.events("anthropic"))),
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ],
    ),
    Row(
        "anthropic",
        "a failure on an open stream is an error event after status 200",
        ERRORS,
        lambda w: (
            w.status("anthropic", "sandbox: error 529 midstream", stream=True),
            w.events("anthropic", "sandbox: error 529 midstream")[-1]["error"]["type"],
        ),
        (200, "overloaded_error"),
    ),
    Row(
        "anthropic",
        "an error has type, error and request_id",
        ERRORS,
        lambda w: list(w.reply("anthropic", "sandbox: error 500")),
        ["type", "error", "request_id"],
    ),
    Row(
        "anthropic",
        "request_id is the request-id header",
        ERRORS,
        lambda w: let(
            w.post("anthropic", "sandbox: error 500"), lambda r: r.json()["request_id"] == r.headers["request-id"]
        ),
    ),
    Row(
        "anthropic",
        "every answer has a request-id",
        ERRORS,
        lambda w: w.post("anthropic").headers["request-id"][:4],
        "req_",
    ),
    Row(
        "anthropic",
        "a rate limit says retry-after",
        f"{CLAUDE_DOCS}/api/rate-limits",
        lambda w: facts(w, "anthropic", "sandbox: error 429").retry_after,
        1.0,
    ),
    Row(
        "anthropic",
        "an answer says limits and organisation",
        f"{CLAUDE_DOCS}/api/rate-limits",
        lambda w: (
            {
                "anthropic-ratelimit-requests-remaining",
                "anthropic-ratelimit-tokens-reset",
                "anthropic-organization-id",
                "anthropic-workspace-id",
            }
            <= set(w.post("anthropic").headers)
        ),
    ),
    Row(
        "anthropic",
        "408, 409, 429, 5xx and 529 are worth another try",
        ERRORS,
        lambda _: ANTHROPIC.retryable,
        (408, 409, 429, 500, 504, 529),
    ),
    Row("anthropic", "a request may take 10 minutes", ERRORS, lambda _: ANTHROPIC.timeout, 600),
    Row(
        "anthropic",
        "a body may have 32 MB",
        f"{CLAUDE_DOCS}/api/overview",
        lambda w: error_of(w.post("anthropic", "x" * (32 * 1024 * 1024))),
        (413, "request_too_large"),
    ),
    *documented("anthropic"),
]


def shinzo_errors(world: World, path: str) -> tuple[int, Any]:
    return error_of(world.post("shinzo", path=path))


STATUSES_OF_SHINZO = {
    200: lambda w: w.status("shinzo"),
    400: lambda w: w.status("shinzo", without=("max_tokens",)),
    401: lambda w: w.status("shinzo", headers=bearer("wrong")),
    403: lambda w: w.status("shinzo", "sandbox: no provider key"),
    429: lambda w: w.status("shinzo", "sandbox: error 429"),
    500: lambda w: w.status("shinzo", "sandbox: error 500"),
}

SHINZO_ROWS = [
    Row(
        "shinzo",
        "the URL",
        SHINZO_PAGE,
        lambda _: SHINZO.base_url + SHINZO.messages,
        "https://api.app.shinzo.ai/spotlight/anthropic/v1/messages",
    ),
    Row(
        "shinzo",
        "an SDK is given the base path /spotlight/anthropic",
        SHINZO_OVERVIEW,
        lambda w: w.sandbox.url_for("shinzo").endswith("/spotlight/anthropic"),
    ),
    Row(
        "shinzo",
        "messages are posted below it",
        SHINZO_PAGE,
        lambda w: w.http.post(f"{w.sandbox.url}/spotlight/anthropic/v1/messages").json(),
        {"error": "no API key was sent"},
    ),
    Row(
        "shinzo",
        "count_tokens is a sibling",
        SHINZO_OVERVIEW,
        lambda w: w.reply("shinzo", path="/v1/messages/count_tokens", without=("max_tokens",)),
        {"input_tokens": 4},
    ),
    Row("shinzo", "counting may take 30 seconds", SHINZO_SOURCE, lambda _: SHINZO.count_tokens_timeout, 30),
    Row(
        "shinzo",
        "no models, batches, files, or any other path: 404 with a plain text",
        SHINZO_SOURCE,
        lambda w: [shinzo_errors(w, path) for path in ("/v1/models", "/v1/messages/batches", "/v1/files", "/v1/x")],
        [
            (404, f"Endpoint POST {path} not found")
            for path in ("/v1/models", "/v1/messages/batches", "/v1/files", "/v1/x")
        ],
    ),
    Row("shinzo", "models are not listed", SHINZO_SOURCE, lambda w: w.get("shinzo", "/v1/models").status_code, 404),
    Row(
        "shinzo",
        "authentication: a JWT in Authorization",
        SHINZO_PAGE,
        lambda w: w.status("shinzo", headers=bearer(w.sandbox.jwt)),
        200,
    ),
    Row(
        "shinzo",
        "authentication: a platform key in Authorization",
        SHINZO_PAGE,
        lambda w: w.status("shinzo", headers=bearer(w.sandbox.key_for("shinzo"))),
        200,
    ),
    Row(
        "shinzo",
        "authentication: a platform key in x-shinzo-api-key",
        SHINZO_PAGE,
        lambda w: w.status("shinzo", headers={"authorization": None, "x-shinzo-api-key": w.sandbox.key_for("shinzo")}),
        200,
    ),
    Row(
        "shinzo",
        "x-api-key alone authenticates nobody: it is the provider's",
        SHINZO_PAGE,
        lambda w: w.status("shinzo", headers={"authorization": None}),
        401,
    ),
    Row(
        "shinzo",
        "our client sends the platform key as Authorization: Bearer",
        SHINZO_PAGE,
        lambda _: dict(request_headers(SHINZO, {"SHINZO_API_KEY": "k"}))["authorization"],
        "Bearer k",
    ),
    Row(
        "shinzo",
        "the provider's key may be passed through in x-api-key",
        SHINZO_PAGE,
        lambda w: w.status("shinzo", headers={"x-api-key": w.sandbox.key_for("anthropic")}),
        200,
    ),
    Row(
        "shinzo",
        "a stored provider key is used otherwise",
        SHINZO_PAGE,
        lambda w: w.status("shinzo", headers={"x-api-key": None}),
        200,
    ),
    Row(
        "shinzo",
        "our client passes ANTHROPIC_API_KEY through in x-api-key",
        SHINZO_PAGE,
        lambda _: dict(request_headers(SHINZO, {"SHINZO_API_KEY": "k", "ANTHROPIC_API_KEY": "a"}))["x-api-key"],
        "a",
    ),
    Row(
        "shinzo",
        "a provider key that the provider refuses keeps its status",
        SHINZO_SOURCE,
        lambda w: error_of(w.post("shinzo", headers={"x-api-key": "wrong"})),
        (401, "provider_error"),
    ),
    Row(
        "shinzo",
        "OAuth tokens of subscriptions are refused",
        SHINZO_OVERVIEW,
        lambda w: error_of(w.post("shinzo", headers={"x-api-key": "sk-ant-" + "oat01-x"})),
        (403, "subscription_not_supported"),
    ),
    Row(
        "shinzo",
        "what is left in Authorization beside a Shinzo key counts as such a token",
        SHINZO_SOURCE,
        lambda w: error_of(
            w.post("shinzo", headers={"x-shinzo-api-key": w.sandbox.key_for("shinzo"), "authorization": "Bearer other"})
        ),
        (403, "subscription_not_supported"),
    ),
    Row(
        "shinzo",
        "anthropic-version is not required",
        SHINZO_PAGE,
        lambda w: w.status("shinzo", headers={"anthropic-version": None}),
        200,
    ),
    Row(
        "shinzo",
        "anthropic-beta is forwarded; ?beta=true does no harm",
        SHINZO_SOURCE,
        lambda w: w.status("shinzo", path="/v1/messages?beta=true", headers={"anthropic-beta": "x"}),
        200,
    ),
    Row(
        "shinzo",
        "models are called claude-…",
        SHINZO_PAGE,
        lambda w: [w.status("shinzo", model=each) for each in ("claude-sonnet-4-20250514", "gpt")],
        [200, 404],
    ),
    Row(
        "shinzo",
        "model, messages and max_tokens are required",
        SHINZO_PAGE,
        lambda w: [w.status("shinzo", without=(each,)) for each in ("model", "messages", "max_tokens")],
        [400, 400, 400],
    ),
    Row(
        "shinzo",
        "model is a string, messages an array, max_tokens an integer",
        SHINZO_PAGE,
        lambda w: [w.status("shinzo", **wrong) for wrong in ({"model": 1}, {"messages": "Hello"}, {"max_tokens": "1"})],
        [400, 400, 400],
    ),
    Row(
        "shinzo",
        "metadata is an object with user_id, stream a boolean",
        SHINZO_PAGE,
        lambda w: [
            w.status("shinzo", **each)
            for each in ({"metadata": {"user_id": "u"}}, {"metadata": "u"}, {"stream": "yes"}, {"stream": False})
        ],
        [200, 400, 400, 200],
    ),
    Row(
        "shinzo",
        "the body follows Anthropic's format in full",
        SHINZO_PAGE,
        lambda w: w.status("shinzo", **ALL_FIELDS),
        200,
    ),
    Row("shinzo", "nothing is stripped or unsupported", SHINZO_SOURCE, lambda _: unsupported(SHINZO, ALL_FIELDS), ()),
    Row(
        "shinzo",
        "metadata.user_id groups requests into sessions",
        SHINZO_PAGE,
        lambda w: (
            [w.status("shinzo", metadata={"user_id": "my-app-session-123"}) for _ in range(2)]
            + [w.sandbox.sessions["my-app-session-123"]["requests"]]
        ),
        [200, 200, 2],
    ),
    Row(
        "shinzo",
        "sessions can be listed",
        SHINZO_PAGE,
        lambda w: (
            w.status("shinzo", metadata={"user_id": "listed"}),
            "listed"
            in [each["session_id"] for each in w.http.get(f"{w.sandbox.url}/sandbox/sessions").json()["sessions"]],
        ),
        (200, True),
    ),
    Row(
        "shinzo",
        "the session of a request without user_id is default-session",
        SHINZO_OVERVIEW,
        lambda w: (w.status("shinzo"), "default-session" in w.sandbox.sessions, group_of(SHINZO, {})),
        (200, True, "default-session"),
    ),
    Row("shinzo", "stop reasons pass through", SHINZO_SOURCE, lambda w: stop_reasons(w, "shinzo"), SEVEN),
    Row(
        "shinzo",
        "the answer is Anthropic's",
        SHINZO_PAGE,
        lambda w: let(
            w.reply("shinzo", "Hello, Claude!"),
            lambda r: (r["type"], r["role"], r["content"], r["model"], r["stop_reason"], sorted(r["usage"])[:1]),
        ),
        (
            "message",
            "assistant",
            [{"type": "text", "text": "Hello! How can I help you today?"}],
            "claude-sonnet-4-20250514",
            "end_turn",
            ["cache_creation"],
        ),
    ),
    Row(
        "shinzo",
        "stream: true gives server-sent events",
        SHINZO_PAGE,
        lambda w: w.post("shinzo", stream=True).headers["content-type"],
        "text/event-stream; charset=utf-8",
    ),
    Row(
        "shinzo",
        "answers are neither buffered nor cached",
        SHINZO_SOURCE,
        lambda w: let(w.post("shinzo", stream=True).headers, lambda h: (h["x-accel-buffering"], h["cache-control"])),
        ("no", "no-cache"),
    ),
    Row(
        "shinzo",
        "a stream is Anthropic's, data a JSON object",
        SHINZO_PAGE,
        lambda w: [each["type"] for each in w.events("shinzo")][::100],
        ["message_start"],
    ),
    Row(
        "shinzo",
        "the source's double encoding is noted, and can be asked for",
        SHINZO_SOURCE,
        lambda w: (
            any("JSON string" in note.other for note in SHINZO.notes),
            {type(each) for each in w.events("shinzo", "sandbox: double encoded")},
        ),
        (True, {str}),
    ),
    Row(
        "shinzo",
        "the source's cut in place of an error event is noted",
        SHINZO_SOURCE,
        lambda _: any("where an error event should be" in note.other for note in SHINZO.notes),
    ),
    Row(
        "shinzo",
        "failures behind it are provider_error, without type and request id at the top",
        SHINZO_SOURCE,
        lambda w: let(
            w.reply("shinzo", without=("max_tokens",)), lambda r: (list(r), list(r["error"]), r["error"]["type"])
        ),
        (["error"], ["type", "message"], "provider_error"),
    ),
    Row(
        "shinzo",
        "failures inside it are internal_error",
        SHINZO_SOURCE,
        lambda w: error_of(w.post("shinzo", "sandbox: error 500")),
        (500, "internal_error"),
    ),
    Row(
        "shinzo",
        "authentication fails with a plain text",
        SHINZO_SOURCE,
        lambda w: w.reply("shinzo", headers=bearer("wrong")),
        {"error": "the API key is not valid"},
    ),
    Row(
        "shinzo",
        "a good answer copies the provider's headers",
        SHINZO_SOURCE,
        lambda w: w.post("shinzo").headers["request-id"][:4],
        "req_",
    ),
    Row(
        "shinzo",
        "a failed one copies none, so that retry-after is lost",
        SHINZO_SOURCE,
        lambda w: facts(w, "shinzo", "sandbox: error 429")[2:],
        (None, None),
    ),
    *(Row("shinzo", f"status {code}", SHINZO_PAGE, ask, code) for code, ask in STATUSES_OF_SHINZO.items()),
    Row(
        "shinzo",
        "the source's 401 for a missing provider key is noted",
        SHINZO_SOURCE,
        lambda _: any(note.documentation == "a missing provider key is a 403" for note in SHINZO.notes),
    ),
    Row("shinzo", "no status is documented as worth another try", SHINZO_PAGE, lambda _: SHINZO.retryable, ()),
    Row("shinzo", "a request may take 3 minutes", SHINZO_PAGE, lambda _: SHINZO.timeout, 180),
    Row(
        "shinzo",
        "the source's 120 seconds are noted",
        SHINZO_SOURCE,
        lambda _: any("120 seconds" in note.other for note in SHINZO.notes),
    ),
    Row(
        "shinzo",
        "the source's 4 MB are noted",
        SHINZO_SOURCE,
        lambda _: any("4 MB" in note.other for note in SHINZO.notes),
    ),
    Row(
        "shinzo",
        "the source accepts platform keys only: noted",
        SHINZO_SOURCE,
        lambda _: any("platform keys only" in note.other for note in SHINZO.notes),
    ),
    *documented("shinzo"),
]

STRICT = {key: value for key, value in ALL_FIELDS.items() if key not in {"metadata", "service_tier"}} | {
    "temperature": 1,
    "top_p": 1,
    "top_k": 0,
    "container": "container_x",
}

SHUYOU_ROWS = [
    Row(
        "shuyou",
        "the URL",
        SHUYOU_PAGE,
        lambda _: SHUYOU.base_url + SHUYOU.messages,
        "https://api.shuyou.ai/v1/messages",
    ),
    Row(
        "shuyou",
        "the documented example is answered",
        SHUYOU_PAGE,
        lambda w: w.reply("shuyou", "Hello, Claude", model="anthropic/claude-sonnet-4.6", max_tokens=1024)["content"],
        [{"type": "text", "text": "Hello! How can I help you today?"}],
    ),
    Row(
        "shuyou",
        "models are listed in OpenAI's form",
        SHUYOU_PAGE,
        lambda w: w.get("shuyou", "/v1/models").json()["object"],
        "list",
    ),
    Row(
        "shuyou",
        "count_tokens and batches are not documented",
        SHUYOU_PAGE,
        lambda w: (
            SHUYOU.count_tokens,
            w.status("shuyou", path="/v1/messages/count_tokens"),
            w.status("shuyou", path="/v1/messages/batches"),
        ),
        ("", 404, 404),
    ),
    Row(
        "shuyou",
        "the key goes into x-api-key",
        SHUYOU_PAGE,
        lambda w: (dict(request_headers(SHUYOU, {"SHUYOU_API_KEY": "k"}))["x-api-key"], w.status("shuyou")),
        ("k", 200),
    ),
    Row(
        "shuyou",
        "the error page also names Authorization: Bearer and x-goog-api-key",
        SHUYOU_ERRORS,
        lambda w: [
            w.status("shuyou", headers=each)
            for each in (
                bearer(w.sandbox.key_for("shuyou")),
                {"x-api-key": None, "x-goog-api-key": w.sandbox.key_for("shuyou")},
            )
        ],
        [200, 200],
    ),
    Row(
        "shuyou",
        "a wrong key is 403 access_denied, not 401",
        SHUYOU_ERRORS,
        lambda w: error_of(w.post("shuyou", headers={"x-api-key": "wrong"})),
        (403, "access_denied"),
    ),
    Row(
        "shuyou",
        "so is a missing one",
        SHUYOU_ERRORS,
        lambda w: error_of(w.post("shuyou", headers={"x-api-key": None})),
        (403, "access_denied"),
    ),
    Row(
        "shuyou",
        "the 401 of the OpenAPI file is noted",
        SHUYOU_PAGE,
        lambda _: any("401" in note.other for note in SHUYOU.notes),
    ),
    Row(
        "shuyou",
        "anthropic-version is required",
        SHUYOU_PAGE,
        lambda w: error_of(w.post("shuyou", headers={"anthropic-version": None})),
        (400, "invalid_params"),
    ),
    Row(
        "shuyou",
        "only 2023-06-01 is supported",
        SHUYOU_PAGE,
        lambda w: (
            SHUYOU.versions,
            SHUYOU.version,
            [
                w.status("shuyou", headers={"anthropic-version": each})
                for each in ("2023-06-01", "2026-10-21", "2023-01-01")
            ],
        ),
        (("2023-06-01",), "2023-06-01", [200, 400, 400]),
    ),
    Row(
        "shuyou",
        "anthropic-beta is an optional comma list",
        SHUYOU_PAGE,
        lambda w: w.status("shuyou", headers={"anthropic-beta": "files-api-2025-04-14,another"}),
        200,
    ),
    Row(
        "shuyou",
        "code-execution-2025-08-25 is not supported",
        SHUYOU_PAGE,
        lambda w: error_of(w.post("shuyou", headers={"anthropic-beta": "a, code-execution-2025-08-25"})),
        (400, "invalid_params"),
    ),
    Row(
        "shuyou",
        "so the code execution tool is not",
        SHUYOU_PAGE,
        lambda w: w.status("shuyou", tools=[{"type": "code_execution_20250825", "name": "code_execution"}]),
        400,
    ),
    Row(
        "shuyou",
        "the body is JSON",
        SHUYOU_PAGE,
        lambda w: (
            w.http.post(
                f"{w.sandbox.url_for('shuyou')}/v1/messages",
                headers=dict(request_headers(SHUYOU, w.sandbox.environ_for("shuyou"))),
                content=b"model=x",
            ).status_code
        ),
        400,
    ),
    Row(
        "shuyou",
        "model, max_tokens and messages are required",
        SHUYOU_PAGE,
        lambda w: [error_of(w.post("shuyou", without=(each,))) for each in ("model", "max_tokens", "messages")],
        [(400, "invalid_params")] * 3,
    ),
    Row(
        "shuyou",
        "models are called provider/model",
        SHUYOU_PAGE,
        lambda w: (
            w.status("shuyou", model="anthropic/claude-sonnet-4.6"),
            error_of(w.post("shuyou", model="claude-sonnet-4-6")),
        ),
        (200, (404, "invalid_model")),
    ),
    Row(
        "shuyou",
        "max_tokens is at least 1",
        SHUYOU_PAGE,
        lambda w: [w.status("shuyou", max_tokens=each) for each in (1, 0, -1)],
        [200, 400, 400],
    ),
    Row(
        "shuyou",
        "max_tokens counts thinking tokens too",
        SHUYOU_PAGE,
        lambda w: w.reply("shuyou", "sandbox: think", max_tokens=5)["usage"],
        {
            "input_tokens": 6,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 5,
            "output_tokens_details": {"thinking_tokens": 5},
        },
    ),
    Row("shuyou", "messages has at least one item", SHUYOU_PAGE, lambda w: w.status("shuyou", messages=[]), 400),
    Row(
        "shuyou",
        "messages has at most 100,000 items",
        SHUYOU_PAGE,
        lambda w: [w.status("shuyou", messages=[{"role": "user", "content": "x"}] * size) for size in (2, 100_001)],
        [200, 400],
    ),
    Row(
        "shuyou",
        "roles alternate between user and assistant",
        SHUYOU_PAGE,
        lambda w: w.status(
            "shuyou",
            messages=[
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "b"},
                {"role": "user", "content": "c"},
            ],
        ),
        200,
    ),
    Row(
        "shuyou",
        "there is no system role in messages; the system prompt is a field",
        SHUYOU_PAGE,
        lambda w: (w.status("shuyou", messages=[{"role": "system", "content": "x"}]), w.status("shuyou", system="x")),
        (400, 200),
    ),
    Row(
        "shuyou",
        "metadata is not supported",
        SHUYOU_PAGE,
        lambda w: error_of(w.post("shuyou", metadata={"user_id": "u"})),
        (400, "invalid_params"),
    ),
    Row(
        "shuyou",
        "service_tier is not supported",
        SHUYOU_PAGE,
        lambda w: error_of(w.post("shuyou", service_tier="auto")),
        (400, "invalid_params"),
    ),
    Row(
        "shuyou",
        "user_id groups nothing",
        SHUYOU_PAGE,
        lambda _: group_of(SHUYOU, {"metadata": {"user_id": "u"}}),
        None,
    ),
    Row(
        "shuyou",
        "a custom stop sequence stops the text, with stop_reason stop_sequence",
        SHUYOU_PAGE,
        lambda w: let(
            w.reply("shuyou", "sandbox: say one STOP two", stop_sequences=["STOP"]),
            lambda r: (r["content"][0]["text"], r["stop_reason"], r["stop_sequence"]),
        ),
        ("one ", "stop_sequence", "STOP"),
    ),
    Row(
        "shuyou",
        "stream is false unless said",
        SHUYOU_PAGE,
        lambda w: [each.headers["content-type"] for each in (w.post("shuyou"), w.post("shuyou", stream=True))],
        ["application/json", "text/event-stream; charset=utf-8"],
    ),
    Row(
        "shuyou",
        "temperature is 0 to 1",
        SHUYOU_PAGE,
        lambda w: [w.status("shuyou", temperature=each) for each in (0, 0.5, 1, 1.1, -0.1)],
        [200, 200, 200, 400, 400],
    ),
    Row(
        "shuyou",
        "top_p is 0 to 1",
        SHUYOU_PAGE,
        lambda w: [w.status("shuyou", top_p=each) for each in (0, 1, 1.1, -0.1)],
        [200, 200, 400, 400],
    ),
    Row(
        "shuyou",
        "top_k is at least 0",
        SHUYOU_PAGE,
        lambda w: [w.status("shuyou", top_k=each) for each in (0, 5, -1)],
        [200, 200, 400],
    ),
    Row(
        "shuyou",
        "thinking is enabled, disabled or adaptive with display",
        SHUYOU_PAGE,
        lambda w: [
            w.status("shuyou", max_tokens=2000, thinking=each)
            for each in (
                {"type": "enabled", "budget_tokens": 1024},
                {"type": "disabled"},
                {"type": "adaptive", "display": "omitted"},
            )
        ],
        [200, 200, 200],
    ),
    Row(
        "shuyou",
        "tools and tool_choice",
        SHUYOU_PAGE,
        lambda w: [each["type"] for each in w.reply("shuyou", tools=[TOOL], tool_choice={"type": "any"})["content"]],
        ["tool_use"],
    ),
    Row(
        "shuyou",
        "web search tools are supported",
        SHUYOU_PAGE,
        lambda w: [
            w.status("shuyou", tools=[{"type": each, "name": "web_search"}])
            for each in ("web_search_20250305", "web_search_20260209")
        ],
        [200, 200],
    ),
    Row(
        "shuyou",
        "the prose's further tools are noted",
        SHUYOU_PAGE,
        lambda _: any("bash and text editor" in note.other for note in SHUYOU.notes),
    ),
    Row(
        "shuyou",
        "output_config gives structured JSON",
        SHUYOU_PAGE,
        lambda w: json.loads(
            w.reply(
                "shuyou",
                output_config={
                    "effort": "low",
                    "format": {
                        "type": "json_schema",
                        "schema": {
                            "type": "object",
                            "properties": {"ok": {"type": "boolean"}},
                            "required": ["ok"],
                            "additionalProperties": False,
                        },
                    },
                },
            )["content"][0]["text"]
        ),
        {"ok": True},
    ),
    Row("shuyou", "all its documented fields are taken", SHUYOU_PAGE, lambda w: w.status("shuyou", **STRICT), 200),
    Row(
        "shuyou",
        "container is a string",
        SHUYOU_PAGE,
        lambda w: [
            w.status("shuyou", container="container_x"),
            w.status("shuyou", container={"id": "container_x"}),
            w.status("shuyou", container={"skills": []}),
        ],
        [200, 400, 400],
    ),
    Row(
        "shuyou",
        "a Message has the documented fields",
        SHUYOU_PAGE,
        lambda w: list(w.reply("shuyou")),
        ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"],
    ),
    Row(
        "shuyou",
        "type, role and the model that was asked for",
        SHUYOU_PAGE,
        lambda w: let(
            w.reply("shuyou", model="openai/gpt-5"), lambda r: (r["type"], r["role"], r["model"], r["stop_sequence"])
        ),
        ("message", "assistant", "openai/gpt-5", None),
    ),
    Row("shuyou", "stop_reason has six values", SHUYOU_PAGE, lambda w: stop_reasons(w, "shuyou")[:6], SEVEN[:6]),
    Row(
        "shuyou",
        "usage has input, output and cache fields",
        SHUYOU_PAGE,
        lambda w: list(w.reply("shuyou")["usage"]),
        ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"],
    ),
    Row(
        "shuyou",
        "a stream has seven events and no ping",
        SHUYOU_PAGE,
        lambda w: list(dict.fromkeys(each["type"] for each in w.events("shuyou"))),
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ],
    ),
    Row(
        "shuyou",
        "usage stands beside the delta; the odd example is noted",
        SHUYOU_PAGE,
        lambda w: (list(w.events("shuyou")[-2]), any("inside delta" in note.other for note in SHUYOU.notes)),
        (["type", "delta", "usage"], True),
    ),
    Row(
        "shuyou",
        "the keep-alive comment is ShuYou PROCESSING",
        SHUYOU_ERRORS,
        lambda w: sse.blocks(w.post("shuyou", "sandbox: keep-alive", stream=True).content)[0].comments,
        ("ShuYou PROCESSING",),
    ),
    Row("shuyou", "it comes every 10 seconds", SHUYOU_ERRORS, lambda _: SHUYOU.habits.keep_alive_seconds, 10),
    Row("shuyou", "a stream that fails ends", SHUYOU_ERRORS, dropped, "RemoteProtocolError"),
    Row(
        "shuyou",
        "or has an error event",
        SHUYOU_ERRORS,
        lambda w: let(
            w.events("shuyou", "sandbox: error 529 midstream")[-1], lambda e: (e["type"], e["error"]["type"])
        ),
        ("error", "overloaded_error"),
    ),
    Row(
        "shuyou",
        "an error has code, type and message and nothing at the top",
        SHUYOU_ERRORS,
        lambda w: let(w.reply("shuyou", "sandbox: error 429"), lambda r: (list(r), list(r["error"]))),
        (["error"], ["code", "type", "message"]),
    ),
    Row(
        "shuyou",
        "the code is the status as a string",
        SHUYOU_ERRORS,
        lambda w: w.reply("shuyou", "sandbox: error 429")["error"]["code"],
        "429",
    ),
    Row(
        "shuyou",
        "every answer has X-ShuYou-RequestId",
        SHUYOU_ERRORS,
        lambda w: ["x-shuyou-requestid" in w.post("shuyou", text).headers for text in ("Hello", "sandbox: error 500")],
        [True, True],
    ),
    Row(
        "shuyou",
        "its request id is read from there",
        SHUYOU_ERRORS,
        lambda w: (facts(w, "shuyou", "sandbox: error 500").request_id or "")[:4],
        "req_",
    ),
    Row(
        "shuyou",
        "429, 500, 502, 503 and 504 are worth another try",
        SHUYOU_ERRORS,
        lambda _: SHUYOU.retryable,
        (429, 500, 502, 503, 504),
    ),
    Row("shuyou", "no time limit is stated", SHUYOU_PAGE, lambda _: SHUYOU.timeout, None),
    Row("shuyou", "no size of a request is stated", SHUYOU_PAGE, lambda _: SHUYOU.body_limit, None),
    *documented("shuyou"),
]


ROWS = [*ANTHROPIC_ROWS, *SHINZO_ROWS, *SHUYOU_ROWS]

UNOBSERVABLE = [
    (
        "anthropic",
        "batches and files are siblings",
        "the sandbox answers messages, counts and models; the others are recorded as they come",
    ),
    (
        "anthropic",
        "the rate limit depends on the tier",
        "no client can tell its tier from the outside; the headers are a row",
    ),
    ("shinzo", "requests are tracked for analytics", "it happens behind the answer"),
    ("shinzo", "request and response bodies are stored in full", "it happens behind the answer"),
    ("shinzo", "provider keys are stored encrypted", "it happens behind the answer"),
    (
        "shinzo",
        "host, connection, content-length and x-shinzo-api-key are not forwarded",
        "only the provider behind it sees that",
    ),
    ("shinzo", "the query string is not forwarded", "only the provider behind it sees that"),
    ("shinzo", "1,000 requests in 60 seconds are allowed", "only the source says so; the 429 itself is a row"),
    (
        "shinzo",
        "an oversized body ends as 500 with a plain text",
        "only the source says so, the documentation says nothing: a note of the profile",
    ),
    ("shinzo", "api/event_logging/batch takes event logs", "the current documentation no longer lists it"),
    ("shuyou", "chat/completions, responses, credits and generate are siblings", "they are not the Messages API"),
    ("shuyou", "a provider object routes requests", "documented for the OpenAI-style API only"),
    (
        "shuyou",
        "temperature defaults to 1, and either it or top_p should be tuned",
        "a default and an advice leave no trace in an answer",
    ),
    (
        "shuyou",
        "the OpenAPI file uses nullable under 3.1 and enum without type",
        "about the file, not about the service",
    ),
    ("shuyou", "prompts are in the console's logs, limits depend on the plan", "it happens behind the answer"),
    (
        "shuyou",
        "cache_control, container and inference_geo have their effects",
        "that they are taken is a row; caching and places leave no trace in a sandbox",
    ),
]
"""Statements that a client cannot observe: provider, statement, reason."""


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.provider}: {row.says}" for row in ROWS])
def test_each_statement_about_a_provider_holds(world: World, row: Row) -> None:
    assert row.ask(world) == row.expect


def test_every_row_names_its_page_and_stands_once() -> None:
    assert all(row.source.startswith("https://") for row in ROWS)
    names = [(row.provider, row.says) for row in ROWS] + [entry[:2] for entry in UNOBSERVABLE]
    assert len(set(names)) == len(names)
    assert all(reason for *_, reason in UNOBSERVABLE)


def test_a_provider_without_a_stored_key_needs_one_passed_through() -> None:
    with serve(stored_key=False) as sandbox, httpx.Client() as http:
        world = World(sandbox, http)
        refused = error_of(world.post("shinzo", headers={"x-api-key": None}))
        assert (refused, world.status("shinzo")) == ((403, "provider_error"), 200)
