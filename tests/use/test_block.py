"""What went wrong in a `use_cassette` block is told, however the block ends."""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Suite

BLOCK = """
    from pytest_messages import Refused, use_cassette

    def broken_off():
        with use_cassette("block", provider="anthropic"):
            {body}
            raise LookupError("the block's own")

    def test_it():
        with pytest.raises(LookupError):
            broken_off()
"""


def script(suite: Suite, source: str) -> str:
    """Run a script and return what it printed, its traceback included."""
    path = suite.path / "script.py"
    path.write_text(f"from talk import *\nfrom pytest_messages import use_cassette\n{dedent(source)}")
    environ = {**os.environ, "PYTHONPATH": str(suite.path)}
    ran = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False, env=environ)
    return ran.stdout + ran.stderr


def test_a_breach_in_a_block_that_ends_by_an_exception_fails_the_test(suite: Suite) -> None:
    suite.write(BLOCK.format(body='stream("sandbox: no message_stop")'))
    result = suite.run(failed=1)
    result.stdout.fnmatch_lines(["1 breach of the documented API (stream.*)*"])
    result.stdout.fnmatch_lines(["messages: 1 call: 1 recorded*"])


def test_a_refusal_that_the_block_swallowed_fails_the_test(suite: Suite) -> None:
    swallowing = "with __import__('contextlib').suppress(BaseException): ask('nobody')"
    suite.write(BLOCK.format(body=swallowing))
    result = suite.run("--messages-record=none", failed=1)
    result.stdout.fnmatch_lines(["The cassette is missing*"])
    result.stdout.fnmatch_lines(["messages: 1 call: 1 refused*"])


def test_an_unknown_rule_is_told_though_the_block_ends_by_an_exception(suite: Suite) -> None:
    suite.write(BLOCK.replace('provider="anthropic"', 'rules=["-no.such-rule"]').format(body='ask("sandbox: say one")'))
    suite.run(failed=1).stdout.fnmatch_lines(["*no.such-rule*"])


def test_a_refusal_that_ends_a_block_and_was_meant_fails_nothing(suite: Suite) -> None:
    suite.write("""
        from pytest_messages import Refused, use_cassette

        def test_it():
            with pytest.raises(Refused, match="The cassette is missing"):
                with use_cassette("block"):
                    ask("nobody recorded this")
    """)
    suite.run("--messages-record=none", passed=1)


def test_a_block_that_ends_by_an_exception_keeps_what_was_paid_for(suite: Suite) -> None:
    suite.write(BLOCK.format(body='ask("sandbox: say one")'))
    suite.run(passed=1)
    assert suite.prompts("block") == ["sandbox: say one"]
    assert suite.cassette("block").incomplete == ("test_suite.py::test_it",)


@pytest.mark.parametrize("end", ["raise LookupError('its own')", "raise SystemExit(3)", "raise KeyboardInterrupt"])
def test_a_script_reads_on_its_exception_what_went_wrong(suite: Suite, end: str) -> None:
    said = script(
        suite,
        f"""
        try:
            with use_cassette("tape.yaml", provider="anthropic"):
                stream("sandbox: no message_stop")
                {end}
        except BaseException as error:
            print(type(error).__name__, *error.__notes__, sep="\\n")
        """,
    )
    assert said.startswith(end.removeprefix("raise ").partition("(")[0])
    assert "1 breach of the documented API (stream." in said


def test_a_script_whose_block_ends_well_is_told_by_an_exception_and_the_rest_in_its_notes(suite: Suite) -> None:
    said = script(
        suite,
        """
        with use_cassette("tape.yaml"):
            ask("sandbox: say one")
        try:
            with use_cassette("tape.yaml", record="none"):
                for text in ("two", "three"):
                    try: ask(text)
                    except BaseException: pass
        except Exception as error:
            print(type(error).__name__, len(error.__notes__), *error.__notes__)
        """,
    )
    assert said.startswith("NoMatchError 1 No recorded interaction answers request 2")


def test_a_refusal_that_ends_a_script_is_not_its_own_note(suite: Suite) -> None:
    said = script(
        suite,
        """
        try:
            with use_cassette("tape.yaml", record="none"):
                ask("nobody")
        except BaseException as error:
            print(type(error).__name__, getattr(error, "__notes__", None))
        """,
    )
    assert said == "Refused None\n"
