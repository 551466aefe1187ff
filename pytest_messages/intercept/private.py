"""Every private name of a library that this package touches, once, and the version it was seen in.

A private name may go with any release. Held in one place, and each by a test that looks it up in the installed library,
a new release that takes one away fails there, by name, and not in the middle of somebody's recording.
"""

from __future__ import annotations

from typing import Any

TRANSPORT_OF = "_transport_for_url"
"""``Client`` and ``AsyncClient`` of httpx 0.28.1 and httpx2 2.16.2: the one method that custom transports, mounts and
redirects all pass."""

DECODER_OF = "_get_content_decoder"
"""``Response`` of httpx 0.28.1 and httpx2 2.16.2: the client's own decoder of content codings."""


def content_decoder(response: Any) -> Any:
    """Return a fresh decoder for the body of a response of httpx or httpx2."""
    return getattr(response, DECODER_OF)()
