"""A country and a mission of a user's own pass through all models; their fits are invented."""

from pathlib import Path

import numpy as np
import pytest

from forecast.data.deployments import mission_spells
from forecast.data.leaders import leader_quarters
from forecast.data.spending import european_weights, spending_panel
from forecast.evaluation.backtests.withdrawal import scored_missions
from forecast.projection.parameter_draws.assemble import assemble_draws
from forecast.workspace.example import ALLY, CONTINGENTS, MISSION, NEWCOMER, PLAN_NAME
from forecast.workspace.init import create_workspace
from forecast.workspace.inputs import Inputs, read_inputs
from tests.support.fake_posteriors import all_samples, panel, priors


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    home = tmp_path_factory.mktemp("home") / "workspace"
    create_workspace(home, example=True)
    return read_inputs(home, PLAN_NAME)


def test_every_model_reads_the_new_rows(inputs: Inputs) -> None:
    spending = spending_panel(inputs.tables, priors())
    changes = spending["country"].values[spending["country_of"].values] == ALLY
    assert changes.sum() == 2025 - 1994  # every change from 1995
    assert spending["last_noise"].sel(country=ALLY) > 0  # its last figure is an estimate
    assert ALLY in leader_quarters(inputs.tables)["country"].values
    spells = mission_spells(inputs.tables, priors())
    contingents = spells["mission"].values[spells["mission_of"].values] == MISSION
    assert contingents.sum() == len(CONTINGENTS)
    assert ALLY in european_weights(inputs.tables)["country"].values


def test_roster_has_both_and_flags_what_no_fit_has_estimated(inputs: Inputs) -> None:
    assert ALLY in inputs.roster.members and ALLY in inputs.roster.countries
    mission, _, tomorrow = inputs.roster.missions
    assert mission.name == MISSION and ALLY in mission.contributors
    assert set(mission.contributors) == {c for c, facts in CONTINGENTS.items() if not facts[1]}
    flags = "; ".join(tomorrow.flags)
    assert "effect is drawn from the population of missions" in flags
    assert f"the effect is drawn from the population of countries: {NEWCOMER}" in flags
    assert f"no leaders or elections in the tables, so these have no effect: {NEWCOMER}" in flags
    assert ALLY not in flags


def test_mission_is_in_the_back_tests(inputs: Inputs) -> None:
    spells = mission_spells(inputs.tables, priors())
    assert MISSION in scored_missions(inputs.tables, spells)


def test_effects_without_a_fit_are_drawn_from_the_population(inputs: Inputs) -> None:
    samples = all_samples()  # fits without the ally and the mission
    draws = assemble_draws(samples, panel(), priors(), inputs.roster, 5)
    target = draws.members["target"][:, inputs.roster.members.index(ALLY)]
    sd = samples["spending"]["target_sd"].values
    mean = np.log(1.7) + samples["spending"]["target_mean"].values
    z = (target - mean) / sd
    # Standard normal over 64 draws: mean within four standard errors, SD within four of its own.
    assert abs(z.mean()) < 4 / 8 and abs(z.std() - 1) < 4 / np.sqrt(128)
    tomorrow = draws.contingents["defection"][:, 2, :3]
    assert (tomorrow.std(axis=0) > 0.1).all() and np.isfinite(tomorrow).all()


def test_overlay_leaves_the_bundled_rows_unchanged(inputs: Inputs) -> None:
    assert set(inputs.tables.overlaid) >= {"countries", "members", "missions", "deployments"}
    rows = inputs.tables.deployments
    bundled = Path(__file__).parents[2] / "forecast" / "data" / "tables" / "deployments.csv"
    lines = bundled.read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(lines) - 1 + len(CONTINGENTS)
