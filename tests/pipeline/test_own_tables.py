"""A country and a mission of a user's own go the whole way without a change of code; fits of them are made by hand."""

from pathlib import Path

import numpy as np
import pytest

from forecast.data.deployments import mission_spells
from forecast.data.leaders import leader_quarters
from forecast.data.spending import european_weights, spending_panel
from forecast.evaluation.backtests.withdrawal import scored_missions
from forecast.projection.parameter_draws.assemble import assemble
from forecast.workspace.inputs import Inputs, read_inputs
from tests.support.fake_posteriors import all_samples, panel, priors
from tests.support.own_tables import ALLY, CREW, MISSION, lay


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return read_inputs(lay(tmp_path_factory.mktemp("home") / "workspace"), "ours")


def test_every_model_sees_the_new_rows(ours: Inputs) -> None:
    found = spending_panel(ours.tables, priors())
    seen = found["country"].values[found["country_of"].values] == ALLY
    assert seen.sum() == 2025 - 1994  # every change from 1995
    assert found["last_noise"].sel(country=ALLY) > 0  # its last figure is an estimate
    assert ALLY in leader_quarters(ours.tables)["country"].values
    spells = mission_spells(ours.tables, priors())
    mine = spells["mission"].values[spells["mission_of"].values] == MISSION
    assert mine.sum() == len(CREW)
    assert ALLY in european_weights(ours.tables)["country"].values


def test_the_roster_has_both_and_says_what_no_fit_has_seen(ours: Inputs) -> None:
    assert ALLY in ours.roster.members and ALLY in ours.roster.countries
    mine, _, tomorrow = ours.roster.missions
    assert mine.name == MISSION and ALLY in mine.contributors
    assert set(mine.contributors) == {c for c, facts in CREW.items() if not facts[1]}
    told = "; ".join(tomorrow.flags)
    assert "effect is drawn from the population of missions" in told
    assert "effect drawn from the population of countries: XAB" in told
    assert "no calendar of leaders, so none of their effects: XAB" in told
    assert ALLY not in told


def test_the_mission_is_scored_with_the_others(ours: Inputs) -> None:
    spells = mission_spells(ours.tables, priors())
    assert MISSION in scored_missions(ours.tables, spells)


def test_who_is_unseen_by_the_fit_is_drawn_from_the_population(ours: Inputs) -> None:
    samples = all_samples()  # fits that know neither the ally nor the mission
    draws = assemble(samples, panel(), priors(), ours.roster, 5)
    target = draws.members["target"][:, ours.roster.members.index(ALLY)]
    spread = samples["spending"]["target_sd"].values
    around = np.log(1.7) + samples["spending"]["target_mean"].values
    z = (target - around) / spread
    # Standard normal over 64 draws: mean within four standard errors, spread within four of its own.
    assert abs(z.mean()) < 4 / 8 and abs(z.std() - 1) < 4 / np.sqrt(128)
    tomorrow = draws.contingents["defection"][:, 2, :3]
    assert (tomorrow.std(axis=0) > 0.1).all() and np.isfinite(tomorrow).all()


def test_the_overlay_leaves_the_bundled_rows_alone(ours: Inputs) -> None:
    assert set(ours.tables.overlaid) >= {"countries", "members", "missions", "deployments"}
    rows = ours.tables.deployments
    bundled = Path(__file__).parents[2] / "forecast" / "data" / "tables" / "deployments.csv"
    lines = bundled.read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(lines) - 1 + len(CREW)
