"""Does a message keep what the request and its own stop reason promise? Rules across fields, on parsed JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_messages.findings import Level
from pytest_messages.judge.cited import cites_what_was_given
from pytest_messages.judge.faults import Finding, Json, at, count, member, objects, shown, word
from pytest_messages.judge.order import CUT_SHORT
from pytest_messages.judge.user_schemas import obeys_format, obeys_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_messages.judge.answer import Answer

_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_SERVED = frozenset({"server_tool_use", "mcp_tool_use"})
_THINKING = frozenset({"thinking", "redacted_thinking"})
_SEARCHED = frozenset({"web_search", "web_fetch"})


def keeps_its_promises(answer: Answer) -> Iterator[Finding]:
    """Judge a finished message by all rules across fields."""
    for rule in _RULES:
        yield from rule(answer)


def _stop_reason(answer: Answer) -> Iterator[Finding]:
    if answer.reason is None:
        yield Finding("message.stop-reason", "stop_reason", "the stop reason is null")


def _stop_sequence(answer: Answer) -> Iterator[Finding]:
    sequence = answer.message.get("stop_sequence")
    if answer.reason == "stop_sequence":
        if sequence is None:
            yield Finding("message.stop-sequence", "stop_sequence", "stop_sequence is null")
        elif isinstance(asked := answer.request.get("stop_sequences"), list) and sequence not in asked:
            found = f"stop_sequence is {shown(sequence)}, asked for were {shown(asked)}"
            yield Finding("message.stop-sequence-asked", "stop_sequence", found)
        elif asked is None and answer.request:
            found = f"stop_sequence is {shown(sequence)}, and none was asked for"
            yield Finding("message.stop-sequence-asked", "stop_sequence", found)
    elif sequence is not None and answer.reason is not None:
        found = f"stop_sequence is {shown(sequence)} with stop reason {shown(answer.reason)}"
        yield Finding("message.stop-sequence-stray", "stop_sequence", found)


def _tool_use_and_reason(answer: Answer) -> Iterator[Finding]:
    used = answer.of("tool_use")
    if answer.reason == "tool_use" and not used:
        yield Finding("message.tool-use-missing", "stop_reason", "the stop reason is tool_use, and no block is one")
    if answer.reason == "pause_turn" and used:
        yield Finding("message.pause-turn", at("content", used[0][0]), "a tool_use in a paused turn")
    elif used and answer.reason and answer.reason not in {"tool_use", "compaction", *CUT_SHORT}:
        found = f"a tool_use with stop reason {answer.reason}"
        yield Finding("message.tool-use-reason", at("content", used[0][0]), found)


def _stop_details(answer: Answer) -> Iterator[Finding]:
    if answer.message.get("stop_details") is not None and answer.reason != "refusal":
        yield Finding("message.stop-details", "stop_details", f"details with stop reason {shown(answer.reason)}")


_ID = re.compile(r"[a-zA-Z0-9_-]+")
_PREFIXES = {"tool_use": "toolu_", "server_tool_use": "srvtoolu_", "mcp_tool_use": "mcptoolu_"}


def _ids(answer: Answer) -> Iterator[Finding]:
    seen: set[str] = set()
    for n, block in answer.of(*_CALLS):
        identity = block.get("id")
        if not isinstance(identity, str):
            continue
        where = at("content", n, "id")
        if identity in seen:
            yield Finding("message.tool-id", where, f"the id {shown(identity)} stands here a second time")
        seen.add(identity)
        if not _ID.fullmatch(identity) or not identity.startswith(_PREFIXES[block["type"]]):
            yield Finding("message.tool-id-form", where, f"the id {shown(identity)} of a {block['type']}")


def _message_id(answer: Answer) -> Iterator[Finding]:
    identity = answer.message.get("id")
    if isinstance(identity, str) and not identity.startswith("msg_"):
        yield Finding("message.id-form", "id", f"the id is {shown(identity)}")


def _tool_names(answer: Answer) -> Iterator[Finding]:
    if not answer.request or answer.tools_may_come_from_elsewhere:
        return
    names = {word(tool, "name") for tool in answer.tools}
    strict = any(tool.get("strict") is True for tool in answer.tools)
    for n, block in answer.of("tool_use"):
        if "toolset_name" not in block and word(block, "name") not in names | _brought_later(answer.request):
            found = f"the tool {shown(block.get('name'))} is none of {shown(sorted(names))}"
            yield Finding("message.tool-name", at("content", n, "name"), found, level=None if strict else Level.HINT)


def _brought_later(request: Json) -> set[str]:
    """Return the names of tools that the conversation itself brings (beta blocks tool_addition)."""
    return {
        word(member(block, "tool"), "name")
        for message in objects(request.get("messages"))
        for block in objects(message.get("content"))
        if block.get("type") == "tool_addition"
    }


def _tool_inputs(answer: Answer) -> Iterator[Finding]:
    schemas = {tool["name"]: tool for tool in answer.tools if isinstance(tool.get("name"), str)}
    for n, block in answer.of("tool_use"):
        tool = schemas.get(word(block, "name"))
        if tool is None or "input_schema" not in tool or _cut_within(answer, n):
            continue
        strict = tool.get("strict") is True
        for path, problem in obeys_schema(block.get("input"), tool["input_schema"]):
            where = at("content", n, "input", *path)
            yield Finding("message.tool-input", where, problem, level=None if strict else Level.HINT)


def _cut_within(answer: Answer, place: int) -> bool:
    """Tell whether the message was cut short, and this is the block in which it was."""
    return answer.reason in CUT_SHORT and place == len(answer.blocks) - 1


def _output_format(answer: Answer) -> Iterator[Finding]:
    wanted = member(answer.request, "output_config").get("format") or answer.request.get("output_format")
    if not isinstance(wanted, dict) or answer.reason != "end_turn" or wanted.get("type") != "json_schema":
        return
    texts = [text for _, block in answer.of("text") if isinstance(text := block.get("text"), str)]
    for path, problem in obeys_format(texts, wanted.get("schema")):
        yield Finding("message.output-format", at("content", *path), problem)


def _output_tokens(answer: Answer) -> Iterator[Finding]:
    limit, used = count(answer.request.get("max_tokens")), count(answer.usage.get("output_tokens"))
    if limit is None or used is None:
        return
    where, found = "usage.output_tokens", f"{used} output tokens, max_tokens is {limit}"
    if used > limit:
        yield Finding("message.output-tokens", where, found)
    elif answer.reason == "max_tokens" and used != limit:
        yield Finding("message.max-tokens", where, found)


def _cache_creation(answer: Answer) -> Iterator[Finding]:
    total = count(answer.usage.get("cache_creation_input_tokens"))
    parts = [number for part in member(answer.usage, "cache_creation").values() if (number := count(part)) is not None]
    if total is not None and parts and sum(parts) != total:
        found = f"the parts sum up to {sum(parts)}, the total is {total}"
        yield Finding("message.cache-creation", "usage.cache_creation", found)


def _previous_turn(request: Json) -> list[Json]:
    """Return the blocks of the assistant turns that the message may refer back to."""
    return [
        block
        for message in objects(request.get("messages"))
        if message.get("role") == "assistant"
        for block in objects(message.get("content"))
    ]


def _server_results(answer: Answer) -> Iterator[Finding]:
    uses = {word(block, "id") for block in _previous_turn(answer.request) if word(block, "type") in _SERVED}
    open_uses: dict[str, int] = {}
    for n, block in answer.blocks:
        kind = word(block, "type")
        if kind in _SERVED:
            open_uses[word(block, "id")] = n
        elif kind.endswith("_tool_result"):
            wanted = word(block, "tool_use_id")
            if wanted not in uses and wanted not in open_uses and answer.request:
                yield Finding("message.tool-result", at("content", n, "tool_use_id"), f"no use has id {shown(wanted)}")
            open_uses.pop(wanted, None)
    if answer.reason == "end_turn":
        for n in open_uses.values():
            yield Finding("message.server-tool-open", at("content", n), "this use has no result")


def _tool_choice(answer: Answer) -> Iterator[Finding]:
    choice = word(answer.choice, "type")
    used = answer.of(*_CALLS)
    if answer.choice.get("disable_parallel_tool_use") is True and len(mine := answer.of("tool_use")) > 1:
        yield Finding("message.parallel-tools", at("content", mine[1][0]), f"{len(mine)} tool_use blocks")
    if choice == "none" and (mine := answer.of("tool_use")):
        yield Finding("message.tool-choice-none", at("content", mine[0][0]), "a tool_use block")
    if choice in {"any", "tool"} and not used and answer.reason in {"end_turn", "tool_use"}:
        yield Finding("message.tool-choice", "content", f"no tool_use, though tool_choice is {choice}")
    wanted = answer.choice.get("name")
    # On the way to a tool of the client, tools of the server may be used.
    mine = answer.of("tool_use") or used
    if choice == "tool" and not any(block.get("name") == wanted for _, block in mine):
        for n, block in mine:
            found = f"a use of {shown(block.get('name'))}, tool_choice is {shown(wanted)}"
            yield Finding("message.tool-choice", at("content", n, "name"), found)


def _thinking(answer: Answer) -> Iterator[Finding]:
    thoughts = answer.of(*_THINKING)
    if not thoughts:
        return
    wanted = word(member(answer.request, "thinking"), "type")
    if answer.request and wanted in {"", "disabled"}:
        found = "thinking, though the request turned it off" if wanted else "thinking, which the request does not name"
        yield Finding("message.thinking-unasked", at("content", thoughts[0][0]), found)
    if thoughts[0][0] != 0:
        found = f"the first block is {shown(answer.blocks[0][1].get('type'))}"
        yield Finding("message.thinking-first", at("content", 0), found)


def _prewarm(answer: Answer) -> Iterator[Finding]:
    if count(answer.request.get("max_tokens")) != 0:
        return
    if answer.message.get("content"):
        yield Finding("message.prewarm", "content", f"{len(answer.blocks)} blocks")
    if answer.reason != "max_tokens":
        yield Finding("message.prewarm", "stop_reason", f"the stop reason is {shown(answer.reason)}")


def _web_searches(answer: Answer) -> Iterator[Finding]:
    billed = count(member(answer.usage, "server_tool_use").get("web_search_requests"))
    made = sum(block.get("name") == "web_search" for _, block in answer.of("server_tool_use"))
    if billed is not None and billed > made:
        found = f"{billed} searches billed, {made} in the message"
        yield Finding("message.web-searches", "usage.server_tool_use.web_search_requests", found)


_SNAPSHOT = re.compile(r"[-@]?(latest|[0-9]{8})$")


def _model(answer: Answer) -> Iterator[Finding]:
    asked, used = answer.request.get("model"), answer.message.get("model")
    if isinstance(asked, str) and isinstance(used, str) and _SNAPSHOT.sub("", asked) != _SNAPSHOT.sub("", used):
        yield Finding("message.model", "model", f"the model is {shown(used)}, asked for was {shown(asked)}")


_RULES: tuple[Callable[[Answer], Iterator[Finding]], ...] = (
    _message_id,
    _model,
    _stop_reason,
    _stop_sequence,
    _stop_details,
    _tool_use_and_reason,
    _ids,
    _tool_names,
    _tool_inputs,
    _output_format,
    _server_results,
    _tool_choice,
    _thinking,
    _prewarm,
    cites_what_was_given,
    _output_tokens,
    _cache_creation,
    _web_searches,
)
