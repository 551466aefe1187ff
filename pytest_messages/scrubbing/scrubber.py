"""Replace what must not be stored, and nothing else."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from pytest_messages.api.multipart import with_contents
from pytest_messages.cassette.document import Interaction, ScrubbedInteraction
from pytest_messages.errors import MessagesError
from pytest_messages.scrubbing import kinds
from pytest_messages.scrubbing.credentials import (
    Credentials,
    credential_kind,
    credentials_in,
    credentials_of,
    is_credential_header,
)
from pytest_messages.scrubbing.entries import read_rules
from pytest_messages.scrubbing.finder import Finder
from pytest_messages.scrubbing.gate import Gate
from pytest_messages.scrubbing.placeholders import Placeholders, constant, is_masked, kind_of, renewed
from pytest_messages.scrubbing.prefilter import has_credential_field
from pytest_messages.scrubbing.texts import event_data, is_stream, parts, payload
from pytest_messages.wire import Chunk, Request, Response, Scrubbed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_messages.api.multipart import FormPart
    from pytest_messages.scrubbing.entries import PathRule
    from pytest_messages.scrubbing.texts import Path
    from pytest_messages.wire import Headers

_OLD: Final = re.compile(rb"<[a-z]+-id-[0-9a-f]{10}>")
_KIND_OF_PREFIX: Final = {prefix: kind for kind, prefix in kinds.PREFIXES.items()}
_PATH_ID: Final = re.compile(rf"(?<=/)({'|'.join(_KIND_OF_PREFIX)})[A-Za-z0-9_-]+(?=[/:]|$)")
_ROUNDS: Final = 8
_REMEMBERED: Final = 500


class ScrubError(MessagesError):
    """A scrub rule failed while it was applied, or never came to rest; nothing is stored."""


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


class Scrubber:
    """Replaces what must not be stored in requests, responses and texts, the same in every order.

    ``salt`` keys the placeholders (see `new_salt`), ``rules`` are the ``scrub`` setting's entries, ``secrets`` are
    live credentials known from the start. What requests carry is learned on the way. Any thread may use it. Raises
    `SettingsError` for an entry that means nothing.
    """

    def __init__(self, *, salt: str, rules: Sequence[str] = (), secrets: Iterable[str] = ()) -> None:
        self._rules = read_rules(rules)
        self._credentials = Credentials(secrets)
        self._finder = Finder(self._rules.shapes, self._credentials, self._rules.fields, self._rules.out)
        self._placeholders = Placeholders(salt)
        self._memory: tuple[tuple[str, ...], dict[str, str]] = ((), {})

    def __repr__(self) -> str:
        return f"<Scrubber ({self._credentials!r})>"

    def learn(self, request: Request) -> None:
        """Take note of the live credentials that a raw request carries."""
        self._credentials.add(credentials_of(request))
        self._learn_fields(_text(request.body))

    def _learn_fields(self, text: str) -> None:
        if has_credential_field(text):
            self._credentials.add(credentials_in(text, out=self._rules.out))

    def _short(self, text: str) -> str:
        """Scrub a URL or a header's value, of which a suite has few: remembered until a credential is learned."""
        forms, remembered = self._memory
        if forms is not self._credentials.forms or len(remembered) > _REMEMBERED:
            # A new pair: a thread that scrubs by the old forms goes on writing to the old memory.
            forms, remembered = self._memory = (self._credentials.forms, {})
        known = remembered.get(text)
        if known is None:
            known = remembered[text] = self.text(text)
        return known

    def gate(self, *, allow: Sequence[str] = ()) -> Gate:
        """Return a gate that knows the rules in force and every credential that this scrubber learns."""
        return Gate(secrets=self._credentials, allow=allow, rules=self._rules)

    def request(self, request: Request) -> Scrubbed:
        """Return the request as it may be stored and compared; learns its credentials first."""
        self._credentials.add(credentials_of(request))
        if _OLD.search(request.body):
            request = replace(request, body=renewed(_text(request.body)).encode("utf-8", "surrogateescape"))
        text = _text(request.body)
        body = request.body
        if self._may_change(text) or text.startswith(("--", "\r\n--")):
            self._learn_fields(text)
            # Each part of a form is a body of its own: only so a field in a file of JSON is seen as one.
            body = self._body(with_contents(body, self._piece))[0]
        return Scrubbed(Request(request.method, self.url(request.url), self._headers(request.headers), body))

    def _piece(self, piece: FormPart) -> FormPart:
        kind = credential_kind(piece.name)
        masked = kind is None or kind in self._rules.out or is_masked(_text(piece.content))
        return piece._replace(content=self._body(piece.content)[0] if masked else constant(kind or "").encode())

    def _may_change(self, text: str) -> bool:
        return bool(self._rules.patterns or self._rules.paths) or self._finder.may_find(text)

    def response(self, response: Response) -> Response:
        """Return the response as it may be stored; the ends of its chunks follow its body."""
        body, edits = self._body(response.body, accounts=_accounts(response.headers))
        headers = self._headers(response.headers, moved=300 <= response.status < 400)  # noqa: PLR2004 - a redirect
        return replace(
            response,
            reason=self._short(response.reason),
            headers=headers,
            body=body,
            chunks=_moved(response.chunks, edits, len(body)),
        )

    def interaction(self, interaction: Interaction) -> ScrubbedInteraction:
        """Return the interaction as it may be stored; how it was recorded stays, but for a key in the test's name."""
        # The request first: the answer may repeat the credentials that are learned from it.
        request = self.request(interaction.request)
        recording = interaction.recording
        if recording.test is not None:
            # A parametrised test's id may spell a key.
            recording = replace(recording, test=self._short(recording.test))
        return ScrubbedInteraction(Interaction(request, (self.response(interaction.response), recording)))

    def text(self, text: str) -> str:
        """Return a text, such as a message or a report, with what must not be stored replaced."""
        return self._scrub(text)[0]

    def url(self, url: str) -> str:
        """Return a URL without user info, and with every value of its query replaced but for the harmless ones."""
        return self._short(self._with_path(renewed(_without_user(_with_query(url, self._query_value)))))

    def _with_path(self, url: str) -> str:
        """Replace ids in the path by their prefix alone: the field that told one of another length is not at hand."""
        end = next((at for at, sign in enumerate(url) if sign in "?#"), len(url))
        return _PATH_ID.sub(self._path_id, url[:end]) + url[end:]

    def _path_id(self, found: re.Match[str]) -> str:
        kind = _KIND_OF_PREFIX[found[1]]
        known = kind in self._rules.out or kind_of(found[0]) is not None
        return found[0] if known else self._placeholders.keyed(kind, found[0])

    def _query_value(self, name: str, value: str) -> str:
        harmless = kinds.HARMLESS_QUERY.get(name)
        if kind_of(value) is not None:
            return unquote(value)  # a client that follows a redirect spells it in its own way
        if not value or (harmless and harmless.fullmatch(value)):
            return value
        return constant("api-key") if _names_credential(name) else self._placeholders.keyed("query", value)

    def _headers(self, headers: Headers, *, moved: bool = False) -> Headers:
        return tuple(self._kept_headers(headers, moved=moved))

    def _kept_headers(self, headers: Headers, *, moved: bool) -> Iterator[tuple[str, str]]:
        for raw, value in headers:
            name = raw.lower()
            if name == "location" and moved and not any(fnmatchcase(name, glob) for glob in self._rules.dropped):
                yield name, self.url(value)
            elif name in kinds.REQUEST_ID_HEADERS:
                yield name, value if kind_of(value) else self._placeholders.keyed("request-id", value)
            elif self._keeps(name):
                yield name, self._short(value)

    def _keeps(self, name: str) -> bool:
        if is_credential_header(name) or any(fnmatchcase(name, glob) for glob in self._rules.dropped):
            return False
        return name in kinds.ALLOWED_HEADERS or any(fnmatchcase(name, glob) for glob in self._rules.kept)

    def _body(self, body: bytes, *, accounts: Iterable[tuple[str, str]] = ()) -> tuple[bytes, list[list[_Edit]]]:
        """Return a body scrubbed, and for each round what was replaced, in bytes."""
        scrubbed, rounds = self._scrub(_text(body), accounts=accounts)
        if not rounds:
            return body, []
        return scrubbed.encode("utf-8", "surrogateescape"), rounds

    def _scrub(self, text: str, *, accounts: Iterable[tuple[str, str]] = ()) -> tuple[str, list[list[_Edit]]]:
        """Replace until nothing is left to replace, so that scrubbing twice is scrubbing once."""
        rounds: list[list[_Edit]] = []
        accounts = [(kind, value) for kind, value in accounts if value in text and kind not in self._rules.out]
        for _ in range(_ROUNDS):
            edits = self._edits(text, accounts)
            if not edits:
                return text, rounds
            rounds.append(_in_bytes(text, edits))
            text = _applied(text, edits)
        raise ScrubError("the scrub rules undo each other: the text never comes to rest")

    def _edits(self, text: str, accounts: Sequence[tuple[str, str]]) -> list[_Edit]:
        edits: list[_Edit] = []
        if self._finder.may_find(text):
            for finding in self._finder.findings(text):
                if not finding.opaque:
                    keyed = finding.value is not None
                    placeholder = (
                        self._placeholders.keyed(finding.kind, finding.value or "") if keyed else constant(finding.kind)
                    )
                    edits += _spread(finding.ranges, placeholder)
        if self._rules.patterns or self._rules.paths or accounts:
            edits += self._by_rules(text, accounts)
        return _merged(edits)

    def _by_rules(self, text: str, accounts: Sequence[tuple[str, str]]) -> Iterator[_Edit]:
        """Apply what needs every text: the user's rules, and account ids that the message's own headers told."""
        for part in parts(text)[0]:
            if part.opaque:
                continue
            view = part.view(text)
            for rule in self._rules.patterns:
                for match in rule.pattern.finditer(view.text):
                    if match.group() and match.group() != rule.placeholder:
                        yield from _spread(view.spans(*match.span()), _quoted(rule.placeholder, quoted=part.quoted))
            for kind, value in accounts:
                at = view.text.find(value)
                while at >= 0:
                    yield from _spread(view.spans(at, at + len(value)), self._placeholders.keyed(kind, value))
                    at = view.text.find(value, at + len(value))
        for path_rule in self._rules.paths:
            yield from self._by_path(text, path_rule)

    def _by_path(self, text: str, rule: PathRule) -> Iterator[_Edit]:
        for ranges in event_data(text) if is_stream(text) else [((0, len(text)),)]:
            try:
                value: Any = json.loads("\n".join(text[start:end] for start, end in ranges))
            except ValueError:
                continue
            except RecursionError:  # what cannot be looked into must not be stored
                raise ScrubError(f"the scrub rule {str(rule.query)!r} failed: the body is nested too deeply") from None
            try:
                nodes = rule.query.find(value)
            except Exception as error:  # noqa: BLE001 - whatever it is, its text may show what it choked on
                raise ScrubError(f"the scrub rule {str(rule.query)!r} failed: {type(error).__name__}") from None
            locations = {tuple(node.location) for node in nodes}
            yield from self._at(text, payload(text, ranges), locations, rule)

    def _at(self, text: str, body: Any, locations: set[Path], rule: PathRule) -> Iterator[_Edit]:
        def selected(path: Path) -> bool:
            return any(path[: len(location)] == location for location in locations)

        for literal in body.literals:
            if not literal.key and literal.end > literal.start and selected(literal.path) and not body.opaque(literal):
                value = json.loads(f'"{text[literal.start : literal.end]}"', strict=False)
                placeholder = rule.placeholder
                if placeholder is None:
                    placeholder = value if kind_of(value) else self._placeholders.keyed("value", value)
                if value != placeholder:
                    yield _Edit(literal.start, literal.end, _quoted(placeholder, quoted=True))
        for scalar in body.scalars:
            value = text[scalar.start : scalar.end]
            if value not in {"null", "true", "false"} and selected(scalar.path):
                placeholder = rule.placeholder or self._placeholders.keyed("value", value)
                yield _Edit(scalar.start, scalar.end, json.dumps(placeholder))


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _quoted(placeholder: str, *, quoted: bool) -> str:
    return json.dumps(placeholder)[1:-1] if quoted else placeholder


def _names_credential(name: str) -> bool:
    plain = name.lower().replace("_", "-")
    return is_credential_header(plain) or plain in {"key", "sig", "signature", "auth", "password", "code"}


def _without_user(url: str) -> str:
    scheme, mark, rest = ("", "//", url[2:]) if url.startswith("//") else url.partition("://")
    authority = rest[: min((rest + "/").find(stop) for stop in "/?#" if stop in rest + "/")]
    return scheme + mark + authority.rpartition("@")[2] + rest[len(authority) :] if mark else url


def _with_query(url: str, replaced: Any) -> str:
    base, mark, query = url.partition("?")
    query, hashed, fragment = query.partition("#")
    pairs = (pair.partition("=") for pair in query.split("&"))
    values = (
        f"{name}={replaced(name, value)}"
        if equals
        else replaced("", name)
        if name not in kinds.HARMLESS_QUERY
        else name
        for name, equals, value in pairs
    )
    return base + mark + "&".join(values) + hashed + fragment if mark else url


def _accounts(headers: Headers) -> list[tuple[str, str]]:
    return [
        (kinds.ACCOUNT_HEADERS[name.lower()], value)
        for name, value in headers
        if name.lower() in kinds.ACCOUNT_HEADERS and len(value) >= kinds.SHORTEST
    ]


def _spread(ranges: Sequence[tuple[int, int]], placeholder: str) -> Iterator[_Edit]:
    """Put the placeholder where the first piece stands and empty the others, so that a stream stays as it was cut."""
    for number, (start, end) in enumerate(ranges):
        yield _Edit(start, end, "" if number else placeholder)


def _merged(edits: list[_Edit]) -> list[_Edit]:
    """Join edits that overlap; the longest says what stands there."""
    merged: list[_Edit] = []
    longest = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if merged and edit.start < merged[-1].end:
            last = merged[-1]
            text = edit.text if edit.end - edit.start > longest else last.text
            longest = max(longest, edit.end - edit.start)
            merged[-1] = _Edit(last.start, max(last.end, edit.end), text)
        else:
            merged.append(edit)
            longest = edit.end - edit.start
    return merged


def _applied(text: str, edits: Iterable[_Edit]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end, replacement in edits:
        pieces += (text[at:start], replacement)
        at = end
    return "".join([*pieces, text[at:]])


def _in_bytes(text: str, edits: list[_Edit]) -> list[_Edit]:
    """Return the edits with places that count bytes."""
    if text.isascii():
        return edits
    found: list[_Edit] = []
    at = size = 0
    for start, end, replacement in edits:
        first = size + len(text[at:start].encode("utf-8", "surrogateescape"))
        size = first + len(text[start:end].encode("utf-8", "surrogateescape"))
        at = end
        found.append(_Edit(first, size, replacement))
    return found


def _moved(chunks: tuple[Chunk, ...], rounds: list[list[_Edit]], size: int) -> tuple[Chunk, ...]:
    """Return the chunks with their ends where the body's bytes went; the last one ends with the body."""
    ends = [chunk.end for chunk in chunks]
    for edits in rounds:
        ends = _shifted(ends, edits)
    moved = [Chunk(chunk.ms, min(end, size)) for chunk, end in zip(chunks, ends, strict=True)]
    return (*moved[:-1], Chunk(moved[-1].ms, size)) if moved and rounds else chunks


def _shifted(ends: list[int], edits: list[_Edit]) -> list[int]:
    """Move offsets over edits; an end within a replaced text moves to the end of what replaces it."""
    starts = [edit.start for edit in edits]
    totals = [0]
    for edit in edits:
        totals.append(totals[-1] + len(edit.text.encode()) - (edit.end - edit.start))
    moved: list[int] = []
    for end in ends:
        number = bisect_right(starts, end - 1)
        inside = number and end < edits[number - 1].end
        moved.append(edits[number - 1].end + totals[number] if inside else end + totals[number])
    return moved
