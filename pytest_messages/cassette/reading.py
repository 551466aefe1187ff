"""A cassette from the text of any tool that writes VCR.py's version 1."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast, overload

from pytest_messages.cassette.bodies import STYLES, restored
from pytest_messages.cassette.codings import decoded
from pytest_messages.cassette.document import Cassette, Interaction, Recording
from pytest_messages.cassette.writing import MARKER
from pytest_messages.cassette.yaml_tree import (
    DEPTH,
    NOT_BASE64,
    Source,
    Tree,
    depth,
    expanded_size,
    of_base64,
    parse,
    parse_json,
)
from pytest_messages.errors import CassetteError, CassetteFormatError, CassetteVersionError
from pytest_messages.wire import Chunk, Ended, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_messages.wire import Headers

_OURS = re.compile(re.escape(MARKER.rpartition(" ")[0]) + r" (\S+)\n")
_ITEM = "\n- request:"
_ANSWER = "\n  response:"
_END = rf"^    ended: (?:{'|'.join(Ended)})\n"

_PRETTY = ("{\n", "[\n")
_STYLE_WORDS = ", ".join(STYLES)
_LARGEST = 1_000_000

_KEYS = frozenset({"version", "salt", "incomplete", "reasons", "interactions"})

# Untrue once a body is stored decoded, and worth nothing where it is not.
_FRAMING = frozenset({"content-length", "transfer-encoding"})


def load(text: str | bytes, path: str) -> Cassette:
    """Return the cassette in ``text``; ``path`` is for errors.

    In a file of our own, responses are read when first asked for, and so are their errors. Raises
    `CassetteFormatError` and `CassetteVersionError`.
    """
    cassette = _load(_text(text, path), path)
    others = [key for key, value in cassette.unread.items() if value and key.endswith("_interactions")]
    if others and not cassette.interactions:
        raise CassetteFormatError(
            f"{path}: all that it holds is {' and '.join(others)}, and only HTTP interactions are read; "
            "leave the file to the tool that wrote it, and name another cassette for this test",
            path=path,
        )
    return cassette


def unread(text: str | bytes, path: str) -> Mapping[str, object]:
    """Return what stands in the file beside our own keys; nothing where the file cannot be read."""
    try:
        return _load(_text(text, path), path).unread
    except CassetteError:
        return {}


def _load(text: str, path: str) -> Cassette:
    marked = _OURS.match(text)
    if marked is None:
        return _whole(text, Source(path), own=False)
    if marked[1] != MARKER.rpartition(" ")[2]:
        raise CassetteVersionError(
            f"{path}: the cassette is of version {marked[1]}; a newer pytest-messages reads it", path=path
        )
    starts = [*_items(text)]
    if not starts:
        return _whole(text, Source(path), own=True)
    head = _document(parse(text[: starts[0]], Source(path)), path)
    if head.get("interactions", "") is not None:
        raise head.error("interactions are listed here and below", "interactions")
    slices = [_Slice(text, path, start, end) for start, end in pairwise([*starts, len(text)])]
    return _cassette(head, tuple(piece.interaction(number) for number, piece in enumerate(slices, 1)), own=True)


def _items(text: str) -> Iterator[int]:
    found = text.find(_ITEM)
    while found >= 0:
        yield found + 1
        found = text.find(_ITEM, found + 1)


def whole_interactions(text: str) -> str:
    """Return ``text`` of a file of our own up to the end of its last whole interaction; nothing where it has none."""
    ends = [found.end() for found in re.finditer(_END, text, re.MULTILINE)]
    return text[: ends[-1]] if ends else ""


def _text(content: str | bytes, path: str) -> str:
    if isinstance(content, str):
        text = content
    else:
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            before = content[: error.start].decode()
            column = len(before) - before.rfind("\n") - 1
            raise Source(path).error_at("this is not UTF-8 text", before.count("\n"), column) from None
    # Editors put a byte-order mark in front, and git may turn newlines; our own files never hold a raw CR.
    text = text.removeprefix("\ufeff")
    return text.replace("\r\n", "\n") if "\r" in text and text.startswith(MARKER[:-1]) else text


def _whole(text: str, source: Source, *, own: bool) -> Cassette:
    read = parse_json if text.lstrip().startswith("{") else parse
    document = _document(read(text, source), source.path)
    items = document.get("interactions", ())
    if not isinstance(items, (list, tuple)) or "interactions" not in document:
        raise document.error("this is no cassette: it has no list of interactions", "interactions")
    interactions = tuple(_interaction(_tree(item, document, "interactions"), own=own) for item in items)
    return _cassette(document, interactions, own=own)


def _document(document: Any, path: str) -> Tree:
    if document is None:
        raise CassetteFormatError(f"{path}: the file is empty", path=path)
    if isinstance(document, list):
        raise CassetteVersionError(
            f"{path}: a list is VCR.py's old format, from before version 1; record the cassette again", path=path
        )
    if not isinstance(document, Tree):
        raise Source(path).error_at("this is no cassette: it is no mapping", 0, 0)
    if document.get("version", 1) != 1:
        raise CassetteVersionError(
            f"{path}: version {document['version']!r:.40} is not read, only version 1", path=path
        )
    return document


def _cassette(document: Tree, interactions: tuple[Interaction, ...], *, own: bool) -> Cassette:
    incomplete = document.get("incomplete") or []
    if not isinstance(incomplete, list) or not all(isinstance(test, str) for test in incomplete):
        raise document.error("incomplete is a list of node ids", "incomplete")
    salt = _optional(document, "salt")
    reasons = _reasons(document, incomplete)
    return Cassette(
        interactions=interactions,
        incomplete=tuple(incomplete),
        reasons=reasons,
        salt=salt,
        unread={key: _unread(value, key, document) for key, value in document.items() if key not in _KEYS},
        own=own,
    )


def _unread(value: object, key: str, document: Tree) -> object:
    """Return ``value`` where it can be written again."""
    try:
        small = expanded_size(value, {}) <= _LARGEST and depth(value) < DEPTH
    except RecursionError:
        small = False
    if not small:
        raise document.error("this is nested too deeply to be kept, or stands for too many values", key)
    return value


def _reasons(document: Tree, incomplete: list[str]) -> dict[str, str]:
    """Return why tests have not passed, by their node ids: the two lists go side by side."""
    reasons = document.get("reasons") or []
    if not isinstance(reasons, list):
        raise document.error("reasons is a list, one reason for each test of incomplete", "reasons")
    return {
        test: reason for test, reason in zip(incomplete, reasons, strict=False) if isinstance(reason, str) and reason
    }


class _Slice:
    """One interaction of a file of our own, by its offsets: the request is read at once, the response when asked."""

    def __init__(self, text: str, path: str, start: int, end: int) -> None:
        self.text, self.path, self.start, self.end = text, path, start, end

    def interaction(self, number: int) -> Interaction:
        """Return the interaction; raises `CassetteFormatError` where it is not whole."""
        self._check_end(number)
        middle = self.text.find(_ANSWER, self.start, self.end) + 1
        if not middle:
            raise self._source(self.start).error_at(f"interaction {number} has no response", 0, 0)
        [item] = parse(self.text[self.start : middle], self._source(self.start))
        style = self._request_style(middle)
        return Interaction(_request(_part(item, "request"), style, own=True), partial(self._answer, middle))

    def _answer(self, middle: int) -> tuple[Response, Recording]:
        return _answer(parse(self.text[middle : self.end], self._source(middle)))

    def _request_style(self, middle: int) -> str | None:
        key = "\n    request_json: "
        found = self.text.find(key, middle, self.end)
        return None if found < 0 else self.text[found + len(key) : self.text.index("\n", found + 1)].strip("'")

    def _check_end(self, number: int) -> None:
        whole = self.text[self.start : self.end].rstrip("\n")
        last = whole.rfind("\n") + 1
        if not re.match(_END, whole[last:] + "\n"):
            problem = f"interaction {number} does not end with its line `ended:`: the file is cut short"
            raise self._source(self.start + last).error_at(problem, 0, len(whole) - last)

    def _source(self, offset: int) -> Source:
        return Source(self.path, self.text, offset)


def _interaction(item: Tree, *, own: bool) -> Interaction:
    recording = _tree(item.get("recording") or Tree(item.source, item.start), item, "recording")
    return Interaction(_request(_part(item, "request"), _optional(recording, "request_json"), own=own), _answer(item))


def _request(tree: Tree, style: str | None, *, own: bool) -> Request:
    body = _body(tree, tree.get("body"))
    if style is None and own and isinstance(body, str) and body.startswith(_PRETTY):
        style = "compact"
    headers, content = _decoded(_headers(tree), _bytes(tree, body, style if style != "text" else None))
    return Request(_needed(tree, "method"), _needed(tree, "uri"), headers, content)


def _answer(item: Tree) -> tuple[Response, Recording]:
    tree = _part(item, "response")
    about = _tree(item.get("recording") or Tree(item.source, item.start), item, "recording")
    status, reason = _status(tree)
    body = _response_body(tree)
    headers, content = _decoded(_headers(tree), _bytes(tree, body, _optional(about, "json")))
    response = Response(
        status,
        reason,
        headers,
        content,
        chunks=_chunks(about, len(content)),
        ended=_ended(about),
        error=_optional(about, "error"),
    )
    at = _optional(about, "at") if "at" in about else _optional(item, "recorded_at")
    test, provider, phase = (_optional(about, key) for key in ("test", "provider", "phase"))
    return response, Recording(at=at, test=test, provider=provider, phase=phase)


def _status(tree: Tree) -> tuple[int, str]:
    """Return code and reason: of VCR.py's mapping, cassetter's number, or the ``status_code`` of its old httpx stub."""
    status = tree.get("status", tree.get("status_code"))
    code, reason = (status.get("code"), status.get("message")) if isinstance(status, Tree) else (status, None)
    if isinstance(code, bool) or not re.fullmatch(r"[0-9]{1,3}", str(code)):
        raise tree.error("the status of a response is a number of at most three digits", "status")
    return int(str(code)), _header_text(reason)


def _ended(about: Tree) -> Ended:
    word = about.get("ended", Ended.COMPLETE)
    if word not in set(Ended):
        raise about.error(f"a response ended {', '.join(Ended)}, not {word!r:.40}", "ended")
    return Ended(word)


def _headers(tree: Tree) -> Headers:
    headers = tree.get("headers") or {}
    if isinstance(headers, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in headers):  # noqa: PLR2004 - a pair
        pairs = [(name, value) for name, value in headers]
    elif isinstance(headers, dict):
        pairs = [
            (name, value)
            for name, values in headers.items()
            for value in (values if isinstance(values, list) else [values])
        ]
    else:
        raise tree.error("headers are a mapping of names to values", "headers")
    return tuple((_header_text(name).lower(), _header_text(value)) for name, value in pairs)


def _header_text(value: object) -> str:
    match value:
        case bytes():
            return value.decode("latin-1")
        case bool():
            return str(value).lower()
        case None:
            return ""
        case _:
            return str(value)


def _response_body(tree: Tree) -> str | bytes:
    """Return the body wherever tools put it: ``body.string``, ``body.base64_string``, ``body``, ``content``."""
    body = tree.get("body", tree.get("content"))
    if isinstance(body, dict) and "base64_string" in body:
        return _base64(tree, body["base64_string"])
    if isinstance(body, dict) and (not body or "string" in body):
        body = body.get("string")
    return _body(tree, body)


def _body(tree: Tree, body: object) -> str | bytes:
    match body:
        case None if tree.get("parsed_body") is not None:
            return _dumped(tree, tree["parsed_body"])
        case None:
            return b""
        case str() | bytes():
            return body
        case {"type": str(kind), **content} if kind in _CASSETTER and set(content) <= {"content"}:
            return _CASSETTER[kind](tree, content.get("content"))
        case dict() | list():
            # VCR.py keeps what aiohttp was handed as `json=` as it is.
            return _dumped(tree, body)
        case _:
            return _header_text(body)


def _dumped(tree: Tree, value: object) -> bytes:
    """Return the JSON of a body that a tool stored parsed, as the API and its clients dump it: how it came is lost."""
    try:
        if expanded_size(value, {}) > _LARGEST:
            raise tree.error("its aliases stand for more values than a body can have")
        return STYLES["compact"](value)
    except (TypeError, ValueError, RecursionError):
        raise tree.error("a parsed body holds what JSON cannot say, or is nested too deeply") from None


def _binary(tree: Tree, content: object) -> bytes:
    try:
        return bytes.fromhex(str(content))
    except ValueError:
        raise tree.error("a body of type binary is hexadecimal", "body") from None


def _base64(tree: Tree, content: object) -> bytes:
    try:
        return of_base64(str(content))
    except ValueError:
        raise tree.error(NOT_BASE64, "body") from None


_CASSETTER: dict[str, Callable[[Tree, Any], str | bytes]] = {
    "json": _dumped,
    "text": lambda _, content: content if isinstance(content, (str, bytes)) else _header_text(content),
    "binary": _binary,
    "none": lambda *_: b"",
}
"""The body types of cassetter's own files."""


def _bytes(tree: Tree, body: str | bytes, style: str | None) -> bytes:
    if isinstance(body, bytes):
        return body
    if style is None:
        return body.encode(errors="surrogatepass")
    if style not in STYLES:
        raise tree.error(f"JSON is remembered as {_STYLE_WORDS}, not {style!r:.40}")
    try:
        return restored(body, style)
    except json.JSONDecodeError as error:
        raise _json_error(tree, error) from None
    except (ValueError, RecursionError):
        raise tree.error("the body is JSON beyond what can be read: a number too long, or nested too deeply") from None


def _json_error(tree: Tree, error: json.JSONDecodeError) -> CassetteFormatError:
    """Return the error for a body that was edited by hand, at its place in the block that begins below its key."""
    holder = tree["body"] if isinstance(tree["body"], Tree) else tree
    mark = holder.marks.get("string", holder.marks.get("body"))
    problem = f"the body is not JSON any more: {error.msg}"
    if mark is None:
        return tree.error(problem, "body")
    indent = 8 if holder is not tree else 6
    return tree.source.error_at(problem, mark.line + error.lineno, indent + error.colno - 1)


def _decoded(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """Return headers and body as a client sees them that undoes content codings."""
    codings = ",".join(value for name, value in headers if name == "content-encoding")
    untrue = _FRAMING
    with contextlib.suppress(LookupError):
        body = decoded(body, codings) if codings else body
        untrue = _FRAMING | {"content-encoding"}
    return tuple((name, value) for name, value in headers if name not in untrue), body


def _chunks(about: Tree, size: int) -> tuple[Chunk, ...]:
    chunks = about.get("chunks")
    if chunks is None:
        return ()
    # A sequence that equals its tuple and costs nothing until it is asked for its items.
    return cast("tuple[Chunk, ...]", _Chunks(str(chunks), size, about))


class _Chunks(Sequence[Chunk]):
    """The chunks of a stored response, read when asked for."""

    __slots__ = ("_about", "_read", "_size", "_text")

    def __init__(self, text: str, size: int, about: Tree) -> None:
        self._text, self._size, self._about = text, size, about
        self._read: tuple[Chunk, ...] | None = None

    @property
    def _items(self) -> tuple[Chunk, ...]:
        if self._read is None:
            try:
                self._read = tuple(_chunk(pair, self._size) for pair in self._text.split())
            except ValueError:
                raise self._about.error("chunks are pairs of milliseconds and bytes, `ms:end`", "chunks") from None
        return self._read

    @overload
    def __getitem__(self, index: int, /) -> Chunk: ...
    @overload
    def __getitem__(self, index: slice, /) -> tuple[Chunk, ...]: ...
    def __getitem__(self, index: int | slice, /) -> Chunk | tuple[Chunk, ...]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Chunk]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        return self._items == (other._items if isinstance(other, _Chunks) else other)

    def __hash__(self) -> int:
        return hash(self._items)

    def __repr__(self) -> str:
        return repr(self._items)


def _chunk(pair: str, size: int) -> Chunk:
    ms, _, end = pair.partition(":")
    return Chunk(int(ms), int(end) if end else size)


def _part(item: Tree, key: str) -> Tree:
    if key not in item:
        raise item.error(f"an interaction has a {key}")
    return _tree(item[key], item, key)


def _tree(value: object, parent: Tree, key: str) -> Tree:
    if not isinstance(value, Tree):
        raise parent.error(f"{key} is a mapping, or a list of them", key)
    return value


def _needed(tree: Tree, key: str) -> str:
    if not isinstance(tree.get(key), str):
        raise tree.error(f"a request has a {key}, which is text", key)
    return cast("str", tree[key])


def _optional(tree: Tree, key: str) -> str | None:
    value = tree.get(key)
    return None if value is None else str(value)
