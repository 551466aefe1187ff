"""One scope in both directions, with real HTTP: what the recording run let pass passes on replay."""

from __future__ import annotations

import socket

import pytest

SUITE = """
import http.server, json, threading, urllib.request
import aiohttp, asyncio, httpx, pytest, requests, urllib3

class Gateway(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = {"other": self.path}
        if self.path.endswith("/messages"):
            body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                    "stop_sequence": None, "content": [{"type": "text", "text": "hi", "citations": None}],
                    "usage": {"input_tokens": 1, "output_tokens": 1}}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    do_GET = do_POST

@pytest.fixture(scope="session")
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown(); server.server_close()

def by_httpx(method, url): return httpx.request(method, url).json()
def by_requests(method, url): return requests.request(method, url).json()
def by_urllib3(method, url): return urllib3.PoolManager().request(method, url).json()
def by_urllib(method, url):
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
        return json.load(answer)
def by_aiohttp(method, url):
    async def ask():
        async with aiohttp.ClientSession() as client, client.request(method, url) as answer:
            return await answer.json()
    return asyncio.run(ask())

@pytest.mark.parametrize("ask", [by_httpx, by_requests, by_urllib3, by_urllib, by_aiohttp])
@pytest.mark.messages
def test_gateway(url, ask):
    assert ask("GET", url + "/health") == {"other": "/health"}
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    assert httpx.post(url + "/v1/messages", json=body).json()["id"] == "msg_1"
    for method, path in [("POST", "/v1/files"), ("POST", "/v1/embeddings"), ("GET", "/health"), ("GET", "/v1/models")]:
        assert ask(method, url + path) == {"other": path}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("mode", ["once", "none"])
def test_other_traffic_of_a_gateway_passes_while_recording_and_on_replay(pytester: pytest.Pytester, mode: str) -> None:
    pytester.makepyfile(SUITE.replace("PORT", str(free_port())))
    first = pytester.runpytest_subprocess("--messages-record=rewrite", "-p", "no:randomly")
    first.assert_outcomes(passed=5)
    second = pytester.runpytest_subprocess(f"--messages-record={mode}", "-p", "no:randomly")
    second.assert_outcomes(passed=5)
    second.stdout.fnmatch_lines(["messages: 5 calls: 5 replayed*"])
