"""Does a message keep what its request asked for? Model, thinking, output format, cache."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_messages.api.jsons import path
from pytest_messages.findings import Level
from pytest_messages.judge.answer import Answer, rule
from pytest_messages.judge.documentation import API, CACHING, MODELS, STRUCTURED, THINKING
from pytest_messages.judge.rules import Breach
from pytest_messages.judge.user_schemas import obeys_format
from pytest_messages.judge.values import THOUGHTS, count, member, shown, word

if TYPE_CHECKING:
    from collections.abc import Iterator


@rule(
    "message.id-form",
    Level.HINT,
    API,
    "The id of a message begins with msg_ (other endpoints make other ids).",
    "D13",
)
def id_form(answer: Answer) -> Iterator[Breach]:
    identity = answer.message.get("id")
    if isinstance(identity, str) and not identity.startswith("msg_"):
        yield Breach("id", f"the id is {shown(identity)}")


_SNAPSHOT = re.compile(r"[-@]?(latest|[0-9]{8})$")


@rule("message.model", Level.HINT, MODELS, "The model is the one asked for, or its dated snapshot.", "M27 D18")
def model(answer: Answer) -> Iterator[Breach]:
    asked, used = answer.request.get("model"), answer.message.get("model")
    if isinstance(asked, str) and isinstance(used, str) and _SNAPSHOT.sub("", asked) != _SNAPSHOT.sub("", used):
        yield Breach("model", f"the model is {shown(used)}, asked for was {shown(asked)}")


@rule(
    "message.output-format",
    Level.VIOLATION,
    STRUCTURED,
    "The text of a finished message obeys the schema that was asked for, but for capitals in enumerations.",
    "M10",
)
def output_format(answer: Answer) -> Iterator[Breach]:
    wanted = member(answer.request, "output_config").get("format") or answer.request.get("output_format")
    if not isinstance(wanted, dict) or answer.reason != "end_turn" or wanted.get("type") != "json_schema":
        return
    texts = [text for _, block in answer.of("text") if isinstance(text := block.get("text"), str)]
    for steps, problem in obeys_format(texts, wanted.get("schema")):
        yield Breach(path("content", *steps), problem)


@rule("message.cache-creation", Level.HINT, CACHING, "The parts of cache_creation sum up to the total.", "M14")
def cache_creation(answer: Answer) -> Iterator[Breach]:
    total = count(answer.usage.get("cache_creation_input_tokens"))
    parts = [number for part in member(answer.usage, "cache_creation").values() if (number := count(part)) is not None]
    if total is not None and parts and sum(parts) != total:
        yield Breach("usage.cache_creation", f"the parts sum up to {sum(parts)}, the total is {total}")


@rule("message.thinking-unasked", Level.HINT, THINKING, "Thinking appears only where it was on.", "M21")
def thinking_unasked(answer: Answer) -> Iterator[Breach]:
    thoughts = answer.of(*THOUGHTS)
    wanted = word(member(answer.request, "thinking"), "type")
    if not wanted and answer.continues:
        return  # it may have been turned on where the thread began
    if thoughts and answer.request and wanted in {"", "disabled"}:
        found = "thinking, though the request turned it off" if wanted else "thinking, which the request does not name"
        yield Breach(path("content", thoughts[0][0]), found)


@rule("message.thinking-first", Level.HINT, THINKING, "A message with thinking begins with it.", "M22")
def thinking_first(answer: Answer) -> Iterator[Breach]:
    thoughts = answer.of(*THOUGHTS)
    if thoughts and thoughts[0][0] != 0:
        yield Breach(path("content", 0), f"the first block is {shown(answer.blocks[0][1].get('type'))}")
