"""Run every benchmark beside this file, one after the other, and print what each prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Return 1 where one failed."""
    failed = 0
    for script in sorted(HERE.glob("*.py")):
        if script.name != Path(__file__).name:
            print(f"--- {script.name}", flush=True)
            failed |= subprocess.run([sys.executable, script], cwd=HERE.parent, check=False).returncode
    return min(failed, 1)


if __name__ == "__main__":
    raise SystemExit(main())
