"""The official SDK asks what was recorded: every question as a value, a sync and an async shell, and what they saw."""

from __future__ import annotations

import asyncio
import inspect
import json
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import anthropic
import httpx2
from anthropic import _types as sdk_types
from anthropic import types
from anthropic.lib import streaming
from anthropic.types import beta

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from .exchanges import Exchange

KEY = "sk-ant-" + "api03-" + "r" * 80
AT_ONCE = 8
"""How many questions the async shell asks side by side."""

_KEPT = ("anthropic-version", "anthropic-beta")
_AS_RAISED = (anthropic.AnthropicError, httpx2.HTTPError, AssertionError, json.JSONDecodeError)
"""How the SDK speaks of trouble; it asserts that a message has begun, and lets damaged JSON through as it is."""


@dataclass(frozen=True, slots=True)
class Family:
    """The classes in which the SDK reads the answers of one of its two resources."""

    message: Any
    count: Any
    event: Any
    stream: Any
    async_stream: Any


STABLE = Family(
    types.Message,
    types.MessageTokensCount,
    types.RawMessageStreamEvent,
    streaming.MessageStream,
    streaming.AsyncMessageStream,
)
BETA = Family(
    beta.BetaMessage,
    beta.BetaMessageTokensCount,
    beta.BetaRawMessageStreamEvent,
    streaming.BetaMessageStream,
    streaming.BetaAsyncMessageStream,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask the SDK for. ``typed`` asks by the SDK's own method, else the recorded body is posted as it is.

    ``stop_after`` closes a stream after so many of the SDK's events.
    """

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    is_beta: bool = False
    typed: bool = False
    stop_after: int | None = None
    timeout: float = 60

    @property
    def streams(self) -> bool:
        return isinstance(self.body, dict) and bool(self.body.get("stream"))

    @property
    def family(self) -> Family:
        return BETA if self.is_beta else STABLE

    @property
    def verb(self) -> str:
        if urlsplit(self.path).path.endswith("/count_tokens"):
            return "count_tokens"
        return "stream" if self.streams else "create"


@dataclass(frozen=True, slots=True)
class Seen:
    """What an application saw of one answer: the bytes, the SDK's events, and its last word, a message or an error."""

    status: int
    raw: bytes
    events: tuple[str, ...]
    outcome: str


@dataclass(slots=True)
class _Tap:
    """The bytes of one answer as its client got them."""

    status: int = 0
    pieces: list[bytes] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    outcome: str = ""

    @property
    def seen(self) -> Seen:
        return Seen(self.status, b"".join(self.pieces), tuple(self.events), self.outcome)

    def take(self, event: Any, question: Question) -> bool:
        """Keep an event; tell whether it is the last that is wanted."""
        self.events.append(event.to_json(indent=None, warnings=False))
        return len(self.events) == question.stop_after

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what the block's answer says, and keep an error as what was seen."""
        token = _tap.set(self)
        try:
            yield
        except _AS_RAISED as error:
            told = [type(error).__name__, getattr(error, "status_code", None), getattr(error, "body", None)]
            self.outcome = json.dumps(told, default=str)
        finally:
            _tap.reset(token)


_tap: ContextVar[_Tap] = ContextVar("tap")


class _Heard(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    def __init__(self, inner: Any, tap: _Tap) -> None:
        self._inner, self._tap = inner, tap

    def __iter__(self) -> Iterator[bytes]:
        for data in self._inner:
            self._tap.pieces.append(data)
            yield data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._inner:
            self._tap.pieces.append(data)
            yield data

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()


def _hear(response: Any) -> None:
    tap = _tap.get()
    tap.status = response.status_code
    response.stream = _Heard(response.stream, tap)


async def _hear_async(response: Any) -> None:
    _hear(response)


# What is asked


def question_of(exchange: Exchange, *, typed: bool) -> Question:
    """Ask what an exchange asked; by the SDK's own method where it takes all of the body, else by its ``post``."""
    parts = urlsplit(exchange.url)
    query = f"?{parts.query}" if parts.query else ""
    asked = Question(
        method=exchange.method,
        path=f"{parts.path}{query}",
        body=exchange.request,
        headers={"anthropic-version": "2023-06-01"} | {k: v for k, v in exchange.asked_with if k in _KEPT},
        is_beta=parse_qs(parts.query).get("beta") == ["true"],
    )
    if typed and parts.path in {"/v1/messages", "/v1/messages/count_tokens"} and _takes(asked):
        return Question(asked.method, asked.path, asked.body, asked.headers, asked.is_beta, typed=True)
    return asked


def _takes(question: Question) -> bool:
    """Tell whether the SDK's method has a parameter for every field, and takes it as JSON."""
    wanted = set(question.body) - ({"stream"} if question.streams else set())
    return wanted <= _parameters(question.is_beta, question.verb) and "output_format" not in wanted


@cache
def _parameters(is_beta: bool, verb: str) -> frozenset[str]:
    client = anthropic.Anthropic(api_key=KEY)
    resource: Any = client.beta.messages if is_beta else client.messages
    return frozenset(inspect.signature(getattr(resource, verb)).parameters)


def _issue(client: Any, question: Question, stream_class: Any) -> Any:
    """Begin the call: an answer, or what has to be awaited for one."""
    family, headers = question.family, question.headers
    if question.typed:
        resource = client.beta.messages if question.is_beta else client.messages
        body = dict(question.body)
        if question.streams:
            del body["stream"]  # it is what the method's name says
        return getattr(resource, question.verb)(**body, extra_headers=headers, timeout=question.timeout)
    options = {"headers": headers, "timeout": question.timeout}
    if question.method == "GET":
        return client.get(question.path, cast_to=_listed(question), options=options)
    if question.streams:
        opened = stream_class[family.event]
        return client.post(
            question.path,
            cast_to=family.message,
            body=question.body,
            options=options,
            stream=True,
            stream_cls=opened,
        )
    return client.post(question.path, cast_to=_cast(question), body=question.body, options=options)


def _cast(question: Question) -> Any:
    if "/batches" in question.path:
        return types.messages.MessageBatch
    return question.family.count if question.verb == "count_tokens" else question.family.message


def _listed(question: Question) -> Any:
    return object if urlsplit(question.path).path.endswith("/batches") else types.messages.MessageBatch


def _told(answer: Any) -> str:
    return json.dumps(answer) if isinstance(answer, dict) else str(answer.to_json(indent=None, warnings=False))


# Who asks


def ask(url: str, questions: Sequence[Question]) -> list[Seen]:
    """Ask one after the other, with the sync client."""
    with (
        _of_its_time(),
        httpx2.Client(event_hooks={"response": [_hear]}) as http,
        anthropic.Anthropic(api_key=KEY, base_url=url, http_client=http, max_retries=0) as client,
    ):
        return [_ask(client, question) for question in questions]


def _ask(client: Any, question: Question) -> Seen:
    tap = _Tap()
    with tap.listening():
        answer = _issue(client, question, anthropic.Stream)
        if not question.streams:
            tap.outcome = _told(answer)
            return tap.seen
        with answer if question.typed else question.family.stream(answer, sdk_types.NOT_GIVEN) as stream:
            for event in stream:
                if tap.take(event, question):
                    return tap.seen
            tap.outcome = _told(stream.current_message_snapshot)
    return tap.seen


def ask_async(url: str, questions: Sequence[Question]) -> list[Seen]:
    """Ask several side by side, with the async client."""
    with _of_its_time():
        return asyncio.run(_ask_all(url, questions))


@contextmanager
def _of_its_time() -> Iterator[None]:
    """Let the SDK not warn of models that were new when they were asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


async def _ask_all(url: str, questions: Sequence[Question]) -> list[Seen]:
    room = asyncio.Semaphore(AT_ONCE)

    async def ask_one(question: Question) -> Seen:
        async with room:
            return await _ask_async(client, question)

    async with (
        httpx2.AsyncClient(event_hooks={"response": [_hear_async]}) as http,
        anthropic.AsyncAnthropic(api_key=KEY, base_url=url, http_client=http, max_retries=0) as client,
    ):
        return list(await asyncio.gather(*map(ask_one, questions)))


async def _ask_async(client: Any, question: Question) -> Seen:
    tap = _Tap()
    with tap.listening():
        begun = _issue(client, question, anthropic.AsyncStream)
        if not question.streams:
            tap.outcome = _told(await begun)
            return tap.seen
        opened = begun if question.typed else question.family.async_stream(await begun, sdk_types.NOT_GIVEN)
        async with opened as stream:
            async for event in stream:
                if tap.take(event, question):
                    return tap.seen
            tap.outcome = _told(stream.current_message_snapshot)
    return tap.seen
