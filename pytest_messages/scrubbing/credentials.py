"""The live credentials in use: where a request carries them, and every form in which they may turn up again."""

from __future__ import annotations

import binascii
import html
import re
from base64 import b64decode, b64encode
from fnmatch import fnmatchcase
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_messages.scrubbing import kinds
from pytest_messages.scrubbing.placeholders import is_masked
from pytest_messages.scrubbing.texts import json_view, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_messages.scrubbing.texts import Passage
    from pytest_messages.wire import Request

_PAIR: Final = re.compile(r"([A-Za-z-]+)=\"?([^\s,;\"]{20,})")
_RUN: Final = re.compile(r"[A-Za-z0-9]+")
_SHORTEST_CORE: Final = 4
_SCHEMES: Final = ("bearer", "basic", "token", "apikey", "key")
_COOKIE: Final = re.compile(r"[^\s=;,]+=\"?([^\s;,\"]{16,})")
_SECRET_QUERY: Final = re.compile(r"key|token|secret|sig|auth|credential|password", re.IGNORECASE)
_NO_CREDENTIALS: Final = ("idempotency-key", "sec-websocket-key", "*-tokens-*", "x-request-token-count")


class Credentials:
    """A growing set of live credentials. Any thread may add and read; ``repr`` shows their number only."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._known: frozenset[str] = frozenset()
        self._lock = Lock()
        self.forms: tuple[str, ...] = ()
        self.clues: tuple[str, ...] = ()
        self.add(values)

    def __repr__(self) -> str:
        return f"<Credentials ({len(self._known)})>"

    def __reduce__(self) -> tuple[type[Credentials], tuple[()]]:
        """Leave the values behind when pickled: nothing secret crosses a process boundary."""
        return Credentials, ()

    def add(self, values: Iterable[str]) -> None:
        """Take note of ``values``, but of those that are too short or known dummies."""
        stripped = {value.strip() for value in values}
        fresh = {value for value in stripped - self._known if _is_live(value)}
        if not fresh:
            return
        with self._lock:
            self._known |= fresh
            known = sorted(self._known, key=_longest_first)
            # In this order: who sees the new forms has the new clues.
            self.clues = tuple(dict.fromkeys(clue for value in known for clue in (_core(value), *_encoded(value))))
            self.forms = tuple(dict.fromkeys(form for value in known for form in _forms(value)))


def _longest_first(form: str) -> tuple[int, str]:
    return -len(form), form


def _is_live(value: str) -> bool:
    return len(value) >= kinds.SHORTEST and value.lower() not in kinds.DUMMIES and not is_masked(value)


def _forms(value: str) -> Iterator[str]:
    """Yield how a credential may be spelled; escapes are undone before it is looked for."""
    yield from (value, html.escape(value))
    yield from _encoded(value)


def _encoded(value: str) -> Iterator[str]:
    """Yield a credential in base64 at any offset, and in hex."""
    raw = value.encode("utf-8", "surrogateescape")
    yield from (raw.hex(), raw.hex().upper())
    for offset in range(3):
        middle = aligned_base64(raw, offset)
        yield from (middle, middle.replace("+", "-").replace("/", "_"))


def _core(value: str) -> str:
    """Return the part of a credential that no escaping changes: its longest run of letters and digits."""
    longest = max(_RUN.findall(value), key=len, default="")
    return longest if len(longest) >= _SHORTEST_CORE else value


def aligned_base64(raw: bytes, offset: int) -> str:
    """Return the characters that ``raw`` makes in base64 when ``offset`` bytes, modulo 3, stand before it."""
    encoded = b64encode(b"\0" * offset + raw).decode().rstrip("=")
    first = (0, 2, 3)[offset]
    last = len(encoded) if (offset + len(raw)) % 3 == 0 else len(encoded) - 1
    return encoded[first:last]


@cache
def is_credential_header(name: str) -> bool:
    """Tell whether a header of this (lower-case) name carries a credential."""
    if any(fnmatchcase(name, harmless) for harmless in _NO_CREDENTIALS):
        return False
    return name in kinds.CREDENTIAL_HEADERS or any(word in name for word in kinds.CREDENTIAL_HEADER_WORDS)


def credentials_of(request: Request) -> Iterator[str]:
    """Yield the credentials that a raw request carries in its headers and its URL."""
    for name, value in request.headers:
        if is_credential_header(name.lower()):
            yield from _of_header(name.lower(), value)
    yield from _of_url(request.url)


def _of_header(name: str, value: str) -> Iterator[str]:
    if name in {"cookie", "set-cookie"}:
        yield from _COOKIE.findall(value)
        return
    scheme, _, rest = value.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() not in _SCHEMES:
        yield value
        yield from (found for label, found in _PAIR.findall(rest) if label != "SignedHeaders")
        return
    yield rest
    if scheme.lower() == "basic":
        yield from _of_basic(rest)


def _of_basic(encoded: str) -> Iterator[str]:
    try:
        decoded = b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    yield decoded
    yield decoded.partition(":")[2]


def _of_url(url: str) -> Iterator[str]:
    if "?" not in url and "@" not in url:
        return
    try:
        split = urlsplit(url)
    except ValueError:
        return
    yield from (unquote(part) for part in split.netloc.rpartition("@")[0].split(":"))
    yield from (value for name, value in parse_qsl(split.query) if _SECRET_QUERY.search(name))


def credentials_in(text: str, *, out: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield what stands in the credential fields of a JSON text, those of the kinds ``out`` aside."""
    for part in parts(text)[0]:
        kind = credential_field(part)
        if kind is not None and kind not in out:
            yield json_view(text, part.pieces).text


def credential_field(part: Passage) -> str | None:
    """Return the kind of credential that a part is by its field's name, or None."""
    if not part.path or part.key or len(part.pieces) > 1 or not isinstance(part.path[-1], str):
        return None
    return credential_kind(part.path[-1])


def credential_kind(name: str) -> str | None:
    """Return the kind of credential that a field or a header of this name holds, or None."""
    return kinds.CREDENTIAL_FIELDS.get(name.lower().replace("-", "").replace("_", ""))
