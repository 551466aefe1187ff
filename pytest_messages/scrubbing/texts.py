"""Where the strings of a text stand: JSON literals and events, with their place in the bytes.

Everything here works on the text itself, never on a parsed copy, so that what is not replaced stays byte for byte. It
tolerates anything: a body may be cut anywhere, and what is not JSON is one plain text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_messages.scrubbing import kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Path = tuple[str | int, ...]
Range = tuple[int, int]

_TOKEN: Final = re.compile(r'"((?:[^"\\]++|\\.)*+)"?(\s*+:)?|([{\[])|([}\]])|(,)|([^\s"{}\[\],:]++)', re.DOTALL)
_STRING, _KEY, _OPEN, _CLOSE, _COMMA = range(1, 6)
_JSON_ESCAPE: Final = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL
)
_ANY_ESCAPE: Final = re.compile(
    r"""\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(["'/bfnrt\\]))"""
    r"""|%([0-7][0-9a-fA-F])|((?:%[89a-fA-F][0-9a-fA-F])+)|&\#(?:x([0-9a-fA-F]{2})|([0-9]{2,3}));"""
)
JOINED_FIELDS: Final = frozenset({"delta", "content_block", "choices"})
"""The fields of an event whose texts a client appends to those of the events before."""

_OPAQUE_NAMES: Final = frozenset({*kinds.OPAQUE_FIELDS, "data"})
_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LINE: Final = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_STREAM_START: Final = re.compile(r"\ufeff?(?:event|data|id|retry)?:")
_DATA_LINE: Final = re.compile(r"[\r\n]data:")


class Literal(NamedTuple):
    """A string of a JSON text: its path, its place between the quotes, whether it is a key, and its object's number."""

    path: Path
    start: int
    end: int
    key: bool
    owner: int


class Scalar(NamedTuple):
    """A number or a word of a JSON text."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Payload:
    """One JSON text: a body, or the data of one event; ``types`` holds the ``type`` of each object by its number."""

    literals: tuple[Literal, ...]
    scalars: tuple[Scalar, ...]
    types: dict[int, str]

    def opaque(self, literal: Literal) -> bool:
        """Tell whether the value must return to the server unchanged, or is media."""
        name = literal.path[-1] if literal.path else None
        if name not in _OPAQUE_NAMES or literal.key:
            return False
        if name == "data":
            return self.types.get(literal.owner) in kinds.OPAQUE_DATA
        return kinds.TOOL_INPUT not in literal.path


class View:
    """The pieces of a text as their reader sees them, decoded and joined; `spans` leads back to the text."""

    __slots__ = ("_segments", "_starts", "text")

    def __init__(self, source: str, pieces: Iterable[Range], escape: re.Pattern[str], decode: Decode) -> None:
        self._segments: list[tuple[int, int, int, int, bool]] = []
        parts: list[str] = []
        at = 0
        for start, end in pieces:
            for part, first, last in _decoded(source, start, end, escape, decode):
                verbatim = len(part) == last - first
                self._segments.append((at, at + len(part), first, last, verbatim))
                parts.append(part)
                at += len(part)
        self.text = "".join(parts)
        self._starts = [segment[0] for segment in self._segments]

    def spans(self, start: int, end: int) -> list[Range]:
        """Return the ranges of the text that make up ``text[start:end]``, neighbours joined."""
        found: list[Range] = []
        at = max(bisect_right(self._starts, start) - 1, 0)
        for low, high, first, last, verbatim in self._segments[at:]:
            if low >= end:
                break
            span = (first + max(start - low, 0), last - max(high - end, 0)) if verbatim else (first, last)
            if found and found[-1][1] == span[0]:
                found[-1] = (found[-1][0], span[1])
            else:
                found.append(span)
        return found


if TYPE_CHECKING:
    Decode = Callable[[re.Match[str]], str]


def _decoded(
    source: str, start: int, end: int, escape: re.Pattern[str], decode: Decode
) -> Iterator[tuple[str, int, int]]:
    at = start
    for match in escape.finditer(source, start, end):
        if match.start() > at:
            yield source[at : match.start()], at, match.start()
        yield decode(match), match.start(), match.end()
        at = match.end()
    if at < end:
        yield source[at:end], at, end


def _json_character(match: re.Match[str]) -> str:
    high, low, code, short = match.groups()
    if high is not None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    return chr(int(code, 16)) if code is not None else _SHORT.get(short, short)


def _any_character(match: re.Match[str]) -> str:
    long, byte, short, percent, bytes_, entity, decimal = match.groups()
    digits = long or byte or percent or entity
    if digits is not None:
        return chr(int(digits, 16))
    if bytes_ is not None:
        return bytes.fromhex(bytes_.replace("%", "")).decode("utf-8", "replace")
    return chr(int(decimal)) if decimal is not None else _SHORT.get(short, short)


def json_view(source: str, pieces: Iterable[Range]) -> View:
    """Return what JSON string literals say."""
    return View(source, pieces, _JSON_ESCAPE, _json_character)


def loose_view(source: str) -> View:
    """Return a text with whatever may be an escape in it decoded: JSON's at any depth, Python's, URLs', HTML's."""
    return View(source, [(0, len(source))], _ANY_ESCAPE, _any_character)


def has_escapes(text: str) -> bool:
    """Tell whether `loose_view` would show anything else."""
    return ("\\" in text or "%" in text or "&#" in text) and _ANY_ESCAPE.search(text) is not None


def is_stream(text: str) -> bool:
    """Tell whether a text is made of server-sent events."""
    return _STREAM_START.match(text) is not None or (
        not text.lstrip().startswith(("{", "[")) and _DATA_LINE.search(text) is not None
    )


def is_json(text: str) -> bool:
    """Tell whether a text is a JSON object, array or string, whole or cut."""
    return text.lstrip("\ufeff \t\r\n").startswith(("{", "[", '"'))


def event_data(text: str) -> list[tuple[Range, ...]]:
    """Return, for each event of a stream, where its data stand: one range a line.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    # The last line of a text is empty in this reading, so that an event that was cut ends there too.
    events: list[tuple[Range, ...]] = []
    lines: list[Range] = []
    for match in _LINE.finditer(text):
        start, end = match.span(1)
        if start == 0 and text.startswith("\ufeff"):
            start = 1
        if start == end:
            if lines:
                events.append(tuple(lines))
                lines = []
        elif text.startswith("data:", start):
            begin = start + 5
            lines.append((begin + text.startswith(" ", begin, end), end))
    return events


def payload(text: str, ranges: Iterable[Range]) -> Payload:
    """Read the JSON text that stands in ``ranges``; never fails, whatever stands there.

    One loop on purpose: it runs once per token.
    """
    literals: list[Literal] = []
    scalars: list[Scalar] = []
    types: dict[int, str] = {}
    outer: list[tuple[Path, str | int | None, int]] = []
    # Where reading stands: the path to the container, the key or position in it (None outside), and its number.
    base: Path = ()
    step: str | int | None = None
    owner = opened = 0
    for match in chain.from_iterable(_TOKEN.finditer(text, start, end) for start, end in ranges):
        token = match.lastindex
        if token == _KEY:
            start, end = match.span(1)
            step = _said(text, start, end)
            literals.append(Literal((*base, step), start, end, True, owner))  # noqa: FBT003 - a field
        elif token == _STRING:
            start, end = match.span(1)
            literals.append(Literal(base if step is None else (*base, step), start, end, False, owner))  # noqa: FBT003
            if step == "type":
                types[owner] = _said(text, start, end)
        elif token == _OPEN:
            outer.append((base, step, owner))
            opened += 1
            base = base if step is None else (*base, step)
            step, owner = ("" if match.group() == "{" else 0), opened
        elif token == _CLOSE:
            base, step, owner = outer.pop() if outer else ((), None, 0)
        elif token == _COMMA:
            step = step + 1 if isinstance(step, int) else step
        else:
            scalars.append(Scalar(base if step is None else (*base, step), *match.span()))
    return Payload(tuple(literals), tuple(scalars), types)


def _said(text: str, start: int, end: int) -> str:
    value = text[start:end]
    return _JSON_ESCAPE.sub(_json_character, value) if "\\" in value else value


class Passage(NamedTuple):
    """A text within a body that is looked at as one: its place, its pieces in the body, and what it is.

    ``quoted`` parts are JSON string literals; ``path`` is that of the field, ``key`` tells a name from a value.
    """

    place: str
    pieces: tuple[Range, ...]
    quoted: bool = False
    opaque: bool = False
    path: Path | None = None
    key: bool = False

    @property
    def where(self) -> str:
        """The place in words: the event of a stream, and the JSON path."""
        return self.place if self.path is None else f"{self.place} {json_path(self.path)}".strip()

    def view(self, text: str) -> View:
        """Return the part as its reader sees it."""
        if self.quoted:
            return json_view(text, self.pieces)
        return View(text, self.pieces, _NOTHING, _json_character)


_NOTHING: Final = re.compile(r"(?!)")


def json_path(path: Path) -> str:
    """Spell a path the way JSONPath does."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def parts(text: str) -> tuple[list[Passage], list[Scalar]]:
    """Return everything in a body that may hold a secret, and the scalars of a JSON body."""
    if is_stream(text):
        return _stream_parts(text), []
    if is_json(text):
        whole = payload(text, [(0, len(text))])
        found = list(_literal_parts(whole, ""))
        return [*found, *_gaps(text, found)], list(whole.scalars)
    return [Passage("$", ((0, len(text)),))], []


def _literal_parts(body: Payload, place: str) -> Iterator[Passage]:
    for literal in body.literals:
        path, start, end, key, _ = literal
        yield Passage(place, ((start, end),), True, body.opaque(literal), path, key)  # noqa: FBT003 - fields, once a string


def _gaps(text: str, found: list[Passage]) -> Iterator[Passage]:
    """Yield what stands between the strings and is long enough to matter: comments, other lines, broken JSON."""
    at = 0
    line = 1
    for start, end in [*(part.pieces[0] for part in found), (len(text), len(text))]:
        if start - at >= kinds.SHORTEST:
            yield Passage(f"line {line}", ((at, start),))
        line += text.count("\n", at, end) if end > at else 0
        at = max(at, end)


def _stream_parts(text: str) -> list[Passage]:
    found: list[Passage] = []
    chains: dict[tuple[str, Path], list[tuple[Range, bool]]] = {}
    for number, ranges in enumerate(event_data(text), start=1):
        body = payload(text, ranges)
        found.extend(_literal_parts(body, f"event {number}"))
        _link(chains, text, body)
    joined = [
        Passage(f"block {index}" if index else "stream", tuple(span for span, _ in links), True, links[0][1], path)  # noqa: FBT003
        for (index, path), links in chains.items()
        if len(links) > 1
    ]
    return [*found, *_gaps(text, found), *joined]


def _link(chains: dict[tuple[str, Path], list[tuple[Range, bool]]], text: str, body: Payload) -> None:
    """Add the pieces of an event to the texts that a client puts together from it: by block, and field."""
    index = next((text[s.start : s.end] for s in body.scalars if s.path == ("index",)), "")
    for literal in body.literals:
        if literal.key or literal.path[1:] == () or literal.path[-1] == "type":
            continue
        if literal.path[0] in JOINED_FIELDS:
            link = ((literal.start, literal.end), body.opaque(literal))
            chains.setdefault((index, literal.path[1:]), []).append(link)
