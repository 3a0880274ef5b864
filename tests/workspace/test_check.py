"""`forecast check` validates everything a run reads and reports every fault of every file at once."""

from pathlib import Path

import pytest

from forecast.errors import ForecastError
from forecast.priors.registry import KNOWN
from forecast.priors.scenarios import PARTS
from forecast.workspace.check import check_workspace
from forecast.workspace.init import create_workspace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_workspace(tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def refusal(home: Path) -> list[str]:
    with pytest.raises(ForecastError) as caught:
        check_workspace(home)
    lines = str(caught.value).splitlines()
    return [line.removeprefix("  - ") for line in lines[len(lines) > 1 :]]


def test_valid_parts_are_listed(home: Path) -> None:
    assert check_workspace(home) == [
        "tables",
        f"priors in {home / 'priors'}",
        *(f"plan {home / 'runs' / 'plans' / name}.toml" for name in ("quickstart", "smoke")),
    ]


def test_one_fault_is_one_line(home: Path) -> None:
    path = home / "priors" / "spending.toml"
    edit(path, "alpha = 3", "alpha = -3")
    assert refusal(home) == [f"{path} [kappa]: alpha is -3, expected a finite number above 0, from 0.5 to 1,000,000"]


def test_faults_of_tables_priors_and_plans_are_reported_together(home: Path) -> None:
    edit(home / "priors" / "spending.toml", "alpha = 3", "alpha = -3")
    edit(home / "priors" / "missions.toml", "[cut_size]", "[cutsize]")
    edit(home / "runs/plans/smoke.toml", "quarters = 40", "quaters = 40")
    edit(home / "runs/plans/quickstart.toml", '"kfor"', '"kfro"')
    (home / "tables").mkdir()
    (home / "tables" / "leader.csv").write_text("x\n")
    faults = refusal(home)
    expected = (
        "alpha is -3",
        "unknown key 'cutsize'",
        "the entry [cut_size] is missing",
        "smoke.toml: unknown key 'quaters'; did you mean 'quarters'?",
        "leader.csv: unknown table",
    )
    assert len(faults) == len(expected)  # with broken tables no plan is checked against them
    for part in expected:
        assert any(part in line for line in faults), part


def test_plan_is_checked_against_the_tables(home: Path) -> None:
    plan = home / "runs/plans/quickstart.toml"
    edit(plan, '"kfor", "eufor_althea"', '"kfro", "isaf"')
    edit(plan, 'leave_out = ["mnf_iraq", "isaf"]', 'leave_out = ["mnf_irak"]')
    faults = refusal(home)
    assert len(faults) == 3
    assert any("no mission 'kfro', expected one of" in fault for fault in faults)
    assert any("isaf: it ended before 2025-12-31" in fault for fault in faults)
    assert any("leave_out: no mission 'mnf_irak' in the tables" in fault for fault in faults)


def test_dyad_without_priors_is_one_fault(home: Path) -> None:
    plan = home / "runs/plans/quickstart.toml"
    edit(plan, "seed =", 'dyads = ["USA-AUS"]\nseed =')
    assert refusal(home) == [
        f"{plan}: dyads: USA-AUS is not in priors/dyads.toml, expected one of USA-JPN, USA-KOR; "
        "remove the pair or add tables [USA-AUS.<name>] there"
    ]


def test_plan_of_a_later_day_is_checked_against_its_own_calendar(home: Path) -> None:
    """With rows of a later year in the workspace, check and run must agree on the latest date."""
    edit(home / "runs/plans/smoke.toml", "as_of = 2025-12-31", "as_of = 2026-03-31")
    faults = refusal(home)
    assert len(faults) == 1
    assert "start is 2026Q1, expected 2026Q2" in faults[0]


def test_plan_of_an_earlier_day_is_checked_against_the_tables_of_that_day(home: Path) -> None:
    plan = home / "runs/plans/smoke.toml"
    edit(plan, "as_of = 2025-12-31", "as_of = 2019-12-31")
    edit(plan, '"kfor", "eufor_althea"', '"kfor", "kfro"')
    assert any("no mission 'kfro'" in fault for fault in refusal(home))


def test_overlay_is_read_and_named(home: Path) -> None:
    (home / "tables").mkdir()
    (home / "tables" / "README.md").write_text("notes\n")
    assert check_workspace(home)[0] == f"tables, with {home / 'tables'}"


def test_workspace_without_plans_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "priors").mkdir()
    faults = refusal(tmp_path)
    assert any("no plans, expected at least one; `forecast init` writes default plans" in fault for fault in faults)
    assert sum("the file is missing" in fault for fault in faults) == len(KNOWN) + len(PARTS)
