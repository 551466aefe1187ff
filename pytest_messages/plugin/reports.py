"""What a test's report must say: what its sessions found is put into pytest's own reports, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_messages import report
from pytest_messages.errors import (
    CassetteIncompleteError,
    CassetteNotFoundError,
    ConformanceError,
    CredentialError,
    EmptyError,
    ExhaustedError,
    MessagesError,
    NoMatchError,
    NotRecordableError,
    StreamClosedError,
    UnplayedError,
    refusal,
)
from pytest_messages.intercept.sessions import SESSIONS

if TYPE_CHECKING:
    from pytest_messages.use.conclusion import Use
    from pytest_messages.use.run import Run


@dataclass(slots=True)
class Course:
    """What is remembered about a test while it runs."""

    uses: list[Use] = field(default_factory=list)
    passed: bool = True
    called: bool = False
    """Whether its call has come to an end: a run that was broken off has no verdict."""
    over: bool = False
    """Whether its body has ended: a report of the call before that is one of its subtests'."""
    subtest_failed: bool = False
    ours: bool = False
    """Whether it has had a session of its own, or asks for one: what others say is not explained."""

    @classmethod
    def of(cls, item: pytest.Item) -> Course:
        """Return what is remembered about ``item``."""
        return item.stash.setdefault(_COURSE, cls())

    @classmethod
    def begin(cls, item: pytest.Item) -> Course:
        """Forget what an earlier run of ``item`` left."""
        item.stash[_COURSE] = cls()
        return item.stash[_COURSE]

    def follow(self, phase: pytest.TestReport) -> bool:
        """Learn from the report of a phase; tell whether it is the test's own, and not one of its subtests'."""
        if phase.when == "setup":  # a rerun begins anew
            self.over = self.subtest_failed = False
        elif phase.when == "call" and not self.over:
            self.subtest_failed = self.subtest_failed or phase.failed
            return False
        self.called = phase.when == "call" or (self.called and phase.when != "setup")
        if phase.when in {"setup", "call"}:
            # pytest lets a test fail with its subtests only when it counts the reports.
            self.passed = (phase.passed or hasattr(phase, "wasxfail")) and not self.subtest_failed
        return True


_COURSE = pytest.StashKey[Course]()


def correct(run: Run, item: pytest.Item, call: pytest.CallInfo[None], phase: pytest.TestReport) -> None:
    """Put into the report of a phase what its sessions found, and let it fail where it must."""
    test = Course.of(item)
    if not test.follow(phase):
        return
    if phase.when == "call" and phase.passed and test.passed and not hasattr(phase, "wasxfail"):
        run.passed.add(item.nodeid)
    for opened in test.uses:
        opened.ended_with = call.excinfo.typename if call.excinfo else opened.ended_with
    keyless = _missing_key(call) if test.ours and phase.failed else []
    problems = [*keyless, *_problems(run, test, concluding=phase.when == "call")]
    if phase.when == "teardown":
        run.end_attempt(item.nodeid)
    _properties(item, phase, problems)
    counted = [error for error in problems if _counts(error, phase)]
    if not counted:
        return
    test.passed = False
    run.passed.discard(item.nodeid)
    _fail(item, call, phase, counted)


def _problems(run: Run, test: Course, *, concluding: bool) -> list[MessagesError]:
    problems = run.take_pending()
    for opened in test.uses:
        opened.passed = opened.passed and test.passed and not problems
        problems += opened.conclude(in_call=True) if concluding else run.hear(opened.session)
    for session in SESSIONS.everyone():
        problems += run.hear(session)
    return problems


def fail(item: pytest.Item, phase: pytest.TestReport) -> None:
    """Let a phase fail with the exception that is being handled: what breaks one test must not end the run."""
    phase.outcome = "failed"
    phase.longrepr = item.repr_failure(pytest.ExceptionInfo.from_current())


def _counts(error: MessagesError, phase: pytest.TestReport) -> bool:
    """Tell whether ``error`` makes this report fail: neither xfail nor a skip excuses a refusal or a leak."""
    excused = hasattr(phase, "wasxfail") or phase.skipped
    return not (excused and isinstance(error, (ConformanceError, UnplayedError, EmptyError)))


_REFUSALS = (
    CassetteNotFoundError,
    CassetteIncompleteError,
    NoMatchError,
    ExhaustedError,
    StreamClosedError,
    NotRecordableError,
)
"""What a call is refused with."""

_KEYLESS = ("Could not resolve authentication method", "The api_key client option must be set")
"""What the official SDK says, before any transport, when it was made where no key was set."""


def _missing_key(call: pytest.CallInfo[None]) -> list[MessagesError]:
    """Explain a client that gave up for want of a key: it was made before our placeholder was there, or to record."""
    said = str(call.excinfo.value) if call.excinfo else ""
    if not any(text in said for text in _KEYLESS):
        return []
    variables = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    problem = "the SDK's client was made without a key; made in the test or a fixture, it would find one for replay"
    return [CredentialError(problem, variables=variables)]


def _properties(item: pytest.Item, phase: pytest.TestReport, problems: list[MessagesError]) -> None:
    """Name the broken rules in the JUnit report, which is made of what the report of the teardown says."""
    rules = {finding.rule for error in problems if isinstance(error, ConformanceError) for finding in error.violations}
    named: list[tuple[str, object]] = [("messages_rule", rule) for rule in sorted(rules)]
    item.user_properties += named
    phase.user_properties += named


def _fail(
    item: pytest.Item, call: pytest.CallInfo[None], phase: pytest.TestReport, errors: list[MessagesError]
) -> None:
    raised = getattr(getattr(call.excinfo, "value", None), "error", None) if call.excinfo else None
    if phase.failed and len(errors) == 1 and raised is errors[0]:
        return  # the test ended with this very refusal: pytest has said it
    text = "\n\n".join(report.together(errors, said=raised, hints=_hints(item)))
    if not phase.failed and any(isinstance(error, _REFUSALS) for error in errors):
        text = f"{text}\n\n{report.MEANT}"
    if phase.failed and phase.longrepr is not None:
        text = f"{text}\n\n{report.ENDED_WITH}\n\n{phase.longreprtext}"
    phase.outcome = "failed"
    if hasattr(phase, "wasxfail"):
        del phase.wasxfail
    try:
        raise refusal(errors[0], text)
    except pytest.fail.Exception:
        phase.longrepr = item.repr_failure(pytest.ExceptionInfo.from_current())


def _hints(item: pytest.Item) -> list[str]:
    """Return what else helps against many refusals in one test."""
    # Hypothesis marks what it has decorated by this attribute.
    return [report.DERANDOMIZE] if hasattr(getattr(item, "obj", None), "hypothesis") else []
