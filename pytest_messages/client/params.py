"""What a call takes: the documented body as keyword arguments, and what travels in headers."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from pytest_messages.api import schema

# The fields of a request but for ``stream``, which the overloads of ``create`` decide.
from pytest_messages.api.schema.request import AssistantMessageParam, CallParams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_messages.api.schema import Message


class _InHeaders(TypedDict, total=False):
    betas: Sequence[str]
    user_profile_id: str
    workspace_id: str
    anthropic_version: str


HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "betas": "anthropic-beta",
        "user_profile_id": "anthropic-user-profile-id",
        "workspace_id": "anthropic-workspace-id",
        "anthropic_version": "anthropic-version",
    }
)
"""Parameters that are headers on the wire, though official SDKs take most of them as parameters too."""


class CreateParams(CallParams, _InHeaders):
    """What ``create`` and ``stream`` take. https://platform.claude.com/docs/en/api/messages."""

    model: str
    max_tokens: int


class CountParams(schema.CountTokensParams, _InHeaders):
    """What ``count_tokens`` takes. https://platform.claude.com/docs/en/api/messages/count_tokens."""


def as_turn(message: Message) -> AssistantMessageParam:
    """Return ``message`` as a turn of the next request, every field of its blocks as it came, signatures included."""
    content = message.model_dump(mode="json", by_alias=True, exclude_unset=True)["content"]
    return {"role": "assistant", "content": content}
