"""Content codings: what other tools stored compressed, as the client read it.

The decoders are httpx's, which uses whichever library for brotli and zstandard is installed. They are lenient about
what was cut short, and take many a text for the beginning of something: what is text already is not given to them.
"""

from __future__ import annotations

from functools import cache

_SAME = {"x-gzip": "gzip"}
_PROBE = b"\xff" * 8


def decoded(body: bytes, codings: str) -> bytes:
    """Return ``body`` without ``codings``, the value of a content-encoding header, as far as it goes.

    A body that is not in them comes back as it is: tools decode bodies and keep the header. Raises `LookupError` for a
    coding that is unknown, or whose library is not installed.
    """
    for word in reversed(codings.split(",")):
        coding = _SAME.get(word.strip().lower(), word.strip().lower())
        if coding == "identity":
            continue
        if not _known(coding):
            raise LookupError(coding)
        without = _without(coding, body)
        if without is None:
            return body
        body = without
    return body


@cache
def _known(coding: str) -> bool:
    """Tell whether httpx undoes ``coding`` here: of those it does not know it hands out the bytes as they came."""
    return _without(coding, _PROBE) != _PROBE


def _without(coding: str, body: bytes) -> bytes | None:
    """Return ``body`` with ``coding`` undone, None where it is not in it."""
    import httpx  # noqa: PLC0415 - few files need it, and it takes long to load

    if _is_text(body):
        return None
    try:
        return httpx.Response(200, headers={"content-encoding": coding}, content=body).content
    except httpx.DecodingError:
        return None


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
