"""The models that can be asked, and what they can do."""

from typing import Annotated, Literal

from pytest_messages.api.schema import betas, pages
from pytest_messages.api.schema.base import Beta, Count, Reply, Timestamp, documented
from pytest_messages.api.schema.unions import Open


@documented(pages.MODELS)
class Capability(Reply):
    """Whether the model can do it."""

    supported: bool


@documented(pages.MODELS)
class ContextManagementCapability(Reply):
    """Which edits of the context the model can take."""

    supported: bool
    clear_thinking_20251015: Capability | None = None
    clear_tool_uses_20250919: Capability | None = None
    compact_20260112: Capability | None = None


@documented(pages.MODELS, since="2026-09-04", beta=betas.COMPACT_ON_DEMAND)
class CompactionCapability(Reply):
    """Which kinds of compaction can be asked for."""

    supported: bool
    summarize: Capability


@documented(pages.MODELS)
class EffortCapability(Reply):
    """Which efforts the model knows."""

    supported: bool
    low: Capability
    medium: Capability
    high: Capability
    xhigh: Capability | None = None
    max: Capability


@documented(pages.MODELS)
class ServerToolsCapability(Reply):
    """Which server tools the model can call."""

    supported: bool
    code_execution: Capability
    web_search: Capability


@documented(pages.MODELS)
class ThinkingTypes(Reply):
    """Which kinds of thinking can be asked for."""

    adaptive: Capability
    # The kind came with a later API version than the table.
    between_tools: Capability | None = None
    disabled: Capability
    enabled: Capability


@documented(pages.MODELS)
class ThinkingCapability(Reply):
    """Whether the model thinks, and how that can be asked for."""

    supported: bool
    types: ThinkingTypes


@documented(pages.MODELS)
class ModelCapabilities(Reply):
    """What a model can do."""

    batch: Capability
    citations: Capability
    code_execution: Capability
    compaction: Annotated[CompactionCapability | None, Beta(betas.COMPACT_ON_DEMAND)] = None
    context_management: ContextManagementCapability
    effort: EffortCapability
    image_input: Capability
    pdf_input: Capability
    server_tools: ServerToolsCapability
    structured_outputs: Capability
    thinking: ThinkingCapability


@documented(pages.MODELS)
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
    allowed_fallback_models: Annotated[list[str] | None, Beta(betas.FALLBACK)] = None


@documented(pages.MODELS)
class ModelPage(Reply):
    """A page of the list of models."""

    data: list[ModelInfo]
    has_more: bool
    first_id: str | None = None
    last_id: str | None = None
