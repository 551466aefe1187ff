"""One test run's cassettes: which this run began, who used what, what is left.

Under xdist each worker has a run of its own. What must be asked once per run is written down in a folder that all of
them share; what is counted is sent to the controller when a worker ends, and added up there.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from pytest_messages import report
from pytest_messages.cassette import store
from pytest_messages.cassette.document import Cassette
from pytest_messages.cassette.store import Draft
from pytest_messages.session.modes import State
from pytest_messages.session.tally import Tally
from pytest_messages.settings import RecordMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_messages.cassette.document import Interaction, ScrubbedInteraction
    from pytest_messages.errors import MessagesError
    from pytest_messages.session.session import Session


@dataclass(slots=True)
class First:
    """What stood at a path when the run first asked.

    ``known`` is how many interactions there were: those of this run come after them. ``rewritten`` says that a passing
    test has already dropped them, as record mode ``rewrite`` does once per run.
    """

    state: State
    known: int = 0
    rewritten: bool = False

    def plain(self) -> str:
        """Write it down."""
        return json.dumps([self.state, self.known, self.rewritten])

    @classmethod
    def from_plain(cls, text: str) -> First:
        """Read what `plain` wrote."""
        state, known, rewritten = json.loads(text)
        return cls(State(state), known, rewritten)


class _Folder(MutableMapping[str, str]):
    """A mapping in a folder, for the processes of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, key: str) -> Path:
        return self._folder / sha256(key.encode()).hexdigest()

    def __getitem__(self, key: str) -> str:
        try:
            return self._file(key).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, value: str) -> None:
        self._file(key).write_text(value, encoding="utf-8")

    def __delitem__(self, key: str) -> None:
        self._file(key).unlink()

    def __iter__(self) -> Iterator[str]:
        return (file.name for file in self._folder.iterdir())

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Ledger:
    """What the run found at each path when it first asked, in this process or in all that share ``folder``."""

    def __init__(self, folder: Path | None = None) -> None:
        self._entries: MutableMapping[str, str] = _Folder(folder) if folder else {}
        self._lock: AbstractContextManager[Any] = FileLock(folder.with_suffix(".lock")) if folder else threading.RLock()

    def first(self, path: str, look: Callable[[], First]) -> First:
        """Return what was found at ``path`` first; ``look`` is asked once per run."""
        with self._lock:
            if path not in self._entries:
                self._entries[path] = look().plain()
            return First.from_plain(self._entries[path])

    @contextmanager
    def changing(self, path: str) -> Iterator[First]:
        """Change what is written down about ``path``, while no other process does."""
        with self._lock:
            first = First.from_plain(self._entries[path])
            yield first
            self._entries[path] = first.plain()


@dataclass(slots=True)
class Shared:
    """A cassette that several tests name: what was played of it by anyone, judged when all are done."""

    total: int = 0
    played: set[int] = field(default_factory=set)
    recorders: set[str] = field(default_factory=set)
    policy: str = "fail"


@dataclass(slots=True)
class Note:
    """A line for the summary; ``fails`` makes the run fail with it."""

    text: str
    fails: bool = False


class Run:
    """The run of this process.

    ``order`` gives a test's place in the collection, which every worker knows; ``folder`` is shared by the workers;
    ``home`` is where the user stands: files below it are named from there.
    """

    def __init__(
        self, *, folder: Path | None = None, order: Callable[[str], int] = lambda _: 0, home: Path | None = None
    ) -> None:
        self.ledger = Ledger(folder)
        self.order = order
        self.home = home or Path.cwd()
        self.tally = Tally()
        self.used: set[str] = set()
        self.shared: dict[str, Shared] = {}
        self.passed: set[str] = set()
        self.notes: list[Note] = []
        self.pending: list[MessagesError] = []
        self.late: list[Session] = []
        """Closed sessions that were called once more."""
        self.test: str | None = None
        self.interrupted = False
        """Whether the run was broken off: then no block has passed because it has ended."""
        self._noted_leftovers: set[str] = set()
        self._attempts: dict[tuple[str, str], list[Interaction]] = {}

    def shown(self, path: Path | str) -> str:
        """Return the name of a file as the user reads it."""
        place = Path(path)
        return (place.relative_to(self.home) if place.is_relative_to(self.home) else place).as_posix()

    def note_leftovers(self, cassette: Path) -> None:
        """Say once what processes that were killed, or tests that failed, left beside ``cassette``."""
        if str(cassette) in self._noted_leftovers:
            return
        self._noted_leftovers.add(str(cassette))
        for left in store.leftovers(cassette):
            count, tests = len(left.cassette.interactions), left.cassette.incomplete
            self.notes.append(Note(report.left_behind(self.shown(left.path), count, tests)))

    # What a worker sends, and the controller adds up

    def plain(self) -> dict[str, Any]:
        """Return what was counted, as plain data."""
        return {
            "tally": asdict(self.tally),
            "used": sorted(self.used),
            "passed": sorted(self.passed),
            "notes": [asdict(note) for note in self.notes],
            "shared": {
                path: [use.total, sorted(use.played), sorted(use.recorders), use.policy]
                for path, use in self.shared.items()
            },
        }

    def add(self, plain: Mapping[str, Any]) -> None:
        """Add what another process counted."""
        self.tally += Tally(**plain["tally"])
        self.used.update(plain["used"])
        self.passed.update(plain["passed"])
        self.notes += [Note(**note) for note in plain["notes"]]
        for path, (total, played, recorders, policy) in plain["shared"].items():
            self.share(path, total=total, played=played, recorders=recorders, policy=policy)

    def share(
        self, path: str, *, total: int, played: Iterable[int], recorders: Iterable[str], policy: str = "fail"
    ) -> None:
        """Take note of what one user of a shared cassette played."""
        use = self.shared.setdefault(path, Shared(policy=policy))
        use.total = max(use.total, total)
        use.played.update(played)
        use.recorders.update(recorders)

    def unplayed(self) -> Iterator[tuple[str, tuple[int, ...], Shared]]:
        """Yield the shared cassettes of which nobody asked for some interactions: path, positions from one, use."""
        for path, use in sorted(self.shared.items()):
            positions = tuple(n + 1 for n in range(use.total) if n not in use.played)
            if positions:
                yield path, positions, use

    def take_pending(self) -> list[MessagesError]:
        """Return what the next report must name; not what a late call was refused where its caller meant that."""
        pending, self.pending = self.pending, []
        late, self.late = self.late, []
        return [*pending, *(error for session in late for error in session.take_refusals())]

    # Attempts

    def earlier_attempts(self, path: str, test: str | None) -> list[Interaction]:
        """Return what earlier attempts of ``test`` in this run recorded into ``path``: a rerun replaces it."""
        return self._attempts.get((path, test or ""), [])

    def remember_attempt(self, path: str, test: str | None, recorded: Sequence[Interaction]) -> None:
        """Remember what this attempt recorded."""
        self._attempts[path, test or ""] = list(recorded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What one session recorded, and all that says where it belongs in the cassette."""

    interactions: tuple[ScrubbedInteraction, ...]
    test: str | None
    finished: bool
    """Whether the test passed, so that nothing more is to come from it."""
    superseded: Callable[[Interaction], bool]
    """Which older interactions this take replaces."""


def merged(current: Draft, take: Take, *, known: int, order: Callable[[str], int]) -> tuple[Draft, int]:
    """Lay ``take`` into what is on disk now; return the cassette and how many of the ``known`` ones are left.

    Interactions that were there before this run keep their places. Those of this run follow in the order of the tests'
    collection, so that the file does not depend on which worker came first.
    """
    old = [interaction for interaction in current.interactions[:known] if not take.superseded(interaction)]
    new = [interaction for interaction in current.interactions[known:] if not take.superseded(interaction)]
    fresh = sorted([*new, *take.interactions], key=lambda interaction: order(interaction.recording.test or ""))
    waiting = [test for test in current.incomplete if test != take.test]
    if not take.finished and take.test is not None:
        waiting = sorted([*waiting, take.test])
    return Draft(interactions=(*old, *fresh), incomplete=tuple(waiting), salt=current.salt), len(old)


def worth_keeping(interactions: Sequence[ScrubbedInteraction]) -> tuple[ScrubbedInteraction, ...]:
    """Return what a failed test paid for: everything up to its last success.

    A wrong key or a dead network must not become a recording.
    """
    last = max((n for n, each in enumerate(interactions) if 200 <= each.response.status < 300), default=-1)  # noqa: PLR2004
    return tuple(interactions[: last + 1])


def replayable(cassette: Cassette, first: First, mode: RecordMode) -> Cassette:
    """Return the part of ``cassette`` that replay may answer from: nothing that this run recorded."""
    if first.state is State.MISSING or mode in {RecordMode.REWRITE, RecordMode.LIVE}:
        return Cassette(salt=cassette.salt, own=cassette.own)
    interactions = cassette.interactions[: first.known]
    return Cassette(interactions=interactions, incomplete=cassette.incomplete, salt=cassette.salt, own=cassette.own)
