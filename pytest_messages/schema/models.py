"""The models that can be asked, and what they can do."""

from typing import Literal

from pytest_messages.schema.base import Count, Open, Reply, Timestamp, documented

PAGE = "api/models"


@documented(PAGE)
class Capability(Reply):
    """Whether the model can do it."""

    supported: bool


@documented(PAGE)
class ContextManagementCapability(Reply):
    """Which edits of the context the model can take."""

    supported: bool
    clear_thinking_20251015: Capability | None = None
    clear_tool_uses_20250919: Capability | None = None
    compact_20260112: Capability | None = None


@documented(PAGE)
class EffortCapability(Reply):
    """Which efforts the model knows."""

    supported: bool
    low: Capability
    medium: Capability
    high: Capability
    xhigh: Capability | None = None
    max: Capability


@documented(PAGE)
class ServerToolsCapability(Reply):
    """Which server tools the model can call."""

    supported: bool
    code_execution: Capability
    web_search: Capability


@documented(PAGE)
class ThinkingTypes(Reply):
    """Which kinds of thinking can be asked for."""

    adaptive: Capability
    between_tools: Capability
    disabled: Capability
    enabled: Capability


@documented(PAGE)
class ThinkingCapability(Reply):
    """Whether the model thinks, and how that can be asked for."""

    supported: bool
    types: ThinkingTypes


@documented(PAGE)
class ModelCapabilities(Reply):
    """What a model can do."""

    batch: Capability
    citations: Capability
    code_execution: Capability
    context_management: ContextManagementCapability
    effort: EffortCapability
    image_input: Capability
    pdf_input: Capability
    server_tools: ServerToolsCapability
    structured_outputs: Capability
    thinking: ThinkingCapability


@documented(PAGE)
class ModelInfo(Reply):
    """One model."""

    id: str
    type: Literal["model"]
    display_name: str
    created_at: Timestamp
    # Documented as always there; it came in 2026, and earlier traffic does not have it.
    lifecycle: Open[Literal["active", "deprecated", "retired"]] | None = None
    deprecated_at: Timestamp | None = None
    retires_at: Timestamp | None = None
    line: Open[Literal["haiku", "sonnet", "opus", "fable", "mythos"]] | None = None
    max_input_tokens: Count | None = None
    max_tokens: Count | None = None
    capabilities: ModelCapabilities | None = None


@documented(PAGE)
class ModelPage(Reply):
    """A page of the list of models."""

    data: list[ModelInfo]
    has_more: bool
    first_id: str | None = None
    last_id: str | None = None
