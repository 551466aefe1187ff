"""The host in a URL, as profiles spell it."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit


def host_of(url: str) -> str:
    """Return the host of ``url`` in lower case, with its port where one is written."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def name_of(host: str) -> str:
    """Return the host without its port; the brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


@lru_cache(maxsize=1024)
def is_loopback(name: str) -> bool:
    """Tell whether a host, given without its port, is this machine."""
    # https://www.rfc-editor.org/rfc/rfc6761#section-6.3
    if name.lower() in {"localhost", "localhost."} or name.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
