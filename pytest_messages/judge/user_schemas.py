"""Does a value obey a schema that the user declared? jsonschema answers; a broken schema judges nothing."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_messages.api import jsons
from pytest_messages.judge.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

Path = tuple[str | int, ...]


def obeys_schema(value: object, schema: object) -> list[tuple[Path, str]]:
    """Return where ``value`` breaks ``schema`` and how, but for capitals in enumerations; empty for a broken schema.

    https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    """
    validator = _validator(_text(schema))
    if validator is None:
        return []
    try:
        return [
            (tuple(error.absolute_path), _problem(error)) for error in validator.iter_errors(value) if _counts(error)
        ]
    except Exception:  # noqa: BLE001 - broken patterns, references that lead nowhere or in circles, unknown types…
        return []


def obeys_format(texts: list[str], schema: object) -> list[tuple[Path, str]]:
    """Return how the text of a message breaks the output format that was asked for.

    Text that came before a tool was used may be anything: the last text alone may be the output.
    """
    found: list[list[tuple[Path, str]]] = []
    for text in dict.fromkeys(["".join(texts), *texts[-1:]]):
        value = jsons.read(text)
        if value is None and text.strip() != "null":
            found.append([((), f"the text is not JSON: {shown(text)}")])
            continue
        found.append([((), f"{_place(steps)}{problem}") for steps, problem in obeys_schema(value, schema)])
    return [] if [] in found else found[0]


def _place(steps: Path) -> str:
    return f"{jsons.path(*steps)}: " if steps else ""


def _text(schema: object) -> str:
    try:
        return json.dumps(schema)
    except (ValueError, TypeError, RecursionError):
        return "true"


# A suite sends the same few tools with each of its requests, and making a validator costs more than using it.
@lru_cache(maxsize=256)
def _validator(schema: str) -> Draft202012Validator | None:
    """Make a validator that fetches nothing, or None where the schema is none."""
    # Only a suite that declares schemas is to pay for the 60 ms.
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - as said
    from referencing import Registry  # noqa: PLC0415 - as said

    loaded: Any = json.loads(schema)
    if not isinstance(loaded, (dict, bool)):
        return None
    return Draft202012Validator(loaded, registry=Registry())


def _counts(error: ValidationError) -> bool:
    """Tell whether the error is one but for the capitals that the API does not promise to keep."""
    if error.validator == "enum":
        return not any(_folded(error.instance) == _folded(value) for value in _listed(error.validator_value))
    if error.validator == "const":
        return _folded(error.instance) != _folded(error.validator_value)
    if error.validator in {"anyOf", "oneOf"} and error.context:
        branches = {cause.schema_path[0] for cause in error.context}
        wrong = {cause.schema_path[0] for cause in error.context if _counts(cause)}
        return branches == wrong
    return True


def _listed(value: object) -> Iterator[object]:
    if isinstance(value, list):
        yield from value


def _folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value


def _problem(error: ValidationError) -> str:
    return error.message if len(error.message) <= _LENGTH else f"{error.message[:_LENGTH]}…"


_LENGTH = 160
