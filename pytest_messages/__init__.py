"""Record, replay and judge calls to the Anthropic-style Messages API, in pytest.

The names below are loaded when first used: pytest imports this package in every run, whether a test needs it or not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_messages.client import AsyncMessagesClient as AsyncMessagesClient
    from pytest_messages.client import MessagesClient as MessagesClient
    from pytest_messages.errors import ApiError as ApiError
    from pytest_messages.errors import CassetteError as CassetteError
    from pytest_messages.errors import CassetteFormatError as CassetteFormatError
    from pytest_messages.errors import CassetteIncompleteError as CassetteIncompleteError
    from pytest_messages.errors import CassetteNotFoundError as CassetteNotFoundError
    from pytest_messages.errors import CassetteVersionError as CassetteVersionError
    from pytest_messages.errors import ConformanceError as ConformanceError
    from pytest_messages.errors import CredentialError as CredentialError
    from pytest_messages.errors import EmptyError as EmptyError
    from pytest_messages.errors import ExhaustedError as ExhaustedError
    from pytest_messages.errors import ExpiredError as ExpiredError
    from pytest_messages.errors import MessagesError as MessagesError
    from pytest_messages.errors import NoMatchError as NoMatchError
    from pytest_messages.errors import NotRecordableError as NotRecordableError
    from pytest_messages.errors import Refused as Refused
    from pytest_messages.errors import ReplayError as ReplayError
    from pytest_messages.errors import SecretLeakError as SecretLeakError
    from pytest_messages.errors import SettingsError as SettingsError
    from pytest_messages.errors import StreamClosedError as StreamClosedError
    from pytest_messages.errors import StreamError as StreamError
    from pytest_messages.errors import UnplayedError as UnplayedError
    from pytest_messages.errors import UnreplayableError as UnreplayableError
    from pytest_messages.errors import UnsupportedFieldError as UnsupportedFieldError
    from pytest_messages.findings import Difference as Difference
    from pytest_messages.findings import Leak as Leak
    from pytest_messages.findings import Level as Level
    from pytest_messages.findings import Violation as Violation
    from pytest_messages.judge import check as check
    from pytest_messages.matching import Matcher as Matcher
    from pytest_messages.session.call import Call as Call
    from pytest_messages.session.session import Session as Session
    from pytest_messages.settings import RecordMode as RecordMode
    from pytest_messages.settings import Settings as Settings
    from pytest_messages.use.assertion import assert_conforms as assert_conforms
    from pytest_messages.use.block import use_cassette as use_cassette
    from pytest_messages.use.expecting import expect_refusal as expect_refusal

_PUBLIC = {
    "client": ("AsyncMessagesClient", "MessagesClient"),
    "judge": ("check",),
    "errors": (
        "ApiError",
        "CassetteError",
        "CassetteFormatError",
        "CassetteIncompleteError",
        "CassetteNotFoundError",
        "CassetteVersionError",
        "ConformanceError",
        "CredentialError",
        "EmptyError",
        "ExhaustedError",
        "ExpiredError",
        "MessagesError",
        "NoMatchError",
        "NotRecordableError",
        "Refused",
        "ReplayError",
        "SecretLeakError",
        "SettingsError",
        "StreamClosedError",
        "StreamError",
        "UnplayedError",
        "UnreplayableError",
        "UnsupportedFieldError",
    ),
    "findings": ("Difference", "Leak", "Level", "Violation"),
    "matching": ("Matcher",),
    "session.call": ("Call",),
    "session.session": ("Session",),
    "settings": ("RecordMode", "Settings"),
    "use.assertion": ("assert_conforms",),
    "use.block": ("use_cassette",),
    "use.expecting": ("expect_refusal",),
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(_HOME)  # noqa: PLE0605 - one source for the names


if not TYPE_CHECKING:  # a type checker is to know the names above and no other

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
