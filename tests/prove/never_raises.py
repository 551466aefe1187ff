"""Never raises: whole exchanges, damaged at random, are judged without a `judge.error`.

Run as ``python -m tests.prove.never_raises``. An exchange is one of ours or of the recorded traffic; values, bytes,
events, statuses, headers and addresses of it are replaced, dropped, doubled, nested and cut, several at a time.
"""

from __future__ import annotations

import sys
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from pytest_messages.judge import check
from pytest_messages.providers import PROVIDERS
from pytest_messages.wire import Ended

from .exchanges import FILES, Exchange, is_recorded, own, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_messages.cassette.document import Interaction

MANY = 100_000
SEED = 2026
SMALL = 12_000
TRACES = 20


@dataclass
class Tally:
    """What was judged, which rules were broken, and what raised: the damages, and the message or the exception."""

    judged: int = 0
    damages: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    raised: list[tuple[str, str]] = field(default_factory=list)


def _deep(rng: Random) -> Any:
    value: Any = 1
    for _ in range(rng.choice((3, 70, 150, 400))):
        value = [value] if rng.random() < 0.5 else {rng.choice(KEYS): value}
    return value


KEYS = ("type", "content", "text", "tool_use_id", "input", "a", "", "\ud800", "0")
KINDS = [
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "tool_result",
    "server_tool_use",
    "web_search_tool_result",
    "document",
    "image",
    "search_result",
    "message",
    "message_start",
    "message_delta",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_stop",
    "ping",
    "error",
    "continue",
    "create",
    "enabled",
    "tool",
    "any",
    "none",
    "json_schema",
    "base64",
    "message_batch",
]
ODD: tuple[Any, ...] = (None, True, False, 0, -1, 10**40, 1.5, float("nan"), "", "x", "\ud800", "\0", [], {}, [[]])
ODD = (*ODD, [None], [{}], {"": {}}, {"type": None}, {"type": []}, *KINDS, *({"type": kind} for kind in KINDS))


def odd(rng: Random) -> Any:
    """Return a value that is not expected where it will stand."""
    return _deep(rng) if rng.random() < 0.05 else deepcopy(rng.choice(ODD))


def places(value: Any, depth: int = 0) -> list[tuple[Any, Any]]:
    """Return every place in a JSON value: its holder and its key."""
    if depth > 12:
        return []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, entry in inner for place in ((value, key), *places(entry, depth + 1))]


def _values(value: Any, rng: Random) -> None:
    """Change one place of a JSON value: another value, another place's value, nothing, or twice the same."""
    found = places(value)
    if not found:
        return
    holder, key = rng.choice(found)
    how = rng.randrange(5)
    if how == 0:
        del holder[key]
    elif how == 1:
        there, other = rng.choice(found)
        holder[key] = deepcopy(there[other])
    elif how == 2 and isinstance(holder, list):
        holder.insert(key, odd(rng))
    elif how == 3 and isinstance(holder, dict):
        holder[rng.choice(KEYS)] = deepcopy(holder[key])
    else:
        holder[key] = odd(rng)


def of_the_request(exchange: Exchange, rng: Random) -> None:
    """Change a value of the request, or make it none."""
    if rng.random() < 0.02:
        exchange.request = odd(rng)
    _values(exchange.request, rng)


def of_the_answer(exchange: Exchange, rng: Random) -> None:
    """Change a value of the answer."""
    exchange.raw = None
    if exchange.events is None:
        if rng.random() < 0.02:
            exchange.body = odd(rng)
        _values(exchange.body, rng)
    elif exchange.events:
        n = rng.randrange(len(exchange.events))
        name, data = exchange.events[n]
        if rng.random() < 0.1:
            data = odd(rng)
        _values(data, rng)
        exchange.events[n] = (name, data)


def of_the_events(exchange: Exchange, rng: Random) -> None:
    """Drop, double, move, rename or add an event."""
    events = exchange.events
    if not events:
        return
    exchange.raw = None
    n, to = rng.randrange(len(events)), rng.randrange(len(events))
    how = rng.randrange(5)
    if how == 0:
        del events[n]
    elif how == 1:
        events.insert(to, (events[n][0], deepcopy(events[n][1])))
    elif how == 2:
        events.insert(to, events.pop(n))
    elif how == 3:
        events[n] = (rng.choice((None, "", *KINDS)), events[n][1])
    else:
        events.insert(to, (rng.choice((None, *KINDS)), odd(rng)))


def of_the_bytes(exchange: Exchange, rng: Random) -> None:
    """Cut the answer, or replace a few of its bytes."""
    body = exchange.wire
    start = rng.randrange(len(body) + 1)
    end = min(len(body), start + rng.choice((0, 1, 1, 4, 40)))
    noise = rng.choice((b"", b"\n", b"\r", b"\n\n", b"\xff", b'"', b"{", b"]", b":", b"data: ", b"\xef\xbb\xbf", b"\0"))
    exchange.raw = body[:start] if rng.random() < 0.2 else body[:start] + noise + body[end:]


def of_the_call(exchange: Exchange, rng: Random) -> None:
    """Change the status, the method, the address, the headers or the end."""
    how = rng.randrange(5)
    if how == 0:
        exchange.status = rng.choice((0, 100, 200, 204, 301, 400, 404, 413, 429, 499, 500, 529, 999))
    elif how == 1:
        exchange.method = rng.choice(("GET", "DELETE", "post", ""))
    elif how == 2:
        host = rng.choice(("https://api.anthropic.com", "http://[", "", "http://localhost:1"))
        paths = ("/v1/messages/batches", "/v1/messages/count_tokens", "/v1/models", "/v1/models/x", "/x", "?", "")
        exchange.url = host + rng.choice((*paths, "/v1/messages/batches/b/results", "/model/anthropic.x/invoke"))
    elif how == 3:
        pairs = (("anthropic-version", ""), ("anthropic-version", "2026-10-21"), ("anthropic-beta", ",\udcff,"))
        exchange.asked_with = (rng.choice(pairs),)
        exchange.answered_with = (("content-type", rng.choice(("", "text/event-stream", "application/json"))),)
    else:
        exchange.ended = rng.choice(tuple(Ended))


DAMAGES: Sequence[Callable[[Exchange, Random], None]] = (
    of_the_request,
    of_the_request,
    of_the_answer,
    of_the_answer,
    of_the_events,
    of_the_bytes,
    of_the_call,
)


def exchanges() -> list[Exchange]:
    """Return what is damaged: our own exchanges and, where it is there, recorded traffic of a handy size."""
    found = list(own().values())
    if is_recorded():
        found += [each for file in FILES for each in recorded(file) if len(each.wire) < SMALL]
    return found


def fuzz(many: int, *, seed: int) -> Tally:
    """Judge ``many`` damaged exchanges; the same seed makes the same ones."""
    rng = Random(seed)  # noqa: S311 - a seeded sample
    sound = exchanges()
    names = tuple(PROVIDERS)
    tally = Tally()
    earlier: list[Interaction] = []
    for number in range(many):
        exchange = rng.choice(sound).copy()
        made = [rng.choice(DAMAGES) for _ in range(rng.choice((1, 1, 2, 5)))]
        for damage in made:
            damage(exchange, rng)
            tally.damages[damage.__name__] += 1
        _judge(exchange, rng.choice(names), earlier, tally, f"{number}: {exchange.name}")
    return tally


def _judge(exchange: Exchange, provider: str, earlier: list[Interaction], tally: Tally, name: str) -> None:
    tally.judged += 1
    try:
        interaction = exchange.interaction
        found = check(interaction, PROVIDERS[provider], earlier=earlier)
    except Exception as error:  # noqa: BLE001 - which is what must not happen
        tally.raised.append((name, repr(error)))
        return
    earlier[:] = [*earlier[-3:], interaction]
    for each in found:
        tally.rules[each.rule] += 1
        if each.rule == "judge.error":
            tally.raised.append((name, each.message))


def main(many: int = MANY) -> int:
    """Print the table; the last line says what was skipped."""
    tally = fuzz(many, seed=SEED)
    print(f"{tally.judged} damaged exchanges judged (seed {SEED}), {len(tally.raised)} raised")
    for name, number in sorted(tally.damages.items()):
        print(f"  {number:7}  damages {name.replace('_', ' ')}")
    for rule, number in sorted(tally.rules.items()):
        print(f"  {number:7}  found by {rule}")
    for name, message in tally.raised[:TRACES]:
        print(f"  RAISED  {name}  {message}")
    print("skipped: nothing" if is_recorded() else "skipped: the recorded traffic, which is not beside this checkout")
    return 1 if tally.raised else 0


if __name__ == "__main__":
    sys.exit(main())
