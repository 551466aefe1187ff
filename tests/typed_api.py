"""The public names as a type checker sees them. Nothing runs this file: mypy reads it.

What is right is said with `assert_type`; what is wrong stands behind an ignore that mypy would call unused if it were
not refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, assert_type

import httpx

from pytest_messages import (
    ApiError,
    AsyncMessagesClient,
    ConformanceError,
    CredentialError,
    Level,
    MessagesClient,
    MessagesError,
    RecordMode,
    Refused,
    Session,
    Settings,
    StreamError,
    UnsupportedFieldError,
    Violation,
    assert_conforms,
    use_cassette,
)
from pytest_messages.api import schema
from pytest_messages.api.schema.request import AssistantMessageParam, MessageParam
from pytest_messages.client import AsyncMessageStream, CountParams, CreateParams, MessageStream, as_turn
from pytest_messages.providers import ANTHROPIC

if TYPE_CHECKING:
    import anthropic
    import httpx2
    import requests

    from pytest_messages.cassette.document import Interaction

MODEL = "claude-sonnet-5"
HELLO: list[MessageParam] = [{"role": "user", "content": "Hello"}]


# The client


def create(client: MessagesClient) -> None:
    assert_type(client.create(model=MODEL, max_tokens=1, messages=HELLO), schema.Message)
    assert_type(client.create(model=MODEL, max_tokens=1, messages=HELLO, stream=False), schema.Message)
    assert_type(client.create(model=MODEL, max_tokens=1, messages=HELLO, stream=True), MessageStream)
    assert_type(client.for_provider("shuyou"), MessagesClient)
    assert_type(client.for_provider(ANTHROPIC), MessagesClient)


def create_in_full(client: MessagesClient) -> None:
    message = client.create(
        model=MODEL,
        max_tokens=1024,
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "1"}]},
        ],
        system=[{"type": "text", "text": "Be brief."}],
        tools=[{"name": "add", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}],
        tool_choice={"type": "tool", "name": "add"},
        thinking={"type": "enabled", "budget_tokens": 1024},
        metadata={"user_id": "me"},
        stop_sequences=["."],
        temperature=0.5,
        betas=["a-2026-01-01"],
        user_profile_id="uprof_1",
        workspace_id="wrkspc_1",
        anthropic_version="2023-06-01",
    )
    assert_type(message.content[0].type, str)
    assert_type(message.usage.output_tokens, int)
    assert_type(as_turn(message), AssistantMessageParam)
    client.create(model=MODEL, max_tokens=1, messages=[*HELLO, as_turn(message)])


def parameters(client: MessagesClient) -> None:
    asked: CreateParams = {"model": MODEL, "max_tokens": 1, "messages": HELLO}
    assert_type(client.create(**asked), schema.Message)
    assert_type(client.stream(**asked), MessageStream)
    counted: CountParams = {"model": MODEL, "messages": HELLO}
    assert_type(client.count_tokens(**counted), schema.TokenCount)


def refused_parameters(client: MessagesClient, *, flag: bool) -> None:
    client.create(max_tokens=1, messages=HELLO)  # type: ignore[call-overload]
    client.create(model=MODEL, messages=HELLO)  # type: ignore[call-overload]
    client.create(model=MODEL, max_tokens=1)  # type: ignore[call-overload]
    client.create(model=MODEL, max_tokens="1", messages=HELLO)  # type: ignore[call-overload]
    client.create(model=MODEL, max_tokens=1, messages=HELLO, nonsense=1)  # type: ignore[call-overload]
    client.create(model=MODEL, max_tokens=1, messages=HELLO, stream=flag)  # type: ignore[call-overload]
    client.create(MODEL, max_tokens=1, messages=HELLO)  # type: ignore[call-overload]
    client.stream(model=MODEL, max_tokens=1, messages=HELLO, stream=True)  # type: ignore[call-arg]
    client.stream(model=MODEL, max_tokens=1)  # type: ignore[call-arg]
    client.stream(model=1, max_tokens=1, messages=HELLO)  # type: ignore[arg-type]
    client.stream(model=MODEL, max_tokens=1, messages=HELLO, service_tier="best")  # type: ignore[arg-type]
    client.stream(model=MODEL, max_tokens=1, messages=HELLO, betas=1)  # type: ignore[arg-type]
    client.stream(model=MODEL, max_tokens=1, messages=HELLO, metadata={"user": "me"})  # type: ignore[typeddict-unknown-key]
    client.stream(model=MODEL, max_tokens=1, messages=HELLO, tool_choice={"type": "all"})  # type: ignore[misc, arg-type]
    client.stream(model=MODEL, max_tokens=1, messages=[{"role": "robot", "content": "Hi"}])  # type: ignore[misc, list-item]
    client.count_tokens(model=MODEL, messages=HELLO, max_tokens=1)  # type: ignore[call-arg]
    client.for_provider(1)  # type: ignore[arg-type]


def stream(client: MessagesClient) -> None:
    with client.stream(model=MODEL, max_tokens=1, messages=HELLO) as opened:
        assert_type(opened, MessageStream)
        for event in opened:
            assert_type(event, schema.StreamEvent)
        assert_type(opened.text_deltas(), Iterator[str])
        assert_type(opened.message, schema.Message)
        assert_type(opened.read(), schema.Message)
        assert_type(opened.text, str)
        assert_type(opened.response, httpx.Response)
        opened.text = ""  # type: ignore[misc]


def events(event: schema.StreamEvent) -> str:
    match event:
        case schema.ContentBlockDeltaEvent(delta=schema.TextDelta() as delta):
            return assert_type(delta.text, str)
        case schema.MessageDeltaEvent():
            return str(assert_type(event.usage.output_tokens, int))
        case schema.ErrorEvent():
            return assert_type(event.error.message, str)
        case schema.UnknownEvent():
            return assert_type(event.type, str)
        case _:
            return str(event.nonsense)  # type: ignore[union-attr]


def raw(client: MessagesClient) -> None:
    assert_type(client.raw({"model": 1}), httpx.Response)
    assert_type(client.raw(json=[], headers={"x-api-key": None}, path="/v1/models", method="GET"), httpx.Response)
    assert_type(client.raw(content=b"{"), httpx.Response)
    client.raw(content={})  # type: ignore[arg-type]
    client.raw({}, b"")  # type: ignore[call-arg]
    client.raw(headers={"x-api-key": 1})  # type: ignore[dict-item]


def made(session: Session) -> None:
    assert_type(MessagesClient.of(session), MessagesClient)
    assert_type(MessagesClient.of(session, provider="shinzo"), MessagesClient)
    assert_type(AsyncMessagesClient.of(session, provider=ANTHROPIC), AsyncMessagesClient)
    MessagesClient.of("session")  # type: ignore[arg-type]
    with MessagesClient.of(session) as client:
        assert_type(client, MessagesClient)


# The async client


async def async_calls(client: AsyncMessagesClient) -> None:
    assert_type(await client.create(model=MODEL, max_tokens=1, messages=HELLO), schema.Message)
    assert_type(client.create(model=MODEL, max_tokens=1, messages=HELLO, stream=True), AsyncMessageStream)
    assert_type(await client.count_tokens(model=MODEL, messages=HELLO), schema.TokenCount)
    assert_type(await client.raw({}), httpx.Response)
    assert_type(client.for_provider("shuyou"), AsyncMessagesClient)
    client.create(model=MODEL, max_tokens=1, messages=HELLO).content  # type: ignore[attr-defined]  # noqa: B018 - an await is missing
    await client.create(model=MODEL, max_tokens=1, messages=HELLO, stream=True)  # type: ignore[misc]
    await client.create(model=MODEL, max_tokens=1)  # type: ignore[call-overload]
    client.stream(model=MODEL, max_tokens=1, messages=HELLO, nonsense=1)  # type: ignore[call-arg]


async def async_stream(client: AsyncMessagesClient) -> None:
    async with client.stream(model=MODEL, max_tokens=1, messages=HELLO) as opened:
        assert_type(opened, AsyncMessageStream)
        async for event in opened:
            assert_type(event, schema.StreamEvent)
        assert_type(opened.text_deltas(), AsyncIterator[str])
        assert_type(await opened.read(), schema.Message)
        assert_type(opened.message, schema.Message)
        assert_type(opened.text, str)
        for _ in opened:  # type: ignore[attr-defined]
            pass
    with client.stream(model=MODEL, max_tokens=1, messages=HELLO):  # type: ignore[attr-defined]
        pass


# The judge


def judged(
    response: httpx.Response,
    response2: httpx2.Response,
    foreign: requests.Response,
    sdk: anthropic.types.Message,
    session: Session,
    recorded: Interaction,
) -> None:
    assert_type(assert_conforms(response), tuple[Violation, ...])
    assert_conforms(response2, provider="shuyou", rules=["-message.shape"], strict=True)
    assert_conforms(foreign, provider=ANTHROPIC)
    assert_conforms(sdk, request={"model": MODEL}, version="2026-10-21")
    assert_conforms(session.calls[0])
    assert_conforms(recorded)
    assert_conforms({"type": "message"})
    assert_conforms('{"type": "message"}')
    assert_conforms(b"event: ping\n\n")
    assert_conforms(1)  # type: ignore[arg-type]
    assert_conforms(None)  # type: ignore[arg-type]
    assert_conforms(["message"])  # type: ignore[arg-type]
    assert_conforms({}, {})  # type: ignore[call-arg]
    assert_conforms({}, rules="-message.shape")  # type: ignore[arg-type]
    assert_conforms({}, provider=1)  # type: ignore[arg-type]


# Sessions, settings and errors


def sessions() -> None:
    with use_cassette("talk.yaml", record="none") as session:
        assert_type(session, Session)
        assert_type(session.calls[0].message, schema.Message | None)
        assert_type(session.calls[0].events, tuple[schema.StreamEvent, ...])
        assert_type(session.mode, RecordMode)
        assert_type(session.violations, tuple[Violation, ...])
        session.calls = ()  # type: ignore[misc]


def settings() -> None:
    assert_type(Settings(record="none"), Settings)
    assert_type(Settings().mode, RecordMode)


def errors(
    api: ApiError, conformance: ConformanceError, key: CredentialError, field: UnsupportedFieldError, cut: StreamError
) -> None:
    assert_type(api.status, int)
    assert_type(api.type, str | None)
    assert_type(api.request_id, str | None)
    assert_type(api.retry_after, float | None)
    assert_type(api.body, object)
    assert_type(conformance.violations[0].level, Level)
    assert_type(key.variables, tuple[str, ...])
    assert_type((field.field, field.provider, field.source), tuple[str, str, str])
    assert_type(cut.offset, int)
    as_assertion: AssertionError = conformance
    bases: tuple[MessagesError, ...] = (api, conformance, key, field, cut)
    del as_assertion, bases


def refusals(refused: Refused) -> None:
    assert_type(refused.error, MessagesError)
    ordinary: Exception = refused  # type: ignore[assignment]
    del ordinary
