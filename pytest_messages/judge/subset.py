"""The part of JSON Schema that strict tools and structured output support.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_messages.judge.values import Json, member, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_TOOLS, _OPTIONAL, _UNIONS = 20, 24, 16
_UNSUPPORTED = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems"}
)
# Look-around and back-references.
_FANCY = re.compile(r"\(\?<?[=!]|\\[1-9]|\(\?P=")
_DEEP = 64

# Where a schema holds further schemas: below the key, in its members, or in its items.
_BELOW: Mapping[str, str] = {
    "items": "schema",
    "additionalProperties": "schema",
    "properties": "members",
    "$defs": "members",
    "definitions": "members",
    "anyOf": "items",
    "allOf": "items",
}


def strict_limits(schemas: Iterable[tuple[str, object]], *, tools: int) -> Iterator[tuple[str, str]]:
    """Return where a request's strict schemas go beyond what is supported; ``tools`` is how many tools are strict."""
    optional = unions = 0
    for where, root in schemas:
        if not isinstance(root, dict):
            continue
        if _recursive(root):
            yield where, "the schema refers to itself"
        for path, schema in _walk(root, where, 0):
            yield from ((path, problem) for problem in _problems(schema))
            properties = member(schema, "properties")
            required = schema.get("required")
            optional += len(properties.keys() - set(map(str, required if isinstance(required, list) else ())))
            unions += isinstance(schema.get("type"), list) or "anyOf" in schema
    for number, limit, what in (
        (tools, _TOOLS, "tools"),
        (optional, _OPTIONAL, "optional"),
        (unions, _UNIONS, "union"),
    ):
        if number > limit:
            yield "tools", f"{number} {'strict tools' if what == 'tools' else f'{what} parameters'}, at most {limit}"


def _walk(schema: Json, path: str, depth: int) -> Iterator[tuple[str, Json]]:
    if depth > _DEEP:
        return
    yield path, schema
    for key, how in _BELOW.items():
        value = schema.get(key)
        inner: list[tuple[str, object]] = []
        if how == "schema":
            inner = [(f"{path}.{key}", value)]
        elif how == "members" and isinstance(value, dict):
            inner = [(f"{path}.{key}.{name}", entry) for name, entry in value.items()]
        elif isinstance(value, list):
            inner = [(f"{path}.{key}[{n}]", entry) for n, entry in enumerate(value)]
        for where, entry in inner:
            if isinstance(entry, dict):
                yield from _walk(entry, where, depth + 1)


def _problems(schema: Json) -> Iterator[str]:
    if (schema.get("type") == "object" or "properties" in schema) and schema.get("additionalProperties") is not False:
        yield "an object without additionalProperties: false"
    for key in sorted(_UNSUPPORTED & schema.keys()):
        yield f"{key} is not supported"
    if schema.get("minItems") not in (None, 0, 1):
        yield f"minItems is {shown(schema['minItems'])}, supported are 0 and 1"
    reference = schema.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        yield f"$ref leads outside, to {shown(reference)}"
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and _FANCY.search(pattern):
        yield "the pattern looks around or back"


def _recursive(root: Json) -> bool:
    """Tell whether a definition reaches itself through references, or the root is referred to."""
    definitions = {
        f"#/{key}/{name}": entry for key in ("$defs", "definitions") for name, entry in member(root, key).items()
    }
    leads = {name: _references(entry, 0) for name, entry in definitions.items()}
    leads["#"] = _references(root, 0)
    return any(_reaches(name, name, leads, set()) for name in leads)


def _references(value: object, depth: int) -> set[str]:
    if depth > _DEEP:
        return set()
    if isinstance(value, list):
        return set().union(*(_references(entry, depth + 1) for entry in value))
    if not isinstance(value, dict):
        return set()
    here = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return here.union(*(_references(entry, depth + 1) for entry in value.values()))


def _reaches(start: str, goal: str, leads: Mapping[str, set[str]], seen: set[str]) -> bool:
    for following in leads.get(start, ()):
        if following == goal:
            return True
        if following not in seen:
            seen.add(following)
            if _reaches(following, goal, leads, seen):
                return True
    return False
