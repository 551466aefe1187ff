"""Nothing missed: every damage that a statement names is caught. Run as ``python -m tests.prove.nothing_missed``."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from pytest_messages.findings import Level
from pytest_messages.judge import CATALOGUE

from .exchanges import FILES, Exchange, is_recorded, own, recorded
from .mutator import DAMAGES, NEUTRAL, TOLERATED, UNSEEN, Damage
from .no_false_alarm import judge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_messages.findings import Violation

SEED = 2026


Seen = Counter[tuple[str, str]]
"""How often a rule said what; places are left out, since a damage moves them."""


def new(before: Seen, found: tuple[Violation, ...]) -> list[Violation]:
    """Return the findings that the sound exchange did not have."""
    left = before.copy()
    fresh = []
    for violation in found:
        said = (violation.rule, violation.message)
        if left[said]:
            left[said] -= 1
        else:
            fresh.append(violation)
    return fresh


@dataclass
class Tally:
    """How one damage fared: applied so often, caught by a rule of its statement, by another rule only, or missed."""

    applicable: int = 0
    caught: int = 0
    elsewhere: int = 0
    gravely: int = 0
    missed: list[str] = field(default_factory=list)

    def count(self, damage: Damage, exchange: Exchange, found: list[Violation]) -> None:
        """Enter one damaged exchange."""
        self.applicable += 1
        own_rules = any(damage.row in CATALOGUE[violation.rule].rows for violation in found)
        self.caught += own_rules
        self.elsewhere += bool(found) and not own_rules
        self.gravely += any(violation.level is Level.VIOLATION for violation in found)
        if not found:
            self.missed.append(exchange.name)


@dataclass
class Proof:
    """All tallies, and what neutral changes raised although they must not."""

    damages: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    neutral: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    raised: list[tuple[str, str, str]] = field(default_factory=list)
    unseen: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def try_all(self, exchange: Exchange) -> None:
        """Do everything to one exchange. The seed depends on its name, so that each can be repeated alone."""
        before = Counter((violation.rule, violation.message) for violation in judge(exchange))
        for damage in DAMAGES:
            for damaged in damage.make(exchange, Random(f"{SEED}{exchange.name}{damage.what}")):  # noqa: S311 - no secret
                found = new(before, judge(damaged))
                # What breaks the statement as it was recorded cannot show the damage.
                if found or not any(damage.row in CATALOGUE[rule].rows for rule, _ in before):
                    self.damages[damage.row, damage.what].count(damage, exchange, found)
        for change in NEUTRAL:
            for other in change.make(exchange, Random(f"{SEED}{exchange.name}{change.what}")):  # noqa: S311 - no secret
                self._neutral(change, exchange, new(before, judge(other)))
        for change in UNSEEN:
            for other in change.make(exchange, Random(f"{SEED}{exchange.name}{change.what}")):  # noqa: S311 - no secret
                seen = bool(new(before, judge(other)))
                self.unseen[change.what]["seen by its traces" if seen else "unseen"] += 1

    def _neutral(self, change: Damage, exchange: Exchange, found: list[Violation]) -> None:
        self.neutral[change.what]["changed"] += 1
        worst = Level.VIOLATION if change.what in TOLERATED else Level.HINT
        for violation in found:
            if violation.level <= worst:
                self.neutral[change.what]["raised"] += 1
                self.raised.append((exchange.name, change.what, violation.rule))

    @property
    def missed(self) -> list[tuple[str, str, str]]:
        """What nobody saw: the statement, the damage and the exchange."""
        return [(*key, name) for key, tally in self.damages.items() for name in tally.missed]


def prove(exchanges: Iterable[Exchange]) -> Proof:
    """Damage all of the exchanges in all ways."""
    proof = Proof()
    for exchange in exchanges:
        proof.try_all(exchange)
    return proof


def show(proof: Proof) -> None:
    """Print the tables."""
    print(f"{'':4} {'damage':92} {'applicable':>10} {'caught':>8} {'by others':>9} {'missed':>7} {'violation':>9}")
    for (row, what), tally in sorted(proof.damages.items(), key=lambda entry: _order(entry[0][0])):
        numbers = f"{tally.applicable:10} {tally.caught:8} {tally.elsewhere:9} {len(tally.missed):7} {tally.gravely:9}"
        print(f"{row:4} {what:92} {numbers}")
    print()
    print(f"{'':4} {'change that damages nothing':92} {'changed':>10} {'raised':>8}")
    for what, counts in proof.neutral.items():
        print(f"{'':4} {what:92} {counts['changed']:10} {counts['raised']:8}")
    print()
    print(f"{'':4} {'damage that no rule can see':92} {'unseen':>10} {'seen by its traces':>20}")
    for what, counts in proof.unseen.items():
        print(f"{'':4} {what:92} {counts['unseen']:10} {counts['seen by its traces']:20}")
    for row, what, name in proof.missed[:40]:
        print(f"MISSED  {row}  {what}: {name}")
    for name, what, rule in proof.raised[:40]:
        print(f"RAISED  {rule}  {what}: {name}")


def _order(row: str) -> tuple[str, int]:
    return row[:1], int(row[1:])


def everything() -> list[Exchange]:
    """Return the project's own exchanges and, where it is there, the recorded traffic."""
    return [*own().values(), *(exchange for file in FILES if is_recorded() for exchange in recorded(file))]


def main() -> int:
    """Print the tables; the last line says what was skipped."""
    proof = prove(everything())
    show(proof)
    applied = sum(tally.applicable for tally in proof.damages.values())
    idle = sorted({f"{d.row} {d.what}" for d in DAMAGES} - {f"{row} {what}" for row, what in proof.damages})
    print(f"{applied} damages, {len(proof.missed)} missed; {len(proof.raised)} raised by neutral changes; idle: {idle}")
    print("skipped: nothing" if is_recorded() else "skipped: the recorded traffic, which is not beside this checkout")
    return 1 if proof.missed or proof.raised else 0


if __name__ == "__main__":
    sys.exit(main())
