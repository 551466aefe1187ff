"""Why something was refused, in four parts: what happened, where, what came nearest, what to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages.errors import (
    ApiError,
    CassetteError,
    CassetteFormatError,
    CassetteIncompleteError,
    CassetteNotFoundError,
    CassetteVersionError,
    ConformanceError,
    CredentialError,
    EmptyError,
    ExhaustedError,
    ExpiredError,
    MessagesError,
    NoMatchError,
    NotRecordableError,
    ReplayError,
    SecretLeakError,
    SettingsError,
    StreamClosedError,
    StreamError,
    UnplayedError,
    UnreplayableError,
    UnsupportedFieldError,
)
from pytest_messages.report import breaches, cassette_errors, client_errors, replay_errors
from pytest_messages.report.sheet import Sheet, laid_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def explain(error: MessagesError) -> str:
    """Return all that is known about ``error``, laid out in lines of 120 columns, 40 at most.

    A command and the name of a file are never broken or shortened, whatever they take.
    """
    sheet = _SHEETS[next(kind for kind in type(error).__mro__ if kind in _SHEETS)](error)
    if isinstance(error, CassetteError) and error.kept:
        sheet = cassette_errors.with_kept(sheet, error)
    return laid_out(sheet)


_SHEETS: Mapping[type, Callable[..., Sheet]] = {
    MessagesError: client_errors.unknown,
    SettingsError: client_errors.settings,
    CassetteError: cassette_errors.cassette_error,
    CassetteNotFoundError: cassette_errors.missing,
    CassetteFormatError: cassette_errors.unreadable,
    CassetteVersionError: cassette_errors.version,
    CassetteIncompleteError: cassette_errors.incomplete,
    SecretLeakError: cassette_errors.leak,
    ReplayError: replay_errors.replay,
    NoMatchError: replay_errors.no_match,
    ExhaustedError: replay_errors.exhausted,
    UnplayedError: replay_errors.unplayed,
    EmptyError: replay_errors.empty,
    ExpiredError: replay_errors.expired,
    StreamClosedError: replay_errors.closed,
    UnreplayableError: replay_errors.unreplayable,
    NotRecordableError: replay_errors.not_recordable,
    CredentialError: client_errors.credential,
    ApiError: client_errors.api,
    StreamError: client_errors.stream,
    UnsupportedFieldError: client_errors.unsupported,
    ConformanceError: breaches.conformance,
}
"""Which explanation belongs to which class; a class without a row is explained as its nearest base."""
