"""Which page documents the place of an error."""

from collections.abc import Iterable
from typing import Annotated, Any, NotRequired, Required, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import is_typeddict

from pytest_messages.api.schema.base import DOCUMENTED, fields_of, name_on_the_wire
from pytest_messages.api.schema.unions import AtLeast, ByShape, ByType


def page_of(whole: Any, location: Iterable[int | str], otherwise: str) -> str:
    """Return the page of the innermost model on the way from the type of a payload to the place of an error."""
    page, here = otherwise, _bare(whole)
    for step in location:
        if here in DOCUMENTED:
            page = DOCUMENTED[here].page
        here = _bare(_below(here, step))
    return page


def _below(here: Any, step: int | str) -> Any:
    """Return the type of what stands below: a member of a union, an item of an array, a field of a model."""
    if get_origin(here) is Annotated:
        return _member(here, str(step))
    if isinstance(step, int):
        return next(iter(get_args(here)), None)
    if get_origin(here) is dict:
        return get_args(here)[1]
    return _field(here, step)


def _member(union: Any, tag: str) -> Any:
    members, *marks = get_args(union)
    chooser = next(mark for mark in marks if isinstance(mark, ByType | ByShape))
    return chooser.tags(members).get(tag[1:-1])


def _field(model: Any, name: str) -> Any:
    if not (is_typeddict(model) or (isinstance(model, type) and issubclass(model, BaseModel))):
        return None
    return next((hint for field, hint in fields_of(model).items() if name_on_the_wire(model, field) == name), None)


def _bare(hint: Any) -> Any:
    """Take off what does not change where a type leads: `NotRequired`, `None`, constraints; not how to choose."""
    if get_origin(hint) in (Required, NotRequired):
        return _bare(get_args(hint)[0])
    if get_origin(hint) is Annotated:
        return _annotated(hint)
    parts = [part for part in get_args(hint) if part is not type(None)]
    return _bare(parts[0]) if type(None) in get_args(hint) and len(parts) == 1 else hint


def _annotated(hint: Any) -> Any:
    inner, *marks = get_args(hint)
    described = next((mark.model for mark in marks if isinstance(mark, AtLeast)), None)
    if described is not None:
        return described
    return hint if any(isinstance(mark, ByType | ByShape) for mark in marks) else _bare(inner)
