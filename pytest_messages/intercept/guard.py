"""A call that no transport saw must not go out: resolving and connecting are watched while a session is open.

Where the session may not forward, resolving or connecting to a Messages host is refused, whoever asks: a client with
sockets of its own, ``http.client`` connected by hand, an asyncio stream, in any thread. Where it may forward, a
connection that none of our transports makes is let through and noted with the session.

The functions of ``socket`` are replaced while a session is open and put back afterwards. An audit hook would also see
references to these functions that were taken before, but it can never be removed: every audited event of the process,
each import, ``open`` and ``id``, would pay for it for good. One that only compares the event's name makes ``id`` ten
times slower and doubles what ``copy.deepcopy`` takes, in every test that runs after the first replay.

On loopback every name of this machine is one: the port decides.

Not covered: sockets opened by C code (uvloop, pycurl, gRPC) or by ``_socket`` itself, a reference to ``connect`` that
was taken before the session, a class that overrides it, sockets that were connected before, UNIX sockets, other
processes, a plain proxy (nothing but its own host is connected to), a module that kept a reference of its own to
``getaddrinfo`` and connects to the address it got, and addresses given to the Windows proactor loop as they are.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import sys
from typing import TYPE_CHECKING, Any

from pytest_messages.intercept import common

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_messages.session.session import Session

_PLUMBING = {"pytest_messages", "anyio", "httpcore", "httpcore2", "aiohappyeyeballs"}
"""Packages between a client and the network, beside the standard library, that do not answer who called."""


class Guard:
    """Watch resolving and connecting for the session that ``innermost`` names."""

    def __init__(self, innermost: Callable[[], Session | None]) -> None:
        self._innermost = innermost
        self._undo: list[Callable[[], None]] = []
        self._names: dict[str, str] = {}
        """The guarded host that an address was last resolved from."""
        self._vouched: list[object] = []
        """Hosts that a task was allowed to resolve, in a thread that does not know the task."""

    def attach(self) -> None:
        """Watch; idempotent."""
        if not self._undo:
            self._replace(socket, "getaddrinfo", self._getaddrinfo)
            self._replace(socket, "gethostbyname", self._gethostbyname)
            self._replace(socket, "gethostbyname_ex", self._gethostbyname)
            self._replace(asyncio.BaseEventLoop, "getaddrinfo", self._loop_getaddrinfo)
            self._replace(socket.socket, "connect", self._connect)
            self._replace(socket.socket, "connect_ex", self._connect)

    def detach(self) -> None:
        """Put back what was there."""
        while self._undo:
            self._undo.pop()()

    def _replace(self, owner: Any, name: str, door: Callable[..., Any]) -> None:
        inherited, original = name not in vars(owner), getattr(owner, name)

        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            return door(original, *args, **kwargs)

        def undo() -> None:
            if vars(owner).get(name) is not watched:
                return  # somebody replaced it after us: let theirs be, ours is asleep
            if inherited:
                delattr(owner, name)
            else:
                setattr(owner, name, original)

        setattr(owner, name, watched)
        self._undo.append(undo)

    # The doors

    def _getaddrinfo(self, original: Any, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        guarded = self._check_name(host, port)
        found = original(host, port, *args, **kwargs)
        if guarded or self._names:
            self._remember((each[4][0] for each in found), host if guarded else None)
        return found

    def _gethostbyname(self, original: Any, host: Any) -> Any:
        guarded = self._check_name(host, None)
        found = original(host)
        if guarded or self._names:
            self._remember([found] if isinstance(found, str) else found[2], host if guarded else None)
        return found

    async def _loop_getaddrinfo(self, original: Any, loop: Any, host: Any, port: Any, **kwargs: Any) -> Any:
        self._check_name(host, port)
        self._vouched.append(host)
        try:
            return await original(loop, host, port, **kwargs)
        finally:
            self._vouched.remove(host)

    def _connect(self, original: Any, connecting: Any, address: Any) -> Any:
        session = self._innermost()
        if session is not None and isinstance(address, tuple) and not common.is_ours():
            host, port = _text(address[0]), address[1]
            name = self._names.get(host)
            if session.scope.guards(host, port) or (name and session.scope.guards(name, port)):
                self._unseen(session, name or host, port)
        return original(connecting, address)

    # Judging

    def _check_name(self, host: Any, port: Any) -> bool:
        """Tell whether ``host`` is guarded; refuse where nothing may go out."""
        session = self._innermost()
        if session is None or not host:
            return False
        name, number = _text(host), _number(port)
        if not session.scope.guards(name, number):
            return False
        if not session.may_forward and not common.is_ours() and host not in self._vouched:
            self._unseen(session, name, number)
        return True

    def _remember(self, addresses: Any, host: Any) -> None:
        """Keep what the addresses stand for; one that another host was resolved to since stands for that one."""
        for address in addresses:
            if host is not None:
                self._names[address] = _text(host)
            else:
                self._names.pop(address, None)

    def _unseen(self, session: Session, host: str, port: int | None) -> None:
        url = f"{host}:{port}" if port is not None else host
        error = session.unrecordable(url, host=host, library=_caller())
        if session.may_forward:
            session.passed_by(error)
            return
        # Whoever tries all addresses of a host, or tries again, is told again and counted once.
        session.refuse(error, once=host)


def _text(host: Any) -> str:
    name = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else str(host)
    return name.rstrip(".").lower()


def _number(port: Any) -> int | None:
    """Return a port that is given as a number or its digits; the names of services matter on no loopback host."""
    return int(port) if isinstance(port, int) or str(port).isdigit() else None


def _caller() -> str:
    """Name the package that wants to connect: the nearest on the stack that is neither plumbing nor Python's own."""
    own, frame = "", sys._getframe()  # noqa: SLF001 - the documented way to walk a stack without building it
    while frame.f_back is not None:
        frame = frame.f_back
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in _PLUMBING:
            continue
        if package not in sys.stdlib_module_names and package != "__main__":
            return package
        own = own or package
    return own
