"""What the sandbox refuses, and how each dialect says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from pytest_messages.findings import Level
from pytest_messages.judge import judge_request
from pytest_messages.providers import ANTHROPIC, unsupported
from pytest_messages.wire import header

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_messages.providers import Credential, Provider
    from pytest_messages.wire import Headers


@dataclass(frozen=True, slots=True)
class Failure:
    """An error to answer with.

    ``type`` None stands for the usual type of the status; ``bare`` for a plain string. ``details`` say more than the
    type does, where a dialect has a place for them.
    """

    status: int
    message: str
    type: str | None = None
    retry_after: float | None = None
    bare: bool = False
    details: dict[str, Any] | None = None


_KEY_STATUS = {"shuyou": 403}
"""The status of a wrong key where it is not 401. https://docs.shuyou.ai/en/guide/advanced/error-codes"""


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
    shape = provider.error
    said = {
        # A code that stands beside the type repeats the status; one that stands elsewhere says more than we know.
        shape.code if _above(shape.code) == _above(shape.type) else "": str(failure.status),
        shape.type: error_type(provider, failure),
        shape.message: failure.message,
        shape.request_id: request_id,
    }
    body: dict[str, Any] = {"type": "error"} if "type" in shape.envelope else {}
    for path, value in said.items():
        if path:
            _put(body, path, value)
    if failure.details is not None and shape.type == "error.type":
        body["error"]["details"] = failure.details
    return body


def _above(path: str) -> str:
    return path.rpartition(".")[0]


def _put(body: dict[str, Any], path: str, value: str) -> None:
    """Set what stands at a dotted path."""
    *above, name = path.split(".")
    for step in above:
        body = body.setdefault(step, {})
    body[name] = value


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


# --- the body of a request --------------------------------------------------------------------------------------------


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
    return find_problem(provider, headers, parsed, counting=counting)


def find_problem(provider: Provider, headers: Headers, body: dict[str, Any], *, counting: bool) -> Failure | None:
    """Return what is wrong with the parsed body of a request, or None."""
    version = header(headers, "anthropic-version") or provider.version
    refused = (str(error) for error in unsupported(provider, body, headers))
    problem = next(chain(_problems(body, version, counting=counting), refused), None)
    return _check_model(provider, body["model"]) if problem is None else Failure(400, problem)


def _parse(body: bytes) -> dict[str, Any] | str:
    """Return the object in a request's body, or what is wrong with it."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return "the request body is not valid JSON"
    return parsed if isinstance(parsed, dict) else "the request body is not a JSON object"


def _problems(body: dict[str, Any], version: str, *, counting: bool) -> Iterator[str]:
    """Yield what the documented API forbids; every gateway hands a request on to it."""
    rules = ("-request.max-tokens",) if counting else ()
    for violation in judge_request(body, ANTHROPIC, version=version, rules=rules):
        if violation.level is Level.VIOLATION:
            yield f"{violation.where}: {violation.message}"


def _check_model(provider: Provider, model: str) -> Failure | None:
    known = {"claude-…": model.startswith("claude"), "provider/model": "/" in model.strip("/")}
    if known.get(provider.model_form, True):
        return None
    kind = "invalid_model" if "invalid_model" in provider.types_of(404) else None
    return Failure(404, f"model: {model}", type=kind)
