"""A seeded sample of the proof: no false alarm, nothing missed. The whole runs as modules of ``tests/prove``."""

from __future__ import annotations

from random import Random

import pytest
from prove import mutator, no_false_alarm, nothing_missed
from prove.exchanges import FILES, Exchange, is_recorded, own, recorded

from pytest_messages.judge import CATALOGUE

OWN = own()
PROOF = nothing_missed.prove(OWN.values())
SAMPLE = 24


@pytest.fixture(scope="module")
def sample() -> list[Exchange]:
    if not is_recorded():
        pytest.skip("the recorded traffic is not beside this checkout")
    return [exchange for exchange in recorded(FILES[0]) if len(exchange.wire) < 20_000]


def test_no_false_alarm_on_recorded_traffic(sample: list[Exchange]) -> None:
    assert no_false_alarm.alarms(Random(1).sample(sample, 300)) == []  # noqa: S311 - a seeded sample


def test_no_damage_of_recorded_traffic_is_missed(sample: list[Exchange]) -> None:
    proof = nothing_missed.prove(Random(2).sample(sample, SAMPLE))  # noqa: S311 - a seeded sample
    assert proof.missed == []
    assert proof.raised == []


def test_no_damage_of_our_own_exchanges_is_missed_and_no_neutral_change_raises_anything() -> None:
    assert PROOF.missed == []
    assert PROOF.raised == []


@pytest.mark.parametrize("damage", mutator.DAMAGES, ids=lambda damage: f"{damage.row}-{damage.what}")
def test_each_damage_is_done_somewhere_and_caught_by_a_rule_of_its_statement(damage: mutator.Damage) -> None:
    tally = PROOF.damages[damage.row, damage.what]
    assert tally.applicable > 0
    assert tally.caught > 0


def test_what_no_rule_can_see_is_known() -> None:
    assert {what: sorted(counts) for what, counts in PROOF.unseen.items()} == {
        change.what: ["unseen"] for change in mutator.UNSEEN
    }


def test_the_statements_that_are_damaged_are_those_that_have_rules() -> None:
    damaged = {damage.row for damage in mutator.DAMAGES}
    rows = {row for rule in CATALOGUE.values() for row in rule.rows}
    # Unknown things are changes that damage nothing, R11 needs a conversation, R21 and the other deviations are habits.
    assert {row for row in rows - damaged if row[0] != "D"} == {"S19", "R11"}
    assert damaged <= rows


def test_the_table_of_false_alarms_counts_and_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    broken = OWN["text"].copy()
    broken.body["role"] = "user"
    by_hand = broken.copy()
    by_hand.notes = ("synthetic_suspect",)
    assert no_false_alarm.table("two", [broken, by_hand]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "two: 2 interactions, 1 false alarms, 1 excluded by a note"
    assert lines[-1].startswith("  FALSE ALARM  text  role  message.shape: ")
    assert no_false_alarm.alarms([broken, by_hand]) == [("text", no_false_alarm.judge(broken)[0])]


def test_the_table_of_damages_names_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    proof = nothing_missed.Proof()
    proof.damages["M1", "x"].count(mutator.DAMAGES[0], OWN["text"], [])
    proof.raised.append(("text", "y", "message.shape"))
    nothing_missed.show(proof)
    assert capsys.readouterr().out.splitlines()[-2:] == ["MISSED  M1  x: text", "RAISED  message.shape  y: text"]
