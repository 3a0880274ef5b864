"""Every reported fault has a test or a reason, and tests claim only faults that are listed."""

import re
from pathlib import Path

from tests.tools.case_verdicts import known_cases

TESTS = Path(__file__).parent
CLAIM = re.compile(r"mark\.case\(([^)]*)\)")


def _claimed() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    return {name for text in texts for claim in CLAIM.findall(text) for name in re.findall(r'"([A-Z]\w+)"', claim)}


def test_tests_claim_only_listed_faults() -> None:
    assert not _claimed() - set(known_cases())


def test_every_fault_has_a_test_or_a_reason() -> None:
    argued = {name for name, case in known_cases().items() if "argued" in case}
    assert not set(known_cases()) - _claimed() - argued
