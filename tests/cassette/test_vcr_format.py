from __future__ import annotations

import base64
import difflib
import gzip
import json
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_messages.cassette.document import Cassette, Interaction, Recording
from pytest_messages.cassette.reading import load, whole_interactions
from pytest_messages.cassette.writing import dump, dump_interaction
from pytest_messages.cassette.yaml_tree import NOT_BASE64, Source, expanded_size, parse
from pytest_messages.errors import CassetteError, CassetteFormatError, CassetteVersionError
from pytest_messages.wire import Chunk, Ended, Request, Response

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus" / "vcr"

URL = "https://api.anthropic.com/v1/messages"
JSON = (("content-type", "application/json"),)
STREAM = (("content-type", "text/event-stream; charset=utf-8"),)

NASTY = (
    "\r", "\n", "\t", " ", "\x00", "\x1b", "\x7f", "\x85", "\xa0", "\u2028", "\u2029", "\ufeff", "\ufffd", "\uffff",
    "\ud83d", "\ude00", "\U0001f600", "é", "---", "...", "%", "#", ": ", "- ", "'", '"', "\\", "|", ">", "&", "*", "!",
    "{", "[", "  ", "\n\n", "\n- request:", "\n  response:", "\n    ended: complete\n",
    "yes", "~", "0x1f", "1:20", "<<", "=",
)  # fmt: skip
text = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=5)), max_size=8).map("".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
dumps = st.sampled_from(
    (
        json.dumps,
        lambda value: json.dumps(value, separators=(",", ":")),
        lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
        lambda value: json.dumps(value, ensure_ascii=False),
        lambda value: json.dumps(value, ensure_ascii=False, indent=2),
        lambda value: json.dumps(value, indent=1, sort_keys=True),
    )
)
bodies = st.one_of(
    st.binary(max_size=20),
    text.map(lambda value: value.encode(errors="replace")),
    st.builds(lambda value, dump: dump(value).encode(errors="backslashreplace"), json_values, dumps),
)
words = text.map(lambda value: value.encode(errors="replace").decode())
names = words.filter(lambda name: name == name.lower())
headers = st.dictionaries(names, st.lists(words, min_size=1, max_size=2), max_size=3).map(
    lambda pairs: tuple((name, value) for name, values in pairs.items() for value in values)
)
plain_headers = headers.map(
    lambda pairs: tuple(pair for pair in pairs if pair[0] not in {"content-encoding", "content-length"})
)
responses = st.builds(
    Response,
    st.integers(0, 999),
    words,
    plain_headers,
    bodies,
    st.lists(st.builds(Chunk, st.integers(0, 10**6), st.integers(0, 10**6)), max_size=3).map(tuple),
    st.sampled_from(Ended),
    st.none() | words,
)
recordings = st.builds(Recording, at=st.none() | words, test=st.none() | words, provider=st.none() | words)
interactions = st.builds(
    lambda request, response, recording: Interaction(request, (response, recording)),
    st.builds(Request, words, words, plain_headers, bodies),
    responses,
    recordings,
)
cassettes = st.builds(
    lambda items, incomplete, salt: Cassette(interactions=tuple(items), incomplete=tuple(incomplete), salt=salt),
    st.lists(interactions, max_size=2),
    st.lists(words, max_size=2),
    st.none() | words,
)


def interaction(body: bytes = b"{}", answer: bytes = b"{}", **about: object) -> Interaction:
    response = Response(200, "OK", JSON, answer, **about)  # type: ignore[arg-type]  # a short hand for these tests
    return Interaction(Request("POST", URL, JSON, body), (response, Recording()))


def cassette_of(*items: Interaction) -> Cassette:
    return Cassette(interactions=items)


WRITTEN = """\
# pytest-messages cassette 1
version: 1
salt: a1
incomplete:
- tests/test_chat.py::test_hello[x]
interactions:
- request:
    method: POST
    uri: https://api.anthropic.com/v1/messages?beta=true
    headers:
      anthropic-version:
      - '2023-06-01'
      content-type:
      - application/json
    body: |-
      {
        "model": "claude-sonnet-4-5",
        "messages": [
          {
            "role": "user",
            "content": "Hello, ✨\\u2028"
          }
        ],
        "tools": []
      }
  response:
    status:
      code: 200
      message: OK
    headers:
      content-type:
      - text/event-stream; charset=utf-8
    body:
      string: |+
        event: message_start
        data: {"type":"message_start" }

        event: ping
        data: {"type": "ping"}

  recording:
    at: '2026-11-21T10:00:00Z'
    test: tests/test_chat.py::test_hello
    provider: anthropic
    chunks: '412:53 433'
    ended: complete
- request:
    method: POST
    uri: https://api.anthropic.com/v1/messages
    headers: {}
    body: ''
  response:
    status:
      code: 0
      message: ''
    headers: {}
    body:
      string: ''
  recording:
    error: ConnectError
    ended: dropped
"""


def written() -> Cassette:
    body = {
        "model": "claude-sonnet-4-5",
        "messages": [{"role": "user", "content": "Hello, ✨\u2028"}],
        "tools": [],
    }
    stream = b'event: message_start\ndata: {"type":"message_start" }\n\nevent: ping\ndata: {"type": "ping"}\n\n'
    first = Interaction(
        Request(
            "POST",
            f"{URL}?beta=true",
            (("anthropic-version", "2023-06-01"), *JSON),
            json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
        ),
        (
            Response(200, "OK", STREAM, stream, (Chunk(412, 53), Chunk(433, len(stream)))),
            Recording(at="2026-11-21T10:00:00Z", test="tests/test_chat.py::test_hello", provider="anthropic"),
        ),
    )
    second = Interaction(Request("POST", URL), (Response(0, ended=Ended.DROPPED, error="ConnectError"), Recording()))
    return Cassette(interactions=(first, second), incomplete=("tests/test_chat.py::test_hello[x]",), salt="a1")


class TestWriting:
    def test_a_cassette_is_the_documented_text(self) -> None:
        assert dump(written()) == WRITTEN

    def test_an_interaction_is_its_item_of_the_file(self) -> None:
        cassette = written()
        head = WRITTEN[: WRITTEN.index("- request:")]
        assert head + "".join(map(dump_interaction, cassette.interactions)) == WRITTEN

    def test_no_interactions_are_an_empty_list(self) -> None:
        assert dump(Cassette()) == "# pytest-messages cassette 1\nversion: 1\ninteractions: []\n"

    @pytest.mark.parametrize(
        ("body", "written"),
        [
            ("", "''"),
            ("a", "|-\n        a"),
            ("a\n", "|\n        a"),
            ("a\n\n", "|+\n        a\n"),
            ("\n", "|2+\n"),
            ("\n\n", "|2+\n\n"),
            (" a", "|2-\n         a"),
            ("\ta\tb ", "|2-\n        \ta\tb "),
            ("\na", "|2-\n\n        a"),
            ("a\n\n b\n", "|\n        a\n\n         b"),
            ("---\n...\n%\n# \U0001f600", "|-\n        ---\n        ...\n        %\n        # \U0001f600"),
            ("- request:\nended: complete", "|-\n        - request:\n        ended: complete"),
            ("a\r\n", '"a\\r\\n"'),
            ("\x85\u2028\u2029\ufeff\x00\x7f", '"\\u0085\\u2028\\u2029\\ufeff\\u0000\\u007f"'),
            ('\r\t"\\', '"\\r\\t\\"\\\\"'),
            (b"\xff\x00", "!!binary |-\n        /wA="),
            (b"\xff" * 60, f"!!binary |-\n        {'/' * 76}\n        ////"),
        ],
    )
    def test_a_body_is_a_literal_block_or_one_quoted_line(self, body: str | bytes, written: str) -> None:
        content = body if isinstance(body, bytes) else body.encode()
        text = dump_interaction(interaction(answer=content))
        assert text.partition("      string: ")[2].partition("  recording:")[0] == written + "\n"
        assert load(dump(cassette_of(interaction(answer=content))), "c").interactions[0].response.body == content

    @pytest.mark.parametrize(
        ("value", "written"),
        [
            ("POST", "POST"),
            ("text/event-stream; charset=utf-8", "text/event-stream; charset=utf-8"),
            ("tests/a.py::t[a:b, c]", "tests/a.py::t[a:b, c]"),
            ("a#b", "a#b"),
            ("a #b", "'a #b'"),
            ("a: b", "'a: b'"),
            ("a:", "'a:'"),
            ("a ", "'a '"),
            ("", "''"),
            ("it's", "it's"),
            ("'s", "'''s'"),
            ("No", "'No'"),
            ("NULL", "'NULL'"),
            ("y", "'y'"),
            ("2023-06-01", "'2023-06-01'"),
            ("*", "'*'"),
            ("é", "'é'"),
            ('a"b', "'a\"b'"),
            ("a\nb", '"a\\nb"'),
            ("a\tb", '"a\\tb"'),
            ("a\x85", '"a\\u0085"'),
            ("a\udc80", '"a\\ufffd"'),
        ],
    )
    def test_a_word_is_quoted_where_a_reader_could_take_it_for_something_else(self, value: str, written: str) -> None:
        text = dump_interaction(Interaction(Request(value, URL), (Response(200), Recording())))
        assert text.splitlines()[1] == f"    method: {written}"
        assert yaml.safe_load(text)[0]["request"]["method"] == value.replace("\udc80", "\ufffd")

    def test_headers_of_one_name_stand_together(self) -> None:
        pairs = (("a", "1"), ("b", "2"), ("a", "3"))
        text = dump(cassette_of(Interaction(Request("GET", URL, pairs), (Response(200), Recording()))))
        assert load(text, "c").interactions[0].request.headers == (("a", "1"), ("a", "3"), ("b", "2"))

    def test_one_word_of_a_prompt_and_one_field_of_an_answer_are_two_lines_of_difference(self) -> None:
        def conversation(word: str, tokens: int) -> str:
            items = [
                Interaction(
                    Request("POST", URL, JSON, json.dumps({"n": n, "messages": [word if n == 1 else "same"]}).encode()),
                    (
                        Response(
                            200,
                            "OK",
                            JSON,
                            answer := json.dumps(
                                {"id": n, "usage": {"output_tokens": tokens if n == 2 else 7}}
                            ).encode(),
                            (Chunk(5, len(answer)),),
                        ),
                        Recording(at="2026-11-21T10:00:00Z"),
                    ),
                )
                for n in range(4)
            ]
            return dump(cassette_of(*items))

        before, after = conversation("red", 9), conversation("green", 1000)
        changes = [
            line
            for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
            if not line.startswith(("---", "+++", "@@"))
        ]
        assert changes == [
            '-          "red"',
            '+          "green"',
            '-            "output_tokens": 9',
            '+            "output_tokens": 1000',
        ]


class TestJson:
    @pytest.mark.parametrize(
        ("body", "style"),
        [
            ('{"a":[1,2.5,null,true],"b":{}}', "compact"),
            ('{"a": [1, 2.5, null, true], "b": {}}', "spaced"),
            ('{"a":"é\U0001f600"}', "compact"),
            ('{"a": "\\u00e9\\ud83d\\ude00"}', "spaced"),
            ('{"a":"\\u00e9"}', "compact ascii"),
            ('{"a": "é"}', "spaced utf-8"),
            ('{"a":"\\ud83d"}', "compact"),
            ('["\x7f\u2028"]', "compact"),
            ("[1]", "compact"),
        ],
    )
    def test_a_usual_dump_is_stored_a_key_a_line_and_comes_back_byte_for_byte(self, body: str, style: str) -> None:
        cassette = cassette_of(interaction(body.encode(), body.encode()))
        document = yaml.safe_load(dump(cassette))["interactions"][0]
        assert document["recording"]["json"] == style
        assert document["recording"].get("request_json", "compact") == style
        for stored in (document["request"]["body"], document["response"]["body"]["string"]):
            assert stored.startswith(("{\n  ", "[\n  "))
            assert json.loads(stored) == json.loads(body)
        assert load(dump(cassette), "c") == cassette

    @pytest.mark.parametrize(
        "body",
        [
            '{"a":1,"a":2}',
            '{"a":1e3}',
            '{"a":NaN}',
            '{"a":-0}',
            '{"a" : 1}',
            '{"a":1} ',
            '{"a":1, "b":2}',
            '{"a":"\\/"}',
            '{"a":"\\uD83D"}',
            '{\n  "a": 1\n}',
            "[\n",
            "{",
            "{}",
            "[]",
            "3",
            '"a"',
            "[" * 150 + "]" * 150,
            "[" * 5000 + "]" * 5000,
            '{"a":' + "1" * 5000 + "}",
        ],
    )
    def test_any_other_text_is_kept_as_it_came(self, body: str) -> None:
        cassette = cassette_of(interaction(body.encode(), body.encode()))
        text = dump(cassette)
        document = yaml.safe_load(text)["interactions"][0]
        assert document["request"]["body"] == document["response"]["body"]["string"] == body
        assert "json" not in document["recording"]
        assert load(text, "c") == cassette
        assert dump(load(text, "c")) == text

    def test_a_body_edited_by_hand_is_named_by_its_place(self) -> None:
        text = dump(cassette_of(interaction(b'{"a":1,"b":2}', b'{"c":1,"d":2}')))
        with pytest.raises(CassetteFormatError, match=r"^c:13:13: the body is not JSON any more: ") as request_error:
            load(text.replace('"b": 2', '"b" 2'), "c")
        assert (request_error.value.line, request_error.value.column) == (13, 13)
        answer = load(text.replace('"d": 2', '"d" 2'), "c").interactions[0]
        with pytest.raises(CassetteFormatError, match="the body is not JSON any more") as answer_error:
            _ = answer.response
        line = text.splitlines().index('          "d": 2') + 1
        assert (answer_error.value.line, answer_error.value.column) == (line, 15)

    def test_a_quoted_body_that_is_not_json_is_named_too(self) -> None:
        text = dump(cassette_of(interaction(answer=b'{"c":1}'))).replace(
            'string: |-\n        {\n          "c": 1\n        }', "string: '{'"
        )
        with pytest.raises(CassetteFormatError, match="the body is not JSON any more"):
            _ = load(text, "c").interactions[0].response

    @pytest.mark.parametrize("value", ["1" * 5000, "[" * 200_000 + "]" * 200_000])
    def test_a_body_edited_beyond_reading_is_an_error(self, value: str) -> None:
        text = dump(cassette_of(interaction(answer=b'{"c":1}'))).replace('"c": 1', f'"c": {value}')
        with pytest.raises(CassetteFormatError, match=r"^c:13:5: the body is JSON beyond what can be read"):
            _ = load(text, "c").interactions[0].response

    def test_a_body_that_is_not_json_in_a_file_of_json(self) -> None:
        document = yaml.safe_load(dump(cassette_of(interaction(answer=b'{"c":1}'))))
        document["interactions"][0]["response"]["body"]["string"] = "{"
        with pytest.raises(CassetteFormatError) as error:
            load(json.dumps(document), "c")
        said = "the body is not JSON any more: Expecting property name enclosed in double quotes"
        assert (str(error.value), error.value.line) == (f"c: {said}", None)

    def test_a_parsed_body_in_a_file_of_json_may_be_nested_too_deeply(self) -> None:
        deep = '{"parsed_body": ' + '{"a": ' * 700 + "1" + "}" * 700 + ', "status": 200}'
        text = f'{{"interactions": [{{"request": {{"method": "P", "uri": "u"}}, "response": {deep}}}]}}'
        with pytest.raises(CassetteFormatError, match="nested too deeply"):
            load(text, "c")

    def test_a_style_that_is_none_is_an_error(self) -> None:
        text = dump(cassette_of(interaction(answer=b'{"c":1}'))).replace("json: compact", "json: pretty")
        with pytest.raises(CassetteFormatError, match="compact, spaced, compact ascii, spaced utf-8, not 'pretty'"):
            _ = load(text, "c").interactions[0].response


class TestLaws:
    @given(cassettes)
    @settings(max_examples=50, deadline=None)
    def test_what_is_written_is_read_again_and_written_the_same(self, cassette: Cassette) -> None:
        written = dump(cassette)
        assert load(written, "c") == cassette
        assert load(written.encode(), "c") == cassette
        assert dump(load(written, "c")) == written

    @given(cassettes)
    @settings(max_examples=20, deadline=None)
    def test_another_parser_reads_the_same_document(self, cassette: Cassette) -> None:
        document = yaml.load(dump(cassette), yaml.SafeLoader)
        assert [item["request"]["uri"] for item in document["interactions"]] == [
            item.request.url for item in cassette.interactions
        ]
        for stored, item in zip(document["interactions"], cassette.interactions, strict=True):
            body = stored["response"]["body"]["string"]
            content = body if isinstance(body, bytes) else body.encode()
            assert content == item.response.body or json.loads(content) == json.loads(item.response.body)

    @given(cassettes)
    @settings(max_examples=20, deadline=None)
    def test_only_keys_stand_in_the_first_column(self, cassette: Cassette) -> None:
        first = [line for line in dump(cassette).split("\n") if line and not line.startswith(" ")]
        items = [line for line in first if line == "- request:"]
        assert len(items) == len(cassette.interactions)
        assert all(line.startswith(("# ", "version", "salt", "incomplete", "interactions", "- ")) for line in first)

    def test_a_file_cut_anywhere_is_an_error_or_whole(self) -> None:
        cassette = written()
        ends = [0]
        for item in cassette.interactions:
            ends.append(ends[-1] + len(dump_interaction(item)))
        head = len(WRITTEN) - ends[-1]
        boundaries = {head + ends[1]: 1, head + ends[2]: 2, head + ends[1] - 1: 1, head + ends[2] - 1: 2}
        for cut in range(len(WRITTEN) + 1):
            if cut in boundaries:
                assert load(WRITTEN[:cut], "c").interactions == cassette.interactions[: boundaries[cut]]
            else:
                with pytest.raises(CassetteError):
                    load(WRITTEN[:cut], "c")

    def test_the_whole_interactions_of_a_cut_file(self) -> None:
        first = WRITTEN.index("- request:", WRITTEN.index("- request:") + 1)
        for cut in range(len(WRITTEN)):
            assert whole_interactions(WRITTEN[:cut]) == (WRITTEN[:first] if cut >= first else "")
        assert whole_interactions(WRITTEN) == WRITTEN


class TestOnDemand:
    def test_a_response_is_read_when_it_is_asked_for(self) -> None:
        damaged = WRITTEN.replace("      message: OK", "     message: OK")
        item = load(damaged, "c.yaml").interactions[0]
        assert item.request == written().interactions[0].request
        with pytest.raises(CassetteFormatError, match=r"^c\.yaml:29:6: this is not YAML: ") as error:
            _ = item.response
        assert (error.value.path, error.value.line, error.value.column) == ("c.yaml", 29, 6)

    def test_chunks_are_read_when_they_are_asked_for(self) -> None:
        response = load(WRITTEN.replace("412:53", "x:53"), "c").interactions[0].response
        assert response.body.endswith(b'"ping"}\n\n')
        with pytest.raises(CassetteFormatError, match=r"^c:45:13: chunks are pairs"):
            len(response.chunks)

    def test_chunks_behave_as_their_tuple(self) -> None:
        chunks = load(WRITTEN, "c").interactions[0].response.chunks
        expected = (Chunk(412, 53), Chunk(433, 90))
        assert (chunks, hash(chunks), repr(chunks)) == (expected, hash(expected), repr(expected))
        assert (len(chunks), chunks[-1], chunks[:1], list(chunks)) == (2, expected[1], expected[:1], [*expected])
        assert chunks == load(WRITTEN, "c").interactions[0].response.chunks
        assert expected == chunks


def foreign(request: str = "{method: POST, uri: u}", response: str = "{status: {code: 200}}", **more: str) -> str:
    extra = "".join(f"\n  {key}: {value}" for key, value in more.items())
    return f"version: 1\ninteractions:\n- request: {request}\n  response: {response}{extra}\n"


def answered(response: str, **more: str) -> Response:
    return load(foreign(response=response, **more), "c").interactions[0].response


GZIPPED = base64.b64encode(gzip.compress(b'{"a":1}', mtime=0)).decode()
CUT_SHORT = base64.b64encode(gzip.compress(b'{"a":1}', compresslevel=0, mtime=0)[:-10]).decode()
DEFLATED = base64.b64encode(zlib.compress(b"text")).decode()
RAW_DEFLATED = base64.b64encode(zlib.compress(b"text", wbits=-15)).decode()
TWICE = base64.b64encode(gzip.compress(zlib.compress(b"text"), mtime=0)).decode()


class TestForeignFiles:
    @pytest.mark.parametrize(
        ("body", "content"),
        [
            ("", b""),
            ("body: text", b"text"),
            ("body: 5", b"5"),
            ("body: true", b"true"),
            ("body: null", b""),
            ("body: {}", b""),
            ("body: {string: text}", b"text"),
            ("body: {string: null}", b""),
            ("body: {string: !!binary dGV4dA==}", b"text"),
            ("body: {encoding: UTF-8, string: é}", "é".encode()),
            ("body: {base64_string: dGV4dA==}", b"text"),
            ("body: {string: !!python/unicode text}", b"text"),
            ("content: text, status_code: 200", b"text"),
            ("parsed_body: {a: 'é', b: [1, null, 1.5, yes, 2024-01-01, '010', 1_0]}",
             '{"a":"é","b":[1,null,1.5,"yes","2024-01-01","010","1_0"]}'.encode()),
            ("body: {type: json, content: {a: 1.0e+20}}", b'{"a":1e+20}'),
            ("body: {type: text, content: 'a b'}", b"a b"),
            ("body: {type: text, content: 12:30}", b"12:30"),
            ("body: {type: text, content: 12}", b"12"),
            ("body: {type: binary, content: 00ff}", b"\x00\xff"),
            ("body: {type: none}", b""),
        ],
    )  # fmt: skip
    def test_a_response_body_in_any_form(self, body: str, content: bytes) -> None:
        assert answered(f"{{status: 200, {body}}}").body == content

    @pytest.mark.parametrize(
        ("body", "content"),
        [
            ("", b""),
            ("body: text", b"text"),
            ("body: !!binary /wA=", b"\xff\x00"),
            ("body: {model: m, type: json}", b'{"model":"m","type":"json"}'),
            ("body: !!python/tuple [1, 2]", b"[1,2]"),
            ("parsed_body: {model: m}", b'{"model":"m"}'),
            ("body: {type: json, content: {model: m}}", b'{"model":"m"}'),
            ("body: \"{\\n  'as it came'\"", b"{\n  'as it came'"),
        ],
    )
    def test_a_request_body_in_any_form(self, body: str, content: bytes) -> None:
        [item] = load(foreign(request=f"{{method: POST, uri: u, {body}}}"), "c").interactions
        assert item.request == Request("POST", "u", (), content)

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("{status: {code: 200, message: OK}}", (200, "OK")),
            ("{status: {code: 200, message: null}}", (200, "")),
            ("{status: {code: '404'}}", (404, "")),
            ("{status: 529}", (529, "")),
            ("{status_code: 201}", (201, "")),
        ],
    )
    def test_a_status_in_any_form(self, status: str, expected: tuple[int, str]) -> None:
        response = answered(status)
        assert (response.status, response.reason) == expected

    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ("{}", ()),
            ("null", ()),
            ("{X-A: [a, b], B: c}", (("x-a", "a"), ("x-a", "b"), ("b", "c"))),
            ("{a: 5, b: true, c: null, d: !!binary 6Q==}", (("a", "5"), ("b", "true"), ("c", ""), ("d", "é"))),
            ("[[a, b], [a, c]]", (("a", "b"), ("a", "c"))),
            ("{a: 2023-06-01, content-length: ['5'], transfer-encoding: [chunked]}", (("a", "2023-06-01"),)),
        ],
    )
    def test_headers_in_any_form(self, headers: str, expected: tuple[tuple[str, str], ...]) -> None:
        assert answered(f"{{status: 200, headers: {headers}}}").headers == expected

    @pytest.mark.parametrize(
        ("codings", "stored", "content", "kept"),
        [
            ("gzip", GZIPPED, b'{"a":1}', False),
            ("GZIP", GZIPPED, b'{"a":1}', False),
            ("x-gzip", GZIPPED, b'{"a":1}', False),
            ("deflate", DEFLATED, b"text", False),
            ("deflate", RAW_DEFLATED, b"text", False),
            ("'deflate, gzip'", TWICE, b"text", False),
            ("identity", "dGV4dA==", b"text", False),
            ("gzip", CUT_SHORT, b'{"a":', False),
            ("gzip", "dGV4dA==", b"text", False),
            ("deflate", "dGV4dA==", b"text", False),
            ("lzma", "dGV4dA==", b"text", True),
        ],
    )
    def test_content_codings_are_undone(self, codings: str, stored: str, content: bytes, kept: bool) -> None:
        response = answered(
            f"{{status: 200, headers: {{content-encoding: {codings}}}, body: {{string: !!binary {stored}}}}}"
        )
        assert response == Response(200, "", (("content-encoding", codings),) if kept else (), content)

    @pytest.mark.parametrize(("coding", "library"), [("br", "brotli"), ("zstd", "zstandard")])
    def test_content_codings_of_other_libraries_are_undone_where_these_are_installed(
        self, coding: str, library: str
    ) -> None:
        module = pytest.importorskip(library, reason=f"{library} is not installed, and then such a body is kept")
        compressed = module.compress(b"text")
        for stored, expected in ((compressed, b"text"), (b"\x00 no such thing", b"\x00 no such thing")):
            encoded = base64.b64encode(stored).decode()
            response = answered(
                f"{{status: 200, headers: {{content-encoding: {coding}}}, body: {{string: !!binary {encoded}}}}}"
            )
            assert response.body == expected

    @pytest.mark.parametrize(
        ("missing", "expected"),
        [
            (["brotli"], "text text ()"),
            (["brotlicffi"], "text text ()"),
            (["brotli", "brotlicffi"], "kept text (('content-encoding', 'br'),)"),
            (["zstandard"], "text kept ()"),
        ],
    )
    def test_brotli_is_undone_by_either_library_and_kept_with_its_header_without_any(
        self, missing: list[str], expected: str, tmp_path: Path
    ) -> None:
        bodies = {"br": brotli.compress(b"text"), "zstd": zstandard.compress(b"text")}
        for coding, body in bodies.items():
            stored = base64.b64encode(body).decode()
            answer = f"{{status: 200, headers: {{content-encoding: {coding}}}, body: {{string: !!binary {stored}}}}}"
            (tmp_path / f"{coding}.yaml").write_text(
                f"interactions: [{{request: {{method: POST, uri: u}}, response: {answer}}}]"
            )
        script = (
            f"import sys, pathlib; sys.modules.update(dict.fromkeys({missing}))\n"
            "from pytest_messages.cassette.store import read\n"
            "br, zstd = (read(pathlib.Path(path)).interactions[0].response for path in sys.argv[1:])\n"
            "print(*('text' if each.body == b'text' else 'kept' for each in (br, zstd)), br.headers)"
        )
        command = [sys.executable, "-c", script, *(str(tmp_path / f"{coding}.yaml") for coding in bodies)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.stdout.strip() == expected, run.stderr

    @pytest.mark.parametrize("coding", ["br", "gzip", "deflate", "zstd"])
    @pytest.mark.parametrize("text", ['{"type":"message"}', "event: ping\ndata: {}\n\n", "{}", "x", "é😀"])
    def test_a_body_that_was_decoded_before_is_left_alone(self, coding: str, text: str) -> None:
        stored = base64.b64encode(text.encode()).decode()
        response = answered(
            f"{{status: 200, headers: {{content-encoding: {coding}}}, body: {{string: !!binary {stored}}}}}"
        )
        assert response.body == text.encode()

    def test_cassetter_says_when(self) -> None:
        [item] = load(foreign(recorded_at="2026-11-22T01:26:42.96+00:00"), "c").interactions
        assert item.recording == Recording(at="2026-11-22T01:26:42.96+00:00")

    def test_a_file_of_another_tool_is_told_from_ours(self) -> None:
        assert load(foreign(), "c") == Cassette(
            interactions=(Interaction(Request("POST", "u"), (Response(200), Recording())),), own=False
        )

    def test_an_alias_is_its_value(self) -> None:
        text = foreign("{method: POST, uri: u, headers: {a: &h [b], c: *h}}")
        assert load(text, "c").interactions[0].request.headers == (("a", "b"), ("c", "b"))

    def test_vcr_py_writes_json_too(self) -> None:
        document = {
            "version": 1,
            "interactions": [
                {
                    "request": {"method": "POST", "uri": "u", "headers": {"A": ["b"]}, "body": "\U0001f600"},
                    "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "x"}},
                }
            ],
        }
        [item] = load(json.dumps(document, indent=4), "c.json").interactions
        assert item == Interaction(
            Request("POST", "u", (("a", "b"),), "\U0001f600".encode()), (Response(200, "OK", (), b"x"), Recording())
        )

    def test_our_own_file_that_another_formatter_indented_is_read_whole(self) -> None:
        head, items = WRITTEN.split("interactions:\n")
        moved = head + "interactions:\n" + textwrap.indent(items, "  ")
        assert load(moved, "c") == written()

    def test_our_own_file_with_newlines_that_git_turned(self) -> None:
        assert load(WRITTEN.replace("\n", "\r\n"), "c") == written()
        assert load("\ufeff" + WRITTEN, "c") == written()

    def test_a_last_newline_more_or_less_is_no_damage(self) -> None:
        assert load(WRITTEN.rstrip("\n"), "c") == written()
        assert load(WRITTEN + "\n\n", "c") == written()

    def test_original_cassettes_are_read_as_vcr_py_reads_them(self) -> None:
        if not CORPUS.is_dir():
            pytest.skip("the original cassettes of other projects are not on this machine")
        from vcr.filters import decode_response  # type: ignore[import-untyped]  # it has no types
        from vcr.serialize import deserialize  # type: ignore[import-untyped]  # it has no types
        from vcr.serializers import yamlserializer  # type: ignore[import-untyped]  # it has no types

        files = sorted(path for path in CORPUS.rglob("*") if path.is_file())
        assert len(files) == 91
        for path in files:
            content = path.read_text(encoding="utf-8")
            cassette = load(content, str(path))
            assert cassette.interactions
            if "parsed_body:" in content:
                for item, raw in zip(cassette.interactions, yaml.safe_load(content)["interactions"], strict=True):
                    if "parsed_body" in raw["request"]:
                        assert json.loads(item.request.body) == raw["request"]["parsed_body"]
                    if "parsed_body" in raw["response"]:
                        assert json.loads(item.response.body) == raw["response"]["parsed_body"]
            else:
                requests, answers = deserialize(content, yamlserializer)
                assert [item.request.body for item in cassette.interactions] == [
                    request.body or b"" for request in requests
                ]
                assert [item.response.body for item in cassette.interactions] == [
                    decode_response(answer)["body"]["string"] for answer in answers
                ]
            ours = dump(cassette)
            assert load(ours, "c").interactions == cassette.interactions
            assert dump(load(ours, "c")) == ours


def bomb(levels: int) -> str:
    lists = "".join(f", l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, levels))
    return f"{{status: 200, parsed_body: {{l0: &l0 [x]{lists}}}}}"


class TestValues:
    @pytest.mark.parametrize(
        ("written", "value"),
        [
            *((word, None) for word in ("~", "null", "Null", "NULL", "", "!!null ''")),
            *((word, True) for word in ("true", "True", "TRUE", "!!bool 'true'")),
            *((word, False) for word in ("false", "False", "FALSE")),
            ("12", 12),
            ("-3", -3),
            ("+3", 3),
            ("010", 10),
            ("!!int '5'", 5),
            ("1.5", 1.5),
            ("-.5e3", -500.0),
            ("1.", 1.0),
            ("6e-2", 0.06),
            ("!!float '1'", 1),
            *((word, word) for word in ("yes", "No", "on", "y", "2024-01-01", "1_000", "0x1f", "0o17", "1:30", ".inf")),
            *((word, word) for word in ("=", "<<", "1.2.3", "+", ".", "e5", "1e999", "1" * 5000)),
            ("'12'", "12"),
            ('"a\\nb"', "a\nb"),
            ("! 12", "12"),
            ("!!str 12", "12"),
            ("!!python/str a", "a"),
            ("!!python/unicode a", "a"),
            ("!!binary /wA=", b"\xff\x00"),
            ("[a, [b]]", ["a", ["b"]]),
            ("!!seq [a]", ["a"]),
            ("! [a]", ["a"]),
            ("!!python/tuple [a]", ["a"]),
            ("{a: {5: b, null: c}}", {"a": {"5": "b", "null": "c"}}),
            ("!!map {a: b}", {"a": "b"}),
            ("! {a: b}", {"a": "b"}),
            ("{a: &x [1], b: *x, &k c: 2}", {"a": [1], "b": [1], "c": 2}),
        ],
    )
    def test_a_scalar_is_what_yaml_1_2_takes_it_for(self, written: str, value: object) -> None:
        assert parse(f"- {written}\n", Source("c")) == [value]

    def test_aliases_count_each_time(self) -> None:
        assert expanded_size(parse("[&a [1, 2], *a, {b: *a}]", Source("c")), {}) == 11


class TestErrors:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "c: the file is empty"),
            ("# only a comment\n", "c: the file is empty"),
            ("just text", "c:1:1: this is no cassette: it is no mapping"),
            ("a: 1\nb: 2\n", "c:1:1: this is no cassette: it has no list of interactions"),
            ("version: 1\ninteractions: 5\n", "c:2:15: this is no cassette: it has no list of interactions"),
            ("version: 1\ninteractions:\n", "c:2:14: this is no cassette: it has no list of interactions"),
            ("version: 1\ninteractions: [5]\n", "c:2:15: interactions is a mapping, or a list of them"),
            ("interactions:\n- response: {}\n", "c:2:3: an interaction has a request"),
            ("interactions:\n- request: {method: a, uri: u}\n", "c:2:3: an interaction has a response"),
            ("interactions:\n- request: 5\n  response: {}\n", "c:2:12: request is a mapping, or a list of them"),
            (foreign("{uri: u}"), "c:3:12: a request has a method, which is text"),
            (foreign("{method: POST, uri: [u]}"), "c:3:32: a request has a uri, which is text"),
            (foreign("{method: P, uri: u, headers: 5}"), "c:3:41: headers are a mapping of names to values"),
            (foreign("{method: P, uri: u, headers: [[a]]}"), "c:3:41: headers are a mapping of names to values"),
            (foreign(response="{}"), "c:4:13: the status of a response is a number of at most three digits"),
            (foreign(response="{status: ok}"),
             "c:4:22: the status of a response is a number of at most three digits"),
            (foreign(response="{status: true}"),
             "c:4:22: the status of a response is a number of at most three digits"),
            (foreign(response="{status: 200, body: {base64_string: x}}"), f"c:4:33: {NOT_BASE64}"),
            (foreign(response="{status: 200, body: {type: binary, content: xy}}"),
             "c:4:33: a body of type binary is hexadecimal"),
            (foreign(response="{status: 200, parsed_body: [!!binary /wA=]}"),
             "c:4:13: a parsed body holds what JSON cannot say, or is nested too deeply"),
            (foreign(response="{status: 200, body: !!binary x}"), f"c:4:33: {NOT_BASE64}"),
            (foreign(recording="{ended: soon}"),
             "c:5:22: a response ended complete, dropped, timeout, closed, cancelled, not 'soon'"),
            ("version: 1\nincomplete: 5\ninteractions: []\n", "c:2:13: incomplete is a list of node ids"),
            ("version: 1\nincomplete: [5]\ninteractions: []\n", "c:2:13: incomplete is a list of node ids"),
            ("version: 1\n\tinteractions: []\n",
             "c:2:1: this is not YAML: found a tab character that violates indentation"),
            ("version: 1\nversion: 1\n", "c:2:1: the key 'version' stands here twice"),
            ("a: 1\n---\nb: 1\n", "c:2:1: a second document begins here"),
            ("a: *b\n", "c:1:4: nothing complete is called 'b'"),
            ("a: &b [*b]\n", "c:1:8: nothing complete is called 'b'"),
            ("? [a]\n: b\n", "c:1:3: a key must be text"),
            ("&a b: 1\n*a : 2\n", "c:2:1: a key must be text"),
            ("a: !!python/object:os.system {}\n",
             "c:1:4: values of the kind tag:yaml.org,2002:python/object:os.system are not read"),
            ("a: !!python/name:os.system ''\n",
             "c:1:4: values of the kind tag:yaml.org,2002:python/name:os.system are not read"),
            ("a: !!timestamp 2024-01-01\n",
             "c:1:4: values of the kind tag:yaml.org,2002:timestamp are not read"),
            ("a: b\nc: \x00\n", "c:2:4: this is not YAML: a character that must not stand in a file"),
            (b"a: b\n\xc3\xa9: \xff\n", "c:2:4: this is not UTF-8 text"),
            (b"\x7fELF\x02\x01\x01\x00", "c:1:1: this is not YAML: a character that must not stand in a file"),
            ("a: 'b\n", "c:2:1: this is not YAML: found unexpected end of stream"),
            ("<<<<<<< HEAD\nversion: 1\n", "c:2:8: this is not YAML: mapping values are not allowed in this context"),
            ("{", "c:1:2: this is not JSON: Expecting property name enclosed in double quotes"),
            ('{"a": 1, "a": 2}', "c: the key 'a' stands here twice"),
            ('{"a": ' * 100_000, "c: it is nested too deeply"),
            (foreign(response=bomb(12)), "c:4:13: its aliases stand for more values than a body can have"),
        ],
    )  # fmt: skip
    def test_what_is_no_cassette_is_an_error_with_its_place(self, content: str | bytes, message: str) -> None:
        with pytest.raises(CassetteFormatError) as error:
            load(content, "c")
        assert str(error.value) == message
        place = ":".join(str(number) for number in (error.value.line, error.value.column) if number is not None)
        assert message.startswith(f"c:{place}: " if place else "c: ")

    @pytest.mark.parametrize("deep", ["[" * 100_000, "- " * 100_000, '{"a": [' * 100_000])
    def test_what_is_nested_too_deeply_is_an_error_whichever_scanner_notices(self, deep: str) -> None:
        # PyYAML looks ahead and has a limit of its own since 6.0.4: the place depends on its version.
        with pytest.raises(CassetteFormatError, match=r"it is nested too deeply$"):
            load(deep, "c")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("version: 2\ninteractions: []\n", "c: version 2 is not read, only version 1"),
            ("version: '1'\ninteractions: []\n", "c: version '1' is not read, only version 1"),
            ("- request: {}\n  response: {}\n",
             "c: a list is VCR.py's old format, from before version 1; record the cassette again"),
            (WRITTEN.replace("cassette 1", "cassette 2"),
             "c: the cassette is of version 2; a newer pytest-messages reads it"),
            (WRITTEN.replace("version: 1", "version: 3"), "c: version 3 is not read, only version 1"),
        ],
    )  # fmt: skip
    def test_another_version_is_an_error_of_its_own(self, content: str, message: str) -> None:
        with pytest.raises(CassetteVersionError) as error:
            load(content, "c")
        assert str(error.value) == message

    @pytest.mark.parametrize(
        ("damage", "message"),
        [
            (("    ended: dropped\n", ""),
             "c:60:24: interaction 2 does not end with its line `ended:`: the file is cut short"),
            (("  response:", "  responses:"), "c:7:1: interaction 1 has no response"),
            (("interactions:\n", "interactions: []\n"), "c:6:15: interactions are listed here and below"),
            (("interactions:\n", ""), "c:2:1: interactions are listed here and below"),
            (("    method: POST", "  method: POST"), "c:9:8: this is not YAML: "),
            (("- request:\n    method: POST", "- request:\n  method: POST"), "c:9:8: this is not YAML: "),
            (("    uri: https", "    uri : [https"), "c:10:12: this is not YAML: "),
        ],
    )  # fmt: skip
    def test_damage_of_our_own_file_is_named_by_the_place_in_the_file(
        self, damage: tuple[str, str], message: str
    ) -> None:
        with pytest.raises(CassetteFormatError) as error:
            load(WRITTEN.replace(*damage, 1), "c")
        assert str(error.value).startswith(message)

    @given(st.binary(max_size=60) | text.map(lambda value: value.encode(errors="replace")))
    @settings(max_examples=80, deadline=None)
    def test_junk_is_never_a_cassette_and_never_another_error(self, junk: bytes) -> None:
        with pytest.raises((CassetteFormatError, CassetteVersionError)):
            load(junk, "c")

    @given(st.data())
    @settings(max_examples=100, deadline=None)
    def test_a_damaged_file_is_read_or_refused_by_name(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(WRITTEN) - 1))
        damaged = WRITTEN[:at] + data.draw(text) + WRITTEN[at + data.draw(st.integers(0, 3)) :]
        try:
            for item in load(damaged.encode(errors="replace"), "c").interactions:
                assert len(item.response.chunks) <= 3
        except CassetteError as error:
            assert error.path == "c"  # noqa: PT017 - either outcome is right
