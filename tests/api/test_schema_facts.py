"""One table says of every field what the documentation says of it."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import Unpack, is_typeddict

from pytest_messages.api import schema
from pytest_messages.api.schema import betas, pages
from pytest_messages.api.schema.base import DOCUMENTED, Unknown, fields_of
from pytest_messages.api.schema.unions import AtLeast
from pytest_messages.api.schema.validation import KINDS

FACTS = {(fact.model, fact.field): fact for fact in schema.facts()}


def reachable(hint: Any, seen: set[Any]) -> Iterator[type]:
    """Every model that a payload may be made of."""
    if hint in seen:
        return
    if is_typeddict(hint) or (isinstance(hint, type) and issubclass(hint, BaseModel)):
        seen.add(hint)
        yield hint
        for inner in fields_of(hint).values():
            yield from reachable(inner, seen)
    described = [mark.model for mark in get_args(hint) if isinstance(mark, AtLeast)]
    for part in described or get_args(hint)[: 1 if get_origin(hint) is Annotated else None]:
        yield from reachable(part, seen)


MODELS = list(dict.fromkeys(model for whole, _ in KINDS.values() for model in reachable(whole, set())))


def test_every_model_has_its_page_and_every_page_its_model() -> None:
    assert [model.__name__ for model in MODELS if model not in DOCUMENTED and not issubclass(model, Unknown)] == []
    assert [model.__name__ for model in DOCUMENTED if model not in MODELS] == []


def test_every_page_and_every_header_is_used() -> None:
    def values(module: Any) -> set[str]:
        return {value for name, value in vars(module).items() if name.isupper()}

    used = {about.page.removeprefix("https://platform.claude.com/docs/en/") for about in DOCUMENTED.values()}
    of_kinds = {page for _, page in KINDS.values()}
    assert values(pages) - used - of_kinds == {pages.VERSIONING}
    assert values(betas) - {fact.beta for fact in FACTS.values()} == set()


def test_every_page_is_an_address_and_every_date_a_date() -> None:
    for fact in FACTS.values():
        assert re.fullmatch(r"https://platform\.claude\.com/docs/en/[a-z0-9/_-]+", fact.page)
        assert re.fullmatch(r"20[0-9]{2}-[0-9]{2}(-[0-9]{2})?", fact.since)


@pytest.mark.parametrize(
    ("model", "field", "expected"),
    [
        ("MessageParams", "model", (True, "ga", None, (), ("2023-06-01", "2026-10-21"))),
        ("MessageParams", "temperature", (False, "ga", None, (), ("2023-06-01",))),
        ("MessageParams", "top_p", (False, "ga", None, (), ("2023-06-01",))),
        ("MessageParams", "top_k", (False, "ga", None, (), ("2023-06-01",))),
        ("MessageParams", "output_format", (False, "legacy", None, (), ("2023-06-01", "2026-10-21"))),
        ("MessageParams", "fallbacks", (False, "beta", betas.FALLBACK, (), ("2023-06-01", "2026-10-21"))),
        ("Message", "stop_reason", (False, "ga", betas.COMPACT, ("compaction",), ("2023-06-01", "2026-10-21"))),
        ("CompactionBlock", "content", (False, "beta", betas.COMPACT, (), ("2023-06-01", "2026-10-21"))),
        ("FallbackBlock", "from", (True, "beta", betas.FALLBACK, (), ("2023-06-01", "2026-10-21"))),
    ],
)
def test_the_table_says_what_a_field_needs(model: str, field: str, expected: tuple[Any, ...]) -> None:
    fact = FACTS[model, field]
    assert (fact.required, fact.channel, fact.beta, fact.values, fact.versions) == expected


def test_the_table_has_every_field_once() -> None:
    assert len(FACTS) == len(schema.facts())
    assert len(FACTS) == sum(len(fields_of(model)) for model in DOCUMENTED)
    assert ("Usage", "input_tokens") in FACTS
    assert not any(field.startswith(("_", "model_")) for _, field in FACTS)


def test_parts_of_a_model_have_its_page() -> None:
    assert DOCUMENTED[schema.Usage].page == "https://platform.claude.com/docs/en/api/messages/create"
    assert DOCUMENTED[schema.ErrorBody].since == "2023-06-01"


def test_statuses_and_types_of_errors_belong_together() -> None:
    assert schema.ERROR_STATUS.keys() - set(schema.ERROR_TYPES) == set()
    without_status = {"memory_precondition_failed_error", "memory_path_conflict_error"}
    assert set(schema.ERROR_TYPES) - schema.ERROR_STATUS.keys() == without_status
    assert sorted(schema.ERROR_STATUS.values()) == [400, 401, 402, 403, 404, 409, 413, 429, 500, 504, 529]


def call(**params: Unpack[schema.MessageParams]) -> schema.MessageParams:
    return params


def test_the_body_of_a_request_is_what_a_function_may_take() -> None:
    params = call(model="m", max_tokens=1, messages=[{"role": "user", "content": [{"type": "text", "text": "a"}]}])
    assert schema.judge("request", params) == []


def test_requests_are_closed_wherever_they_are_validated() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        TypeAdapter(schema.MessageParams).validate_python(
            {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "a"}], "mood": "good"}
        )
    with pytest.raises(ValidationError, match="int_type"):
        TypeAdapter(schema.MessageParams).validate_python(
            {"model": "m", "max_tokens": "1", "messages": [{"role": "user", "content": "a"}]}
        )
