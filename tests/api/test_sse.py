"""Server-sent events: the standard's framing, whatever the chunking, beside two other decoders."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from anthropic._streaming import SSEDecoder
from httpx2._sse import _SSEParser
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_messages.api.sse import Blocks, Event, blocks, decode, encode, event_ends
from pytest_messages.errors import StreamError

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus" / "dev.jsonl"

PIECES = st.sampled_from(
    [
        b"event: ping", b"data: {}", b"data:x", b"data", b"data: ", b": note", b":", b"id: 7", b"id: a\0b",
        b"id", b"retry: 10", b"retry: ten", b"nonsense", b"dta: {}", b"event:", b" data: x", b"\xef\xbb\xbf",
        "data: ü€😀".encode(),
        b"data: \xff\xc3", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"event: a\ndata: b\n\n",
        b"event: \xff\ndata: \xfe\n\n", b"\xe2",
    ]
)  # fmt: skip
BODIES = st.one_of(st.lists(PIECES).map(b"".join), st.binary())


def cut(body: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[start:end] for start, end in pairwise(ends)]


def read_in_pieces(pieces: list[bytes]) -> tuple[Event, ...]:
    reader = Blocks()
    read = [event for piece in pieces for event in reader.feed(piece)]
    return (*read, *reader.flush())


@given(BODIES, st.lists(st.integers(min_value=0)))
@example(b"data: x\r\n\r\ndata: y\r\r", [10])
def test_the_cuts_between_pieces_change_nothing_not_even_an_offset(body: bytes, places: list[int]) -> None:
    assert read_in_pieces(cut(body, places)) == blocks(body)
    assert read_in_pieces([body[at : at + 1] for at in range(len(body))]) == blocks(body)


@given(BODIES)
def test_blocks_lie_in_order_and_between_them_are_only_line_breaks(body: bytes) -> None:
    read = blocks(body)
    edges = [0, *(edge for block in read for edge in (block.start, block.end)), len(body)]
    assert edges == sorted(edges)
    gaps = [body[edges[at] : edges[at + 1]] for at in range(0, len(edges), 2)]
    assert set(b"".join(gaps).removeprefix(b"\xef\xbb\xbf")) <= set(b"\r\n")
    assert event_ends(body) == [block.end for block in read if block.dispatched]


def in_httpx2(body: bytes) -> list[tuple[str, str, str, int | None]]:
    parser = _SSEParser()
    events = [*parser.decode(body.decode(errors="replace")), *parser.flush()]
    return [(event.event, event.data, event.id, event.retry) for event in events]


def in_anthropic(body: bytes) -> list[tuple[str, str, str, int | None]]:
    events = SSEDecoder().iter_bytes(iter([body]))
    return [(event.event or "message", event.data, event.id or "", event.retry) for event in events]


def like_them(body: bytes) -> list[tuple[str, str, str, int | None]]:
    return [(event.name or "message", event.data, event.id, event.retry) for event in decode(body)]


FIELDS = [b"event: ping", b"event:a", b": c", b"id: 7", b"id: a\0b", b"retry: 10", b"dta: {}", b"x"]
DATA = [b"data: {}", b"data:x", b"data: ", b"data", "data: ü€😀\u2028\x85".encode()]
# Both other decoders also hand out blocks without a data line, which the standard drops, and read `retry` with `int`.
SHARED = st.lists(
    st.tuples(
        st.lists(st.sampled_from(FIELDS)),
        st.lists(st.sampled_from(DATA), min_size=1),
    )
).flatmap(
    lambda parts: st.sampled_from([b"\n", b"\r\n", b"\r"]).map(
        lambda end: b"".join(end.join([*fields, *data, b"", b""]) for fields, data in parts)
    )
)


@given(SHARED, st.sampled_from([b"", b"data: unfinished", b": c\n", b"event: x\ndata: {}\n"]))
def test_two_other_decoders_read_the_same_events(body: bytes, tail: bytes) -> None:
    assert like_them(body + tail) == in_httpx2(body + tail) == in_anthropic(body + tail)


def test_every_recorded_stream_reads_as_in_two_other_decoders() -> None:
    if not CORPUS.exists():
        pytest.skip("the recorded traffic is not beside this checkout")
    records = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    streams = [record["response_body"].encode() for record in records if record["kind"] == "sse"][::8]
    assert len(streams) > 50
    for body in streams:
        assert like_them(body) == in_httpx2(body) == in_anthropic(body)


def test_a_block_tells_all_that_stood_in_it() -> None:
    body = b"\xef\xbb\xbf\n: note\nid: 7\nevent: a\nretry: 10\nfoo: bar\ndata: x\ndata:  y\n\nevent: b\n\ndata: z"
    assert blocks(body) == (
        Event("a", "x\n y", 4, 63, id="7", retry=10, lines=2, comments=("note",), ignored=("foo: bar",)),
        Event("b", "", 63, 73, id="7", lines=0),
        Event(None, "z", 73, 80, id="7", ended=False),
    )
    assert decode(body) == blocks(body)[:1]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_of_three_ways(end: str) -> None:
    body = end.join(["event: a", "data: 1", "data: 2", "", "data: 3", "", ""]).encode()
    assert [(event.name, event.data) for event in decode(body)] == [("a", "1\n2"), (None, "3")]
    assert event_ends(body)[-1] == len(body)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("id: a\0b", ("", None, ("id: a\0b",))),
        ("retry: 1.5", ("", None, ("retry: 1.5",))),
        ("retry: " + "9" * 5000, ("", None, ("retry: " + "9" * 5000,))),
        ("Data: x", ("", None, ("Data: x",))),
        ("id", ("", None, ())),
        ("retry:5", ("", 5, ())),
    ],
)
def test_fields_count_only_as_the_standard_spells_them(
    field: str, expected: tuple[str, int | None, tuple[str, ...]]
) -> None:
    (block,) = blocks(f"{field}\ndata: x\n\n".encode())
    assert (block.id, block.retry, block.ignored) == expected


def test_an_id_stays_until_the_next_one() -> None:
    assert [event.id for event in decode(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")] == ["1", "1", ""]


@pytest.mark.parametrize(
    ("body", "offset"),
    [(b"event: a\ndata: \xff\n\n", 15), (b"event: \xc3\ndata: \xff\n\n", 7), (b": n\ndata: a\xe2\x82\n\n", 11)],
)
def test_bytes_that_are_no_text_are_read_as_the_standard_says_and_named_where_asked(body: bytes, offset: int) -> None:
    (event,) = decode(body)
    assert event.undecodable == offset
    assert event.data.endswith("\ufffd")
    with pytest.raises(StreamError) as caught:
        decode(body, errors="strict")
    assert caught.value.offset == offset


def test_sound_text_passes_the_strict_reading() -> None:
    assert decode("data: ü\n\n".encode(), errors="strict") == (Event(None, "ü", 0, 10),)


@given(
    st.one_of(st.none(), st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)),
    st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])),
)
def test_what_was_encoded_reads_back(name: str | None, data: str) -> None:
    body = encode(name, data)
    assert [(event.name, event.data, event.end) for event in decode(body)] == [(name, data, len(body))]


@pytest.mark.parametrize("name", ["a\nb", "a\rb"])
def test_a_name_of_two_lines_cannot_be_encoded(name: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        encode(name, "x")


def test_encoding_is_the_form_of_the_documentation() -> None:
    assert encode("ping", '{"type": "ping"}') == b'event: ping\ndata: {"type": "ping"}\n\n'
