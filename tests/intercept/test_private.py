"""The private names that we touch are there, in the versions they are said to be of and in the installed ones."""

from __future__ import annotations

import gzip
from importlib.metadata import version

import httpx
import httpx2
import pytest

from pytest_messages.intercept import private

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)


@LIBRARIES
def test_every_client_finds_its_transport_in_one_method(library: object) -> None:
    for kind in ("Client", "AsyncClient"):
        client = getattr(library, kind)()
        assert getattr(client, private.TRANSPORT_OF)(client.base_url) is client._transport, version(library.__name__)  # type: ignore[attr-defined]


@LIBRARIES
def test_a_response_lends_its_decoder(library: object) -> None:
    response = library.Response(200, headers={"content-encoding": "gzip"})  # type: ignore[attr-defined]
    decoded = private.content_decoder(response).decode(gzip.compress(b"grey"))
    assert (decoded if isinstance(decoded, bytes) else b"".join(decoded)) == b"grey"
