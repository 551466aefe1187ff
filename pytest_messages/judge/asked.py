"""A request as its rules see it: the body, what its headers say, and its turns."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_messages.api import schema
from pytest_messages.api.jsons import path
from pytest_messages.judge.rules import Rules
from pytest_messages.judge.values import Json, continues, member, numbered, word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_messages.api.schema import Kind
    from pytest_messages.providers import Provider
    from pytest_messages.wire import Headers

_FORCED = frozenset({"any", "tool"})


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
            role, blocks = str(message.get("role")), blocks_of(message.get("content"), ("messages", n, "content"))
            if turns and turns[-1].role == role:
                turns[-1].blocks.extend(blocks)
            else:
                turns.append(Turn(role, path("messages", n), blocks, message))
        return turns

    @property
    def continues(self) -> bool:
        """Tell whether the server holds the turns before those of the request."""
        return continues(self.body)

    @cached_property
    def before(self) -> Turn | None:
        """The turn that the first of `turns` follows: in a continued thread, the answer that it goes on from.

        None at the beginning of a conversation, and where the answer is not among those seen.
        """
        name = member(self.body, "thread").get("previous_message_id")
        if not self.continues or not isinstance(name, str):
            return None
        message = next((message for message in reversed(self.earlier) if message.get("id") == name), None)
        if message is None:
            return None
        return Turn("assistant", f"message {name}", blocks_of(message.get("content"), ("content",)), message)

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


def blocks_of(content: object, steps: tuple[str | int, ...]) -> list[Block]:
    """Return the blocks of a message's content, of which a plain string is one."""
    if isinstance(content, str):
        return [(path(*steps), {"type": "text", "text": content})]
    return [(path(*steps, n), block) for n, block in numbered(content)]


def of_type(blocks: Iterable[Block], *kinds: str) -> list[Block]:
    """Return the blocks of the given types."""
    return [(where, block) for where, block in blocks if block.get("type") in kinds]


rule = Rules[Asked]("request")
"""Declares a rule of requests, as the decorator of the function that applies it."""
