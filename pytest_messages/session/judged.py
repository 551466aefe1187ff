"""What the judge finds in one call of a session, among the calls before it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_messages import judge
from pytest_messages.errors import MessagesError
from pytest_messages.findings import Level, Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_messages.session.record import Answered

_ON_WHAT_WAS_SAID = re.compile(rb'"(redacted_)?thinking"|"previous_message_id"')


def judged(answered: Answered, before: Sequence[Answered], *, rules: tuple[str, ...]) -> tuple[Violation, ...]:
    """Return the findings in ``answered``, each with the number of its call. What fails in the judge is one of them.

    Raises `MessagesError` for a rule of no such name and for a recording that cannot be read: somebody's choice or
    file, and to be told as such.
    """
    call, interaction = answered.call, answered.interaction
    # Only what must come back unchanged is compared with what was given: most requests hold no such thing.
    earlier = [each.interaction for each in before] if _ON_WHAT_WAS_SAID.search(interaction.request.body) else []
    try:
        found = judge.check(interaction, call.provider, rules=rules, earlier=earlier)
    except MessagesError:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of the judge is a finding, and never the end of a test
        found = (_fault(error),)
    return tuple(replace(finding, where=f"call {call.position}, {finding.where}") for finding in found)


def _fault(error: Exception) -> Violation:
    problem = f"the judge failed with {type(error).__name__}: {error}. This is a fault of ours: please report it"
    return Violation("the judge", "judge.error", Level.VIOLATION, problem, "")
