"""What the user does not want compared, taken out of both sides."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from jsonpath_rfc9535 import JSONPathError, JSONPathQuery
from jsonpath_rfc9535 import compile as compile_path

from pytest_messages.errors import SettingsError
from pytest_messages.findings import ABSENT
from pytest_messages.matching.exact import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Ignored:
    """What the user does not want compared, taken out of both sides."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._pairs = [_pair(entry) for entry in entries if _ARROW in entry]
        self._paths = [_path(entry) for entry in entries if _ARROW not in entry]

    def take_out(self, body: bytes, value: Any) -> Any:
        """Return ``value``, which the JSON ``body`` says, without what is ignored; neither is changed."""
        if not self._paths and not self._pairs:
            return value
        # A filter compares with numbers of Python's, so places are looked up in an ordinary reading of the body.
        plain = json.loads(body) if self._paths else None
        left = {"": parse(body)}
        for path in self._paths:
            for node in path.finditer(plain):
                _take(left, ("", *node.location))
        return self._rebuilt(left[""])

    def _rebuilt(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._rebuilt(inner) for name, inner in value.items() if inner is not ABSENT}
        if isinstance(value, list):
            kept = [(place, self._rebuilt(inner)) for place, inner in enumerate(value) if inner is not ABSENT]
            return Thinned(kept) if len(kept) < len(value) else [inner for _, inner in kept]
        return self._replaced(value) if isinstance(value, str) else value

    def _replaced(self, text: str) -> str:
        for pattern, placeholder in self._pairs:
            text = placeholder.join(_between(pattern, text))
        return text


class Thinned(list[Any]):
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
