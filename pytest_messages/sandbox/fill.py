"""A value that obeys a JSON Schema: what the sandbox puts into a tool's input and a structured answer.

Small rather than rich: required members only, the lower bound of every range, the first alternative that holds. What
was built is checked with jsonschema, so that keywords without a builder of their own (``not``, ``if``) still choose
among the candidates.
"""

from __future__ import annotations

import json
import math
import re
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

from pytest_messages.sandbox.pattern import sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "idn-email": "someone@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/example",
    "iri": "https://example.com/",
    "iri-reference": "/example",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "json-pointer": "/example",
    "relative-json-pointer": "0/example",
    "uri-template": "/example/{id}",
    "regex": "^example$",
}
_DEEPEST = 24
_SHALLOW = 4
_TYPE_OF_KEYWORD = {
    "properties": "object",
    "required": "object",
    "minProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "minItems": "array",
    "contains": "array",
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
    "multipleOf": "number",
}


def fill(schema: Any, *, word: str = "example") -> Any:
    """Return a small value that obeys ``schema`` (Draft 2020-12); ``word`` is what free strings say.

    Where no value can be found, as of a schema that contradicts itself, the nearest attempt comes back.
    """
    filler = _Filler(schema, word)
    candidates = list(islice(filler.values(schema, 0), _DEEPEST))
    return next((value for value in candidates if filler.holds(schema, value)), candidates[0] if candidates else None)


class _Filler:
    """Builds candidates for one root schema, most natural first."""

    def __init__(self, root: Any, word: str) -> None:
        self._root = root
        self._word = word
        # With a registry of our own, a reference to another host is not fetched.
        self._validator = Draft202012Validator(root, registry=Registry())
        self._by_type: dict[str, Callable[[dict[str, Any], int], Iterator[Any]]] = {
            "object": self._objects,
            "array": self._arrays,
            "string": self._strings,
            "integer": self._integers,
            "number": self._numbers,
            "boolean": lambda _schema, _depth: iter((True, False)),
            "null": lambda _schema, _depth: iter((None,)),
        }

    def holds(self, schema: Any, value: Any) -> bool:
        """Tell whether ``value`` obeys ``schema``, as far as the schema can be read at all."""
        try:
            return bool(self._validator.evolve(schema=schema).is_valid(value))
        except (Unresolvable, SchemaError, re.error, TypeError, AttributeError, RecursionError):
            return True

    def values(self, schema: Any, depth: int) -> Iterator[Any]:
        """Yield candidates for ``schema``, those that hold first; nothing where it nests too deep."""
        if depth > _DEEPEST:
            return
        if not isinstance(schema, dict):
            yield self._word
            return
        failing: list[Any] = []
        for value in islice(self._candidates(schema, depth), 64):
            if self.holds(schema, value):
                yield value
            elif not failing:
                failing.append(value)
        yield from failing

    def first(self, schema: Any, depth: int) -> tuple[Any, ...]:
        """Return the best candidate in a tuple, which is empty where there is none."""
        return tuple(islice(self.values(schema, depth), 1))

    def _candidates(self, schema: dict[str, Any], depth: int) -> Iterator[Any]:
        if "const" in schema:
            yield schema["const"]
            return
        if isinstance(schema.get("enum"), list):
            yield from schema["enum"]
            return
        for example in (*_listed(schema.get("examples")), *([schema["default"]] if "default" in schema else [])):
            if example is not None and self.holds(schema, example):
                yield example
        for variant in self._variants(schema, depth):
            if variant is schema:
                yield from self._plain(schema, depth)
            else:
                yield from self.values(variant, depth + 1)

    def _variants(self, schema: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
        """Yield the schema with one applicator dissolved into it, each way that it may go; itself where it has none."""
        rest = dict(schema)
        if "$ref" in rest:
            yield _merge(rest, self._target(rest.pop("$ref")))
        elif "anyOf" in rest or "oneOf" in rest:
            options = rest.pop("anyOf" if "anyOf" in rest else "oneOf")
            if depth > _SHALLOW:
                options = sorted(options, key=_nests)
            yield from (_merge(rest, option) for option in options)
        elif "allOf" in rest:
            parts = rest.pop("allOf")
            for part in parts:
                rest = _merge(rest, part)
            yield rest
        elif "if" in rest:
            condition = rest.pop("if")
            then, otherwise = rest.pop("then", {}), rest.pop("else", {})
            yield _merge(rest, otherwise)
            yield _merge(_merge(rest, condition), then)
        else:
            yield schema

    def _target(self, reference: str) -> Any:
        """Follow a reference inside the document; anything else stands for any value."""
        target = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, dict) else None
        return target if isinstance(target, dict) and reference.startswith("#") else {}

    def _plain(self, schema: dict[str, Any], depth: int) -> Iterator[Any]:
        """Yield values for a schema without applicators, of each type it allows."""
        told = [kind for keyword, kind in _TYPE_OF_KEYWORD.items() if keyword in schema]
        kinds = _listed(schema.get("type")) or [*dict.fromkeys((*told, "string", "integer", "object", "array", "null"))]
        for kind in sorted(kinds, key=lambda kind: kind == "null"):
            if kind in self._by_type:
                yield from self._by_type[kind](schema, depth)

    def _objects(self, schema: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
        properties = schema.get("properties", {})
        value: dict[str, Any] = {}
        names = [*schema.get("required", ())]
        for name in names:
            names += [each for each in schema.get("dependentRequired", {}).get(name, ()) if each not in names]
            for found in self.first(self._member(schema, name), depth + 1):
                value[name] = found
        if len(value) == len(names):
            yield dict(value)
        spare = (*(name for name in properties if name not in value), *(f"member{n}" for n in range(1, 20)))
        for name in spare:
            for found in self.first(self._member(schema, name), depth + 1):
                value[name] = found
            if self.holds(schema, value):
                break
        yield value

    def _member(self, schema: dict[str, Any], name: str) -> Any:
        """Return what a member called ``name`` must obey."""
        if name in schema.get("properties", {}):
            return schema["properties"][name]
        for pattern, member in schema.get("patternProperties", {}).items():
            if re.search(pattern, name):
                return member
        return schema.get("additionalProperties", {})

    def _arrays(self, schema: dict[str, Any], depth: int) -> Iterator[list[Any]]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", _DEEPEST)
        if "contains" in schema:
            least = max(least, schema.get("minContains", 1))
        natural = min(max(least, 1 if depth <= _SHALLOW else 0), most)
        for size in dict.fromkeys((natural, least, least + 1)):
            items = self._items(schema, size, depth)
            if len(items) >= least:
                yield items

    def _items(self, schema: dict[str, Any], size: int, depth: int) -> list[Any]:
        prefix, unique = schema.get("prefixItems", []), schema.get("uniqueItems")
        items: list[Any] = []
        for position in range(size):
            wanted = prefix[position] if position < len(prefix) else schema.get("items", schema.get("contains", {}))
            fresh = (value for value in self.values(wanted, depth + 1) if not (unique and value in items))
            items += islice(fresh, 1)
        return items

    def _strings(self, schema: dict[str, Any], _depth: int) -> Iterator[str]:
        least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        if isinstance(schema.get("pattern"), str):
            yield from (text for text in sample(schema["pattern"]) if least <= len(text) <= most)
        if schema.get("format") in _FORMATS:
            yield _FORMATS[schema["format"]]
        for number in islice(count(1), 20):
            text = self._word if number == 1 else f"{self._word}{number}"
            text = (text * (int(least) // len(text) + 1)) if len(text) < least else text
            yield text[: int(most)] if most != math.inf else text
        yield from ("1", "a", "A", "")

    def _integers(self, schema: dict[str, Any], _depth: int) -> Iterator[int]:
        step = schema.get("multipleOf", 1)
        step = step if float(step).is_integer() else 1
        yield from (int(value) for value in _numbers(schema, step))

    def _numbers(self, schema: dict[str, Any], _depth: int) -> Iterator[float]:
        step = schema.get("multipleOf")
        yield from _numbers(schema, step or 1)
        least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        most = schema.get("maximum", schema.get("exclusiveMaximum", least + 1))
        yield from (least, most, (least + most) / 2)


def _numbers(schema: dict[str, Any], step: float) -> Iterator[float]:
    """Yield multiples of ``step``, from one on where the bounds allow it."""
    least = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    most = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    start = least if least > step else min(step, most)
    first = math.floor(start / step) if start < step else math.ceil(start / step)
    for number in range(first, first + 20):
        yield number * step
    yield from (0, math.floor(start / step) * step - step)


def _nests(schema: Any) -> bool:
    """Tell whether a value for the schema may hold further values, so that a recursion might not end there."""
    return isinstance(schema, dict) and bool({"$ref", "properties", "items", "allOf"} & schema.keys())


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _merge(base: dict[str, Any], other: Any) -> dict[str, Any]:
    """Return a schema that asks for both, as far as one flat schema can; what it loses is caught by the check."""
    if not isinstance(other, dict):
        return base
    merged = {**base, **other}
    if isinstance(base.get("properties"), dict) and isinstance(other.get("properties"), dict):
        shared = {
            name: {"allOf": [base["properties"][name], other["properties"][name]]}
            for name in base["properties"].keys() & other["properties"].keys()
        }
        merged["properties"] = {**base["properties"], **other["properties"], **shared}
    if "required" in base and "required" in other:
        merged["required"] = list(dict.fromkeys((*base["required"], *other["required"])))
    if "allOf" in base and "allOf" in other:
        merged["allOf"] = [*base["allOf"], *other["allOf"]]
    for keyword in {"anyOf", "oneOf"} & base.keys() & other.keys():
        merged[keyword] = base[keyword]
        merged["allOf"] = [*merged.get("allOf", []), {keyword: other[keyword]}]
    for keyword, tighter in (("minimum", max), ("minLength", max), ("minItems", max), ("maximum", min)):
        if keyword in base and keyword in other:
            merged[keyword] = tighter(base[keyword], other[keyword])
    if "enum" in base and "enum" in other:
        shared_values = {json.dumps(value, sort_keys=True) for value in other["enum"]}
        merged["enum"] = [value for value in base["enum"] if json.dumps(value, sort_keys=True) in shared_values]
    return merged
