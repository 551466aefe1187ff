"""The events of a streamed message, one JSON object each."""

from typing import Annotated, Literal, TypeAlias

from pytest_messages.api.schema import betas, pages
from pytest_messages.api.schema.base import Beta, Count, Reply, Unknown, documented
from pytest_messages.api.schema.citations import Citation
from pytest_messages.api.schema.error_bodies import ErrorObject
from pytest_messages.api.schema.message import (
    Container,
    ContentBlock,
    ContextManagement,
    InputTransformations,
    Message,
    StopDetails,
    StopReason,
)
from pytest_messages.api.schema.unions import ByType, Open
from pytest_messages.api.schema.usage import DeltaUsage

# --- Deltas of a block ---------------------------------------------------------------------------------------------


@documented(pages.STREAMING)
class TextDelta(Reply):
    """More text."""

    type: Literal["text_delta"]
    text: str


@documented(pages.STREAMING)
class InputJsonDelta(Reply):
    """More of a tool's input, a piece of a JSON object."""

    type: Literal["input_json_delta"]
    partial_json: str


@documented(pages.STREAMING)
class CitationsDelta(Reply):
    """One citation of the text so far."""

    type: Literal["citations_delta"]
    citation: Citation


@documented(pages.STREAMING)
class ThinkingDelta(Reply):
    """More thinking."""

    type: Literal["thinking_delta"]
    thinking: str
    estimated_tokens: Annotated[Count | None, Beta(betas.THINKING_TOKENS)] = None


@documented(pages.STREAMING)
class SignatureDelta(Reply):
    """The signature of the thinking, once, at its end."""

    type: Literal["signature_delta"]
    signature: str


@documented(pages.COMPACTION, since="2026-01-12", beta=betas.COMPACT)
class CompactionDelta(Reply):
    """The summary, whole."""

    type: Literal["compaction_delta"]
    content: str | None = None
    encrypted_content: str | None = None


class UnknownDelta(Unknown):
    """A delta of a type that the documentation does not list."""


BlockDelta: TypeAlias = Annotated[
    TextDelta | InputJsonDelta | CitationsDelta | ThinkingDelta | SignatureDelta | CompactionDelta | UnknownDelta,
    ByType(),
]


# --- Events --------------------------------------------------------------------------------------------------------


@documented(pages.STREAMING)
class MessageStartEvent(Reply):
    """The message, still empty."""

    type: Literal["message_start"]
    message: Message


@documented(pages.STREAMING)
class ContentBlockStartEvent(Reply):
    """A block begins; those that are not streamed come whole."""

    type: Literal["content_block_start"]
    index: Count
    content_block: ContentBlock


@documented(pages.STREAMING)
class ContentBlockDeltaEvent(Reply):
    """A block grows."""

    type: Literal["content_block_delta"]
    index: Count
    delta: BlockDelta


@documented(pages.STREAMING)
class ContentBlockStopEvent(Reply):
    """A block is complete."""

    type: Literal["content_block_stop"]
    index: Count


@documented(pages.STREAMING)
class MessageDelta(Reply):
    """What became known of the message at its end."""

    stop_reason: Annotated[Open[StopReason] | None, Beta(betas.COMPACT, ("compaction",))] = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    container: Container | None = None


@documented(pages.STREAMING)
class MessageDeltaEvent(Reply):
    """The message changes at its top level; the usage is cumulative."""

    type: Literal["message_delta"]
    delta: MessageDelta
    usage: DeltaUsage
    context_management: Annotated[ContextManagement | None, Beta(betas.CONTEXT_MANAGEMENT)] = None
    input_transformations: Annotated[InputTransformations | None, Beta(betas.THINKING_BINDING)] = None


@documented(pages.STREAMING)
class MessageStopEvent(Reply):
    """The message is complete."""

    type: Literal["message_stop"]


@documented(pages.STREAMING)
class PingEvent(Reply):
    """The stream is alive."""

    type: Literal["ping"]


@documented(pages.STREAMING)
class ErrorEvent(Reply):
    """The stream ends here, on a response of status 200."""

    type: Literal["error"]
    error: ErrorObject
    request_id: str | None = None


class UnknownEvent(Unknown):
    """An event of a type that the documentation does not list."""


StreamEvent: TypeAlias = Annotated[
    MessageStartEvent
    | ContentBlockStartEvent
    | ContentBlockDeltaEvent
    | ContentBlockStopEvent
    | MessageDeltaEvent
    | MessageStopEvent
    | PingEvent
    | ErrorEvent
    | UnknownEvent,
    ByType(),
]
