"""A body as text that a person can read, and back to the same bytes."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What YAML lets stand in a block of text, in any reader. U+0085, U+2028 and U+2029 are line breaks in YAML 1.1, and
# a byte-order mark is not allowed inside a document. https://yaml.org/spec/1.1/#c-printable
UNPRINTABLE = re.compile(r"[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

# Deeper than any body of the API; the encoder recurses, and a stack that happens to be short must not decide the text.
_TOO_DEEP = "\n" + " " * 200


def escaped(text: str, characters: re.Pattern[str]) -> str:
    r"""Return ``text`` with each of ``characters``, all below U+10000, as ``\uXXXX``."""
    return characters.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _utf8(value: object, **options: Any) -> str:
    return escaped(json.dumps(value, ensure_ascii=False, **options), _SURROGATE)


_COMPACT = (",", ":")

STYLES: Mapping[str, Callable[[Any], str]] = {
    "compact": partial(_utf8, separators=_COMPACT),
    "spaced": json.dumps,
    "compact ascii": partial(json.dumps, separators=_COMPACT),
    "spaced utf-8": _utf8,
}
"""The usual dumps of JSON by the word that a cassette remembers them by; the first that gives the body counts."""


def readable(body: bytes) -> tuple[str | bytes, str | None]:
    """Return ``body`` as text to store, and the style that turns this text into the same bytes again.

    The style is None where the text is the body itself; what is not UTF-8 stays bytes.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body, None
    if not text.startswith(("{", "[")):
        return text, None
    try:
        value = json.loads(text, parse_constant=_refuse)
        pretty = _pretty(value)
        style = next((word for word, dumps in STYLES.items() if dumps(value) == text), None)
    except (ValueError, RecursionError):
        return text, None
    if style is None or pretty == text or _TOO_DEEP in pretty:
        return text, None
    return pretty, style


def restored(text: str, style: str) -> bytes:
    """Return the body that `readable` made ``text`` of; raises `json.JSONDecodeError` where it is not JSON any more."""
    return STYLES[style](json.loads(text)).encode()


def _pretty(value: object) -> str:
    return escaped(json.dumps(value, ensure_ascii=False, indent=2), UNPRINTABLE)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
