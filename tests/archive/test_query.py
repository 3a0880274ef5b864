"""Queries on a run agree with its stored probabilities; thin support is refused, or met by more paths."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from forecast.archive.more_paths import more_paths
from forecast.archive.query import FEWEST, Answer, answer_query, answer_rows, sampled_paths
from forecast.archive.query_language import parse_query
from forecast.cli.app import app
from forecast.errors import RunError
from forecast.projection.execution import Executor
from forecast.reporting.query_text import answer_lines
from forecast.storage import runs
from forecast.storage.files import sha256_of
from forecast.storage.runs import Run, open_run
from tests.support.bundled_scenarios import WARS
from tests.support.pipeline_run import quiet


@pytest.fixture(scope="module")
def joint(made_run: Run) -> xr.Dataset:
    return sampled_paths(made_run)


def ask(joint: xr.Dataset, text: str) -> list[Answer]:
    return answer_query(parse_query(text), joint, draws=32)


def test_every_scenario_is_answered_unless_one_is_named(joint: xr.Dataset) -> None:
    everywhere = ask(joint, "P(cohesion in 2030Q4 > 0)")
    cells = [(a.scenario["war"], a.scenario["design"]) for a in everywhere]
    assert cells == [(w, d) for w in WARS for d in ("none", "division_of_labour")]
    (one,) = ask(joint, "P(cohesion in 2030Q4 > 0, war=win, design=none)")
    assert one == everywhere[cells.index(("win", "none"))]
    exact = (joint["joint_cohesion"].sel(war="win", design="none", quarter="2030Q4") > 0).mean()
    assert one.estimate.value == pytest.approx(float(exact))
    assert one.estimate.support == one.estimate.paths == joint.sizes["path"]


def test_conditions_count_paths(joint: xr.Dataset) -> None:
    cell = joint.sel(war="win", design="none")
    low = cell["joint_cohesion"].sel(quarter="2030Q4") <= 0.9
    rich = cell["joint_spending_share"].sel(member="POL", year=2028) > 4.0
    query = "P(spending[POL] in 2028 > 4 | cohesion in 2030Q4 <= 0.9, war=win, design=none)"
    if int(low.sum()) < FEWEST:
        with pytest.raises(RunError, match="paths meet the condition, expected at least 30"):
            ask(joint, query)
        return
    (found,) = ask(joint, query)
    assert found.estimate.support == int(low.sum())
    assert found.estimate.value == pytest.approx(float((low & rich).sum() / low.sum()))


def test_difference_of_the_same_scenario_is_zero_without_error(joint: xr.Dataset) -> None:
    found = ask(joint, "E(european_spending in 2030) - E(european_spending in 2030)")
    assert all(answer.estimate.value == answer.estimate.error == 0.0 for answer in found)
    (war,) = ask(joint, "E(cohesion in 2030Q4, war=win, design=none) - E(cohesion in 2030Q4, war=lose)")
    cohesion = joint["joint_cohesion"].sel(quarter="2030Q4", design="none")
    paired = (cohesion.sel(war="win") - cohesion.sel(war="lose")).mean()
    assert war.estimate.value == pytest.approx(float(paired), abs=1e-6)
    assert war.minus == {"war": "lose", "design": "none"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("P(colapsed[kfor] by 2029)", "nothing called 'colapsed' happens.*collapsed"),
        ("P(collapsed by 2029)", r"collapsed has 0 labels, expected collapsed\[mission\]"),
        ("P(collapsed[kforr] by 2029)", "the run has no mission of that name.*kfor"),
        ("P(exited[USA, unifil] by 2029)", "USA has no contingent in unifil at the start"),
        ("P(crisis by 2060)", "expected 2026Q1 to 2031Q4"),
        ("E(spending[DEU] in 2060)", "expected 2026 to 2031"),
        ("E(spending[DEU] in 2030Q2)", "spending in 2030Q2, but it has one value a year, expected 2030; change it"),
        ("P(european_spending in 2029Q1 > 2)", "one value a year, expected 2029"),
        ("E(spending[ISL] in 2030)", r"spending\[ISL\] has no value in 2030"),
        ("E(operational[unifil] in 2030Q4)", "has no value in 2030Q4"),
        ("E(wealth in 2030)", "no value is called 'wealth'"),
        ("P(verdict in 2030 = Bad)", "expected Weak, Fragmented, Strong"),
        ("P(verdict in 2030 > 1)", "expected Weak, Fragmented, Strong"),
        ("Q(0.5, verdict in 2030)", "a verdict is no number; ask for the probability"),
        ("E(verdict in 2030)", "a verdict is no number; ask for the probability"),
        ("Q(0.001, cohesion in 2030)", "0.032 of 32 paths lie beyond the quantile, expected at least 5.*6,000 paths"),
        ("P(crisis by 2030 | cohesion in 2030 < 99 : 0.5)", "0 of 32 paths lie on one side of the condition"),
        ("E(spending[RUS] in 2030)", "no member of that name.*; did you mean 'USA'"),
        ("P(notice[USA, kfor] by 2030)", r"notice has 2 labels, expected notice\[member\] or notice; correct it"),
        ("P(crisis by 2030, war=peace)", "war=peace, expected one of neutral"),
        ("P(crisis by 2030 | cohesion in 2030 > 99)", "0 of 32 paths meet the condition.*more than 1,152 paths"),
    ],
)
def test_unknown_names_times_and_thin_support_are_refused(joint: xr.Dataset, text: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        ask(joint, text)


def test_more_paths_continue_the_stored_ones(made_run: Run, joint: xr.Dataset) -> None:
    """Paths simulated from 0 are the stored ones, so those that follow are the rest of the same sequence."""
    simulate = more_paths(made_run.path.parent.parent, made_run, quiet, Executor(1, "", batch_size=50))
    scenarios = [{"war": "lose", "design": "none"}, {"war": "win", "design": "division_of_labour"}]
    cells, numbers = simulate(scenarios, 0)
    assert numbers[0] == 0
    for scenario, cell in zip(scenarios, cells, strict=True):
        stored = joint.sel(scenario)
        for name in cell.data_vars:
            assert np.array_equal(cell[name].isel(path=slice(32)), stored[name], equal_nan=True), name


def test_error_is_met_by_more_paths(made_run: Run, joint: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    from forecast.archive import more_paths as module

    monkeypatch.setattr(module, "_AT_A_TIME", 200)
    simulate = more_paths(made_run.path.parent.parent, made_run, quiet, Executor(1))
    query = parse_query("P(cohesion in 2030Q4 > 0.2, war=neutral, design=none)")
    with pytest.raises(RunError, match=r"the Monte Carlo error is .* expected at most 0.03; simulate more"):
        answer_query(query, joint, 32, error=0.03)
    (found,) = answer_query(query, joint, 32, error=0.09, more=simulate)
    assert found.estimate.error <= 0.09
    monkeypatch.setattr(module, "MOST", 400)
    with pytest.raises(RunError, match="400 paths are not enough"):
        answer_query(query, joint, 32, error=0.0001, more=simulate)


@pytest.mark.parametrize("soft", ["", " : 0.3"])
def test_condition_that_never_holds_ends_the_simulation(
    joint: xr.Dataset, monkeypatch: pytest.MonkeyPatch, soft: str
) -> None:
    from forecast.archive import query as module

    monkeypatch.setattr(module, "_IN_VAIN", 64)
    asked: list[int] = []

    def more(scenarios: list[module.Scenario], first: int) -> tuple[list[xr.Dataset], module.Numbers]:
        asked.append(first)
        return [joint.sel(scenario) for scenario in scenarios], np.arange(first, first + 32)

    query = parse_query(f"P(crisis by 2030 | cohesion in 2030 > 99{soft}, war=win, design=none)")
    with pytest.raises(RunError, match=r"none of 64 further paths .* below about 0.05 .*rule of three.*; ask for"):
        answer_query(query, joint, 32, more=more)
    assert asked == [32, 64]


def test_more_paths_need_no_workspace_as_it_was(made_run: Run, tmp_path: Path) -> None:
    """The tables are those that the run kept, and its inputs are restored only when a path is needed."""
    home = Path(shutil.copytree(made_run.path.parent.parent, tmp_path / "workspace"))
    for path in (home / "priors").glob("*.toml"):
        path.write_text("not a prior")
    run = open_run("latest", home)
    simulate = more_paths(home, run, quiet, Executor(1))
    shutil.move(home / "runs" / "tables", tmp_path / "tables")
    provenance = {**run.manifest["provenance"]}
    older = Run(run.path, {**run.manifest, "plan": {**run.manifest["plan"], "seed": 6}, "provenance": provenance})
    refused = more_paths(home, older, quiet, Executor(1))
    with pytest.raises(RunError, match="the models or the simulation have changed since the run"):
        refused([{"war": "win", "design": "none"}], 0)
    shutil.move(tmp_path / "tables", home / "runs" / "tables")
    cells, _ = simulate([{"war": "win", "design": "none"}], 32)
    assert cells[0].sizes["path"] > 0


def test_projection_is_hashed_once(made_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(runs, "_TICK", -(10**15))  # as if the run had finished long ago
    monkeypatch.setattr(runs, "sha256_of", lambda path: [hashed.append(path.name), sha256_of(path)][1])
    words = ["query", made_run.id, "P(crisis by 2028)", "--simulate", "--home", str(made_run.path.parent.parent)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert hashed.count("projection.nc") == 1


@pytest.mark.parametrize("error", [0.0, -0.1, float("nan")])
def test_error_that_no_number_of_paths_meets_is_refused(joint: xr.Dataset, error: float) -> None:
    with pytest.raises(RunError, match="expected a number above 0"):
        answer_query(parse_query("P(crisis by 2030)"), joint, 32, error=error)


def test_answers_as_text_and_records(joint: xr.Dataset) -> None:
    query = parse_query("P(crisis by 2030)")
    answers = answer_query(query, joint, draws=32)
    lines = list(answer_lines("a-run", query, answers))
    assert max(map(len, lines)) <= 80
    apart = parse_query("E(cohesion in 2030, war=stalemate) - E(cohesion in 2030, war=neutral)")
    lines_apart = list(answer_lines("a-run", parse_query("E(x in 2030)"), answer_query(apart, joint, draws=32)))
    assert max(map(len, lines_apart)) <= 90
    assert any(line.startswith("stalemate − neutral × division_of_labour ") for line in lines_apart)
    assert "32 of 32" in lines[4]
    rows = list(answer_rows(answers))
    assert json.loads(json.dumps(rows))[0]["war"] == "neutral"
    assert {"value", "error", "support", "paths", "effective"} <= set(rows[0])


def test_run_in_another_schema_is_refused(made_run: Run, tmp_path: Path) -> None:
    manifest = {**made_run.manifest, "provenance": {**made_run.manifest["provenance"], "schema_version": "3"}}
    with pytest.raises(RunError, match="output schema 3"):
        sampled_paths(Run(made_run.path, manifest))
