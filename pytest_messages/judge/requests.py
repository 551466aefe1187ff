"""Is this request one that the API documents to accept? Shape, and the rules across fields and turns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_messages.findings import Level
from pytest_messages.judge.asked import Asked as Asked  # noqa: PLC0414 - makers of requests take it from here
from pytest_messages.judge.asked import Block, of_type
from pytest_messages.judge.faults import Finding, Json, at, count, member, numbered, shown, word
from pytest_messages.judge.shape import judge_shape
from pytest_messages.judge.subset import strict_limits
from pytest_messages.judge.turns import TURNS, is_served
from pytest_messages.judge.user_schemas import obeys_schema
from pytest_messages.providers import unsupported
from pytest_messages.wire import header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_THINKING = frozenset({"thinking", "redacted_thinking"})
_VERSION_2026 = "2026-10-21"


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
    # Recorders strip headers: only where something is left may the version be missing, and even there it is no proof.
    elif provider.version_required and asked.said is None and header(asked.headers, "content-type"):
        yield Finding("request.version", "header anthropic-version", "there is none", level=Level.HINT)
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
    if asked.turns and asked.turns[-1].role == "assistant" and not is_served(asked.turns[-1].blocks):
        yield Finding("request.thinking", asked.turns[-1].where, "a prefill with thinking")
    if asked.body.get("temperature") not in (None, 1):
        yield Finding("request.thinking", "temperature", "a temperature with thinking", level=Level.HINT)


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
            for where, _ in of_type(turn.blocks, "document"):
                yield Finding("request.version-content", where, "a document in an assistant message")
        elif turn.role == "user":
            inner = [
                (at(where, "content", n), text)
                for where, block in of_type(turn.blocks, "search_result")
                for n, text in numbered(block.get("content"))
            ]
            for where, block in (*of_type(turn.blocks, "text"), *inner):
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
    documents = [entry for turn in asked.turns for entry in of_type(turn.blocks, "document")]
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
        for where, block in of_type(turn.blocks, "text"):
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
    *TURNS,
    _prewarm,
    _thinking,
    _cache_control,
    _version_content,
    _tools,
    _tool_choice,
    _citations,
    _domains,
    _strict,
    _texts,
)
