"""JSON as others write it: one reader that cannot raise, and one way to spell a place in what was read."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic_core import from_json

DEEPEST = 200
"""How deep a value may be nested. No body of the API comes near it, and whatever walks through one may recurse."""


def read(raw: bytes | bytearray | str) -> Any:
    """Return the JSON value that ``raw`` is, or None where it is none, or is nested deeper than `DEEPEST`.

    As lenient as `json.loads`: NaN, a name that occurs twice, half a surrogate pair, UTF-16 and a byte-order mark are
    read, as clients read them.
    """
    try:
        # A third of the time that `json` needs. What it refuses may still be something that clients take.
        return from_json(raw)
    except (ValueError, TypeError):
        pass
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if is_within(value, DEEPEST) else None


def is_within(value: object, depth: int) -> bool:
    """Tell whether a value is nested at most so many containers deep; does not recurse."""
    level = [value]
    for _ in range(depth):
        level = [inner for node in level if isinstance(node, (dict, list)) for inner in _inside(node)]
        if not level:
            return True
    return not any(isinstance(node, (dict, list)) for node in level)


def _inside(node: dict[str, Any] | list[Any]) -> list[Any]:
    return list(node.values()) if isinstance(node, dict) else node


def members(value: object) -> dict[str, Any]:
    """Return ``value`` where it is an object, else an empty one: what is not there has no members."""
    return value if isinstance(value, dict) else {}


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = re.compile("[\ud800-\udfff\x7f-\xa0\u2028\u2029]")


def path(*steps: str | int) -> str:
    """Spell a place: ``path("messages", 0, "content")`` is ``messages[0].content``, and the whole is ``$``.

    It is a JSONPath without its ``$.``, which every setting that takes JSONPaths reads. Names beyond ASCII are lawful
    without quotes too, but readers differ in which ones they take.
    https://www.rfc-editor.org/rfc/rfc9535#section-2.5.1
    """
    return "".join(map(_step, steps)).removeprefix(".") or "$"


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _NAME.fullmatch(step):
        return f".{step}"
    quoted = json.dumps(step, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"['{_ESCAPED.sub(_escape, quoted)}']"


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
