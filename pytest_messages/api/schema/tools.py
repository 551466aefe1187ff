"""The tools that a request may declare, version by version. A reply that echoes a declaration uses the same types."""

from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import Field, StringConstraints
from typing_extensions import TypedDict

from pytest_messages.api.schema import betas, pages
from pytest_messages.api.schema.base import Beta, Count, documented
from pytest_messages.api.schema.caching import CacheControlParam
from pytest_messages.api.schema.unions import AtLeast, ByType

AllowedCaller = Literal["direct", "code_execution_20250825", "code_execution_20260120", "code_execution_20260521"]
_Positive = Annotated[int, Field(ge=1)]
_Place = Annotated[str, StringConstraints(min_length=1, max_length=255)]
_Object: TypeAlias = dict[str, Any]


class _Tool(TypedDict):
    """What every tool but a toolset may say."""

    allowed_callers: NotRequired[list[AllowedCaller]]
    cache_control: NotRequired[CacheControlParam | None]
    defer_loading: NotRequired[bool]
    strict: NotRequired[bool]


class _ClientTool(_Tool):
    input_examples: NotRequired[list[_Object]]


# --- Tools of the client -------------------------------------------------------------------------------------------


@documented(pages.DEFINE_TOOLS)
class InputSchemaKeywords(TypedDict):
    """What the API asks of a tool's ``input_schema``; it is JSON Schema, so any other keyword may stand beside."""

    type: Literal["object"]
    properties: NotRequired[_Object | None]
    required: NotRequired[list[str] | None]


InputSchema: TypeAlias = Annotated[_Object, AtLeast(InputSchemaKeywords)]


@documented(pages.DEFINE_TOOLS)
class ToolParam(_ClientTool):
    """A tool of the caller's own."""

    type: NotRequired[Literal["custom"] | None]
    # The prose says 64 characters, the published specification 128: the longer one is no violation.
    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
    input_schema: InputSchema
    description: NotRequired[str]
    eager_input_streaming: NotRequired[bool | None]


@documented(pages.BASH, since="2024-10-22", beta=betas.COMPUTER_2024)
class Bash20241022Param(_ClientTool):
    """A shell."""

    type: Literal["bash_20241022"]
    name: Literal["bash"]


@documented(pages.BASH, since="2025-01-24")
class Bash20250124Param(_ClientTool):
    """A shell."""

    type: Literal["bash_20250124"]
    name: Literal["bash"]


@documented(pages.TEXT_EDITOR, since="2024-10-22", beta=betas.COMPUTER_2024)
class TextEditor20241022Param(_ClientTool):
    """A text editor."""

    type: Literal["text_editor_20241022"]
    name: Literal["str_replace_editor"]


@documented(pages.TEXT_EDITOR, since="2025-01-24")
class TextEditor20250124Param(_ClientTool):
    """A text editor."""

    type: Literal["text_editor_20250124"]
    name: Literal["str_replace_editor"]


@documented(pages.TEXT_EDITOR, since="2025-04-29")
class TextEditor20250429Param(_ClientTool):
    """A text editor without undo."""

    type: Literal["text_editor_20250429"]
    name: Literal["str_replace_based_edit_tool"]


@documented(pages.TEXT_EDITOR, since="2025-07-28")
class TextEditor20250728Param(_ClientTool):
    """A text editor that can cut what it shows."""

    type: Literal["text_editor_20250728"]
    name: Literal["str_replace_based_edit_tool"]
    max_characters: NotRequired[_Positive | None]


@documented(pages.MEMORY, since="2025-08-18")
class Memory20250818Param(_ClientTool):
    """A directory of notes."""

    type: Literal["memory_20250818"]
    name: Literal["memory"]


class _Computer(_ClientTool):
    name: Literal["computer"]
    display_width_px: _Positive
    display_height_px: _Positive
    display_number: NotRequired[Count | None]


@documented(pages.COMPUTER, since="2024-10-22", beta=betas.COMPUTER_2024)
class Computer20241022Param(_Computer):
    """A screen, a mouse and a keyboard."""

    type: Literal["computer_20241022"]


@documented(pages.COMPUTER, since="2025-01-24", beta=betas.COMPUTER_2025)
class Computer20250124Param(_Computer):
    """A screen, a mouse and a keyboard, with more actions."""

    type: Literal["computer_20250124"]


@documented(pages.COMPUTER, since="2025-11-24", beta=betas.COMPUTER_ZOOM)
class Computer20251124Param(_Computer):
    """A screen, a mouse and a keyboard, with a magnifying glass."""

    type: Literal["computer_20251124"]
    enable_zoom: NotRequired[bool]


@documented(pages.COMPUTER, since="2026-08-01")
class ToolsetMemberConfig(TypedDict):
    """One tool of a toolset, switched on or off, or loaded when it is searched for."""

    enabled: NotRequired[bool | None]
    defer_loading: NotRequired[bool | None]


_Member: TypeAlias = ToolsetMemberConfig | None


@documented(pages.COMPUTER, since="2026-08-01")
class ComputerToolsetConfigs(TypedDict):
    """The members of the computer toolset."""

    cursor_position: NotRequired[_Member]
    double_click: NotRequired[_Member]
    hold_key: NotRequired[_Member]
    key: NotRequired[_Member]
    left_click: NotRequired[_Member]
    left_click_drag: NotRequired[_Member]
    left_mouse_down: NotRequired[_Member]
    left_mouse_up: NotRequired[_Member]
    middle_click: NotRequired[_Member]
    mouse_move: NotRequired[_Member]
    right_click: NotRequired[_Member]
    screenshot: NotRequired[_Member]
    scroll: NotRequired[_Member]
    triple_click: NotRequired[_Member]
    type: NotRequired[_Member]
    wait: NotRequired[_Member]
    zoom: NotRequired[_Member]


@documented(pages.COMPUTER, since="2026-08-01")
class ComputerToolset20260801Param(TypedDict):
    """The computer as one tool for each action; its calls say ``toolset_name``."""

    type: Literal["computer_toolset_20260801"]
    cache_control: NotRequired[CacheControlParam | None]
    configs: NotRequired[ComputerToolsetConfigs | None]


@documented(pages.BROWSER, since="2026-08-01")
class BrowserToolsetConfigs(TypedDict):
    """The members of the browser toolset."""

    close_tab: NotRequired[_Member]
    double_click: NotRequired[_Member]
    file_upload: NotRequired[_Member]
    find: NotRequired[_Member]
    form_input: NotRequired[_Member]
    get_page_text: NotRequired[_Member]
    hold_key: NotRequired[_Member]
    hover: NotRequired[_Member]
    javascript_exec: NotRequired[_Member]
    key: NotRequired[_Member]
    left_click: NotRequired[_Member]
    left_click_drag: NotRequired[_Member]
    left_mouse_down: NotRequired[_Member]
    left_mouse_up: NotRequired[_Member]
    list_tabs: NotRequired[_Member]
    middle_click: NotRequired[_Member]
    mouse_move: NotRequired[_Member]
    navigate: NotRequired[_Member]
    new_tab: NotRequired[_Member]
    read_console: NotRequired[_Member]
    read_network: NotRequired[_Member]
    read_page: NotRequired[_Member]
    right_click: NotRequired[_Member]
    screenshot: NotRequired[_Member]
    scroll: NotRequired[_Member]
    scroll_to: NotRequired[_Member]
    switch_tab: NotRequired[_Member]
    triple_click: NotRequired[_Member]
    type: NotRequired[_Member]
    wait: NotRequired[_Member]
    zoom: NotRequired[_Member]


@documented(pages.BROWSER, since="2026-08-01")
class BrowserToolset20260801Param(TypedDict):
    """A browser as one tool for each action; its calls say ``toolset_name``."""

    type: Literal["browser_toolset_20260801"]
    cache_control: NotRequired[CacheControlParam | None]
    configs: NotRequired[BrowserToolsetConfigs | None]


# --- Tools that the API runs ---------------------------------------------------------------------------------------


class _CodeExecution(_Tool):
    name: Literal["code_execution"]


@documented(pages.CODE_EXECUTION, since="2025-05-22")
class CodeExecution20250522Param(_CodeExecution):
    """Python."""

    type: Literal["code_execution_20250522"]


@documented(pages.CODE_EXECUTION, since="2025-08-25")
class CodeExecution20250825Param(_CodeExecution):
    """A shell and a file editor."""

    type: Literal["code_execution_20250825"]


@documented(pages.CODE_EXECUTION, since="2026-01-20")
class CodeExecution20260120Param(_CodeExecution):
    """A shell and a file editor that keep their state, and can call tools."""

    type: Literal["code_execution_20260120"]


@documented(pages.CODE_EXECUTION, since="2026-05-21")
class CodeExecution20260521Param(_CodeExecution):
    """A shell and a file editor that keep their state, and can call tools."""

    type: Literal["code_execution_20260521"]


@documented(pages.WEB_SEARCH, since="2025-03-05")
class UserLocationParam(TypedDict):
    """Where the user is, roughly, for searches."""

    type: Literal["approximate"]
    city: NotRequired[_Place | None]
    region: NotRequired[_Place | None]
    country: NotRequired[Annotated[str, StringConstraints(min_length=2, max_length=2)] | None]
    timezone: NotRequired[_Place | None]


class _Web(_Tool):
    # Not both: a rule across fields, which the judge has.
    allowed_domains: NotRequired[list[str] | None]
    blocked_domains: NotRequired[list[str] | None]
    max_uses: NotRequired[_Positive | None]


class _WebSearch(_Web):
    name: Literal["web_search"]
    user_location: NotRequired[UserLocationParam | None]


@documented(pages.WEB_SEARCH, since="2025-03-05")
class WebSearch20250305Param(_WebSearch):
    """A web search."""

    type: Literal["web_search_20250305"]


@documented(pages.WEB_SEARCH, since="2026-02-09")
class WebSearch20260209Param(_WebSearch):
    """A web search whose results are filtered by code."""

    type: Literal["web_search_20260209"]


@documented(pages.WEB_SEARCH, since="2026-03-18")
class WebSearch20260318Param(_WebSearch):
    """A web search whose results can be left out of the reply."""

    type: Literal["web_search_20260318"]
    response_inclusion: NotRequired[Literal["full", "excluded"]]


@documented(pages.WEB_FETCH, since="2025-09-10")
class CitationsConfigParam(TypedDict):
    """Whether a document may be cited."""

    enabled: NotRequired[bool]


@documented(pages.WEB_FETCH)
class UrlSourceAllParam(TypedDict):
    """Any address found there may be fetched."""

    type: Literal["all"]


@documented(pages.WEB_FETCH)
class UrlSourceNoneParam(TypedDict):
    """No address found there may be fetched."""

    type: Literal["none"]


@documented(pages.WEB_FETCH)
class UrlSourceToolParam(TypedDict):
    """A tool, by its name."""

    type: Literal["tool_reference"]
    name: str


@documented(pages.WEB_FETCH)
class UrlSourceOnlyParam(TypedDict):
    """Addresses found in what these tools answered may be fetched."""

    type: Literal["only"]
    tools: list[UrlSourceToolParam]


@documented(pages.WEB_FETCH)
class UrlSourceExceptParam(TypedDict):
    """Addresses found in what any other tool answered may be fetched."""

    type: Literal["except"]
    tools: list[UrlSourceToolParam]


UrlSourceParam: TypeAlias = Annotated[
    UrlSourceAllParam | UrlSourceNoneParam | UrlSourceOnlyParam | UrlSourceExceptParam, ByType()
]


@documented(pages.WEB_FETCH)
class UrlSourcesParam(TypedDict):
    """Which addresses may be fetched, by where the model found them."""

    user_input: NotRequired[Annotated[UrlSourceAllParam | UrlSourceNoneParam, ByType()]]
    client_tool_results: NotRequired[UrlSourceParam]
    server_tool_results: NotRequired[UrlSourceParam]


class _WebFetch(_Web):
    name: Literal["web_fetch"]
    citations: NotRequired[CitationsConfigParam | None]
    max_content_tokens: NotRequired[_Positive | None]
    url_sources: NotRequired[UrlSourcesParam | None]


@documented(pages.WEB_FETCH, since="2025-09-10")
class WebFetch20250910Param(_WebFetch):
    """Fetches what stands at an address."""

    type: Literal["web_fetch_20250910"]


@documented(pages.WEB_FETCH, since="2026-02-09")
class WebFetch20260209Param(_WebFetch):
    """Fetches what stands at an address, filtered by code."""

    type: Literal["web_fetch_20260209"]


@documented(pages.WEB_FETCH, since="2026-03-09")
class WebFetch20260309Param(_WebFetch):
    """Fetches what stands at an address, from a cache where that is wanted."""

    type: Literal["web_fetch_20260309"]
    use_cache: NotRequired[bool]


@documented(pages.WEB_FETCH, since="2026-03-18")
class WebFetch20260318Param(_WebFetch):
    """Fetches what stands at an address, and can leave it out of the reply."""

    type: Literal["web_fetch_20260318"]
    use_cache: NotRequired[bool]
    response_inclusion: NotRequired[Literal["full", "excluded"]]


@documented(pages.TOOL_SEARCH, since="2025-11-19")
class ToolSearchBm25Param(_Tool):
    """Finds tools by words."""

    type: Literal["tool_search_tool_bm25_20251119", "tool_search_tool_bm25"]
    name: Literal["tool_search_tool_bm25"]


@documented(pages.TOOL_SEARCH, since="2025-11-19")
class ToolSearchRegexParam(_Tool):
    """Finds tools by a pattern."""

    type: Literal["tool_search_tool_regex_20251119", "tool_search_tool_regex"]
    name: Literal["tool_search_tool_regex"]


@documented(pages.ADVISOR, since="2026-03-01", beta=betas.ADVISOR_TOOL)
class Advisor20260301Param(_Tool):
    """Another model to ask."""

    type: Literal["advisor_20260301"]
    name: Literal["advisor"]
    model: str
    caching: NotRequired[CacheControlParam | None]
    max_tokens: NotRequired[_Positive | None]
    max_uses: NotRequired[_Positive | None]


# --- Tools of MCP servers ------------------------------------------------------------------------------------------


@documented(pages.MCP, since="2025-11-20", beta=betas.MCP_TOOLSETS)
class McpToolConfigParam(TypedDict):
    """One tool of a server, or all that are not named, switched on or off."""

    enabled: NotRequired[bool]
    defer_loading: NotRequired[bool]


@documented(pages.MCP, since="2026-09-15", beta=betas.MCP_LISTINGS)
class McpToolParam(TypedDict):
    """A tool as its server listed it."""

    name: str
    input_schema: _Object
    description: NotRequired[str | None]


@documented(pages.MCP, since="2025-11-20", beta=betas.MCP_TOOLSETS)
class McpToolsetParam(TypedDict):
    """The tools of one of the request's ``mcp_servers``."""

    type: Literal["mcp_toolset"]
    mcp_server_name: str
    cache_control: NotRequired[CacheControlParam | None]
    configs: NotRequired[dict[str, McpToolConfigParam] | None]
    default_config: NotRequired[McpToolConfigParam]
    tools: NotRequired[Annotated[list[McpToolParam] | None, Beta(betas.MCP_LISTINGS)]]


ToolDefinition: TypeAlias = Annotated[
    ToolParam
    | Bash20241022Param
    | Bash20250124Param
    | TextEditor20241022Param
    | TextEditor20250124Param
    | TextEditor20250429Param
    | TextEditor20250728Param
    | Memory20250818Param
    | Computer20241022Param
    | Computer20250124Param
    | Computer20251124Param
    | ComputerToolset20260801Param
    | BrowserToolset20260801Param
    | CodeExecution20250522Param
    | CodeExecution20250825Param
    | CodeExecution20260120Param
    | CodeExecution20260521Param
    | WebSearch20250305Param
    | WebSearch20260209Param
    | WebSearch20260318Param
    | WebFetch20250910Param
    | WebFetch20260209Param
    | WebFetch20260309Param
    | WebFetch20260318Param
    | ToolSearchBm25Param
    | ToolSearchRegexParam
    | Advisor20260301Param
    | McpToolsetParam,
    ByType(),
]


# --- Tools that come and go during a conversation ------------------------------------------------------------------


@documented(pages.DEFINE_TOOLS, since="2026-07-01", beta=betas.TOOL_CHANGES)
class ChangedToolParam(TypedDict):
    """A tool of the request, by its name."""

    type: Literal["tool_reference"]
    name: str


@documented(pages.MCP, since="2026-07-01", beta=betas.TOOL_CHANGES)
class ChangedMcpToolParam(TypedDict):
    """A tool of an MCP server, by its name."""

    type: Literal["mcp_tool_reference"]
    server_name: str
    name: str


@documented(pages.MCP, since="2026-07-01", beta=betas.TOOL_CHANGES)
class ChangedMcpToolsetParam(TypedDict):
    """All tools of an MCP server."""

    type: Literal["mcp_toolset_reference"]
    server_name: str


@documented(pages.DEFINE_TOOLS, since="2026-09-15", beta=betas.INLINE_TOOLS)
class ChangedToolDefinitionParam(TypedDict):
    """A tool that is declared here, in the middle of the conversation."""

    type: Literal["tool_definition"]
    definition: ToolDefinition


RemovedTool: TypeAlias = Annotated[ChangedToolParam | ChangedMcpToolParam | ChangedMcpToolsetParam, ByType()]
AddedTool: TypeAlias = Annotated[
    ChangedToolParam | ChangedMcpToolParam | ChangedMcpToolsetParam | ChangedToolDefinitionParam, ByType()
]
