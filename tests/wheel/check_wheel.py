"""Build the distributions, install the wheel where nothing else is, and use it as a stranger would.

Prints what it checked, and ends with 1 at the first thing that is not as it should be.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = "Scripts" if os.name == "nt" else "bin"
COMMANDS = ("check", "show", "audit", "import", "schema", "sandbox", "demo")

HELP = """
import contextlib, sys
from pytest_messages.commands.main import main

for name in sys.argv[1:]:
    with contextlib.suppress(SystemExit):
        main([name, "--help"])
"""

SUITE = """\
def test_a_stream(messages_client):
    question = [{"role": "user", "content": "Hello, Claude"}]
    with messages_client.stream(model="claude-sonnet-5", max_tokens=64, messages=question) as stream:
        assert [event.type for event in stream][-1] == "message_stop"
    assert stream.text == "Hello! How can I help you today?"
"""

RECORD = '''\
"""Record the suite from a sandbox, stop the sandbox, replay without a key."""

import os
import subprocess
import sys

from pytest_messages import sandbox


def run(mode, **environ):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--messages-record={mode}"]
    subprocess.run(command, check=True, env={**os.environ, **environ})


with sandbox.serve() as server:
    address = {"ANTHROPIC_BASE_URL": server.url}
    run("once", ANTHROPIC_API_KEY=server.key, **address)
run("none", **address)
'''

BESIDE = """\
import os

import httpx
import pytest

BODY = {"model": "claude-sonnet-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello, Claude"}]}


@pytest.mark.messages
def test_ours(messages_client):
    assert messages_client.create(**BODY).content[0].text == "Hello! How can I help you today?"


@pytest.mark.vcr
def test_theirs(FIXTURE):
    assert FIXTURE is not None
    headers = {"x-api-key": os.environ["ANTHROPIC_API_KEY"], "anthropic-version": "2023-06-01"}
    answer = httpx.post(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", json=BODY, headers=headers)
    assert answer.json()["content"][0]["text"] == "Hello! How can I help you today?"
"""

RECORD_BESIDE = """\
import os
import subprocess
import sys

from pytest_messages import sandbox


def run(mode):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    subprocess.run([*command, f"--messages-record={mode}", f"--record-mode={mode}"], check=True)


with sandbox.serve() as server:
    os.environ.update(server.environ)
    run("once")
run("none")
"""

NEIGHBOURS = (("pytest-recording", "vcr"), ("cassetter", "cassette"))
"""Who else records, with a fixture of theirs."""


class WrongError(Exception):
    """Something is not as it should be."""


class Environment:
    """An empty virtual environment outside of the checkout."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.bin = folder / BIN

    def install(self, *requirements: str) -> None:
        # What is imported is compiled then; most of what is installed never is.
        options = ("--quiet", "--disable-pip-version-check", "--no-compile")
        run([self.bin / "python", "-m", "pip", "install", *options, *requirements])

    def remove(self, requirement: str) -> None:
        run([self.bin / "python", "-m", "pip", "uninstall", "--quiet", "--yes", requirement])

    def python(self, *arguments: str, cwd: Path) -> str:
        return run([self.bin / "python", *arguments], cwd=cwd)

    def command(self, *arguments: str, cwd: Path, code: int = 0) -> str:
        return run([self.bin / "pytest-messages", *arguments], cwd=cwd, code=code)


def run(command: list[str | Path], *, cwd: Path | None = None, code: int = 0) -> str:
    """Run a command in a clean environment and return what it printed."""
    dropped = ("PYTHONPATH", "PYTEST_", "COVERAGE", "ANTHROPIC_", "CI", "BUILD_NUMBER")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != code:
        told = " ".join(map(str, command))
        raise WrongError(f"$ {told}\nended with {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def expect(holds: object, what: str) -> None:
    """Say that something was checked, or stop."""
    if not holds:
        raise WrongError(what)
    print(f"  {what}", flush=True)


def build(folder: Path) -> tuple[Path, Path]:
    """Build both distributions and return the paths of wheel and sdist."""
    run([sys.executable, "-m", "build", "--outdir", folder, ROOT], cwd=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def check_contents(wheel: Path, sdist: Path) -> None:
    """Look at what is packed."""
    names = zipfile.ZipFile(wheel).namelist()
    expect("pytest_messages/py.typed" in names, "the wheel ships py.typed")
    tops = {name.split("/")[0] for name in names}
    ours = {"pytest_messages", f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"}
    expect(tops == ours, f"the wheel holds the package and nothing else: {', '.join(sorted(tops))}")
    source = {path.relative_to(ROOT).as_posix() for path in (ROOT / "pytest_messages").rglob("*.py")}
    expect(source <= set(names), f"all {len(source)} modules are in the wheel")
    with tarfile.open(sdist) as packed:
        parts = {name.partition("/")[2].split("/")[0] for name in packed.getnames()}
    wanted = {"pytest_messages", "tests", "docs", "README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"}
    expect(wanted <= parts, "the sdist holds sources, tests and documents")


def check_bare(env: Environment, folder: Path) -> None:
    """Use what is installed without any extra."""
    where = env.python("-c", "import pytest_messages; print(pytest_messages.__file__)", cwd=folder).strip()
    expect(Path(where).is_relative_to(env.bin.parent), "import pytest_messages, from the wheel")
    expect("COMMAND" in env.command("--help", cwd=folder), "pytest-messages --help")
    told = env.python("-c", HELP, *COMMANDS, cwd=folder)
    for name in COMMANDS:
        expect(f"usage: pytest-messages {name}" in told, f"pytest-messages {name} --help")
    expect('"$defs"' in env.command("schema", "message", cwd=folder), "pytest-messages schema message")
    expect("--messages-record" in env.python("-m", "pytest", "--help", cwd=folder), "pytest --help has our options")
    expect(
        "@pytest.mark.messages(" in env.python("-m", "pytest", "--markers", cwd=folder), "pytest --markers has our mark"
    )
    for command in ("sandbox", "demo"):
        told = env.command(command, cwd=folder, code=2)
        expect("pip install 'pytest-messages[sandbox]'" in told, f"without the extra, {command} says what to install")


def check_suite(env: Environment, folder: Path) -> None:
    """Record a suite from the sandbox and replay it."""
    (folder / "test_tiny.py").write_text(SUITE, encoding="utf-8")
    (folder / "record.py").write_text(RECORD, encoding="utf-8")
    told = env.python("record.py", cwd=folder)
    expect("1 call: 1 recorded" in told, "a suite is recorded from the sandbox")
    expect("1 call: 1 replayed" in told, "and replayed, with the sandbox gone and no key")
    told = env.command("check", "cassettes", cwd=folder)
    expect("1 cassette, 1 interaction: 0 violations" in told, "and its cassette judged")


def check_neighbour(env: Environment, folder: Path, name: str, fixture: str) -> None:
    """Use another recorder beside ours, in one run, and judge what it recorded."""
    (folder / "test_beside.py").write_text(BESIDE.replace("FIXTURE", fixture), encoding="utf-8")
    (folder / "record.py").write_text(RECORD_BESIDE, encoding="utf-8")
    told = env.python("record.py", cwd=folder)
    expect(told.count("2 passed") == len(("recorded", "replayed")), f"beside {name}: both record and both replay")
    (theirs,) = folder.rglob("*test_theirs.yaml")
    told = env.command("check", str(theirs), cwd=folder)
    expect("1 cassette, 1 interaction: 0 violations" in told, f"beside {name}: its cassette can be judged")
    env.command("import", str(theirs), cwd=folder)
    env.command("audit", str(theirs), cwd=folder)
    ours = theirs.read_text(encoding="utf-8").startswith("# pytest-messages cassette 1\n")
    expect(ours, f"beside {name}: its cassette can be imported")


def check(folder: Path) -> None:
    """Check everything, in the order in which a stranger would meet it."""
    print("build", flush=True)
    wheel, sdist = build(_made(folder, "dist"))
    check_contents(wheel, sdist)
    print("wheel in an empty environment", flush=True)
    env = Environment(folder / "venv")
    env.install(str(wheel))
    check_bare(env, _made(folder, "bare"))
    print("with the extra", flush=True)
    env.install(f"{wheel}[sandbox]")
    check_suite(env, _made(folder, "suite"))
    for name, fixture in NEIGHBOURS:
        print(f"beside {name}", flush=True)
        env.install(name)
        check_neighbour(env, _made(folder, name), name, fixture)
        # They share options with each other.
        env.remove(name)


def _made(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def main() -> int:
    """Return 0 where everything is as it should be."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pytest-messages-wheel-") as folder:
        try:
            check(Path(folder).resolve())
        except WrongError as error:
            print(f"FAILED: {error}", flush=True)
            return 1
    print(f"wheel: everything as it should be, in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
