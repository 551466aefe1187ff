"""What can go wrong, and what to do about it.

    Refused(pytest.fail.Exception)     .error: a MessagesError; what a client's call raises when the session refuses it
    MessagesError(Exception)           never raised itself
    ├── SettingsError                  an option, marker or ini value; names the alternatives
    ├── CassetteError                  .path
    │   ├── CassetteNotFoundError
    │   ├── CassetteFormatError        .line .column .excerpt
    │   ├── CassetteVersionError
    │   ├── CassetteIncompleteError    .tests
    │   └── SecretLeakError            .leaks; refused to write: says where and what kind, never the secret
    ├── ReplayError                    .context
    │   ├── NoMatchError               .nearest .differences
    │   ├── ExhaustedError             .times; already played, n of n
    │   ├── UnplayedError              .positions .prompts
    │   ├── EmptyError                 .loaded .hooked; a mark promised calls, and none came
    │   ├── ExpiredError               .positions .oldest; recordings older than the setting `expire` allows
    │   ├── StreamClosedError          read past a `closed` recording
    │   ├── UnreplayableError          .calls .differences .matchers; recorded, and never to be replayed
    │   └── NotRecordableError         .host .library .thread
    ├── CredentialError                .variables; no key where the profile requires one
    ├── ApiError                       .status .type .request_id .retry_after .body
    ├── StreamError                    .offset; bytes that are not server-sent events
    ├── UnsupportedFieldError          .field .provider .source
    └── ConformanceError               .violations; also an AssertionError

Errors carry plain, scrubbed data only: they cross process boundaries and no secret rides along. ``str(error)`` is one
line; `report` lays out the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_messages.findings import Difference, Leak, Violation


if TYPE_CHECKING:

    class _Failed(BaseException):
        """What `pytest.fail` raises, whose type pytest publishes as an attribute of a function only."""

        def __init__(self, msg: str | None = None, pytrace: bool = True) -> None: ...  # noqa: FBT001, FBT002 - pytest's

        msg: str | None

else:
    _Failed = pytest.fail.Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """Where a call stood when it was refused: all that an explanation needs, as plain scrubbed values."""

    number: int
    asked: str
    cassette: str
    mode: str
    interactions: int = 0
    unplayed: int = 0
    test: str | None = None


class MessagesError(Exception):
    """The base of everything that this project raises by name; never raised itself."""

    def __reduce__(self) -> tuple[Callable[..., MessagesError], tuple[Any, ...]]:
        """Pickle by value, not by calling ``__init__`` again: errors cross process boundaries with their data."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[MessagesError], args: tuple[Any, ...], data: dict[str, Any]) -> MessagesError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(data)
    return error


class SettingsError(MessagesError):
    """An option, a marker keyword or an ini value that means nothing; the message names the alternatives."""


class CassetteError(MessagesError):
    """Something about a cassette file.

    ``path`` is that file, ``test`` the test that uses it, where one is known, and ``kept`` the file that holds what was
    recorded and could not be put in place.
    """

    test: str | None = None
    kept: str | None = None

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path

    def seen_from(self, shown: str, test: str | None) -> None:
        """Name the file as its reader does, ``shown``, and the test that uses it."""
        self.args = tuple(each.replace(self.path, shown) if isinstance(each, str) else each for each in self.args)
        self.path, self.test = shown, test


class CassetteNotFoundError(CassetteError):
    """There is no cassette at the path, and the record mode does not allow to make one.

    ``former`` is a cassette beside it that answers the request, where there is one; ``former_test`` recorded it, and is
    not among the tests of this run.
    """

    former: str | None = None
    former_test: str | None = None

    def __init__(self, message: str, *, path: str, context: CallContext | None = None) -> None:
        super().__init__(message, path=path)
        self.context = context


class CassetteFormatError(CassetteError):
    """The file is not a cassette.

    ``line`` and ``column`` count from one, or are None where the whole file is meant; ``excerpt`` is the text of that
    line, where the reader still had it.
    """

    def __init__(
        self, message: str, *, path: str, line: int | None = None, column: int | None = None, excerpt: str | None = None
    ) -> None:
        super().__init__(message, path=path)
        self.line = line
        self.column = column
        self.excerpt = excerpt


class CassetteVersionError(CassetteError):
    """The file says a version that this release cannot read."""


class CassetteIncompleteError(CassetteError):
    """Tests that recorded here have not passed yet, and the record mode forbids to go on; ``tests`` names them.

    ``since`` is when each recorded here last, as the cassette says it, and ``reasons`` why it did not pass; empty where
    the cassette does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str,
        tests: tuple[str, ...] = (),
        since: tuple[str, ...] = (),
        reasons: tuple[str, ...] = (),
        context: CallContext | None = None,
    ) -> None:
        super().__init__(message, path=path)
        self.tests = tests
        self.since = since
        self.reasons = reasons
        self.context = context


class SecretLeakError(CassetteError):
    """The gate refused to write; ``leaks`` says where and what kind, never the secret."""

    def __init__(self, message: str, *, path: str, leaks: tuple[Leak, ...] = ()) -> None:
        super().__init__(message, path=path)
        self.leaks = leaks


class ReplayError(MessagesError):
    """A call that replay could not answer; ``context`` says which call of which test, against which cassette."""

    def __init__(self, message: str, *, context: CallContext) -> None:
        super().__init__(message)
        self.context = context


class NoMatchError(ReplayError):
    """No recorded interaction answers the request.

    ``nearest`` is the position (from one) of the recorded interaction that differs least, None in an empty cassette;
    ``differences`` are the places in which it differs.
    """

    def __init__(
        self,
        message: str,
        *,
        context: CallContext,
        nearest: int | None = None,
        differences: tuple[Difference, ...] = (),
    ) -> None:
        super().__init__(message, context=context)
        self.nearest = nearest
        self.differences = differences


class ExhaustedError(ReplayError):
    """Every recording of this request has been played already; ``times`` is how many there are."""

    def __init__(self, message: str, *, context: CallContext, times: int) -> None:
        super().__init__(message, context=context)
        self.times = times


class UnplayedError(ReplayError):
    """The test passed without asking for some of its recordings.

    ``positions`` count from one; ``prompts`` are the last texts that those requests sent, in the same order.
    """

    def __init__(
        self, message: str, *, context: CallContext, positions: tuple[int, ...], prompts: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, context=context)
        self.positions = positions
        self.prompts = prompts


class EmptyError(ReplayError):
    """A mark promised calls and the test passed without one.

    ``loaded`` are the HTTP libraries that the process has imported, ``hooked`` those whose clients ask us.
    """

    def __init__(
        self, message: str, *, context: CallContext, loaded: tuple[str, ...] = (), hooked: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, context=context)
        self.loaded = loaded
        self.hooked = hooked


class ExpiredError(ReplayError):
    """Recordings that the test played are older than the setting ``expire`` allows.

    ``positions`` count from one; ``oldest`` is when the oldest of them was recorded, as the cassette says it.
    """

    def __init__(self, message: str, *, context: CallContext, positions: tuple[int, ...], oldest: str) -> None:
        super().__init__(message, context=context)
        self.positions = positions
        self.oldest = oldest


class StreamClosedError(ReplayError):
    """The recording ends where the client stopped reading it then; what would follow was never recorded.

    ``waited`` is how many seconds a caller was let wait who gave up waiting when it was recorded, else None.
    """

    def __init__(self, message: str, *, context: CallContext, waited: float | None = None) -> None:
        super().__init__(message, context=context)
        self.waited = waited


class UnreplayableError(ReplayError):
    """What was just recorded does not answer the very request that it was recorded for.

    ``calls`` are the numbers of all such calls of the test; ``differences`` are the places in which the first of them
    differs from itself, ``matchers`` the callables of ``match_on`` that say so.
    """

    def __init__(
        self,
        message: str,
        *,
        context: CallContext,
        calls: tuple[int, ...],
        differences: tuple[Difference, ...] = (),
        matchers: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, context=context)
        self.calls = calls
        self.differences = differences
        self.matchers = matchers


class NotRecordableError(ReplayError):
    """A call that cannot be recorded or replayed; names ``host``, ``library`` and ``thread``."""

    def __init__(self, message: str, *, context: CallContext, host: str, library: str, thread: str) -> None:
        super().__init__(message, context=context)
        self.host = host
        self.library = library
        self.thread = thread


class CredentialError(MessagesError):
    """No key where the provider's profile requires one; ``variables`` are the environment variables that would do."""

    def __init__(self, message: str, *, variables: tuple[str, ...]) -> None:
        super().__init__(message)
        self.variables = variables


class ApiError(MessagesError):
    """The API answered with an error: a 4xx or 5xx status, or an ``error`` event on a stream of status 200.

    ``type`` is the documented error type or None where the body has none, ``retry_after`` seconds, ``body`` the parsed
    JSON or the text. https://platform.claude.com/docs/en/api/errors
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str | None = None,  # noqa: A002 - the API's own word
        request_id: str | None = None,
        retry_after: float | None = None,
        body: object = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type
        self.request_id = request_id
        self.retry_after = retry_after
        self.body = body


class StreamError(MessagesError):
    """Bytes that are not server-sent events; ``offset`` is where in the body it shows."""

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class UnsupportedFieldError(MessagesError):
    """A field that the provider documents as unsupported; ``source`` is the page that says so."""

    def __init__(self, message: str, *, field: str, provider: str, source: str) -> None:
        super().__init__(message)
        self.field = field
        self.provider = provider
        self.source = source


class ConformanceError(MessagesError, AssertionError):
    """What was judged breaks the documented API; ``violations`` holds the findings, gravest first."""

    def __init__(self, message: str, *, violations: tuple[Violation, ...]) -> None:
        super().__init__(message)
        self.violations = violations


class Refused(_Failed):
    """What a client's call raises when the session refuses it; the public name to catch.

    A ``BaseException``, as every outcome of pytest's: an ordinary exception is swallowed by SDKs, retried, and shown as
    "Connection error.". ``error`` is the `MessagesError` that says why; the text has all four parts of the explanation.
    ``caught`` says that a test meant it: `expect_refusal` and ``pytest.raises(Refused)`` set it, and nothing else does.
    """

    def __init__(self, error: MessagesError, text: str | None = None) -> None:
        super().__init__(text or str(error), pytrace=False)
        self.error = error
        self.caught = False

    def __reduce__(self) -> tuple[Callable[..., Refused], tuple[Any, ...]]:
        """Pickle by value: pytest's own ``__init__`` takes other arguments."""
        return refusal, (self.error, str(self))


def refusal(error: MessagesError, text: str) -> Refused:
    """Make the exception to raise for ``error``; ``text`` is the explanation that ``report`` laid out."""
    return Refused(error, text)


# As pytest's own outcomes do, so that the short summary reads "Refused: …" and not where the class lives.
Refused.__module__ = "builtins"
