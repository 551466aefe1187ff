"""Recorded interactions to be served again, found by what a request says."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_messages.cassette import reading
from pytest_messages.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_messages.cassette.document import Interaction
    from pytest_messages.wire import Request, Response

Recordings = str | Path | list[Any] | tuple[Any, ...]
"""A folder of cassettes, a cassette file, or interactions."""


class Shelf:
    """The recordings of one server: equal requests get theirs in order, the last one again and again."""

    def __init__(self, interactions: Iterable[Interaction]) -> None:
        self._lock = Lock()
        self._found: dict[tuple[str, str, str], list[Response]] = defaultdict(list)
        for interaction in interactions:
            self._found[_key(interaction.request)].append(interaction.response)

    def answer(self, request: Request) -> Response | None:
        """Return the response recorded for such a request, or None."""
        with self._lock:
            found = self._found.get(_key(request))
            if not found:
                return None
            return found.pop(0) if len(found) > 1 else found[0]


def _key(request: Request) -> tuple[str, str, str]:
    # Where an SDK is pointed at differs from where the recording came from; what the API calls its path does not.
    path = urlsplit(request.url).path
    return request.method.upper(), path[max(path.rfind("/v1/"), 0) :], _canonical(request.body)


def _canonical(body: bytes) -> str:
    """Return JSON in one form, whatever its white space and order; ``1.0`` is ``1``. Other bodies stay as they are."""
    try:
        return json.dumps(json.loads(body, parse_float=_plain), sort_keys=True)
    except (ValueError, RecursionError):
        return body.hex()


def _plain(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def load(recordings: Recordings | None) -> list[Interaction]:
    """Return the interactions of a folder of cassettes, of one cassette, or those given."""
    if recordings is None:
        return []
    if not isinstance(recordings, (str, Path)):
        return list(recordings)
    path = Path(recordings)
    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    if not path.exists() or not files:
        raise SettingsError(f"{path}: there are no cassettes to serve")
    return [
        interaction
        for file in files
        for interaction in reading.load(file.read_text(encoding="utf-8"), str(file)).interactions
    ]
