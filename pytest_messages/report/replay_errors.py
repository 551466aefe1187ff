"""Why replay refused a call, or says that the recording and the test do not fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_messages.findings import ABSENT, Difference
from pytest_messages.report.layout import (
    COLUMNS,
    both,
    line,
    members,
    number,
    quoted,
)
from pytest_messages.report.sheet import (
    INDENT,
    LABEL,
    Sheet,
    again,
    asked_for,
    cassette_fact,
    file_rows,
    listed,
    literal,
    mark,
    prose,
    record_command,
    request_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_messages.errors import (
        EmptyError,
        ExhaustedError,
        ExpiredError,
        NoMatchError,
        NotRecordableError,
        ReplayError,
        StreamClosedError,
        UnplayedError,
        UnreplayableError,
    )


def no_match(error: NoMatchError) -> Sheet:
    """Explain which recording came nearest, and in what it differs."""
    context = error.context
    return Sheet(
        f"No recorded interaction answers {request_of(context)}: {asked_for(context)}",
        [cassette_fact(context), ("nearest", _nearest(error))],
        steps=[again(context), *_stop_comparing(error.differences)],
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
    columns = COLUMNS - len(INDENT) - LABEL - 14
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
    settings = ", ".join(f"{keyword}={literal(entries)}" for keyword, entries in keywords.items())
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


def exhausted(error: ExhaustedError) -> Sheet:
    """Explain that every recording of a request was played."""
    context = error.context
    return Sheet(
        f"{request_of(context).capitalize()} was already played, {error.times} of {error.times}: {asked_for(context)}",
        [
            cassette_fact(context),
            ("nearest", [f"{number(error.times, 'recording')} of this very request, each of which answers once"]),
        ],
        steps=[again(context), ("to answer it once more", mark("repeats", "last"))],
    )


def unplayed(error: UnplayedError) -> Sheet:
    """Explain which recordings were not asked for."""
    count, context = len(error.positions), error.context
    prompts = [*error.prompts, *[""] * (count - len(error.prompts))]
    columns = COLUMNS - len(INDENT) - LABEL - 18
    rows = [
        f"interaction {position}  {quoted(prompt, columns) if prompt else ''}"
        for position, prompt in zip(error.positions, prompts, strict=False)
    ]
    return Sheet(
        f"{count:,} of {number(context.interactions, 'recorded interaction')} "
        f"{'was' if count == 1 else 'were'} never asked for",
        [cassette_fact(context), ("unplayed", listed(rows, 12))],
        steps=[again(context), ("to let it pass", mark("unplayed", "ignore"))],
    )


def empty(error: EmptyError) -> Sheet:
    """Explain that a test made no call that was seen."""
    unhooked = [library for library in error.loaded if library not in error.hooked]
    hooked = ", ".join(error.hooked) or "none"
    loaded = f"loaded but not hooked: {', '.join(unhooked)}" if unhooked else "no other HTTP library is loaded"
    return Sheet(
        "The mark promised calls to the Messages API, and the test passed without one",
        [cassette_fact(error.context), ("nearest", prose(f"libraries whose calls are seen: {hooked}; {loaded}"))],
        steps=[
            ("to let it pass", mark("empty", "ignore")),
            ("to have calls seen", "messages_hosts = <host>, if they go to one that is not known"),
        ],
    )


def unreplayable(error: UnreplayableError) -> Sheet:
    """Explain why what was just recorded would not answer its own request."""
    context = error.context
    differs = [row for difference in error.differences[:_MOST_DIFFERENCES] for row in _difference(difference)]
    also = ", ".join(map(str, error.calls[1:]))
    facts = [
        ("cassette", file_rows(context.cassette, f"record mode {context.mode}")),
        ("differs", differs or ["nowhere that could be named; this is a fault of ours: please report it"]),
        *([("alike", prose(f"request {also} of this test"))] if also else []),
    ]
    mend = [
        ("to make it replay", f"mend {name}, in match_on: it tells a request from itself") for name in error.matchers
    ]
    what = f"What was recorded for {request_of(context)} does not answer that very request on replay"
    return Sheet(
        f"{what}: {asked_for(context)}",
        facts,
        steps=[
            *(mend or _stop_comparing(error.differences)),
            ("then record it again", record_command(context, "rewrite")),
        ],
    )


def expired(error: ExpiredError) -> Sheet:
    """Explain which recordings are older than they may be."""
    positions = prose(f"interactions {', '.join(map(str, error.positions))}; the oldest is of {error.oldest}")
    return Sheet(
        str(error),
        [cassette_fact(error.context), ("expired", positions)],
        steps=[again(error.context), ("to let them be older", "messages_expire = <days>d")],
    )


def closed(error: StreamClosedError) -> Sheet:
    """Explain that a call wants more than was recorded of it."""
    context = error.context
    if error.waited is not None:
        return Sheet(
            f"{request_of(context).capitalize()} waits longer than its recording goes: {asked_for(context)}",
            [
                cassette_fact(context),
                (
                    "nearest",
                    prose(
                        "the recording, where the caller gave up waiting (a deadline, a cancelled task): replay "
                        f"waited {error.waited:.0f} s for the test to give up as well"
                    ),
                ),
            ],
            steps=[
                ("to give up again", "put the deadline or the cancellation back around the call"),
                ("to record the whole answer", record_command(context, "rewrite")),
            ],
        )
    return Sheet(
        f"{request_of(context).capitalize()} is read further than its recording goes: {asked_for(context)}",
        [cassette_fact(context), ("nearest", ["the recording, which ends where the client stopped reading it then"])],
        steps=[("to record it to the end", record_command(context, "rewrite"))],
    )


def not_recordable(error: NotRecordableError) -> Sheet:
    """Explain why a call can be neither recorded nor replayed."""
    context = error.context
    marked = bool(context.cassette)
    return Sheet(
        str(error),
        [
            *([cassette_fact(context)] if marked else []),
            ("where", prose(f"host {error.host}, library {error.library}, thread {error.thread}")),
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


def replay(error: ReplayError) -> Sheet:
    """Explain any other refusal of replay."""
    return Sheet(str(error), [cassette_fact(error.context)], steps=[again(error.context)])
