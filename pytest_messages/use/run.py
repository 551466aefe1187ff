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
from pytest_messages.cassette import part
from pytest_messages.errors import CassetteError, MessagesError
from pytest_messages.session.modes import State
from pytest_messages.session.tally import Tally
from pytest_messages.session.verdict import Weight, failing, warnings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_messages.cassette.document import Interaction
    from pytest_messages.session.session import Session
    from pytest_messages.session.verdict import Problem


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


@dataclass(slots=True)
class Attempt:
    """What a test has left of one cassette, in this attempt and in those before it: a rerun replaces these."""

    recorded: list[Interaction] = field(default_factory=list)
    earlier: list[Interaction] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    aside: list[Path] = field(default_factory=list)


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
        self.pending: list[Problem] = []
        """What the next report must name: it has no session to ask."""
        self.late: list[Session] = []
        """Closed sessions that were called once more."""
        self.strays: list[Session] = []
        """Closed sessions that threads have called which no running test has started."""
        self.lingering: frozenset[threading.Thread] = frozenset()
        """The threads that were there before the test that runs now."""
        self.test: str | None = None
        self.interrupted = False
        """Whether the run was broken off: then no block has passed because it has ended."""
        self._noted_leftovers: set[str] = set()
        self._attempts: dict[tuple[str, str | None], Attempt] = {}

    def shown(self, path: Path | str) -> str:
        """Return the name of a file as the user reads it."""
        place = Path(path)
        return (place.relative_to(self.home) if place.is_relative_to(self.home) else place).as_posix()

    def note_leftovers(self, cassette: Path) -> None:
        """Say once what processes that were killed, or tests that failed, left beside ``cassette``."""
        if str(cassette) in self._noted_leftovers:
            return
        self._noted_leftovers.add(str(cassette))
        for left in part.leftovers(cassette):
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
                path: [use.total, sorted(use.played), sorted(use.recorders), str(use.policy)]
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

    # What sessions have to say

    def hear(self, session: Session) -> list[MessagesError]:
        """Take what ``session`` has to say: note down what is for the summary, and return what makes a test fail."""
        problems = session.verdict.take()
        self._note(problems, session.test)
        return [self.located(error, session.test) for error in failing(problems)]

    def hear_later(self, session: Session) -> None:
        """As `hear`, where no report is at hand: the next one tells it, but what the test meant until then."""
        problems = session.verdict.take()
        self._note(problems, session.test)
        self.pending += [each for each in problems if each.weight is Weight.FAIL]
        for error in failing(problems):
            self.located(error, session.test)

    def called_late(self, session: Session) -> None:
        """Know that ``session`` was called when it was closed: by the test that runs now, or by what others left."""
        (self.strays if threading.current_thread() in self.lingering else self.late).append(session)

    def take_strays(self) -> list[MessagesError]:
        """Return what no test is to blame for that runs now."""
        strays, self.strays = self.strays, []
        return [error for session in strays for error in self.hear(session)]

    def take_pending(self) -> list[MessagesError]:
        """Return what the next report must name; not what a late call was refused where its caller meant that."""
        pending, self.pending = self.pending, []
        late, self.late = self.late, []
        return [*failing(pending), *(error for session in late for error in self.hear(session))]

    def _note(self, problems: Sequence[Problem], test: str | None) -> None:
        notes = [each.what for each in problems if each.weight is Weight.NOTE]
        self.notes += [Note(what) for what in notes if isinstance(what, str)]
        if passed_by := [what for what in notes if isinstance(what, MessagesError)]:
            self.notes.append(Note(report.passed_by(passed_by, test)))
        self.notes += [Note(report.warned(error, test)) for error in warnings(problems)]

    def located(self, error: MessagesError, test: str | None) -> MessagesError:
        """Let an error name the cassette as the user does, and the test that records it again."""
        if isinstance(error, CassetteError):
            error.seen_from(self.shown(error.path), error.test or test)
        return error

    # Attempts

    def attempt(self, path: Path, test: str | None) -> Attempt:
        """Return what ``test`` has left of ``path`` in this run."""
        return self._attempts.setdefault((str(path), test), Attempt())

    def end_attempt(self, test: str) -> None:
        """Know that what ``test`` records from now on is another attempt."""
        for (_, whose), attempt in self._attempts.items():
            if whose == test:
                attempt.earlier += attempt.recorded
                attempt.recorded.clear()

    def passed_after_all(self, path: Path, test: str | None) -> None:
        """Take back what was noted of earlier attempts of ``test``, and remove what they had put aside."""
        attempt = self.attempt(path, test)
        self.notes = [note for note in self.notes if note not in attempt.notes]
        for aside in attempt.aside:
            aside.unlink(missing_ok=True)
        attempt.notes.clear()
        attempt.aside.clear()
