"""The words in which a client asks the sandbox for something."""

from __future__ import annotations

import re

import pytest

from pytest_messages.sandbox.handles import HANDLES, Instructions, UnknownHandleError, read_instructions


def marks(*names: str) -> frozenset[str]:
    return frozenset(names)


READ = [
    ("Hello", Instructions()),
    ("What does sandbox: mean?", Instructions()),
    ("sandbox: error 529", Instructions(status=529)),
    ("SANDBOX:   Error 529", Instructions(status=529)),
    ("sandbox: error 402 quote_exceeded", Instructions(status=402, type="quote_exceeded")),
    ("sandbox: error 429 retry-after 0.5", Instructions(status=429, retry_after=0.5)),
    ("sandbox: error 529 midstream", Instructions(status=529, midstream=3)),
    ("sandbox: error 500 api_error midstream after 1 event", Instructions(status=500, type="api_error", midstream=1)),
    ("sandbox: flaky 2", Instructions(flaky=2)),
    ("sandbox: drop", Instructions(drop_after=3)),
    ("sandbox: drop after 0 events", Instructions(drop_after=0)),
    ("sandbox: reset after 1 event", Instructions(drop_after=1, marks=marks("reset"))),
    ("sandbox: stall", Instructions(stall_after=3)),
    ("sandbox: stall after 5 events", Instructions(stall_after=5)),
    ("sandbox: slow 100ms", Instructions(slow=0.1)),
    ("sandbox: wait 1.5s", Instructions(wait=1.5)),
    ("sandbox: keep-alive", Instructions(marks=marks("keep-alive"))),
    ("sandbox: think", Instructions(marks=marks("think"))),
    ("sandbox: redacted thinking", Instructions(marks=marks("redacted"))),
    ("sandbox: stop refusal", Instructions(stop="refusal")),
    ("sandbox: calls 2", Instructions(calls=2)),
    ("sandbox: empty", Instructions(marks=marks("empty"))),
    ("sandbox: leak", Instructions(marks=marks("leak"))),
    ("sandbox: gzip", Instructions(marks=marks("gzip"))),
    ("sandbox: crlf", Instructions(marks=marks("crlf"))),
    ("sandbox: padding", Instructions(marks=marks("padding"))),
    ("sandbox: no ping", Instructions(marks=marks("no-ping"))),
    ("sandbox: double-encoded", Instructions(marks=marks("double-encoded"))),
    ("sandbox: done tail", Instructions(marks=marks("done"))),
    ("sandbox: unnamed events", Instructions(marks=marks("unnamed"))),
    ("sandbox: no message_stop", Instructions(marks=marks("no-stop"))),
    ("sandbox: unknown event", Instructions(marks=marks("unknown-event"))),
    ("sandbox: no provider key", Instructions(marks=marks("no-provider-key"))),
    ("sandbox: say 42", Instructions(say="42")),
    ("sandbox: say one; two\nsandbox: three", Instructions(say="one; two\nsandbox: three")),
    ("sandbox: think; slow 5ms ;gzip", Instructions(slow=0.005, marks=marks("think", "gzip"))),
    (
        "Please.\nsandbox: think\n  sandbox: crlf; say hi; there",
        Instructions(say="hi; there", marks=marks("think", "crlf")),
    ),
    ("sandbox:", Instructions()),
]


@pytest.mark.parametrize(("text", "instructions"), READ, ids=[text for text, _ in READ])
def test_handles_are_read_from_a_text(text: str, instructions: Instructions) -> None:
    assert read_instructions(text) == instructions


def test_each_handle_of_the_table_is_read_above() -> None:
    entries = [line.partition(":")[2].strip() for text, _ in READ for line in text.splitlines()]
    unread = [
        handle.form
        for handle in HANDLES
        if not any(re.fullmatch(handle.pattern, entry, re.IGNORECASE) for entry in entries)
    ]
    assert unread == []


def test_each_handle_says_what_it_does() -> None:
    assert len({handle.form for handle in HANDLES}) == len(HANDLES)
    assert all(handle.help and not handle.help.endswith(".") for handle in HANDLES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sandbox: thing", "sandbox: there is no handle 'thing'; there is think"),
        ("sandbox: error 299", "sandbox: there is no handle 'error 299'; there is "),
        ("sandbox: think; slow", "sandbox: there is no handle 'slow'; there is "),
        ("sandbox: zzzzzz", "sandbox: there is no handle 'zzzzzz'; there is say TEXT, error STATUS"),
    ],
)
def test_a_line_that_is_no_handle_names_the_nearest(text: str, says: str) -> None:
    with pytest.raises(UnknownHandleError) as caught:
        read_instructions(text)
    assert str(caught.value).startswith(says)
