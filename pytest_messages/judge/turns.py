"""May one turn of a conversation follow the other? The rules of a request across its messages."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from pytest_messages.findings import Level
from pytest_messages.judge.asked import Block, of_type
from pytest_messages.judge.faults import Finding, Json, objects, shown, word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_messages.judge.asked import Asked, Turn

_THINKING = frozenset({"thinking", "redacted_thinking"})
_SYSTEM = frozenset({"text", "tool_addition", "tool_removal"})


def _first_role(asked: Asked) -> Iterator[Finding]:
    if asked.turns and asked.turns[0].role == "assistant":
        yield Finding("request.first-role", asked.turns[0].where, "a turn of the assistant")


_FAMILY = re.compile(r"claude-(?:[a-z]+-)?([0-9]+)(?:[-.]([0-9]{1,2}))?(?![0-9])")
_NO_PREFILL = (4, 6)


def _prefill(asked: Asked) -> Iterator[Finding]:
    last = asked.turns[-1] if asked.turns else None
    if last is None or last.role != "assistant" or asked.kind == "count_tokens_request":
        return
    family = _FAMILY.search(str(asked.body.get("model")))
    if family and (int(family[1]), int(family[2] or 0)) >= _NO_PREFILL and not is_served(last.blocks):
        yield Finding("request.prefill", last.where, f"a prefill for {shown(asked.body.get('model'))}")
    elif last.blocks and str(last.blocks[-1][1].get("text", "x"))[-1:].isspace():
        yield Finding("request.prefill", last.blocks[-1][0], "a prefill that ends in white space", level=Level.HINT)


def is_served(blocks: list[Block]) -> bool:
    """Tell whether the turn is a paused one that goes on: it used a server tool."""
    return any(word(block, "type") in {"server_tool_use", "mcp_tool_use"} for _, block in blocks)


def _system_role(asked: Asked) -> Iterator[Finding]:
    turns = asked.turns
    for n, turn in enumerate(turns):
        if turn.role != "system":
            continue
        before, behind = turns[n - 1] if n else None, turns[n + 1] if n + 1 < len(turns) else None
        if before is None or (before.role != "user" and not _ends_in_a_result(before)):
            found = f"it follows {'nothing' if before is None else f'a turn of {before.role}'}"
            yield Finding("request.system-role", turn.where, found)
        if behind is not None and behind.role != "assistant":
            yield Finding("request.system-role", turn.where, f"a turn of {behind.role} follows it")
        for where, block in turn.blocks:
            if word(block, "type") not in _SYSTEM:
                yield Finding("request.system-role", where, f"a block of type {shown(block.get('type'))}")


def _ends_in_a_result(turn: Turn) -> bool:
    kind = word(turn.blocks[-1][1], "type") if turn.blocks else ""
    return turn.role == "assistant" and kind.endswith("_tool_result")


def _tool_results(asked: Asked) -> Iterator[Finding]:
    turns = [turn for turn in asked.turns if turn.role != "system"]
    for n, turn in enumerate(turns):
        before = turns[n - 1] if n else None
        used = {str(block.get("id")): block for _, block in of_type(before.blocks, "tool_use")} if before else {}
        yield from _answers(turn, used if before and before.role == "assistant" else {})
    last = turns[-1] if turns else None
    if last is not None and last.role == "assistant":
        for where, _ in of_type(last.blocks, "tool_use"):
            yield Finding("request.tool-results", where, "no message follows this tool_use")


def _answers(turn: Turn, used: dict[str, Json]) -> Iterator[Finding]:
    """Judge the results in a turn against the tool uses of the turn before."""
    answered: Counter[str] = Counter()
    late = False
    for where, block in turn.blocks:
        if block.get("type") != "tool_result":
            late = True
            continue
        identity = str(block.get("tool_use_id"))
        answered[identity] += 1
        if identity not in used:
            yield Finding("request.tool-result-id", where, f"no tool_use of the turn before has id {shown(identity)}")
        elif answered[identity] > 1:
            yield Finding("request.tool-result-id", where, f"a second answer to {shown(identity)}")
        elif late:
            yield Finding("request.tool-results", where, "it stands behind other blocks")
        toolset = used.get(identity, {}).get("toolset_name")
        if identity in used and block.get("toolset_name") != toolset:
            found = f"toolset_name is {shown(block.get('toolset_name'))}, the use has {shown(toolset)}"
            yield Finding("request.toolset-name", where, found)
    for identity in used.keys() - answered.keys():
        yield Finding("request.tool-results", turn.where, f"no result for {shown(identity)}")


def _thinking_blocks(asked: Asked) -> Iterator[Finding]:
    turn = next((turn for turn in reversed(asked.turns) if turn.role == "assistant"), None)
    given = _given(turn, asked.earlier) if turn else None
    if turn is None or given is None:
        return
    back = [_thought(block) for _, block in of_type(turn.blocks, *_THINKING)]
    wanted = [_thought(block) for block in objects(given.get("content")) if word(block, "type") in _THINKING]
    if back and back != wanted:
        yield Finding("request.thinking-blocks", turn.where, "its thinking is not what the API gave")


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


TURNS: tuple[Callable[[Asked], Iterator[Finding]], ...] = (
    _first_role,
    _prefill,
    _system_role,
    _tool_results,
    _thinking_blocks,
)
"""All rules across turns."""
