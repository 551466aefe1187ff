"""HTTP clients other than httpx and httpx2, recorded whole and replayed through VCR.py's stubs.

A client is watched at one door, and only a Messages call that comes through it meets VCR.py, which is imported then:

    urllib3       ``HTTPConnectionPool.urlopen``    also requests and botocore, which all go through it
    http.client   ``HTTPConnection.putrequest``     also urllib.request, and every class derived from it
    aiohttp       ``ClientSession._request``

Every other call stays in its own client's code, unbuffered, so that another VCR.py cassette, responses or the like can
serve it; it pays one look at its URL. VCR.py's own patchers replace classes in the whole process, buffer every call,
and take all patches off, in sight of other threads, while one call passes; so of VCR.py we use the stub connections and
responses and aiohttp's request function, behind doors of ours.

A call that one of our transports sends is passed on: a layered client is one interaction, of its outermost layer.

What is lost: while recording, such a client is handed the whole body at once, so it sees no live stream. A body that
breaks off is recorded as far as it came, and the exception reaches the client where it reads as far. An ``http.client``
connection that is connected by hand reaches the network before its request is known: see
`pytest_messages.intercept.guard`.
"""

from __future__ import annotations

import functools
import http.client
import importlib
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

import wrapt

from pytest_messages.intercept import common, private
from pytest_messages.session.scope import Ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from pytest_messages.session.session import Session

LIBRARIES = ("urllib3", "aiohttp")
"""What is watched once it is loaded; ``http.client`` always is."""

_ABOVE = {"urllib3": ("requests", "botocore")}
"""Which libraries may stand above another, and own the call then."""


class Patchers:
    """The doors of this process, which ask the session that ``innermost`` names.

    ``seen`` names the libraries that had a stream recorded whole, for the summary: their clients saw none live.
    """

    def __init__(self, innermost: Callable[[], Session | None]) -> None:
        self.seen: set[str] = set()
        self._innermost = innermost
        self._undo: dict[str, Callable[[], None]] = {}
        self._stand_ins: dict[Any, Any] = {}
        self._lock = threading.Lock()
        self._attached = False
        for name in LIBRARIES:
            wrapt.register_post_import_hook(self.library_loaded, name)

    def attach(self) -> None:
        """Watch what is loaded, and what will be; idempotent."""
        with self._lock:
            self._attached = True
            self._watch("http.client", http.client.HTTPConnection, "putrequest", self._putrequest)
            for name in LIBRARIES:
                # A module is in sys.modules before it is whole: `library_loaded` comes when it is.
                if (library := sys.modules.get(name)) is not None:
                    self._watch_library(library)

    def library_loaded(self, library: ModuleType) -> None:
        """Take care of a library that was imported while a session is open."""
        with self._lock:
            if self._attached:
                self._watch_library(library)

    def detach(self) -> None:
        """Leave every client as it was."""
        with self._lock:
            self._attached = False
            while self._undo:
                self._undo.popitem()[1]()

    def release(self) -> None:
        """Close the connections that were made for calls of ours: at the end of every session, for none is reused."""
        with self._lock:
            while self._stand_ins:
                self._stand_ins.popitem()[1].close()

    def hooked(self) -> tuple[str, ...]:
        """Name the libraries that are watched now."""
        return tuple(self._undo)

    def session_for(
        self, url: str, library: str, method: str, headers: Iterable[tuple[str, str]] | None
    ) -> Session | None:
        """Return the session that takes a call to ``url``; None where none does, or one above it has.

        ``headers`` are None where they are not known yet: then the session is one that may take it.
        """
        session = self._innermost()
        if session is None or common.is_ours():
            return None
        scope = session.scope
        ours = scope.may_be(url) if headers is None else scope.of_call(url, headers, method)
        if ours is Ours.CLOUD:
            common.pass_by(session, url, host=url.split("/")[2], library=owner_of(library))
        return session if ours is Ours.YES else None

    def _watch_library(self, library: ModuleType) -> None:
        if library.__name__ == "urllib3" and hasattr(library, "HTTPConnectionPool"):
            self._watch("urllib3", library.HTTPConnectionPool, "urlopen", self._urlopen)
        if library.__name__ == "aiohttp" and hasattr(library, "ClientSession"):
            self._watch("aiohttp", library.ClientSession, "_request", self._request)

    def _watch(self, name: str, owner: Any, method: str, door: Callable[..., Any]) -> None:
        if name in self._undo:
            return
        original = getattr(owner, method)

        @functools.wraps(original)
        def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
            return door(original, self, *args, **kwargs)

        def undo() -> None:
            if vars(owner)[method] is watched:  # else somebody wrapped it: let theirs be, ours is asleep
                setattr(owner, method, original)

        setattr(owner, method, watched)
        self._undo[name] = undo

    # The doors

    def _urlopen(self, original: Any, pool: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        headers = kwargs.get("headers", args[1] if len(args) > 1 else None) or pool.headers
        full = absolute(pool.scheme, pool.host, pool.port, url)
        session = self.session_for(full, "urllib3", method, _pairs(headers))
        if session is not None and pool.pool is not None:
            return original(self._stand_in(pool), method, url, *args, **kwargs)
        with common.sending():  # what has been judged here is not judged again by http.client's door
            return original(getattr(pool, "stands_in_for", pool), method, url, *args, **kwargs)

    def _stand_in(self, pool: Any) -> Any:
        """Return a pool like ``pool`` whose connections are stubs of VCR.py's."""
        if hasattr(pool, "stands_in_for"):
            return pool
        pools = _with_vcr("urllib3")
        with self._lock:
            if pool not in self._stand_ins:
                self._stand_ins[pool] = pools.stand_in(pool, self)
            return self._stand_ins[pool]

    def _putrequest(self, original: Any, connection: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        scheme = "https" if connection.default_port == http.client.HTTPS_PORT else "http"
        host, port = private.peer(connection)
        session = self.session_for(absolute(scheme, host, port, url), "http.client", method, None)
        if session is None:
            with common.sending():  # it connects later, where nobody knows what it was judged to be
                self._connected(connection, host, port)
            return original(connection, method, url, *args, **kwargs)
        urllib3 = sys.modules.get("urllib3.connection")
        own = urllib3 is not None and isinstance(connection, urllib3.HTTPConnection)
        return _with_vcr("urllib3" if own else "http_client").turn(connection, self).putrequest(method, url)

    def _connected(self, connection: Any, host: str, port: int) -> None:
        session = self._innermost()
        refuses = session is not None and not session.may_forward and session.scope.guards(host, port)
        if refuses and connection.sock is None and connection.auto_open:
            connection.connect()

    async def _request(self, original: Any, client: Any, method: str, url: Any, **kwargs: Any) -> Any:
        full = private.full_url(client, url)
        headers = [*_pairs(client.headers), *_pairs(kwargs.get("headers"))]
        session = self.session_for(full, "aiohttp", method, headers)
        if session is None:
            with common.sending():
                return await original(client, method, url, **kwargs)
        return await _with_vcr("aiohttp").request(original, client, method, full, session, self.seen, **kwargs)


def _pairs(headers: Any) -> list[tuple[str, str]]:
    """Return headers, in whichever form a client takes them, as pairs of text."""
    items = headers.items() if hasattr(headers, "items") else headers or ()
    return [(_text(name), _text(value)) for name, value in items]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def absolute(scheme: str, host: str, port: int | None, url: str) -> str:
    """Return the URL of a request on a connection; one to a proxy is absolute as it is."""
    if "://" in url.partition("?")[0]:
        return url
    url = url if url.startswith("/") else f"/{url}"  # urllib.request leaves out the path where its URL has none
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{scheme}://{name}:{port}{url}" if port else f"{scheme}://{name}{url}"


def owner_of(library: str) -> str:
    """Name the outermost layer of the running call of ``library``."""
    frame = sys._getframe()  # noqa: SLF001 - the documented way to walk a stack without building it
    above = _ABOVE.get(library, ())
    while above and frame.f_back is not None:
        frame = frame.f_back
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package in above:
            return str(package)
    return library


def _with_vcr(name: str) -> Any:
    """Return a module of this package that imports VCR.py; what that warns about is not the test's doing."""
    full = f"{__package__}.{name}"
    if full in sys.modules:
        return importlib.import_module(full)  # which waits until it is whole
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(full)
