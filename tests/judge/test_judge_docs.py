"""``docs/rules.md`` is made from the catalogue, and up to date. Run this file to write it anew."""

from __future__ import annotations

from pathlib import Path

from pytest_messages.judge import CATALOGUE, Rule

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules.md"

HEAD = """# The rules of the judge

Made from `pytest_messages.judge.CATALOGUE`; `python tests/judge/test_judge_docs.py` writes it anew.

* **violation**: the documentation says so without exception, or breaking it makes an official SDK crash, drop or
  misplace data. **notice**: not documented, and allowed by the versioning policy. **hint**: only observed, or with
  exceptions.
* `messages_conformance = fail` (the default) fails a test on violations, `strict` on notices too.
* `messages_rules = -stream.ping-extra` turns a rule off by its name; so does `relax` in the profile of a gateway.
* At a host of no known provider, violations are only the rules marked *loses data*; the others become notices.
  `messages_rules = stream.start-empty`, or `add` in a profile, gives a rule its whole weight there.
* A rule of requests is at most a notice once the API has answered: it took the request, or it has said no itself.
"""

FAMILIES = {
    "stream": "Streams",
    "message": "Messages",
    "error": "Errors",
    "tokens": "Token counts",
    "batch": "Message batches",
    "models": "Models",
    "reply": "Other replies",
    "request": "Requests",
    "judge": "The judge itself",
}


def row(rule: Rule) -> str:
    level = rule.level.name.lower() + (", *loses data*" if rule.loses else "")
    return f"| `{rule.name}` | {level} | {rule.what} | [page]({_address(rule.source)}) |"


def _address(source: str) -> str:
    """Return where a page is, seen from `docs/`; a page of the project's own has no host."""
    return source if source.startswith("https://") else f"../{source}"


def page() -> str:
    parts = [HEAD]
    for family, title in FAMILIES.items():
        rules = [row(rule) for name, rule in CATALOGUE.items() if name.startswith(f"{family}.")]
        parts.append(
            "\n".join([f"## {title}", "", "| rule | level | what | where documented |", "|---|---|---|---|", *rules])
        )
    return "\n".join(f"{part}\n" for part in parts)


def test_the_page_lists_every_rule_as_it_stands() -> None:
    assert page().count("\n| `") == len(CATALOGUE)
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
