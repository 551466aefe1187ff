"""The blocks that a request may be made of."""

from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import StringConstraints
from typing_extensions import TypedDict

from pytest_messages.api.schema import betas, pages
from pytest_messages.api.schema.base import Beta, documented
from pytest_messages.api.schema.caching import CacheControlParam
from pytest_messages.api.schema.citations import CitationParam
from pytest_messages.api.schema.message import ServerToolName
from pytest_messages.api.schema.results import (
    AdvisorErrorCode,
    BashErrorCode,
    CodeExecutionErrorCode,
    TextEditorErrorCode,
    ToolSearchErrorCode,
    WebFetchErrorCode,
    WebSearchErrorCode,
)
from pytest_messages.api.schema.tools import AddedTool, CitationsConfigParam, McpToolParam, RemovedTool
from pytest_messages.api.schema.unions import ByShape, ByType

_Input: TypeAlias = dict[str, Any]
_Words = Annotated[str, StringConstraints(min_length=1)]
_ToolUseId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]+$")]
_ServerToolUseId = Annotated[str, StringConstraints(pattern=r"^srvtoolu_[a-zA-Z0-9_]+$")]


class _Cacheable(TypedDict):
    cache_control: NotRequired[CacheControlParam | None]


# --- Text, images, documents ---------------------------------------------------------------------------------------


@documented(pages.MESSAGES)
class TextBlockParam(_Cacheable):
    """Words."""

    type: Literal["text"]
    text: _Words
    citations: NotRequired[list[CitationParam] | None]


@documented(pages.VISION)
class Base64ImageSourceParam(TypedDict):
    """An image, base64."""

    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: str


@documented(pages.VISION)
class UrlImageSourceParam(TypedDict):
    """An image at an address."""

    type: Literal["url"]
    url: str


@documented(pages.FILES, since="2025-04-14")
class FileImageSourceParam(TypedDict):
    """An image that was uploaded."""

    type: Literal["file"]
    file_id: str


@documented(pages.VISION)
class ImageTransformationsParam(TypedDict):
    """What to do with an image that is too large."""

    oversized_image: NotRequired[Literal["downsize", "error"]]


@documented(pages.VISION)
class ImageBlockParam(_Cacheable):
    """An image."""

    type: Literal["image"]
    source: Annotated[Base64ImageSourceParam | UrlImageSourceParam | FileImageSourceParam, ByType()]
    transformations: NotRequired[ImageTransformationsParam | None]


@documented(pages.PDF)
class Base64PdfSourceParam(TypedDict):
    """A PDF, base64."""

    type: Literal["base64"]
    media_type: Literal["application/pdf"]
    data: str


@documented(pages.PDF)
class UrlPdfSourceParam(TypedDict):
    """A PDF at an address."""

    type: Literal["url"]
    url: str


@documented(pages.PDF)
class PlainTextSourceParam(TypedDict):
    """A text."""

    type: Literal["text"]
    media_type: Literal["text/plain"]
    data: str


@documented(pages.CITATIONS)
class ContentSourceParam(TypedDict):
    """A document in pieces that are cited as they are."""

    type: Literal["content"]
    content: Annotated[str | list[Annotated[TextBlockParam | ImageBlockParam, ByType()]], ByShape()]


@documented(pages.FILES, since="2025-04-14")
class FileDocumentSourceParam(TypedDict):
    """A document that was uploaded."""

    type: Literal["file"]
    file_id: str


@documented(pages.PDF)
class DocumentBlockParam(_Cacheable):
    """A document."""

    type: Literal["document"]
    source: Annotated[
        Base64PdfSourceParam | UrlPdfSourceParam | PlainTextSourceParam | ContentSourceParam | FileDocumentSourceParam,
        ByType(),
    ]
    title: NotRequired[Annotated[str, StringConstraints(min_length=1, max_length=500)] | None]
    context: NotRequired[_Words | None]
    citations: NotRequired[CitationsConfigParam | None]


@documented(pages.SEARCH_RESULTS)
class SearchResultBlockParam(_Cacheable):
    """What the caller's own search found."""

    type: Literal["search_result"]
    source: str
    title: str
    content: list[TextBlockParam]
    citations: NotRequired[CitationsConfigParam]


# --- What the model said, sent back --------------------------------------------------------------------------------


@documented(pages.THINKING)
class ThinkingBlockParam(TypedDict):
    """Thinking, unchanged."""

    type: Literal["thinking"]
    thinking: str
    signature: str


@documented(pages.THINKING)
class RedactedThinkingBlockParam(TypedDict):
    """Redacted thinking, unchanged."""

    type: Literal["redacted_thinking"]
    data: str


@documented(pages.PROGRAMMATIC_CALLS)
class DirectCallerParam(TypedDict):
    """The model called the tool itself."""

    type: Literal["direct"]


@documented(pages.PROGRAMMATIC_CALLS, since="2025-08-25")
class CodeCallerParam(TypedDict):
    """Code that the model wrote called the tool."""

    type: Literal["code_execution_20250825", "code_execution_20260120"]
    tool_id: str


CallerParam: TypeAlias = Annotated[DirectCallerParam | CodeCallerParam, ByType()]


@documented(pages.TOOL_CALLS)
class ToolUseBlockParam(_Cacheable):
    """A call of one of the client's tools."""

    type: Literal["tool_use"]
    id: _ToolUseId
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    input: _Input
    caller: NotRequired[CallerParam]
    toolset_name: NotRequired[str | None]


@documented(pages.SERVER_TOOLS, since="2025-03-05")
class ServerToolUseBlockParam(_Cacheable):
    """A call of a server tool."""

    type: Literal["server_tool_use"]
    id: _ServerToolUseId
    name: Annotated[ServerToolName, Beta(betas.ADVISOR_TOOL, ("advisor",))]
    input: _Input
    caller: NotRequired[CallerParam]


@documented(pages.MCP, since="2025-04-04", beta=betas.MCP_CLIENT)
class McpToolUseBlockParam(_Cacheable):
    """A call of a tool of an MCP server."""

    type: Literal["mcp_tool_use"]
    id: _ToolUseId
    name: str
    server_name: str
    input: _Input


# --- Results of the client's tools ---------------------------------------------------------------------------------


@documented(pages.TOOL_SEARCH, since="2025-11-19")
class ToolReferenceBlockParam(_Cacheable):
    """A tool that was found."""

    type: Literal["tool_reference"]
    tool_name: str


@documented(pages.BROWSER, since="2026-08-01")
class BrowserTabParam(TypedDict):
    """An open tab."""

    tab_id: str
    title: str
    url: str
    active: NotRequired[bool]


@documented(pages.BROWSER, since="2026-08-01")
class TabOpenedParam(TypedDict):
    """A tab was opened."""

    type: Literal["tab_opened"]
    tab_id: str


@documented(pages.BROWSER, since="2026-08-01")
class DownloadStartedParam(TypedDict):
    """A download began."""

    type: Literal["download_started"]
    download_id: str
    url: str


@documented(pages.BROWSER, since="2026-08-01")
class DownloadCompletedParam(TypedDict):
    """A download is there."""

    type: Literal["download_completed"]
    download_id: str
    url: str
    path: NotRequired[str | None]
    size_bytes: NotRequired[int | None]


@documented(pages.BROWSER, since="2026-08-01")
class DownloadFailedParam(TypedDict):
    """A download failed."""

    type: Literal["download_failed"]
    download_id: str
    url: str
    error: NotRequired[str | None]


@documented(pages.BROWSER, since="2026-08-01")
class BrowserStateBlockParam(_Cacheable):
    """The browser after an action."""

    type: Literal["browser_state"]
    tabs: list[BrowserTabParam]
    state_changes: NotRequired[
        list[
            Annotated[
                TabOpenedParam | DownloadStartedParam | DownloadCompletedParam | DownloadFailedParam,
                ByType(),
            ]
        ]
        | None
    ]


@documented(pages.TOOL_CALLS)
class ToolResultBlockParam(_Cacheable):
    """What one of the client's tools answered."""

    type: Literal["tool_result"]
    tool_use_id: _ToolUseId
    content: NotRequired[
        Annotated[
            str
            | list[
                Annotated[
                    TextBlockParam
                    | ImageBlockParam
                    | SearchResultBlockParam
                    | DocumentBlockParam
                    | ToolReferenceBlockParam
                    | BrowserStateBlockParam,
                    ByType(),
                ]
            ],
            ByShape(),
        ]
    ]
    is_error: NotRequired[bool]
    toolset_name: NotRequired[str | None]


# --- Results of server tools, sent back ----------------------------------------------------------------------------


@documented(pages.WEB_SEARCH, since="2025-03-05")
class WebSearchResultBlockParam(TypedDict):
    """One page that was found."""

    type: Literal["web_search_result"]
    title: str
    url: str
    encrypted_content: str
    page_age: NotRequired[str | None]


@documented(pages.WEB_SEARCH, since="2025-03-05")
class WebSearchToolResultErrorParam(TypedDict):
    """The search failed."""

    type: Literal["web_search_tool_result_error"]
    error_code: WebSearchErrorCode


@documented(pages.WEB_SEARCH, since="2025-03-05")
class WebSearchToolResultBlockParam(_Cacheable):
    """What the web search found."""

    type: Literal["web_search_tool_result"]
    tool_use_id: _ServerToolUseId
    content: Annotated[list[WebSearchResultBlockParam] | WebSearchToolResultErrorParam, ByShape()]
    caller: NotRequired[CallerParam]


@documented(pages.WEB_FETCH, since="2025-09-10")
class WebFetchBlockParam(TypedDict):
    """What was found at the address."""

    type: Literal["web_fetch_result"]
    url: str
    content: DocumentBlockParam
    retrieved_at: NotRequired[str | None]


@documented(pages.WEB_FETCH, since="2025-09-10")
class WebFetchToolResultErrorParam(TypedDict):
    """The fetch failed."""

    type: Literal["web_fetch_tool_result_error"]
    error_code: WebFetchErrorCode


@documented(pages.WEB_FETCH, since="2025-09-10")
class WebFetchToolResultBlockParam(_Cacheable):
    """What was fetched."""

    type: Literal["web_fetch_tool_result"]
    tool_use_id: _ServerToolUseId
    content: Annotated[WebFetchBlockParam | WebFetchToolResultErrorParam, ByType()]
    caller: NotRequired[CallerParam]


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class CodeExecutionOutputBlockParam(TypedDict):
    """A file that the code wrote."""

    type: Literal["code_execution_output"]
    file_id: str


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class CodeExecutionResultBlockParam(TypedDict):
    """The code ran."""

    type: Literal["code_execution_result"]
    content: list[CodeExecutionOutputBlockParam]
    return_code: int
    stdout: str
    stderr: str


@documented(pages.PROGRAMMATIC_CALLS, since="2026-01-20")
class EncryptedCodeExecutionResultBlockParam(TypedDict):
    """The code ran, and only the model may read what it printed."""

    type: Literal["encrypted_code_execution_result"]
    content: list[CodeExecutionOutputBlockParam]
    return_code: int
    encrypted_stdout: str
    stderr: str


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class CodeExecutionToolResultErrorParam(TypedDict):
    """The code did not run."""

    type: Literal["code_execution_tool_result_error"]
    error_code: CodeExecutionErrorCode


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class CodeExecutionToolResultBlockParam(_Cacheable):
    """What the code did."""

    type: Literal["code_execution_tool_result"]
    tool_use_id: _ServerToolUseId
    content: Annotated[
        CodeExecutionResultBlockParam | EncryptedCodeExecutionResultBlockParam | CodeExecutionToolResultErrorParam,
        ByType(),
    ]


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class BashCodeExecutionOutputBlockParam(TypedDict):
    """A file that the command wrote."""

    type: Literal["bash_code_execution_output"]
    file_id: str


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class BashCodeExecutionResultBlockParam(TypedDict):
    """The command ran."""

    type: Literal["bash_code_execution_result"]
    content: list[BashCodeExecutionOutputBlockParam]
    return_code: int
    stdout: str
    stderr: str


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class BashCodeExecutionToolResultErrorParam(TypedDict):
    """The command did not run."""

    type: Literal["bash_code_execution_tool_result_error"]
    error_code: BashErrorCode


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class BashCodeExecutionToolResultBlockParam(_Cacheable):
    """What the command did."""

    type: Literal["bash_code_execution_tool_result"]
    tool_use_id: _ServerToolUseId
    content: Annotated[BashCodeExecutionResultBlockParam | BashCodeExecutionToolResultErrorParam, ByType()]


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class TextEditorViewResultBlockParam(TypedDict):
    """The file, or a part of it."""

    type: Literal["text_editor_code_execution_view_result"]
    file_type: Literal["text", "image", "pdf"]
    content: str
    num_lines: NotRequired[int | None]
    start_line: NotRequired[int | None]
    total_lines: NotRequired[int | None]


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class TextEditorCreateResultBlockParam(TypedDict):
    """The file was written."""

    type: Literal["text_editor_code_execution_create_result"]
    is_file_update: bool


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class TextEditorStrReplaceResultBlockParam(TypedDict):
    """The file was edited."""

    type: Literal["text_editor_code_execution_str_replace_result"]
    lines: NotRequired[list[str] | None]
    old_start: NotRequired[int | None]
    old_lines: NotRequired[int | None]
    new_start: NotRequired[int | None]
    new_lines: NotRequired[int | None]


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class TextEditorCodeExecutionToolResultErrorParam(TypedDict):
    """The editor could not do it."""

    type: Literal["text_editor_code_execution_tool_result_error"]
    error_code: TextEditorErrorCode
    error_message: NotRequired[str | None]


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class TextEditorCodeExecutionToolResultBlockParam(_Cacheable):
    """What the editor did."""

    type: Literal["text_editor_code_execution_tool_result"]
    tool_use_id: _ServerToolUseId
    content: Annotated[
        TextEditorViewResultBlockParam
        | TextEditorCreateResultBlockParam
        | TextEditorStrReplaceResultBlockParam
        | TextEditorCodeExecutionToolResultErrorParam,
        ByType(),
    ]


@documented(pages.TOOL_SEARCH, since="2025-11-19")
class ToolSearchResultBlockParam(TypedDict):
    """The tools that were found."""

    type: Literal["tool_search_tool_search_result"]
    tool_references: list[ToolReferenceBlockParam]


@documented(pages.TOOL_SEARCH, since="2025-11-19")
class ToolSearchToolResultErrorParam(TypedDict):
    """The search failed."""

    type: Literal["tool_search_tool_result_error"]
    error_code: ToolSearchErrorCode
    error_message: NotRequired[str | None]


@documented(pages.TOOL_SEARCH, since="2025-11-19")
class ToolSearchToolResultBlockParam(_Cacheable):
    """What the tool search found."""

    type: Literal["tool_search_tool_result"]
    tool_use_id: _ServerToolUseId
    content: Annotated[ToolSearchResultBlockParam | ToolSearchToolResultErrorParam, ByType()]


@documented(pages.ADVISOR, since="2026-03-01", beta=betas.ADVISOR_TOOL)
class AdvisorResultBlockParam(TypedDict):
    """What the advisor said."""

    type: Literal["advisor_result"]
    text: str
    stop_reason: NotRequired[str | None]


@documented(pages.ADVISOR, since="2026-03-01", beta=betas.ADVISOR_TOOL)
class AdvisorRedactedResultBlockParam(TypedDict):
    """What the advisor said, for the model only."""

    type: Literal["advisor_redacted_result"]
    encrypted_content: str
    stop_reason: NotRequired[str | None]


@documented(pages.ADVISOR, since="2026-03-01", beta=betas.ADVISOR_TOOL)
class AdvisorToolResultErrorParam(TypedDict):
    """The advisor did not answer."""

    type: Literal["advisor_tool_result_error"]
    error_code: AdvisorErrorCode


@documented(pages.ADVISOR, since="2026-03-01", beta=betas.ADVISOR_TOOL)
class AdvisorToolResultBlockParam(_Cacheable):
    """What the advisor answered."""

    type: Literal["advisor_tool_result"]
    tool_use_id: _ServerToolUseId
    content: Annotated[
        AdvisorResultBlockParam | AdvisorRedactedResultBlockParam | AdvisorToolResultErrorParam, ByType()
    ]


@documented(pages.MCP, since="2025-04-04", beta=betas.MCP_CLIENT)
class McpToolResultBlockParam(_Cacheable):
    """What a tool of an MCP server answered."""

    type: Literal["mcp_tool_result"]
    tool_use_id: _ToolUseId
    content: NotRequired[Annotated[str | list[TextBlockParam], ByShape()]]
    is_error: NotRequired[bool]


@documented(pages.MCP, since="2026-09-15", beta=betas.MCP_LISTINGS)
class McpToolListingBlockParam(TypedDict):
    """The tools of an MCP server."""

    type: Literal["mcp_tool_listing"]
    mcp_server_name: str
    tools: list[McpToolParam]


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class ContainerUploadBlockParam(_Cacheable):
    """A file to put into the container."""

    type: Literal["container_upload"]
    file_id: str


# --- Changes of the conversation -----------------------------------------------------------------------------------


@documented(pages.DEFINE_TOOLS, since="2026-07-01", beta=betas.TOOL_CHANGES)
class ToolAdditionBlockParam(_Cacheable):
    """A tool comes."""

    type: Literal["tool_addition"]
    tool: AddedTool


@documented(pages.DEFINE_TOOLS, since="2026-07-01", beta=betas.TOOL_CHANGES)
class ToolRemovalBlockParam(_Cacheable):
    """A tool goes."""

    type: Literal["tool_removal"]
    tool: RemovedTool


@documented(pages.COMPACTION, since="2026-01-12", beta=betas.COMPACT)
class CompactionBlockParam(_Cacheable):
    """A summary that stands for the conversation before it, unchanged."""

    type: Literal["compaction"]
    content: NotRequired[str | None]
    encrypted_content: NotRequired[str | None]
    signature: NotRequired[str | None]
    tool_changes: NotRequired[list[Annotated[ToolAdditionBlockParam | ToolRemovalBlockParam, ByType()]] | None]


@documented(pages.REFUSALS, since="2026-06-01", beta=betas.FALLBACK)
class FallbackModelParam(TypedDict):
    """A model on one side of a fallback."""

    model: str


# `from` is a word of Python, so this one cannot be written as a class.
FallbackBlockParam = TypedDict(
    "FallbackBlockParam",
    {
        "type": Literal["fallback"],
        "from": FallbackModelParam,
        "to": FallbackModelParam,
        "trigger": NotRequired[Any],
    },
)
documented(pages.REFUSALS, since="2026-06-01", beta=betas.FALLBACK)(FallbackBlockParam)


ContentBlockParam: TypeAlias = Annotated[
    TextBlockParam
    | ImageBlockParam
    | DocumentBlockParam
    | SearchResultBlockParam
    | ThinkingBlockParam
    | RedactedThinkingBlockParam
    | ToolUseBlockParam
    | ToolResultBlockParam
    | ServerToolUseBlockParam
    | WebSearchToolResultBlockParam
    | WebFetchToolResultBlockParam
    | CodeExecutionToolResultBlockParam
    | BashCodeExecutionToolResultBlockParam
    | TextEditorCodeExecutionToolResultBlockParam
    | ToolSearchToolResultBlockParam
    | ContainerUploadBlockParam
    | McpToolUseBlockParam
    | McpToolResultBlockParam
    | McpToolListingBlockParam
    | AdvisorToolResultBlockParam
    | CompactionBlockParam
    | FallbackBlockParam
    | ToolAdditionBlockParam
    | ToolRemovalBlockParam,
    ByType(),
]
SystemBlockParam: TypeAlias = Annotated[TextBlockParam | ToolAdditionBlockParam | ToolRemovalBlockParam, ByType()]
