"""The gateways that speak the Messages API, as data.

A `Provider` is one profile: where it lives, how a key travels, what it refuses, how its errors and streams look, and
the page that says each. Everything that tells one gateway from another is a field here; nothing else in the project
names a gateway. `load_declared` reads further profiles from a TOML file.
"""

from __future__ import annotations

from pytest_messages.providers.builtin import (
    ANTHROPIC,
    CLAUDE_DOCS,
    COMPATIBLE,
    SHINZO,
    SHINZO_DOCS,
    SHINZO_SOURCE,
    SHUYOU,
    SHUYOU_DOCS,
)
from pytest_messages.providers.declared import load_declared, parse_declared
from pytest_messages.providers.envelopes import read_error
from pytest_messages.providers.profile import (
    Credential,
    ErrorFacts,
    ErrorShape,
    Habits,
    ProfileNote,
    Provider,
    Status,
    Unsupported,
)
from pytest_messages.providers.requirements import group_of, placeholders, request_headers, unsupported
from pytest_messages.providers.resolve import PROVIDERS, base_url_of, provider_named, provider_of

__all__ = [
    "ANTHROPIC",
    "CLAUDE_DOCS",
    "COMPATIBLE",
    "PROVIDERS",
    "SHINZO",
    "SHINZO_DOCS",
    "SHINZO_SOURCE",
    "SHUYOU",
    "SHUYOU_DOCS",
    "Credential",
    "ErrorFacts",
    "ErrorShape",
    "Habits",
    "ProfileNote",
    "Provider",
    "Status",
    "Unsupported",
    "base_url_of",
    "group_of",
    "load_declared",
    "parse_declared",
    "placeholders",
    "provider_named",
    "provider_of",
    "read_error",
    "request_headers",
    "unsupported",
]
