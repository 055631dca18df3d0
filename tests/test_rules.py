"""Every rule has a page that says the same, an entry in the list, and a test that raises it."""

import re
from pathlib import Path

import pytest

from migrate import rules
from migrate.diagnostics import Rule

PROJECT = Path(__file__).resolve().parent.parent
PAGES = PROJECT / "docs" / "rules"


def test_codes_are_given_once() -> None:
    codes = [r.code for r in rules.ALL]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"MS[1-6]\d\d", code) for code in codes)
    assert len({r.name for r in rules.ALL}) == len(codes)


@pytest.mark.parametrize("rule", rules.ALL, ids=lambda r: r.code)
def test_a_rule_has_a_page_and_a_test(rule: Rule) -> None:
    page = (PAGES / f"{rule.code}.md").read_text()
    assert page.startswith(f"# {rule.code} {rule.name}\n\n*{rule.severity.value}*: {rule.summary}.\n")
    assert f"[{rule.code}]({rule.code}.md) | {rule.name} | {rule.severity.value}" in (PAGES / "README.md").read_text()
    others = [p.read_text() for p in (PROJECT / "tests").rglob("test_*.py") if p.name != "test_rules.py"]
    constant = next(name for name, value in vars(rules).items() if value is rule)
    assert any(rule.code in text or f"rules.{constant}" in text for text in others), "no test raises it"


def test_no_page_is_left_over() -> None:
    assert {p.stem for p in PAGES.glob("MS*.md")} == {r.code for r in rules.ALL}
