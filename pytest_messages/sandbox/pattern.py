"""Texts that a regular expression matches, shortest first: enough of ECMA's syntax for the ``pattern`` of a schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_ALL = _LETTERS + _LETTERS.upper() + _DIGITS + "-_. :/@#+,;!?()[]{}=*&%$'\"\\|<>~^`"
_CLASSES = {
    "d": _DIGITS,
    "w": _LETTERS + _LETTERS.upper() + _DIGITS + "_",
    "s": " \t\n",
    "D": _LETTERS,
    "W": "- .",
    "S": _LETTERS + _DIGITS,
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_MOST = 40


def sample(pattern: str) -> Iterator[str]:
    """Yield texts in which ``pattern`` is found, repeating what may be repeated a little more each time."""
    try:
        searched = re.compile(pattern)
    except re.error:
        return
    seen = set()
    for extra in range(_MOST):
        text = _Reader(pattern, extra).alternatives()
        if text not in seen and searched.search(text):
            seen.add(text)
            yield text


class _Reader:
    """Reads a pattern that `re` has accepted, from left to right, and writes a text for it as it goes."""

    def __init__(self, pattern: str, extra: int) -> None:
        self._pattern = pattern
        self._at = 0
        self._extra = extra

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1]

    def _match(self, expression: str) -> re.Match[str] | None:
        found = re.compile(expression).match(self._pattern, self._at)
        if found:
            self._at = found.end()
        return found

    def alternatives(self) -> str:
        """Read up to the end of the group; the first alternative is the one that is written."""
        texts = [self._sequence()]
        while self._peek() == "|":
            self._take()
            texts.append(self._sequence())
        return texts[0]

    def _sequence(self) -> str:
        text = ""
        while self._peek() not in {"", "|", ")"}:
            one = self._atom()
            text += one * self._times()
        return text

    def _times(self) -> int:
        """Read a quantifier; a lazy or possessive mark after it changes nothing here."""
        found = self._match(r"[*+?]|\{(\d+)(,?)(\d*)\}")
        if not found:
            return 1
        self._match(r"[?+]")
        least = int(found[1]) if found[1] else int(found[0] == "+")
        if found[0] == "?" or (found[1] and not found[2]):
            most = max(least, int(found[0] == "?"))
        else:
            most = int(found[3]) if found[3] else _MOST * 2
        return min(least + self._extra, most)

    def _atom(self) -> str:
        character = self._take()
        if character == "(":
            return self._group()
        if character == "[":
            return self._set()[:1]
        if character == "\\":
            return self._escape()[:1]
        if character in "^$":
            return ""
        return "a" if character == "." else character

    def _group(self) -> str:
        """Read a group; what looks around matches no text of its own."""
        around = self._match(r"\?(?:=|!|<=|<!)")
        self._match(r"\?(?::|P?<\w+>|[aiLmsux-]+:)")
        text = self.alternatives()
        self._at += 1
        return "" if around else text

    def _escape(self) -> str:
        code = self._match(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")
        if code:
            return chr(int(code[1] or code[2], 16))
        character = self._take()
        if character in "bBAZ":
            return ""
        return _CLASSES.get(character) or _CONTROLS.get(character) or character

    def _set(self) -> str:
        """Read a character set and return some of its members, most readable first."""
        excluded = self._peek() == "^" and bool(self._take())
        members = ""
        while self._peek() != "]" or not members:
            one = self._escape() if (character := self._take()) == "\\" else character
            bounds = self._match(r"-(?=[^\]])")
            last = (self._escape() if (end := self._take()) == "\\" else end) if bounds else one
            members += one if not bounds else "".join(map(chr, range(ord(one), min(ord(last), ord(one) + 512) + 1)))
        self._at += 1
        return "".join(each for each in _ALL if each not in members) if excluded else members
