"""A form in parts is compared by what it says, not by the boundary that a client drew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from pytest_messages.api.multipart import FormPart, described, pieces, with_contents
from pytest_messages.findings import Difference
from pytest_messages.matching import Matching
from pytest_messages.scrubbing import Scrubber
from pytest_messages.wire import Request, Scrubbed

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://api.anthropic.com/v1/files"
FILE = ("a b.txt", b"one\r\n--two\x00\xff", "text/plain")


def by_httpx(name: str = "a b.txt") -> bytes:
    return httpx.Request("POST", URL, files={"file": (name, *FILE[1:])}, data={"purpose": "x"}).read()


def by_requests(name: str = "a b.txt") -> bytes:
    ready = requests.Request("POST", URL, files={"file": (name, *FILE[1:])}, data={"purpose": "x"}).prepare()
    assert isinstance(ready.body, bytes)
    return ready.body


def by_urllib3(name: str = "a b.txt") -> bytes:
    return urllib3.encode_multipart_formdata([("purpose", "x"), ("file", (name, *FILE[1:]))])[0]


CLIENTS = [by_httpx, by_requests, by_urllib3]


def sent(body: bytes) -> Scrubbed:
    return Scrubbed(Request("POST", URL, (), body))


@pytest.mark.parametrize("made", CLIENTS)
def test_a_form_answers_to_itself_whatever_its_boundary(made: Callable[..., bytes]) -> None:
    one, other = made(), made()
    assert one != other
    matching = Matching()
    assert matching.recorded_key(sent(one)) == matching.key(sent(other))
    assert matching.compare(sent(one), sent(other)) == ()


@pytest.mark.parametrize("made", CLIENTS)
def test_what_a_form_says_counts_and_is_told_by_part(made: Callable[..., bytes]) -> None:
    matching = Matching()
    assert matching.recorded_key(sent(made())) != matching.key(sent(made("c.txt")))
    assert matching.compare(sent(made()), sent(made("c.txt"))) == (Difference("parts[1].filename", "a b.txt", "c.txt"),)


def test_all_clients_say_the_same() -> None:
    assert described(by_httpx()) == described(by_requests()) == described(by_urllib3())


def test_a_part_is_left_out_like_any_other_place() -> None:
    matching = Matching(ignore=["parts[1].filename"])
    assert matching.recorded_key(sent(by_httpx())) == matching.key(sent(by_httpx("c.txt")))


def test_a_json_body_that_looks_like_a_description_is_no_form() -> None:
    matching, form = Matching(), b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n'
    described_in_json = sent(b'{"parts":[{"name":"a","content":"x"}]}')
    assert matching.recorded_key(sent(form)) != matching.key(described_in_json)
    assert matching.compare(sent(form), described_in_json) != ()


@given(st.lists(st.binary(max_size=40).filter(lambda content: b"\r\n--boundary" not in content), min_size=1))
def test_what_is_put_in_a_form_comes_out_of_it(contents: list[bytes]) -> None:
    """Whatever bytes the parts hold, and to change nothing gives back the same bytes."""
    parts = (b'--boundary\r\nContent-Disposition: form-data; name="n"\r\n\r\n' + each + b"\r\n" for each in contents)
    body = b"".join((*parts, b"--boundary--\r\n"))
    assert [piece.content for piece in pieces(body) or ()] == contents
    assert with_contents(body, lambda piece: piece) == body


@pytest.mark.parametrize(
    "body", [b"", b"--", b"--b\r\n", b"--b--\r\n", b"--b\r\nno gap\r\n--b--", b"-- a\n-- b\n", b"{}"]
)
def test_what_is_no_whole_form_is_none(body: bytes) -> None:
    assert pieces(body) is None
    assert with_contents(body, lambda _: FormPart(b"", b"changed")) == body


def test_what_a_part_holds_is_scrubbed_as_a_body_is() -> None:
    key = "sk-" + "ant-api03-" + "x" * 40
    body = httpx.Request(
        "POST",
        URL,
        data={"api_key": "hunter2-hunter2", "note": f"my key is {key}"},
        files={"file": ("a.json", b'{"metadata":{"user_id":"somebody"}}', "application/json")},
    ).read()
    found = [piece.content for piece in pieces(Scrubber(salt="s").request(Request("POST", URL, (), body)).body) or ()]
    assert found[:2] == [b"<api-key>", b"my key is <api-key>"]
    assert found[2].startswith(b'{"metadata":{"user_id":"<user-id-')
