"""What was done, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(kw_only=True, slots=True)
class Tally:
    """What a session or a run did, in numbers; two add up."""

    replayed: int = 0
    recorded: int = 0
    forwarded: int = 0
    refused: int = 0
    altered: int = 0
    """Recorded answers that will read differently on replay, because a scrub rule replaced something."""
    allowed: int = 0
    """Findings of the gate that ``messages_allow`` let through into a cassette."""
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Sum up, field by field."""
        names = (field.name for field in fields(self))
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in names})
