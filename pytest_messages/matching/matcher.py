"""The keys of requests, and the differences between them."""

from __future__ import annotations

import json
import re
from copy import copy
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from pytest_messages.api.multipart import described
from pytest_messages.errors import SettingsError
from pytest_messages.findings import ABSENT, Absent, Difference
from pytest_messages.matching.address import Loopback, address
from pytest_messages.matching.differences import body_differences
from pytest_messages.matching.exact import alike, canonical, compact, digest, parse, same
from pytest_messages.matching.ignored import Ignored
from pytest_messages.settings import combine

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Iterator, Mapping, Sequence

    from pytest_messages.matching.differences import Same
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
        self._ignored = Ignored(combine((), ignore))
        self._groups = groups
        self._loopback = Loopback()
        self._bodies: dict[bytes, Hashable] = {}

    @property
    def custom(self) -> bool:
        """Whether ``match_on`` holds a callable, for which no key can speak: ask `agrees` of what has the key."""
        return bool(self._matchers)

    def recorded_key(self, request: Scrubbed, test: Callable[[], str | None] = lambda: None) -> Hashable:
        """Return the key of a recorded request, and remember it for the live ones to come.

        ``test`` names the test that recorded it, and is asked only of a request to this machine.
        """
        seen = _Seen(request, self._ignored)
        self._learn(seen)
        parts = self._parts(seen)
        return (*parts, self._loopback.add(seen.url.host, parts, test())) if self._on_loopback(seen) else parts

    def key(self, request: Scrubbed) -> Hashable:
        """Return the key of a live request: that of a recorded one exactly when both agree in all named parts."""
        seen = _Seen(request, self._ignored)
        parts = self._parts(seen)
        return (*parts, self._loopback.claim(seen.url.host, parts)) if self._on_loopback(seen) else parts

    def agrees(self, recorded: Scrubbed, live: Scrubbed) -> bool:
        """Tell whether no callable of ``match_on`` finds a difference."""
        return all(_ask(matcher, recorded, live) is None for matcher in self._matchers)

    def objectors(self, recorded: Scrubbed, live: Scrubbed) -> tuple[str, ...]:
        """Return the names of the callables of ``match_on`` that find a difference."""
        return tuple(_name(matcher) for matcher in self._matchers if _ask(matcher, recorded, live) is not None)

    def afresh(self) -> Matching:
        """Return the same comparison, without memory of any server or recording."""
        other = copy(self)
        other._loopback, other._bodies = Loopback(), {}  # noqa: SLF001 - its own kind
        return other

    def compare(self, recorded: Scrubbed, live: Scrubbed) -> tuple[Difference, ...]:
        """Return the places in which two requests part: none exactly when their keys are equal and `agrees`."""
        here, there = _Seen(recorded, self._ignored), _Seen(live, self._ignored)
        found = tuple(self._differences(here, there, same))
        return found or tuple(self._other_server(here, there))

    def nearest(
        self, live: Scrubbed, recorded: Sequence[Scrubbed], *, played: Container[int] = ()
    ) -> tuple[int, tuple[Difference, ...]] | None:
        """Return the index of the recorded request that differs least, with its differences; None where there is none.

        A turn that only one side has weighs as much as it holds. Among those with as few differences one with as many
        turns wins, then one whose index is not in ``played``, for it may be what the live request was before an edit,
        then the earliest.
        """
        sent = _Seen(live, self._ignored)
        best: tuple[int, bool, bool, int] | None = None
        for index, request in enumerate(recorded):
            seen = _Seen(request, self._ignored)
            # One difference more than the best has is enough to know that this is not the one.
            limit = None if best is None else best[0] + 1
            count = sum(map(_weight, islice(self._differences(seen, sent, alike), limit)))
            rank = (count, seen.turns != sent.turns, index in played, index)
            best = rank if best is None else min(best, rank)
        return None if best is None else (best[-1], self.compare(recorded[best[-1]], live))

    def _on_loopback(self, seen: _Seen) -> bool:
        return seen.url.loopback and "host" in self._names

    def _parts(self, seen: _Seen) -> tuple[Hashable, ...]:
        return (*(self._part(name, seen) for name in self._names), self._user(seen))

    def _part(self, name: str, seen: _Seen) -> Hashable:
        if name == "body" and (known := self._bodies.get(seen.request.body)) is not None:
            return known
        return PARTS[name](seen) if name in PARTS else seen.header(name)

    def _user(self, seen: _Seen) -> Hashable:
        return canonical(seen.user_id) if self._every_user or self._groups(seen.request.url) else None

    def _learn(self, seen: _Seen) -> None:
        """Remember what a recorded body comes to, by its bytes and by the compact ones that clients make of it.

        Most live bodies are equal to one of the two, and need not be parsed. It is a cache of a function of the bytes,
        so it cannot answer otherwise than the function would.
        """
        if "body" not in self._names:
            return
        key = self._bodies[seen.request.body] = PARTS["body"](seen)
        written = None if seen.form is not None else compact(seen.sent)
        if written is not None:
            self._bodies[written] = key

    def _differences(self, recorded: _Seen, live: _Seen, same: Same) -> Iterator[Difference]:
        for name in self._names:
            if name == "body" and (recorded.form is None) != (live.form is None):
                # A JSON body may look just as we describe a form.
                yield Difference("$", recorded.request.body, live.request.body)
            elif name == "body":
                yield from body_differences(recorded.doc, live.doc, same)
            elif self._part(name, recorded) != self._part(name, live):
                yield Difference(name, recorded.shown(name), live.shown(name), name)
            elif name == "host" and recorded.url.loopback and self._loopback.taken(recorded.url.host, live.url.host):
                yield Difference(name, recorded.url.host, live.url.host, name)
        if self._user(recorded) != self._user(live) and not self._body_tells(recorded, live):
            yield Difference("metadata.user_id", recorded.user_id, live.user_id, "user_id")
        answers = (_ask(matcher, recorded.request, live.request) for matcher in self._matchers)
        yield from (found for found in answers if found is not None)

    def _body_tells(self, recorded: _Seen, live: _Seen) -> bool:
        """Tell whether the body's own differences have it already that only one side names a user."""
        return "body" in self._names and (recorded.user_id is ABSENT) != (live.user_id is ABSENT)

    def _other_server(self, recorded: _Seen, live: _Seen) -> Iterator[Difference]:
        """Yield the host where two requests are alike but for the loopback servers that they stand for."""
        if self._on_loopback(recorded):
            parts = self._parts(recorded)
            if not self._loopback.numbers(recorded.url.host):
                self._loopback.add(recorded.url.host, parts, None)
            if self._loopback.choose(live.url.host, parts) not in self._loopback.numbers(recorded.url.host):
                yield Difference("host", recorded.url.host, live.url.host, "host")


class _Seen:
    """One request as it is compared; nothing is parsed before it is asked for."""

    def __init__(self, request: Scrubbed, ignored: Ignored) -> None:
        self.request = request
        self.url = address(request.url)
        self._ignored = ignored

    @cached_property
    def sent(self) -> Any:
        """The body as JSON, a form as its parts; a body that is neither, as the bytes that it is."""
        value = parse(self.request.body)
        return value if self.form is None or not isinstance(value, bytes) else self.form

    @cached_property
    def form(self) -> dict[str, object] | None:
        """The parts of the body, where it is a form in parts."""
        return described(self.request.body) if self.request.body[:4].lstrip(b"\r\n").startswith(b"--") else None

    @cached_property
    def _left(self) -> Any:
        if isinstance(self.sent, bytes):
            return self.sent
        text = self.request.body if self.form is None else json.dumps(self.form).encode()
        return self._ignored.take_out(text, self.sent)

    @cached_property
    def doc(self) -> Any:
        """What of the body is compared: without what is ignored, and of the user only that there is one."""
        if self.user_id is ABSENT:
            return self._left
        return {**self._left, "metadata": {**self._left["metadata"], "user_id": "<user-id>"}}

    @property
    def body_key(self) -> Hashable:
        """What is equal for equal bodies only, whatever their spelling."""
        if isinstance(self.doc, bytes):
            return ("bytes", self.doc)
        return ("json" if self.form is None else "form", digest(self.doc))

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
        values = (value for key, value in self.request.headers if f"header:{key}" == name)
        return tuple(_BOUNDARY.sub("", value) if name == "header:content-type" else value for value in values)

    def shown(self, name: str) -> str | Absent:
        """Return the part of this name as a reader knows it."""
        if name in ("method", "host", "path", "query"):
            return str(getattr(self.request if name == "method" else self.url, name))
        return ", ".join(self.header(name)) or ABSENT


PARTS: Mapping[str, Callable[[_Seen], Hashable]] = {
    "method": lambda seen: seen.request.method.upper(),
    "host": lambda seen: None if seen.url.loopback else seen.url.host,
    "path": lambda seen: seen.url.steps,
    "query": lambda seen: seen.url.parameters,
    "body": lambda seen: seen.body_key,
}
"""What is compared under each built-in name of ``match_on``."""


_BOUNDARY = re.compile(r";\s*boundary=(?:\"[^\"]*\"|[^;]*)", re.IGNORECASE)


_TURN = re.compile(r"messages\[\d+\]")


def _weight(difference: Difference) -> int:
    """Return 1 for a place that differs, and for a whole turn that only one side has, how many values it holds."""
    sides = (difference.recorded, difference.sent)
    if ABSENT not in sides or not _TURN.fullmatch(difference.path):
        return 1
    return max(1, *map(_values, sides))


def _values(value: object) -> int:
    if isinstance(value, dict):
        return sum(map(_values, value.values()))
    return sum(map(_values, value)) if isinstance(value, list) else 1


def _name(matcher: Matcher) -> str:
    return str(getattr(matcher, "__name__", type(matcher).__name__))


def _ask(matcher: Matcher, recorded: Scrubbed, live: Scrubbed) -> Difference | None:
    """Ask a matcher of the user's own, and say by name what is wrong with it."""
    name = _name(matcher)
    try:
        found: object = matcher(recorded, live)
    except Exception as error:
        # By its kind only: its text may show what it choked on.
        raise SettingsError(f"match_on: the matcher {name} failed with {type(error).__name__}") from error
    if found is None or isinstance(found, Difference):
        return found
    raise SettingsError(
        f"match_on: the matcher {name} returned {type(found).__name__}; it returns a Difference, or None"
    )


def _known(entry: str) -> str:
    name = entry.removeprefix("-").lower()
    if name in PARTS or name == "user_id" or name.removeprefix("header:") not in ("", name):
        return entry.lower()
    raise SettingsError(
        f"match_on: there is nothing named {name!r}; there are {', '.join(PARTS)}, user_id, header:<name>"
    )
