"""The three providers and a declared gateway, from the fixtures of a suite to the cassette and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Suite

    from pytest_messages.sandbox import Sandbox

PROVIDERS = """
MODELS = {"anthropic": "claude-sonnet-5", "shinzo": "claude-sonnet-4-20250514", "shuyou": "anthropic/claude-sonnet-4.6"}

def question(provider, text="sandbox: say hello", **more):
    return {"model": MODELS[provider], "max_tokens": 64, "messages": [{"role": "user", "content": text}], **more}
"""


@pytest.fixture(autouse=True)
def keys(messages_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("shinzo", "shuyou", "anthropic"):
        for variable, value in messages_sandbox.environ_for(name).items():
            monkeypatch.setenv(variable, value)


@pytest.fixture(autouse=True)
def base_urls(keys: None, suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `suite` takes away for the sake of other tests."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", suite.server.url)


@pytest.mark.parametrize("name", ["anthropic", "shinzo", "shuyou"])
def test_the_client_fixture_speaks_to_each_provider(suite: Suite, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    suite.write(
        PROVIDERS
        + f"""
def test_it(messages_client, messages_cassette):
    client = messages_client.for_provider({name!r})
    assert client.create(**question({name!r})).content[0].text == "hello"
    with client.stream(**question({name!r})) as stream:
        assert [event.type for event in stream][-1] == "message_stop"
    assert stream.text == "hello"
    assert [call.provider.name for call in messages_cassette.calls] == [{name!r}] * 2
    assert messages_cassette.violations == ()
"""
    )
    suite.run(passed=1)
    text = (suite.path / "cassettes/test_suite/test_it.yaml").read_text()
    assert f"provider: {name}" in text
    assert "sandbox-sandbox" not in text
    before = suite.sent()
    for variable in ("ANTHROPIC_API_KEY", "SHINZO_API_KEY", "SHUYOU_API_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "")
    suite.run("--messages-record=none", passed=1)
    assert suite.sent() == before


def test_shinzo_groups_calls_by_user_id(suite: Suite) -> None:
    suite.write(
        PROVIDERS
        + """
def test_it(messages_client, messages_cassette):
    client = messages_client.for_provider("shinzo")
    for user in ("user-1-session-1", "user-1-session-2", "user-1-session-1"):
        client.create(**question("shinzo", metadata={"user_id": user}))
    client.create(**question("shinzo"))
    groups = [call.group for call in messages_cassette.calls]
    assert groups == ["user-1-session-1", "user-1-session-2", "user-1-session-1", "default-session"]
"""
    )
    suite.run(passed=1)
    assert set(suite.server.sessions) >= {"user-1-session-1", "user-1-session-2", "default-session"}
    assert "user-1-session" not in (suite.path / "cassettes/test_suite/test_it.yaml").read_text()
    suite.run(passed=1)


def test_a_field_that_a_provider_does_not_support_is_refused_before_it_is_sent(suite: Suite) -> None:
    suite.write(
        PROVIDERS
        + """
from pytest_messages import UnsupportedFieldError

def test_it(messages_client):
    client = messages_client.for_provider("shuyou")
    with pytest.raises(UnsupportedFieldError, match="metadata") as caught:
        client.create(**question("shuyou", metadata={"user_id": "u"}))
    assert caught.value.source.startswith("https://docs.shuyou.ai/")
    assert client.create(**question("shuyou")).role == "assistant"
"""
    )
    before = suite.sent()
    suite.run(passed=1)
    assert suite.sent() == before + 1


def test_recording_without_a_key_is_refused_before_anything_is_sent(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHUYOU_API_KEY")
    suite.write(
        PROVIDERS
        + """
def test_it(messages_client):
    messages_client.for_provider("shuyou").create(**question("shuyou"))
"""
    )
    before = suite.sent()
    suite.run(failed=1).stdout.fnmatch_lines(["*CredentialError*SHUYOU_API_KEY*"])
    assert suite.sent() == before


GATEWAY = """
[mine]
extends = "anthropic"
base_url = "{url}"
key_env = "MY_GATEWAY_KEY"
key_header = "x-api-key"
timeout = 30
source = "https://gateway.example/docs"
"""


def test_a_declared_gateway_is_a_provider_like_any_other(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_GATEWAY_KEY", suite.server.key)
    suite.pytester.makeini("[pytest]\nmessages_providers = gateways.toml\n")
    (suite.path / "gateways.toml").write_text(GATEWAY.format(url=suite.server.url))
    suite.write("""
        @pytest.mark.messages(provider="mine")
        def test_it(messages_client, messages_cassette):
            asked = [{"role": "user", "content": "sandbox: say hello"}]
            message = messages_client.create(model="claude-sonnet-5", max_tokens=64, messages=asked)
            assert message.content[0].text == "hello"
            assert messages_cassette.calls[0].provider.name == "mine"
    """)
    suite.run(passed=1)
    assert "provider: mine" in (suite.path / "cassettes/test_suite/test_it.yaml").read_text()
    before = suite.sent()
    suite.run(passed=1)
    assert suite.sent() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[mine]\nbase_uri = "https://x"\n', "*gateways.toml: [[]mine] base_uri:*"),
        ('[mine]\nextends = "anthropc"\n', "*anthropc*anthropic*"),
        ("[mine\n", "*gateways.toml*"),
    ],
)
def test_a_wrong_declaration_says_what_was_meant(suite: Suite, text: str, said: str) -> None:
    suite.pytester.makeini("[pytest]\nmessages_providers = gateways.toml\n")
    (suite.path / "gateways.toml").write_text(text)
    suite.write("@pytest.mark.messages\ndef test_it():\n    ask('sandbox: say one')\n")
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_an_application_that_sends_what_its_gateway_does_not_support_gets_a_notice(suite: Suite) -> None:
    suite.write("""
        @pytest.mark.messages(provider="shuyou", conformance="fail")
        def test_it(messages_cassette):
            ask("sandbox: say one", metadata={"user_id": "u"})
            levels = {finding.level.name for finding in messages_cassette.violations}
            assert levels <= {"NOTICE", "HINT"} and "NOTICE" in levels
    """)
    suite.run(passed=1)
