"""How a test says that it means a refusal: `expect_refusal`, and ``pytest.raises(Refused)``.

Nothing else clears a refusal. An application that catches it, and a helper that asks for its class, look to us just
like a test that expects it; so a test says it in words, and a refusal that nobody spoke of fails its test.
"""

from __future__ import annotations

import functools
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import pytest

from pytest_messages.errors import MessagesError, Refused
from pytest_messages.intercept.sessions import SESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

E = TypeVar("E", bound=MessagesError)


class ExpectedRefusal(Generic[E]):
    """A block in which calls must be refused; ``value`` is its error, once the block has ended."""

    def __init__(self, kind: type[E], match: str | re.Pattern[str] | None) -> None:
        given: object = kind
        if not (isinstance(given, type) and issubclass(given, MessagesError)):
            wanted = "a class of errors, as in expect_refusal(NoMatchError, match='a pattern of the text')"
            raise TypeError(f"expect_refusal takes {wanted}, and got {given!r}")
        self._kind = kind
        self._match = match
        self._earlier: set[Refused] = set()
        self._value: E | None = None

    @property
    def value(self) -> E:
        """The error that says why the call was refused."""
        if self._value is None:
            raise AssertionError("the block of expect_refusal has not ended yet: its value is read behind the block")
        return self._value

    def __enter__(self) -> ExpectedRefusal[E]:
        """Begin to expect."""
        self._earlier = set(_standing())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Clear the refusal that ended the block, or was caught in it, or say what is wrong with it."""
        raised = (
            list(_leaves(error)) if error is not None else [each for each in _standing() if each not in self._earlier]
        )
        refusals = [each for each in raised if isinstance(each, Refused)]
        if error is None and not refusals:
            raise AssertionError(f"expected {self._wanted()}, and no call of the block was refused")
        if len(refusals) < len(raised):
            return False  # something else happened, which is for whoever waits for it
        for each in refusals:
            self._check(each)
        for each in refusals:
            each.caught = True
        self._value = next(each.error for each in refusals if isinstance(each.error, self._kind))
        return True

    async def __aenter__(self) -> ExpectedRefusal[E]:
        """As ``with``."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """As ``with``."""
        return self.__exit__(kind, error, trace)

    def _check(self, refused: Refused) -> None:
        if isinstance(refused.error, self._kind) and (self._match is None or re.search(self._match, str(refused))):
            return
        came = f"{type(refused.error).__name__}: {refused.error}"
        raise AssertionError(f"expected {self._wanted()}; the call was refused with another, {came}") from refused

    def _wanted(self) -> str:
        kind = "a refusal" if self._kind is MessagesError else f"a refusal with {self._kind.__name__}"
        pattern = getattr(self._match, "pattern", self._match)
        return kind if pattern is None else f"{kind} whose text matches {pattern!r}"


@overload
def expect_refusal(*, match: str | re.Pattern[str] | None = None) -> ExpectedRefusal[MessagesError]: ...
@overload
def expect_refusal(kind: type[E], *, match: str | re.Pattern[str] | None = None) -> ExpectedRefusal[E]: ...
def expect_refusal(
    kind: type[MessagesError] = MessagesError, *, match: str | re.Pattern[str] | None = None
) -> ExpectedRefusal[Any]:
    """Say that the calls of a block are meant to be refused; ``value`` of what it yields is the error.

    ``kind`` narrows what is expected to a class of errors, ``match`` to explanations in which it is found
    (``re.search``). Raises `AssertionError` where no call of the block is refused, or one is for another reason; any
    other exception passes. Use it with ``with`` or ``async with``, in tests of every kind and in scripts. A group of
    exceptions is accepted where every one of them is such a refusal, and so are refusals that the application catches
    inside the block, a thread's or a fallback's.
    """
    return ExpectedRefusal(kind, match)


def _standing() -> list[Refused]:
    """Return the refusals of the open sessions that nobody has said to mean."""
    found = (each.refusal for session in SESSIONS.everyone() for each in session.verdict.problems)
    return [refused for refused in found if refused is not None and not refused.caught]


# pytest.raises


class _Noticing:
    """Notices what ``pytest.raises`` catches, for as long as anybody needs to know.

    pytest tells no plugin about it, so the two public classes that do the catching are watched at their ``__exit__``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._watched: dict[type, Any] = {}

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._watch()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._unwatch()

    def _watch(self) -> None:
        for catcher in (pytest.RaisesExc, pytest.RaisesGroup):
            self._watched[catcher] = catcher.__exit__
            setattr(catcher, "__exit__", _watched(catcher.__exit__))  # noqa: B010 - a type checker minds the other way

    def _unwatch(self) -> None:
        for catcher, leave in self._watched.items():
            setattr(catcher, "__exit__", leave)  # noqa: B010 - see above
        self._watched.clear()


noticing_raises = _Noticing()
"""A context in which ``pytest.raises(Refused)`` clears the refusal that it catches."""


def _watched(leave: Callable[..., bool]) -> Callable[..., bool]:
    @functools.wraps(leave)
    def leave_and_notice(self: Any, kind: Any, error: BaseException | None, trace: Any) -> bool:
        caught = leave(self, kind, error, trace)
        if caught and error is not None and _names_refused(self):
            for each in _leaves(error):
                if isinstance(each, Refused):
                    each.caught = True
        return caught

    return leave_and_notice


def _names_refused(expected: Any) -> bool:
    """Tell whether what ``pytest.raises`` expects names our class: to catch just anything is not to mean a refusal."""
    if isinstance(expected, type):
        return issubclass(expected, Refused)
    return any(map(_names_refused, getattr(expected, "expected_exceptions", ())))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error
