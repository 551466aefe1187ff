"""What is scrubbed: the tables row by row, and the laws over every place, spelling and cut."""

from __future__ import annotations

import ast
import json
import pickle
import random
import traceback
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_messages import scrubbing
from pytest_messages.cassette.document import Interaction, Recording
from pytest_messages.errors import SettingsError
from pytest_messages.scrubbing import (
    OPTIONAL_RULES,
    PlaceholderCollisionError,
    Scrubber,
    ScrubError,
    kinds,
    new_salt,
)
from pytest_messages.scrubbing.credentials import Credentials
from pytest_messages.scrubbing.entries import read_rules
from pytest_messages.scrubbing.finder import Finder
from pytest_messages.scrubbing.placeholders import Placeholders, kind_of
from pytest_messages.wire import Chunk, Ended, Request, Response

PACKAGE = Path(scrubbing.__file__).parents[1]
SALT = new_salt("test_scrubbing")
URL = "https://api.anthropic.com/v1/messages"
UUID = "3f2b8c1e-9d4a-4e57-8b6f-0a1c2d3e4f50"
ID = "011CYVPF4iP8oD6Vsz1NhVih"

# Fakes, put together here so that no scanner takes them for real: kind, and what must be replaced.
FAKES: list[tuple[str, str]] = [
    ("api-key", "sk-ant-" + "api03-" + "aB3_" * 20 + "-AA"),
    ("api-key", "sk-ant-" + "admin01-" + "xY9" * 8),
    ("api-key", "sk-ant-" + "oat01-" + "t"),
    ("api-key", "sk-ant-" + "A1b2C3d4E5f6G7h8"),
    ("shinzo-api-key", "sk_shinzo_" + "live_" + "0a1B2c3D"),
    ("shinzo-api-key", "sk_shinzo_" + "test_" + "0a1B"),
    ("jwt", "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0" + "." + "dozjgNryP4J3jVmNHl0w5N"),
    ("jwt", "eyJ" + "hbGciOiJkaXIifQ" + ".." + "MTIzNDU2Nzg5MDEy" + "." + "Y2lwaGVydGV4dA" + "." + "dGFnZGF0YQ"),
    ("openai-key", "sk-" + "proj-" + "aB3_" * 12),
    ("openai-key", "sk-" + "svcacct-" + "aB3_" * 12),
    ("openai-key", "sk-" + "or-v1-" + "0a1b" * 16),
    ("openai-key", "sk-" + "a1B2" * 12),
    ("aws-access-key", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("aws-access-key", "ASIA" + "IOSFODNN7EXAMPLE"),
    ("aws-access-key", "ABIA" + "IOSFODNN7EXAMPLE"),
    *(("github-token", f"gh{letter}_" + "a1B2" * 9) for letter in "pousr"),
    ("github-token", "github_pat_" + "11ABCDEFG0" + "a1B2_" * 10),
    ("gitlab-token", "glpat-" + "a1B2-" * 5 + "c"),
    ("google-api-key", "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6_"),
    ("google-oauth-token", "ya29." + "a0Af_" * 8),
    *(("slack-token", f"xox{letter}-" + "1234567890-abcdefAB") for letter in "abcdeoprs"),
    ("slack-token", "xapp-" + "1-A0123456789-abcdef01"),
    ("stripe-key", "sk_" + "live_" + "a1B2" * 6),
    ("stripe-key", "sk_" + "test_" + "a1B2" * 6),
    ("stripe-key", "rk_" + "live_" + "a1B2" * 6),
    ("stripe-key", "rk_" + "test_" + "a1B2" * 6),
    ("stripe-key", "whsec_" + "a1B2" * 8),
    ("huggingface-token", "hf_" + "a1B2" * 9),
    ("groq-key", "gsk_" + "a1B2" * 13),
    ("xai-key", "xai-" + "a1B2" * 20),
    ("perplexity-key", "pplx-" + "a1B2" * 12),
    ("replicate-token", "r8_" + "a1B2" * 9 + "c"),
    ("nvidia-key", "nvapi-" + "a1B2-" * 12 + "c"),
    ("npm-token", "npm_" + "a1B2" * 9),
    ("pypi-token", "pypi-AgE" + "IcHlwaS5vcmc" + "a1B2-" * 10 + "c"),
    ("langsmith-key", "lsv2_pt_" + "0a1b" * 8 + "_" + "0a1b2c3d4e"),
    ("langsmith-key", "lsv2_sk_" + "0a1b" * 8 + "_" + "0a1b2c3d4e"),
    ("sendgrid-key", "SG." + "a1B2c3D4e5F6g7H8i9J0k1" + "." + "a1B2" * 10 + "c3D"),
    *(("digitalocean-token", f"{head}_v1_" + "0a1b" * 16) for head in ("dop", "doo", "dor")),
    *(("shopify-token", f"shp{head}_" + "0a1b" * 8) for head in ("at", "ca", "pa", "ss")),
    ("databricks-token", "dapi" + "0a1b" * 8),
    ("vault-token", "hvs." + "a1B2_" * 6 + "c"),
    ("vault-token", "hvb." + "a1B2_" * 6 + "c"),
    ("container-id", "container_" + ID),
    ("file-id", "file_" + ID),
    ("skill-id", "skill_" + ID),
    ("workspace-id", "wrkspc_" + ID),
    ("profile-id", "uprof_" + ID),
    ("account-id", "apikey_" + ID),
    ("account-id", "invite_" + ID),
    ("account-id", "user_" + ID),
    ("organization-id", "org_" + ID),
    ("organization-id", "org-" + UUID),
    ("organization-id", "org-" + "a1B2c3" * 4),
]
PEM_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ"
# Told by what stands around them: kind, the text, and the part of it that must be replaced.
IN_CONTEXT: list[tuple[str, str, str]] = [
    (
        "private-key",
        f"-----BEGIN RSA PRIVATE {'KEY'}-----\n{PEM_BODY}\n{PEM_BODY}=\n-----END RSA PRIVATE KEY-----",
        PEM_BODY,
    ),
    ("private-key", f"-----BEGIN PRIVATE {'KEY'}-----\n{PEM_BODY}", PEM_BODY),
    ("private-key", f"-----BEGIN EC PRIVATE {'KEY'}-----\nProc-Type: 4,ENCRYPTED\n\n{PEM_BODY}\n", PEM_BODY),
    ("aws-secret-key", "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    ("aws-secret-key", "AWS_SECRET_ACCESS_KEY=" + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    ("slack-webhook", "https://hooks.slack.com/" + "services/T0/B0/a1B2c3D4", "a1B2c3D4"),
    ("bearer-token", "curl -H 'Authorization: Bearer " + "a1B2c3D4e5F6g7H8i9J0k1'", "a1B2c3D4"),
    ("bearer-token", "authorization: bearer " + "a1B2c3D4e5F6g7H8i9J0k1", "a1B2c3D4"),
    ("basic-credentials", "Authorization: Basic " + "dXNlcjpodW50ZXIyMzQ1Ng==", "dXNlcjpo"),
    ("basic-credentials", "authorization: basic " + "dXNlcjpodW50ZXIyMzQ1Ng==", "dXNlcjpo"),
    *(
        ("header-credential", f"{name}: " + "a1B2c3D4e5F6g7H8", "a1B2c3D4")
        for name in ("api-key", "Api-Key", "API-Key", "Api-key")
    ),
    ("url-credentials", "postgres://admin:" + "hunter2@db.example/app", "hunter2"),
    ("url-credential", "https://files.example/a.png?X-Amz-Signature=" + "0a1b2c3d&w=1", "0a1b2c3d"),
    ("url-credential", "https://files.example/a.png?w=1&X-Amz-Credential=" + "0a1b2c3d", "0a1b2c3d"),
    ("url-credential", "https://files.example/a.png?X-Amz-Security-Token=" + "0a1b2c3d", "0a1b2c3d"),
    ("url-credential", "https://store.example/a?sv=1&sig=" + "0a1b2c3d", "0a1b2c3d"),
    ("url-credential", "https://mcp.example/sse?api_key=" + "0a1b2c3d", "0a1b2c3d"),
    ("url-credential", "https://mcp.example/sse?apikey=" + "0a1b2c3d", "0a1b2c3d"),
    ("url-credential", "https://mcp.example/sse?key=" + "0a1b2c3d", "0a1b2c3d"),
    ("url-credential", "https://mcp.example/sse?token=" + "0a1b2c3d", "0a1b2c3d"),
    ("url-credential", "https://mcp.example/sse?client_secret=" + "0a1b2c3d", "0a1b2c3d"),
    ("url-credential", "https://mcp.example/sse?auth=" + "0a1b2c3d", "0a1b2c3d"),
    ("url-credential", "https://mcp.example/sse?password=" + "0a1b2c3d", "0a1b2c3d"),
    ("url-credential", "https://s3.example/a?AWSAccessKeyId=" + "0a1b2c3d", "0a1b2c3d"),
    ("organization-id", f"This request would exceed your organization's ({UUID}) rate limit", UUID),
    ("organization-id", f"the rate limit of organisation {UUID}", UUID),
]
OPTIONAL_FAKES: list[tuple[str, str, str]] = [
    ("email", "write to jane.doe+x@mail.example.org.", "jane.doe"),
    ("phone", "call +49 30 1234 5678 now", "1234 5678"),
    ("ip-address", "from 192.168.10.7 on", "192.168.10.7"),
    ("home-directory", "in /home/jane/project", "jane"),
    ("home-directory", "in /Users/jane/project", "jane"),
]
LIVE = "correct horse/battery+staple"


def scrubber(*rules: str, secrets: tuple[str, ...] = ()) -> Scrubber:
    return Scrubber(salt=SALT, rules=rules, secrets=secrets)


def body_of(value: object) -> bytes:
    return json.dumps(value).encode()


def scrubbed(body: bytes, *rules: str, secrets: tuple[str, ...] = ()) -> bytes:
    return scrubber(*rules, secrets=secrets).request(Request("POST", URL, (), body)).body


def message(text: str) -> dict[str, Any]:
    return {"model": "claude", "messages": [{"role": "user", "content": text}]}


def text_of(body: bytes) -> str:
    text = json.loads(body)["messages"][0]["content"]
    assert isinstance(text, str)
    return text


def delta(text: str, *, kind: str = "text_delta", field: str = "text", index: int = 0) -> str:
    event = {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: text}}
    return f"event: content_block_delta\ndata: {json.dumps(event)[:-1]}  }}\n\n"


def stream(*events: str) -> Response:
    body = "".join(events).encode()
    ends = [at + 2 for at in range(len(body)) if body[at : at + 2] == b"\n\n"]
    return Response(
        200, "OK", (("content-type", "text/event-stream"),), body, tuple(Chunk(n, end) for n, end in enumerate(ends))
    )


def joined(body: bytes, field: str = "text") -> str:
    lines = (json.loads(line[5:]) for line in body.decode().splitlines() if line.startswith("data:"))
    return "".join(str(event["delta"][field]) for event in lines if field in event.get("delta", {}))


def constant_or_keyed(kind: str) -> str:
    if kind in kinds.PREFIXES:
        return kinds.PREFIXES[kind] + "placeholder"
    return f"<{kind}>" if kind not in {shape.kind for shape in kinds.SHAPES if shape.keyed} else f"<{kind}-"


# -- the tables ------------------------------------------------------------------------------------------------------


def test_every_row_of_the_table_of_shapes_has_a_planted_fault_for_each_of_its_markers() -> None:
    planted = [(kind, text) for kind, text in FAKES] + [(kind, text) for kind, text, _ in IN_CONTEXT]
    planted += [(kind, text) for kind, text, _ in OPTIONAL_FAKES]
    missing = [
        (shape.kind, marker)
        for shape in (*kinds.SHAPES, *kinds.OPTIONAL)
        for marker in shape.markers
        if not any(kind == shape.kind and marker in text for kind, text in planted)
    ]
    assert missing == []


@pytest.mark.parametrize(("kind", "fake"), FAKES)
def test_a_fake_of_each_shape_is_replaced_in_a_text_and_nothing_else_is(kind: str, fake: str) -> None:
    text = scrubber().text(f"before {fake} after")
    assert text.startswith(f"before {constant_or_keyed(kind)}")
    assert text.endswith(" after")
    assert kind_of(text.removeprefix("before ").removesuffix(" after")) == kind


@pytest.mark.parametrize(("kind", "text", "secret"), IN_CONTEXT)
def test_what_is_told_by_its_surroundings_is_replaced_and_they_stay(kind: str, text: str, secret: str) -> None:
    clean = text_of(scrubbed(body_of(message(text))))
    assert secret not in clean
    assert constant_or_keyed(kind) in clean


@pytest.mark.parametrize(("kind", "fake"), FAKES)
def test_each_row_is_needed(kind: str, fake: str) -> None:
    finder = Finder(tuple(shape for shape in kinds.SHAPES if shape.kind != kind), Credentials())
    assert [found for found in finder.find(fake) if (found.start, found.end) == (0, len(fake))] == []


@pytest.mark.parametrize(("kind", "text", "secret"), IN_CONTEXT)
def test_each_row_that_reads_the_surroundings_is_needed(kind: str, text: str, secret: str) -> None:
    others = tuple(shape for shape in kinds.SHAPES if shape.kind != kind)
    found = Finder(others, Credentials()).find(text)
    assert [text[item.start : item.end] for item in found if secret in text[item.start : item.end]] == []


def test_the_tables_of_names_hold_what_is_documented() -> None:
    assert set(kinds.CREDENTIAL_FIELDS) == {
        "authorizationtoken",
        "fallbackcredittoken",
        "apikey",
        "xapikey",
        "xshinzoapikey",
        "xgoogapikey",
        "anthropicapikey",
        "openaiapikey",
        "accesstoken",
        "refreshtoken",
        "authtoken",
        "bearertoken",
        "idtoken",
        "sessiontoken",
        "xamzsecuritytoken",
        "clientsecret",
        "awssecretaccesskey",
        "secretaccesskey",
        "secretkey",
        "privatekey",
        "authorization",
        "proxyauthorization",
    }
    assert {".".join(path) for path in kinds.ID_FIELDS} == {
        "metadata.user_id",
        "user_profile_id",
        "workspace_id",
        "workspace_uuid",
        "organization_id",
        "organization_uuid",
        "account_uuid",
        "file_id",
        "skill_id",
        "container",
        "container.id",
    }
    assert set(kinds.CREDENTIAL_HEADERS) == {
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "x-shinzo-api-key",
        "x-goog-api-key",
        "api-key",
        "x-amz-security-token",
        "cookie",
        "set-cookie",
    }
    assert set(kinds.ACCOUNT_HEADERS) == {
        "anthropic-organization-id",
        "anthropic-workspace-id",
        "anthropic-user-profile-id",
    }
    assert set(kinds.OPAQUE_FIELDS) == {"signature", "encrypted_content", "encrypted_index", "encrypted_stdout"}
    assert [name for name in kinds.CREDENTIAL_FIELDS if not name.endswith(kinds.FIELD_MARKERS)] == []
    assert set(kinds.HARMLESS_QUERY) == {"beta", "stream", "limit", "alt", "api-version"}


@pytest.mark.parametrize(("kind", "text", "secret"), OPTIONAL_FAKES)
def test_personal_data_stays_until_its_rule_is_turned_on(kind: str, text: str, secret: str) -> None:
    assert scrubber().text(text) == text
    clean = scrubber(kind).text(text)
    assert secret not in clean
    assert f"<{kind}-" in clean
    assert scrubber(kind, f"-{kind}").text(text) == text


@pytest.mark.parametrize("name", list(kinds.CREDENTIAL_FIELDS))
@pytest.mark.parametrize("spelling", [str, str.upper])
def test_the_text_of_a_credential_field_is_replaced_whatever_it_looks_like(name: str, spelling: Any) -> None:
    placeholder = f"<{kinds.CREDENTIAL_FIELDS[name]}>"
    body = {"mcp_servers": [{"name": "x", spelling(name): "hunter2"}]}
    assert json.loads(scrubbed(body_of(body))) == {"mcp_servers": [{"name": "x", spelling(name): placeholder}]}


@pytest.mark.parametrize("name", ["authorization_token", "Authorization-Token", "authorizationToken"])
def test_a_credential_field_is_known_however_it_is_spelled_and_escaped(name: str) -> None:
    hidden = "".join(f"\\u{ord(character):04x}" for character in name)
    for key in (name, hidden):
        assert scrubbed(f'{{"{key}" : "hunter2"}}'.encode()) == f'{{"{key}" : "<authorization-token>"}}'.encode()


def test_a_credential_field_within_json_within_a_text_is_replaced() -> None:
    text = scrubber().text('{"type":"tool_result","content":"{\\"api_key\\": \\"hunter2\\", \\"n\\": 1}"}')
    assert text == '{"type":"tool_result","content":"{\\"api_key\\": \\"<api-key>\\", \\"n\\": 1}"}'


@pytest.mark.parametrize(("path", "rule"), list(kinds.ID_FIELDS.items()))
def test_the_text_of_an_id_field_gets_a_placeholder_of_its_own(path: tuple[str, ...], rule: tuple[str, str]) -> None:
    kind, required = rule
    value: Any = f"{required or 'jane'}-7"
    for step in reversed(path):
        value = {step: value}
    clean = scrubbed(body_of(value)).decode()
    for step in path:
        clean = json.dumps(json.loads(clean)[step])
    assert "jane" not in clean
    assert kind_of(json.loads(clean)) == kind


@pytest.mark.parametrize(
    "body",
    [
        b'{"tools":[{"input_schema":{"properties":{"user_id":{"type":"string"},"api_key":{"type":"string"}}}}]}',
        b'{"messages":[{"content":[{"type":"tool_use","input":{"metadata":{"user_id":"u-42"},"file_id":"file_x"}}]}]}',
        b'{"container":{"skills":[{"type":"anthropic","skill_id":"pptx"}]},"authorization_token":"","metadata":{}}',
        b'{"id":"msg_01EcyWo6m4hyW8KHs2y2pei5","request_id":"req_011CYVPF4iP8oD6Vsz1NhVih","container":null}',
        b'{"content":[{"type":"tool_use","id":"toolu_01A09q90qw90lq917835lq9"},{"id":"srvtoolu_01A09q90qw90lq917835lq"}]}',
        b'{"password":"mellon","max_tokens":10,"text":"My password is hunter2, my task-force risk-averse sk-learn"}',
        b'{"text":"commit 9fceb02d0ae598e95dc970b74767f19372d61af8, uuid 3f2b8c1e-9d4a-4e57-8b6f-0a1c2d3e4f50"}',
        b'{"text":"the organization_id field, an organization, Bearer of news, Basic knowledge, key=value, user@host"}',
        b'{"text":"file_search_tool_result_content_block container_registry_of_images skill_level_beginner"}',
        b'{ "a" : 1e3 , "a":1.0,"b" : "\\/ \\u00e9 \\ud83d\\ude00 \\u2028" ,\t"c":NaN }   ',
        "{'no': json} <p>é\u2028</p> data: {".encode(),
        b'\xff\xfe\x00binary "sk-" \x80',
        b'{"cut":"here and the',
        b"",
        b"event: ping\r\ndata : {}\r\n\r\n: comment\r\n\r\ndata: [DONE]\n\n",
    ],
)
def test_what_is_no_secret_stays_byte_for_byte(body: bytes) -> None:
    assert scrubbed(body) == body
    assert scrubber().response(Response(200, "OK", (), body)).body == body


OPAQUE: list[tuple[dict[str, Any], str]] = [
    ({"type": "thinking", "thinking": "hm"}, "signature"),
    ({"type": "signature_delta"}, "signature"),
    ({"type": "redacted_thinking"}, "data"),
    ({"type": "base64", "media_type": "image/png"}, "data"),
    ({"type": "web_search_result"}, "encrypted_content"),
    ({"type": "web_search_result_location"}, "encrypted_index"),
    ({"type": "encrypted_code_execution_result"}, "encrypted_stdout"),
]


def test_every_opaque_field_is_planted() -> None:
    assert {name for _, name in OPAQUE} == {*kinds.OPAQUE_FIELDS, "data"}
    assert {block["type"] for block, name in OPAQUE if name == "data"} == set(kinds.OPAQUE_DATA)


@pytest.mark.parametrize(("block", "name"), OPAQUE)
@pytest.mark.parametrize("first", [True, False])
def test_opaque_fields_return_unchanged_even_if_they_look_like_another_vendors_key(
    block: dict[str, Any], name: str, first: bool
) -> None:
    value = "EqQBCgIYAhIkZmFr" + "AKIA" + "IOSFODNN7EXAMPLE " + "ghp_" + "a1B2" * 9 + "=="
    whole = {name: value, **block} if first else {**block, name: value}
    body = body_of({"content": [whole], "metadata": {"user_id": "jane"}})
    assert scrubbed(body) == body.replace(b"jane", Placeholders(SALT).keyed("user-id", "jane").encode())
    event = f"data: {json.dumps({'type': 'content_block_delta', 'index': 0, 'delta': whole})}\n\n".encode()
    response = Response(200, "OK", (("content-type", "text/event-stream"),), event)
    assert scrubber().response(response) == response


def _user(name: str) -> Request:
    return Request("POST", URL, (), b'{"metadata":{"user_id":"%s"}}' % name.encode())


@pytest.mark.parametrize("block", [{"type": "text"}, {}, {"type": "document"}])
def test_data_that_is_no_media_is_text(block: dict[str, str]) -> None:
    assert json.loads(scrubbed(body_of({**block, "data": FAKES[0][1]})))["data"] == "<api-key>"


def test_a_tools_own_signature_is_text() -> None:
    body = {"content": [{"type": "tool_use", "input": {"signature": FAKES[0][1], "encrypted_content": FAKES[0][1]}}]}
    expected = {"signature": "<api-key>", "encrypted_content": "<api-key>"}
    assert json.loads(scrubbed(body_of(body)))["content"][0]["input"] == expected


# -- headers and URLs ------------------------------------------------------------------------------------------------

HEADERS = (
    ("Content-Type", "application/json"),
    ("accept", "application/json"),
    ("anthropic-version", "2023-06-01"),
    ("anthropic-beta", "a,b"),
    ("retry-after", "3"),
    ("retry-after-ms", "30"),
    ("x-should-retry", "true"),
    ("user-agent", "x"),
    ("content-length", "12"),
    ("content-encoding", "gzip"),
    ("transfer-encoding", "chunked"),
    ("x-stainless-lang", "python"),
    ("anthropic-organization-id", UUID),
    ("anthropic-workspace-id", "wrkspc_" + ID),
    ("anthropic-ratelimit-tokens-limit", "1"),
    ("cf-ray", "x"),
    *((name, "some credential value") for name in kinds.CREDENTIAL_HEADERS),
)


def test_only_headers_of_the_allow_list_are_stored_in_both_directions() -> None:
    kept = (*HEADERS[1:7],)
    expected = (("content-type", "application/json"), *kept)
    assert {name for name, _ in expected} == set(kinds.ALLOWED_HEADERS)
    assert scrubber().request(Request("POST", URL, HEADERS)).headers == expected
    assert scrubber().response(Response(200, "OK", HEADERS)).headers == expected


def test_the_request_id_is_stored_as_a_placeholder() -> None:
    request_id = "req_" + ID
    once = scrubber().response(Response(200, "OK", (("request-id", request_id),)))
    assert kind_of(once.headers[0][1]) == "request-id"
    assert scrubber().response(once) == once


def test_a_user_may_keep_and_drop_headers_by_name_and_glob_but_never_keep_a_credential() -> None:
    ours = Scrubber(
        salt=SALT, rules=["-header:user-agent", "-header:CF-*", "-header:*", "header:accept", "header:anthropic-*"]
    )
    assert ours.request(Request("POST", URL, HEADERS)).headers == tuple(
        (name.lower(), value if name != "anthropic-workspace-id" else "")
        for name, value in HEADERS
        if name not in kinds.CREDENTIAL_HEADERS and name != "accept" and not name.startswith("anthropic-")
    )
    with pytest.raises(SettingsError, match="'x-api-key' carries a credential"):
        scrubber("-header:x-api-key")
    with pytest.raises(SettingsError, match="carries a credential"):
        scrubber("-header:x-portkey-api-key")


@pytest.mark.parametrize("name", ["x-portkey-api-key", "x-auth-token", "x-client-secret", "cf-access-client-secret"])
def test_a_gateways_own_credential_header_is_never_kept_and_is_learned(name: str) -> None:
    ours = scrubber("-header:*")
    request = Request("POST", URL, ((name, LIVE),), body_of(message(f"my key is {LIVE}!")))
    clean = ours.request(request)
    assert clean.headers == ()
    assert text_of(clean.body) == "my key is <credential>!"


def test_a_kept_headers_value_is_scrubbed() -> None:
    ours = scrubber("-header:x-debug")
    clean = ours.request(Request("POST", URL, (("x-debug", f"key {FAKES[0][1]}"), ("anthropic-beta", FAKES[0][1]))))
    assert clean.headers == (("x-debug", "key <api-key>"), ("anthropic-beta", "<api-key>"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, URL),
        (f"{URL}?beta=true", f"{URL}?beta=true"),
        (f"{URL}?limit=20&stream=true&alt=sse&api-version=2024-05-01-preview", None),
        (f"{URL}?beta=hunter2", f"{URL}?beta=<query-7>"),
        ("https://me:hunter2@gate.example:8443/v1/messages", "https://gate.example:8443/v1/messages"),
        ("https://me@gate.example?x=1@2", "https://gate.example?x=<query-7>"),
        (f"{URL}?api_key=hunter2&beta=true#part", f"{URL}?api_key=<api-key>&beta=true#part"),
        (f"{URL}?sig=hunter2&key=hunter2&Token=hunter2", f"{URL}?sig=<api-key>&key=<api-key>&Token=<api-key>"),
        (f"{URL}?hunter2", f"{URL}?<query-7>"),
        (f"{URL}?beta&a=&", f"{URL}?beta&a=&"),
        (f"https://gate.example/{FAKES[0][1]}/v1/messages", "https://gate.example/<api-key>/v1/messages"),
        ("https://[bad/v1/messages?x=hunter2", "https://[bad/v1/messages?x=<query-7>"),
    ],
)
def test_a_url_loses_its_user_and_every_value_but_the_harmless_ones(url: str, expected: str | None) -> None:
    ours = scrubber()
    digits = {value: Placeholders(SALT).keyed("query", value) for value in ("hunter2", "1@2")}
    clean = ours.request(Request("GET", url)).url
    for value in digits.values():
        clean = clean.replace(value, "<query-7>")
    assert clean == (expected or url)
    assert ours.url(ours.url(url)) == ours.url(url)


def test_a_placeholder_in_a_url_stays_also_where_a_client_escapes_it() -> None:
    url = f"{URL}?page=%3Cquery-0123456789%3E&key=<api-key>"
    assert scrubber().url(url) == url.replace("%3C", "<").replace("%3E", ">")


# -- live credentials ------------------------------------------------------------------------------------------------

CARRIED = [
    Request("POST", URL, (("x-api-key", LIVE),)),
    Request("POST", URL, (("X-Api-Key", LIVE),)),
    Request("POST", URL, (("authorization", f"Bearer {LIVE}"),)),
    Request("POST", URL, (("authorization", f"bearer  {LIVE}"),)),
    Request("POST", URL, (("x-shinzo-api-key", LIVE),)),
    Request("POST", URL, (("x-goog-api-key", LIVE),)),
    Request("POST", URL, (("api-key", LIVE),)),
    Request("POST", URL, (("proxy-authorization", "Basic " + b64encode(f"me:{LIVE}".encode()).decode()),)),
    Request("POST", f"https://me:{quote(LIVE, safe='')}@gate.example/v1/messages"),
    Request("POST", f"{URL}?api_key={quote(LIVE)}"),
    Request("POST", URL, (), body_of({"mcp_servers": [{"authorization_token": LIVE}]})),
]


@pytest.mark.parametrize("request_", CARRIED, ids=str)
def test_a_live_credential_is_learned_from_wherever_a_request_carries_it(request_: Request) -> None:
    assert LIVE not in repr(request_)
    ours = scrubber()
    ours.learn(request_)
    assert ours.text(f"the key {LIVE} is wrong") == "the key <credential> is wrong"


def test_cookies_and_signatures_are_live_credentials_too() -> None:
    ours = scrubber()
    ours.learn(Request("POST", URL, (("cookie", "a=1; session=abcdefgh12345678; b=2"),)))
    signature = "0a1b" * 16
    signed = f"AWS4-HMAC-SHA256 Credential=x, SignedHeaders=content-type;host;x-amz-date, Signature={signature}"
    ours.learn(Request("POST", URL, (("authorization", signed),)))
    assert ours.text(f"abcdefgh12345678 {signature} content-type;host;x-amz-date") == (
        "<credential> <credential> content-type;host;x-amz-date"
    )


@pytest.mark.parametrize(
    "dummy", ["test", "EMPTY", "ollama", "sk-test", *sorted(kinds.DUMMIES), "<api-key>", "<bearer-token>"]
)
def test_known_dummies_and_short_values_are_no_credentials(dummy: str) -> None:
    ours = scrubber(secrets=(dummy,))
    ours.learn(Request("POST", URL, (("x-api-key", dummy), ("authorization", "Basic !"), ("idempotency-key", UUID))))
    assert ours.text(f"this is a {dummy} {UUID}") == f"this is a {dummy} {UUID}"


def _upper_hex(text: str) -> str:
    return text.encode().hex().upper()


def _twice_escaped(text: str) -> str:
    return json.dumps(json.dumps(json.dumps(text)))[1:-1]


SPELLINGS: dict[str, Any] = {
    "as it is": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "json, thrice": _twice_escaped,
    "json, every character": lambda text: "".join(f"\\u{ord(character):04X}" for character in text),
    "json, slashes": lambda text: text.replace("/", "\\/"),
    "python": lambda text: repr(text)[1:-1],
    "percent": lambda text: quote(text, safe=""),
    "percent, every character": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "html": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64, after one byte": lambda text: b64encode(b":" + text.encode()).decode(),
    "base64, after two bytes": lambda text: b64encode(b"u:" + text.encode() + b"!").decode(),
    "base64, for URLs": lambda text: b64encode(b"u:" + text.encode()).decode().replace("+", "-").replace("/", "_"),
    "hex": lambda text: text.encode().hex(),
    "HEX": _upper_hex,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", [LIVE, 'pass"word\\with/everything&é', FAKES[0][1]])
def test_a_live_credential_is_found_in_every_spelling(spelling: str, secret: str) -> None:
    spelled = SPELLINGS[spelling](secret)
    ours = scrubber(secrets=(secret,))
    for text in (f"see {spelled} there", f"{spelled}"):
        assert json.loads(ours.request(Request("POST", URL, (), body_of(message(text)))).body)
        clean = text_of(ours.request(Request("POST", URL, (), body_of(message(text)))).body)
        assert spelled[4:-4] not in clean
        assert ours.text(clean) == clean
        assert ours.gate().check(json.dumps(clean)).leaks == ()
    assert ours.gate().check(json.dumps(message(spelled))).leaks != ()


@pytest.mark.parametrize("prefix", ["", "u:", "me:x"])
@pytest.mark.parametrize("fake", [FAKES[0][1], FAKES[4][1]])
def test_the_apis_own_keys_are_found_in_base64_without_being_known(prefix: str, fake: str) -> None:
    encoded = b64encode(f"{prefix}{fake}".encode()).decode()
    kind = "shinzo-api-key" if "shinzo" in fake else "api-key"
    assert scrubber().text(f"Basic: {encoded}").rstrip("=") == f"Basic: <{kind}>"


# -- bodies: places, cuts, laws --------------------------------------------------------------------------------------

NOT_KEYED = [(kind, fake) for kind, fake in FAKES if constant_or_keyed(kind).endswith(">")]
fakes = st.sampled_from(FAKES)
words = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)


@st.composite
def planted_json(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a JSON text and the fake that stands somewhere in it: in a value, in a key, after a line break, escaped."""
    _, fake = draw(fakes)
    text = draw(words) + draw(st.sampled_from(["\n", " ", '"', "\\", "\t", "é", "(", "\u2028"])) + fake
    text += draw(st.sampled_from(["", "\n", '"', " x", "\\"]))
    value: Any = {text: 1} if draw(st.booleans()) else text
    for _ in range(draw(st.integers(0, 4))):
        value = draw(
            st.sampled_from([{"a": value, "b": [1.5, None]}, [value, "x"], json.dumps(value), {"content": value}])
        )
    if draw(st.booleans()):
        value = json.dumps(value)
    return json.dumps({"v": value}, ensure_ascii=draw(st.booleans())), fake


@settings(max_examples=100, deadline=None)
@given(planted_json())
def test_no_fake_survives_anywhere_in_json_and_the_rest_stays_json(planted: tuple[str, str]) -> None:
    text, fake = planted
    clean = scrubbed(text.encode())
    assert fake.encode() not in clean
    assert json.loads(clean).keys() == {"v"}
    assert scrubbed(clean) == clean


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    """Draw a way to cut a text into pieces, empty ones included."""
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


DELTAS = [
    ("text_delta", "text"),
    ("input_json_delta", "partial_json"),
    ("thinking_delta", "thinking"),
    ("new_delta", "x"),
]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_fake_survives_in_a_stream_however_it_is_cut(data: st.DataObject) -> None:
    kind, fake = data.draw(fakes)
    delta_type, field = data.draw(st.sampled_from(DELTAS))
    before = data.draw(st.sampled_from(["", "see ", "é\n", '{"k": "', '{"k": "a\\n']))
    pieces = data.draw(cut(before + fake + " end"))
    events = [delta(piece, kind=delta_type, field=field) for piece in pieces]
    if data.draw(st.booleans()):
        events.insert(1, "event: ping\ndata: {}\n\n")
    recorded = stream(*events)
    clean = scrubber().response(recorded)
    assert fake not in joined(clean.body, field)
    text = joined(clean.body, field)
    assert text.startswith(before)
    assert kind_of(text.removeprefix(before).removesuffix(" end")) == kind
    assert scrubber().response(clean) == clean
    assert clean.body.count(b"\n\n") == recorded.body.count(b"\n\n")
    assert [clean.body[chunk.end - 2 : chunk.end] for chunk in clean.chunks] == [b"\n\n"] * len(recorded.chunks)
    assert clean.chunks[-1].end == len(clean.body)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_live_credential_and_a_field_are_found_across_deltas(data: st.DataObject) -> None:
    text = '{"note": "' + LIVE + '", "api_key": "hunter2"}'
    pieces = data.draw(cut(text))
    events = [delta(piece, kind="input_json_delta", field="partial_json") for piece in pieces]
    clean = scrubber(secrets=(LIVE,)).response(stream(*events))
    assert joined(clean.body, "partial_json") == '{"note": "<credential>", "api_key": "<api-key>"}'


def test_the_pieces_of_one_block_are_joined_though_another_block_comes_between() -> None:
    key = FAKES[0][1]
    events = [delta(key[:9]), delta("other", index=1), delta(key[9:30]), delta(key[30:] + " end")]
    clean = scrubber().response(stream(*events))
    assert clean.body.decode() == "".join([delta("<api-key>"), delta("other", index=1), delta(""), delta(" end")])


def test_a_key_that_begins_in_the_start_of_a_block_is_found() -> None:
    key = FAKES[0][1]
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": key[:12]}}
    body = f"data: {json.dumps(start)}\n\n" + delta(key[12:])
    clean = scrubber().response(Response(200, "OK", (), body.encode()))
    assert clean.body.decode() == f"data: {json.dumps(start)}\n\n".replace(key[:12], "<api-key>") + delta("")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("space", ["", " "])
def test_streams_are_read_in_every_framing_and_cut_anywhere(newline: str, space: str) -> None:
    key = FAKES[0][1]
    events = delta(key[:20]) + delta(key[20:])
    body = "\ufeff: keep-alive\n\n" + events.replace("data: ", f"data:{space}")
    whole = body.replace("\n", newline).encode()
    for end in (len(whole), len(whole) - 9, len(whole) - 30):
        clean = scrubber().response(Response(200, "OK", (), whole[:end], ended=Ended.DROPPED, error="ReadError")).body
        assert key[20:40].encode() not in clean
        assert clean.count(newline.encode()) == whole[:end].count(newline.encode())
        assert scrubber().response(Response(200, "OK", (), clean)).body == clean


def test_a_stream_nested_deeper_than_a_parser_goes_is_read() -> None:
    deep = '{"delta":' + '{"x":' * 1500 + "1" + "}" * 1501
    body = f"data: {deep}\n\n" + delta(FAKES[0][1][:20]) + delta(FAKES[0][1][20:])
    clean = scrubber().response(Response(200, "OK", (), body.encode())).body.decode()
    assert clean == f"data: {deep}\n\n" + delta("<api-key>") + delta("")


def test_deltas_of_another_dialect_are_joined() -> None:
    pieces = (FAKES[0][1][:20], FAKES[0][1][20:])
    body = "".join(f'data: {{"choices":[{{"delta":{{"content":"{piece}"}}}},"x"]}}\n\n' for piece in pieces)
    body += 'data: 1\n\ndata: {"delta": "x"}\n\ndata: {"delta": "y"}\n\n'
    clean = scrubber().response(Response(200, "OK", (), body.encode())).body.decode()
    assert clean == body.replace(pieces[0], "<api-key>").replace(pieces[1], "")


def test_an_event_over_several_data_lines_is_read_as_one() -> None:
    key = FAKES[0][1]
    body = "".join(
        f'data: {{"type":"content_block_delta","index":0,\ndata: "delta":{{"type":"text_delta","text":"{piece}"}}}}\n\n'
        for piece in (key[:20], key[20:])
    )
    clean = scrubber().response(Response(200, "OK", (), body.encode())).body.decode()
    assert clean == body.replace(key[:20], "<api-key>").replace(key[20:], "")


@pytest.mark.parametrize(
    "line",
    [
        ": {}\n\n",
        "event: {}\ndata: 1\n\n",
        "id: {}\n\n",
        "data: {}\n\n",
        "retry: 1\n\nrubbish {}\n\n",
        "data: [1\n\n: {}\n\n",
    ],
)
def test_a_key_in_any_line_of_a_stream_is_found(line: str) -> None:
    body = "event: ping\ndata: {}\n\n" + line.format(FAKES[0][1])
    clean = scrubber().response(Response(200, "OK", (), body.encode())).body.decode()
    assert clean == "event: ping\ndata: {}\n\n" + line.format("<api-key>")


def test_a_key_in_broken_json_and_in_no_json_at_all_is_found() -> None:
    key = FAKES[0][1]
    for text in ('{{"a": {}, "b', '{{"a":1}}}}]] {} {{', "<html>{}</html>", 'a "quoted {} text', "name={}&x=1", "[{}"):
        assert scrubbed(text.format(key).encode()).decode() == text.format("<api-key>")


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_taken_and_scrubbing_twice_is_scrubbing_once(body: bytes) -> None:
    once = scrubbed(body, "email", "x+ -> y")
    assert scrubbed(once, "email", "x+ -> y") == once


@settings(max_examples=40, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | words, lambda c: st.lists(c) | st.dictionaries(words, c)))
def test_json_without_secrets_stays_byte_for_byte(value: object) -> None:
    for body in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=3), delta(json.dumps(value)) * 2):
        assert scrubbed(body.encode()) == body.encode()


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(6)), st.integers(1, 6))
def test_placeholders_do_not_depend_on_order_or_on_what_else_was_seen(order: list[int], subset: int) -> None:
    requests = [_user(name) for name in ("a", "b", "a", "c")]
    requests += [Request("POST", f"{URL}?page={number}", (), body_of(message("file_" + ID))) for number in (1, 2)]
    alone = [scrubber().request(request) for request in requests]
    ours = scrubber()
    assert {n: ours.request(requests[n]) for n in order[:subset]} == {n: alone[n] for n in order[:subset]}
    assert len({request.body for request in alone[:4]}) == 3
    assert alone[4] != alone[5]


def test_placeholders_differ_by_salt_and_kind_and_credentials_are_constants() -> None:
    other = Scrubber(salt=new_salt("another"))
    assert other.request(_user("a")) != scrubber().request(_user("a"))
    assert other.text(FAKES[0][1]) == scrubber().text(FAKES[1][1]) == "<api-key>"
    assert Placeholders("s").keyed("a", "v")[3:] != Placeholders("s").keyed("b", "v")[3:]
    assert new_salt("test_scrubbing") == SALT
    assert len(SALT) == 32


@pytest.mark.parametrize("value", ["<jane>", "<hunter-0123456789>", "<user-id-jane>", "<api_key>", "&lt;api-key&gt;"])
def test_what_only_looks_like_a_placeholder_is_replaced(value: str) -> None:
    body = {"metadata": {"user_id": value}, "api_key": value}
    clean = json.loads(scrubbed(body_of(body)))
    assert kind_of(clean["metadata"]["user_id"]) == "user-id"
    assert clean["api_key"] == "<api-key>"


@pytest.mark.parametrize("masked", ["REDACTED", "**REDACTED**", "[FILTERED]", "XXXX", "sk-***", "Bearer <redacted>"])
def test_what_another_tool_masked_stays(masked: str) -> None:
    body = body_of({"api_key": masked})
    assert scrubbed(body) == body


def test_two_values_with_the_same_digits_stop_the_recording() -> None:
    placeholders = Placeholders(SALT, digits=1)
    with pytest.raises(PlaceholderCollisionError, match="two different values of the kind 'user-id'") as caught:
        [placeholders.keyed("user-id", f"jane-{number}") for number in range(17)]
    assert caught.value.kind == "user-id"
    assert "jane" not in "".join(traceback.format_exception_only(caught.value))
    assert repr(placeholders).startswith("<Placeholders (")


# -- responses -------------------------------------------------------------------------------------------------------


def test_account_ids_that_the_headers_tell_are_replaced_in_the_same_message() -> None:
    headers = (
        ("anthropic-organization-id", UUID),
        ("content-type", "application/json"),
        ("anthropic-workspace-id", "w"),
    )
    response = Response(
        429, f"for {FAKES[0][1]}", headers, body_of({"error": {"message": f"limit of {UUID} ({UUID})"}})
    )
    clean = scrubber().response(response)
    placeholder = Placeholders(SALT).keyed("organization-id", UUID)
    assert json.loads(clean.body) == {"error": {"message": f"limit of {placeholder} ({placeholder})"}}
    assert clean.reason == "for <api-key>"


@pytest.mark.parametrize(
    ("at", "moved"), [(0, 0), (20, 20), (24, 24), (25, 33), (118, 33), (-5, 33), (-4, 34), (-1, 37)]
)
def test_chunks_follow_the_body_and_clamp_within_a_replaced_text(at: int, moved: int) -> None:
    body = "é".encode() * 12 + FAKES[0][1].encode() + b" rest"
    assert len(FAKES[0][1]) > 94
    chunks = (Chunk(1, at if at >= 0 else len(body) + at), Chunk(2, len(body)))
    clean = scrubber().response(Response(200, "", (), body, chunks))
    assert clean.body == "é".encode() * 12 + b"<api-key> rest"
    assert clean.chunks == (Chunk(1, moved), Chunk(2, 38))


def test_the_last_chunk_ends_with_the_body_and_unchanged_bodies_keep_their_chunks() -> None:
    body = FAKES[0][1].encode()
    assert scrubber().response(Response(200, "", (), body, (Chunk(1, 5),))).chunks == (Chunk(1, 9),)
    plain = Response(200, "", (), b"plain", (Chunk(1, 2),))
    assert scrubber().response(plain).chunks == (Chunk(1, 2),)


def test_an_interaction_keeps_how_it_was_recorded_and_scrubbing_twice_is_scrubbing_once() -> None:
    recording = Recording(at="2026-01-01T00:00:00Z", test=f"t[{FAKES[0][1]}]", provider="anthropic")
    request = Request("POST", URL, (("x-api-key", LIVE),), body_of(message(LIVE)))
    response = Response(401, "", (), body_of({"error": f"bad key {LIVE}"}))
    once = scrubber().interaction(Interaction(request, (response, recording)))
    assert once.recording == replace(recording, test="t[<api-key>]")
    assert json.loads(once.response.body) == {"error": "bad key <credential>"}
    assert scrubber().interaction(once) == once


# -- the user's rules ------------------------------------------------------------------------------------------------


def test_a_pattern_replaces_in_texts_keys_streams_and_urls() -> None:
    ours = scrubber(r"ACME-\d+ -> <tick\"et>")
    assert text_of(ours.request(Request("POST", URL, (), body_of(message("on ACME-17\n")))).body) == 'on <tick\\"et>\n'
    clean = ours.response(stream(delta("on AC"), delta("ME-1"), delta("7 now")))
    assert joined(clean.body) == 'on <tick\\"et> now'
    assert ours.text("ACME-17") == '<tick\\"et>'


def test_a_pattern_may_find_nothing_in_places_and_its_own_placeholder() -> None:
    assert scrubber("(?=x)|ACME|<t> -> <t>").text("xx ACME <t>") == "xx <t> <t>"


def test_a_pattern_leaves_opaque_fields_alone() -> None:
    body = body_of({"type": "thinking", "signature": "ACME-17"})
    assert scrubbed(body, "ACME-17 -> <t>") == body


def test_a_json_path_replaces_texts_and_numbers_wherever_it_leads() -> None:
    body = b'{"tools": [{"x": "\\u0041", "n": 1e3, "o": {"p": ["q", true, null, ""]}}], "x": "A"}'
    assert json.loads(scrubbed(body, "$.tools[*] -> <mine>")) == {
        "tools": [{"x": "<mine>", "n": "<mine>", "o": {"p": ["<mine>", True, None, ""]}}],
        "x": "A",
    }
    keyed = scrubbed(body, "$.tools[0].x", "$.x")
    values = json.loads(keyed)
    assert values["x"] == values["tools"][0]["x"]
    assert kind_of(values["x"]) == "value"
    assert scrubbed(keyed, "$.tools[0].x", "$.x") == keyed
    assert scrubbed(b"no json", "$.x") == b"no json"
    event = b'data: {"x": "A"}\n\ndata: {\n\n'
    assert scrubber("$.x -> <mine>").response(Response(200, "", (), event)).body == event.replace(b'"A"', b'"<mine>"')


def test_user_location_and_password_are_rules_by_field() -> None:
    location = {"type": "approximate", "city": "Oslo", "country": "NO"}
    body = body_of({"tools": [{"user_location": location}], "password": "mellon"})
    assert scrubbed(body) == body
    clean = json.loads(scrubbed(body, "user_location", "password"))
    assert kind_of(clean["tools"][0]["user_location"]["city"]) == "location"
    assert kind_of(clean["password"]) == "password"
    assert json.loads(scrubbed(body, "password", "-password")) == json.loads(body)


def test_a_built_in_rule_can_be_taken_out_and_put_back_but_not_the_apis_own() -> None:
    fake = dict(FAKES)["aws-access-key"]
    assert scrubber("-aws-access-key").text(fake) == fake
    assert scrubber("-aws-access-key", "aws-access-key").text(fake) == "<aws-access-key>"
    assert scrubber("-aws-access-key").gate().check(fake).leaks == ()
    with pytest.raises(SettingsError, match="'api-key' cannot be taken out; these can: private-key"):
        scrubber("-api-key")


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("emial", "'emial' is no rule; there are email"),
        ("-nothing", "'nothing' cannot be taken out"),
        ("( -> x", "is no regular expression"),
        ("x* -> y", "finds nothing everywhere"),
        ("x -> axb", "finds its own placeholder"),
        ("$.[", "is no JSONPath"),
        (7, "an entry is text, not int"),
    ],
)
def test_an_entry_that_means_nothing_is_an_error_that_names_it(entry: Any, complaint: str) -> None:
    with pytest.raises(SettingsError, match=r"^scrub: ") as caught:
        scrubber(entry)
    assert complaint in str(caught.value)


def test_optional_rules_are_named_for_the_documentation() -> None:
    assert OPTIONAL_RULES == ("email", "phone", "ip-address", "home-directory", "user_location", "password")


def test_rules_that_undo_each_other_stop_the_save() -> None:
    with pytest.raises(ScrubError, match="never comes to rest"):
        scrubber("a -> b", "b -> a").text("a")


def test_a_rule_that_raises_stops_the_save_without_showing_what_it_saw() -> None:
    ours = scrubber("$..x")
    deep = b'{"x":' * 900 + b'"hunter2"' + b"}" * 900
    with pytest.raises(ScrubError, match="failed: ") as caught:
        ours.request(Request("POST", URL, (), deep))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value, limit=0))


# -- nothing secret shows --------------------------------------------------------------------------------------------


def test_nothing_secret_shows_in_any_repr_or_pickle() -> None:
    ours = scrubber(secrets=(LIVE,))
    ours.learn(Request("POST", URL, (("x-api-key", FAKES[0][1]),)))
    finder = Finder(read_rules([]).shapes, Credentials([LIVE]))
    findings = [*finder.findings(f"{LIVE} {FAKES[0][1]} file_{ID}")]
    shown = f"{ours!r} {ours.gate()!r} {finder!r} {findings!r} {finder.credentials!r}"
    assert [fake for fake in (LIVE, FAKES[0][1], ID) if fake in shown] == []
    assert len(findings) == 3
    assert LIVE.encode() not in pickle.dumps(finder.credentials)


def test_no_other_module_makes_scrubbed_values() -> None:
    makers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", ""))
        in {"Scrubbed", "ScrubbedInteraction"}
    }
    assert makers == {"scrubbing/scrubber.py"}


def test_many_threads_may_use_one_scrubber() -> None:
    from concurrent.futures import ThreadPoolExecutor

    ours = scrubber()
    keys = [f"live key number {number:04}" for number in range(60)]
    random.Random(7).shuffle(keys)  # noqa: S311 - an order

    def call(key: str) -> str:
        return text_of(ours.request(Request("POST", URL, (("x-api-key", key),), body_of(message(key)))).body)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, keys)) == {"<credential>"}
    assert {ours.text(key) for key in keys} == {"<credential>"}


def test_more_header_values_than_are_remembered_are_still_scrubbed() -> None:
    ours = scrubber()
    for number in range(600):
        assert ours.url(f"{URL}?key=x{number}") == f"{URL}?key=<api-key>"


# --- ids keep their form ----------------------------------------------------------------------------------------------

REMOVABLE = sorted({shape.kind for shape in kinds.SHAPES if not shape.core})
FILE = "file_011CYVPF4iP8oD6Vsz1NhVih"


@pytest.mark.parametrize("kind", REMOVABLE)
def test_every_rule_that_can_be_taken_out_takes_out_what_it_names(kind: str) -> None:
    """Of fields as of texts: neither the scrubber nor the gate finds anything of the kind any more."""
    kept = Scrubber(salt="s", rules=[f"-{kind}"])
    fields = [path for path, (named, _) in kinds.ID_FIELDS.items() if named == kind]
    for path in fields:
        value: Any = f"{kinds.PREFIXES.get(kind, '')}my-own-7"
        for step in reversed(path):
            value = {step: value}
        body = json.dumps(value).encode()
        assert kept.request(Request("POST", "https://h/", (), body)).body == body
        assert kept.gate().check(body.decode()).leaks == ()
    for name in (name for name, named in kinds.CREDENTIAL_FIELDS.items() if named == kind):
        body = json.dumps({name: "Zq7" * 12}).encode()
        assert kept.request(Request("POST", "https://h/", (), body)).body == body
        assert kept.gate().check(body.decode()).leaks == ()
    for fake in (fake for known, fake in FAKES if known == kind):
        assert kind not in {found.kind for found in Finder(read_rules([f"-{kind}"]).shapes, Credentials()).find(fake)}


@pytest.mark.parametrize(("kind", "prefix"), kinds.PREFIXES.items())
def test_an_id_keeps_its_form_and_is_the_same_wherever_it_stands(kind: str, prefix: str) -> None:
    real = f"{prefix}011CYVPF4iP8oD6Vsz1NhVih"
    clean = scrubber().text(real)
    assert clean.startswith(f"{prefix}placeholder")
    assert clean.replace("_", "").isalnum()
    assert clean == scrubber().text(real) == scrubber().text(clean)
    assert scrubber().url(f"https://h/v1/x/{real}/content") == f"https://h/v1/x/{clean}/content"
    assert kind_of(clean) == kind


def test_an_id_that_is_short_is_the_same_in_a_field_and_in_a_path() -> None:
    named = json.loads(scrubber().text('{"file_id":"file_abc"}'))["file_id"]
    assert named.startswith("file_placeholder")
    assert scrubber().url("https://h/v1/files/file_abc") == f"https://h/v1/files/{named}"
    assert Scrubber(salt="s", rules=["-file-id"]).url("https://h/v1/files/file_abc") == "https://h/v1/files/file_abc"


def test_a_placeholder_of_before_stands_for_the_same_id() -> None:
    """A cassette of before holds the older form, its client sends it back or the id itself: all are one."""
    now = scrubber().text(FILE)
    before = f"<file-id-{now.removeprefix('file_placeholder')}>"
    urls = (f"https://h/v1/files/{part}" for part in (FILE, now, before, quote(before)))
    assert {scrubber().url(url) for url in urls} == {f"https://h/v1/files/{now}"}
    bodies = (json.dumps({"file_id": value}).encode() for value in (FILE, now, before))
    assert len({scrubber().request(Request("POST", "https://h/", (), body)).body for body in bodies}) == 1


# --- redirects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "stored"),
    [
        ("/v1/messages/", "/v1/messages/"),
        ("?beta=true", "?beta=true"),
        ("https://jane:hunter2@h.example/v1/messages?beta=true#x", "https://h.example/v1/messages?beta=true#x"),
        ("//jane:hunter2@h.example/v1", "//h.example/v1"),
        ("https://h/f?sig=0123456789abcdef&stream=true", "https://h/f?sig=<api-key>&stream=true"),
    ],
)
def test_where_a_redirect_leads_is_kept_as_a_url_without_its_secrets(location: str, stored: str) -> None:
    clean = scrubber().response(Response(307, "", (("Location", location),), b""))
    assert clean.headers == (("location", stored),)
    assert scrubber().response(clean) == clean
    assert scrubber().response(Response(201, "", (("location", location),), b"")).headers == ()
