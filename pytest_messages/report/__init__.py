"""Violations, refusals and leftovers as text. The only place that lays out text."""

from pytest_messages.report.conversation import conversation, wire
from pytest_messages.report.explanation import explain, violations
from pytest_messages.report.lines import header, summary

__all__ = ["conversation", "explain", "header", "summary", "violations", "wire"]
