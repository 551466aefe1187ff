"""What is asked of the model: the body of ``POST /v1/messages`` and of its sibling that counts tokens."""

from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import Field, StringConstraints
from typing_extensions import TypedDict

from pytest_messages.api.schema import betas, pages
from pytest_messages.api.schema.base import OLD, Beta, Count, Legacy, Only, documented
from pytest_messages.api.schema.caching import CacheControlParam
from pytest_messages.api.schema.content import ContentBlockParam, SystemBlockParam, TextBlockParam
from pytest_messages.api.schema.tools import ToolDefinition
from pytest_messages.api.schema.unions import ByShape, ByType

Effort = Literal["low", "medium", "high", "xhigh", "max"]
RequestedSpeed = Literal["standard", "fast"]


# --- Messages ------------------------------------------------------------------------------------------------------


@documented(pages.MESSAGES)
class UserMessageParam(TypedDict):
    """A turn of the user."""

    role: Literal["user"]
    content: Annotated[str | list[ContentBlockParam], ByShape()]


@documented(pages.MESSAGES)
class AssistantMessageParam(TypedDict):
    """A turn of the model."""

    role: Literal["assistant"]
    content: Annotated[str | list[ContentBlockParam], ByShape()]


@documented(pages.SYSTEM_MESSAGES, since="2026-07-01", beta=betas.SYSTEM_EFFORT)
class SystemOutputConfigParam(TypedDict):
    """An effort from here on."""

    effort: NotRequired[Effort | None]


@documented(pages.SYSTEM_MESSAGES)
class SystemMessageParam(TypedDict):
    """An instruction in the middle of the conversation; with the beta it may do without content."""

    role: Literal["system"]
    content: NotRequired[Annotated[str | list[SystemBlockParam], ByShape()]]
    clear_at: NotRequired[Annotated[Literal["next_user_message", "never"] | None, Beta(betas.SYSTEM_CLEAR_AT)]]
    output_config: NotRequired[Annotated[SystemOutputConfigParam | None, Beta(betas.SYSTEM_EFFORT)]]


MessageParam: TypeAlias = Annotated[UserMessageParam | AssistantMessageParam | SystemMessageParam, ByType("role")]


# --- How to answer -------------------------------------------------------------------------------------------------


@documented(pages.STRUCTURED_OUTPUTS, since="2025-11-13")
class JsonOutputFormatParam(TypedDict):
    """The text of the answer is JSON of this schema."""

    type: Literal["json_schema"]
    schema: dict[str, Any]


@documented(pages.TASK_BUDGETS, since="2026-03-13", beta=betas.BUDGETS)
class TaskBudgetParam(TypedDict):
    """How many tokens the whole task may take."""

    type: Literal["tokens"]
    total: int
    remaining: NotRequired[int | None]


@documented(pages.EFFORT)
class OutputConfigParam(TypedDict):
    """How hard to try, and the form of the answer."""

    effort: NotRequired[Effort | None]
    format: NotRequired[JsonOutputFormatParam | None]
    task_budget: NotRequired[Annotated[TaskBudgetParam | None, Beta(betas.BUDGETS)]]


@documented(pages.PRESERVED_THINKING, since="2026-08-01", beta=betas.THINKING_BINDING)
class BlockBindingParam(TypedDict):
    """What to do with thinking blocks that do not belong here."""

    prefix_mismatch_behavior: NotRequired[Literal["error", "drop_block"] | None]


class _ShownThinking(TypedDict):
    display: NotRequired[
        Annotated[
            Literal["summarized", "omitted", "updates"] | None,
            Beta(betas.THINKING_UPDATES, ("updates",)),
        ]
    ]
    block_binding: NotRequired[Annotated[BlockBindingParam | None, Beta(betas.THINKING_BINDING)]]


@documented(pages.THINKING)
class ThinkingEnabledParam(_ShownThinking):
    """Think, within a budget."""

    type: Literal["enabled"]
    budget_tokens: Annotated[int, Field(ge=1024)]


@documented(pages.ADAPTIVE_THINKING, since="2026-02")
class ThinkingAdaptiveParam(_ShownThinking):
    """Think as much as it takes."""

    type: Literal["adaptive"]


@documented(pages.THINKING)
class ThinkingDisabledParam(TypedDict):
    """Do not think."""

    type: Literal["disabled"]


@documented(pages.THINKING, since="2026-10-21")
class ThinkingBetweenToolsParam(TypedDict):
    """Think between calls of tools."""

    type: Literal["between_tools"]


ThinkingParam: TypeAlias = Annotated[
    ThinkingEnabledParam | ThinkingAdaptiveParam | ThinkingDisabledParam | ThinkingBetweenToolsParam, ByType()
]


@documented(pages.DEFINE_TOOLS)
class ToolChoiceAutoParam(TypedDict):
    """The model may call tools."""

    type: Literal["auto"]
    disable_parallel_tool_use: NotRequired[bool]


@documented(pages.DEFINE_TOOLS)
class ToolChoiceAnyParam(TypedDict):
    """The model has to call a tool."""

    type: Literal["any"]
    disable_parallel_tool_use: NotRequired[bool]


@documented(pages.DEFINE_TOOLS)
class ToolChoiceToolParam(TypedDict):
    """The model has to call this tool."""

    type: Literal["tool"]
    name: str
    disable_parallel_tool_use: NotRequired[bool]


@documented(pages.DEFINE_TOOLS)
class ToolChoiceNoneParam(TypedDict):
    """The model may not call a tool."""

    type: Literal["none"]


ToolChoiceParam: TypeAlias = Annotated[
    ToolChoiceAutoParam | ToolChoiceAnyParam | ToolChoiceToolParam | ToolChoiceNoneParam, ByType()
]


# --- Where and for whom --------------------------------------------------------------------------------------------


@documented(pages.SKILLS, since="2025-10-02")
class SkillParam(TypedDict):
    """A skill for the container."""

    type: Literal["anthropic", "custom"]
    skill_id: str
    version: NotRequired[str]


@documented(pages.SKILLS, since="2025-10-02")
class ContainerParam(TypedDict):
    """Where code runs, and what it finds there."""

    id: NotRequired[str | None]
    skills: NotRequired[list[SkillParam] | None]


@documented(pages.CACHE_DIAGNOSTICS, since="2026-04-07")
class DiagnosticsParam(TypedDict):
    """Asks why the prompt was not found in the cache."""

    previous_message_id: NotRequired[str | None]


@documented(pages.MESSAGES)
class MetadataParam(TypedDict):
    """Who asks: an opaque name."""

    user_id: NotRequired[Annotated[str, StringConstraints(max_length=256)] | None]


@documented(pages.MCP, since="2025-04-04", beta=betas.MCP_CLIENT)
class McpToolConfigurationParam(TypedDict):
    """Which tools of the server may be called."""

    enabled: NotRequired[bool | None]
    allowed_tools: NotRequired[list[str] | None]


@documented(pages.MCP, since="2025-04-04", beta=betas.MCP_CLIENT)
class McpServerParam(TypedDict):
    """An MCP server."""

    type: Literal["url"]
    name: str
    url: str
    authorization_token: NotRequired[str | None]
    tool_configuration: NotRequired[McpToolConfigurationParam | None]


# --- Context and compaction ----------------------------------------------------------------------------------------


@documented(pages.CONTEXT_EDITING, since="2025-06-27", beta=betas.CONTEXT_MANAGEMENT)
class InputTokensParam(TypedDict):
    """So many tokens of the input."""

    type: Literal["input_tokens"]
    value: int


@documented(pages.CONTEXT_EDITING, since="2025-06-27", beta=betas.CONTEXT_MANAGEMENT)
class ToolUsesParam(TypedDict):
    """So many uses of tools."""

    type: Literal["tool_uses"]
    value: int


@documented(pages.CONTEXT_EDITING, since="2025-09-19", beta=betas.CONTEXT_MANAGEMENT)
class ClearToolUsesParam(TypedDict):
    """Take old tool uses out of the prompt."""

    type: Literal["clear_tool_uses_20250919"]
    trigger: NotRequired[Annotated[InputTokensParam | ToolUsesParam, ByType()]]
    keep: NotRequired[ToolUsesParam]
    clear_at_least: NotRequired[InputTokensParam | None]
    clear_tool_inputs: NotRequired[Annotated[bool | list[str], ByShape()] | None]
    exclude_tools: NotRequired[list[str] | None]


@documented(pages.CONTEXT_EDITING, since="2025-10-15", beta=betas.CONTEXT_MANAGEMENT)
class ThinkingTurnsParam(TypedDict):
    """The thinking of so many turns."""

    type: Literal["thinking_turns"]
    value: int


@documented(pages.CONTEXT_EDITING, since="2025-10-15", beta=betas.CONTEXT_MANAGEMENT)
class AllThinkingParam(TypedDict):
    """The thinking of all turns."""

    type: Literal["all"]


@documented(pages.CONTEXT_EDITING, since="2025-10-15", beta=betas.CONTEXT_MANAGEMENT)
class ClearThinkingParam(TypedDict):
    """Take old thinking out of the prompt."""

    type: Literal["clear_thinking_20251015"]
    keep: NotRequired[Annotated[Literal["all"] | Annotated[ThinkingTurnsParam | AllThinkingParam, ByType()], ByShape()]]


@documented(pages.COMPACTION, since="2026-01-12", beta=betas.COMPACT)
class CompactParam(TypedDict):
    """Put a summary in the place of the conversation when it has grown too long."""

    type: Literal["compact_20260112"]
    trigger: NotRequired[InputTokensParam | None]
    instructions: NotRequired[str | None]
    pause_after_compaction: NotRequired[bool]


@documented(pages.CONTEXT_EDITING, since="2025-06-27", beta=betas.CONTEXT_MANAGEMENT)
class ContextManagementParam(TypedDict):
    """What to take out of the prompt, and when."""

    edits: NotRequired[list[Annotated[ClearToolUsesParam | ClearThinkingParam | CompactParam, ByType()]]]


@documented(pages.COMPACTION_ON_DEMAND, since="2026-09-04", beta=betas.COMPACT_ON_DEMAND)
class CompactionParam(TypedDict):
    """Answer with a summary of the conversation."""

    type: Literal["summarize"]
    instructions: NotRequired[str | None]


# --- Fallback, billing, threads ------------------------------------------------------------------------------------


@documented(pages.FALLBACK_CREDIT, since="2026-06-01", beta=betas.CREDIT)
class FallbackCreditTokenParam(TypedDict):
    """The credit of a refused request."""

    token: str
    mode: NotRequired[Literal["strict", "best_effort"]]


@documented(pages.REFUSALS, since="2026-06-01", beta=betas.FALLBACK)
class FallbackParam(TypedDict):
    """A model to ask where the first one refuses, and what to ask it for."""

    model: str
    max_tokens: NotRequired[Count | None]
    output_config: NotRequired[OutputConfigParam | None]
    speed: NotRequired[RequestedSpeed | None]
    thinking: NotRequired[ThinkingParam | None]


@documented(pages.MESSAGES, since="2026-10-01", beta=betas.BILLING)
class BillingPolicyParam(TypedDict):
    """Who pays."""

    type: Literal["billing_policy"]
    bill_to: NotRequired[Literal["self", "user_profile"]]


@documented(pages.MESSAGES, since="2026-08-12", beta=betas.THREADS)
class ThreadCreateParam(TypedDict):
    """Begin a thread."""

    type: Literal["create"]


@documented(pages.MESSAGES, since="2026-08-12", beta=betas.THREADS)
class ThreadContinueParam(TypedDict):
    """Go on with a thread."""

    type: Literal["continue"]
    previous_message_id: str


# --- The bodies ----------------------------------------------------------------------------------------------------


class _Prompt(TypedDict):
    """What is sent to a model, and what is sent to count its tokens; a cloud has the model in the address."""

    messages: Annotated[list[MessageParam], Field(min_length=1, max_length=100_000)]
    cache_control: NotRequired[CacheControlParam | None]
    output_config: NotRequired[OutputConfigParam]
    output_format: NotRequired[Annotated[JsonOutputFormatParam | None, Legacy("output_config.format")]]
    speed: NotRequired[RequestedSpeed | None]
    system: NotRequired[Annotated[str | list[TextBlockParam], ByShape()]]
    thinking: NotRequired[ThinkingParam]
    tool_choice: NotRequired[ToolChoiceParam]
    tools: NotRequired[list[ToolDefinition]]
    billing_policy: NotRequired[Annotated[BillingPolicyParam | None, Beta(betas.BILLING)]]
    compaction: NotRequired[Annotated[CompactionParam | None, Beta(betas.COMPACT_ON_DEMAND)]]
    context_management: NotRequired[Annotated[ContextManagementParam | None, Beta(betas.CONTEXT_MANAGEMENT)]]
    mcp_servers: NotRequired[Annotated[list[McpServerParam], Beta(betas.MCP_CLIENT)]]


class CallParams(_Prompt):
    """What every body that asks for a message has; how long and of which model differs by where it is sent."""

    container: NotRequired[Annotated[str | ContainerParam, ByShape()] | None]
    diagnostics: NotRequired[DiagnosticsParam | None]
    inference_geo: NotRequired[str | None]
    metadata: NotRequired[MetadataParam]
    service_tier: NotRequired[Literal["auto", "standard_only"]]
    stop_sequences: NotRequired[list[str]]
    temperature: NotRequired[Annotated[float, Field(ge=0, le=1), Only(OLD)]]
    top_p: NotRequired[Annotated[float, Field(ge=0, le=1), Only(OLD)]]
    top_k: NotRequired[Annotated[Count, Only(OLD)]]
    fallback_credit_token: NotRequired[
        Annotated[Annotated[str | FallbackCreditTokenParam, ByShape()] | None, Beta(betas.CREDIT)]
    ]
    fallbacks: NotRequired[
        Annotated[Annotated[list[FallbackParam] | Literal["default"], ByShape()] | None, Beta(betas.FALLBACK)]
    ]
    thread: NotRequired[
        Annotated[Annotated[ThreadCreateParam | ThreadContinueParam, ByType()] | None, Beta(betas.THREADS)]
    ]


@documented(pages.MESSAGES)
class MessageParams(CallParams):
    """The body of ``POST /v1/messages``. ``max_tokens`` of zero only warms the cache."""

    model: str
    max_tokens: Count
    stream: NotRequired[bool]


@documented(pages.CLOUDS)
class CloudMessageParams(CallParams):
    """The body of a call through Bedrock or Vertex: the model is part of the address, the version of the body."""

    anthropic_version: str
    anthropic_beta: NotRequired[list[str]]
    max_tokens: Count
    stream: NotRequired[bool]


@documented(pages.BATCH_PROCESSING, since="2024-09-24")
class BatchedMessageParams(CallParams):
    """A message asked for in a batch: it is not streamed, and cannot be there for the cache alone."""

    model: str
    max_tokens: Annotated[int, Field(ge=1)]
    stream: NotRequired[Literal[False]]


@documented(pages.COUNTING, since="2024-11-01")
class CountTokensParams(_Prompt):
    """The body of ``POST /v1/messages/count_tokens``."""

    model: str
