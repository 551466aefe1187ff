"""What the API says when it does not answer: the envelope, the types with their statuses, the codes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from pytest_messages.api.schema import pages
from pytest_messages.api.schema.base import Reply, documented
from pytest_messages.api.schema.unions import Open

ErrorType = Literal[
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "conflict_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "timeout_error",
    "overloaded_error",
    "memory_precondition_failed_error",
    "memory_path_conflict_error",
]

# The status that goes with each type. 400 also stands for other faults of the request; the two errors of the memory
# endpoints have no documented status of their own.
ERROR_STATUS: Mapping[str, int] = MappingProxyType(
    {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "conflict_error": 409,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "api_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
    }
)

# What `details.error_code` may say about a call of the Messages API, by status. https://platform.claude.com/docs/en/api/errors
ERROR_CODES: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        400: (
            "available_tools_limit_exceeded",
            "claude_code_key_creator_not_member",
            "claude_code_version_too_old",
            "cmek_key_disabled",
            "cmek_key_network_blocked",
            "compaction_block_ambiguous",
            "compaction_block_misplaced",
            "compaction_content_mismatch",
            "compaction_incomplete_turn",
            "compaction_nothing_to_summarize",
            "compaction_signature_invalid",
            "compaction_too_many_tool_references",
            "compaction_tool_changes_mismatch",
            "file_not_downloadable",
            "image_dimensions_too_large",
            "organization_not_enrolled_in_beta",
            "organization_on_hold",
            "request_body_encoding_invalid",
            "request_body_encoding_unsupported",
            "request_body_timeout",
            "storage_quota_exceeded",
            "thread_already_continued",
            "thread_continue_in_flight",
            "thread_fingerprint_mismatch",
            "thread_unsupported_request",
            "tool_name_conflict",
            "tool_reference_unresolved",
            "unsupported_charset",
            "user_profile_not_found",
            "user_profile_required",
        ),
        402: ("linked_organization_billing_unavailable", "linked_organization_spend_limit_reached"),
        403: (
            "api_key_scope_missing",
            "sandbox_egress_restricted",
            "user_profile_billing_not_authorized",
            "user_profile_not_billable",
        ),
        404: ("file_expired", "thread_not_found"),
        409: ("skill_read_blocked_undecryptable",),
        413: ("request_body_too_large_after_decoding",),
        429: ("contract_spend_limit_reached", "enforced_spend_limit_reached", "ramp_limit_exceeded"),
        503: ("cmek_context_unavailable", "cmek_key_unreachable"),
        529: ("compaction_unavailable",),
    }
)

ERROR_TYPES: tuple[str, ...] = get_args(ErrorType)


@documented(pages.ERRORS)
class ErrorDetails(Reply):
    """What is known about an error beyond its type; each code may bring fields of its own.

    A code that is new to a client means no more than the type does, so the codes are no enumeration here:
    `ERROR_CODES` lists them.
    """

    error_code: str | None = None
    max_side_length_pixels: int | None = None
    paths: list[str] | None = None
    appeal_url: str | None = None
    unsupported: list[str] | None = None


@documented(pages.ERRORS)
class ErrorObject(Reply):
    """One error. The wording of ``message`` may change at any time."""

    type: Open[ErrorType]
    message: str
    details: ErrorDetails | None = None


@documented(pages.ERRORS)
class ErrorBody(Reply):
    """The body of a response of status 4xx or 5xx."""

    type: Literal["error"]
    error: ErrorObject
    request_id: str | None = None
