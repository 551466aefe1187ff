"""Anthropic, Shinzo Spotlight, ShuYou, and whoever else speaks the API."""

from __future__ import annotations

from pytest_messages.providers.profile import (
    Credential,
    ErrorShape,
    Habits,
    ProfileNote,
    Provider,
    Status,
    Unsupported,
)

CLAUDE_DOCS = "https://platform.claude.com/docs/en"
SHINZO_DOCS = "https://docs.shinzo.ai/api/spotlight"
SHINZO_SOURCE = "https://github.com/shinzo-labs/shinzo"
SHUYOU_DOCS = "https://docs.shuyou.ai/en"
_SHUYOU_MESSAGES = f"{SHUYOU_DOCS}/api-reference/language-series/anthropic/create-messages"
_SHUYOU_ERRORS = f"{SHUYOU_DOCS}/guide/advanced/error-codes"

_ANTHROPIC_STATUSES = (
    Status(code=400, types=("invalid_request_error",), meaning="the request's format or content is wrong"),
    Status(code=401, types=("authentication_error",), meaning="the key is wrong"),
    Status(code=402, types=("billing_error",), meaning="billing or payment is in trouble"),
    Status(code=403, types=("permission_error",), meaning="the key may not use this"),
    Status(code=404, types=("not_found_error",), meaning="there is no such resource or model"),
    Status(code=409, types=("conflict_error",), meaning="the request conflicts with the resource's state"),
    Status(code=413, types=("request_too_large",), meaning="the body is larger than 32 MB"),
    Status(code=429, types=("rate_limit_error",), meaning="a rate limit was hit"),
    Status(code=500, types=("api_error",), meaning="something failed inside"),
    Status(code=504, types=("timeout_error",), meaning="processing took too long"),
    Status(code=529, types=("overloaded_error",), meaning="the API is overloaded"),
)

_SDK_KEYS = (
    Credential(variable="ANTHROPIC_API_KEY"),
    Credential(variable="ANTHROPIC_AUTH_TOKEN", header="authorization", prefix="Bearer "),
)

ANTHROPIC = Provider(
    name="anthropic",
    title="Anthropic",
    source=f"{CLAUDE_DOCS}/api/messages",
    base_url="https://api.anthropic.com",
    hosts=("api.anthropic.com",),
    alone=True,
    # SDKs from 2.0 on send the key itself as a bearer token.
    credentials=(*_SDK_KEYS, Credential(variable="ANTHROPIC_API_KEY", header="authorization", prefix="Bearer ")),
    version_required=True,
    versions=("2023-01-01", "2023-06-01", "2026-10-21"),
    version="2026-10-21",
    statuses=_ANTHROPIC_STATUSES,
    retryable=(408, 409, 429, 500, 504, 529),
    timeout=600,
    body_limit=32 * 1024 * 1024,
    pages=(
        ("credentials", f"{CLAUDE_DOCS}/api/overview"),
        ("headers", f"{CLAUDE_DOCS}/api/overview"),
        ("body_limit", f"{CLAUDE_DOCS}/api/overview"),
        ("version_required", f"{CLAUDE_DOCS}/api/versioning"),
        ("versions", f"{CLAUDE_DOCS}/api/versioning"),
        ("version", f"{CLAUDE_DOCS}/api/versioning"),
        ("error", f"{CLAUDE_DOCS}/api/errors"),
        ("statuses", f"{CLAUDE_DOCS}/api/errors"),
        ("retryable", f"{CLAUDE_DOCS}/api/errors"),
        ("timeout", f"{CLAUDE_DOCS}/api/errors"),
        ("count_tokens", f"{CLAUDE_DOCS}/api/messages/count_tokens"),
        ("habits", f"{CLAUDE_DOCS}/build-with-claude/streaming"),
    ),
    notes=(
        ProfileNote(
            topic="version_required",
            documentation="anthropic-version is a required header",
            other="the OpenAPI file of December 2025 marks it as optional",
            source=f"{CLAUDE_DOCS}/api/versioning",
        ),
    ),
)

SHINZO = Provider(
    name="shinzo",
    title="Shinzo Spotlight",
    source=f"{SHINZO_DOCS}/messages",
    base_url="https://api.app.shinzo.ai/spotlight/anthropic",
    base_url_env="SHINZO_BASE_URL",
    hosts=("api.app.shinzo.ai",),
    path_prefix="/spotlight/anthropic/",
    alone=True,
    count_tokens_timeout=30,
    # Either header takes a platform key; a JWT goes into Authorization only, which therefore comes first.
    credentials=(
        Credential(variable="SHINZO_API_KEY", header="authorization", prefix="Bearer ", placeholder="<shinzo-api-key>"),
        Credential(variable="SHINZO_API_KEY", header="x-shinzo-api-key", placeholder="<shinzo-api-key>"),
    ),
    pass_through=(Credential(variable="ANTHROPIC_API_KEY"),),
    # The documentation shows errors by status only; the bodies are those of the public source.
    error=ErrorShape(envelope=("error",), code="", request_id="", request_id_header=""),
    statuses=(
        Status(code=400, types=("provider_error",), meaning="the request is invalid"),
        Status(code=401, meaning="the Shinzo key or token is wrong"),
        Status(
            code=403,
            types=("provider_error", "subscription_not_supported"),
            meaning="no provider key is stored or passed through, or the feature is off",
        ),
        Status(code=429, types=("provider_error",), meaning="a rate limit was hit"),
        Status(
            code=500, types=("internal_error", "provider_error"), meaning="something failed inside or at the provider"
        ),
    ),
    timeout=180,
    # Its errors come without retry-after, as its source says.
    relax=("error.retry-after",),
    default_group="default-session",
    model="claude-sonnet-4-20250514",
    pages=(
        ("hosts", f"{SHINZO_DOCS}/overview"),
        ("path_prefix", f"{SHINZO_DOCS}/overview"),
        ("count_tokens", f"{SHINZO_DOCS}/overview"),
        ("count_tokens_timeout", SHINZO_SOURCE),
        ("default_group", f"{SHINZO_DOCS}/overview"),
        ("error", SHINZO_SOURCE),
    ),
    notes=(
        ProfileNote(
            topic="timeout",
            documentation="a request may take 3 minutes",
            other="the public source gives up after 120 seconds",
            source=SHINZO_SOURCE,
        ),
        ProfileNote(
            topic="credentials",
            documentation="Authorization takes a JWT or a platform key",
            other="the public source accepts platform keys only on this route (sk_shinzo…), also in x-api-key",
            source=SHINZO_SOURCE,
        ),
        ProfileNote(
            topic="statuses",
            documentation="a missing provider key is a 403",
            other="the public source answers 401",
            source=SHINZO_SOURCE,
        ),
        ProfileNote(
            topic="statuses",
            documentation="exceeding the rate limit is a 429",
            other="in the public source an oversized body or too many requests end as 500 with a plain string",
            source=SHINZO_SOURCE,
        ),
        ProfileNote(
            topic="habits",
            documentation="a stream is Anthropic's, as server-sent events",
            other="the public source puts a JSON string around each event's data, drops comments, and cuts the "
            "connection where an error event should be",
            source=SHINZO_SOURCE,
        ),
        ProfileNote(
            topic="error",
            documentation="lists status codes only",
            other="the public source answers without a top-level type and request id, and copies no header of a failed "
            "answer, so that retry-after is lost",
            source=SHINZO_SOURCE,
        ),
        ProfileNote(
            topic="body_limit",
            documentation="says nothing about the size of a request",
            other="the public source takes 4 MB by default",
            source=SHINZO_SOURCE,
        ),
    ),
)

SHUYOU = Provider(
    name="shuyou",
    title="ShuYou",
    source=_SHUYOU_MESSAGES,
    base_url="https://api.shuyou.ai",
    base_url_env="SHUYOU_BASE_URL",
    hosts=("api.shuyou.ai",),
    count_tokens="",
    credentials=(
        Credential(variable="SHUYOU_API_KEY"),
        Credential(variable="SHUYOU_API_KEY", header="authorization", prefix="Bearer "),
        Credential(variable="SHUYOU_API_KEY", header="x-goog-api-key"),
    ),
    version_required=True,
    versions=("2023-06-01",),
    unsupported=(
        Unsupported(path="metadata", source=_SHUYOU_MESSAGES),
        Unsupported(path="service_tier", source=_SHUYOU_MESSAGES),
        Unsupported(
            path="messages[*].role",
            value="system",
            because="is not a role (the system prompt is a field of its own)",
            source=_SHUYOU_MESSAGES,
        ),
        Unsupported(path="max_tokens", value="0", because="is below the minimum of 1", source=_SHUYOU_MESSAGES),
        Unsupported(path="container.id", because="is not supported (container is a text)", source=_SHUYOU_MESSAGES),
        Unsupported(path="container.skills", because="is not supported (container is a text)", source=_SHUYOU_MESSAGES),
        Unsupported(path="tools[*].type", value="code_execution_*", source=_SHUYOU_MESSAGES),
        Unsupported(part="header", path="anthropic-beta", value="code-execution-2025-08-25", source=_SHUYOU_MESSAGES),
    ),
    error=ErrorShape(envelope=("error",), code="error.code", request_id="", request_id_header="x-shuyou-requestid"),
    statuses=(
        Status(code=400, types=("invalid_params",), meaning="a parameter is wrong"),
        Status(
            code=402,
            types=("insufficient_credit", "reject_no_credit", "quote_exceeded"),
            meaning="the account is overdue, empty, or its quota is used up",
        ),
        Status(
            code=403,
            types=("access_denied", "safety_check_failed"),
            meaning="the key is wrong or missing, or a safety policy refused the input",
        ),
        Status(
            code=404,
            types=("model_not_available", "invalid_model", "model_not_supported"),
            meaning="the model is not in the plan, does not exist or does not speak this API",
        ),
        Status(code=413, types=("invalid_params",), meaning="the prompt is too long"),
        Status(
            code=422,
            types=("provider_unprocessable_entity_error",),
            meaning="the provider behind it cannot process the request",
        ),
        Status(code=429, types=("rate_limit",), meaning="a rate limit was hit"),
        Status(
            code=500,
            types=("internal_server_error", "provider_api_error", "provider_error"),
            meaning="something failed inside or at the provider behind it",
        ),
        Status(code=502, types=("no_provider_available",), meaning="no provider is available"),
        Status(code=520, types=("provider_internal_server_error",), meaning="the provider cannot be reached"),
        Status(code=524, types=("provider_internal_server_error",), meaning="the provider took too long"),
    ),
    retryable=(429, 500, 502, 503, 504),
    habits=Habits(pings=False, keep_alive="ShuYou PROCESSING", keep_alive_seconds=10),
    # Its error guide asks for a backoff of one's own and names no such header.
    # Its prose shows the usage inside the delta: documented there, and so no breach of its own promise.
    relax=("error.retry-after", "stream.usage-in-delta"),
    model="anthropic/claude-sonnet-4.6",
    model_form="provider/model",
    pages=(
        ("error", _SHUYOU_ERRORS),
        ("statuses", _SHUYOU_ERRORS),
        ("retryable", _SHUYOU_ERRORS),
        ("habits", _SHUYOU_ERRORS),
    ),
    notes=(
        ProfileNote(
            topic="statuses",
            documentation="the guide answers a wrong key with 403 access_denied",
            other="the OpenAPI file lists 401",
            source=_SHUYOU_MESSAGES,
        ),
        ProfileNote(
            topic="credentials",
            documentation="the key goes into x-api-key",
            other="the error guide also names Authorization: Bearer and x-goog-api-key",
            source=_SHUYOU_ERRORS,
        ),
        ProfileNote(
            topic="habits",
            documentation="message_delta carries usage beside delta",
            other="an example in the reference has usage inside delta",
            source=_SHUYOU_MESSAGES,
        ),
        ProfileNote(
            topic="unsupported",
            documentation="the schema knows custom tools and web search only",
            other="the prose also names the bash and text editor tools",
            source=_SHUYOU_MESSAGES,
        ),
    ),
)

COMPATIBLE = Provider(
    name="compatible",
    title="any endpoint that speaks the Messages API",
    source=f"{CLAUDE_DOCS}/api/messages",
    credentials=_SDK_KEYS,
    anonymous=True,
    error=ErrorShape(envelope=("error",)),
    statuses=_ANTHROPIC_STATUSES,
    model_form="any",
    # The judge's name for counting as violations only what loses data.
    relax=("compatible",),
)
