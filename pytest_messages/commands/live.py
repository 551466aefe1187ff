"""The conformance suite that a gateway's vendor runs: a fixed battery of requests, sent to an endpoint and judged."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from pytest_messages import providers
from pytest_messages.client import MessagesClient
from pytest_messages.commands.at_rest import CheckFound
from pytest_messages.commands.terminal import FINE, FOUND, USAGE, agreed
from pytest_messages.errors import SettingsError
from pytest_messages.findings import Level, Violation
from pytest_messages.report.check_output import FORMATS
from pytest_messages.use.block import use_cassette

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from pytest_messages.providers import Provider
    from pytest_messages.session.session import Session

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["city"],
    },
}
_ASK_WEATHER = {"role": "user", "content": "What is the weather in Ghent? Use the tool."}
_CALL = {"type": "tool_use", "id": "toolu_01battery", "name": "get_weather", "input": {"city": "Ghent"}}
_RESULT = {"type": "tool_result", "tool_use_id": "toolu_01battery", "content": "11 degrees, rain"}
_COLOUR = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green", "blue"]}, "why": {"type": "string"}},
    "required": ["colour", "why"],
    "additionalProperties": False,
}

Body = dict[str, Any]


def _asked(text: str, **more: Any) -> Body:
    return {"max_tokens": 64, "messages": [{"role": "user", "content": text}], **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request of the battery.

    ``fails_with`` are the statuses that the documentation names for it, empty where it should succeed; ``headers``
    replace the provider's, and None leaves one out; ``content`` is sent as it is in place of ``body``; ``tokens`` is
    about how many it costs, in and out.
    """

    name: str
    body: Body = field(default_factory=dict)
    content: str | None = None
    counting: bool = False
    headers: Mapping[str, str | None] = field(default_factory=dict)
    fails_with: tuple[int, ...] = ()
    tokens: int = 0


PROBES: tuple[Probe, ...] = (
    Probe(name="text", body=_asked("Say hello."), tokens=80),
    Probe(name="text, streamed", body=_asked("Say hello.", stream=True), tokens=80),
    Probe(name="content blocks", body=_asked("x") | {"messages": [{"role": "user", "content": [{"type": "text", "text": "Say hello."}]}]}, tokens=80),  # noqa: E501 - one probe, one line
    Probe(name="system prompt", body=_asked("Who are you?", system="You are a parrot."), tokens=90),
    Probe(name="several turns", body=_asked("x") | {"messages": [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}, {"role": "user", "content": "Three?"}]}, tokens=90),  # noqa: E501 - one probe, one line
    Probe(name="one token", body=_asked("Tell me a long story.", max_tokens=1), tokens=20),
    Probe(name="stop sequence", body=_asked("Count: 1 2 3 4 5 6 7", stop_sequences=["4"]), tokens=90),
    Probe(name="tool offered", body=_asked("x") | {"messages": [_ASK_WEATHER], "tools": [WEATHER]}, tokens=300),
    Probe(name="tool forced", body=_asked("x") | {"messages": [_ASK_WEATHER], "tools": [WEATHER], "tool_choice": {"type": "tool", "name": "get_weather"}}, tokens=300),  # noqa: E501 - one probe, one line
    Probe(name="tool forced, streamed", body=_asked("x", stream=True) | {"messages": [_ASK_WEATHER], "tools": [WEATHER], "tool_choice": {"type": "any"}}, tokens=300),  # noqa: E501 - one probe, one line
    Probe(name="tool result", body=_asked("x") | {"messages": [_ASK_WEATHER, {"role": "assistant", "content": [_CALL]}, {"role": "user", "content": [_RESULT]}], "tools": [WEATHER]}, tokens=350),  # noqa: E501 - one probe, one line
    Probe(name="tools forbidden", body=_asked("x") | {"messages": [_ASK_WEATHER], "tools": [WEATHER], "tool_choice": {"type": "none"}}, tokens=300),  # noqa: E501 - one probe, one line
    Probe(name="thinking", body=_asked("What is 17 times 23?", max_tokens=2048, thinking={"type": "enabled", "budget_tokens": 1024}), tokens=1200),  # noqa: E501 - one probe, one line
    Probe(name="thinking, streamed", body=_asked("What is 17 times 23?", max_tokens=2048, stream=True, thinking={"type": "enabled", "budget_tokens": 1024}), tokens=1200),  # noqa: E501 - one probe, one line
    Probe(name="structured output", body=_asked("Choose a colour.", output_config={"format": {"type": "json_schema", "schema": _COLOUR}}), tokens=200),  # noqa: E501 - one probe, one line
    Probe(name="token count", body={"messages": [{"role": "user", "content": "Say hello."}]}, counting=True),
    Probe(name="wrong key", body=_asked("Say hello."), headers={"x-api-key": "sk-ant-battery-wrong", "authorization": None}, fails_with=(401, 403)),  # noqa: E501 - one probe, one line
    Probe(name="no key", body=_asked("Say hello."), headers={"x-api-key": None, "authorization": None, "x-shinzo-api-key": None}, fails_with=(401, 403)),  # noqa: E501 - one probe, one line
    Probe(name="no messages", body={"max_tokens": 64}, fails_with=(400,)),
    Probe(name="no max_tokens", body={"messages": [{"role": "user", "content": "Say hello."}]}, fails_with=(400,)),
    Probe(name="unknown field", body=_asked("Say hello.", no_such_field=True), fails_with=(400,)),
    Probe(name="temperature beyond its range", body=_asked("Say hello.", temperature=7), fails_with=(400,)),
    Probe(name="unknown model", body=_asked("Say hello.", model="no-such-model"), fails_with=(404, 400)),
    Probe(name="a result without its call", body=_asked("x") | {"messages": [{"role": "user", "content": [_RESULT]}]}, fails_with=(400,)),  # noqa: E501 - one probe, one line
    Probe(name="not JSON", content='{"model": ', fails_with=(400,)),
)  # fmt: skip
"""What is sent, in order. Everything an endpoint may refuse is told apart from what it answers wrongly."""

UNEXPECTED = "battery.accepted"
"""The rule that an endpoint breaks which takes what the documentation says is refused."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of one probe; ``status`` 0 means that nothing answered."""

    probe: Probe
    status: int
    findings: tuple[Violation, ...]

    @property
    def verdict(self) -> str:
        """In one word or two."""
        if not self.status:
            return "no answer"
        if not self.probe.fails_with and self.status >= 400:  # noqa: PLR2004 - HTTP's own boundary
            return "not served"
        worst = min((finding.level for finding in self.findings), default=Level.HINT)
        return {Level.VIOLATION: "VIOLATION", Level.NOTICE: "notice", Level.HINT: "conforms"}[worst]


def run(profile: Provider, *, model: str) -> list[Probed]:
    """Send the battery to the endpoint of ``profile`` and judge every answer."""
    with tempfile.TemporaryDirectory() as folder:
        tape = Path(folder) / "battery.yaml"
        with use_cassette(tape, record="live", conformance="ignore", empty="ignore") as session:
            client = MessagesClient.of(session, provider=profile)
            with client:
                statuses = [_sent(client, profile, probe, model) for probe in _concerning(profile)]
            return [_judged(session, n, probe, status) for n, (probe, status) in enumerate(statuses, 1)]


def _concerning(profile: Provider) -> list[Probe]:
    return [probe for probe in PROBES if not probe.counting or profile.count_tokens]


def _sent(client: MessagesClient, profile: Provider, probe: Probe, model: str) -> tuple[Probe, int]:
    path = profile.count_tokens if probe.counting else profile.messages
    body = {"model": model, **probe.body}
    try:
        response = client.raw(
            None if probe.content is not None else body, content=probe.content, path=path, headers=probe.headers
        )
    except httpx.TransportError:
        return probe, 0
    return probe, response.status_code


def _judged(session: Session, number: int, probe: Probe, status: int) -> Probed:
    place = f"call {number}, "
    findings = [
        replace(finding, where=finding.where.removeprefix(place))
        for finding in session.violations
        if finding.where.startswith(place)
    ]
    return Probed(probe, status, (*findings, *filter(None, [accepted(probe, status)])))


def accepted(probe: Probe, status: int) -> Violation | None:
    """Return the finding about an endpoint that takes what the documentation says is refused."""
    if not probe.fails_with or not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own boundary
        return None
    said = f"answered {status}; documented is {' or '.join(map(str, probe.fails_with))}"
    return Violation("status", UNEXPECTED, Level.NOTICE, said, "https://platform.claude.com/docs/en/api/errors")


# The command


def main(asked: argparse.Namespace, declared: Mapping[str, Provider]) -> int:
    """Show what will be sent and what it costs, send it, and return the exit code."""
    profile = _profile(asked, declared)
    model = asked.model or profile.model
    probes = _concerning(profile)
    told = sys.stderr if asked.format != "text" else sys.stdout
    print(f"{len(probes)} requests to {profile.base_url} as {profile.title}, model {model}:", file=told)
    print("\n".join(f"  {probe.name:<30} {_gist(probe)}" for probe in probes), file=told)
    print(f"about {sum(probe.tokens for probe in probes):,} tokens in all", file=told)
    if not asked.yes and not agreed("Send them?"):
        print("nothing was sent", file=told)
        return USAGE
    done = run(profile, model=model)
    print("\n".join(f"  {each.probe.name:<30} {each.status or '---'}  {each.verdict}" for each in done), file=told)
    shown = [
        CheckFound(each.probe.name, None, finding)
        for each in done
        for finding in each.findings
        if finding.level is not Level.HINT or asked.hints
    ]
    if printed := FORMATS[asked.format](shown):
        print(printed)
    return _concluded(done, told, strict=asked.strict)


def _concluded(done: list[Probed], told: Any, *, strict: bool) -> int:
    levels = Counter(finding.level for each in done for finding in each.findings)
    verdicts = Counter(each.verdict for each in done)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())), file=told)
    if verdicts["no answer"] == len(done):
        print("nothing answered: is the server there, and is the URL its base URL?", file=sys.stderr)
        return 2
    failed = levels[Level.VIOLATION] or (strict and levels[Level.NOTICE]) or verdicts["no answer"]
    return FOUND if failed else FINE


def _profile(asked: argparse.Namespace, declared: Mapping[str, Provider]) -> Provider:
    if asked.paths:
        raise SettingsError("check takes cassettes or --live URL, not both")
    named = providers.provider_named(asked.provider or "compatible", declared=declared)
    variables = {each.variable for each in (*named.credentials, *named.pass_through)}
    if not any(os.environ.get(variable) for variable in variables) and not named.anonymous:
        raise SettingsError(f"the battery needs a key for {named.title}: set {' or '.join(sorted(variables))}")
    # What the caller says goes, also over the environment's base URL.
    return replace(named, base_url=asked.live.rstrip("/"), base_url_env="")


def _gist(probe: Probe) -> str:
    return probe.content or json.dumps(probe.body, ensure_ascii=False)[:80]
