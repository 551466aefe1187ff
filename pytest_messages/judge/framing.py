"""From the bytes of a stream to its events, and what is wrong with the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_messages.api import jsons, sse
from pytest_messages.api.stream import EVENTS
from pytest_messages.judge.faults import Finding, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    findings: list[Finding]
    torn: bool


def frame(body: bytes) -> Framed:
    """Take the body of a stream apart. Total: whatever cannot be read is a finding."""
    items: list[Item] = []
    findings: list[Finding] = []
    number = 0
    torn = False
    for block in sse.blocks(body):
        if block.name is None and not block.lines and block.undecodable is None:
            torn = not block.ended and not block.comments
            findings += _beside(block, number)
            continue
        number += 1
        # Nearly every event is sound: it is read here, and what is odd about one is looked for below.
        data = jsons.read(block.data)
        if type(data) is dict and block.name and data.get("type") == block.name and block[7:] == _SOUND:
            items.append(Item(number, block.name, data))
            continue
        torn = not block.ended and not isinstance(data, (dict, str)) and block.data != _DONE
        findings += _beside(block, number)
        item = None if torn else _odd(block, data, number, findings)
        if item is not None:
            items.append(item)
    return Framed(items, findings, torn)


# Of `sse.Event`: ended, without comments and ignored lines, decodable.
_SOUND = (True, (), (), None)


def _beside(block: sse.Event, number: int) -> Iterator[Finding]:
    """Judge what stands in a block beside its name and its data; what is torn may have been anything."""
    if not block.ended:
        return
    where = place(number, block.name) if number else "before the first event"
    if block.undecodable is not None:
        yield Finding("stream.utf8", where, f"byte {block.undecodable} of the body is no UTF-8", number)
    for line in block.ignored:
        yield Finding("stream.line", where, f"the line {shown(line)} is neither a field nor a comment", number)
    for comment in block.comments:
        yield Finding("stream.comment", where, f"the comment {shown(comment)}", number)


def _odd(block: sse.Event, data: object, number: int, findings: list[Finding]) -> Item | None:
    """Read an event that is not as it should be, as far as a tolerant reader can."""
    where = place(number, block.name)
    if block.data == _DONE:
        # Named, it reaches the parser of the official SDK; without a name no reader looks at it.
        findings.append(Finding("stream.done", where, "the data is [DONE]", number, loses=block.name is not None))
        return None
    if not block.ended:
        findings.append(Finding("stream.last-line", where, "the body ends without the blank line", number))
    if isinstance(data, str):
        data = jsons.read(data)
        if isinstance(data, dict):
            findings.append(Finding("stream.double-encoded", where, "the data is a JSON string", number))
    if not isinstance(data, dict):
        findings.append(Finding("stream.data", where, _no_object(block), number))
        return None
    kind = data.get("type")
    if block.name is None:
        findings.append(Finding("stream.event-name", where, f"no name for data of type {shown(kind)}", number))
    elif kind != block.name:
        found = f"the name is {shown(block.name)}, the type of the data {shown(kind)}"
        findings.append(Finding("stream.name-type", where, found, number))
    if not isinstance(kind, str):
        kind = block.name if block.name in EVENTS else None
    return None if kind is None else Item(number, kind, data)


def _no_object(block: sse.Event) -> str:
    return f"the data is {shown(block.data)}" if block.lines else "there is no data"
