"""What the gate refuses: everything the scrubber would replace, in any text, and nothing that was scrubbed."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.errors import SettingsError
from pytest_messages.findings import GateResult, Leak
from pytest_messages.scrubbing import Gate, Scrubber, find_hints, kinds, new_salt
from pytest_messages.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the recorded traffic does not lie beside this checkout")
KEY = "sk-ant-" + "api03-" + "aB3_" * 20 + "-AA"
SHINZO = "sk_shinzo_" + "live_" + "0a1B2c3D"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0" + "." + "dozjgNryP4J3jVmNHl0w5N"
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
LIVE = "correct horse/battery+staple"
UUID = "3f2b8c1e-9d4a-4e57-8b6f-0a1c2d3e4f50"


def find_leaks(
    text: str, *, secrets: Sequence[str] = (), allow: Sequence[str] = (), where: str = ""
) -> tuple[Leak, ...]:
    return Gate(secrets=secrets, allow=allow).check(text, where=where).leaks


def cassette(
    *, body: str = "{}", answer: str = "{}", uri: str = "https://api.anthropic.com/v1/messages", **headers: str
) -> dict[str, Any]:
    stored = {name.replace("_", "-"): [value] for name, value in headers.items()}
    request = {"method": "POST", "uri": uri, "headers": stored, "body": body}
    response = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": answer}}
    return {"version": 1, "interactions": [{"request": request, "response": response}]}


def stream(*pieces: str) -> str:
    events = ({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": p}} for p in pieces)
    return "".join(f"event: content_block_delta\ndata: {json.dumps(event)}\n\n" for event in events)


DUMPS: dict[str, Any] = {
    "yaml": yaml.safe_dump,
    "yaml, double-quoted": lambda value: yaml.safe_dump(value, default_style='"', width=40),
    "yaml, single-quoted": lambda value: yaml.safe_dump(value, default_style="'"),
    "yaml, literal": lambda value: yaml.safe_dump(value, default_style="|", allow_unicode=True),
    "yaml, a list": lambda value: yaml.safe_dump(value["interactions"]),
    "json": json.dumps,
    "json, indented": lambda value: json.dumps(value, indent=1),
}


@pytest.mark.parametrize("dump", DUMPS)
@pytest.mark.parametrize(
    ("where", "leaking", "kind"),
    [
        (
            "request.body $.messages[0].content",
            {"body": json.dumps({"messages": [{"content": f"\n{KEY}"}]})},
            "api-key",
        ),
        ("request.body $.metadata.user_id", {"body": '{"metadata": {"user_id": "jane"}}'}, "user-id"),
        ("request.body $.api_key", {"body": '{"api_key": "hunter2"}'}, "api-key"),
        ("response.body.string block 0 $.text", {"answer": stream(KEY[:20], KEY[20:50], KEY[50:])}, "api-key"),
        ("response.body.string event 2 $.delta.text", {"answer": stream("hi", f"é {JWT}")}, "jwt"),
        ("request.uri", {"uri": f"https://gate.example/{SHINZO}/v1/messages"}, "shinzo-api-key"),
        ("request.uri", {"uri": "https://me:hunter2@gate.example/v1/messages"}, "url-credentials"),
        ("request.headers.x-api-key", {"x_api_key": "hunter2"}, "api-key"),
        ("request.headers.authorization", {"authorization": "Bearer hunter2"}, "authorization"),
        ("request.headers.cookie", {"cookie": "a=b"}, "credential-header"),
        ("request.headers.x-portkey-api-key", {"x_portkey_api_key": "hunter2"}, "credential-header"),
        ("request.headers.anthropic-organization-id", {"anthropic_organization_id": UUID}, "organization-id"),
        ("request.headers.x-debug", {"x_debug": f"see {AWS}"}, "aws-access-key"),
        ("request.body", {"body": f"live: {LIVE}"}, "credential"),
        ("request.body", {"body": b64encode(f"u:{LIVE}".encode()).decode()}, "credential"),
        ("response.body.string $.error", {"answer": json.dumps({"error": LIVE})}, "credential"),
    ],
)
def test_a_leak_in_a_cassette_is_found_and_named_by_its_place(
    dump: str, where: str, leaking: dict[str, str], kind: str
) -> None:
    root = "[0]" if dump == "yaml, a list" else "interactions[0]"
    leaks = find_leaks(DUMPS[dump](cassette(**leaking)), secrets=[LIVE], where="cassettes/a.yaml")
    assert Leak(f"cassettes/a.yaml {root}.{where}", kind) in leaks
    assert {leak.kind for leak in leaks} == {kind}


@pytest.mark.parametrize("dump", DUMPS)
def test_a_scrubbed_cassette_is_let_through(dump: str) -> None:
    ours = Scrubber(salt=new_salt("test_gate"), secrets=[LIVE])
    body = json.dumps({"metadata": {"user_id": "jane"}, "m": f"{KEY} {JWT} {LIVE} {AWS}", "api_key": "x"})
    request = ours.request(Request("POST", f"https://a:b@gate.example/{SHINZO}?page=2", (), body.encode()))
    answer = ours.response(Response(200, "", (), stream(KEY[:20], KEY[20:]).encode()))
    clean = cassette(
        body=request.body.decode(), answer=answer.body.decode(), uri=request.url, request_id="<request-id-0123456789>"
    )
    assert ours.gate().check(DUMPS[dump](clean)) == GateResult((), ())


@pytest.mark.parametrize(
    "masked",
    [
        "<api-key>",
        "REDACTED",
        "**REDACTED**",
        "[FILTERED]",
        "XXXXXXXX",
        "sk-***",
        "",
        "***",
        "<API_KEY>",
        "{{key}}",
        "X-API-KEY-XXX",
    ],
)
def test_a_credential_header_that_another_tool_masked_is_no_leak(masked: str) -> None:
    assert find_leaks(yaml.safe_dump(cassette(x_api_key=masked, authorization=masked))) == ()


def test_headers_are_read_as_lists_of_pairs_and_as_single_values() -> None:
    for headers in ([["X-Api-Key", "hunter2"]], {"X-Api-Key": "hunter2"}, [("X-Api-Key", ["hunter2"])]):
        text = json.dumps({"interactions": [{"request": {"headers": headers}}]})
        assert find_leaks(text) == (Leak("interactions[0].request.headers.x-api-key", "api-key"),)
    odd: list[Any] = [None, "x", [[]], [3]]
    assert [find_leaks(json.dumps({"interactions": [{"request": {"headers": headers}}]})) for headers in odd] == [
        ()
    ] * 4


def test_a_body_that_another_tool_parsed_is_read() -> None:
    tree = {"interactions": [{"request": {"parsed_body": {"metadata": {"user_id": "jane"}}}}]}
    assert find_leaks(yaml.safe_dump(tree)) == (
        Leak("interactions[0].request.parsed_body $.metadata.user_id", "user-id"),
    )


def test_a_body_of_bytes_and_a_key_of_a_mapping_are_read() -> None:
    leaks = find_leaks(yaml.safe_dump({"a": [KEY.encode() + b"\xff"], SHINZO: 1}))
    assert leaks == (Leak("$", "shinzo-api-key"), Leak("a[0]", "api-key"))


@pytest.mark.parametrize(
    "text", [f"{{{{: {KEY}", f"a: b: c\n- {KEY}", f"!!python/object {KEY}", f"# {KEY}\na: 1", f"just {KEY}"]
)
def test_what_is_no_document_is_searched_as_text(text: str) -> None:
    (leak,) = find_leaks(text)
    assert leak.kind == "api-key"


def test_a_stream_is_no_document_though_it_would_pass_for_one() -> None:
    assert find_leaks(stream(KEY[:9], KEY[9:50], KEY[50:])) == (Leak("block 0 $.text", "api-key"),)


def test_a_comment_of_a_cassette_is_named_by_its_line() -> None:
    text = f"# pytest-messages cassette 1\nversion: 1\n# {KEY}\ninteractions: []\n"
    assert find_leaks(text) == (Leak("line 3", "api-key"),)


@pytest.mark.parametrize(
    "escaped",
    [
        "\\x73k-ant-" + KEY[7:],
        "\\u0073k-ant-" + KEY[7:],
        "%73k%2Dant-" + KEY[7:],
        "\\\\u0073k-ant-" + KEY[7:],
        "&#115;k-ant-" + KEY[7:],
    ],
)
def test_an_escape_hides_nothing(escaped: str) -> None:
    for text in (f"# {escaped}\na: 1\n", f'a: "{escaped}"\n', f"a: '{escaped}'\n", escaped):
        assert {leak.kind for leak in find_leaks(text)} == {"api-key"}


def test_a_line_is_counted_also_where_yaml_folds() -> None:
    text = f'a: "x \\\n  \\ y"\n# {KEY}\n'
    assert text.splitlines()[2] == f"# {KEY}"
    assert find_leaks(text) == (Leak("line 3", "api-key"),)


# -- opaque fields ---------------------------------------------------------------------------------------------------

OPAQUE = [{"type": "thinking", "signature": "{}"}, {"type": "redacted_thinking", "data": "{}"}]
OPAQUE += [{"type": "base64", "data": "{}"}, *({"type": "x", name: "{}"} for name in kinds.OPAQUE_FIELDS[1:])]


@pytest.mark.parametrize("block", OPAQUE, ids=str)
@pytest.mark.parametrize("dump", DUMPS)
@pytest.mark.parametrize(
    ("secret", "kind"), [(KEY, "api-key"), (SHINZO, "shinzo-api-key"), (JWT, "jwt"), (LIVE, "credential"), (AWS, None)]
)
def test_opaque_fields_are_searched_for_what_is_never_chance_and_for_nothing_else(
    block: dict[str, str], dump: str, secret: str, kind: str | None
) -> None:
    filled = {name: value.format(f"EqQB {secret} AA==") for name, value in block.items()}
    body = json.dumps({"content": [filled]})
    for text in (DUMPS[dump](cassette(body=body)), DUMPS[dump](cassette(answer=f"data: {body}\n\n"))):
        assert {leak.kind for leak in find_leaks(text, secrets=[LIVE])} == ({kind} if kind else set())
    scrubbed = Scrubber(salt="s", secrets=[LIVE]).request(Request("POST", "/", (), body.encode()))
    assert scrubbed.body == body.encode()


@settings(max_examples=30, deadline=None)
@given(
    st.binary(min_size=300, max_size=3000), st.uuids(), st.text(alphabet="0123456789abcdef", min_size=40, max_size=40)
)
def test_base64_uuids_and_hashes_raise_no_alarm(blob: bytes, uuid: object, commit: str) -> None:
    image = b64encode(blob).decode()
    body = json.dumps({"image": image, "text": f"data:image/png;base64,{image} {uuid} {commit} {blob.hex()}"})
    assert find_leaks(yaml.safe_dump(cassette(body=body, answer=body)), secrets=[LIVE]) == ()


# -- what a user allows ----------------------------------------------------------------------------------------------


def test_a_finding_is_allowed_by_kind_and_place_and_counted() -> None:
    text = yaml.safe_dump(cassette(body=json.dumps({"a": AWS, "b": AWS})))
    place = "interactions[0].request.body $"
    a, b = Leak(f"c.yaml {place}.a", "aws-access-key"), Leak(f"c.yaml {place}.b", "aws-access-key")
    assert Gate().check(text, where="c.yaml") == GateResult((a, b), ())
    assert Gate(allow=[f"aws-access-key@c.yaml {place}.a"]).check(text, where="c.yaml") == GateResult((b,), (a,))
    assert Gate(allow=["aws-access-key@*"]).check(text, where="c.yaml") == GateResult((), (a, b))
    assert Gate(allow=["*@c.yaml *.b"]).check(text, where="c.yaml") == GateResult((a,), (b,))
    assert find_leaks(text, allow=["api-key@*"], where="c.yaml") == (a, b)


@pytest.mark.parametrize("entry", ["", "api-key", "@place", "kind@"])
def test_an_allowance_without_kind_or_place_is_an_error(entry: str) -> None:
    with pytest.raises(SettingsError, match="is no `kind@place`"):
        Gate(allow=[entry])


def test_the_gate_of_a_scrubber_knows_what_it_learns_and_its_rules() -> None:
    ours = Scrubber(salt="s", rules=["email", "-google-api-key"])
    gate = ours.gate()
    text = f"{LIVE} jane@mail.example"
    assert gate.check(text) == GateResult((Leak("$", "email"),), ())
    ours.learn(Request("POST", "/", (("x-api-key", LIVE),)))
    assert gate.check(text) == GateResult((Leak("$", "credential"), Leak("$", "email")), ())


def test_no_value_shows_in_what_the_gate_returns() -> None:
    gate = Gate(secrets=[LIVE])
    shown = repr(gate) + repr(gate.check(f"{KEY} {LIVE} {JWT}"))
    assert [secret for secret in (KEY, LIVE, JWT) if secret in shown] == []
    assert shown.count("Leak(") == 3


def test_personal_data_are_hints() -> None:
    body = {
        "tools": [{"user_location": {"city": "Oslo"}}],
        "m": "jane@mail.example +49 30 1234 5678",
        "password": "mellon",
    }
    hints = find_hints(yaml.safe_dump(cassette(body=json.dumps({**body, "k": KEY}))), where="c.yaml")
    place = "c.yaml interactions[0].request.body $"
    assert hints == (
        Leak(f"{place}.m", "email"),
        Leak(f"{place}.m", "phone"),
        Leak(f"{place}.password", "password"),
        Leak(f"{place}.tools[0].user_location.city", "location"),
    )
    assert find_leaks(yaml.safe_dump(cassette(body=json.dumps(body)))) == ()


# -- real traffic ----------------------------------------------------------------------------------------------------


def _bytes(body: object) -> bytes:
    if body is None:
        return b""
    return (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()


def recorded() -> list[Interaction]:
    with (CORPUS / "dev.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in random.Random(20261122).sample(list(lines), 100)]  # noqa: S311 - a sample
    return [
        Interaction(
            Request(r["method"], r["url"], tuple(map(tuple, r["request_headers"])), _bytes(r["request_body"])),
            (
                Response(r["status"], "", tuple(map(tuple, r["response_headers"])), _bytes(r["response_body"])),
                Recording(),
            ),
        )
        for r in records
    ]


def written(interaction: Interaction) -> str:
    request, response = interaction.request, interaction.response
    return yaml.dump(
        cassette(body=request.body.decode(), answer=response.body.decode(), uri=request.url, **dict(request.headers)),
        Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
    )


@needs_corpus
def test_real_traffic_raises_no_alarm_once_scrubbed_and_keeps_its_bytes_but_for_ids() -> None:
    ours = Scrubber(salt=new_salt("corpus"))
    changed = set()
    for interaction in recorded():
        clean = ours.interaction(interaction)
        assert find_leaks(written(clean)) == ()
        assert ours.interaction(clean) == clean
        for before, after in ((interaction.request, clean.request), (interaction.response, clean.response)):
            if before.body != after.body:
                changed |= {
                    kind
                    for kind, form in (
                        ("container-id", b"container_placeholder"),
                        ("file-id", b"file_placeholder"),
                        ("user-id", b"<user-id-"),
                    )
                    if form in after.body
                }
                assert changed
    assert changed <= {"container-id", "file-id", "user-id"}


@needs_corpus
def test_a_key_planted_in_real_traffic_is_found_scrubbed_and_refused() -> None:
    chance = random.Random(7)  # noqa: S311 - a sample
    ours = Scrubber(salt=new_salt("corpus"))
    planted = 0
    for interaction in recorded():
        body = interaction.response.body.decode()
        places = [at for at in range(len(body)) if body.startswith('"text":"', at)]
        if not places or '"signature"' in body:
            continue
        at = chance.choice(places) + len('"text":"')
        leaking = Response(200, "", (), (body[:at] + KEY + body[at:]).encode())
        clean = ours.response(leaking)
        assert clean.body.decode().count("<api-key>") == 1
        assert KEY not in clean.body.decode()
        assert {
            leak.kind for leak in find_leaks(written(Interaction(Request("GET", "/"), (leaking, Recording()))))
        } == {"api-key"}
        planted += 1
    assert planted > 20
