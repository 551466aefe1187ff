"""Texts are what a user meets: whole texts are compared, and no input whatever breaks one."""

from __future__ import annotations

import json
import pickle
import shlex
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_messages import errors, report
from pytest_messages.cassette.document import Interaction, Recording
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
from pytest_messages.findings import ABSENT, Difference, Leak, Level, Violation
from pytest_messages.report import layout
from pytest_messages.session.tally import Tally
from pytest_messages.wire import Chunk, Ended, Headers, Request, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

PATH = "cassettes/test_chat/test_tool_loop.yaml"
CONTEXT = CallContext(
    number=3,
    asked="POST https://api.anthropic.com/v1/messages",
    cassette=PATH,
    mode="none",
    interactions=4,
    unplayed=2,
    test="tests/test_chat.py::test_tool_loop",
)


def miss(*differences: Difference, nearest: int | None = 3, context: CallContext = CONTEXT) -> NoMatchError:
    return NoMatchError("no match", context=context, nearest=nearest, differences=differences)


def finding(where: str, level: Level = Level.VIOLATION, rule: str = "stream.index") -> Violation:
    return Violation(where, rule, level, "index 7 was never started", "https://docs.example/streaming")


EXPLAINED: list[tuple[MessagesError, str]] = [
    (
        miss(Difference("messages[2].content[0].text", "What is 2+2?", "What is 2+3?")),
        """\
No recorded interaction answers request 3 of this test: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   interaction 3, which differs in one place
              messages[2].content[0].text
                recorded  'What is 2+2?'
                sent      'What is 2+3?'

  to record it again   pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite
  to stop comparing it @pytest.mark.messages(ignore=["messages[2].content[0].text"])""",
    ),
    (
        miss(Difference("max_tokens", 1, None), Difference("host", "a", "b", "host")),
        """\
No recorded interaction answers request 3 of this test: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   interaction 3, which differs in 2 places
              max_tokens
                recorded  1
                sent      null
              host
                recorded  'a'
                sent      'b'

  to record it again     pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite
  to stop comparing them @pytest.mark.messages(ignore=["max_tokens"], match_on=["-host"])""",
    ),
    (
        miss(Difference("max_tokens", 1, None), Difference("host", "a", "b", "host"), Difference("$", b"a", [True])),
        """\
No recorded interaction answers request 3 of this test: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   interaction 3, which differs in 3 places
              max_tokens
                recorded  1
                sent      null
              host
                recorded  'a'
                sent      'b'
              $
                recorded  <1 B> 'a'
                sent      [true]

  to record it again pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite""",
    ),
    (
        miss(
            Difference("messages[3]", ABSENT, {"role": "user", "content": [{"type": "text", "text": "And tomorrow?"}]}),
            Difference("messages[4]", {"role": "user", "content": "No."}, ABSENT),
            Difference("messages[5]", {"role": "user", "content": [{"type": "image"}]}, ABSENT),
        ),
        """\
No recorded interaction answers request 3 of this test: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   interaction 3, which differs in 3 places
              messages[3]
                recorded  nothing
                sent      user: 'And tomorrow?'
              messages[4]
                recorded  user: 'No.'
                sent      nothing
              messages[5]
                recorded  {"role": "user", "content": [{"type": "image"}]}
                sent      nothing

  to record it again pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite""",
    ),
    (
        miss(Difference("header:anthropic-beta", "x", ABSENT, "header:anthropic-beta")),
        """\
No recorded interaction answers request 3 of this test: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   interaction 3, which differs in one place
              header:anthropic-beta
                recorded  'x'
                sent      nothing

  to record it again   pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite
  to stop comparing it @pytest.mark.messages(match_on=["-header:anthropic-beta"])""",
    ),
    (
        miss(Difference("model", "a", "b", "same_model")),
        """\
No recorded interaction answers request 3 of this test: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   interaction 3, which differs in one place
              model
                recorded  'a'
                sent      'b'

  to record it again pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite""",
    ),
    (
        miss(
            nearest=None,
            context=CallContext(number=1, asked="POST /v1/messages", cassette="a.yaml", mode="once", interactions=1),
        ),
        """\
No recorded interaction answers request 1 of this test: POST /v1/messages

  cassette  a.yaml  (1 interaction, 0 unplayed), record mode once
  nearest   none: the cassette holds no interaction

  to record it again use_cassette("a.yaml", record="rewrite")""",
    ),
    (
        miss(),
        """\
No recorded interaction answers request 3 of this test: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   interaction 3

  to record it again pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite""",
    ),
    (
        ExhaustedError("played", context=CONTEXT, times=2),
        """\
Request 3 of this test was already played, 2 of 2: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   2 recordings of this very request, each of which answers once

  to record it again     pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite
  to answer it once more @pytest.mark.messages(repeats="last")""",
    ),
    (
        UnplayedError("unplayed", context=CONTEXT, positions=(2, 4), prompts=("What is\nthe time?",)),
        """\
2 of 4 recorded interactions were never asked for

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  unplayed  interaction 2  'What is\\nthe time?'
            interaction 4

  to record it again pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite
  to let it pass     @pytest.mark.messages(unplayed="ignore")""",
    ),
    (
        EmptyError("empty", context=CONTEXT, loaded=("httpx", "grpc"), hooked=("httpx", "httpx2")),
        """\
The mark promised calls to the Messages API, and the test passed without one

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   libraries whose calls are seen: httpx, httpx2; loaded but not hooked: grpc

  to let it pass     @pytest.mark.messages(empty="ignore")
  to have calls seen messages_hosts = <host>, if they go to one that is not known""",
    ),
    (
        EmptyError("empty", context=CONTEXT),
        """\
The mark promised calls to the Messages API, and the test passed without one

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   libraries whose calls are seen: none; no other HTTP library is loaded

  to let it pass     @pytest.mark.messages(empty="ignore")
  to have calls seen messages_hosts = <host>, if they go to one that is not known""",
    ),
    (
        UnreplayableError("odd", context=CONTEXT, calls=(3, 5), matchers=("by_clock",)),
        """\
What was recorded for request 3 of this test does not answer that very request on replay: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  record mode none
  differs   nowhere that could be named; this is a fault of ours: please report it
  alike     request 5 of this test

  to make it replay    mend by_clock, in match_on: it tells a request from itself
  then record it again pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite""",
    ),
    (
        StreamClosedError("closed", context=CONTEXT),
        """\
Request 3 of this test is read further than its recording goes: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  nearest   the recording, which ends where the client stopped reading it then

  to record it to the end pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite""",
    ),
    (
        NotRecordableError(
            "A raw socket cannot be recorded", context=CONTEXT, host="h", library="socket", thread="T-1"
        ),
        """\
A raw socket cannot be recorded

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  where     host h, library socket, thread T-1
  nearest   what is recorded: httpx, httpx2, requests, urllib3, http.client and aiohttp, in a marked test

  to record such calls make them with one of these clients
  to let them pass     messages_hosts = -h""",
    ),
    (
        ReplayError("Something else", context=CONTEXT),
        """\
Something else

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none

  to record it again pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite""",
    ),
    (
        ExpiredError("2 of 4 are older", context=CONTEXT, positions=(1, 3), oldest="2026-01-02T03:04:05Z"),
        """\
2 of 4 are older

  cassette  cassettes/test_chat/test_tool_loop.yaml  (4 interactions, 2 unplayed), record mode none
  expired   interactions 1, 3; the oldest is of 2026-01-02T03:04:05Z

  to record it again   pytest 'tests/test_chat.py::test_tool_loop' --messages-record=rewrite
  to let them be older messages_expire = <days>d""",
    ),
    (
        CassetteNotFoundError("missing", path=PATH, context=CONTEXT),
        """\
The cassette is missing, so nothing answers request 3 of this test: POST /v1/messages

  cassette  cassettes/test_chat/test_tool_loop.yaml  missing, record mode none
  nearest   none: nothing was recorded at this path yet

  to record it pytest 'tests/test_chat.py::test_tool_loop' --messages-record=once""",
    ),
    (
        CassetteNotFoundError("there is no a.yaml", path="a.yaml"),
        """\
The cassette is missing: there is no a.yaml

  cassette  a.yaml  missing
  nearest   none: nothing was recorded at this path yet

  to record it pytest --messages-record=once""",
    ),
    (
        CassetteFormatError(
            "a.yaml:3:14: expected a key", path="a.yaml", line=3, column=14, excerpt="  - request: [\x1b[31m}"
        ),
        """\
The cassette cannot be read: expected a key

  cassette  a.yaml:3:14
  line      '  - request: [\\x1b[31m}'

  to see all that is wrong pytest-messages check 'a.yaml'
  to record it again       pytest --messages-record=rewrite""",
    ),
    (
        CassetteFormatError("a.yaml: the file is empty", path="a.yaml"),
        """\
The cassette cannot be read: the file is empty

  cassette  a.yaml

  to see all that is wrong pytest-messages check 'a.yaml'
  to record it again       pytest --messages-record=rewrite""",
    ),
    (
        CassetteVersionError("a.yaml: version 7 is not read", path="a.yaml"),
        """\
The cassette is of another version: version 7 is not read

  cassette  a.yaml
  nearest   version 1, which this release reads and writes

  to read it         pip install --upgrade pytest-messages
  to record it again pytest --messages-record=rewrite""",
    ),
    (
        CassetteIncompleteError("incomplete", path="a.yaml", tests=("t.py::a[it's]", "t.py::b"), context=CONTEXT),
        """\
The cassette is incomplete: 2 tests recorded here and never passed since

  cassette  a.yaml  record mode none
  tests     t.py::a[it's]
            t.py::b

  to complete it pytest 't.py::a[it'"'"'s]' 't.py::b' --messages-record=once""",
    ),
    (
        CassetteIncompleteError("incomplete", path="a.yaml", tests=tuple(f"t.py::{n}" for n in range(7))),
        """\
The cassette is incomplete: 7 tests recorded here and never passed since

  cassette  a.yaml
  tests     t.py::0
            t.py::1
            t.py::2
            t.py::3
            t.py::4
            and 2 more

  to complete it pytest 't.py::0' 't.py::1' 't.py::2' 't.py::3' 't.py::4' --messages-record=once""",
    ),
    (
        SecretLeakError("leak", path="a.yaml", leaks=(Leak("request 2 body", "jwt"), Leak("line 3", "anthropic-key"))),
        """\
A secret would have been stored, so what holds it was not written

  cassette  a.yaml
  found     line 3  anthropic-key
            request 2 body  jwt

  to replace it when stored  @pytest.mark.messages(scrub=["<pattern> -> <placeholder>"])
  to allow what is no secret messages_allow = anthropic-key@line 3""",
    ),
    (
        SecretLeakError("a rule raised", path="a.yaml"),
        """\
A secret would have been stored, so what holds it was not written

  cassette  a.yaml
  found     a rule raised

  to replace it when stored  @pytest.mark.messages(scrub=["<pattern> -> <placeholder>"])
  to allow what is no secret messages_allow = kind@place""",
    ),
    (
        CassetteError("The disk is full", path="a.yaml"),
        """\
The disk is full

  cassette  a.yaml

  to see what it holds pytest-messages check 'a.yaml'""",
    ),
    (
        SettingsError("--messages-record: record is 'foo'; it takes once | none"),
        """\
--messages-record: record is 'foo'; it takes once | none

  to see every choice pytest --help""",
    ),
    (
        CredentialError("There is no key for anthropic", variables=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")),
        """\
There is no key for anthropic

  where     before anything was sent
  nearest   ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN, not set

  to record export ANTHROPIC_API_KEY=… or export ANTHROPIC_AUTH_TOKEN=…
  to replay no key is needed where a cassette exists""",
    ),
    (
        CredentialError("There is no key", variables=()),
        """\
There is no key

  where     before anything was sent
  nearest   no variable is known

  to record pass a key to the client
  to replay no key is needed where a cassette exists""",
    ),
    (
        ApiError(
            "529 overloaded_error",
            status=529,
            type="overloaded_error",
            request_id="req_1",
            retry_after=1.5,
            body={"error": {"message": "Overloaded"}},
        ),
        """\
529 overloaded_error

  where     status 529, overloaded_error, req_1, retry after 1.5 s
  answer    Overloaded

  to go on wait, then repeat the call: nothing here repeats it for you""",
    ),
    (
        ApiError("418", status=418, body=["tea"]),
        """\
418

  where     status 418
  answer    ["tea"]

  to read on https://platform.claude.com/docs/en/api/errors""",
    ),
    (
        ApiError("401", status=401),
        """\
401

  where     status 401

  to be let in export ANTHROPIC_API_KEY=…, or the variable of your provider""",
    ),
    (
        StreamError("no events", offset=12345),
        """\
no events

  where     byte 12,345 of the body

  to read on https://html.spec.whatwg.org/multipage/server-sent-events.html""",
    ),
    (
        UnsupportedFieldError("no top_k here", field="top_k", provider="shinzo", source="https://docs.example/shinzo"),
        """\
no top_k here

  where     the field top_k, at provider shinzo
  source    https://docs.example/shinzo

  to send it all the same messages_client.raw(...)
  to be understood        leave out top_k""",
    ),
    (
        ConformanceError("2 findings", violations=(finding("event 10"), finding("event 9", rule="stream.order"))),
        """\
2 findings

  violation  stream.order  at event 9
      index 7 was never started
      https://docs.example/streaming
  violation  stream.index  at event 10
      index 7 was never started
      https://docs.example/streaming

  to turn one off @pytest.mark.messages(rules=["-stream.order"])""",
    ),
    (
        ConformanceError("none", violations=()),
        """\
none

  to turn one off @pytest.mark.messages(rules=["-<rule>"])""",
    ),
    (MessagesError("Anything"), "Anything"),
]


@pytest.mark.parametrize("part", ["method", "path", "body"])
def test_no_advice_takes_out_what_keeps_one_call_from_the_answer_of_another(part: str) -> None:
    told = report.explain(miss(Difference("$" if part == "body" else part, "a", "b", part)))
    assert "to record it again" in told
    assert "match_on" not in told


@pytest.mark.parametrize(("error", "explained"), EXPLAINED, ids=lambda value: type(value).__name__)
def test_every_error_is_explained(error: MessagesError, explained: str) -> None:
    assert report.explain(error) == explained
    assert report.explain(pickle.loads(pickle.dumps(error))) == explained  # noqa: S301 - our own, as xdist does


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (400, "to send a lawful request read the message above; https://platform.claude.com/docs/en/api/messages"),
        (401, "to be let in export ANTHROPIC_API_KEY=…, or the variable of your provider"),
        (403, "to be let in use a key that may use this model or workspace"),
        (404, "to find it check the model's name and the base URL"),
        (413, "to be heard send less: a request may have 32 MB"),
        (429, "to go on wait, then repeat the call: nothing here repeats it for you"),
        (500, "to go on repeat the call: nothing here repeats it for you"),
        (504, "to go on stream the answer, or ask for a shorter one"),
        (529, "to go on wait, then repeat the call: nothing here repeats it for you"),
        (503, "to read on https://platform.claude.com/docs/en/api/errors"),
    ],
)
def test_each_status_has_its_advice(status: int, step: str) -> None:
    assert report.explain(ApiError("no", status=status)).split("\n")[-1] == f"  {step}"


def subclasses(kind: type[MessagesError]) -> set[type[MessagesError]]:
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__() if each.__module__ == errors.__name__))


def test_no_class_of_errors_is_forgotten() -> None:
    assert {type(error) for error, _ in EXPLAINED} == subclasses(MessagesError)


def test_a_cassette_is_named_as_its_reader_names_it_with_the_test_that_records_it_again() -> None:
    error = CassetteFormatError("/home/a.yaml:3:14: expected a key", path="/home/a.yaml", line=3, column=14)
    error.seen_from("a.yaml", "t.py::a")
    assert (str(error), error.path) == ("a.yaml:3:14: expected a key", "a.yaml")
    shown = report.explain(pickle.loads(pickle.dumps(error)))  # noqa: S301 - our own
    assert "cassette  a.yaml:3:14" in shown
    assert shown.endswith("to record it again       pytest 't.py::a' --messages-record=rewrite")


def test_a_class_of_ones_own_is_explained_as_its_base() -> None:
    class MineError(SettingsError):
        pass

    assert report.explain(MineError("no")) == report.explain(SettingsError("no"))


# --- Differences ------------------------------------------------------------------------------------------------------


def shown(recorded: object, sent: object) -> list[str]:
    """The lines that a miss spends on this difference."""
    return report.explain(miss(Difference("p", recorded, sent))).split("\n")[4:7]


LONG = "The quick brown fox jumps over the lazy dog. " * 50


def test_the_word_that_differs_in_a_long_text_is_seen_on_both_sides() -> None:
    rows = shown(LONG + "yes" + LONG, LONG + "no" + LONG)
    assert [row.removeprefix(" " * 16) for row in rows[1:]] == [
        "recorded  '…fox jumps over the lazy dog. yesThe quick brown fox jumps over the lazy dog. The quick bro…'",
        "sent      '…fox jumps over the lazy dog. noThe quick brown fox jumps over the lazy dog. The quick brow…'",
    ]


def test_only_the_line_that_differs_is_shown_of_a_text_of_many() -> None:
    recorded = "".join(f"line {n}\n" for n in range(1, 100))
    assert shown(recorded, recorded.replace("line 50\n", "line fifty\n")) == [
        "              p  (line 50)",
        "                recorded  'line 50'",
        "                sent      'line fifty'",
    ]


def test_several_lines_that_differ_are_counted() -> None:
    assert shown("a\nb\nc\nd\n", "a\nB\nx\nC\nd\n") == [
        "              p  (lines 2 to 4)",
        "                recorded  'b'",
        "                sent      'B'",
    ]


def test_a_line_more_is_visible() -> None:
    assert shown("a\nb", "a\nb\nc") == [
        "              p",
        "                recorded  'a\\nb'",
        "                sent      'a\\nb\\nc'",
    ]


def test_what_cannot_be_seen_is_escaped() -> None:
    assert shown("a\x00\x1b[2J\u202e\u200b\ud800", 'it\'s "b"\\') == [
        "              p",
        "                recorded  'a\\x00\\x1b[2J\\u202e\\u200b\\ud800'",
        "                sent      'it's \"b\"\\\\'",
    ]
    assert shown("it's", "its")[1] == '                recorded  "it\'s"'


def test_wide_letters_take_two_columns() -> None:
    rows = shown("漢" * 200, "漢" * 199 + "字")
    assert rows[2] == "                sent      '…" + "漢" * 15 + "字'"


def test_bytes_are_compared_as_text() -> None:
    assert shown(b"a=1&\xff", b"a=2&\xff")[1:] == [
        "                recorded  'a=1&\\\\xff'",
        "                sent      'a=2&\\\\xff'",
    ]


def test_a_value_that_cannot_be_shown_says_so() -> None:
    class Hostile:
        def __str__(self) -> str:
            raise ValueError

    assert shown(Hostile(), 1)[1] == "                recorded  <Hostile: ValueError>"


def test_a_huge_difference_is_explained_in_a_moment() -> None:
    huge = "QUJD" * 2_500_000
    for error in (
        miss(Difference("p", huge + "A", huge + "B")),
        miss(Difference("p", {"data": huge}, huge)),
        miss(Difference("p", huge.encode(), 1)),
        MessagesError(huge),
        ApiError(huge, status=400, body=huge),
    ):
        explained = report.explain(error)
        assert len(explained) < 3000
        assert max(map(len, explained.split("\n"))) <= 120


def test_many_differences_are_counted_and_none_is_suggested_away() -> None:
    explained = report.explain(miss(*(Difference(f"messages[{n}].content", "a", "b") for n in range(30))))
    assert explained.count("recorded  'a'") == 9
    assert "\n              and 21 more\n" in explained
    assert "to stop comparing" not in explained


def test_long_names_stay_whole_below_their_label() -> None:
    context = CallContext(
        number=1, asked="POST /v1/messages", cassette="c/" + "x" * 100, mode="none", test="t.py::" + "y" * 100
    )
    assert report.explain(miss(nearest=None, context=context)).split("\n")[2:] == [
        "  cassette  c/" + "x" * 100,
        "            (nothing recorded yet), record mode none",
        "  nearest   none: the cassette holds no interaction",
        "",
        "  to record it again",
        "    pytest 't.py::" + "y" * 100 + "' --messages-record=rewrite",
    ]


def test_long_lists_are_cut_and_counted() -> None:
    words = "word " * 1000
    error = ConformanceError(
        words,
        violations=tuple(
            Violation(words, "r" * 99, Level.HINT, words, "https://docs.example/" + "x" * 300) for _ in "123456"
        ),
    )
    lines = report.explain(error).split("\n")
    assert len(lines) == 34
    assert lines[-4] == "  and 1 finding more"
    tall = UnplayedError("", context=CONTEXT, positions=tuple(range(99)), prompts=("p",) * 99)
    assert report.explain(tall).split("\n")[-4] == "            and 87 more"


def test_facts_that_do_not_fit_are_counted() -> None:
    context = CallContext(number=1, asked=("x" * 70 + " ") * 10, cassette="c" * 120, mode="none", test="t" * 120)
    lines = report.explain(miss(*(Difference(f"p{n}", "a", "b") for n in range(10)), context=context)).split("\n")
    assert len(lines) == 40
    assert lines[-5:] == [
        "              p8",
        "  … and 3 lines more",
        "",
        "  to record it again",
        "    pytest '" + "t" * 120 + "' --messages-record=rewrite",
    ]


ANY_TEXT = st.text(st.characters(), max_size=200) | st.sampled_from(
    ["\x1b[31m", "שלום\u202e", "👩‍👩‍👧 e\u0301", "\ud800", "a\nb\r\n\tc"]
)
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(max_size=40) | st.just(ABSENT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
CONTEXTS = st.builds(
    CallContext,
    number=st.integers(),
    asked=ANY_TEXT,
    cassette=ANY_TEXT,
    mode=ANY_TEXT,
    interactions=st.integers(),
    test=st.none() | ANY_TEXT,
)
DIFFERENCES = st.builds(Difference, ANY_TEXT, ANY_VALUE, ANY_VALUE, st.sampled_from(["body", "host"]) | ANY_TEXT)
VIOLATIONS = st.builds(Violation, ANY_TEXT, ANY_TEXT, st.sampled_from(Level), ANY_TEXT, ANY_TEXT)
ERRORS: st.SearchStrategy[MessagesError] = st.one_of(
    st.builds(
        NoMatchError,
        ANY_TEXT,
        context=CONTEXTS,
        nearest=st.none() | st.integers(),
        differences=st.lists(DIFFERENCES, max_size=12).map(tuple),
    ),
    st.builds(UnplayedError, ANY_TEXT, context=CONTEXTS, positions=st.lists(st.integers()).map(tuple)),
    st.builds(ExhaustedError, ANY_TEXT, context=CONTEXTS, times=st.integers()),
    st.builds(NotRecordableError, ANY_TEXT, context=CONTEXTS, host=ANY_TEXT, library=ANY_TEXT, thread=ANY_TEXT),
    st.builds(
        CassetteFormatError,
        ANY_TEXT,
        path=ANY_TEXT,
        line=st.integers(),
        column=st.integers(),
        excerpt=st.none() | ANY_TEXT,
    ),
    st.builds(CassetteIncompleteError, ANY_TEXT, path=ANY_TEXT, tests=st.lists(ANY_TEXT).map(tuple)),
    st.builds(SecretLeakError, ANY_TEXT, path=ANY_TEXT, leaks=st.lists(st.builds(Leak, ANY_TEXT, ANY_TEXT)).map(tuple)),
    st.builds(CredentialError, ANY_TEXT, variables=st.lists(ANY_TEXT).map(tuple)),
    st.builds(ApiError, ANY_TEXT, status=st.integers(), type=ANY_TEXT, body=ANY_VALUE),
    st.builds(ConformanceError, ANY_TEXT, violations=st.lists(VIOLATIONS, max_size=8).map(tuple)),
)


def is_safe(shown: str) -> bool:
    """Whether a terminal obeys nothing in it."""
    return not any(
        unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        for letter in shown
        if letter not in "\n\u200c\u200d"
    )


@given(ERRORS)
def test_no_error_breaks_its_explanation(error: MessagesError) -> None:
    explained = report.explain(error)
    assert is_safe(explained)
    assert len(explained.split("\n")) <= 40


@given(ANY_TEXT, st.integers(2, 60))
def test_wrapping_keeps_every_word_within_the_columns(words: str, columns: int) -> None:
    rows = layout.wrapped(words, columns)
    assert all(layout.width(row) <= columns for row in rows)
    assert "".join("".join(rows).split()) == "".join(layout.plain(words).split())


@given(ANY_TEXT, st.integers(10, 60), st.integers(0, 200))
def test_quoting_stays_within_the_columns_and_shows_the_place(words: str, columns: int, at: int) -> None:
    place = min(at, max(len(words) - 1, 0))
    quoted = layout.quoted(words, columns, at=place)
    assert layout.width(quoted) <= columns
    if words and words[place].isalnum():
        assert words[place] in quoted


@given(ANY_TEXT)
def test_a_word_of_the_shell_is_read_back(words: str) -> None:
    assert shlex.split(layout.shell(words)) == [layout.plain(words).replace("\n", " ")]


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (12_345, "12 kB"), (9_999_999, "9 MB"), (10**13, "10000 GB")],
)
def test_sizes_are_said_in_units(count: int, said: str) -> None:
    assert layout.size(count) == said


# --- Violations and the lines of a run --------------------------------------------------------------------------------


def test_violations_are_ordered_by_level_then_place() -> None:
    found = [finding("event 10", Level.NOTICE), finding("event 9", Level.NOTICE), finding("event 99"), finding("$.a")]
    assert report.violations(found, most=3) == (
        "  violation  stream.index  at $.a\n"
        "      index 7 was never started\n"
        "      https://docs.example/streaming\n"
        "  violation  stream.index  at event 99\n"
        "      index 7 was never started\n"
        "      https://docs.example/streaming\n"
        "  notice  stream.index  at event 9\n"
        "      index 7 was never started\n"
        "      https://docs.example/streaming\n"
        "  and 1 finding more"
    )
    assert report.violations([Violation("$", "r", Level.HINT, "m", "")]) == "  hint  r  at $\n      m"
    assert report.violations([]) == ""


@pytest.mark.parametrize(
    ("tally", "lines"),
    [
        (Tally(), []),
        (Tally(replayed=1), ["messages: 1 call: 1 replayed"]),
        (
            Tally(replayed=1200, refused=1, input_tokens=12345, output_tokens=67),
            ["messages: 1,201 calls: 1,200 replayed, 1 refused; 12,345 input and 67 output tokens saved by replay"],
        ),
        (
            Tally(replayed=1, recorded=2, forwarded=3, input_tokens=5, altered=1, allowed=2),
            [
                (
                    "messages: 6 calls: 1 replayed, 2 recorded, 3 forwarded; 5 input and 0 output tokens; "
                    "1 answer will read differently on replay, as scrubbed; "
                    "2 findings of the gate allowed by messages_allow"
                )
            ],
        ),
    ],
)
def test_the_summary_counts_calls_and_tokens(tally: Tally, lines: list[str]) -> None:
    assert report.summary(tally) == lines
    assert report.summary(tally, ["a\nnote"]) == [*lines, "messages: a note"]


def test_what_is_left_over_is_said_in_a_line() -> None:
    assert [
        report.kept_aside("c/.part", 2, "t.py::a"),
        report.incomplete("c.yaml", 1, "t.py::a"),
        report.incomplete("c.yaml", 2, None),
        report.still_open("<Call 1>", "t.py::a"),
        report.warned(SettingsError("no"), "t.py::a"),
        report.unplayed_not_judged("c.yaml", ["a", "b"]),
        report.unplayed_by_all("c.yaml", (1, 3), 4),
        report.orphans(list("abcdefg")),
        report.left_behind("c.9.part.yaml", 2, ["t.py::a"]),
        report.left_behind("c.9.part.yaml", 1, []),
        report.late(SettingsError("no")),
        report.passed_by([SettingsError("no"), SettingsError("no"), SettingsError("yes")], "t.py::a"),
        report.not_live(["aiohttp", "urllib3"]),
        report.ENDED_WITH,
    ] == [
        (
            "t.py::a: failed, so the cassette stays as it was; 2 recorded interactions kept in c/.part: "
            "`pytest-messages recover --replace 'c/.part'` brings it in"
        ),
        (
            "t.py::a: failed while recording; 1 interaction of it is kept in c.yaml, marked incomplete: "
            "run it again to go on from there"
        ),
        (
            "failed while recording; 2 interactions of it are kept in c.yaml, marked incomplete: "
            "run it again to go on from there"
        ),
        "t.py::a: a stream was still open at the end, and was closed then: <Call 1>",
        "t.py::a: warning: no",
        "c.yaml: what is unplayed was not judged, since not every test that recorded here passed: a, b",
        "c.yaml: nobody asked for 2 of 4 interactions: 1, 3",
        "no test used 7 cassettes: a, b, c, d, e and 2 more",
        (
            "c.9.part.yaml was left behind with 2 interactions of t.py::a: "
            "`pytest-messages recover 'c.9.part.yaml'` brings it in, or delete it"
        ),
        (
            "c.9.part.yaml was left behind with 1 interaction: "
            "`pytest-messages recover 'c.9.part.yaml'` brings it in, or delete it"
        ),
        "after the last test: no",
        "t.py::a: 3 calls went out unrecorded: no, yes",
        "streams through aiohttp, urllib3 were recorded whole: such a client saw none of them live",
        "The test itself ended with:",
    ]


# --- Conversations ----------------------------------------------------------------------------------------------------

URL = "https://api.anthropic.com/v1/messages"


def interaction(
    sent: object,
    answer: object,
    *,
    url: str = URL,
    recording: Recording | None = None,
    **response: Any,
) -> Interaction:
    """An interaction; an answer that is a list is a stream of these payloads."""
    if isinstance(answer, list):
        pieces = [f"event: {payload.get('type')}\ndata: {json.dumps(payload)}\n\n" for payload in answer]
        body, headers = "".join(pieces).encode(), (("content-type", "text/event-stream"),)
    else:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers = (("content-type", "application/json"),)
    request = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    fields = {"status": 200, "reason": "OK", "headers": headers, "body": body, **response}
    return Interaction(Request("POST", url, (), request), (Response(**fields), recording or Recording()))


def reply(*content: object, **fields: object) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(content), "stop_reason": "end_turn", **fields}


def said(*content: object, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(content)}


def words(*texts: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": each} for each in texts]


TOOLS = [{"name": "get_weather", "input_schema": {"type": "object"}}, {"type": "web_search_20250305"}]
SETTING = {"model": "claude-sonnet-4-5", "max_tokens": 1024, "system": "You are a weather bot.", "tools": TOOLS}
ASKED = said(
    *words("What is the weather in Paris?"),
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 16000}},
)
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}
STREAMED: list[dict[str, Any]] = [
    {"type": "message_start", "message": reply(stop_reason=None, usage={"input_tokens": 310, "output_tokens": 1})},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "A tool call."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {**CALL, "input": {}}},
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '{"city": "Paris"}'},
    },
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 42}},
    {"type": "message_stop"},
]
FIRST = interaction(
    {**SETTING, "messages": [ASKED]},
    STREAMED,
    chunks=(Chunk(412, 310), Chunk(933, 900)),
    recording=Recording(at="2026-11-21T10:00:00Z", test="tests/test_chat.py::test_tool_loop", provider="anthropic"),
)
THOUGHT = {"type": "thinking", "thinking": "A tool call.", "signature": ""}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": words("sunny, 21 °C")}
SECOND = interaction(
    {**SETTING, "messages": [ASKED, said(THOUGHT, CALL, role="assistant"), said(RESULT)]},
    reply(
        *words("It is sunny in Paris."), usage={"input_tokens": 4, "cache_read_input_tokens": 2000, "output_tokens": 12}
    ),
    recording=Recording(provider="anthropic"),
)


def test_a_tool_loop_reads_as_a_conversation() -> None:
    assert (
        report.conversation([FIRST, SECOND])
        == """\
#1  POST /v1/messages  anthropic  claude-sonnet-4-5  streamed
  recorded 2026-11-21T10:00:00Z by tests/test_chat.py::test_tool_loop

  system     You are a weather bot.
  tools      get_weather, web_search_20250305
  settings   max_tokens 1024
  user       What is the weather in Paris?
             <image/png, 12 kB>
  thinking   A tool call.
  calls      get_weather {"city": "Paris"}
  ended      tool_use; 310 input, 42 output tokens; 0.9 s, the first byte after 0.4 s; 200 OK

#2  POST /v1/messages  anthropic  claude-sonnet-4-5

  … 2 turns as in #1
  result     get_weather: sunny, 21 °C
  assistant  It is sunny in Paris.
  ended      end_turn; 4 input, 2,000 read from cache, 12 output tokens; 200 OK"""
    )


def test_one_of_many_is_numbered_as_in_its_cassette() -> None:
    assert report.conversation([SECOND], first=7).split("\n")[:5] == [
        "#7  POST /v1/messages  anthropic  claude-sonnet-4-5",
        "",
        "  system     You are a weather bot.",
        "  tools      get_weather, web_search_20250305",
        "  settings   max_tokens 1024",
    ]


def test_a_setting_that_changed_is_said_again() -> None:
    other = interaction({**SETTING, "max_tokens": 5, "system": words("Be brief."), "messages": [ASKED]}, reply())
    assert report.conversation([FIRST, other]).split("\n\n")[-1] == (
        "  … 1 turn as in #1\n"
        "  system     Be brief.\n"
        "  settings   max_tokens 5\n"
        "  assistant  <nothing>\n"
        "  ended      end_turn; 200 OK"
    )


def ended(one: Interaction) -> list[str]:
    return report.conversation([one]).split("\n")[2:]


@pytest.mark.parametrize(
    ("one", "rows"),
    [
        (
            interaction(
                {},
                {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
                status=529,
                reason="",
                headers=(("retry-after", "5"),),
            ),
            ["  error      overloaded_error: Overloaded", "  ended      529, retry after 5 s"],
        ),
        (
            interaction({}, b"", status=0, reason="", ended=Ended.DROPPED, error="ConnectError"),
            ["  ended      no response, dropped (ConnectError)"],
        ),
        (
            interaction({}, [*STREAMED[:2], {"type": "error", "error": {"type": "api_error", "message": "Oh"}}]),
            [
                "  thinking   <not shown, signature of 0 B>",
                "  error      api_error: Oh",
                "  ended      310 input, 1 output tokens; 200 OK",
            ],
        ),
        (
            interaction({}, STREAMED[:3], ended=Ended.CLOSED, chunks=(Chunk(1200, 1),)),
            ["  thinking   A tool call.", "  ended      310 input, 1 output tokens; 1.2 s; 200 OK, closed"],
        ),
        (interaction({}, []), ["  ended      200 OK"]),
        (
            interaction(
                {},
                reply(
                    usage={
                        "input_tokens": 1,
                        "cache_creation_input_tokens": 2000,
                        "cache_read_input_tokens": 3,
                        "output_tokens": 0,
                    }
                ),
            ),
            [
                "  assistant  <nothing>",
                "  ended      end_turn; 1 input, 3 read from cache, 2,000 written to cache tokens; 200 OK",
            ],
        ),
        (interaction({}, {"input_tokens": 9}), ['  answer     {"input_tokens": 9}', "  ended      200 OK"]),
        (interaction({}, b"<html>\x1b[2J"), ["  answer     <html>[2J", "  ended      200 OK"]),
        (
            interaction({}, reply(stop_reason="stop_sequence", stop_sequence="END")),
            ["  assistant  <nothing>", "  ended      stop_sequence 'END'; 200 OK"],
        ),
    ],
)
def test_how_an_answer_ended_is_told(one: Interaction, rows: list[str]) -> None:
    assert ended(one) == rows


@pytest.mark.parametrize(
    ("block", "rows"),
    [
        ({"type": "text", "text": "Hi", "citations": [{}, {}]}, ["  user       Hi [2 citations]"]),
        ({"type": "thinking", "signature": "x" * 1500}, ["  thinking   <not shown, signature of 1 kB>"]),
        ({"type": "redacted_thinking", "data": "x" * 400}, ["  thinking   <redacted, 400 B>"]),
        ({"type": "tool_use", "name": "add", "input": {"x": 1}}, ['  calls      add {"x": 1}']),
        ({"type": "mcp_tool_use", "name": "ask", "input": 1}, ["  calls      ask 1"]),
        ({"type": "mcp_tool_result", "tool_use_id": "?", "content": words("fine")}, ["  result     fine"]),
        ({"type": "server_tool_use", "name": "web_search", "input": {}}, ["  calls      web_search {}"]),
        ({"type": "tool_result", "tool_use_id": "?", "is_error": True}, ["  result     failed:"]),
        ({"type": "tool_result", "tool_use_id": "?", "content": "fine"}, ["  result     fine"]),
        (
            {"type": "web_search_tool_result", "content": [{"title": "One"}, {"type": "web_search_result"}]},
            ["  result     web_search: 2 entries: One, web_search_result"],
        ),
        (
            {"type": "web_fetch_tool_result", "content": {"error_code": "unavailable"}},
            ["  result     web_fetch failed: unavailable"],
        ),
        (
            {"type": "bash_code_execution_tool_result", "content": {"stdout": "1"}},
            ['  result     bash_code_execution: {"stdout": "1"}'],
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
            ["  user       <image at https://example.org/a.png>"],
        ),
        (
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
            ["  user       <document, file file_1>"],
        ),
        (
            {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "é"}},
            ["  user       <text/plain, 2 B, T>"],
        ),
        ({"type": "new", "a": 1}, ['  user       <new> {"type": "new", "a": 1}']),
        ({"a": 1}, ['  user       <a block without type> {"a": 1}']),
        (None, ["  user       <a block without type> {}"]),
    ],
)
def test_every_block_reads(block: object, rows: list[str]) -> None:
    assert ended(interaction({"messages": [said(block)]}, []))[:-1] == rows


def test_messages_of_any_shape_read() -> None:
    odd = {"messages": [{"role": "user", "content": "Hi"}, {"role": 1, "content": None}, 5], "tools": "t", "system": 1}
    assert ended(interaction(odd, [])) == [
        "  system     1",
        "  tools      't'",
        "  user       Hi",
        "  ?          null",
        "  ?          null",
        "  ended      200 OK",
    ]
    assert ended(interaction(b"a=1", []))[0] == "  body       a=1"
    assert ended(interaction(b"[1]", []))[0] == "  body       [1]"


def test_a_place_without_a_provider_is_shown_with_its_host() -> None:
    assert report.conversation([interaction({}, [], url="http://localhost:1/x")]).split("\n")[0] == (
        "#1  POST http://localhost:1/x  streamed"
    )
    bad = interaction({}, [], url="http://[", recording=Recording(provider="p"))
    assert report.conversation([bad]).split("\n")[0] == "#1  POST http://[  p  streamed"
    query = interaction({}, [], url=URL + "?beta=true", recording=Recording(provider="p"))
    assert report.conversation([query]).split("\n")[0] == "#1  POST /v1/messages?beta=true  p  streamed"


def test_a_long_text_is_shown_from_both_ends() -> None:
    shown = report.conversation([interaction({"messages": [said(*words("a" * 10_000_000))]}, [])], columns=80)
    assert "\n             … 9,994,000 characters more …\n" in shown
    assert len(shown) < 8000


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "text", "messages", "usage", "error", "message", "id", "name", "source"]
            )
            | ANY_TEXT,
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.lists(st.tuples(BODIES, BODIES | st.binary()), max_size=3), st.integers(30, 120))
def test_nothing_recorded_breaks_the_conversation(pairs: Sequence[tuple[object, object]], columns: int) -> None:
    interactions = [
        interaction({"messages": sent} if isinstance(sent, list) else sent, {"type": "message", "content": answer})
        if not isinstance(answer, bytes)
        else interaction(sent, answer)
        for sent, answer in pairs
    ]
    shown = report.conversation(interactions, columns=columns)
    assert is_safe(shown)
    assert all(layout.width(row) <= columns for row in shown.split("\n"))
    assert all(is_safe(report.wire(one)) for one in interactions)


def test_the_wire_is_shown_as_it_was() -> None:
    headers: Headers = (("content-type", "application/json"), ("retry-after", "1"))
    answered = interaction(b'{"a":\r\n1}', b'{"b": "\xff\x1b"}', headers=headers)
    assert report.wire(answered) == (
        'POST https://api.anthropic.com/v1/messages\n\n{"a":\n1}\n\n'
        '200 OK\ncontent-type: application/json\nretry-after: 1\n\n{"b": "\\xff"}'
    )
    nothing = interaction({}, b"", status=0, reason="", headers=(), error="ConnectError", ended=Ended.DROPPED)
    assert report.wire(nothing) == "POST https://api.anthropic.com/v1/messages\n\n{}\n\nno response: ConnectError"


CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus" / "dev.jsonl"


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real traffic is not part of the repository")
def test_every_real_interaction_reads_as_a_conversation() -> None:
    rows = CORPUS.read_text(encoding="utf-8").strip().split("\n")
    assert len(rows) > 1000
    for row in rows:
        record = json.loads(row)
        answer = record["response_body"]
        response: dict[str, Any] = {"status": record["status"]}
        if record["response_headers"]:
            response["headers"] = tuple((name.lower(), content) for name, content in record["response_headers"])
        shown = report.conversation(
            [interaction(record["request_body"], answer.encode() if isinstance(answer, str) else answer, **response)],
            columns=80,
        )
        assert layout.plain(shown) == shown
        assert max(map(layout.width, shown.split("\n"))) <= 80
        assert "a block without type" not in shown
