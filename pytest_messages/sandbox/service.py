"""Who asks what in which dialect, and what the sandbox will send: everything but the socket."""

from __future__ import annotations

import base64
import json
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_messages.providers import PROVIDERS, SHINZO, group_of, provider_named
from pytest_messages.sandbox import answers, scenario
from pytest_messages.sandbox.handles import UnknownHandleError
from pytest_messages.sandbox.recordings import RecordedAnswers, Recordings, Unmatched, load
from pytest_messages.sandbox.refusals import Failure, check_key, find_failure, find_problem, key_in
from pytest_messages.sandbox.threads import Threads
from pytest_messages.wire import header

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_messages.providers import Provider
    from pytest_messages.sandbox.answers import Question
    from pytest_messages.sandbox.scenario import Scenario
    from pytest_messages.wire import Request

_SUBSCRIPTION = "sk-ant-oat"


class Keys:
    """The keys of one sandbox: one for each dialect, all obviously fake, and those that the user added."""

    def __init__(self, extra: tuple[str, ...]) -> None:
        self._extra = extra
        claims = [{"alg": "none", "typ": "JWT"}, {"sub": "sandbox"}]
        parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in claims]
        self.jwt = ".".join((*parts, "sandbox-signature"))

    def of(self, name: str) -> str:
        """Return the key that belongs to the dialect called ``name``."""
        # In pieces, so that no scanner takes this file for a leak.
        shapes = {"shinzo": ("sk_shinzo_", "test_"), "shuyou": ("sk-", "shuyou-")}
        return "".join((*shapes.get(name, ("sk-ant-", "api03-")), "sandbox-" * 10, "AA"))

    def accepted(self, provider: Provider) -> tuple[str, ...]:
        """Return every key that is good for ``provider``."""
        return (self.of(provider.name), *self._extra)


class Service:
    """Takes requests and says what to send. Called by one thread; what it has seen may be read by others."""

    def __init__(  # noqa: PLR0913 - each is a choice of its own, all by name
        self,
        provider: Provider,
        *,
        extra_keys: tuple[str, ...] = (),
        stored_key: bool = True,
        recordings: Recordings | None = None,
        ignore: Sequence[str] = (),
        unmatched: str = "refuse",
        pace: float = 1,
    ) -> None:
        self.provider = provider
        self.keys = Keys(extra_keys)
        self.requests: list[Request] = []
        self._stored_key = stored_key
        self.unmatched: list[Unmatched] = []
        self._recorded = RecordedAnswers(load(recordings), ignore=ignore)
        self._refuses_unmatched = bool(self._recorded) and unmatched == "refuse"
        self._pace = pace
        self._failed: Counter[str] = Counter()
        self._threads = Threads()
        self._sessions: dict[str, dict[str, Any]] = {}
        self._dialects = {
            "/spotlight/anthropic": SHINZO,
            **{f"/{name}": each for name, each in PROVIDERS.items()},
            "": provider,
        }

    @property
    def sessions(self) -> Mapping[str, dict[str, Any]]:
        """Shinzo's sessions by id."""
        return MappingProxyType(dict(self._sessions))

    def speaking(self, name: str) -> Provider:
        """Return the dialect called ``name``; raises `SettingsError` where there is none."""
        return self.provider if name == self.provider.name else provider_named(name)

    def prefix_of(self, name: str) -> str:
        """Return the path under which the dialect called ``name`` answers."""
        provider = self.speaking(name)
        if provider.name == SHINZO.name:
            return "/spotlight/anthropic"
        return "" if provider.name == self.provider.name else f"/{provider.name}"

    def answer(self, request: Request) -> tuple[Provider, Scenario]:
        """Return the dialect that ``request`` was made in, and what to send."""
        self.requests.append(request)
        provider, path = self._dialect(urlsplit(request.url).path)
        response = self._recorded.answer(request)
        if response is not None:
            return provider, scenario.recorded(response, pace=self._pace)
        if self._refuses_unmatched:
            # An answer of our own would be another one than was recorded, and look like it.
            self.unmatched.append(self._recorded.explain(request))
            failure = Failure(400, str(self.unmatched[-1]))
            return provider, scenario.failed(provider, failure, answers.digest(provider, request.body))
        return provider, self._answer(provider, path, request)

    def _dialect(self, path: str) -> tuple[Provider, str]:
        prefix = next(each for each in self._dialects if path.startswith(f"{each}/"))
        return self._dialects[prefix], path[len(prefix) :]

    def _answer(self, provider: Provider, path: str, request: Request) -> Scenario:
        key = next(filter(None, (key_in(each, request.headers) for each in provider.credentials)), "")
        seed = answers.digest(provider, request.body)
        failure = self._refusal(provider, path, request)
        if failure is None and path == "/v1/models":
            return _models(provider)
        if failure is not None:
            return scenario.failed(provider, failure, seed)
        counting = path == provider.count_tokens
        turn = self._threads.begin(json.loads(request.body))
        if isinstance(turn, Failure):
            return scenario.failed(provider, turn, seed)
        if turn is None:
            return self._say(provider, json.loads(request.body), key, seed, counting=counting)
        failure = find_problem(provider, request.headers, turn.conversation, counting=counting)
        if failure is None:
            made = self._say(provider, turn.conversation, key, seed, counting=counting)
        else:
            made = scenario.failed(provider, failure, seed)
        return scenario.in_thread(made, turn)

    def _say(self, provider: Provider, body: dict[str, Any], key: str, seed: str, *, counting: bool) -> Scenario:
        try:
            asked = answers.question(provider, body, key=key)
        except UnknownHandleError as error:
            return scenario.failed(provider, Failure(400, str(error)), seed)
        return self._obey(asked, counting=counting)

    def _refusal(self, provider: Provider, path: str, request: Request) -> Failure | None:
        known = {("POST", provider.messages), ("POST", provider.count_tokens)}
        if provider.name != SHINZO.name:
            known |= {("GET", "/v1/models")}
        if (request.method, path) not in known:
            return Failure(404, f"Endpoint {request.method} {path} not found", bare=True)
        keys = (*self.keys.accepted(provider), *((self.keys.jwt,) if provider.name == SHINZO.name else ()))
        if path == "/v1/models":
            return check_key(provider, request.headers, keys)
        failure = check_key(provider, request.headers, keys) or self._behind(provider, request)
        return failure or find_failure(provider, request.headers, request.body, counting=path != provider.messages)

    def _behind(self, provider: Provider, request: Request) -> Failure | None:
        """Hold the key for the provider behind a gateway to what its documentation says."""
        if not provider.pass_through:
            return None
        passed = key_in(provider.pass_through[0], request.headers)
        left = header(request.headers, "authorization") or ""
        own = (*self.keys.accepted(provider), self.keys.jwt)
        if _SUBSCRIPTION in f"{passed}{left}" or (left and left.removeprefix("Bearer ") not in own):
            return Failure(403, "subscription tokens are not supported", type="subscription_not_supported")
        if passed is None and not self._stored_key:
            return Failure(403, "no provider key is stored or passed through")
        if passed is not None and passed not in self.keys.accepted(PROVIDERS["anthropic"]):
            return Failure(401, "the provider refused its API key", type="provider_error")
        return None

    def _obey(self, asked: Question, *, counting: bool) -> Scenario:
        if "no-provider-key" in asked.instructions.marks:
            return scenario.failed(
                asked.provider, Failure(403, "no provider key is stored or passed through"), asked.seed
            )
        if self._failed[asked.seed] < asked.instructions.flaky:
            self._failed[asked.seed] += 1
            status = 529 if asked.provider.types_of(529) else 500
            return scenario.failed(asked.provider, Failure(status, "try again"), asked.seed)
        del self._failed[asked.seed]
        if not counting:
            self._enter(asked)
        return scenario.answered(asked, counting=counting)

    def _enter(self, asked: Question) -> None:
        """Count the request in its session, where the dialect has sessions."""
        group = group_of(asked.provider, asked.body)
        if group is not None:
            usage = answers.message(asked)["usage"]
            before = self._sessions.get(group, {})
            counted = {"requests": 1, **{name: usage[name] for name in ("input_tokens", "output_tokens")}}
            self._sessions[group] = {name: before.get(name, 0) + count for name, count in counted.items()}


def _models(provider: Provider) -> Scenario:
    """List the one model there is, in the dialect's form."""
    name = provider.model
    if provider.name == "shuyou":
        return scenario.json_scenario({"object": "list", "data": [{"id": name, "object": "model", "created": 0}]})
    entry = {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-31T00:00:00Z"}
    return scenario.json_scenario({"data": [entry], "first_id": name, "last_id": name, "has_more": False})
