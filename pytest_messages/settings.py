"""One frozen value that holds every choice, with its default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

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
    A list option adds to the built-in list, and an entry that begins with ``-`` takes one out by name; ``functions``
    says that its entries may be functions too.
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
    functions: bool = False

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
            raise SettingsError(f"{origin}: {self.name} is {text!r}; it takes {self.choices}{_meant(text, self.words)}")
        return text

    def _entries(self, value: object, origin: str) -> tuple[Any, ...]:
        entries = (value,) if isinstance(value, str) else value
        if not isinstance(entries, (list, tuple)):
            raise SettingsError(f"{origin}: {self.name} takes {self.choices}, not {value!r}")
        for entry in entries:
            if not (isinstance(entry, str) or (self.functions and callable(entry))):
                raise SettingsError(f"{origin}: {self.name} takes {self.choices}, not {value!r}")
        return tuple(entries)

    @property
    def choices(self) -> str:
        """The values in words, for messages and the README."""
        if self.kind == "list":
            return "a list of strings and functions" if self.functions else "a list of strings"
        alternatives = [*self.words, *([self.form] if self.form else [])]
        return " | ".join(alternatives) if alternatives else "a string"


OPTIONS: tuple[Option, ...] = (
    Option(
        name="record",
        metavar="MODE",
        words=tuple(RecordMode),
        cli=True,
        marker=True,
        help="when requests are sent; the default is `none` where CI or BUILD_NUMBER is set",
    ),
    Option(
        name="conformance",
        words=("fail", "strict", "warn", "ignore"),
        cli=True,
        marker=True,
        help="what to do when a call breaks the documented API; `strict` counts notices too",
    ),
    Option(
        name="unplayed",
        words=("fail", "warn", "ignore"),
        cli=True,
        marker=True,
        help="what to do about recordings that a passing test never asked for",
    ),
    Option(
        name="empty",
        words=("fail", "warn", "ignore"),
        cli=True,
        marker=True,
        help="what to do when a test passes without the call that its own mark or fixture promised",
    ),
    Option(
        name="orphans",
        words=("ignore", "warn", "fail"),
        cli=True,
        help="what to do about cassette files that no test used (full runs only)",
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
        help="how replay cuts a body into chunks; `split` cuts in the worst places, the same in each run",
    ),
    Option(
        name="pace",
        metavar="HOW",
        words=("instant", "recorded"),
        pattern=r"[0-9]+(\.[0-9]+)?",
        form="a factor",
        cli=True,
        marker=True,
        help="how fast replay delivers a body; a factor of 2 takes twice the recorded time",
    ),
    Option(
        name="repeats",
        words=("refuse", "last", "cycle"),
        marker=True,
        help="what to do with a request whose recordings have all been played",
    ),
    Option(
        name="expire",
        metavar="AGE",
        words=("off",),
        pattern=r"[1-9][0-9]*d(:fail)?",
        form="90d | 90d:fail",
        cli=True,
        help="the age from which a recording is pointed out, or fails its test",
    ),
    Option(
        name="dir",
        metavar="PATH",
        kind="text",
        words=("cassettes",),
        cli=True,
        help="where cassettes are stored, relative to the ini file, or to the root directory without one",
    ),
    Option(
        name="provider",
        metavar="NAME",
        kind="text",
        cli=True,
        marker=True,
        help="the provider of calls whose URL does not tell: anthropic, shinzo, shuyou, compatible, a declared one",
    ),
    Option(name="providers", kind="text", help="a TOML file that declares gateways"),
    Option(name="match_on", kind="list", marker=True, functions=True, help="what two requests must have in common"),
    Option(
        name="ignore",
        kind="list",
        marker=True,
        help="what is not compared: JSONPath, or `pattern -> placeholder`",
    ),
    Option(name="scrub", kind="list", marker=True, help="what else must not be stored"),
    Option(name="hosts", kind="list", help="other hosts whose calls are recorded and replayed"),
    Option(name="rules", kind="list", marker=True, help="rules to turn on, or off with `-name`"),
    Option(name="allow", kind="list", help="findings of the gate that are not secrets: `kind@place`"),
)
"""Every choice there is. The command line, the ini file, the marker and the README's table are made from it."""

OPTION: Mapping[str, Option] = {option.name: option for option in OPTIONS}


class _Unchosen(str):
    """A default. It stays one through `dataclasses.replace`, which hands every field to the new value."""

    __slots__ = ()


class _NoneChosen(tuple[Any, ...]):
    """The empty list that is the default."""

    __slots__ = ()


_NONE_CHOSEN = _NoneChosen()


def _is_unchosen(value: object) -> bool:
    return value is None or isinstance(value, (_Unchosen, _NoneChosen))


NAMED = frozenset({"provider", "providers", *(option.name for option in OPTIONS if option.kind == "list")})
"""The settings whose values are names, patterns or files: only who knows these can say what is wrong with one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every choice, parsed. Make one with keyword arguments, or change one with `with_values`."""

    record: str = _Unchosen(RecordMode.ONCE)
    conformance: str = _Unchosen("fail")
    unplayed: str = _Unchosen("fail")
    empty: str = _Unchosen("fail")
    orphans: str = _Unchosen("ignore")
    unmarked: str = _Unchosen("allow")
    chunking: str = _Unchosen("event")
    pace: str = _Unchosen("instant")
    repeats: str = _Unchosen("refuse")
    expire: str = _Unchosen("off")
    dir: str = _Unchosen("cassettes")
    provider: str | None = None
    providers: str | None = None
    match_on: tuple[str | Callable[..., Any], ...] = _NONE_CHOSEN
    ignore: tuple[str, ...] = _NONE_CHOSEN
    scrub: tuple[str, ...] = _NONE_CHOSEN
    hosts: tuple[str, ...] = _NONE_CHOSEN
    rules: tuple[str, ...] = _NONE_CHOSEN
    allow: tuple[str, ...] = _NONE_CHOSEN

    def __post_init__(self) -> None:
        """Refuse values that mean nothing where they are given, not where they are used."""
        for name, option in OPTION.items():
            value = getattr(self, name)
            if not _is_unchosen(value):
                object.__setattr__(self, name, option.parse(value, origin="Settings"))

    @property
    def given_values(self) -> dict[str, object]:
        """The choices that were made, by name: a default that nobody chose overrides nothing."""
        values = {name: getattr(self, name) for name in OPTION}
        return {name: value for name, value in values.items() if not _is_unchosen(value)}

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
                raise SettingsError(f"{origin}: there is no setting {name!r}; {nearest(name, OPTION)}")
            parsed = option.parse(value, origin=origin)
            changes[name] = (*getattr(self, name), *parsed) if option.kind == "list" else parsed
        return type(self)(**{**self.given_values, **changes})


def nearest(name: str, names: Iterable[str]) -> str:
    """Say which of ``names`` could have been meant, else which there are."""
    known = list(names)
    return _meant(name, known).removeprefix("; ") or f"there are {', '.join(known)}"


def _meant(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    near = get_close_matches(name, list(names), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def combine(builtin: Iterable[str], entries: Iterable[str]) -> tuple[str, ...]:
    """Return the built-in list with ``entries`` applied in order: a name adds, ``-name`` takes one out."""
    combined = dict.fromkeys(builtin)
    for entry in entries:
        if entry.startswith("-"):
            combined.pop(entry[1:], None)
        else:
            combined[entry] = None
    return tuple(combined)
