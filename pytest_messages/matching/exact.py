"""JSON, read and compared exactly: what looks alike to Python is told apart, what means the same is not."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEEPEST = 100
"""Deeper bodies than any API takes are compared as bytes: the comparison recurses."""


def parse(body: bytes) -> Any:
    """Return what JSON (RFC 8259) says, numbers exact; ``body`` itself where it says none or says it twice."""
    try:
        value = _DECODER.decode(body.decode())
    except (ValueError, ArithmeticError, RecursionError):
        return body
    return value if _is_shallow(body, value) else body


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice, and readers differ in which one counts")
    return members


@lru_cache(maxsize=256)
def _number(text: str) -> int | Decimal:
    """Return an equal number that is written in one way only: an integer, or no zero at the end."""
    sign, digits, exponent = Decimal(text).as_tuple()
    if not any(digits):
        return 0
    kept = "".join(map(str, digits)).rstrip("0")
    power = int(exponent) + len(digits) - len(kept)
    number = Decimal((sign, tuple(map(int, kept)), power))
    # An integer of more digits is refused by int(), and stays in the form with an exponent.
    return int(number) if power >= 0 and len(kept) + power <= _LONGEST_INTEGER else number


_LONGEST_INTEGER = 4300


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _is_shallow(body: bytes, value: Any) -> bool:
    if body.count(b"{") + body.count(b"[") <= _DEEPEST:
        return True
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for node in level if isinstance(node, (dict, list)) for inner in _inner(node)]
        if not level:
            return True
    return False


def _inner(node: dict[str, Any] | list[Any]) -> Sequence[Any]:
    return list(node.values()) if isinstance(node, dict) else node


def canonical(value: Any) -> str:
    """Return a text that is equal for equal JSON values only."""
    return _CANONICAL.encode(value)


def digest(value: Any) -> bytes:
    """Return 16 bytes in place of `canonical`, which a cassette of long conversations would hold twice."""
    return blake2b(canonical(value).encode(), digest_size=16).digest()


def _beyond_json(value: object) -> list[object]:
    """Write what JSON has no form for after a NaN, which no parsed body holds: nothing else can look the same."""
    return [math.nan, str(value)]


def _as_float(number: object) -> float:
    """Return the float that is written as ``number`` is; a number with more digits than a float has is none."""
    if isinstance(number, Decimal) and Decimal(repr(float(number))) == number:
        return float(number)
    raise TypeError


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_float=_number, parse_constant=_refuse)
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False, default=_beyond_json)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, default=_as_float)


def compact(value: Any) -> bytes | None:
    """Return the bytes that clients make of a value; None where they would not read back as the same value."""
    try:
        return _COMPACT.encode(value).encode()
    except (TypeError, UnicodeEncodeError):  # no JSON; a lone surrogate
        return None


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, save that Python takes ``true`` for 1: fast, and good enough to count."""
    return bool(one == other)


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal."""
    return bool(one == other) and _agree_in_booleans(one, other)


def _agree_in_booleans(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(_agree_in_booleans(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return all(map(_agree_in_booleans, one, other))
    return isinstance(one, bool) == isinstance(other, bool)
