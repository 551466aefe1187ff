"""A session without a disk or a network, for tests of what asks it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_messages import report
from pytest_messages.cassette import reading, writing
from pytest_messages.cassette.document import Cassette, Interaction, Recording
from pytest_messages.errors import NotRecordableError
from pytest_messages.intercept.httpx import hook
from pytest_messages.matching import Matching
from pytest_messages.providers import ANTHROPIC, provider_of
from pytest_messages.scrubbing import Scrubber
from pytest_messages.session.modes import State
from pytest_messages.session.scope import Scope
from pytest_messages.session.session import Session
from pytest_messages.settings import Settings
from pytest_messages.wire import Ended, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    from pytest_messages.cassette.document import ScrubbedInteraction
    from pytest_messages.errors import MessagesError

URL = "https://api.anthropic.com/v1/messages"
JSON_HEADERS = (("content-type", "application/json"),)
STREAM_HEADERS = (("content-type", "text/event-stream; charset=utf-8"),)


def request(text: str, url: str = URL, **fields: Any) -> Request:
    body = {"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": text}], **fields}
    return Request("POST", url, (("content-type", "application/json"), ("anthropic-version", "2023-06-01")), dump(body))


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


def message(text: str) -> dict[str, Any]:
    return {
        "id": "msg_01AbCdEfGhIjKlMnOpQrStUv",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 5},
    }


def answer(text: str = "Hello", status: int = 200) -> Response:
    return Response(status, "OK", JSON_HEADERS, dump(message(text)))


def streamed(
    text: str = "Hello", *, ended: Ended = Ended.COMPLETE, events: int = 6, error: str | None = None
) -> Response:
    """Return the first ``events`` of the six events that stream ``text``."""
    whole = message(text)
    start = {**whole, "content": [], "stop_reason": None, "usage": {"input_tokens": 7, "output_tokens": 1}}
    told: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 5},
        },
        {"type": "message_stop"},
    ]
    body = b"".join(b"event: %s\ndata: %s\n\n" % (each["type"].encode(), dump(each)) for each in told[:events])
    return Response(200, "OK", STREAM_HEADERS, body, ended=ended, error=error)


def interaction(text: str, response: Response | None = None, **recording: Any) -> Interaction:
    answered = response or answer(text)
    return Interaction(request(text), (answered, Recording(**recording)))


def errors_of(session: Session) -> list[NotRecordableError]:
    """Return what a session noted of calls that cannot be recorded."""
    return [problem.what for problem in session.verdict.problems if isinstance(problem.what, NotRecordableError)]


def opened(
    *recorded: Interaction,
    state: State | None = None,
    append: Callable[[ScrubbedInteraction], None] = lambda _: None,
    prepare: Callable[[], None] = lambda: None,
    late: Callable[[MessagesError], None] = lambda _: None,
    test: str | None = "t.py::a",
    incomplete: tuple[str, ...] = (),
    reasons: Mapping[str, str] | None = None,
    **settings: Any,
) -> Session:
    """Open a session over ``recorded``: by default in the mode ``once``, the cassette whole, or missing if empty."""
    chosen = Settings(**settings)
    found = state or (State.INCOMPLETE if incomplete else State.WHOLE if recorded else State.MISSING)
    return Session(
        settings=chosen,
        path="cassettes/a.yaml",
        test=test,
        state=found,
        cassette=Cassette(interactions=recorded, incomplete=incomplete, reasons=reasons or {}),
        scope=Scope.of(providers=[ANTHROPIC], entries=chosen.hosts),
        scrubber=Scrubber(salt="salt", rules=chosen.scrub),
        matching=Matching(match_on=chosen.match_on, ignore=chosen.ignore),
        provider_of=provider_of,
        prepare=prepare,
        append=append,
        now=lambda: "2026-01-02T03:04:05Z",
        explain=report.explain,
        late=late,
    )


@contextmanager
def hooked(library: ModuleType, session: Session | None) -> Iterator[None]:
    """Let the clients of httpx or httpx2 ask ``session`` while the block lasts."""
    unhook = hook(library, lambda: session)
    try:
        yield
    finally:
        unhook()


def again(session: Session, **settings: Any) -> Session:
    """Open a session that replays what ``session`` recorded, as it stands in a file."""
    text = writing.dump(Cassette(interactions=session.finish().recorded))
    return opened(*reading.load(text.encode(), "a.yaml").interactions, **settings)
