"""No false alarm: no violation on any recorded interaction. Run as ``python -m tests.prove.no_false_alarm``."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from pytest_messages.findings import Level
from pytest_messages.judge import check
from pytest_messages.providers import PROVIDERS

from .exchanges import FILES, Exchange, is_recorded, own, recorded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_messages.findings import Violation

EXCLUDED = {
    # What was perhaps written by hand is no traffic.
    ("*", "synthetic_suspect"),
}
"""What does not count, by rule and by note of a record; a star stands for every rule."""

Alarm = tuple[str, "Violation"]


def judge(exchange: Exchange) -> tuple[Violation, ...]:
    """Judge an exchange as the provider that it was recorded from."""
    return check(exchange.interaction, PROVIDERS[exchange.provider])


def counts_here(exchange: Exchange, violation: Violation) -> bool:
    """Tell whether a finding counts, or is excluded for what was done to the record."""
    return not any((rule, note) in EXCLUDED for rule in ("*", violation.rule) for note in exchange.notes)


def alarms(exchanges: Iterable[Exchange]) -> list[Alarm]:
    """Return the violations that count, each behind the name of its exchange."""
    return [
        (exchange.name, violation)
        for exchange in exchanges
        for violation in judge(exchange)
        if violation.level is Level.VIOLATION and counts_here(exchange, violation)
    ]


def table(file: str, exchanges: Iterable[Exchange]) -> int:
    """Print what one file holds and what was found in it; return how many false alarms there are."""
    judged: Counter[tuple[str, str]] = Counter()
    found: Counter[tuple[str, str, str]] = Counter()
    false = []
    excluded = 0
    for exchange in exchanges:
        judged[exchange.provider, exchange.kind] += 1
        for violation in judge(exchange):
            found[exchange.provider, violation.level.name.lower(), violation.rule] += 1
            if violation.level is Level.VIOLATION:
                counts = counts_here(exchange, violation)
                excluded += not counts
                false += [(exchange.name, violation)] if counts else []
    print(f"{file}: {sum(judged.values())} interactions, {len(false)} false alarms, {excluded} excluded by a note")
    for (provider, kind), number in sorted(judged.items()):
        print(f"  {number:6}  {kind:12}  judged as {provider}")
    for (provider, level, rule), number in sorted(found.items()):
        print(f"  {number:6}  {level:12}  {rule:32}  as {provider}")
    for name, violation in false:
        print(f"  FALSE ALARM  {name}  {violation.where}  {violation.rule}: {violation.message}")
    return len(false)


def main() -> int:
    """Print the tables; the last line says what was skipped."""
    false = table("the project's own exchanges", own().values())
    if is_recorded():
        false += sum(table(file, recorded(file)) for file in FILES)
    print("skipped: nothing" if is_recorded() else "skipped: the recorded traffic, which is not beside this checkout")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
