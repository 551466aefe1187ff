"""When a request is replayed, forwarded or refused."""

from __future__ import annotations

from enum import StrEnum, auto
from typing import TYPE_CHECKING

from pytest_messages.settings import RecordMode

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """What the run found at the cassette's path when it first asked.

    A cassette that this run began to record counts as missing for the rest of the run: whoever names it may record.
    """

    MISSING = auto()
    WHOLE = auto()
    INCOMPLETE = auto()


class Found(StrEnum):
    """What the cassette has for a request."""

    MATCH = auto()
    """A recording that this session has not played yet."""
    PLAYED = auto()
    """Recordings, all of them played."""
    NOTHING = auto()


class Action(StrEnum):
    """What happens to a request."""

    REPLAY = auto()
    RECORD = auto()
    """Forward it and record the answer."""
    FORWARD = auto()
    """Forward it and record nothing."""
    REFUSE = auto()


_ONE_OUTCOME = {action: dict.fromkeys(Found, action) for action in Action}
_REPLAY_ONLY = {Found.MATCH: Action.REPLAY, Found.PLAYED: Action.REFUSE, Found.NOTHING: Action.REFUSE}
_REPLAY_OR_RECORD = {Found.MATCH: Action.REPLAY, Found.PLAYED: Action.RECORD, Found.NOTHING: Action.RECORD}

DECISIONS: Mapping[tuple[RecordMode, State], Mapping[Found, Action]] = {
    (RecordMode.ONCE, State.MISSING): _ONE_OUTCOME[Action.RECORD],
    (RecordMode.ONCE, State.WHOLE): _REPLAY_ONLY,
    # After the first request that is recorded here, all are (`Session` looks at MISSING then): what follows a new turn
    # is a new conversation.
    (RecordMode.ONCE, State.INCOMPLETE): _REPLAY_OR_RECORD,
    (RecordMode.NONE, State.MISSING): _ONE_OUTCOME[Action.REFUSE],
    (RecordMode.NONE, State.WHOLE): _REPLAY_ONLY,
    (RecordMode.NONE, State.INCOMPLETE): _ONE_OUTCOME[Action.REFUSE],
    (RecordMode.NEW_EPISODES, State.MISSING): _ONE_OUTCOME[Action.RECORD],
    (RecordMode.NEW_EPISODES, State.WHOLE): _REPLAY_OR_RECORD,
    (RecordMode.NEW_EPISODES, State.INCOMPLETE): _REPLAY_OR_RECORD,
    (RecordMode.REWRITE, State.MISSING): _ONE_OUTCOME[Action.RECORD],
    (RecordMode.REWRITE, State.WHOLE): _ONE_OUTCOME[Action.RECORD],
    (RecordMode.REWRITE, State.INCOMPLETE): _ONE_OUTCOME[Action.RECORD],
    (RecordMode.LIVE, State.MISSING): _ONE_OUTCOME[Action.FORWARD],
    (RecordMode.LIVE, State.WHOLE): _ONE_OUTCOME[Action.FORWARD],
    (RecordMode.LIVE, State.INCOMPLETE): _ONE_OUTCOME[Action.FORWARD],
}
"""What each record mode does with each request, by what was found at the path and in the cassette."""


def may_forward(mode: RecordMode, state: State) -> bool:
    """Tell whether any request at all can go out: where none can, no key is needed."""
    return any(action in {Action.RECORD, Action.FORWARD} for action in DECISIONS[mode, state].values())


def reads(mode: RecordMode) -> bool:
    """Tell whether the mode looks at what a cassette holds."""
    return any(
        action is Action.REPLAY
        for (row, _), outcomes in DECISIONS.items()
        if row is mode
        for action in outcomes.values()
    )
