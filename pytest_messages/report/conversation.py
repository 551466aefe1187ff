"""Recorded interactions as the conversation that they are, and as they crossed the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_messages.api import jsons, sse, stream
from pytest_messages.report.layout import line, members, number, plain, size, value, wrapped
from pytest_messages.wire import Ended, header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_messages.cassette.document import Interaction
    from pytest_messages.wire import Headers, Response

Row = tuple[str, str]
"""A label and a text."""


def conversation(interactions: Sequence[Interaction], *, first: int = 1, columns: int = 100) -> str:
    """Return interactions as turns, tool calls and results, with what they cost and how they ended.

    An interaction that goes on from an earlier one shows only its new turns. ``first`` is the position of the first
    interaction in its cassette. Images, documents and everything else that nobody reads are told by kind and size.
    """
    told: list[_Told] = []
    texts = []
    for position, interaction in enumerate(interactions, first):
        one = _Told.of(position, interaction)
        texts.append("\n".join(_interaction(one, told, columns)))
        told.append(one)
    return "\n\n".join(texts)


def wire(interaction: Interaction) -> str:
    """Return an interaction as it crossed the wire, bodies decoded; only what a terminal would obey is left out."""
    request, response = interaction.request, interaction.response
    status = f"{response.status} {response.reason}".strip() if response.status else f"no response: {response.error}"
    parts = [
        _message(f"{request.method} {request.url}", request.headers, request.body),
        _message(status, response.headers, response.body),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts)


def _message(start: str, headers: Headers, body: bytes) -> str:
    head = "\n".join([start, *(f"{name}: {text}" for name, text in headers)])
    return plain(f"{head}\n\n{body.decode('utf-8', 'backslashreplace')}")


# --- What there is to tell --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told:
    """One interaction, read: the request's body, the answer's body, and the Message that came, where one did."""

    position: int
    interaction: Interaction
    body: dict[str, Any]
    answer: Any
    message: dict[str, Any]

    @classmethod
    def of(cls, position: int, interaction: Interaction) -> _Told:
        response = interaction.response
        if response.is_stream:
            events = [stream.payload(event) for event in sse.decode(response.body)]
            answer = stream.accumulate(events) or {}
            failed = next((event for event in events if members(event).get("type") == "error"), None)
            return cls(position, interaction, members(jsons.read(interaction.request.body)), failed, answer)
        answer = jsons.read(response.body)
        message = answer if members(answer).get("type") == "message" else {}
        return cls(position, interaction, members(jsons.read(interaction.request.body)), answer, message)

    @property
    def turns(self) -> list[Any]:
        """The messages of the request."""
        messages = self.body.get("messages")
        return messages if isinstance(messages, list) else []

    @property
    def known(self) -> list[Any]:
        """The turns, with the answer as the last of them."""
        return (
            [*self.turns, {"role": "assistant", "content": self.message.get("content")}] if self.message else self.turns
        )


# --- One interaction --------------------------------------------------------------------------------------------------

_LABEL = 11


def _interaction(one: _Told, earlier: Sequence[_Told], columns: int) -> Iterator[str]:
    yield line(_heading(one), columns)
    recorded = _recorded(one)
    if recorded:
        yield line(f"  {recorded}", columns)
    yield ""
    names = _names_of_tools([*earlier, one])
    before, shared = _goes_on_from(one, earlier)
    if before is not None and shared:
        turns = number(shared, "turn")
        yield f"  … {turns} as in #{before.position}"
    for label, text in [*_setting(one, before), *_rows_of_turns(one.turns[shared:], names), *_answer(one, names)]:
        yield from _row(label, text, columns)


def _row(label: str, text: str, columns: int) -> Iterator[str]:
    for n, row in enumerate(wrapped(_shortened(text), max(columns - _LABEL - 2, 10))):
        yield f"  {label if n == 0 else '':<{_LABEL}}{row}".rstrip()


_LONGEST = 6000


def _shortened(text: str) -> str:
    """Leave out the middle of what nobody reads to the end."""
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n… {len(text) - _LONGEST:,} characters more …\n{text[-half:]}"


def _heading(one: _Told) -> str:
    request, response = one.interaction.request, one.interaction.response
    provider = one.interaction.recording.provider
    place = _path(request.url) if provider else request.url
    model = one.body.get("model")
    pieces = [f"#{one.position}", f"{request.method} {place}", provider, model if isinstance(model, str) else None]
    return "  ".join([*filter(None, pieces), *(["streamed"] if response.is_stream else [])])


def _path(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _recorded(one: _Told) -> str:
    recording = one.interaction.recording
    when = f"recorded {recording.at}" if recording.at else ""
    return " ".join(filter(None, [when, f"by {recording.test}" if recording.test else ""]))


def _goes_on_from(one: _Told, earlier: Sequence[_Told]) -> tuple[_Told | None, int]:
    """Return the earlier interaction that shares most turns from the beginning, and how many; the latest of equals."""
    best: tuple[_Told | None, int] = (None, 0)
    turns = [_essence(turn) for turn in one.turns]
    for other in earlier:
        pairs = zip(turns, map(_essence, other.known), strict=False)
        count = next((n for n, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(turns), len(other.known)))
        if count and count >= best[1]:
            best = other, count
    return best


_BESIDE_THE_POINT = frozenset({"cache_control", "citations", "caller"})


def _essence(turn: Any) -> object:
    """Return what a turn says: clients send an answer back without what is empty, or marked for the cache."""
    content = members(turn).get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(blocks, list):
        return turn
    kept = [
        {name: part for name, part in members(block).items() if part is not None and name not in _BESIDE_THE_POINT}
        for block in blocks
    ]
    return members(turn).get("role"), kept


def _names_of_tools(told: Sequence[_Told]) -> dict[str, str]:
    """Return which tool each call named, by the call's id: a result names the id only."""
    blocks = (block for one in told for turn in one.known for block in _blocks(members(turn).get("content")))
    return {str(block["id"]): str(block["name"]) for block in blocks if "id" in block and "name" in block}


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [members(block) for block in content] if isinstance(content, list) else []


# --- The request ------------------------------------------------------------------------------------------------------

_SAID_ELSEWHERE = frozenset({"messages", "system", "tools", "model", "stream"})


def _setting(one: _Told, before: _Told | None) -> Iterator[Row]:
    """Yield what the turns are embedded in, where it is not that of the interaction that they go on from."""
    same = before.body if before is not None else {}
    for name, tell in (("system", _system), ("tools", _tools)):
        if one.body.get(name) and one.body.get(name) != same.get(name):
            yield name, tell(one.body[name])
    others = {name: given for name, given in one.body.items() if name not in _SAID_ELSEWHERE}
    if others and others != {name: given for name, given in same.items() if name not in _SAID_ELSEWHERE}:
        yield "settings", ", ".join(f"{name} {value(given, 200)}" for name, given in others.items())
    sent = one.interaction.request.body
    if sent and not isinstance(jsons.read(sent), dict):
        yield "body", _raw(sent)


def _system(system: Any) -> str:
    return "\n".join(text for _, text in _rows("system", system, {}))


def _tools(tools: Any) -> str:
    if not isinstance(tools, list):
        return value(tools, 200)
    return ", ".join(str(members(tool).get("name", members(tool).get("type", "?"))) for tool in tools)


def _rows_of_turns(turns: Sequence[Any], names: Mapping[str, str]) -> Iterator[Row]:
    for turn in turns:
        role = members(turn).get("role")
        yield from _rows(role if isinstance(role, str) else "?", members(turn).get("content"), names)


def _rows(role: str, content: Any, names: Mapping[str, str]) -> Iterator[Row]:
    """Yield the blocks of one turn; a label is not said again for the block after."""
    if not isinstance(content, (str, list)):
        yield line(role, _LABEL - 1), value(content, 200)
    last = None
    for block in _blocks(content):
        label, text = _block(block, names)
        yield "" if label == last else line(label or role, _LABEL - 1), text
        last = label


# --- Blocks -----------------------------------------------------------------------------------------------------------


def _block(block: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    """Return a label, empty for what the turn's role says itself, and the block as text."""
    kind = block.get("type")
    tell = _BLOCKS.get(kind) if isinstance(kind, str) else None
    if tell is not None:
        return tell(block, names)
    if isinstance(kind, str) and kind.endswith("_tool_result"):
        return _server_result(block, names)
    return "", f"<{kind if isinstance(kind, str) else 'a block without type'}> {value(dict(block), 400)}"


def _string(block: Mapping[str, Any], name: str) -> str:
    found = block.get(name)
    return found if isinstance(found, str) else ""


def _text(block: Mapping[str, Any], _names: Mapping[str, str]) -> Row:
    citations = block.get("citations")
    cited = f" [{number(len(citations), 'citation')}]" if isinstance(citations, list) and citations else ""
    return "", _string(block, "text") + cited


def _thinking(block: Mapping[str, Any], _names: Mapping[str, str]) -> Row:
    return "thinking", _string(
        block, "thinking"
    ) or f"<not shown, signature of {size(len(_string(block, 'signature')))}>"


def _redacted(block: Mapping[str, Any], _names: Mapping[str, str]) -> Row:
    return "thinking", f"<redacted, {size(len(_string(block, 'data')))}>"


def _call(block: Mapping[str, Any], _names: Mapping[str, str]) -> Row:
    return "calls", f"{block.get('name')} {value(block.get('input'), 2000)}"


def _result(block: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    tool = names.get(str(block.get("tool_use_id")), "")
    failed = "failed" if block.get("is_error") is True else ""
    said = "\n".join(text for _, text in _rows("", block.get("content", ""), names))
    who = " ".join(filter(None, [tool, failed]))
    return "result", f"{who}: {said}" if who else said


def _server_result(block: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    content = block.get("content")
    tool = names.get(str(block.get("tool_use_id"))) or _string(block, "type").removesuffix("_tool_result")
    if isinstance(content, list):
        titles = [_string(members(entry), "title") or _string(members(entry), "type") for entry in content]
        return "result", f"{tool}: {number(len(content), 'entry', 'entries')}: {', '.join(filter(None, titles))}"
    told = _string(members(content), "error_code")
    return "result", f"{tool} failed: {told}" if told else f"{tool}: {value(content, 400)}"


def _medium(block: Mapping[str, Any], _names: Mapping[str, str]) -> Row:
    source = members(block.get("source"))
    kind = _string(source, "media_type") or _string(block, "type")
    if _string(source, "url"):
        return "", f"<{kind} at {_string(source, 'url')}>"
    if _string(source, "file_id"):
        return "", f"<{kind}, file {_string(source, 'file_id')}>"
    data = _string(source, "data")
    title = f", {_string(block, 'title')}" if _string(block, "title") else ""
    count = len(data) * 3 // 4 if source.get("type") == "base64" else len(data.encode(errors="replace"))
    return "", f"<{kind}, {size(count)}{title}>"


_BLOCKS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, str]], Row]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _call,
    "server_tool_use": _call,
    "mcp_tool_use": _call,
    "tool_result": _result,
    "mcp_tool_result": _result,
    "image": _medium,
    "document": _medium,
}
"""How a block reads; one in no row is shown as the JSON that it is."""


# --- The answer -------------------------------------------------------------------------------------------------------


def _answer(one: _Told, names: Mapping[str, str]) -> Iterator[Row]:
    response = one.interaction.response
    if one.message:
        content = one.message.get("content")
        yield from _rows("assistant", content, names)
        if content == []:
            yield "assistant", "<nothing>"
    failed = members(members(one.answer).get("error"))
    if failed:
        yield "error", f"{_string(failed, 'type')}: {_string(failed, 'message')}"
    elif not one.message and response.body:
        yield "answer", _raw(response.body)
    yield (
        "ended",
        "; ".join(filter(None, [_stopped(one.message), _usage(one.message), _took(response), _ended(response)])),
    )


def _raw(body: bytes) -> str:
    parsed = jsons.read(body)
    return json.dumps(parsed, ensure_ascii=False) if parsed is not None else body.decode("utf-8", "backslashreplace")


def _stopped(message: Mapping[str, Any]) -> str:
    reason, sequence = message.get("stop_reason"), message.get("stop_sequence")
    if not isinstance(reason, str):
        return ""
    return f"{reason} {value(sequence, 40)}" if isinstance(sequence, str) else reason


_USAGE: Mapping[str, str] = {
    "input_tokens": "input",
    "cache_read_input_tokens": "read from cache",
    "cache_creation_input_tokens": "written to cache",
    "output_tokens": "output",
}


def _usage(message: Mapping[str, Any]) -> str:
    usage = members(message.get("usage"))
    counts = [(words, usage.get(name)) for name, words in _USAGE.items()]
    told = [f"{count:,} {words}" for words, count in counts if isinstance(count, int) and count]
    return f"{', '.join(told)} tokens" if told else ""


def _took(response: Response) -> str:
    if not response.chunks:
        return ""
    first, last = response.chunks[0].ms, response.chunks[-1].ms
    return (
        f"{last / 1000:.1f} s" if first == last else f"{last / 1000:.1f} s, the first byte after {first / 1000:.1f} s"
    )


def _ended(response: Response) -> str:
    """Return the status, and how the answer ended where that was not as it should."""
    how = f"{response.ended} ({response.error})" if response.error else str(response.ended)
    retry = header(response.headers, "retry-after")
    pieces = [
        "no response" if not response.status else f"{response.status} {response.reason}".strip(),
        f"retry after {retry} s" if retry else "",
        how if response.ended is not Ended.COMPLETE else "",
    ]
    return ", ".join(filter(None, pieces))
