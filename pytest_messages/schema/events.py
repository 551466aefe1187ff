"""The events of a streamed message, one JSON object each."""

from typing import Annotated, Literal, TypeAlias

from pytest_messages.schema.base import Beta, ByType, Count, Open, Reply, Unknown, documented
from pytest_messages.schema.citations import Citation
from pytest_messages.schema.errors import ErrorObject
from pytest_messages.schema.message import (
    Container,
    ContentBlock,
    ContextManagement,
    InputTransformations,
    Message,
    StopDetails,
    StopReason,
)
from pytest_messages.schema.usage import COMPACTION, DeltaUsage

PAGE = "build-with-claude/streaming"


# --- Deltas of a block ---------------------------------------------------------------------------------------------


@documented(PAGE)
class TextDelta(Reply):
    """More text."""

    type: Literal["text_delta"]
    text: str


@documented(PAGE)
class InputJsonDelta(Reply):
    """More of a tool's input, a piece of a JSON object."""

    type: Literal["input_json_delta"]
    partial_json: str


@documented(PAGE)
class CitationsDelta(Reply):
    """One citation of the text so far."""

    type: Literal["citations_delta"]
    citation: Citation


@documented(PAGE)
class ThinkingDelta(Reply):
    """More thinking."""

    type: Literal["thinking_delta"]
    thinking: str
    estimated_tokens: Annotated[Count | None, Beta("thinking-token-count-2026-05-13")] = None


@documented(PAGE)
class SignatureDelta(Reply):
    """The signature of the thinking, once, at its end."""

    type: Literal["signature_delta"]
    signature: str


@documented(COMPACTION, since="2026-01-12", beta="compact-2026-01-12")
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


@documented(PAGE)
class MessageStartEvent(Reply):
    """The message, still empty."""

    type: Literal["message_start"]
    message: Message


@documented(PAGE)
class ContentBlockStartEvent(Reply):
    """A block begins; those that are not streamed come whole."""

    type: Literal["content_block_start"]
    index: Count
    content_block: ContentBlock


@documented(PAGE)
class ContentBlockDeltaEvent(Reply):
    """A block grows."""

    type: Literal["content_block_delta"]
    index: Count
    delta: BlockDelta


@documented(PAGE)
class ContentBlockStopEvent(Reply):
    """A block is complete."""

    type: Literal["content_block_stop"]
    index: Count


@documented(PAGE)
class MessageDelta(Reply):
    """What became known of the message at its end."""

    stop_reason: Annotated[Open[StopReason] | None, Beta("compact-2026-01-12", ("compaction",))] = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    container: Container | None = None


@documented(PAGE)
class MessageDeltaEvent(Reply):
    """The message changes at its top level; the usage is cumulative."""

    type: Literal["message_delta"]
    delta: MessageDelta
    usage: DeltaUsage
    context_management: Annotated[ContextManagement | None, Beta("context-management-2025-06-27")] = None
    input_transformations: Annotated[InputTransformations | None, Beta("thinking-binding-controls-2026-08-01")] = None


@documented(PAGE)
class MessageStopEvent(Reply):
    """The message is complete."""

    type: Literal["message_stop"]


@documented(PAGE)
class PingEvent(Reply):
    """The stream is alive."""

    type: Literal["ping"]


@documented(PAGE)
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
