"""The message that a model answers with, block by block."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints

from pytest_messages.api.schema import betas, pages
from pytest_messages.api.schema.base import Beta, Count, Reply, Timestamp, Unknown, documented
from pytest_messages.api.schema.citations import Citation
from pytest_messages.api.schema.results import (
    AdvisorContent,
    BashCodeExecutionContent,
    CodeExecutionContent,
    TextEditorCodeExecutionContent,
    ToolSearchContent,
    UnknownResult,
    WebFetchContent,
    WebSearchContent,
)
from pytest_messages.api.schema.tools import AddedTool, RemovedTool
from pytest_messages.api.schema.unions import ByShape, ByType, Open
from pytest_messages.api.schema.usage import Usage

StopReason = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
    "compaction",
]
RefusalCategory = Literal["cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms"]
ServerToolName = Literal[
    "web_search",
    "web_fetch",
    "code_execution",
    "bash_code_execution",
    "text_editor_code_execution",
    "tool_search_tool_regex",
    "tool_search_tool_bm25",
    "advisor",
]
_Input: TypeAlias = dict[str, Any]


# --- Text and thinking ---------------------------------------------------------------------------------------------


@documented(pages.MESSAGES)
class TextBlock(Reply):
    """What the model says."""

    type: Literal["text"]
    text: Annotated[str, StringConstraints(max_length=5_000_000)]
    citations: list[Citation] | None = None


@documented(pages.THINKING)
class ThinkingBlock(Reply):
    """What the model thought; the text is empty where it is not shown."""

    type: Literal["thinking"]
    thinking: str
    signature: str


@documented(pages.THINKING)
class RedactedThinkingBlock(Reply):
    """What the model thought, for the model only."""

    type: Literal["redacted_thinking"]
    data: str


# --- Calls of tools ------------------------------------------------------------------------------------------------


@documented(pages.PROGRAMMATIC_CALLS)
class DirectCaller(Reply):
    """The model called the tool itself."""

    type: Literal["direct"]


@documented(pages.PROGRAMMATIC_CALLS, since="2025-08-25")
class CodeCaller(Reply):
    """Code that the model wrote called the tool; ``tool_id`` is the call that runs it."""

    type: Literal["code_execution_20250825", "code_execution_20260120"]
    tool_id: str


class UnknownCaller(Unknown):
    """A caller that the documentation does not list."""


Caller: TypeAlias = Annotated[DirectCaller | CodeCaller | UnknownCaller, ByType()]


@documented(pages.TOOL_CALLS)
class ToolUseBlock(Reply):
    """A call of a tool that the client runs."""

    type: Literal["tool_use"]
    id: str
    name: Annotated[str, StringConstraints(min_length=1)]
    input: _Input
    # Documented as always there; traffic from before programmatic calls does not have it.
    caller: Caller | None = None
    toolset_name: str | None = None


@documented(pages.SERVER_TOOLS, since="2025-03-05")
class ServerToolUseBlock(Reply):
    """A call of a tool that the API runs."""

    type: Literal["server_tool_use"]
    id: str
    name: Annotated[Open[ServerToolName], Beta(betas.ADVISOR_TOOL, ("advisor",))]
    input: _Input
    caller: Caller | None = None


@documented(pages.MCP, since="2025-04-04", beta=betas.MCP_CLIENT)
class McpToolUseBlock(Reply):
    """A call of a tool of an MCP server."""

    type: Literal["mcp_tool_use"]
    id: str
    name: str
    server_name: str
    input: _Input


# --- Results of tools ----------------------------------------------------------------------------------------------


@documented(pages.WEB_SEARCH, since="2025-03-05")
class WebSearchToolResultBlock(Reply):
    """What the web search found."""

    type: Literal["web_search_tool_result"]
    tool_use_id: str
    content: WebSearchContent
    caller: Caller | None = None


@documented(pages.WEB_FETCH, since="2025-09-10")
class WebFetchToolResultBlock(Reply):
    """What was fetched."""

    type: Literal["web_fetch_tool_result"]
    tool_use_id: str
    content: WebFetchContent
    caller: Caller | None = None


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class CodeExecutionToolResultBlock(Reply):
    """What the code did."""

    type: Literal["code_execution_tool_result"]
    tool_use_id: str
    content: CodeExecutionContent


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class BashCodeExecutionToolResultBlock(Reply):
    """What the command did."""

    type: Literal["bash_code_execution_tool_result"]
    tool_use_id: str
    content: BashCodeExecutionContent


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class TextEditorCodeExecutionToolResultBlock(Reply):
    """What the editor did."""

    type: Literal["text_editor_code_execution_tool_result"]
    tool_use_id: str
    content: TextEditorCodeExecutionContent


@documented(pages.TOOL_SEARCH, since="2025-11-19")
class ToolSearchToolResultBlock(Reply):
    """What the tool search found."""

    type: Literal["tool_search_tool_result"]
    tool_use_id: str
    content: ToolSearchContent


@documented(pages.ADVISOR, since="2026-03-01", beta=betas.ADVISOR_TOOL)
class AdvisorToolResultBlock(Reply):
    """What the advisor answered."""

    type: Literal["advisor_tool_result"]
    tool_use_id: str
    content: AdvisorContent


@documented(pages.MCP, since="2025-04-04", beta=betas.MCP_CLIENT)
class McpToolResultBlock(Reply):
    """What a tool of an MCP server answered."""

    type: Literal["mcp_tool_result"]
    tool_use_id: str
    is_error: bool
    content: Annotated[str | list[Annotated[TextBlock | UnknownResult, ByType()]], ByShape()]


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class ContainerUploadBlock(Reply):
    """A file in the container."""

    type: Literal["container_upload"]
    file_id: str


# --- Changes of the conversation -----------------------------------------------------------------------------------


@documented(pages.MCP, since="2026-09-15", beta=betas.MCP_LISTINGS)
class McpTool(Reply):
    """A tool as its server listed it."""

    name: str
    input_schema: _Input
    description: str | None = None


@documented(pages.MCP, since="2026-09-15", beta=betas.MCP_LISTINGS)
class McpToolListingBlock(Reply):
    """The tools of an MCP server."""

    type: Literal["mcp_tool_listing"]
    mcp_server_name: str
    tools: list[McpTool]


@documented(pages.DEFINE_TOOLS, since="2026-07-01", beta=betas.TOOL_CHANGES)
class ToolAdditionBlock(Reply):
    """A tool that came during the conversation."""

    type: Literal["tool_addition"]
    tool: AddedTool


@documented(pages.DEFINE_TOOLS, since="2026-07-01", beta=betas.TOOL_CHANGES)
class ToolRemovalBlock(Reply):
    """A tool that went during the conversation."""

    type: Literal["tool_removal"]
    tool: RemovedTool


class UnknownToolChange(Unknown):
    """A change of the tools that the documentation does not list."""


@documented(pages.COMPACTION, since="2026-01-12", beta=betas.COMPACT)
class CompactionBlock(Reply):
    """A summary that stands for the conversation before it."""

    type: Literal["compaction"]
    content: str | None = None
    encrypted_content: str | None = None
    signature: str | None = None
    tool_changes: list[Annotated[ToolAdditionBlock | ToolRemovalBlock | UnknownToolChange, ByType()]] | None = None


@documented(pages.REFUSALS, since="2026-06-01", beta=betas.FALLBACK)
class FallbackModel(Reply):
    """A model on one side of a fallback."""

    model: str


@documented(pages.REFUSALS, since="2026-06-01", beta=betas.FALLBACK)
class FallbackTrigger(Reply):
    """Why another model took over."""

    type: Literal["refusal"]
    category: Open[RefusalCategory] | None = None


class UnknownTrigger(Unknown):
    """A reason that the documentation does not list."""


@documented(pages.REFUSALS, since="2026-06-01", beta=betas.FALLBACK)
class FallbackBlock(Reply):
    """From here on another model answers."""

    type: Literal["fallback"]
    from_: FallbackModel = Field(alias="from")
    to: FallbackModel
    trigger: Annotated[FallbackTrigger | UnknownTrigger, ByType()]


class UnknownBlock(Unknown):
    """A block of a type that the documentation does not list."""


ContentBlock: TypeAlias = Annotated[
    TextBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ServerToolUseBlock
    | WebSearchToolResultBlock
    | WebFetchToolResultBlock
    | CodeExecutionToolResultBlock
    | BashCodeExecutionToolResultBlock
    | TextEditorCodeExecutionToolResultBlock
    | ToolSearchToolResultBlock
    | ContainerUploadBlock
    | McpToolUseBlock
    | McpToolResultBlock
    | McpToolListingBlock
    | AdvisorToolResultBlock
    | CompactionBlock
    | FallbackBlock
    | UnknownBlock,
    ByType(),
]


# --- What stands around the blocks ---------------------------------------------------------------------------------


@documented(pages.SKILLS, since="2025-10-02")
class ContainerSkill(Reply):
    """A skill that the container has."""

    skill_id: str
    type: Open[Literal["anthropic", "custom"]]
    version: str


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class Container(Reply):
    """Where the code ran; its ``id`` can be sent with the next request until it expires."""

    id: str
    expires_at: Timestamp
    skills: list[ContainerSkill] | None = None


@documented(pages.STOP_REASONS)
class RefusalStopDetails(Reply):
    """Why the model refused."""

    type: Literal["refusal"]
    category: Open[RefusalCategory] | None = None
    explanation: str | None = None
    fallback_credit_token: Annotated[str | None, Beta(betas.CREDIT)] = None
    fallback_has_prefill_claim: Annotated[bool | None, Beta(betas.CREDIT)] = None
    recommended_model: Annotated[str | None, Beta(betas.CREDIT)] = None


class UnknownStopDetails(Unknown):
    """Details of a stop reason for which the documentation lists none."""


StopDetails: TypeAlias = Annotated[RefusalStopDetails | UnknownStopDetails, ByType()]


@documented(pages.CACHE_DIAGNOSTICS, since="2026-04-07")
class CacheMissOfTokens(Reply):
    """A part of the prompt changed, and this much of it had to be read anew."""

    type: Literal["model_changed", "system_changed", "tools_changed", "messages_changed"]
    cache_missed_input_tokens: Count


@documented(pages.CACHE_DIAGNOSTICS, since="2026-04-07")
class CacheMiss(Reply):
    """The previous message is gone, or cannot be compared."""

    type: Literal["previous_message_not_found", "unavailable"]


class UnknownCacheMiss(Unknown):
    """A reason that the documentation does not list."""


@documented(pages.CACHE_DIAGNOSTICS, since="2026-04-07")
class Diagnostics(Reply):
    """Why the prompt was not found in the cache."""

    cache_miss_reason: Annotated[CacheMissOfTokens | CacheMiss | UnknownCacheMiss, ByType()] | None = None


@documented(pages.CONTEXT_EDITING, since="2025-06-27", beta=betas.CONTEXT_MANAGEMENT)
class ClearedToolUses(Reply):
    """Old tool uses were taken out of the prompt."""

    type: Literal["clear_tool_uses_20250919"]
    cleared_tool_uses: Count
    cleared_input_tokens: Count


@documented(pages.CONTEXT_EDITING, since="2025-10-15", beta=betas.CONTEXT_MANAGEMENT)
class ClearedThinking(Reply):
    """Old thinking was taken out of the prompt."""

    type: Literal["clear_thinking_20251015"]
    cleared_thinking_turns: Count
    cleared_input_tokens: Count


class UnknownEdit(Unknown):
    """An edit that the documentation does not list."""


@documented(pages.CONTEXT_EDITING, since="2025-06-27", beta=betas.CONTEXT_MANAGEMENT)
class ContextManagement(Reply):
    """What was taken out of the prompt."""

    applied_edits: list[Annotated[ClearedToolUses | ClearedThinking | UnknownEdit, ByType()]]


@documented(pages.PRESERVED_THINKING, since="2026-08-01", beta=betas.THINKING_BINDING)
class InputTransformation(Reply):
    """A thinking block of the request that is not the model's own was dropped, or let through."""

    type: Literal["thinking_dropped", "thinking_mismatch_allowed"]
    path: str
    reason: Open[
        Literal[
            "model_binding_mismatch",
            "prefix_binding_mismatch",
            "organization_binding_mismatch",
            "end_user_binding_mismatch",
        ]
    ]


class UnknownTransformation(Unknown):
    """A transformation that the documentation does not list."""


InputTransformations: TypeAlias = list[Annotated[InputTransformation | UnknownTransformation, ByType()]]


@documented(pages.MESSAGES)
class Message(Reply):
    """A message of the model: what a call answers, and what the events of a stream add up to."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[ContentBlock]
    stop_reason: Annotated[Open[StopReason] | None, Beta(betas.COMPACT, ("compaction",))] = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: Usage
    container: Container | None = None
    diagnostics: Diagnostics | None = None
    context_management: Annotated[ContextManagement | None, Beta(betas.CONTEXT_MANAGEMENT)] = None
    input_transformations: Annotated[InputTransformations | None, Beta(betas.THINKING_BINDING)] = None


# --- Token counts --------------------------------------------------------------------------------------------------


@documented(pages.COUNTING, since="2025-06-27", beta=betas.CONTEXT_MANAGEMENT)
class CountedContext(Reply):
    """How long the prompt would have been before its context was edited."""

    original_input_tokens: Count


@documented(pages.COUNTING, since="2024-11-01")
class TokenCount(Reply):
    """How long a prompt would be."""

    input_tokens: Count
    context_management: Annotated[CountedContext | None, Beta(betas.CONTEXT_MANAGEMENT)] = None
