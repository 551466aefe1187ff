"""What a client knows of its provider: how to ask, and what answers mean. No I/O."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from json import dumps, loads
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from pytest_messages import judge, providers, report
from pytest_messages.api import schema
from pytest_messages.client.params import HEADERS
from pytest_messages.errors import (
    ApiError,
    ConformanceError,
    MessagesError,
    StreamError,
    UnsupportedFieldError,
)
from pytest_messages.findings import Level
from pytest_messages.intercept.common import CALL, PROVIDER
from pytest_messages.judge.grading import verdict
from pytest_messages.judge.requests import Asked, is_well_formed
from pytest_messages.wire import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_messages.api.schema import Kind, Message, TokenCount
    from pytest_messages.providers import Provider
    from pytest_messages.session.call import Call
    from pytest_messages.session.session import Session

__tracebackhide__ = True
"""For pytest: a failure is shown where the test called us, and our frames, which hold keys, are not shown at all."""

T = TypeVar("T")
E = TypeVar("E", bound=MessagesError)

_PATIENCE = 600.0
"""Seconds to wait where a provider documents no limit of its own, as official SDKs do."""
_CONNECT = 10.0

_OK = range(200, 300)

_REFUSED = {"fail": (Level.VIOLATION,), "strict": (Level.VIOLATION, Level.NOTICE)}
"""Which findings keep a request from being sent, by the setting ``conformance``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Keys and base URLs come from ``environ``, which is looked at with every call."""

    session: Session
    provider: Provider
    environ: Mapping[str, str] = field(repr=False)

    def at(self, provider: str | Provider) -> Account:
        """Return the account at another provider: a name, built-in or declared, or a profile."""
        return replace(self, provider=provider_of(self.session, provider))

    # Asking

    def create(self, params: Mapping[str, Any], *, streamed: bool = False) -> httpx.Request:
        """Make the request for a message."""
        body = {**params, "stream": True} if streamed else params
        return self._lawful(self.provider.messages, body, "request", self.provider.timeout)

    def count_tokens(self, params: Mapping[str, Any]) -> httpx.Request:
        """Make the request for a count of tokens."""
        if not self.provider.count_tokens:
            raise explained(
                UnsupportedFieldError(
                    f"{self.provider.title} documents no endpoint that counts tokens",
                    field="count_tokens",
                    provider=self.provider.name,
                    source=self.provider.page("count_tokens"),
                )
            )
        timeout = self.provider.count_tokens_timeout or self.provider.timeout
        return self._lawful(self.provider.count_tokens, params, "count_tokens_request", timeout)

    def anything(
        self, method: str, path: str | None, content: str | bytes | None, headers: Mapping[str, str | None]
    ) -> httpx.Request:
        """Make a request that nobody judges. A header of None is left out; one given may stand in for a key."""
        changes = {name.lower(): value for name, value in headers.items()}
        keyed = any(each.header in changes for each in self.provider.credentials)
        carried = {**self._headers(None, anonymous=keyed), **changes}
        present = {name: value for name, value in carried.items() if value is not None}
        return self._request(method, path or self.provider.messages, content, present, self.provider.timeout)

    def _lawful(self, path: str, params: Mapping[str, Any], kind: Kind, timeout: float | None) -> httpx.Request:
        said = {HEADERS[name]: _in_header(value) for name, value in params.items() if name in HEADERS}
        content = as_json({name: value for name, value in params.items() if name not in HEADERS})
        version = said.setdefault("anthropic-version", self.provider.version)
        self._check(loads(content), said, kind)
        return self._request("POST", path, content, {**self._headers(version), **said}, timeout)

    def _check(self, body: dict[str, Any], headers: Mapping[str, str], kind: Kind) -> None:
        """Raise what is wrong with a request while it can still be kept from being sent."""
        for error in providers.unsupported(self.provider, body, headers):
            raise explained(error)
        settings, said = self.session.settings, headers["anthropic-version"]
        asked = Asked(
            body=body,
            kind=kind,
            version=said if said in schema.VERSIONS else schema.VERSIONS[0],
            said=said,
            headers=tuple(headers.items()),
            provider=self.provider,
        )
        found = verdict(is_well_formed(asked), self.provider, rules=settings.rules)
        grave = _REFUSED.get(settings.conformance, ())
        # A rule that raises says nothing of the request; the session's own verdict will tell it.
        refused = tuple(each for each in found if each.level in grave and each.rule != judge.ERROR.name)
        if refused:
            raise explained(
                ConformanceError(f"the request was not sent: {_breaches(len(refused))}", violations=refused)
            )

    def _headers(self, version: str | None, *, anonymous: bool = False) -> dict[str, str]:
        """Return the provider's headers, the keys among them; placeholders where nothing can go out."""
        given = {name: value for name, value in self.environ.items() if value}
        if not self.session.may_forward:
            given = {**providers.placeholders(self.provider), **given}
        provider = replace(self.provider, anonymous=True) if anonymous else self.provider
        try:
            return dict(providers.request_headers(provider, given, version=version))
        except MessagesError as error:
            raise explained(error) from None

    def _request(
        self, method: str, path: str, content: str | bytes | None, headers: Mapping[str, str], timeout: float | None
    ) -> httpx.Request:
        url = f"{providers.base_url_of(self.provider, self.environ)}/{path.lstrip('/')}"
        if not self.session.is_open:
            error = self.session.unrecordable(url, host=httpx.URL(url).host, library="httpx")
            self.session.refuse(error)
        return httpx.Request(
            method,
            url,
            headers={"user-agent": "pytest-messages", **headers},
            content=content,
            extensions={
                "timeout": httpx.Timeout(timeout or _PATIENCE, connect=_CONNECT).as_dict(),
                PROVIDER: self.provider,
            },
        )

    @contextmanager
    def explaining(self, request: httpx.Request) -> Iterator[None]:
        """Say with an exception of the network what could be meant."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            where = f"{request.url.scheme}://{request.url.netloc.decode()}"
            error.add_note(f"no server answers at {where}; {self.provider.base_url_env} can name another address")
            raise
        except httpx.TimeoutException as error:
            limit = request.extensions["timeout"]["read"]
            error.add_note(f"{self.provider.title} was given {limit:g} s, the time limit of its profile")
            raise

    # What answers mean

    def message(self, response: httpx.Response) -> Message:
        """Read an answer as a Message."""
        return self.parsed(self._value(response), "Message", schema.parse_message)

    def token_count(self, response: httpx.Response) -> TokenCount:
        """Read an answer as a count of tokens."""
        return self.parsed(self._value(response), "token count", schema.TokenCount.model_validate)

    def _value(self, response: httpx.Response) -> object:
        value = _json(response.content)
        if response.status_code not in _OK or _is_error(value):
            raise self.error(self._as_recorded(response))
        return value

    def parsed(self, value: object, what: str, parse: Callable[[object], T]) -> T:
        """Make an object of parsed JSON; raises `ConformanceError` where it is not ``what`` it should be."""
        try:
            return parse(value)
        except ValidationError as error:
            found = judge.judge_body(value if isinstance(value, dict) else dumps(value), self.provider)
            problem = f"the answer is no {what}: {_breaches(len(found) or error.error_count())}"
            raise explained(ConformanceError(problem, violations=found)) from None

    def not_streamed(self, response: httpx.Response) -> MessagesError:
        """Return the error for an answer, read already, that should have been a stream and is none."""
        if response.status_code not in _OK or _is_error(_json(response.content)):
            return self.error(self._as_recorded(response))
        kind = response.headers.get("content-type", "of no content type")
        return explained(StreamError(f"the answer is no stream of server-sent events: it is {kind}", offset=0))

    def error(self, answer: Response) -> ApiError:
        """Return the error that an answer tells, with nothing in it that must not be stored."""
        answer = self.session.scrubbed_answer(answer)
        body = _json(answer.body)
        body = answer.body.decode(errors="replace") if body is None else body
        facts = providers.read_error(self.provider, answer.status, answer.headers, body)
        said = f"{answer.status} {facts.type}" if facts.type else f"{answer.status}"
        return explained(
            ApiError(
                f"{said}: {facts.message}",
                status=answer.status,
                type=facts.type,
                request_id=facts.request_id,
                retry_after=facts.retry_after,
                body=body,
            )
        )

    def _as_recorded(self, response: httpx.Response) -> Response:
        """Return the answer as the session has it: replay hands out a shorter wait than was asked for."""
        call: Call | None = response.extensions.get(CALL)
        return call.response if call and call.response else wire_response(response, response.content)


def provider_of(session: Session, provider: str | Provider | None) -> Provider:
    """Return the profile that is meant, the session's where none is; raises `SettingsError` for a name of none."""
    if isinstance(provider, providers.Provider):
        return provider
    declared = providers.load_declared(session.settings.providers) if session.settings.providers else {}
    return providers.provider_named(provider or session.settings.provider or "anthropic", declared=declared)


def as_json(value: object) -> str:
    """Write a body; a pydantic model, such as a block of an earlier answer, is written as it came."""
    return dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    raise TypeError(f"a request is JSON, and {type(value).__name__} is not")


def wire_response(response: httpx.Response, body: bytes) -> Response:
    """Turn the library's response into a value, with ``body`` as what was answered."""
    headers = tuple((name.lower(), value) for name, value in response.headers.multi_items())
    return Response(response.status_code, response.reason_phrase, headers, body)


def explained(error: E) -> E:
    """Return ``error`` with all that is known about it as a note, which pytest shows below its one line."""
    rest = report.explain(error).partition("\n\n")[2]
    error.add_note(rest)
    return error


def _breaches(count: int) -> str:
    return f"{count} {'breach' if count == 1 else 'breaches'} of the documented API"


def _in_header(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _json(raw: bytes) -> Any:
    try:
        return loads(raw)
    except (ValueError, RecursionError):
        return None


def _is_error(value: object) -> bool:
    return isinstance(value, dict) and value.get("type") == "error"
