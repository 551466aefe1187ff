"""Why something was refused, in four parts: what happened, where, what came nearest, what to type next."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import PurePath
from typing import TYPE_CHECKING

from pytest_messages.errors import (
    ApiError,
    CallContext,
    CassetteError,
    CassetteFormatError,
    CassetteIncompleteError,
    CassetteNotFoundError,
    CassetteVersionError,
    ConformanceError,
    CredentialError,
    EmptyError,
    ExhaustedError,
    ExpiredError,
    MessagesError,
    NoMatchError,
    NotRecordableError,
    ReplayError,
    SecretLeakError,
    SettingsError,
    StreamClosedError,
    StreamError,
    UnplayedError,
    UnreplayableError,
    UnsupportedFieldError,
)
from pytest_messages.findings import ABSENT, Difference, Violation
from pytest_messages.report.layout import (
    COLUMNS,
    both,
    line,
    members,
    number,
    plain,
    quoted,
    shell,
    value,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LINES = 40
"""An explanation is no longer than this, since it stands among others."""


def explain(error: MessagesError) -> str:
    """Return all that is known about ``error``, laid out in lines of 120 columns, 40 at most.

    A command and the name of a file are never broken or shortened, whatever they take.
    """
    sheet = _SHEETS[next(kind for kind in type(error).__mro__ if kind in _SHEETS)](error)
    return _layout(_with_kept(sheet, error) if isinstance(error, CassetteError) and error.kept else sheet)


def violations(found: Sequence[Violation], *, most: int | None = None) -> str:
    """Return findings of the judge as text, gravest first, then by place: at most ``most``, then how many more."""
    return "\n".join(_violations(found, most))


# --- The sheet --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sheet:
    """An explanation before it is laid out.

    A heading, labelled facts, rows that are laid out already, and what to type, each with what it is for.
    """

    heading: str
    facts: Sequence[tuple[str, Sequence[str]]] = ()
    rows: Sequence[str] = ()
    steps: Sequence[tuple[str, str]] = ()


_INDENT = "  "
_LABEL = 10


def _layout(sheet: _Sheet) -> str:
    heading = wrapped(line(sheet.heading, COLUMNS * 4), COLUMNS)
    steps = list(_steps(sheet.steps))
    facts = [*(row for label, rows in sheet.facts for row in _fact(label, rows)), *sheet.rows]
    room = LINES - len(heading) - len(steps) - 2
    if len(facts) > room:
        facts = [*facts[: room - 1], f"{_INDENT}… and {number(len(facts) - room + 1, 'line')} more"]
    blocks = [heading, facts, steps]
    return "\n\n".join("\n".join(plain(row).rstrip() for row in block) for block in blocks if block)


def _fact(label: str, rows: Sequence[str]) -> Iterator[str]:
    for n, row in enumerate(rows):
        yield f"{_INDENT}{label if n == 0 else '':<{_LABEL}}{row}"


def _steps(steps: Sequence[tuple[str, str]]) -> Iterator[str]:
    column = max((len(purpose) for purpose, _ in steps), default=0) + 1
    for purpose, what in steps:
        row = f"{_INDENT}{purpose:<{column}}{what}"
        if len(row) <= COLUMNS:
            yield row
        else:
            yield from (f"{_INDENT}{purpose}", f"{_INDENT * 2}{what}")


def _prose(text: str) -> list[str]:
    return wrapped(line(text, COLUMNS * 4), COLUMNS - len(_INDENT) - _LABEL)


# --- What recurs ------------------------------------------------------------------------------------------------------


def _file(path: str, *remarks: str) -> list[str]:
    """Return a file's name with remarks behind it, below it where they do not fit; the name stays whole."""
    name, remark = line(path, max(len(path) * 2, COLUMNS)), ", ".join(filter(None, remarks))
    row = f"{name}  {remark}".rstrip()
    return [row] if len(row) <= COLUMNS - len(_INDENT) - _LABEL else [name, *_prose(remark)]


def _cassette(context: CallContext) -> tuple[str, list[str]]:
    count = number(context.interactions, "interaction")
    holds = f"({count}, {context.unplayed} unplayed)" if context.interactions else "(nothing recorded yet)"
    return "cassette", _file(context.cassette, holds, f"record mode {context.mode}")


def _request(context: CallContext) -> str:
    return f"request {context.number} of this test"


def _asked(context: CallContext) -> str:
    """Return what was asked for, without the scheme and the host that every call of a test has in common."""
    return re.sub(r"\bhttps?://[^/?#\s]*(?=/)", "", context.asked)


def _pytest(tests: Sequence[str], mode: str) -> str:
    return " ".join(["pytest", *map(shell, tests), f"--messages-record={mode}"])


def _record(context: CallContext | None, mode: str) -> str:
    """Return what records the test of ``context``; outside of tests that is the call that opened the cassette."""
    if context is None:
        return _pytest((), mode)
    if context.test is None:
        return f"use_cassette({_literal(context.cassette)}, record={_literal(mode)})"
    return _pytest((context.test,), mode)


def _again(context: CallContext | None) -> tuple[str, str]:
    return "to record it again", _record(context, "rewrite")


def _mark(keyword: str, setting: object) -> str:
    return f"@pytest.mark.messages({keyword}={_literal(setting)})"


def _literal(setting: object) -> str:
    return json.dumps(setting, ensure_ascii=False)


def _listed(items: Sequence[str], most: int = 8) -> list[str]:
    columns = COLUMNS - len(_INDENT) - _LABEL
    more = [f"and {len(items) - most:,} more"] if len(items) > most else []
    return [*(line(item, columns) for item in items[:most]), *more]


# --- Replay -----------------------------------------------------------------------------------------------------------


def _no_match(error: NoMatchError) -> _Sheet:
    context = error.context
    return _Sheet(
        f"No recorded interaction answers {_request(context)}: {_asked(context)}",
        [_cassette(context), ("nearest", _nearest(error))],
        steps=[_again(context), *_stop_comparing(error.differences)],
    )


_MOST_DIFFERENCES = 9


def _nearest(error: NoMatchError) -> list[str]:
    if error.nearest is None:
        return ["none: the cassette holds no interaction"]
    count = len(error.differences)
    if not count:
        return [f"interaction {error.nearest}"]
    places = "in one place" if count == 1 else f"in {count:,} places"
    rows = [f"interaction {error.nearest}, which differs {places}"]
    for difference in error.differences[:_MOST_DIFFERENCES]:
        rows += _difference(difference)
    return [*rows, f"  and {count - _MOST_DIFFERENCES:,} more"] if count > _MOST_DIFFERENCES else rows


def _difference(difference: Difference) -> list[str]:
    columns = COLUMNS - len(_INDENT) - _LABEL - 14
    recorded, sent = difference.recorded, difference.sent
    here, there, lines = both(recorded, sent, columns)
    if ABSENT in (recorded, sent):
        here, there = (_message(side, columns) or text for side, text in ((recorded, here), (sent, there)))
    path = f"{line(difference.path, columns)}  {lines}".rstrip()
    return [f"  {path}", f"    recorded  {here}", f"    sent      {there}"]


def _message(thing: object, columns: int) -> str:
    """Return a whole message as its role and what it says; nothing where ``thing`` is none."""
    role, content = (members(thing).get(name) for name in ("role", "content"))
    if isinstance(content, list) and content and isinstance(members(content[0]).get("text"), str):
        content = content[0]["text"]
    if not isinstance(role, str) or not isinstance(content, str):
        return ""
    return f"{line(role, 20)}: {quoted(content, columns - 22)}"


_ELEMENT = re.compile(r"\[\d+\]$")


def _stop_comparing(differences: Sequence[Difference]) -> list[tuple[str, str]]:
    """Return how to leave out exactly what differs; nothing where that would not make the two requests agree."""
    if not 0 < len(differences) <= 3 or any(_moves(difference) for difference in differences):  # noqa: PLR2004 - a few
        return []
    keywords: dict[str, list[str]] = {}
    for difference in differences:
        keyword, entry = _exception(difference)
        keywords.setdefault(keyword, []).append(entry)
    if "" in keywords:
        return []
    settings = ", ".join(f"{keyword}={_literal(entries)}" for keyword, entries in keywords.items())
    these = "it" if len(differences) == 1 else "them"
    return [(f"to stop comparing {these}", f"@pytest.mark.messages({settings})")]


def _moves(difference: Difference) -> bool:
    """Tell whether a list has an element more on one side: then its index means another element on the other."""
    return ABSENT in (difference.recorded, difference.sent) and bool(_ELEMENT.search(difference.path))


def _exception(difference: Difference) -> tuple[str, str]:
    if difference.part in ("body", "user_id"):
        return ("", "") if difference.path == "$" else ("ignore", difference.path)
    # Never the method, the path or the whole body: without them every call is answered by any other's recording.
    named = difference.part in ("host", "query") or difference.part.startswith("header:")
    return ("match_on", f"-{difference.part}") if named else ("", "")


def _exhausted(error: ExhaustedError) -> _Sheet:
    context = error.context
    return _Sheet(
        f"{_request(context).capitalize()} was already played, {error.times} of {error.times}: {_asked(context)}",
        [
            _cassette(context),
            ("nearest", [f"{number(error.times, 'recording')} of this very request, each of which answers once"]),
        ],
        steps=[_again(context), ("to answer it once more", _mark("repeats", "last"))],
    )


def _unplayed(error: UnplayedError) -> _Sheet:
    count, context = len(error.positions), error.context
    prompts = [*error.prompts, *[""] * (count - len(error.prompts))]
    columns = COLUMNS - len(_INDENT) - _LABEL - 18
    rows = [
        f"interaction {position}  {quoted(prompt, columns) if prompt else ''}"
        for position, prompt in zip(error.positions, prompts, strict=False)
    ]
    return _Sheet(
        f"{count:,} of {number(context.interactions, 'recorded interaction')} "
        f"{'was' if count == 1 else 'were'} never asked for",
        [_cassette(context), ("unplayed", _listed(rows, 12))],
        steps=[_again(context), ("to let it pass", _mark("unplayed", "ignore"))],
    )


def _empty(error: EmptyError) -> _Sheet:
    unhooked = [library for library in error.loaded if library not in error.hooked]
    hooked = ", ".join(error.hooked) or "none"
    loaded = f"loaded but not hooked: {', '.join(unhooked)}" if unhooked else "no other HTTP library is loaded"
    return _Sheet(
        "The mark promised calls to the Messages API, and the test passed without one",
        [_cassette(error.context), ("nearest", _prose(f"libraries whose calls are seen: {hooked}; {loaded}"))],
        steps=[
            ("to let it pass", _mark("empty", "ignore")),
            ("to have calls seen", "messages_hosts = <host>, if they go to one that is not known"),
        ],
    )


def _unreplayable(error: UnreplayableError) -> _Sheet:
    context = error.context
    differs = [row for difference in error.differences[:_MOST_DIFFERENCES] for row in _difference(difference)]
    also = ", ".join(map(str, error.calls[1:]))
    facts = [
        ("cassette", _file(context.cassette, f"record mode {context.mode}")),
        ("differs", differs or ["nowhere that could be named; this is a fault of ours: please report it"]),
        *([("alike", _prose(f"request {also} of this test"))] if also else []),
    ]
    mend = [
        ("to make it replay", f"mend {name}, in match_on: it tells a request from itself") for name in error.matchers
    ]
    return _Sheet(
        f"What was recorded for {_request(context)} does not answer that very request on replay: {_asked(context)}",
        facts,
        steps=[*(mend or _stop_comparing(error.differences)), ("then record it again", _record(context, "rewrite"))],
    )


def _expired(error: ExpiredError) -> _Sheet:
    positions = _prose(f"interactions {', '.join(map(str, error.positions))}; the oldest is of {error.oldest}")
    return _Sheet(
        str(error),
        [_cassette(error.context), ("expired", positions)],
        steps=[_again(error.context), ("to let them be older", "messages_expire = <days>d")],
    )


def _closed(error: StreamClosedError) -> _Sheet:
    context = error.context
    if error.waited is not None:
        return _Sheet(
            f"{_request(context).capitalize()} waits longer than its recording goes: {_asked(context)}",
            [
                _cassette(context),
                (
                    "nearest",
                    _prose(
                        "the recording, where the caller gave up waiting (a deadline, a cancelled task): replay "
                        f"waited {error.waited:.0f} s for the test to give up as well"
                    ),
                ),
            ],
            steps=[
                ("to give up again", "put the deadline or the cancellation back around the call"),
                ("to record the whole answer", _record(context, "rewrite")),
            ],
        )
    return _Sheet(
        f"{_request(context).capitalize()} is read further than its recording goes: {_asked(context)}",
        [_cassette(context), ("nearest", ["the recording, which ends where the client stopped reading it then"])],
        steps=[("to record it to the end", _record(context, "rewrite"))],
    )


def _not_recordable(error: NotRecordableError) -> _Sheet:
    context = error.context
    marked = bool(context.cassette)
    return _Sheet(
        str(error),
        [
            *([_cassette(context)] if marked else []),
            ("where", _prose(f"host {error.host}, library {error.library}, thread {error.thread}")),
            (
                "nearest",
                ["what is recorded: httpx, httpx2, requests, urllib3, http.client and aiohttp, in a marked test"],
            ),
        ],
        steps=[
            (
                "to record such calls",
                "make them with one of these clients" if marked else "@pytest.mark.messages on the test",
            ),
            ("to let them pass", f"messages_hosts = -{line(error.host)}"),
        ],
    )


def _replay(error: ReplayError) -> _Sheet:
    return _Sheet(str(error), [_cassette(error.context)], steps=[_again(error.context)])


# --- Cassettes --------------------------------------------------------------------------------------------------------


def _missing(error: CassetteNotFoundError) -> _Sheet:
    context = error.context
    who = f"nothing answers {_request(context)}: {_asked(context)}" if context else line(str(error))
    mode = f"record mode {context.mode}" if context else ""
    return _Sheet(
        f"The cassette is missing, so {who}" if context else f"The cassette is missing: {who}",
        [("cassette", _file(error.path, "missing", mode)), ("nearest", _former(error))],
        steps=[*_rename(error), ("to record it", _record(context, "once"))],
    )


def _former(error: CassetteNotFoundError) -> list[str]:
    if error.former is None:
        return ["none: nothing was recorded at this path yet"]
    return [*_file(error.former), *_prose(f"holds this very request; recorded by {error.former_test}")]


def _rename(error: CassetteNotFoundError) -> Iterator[tuple[str, str]]:
    """Offer the cassette of a test that is gone; who has renamed the test knows whether it is that one."""
    if error.former is not None:
        new = error.context.test if error.context and error.context.test else error.path
        yield "if the test was renamed", f"pytest-messages mv {shell(error.former)} {shell(new)}"


def _format(error: CassetteFormatError) -> _Sheet:
    place = "".join(f":{n}" for n in (error.line, error.column) if n is not None)
    excerpt = [("line", _excerpt(error.excerpt, error.column))] if error.excerpt is not None else []
    return _Sheet(
        f"The cassette cannot be read: {_beyond_place(error)}",
        [("cassette", _file(error.path + place)), *excerpt],
        steps=[
            ("to see all that is wrong", f"pytest-messages check {shell(error.path)}"),
            ("to record it again", _pytest(_tests(error), "rewrite")),
        ],
    )


def _tests(error: CassetteError) -> Sequence[str]:
    return () if error.test is None else (error.test,)


def _beyond_place(error: CassetteError) -> str:
    """Return what the message says after the place that readers of one line need to have in it."""
    return re.sub(r"^(:\d+)*: ", "", str(error).removeprefix(error.path))


def _excerpt(text: str, column: int | None) -> list[str]:
    return [quoted(text, COLUMNS - len(_INDENT) - _LABEL, at=min(max((column or 1) - 1, 0), len(text)))]


def _version(error: CassetteVersionError) -> _Sheet:
    return _Sheet(
        f"The cassette is of another version: {_beyond_place(error)}",
        [("cassette", _file(error.path)), ("nearest", ["version 1, which this release reads and writes"])],
        steps=[
            ("to read it", "pip install --upgrade pytest-messages"),
            ("to record it again", _pytest(_tests(error), "rewrite")),
        ],
    )


def _incomplete(error: CassetteIncompleteError) -> _Sheet:
    few = error.tests[:5]
    return _Sheet(
        "The cassette is incomplete: " + number(len(error.tests), "test") + " recorded here and never passed since",
        [
            ("cassette", _file(error.path, f"record mode {error.context.mode}" if error.context else "")),
            ("tests", _listed(error.tests, len(few))),
            *_never_passed(error, len(few)),
        ],
        steps=[("to complete it", _pytest(few, "once"))],
    )


def _never_passed(error: CassetteIncompleteError, most: int) -> list[tuple[str, list[str]]]:
    """Say why tests have not passed, with the name of the test where there are several."""
    known = list(zip_longest(error.tests, error.since, error.reasons, fillvalue=""))[:most]
    told = [
        f"{f'{test}: ' if len(error.tests) > 1 else ''}never passed since {since or 'it recorded here'}: {reason}"
        for test, since, reason in known
        if reason
    ]
    return [("because", [row for text in told for row in _prose(text)])] if told else []


def _leak(error: SecretLeakError) -> _Sheet:
    leaks = sorted(error.leaks)
    found = [f"{leak.where}  {leak.kind}" for leak in leaks]
    allowed = f"{leaks[0].kind}@{leaks[0].where}" if leaks else "kind@place"
    return _Sheet(
        "A secret would have been stored, so what holds it was not written",
        [("cassette", _file(error.path)), ("found", _listed(found) or _prose(str(error)))],
        steps=[
            ("to replace it when stored", '@pytest.mark.messages(scrub=["<pattern> -> <placeholder>"])'),
            ("to allow what is no secret", f"messages_allow = {line(allowed)}"),
        ],
    )


def _with_kept(sheet: _Sheet, error: CassetteError) -> _Sheet:
    """Say where the recordings are that could not be put in place, and how they get there."""
    kept = error.kept or ""
    into = "" if PurePath(kept).parent == PurePath(error.path).parent else f" --into {shell(error.path)}"
    bring = ("to bring it in", f"pytest-messages recover {shell(kept)}{into}")
    facts = [*sheet.facts, ("kept", _file(kept, "what was recorded"))]
    return replace(sheet, facts=facts, steps=[bring, *sheet.steps])


def _cassette_error(error: CassetteError) -> _Sheet:
    check = ("to see what it holds", f"pytest-messages check {shell(error.path)}")
    return _Sheet(str(error), [("cassette", _file(error.path))], steps=[check])


# --- The rest ---------------------------------------------------------------------------------------------------------


def _settings(error: SettingsError) -> _Sheet:
    return _Sheet(str(error), steps=[("to see every choice", "pytest --help")])


def _credential(error: CredentialError) -> _Sheet:
    either = " or ".join(f"export {variable}=…" for variable in error.variables)
    return _Sheet(
        str(error),
        [
            ("where", ["before anything was sent"]),
            ("nearest", [f"{' and '.join(error.variables)}, not set" if error.variables else "no variable is known"]),
        ],
        steps=[
            ("to record", either or "pass a key to the client"),
            ("to replay", "no key is needed where a cassette exists"),
        ],
    )


_ADVICE: Mapping[int, tuple[str, str]] = {
    400: ("to send a lawful request", "read the message above; https://platform.claude.com/docs/en/api/messages"),
    401: ("to be let in", "export ANTHROPIC_API_KEY=…, or the variable of your provider"),
    403: ("to be let in", "use a key that may use this model or workspace"),
    404: ("to find it", "check the model's name and the base URL"),
    413: ("to be heard", "send less: a request may have 32 MB"),
    429: ("to go on", "wait, then repeat the call: nothing here repeats it for you"),
    500: ("to go on", "repeat the call: nothing here repeats it for you"),
    504: ("to go on", "stream the answer, or ask for a shorter one"),
    529: ("to go on", "wait, then repeat the call: nothing here repeats it for you"),
}


def _api(error: ApiError) -> _Sheet:
    told = members(members(error.body).get("error")).get("message")
    wait = f"retry after {error.retry_after:g} s" if error.retry_after is not None else ""
    where = ", ".join(filter(None, [f"status {error.status}", error.type, error.request_id, wait]))
    said = told if isinstance(told, str) else value(error.body, COLUMNS) if error.body is not None else ""
    return _Sheet(
        str(error),
        [("where", _prose(where)), *([("answer", _prose(said)[:8])] if said else [])],
        steps=[_ADVICE.get(error.status, ("to read on", "https://platform.claude.com/docs/en/api/errors"))],
    )


def _stream(error: StreamError) -> _Sheet:
    return _Sheet(
        str(error),
        [("where", [f"byte {error.offset:,} of the body"])],
        steps=[("to read on", "https://html.spec.whatwg.org/multipage/server-sent-events.html")],
    )


def _unsupported(error: UnsupportedFieldError) -> _Sheet:
    return _Sheet(
        str(error),
        [("where", _prose(f"the field {error.field}, at provider {error.provider}")), ("source", _prose(error.source))],
        steps=[
            ("to send it all the same", "messages_client.raw(...)"),
            ("to be understood", f"leave out {line(error.field)}"),
        ],
    )


_MOST_VIOLATIONS = 5


def _conformance(error: ConformanceError) -> _Sheet:
    return _Sheet(
        str(error),
        rows=list(_violations(error.violations, _MOST_VIOLATIONS)),
        steps=[(f"to turn {'it' if len(error.violations) == 1 else 'one'} off", _turn_off(error.violations))],
    )


def _turn_off(found: Sequence[Violation]) -> str:
    return _mark("rules", [f"-{min(found, key=_gravity).rule}" if found else "-<rule>"])


def _violations(found: Sequence[Violation], most: int | None) -> Iterator[str]:
    ordered = sorted(found, key=_gravity)
    shown = ordered if most is None else ordered[:most]
    for one in shown:
        yield f"{_INDENT}{one.level.name.lower()}  {line(one.rule, 40)}  at {line(one.where, 50)}"
        yield from (f"{_INDENT * 3}{row}" for row in wrapped(line(one.message, 300), COLUMNS - 6))
        if one.source:
            yield f"{_INDENT * 3}{line(one.source, COLUMNS - 6)}"
    if len(shown) < len(ordered):
        yield f"{_INDENT}and {number(len(ordered) - len(shown), 'finding')} more"


def _gravity(one: Violation) -> tuple[int, list[tuple[int, str]], str]:
    """Order by level, then by place, in which event 7 comes before event 10."""
    place = [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"([0-9]{1,9})", one.where)]
    return one.level, place, one.rule


def _plain(error: MessagesError) -> _Sheet:
    return _Sheet(str(error))


_SHEETS: Mapping[type, Callable[..., _Sheet]] = {
    MessagesError: _plain,
    SettingsError: _settings,
    CassetteError: _cassette_error,
    CassetteNotFoundError: _missing,
    CassetteFormatError: _format,
    CassetteVersionError: _version,
    CassetteIncompleteError: _incomplete,
    SecretLeakError: _leak,
    ReplayError: _replay,
    NoMatchError: _no_match,
    ExhaustedError: _exhausted,
    UnplayedError: _unplayed,
    EmptyError: _empty,
    ExpiredError: _expired,
    StreamClosedError: _closed,
    UnreplayableError: _unreplayable,
    NotRecordableError: _not_recordable,
    CredentialError: _credential,
    ApiError: _api,
    StreamError: _stream,
    UnsupportedFieldError: _unsupported,
    ConformanceError: _conformance,
}
"""Which explanation belongs to which class; a class without a row is explained as its nearest base."""
