"""Does this request answer to that one, and if not, where do they part?

A request is cut into parts, one for each name in ``match_on``. The parts make its key, so that finding a recording
costs the same however many there are; where two keys differ, the same parts say in which places. There is no second,
weaker comparison: a request whose key no recording has gets no answer.
"""  # noqa: D400 - a question is what this module answers

from __future__ import annotations

import contextlib
import difflib
import ipaddress
import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit

from jsonpath_rfc9535 import JSONPathError, JSONPathQuery
from jsonpath_rfc9535 import compile as compile_path

from pytest_messages.errors import ABSENT, Absent, Difference, SettingsError
from pytest_messages.settings import combine

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from pytest_messages.wire import Scrubbed

BUILTIN = ("method", "host", "path", "query", "body")


class Matcher(Protocol):
    """A comparison of the user's own: returns the difference, or None where the two requests agree."""

    def __call__(self, recorded: Scrubbed, live: Scrubbed, /) -> Difference | None:
        """Compare two scrubbed requests."""
        ...


class Matching:
    """How the requests of one session are compared: keys to look recordings up by, differences to explain a miss.

    ``match_on`` adds to `BUILTIN` and, with a leading ``-``, takes out of it; further names are ``user_id`` and
    ``header:<name>``, and a callable is a `Matcher`. ``ignore`` holds JSONPaths (RFC 9535; the leading ``$.`` may be
    left out) of what is not compared, neither its value nor its presence, and ``pattern -> placeholder`` pairs that are
    applied to every string of a JSON body. ``groups`` tells of a URL whether its provider groups calls by
    ``metadata.user_id``: only there is its value compared, elsewhere its presence. An unknown name, path or pattern is
    a `SettingsError`.

    It remembers which loopback servers it met: a session makes its own, asks for the `recorded_key` of every recording
    in order before the `key` of the first live request, and calls it under its lock.
    """

    def __init__(
        self,
        *,
        match_on: Sequence[str | Matcher] = (),
        ignore: Sequence[str] = (),
        groups: Callable[[str], bool] = lambda _url: False,
    ) -> None:
        names = combine(BUILTIN, [_known(entry) for entry in match_on if isinstance(entry, str)])
        self._every_user = "user_id" in names
        self._names = tuple(name for name in names if name != "user_id")
        self._matchers = tuple(entry for entry in match_on if not isinstance(entry, str))
        self._ignored = _Ignored(combine((), ignore))
        self._groups = groups
        self._loopback = _Loopback()
        self._bodies: dict[bytes, Hashable] = {}

    @property
    def custom(self) -> bool:
        """Whether ``match_on`` holds a callable, for which no key can speak: ask `agrees` of what has the key."""
        return bool(self._matchers)

    def recorded_key(self, request: Scrubbed) -> Hashable:
        """Return the key of a recorded request, and remember it for the live ones to come."""
        seen = _Seen(request, self._ignored)
        self._learn(seen)
        parts = self._parts(seen)
        return (*parts, self._loopback.add(seen.url.host, parts)) if self._on_loopback(seen) else parts

    def key(self, request: Scrubbed) -> Hashable:
        """Return the key of a live request: that of a recorded one exactly when both agree in all named parts."""
        seen = _Seen(request, self._ignored)
        parts = self._parts(seen)
        return (*parts, self._loopback.claim(seen.url.host, parts)) if self._on_loopback(seen) else parts

    def agrees(self, recorded: Scrubbed, live: Scrubbed) -> bool:
        """Tell whether no callable of ``match_on`` finds a difference."""
        return all(matcher(recorded, live) is None for matcher in self._matchers)

    def compare(self, recorded: Scrubbed, live: Scrubbed) -> tuple[Difference, ...]:
        """Return the places in which two requests part: none exactly when their keys are equal and `agrees`."""
        here, there = _Seen(recorded, self._ignored), _Seen(live, self._ignored)
        found = tuple(self._differences(here, there, _same))
        return found or tuple(self._other_server(here, there))

    def nearest(self, live: Scrubbed, recorded: Sequence[Scrubbed]) -> tuple[int, tuple[Difference, ...]] | None:
        """Return the index of the recorded request that differs least, with its differences; None where there is none.

        Among those with as few differences one with as many turns wins, then the earliest.
        """
        sent = _Seen(live, self._ignored)
        best: tuple[int, bool, int] | None = None
        for index, request in enumerate(recorded):
            seen = _Seen(request, self._ignored)
            # One difference more than the best has is enough to know that this is not the one.
            limit = None if best is None else best[0] + 1
            count = sum(1 for _ in islice(self._differences(seen, sent, _alike), limit))
            rank = (count, seen.turns != sent.turns, index)
            best = rank if best is None else min(best, rank)
        return None if best is None else (best[2], self.compare(recorded[best[2]], live))

    def _on_loopback(self, seen: _Seen) -> bool:
        return seen.url.loopback and "host" in self._names

    def _parts(self, seen: _Seen) -> tuple[Hashable, ...]:
        return (*(self._part(name, seen) for name in self._names), self._user(seen))

    def _part(self, name: str, seen: _Seen) -> Hashable:
        if name == "body" and (known := self._bodies.get(seen.request.body)) is not None:
            return known
        return PARTS[name](seen) if name in PARTS else seen.header(name)

    def _user(self, seen: _Seen) -> Hashable:
        return _canonical(seen.user_id) if self._every_user or self._groups(seen.request.url) else None

    def _learn(self, seen: _Seen) -> None:
        """Remember what a recorded body comes to, by its bytes and by the compact ones that clients make of it.

        Most live bodies are equal to one of the two, and need not be parsed. It is a cache of a function of the bytes,
        so it cannot answer otherwise than the function would.
        """
        if "body" not in self._names:
            return
        key = self._bodies[seen.request.body] = PARTS["body"](seen)
        # No JSON, a number that is no integer, a lone surrogate: those are found by parsing.
        with contextlib.suppress(TypeError, UnicodeEncodeError):
            self._bodies[_COMPACT.encode(seen.sent).encode()] = key

    def _differences(self, recorded: _Seen, live: _Seen, same: _Same) -> Iterator[Difference]:
        for name in self._names:
            if name == "body":
                yield from _body(recorded.doc, live.doc, same)
            elif self._part(name, recorded) != self._part(name, live):
                yield Difference(name, recorded.shown(name), live.shown(name), name)
            elif name == "host" and recorded.url.loopback and self._loopback.taken(recorded.url.host, live.url.host):
                yield Difference(name, recorded.url.host, live.url.host, name)
        if self._user(recorded) != self._user(live) and not self._body_tells(recorded, live):
            yield Difference("metadata.user_id", recorded.user_id, live.user_id, "user_id")
        yield from filter(None, (matcher(recorded.request, live.request) for matcher in self._matchers))

    def _body_tells(self, recorded: _Seen, live: _Seen) -> bool:
        """Tell whether the body's own differences have it already that only one side names a user."""
        return "body" in self._names and (recorded.user_id is ABSENT) != (live.user_id is ABSENT)

    def _other_server(self, recorded: _Seen, live: _Seen) -> Iterator[Difference]:
        """Yield the host where two requests are alike but for the loopback servers that they stand for."""
        if self._on_loopback(recorded):
            parts = self._parts(recorded)
            self._loopback.add(recorded.url.host, parts)
            if self._loopback.choose(live.url.host, parts) != recorded.url.host:
                yield Difference("host", recorded.url.host, live.url.host, "host")


class _Loopback:
    """Which recorded loopback server a live one stands for, since ports are drawn anew in every run.

    A recorded server belongs to the live one that was first to ask for something that it holds. So one live server may
    own several (a cassette that was recorded in two runs), two never share one, and two that are used side by side find
    their own by what they are asked. Only where they are asked the very same thing first does the order of use decide;
    a server of the same name and port goes before it.
    """

    def __init__(self) -> None:
        self._holders: dict[Hashable, dict[str, None]] = {}
        self._owners: dict[str, str] = {}

    def add(self, server: str, asked: Hashable) -> str:
        """Note that a recorded server holds an answer to ``asked``."""
        self._holders.setdefault(asked, {})[server] = None
        return server

    def choose(self, server: str, asked: Hashable) -> str | None:
        """Return the recorded server that answers for a live one, or None."""
        free = [held for held in self._holders.get(asked, ()) if not self.taken(held, server)]
        return min(free, key=lambda held: (held not in self._owners, held != server), default=None)

    def claim(self, server: str, asked: Hashable) -> str | None:
        """As `choose`, and the live server owns the recorded one from now on."""
        chosen = self.choose(server, asked)
        if chosen is not None:
            self._owners[chosen] = server
        return chosen

    def taken(self, held: str, server: str) -> bool:
        """Tell whether a recorded server belongs to another live one than ``server``."""
        return self._owners.get(held, server) != server


class _Url(NamedTuple):
    """What of a URL is compared: the scheme counts only as the port that it stands for."""

    host: str
    loopback: bool
    path: str
    query: str


@lru_cache(maxsize=256)
def _url(text: str) -> _Url:
    try:
        parts = urlsplit(text)
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:  # no URL by RFC 3986: equal to itself only
        return _Url(text, loopback=False, path="", query="")
    suffix = "" if port in (None, _PORTS.get(parts.scheme)) else f":{port}"
    return _Url(name + suffix, loopback=_is_loopback(name), path=parts.path or "/", query=parts.query)


_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):  # https://www.rfc-editor.org/rfc/rfc6761#section-6.3
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class _Seen:
    """One request as it is compared; nothing is parsed before it is asked for."""

    def __init__(self, request: Scrubbed, ignored: _Ignored) -> None:
        self.request = request
        self.url = _url(request.url)
        self._ignored = ignored

    @cached_property
    def sent(self) -> Any:
        """The body as JSON; a body that is none, as the bytes that it is."""
        return _parse(self.request.body)

    @cached_property
    def _left(self) -> Any:
        return self.sent if isinstance(self.sent, bytes) else self._ignored.take_out(self.request.body, self.sent)

    @cached_property
    def doc(self) -> Any:
        """What of the body is compared: without what is ignored, and of the user only that there is one."""
        if self.user_id is ABSENT:
            return self._left
        return {**self._left, "metadata": {**self._left["metadata"], "user_id": "<user-id>"}}

    @cached_property
    def user_id(self) -> str | Absent:
        """The value of ``metadata.user_id``."""
        metadata = self._left.get("metadata") if isinstance(self._left, dict) else None
        found = metadata.get("user_id") if isinstance(metadata, dict) else None
        return found if isinstance(found, str) else ABSENT

    @property
    def turns(self) -> int:
        """How many messages the body holds."""
        messages = self.sent.get("messages") if isinstance(self.sent, dict) else None
        return len(messages) if isinstance(messages, list) else 0

    def header(self, name: str) -> tuple[str, ...]:
        """All values of the header that ``header:<name>`` names."""
        return tuple(value for key, value in self.request.headers if f"header:{key}" == name)

    def shown(self, name: str) -> str | Absent:
        """Return the part of this name as a reader knows it."""
        if name in ("method", "host", "path", "query"):
            return str(getattr(self.request if name == "method" else self.url, name))
        return ", ".join(self.header(name)) or ABSENT


PARTS: Mapping[str, Callable[[_Seen], Hashable]] = {
    "method": lambda seen: seen.request.method.upper(),
    "host": lambda seen: None if seen.url.loopback else seen.url.host,
    "path": lambda seen: seen.url.path,
    # The order of parameters means nothing to an API that names them; the escape keeps undecodable bytes apart.
    "query": lambda seen: tuple(
        sorted(parse_qsl(seen.url.query, keep_blank_values=True, errors="surrogateescape")),
    ),
    "body": lambda seen: ("bytes", seen.doc) if isinstance(seen.doc, bytes) else ("json", _digest(seen.doc)),
}
"""What is compared under each built-in name of ``match_on``."""


def _known(entry: str) -> str:
    name = entry.removeprefix("-").lower()
    if name in PARTS or name == "user_id" or name.removeprefix("header:") not in ("", name):
        return entry.lower()
    raise SettingsError(
        f"match_on: there is nothing named {name!r}; there are {', '.join(PARTS)}, user_id, header:<name>"
    )


# --- JSON, exactly ----------------------------------------------------------------------------------------------------

_DEEPEST = 100
"""Deeper bodies than any API takes are compared as bytes: the comparison recurses."""


def _parse(body: bytes) -> Any:
    """Return what JSON (RFC 8259) says, numbers exact; ``body`` itself where it says none or says it twice."""
    try:
        value = _DECODER.decode(body.decode())
    except (ValueError, ArithmeticError, RecursionError):
        return body
    return value if _is_shallow(body, value) else body


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice, and readers differ in which one counts")
    return members


@lru_cache(maxsize=256)
def _number(text: str) -> int | Decimal:
    """Return an equal number that is written in one way only: an integer, or no zero at the end."""
    sign, digits, exponent = Decimal(text).as_tuple()
    if not any(digits):
        return 0
    kept = "".join(map(str, digits)).rstrip("0")
    power = int(exponent) + len(digits) - len(kept)
    number = Decimal((sign, tuple(map(int, kept)), power))
    # An integer of more digits is refused by int(), and stays in the form with an exponent.
    return int(number) if power >= 0 and len(kept) + power <= _LONGEST_INTEGER else number


_LONGEST_INTEGER = 4300


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _is_shallow(body: bytes, value: Any) -> bool:
    if body.count(b"{") + body.count(b"[") <= _DEEPEST:
        return True
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for node in level if isinstance(node, (dict, list)) for inner in _inner(node)]
        if not level:
            return True
    return False


def _inner(node: dict[str, Any] | list[Any]) -> Sequence[Any]:
    return list(node.values()) if isinstance(node, dict) else node


def _canonical(value: Any) -> str:
    return _CANONICAL.encode(value)


def _digest(value: Any) -> bytes:
    return blake2b(_canonical(value).encode(), digest_size=16).digest()


def _beyond_json(value: object) -> list[object]:
    """Write what JSON has no form for after a NaN, which no parsed body holds: nothing else can look the same."""
    return [math.nan, str(value)]


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_float=_number, parse_constant=_refuse)
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False, default=_beyond_json)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


# --- What is ignored --------------------------------------------------------------------------------------------------


class _Ignored:
    """What the user does not want compared, taken out of both sides."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._pairs = [_pair(entry) for entry in entries if _ARROW in entry]
        self._paths = [_path(entry) for entry in entries if _ARROW not in entry]

    def take_out(self, body: bytes, value: Any) -> Any:
        """Return ``value``, which ``body`` parsed to, without what is ignored; neither is changed."""
        if not self._paths and not self._pairs:
            return value
        # A filter compares with numbers of Python's, so places are looked up in an ordinary reading of the body.
        plain = json.loads(body) if self._paths else None
        left = {"": _parse(body)}
        for path in self._paths:
            for node in path.finditer(plain):
                _take(left, ("", *node.location))
        return self._rebuilt(left[""])

    def _rebuilt(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._rebuilt(inner) for name, inner in value.items() if inner is not ABSENT}
        if isinstance(value, list):
            kept = [(place, self._rebuilt(inner)) for place, inner in enumerate(value) if inner is not ABSENT]
            return _Thinned(kept) if len(kept) < len(value) else [inner for _, inner in kept]
        return self._replaced(value) if isinstance(value, str) else value

    def _replaced(self, text: str) -> str:
        for pattern, placeholder in self._pairs:
            text = placeholder.join(_between(pattern, text))
        return text


class _Thinned(list[Any]):
    """A list out of which elements were taken, and where those that are left stood."""

    def __init__(self, kept: list[tuple[int, Any]]) -> None:
        super().__init__(inner for _, inner in kept)
        self.places = [place for place, _ in kept]


_ARROW = " -> "


def _pair(entry: str) -> tuple[re.Pattern[str], str]:
    pattern, placeholder = entry.rsplit(_ARROW, 1)
    try:
        return re.compile(pattern), placeholder
    except re.error as error:
        raise SettingsError(f"ignore: {pattern!r} is not a regular expression: {error}") from None


def _between(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield what stands before, between and after the matches: a placeholder is no template."""
    start = 0
    for found in pattern.finditer(text):
        yield text[start : found.start()]
        start = found.end()
    yield text[start:]


def _path(entry: str) -> JSONPathQuery:
    text = entry if entry.startswith("$") else f"${entry}" if entry.startswith(("[", ".")) else f"$.{entry}"
    try:
        return compile_path(text)
    except JSONPathError as error:
        raise SettingsError(f"ignore: {entry!r} is neither a JSONPath nor `pattern -> placeholder`: {error}") from None


def _take(value: Any, location: tuple[int | str, ...]) -> None:
    """Mark the place as not there; where an outer place is marked already there is nothing to do."""
    *outer, last = location
    for step in outer:
        value = value[step]
        if value is ABSENT:
            return
    value[last] = ABSENT


# --- Where two bodies part --------------------------------------------------------------------------------------------

_Same = Callable[[Any, Any], bool]

_WINDOW = 4096
"""How many pairs of list elements are looked at to find those that only moved."""


def _alike(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, save that Python takes ``true`` for 1: fast, and good enough to count."""
    return bool(one == other)


def _same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal."""
    return bool(one == other) and _agree_in_booleans(one, other)


def _agree_in_booleans(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(_agree_in_booleans(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return all(map(_agree_in_booleans, one, other))
    return isinstance(one, bool) == isinstance(other, bool)


def _body(recorded: Any, sent: Any, same: _Same) -> Iterator[Difference]:
    if isinstance(recorded, bytes) and isinstance(sent, bytes):
        if recorded != sent:
            yield Difference("$", recorded, sent)
    elif isinstance(recorded, bytes) or isinstance(sent, bytes):
        yield Difference("$", recorded, sent)
    else:
        yield from _walk(recorded, sent, "", same)


def _walk(recorded: Any, sent: Any, path: str, same: _Same) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(sent, dict):
        for name in (*recorded, *(name for name in sent if name not in recorded)):
            here, there = recorded.get(name, ABSENT), sent.get(name, ABSENT)
            if not same(here, there):
                yield from _walk(here, there, _member(path, name), same)
    elif isinstance(recorded, list) and isinstance(sent, list):
        yield from _elements(recorded, sent, path, same)
    elif not same(recorded, sent):
        yield Difference(path or "$", recorded, sent)


def _elements(recorded: list[Any], sent: list[Any], path: str, same: _Same) -> Iterator[Difference]:
    """Yield the differences of two lists: an element more or less is one, and does not shift those behind it."""
    were, are = _places(recorded), _places(sent)
    for here, there in _aligned(recorded, sent, same):
        if here is None and there is not None:
            yield Difference(f"{path}[{are[there]}]", ABSENT, sent[there])
        elif there is None and here is not None:
            yield Difference(f"{path}[{were[here]}]", recorded[here], ABSENT)
        elif here is not None and there is not None:
            yield from _walk(recorded[here], sent[there], f"{path}[{are[there]}]", same)


def _places(value: list[Any]) -> Sequence[int]:
    return value.places if isinstance(value, _Thinned) else range(len(value))


def _aligned(recorded: list[Any], sent: list[Any], same: _Same) -> Iterator[tuple[int | None, int | None]]:
    """Yield the indexes to compare with each other; None where the other side has an element more."""
    shorter = min(len(recorded), len(sent))
    head = _run(same, recorded, sent, shorter)
    tail = _run(same, recorded[::-1], sent[::-1], shorter - head)
    here, there = range(head, len(recorded) - tail), range(head, len(sent) - tail)
    if len(here) == len(there) == 1:
        yield head, head
        return
    for ours, theirs in _blocks([recorded[i] for i in here], [sent[i] for i in there], same):
        paired = min(len(ours), len(theirs))
        yield from zip(here[ours.start : ours.stop][:paired], there[theirs.start : theirs.stop][:paired], strict=True)
        yield from ((index, None) for index in here[ours.start : ours.stop][paired:])
        yield from ((None, index) for index in there[theirs.start : theirs.stop][paired:])


def _run(same: _Same, one: list[Any], other: list[Any], most: int) -> int:
    pairs = zip(one[:most], other[:most], strict=True)
    return sum(1 for _ in takewhile(lambda pair: same(*pair), pairs))


def _blocks(recorded: list[Any], sent: list[Any], same: _Same) -> Iterator[tuple[range, range]]:
    """Yield the stretches between elements that both lists hold in the same order."""
    whole = range(len(recorded)), range(len(sent))
    if len(recorded) * len(sent) > _WINDOW:
        yield whole
        return
    known = [
        next((i for i, other in enumerate(recorded) if same(other, value)), -1 - n) for n, value in enumerate(sent)
    ]
    if max(known, default=-1) < 0:
        yield whole
        return
    first = [next(i for i, other in enumerate(recorded) if same(other, value)) for value in recorded]
    matcher = difflib.SequenceMatcher(None, first, known, autojunk=False)
    for tag, start, stop, begin, end in matcher.get_opcodes():
        if tag != "equal":
            yield range(start, stop), range(begin, end)


_SHORTHAND = re.compile(r"[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*")


def _member(path: str, name: str) -> str:
    """Return the JSONPath of a member (https://www.rfc-editor.org/rfc/rfc9535#section-2.5.1)."""
    if _SHORTHAND.fullmatch(name) and not _LONE.search(name):
        return f"{path}.{name}" if path else name
    quoted = json.dumps(name)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"{path}['{quoted}']"


_LONE = re.compile("[\ud800-\udfff]")
