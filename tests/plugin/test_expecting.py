"""Whether a refusal was meant is said in words, and nothing but these words clears one."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest

from pytest_messages import Refused, expect_refusal
from pytest_messages.errors import MessagesError, NoMatchError, SettingsError, refusal

if TYPE_CHECKING:
    from conftest import Suite

HEAD = """
import asyncio, contextlib, unittest
import httpx, pytest
from pytest_messages import CassetteNotFoundError, ExhaustedError, NoMatchError, Refused, expect_refusal

async def aask(text):
    async with httpx.AsyncClient() as client:
        await client.post(URL, json=body(text), headers=HEADERS)

async def both():
    async with asyncio.TaskGroup() as group:
        group.create_task(aask("one"))
        group.create_task(aask("two"))
"""
MARK = '@pytest.mark.messages(record="none", empty="ignore")'

MEANT = {
    "expect": "with expect_refusal(): ask('x')",
    "expect-class": "with expect_refusal(CassetteNotFoundError, match='missing') as it: ask('x')\nassert it.value.path",
    "expect-async": """
        async def run():
            async with expect_refusal(match="missing"):
                await aask("x")
            with expect_refusal():
                await aask("x")
        asyncio.run(run())
    """,
    "expect-group": "with expect_refusal(CassetteNotFoundError): asyncio.run(both())",
    "expect-what-a-thread-has": """
        from concurrent.futures import ThreadPoolExecutor
        with expect_refusal(match="missing") as it, ThreadPoolExecutor() as pool:
            assert pool.submit(ask, "x").exception() is not None
        assert isinstance(it.value, CassetteNotFoundError)
    """,
    "expect-what-the-application-catches": "with expect_refusal(), contextlib.suppress(BaseException): ask('x')",
    "expect-twice": "with expect_refusal(): ask('x')\nwith expect_refusal(): ask('y')",
    "raises": "with pytest.raises(Refused, match='missing') as it: ask('x')\nassert it.value.error.path",
    "raises-check": "with pytest.raises(Refused, check=lambda e: e.error.path): ask('x')",
    "raises-one-of": "with pytest.raises((ValueError, Refused)): ask('x')",
    "raises-function": "pytest.raises(Refused, ask, 'x')",
    "raises-group": "with pytest.RaisesGroup(Refused, Refused): asyncio.run(both())",
    "raises-group-exactly": """
        one = pytest.RaisesExc(Refused, match="missing")
        with pytest.RaisesGroup(one, one): asyncio.run(both())
    """,
    "raises-group-unwrapped": "with pytest.RaisesGroup(Refused, allow_unwrapped=True): ask('x')",
}
NOT_MEANT = {
    "suppress": "with contextlib.suppress(Refused): ask('x')",
    "except": "try: ask('x')\nexcept Refused: pass",
    "isinstance": "try: ask('x')\nexcept BaseException as e: assert isinstance(e, (ValueError, Refused))",
    "assertRaises": "with unittest.TestCase().assertRaises(Refused): ask('x')",
    "raises-anything": "with pytest.raises(BaseException): ask('x')",
    "before-a-meant-one": """
        with contextlib.suppress(Refused): ask('x')
        with pytest.raises(AssertionError), expect_refusal(): pass
    """,
    "beside-a-meant-one": """
        with contextlib.suppress(Refused): ask('x')
        with expect_refusal(): ask('x')
    """,
}


def written(source: str) -> str:
    return f"{HEAD}\n{MARK}\ndef test_it():\n{indent(dedent(source).strip(), '    ')}\n"


@pytest.mark.parametrize("name", MEANT)
def test_a_refusal_that_is_meant_is_no_failure(suite: Suite, name: str) -> None:
    suite.write(written(MEANT[name]))
    suite.run(passed=1)


@pytest.mark.parametrize("name", NOT_MEANT)
def test_a_refusal_that_is_merely_caught_fails_and_says_how_to_mean_it(suite: Suite, name: str) -> None:
    suite.write(written(NOT_MEANT[name]))
    result = suite.run(failed=1)
    result.stdout.fnmatch_lines(["The cassette is missing*", "A test that means this says so: *expect_refusal():*"])


def test_a_refusal_that_ends_the_test_is_not_told_how_to_be_meant(suite: Suite) -> None:
    suite.write(written("ask('x')"))
    assert "expect_refusal" not in suite.run(failed=1).stdout.str()


def test_a_testcase_says_that_it_means_a_refusal(suite: Suite) -> None:
    suite.write(f"""{HEAD}
class TestIt(unittest.TestCase):
    {MARK}
    def test_meant(self):
        with expect_refusal(match="missing") as refusal:
            ask("x")
        self.assertIsInstance(refusal.value, CassetteNotFoundError)

    {MARK}
    def test_caught(self):
        with self.assertRaises(Refused):
            ask("x")

class TestThat(unittest.IsolatedAsyncioTestCase):
    {MARK}
    async def test_meant(self):
        async with expect_refusal():
            await aask("x")
""")
    suite.run(passed=2, failed=1)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("with expect_refusal(): pass", "expected a refusal, and no call of the block was refused"),
        (
            "with expect_refusal(match='blue'): ask('x')",
            "expected a refusal whose text matches 'blue'*CassetteNotFound*",
        ),
        ("with expect_refusal(NoMatchError): ask('x')", "expected a refusal with NoMatchError*CassetteNotFoundError*"),
        ("with expect_refusal(): raise ValueError('else')", "*ValueError: else*"),
    ],
)
def test_a_refusal_that_does_not_come_as_expected_fails_the_test(suite: Suite, source: str, said: str) -> None:
    suite.write(written(source))
    suite.run(failed=1).stdout.fnmatch_lines([f"*{said}*"])


def test_a_script_says_that_it_means_a_refusal(suite: Suite) -> None:
    script = suite.pytester.makepyfile(
        script="""
        from talk import *
        from pytest_messages import Refused, expect_refusal, use_cassette
        import pytest
        for meaning in (lambda: expect_refusal(match="missing"), lambda: pytest.raises(Refused)):
            with use_cassette("none.yaml", record="none"):
                with meaning():
                    ask("x")
        print("passed")
        """
    )
    assert suite.pytester.runpython(script).stdout.str() == "passed"


# In itself


def test_the_value_is_the_error_and_is_read_behind_the_block() -> None:
    with expect_refusal(SettingsError) as it:
        with pytest.raises(AssertionError, match="behind the block"):
            str(it.value)
        raise refusal(error := SettingsError("why"), "the explanation")
    assert it.value is error


def test_a_group_with_anything_else_in_it_goes_on() -> None:
    group = BaseExceptionGroup("both", [refusal(SettingsError("why"), "text"), KeyError("else")])
    with pytest.raises(BaseExceptionGroup), expect_refusal():
        raise group
    assert [each.caught for each in group.exceptions if isinstance(each, Refused)] == [False]


def test_the_errors_class_is_what_narrows() -> None:
    meant = refusal(SettingsError("why"), "text")
    with pytest.raises(AssertionError, match=r"a refusal with NoMatchError.*SettingsError: why"):
        with expect_refusal(NoMatchError):
            raise meant
    assert not meant.caught
    assert issubclass(NoMatchError, MessagesError)


@pytest.mark.parametrize("kind", ["missing", Refused, ValueError, None])
def test_what_narrows_is_a_class_of_our_errors(kind: object) -> None:
    with pytest.raises(TypeError, match=r"expect_refusal takes a class of errors.*match='a pattern"):
        expect_refusal(kind)  # type: ignore[call-overload]


def test_pytest_is_left_as_it_was(suite: Suite) -> None:
    before = pytest.RaisesExc.__exit__, pytest.RaisesGroup.__exit__
    suite.write(written(MEANT["raises"]))
    suite.run(passed=1)
    assert (pytest.RaisesExc.__exit__, pytest.RaisesGroup.__exit__) == before
