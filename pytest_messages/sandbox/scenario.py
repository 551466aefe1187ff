"""What the sandbox will send, as a value: status, headers, pieces with their waits, and how it ends."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, pairwise, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_messages.api import sse
from pytest_messages.providers import ANTHROPIC
from pytest_messages.sandbox import answers
from pytest_messages.sandbox.refusals import Failure, error_body
from pytest_messages.sandbox.streaming import compact, encode, events, with_newlines
from pytest_messages.wire import Ended

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_messages.providers import Provider
    from pytest_messages.sandbox.answers import Question
    from pytest_messages.sandbox.threads import ThreadTurn
    from pytest_messages.wire import Chunk, Headers, Response


class End(StrEnum):
    """How an answer ends."""

    COMPLETE = "complete"
    DROP = "drop"
    """The connection is closed where more was promised."""
    RESET = "reset"
    """The same, with a TCP reset."""
    STALL = "stall"
    """Nothing more comes, and the connection stays open."""


class Sending(NamedTuple):
    """Bytes to send at once, after so many seconds of waiting."""

    data: bytes
    wait: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An answer to be sent, after ``wait`` seconds. ``length`` promises a length; without it the body is chunked.

    ``message`` is what it tells, and ``turn`` the turn of a thread that it brings to an end.
    """

    status: int
    headers: Headers = ()
    pieces: tuple[Sending, ...] = ()
    length: int | None = None
    end: End = End.COMPLETE
    wait: float = 0
    message: dict[str, Any] | None = None
    turn: ThreadTurn | None = None


# --- the headers of each dialect --------------------------------------------------------------------------------------

_LIMITS = ("requests", "tokens", "input-tokens", "output-tokens")
_ACCOUNT = (
    ("anthropic-organization-id", "00000000-0000-4000-8000-5a4db0c05a4d"),
    ("anthropic-workspace-id", "wrkspc_01SandboxSandboxSandbox0"),
    ("set-cookie", "_cfuvid=sandbox-cookie; HttpOnly; SameSite=None; Secure; Path=/"),
)
_RATES = tuple(
    (f"anthropic-ratelimit-{name}-{part}", value)
    for name in _LIMITS
    for part, value in (("limit", "4000"), ("remaining", "3999"), ("reset", "2026-01-31T12:00:00Z"))
)


def usual_headers(provider: Provider, request_id: str, *, failed: bool) -> Headers:
    """Return the headers that every answer of this dialect carries.

    Shinzo's public source copies the headers of a good answer from the provider behind it, and none of a failed one.
    """
    if provider.name == "shinzo":
        proxied = (("x-accel-buffering", "no"), ("cache-control", "no-cache"))
        return () if failed else (("request-id", request_id), *_ACCOUNT, *_RATES, *proxied)
    name = provider.error.request_id_header or "request-id"
    return ((name, request_id), *(() if provider.name == "shuyou" else (*_ACCOUNT, *_RATES)))


def request_id_of(asked_by: str) -> str:
    """Return the request id that belongs to a request's digest."""
    return answers.identifier("req_", asked_by)


# --- answers ----------------------------------------------------------------------------------------------------------


def failed(provider: Provider, failure: Failure, seed: str) -> Scenario:
    """Answer with an error."""
    request_id = request_id_of(seed)
    headers = usual_headers(provider, request_id, failed=True)
    if failure.retry_after is not None:
        headers = (*headers, ("retry-after", f"{failure.retry_after:g}"))
    return json_scenario(error_body(provider, failure, request_id), status=failure.status, headers=headers)


def json_scenario(body: Any, *, status: int = 200, headers: Headers = ()) -> Scenario:
    """Answer with JSON, in one piece."""
    data = compact(body).encode()
    headers = (("content-type", "application/json"), *headers)
    return Scenario(status=status, headers=headers, pieces=(Sending(data),), length=len(data))


def answered(asked: Question, *, counting: bool = False) -> Scenario:
    """Answer a question that nothing is wrong with, as its instructions say."""
    instructions = asked.instructions
    if instructions.status is not None and instructions.midstream is None:
        return _paced(failed(asked.provider, _ordered_failure(asked), asked.seed), asked)
    headers = usual_headers(asked.provider, request_id_of(asked.seed), failed=False)
    if counting:
        return _paced(json_scenario({"input_tokens": answers.count_tokens(asked)}, headers=headers), asked)
    message = answers.message(asked)
    if not asked.body.get("stream"):
        return replace(_paced(json_scenario(message, headers=headers), asked), message=message)
    # What breaks off in an error has told no message.
    return replace(_streamed(asked, message, headers), message=message if instructions.midstream is None else None)


def in_thread(made: Scenario, turn: ThreadTurn) -> Scenario:
    """Let an answer end a turn: when its last piece is sent where it tells a whole message, else without an answer."""
    if made.message is not None and made.end is End.COMPLETE:
        return replace(made, turn=turn)
    turn.give_up()
    return made


_RATE_LIMITED = 429


def _retry_after(asked: Question) -> float | None:
    """Return the seconds to wait: those asked for, else one where the dialect says so with its rate limit.

    https://platform.claude.com/docs/en/api/rate-limits
    """
    promised = asked.instructions.status == _RATE_LIMITED and "error.retry-after" not in asked.provider.relax
    return 1.0 if asked.instructions.retry_after is None and promised else asked.instructions.retry_after


def _ordered_failure(asked: Question) -> Failure:
    instructions = asked.instructions
    status = instructions.status or 500
    leak = f" You sent the key {asked.key}." if "leak" in instructions.marks else ""
    return Failure(status, f"The sandbox was asked for status {status}.{leak}", instructions.type, _retry_after(asked))


def _streamed(asked: Question, message: dict[str, Any], headers: Headers) -> Scenario:
    instructions = asked.instructions
    data = [encode(event, instructions.marks) for event in events(message, asked)]
    if "done" in instructions.marks:
        data.append(with_newlines(sse.encode("data", "[DONE]"), instructions.marks))
    end = End.COMPLETE
    cut = next(
        (at for at in (instructions.drop_after, instructions.stall_after, instructions.midstream) if at is not None),
        None,
    )
    if cut is not None:
        data = data[:cut]
        end = _end(asked)
    if instructions.midstream is not None and asked.provider.habits.error_event:
        data.append(encode(_error_event(asked), instructions.marks))
    if "keep-alive" in instructions.marks:
        comment = with_newlines(keep_alive(asked.provider), instructions.marks)
        data = [part for each in data for part in (comment, each)]
    # A stream says its headers at once: what is waited for is the first event.
    waits = chain([instructions.wait + instructions.slow], repeat(instructions.slow))
    pieces = tuple(map(Sending, data, waits))
    content_type = ("content-type", "text/event-stream; charset=utf-8")
    cache = () if asked.provider.name == "shinzo" else (("cache-control", "no-cache"),)
    plan = Scenario(status=200, headers=(content_type, *cache, *headers), pieces=pieces, end=end)
    return _gzipped(plan) if "gzip" in instructions.marks else plan


def _end(asked: Question) -> End:
    if asked.instructions.drop_after is not None:
        return End.RESET if "reset" in asked.instructions.marks else End.DROP
    if asked.instructions.stall_after is not None:
        return End.STALL
    return End.COMPLETE if asked.provider.habits.error_event else End.DROP


def _error_event(asked: Question) -> dict[str, Any]:
    """Return the event that breaks a stream off: of Anthropic's shape in every dialect that documents one."""
    failure = _ordered_failure(asked)
    kind = failure.type or next(iter(ANTHROPIC.types_of(failure.status)), "api_error")
    return {"type": "error", "error": {"details": None, "type": kind, "message": failure.message}}


def keep_alive(provider: Provider) -> bytes:
    """Return the comment that keeps a silent stream of this dialect open."""
    return f": {provider.habits.keep_alive or 'keep-alive'}\n\n".encode()


def _paced(plan: Scenario, asked: Question) -> Scenario:
    """Apply to an answer in one piece what the instructions say about time, endings and coding."""
    instructions = asked.instructions
    plan = replace(plan, wait=instructions.wait + instructions.slow)
    if "gzip" in instructions.marks:
        plan = _gzipped(plan)
    if instructions.stall_after is not None:
        return replace(plan, pieces=(), end=End.STALL)
    if instructions.drop_after is not None:
        body = plan.pieces[0].data
        return replace(plan, pieces=(Sending(body[: len(body) // 2]),), end=_end(asked))
    return plan


def _gzipped(plan: Scenario) -> Scenario:
    """Compress the pieces one by one, so that each can be read when it comes."""
    coder = zlib.compressobj(wbits=31)
    coded = [Sending(coder.compress(data) + coder.flush(zlib.Z_SYNC_FLUSH), wait) for data, wait in plan.pieces]
    pieces = (*coded, Sending(coder.flush())) if plan.end is End.COMPLETE else tuple(coded)
    length = None if plan.length is None else sum(len(piece.data) for piece in pieces)
    return replace(plan, headers=(*plan.headers, ("content-encoding", "gzip")), pieces=pieces, length=length)


# --- recordings -------------------------------------------------------------------------------------------------------

_UNTRUE = {"content-length", "content-encoding", "transfer-encoding", "connection", "date", "server"}
"""Headers that the body as it is stored makes untrue, and those that belong to the connection."""

_ENDS = {Ended.DROPPED: End.DROP, Ended.TIMEOUT: End.STALL, Ended.CLOSED: End.DROP, Ended.CANCELLED: End.STALL}


def recorded(response: Response, *, pace: float = 1) -> Scenario:
    """Answer with a recording: its bytes, its pieces, its times multiplied by ``pace``, and its end."""
    headers = tuple(pair for pair in response.headers if pair[0] not in _UNTRUE)
    end = _ENDS.get(response.ended, End.COMPLETE)
    if response.error == "ReadError":
        end = End.RESET
    whole = not response.is_stream and not response.chunks and end is End.COMPLETE
    pieces = (Sending(response.body),) if whole else tuple(_pieces(response, pace))
    length = len(response.body) if whole else None
    return Scenario(status=response.status, headers=headers, pieces=pieces, length=length, end=end)


def _pieces(response: Response, pace: float) -> Iterable[Sending]:
    body = response.body
    chunks: tuple[tuple[int, int], ...] = _known(response.chunks, len(body)) or tuple(
        (0, end) for end in dict.fromkeys((*sse.event_ends(body), len(body)))
    )
    for (ms, start), (next_ms, end) in pairwise(((0, 0), *chunks)):
        if start < end:
            yield Sending(body[start:end], max(0, next_ms - ms) / 1000 * pace)


def _known(chunks: tuple[Chunk, ...], size: int) -> tuple[Chunk, ...]:
    """Return the recorded pieces where they are those of this body; a scrubbed body may be longer or shorter."""
    return chunks if chunks and chunks[-1].end == size else ()
