"""A call that no transport saw must not go out where the session may not forward, and is noted where it may."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from loopback import PATH, Server, answer, asking, serving
from sessions import errors_of

from pytest_messages import use_cassette
from pytest_messages.errors import NotRecordableError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_messages.session.session import Session

HEADERS = {"x-api-key": "sk-ant-" + "api03-" + "x" * 80, "anthropic-version": "2023-06-01"}
REQUEST = json.dumps(asking("raw")).encode()
RAW = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    PATH.encode(),
    len(REQUEST),
    REQUEST,
)

Address = tuple[str, int]


def by_create_connection(address: Address) -> None:
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(RAW)
        connection.recv(65536)


def by_connect(address: Address) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.connect(address)


def by_connect_ex(address: Address) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.connect_ex(address)


def by_tls(address: Address) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as plain,
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.connect(address)


def by_http_client_connected_by_hand(address: Address) -> None:
    with closing(http.client.HTTPConnection(*address, timeout=5)) as connection:
        connection.connect()


def by_asyncio_streams(address: Address) -> None:
    async def call() -> None:
        _, writer = await asyncio.open_connection(*address)
        writer.close()
        await writer.wait_closed()

    asyncio.run(call())


def by_anyio(address: Address) -> None:
    async def call() -> None:
        async with await anyio.connect_tcp(*address):
            pass

    try:
        asyncio.run(call())
    except BaseExceptionGroup as group:  # anyio connects in a task group
        raise group.exceptions[0] from None


def by_thread(address: Address) -> None:
    raised: list[BaseException] = []

    def call() -> None:
        try:
            by_create_connection(address)
        except BaseException as error:  # noqa: BLE001 - handed to the test's thread
            raised.append(error)

    thread = threading.Thread(target=call, name="a thread of dspy's")
    thread.start()
    thread.join()
    for error in raised:
        raise error


CALLERS: list[Callable[[Address], None]] = [
    by_create_connection,
    by_connect,
    by_connect_ex,
    by_tls,
    by_http_client_connected_by_hand,
    by_asyncio_streams,
    by_anyio,
    by_thread,
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    """A server that is still there when the cassette which was recorded from it is replayed."""
    with serving() as running:
        with use_cassette(path, record="once"):
            # Over plain HTTP: reading the CA bundle would take a tenth of a second.
            httpx.post(running.messages, json=asking("hello"), headers=HEADERS, verify=False)  # noqa: S501
        running.seen.clear()
        running.connections = 0
        yield running


@contextmanager
def replaying(path: Path, **settings: object) -> Iterator[Session]:
    with use_cassette(path, record="none", unplayed="ignore", **settings) as session:
        yield session


# Refused


@pytest.mark.parametrize("call", CALLERS)
def test_a_connection_that_no_transport_makes_is_refused(
    call: Callable[[Address], None], server: Server, path: Path
) -> None:
    with replaying(path), pytest.raises(Refused, match="cannot be recorded") as refused:
        call(server.address)
    error = refused.value.error
    assert isinstance(error, NotRecordableError)
    thread = "a thread of dspy's" if call is by_thread else "MainThread"
    assert (error.host, error.library, error.thread) == ("127.0.0.1", __name__, thread)
    assert server.connections == 0


THIS_MACHINE = ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001"]
THIS_MACHINE += ["0177.0.0.1", "0.0.0.0", "0", "", "127.0.0.2"]  # noqa: S104 - connected to, not listened at


@pytest.mark.parametrize("name", THIS_MACHINE)
def test_this_machine_is_one_by_whatever_name(name: str, server: Server, path: Path) -> None:
    with replaying(path), pytest.raises(Refused, match="cannot be recorded"):
        by_connect((name, server.address[1]))
    assert server.connections == 0


@pytest.mark.parametrize("name", ["::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:0:0:1"])
def test_this_machine_is_one_by_whatever_name_of_ipv6(name: str, server: Server, path: Path) -> None:
    port = server.address[1]
    with socket.socket(socket.AF_INET6) as connection, replaying(path), pytest.raises(Refused):
        connection.connect((name, port, 0, 0))
    with replaying(path), pytest.raises(Refused):
        socket.create_connection((name, port), timeout=5)
    assert server.connections == 0


def test_a_loop_that_connects_a_socket_by_another_name_is_refused(server: Server, path: Path) -> None:
    async def call() -> None:
        with socket.socket() as connection:
            connection.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.2", server.address[1]))

    with replaying(path), pytest.raises(Refused):
        asyncio.run(call())
    assert server.connections == 0


def test_every_name_is_taken_out_with_one(server: Server, path: Path) -> None:
    with replaying(path, hosts=[f"-127.0.0.1:{server.address[1]}"]):
        by_connect(("127.1", server.address[1]))
    # The connection stands before the server's thread has counted it.
    until = time.monotonic() + 10
    while server.connections == 0 and time.monotonic() < until:
        time.sleep(0.005)
    assert server.connections == 1


def test_the_explanation_names_the_call_and_what_to_do(server: Server, path: Path) -> None:
    with replaying(path), pytest.raises(Refused) as refused:
        by_connect(server.address)
    text = str(refused.value)
    assert f"127.0.0.1:{server.address[1]}" in text
    assert "messages_hosts = -127.0.0.1" in text


HOSTS = ["api.anthropic.com", "API.Anthropic.COM.", b"api.anthropic.com"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("name", "rest"), [("getaddrinfo", (443,)), ("gethostbyname", ())])
def test_resolving_the_host_of_a_provider_is_refused(name: str, rest: Any, host: Any, path: Path) -> None:
    with replaying(path), pytest.raises(Refused) as refused:
        getattr(socket, name)(host, *rest)
    assert isinstance(refused.value.error, NotRecordableError)
    assert refused.value.error.host == "api.anthropic.com"


def test_resolving_in_an_event_loop_is_refused_in_the_task_that_asks(path: Path) -> None:
    async def call() -> None:
        await asyncio.get_running_loop().getaddrinfo("api.anthropic.com", "443")

    with replaying(path), pytest.raises(Refused) as refused:
        asyncio.run(call())
    assert isinstance(refused.value.error, NotRecordableError)
    assert refused.value.error.thread == "MainThread"


def test_an_address_that_was_resolved_from_a_guarded_host_is_refused(server: Server, path: Path) -> None:
    _, port = server.address
    named = f"localhost:{port}"
    with use_cassette(path.with_stem("other"), record="once", hosts=[named], empty="ignore"):
        assert socket.gethostbyname("localhost") == "127.0.0.1"
        addresses = {each[4][0] for each in socket.getaddrinfo("localhost", port)}
    assert "127.0.0.1" in addresses
    with serving() as elsewhere, replaying(path.with_stem("none"), hosts=[f"localhost:{elsewhere.address[1]}"]):
        by_connect(server.address)  # another port of the address: not guarded
        with pytest.raises(Refused) as refused:
            by_connect(elsewhere.address)
    assert isinstance(refused.value.error, NotRecordableError)
    assert refused.value.error.host == "localhost"


def test_trying_again_is_told_again_and_counted_once(server: Server, path: Path) -> None:
    with replaying(path) as session:
        for _ in range(3):
            with suppress(BaseException):  # as a client that swallows everything does
                by_connect(server.address)
        assert len(session.verdict.problems) == 1
        with pytest.raises(Refused):
            by_connect(server.address)
        assert len(session.verdict.problems) == 1
        with pytest.raises(Refused):
            by_connect(server.address)
        assert len(session.verdict.problems) == 2


def test_a_raw_client_fails_its_test_at_once_and_once(server: Server, path: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        client=f"""
        import socket
        def call():
            socket.create_connection({server.address!r}, timeout=5)
        def call_and_swallow():
            for _ in range(3):
                try:
                    call()
                except BaseException:
                    pass
        """,
        test_raw=f"""
        import pytest, client
        @pytest.mark.messages(record="none", hosts=["{server.netloc}"])
        def test_raw():
            client.call()
        @pytest.mark.messages(record="none", hosts=["{server.netloc}"], empty="ignore")
        def test_swallowing():
            client.call_and_swallow()
        """,
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*library client, thread MainThread*"])
    assert server.connections == 0


# Let through


def test_other_hosts_ports_and_kinds_of_socket_pass(server: Server, path: Path, tmp_path: Path) -> None:
    with serving() as elsewhere, replaying(path) as session:
        by_create_connection(elsewhere.address)
        by_asyncio_streams(elsewhere.address)
        socket.getaddrinfo("localhost", "http")
        socket.getaddrinfo(None, 0)
        with socket.socket(socket.AF_UNIX) as connection, pytest.raises(FileNotFoundError):
            connection.connect(str(tmp_path / "nobody.sock"))
        with socket.socket() as connection:
            assert connection.connect_ex(elsewhere.address) == 0
    assert session.verdict.problems == ()


def test_a_host_that_was_taken_out_passes(server: Server, path: Path) -> None:
    with replaying(path, hosts=["-127.0.0.1"]):
        by_create_connection(server.address)
    assert len(server.seen) == 1


def test_where_the_session_may_forward_an_unseen_connection_is_noted(server: Server, path: Path) -> None:
    with use_cassette(path, record="new_episodes", unplayed="ignore", hosts=[server.netloc]) as session:
        for call in CALLERS[:2]:
            call(server.address)
        noted = errors_of(session)
    assert [(type(error), error.host) for error in noted] == [(NotRecordableError, "127.0.0.1")] * 2


async def by_httpx(url: str) -> Any:
    async with httpx.AsyncClient() as client:
        return (await client.post(url, json=asking("hello"), headers=HEADERS)).json()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_our_own_transports_send_is_neither_refused_nor_noted(kind: str, path: Path) -> None:
    with serving() as server:
        named = server.messages.replace("127.0.0.1", "localhost")
        with use_cassette(path, record="once", hosts=[f"localhost:{server.address[1]}"]) as session:
            if kind == "async":
                got = asyncio.run(by_httpx(named))
            else:
                got = httpx.post(named, json=asking("hello"), headers=HEADERS).json()
            noted = errors_of(session)
    assert (got, noted) == (answer("hello"), [])


def test_a_task_that_may_forward_resolves_beside_one_that_may_not(server: Server, path: Path) -> None:
    hosts = [f"localhost:{server.address[1]}"]
    both_open, answered = asyncio.Event(), asyncio.Event()

    async def recorded() -> Any:
        with use_cassette(path.with_stem("new"), record="once", hosts=hosts):
            await both_open.wait()
            got = await by_httpx(server.messages.replace("127.0.0.1", "localhost"))
            answered.set()
            return got

    async def replayed() -> None:
        await asyncio.sleep(0)
        with replaying(path, hosts=hosts):
            both_open.set()
            await answered.wait()

    async def both() -> Any:
        return (await asyncio.gather(recorded(), replayed()))[0]

    assert asyncio.run(asyncio.wait_for(both(), 5)) == answer("hello")


def test_without_a_session_nothing_is_watched(server: Server, path: Path) -> None:
    watched = [(socket, "getaddrinfo"), (socket, "gethostbyname"), (asyncio.BaseEventLoop, "getaddrinfo")]
    before = [vars(owner)[name] for owner, name in watched]
    with replaying(path):
        assert {"connect", "connect_ex"} <= set(vars(socket.socket))
        assert all(vars(owner)[name] is not one for (owner, name), one in zip(watched, before, strict=True))
    assert [vars(owner)[name] for owner, name in watched] == before
    assert not {"connect", "connect_ex"} & set(vars(socket.socket))
    by_create_connection(server.address)


def test_a_wrapper_that_somebody_put_around_a_door_stays(
    server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with replaying(path):
        inner = socket.getaddrinfo

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return inner(*args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", wrapper)
    assert socket.getaddrinfo is wrapper
    by_create_connection(server.address)
