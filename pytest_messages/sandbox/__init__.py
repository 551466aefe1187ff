"""A Messages API that runs on this machine, for demos, tests and offline work.

`serve` runs it in a thread while a block lasts, `run` until it is interrupted. It speaks as Anthropic, as Shinzo
Spotlight and as ShuYou, each at a path of its own, answers the same question with the same bytes, and takes
instructions in the last user text: `HANDLES` is the table of them.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pytest_messages.errors import SettingsError
from pytest_messages.sandbox.handles import HANDLES

if TYPE_CHECKING:
    from pytest_messages.sandbox.server import Sandbox, run, serve

__all__ = ["HANDLES", "Sandbox", "run", "serve"]


def __getattr__(name: str) -> Any:
    """Load the server when it is first asked for: its two libraries come with the extra ``sandbox`` only."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    missing = [library for library in ("starlette", "uvicorn") if find_spec(library) is None]
    if missing:
        raise SettingsError(f"the sandbox needs {' and '.join(missing)}: pip install 'pytest-messages[sandbox]'")
    from pytest_messages.sandbox import server  # noqa: PLC0415 - see above

    return getattr(server, name)
