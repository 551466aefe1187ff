"""A rule that says "an official SDK loses data here" is shown to be right by that SDK."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import pytest
from test_judge_rules import FAULTS, OWN, Fault

from pytest_messages.judge import CATALOGUE


def client(body: bytes, *, stream: bool) -> anthropic.Anthropic:
    kind = "text/event-stream; charset=utf-8" if stream else "application/json"

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": kind}, content=body)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(api_key="x", http_client=http, max_retries=0)


def seen(body: bytes, *, stream: bool) -> object:
    """Return all that the SDK makes of an answer: its events and its message, or the error it raises."""
    try:
        if not stream:
            message: Any = client(body, stream=False).messages.create(model="m", max_tokens=9, messages=[])
            return message.to_dict(mode="json")
        with client(body, stream=True).messages.stream(model="m", max_tokens=9, messages=[]) as events:
            read = [event.type for event in events]
            return read, events.get_final_message().to_dict(mode="json")
    except Exception as error:  # noqa: BLE001 - whatever the SDK does is what is asked
        return type(error).__name__


def counted(body: bytes) -> object:
    try:
        return client(body, stream=False).messages.count_tokens(model="m", messages=[]).input_tokens
    except Exception as error:  # noqa: BLE001 - whatever the SDK does is what is asked
        return type(error).__name__


LOSING = [name for name, rule in CATALOGUE.items() if rule.loses]


def is_lost(fault: Fault) -> bool:
    sound, damaged = OWN[fault.of], OWN[fault.of].copy()
    fault.change(damaged)
    if fault.rule == "tokens.shape":
        return not isinstance(counted(damaged.wire), int)
    stream = sound.events is not None
    if fault.rule == "stream.after-error":
        # What comes too late is never seen at all.
        return seen(damaged.wire, stream=stream) == seen(sound.wire, stream=stream) == "APIStatusError"
    return seen(damaged.wire, stream=stream) != seen(sound.wire, stream=stream)


@pytest.mark.parametrize("rule", LOSING)
def test_the_official_sdk_crashes_on_a_breach_or_sees_something_else(rule: str) -> None:
    faults = [fault for fault in FAULTS if fault.rule == rule]
    assert any(is_lost(fault) for fault in faults)


def test_the_official_sdk_reads_what_is_sound() -> None:
    assert counted(b'{"input_tokens": 3}') == 3
    for exchange in OWN.values():
        # An error is raised, and what is a batch or beta goes through other rooms of the SDK.
        if exchange.status == 200 and exchange.name not in {"batch", "error-stream", "beta-stream"}:
            assert not isinstance(seen(exchange.wire, stream=exchange.events is not None), str), exchange.name
