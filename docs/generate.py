"""Write the generated parts of README.md and docs/ anew from the tables in the code.

A part stands between ``<!-- made: NAME -->`` and ``<!-- end: NAME -->``; the function of that name below makes it.
``python docs/generate.py`` rewrites what is stale, and `tests/project/test_docs.py` fails where something is.
"""

from __future__ import annotations

import inspect
import re
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_messages import errors, matching, settings
from pytest_messages.api import schema
from pytest_messages.errors import MessagesError
from pytest_messages.providers import PROVIDERS
from pytest_messages.sandbox import HANDLES
from pytest_messages.scrubbing import entries, kinds
from pytest_messages.session import modes
from pytest_messages.session.modes import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_messages.api.schema import Documented, Fact
    from pytest_messages.providers import Provider, Status, Unsupported
    from pytest_messages.settings import Option

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_PART = re.compile(r"<!-- made: (?P<name>[\w-]+) -->\n.*?<!-- end: (?P=name) -->", re.DOTALL)


def made(text: str) -> str:
    """Return a page's ``text`` with every generated part as it should be."""

    def part(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- made: {name} -->\n{PARTS[name]()}\n<!-- end: {name} -->"

    return _PART.sub(part, text)


# --- how tables are written -------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(map(_code, texts))


def _first_paragraph(thing: object) -> str:
    paragraph = (inspect.getdoc(thing) or "").split("\n\n")[0]
    return " ".join(paragraph.split()).replace("``", "`")


def _link(text: str, page: str) -> str:
    return f"[{text}]({page})" if page.startswith("https://") else text


# --- settings ---------------------------------------------------------------------------------------------------------


def options() -> str:
    """List all settings, with where each can be made."""
    head = ("setting", "values, the default first", "command line", "mark", "what it decides")
    return _table(head, (_option(option) for option in settings.OPTIONS))


def _option(option: Option) -> tuple[str, ...]:
    flag = _code(option.flag) if option.cli else ""
    return (_code(option.ini_name), _values(option), flag, _code(option.name) if option.marker else "", option.help)


def _values(option: Option) -> str:
    forms = option.form.split(" | ") if option.form else []
    values = [*map(_code, option.words), *(form if " " in form else _code(form) for form in forms)]
    return ", ".join(values) or ("a list" if option.kind == "list" else "a text")


def record_modes() -> str:
    """Say what each mode does with a request: the table that the plugin decides by, in words."""
    rows = ((_code(mode), *(_outcomes(mode, state) for state in modes.State)) for mode in settings.RecordMode)
    return _table(("mode", *(f"cassette {_STATES[state]}" for state in modes.State)), rows)


_STATES = {
    modes.State.MISSING: "missing",
    modes.State.WHOLE: "there",
    modes.State.INCOMPLETE: "[incomplete](docs/cassette.md#incomplete-cassettes)",
}
_ACTIONS = {
    modes.Action.REPLAY: "replay",
    modes.Action.RECORD: "record",
    modes.Action.REFUSE: "refuse",
    modes.Action.FORWARD: "pass on and judge",
}


def _outcomes(mode: settings.RecordMode, state: modes.State) -> str:
    outcomes = modes.DECISIONS[mode, state]
    match, other = _ACTIONS[outcomes[Found.MATCH]], _ACTIONS[outcomes[Found.NOTHING]]
    return match if match == other else f"{match} what matches, {other} the rest"


def parts_of_a_request() -> str:
    """List what can be named in ``match_on``."""
    return f"Compared by default: {_codes(matching.BUILTIN)}. Further names: `user_id`, `header:NAME`."


# --- the sandbox ------------------------------------------------------------------------------------------------------


def handles() -> str:
    """List what a client can order in the last user text."""
    rows = ((_code(f"sandbox: {handle.form}"), handle.help) for handle in HANDLES)
    return _table(("in the last user text", "what the sandbox does"), rows)


# --- providers --------------------------------------------------------------------------------------------------------


def provider_names() -> str:
    """List who has a profile."""
    head = ("name", "who", "base URL", "variable for another URL", "key")
    return _table(head, (_provider_row(provider) for provider in PROVIDERS.values()))


def _provider_row(provider: Provider) -> tuple[str, ...]:
    keys = _codes(dict.fromkeys(each.variable for each in provider.credentials))
    key = f"{keys}, or none" if provider.anonymous and keys else keys or "none"
    url = _code(provider.base_url) or "yours"
    return (_code(provider.name), _link(provider.title, provider.source), url, _code(provider.base_url_env), key)


def provider_profiles() -> str:
    """Say what is known of each provider, with the page that says it."""
    return "\n\n".join(_profile(provider) for provider in PROVIDERS.values())


def _profile(provider: Provider) -> str:
    facts = "\n".join(f"* {name}: {value}" for name, value in _facts(provider) if value)
    return "\n\n".join(filter(None, (f"## {provider.title}: `{provider.name}`", facts, _statuses(provider))))


def _facts(provider: Provider) -> Iterator[tuple[str, str]]:
    yield from _where(provider)
    yield from _asked(provider)
    yield from _habits(provider)
    yield "judged by", _leniency(provider)
    for field, page in provider.pages:
        if field not in _PAGED:
            continue
        yield f"documented: {_PAGED[field]}", _link(page.removeprefix("https://"), page)
    for note in provider.notes:
        told = f"the documentation: {note.documentation}; {note.other}"
        yield f"note on {note.topic.replace('_', ' ')}", f"{told} ({_link('source', note.source)})"


_PAGED = {
    "credentials": "keys",
    "versions": "versions",
    "error": "errors",
    "habits": "streams",
    "count_tokens": "counts",
}


def _where(provider: Provider) -> Iterator[tuple[str, str]]:
    yield "base URL", _code(provider.base_url) or f"set {_code(provider.base_url_env)}"
    yield "told by", ", ".join(filter(None, (_codes(provider.hosts), _prefix(provider))))
    yield "messages", _code(provider.messages)
    yield "counting tokens", _code(provider.count_tokens) or "not documented"
    yield "keys", "; ".join(f"{_code(each.variable)} as {_code(_sent(each))}" for each in provider.credentials)
    passed = (f"{_code(each.variable)} as {_code(_sent(each))}" for each in provider.pass_through)
    yield "key passed through", "; ".join(passed)


def _sent(credential: object) -> str:
    header, prefix = getattr(credential, "header", ""), getattr(credential, "prefix", "")
    return f"{header}: {prefix}…"


def _prefix(provider: Provider) -> str:
    return f"the path {_code(provider.path_prefix)}" if provider.path_prefix else ""


def _asked(provider: Provider) -> Iterator[tuple[str, str]]:
    required = "required" if provider.version_required else "not required"
    taken = f"; takes {_codes(provider.versions)}" if provider.versions else ""
    yield "`anthropic-version`", f"{required}{taken}; our client sends {_code(provider.version)}"
    yield "model names", f"{_code(provider.model_form)}, as {_code(provider.model)}"
    yield "not supported", "; ".join(map(_unsupported, provider.unsupported))
    yield "limits", ", ".join(_limits(provider))
    grouped = f"calls are grouped by `metadata.user_id`, without one into {_code(provider.default_group)}"
    yield "sessions", grouped if provider.groups_by_user_id else ""


def _unsupported(entry: Unsupported) -> str:
    where = f"{entry.part}:{entry.path}" if entry.part != "body" else entry.path
    value = "" if entry.value == "*" else f"={entry.value}"
    return f"{_code(where + value)} {entry.because}"


def _limits(provider: Provider) -> Iterator[str]:
    if provider.timeout:
        yield f"{provider.timeout:g} s for a request"
    if provider.count_tokens_timeout:
        yield f"{provider.count_tokens_timeout:g} s for a count"
    if provider.body_limit:
        yield f"{provider.body_limit // 1024 // 1024} MB for a body"


def _habits(provider: Provider) -> Iterator[tuple[str, str]]:
    shape = provider.error
    places = {"type": shape.type, "message": shape.message, "code": shape.code, "request id": shape.request_id}
    said = [f"{name} at {_code(path)}" for name, path in places.items() if path]
    header = [f"request id in the header {_code(shape.request_id_header)}"] if shape.request_id_header else []
    yield "errors", "; ".join([*said, *header])
    habits = provider.habits
    told = {
        "pings": habits.pings,
        f"comments {_code(habits.keep_alive)}": bool(habits.keep_alive),
        "failures as an `error` event": habits.error_event,
        "failures as a cut connection": not habits.error_event,
        "data encoded twice": habits.double_encoded,
        "`data: [DONE]` at the end": habits.done_tail,
    }
    yield "streams", ", ".join(name for name, holds in told.items() if holds)


def _leniency(provider: Provider) -> str:
    if "compatible" in provider.relax:
        return "what makes an official SDK lose or misread data is a violation, the rest a notice"
    relaxed = f", without {_codes(provider.relax)}" if provider.relax else ""
    return f"the whole documented API{relaxed}"


def _statuses(provider: Provider) -> str:
    if not provider.statuses or "compatible" in provider.relax:
        return ""
    return _table(
        ("status", "types", "meaning", "worth another try"), (_status(provider, s) for s in provider.statuses)
    )


def _status(provider: Provider, status: Status) -> tuple[str, ...]:
    again = "yes" if status.code in provider.retryable else ""
    return (str(status.code), _codes(status.types), status.meaning, again)


# --- the schema -------------------------------------------------------------------------------------------------------


def schema_models() -> str:
    """List which page documents each model, since when, and its fields."""
    grouped = groupby(schema.DOCUMENTED.items(), key=lambda pair: pair[0].__module__.rpartition(".")[2])
    by_room: dict[str, list[tuple[type, Documented]]] = {}
    for room, pairs in grouped:
        by_room.setdefault(room, []).extend(pairs)
    fields: dict[str, list[Fact]] = {}
    for fact in schema.facts():
        fields.setdefault(fact.model, []).append(fact)
    return "\n\n".join(f"## {room}\n\n{_models(pairs, fields)}" for room, pairs in sorted(by_room.items()))


def _models(pairs: list[tuple[type, Documented]], fields: dict[str, list[Fact]]) -> str:
    rows = (
        (
            _code(model.__name__),
            _link(about.page.removeprefix(schema.base.DOCS), about.page),
            about.since,
            _code(about.beta or ""),
            ", ".join(map(_field, fields.get(model.__name__, []))),
        )
        for model, about in pairs
    )
    return _table(("model", "page", "since", "beta header", "fields"), rows)


def _field(fact: Fact) -> str:
    name = f"**{_code(fact.field)}**" if fact.required else _code(fact.field)
    return f"{name} (legacy)" if fact.channel == "legacy" else name


def schema_fields() -> str:
    """List the fields that need a beta header or exist in one API version only."""
    rows = (_special(fact) for fact in schema.facts() if fact.values or _is_special(fact))
    return _table(("model", "field", "beta header", "API versions"), rows)


def _is_special(fact: Fact) -> bool:
    return fact.versions != schema.VERSIONS or fact.channel == "legacy" or _is_beta_field(fact)


def _is_beta_field(fact: Fact) -> bool:
    whole = next(about.beta for model, about in schema.DOCUMENTED.items() if model.__name__ == fact.model)
    return fact.beta is not None and fact.beta != whole


def _special(fact: Fact) -> tuple[str, ...]:
    values = f" for {_codes(fact.values)}" if fact.values else ""
    versions = "both" if fact.versions == schema.VERSIONS else f"{_codes(fact.versions)} only"
    legacy = "; legacy" if fact.channel == "legacy" else ""
    return (_code(fact.model), _code(fact.field), f"{_code(fact.beta or '')}{values}", f"{versions}{legacy}")


def schema_kinds() -> str:
    """List what `pytest-messages schema` can print."""
    return f"Kinds: {_codes(schema.KINDS)}."


# --- errors -----------------------------------------------------------------------------------------------------------


def error_tree() -> str:
    """Draw the classes, as the module does."""
    drawn = (inspect.getdoc(errors) or "").split("\n\n")[1]
    return f"```text\n{inspect.cleandoc(drawn)}\n```"


def error_classes() -> str:
    """Say what each class means."""
    known = (thing for thing in vars(errors).values() if inspect.isclass(thing))
    named = [thing for thing in known if issubclass(thing, MessagesError) and thing is not MessagesError]
    return _table(("error", "what it means"), ((_code(each.__name__), _first_paragraph(each)) for each in named))


# --- scrubbing --------------------------------------------------------------------------------------------------------


def kept_headers() -> str:
    """List the only headers that are stored."""
    return f"{_codes(kinds.ALLOWED_HEADERS)}, and as a placeholder {_codes(kinds.REQUEST_ID_HEADERS)}"


def scrubbed_shapes() -> str:
    """List what is told by its looks."""
    fixed = dict.fromkeys(shape.kind for shape in kinds.SHAPES if shape.core)
    removable = dict.fromkeys(shape.kind for shape in kinds.SHAPES if not shape.core and shape.kind not in fixed)
    return f"* always: {_codes(fixed)}\n* unless taken out by name: {_codes(removable)}"


def optional_rules() -> str:
    """List what is removed where a user asks for it."""
    return _codes(entries.OPTIONAL_RULES)


def scrubbed_fields() -> str:
    """List fields whose text is a credential whatever it looks like, and fields that hold ids."""
    ids = dict.fromkeys(".".join(path) for path in kinds.ID_FIELDS)
    return f"* credentials: {_codes(kinds.CREDENTIAL_FIELDS)}\n* ids of accounts and resources: {_codes(ids)}"


def untouched_fields() -> str:
    """List what must return to the server unchanged."""
    return _codes((*kinds.OPAQUE_FIELDS, "redacted_thinking.data"))


PARTS: dict[str, Callable[[], str]] = {
    "options": options,
    "record-modes": record_modes,
    "parts-of-a-request": parts_of_a_request,
    "handles": handles,
    "provider-names": provider_names,
    "provider-profiles": provider_profiles,
    "schema-models": schema_models,
    "schema-fields": schema_fields,
    "schema-kinds": schema_kinds,
    "error-tree": error_tree,
    "error-classes": error_classes,
    "kept-headers": kept_headers,
    "scrubbed-shapes": scrubbed_shapes,
    "optional-rules": optional_rules,
    "scrubbed-fields": scrubbed_fields,
    "untouched-fields": untouched_fields,
}
"""What makes each part."""


def main() -> None:
    """Rewrite the pages that are stale, and say which."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if text != made(text):
            page.write_text(made(text), encoding="utf-8")
            print(f"{page.relative_to(ROOT)}: rewritten")


if __name__ == "__main__":
    main()
