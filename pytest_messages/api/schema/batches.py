"""Messages asked for by the hundred thousand, and answered within a day."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints
from typing_extensions import TypedDict

from pytest_messages.api.schema import pages
from pytest_messages.api.schema.base import Count, Reply, Timestamp, Unknown, documented
from pytest_messages.api.schema.error_bodies import ErrorBody
from pytest_messages.api.schema.message import Message
from pytest_messages.api.schema.request import BatchedMessageParams
from pytest_messages.api.schema.unions import ByType, Open

_SINCE = "2024-09-24"


@documented(pages.BATCH_PROCESSING, since=_SINCE)
class BatchedRequestParam(TypedDict):
    """One message to ask for, with the name that its result will have."""

    custom_id: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    params: BatchedMessageParams


@documented(pages.BATCH_PROCESSING, since=_SINCE)
class BatchParams(TypedDict):
    """The body of ``POST /v1/messages/batches``."""

    requests: Annotated[list[BatchedRequestParam], Field(min_length=1, max_length=100_000)]


@documented(pages.BATCH_PROCESSING, since=_SINCE)
class RequestCounts(Reply):
    """How far the batch has come; the counts add up to the number of its requests."""

    processing: Count
    succeeded: Count
    errored: Count
    canceled: Count
    expired: Count


@documented(pages.BATCH_PROCESSING, since=_SINCE)
class Batch(Reply):
    """The state of a batch."""

    id: str
    type: Literal["message_batch"]
    processing_status: Open[Literal["in_progress", "canceling", "ended"]]
    request_counts: RequestCounts
    created_at: Timestamp
    expires_at: Timestamp
    ended_at: Timestamp | None = None
    archived_at: Timestamp | None = None
    cancel_initiated_at: Timestamp | None = None
    results_url: str | None = None


@documented(pages.BATCH_PROCESSING, since=_SINCE)
class BatchPage(Reply):
    """A page of the list of batches."""

    data: list[Batch]
    has_more: bool
    first_id: str | None = None
    last_id: str | None = None


@documented(pages.BATCH_PROCESSING, since=_SINCE)
class DeletedBatch(Reply):
    """A batch that is gone."""

    id: str
    type: Literal["message_batch_deleted"]


@documented(pages.BATCH_PROCESSING, since=_SINCE)
class Succeeded(Reply):
    """The message."""

    type: Literal["succeeded"]
    message: Message


@documented(pages.BATCH_PROCESSING, since=_SINCE)
class Errored(Reply):
    """The request was refused."""

    type: Literal["errored"]
    error: ErrorBody


@documented(pages.BATCH_PROCESSING, since=_SINCE)
class NotDone(Reply):
    """The batch was canceled, or its day was over, before the request was sent."""

    type: Literal["canceled", "expired"]


class UnknownOutcome(Unknown):
    """An outcome that the documentation does not list."""


Outcome: TypeAlias = Annotated[Succeeded | Errored | NotDone | UnknownOutcome, ByType()]


@documented(pages.BATCH_PROCESSING, since=_SINCE)
class BatchResult(Reply):
    """One line of a batch's results, in any order."""

    custom_id: str
    result: Outcome
