"""The small typed Messages client that the fixtures hand out.

Built on httpx, and thin: how to ask and what answers mean is an `Account`, how a stream grows is a `Reading`, and the
clients and their streams are shells around these, one sync and one async. It never retries, and it sends nothing that
the documentation forbids, except through ``raw``.
"""

from pytest_messages.client.params import CountParams, CreateParams, as_turn
from pytest_messages.client.shells import (
    AsyncMessagesClient,
    AsyncMessageStream,
    MessagesClient,
    MessageStream,
)

__all__ = [
    "AsyncMessageStream",
    "AsyncMessagesClient",
    "CountParams",
    "CreateParams",
    "MessageStream",
    "MessagesClient",
    "as_turn",
]
