"""Parameter draws come from posteriors, from the population where a fit has not seen a country, and from priors."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from forecast.constants import GROWTH_CENTER
from forecast.names import FACTORS
from forecast.priors.pledges import pledge_path
from forecast.projection.parameter_draws.assemble import (
    assemble_draws,
    posterior_samples,
    prior_withdrawal,
    start_from_posterior,
)
from forecast.random_streams import generator
from forecast.simulation.arrays import Draws
from forecast.workspace.plan import Plan
from forecast.workspace.resolve import build_roster
from forecast.workspace.roster import Roster
from tests.support import fake_posteriors as our
from tests.support.bundled_scenarios import DESIGNS, WARS

SEEN = ("DEU", "FRA", "GBR")  # countries whose leaders are in the fake fit
SIZE = 256


@pytest.fixture(scope="module")
def samples() -> dict[str, Any]:
    return our.all_samples(SEEN, SIZE)


@pytest.fixture(scope="module")
def roster() -> Roster:
    return build_roster(our.tables(), our.smoke(), our.priors())


@pytest.fixture(scope="module")
def draws(samples: dict[str, Any], roster: Roster) -> Draws:
    return assemble_draws(samples, our.panel(), our.priors(), roster, our.SEED)


def draws_of(samples: dict[str, Any], plan: Plan) -> tuple[Roster, Draws]:
    roster = build_roster(our.tables(), plan, our.priors())
    return roster, assemble_draws(samples, our.panel(), our.priors(), roster, our.SEED)


def mission_index(roster: Roster, name: str) -> int:
    return [m.name for m in roster.missions].index(name)


def test_every_draw_is_finite_except_missing_spending(roster: Roster, draws: Draws) -> None:
    for table in draws:
        for field in table.dtype.names:
            if field != "start":
                assert np.all(np.isfinite(table[field])), field
    without_spending = [
        m for m, column in zip(roster.members, draws.members["start"].T, strict=True) if np.any(np.isnan(column))
    ]
    assert without_spending == ["ISL"]
    assert np.all(np.isnan(draws.members["start"][:, roster.members.index("ISL")]))


def test_start_is_the_last_observed_level_less_its_error(samples: dict[str, Any], roster: Roster, draws: Draws) -> None:
    panel = our.panel()
    for m, member in enumerate(roster.members):
        if member in ("ISL", "HUN"):
            continue
        last = panel.sel(country=member)
        assert int(last["last_year"]) == 2025
        error, scale = (samples["spending"][name].sel(country=member).values for name in ("revision", "scale"))
        expected = float(last["last_log_share"]) - float(last["last_noise"]) * scale * error
        np.testing.assert_allclose(draws.members["start"][:, m], expected, rtol=1e-12)
    final = roster.members.index("FRA")  # a final figure has no error
    assert (draws.members["start"][:, final].std() == 0.0) == (float(panel.sel(country="FRA")["last_noise"]) == 0.0)


def test_a_missing_last_year_is_simulated(samples: dict[str, Any], roster: Roster, draws: Draws) -> None:
    panel = our.panel()
    hungary = panel.sel(country="HUN")
    assert int(hungary["last_year"]) == 2024
    m, s = roster.members.index("HUN"), samples["spending"]
    parameters, hungary_draws = draws.parameters, draws.members[:, m]
    error = (s["scale"] * s["revision"]).sel(country="HUN")
    before = float(hungary["last_log_share"]) - float(hungary["last_noise"]) * error
    response = np.minimum(1.0, np.exp(s["log_response"].sel(pledge_year=2025).values))
    shock = generator(our.SEED, "missing HUN 2025").standard_t(hungary_draws["tails"])
    pledge = np.log(pledge_path(our.priors(), [2025])[0])
    expected = (
        before
        - hungary_draws["pull"] * (before - hungary_draws["target"])
        + hungary_draws["loading"] * s["factor"].sel(year=2025).values
        + response * np.maximum(0.0, pledge - before)
        + parameters["growth"] * (float(panel["gdp_growth"].sel(country="HUN", year=2025)) - GROWTH_CENTER)
        + parameters["growth_lag"] * (float(panel["gdp_growth"].sel(country="HUN", year=2024)) - GROWTH_CENTER)
        + hungary_draws["scale"] * np.exp(s["volatility"].sel(year=2025).values) * shock
    )
    assert not float(hungary["front"])
    np.testing.assert_allclose(hungary_draws["start"], expected, rtol=1e-12)
    assert hungary_draws["start"].std() > 0.02  # one year of shocks


def test_a_missing_last_year_without_growth_is_simulated(samples: dict[str, Any], roster: Roster, draws: Draws) -> None:
    """The growth of the year is simulated too; it never makes a start missing, which would mean no spending."""
    panel = our.panel().copy(deep=True)
    panel["gdp_growth"].loc[{"year": 2025}] = np.nan
    without = assemble_draws(samples, panel, our.priors(), roster, our.SEED, our.SEED)
    m = roster.members.index("HUN")
    start, known = without.members["start"][:, m], draws.members["start"][:, m]
    assert np.isfinite(start).all() and not np.array_equal(start, known)
    assert abs(start - known).max() < 0.2
    others = [i for i, name in enumerate(roster.members) if name not in ("HUN", "ISL")]
    np.testing.assert_array_equal(without.members["start"][:, others], draws.members["start"][:, others])


def test_fitted_parameters_are_the_posterior_draws(samples: dict[str, Any], roster: Roster, draws: Draws) -> None:
    spending, leadership = samples["spending"], samples["leadership"]
    for name, field in (("response_mean", "response_mean"), ("factor_phi", "common_phi"), ("growth", "growth")):
        np.testing.assert_array_equal(draws.parameters[field], spending[name].values)
    np.testing.assert_array_equal(draws.parameters["common_start"], spending["factor"].sel(year=2025).values)
    poland = draws.members[:, roster.members.index("POL")]
    for name in ("target", "pull", "scale", "tails", "loading"):
        np.testing.assert_array_equal(poland[name], spending[name].sel(country="POL").values)
    effect = leadership["country_effect"].sel(country="FRA").values
    france = draws.countries[:, roster.countries.index("FRA")]
    np.testing.assert_array_equal(france["turnover_effect"], effect)
    for name in ("intercept", "offset", "election"):
        np.testing.assert_array_equal(draws.parameters[f"turnover_{name}"], leadership[name].values)
    np.testing.assert_array_equal(draws.parameters["tenure"], leadership["tenure"].values)


def test_an_unseen_country_is_drawn_from_the_population(samples: dict[str, Any], roster: Roster, draws: Draws) -> None:
    leadership = samples["leadership"]
    unseen = [k for k, country in enumerate(roster.countries) if country not in SEEN]
    assert len(unseen) > 30
    effect = draws.countries["turnover_effect"][:, unseen]
    z = effect / leadership["country_sd"].values[:, None]
    # Standard normals, independent by country; tolerance of four standard errors.
    assert abs(z.mean()) < 4 / z.size**0.5
    assert z.std() == pytest.approx(1.0, abs=4 / (2 * z.size) ** 0.5)
    assert len(np.unique(z)) == z.size
    iceland = draws.members[:, roster.members.index("ISL")]
    assert np.all(iceland["scale"] > 0)
    assert iceland["target"].std() > 0.2  # spread of the population, not a constant


def test_weights_sum_to_one_and_cut_points_are_ordered(draws: Draws) -> None:
    parameters = draws.parameters
    np.testing.assert_allclose(parameters["weights"].sum(axis=1), 1.0, atol=1e-12)  # rounding
    assert np.all(parameters["weights"] > 0)
    assert np.all(parameters["verdict_low"] < parameters["verdict_high"])
    assert np.all(parameters["rater_sd"] > 0)
    assert np.all(parameters["mode_lower"] == [0.3, 0.4, 0.5, 0.0])
    assert np.all(parameters["mode_upper"] == [0.9, 0.8, 0.9, 0.2])
    shocked = [FACTORS[f] for f in np.flatnonzero(parameters["collapse_shock"].any(axis=0))]
    assert shocked == ["institutions", "leadership"]


def test_the_neutral_war_has_no_shift(roster: Roster, draws: Draws) -> None:
    for n, (war, design) in enumerate(roster.cells):
        assert np.any(draws.cells["war_shift"][:, n]) == (war != "neutral")
        shifted = [FACTORS[f] for f in np.flatnonzero(draws.cells["design_shift"][0, n])]
        assert sorted(shifted) == sorted(our.priors().grid.designs[design].shift)


def test_shifts_of_wars_share_one_noise(roster: Roster, draws: Draws) -> None:
    priors = our.priors()
    scale = priors["alliance.sign_scale"].sample(generator(our.SEED, "alliance.sign_scale"), SIZE)[:, None]
    noise = {}
    for n, (name, _) in enumerate(roster.cells):
        war = priors.grid.wars[name]
        if war.is_reference:
            continue
        signs = np.array([war.signs[f] for f in FACTORS])
        sd = np.array(
            [priors.value(f"alliance.sign_sd_{'composite' if war.composite[f] else 'pure'}") for f in FACTORS]
        )
        noise[name] = (draws.cells["war_shift"][:, n] - scale * signs) / sd
    assert set(noise) == {"win", "lose", "stalemate"}
    for other in ("lose", "stalemate"):
        np.testing.assert_allclose(noise[other], noise["win"], atol=1e-12)  # rounding
    assert noise["win"].std() == pytest.approx(1.0, abs=4 / (2 * noise["win"].size) ** 0.5)


def test_a_war_has_the_same_shift_under_every_design(roster: Roster, draws: Draws) -> None:
    for field, axis in (("war_shift", 0), ("design_shift", 1), ("retrenchment", 1)):
        by_label: dict[str, Any] = {}
        for n, cell in enumerate(roster.cells):
            values = draws.cells[field][:, n]
            np.testing.assert_array_equal(by_label.setdefault(cell[axis], values), values)


def test_hypothetical_missions_share_one_mission_effect(samples: dict[str, Any], roster: Roster, draws: Draws) -> None:
    willing, nato = (mission_index(roster, name) for name in ("willing_combat", "nato_combat"))
    size = len(roster.missions[willing].contributors)
    difference = draws.contingents["defection"][:, nato, :size] - draws.contingents["defection"][:, willing, :size]
    nato_effect = samples["withdrawal"]["nato"].values[:, None]
    np.testing.assert_allclose(difference, np.repeat(nato_effect, size, axis=1), atol=1e-12)
    np.testing.assert_allclose(
        draws.contingents["planned"][:, nato, :size],
        draws.contingents["planned"][:, willing, :size],
    )


def test_a_lead_nation_stays_longer(samples: dict[str, Any], roster: Roster, draws: Draws) -> None:
    led_by_britain = our.smoke().hypothetical[0].model_copy(update={"lead": "GBR"}).model_dump()
    other, turned = draws_of(samples, our.plan_with(hypothetical=[led_by_britain]))
    contributors = other.missions[-1].contributors
    lead = samples["withdrawal"]["lead"].values
    for cause in ("defection", "planned"):
        usa_leads = draws.contingents[cause][:, mission_index(roster, "willing_combat"), : len(contributors)]
        moved = turned.contingents[cause][:, mission_index(other, "willing_combat"), : len(contributors)] - usa_leads
        for c, country in enumerate(contributors):
            expected = lead * ({"GBR": 1, "USA": -1}.get(country, 0))
            np.testing.assert_allclose(moved[:, c], expected, atol=1e-12)  # rounding
    assert lead.mean() < 0


def by_name(roster: Roster, draws: Draws) -> dict[str, bytes]:
    """All draws of each thing, by its name and not by its position."""
    draws_by_name = {"all": draws.parameters.tobytes()}
    for kind, labels, table in (
        ("member", roster.members, draws.members),
        ("country", roster.countries, draws.countries),
        ("mission", [m.name for m in roster.missions], draws.missions),
        ("cell", roster.cells, draws.cells),
    ):
        draws_by_name |= {f"{kind} {name}": table[:, i].tobytes() for i, name in enumerate(labels)}
    for s, mission in enumerate(roster.missions):
        for c, country in enumerate(mission.contributors):
            draws_by_name[f"{mission.name}/{country}"] = draws.contingents[:, s, c].tobytes()
    return draws_by_name


def test_draws_do_not_depend_on_the_order_of_a_plan(samples: dict[str, Any], roster: Roster, draws: Draws) -> None:
    plan = our.plan_with(
        missions=our.smoke().missions[::-1],
        hypothetical=our.smoke().hypothetical[::-1],
        war=WARS[::-1],
        design=DESIGNS[::-1],
    )
    assert by_name(*draws_of(samples, plan)) == by_name(roster, draws)


def test_another_seed_changes_priors_and_not_fits(samples: dict[str, Any], roster: Roster, draws: Draws) -> None:
    other = assemble_draws(samples, our.panel(), our.priors(), roster, our.SEED + 1)
    np.testing.assert_array_equal(other.parameters["growth"], draws.parameters["growth"])
    assert not np.array_equal(other.parameters["weights"], draws.parameters["weights"])


def test_unseen_countries_have_their_own_seed(samples: dict[str, Any], roster: Roster, draws: Draws) -> None:
    other = assemble_draws(samples, our.panel(), our.priors(), roster, our.SEED, unseen_seed=1)
    assert other.parameters.tobytes() == draws.parameters.tobytes()
    assert other.cells.tobytes() == draws.cells.tobytes()
    for table in ("members", "countries", "contingents"):
        assert getattr(other, table).tobytes() != getattr(draws, table).tobytes()


def test_generators_are_addressed_by_name_and_seed() -> None:
    first = generator(1, "a").normal(size=3)
    np.testing.assert_array_equal(first, generator(1, "a").normal(size=3))
    for other in (generator(1, "b"), generator(2, "a")):
        assert not np.array_equal(first, other.normal(size=3))
    assert posterior_samples({}, 5, 1) == {}


def test_withdrawal_prior_follows_the_prior_files() -> None:
    prior_samples = prior_withdrawal(our.priors(), 4000, 5)
    for name, prior in our.priors().section("withdrawal").items():
        if prior.dist == "Normal":
            mu, sigma = prior.params
            assert prior_samples[name].mean() == pytest.approx(mu, abs=4 * sigma / 4000**0.5)
    for cause in ("defection", "planned"):
        walk = prior_samples[f"duration_{cause}"]
        assert walk.shape == (4000, 8)
        np.testing.assert_allclose(walk.sum("bin"), 0.0, atol=1e-12)  # centred
        step = walk.diff("bin").values / prior_samples[f"duration_scale_{cause}"].values[:, None]
        assert step.std() == pytest.approx(1.0, abs=4 / (2 * step.size) ** 0.5)
    assert prior_samples["mission_effect"].shape == prior_samples["country_effect"].shape == (4000, 0)


class Asked(Mapping[str, Any]):
    """Draws of a model that note which variables are read; nobody may read all."""

    def __init__(self, samples: Mapping[str, Any]) -> None:
        self.samples, self.names = samples, set[str]()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return self.samples[name]

    def __contains__(self, name: object) -> bool:
        return name in self.samples

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all variables of a posterior are read")

    def __len__(self) -> int:
        return len(self.samples)


def test_only_the_variables_that_a_projection_needs_are_read(samples: dict[str, Any], roster: Roster) -> None:
    """The states of the sub-factors of cohesion alone are a third of all draws."""
    asked = {model: Asked(of_model) for model, of_model in samples.items()}
    drawn = assemble_draws(asked, our.panel(), our.priors(), roster, our.SEED)
    start_from_posterior(drawn, asked["cohesion"])
    assert asked["cohesion"].names == {"factor_state", "factor_weights", "cut_lower", "cut_gap", "rater_sd"}
    assert {"target", "scale", "volatility"} <= asked["spending"].names
    assert not any(name.endswith("_z") for of_model in asked.values() for name in of_model.names)
