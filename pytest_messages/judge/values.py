"""Looking into parsed JSON that may be anything: what is not there, or of another type, is empty."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
"""A JSON object."""

THOUGHTS = frozenset({"thinking", "redacted_thinking"})
"""The types of blocks that hold thinking."""

SERVED = frozenset({"server_tool_use", "mcp_tool_use"})
"""The types of blocks that use a tool which the client does not run."""

_LENGTH = 80


def shown(value: object) -> str:
    """Write a value as JSON, cut to a length that fits into a line."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= _LENGTH else f"{text[:_LENGTH]}…"


def objects(value: object) -> list[Json]:
    """Return the objects of a list, and nothing of anything else: the rules of shape report what is neither."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def numbered(value: object) -> list[tuple[int, Json]]:
    """Return the objects of a list with their places in it."""
    return [(n, entry) for n, entry in enumerate(value) if isinstance(entry, dict)] if isinstance(value, list) else []


def member(value: Json, key: str) -> Json:
    """Return the object at ``key``, or an empty one."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def word(value: Json, key: str) -> str:
    """Return the text at ``key``, or an empty one: what else stands there could not even be looked up."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def count(value: object) -> int | None:
    """Return a number that counts something, or None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def continues(request: Json) -> bool:
    """Tell whether a request goes on with a thread, so that the server holds the turns before its own.

    https://platform.claude.com/docs/en/build-with-claude/message-threads
    """
    return word(member(request, "thread"), "type") == "continue"
