"""The words in which a client asks the sandbox for something."""

from __future__ import annotations

import re

import pytest

from pytest_messages.sandbox.handles import HANDLES, Orders, UnknownHandleError, read_orders


def marks(*names: str) -> frozenset[str]:
    return frozenset(names)


READ = [
    ("Hello", Orders()),
    ("What does sandbox: mean?", Orders()),
    ("sandbox: error 529", Orders(status=529)),
    ("SANDBOX:   Error 529", Orders(status=529)),
    ("sandbox: error 402 quote_exceeded", Orders(status=402, type="quote_exceeded")),
    ("sandbox: error 429 retry-after 0.5", Orders(status=429, retry_after=0.5)),
    ("sandbox: error 529 midstream", Orders(status=529, midstream=3)),
    ("sandbox: error 500 api_error midstream after 1 event", Orders(status=500, type="api_error", midstream=1)),
    ("sandbox: flaky 2", Orders(flaky=2)),
    ("sandbox: drop", Orders(drop_after=3)),
    ("sandbox: drop after 0 events", Orders(drop_after=0)),
    ("sandbox: reset after 1 event", Orders(drop_after=1, marks=marks("reset"))),
    ("sandbox: stall", Orders(stall_after=3)),
    ("sandbox: stall after 5 events", Orders(stall_after=5)),
    ("sandbox: slow 100ms", Orders(slow=0.1)),
    ("sandbox: wait 1.5s", Orders(wait=1.5)),
    ("sandbox: keep-alive", Orders(marks=marks("keep-alive"))),
    ("sandbox: think", Orders(marks=marks("think"))),
    ("sandbox: redacted thinking", Orders(marks=marks("redacted"))),
    ("sandbox: stop refusal", Orders(stop="refusal")),
    ("sandbox: calls 2", Orders(calls=2)),
    ("sandbox: empty", Orders(marks=marks("empty"))),
    ("sandbox: leak", Orders(marks=marks("leak"))),
    ("sandbox: gzip", Orders(marks=marks("gzip"))),
    ("sandbox: crlf", Orders(marks=marks("crlf"))),
    ("sandbox: padding", Orders(marks=marks("padding"))),
    ("sandbox: no ping", Orders(marks=marks("no-ping"))),
    ("sandbox: double-encoded", Orders(marks=marks("double-encoded"))),
    ("sandbox: done tail", Orders(marks=marks("done"))),
    ("sandbox: unnamed events", Orders(marks=marks("unnamed"))),
    ("sandbox: no message_stop", Orders(marks=marks("no-stop"))),
    ("sandbox: unknown event", Orders(marks=marks("unknown-event"))),
    ("sandbox: no provider key", Orders(marks=marks("no-provider-key"))),
    ("sandbox: say 42", Orders(say="42")),
    ("sandbox: say one; two\nsandbox: three", Orders(say="one; two\nsandbox: three")),
    ("sandbox: think; slow 5ms ;gzip", Orders(slow=0.005, marks=marks("think", "gzip"))),
    ("Please.\nsandbox: think\n  sandbox: crlf; say hi; there", Orders(say="hi; there", marks=marks("think", "crlf"))),
    ("sandbox:", Orders()),
]


@pytest.mark.parametrize(("text", "orders"), READ, ids=[text for text, _ in READ])
def test_handles_are_read_from_a_text(text: str, orders: Orders) -> None:
    assert read_orders(text) == orders


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
        read_orders(text)
    assert str(caught.value).startswith(says)
