"""A body as text that a person can read, and back to the same bytes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What YAML lets stand in a block of text, in any reader. U+0085, U+2028 and U+2029 are line breaks in YAML 1.1, and
# a byte-order mark is not allowed inside a document. https://yaml.org/spec/1.1/#c-printable
UNPRINTABLE = re.compile(r"[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")

# Deeper than any body of the API; the encoder recurses, and a stack that happens to be short must not decide the text.
_TOO_DEEP = "\n" + " " * 200


_COMPACT = (",", ":")


def _dumps(**options: Any) -> Callable[[object], bytes]:
    encode = json.JSONEncoder(**options).encode
    # Half of a surrogate pair is no UTF-8; clients that send raw text send such a half as an escape.
    return lambda value: encode(value).encode(errors="backslashreplace")


STYLES: Mapping[str, Callable[[object], bytes]] = {
    "compact": _dumps(separators=_COMPACT, ensure_ascii=False),
    "spaced": _dumps(),
    "compact ascii": _dumps(separators=_COMPACT),
    "spaced utf-8": _dumps(ensure_ascii=False),
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
        style = next((word for word, dumps in STYLES.items() if dumps(value) == body), None)
    except (ValueError, RecursionError):
        return text, None
    if style is None or pretty == text or _TOO_DEEP in pretty:
        return text, None
    return pretty, style


def restored(text: str, style: str) -> bytes:
    """Return the body that `readable` made ``text`` of; raises `json.JSONDecodeError` where it is not JSON any more."""
    return STYLES[style](json.loads(text))


def _pretty(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
