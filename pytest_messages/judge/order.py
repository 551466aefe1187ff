"""Is this sequence of events a lawful stream? Walks `stream.TRANSITIONS`, block by block.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_messages.api import jsons
from pytest_messages.api.stream import DELTAS, DELTAS_OF_BLOCK, State, after
from pytest_messages.findings import Level
from pytest_messages.judge.faults import Finding, Json, count, member, shown, word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_messages.judge.framing import Item

# Which rule an event breaks that `TRANSITIONS` does not allow where it came; by state, then by event.
_BREACHES: Mapping[State, Mapping[str, str]] = {
    State.BEGINNING: dict.fromkeys(
        ("content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"),
        "stream.message-start",
    ),
    State.OPEN: {
        "message_start": "stream.message-start",
        "content_block_delta": "stream.block-missing",
        "content_block_stop": "stream.block-missing",
        "message_stop": "stream.message-delta",
    },
    State.BLOCK: {
        "message_start": "stream.message-start",
        "content_block_start": "stream.block-nested",
        "message_delta": "stream.block-unclosed",
        "message_stop": "stream.message-delta",
    },
    State.ENDING: {
        "message_start": "stream.message-start",
        "content_block_start": "stream.block-late",
        "content_block_delta": "stream.block-late",
        "content_block_stop": "stream.block-late",
    },
}

# What the start of a block that is streamed holds nothing of yet.
_EMPTY: Mapping[str, tuple[str, object]] = {
    "text": ("text", ""),
    "thinking": ("thinking", ""),
    "tool_use": ("input", {}),
    "server_tool_use": ("input", {}),
    "mcp_tool_use": ("input", {}),
}

# A message that stopped for one of these may have been cut anywhere.
CUT_SHORT = frozenset({"max_tokens", "refusal", "model_context_window_exceeded"})


def walk(items: Iterable[Item], *, eager: Callable[[Json], bool]) -> tuple[State, list[Finding]]:
    """Judge the order of ``items``; return the state in which the stream ends, too.

    ``eager`` tells of a tool_use block whether the request lets its input come unchecked, so that it may be no JSON.
    """
    life = _Life(eager)
    for item in items:
        life.take(item)
    life.finish()
    return life.state, life.findings


class _Life:
    """A stream on its way through the states, and the block that is open."""

    def __init__(self, eager: Callable[[Json], bool]) -> None:
        self.state = State.BEGINNING
        self.findings: list[Finding] = []
        self._eager = eager
        self._blocks = 0
        self._open: _Block | None = None
        self._thinking: list[tuple[Item, _Block]] = []
        self._written: list[tuple[Item, _Block]] = []
        self._end: Item | None = None
        self._started: Json = {}

    def _say(self, rule: str, item: Item, found: str, **grade: Any) -> None:
        self.findings.append(Finding(rule, item.where, found, item.number, **grade))

    def take(self, item: Item) -> None:
        state, lawful = self.state, True
        self.state, lawful = after(state, item.type)
        if not lawful:
            self._misplaced(item, state)
        if state is not State.STOPPED and state is not State.FAILED:
            judge = _JUDGES.get(item.type)
            if judge is not None:
                judge(self, item)

    def _misplaced(self, item: Item, state: State) -> None:
        found = f"{item.type} {state}"
        if state is State.STOPPED:
            # "Any number, anywhere" is said of pings, "the last event" of message_stop.
            self._say("stream.after-stop", item, found, level=Level.HINT if item.type == "ping" else None)
        elif state is State.FAILED:
            self._say("stream.after-error", item, found)
        else:
            self._say(_BREACHES[state][item.type], item, found)

    def start(self, item: Item) -> None:
        if self._started:
            return
        self._started = message = member(item.data, "message") or {"": None}
        content, reason = message.get("content"), message.get("stop_reason")
        if content:
            self._say("stream.start-empty", item, f"content is {shown(content)}", loses=True)
        if reason is not None:
            self._say("stream.start-empty", item, f"stop_reason is {shown(reason)}")

    def open(self, item: Item) -> None:
        index = item.data.get("index")
        if index != self._blocks or isinstance(index, bool):
            self._say("stream.index", item, f"index {shown(index)} where {self._blocks} is due")
        self._blocks = (count(index) or 0) + 1 if index != self._blocks else self._blocks + 1
        self._open = block = _Block(index, member(item.data, "content_block"))
        key, empty = _EMPTY.get(block.kind, ("", None))
        value = block.start.get(key)
        if key and value and value != empty:
            self._say("stream.block-start-empty", item, f"{key} is {shown(value)}")
        elif key == "input" and key not in block.start:
            # The documentation's own example of a web search leaves it out.
            self._say("stream.block-start-empty", item, "there is no input", level=Level.HINT)

    def delta(self, item: Item) -> None:
        block = self._open
        if block is None:
            return
        index = item.data.get("index")
        if index != block.index:
            self._say("stream.block-index", item, f"index {shown(index)} while block {shown(block.index)} is open")
        delta = member(item.data, "delta")
        kind = word(delta, "type")
        if kind not in block.takes:
            self._unfit(item, block, kind)
        elif kind == "input_json_delta":
            block.written.append(str(delta.get("partial_json", "")))
        elif kind == "signature_delta":
            block.signatures.append(item)
        block.last = kind

    def _unfit(self, item: Item, block: _Block, kind: str) -> None:
        if kind not in DELTAS or block.kind not in DELTAS_OF_BLOCK:
            return  # unknown, which the rules of shape report
        rule = "stream.delta-type" if block.takes else "stream.whole-block"
        self._say(rule, item, f"{kind} for a {block.kind} block")

    def stop(self, item: Item) -> None:
        block, self._open = self._open, None
        if block is None:
            return
        index = item.data.get("index")
        if index != block.index:
            self._say("stream.block-index", item, f"index {shown(index)} while block {shown(block.index)} is open")
        if block.kind == "thinking":
            self._thinking.append((item, block))
        if block.written:
            self._written.append((item, block))

    def end(self, item: Item) -> None:
        if self._end is not None:
            self._say("stream.message-delta-once", item, "a second message_delta")
        self._end = item
        self._open = None
        usage = item.data.get("usage")
        if not isinstance(usage, dict):
            inside = member(item.data, "delta").get("usage")
            if isinstance(inside, dict):
                self._say("stream.usage-in-delta", item, "the usage stands inside the delta")
                usage = inside
            else:
                self._say("stream.usage", item, "there is no usage")
                return
        self._totals(item, usage)

    def _totals(self, item: Item, usage: Json) -> None:
        before = member(self._started, "usage")
        for key, value in usage.items():
            now, then = count(value), count(before.get(key))
            if now is not None and then is not None and now < then:
                # What was refused is not billed, and its output may no longer count.
                refused = member(item.data, "delta").get("stop_reason") == "refusal"
                rule = "stream.usage-cumulative" if key == "output_tokens" and not refused else "stream.usage-decreased"
                self._say(rule, item, f"usage.{key} is {now} after {then}")

    def finish(self) -> None:
        """Judge what only the end of the stream can tell: why the message stopped."""
        reason = member(self._end.data, "delta").get("stop_reason") if self._end is not None else None
        if self._end is not None and reason is None:
            self._say("stream.stop-reason", self._end, "the stop reason is null")
        short = reason in CUT_SHORT if isinstance(reason, str) else True
        for item, block in self._thinking:
            self._signature(item, block, short=short)
        for item, block in self._written:
            written = "".join(block.written)
            if not _is_object(written) and not (short or self._eager(block.start)):
                self._say("stream.tool-json", item, f"the input adds up to {shown(written)}")

    def _signature(self, item: Item, block: _Block, *, short: bool) -> None:
        signatures = block.signatures
        if not signatures and not block.start.get("signature"):
            # Whatever cut the message short may have cut its thinking.
            self._say("stream.signature", item, "the block has no signature", level=Level.HINT if short else None)
        for extra in signatures[1:]:
            self._say("stream.signature", extra, "the block has a signature already")
        if len(signatures) == 1 and block.last != "signature_delta":
            self._say("stream.signature", signatures[0], f"a {block.last} follows it")


class _Block:
    """The open block: how it started, and what has come for it."""

    __slots__ = ("index", "kind", "last", "signatures", "start", "takes", "written")

    def __init__(self, index: object, start: Json) -> None:
        self.index = index
        self.start = start
        self.kind = word(start, "type")
        self.takes = DELTAS_OF_BLOCK.get(self.kind, frozenset())
        self.written: list[str] = []
        self.signatures: list[Item] = []
        self.last = ""


def _is_object(written: str) -> bool:
    if not written:
        return True
    return isinstance(jsons.read(written), dict)


def _ping(life: _Life, item: Item) -> None:
    extra = [key for key in item.data if key != "type"]
    if extra:
        life._say("stream.ping-extra", item, f"it carries {', '.join(map(shown, extra))}")  # noqa: SLF001 - its own room


_JUDGES: Mapping[str, Callable[[_Life, Item], None]] = {
    "message_start": _Life.start,
    "content_block_start": _Life.open,
    "content_block_delta": _Life.delta,
    "content_block_stop": _Life.stop,
    "message_delta": _Life.end,
    "ping": _ping,
}
