"""Record, replay and judge a small suite, and show what that looks like: the first thing a newcomer runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages import providers, report
from pytest_messages.cassette import store
from pytest_messages.commands import at_rest
from pytest_messages.commands.terminal import FINE, FOUND, USAGE, agreed
from pytest_messages.errors import CredentialError
from pytest_messages.report.check_output import as_text
from pytest_messages.report.layout import number

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

SUITE = '''\
"""What an application's tests look like: plain tests, with one mark."""

import pytest

from pytest_messages import ApiError

pytestmark = pytest.mark.messages

MODEL = {model!r}
WEATHER = {{
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {{"type": "object", "properties": {{"city": {{"type": "string"}}}}, "required": ["city"]}},
}}


def test_a_question(messages_client):
    message = messages_client.create(
        model=MODEL, max_tokens=64, messages=[{{"role": "user", "content": "Say hello in five words."}}]
    )
    assert message.stop_reason == "end_turn"


def test_a_stream(messages_client):
    question = [{{"role": "user", "content": "Count from one to five."}}]
    with messages_client.stream(model=MODEL, max_tokens=64, messages=question) as stream:
        events = [event.type for event in stream]
    assert events[0] == "message_start" and events[-1] == "message_stop"
    assert stream.text


def test_a_tool_and_its_result(messages_client):
    turns = [{{"role": "user", "content": "What is the weather in Ghent? Use the tool."}}]
    asked = messages_client.create(model=MODEL, max_tokens=200, tools=[WEATHER], messages=turns)
    call = next(block for block in asked.content if block.type == "tool_use")
    use = {{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}}
    result = {{"type": "tool_result", "tool_use_id": call.id, "content": "11 degrees, rain"}}
    turns += [{{"role": "assistant", "content": [use]}}, {{"role": "user", "content": [result]}}]
    answer = messages_client.create(model=MODEL, max_tokens=200, tools=[WEATHER], messages=turns)
    assert answer.stop_reason == "end_turn"


def test_an_error(messages_client):
    with pytest.raises(ApiError) as caught:
        messages_client.create(
            model="no-such-model", max_tokens=64, messages=[{{"role": "user", "content": {error!r}}}]
        )
    assert caught.value.status == 404
'''

NO_SOCKETS = '''\
"""Refuse every socket: what passes here needs no network."""

import socket


class Refusing(socket.socket):
    def connect(self, address):
        raise OSError(f"the demo allows no connection, and {address} was asked for")

    connect_ex = connect


socket.socket = Refusing
'''

_MODEL = providers.ANTHROPIC.model
_LIVE_COST = "5 requests, about 1,500 input and 400 output tokens"


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing that the demo does; the demo fails with the first that does."""

    title: str
    ok: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--live", action="store_true", help="use the real API, with your key; states the cost first")
    parser.add_argument("--yes", action="store_true", help="with --live: record without asking first")


def run(asked: argparse.Namespace) -> int:
    """Run the demo and return the exit code."""
    return live(yes=asked.yes) if asked.live else offline()


def offline() -> int:
    """Run the demo against the sandbox and return the exit code; needs neither a key nor a network."""
    from pytest_messages import sandbox  # noqa: PLC0415 - its server comes with an extra

    print("pytest-messages demo. No key, no network: the API below is the SANDBOX, a program on this machine.\n")
    with _folder() as folder:
        _write(folder, model=_MODEL, error="sandbox: error 404")
        with sandbox.serve() as server:
            environ = {**_environment(), "ANTHROPIC_API_KEY": server.key, "ANTHROPIC_BASE_URL": server.url}
            steps = [_pytest(folder, environ, "1. Record, from the sandbox", "--messages-record=once")]
        print("   The sandbox is stopped.\n")
        # The address is the one that was recorded; nobody listens there any more, and no socket may be opened.
        without = {name: value for name, value in environ.items() if name != "ANTHROPIC_API_KEY"}
        steps.append(_replayed(folder, without))
        return _conclude(folder, steps, sandboxed=True)


def live(*, yes: bool) -> int:
    """Run the demo against the real API; says what it costs first. Raises `CredentialError` without a key."""
    provider = providers.PROVIDERS["anthropic"]
    variables = tuple(dict.fromkeys(each.variable for each in provider.credentials))
    if not any(os.environ.get(variable) for variable in variables):
        raise CredentialError(f"the live demo needs a key: set {' or '.join(variables)}", variables=variables)
    print(f"pytest-messages demo, against the real API ({provider.base_url}).\nIt costs {_LIVE_COST} of {_MODEL}.")
    if not (yes or agreed("Go on?")):
        print("nothing was sent")
        return USAGE
    with _folder() as folder:
        _write(folder, model=_MODEL, error="Hello")
        steps = [_pytest(folder, dict(os.environ), "1. Record, from the real API", "--messages-record=once")]
        steps.append(_replayed(folder, _environment()))
        return _conclude(folder, steps, sandboxed=False)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pytest-messages-demo-") as folder:
        yield Path(folder)


def _write(folder: Path, *, model: str, error: str) -> None:
    (folder / "pytest.ini").write_text("[pytest]\nmessages_provider = anthropic\n", encoding="utf-8")
    (folder / "test_demo.py").write_text(SUITE.format(model=model, error=error), encoding="utf-8")
    (folder / "no_sockets.py").write_text(NO_SOCKETS, encoding="utf-8")


def _environment() -> dict[str, str]:
    """Return the environment without keys, and without what would change the demo's settings."""
    ours = {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "CI", "BUILD_NUMBER", "PYTEST_ADDOPTS"}
    return {name: value for name, value in os.environ.items() if name not in ours}


def _replayed(folder: Path, environ: Mapping[str, str]) -> _Step:
    title = "2. Replay, with every socket refused and no key"
    return _pytest(folder, environ, title, "--messages-record=none", "-p", "no_sockets")


def _pytest(folder: Path, environ: Mapping[str, str], title: str, *options: str) -> _Step:
    print(f"{title}\n   $ pytest {' '.join(options)}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(  # noqa: S603 - our own interpreter, on a suite that we wrote
        command, cwd=folder, env={**environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )
    print("".join(f"   | {row}\n" for row in (done.stdout + done.stderr).strip().splitlines()))
    return _Step(title, done.returncode == 0)


def _conclude(folder: Path, steps: list[_Step], *, sandboxed: bool) -> int:
    tape = folder / "cassettes" / "test_demo"
    shown = tape / "test_a_tool_and_its_result.yaml"
    if shown.exists():
        print(f"3. One of the cassettes as a conversation\n   $ pytest-messages show {shown.relative_to(folder)}\n")
        print("".join(f"   {row}\n" for row in report.conversation(store.read(shown).interactions).splitlines()))
    steps.append(_judged(tape))
    failed = [step.title for step in steps if not step.ok]
    if failed:
        print(f"FAILED: {'; '.join(failed)}")
        return FOUND
    where = "from the sandbox on this machine" if sandboxed else "from the real API"
    print(
        f"All steps worked. What was recorded came {where}; the replay, the judging and the files are the real thing."
    )
    return FINE


def _judged(tape: Path) -> _Step:
    title = "4. What was judged"
    print(f"{title}\n   $ pytest-messages check cassettes")
    done = list(at_rest.check_files(at_rest.files([str(tape)]))) if tape.exists() else []
    for each in done:
        counts = f"{number(each.interactions, 'interaction')}, {number(len(each.found), 'finding')}"
        print(f"   {each.path.name}: {counts}")
    found = [finding for each in done for finding in each.found]
    if found:
        print(as_text(found))
    print()
    return _Step(title, bool(done) and not any(finding.violation.level == 1 for finding in found))
