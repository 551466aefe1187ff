"""Judge and audit cassettes at rest: what `check`, `audit` and `import` do, without a terminal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages import judge, providers
from pytest_messages.cassette import store
from pytest_messages.errors import CassetteError, CassetteFormatError, SettingsError
from pytest_messages.findings import Leak, Level, Violation
from pytest_messages.scrubbing import Scrubber, find_hints, new_salt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pytest_messages.cassette.document import Interaction
    from pytest_messages.providers import Provider
    from pytest_messages.scrubbing import Gate

UNREADABLE = "cassette.format"
"""The rule that a file breaks which is no cassette."""


@dataclass(frozen=True, slots=True)
class CheckFound:
    """One finding of the judge in a cassette; ``interaction`` counts from one, None where the file itself is meant."""

    cassette: str
    interaction: int | None
    violation: Violation


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at in one file."""

    path: Path
    interactions: int
    found: tuple[CheckFound, ...]


def files(paths: Iterable[str]) -> list[Path]:
    """Return the cassette files that ``paths`` name or hold; raises `SettingsError` for a path that is not there."""
    named: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            named += store.cassettes(path)
        elif path.is_file():
            named.append(path)
        else:
            raise SettingsError(f"there is no file or folder {path}")
    return list(dict.fromkeys(named))


def nothing_to(act: str, named: Sequence[str]) -> str:
    """Say that there is nothing to ``act`` on, and what was found in its place."""
    if not named:
        return f"there is no cassette to {act}: name a file, or a folder that holds some"
    others = sorted(path for name in named for path in Path(name).rglob("*") if path.is_file())
    looked = f"looked for .yaml and .yml files below {', '.join(named)}"
    if not others:
        return f"there is no cassette to {act}: {looked}, where there are no files at all"
    shown = ", ".join(map(str, others[:_SHOWN])) + (", …" if len(others) > _SHOWN else "")
    return f"there is no cassette to {act}: {looked}, and found only {shown}; a file that is named is read anyway"


_SHOWN = 3


def check_files(
    paths: Sequence[Path],
    *,
    provider: str | None = None,
    declared: Mapping[str, Provider] | None = None,
    rules: Sequence[str] = (),
) -> Iterator[Checked]:
    """Judge every interaction of every file, in order.

    ``provider`` is whose API a call speaks whatever its URL says; without it the URL tells, or what was noted down when
    the call was recorded. A file that cannot be read is a finding of its own: it loses the others nothing.
    """
    known = {**providers.PROVIDERS, **(declared or {})}
    chosen = providers.provider_named(provider, declared=declared or {}) if provider else None

    @cache
    def of(url: str, noted: str | None) -> Provider:
        return chosen or providers.provider_of(url, declared=declared or {}, default=known.get(noted or ""))

    for path in paths:
        yield _judged(path, of, rules)


def _judged(path: Path, provider_of: Callable[[str, str | None], Provider], rules: Sequence[str]) -> Checked:
    found: list[CheckFound] = []
    earlier: list[Interaction] = []
    count = 0
    try:
        for count, interaction in enumerate(store.read(path).interactions, 1):
            spoken = provider_of(interaction.request.url, interaction.recording.provider)
            judged = judge.check(interaction, spoken, rules=rules, earlier=earlier)
            found += (CheckFound(str(path), count, each) for each in judged)
            earlier.append(interaction)
    except CassetteError as error:
        found.append(CheckFound(str(path), None, _unreadable(error)))
    return Checked(path, count, tuple(found))


def _unreadable(error: CassetteError) -> Violation:
    where = f"line {error.line}, column {error.column}" if isinstance(error, CassetteFormatError) and error.line else ""
    return Violation(where, UNREADABLE, Level.VIOLATION, str(error), "")


@dataclass(frozen=True, slots=True)
class Audited:
    """What the gate found in one file: leaks, what was allowed, and personal data that is only pointed out."""

    path: Path
    leaks: tuple[Leak, ...]
    allowed: tuple[Leak, ...]
    hints: tuple[Leak, ...]


def audit(paths: Sequence[Path], *, secrets: frozenset[str], allow: Sequence[str] = ()) -> Iterator[Audited]:
    """Let the gate look at every file as it stands, whoever wrote it."""
    gate = Scrubber(salt="", secrets=secrets).gate(allow=allow)
    for path in paths:
        yield _audited(path, gate)


def _audited(path: Path, gate: Gate) -> Audited:
    try:
        # Before the gate parses it: a hostile file is refused here, with its line.
        store.read(path)
    except CassetteError as error:
        return Audited(path, (Leak(str(error), UNREADABLE),), (), ())
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    result = gate.check(text)
    return Audited(path, result.leaks, result.allowed, find_hints(text))


def rewrite(path: Path, *, secrets: frozenset[str], rules: Sequence[str] = (), allow: Sequence[str] = ()) -> bool:
    """Scrub a cassette of any tool and write it in our own form; tell whether the file is another now.

    Raises `CassetteError` where it cannot be read or written, `SecretLeakError` where something remains.
    """
    salt = store.read(path).salt or new_salt(path.stem)
    scrubber = Scrubber(salt=salt, rules=rules, secrets=secrets)
    for interaction in store.read(path).interactions:
        scrubber.learn(interaction.request)

    def change(current: store.Draft | None) -> store.Draft | None:
        return replace(current, salt=salt) if current else None

    return store.commit(path, change, gate=scrubber.gate(allow=allow), scrub=scrubber.interaction)
