"""Which of the open sessions answers: the innermost one, and beside each other each task's and thread's own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import anyio.lowlevel
import httpx
import pytest
from loopback import asking, serving
from sessions import opened

from pytest_messages import use_cassette
from pytest_messages.intercept.sessions import SESSIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from pytest_messages.session.session import Session

Script: TypeAlias = "Callable[[], Iterator[None]]"
"""What one task does, a step at a time: between two steps all the others make theirs."""


@contextmanager
def block() -> Iterator[Session]:
    session = opened()
    with SESSIONS.opened(session):
        yield session


def by_gather(*scripts: Script) -> None:
    async def run(script: Script) -> None:
        for _ in script():
            await asyncio.sleep(0)

    async def all_of() -> None:
        await asyncio.gather(*map(run, scripts))

    asyncio.run(all_of())


def by_task_group(*scripts: Script, backend: str) -> None:
    async def run(script: Script) -> None:
        for _ in script():
            await anyio.lowlevel.checkpoint()  # each backend lets every other task run once

    async def all_of() -> None:
        async with anyio.create_task_group() as group:
            for script in scripts:
                group.start_soon(run, script)

    anyio.run(all_of, backend=backend)


def by_threads(*scripts: Script) -> None:
    together = threading.Barrier(len(scripts), timeout=5)

    def run(script: Script) -> None:
        for _ in script():
            together.wait()

    with ThreadPoolExecutor(len(scripts)) as pool:
        for done in [pool.submit(copy_context().run, run, script) for script in scripts]:
            done.result()


def by_to_thread(*scripts: Script) -> None:
    together = threading.Barrier(len(scripts), timeout=5)

    def run(script: Script) -> None:
        for _ in script():
            together.wait()

    async def all_of() -> None:
        await asyncio.gather(*(asyncio.to_thread(run, script) for script in scripts))

    asyncio.run(all_of())


WAYS: dict[str, Callable[..., None]] = {
    "gather": by_gather,
    "asyncio": partial(by_task_group, backend="asyncio"),
    "trio": partial(by_task_group, backend="trio"),
    "threads": by_threads,
    "to_thread": by_to_thread,
}
Way: TypeAlias = "Callable[..., None]"


@pytest.fixture(params=WAYS)
def side_by_side(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


def nested_blocks() -> Iterator[None]:
    with block() as outer:
        yield
        with block() as inner:
            yield
            assert SESSIONS.innermost() is inner
            yield
        yield
        assert SESSIONS.innermost() is outer
        yield
    yield


def one_block() -> Iterator[None]:
    for _ in range(3):
        with block() as own:
            yield
            assert SESSIONS.innermost() is own
            yield


def test_after_an_inner_block_the_outer_one_of_the_same_task_answers(side_by_side: Way) -> None:
    side_by_side(nested_blocks, one_block, nested_blocks, one_block)
    assert SESSIONS.everyone() == ()


def test_who_has_no_block_of_its_own_sees_the_one_around_all_and_no_neighbours(side_by_side: Way) -> None:
    with block() as around:

        def none() -> Iterator[None]:
            for _ in range(6):
                yield
                if threading.current_thread() is threading.main_thread():  # a thread of a pool cannot be told
                    assert SESSIONS.innermost() is around

        side_by_side(one_block, none, nested_blocks)
        assert SESSIONS.innermost() is around


def test_generators_may_close_in_another_order_than_they_were_opened(side_by_side: Way) -> None:
    def generator() -> Iterator[Session]:
        with block() as session:
            yield session

    def crossing() -> Iterator[None]:
        first, second = generator(), generator()
        outer, inner = next(first), next(second)
        yield
        assert SESSIONS.innermost() is inner
        assert next(first, None) is None
        yield
        assert SESSIONS.innermost() is inner
        assert outer not in SESSIONS.everyone()
        assert next(second, None) is None
        yield

    with block() as around:

        def then_around() -> Iterator[None]:
            yield from crossing()
            if threading.current_thread() is threading.main_thread():  # a thread of a pool cannot be told
                assert SESSIONS.innermost() is around

        side_by_side(then_around, nested_steps(3), then_around)


def nested_steps(count: int) -> Script:
    def script() -> Iterator[None]:
        with block() as own:
            for _ in range(count):
                yield
                assert SESSIONS.innermost() is own

    return script


def test_what_a_task_starts_inside_its_block_belongs_to_the_block() -> None:
    async def call() -> Session | None:
        await asyncio.sleep(0)
        return SESSIONS.innermost()

    async def task() -> None:
        with block() as own:
            await asyncio.sleep(0)
            found = await asyncio.gather(call(), asyncio.to_thread(SESSIONS.innermost), call())
        assert all(each is own for each in found)

    async def all_of() -> None:
        await asyncio.gather(task(), task(), task())

    asyncio.run(all_of())


def test_a_thread_of_a_pool_sees_the_innermost_block_of_the_task_that_waits_for_it() -> None:
    async def call() -> None:
        with block() as own:
            assert await asyncio.get_running_loop().run_in_executor(None, SESSIONS.innermost) is own

    with block():
        asyncio.run(call())


def test_a_block_that_a_finished_task_left_open_is_everybodys() -> None:
    """As an async fixture does: what sets it up is a task of its own, which is over when the test begins."""

    async def fixture() -> AsyncIterator[Session]:
        with block() as session:
            yield session

    async def test() -> Session | None:
        return SESSIONS.innermost()

    with block() as mark, asyncio.Runner() as runner:
        steps = fixture()
        session: Session = runner.run(anext(steps))  # type: ignore[arg-type]  # a coroutine in all but name
        assert runner.run(test(), context=copy_context()) is session
        assert SESSIONS.innermost() is session
        runner.run(steps.aclose())  # type: ignore[attr-defined]  # in another task, and another context
        assert runner.run(test()) is mark
    assert SESSIONS.everyone() == ()


def test_a_block_of_plain_code_inside_another_counts_in_a_task_that_began_before_it() -> None:
    with block(), asyncio.Runner() as runner, ExitStack() as later:

        async def innermost() -> Session | None:
            return SESSIONS.innermost()

        runner.run(innermost())
        inner = later.enter_context(block())
        assert runner.run(innermost()) is inner


def test_a_block_may_be_closed_in_another_context_than_it_was_opened_in() -> None:
    with block() as mark:
        stack = ExitStack()
        inner = copy_context().run(stack.enter_context, block())
        assert SESSIONS.innermost() is inner
        copy_context().run(stack.close)
        assert SESSIONS.innermost() is mark


def test_each_call_of_tasks_with_nested_cassettes_is_in_the_cassette_it_was_made_in(tmp_path: Path) -> None:
    async def ask(url: str, text: str) -> None:
        async with httpx.AsyncClient() as client:
            assert (await client.post(url, json=asking(text))).status_code == 200

    async def task(url: str, name: str) -> None:
        with use_cassette(tmp_path / f"{name}-outer.yaml", record="once") as outer:
            with use_cassette(tmp_path / f"{name}-inner.yaml", record="once") as inner:
                await ask(url, f"{name} inner")
            await asyncio.sleep(0.05)
            await ask(url, f"{name} outer")
        texts = [[call.body["messages"][0]["content"] for call in each.calls] for each in (inner, outer)]
        assert texts == [[f"{name} inner"], [f"{name} outer"]]

    async def all_of(url: str) -> None:
        await asyncio.gather(*(task(url, name) for name in ("a", "b", "c")))

    with serving() as server:
        asyncio.run(all_of(server.messages))
