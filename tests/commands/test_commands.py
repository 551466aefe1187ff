"""The command: what it prints, in which format, and the exit code that CI sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sessions import JSON_HEADERS, dump, interaction, message

from pytest_messages.api import schema
from pytest_messages.cassette import store
from pytest_messages.commands.main import main
from pytest_messages.commands.terminal import FINE, FOUND, USAGE
from pytest_messages.scrubbing import Scrubber
from pytest_messages.wire import Response

KEY = "sk-ant-" + "api03-" + "k" * 80
BROKEN = {**message("x"), "role": "user"}
NEWER = {**message("x"), "mood": "good"}


def written(path: Path, *bodies: dict[str, Any]) -> Path:
    scrubber = Scrubber(salt="salt")
    made = [
        interaction(f"question {n}", Response(200, "OK", JSON_HEADERS, dump(body))) for n, body in enumerate(bodies)
    ]
    draft = store.Draft(interactions=tuple(map(scrubber.interaction, made)), salt="salt")
    store.put(path, draft, gate=scrubber.gate())
    return path


def foreign(path: Path, key: str) -> Path:
    """Write what another tool would: nothing of it is scrubbed."""
    path.write_text(
        json.dumps(
            {
                "version": 1,
                "interactions": [
                    {
                        "request": {
                            "method": "POST",
                            "uri": "https://api.anthropic.com/v1/messages",
                            "headers": {"x-api-key": [key], "content-type": ["application/json"]},
                            "body": json.dumps({"model": "m", "max_tokens": 1, "messages": []}),
                        },
                        "response": {
                            "status": {"code": 200, "message": "OK"},
                            "headers": {"content-type": ["application/json"]},
                            "body": {"string": json.dumps(message("x"))},
                        },
                    }
                ],
            }
        )
    )
    return path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(name)
    return tmp_path


Printed = pytest.CaptureFixture[str]


# check


def test_what_conforms_is_fine(capsys: Printed) -> None:
    written(Path("a.yaml"), message("x"))
    assert main(["check", "a.yaml"]) == FINE
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("1 cassette, 1 interaction")


def test_a_violation_is_found_and_named(capsys: Printed) -> None:
    written(Path("folder/a.yaml"), message("x"), BROKEN)
    assert main(["check", "folder"]) == FOUND
    out = capsys.readouterr().out
    assert "folder/a.yaml" in out
    assert "message.shape" in out or "role" in out


def test_notices_count_where_they_are_asked_for_and_hints_are_printed(capsys: Printed) -> None:
    written(Path("a.yaml"), NEWER)
    assert main(["check", "a.yaml"]) == FINE
    assert main(["check", "a.yaml", "--strict"]) == FOUND
    capsys.readouterr()
    main(["check", "a.yaml", "--hints"])
    assert "mood" in capsys.readouterr().out


def rule_of(capsys: Printed) -> str:
    main(["check", "a.yaml", "--format", "json"])
    rule: str = json.loads(capsys.readouterr().out)[0]["rule"]
    return rule


def test_a_rule_can_be_turned_off_by_name(capsys: Printed) -> None:
    written(Path("a.yaml"), BROKEN)
    rule = rule_of(capsys)
    assert main(["check", "a.yaml", f"--rules=-{rule}"]) == FINE
    assert main(["check", "a.yaml", "--rules=-no.such-rule"]) == USAGE
    assert "there is no rule" in capsys.readouterr().err


def test_json_and_github_and_junit_are_for_machines(capsys: Printed) -> None:
    from xml.etree import ElementTree as ET

    written(Path("a.yaml"), BROKEN)
    for form in ("json", "junit", "github"):
        assert main(["check", "a.yaml", "--format", form]) == FOUND
        printed = capsys.readouterr()
        if form == "json":
            assert {"cassette", "interaction", "rule", "level"} <= set(json.loads(printed.out)[0])
        elif form == "junit":
            assert ET.fromstring(printed.out).tag in {"testsuite", "testsuites"}  # noqa: S314 - our own
        else:
            assert printed.out.startswith("::error")
        assert printed.err.startswith("1 cassette")


def test_a_file_that_cannot_be_read_is_a_finding_and_loses_the_others_nothing(capsys: Printed) -> None:
    written(Path("a.yaml"), message("x"))
    Path("b.yaml").write_text("version: 1\ninteractions: {")
    assert main(["check", "a.yaml", "b.yaml"]) == FOUND
    assert "cassette.format" in capsys.readouterr().out


def test_nothing_to_check_is_a_wrong_command(capsys: Printed) -> None:
    Path("empty").mkdir()
    assert [main(["check"]), main(["check", "empty"]), main(["check", "none.yaml"])] == [USAGE] * 3
    err = capsys.readouterr().err
    assert err.count("there is no cassette to check") == 2
    assert "there is no file or folder none.yaml" in err
    assert "looked for .yaml and .yml files below empty, where there are no files at all" in err


def test_a_declared_gateway_judges(capsys: Printed) -> None:
    written(Path("a.yaml"), BROKEN)
    Path("g.toml").write_text('[mine]\nextends = "compatible"\nbase_url = "https://mine.example"\n')
    assert main(["check", "a.yaml", "--providers", "g.toml", "--provider", "mine"]) in {FINE, FOUND}
    assert main(["check", "a.yaml", "--provider", "nobody"]) == USAGE
    assert "there is no provider 'nobody'" in capsys.readouterr().err


def test_progress_is_shown_on_a_terminal_only(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    written(Path("a.yaml"), message("x"))
    main(["check", "a.yaml"])
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    main(["check", "a.yaml"])
    assert capsys.readouterr().err == "\r1 of 1\r\x1b[K"


# show


def test_a_cassette_is_shown_whole_or_one_interaction_of_it(capsys: Printed) -> None:
    written(Path("a.yaml"), message("first answer"), message("second answer"))
    assert main(["show", "a.yaml"]) == FINE
    whole = capsys.readouterr().out
    assert "first answer" in whole
    assert "second answer" in whole
    assert main(["show", "a.yaml#2"]) == FINE
    one = capsys.readouterr().out
    assert "first answer" not in one
    assert "second answer" in one
    assert main(["show", "a.yaml#2", "--raw"]) == FINE
    assert "POST" in capsys.readouterr().out


def test_a_number_that_is_not_there_is_said(capsys: Printed) -> None:
    written(Path("a.yaml"), message("x"))
    assert main(["show", "a.yaml#7"]) == USAGE
    assert capsys.readouterr().err == "a.yaml has no interaction 7; it has 1\n"
    assert main(["show", "a.yaml#0"]) == USAGE
    assert capsys.readouterr().err == "a.yaml has no interaction 0; it has 1\n"


def test_a_file_may_have_a_hash_in_its_name(capsys: Printed) -> None:
    written(Path("a#b.yaml"), message("x"))
    assert main(["show", "a#b.yaml"]) == FINE
    assert "question 0" in capsys.readouterr().out


# audit and import


def test_a_key_is_found_named_by_kind_and_place_and_never_shown(capsys: Printed) -> None:
    foreign(Path("a.json.yaml"), KEY)
    assert main(["audit", "a.json.yaml"]) == FOUND
    printed = capsys.readouterr()
    assert KEY not in printed.out + printed.err
    assert "x-api-key" in printed.out
    assert printed.out.endswith("1 file looked at; --fix scrubs what was found\n")


def test_fix_scrubs_and_then_nothing_is_found(capsys: Printed) -> None:
    path = foreign(Path("a.yaml"), KEY)
    assert main(["audit", "a.yaml", "--fix"]) == FINE
    assert "a.yaml: scrubbed" in capsys.readouterr().out
    assert KEY not in path.read_text()
    assert main(["audit", "a.yaml"]) == FINE


def test_a_live_key_is_found_wherever_it_stands(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    live = "my-own-gateway-key-0815"
    written(Path("a.yaml"), message(f"you said {live}"))
    assert main(["audit", "a.yaml"]) == FINE
    monkeypatch.setenv("ANTHROPIC_API_KEY", live)
    assert main(["audit", "a.yaml"]) == FOUND
    assert live not in capsys.readouterr().out


def test_a_finding_can_be_allowed(capsys: Printed) -> None:
    foreign(Path("a.yaml"), KEY)
    assert main(["audit", "a.yaml", "--allow", "*@*"]) == FINE
    assert main(["audit", "a.yaml", "--allow", "anything"]) == USAGE
    assert "kind@place" in capsys.readouterr().err


def test_nothing_to_audit_or_import_is_a_wrong_command() -> None:
    Path("empty").mkdir()
    assert [main(["audit", "empty"]), main(["import", "empty"])] == [USAGE, USAGE]


def test_import_writes_our_own_form_once(capsys: Printed) -> None:
    path = foreign(Path("a.yaml"), KEY)
    assert main(["import", "a.yaml", "--scrub", "question -> <q>"]) == FINE
    assert main(["import", "a.yaml"]) == FINE
    assert capsys.readouterr().out == "a.yaml: rewritten\na.yaml: already in our form\n"
    assert path.read_text().startswith("# pytest-messages cassette 1\n")
    assert KEY not in path.read_text()


def test_a_file_that_cannot_be_opened_is_explained(capsys: Printed) -> None:
    Path("a.yaml").mkdir()
    Path("b.yaml").write_bytes(b"\xff\xfe\x00")
    assert main(["import", "b.yaml"]) == USAGE
    assert "b.yaml" in capsys.readouterr().err


def folder_with_a_bad_file() -> list[Path]:
    Path("vcrs").mkdir()
    Path("vcrs/b.yaml").write_text("version: 1\ninteractions: {")
    return [foreign(Path("vcrs/a.yaml"), KEY), foreign(Path("vcrs/c.yaml"), KEY)]


@pytest.mark.parametrize("command", [["import"], ["audit", "--fix"]])
def test_a_bad_file_stops_no_other(command: list[str], capsys: Printed) -> None:
    good = folder_with_a_bad_file()
    assert main([*command, "vcrs"]) == FOUND
    printed = capsys.readouterr()
    assert "vcrs/b.yaml" in printed.err
    assert "1 of 3 files could not be" in printed.err
    assert [KEY in path.read_text() for path in good] == [False, False]


def test_a_folder_of_nothing_that_can_be_imported_says_what_it_holds(capsys: Printed) -> None:
    Path("vcrs").mkdir()
    for name in ("a.json", "b.yaml.gz"):
        (Path("vcrs") / name).write_text("{}")
    assert main(["import", "vcrs"]) == USAGE
    assert "found only vcrs/a.json, vcrs/b.yaml.gz; a file that is named is read anyway" in capsys.readouterr().err
    for name in ("a.yaml", "b.yaml"):
        (Path("vcrs") / name).write_text("- no cassette")
    assert main(["import", "vcrs"]) == USAGE
    assert "2 of 2 files could not be imported" in capsys.readouterr().err


def test_a_folder_is_shown_file_by_file(capsys: Printed) -> None:
    written(Path("tapes/a.yaml"), message("first answer"))
    written(Path("tapes/deep/c.yaml"), message("second answer"))
    assert main(["show", "tapes"]) == FINE
    out = capsys.readouterr().out
    assert out.index("tapes/a.yaml") < out.index("first answer") < out.index("tapes/deep/c.yaml")
    assert "second answer" in out
    Path("tapes/b.yaml").write_text("- no cassette")
    assert main(["show", "tapes"]) == FOUND
    printed = capsys.readouterr()
    assert "second answer" in printed.out
    assert "1 of 3 files could not be shown" in printed.err
    Path("empty").mkdir()
    assert main(["show", "empty"]) == USAGE
    assert "there is no cassette to show" in capsys.readouterr().err


# schema


def test_each_schema_is_printed_as_json(capsys: Printed) -> None:
    for kind in schema.KINDS:
        assert main(["schema", kind]) == FINE
        assert json.loads(capsys.readouterr().out) == schema.json_schema(kind)
    assert main(["schema"]) == FINE
    assert set(json.loads(capsys.readouterr().out)) == set(schema.KINDS)


# The command itself


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["check", "--format", "pdf"], ["schema", "nothing"]])
def test_a_wrong_command_says_what_there_is(arguments: list[str], capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == USAGE
    assert "usage: pytest-messages" in capsys.readouterr().err


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_messages", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **more)


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    written(Path("a.yaml"), *(message("long " * 4000) for _ in range(60)))
    shell = f"{sys.executable} -m pytest_messages show --raw a.yaml | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (FINE, "")


@pytest.mark.parametrize("command", [["schema"], ["show", "a.yaml"], ["check", "a.yaml", "--hints"]])
def test_a_short_output_that_nobody_reads_is_no_error_either(command: list[str]) -> None:
    written(Path("a.yaml"), NEWER)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        whole = [sys.executable, "-m", "pytest_messages", *command]
        done = subprocess.run(whole, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (FINE, "")


def test_a_terminal_that_lacks_a_letter_shows_its_escape() -> None:
    written(Path("a.yaml"), message("caf\u00e9 \u2603"))
    done = run("show", "a.yaml", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (FINE, "")
    assert "caf\\xe9 \\u2603" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_cannot_be_written_is_said_in_a_line() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "pytest_messages", "schema"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    assert done.returncode == USAGE
    assert done.stderr.splitlines() == ["pytest-messages: [Errno 28] No space left on device"]


def test_the_live_demo_asks_and_without_a_terminal_sends_nothing() -> None:
    environ = {**os.environ, "ANTHROPIC_API_KEY": "sk-ant-" + "no-real-key"}
    done = run("demo", "--live", env=environ, stdin=subprocess.DEVNULL)
    assert done.returncode == USAGE
    assert done.stderr == "there is no terminal to ask on: add --yes to send\n"
    assert done.stdout.endswith("nothing was sent\n")


def test_the_demo_works_without_a_key_and_says_what_was_sandboxed() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = run("demo", env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(
        "All steps worked. What was recorded came from the sandbox on this machine; "
        "the replay, the judging and the files are the real thing.\n"
    )


def test_ctrl_c_ends_the_sandbox_quietly() -> None:
    import signal

    command = [sys.executable, "-m", "pytest_messages", "sandbox", "--provider", "shuyou"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline()]
        while lines[-1] and "drop" not in lines[-1]:
            lines.append(running.stdout.readline())
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert lines[0].startswith("a Messages API answers at http://127.0.0.1:")
    assert any(line.startswith("  export SHUYOU_API_KEY=") for line in lines)
    assert running.returncode in {FINE, 130}
