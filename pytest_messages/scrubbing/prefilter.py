"""Whether a text may hold anything at all: what nearly every text is asked, and nearly every text denies.

A search for a literal costs 0.6 µs per KB, and there are over a hundred markers. Most of them have a ``-``, ``_``,
``.`` or ``=`` early on, which is rare: one pattern per sign goes from sign to sign and looks back, at a tenth of that.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from pytest_messages.scrubbing import kinds
from pytest_messages.scrubbing.texts import JOINED_FIELDS, is_stream, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_SIGN: Final = re.compile(r"(?<=.)[-_.=]")
# From the rarest to the most common; what is not here is rarer still.
_COMMON: Final = "8975364201MCPBDNSTIAEvkbwyfgpmcudlhrsnioate "
# An ASCII letter, digit or sign spelled as an escape: nobody does by chance, and it hides everything from the markers.
_HIDDEN: Final = re.compile(r"\\u00[2-7]|\\x[2-7]|%[2-7][0-9a-fA-F]|&#")
_DONE: Final = r"(?!<[a-z-]+-[0-9a-f]{10}>|[a-z]+_placeholder[0-9a-f]{10}\\?\")"
_ID_FIELD: Final = re.compile(rf'_(?<=user_|file_|kill_|pace_|tion_|ount_)(?:uu)?id\\*"\s*:\s*\\*"{_DONE}')
_CONTAINER: Final = re.compile(rf'"container"\s*:\s*(?:\{{|"{_DONE})')
_CREDENTIAL_FIELD: Final = re.compile(
    rf'(?:{"|".join(kinds.FIELD_MARKERS)})\\*"\s*:\s*\\*"(?!<(?:{"|".join(set(kinds.CREDENTIAL_FIELDS.values()))})>)'
)
_FIELD_ENDS: Final = tuple(marker + end for end in ('"', "\\") for marker in kinds.FIELD_MARKERS)
_DATA: Final = re.compile(r"^data: ?([^\r\n]+)", re.MULTILINE)


class Markers:
    """Tells whether a text holds one of many literals."""

    __slots__ = ("_plain", "_signs")

    def __init__(self, markers: Iterable[str]) -> None:
        plain: list[str] = []
        signs: dict[str, dict[tuple[int, str], set[str]]] = defaultdict(lambda: defaultdict(set))
        for marker in dict.fromkeys(markers):
            sign = _SIGN.search(marker)
            if sign is None:
                plain.append(marker)
            else:
                behind, ahead = marker[max(0, sign.end() - 5) : sign.end()], marker[sign.end() :]
                signs[sign.group()][len(behind), ahead].add(behind)
        self._plain = tuple((min(marker, key=_frequency), marker) for marker in plain)
        self._signs = tuple((sign, _looking_back(sign, groups)) for sign, groups in signs.items())

    def within(self, text: str) -> bool:
        """Tell whether one may stand in a text; False is certain."""
        for rarest, marker in self._plain:
            if rarest in text and marker in text:
                return True
        for sign, search in self._signs:  # noqa: SIM110 - as above
            if sign in text and search(text) is not None:
                return True
        return False


def _frequency(character: str) -> int:
    """Return how common a character is in JSON and prose: to look for one alone costs next to nothing."""
    return _COMMON.find(character)


def _looking_back(sign: str, groups: dict[tuple[int, str], set[str]]) -> Callable[[str], re.Match[str] | None]:
    near = {behind[-3:] for _, heads in groups.items() for behind in heads}
    alternatives = (
        f"(?<={'|'.join(map(re.escape, sorted(behind)))})" + (f"(?={re.escape(ahead)})" if ahead else "")
        for (_, ahead), behind in groups.items()
    )
    # The two characters before the sign first, in one look: nearly every sign fails there.
    return re.compile(
        f"{re.escape(sign)}(?<={'|'.join(map(re.escape, sorted(near)))})(?:{'|'.join(alternatives)})"
    ).search


def has_hidden_characters(text: str) -> bool:
    """Tell whether a plain character is spelled as an escape."""
    spelled = "\\u00" in text or "%" in text or "\\x" in text or "&#" in text
    return spelled and _HIDDEN.search(text) is not None


def has_credential_field(text: str) -> bool:
    """Tell whether a field named like a credential may hold a text, in JSON or in JSON within a string."""
    lower = text.lower()
    ends = _FIELD_ENDS if '\\"' in text else _FIELD_ENDS[: len(kinds.FIELD_MARKERS)]
    for end in ends:
        if end in lower:
            return _CREDENTIAL_FIELD.search(lower) is not None or has_hidden_characters(text)
    return False


def has_id_field(text: str) -> bool:
    """Tell whether a field named like an account's or a workspace's id may hold a text."""
    return ("_" in text and _ID_FIELD.search(text) is not None) or _CONTAINER.search(text) is not None


def joined_texts(text: str) -> Iterator[str]:
    """Yield the texts that a client puts together from the events of a stream, by block and field."""
    if not is_stream(text):
        return
    try:
        # One call for all events: five times as fast as one each. A line that is no JSON text of its own breaks it.
        lines = _DATA.findall(text)
        events = json.loads(f"[{','.join(lines)}]")
        if len(events) == len(lines) == text.count("data:"):
            yield from _chains(events)
            return
    except (ValueError, RecursionError):
        pass
    yield from (part.view(text).text for part in parts(text)[0] if len(part.pieces) > 1)


def _chains(events: list[Any]) -> list[str]:
    chains: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for event in events:
        if isinstance(event, dict):
            index = str(event.get("index"))
            for name in JOINED_FIELDS.intersection(event):
                _collect(chains, (index,), event[name])
    return ["".join(pieces) for pieces in chains.values() if len(pieces) > 1]


def _collect(chains: dict[tuple[Any, ...], list[str]], path: tuple[Any, ...], value: Any) -> None:
    if isinstance(value, dict):
        for name, entry in value.items():
            if not isinstance(entry, str):
                _collect(chains, (*path, name), entry)
            elif name != "type":
                chains[*path, name].append(entry)
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            _collect(chains, (*path, number), entry)
    elif isinstance(value, str):
        chains[path].append(value)
