"""A rule of the judge: its name, its weight, its sentence and its source, declared where it is applied.

A rule that looks at one thing is a function under ``@rule(name, level, source, what)``; `Rules` is such a decorator for
one kind of thing (a message, a request). A rule that falls out of a table or of a walk is declared by `declare` beside
it. Either way the name stands once, and the catalogue is what has been declared.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from pytest_messages.findings import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

S = TypeVar("S")


class Breach(NamedTuple):
    """What a rule found: where, and what stands there.

    ``event`` is the number of the event it shows at, None for what concerns the whole. ``level``, ``loses`` and
    ``source`` stand for the rule's own where one case differs from another.
    """

    where: str
    found: str
    level: Level | None = None
    loses: bool | None = None
    source: str | None = None
    event: int | None = None


class Fault(NamedTuple):
    """A breach, and the rule that it is one of."""

    rule: Rule
    breach: Breach


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    ``what`` is the law in one sentence, ``source`` the address that documents it, and ``rows`` are the statements about
    the API that the rule implements: S of streams, M of messages, R of requests, D of known deviations, T of shapes.
    ``loses`` says that a breach makes an official SDK crash, drop or misplace data, which is a violation at any
    endpoint.
    """

    name: str
    level: Level
    what: str
    source: str
    rows: tuple[str, ...] = ()
    loses: bool = False

    def broken(
        self,
        where: str,
        found: str,
        *,
        event: int | None = None,
        level: Level | None = None,
        loses: bool | None = None,
        source: str | None = None,
    ) -> Fault:
        """Say that the rule is broken at a place."""
        return Fault(self, Breach(where, found, level, loses, source, event))


DECLARED: dict[str, Rule] = {}
"""Every rule by its name, in the order in which they were declared."""


def declare(name: str, level: Level, source: str, what: str, rows: str = "", *, loses: bool = False) -> Rule:
    """Put a rule into the catalogue; raises `ValueError` where the name is taken."""
    if name in DECLARED:
        raise ValueError(f"there are two rules named {name}")
    made = DECLARED[name] = Rule(name, level, what, source, tuple(rows.split()), loses=loses)
    return made


class Rules(Generic[S]):
    """The rules of one kind of thing; calling it declares one, as the decorator of the function that applies it."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._rules: dict[Rule, Callable[[S], Iterable[Breach]]] = {}

    def __call__(
        self, name: str, level: Level, source: str, what: str, rows: str = "", *, loses: bool = False
    ) -> Callable[[Callable[[S], Iterable[Breach]]], Rule]:
        """Declare a rule that the decorated function applies: it takes the thing and yields what breaks the rule.

        What bears the function's name afterwards is the rule.
        """
        made = declare(name, level, source, what, rows, loses=loses)

        def registered(function: Callable[[S], Iterable[Breach]]) -> Rule:
            self._rules[made] = function
            return made

        return registered

    def judge(self, thing: S) -> Iterator[Fault]:
        """Apply every rule. One that raises is a fault of its own, and the others go on."""
        for rule, function in self._rules.items():
            try:
                for breach in function(thing):
                    yield Fault(rule, breach)
            except Exception as error:  # noqa: BLE001 - a rule may fail in any way
                yield raised(rule.name, self._where, error)

    def forget(self, name: str) -> None:
        """Take a rule out again, which tests do with one that they planted."""
        del self._rules[DECLARED.pop(name)]


ERROR = declare(
    "judge.error",
    Level.VIOLATION,
    "CONTRIBUTING.md#a-rule-that-raises",
    "A rule judges whatever crossed the wire; one that raises is a fault of pytest-messages. Please report it.",
)


def guarded(faults: Iterable[Fault], what: str, where: str) -> Iterator[Fault]:
    """Yield ``faults``, and one of `ERROR` in place of an exception.

    Whatever a rule trips over has been recorded already and concerns the judge alone: the other rules go on. ``what``
    says which rule it was, as far as it is known, ``where`` what it was reading.
    """
    try:
        yield from faults
    except Exception as error:  # noqa: BLE001 - a rule may fail in any way
        yield raised(what, where, error)


def raised(what: str, where: str, error: Exception, *, event: int | None = None) -> Fault:
    """Say that a rule raised, and where in our code.

    The exception's text is left out: it may quote what was read.
    """
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{PurePath(last.filename).name}, line {last.lineno}"
    return ERROR.broken(where, f"{what} raised {type(error).__name__} ({place})", event=event)
