"""One reader of JSON that cannot raise, and one spelling of places."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_messages.api import jsons

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_was_written_is_read(value: Any) -> None:
    assert jsons.read(json.dumps(value)) == value
    assert jsons.read(json.dumps(value).encode()) == value


@given(st.binary() | st.text())
def test_nothing_makes_it_raise(raw: bytes | str) -> None:
    jsons.read(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"nope",
        "[" * 100_000,
        "[" * 3_000 + "]" * 3_000,
        '{"a":' * 3_000 + "1" + "}" * 3_000,
        b"9" * 10_000,
    ],
    ids=lambda raw: f"{len(raw)} of {raw[:3]!r}",
)
def test_what_is_no_json_or_nested_too_deeply_is_none(raw: bytes | str) -> None:
    assert jsons.read(raw) is None


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": NaN}', float),
        (b'{"a": 1, "a": 2}', int),
        ('{"a": "\\ud800"}', str),
        (b'\xef\xbb\xbf{"a": 1}', int),
    ],
    ids=["NaN", "a name twice", "half a pair", "byte-order mark"],
)
def test_what_clients_read_is_read(raw: bytes | str, value: type) -> None:
    assert isinstance(jsons.read(raw)["a"], value)


@pytest.mark.parametrize(
    ("steps", "spelled"),
    [
        ((), "$"),
        (("messages", 0, "content"), "messages[0].content"),
        ((0, "a"), "[0].a"),
        (("a b", "c"), "['a b'].c"),
        (("it's",), "['it\\'s']"),
    ],
)
def test_a_place_is_spelled_in_one_way(steps: tuple[str | int, ...], spelled: str) -> None:
    assert jsons.path(*steps) == spelled
