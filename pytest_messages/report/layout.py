"""Fitting text into columns: nothing here knows what it is about.

Whatever comes in, nothing goes out that a terminal would obey: control characters, and the marks that turn the
direction of writing, are written as escapes where a value is quoted and left out where a text is read.
"""

from __future__ import annotations

import json
import unicodedata
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from pytest_messages.findings import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = 120


def plain(text: str) -> str:
    """Return ``text`` without what a terminal would obey; line breaks stay, a tab becomes spaces."""
    even = text.replace("\r\n", "\n").expandtabs(4)
    if even.isascii() and even.replace("\n", "").isprintable():
        return even
    return "".join(letter for letter in even if letter == "\n" or not _is_control(letter))


def _is_control(letter: str) -> bool:
    # Joiners belong to emoji and to several scripts; every other format character only misleads.
    return unicodedata.category(letter) in _OBEYED and letter not in "\u200c\u200d"


_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def line(text: str, columns: int = COLUMNS) -> str:
    """Return ``text`` as one line of at most so many columns."""
    begin = text[: columns * 4]
    row = plain(begin).replace("\n", " ").rstrip()
    if len(begin) == len(text) and _fitting(row, columns) == len(row):
        return row
    return row[: _fitting(row, columns - 1)] + "…"


def width(text: str) -> int:
    """Return how many columns a terminal gives to ``text``."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def _fitting(text: str, columns: int) -> int:
    """Return how many letters of ``text`` fit; one without width counts as one, so that they come to an end."""
    for end, letter in enumerate(text):
        columns -= max(1, _columns(letter))
        if columns < 0:
            return end
    return len(text)


def wrapped(text: str, columns: int) -> list[str]:
    """Return ``text`` in lines of so many columns, broken between words where there are any."""
    return [row for one in plain(text).split("\n") for row in _rows(one, max(columns, 2))]


def _rows(text: str, columns: int) -> Iterator[str]:
    while (end := _fitting(text, columns)) < len(text):
        space = text.rfind(" ", 0, end + 1)
        if text[: max(space, 0)].strip():
            end = space
        yield text[:end].rstrip()
        text = text[end:].lstrip()
    yield text.rstrip()


def quoted(text: str, columns: int = COLUMNS, *, at: int = 0) -> str:
    """Return ``text`` in quotes as Python would write it, cut to so many columns around the letter at ``at``."""
    room = columns - 2
    start, end = 0, _end(text, 0, room)
    if end < len(text):
        start = _start(text, at, room // 3)
        end = _end(text, start, room - 2)
    shown = text[start:end]
    mark = '"' if "'" in shown and '"' not in shown else "'"
    inner = "".join(_escaped(letter) for letter in shown)
    return f"{mark}{'…' if start else ''}{inner}{'…' if end < len(text) else ''}{mark}"


def _start(text: str, at: int, room: int) -> int:
    start = at
    while start > 0 and (room := room - _cost(text[start - 1])) >= 0:
        start -= 1
    space = text.find(" ", start, at) if start else -1
    return start if space < 0 else space + 1


def _end(text: str, start: int, room: int) -> int:
    end = start
    while end < len(text) and (room := room - _cost(text[end])) >= 0:
        end += 1
    return end


def _cost(letter: str) -> int:
    return max(1, width(_escaped(letter)))


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() and letter != "\\" else repr(letter)[1:-1]


def both(recorded: object, sent: object, columns: int) -> tuple[str, str, str]:
    """Return two values as text that shows where they differ, and which lines are meant where there are several."""
    if isinstance(recorded, bytes) and isinstance(sent, bytes):
        recorded, sent = (side.decode("utf-8", "backslashreplace") for side in (recorded, sent))
    if not isinstance(recorded, str) or not isinstance(sent, str):
        return value(recorded, columns), value(sent, columns), ""
    at = _shared(recorded, sent)
    here, there = (quoted(_lines_from(side, at), columns, at=at - _line_start(side, at)) for side in (recorded, sent))
    if here == there:
        return quoted(recorded, columns, at=at), quoted(sent, columns, at=at), ""
    return here, there, _which_lines(recorded, sent, at)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _lines_from(text: str, at: int) -> str:
    end = text.find("\n", at)
    return text[_line_start(text, at) : end if end >= 0 else len(text)]


def _shared(one: str, other: str) -> int:
    """Return how long the beginning is that two texts share; by pieces, since texts may be long."""
    size = 4096
    whole = range(0, min(len(one), len(other)), size)
    start = sum(size for _ in takewhile(lambda n: one[n : n + size] == other[n : n + size], whole))
    pairs = zip(one[start : start + size], other[start : start + size], strict=False)
    return min(start, len(one), len(other)) + sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _which_lines(recorded: str, sent: str, at: int) -> str:
    if "\n" not in recorded and "\n" not in sent:
        return ""
    tail = min(_shared(recorded[:at:-1], sent[:at:-1]), len(recorded) - at, len(sent) - at)
    first = sent.count("\n", 0, at) + 1
    last = first + max(side.count("\n", at, len(side) - tail) for side in (recorded, sent))
    return f"(line {first})" if first == last else f"(lines {first} to {last})"


def value(thing: object, columns: int) -> str:
    """Return any value in one line: what JSON has as JSON, a text in quotes, and `ABSENT` as a word."""
    if thing is ABSENT:
        return "nothing"
    if isinstance(thing, str):
        return quoted(thing, columns)
    if isinstance(thing, bytes):
        return line(f"<{size(len(thing))}> " + quoted(thing[:columns].decode("utf-8", "backslashreplace")), columns)
    return line(_json(thing), columns)


def _json(thing: object) -> str:
    try:
        return json.dumps(thing, ensure_ascii=False, default=str)
    except Exception as error:  # noqa: BLE001 - a matcher of the user's may hand over anything at all
        return f"<{type(thing).__name__}: {type(error).__name__}>"


def size(count: int) -> str:
    """Return a number of bytes as a reader says it."""
    power = min((len(str(count)) - 1) // 3, 3)
    return f"{count // 1000**power} {('B', 'kB', 'MB', 'GB')[power]}"


def number(count: int, thing: str, things: str = "") -> str:
    """Return a count with its noun."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def shell(text: str) -> str:
    """Return ``text`` as one word of a POSIX shell, always in quotes."""
    return "'" + plain(text).replace("\n", " ").replace("'", "'\"'\"'") + "'"


def members(thing: Any) -> dict[str, Any]:
    """Return ``thing`` if it is an object, else an empty one."""
    return thing if isinstance(thing, dict) else {}
