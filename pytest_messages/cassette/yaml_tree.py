"""YAML text to plain values that know where they stood, whatever the text."""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from pytest_messages.errors import CassetteFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

SAFE_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's safe loader: in C, or, where it was built without libyaml, the slow one in Python."""

DEPTH = 200
_TOO_DEEP = "it is nested too deeply"
NOT_BASE64 = "this is not base64: restore what stood here, or record the cassette again"

_YAML = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({None, "!", f"{_YAML}str", f"{_YAML}python/str", f"{_YAML}python/unicode"})
_PLAIN_TAGS = frozenset({f"{_YAML}{name}" for name in ("null", "bool", "int", "float")})
_LIST_TAGS = frozenset({None, "!", f"{_YAML}seq", f"{_YAML}python/tuple"})
_MAP_TAGS = frozenset({None, "!", f"{_YAML}map"})

# YAML 1.2's words: a tool that writes 1.1 quotes whatever else 1.1 takes for a date, a number or a truth value, and
# a tool that writes 1.2 does not. https://yaml.org/spec/1.2.2/#1032-tag-resolution
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


class Mark(Protocol):
    """A place in a text, counted from zero, as PyYAML's two parsers have it."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """The file that a text is part of: its path, its whole text, and the offset at which the part begins."""

    path: str
    text: str = ""
    offset: int = 0

    def error(self, problem: str, mark: Mark | None = None) -> CassetteFormatError:
        """Return the error for ``problem`` at ``mark``, None where the whole file is meant."""
        if mark is None:
            return CassetteFormatError(f"{self.path}: {problem}", path=self.path)
        return self.error_at(problem, mark.line, mark.column)

    def error_at(self, problem: str, line: int, column: int) -> CassetteFormatError:
        """Return the error for ``problem``; ``line`` and ``column`` count from zero, in the text."""
        line, column = self.text.count("\n", 0, self.offset) + line + 1, column + 1
        message = f"{self.path}:{line}:{column}: {problem}"
        return CassetteFormatError(message, path=self.path, line=line, column=column)


class Tree(dict[str, Any]):
    """A mapping of the file; ``marks`` has where each value began, where that is known."""

    __slots__ = ("marks", "source", "start")

    def __init__(self, source: Source, start: Mark | None = None) -> None:
        super().__init__()
        self.source = source
        self.start = start
        self.marks: dict[str, Mark | None] = {}

    def error(self, problem: str, key: str | None = None) -> CassetteFormatError:
        """Return the error for ``problem`` with the value at ``key``, or with the mapping itself."""
        return self.source.error(problem, self.marks.get(key or "", self.start))


def parse(text: str, source: Source) -> Any:
    """Return the one document in ``text``: `Tree`, list, text, bytes, number, truth value or None.

    Raises `CassetteFormatError` for whatever else the text is.
    """
    try:
        return _Builder(source).build(_events(text))
    except yaml.MarkedYAMLError as error:
        raise source.error(_in_our_words(error), error.problem_mark or error.context_mark) from None
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        problem = "this is not YAML: a character that must not stand in a file"
        raise source.error_at(problem, before.count("\n"), len(before) - before.rfind("\n") - 1) from None


def _in_our_words(error: yaml.MarkedYAMLError) -> str:
    """Say what is wrong; that the scanner gives up on depth before we do depends on PyYAML's version."""
    if (error.context or "").startswith("while increasing"):
        return _TOO_DEEP
    return f"this is not YAML: {error.problem or error.context}"


def parse_json(text: str, source: Source) -> Any:
    """Return what ``text`` holds; VCR.py writes JSON too. Raises `CassetteFormatError`."""
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _tree_of_pairs(pairs, source))
    except json.JSONDecodeError as error:
        raise source.error_at(f"this is not JSON: {error.msg}", error.lineno - 1, error.colno - 1) from None
    except RecursionError:
        raise source.error(_TOO_DEEP) from None


def expanded_size(value: object, sizes: dict[int, int]) -> int:
    """Return how many values a walk through ``value`` meets; aliases may make that many more than there are."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in sizes:
        children = value.values() if isinstance(value, dict) else value
        sizes[id(value)] = 1 + sum(expanded_size(child, sizes) for child in children)
    return sizes[id(value)]


def depth(value: object) -> int:
    """Return how many containers stand within each other in ``value``, at the most."""
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


def of_base64(text: str) -> bytes:
    """Return the bytes that ``text`` stands for, in as many lines as it likes; raises `ValueError` where it is none."""
    return base64.b64decode("".join(text.split()), validate=True)


def _tree_of_pairs(pairs: list[tuple[str, Any]], source: Source) -> Tree:
    tree = Tree(source)
    for key, value in pairs:
        if key in tree:
            raise source.error(f"the key {key!r:.40} stands here twice")
        tree[key] = value
    return tree


def _events(text: str) -> Iterator[yaml.Event]:
    loader = SAFE_LOADER(text)
    try:
        while (event := loader.get_event()) is not None:
            yield event
    finally:
        loader.dispose()


@dataclass(slots=True)
class _Frame:
    """A container under construction."""

    holder: Tree | list[Any]
    anchor: str | None
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Values from events, without recursion: PyYAML's own composer crashes the process on a deeply nested file."""

    source: Source
    frames: list[_Frame] = field(default_factory=list)
    anchors: dict[str, Any] = field(default_factory=dict)
    roots: list[Any] = field(default_factory=list)

    def build(self, events: Iterator[yaml.Event]) -> Any:
        """Return the value of the one document, None for no document."""
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.MappingStartEvent():
                    self._open(Tree(self.source, event.start_mark), event, _MAP_TAGS)
                case yaml.SequenceStartEvent():
                    self._open([], event, _LIST_TAGS)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    frame = self.frames.pop()
                    self._keep(frame.anchor, frame.holder)
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentStartEvent() if self.roots:
                    raise self.source.error("a second document begins here", event.start_mark)
        return self.roots[0] if self.roots else None

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        frame = self.frames[-1] if self.frames else None
        if frame and isinstance(frame.holder, Tree) and frame.key is None:
            self._key(frame, frame.holder, event)
            return
        value = self._value(event)
        self._keep(event.anchor, value)
        self._place(value, event)

    def _key(self, frame: _Frame, tree: Tree, event: yaml.ScalarEvent) -> None:
        if event.value in tree:
            raise self.source.error(f"the key {event.value!r:.40} stands here twice", event.start_mark)
        self._keep(event.anchor, event.value)
        frame.key = event.value

    def _open(self, holder: Tree | list[Any], event: yaml.CollectionStartEvent, tags: frozenset[str | None]) -> None:
        if event.tag not in tags:
            raise self._foreign_tag(event)
        if len(self.frames) >= DEPTH:
            raise self.source.error(_TOO_DEEP, event.start_mark)
        self._place(holder, event)
        self.frames.append(_Frame(holder, event.anchor))

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self.anchors:
            raise self.source.error(f"nothing complete is called {event.anchor!r:.40}", event.start_mark)
        self._place(self.anchors[event.anchor], event)

    def _keep(self, anchor: str | None, value: object) -> None:
        if anchor is not None:
            self.anchors[anchor] = value

    def _place(self, value: object, event: yaml.NodeEvent) -> None:
        if not self.frames:
            self.roots.append(value)
            return
        frame = self.frames[-1]
        if isinstance(frame.holder, list):
            frame.holder.append(value)
        elif frame.key is None:
            raise self.source.error("a key must be text", event.start_mark)
        else:
            frame.holder[frame.key] = value
            frame.holder.marks[frame.key] = event.start_mark
            frame.key = None

    def _value(self, event: yaml.ScalarEvent) -> object:
        if (event.tag is None and event.implicit[0]) or event.tag in _PLAIN_TAGS:
            return _plain(event.value)
        if event.tag in _TEXT_TAGS:
            return event.value
        if event.tag != f"{_YAML}binary":
            raise self._foreign_tag(event)
        try:
            return of_base64(event.value)
        except ValueError:
            raise self.source.error(NOT_BASE64, event.start_mark) from None

    def _foreign_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> CassetteFormatError:
        return self.source.error(f"values of the kind {event.tag} are not read", event.start_mark)


def _plain(text: str) -> object:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text
