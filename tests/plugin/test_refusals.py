"""A refused call fails its test, once, whatever stands between the call and the test."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import anthropic  # here, so that the suites below need not import it anew
import pytest

if TYPE_CHECKING:
    from conftest import Suite

assert anthropic.__version__

SWALLOWERS = {
    "plain": "ask(PROMPT)",
    "except-exception": """
        try:
            ask(PROMPT)
        except Exception:
            pass
    """,
    "except-base-exception": """
        try:
            ask(PROMPT)
        except BaseException:
            pass
    """,
    "finally-return": """
        def call():
            try:
                ask(PROMPT)
            finally:
                return "swallowed"
        assert call() == "swallowed"
    """,
    "suppress": """
        import contextlib
        with contextlib.suppress(BaseException):
            ask(PROMPT)
    """,
    "thread": """
        import threading
        threading.excepthook = lambda args: None
        thread = threading.Thread(target=ask, args=(PROMPT,))
        thread.start()
        thread.join()
    """,
    "thread-pool": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor() as pool:
            assert pool.submit(ask, PROMPT).exception() is not None
    """,
    "gather": """
        import asyncio
        async def both():
            await asyncio.gather(aask(PROMPT), aask(PROMPT + "!"))
        asyncio.run(both())
    """,
    "gather-return-exceptions": """
        import asyncio
        async def both():
            return await asyncio.gather(aask(PROMPT), aask(PROMPT + "!"), return_exceptions=True)
        assert len(asyncio.run(both())) == 2
    """,
    "task-group": """
        import asyncio
        async def both():
            async with asyncio.TaskGroup() as group:
                group.create_task(aask(PROMPT))
                group.create_task(aask(PROMPT + "!"))
        asyncio.run(both())
    """,
    "wait-for": """
        import asyncio
        asyncio.run(asyncio.wait_for(aask(PROMPT), 5))
    """,
    "task-never-awaited": """
        import asyncio
        async def leave():
            task = asyncio.create_task(aask(PROMPT))
            await asyncio.wait([task])
        asyncio.run(leave())
    """,
    "sdk-with-retries": """
        import anthropic
        client = anthropic.Anthropic(base_url=os.environ["SANDBOX"], max_retries=5)
        try:
            client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": PROMPT}])
        except anthropic.APIError:
            pass
    """,
    "skip-afterwards": """
        try:
            ask(PROMPT)
        except BaseException:
            pass
        pytest.skip("not today")
    """,
    "assertion-afterwards": """
        try:
            ask(PROMPT)
        except BaseException:
            pass
        assert "the test" == "went on"
    """,
}

HEAD = """
import os
PROMPT = os.environ.get("PROMPT", "sandbox: say one")

async def aask(text):
    async with httpx.AsyncClient() as client:
        await client.post(URL, json=body(text), headers=HEADERS)
"""


def swallowing(body: str, mark: str = "") -> str:
    from textwrap import dedent

    return f"{HEAD}\n{mark}\n@pytest.mark.messages\ndef test_it():\n{indent(dedent(body).strip(), '    ')}\n"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.filterwarnings("ignore:'return' in a 'finally':SyntaxWarning")
@pytest.mark.parametrize("name", SWALLOWERS)
def test_a_refusal_fails_the_test_through(suite: Suite, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    suite.write(swallowing("ask(PROMPT)"))
    suite.run(passed=1)
    before = suite.sent()
    monkeypatch.setenv("PROMPT", "sandbox: say two")
    suite.write(swallowing(SWALLOWERS[name]))
    result = suite.run("--junitxml=out.xml", "-W", "ignore", failed=1)
    assert suite.sent() == before
    result.stdout.fnmatch_lines(
        [
            "No recorded interaction answers request 1 of this test: POST /v1/messages",
            "*recorded  'sandbox: say one'",
            "*sent      'sandbox: say two*'",
            "*pytest 'test_suite.py::test_it' --messages-record=rewrite",
            "FAILED test_suite.py::test_it - Refused: No recorded interaction*",
        ]
    )
    (counted,) = ET.parse(suite.path / "out.xml").getroot()  # noqa: S314 - pytest wrote it
    assert (counted.get("failures"), counted.get("errors"), counted.get("skipped")) == ("1", "0", "0")


def test_a_refusal_is_quick_through_retries(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(swallowing("ask(PROMPT)"))
    suite.run(passed=1)
    monkeypatch.setenv("PROMPT", "sandbox: say two")
    suite.write(swallowing(SWALLOWERS["sdk-with-retries"]))
    suite.run("-W", "ignore", failed=1).stdout.fnmatch_lines(["messages: 1 call: 1 refused"])


def test_what_the_test_said_follows_the_refusal(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(swallowing("ask(PROMPT)"))
    suite.run(passed=1)
    monkeypatch.setenv("PROMPT", "sandbox: say two")
    suite.write(swallowing(SWALLOWERS["assertion-afterwards"]))
    suite.run(failed=1).stdout.fnmatch_lines(
        ["No recorded interaction answers*", "*The test itself*", "*assert 'the test' == 'went on'*"]
    )


@pytest.mark.parametrize("strict", ["True", "False"])
def test_xfail_does_not_excuse_a_refusal(suite: Suite, monkeypatch: pytest.MonkeyPatch, strict: str) -> None:
    mark = f"@pytest.mark.xfail(strict={strict})"
    suite.write(swallowing("ask(PROMPT)\nassert False", mark))
    suite.run(xfailed=1)
    suite.run(xfailed=1)
    monkeypatch.setenv("PROMPT", "sandbox: say two")
    suite.run(failed=1)


def test_a_rerun_counts_a_refusal_once(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(swallowing(SWALLOWERS["except-base-exception"]))
    suite.run(passed=1)
    monkeypatch.setenv("PROMPT", "sandbox: say two")
    result = suite.run("--reruns=2", "-p", "rerunfailures")
    result.stdout.fnmatch_lines(["*1 failed, 2 rerun in*"])


def test_a_refusal_that_the_test_means_is_no_failure(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(swallowing("ask(PROMPT)"))
    suite.run(passed=1)
    monkeypatch.setenv("PROMPT", "sandbox: say two")
    suite.write(
        swallowing(
            """
            from pytest_messages import NoMatchError, Refused
            with pytest.raises(Refused, match="No recorded interaction") as caught:
                ask(PROMPT)
            assert isinstance(caught.value.error, NoMatchError)
            assert caught.value.error.nearest == 1
            """,
            '@pytest.mark.messages(unplayed="ignore")',
        )
    )
    suite.run(passed=1)


def test_a_refusal_in_a_fixture_is_told(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(
        HEAD
        + """
@pytest.fixture
def answer(messages_cassette):
    try:
        return ask(PROMPT)
    except BaseException:
        return None

def test_it(answer):
    pass
"""
    )
    suite.run(passed=1)
    monkeypatch.setenv("PROMPT", "sandbox: say two")
    result = suite.run()
    assert result.parseoutcomes().get("failed", 0) + result.parseoutcomes().get("errors", 0) == 1
    result.stdout.fnmatch_lines(["No recorded interaction answers*"])


def test_a_refusal_in_a_teardown_is_told(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(
        HEAD
        + """
@pytest.fixture
def farewell(messages_cassette):
    yield
    try:
        ask(PROMPT)
    except BaseException:
        pass

def test_it(farewell):
    ask("sandbox: say hello")
"""
    )
    suite.run(passed=1)
    before = suite.sent()
    suite.run("--messages-unplayed=ignore", passed=1)
    assert suite.sent() == before
    monkeypatch.setenv("PROMPT", "sandbox: say two")
    suite.run("--messages-unplayed=ignore", passed=1, errors=1).stdout.fnmatch_lines(["No recorded interaction*"])


@pytest.mark.parametrize("repeats", ["refuse", "last", "cycle"])
def test_a_recording_is_played_once_unless_told_otherwise(suite: Suite, repeats: str) -> None:
    suite.write(
        f"""
        import os
        @pytest.mark.messages(repeats="{repeats}")
        def test_it():
            for _ in range(int(os.environ.get("TIMES", 1))):
                assert ask("sandbox: say one") == "one"
        """
    )
    suite.run(passed=1)
    suite.pytester.makeconftest("import os; os.environ['TIMES'] = '3'")
    if repeats == "refuse":
        suite.run(failed=1).stdout.fnmatch_lines(["*already played, 1 of 1*"])
    else:
        suite.run(passed=1)
    suite.pytester.makeconftest("import os; os.environ.pop('TIMES', None)")
    suite.run()


def test_a_call_after_its_session_is_told_unless_it_was_meant(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", suite.server.url)
    suite.write("""
from pytest_messages import Refused, use_cassette
from pytest_messages.client import MessagesClient

def late():
    with use_cassette("talk") as session:
        client = MessagesClient.of(session)
        ask("hello")
    with client:
        client.create(**body("late"))

def test_meant():
    with pytest.raises(Refused):
        late()

def test_swallowed():
    try:
        late()
    except BaseException:
        pass
""")
    result = suite.run(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*came after its session had closed*"])


def test_what_is_nearest_was_not_played_yet(suite: Suite) -> None:
    suite.write("""
@pytest.mark.messages
def test_it():
    ask("one")
    ask("two")
""")
    suite.run(passed=1)
    path = suite.path / "test_suite.py"
    path.write_text(path.read_text("utf-8").replace("two", "too"), "utf-8")
    suite.run(failed=1).stdout.fnmatch_lines(["*nearest * interaction 2, *", "*recorded *'two'", "*sent *'too'"])
