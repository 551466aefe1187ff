"""In which pieces, and how fast, a recorded body is handed out again."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from pytest_messages.api import sse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_messages.wire import Chunk, Response

_SEED = 20230601
"""One seed for every run: a failure under ``split`` comes back."""

_WORST = re.compile(
    rb"\r(?=\n)|\n(?=\r?\n)|\r(?=\r)|d(?=ata)|a(?=ta)|:(?= )|[\xc2-\xf4](?=[\x80-\xbf])|[\x80-\xbf](?=[\x80-\xbf])"
)
"""Where a hand-written decoder breaks: between CR and LF, between line ends, inside ``data:``, inside a character."""


class Piece(NamedTuple):
    """Bytes to hand out, and how many seconds after the request."""

    after: float
    data: bytes


def pieces(response: Response, *, chunking: str, pace: str) -> Iterator[Piece]:
    """Cut ``response.body`` as the settings ``chunking`` and ``pace`` say; joined again it is the body."""
    body, factor = response.body, _factor(pace)
    due = _Due(response.chunks if factor else ())
    for start, end in pairwise((0, *_cuts(response, chunking), len(body))):
        if end > start:
            yield Piece(due.at(end) * factor, body[start:end])


class _Due:
    """When each byte had come, asked in the order of the bytes: each chunk is looked at once."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._rest = iter(chunks)
        self._seconds, self._end = 0.0, 0

    def at(self, end: int) -> float:
        """Seconds after the request at which the byte before ``end`` had come."""
        while self._end < end and (chunk := next(self._rest, None)) is not None:
            self._seconds, self._end = chunk.ms / 1000, chunk.end
        return self._seconds


def _cuts(response: Response, chunking: str) -> Iterable[int]:
    body = response.body
    if chunking == "whole" or not body:
        return ()
    if chunking == "recorded":
        return [chunk.end for chunk in response.chunks]
    if chunking.startswith("bytes:"):
        size = int(chunking.removeprefix("bytes:"))
        return range(size, len(body), size)
    if chunking == "split":
        return _worst_cuts(body)
    return sse.event_ends(body) if response.is_stream else ()


def _worst_cuts(body: bytes) -> list[int]:
    chance = random.Random(_SEED)  # noqa: S311 - reproducible cuts, no secret
    worst = {found.end() for found in _WORST.finditer(body) if chance.random() < 0.5}  # noqa: PLR2004 - every second
    anywhere = {chance.randrange(1, len(body)) for _ in range(len(body) // 64)} if len(body) > 1 else set()
    return sorted(worst | anywhere)


def _factor(pace: str) -> float:
    return {"instant": 0.0, "recorded": 1.0}[pace] if pace in {"instant", "recorded"} else float(pace)
