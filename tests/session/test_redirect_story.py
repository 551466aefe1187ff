"""A call that was redirected while recording is redirected on replay, to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

SUITE = """
import http.server, json, os, threading
import anthropic, httpx, pytest, requests, urllib3

MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
           "stop_sequence": None, "content": [{"type": "text", "text": "hi", "citations": None}],
           "usage": {"input_tokens": 1, "output_tokens": 1}}

class Moving(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        to = {"/a/v1/messages": "/b/v1/messages", "/b/v1/messages": "../../v1/messages?sig=0123456789abcdef"}
        moved = to.get(self.path)
        data = b"" if moved else json.dumps(MESSAGE).encode()
        self.send_response(307 if moved else 200)
        if moved:
            self.send_header("location", moved)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

@pytest.fixture(scope="module")
def url():
    if os.environ.get("OFFLINE"):
        yield "http://127.0.0.1:9"
        return
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Moving)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown(); server.server_close()

BODY = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}

def by_httpx(url): return httpx.post(url + "/v1/messages", json=BODY, follow_redirects=True).json()["id"]
def by_requests(url): return requests.post(url + "/v1/messages", json=BODY).json()["id"]
def by_urllib3(url): return urllib3.PoolManager().request("POST", url + "/v1/messages", json=BODY).json()["id"]
def by_sdk(url): return anthropic.Anthropic(base_url=url, api_key="not-a-real-key").messages.create(**BODY).id

@pytest.mark.parametrize("ask", [by_httpx, by_requests, by_urllib3, by_sdk])
@pytest.mark.messages
def test_moved(url, ask):
    assert ask(url + "/a") == "msg_1"
"""


def test_a_chain_of_redirects_is_followed_on_replay(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(SUITE)
    pytester.runpytest_subprocess("--messages-record=rewrite").assert_outcomes(passed=4)
    monkeypatch.setenv("OFFLINE", "1")
    replayed = pytester.runpytest_subprocess("--messages-record=none")
    replayed.assert_outcomes(passed=4)
    replayed.stdout.fnmatch_lines(["messages: 12 calls: 12 replayed*"])
    stored = "".join(path.read_text() for path in (pytester.path / "cassettes").rglob("*.yaml"))
    assert "0123456789abcdef" not in stored
