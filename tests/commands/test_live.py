"""The battery that a gateway's vendor runs, sent to the sandbox in its dialects and to servers that get it wrong."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from pytest_messages.commands import live, main, terminal

if TYPE_CHECKING:
    from pytest_messages.sandbox import Sandbox


@pytest.fixture(autouse=True)
def keys(messages_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("anthropic", "shinzo", "shuyou"):
        for variable, value in messages_sandbox.environ_for(name).items():
            monkeypatch.setenv(variable, value)


def check(*arguments: str) -> int:
    return main.main(["check", "--live", *arguments])


@pytest.mark.parametrize("name", ["anthropic", "shinzo", "shuyou"])
def test_the_sandbox_conforms_in_each_of_its_dialects(
    name: str, messages_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(messages_sandbox.requests)
    assert check(messages_sandbox.url_for(name), "--provider", name, "--yes", "--strict") == terminal.FINE
    said = capsys.readouterr().out
    sent = len(messages_sandbox.requests) - before
    assert sent == len([probe for probe in live.PROBES if name != "shuyou" or not probe.counting])
    assert said.splitlines()[-1] == f"{sent} conforms"
    assert "about 4,680 tokens in all" in said


def test_one_dialect_taken_for_another_is_found_out(
    messages_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    code = check(messages_sandbox.url_for("shuyou"), "--provider", "anthropic", "--yes", "--format", "json")
    findings = json.loads(capsys.readouterr().out)
    assert code == terminal.FOUND
    assert {"error.envelope"} <= {row["rule"] for row in findings}
    assert {tuple(row) for row in findings} == {
        ("cassette", "interaction", "where", "rule", "level", "message", "source")
    }


def test_what_is_documented_as_refused_and_is_taken_is_a_notice() -> None:
    probe = next(probe for probe in live.PROBES if probe.fails_with)
    finding = live.accepted(probe, 200)
    assert finding is not None
    assert (finding.rule, finding.level.name) == (live.UNEXPECTED, "NOTICE")
    assert live.accepted(probe, probe.fails_with[0]) is None


def test_nothing_is_sent_without_a_yes(
    messages_sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))  # no terminal: nobody has read what it costs
    before = len(messages_sandbox.requests)
    assert check(messages_sandbox.url, "--provider", "anthropic") == terminal.USAGE
    assert len(messages_sandbox.requests) == before
    assert capsys.readouterr().out.splitlines()[-1] == "nothing was sent"


def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("http://127.0.0.1:9", "--provider", "anthropic", "--yes") == terminal.USAGE
    assert "nothing answered" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--provider", "nobody"], "there is no provider 'nobody'"),
        (["cassettes"], "cassettes or --live URL, not both"),
    ],
)
def test_a_wrong_command(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["check", *arguments, "--live", "http://127.0.0.1:9", "--yes"]) == terminal.USAGE
    assert said in capsys.readouterr().err


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("SHUYOU_API_KEY")
    assert check("http://127.0.0.1:9", "--provider", "shuyou", "--yes") == terminal.USAGE
    assert "set SHUYOU_API_KEY" in capsys.readouterr().err


def test_the_verdicts_in_words() -> None:
    probe, failing = live.PROBES[0], next(probe for probe in live.PROBES if probe.fails_with)
    assert [
        live.Probed(probe, 0, ()).verdict,
        live.Probed(probe, 400, ()).verdict,
        live.Probed(failing, 400, ()).verdict,
        live.Probed(probe, 200, ()).verdict,
    ] == ["no answer", "not served", "conforms", "conforms"]


def test_every_probe_has_a_name_of_its_own() -> None:
    assert len({probe.name for probe in live.PROBES}) == len(live.PROBES)
