"""A block that is also a decorator: of functions, coroutine functions and generators of both kinds.

``contextlib`` makes a decorator of a context manager by calling the function inside it. Of a coroutine function or a
generator that call runs nothing: the block would be over before the first line, and every call would go out live. So
each kind of function is wrapped by one of its own kind, which opens the block where the body begins to run and closes
it where the body ends. `functools.wraps` keeps the signature, the marks and the kind in pytest's view.
"""

from __future__ import annotations

import functools
import inspect
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pytest_messages.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType

    from pytest_messages.session.session import Session

F = TypeVar("F", bound="Callable[..., Any]")


class CassetteBlock:
    """What `use_cassette` returns: a context manager that yields the `Session`, and a decorator.

    Each call of what it decorates opens a session of its own, so that recursion and calls side by side are right. The
    same block may be entered again once it is closed. Raises `SettingsError` where it decorates what cannot run inside
    a block: a class, a fixture's definition, a property.
    """

    def __init__(self, opening: Callable[[], AbstractContextManager[Session]]) -> None:
        self._opening = opening
        self._entered: list[AbstractContextManager[Session]] = []

    def __enter__(self) -> Session:
        block = self._opening()
        session = block.__enter__()
        self._entered.append(block)
        return session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        return self._entered.pop().__exit__(kind, error, trace)

    def __call__(self, function: F) -> F:
        """Return ``function`` with a session around each of its calls."""
        if isinstance(function, (staticmethod, classmethod)):
            return cast("F", type(function)(self(function.__func__)))
        _check(function)
        called = function if inspect.isroutine(function) or isinstance(function, functools.partial) else None
        wrap = _kind_of(called or type(function).__call__)
        return cast("F", functools.wraps(function)(wrap(self._opening, function)))


def _check(function: Any) -> None:
    name = getattr(function, "__name__", None) or type(function).__name__
    if isinstance(function, type):
        raise SettingsError(f"use_cassette cannot decorate the class {name}: decorate its methods, or mark the class")
    if type(function).__name__ == "FixtureFunctionDefinition" or hasattr(function, "_pytestfixturefunction"):
        raise SettingsError(f"use_cassette cannot decorate the fixture {name}: write it below @pytest.fixture")
    if not callable(function):
        raise SettingsError(f"use_cassette decorates functions, and {name} is none: write it below the other decorator")


def _kind_of(function: Any) -> Callable[..., Any]:
    for tells, wrap in _KINDS:
        if tells(function):
            return wrap
    return _plain


def _coroutine(opening: Any, function: Any) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with opening():
            return await function(*args, **kwargs)

    return call


def _generator(opening: Any, function: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        with opening():
            return (yield from function(*args, **kwargs))

    return call


def _async_generator(opening: Any, function: Any) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        # What `yield from` does for generators: hand on what is sent and what is thrown.
        with opening():
            async with aclosing(function(*args, **kwargs)) as inner:
                step = anext(inner)
                while True:
                    try:
                        value = await step
                    except StopAsyncIteration:
                        return
                    try:
                        step = inner.asend((yield value))
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001 - the generator inside is to see every kind
                        step = inner.athrow(error)

    return call


def _plain(opening: Any, function: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        with opening():
            result = function(*args, **kwargs)
            if _runs_later(result):
                _refuse(function, result)
            return result

    return call


def _runs_later(result: object) -> bool:
    return inspect.isawaitable(result) or inspect.isasyncgen(result) or inspect.isgenerator(result)


def _refuse(function: Any, result: Any) -> None:
    """Say that what a plain function returned would run when its block is over, and its calls go out."""
    if inspect.iscoroutine(result):
        result.close()
    name = getattr(function, "__qualname__", type(function).__name__)
    raise SettingsError(
        f"{name} returned a {type(result).__name__}, which would run after its cassette was closed: "
        f"decorate the function that has the async def or the yield, or write `with use_cassette(…)` in it"
    )


_KINDS = (
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isasyncgenfunction, _async_generator),
    (inspect.isgeneratorfunction, _generator),
)
