"""Recorded interactions to be served again, found as a session finds them: scrubbed, and by all that is compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from pytest_messages.cassette import reading
from pytest_messages.cassette.document import Cassette, Interaction
from pytest_messages.errors import SettingsError
from pytest_messages.matching import Matching
from pytest_messages.scrubbing import Scrubber
from pytest_messages.session.playback import Playback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_messages.findings import Difference
    from pytest_messages.wire import Request, Response

Recordings = str | Path | list[Any] | tuple[Any, ...]
"""A folder of cassettes, a cassette file, or interactions."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A request that no recording answers: what was asked for, and how the nearest recording differs."""

    asked: str
    nearest: str = ""

    def __str__(self) -> str:
        """Say so in one line."""
        return f"no recording answers {self.asked}{f'; {self.nearest}' if self.nearest else ''}"


class RecordedAnswers:
    """The recordings of one server: equal requests get theirs in order, the last one again and again.

    ``ignore`` is as in the setting. Each cassette has a salt of its own, so a request is scrubbed for each of them.
    """

    def __init__(self, cassettes: Sequence[tuple[str, Cassette]], *, ignore: Sequence[str] = ()) -> None:
        self._cassettes = [_OneCassette(name, cassette, ignore) for name, cassette in cassettes]

    def __bool__(self) -> bool:
        """Whether there is anything to serve."""
        return bool(self._cassettes)

    def answer(self, request: Request) -> Response | None:
        """Return the response recorded for such a request, or None."""
        asked = _comparable(request)
        found = (each.answer(asked) for each in self._cassettes)
        return next((response for response in found if response is not None), None)

    def explain(self, request: Request) -> Unmatched:
        """Say of a request that nothing answers which recording came nearest, in words with no secret in them."""
        asked = _comparable(request)
        near = [found for each in self._cassettes if (found := each.nearest(asked)) is not None]
        what = f"{request.method} {urlsplit(asked.url).path}"
        return Unmatched(what, min(near)[1]) if near else Unmatched(what)


class _OneCassette:
    """The recordings of one cassette."""

    def __init__(self, name: str, cassette: Cassette, ignore: Sequence[str]) -> None:
        self._name = name
        self._scrubber = Scrubber(salt=cassette.salt or "")
        kept = tuple(Interaction(_comparable(each.request), each.answer) for each in cassette.interactions)
        self._playback = Playback(
            replace(cassette, interactions=kept),
            scrubber=self._scrubber,
            matching=Matching(ignore=ignore),
            test=None,
            repeats="last",
        )

    def answer(self, request: Request) -> Response | None:
        position, _, _ = self._playback.find(self._scrubber.request(request))
        return None if position is None else self._playback.play(position).response

    def nearest(self, request: Request) -> tuple[int, str] | None:
        found = self._playback.nearest(self._scrubber.request(request))
        if found is None:
            return None
        position, differences = found
        places = ", ".join(_place(each) for each in differences[:_SHOWN])
        return len(differences), f"interaction {position + 1} of {self._name} comes nearest, and differs in {places}"


_SHOWN = 3


def _place(difference: Difference) -> str:
    return difference.path if difference.part == "body" else difference.part


def _comparable(request: Request) -> Request:
    """Return the request without where it was sent to: an SDK is pointed at another place than the recording came from.

    What the API calls its path counts. `beta=true`, which SDKs add to calls of their beta part, selects nothing.
    """
    parts = urlsplit(request.url)
    path = parts.path[max(parts.path.rfind("/v1/"), 0) :]
    query = urlencode([pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair != ("beta", "true")])
    return replace(request, url=f"https://sandbox.invalid{path}{f'?{query}' if query else ''}")


def load(recordings: Recordings | None) -> list[tuple[str, Cassette]]:
    """Return the cassettes of a folder, the one given, or one made of the interactions given, each with its name.

    Raises `SettingsError` where there is none, or where a test that recorded one has not passed: replay refuses it too.
    """
    if recordings is None:
        return []
    if not isinstance(recordings, (str, Path)):
        return [("the recordings given", Cassette(interactions=tuple(recordings)))]
    path = Path(recordings)
    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    if not path.exists() or not files:
        raise SettingsError(f"{path}: there are no cassettes to serve")
    return [(str(file), _read(file)) for file in files]


def _read(file: Path) -> Cassette:
    cassette = reading.load(file.read_text(encoding="utf-8"), str(file))
    if cassette.incomplete:
        tests = ", ".join(cassette.incomplete)
        raise SettingsError(f"{file}: is not complete, {tests} did not pass; record it again, or leave it out")
    return cassette
