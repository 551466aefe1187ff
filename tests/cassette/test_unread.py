"""What other tools put beside the interactions of HTTP comes through a rewrite, or the file is refused by name."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_messages.cassette import store
from pytest_messages.cassette.document import Cassette
from pytest_messages.cassette.reading import load
from pytest_messages.cassette.writing import dump
from pytest_messages.cassette.yaml_tree import SAFE_LOADER
from pytest_messages.commands.at_rest import rewrite
from pytest_messages.errors import CassetteFormatError, SecretLeakError
from pytest_messages.scrubbing import Scrubber

if TYPE_CHECKING:
    from pathlib import Path

HTTP = """\
version: 1
interactions:
- request:
    method: POST
    uri: https://api.anthropic.com/v1/messages
    headers: {}
    body: {type: json, content: {model: m}}
  response:
    status: 200
    headers: {}
    body: {type: json, content: {a: b}}
  recorded_at: 2026-01-01T00:00:00Z
"""
BESIDE = """\
grpc_interactions:
- request: {method: /a.B/C, metadata: {}, body: {type: binary, content: "0102"}}
  response: {status_code: 0, status_message: "", metadata: {}, body: {type: none}}
  json_debug: {a: 1, b: [true, null, 1.5]}
ws_interactions:
- uri: wss://api.example.com/live
  frames:
  - {direction: sent, frame_type: text, body: {type: text, content: "{\\"hello\\": \\"w\\\\nö 😀\\"}"}, offset_ms: 5}
  - {direction: received, frame_type: binary, body: !!binary "AAE="}
"""


def values(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), SAFE_LOADER)  # noqa: S506 - it is a safe loader


def test_a_rewrite_keeps_what_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text(HTTP + BESIDE, encoding="utf-8")
    before = values(path)
    assert rewrite(path, secrets=frozenset())
    after = values(path)
    for key in ("grpc_interactions", "ws_interactions"):
        assert after[key] == before[key]
    assert len(store.read(path).interactions) == 1
    assert not rewrite(path, secrets=frozenset()), "a second rewrite changes nothing"


def test_recording_anew_keeps_it_too(tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text(HTTP + BESIDE, encoding="utf-8")
    before = values(path)
    store.put(path, store.Draft(), gate=Scrubber(salt="").gate())
    assert values(path)["ws_interactions"] == before["ws_interactions"]


def test_a_file_of_nothing_else_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "ws.yaml"
    path.write_text("version: 1\ninteractions: []\n" + BESIDE, encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(CassetteFormatError, match="grpc_interactions and ws_interactions, and only HTTP"):
        rewrite(path, secrets=frozenset())
    assert path.read_bytes() == before


def test_a_secret_in_it_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    key = "sk-ant-" + "api03-" + "A1b2" * 23 + "AA"
    path.write_text(HTTP + BESIDE.replace("/live", f"/live?key={key}"), encoding="utf-8")
    with pytest.raises(SecretLeakError, match=r"ws_interactions\[0\]\.uri"):
        rewrite(path, secrets=frozenset())


def test_what_no_reader_would_take_back_is_refused() -> None:
    deep = '{"interactions": [], "x": ' + "[" * 250 + "]" * 250 + "}"
    with pytest.raises(CassetteFormatError, match="nested too deeply"):
        load(deep, "deep.json")


TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(st.dictionaries(TEXT.map("x_".__add__), JSON, max_size=3))
def test_whatever_stands_there_is_read_back(unread: dict[str, Any]) -> None:
    assert load(dump(Cassette(unread=unread)), "any.yaml").unread == unread


def test_a_key_longer_than_yaml_lets_stand_bare_is_read_back() -> None:
    unread = {"x" * 5_000: [{"y" * 5_000: [{"z": 1}]}]}
    assert load(dump(Cassette(unread=unread)), "any.yaml").unread == unread


@pytest.mark.parametrize("stored", ["@@@", "AAE", "AAE=é", "=AAE"])
def test_bytes_that_are_not_base64_are_an_error_with_a_place(stored: str) -> None:
    text = HTTP.replace("{type: json, content: {a: b}}", f"{{string: !!binary '{stored}'}}")
    with pytest.raises(CassetteFormatError, match=r"^odd.yaml:11:\d+: this is not base64: restore") as caught:
        load(text, "odd.yaml")
    assert caught.value.line == 11


def test_base64_in_many_lines_is_read() -> None:
    text = HTTP.replace("{type: json, content: {a: b}}", "{string: !!binary 'AA\n\n      E='}")
    assert load(text, "lines.yaml").interactions[0].response.body == b"\0\1"


WITHOUT_LIBYAML = """
import sys
sys.modules["yaml._yaml"] = None
import yaml
assert not yaml.__with_libyaml__ and not hasattr(yaml, "CSafeLoader")
from pathlib import Path
from pytest_messages.cassette import store
from pytest_messages.commands.at_rest import audit, rewrite
from pytest_messages.errors import CassetteFormatError
path = Path(sys.argv[1])
assert rewrite(path, secrets=frozenset())
assert len(store.read(path).interactions) == 1
assert [each.leaks for each in audit([path], secrets=frozenset())] == [()]
path.write_text("interactions: [\\n")
try:
    store.read(path)
except CassetteFormatError as error:
    print(type(error).__name__, error.line)
"""


def test_a_pyyaml_without_libyaml_does_as_well(tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text(HTTP + BESIDE, encoding="utf-8")
    command = [sys.executable, "-c", WITHOUT_LIBYAML, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["CassetteFormatError", "2"]
