"""A form in parts, as it is compared: without the boundary, which every client draws anew.

The cut is our own, since `email` reads lines, which binary content has none of; what a part's headers say is read by
`email`, which knows their grammar (https://www.rfc-editor.org/rfc/rfc7578).
"""

from __future__ import annotations

import re
from email.parser import BytesHeaderParser
from email.policy import HTTP
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

_FIRST = re.compile(rb"(?:\r\n)?--([0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-])[ \t]*\r\n")


class FormPart(NamedTuple):
    """One part of a form as it was sent: its headers, and what it holds."""

    head: bytes
    content: bytes

    @property
    def name(self) -> str:
        """The name of the form's field."""
        return _parameter(_headers(self.head), "name") or ""


def pieces(body: bytes) -> list[FormPart] | None:
    """Return the parts of a form in the order in which they were sent; None for a body that is no whole form."""
    cut = _cut(body)
    return None if cut is None else [FormPart(*piece) for _, *piece in cut[0]]


def with_contents(body: bytes, change: Callable[[FormPart], FormPart]) -> bytes:
    """Return the form with every part as ``change`` makes it, all else as it was; another body unchanged."""
    cut = _cut(body)
    if cut is None:
        return body
    found, end = cut
    changed = (b"".join((before, *_joined(change(FormPart(head, content))))) for before, head, content in found)
    return b"".join((*changed, end))


def described(body: bytes) -> dict[str, object] | None:
    """Return a form as it is compared: names, file names, types and contents of its parts; None for no form.

    Content that is no text stands there as its length and digest.
    """
    found = pieces(body)
    return None if found is None else {"parts": [_described(piece) for piece in found]}


def _described(piece: FormPart) -> dict[str, object]:
    headers = _headers(piece.head)
    about = {
        "name": _parameter(headers, "name"),
        "filename": _parameter(headers, "filename"),
        "type": " ".join(str(headers["content-type"]).split()).lower() if headers["content-type"] else None,
    }
    return {**{key: value for key, value in about.items() if value is not None}, **_shown(piece.content)}


def _shown(content: bytes) -> dict[str, object]:
    try:
        return {"content": content.decode()}
    except UnicodeDecodeError:
        return {"bytes": f"{len(content)} bytes, digest {blake2b(content, digest_size=16).hexdigest()}"}


def _cut(body: bytes) -> tuple[list[tuple[bytes, bytes, bytes]], bytes] | None:
    """Return what stands before each part, its head and its content, and what closes the form."""
    first = _FIRST.match(body)
    if first is None:
        return None
    delimiter = b"\r\n--" + first.group(1)
    before, *rest = (b"\r\n" + body if not body.startswith(b"\r\n") else body).split(delimiter)
    *inner, end = rest
    if before or not inner or not re.fullmatch(rb"--[ \t]*(?:\r\n.*)?", end, re.DOTALL):
        return None
    found = [*_divided(inner, delimiter)]
    if len(found) != len(inner):
        return None
    start = found[0][0] if body.startswith(b"\r\n") else found[0][0][2:]
    return [(start, *found[0][1:]), *found[1:]], delimiter + end


def _divided(inner: list[bytes], delimiter: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    for piece in inner:
        line = re.match(rb"[ \t]*\r\n", piece)
        if line is None:
            return  # the boundary goes on: it was the beginning of a longer one
        if piece[line.end() :].startswith(b"\r\n"):
            head, gap, content = b"", b"\r\n", piece[line.end() + 2 :]
        else:
            head, gap, content = piece[line.end() :].partition(b"\r\n\r\n")
        if not gap:
            return
        yield delimiter + line.group(), head, content


def _joined(piece: FormPart) -> tuple[bytes, bytes, bytes]:
    return piece.head, b"\r\n\r\n" if piece.head else b"\r\n", piece.content


def _headers(head: bytes) -> EmailMessage:
    return BytesHeaderParser(policy=HTTP).parsebytes(head + b"\r\n\r\n")


def _parameter(headers: EmailMessage, name: str) -> str | None:
    # The header's own reading: it decodes `filename*` too.
    disposition = headers["content-disposition"]
    return disposition.params.get(name) if disposition is not None else None
