"""Do the fields of a request go together? Rules across its fields, tools apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages.api.jsons import path
from pytest_messages.findings import Level
from pytest_messages.judge.asked import Asked, Block, of_type, rule
from pytest_messages.judge.documentation import API, CACHING, CITATIONS, THINKING, VERSIONING
from pytest_messages.judge.rules import Breach
from pytest_messages.judge.turns import is_served
from pytest_messages.judge.values import THOUGHTS, Json, count, member, numbered, word

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION_2026 = "2026-10-21"


@rule(
    "request.prewarm",
    Level.VIOLATION,
    CACHING,
    "max_tokens 0 goes without stream, thinking, output_config.format and forced tools.",
    "R2",
)
def prewarm(asked: Asked) -> Iterator[Breach]:
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
            yield Breach(where, f"{where} with max_tokens 0")


@rule(
    "request.thinking",
    Level.VIOLATION,
    THINKING,
    "budget_tokens is at least 1,024 and below max_tokens; thinking forbids forced tools, "
    "prefill and another temperature.",
    "R10",
)
def thinking(asked: Asked) -> Iterator[Breach]:
    thinking = member(asked.body, "thinking")
    if thinking.get("type") != "enabled":
        return
    budget, limit = count(thinking.get("budget_tokens")), count(asked.body.get("max_tokens"))
    interleaved = any(beta.startswith("interleaved-thinking") for beta in asked.betas)
    if budget is not None and limit is not None and budget >= limit and not interleaved:
        yield Breach("thinking.budget_tokens", f"{budget}, max_tokens is {limit}")
    if asked.forces_a_tool:
        yield Breach("tool_choice", "a forced tool with thinking")
    if asked.turns and asked.turns[-1].role == "assistant" and not is_served(asked.turns[-1].blocks):
        yield Breach(asked.turns[-1].where, "a prefill with thinking")
    if asked.body.get("temperature") not in (None, 1):
        yield Breach("temperature", "a temperature with thinking", level=Level.HINT)


_BREAKPOINTS = 4


@rule(
    "request.cache-control",
    Level.VIOLATION,
    CACHING,
    "At most 4 cache breakpoints, 1h before 5m, none on thinking or empty text.",
    "R12",
)
def cache_control(asked: Asked) -> Iterator[Breach]:
    points = list(_cached(asked))
    automatic = member(asked.body, "cache_control")
    if len(points) + bool(automatic) > _BREAKPOINTS:
        found = f"{len(points) + bool(automatic)} cache breakpoints"
        yield Breach((points or [("cache_control", {})])[-1][0], found)
    short = False
    for where, block in points:
        lives = _ttl(member(block, "cache_control"))
        if lives == "1h" and short:
            yield Breach(where, "a breakpoint of 1h behind one of 5m")
        short = short or lives == "5m"
        if word(block, "type") in THOUGHTS:
            yield Breach(where, f"a breakpoint on a {block['type']} block")
        if block.get("type") == "text" and block.get("text") == "":
            yield Breach(where, "a breakpoint on an empty text")
    if automatic and asked.turns and asked.turns[-1].blocks:
        where, block = asked.turns[-1].blocks[-1]
        if block.get("cache_control") and _ttl(member(block, "cache_control")) != _ttl(automatic):
            yield Breach(where, "another ttl than the automatic breakpoint has here")


def _ttl(control: Json) -> object:
    return control.get("ttl") or "5m"


def _cached(asked: Asked) -> Iterator[Block]:
    """Yield what carries a breakpoint, in the order in which a prompt is put together."""
    yield from ((path("tools", n), tool) for n, tool in asked.tools if tool.get("cache_control"))
    system = [(path("system", n), block) for n, block in numbered(asked.body.get("system"))]
    turns = [block for turn in asked.turns for block in turn.blocks]
    for where, block in (*system, *turns):
        for n, inner in numbered(block.get("content")):
            if inner.get("cache_control"):
                yield f"{where}.{path('content', n)}", inner
        if block.get("cache_control"):
            yield where, block


@rule(
    "request.version-content",
    Level.VIOLATION,
    VERSIONING,
    "From 2026-10-21 on, no document in an assistant message and no citations on text in a user message.",
    "R14",
)
def version_content(asked: Asked) -> Iterator[Breach]:
    if asked.version < _VERSION_2026:
        return
    for turn in asked.turns:
        if turn.role == "assistant":
            for where, _ in of_type(turn.blocks, "document"):
                yield Breach(where, "a document in an assistant message")
        elif turn.role == "user":
            inner = [
                (f"{where}.{path('content', n)}", text)
                for where, block in of_type(turn.blocks, "search_result")
                for n, text in numbered(block.get("content"))
            ]
            for where, block in (*of_type(turn.blocks, "text"), *inner):
                if block.get("citations"):
                    yield Breach(where, "citations on a text of the user")


@rule(
    "request.citations",
    Level.VIOLATION,
    CITATIONS,
    "Citations are on for all documents or for none, and not with structured output.",
    "R17",
)
def citations(asked: Asked) -> Iterator[Breach]:
    documents = [entry for turn in asked.turns for entry in of_type(turn.blocks, "document")]
    on = [(where, member(block, "citations").get("enabled") is True) for where, block in documents]
    if len({enabled for _, enabled in on}) > 1:
        where = next(where for where, enabled in on if not enabled)
        yield Breach(where, "citations are off here, and on for another document")
    if asked.wants_json and any(enabled for _, enabled in on):
        yield Breach("output_config.format", "structured output with citations")


@rule("request.text", Level.VIOLATION, API, "A text block is not empty.", "R23")
def texts(asked: Asked) -> Iterator[Breach]:
    for turn in asked.turns:
        # The turn may be a plain string, which is not judged as a block.
        if isinstance(turn.message.get("content"), str):
            continue
        for where, block in of_type(turn.blocks, "text"):
            text = block.get("text")
            if isinstance(text, str) and text and not text.strip():
                yield Breach(where, "the text is white space", level=Level.HINT)
