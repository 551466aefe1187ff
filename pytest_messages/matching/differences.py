"""Where two JSON bodies part, as paths: a list that holds one element more differs in one place."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_messages.findings import ABSENT, Difference
from pytest_messages.matching.ignored import Thinned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Same = Callable[[Any, Any], bool]

_WINDOW = 4096
"""How many pairs of list elements are looked at to find those that only moved."""


def body_differences(recorded: Any, sent: Any, same: Same) -> Iterator[Difference]:
    """Yield the places in which two bodies part, ``same`` deciding; a body that is no JSON is bytes, and one place."""
    if isinstance(recorded, bytes) or isinstance(sent, bytes):
        # Never asks whether bytes equal a text, which Python can be told to forbid.
        if type(recorded) is not type(sent) or recorded != sent:
            yield Difference("$", recorded, sent)
    else:
        yield from _walk(recorded, sent, "", same)


def _walk(recorded: Any, sent: Any, path: str, same: Same) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(sent, dict):
        for name in (*recorded, *(name for name in sent if name not in recorded)):
            here, there = recorded.get(name, ABSENT), sent.get(name, ABSENT)
            if not same(here, there):
                yield from _walk(here, there, _member(path, name), same)
    elif isinstance(recorded, list) and isinstance(sent, list):
        yield from _elements(recorded, sent, path, same)
    elif not same(recorded, sent):
        yield Difference(path or "$", recorded, sent)


def _elements(recorded: list[Any], sent: list[Any], path: str, same: Same) -> Iterator[Difference]:
    were, are = _places(recorded), _places(sent)
    for ours, theirs in _stretches(recorded, sent, same):
        for here, there in zip(ours, theirs, strict=False):
            yield from _walk(recorded[here], sent[there], f"{path}[{are[there]}]", same)
        for here in ours[len(theirs) :]:
            yield Difference(f"{path}[{were[here]}]", recorded[here], ABSENT)
        for there in theirs[len(ours) :]:
            yield Difference(f"{path}[{are[there]}]", ABSENT, sent[there])


def _places(value: list[Any]) -> Sequence[int]:
    return value.places if isinstance(value, Thinned) else range(len(value))


def _stretches(recorded: list[Any], sent: list[Any], same: Same) -> Iterator[tuple[range, range]]:
    """Yield the indexes of the stretches that differ, between elements that both lists hold in the same order."""
    shorter = min(len(recorded), len(sent))
    head = tail = 0
    while head < shorter and same(recorded[head], sent[head]):
        head += 1
    while tail < shorter - head and same(recorded[-1 - tail], sent[-1 - tail]):
        tail += 1
    ours, theirs = range(head, len(recorded) - tail), range(head, len(sent) - tail)
    worth_it = 1 < len(ours) * len(theirs) <= _WINDOW
    moved = _kinds([recorded[n] for n in ours], [sent[n] for n in theirs], same) if worth_it else None
    if moved is None:
        yield ours, theirs
        return
    for tag, start, stop, begin, end in difflib.SequenceMatcher(None, *moved, autojunk=False).get_opcodes():
        if tag != "equal":
            yield ours[start:stop], theirs[begin:end]


def _kinds(recorded: list[Any], sent: list[Any], same: Same) -> tuple[list[int], list[int]] | None:
    """Return a number for each element, equal for equal ones; None where the two lists have none in common."""
    theirs = [next((n for n, other in enumerate(recorded) if same(other, value)), -1) for value in sent]
    if max(theirs) < 0:
        return None
    return [next(n for n, other in enumerate(recorded) if same(other, value)) for value in recorded], theirs


_SHORTHAND = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = re.compile("[\ud800-\udfff\x7f-\xa0\u2028\u2029]")


def _member(path: str, name: str) -> str:
    """Return the JSONPath of a member (https://www.rfc-editor.org/rfc/rfc9535#section-2.5.1).

    Names beyond ASCII are lawful without quotes too, but readers of JSONPath differ in which ones they take.
    """
    if _SHORTHAND.fullmatch(name):
        return f"{path}.{name}" if path else name
    quoted = json.dumps(name, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"{path}['{_ESCAPED.sub(_escape, quoted)}']"


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
