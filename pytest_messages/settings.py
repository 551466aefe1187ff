"""One frozen value that holds every choice, with its default."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Self

from pytest_messages.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class RecordMode(StrEnum):
    """When a request goes out and when it is answered from the cassette; `modes.DECISIONS` is the full table."""

    ONCE = "once"
    NONE = "none"
    NEW_EPISODES = "new_episodes"
    REWRITE = "rewrite"
    LIVE = "live"


Kind = Literal["word", "text", "list"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One row of the options table.

    ``words`` are the values with the default first; ``pattern`` is a further form that is allowed, shown as ``form``.
    A list option adds to the built-in list, and an entry that begins with ``-`` takes one out by name.
    """

    name: str
    help: str
    kind: Kind = "word"
    words: tuple[str, ...] = ()
    pattern: str | None = None
    form: str | None = None
    metavar: str = "WORD"
    cli: bool = False
    ini: bool = True
    marker: bool = False

    @property
    def flag(self) -> str:
        """The command line option."""
        return f"--messages-{self.name}"

    @property
    def ini_name(self) -> str:
        """The ini option."""
        return f"messages_{self.name}"

    def parse(self, value: object, *, origin: str) -> str | tuple[str, ...]:
        """Return ``value`` as this option holds it; ``origin`` says who gave it, for the `SettingsError`."""
        if self.kind == "list":
            return self._entries(value, origin)
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            raise SettingsError(f"{origin}: {self.name} takes {self.choices}, not {value!r}")
        text = str(value).strip()
        if self.kind == "word" and text not in self.words and not (self.pattern and re.fullmatch(self.pattern, text)):
            raise SettingsError(f"{origin}: {self.name} is {text!r}; it takes {self.choices}")
        return text

    def _entries(self, value: object, origin: str) -> tuple[Any, ...]:
        if isinstance(value, str):
            return (value,)
        if isinstance(value, (list, tuple)) and all(isinstance(entry, str) or callable(entry) for entry in value):
            return tuple(value)
        raise SettingsError(f"{origin}: {self.name} takes a list of strings, not {value!r}")

    @property
    def choices(self) -> str:
        """The values in words, for messages and the README."""
        if self.kind == "list":
            return "a list of strings"
        alternatives = [*self.words, *([self.form] if self.form else [])]
        return " | ".join(alternatives) if alternatives else "a string"


OPTIONS: tuple[Option, ...] = (
    Option(
        name="record",
        metavar="MODE",
        words=tuple(RecordMode),
        cli=True,
        marker=True,
        help="when requests go out: the default is `none` where CI or BUILD_NUMBER is set",
    ),
    Option(
        name="conformance",
        words=("fail", "strict", "warn", "ignore"),
        cli=True,
        marker=True,
        help="what a breach of the documented API does to the test; `strict` counts notices too",
    ),
    Option(
        name="unplayed",
        words=("fail", "warn", "ignore"),
        cli=True,
        marker=True,
        help="what recordings that a passing test never asked for do",
    ),
    Option(
        name="empty",
        words=("fail", "warn", "ignore"),
        cli=True,
        marker=True,
        help="what a passing test without any call does, where its own mark or a fixture it names promised one",
    ),
    Option(
        name="orphans",
        words=("ignore", "warn", "fail"),
        cli=True,
        help="what cassette files that no test of a full run used do",
    ),
    Option(
        name="unmarked",
        words=("allow", "refuse"),
        cli=True,
        help="whether a test without the mark may call a Messages host",
    ),
    Option(
        name="chunking",
        metavar="HOW",
        words=("event", "recorded", "whole", "split"),
        pattern=r"bytes:[1-9][0-9]*",
        form="bytes:N",
        cli=True,
        marker=True,
        help="in which pieces replay hands out a body; `split` cuts in the worst places, seeded",
    ),
    Option(
        name="pace",
        metavar="HOW",
        words=("instant", "recorded"),
        pattern=r"[0-9]+(\.[0-9]+)?",
        form="a factor",
        cli=True,
        marker=True,
        help="how fast replay hands out a body; a factor of 2 takes twice the recorded time",
    ),
    Option(
        name="repeats",
        words=("refuse", "last", "cycle"),
        marker=True,
        help="what a request gets whose recordings have all been played",
    ),
    Option(
        name="expire",
        metavar="AGE",
        words=("off",),
        pattern=r"[1-9][0-9]*d(:fail)?",
        form="90d | 90d:fail",
        cli=True,
        help="from which age on a recording is pointed out, or fails its test",
    ),
    Option(
        name="dir",
        metavar="PATH",
        kind="text",
        words=("cassettes",),
        cli=True,
        help="where cassettes live, relative to the ini file, else to the root directory",
    ),
    Option(
        name="provider",
        metavar="NAME",
        kind="text",
        cli=True,
        marker=True,
        help="whose API calls speak where the URL does not tell: anthropic, shinzo, shuyou, compatible, a declared one",
    ),
    Option(name="providers", kind="text", help="a TOML file that declares gateways"),
    Option(name="match_on", kind="list", marker=True, help="what two requests must agree in"),
    Option(
        name="ignore",
        kind="list",
        marker=True,
        help="what is not compared: JSONPath, or `pattern -> placeholder`",
    ),
    Option(name="scrub", kind="list", marker=True, help="further values that must not be stored"),
    Option(name="hosts", kind="list", help="further hosts whose calls are recorded and replayed"),
    Option(name="rules", kind="list", marker=True, help="rules of the judge; `-name` turns one off"),
    Option(name="allow", kind="list", help="findings of the gate that are none: `kind@place`"),
)
"""Every choice there is. The command line, the ini file, the marker and the README's table are made from it."""

OPTION: Mapping[str, Option] = {option.name: option for option in OPTIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every choice, parsed. Make one with keyword arguments, or change one with `with_values`."""

    record: str = RecordMode.ONCE
    conformance: str = "fail"
    unplayed: str = "fail"
    empty: str = "fail"
    orphans: str = "ignore"
    unmarked: str = "allow"
    chunking: str = "event"
    pace: str = "instant"
    repeats: str = "refuse"
    expire: str = "off"
    dir: str = "cassettes"
    provider: str | None = None
    providers: str | None = None
    match_on: tuple[str | Callable[..., Any], ...] = ()
    ignore: tuple[str, ...] = ()
    scrub: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    given: frozenset[str] = field(init=False, repr=False, compare=False)
    """The names that whoever made this value spelled out: a default that nobody chose overrides nothing."""

    def __new__(cls, **values: object) -> Self:
        """Take note of which choices were made."""
        settings = object.__new__(cls)
        object.__setattr__(settings, "given", frozenset(values))
        return settings

    def __post_init__(self) -> None:
        """Refuse values that mean nothing where they are given, not where they are used."""
        for name, option in OPTION.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, option.parse(value, origin="Settings"))

    @property
    def given_values(self) -> dict[str, object]:
        """The choices that were made, by name."""
        return {name: getattr(self, name) for name in sorted(self.given)}

    @property
    def mode(self) -> RecordMode:
        """The record mode."""
        return RecordMode(self.record)

    def with_values(self, values: Mapping[str, object], *, origin: str) -> Settings:
        """Return these settings with ``values`` laid over them: words replace, lists add.

        Raises `SettingsError`, naming ``origin``, where a name or a value is unknown.
        """
        changes: dict[str, Any] = {}
        for name, value in values.items():
            option = OPTION.get(name)
            if option is None:
                raise SettingsError(f"{origin}: there is no setting {name!r}; there are {', '.join(OPTION)}")
            parsed = option.parse(value, origin=origin)
            changes[name] = (*getattr(self, name), *parsed) if option.kind == "list" else parsed
        return type(self)(**{**self.given_values, **changes})


def combine(builtin: Iterable[str], entries: Iterable[str]) -> tuple[str, ...]:
    """Return the built-in list with ``entries`` applied in order: a name adds, ``-name`` takes one out."""
    combined = dict.fromkeys(builtin)
    for entry in entries:
        if entry.startswith("-"):
            combined.pop(entry[1:], None)
        else:
            combined[entry] = None
    return tuple(combined)
