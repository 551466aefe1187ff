"""A cassette as canonical text: equal cassettes give equal bytes, and a small change gives a small difference."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from pytest_messages.cassette.bodies import UNPRINTABLE, readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_messages.cassette.document import Cassette, Interaction, Recording
    from pytest_messages.wire import Chunk, Headers, Request, Response

MARKER = "# pytest-messages cassette 1"
"""The first line of a file that this writer wrote, and the promise that nothing but keys stands in column 0."""

_BASE64_LINE = 76
_LONG_KEY = 1_000

# Plain without doubt in YAML 1.1 and 1.2: begins with a letter, and holds neither ": " nor " #".
_PLAIN = re.compile(r"[A-Za-z](?:[!#-+\--9;-~]|,|:(?!\Z| )| (?!#|\Z))*")
_WORDS_OF_YAML = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_SURROGATES = ("\ud800", "\udfff")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(rf'["\\\n\t]|{UNPRINTABLE.pattern}')


def dump(cassette: Cassette) -> str:
    """Return the text of a cassette file."""
    head = dump_head(cassette, empty=not cassette.interactions)
    return "".join((head, *map(dump_interaction, cassette.interactions)))


def dump_interaction(interaction: Interaction) -> str:
    """Return one item of the list of interactions, exactly as it stands in the file; its last line says ``ended``."""
    request, (response, recording) = interaction.request, interaction.answer
    asked, answered = readable(request.body), readable(response.body)
    styles = _request_style(*asked), answered[1]
    return "".join(
        (
            *_request(request, asked[0]),
            *_response(response, answered[0]),
            *_recording(response, recording, styles),
        )
    )


def dump_head(cassette: Cassette, *, empty: bool) -> str:
    """Return what stands above the interactions, which follow line by line where the list is not ``empty``."""
    lines = [MARKER, "version: 1"]
    if cassette.salt is not None:
        lines.append(f"salt: {_word(cassette.salt)}")
    if cassette.incomplete:
        lines += ["incomplete:", *(f"- {_word(test)}" for test in cassette.incomplete)]
        # Side by side with the list of tests: a node id may be longer than a key of YAML.
        if reasons := [cassette.reasons.get(test, "") for test in cassette.incomplete if cassette.reasons]:
            lines += ["reasons:", *(f"- {_word(reason)}" for reason in reasons)]
    for key, value in cassette.unread.items():
        lines += _unread(key, value)
    lines.append("interactions: []" if empty else "interactions:")
    return "\n".join(lines) + "\n"


def _unread(key: str, value: object) -> Iterator[str]:
    """Yield what another tool put beside the interactions: one line a value, or one for each of a list."""
    if isinstance(value, list) and value:
        yield _key(key).rstrip()
        yield from (f"- {_flow(item)}" for item in value)
    else:
        yield _key(key) + _flow(value)


def _flow(value: object) -> str:
    """Return any value in one line; the reader has seen to it that none is nested too deeply to be walked."""
    match value:
        case dict():
            return "{" + ", ".join(_key(key) + _flow(each) for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case bytes():
            return f'!!binary "{base64.b64encode(value).decode()}"'
        case str():
            return _quoted(value)
        case _:
            return json.dumps(value)


def _key(key: str) -> str:
    """Return a key up to where its value begins; YAML takes one of 1,024 characters for a key only by its mark."""
    quoted = _quoted(key)
    return f"{quoted}: " if len(quoted) < _LONG_KEY else f"? {quoted}\n: "


def _request(request: Request, body: str | bytes) -> Iterator[str]:
    yield "- request:\n"
    yield f"    method: {_word(request.method)}\n"
    yield f"    uri: {_word(request.url)}\n"
    yield from _headers(request.headers)
    yield f"    body: {_block(body, indent=6)}\n"


def _response(response: Response, body: str | bytes) -> Iterator[str]:
    yield "  response:\n"
    yield f"    status:\n      code: {response.status}\n      message: {_word(response.reason)}\n"
    yield from _headers(response.headers)
    yield f"    body:\n      string: {_block(body, indent=8)}\n"


def _recording(response: Response, recording: Recording, styles: tuple[str | None, str | None]) -> Iterator[str]:
    values = {
        "at": recording.at,
        "test": recording.test,
        "provider": recording.provider,
        "phase": recording.phase,
        "chunks": _chunks(response.chunks, len(response.body)),
        "request_json": styles[0],
        "json": styles[1],
        "error": response.error,
        "ended": str(response.ended),
    }
    yield "  recording:\n"
    for key, value in values.items():
        if value is not None:
            yield f"    {key}: {_word(value)}\n"


def _request_style(text: str | bytes, style: str | None) -> str | None:
    """Return what must be said of a request's body: nothing of the usual, JSON that came compact.

    It stands under ``recording``, since VCR.py refuses a request with a key that it does not know.
    """
    if style is None and isinstance(text, str) and text.startswith(("{\n", "[\n")):
        return "text"
    return None if style == "compact" else style


def _chunks(chunks: Sequence[Chunk], size: int) -> str | None:
    """Return ``ms:end`` pairs. An end that is the body's goes without saying, so that editing an answer is one line."""
    if not chunks:
        return None
    return " ".join(f"{chunk.ms}" if chunk.end == size else f"{chunk.ms}:{chunk.end}" for chunk in chunks)


def _headers(headers: Headers) -> Iterator[str]:
    if not headers:
        yield "    headers: {}\n"
        return
    yield "    headers:\n"
    for name in dict.fromkeys(name for name, _ in headers):
        yield f"      {_word(name)}:\n"
        yield from (f"      - {_word(value)}\n" for key, value in headers if key == name)


def _word(text: str) -> str:
    """Return a scalar of one line: plain, single-quoted, or double-quoted with escapes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        return text
    if "\n" in text or "\t" in text or UNPRINTABLE.search(text):
        return _quoted(text)
    return "'" + text.replace("'", "''") + "'"


def _block(content: str | bytes, *, indent: int) -> str:
    """Return a body as a literal block whose lines stand ``indent`` deep, or as one quoted line where it cannot be one.

    A digit says the depth where the text begins with a blank, and ``-``, nothing or ``+`` how many newlines end it.
    https://yaml.org/spec/1.1/#id926836
    """
    if isinstance(content, bytes):
        encoded = base64.b64encode(content).decode()
        wrapped = "\n".join(encoded[at : at + _BASE64_LINE] for at in range(0, len(encoded), _BASE64_LINE))
        return f"!!binary {_block(wrapped, indent=indent)}"
    if not content:
        return "''"
    if UNPRINTABLE.search(content):
        return _quoted(content)
    depth = "2" if content[0] in " \t\n" else ""
    ending = "+" if content.endswith("\n\n") or content == "\n" else "" if content.endswith("\n") else "-"
    lines = content.removesuffix("\n").split("\n")
    return "\n".join((f"|{depth}{ending}", *(" " * indent + line if line else "" for line in lines)))


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if _SURROGATES[0] <= character <= _SURROGATES[1]:
        return "\\ufffd"  # half a character, which no YAML text can hold; only in names that are no Unicode
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"
