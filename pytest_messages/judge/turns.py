"""May one turn of a conversation follow the other? The rules of a request across its messages.

A request that continues a thread carries the new turns only: what depends on the turns before is judged by the answer
that it continues, where that one was seen, and not at all where it was not.
https://platform.claude.com/docs/en/build-with-claude/message-threads
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from pytest_messages.findings import Level
from pytest_messages.judge.asked import Asked, Block, Turn, of_type, rule
from pytest_messages.judge.documentation import API, DOCS, THINKING, TOOL_CALLS, TOOLS
from pytest_messages.judge.rules import Breach
from pytest_messages.judge.values import SERVED, THOUGHTS, Json, objects, shown, word

if TYPE_CHECKING:
    from collections.abc import Iterator

_SYSTEM = frozenset({"text", "tool_addition", "tool_removal"})


@rule("request.first-role", Level.HINT, API, "The first message is the user's.", "R4")
def first_role(asked: Asked) -> Iterator[Breach]:
    if asked.turns and asked.turns[0].role == "assistant" and not asked.continues:
        yield Breach(asked.turns[0].where, "a turn of the assistant")


_FAMILY = re.compile(r"claude-(?:[a-z]+-)?([0-9]+)(?:[-.]([0-9]{1,2}))?(?![0-9])")
_NO_PREFILL = (4, 6)


@rule(
    "request.prefill",
    Level.VIOLATION,
    DOCS + "build-with-claude/prompt-engineering/prefill-claudes-response",
    "From Claude 4.6 on, the last message is not the assistant's; a prefill does not end in white space.",
    "R5",
)
def prefill(asked: Asked) -> Iterator[Breach]:
    last = asked.turns[-1] if asked.turns else None
    if last is None or last.role != "assistant" or asked.kind == "count_tokens_request":
        return
    family = _FAMILY.search(str(asked.body.get("model")))
    if family and (int(family[1]), int(family[2] or 0)) >= _NO_PREFILL and not is_served(last.blocks):
        yield Breach(last.where, f"a prefill for {shown(asked.body.get('model'))}")
    elif last.blocks and str(last.blocks[-1][1].get("text", "x"))[-1:].isspace():
        yield Breach(last.blocks[-1][0], "a prefill that ends in white space", level=Level.HINT)


def is_served(blocks: list[Block]) -> bool:
    """Tell whether the turn is a paused one that goes on: it used a server tool."""
    return any(word(block, "type") in SERVED for _, block in blocks)


@rule(
    "request.system-role",
    Level.VIOLATION,
    DOCS + "build-with-claude/mid-conversation-system-messages",
    "A system message is text, follows a user turn or a server tool's result, and comes last or before an assistant "
    "turn.",
    "R6",
)
def system_role(asked: Asked) -> Iterator[Breach]:
    turns = asked.turns
    for n, turn in enumerate(turns):
        if turn.role != "system":
            continue
        before, behind = turns[n - 1] if n else asked.before, turns[n + 1] if n + 1 < len(turns) else None
        unknown = before is None and asked.continues
        if not unknown and (before is None or (before.role != "user" and not _ends_in_a_result(before))):
            found = f"it follows {'nothing' if before is None else f'a turn of {before.role}'}"
            yield Breach(turn.where, found)
        if behind is not None and behind.role != "assistant":
            yield Breach(turn.where, f"a turn of {behind.role} follows it")
        for where, block in turn.blocks:
            if word(block, "type") not in _SYSTEM:
                yield Breach(where, f"a block of type {shown(block.get('type'))}")


def _ends_in_a_result(turn: Turn) -> bool:
    kind = word(turn.blocks[-1][1], "type") if turn.blocks else ""
    return turn.role == "assistant" and kind.endswith("_tool_result")


def _answering(asked: Asked) -> Iterator[tuple[Turn, dict[str, Json]]]:
    """Yield each turn with the tool uses, by id, of the turn before it; none of a turn whose past is unknown."""
    before = asked.before
    unknown = asked.continues and before is None
    for turn in asked.turns:
        if turn.role == "system":
            continue
        used = {}
        if before is not None and before.role == "assistant":
            used = {str(block.get("id")): block for _, block in of_type(before.blocks, "tool_use")}
        if not unknown:
            yield turn, used
        before, unknown = turn, False


def _results(turn: Turn) -> Iterator[tuple[str, str, Json]]:
    """Yield where each tool result of a turn stands, the id of its use, and the block."""
    for where, block in of_type(turn.blocks, "tool_result"):
        yield where, str(block.get("tool_use_id")), block


@rule(
    "request.tool-results",
    Level.VIOLATION,
    TOOL_CALLS,
    "After tool uses, the next message is the user's and begins with one result for each.",
    "R7",
)
def tool_results(asked: Asked) -> Iterator[Breach]:
    for turn, used in _answering(asked):
        late, seen = False, set[str]()
        for where, block in turn.blocks:
            identity = str(block.get("tool_use_id"))
            if block.get("type") != "tool_result":
                late = True
            elif late and identity in used and identity not in seen:
                yield Breach(where, "it stands behind other blocks")
            seen.add(identity if block.get("type") == "tool_result" else "")
        for identity in used.keys() - seen:
            yield Breach(turn.where, f"no result for {shown(identity)}")
    last = next((turn for turn in reversed(asked.turns) if turn.role != "system"), None)
    if last is not None and last.role == "assistant":
        for where, _ in of_type(last.blocks, "tool_use"):
            yield Breach(where, "no message follows this tool_use")


@rule(
    "request.tool-result-id",
    Level.VIOLATION,
    TOOL_CALLS,
    "A tool_result answers a tool_use of the message before it, once.",
    "R8",
)
def tool_result_id(asked: Asked) -> Iterator[Breach]:
    for turn, used in _answering(asked):
        answered: Counter[str] = Counter()
        for where, identity, _ in _results(turn):
            answered[identity] += 1
            if identity not in used:
                yield Breach(where, f"no tool_use of the turn before has id {shown(identity)}")
            elif answered[identity] > 1:
                yield Breach(where, f"a second answer to {shown(identity)}")


@rule(
    "request.toolset-name",
    Level.VIOLATION,
    TOOLS + "computer-use-tool",
    "A result of a toolset's tool names the toolset.",
    "R9",
)
def toolset_name(asked: Asked) -> Iterator[Breach]:
    for turn, used in _answering(asked):
        for where, identity, block in _results(turn):
            toolset = used.get(identity, {}).get("toolset_name")
            if identity in used and block.get("toolset_name") != toolset:
                yield Breach(where, f"toolset_name is {shown(block.get('toolset_name'))}, the use has {shown(toolset)}")


@rule(
    "request.thinking-blocks",
    Level.VIOLATION,
    THINKING,
    "The thinking of the latest assistant turn goes back unchanged.",
    "R11",
)
def thinking_blocks(asked: Asked) -> Iterator[Breach]:
    turn = next((turn for turn in reversed(asked.turns) if turn.role == "assistant"), None)
    given = _given(turn, asked.earlier) if turn else None
    if turn is None or given is None:
        return
    back = [_thought(block) for _, block in of_type(turn.blocks, *THOUGHTS)]
    wanted = [_thought(block) for block in objects(given.get("content")) if word(block, "type") in THOUGHTS]
    if back and back != wanted:
        yield Breach(turn.where, "its thinking is not what the API gave")


def _given(turn: Turn, earlier: tuple[Json, ...]) -> Json | None:
    """Find the message that a turn repeats: the one with the same tool uses or, without any, the same text."""
    for message in reversed(earlier):
        blocks = objects(message.get("content"))
        for kind, key in (("tool_use", "id"), ("text", "text")):
            ours = [block.get(key) for _, block in of_type(turn.blocks, kind)]
            if ours and ours == [block.get(key) for block in blocks if block.get("type") == kind]:
                return message
    return None


def _thought(block: Json) -> tuple[object, ...]:
    return tuple(block.get(key) for key in ("type", "thinking", "signature", "data"))
