"""What is recorded is kept, whatever the judge makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Suite

ODD = {
    "no-name-no-type": b'data: {"error": {}}\n\n',
    "chunks-of-another-api": b'data: {"id": "c", "object": "chat.completion.chunk"}\n\ndata: [DONE]\n\n',
    "nested-in-an-event": b"event: x\ndata: " + b"[" * 5_000 + b"]" * 5_000 + b"\n\n",
    "nested-list": b"[" * 3_000 + b"]" * 3_000,
    "nested-object": b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    "a-number-of-5000-digits": b'{"type": "message", "usage": {"input_tokens": ' + b"9" * 5_000 + b"}}",
}
TEST = """
    import httpx, pytest

    @pytest.mark.messages
    def test_it(odd):
        httpx.post(odd, json={{"model": "m", "max_tokens": 9, "messages": [{{"role": "user", "content": "x"}}]}})
"""
CONFTEST = """
    import http.server, threading
    import pytest

    BODY, TYPE = {body!r}, {kind!r}

    class Odd(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", TYPE)
            self.send_header("content-length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

        def log_message(self, *args):
            pass

    @pytest.fixture
    def odd():
        server = http.server.HTTPServer(("127.0.0.1", 0), Odd)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{{server.server_port}}/v1/messages"
        server.shutdown()
        server.server_close()
"""


@pytest.mark.parametrize("name", ODD)
def test_an_odd_answer_is_kept_judged_and_answers_again(suite: Suite, name: str) -> None:
    body = ODD[name]
    kind = "text/event-stream" if body.startswith((b"data:", b"event:")) else "application/json"
    suite.pytester.makeconftest(CONFTEST.format(body=body, kind=kind))
    suite.pytester.makepyfile(TEST.format())
    recorded = suite.run()
    recorded.assert_outcomes(failed=1)
    recorded.stdout.fnmatch_lines(["*of the documented API*"])
    assert len(list(suite.pytester.path.glob("cassettes/**/*.yaml"))) == 1
    assert not list(suite.pytester.path.glob("cassettes/**/*.part.yaml"))
    replayed = suite.run()
    replayed.assert_outcomes(failed=1)
    replayed.stdout.fnmatch_lines(["*1 replayed*"])
