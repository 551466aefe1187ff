"""Judge one answer that a test has in hand: `assert_conforms`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from pytest_messages import judge, providers, report
from pytest_messages.api import schema
from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.errors import ConformanceError
from pytest_messages.findings import Level
from pytest_messages.session.call import Call
from pytest_messages.wire import Request, Response

if TYPE_CHECKING:
    from pytest_messages.findings import Violation
    from pytest_messages.providers import Provider


class HttpResponse(Protocol):
    """A response that has been read: of httpx, httpx2, requests or a test client."""

    @property
    def status_code(self) -> int:
        """The status."""

    @property
    def headers(self) -> Any:
        """The headers, a mapping."""

    @property
    def content(self) -> Any:
        """The decoded body, as bytes."""


class Dumped(Protocol):
    """An object of pydantic's: an official SDK's, or ours."""

    def model_dump(self, *, mode: str, by_alias: bool, exclude_unset: bool, warnings: bool) -> Any:
        """Return it as plain values."""


class Plain(Protocol):
    """Any other object that says what it holds."""

    def to_dict(self) -> Any:
        """Return it as plain values."""


__tracebackhide__ = True
"""For pytest: a failure is shown where the test asserted."""

_FORMS = (
    "a response of httpx, httpx2 or requests that was read; the answer as a dict, as an SDK's object or as JSON text; "
    "the text or bytes of a stream; a call of messages_cassette.calls; an interaction"
)
_API = re.compile(r"/v1/(messages|models)(/|$)")
_FIRST_ERROR = 400
_OK = range(200, 300)


def assert_conforms(
    answer: HttpResponse | Dumped | Plain | Call | Interaction | Mapping[str, Any] | str | bytes,
    *,
    request: Mapping[str, Any] | None = None,
    provider: str | Provider | None = None,
    version: str = schema.VERSIONS[0],
    rules: tuple[str, ...] | list[str] = (),
    strict: bool = False,
) -> tuple[Violation, ...]:
    """Raise `ConformanceError`, an AssertionError, where ``answer`` breaks the documented Messages API.

    Takes an HTTP response, a dict, an SDK's object, JSON text, the text or bytes of a stream, a call or an interaction.
    ``request`` is the body that asked for it, where ``answer`` does not know: its promises (tools, schemas, limits) are
    judged then, too, by the API ``version``. ``provider`` is a name or a profile; left out, a call knows its own, a URL
    tells it, and else it is Anthropic's. ``rules`` are as in the setting: ``-name`` turns one off. With ``strict``,
    notices count as well. Returns the findings that do not count, gravest first. Raises `TypeError` for anything else
    than an answer, and `ValueError` for a call that has none.
    """
    judged = _judged(answer, request=request, provider=provider, version=version, rules=tuple(rules))
    worst = Level.NOTICE if strict else Level.VIOLATION
    broken = tuple(finding for finding in judged if finding.level <= worst)
    if not broken:
        return judged
    headline = f"{len(broken)} {'breach' if len(broken) == 1 else 'breaches'} of the documented API"
    text = report.explain(ConformanceError(headline, violations=broken))
    raise ConformanceError(text, violations=broken)


def _judged(
    answer: object,
    *,
    request: Mapping[str, Any] | None,
    provider: str | Provider | None,
    version: str,
    rules: tuple[str, ...],
) -> tuple[Violation, ...]:
    exchange = _exchange(answer)
    chosen = _profile(provider, answer, exchange)
    if exchange is not None and request is not None:
        exchange = _asked_with(exchange, request, version)
    if exchange is not None and _is_of_the_api(exchange):
        return judge.check(exchange, chosen, rules=rules)
    body, status = (exchange.response.body, exchange.response.status) if exchange else (_body(answer), 200)
    asked = None if request is None else dict(request)
    replied = judge.judge_body(body, chosen, request=asked, status=status, rules=rules)
    return tuple(sorted((*replied, *_requested(asked, chosen, version, rules)), key=lambda finding: finding.level))


def _requested(
    request: dict[str, Any] | None, provider: Provider, version: str, rules: tuple[str, ...]
) -> tuple[Violation, ...]:
    """Judge the request; there is no violation in it, since the API has answered it."""
    if request is None:
        return ()
    found = judge.judge_request(request, provider, version=version, rules=rules)
    return tuple(replace(each, where=f"request {each.where}", level=max(each.level, Level.NOTICE)) for each in found)


def _asked_with(exchange: Interaction, body: Mapping[str, Any], version: str) -> Interaction:
    """Return the exchange as if ``body`` had been sent, to the API where the URL is of something else."""
    known = _API.search(exchange.request.url.partition("?")[0])
    url = exchange.request.url if known else f"{providers.ANTHROPIC.base_url}{providers.ANTHROPIC.messages}"
    headers = (("content-type", "application/json"), ("anthropic-version", version))
    return Interaction(Request("POST", url, headers, json.dumps(dict(body)).encode()), exchange.answer)


def _profile(provider: str | Provider | None, answer: object, exchange: Interaction | None) -> Provider:
    if isinstance(provider, str):
        return providers.provider_named(provider)
    if provider is not None:
        return provider
    if isinstance(answer, Call):
        return answer.provider
    return providers.provider_of(exchange.request.url if exchange else "", default=providers.ANTHROPIC)


def _is_of_the_api(exchange: Interaction) -> bool:
    """Tell whether the URL says what is judged; an application's own endpoint, or a redirect, says nothing."""
    path, status = exchange.request.url.partition("?")[0], exchange.response.status
    return _API.search(path) is not None and (status in _OK or status >= _FIRST_ERROR)


def _exchange(answer: object) -> Interaction | None:
    """Return what crossed the wire, where the answer knows."""
    if isinstance(answer, Interaction):
        return answer
    if isinstance(answer, Call):
        if answer.response is None:
            raise ValueError(f"{answer!r} has no answer yet")
        return Interaction(answer.request, (answer.response, Recording()))
    if hasattr(answer, "status_code") and hasattr(answer, "headers"):
        return Interaction(_request_of(answer), (_response_of(answer), Recording()))
    return None


def _response_of(answer: Any) -> Response:
    return Response(answer.status_code, headers=_pairs(answer.headers), body=answer.content)


def _request_of(answer: Any) -> Request:
    """Return the request that a response knows; httpx raises where a response was made by hand and has none."""
    try:
        request = answer.request
    except RuntimeError:
        return Request("POST", "")
    # The libraries' names for it: httpx and httpx2, requests.
    body = getattr(request, "content", None) or getattr(request, "body", None) or b""
    raw = body.encode() if isinstance(body, str) else body
    return Request(request.method, str(request.url), _pairs(request.headers), raw)


def _pairs(headers: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in headers.items())


def _body(answer: object) -> dict[str, Any] | str | bytes:
    if isinstance(answer, (str, bytes)):
        return answer
    plain = _as_plain(answer)
    if not isinstance(plain, Mapping):
        raise TypeError(f"assert_conforms takes {_FORMS}; not {type(answer).__name__}")
    return dict(plain)


def _as_plain(answer: object) -> object:
    if hasattr(answer, "model_dump"):
        # What the API sent, under its own names, and nothing that the object's class adds.
        return answer.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    return answer.to_dict() if hasattr(answer, "to_dict") else answer
