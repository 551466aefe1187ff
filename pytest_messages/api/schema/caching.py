"""Where a prompt may be cached."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from pytest_messages.api.schema import pages
from pytest_messages.api.schema.base import documented


@documented(pages.CACHING)
class CacheControlParam(TypedDict):
    """A breakpoint: the prompt up to here is cached for five minutes, or an hour."""

    type: Literal["ephemeral"]
    ttl: NotRequired[Literal["5m", "1h"]]
