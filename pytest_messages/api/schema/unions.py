"""Enumerations and unions that may grow.

Each has two faces. To parse, ``validate_python(value)``: what the documentation does not list is kept. To judge,
``validate_python(value, strict=True, extra="forbid")``: it is an error of a type of its own, which `judge` turns into a
finding. Both run in pydantic's core, and nothing is walked in Python.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from pytest_messages.api.schema.base import Reply, Unknown

_AS_IT_IS = core_schema.simple_ser_schema("any")


class _Fault(TypedDict):
    custom_error_type: str
    custom_error_message: str
    custom_error_context: dict[str, Any]


def _fault(kind: str, **context: str) -> _Fault:
    return _Fault(custom_error_type=kind, custom_error_message=kind, custom_error_context=dict(context))


_LISTED = 8


def _listed(values: Iterable[str]) -> str:
    """Name the documented values, the first of them where there are many."""
    names = list(values)
    more = f" or {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


# --- Enumerations --------------------------------------------------------------------------------------------------


class _Values:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        values = literals(source)
        string = core_schema.str_schema(strict=True)
        known = core_schema.custom_error_schema(
            core_schema.literal_schema(list(values)), **_fault("unknown_value", known=_listed(values))
        )
        return core_schema.lax_or_strict_schema(
            lax_schema=string,
            strict_schema=core_schema.chain_schema([string, known]),
            # Without this the mode of the models, which is strict, would choose the strict schema for parsing, too.
            strict=False,
            serialization=_AS_IT_IS,
            metadata={"pydantic_js_extra": {"examples": list(values)}},
        )


_Known = TypeVar("_Known", bound=str)

# `Open[StopReason]`: any string, of which the documentation lists some.
Open = Annotated[_Known | str, _Values()]


def literals(hint: Any) -> tuple[Any, ...]:
    """Return the values of every `Literal` in a type."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return tuple(value for part in get_args(hint) for value in literals(part))


# --- Unions --------------------------------------------------------------------------------------------------------

# The tag of a member stands in the location of an error. In brackets it cannot be taken for the name of a field.
_OTHER = "<other>"


class ByType:
    """Chooses the member of a union by the value of one field.

    A member derived from `Unknown` takes what no other does; a member in which the field may be left out takes an
    object without it.
    """

    def __init__(self, field: str = "type") -> None:
        self.field = field

    def tags(self, union: Any) -> Mapping[str, Any]:
        """Return the members of a union by the value that chooses them."""
        members = [member for member in get_args(union) or (union,) if not _is_unknown(member)]
        return {value: member for member in members for value in _choosers(member, self.field)}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        members = self.tags(source)
        choices: dict[Any, CoreSchema] = {tag(value): handler.generate_schema(members[value]) for value in members}
        for unknown in filter(_is_unknown, get_args(source)):
            choices[_OTHER] = handler.generate_schema(unknown)
        default = next((tag(value) for value in members if _may_lack(members[value], self.field)), None)
        fault = _fault("by_field", field=self.field, known=_listed(members))
        judged, kept = (
            core_schema.tagged_union_schema(
                choices, _chooser(self.field, members, default=default, other=other), **fault
            )
            for other in (None, _OTHER)
        )
        if _OTHER in choices:
            return core_schema.lax_or_strict_schema(kept, judged, strict=False)
        return {**judged, "serialization": _AS_IT_IS}

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        if schema["type"] != "lax-or-strict":
            return handler(schema)
        union: Any = schema["strict_schema"]
        known = {name: choice for name, choice in union["choices"].items() if name != _OTHER}
        other = {
            "type": "object",
            "required": [self.field],
            "properties": {self.field: {"type": "string", "not": {"enum": [name[1:-1] for name in known]}}},
        }
        return {"oneOf": [*handler({**union, "choices": known})["oneOf"], other]}


def tag(value: str) -> str:
    """Return the tag that stands in the location of an error for a member of a union."""
    return f"<{value}>"


def _chooser(
    field: str, known: Iterable[str], *, default: str | None, other: str | None
) -> Callable[[Any], str | None]:
    """Make the function that says the tag of a parsed JSON value, or of a model that is to be written as JSON."""
    tags = {value: tag(value) for value in known}

    def choose(value: Any) -> str | None:
        if not isinstance(value, dict):
            return tags.get(getattr(value, field, ""), _OTHER) if isinstance(value, Reply) else None
        chosen = value.get(field)
        if isinstance(chosen, str):
            return tags.get(chosen, other)
        return default if chosen is None else None

    return choose


def _is_unknown(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, Unknown)


def _choosers(member: Any, field: str) -> tuple[str, ...]:
    return tuple(value for value in literals(get_type_hints(member)[field]) if value is not None)


def _may_lack(member: Any, field: str) -> bool:
    return field in getattr(member, "__optional_keys__", ())


class ByShape:
    """Chooses the member of a union by what JSON calls the value: a string, an array, a boolean, an object."""

    def tags(self, union: Any) -> Mapping[str, Any]:
        """Return the members of a union by the shape that chooses them."""
        return {_shape_of(member): member for member in get_args(union)}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        members = self.tags(source)
        choices: dict[Any, CoreSchema] = {tag(shape): handler.generate_schema(members[shape]) for shape in members}
        return core_schema.tagged_union_schema(choices, _shape, **_fault("by_shape", known=" or ".join(members)))


_SHAPES = {str: "string", list: "array", bool: "boolean"}


def _shape(value: Any) -> str:
    return tag(_SHAPES.get(type(value), "object"))


def _shape_of(member: Any) -> str:
    """Return the shape of a member's values: of `Literal["all"]`, of `list[int]`, of a model or a union of models."""
    origin = get_origin(member)
    return "string" if origin is Literal else _SHAPES.get(origin or member, "object")


# --- Objects that are described in part ----------------------------------------------------------------------------


class AtLeast:
    """An object of which a `TypedDict` describes some keys; all others are the sender's own business."""

    def __init__(self, model: type) -> None:
        self.model = model

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        keys = frozenset(get_type_hints(self.model))

        def validate(value: Any, inner: core_schema.ValidatorFunctionWrapHandler) -> Any:
            inner({key: value[key] for key in keys & value.keys()} if isinstance(value, dict) else value)
            return value

        # Not by reference: the definition that others would refer to is closed.
        described: Any = {**handler.resolve_ref_schema(handler.generate_schema(self.model)), "extra_behavior": "allow"}
        del described["ref"], described["config"]
        return core_schema.no_info_wrap_validator_function(validate, described)
