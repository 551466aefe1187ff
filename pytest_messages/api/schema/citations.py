"""Where in a document, a search result or the web a text comes from."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints
from typing_extensions import TypedDict

from pytest_messages.api.schema import pages
from pytest_messages.api.schema.base import Count, Reply, Unknown, documented
from pytest_messages.api.schema.unions import ByType

_DocumentTitle: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=255)] | None
_PageNumber = Annotated[int, Field(ge=1)]
_Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
_WebTitle: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=512)] | None


# --- As a request sends them back ----------------------------------------------------------------------------------


@documented(pages.CITATIONS)
class CharLocationParam(TypedDict):
    """Characters of a plain text document; the end is exclusive."""

    type: Literal["char_location"]
    cited_text: str
    document_index: Count
    document_title: _DocumentTitle
    start_char_index: Count
    end_char_index: int


@documented(pages.CITATIONS)
class PageLocationParam(TypedDict):
    """Pages of a PDF; the end is exclusive."""

    type: Literal["page_location"]
    cited_text: str
    document_index: Count
    document_title: _DocumentTitle
    start_page_number: _PageNumber
    end_page_number: int


@documented(pages.CITATIONS)
class ContentBlockLocationParam(TypedDict):
    """Blocks of a document given as content; the end is exclusive."""

    type: Literal["content_block_location"]
    cited_text: str
    document_index: Count
    document_title: _DocumentTitle
    start_block_index: Count
    end_block_index: int


@documented(pages.WEB_SEARCH, since="2025-03-05")
class WebSearchResultLocationParam(TypedDict):
    """A page that the web search tool found."""

    type: Literal["web_search_result_location"]
    cited_text: str
    encrypted_index: str
    title: _WebTitle
    url: _Url


@documented(pages.SEARCH_RESULTS)
class SearchResultLocationParam(TypedDict):
    """Blocks of a search result; the end is exclusive."""

    type: Literal["search_result_location"]
    cited_text: str
    search_result_index: Count
    source: str
    title: str | None
    start_block_index: Count
    end_block_index: int


CitationParam: TypeAlias = Annotated[
    CharLocationParam
    | PageLocationParam
    | ContentBlockLocationParam
    | WebSearchResultLocationParam
    | SearchResultLocationParam,
    ByType(),
]


# --- As a reply brings them ----------------------------------------------------------------------------------------


@documented(pages.CITATIONS)
class CharLocation(Reply):
    """Characters of a plain text document; the end is exclusive."""

    type: Literal["char_location"]
    cited_text: str
    document_index: Count
    document_title: str | None = None
    start_char_index: Count
    end_char_index: int
    file_id: str | None = None


@documented(pages.CITATIONS)
class PageLocation(Reply):
    """Pages of a PDF; the end is exclusive."""

    type: Literal["page_location"]
    cited_text: str
    document_index: Count
    document_title: str | None = None
    start_page_number: _PageNumber
    end_page_number: int
    file_id: str | None = None


@documented(pages.CITATIONS)
class ContentBlockLocation(Reply):
    """Blocks of a document given as content; the end is exclusive."""

    type: Literal["content_block_location"]
    cited_text: str
    document_index: Count
    document_title: str | None = None
    start_block_index: Count
    end_block_index: int
    file_id: str | None = None


@documented(pages.WEB_SEARCH, since="2025-03-05")
class WebSearchResultLocation(Reply):
    """A page that the web search tool found."""

    type: Literal["web_search_result_location"]
    cited_text: str
    encrypted_index: str
    title: Annotated[str, StringConstraints(max_length=512)] | None = None
    url: str


@documented(pages.SEARCH_RESULTS)
class SearchResultLocation(Reply):
    """Blocks of a search result; the end is exclusive."""

    type: Literal["search_result_location"]
    cited_text: str
    search_result_index: Count
    source: str
    title: str | None = None
    start_block_index: Count
    end_block_index: int


class UnknownCitation(Unknown):
    """A citation of a kind that the documentation does not list."""


Citation: TypeAlias = Annotated[
    CharLocation
    | PageLocation
    | ContentBlockLocation
    | WebSearchResultLocation
    | SearchResultLocation
    | UnknownCitation,
    ByType(),
]
