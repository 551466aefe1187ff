"""What all models share: closed requests, open replies, and where the documentation has each of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, NotRequired, Required, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, with_config
from typing_extensions import is_typeddict

DOCS = "https://platform.claude.com/docs/en/"
OLD, NEW = "2023-06-01", "2026-10-21"
VERSIONS = (OLD, NEW)


# --- What the documentation says about a model or a field ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Beta:
    """Marks a field that came with the beta ``header``; with ``values``, only these values of it did."""

    header: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Only:
    """Marks a field that one API version alone takes. https://platform.claude.com/docs/en/api/versioning."""

    version: str


@dataclass(frozen=True, slots=True)
class Legacy:
    """Marks a field that the API still takes although the documentation has another ``instead``."""

    instead: str


Mark = Beta | Only | Legacy


@dataclass(frozen=True, slots=True)
class Documented:
    """Where a model is documented.

    ``page`` is an address. ``since`` is the API version with which the model came, or the date of the beta header or of
    the dated type name. ``beta`` is the header that it came with and still needs.
    """

    page: str
    since: str
    beta: str | None


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of one field: one row of the table that `facts` gives."""

    model: str
    field: str
    required: bool
    channel: Literal["ga", "beta", "legacy"]
    beta: str | None
    values: tuple[str, ...]
    versions: tuple[str, ...]
    page: str
    since: str


_Model = TypeVar("_Model", bound=type)

_documented: dict[type, Documented] = {}
DOCUMENTED: Mapping[type, Documented] = MappingProxyType(_documented)

# The published specification closes every object of a request (``additionalProperties: false``).
_CLOSED = ConfigDict(extra="forbid", strict=True)


def documented(page: str, *, since: str = OLD, beta: str | None = None) -> Callable[[_Model], _Model]:
    """Say once for a model which page documents it and since when; a model of a request is closed by this, too."""

    def enter(model: _Model) -> _Model:
        _documented[model] = Documented(DOCS + page, since, beta)
        return with_config(_CLOSED)(model) if is_typeddict(model) else model

    return enter


def facts() -> tuple[Fact, ...]:
    """Return what the documentation says of every field of every model, in the order of their declaration."""
    return tuple(fact for model, about in DOCUMENTED.items() for fact in _facts(model, about))


def _facts(model: type, about: Documented) -> Iterator[Fact]:
    for field, hint in fields_of(model).items():
        said = marks(hint)
        beta = next((mark for mark in said if isinstance(mark, Beta)), None)
        legacy = any(isinstance(mark, Legacy) for mark in said)
        whole = about.beta is not None or (beta is not None and not beta.values)
        yield Fact(
            model=model.__name__,
            field=name_on_the_wire(model, field),
            required=is_required(model, field),
            channel="legacy" if legacy else "beta" if whole else "ga",
            beta=beta.header if beta else about.beta,
            values=beta.values if beta else (),
            versions=tuple(mark.version for mark in said if isinstance(mark, Only)) or VERSIONS,
            page=about.page,
            since=about.since,
        )


def fields_of(model: type) -> dict[str, Any]:
    """Return the type of every field of a model, with all that `Annotated` says of it."""
    if not issubclass(model, BaseModel):
        return get_type_hints(model, include_extras=True)
    return {
        name: Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        for name, info in model.model_fields.items()
    }


def name_on_the_wire(model: type, field: str) -> str:
    """Return the key that a field has in JSON, where Python cannot have the same name."""
    alias = model.model_fields[field].alias if issubclass(model, BaseModel) else None
    return alias or field


def is_required(model: type, field: str) -> bool:
    """Say whether a payload without the field is faulty."""
    if issubclass(model, BaseModel):
        return model.model_fields[field].is_required()
    return field in getattr(model, "__required_keys__", ())


def marks(hint: Any) -> tuple[Mark, ...]:
    """Return what is marked on the type of a field, looking through `Annotated`, `Required` and `NotRequired`."""
    own = tuple(mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Mark))
    if get_origin(hint) in (Annotated, Required, NotRequired):
        return own + marks(get_args(hint)[0])
    return own


# --- Replies -------------------------------------------------------------------------------------------------------


class Reply(BaseModel):
    """Something the API sends: nothing is coerced, unknown fields are kept, a nullable field may be absent.

    https://platform.claude.com/docs/en/api/versioning
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, defer_build=True, serialize_by_alias=True)


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
