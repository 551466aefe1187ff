"""Which calls are ours, and which connections must come through us."""

from __future__ import annotations

import pytest

from pytest_messages.providers.hosts import is_loopback
from pytest_messages.session.scope import Ours, Scope

SCOPE = Scope.of(
    providers=["api.anthropic.com"],
    entries=["Gateway.Example", "127.0.0.1:9000", "-off.example", "-127.0.0.1:7000"],
    recorded=["https://recorded.example:8443/v2/chat", "http://localhost:8000/v1/messages", "http://[::1]:8001/v1/x"],
)


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://api.anthropic.com/v1/models", Ours.YES),
        ("https://API.anthropic.com:443/anything", Ours.YES),
        ("https://gateway.example/anything", Ours.YES),
        ("https://recorded.example/v2/chat", Ours.YES),
        ("http://127.0.0.1:9000/anything", Ours.YES),
        ("http://localhost:8000/anything", Ours.YES),
        ("http://[::1]:8001/anything", Ours.YES),
        ("http://127.0.0.1:9001/anything", Ours.NO),
        ("https://elsewhere.example/v1/messages", Ours.YES),
        ("https://elsewhere.example/spotlight/anthropic/v1/messages/", Ours.YES),
        ("https://elsewhere.example/v1/messages/count_tokens?beta=true", Ours.YES),
        ("https://elsewhere.example/v1/messages/batches", Ours.YES),
        ("https://elsewhere.example/v1/messages/batches/msgbatch_1/results", Ours.YES),
        ("https://elsewhere.example/v1/messages/other", Ours.NO),
        ("https://elsewhere.example/v1/chat/completions", Ours.NO),
        ("https://off.example/v1/messages", Ours.NO),
        ("http://127.0.0.1:7000/v1/messages", Ours.NO),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude/invoke", Ours.CLOUD),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/x/invoke-with-response-stream", Ours.CLOUD),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/x/converse-stream", Ours.CLOUD),
        ("https://x.googleapis.com/v1/publishers/anthropic/models/claude:rawPredict", Ours.CLOUD),
        ("https://x.googleapis.com/v1/publishers/anthropic/models/claude:streamRawPredict", Ours.CLOUD),
        ("/relative", Ours.NO),
    ],
)
def test_what_a_call_is(url: str, ours: Ours) -> None:
    assert SCOPE.of_call(url) is ours


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
    scope = Scope.of(providers=["bedrock-mantle.*.api.aws"], entries=[])
    assert scope.of_call("https://bedrock-mantle.us-east-1.api.aws/anything") is Ours.YES
    assert scope.guards("bedrock-mantle.us-east-1.api.aws", 443)
    assert scope.of_call("https://s3.us-east-1.api.aws/anything") is Ours.NO


def test_a_port_of_this_machine_is_not_a_providers_because_some_server_listens_there_by_default() -> None:
    scope = Scope.of(providers=["localhost:8000", "127.0.0.1:11434"], entries=[])
    assert scope.of_call("http://localhost:8000/users") is Ours.NO
    assert scope.of_call("http://localhost:8000/v1/messages") is Ours.YES
    assert not scope.guards("localhost", 8000)
