"""Servers that fail in one way each, for tests that compare how clients see it without us, recorded and on replay."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loopback import PATH, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODY = b'{"type": "message", "content": [{"type": "text", "text": "hello"}]}'
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in stream("hello")[:3])
LONGER = b"content-length: %d\r\n\r\n" % (len(BODY) + 100)
CORRUPT = gzip.compress(BODY * 20)[:10] + b"\x07" * 40

Peer = socket.socket


def _reset(peer: Peer) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _stall(_: Peer) -> None:
    STALLED.wait(1.5)


STALLED = threading.Event()
"""Never set: a server that stalls waits for longer than any client here does, and not for ever."""

ANSWERS: dict[str, tuple[bytes, Callable[[Peer], None] | None]] = {
    "nothing": (b"", None),
    "reset": (b"", _reset),
    "no-http": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", None),
    "half-a-head": (JSON, None),
    "short": (JSON + LONGER + BODY, None),
    "short-reset": (JSON + LONGER + BODY, _reset),
    "short-stalled": (JSON + LONGER + BODY, _stall),
    "chunks-cut": (SSE + EVENTS, None),
    "chunks-reset": (SSE + EVENTS, _reset),
    "chunks-stalled": (SSE + EVENTS, _stall),
    "chunks-no-chunks": (SSE + EVENTS + b"not a chunk\r\n", None),
    "stalled": (b"", _stall),
    "corrupt-gzip": (JSON + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(CORRUPT) + CORRUPT, None),
}
NOWHERE = ("refused", "no-such-host", "no-tls")
FAULTS = (*ANSWERS, *NOWHERE)


@contextmanager
def failing(fault: str) -> Iterator[str]:
    """Serve ``fault`` while the block lasts; yields the URL to ask."""
    answer, last = ANSWERS.get(fault, (b"HTTP/1.1 400 Bad Request\r\n\r\n", None))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        if fault == "refused":
            listening.close()
        thread = threading.Thread(target=_serve, args=(listening, answer, last), daemon=True)
        thread.start()
        scheme, host = ("https" if fault == "no-tls" else "http"), "127.0.0.1"
        yield f"{scheme}://{'nobody.invalid' if fault == 'no-such-host' else host}:{port}{PATH}"
        listening.close()


def _serve(listening: socket.socket, answer: bytes, last: Callable[[Peer], None] | None) -> None:
    while True:
        try:
            peer, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(peer, answer, last), daemon=True).start()


def _answer(peer: Peer, answer: bytes, last: Callable[[Peer], None] | None) -> None:
    with peer:
        _take(peer)
        peer.sendall(answer)
        if last is not None:
            if last is _reset:
                STALLED.wait(0.05)  # what was sent arrives first
            last(peer)


def _take(peer: Peer) -> None:
    """Read the whole request: what is left unread when a connection closes resets it."""
    taken = b""
    while b"\r\n\r\n" not in taken or not taken.endswith(b"}"):
        taken += (more := peer.recv(65536))
        if not more or taken.startswith(b"\x16"):  # a client that hopes for TLS says no more
            return
