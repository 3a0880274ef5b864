"""Broken rules of the simulation: the list is current, and two of them are noticed (`make mutants` tries all)."""

import pytest

from tests.support.requirements import ROOT
from tests.tools.mutants import MUTANTS, Mutant, failures, table


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule)
def test_the_text_of_a_broken_rule_occurs_once(mutant: Mutant) -> None:
    text = (ROOT / "forecast" / "simulation" / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1 and mutant.new not in ("", mutant.old)


def test_at_least_twenty_rules_are_broken() -> None:
    assert len({mutant.rule for mutant in MUTANTS}) == len(MUTANTS) >= 20


def test_the_table_names_what_is_not_noticed() -> None:
    lines = table({"a rule": [], "another": ["K5", "spending: a", "spending: b", "spending: c", "spending: d"]})
    assert lines[2:] == ["| a rule | – | – |", "| another | K5 | spending: a; spending: b; spending: c and 1 more |"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "term"),
    [
        ("troops are never reduced for a planned cause", "withdrawal: cuts in all missions"),
        ("leaders fall twice at a vote", "leadership: changes after a vote that brought in the leader"),
    ],
)
def test_a_broken_rule_is_noticed_by_the_contract(rule: str, term: str) -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.rule == rule)
    assert term in failures(mutant, (), ("withdrawal", "leadership"), paths=64)
