"""What is known of a gateway: the shape of a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
class ProfileNote:
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
    is nobody's. Where it is ``alone``, nothing but the API is spoken below that prefix or, without one, at its
    hosts. ``credentials`` are alternatives in order of preference, all of them accepted by the provider;
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
    alone: bool = False
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
    notes: tuple[ProfileNote, ...] = ()
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


def credential(variable: str, header: str, placeholder: str = "<api-key>") -> Credential:
    """Return the credential of a variable, with the prefix that its header asks for."""
    prefix = "Bearer " if header == "authorization" else ""
    return Credential(variable=variable, header=header, prefix=prefix, placeholder=placeholder)
