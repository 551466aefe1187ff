"""`use_cassette` as a decorator: the session is open while the body runs, whatever kind of function it is."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from loopback import asking, serving

from pytest_messages import SettingsError, use_cassette
from pytest_messages.errors import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
    from pathlib import Path

    from loopback import Server

    from pytest_messages.use.decorator import CassetteBlock


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def ask(url: str, text: str = "hello") -> int:
    return httpx.post(url, json=asking(text)).status_code


async def ask_async(url: str) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.post(url, json=asking("hello"))).status_code


def run_function(block: CassetteBlock, url: str) -> None:
    block(ask)(url)


def run_coroutine(block: CassetteBlock, url: str) -> None:
    asyncio.run(block(ask_async)(url))


def run_partial(block: CassetteBlock, url: str) -> None:
    asyncio.run(block(partial(ask_async, url))())


def run_callable_object(block: CassetteBlock, url: str) -> None:
    class Asks:
        async def __call__(self) -> int:
            return await ask_async(url)

    asyncio.run(block(Asks())())


def run_generator(block: CassetteBlock, url: str) -> None:
    @block
    def generator() -> Iterator[int]:
        yield 0
        yield ask(url)

    list(generator())


def run_async_generator(block: CassetteBlock, url: str) -> None:
    @block
    async def generator() -> AsyncGenerator[int, None]:
        yield 0
        yield await ask_async(url)

    async def all_of() -> None:
        async with aclosing(generator()) as steps:
            async for _ in steps:
                pass

    asyncio.run(all_of())


def run_methods(block: CassetteBlock, url: str) -> None:
    class Asks:
        @block
        @staticmethod
        def one() -> int:
            return ask(url)

        @block
        @classmethod
        async def other(cls) -> int:
            return await ask_async(url)

        @block
        async def third(self) -> int:
            return await ask_async(url)

    for call in (Asks.one, Asks.other, Asks().third):
        with pytest.raises(Refused):
            asyncio.run(call()) if inspect.iscoroutinefunction(call) else call()
    asyncio.run(Asks().third())


KINDS = [
    run_function,
    run_coroutine,
    run_partial,
    run_callable_object,
    run_generator,
    run_async_generator,
    run_methods,
]


@pytest.mark.parametrize("run", KINDS)
def test_no_call_of_any_kind_of_function_goes_out(
    run: Callable[[CassetteBlock, str], None], server: Server, path: Path
) -> None:
    with pytest.raises(Refused):
        run(use_cassette(path, record="none"), server.messages)
    assert server.seen == []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


def test_each_call_has_a_session_of_its_own_side_by_side(server: Server, path: Path) -> None:
    async def all_of(record: str) -> list[int]:
        decorated = use_cassette(path, record=record)(ask_async)
        return [
            await decorated(server.messages) if record == "once" else 0,
            *await asyncio.gather(*(decorated(server.messages) for _ in range(3 if record == "none" else 0))),
        ]

    assert asyncio.run(all_of("once")) == [200]
    assert asyncio.run(all_of("none")) == [0, 200, 200, 200]
    assert len(server.seen) == 1


def test_recursion_opens_one_session_inside_the_other(server: Server, path: Path) -> None:
    with use_cassette(path, record="once"):
        ask(server.messages)

    @use_cassette(path, record="none")
    def again(times: int) -> int:
        return ask(server.messages) + (again(times - 1) if times else 0)

    assert again(2) == 600


def test_what_is_sent_and_thrown_reaches_the_generator_inside(path: Path) -> None:
    block = use_cassette(path, record="none")

    @block
    def plain() -> Generator[Any, Any, str]:
        got = yield "first"
        try:
            yield got
        except KeyError:
            yield "caught"
        return "returned"

    @block
    async def asynchronous() -> AsyncGenerator[Any, Any]:
        got = yield "first"
        try:
            yield got
        except KeyError:
            yield "caught"

    async def steps() -> list[Any]:
        async with aclosing(asynchronous()) as agen:
            return [await anext(agen), await agen.asend(1), await agen.athrow(KeyError()), await anext(agen, "over")]

    gen = plain()
    assert [next(gen), gen.send(1), gen.throw(KeyError())] == ["first", 1, "caught"]
    with pytest.raises(StopIteration, match="returned"):
        next(gen)
    assert asyncio.run(steps()) == ["first", 1, "caught", "over"]


def test_the_kind_the_name_and_the_signature_are_those_of_the_function(path: Path) -> None:
    block = use_cassette(path)
    decorated = block(ask_async)
    assert inspect.iscoroutinefunction(decorated)
    assert (decorated.__name__, inspect.signature(decorated)) == ("ask_async", inspect.signature(ask_async))


@pytest.mark.parametrize("wrong", [type("Tests", (), {}), property(len), pytest.fixture(lambda: None)])
def test_what_cannot_run_inside_a_block_is_said_at_once(wrong: Any, path: Path) -> None:
    with pytest.raises(SettingsError, match="use_cassette"):
        use_cassette(path)(wrong)


def test_a_path_that_was_forgotten_is_said_at_once() -> None:
    with pytest.raises(SettingsError, match="needs a path"):
        use_cassette(ask)  # type: ignore[arg-type]  # as a decorator without brackets


def _returning(url: str) -> Coroutine[Any, Any, int]:
    return ask_async(url)


def test_a_plain_function_that_returns_a_coroutine_is_no_way_out(server: Server, path: Path) -> None:
    decorated = use_cassette(path, record="none")(partial(_returning, server.messages))
    with pytest.raises(SettingsError, match="after its cassette was closed"):
        asyncio.run(decorated())
    assert server.seen == []


def test_pytest_sees_fixtures_parameters_and_marks_of_a_decorated_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_messages import use_cassette

        @pytest.fixture
        @use_cassette("fixture.yaml", record="none")
        def resource():
            yield 3

        @use_cassette("a.yaml", record="none")
        @pytest.mark.parametrize("number", [1, 2])
        def test_it(number, resource, tmp_path):
            assert number in (1, 2) and resource == 3 and tmp_path.exists()
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
