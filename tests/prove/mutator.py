"""Damage an exchange in every way that the statements about the API name, and change it in ways that damage nothing.

What is written here comes from the statements alone: S of streams, M of messages, R of requests, D of known deviations,
T of the shapes. It knows nothing of the judge, whose proof it is. Each damage yields changed copies of an exchange that
it applies to, at most a few, at places that a seed chooses.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from random import Random

    from .exchanges import Exchange


@dataclass(frozen=True)
class Damage:
    """One way to break a statement: ``row`` names it, ``what`` says how."""

    row: str
    what: str
    make: Callable[[Exchange, Random], Iterator[Exchange]]


DAMAGES: list[Damage] = []
NEUTRAL: list[Damage] = []
UNSEEN: list[Damage] = []
"""Damages that leave a lawful exchange behind, so that nobody can see them without the original."""

PLACES = 3
"""At how many places at most one damage is done to one exchange."""


def _enter(table: list[Damage], row: str, what: str) -> Callable[[Any], Any]:
    def enter(make: Any) -> Any:
        table.append(Damage(row, what, make))
        return make

    return enter


def damage(row: str, what: str) -> Callable[[Any], Any]:
    return _enter(DAMAGES, row, what)


def neutral(what: str) -> Callable[[Any], Any]:
    return _enter(NEUTRAL, "", what)


def unseen(what: str) -> Callable[[Any], Any]:
    return _enter(UNSEEN, "", what)


def some(rng: Random, places: Iterable[Any]) -> list[Any]:
    """Choose a few of the places."""
    found = list(places)
    return found if len(found) <= PLACES else rng.sample(found, PLACES)


# --- reading an exchange ---------------------------------------------------------------------------------------------


def events(exchange: Exchange) -> list[tuple[str | None, Any]]:
    """Return the events, of which all have an object as data; empty where the answer is no such stream."""
    if exchange.events is None or not all(isinstance(data, dict) for _, data in exchange.events):
        return []
    return exchange.events


def places(exchange: Exchange, *kinds: str) -> list[int]:
    return [n for n, (_, data) in enumerate(events(exchange)) if data.get("type") in kinds]


def changed(exchange: Exchange) -> Exchange:
    """Copy an exchange whose events, not its bytes, are to count."""
    copy = exchange.copy()
    if copy.events is not None:
        copy.raw = None
    return copy


def with_events(exchange: Exchange, kept: list[tuple[str | None, Any]]) -> Exchange:
    copy = changed(exchange)
    copy.events = kept
    return copy


def is_whole(exchange: Exchange) -> bool:
    """Tell whether the answer is a message that the API has finished."""
    if exchange.events is not None:
        return bool(places(exchange, "message_stop")) and len(places(exchange, "message_delta")) == 1
    return exchange.status == 200 and isinstance(exchange.body, dict) and exchange.body.get("type") == "message"


def blocks(exchange: Exchange) -> list[dict[str, Any]]:
    """Return the content blocks, of a stream as they start."""
    if exchange.events is not None:
        return [events(exchange)[n][1].get("content_block", {}) for n in places(exchange, "content_block_start")]
    return [block for block in exchange.body.get("content", []) if isinstance(block, dict)]


def of(exchange: Exchange, *kinds: str) -> list[int]:
    return [n for n, block in enumerate(blocks(exchange)) if block.get("type") in kinds]


def final(exchange: Exchange) -> dict[str, Any]:
    """Return the object that holds the stop reason."""
    if exchange.events is not None:
        delta: dict[str, Any] = events(exchange)[places(exchange, "message_delta")[-1]][1]["delta"]
        return delta
    body: dict[str, Any] = exchange.body
    return body


def usage(exchange: Exchange) -> dict[str, Any]:
    """Return the final usage."""
    holder = (
        events(exchange)[places(exchange, "message_delta")[-1]][1] if exchange.events is not None else exchange.body
    )
    found = holder.get("usage")
    return found if isinstance(found, dict) else {}


def first_usage(exchange: Exchange) -> dict[str, Any]:
    """Return the usage of message_start, which a JSON answer has as its only one."""
    if exchange.events is None:
        return usage(exchange)
    found = events(exchange)[0][1].get("message", {}).get("usage")
    return found if isinstance(found, dict) else {}


def text_of(exchange: Exchange) -> str:
    """Return all text of the answer."""
    if exchange.events is None:
        return "".join(str(block.get("text", "")) for block in blocks(exchange) if block.get("type") == "text")
    deltas = [events(exchange)[n][1].get("delta", {}) for n in places(exchange, "content_block_delta")]
    return "".join(delta.get("text", "") for delta in deltas)


def spans(exchange: Exchange) -> list[tuple[int, int]]:
    """Return where each block of a stream starts and stops."""
    starts, stops = places(exchange, "content_block_start"), places(exchange, "content_block_stop")
    return list(zip(starts, stops, strict=False)) if len(starts) == len(stops) else []


def kind_at(exchange: Exchange, start: int) -> str:
    return str(events(exchange)[start][1].get("content_block", {}).get("type"))


def deltas_within(exchange: Exchange, span: tuple[int, int], kind: str) -> list[int]:
    return [
        n
        for n in range(*span)
        if events(exchange)[n][1].get("type") == "content_block_delta"
        and events(exchange)[n][1].get("delta", {}).get("type") == kind
    ]


def request(exchange: Exchange) -> dict[str, Any]:
    return exchange.request if isinstance(exchange.request, dict) else {}


def tools(exchange: Exchange) -> list[dict[str, Any]]:
    found = request(exchange).get("tools")
    return [tool for tool in found if isinstance(tool, dict)] if isinstance(found, list) else []


def plain_tools(exchange: Exchange) -> bool:
    """Tell whether all tools that can be used stand in the request by name."""
    return (
        bool(tools(exchange))
        and all("name" in tool for tool in tools(exchange))
        and (not request(exchange).get("mcp_servers"))
    )


def turns(exchange: Exchange) -> list[dict[str, Any]]:
    found = request(exchange).get("messages")
    return [turn for turn in found if isinstance(turn, dict)] if isinstance(found, list) else []


def is_create(exchange: Exchange) -> bool:
    """Tell whether this is a call for a message by the documented path, with its request kept as JSON."""
    path = exchange.url.partition("?")[0]
    return path.endswith("/v1/messages") and bool(turns(exchange)) and exchange.status == 200


# --- streams: bytes --------------------------------------------------------------------------------------------------


def a_stream(exchange: Exchange) -> bool:
    return bool(events(exchange)) and is_whole(exchange)


@damage("S1", "take the name from an event")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n in some(rng, range(len(events(exchange)))):
        copy = changed(exchange)
        copy.events[n] = (None, copy.events[n][1])  # type: ignore[index]  # a stream
        yield copy


@damage("S1", "cut the JSON of an event")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n in some(rng, range(len(events(exchange)))):
        copy = changed(exchange)
        name, data = copy.events[n]  # type: ignore[index]  # a stream
        text = json.dumps(data, ensure_ascii=False)
        copy.events[n] = (name, text[: rng.randrange(1, len(text))])  # type: ignore[index]
        yield copy


@damage("S1", "make an array of the data of an event")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n in some(rng, range(len(events(exchange)))):
        copy = changed(exchange)
        copy.events[n] = (copy.events[n][0], [copy.events[n][1]])  # type: ignore[index]  # a stream
        yield copy


@damage("S1", "break a field name of an event")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    body = changed(exchange).wire if events(exchange) else b""
    for field in (b"data: ", b"event: "):
        found = [n for n in range(len(body)) if body.startswith(b"\n" + field, n)]
        for n in some(rng, found):
            copy = exchange.copy()
            copy.raw = body[: n + 1] + b"x" + body[n + 1 :]
            yield copy


@damage("S1", "break UTF-8")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    body = changed(exchange).wire if events(exchange) else b""
    inside = [n for n in range(len(body)) if body.startswith((b'"text": "', b'"id": "', b'"thinking": "'), n)]
    for n in some(rng, inside):
        copy = exchange.copy()
        at = body.index(b': "', n) + 3
        copy.raw = body[:at] + b"\xc3" + body[at:]
        yield copy


@damage("D1", "encode the data of an event twice")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n in some(rng, range(len(events(exchange)))):
        copy = changed(exchange)
        name, data = copy.events[n]  # type: ignore[index]  # a stream
        copy.events[n] = (name, json.dumps(json.dumps(data)))  # type: ignore[index]
        yield copy


KINDS = (
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
    "error",
)


@damage("S2", "give an event the name of another type")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n in some(rng, range(len(events(exchange)))):
        copy = changed(exchange)
        name, data = copy.events[n]  # type: ignore[index]  # a stream
        copy.events[n] = (rng.choice([kind for kind in KINDS if kind != name]), data)  # type: ignore[index]
        yield copy


@damage("T4", "make another event of one, by name and type")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n in some(rng, range(len(events(exchange)))):
        copy = changed(exchange)
        kind = rng.choice([kind for kind in KINDS if kind != events(copy)[n][0]])
        events(copy)[n] = (kind, {**events(copy)[n][1], "type": kind})
        yield copy


@damage("S1", "lose the blank line between two events")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    body = changed(exchange).wire if events(exchange) else b""
    for n in some(rng, [n for n in range(len(body)) if body.startswith(b"\n\nevent", n)]):
        copy = exchange.copy()
        copy.raw = body[:n] + body[n + 1 :]
        yield copy


# --- streams: order --------------------------------------------------------------------------------------------------


def without(exchange: Exchange, *dropped: int) -> Exchange:
    kept = [event for n, event in enumerate(changed(exchange).events or []) if n not in dropped]
    return with_events(exchange, kept)


def again(exchange: Exchange, n: int) -> Exchange:
    copy = changed(exchange).events or []
    return with_events(exchange, [*copy[: n + 1], copy[n], *copy[n + 1 :]])


def moved(exchange: Exchange, n: int, to: int) -> Exchange:
    copy = changed(exchange).events or []
    copy.insert(to, copy.pop(n))
    return with_events(exchange, copy)


@damage("S3", "drop message_start")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    yield from (without(exchange, n) for n in places(exchange, "message_start"))


@damage("S3", "repeat message_start")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    yield from (again(exchange, n) for n in places(exchange, "message_start"))


@damage("S3", "let message_start come later")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    first = places(exchange, "content_block_start", "message_delta")
    if a_stream(exchange) and first:
        yield moved(exchange, 0, first[0])


@damage("S4", "give message_start a content or a stop reason")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange):
        for key, value in (("content", [{"type": "text", "text": "x"}]), ("stop_reason", "end_turn")):
            copy = changed(exchange)
            events(copy)[0][1]["message"][key] = value
            yield copy


@damage("S5", "number a block and all of its events one higher")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for start, stop in some(rng, spans(exchange)):
        copy = changed(exchange)
        for _, data in events(copy)[start : stop + 1]:
            if "index" in data:
                data["index"] += 1
        yield copy


@damage("S5", "drop a whole block but the last")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for start, stop in some(rng, spans(exchange)[:-1]):
        yield without(exchange, *range(start, stop + 1))


@damage("S5", "let a whole block come twice")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for start, stop in some(rng, spans(exchange)):
        copy = changed(exchange).events or []
        yield with_events(exchange, [*copy[: stop + 1], *copy[start : stop + 1], *copy[stop + 1 :]])


@damage("S5", "swap two blocks")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    found = spans(exchange)
    for n in some(rng, range(len(found) - 1)):
        (a, b), (c, d) = found[n], found[n + 1]
        copy = changed(exchange).events or []
        yield with_events(exchange, [*copy[:a], *copy[c : d + 1], *copy[b + 1 : c], *copy[a : b + 1], *copy[d + 1 :]])


@damage("S6", "give a delta or a stop another index")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n in some(rng, places(exchange, "content_block_delta", "content_block_stop")):
        copy = changed(exchange)
        events(copy)[n][1]["index"] += rng.choice((1, 7))
        yield copy


@damage("S6", "drop content_block_start")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    yield from (without(exchange, n) for n in some(rng, places(exchange, "content_block_start")))


@damage("S6", "drop a content_block_stop but the last")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    yield from (without(exchange, n) for n in some(rng, places(exchange, "content_block_stop")[:-1]))


@damage("S6", "repeat content_block_start or content_block_stop")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    yield from (again(exchange, n) for n in some(rng, places(exchange, "content_block_start", "content_block_stop")))


@damage("S6", "let a delta come before its block or after it")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for start, stop in some(rng, spans(exchange)):
        inside = [n for n in range(start, stop) if events(exchange)[n][1]["type"] == "content_block_delta"]
        if inside:
            yield moved(exchange, inside[0], start)
            yield moved(exchange, inside[-1], stop)


STREAMED = {
    "text": {"text_delta": "text", "citations_delta": "citation"},
    "thinking": {"thinking_delta": "thinking", "signature_delta": "signature"},
    "tool_use": {"input_json_delta": "partial_json"},
    "server_tool_use": {"input_json_delta": "partial_json"},
    "mcp_tool_use": {"input_json_delta": "partial_json"},
}
WHOLE = (
    "redacted_thinking",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "container_upload",
    "mcp_tool_result",
    "mcp_tool_listing",
    "advisor_tool_result",
    "fallback",
)
FIELDS = {delta: field for deltas in STREAMED.values() for delta, field in deltas.items()}


@damage("S7", "give a delta a type that builds other blocks")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    inside = [(s, n) for s in spans(exchange) for n in range(*s) if "delta" in events(exchange)[n][1]]
    for span, n in some(rng, [(s, n) for s, n in inside if kind_at(exchange, s[0]) in STREAMED]):
        copy = changed(exchange)
        fitting = STREAMED[kind_at(exchange, span[0])]
        other = rng.choice(
            [kind for kind in ("text_delta", "thinking_delta", "input_json_delta") if kind not in fitting]
        )
        events(copy)[n][1]["delta"] = {"type": other, FIELDS[other]: "x"}
        yield copy


@damage("S8", "let a streamed block start with something in it")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    filled = {"text": ("text", "x"), "thinking": ("thinking", "x")}
    filled |= dict.fromkeys(("tool_use", "server_tool_use", "mcp_tool_use"), ("input", {"x": 1}))  # type: ignore[arg-type]
    for start, _ in some(rng, [span for span in spans(exchange) if kind_at(exchange, span[0]) in filled]):
        copy = changed(exchange)
        key, value = filled[kind_at(exchange, start)]
        events(copy)[start][1]["content_block"][key] = value
        yield copy


@damage("S9", "give a delta to a block that comes whole")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for _, stop in some(rng, [span for span in spans(exchange) if kind_at(exchange, span[0]) in WHOLE]):
        copy = changed(exchange)
        index = events(copy)[stop][1]["index"]
        delta = {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": "x"}}
        events(copy).insert(stop, ("content_block_delta", delta))
        yield copy


def _signatures(exchange: Exchange) -> list[tuple[tuple[int, int], int]]:
    found = [(span, deltas_within(exchange, span, "signature_delta")) for span in spans(exchange)]
    return [(span, deltas[0]) for span, deltas in found if len(deltas) == 1]


@damage("S10", "drop a signature")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    yield from (without(exchange, n) for _, n in some(rng, _signatures(exchange)))


@damage("S10", "repeat a signature")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    yield from (again(exchange, n) for _, n in some(rng, _signatures(exchange)))


@damage("S10", "let a signature come before the thinking")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for span, n in some(rng, _signatures(exchange)):
        thoughts = deltas_within(exchange, span, "thinking_delta")
        if thoughts:
            yield moved(exchange, n, thoughts[0])


CUT_SHORT = ("max_tokens", "refusal", "model_context_window_exceeded")


def is_object(text: str) -> bool:
    try:
        return text == "" or isinstance(json.loads(text), dict)
    except ValueError:
        return False


def eager(exchange: Exchange) -> bool:
    """Tell whether inputs may come unchecked."""
    return any(tool.get("eager_input_streaming") for tool in tools(exchange)) or any(
        "fine-grained" in value for name, value in exchange.asked_with if name == "anthropic-beta"
    )


@damage("S11", "lose a piece of a tool's input")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if not a_stream(exchange) or final(exchange).get("stop_reason") in CUT_SHORT or eager(exchange):
        return
    found = []
    for span in spans(exchange):
        pieces = deltas_within(exchange, span, "input_json_delta")
        for n in pieces:
            rest = "".join(events(exchange)[m][1]["delta"]["partial_json"] for m in pieces if m != n)
            if not is_object(rest):
                found.append(n)
    yield from (without(exchange, n) for n in some(rng, found))


@damage("S12", "drop the last content_block_stop")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    yield from (without(exchange, n) for n in places(exchange, "content_block_stop")[-1:])


@damage("S12", "let message_delta come before a block is closed, or before the last block")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    found = spans(exchange)
    if a_stream(exchange) and found:
        end = places(exchange, "message_delta")[0]
        yield moved(exchange, end, found[-1][1])
        yield moved(exchange, end, found[-1][0])


@damage("S13", "drop message_delta")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    yield from (without(exchange, n) for n in places(exchange, "message_delta"))


@damage("S13", "repeat message_delta")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    yield from (again(exchange, n) for n in places(exchange, "message_delta"))


@damage("S13", "swap message_delta and message_stop")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange):
        yield moved(exchange, places(exchange, "message_stop")[0], places(exchange, "message_delta")[0])


@damage("S14", "take the stop reason from message_delta")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange):
        copy = changed(exchange)
        final(copy)["stop_reason"] = None
        yield copy
        copy = changed(exchange)
        del final(copy)["stop_reason"]
        yield copy


@damage("S15", "let an event come after message_stop")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange):
        copy = changed(exchange).events or []
        yield from (with_events(exchange, [*copy, copy[n]]) for n in some(rng, range(len(copy))))


@damage("S16", "let a total shrink")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if not a_stream(exchange):
        return
    for key in ("output_tokens", "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
        before = first_usage(exchange).get(key)
        if (isinstance(before, int) and before > 0 and usage(exchange).get(key, -1) == before) or (
            key == "output_tokens" and isinstance(before, int) and before > 0
        ):
            copy = changed(exchange)
            usage(copy)[key] = before - 1
            yield copy


@damage("S17", "end the stream after any event but the last")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange):
        whole = changed(exchange).events or []
        stop = places(exchange, "message_stop")[0]
        yield from (with_events(exchange, whole[:n]) for n in some(rng, range(stop + 1)))


@damage("S17", "end the stream at any byte")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange):
        body = changed(exchange).wire
        last = body.rindex(b"}")
        for n in some(rng, range(last)):
            copy = exchange.copy()
            copy.raw = body[:n]
            yield copy


@damage("S17", "go on after an error")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange):
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        for n in some(rng, range(1, len(events(exchange)))):
            copy = changed(exchange)
            events(copy).insert(n, ("error", error))
            yield copy


@damage("S18", "let a ping carry something")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n in some(rng, places(exchange, "ping")):
        copy = changed(exchange)
        events(copy)[n][1]["load"] = 1
        yield copy


@damage("S21", "end the stream in [DONE]")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange):
        for name in (None, "data", "message"):
            copy = changed(exchange)
            events(copy).append((name, "[DONE]"))
            yield copy


@damage("S21", "keep the stream alive with comments")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange) and exchange.provider == "anthropic":
        copy = exchange.copy()
        copy.raw = b": PROCESSING\n\n" + changed(exchange).wire
        yield copy


@damage("D6", "take the usage from message_start or message_delta, or put it inside the delta")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if not a_stream(exchange) or not usage(exchange) or not first_usage(exchange):
        return
    end = places(exchange, "message_delta")[0]
    copy = changed(exchange)
    del events(copy)[0][1]["message"]["usage"]
    yield copy
    copy = changed(exchange)
    counts = events(copy)[end][1].pop("usage")
    yield copy
    copy = copy.copy()
    final(copy)["usage"] = counts
    yield copy


# --- shapes ----------------------------------------------------------------------------------------------------------

# What each event cannot do without, besides its type.
NEEDED = {
    "message_start": (("message",),),
    "content_block_start": (("index",), ("content_block",), ("content_block", "type")),
    "content_block_delta": (("index",), ("delta",), ("delta", "type")),
    "content_block_stop": (("index",),),
    "message_delta": (("delta",),),
    "error": (("error",), ("error", "type"), ("error", "message")),
}


def within(data: Any, path: Sequence[str]) -> Any:
    for step in path:
        data = data[step]
    return data


@damage("T4", "take a field from an event that it cannot do without")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    found = [
        (n, path) for n, (_, data) in enumerate(events(exchange)) for path in NEEDED.get(str(data.get("type")), ())
    ]
    found += [
        (n, ("delta", FIELDS[kind]))
        for n in places(exchange, "content_block_delta")
        if (kind := events(exchange)[n][1]["delta"].get("type")) in FIELDS
    ]
    for n, path in some(rng, found):
        copy = changed(exchange)
        del within(events(copy)[n][1], path[:-1])[path[-1]]
        yield copy


@damage("T4", "give a field of an event another JSON type")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    found = [
        (n, path) for n, (_, data) in enumerate(events(exchange)) for path in NEEDED.get(str(data.get("type")), ())
    ]
    for n, path in some(rng, found):
        copy = changed(exchange)
        within(events(copy)[n][1], path[:-1])[path[-1]] = rng.choice(
            [[], 1.5, True, "1"] if path[-1] != "type" else [[], 7]
        )
        yield copy


@damage("T4", "take the type from the data of an event")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n in some(rng, range(len(events(exchange)))):
        copy = changed(exchange)
        del events(copy)[n][1]["type"]
        yield copy


ENVELOPE = ("id", "type", "role", "model", "content", "usage")
IN_BLOCKS = {
    "text": ("text",),
    "thinking": ("thinking", "signature"),
    "redacted_thinking": ("data",),
    "tool_use": ("id", "name", "input"),
    "server_tool_use": ("id", "name", "input"),
    "web_search_tool_result": ("tool_use_id", "content"),
    "web_fetch_tool_result": ("tool_use_id", "content"),
    "code_execution_tool_result": ("tool_use_id", "content"),
    "bash_code_execution_tool_result": ("tool_use_id", "content"),
    "text_editor_code_execution_tool_result": ("tool_use_id", "content"),
    "tool_search_tool_result": ("tool_use_id", "content"),
    "container_upload": ("file_id",),
}
COUNTS = ("input_tokens", "output_tokens")


def json_message(exchange: Exchange) -> bool:
    return exchange.events is None and is_whole(exchange)


def _message_fields(exchange: Exchange) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = [(key,) for key in ENVELOPE]
    found += [("usage", key) for key in COUNTS]
    for n, block in enumerate(blocks(exchange)):
        found += [("content", n, key) for key in ("type", *IN_BLOCKS.get(block["type"], ())) if key in block]
    return found


@damage("T3", "take a field from a message that it cannot do without")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for path in some(rng, _message_fields(exchange)) if json_message(exchange) else ():
        copy = changed(exchange)
        del within(copy.body, path[:-1])[path[-1]]
        yield copy


@damage("T3", "give a field of a message another JSON type")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for path in some(rng, _message_fields(exchange)) if json_message(exchange) else ():
        copy = changed(exchange)
        within(copy.body, path[:-1])[path[-1]] = rng.choice([1.5, True, None])
        yield copy


@damage("T3", "make a message no JSON, or no object")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if json_message(exchange):
        body = exchange.wire
        for raw in (body[: rng.randrange(len(body))], b"[]", b'"x"', b"<html></html>"):
            copy = exchange.copy()
            copy.raw = raw
            yield copy


@damage("M12", "make a count negative, a text or a fraction")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange):
        for key in some(rng, [key for key, value in usage(exchange).items() if type(value) is int]):
            for value in (-1, "1", 1.5):
                copy = changed(exchange)
                usage(copy)[key] = value
                yield copy


# --- promises --------------------------------------------------------------------------------------------------------


@damage("M1", "take the stop reason away")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if json_message(exchange):
        copy = changed(exchange)
        copy.body["stop_reason"] = None
        yield copy


@damage("M2", "take the stop sequence away, or name one with another stop reason")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange):
        copy = changed(exchange)
        final(copy)["stop_sequence"] = None if final(copy)["stop_reason"] == "stop_sequence" else "END"
        yield copy


@damage("M3", "name a stop sequence that was not asked for")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange) and request(exchange):
        copy = changed(exchange)
        final(copy).update(stop_reason="stop_sequence", stop_sequence="\x00never")
        yield copy


@damage("M4", "stop for a tool where none is used")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange) and not of(exchange, "tool_use"):
        copy = changed(exchange)
        final(copy).update(stop_reason="tool_use", stop_sequence=None)
        yield copy


@damage("M5", "end the turn where a tool is used")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange) and of(exchange, "tool_use") and final(exchange)["stop_reason"] == "tool_use":
        copy = changed(exchange)
        final(copy)["stop_reason"] = "end_turn"
        yield copy


@damage("M6", "give details of a refusal where nothing was refused")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange) and final(exchange)["stop_reason"] != "refusal":
        copy = changed(exchange)
        final(copy)["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
        yield copy


CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")


@damage("M7", "use an id twice")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    found = of(exchange, *CALLS) if is_whole(exchange) else []
    if len(found) > 1:
        copy = changed(exchange)
        blocks(copy)[found[-1]]["id"] = blocks(copy)[found[0]]["id"]
        yield copy


@damage("M7", "give a tool use an id of another form")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n in some(rng, of(exchange, *CALLS) if is_whole(exchange) else ()):
        # Records whose ids were masked have other forms already.
        if not str(blocks(exchange)[n].get("id")).startswith(("toolu_0", "srvtoolu_0", "mcptoolu_0")):
            continue
        for identity in ("call:7", "use_7"):
            copy = changed(exchange)
            blocks(copy)[n]["id"] = identity
            yield copy


@damage("M8", "use a tool that is none of the request's")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange) and plain_tools(exchange):
        for n in some(rng, of(exchange, "tool_use")):
            copy = changed(exchange)
            blocks(copy)[n]["name"] = "never_heard_of"
            yield copy


def set_input(exchange: Exchange, n: int, value: object) -> None:
    """Give a tool use another input."""
    if exchange.events is None:
        blocks(exchange)[n]["input"] = value
        return
    start, stop = spans(exchange)[n]
    pieces = deltas_within(exchange, (start, stop), "input_json_delta")
    for m in pieces:
        events(exchange)[m][1]["delta"]["partial_json"] = json.dumps(value) if m == pieces[0] else ""


@damage("M9", "leave a required argument out of a tool's input, or give it another type")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if not is_whole(exchange) or not plain_tools(exchange) or final(exchange)["stop_reason"] in CUT_SHORT:
        return
    schemas = {tool["name"]: tool.get("input_schema") for tool in tools(exchange)}
    for n in some(rng, of(exchange, "tool_use")):
        schema = schemas.get(blocks(exchange)[n]["name"])
        required = schema.get("required") if isinstance(schema, dict) else None
        pieces = exchange.events is None or deltas_within(exchange, spans(exchange)[n], "input_json_delta")
        if not required or not pieces:
            continue
        copy = changed(exchange)
        set_input(copy, n, {})
        yield copy
        declared = schema.get("properties", {}).get(required[0], {}) if isinstance(schema, dict) else {}
        if str(declared.get("type")) in {"string", "number", "integer", "array", "object"}:
            copy = changed(exchange)
            set_input(copy, n, dict.fromkeys(required, True))
            yield copy


def wanted_format(exchange: Exchange) -> Any:
    return (request(exchange).get("output_config") or {}).get("format") or request(exchange).get("output_format")


def set_text(exchange: Exchange, text: str) -> None:
    """Make the answer say something else in its last text, and nothing in the others."""
    if exchange.events is None:
        for n in of(exchange, "text"):
            blocks(exchange)[n]["text"] = text if n == of(exchange, "text")[-1] else ""
        return
    pieces = [n for n in places(exchange, "content_block_delta") if "text" in events(exchange)[n][1]["delta"]]
    for n in pieces:
        events(exchange)[n][1]["delta"]["text"] = text if n == pieces[-1] else ""


@damage("M10", "answer with text where JSON was asked for, or with JSON of another shape")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    wanted = wanted_format(exchange)
    if not is_whole(exchange) or not isinstance(wanted, dict) or final(exchange)["stop_reason"] != "end_turn":
        return
    if text_of(exchange):
        for text in ("So here it is:", "7"):
            if text != "7" or wanted.get("schema", {}).get("type") == "object":
                copy = changed(exchange)
                set_text(copy, text)
                yield copy


@damage("M12", "give more tokens out than were asked for")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    limit = request(exchange).get("max_tokens")
    if is_whole(exchange) and isinstance(limit, int) and usage(exchange).get("output_tokens", limit + 1) <= limit:
        copy = changed(exchange)
        usage(copy)["output_tokens"] = limit + 1
        yield copy


@damage("M13", "stop for max_tokens before they are used up")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    limit = request(exchange).get("max_tokens")
    if is_whole(exchange) and isinstance(limit, int) and usage(exchange).get("output_tokens", limit) < limit:
        copy = changed(exchange)
        final(copy).update(stop_reason="max_tokens", stop_sequence=None)
        if wanted_format(exchange) is None:
            yield copy


TOTAL = "cache_creation_input_tokens"


@damage("M14", "let the parts of cache_creation sum up to something else")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    counts = first_usage(exchange) if is_whole(exchange) else {}
    parts = counts.get("cache_creation")
    total = counts.get(TOTAL)
    if isinstance(parts, dict) and parts and sum(parts.values()) == total == usage(exchange).get(TOTAL, total):
        # A stream may say the total again at its end.
        copy = changed(exchange)
        first_usage(copy)["cache_creation"]["ephemeral_5m_input_tokens"] += 1
        yield copy


def _results(exchange: Exchange) -> list[int]:
    return [n for n, block in enumerate(blocks(exchange)) if str(block.get("type")).endswith("_tool_result")]


@damage("M15", "let a result answer no use")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if not is_whole(exchange) or not request(exchange):
        return
    ids = {block.get("id") for block in blocks(exchange)}
    for n in some(rng, [n for n in _results(exchange) if blocks(exchange)[n].get("tool_use_id") in ids]):
        copy = changed(exchange)
        blocks(copy)[n]["tool_use_id"] = "srvtoolu_nobody"
        yield copy


@damage("M16", "end the turn without the result of a server tool")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if json_message(exchange) and exchange.body["stop_reason"] == "end_turn":
        ids = {block.get("id") for block in blocks(exchange)}
        for n in some(rng, [n for n in _results(exchange) if blocks(exchange)[n]["tool_use_id"] in ids]):
            copy = changed(exchange)
            del copy.body["content"][n]
            yield copy


@damage("M17", "pause where the client is to use a tool")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange) and of(exchange, "tool_use"):
        copy = changed(exchange)
        final(copy)["stop_reason"] = "pause_turn"
        yield copy


@damage("M18", "use two tools where one was allowed")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange) and len(of(exchange, "tool_use")) > 1 and request(exchange):
        copy = changed(exchange)
        choice = copy.request.get("tool_choice") or {"type": "auto"}
        copy.request["tool_choice"] = {**choice, "disable_parallel_tool_use": True}
        yield copy


@damage("M19", "use no tool where one was forced, or another one")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if (
        not is_whole(exchange)
        or not request(exchange)
        or final(exchange)["stop_reason"] not in {"end_turn", "tool_use"}
    ):
        return
    for choice in ({"type": "any"}, {"type": "tool", "name": "the_other_one"}):
        if choice["type"] == "tool" or not of(exchange, *CALLS):
            copy = changed(exchange)
            copy.request["tool_choice"] = choice
            yield copy


@damage("M20", "use a tool where none was allowed")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange) and request(exchange) and of(exchange, "tool_use"):
        copy = changed(exchange)
        copy.request["tool_choice"] = {"type": "none"}
        yield copy


THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}


@damage("M21", "think where thinking was off")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if (
        is_whole(exchange)
        and of(exchange, "thinking")
        and request(exchange).get("thinking", {}).get("type")
        in {
            "enabled",
            "adaptive",
        }
    ):
        for thinking in (None, {"type": "disabled"}):
            copy = changed(exchange)
            copy.request["thinking"] = thinking
            if thinking is None:
                del copy.request["thinking"]
            yield copy


@damage("M22", "think after something else")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if json_message(exchange) and blocks(exchange) and not of(exchange, "thinking", "redacted_thinking"):
        copy = changed(exchange)
        copy.body["content"].append(THOUGHT)
        yield copy


@damage("M23", "answer a pre-warm")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if (
        is_whole(exchange)
        and request(exchange)
        and (blocks(exchange) or final(exchange)["stop_reason"] != "max_tokens")
    ):
        copy = changed(exchange)
        copy.request["max_tokens"] = 0
        yield copy


RANGES = {
    "char_location": ("start_char_index", "end_char_index"),
    "page_location": ("start_page_number", "end_page_number"),
    "content_block_location": ("start_block_index", "end_block_index"),
    "search_result_location": ("start_block_index", "end_block_index"),
}
# A search result may end in the block in which it starts.
INCLUSIVE = ("search_result_location",)


def citations(exchange: Exchange) -> list[dict[str, Any]]:
    if exchange.events is not None:
        deltas = [events(exchange)[n][1].get("delta", {}) for n in places(exchange, "content_block_delta")]
        return [delta["citation"] for delta in deltas if isinstance(delta.get("citation"), dict)]
    return [citation for block in blocks(exchange) for citation in block.get("citations") or []]


@damage("M25", "let a citation end before it starts, start before the first, or point beyond the documents")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    found = citations(exchange) if is_whole(exchange) else []
    for n in some(rng, range(len(found))):
        start, end = RANGES.get(found[n]["type"], ("", ""))
        damages: list[tuple[str, int]] = (
            [(end, found[n][start] - (found[n]["type"] in INCLUSIVE)), (start, -1)] if start else []
        )
        damages += [("document_index", 999)] if "document_index" in found[n] and request(exchange) else []
        damages += [("search_result_index", 999)] if "search_result_index" in found[n] and request(exchange) else []
        for key, value in damages:
            copy = changed(exchange)
            citations(copy)[n][key] = value
            yield copy


@damage("M26", "bill more searches than were made")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange):
        made = sum(blocks(exchange)[n].get("name") == "web_search" for n in of(exchange, "server_tool_use"))
        billed = (usage(exchange).get("server_tool_use") or {}).get("web_search_requests", 0)
        if billed <= made:
            copy = changed(exchange)
            usage(copy)["server_tool_use"] = {"web_search_requests": made + 1, "web_fetch_requests": 0}
            yield copy


@damage("M27", "answer from another model")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    asked = request(exchange).get("model")
    holder = events(exchange)[0][1].get("message") if a_stream(exchange) else exchange.body
    # After a fallback, the block of that name says which model answered.
    if not is_whole(exchange) or of(exchange, "fallback"):
        return
    if isinstance(holder, dict) and str(holder.get("model")).startswith(str(asked)):
        copy = changed(exchange)
        (events(copy)[0][1]["message"] if exchange.events is not None else copy.body)["model"] = "somebody-else-1"
        yield copy


# --- errors ----------------------------------------------------------------------------------------------------------

STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def is_error(exchange: Exchange) -> bool:
    return exchange.status in STATUS and exchange.events is None and isinstance(exchange.body, dict)


@damage("T5", "damage the envelope of an error")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if not is_error(exchange) or exchange.body.get("type") != "error":
        return
    for path in (("type",), ("error",), ("error", "type"), ("error", "message")):
        copy = changed(exchange)
        del within(copy.body, path[:-1])[path[-1]]
        yield copy
        copy = changed(exchange)
        within(copy.body, path[:-1])[path[-1]] = 7
        yield copy
    bodies: tuple[Any, ...] = ("<html></html>", {"error": "wrong"}, {"message": "wrong"}, [])
    for body in bodies:
        copy = changed(exchange)
        copy.body = body
        yield copy


@damage("D11", "answer with a status of another error type")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if is_error(exchange) and isinstance(exchange.body.get("error"), dict):
        kind = exchange.body["error"].get("type")
        if kind in STATUS.values():
            others = [s for s, name in STATUS.items() if name != kind and (kind != "invalid_request_error" or s >= 500)]
            for status in some(rng, others):
                copy = changed(exchange)
                copy.status = status
                yield copy


@damage("D12", "lose the id of a failed request")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    headers = dict(exchange.answered_with or ())
    if is_error(exchange) and (exchange.body.get("request_id") or "request-id" in headers):
        copy = changed(exchange)
        copy.body.pop("request_id", None)
        copy.answered_with = tuple(pair for pair in exchange.answered_with or () if pair[0] != "request-id")
        yield copy


# --- requests --------------------------------------------------------------------------------------------------------


def asked(exchange: Exchange, **fields: Any) -> Exchange:
    copy = changed(exchange)
    copy.request.update(fields)
    return copy


def dated(exchange: Exchange, version: str) -> Exchange:
    copy = changed(exchange)
    kept = [pair for pair in copy.asked_with if pair[0] != "anthropic-version"]
    copy.asked_with = (*kept, ("anthropic-version", version))
    return copy


def _each_block(exchange: Exchange) -> list[tuple[int, int, dict[str, Any]]]:
    return [
        (n, m, block)
        for n, turn in enumerate(turns(exchange))
        if isinstance(turn.get("content"), list)
        for m, block in enumerate(turn["content"])
        if isinstance(block, dict)
    ]


@damage("R1", "add a field that nobody knows, to the request or to a block")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if is_create(exchange):
        yield asked(exchange, seed=7)
        for n, m, _ in some(rng, _each_block(exchange)):
            copy = changed(exchange)
            turns(copy)[n]["content"][m]["colour"] = "red"
            yield copy


@damage("R2", "ask for no, fewer than no or half a token")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange) and "max_tokens" in request(exchange):
        copy = changed(exchange)
        del copy.request["max_tokens"]
        yield copy
        yield from (asked(exchange, max_tokens=value) for value in (-1, 1.5, "9"))
        yield asked(exchange, max_tokens=0, stream=True)


@damage("R3", "ask without messages")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange):
        yield asked(exchange, messages=[])
        copy = changed(exchange)
        del copy.request["messages"]
        yield copy


@damage("R4", "let the assistant begin")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange) and turns(exchange)[0]["role"] == "user":
        yield asked(exchange, messages=[{"role": "assistant", "content": "Hm."}, *turns(exchange)])


@damage("R5", "put words into the mouth of a model that takes none")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange) and turns(exchange)[-1]["role"] == "user":
        messages = [*turns(exchange), {"role": "assistant", "content": "It is"}]
        yield from (asked(exchange, messages=messages, model=m) for m in ("claude-opus-4-6", "claude-sonnet-5"))
        messages = [*turns(exchange), {"role": "assistant", "content": "It is "}]
        yield asked(exchange, messages=messages, model="claude-3-haiku-20240307")


@damage("R6", "misplace a system message, or fill it with something else")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange) and turns(exchange)[0]["role"] == "user":
        system = {"role": "system", "content": "Be brief."}
        yield asked(exchange, messages=[system, *turns(exchange)])
        picture = {"type": "image", "source": {"type": "url", "url": "https://example.org/x.png"}}
        last = turns(exchange)[-1]["role"]
        if last == "user":
            yield asked(exchange, messages=[*turns(exchange), system, {"role": "user", "content": "So?"}])
            yield asked(exchange, messages=[*turns(exchange), {"role": "system", "content": [picture]}])


def _answered(exchange: Exchange) -> list[tuple[int, list[int]]]:
    """Return the user turns that begin with results, right after tool uses, and where the results stand."""
    found = []
    for n, turn in enumerate(turns(exchange)):
        if n == 0 or turn.get("role") != "user" or not isinstance(turn.get("content"), list):
            continue
        before = turns(exchange)[n - 1]
        used = isinstance(before.get("content"), list) and any(b.get("type") == "tool_use" for b in before["content"])
        results = [m for m, block in enumerate(turn["content"]) if block.get("type") == "tool_result"]
        follows = n + 1 < len(turns(exchange)) and turns(exchange)[n + 1].get("role") == "user"
        if used and results and before["role"] == "assistant" and not follows:
            found.append((n, results))
    return found


@damage("R7", "leave a result out, or let words come before it")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n, results in some(rng, _answered(exchange) if is_create(exchange) else ()):
        copy = changed(exchange)
        del turns(copy)[n]["content"][results[-1]]
        turns(copy)[n]["content"].append({"type": "text", "text": "Well."})
        yield copy
        copy = changed(exchange)
        turns(copy)[n]["content"].insert(0, {"type": "text", "text": "Well."})
        yield copy


@damage("R8", "answer a use that never was, or one use twice")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n, results in some(rng, _answered(exchange) if is_create(exchange) else ()):
        copy = changed(exchange)
        turns(copy)[n]["content"][results[0]]["tool_use_id"] = "toolu_nobody"
        yield copy
        copy = changed(exchange)
        turns(copy)[n]["content"].insert(0, turns(copy)[n]["content"][results[0]])
        yield copy


@damage("R9", "name a toolset in the use but not in the result")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for n, results in some(rng, _answered(exchange) if is_create(exchange) else ()):
        copy = changed(exchange)
        identity = turns(copy)[n]["content"][results[0]]["tool_use_id"]
        for block in turns(copy)[n - 1]["content"]:
            if block.get("id") == identity:
                block["toolset_name"] = "browser"
                yield copy


@damage("R10", "give thinking too little, too much, a forced tool or a prefill")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if not is_create(exchange) or any("interleaved" in value for _, value in exchange.asked_with):
        return
    on = {"type": "enabled", "budget_tokens": 2048}
    yield asked(exchange, thinking={**on, "budget_tokens": 1000}, max_tokens=4096)
    yield asked(exchange, thinking=on, max_tokens=2048)
    yield asked(exchange, thinking=on, max_tokens=4096, tool_choice={"type": "any"})
    if turns(exchange)[-1]["role"] == "user":
        words = {"role": "assistant", "content": "It is"}
        yield asked(exchange, thinking=on, max_tokens=4096, messages=[*turns(exchange), words])


EPHEMERAL = {"type": "ephemeral"}


@damage("R12", "set too many cache breakpoints, or in the wrong order, or where none may stand")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange):
        text = {"type": "text", "text": "x", "cache_control": EPHEMERAL}
        yield asked(exchange, system=[text] * 5)
        yield asked(exchange, system=[text, {**text, "cache_control": {**EPHEMERAL, "ttl": "1h"}}])
        yield asked(exchange, system=[{**text, "text": ""}])
        thought = {**THOUGHT, "cache_control": EPHEMERAL}
        messages = [{"role": "user", "content": "Hm?"}, {"role": "assistant", "content": [thought]}, *turns(exchange)]
        yield asked(exchange, messages=messages)


@damage("R13", "ask for a temperature, top_p or top_k out of range, or by the version that has none")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange):
        for key, value in (("temperature", 1.5), ("temperature", -1), ("top_p", 2), ("top_k", -1), ("top_p", "x")):
            yield asked(exchange, **{key: value})
        yield dated(asked(exchange, temperature=1.0), "2026-10-21")


@damage("R14", "send what 2026-10-21 takes no more")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange) and not {"temperature", "top_p", "top_k"} & request(exchange).keys():
        document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
        begin = {"role": "user", "content": "Hm?"}
        messages = [begin, {"role": "assistant", "content": [document]}, *turns(exchange)]
        yield dated(asked(exchange, messages=messages), "2026-10-21")
        cited = {"type": "web_search_result_location", "cited_text": "x", "url": "https://e.org", "title": "x"}
        text = {"type": "text", "text": "x", "citations": [{**cited, "encrypted_index": "x"}]}
        yield dated(asked(exchange, messages=[{"role": "user", "content": [text]}, *turns(exchange)]), "2026-10-21")


TOOL = {"name": "one", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}}


@damage("R15", "declare a tool wrongly")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange):
        others = [tool for tool in tools(exchange) if tool.get("name") != "one"]
        yield asked(exchange, tools=[*others, TOOL, TOOL])
        for change in ({"name": "two words"}, {"name": "x" * 129}, {"input_schema": {"type": "array"}}):
            yield asked(exchange, tools=[*others, {**TOOL, **change}])
        yield asked(exchange, tools=[*others, {**TOOL, "input_examples": [{"a": 7}]}])


@damage("R16", "force a tool that is not there")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange) and plain_tools(exchange):
        yield asked(exchange, tool_choice={"type": "tool", "name": "not_there"})
    if is_create(exchange) and not tools(exchange) and not request(exchange).get("mcp_servers"):
        yield asked(exchange, tool_choice={"type": "any"})


@damage("R17", "cite one document and not the other, or in structured output")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange):
        plain = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
        cited = {**plain, "citations": {"enabled": True}}
        turn = {"role": "user", "content": [plain, cited]}
        yield asked(exchange, messages=[turn, *turns(exchange)])
        output = {"format": {"type": "json_schema", "schema": {"type": "string"}}}
        turn = {"role": "user", "content": [cited]}
        yield asked(exchange, messages=[turn, *turns(exchange)], output_config=output)


SEARCH = {"type": "web_search_20250305", "name": "web_search"}


@damage("R18", "allow and block domains, or search from nowhere")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange):
        yield asked(exchange, tools=[{**SEARCH, "allowed_domains": ["a.org"], "blocked_domains": ["b.org"]}])
        yield asked(exchange, tools=[{**SEARCH, "user_location": {"type": "approximate"}}])


def strict(**schema: Any) -> dict[str, Any]:
    return {"name": "one", "strict": True, "input_schema": {"type": "object", "additionalProperties": False, **schema}}


@damage("R19", "go beyond what strict schemas support")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange):
        text = {"type": "string"}
        either = {"anyOf": [text, {"type": "null"}]}
        many = {f"p{n}": either for n in range(17)}
        for tool in (
            strict(additionalProperties=True),
            strict(properties={"a": {**text, "minLength": 3}}, required=["a"]),
            strict(properties={"a": {"type": "integer", "minimum": 3}}, required=["a"]),
            strict(properties={"a": {**text, "pattern": "(?=x)"}}, required=["a"]),
            strict(properties={"a": {"type": "array", "items": text, "minItems": 2}}, required=["a"]),
            strict(properties={"a": {"$ref": "https://example.org/x.json"}}, required=["a"]),
            strict(properties={"a": {"$ref": "#/$defs/a"}}, required=["a"], **{"$defs": {"a": {"$ref": "#/$defs/a"}}}),
            strict(properties={f"p{n}": text for n in range(25)}),
            strict(properties=many, required=list(many)),
        ):
            yield asked(exchange, tools=[tool])
        yield asked(exchange, tools=[{**strict(), "name": f"t{n}"} for n in range(21)])


@damage("R20", "name a user at length")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange):
        yield asked(exchange, metadata={"user_id": "u" * 257})


@damage("R22", "send a batch that is none")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    found = request(exchange).get("requests")
    if isinstance(found, list) and found:
        yield asked(exchange, requests=[*found, found[0]])
        yield asked(exchange, requests=[{**found[0], "custom_id": "a b"}])
        yield asked(exchange, requests=[{**found[0], "params": {**found[0]["params"], "stream": True}}])
        yield asked(exchange, requests=[])


@damage("R23", "say nothing, or show what cannot be shown")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange):
        source = {"type": "base64", "media_type": "image/bmp", "data": "Qk0="}
        scan = {"type": "base64", "media_type": "image/png", "data": "Qk0="}
        for block in (
            {"type": "text", "text": ""},
            {"type": "image", "source": source},
            {"type": "document", "source": scan},
        ):
            yield asked(exchange, messages=[{"role": "user", "content": [block]}, *turns(exchange)])


# --- changes that damage nothing -------------------------------------------------------------------------------------


def bytes_of(exchange: Exchange, body: bytes) -> Exchange:
    copy = exchange.copy()
    copy.raw = body
    return copy


@neutral("pad the data of each event with blanks")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if events(exchange):
        padded = [(name, json.dumps(data)[:-1] + " " * rng.randrange(20) + "}") for name, data in events(exchange)]
        yield with_events(exchange, padded)


@neutral("end lines in CRLF, or in CR, or begin with a byte-order mark")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if events(exchange):
        body = changed(exchange).wire
        yield bytes_of(exchange, body.replace(b"\n", b"\r\n"))
        yield bytes_of(exchange, body.replace(b"\n", b"\r"))
        yield bytes_of(exchange, b"\xef\xbb\xbf" + body)


@neutral("add ids, retry times and blank lines between events")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if events(exchange):
        body = changed(exchange).wire
        yield bytes_of(exchange, b"retry: 10\n" + body.replace(b"\n\nevent: ", b"\n\n\n\nid: 7\nevent: "))


@neutral("split the data of an event over lines")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if events(exchange):
        yield with_events(exchange, [(name, json.dumps(data, indent=1)) for name, data in events(exchange)])


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(entry) for entry in value] if isinstance(value, list) else value


@neutral("write keys in another order")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    copy = changed(exchange)
    if exchange.events is not None:
        copy.events = [(name, reversed_keys(data)) for name, data in exchange.events]
    else:
        copy.body = reversed_keys(exchange.body)
    copy.request = reversed_keys(exchange.request)
    yield copy


@neutral("send pings between any two events")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange):
        kept = changed(exchange).events or []
        yield with_events(exchange, [each for event in kept for each in (("ping", {"type": "ping"}), event)])


@neutral("drop pings")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if places(exchange, "ping"):
        yield without(exchange, *places(exchange, "ping"))


@neutral("split a delta of text in two")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    found = [n for n in places(exchange, "content_block_delta") if "text" in events(exchange)[n][1]["delta"]]
    for n in some(rng, found):
        copy = changed(exchange)
        name, data = events(copy)[n]
        events(copy).insert(n + 1, (name, {**data, "delta": {**data["delta"], "text": data["delta"]["text"][1:]}}))
        data["delta"]["text"] = data["delta"]["text"][:1]
        yield copy


NULLABLE = ("container", "stop_details", "context_management", "diagnostics")
NULLABLE_COUNTS = ("service_tier", "inference_geo", "server_tool_use", "cache_creation", "output_tokens_details")


@neutral("leave out what may be null")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if json_message(exchange) and final(exchange)["stop_reason"] != "refusal":
        copy = changed(exchange)
        for holder, keys in ((copy.body, NULLABLE), (usage(copy), NULLABLE_COUNTS)):
            for key in keys:
                holder.pop(key, None)
        yield copy


@neutral("end a turn without content")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    plain = json_message(exchange) and wanted_format(exchange) is None and request(exchange).get("tool_choice") is None
    if plain and final(exchange)["stop_reason"] == "end_turn" and not of(exchange, "server_tool_use"):
        copy = changed(exchange)
        copy.body["content"] = []
        yield copy


@neutral("let one side speak twice in a row")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_create(exchange) and turns(exchange)[-1]["role"] == "user":
        yield asked(exchange, messages=[*turns(exchange), {"role": "user", "content": "Please."}])


@neutral("cut short what was to be JSON")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    limit = request(exchange).get("max_tokens")
    if is_whole(exchange) and isinstance(wanted_format(exchange), dict) and isinstance(limit, int):
        copy = changed(exchange)
        set_text(copy, '{"na')
        final(copy)["stop_reason"] = "max_tokens"
        usage(copy)["output_tokens"] = limit
        yield copy


# These are notices, and no more.
TOLERATED = ("news: an unknown event", "news: an unknown delta", "news: an unknown field", "news: an unknown value")


@neutral(TOLERATED[0])
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if a_stream(exchange):
        copy = changed(exchange)
        events(copy).insert(rng.randrange(1, len(events(copy)) - 1), ("news", {"type": "news", "load": {"a": 1}}))
        yield copy


@neutral(TOLERATED[1])
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    for start, stop in some(rng, [s for s in spans(exchange) if kind_at(exchange, s[0]) in {"text", "tool_use"}]):
        copy = changed(exchange)
        index = events(copy)[start][1]["index"]
        data = {"type": "content_block_delta", "index": index, "delta": {"type": "new_delta", "load": 1}}
        events(copy).insert(stop, ("content_block_delta", data))
        yield copy


@neutral(TOLERATED[2])
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if json_message(exchange):
        for holder in (lambda e: e.body, usage, lambda e: blocks(e)[0] if blocks(e) else e.body):
            copy = changed(exchange)
            holder(copy)["brand_new"] = {"a": [1]}
            yield copy
    for n in some(rng, [n for n in range(len(events(exchange))) if n not in places(exchange, "ping")]):
        copy = changed(exchange)
        events(copy)[n][1]["brand_new"] = 1
        yield copy


@neutral(TOLERATED[3])
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange) and not of(exchange, "tool_use") and final(exchange)["stop_reason"] == "end_turn":
        copy = changed(exchange)
        final(copy)["stop_reason"] = "brand_new"
        yield copy


# --- damages that leave a lawful exchange ----------------------------------------------------------------------------


@unseen("lose a delta of text")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if wanted_format(exchange) is None:
        found = [n for n in places(exchange, "content_block_delta") if "text" in events(exchange)[n][1]["delta"]]
        yield from (without(exchange, n) for n in some(rng, found))


@unseen("let a delta of text come twice")
def _(exchange: Exchange, rng: Random) -> Iterator[Exchange]:
    if wanted_format(exchange) is None:
        found = [n for n in places(exchange, "content_block_delta") if "text" in events(exchange)[n][1]["delta"]]
        yield from (again(exchange, n) for n in some(rng, found))


@unseen("lose the last block, whole")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    found = spans(exchange)
    plain = a_stream(exchange) and final(exchange)["stop_reason"] == "end_turn" and wanted_format(exchange) is None
    if plain and len(found) > 1 and kind_at(exchange, found[-1][0]) == "text":
        yield without(exchange, *range(found[-1][0], found[-1][1] + 1))


@unseen("change the text")
def _(exchange: Exchange, _rng: Random) -> Iterator[Exchange]:
    if is_whole(exchange) and wanted_format(exchange) is None and text_of(exchange):
        copy = changed(exchange)
        set_text(copy, "Something else altogether.")
        yield copy
