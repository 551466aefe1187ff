"""What is asked of the model: the body of ``POST /v1/messages`` and of its sibling that counts tokens."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints
from typing_extensions import NotRequired, TypedDict

from pytest_messages.schema.base import Beta, ByShape, ByType, Count, Legacy, Only, documented
from pytest_messages.schema.caching import CacheControlParam
from pytest_messages.schema.content import ContentBlockParam, SystemBlockParam, TextBlockParam
from pytest_messages.schema.message import CONTEXT_EDITING, DIAGNOSTICS, FALLBACK_BETA, THINKING, TOKEN_COUNTING
from pytest_messages.schema.tools import DEFINE, MCP, ToolDefinition
from pytest_messages.schema.usage import COMPACTION, FALLBACK, MESSAGES

EFFORT = "build-with-claude/effort"
STRUCTURED_OUTPUTS = "build-with-claude/structured-outputs"
SYSTEM_CHANGES = "mid-conversation-output-config-2026-07-01"

Effort = Literal["low", "medium", "high", "xhigh", "max"]
RequestedSpeed = Literal["standard", "fast"]


# --- Messages ------------------------------------------------------------------------------------------------------


@documented(MESSAGES)
class UserMessageParam(TypedDict):
    """A turn of the user."""

    role: Literal["user"]
    content: Annotated[str | list[ContentBlockParam], ByShape()]


@documented(MESSAGES)
class AssistantMessageParam(TypedDict):
    """A turn of the model."""

    role: Literal["assistant"]
    content: Annotated[str | list[ContentBlockParam], ByShape()]


@documented(EFFORT, since="2026-07-01", beta=SYSTEM_CHANGES)
class SystemOutputConfigParam(TypedDict):
    """An effort from here on."""

    effort: NotRequired[Effort | None]


@documented(MESSAGES)
class SystemMessageParam(TypedDict):
    """An instruction in the middle of the conversation; with the beta it may do without content."""

    role: Literal["system"]
    content: NotRequired[Annotated[str | list[SystemBlockParam], ByShape()]]
    clear_at: NotRequired[
        Annotated[Literal["next_user_message", "never"] | None, Beta("mid-conversation-system-clear-at-2026-08-21")]
    ]
    output_config: NotRequired[Annotated[SystemOutputConfigParam | None, Beta(SYSTEM_CHANGES)]]


MessageParam: TypeAlias = Annotated[UserMessageParam | AssistantMessageParam | SystemMessageParam, ByType("role")]


# --- How to answer -------------------------------------------------------------------------------------------------


@documented(STRUCTURED_OUTPUTS, since="2025-11-13")
class JsonOutputFormatParam(TypedDict):
    """The text of the answer is JSON of this schema."""

    type: Literal["json_schema"]
    schema: dict[str, Any]


@documented("build-with-claude/task-budgets", since="2026-03-13", beta="task-budgets-2026-03-13")
class TaskBudgetParam(TypedDict):
    """How many tokens the whole task may take."""

    type: Literal["tokens"]
    total: int
    remaining: NotRequired[int | None]


@documented(EFFORT)
class OutputConfigParam(TypedDict):
    """How hard to try, and the form of the answer."""

    effort: NotRequired[Effort | None]
    format: NotRequired[JsonOutputFormatParam | None]
    task_budget: NotRequired[Annotated[TaskBudgetParam | None, Beta("task-budgets-2026-03-13")]]


@documented(THINKING, since="2026-08-01", beta="thinking-binding-controls-2026-08-01")
class BlockBindingParam(TypedDict):
    """What to do with thinking blocks that do not belong here."""

    prefix_mismatch_behavior: NotRequired[Literal["error", "drop_block"] | None]


class _ShownThinking(TypedDict):
    display: NotRequired[
        Annotated[
            Literal["summarized", "omitted", "updates"] | None,
            Beta("thinking-display-updates-2026-08-18", ("updates",)),
        ]
    ]
    block_binding: NotRequired[Annotated[BlockBindingParam | None, Beta("thinking-binding-controls-2026-08-01")]]


@documented(THINKING)
class ThinkingEnabledParam(_ShownThinking):
    """Think, within a budget."""

    type: Literal["enabled"]
    budget_tokens: Annotated[int, Field(ge=1024)]


@documented("build-with-claude/adaptive-thinking", since="2026-02")
class ThinkingAdaptiveParam(_ShownThinking):
    """Think as much as it takes."""

    type: Literal["adaptive"]


@documented(THINKING)
class ThinkingDisabledParam(TypedDict):
    """Do not think."""

    type: Literal["disabled"]


@documented(THINKING, since="2026-10-21")
class ThinkingBetweenToolsParam(TypedDict):
    """Think between calls of tools."""

    type: Literal["between_tools"]


ThinkingParam: TypeAlias = Annotated[
    ThinkingEnabledParam | ThinkingAdaptiveParam | ThinkingDisabledParam | ThinkingBetweenToolsParam, ByType()
]


@documented(DEFINE)
class ToolChoiceAutoParam(TypedDict):
    """The model may call tools."""

    type: Literal["auto"]
    disable_parallel_tool_use: NotRequired[bool]


@documented(DEFINE)
class ToolChoiceAnyParam(TypedDict):
    """The model has to call a tool."""

    type: Literal["any"]
    disable_parallel_tool_use: NotRequired[bool]


@documented(DEFINE)
class ToolChoiceToolParam(TypedDict):
    """The model has to call this tool."""

    type: Literal["tool"]
    name: str
    disable_parallel_tool_use: NotRequired[bool]


@documented(DEFINE)
class ToolChoiceNoneParam(TypedDict):
    """The model may not call a tool."""

    type: Literal["none"]


ToolChoiceParam: TypeAlias = Annotated[
    ToolChoiceAutoParam | ToolChoiceAnyParam | ToolChoiceToolParam | ToolChoiceNoneParam, ByType()
]


# --- Where and for whom --------------------------------------------------------------------------------------------


@documented("build-with-claude/skills-guide", since="2025-10-02")
class SkillParam(TypedDict):
    """A skill for the container."""

    type: Literal["anthropic", "custom"]
    skill_id: str
    version: NotRequired[str]


@documented("build-with-claude/skills-guide", since="2025-10-02")
class ContainerParam(TypedDict):
    """Where code runs, and what it finds there."""

    id: NotRequired[str | None]
    skills: NotRequired[list[SkillParam] | None]


@documented(DIAGNOSTICS, since="2026-04-07")
class DiagnosticsParam(TypedDict):
    """Asks why the prompt was not found in the cache."""

    previous_message_id: NotRequired[str | None]


@documented(MESSAGES)
class MetadataParam(TypedDict):
    """Who asks: an opaque name."""

    user_id: NotRequired[Annotated[str, StringConstraints(max_length=256)] | None]


@documented(MCP, since="2025-04-04", beta="mcp-client-2025-04-04")
class McpToolConfigurationParam(TypedDict):
    """Which tools of the server may be called."""

    enabled: NotRequired[bool | None]
    allowed_tools: NotRequired[list[str] | None]


@documented(MCP, since="2025-04-04", beta="mcp-client-2025-04-04")
class McpServerParam(TypedDict):
    """An MCP server."""

    type: Literal["url"]
    name: str
    url: str
    authorization_token: NotRequired[str | None]
    tool_configuration: NotRequired[McpToolConfigurationParam | None]


# --- Context and compaction ----------------------------------------------------------------------------------------

CONTEXT_BETA = "context-management-2025-06-27"


@documented(CONTEXT_EDITING, since="2025-06-27", beta=CONTEXT_BETA)
class InputTokensParam(TypedDict):
    """So many tokens of the input."""

    type: Literal["input_tokens"]
    value: int


@documented(CONTEXT_EDITING, since="2025-06-27", beta=CONTEXT_BETA)
class ToolUsesParam(TypedDict):
    """So many uses of tools."""

    type: Literal["tool_uses"]
    value: int


@documented(CONTEXT_EDITING, since="2025-09-19", beta=CONTEXT_BETA)
class ClearToolUsesParam(TypedDict):
    """Take old tool uses out of the prompt."""

    type: Literal["clear_tool_uses_20250919"]
    trigger: NotRequired[Annotated[InputTokensParam | ToolUsesParam, ByType()]]
    keep: NotRequired[ToolUsesParam]
    clear_at_least: NotRequired[InputTokensParam | None]
    clear_tool_inputs: NotRequired[Annotated[bool | list[str], ByShape()] | None]
    exclude_tools: NotRequired[list[str] | None]


@documented(CONTEXT_EDITING, since="2025-10-15", beta=CONTEXT_BETA)
class ThinkingTurnsParam(TypedDict):
    """The thinking of so many turns."""

    type: Literal["thinking_turns"]
    value: int


@documented(CONTEXT_EDITING, since="2025-10-15", beta=CONTEXT_BETA)
class AllThinkingParam(TypedDict):
    """The thinking of all turns."""

    type: Literal["all"]


@documented(CONTEXT_EDITING, since="2025-10-15", beta=CONTEXT_BETA)
class ClearThinkingParam(TypedDict):
    """Take old thinking out of the prompt."""

    type: Literal["clear_thinking_20251015"]
    keep: NotRequired[Annotated[Literal["all"] | Annotated[ThinkingTurnsParam | AllThinkingParam, ByType()], ByShape()]]


@documented(COMPACTION, since="2026-01-12", beta="compact-2026-01-12")
class CompactParam(TypedDict):
    """Put a summary in the place of the conversation when it has grown too long."""

    type: Literal["compact_20260112"]
    trigger: NotRequired[InputTokensParam | None]
    instructions: NotRequired[str | None]
    pause_after_compaction: NotRequired[bool]


@documented(CONTEXT_EDITING, since="2025-06-27", beta=CONTEXT_BETA)
class ContextManagementParam(TypedDict):
    """What to take out of the prompt, and when."""

    edits: NotRequired[list[Annotated[ClearToolUsesParam | ClearThinkingParam | CompactParam, ByType()]]]


@documented(COMPACTION, since="2026-09-04", beta="compact-2026-09-04")
class CompactionParam(TypedDict):
    """Answer with a summary of the conversation."""

    type: Literal["summarize"]
    instructions: NotRequired[str | None]


# --- Fallback, billing, threads ------------------------------------------------------------------------------------


@documented(FALLBACK, since="2026-06-01", beta="fallback-credit-2026-07-01")
class FallbackCreditTokenParam(TypedDict):
    """The credit of a refused request."""

    token: str
    mode: NotRequired[Literal["strict", "best_effort"]]


@documented(FALLBACK, since="2026-06-01", beta=FALLBACK_BETA)
class FallbackParam(TypedDict):
    """A model to ask where the first one refuses, and what to ask it for."""

    model: str
    max_tokens: NotRequired[Count | None]
    output_config: NotRequired[OutputConfigParam | None]
    speed: NotRequired[RequestedSpeed | None]
    thinking: NotRequired[ThinkingParam | None]


@documented(MESSAGES, since="2026-10-01", beta="user-profiles-billing-2026-10-01")
class BillingPolicyParam(TypedDict):
    """Who pays."""

    type: Literal["billing_policy"]
    bill_to: NotRequired[Literal["self", "user_profile"]]


@documented(MESSAGES, since="2026-08-12", beta="message-threads-2026-08-12")
class ThreadCreateParam(TypedDict):
    """Begin a thread."""

    type: Literal["create"]


@documented(MESSAGES, since="2026-08-12", beta="message-threads-2026-08-12")
class ThreadContinueParam(TypedDict):
    """Go on with a thread."""

    type: Literal["continue"]
    previous_message_id: str


# --- The bodies ----------------------------------------------------------------------------------------------------


class _Prompt(TypedDict):
    """What is sent to a model, and what is sent to count its tokens."""

    model: str
    messages: Annotated[list[MessageParam], Field(min_length=1, max_length=100_000)]
    cache_control: NotRequired[CacheControlParam | None]
    output_config: NotRequired[OutputConfigParam]
    output_format: NotRequired[Annotated[JsonOutputFormatParam | None, Legacy("output_config.format")]]
    speed: NotRequired[RequestedSpeed | None]
    system: NotRequired[Annotated[str | list[TextBlockParam], ByShape()]]
    thinking: NotRequired[ThinkingParam]
    tool_choice: NotRequired[ToolChoiceParam]
    tools: NotRequired[list[ToolDefinition]]
    billing_policy: NotRequired[Annotated[BillingPolicyParam | None, Beta("user-profiles-billing-2026-10-01")]]
    compaction: NotRequired[Annotated[CompactionParam | None, Beta("compact-2026-09-04")]]
    context_management: NotRequired[Annotated[ContextManagementParam | None, Beta(CONTEXT_BETA)]]
    mcp_servers: NotRequired[Annotated[list[McpServerParam], Beta("mcp-client-2025-04-04")]]


class _Call(_Prompt):
    container: NotRequired[Annotated[str | ContainerParam, ByShape()] | None]
    diagnostics: NotRequired[DiagnosticsParam | None]
    inference_geo: NotRequired[str | None]
    metadata: NotRequired[MetadataParam]
    service_tier: NotRequired[Literal["auto", "standard_only"]]
    stop_sequences: NotRequired[list[str]]
    temperature: NotRequired[Annotated[float, Field(ge=0, le=1), Only("2023-06-01")]]
    top_p: NotRequired[Annotated[float, Field(ge=0, le=1), Only("2023-06-01")]]
    top_k: NotRequired[Annotated[Count, Only("2023-06-01")]]
    fallback_credit_token: NotRequired[
        Annotated[Annotated[str | FallbackCreditTokenParam, ByShape()] | None, Beta("fallback-credit-2026-07-01")]
    ]
    fallbacks: NotRequired[
        Annotated[Annotated[list[FallbackParam] | Literal["default"], ByShape()] | None, Beta(FALLBACK_BETA)]
    ]
    thread: NotRequired[
        Annotated[
            Annotated[ThreadCreateParam | ThreadContinueParam, ByType()] | None, Beta("message-threads-2026-08-12")
        ]
    ]


@documented(MESSAGES)
class MessageParams(_Call):
    """The body of ``POST /v1/messages``. ``max_tokens`` of zero only warms the cache."""

    max_tokens: Count
    stream: NotRequired[bool]


@documented(TOKEN_COUNTING, since="2024-11-01")
class CountTokensParams(_Prompt):
    """The body of ``POST /v1/messages/count_tokens``."""


@documented("build-with-claude/batch-processing", since="2024-09-24")
class BatchedMessageParams(_Call):
    """A message asked for in a batch: it is not streamed, and cannot be there for the cache alone."""

    max_tokens: Annotated[int, Field(ge=1)]
    stream: NotRequired[Literal[False]]
