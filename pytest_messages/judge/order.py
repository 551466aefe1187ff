"""Is this sequence of events a lawful stream? Walks `stream.TRANSITIONS`, block by block.

The rules of order depend on everything that came before, so they are no functions of their own: they are declared here,
and broken on the walk.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_messages.api import jsons
from pytest_messages.api.stream import DELTAS, DELTAS_OF_BLOCK, StreamState, after
from pytest_messages.findings import Level
from pytest_messages.judge.documentation import STREAMING, THINKING
from pytest_messages.judge.rules import declare, raised
from pytest_messages.judge.stop_reasons import CUT_SHORT
from pytest_messages.judge.values import Json, count, member, shown, word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_messages.judge.framing import Item
    from pytest_messages.judge.rules import Fault, Rule

MESSAGE_START = declare(
    "stream.message-start", Level.VIOLATION, STREAMING, "message_start comes first, and once.", "S3", loses=True
)
START_EMPTY = declare(
    "stream.start-empty",
    Level.VIOLATION,
    STREAMING,
    "message_start carries a Message without content and stop reason.",
    "S4",
)
INDEX = declare(
    "stream.index",
    Level.VIOLATION,
    STREAMING,
    "Blocks are numbered 0, 1, 2 and on: the index is the block's place in the final content.",
    "S5",
    loses=True,
)
BLOCK_INDEX = declare(
    "stream.block-index", Level.VIOLATION, STREAMING, "A delta or stop names the open block.", "S6", loses=True
)
BLOCK_MISSING = declare(
    "stream.block-missing",
    Level.VIOLATION,
    STREAMING,
    "A delta or stop belongs to a block that content_block_start opened.",
    "S6 D9",
    loses=True,
)
BLOCK_NESTED = declare("stream.block-nested", Level.VIOLATION, STREAMING, "One block is open at a time.", "S6")
DELTA_TYPE = declare(
    "stream.delta-type",
    Level.VIOLATION,
    STREAMING,
    "A delta is of a type that builds blocks of this type.",
    "S7",
    loses=True,
)
BLOCK_START_EMPTY = declare(
    "stream.block-start-empty", Level.VIOLATION, STREAMING, "A block that is streamed starts empty.", "S8"
)
WHOLE_BLOCK = declare(
    "stream.whole-block",
    Level.VIOLATION,
    STREAMING,
    "A block of this type arrives whole in content_block_start, without deltas.",
    "S9",
    loses=True,
)
SIGNATURE = declare(
    "stream.signature",
    Level.VIOLATION,
    THINKING,
    "A thinking block gets one signature_delta, just before its stop.",
    "S10 D19",
)
TOOL_JSON = declare(
    "stream.tool-json",
    Level.VIOLATION,
    STREAMING,
    "The pieces of a tool's input add up to one JSON object, or to nothing, which means {}.",
    "S11",
    loses=True,
)
BLOCK_UNCLOSED = declare(
    "stream.block-unclosed", Level.VIOLATION, STREAMING, "Every block is closed before message_delta.", "S12"
)
BLOCK_LATE = declare("stream.block-late", Level.VIOLATION, STREAMING, "All blocks come before message_delta.", "S12")
MESSAGE_DELTA = declare(
    "stream.message-delta",
    Level.VIOLATION,
    STREAMING,
    "A message_delta comes between the last block and message_stop.",
    "S13",
    loses=True,
)
MESSAGE_DELTA_ONCE = declare(
    "stream.message-delta-once", Level.HINT, STREAMING, "One message_delta ends a message in all traffic seen.", "S13"
)
STOP_REASON = declare(
    "stream.stop-reason", Level.VIOLATION, STREAMING, "The final message_delta has a stop reason.", "S14", loses=True
)
AFTER_STOP = declare("stream.after-stop", Level.VIOLATION, STREAMING, "message_stop is the last event.", "S15")
USAGE_CUMULATIVE = declare(
    "stream.usage-cumulative",
    Level.VIOLATION,
    STREAMING,
    "The output tokens of message_delta are a total, never below those of message_start.",
    "S16",
)
USAGE_DECREASED = declare(
    "stream.usage-decreased",
    Level.HINT,
    STREAMING,
    "The counts of message_delta are totals, not below those of message_start.",
    "S16",
)
USAGE = declare(
    "stream.usage", Level.VIOLATION, STREAMING, "message_start and message_delta carry the usage.", "D6", loses=True
)
USAGE_IN_DELTA = declare(
    "stream.usage-in-delta",
    Level.VIOLATION,
    STREAMING,
    "The usage stands beside the delta of a message_delta, not inside it.",
    "D6",
    loses=True,
)
AFTER_ERROR = declare("stream.after-error", Level.VIOLATION, STREAMING, "An error ends the stream.", "S17", loses=True)
PING_EXTRA = declare("stream.ping-extra", Level.NOTICE, STREAMING, "A ping carries its type only.", "S18")

# Which rule an event breaks that `TRANSITIONS` does not allow where it came; by state, then by event.
_BREACHES: Mapping[StreamState, Mapping[str, Rule]] = {
    StreamState.BEGINNING: dict.fromkeys(
        ("content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"),
        MESSAGE_START,
    ),
    StreamState.OPEN: {
        "message_start": MESSAGE_START,
        "content_block_delta": BLOCK_MISSING,
        "content_block_stop": BLOCK_MISSING,
        "message_stop": MESSAGE_DELTA,
    },
    StreamState.BLOCK: {
        "message_start": MESSAGE_START,
        "content_block_start": BLOCK_NESTED,
        "message_delta": BLOCK_UNCLOSED,
        "message_stop": MESSAGE_DELTA,
    },
    StreamState.ENDING: {
        "message_start": MESSAGE_START,
        "content_block_start": BLOCK_LATE,
        "content_block_delta": BLOCK_LATE,
        "content_block_stop": BLOCK_LATE,
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


def walk(items: Iterable[Item], *, eager: Callable[[Json], bool]) -> tuple[StreamState, list[Fault]]:
    """Judge the order of ``items``; return the state in which the stream ends, too.

    ``eager`` tells of a tool_use block whether the request lets its input come unchecked, so that it may be no JSON.
    """
    life = _Life(eager)
    where, number = "the stream", 0
    try:
        for item in items:
            where, number = item.where, item.number
            life.take(item)
        where = "end of the stream"
        life.finish()
    except Exception as error:  # noqa: BLE001 - see `rules.guarded`
        life.faults.append(raised("a rule of order", where, error, event=number))
    return life.state, life.faults


class _Life:
    """A stream on its way through the states, and the block that is open."""

    def __init__(self, eager: Callable[[Json], bool]) -> None:
        self.state = StreamState.BEGINNING
        self.faults: list[Fault] = []
        self._eager = eager
        self._blocks = 0
        self._open: _OpenBlock | None = None
        self._thinking: list[tuple[Item, _OpenBlock]] = []
        self._written: list[tuple[Item, _OpenBlock]] = []
        self._end: Item | None = None
        self._started: Json = {}

    def _say(self, rule: Rule, item: Item, found: str, **grade: Any) -> None:
        self.faults.append(rule.broken(item.where, found, event=item.number, **grade))

    def take(self, item: Item) -> None:
        state, lawful = self.state, True
        self.state, lawful = after(state, item.type)
        if not lawful:
            self._misplaced(item, state)
        if state is not StreamState.STOPPED and state is not StreamState.FAILED:
            judge = _JUDGES.get(item.type)
            if judge is not None:
                judge(self, item)

    def _misplaced(self, item: Item, state: StreamState) -> None:
        found = f"{item.type} {state}"
        if state is StreamState.STOPPED:
            # "Any number, anywhere" is said of pings, "the last event" of message_stop.
            self._say(AFTER_STOP, item, found, level=Level.HINT if item.type == "ping" else None)
        elif state is StreamState.FAILED:
            self._say(AFTER_ERROR, item, found)
        else:
            self._say(_BREACHES[state][item.type], item, found)

    def start(self, item: Item) -> None:
        if self._started:
            return
        self._started = message = member(item.data, "message") or {"": None}
        content, reason = message.get("content"), message.get("stop_reason")
        if content:
            self._say(START_EMPTY, item, f"content is {shown(content)}", loses=True)
        if reason is not None:
            self._say(START_EMPTY, item, f"stop_reason is {shown(reason)}")

    def open(self, item: Item) -> None:
        index = item.data.get("index")
        if index != self._blocks or isinstance(index, bool):
            self._say(INDEX, item, f"index {shown(index)} where {self._blocks} is due")
        self._blocks = (count(index) or 0) + 1 if index != self._blocks else self._blocks + 1
        self._open = block = _OpenBlock(index, member(item.data, "content_block"))
        key, empty = _EMPTY.get(block.kind, ("", None))
        value = block.start.get(key)
        if key and value and value != empty:
            self._say(BLOCK_START_EMPTY, item, f"{key} is {shown(value)}")
        elif key == "input" and key not in block.start:
            # The documentation's own example of a web search leaves it out.
            self._say(BLOCK_START_EMPTY, item, "there is no input", level=Level.HINT)

    def delta(self, item: Item) -> None:
        block = self._open
        if block is None:
            return
        index = item.data.get("index")
        if index != block.index:
            self._say(BLOCK_INDEX, item, f"index {shown(index)} while block {shown(block.index)} is open")
        delta = member(item.data, "delta")
        kind = word(delta, "type")
        if kind not in block.takes:
            self._unfit(item, block, kind)
        elif kind == "input_json_delta":
            block.written.append(str(delta.get("partial_json", "")))
        elif kind == "signature_delta":
            block.signatures.append(item)
        block.last = kind

    def _unfit(self, item: Item, block: _OpenBlock, kind: str) -> None:
        if kind not in DELTAS or block.kind not in DELTAS_OF_BLOCK:
            return  # unknown, which the rules of shape report
        rule = DELTA_TYPE if block.takes else WHOLE_BLOCK
        self._say(rule, item, f"{kind} for a {block.kind} block")

    def stop(self, item: Item) -> None:
        block, self._open = self._open, None
        if block is None:
            return
        index = item.data.get("index")
        if index != block.index:
            self._say(BLOCK_INDEX, item, f"index {shown(index)} while block {shown(block.index)} is open")
        if block.kind == "thinking":
            self._thinking.append((item, block))
        if block.written:
            self._written.append((item, block))

    def end(self, item: Item) -> None:
        if self._end is not None:
            self._say(MESSAGE_DELTA_ONCE, item, "a second message_delta")
        self._end = item
        self._open = None
        usage = item.data.get("usage")
        if not isinstance(usage, dict):
            inside = member(item.data, "delta").get("usage")
            if isinstance(inside, dict):
                self._say(USAGE_IN_DELTA, item, "the usage stands inside the delta")
                usage = inside
            else:
                self._say(USAGE, item, "there is no usage")
                return
        self._totals(item, usage)

    def _totals(self, item: Item, usage: Json) -> None:
        before = member(self._started, "usage")
        for key, value in usage.items():
            now, then = count(value), count(before.get(key))
            if now is not None and then is not None and now < then:
                # What was refused is not billed, and its output may no longer count.
                refused = member(item.data, "delta").get("stop_reason") == "refusal"
                rule = USAGE_CUMULATIVE if key == "output_tokens" and not refused else USAGE_DECREASED
                self._say(rule, item, f"usage.{key} is {now} after {then}")

    def finish(self) -> None:
        """Judge what only the end of the stream can tell: why the message stopped."""
        reason = member(self._end.data, "delta").get("stop_reason") if self._end is not None else None
        if self._end is not None and reason is None:
            self._say(STOP_REASON, self._end, "the stop reason is null")
        short = reason in CUT_SHORT if isinstance(reason, str) else True
        for item, block in self._thinking:
            self._signature(item, block, short=short)
        for item, block in self._written:
            written = "".join(block.written)
            if not _is_object(written) and not (short or self._eager(block.start)):
                self._say(TOOL_JSON, item, f"the input adds up to {shown(written)}")

    def _signature(self, item: Item, block: _OpenBlock, *, short: bool) -> None:
        signatures = block.signatures
        if not signatures and not block.start.get("signature"):
            # Whatever cut the message short may have cut its thinking.
            self._say(SIGNATURE, item, "the block has no signature", level=Level.HINT if short else None)
        for extra in signatures[1:]:
            self._say(SIGNATURE, extra, "the block has a signature already")
        if len(signatures) == 1 and block.last != "signature_delta":
            self._say(SIGNATURE, signatures[0], f"a {block.last} follows it")


class _OpenBlock:
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
        life._say(PING_EXTRA, item, f"it carries {', '.join(map(shown, extra))}")  # noqa: SLF001 - its own room


_JUDGES: Mapping[str, Callable[[_Life, Item], None]] = {
    "message_start": _Life.start,
    "content_block_start": _Life.open,
    "content_block_delta": _Life.delta,
    "content_block_stop": _Life.stop,
    "message_delta": _Life.end,
    "ping": _ping,
}
