"""The Message that answers a request: made from the request alone, so that the same question has the same answer."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_messages.sandbox.fill import fill
from pytest_messages.sandbox.handles import Instructions, read_instructions

if TYPE_CHECKING:
    from pytest_messages.providers import Provider

_TOKEN = re.compile(r"\s*(?:\w{1,8}|[^\w\s])|\s+")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUM = re.compile(r"(-?\d+)\s*([-+*])\s*(-?\d+)")
_SUMS = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}
_GREETING = re.compile(r"(?i)\b(hi|hello|hey|good (morning|evening))\b")
_SENTENCES = (
    "Here is a short answer about “{gist}”: it depends on what matters most to you, so start small and look closely.",
    "A good question. In short, “{gist}” has a simple core: one step at a time, and check each before the next.",
    "“{gist}” is worth a moment's thought. My suggestion: take the plainest option first and improve it from there.",
    "You asked about “{gist}”. The short version: yes, with care; the longer one is a matter of practice.",
)
_KNOWN_INPUTS: dict[str, dict[str, Any]] = {
    "bash_": {"command": "ls"},
    "text_editor_": {"command": "view", "path": "/example.txt"},
    "memory_": {"command": "view", "path": "/memories"},
    "computer_2": {"action": "screenshot"},
}
"""Inputs of the client tools that Anthropic defines, which come without an ``input_schema``."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request as the sandbox understands it; ``seed`` tells it from every other."""

    provider: Provider
    body: dict[str, Any]
    instructions: Instructions
    seed: str
    key: str = ""


def question(provider: Provider, body: dict[str, Any], *, key: str = "") -> Question:
    """Read a request's body; ``key`` is the credential it came with, for the handle that leaks it.

    Raises `UnknownHandleError` where its last user text holds a handle that is none.
    """
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    instructions = read_instructions(last_text(body))
    habits = {"done": provider.habits.done_tail, "double-encoded": provider.habits.double_encoded}
    instructions = replace(instructions, marks=instructions.marks | {mark for mark, usual in habits.items() if usual})
    return Question(provider, body, instructions, digest(provider, canonical.encode()), key)


def digest(provider: Provider, body: bytes) -> str:
    """Return what tells a request from every other: it is all that ids and choices depend on."""
    return hashlib.sha256(provider.name.encode() + b"\n" + body).hexdigest()


def tokens(text: str) -> list[str]:
    """Cut a text into tokens; together they are the text again."""
    return _TOKEN.findall(text)


def identifier(prefix: str, seed: str, *, salt: object = "", length: int = 22) -> str:
    """Return an id of the API's form that depends on ``seed`` and ``salt`` only."""
    number = int(hashlib.sha256(f"{prefix}{seed}{salt}".encode()).hexdigest(), 16)
    digits = ""
    while len(digits) < length:
        number, digit = divmod(number, len(_BASE62))
        digits += _BASE62[digit]
    return f"{prefix}01{digits}"


def message(asked: Question) -> dict[str, Any]:
    """Return the Message that answers ``asked``."""
    content, stop_reason = _content(asked)
    content, stop_reason, stop_sequence = _stopped(asked, content, stop_reason)
    content, stop_reason, stop_sequence = _cut(asked, content, stop_reason, stop_sequence)
    wanted = asked.instructions.stop
    answer: dict[str, Any] = {
        "id": identifier("msg_", asked.seed),
        "type": "message",
        "role": "assistant",
        "model": asked.body["model"],
        "content": content,
        "stop_reason": wanted or stop_reason,
        "stop_sequence": None if wanted else stop_sequence,
        "usage": _usage(asked, content, stop_reason),
    }
    if wanted == "refusal":
        why = "The sandbox was asked to refuse."
        answer["stop_details"] = {"type": "refusal", "category": "general_harms", "explanation": why}
    return answer


def count_tokens(asked: Question) -> int:
    """Return how many tokens the request's system prompt, tools and messages have."""
    parts = [asked.body.get(name) for name in ("system", "tools", "messages")]
    return sum(len(tokens(text)) for part in parts for text in _texts(part))


def _texts(value: Any) -> list[str]:
    """Return every text in a piece of a request, names of members included."""
    if isinstance(value, dict):
        return [text for name, each in value.items() for text in (name, *_texts(each))]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [] if value is None else [str(value)]


# --- what is said -----------------------------------------------------------------------------------------------------


def _content(asked: Question) -> tuple[list[dict[str, Any]], str]:
    instructions = asked.instructions
    if "empty" in instructions.marks or asked.body.get("max_tokens") == 0:
        return [], "end_turn"
    thoughts = _thinking(asked)
    if instructions.say is not None:
        return [*thoughts, {"type": "text", "text": instructions.say}], "end_turn"
    uses = _tool_uses(asked)
    if uses:
        forced = _choice(asked) in {"any", "tool"}
        talk = [] if forced else [{"type": "text", "text": f"I'll use {uses[0]['name']} for that."}]
        return [*thoughts, *talk, *uses], "tool_use"
    return [*thoughts, {"type": "text", "text": _text(asked)}], "end_turn"


def _text(asked: Question) -> str:
    schema = answer_schema(asked.body)
    if schema is not None:
        return json.dumps(fill(schema, word=_word(asked)), ensure_ascii=False)
    leak = f"You sent the key {asked.key}. " if "leak" in asked.instructions.marks else ""
    results = tool_results(asked.body)
    if results:
        return f"{leak}The tool answered: {_gist('; '.join(results), 40)}."
    return leak + _reply(last_text(asked.body), asked.seed)


def _reply(text: str, seed: str) -> str:
    found = _SUM.search(text)
    if found:
        left, sign, right = found.groups()
        return f"{left} {sign} {right} = {_SUMS[sign](int(left), int(right))}"
    if _GREETING.search(text):
        return "Hello! How can I help you today?"
    return _SENTENCES[int(seed[:4], 16) % len(_SENTENCES)].format(gist=_gist(text, 8))


def _gist(text: str, words: int) -> str:
    """Return the first words of a text, handles left out, without the mark that ends it."""
    said = [line for line in text.splitlines() if not line.strip().lower().startswith("sandbox:")]
    found = " ".join(said).split()
    short = " ".join(found[:words]).rstrip(".!?…")
    return f"{short}…" if len(found) > words else short or "nothing in particular"


def _word(asked: Question) -> str:
    """Return what free strings of a tool's input say: the last capitalised word of the question, as a place may be."""
    names = re.findall(r"(?<!^)(?<![.!?] )\b[A-Z][a-z]{2,}\b", last_text(asked.body))
    return names[-1] if names else "example"


def answer_schema(body: dict[str, Any]) -> Any:
    """Return the schema that the answer's text must obey, None where the request declares none."""
    config = body.get("output_config") or {}
    form = config.get("format") or body.get("output_format") or {}
    return form.get("schema") if form.get("type") == "json_schema" else None


def last_text(body: dict[str, Any]) -> str:
    """Return the text of the last user message, that of its text blocks."""
    users = [each for each in body.get("messages", ()) if isinstance(each, dict) and each.get("role") == "user"]
    content = users[-1].get("content") if users else ""
    if isinstance(content, str):
        return content
    blocks = [block for block in content or () if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(str(block.get("text", "")) for block in blocks)


def tool_results(body: dict[str, Any]) -> list[str]:
    """Return the texts of the tool results that the last message brings."""
    last = (body.get("messages") or [{}])[-1]
    content = last.get("content")
    blocks = content if isinstance(content, list) else []
    results = [block for block in blocks if isinstance(block, dict) and block.get("type") == "tool_result"]
    return [_result_text(block.get("content")) for block in results]


def _result_text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(str(block.get("text", block.get("type"))) for block in content if isinstance(block, dict))
    return str(content or "nothing")


# --- tools ------------------------------------------------------------------------------------------------------------


def _choice(asked: Question) -> str:
    return str((asked.body.get("tool_choice") or {}).get("type", "auto"))


def _tool_uses(asked: Question) -> list[dict[str, Any]]:
    """Return the calls to make: none after a result or where text is asked for, all at once where several are."""
    choice = asked.body.get("tool_choice") or {}
    offered = [tool for tool in asked.body.get("tools") or () if _client_side(tool)]
    forced = _choice(asked) in {"any", "tool"}
    if _choice(asked) == "none" or not offered or (tool_results(asked.body) and not forced):
        return []
    if answer_schema(asked.body) is not None and not forced:
        return []
    wanted = 1 if asked.instructions.calls is None else asked.instructions.calls
    if choice.get("disable_parallel_tool_use"):
        wanted = min(wanted, 1)
    picked = _picked(asked, offered)
    calls = [picked[number % len(picked)] for number in range(max(wanted, 1) if forced else wanted)]
    return [_tool_use(asked, tool, number) for number, tool in enumerate(calls)]


def _client_side(tool: dict[str, Any]) -> bool:
    kind = tool.get("type") or "custom"
    return kind == "custom" or any(kind.startswith(known) for known in _KNOWN_INPUTS)


def _picked(asked: Question, offered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the tool that the request names first, else those whose names the text mentions."""
    named = (asked.body.get("tool_choice") or {}).get("name")
    if named:
        return [tool for tool in offered if tool["name"] == named]
    text = last_text(asked.body)
    return sorted(offered, key=lambda tool: tool["name"] not in text)


def _tool_use(asked: Question, tool: dict[str, Any], number: int) -> dict[str, Any]:
    kind = tool.get("type") or "custom"
    known = next((value for start, value in _KNOWN_INPUTS.items() if kind.startswith(start)), None)
    made = known if known is not None else fill(tool.get("input_schema", {}), word=_word(asked))
    block = {
        "type": "tool_use",
        "id": identifier("toolu_", asked.seed, salt=number),
        "name": tool["name"],
        "input": made if isinstance(made, dict) else {},
    }
    # ShuYou documents the blocks of an earlier API, in which nothing says who calls.
    return block if asked.provider.versions == ("2023-06-01",) else {**block, "caller": {"type": "direct"}}


# --- thinking ---------------------------------------------------------------------------------------------------------


def _thinking(asked: Question) -> list[dict[str, Any]]:
    thinking = asked.body.get("thinking") or {}
    marks = asked.instructions.marks
    blocks: list[dict[str, Any]] = []
    if "redacted" in marks:
        blocks.append({"type": "redacted_thinking", "data": _opaque(asked.seed, "redacted")})
    on = thinking.get("type") in {"enabled", "adaptive"}
    on = on or (thinking.get("type") == "between_tools" and bool(tool_results(asked.body)))
    if "think" in marks or (on and "redacted" not in marks):
        shown = "" if thinking.get("display") == "omitted" else _thought(asked)
        blocks.append({"type": "thinking", "thinking": shown, "signature": _opaque(asked.seed, "signature")})
    return blocks


def _thought(asked: Question) -> str:
    if tool_results(asked.body):
        return "The tool has answered. I should say what it found, in one sentence."
    return f"The question is about {_gist(last_text(asked.body), 6)}. A short answer will do."


def _opaque(seed: str, salt: str) -> str:
    """Return a text like the API's ciphertexts: base64 that means nothing to its reader and must come back as it is."""
    return base64.b64encode(hashlib.shake_256(f"{salt}{seed}".encode()).digest(96)).decode()


# --- where it ends ----------------------------------------------------------------------------------------------------


def _stopped(
    asked: Question, content: list[dict[str, Any]], stop_reason: str
) -> tuple[list[dict[str, Any]], str, str | None]:
    """End the text before the first stop sequence in it."""
    sequences = [each for each in asked.body.get("stop_sequences") or () if each]
    for number, block in enumerate(content):
        found = [(block["text"].find(each), each) for each in sequences if each in block.get("text", "")]
        if found:
            position, sequence = min(found)
            return [*content[:number], *_shortened(block, block["text"][:position])], "stop_sequence", sequence
    return content, stop_reason, None


def _cut(
    asked: Question, content: list[dict[str, Any]], stop_reason: str, stop_sequence: str | None
) -> tuple[list[dict[str, Any]], str, str | None]:
    """Keep what fits into ``max_tokens``; of a tool call, all or nothing."""
    left = asked.body.get("max_tokens", 0)
    kept: list[dict[str, Any]] = []
    if left == 0:
        return [], "max_tokens", None
    for block in content:
        size = cost(block)
        if size <= left:
            kept.append(block)
            left -= size
            continue
        name = "text" if block["type"] == "text" else "thinking"
        short = "".join(tokens(block.get(name, ""))[:left])
        return [*kept, *_shortened(block, short)], "max_tokens", None
    return kept, stop_reason, stop_sequence


def _shortened(block: dict[str, Any], text: str) -> list[dict[str, Any]]:
    if not text or block["type"] not in {"text", "thinking"}:
        return []
    return [{**block, block["type"]: text}]


def cost(block: dict[str, Any]) -> int:
    """Return how many tokens a block counts for."""
    if block["type"] == "tool_use":
        return len(tokens(block["name"])) + len(tokens(json.dumps(block["input"])))
    return len(tokens(block.get("text") or block.get("thinking") or block.get("data", "")))


def _usage(asked: Question, content: list[dict[str, Any]], stop_reason: str) -> dict[str, Any]:
    # What did not fit was generated as far as the limit, so that a cut answer always costs the limit.
    spent = asked.body.get("max_tokens", 0) if stop_reason == "max_tokens" else sum(map(cost, content))
    thought = sum(cost(block) for block in content if block["type"] in {"thinking", "redacted_thinking"})
    counts = {
        "input_tokens": count_tokens(asked),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": spent,
    }
    details = {"output_tokens_details": {"thinking_tokens": thought}} if thought else {}
    if asked.provider.versions == ("2023-06-01",):
        return {**counts, **details}
    parts = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    return {**counts, "cache_creation": parts, "service_tier": "standard", **details}
