"""A session around a block: `use_cassette`, in tests, fixtures and scripts."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages import report
from pytest_messages.cassette import naming
from pytest_messages.errors import Refused, SettingsError
from pytest_messages.settings import Settings
from pytest_messages.use import options
from pytest_messages.use.checking import check
from pytest_messages.use.decorator import CassetteBlock
from pytest_messages.use.expecting import noticing_raises
from pytest_messages.use.opening import opened
from pytest_messages.use.plan import Plan
from pytest_messages.use.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_messages.errors import MessagesError
    from pytest_messages.session.session import Session
    from pytest_messages.use.conclusion import Use


@dataclass(frozen=True, slots=True)
class Inside:
    """The test run around a block: ``settings`` resolves what a marker with the block's keywords would mean."""

    run: Run
    settings: Callable[[Mapping[str, object]], Settings]


RUNS: list[Inside] = []
"""The test runs that are active in this process, innermost last: pytest inside pytest has two."""


def use_cassette(path: str | os.PathLike[str], **settings: object) -> CassetteBlock:
    """Record, replay and judge the Messages calls of a block; yields the `Session`. Also a decorator of functions.

    ``path`` is absolute, or relative to the cassette directory in a test run and to the working directory in a script.
    ``settings`` are those of the mark, and rank as the nearest one. In a test, what goes wrong fails the test; in a
    script it is raised at the end of the block: `ConformanceError`, `UnplayedError`, `SecretLeakError`. Where the block
    ends by an exception of its own, that one goes on and what went wrong stands in its notes.
    As a decorator it opens a session of its own for each call of a function, coroutine function or generator.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise SettingsError(f'use_cassette needs a path, as in @use_cassette("name.yaml"), and got {path!r}')
    # Whose files and gateways are meant is known when the block is entered: what is wrong by itself is told here.
    alone = {name: value for name, value in settings.items() if name != "providers"}
    check(Settings().with_values(alone, origin="use_cassette"), whole=False)
    return CassetteBlock(partial(_block, path, settings))


@contextmanager
def _block(path: str | os.PathLike[str], settings: dict[str, object]) -> Iterator[Session]:
    if options.STARTERS:
        options.STARTERS[-1]()
    inside = RUNS[-1] if RUNS else None
    if inside is not None:
        run, resolved = inside.run, inside.settings(settings)
    else:
        run, resolved = Run(), options.resolve(options.Layers(markers=[settings], environ=os.environ))
    base = Path.cwd() if inside is None else Path(resolved.dir)
    plan = _plan(Path(path), base, resolved, run.test)
    with noticing_raises(), opened(plan, run) as use:
        try:
            yield use.session
        except BaseException as error:
            use.passed, use.ended_with = False, type(error).__name__
            _conclude(use, inside, error)
            raise
        use.passed = use.passed and not run.interrupted
        _conclude(use, inside, None)


def _conclude(use: Use, inside: Inside | None, ended_with: BaseException | None) -> None:
    """Tell what went wrong: in the next report of a test run, else on the exception, else as one."""
    if inside is not None:
        use.conclude_later()
        return
    said = ended_with.error if isinstance(ended_with, Refused) else None
    problems = [error for error in use.conclude() if error is not said]
    if ended_with is not None:
        _attach(ended_with, problems)
    elif problems:
        _attach(problems[0], problems[1:])
        raise problems[0]


def _attach(error: BaseException, problems: Sequence[MessagesError]) -> None:
    for problem in problems:
        error.add_note(report.explain(problem))


def _plan(path: Path, base: Path, settings: Settings, test: str | None) -> Plan:
    if path.is_absolute():
        return Plan(path=path, name=path.stem, settings=settings, test=test)
    located = naming.named_cassette(base, path.as_posix())
    return Plan(path=located, name=located.relative_to(base).as_posix(), settings=settings, test=test)
