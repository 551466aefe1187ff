"""Interactions in order of issue: the document a test replays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_messages.wire import Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """How an interaction came to be: when (RFC 3339, UTC), by which test (node id), at which provider.

    ``phase`` is ``teardown`` where the test's own call was over by then, and None where it was not.
    """

    at: str | None = None
    test: str | None = None
    provider: str | None = None
    phase: str | None = None


class Interaction:
    """One recorded request and its response.

    Reading a response costs ten times what its request costs, and replay needs few: ``answer`` may be a function
    that reads it when first asked.
    """

    __slots__ = ("_answer", "request")

    def __init__(
        self, request: Request, answer: tuple[Response, Recording] | Callable[[], tuple[Response, Recording]]
    ) -> None:
        self.request = request
        self._answer = answer

    @property
    def answer(self) -> tuple[Response, Recording]:
        """The response and how it was recorded; raises `CassetteFormatError` where a file holds no such thing."""
        if not isinstance(self._answer, tuple):
            self._answer = self._answer()
        return self._answer

    @property
    def response(self) -> Response:
        """What was answered."""
        return self.answer[0]

    @property
    def recording(self) -> Recording:
        """How it was recorded."""
        return self.answer[1]

    def __eq__(self, other: object) -> bool:
        """Two interactions are equal when they hold the same values."""
        if not isinstance(other, Interaction):
            return NotImplemented
        return self.request == other.request and self.answer == other.answer

    __hash__ = None  # type: ignore[assignment]  # equal by value, and a cassette may hold equal ones

    def __repr__(self) -> str:
        """Name the interaction by its request."""
        return f"<Interaction {self.request!r}>"


ScrubbedInteraction = NewType("ScrubbedInteraction", Interaction)
"""An interaction whose every text is scrubbed. Only `scrubbing` makes one, and `store` takes nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """What a cassette file holds.

    ``incomplete`` names the tests that recorded here and have not passed yet, and ``reasons`` why, where that is known;
    ``salt`` keys the placeholders, None in a file that another tool wrote; ``unread`` is what else stands in the file
    by its keys, such as the WebSocket interactions of cassetter, and is written back as it was; ``own`` says that the
    file begins with our marker line.
    """

    interactions: tuple[Interaction, ...] = ()
    incomplete: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    salt: str | None = None
    unread: Mapping[str, object] = field(default_factory=dict)
    own: bool = True
