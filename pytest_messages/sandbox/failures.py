"""What the sandbox refuses, and how each dialect says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from pytest_messages.providers import unsupported
from pytest_messages.wire import header

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from pytest_messages.providers import Credential, Provider
    from pytest_messages.wire import Headers


@dataclass(frozen=True, slots=True)
class Failure:
    """An error to answer with. ``type`` None stands for the usual type of the status; ``bare`` for a plain string."""

    status: int
    message: str
    type: str | None = None
    retry_after: float | None = None
    bare: bool = False


_KEY_STATUS = {"shuyou": 403}
"""The status of a wrong key where it is not 401. https://docs.shuyou.ai/en/guide/advanced/error-codes"""

_REMOVED = {"2026-10-21": ("temperature", "top_p", "top_k")}
"""Fields that a version of the API took away. https://platform.claude.com/docs/en/api/versioning"""

FIELDS: Mapping[str, tuple[type, ...]] = {
    "model": (str,),
    "max_tokens": (int,),
    "messages": (list,),
    "system": (str, list),
    "stream": (bool,),
    "stop_sequences": (list,),
    "temperature": (int, float),
    "top_p": (int, float),
    "top_k": (int,),
    "tools": (list,),
    "tool_choice": (dict,),
    "thinking": (dict,),
    "output_config": (dict,),
    "output_format": (dict,),
    "cache_control": (dict,),
    "container": (str, dict),
    "diagnostics": (dict,),
    "inference_geo": (str,),
    "metadata": (dict,),
    "service_tier": (str,),
    "speed": (str,),
    # Of betas, which a header asks for.
    "billing_policy": (dict,),
    "compaction": (dict,),
    "context_management": (dict,),
    "fallback_credit_token": (str,),
    "fallbacks": (list,),
    "mcp_servers": (list,),
    "thread": (dict,),
}
"""The top-level fields of a request and their JSON types. https://platform.claude.com/docs/en/api/messages"""

_JSON_NAMES = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}
_NULLABLE = {"output_format", "cache_control", "container", "diagnostics", "inference_geo", "speed"}
_RANGES = {"temperature": (0, 1), "top_p": (0, 1)}
_MOST_MESSAGES = 100_000
_LONGEST_USER_ID = 256
_LEAST_BUDGET = 1024


def error_type(provider: Provider, failure: Failure) -> str:
    """Return the type that ``failure`` has in this dialect."""
    return failure.type or next(iter(provider.types_of(failure.status)), "") or _usual_type(provider)


def _usual_type(provider: Provider) -> str:
    """Return the type of a status that the dialect does not list: the one for failures behind it."""
    return ("api_error", *provider.types_of(500))[-1]


def error_body(provider: Provider, failure: Failure, request_id: str) -> dict[str, Any]:
    """Return the body of an error response as ``provider`` writes it."""
    if failure.bare and provider.name == "shinzo":
        return {"error": failure.message}
    said: dict[str, Any] = {"type": error_type(provider, failure), "message": failure.message}
    if provider.error.code == "error.code":
        said = {"code": str(failure.status), **said}
    if "type" not in provider.error.envelope:
        return {"error": said}
    return {"type": "error", "error": said, "request_id": request_id}


def find_failure(provider: Provider, headers: Headers, body: bytes, *, counting: bool) -> Failure | None:
    """Return what is wrong with a request whose key is good, the gravest first, or None.

    ``counting`` says that it asks for a count of tokens, which needs no ``max_tokens``.
    """
    wrong = _check_version(provider, headers)
    if wrong:
        return wrong
    if provider.body_limit is not None and len(body) > provider.body_limit:
        return Failure(413, f"the request exceeds {provider.body_limit} bytes")
    parsed = _parse(body)
    if isinstance(parsed, str):
        return Failure(400, parsed)
    refused = (str(error) for error in unsupported(provider, parsed, headers))
    problems = chain(_problems(parsed, counting=counting), _removed(parsed, headers), refused)
    problem = next(problems, None)
    return _check_model(provider, parsed["model"]) if problem is None else Failure(400, problem)


def _parse(body: bytes) -> dict[str, Any] | str:
    """Return the object in a request's body, or what is wrong with it."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return "the request body is not valid JSON"
    return parsed if isinstance(parsed, dict) else "the request body is not a JSON object"


# --- keys and versions ------------------------------------------------------------------------------------------------


def key_in(credential: Credential, headers: Headers) -> str | None:
    """Return the key that a request carries in the way of ``credential``."""
    value = header(headers, credential.header)
    if value is None or not value.lower().startswith(credential.prefix.lower()):
        return None
    return value[len(credential.prefix) :].strip()


def check_key(provider: Provider, headers: Headers, keys: Collection[str]) -> Failure | None:
    """Return the failure of a request whose key is missing or unknown."""
    sent = [key_in(credential, headers) for credential in provider.credentials]
    if provider.anonymous or any(key in keys for key in sent if key):
        return None
    what = "the API key is not valid" if any(sent) else "no API key was sent"
    return Failure(_KEY_STATUS.get(provider.name, 401), what, bare=True)


def _check_version(provider: Provider, headers: Headers) -> Failure | None:
    version = header(headers, "anthropic-version")
    if version is None:
        return Failure(400, "anthropic-version: header is required") if provider.version_required else None
    if provider.versions and version not in provider.versions:
        return Failure(400, f"anthropic-version: {version!r} is not one of {', '.join(provider.versions)}")
    return None


def _check_model(provider: Provider, model: str) -> Failure | None:
    known = {"claude-…": model.startswith("claude"), "provider/model": "/" in model.strip("/")}
    if known.get(provider.model_form, True):
        return None
    return Failure(404, f"model: {model}", type=_unknown_model(provider))


def _unknown_model(provider: Provider) -> str | None:
    return next((each for each in provider.types_of(404) if each == "invalid_model"), None)


# --- the shape of a request -------------------------------------------------------------------------------------------


def _removed(body: dict[str, Any], headers: Headers) -> Iterator[str]:
    version = header(headers, "anthropic-version") or ""
    yield from (
        f"{name}: is not a parameter of version {version}" for name in _REMOVED.get(version, ()) if name in body
    )


def _problems(body: dict[str, Any], *, counting: bool) -> Iterator[str]:
    """Yield what the documentation forbids, in the order in which a reader of the request comes upon it."""
    required = ("model", "messages") if counting else ("model", "max_tokens", "messages")
    yield from (f"{name}: field required" for name in required if body.get(name) is None)
    for name, value in body.items():
        if name not in FIELDS:
            yield f"{name}: extra inputs are not permitted"
        elif not (value is None and name in _NULLABLE) and not _is_a(value, FIELDS[name]):
            yield f"{name}: input should be {' or '.join(_JSON_NAMES[kind] for kind in FIELDS[name])}"
    for check in _CHECKS:
        yield from check(body)


def _is_a(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _numbers(body: dict[str, Any]) -> Iterator[str]:
    for name, (least, most) in _RANGES.items():
        if name in body and not least <= body[name] <= most:
            yield f"{name}: range is {least} to {most}"
    if body.get("max_tokens", 1) < 0 or body.get("top_k", 0) < 0:
        yield "max_tokens, top_k: must not be negative"
    if body.get("max_tokens") == 0:
        yield from (f"max_tokens: 0 does not go together with {name}" for name in _excluded_by_zero(body))
    user = (body.get("metadata") or {}).get("user_id")
    if isinstance(user, str) and len(user) > _LONGEST_USER_ID:
        yield f"metadata.user_id: at most {_LONGEST_USER_ID} characters"


def _excluded_by_zero(body: dict[str, Any]) -> Iterator[str]:
    if body.get("stream"):
        yield "stream"
    if (body.get("thinking") or {}).get("type") == "enabled":
        yield "thinking"
    if (body.get("output_config") or {}).get("format"):
        yield "output_config.format"
    if (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        yield "a forced tool_choice"


def _messages(body: dict[str, Any]) -> Iterator[str]:
    messages = body["messages"]
    if not messages:
        yield "messages: at least one message is required"
    if len(messages) > _MOST_MESSAGES:
        yield f"messages: at most {_MOST_MESSAGES} messages"
    for number, each in enumerate(messages):
        where = f"messages.{number}"
        if not isinstance(each, dict):
            yield f"{where}: input should be an object"
        elif each.get("role") not in {"user", "assistant", "system"}:
            yield f"{where}.role: input should be 'user', 'assistant' or 'system'"
        elif not isinstance(each.get("content"), (str, list)):
            yield f"{where}.content: input should be a string or a list of blocks"
        else:
            yield from _blocks(each["content"], where)


def _blocks(content: str | list[Any], where: str) -> Iterator[str]:
    if content == "":
        yield f"{where}.content: must not be empty"
    for number, block in enumerate(content if isinstance(content, list) else ()):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            yield f"{where}.content.{number}: input should be a block with a type"
        elif block["type"] == "text" and not block.get("text"):
            yield f"{where}.content.{number}.text: must not be empty"


def _pairs(body: dict[str, Any]) -> Iterator[str]:
    """Hold calls of tools to their results: each is answered in the message that follows, and nothing else is."""
    messages = body["messages"]
    for number, each in enumerate(messages):
        before = _ids(messages[number - 1], "tool_use", "id") if number else []
        answered = _ids(each, "tool_result", "tool_use_id")
        if each["role"] == "user":
            missing = [one for one in before if one not in answered]
            if missing:
                yield f"messages.{number}: tool_use ids without tool_result blocks: {', '.join(missing)}"
            strange = [one for one in answered if one not in before]
            if strange:
                yield f"messages.{number}: tool_result blocks for no tool_use of the message before: {strange[0]}"


def _ids(message: dict[str, Any], kind: str, name: str) -> list[str]:
    content = message["content"]
    return [str(block.get(name)) for block in content if block["type"] == kind] if isinstance(content, list) else []


def _tools(body: dict[str, Any]) -> Iterator[str]:
    tools, choice = body.get("tools") or [], body.get("tool_choice") or {}
    names = [tool.get("name") for tool in tools if isinstance(tool, dict) and "name" in tool]
    for number, tool in enumerate(tools):
        if not isinstance(tool, dict):
            yield f"tools.{number}: input should be an object"
        elif tool.get("type", "custom") in {None, "custom"}:
            yield from _custom_tool(tool, f"tools.{number}")
    if len(set(names)) < len(names):
        yield "tools: tool names must be unique"
    if choice and choice.get("type") not in {"auto", "any", "tool", "none"}:
        yield "tool_choice.type: input should be 'auto', 'any', 'tool' or 'none'"
    if choice.get("type") in {"any", "tool"} and not tools:
        yield "tool_choice: tools are required"
    if choice.get("type") == "tool" and tools and choice.get("name") not in names:
        yield f"tool_choice.name: there is no tool {choice.get('name')!r}"


def _custom_tool(tool: dict[str, Any], where: str) -> Iterator[str]:
    if not isinstance(tool.get("name"), str):
        yield f"{where}.name: field required"
    if not isinstance(tool.get("input_schema"), dict):
        yield f"{where}.input_schema: field required"


def _thoughts(body: dict[str, Any]) -> Iterator[str]:
    thinking = body.get("thinking") or {}
    budget = thinking.get("budget_tokens")
    if thinking.get("type") == "enabled":
        if not isinstance(budget, int):
            yield "thinking.budget_tokens: field required"
        elif budget < _LEAST_BUDGET or budget >= body.get("max_tokens", budget + 1):
            yield f"thinking.budget_tokens: at least {_LEAST_BUDGET} and below max_tokens"
        if (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
            yield "thinking: does not go together with a forced tool_choice"
    elif thinking and thinking.get("type") not in {"adaptive", "disabled", "between_tools"}:
        yield "thinking.type: input should be 'enabled', 'adaptive', 'between_tools' or 'disabled'"


_CHECKS: tuple[Callable[[dict[str, Any]], Iterator[str]], ...] = (_numbers, _messages, _pairs, _tools, _thoughts)
