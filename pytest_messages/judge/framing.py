"""From the bytes of a stream to its events, and what is wrong with the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_messages.api import jsons, sse
from pytest_messages.api.stream import EVENTS
from pytest_messages.findings import Level
from pytest_messages.judge.documentation import SSE, STREAMING, VERSIONING
from pytest_messages.judge.rules import declare
from pytest_messages.judge.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.judge.rules import Fault

UTF8 = declare("stream.utf8", Level.VIOLATION, SSE, "A stream is UTF-8.", "S1", loses=True)
EVENT_NAME = declare("stream.event-name", Level.VIOLATION, STREAMING, "Each event has a name.", "S1 D4", loses=True)
DATA = declare(
    "stream.data", Level.VIOLATION, STREAMING, "The data of each event is one JSON object.", "S1", loses=True
)
DOUBLE_ENCODED = declare(
    "stream.double-encoded",
    Level.VIOLATION,
    STREAMING,
    "The data of an event is the JSON object itself, not a JSON string that holds it.",
    "S1 D1",
    loses=True,
)
NAME_TYPE = declare(
    "stream.name-type",
    Level.VIOLATION,
    STREAMING,
    "The name of an event is the `type` of its data.",
    "S2 T4",
    loses=True,
)
LINE = declare("stream.line", Level.NOTICE, SSE, "A line of a stream is a field or a comment.")
DONE = declare(
    "stream.done", Level.VIOLATION, VERSIONING, "No `data: [DONE]` ends a stream since 2023-06-01.", "S21 D2"
)
COMMENT = declare(
    "stream.comment",
    Level.HINT,
    STREAMING,
    "This endpoint keeps streams alive with pings, not with comments.",
    "S21 D3",
)
LAST_LINE = declare(
    "stream.last-line", Level.HINT, SSE, "A blank line ends the last event; it may have been trimmed by a recorder."
)

_DONE = "[DONE]"


class Item(NamedTuple):
    """One event as the rules of order see it: its number from one, its type and its data."""

    number: int
    type: str
    data: dict[str, Any]

    @property
    def where(self) -> str:
        """The place of the event, for a reader."""
        return place(self.number, self.type)


def place(number: int, name: str | None) -> str:
    """Name an event for a reader."""
    return f"event {number} ({name})" if name else f"event {number}"


class Framed(NamedTuple):
    """A body taken apart. ``torn`` says that it stops within an event."""

    items: list[Item]
    faults: list[Fault]
    torn: bool


def frame(body: bytes) -> Framed:
    """Take the body of a stream apart. Total: whatever cannot be read is a finding."""
    items: list[Item] = []
    faults: list[Fault] = []
    number = 0
    torn = False
    for block in sse.blocks(body):
        if block.name is None and not block.lines and block.undecodable is None:
            torn = not block.ended and not block.comments
            faults += _beside(block, number)
            continue
        number += 1
        # Nearly every event is sound: it is read here, and what is odd about one is looked for below.
        data = jsons.read(block.data)
        if type(data) is dict and block.name and data.get("type") == block.name and block[7:] == _SOUND:
            items.append(Item(number, block.name, data))
            continue
        torn = not block.ended and not isinstance(data, (dict, str)) and block.data != _DONE
        faults += _beside(block, number)
        item = None if torn else _odd(block, data, number, faults)
        if item is not None:
            items.append(item)
    return Framed(items, faults, torn)


# Of `sse.Event`: ended, without comments and ignored lines, decodable.
_SOUND = (True, (), (), None)


def _beside(block: sse.Event, number: int) -> Iterator[Fault]:
    """Judge what stands in a block beside its name and its data; what is torn may have been anything."""
    if not block.ended:
        return
    where = place(number, block.name) if number else "before the first event"
    if block.undecodable is not None:
        yield UTF8.broken(where, f"byte {block.undecodable} of the body is no UTF-8", event=number)
    for line in block.ignored:
        yield LINE.broken(where, f"the line {shown(line)} is neither a field nor a comment", event=number)
    for comment in block.comments:
        yield COMMENT.broken(where, f"the comment {shown(comment)}", event=number)


def _odd(block: sse.Event, data: object, number: int, faults: list[Fault]) -> Item | None:
    """Read an event that is not as it should be, as far as a tolerant reader can."""
    where = place(number, block.name)
    if block.data == _DONE:
        # Named, it reaches the parser of the official SDK; without a name no reader looks at it.
        faults.append(DONE.broken(where, "the data is [DONE]", event=number, loses=block.name is not None))
        return None
    if not block.ended:
        faults.append(LAST_LINE.broken(where, "the body ends without the blank line", event=number))
    if isinstance(data, str):
        data = jsons.read(data)
        if isinstance(data, dict):
            faults.append(DOUBLE_ENCODED.broken(where, "the data is a JSON string", event=number))
    if not isinstance(data, dict):
        faults.append(DATA.broken(where, _no_object(block), event=number))
        return None
    kind = data.get("type")
    if block.name is None:
        faults.append(EVENT_NAME.broken(where, f"no name for data of type {shown(kind)}", event=number))
    elif kind != block.name:
        found = f"the name is {shown(block.name)}, the type of the data {shown(kind)}"
        faults.append(NAME_TYPE.broken(where, found, event=number))
    if not isinstance(kind, str):
        kind = block.name if block.name in EVENTS else None
    return None if kind is None else Item(number, kind, data)


def _no_object(block: sse.Event) -> str:
    return f"the data is {shown(block.data)}" if block.lines else "there is no data"
