"""Threads: the sandbox holds the conversation, as the API does, so that the SDK's tool runner works on it."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anthropic
import httpx
import pytest

from pytest_messages.cassette import writing
from pytest_messages.cassette.document import Cassette, Interaction, Recording
from pytest_messages.commands import at_rest
from pytest_messages.judge import check
from pytest_messages.providers import PROVIDERS, request_headers
from pytest_messages.sandbox import serve
from pytest_messages.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Suite

    from pytest_messages.sandbox import Sandbox

BETA = "message-threads-2026-08-12"
MODEL = "claude-sonnet-5"
ASK: dict[str, Any] = {"model": MODEL, "max_tokens": 200}
QUESTION: Any = {"role": "user", "content": "What is the weather in Oslo?"}
MORE = {"role": "user", "content": "And tomorrow?"}


@anthropic.beta_tool
def get_weather(city: str) -> str:
    """Tell the weather."""
    return f"rain in {city}"


@anthropic.beta_async_tool
async def get_weather_later(city: str) -> str:
    """Tell the weather."""
    return f"rain in {city}"


@pytest.fixture
def server() -> Iterator[Sandbox]:
    with serve() as sandbox:
        yield sandbox


def post(
    server: Sandbox, *messages: Any, after: str | None = None, timeout: float = 5, **fields: Any
) -> httpx.Response:
    """Send a turn of a thread: the first, or the one that goes on from the answer with the id ``after``."""
    thread = {"type": "create"} if after is None else {"type": "continue", "previous_message_id": after}
    provider = PROVIDERS["anthropic"]
    headers = {**dict(request_headers(provider, server.environ)), "anthropic-beta": BETA}
    body = {**ASK, "messages": messages, "thread": thread, **fields}
    return httpx.post(f"{server.url}/v1/messages", json=body, headers=headers, timeout=timeout)


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["details"]["error_code"]


# --- the official SDK ---------------------------------------------------------------------------------------------


def said(messages: list[Any]) -> list[tuple[str, str]]:
    return [(each.stop_reason, each.content[0].text) for each in messages]


SYNC = [("tool_use", "I'll use get_weather for that."), ("end_turn", "The tool answered: rain in Oslo.")]
ASYNC = [("tool_use", "I'll use get_weather_later for that."), SYNC[1]]


@pytest.mark.parametrize("stream", [False, True])
def test_the_tool_runner_of_the_sdk_runs_on_threads(server: Sandbox, *, stream: bool) -> None:
    client = anthropic.Anthropic(base_url=server.url, api_key=server.key, max_retries=0)
    runner: Any = client.beta.messages.tool_runner(tools=[get_weather], messages=[QUESTION], stream=stream, **ASK)
    answers = [each.get_final_message() if stream else each for each in runner]
    assert said(answers) == SYNC
    threads = [json.loads(each.body)["thread"] for each in server.requests]
    assert threads == [{"type": "create"}, {"type": "continue", "previous_message_id": answers[0].id}]


@pytest.mark.parametrize("stream", [False, True])
def test_so_does_the_async_one(server: Sandbox, *, stream: bool) -> None:
    async def run() -> list[Any]:
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key=server.key, max_retries=0) as client:
            runner: Any = client.beta.messages.tool_runner(
                tools=[get_weather_later], messages=[QUESTION], stream=stream, **ASK
            )
            return [await each.get_final_message() if stream else each async for each in runner]

    assert said(asyncio.run(run())) == ASYNC


def test_the_runner_is_recorded_judged_strictly_and_replayed(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", suite.server.url)
    before = suite.sent()
    suite.write(
        '''
        import anthropic

        @anthropic.beta_tool
        def get_weather(city: str) -> str:
            """Tell the weather."""
            return f"rain in {city}"

        @pytest.mark.messages(conformance="strict")
        @pytest.mark.parametrize("stream", [False, True])
        def test_it(stream):
            client = anthropic.Anthropic(base_url=os.environ["SANDBOX"], max_retries=0)
            runner = client.beta.messages.tool_runner(
                model="claude-sonnet-5", max_tokens=200, tools=[get_weather], stream=stream,
                messages=[{"role": "user", "content": "What is the weather in Oslo?"}],
            )
            answers = [each.get_final_message() if stream else each for each in runner]
            assert answers[-1].content[0].text == "The tool answered: rain in Oslo."

        @pytest.mark.messages(conformance="strict")
        def test_the_client(messages_client):
            ask = {"model": "claude-sonnet-5", "max_tokens": 200, "betas": ["message-threads-2026-08-12"]}
            tool = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
            first = messages_client.create(
                messages=[{"role": "user", "content": "Use it."}], tools=[tool], thread={"type": "create"}, **ask
            )
            use = first.content[-1]
            result = {"type": "tool_result", "tool_use_id": use.id, "content": "done"}
            second = messages_client.create(
                messages=[{"role": "user", "content": [result]}],
                thread={"type": "continue", "previous_message_id": first.id}, **ask
            )
            assert second.content[0].text == "The tool answered: done."
        '''
    )
    suite.run("--messages-record=rewrite", passed=3)
    sent = suite.sent()
    suite.run("--messages-record=none", passed=3)
    assert suite.sent() == sent == before + 6


# --- what the API documents ---------------------------------------------------------------------------------------


def test_a_continued_turn_is_answered_and_counted_as_the_whole_conversation(server: Sandbox) -> None:
    first = post(server, QUESTION, system="Be brief.").json()
    second = post(server, MORE, after=first["id"]).json()
    answer = {"role": "assistant", "content": first["content"]}
    whole = post(server, QUESTION, answer, MORE, system="Be brief.").json()
    assert second == whole
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]
    # The turn after that goes on from the new answer.
    assert post(server, MORE, after=second["id"]).status_code == 200


def test_an_answer_that_nobody_gave_is_not_found(server: Sandbox) -> None:
    assert code(post(server, MORE, after="msg_nobody")) == (404, "thread_not_found")
    # One that was given outside of threads is none either.
    provider = PROVIDERS["anthropic"]
    headers = dict(request_headers(provider, server.environ))
    plain = httpx.post(f"{server.url}/v1/messages", json={**ASK, "messages": [MORE]}, headers=headers).json()
    assert code(post(server, MORE, after=plain["id"])) == (404, "thread_not_found")


def test_an_answer_is_continued_as_often_as_it_was_given(server: Sandbox) -> None:
    first, again = post(server, QUESTION).json()["id"], post(server, QUESTION).json()["id"]
    assert first == again
    assert [post(server, MORE, after=first).status_code for _ in range(2)] == [200, 200]
    assert code(post(server, MORE, after=first)) == (400, "thread_already_continued")


def test_while_one_request_goes_on_another_cannot(server: Sandbox) -> None:
    first = post(server, QUESTION).json()["id"]
    slow = {"role": "user", "content": "sandbox: wait 1s"}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, server, slow, after=first)
        while len(server.requests) < 2:
            time.sleep(0.01)
        assert code(post(server, MORE, after=first)) == (400, "thread_continue_in_flight")
        assert waiting.result().status_code == 200
    assert code(post(server, MORE, after=first)) == (400, "thread_already_continued")


@pytest.mark.parametrize(
    ("handle", "fields"),
    [
        ("error 529", {}),
        ("drop", {}),
        ("error 529 midstream", {"stream": True}),
        ("drop after 2 events", {"stream": True}),
        ("no such handle", {}),
    ],
)
def test_a_turn_that_failed_can_be_sent_again(server: Sandbox, handle: str, fields: dict[str, Any]) -> None:
    first = post(server, QUESTION).json()["id"]
    with suppress(httpx.TransportError):
        post(server, {"role": "user", "content": f"sandbox: {handle}"}, after=first, **fields)
    assert post(server, MORE, after=first).status_code == 200


def test_what_was_fixed_when_the_thread_began_stays_as_it_was(server: Sandbox) -> None:
    first = post(server, QUESTION, system="Be brief.").json()["id"]
    for field in ({"system": "Be rude."}, {"output_config": {"effort": "low"}}):
        refused = post(server, MORE, after=first, **field)
        assert code(refused) == (400, "thread_fingerprint_mismatch")
        assert f"differing field(s): {next(iter(field))}" in refused.json()["error"]["message"]
    assert post(server, MORE, after=first, system="Be brief.", max_tokens=7).status_code == 200


def test_what_threads_do_not_support_is_refused_by_name(server: Sandbox) -> None:
    refused = post(server, QUESTION, thinking={"type": "adaptive"})
    assert code(refused) == (400, "thread_unsupported_request")
    assert refused.json()["error"]["details"]["unsupported"] == ["thinking"]
    assert post(server, QUESTION, thinking={"type": "disabled"}).status_code == 200


def test_a_result_that_answers_no_use_of_the_thread_is_refused(server: Sandbox) -> None:
    first = post(server, QUESTION).json()["id"]
    result = {"type": "tool_result", "tool_use_id": "toolu_nobody", "content": "x"}
    refused = post(server, {"role": "user", "content": [result]}, after=first)
    assert refused.status_code == 400
    assert "no tool_use of the turn before" in refused.json()["error"]["message"]


def test_a_tool_of_the_thread_can_be_forced_in_a_later_turn_and_no_other(server: Sandbox) -> None:
    tool = {"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}
    first = post(server, QUESTION, tools=[tool], tool_choice={"type": "none"}).json()["id"]
    other = post(server, MORE, after=first, tool_choice={"type": "tool", "name": "nothing"})
    assert other.status_code == 400
    forced = post(server, MORE, after=first, tool_choice={"type": "tool", "name": "get_weather"})
    assert [block["type"] for block in forced.json()["content"]] == ["tool_use"]


def test_a_client_that_goes_away_within_a_turn_can_send_it_again(server: Sandbox) -> None:
    first = post(server, QUESTION).json()["id"]
    for _ in range(3):
        with pytest.raises(httpx.ReadTimeout):
            post(server, {"role": "user", "content": "sandbox: wait 20s"}, after=first, timeout=0.3)
    deadline = time.monotonic() + 5
    while (answer := post(server, MORE, after=first)).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert answer.status_code == 200


# --- judged ---------------------------------------------------------------------------------------------------------


def turn(response: httpx.Response) -> Interaction:
    sent = response.request
    asked = Request(sent.method, str(sent.url), tuple(sent.headers.items()), sent.content)
    answered = Response(response.status_code, "OK", tuple(response.headers.items()), response.content)
    return Interaction(asked, (answered, Recording()))


def test_the_judge_reads_a_continued_turn_with_the_answer_before_it_or_not_at_all(server: Sandbox) -> None:
    tool = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
    first = post(server, QUESTION, tools=[tool])
    use = first.json()["content"][-1]["id"]
    right = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use, "content": "x"}]}
    second = turn(post(server, right, after=first.json()["id"]))
    wrong = Request(
        "POST", second.request.url, second.request.headers, second.request.body.replace(use.encode(), b"toolu_wrong")
    )
    anthropic_profile = PROVIDERS["anthropic"]
    assert check(second, anthropic_profile, earlier=[turn(first)]) == ()
    assert check(second, anthropic_profile) == ()
    broken = Interaction(wrong, second.answer)
    found = check(broken, anthropic_profile, earlier=[turn(first)])
    assert "request.tool-result-id" in {each.rule for each in found}
    assert check(broken, anthropic_profile) == ()


def test_so_does_the_check_of_a_cassette(server: Sandbox, tmp_path: Path) -> None:
    tool = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
    first = post(server, QUESTION, tools=[tool])
    use = first.json()["content"][-1]["id"]
    right = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use, "content": "x"}]}
    second = turn(post(server, right, after=first.json()["id"]))
    body = second.request.body.replace(use.encode(), b"toolu_wrong")
    broken = Interaction(replace(second.request, body=body), second.answer)
    for name, later, rules in (("right", second, set()), ("wrong", broken, {"request.tool-result-id"})):
        path = tmp_path / f"{name}.yaml"
        path.write_bytes(writing.dump(Cassette(interactions=(turn(first), later))).encode())
        (checked,) = at_rest.check_files([path])
        assert {each.violation.rule for each in checked.found} >= rules
        assert (not rules) is ("request.tool-result-id" not in {each.violation.rule for each in checked.found})
