"""What of this run is ours: nothing, until a test first needs it.

The controller of xdist runs no test: it makes the folder that its workers share and adds up what they count, and never
builds what opens sessions.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_messages.use.options import STARTERS, Layers

if TYPE_CHECKING:
    from pytest_messages.plugin.suite import Suite
    from pytest_messages.use.run import Run

LAYERS = pytest.StashKey[Layers]()
_RUN = pytest.StashKey["Run"]()
_SUITE = pytest.StashKey["Suite"]()
_FOLDER = pytest.StashKey[Path]()
_STARTER = pytest.StashKey["partial[Suite]"]()
RUNNING = pytest.StashKey[pytest.Item]()
"""The test that runs now."""


def start(config: pytest.Config, layers: Layers) -> None:
    """Let whatever needs this run find it."""
    config.stash[LAYERS] = layers
    starter = config.stash[_STARTER] = partial(suite_of, config)
    STARTERS.append(starter)


def run_of(config: pytest.Config) -> Run:
    """Return what is counted in this process, made when there is something to count."""
    if _RUN not in config.stash:
        from pytest_messages.use.run import Run  # noqa: PLC0415 - it costs something, and most runs never need it

        folder = getattr(config, "workerinput", {}).get("messages_folder")
        config.stash[_RUN] = Run(folder=Path(folder) if folder else None, home=config.rootpath)
    return config.stash[_RUN]


def suite_of(config: pytest.Config) -> Suite:
    """Return what opens sessions in this process, made when a test first needs one."""
    if _SUITE not in config.stash:
        from pytest_messages.plugin.suite import Suite  # noqa: PLC0415 - see above

        config.stash[_SUITE] = Suite(config, run_of(config))
    return config.stash[_SUITE]


def is_idle(config: pytest.Config) -> bool:
    """Tell whether no test of this process needed us so far: then nothing of ours costs anything."""
    return _SUITE not in config.stash and "pytest_messages.use.block" not in sys.modules


def is_unused(config: pytest.Config) -> bool:
    """Tell whether there is nothing to sum up, from this process or from workers."""
    return _RUN not in config.stash and is_idle(config)


def is_controller(config: pytest.Config) -> bool:
    """Tell whether this process hands its tests to workers of xdist."""
    return not hasattr(config, "workerinput") and config.getoption("dist", "no") != "no"


def folder_for_workers(config: pytest.Config) -> Path:
    """Return the folder that the workers of this run share."""
    if _FOLDER not in config.stash:
        config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix="pytest-messages-"))
    return config.stash[_FOLDER]


def close(config: pytest.Config) -> None:
    """Undo what outlives a test, and clean up what this run made for itself."""
    if _STARTER in config.stash:
        STARTERS.remove(config.stash[_STARTER])
    if _SUITE in config.stash:
        config.stash[_SUITE].close()
    if _FOLDER in config.stash:
        folder = config.stash[_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".lock").unlink(missing_ok=True)
