"""Refuse to store what remains: the last look at a text before its first byte reaches the disk.

The gate looks twice. It reads the text as what it is (a cassette of any tool, an interaction, a body) and asks the
scrubber's own search what it would still replace; and it searches the text itself, escapes undone, so that nothing
hides behind a structure that was read wrongly.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

import yaml

from pytest_messages.cassette.yaml_tree import SAFE_LOADER
from pytest_messages.errors import SettingsError
from pytest_messages.findings import GateResult, Leak
from pytest_messages.scrubbing import kinds
from pytest_messages.scrubbing.credentials import Credentials, credential_kind, is_credential_header
from pytest_messages.scrubbing.entries import ScrubRules
from pytest_messages.scrubbing.finder import Finder
from pytest_messages.scrubbing.placeholders import is_masked
from pytest_messages.scrubbing.texts import is_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_OPAQUE_VALUE: Final = re.compile(rf'\\*"(?:{"|".join((*kinds.OPAQUE_FIELDS, "data"))})\\*"\s*:\s*\\*"([^"\\]*)')
# What other tools put in the place of a header's value: <API_KEY>, {{key}}, X-API-KEY-XXX, _cfuvid=xxxx.
_STANDS_FOR: Final = re.compile(r"(?:Bearer )?[<\[{(].*[>\]})]|[A-Za-z_= -]*(?:xxx+|XXX+)", re.DOTALL)
# YAML may fold a double-quoted text at any space and escape.
_FOLD: Final = re.compile(r"\\\r?\n[ \t]*\\?")
_INTERACTIONS: Final = frozenset({"interactions", "http_interactions"})


class Gate:
    """Finds what should have been replaced. ``allow`` entries are ``kind@place``, where ``*`` stands for anything."""

    def __init__(
        self, *, secrets: Credentials | Iterable[str] = (), allow: Sequence[str] = (), rules: ScrubRules | None = None
    ) -> None:
        rules = rules or ScrubRules()
        credentials = secrets if isinstance(secrets, Credentials) else Credentials(secrets)
        self._finder = Finder(rules.shapes, credentials, rules.fields, rules.out)
        self._allow = tuple(_allowance(entry) for entry in allow)

    def __repr__(self) -> str:
        return f"<Gate ({len(self._allow)} allowed)>"

    def check(self, text: str, *, where: str = "") -> GateResult:
        """Look at any text; ``where`` is put before the place of each finding."""
        prefix = f"{where} " if where else ""
        found = sorted({Leak(prefix + leak.where, leak.kind) for leak in self._found(text)})
        allowed = tuple(leak for leak in found if self._allows(leak))
        return GateResult(tuple(leak for leak in found if leak not in allowed), allowed)

    def _allows(self, leak: Leak) -> bool:
        return any(pattern.fullmatch(f"{leak.kind}@{leak.where}") for pattern in self._allow)

    def _found(self, text: str) -> list[Leak]:
        structured = [*self._in_structure(text)]
        known = {leak.kind for leak in structured}
        return [*structured, *(leak for leak in self._in_text(text) if leak.kind not in known)]

    def _in_structure(self, text: str) -> Iterator[Leak]:
        document = _read(text)
        if isinstance(document, str):
            yield from self._in_body(text, "")
        else:
            yield from self._in_tree(document, "")

    def _in_tree(self, tree: Any, where: str) -> Iterator[Leak]:
        if isinstance(tree, dict):
            for key, value in tree.items():
                place = f"{where}.{key}" if where else str(key)
                yield from self._in_body(str(key), where)
                if key == "headers":
                    yield from self._in_headers(value, place)
                elif key == "parsed_body":
                    yield from self._in_body(json.dumps(value), place)
                else:
                    yield from self._in_tree(value, place)
        elif isinstance(tree, list):
            for number, value in enumerate(tree):
                yield from self._in_tree(value, f"{where}[{number}]")
        elif isinstance(tree, (str, bytes)):
            text = tree.decode("utf-8", "surrogateescape") if isinstance(tree, bytes) else tree
            yield from self._in_body(text, where)

    def _in_headers(self, headers: Any, where: str) -> Iterator[Leak]:
        for name, values in _header_pairs(headers):
            for value in values:
                yield from self._in_body(value, f"{where}.{name}")
                kind = _header_kind(name)
                if kind is not None and not is_masked(value) and not _STANDS_FOR.fullmatch(value):
                    yield Leak(f"{where}.{name}", kind)

    def _in_body(self, text: str, where: str) -> Iterator[Leak]:
        if not self._finder.may_find(text):
            return
        seen: set[object] = set()
        for finding in self._finder.findings(text):
            # What stands whole in one event is found in the block's text as well.
            if (finding.kind, finding.ranges) not in seen:
                seen.add((finding.kind, finding.ranges))
                # A plain text has no places of its own.
            inside = "" if where and finding.where == "$" else finding.where
            yield Leak(f"{where} {inside}".strip(), finding.kind)

    def _in_text(self, text: str) -> Iterator[Leak]:
        folds = [match.start() - shift for match, shift in _with_shift(_FOLD.finditer(text))]
        unfolded = _FOLD.sub("", text) if folds else text
        for searched, strong in ((_OPAQUE_VALUE.sub(_blanked, unfolded), False), (unfolded, True)):
            for found in self._finder.find(searched, strong=strong):
                line = searched.count("\n", 0, found.start) + bisect_right(folds, found.start) + 1
                yield Leak(f"line {line}", found.kind)


def _with_shift(matches: Iterable[re.Match[str]]) -> Iterator[tuple[re.Match[str], int]]:
    """Yield each match with the length of those before it."""
    shift = 0
    for match in matches:
        yield match, shift
        shift += match.end() - match.start()


def _blanked(match: re.Match[str]) -> str:
    """Return an opaque field with a blank for each character of its value, so that what follows stays in place."""
    return match.group()[: match.start(1) - match.start()] + " " * len(match.group(1))


def _header_kind(name: str) -> str | None:
    if name in kinds.ACCOUNT_HEADERS:
        return kinds.ACCOUNT_HEADERS[name]
    return credential_kind(name) or "credential-header" if is_credential_header(name) else None


def _read(text: str) -> Any:
    """Return the document that a text is, or the text itself where it is none."""
    if is_stream(text):
        return text
    try:
        document = _parsed(text)
    except (ValueError, yaml.YAMLError, RecursionError):
        return text
    return document if isinstance(document, (dict, list)) else text


def _parsed(text: str) -> Any:
    """Parse a cassette; a text in JSON that is none is a body, of which a parsed copy would say less than it does."""
    if not text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return yaml.load(text, Loader=SAFE_LOADER)  # noqa: S506 - the safe loader, in C where there is one
    document = json.loads(text)
    return document if isinstance(document, dict) and _INTERACTIONS.intersection(document) else None


def _header_pairs(headers: Any) -> Iterator[tuple[str, list[str]]]:
    pairs = headers.items() if isinstance(headers, dict) else headers if isinstance(headers, list) else ()
    for pair in pairs:
        if isinstance(pair, (list, tuple)) and pair:
            name, *rest = pair
            values = rest[0] if len(rest) == 1 else rest
            yield str(name).lower(), [str(value) for value in (values if isinstance(values, list) else [values])]


def _allowance(entry: str) -> re.Pattern[str]:
    kind, mark, place = entry.partition("@")
    if not (kind and mark and place):
        raise SettingsError(f"allow: {entry!r} is no `kind@place`, as a leak is reported")
    return re.compile(".*".join(re.escape(piece) for piece in entry.split("*")), re.DOTALL)


def find_hints(text: str, *, where: str = "") -> tuple[Leak, ...]:
    """Return the personal data in a text: nothing that is refused, but what an audit counts."""
    rules = ScrubRules(shapes=kinds.OPTIONAL, fields=frozenset(kinds.OPTIONAL_FIELDS))
    found = Gate(rules=rules).check(text, where=where).leaks
    hints = {*(shape.kind for shape in kinds.OPTIONAL), *kinds.OPTIONAL_FIELDS.values()}
    return tuple(leak for leak in found if leak.kind in hints)
