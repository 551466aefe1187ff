"""What a client can ask of the sandbox, in words that every client can send: the last user text.

A line ``sandbox: error 529`` is a handle; several stand on lines of their own or behind each other with ``;``.
`HANDLES` is the one table of them, the same in all dialects, and the documentation is made from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """What the handles of one request ask for. Numbers of events count from one, times are in seconds."""

    status: int | None = None
    type: str | None = None
    retry_after: float | None = None
    midstream: int | None = None
    drop_after: int | None = None
    stall_after: int | None = None
    wait: float = 0
    slow: float = 0
    flaky: int = 0
    say: str | None = None
    calls: int | None = None
    stop: str | None = None
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """One handle: how it is written, what it does, and how it is read.

    ``pattern`` must match the whole handle; each named group fills the field of `Instructions` of that name. ``sets``
    are fields with a fixed value, ``mark`` is a word put into `Instructions.marks`.
    """

    form: str
    help: str
    pattern: str
    sets: dict[str, Any] = field(default_factory=dict)
    mark: str = ""


class UnknownHandleError(ValueError):
    """A line that begins like a handle and is none; the text names the nearest ones."""


_ERROR = r"error (?P<status>[45]\d\d)( (?P<type>(?!midstream)[a-z_]+))?"

HANDLES: tuple[Handle, ...] = (
    Handle(
        form="say TEXT",
        help="answers exactly the rest of the message",
        pattern=r"say (?P<say>.*)",
    ),
    Handle(
        form="error STATUS [TYPE] [retry-after SECONDS]",
        help="answers with that status in the dialect's envelope; TYPE is one of the documented types",
        pattern=_ERROR + r"( retry-after (?P<retry_after>[\d.]+))?",
    ),
    Handle(
        form="error STATUS [TYPE] midstream [after N events]",
        help="breaks a stream off with an error event, after three events unless told otherwise",
        pattern=_ERROR + r" midstream( after (?P<midstream>\d+) events?)?",
        sets={"midstream": 3},
    ),
    Handle(
        form="flaky N",
        help="fails the first N times that this request comes (529, or 500 where the dialect has no 529), then answers",
        pattern=r"flaky (?P<flaky>\d+)",
    ),
    Handle(
        form="drop [after N events]",
        help="closes the connection in the middle of the answer",
        pattern=r"drop( after (?P<drop_after>\d+) events?)?",
        sets={"drop_after": 3},
    ),
    Handle(
        form="reset [after N events]",
        help="as drop, with a TCP reset",
        pattern=r"reset( after (?P<drop_after>\d+) events?)?",
        sets={"drop_after": 3},
        mark="reset",
    ),
    Handle(
        form="stall [after N events]",
        help="stops sending and keeps the connection open, with the dialect's keep-alive comments",
        pattern=r"stall( after (?P<stall_after>\d+) events?)?",
        sets={"stall_after": 3},
    ),
    Handle(
        form="slow 100ms",
        help="waits that long before each event of a stream, or before a JSON answer",
        pattern=r"slow (?P<slow>[\d.]+m?s)",
    ),
    Handle(
        form="wait 2s",
        help="waits once, before the answer begins",
        pattern=r"wait (?P<wait>[\d.]+m?s)",
    ),
    Handle(
        form="keep-alive",
        help="sends the dialect's comment line between events",
        pattern="keep-alive",
        mark="keep-alive",
    ),
    Handle(form="think", help="begins with a thinking block, asked for or not", pattern="think", mark="think"),
    Handle(
        form="redacted thinking",
        help="begins with a redacted_thinking block",
        pattern="redacted thinking",
        mark="redacted",
    ),
    Handle(
        form="stop REASON",
        help="ends with that stop_reason: refusal (with stop_details), pause_turn, or any other word",
        pattern=r"stop (?P<stop>[a-z_]+)",
    ),
    Handle(
        form="calls N",
        help="calls N tools at once; 0 answers in text although tools are offered",
        pattern=r"calls (?P<calls>\d+)",
    ),
    Handle(form="empty", help="answers with no content at all", pattern="empty", mark="empty"),
    Handle(
        form="leak",
        help="repeats the request's key in the answer, or in the error asked for",
        pattern="leak",
        mark="leak",
    ),
    Handle(form="gzip", help="compresses the body where the client accepts that", pattern="gzip", mark="gzip"),
    Handle(form="crlf", help="ends the lines of a stream with CRLF", pattern="crlf", mark="crlf"),
    Handle(
        form="padding",
        help="pads the data of every event with spaces before its last brace, as the real API does",
        pattern="padding",
        mark="padding",
    ),
    Handle(form="no ping", help="leaves the ping out where the dialect sends one", pattern="no ping", mark="no-ping"),
    Handle(
        form="double encoded",
        help="writes the data of events as a JSON string around the JSON object, as one gateway's source does",
        pattern="double[ -]encoded",
        mark="double-encoded",
    ),
    Handle(
        form="done tail",
        help="adds data: [DONE] after the last event, as one gateway does",
        pattern="done tail",
        mark="done",
    ),
    Handle(form="unnamed events", help="leaves the event: lines out", pattern="unnamed events", mark="unnamed"),
    Handle(
        form="no message_stop", help="ends the stream without its last event", pattern="no message_stop", mark="no-stop"
    ),
    Handle(
        form="unknown event",
        help="sends an event of a type that nobody has heard of, which clients must ignore",
        pattern="unknown event",
        mark="unknown-event",
    ),
    Handle(
        form="no provider key",
        help="fails as a gateway that has no key for the provider behind it (Shinzo: 403)",
        pattern="no provider key",
        mark="no-provider-key",
    ),
)
"""Every handle there is."""

_LINE = re.compile(r"^[ \t]*sandbox:(.*)$", re.MULTILINE | re.IGNORECASE)
_SAY = re.compile(
    r"^[ \t]*sandbox:(?P<others>(?:[^;\n]*;)*)[ \t]*(?P<say>say[ \t](?s:.*))", re.MULTILINE | re.IGNORECASE
)


def read_instructions(text: str) -> Instructions:
    """Read the handles in a text. Raises `UnknownHandleError` for a line that begins like one and is none."""
    instructions = Instructions()
    for entry in _entries(text):
        instructions = _obey(instructions, entry)
    return instructions


def _entries(text: str) -> Iterator[str]:
    """Yield each handle as it is written; what stands behind ``say`` is text, whatever it looks like."""
    said = _SAY.search(text)
    lines = [found[1] for found in _LINE.finditer(text[: said.start()] if said else text)]
    for line in (*lines, said["others"] if said else ""):
        yield from filter(None, map(str.strip, line.split(";")))
    if said:
        yield said["say"]


def _obey(instructions: Instructions, entry: str) -> Instructions:
    for handle in HANDLES:
        found = re.fullmatch(handle.pattern, entry, re.DOTALL | re.IGNORECASE)
        if found:
            given = {name: _value(name, text) for name, text in found.groupdict().items() if text is not None}
            marks = instructions.marks | ({handle.mark} if handle.mark else set())
            return replace(instructions, **{**handle.sets, **given, "marks": marks})
    forms = [handle.form for handle in HANDLES]
    near = get_close_matches(entry, forms, n=3, cutoff=0.4) or forms
    raise UnknownHandleError(f"sandbox: there is no handle {entry!r}; there is {', '.join(near)}")


def _value(name: str, text: str) -> object:
    """Read a group: times in seconds, numbers, or text."""
    if name in {"slow", "wait"}:
        return float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])
    if name == "retry_after":
        return float(text)
    return int(text) if text.isdigit() and name != "say" else text
