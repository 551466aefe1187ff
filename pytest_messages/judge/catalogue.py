"""Every rule of the judge, by its name: what the modules of this room have declared.

A rule stands in one place, beside the code that applies it; a module that is not named here would not be in force.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_messages.judge import (  # noqa: F401 - importing a module declares its rules
    cited,
    error_answers,
    exchange,
    framing,
    order,
    promises,
    request_fields,
    request_tools,
    requests,
    shape,
    stop_reasons,
    tool_uses,
    turns,
)
from pytest_messages.judge.rules import DECLARED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_messages.judge.rules import Rule

CATALOGUE: Mapping[str, Rule] = MappingProxyType(DECLARED)
"""All rules by name. The documentation, the tests and the judge itself read this table."""
