"""Two requests are compared exactly: by key when one is looked up, by path when there is none."""

from __future__ import annotations

import copy
import json
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_messages.errors import SettingsError
from pytest_messages.findings import ABSENT, Difference
from pytest_messages.matching import BUILTIN, PARTS, Matching
from pytest_messages.wire import Request, Scrubbed

API = "https://api.anthropic.com/v1/messages"


def ask(
    body: object = None, *, url: str = API, method: str = "POST", headers: dict[str, str] | None = None
) -> Scrubbed:
    """A request as scrubbing would hand it over."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Scrubbed(Request(method, url, tuple((headers or {}).items()), raw))


def say(*texts: str, **fields: object) -> dict[str, Any]:
    """A body with these texts as turns, the user first."""
    turns = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]
    return {"model": "m", "max_tokens": 9, "messages": turns, **fields}


def answers(matching: Matching, recorded: Scrubbed, live: Scrubbed) -> bool:
    """Whether the two agree, asserted to be told alike by key and by comparison."""
    alike = matching.recorded_key(recorded) == matching.key(live) and matching.agrees(recorded, live)
    assert alike == (matching.compare(recorded, live) == ())
    return alike


# --- the parts --------------------------------------------------------------------------------------------------------

OTHER = {
    "method": ask(say("hi"), method="PUT"),
    "host": ask(say("hi"), url="https://api.shuyou.example/v1/messages"),
    "path": ask(say("hi"), url="https://api.anthropic.com/v1/messages/count_tokens"),
    "query": ask(say("hi"), url=API + "?beta=true"),
    "body": ask(say("ho")),
}


@pytest.mark.parametrize("name", BUILTIN)
def test_each_built_in_name_bites_and_can_be_taken_out(name: str) -> None:
    assert set(OTHER) == set(PARTS) == set(BUILTIN)
    assert not answers(Matching(), ask(say("hi")), OTHER[name])
    assert answers(Matching(match_on=[f"-{name}"]), ask(say("hi")), OTHER[name])


def test_each_part_says_what_was_recorded_and_what_was_sent() -> None:
    found = {name: Matching().compare(ask(say("hi")), other) for name, other in OTHER.items()}
    assert found == {
        "method": (Difference("method", "POST", "PUT", "method"),),
        "host": (Difference("host", "api.anthropic.com", "api.shuyou.example", "host"),),
        "path": (Difference("path", "/v1/messages", "/v1/messages/count_tokens", "path"),),
        "query": (Difference("query", "", "beta=true", "query"),),
        "body": (Difference("messages[0].content", "hi", "ho"),),
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (API, "https://API.Anthropic.com:443/v1/messages#part"),
        (API, "https://user@api.anthropic.com./v1/messages"),
        ("https://h", "https://h/"),
        (API + "?a=1&b=2", API + "?b=2&a=1"),
        (API + "?a=x%20y", API + "?a=x+y"),
        ("http://[::1", "http://[::1"),
    ],
)
def test_the_spelling_of_a_url_does_not_count(one: str, other: str) -> None:
    assert answers(Matching(), ask(url=one), ask(url=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (API, "http://api.anthropic.com:443/v1/messages"),
        (API, API + "/"),
        (API + "?a=1", API + "?a=1&a=1"),
        (API + "?a", API),
        (API + "?a=%FF", API + "?a=%FE"),
        ("http://[::1", "http://[::2"),
        ("http://h:port/", "http://h:prot/"),
        ("http://localhost/", "http://example.org/"),
    ],
)
def test_what_a_url_means_counts(one: str, other: str) -> None:
    assert not answers(Matching(), ask(url=one), ask(url=other))


def test_credentials_versions_and_telemetry_are_not_compared() -> None:
    old = ask(say("hi"), headers={"anthropic-version": "2023-06-01", "x-stainless-lang": "python", "x-api-key": "a"})
    assert answers(Matching(), old, ask(say("hi"), headers={"anthropic-version": "2026-10-21"}))


def test_a_header_is_compared_on_demand() -> None:
    matching = Matching(match_on=["header:Anthropic-Beta"])
    beta = ask(say("hi"), headers={"anthropic-beta": "x-1"})
    assert answers(matching, beta, beta)
    assert matching.compare(beta, ask(say("hi"))) == (
        Difference("header:anthropic-beta", "x-1", ABSENT, "header:anthropic-beta"),
    )
    assert not answers(matching, ask(say("hi")), ask(say("hi"), headers={"anthropic-beta": ""}))


@pytest.mark.parametrize("name", ["boody", "-boody", "header:", "Users"])
def test_an_unknown_name_is_refused_with_the_alternatives(name: str) -> None:
    with pytest.raises(SettingsError, match=r"there are method, host, path, query, body, user_id, header:<name>"):
        Matching(match_on=[name])


def test_a_callable_is_asked_for_what_no_name_says() -> None:
    def same_model(recorded: Scrubbed, live: Scrubbed, /) -> Difference | None:
        ours, theirs = json.loads(recorded.body)["model"], json.loads(live.body)["model"]
        return None if ours == theirs else Difference("model", ours, theirs, "same_model")

    matching = Matching(match_on=["-body", same_model])
    assert answers(matching, ask(say("hi")), ask(say("ho")))
    assert matching.custom
    assert not Matching(match_on=["-body"]).custom
    assert not answers(matching, ask(say("hi")), ask(say("ho", model="n")))
    assert matching.compare(ask(say("hi")), ask(say("ho", model="n"))) == (Difference("model", "m", "n", "same_model"),)


# --- the user ---------------------------------------------------------------------------------------------------------

ANN, BOB = ask(say("hi", metadata={"user_id": "ann"})), ask(say("hi", metadata={"user_id": "bob"}))


def test_of_the_user_only_the_presence_is_compared() -> None:
    assert answers(Matching(), ANN, BOB)
    assert not answers(Matching(), ANN, ask(say("hi", metadata={})))
    assert not answers(Matching(), ANN, ask(say("hi", metadata={"user_id": None})))
    assert not answers(Matching(), ask(say("hi", metadata=[])), BOB)


@pytest.mark.parametrize(
    "matching",
    [
        Matching(match_on=["user_id"]),
        Matching(groups=lambda url: url.startswith("https://api.")),
        Matching(match_on=["-body", "user_id"]),
    ],
)
def test_the_value_is_compared_where_the_provider_groups_by_it_or_the_user_asks(matching: Matching) -> None:
    assert answers(matching, ANN, ANN)
    assert not answers(matching, ANN, BOB)
    assert matching.compare(ANN, BOB) == (Difference("metadata.user_id", "ann", "bob", "user_id"),)
    nobody = matching.compare(ANN, ask(say("hi", metadata={})))
    assert [(found.path, found.sent) for found in nobody] == [("metadata.user_id", ABSENT)]


# --- the body ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a": 1, "b": [1, 2]}', b'{"b":[1,2],\n "a":1}'),
        (b'{"a": 1}', b'{"a": 1.0}'),
        (b'{"a": 100}', b'{"a": 1e2}'),
        (b'{"a": 0}', b'{"a": -0.0e5}'),
        (b"0", b"-0.00e-7"),
        (b"1e200", b"1" + b"0" * 200),
        (b'{"a": 0.7}', b'{"a": 7.00E-1}'),
        (b'{"a": 1e9999}', b'{"a": 10e9998}'),
        (b'{"a": "\\u00e9\\ud83d\\ude00"}', '{"a": "\u00e9\U0001f600"}'.encode()),
        (b'"\\ud800"', b'"\\uD800"'),
        (b"", b""),
        (b"\xff", b"\xff"),
    ],
)
def test_json_is_compared_by_what_it_says(one: bytes, other: bytes) -> None:
    assert answers(Matching(), ask(one), ask(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"[1, 2]", b"[2, 1]"),
        (b'{"a": 1}', b'{"a": true}'),
        (b'{"a": [0]}', b'{"a": [false]}'),
        (b'{"a": null}', b"{}"),
        (b'{"a": 1}', b'{"a": "1"}'),
        (b'{"a": {}}', b'{"a": []}'),
        (b"9007199254740993", b"9007199254740992.0"),
        (b"0.1", b"0.1000000000000000055511151231257827"),
        (b"1e400", b"1e401"),
        (b"1e5000", b"1e5001"),
        (b'["0.1"]', b"[0.1]"),
        (b'[["0.1"]]', b"[0.1]"),
        (b'"\xc3\xa9"', b'"e\xcc\x81"'),
        (b'"a"', b'"a "'),
        (b'{"a": 1, "a": 2}', b'{"a": 2}'),
        (b'{"a": 1, "a": 2}', b'{"a": 1,  "a": 2}'),
        (b"NaN", b" NaN"),
        (b"[Infinity]", b"[-Infinity]"),
        (b'"\xff"', b'"\xfe"'),
        (b"\xef\xbb\xbf{}", b"{}"),
        (b"1" * 5000, b"1" * 5000 + b" "),
        (b"a=1&b=2", b"b=2&a=1"),
        (b"", b"null"),
        (b"1e99999999999999999999", b"1e99999999999999999998"),
    ],
)
def test_json_that_says_something_else_and_what_is_no_json_differ(one: bytes, other: bytes) -> None:
    assert answers(Matching(), ask(one), ask(one))
    assert not answers(Matching(), ask(one), ask(other))
    assert not answers(Matching(), ask(other), ask(one))


@pytest.mark.parametrize(
    "number",
    ["1", "1.0", "0.7", "0.70", "0.70000000000000001", "1e400", "1e-400", "0.1000000000000000055511151231257827"],
)
def test_a_pretty_recording_is_known_by_its_compact_form_and_by_no_other_number(number: str) -> None:
    matching = Matching()
    pretty = ask(f'{{\n  "t": {number},\n  "é": 1\n}}'.encode())
    key = matching.recorded_key(pretty)
    for other in ("1", "0.7", "0.1", "0.0", number):
        live = ask(f'{{"t":{other},"é":1}}'.encode())
        assert matching.key(live) == Matching().key(live)
        assert (matching.key(live) == key) == (matching.compare(pretty, live) == ())
    assert matching.key(ask(f'{{"t":{number},"é":1}}'.encode())) == key


@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_bodies_too_deep_to_walk_are_compared_as_bytes(opened: bytes, closed: bytes) -> None:
    for depth in (150, 100_000):
        deep = opened * depth + b"1" + closed * depth
        assert answers(Matching(), ask(deep), ask(deep))
        assert not answers(Matching(), ask(deep), ask(deep + b" "))
    wide = b"[" + b",".join([opened + b"1" + closed] * 200) + b"]"
    assert answers(Matching(), ask(wide), ask(wide + b" "))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)
PATHS = st.sampled_from(["a", "$[0]", "[1]", "$..a", "$[*]", "$.*[0]", "$[?@.a]", "$", r"\d -> N", "[a-z]+ -> w"])


@given(JSON, JSON, st.lists(PATHS, max_size=2))
def test_equal_keys_mean_no_differences_and_the_other_way_round(one: object, other: object, ignore: list[str]) -> None:
    matching = Matching(ignore=ignore)
    answers(matching, ask(one), ask(other))
    assert answers(Matching(ignore=ignore), ask(one), ask(one))


@given(JSON, st.data())
def test_a_small_change_is_found_by_key_and_by_path(one: object, data: st.DataObject) -> None:
    other = data.draw(changed(one))
    answers(Matching(), ask({"a": one}), ask({"a": other}))


def changed(value: object) -> st.SearchStrategy[object]:
    """A value that shares most of this one: elements moved, left out or put in."""
    if isinstance(value, list):
        kept = st.lists(st.sampled_from([*value, 0, False, 1, True]), max_size=6)
        return cast("st.SearchStrategy[object]", kept)
    if isinstance(value, dict) and value:
        return st.sampled_from(sorted(value)).map(lambda name: {**value, name: 1})
    return st.just(value) | JSON


@given(JSON, JSON)
def test_a_difference_can_be_ignored_by_its_own_path(one: object, other: object) -> None:
    ours, theirs = ask({"a": one}), ask({"a": other})
    found = Matching().compare(ours, theirs)
    if not any(
        difference.path.endswith("]") and ABSENT in (difference.recorded, difference.sent) for difference in found
    ):
        matching = Matching(ignore=[difference.path for difference in found])
        assert matching.compare(ours, theirs) == ()


# --- paths ------------------------------------------------------------------------------------------------------------


def test_a_changed_text_is_named_by_its_place() -> None:
    recorded = say()
    recorded["messages"] = [{"role": "user", "content": [{"type": "text", "text": "What is 2+2?"}]}]
    sent = copy.deepcopy(recorded)
    sent["messages"][0]["content"][0]["text"] = "What is 2+3?"
    assert Matching().compare(ask(recorded), ask(sent)) == (
        Difference("messages[0].content[0].text", "What is 2+2?", "What is 2+3?"),
    )


def test_what_only_one_side_has_is_absent_on_the_other() -> None:
    found = Matching().compare(ask({"a": None, "b": 1}), ask({"b": 1, "c": {"d": 2}}))
    assert found == (Difference("a", None, ABSENT), Difference("c", ABSENT, {"d": 2}))


@pytest.mark.parametrize(
    ("recorded", "sent", "found"),
    [
        ("abc", "abcd", [("messages[3]", ABSENT, "d")]),
        ("abcd", "abc", [("messages[3]", "d", ABSENT)]),
        ("abc", "xabc", [("messages[0]", ABSENT, "x")]),
        ("abc", "abxc", [("messages[2]", ABSENT, "x")]),
        ("abcd", "bcde", [("messages[0]", "a", ABSENT), ("messages[3]", ABSENT, "e")]),
        ("abc", "sabd", [("messages[0]", ABSENT, "s"), ("messages[3].t", "c", "d")]),
        ("ab", "xy", [("messages[0].t", "a", "x"), ("messages[1].t", "b", "y")]),
        ("ab", "", [("messages[0]", "a", ABSENT), ("messages[1]", "b", ABSENT)]),
        ("aab", "ab", [("messages[1]", "a", ABSENT)]),
    ],
)
def test_a_message_more_or_less_is_one_difference(
    recorded: str, sent: str, found: list[tuple[str, object, object]]
) -> None:
    ours, theirs = ({"messages": [{"t": letter} for letter in word]} for word in (recorded, sent))
    part_ways = Matching().compare(ask(ours), ask(theirs))
    assert [
        (difference.path, letter(difference.recorded), letter(difference.sent)) for difference in part_ways
    ] == found


def letter(side: object) -> object:
    return side["t"] if isinstance(side, dict) else side


def test_long_lists_are_compared_without_looking_at_every_pair() -> None:
    ours, theirs = list(range(5000)), [-1, *range(1, 4999), -2, -3]
    assert Matching().compare(ask(ours), ask(theirs)) == (
        Difference("[0]", 0, -1),
        Difference("[4999]", 4999, -2),
        Difference("[5000]", ABSENT, -3),
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("plain_1", "plain_1"),
        ("été", "['été']"),
        ("Aᄀ😀", "['Aᄀ😀']"),
        ("\x7f\u2028", r"['\u007f\u2028']"),
        ("x-y", "['x-y']"),
        ("1st", "['1st']"),
        ("", "['']"),
        ("it's", r"['it\'s']"),
        ('"\\\n', r"""['"\\\n']"""),
        ("\ud800", r"['\ud800']"),
    ],
)
def test_the_path_of_any_name_is_a_jsonpath(name: str, path: str) -> None:
    ours, theirs = ask({name: 1}), ask({name: 2})
    assert Matching().compare(ours, theirs) == (Difference(path, 1, 2),)
    if name != "\ud800":  # RFC 9535 has no way to name a lone surrogate
        assert answers(Matching(ignore=[path]), ours, theirs)


def test_bodies_that_are_no_json_part_at_the_root() -> None:
    assert Matching().compare(ask(b"a"), ask(b"b")) == (Difference("$", b"a", b"b"),)
    assert Matching().compare(ask(b"a"), ask(b"[]")) == (Difference("$", b"a", []),)
    assert Matching().compare(ask(b"1"), ask(b"2")) == (Difference("$", 1, 2),)


# --- ignore -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["messages[0].content", "$.messages[0].content", "$..content", "messages[?@.role=='user']", "$", "..content"],
)
def test_an_ignored_path_is_not_compared(path: str) -> None:
    assert not answers(Matching(), ask(say("hi")), ask(say("ho")))
    assert answers(Matching(ignore=[path]), ask(say("hi")), ask(say("ho")))


def test_neither_the_value_nor_the_presence_of_an_ignored_place_counts() -> None:
    cached = say("hi", system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}])
    plain = say("hi", system=[{"type": "text", "text": "s"}])
    assert not answers(Matching(), ask(cached), ask(plain))
    assert answers(Matching(ignore=["$..cache_control"]), ask(cached), ask(plain))
    assert answers(Matching(ignore=["$..cache_control", "$..type"]), ask(cached), ask(plain))


def test_elements_that_are_ignored_do_not_move_the_others() -> None:
    matching = Matching(ignore=["[?@.skip]"])
    ours, theirs = ask([{"skip": 1}, {"t": 1}]), ask([{"skip": 2}, {"skip": 3}, {"t": 2}])
    assert matching.compare(ours, theirs) == (Difference("[2].t", 1, 2),)
    assert answers(matching, ours, ask([{"t": 1}]))


def test_a_filter_compares_numbers() -> None:
    matching = Matching(ignore=["$[?@.n == 0.5].t", "$[?@.n > 7.1].t"])
    assert answers(matching, ask([{"n": 0.5, "t": 1}, {"n": 8.5, "t": 1}]), ask([{"n": 0.5, "t": 2}, {"n": 8.5}]))


def test_an_entry_can_be_taken_back_by_name() -> None:
    assert not answers(Matching(ignore=["$..content", "-$..content"]), ask(say("hi")), ask(say("ho")))


def test_a_pattern_is_replaced_in_every_string() -> None:
    matching = Matching(ignore=[r"\d{4}-\d\d-\d\d -> <\g<0>>"])
    assert answers(matching, ask(say("It is 2026-11-22. 2026-11-23!")), ask(say("It is 2025-01-01. 2025-01-02!")))
    assert not answers(matching, ask(say("It is 2026-11-22.")), ask(say("It was 2026-11-22.")))


@pytest.mark.parametrize("entry", ["$[", "a b", "(\\d -> N"])
def test_an_ignore_entry_that_means_nothing_is_refused(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"^ignore: "):
        Matching(ignore=[entry])


def test_ignoring_does_not_reach_bodies_that_are_no_json() -> None:
    assert not answers(Matching(ignore=["$", r"\d -> N"]), ask(b"a1"), ask(b"a2"))


@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_path_reaches_the_deepest_place_that_is_compared(opened: bytes, closed: bytes) -> None:
    matching = Matching(ignore=["$..t"])
    for depth in (90, 99, 100, 101, 150):
        ours, theirs = (ask(opened * depth + b'{"t": %d}' % n + closed * depth) for n in (1, 2))
        assert answers(matching, ours, theirs) == (depth < 100)


# --- loopback ---------------------------------------------------------------------------------------------------------


def local(port: int, text: str = "hi", host: str = "127.0.0.1") -> Scrubbed:
    """A request to a server on this machine."""
    return ask(say(text), url=f"http://{host}:{port}/v1/messages")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "api.localhost", "LOCALHOST."])
def test_one_loopback_host_equals_another_whatever_the_port(host: str) -> None:
    assert answers(Matching(), local(80), local(4711, host=host))


@pytest.mark.parametrize("host", ["128.0.0.1", "[::2]", "localhost.example.org", "0.0.0.0"])  # noqa: S104 - not bound
def test_other_hosts_are_no_loopback(host: str) -> None:
    assert not answers(Matching(), local(80), local(80, host=host))


def test_two_servers_that_are_asked_the_same_are_told_apart_by_the_order_of_first_use() -> None:
    matching = Matching()
    first, second = (matching.recorded_key(local(port)) for port in (1, 2))
    assert [matching.key(local(port)) for port in (9, 8, 9)] == [first, second, first]
    assert matching.key(local(7)) not in (first, second)
    assert matching.compare(local(1), local(8)) == (Difference("host", "127.0.0.1:1", "127.0.0.1:8", "host"),)
    assert matching.compare(local(2), local(8)) == ()
    assert matching.compare(local(1, "ho"), local(8))[0].path == "host"


def test_the_same_port_goes_before_the_order_of_use() -> None:
    matching = Matching()
    first, second = (matching.recorded_key(local(port)) for port in (1, 2))
    assert [matching.key(local(port)) for port in (2, 1)] == [second, first]


def test_two_servers_in_any_order_find_their_own_by_what_they_are_asked() -> None:
    matching = Matching()
    first, second = matching.recorded_key(local(1, "a")), matching.recorded_key(local(2, "b"))
    assert [matching.key(local(8, "b")), matching.key(local(9, "a"))] == [second, first]


def test_one_server_answers_for_what_was_recorded_in_several_runs() -> None:
    matching = Matching()
    first, second = matching.recorded_key(local(1, "a")), matching.recorded_key(local(2, "b"))
    assert [matching.key(local(9, text)) for text in ("a", "b", "a")] == [first, second, first]


def test_one_server_that_owns_both_recordings_is_answered_by_the_first() -> None:
    matching = Matching()
    first, _ = matching.recorded_key(local(1)), matching.recorded_key(local(2))
    assert matching.key(local(9)) == matching.key(local(9)) == first
    assert matching.compare(local(1), local(9)) == ()
    assert matching.compare(local(2), local(9)) == (Difference("host", "127.0.0.1:2", "127.0.0.1:9", "host"),)


def test_the_first_server_of_one_test_is_the_first_server_of_another() -> None:
    matching = Matching()
    recorded = [("a", local(1)), ("a", local(2)), ("b", local(3)), ("b", local(1))]
    keys = [matching.recorded_key(request, partial(str, test)) for test, request in recorded]
    assert keys == [keys[0], keys[1], keys[0], keys[1]]
    assert keys[0] != keys[1]
    assert [matching.key(local(port)) for port in (8, 9)] == keys[:2]


def test_who_recorded_is_asked_for_this_machine_only() -> None:
    def nobody() -> str:
        raise AssertionError

    assert Matching().recorded_key(ask(say("hi")), nobody) == Matching().key(ask(say("hi")))


def test_a_pure_comparison_does_not_claim_a_server() -> None:
    matching = Matching()
    assert matching.compare(local(1), local(8)) == matching.compare(local(1), local(9)) == ()


# --- nearest ----------------------------------------------------------------------------------------------------------


def test_nothing_is_near_in_an_empty_cassette() -> None:
    assert Matching().nearest(ask(say("hi")), []) is None


def test_the_nearest_differs_in_the_fewest_places() -> None:
    recorded = [ask(say("a", "b", "c", model="n")), ask(say("a", "b", "x")), ask(say("x", "y", "z"))]
    assert Matching().nearest(ask(say("a", "b", "c")), recorded[1:]) == (
        0,
        (Difference("messages[2].content", "x", "c"),),
    )
    assert Matching().nearest(ask(say("a", "b", "c")), recorded[::-1]) == (
        1,
        (Difference("messages[2].content", "x", "c"),),
    )


def test_among_equals_as_many_turns_win_then_the_earliest() -> None:
    longer, other, another = ask(say("a", "b")), ask(say("b")), ask(say("c"))
    live = ask(say("a"))
    matching = Matching()
    assert [len(matching.compare(request, live)) for request in (longer, other, another)] == [1, 1, 1]
    assert (matching.nearest(live, [longer, other, another]) or [])[0] == 1
    assert (matching.nearest(live, [longer, another, other]) or [])[0] == 1
    assert (matching.nearest(ask(b"{}"), [ask(b"[]"), ask(b'{"messages": 1}')]) or [])[0] == 0


def test_a_turn_that_is_missing_weighs_what_it_holds() -> None:
    def results(*texts: str) -> dict[str, Any]:
        held = [{"type": "tool_result", "tool_use_id": text, "content": text} for text in texts]
        return {"role": "user", "content": held}

    first, called = say("hi")["messages"][0], {"role": "assistant", "content": [{"type": "text", "text": "on it"}]}
    before = ask(say(messages=[first]))
    recorded = ask(say(messages=[first, called, results("a", "b", "c", "d")]))
    live = ask(say(messages=[first, called, results("a", "x", "y", "z")]))
    matching = Matching()
    assert len(matching.compare(before, live)) < len(matching.compare(recorded, live))
    assert (matching.nearest(live, [before, recorded], played={0}) or [])[0] == 1


@given(st.lists(JSON, min_size=1, max_size=5), JSON)
def test_nearest_is_the_least_of_all_comparisons(recorded: list[object], live: object) -> None:
    matching = Matching()
    found = matching.nearest(ask([live]), [ask([value]) for value in recorded])
    assert found is not None
    assert matching.compare(ask([recorded[found[0]]]), ask([live])) == found[1]
    counts = [len(matching.compare(ask([value_as_int(value)]), ask([value_as_int(live)]))) for value in recorded]
    assert counts[found[0]] == min(counts)


def value_as_int(value: object) -> object:
    """The value in a list, with integers for booleans, between which counting does not distinguish."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        return [value_as_int(inner) for inner in value]
    return {k: value_as_int(v) for k, v in value.items()} if isinstance(value, dict) else value


# --- real traffic -----------------------------------------------------------------------------------------------------

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus" / "dev.jsonl"


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real traffic is not part of the repository")
def test_real_requests_are_found_by_what_they_say_and_by_nothing_else() -> None:
    rows = CORPUS.read_text(encoding="utf-8").strip().split("\n")
    bodies = {json.dumps(json.loads(row)["request_body"], sort_keys=True) for row in rows}
    matching = Matching()
    keys = {body: matching.recorded_key(ask(json.loads(body))) for body in bodies}
    assert len(set(keys.values())) == len(bodies) > 1000
    for body, key in keys.items():
        live = json.dumps(
            dict(reversed(json.loads(body).items())) if body.startswith("{") else json.loads(body), indent=1
        )
        assert matching.key(ask(live.encode())) == key
