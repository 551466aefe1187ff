"""What a message cost, in tokens and server tool calls."""

from typing import Annotated, Literal, TypeAlias

from pytest_messages.api.schema import betas, pages
from pytest_messages.api.schema.base import Beta, Count, Reply, Unknown, documented
from pytest_messages.api.schema.unions import ByType, Open

ServiceTier = Literal["standard", "priority", "batch"]
Speed = Literal["standard", "fast"]
CreditRefusal = Literal[
    "body_mismatch",
    "continuation_excluded",
    "continuation_only",
    "expired",
    "invalid_target_model",
    "not_enabled",
    "reprice_unavailable",
    "temporarily_unavailable",
    "variant_fields_present",
    "wrong_organization",
    "wrong_platform",
    "wrong_workspace",
]


@documented(pages.CACHING)
class CacheCreation(Reply):
    """Tokens written to the cache, by how long they live there."""

    ephemeral_5m_input_tokens: Count
    ephemeral_1h_input_tokens: Count


@documented(pages.MESSAGES)
class OutputTokensDetails(Reply):
    """Tokens of the output by what they were for."""

    thinking_tokens: Count


@documented(pages.SERVER_TOOLS, since="2025-03-05")
class ServerToolUsage(Reply):
    """How often server tools were called. The count of a tool that came later is absent from older traffic."""

    web_search_requests: Count = 0
    web_fetch_requests: Count = 0


# --- Iterations ----------------------------------------------------------------------------------------------------


class _Iteration(Reply):
    input_tokens: Count
    output_tokens: Count
    # Documented as always there, but the examples of the documentation do without.
    cache_creation_input_tokens: Count = 0
    cache_read_input_tokens: Count = 0
    cache_creation: CacheCreation | None = None


@documented(pages.COMPACTION, since="2026-01-12", beta=betas.COMPACT)
class MessageIteration(_Iteration):
    """One sampling of the message's own model."""

    type: Literal["message"]
    model: str | None = None


@documented(pages.COMPACTION, since="2026-01-12", beta=betas.COMPACT)
class CompactionIteration(_Iteration):
    """One summary of the conversation so far; the totals of the usage leave it out."""

    type: Literal["compaction"]


@documented(pages.ADVISOR, since="2026-03-01", beta=betas.ADVISOR_TOOL)
class AdvisorIteration(_Iteration):
    """One answer of the advisor's model."""

    type: Literal["advisor_message"]
    model: str


@documented(pages.REFUSALS, since="2026-06-01", beta=betas.FALLBACK)
class FallbackIteration(_Iteration):
    """One sampling of a model that took over after a refusal."""

    type: Literal["fallback_message"]
    model: str


class UnknownIteration(Unknown):
    """An iteration of a kind that the documentation does not list."""


Iteration: TypeAlias = Annotated[
    MessageIteration | CompactionIteration | AdvisorIteration | FallbackIteration | UnknownIteration, ByType()
]


# --- Fallback credit -----------------------------------------------------------------------------------------------


@documented(pages.FALLBACK_CREDIT, since="2026-06-01", beta=betas.CREDIT)
class CreditRedeemed(Reply):
    """The credit token of a refused request paid for this one."""

    type: Literal["redeemed"]


@documented(pages.FALLBACK_CREDIT, since="2026-06-01", beta=betas.CREDIT)
class CreditNotApplied(Reply):
    """The credit token was not taken, and why."""

    type: Literal["not_applied"]
    reason: Open[CreditRefusal]
    remove_to_redeem: list[str] | None = None


class UnknownCredit(Unknown):
    """An outcome that the documentation does not list."""


@documented(pages.FALLBACK_CREDIT, since="2026-06-01", beta=betas.CREDIT)
class FallbackCredit(Reply):
    """What became of the fallback credit token that the request sent."""

    status: Annotated[CreditRedeemed | CreditNotApplied | UnknownCredit, ByType()]


# --- The two usages ------------------------------------------------------------------------------------------------


@documented(pages.MESSAGES)
class DeltaUsage(Reply):
    """The usage of a ``message_delta`` event: cumulative, and without what is known from the start."""

    input_tokens: Count | None = None
    output_tokens: Count
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    output_tokens_details: OutputTokensDetails | None = None
    server_tool_use: ServerToolUsage | None = None
    iterations: Annotated[list[Iteration] | None, Beta(betas.COMPACT)] = None
    fallback_credit: Annotated[FallbackCredit | None, Beta(betas.CREDIT)] = None


@documented(pages.MESSAGES)
class Usage(Reply):
    """The usage of a message. The whole input is ``input_tokens`` plus what the cache took and gave."""

    input_tokens: Count
    output_tokens: Count
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputTokensDetails | None = None
    server_tool_use: ServerToolUsage | None = None
    service_tier: Open[ServiceTier] | None = None
    speed: Open[Speed] | None = None
    inference_geo: str | None = None
    iterations: Annotated[list[Iteration] | None, Beta(betas.COMPACT)] = None
    fallback_credit: Annotated[FallbackCredit | None, Beta(betas.CREDIT)] = None
