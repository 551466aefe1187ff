"""The fixtures. pytest loads this module in every run: what costs something is imported when a test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_messages.plugin.active import suite_of
from pytest_messages.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_messages.client import AsyncMessagesClient, MessagesClient
    from pytest_messages.sandbox import Sandbox
    from pytest_messages.session.session import Session


@pytest.fixture(scope="session")
def messages_settings() -> Settings:
    """Override this to choose settings in code: return a `pytest_messages.Settings` with the choices you make."""
    return Settings()


@pytest.fixture
def messages_cassette(request: pytest.FixtureRequest, messages_settings: Settings) -> Iterator[Session]:
    """Open the session of this test: its calls, their usage, what the judge found."""
    with suite_of(request.config).opened(request.node, fixture=messages_settings) as session:
        yield session


@pytest.fixture
def messages_client(messages_cassette: Session) -> Iterator[MessagesClient]:
    """Make a small typed client whose calls are recorded, replayed and judged."""
    from pytest_messages.client import MessagesClient  # noqa: PLC0415 - see the module's docstring

    with MessagesClient.of(messages_cassette) as client:
        yield client


@pytest.fixture
def async_messages_client(messages_cassette: Session) -> AsyncMessagesClient:
    """Make the same client for async tests."""
    from pytest_messages.client import AsyncMessagesClient  # noqa: PLC0415 - see the module's docstring

    return AsyncMessagesClient.of(messages_cassette)


@pytest.fixture(scope="session")
def messages_sandbox() -> Iterator[Sandbox]:
    """Run a Messages API on this machine, for the time of the test run."""
    from pytest_messages import sandbox  # noqa: PLC0415 - see the module's docstring

    with sandbox.serve() as server:
        yield server
