"""However a recorded body is cut, joined again it is the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import JSON_HEADERS, STREAM_HEADERS, streamed

from pytest_messages.intercept.chunking import pieces
from pytest_messages.wire import Chunk, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAM = Response(200, "OK", STREAM_HEADERS, "data: é\r\n\r\ndata: b\n\n".encode(), (Chunk(100, 12), Chunk(300, 21)))
PLAIN = Response(200, "OK", JSON_HEADERS, b'{"a": 1}')
HOWS = ["event", "recorded", "whole", "split", "bytes:1", "bytes:7"]


def cut(response: Response, chunking: str, pace: str = "instant") -> list[bytes]:
    return [piece.data for piece in pieces(response, chunking=chunking, pace=pace)]


@pytest.mark.parametrize(
    ("chunking", "expected"),
    [
        ("event", ["data: é\r\n\r\n".encode(), b"data: b\n\n"]),
        ("recorded", ["data: é\r\n\r\n".encode(), b"data: b\n\n"]),
        ("whole", ["data: é\r\n\r\ndata: b\n\n".encode()]),
        ("bytes:15", [b"data: \xc3\xa9\r\n\r\ndat", b"a: b\n\n"]),
    ],
)
def test_each_way_to_cut_a_stream(chunking: str, expected: list[bytes]) -> None:
    assert cut(STREAM, chunking) == expected


def test_json_comes_in_one_piece_where_events_are_asked_for() -> None:
    assert cut(PLAIN, "event") == [b'{"a": 1}']


def test_what_was_recorded_before_a_body_was_edited_never_loses_its_end() -> None:
    shorter = Response(200, "OK", STREAM_HEADERS, STREAM.body + b": more\n\n", STREAM.chunks)
    assert cut(shorter, "recorded")[-1] == b": more\n\n"


def test_split_cuts_in_the_worst_places_and_alike_each_time() -> None:
    response = streamed("grüße " * 40)
    many = Response(200, "OK", STREAM_HEADERS, (response.body + b"data: \xc3\xa9\r\n\r\n") * 4)
    first = cut(many, "split")
    assert first == cut(many, "split")
    ends = {data[-1:] for data in first}
    assert {b"\r", b"\n", b"d", b"a", b":", b"\xc3"} <= ends


@pytest.mark.parametrize("chunking", HOWS)
@pytest.mark.parametrize("body", [b"", b"x"])
def test_the_smallest_bodies_are_served(chunking: str, body: bytes) -> None:
    assert b"".join(cut(Response(200, "OK", STREAM_HEADERS, body), chunking)) == body


@given(
    st.lists(st.sampled_from(["data: a", "é", "\r", "\n", "\r\n", "event: x", ": ", "d"]), max_size=60).map("".join),
    st.sampled_from(HOWS),
    st.lists(st.integers(0, 200), max_size=5).map(sorted),
)
def test_joined_again_it_is_the_body(text: str, chunking: str, ends: list[int]) -> None:
    body = text.encode()
    chunks = tuple(Chunk(n, min(end, len(body))) for n, end in enumerate(ends))
    found = cut(Response(200, "OK", STREAM_HEADERS, body, chunks), chunking)
    assert b"".join(found) == body
    assert b"" not in found


@pytest.mark.parametrize(
    ("pace", "times"), [("instant", [0.0, 0.0]), ("recorded", [0.1, 0.3]), ("2", [0.2, 0.6]), ("0.5", [0.05, 0.15])]
)
def test_the_pace_is_that_of_the_recording_by_a_factor(pace: str, times: list[float]) -> None:
    found = [piece.after for piece in pieces(STREAM, chunking="event", pace=pace)]
    assert found == pytest.approx(times)


def test_without_recorded_times_all_is_due_at_once_and_the_rest_with_the_last() -> None:
    assert [piece.after for piece in pieces(PLAIN, chunking="whole", pace="recorded")] == [0.0]
    longer = Response(200, "OK", STREAM_HEADERS, STREAM.body + b": x\n\n", STREAM.chunks)
    assert [piece.after for piece in pieces(longer, chunking="event", pace="recorded")] == pytest.approx(
        [0.1, 0.3, 0.3]
    )


def test_each_chunk_is_looked_at_once_and_only_where_a_pace_is_asked_for() -> None:
    looked: list[int] = []

    class Watched(tuple[Chunk, ...]):
        __slots__ = ()

        def __iter__(self) -> Iterator[Chunk]:
            for chunk in super().__iter__():
                looked.append(chunk.end)
                yield chunk

    body = b"data: x\n\n" * 200
    response = Response(200, "OK", STREAM_HEADERS, body, Watched(Chunk(n, 9 * n) for n in range(1, 201)))
    assert [piece.after for piece in pieces(response, chunking="event", pace="instant")] == [0.0] * 200
    assert looked == []
    due = [piece.after for piece in pieces(response, chunking="event", pace="recorded")]
    assert due == [n / 1000 for n in range(1, 201)]
    assert looked == [9 * n for n in range(1, 201)]
