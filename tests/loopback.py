"""A Messages server on loopback that answers as the request's text says, and remembers what it was asked."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

PATH = "/v1/messages"


def asking(text: str, **fields: Any) -> dict[str, Any]:
    """Return the body of a request whose text is ``text``."""
    messages = [{"role": "user", "content": text}]
    return {"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": messages, **fields}


def answer(text: str) -> dict[str, Any]:
    """Return the Message that answers ``text``."""
    return {
        "id": "msg_01AbCdEfGhIjKlMnOpQrStUv",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": f"You said: {text} — grüße"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 5},
    }


def stream(text: str) -> list[bytes]:
    """Return the events that answer ``text``."""
    message = answer(text)
    start = {**message, "content": [], "stop_reason": None, "usage": {"input_tokens": 7, "output_tokens": 1}}
    delta = {"type": "text_delta", "text": message["content"][0]["text"]}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


@dataclass
class Server:
    """A running server: its address, and the requests it saw."""

    url: str
    seen: list[tuple[str, str, bytes]] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def messages(self) -> str:
        return self.url + PATH

    @property
    def netloc(self) -> str:
        return self.url.split("/")[2]

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.netloc.rsplit(":", 1)
        return host, int(port)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seer: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def setup(self) -> None:
        super().setup()
        self.seer.connections += 1

    def do_GET(self) -> None:
        self.seer.seen.append((self.command, self.path, b""))
        self._send(200, b'{"other": true}')

    def do_POST(self) -> None:
        body = self._body()
        self.seer.seen.append((self.command, self.path, body))
        asked = json.loads(body)
        text = asked["messages"][0]["content"] if "messages" in asked else ""
        getattr(self, f"_{text.split()[0]}", self._answer)(text, streamed=asked.get("stream", False))

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _answer(self, text: str, *, streamed: bool) -> None:
        if streamed:
            self._chunks(stream(text))
        else:
            self._send(200, json.dumps(answer(text)).encode())

    def _gzip(self, text: str, **_: Any) -> None:
        self._send(200, gzip.compress(json.dumps(answer(text)).encode()), ("content-encoding", "gzip"))

    def _given(self, _text: str, **_: Any) -> None:
        """Answer with the very bytes and the coding that two headers of the request say."""
        body, coding = bytes.fromhex(self.headers["x-body"]), self.headers["x-coding"]
        self._send(200, body, ("content-encoding", coding))

    def _overloaded(self, _text: str, **_: Any) -> None:
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        self._send(529, json.dumps(error).encode(), ("retry-after", "60"))

    def _cut(self, text: str, **_: Any) -> None:
        self._chunks(stream(text)[:3], whole=False)

    def _reset(self, text: str, **_: Any) -> None:
        self._chunks(stream(text)[:3], whole=False)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _nothing(self, _text: str, **_: Any) -> None:
        self.close_connection = True

    def _slow(self, _text: str, **_: Any) -> None:
        time.sleep(0.5)

    def _stall(self, text: str, *, streamed: bool) -> None:
        """Begin an answer and never go on with it; ``stall 529`` begins an error."""
        status = int(text.split()[1]) if " " in text else 200
        kind, begun = ("text/event-stream", stream(text)[0]) if streamed else ("application/json", b'{"id": "msg_01')
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(begun)
        self._wait()

    def _silent(self, _text: str, **_: Any) -> None:
        self._wait()

    def _wait(self) -> None:
        self.seer.over.wait(20)
        self.close_connection = True

    def _send(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("content-type", "application/json"), *headers, ("content-length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _chunks(self, chunks: list[bytes], *, whole: bool = True) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        if whole:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = not whole


class _Listening(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that a test breaks."""


@contextmanager
def serving(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server while the block lasts; afterwards nothing listens at its address."""
    seer = Server("")
    handler = type("Handler", (_Handler,), {"seer": seer})
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = type("Listening", (_Listening,), {"address_family": family})((host, 0), handler)
    seer.url = f"http://{f'[{host}]' if ':' in host else host}:{listening.server_address[1]}"
    if tls is not None:
        listening.socket = tls.wrap_socket(listening.socket, server_side=True)
        seer.url = seer.url.replace("http:", "https:")
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield seer
    finally:
        seer.over.set()
        listening.shutdown()
        listening.server_close()
        thread.join()
