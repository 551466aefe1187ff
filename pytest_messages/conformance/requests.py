"""Is this request one that the API documents to accept? Shape, and the rules across fields and turns."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_messages import schema
from pytest_messages.conformance.declared import obeys_schema
from pytest_messages.conformance.finding import Finding, Json, at, count, member, numbered, objects, shown, word
from pytest_messages.conformance.shape import judge_shape
from pytest_messages.conformance.subset import strict_limits
from pytest_messages.errors import Level
from pytest_messages.providers import unsupported
from pytest_messages.wire import header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_messages.providers import Provider
    from pytest_messages.schema import Kind
    from pytest_messages.wire import Headers

_FORCED = frozenset({"any", "tool"})
_THINKING = frozenset({"thinking", "redacted_thinking"})
_SYSTEM = frozenset({"text", "tool_addition", "tool_removal"})
_VERSION_2026 = "2026-10-21"


# `eq=False`: compared by nobody, and the cached properties need its dictionary.
@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """The body of a request, and what its headers say about it.

    ``kind`` is None where the endpoint's requests are none of ours, ``version`` the one to judge by, ``said`` what the
    header says. ``earlier`` are messages that the API gave before, of which this request may hold some.
    """

    body: Json
    kind: Kind | None = "request"
    version: str = schema.VERSIONS[0]
    said: str | None = None
    headers: Headers = ()
    provider: Provider | None = None
    unreadable: bool = False
    earlier: tuple[Json, ...] = field(default=())

    @cached_property
    def betas(self) -> frozenset[str]:
        """The beta features asked for."""
        named = ",".join(value for name, value in self.headers if name == "anthropic-beta")
        return frozenset(entry.strip() for entry in named.split(","))

    @cached_property
    def turns(self) -> list[Turn]:
        """The messages, with those of one role in a row put together, as the API does."""
        turns: list[Turn] = []
        for n, message in numbered(self.body.get("messages")):
            role, blocks = str(message.get("role")), _blocks(message.get("content"), ("messages", n, "content"))
            if turns and turns[-1].role == role:
                turns[-1].blocks.extend(blocks)
            else:
                turns.append(Turn(role, at("messages", n), blocks, message))
        return turns

    @cached_property
    def tools(self) -> list[tuple[int, Json]]:
        """The tools with their places."""
        return numbered(self.body.get("tools"))

    @property
    def forces_a_tool(self) -> bool:
        """Tell whether the tool choice leaves the model no way around a tool."""
        return word(member(self.body, "tool_choice"), "type") in _FORCED

    @property
    def wants_json(self) -> bool:
        """Tell whether the answer is to obey a schema."""
        return bool(member(self.body, "output_config").get("format") or self.body.get("output_format"))


Block = tuple[str, Json]
"""A content block behind its place."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says before the other does."""

    role: str
    where: str
    blocks: list[Block]
    message: Json


def _blocks(content: object, path: tuple[str | int, ...]) -> list[Block]:
    if isinstance(content, str):
        return [(at(*path), {"type": "text", "text": content})]
    return [(at(*path, n), block) for n, block in numbered(content)]


def _of(blocks: Iterable[Block], *kinds: str) -> list[Block]:
    return [(where, block) for where, block in blocks if block.get("type") in kinds]


def is_well_formed(asked: Asked) -> Iterator[Finding]:
    """Judge a request by all rules."""
    if asked.kind is None:
        return
    if asked.unreadable:
        yield Finding("request.json", "body", "the body is not a JSON object")
        return
    yield from _head(asked)
    if asked.body:
        yield from judge_shape(asked.kind, asked.body, version=asked.version)
        if asked.kind == "batch_request":
            yield from _batch(asked)
        else:
            for rule in _RULES:
                yield from rule(asked)


def _head(asked: Asked) -> Iterator[Finding]:
    provider = asked.provider
    if provider is None:
        return
    # A recorder may have put a placeholder in its place.
    said = asked.said if asked.said is not None and re.search("[0-9]", asked.said) else None
    if provider.versions and said is not None and said not in provider.versions:
        found = f"{shown(said)}, taken are {', '.join(provider.versions)}"
        yield Finding("request.version", "header anthropic-version", found, source=provider.page("versions"))
    # Recorders strip headers; only where something is left can the version be said to be missing.
    elif provider.version_required and asked.said is None and header(asked.headers, "content-type"):
        yield Finding("request.version", "header anthropic-version", "there is none")
    for error in unsupported(provider, asked.body, asked.headers):
        yield Finding("request.unsupported", error.field, str(error), source=error.source)


def _prewarm(asked: Asked) -> Iterator[Finding]:
    if count(asked.body.get("max_tokens")) != 0:
        return
    forbidden = {
        "stream": asked.body.get("stream") is True,
        "thinking": member(asked.body, "thinking").get("type") == "enabled",
        "output_config.format": asked.wants_json,
        "tool_choice": asked.forces_a_tool,
    }
    for where, there in forbidden.items():
        if there:
            yield Finding("request.prewarm", where, f"{where} with max_tokens 0")


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
    if family and (int(family[1]), int(family[2] or 0)) >= _NO_PREFILL and not _served(last.blocks):
        yield Finding("request.prefill", last.where, f"a prefill for {shown(asked.body.get('model'))}")
    elif last.blocks and str(last.blocks[-1][1].get("text", "x"))[-1:].isspace():
        yield Finding("request.prefill", last.blocks[-1][0], "a prefill that ends in white space", level=Level.HINT)


def _served(blocks: list[Block]) -> bool:
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
        used = {str(block.get("id")): block for _, block in _of(before.blocks, "tool_use")} if before else {}
        yield from _answers(turn, used if before and before.role == "assistant" else {})
    last = turns[-1] if turns else None
    if last is not None and last.role == "assistant":
        for where, _ in _of(last.blocks, "tool_use"):
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


def _thinking(asked: Asked) -> Iterator[Finding]:
    thinking = member(asked.body, "thinking")
    if thinking.get("type") != "enabled":
        return
    budget, limit = count(thinking.get("budget_tokens")), count(asked.body.get("max_tokens"))
    interleaved = any(beta.startswith("interleaved-thinking") for beta in asked.betas)
    if budget is not None and limit is not None and budget >= limit and not interleaved:
        yield Finding("request.thinking", "thinking.budget_tokens", f"{budget}, max_tokens is {limit}")
    if asked.forces_a_tool:
        yield Finding("request.thinking", "tool_choice", "a forced tool with thinking")
    if asked.turns and asked.turns[-1].role == "assistant" and not _served(asked.turns[-1].blocks):
        yield Finding("request.thinking", asked.turns[-1].where, "a prefill with thinking")
    if asked.body.get("temperature") not in (None, 1):
        yield Finding("request.thinking", "temperature", "a temperature with thinking", level=Level.HINT)


def _thinking_blocks(asked: Asked) -> Iterator[Finding]:
    turn = next((turn for turn in reversed(asked.turns) if turn.role == "assistant"), None)
    given = _given(turn, asked.earlier) if turn else None
    if turn is None or given is None:
        return
    back = [_thought(block) for _, block in _of(turn.blocks, *_THINKING)]
    wanted = [_thought(block) for block in objects(given.get("content")) if word(block, "type") in _THINKING]
    if back and back != wanted:
        yield Finding("request.thinking-blocks", turn.where, "its thinking is not what the API gave")


def _given(turn: Turn, earlier: tuple[Json, ...]) -> Json | None:
    """Find the message that a turn repeats: the one with the same tool uses or, without any, the same text."""
    for message in reversed(earlier):
        blocks = objects(message.get("content"))
        for kind, key in (("tool_use", "id"), ("text", "text")):
            ours = [block.get(key) for _, block in _of(turn.blocks, kind)]
            if ours and ours == [block.get(key) for block in blocks if block.get("type") == kind]:
                return message
    return None


def _thought(block: Json) -> tuple[object, ...]:
    return tuple(block.get(key) for key in ("type", "thinking", "signature", "data"))


_BREAKPOINTS = 4


def _cache_control(asked: Asked) -> Iterator[Finding]:
    points = list(_cached(asked))
    automatic = member(asked.body, "cache_control")
    if len(points) + bool(automatic) > _BREAKPOINTS:
        found = f"{len(points) + bool(automatic)} cache breakpoints"
        yield Finding("request.cache-control", (points or [("cache_control", {})])[-1][0], found)
    short = False
    for where, block in points:
        lives = _ttl(member(block, "cache_control"))
        if lives == "1h" and short:
            yield Finding("request.cache-control", where, "a breakpoint of 1h behind one of 5m")
        short = short or lives == "5m"
        if word(block, "type") in _THINKING:
            yield Finding("request.cache-control", where, f"a breakpoint on a {block['type']} block")
        if block.get("type") == "text" and block.get("text") == "":
            yield Finding("request.cache-control", where, "a breakpoint on an empty text")
    if automatic and asked.turns and asked.turns[-1].blocks:
        where, block = asked.turns[-1].blocks[-1]
        if block.get("cache_control") and _ttl(member(block, "cache_control")) != _ttl(automatic):
            yield Finding("request.cache-control", where, "another ttl than the automatic breakpoint has here")


def _ttl(control: Json) -> object:
    return control.get("ttl") or "5m"


def _cached(asked: Asked) -> Iterator[Block]:
    """Yield what carries a breakpoint, in the order in which a prompt is put together."""
    yield from ((at("tools", n), tool) for n, tool in asked.tools if tool.get("cache_control"))
    system = [(at("system", n), block) for n, block in numbered(asked.body.get("system"))]
    turns = [block for turn in asked.turns for block in turn.blocks]
    for where, block in (*system, *turns):
        for n, inner in numbered(block.get("content")):
            if inner.get("cache_control"):
                yield at(where, "content", n), inner
        if block.get("cache_control"):
            yield where, block


def _version_content(asked: Asked) -> Iterator[Finding]:
    if asked.version < _VERSION_2026:
        return
    for turn in asked.turns:
        if turn.role == "assistant":
            for where, _ in _of(turn.blocks, "document"):
                yield Finding("request.version-content", where, "a document in an assistant message")
        elif turn.role == "user":
            inner = [
                (at(where, "content", n), text)
                for where, block in _of(turn.blocks, "search_result")
                for n, text in numbered(block.get("content"))
            ]
            for where, block in (*_of(turn.blocks, "text"), *inner):
                if block.get("citations"):
                    yield Finding("request.version-content", where, "citations on a text of the user")


_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def _tools(asked: Asked) -> Iterator[Finding]:
    names: set[str] = set()
    for n, tool in asked.tools:
        name = tool.get("name")
        if isinstance(name, str):
            if name in names:
                yield Finding("request.tools", at("tools", n, "name"), f"a second tool named {shown(name)}")
            names.add(name)
            if not _TOOL_NAME.fullmatch(name):
                yield Finding("request.tools", at("tools", n, "name"), f"the name {shown(name)}")
        wanted = tool.get("input_schema")
        if not isinstance(wanted, dict):
            continue
        if wanted.get("type") != "object":
            yield Finding("request.tools", at("tools", n, "input_schema"), f"its type is {shown(wanted.get('type'))}")
        for m, example in numbered(tool.get("input_examples")):
            for _, problem in obeys_schema(example, wanted):
                yield Finding("request.tools", at("tools", n, "input_examples", m), problem)


def _tool_choice(asked: Asked) -> Iterator[Finding]:
    choice = member(asked.body, "tool_choice")
    if asked.forces_a_tool and not asked.tools and not asked.body.get("mcp_servers"):
        yield Finding("request.tool-choice", "tool_choice", "a forced tool, and there are no tools")
    elif choice.get("type") == "tool":
        names = [tool.get("name") for _, tool in asked.tools]
        # The tools of a toolset or an MCP server have names of their own.
        if choice.get("name") not in names and None not in names and not asked.body.get("mcp_servers"):
            found = f"{shown(choice.get('name'))}, there are {shown(names)}"
            yield Finding("request.tool-choice", "tool_choice.name", found)


def _citations(asked: Asked) -> Iterator[Finding]:
    documents = [entry for turn in asked.turns for entry in _of(turn.blocks, "document")]
    on = [(where, member(block, "citations").get("enabled") is True) for where, block in documents]
    if len({enabled for _, enabled in on}) > 1:
        where = next(where for where, enabled in on if not enabled)
        yield Finding("request.citations", where, "citations are off here, and on for another document")
    if asked.wants_json and any(enabled for _, enabled in on):
        yield Finding("request.citations", "output_config.format", "structured output with citations")


_PLACES = ("city", "region", "country", "timezone")


def _domains(asked: Asked) -> Iterator[Finding]:
    for n, tool in asked.tools:
        if tool.get("allowed_domains") and tool.get("blocked_domains"):
            yield Finding("request.domains", at("tools", n), "allowed_domains and blocked_domains")
        location = tool.get("user_location")
        if isinstance(location, dict) and not any(location.get(place) for place in _PLACES):
            yield Finding("request.domains", at("tools", n, "user_location"), "it names no place")


def _strict(asked: Asked) -> Iterator[Finding]:
    strict = [(at("tools", n, "input_schema"), tool) for n, tool in asked.tools if tool.get("strict") is True]
    wanted = [(where, tool.get("input_schema")) for where, tool in strict]
    output = member(asked.body, "output_config").get("format") or asked.body.get("output_format")
    if isinstance(output, dict):
        wanted.append(("output_config.format.schema", output.get("schema")))
    for where, problem in strict_limits(wanted, tools=len(strict)):
        yield Finding("request.strict", where, problem)


def _texts(asked: Asked) -> Iterator[Finding]:
    for turn in asked.turns:
        # The turn may be a plain string, which is not judged as a block.
        if isinstance(turn.message.get("content"), str):
            continue
        for where, block in _of(turn.blocks, "text"):
            text = block.get("text")
            if isinstance(text, str) and text and not text.strip():
                yield Finding("request.text", where, "the text is white space", level=Level.HINT)


_MOST = 100_000
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def _batch(asked: Asked) -> Iterator[Finding]:
    requests = numbered(asked.body.get("requests"))
    if len(requests) > _MOST:
        yield Finding("request.batch", "requests", f"{len(requests)} requests")
    seen: set[object] = set()
    for n, entry in requests:
        identity = entry.get("custom_id")
        if isinstance(identity, str):
            if identity in seen:
                found = f"a second request with custom_id {shown(identity)}"
                yield Finding("request.batch", at("requests", n, "custom_id"), found)
            if not _CUSTOM_ID.fullmatch(identity):
                yield Finding("request.batch", at("requests", n, "custom_id"), f"the custom_id {shown(identity)}")
            seen.add(identity)
        if member(entry, "params").get("stream") is True:
            yield Finding("request.batch", at("requests", n, "params.stream"), "a streamed request")


_RULES: tuple[Callable[[Asked], Iterator[Finding]], ...] = (
    _prewarm,
    _first_role,
    _prefill,
    _system_role,
    _tool_results,
    _thinking,
    _thinking_blocks,
    _cache_control,
    _version_content,
    _tools,
    _tool_choice,
    _citations,
    _domains,
    _strict,
    _texts,
)
