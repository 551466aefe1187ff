"""The typed client: what it sends, what it refuses to send, and what it makes of answers."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

import httpx
import pytest

from pytest_messages import use_cassette
from pytest_messages.api import schema
from pytest_messages.client import AsyncMessagesClient, CreateParams, MessagesClient, as_turn
from pytest_messages.client.account import Account
from pytest_messages.errors import (
    ApiError,
    ConformanceError,
    CredentialError,
    NotRecordableError,
    Refused,
    SettingsError,
    StreamError,
    UnsupportedFieldError,
)
from pytest_messages.providers import ANTHROPIC, PROVIDERS, Provider
from pytest_messages.sandbox import Sandbox, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pytest_messages.session.session import Session

MODEL = "claude-sonnet-5"
KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "SHINZO_API_KEY", "SHUYOU_API_KEY")


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with serve() as running:
        yield running


@pytest.fixture(autouse=True)
def environ(server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("shinzo", "shuyou", "anthropic"):
        for variable, value in server.environ_for(name).items():
            monkeypatch.setenv(variable, value)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with use_cassette(tmp_path / "cassette.yaml", record="live", conformance="fail") as opened:
        yield opened


@pytest.fixture
def careless(tmp_path: Path) -> Iterator[Session]:
    """A session for answers that no judge would let pass."""
    with use_cassette(tmp_path / "cassette.yaml", record="live", conformance="ignore") as opened:
        yield opened


class Waiting:
    """The async client for tests that are not: every call has an event loop of its own."""

    def __init__(self, client: AsyncMessagesClient) -> None:
        self.client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def create(self, **params: Any) -> Any:
        return asyncio.run(self.client.create(**params))

    def count_tokens(self, **params: Any) -> Any:
        return asyncio.run(self.client.count_tokens(**params))

    def raw(self, *args: Any, **params: Any) -> Any:
        return asyncio.run(self.client.raw(*args, **params))

    def for_provider(self, provider: str | Provider) -> Waiting:
        return Waiting(self.client.for_provider(provider))

    def streamed(self, events: list[schema.StreamEvent] | None = None, **params: Any) -> schema.Message:
        async def read() -> schema.Message:
            async with self.client.stream(**params) as stream:
                async for event in stream:
                    (events if events is not None else []).append(event)
                return stream.message

        return asyncio.run(read())


class Blocking(MessagesClient):
    """The sync client with the one method more that `Waiting` has."""

    def streamed(self, events: list[schema.StreamEvent] | None = None, **params: Any) -> schema.Message:
        with self.stream(**params) as stream:
            for event in stream:
                (events if events is not None else []).append(event)
            return stream.message


Made: TypeAlias = "Callable[[Session], Any]"


@pytest.fixture(params=["sync", "async"])
def made(request: pytest.FixtureRequest) -> Made:
    """Make a client for a session; both kinds answer to the same calls."""
    return Blocking.of if request.param == "sync" else lambda session: Waiting(AsyncMessagesClient.of(session))


def asked(text: str, **more: Any) -> CreateParams:
    made: dict[str, Any] = {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": text}], **more}
    return cast("CreateParams", made)


def names(events: list[schema.StreamEvent]) -> list[str]:
    return [event.type for event in events]


@contextmanager
def answering(body: bytes, status: int = 200, **headers: str) -> Iterator[str]:
    """Run a server that answers everything with the same bytes; yields its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def sse(*events: Mapping[str, Any] | str) -> bytes:
    """Write a stream; a text is written as it is."""
    written = (each if isinstance(each, str) else f"event: {each['type']}\ndata: {json.dumps(each)}" for each in events)
    return "".join(f"{each}\n\n" for each in written).encode()


MESSAGE: dict[str, Any] = {
    "id": "msg_01",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
BEGIN = (
    {"type": "message_start", "message": MESSAGE},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "A"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "B"}},
    {"type": "content_block_stop", "index": 0},
)
END = (
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 2},
    },
    {"type": "message_stop"},
)


# What comes back


def test_create_returns_a_typed_message(made: Made, session: Session) -> None:
    with made(session) as client:
        message = client.create(**asked("Hello"))
    assert message == session.calls[0].message
    assert [type(block) for block in message.content] == [schema.TextBlock]
    assert message.stop_reason == "end_turn"


def test_a_stream_yields_typed_events_and_adds_up_to_the_same_message(made: Made, session: Session) -> None:
    events: list[schema.StreamEvent] = []
    with made(session) as client:
        whole = client.create(**asked("Hello"))
        message = client.streamed(events, **asked("Hello"))
    assert tuple(events) == session.calls[1].events
    assert names(events)[:2] == ["message_start", "content_block_start"]
    assert names(events)[-2:] == ["message_delta", "message_stop"]
    assert message == session.calls[1].message
    assert message.content == whole.content


def test_count_tokens_returns_the_count(made: Made, session: Session) -> None:
    with made(session) as client:
        counted = client.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hello"}])
    assert counted == schema.TokenCount(input_tokens=4)


def test_a_stream_hands_out_text_as_it_comes_and_as_a_whole(session: Session) -> None:
    with MessagesClient.of(session) as client, client.create(stream=True, **asked("Hello")) as stream:
        pieces = list(stream.text_deltas())
        assert len(pieces) > 1
        assert "".join(pieces) == stream.text == "Hello! How can I help you today?"
        assert stream.response.headers["content-type"].startswith("text/event-stream")


def test_an_async_stream_hands_out_text_as_it_comes_and_as_a_whole(session: Session) -> None:
    async def read() -> tuple[list[str], str]:
        async with AsyncMessagesClient.of(session).create(stream=True, **asked("Hello")) as stream:
            return [piece async for piece in stream.text_deltas()], stream.text

    pieces, text = asyncio.run(read())
    assert len(pieces) > 1
    assert "".join(pieces) == text == "Hello! How can I help you today?"


def test_text_that_a_block_begins_with_is_text_too(careless: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(sse(*BEGIN, *END), content_type="text/event-stream") as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        with MessagesClient.of(careless) as client, client.stream(**asked("Hello")) as stream:
            assert list(stream.text_deltas()) == ["A", "B"]
            assert stream.text == "AB"


def test_events_arrive_while_the_server_still_sends(session: Session) -> None:
    with (
        MessagesClient.of(session) as client,
        client.stream(**asked("sandbox: slow 50ms; say one two three")) as stream,
    ):
        arrived = [time.perf_counter() for _ in stream]
    assert arrived[-1] - arrived[0] > 0.05 * (len(arrived) - 3)


def test_async_events_arrive_while_the_server_still_sends(session: Session) -> None:
    async def read() -> list[float]:
        async with AsyncMessagesClient.of(session).stream(**asked("sandbox: slow 50ms; say one two three")) as stream:
            return [time.perf_counter() async for _ in stream]

    arrived = asyncio.run(read())
    assert arrived[-1] - arrived[0] > 0.05 * (len(arrived) - 3)


def test_what_was_recorded_replays_without_server_and_key(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(session: Session) -> list[Any]:
        events: list[schema.StreamEvent] = []
        with made(session) as client:
            shinzo = client.for_provider("shinzo").create(**asked("Hello", metadata={"user_id": "me"}))
            streamed = client.streamed(events, **asked("Hello"))
            return [client.create(**asked("Hello")), events, streamed, shinzo, client.raw({"model": MODEL}).json()]

    with serve() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("SHINZO_BASE_URL", server.url_for("shinzo"))
        with use_cassette(tmp_path / "cassette.yaml", record="once") as session:
            recorded = story(session)
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    with use_cassette(tmp_path / "cassette.yaml", record="none") as session:
        assert story(session) == recorded
        assert [call.replayed for call in session.calls] == [True] * 4


# What is sent


def sent_headers(server: Sandbox) -> dict[str, str]:
    ignored = {"host", "content-length"}
    return {name: value for name, value in server.requests[-1].headers if name not in ignored}


def test_each_provider_gets_its_url_key_and_headers(made: Made, session: Session, server: Sandbox) -> None:
    common = {"user-agent": "pytest-messages", "content-type": "application/json"}
    with made(session) as client:
        client.create(**asked("Hello"))
        assert server.requests[-1].url == f"{server.url}/v1/messages"
        assert sent_headers(server) == {**common, "anthropic-version": "2026-10-21", "x-api-key": server.key}
        client.for_provider("shinzo").create(**asked("Hello"))
        assert server.requests[-1].url == f"{server.url_for('shinzo')}/v1/messages"
        assert sent_headers(server) == {
            **common,
            "anthropic-version": "2023-06-01",
            "authorization": f"Bearer {server.key_for('shinzo')}",
            "x-api-key": server.key,
        }
        client.for_provider("shuyou").create(**asked("Hello", model="anthropic/claude-sonnet-4.6"))
        assert server.requests[-1].url == f"{server.url_for('shuyou')}/v1/messages"
        assert sent_headers(server) == {
            **common,
            "anthropic-version": "2023-06-01",
            "x-api-key": server.key_for("shuyou"),
        }


def test_the_body_is_what_was_given_and_parameters_of_headers_are_headers(
    made: Made, session: Session, server: Sandbox
) -> None:
    with made(session) as client:
        client.create(
            **asked("Grüße 🌍"),
            betas=["one-2026-01-01", "two-2026-01-01"],
            user_profile_id="uprof_1",
            workspace_id="wrkspc_1",
            anthropic_version="2023-06-01",
            temperature=0.5,
        )
    assert json.loads(server.requests[-1].body) == {**asked("Grüße 🌍"), "temperature": 0.5}
    headers = sent_headers(server)
    assert {name: headers[name] for name in headers if name.startswith("anthropic-")} == {
        "anthropic-beta": "one-2026-01-01,two-2026-01-01",
        "anthropic-user-profile-id": "uprof_1",
        "anthropic-workspace-id": "wrkspc_1",
        "anthropic-version": "2023-06-01",
    }


def test_a_stream_asks_for_one(session: Session, server: Sandbox) -> None:
    with MessagesClient.of(session) as client, client.stream(**asked("Hello")) as stream:
        stream.read()
    assert json.loads(server.requests[-1].body) == {**asked("Hello"), "stream": True}


def test_the_provider_of_the_session_is_the_clients(tmp_path: Path, server: Sandbox) -> None:
    with use_cassette(tmp_path / "cassette.yaml", record="live", provider="shuyou") as session:
        with MessagesClient.of(session) as client:
            client.create(**asked("Hello", model="anthropic/claude-sonnet-4.6"))
        assert server.requests[-1].url == f"{server.url_for('shuyou')}/v1/messages"
        with MessagesClient.of(session, provider="anthropic") as client:
            client.create(**asked("Hello"))
        assert server.requests[-1].url == f"{server.url}/v1/messages"


def test_a_declared_gateway_is_a_provider_too(tmp_path: Path, server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gateways.toml").write_text(
        f'[ours]\nextends = "anthropic"\nbase_url = "{server.url}"\nkey_env = "OUR_KEY"\ntimeout = 7\n'
    )
    monkeypatch.setenv("OUR_KEY", server.key)
    providers = str(tmp_path / "gateways.toml")
    with (
        use_cassette(tmp_path / "cassette.yaml", record="live", providers=providers) as session,
        MessagesClient.of(session, provider="ours") as client,
    ):
        assert client.create(**asked("Hello")).stop_reason == "end_turn"
        with pytest.raises(SettingsError, match="did you mean 'ours'"):
            client.for_provider("our")


def test_a_provider_without_a_url_says_which_variable_to_set(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_BASE_URL")
    client = MessagesClient.of(session, provider="compatible")
    with pytest.raises(SettingsError, match="set ANTHROPIC_BASE_URL"):
        client.create(**asked("Hello"))


def test_a_tool_loop_sends_the_answer_back_unchanged(session: Session, server: Sandbox) -> None:
    tool: Any = {"name": "add", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
    question: Any = {"role": "user", "content": "Add!"}
    with MessagesClient.of(session) as client:
        call = client.create(model=MODEL, max_tokens=64, messages=[question], tools=[tool])
        block = call.content[-1]
        assert isinstance(block, schema.ToolUseBlock)
        result: Any = {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": block.id, "content": "4"}],
        }
        client.create(model=MODEL, max_tokens=64, messages=[question, as_turn(call), result], tools=[tool])
    answered = json.loads(session.calls[0].response.body)["content"] if session.calls[0].response else None
    assert json.loads(server.requests[-1].body)["messages"][1] == {"role": "assistant", "content": answered}


def test_blocks_of_an_answer_may_stand_in_a_request_and_other_objects_not(session: Session, server: Sandbox) -> None:
    block = schema.TextBlock(type="text", text="Hi")
    turn: Any = {"role": "user", "content": [block]}
    oddity: Any = {1}
    with MessagesClient.of(session) as client:
        client.create(model=MODEL, max_tokens=64, messages=[turn])
        assert json.loads(server.requests[-1].body)["messages"] == [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]}
        ]
        with pytest.raises(TypeError, match="a request is JSON, and set is not"):
            client.create(model=MODEL, max_tokens=64, messages=[turn], tools=[oddity])


@pytest.mark.parametrize(
    ("provider", "create", "count"), [("anthropic", 600, 600), ("shinzo", 180, 30), ("shuyou", 600, None)]
)
def test_time_limits_are_those_of_the_provider(
    session: Session, server: Sandbox, provider: str, create: float, count: float | None
) -> None:
    account = Account(session=session, provider=PROVIDERS[provider], environ=server.environ_for(provider))
    assert account.create(asked("Hello")).extensions["timeout"]["read"] == create
    if count is not None:
        counted = account.count_tokens({"model": MODEL, "messages": asked("Hello")["messages"]})
        assert counted.extensions["timeout"]["read"] == count


def test_raw_sends_anything_and_returns_the_response_itself(made: Made, session: Session, server: Sandbox) -> None:
    with made(session) as client:
        broken = client.raw({"model": MODEL, "nonsense": 1}, headers={"Anthropic-Version": "2023-06-01", "x-more": "1"})
        assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_request_error")
        assert json.loads(server.requests[-1].body) == {"model": MODEL, "nonsense": 1}
        assert sent_headers(server) | {"x-api-key": ""} == {
            "user-agent": "pytest-messages",
            "content-type": "application/json",
            "anthropic-version": "2023-06-01",
            "x-api-key": "",
            "x-more": "1",
        }
        assert client.raw(content=b"{nonsense").status_code == 400
        assert server.requests[-1].body == b"{nonsense"
        counted = client.raw({"model": MODEL, "messages": asked("Hello")["messages"]}, path="/v1/messages/count_tokens")
        assert counted.json() == {"input_tokens": 4}
        assert client.raw(method="GET", path="v1/nowhere").status_code in {404, 405}
        assert (server.requests[-1].method, server.requests[-1].body) == ("GET", b"")


def test_raw_can_leave_the_key_out_and_bring_another(
    made: Made, session: Session, server: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with made(session) as client:
        assert client.raw(asked("Hello"), headers={"x-api-key": None}).status_code == 401
        assert "x-api-key" not in sent_headers(server)
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        assert client.raw(asked("Hello"), headers={"X-Api-Key": server.key}).status_code == 200
        with pytest.raises(CredentialError):
            client.raw(asked("Hello"))


# What is not sent


def test_a_request_that_breaks_the_documented_api_is_not_sent(made: Made, session: Session, server: Sandbox) -> None:
    before = len(server.requests)
    with made(session) as client:
        with pytest.raises(ConformanceError) as refused:
            client.create(**asked("Hello", nonsense=1, temperature=2.0))
        with pytest.raises(ConformanceError):
            client.streamed(**asked("Hello", nonsense=1))
        with pytest.raises(ConformanceError):
            client.count_tokens(**asked("Hello"))
    assert str(refused.value).startswith("the request was not sent: ")
    assert {violation.rule for violation in refused.value.violations} == {"request.unknown-field", "request.sampling"}
    assert "request.unknown-field  at nonsense" in refused.value.__notes__[0]
    assert len(server.requests) == before
    assert session.calls == ()


@pytest.mark.parametrize(
    ("settings", "profile", "raised"),
    [
        ({"conformance": "fail"}, ANTHROPIC, ConformanceError),
        # What is sent all the same the sandbox refuses.
        ({"conformance": "fail", "rules": ["-request.unknown-field"]}, ANTHROPIC, ApiError),
        ({"conformance": "warn"}, ANTHROPIC, ApiError),
        ({"conformance": "ignore"}, ANTHROPIC, ApiError),
        # For a lenient profile this is a notice.
        ({"conformance": "fail"}, replace(ANTHROPIC, relax=("compatible",)), ApiError),
        ({"conformance": "strict"}, replace(ANTHROPIC, relax=("compatible",)), ConformanceError),
    ],
)
def test_the_settings_say_which_findings_keep_a_request_back(
    tmp_path: Path, server: Sandbox, settings: dict[str, Any], profile: Provider, raised: type[Exception]
) -> None:
    before = len(server.requests)
    with (
        use_cassette(tmp_path / "cassette.yaml", record="live", **settings) as session,
        MessagesClient.of(session, provider=profile) as client,
        pytest.raises(raised),
    ):
        client.create(**asked("Hello", nonsense=1))
    assert len(server.requests) - before == (raised is ApiError)


def test_a_field_that_the_provider_does_not_support_is_not_sent_except_by_raw(
    made: Made, careless: Session, server: Sandbox
) -> None:
    before = len(server.requests)
    with made(careless) as client:
        shuyou = client.for_provider("shuyou")
        with pytest.raises(UnsupportedFieldError, match="metadata is not supported at ShuYou") as refused:
            shuyou.create(**asked("Hello", metadata={"user_id": "me"}))
        assert len(server.requests) == before
        assert shuyou.raw(asked("Hello", metadata={"user_id": "me"})).status_code in {200, 400}
    assert refused.value.field == "metadata"
    assert refused.value.source.startswith("https://docs.shuyou.ai/")
    assert refused.value.source in refused.value.__notes__[0]


def test_tokens_are_not_counted_where_no_endpoint_does(session: Session) -> None:
    with (
        MessagesClient.of(session, provider="shuyou") as client,
        pytest.raises(UnsupportedFieldError, match="ShuYou documents no endpoint that counts tokens"),
    ):
        client.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hello"}])


@pytest.mark.parametrize(
    ("provider", "variables"),
    [
        ("anthropic", ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")),
        ("shinzo", ("SHINZO_API_KEY",)),
        ("shuyou", ("SHUYOU_API_KEY",)),
    ],
)
def test_nothing_is_sent_without_the_key_that_the_provider_requires(
    session: Session, server: Sandbox, monkeypatch: pytest.MonkeyPatch, provider: str, variables: tuple[str, ...]
) -> None:
    for variable in variables:
        monkeypatch.setenv(variable, "")
    before = len(server.requests)
    with pytest.raises(CredentialError) as refused:
        MessagesClient.of(session, provider=provider).create(**asked("Hello"))
    assert refused.value.variables == variables
    assert f"export {variables[0]}=…" in refused.value.__notes__[0]
    assert len(server.requests) == before


def test_a_client_of_a_closed_session_is_refused(tmp_path: Path, server: Sandbox) -> None:
    with use_cassette(tmp_path / "cassette.yaml", record="live") as session:
        client = AsyncMessagesClient.of(session)
        client.create(**asked("Hello")).close()
    before = len(server.requests)
    with pytest.raises(Refused) as refused:
        asyncio.run(client.create(**asked("Hello")))
    assert isinstance(refused.value.error, NotRecordableError)
    assert len(server.requests) == before


def test_a_failing_test_is_shown_where_it_called_and_shows_no_key(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-ant-" + "api03-" + "x" * 80
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    pytester.makepyfile(
        """
        from pytest_messages import MessagesClient, assert_conforms, use_cassette

        ASKED = dict(model="claude-sonnet-5", max_tokens=1, messages=[{"role": "user", "content": "Hi"}])

        def test_it():
            with use_cassette("talk.yaml", record="live") as session, MessagesClient.of(session) as client:
                client.create(nonsense=1, **ASKED)

        def test_late():
            with use_cassette("talk.yaml", record="live") as session:
                client = MessagesClient.of(session)
            with client:
                client.create(**ASKED)

        def test_judged():
            assert_conforms({"type": "message"})
        """
    )
    # In a process of its own: here its late call would be one of the run that this test belongs to.
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:messages", "--showlocals")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["> * client.create(nonsense=1, **ASKED)", "E *request.unknown-field  at nonsense"])
    result.stdout.fnmatch_lines(["> * client.create(**ASKED)", "> * assert_conforms({*"])
    result.stdout.no_fnmatch_line("*client/account.py*")
    result.stdout.no_fnmatch_line("*pytest_messages/use/assertion.py*")
    assert key not in result.stdout.str()


def test_a_closed_sync_client_sends_nothing(session: Session) -> None:
    with MessagesClient.of(session) as client:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        client.create(**asked("Hello"))


# Errors


@pytest.mark.parametrize(
    ("provider", "handle", "type_", "request_id"),
    [
        ("anthropic", "error 429 retry-after 7", "rate_limit_error", True),
        ("anthropic", "error 529", "overloaded_error", True),
        ("shinzo", "no provider key", "provider_error", False),
        ("shuyou", "error 402", "insufficient_credit", True),
    ],
)
def test_an_error_is_read_from_the_providers_envelope_and_nothing_is_sent_again(
    made: Made,
    session: Session,
    server: Sandbox,
    provider: str,
    handle: str,
    type_: str,
    *,
    request_id: bool,
) -> None:
    with made(session) as client:
        for ask in (client.for_provider(provider).create, client.for_provider(provider).streamed):
            before = len(server.requests)
            with pytest.raises(ApiError) as raised:
                ask(**asked(f"sandbox: {handle}", model=PROVIDERS[provider].model))
            assert len(server.requests) == before + 1
            error = raised.value
            answer = session.calls[-1].response
            assert answer is not None
            assert (error.status, error.type, bool(error.request_id)) == (answer.status, type_, request_id)
            assert str(error).startswith(f"{answer.status} {type_}: ")
            assert error.retry_after == (7 if "retry-after" in handle else None)
            assert error.body == json.loads(answer.body)


def test_an_error_reads_the_same_recorded_and_replayed(made: Made, tmp_path: Path) -> None:
    def story(mode: str) -> list[dict[str, Any]]:
        errors = []
        with use_cassette(tmp_path / "cassette.yaml", record=mode) as session, made(session) as client:
            for text in ("sandbox: error 429 retry-after 7", "sandbox: error 529 midstream"):
                for ask in (client.create, client.streamed) if "midstream" not in text else (client.streamed,):
                    with pytest.raises(ApiError) as raised:
                        ask(**asked(text))
                    errors.append(dict(vars(raised.value)))
        return errors

    recorded = story("once")
    assert [error["retry_after"] for error in recorded] == [7, 7, None]
    assert story("none") == recorded


def test_an_error_shows_no_key(made: Made, careless: Session, server: Sandbox) -> None:
    with made(careless) as client, pytest.raises(ApiError) as raised:
        client.create(**asked("sandbox: error 401; leak"))
    answer = careless.calls[0].response
    assert answer is not None
    assert server.key.encode() in answer.body
    assert server.key not in repr(vars(raised.value)) + str(raised.value)
    assert "<api-key>" in str(raised.value)


def test_an_error_on_an_open_stream_is_raised_after_the_events_before_it(made: Made, session: Session) -> None:
    events: list[schema.StreamEvent] = []
    with made(session) as client, pytest.raises(ApiError) as raised:
        client.streamed(events, **asked("sandbox: error 529 midstream after 3 events"))
    assert names(events) == ["message_start", "content_block_start", "ping"]
    assert (raised.value.status, raised.value.type) == (200, "overloaded_error")


@pytest.mark.parametrize(
    ("body", "status", "type_"),
    [
        (b'{"type": "error", "error": {"type": "api_error", "message": "No."}}', 200, "api_error"),
        (b"<h1>Bad gateway</h1>", 502, None),
        (b"", 307, None),
    ],
)
def test_any_answer_but_a_success_is_an_error(
    made: Made, careless: Session, monkeypatch: pytest.MonkeyPatch, body: bytes, status: int, type_: str | None
) -> None:
    with answering(body, status) as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        with made(careless) as client:
            for ask in (client.create, client.streamed):
                with pytest.raises(ApiError) as raised:
                    ask(**asked("Hello"))
                assert (raised.value.status, raised.value.type) == (status, type_)


@pytest.mark.parametrize("body", [b"<p>Hello</p>", b"[1]", b'{"type": "message"}', json.dumps({**MESSAGE, "id": 1})])
def test_an_answer_that_is_no_message_is_said_to_be_none(
    made: Made, careless: Session, monkeypatch: pytest.MonkeyPatch, body: bytes | str
) -> None:
    with answering(body.encode() if isinstance(body, str) else body, content_type="application/json") as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        with made(careless) as client:
            with pytest.raises(ConformanceError, match="the answer is no Message: ") as raised:
                client.create(**asked("Hello"))
            assert raised.value.violations
            with pytest.raises(StreamError, match="no stream of server-sent events: it is application/json"):
                client.streamed(**asked("Hello"))


@pytest.mark.parametrize(
    ("body", "problem", "offset"),
    [
        (b"<p>\n</p>\n\n", "it has a line '<p>'", 0),
        (sse("data: {nonsense}"), "an event's data is '{nonsense}', no JSON object with a type", 0),
        (sse(*BEGIN[:1], "data: {}"), "an event's data is '{}', no JSON object with a type", len(sse(*BEGIN[:1]))),
        (sse(*BEGIN[:1], "data: [1]"), "an event's data is '[1]', no JSON object with a type", len(sse(*BEGIN[:1]))),
        (b'data: {"type": "ping\xff"}\n\n', "it is not UTF-8", 20),
    ],
)
def test_a_stream_that_is_none_is_said_to_be_none(
    made: Made, careless: Session, monkeypatch: pytest.MonkeyPatch, body: bytes, problem: str, offset: int
) -> None:
    with answering(body, content_type="text/event-stream") as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        with made(careless) as client, pytest.raises(StreamError) as raised:
            client.streamed(**asked("Hello"))
    assert str(raised.value) == f"the answer is no stream of a Message: {problem}"
    assert raised.value.offset == offset


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b"", "before message_start"),
        (sse(*BEGIN), "between content blocks"),
        (sse(*BEGIN, END[0]), "after message_delta"),
        (sse(*BEGIN, *END).removesuffix(b"\n"), "after message_delta"),
    ],
)
def test_a_stream_that_ends_too_early_never_looks_complete(
    made: Made, careless: Session, monkeypatch: pytest.MonkeyPatch, body: bytes, state: str
) -> None:
    with answering(body, content_type="text/event-stream") as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        with made(careless) as client, pytest.raises(StreamError) as raised:
            client.streamed(**asked("Hello"))
    assert str(raised.value) == f"the stream is cut: it ended {state}, without message_stop"
    assert raised.value.offset == len(body)


@pytest.mark.parametrize(
    "body",
    [
        sse(": keep-alive", *BEGIN, ": keep-alive", *END),
        sse(*BEGIN, *END, "event: data\ndata: [DONE]"),
        sse(*BEGIN, *END).replace(b"\n", b"\r\n"),
        sse(*BEGIN, *END).replace(b"\n", b"\r"),
        sse(*(f"event: {each['type']}\ndata: {json.dumps(json.dumps(each))}" for each in (*BEGIN, *END))),
    ],
    ids=["comments", "tail", "crlf", "cr", "double-encoded"],
)
def test_habits_of_gateways_change_nothing(
    made: Made, careless: Session, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    events: list[schema.StreamEvent] = []
    with answering(body, content_type="text/event-stream") as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        with made(careless) as client:
            message = client.streamed(events, **asked("Hello"))
    assert names(events) == [each["type"] for each in (*BEGIN, *END)]
    assert (message.content, message.usage.output_tokens) == ([schema.TextBlock(type="text", text="AB")], 2)


def test_events_that_nobody_documents_are_handed_on_as_they_are(
    made: Made, careless: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[schema.StreamEvent] = []
    strange = {"type": "news", "what": 1}
    bare = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    with answering(sse(*BEGIN, strange, bare, END[1]), content_type="text/event-stream") as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        with made(careless) as client:
            message = client.streamed(events, **asked("Hello"))
    assert [event.model_dump() for event in events[4:6]] == [strange, bare]
    assert [type(event) for event in events[4:6]] == [schema.UnknownEvent] * 2
    assert message.stop_reason == "end_turn"


def test_a_complete_stream_of_no_message_is_said_to_be_none(
    made: Made, careless: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = {"type": "message_start", "message": {**MESSAGE, "usage": "much"}}
    with answering(sse(start, *BEGIN[1:], *END[1:]), content_type="text/event-stream") as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        with made(careless) as client, pytest.raises(ConformanceError, match="the answer is no Message"):
            client.streamed(**asked("Hello"))


# The network


def test_a_dropped_stream_raises_as_the_network_does_and_has_no_message(careless: Session) -> None:
    with MessagesClient.of(careless) as client, client.stream(**asked("sandbox: drop after 3 events")) as stream:
        with pytest.raises(httpx.RemoteProtocolError) as raised:
            list(stream)
        for ask in (lambda: stream.message, lambda: stream.text, stream.read):
            with pytest.raises(httpx.RemoteProtocolError) as again:
                ask()
            assert again.value is raised.value


def test_a_dropped_async_stream_raises_as_the_network_does_and_has_no_message(careless: Session) -> None:
    async def read() -> None:
        client = AsyncMessagesClient.of(careless)
        async with client.stream(**asked("sandbox: drop after 3 events")) as stream:
            with pytest.raises(httpx.RemoteProtocolError):
                await stream.read()
            with pytest.raises(httpx.RemoteProtocolError):
                _ = stream.message

    asyncio.run(read())


def test_a_server_that_is_not_there_is_named(made: Made, careless: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound, made(careless) as client:
        bound.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        for ask in (client.create, client.streamed):
            with pytest.raises(httpx.ConnectError) as raised:
                ask(**asked("Hello"))
            notes = [f"no server answers at {url}; ANTHROPIC_BASE_URL can name another address"]
            assert raised.value.__notes__ == notes


def test_a_server_that_takes_too_long_is_told_by_its_limit(made: Made, careless: Session) -> None:
    hurried = replace(ANTHROPIC, timeout=0.2)
    with made(careless) as client:
        for ask, handle in (("create", "wait 2s"), ("streamed", "wait 2s"), ("streamed", "stall after 2 events")):
            with pytest.raises(httpx.ReadTimeout) as raised:
                getattr(client.for_provider(hurried), ask)(**asked(f"sandbox: {handle}"))
            assert raised.value.__notes__ == ["Anthropic was given 0.2 s, the time limit of its profile"]


# The life of a stream


def test_the_events_of_a_stream_come_once(session: Session) -> None:
    with MessagesClient.of(session) as client, client.stream(**asked("Hello")) as stream:
        list(stream)
        with pytest.raises(RuntimeError, match="the events of a stream come once"):
            list(stream)
        assert stream.text == "Hello! How can I help you today?"


def test_the_events_of_an_async_stream_come_once(session: Session) -> None:
    async def read() -> None:
        async with AsyncMessagesClient.of(session).stream(**asked("Hello")) as stream:
            async for _ in stream:
                break
            with pytest.raises(RuntimeError, match="the events of a stream come once"):
                aiter(stream)

    asyncio.run(read())


def test_the_message_of_a_stream_that_was_left_reads_the_rest(session: Session) -> None:
    with MessagesClient.of(session) as client, client.stream(**asked("Hello")) as stream:
        for _ in stream:
            break
        assert stream.message.stop_reason == "end_turn"
    assert stream.text == "Hello! How can I help you today?"


def test_an_async_stream_has_its_message_once_it_is_read(session: Session) -> None:
    async def read() -> None:
        async with AsyncMessagesClient.of(session).stream(**asked("Hello")) as stream:
            async for _ in stream:
                break
            with pytest.raises(RuntimeError, match=r"`await stream.read\(\)` does that"):
                _ = stream.message
            assert await stream.read() == stream.message
        assert stream.text == "Hello! How can I help you today?"

    asyncio.run(read())


def test_leaving_a_stream_closes_it_and_what_is_missing_is_said(session: Session) -> None:
    with MessagesClient.of(session) as client:
        with client.stream(**asked("sandbox: slow 20ms; say one two three four five six")) as stream:
            first = next(iter(stream))
        assert stream.response.is_closed
        with pytest.raises(StreamError, match="the stream is cut: it was closed before its end"):
            _ = stream.message
    assert first.type == "message_start"
    assert session.calls[0].ended == "closed"


def test_leaving_an_async_stream_closes_it_and_what_is_missing_is_said(session: Session) -> None:
    async def read() -> None:
        client = AsyncMessagesClient.of(session)
        async with client.stream(**asked("sandbox: slow 20ms; say one two three four five six")) as stream:
            async for _ in stream:
                break
        assert stream.response.is_closed
        with pytest.raises(StreamError, match="the stream is cut: it was closed before its end"):
            _ = stream.message

    asyncio.run(read())
    gc.collect()
    assert session.calls[0].ended == "closed"


def test_a_stream_is_open_inside_its_block_only(session: Session) -> None:
    stream = MessagesClient.of(session).stream(**asked("Hello"))
    with pytest.raises(RuntimeError, match=r"`with client.stream\(...\) as stream`"):
        iter(stream)
    waiting = AsyncMessagesClient.of(session).stream(**asked("Hello"))
    with pytest.raises(RuntimeError, match=r"`async with client.stream\(...\) as stream`"):
        _ = waiting.message
    assert session.calls == ()
