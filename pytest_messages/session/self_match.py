"""Whether what was just recorded answers the very requests that it was recorded for.

A comparison need not find a request equal to itself: a matcher of the user's may always see a difference, a rule may
replace on a second look what it left on the first. Such a recording is paid for and never replays, and the one who
could mend it is the one who records. So what is about to be stored is written, read back and asked for once, in the
order in which it was asked, as the next run will do. The answers stay out of it: a request is what is compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_messages.cassette.document import Cassette, Interaction
from pytest_messages.cassette.reading import load
from pytest_messages.cassette.writing import dump
from pytest_messages.session.playback import Playback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_messages.findings import Difference
    from pytest_messages.matching import Matching
    from pytest_messages.scrubbing import Scrubber
    from pytest_messages.session.record import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A recorded request that its own recording does not answer: the places that differ, and who says so.

    ``matchers`` names the callables of ``match_on`` that find a difference.
    """

    recorded: Recorded
    differences: tuple[Difference, ...]
    matchers: tuple[str, ...]


def unanswered(
    entries: Sequence[Recorded], *, path: str, scrubber: Scrubber, matching: Matching, test: str | None
) -> list[Unanswered]:
    """Return those of ``entries``, which stand as they will in the cassette, that would not be answered on replay."""
    cassette = _read_back([entry.interaction for entry in entries], path)
    playback = Playback(cassette, scrubber=scrubber, matching=matching.afresh(), test=test, repeats="fail")
    found: list[Unanswered] = []
    for number, entry in sorted(enumerate(entries), key=lambda each: each[1].position):
        position, _, _ = playback.find(entry.asked)
        if position is not None:
            playback.play(position)
        else:
            pair = scrubber.request(cassette.interactions[number].request), entry.asked
            differences, matchers = matching.afresh().compare(*pair), matching.objectors(*pair)
            found.append(Unanswered(recorded=entry, differences=differences, matchers=matchers))
    return found


def _read_back(interactions: Sequence[Interaction], path: str) -> Cassette:
    without_answers = (
        Interaction(each.request, (replace(each.response, body=b"", chunks=()), each.recording))
        for each in interactions
    )
    return load(dump(Cassette(interactions=tuple(without_answers))), path)
