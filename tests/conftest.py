"""What the story tests share: a suite in a folder of its own, a sandbox to record from, and its books."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

# Imported here, once: pytester forgets after each run what was imported in it.
import pytest_messages.plugin.suite  # noqa: F401 - see above
from pytest_messages.cassette import store

# The HTTP libraries import these at their first request, and translate the exceptions of that import only.
WIRES = [import_module(name) for name in ("httpcore", "httpcore2") if find_spec(name)]

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_messages.cassette.document import Cassette
    from pytest_messages.sandbox import Sandbox

pytest_plugins = ["pytester"]

TALK = """
import os
import httpx
import pytest

URL = os.environ["SANDBOX"] + "/v1/messages"
HEADERS = {"x-api-key": os.environ["ANTHROPIC_API_KEY"], "anthropic-version": "2023-06-01"}

def body(text, **more):
    return {"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": text}], **more}

def ask(text, **more):
    with httpx.Client() as client:
        response = client.post(URL, json=body(text, **more), headers=HEADERS)
    return response.json()["content"][0]["text"] if response.status_code == 200 else response.status_code

def stream(text):
    with httpx.Client() as client, client.stream("POST", URL, json=body(text, stream=True), headers=HEADERS) as answer:
        return answer.read().decode()
"""


class Suite:
    """A small test suite in a folder of its own, run by a real pytest."""

    def __init__(self, pytester: pytest.Pytester, server: Sandbox) -> None:
        self.pytester = pytester
        self.server = server
        pytester.makeini("[pytest]\n")
        pytester.makepyfile(talk=TALK)

    @property
    def path(self) -> Path:
        return self.pytester.path

    def write(self, source: str, name: str = "test_suite") -> None:
        self.pytester.makepyfile(**{name: f"from talk import *\n{dedent(source)}"})

    def run(self, *args: str, **outcomes: int) -> pytest.RunResult:
        """Run the suite in this process and compare the outcomes where some are given."""
        # Hypothesis' plugin would import itself anew in each of these runs.
        result = self.pytester.runpytest("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *args)
        if outcomes:
            result.assert_outcomes(**outcomes)
        return result

    def sent(self) -> int:
        """How many requests have reached the sandbox so far."""
        return len(self.server.requests)

    def cassette(self, name: str = "test_suite/test_it") -> Cassette:
        return store.read(self.path / "cassettes" / f"{name}.yaml")

    def prompts(self, name: str = "test_suite/test_it") -> Sequence[str]:
        """The user texts of a cassette's interactions, in order."""
        return [_prompt(interaction.request.body) for interaction in self.cassette(name).interactions]

    def files(self) -> list[str]:
        folder = self.path / "cassettes"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _prompt(body: bytes) -> str:
    return str(json.loads(body)["messages"][-1]["content"])


@pytest.fixture
def suite(pytester: pytest.Pytester, messages_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Suite:
    for name in ("CI", "BUILD_NUMBER", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SANDBOX", messages_sandbox.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", messages_sandbox.key)
    return Suite(pytester, messages_sandbox)
