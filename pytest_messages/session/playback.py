"""What a cassette can answer, and what of it a session has played."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_messages.session.call import last_text
from pytest_messages.session.modes import Found

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from pytest_messages.cassette.document import Cassette, Interaction
    from pytest_messages.findings import Difference
    from pytest_messages.matching import Matching
    from pytest_messages.scrubbing import Scrubber
    from pytest_messages.wire import Scrubbed


TEARDOWN = "teardown"
"""The phase of what a test recorded when its own call was over: in the teardown of a fixture."""


class Playback:
    """The interactions of a cassette, each of which answers once. Its session sees to it that threads take turns."""

    def __init__(
        self, cassette: Cassette, *, scrubber: Scrubber, matching: Matching, test: str | None, repeats: str
    ) -> None:
        self.interactions = cassette.interactions
        self.played: dict[int, int] = {}
        """How often each position was played."""
        self._scrubber = scrubber
        self._matching = matching
        self._test = test
        self._repeats = repeats

    def find(self, scrubbed: Scrubbed) -> tuple[int | None, Found, int]:
        """Return the position that answers ``scrubbed``, what was found, and how many recordings of it there are."""
        index = self._index  # the recorded keys come before the first live one: see `Matching`
        positions = index.get(self._matching.key(scrubbed), [])
        position, found = self._choose(self._candidates(positions, scrubbed))
        return position, found, len(positions)

    def play(self, position: int) -> Interaction:
        """Return the interaction at ``position``, which counts as played from now on."""
        self.played[position] = self.played.get(position, 0) + 1
        return self.interactions[position]

    def unplayed(self, *, in_call: bool = False) -> list[int]:
        """Return the positions that nobody has asked for; ``in_call``: of what the test's own call recorded."""
        missing = [n for n in range(len(self.interactions)) if n not in self.played]
        return [n for n in missing if not in_call or self.interactions[n].recording.phase != TEARDOWN]

    def prompts(self, positions: Iterable[int]) -> tuple[str, ...]:
        """Return the last texts that the requests at ``positions`` sent."""
        return tuple(last_text(self._requests[n].body) for n in positions)

    def nearest(self, scrubbed: Scrubbed) -> tuple[int, tuple[Difference, ...]] | None:
        """Return the recording that differs least from ``scrubbed``, and in what; None in an empty cassette."""
        return self._matching.nearest(scrubbed, self._requests, played=self.played)

    def _candidates(self, positions: list[int], scrubbed: Scrubbed) -> list[int]:
        """Positions of the recordings of this very request; those that this test recorded come first."""
        if self._matching.custom:
            positions = [n for n in positions if self._matching.agrees(self._requests[n], scrubbed)]
        if len(positions) < 2 or self._test is None:  # noqa: PLR2004 - nothing to order
            return positions
        mine = [n for n in positions if self.interactions[n].recording.test == self._test]
        return [*mine, *(n for n in positions if n not in mine)]

    def _choose(self, candidates: list[int]) -> tuple[int | None, Found]:
        fresh = next((n for n in candidates if n not in self.played), None)
        if fresh is not None:
            return fresh, Found.MATCH
        if not candidates:
            return None, Found.NOTHING
        if self._repeats == "last":
            return candidates[-1], Found.MATCH
        if self._repeats == "cycle":
            return min(candidates, key=lambda n: self.played[n]), Found.MATCH
        return None, Found.PLAYED

    @cached_property
    def _index(self) -> dict[Hashable, list[int]]:
        index: dict[Hashable, list[int]] = {}
        # Who recorded it tells servers on this machine apart; to know it costs reading the answer.
        servers = len({urlsplit(request.url).netloc for request in self._requests})
        for position, request in enumerate(self._requests):
            recorder = partial(_recorder, self.interactions[position]) if servers > 1 else _nobody
            index.setdefault(self._matching.recorded_key(request, recorder), []).append(position)
        return index

    @cached_property
    def _requests(self) -> Sequence[Scrubbed]:
        return [self._scrubber.request(interaction.request) for interaction in self.interactions]


def _recorder(interaction: Interaction) -> str | None:
    return interaction.recording.test


def _nobody() -> None:
    return None
