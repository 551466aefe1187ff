"""Exchanges to judge: those that the project owns, and the recorded traffic beside the checkout."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_messages.api import sse
from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.wire import Ended, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = Path(__file__).resolve().parents[1] / "data" / "exchanges"
CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
FILES = ("dev.jsonl", "dev_dropped_by_cap.jsonl", "dev_response_only.jsonl")
API = "https://api.anthropic.com"
_OF_ANTHROPIC = ("anthropic", "host-not-recorded")

_HALF = re.compile("[\ud800-\udfff]")

Event = tuple[str | None, Any]
"""The name of an event, and its data: JSON, or text as it stands."""


@dataclass(kw_only=True)
class Exchange:
    """One request and its answer, open to be changed. ``request`` and ``body`` are JSON, or text where they are none.

    An answer is either a ``body`` or a list of ``events``; ``raw`` takes their place.
    """

    name: str
    request: Any = None
    body: Any = None
    events: list[Event] | None = None
    raw: bytes | None = None
    status: int = 200
    method: str = "POST"
    url: str = f"{API}/v1/messages"
    asked_with: tuple[tuple[str, str], ...] = ()
    answered_with: tuple[tuple[str, str], ...] | None = None
    ended: Ended = Ended.COMPLETE
    provider: str = "anthropic"
    kind: str = ""
    notes: tuple[str, ...] = field(default=())

    def copy(self) -> Exchange:
        """Return the same exchange, to be changed without changing this one."""
        return replace(self, request=deepcopy(self.request), body=deepcopy(self.body), events=deepcopy(self.events))

    @property
    def wire(self) -> bytes:
        """The answer as bytes."""
        if self.raw is not None:
            return self.raw
        if self.events is not None:
            return b"".join(sse.encode(name, _text(data)) for name, data in self.events)
        return _bytes(self.body)

    @property
    def interaction(self) -> Interaction:
        """The exchange as the judge is given it."""
        kind = "text/event-stream; charset=utf-8" if self.events is not None else "application/json"
        headers = (("content-type", kind),) if self.answered_with is None else self.answered_with
        return Interaction(
            Request(self.method, self.url, self.asked_with, _bytes(self.request)),
            (Response(self.status, headers=headers, body=self.wire, ended=self.ended), Recording()),
        )


def _text(data: Any) -> str:
    """Write the data of an event; half a surrogate pair has no bytes of its own, and is escaped."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _bytes(value: Any) -> bytes:
    return b"" if value is None else _text(value).encode(errors="surrogatepass")


def read_events(body: bytes) -> list[Event]:
    """Take a stream apart; data that is no JSON stays text."""
    return [(event.name, _json(event.data)) for event in sse.blocks(body) if event.lines]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def own() -> dict[str, Exchange]:
    """Return the exchanges of the project itself, by name."""
    exchanges = {}
    for path in sorted(OWN.glob("*.request.json")):
        name = path.name.removesuffix(".request.json")
        request = json.loads(path.read_text(encoding="utf-8"))
        stream = path.with_name(f"{name}.response.sse")
        exchange = Exchange(name=name, request=request, kind="sse" if stream.exists() else "json")
        if stream.exists():
            exchange.events = read_events(stream.read_bytes())
        else:
            exchange.body = json.loads(path.with_name(f"{name}.response.json").read_text(encoding="utf-8"))
            exchange.status = 404 if exchange.body["type"] == "error" else 200
            exchange.url += "/batches" if exchange.body["type"] == "message_batch" else ""
        exchanges[name] = exchange
    return exchanges


def is_recorded() -> bool:
    """Tell whether the recorded traffic lies beside this checkout."""
    return CORPUS.exists()


def recorded(file: str) -> Iterator[Exchange]:
    """Read one file of recorded traffic; bytes of a stream are kept as they are."""
    for number, line in enumerate((CORPUS / file).read_text(encoding="utf-8").splitlines(), 1):
        record = json.loads(line)
        body = record["response_body"]
        stream = record["kind"] == "sse"
        yield Exchange(
            name=f"{file}:{number}",
            request=record["request_body"],
            body=None if stream else body,
            events=read_events(body.encode()) if stream else None,
            raw=body.encode() if stream else None,
            status=record["status"],
            method=record["method"] or "POST",
            url=record["url"] or f"{API}/v1/messages",
            asked_with=_headers(record["request_headers"]),
            answered_with=_headers(record["response_headers"]),
            provider="anthropic" if record["gateway"] in _OF_ANTHROPIC else "compatible",
            kind=record["kind"],
            notes=tuple(note.partition(":")[0] for note in record["notes"]),
        )


def _headers(pairs: list[list[str]] | None) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in pairs or ())
