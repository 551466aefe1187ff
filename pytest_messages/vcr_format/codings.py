"""Content codings: what other tools stored compressed, as the client read it."""

from __future__ import annotations

import gzip
import importlib
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def decoded(body: bytes, codings: str) -> bytes | None:
    """Return ``body`` without ``codings``, the value of a content-encoding header.

    None where one of them cannot be undone: it is unknown, the library for it is not installed, or the body is not in
    it (which is what tools leave behind that decode the body and keep the header).
    """
    for coding in reversed([word.strip().lower() for word in codings.split(",")]):
        try:
            body = _DECODERS[coding](body)
        except (KeyError, ImportError, ValueError, EOFError, OSError, zlib.error):
            return None
    return body


def _inflate(body: bytes) -> bytes:
    # Some servers send `deflate` without the zlib header. https://www.rfc-editor.org/rfc/rfc9110#name-deflate-coding
    try:
        return zlib.decompress(body)
    except zlib.error:
        return zlib.decompress(body, -zlib.MAX_WBITS)


def _brotli(body: bytes) -> bytes:
    brotli = importlib.import_module("brotli")
    try:
        return bytes(brotli.decompress(body))
    except brotli.error as error:
        raise ValueError(str(error)) from error


def _zstandard(body: bytes) -> bytes:
    zstandard = importlib.import_module("zstandard")
    try:
        return bytes(zstandard.ZstdDecompressor().decompressobj().decompress(body))
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "x-gzip": gzip.decompress,
    "deflate": _inflate,
    "br": _brotli,
    "zstd": _zstandard,
}
