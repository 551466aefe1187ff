"""Why a cassette cannot be read, written or used."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import zip_longest
from pathlib import PurePath
from typing import TYPE_CHECKING

from pytest_messages.report.layout import (
    COLUMNS,
    line,
    number,
    quoted,
    shell,
)
from pytest_messages.report.sheet import (
    INDENT,
    LABEL,
    Sheet,
    asked_for,
    file_rows,
    listed,
    prose,
    pytest_command,
    record_command,
    request_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_messages.errors import (
        CassetteError,
        CassetteFormatError,
        CassetteIncompleteError,
        CassetteNotFoundError,
        CassetteVersionError,
        SecretLeakError,
    )


def missing(error: CassetteNotFoundError) -> Sheet:
    """Explain that there is no cassette, and which one may be meant."""
    context = error.context
    who = f"nothing answers {request_of(context)}: {asked_for(context)}" if context else line(str(error))
    mode = f"record mode {context.mode}" if context else ""
    return Sheet(
        f"The cassette is missing, so {who}" if context else f"The cassette is missing: {who}",
        [("cassette", file_rows(error.path, "missing", mode)), ("nearest", _former(error))],
        steps=[*_rename(error), ("to record it", record_command(context, "once"))],
    )


def _former(error: CassetteNotFoundError) -> list[str]:
    if error.former is None:
        return ["none: nothing was recorded at this path yet"]
    return [*file_rows(error.former), *prose(f"holds this very request; recorded by {error.former_test}")]


def _rename(error: CassetteNotFoundError) -> Iterator[tuple[str, str]]:
    """Offer the cassette of a test that is gone; who has renamed the test knows whether it is that one."""
    if error.former is not None:
        new = error.context.test if error.context and error.context.test else error.path
        yield "if the test was renamed", f"pytest-messages mv {shell(error.former)} {shell(new)}"


def unreadable(error: CassetteFormatError) -> Sheet:
    """Explain that a file is no cassette, and where in it that shows."""
    place = "".join(f":{n}" for n in (error.line, error.column) if n is not None)
    excerpt = [("line", _excerpt(error.excerpt, error.column))] if error.excerpt is not None else []
    return Sheet(
        f"The cassette cannot be read: {_beyond_place(error)}",
        [("cassette", file_rows(error.path + place)), *excerpt],
        steps=[
            ("to see all that is wrong", f"pytest-messages check {shell(error.path)}"),
            ("to record it again", pytest_command(_tests(error), "rewrite")),
        ],
    )


def _tests(error: CassetteError) -> Sequence[str]:
    return () if error.test is None else (error.test,)


def _beyond_place(error: CassetteError) -> str:
    """Return what the message says after the place that readers of one line need to have in it."""
    return re.sub(r"^(:\d+)*: ", "", str(error).removeprefix(error.path))


def _excerpt(text: str, column: int | None) -> list[str]:
    return [quoted(text, COLUMNS - len(INDENT) - LABEL, at=min(max((column or 1) - 1, 0), len(text)))]


def version(error: CassetteVersionError) -> Sheet:
    """Explain that a cassette is of a version that is not read."""
    return Sheet(
        f"The cassette is of another version: {_beyond_place(error)}",
        [("cassette", file_rows(error.path)), ("nearest", ["version 1, which this release reads and writes"])],
        steps=[
            ("to read it", "pip install --upgrade pytest-messages"),
            ("to record it again", pytest_command(_tests(error), "rewrite")),
        ],
    )


def incomplete(error: CassetteIncompleteError) -> Sheet:
    """Explain which tests recorded into a cassette and have not passed since."""
    few = error.tests[:5]
    return Sheet(
        "The cassette is incomplete: " + number(len(error.tests), "test") + " recorded here and never passed since",
        [
            ("cassette", file_rows(error.path, f"record mode {error.context.mode}" if error.context else "")),
            ("tests", listed(error.tests, len(few))),
            *_never_passed(error, len(few)),
        ],
        steps=[("to complete it", pytest_command(few, "once"))],
    )


def _never_passed(error: CassetteIncompleteError, most: int) -> list[tuple[str, list[str]]]:
    """Say why tests have not passed, with the name of the test where there are several."""
    known = list(zip_longest(error.tests, error.since, error.reasons, fillvalue=""))[:most]
    told = [
        f"{f'{test}: ' if len(error.tests) > 1 else ''}never passed since {since or 'it recorded here'}: {reason}"
        for test, since, reason in known
        if reason
    ]
    return [("because", [row for text in told for row in prose(text)])] if told else []


def leak(error: SecretLeakError) -> Sheet:
    """Explain which secrets would have been stored, without saying them."""
    leaks = sorted(error.leaks)
    found = [f"{leak.where}  {leak.kind}" for leak in leaks]
    allowed = f"{leaks[0].kind}@{leaks[0].where}" if leaks else "kind@place"
    return Sheet(
        "A secret would have been stored, so what holds it was not written",
        [("cassette", file_rows(error.path)), ("found", listed(found) or prose(str(error)))],
        steps=[
            ("to replace it when stored", '@pytest.mark.messages(scrub=["<pattern> -> <placeholder>"])'),
            ("to allow what is no secret", f"messages_allow = {line(allowed)}"),
        ],
    )


def with_kept(sheet: Sheet, error: CassetteError) -> Sheet:
    """Say where the recordings are that could not be put in place, and how they get there."""
    kept = error.kept or ""
    into = "" if PurePath(kept).parent == PurePath(error.path).parent else f" --into {shell(error.path)}"
    bring = ("to bring it in", f"pytest-messages recover {shell(kept)}{into}")
    facts = [*sheet.facts, ("kept", file_rows(kept, "what was recorded"))]
    return replace(sheet, facts=facts, steps=[bring, *sheet.steps])


def cassette_error(error: CassetteError) -> Sheet:
    """Explain any other trouble with the file of a cassette."""
    check = ("to see what it holds", f"pytest-messages check {shell(error.path)}")
    return Sheet(str(error), [("cassette", file_rows(error.path))], steps=[check])
