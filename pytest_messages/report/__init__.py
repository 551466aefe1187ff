"""Violations, refusals and leftovers as text. The only place that lays out text."""

from pytest_messages.report.breaches import violations
from pytest_messages.report.conversation import conversation, wire
from pytest_messages.report.explanation import explain
from pytest_messages.report.run_lines import (
    DERANDOMIZE,
    ENDED_WITH,
    MEANT,
    incomplete,
    kept_aside,
    late,
    left_behind,
    not_live,
    orphans,
    orphans_not_judged,
    passed_by,
    still_open,
    stray,
    summary,
    together,
    unplayed_by_all,
    unplayed_not_judged,
    warned,
)

__all__ = [
    "DERANDOMIZE",
    "ENDED_WITH",
    "MEANT",
    "conversation",
    "explain",
    "incomplete",
    "kept_aside",
    "late",
    "left_behind",
    "not_live",
    "orphans",
    "orphans_not_judged",
    "passed_by",
    "still_open",
    "stray",
    "summary",
    "together",
    "unplayed_by_all",
    "unplayed_not_judged",
    "violations",
    "warned",
    "wire",
]
