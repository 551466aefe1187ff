"""A message as its rules see it, beside the request that it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from pytest_messages.judge.rules import Rules
from pytest_messages.judge.values import Json, continues, member, numbered, objects, word


# `eq=False`: compared by nobody, and the cached properties need its dictionary.
@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """A message, and the body of the request that it answers (empty where none was kept)."""

    message: Json
    request: Json = field(default_factory=dict)

    @cached_property
    def blocks(self) -> list[tuple[int, Json]]:
        """The content blocks with their places."""
        return numbered(self.message.get("content"))

    def of(self, *kinds: str) -> list[tuple[int, Json]]:
        """Return the blocks of the given types."""
        return [(n, block) for n, block in self.blocks if block.get("type") in kinds]

    @property
    def reason(self) -> str | None:
        """The stop reason; what is no text is read as an empty one."""
        return None if self.message.get("stop_reason") is None else word(self.message, "stop_reason")

    @property
    def usage(self) -> Json:
        """The usage."""
        return member(self.message, "usage")

    @property
    def tools(self) -> list[Json]:
        """The tools of the request."""
        return objects(self.request.get("tools"))

    @property
    def choice(self) -> Json:
        """The tool choice of the request."""
        return member(self.request, "tool_choice")

    @property
    def continues(self) -> bool:
        """Tell whether the server holds the turns before those of the request."""
        return continues(self.request)

    @property
    def tools_may_come_from_elsewhere(self) -> bool:
        """Tell whether tools may be called that no entry of `tools` names.

        Those of toolsets and MCP servers, inline tools, and what a thread was given where it began.
        """
        given_before = self.continues or bool(self.request.get("mcp_servers"))
        return given_before or any("name" not in tool for tool in self.tools)


rule = Rules[Answer]("message")
"""Declares a rule of messages, as the decorator of the function that applies it."""
