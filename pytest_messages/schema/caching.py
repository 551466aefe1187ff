"""Where a prompt may be cached."""

from typing import Literal

from typing_extensions import NotRequired, TypedDict

from pytest_messages.schema.base import documented


@documented("build-with-claude/prompt-caching")
class CacheControlParam(TypedDict):
    """A breakpoint: the prompt up to here is cached for five minutes, or an hour."""

    type: Literal["ephemeral"]
    ttl: NotRequired[Literal["5m", "1h"]]
