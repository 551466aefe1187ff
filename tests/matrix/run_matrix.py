"""Run the one SDK test file in an environment for each generation of the official SDK."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATIONS = {"0": "anthropic>=0.100,<1", "1": "anthropic[aiohttp]>=1,<2", "2": "anthropic[aiohttp]>=2,<3"}
BESIDE = {"2": (("cassetter>=0.16,<1", "requests>=2.32"), ("tests/cassette/test_stock_readers.py",))}
"""What one environment has on top, and which tests need it: a peer that the others do without."""


def environment(generation: str) -> Path:
    """Make the generation's environment, or bring it up to date, and return its Python."""
    folder = ROOT / f".venv-sdk{generation}"
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    more = BESIDE.get(generation, ((), ()))[0]
    wanted = f"{GENERATIONS[generation]} {more}\n{(ROOT / 'pyproject.toml').read_text(encoding='utf-8')}"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--editable", f"{ROOT}[sandbox]", GENERATIONS[generation], *more], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def main() -> int:
    """Run all generations, also after one has failed, and say which did."""
    failed = []
    for generation, requirement in GENERATIONS.items():
        print(f"--- {requirement}", flush=True)
        tests = ("tests/clients", *BESIDE.get(generation, ((), ()))[1])
        command: list[str | Path] = [environment(generation), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        environ = {**os.environ, "PYTEST_MESSAGES_SDK": generation}
        if subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode:
            failed.append(requirement)
    print(f"matrix: {len(GENERATIONS) - len(failed)} passed, {len(failed)} failed {' '.join(failed)}".rstrip())
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
