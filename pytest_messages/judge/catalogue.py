"""Every rule of the judge, one row each: its stable name, how grave a breach is, what it says and who documents it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_messages.findings import Level

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    ``what`` is the law in one sentence, ``source`` the address that documents it, and ``rows`` are the statements about
    the API that the rule implements: S of streams, M of messages, R of requests, D of known deviations, T of shapes.
    ``loses`` says that a breach makes an official SDK crash, drop or misplace data, which is a violation at any
    endpoint.
    """

    name: str
    level: Level
    what: str
    source: str
    rows: tuple[str, ...] = ()
    loses: bool = False


_DOCS = "https://platform.claude.com/docs/en/"
_API = _DOCS + "api/messages"
_STREAMING = _DOCS + "build-with-claude/streaming"
_VERSIONING = _DOCS + "api/versioning"
_ERRORS = _DOCS + "api/errors"
_STOP = _DOCS + "build-with-claude/handling-stop-reasons"
_TOOLS = _DOCS + "agents-and-tools/tool-use/"
_DEFINE_TOOLS = _TOOLS + "define-tools"
_TOOL_CALLS = _TOOLS + "handle-tool-calls"
_THINKING = _DOCS + "build-with-claude/extended-thinking"
_STRUCTURED = _DOCS + "build-with-claude/structured-outputs"
_CACHING = _DOCS + "build-with-claude/prompt-caching"
_CITATIONS = _DOCS + "build-with-claude/citations"
_BATCHES = _DOCS + "build-with-claude/batch-processing"
_COUNTING = _DOCS + "build-with-claude/token-counting"
_MODELS = _DOCS + "about-claude/models/overview"
_SSE = "https://html.spec.whatwg.org/multipage/server-sent-events.html"

_V, _N, _H = Level.VIOLATION, Level.NOTICE, Level.HINT
_LOSES = True


def _rule(name: str, level: Level, source: str, what: str, rows: str = "", *, loses: bool = False) -> Rule:
    return Rule(name, level, what, source, tuple(rows.split()), loses=loses)


_RULES = (
    # --- framing ------------------------------------------------------------------------------------------------------
    _rule("stream.utf8", _V, _SSE, "A stream is UTF-8.", "S1", loses=_LOSES),
    _rule("stream.event-name", _V, _STREAMING, "Each event has a name.", "S1 D4", loses=_LOSES),
    _rule("stream.data", _V, _STREAMING, "The data of each event is one JSON object.", "S1", loses=_LOSES),
    _rule(
        "stream.double-encoded",
        _V,
        _STREAMING,
        "The data of an event is the JSON object itself, not a JSON string that holds it.",
        "S1 D1",
        loses=_LOSES,
    ),
    _rule("stream.name-type", _V, _STREAMING, "The name of an event is the `type` of its data.", "S2 T4", loses=_LOSES),
    _rule("stream.line", _N, _SSE, "A line of a stream is a field or a comment."),
    _rule("stream.done", _V, _VERSIONING, "No `data: [DONE]` ends a stream since 2023-06-01.", "S21 D2"),
    _rule(
        "stream.comment", _H, _STREAMING, "This endpoint keeps streams alive with pings, not with comments.", "S21 D3"
    ),
    _rule("stream.last-line", _H, _SSE, "A blank line ends the last event; it may have been trimmed by a recorder."),
    _rule(
        "stream.incomplete-event", _V, _SSE, "A reader drops an event that the stream ends within.", "S17", loses=_LOSES
    ),
    # --- order --------------------------------------------------------------------------------------------------------
    _rule("stream.message-start", _V, _STREAMING, "message_start comes first, and once.", "S3", loses=_LOSES),
    _rule(
        "stream.start-empty", _V, _STREAMING, "message_start carries a Message without content and stop reason.", "S4"
    ),
    _rule(
        "stream.index",
        _V,
        _STREAMING,
        "Blocks are numbered 0, 1, 2 and on: the index is the block's place in the final content.",
        "S5",
        loses=_LOSES,
    ),
    _rule("stream.block-index", _V, _STREAMING, "A delta or stop names the open block.", "S6", loses=_LOSES),
    _rule(
        "stream.block-missing",
        _V,
        _STREAMING,
        "A delta or stop belongs to a block that content_block_start opened.",
        "S6 D9",
        loses=_LOSES,
    ),
    _rule("stream.block-nested", _V, _STREAMING, "One block is open at a time.", "S6"),
    _rule(
        "stream.delta-type", _V, _STREAMING, "A delta is of a type that builds blocks of this type.", "S7", loses=_LOSES
    ),
    _rule("stream.block-start-empty", _V, _STREAMING, "A block that is streamed starts empty.", "S8"),
    _rule(
        "stream.whole-block",
        _V,
        _STREAMING,
        "A block of this type arrives whole in content_block_start, without deltas.",
        "S9",
        loses=_LOSES,
    ),
    _rule(
        "stream.signature", _V, _THINKING, "A thinking block gets one signature_delta, just before its stop.", "S10 D19"
    ),
    _rule(
        "stream.tool-json",
        _V,
        _STREAMING,
        "The pieces of a tool's input add up to one JSON object, or to nothing, which means {}.",
        "S11",
        loses=_LOSES,
    ),
    _rule("stream.block-unclosed", _V, _STREAMING, "Every block is closed before message_delta.", "S12"),
    _rule("stream.block-late", _V, _STREAMING, "All blocks come before message_delta.", "S12"),
    _rule(
        "stream.message-delta",
        _V,
        _STREAMING,
        "A message_delta comes between the last block and message_stop.",
        "S13",
        loses=_LOSES,
    ),
    _rule("stream.message-delta-once", _H, _STREAMING, "One message_delta ends a message in all traffic seen.", "S13"),
    _rule("stream.stop-reason", _V, _STREAMING, "The final message_delta has a stop reason.", "S14", loses=_LOSES),
    _rule("stream.after-stop", _V, _STREAMING, "message_stop is the last event.", "S15"),
    _rule(
        "stream.usage-cumulative",
        _V,
        _STREAMING,
        "The output tokens of message_delta are a total, never below those of message_start.",
        "S16",
    ),
    _rule(
        "stream.usage-decreased",
        _H,
        _STREAMING,
        "The counts of message_delta are totals, not below those of message_start.",
        "S16",
    ),
    _rule("stream.usage", _V, _STREAMING, "message_start and message_delta carry the usage.", "D6", loses=_LOSES),
    _rule(
        "stream.usage-in-delta",
        _V,
        _STREAMING,
        "The usage stands beside the delta of a message_delta, not inside it.",
        "D6",
        loses=_LOSES,
    ),
    _rule("stream.after-error", _V, _STREAMING, "An error ends the stream.", "S17", loses=_LOSES),
    _rule("stream.unfinished", _V, _STREAMING, "A stream that has not failed ends in message_stop.", "S17 D5 D17"),
    _rule("stream.cut", _H, _STREAMING, "The stream was cut and is judged as far as it goes.", "S17"),
    _rule("stream.ping-extra", _N, _STREAMING, "A ping carries its type only.", "S18"),
    # --- shape of events ----------------------------------------------------------------------------------------------
    _rule("stream.shape", _V, _STREAMING, "An event has the documented shape.", "D8 M12 T4", loses=_LOSES),
    _rule("stream.unknown-event", _N, _VERSIONING, "Clients ignore events of unknown types.", "S19"),
    _rule("stream.unknown-delta", _N, _VERSIONING, "Clients ignore deltas of unknown types.", "S19"),
    _rule("stream.unknown-block", _N, _VERSIONING, "Clients tolerate blocks of unknown types.", "S19"),
    _rule("stream.unknown-field", _N, _VERSIONING, "Replies may gain fields.", "D14"),
    _rule("stream.unknown-value", _N, _VERSIONING, "Enumerations may gain values.", "S19"),
    # --- shape of messages and other replies --------------------------------------------------------------------------
    _rule("message.json", _V, _API, "The body is one JSON object.", "T3", loses=_LOSES),
    _rule("message.shape", _V, _API, "A Message has the documented shape.", "M12 T3"),
    _rule("message.unknown-block", _N, _VERSIONING, "Clients tolerate blocks of unknown types.", "S19"),
    _rule("message.unknown-field", _N, _VERSIONING, "Replies may gain fields.", "D14"),
    _rule("message.unknown-value", _N, _VERSIONING, "Enumerations may gain values.", "S19"),
    _rule("message.id-form", _H, _API, "The id of a message begins with msg_ (other endpoints make other ids).", "D13"),
    _rule("tokens.shape", _V, _COUNTING, "A token count is an object with input_tokens.", loses=_LOSES),
    _rule("batch.shape", _V, _BATCHES, "A message batch has the documented shape."),
    _rule("models.shape", _V, _MODELS, "A list of models has the documented shape."),
    _rule("reply.unknown", _N, _VERSIONING, "Replies may gain fields, and enumerations values.", "D14"),
    # --- promises -----------------------------------------------------------------------------------------------------
    _rule("message.stop-reason", _V, _STOP, "A finished message has a stop reason.", "M1 D7", loses=_LOSES),
    _rule("message.stop-sequence", _V, _STOP, "With stop reason stop_sequence, stop_sequence says which one.", "M2"),
    _rule(
        "message.stop-sequence-stray",
        _H,
        _STOP,
        "stop_sequence is null for all other stop reasons in all traffic seen.",
        "M2",
    ),
    _rule("message.stop-sequence-asked", _V, _STOP, "stop_sequence is one of those that were asked for.", "M3"),
    _rule("message.tool-use-missing", _V, _STOP, "With stop reason tool_use there is a tool_use block.", "M4"),
    _rule(
        "message.tool-use-reason",
        _H,
        _STOP,
        "A message with a tool_use block stops for tool_use, or was cut short.",
        "M5",
    ),
    _rule("message.stop-details", _V, _STOP, "stop_details comes with stop reason refusal only.", "M6"),
    _rule("message.tool-id", _V, _TOOL_CALLS, "Each tool use has an id of its own.", "M7", loses=_LOSES),
    _rule(
        "message.tool-id-form",
        _H,
        _TOOL_CALLS,
        "Ids of tool uses are letters, digits, _ and -, behind toolu_, srvtoolu_ or mcptoolu_.",
        "M7 D13",
    ),
    _rule(
        "message.tool-name",
        _V,
        _TOOLS + "strict-tool-use",
        "A tool use names a tool of the request; where none is strict, this is a hint.",
        "M8",
    ),
    _rule(
        "message.tool-input",
        _V,
        _TOOLS + "strict-tool-use",
        "The input of a tool use obeys the tool's input_schema; where the tool is not strict, this is a hint.",
        "M9",
    ),
    _rule(
        "message.output-format",
        _V,
        _STRUCTURED,
        "The text of a finished message obeys the schema that was asked for, but for capitals in enumerations.",
        "M10",
    ),
    _rule("message.output-tokens", _H, _API, "output_tokens does not exceed max_tokens.", "M12"),
    _rule("message.max-tokens", _H, _STOP, "A message stopped by max_tokens has that many output tokens.", "M13"),
    _rule("message.cache-creation", _H, _CACHING, "The parts of cache_creation sum up to the total.", "M14"),
    _rule(
        "message.tool-result",
        _H,
        _TOOLS + "server-tools",
        "A result of a server tool refers to an earlier use of it.",
        "M15",
    ),
    _rule(
        "message.server-tool-open",
        _H,
        _TOOLS + "server-tools",
        "A message that ended its turn holds the result of each server tool it used.",
        "M16",
    ),
    _rule("message.pause-turn", _V, _STOP, "A paused turn leaves no tool_use for the client.", "M17"),
    _rule(
        "message.parallel-tools",
        _V,
        _TOOLS + "parallel-tool-use",
        "With disable_parallel_tool_use there is at most one tool_use.",
        "M18",
    ),
    _rule("message.tool-choice", _V, _DEFINE_TOOLS, "A forced tool choice is followed.", "M19"),
    _rule("message.tool-choice-none", _V, _DEFINE_TOOLS, "With tool choice none, no tool is used.", "M20"),
    _rule("message.thinking-unasked", _H, _THINKING, "Thinking appears only where it was on.", "M21"),
    _rule("message.thinking-first", _H, _THINKING, "A message with thinking begins with it.", "M22"),
    _rule("message.prewarm", _V, _CACHING, "max_tokens 0 gives an empty message that stops for max_tokens.", "M23"),
    _rule("message.citation", _V, _CITATIONS, "A citation points into what the request gave.", "M25"),
    _rule(
        "message.web-searches",
        _H,
        _TOOLS + "web-search-tool",
        "The searches billed do not exceed those in the message.",
        "M26",
    ),
    _rule("message.model", _H, _MODELS, "The model is the one asked for, or its dated snapshot.", "M27 D18"),
    # --- errors -------------------------------------------------------------------------------------------------------
    _rule(
        "error.envelope",
        _V,
        _ERRORS,
        "An error is an object with type error and an error that has a type and a message.",
        "D10 T5",
    ),
    _rule("error.status", _V, _ERRORS, "Each status has its error types.", "D11"),
    _rule("error.status-unknown", _H, _ERRORS, "This status is not documented here.", "D11"),
    _rule("error.unknown-type", _N, _VERSIONING, "Error types may be added.", "S19"),
    _rule("error.request-id", _H, _ERRORS, "An error carries the id of its request.", "D12"),
    _rule("error.retry-after", _H, _DOCS + "api/rate-limits", "A rate limit says when to try again.", "D12"),
    # --- requests -----------------------------------------------------------------------------------------------------
    _rule("request.json", _V, _API, "The body of a request is one JSON object."),
    _rule("request.unknown-field", _V, _API, "A request has documented fields only.", "R1"),
    _rule("request.unknown-value", _V, _API, "A field of a request has one of its documented values.", "R1"),
    _rule("request.shape", _V, _API, "A request has the documented shape.", "R1"),
    _rule("request.version", _V, _VERSIONING, "anthropic-version names a version that the endpoint takes.", "D16"),
    _rule("request.unsupported", _N, _API, "The provider documents this field as unsupported.", "D16"),
    _rule("request.max-tokens", _V, _API, "max_tokens is given and at least 1, or 0 for a pre-warm.", "R2 D15"),
    _rule(
        "request.prewarm",
        _V,
        _CACHING,
        "max_tokens 0 goes without stream, thinking, output_config.format and forced tools.",
        "R2",
    ),
    _rule("request.messages", _V, _API, "A request has 1 to 100,000 messages.", "R3"),
    _rule("request.first-role", _H, _API, "The first message is the user's.", "R4"),
    _rule(
        "request.prefill",
        _V,
        _DOCS + "build-with-claude/prompt-engineering/prefill-claudes-response",
        "From Claude 4.6 on, the last message is not the assistant's; a prefill does not end in white space.",
        "R5",
    ),
    _rule(
        "request.system-role",
        _V,
        _DOCS + "build-with-claude/mid-conversation-system-messages",
        "A system message is "
        "text, follows a user turn or a server tool's result, and comes last or before an assistant turn.",
        "R6",
    ),
    _rule(
        "request.tool-results",
        _V,
        _TOOL_CALLS,
        "After tool uses, the next message is the user's and begins with one result for each.",
        "R7",
    ),
    _rule(
        "request.tool-result-id",
        _V,
        _TOOL_CALLS,
        "A tool_result answers a tool_use of the message before it, once.",
        "R8",
    ),
    _rule(
        "request.toolset-name",
        _V,
        _TOOLS + "computer-use-tool",
        "A result of a toolset's tool names the toolset.",
        "R9",
    ),
    _rule(
        "request.thinking",
        _V,
        _THINKING,
        "budget_tokens is at least 1,024 and below max_tokens; thinking forbids forced "
        "tools, prefill and another temperature.",
        "R10",
    ),
    _rule(
        "request.thinking-blocks",
        _V,
        _THINKING,
        "The thinking of the latest assistant turn goes back unchanged.",
        "R11",
    ),
    _rule(
        "request.cache-control",
        _V,
        _CACHING,
        "At most 4 cache breakpoints, 1h before 5m, none on thinking or empty text.",
        "R12",
    ),
    _rule(
        "request.sampling",
        _V,
        _VERSIONING,
        "temperature and top_p are 0 to 1, top_k is at least 0; none of them from 2026-10-21 on.",
        "R13",
    ),
    _rule(
        "request.version-content",
        _V,
        _VERSIONING,
        "From 2026-10-21 on, no document in an assistant message and no citations on text in a user message.",
        "R14",
    ),
    _rule(
        "request.tools",
        _V,
        _DEFINE_TOOLS,
        "Tools have names of their own, of letters, digits, _ and -, an input_schema "
        "of type object, and examples that obey it.",
        "R15",
    ),
    _rule("request.tool-choice", _V, _DEFINE_TOOLS, "A forced tool is one of the request's tools.", "R16"),
    _rule(
        "request.citations",
        _V,
        _CITATIONS,
        "Citations are on for all documents or for none, and not with structured output.",
        "R17",
    ),
    _rule(
        "request.domains",
        _V,
        _TOOLS + "web-search-tool",
        "A web tool has allowed or blocked domains, not both, and a user_location names a place.",
        "R18",
    ),
    _rule(
        "request.strict",
        _V,
        _STRUCTURED,
        "Strict schemas stay within 20 tools, 24 optional and 16 union parameters, and "
        "within the supported part of JSON Schema.",
        "R19",
    ),
    _rule("request.user-id", _V, _API, "metadata.user_id has at most 256 characters.", "R20"),
    _rule(
        "request.batch",
        _V,
        _BATCHES,
        "A batch has 1 to 100,000 requests with ids of their own, none of them streamed.",
        "R22",
    ),
    _rule("request.text", _V, _API, "A text block is not empty.", "R23"),
    _rule("request.media-type", _V, _API, "Images are JPEG, PNG, GIF or WebP, and a base64 document is PDF.", "R23"),
)

CATALOGUE: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _RULES})
"""All rules by name. The documentation, the tests and the judge itself read this table."""
