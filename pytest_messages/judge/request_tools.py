"""Are the tools of a request lawful? Names, schemas, choice, domains, strictness."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_messages.api.jsons import path
from pytest_messages.findings import Level
from pytest_messages.judge.asked import Asked, rule
from pytest_messages.judge.documentation import DEFINE_TOOLS, STRUCTURED, WEB_SEARCH
from pytest_messages.judge.rules import Breach
from pytest_messages.judge.subset import strict_limits
from pytest_messages.judge.user_schemas import obeys_schema
from pytest_messages.judge.values import member, numbered, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


@rule(
    "request.tools",
    Level.VIOLATION,
    DEFINE_TOOLS,
    "Tools have names of their own, of letters, digits, _ and -, an input_schema "
    "of type object, and examples that obey it.",
    "R15",
)
def tools(asked: Asked) -> Iterator[Breach]:
    names: set[str] = set()
    for n, tool in asked.tools:
        name = tool.get("name")
        if isinstance(name, str):
            if name in names:
                yield Breach(path("tools", n, "name"), f"a second tool named {shown(name)}")
            names.add(name)
            if not _TOOL_NAME.fullmatch(name):
                yield Breach(path("tools", n, "name"), f"the name {shown(name)}")
        wanted = tool.get("input_schema")
        if not isinstance(wanted, dict):
            continue
        if wanted.get("type") != "object":
            yield Breach(path("tools", n, "input_schema"), f"its type is {shown(wanted.get('type'))}")
        for m, example in numbered(tool.get("input_examples")):
            for _, problem in obeys_schema(example, wanted):
                yield Breach(path("tools", n, "input_examples", m), problem)


@rule("request.tool-choice", Level.VIOLATION, DEFINE_TOOLS, "A forced tool is one of the request's tools.", "R16")
def tool_choice(asked: Asked) -> Iterator[Breach]:
    choice = member(asked.body, "tool_choice")
    if asked.continues and not asked.tools:
        return  # the tools of a thread are those it began with
    if asked.forces_a_tool and not asked.tools and not asked.body.get("mcp_servers"):
        yield Breach("tool_choice", "a forced tool, and there are no tools")
    elif choice.get("type") == "tool":
        names = [tool.get("name") for _, tool in asked.tools]
        # The tools of a toolset or an MCP server have names of their own.
        if choice.get("name") not in names and None not in names and not asked.body.get("mcp_servers"):
            found = f"{shown(choice.get('name'))}, there are {shown(names)}"
            yield Breach("tool_choice.name", found)


_PLACES = ("city", "region", "country", "timezone")


@rule(
    "request.domains",
    Level.VIOLATION,
    WEB_SEARCH,
    "A web tool has allowed or blocked domains, not both, and a user_location names a place.",
    "R18",
)
def domains(asked: Asked) -> Iterator[Breach]:
    for n, tool in asked.tools:
        if tool.get("allowed_domains") and tool.get("blocked_domains"):
            yield Breach(path("tools", n), "allowed_domains and blocked_domains")
        location = tool.get("user_location")
        if isinstance(location, dict) and not any(location.get(place) for place in _PLACES):
            yield Breach(path("tools", n, "user_location"), "it names no place")


@rule(
    "request.strict",
    Level.VIOLATION,
    STRUCTURED,
    "Strict schemas stay within 20 tools, 24 optional and 16 union parameters, and within "
    "the supported part of JSON Schema.",
    "R19",
)
def strict(asked: Asked) -> Iterator[Breach]:
    strict = [(path("tools", n, "input_schema"), tool) for n, tool in asked.tools if tool.get("strict") is True]
    wanted = [(where, tool.get("input_schema")) for where, tool in strict]
    output = member(asked.body, "output_config").get("format") or asked.body.get("output_format")
    if isinstance(output, dict):
        wanted.append(("output_config.format.schema", output.get("schema")))
    for where, problem in strict_limits(wanted, tools=len(strict)):
        yield Breach(where, problem)
