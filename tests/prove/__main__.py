"""Run every proof, whole, each with its tables: ``python -m tests.prove``. Exits 1 if one of them fails."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import TYPE_CHECKING

from . import never_raises, no_false_alarm, nothing_missed, replay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROOFS: Mapping[str, Callable[[], int]] = {
    "No false alarm": no_false_alarm.main,
    "Nothing missed": nothing_missed.main,
    "No rule raises": never_raises.main,
    "Replay is what was live": replay.main,
}


def run(proofs: Mapping[str, Callable[[], int]]) -> int:
    """Run them one after the other and say which failed."""
    failed = []
    for name, prove in proofs.items():
        print(f"\n== {name}\n", flush=True)
        begun = perf_counter()
        failed += [name] if prove() else []
        print(f"({perf_counter() - begun:.0f} s)")
    print(f"\nfailed: {', '.join(failed) or 'nothing'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run(PROOFS))
