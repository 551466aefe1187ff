"""The cassettes that come with the project, replayed and judged by its own plugin.

They were recorded by these very tests: `cassettes/record.py` runs those of the sandbox against one, and
`cassettes/record_real.py` those of llama.cpp against its own server with a real model.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anthropic
import httpx
import pytest

from pytest_messages import ApiError
from pytest_messages.cassette import store
from pytest_messages.commands import at_rest, main
from pytest_messages.findings import Level
from pytest_messages.providers import SHUYOU

if TYPE_CHECKING:
    from pytest_messages.client import MessagesClient
    from pytest_messages.session.session import Session
    from pytest_messages.wire import Response

pytestmark = [
    pytest.mark.skipif(
        int(anthropic.__version__.split(".")[0]) < 2, reason="the cassettes are of the official SDK, version 2"
    ),
    # Models grow old; these cassettes do not.
    pytest.mark.filterwarnings("ignore:The model:DeprecationWarning"),
]

CASSETTES = Path(__file__).resolve().parents[2] / "cassettes"
NOBODY = "http://127.0.0.1:9"

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> str:
    """The server that is recorded from; nobody, where the cassettes must do."""
    url = os.environ.get("CASSETTES_FROM", NOBODY)
    for name, path in (("ANTHROPIC", ""), ("SHINZO", "/spotlight/anthropic"), ("SHUYOU", "/shuyou")):
        monkeypatch.setenv(f"{name}_BASE_URL", url + path)
        if url == NOBODY:
            monkeypatch.delenv(f"{name}_API_KEY", raising=False)
    return url


def recorded_as(name: str, provider: str) -> pytest.MarkDecorator:
    """Mark a test with its cassette. Whatever is set elsewhere, nothing is recorded here but on command."""
    return pytest.mark.messages(name, provider=provider, record="none")


def question(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "claude-sonnet-5", "max_tokens": 64, "messages": [{"role": "user", "content": text}], **more}


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def answers(session: Session) -> list[Response]:
    return [call.response for call in session.calls if call.response]


# The sandbox


@recorded_as("sandbox/json", "anthropic")
def test_sandbox_json(messages_cassette: Session) -> None:
    with anthropic.Anthropic() as client:
        message = client.messages.create(**question("Say hello."))
    assert (message.role, message.stop_reason) == ("assistant", "end_turn")
    assert text_of(messages_cassette.calls[0].message) == text_of(message) != ""


@recorded_as("sandbox/stream", "anthropic")
def test_sandbox_stream(messages_cassette: Session) -> None:
    with anthropic.Anthropic() as client, client.messages.stream(**question("Count to five.")) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == text_of(message) != ""
    kinds = [event.type for event in messages_cassette.calls[0].events]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")


@recorded_as("sandbox/tool_loop", "anthropic")
def test_sandbox_tool_loop(messages_cassette: Session) -> None:
    turns: list[Any] = [{"role": "user", "content": "What is the weather in Ghent?"}]
    asked = question("") | {"messages": turns, "tools": [WEATHER]}
    with anthropic.Anthropic() as client:
        with client.messages.stream(**asked) as stream:
            calls = stream.get_final_message()
        use: Any = calls.content[-1]
        turns.append({"role": "assistant", "content": [block.to_dict() for block in calls.content]})
        turns.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "rain"}]})
        answer = client.messages.create(**asked)
    assert (calls.stop_reason, use.name, list(use.input)) == ("tool_use", "get_weather", ["city"])
    assert answer.stop_reason == "end_turn"
    assert len(messages_cassette.calls) == 2


@recorded_as("sandbox/thinking", "anthropic")
def test_sandbox_thinking(messages_client: MessagesClient) -> None:
    asked = question("Which is larger, 9.9 or 9.11?", thinking={"type": "adaptive"})
    with messages_client.stream(**{**asked, "max_tokens": 2048}) as stream:
        message = stream.read()
    assert [block.type for block in message.content] == ["thinking", "text"]


@recorded_as("sandbox/structured", "anthropic")
def test_sandbox_structured_output(messages_client: MessagesClient) -> None:
    output = {"format": {"type": "json_schema", "schema": PERSON}}
    message = messages_client.create(**question("Invent a person.", output_config=output))
    assert message.stop_reason == "end_turn"


@recorded_as("sandbox/count_tokens", "anthropic")
def test_sandbox_count_tokens(messages_client: MessagesClient) -> None:
    asked = question("How many tokens are these?")
    del asked["max_tokens"]
    assert messages_client.count_tokens(**asked).input_tokens > 0


@recorded_as("sandbox/retry", "anthropic")
def test_sandbox_error_before_a_retry(messages_cassette: Session) -> None:
    with anthropic.Anthropic(max_retries=1) as client:
        message = client.messages.create(**question("sandbox: flaky 1"))
    assert message.stop_reason == "end_turn"
    assert [each.status for each in answers(messages_cassette)] == [529, 200]


@recorded_as("sandbox/error_in_stream", "anthropic")
def test_sandbox_error_in_a_stream(messages_client: MessagesClient) -> None:
    with (
        pytest.raises(ApiError) as caught,
        messages_client.stream(**question("sandbox: error 529 midstream after 4 events")) as stream,
    ):
        stream.read()
    assert caught.value.type == "overloaded_error"


@recorded_as("sandbox/dropped", "anthropic")
def test_sandbox_dropped_stream(messages_cassette: Session, server: str) -> None:
    seen: list[bytes] = []
    asked = question("sandbox: drop after 4 events", stream=True)
    headers = {"anthropic-version": "2023-06-01", "x-api-key": os.environ["ANTHROPIC_API_KEY"]}
    with (
        httpx.stream("POST", f"{server}/v1/messages", json=asked, headers=headers) as response,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        seen.extend(response.iter_bytes())
    assert b"".join(seen).count(b"event: ") == 4
    assert [call.ended for call in messages_cassette.calls] == ["dropped"]


@recorded_as("sandbox/shinzo", "shinzo")
def test_sandbox_shinzo_session(messages_client: MessagesClient, messages_cassette: Session) -> None:
    for user, text in (("ann", "Say hello."), ("bob", "Say hello."), ("ann", "Say goodbye.")):
        messages_client.create(**question(text, metadata={"user_id": f"user_{user}_session_1"}))
    first, second, third = (call.group for call in messages_cassette.calls)
    assert first == third != second


@recorded_as("sandbox/shuyou", "shuyou")
def test_sandbox_shuyou_stream(messages_client: MessagesClient) -> None:
    with messages_client.stream(**question("sandbox: say Hello from afar.") | {"model": SHUYOU.model}) as stream:
        assert text_of(stream.read()) == "Hello from afar."


# llama.cpp, with a real model

CAPITAL = question("What is the capital of France?") | {"model": "gemma-3-270m", "max_tokens": 24}
STORY = question("Tell me a story about a fox.") | {"model": "gemma-3-270m", "max_tokens": 24}


@recorded_as("llama.cpp/json_and_stream", "compatible")
def test_llama_says_the_same_in_one_piece_and_streamed(messages_cassette: Session) -> None:
    with anthropic.Anthropic(max_retries=0) as client:
        message = client.messages.create(**STORY)
        with client.messages.stream(**STORY) as stream:
            streamed = stream.get_final_message()
    # The stream has come as far as the line break that ends the answer before the server knows it for the end.
    assert text_of(message).rstrip() == text_of(streamed).rstrip()
    assert text_of(message).strip() != ""
    assert message.usage.output_tokens == streamed.usage.output_tokens > 0
    assert [each.is_stream for each in answers(messages_cassette)] == [False, True]


@recorded_as("llama.cpp/conversation", "compatible")
def test_llama_conversation(messages_cassette: Session) -> None:
    async def talk() -> list[str]:
        turns: list[Any] = []
        async with anthropic.AsyncAnthropic(max_retries=0) as client:
            for text in ("What is the capital of France?", "And of Belgium?"):
                turns.append({"role": "user", "content": text})
                async with client.messages.stream(**CAPITAL | {"messages": turns}) as stream:
                    turns.append({"role": "assistant", "content": await stream.get_final_text()})
        return [turn["content"] for turn in turns]

    said = asyncio.run(talk())
    assert len(said) == 4
    assert [text_of(call.message) for call in messages_cassette.calls] == [said[1], said[3]]


@recorded_as("llama.cpp/count_tokens", "compatible")
def test_llama_counts_tokens(messages_cassette: Session) -> None:
    with anthropic.Anthropic(max_retries=0) as client:
        counted = client.messages.count_tokens(model=CAPITAL["model"], messages=CAPITAL["messages"])
    assert counted.input_tokens > 0
    # Counting is free: it is no usage.
    assert messages_cassette.usage == {"input_tokens": 0, "output_tokens": 0}


@recorded_as("llama.cpp/max_tokens", "compatible")
def test_llama_stops_at_max_tokens(messages_client: MessagesClient) -> None:
    with messages_client.stream(**{**STORY, "max_tokens": 3}) as stream:
        message = stream.read()
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 3)


@recorded_as("llama.cpp/wrong_key", "compatible")
def test_llama_refuses_a_wrong_key(messages_cassette: Session) -> None:
    with anthropic.Anthropic(max_retries=0, api_key="not-the-key") as client:
        with pytest.raises(anthropic.AuthenticationError):
            client.messages.create(**CAPITAL)


@recorded_as("llama.cpp/closed", "compatible")
def test_llama_stream_that_the_client_closes(messages_cassette: Session) -> None:
    with anthropic.Anthropic(max_retries=0) as client, client.messages.stream(**STORY) as stream:
        first = next(stream.text_stream)
    assert first != ""
    assert [call.ended for call in messages_cassette.calls] == ["closed"]


# What comes with the project


def of_the_project() -> list[Path]:
    return list(store.cassettes(CASSETTES))


def test_every_cassette_of_the_project_is_judged_as_what_was_recorded() -> None:
    findings = [
        (found.cassette, found.violation)
        for checked in at_rest.check_files(of_the_project())
        for found in checked.found
        if found.violation.level is Level.VIOLATION
    ]
    assert findings == []


def test_every_cassette_of_the_project_belongs_to_a_test(request: pytest.FixtureRequest) -> None:
    names = {
        mark.args[0]
        for item in request.session.items
        for mark in item.iter_markers("messages")
        if item.path == Path(__file__)
    }
    files = {path.relative_to(CASSETTES).with_suffix("").as_posix() for path in of_the_project()}
    assert len(files) >= 16
    assert names <= files
    if len(names) > 1:  # a run of this one test has collected no others
        assert files == names


def test_no_cassette_of_the_project_holds_a_key() -> None:
    for path in of_the_project():
        assert "sk-ant-" not in path.read_text(encoding="utf-8"), path


def test_the_readme_names_every_cassette_and_shows_one_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (CASSETTES / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"(?m)^\| `([^`]+[^/])` \|", readme)
    assert sorted(named) == [path.relative_to(CASSETTES).with_suffix("").as_posix() for path in of_the_project()]
    assert main.main(["show", str(CASSETTES / "llama.cpp" / "conversation.yaml")]) == 0
    assert capsys.readouterr().out.strip() in readme


def test_recording_again_gives_the_same_files_but_for_dates_ports_and_chunks(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, CASSETTES / "record.py", "--into", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    again = {path.name: path for path in (tmp_path / "sandbox").iterdir()}
    before = {path.name: path for path in (CASSETTES / "sandbox").iterdir()}
    assert again.keys() == before.keys()
    for name, path in before.items():
        assert _timeless(again[name]) == _timeless(path), name


def _timeless(path: Path) -> str:
    """Take out of a cassette what another run has otherwise: when, at which port, and how the network cut it up."""
    text = path.read_bytes().decode()
    text = re.sub(r"(?m)^(    uri: http://127\.0\.0\.1):\d+", r"\1:0", text)
    text = re.sub(r"(?m)^    at: '[^']+'$", "    at: then", text)
    return re.sub(r"(?m)^    chunks: .*$", "    chunks: some", text)
