"""Does an exchange obey the documented API? (shape, order, promises; a catalogue of named rules).

`check` judges an interaction, `judge_body` a reply without its request, `judge_request` a request before it is sent.
`CATALOGUE` holds every rule.
"""

from pytest_messages.judge.catalogue import CATALOGUE
from pytest_messages.judge.exchange import check, judge_body, judge_request
from pytest_messages.judge.grading import LENIENT
from pytest_messages.judge.rules import ERROR, Rule

__all__ = ["CATALOGUE", "ERROR", "LENIENT", "Rule", "check", "judge_body", "judge_request"]
