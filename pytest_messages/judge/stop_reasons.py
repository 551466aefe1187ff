"""Does a message stop for the reason that it says? Rules of stop reasons and what they promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages.api.jsons import path
from pytest_messages.findings import Level
from pytest_messages.judge.answer import Answer, rule
from pytest_messages.judge.documentation import API, CACHING, STOP_REASONS
from pytest_messages.judge.rules import Breach
from pytest_messages.judge.values import count, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

CUT_SHORT = frozenset({"max_tokens", "refusal", "model_context_window_exceeded"})
"""A message that stopped for one of these may have been cut anywhere."""


@rule(
    "message.stop-reason", Level.VIOLATION, STOP_REASONS, "A finished message has a stop reason.", "M1 D7", loses=True
)
def stop_reason(answer: Answer) -> Iterator[Breach]:
    if answer.reason is None:
        yield Breach("stop_reason", "the stop reason is null")


@rule(
    "message.stop-sequence",
    Level.VIOLATION,
    STOP_REASONS,
    "With stop reason stop_sequence, stop_sequence says which one.",
    "M2",
)
def stop_sequence(answer: Answer) -> Iterator[Breach]:
    if answer.reason == "stop_sequence" and answer.message.get("stop_sequence") is None:
        yield Breach("stop_sequence", "stop_sequence is null")


@rule(
    "message.stop-sequence-stray",
    Level.HINT,
    STOP_REASONS,
    "stop_sequence is null for all other stop reasons in all traffic seen.",
    "M2",
)
def stop_sequence_stray(answer: Answer) -> Iterator[Breach]:
    sequence = answer.message.get("stop_sequence")
    if sequence is not None and answer.reason not in {None, "stop_sequence"}:
        yield Breach("stop_sequence", f"stop_sequence is {shown(sequence)} with stop reason {shown(answer.reason)}")


@rule(
    "message.stop-sequence-asked",
    Level.VIOLATION,
    STOP_REASONS,
    "stop_sequence is one of those that were asked for.",
    "M3",
)
def stop_sequence_asked(answer: Answer) -> Iterator[Breach]:
    sequence = answer.message.get("stop_sequence")
    if answer.reason != "stop_sequence" or sequence is None:
        return
    asked = answer.request.get("stop_sequences")
    if isinstance(asked, list) and sequence not in asked:
        yield Breach("stop_sequence", f"stop_sequence is {shown(sequence)}, asked for were {shown(asked)}")
    elif asked is None and answer.request:
        yield Breach("stop_sequence", f"stop_sequence is {shown(sequence)}, and none was asked for")


@rule(
    "message.tool-use-missing",
    Level.VIOLATION,
    STOP_REASONS,
    "With stop reason tool_use there is a tool_use block.",
    "M4",
)
def tool_use_missing(answer: Answer) -> Iterator[Breach]:
    if answer.reason == "tool_use" and not answer.of("tool_use"):
        yield Breach("stop_reason", "the stop reason is tool_use, and no block is one")


@rule(
    "message.tool-use-reason",
    Level.HINT,
    STOP_REASONS,
    "A message with a tool_use block stops for tool_use, or was cut short.",
    "M5",
)
def tool_use_reason(answer: Answer) -> Iterator[Breach]:
    used = answer.of("tool_use")
    if used and answer.reason and answer.reason not in {"tool_use", "compaction", "pause_turn", *CUT_SHORT}:
        yield Breach(path("content", used[0][0]), f"a tool_use with stop reason {answer.reason}")


@rule("message.stop-details", Level.VIOLATION, STOP_REASONS, "stop_details comes with stop reason refusal only.", "M6")
def stop_details(answer: Answer) -> Iterator[Breach]:
    if answer.message.get("stop_details") is not None and answer.reason != "refusal":
        yield Breach("stop_details", f"details with stop reason {shown(answer.reason)}")


@rule("message.pause-turn", Level.VIOLATION, STOP_REASONS, "A paused turn leaves no tool_use for the client.", "M17")
def pause_turn(answer: Answer) -> Iterator[Breach]:
    used = answer.of("tool_use")
    if answer.reason == "pause_turn" and used:
        yield Breach(path("content", used[0][0]), "a tool_use in a paused turn")


@rule("message.output-tokens", Level.HINT, API, "output_tokens does not exceed max_tokens.", "M12")
def output_tokens(answer: Answer) -> Iterator[Breach]:
    limit, used = count(answer.request.get("max_tokens")), count(answer.usage.get("output_tokens"))
    if limit is not None and used is not None and used > limit:
        yield Breach("usage.output_tokens", f"{used} output tokens, max_tokens is {limit}")


@rule(
    "message.max-tokens",
    Level.HINT,
    STOP_REASONS,
    "A message stopped by max_tokens has that many output tokens.",
    "M13",
)
def max_tokens(answer: Answer) -> Iterator[Breach]:
    limit, used = count(answer.request.get("max_tokens")), count(answer.usage.get("output_tokens"))
    if answer.reason == "max_tokens" and limit is not None and used is not None and used < limit:
        yield Breach("usage.output_tokens", f"{used} output tokens, max_tokens is {limit}")


@rule(
    "message.prewarm",
    Level.VIOLATION,
    CACHING,
    "max_tokens 0 gives an empty message that stops for max_tokens.",
    "M23",
)
def prewarm(answer: Answer) -> Iterator[Breach]:
    if count(answer.request.get("max_tokens")) != 0:
        return
    if answer.message.get("content"):
        yield Breach("content", f"{len(answer.blocks)} blocks")
    if answer.reason != "max_tokens":
        yield Breach("stop_reason", f"the stop reason is {shown(answer.reason)}")
