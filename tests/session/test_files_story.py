"""Files are uploaded, asked for and removed, and every step answers again on replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

SUITE = """
import asyncio, http.server, itertools, json, os, threading
import aiohttp, httpx, pytest, requests, urllib3

class Files(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    numbers = itertools.count(10)
    def log_message(self, *_): pass
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        number = f"{next(self.numbers)}CNha8iCJcU1wXNR6q4V8w"
        body = {"id": f"file_01{number}" if self.command == "POST" else self.path.split("/")[3], "type": "file"}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    do_GET = do_POST

@pytest.fixture(scope="module")
def url():
    if os.environ.get("OFFLINE"):
        yield "http://127.0.0.1:9"
        return
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown(); server.server_close()

HEADERS = {"anthropic-version": "2023-06-01"}
FILE = ("a.txt", b"hello \\xff", "text/plain")

def by_httpx(url): return httpx.post(url, files={"file": FILE}, data={"purpose": "x"}, headers=HEADERS).json()
def by_requests(url): return requests.post(url, files={"file": FILE}, data={"purpose": "x"}, headers=HEADERS).json()
def by_urllib3(url):
    fields = {"purpose": "x", "file": FILE}
    return urllib3.PoolManager().request("POST", url, fields=fields, headers=HEADERS).json()
def by_aiohttp(url):
    async def ask():
        form = aiohttp.FormData({"purpose": "x"})
        form.add_field("file", FILE[1], filename=FILE[0], content_type=FILE[2])
        async with aiohttp.ClientSession() as client, client.post(url, data=form, headers=HEADERS) as answer:
            return await answer.json()
    return asyncio.run(ask())

@pytest.mark.parametrize("upload", [by_httpx, by_requests, by_urllib3, by_aiohttp])
@pytest.mark.messages
def test_files(url, upload):
    name = upload(url + "/v1/files")["id"]
    assert name.startswith("file_")
    assert httpx.get(f"{url}/v1/files/{name}", headers=HEADERS).json()["id"] == name
"""


def test_an_uploaded_file_answers_again_by_its_parts_and_by_its_id(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(SUITE)
    pytester.runpytest_subprocess("--messages-record=rewrite").assert_outcomes(passed=4)
    monkeypatch.setenv("OFFLINE", "1")
    replayed = pytester.runpytest_subprocess("--messages-record=none")
    replayed.assert_outcomes(passed=4)
    replayed.stdout.fnmatch_lines(["messages: 8 calls: 8 replayed*"])
    stored = "".join(path.read_text() for path in (pytester.path / "cassettes").rglob("*.yaml"))
    assert "CNha8iCJcU1wXNR6q4V8w" not in stored


FOREIGN = r"""interactions:
- request:
    body: "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b0--\r\n"
    headers:
      anthropic-version: ['2023-06-01']
      content-type: ['multipart/form-data; boundary=b0']
    method: POST
    uri: https://api.anthropic.com/v1/files
  response:
    body: {string: '{"id": "file_011CNha8iCJcU1wXNR6q4V8w", "type": "file"}'}
    headers: {content-type: [application/json]}
    status: {code: 200, message: OK}
version: 1
"""  # noqa: E501 - as VCR.py writes it


def test_an_upload_that_another_tool_recorded_answers_whatever_boundary_is_drawn(pytester: pytest.Pytester) -> None:
    folder = pytester.path / "cassettes" / "test_upload"
    folder.mkdir(parents=True)
    (folder / "test_it.yaml").write_text(FOREIGN, "utf-8")
    pytester.makepyfile(
        test_upload="""
import httpx, pytest

@pytest.mark.messages
def test_it():
    url, file = "https://api.anthropic.com/v1/files", ("a.txt", b"hello", "text/plain")
    answer = httpx.post(url, files={"file": file}, headers={"anthropic-version": "2023-06-01"})
    assert answer.json()["id"].startswith("file_")
"""
    )
    pytester.runpytest_subprocess("--messages-record=none").assert_outcomes(passed=1)
