"""Tests that are none of ours keep their outcome, whatever they say and whatever ran before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Suite

KEYLESS = "Could not resolve authentication method"


def test_what_others_say_of_a_key_is_theirs(suite: Suite) -> None:
    suite.write(f"""
        @pytest.mark.messages
        def test_ours():
            ask("sandbox: say one")

        @pytest.mark.xfail
        def test_expected():
            raise TypeError("{KEYLESS}")

        @pytest.mark.xfail(raises=TypeError, strict=True)
        def test_expected_strictly():
            raise TypeError("{KEYLESS}")

        def test_skipped():
            pytest.skip("{KEYLESS}")

        def test_failing():
            raise TypeError("{KEYLESS}")
    """)
    result = suite.run(passed=1, xfailed=2, skipped=1, failed=1)
    assert "made without a key" not in result.stdout.str()


def test_a_mark_does_not_turn_a_skip_or_an_expected_failure_into_another(suite: Suite) -> None:
    suite.write(f"""
        pytestmark = pytest.mark.messages

        @pytest.mark.xfail
        def test_expected():
            raise TypeError("{KEYLESS}")

        def test_skipped():
            pytest.skip("{KEYLESS}")
    """)
    suite.run(xfailed=1, skipped=1)


def test_a_thread_that_a_test_has_left_behind_fails_no_other_test(suite: Suite) -> None:
    suite.write("""
        import threading
        GO, DONE = threading.Event(), threading.Event()

        def late(client, shell):
            GO.wait(20)
            try:
                shell.handle_request(client.build_request("POST", URL, json=body("late"), headers=HEADERS))
            except BaseException:
                pass
            DONE.set()

        @pytest.mark.messages
        def test_ours():
            ask("sandbox: say one")
            client = httpx.Client()
            shell = client._transport_for_url(httpx.URL(URL))
            threading.Thread(target=late, args=(client, shell), daemon=True).start()

        def test_other():
            GO.set()
            assert DONE.wait(20)
    """)
    result = suite.run(passed=2)
    result.stdout.fnmatch_lines(["messages: from a thread that test_suite.py::test_ours has left behind: *had closed"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
