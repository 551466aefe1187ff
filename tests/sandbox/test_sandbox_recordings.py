"""Recorded interactions are served as they were: every byte, every piece, their pace and their end."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pytest_messages.api import sse
from pytest_messages.cassette import writing
from pytest_messages.cassette.document import Cassette, Interaction, Recording
from pytest_messages.errors import SettingsError
from pytest_messages.sandbox import serve
from pytest_messages.scrubbing import Scrubber
from pytest_messages.wire import Chunk, Ended, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus" / "dev.jsonl"
URL = "https://api.anthropic.com/v1/messages"
STREAM = b'event: ping\ndata: {"type": "ping"}\n\nevent: ping\ndata: {"type":"ping" }\n\n: tail'


def interaction(body: Any, response: Response, *, url: str = URL, method: str = "POST") -> Interaction:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Interaction(Request(method, url, (("content-type", "application/json"),), raw), (response, Recording()))


def answer(body: bytes = b'{"a": 1}', **changes: Any) -> Response:
    choices: dict[str, Any] = {"status": 200, "headers": (("content-type", "application/json"),), "body": body}
    return Response(**choices | changes)


def stream(**changes: Any) -> Response:
    return answer(STREAM, headers=(("content-type", "text/event-stream"), ("x-mine", "1")), **changes)


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


def read(http: httpx.Client, url: str, body: Any = None) -> tuple[int, list[bytes]]:
    """Return the status and the chunks of an answer."""
    with http.stream("POST", f"{url}/v1/messages", json={} if body is None else body, timeout=2) as response:
        return response.status_code, [chunk for chunk in response.iter_bytes() if chunk]


def test_a_request_that_equals_a_recording_gets_its_bytes_without_a_key(http: httpx.Client) -> None:
    with serve(recordings=[interaction({"n": 1}, answer(b'{"a":  1}\n'))]) as server:
        response = http.post(f"{server.url}/v1/messages?beta=true", content=b' {"n" : 1.0}')
        assert (response.status_code, response.content) == (200, b'{"a":  1}\n')
        assert dict(response.headers) == {"content-type": "application/json", "content-length": "10"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/messages", {"n": 2}),
        ("POST", "/v1/messages/count_tokens", {"n": 1}),
        ("GET", "/v1/messages", {"n": 1}),
    ],
)
def test_another_request_is_refused_and_noted_down(http: httpx.Client, method: str, path: str, body: Any) -> None:
    with serve(recordings=[interaction({"n": 1}, answer())]) as server:
        refused = http.request(method, server.url + path, json=body)
        assert refused.status_code == 400
        (line,) = server.unmatched
        assert refused.json()["error"]["message"] == line
        assert line.startswith(f"no recording answers {method} {path}; interaction 1 of the recordings given")


def test_it_gets_an_answer_that_is_made_up_where_that_is_asked_for(http: httpx.Client) -> None:
    with serve(recordings=[interaction({"n": 1}, answer())], unmatched="answer") as server:
        ask = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
        headers = {"x-api-key": server.key, "anthropic-version": "2026-10-21"}
        headers = {**headers, "authorization": f"Bearer {server.key}"}
        assert http.post(f"{server.url}/v1/messages", json=ask, headers=headers).status_code == 200
        assert server.unmatched == ()


def asking(content: str, user: str) -> dict[str, Any]:
    return {"metadata": {"user_id": user}, "messages": [{"role": "user", "content": content}], "at": "2026-01-01"}


def test_what_was_scrubbed_answers_to_what_is_sent(http: httpx.Client, tmp_path: Path) -> None:
    scrubber = Scrubber(salt="a-salt")
    made = scrubber.interaction(interaction(asking("France?", "me@example.org"), answer(b'{"is":"Paris"}')))
    cassette = Cassette(interactions=(made,), salt="a-salt")
    path = tmp_path / "one.yaml"
    path.write_bytes(writing.dump(cassette).encode())
    assert b"me@example.org" not in path.read_bytes()
    with serve(recordings=path, ignore=["$.at"]) as server:
        later = {**asking("France?", "me@example.org"), "at": "2026-02-02"}
        assert b"Paris" in http.post(f"{server.url}/v1/messages", json=later).content
        refused = http.post(f"{server.url}/v1/messages", json=asking("Spain?", "me@example.org"))
        assert refused.status_code == 400
        assert f"interaction 1 of {path} comes nearest, and differs in messages[0].content" in refused.text


def test_a_cassette_whose_test_did_not_pass_is_not_served(tmp_path: Path) -> None:
    cassette = Cassette(interactions=(interaction({}, answer()),), incomplete=("tests/test_a.py::test_it",))
    (tmp_path / "one.yaml").write_bytes(writing.dump(cassette).encode())
    with pytest.raises(SettingsError, match=r"test_a\.py::test_it did not pass"), serve(recordings=tmp_path):
        pass


def test_hosts_and_what_stands_before_v1_do_not_matter(http: httpx.Client) -> None:
    recordings = [interaction({"n": 1}, answer(), url="https://api.z.ai/api/anthropic/v1/messages")]
    with serve(recordings=recordings) as server:
        assert [
            http.post(f"{base}/v1/messages", json={"n": 1}).status_code
            for base in (server.url, server.url_for("shinzo"))
        ] == [200, 200]


def test_equal_requests_get_their_answers_in_order_and_then_the_last(http: httpx.Client) -> None:
    recordings = [interaction({}, answer(body)) for body in (b"1", b"2")]
    with serve(recordings=recordings) as server:
        assert [read(http, server.url)[1] for _ in range(3)] == [[b"1"], [b"2"], [b"2"]]


def test_a_body_that_is_no_json_is_compared_as_it_is(http: httpx.Client) -> None:
    with serve(recordings=[interaction(b"plain\xff", answer())]) as server:
        answers = [http.post(f"{server.url}/v1/messages", content=body) for body in (b"plain\xff", b"plain")]
        assert [each.status_code for each in answers] == [200, 400]


def test_an_error_is_served_with_its_status_and_headers(http: httpx.Client) -> None:
    failed = answer(b"{}", status=529, headers=(("retry-after", "3"), ("content-length", "99")))
    with serve(recordings=[interaction({}, failed)]) as server:
        response = http.post(f"{server.url}/v1/messages", json={})
        assert (response.status_code, response.headers["retry-after"], response.content) == (529, "3", b"{}")


def test_without_recorded_pieces_each_event_is_one(http: httpx.Client) -> None:
    with serve(recordings=[interaction({}, stream())]) as server:
        ends = [0, *sse.event_ends(STREAM), len(STREAM)]
        pieces = [STREAM[start:end] for start, end in pairwise(ends)]
        assert read(http, server.url) == (200, pieces)


def test_recorded_pieces_come_as_they_were_cut(http: httpx.Client) -> None:
    chunks = (Chunk(0, 7), Chunk(0, 9), Chunk(0, len(STREAM)))
    with serve(recordings=[interaction({}, stream(chunks=chunks))]) as server:
        assert read(http, server.url)[1] == [STREAM[:7], STREAM[7:9], STREAM[9:]]


def test_pieces_of_another_body_are_not_used(http: httpx.Client) -> None:
    with serve(recordings=[interaction({}, stream(chunks=(Chunk(0, 5),)))]) as server:
        assert b"".join(read(http, server.url)[1]) == STREAM


@pytest.mark.parametrize(("pace", "least", "most"), [(1, 0.2, 9), (2, 0.4, 9), (0, 0, 0.2)])
def test_recorded_times_are_kept_at_the_pace_that_is_asked_for(
    http: httpx.Client, pace: float, least: float, most: float
) -> None:
    chunks = (Chunk(100, 30), Chunk(200, len(STREAM)))
    with serve(recordings=[interaction({}, stream(chunks=chunks))], pace=pace) as server:
        started = time.perf_counter()
        read(http, server.url)
        assert least <= time.perf_counter() - started < most


@pytest.mark.parametrize(
    ("ended", "error", "raised"),
    [
        (Ended.DROPPED, "RemoteProtocolError", httpx.RemoteProtocolError),
        (Ended.DROPPED, "ReadError", httpx.ReadError),
        (Ended.CLOSED, None, httpx.RemoteProtocolError),
        (Ended.TIMEOUT, "ReadTimeout", httpx.ReadTimeout),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_an_end_is_recorded_too(
    http: httpx.Client, ended: Ended, error: str | None, raised: type[httpx.TransportError], streamed: bool
) -> None:
    make = stream if streamed else answer
    received: list[bytes] = []
    with (
        serve(recordings=[interaction({}, make(ended=ended, error=error))]) as server,
        pytest.raises(raised),
        http.stream("POST", f"{server.url}/v1/messages", json={}, timeout=0.3) as response,
    ):
        received.extend(response.iter_bytes())
    assert b"".join(received) == (STREAM if streamed else b'{"a": 1}')


@pytest.mark.parametrize(
    ("ended", "raised"), [(Ended.DROPPED, httpx.RemoteProtocolError), (Ended.TIMEOUT, httpx.ReadTimeout)]
)
def test_a_failure_without_a_response_is_one_again(
    http: httpx.Client, ended: Ended, raised: type[httpx.TransportError]
) -> None:
    nothing = Response(status=0, ended=ended, error=raised.__name__)
    with serve(recordings=[interaction({}, nothing)]) as server, pytest.raises(raised):
        http.post(f"{server.url}/v1/messages", json={}, timeout=0.3)


def test_cassettes_are_served_from_a_folder_or_a_file(http: httpx.Client, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "deep").mkdir(exist_ok=True)
        cassette = Cassette(interactions=(interaction({"n": name}, stream()),))
        (tmp_path / "deep" / f"{name}.yaml").write_bytes(writing.dump(cassette).encode())
    with serve(recordings=tmp_path) as server:
        assert [b"".join(read(http, server.url, {"n": name})[1]) for name in ("one", "two")] == [STREAM, STREAM]
    with serve(recordings=str(tmp_path / "deep" / "one.yaml")) as server:
        assert http.post(f"{server.url}/v1/messages", json={"n": "two"}).status_code == 400


@pytest.mark.parametrize("name", ["", "missing"])
def test_a_folder_without_cassettes_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"there are no cassettes to serve$"), serve(recordings=tmp_path / name):
        pass


def records() -> Iterator[dict[str, Any]]:
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["gateway"] not in {"bedrock", "vertex"} and isinstance(record["request_body"], dict):
            yield record


def recorded(record: dict[str, Any]) -> Interaction:
    text = record["response_body"]
    text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    headers = tuple((name.lower(), value) for name, value in record["response_headers"])
    response = Response(record["status"], "", headers, text.encode())
    return interaction(record["request_body"], response, url=record["url"], method=record["method"])


@pytest.mark.skipif(not CORPUS.exists(), reason="the recorded corpus is not beside this checkout")
def test_real_traffic_is_served_byte_for_byte(http: httpx.Client) -> None:
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records():
        kinds.setdefault((record["kind"], record["repo"]), []).append(record)
    rng = random.Random(7)  # noqa: S311 - a sample for a test
    sample = [recorded(each) for group in kinds.values() for each in rng.sample(group, min(len(group), 3))]
    wrong = []
    with serve(recordings=sample, pace=0) as server:
        for each in sample:
            path = each.request.url[each.request.url.index("/v1/") :]
            response = http.request(each.request.method, server.url + path, content=each.request.body)
            same = [one.response for one in sample if one.request == each.request]
            if (response.status_code, response.content) not in [(one.status, one.body) for one in same]:
                wrong.append(each)
    assert len(sample) > 60
    assert wrong == []


def test_a_client_that_goes_away_is_noticed_though_nothing_is_waited_for(
    http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    long = answer(b"event: ping\ndata: {}\n\n" * 5000, headers=(("content-type", "text/event-stream"),))
    with serve(recordings=[interaction({}, long)]) as server:
        with http.stream("POST", f"{server.url}/v1/messages", json={}) as response:
            next(response.iter_raw())
        # Whoever writes on to a socket that is gone is told so by asyncio, once for each piece.
        assert http.get(f"{server.url}/").status_code == 200
    assert caplog.messages == []


def test_the_command_lists_what_no_recording_answered_and_fails(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_bytes(writing.dump(Cassette(interactions=(interaction({"n": 1}, answer()),))).encode())
    command = [sys.executable, "-u", "-m", "pytest_messages", "sandbox", "--recordings", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = re.findall(r"http://\S+", server.stdout.readline())[0]
        assert httpx.post(f"{url}/v1/messages", json={"n": 1}).status_code == 200
        assert httpx.post(f"{url}/v1/messages", json={"n": 2}).status_code == 400
        server.send_signal(signal.SIGINT)
        _, told = server.communicate(timeout=20)
    assert server.returncode == 1
    assert told.splitlines()[-1].startswith(f"no recording answers POST /v1/messages; interaction 1 of {path} comes")
