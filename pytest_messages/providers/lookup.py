"""Where something stands in a body or among headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def at(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Yield what stands at ``path``, each with its exact place; ``[*]`` stands for every item of a list."""
    found: list[tuple[str, Any]] = [("", value)]
    for step in path.split("."):
        name, star, _ = step.partition("[*]")
        found = [(f"{place}.{name}".lstrip("."), each[name]) for place, each in found if has(each, name)]
        if star:
            found = [
                (f"{place}[{index}]", item)
                for place, each in found
                if isinstance(each, list)
                for index, item in enumerate(each)
            ]
    yield from found


def has(value: Any, name: str) -> bool:
    """Tell whether ``value`` is an object in which ``name`` is set."""
    return isinstance(value, dict) and value.get(name) is not None


def pairs(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers as pairs, whichever way they are held."""
    return list(headers.items() if hasattr(headers, "items") else headers)
