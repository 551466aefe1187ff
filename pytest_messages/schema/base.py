"""What all models share: closed requests, open replies, and the page that documents each of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, with_config
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from typing_extensions import NotRequired, Required, is_typeddict

DOCS = "https://platform.claude.com/docs/en/"
VERSIONS = ("2023-06-01", "2026-10-21")

# --- What the documentation says about a model or a field ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Beta:
    """Marks a field that needs the beta ``header``; with ``values``, only these values of it do."""

    header: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Only:
    """Marks a field that exists in one API version only. https://platform.claude.com/docs/en/api/versioning."""

    version: str


@dataclass(frozen=True, slots=True)
class Legacy:
    """Marks a field that the API still takes although its documentation has moved to another one."""

    instead: str


@dataclass(frozen=True, slots=True)
class Documented:
    """Where a model is documented.

    ``since`` is the API version, the date of the beta header or the dated type name with which it first came;
    ``beta`` the header that it still needs.
    """

    page: str
    since: str
    beta: str | None


_documented: dict[type, Documented] = {}
DOCUMENTED: Mapping[type, Documented] = MappingProxyType(_documented)

_Model = TypeVar("_Model", bound=type)


def documented(page: str, *, since: str = VERSIONS[0], beta: str | None = None) -> Callable[[_Model], _Model]:
    """Say once for a model which page documents it and since when; a request model is closed by this, too."""

    def enter(model: _Model) -> _Model:
        _documented[model] = Documented(DOCS + page, since, beta)
        return with_config(_CLOSED)(model) if is_typeddict(model) else model

    return enter


# The published specification closes every object of a request (``additionalProperties: false``).
_CLOSED = ConfigDict(extra="forbid", strict=True)


def marks(hint: Any) -> tuple[Any, ...]:
    """Return what `Annotated` says about a field, looking through `Required` and `NotRequired`."""
    own: tuple[Any, ...] = getattr(hint, "__metadata__", ())
    return own + tuple(mark for part in get_args(hint)[:1] if get_origin(hint) in _WRAPPERS for mark in marks(part))


_WRAPPERS = (Annotated, Required, NotRequired)


# --- Replies -------------------------------------------------------------------------------------------------------


class Reply(BaseModel):
    """Something the API sends: never coerced, unknown fields kept, null where a nullable field is absent.

    https://platform.claude.com/docs/en/api/versioning
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, defer_build=True)


class Unknown(Reply):
    """A member of an open union whose ``type`` the documentation does not list; all its data is kept."""

    type: str


Count = Annotated[int, Field(ge=0)]
Timestamp = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
        json_schema_extra={"format": "date-time"},
    ),
]

# --- Enumerations and unions ---------------------------------------------------------------------------------------
#
# Each has two faces. To parse, `validate_python(value)`: what the documentation does not list is kept. To judge,
# `validate_python(value, strict=True, extra="forbid")`: it is an error of a type of its own, which the judge turns into
# a notice. Both run in pydantic's core; nothing is walked in Python.


class _Values:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        values = [value for member in get_args(source) for value in get_args(member)]
        known = core_schema.custom_error_schema(
            core_schema.literal_schema(values),
            custom_error_type="unknown_value",
            custom_error_message="one of {values}",
            custom_error_context={"values": ", ".join(values)},
        )
        judged = core_schema.chain_schema([core_schema.str_schema(strict=True), known])
        return core_schema.lax_or_strict_schema(
            core_schema.str_schema(strict=True),
            judged,
            strict=False,
            serialization=_AS_IT_IS,
            metadata={"pydantic_js_extra": {"examples": values}},
        )


_Documented = TypeVar("_Documented", bound=str)

# `Open[StopReason]`: any string, of which the documentation lists some.
Open = Annotated[_Documented | str, _Values()]


class ByType:
    """Chooses the member of a union by one field; a member derived from `Unknown` takes all that no other does."""

    def __init__(self, field: str = "type") -> None:
        self._field = field

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        members = get_args(source) or (source,)
        known = {
            name: member for member in members if not _is_unknown(member) for name in _values_of(member, self._field)
        }
        choices: dict[Any, CoreSchema] = {
            f"<{name}>": handler.generate_schema(member) for name, member in known.items()
        }
        # A request's tool without a type is a custom one.
        default = "<custom>" if "custom" in known else None
        fault = {
            "custom_error_type": "by_field",
            "custom_error_message": "one of {known}",
            "custom_error_context": {"field": self._field, "known": ", ".join(known)},
        }
        judged = core_schema.tagged_union_schema(choices, _by_field(self._field, default), **fault)
        rest = [member for member in members if _is_unknown(member)]
        if not rest:
            return judged
        kept = core_schema.tagged_union_schema(
            choices | {_OTHER: handler.generate_schema(rest[0])},
            _by_field(self._field, default, frozenset(choices)),
            **fault,
        )
        return core_schema.lax_or_strict_schema(kept, judged, strict=False, serialization=_AS_IT_IS)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        if schema["type"] != "lax-or-strict":
            return handler(schema)
        known = [tag[1:-1] for tag in schema["strict_schema"]["choices"]]  # type: ignore[typeddict-item] # as built above
        one_of = handler(schema)["oneOf"]
        other = {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"type": "string", "not": {"enum": known}}},
        }
        return {"oneOf": [*one_of[:-1], other]}


class ByShape:
    """Chooses the member of a union by what JSON calls the value: a string, an array, an object, a boolean."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices: dict[Any, CoreSchema] = {
            _shape_of(member): handler.generate_schema(member) for member in get_args(source)
        }
        return core_schema.tagged_union_schema(
            choices,
            lambda value: _SHAPES.get(type(value), "<object>"),
            custom_error_type="by_shape",
            custom_error_message="{shapes}",
            custom_error_context={"shapes": " or ".join(tag[1:-1] for tag in choices)},
        )


class AtLeast:
    """An object of which the given `TypedDict` describes some keys; all others are the sender's own business."""

    def __init__(self, model: type) -> None:
        self._model = model

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        keys = frozenset(get_type_hints(self._model))

        def judge(value: Any, inner: core_schema.ValidatorFunctionWrapHandler) -> Any:
            inner({key: value[key] for key in keys & value.keys()} if isinstance(value, dict) else value)
            return value

        described = handler.resolve_ref_schema(handler.generate_schema(self._model))
        alone = {key: described[key] for key in described if key not in ("ref", "config")}
        return core_schema.no_info_wrap_validator_function(judge, {**alone, "extra_behavior": "allow"})


# A tag stands in the location of an error: in brackets it cannot be taken for the name of a field.
_OTHER = "<>"
_AS_IT_IS = core_schema.simple_ser_schema("any")
_SHAPES = {str: "<string>", list: "<array>", bool: "<boolean>"}


def _by_field(field: str, default: str | None, known: frozenset[str] | None = None) -> Callable[[Any], str | None]:
    """Make the function that says the tag of a value; with ``known``, of all that is not known the tag is `_OTHER`."""

    def tag_of(value: Any) -> str | None:
        name = value.get(field) if isinstance(value, dict) else getattr(value, field, None)
        if not isinstance(name, str):
            return default if name is None and isinstance(value, dict) else None
        tag = f"<{name}>"
        return tag if known is None or tag in known else _OTHER

    return tag_of


def _is_unknown(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, Unknown)


def _values_of(member: Any, field: str) -> tuple[str, ...]:
    """What a field of a member may say."""
    return tuple(value for value in _literals(get_type_hints(member)[field]) if value is not None)


def _literals(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) is Literal:
        return get_args(hint)
    return tuple(value for part in get_args(hint) for value in _literals(part))


def _shape_of(member: Any) -> str:
    if get_origin(member) is Literal:
        return "<string>"
    return _SHAPES.get(get_origin(member) or member, "<object>")
