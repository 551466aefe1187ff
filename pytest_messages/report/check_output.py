"""What a check or an audit of files found, for people and for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pytest_messages.findings import Level
from pytest_messages.report.layout import line, number, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from pytest_messages.findings import Leak, Violation

    class Found(Protocol):
        """One finding in a cassette."""

        @property
        def cassette(self) -> str:
            """The file."""
            ...

        @property
        def interaction(self) -> int | None:
            """Which interaction, from one; None where the file itself is meant."""
            ...

        @property
        def violation(self) -> Violation:
            """What was found."""
            ...


def as_text(found: Sequence[Found]) -> str:
    """Return the findings for a terminal: file and interaction, then what is wrong there."""
    blocks = []
    for each in found:
        finding = each.violation
        place = f"{_place(each)}  {finding.where}"
        where = f"  {finding.source}" if finding.source else ""
        blocks.append(
            f"{line(place, 10_000)}\n  {finding.level.name.lower()} {finding.rule}: {line(finding.message, 1000)}"
        )
        if where:
            blocks[-1] += f"\n{where}"
    return "\n".join(blocks)


def _place(each: Found) -> str:
    return plain(each.cassette) if each.interaction is None else f"{plain(each.cassette)}#{each.interaction}"


def as_json(found: Sequence[Found]) -> str:
    """Return the findings as a JSON list of objects with the seven documented keys."""
    rows = [
        {
            "cassette": each.cassette,
            "interaction": each.interaction,
            "where": each.violation.where,
            "rule": each.violation.rule,
            "level": each.violation.level.name.lower(),
            "message": each.violation.message,
            "source": each.violation.source,
        }
        for each in found
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def as_junit(found: Sequence[Found]) -> str:
    """Return the findings as JUnit XML: a test case per finding, failed where it is a violation."""
    failures = [each for each in found if each.violation.level is Level.VIOLATION]
    suite = ET.Element("testsuite", name="pytest-messages check", tests=str(len(found)), failures=str(len(failures)))
    for each in found:
        finding = each.violation
        case = ET.SubElement(suite, "testcase", classname=_place(each), name=f"{finding.rule} {plain(finding.where)}")
        tag = "failure" if finding.level is Level.VIOLATION else "system-out"
        ET.SubElement(case, tag).text = f"{plain(finding.message)}\n{finding.source}"
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


_GITHUB = {Level.VIOLATION: "error", Level.NOTICE: "warning", Level.HINT: "notice"}


def as_github(found: Sequence[Found]) -> str:
    """Return the findings as GitHub workflow commands, which annotate the files of a pull request."""
    return "\n".join(
        f"::{_GITHUB[each.violation.level]} file={_escaped(each.cassette, ',:')},title={each.violation.rule}"
        f"::{_escaped(f'{_place(each)} {each.violation.where}: {each.violation.message}')}"
        for each in found
    )


def _escaped(text: str, also: str = "") -> str:
    return "".join(f"%{ord(char):02X}" if char in "%\r\n" + also else char for char in plain(text))


FORMATS: Mapping[str, Callable[[Sequence[Found]], str]] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
    "github": as_github,
}
"""How findings can be printed, by name."""


def checked(files: int, interactions: int, levels: Mapping[Level, int]) -> str:
    """Return the last line of a check: what was looked at, what was found."""
    counts = ", ".join(number(levels.get(level, 0), level.name.lower()) for level in Level)
    return f"{number(files, 'cassette')}, {number(interactions, 'interaction')}: {counts}"


def audited(path: str, leaks: Sequence[Leak], allowed: int, hints: int) -> str:
    """Return what the gate found in one file: where and what kind, never the value."""
    rows = [f"{plain(path)}: {leak.kind} at {line(leak.where, 1000)}" for leak in leaks]
    told = [number(allowed, "finding") + " allowed"] if allowed else []
    told += [number(hints, "hint") + " of personal data"] if hints else []
    return "\n".join([*rows, *([f"{plain(path)}: {', '.join(told)}"] if told else [])])
