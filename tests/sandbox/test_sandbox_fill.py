"""The values the sandbox makes obey the schemas they are made for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from pytest_messages.sandbox.fill import fill
from pytest_messages.sandbox.pattern import sample

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"


def obeys(schema: Any, value: Any) -> bool:
    checker = Draft202012Validator.FORMAT_CHECKER
    return bool(Draft202012Validator(schema, format_checker=checker, registry=Registry()).is_valid(value))


def an_object(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members)}


CASES: list[tuple[Any, Any]] = [
    # every type
    ({"type": "string"}, "Paris"),
    ({"type": "integer"}, 1),
    ({"type": "number"}, 1),
    ({"type": "boolean"}, True),
    ({"type": "null"}, None),
    ({"type": "array"}, ["Paris"]),
    ({"type": "object"}, {}),
    ({"type": ["null", "integer"]}, 1),
    ({}, "Paris"),
    (True, "Paris"),
    # what is named is taken
    ({"const": [1]}, [1]),
    ({"enum": ["c", "f"]}, "c"),
    ({"enum": [1, "x"], "type": "string"}, "x"),
    ({"type": "integer", "default": 7}, 7),
    ({"type": "integer", "examples": ["no", 5]}, 5),
    ({"type": "integer", "default": None}, 1),
    # bounds
    ({"type": "integer", "minimum": 5, "multipleOf": 3}, 6),
    ({"type": "integer", "maximum": -7}, -7),
    ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 3}, 2),
    ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, 0.5),
    ({"type": "number", "minimum": 0.3, "multipleOf": 0.25}, 0.5),
    ({"type": "number", "exclusiveMinimum": 0.25, "exclusiveMaximum": 0.75}, 0.5),
    ({"minimum": 3}, 3),
    # texts
    ({"type": "string", "minLength": 12}, "ParisParisParis"),
    ({"type": "string", "maxLength": 2}, "Pa"),
    ({"type": "string", "pattern": "^[A-Z]{3}-\\d{2}$"}, "AAA-00"),
    ({"type": "string", "pattern": "^a+$", "minLength": 4}, "aaaa"),
    *(({"type": "string", "format": name}, None) for name in ("date", "date-time", "time", "email", "uuid", "ipv4")),
    *(({"type": "string", "format": name}, None) for name in ("ipv6", "uri", "hostname", "duration", "regex", "odd")),
    # arrays
    ({"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3, "uniqueItems": True}, [1, 2, 3]),
    ({"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True}, ["Paris", "Paris2"]),
    ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
    ({"type": "array", "prefixItems": [{"const": 1}, {"type": "null"}], "items": False, "minItems": 2}, [1, None]),
    ({"type": "array", "contains": {"const": 5}}, [5]),
    ({"type": "array", "contains": {"const": 5}, "minContains": 2}, [5, 5]),
    # objects
    (an_object(city={"type": "string"}, days={"type": "integer", "minimum": 2}), {"city": "Paris", "days": 2}),
    (an_object(where=an_object(x={"type": "number"})), {"where": {"x": 1}}),
    ({"type": "object", "properties": {"spare": {"type": "string"}}}, {}),
    ({"type": "object", "required": ["x"], "additionalProperties": {"type": "integer"}}, {"x": 1}),
    ({"type": "object", "required": ["n_x"], "patternProperties": {"^n_": {"type": "null"}}}, {"n_x": None}),
    ({"type": "object", "minProperties": 2, "properties": {"a": {"const": 1}}}, {"a": 1, "member1": "Paris"}),
    ({"required": ["a"], "dependentRequired": {"a": ["b"], "b": ["a"]}}, {"a": "Paris", "b": "Paris"}),
    ({"required": ["a"]}, {"a": "Paris"}),
    # alternatives, all of them, conditions
    ({"anyOf": [{"type": "integer", "maximum": 0, "minimum": 1}, {"type": "boolean"}]}, True),
    ({"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 0.5}]}, 0),
    ({"allOf": [an_object(a={"minimum": 3, "type": "integer"}), {"properties": {"a": {"maximum": 4}}}]}, {"a": 3}),
    ({"allOf": [{"type": "integer", "minimum": 3}, {"minimum": 9}]}, 9),
    ({"type": "integer", "maximum": 9, "allOf": [{"maximum": 0}]}, 0),
    ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, 2),
    ({"allOf": [{"required": ["a"]}, {"required": ["b"], "allOf": [{"required": ["c"]}]}], "type": "object"}, None),
    ({"allOf": [{"allOf": [{"minimum": 3}]}, {"allOf": [{"maximum": 3}]}], "type": "integer"}, 3),
    ({"anyOf": [{"minimum": 3}, {"const": 1}], "allOf": [{"anyOf": [{"maximum": 1}]}], "type": "integer"}, 1),
    ({"anyOf": [{"oneOf": [{"const": 1}, {"const": 2}]}], "oneOf": [{"const": 2}, {"const": 3}]}, 2),
    ({"type": "object", "required": ["a"], "if": {"required": ["a"]}, "then": {"required": ["b"]}}, None),
    ({"type": "integer", "if": {"minimum": 1}, "else": {"maximum": -5}, "then": {"minimum": 8}}, None),
    ({"not": {"type": "string"}}, 1),
    ({"type": "string", "not": {"const": "Paris"}}, "Paris2"),
    ({"allOf": [True, {"type": "null"}]}, None),
    # references
    ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}, 1),
    ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 4}}}, 4),
    ({"$ref": "#/definitions/n", "definitions": {"n": {"enum": ["x"]}}}, "x"),
    ({"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": an_object(v={"const": 1})}}, [{"v": 1}]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value"), CASES, ids=[json.dumps(schema) for schema, _ in CASES])
def test_a_value_obeys_its_schema_and_is_always_the_same(schema: Any, value: Any) -> None:
    made = fill(schema, word="Paris")
    assert obeys(schema, made)
    assert made == fill(schema, word="Paris")
    if value is not None:
        assert made == value


FORMATS = [
    *("date", "date-time", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"),
    *("uri", "uri-reference", "iri", "iri-reference", "uuid", "json-pointer", "relative-json-pointer", "uri-template"),
    "regex",
]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_the_draft_has_its_text(name: str) -> None:
    made = fill({"type": "string", "format": name}, word="Paris")
    assert made != "Paris"
    assert obeys({"format": name}, made)


def test_a_recursive_schema_ends() -> None:
    node = an_object(value={"type": "integer"}, next={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]})
    children = an_object(children={"type": "array", "items": {"$ref": "#/$defs/tree"}})
    for schema in (
        {"$ref": "#/$defs/node", "$defs": {"node": node}},
        {"$ref": "#/$defs/tree", "$defs": {"tree": children}},
    ):
        assert obeys(schema, fill(schema))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (False, "example"),
        ({"type": "string", "const": 1}, 1),
        ({"$ref": "#/$defs/missing"}, "example"),
        ({"$ref": "https://example.com/schema.json"}, "example"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, None),
        ({"type": "unheard of"}, None),
        ({"type": "string", "pattern": "("}, "example"),
        ({"type": "object", "required": ["a"], "properties": {"a": {"type": "unheard of"}}}, {}),
        ({"type": "array", "minItems": 2, "items": {"const": 1}, "uniqueItems": True}, None),
    ],
)
def test_where_nothing_can_obey_the_nearest_attempt_comes_back(schema: Any, value: Any) -> None:
    made = fill(schema)
    assert made == value or (isinstance(made, dict) and isinstance(value, dict))


NUMBERS = st.integers(-50, 50)


TEXTS = st.text(max_size=5)


def bounded(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    bounds = st.tuples(NUMBERS, NUMBERS).map(sorted)
    return bounds.map(lambda pair: {"type": kind, "minimum": pair[0], "maximum": pair[1]})


def sized(kind: str, name: str, **members: Any) -> dict[str, Any]:
    least = members.pop("least")
    return {"type": kind, f"min{name}": least, f"max{name}": least + members.pop("more"), **members}


def nested(below: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Schemas around others."""
    arrays = st.builds(lambda items, least: sized("array", "Items", least=least, more=2, items=items), below, SIZES)
    objects = st.dictionaries(TEXTS, below, max_size=4).map(
        lambda members: {**an_object(**members), "additionalProperties": False}
    )
    choices = st.lists(below, min_size=1, max_size=3).map(lambda options: {"anyOf": options})
    return st.one_of(arrays, objects, choices, below.map(lambda part: {"allOf": [part]}))


SIZES = st.integers(0, 3)
LEAVES = st.one_of(
    bounded("integer"),
    bounded("number"),
    st.builds(lambda least, more: sized("string", "Length", least=least, more=more), SIZES, SIZES),
    st.lists(st.one_of(NUMBERS, TEXTS, st.none()), min_size=1, max_size=4).map(lambda values: {"enum": values}),
    st.just({"type": "boolean"}),
)
SCHEMAS = st.recursive(LEAVES, nested, max_leaves=5)
"""Schemas that something obeys, made of the keywords that tools use."""


@settings(max_examples=60, deadline=None)
@given(SCHEMAS)
def test_every_schema_that_can_be_obeyed_is_obeyed(schema: dict[str, Any]) -> None:
    assert obeys(schema, fill(schema))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^[A-Z]{3}-\d{4}$", "AAA-0000"),
        (r"^(foo|bar)+$", "foo"),
        (r"^[^a-z]{2,5}x?$", "AA"),
        (r"^[^\d]$", "a"),
        (r"\d+\.\d+", "0.0"),
        (r"^sk-[\w-]{20,}$", "sk-" + "a" * 20),
        (r"^(?=.*a).{3}$", "aaa"),
        (r"^(?!b)(?<name>a)$", None),
        (r"^(?P<name>a)\b$", "a"),
        (r"^(?:19|20)\d\d-(0[1-9]|1[0-2])$", "1900-01"),
        (r"^https?://", "http://"),
        (r"^\x41\u0042\t\.$", "AB\t."),
        (r"^[\x30-\x39]{2}$", "00"),
        (r"^[a\]-]$", "a"),
        (r"^[]a]$", "]"),
        (r"^a*?b+?$", "b"),
        (r"^\S\D\W$", "aa-"),
        (r"^(?i:a)$", "a"),
        (r"^$", ""),
        (r"^\p{L}$", None),
        (r"a{2}{", "aa{"),
        (r"(", None),
        (r"^(?=b)a$", None),
    ],
)
def test_a_text_for_a_pattern_is_found_by_it(pattern: str, text: str | None) -> None:
    found = next(sample(pattern), None)
    assert found == text
    assert found is None or re.search(pattern, found)


def test_longer_texts_for_a_pattern_follow() -> None:
    assert list(sample("^a{1,3}$")) == ["a", "aa", "aaa"]


def schemas_of_the_corpus() -> list[Any]:
    if not CORPUS.exists():
        return []
    found: dict[str, Any] = {}
    for name in ("dev.jsonl", "dev_dropped_by_cap.jsonl"):
        for line in (CORPUS / name).read_text(encoding="utf-8").splitlines():
            body = json.loads(line)["request_body"]
            for schema in declared_in(body) if isinstance(body, dict) else ():
                found[json.dumps(schema, sort_keys=True)] = schema
    return list(found.values())


def declared_in(body: dict[str, Any]) -> list[Any]:
    tools = [tool["input_schema"] for tool in body.get("tools") or () if "input_schema" in tool]
    forms = [(body.get("output_config") or {}).get("format"), body.get("output_format")]
    return [*tools, *(form["schema"] for form in forms if isinstance(form, dict) and "schema" in form)]


@pytest.mark.skipif(not CORPUS.exists(), reason="the recorded corpus is not beside this checkout")
def test_a_value_is_found_for_every_schema_of_real_traffic() -> None:
    schemas = schemas_of_the_corpus()
    unreadable, disobeyed = [], []
    for schema in schemas:
        try:
            if not obeys(schema, fill(schema)):
                disobeyed.append(schema)
        except (Unresolvable, RecursionError):
            # References that go nowhere, or round in a circle: no validator can say anything about them.
            unreadable.append(schema)
    assert disobeyed == []
    assert len(schemas) > 200
    assert len(unreadable) < 6
