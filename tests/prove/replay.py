"""Replay is what was live: recorded answers, served byte for byte, recorded, and replayed with the server gone.

Run as ``python -m tests.prove.replay``; the tests run a seeded sample.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pytest_messages import sandbox, use_cassette
from pytest_messages.api import sse
from pytest_messages.cassette.document import Interaction
from pytest_messages.errors import MessagesError
from pytest_messages.findings import Level
from pytest_messages.wire import Ended

from .asking import Question, Seen, ask, ask_async, question_of
from .exchanges import CORPUS, FILES, Exchange, is_recorded, own, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_messages.session.session import Session

    Asking = Callable[[str, Sequence[Question]], list[Seen]]

BATCH = 40
"""How many answers share a cassette."""

SEED = 20261121
CLOUDS = ("bedrock", "vertex")
REPLAYS: tuple[tuple[str, Asking], ...] = (("event", ask), ("event", ask_async))
CHUNKED: tuple[tuple[str, Asking], ...] = (("split", ask), ("bytes:7", ask_async))
ENDINGS = ("dropped", "timeout", "closed", "cut")
"""How a stream may end before its time: the connection breaks, the server stalls, the client closes, the body stops."""

_PATIENCE = 1.0
_PLACEHOLDER = re.compile(r"<[a-z][a-z0-9-]*>|[a-z]+_placeholder[0-9a-f]{10}")


@dataclass(frozen=True, slots=True)
class Record:
    """An exchange of somebody's recorded traffic, what is asked for it, and how the server is to send it."""

    exchange: Exchange
    repository: str
    kind: str
    interaction: Interaction
    question: Question

    @property
    def name(self) -> str:
        return self.exchange.name

    @property
    def key(self) -> str:
        """What the sandbox finds an answer by: two with the same key cannot be told apart in one batch."""
        path = self.question.path.partition("?")[0]
        return json.dumps([self.question.method, path, self.exchange.request], sort_keys=True)

    @property
    def block_types(self) -> set[str]:
        """The types of the content blocks of the answer."""
        if self.interaction.response.is_stream:
            data = [_json(event.data) for event in sse.decode(self.interaction.response.body)]
            blocks = [each["content_block"] for each in data if isinstance(each, dict) and "content_block" in each]
        else:
            body = self.exchange.body
            blocks = body.get("content") or [] if isinstance(body, dict) else []
        return {str(block["type"]) for block in blocks} or {"(none)"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that an application saw otherwise than it was, or that must not have happened."""

    name: str
    stage: str
    what: str


@dataclass(slots=True)
class Proof:
    """What was compared, and all differences."""

    rows: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    endings: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    ways: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def count(self, record: Record, what: str) -> None:
        """Count for every row of the tables that a record belongs to."""
        self.rows["all", ""][what] += 1
        self.rows["repository", record.repository][what] += 1
        self.rows["kind", record.kind][what] += 1
        for name in record.block_types:
            self.rows["block type", name][what] += 1

    def differ(self, name: str, stage: str, what: str) -> None:
        self.differences.append(Difference(name, stage, what))


# What is asked


def our_records() -> list[Record]:
    """Return the exchanges of the project itself."""
    return [_record(exchange, n, "(our own)") for n, exchange in enumerate(own().values())]


def corpus_records() -> tuple[list[Record], Counter[str]]:
    """Return the recorded traffic beside the checkout, and how much of it is not asked for, by reason."""
    records: list[Record] = []
    skipped: Counter[str] = Counter()
    lines = (CORPUS / FILES[0]).read_text(encoding="utf-8").splitlines()
    for n, (exchange, line) in enumerate(zip(recorded(FILES[0]), lines, strict=True)):
        about = json.loads(line)
        if about["gateway"] in CLOUDS:
            skipped[f"{about['gateway']}, which is no Messages call yet"] += 1
        else:
            records.append(_record(exchange, n, about["repo"]))
    return records, skipped


def _record(exchange: Exchange, number: int, repository: str) -> Record:
    made = replace(exchange, answered_with=_typed(exchange), raw=_wire(exchange, number))
    question = question_of(exchange, typed=number % 2 == 0)
    return Record(made, repository, _kind(exchange), made.interaction, question)


def _kind(exchange: Exchange) -> str:
    return "error" if exchange.status >= 400 else exchange.kind


def _typed(exchange: Exchange) -> tuple[tuple[str, str], ...]:
    """Return the recorded headers, with the type that some recorders kept no note of."""
    headers = exchange.answered_with or ()
    if any(name == "content-type" for name, _ in headers):
        return headers
    kind = "text/event-stream; charset=utf-8" if exchange.events is not None else "application/json"
    return (*headers, ("content-type", kind))


def _wire(exchange: Exchange, number: int) -> bytes:
    """Return the answer's bytes. How JSON was spaced is not known any more: all usual forms take turns."""
    if exchange.events is not None:
        return exchange.wire
    dumps: list[dict[str, Any]] = [
        {"separators": (",", ":"), "ensure_ascii": False},
        {"ensure_ascii": False},
        {"separators": (",", ":")},
        {"indent": 2, "ensure_ascii": False},
    ]
    return json.dumps(exchange.body, **dumps[number % len(dumps)]).encode(errors="surrogatepass")


def batches(records: Iterable[Record]) -> list[list[Record]]:
    """Put records into cassettes: one provider each, and no request twice, so that any order is the right one."""
    found: list[list[Record]] = []
    keys: list[set[str]] = []
    for record in records:
        for n in count():
            if n == len(found):
                found.append([])
                keys.append(set())
            fits = len(found[n]) < BATCH and record.key not in keys[n]
            if fits and (not found[n] or found[n][0].exchange.provider == record.exchange.provider):
                found[n].append(record)
                keys[n].add(record.key)
                break
    return found


# What is compared


class Batch:
    """Some records, asked live, while recording, and from the cassette with the server gone."""

    def __init__(self, records: Sequence[Record], tape: Path, proof: Proof, **settings: str) -> None:
        self.records = records
        self.tape = tape
        self.proof = proof
        self.settings = {"provider": records[0].exchange.provider, "conformance": "fail", **settings}
        self.url = ""
        self.altered = 0

    def prove(self, live: Asking, recording: Asking, replays: Sequence[tuple[str, Asking]]) -> dict[str, list[Seen]]:
        """Ask at every stage; return what was seen, by stage."""
        seen = {"live": self._served(live)}
        with sandbox.serve(recordings=self._interactions) as server:
            self.url = server.url
            seen["recorded"] = self.asked_with_cassette(recording, "recorded", record="rewrite")
        for chunking, asking in replays:
            stage = f"{asking.__name__} {chunking}"
            seen[stage] = self.asked_with_cassette(asking, stage, record="none", chunking=chunking)
        return seen

    @property
    def _interactions(self) -> list[Interaction]:
        return [record.interaction for record in self.records]

    @property
    def _questions(self) -> list[Question]:
        return [record.question for record in self.records]

    def _served(self, asking: Asking) -> list[Seen]:
        with sandbox.serve(recordings=self._interactions) as server:
            return asking(server.url, self._questions)

    def asked_with_cassette(self, asking: Asking, stage: str, **settings: str) -> list[Seen]:
        session: Session | None = None
        seen: list[Seen] = []
        try:
            with use_cassette(self.tape, **{**self.settings, **settings}) as session:
                seen = asking(self.url, self._questions)
        except MessagesError as error:
            names = f"{self.records[0].name} to {self.records[-1].name}"
            self.proof.differ(names, stage, f"{type(error).__name__}: {error}")
        if session is not None:
            self._look_at(session, stage)
        return seen

    def _look_at(self, session: Session, stage: str) -> None:
        self.altered += session.tally.altered
        replays = stage != "recorded"
        if [call.replayed for call in session.calls] != [replays] * len(self.records):
            self.proof.differ(
                self.records[0].name, stage, f"calls that were not {'replayed' if replays else 'recorded'}"
            )
        if self.settings["conformance"] == "fail":
            for finding in session.violations:
                if finding.level is Level.VIOLATION:
                    self.proof.differ(f"{self.records[0].name} and on", stage, f"{finding.rule} at {finding.where}")


def same(live: Seen, other: Seen) -> bool | None:
    """Tell whether two clients saw the same; None where they did but for what a scrub rule replaced."""
    if live == other:
        return True
    if live.status != other.status or len(live.events) != len(other.events):
        return False
    pairs = [
        (live.raw.decode("utf-8", "surrogateescape"), other.raw.decode("utf-8", "surrogateescape")),
        (live.outcome, other.outcome),
        *zip(live.events, other.events, strict=True),
    ]
    return None if all(_masked(plain, scrubbed) for plain, scrubbed in pairs) else False


def _masked(plain: str, scrubbed: str) -> bool:
    """Tell whether ``scrubbed`` is ``plain`` but for the places where it has placeholders."""
    if plain == scrubbed:
        return True
    pattern = ".+?".join(map(re.escape, _PLACEHOLDER.split(scrubbed)))
    return re.fullmatch(pattern, plain, re.DOTALL) is not None


def parted(live: Seen, other: Seen) -> str:
    """Say where two clients' sights part."""
    for name in ("status", "raw", "outcome"):
        one, two = getattr(live, name), getattr(other, name)
        if one != two:
            return f"{name}: {_around(one, two)}"
    for n, (one, two) in enumerate(zip(live.events, other.events, strict=False)):
        if one != two:
            return f"event {n}: {_around(one, two)}"
    return f"{len(live.events)} events, then {len(other.events)}"


def _around(one: Any, two: Any) -> str:
    if isinstance(one, int):
        return f"{one} / {two}"
    at = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    return f"{one[max(0, at - 30) : at + 60]!r} / {two[max(0, at - 30) : at + 60]!r}"


# The proof


def prove(records: Iterable[Record], folder: Path) -> Proof:
    """Ask all of the records for everything; the cassettes are left in ``folder``."""
    proof = Proof()
    for n, some in enumerate(batches(records)):
        _prove_batch(some, folder / f"whole-{n}.yaml", proof, async_first=n % 2 == 1)
    return proof


def _prove_batch(records: Sequence[Record], tape: Path, proof: Proof, *, async_first: bool) -> None:
    batch = Batch(records, tape, proof)
    seen = batch.prove(*((ask_async, ask) if async_first else (ask, ask_async)), REPLAYS)
    streams = [record for record in records if record.interaction.response.is_stream]
    chunked = {}
    if streams:
        part = Batch(streams, tape, proof, conformance="ignore", unplayed="ignore")
        part.url = batch.url
        for chunking, asking in CHUNKED:
            chunked[chunking] = part.asked_with_cassette(asking, chunking, record="none", chunking=chunking)
    altered = sum(compare(record, n, seen, proof) for n, record in enumerate(records))
    for n, record in enumerate(streams):
        first = seen["live"][records.index(record)]
        _compare_stages(record, first, {stage: each[n] for stage, each in chunked.items() if each}, proof)
    if altered != batch.altered:
        proof.differ(tape.name, "replayed", f"{altered} answers read differently, and {batch.altered} were scrubbed")


def compare(record: Record, n: int, seen: dict[str, list[Seen]], proof: Proof) -> bool:
    """Compare every stage with what was live; tell whether the replayed bytes were scrubbed."""
    stages = {stage: each[n] for stage, each in seen.items() if each}
    live = stages.pop("live")
    proof.count(record, "served")
    proof.ways["its own method" if record.question.typed else "post"] += 1
    proof.ways[f"saw {_outcome(live)}"] += 1
    if live.raw == record.interaction.response.body and live.status == record.exchange.status:
        proof.count(record, "live")
    else:
        proof.differ(record.name, "live", f"not what is to be served: {live.status} {live.raw[:90]!r}")
    while_recording = stages.pop("recorded", None)
    if while_recording == live:
        proof.count(record, "recorded")
    elif while_recording is not None:
        proof.differ(record.name, "recorded", parted(live, while_recording))
    if stages and _compare_stages(record, live, stages, proof):
        proof.count(record, "replayed")
    scrubbed = any(each.raw != live.raw for each in stages.values())
    if scrubbed:
        proof.count(record, "scrubbed")
    return scrubbed


def _compare_stages(record: Record, live: Seen, stages: dict[str, Seen], proof: Proof) -> bool:
    alike = True
    for stage, each in stages.items():
        if same(live, each) is False:
            proof.differ(record.name, stage, parted(live, each))
            alike = False
    return alike


def _outcome(seen: Seen) -> str:
    told = _json(seen.outcome)
    return str(told[0]) if isinstance(told, list) else f"a {told.get('type') or 'count'}"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


# Streams that end before their time


def prove_endings(records: Sequence[Record], folder: Path, proof: Proof) -> None:
    """Let streams end in every way before their time, each at a place that a seed chooses."""
    chance = Random(SEED)  # noqa: S311 - reproducible places, no secret
    for ending in ENDINGS:
        for n, some in enumerate(batches(cut(record, ending, chance) for record in records)):
            _prove_ending(some, ending, folder / f"{ending}-{n}.yaml", proof)


def cut(record: Record, ending: str, chance: Random) -> Record:
    """Return a stream that ends before its time."""
    response, question = record.interaction.response, record.question
    if ending == "closed":
        question = replace(question, stop_after=chance.randint(1, max(1, len(sse.event_ends(response.body)) // 2)))
    else:
        ended = {"dropped": Ended.DROPPED, "timeout": Ended.TIMEOUT, "cut": Ended.COMPLETE}[ending]
        response = replace(response, body=response.body[: chance.randint(1, len(response.body) - 2)], ended=ended)
        question = replace(question, timeout=_PATIENCE if ending == "timeout" else question.timeout)
    interaction = Interaction(record.interaction.request, (response, record.interaction.recording))
    return replace(record, interaction=interaction, question=question)


def _prove_ending(records: Sequence[Record], ending: str, tape: Path, proof: Proof) -> None:
    # A body that just stops is no lawful stream, and the judge says so.
    batch = Batch(records, tape, proof, conformance="ignore" if ending == "cut" else "fail")
    recording = ask if ending in {"closed", "dropped"} else ask_async
    seen = batch.prove(ask_async, recording, (*REPLAYS, *CHUNKED))
    for n, record in enumerate(records):
        stages = {stage: each[n] for stage, each in seen.items() if each}
        if ending == "closed":
            # How much had come when the client closed is a matter of time; which events it had seen is not.
            stages = {stage: replace(each, raw=b"") for stage, each in stages.items()}
        live = stages.pop("live")
        proof.endings[ending]["served"] += 1
        proof.endings[ending][f"saw {_end_of(live)}"] += 1
        proof.endings[ending]["same"] += _compare_stages(record, live, stages, proof)


def _end_of(seen: Seen) -> str:
    told = _json(seen.outcome)
    return str(told[0]) if isinstance(told, list) else "a message so far" if told else "what it wanted"


# The tables


def show(proof: Proof) -> None:
    """Print the tables."""
    columns = ("served", "live", "recorded", "replayed", "scrubbed")
    for table in ("repository", "kind", "block type", "all"):
        print(f"{table:36}" + "".join(f"{column:>10}" for column in columns))
        for (kind, name), counts in sorted(proof.rows.items()):
            if kind == table:
                print(f"  {name:34}" + "".join(f"{counts[column]:10}" for column in columns))
    print("\nasked by, and the SDK saw")
    for way, number in sorted(proof.ways.items()):
        print(f"  {way:34}{number:10}")
    print("\nstreams that end before their time")
    for ending, counts in proof.endings.items():
        saw = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()) if name.startswith("saw"))
        print(f"  {ending:34}{counts['served']:10} served {counts['same']:6} the same: {saw}")
    for each in proof.differences[:60]:
        print(f"DIFFERENT  {each.name}  {each.stage}: {each.what}")


def main() -> int:
    """Print the tables; the last line says what was skipped."""
    begun = perf_counter()
    records, skipped = corpus_records() if is_recorded() else ([], Counter({"the recorded traffic, not beside us": 1}))
    records = [*our_records(), *records]
    with tempfile.TemporaryDirectory() as folder:
        proof = prove(records, Path(folder))
        streams = [record for record in records if record.kind == "sse"]
        prove_endings(streams[::4], Path(folder), proof)
    show(proof)
    seconds = perf_counter() - begun
    print(f"{proof.rows['all', '']['served']} served, {len(proof.differences)} differences, {seconds:.0f} s")
    print("skipped: " + (", ".join(f"{number} of {reason}" for reason, number in skipped.items()) or "nothing"))
    return 1 if proof.differences else 0


if __name__ == "__main__":
    sys.exit(main())
