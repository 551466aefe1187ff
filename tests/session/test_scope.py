"""Which calls are ours, and which connections must come through us."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_messages.providers import ANTHROPIC, COMPATIBLE, PROVIDERS
from pytest_messages.providers.hosts import is_loopback
from pytest_messages.session.scope import Ours, Scope
from pytest_messages.wire import Request

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = (("anthropic-version", "2023-06-01"),)
SCOPE = Scope.of(
    providers=PROVIDERS.values(),
    entries=["Gateway.Example", "127.0.0.1:9000", "-off.example", "-127.0.0.1:7000"],
    recorded=[
        Request("POST", "https://recorded.example:8443/v2/chat"),
        Request("POST", "http://localhost:8000/v1/messages"),
        Request("GET", "http://[::1]:8001/v1/x"),
        Request("GET", "https://models.example/v1/models", VERSION),
    ],
)


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://api.anthropic.com/v1/models", Ours.YES),
        ("https://API.anthropic.com:443/anything", Ours.YES),
        ("https://gateway.example/anything", Ours.YES),
        ("https://recorded.example:8443/v2/chat", Ours.YES),
        ("https://recorded.example:8443/v2/embed", Ours.NO),
        ("https://recorded.example/v2/chat", Ours.NO),
        ("https://models.example/v1/models", Ours.NO),
        ("https://openrouter.ai/api/v1/chat/completions", Ours.NO),
        ("https://api.z.ai/api/paas/v4/files", Ours.NO),
        ("http://127.0.0.1:9000/anything", Ours.YES),
        ("http://localhost:8000/anything", Ours.NO),
        ("http://127.0.0.1:8001/v1/x", Ours.YES),
        ("http://127.0.0.1:9001/anything", Ours.NO),
        ("https://elsewhere.example/v1/messages", Ours.YES),
        ("https://elsewhere.example/spotlight/anthropic/v1/messages/", Ours.YES),
        ("https://elsewhere.example/v1/messages/count_tokens?beta=true", Ours.YES),
        ("https://elsewhere.example/v1/messages/batches", Ours.YES),
        ("https://elsewhere.example/v1/messages/batches/msgbatch_1/results", Ours.YES),
        ("https://elsewhere.example/v1/messages/other", Ours.YES),
        ("https://elsewhere.example/v1/messages_of_others", Ours.NO),
        ("https://elsewhere.example/spotlight/anthropic/v1/models", Ours.YES),
        ("https://elsewhere.example/v1/files", Ours.NO),
        ("http://[::1/v1/messages", Ours.NO),
        ("http://h:99999999/v1/messages", Ours.NO),
        ("https://elsewhere.example/v1/chat/completions", Ours.NO),
        ("https://off.example/v1/messages", Ours.NO),
        ("http://127.0.0.1:7000/v1/messages", Ours.NO),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude/invoke", Ours.CLOUD),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/x/invoke-with-response-stream", Ours.CLOUD),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/x/converse-stream", Ours.CLOUD),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/x/count-tokens", Ours.CLOUD),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude%3A0/converse", Ours.CLOUD),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/x/invoke-with-bidirectional-stream", Ours.CLOUD),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/async-invoke", Ours.CLOUD),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/guardrail/x/version/1/apply", Ours.NO),
        ("https://x.googleapis.com/v1/publishers/anthropic/models/claude%3ArawPredict", Ours.CLOUD),
        ("https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/l/models/m:predict", Ours.NO),
        ("https://mine.services.ai.azure.com/anthropic/v1/messages/count_tokens", Ours.YES),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/arn:aws:bedrock:x:1:inference-profile/y/invoke",
            Ours.CLOUD,
        ),
        ("https://x.googleapis.com/v1/publishers/anthropic/models/count-tokens:rawPredict", Ours.CLOUD),
        ("https://x.googleapis.com/v1/publishers/anthropic/models/claude:rawPredict", Ours.CLOUD),
        ("https://x.googleapis.com/v1/publishers/anthropic/models/claude:streamRawPredict", Ours.CLOUD),
        ("/relative", Ours.NO),
    ],
)
def test_what_a_call_is(url: str, ours: Ours) -> None:
    method = "GET" if url.endswith(("/v1/x", "/v1/models")) else "POST"
    assert SCOPE.of_call(url, method=method) is ours


# --- one rule in both directions --------------------------------------------------------------------------------------

HOSTS = (
    "https://api.anthropic.com",
    "https://openrouter.ai/api",
    "https://gateway.example",
    "https://off.example",
    "https://elsewhere.example",
    "https://elsewhere.example/spotlight/anthropic",
    "http://127.0.0.1:8000",
    "http://localhost:9000",
)
PATHS = (
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/messages/batches/msgbatch_1/results",
    "/v1/models",
    "/v1/files",
    "/v1/files/file_1/content",
    "/v1/embeddings",
    "/v1/chat/completions",
    "/health",
    "/",
    "/model/x/count-tokens",
)
CALLS = [
    Request(method, host + path, headers)
    for host, path, headers, method in product(HOSTS, PATHS, ((), VERSION), ("GET", "POST"))
]
FOREIGN = (
    Request("GET", "https://elsewhere.example/health"),
    Request("POST", "https://openrouter.ai/api/v1/chat/completions"),
)


def made_of(recorded: Iterable[Request]) -> Scope:
    """The scope of a session whose cassette holds these."""
    return Scope.of(providers=PROVIDERS.values(), entries=["gateway.example", "-off.example"], recorded=recorded)


def is_ours(scope: Scope, call: Request) -> bool:
    return scope.of_call(call.url, call.headers, call.method) is Ours.YES


@given(st.lists(st.sampled_from(CALLS)), st.sampled_from([(), FOREIGN]), st.sampled_from(["rewrite", "new_episodes"]))
def test_what_a_recording_run_lets_pass_passes_on_replay_and_the_other_way_round(
    calls: list[Request], before: tuple[Request, ...], mode: str
) -> None:
    """Whatever was recorded, and whatever the cassette held before, each call is judged as it was when recorded."""
    held = before if mode == "new_episodes" else ()
    recording = made_of(held)
    replay = made_of((*held, *(call for call in calls if is_ours(recording, call))))
    for call in CALLS:
        assert recording.of_call(call.url, call.headers, call.method) is replay.of_call(
            call.url, call.headers, call.method
        )


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.url} {len(call.headers)}")
def test_what_is_ours_in_the_end_may_be_ours_before_its_headers_are_known(call: Request) -> None:
    scope = made_of(FOREIGN)
    at_most, found = scope.may_be(call.url), scope.of_call(call.url, call.headers, call.method)
    assert found in {at_most, Ours.NO}


def test_only_the_setting_names_a_host_of_an_in_process_transport() -> None:
    named = [
        SCOPE.names(url)
        for url in (
            "https://gateway.example/",
            "http://127.0.0.1:9000/",
            "https://api.anthropic.com/",
            "http://testserver/",
        )
    ]
    assert named == [True, True, False, False]


@pytest.mark.parametrize(
    ("host", "port", "guarded"),
    [
        ("api.anthropic.com", 443, True),
        ("API.ANTHROPIC.COM", None, True),
        ("recorded.example", 8443, True),
        ("other.example", 443, False),
        ("off.example", 443, False),
        ("127.0.0.1", 9000, True),
        ("127.0.0.1", 9001, False),
        ("127.0.0.1", None, False),
        ("localhost", 8000, True),
        ("::1", 8001, True),
    ],
)
def test_which_connections_must_be_ours(host: str, port: int | None, guarded: bool) -> None:
    assert SCOPE.guards(host, port) is guarded


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("app.localhost", True),
        ("127.8.0.1", True),
        ("[::1]", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_what_this_machine_is(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_providers_host_may_be_a_glob() -> None:
    scope = Scope.of(providers=[replace(ANTHROPIC, hosts=("bedrock-mantle.*.api.aws",))], entries=[])
    assert scope.of_call("https://bedrock-mantle.us-east-1.api.aws/anything") is Ours.YES
    assert scope.guards("bedrock-mantle.us-east-1.api.aws", 443)
    assert scope.of_call("https://s3.us-east-1.api.aws/anything") is Ours.NO


def test_a_port_of_this_machine_is_not_a_providers_because_some_server_listens_there_by_default() -> None:
    scope = Scope.of(providers=[replace(COMPATIBLE, hosts=("localhost:8000", "127.0.0.1:11434"))], entries=[])
    assert scope.of_call("http://localhost:8000/users") is Ours.NO
    assert scope.of_call("http://localhost:8000/v1/messages") is Ours.YES
    assert not scope.guards("localhost", 8000)
