"""`make cases`: run the tests of all reported faults and print one verdict for each fault.

`tests/data/cases.toml` lists the faults. A test claims a fault with `@pytest.mark.case("ID")`; a fault without a test
must state there why it was left as it is.
"""

import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "data" / "cases.toml"


class Verdicts:
    """Pytest plugin that collects the outcome of every test by the faults it claims."""

    def __init__(self) -> None:
        self.claims: dict[str, set[str]] = {}  # faults by test id
        self.outcomes: dict[str, list[bool]] = defaultdict(list)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note which faults each selected test claims."""
        for item in items:
            self.claims[item.nodeid] = {case for mark in item.iter_markers("case") for case in mark.args}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note whether a test passed; an error of its set-up counts as a failure, a skip as nothing."""
        if report.when == "call" or report.failed:
            for case in self.claims[report.nodeid]:
                if not report.skipped:
                    self.outcomes[case].append(report.passed)


def known_cases() -> dict[str, dict[str, str]]:
    """Return the faults of `cases.toml` by id: `fault`, and `argued` where no test claims it."""
    return tomllib.loads(CASES.read_text(encoding="utf-8"))


def verdict(case: dict[str, str], outcomes: list[bool]) -> tuple[bool, str]:
    """Return whether a fault is settled, and the verdict in words."""
    if outcomes:
        passed = sum(outcomes)
        return all(outcomes), f"mended: {passed} of {len(outcomes)} tests pass"
    if "argued" in case:
        return True, f"argued: {case['argued']}"
    return False, "OPEN: no test claims it"


def main() -> None:
    """Run all tests with the marker, print the verdicts, and exit with 1 if a fault is open."""
    plugin = Verdicts()
    pytest.main(["-q", "-m", "case", "-p", "no:cacheprovider", str(ROOT / "tests")], plugins=[plugin])
    settled = []
    for name, case in known_cases().items():
        done, text = verdict(case, plugin.outcomes[name])
        settled.append(done)
        print(f"{name:5} {case['fault']}\n      {text}")
    print(f"\n{sum(settled)} of {len(settled)} faults settled")
    sys.exit(not all(settled))


if __name__ == "__main__":
    main()
