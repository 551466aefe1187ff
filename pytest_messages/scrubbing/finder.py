"""Find what must not be stored in a text: one search, which the scrubber replaces by and the gate refuses by."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_messages.scrubbing import kinds
from pytest_messages.scrubbing.credentials import aligned_base64, credential_field, credential_kind
from pytest_messages.scrubbing.placeholders import is_masked
from pytest_messages.scrubbing.prefilter import (
    Markers,
    has_credential_field,
    has_hidden_characters,
    has_id_field,
    joined_texts,
)
from pytest_messages.scrubbing.texts import Passage, Range, has_escapes, loose_view, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.scrubbing.credentials import Credentials
    from pytest_messages.scrubbing.texts import Path

CREDENTIAL: Final = "credential"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_BASE64_MARKERS: Final = tuple(
    aligned_base64(prefix.encode(), offset) for prefix in ("sk-ant-", "sk_shinzo_") for offset in range(3)
)
_ENCODED_MARKERS: Final = (*_BASE64_MARKERS, b"sk-ant-".hex(), b"sk-ant-".hex().upper())
_NESTED_FIELD: Final = re.compile(r'"([A-Za-z_-]{5,40})"\s*:\s*"((?:[^"\\]|\\.)+)"')


class Hit(NamedTuple):
    """Something in a text that must not be stored: its place, its kind, and whether it is told from its like."""

    start: int
    end: int
    kind: str
    keyed: bool


@dataclass(frozen=True, slots=True)
class SecretFinding:
    """Something in a body that must not be stored: where, of what kind, its ranges, and its placeholder's value.

    ``value`` is what a keyed placeholder is made of, None for a constant one. It is kept out of ``repr``.
    """

    where: str
    kind: str
    ranges: tuple[Range, ...]
    value: str | None
    opaque: bool

    def __repr__(self) -> str:
        return f"<SecretFinding {self.kind} at {self.where}>"


class Finder:
    """Looks for the shapes, the live credentials, and what stands in fields; ``fields`` names the optional ones.

    ``out`` are kinds that are not looked for, though a field says that it holds one.
    """

    def __init__(
        self,
        shapes: tuple[kinds.Shape, ...],
        credentials: Credentials,
        fields: frozenset[str] = frozenset(),
        out: frozenset[str] = frozenset(),
    ) -> None:
        self._out = out
        self.shapes = shapes
        self.credentials = credentials
        self.fields = fields
        plain = [marker for shape in shapes if shape.confirm is None for marker in shape.markers]
        self._markers = Markers([*plain, *_ENCODED_MARKERS])
        self._any_common = Markers(marker for shape in shapes if shape.confirm is not None for marker in shape.markers)
        self._common = tuple((Markers(shape.markers), shape.confirm) for shape in shapes if shape.confirm is not None)
        self._clues: tuple[str, ...] = ()
        self._unmarked: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Finder ({len(self.shapes)} shapes, {self.credentials!r})>"

    def may_find(self, text: str) -> bool:
        """Tell, cheaply, whether `findings` may find anything in a body; False is certain."""
        if self._suspicious(text) or has_credential_field(text) or has_id_field(text):
            return True
        if any(name in text for name in self.fields):
            return True
        return any(self._suspicious(joined) or has_credential_field(joined) for joined in joined_texts(text))

    def _suspicious(self, text: str) -> bool:
        return self._may_match(text) or has_hidden_characters(text)

    def _may_match(self, text: str) -> bool:
        clues = self.credentials.clues
        if clues is not self._clues:
            # A key of a known shape is seen by its markers; only others need to be looked for one by one.
            self._unmarked = tuple(clue for clue in clues if not self._markers.within(clue))
            self._clues = clues
        if self._markers.within(text) or any(clue in text for clue in self._unmarked):
            return True
        if not self._any_common.within(text):
            return False
        return any(markers.within(text) and confirm.search(text) for markers, confirm in self._common)

    def findings(self, text: str) -> Iterator[SecretFinding]:
        """Yield everything in a body that must not be stored; findings may overlap."""
        everywhere = self._suspicious(text) or has_credential_field(text)
        for part in parts(text)[0]:
            named = self._named(text, part)
            if named is not None:
                yield named
            if everywhere or len(part.pieces) > 1:
                yield from self._of_part(text, part)

    def _of_part(self, text: str, part: Passage) -> Iterator[SecretFinding]:
        view = part.view(text)
        for found in self.find(view.text, strong=part.opaque):
            ranges = tuple(view.spans(found.start, found.end))
            value = view.text[found.start : found.end] if found.keyed else None
            yield SecretFinding(part.where, found.kind, ranges, value, part.opaque)

    def _named(self, text: str, part: Passage) -> SecretFinding | None:
        if not part.path or part.opaque or part.key or len(part.pieces) > 1:
            return None
        kind = credential_field(part)
        keyed = kind is None
        required: str | None = None
        if kind is None:
            kind, required = self._id_field(part.path)
        value = part.view(text).text if kind is not None else ""
        if kind is None or kind in self._out or is_masked(value) or (required and not value.startswith(required)):
            return None
        return SecretFinding(part.where, kind, part.pieces, value if keyed else None, opaque=False)

    def _id_field(self, path: Path) -> tuple[str | None, str | None]:
        for name in self.fields:
            if name in path:
                return kinds.OPTIONAL_FIELDS[name], None
        names = tuple(step for step in path if isinstance(step, str))
        if kinds.TOOL_INPUT in names or "input_schema" in names:
            return None, None
        return kinds.ID_FIELDS.get(names[-2:]) or kinds.ID_FIELDS.get(names[-1:]) or (None, None)

    def find(self, text: str, *, strong: bool = False) -> list[Hit]:
        """Return what stands in a decoded text, overlaps merged; ``strong`` looks only for what is never chance."""
        found = [*self._plain(text, strong=strong)]
        if has_escapes(text):
            view = loose_view(text)
            for start, end, kind, keyed in self._plain(view.text, strong=strong):
                ranges = view.spans(start, end)
                found.append(Hit(ranges[0][0], ranges[-1][1], kind, keyed))
        return _merged(found)

    def _plain(self, text: str, *, strong: bool) -> Iterator[Hit]:
        if not strong and has_credential_field(text):
            yield from (found for found in _nested_fields(text) if found.kind not in self._out)
        if not self._may_match(text):
            return
        for shape in self.shapes:
            if (shape.strong or not strong) and any(marker in text for marker in shape.markers):
                group = 1 if shape.pattern.groups else 0
                for match in shape.pattern.finditer(text):
                    start, end = match.span(group)
                    yield Hit(_before_backslashes(text, start), end, shape.kind, shape.keyed)
        for form in self.credentials.forms:
            yield from _occurrences(text, form)
        if any(marker in text for marker in _BASE64_MARKERS):
            yield from self._in_base64(text)

    def _in_base64(self, text: str) -> Iterator[Hit]:
        strong = [shape for shape in self.shapes if shape.core]
        for run in _BASE64.finditer(text):
            decoded = "\n".join(_every_alignment(run.group()))
            for shape in strong:
                if shape.pattern.search(decoded):
                    yield Hit(*run.span(), shape.kind, keyed=False)
                    break


def _before_backslashes(text: str, start: int) -> int:
    """Take the backslashes before a match along: it may begin with the letter of an escape."""
    while start and text[start - 1] == "\\":
        start -= 1
    return start


def _occurrences(text: str, form: str) -> Iterator[Hit]:
    at = text.find(form)
    while at >= 0:
        yield Hit(at, at + len(form), CREDENTIAL, keyed=False)
        at = text.find(form, at + len(form))


def _every_alignment(run: str) -> Iterator[str]:
    standard = run.replace("-", "+").replace("_", "/")
    for skip in range(4):
        piece = standard[skip:]
        try:
            yield b64decode(piece[: len(piece) // 4 * 4]).decode("latin-1")
        except binascii.Error:  # pragma: no cover - the run holds the alphabet only, in whole quads
            continue


def _nested_fields(text: str) -> Iterator[Hit]:
    """Find credential fields in JSON that stands within a string: a tool's input while it streams, a tool's result."""
    for match in _NESTED_FIELD.finditer(text):
        kind = credential_kind(match.group(1))
        if kind is not None and not is_masked(match.group(2)):
            yield Hit(*match.span(2), kind, keyed=False)


def _merged(found: list[Hit]) -> list[Hit]:
    """Join what overlaps; the longest gives its kind, and among equals the more telling one."""
    merged: list[tuple[int, int, Hit]] = []
    for item in sorted(found, key=lambda item: (item.start, -item.end, item.kind == CREDENTIAL, item.kind)):
        if merged and item.start < merged[-1][1]:
            start, end, best = merged[-1]
            longer = item.end - item.start > best.end - best.start
            merged[-1] = (start, max(end, item.end), item if longer else best)
        else:
            merged.append((item.start, item.end, item))
    return [Hit(start, end, best.kind, best.keyed) for start, end, best in merged]
