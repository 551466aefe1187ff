"""What stands in a cassette instead of a value: the same in every order, process and run.

A credential becomes one constant per kind, which says nothing of it. An id or a personal datum becomes
``<kind-xxxxxxxxxx>``, ten hex digits of a digest keyed with the cassette's salt, so that equal values stay equal and
different ones different. Ids that code looks at and sends back, in paths too, keep their form instead:
``file_placeholderxxxxxxxxxx``. No client spells its letters in another way, and no real id begins like it. Older
cassettes hold ``<file-id-xxxxxxxxxx>`` for the same id; the digits are the same, so that `renewed` can write it anew.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from pytest_messages.errors import MessagesError
from pytest_messages.scrubbing import kinds

DIGITS: Final = 10
_FORM: Final = re.compile(r"(?:<|%3[Cc])([a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?:>|%3[Ee])")
_FORMED: Final = re.compile(rf"({'|'.join(kinds.PREFIXES.values())})placeholder[0-9a-f]{{{DIGITS}}}")
_KINDS_FORMED: Final = {prefix: kind for kind, prefix in kinds.PREFIXES.items()}
_BEFORE: Final = re.compile(rf"(?:<|%3[Cc])({'|'.join(kinds.PREFIXES)})-([0-9a-f]{{{DIGITS}}})(?:>|%3[Ee])")
_MASK: Final = re.compile(
    r"[*xX._ -]*|(?:Bearer )?[\[<({*]*(?:REDACTED|FILTERED|MASKED)[\])>}*]*|[A-Za-z-]{0,9}\*{3,}", re.IGNORECASE
)
_HEX: Final = re.compile(r"[0-9a-f]+")


def is_masked(text: str) -> bool:
    """Tell whether a text stands where a credential was: nothing, a placeholder of ours, or another tool's mask."""
    return kind_of(text) is not None or _MASK.fullmatch(text) is not None


class PlaceholderCollisionError(MessagesError):
    """Two different values have the same placeholder; ``kind`` says what they are. Recording cannot go on."""

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


def new_salt(name: str) -> str:
    """Return the salt of a new cassette, 32 hex digits derived from its name, the same in every process."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16, person=b"pytest-messages").hexdigest()


def constant(kind: str) -> str:
    """Return the placeholder of every credential of a kind."""
    return f"<{kind}>"


def kind_of(text: str) -> str | None:
    """Return the kind that a whole text is the placeholder of, or None; digits are taken off."""
    formed = _FORMED.fullmatch(text)
    if formed is not None:
        return _KINDS_FORMED[formed.group(1)]
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    kind, _, digits = match.group(1).rpartition("-")
    if kind not in kinds.KINDS or len(digits) != DIGITS or not _HEX.fullmatch(digits):
        kind = match.group(1)
    return kind if kind in kinds.KINDS else None


def renewed(text: str) -> str:
    """Return a text with placeholders of ids as they were written before as they are written now."""
    return _BEFORE.sub(lambda found: kinds.PREFIXES[found[1]] + "placeholder" + found[2], text)


class Placeholders:
    """Makes the keyed placeholders of one cassette and sees to it that no two values share one.

    Any thread may ask. It remembers digests, never values.
    """

    def __init__(self, salt: str, *, digits: int = DIGITS) -> None:
        self._key = blake2b(salt.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        self._digits = digits
        self._given: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"<Placeholders ({len(self._given)} given)>"

    def keyed(self, kind: str, value: str) -> str:
        """Return the placeholder of ``value``; raises `PlaceholderCollisionError` where another value has it."""
        digest = blake2b(
            kind.encode() + b"\0" + value.encode("utf-8", "surrogatepass"), key=self._key, digest_size=32
        ).digest()
        digits = digest.hex()[: self._digits]
        prefix = kinds.PREFIXES.get(kind)
        placeholder = f"{prefix}placeholder{digits}" if prefix else f"<{kind}-{digits}>"
        if self._given.setdefault(placeholder, digest) != digest:
            raise PlaceholderCollisionError(
                f"two different values of the kind {kind!r} would be stored as the same placeholder, so that replay "
                "could not tell them apart; record them in two cassettes, or change one of the values",
                kind=kind,
            )
        return placeholder
