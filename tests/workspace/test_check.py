"""`forecast check` validates everything a run reads and reports every fault of every file at once."""

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecast.data.spending import spending_panel
from forecast.data.tables import load_tables
from forecast.errors import ForecastError
from forecast.priors.registry import KNOWN
from forecast.priors.scenarios import PARTS
from forecast.workspace.check import check_workspace
from forecast.workspace.init import create_workspace
from forecast.workspace.inputs import read_inputs


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
        *(str(home / "priors" / name) for name in ("weights.toml", "releases.toml")),
        *(f"plan {home / 'runs' / 'plans' / name}.toml" for name in ("quickstart", "smoke")),
    ]


def test_one_fault_is_one_line(home: Path) -> None:
    path = home / "priors" / "spending.toml"
    edit(path, "alpha = 3", "alpha = -3")
    assert refusal(home) == [f"{path} [kappa]: alpha is -3, expected a finite number above 0, from 0.5 to 1,000,000"]


def test_faults_of_tables_priors_and_plans_are_reported_together(home: Path) -> None:
    edit(home / "priors" / "spending.toml", "alpha = 3", "alpha = -3")
    edit(home / "priors" / "missions.toml", "[cut_size]", "[cutsize]")
    edit(home / "priors" / "weights.toml", "lose = 0.497", "lose = 0.5")
    edit(home / "priors" / "releases.toml", "date = 2026-01-31", "date = 2026")
    edit(home / "runs/plans/smoke.toml", "quarters = 40", "quaters = 40")
    edit(home / "runs/plans/quickstart.toml", '"kfor"', '"kfro"')
    (home / "tables").mkdir()
    (home / "tables" / "leader.csv").write_text("x\n")
    faults = refusal(home)
    expected = (
        "alpha is -3",
        "unknown key 'cutsize'",
        "the entry [cut_size] is missing",
        "weights.toml: weights #1: probability sums to 1.003, expected 1",
        "date is 2026, expected a day",
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


SPENDING = "country,year,basis,share_gdp,estimate,source\n"


@pytest.mark.case("B78")
def test_rows_later_than_a_plan_are_hidden_from_it(home: Path) -> None:
    before = read_inputs(home, "smoke")
    (home / "tables").mkdir()
    rows = SPENDING + "FRA,2026,nato,2.2,true,own\nDEU,2026,nato,2.6,true,own\n"
    (home / "tables" / "defence_spending.csv").write_text(rows)
    economy = "country,year,gdp_growth,gdp_usd,population,source\n"
    economy += "FRA,2026,1.1,,68700000,own\nDEU,2026,0.9,,83500000,own\n"
    (home / "tables" / "economy.csv").write_text(economy)
    smoke, later = home / "runs/plans/smoke.toml", home / "runs/plans/later.toml"
    later.write_text(
        smoke.read_text()
        .replace("as_of = 2025-12-31", "as_of = 2026-12-31")
        .replace("2027Q", "2028Q")
        .replace("2026Q", "2027Q")
    )
    lines = check_workspace(home)
    assert f"plan {smoke} does not use rows later than 2025-12-31: 2 of defence_spending.csv, 2 of economy.csv" in lines
    assert not any(f"plan {later} does not use" in line for line in lines)
    after = read_inputs(home, "smoke")
    assert after.run_id == before.run_id and after.tables.digests == before.tables.digests
    assert load_tables(home / "tables", date(2026, 12, 31)).defence_spending["year"].max() == 2026


@pytest.mark.case("B78", "B10")
def test_spending_is_known_before_growth(home: Path) -> None:
    """A plan of the new year starts from the figure, and an older plan does not see it. A large step is noted."""
    (home / "tables").mkdir()
    rows = "FRA,2026,nato,2.2,true,own\nDEU,2025,nato,14,true,own\n"
    (home / "tables" / "defence_spending.csv").write_text(SPENDING + rows)
    (home / "runs/plans/quickstart.toml").unlink()
    smoke, later = home / "runs/plans/smoke.toml", home / "runs/plans/later.toml"
    later.write_text(re.sub("(?<=[^0-9])202([567])(?=Q|-12-31)", lambda m: f"202{int(m[1]) + 1}", smoke.read_text()))
    lines = check_workspace(home)
    assert f"plan {smoke} does not use rows later than 2025-12-31: 1 of defence_spending.csv" in lines
    assert (
        f"plan {later} does not fit the changes of spending of FRA 2026, whose gdp_growth economy.csv does not have"
        in lines
    )
    assert f"plan {smoke} forecasts DEU from 14 percent of GDP after 2; correct the figure" in "\n".join(lines)
    inputs = read_inputs(home, "later")
    panel = spending_panel(inputs.tables, inputs.priors)
    assert np.isfinite(panel["growth"]).all() and int(panel["last_year"].sel(country="FRA")) == 2026
    years = panel["year"].values[panel["year_of"].values]
    assert not ((years == 2026) & (panel["country"].values[panel["country_of"].values] == "FRA")).any()


def test_a_ramp_longer_than_the_plan_is_noted(home: Path) -> None:
    edit(home / "priors" / "scenarios" / "war.toml", "ramp = 8", "ramp = 60")
    notes = [line for line in check_workspace(home) if "before the shifts of its wars are complete (60)" in line]
    assert len(notes) == 2 and all("reads verdicts after 40 quarters" in note for note in notes)


@pytest.mark.case("M17")
@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (
            "defence_spending",
            SPENDING + "KWT,2001,wdi,7.7,,m\nKWT,2002,wdi,7.4,,m\n",
            "gdp_growth is blank for KWT 2002",
        ),
        (
            "leaders",
            "country,leader,office,start,end,exit_kind,acting,source\n" + "GMB,A,president,2017-01-19,,,false,m\n",
            "terms.csv: no row for GMB",
        ),
    ],
)
def test_missing_rows_are_found_before_the_run(home: Path, file: str, text: str, words: str) -> None:
    (home / "tables").mkdir()
    (home / "tables" / f"{file}.csv").write_text(text)
    if file == "leaders":
        votes = "country,date,kind,round,early,selects_leader,scheduled,date_precision,source,note\n"
        votes += (
            "GMB,2016-12-01,executive,1,false,true,false,day,m,\nGMB,2021-12-04,executive,1,false,true,false,day,m,\n"
        )
        (home / "tables" / "elections.csv").write_text(votes)
    (fault,) = refusal(home)
    assert fault.startswith("plans as of 2025-12-31: ") and words in fault


@pytest.mark.case("B11", "B08")
def test_one_broken_table_is_one_fault_whatever_the_plans(home: Path) -> None:
    for day in ("2019-12-31", "2024-12-31", "2026-12-31"):
        text = (home / "runs/plans/smoke.toml").read_text()
        (home / f"runs/plans/p{day[:4]}.toml").write_text(text.replace("2025-12-31", day, 1))
    (home / "tables").mkdir()
    (home / "tables" / "defence_spending.csv").write_bytes((SPENDING + "FRA,2099,nato,2.2,true,own\n").encode("utf-16"))
    assert len(refusal(home)) == 1


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_tables_that_are_no_folder_are_a_fault(home: Path, kind: str) -> None:
    path = home / "tables"
    path.write_text("x") if kind == "file" else path.symlink_to("nowhere")
    assert refusal(home) == [f"{path}: not a folder, expected a folder of tables; create it or name another"]


def test_workspace_without_plans_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "priors").mkdir()
    faults = refusal(tmp_path)
    assert any("no plans, expected at least one; `forecast init` writes default plans" in fault for fault in faults)
    assert sum("the file is missing" in fault for fault in faults) == len(KNOWN) + len(PARTS)


@pytest.mark.case("A20", "L9")
def test_folder_that_is_no_workspace_is_one_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home, reason in (
        (tmp_path, "has neither priors/ nor runs/"),
        (tmp_path / "file", "is not a folder"),
        (tmp_path / "nowhere", "does not exist"),
    ):
        assert refusal(home) == [
            f"{home}: no workspace here, because it {reason}; name a workspace with --home DIR, or make one with "
            "`forecast init DIR`"
        ]


@pytest.mark.case("B28", "B69")
def test_one_bad_plan_does_not_stop_the_others(home: Path) -> None:
    plans = home / "runs" / "plans"
    good = (plans / "smoke.toml").read_text(encoding="utf-8")
    (plans / "weekly.TOML").write_text(good, encoding="utf-8")
    (plans / ".#smoke.toml").symlink_to("somebody@somewhere.1:2")
    (home / "priors" / "._spending.toml").write_bytes(b"\0\5\26\7")
    assert f"plan {plans / 'weekly.TOML'}" in check_workspace(home)
    (plans / "draft.toml").write_text(good.replace("quarters", "quaters"), encoding="utf-8")
    (plans / "copy of smoke.toml").write_text(good, encoding="utf-8")
    (plans / "late.toml").write_text(good.replace("2025-12-31", "2040-12-31"), encoding="utf-8")
    (plans / "lost.toml").symlink_to("nowhere")
    faults = refusal(home)
    for fault in (
        "draft.toml: unknown key 'quaters'; did you mean 'quarters'?",
        "copy of smoke.toml: the file has no name of a plan, expected",
        "late.toml: as_of is 2040-12-31, expected a day up to 2027-12-31, because the last figures",
        "lost.toml: a link to a file that does not exist; correct or remove the link",
    ):
        assert sum(f"{plans}/{fault}" in line for line in faults) == 1
    assert {line.split(": ")[0] for line in faults} == {
        str(plans / name) for name in ("draft.toml", "copy of smoke.toml", "late.toml", "lost.toml")
    }


@pytest.mark.case("B36", "M17")
@pytest.mark.parametrize(("day", "known"), [("2027-12-31", True), ("2028-01-01", False), ("2099-12-31", False)])
def test_day_long_after_the_figures(home: Path, day: str, known: bool) -> None:
    plan = home / "runs" / "plans" / "smoke.toml"
    (home / "runs" / "plans" / "quickstart.toml").unlink()
    text = plan.read_text(encoding="utf-8").split("[[hypothetical]]")[0].replace('unifil = "2027Q1"', "")
    plan.write_text(text.replace("as_of = 2025-12-31", f"as_of = {day}"), encoding="utf-8")
    if known:
        assert f"plan {plan}" in check_workspace(home)
    else:
        (fault,) = refusal(home)
        assert fault.startswith(f"{plan}: as_of is {day}, expected a day up to 2027-12-31, because the last figures")


@pytest.mark.case("M17")
def test_what_the_run_refuses_the_check_refuses(home: Path) -> None:
    """A plan whose tables hold too little for a model is refused by both, with the same words."""
    (home / "tables").mkdir()
    (home / "tables" / "leaders.csv").write_text(
        "country,leader,office,start,end,exit_kind,acting,source\n"
        "USA,Donald Trump,president,2025-01-20,2025-06-01,resignation,false,invented\n",
        encoding="utf-8",
    )
    faults = refusal(home)
    assert any("nobody governs USA on 2025-12-31" in fault for fault in faults)


@pytest.mark.case("F3", "M17")
@pytest.mark.parametrize(
    "change", [("russia =", "rusia ="), ('russia = "Russia", ', ""), ("russia =", 'x = "X", russia =')]
)
def test_subfactors_have_fixed_names(home: Path, change: tuple[str, str]) -> None:
    edit(home / "priors" / "scenarios" / "factors.toml", *change)
    faults = refusal(home)
    assert all(fault.startswith(f"{home}/priors/scenarios/factors.toml [threats]: ") for fault in faults)
    assert any("subfactors.russia is missing" in fault or "unknown key 'subfactors.x'" in fault for fault in faults)


def test_a_plan_with_scenarios_of_its_own_is_checked_with_them(home: Path) -> None:
    text = (home / "runs" / "plans" / "smoke.toml").read_text(encoding="utf-8")
    table = (home / "priors" / "scenarios" / "war.toml").read_text(encoding="utf-8").split("[win]\n")[1].split("\n[")[0]
    mine = home / "runs" / "plans" / "mine.toml"
    mine.write_text(f"{text}\n[own_war.truce]\n{re.sub('label = .*', 'label = "Truce"', table)}\n", encoding="utf-8")
    before = read_inputs(home, "smoke")
    assert read_inputs(home, "mine").plan.war == (*before.plan.war, "truce")
    assert f"plan {mine}" in check_workspace(home)
    edit(mine, "[own_war.truce]", "[own_war.win]")
    (fault,) = refusal(home)
    assert fault.startswith(f"{mine} [own_war.win]: is the name of a war too")
