"""Our files replay with the tools that people have, as they are: nobody is locked in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from pytest_messages.cassette.document import Cassette, Interaction, Recording
from pytest_messages.cassette.writing import dump
from pytest_messages.wire import Chunk, Ended, Headers, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

URL = "https://api.anthropic.com/v1/messages"
JSON: Headers = (("content-type", "application/json"),)
STREAM: Headers = (("content-type", "text/event-stream; charset=utf-8"),)

EVENTS = (
    'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"é 😀\\u2028\t"}  }\n\n'
    ": keep-alive\n\nevent: ping\ndata: {}\n\n"
)


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes


ANSWERS = {
    "a JSON answer": Answer(200, JSON, '{"id":"msg_01","text":"é 😀\u2028","usage":{"output_tokens":3}}'.encode()),
    "spaced JSON": Answer(200, JSON, json.dumps({"text": "é 😀", "list": [1, 2.5, None]}).encode()),
    "JSON of another make": Answer(200, JSON, b'{ "a" : 1e3 }\n'),
    "a stream": Answer(200, STREAM, EVENTS.encode()),
    "a stream with CR": Answer(200, STREAM, EVENTS.replace("\n", "\r\n").encode()),
    "a stream with line separators": Answer(200, STREAM, b"data: \xe2\x80\xa8\xc2\x85\xef\xbb\xbf\x00\n\n"),
    "a stream that begins with blanks": Answer(200, STREAM, b"\n  \n\tdata: x \n\n\n"),
    "bytes": Answer(200, (("content-type", "application/octet-stream"),), b"\x00\xff" * 70),
    "nothing": Answer(200, (), b""),
    "an error": Answer(529, (*JSON, ("retry-after", "3")), b'{"type":"error","error":{"type":"overloaded_error"}}'),
}


def prompt(name: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": f"{name} é 😀\u2028"}]}


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    items = [
        Interaction(
            Request("POST", URL, JSON, json.dumps(prompt(name), separators=(",", ":"), ensure_ascii=False).encode()),
            (
                Response(answer.status, "", answer.headers, answer.body, chunks=(Chunk(5, len(answer.body)),)),
                Recording(at="2026-11-21T10:00:00Z", test="tests/test_a.py::test_b[c]", provider="anthropic"),
            ),
        )
        for name, answer in ANSWERS.items()
    ]
    failed = Response(0, ended=Ended.DROPPED, error="ConnectError")
    items.insert(2, Interaction(Request("POST", f"{URL}/nowhere", JSON, b"{}"), (failed, Recording())))
    path = tmp_path / "cassette.yaml"
    text = dump(Cassette(interactions=tuple(items), incomplete=("tests/test_a.py::test_b[c]",), salt="00ff"))
    path.write_bytes(text.encode())
    return path


def same(stored: bytes, original: bytes) -> bool:
    """Tell whether a reader gave the bytes, or, where they are JSON, which is stored a key a line, the same JSON."""
    return stored == original or (original.startswith(b"{") and json.loads(stored) == json.loads(original))


@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "python"])
def test_pyyaml_reads_the_bodies(cassette: Path, loader: type[yaml.SafeLoader]) -> None:
    document = yaml.load(cassette.read_bytes(), loader)  # noqa: S506 - both are safe loaders
    assert (document["version"], document["salt"], len(document["interactions"])) == (1, "00ff", len(ANSWERS) + 1)
    stored = {
        json.loads(item["request"]["body"])["messages"][0]["content"]: item["response"]["body"]["string"]
        for item in document["interactions"]
        if item["response"]["status"]["code"]
    }
    for name, answer in ANSWERS.items():
        body = stored[f"{name} é 😀\u2028"]
        assert same(body if isinstance(body, bytes) else body.encode(), answer.body)


def by_httpx(name: str) -> Answer:
    import httpx

    return answer_of(httpx.post(URL, json=prompt(name)))


def by_httpx2(name: str) -> Answer:
    import httpx2

    return answer_of(httpx2.post(URL, json=prompt(name)))


def by_requests(name: str) -> Answer:
    import requests

    return answer_of(requests.post(URL, json=prompt(name), timeout=5))


def answer_of(response: Any) -> Answer:
    headers = tuple((name.lower(), value) for name, value in response.headers.items())
    return Answer(response.status_code, headers, response.content)


@pytest.mark.parametrize("client", [by_httpx, by_httpx2, by_requests])
def test_vcr_py_replays_them_and_compares_the_bodies(cassette: Path, client: Callable[[str], Answer]) -> None:
    import vcr  # type: ignore[import-untyped]  # it has no types

    before = cassette.read_bytes()
    compared = ["method", "scheme", "host", "port", "path", "query", "body"]
    with vcr.use_cassette(str(cassette), record_mode="none", match_on=compared) as tape:
        replayed_all(client)
        assert tape.play_count == len(ANSWERS)
        with pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException):
            client("a prompt that nobody recorded")
    assert cassette.read_bytes() == before


@pytest.mark.parametrize("client", [by_httpx, by_httpx2, by_requests])
def test_cassetter_replays_them(cassette: Path, client: Callable[[str], Answer]) -> None:
    cassetter: Any = pytest.importorskip("cassetter", reason="cassetter is not installed in this environment")
    before = cassette.read_bytes()
    with cassetter.use_cassette(cassette, record_mode="none", match_on=["method", "uri", "json_body"]):
        replayed_all(client)
        with pytest.raises(cassetter.NoMatchError):
            client("a prompt that nobody recorded")
    assert cassette.read_bytes() == before


def replayed_all(client: Callable[[str], Answer]) -> None:
    for name, answer in reversed(ANSWERS.items()):
        replayed = client(name)
        assert replayed.status == answer.status
        assert set(answer.headers) <= set(replayed.headers)
        assert same(replayed.body, answer.body), name
