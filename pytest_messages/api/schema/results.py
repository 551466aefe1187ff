"""What server tools answer: each a result, or an error on a response of status 200."""

from typing import Annotated, Literal, TypeAlias

from pytest_messages.api.schema import betas, pages
from pytest_messages.api.schema.base import Reply, Unknown, documented
from pytest_messages.api.schema.unions import ByShape, ByType, Open

WebSearchErrorCode = Literal[
    "invalid_tool_input",
    "unavailable",
    "max_uses_exceeded",
    "too_many_requests",
    "query_too_long",
    "request_too_large",
]
WebFetchErrorCode = Literal[
    "invalid_tool_input",
    "url_too_long",
    "url_not_allowed",
    "url_not_in_prior_context",
    "url_not_accessible",
    "unsupported_content_type",
    "too_many_requests",
    "max_uses_exceeded",
    "unavailable",
    "content_too_large",
]
CodeExecutionErrorCode = Literal["invalid_tool_input", "unavailable", "too_many_requests", "execution_time_exceeded"]
BashErrorCode = Literal[CodeExecutionErrorCode, "output_file_too_large"]
TextEditorErrorCode = Literal[CodeExecutionErrorCode, "file_not_found"]
ToolSearchErrorCode = CodeExecutionErrorCode
AdvisorErrorCode = Literal[
    "max_uses_exceeded",
    "prompt_too_long",
    "too_many_requests",
    "overloaded",
    "unavailable",
    "execution_time_exceeded",
    "model_not_found",
]


class UnknownResult(Unknown):
    """The result of a server tool, of a kind that the documentation does not list."""


# --- Web search ----------------------------------------------------------------------------------------------------


@documented(pages.WEB_SEARCH, since="2025-03-05")
class WebSearchResultBlock(Reply):
    """One page that was found."""

    type: Literal["web_search_result"]
    title: str
    url: str
    encrypted_content: str
    page_age: str | None = None


@documented(pages.WEB_SEARCH, since="2025-03-05")
class WebSearchToolResultError(Reply):
    """The search failed."""

    type: Literal["web_search_tool_result_error"]
    error_code: Open[WebSearchErrorCode]


WebSearchContent: TypeAlias = Annotated[
    list[WebSearchResultBlock] | Annotated[WebSearchToolResultError | UnknownResult, ByType()], ByShape()
]


# --- Web fetch -----------------------------------------------------------------------------------------------------


@documented(pages.WEB_FETCH, since="2025-09-10")
class CitationsConfig(Reply):
    """Whether the fetched document may be cited."""

    enabled: bool


@documented(pages.WEB_FETCH, since="2025-09-10")
class Base64PDFSource(Reply):
    """A PDF, base64."""

    type: Literal["base64"]
    media_type: Literal["application/pdf"]
    data: str


@documented(pages.WEB_FETCH, since="2025-09-10")
class PlainTextSource(Reply):
    """A text."""

    type: Literal["text"]
    media_type: Literal["text/plain"]
    data: str


class UnknownSource(Unknown):
    """A document source that the documentation does not list."""


@documented(pages.WEB_FETCH, since="2025-09-10")
class DocumentBlock(Reply):
    """The document that was fetched."""

    type: Literal["document"]
    source: Annotated[Base64PDFSource | PlainTextSource | UnknownSource, ByType()]
    title: str | None = None
    citations: CitationsConfig | None = None


@documented(pages.WEB_FETCH, since="2025-09-10")
class WebFetchBlock(Reply):
    """What was found at the address."""

    type: Literal["web_fetch_result"]
    url: str
    content: DocumentBlock
    retrieved_at: str | None = None


@documented(pages.WEB_FETCH, since="2025-09-10")
class WebFetchToolResultError(Reply):
    """The fetch failed."""

    type: Literal["web_fetch_tool_result_error"]
    error_code: Open[WebFetchErrorCode]


WebFetchContent: TypeAlias = Annotated[WebFetchBlock | WebFetchToolResultError | UnknownResult, ByType()]


# --- Code execution ------------------------------------------------------------------------------------------------


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class CodeExecutionOutputBlock(Reply):
    """A file that the code wrote."""

    type: Literal["code_execution_output"]
    file_id: str


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class CodeExecutionResultBlock(Reply):
    """The code ran, whatever it returned."""

    type: Literal["code_execution_result"]
    content: list[CodeExecutionOutputBlock]
    return_code: int
    stdout: str
    stderr: str


@documented(pages.PROGRAMMATIC_CALLS, since="2026-01-20")
class EncryptedCodeExecutionResultBlock(Reply):
    """The code ran, and only the model may read what it printed."""

    type: Literal["encrypted_code_execution_result"]
    content: list[CodeExecutionOutputBlock]
    return_code: int
    encrypted_stdout: str
    stderr: str


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class CodeExecutionToolResultError(Reply):
    """The code did not run."""

    type: Literal["code_execution_tool_result_error"]
    error_code: Open[CodeExecutionErrorCode]


CodeExecutionContent: TypeAlias = Annotated[
    CodeExecutionResultBlock | EncryptedCodeExecutionResultBlock | CodeExecutionToolResultError | UnknownResult,
    ByType(),
]


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class BashCodeExecutionOutputBlock(Reply):
    """A file that the command wrote."""

    type: Literal["bash_code_execution_output"]
    file_id: str


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class BashCodeExecutionResultBlock(Reply):
    """The command ran, whatever it returned."""

    type: Literal["bash_code_execution_result"]
    content: list[BashCodeExecutionOutputBlock]
    return_code: int
    stdout: str
    stderr: str


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class BashCodeExecutionToolResultError(Reply):
    """The command did not run."""

    type: Literal["bash_code_execution_tool_result_error"]
    error_code: Open[BashErrorCode]


BashCodeExecutionContent: TypeAlias = Annotated[
    BashCodeExecutionResultBlock | BashCodeExecutionToolResultError | UnknownResult, ByType()
]


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class TextEditorViewResultBlock(Reply):
    """The file, or a part of it."""

    type: Literal["text_editor_code_execution_view_result"]
    file_type: Open[Literal["text", "image", "pdf"]]
    content: str
    num_lines: int | None = None
    start_line: int | None = None
    total_lines: int | None = None


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class TextEditorCreateResultBlock(Reply):
    """The file was written; whether there was one before."""

    type: Literal["text_editor_code_execution_create_result"]
    is_file_update: bool


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class TextEditorStrReplaceResultBlock(Reply):
    """The file was edited; the lines as a diff shows them."""

    type: Literal["text_editor_code_execution_str_replace_result"]
    lines: list[str] | None = None
    old_start: int | None = None
    old_lines: int | None = None
    new_start: int | None = None
    new_lines: int | None = None


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class TextEditorCodeExecutionToolResultError(Reply):
    """The editor could not do it."""

    type: Literal["text_editor_code_execution_tool_result_error"]
    error_code: Open[TextEditorErrorCode]
    error_message: str | None = None


TextEditorCodeExecutionContent: TypeAlias = Annotated[
    TextEditorViewResultBlock
    | TextEditorCreateResultBlock
    | TextEditorStrReplaceResultBlock
    | TextEditorCodeExecutionToolResultError
    | UnknownResult,
    ByType(),
]


# --- Tool search ---------------------------------------------------------------------------------------------------


@documented(pages.TOOL_SEARCH, since="2025-11-19")
class ToolReferenceBlock(Reply):
    """A tool that was found."""

    type: Literal["tool_reference"]
    tool_name: str


@documented(pages.TOOL_SEARCH, since="2025-11-19")
class ToolSearchResultBlock(Reply):
    """The tools that were found."""

    type: Literal["tool_search_tool_search_result"]
    tool_references: list[ToolReferenceBlock]


@documented(pages.TOOL_SEARCH, since="2025-11-19")
class ToolSearchToolResultError(Reply):
    """The search failed."""

    type: Literal["tool_search_tool_result_error"]
    error_code: Open[ToolSearchErrorCode]
    error_message: str | None = None


ToolSearchContent: TypeAlias = Annotated[ToolSearchResultBlock | ToolSearchToolResultError | UnknownResult, ByType()]


# --- Advisor -------------------------------------------------------------------------------------------------------


@documented(pages.ADVISOR, since="2026-03-01", beta=betas.ADVISOR_TOOL)
class AdvisorResultBlock(Reply):
    """What the advisor said."""

    type: Literal["advisor_result"]
    text: str
    stop_reason: str | None = None


@documented(pages.ADVISOR, since="2026-03-01", beta=betas.ADVISOR_TOOL)
class AdvisorRedactedResultBlock(Reply):
    """What the advisor said, for the model only."""

    type: Literal["advisor_redacted_result"]
    encrypted_content: str
    stop_reason: str | None = None


@documented(pages.ADVISOR, since="2026-03-01", beta=betas.ADVISOR_TOOL)
class AdvisorToolResultError(Reply):
    """The advisor did not answer."""

    type: Literal["advisor_tool_result_error"]
    error_code: Open[AdvisorErrorCode]


AdvisorContent: TypeAlias = Annotated[
    AdvisorResultBlock | AdvisorRedactedResultBlock | AdvisorToolResultError | UnknownResult, ByType()
]
