"""Content codings: what other tools stored compressed, as the client read it."""

from __future__ import annotations

import importlib
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def decoded(body: bytes, codings: str) -> bytes:
    """Return ``body`` without ``codings``, the value of a content-encoding header, as far as it goes.

    A body that is not in them comes back as it is: tools decode bodies and keep the header. Raises `KeyError` for a
    coding that is unknown, and `ImportError` where the library for one is not installed.
    """
    for coding in reversed([word.strip().lower() for word in codings.split(",")]):
        decode = _DECODERS[coding]
        try:
            body = decode(body)
        except (ValueError, zlib.error):
            return body
    return body


def _gunzip(body: bytes) -> bytes:
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body)


def _inflate(body: bytes) -> bytes:
    # Some servers send `deflate` without the zlib header. https://www.rfc-editor.org/rfc/rfc9110#name-deflate-coding
    try:
        return zlib.decompressobj().decompress(body)
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
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _brotli,
    "zstd": _zstandard,
}
