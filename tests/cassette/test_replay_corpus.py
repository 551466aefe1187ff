"""A seeded sample of the proof that replay is what was live; `python -m tests.prove.replay` asks everything."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("anthropic", minversion="2", reason="the proof is spoken by the official SDK, version 2")

from prove import __main__ as whole
from prove import replay
from prove.asking import Seen, ask
from prove.exchanges import is_recorded

from pytest_messages.api.sse import event_ends
from pytest_messages.wire import Ended

SAMPLE = 30
STREAMS = 4
OURS = replay.our_records()
OUR_STREAMS = [record for record in OURS if record.interaction.response.is_stream]


@pytest.fixture(scope="module")
def records() -> list[replay.Record]:
    if not is_recorded():
        pytest.skip("the recorded traffic is not beside this checkout")
    found, _ = replay.corpus_records()
    return found


def test_our_own_exchanges_are_replayed_as_they_were_live(tmp_path: Path) -> None:
    proof = replay.prove(OURS, tmp_path)
    assert proof.differences == []
    counts = proof.rows["all", ""]
    assert [counts[stage] for stage in ("served", "live", "recorded", "replayed")] == [len(OURS)] * 4


def test_our_own_streams_end_before_their_time_on_replay_as_they_did_live(tmp_path: Path) -> None:
    proof = replay.Proof()
    replay.prove_endings(OUR_STREAMS[:3], tmp_path, proof)
    assert proof.differences == []
    assert {ending: counts["same"] for ending, counts in proof.endings.items()} == dict.fromkeys(replay.ENDINGS, 3)
    assert proof.endings["dropped"]["saw RemoteProtocolError"] == 3
    assert proof.endings["timeout"]["saw ReadTimeout"] == 3
    assert proof.endings["closed"]["saw what it wanted"] > 0


def test_a_sample_of_recorded_traffic_is_replayed_as_it_was_live(tmp_path: Path, records: list[replay.Record]) -> None:
    chance = Random(3)  # noqa: S311 - a seeded sample
    kinds = {record.kind for record in records}
    rare = [next(record for record in records if record.kind == kind) for kind in sorted(kinds)]
    proof = replay.prove([*rare, *chance.sample(records, SAMPLE)], tmp_path)
    assert proof.differences == []
    assert {name for table, name in proof.rows if table == "kind"} == kinds
    assert proof.rows["all", ""]["replayed"] == SAMPLE + len(rare)


def test_recorded_streams_end_before_their_time_on_replay_as_they_did_live(
    tmp_path: Path, records: list[replay.Record]
) -> None:
    streams = [record for record in records if record.kind == "sse"]
    proof = replay.Proof()
    replay.prove_endings(Random(4).sample(streams, STREAMS), tmp_path, proof)  # noqa: S311 - a seeded sample
    assert proof.differences == []
    assert [counts["same"] for counts in proof.endings.values()] == [STREAMS] * len(replay.ENDINGS)


# The proof itself


def test_a_server_that_says_something_else_on_replay_would_be_noticed(tmp_path: Path) -> None:
    record = OUR_STREAMS[0]
    folder = tmp_path / "tampered"
    proof = replay.Proof()
    batch = replay.Batch([record], folder / "tape.yaml", proof)
    seen = batch.prove(ask, ask, [])
    told = (folder / "tape.yaml").read_text(encoding="utf-8")
    (folder / "tape.yaml").write_text(re.sub(r'"output_tokens": ?', '"output_tokens":1', told), encoding="utf-8")
    seen["tampered"] = batch.asked_with_cassette(ask, "tampered", record="none")
    replay.compare(record, 0, seen, proof)
    assert [(each.name, each.stage) for each in proof.differences] == [(record.name, "tampered")]
    assert "output_tokens" in proof.differences[0].what


@pytest.mark.parametrize(
    ("plain", "scrubbed", "alike"),
    [
        ("a key b", "a key b", True),
        ("a key b", "a <api-key> b", True),
        ("a key b", "a <api-key> c", False),
        ("a key b", "<api-key> c", False),
        ("a  b", "a <api-key> b", False),
    ],
)
def test_only_what_stands_where_a_placeholder_does_may_differ(plain: str, scrubbed: str, alike: bool) -> None:
    live, other = (Seen(200, text.encode(), (), text) for text in (plain, scrubbed))
    assert (replay.same(live, other) is not False) is alike
    assert replay.same(live, live) is True
    assert replay.same(live, replace(other, status=500)) is False


def test_no_request_stands_twice_in_a_batch_and_no_batch_has_two_providers() -> None:
    other = replace(OURS[0], exchange=replace(OURS[0].exchange, provider="compatible"))
    found = replay.batches([*OURS, *OURS, other])
    assert sum(map(len, found)) == 2 * len(OURS) + 1
    for batch in found:
        assert len({record.key for record in batch}) == len(batch) <= replay.BATCH
        assert len({record.exchange.provider for record in batch}) == 1


@pytest.mark.parametrize("ending", replay.ENDINGS)
def test_a_cut_stream_is_shorter_or_closed_early(ending: str) -> None:
    record = OUR_STREAMS[0]
    cut = replay.cut(record, ending, Random(5))  # noqa: S311 - reproducible places
    response, body = cut.interaction.response, record.interaction.response.body
    if ending == "closed":
        assert (response.body, response.ended) == (body, Ended.COMPLETE)
        assert cut.question.stop_after in range(1, len(event_ends(body)))
    else:
        assert body.startswith(response.body)
        assert len(response.body) < len(body)
        assert response.ended == ("complete" if ending == "cut" else ending)


def test_the_tables_name_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    proof = replay.Proof()
    proof.count(OUR_STREAMS[0], "served")
    proof.differ("dev.jsonl:1", "recorded", "status: 200 / 500")
    replay.show(proof)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["repository", "served", "live", "recorded", "replayed", "scrubbed"]
    assert lines[1].split() == ["(our", "own)", "1", "0", "0", "0", "0"]
    assert lines[-1] == "DIFFERENT  dev.jsonl:1  recorded: status: 200 / 500"


def test_all_proofs_run_and_one_that_fails_fails_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert {prove.__module__ for prove in whole.PROOFS.values()} == {
        f"prove.{path.stem}"
        for path in Path(replay.__file__).parent.glob("*.py")
        if "\ndef main(" in path.read_text(encoding="utf-8") and path.stem != "__main__"
    }
    assert whole.run({"one": lambda: 0, "two": lambda: 1, "three": lambda: 0}) == 1
    assert whole.run({"one": lambda: 0}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith(("==", "failed"))] == [
        *("== one", "== two", "== three", "failed: two"),
        *("== one", "failed: nothing"),
    ]
