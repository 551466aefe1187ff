"""Message threads: conversations that the server holds, so that a request brings only what is new.

https://platform.claude.com/docs/en/build-with-claude/message-threads

Answers of the sandbox depend on the question alone, so two tests that ask the same are given the same id. That is why
an answer may be continued as often as it was given, and not simply once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pytest_messages.sandbox.refusals import Failure

Json = dict[str, Any]

_FIXED = ("output_config", "system", "tools")
"""What stays as it was when the thread began; the last two are not sent again."""
_LEFT_OUT = ("system", "tools")
_UNSUPPORTED = ("context_management", "fallbacks", "thinking")


@dataclass(slots=True)
class Held:
    """An answer that can be continued: the conversation it ends, and how often it still may be, and is being."""

    conversation: Json
    left: int = 0
    in_flight: int = 0


@dataclass(slots=True)
class Threads:
    """The threads of one sandbox, by the id of their last answer. They are kept while it runs."""

    _held: dict[str, Held] = field(default_factory=dict)

    def begin(self, body: Json) -> ThreadTurn | Failure | None:
        """Begin a turn of the thread that a request creates or continues; None where it is of none."""
        thread = body.get("thread")
        if not isinstance(thread, dict):
            return None
        unsupported = [name for name in _UNSUPPORTED if _is_on(body.get(name))]
        if unsupported:
            message = f"thread: not supported together with {', '.join(unsupported)}"
            return _failure(400, "thread_unsupported_request", message, unsupported=unsupported)
        if thread.get("type") != "continue":
            return ThreadTurn(self._held, None, _without_thread(body))
        return self._continue(body, str(thread.get("previous_message_id")))

    def _continue(self, body: Json, previous: str) -> ThreadTurn | Failure:
        held = self._held.get(previous)
        if held is None:
            return _failure(404, "thread_not_found", f"thread: no usable state for {previous}")
        if not held.left:
            if held.in_flight:
                message = f"thread: another request is still continuing from {previous}"
                return _failure(400, "thread_continue_in_flight", message)
            return _failure(400, "thread_already_continued", f"thread: {previous} has been continued already")
        differing = [name for name in _FIXED if _differs(name, body, held.conversation)]
        if differing:
            message = f"thread: differing field(s): {', '.join(differing)}"
            return _failure(400, "thread_fingerprint_mismatch", message)
        held.left -= 1
        held.in_flight += 1
        first = {name: held.conversation[name] for name in _LEFT_OUT if name in held.conversation}
        messages = [*held.conversation["messages"], *body["messages"]]
        return ThreadTurn(self._held, held, {**first, **_without_thread(body), "messages": messages})


@dataclass(slots=True)
class ThreadTurn:
    """One turn of a thread, from its request until its answer has been sent or has failed.

    ``conversation`` is the request as it would be without threads: all messages, the system prompt and the tools.
    """

    _held: dict[str, Held]
    _previous: Held | None
    conversation: Json
    _is_over: bool = False

    def deliver(self, message: Json) -> None:
        """Keep the answer, which can be continued from now on."""
        if self._is_over:
            return
        self._is_over = True
        if self._previous is not None:
            self._previous.in_flight -= 1
        said = {"role": "assistant", "content": message["content"]}
        conversation = {**self.conversation, "messages": [*self.conversation["messages"], said]}
        self._held.setdefault(message["id"], Held(conversation)).left += 1

    def give_up(self) -> None:
        """Let the answer before be continued after all: this turn has brought none. Does nothing after `deliver`."""
        if not self._is_over and self._previous is not None:
            self._previous.in_flight -= 1
            self._previous.left += 1
        self._is_over = True


def _without_thread(body: Json) -> Json:
    return {name: value for name, value in body.items() if name != "thread"}


def _is_on(value: object) -> bool:
    return bool(value) and not (isinstance(value, dict) and value.get("type") == "disabled")


def _differs(name: str, body: Json, held: Json) -> bool:
    if name in _LEFT_OUT and name not in body:
        return False
    return json.dumps(body.get(name), sort_keys=True) != json.dumps(held.get(name), sort_keys=True)


def _failure(status: int, code: str, message: str, **more: Any) -> Failure:
    return Failure(status, message, details={"error_code": code, **more})
