"""Replace what must not be stored, and refuse to store what remains."""

from __future__ import annotations

from pytest_messages.findings import GateResult
from pytest_messages.scrubbing.credentials import Credentials
from pytest_messages.scrubbing.entries import OPTIONAL_RULES
from pytest_messages.scrubbing.gate import Gate, find_hints
from pytest_messages.scrubbing.placeholders import PlaceholderCollisionError, new_salt
from pytest_messages.scrubbing.scrubber import Scrubber, ScrubError

__all__ = [
    "OPTIONAL_RULES",
    "Credentials",
    "Gate",
    "GateResult",
    "PlaceholderCollisionError",
    "ScrubError",
    "Scrubber",
    "find_hints",
    "new_salt",
]
