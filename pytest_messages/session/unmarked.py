"""The session below all others where a test without the mark may call nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_messages.session.session import Session

if TYPE_CHECKING:
    from pytest_messages.errors import MessagesError
    from pytest_messages.session.call import Ticket
    from pytest_messages.session.modes import Found


class Unmarked(Session):
    """What stands below all sessions where unmarked tests may call nobody."""

    def _why(self, ticket: Ticket, found: Found, times: int) -> MessagesError:
        del found, times
        return self.reasons.unwelcome(ticket, "comes from a test without the mark, and messages_unmarked is refuse")
