"""What a session is opened with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_messages.scrubbing import new_salt

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_messages.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a session is opened with: which cassette, whose test, by which choices.

    ``name`` is the cassette's name, from which a new one derives its salt; ``shared`` says that other tests name it
    too; ``empty`` is what a passing test without a call does (``fail``, ``warn`` or ``ignore``).
    """

    path: Path
    name: str
    settings: Settings
    test: str | None
    shared: bool = False
    empty: str = "ignore"

    def salt_of(self, existing: str | None) -> str:
        """Return the key of the placeholders: that of the file, else one that every process derives alike."""
        return existing or new_salt(self.name)
