"""The models against the types of the official SDK, both ways: names, requiredness, nullability, values, betas."""

import collections.abc
import functools
import os
import random
import typing
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, Required, TypeVar, get_args, get_origin

import anthropic.types as sdk
import pydantic
import pytest
from anthropic.types import beta as sdk_beta
from anthropic.types import message_count_tokens_params as sdk_count
from anthropic.types import message_create_params as sdk_create
from anthropic.types import messages as sdk_batches
from anthropic.types.beta import message_count_tokens_params as sdk_beta_count
from anthropic.types.beta import message_create_params as sdk_beta_create
from anthropic.types.beta import messages as sdk_beta_batches
from anthropic.types.beta.messages import batch_create_params as sdk_beta_batch
from anthropic.types.messages import batch_create_params as sdk_batch
from anthropic.types.shared import error_details, error_response, error_type
from typing_extensions import TypedDict, is_typeddict

from pytest_messages.api import schema
from pytest_messages.api.schema.base import (
    DOCUMENTED,
    Beta,
    Reply,
    Unknown,
    fields_of,
    is_required,
    marks,
    name_on_the_wire,
)
from pytest_messages.api.schema.error_bodies import ERROR_CODES, ERROR_TYPES
from pytest_messages.api.schema.unions import AtLeast, ByType, literals

# --- A neutral description of a type -------------------------------------------------------------------------------


@dataclass
class Shape:
    """What JSON a type stands for: `kind` with its parts, whoever wrote the type."""

    kind: str
    name: str = ""
    fields: dict[str, "Field"] = field(default_factory=dict)
    members: dict[str, "Field"] = field(default_factory=dict)
    item: "Shape | None" = None
    values: dict[Any, bool] = field(default_factory=dict)


@dataclass
class Field:
    """A field of an object or a member of a union; `beta` where only the beta surface has it."""

    shape: Shape
    required: bool = True
    nullable: bool | None = False  # None: the SDK's models have a null for what may be absent, and cannot tell
    beta: bool = False


SCALARS: Mapping[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    datetime: "string",
    Any: "any",
    object: "any",
}
ARRAYS = (list, collections.abc.Iterable, collections.abc.Sequence)
MAPS = (dict, collections.abc.Mapping)


def describe(hint: Any, *, inside_beta: bool = False) -> Shape:
    hint, said, extra = bare(hint)
    hint = next((mark.model for mark in extra if isinstance(mark, AtLeast)), hint)
    args = [arg for arg in get_args(hint) if arg is not type(None)]
    if is_object(hint):
        return describe_object(hint, inside_beta=inside_beta)
    if kind_of(hint) in ("array", "map"):
        return Shape(kind_of(hint), item=describe(args[-1], inside_beta=inside_beta) if args else Shape("any"))
    betas = {value: True for mark in said if isinstance(mark, Beta) and not inside_beta for value in mark.values}
    if get_origin(hint) is Literal or any(type(mark).__name__ == "_Values" for mark in extra):
        return described_values(literals(hint), betas)
    return describe_union(args, extra, inside_beta=inside_beta) if args else Shape(SCALARS[hint])


def kind_of(hint: Any) -> str:
    origin = get_origin(hint) or hint
    if origin in ARRAYS or getattr(origin, "__name__", "") == "SequenceNotStr":
        return "array"
    return "map" if origin in MAPS else ""


def described_values(values: Any, betas: Mapping[Any, bool]) -> Shape:
    known = {value: betas.get(value, False) for value in values if value is not None}
    return Shape("boolean") if set(known) == {True, False} else Shape("values", values=known)


def describe_union(members: list[Any], extra: tuple[Any, ...], *, inside_beta: bool) -> Shape:
    members = [member for member in members if not is_file(member) and not is_unknown(member)]
    if any(is_typeddict(member) for member in members):
        # The SDK lets the objects of a reply be sent back as they are.
        members = [member for member in members if not is_reply(member)]
    described = [(member, describe(member, inside_beta=inside_beta or is_beta(member))) for member in members]
    if {shape.kind for _, shape in described} <= {"string", "values"} and not extra:
        return Shape("string") if any(shape.kind == "string" for _, shape in described) else described[0][1]
    chooser = next((mark.field for mark in extra if isinstance(mark, ByType)), "type")
    union = Shape("union")
    for member, shape in described:
        union.members |= shape.members if shape.kind == "union" else {}
        for tag, narrowed in by_tag(shape, chooser):
            union.members.setdefault(tag, Field(narrowed, beta=is_beta(member) and not inside_beta))
    alone = next(iter(union.members.values())).shape
    return alone if len(union.members) == 1 else union


def is_reply(member: Any) -> bool:
    return all(
        isinstance(part, type) and issubclass(part, pydantic.BaseModel)
        for part in get_args(bare(member)[0]) or (member,)
    )


def by_tag(shape: Shape, chooser: str) -> Iterator[tuple[str, Shape]]:
    """Take a member of a union apart into one for each value of the field that chooses it."""
    if shape.kind == "union":
        return
    for name in (chooser, "type", "role"):
        if name in shape.fields and shape.fields[name].shape.kind == "values":
            for value in shape.fields[name].shape.values:
                only = replace(shape.fields[name], shape=Shape("values", values={value: False}))
                yield str(value), replace(shape, fields=shape.fields | {name: only})
            return
    yield {"values": "string", "map": "object"}.get(shape.kind, shape.kind), shape


@functools.cache
def describe_object(model: Any, *, inside_beta: bool) -> Shape:
    shape = Shape("object", name=model.__name__)
    for name, hint in fields_of(model).items():
        own = any(isinstance(mark, Beta) and not mark.values for mark in marks(hint))
        required = needs(model, name, hint)
        cannot_tell = not (required or is_typeddict(model) or issubclass(model, Reply))
        shape.fields[wire_name(model, name)] = Field(
            describe(hint, inside_beta=inside_beta or is_beta(model) or own),
            required,
            None if cannot_tell else is_nullable(hint),
            own and not inside_beta and not is_beta(model),
        )
    return shape


def needs(model: Any, name: str, hint: Any) -> bool:
    """Say whether a field is required; the SDK's annotations are strings, which hide it from `__required_keys__`."""
    if get_origin(hint) in (Required, NotRequired, typing.Required, typing.NotRequired):
        return get_origin(hint) in (Required, typing.Required)
    return is_required(model, name)


def wire_name(model: Any, name: str) -> str:
    return name_on_the_wire(model, name).removesuffix("_") if name == "from_" else name_on_the_wire(model, name)


def bare(hint: Any) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Take off what wraps a type; return it with our marks and all other metadata."""
    said = marks(hint)
    extra: tuple[Any, ...] = ()
    while True:
        if get_origin(hint) in (Annotated, Required, NotRequired, typing.Required, typing.NotRequired):
            extra += getattr(hint, "__metadata__", ())
            hint = get_args(hint)[0]
        elif type(None) in get_args(hint) and len(get_args(hint)) == 2:
            hint = next(arg for arg in get_args(hint) if arg is not type(None))
        elif isinstance(hint, TypeVar):
            hint = Any
        else:
            return hint, said, tuple(extra)


def is_nullable(hint: Any) -> bool:
    if get_origin(hint) in (Annotated, Required, NotRequired, typing.Required, typing.NotRequired):
        return is_nullable(get_args(hint)[0])
    return type(None) in get_args(hint)


def is_object(hint: Any) -> bool:
    return is_typeddict(hint) or (isinstance(hint, type) and issubclass(hint, pydantic.BaseModel))


def is_unknown(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Unknown)


def is_file(hint: Any) -> bool:
    """The SDK reads a file where the API takes its content as base64."""
    return get_origin(hint) in (typing.IO, os.PathLike) or hint in (typing.IO, os.PathLike)


def is_beta(model: Any) -> bool:
    return model in DOCUMENTED and DOCUMENTED[model].beta is not None


# --- The two surfaces of the SDK as one ----------------------------------------------------------------------------


def merged(general: Shape, beta: Shape, *, mark: bool = True) -> Shape:
    """Return one shape for two; with `mark`, what only the second has is beta."""
    if general.kind != beta.kind:
        sides = [side if side.kind == "union" else as_union(side) for side in (general, beta)]
        return merged(*sides, mark=mark)
    values = general.values | {value: mark for value in beta.values if value not in general.values}
    if set(values) == {True, False}:
        return Shape("boolean")
    return replace(
        general,
        fields=merged_parts(general.fields, beta.fields, mark=mark),
        members=merged_parts(general.members, beta.members, mark=mark),
        values=values,
        item=merged(general.item, beta.item, mark=mark) if general.item and beta.item else general.item,
    )


def merged_parts(general: Mapping[str, Field], beta: Mapping[str, Field], *, mark: bool) -> dict[str, Field]:
    parts = {}
    for name in [*general, *(name for name in beta if name not in general)]:
        one, other = general.get(name), beta.get(name)
        if one and other:
            cannot_tell = None in (one.nullable, other.nullable)
            shape = merged(one.shape, other.shape, mark=mark)
            parts[name] = Field(
                shape, one.required and other.required, None if cannot_tell else one.nullable or other.nullable
            )
        elif one:
            parts[name] = replace(one, required=False)
        elif other:
            parts[name] = replace(other, required=other.required and mark, beta=mark)
    return parts


def as_union(shape: Shape) -> Shape:
    return Shape("union", members={tag: Field(narrowed) for tag, narrowed in by_tag(shape, "type")})


# --- Differences ---------------------------------------------------------------------------------------------------


def differences(ours: Shape, theirs: Shape, where: str = "") -> Iterator[tuple[str, str]]:
    """Say where two shapes part, as the place in our models and what the matter is."""
    if ours.kind != theirs.kind:
        yield where, f"{ours.kind}, the SDK has {theirs.kind}"
        return
    yield from parts(ours.fields, theirs.fields, ours.name)
    yield from parts(ours.members, theirs.members, where, member=True)
    if ours.values != theirs.values:
        yield where, f"values {sorted(map(str, set(ours.values.items()) ^ set(theirs.values.items())))}"
    if ours.item and theirs.item:
        yield from differences(ours.item, theirs.item, where)


def parts(
    ours: Mapping[str, Field], theirs: Mapping[str, Field], where: str, *, member: bool = False
) -> Iterator[tuple[str, str]]:
    for name in sorted(ours.keys() | theirs.keys()):
        place = f"{where}<{name}>" if member else f"{where}.{name}"
        if name not in theirs:
            yield place, "not in the SDK"
        elif name not in ours:
            yield place, "only in the SDK"
        else:
            for what in ("required", "nullable", "beta"):
                mine, its = getattr(ours[name], what), getattr(theirs[name], what)
                if mine != its and its is not None:
                    yield place, f"{what} is {mine}, the SDK has {its}"
            yield from differences(ours[name].shape, theirs[name].shape, place)


def sdk_shape(general: Any, beta: Any) -> Shape:
    if general is None or beta is None:
        return describe(general or beta)
    return merged(describe(general), describe(beta))


REQUESTS = merged(
    describe(sdk_create.MessageCreateParamsStreaming), describe(sdk_create.MessageCreateParamsNonStreaming), mark=False
)
BETA_REQUESTS = merged(
    describe(sdk_beta_create.MessageCreateParamsStreaming),
    describe(sdk_beta_create.MessageCreateParamsNonStreaming),
    mark=False,
)

PAIRS: Mapping[str, tuple[Any, Shape]] = {
    "request": (schema.MessageParams, merged(REQUESTS, BETA_REQUESTS)),
    "count_tokens_request": (
        schema.CountTokensParams,
        sdk_shape(sdk_count.MessageCountTokensParams, sdk_beta_count.MessageCountTokensParams),
    ),
    "message": (schema.Message, sdk_shape(sdk.Message, sdk_beta.BetaMessage)),
    "event": (schema.StreamEvent, sdk_shape(sdk.RawMessageStreamEvent, sdk_beta.BetaRawMessageStreamEvent)),
    "token_count": (schema.TokenCount, sdk_shape(sdk.MessageTokensCount, sdk_beta.BetaMessageTokensCount)),
    "batch": (schema.Batch, sdk_shape(sdk_batches.MessageBatch, sdk_beta_batches.BetaMessageBatch)),
    "batch_request": (
        schema.BatchParams,
        sdk_shape(sdk_batch.BatchCreateParams, sdk_beta_batch.BatchCreateParams),
    ),
    "batch_result": (
        schema.BatchResult,
        sdk_shape(sdk_batches.MessageBatchIndividualResponse, sdk_beta_batches.BetaMessageBatchIndividualResponse),
    ),
    "batch_deleted": (
        schema.DeletedBatch,
        sdk_shape(sdk_batches.DeletedMessageBatch, sdk_beta_batches.BetaDeletedMessageBatch),
    ),
    "model": (schema.ModelInfo, sdk_shape(sdk.ModelInfo, sdk_beta.BetaModelInfo)),
}


_HEADER = "a header; the SDK takes it beside the body"
_OLD_VERSION = "for 2023-06-01 alone, which this SDK does not speak"
_LEGACY = "still accepted and in recorded traffic; the SDK has its successor only"
_EXAMPLES = "the examples of the documentation do without"
_CAME_LATER = "came later than the object it is part of"

# Where the models part from the SDK on purpose, and why.
EXCEPTIONS: Mapping[str, str] = {
    "MessageParams.betas": _HEADER,
    "MessageParams.user_profile_id": _HEADER,
    "MessageParams.workspace_id": _HEADER,
    "CountTokensParams.betas": _HEADER,
    "CountTokensParams.user_profile_id": _HEADER,
    "CountTokensParams.workspace_id": _HEADER,
    "BatchParams.betas": _HEADER,
    "BatchParams.user_profile_id": _HEADER,
    "BatchParams.workspace_id": _HEADER,
    "BatchedMessageParams.betas": _HEADER,
    "BatchedMessageParams.user_profile_id": _HEADER,
    "BatchedMessageParams.workspace_id": _HEADER,
    "MessageParams.temperature": _OLD_VERSION,
    "MessageParams.top_p": _OLD_VERSION,
    "MessageParams.top_k": _OLD_VERSION,
    "BatchedMessageParams.temperature": _OLD_VERSION,
    "BatchedMessageParams.top_p": _OLD_VERSION,
    "BatchedMessageParams.top_k": _OLD_VERSION,
    "MessageParams.output_format": _LEGACY,
    "CountTokensParams.output_format": _LEGACY,
    "BatchedMessageParams.output_format": _LEGACY,
    "MessageIteration.cache_creation_input_tokens": _EXAMPLES,
    "MessageIteration.cache_read_input_tokens": _EXAMPLES,
    "CompactionIteration.cache_creation_input_tokens": _EXAMPLES,
    "CompactionIteration.cache_read_input_tokens": _EXAMPLES,
    "AdvisorIteration.cache_creation_input_tokens": _EXAMPLES,
    "AdvisorIteration.cache_read_input_tokens": _EXAMPLES,
    "FallbackIteration.cache_creation_input_tokens": _EXAMPLES,
    "FallbackIteration.cache_read_input_tokens": _EXAMPLES,
    "ServerToolUsage.web_search_requests": _EXAMPLES,
    "ServerToolUsage.web_fetch_requests": _CAME_LATER,
    "ThinkingTypes.between_tools": _CAME_LATER,
    "ModelInfo.lifecycle": _CAME_LATER,
    "ToolParam.cache_control": "a reply echoes a tool without it; one definition serves both directions",
    "StreamEvent<ping>": "the SDK's decoder drops it before there is a type",
    "StreamEvent<error>": "the SDK's decoder raises it before there is a type",
    "ErrorBody.error": "one model for all types of error, compared below",
}


def found(ours: Any, theirs: Shape) -> set[tuple[str, str]]:
    return set(differences(describe(ours), theirs, "StreamEvent" if ours is schema.StreamEvent else ""))


@pytest.mark.parametrize("kind", PAIRS)
def test_models_say_what_the_sdk_says(kind: str) -> None:
    assert {place: what for place, what in found(*PAIRS[kind]) if place not in EXCEPTIONS} == {}


def test_every_exception_is_still_needed() -> None:
    parted = {place for pair in PAIRS.values() for place, _ in found(*pair)}
    assert EXCEPTIONS.keys() - parted == set()


def removals(shape: Shape) -> Iterator[tuple[dict[Any, Any], Any]]:
    """Every entry of a shape that could be forgotten, with the table it stands in."""
    for table in (shape.fields, shape.members, shape.values):
        yield from ((table, name) for name in table)
    for part in (*shape.fields.values(), *shape.members.values()):
        yield from removals(part.shape)
    if shape.item:
        yield from removals(shape.item)


# The results of a batch are messages, which are planted into on their own, and errors, which are compared below.
PLANTED = [kind for kind in PAIRS if kind != "batch_result"]


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_planted_removal_turns_the_comparison_red(kind: str, side: str) -> None:
    ours, theirs = describe(PAIRS[kind][0]), deepcopy(PAIRS[kind][1])
    known = set(differences(ours, theirs))
    excepted = {place.rpartition(".")[2] for place, _ in known}
    planted = [
        (table, name)
        for table, name in removals(ours if side == "ours" else theirs)
        if name not in excepted and not isinstance(name, bool)
    ]
    for table, name in random.Random(kind).sample(planted, min(20, len(planted))):  # noqa: S311 - a seeded sample
        kept = table.pop(name)
        assert any(difference not in known for difference in differences(ours, theirs)), f"nobody misses {name}"
        table[name] = kept


class _Sent(TypedDict):
    name: Required[Literal["a", "b"]]
    size: NotRequired[int | None]


class _SentWithMore(_Sent):
    more: NotRequired[str]


class _SentNeeded(TypedDict):
    name: Required[Literal["a", "b"]]
    size: Required[int | None]


class _SentNotNull(TypedDict):
    name: Required[Literal["a", "b"]]
    size: NotRequired[int]


class _SentValues(TypedDict):
    name: Required[Literal["a", "c"]]
    size: NotRequired[int | None]


class _SentType(TypedDict):
    name: Required[Literal["a", "b"]]
    size: NotRequired[str | None]


class _SentBeta(TypedDict):
    name: Required[Literal["a", "b"]]
    size: NotRequired[Annotated[int | None, Beta("header-2026-01-01")]]


@pytest.mark.parametrize(
    ("theirs", "difference"),
    [
        (_Sent, set()),
        (_SentWithMore, {("_Sent.more", "only in the SDK")}),
        (_SentNeeded, {("_Sent.size", "required is False, the SDK has True")}),
        (_SentNotNull, {("_Sent.size", "nullable is True, the SDK has False")}),
        (_SentValues, {("_Sent.name", "values [\"('b', False)\", \"('c', False)\"]")}),
        (_SentType, {("_Sent.size", "integer, the SDK has string")}),
        (_SentBeta, {("_Sent.size", "beta is False, the SDK has True")}),
    ],
)
def test_comparison_sees_each_kind_of_difference(theirs: Any, difference: set[tuple[str, str]]) -> None:
    assert set(differences(describe(_Sent), describe(theirs))) == difference


def test_a_field_that_only_the_beta_surface_has_is_beta() -> None:
    both = merged(describe(_Sent), describe(_SentWithMore))
    assert {name: part.beta for name, part in both.fields.items()} == {"name": False, "size": False, "more": True}


# --- Errors --------------------------------------------------------------------------------------------------------


def test_error_types_are_those_of_the_sdk_and_the_one_that_it_forgot() -> None:
    assert set(ERROR_TYPES) - set(get_args(error_type.ErrorType)) == {"request_too_large"}
    assert set(get_args(error_type.ErrorType)) - set(ERROR_TYPES) == set()


def test_an_error_is_what_each_of_the_sdk_error_objects_is() -> None:
    theirs = describe(error_response.ErrorResponse)
    for name, member in theirs.fields["error"].shape.members.items():
        assert name in ERROR_TYPES
        assert member.shape.fields.keys() == schema.ErrorObject.model_fields.keys() - {"details"}
    del theirs.fields["error"]
    ours = describe(schema.ErrorBody)
    del ours.fields["error"]
    assert list(differences(ours, theirs)) == []


def test_every_error_code_is_known_to_the_sdk_and_its_fields_to_us() -> None:
    details = {
        get_args(model.model_fields["error_code"].annotation)[0]: model.model_fields.keys()
        for model in get_args(bare(error_details.ErrorDetails)[0])
    }
    codes = {code for codes in ERROR_CODES.values() for code in codes}
    assert codes - details.keys() == set()
    assert {field for code in codes for field in details[code]} - schema.ErrorDetails.model_fields.keys() == set()
