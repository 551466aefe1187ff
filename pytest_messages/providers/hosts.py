"""The host in a URL, as profiles spell it."""

from __future__ import annotations

import ipaddress
import socket
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


@lru_cache(maxsize=1024)
def reaches_loopback(name: str) -> bool:
    """Tell whether connecting to ``name``, as a socket reads it, ends at this machine: more spellings than URLs have.

    Any address (``0.0.0.0``, ``::``, nothing) is this machine, and so are 127.0.0.1 inside IPv6 and the forms that
    C has always taken: ``127.1``, ``2130706433``, ``0x7f.1``.
    """
    bare = name.strip("[]")
    if not bare or is_loopback(name):
        return True
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(bare))
        except OSError:
            return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)
