"""The same as JSON Schema, Draft 2020-12, for validators in any language."""

from typing import Any, get_args

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from pytest_messages.api.schema.base import OLD
from pytest_messages.api.schema.validation import Kind, adapter, only_in

KINDS: tuple[Kind, ...] = get_args(Kind)


class _PlainSchema(GenerateJsonSchema):
    """Leave out what says nothing about validity: a title for every field, a null for every absent one."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def json_schema(kind: Kind, *, version: str = OLD) -> dict[str, Any]:
    """Return the JSON Schema of a kind of payload for an API version: closed where it is sent, open where answered."""
    schema = adapter(kind).json_schema(schema_generator=_PlainSchema)
    for model in (schema, *schema.get("$defs", {}).values()):
        if not kind.endswith("request"):
            # A reply that echoes the tools of a request may bring fields that are not documented.
            model.pop("additionalProperties", None)
        for field, only in only_in().items():
            if only != version:
                model.get("properties", {}).pop(field, None)
    return {"$schema": _PlainSchema.schema_dialect, **schema}
