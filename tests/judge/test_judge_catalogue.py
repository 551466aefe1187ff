"""The catalogue as data: whole, named as promised, documented, and in step with the statements it implements."""

from __future__ import annotations

import re

import pytest

from pytest_messages.findings import Level
from pytest_messages.judge import CATALOGUE, Rule

# Statements that ask a reader to tolerate something are no rules, S20 is the sum of the rules of messages, and the API
# does not check R21.
NO_RULES = {"S20", "M11", "M24", "R21"}
STATEMENTS = (
    {f"S{n}" for n in range(1, 22)}
    | {f"M{n}" for n in range(1, 28)}
    | {f"R{n}" for n in range(1, 24)}
    | {f"D{n}" for n in range(1, 20)}
    | {"T3", "T4", "T5"}
)


def test_every_statement_about_the_api_has_its_rule() -> None:
    assert {row for rule in CATALOGUE.values() for row in rule.rows} == STATEMENTS - NO_RULES


@pytest.mark.parametrize("rule", CATALOGUE.values(), ids=CATALOGUE)
def test_a_rule_has_a_stable_name_one_sentence_and_an_address(rule: Rule) -> None:
    assert CATALOGUE[rule.name] is rule
    assert re.fullmatch(r"(stream|message|error|request|tokens|batch|models|reply|judge)\.[a-z0-9-]+", rule.name)
    assert re.fullmatch(r"[A-Z`a-z].*[^.]\.", rule.what)
    assert rule.name == "judge.error" or re.fullmatch(
        r"https://(platform\.claude\.com/docs/en|html\.spec\.whatwg\.org)/[a-z0-9/-]+(\.html)?", rule.source
    )


HINTS = "M9 M12 M13 M14 M16 M21 M22 M26 M27"


@pytest.mark.parametrize("row", HINTS.split())
def test_what_is_only_observed_is_a_hint(row: str) -> None:
    rules = [rule for rule in CATALOGUE.values() if row in rule.rows and not rule.name.endswith(".shape")]
    # A strict tool turns the one promise into a law.
    assert {rule.level for rule in rules} == {Level.VIOLATION if row == "M9" else Level.HINT}


@pytest.mark.parametrize("row", ["S5", "S6", "S7", "S8", "S9", "M7"])
def test_what_makes_an_sdk_misplace_data_is_a_violation(row: str) -> None:
    assert Level.VIOLATION in {rule.level for rule in CATALOGUE.values() if row in rule.rows}


def test_what_the_versioning_policy_allows_is_a_notice() -> None:
    unknown = {name: rule.level for name, rule in CATALOGUE.items() if ".unknown" in name and "request" not in name}
    assert set(unknown.values()) == {Level.NOTICE}
    assert len(unknown) == 10
