"""From findings to violations: how grave each is here, which are off, and how one reads."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pytest_messages.errors import SettingsError
from pytest_messages.findings import Level, Violation
from pytest_messages.judge.rules import DECLARED, ERROR
from pytest_messages.settings import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_messages.judge.rules import Breach, Fault, Rule
    from pytest_messages.providers import Provider

LENIENT = "compatible"
"""The name in `Provider.relax` that leaves as violations what loses data only."""


def verdict(
    faults: Iterable[Fault], provider: Provider, *, rules: Iterable[str] = (), at_most: Level = Level.VIOLATION
) -> tuple[Violation, ...]:
    """Grade ``faults`` as they count at ``provider``: gravest first, then in order of place.

    ``rules`` are entries of the setting: ``-name`` turns a rule off, ``name`` turns it on where the profile relaxes it,
    and gives it its whole weight where the profile is lenient. No breach is graver than ``at_most``. Raises
    `SettingsError` for a name of no rule.
    """
    on, off = _switches(provider, rules)
    graded = []
    lenient = is_lenient(provider)
    for rule, breach in faults:
        if rule.name in off:
            continue
        level = max(_level(rule, breach, lenient=lenient and rule.name not in on), at_most)
        if rule is ERROR:  # something has not been judged, whoever answered and whatever was taken
            level = rule.level
        graded.append((level, breach.event or _LAST, _violation(rule, breach, level)))
    graded.sort(key=lambda entry: entry[:2])
    return tuple(dict.fromkeys(violation for *_, violation in graded))


# What concerns a whole message comes after what concerns an event.
_LAST = 1 << 60


def is_lenient(provider: Provider) -> bool:
    """Tell whether only what loses data is a violation here."""
    return LENIENT in provider.relax


def _switches(provider: Provider, rules: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that are turned on and off; the later entry wins."""
    habits = provider.habits
    off = {name for name in provider.relax if name != LENIENT}
    off |= {"stream.comment"} if habits.keep_alive or is_lenient(provider) else set()
    off |= {"stream.done"} if habits.done_tail else set()
    off |= {"stream.double-encoded"} if habits.double_encoded else set()
    on = set(provider.add)
    for entry in rules:
        name = entry.removeprefix("-")
        if name not in DECLARED:
            raise SettingsError(f"messages_rules: there is no rule {name!r}; {_nearest(name)}")
        (off if entry.startswith("-") else on).add(name)
        (on if entry.startswith("-") else off).discard(name)
    return frozenset(on), frozenset(off)


def _nearest(name: str) -> str:
    family = [rule for rule in DECLARED if rule.startswith(f"{name.partition('.')[0]}.")]
    families = sorted({rule.partition(".")[0] + ".…" for rule in DECLARED})
    return (
        nearest(name, DECLARED) if get_close_matches(name, DECLARED) else f"there are {', '.join(family or families)}"
    )


def _level(rule: Rule, breach: Breach, *, lenient: bool) -> Level:
    level = rule.level if breach.level is None else breach.level
    loses = rule.loses if breach.loses is None else breach.loses
    return Level.NOTICE if lenient and level is Level.VIOLATION and not loses else level


def _violation(rule: Rule, breach: Breach, level: Level) -> Violation:
    message = f"{breach.found.rstrip('.')}. Documented: {rule.what}"
    return Violation(_clean(breach.where), rule.name, level, _clean(message), breach.source or rule.source)


# What a terminal would obey instead of showing it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text)
