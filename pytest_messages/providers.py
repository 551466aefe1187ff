"""The gateways that speak the Messages API, as data.

A `Provider` is one profile: where it lives, how a key travels, what it refuses, how its errors and streams look, and
the page that says each. Everything that tells one gateway from another is a field here; nothing else in the project
names a gateway. `load_declared` reads further profiles from a TOML file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

from pytest_messages.errors import CredentialError, SettingsError, UnsupportedFieldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Headers = tuple[tuple[str, str], ...]
"""Name and value pairs; names are lower-case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One way in which a key travels: from which environment variable, in which header, behind which prefix."""

    variable: str
    header: str = "x-api-key"
    prefix: str = ""
    placeholder: str = "<api-key>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """Something of the Messages API that the provider documents as unsupported.

    ``path`` is a path into the body (``messages[*].role``) or, for ``part`` "header", a header's name; ``value`` is a
    glob that a value must match to be meant, and for a header one entry of its comma list. ``because`` ends a sentence
    that begins with the field.
    """

    path: str
    source: str
    part: str = "body"
    value: str = "*"
    because: str = "is not supported"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShape:
    """Where an error body says what: dotted paths, empty where it says no such thing.

    ``envelope`` names the members that every error body of this provider has at its top level.
    """

    envelope: tuple[str, ...] = ("type", "error")
    type: str = "error.type"
    message: str = "error.message"
    code: str = "error.details.error_code"
    request_id: str = "request_id"
    request_id_header: str = "request-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status code that the provider documents, with the error types it may come with; the first is the usual one."""

    code: int
    types: tuple[str, ...] = ()
    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the provider streams.

    ``keep_alive`` is the text of the comment lines it sends every ``keep_alive_seconds``; ``error_event`` says whether
    a failure on an open stream is told by an ``error`` event or shows as a cut; ``double_encoded`` that ``data`` is a
    JSON string around the JSON object; ``done_tail`` that ``data: [DONE]`` follows the last event.
    """

    pings: bool = True
    keep_alive: str = ""
    keep_alive_seconds: float = 0
    error_event: bool = True
    double_encoded: bool = False
    done_tail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A disagreement between a provider's documentation, which the profile follows, and another public account."""

    topic: str
    documentation: str
    other: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One gateway. Addresses of the pages that document a field are in ``pages``, `source` is the main one.

    ``base_url`` is what an SDK is given, ``messages`` and ``count_tokens`` paths below it (``count_tokens`` is empty
    where it is not documented). ``hosts`` may hold globs and ports. ``path_prefix`` tells the provider on a host that
    is nobody's. ``credentials`` are alternatives in order of preference, all of them accepted by the provider;
    ``pass_through`` are sent as well where they are set. ``anonymous`` providers answer without a key. ``versions``
    are the accepted values of ``anthropic-version``, empty where any is; ``version`` is what our client sends.
    ``timeout`` is the provider's limit in seconds, ``retryable`` the statuses it documents as worth another try.
    ``default_group`` is the session that a call without ``metadata.user_id`` belongs to where the provider groups
    calls by it, else empty. ``model`` is an example, ``model_form`` how names are built. ``relax`` and ``add`` name
    rules of the judge.
    """

    name: str
    title: str
    source: str = ""
    base_url: str = ""
    base_url_env: str = "ANTHROPIC_BASE_URL"
    hosts: tuple[str, ...] = ()
    path_prefix: str = ""
    messages: str = "/v1/messages"
    count_tokens: str = "/v1/messages/count_tokens"
    count_tokens_timeout: float | None = None
    credentials: tuple[Credential, ...] = ()
    pass_through: tuple[Credential, ...] = ()
    anonymous: bool = False
    headers: Headers = (("content-type", "application/json"),)
    version_required: bool = False
    versions: tuple[str, ...] = ()
    version: str = "2023-06-01"
    unsupported: tuple[Unsupported, ...] = ()
    error: ErrorShape = ErrorShape()
    statuses: tuple[Status, ...] = ()
    retryable: tuple[int, ...] = ()
    timeout: float | None = None
    body_limit: int | None = None
    habits: Habits = Habits()
    default_group: str = ""
    model: str = "claude-sonnet-5"
    model_form: str = "claude-…"
    relax: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    pages: tuple[tuple[str, str], ...] = ()

    @property
    def groups_by_user_id(self) -> bool:
        """Tell whether ``metadata.user_id`` is the key of a session here."""
        return bool(self.default_group)

    def page(self, field: str) -> str:
        """Return the address that documents ``field``."""
        return dict(self.pages).get(field, self.source)

    def types_of(self, status: int) -> tuple[str, ...]:
        """Return the error types documented for ``status``, the usual one first; empty where none is."""
        return next((entry.types for entry in self.statuses if entry.code == status), ())


class ErrorFacts(NamedTuple):
    """What an error response says; ``retry_after`` is in seconds."""

    type: str | None
    message: str
    request_id: str | None
    retry_after: float | None


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
        Note(
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
        Note(
            topic="timeout",
            documentation="a request may take 3 minutes",
            other="the public source gives up after 120 seconds",
            source=SHINZO_SOURCE,
        ),
        Note(
            topic="credentials",
            documentation="Authorization takes a JWT or a platform key",
            other="the public source accepts platform keys only on this route (sk_shinzo…), also in x-api-key",
            source=SHINZO_SOURCE,
        ),
        Note(
            topic="statuses",
            documentation="a missing provider key is a 403",
            other="the public source answers 401",
            source=SHINZO_SOURCE,
        ),
        Note(
            topic="statuses",
            documentation="exceeding the rate limit is a 429",
            other="in the public source an oversized body or too many requests end as 500 with a plain string",
            source=SHINZO_SOURCE,
        ),
        Note(
            topic="habits",
            documentation="a stream is Anthropic's, as server-sent events",
            other="the public source puts a JSON string around each event's data, drops comments, and cuts the "
            "connection where an error event should be",
            source=SHINZO_SOURCE,
        ),
        Note(
            topic="error",
            documentation="lists status codes only",
            other="the public source answers without a top-level type and request id, and copies no header of a failed "
            "answer, so that retry-after is lost",
            source=SHINZO_SOURCE,
        ),
        Note(
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
    relax=("error.retry-after",),
    model="anthropic/claude-sonnet-4.6",
    model_form="provider/model",
    pages=(
        ("error", _SHUYOU_ERRORS),
        ("statuses", _SHUYOU_ERRORS),
        ("retryable", _SHUYOU_ERRORS),
        ("habits", _SHUYOU_ERRORS),
    ),
    notes=(
        Note(
            topic="statuses",
            documentation="the guide answers a wrong key with 403 access_denied",
            other="the OpenAPI file lists 401",
            source=_SHUYOU_MESSAGES,
        ),
        Note(
            topic="credentials",
            documentation="the key goes into x-api-key",
            other="the error guide also names Authorization: Bearer and x-goog-api-key",
            source=_SHUYOU_ERRORS,
        ),
        Note(
            topic="habits",
            documentation="message_delta carries usage beside delta",
            other="an example in the reference has usage inside delta",
            source=_SHUYOU_MESSAGES,
        ),
        Note(
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


def _like(name: str, title: str, base_url: str, source: str, **changes: Any) -> Provider:
    """Make the profile of a compatible endpoint; ``hosts`` is told by ``base_url`` unless it lives on this machine."""
    host = _host(base_url)
    hosts = () if _is_loopback(host) else (host,)
    variable = f"{name.upper().replace('-', '_')}_BASE_URL"
    made: dict[str, Any] = {"name": name, "title": title, "base_url": base_url, "base_url_env": variable}
    return replace(COMPATIBLE, **{**made, "source": source, "hosts": hosts, **changes})


def _key(variable: str, *headers: str) -> dict[str, Any]:
    """Make the fields of a profile whose one key may travel in any of ``headers``."""
    return {"credentials": tuple(_credential(variable, header) for header in headers), "anonymous": False}


def _credential(variable: str, header: str, placeholder: str = "<api-key>") -> Credential:
    prefix = "Bearer " if header == "authorization" else ""
    return Credential(variable=variable, header=header, prefix=prefix, placeholder=placeholder)


def _host(url: str) -> str:
    """Return the host of ``url`` in lower case, with its port where one is written."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def _name_of(host: str) -> str:
    """Return the host without its port; the brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _is_loopback(host: str) -> bool:
    name = _name_of(host)
    return name in {"localhost", "[::1]"} or name.startswith("127.")


_IGNORES = "is accepted and ignored"
_DEEPSEEK = "https://api-docs.deepseek.com/guides/anthropic_api"
_MINIMAX = "https://platform.minimax.io/docs/api-reference/text-anthropic-api"

_OTHERS = (
    _like(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api",
        "https://openrouter.ai/docs",
        **_key("OPENROUTER_API_KEY", "authorization"),
        habits=Habits(keep_alive="OPENROUTER PROCESSING", done_tail=True),
        model="anthropic/claude-sonnet-5",
        model_form="provider/model",
    ),
    _like(
        "vercel",
        "Vercel AI Gateway",
        "https://ai-gateway.vercel.sh",
        "https://vercel.com/docs/ai-gateway",
        **_key("AI_GATEWAY_API_KEY", "x-api-key", "authorization"),
        model="anthropic/claude-sonnet-5",
        model_form="provider/model",
    ),
    _like(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com/anthropic",
        _DEEPSEEK,
        **_key("DEEPSEEK_API_KEY", "x-api-key"),
        unsupported=tuple(
            Unsupported(path=path, because=_IGNORES, source=_DEEPSEEK)
            for path in ("container", "mcp_servers", "service_tier", "top_k", "thinking.budget_tokens")
        ),
        model_form="any",
    ),
    _like(
        "moonshot",
        "Moonshot AI",
        "https://api.moonshot.ai/anthropic",
        "https://platform.moonshot.ai/docs",
        **_key("MOONSHOT_API_KEY", "authorization"),
        hosts=("api.moonshot.ai", "api.moonshot.cn"),
    ),
    _like(
        "zai",
        "Z.ai",
        "https://api.z.ai/api/anthropic",
        "https://docs.z.ai",
        **_key("ZAI_API_KEY", "authorization"),
        hosts=("api.z.ai", "open.bigmodel.cn"),
    ),
    _like(
        "minimax",
        "MiniMax",
        "https://api.minimax.io/anthropic",
        _MINIMAX,
        **_key("MINIMAX_API_KEY", "x-api-key", "authorization"),
        unsupported=tuple(
            Unsupported(path=path, because=_IGNORES, source=_MINIMAX)
            for path in ("top_k", "stop_sequences", "mcp_servers", "context_management", "container")
        ),
        hosts=("api.minimax.io", "api.minimaxi.com"),
    ),
    _like(
        "bedrock",
        "Amazon Bedrock",
        "https://bedrock-mantle.us-east-1.api.aws/anthropic",
        f"{CLAUDE_DOCS}/build-with-claude/claude-in-amazon-bedrock",
        **_key("AWS_BEARER_TOKEN_BEDROCK", "x-api-key"),
        hosts=("bedrock-mantle.*.api.aws",),
        body_limit=20 * 1024 * 1024,
        model="anthropic.claude-sonnet-5",
        model_form="anthropic.claude-…",
    ),
    _like(
        "aws",
        "Claude Platform on AWS",
        "https://aws-external-anthropic.us-east-1.api.aws",
        f"{CLAUDE_DOCS}/build-with-claude/claude-platform-on-aws",
        **_key("ANTHROPIC_AWS_API_KEY", "x-api-key"),
        hosts=("aws-external-anthropic.*.api.aws",),
        error=ErrorShape(),
    ),
    _like(
        "foundry",
        "Microsoft Foundry",
        "",
        f"{CLAUDE_DOCS}/build-with-claude/claude-in-microsoft-foundry",
        **_key("ANTHROPIC_FOUNDRY_API_KEY", "api-key", "x-api-key", "authorization"),
        base_url_env="ANTHROPIC_FOUNDRY_BASE_URL",
        hosts=("*.services.ai.azure.com",),
        model_form="the deployment's name",
    ),
    _like(
        "ollama",
        "Ollama",
        "http://localhost:11434",
        "https://docs.ollama.com/api/anthropic-compatibility",
        hosts=("ollama.com",),
        count_tokens="",
        unsupported=tuple(
            Unsupported(path=path, source="https://docs.ollama.com/api/anthropic-compatibility")
            for path in ("tool_choice", "metadata")
        ),
        habits=Habits(error_event=False),
    ),
    _like("vllm", "vLLM", "http://localhost:8000", "https://docs.vllm.ai"),
    _like("llamacpp", "llama.cpp", "http://localhost:8080", "https://github.com/ggml-org/llama.cpp"),
    _like("lmstudio", "LM Studio", "http://localhost:1234", "https://lmstudio.ai/docs", count_tokens=""),
)

PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {provider.name: provider for provider in (ANTHROPIC, SHINZO, SHUYOU, COMPATIBLE, *_OTHERS)}
)
"""Every built-in profile, by name."""


# --- which provider ---------------------------------------------------------------------------------------------------


def provider_of(
    url: str, *, declared: Mapping[str, Provider] = MappingProxyType({}), default: str | Provider | None = None
) -> Provider:
    """Return whose API a call to ``url`` speaks: told by host, then path, then ``default``, else `COMPATIBLE`.

    A declared gateway goes before a built-in one of the same host. Raises `SettingsError` where ``default`` is a name
    that nobody has.
    """
    known = (*declared.values(), *PROVIDERS.values())
    host, path = _host(url), urlsplit(url).path
    by_host = (each for each in known if any(_same_host(host, pattern) for pattern in each.hosts))
    by_path = (each for each in known if each.path_prefix and path.startswith(each.path_prefix))
    found = next(by_host, None) or next(by_path, None)
    if found is not None:
        return found
    return provider_named(default, declared=declared) if isinstance(default, str) else default or COMPATIBLE


def _same_host(host: str, pattern: str) -> bool:
    return pattern in {host, _name_of(host)} or fnmatchcase(_name_of(host), pattern)


def provider_named(name: str, *, declared: Mapping[str, Provider] = MappingProxyType({})) -> Provider:
    """Return the profile called ``name``; raises `SettingsError` that names the nearest ones where there is none."""
    known = {**PROVIDERS, **declared}
    if name not in known:
        raise SettingsError(f"there is no provider {name!r}; {_alternatives(name, known)}")
    return known[name]


def _alternatives(name: str, known: Iterable[str]) -> str:
    """Say what could have been meant, else what there is."""
    names = list(known)
    near = get_close_matches(name, names)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(names)}"


def base_url_of(provider: Provider, environ: Mapping[str, str]) -> str:
    """Return the base URL for an SDK: the environment's, else the profile's, without a slash at the end.

    Raises `SettingsError` that names the variable where neither has one.
    """
    url = environ.get(provider.base_url_env) or provider.base_url
    if not url:
        raise SettingsError(f"{provider.name} has no URL of its own: set {provider.base_url_env}")
    return url.rstrip("/")


# --- what a request carries -------------------------------------------------------------------------------------------


def request_headers(provider: Provider, environ: Mapping[str, str], *, version: str | None = None) -> Headers:
    """Return the headers that a request to ``provider`` needs, keys taken from ``environ``.

    Raises `CredentialError` that names the variables where the profile requires a key and none is set.
    """
    found = [each for each in provider.credentials if environ.get(each.variable)][:1]
    if not found and not provider.anonymous:
        variables = tuple(dict.fromkeys(each.variable for each in provider.credentials))
        raise CredentialError(
            f"no key for {provider.title}: set {' or '.join(variables)}, for example export {variables[0]}=…",
            variables=variables,
        )
    passed = [each for each in provider.pass_through if environ.get(each.variable)]
    keys = [(each.header, each.prefix + environ[each.variable]) for each in (*found, *passed)]
    return (*provider.headers, ("anthropic-version", version or provider.version), *keys)


def placeholders(provider: Provider) -> Mapping[str, str]:
    """Return placeholder values for the provider's key variables, for a replay that needs no key."""
    return {each.variable: each.placeholder for each in (*provider.pass_through, *provider.credentials)}


def unsupported(
    provider: Provider, body: object, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()
) -> tuple[UnsupportedFieldError, ...]:
    """Return what a request asks for that ``provider`` documents as unsupported, as errors ready to be raised.

    ``body`` is the parsed JSON of the request. ``.field`` of an error is the exact place, ``.source`` the page.
    """
    pairs = [(name.lower(), value) for name, value in _pairs(headers)]
    return tuple(
        UnsupportedFieldError(
            f"{place}{_shown(entry, value)} {entry.because} at {provider.title}",
            field=place,
            provider=provider.name,
            source=entry.source,
        )
        for entry in provider.unsupported
        for place, value in (_at(body, entry.path) if entry.part == "body" else _entries(pairs, entry.path))
        if fnmatchcase(str(value), entry.value)
    )


def _shown(entry: Unsupported, value: object) -> str:
    """Return the value for a message, where it is the value that is unsupported and not the field."""
    return "" if entry.value == "*" else f" {value!r}"


def _pairs(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(headers.items() if hasattr(headers, "items") else headers)


def _at(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Yield what stands at ``path``, each with its exact place; ``[*]`` stands for every item of a list."""
    found: list[tuple[str, Any]] = [("", value)]
    for step in path.split("."):
        name, star, _ = step.partition("[*]")
        found = [(f"{place}.{name}".lstrip("."), each[name]) for place, each in found if _has(each, name)]
        if star:
            found = [
                (f"{place}[{index}]", item)
                for place, each in found
                if isinstance(each, list)
                for index, item in enumerate(each)
            ]
    yield from found


def _has(value: Any, name: str) -> bool:
    return isinstance(value, dict) and value.get(name) is not None


def _entries(headers: list[tuple[str, str]], name: str) -> Iterator[tuple[str, str]]:
    """Yield every entry of a comma list that may be spread over several headers."""
    for key, value in headers:
        if key == name:
            yield from ((name, entry.strip()) for entry in value.split(","))


def group_of(provider: Provider, body: object) -> str | None:
    """Return the session that a request belongs to where ``provider`` groups calls, else None."""
    if not provider.groups_by_user_id:
        return None
    named = next((value for _, value in _at(body, "metadata.user_id")), None)
    return named if isinstance(named, str) and named else provider.default_group


# --- what an error says -----------------------------------------------------------------------------------------------


def read_error(
    provider: Provider,
    status: int,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: object,
) -> ErrorFacts:
    """Read an error response, or the ``data`` of an error event, in the way its ``provider`` writes it.

    ``body`` is the parsed JSON, or the text where it is none. What the provider's own form leaves open is read in the
    documented form, since a gateway may hand an answer through.
    """
    named = {name.lower(): value for name, value in reversed(_pairs(headers))}
    shape = provider.error
    message = _first(body, shape.message, "error.message", "error", "message")
    return ErrorFacts(
        type=_first(body, shape.type, "error.type"),
        message=message or (body if isinstance(body, str) and body else f"status {status}"),
        request_id=_first(body, shape.request_id, "request_id")
        or named.get(shape.request_id_header or "request-id")
        or named.get("request-id"),
        retry_after=_retry_after(named),
    )


def _first(body: object, *paths: str) -> str | None:
    """Return the first text found at one of ``paths``; numbers count as text, as some gateways write codes."""
    for path in filter(None, paths):
        for _, value in _at(body, path):
            if isinstance(value, (str, int)) and str(value):
                return str(value)
    return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the wait in seconds; a date counts from the answer's own ``date``, since nothing here reads a clock."""
    ms, said = _number(headers.get("retry-after-ms")), headers.get("retry-after")
    if ms is not None:
        return ms / 1000
    seconds = _number(said)
    if seconds is not None or said is None:
        return seconds
    try:
        until, now = parsedate_to_datetime(said), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


# --- declared gateways ------------------------------------------------------------------------------------------------


def load_declared(path: str | Path) -> Mapping[str, Provider]:
    """Read the gateways that a TOML file declares, one table each, by name.

    Raises `SettingsError`, naming file, table and alternatives, where the file or anything in it means nothing.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot read the declared gateways: {error}") from error
    return parse_declared(text, origin=str(path))


def parse_declared(text: str, *, origin: str) -> Mapping[str, Provider]:
    """As `load_declared`, from the text of such a file; ``origin`` is what an error calls it."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{origin}: {error}") from error
    made: dict[str, Provider] = {}
    for name in tables:
        _declare(name, tables, made, _Place(origin, name), ())
    return MappingProxyType({name: made[name] for name in tables})


class _Place(NamedTuple):
    """Where in a file of declared gateways something stands."""

    origin: str
    table: str
    key: str = ""

    def wrong(self, problem: str) -> NoReturn:
        where = f"[{self.table}] {self.key}".rstrip()
        raise SettingsError(f"{self.origin}: {where}: {problem}")


def _declare(
    name: str, tables: Mapping[str, Any], made: dict[str, Provider], place: _Place, path: tuple[str, ...]
) -> Provider:
    """Make the profile of one table, after that of the one it extends."""
    if name in made:
        return made[name]
    table = tables[name]
    if not isinstance(table, dict):
        place.wrong("is not a table")
    parent = _parent(name, tables, made, place, path)
    changes: dict[str, Any] = {"name": name, "title": name, "notes": (), "pages": ()}
    for key, value in table.items():
        read = _KEYS.get(key)
        if read is None:
            place._replace(key=key).wrong(f"there is no such key; {_alternatives(key, _KEYS)}")
        changes |= read(value, parent, place._replace(key=key))
    changes |= _declared_keys(table, parent)
    made[name] = replace(parent, **changes)
    return made[name]


def _parent(
    name: str, tables: Mapping[str, Any], made: dict[str, Provider], place: _Place, path: tuple[str, ...]
) -> Provider:
    """Return the profile that the table extends: another table of the file, or a built-in one."""
    extends = tables[name].get("extends", COMPATIBLE.name)
    here = place._replace(key="extends")
    wanted = _text(extends, here)
    if wanted in {*path, name} and wanted in tables and wanted != name:
        here.wrong(f"goes round in a circle: {' -> '.join((*path, name, wanted))}")
    if wanted in tables and wanted != name:
        return _declare(wanted, tables, made, place._replace(table=wanted, key=""), (*path, name))
    if wanted not in PROVIDERS:
        here.wrong(f"there is no provider {wanted!r}; {_alternatives(wanted, [*PROVIDERS, *tables])}")
    return PROVIDERS[wanted]


def _declared_keys(table: Mapping[str, Any], parent: Provider) -> dict[str, Any]:
    """Put ``key_env`` and ``key_header`` together; what is not given is the parent's. No variable means no key."""
    if not {"key_env", "key_header"} & table.keys():
        return {}
    given = table.get("key_env")
    variables = [given] if isinstance(given, str) else given
    if variables is None:
        variables = list(dict.fromkeys(each.variable for each in parent.credentials))
    header = table.get("key_header")
    headers = [header.lower()] if header else list(dict.fromkeys(each.header for each in parent.credentials))
    credentials = tuple(_credential(variable, each) for variable in variables for each in headers)
    return {"credentials": credentials, "anonymous": not credentials}


def _text(value: object, place: _Place) -> str:
    if not isinstance(value, str) or not value:
        place.wrong(f"takes a string, not {value!r}")
    return value


def _texts(value: object, place: _Place) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) and entry for entry in value):
        place.wrong(f"takes a list of strings, not {value!r}")
    return tuple(value)


def _table(value: object, place: _Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        place.wrong(f"takes a table, not {value!r}")
    return value


def _read_base_url(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    url = _text(value, place)
    if urlsplit(url).scheme not in {"http", "https"} or not _host(url):
        place.wrong(f"takes a URL that begins with http:// or https://, not {url!r}")
    variable = f"{place.table.upper().replace('-', '_')}_BASE_URL"
    # A path tells a provider on foreign hosts; this one has a host of its own.
    return {"base_url": url, "base_url_env": variable, "hosts": (_host(url),), "path_prefix": ""}


def _read_key_env(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    _texts([value] if isinstance(value, str) else value, place)
    return {}


def _read_key_header(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    _text(value, place)
    return {}


def _read_headers(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
    added = {name.lower(): _text(entry, place) for name, entry in _table(value, place).items()}
    return {"headers": tuple({**dict(parent.headers), **added}.items())}


def _read_versions(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    versions = _texts(value, place)
    return {"versions": versions, **({"version": versions[-1]} if versions else {})}


def _read_timeout(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        place.wrong(f"takes a number of seconds above 0, not {value!r}")
    return {"timeout": float(value)}


def _read_unsupported(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
    """Read entries like ``metadata``, ``messages[*].role=system``, ``header:anthropic-beta=x``."""
    added = []
    for entry in _texts(value, place):
        where, _, wanted = entry.partition("=")
        part, _, name = where.rpartition(":")
        if part not in {"", "header"} or not name:
            place.wrong(f"takes body paths and header:name, each with or without =value, not {entry!r}")
        source = f"{place.origin} [{place.table}]"
        added.append(Unsupported(part=part or "body", path=name, value=wanted or "*", source=source))
    return {"unsupported": (*parent.unsupported, *added)}


def _read_rules(field: str) -> Callable[[object, Provider, _Place], dict[str, Any]]:
    def read(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
        return {field: (*getattr(parent, field), *_texts(value, place))}

    return read


def _read_error(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for key, entry in _table(value, place).items():
        if key == "envelope":
            changes[key] = _texts(entry, place)
        elif key in {field.name for field in fields(ErrorShape)}:
            changes[key] = entry if entry == "" else _text(entry, place)
        else:
            known = [field.name for field in fields(ErrorShape)]
            place.wrong(f"there is no {key!r} in an error; {_alternatives(key, known)}")
    return {"error": replace(parent.error, **changes)}


def _read_statuses(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
    known = {status.code: status for status in parent.statuses}
    for key, entry in _table(value, place).items():
        if not (key.isdigit() and len(key) == len("200")):
            place.wrong(f"takes status codes of three digits, not {key!r}")
        types = _texts([entry] if isinstance(entry, str) else entry, place)
        known[int(key)] = Status(code=int(key), types=types)
    return {"statuses": tuple(known[code] for code in sorted(known))}


def _read_habits(value: object, parent: Provider, place: _Place) -> dict[str, Any]:
    table = _table(value, place)
    kinds = {field.name: type(field.default) for field in fields(Habits)} | {"keep_alive_seconds": float}
    for key, entry in table.items():
        if key not in kinds:
            place.wrong(f"there is no habit {key!r}; {_alternatives(key, kinds)}")
        if not isinstance(entry, (int, float) if kinds[key] is float else kinds[key]):
            place.wrong(f"{key} takes a {kinds[key].__name__}, not {entry!r}")
    return {"habits": replace(parent.habits, **table)}


def _read_source(value: object, _: Provider, place: _Place) -> dict[str, Any]:
    return {"source": _text(value, place)}


def _read_extends(_value: object, _parent: Provider, _place: _Place) -> dict[str, Any]:
    return {}  # `_parent` has followed it


_KEYS: Mapping[str, Callable[[object, Provider, _Place], dict[str, Any]]] = MappingProxyType(
    {
        "extends": _read_extends,
        "base_url": _read_base_url,
        "key_env": _read_key_env,
        "key_header": _read_key_header,
        "headers": _read_headers,
        "versions": _read_versions,
        "timeout": _read_timeout,
        "unsupported": _read_unsupported,
        "relax": _read_rules("relax"),
        "add": _read_rules("add"),
        "error": _read_error,
        "statuses": _read_statuses,
        "habits": _read_habits,
        "source": _read_source,
    }
)
"""What a table may say, and how each key is read into fields of the profile."""
