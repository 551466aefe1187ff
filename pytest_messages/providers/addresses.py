"""The host in a URL, as profiles spell it."""

from __future__ import annotations

from urllib.parse import urlsplit


def host_of(url: str) -> str:
    """Return the host of ``url``, with its port where it names one."""
    """Return the host of ``url`` in lower case, with its port where one is written."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def name_of(host: str) -> str:
    """Return the host without its port; the brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine."""
    name = name_of(host)
    return name in {"localhost", "[::1]"} or name.startswith("127.")
