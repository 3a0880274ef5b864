"""Stored runs are scored on outcomes: planted forecasts have the scores computed by hand, late ones are refused."""

import csv
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from forecast import names
from forecast.cli.app import app
from forecast.data.leaders import leader_quarters
from forecast.errors import DataError
from forecast.evaluation.baselines.withdrawal import spell_frame
from forecast.evaluation.resolution import resolve as module
from forecast.evaluation.resolution.baselines import Records
from forecast.evaluation.resolution.outcomes import read_outcomes
from forecast.evaluation.resolution.resolve import resolve, resolved_lines
from forecast.storage.files import write_tree
from forecast.storage.runs import Run, write_manifest
from tests.support.fake_posteriors import ROOT, priors, tables
from tests.support.outcome_rows import written
from tests.support.tiny_run_folder import make_run

TODAY = date(2040, 1, 1)
MADE = datetime.now(UTC).date()

#: Values planted in every scenario and every unit of the run.
PLANTED: Mapping[str, Any] = {
    "alliance/verdict_probability": [0.2, 0.3, 0.5],
    "counts/european_share_count": [0.0, 1.0, 3.0, 0.0],  # at 1, 2, 3 and 4 percent
    "counts/survival_count": [3.0, 0.0, 0.0, 1.0],  # at 0, 1/3, 2/3 and 1
    "missions/exit_probability": 0.25,
    "alliance/event_probability": 0.1,
    "members/leader_change_probability": 0.4,
}


def plant(run: Run) -> None:
    """Write the planted values into the projection of a run."""
    with run.projection as opened:
        tree = opened.load()
    for path, value in PLANTED.items():
        group, name = path.split("/")
        data = tree[group].to_dataset()
        data[name] = (xr.full_like(data[name], 0.0) + np.asarray(value, dtype="float32")).where(data[name].notnull())
        tree[group] = xr.DataTree(data)
    write_tree(run.path / names.PROJECTION, tree)
    facts = {name: value for name, value in run.manifest.items() if name not in ("finished", "files")}
    write_manifest(run.path, facts)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one run of planted values; tests do not change it."""
    folder = tmp_path_factory.mktemp("resolved")
    (folder / "priors").symlink_to(ROOT / "priors")
    plant(make_run(folder, checks={}))
    return folder


@pytest.fixture
def resolved(home: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that resolves the run of `home` on some rows."""

    def call(*rows: str) -> dict[str, Any]:
        return resolve(home, written(tmp_path, *rows), tmp_path / "out", TODAY)

    return call


#: The score of the planted forecast, that of the baseline if it is known by hand, and the name of the baseline.
HAND: Mapping[str, tuple[float, float | None, str]] = {
    # cumulative probabilities 0.2, 0.5, 1 against 0, 0, 1; climatology 0.33, 0.74, 1
    "cohesion_verdict,alliance,2027Q4,Strong,2028-01-05,x,,": (0.2**2 + 0.5**2, 0.33**2 + 0.74**2, "climatology"),
    # against 1, 1, 1
    "cohesion_verdict,alliance,2028Q1,Weak,2028-04-05,x,,": (0.8**2 + 0.5**2, 0.67**2 + 0.26**2, "climatology"),
    "event_probability,exit,2027Q4,0,2028-01-01,x,,": (0.1**2, 0.5**2, "even odds"),
    "event_probability,wedge,2027Q4,1,2027-05-01,x,,": (0.9**2, 0.5**2, "even odds"),
    # the distribution function is 0.25 from 2 to 3, so 0.25^2 up to the outcome and 0.75^2 after it
    "european_spending,alliance,2027,2.5,2028-06-01,x,win,none": (0.5 * 0.25**2 + 0.5 * 0.75**2, None, "random walk"),
    # half a point below all samples, then 0.75^2 over the point from 2 to 3
    "european_spending,alliance,2028,1.5,2029-06-01,x,win,none": (0.5 + 0.75**2, None, "random walk"),
    "exit_probability,kfor:USA,2027Q4,1,2027-02-01,x,,": (0.75**2, None, "constant rate"),
    "leader_change_probability,FRA,2027,1,2027-05-14,x,,": (0.6**2, None, "constant rate"),
    "mission_survival,kfor:nominal,2027Q4,1,2028-01-01,x,,": (0.75**2, None, "constant rate"),
}


def test_scores_are_those_computed_by_hand(resolved: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    table = resolved(*HAND)
    assert len(table["forecasts"]) == len(HAND)
    for scored, (score, baseline, name) in zip(table["forecasts"], HAND.values(), strict=True):
        assert scored["score"] == pytest.approx(score, abs=1e-6)
        assert scored["baseline"] == name
        assert baseline is None or scored["score_baseline"] == pytest.approx(baseline, abs=1e-6)
    assert [row["horizon"] for row in table["forecasts"]] == [2.0, 2.25, 2.0, 2.0, 2.0, 3.0, 2.0, 2.0, 2.0]
    _assert_written(table, tmp_path / "out")
    _assert_shown(resolved_lines(table))


def _assert_written(table: dict[str, Any], folder: Path) -> None:
    stored = json.loads((folder / "resolved.json").read_text())
    assert stored == json.loads(json.dumps(table))
    assert [outcome["source"] for outcome in stored["outcomes"]] == ["x"] * len(HAND)
    with (folder / "resolved.csv").open() as handle:
        lines = list(csv.DictReader(handle))
    assert [float(line["score"]) for line in lines] == [row["score"] for row in table["forecasts"]]


def _assert_shown(lines: list[str]) -> None:
    """The lines fit a terminal, the worst skill stands first, and few outcomes are called too few."""
    assert all(len(line) <= 80 for line in lines)
    skills = [float(line.split()[-2]) for line in lines if line.endswith(" %")]
    assert len(skills) > 3 and skills == sorted(skills)
    assert any("too few to show any skill" in line for line in lines)


def test_the_rate_of_departure_is_that_of_the_framework(resolved: Callable[..., dict[str, Any]]) -> None:
    """With a Gamma(n + 1/2, T) rate, a contingent stays h years with probability (T / (T + h))^(n + 1/2)."""
    from forecast.data.deployments import mission_spells

    frame = spell_frame(mission_spells(tables(), priors()))
    nato = frame[frame["framework"] == "nato"]
    stay = (nato["years"].sum() / (nato["years"].sum() + 2.0)) ** (nato["left"].sum() + 0.5)
    (scored,) = resolved("exit_probability,kfor:USA,2027Q4,0,2028-01-01,x,,")["forecasts"]
    assert scored["score_baseline"] == pytest.approx((1.0 - stay) ** 2, rel=0.02)


def test_the_rate_of_leaders_covers_the_quarters_of_the_year(resolved: Callable[..., dict[str, Any]]) -> None:
    changes = leader_quarters(tables())["change"]
    rate = (float(changes.sum()) + 0.5) / (changes.size + 1.0)
    (scored,) = resolved("leader_change_probability,FRA,2027,0,2028-01-01,x,,")["forecasts"]
    assert scored["score_baseline"] == pytest.approx((1.0 - (1.0 - rate) ** 4) ** 2)


def test_the_random_walk_starts_at_the_last_level_and_spreads(resolved: Callable[..., dict[str, Any]]) -> None:
    """An outcome at the last level costs more at a longer horizon, and less than one far away."""
    rows = [f"european_spending,alliance,{year},2.4,{year + 1}-06-01,x,," for year in (2026, 2030)]
    near, far = (row["score_baseline"] for row in resolved(*rows)["forecasts"])
    (away,) = resolved("european_spending,alliance,2026,9.6,2027-06-01,x,,")["forecasts"]
    assert 0.0 < near < far < away["score_baseline"]


@pytest.mark.parametrize(
    ("history", "level"),
    [([2.0] * 16, 2.0), ([np.nan] * 15 + [3.0], 3.0), ([np.nan] * 16, 2.4)],
    ids=["flat", "one figure", "none"],
)
def test_the_random_walk_needs_no_change_in_the_record(history: list[float], level: float) -> None:
    members = xr.Dataset(
        {"spending_history": (("member", "history_year"), [history, [2.0] * 16])},
        {"member": ["FRA", "POL"], "history_year": np.arange(2010, 2026)},
        {"european_share_last": 2.4},
    )
    records = Records(Path(), xr.DataTree.from_dict({"members": members}), date(2025, 12, 31))
    samples = records.random_walk("FRA", 2027)
    assert samples == pytest.approx(level)


def test_a_forecast_made_when_the_outcome_was_known_is_refused(resolved: Callable[..., dict[str, Any]]) -> None:
    same_day = f"event_probability,crisis,2026Q4,1,{MADE},x,,"
    other = "event_probability,wedge,2026Q4,0,2027-01-01,x,,"
    table = resolved(same_day, other)
    assert [row["unit"] for row in table["forecasts"]] == ["wedge"]
    (refused,) = table["refused"]
    assert refused["outcome"] == "event_probability crisis 2026Q4"
    assert refused["refused"] == f"made on {MADE}, but the outcome was known on {MADE}"


def test_only_known_outcomes_are_no_score_at_all(resolved: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no forecast can be scored .* made on 20\d\d"):
        resolved("event_probability,crisis,2026Q1,1,2026-03-01,x,,")
    assert not (tmp_path / "out").exists()


UNANSWERED = {
    "spending_share,FRO,2027,2.1,2028-06-01,x,,": "the run has no member FRO; did you mean 'FRA'?",
    "exit_probability,kfr:USA,2027Q4,0,2028-01-01,x,,": "the run has no mission kfr; did you mean 'kfor'?",
    "exit_probability,unifil:USA,2029Q4,0,2030-01-01,x,,": "the run has no value in that period",
    "european_spending,alliance,2039,2.1,2039-12-31,x,,": "the run has no year 2039",
    "event_probability,exits,2027Q4,0,2028-01-01,x,,": "the run has no event exits; did you mean 'exit'?",
}


def test_an_outcome_without_forecast_says_why(resolved: Callable[..., dict[str, Any]]) -> None:
    table = resolved(*UNANSWERED, "event_probability,wedge,2026Q4,0,2027-01-01,x,,")
    assert [row["unit"] for row in table["forecasts"]] == ["wedge"]
    for row, reason in zip(table["unanswered"], UNANSWERED.values(), strict=True):
        assert row["reason"].startswith(reason)


def test_only_the_scenario_that_held_is_scored(resolved: Callable[..., dict[str, Any]]) -> None:
    held = "cohesion_verdict,alliance,2027Q4,Weak,2028-01-05,x,lose,division_of_labour"
    (scored,) = resolved(held)["forecasts"]
    assert (scored["war"], scored["design"]) == ("lose", "division_of_labour")


def test_skill_is_the_gain_over_the_baseline_by_target_and_horizon() -> None:
    base = {"target": "t", "score_name": "Brier", "baseline": "b", "period": "2027Q1", "score_baseline": 0.2}
    rows = [base | {"unit": unit, "horizon": h, "score": s} for unit, h, s in (("a", 0.5, 0.1), ("b", 1.0, 0.2))]
    rows += [base | {"unit": "a", "horizon": 1.25, "score": 0.4}, base | {"unit": "a", "horizon": 1.5, "score": 0.2}]
    near, far = module.summarised(rows)
    assert (near["years"], near["outcomes"], near["forecasts"]) == (1, 2, 2)
    assert near["skill"] == pytest.approx(1.0 - 0.15 / 0.2)
    assert (far["years"], far["outcomes"], far["forecasts"]) == (2, 1, 2)
    assert far["skill"] == pytest.approx(-0.5)


def test_a_damaged_run_is_left_out_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "priors").symlink_to(ROOT / "priors")
    run = make_run(tmp_path, checks={})
    (run.path / names.PROJECTION).write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"no forecast can be scored .*projection\.nc"):
        resolve(tmp_path, written(tmp_path, "event_probability,wedge,2026Q4,0,2027-01-01,x,,"), tmp_path / "o", TODAY)


def test_the_command_prints_and_writes(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "event_probability,wedge,2026Q4,0,2027-01-01,x,,")
    monkeypatch.setattr(module, "read_outcomes", lambda path, today: read_outcomes(path, TODAY))
    shown = CliRunner().invoke(app, ["resolve", str(path), "--home", str(home), "--out", str(tmp_path / "o")])
    assert shown.exit_code == 0, shown.output
    assert "1 forecasts scored on 1 outcomes" in shown.output
    assert (tmp_path / "o" / "resolved.csv").exists()


def test_a_question_without_an_outcome_is_told_what_it_needs(home: Path) -> None:
    done = CliRunner().invoke(app, ["resolve", "some_question", "--home", str(home)])
    assert done.exit_code == 1 and "'some_question' is no file" in str(done.exception)
    assert "--outcome VALUE or --annul REASON" in str(done.exception)
