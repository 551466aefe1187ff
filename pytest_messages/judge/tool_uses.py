"""Does a message use tools as the request lets it? Rules of tool uses, their ids, names, inputs and results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_messages.api.jsons import path
from pytest_messages.findings import Level
from pytest_messages.judge.answer import Answer, rule
from pytest_messages.judge.documentation import DEFINE_TOOLS, SERVER_TOOLS, STRICT_TOOLS, TOOL_CALLS, TOOLS, WEB_SEARCH
from pytest_messages.judge.rules import Breach
from pytest_messages.judge.stop_reasons import CUT_SHORT
from pytest_messages.judge.user_schemas import obeys_schema
from pytest_messages.judge.values import SERVED, Json, count, member, objects, shown, word

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIXES = {"tool_use": "toolu_", "server_tool_use": "srvtoolu_", "mcp_tool_use": "mcptoolu_"}
_CALLS = frozenset(_PREFIXES)
_ID = re.compile(r"[a-zA-Z0-9_-]+")


def _ids(answer: Answer) -> Iterator[tuple[str, str, str]]:
    """Yield where the id of each tool use stands, the id, and the type of the block."""
    for n, block in answer.of(*_CALLS):
        if isinstance(identity := block.get("id"), str):
            yield path("content", n, "id"), identity, block["type"]


@rule("message.tool-id", Level.VIOLATION, TOOL_CALLS, "Each tool use has an id of its own.", "M7", loses=True)
def tool_id(answer: Answer) -> Iterator[Breach]:
    seen: set[str] = set()
    for where, identity, _ in _ids(answer):
        if identity in seen:
            yield Breach(where, f"the id {shown(identity)} stands here a second time")
        seen.add(identity)


@rule(
    "message.tool-id-form",
    Level.HINT,
    TOOL_CALLS,
    "Ids of tool uses are letters, digits, _ and -, behind toolu_, srvtoolu_ or mcptoolu_.",
    "M7 D13",
)
def tool_id_form(answer: Answer) -> Iterator[Breach]:
    for where, identity, kind in _ids(answer):
        if not _ID.fullmatch(identity) or not identity.startswith(_PREFIXES[kind]):
            yield Breach(where, f"the id {shown(identity)} of a {kind}")


@rule(
    "message.tool-name",
    Level.VIOLATION,
    STRICT_TOOLS,
    "A tool use names a tool of the request; where none is strict, this is a hint.",
    "M8",
)
def tool_name(answer: Answer) -> Iterator[Breach]:
    if not answer.request or answer.tools_may_come_from_elsewhere:
        return
    names = {word(tool, "name") for tool in answer.tools}
    strict = any(tool.get("strict") is True for tool in answer.tools)
    for n, block in answer.of("tool_use"):
        if "toolset_name" not in block and word(block, "name") not in names | _brought_later(answer.request):
            found = f"the tool {shown(block.get('name'))} is none of {shown(sorted(names))}"
            yield Breach(path("content", n, "name"), found, level=None if strict else Level.HINT)


def _brought_later(request: Json) -> set[str]:
    """Return the names of tools that the conversation itself brings (beta blocks tool_addition)."""
    return {
        word(member(block, "tool"), "name")
        for message in objects(request.get("messages"))
        for block in objects(message.get("content"))
        if block.get("type") == "tool_addition"
    }


@rule(
    "message.tool-input",
    Level.VIOLATION,
    STRICT_TOOLS,
    "The input of a tool use obeys the tool's input_schema; where the tool is not strict, this is a hint.",
    "M9",
)
def tool_input(answer: Answer) -> Iterator[Breach]:
    schemas = {tool["name"]: tool for tool in answer.tools if isinstance(tool.get("name"), str)}
    for n, block in answer.of("tool_use"):
        tool = schemas.get(word(block, "name"))
        if tool is None or "input_schema" not in tool or _cut_within(answer, n):
            continue
        strict = tool.get("strict") is True
        for steps, problem in obeys_schema(block.get("input"), tool["input_schema"]):
            where = path("content", n, "input", *steps)
            yield Breach(where, problem, level=None if strict else Level.HINT)


def _cut_within(answer: Answer, place: int) -> bool:
    """Tell whether the message was cut short, and this is the block in which it was."""
    return answer.reason in CUT_SHORT and place == len(answer.blocks) - 1


def _served(answer: Answer) -> Iterator[tuple[int, Json, dict[str, int]]]:
    """Yield each block with its place, and the server tools' uses before it that have no result yet."""
    unanswered: dict[str, int] = {}
    for n, block in answer.blocks:
        yield n, block, unanswered
        kind = word(block, "type")
        if kind in SERVED:
            unanswered[word(block, "id")] = n
        elif kind.endswith("_tool_result"):
            unanswered.pop(word(block, "tool_use_id"), None)


@rule(
    "message.tool-result",
    Level.HINT,
    SERVER_TOOLS,
    "A result of a server tool refers to an earlier use of it.",
    "M15",
)
def tool_result(answer: Answer) -> Iterator[Breach]:
    if not answer.request or answer.continues:
        return
    before = {word(block, "id") for block in _previous_turn(answer.request) if word(block, "type") in SERVED}
    for n, block, unanswered in _served(answer):
        wanted = word(block, "tool_use_id")
        if word(block, "type").endswith("_tool_result") and wanted not in before and wanted not in unanswered:
            yield Breach(path("content", n, "tool_use_id"), f"no use has id {shown(wanted)}")


def _previous_turn(request: Json) -> list[Json]:
    """Return the blocks of the assistant turns that the message may refer back to."""
    return [
        block
        for message in objects(request.get("messages"))
        if message.get("role") == "assistant"
        for block in objects(message.get("content"))
    ]


@rule(
    "message.server-tool-open",
    Level.HINT,
    SERVER_TOOLS,
    "A message that ended its turn holds the result of each server tool it used.",
    "M16",
)
def server_tool_open(answer: Answer) -> Iterator[Breach]:
    if answer.reason != "end_turn":
        return
    unanswered: dict[str, int] = {}
    for _, _, unanswered in _served(answer):  # noqa: B007 - what is left after the last block
        pass
    for n in unanswered.values():
        yield Breach(path("content", n), "this use has no result")


@rule(
    "message.parallel-tools",
    Level.VIOLATION,
    TOOLS + "parallel-tool-use",
    "With disable_parallel_tool_use there is at most one tool_use.",
    "M18",
)
def parallel_tools(answer: Answer) -> Iterator[Breach]:
    used = answer.of("tool_use")
    if answer.choice.get("disable_parallel_tool_use") is True and len(used) > 1:
        yield Breach(path("content", used[1][0]), f"{len(used)} tool_use blocks")


@rule("message.tool-choice", Level.VIOLATION, DEFINE_TOOLS, "A forced tool choice is followed.", "M19")
def tool_choice(answer: Answer) -> Iterator[Breach]:
    choice, used = word(answer.choice, "type"), answer.of(*_CALLS)
    if choice in {"any", "tool"} and not used and answer.reason in {"end_turn", "tool_use"}:
        yield Breach("content", f"no tool_use, though tool_choice is {choice}")
    wanted = answer.choice.get("name")
    # On the way to a tool of the client, tools of the server may be used.
    mine = answer.of("tool_use") or used
    if choice == "tool" and not any(block.get("name") == wanted for _, block in mine):
        for n, block in mine:
            found = f"a use of {shown(block.get('name'))}, tool_choice is {shown(wanted)}"
            yield Breach(path("content", n, "name"), found)


@rule("message.tool-choice-none", Level.VIOLATION, DEFINE_TOOLS, "With tool choice none, no tool is used.", "M20")
def tool_choice_none(answer: Answer) -> Iterator[Breach]:
    if word(answer.choice, "type") == "none" and (used := answer.of("tool_use")):
        yield Breach(path("content", used[0][0]), "a tool_use block")


@rule(
    "message.web-searches",
    Level.HINT,
    WEB_SEARCH,
    "The searches billed do not exceed those in the message.",
    "M26",
)
def web_searches(answer: Answer) -> Iterator[Breach]:
    billed = count(member(answer.usage, "server_tool_use").get("web_search_requests"))
    made = sum(block.get("name") == "web_search" for _, block in answer.of("server_tool_use"))
    if billed is not None and billed > made:
        where = "usage.server_tool_use.web_search_requests"
        yield Breach(where, f"{billed} searches billed, {made} in the message")
