"""The sandbox on a socket: dialects by path, keys, sessions, and the sending of what was decided."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from pytest_messages.errors import SettingsError
from pytest_messages.providers import Provider, provider_named
from pytest_messages.sandbox import scenario
from pytest_messages.sandbox.handles import HANDLES
from pytest_messages.sandbox.scenario import End, Scenario
from pytest_messages.sandbox.service import Service
from pytest_messages.wire import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from starlette.requests import Request as Incoming
    from starlette.types import Receive, Scope, Send

    from pytest_messages.sandbox.recordings import Recordings

_DIALECTS = ("anthropic", "shuyou", "compatible")
"""Dialects that the index names; every built-in profile has a path of its name, Shinzo the documented one."""


class Sandbox:
    """A running sandbox: where it listens, which keys it takes, what it has seen.

    ``url`` is the base URL to give to an SDK for the provider the sandbox speaks as, `url_for` that of any dialect.
    """

    def __init__(self, service: Service, address: str) -> None:
        self._service = service
        self._address = address
        self.provider = service.provider

    @property
    def url(self) -> str:
        """The base URL for an SDK."""
        return self.url_for(self.provider.name)

    def url_for(self, name: str) -> str:
        """Return the base URL at which the sandbox speaks as the provider called ``name``."""
        return self._address + self._service.prefix_of(name)

    @property
    def key(self) -> str:
        """The key that the sandbox accepts; obviously fake."""
        return self.key_for(self.provider.name)

    def key_for(self, name: str) -> str:
        """Return the key that the dialect called ``name`` accepts."""
        return self._service.keys.of(name)

    @property
    def jwt(self) -> str:
        """A token that Shinzo's dialect accepts in ``Authorization`` in place of a key."""
        return self._service.keys.jwt

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables with which clients and fixtures call this sandbox."""
        return self.environ_for(self.provider.name)

    def environ_for(self, name: str) -> dict[str, str]:
        """As `environ`, for the dialect called ``name``."""
        provider = self._service.speaking(name)
        passed = {each.variable: self.key_for("anthropic") for each in provider.pass_through}
        keys = {each.variable: self.key_for(name) for each in provider.credentials}
        return {**passed, **keys, provider.base_url_env: self.url_for(name)}

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request seen so far, in order of arrival."""
        return tuple(self._service.requests)

    @property
    def unmatched(self) -> tuple[str, ...]:
        """What no recording answered so far, a line each."""
        return tuple(map(str, self._service.unmatched))

    @property
    def sessions(self) -> Mapping[str, dict[str, Any]]:
        """Shinzo's sessions by id: how many requests, how many tokens in and out."""
        return self._service.sessions


@contextmanager
def serve(  # noqa: PLR0913 - each is a choice of its own, all by name
    *,
    provider: str | Provider = "anthropic",
    host: str = "127.0.0.1",
    port: int = 0,
    keys: tuple[str, ...] = (),
    stored_key: bool = True,
    recordings: Recordings | None = None,
    ignore: Sequence[str] = (),
    unmatched: Literal["refuse", "answer"] = "refuse",
    pace: float = 1,
    keep_alive: float | None = None,
) -> Iterator[Sandbox]:
    """Run a sandbox in a thread while the block lasts.

    ``provider`` answers at the root, every dialect at a path of its own. ``keys`` are accepted beside the sandbox's
    own; ``stored_key`` says whether Shinzo's dialect holds a key for the provider behind it. ``recordings`` (a folder
    of cassettes, a cassette, or interactions) are served byte for byte to requests that equal theirs as replay compares
    them (``ignore`` as in the setting), their recorded times multiplied by ``pace``. A request that equals none is
    refused with status 400, and noted down in `Sandbox.unmatched`; with ``unmatched="answer"`` the sandbox makes up an
    answer of its own. ``keep_alive`` overrides the seconds between keep-alive comments. Raises
    `SettingsError` where the address is taken or a name is unknown.
    """
    spoken = provider_named(provider) if isinstance(provider, str) else provider
    service = Service(
        spoken,
        extra_keys=keys,
        stored_key=stored_key,
        recordings=recordings,
        ignore=ignore,
        unmatched=unmatched,
        pace=pace,
    )
    listening = _listen(host, port)
    server = _Server(_app(service, keep_alive), listening)
    server.start()
    try:
        yield Sandbox(service, f"http://{host}:{listening.getsockname()[1]}")
    finally:
        server.stop()


def run(ready: Callable[[Sandbox], None], **choices: Any) -> tuple[str, ...]:
    """Run a sandbox until the user interrupts it; ``ready`` is told when it listens. Choices are those of `serve`.

    Returns what no recording answered.
    """
    with serve(**choices) as sandbox:
        with suppress(KeyboardInterrupt):
            ready(sandbox)
            threading.Event().wait()
        return sandbox.unmatched


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only for sockets that say TCP; with it, every answer takes 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise SettingsError(f"the sandbox cannot listen on {host}:{port}: {error.strerror}") from error
    return listening


# --- pages ------------------------------------------------------------------------------------------------------------


def _app(service: Service, keep_alive: float | None) -> Starlette:
    async def sessions(_: Incoming) -> Response:
        found = [{"session_id": name, **counts} for name, counts in service.sessions.items()]
        return JSONResponse({"sessions": found, "total": len(found)})

    async def handles(_: Incoming) -> Response:
        return JSONResponse([{"handle": f"sandbox: {each.form}", "help": each.help} for each in HANDLES])

    async def index(_: Incoming) -> Response:
        paths = {name: service.prefix_of(name) or "/" for name in (service.provider.name, "shinzo", *_DIALECTS)}
        return JSONResponse({"sandbox": "pytest-messages", "dialects": paths, "handles": "/sandbox/handles"})

    async def api(incoming: Incoming) -> Response:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in incoming.headers.raw)
        request = Request(incoming.method, str(incoming.url), headers, await incoming.body())
        provider, plan = service.answer(request)
        return _Sending(plan, provider, keep_alive)

    anything = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return Starlette(
        routes=[
            Route("/sandbox/sessions", sessions),
            Route("/sandbox/handles", handles),
            Route("/", index, methods=["GET", "HEAD"]),
            Route("/{path:path}", api, methods=anything),
        ]
    )


# --- sending ----------------------------------------------------------------------------------------------------------


class _Sending(Response):
    """An answer that is sent as its plan says."""

    def __init__(self, plan: Scenario, provider: Provider, keep_alive: float | None) -> None:
        super().__init__()
        self._plan = plan
        comments = plan.length is None and ("content-encoding", "gzip") not in plan.headers
        self._comment = scenario.keep_alive(provider) if provider.habits.keep_alive and comments else b""
        self._interval = keep_alive or provider.habits.keep_alive_seconds or math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with suppress(_ClientGoneError):
                await self._send(scope, receive, send)
        finally:
            if self._plan.turn is not None:
                self._plan.turn.give_up()

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        plan = self._plan
        await _listen_for(receive, plan.wait)
        if plan.status:
            await send({"type": "http.response.start", "status": plan.status, "headers": _raw(plan)})
        for number, piece in enumerate(plan.pieces, 1):
            await self._pause(receive, send, piece.wait)
            # Even where there is nothing to wait for: a client that has gone is noticed between two pieces.
            await asyncio.sleep(0)
            if plan.turn is not None and plan.message is not None and number == len(plan.pieces):
                # Before the client has it, who may go on with the thread at once.
                plan.turn.deliver(plan.message)
            await send({"type": "http.response.body", "body": piece.data, "more_body": True})
        if plan.end is End.COMPLETE:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if plan.end is not End.STALL:
            scope["app"].state.hang_up(scope["client"], plan.end)
        await self._pause(receive, send, math.inf)

    async def _pause(self, receive: Receive, send: Send, seconds: float) -> None:
        """Wait; a stream that is silent for long gets its comments meanwhile."""
        step = self._interval if self._comment else math.inf
        while seconds > step:
            await _listen_for(receive, step)
            await send({"type": "http.response.body", "body": self._comment, "more_body": True})
            seconds -= step
        await _listen_for(receive, seconds)


class _ClientGoneError(Exception):
    """The client has closed its connection, or we have: there is nobody to send to."""


async def _listen_for(receive: Receive, seconds: float) -> None:
    """Wait for so many seconds; raises `_ClientGoneError` as soon as the client goes away."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(receive(), None if seconds == math.inf else seconds)
            raise _ClientGoneError


def _raw(plan: Scenario) -> list[tuple[bytes, bytes]]:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in plan.headers]
    return headers if plan.length is None else [*headers, (b"content-length", str(plan.length).encode())]


# --- the socket -------------------------------------------------------------------------------------------------------


class _Server(uvicorn.Server):
    """uvicorn in a thread: told when to stop instead of asking ten times a second, and quick about it."""

    def __init__(self, app: Starlette, listening: socket.socket) -> None:
        self._listening = listening
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, name="messages-sandbox", daemon=True)
        app.state.hang_up = self._hang_up
        config = uvicorn.Config(
            app,
            http=_protocol(self._transports),
            ws="none",
            loop="asyncio",
            lifespan="off",
            # The host's own logging is left as it is.
            log_config=None,
            log_level=None,
            date_header=False,
            server_header=False,
        )
        super().__init__(config)

    def start(self) -> None:
        """Return when the sandbox accepts connections."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Close every connection and return when the thread has ended."""
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    def _work(self) -> None:
        self.run(sockets=[self._listening])

    async def main_loop(self) -> None:
        """Serve until `stop`."""
        await self.on_tick(0)
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        self._ready.set()
        await self._done.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening and hang up on everybody: clients that wait for a stalled answer would wait for ever."""
        for server in self.servers:
            server.close()
        for each in sockets or ():
            each.close()
        for transport in list(self._transports.values()):
            transport.abort()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)

    def _hang_up(self, client: tuple[str, int], end: End) -> None:
        transport = self._transports[client]
        if end is End.DROP:
            transport.close()
            return
        # With no time to linger, closing sends a reset.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


def _protocol(transports: dict[tuple[str, int], asyncio.Transport]) -> type[H11Protocol]:
    """Make the protocol of one server: uvicorn's, which also enters its connections into ``transports``."""

    class Protocol(H11Protocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.access_log = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
            transports[transport.get_extra_info("peername")[:2]] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            transports.pop(self.client or ("", 0), None)
            super().connection_lost(exc)

    return Protocol
