"""The same as JSON Schema, Draft 2020-12, for validators in any language."""

from typing import Any

from pytest_messages.schema.judge import Kind, adapter

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of a kind of payload: closed for what is sent, open for what is answered."""
    return {"$schema": DIALECT, **adapter(kind).json_schema()}
