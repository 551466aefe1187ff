"""What is wrong with settings, keys, or what the typed client got."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages.report.layout import (
    COLUMNS,
    line,
    members,
    value,
)
from pytest_messages.report.sheet import (
    Sheet,
    prose,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_messages.errors import (
        ApiError,
        CredentialError,
        MessagesError,
        SettingsError,
        StreamError,
        UnsupportedFieldError,
    )


def settings(error: SettingsError) -> Sheet:
    """Explain that a setting means nothing."""
    return Sheet(str(error), steps=[("to see every choice", "pytest --help")])


def credential(error: CredentialError) -> Sheet:
    """Explain that no key was found."""
    either = " or ".join(f"export {variable}=…" for variable in error.variables)
    return Sheet(
        str(error),
        [
            ("where", ["before anything was sent"]),
            ("nearest", [f"{' and '.join(error.variables)}, not set" if error.variables else "no variable is known"]),
        ],
        steps=[
            ("to record", either or "pass a key to the client"),
            ("to replay", "no key is needed where a cassette exists"),
        ],
    )


_ADVICE: Mapping[int, tuple[str, str]] = {
    400: ("to send a lawful request", "read the message above; https://platform.claude.com/docs/en/api/messages"),
    401: ("to be let in", "export ANTHROPIC_API_KEY=…, or the variable of your provider"),
    403: ("to be let in", "use a key that may use this model or workspace"),
    404: ("to find it", "check the model's name and the base URL"),
    413: ("to be heard", "send less: a request may have 32 MB"),
    429: ("to go on", "wait, then repeat the call: nothing here repeats it for you"),
    500: ("to go on", "repeat the call: nothing here repeats it for you"),
    504: ("to go on", "stream the answer, or ask for a shorter one"),
    529: ("to go on", "wait, then repeat the call: nothing here repeats it for you"),
}


def api(error: ApiError) -> Sheet:
    """Explain what the API answered in place of a message."""
    told = members(members(error.body).get("error")).get("message")
    wait = f"retry after {error.retry_after:g} s" if error.retry_after is not None else ""
    where = ", ".join(filter(None, [f"status {error.status}", error.type, error.request_id, wait]))
    said = told if isinstance(told, str) else value(error.body, COLUMNS) if error.body is not None else ""
    return Sheet(
        str(error),
        [("where", prose(where)), *([("answer", prose(said)[:8])] if said else [])],
        steps=[_ADVICE.get(error.status, ("to read on", "https://platform.claude.com/docs/en/api/errors"))],
    )


def stream(error: StreamError) -> Sheet:
    """Explain that a stream cannot be read."""
    return Sheet(
        str(error),
        [("where", [f"byte {error.offset:,} of the body"])],
        steps=[("to read on", "https://html.spec.whatwg.org/multipage/server-sent-events.html")],
    )


def unsupported(error: UnsupportedFieldError) -> Sheet:
    """Explain that a provider does not take a field."""
    return Sheet(
        str(error),
        [("where", prose(f"the field {error.field}, at provider {error.provider}")), ("source", prose(error.source))],
        steps=[
            ("to send it all the same", "messages_client.raw(...)"),
            ("to be understood", f"leave out {line(error.field)}"),
        ],
    )


def unknown(error: MessagesError) -> Sheet:
    """Explain an error that has no explanation of its own."""
    return Sheet(str(error))
