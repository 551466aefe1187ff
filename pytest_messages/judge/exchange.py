"""One exchange before the judge: which rules concern it, and with how much weight."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from pytest_messages.api import jsons, schema, sse
from pytest_messages.api.stream import StreamState, accumulate, fold
from pytest_messages.findings import Level
from pytest_messages.judge.answer import Answer
from pytest_messages.judge.answer import rule as of_messages
from pytest_messages.judge.asked import Asked
from pytest_messages.judge.documentation import API, SSE, STREAMING
from pytest_messages.judge.error_answers import judge_error
from pytest_messages.judge.framing import frame
from pytest_messages.judge.grading import verdict
from pytest_messages.judge.order import walk
from pytest_messages.judge.requests import is_well_formed
from pytest_messages.judge.rules import Fault, declare, guarded
from pytest_messages.judge.shape import judge_events, judge_shape
from pytest_messages.judge.stop_reasons import stop_reason
from pytest_messages.judge.values import Json, objects, shown
from pytest_messages.wire import Ended, header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_messages.api.schema import Kind
    from pytest_messages.cassette.document import Interaction
    from pytest_messages.findings import Violation
    from pytest_messages.providers import Provider
    from pytest_messages.wire import Request, Response


INCOMPLETE_EVENT = declare(
    "stream.incomplete-event",
    Level.VIOLATION,
    SSE,
    "A reader drops an event that the stream ends within.",
    "S17",
    loses=True,
)
CUT = declare("stream.cut", Level.HINT, STREAMING, "The stream was cut and is judged as far as it goes.", "S17")
UNFINISHED = declare(
    "stream.unfinished", Level.VIOLATION, STREAMING, "A stream that has not failed ends in message_stop.", "S17 D5 D17"
)
JSON = declare("message.json", Level.VIOLATION, API, "The body is one JSON object.", "T3", loses=True)


class _Endpoint(NamedTuple):
    """What an endpoint takes and answers; None where the shape is none of ours."""

    method: str
    path: str
    request: Kind | None
    reply: Kind | None


_ENDPOINTS = (
    _Endpoint("POST", r"/v1/messages/count_tokens", "count_tokens_request", "token_count"),
    _Endpoint("POST", r"/v1/messages/batches", "batch_request", "batch"),
    _Endpoint("GET", r"/v1/messages/batches", None, "batches"),
    _Endpoint("GET", r"/v1/messages/batches/[^/]+/results", None, "batch_result"),
    _Endpoint("(?:GET|POST)", r"/v1/messages/batches/[^/]+(?:/cancel)?", None, "batch"),
    _Endpoint("DELETE", r"/v1/messages/batches/[^/]+", None, "batch_deleted"),
    _Endpoint("POST", r"/v1/messages", "request", "message"),
    _Endpoint("GET", r"/v1/models", None, "models"),
    _Endpoint("GET", r"/v1/models/[^/]+", None, "model"),
    # The cloud forms of the API name the model in the path, and the request differs in a few fields. Bedrock's streams
    # are framed in a way of their own, which nobody here reads.
    _Endpoint("POST", r"/model/[^/]*anthropic[^/]*/invoke", None, "message"),
    _Endpoint("POST", r"/publishers/anthropic/models/count-tokens:rawPredict", None, "token_count"),
    _Endpoint("POST", r"/publishers/anthropic/models/[^/]+:(?:stream)?[rR]awPredict", None, "message"),
)

_FIRST_ERROR = 400
_OK = range(200, 300)


def check(
    interaction: Interaction, provider: Provider, *, rules: Iterable[str] = (), earlier: Iterable[Interaction] = ()
) -> tuple[Violation, ...]:
    """Judge one interaction by all rules, gravest finding first, then in order of place.

    ``rules`` are entries of the setting `messages_rules`. ``earlier`` are interactions of the same conversation, whose
    thinking this one must give back unchanged. Total: nothing that crossed the wire makes it raise.
    """
    rules = tuple(rules)
    request, response = interaction.request, interaction.response
    endpoint = _endpoint(request)
    asked = _asked(request, endpoint, provider)
    if b"thinking" in request.body or asked.continues:  # what is compared with what was said before
        asked = replace(asked, earlier=_messages(earlier))
    replied = verdict(guarded(_reply(response, endpoint, asked, provider), "a rule", "reply"), provider, rules=rules)
    grade = _request_grade(response.status)
    likely = _likely(guarded(is_well_formed(asked), "a rule", "request"), response.status)
    requested = verdict(likely, provider, rules=rules, at_most=grade)
    return tuple(sorted((*replied, *requested), key=lambda violation: violation.level))


def judge_request(
    body: object, provider: Provider, *, version: str = schema.VERSIONS[0], rules: Iterable[str] = ()
) -> tuple[Violation, ...]:
    """Judge the parsed body of a create request before it is sent, with full weight."""
    asked = Asked(body=body if isinstance(body, dict) else {}, version=version, unreadable=not isinstance(body, dict))
    return verdict(guarded(is_well_formed(asked), "a rule", "request"), provider, rules=rules)


def judge_body(
    body: bytes | str | Json,
    provider: Provider,
    *,
    request: Json | None = None,
    status: int = 200,
    stream: bool | None = None,
    rules: Iterable[str] = (),
) -> tuple[Violation, ...]:
    """Judge a reply by itself: a message, error, batch or token count as parsed JSON or text, or the text of a stream.

    ``request`` is the body of the request where it is known, which lets the promises be judged. What the body is, a
    stream or which kind of object, is told by its looks unless ``stream`` says it.
    """
    if isinstance(body, dict):
        faults = _object(body, request or {}, status, provider)
    else:
        raw = body.encode(errors="surrogatepass") if isinstance(body, str) else body
        if stream or (stream is None and _looks_like_a_stream(raw)):
            faults = _stream(raw, request or {}, Ended.COMPLETE)
        else:
            faults = _object(jsons.read(raw), request or {}, status, provider)
    return verdict(guarded(faults, "a rule", "reply"), provider, rules=rules)


def _messages(interactions: Iterable[Interaction]) -> tuple[Json, ...]:
    """Return the messages that interactions brought, streamed or not."""
    messages = [_message(each.response.body, is_stream=each.response.is_stream) for each in interactions]
    return tuple(message for message in messages if isinstance(message, dict))


# Each turn of a long conversation asks for all answers before it.
@lru_cache(maxsize=256)
def _message(body: bytes, *, is_stream: bool) -> Any:
    return fold(sse.decode(body)) if is_stream or _looks_like_a_stream(body) else jsons.read(body)


def _endpoint(request: Request) -> _Endpoint | None:
    try:
        path = urlsplit(request.url).path.rstrip("/")
    except ValueError:
        return None
    return next(
        (
            endpoint
            for endpoint in _ENDPOINTS
            if re.fullmatch(endpoint.method, request.method.upper()) and re.search(f"{endpoint.path}$", path)
        ),
        None,
    )


def _asked(request: Request, endpoint: _Endpoint | None, provider: Provider) -> Asked:
    """Read the request; one that is no JSON object is empty, and says so."""
    version = header(request.headers, "anthropic-version")
    kind = endpoint.request if endpoint else None
    body = jsons.read(request.body) if request.body else None
    return Asked(
        body=body if isinstance(body, dict) else {},
        kind=kind,
        version=version if version in schema.VERSIONS else schema.VERSIONS[0],
        said=version,
        headers=request.headers,
        provider=provider,
        unreadable=kind is not None and bool(request.body) and not isinstance(body, dict),
    )


def _request_grade(status: int) -> Level:
    """Return how grave a broken request can be: the API took it, or the API has refused it already."""
    return Level.HINT if status == _FIRST_ERROR else Level.NOTICE


def _likely(faults: Iterable[Fault], status: int) -> Iterator[Fault]:
    for rule, breach in faults:
        where = f"request {breach.where}" if breach.where != "request" else breach.where
        found = f"{breach.found} (the likely cause of status 400)" if status == _FIRST_ERROR else breach.found
        yield Fault(rule, breach._replace(where=where, found=found))


def _reply(response: Response, endpoint: _Endpoint | None, asked: Asked, provider: Provider) -> Iterator[Fault]:
    if response.status >= _FIRST_ERROR:
        yield from judge_error(jsons.read(response.body), response.status, response.headers, provider)
    # Older models speak another API at the same path.
    elif endpoint is not None and endpoint.reply == "message" and asked.body and "messages" not in asked.body:
        return
    elif response.status in _OK and endpoint is not None and endpoint.reply is not None:
        if endpoint.reply == "message" and (response.is_stream or _looks_like_a_stream(response.body)):
            yield from _stream(response.body, asked.body, response.ended, asked.betas)
        elif response.ended is not Ended.COMPLETE:
            yield CUT.broken("body", f"the body ended {response.ended}")
        elif endpoint.reply == "batch_result":
            yield from _lines(response.body)
        else:
            yield from _named(endpoint.reply, jsons.read(response.body), asked.body)


def _looks_like_a_stream(raw: bytes) -> bool:
    return re.match(rb"(\xef\xbb\xbf)?\s*(event|data|id|retry)?:", raw) is not None


def _object(value: Any, request: Json, status: int, provider: Provider) -> Iterator[Fault]:
    """Judge a parsed body that came without an endpoint, by what it says it is."""
    kind = value.get("type") if isinstance(value, dict) else None
    if status >= _FIRST_ERROR or kind == "error":
        yield from judge_error(value, status, (), provider) if status >= _FIRST_ERROR else judge_shape("error", value)
    elif kind == "message_batch":
        yield from _named("batch", value, request)
    elif isinstance(value, dict) and "input_tokens" in value and "content" not in value:
        yield from _named("token_count", value, request)
    else:
        yield from _named("message", value, request)


def _named(kind: Kind, value: Any, request: Json) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield JSON.broken("body", f"the body is {'no JSON' if value is None else shown(value)}")
        return
    yield from judge_shape(kind, value)
    if kind == "message":
        yield from of_messages.judge(Answer(message=value, request=request))


def _lines(raw: bytes) -> Iterator[Fault]:
    """Judge the results of a batch, one JSON object a line."""
    for number, line in enumerate(filter(None, raw.splitlines()), 1):
        value = jsons.read(line)
        if isinstance(value, dict):
            yield from judge_shape("batch_result", value, prefix=f"line {number} ")
        else:
            yield JSON.broken(f"line {number}", "the line is not a JSON object")


def _stream(raw: bytes, request: Json, ended: Ended, betas: frozenset[str] = frozenset()) -> Iterator[Fault]:
    """Judge a stream: its bytes, the order and the shape of its events, and the message that they add up to."""
    framed = frame(raw)
    state, order = walk(framed.items, eager=lambda block: _is_eager(block, request, betas))
    yield from framed.faults
    yield from order
    yield from guarded(judge_events(framed.items), "a rule of shape", "the events")
    yield from _end(state, ended, torn=framed.torn)
    if state is StreamState.STOPPED or state is StreamState.ENDING:
        message = accumulate(item.data for item in framed.items)
        if message is not None:
            answer = Answer(message=message, request=request)
            # The rules of order have said so of the event.
            yield from (each for each in of_messages.judge(answer) if each.rule is not stop_reason)


_EAGER_BETA = "fine-grained-tool-streaming-2025-05-14"


def _is_eager(block: Json, request: Json, betas: frozenset[str]) -> bool:
    """Tell whether a tool's input may come unchecked.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    return _EAGER_BETA in betas or any(
        tool.get("name") == block.get("name") and tool.get("eager_input_streaming") is True
        for tool in objects(request.get("tools"))
    )


def _end(state: StreamState, ended: Ended, *, torn: bool) -> Iterator[Fault]:
    """Judge how a stream ended: whole, cut by somebody, or silently."""
    over = state is StreamState.STOPPED or state is StreamState.FAILED
    if ended is not Ended.COMPLETE:
        if not over:
            yield CUT.broken("end of the stream", f"{ended}, {state}")
        return
    if torn:
        found = "the stream ends within an event"
        yield INCOMPLETE_EVENT.broken("end of the stream", found, level=Level.NOTICE if over else None)
    if not over:
        # Once the stop reason is there, nothing is lost but the goodbye.
        yield UNFINISHED.broken("end of the stream", f"it ends {state}", loses=state is not StreamState.ENDING)
