"""The user's ``scrub`` entries, read into values.

==========================  ==========================================================================================
``email``, ``phone``, …     turns an optional rule on (`OPTIONAL_RULES`)
``-aws-access-key``         takes a built-in rule or an optional one out (credentials of the API itself stay in)
``regex -> placeholder``    replaces what the pattern finds in any text of a body, URL or kept header
``$.path``                  replaces every text and number at a JSONPath of a body (RFC 9535)
``$.path -> placeholder``   the same, by a word of the user's
``header:x-foo``            does not store a header that otherwise is
``-header:x-foo*``          stores a header that otherwise is not; credentials are never kept
==========================  ==========================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_messages.errors import SettingsError
from pytest_messages.scrubbing import kinds
from pytest_messages.scrubbing.credentials import is_credential_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jsonpath_rfc9535 import JSONPathQuery

OPTIONAL_RULES: Final = (*(shape.kind for shape in kinds.OPTIONAL), *kinds.OPTIONAL_FIELDS)
_ARROW: Final = " -> "


@dataclass(frozen=True, slots=True)
class PatternRule:
    """A user's pattern and what to put in the place of what it finds."""

    pattern: re.Pattern[str]
    placeholder: str


@dataclass(frozen=True, slots=True)
class PathRule:
    """A user's JSONPath and what to put there; None: a keyed placeholder."""

    query: JSONPathQuery
    placeholder: str | None


@dataclass(frozen=True, slots=True)
class ScrubRules:
    """What to scrub: the shapes and fields in force, the user's own patterns and paths, and headers kept or dropped.

    ``out`` are the kinds that the user took out, of fields as of shapes.
    """

    shapes: tuple[kinds.Shape, ...] = kinds.SHAPES
    fields: frozenset[str] = frozenset()
    out: frozenset[str] = frozenset()
    patterns: tuple[PatternRule, ...] = ()
    paths: tuple[PathRule, ...] = ()
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = field(default=())


def read_rules(entries: Iterable[str]) -> ScrubRules:
    """Read ``scrub`` entries, in order; raises `SettingsError` for one that means nothing."""
    rules = ScrubRules()
    for entry in entries:
        rules = _with(rules, entry)
    return rules


def _with(rules: ScrubRules, entry: Any) -> ScrubRules:
    if not isinstance(entry, str):
        raise SettingsError(f"scrub: an entry is text, not {type(entry).__name__}")
    if entry.startswith("$"):
        return replace(rules, paths=(*rules.paths, _path_rule(entry)))
    if _ARROW in entry:
        return replace(rules, patterns=(*rules.patterns, _pattern_rule(entry)))
    if entry.startswith("header:"):
        return replace(rules, dropped=(*rules.dropped, entry.removeprefix("header:").lower()))
    if entry.startswith("-header:"):
        return replace(rules, kept=(*rules.kept, _kept_header(entry.removeprefix("-header:").lower())))
    return _without(rules, entry[1:]) if entry.startswith("-") else _with_optional(rules, entry)


def _kept_header(name: str) -> str:
    if is_credential_header(name):
        raise SettingsError(f"scrub: the header {name!r} carries a credential and is never stored")
    return name


def _with_optional(rules: ScrubRules, name: str) -> ScrubRules:
    if name in kinds.OPTIONAL_FIELDS:
        return replace(rules, fields=rules.fields | {name}, out=rules.out - {name})
    added = tuple(shape for shape in (*kinds.OPTIONAL, *kinds.SHAPES) if shape.kind == name)
    if not added:
        raise SettingsError(
            f"scrub: {name!r} is no rule; there are {', '.join(OPTIONAL_RULES)}, a JSONPath ($.a.b), "
            "`pattern -> placeholder` and header:name"
        )
    return replace(
        rules, shapes=(*(shape for shape in rules.shapes if shape.kind != name), *added), out=rules.out - {name}
    )


def _without(rules: ScrubRules, name: str) -> ScrubRules:
    removable = dict.fromkeys([*(s.kind for s in (*kinds.SHAPES, *kinds.OPTIONAL) if not s.core), *OPTIONAL_RULES])
    if name not in removable:
        raise SettingsError(f"scrub: {name!r} cannot be taken out; these can: {', '.join(removable)}")
    shapes = tuple(shape for shape in rules.shapes if shape.kind != name)
    return replace(rules, shapes=shapes, fields=rules.fields - {name}, out=rules.out | {name})


def _pattern_rule(entry: str) -> PatternRule:
    source, _, placeholder = entry.rpartition(_ARROW)
    try:
        pattern = re.compile(source)
    except re.error as error:
        raise SettingsError(f"scrub: {source!r} is no regular expression: {error}") from None
    if pattern.search(""):
        raise SettingsError(f"scrub: {source!r} finds nothing everywhere; say what it must hold")
    if any(match.group() != placeholder for match in pattern.finditer(placeholder)):
        raise SettingsError(
            f"scrub: {source!r} finds its own placeholder {placeholder!r}, and would never come to rest"
        )
    return PatternRule(pattern, placeholder)


def _path_rule(entry: str) -> PathRule:
    # Imported where a rule needs it: most suites have none.
    import jsonpath_rfc9535 as jsonpath  # noqa: PLC0415

    source, arrow, placeholder = entry.partition(_ARROW)
    try:
        return PathRule(jsonpath.compile(source.strip()), placeholder if arrow else None)
    except jsonpath.JSONPathError as error:
        raise SettingsError(f"scrub: {source.strip()!r} is no JSONPath (RFC 9535): {error}") from None
