"""Whether citations point into what the request gave.

https://platform.claude.com/docs/en/build-with-claude/citations
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_messages.api.jsons import path
from pytest_messages.findings import Level
from pytest_messages.judge.answer import Answer, rule
from pytest_messages.judge.documentation import CITATIONS
from pytest_messages.judge.rules import Breach
from pytest_messages.judge.values import Json, count, numbered, objects, shown, word

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where counting begins, which two offsets a citation has, and how far apart they are at least. The documentation's own
# example of a search result ends in the block in which it starts.
# https://platform.claude.com/docs/en/build-with-claude/search-results
_RANGES: dict[str, tuple[int, str, str, int]] = {
    "char_location": (0, "start_char_index", "end_char_index", 1),
    "page_location": (1, "start_page_number", "end_page_number", 1),
    "content_block_location": (0, "start_block_index", "end_block_index", 1),
    "search_result_location": (0, "start_block_index", "end_block_index", 0),
}


@rule("message.citation", Level.VIOLATION, CITATIONS, "A citation points into what the request gave.", "M25")
def citation(answer: Answer) -> Iterator[Breach]:
    given: _Given | None = None
    for n, block in answer.of("text"):
        for m, cited in numbered(block.get("citations")):
            if given is None:
                given = _given(answer)
            yield from _citation(cited, given, ("content", n, "citations", m))


@dataclass(frozen=True, slots=True)
class _Given:
    """How many documents and search results there are to cite; None where that cannot be known."""

    documents: int | None
    results: int | None


def _given(answer: Answer) -> _Given:
    """Count what may be cited: in the request, in results within it, and in what server tools found since."""
    if not answer.request or answer.continues:  # what is not here cannot be counted
        return _Given(None, None)
    asked: list[Any] = [message.get("content") for message in objects(answer.request.get("messages"))]
    here = [block for _, block in answer.blocks]
    return _Given(_number_of("document", [*asked, here]), _number_of("search_result", [*asked, here]))


def _number_of(kind: str, value: object, depth: int = 12) -> int:
    if isinstance(value, list):
        return sum(_number_of(kind, entry, depth) for entry in value)
    if not isinstance(value, dict) or depth == 0:
        return 0
    return (value.get("type") == kind) + _number_of(kind, value.get("content"), depth - 1)


def _citation(cited: Json, given: _Given, steps: tuple[str | int, ...]) -> Iterator[Breach]:
    first, start_key, end_key, least = _RANGES.get(word(cited, "type"), (0, "", "", 0))
    start, end = count(cited.get(start_key)), count(cited.get(end_key))
    if start is not None and start < first:
        yield Breach(path(*steps, start_key), f"{start_key} is {start}, counting begins at {first}")
    if start is not None and end is not None and end < start + least:
        yield Breach(path(*steps, end_key), f"{end_key} is {end}, {start_key} is {start}")
    for key, number in (("document_index", given.documents), ("search_result_index", given.results)):
        index = count(cited.get(key))
        if index is not None and (index < 0 or (number is not None and index >= number)):
            yield Breach(path(*steps, key), f"{key} is {index}, there are {shown(number)}")
