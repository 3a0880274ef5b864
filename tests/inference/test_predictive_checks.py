"""What is told of a fit on its data: exact where a closed form exists, blind to nothing where the model is wrong."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.leaders import leader_quarters
from forecast.data.spending import spending_panel
from forecast.inference.predictive_checks import check, cohesion, leadership, loo_and_pit, spending
from forecast.models.cohesion import expected_indicator
from forecast.models.leadership import log_odds
from forecast.models.spending import expected_change
from forecast.reporting.model_page import _pit_bars
from tests.support.fake_posteriors import priors, tables

RNG = np.random.default_rng(11)


def conjugate(size: int, draws: int, wide: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Data N(mu, 1) with a flat prior, and draws of the posterior; `wide` spreads the data beyond the model."""
    seen = wide * RNG.standard_normal(size)
    return seen, RNG.normal(seen.mean(), 1 / np.sqrt(size), draws)


def test_left_out_densities_are_those_of_the_closed_form() -> None:
    """Without one of n normal values its predictive is N(mean of the others, 1 + 1 / (n - 1)).

    Tolerance: sum over 40 of the Monte Carlo error of 4,000 draws, about .01; ten times that is allowed.
    """
    seen, mu = conjugate(40, 4000)
    others = (seen.sum() - seen) / 39
    exact = stats.norm.logpdf(seen, others, np.sqrt(1 + 1 / 39))
    density = stats.norm.logpdf(seen, mu[:, None])
    found = loo_and_pit(density, stats.norm.cdf(seen, mu[:, None]))
    assert found["loo"]["elpd"] == pytest.approx(exact.sum(), abs=0.1)
    assert found["loo"]["se"] == pytest.approx(exact.std() * np.sqrt(40), rel=0.05)
    assert found["loo"]["parameters"] == pytest.approx(1.0, abs=0.5)  # one mean was learnt
    assert found["loo"]["far"] == 0
    pit = stats.norm.cdf(seen, others, np.sqrt(1 + 1 / 39))
    near = np.histogram(pit, 20, (0, 1))[0]
    assert np.abs(np.cumsum(found["pit"]) - np.cumsum(near)).max() <= 2  # values beside an edge


def test_alike_observations_may_be_worked_out_once() -> None:
    seen, mu = conjugate(8, 500)
    density = stats.norm.logpdf(seen, mu[:, None])
    times = np.array([1, 2, 3, 1, 1, 4, 1, 1])
    once = loo_and_pit(density, times=times)["loo"]
    every = loo_and_pit(np.repeat(density, times, axis=1))["loo"]
    assert once == pytest.approx(every)


def test_a_pit_sees_a_spread_that_is_too_narrow() -> None:
    for wide, outside in ((1.0, range(6)), (2.0, range(8, 21))):
        seen, mu = conjugate(1000, 500, wide)
        counts = loo_and_pit(stats.norm.logpdf(seen, mu[:, None]), stats.norm.cdf(seen, mu[:, None]))["pit"]
        assert sum(counts) == 1000
        assert _pit_bars(counts)["outside"] in outside


def test_a_check_counts_ties_half() -> None:
    found = check("a number", 2.0, np.array([1.0, 2.0, 2.0, 3.0]))
    assert found["p"] == 0.5
    assert (found["lower"], found["median"], found["upper"]) == pytest.approx((1.3, 2.0, 2.7))


def invented_spending(panel: xr.Dataset, draws: int) -> dict[str, np.ndarray]:
    one = {"kappa": 0.05, "front": 0.5, "growth": -0.6, "election": 0.01, "nu": 6.0}
    years, countries = panel.sizes["year"], panel.sizes["country"]
    pledged = int((panel["year"] >= 2015).sum())
    own = {"target": 0.5, "loading": 1.0, "revision": 0.0, "scale": 0.2}
    return (
        {k: np.full(draws, v) for k, v in one.items()}
        | {k: RNG.normal(v, 0.01, (draws, countries)) for k, v in own.items()}
        | {k: np.zeros((draws, years)) for k in ("factor", "volatility")}
        | {"log_response": np.full((draws, pledged), -2.0)}
    )


def test_data_of_the_model_pass_and_others_do_not() -> None:
    """Changes made up by the model fall inside; twice as wide, the check of their spread says so."""
    panel = spending_panel(tables(), priors())
    p = invented_spending(panel, 200)
    expected, scale = expected_change(p, panel)
    noise = RNG.standard_t(6.0, panel.sizes["obs"])
    for wide, low, high in ((1.0, 0.02, 0.98), (2.0, 0.0, 0.001)):
        made = panel.assign(change=("obs", expected[0] + wide * scale[0] * noise))
        spread = spending(p, made, np.random.default_rng(3))["checks"][0]
        assert low <= spread["p"] <= high


def test_leaders_and_indicators_are_told_of_too() -> None:
    rows = leader_quarters(tables())
    draws, some = 50, np.random.default_rng(4)
    p = {k: np.full(draws, v) for k, v in {"offset": 0.0, "election": 2.6, "after": 2.5, "before": 0.4}.items()}
    p["intercept"] = some.normal(-3.5, 0.1, draws)
    p["country_effect"] = np.zeros((draws, rows.sizes["country"]))
    p["tenure"] = np.zeros((draws, rows.sizes["tenure_bin"]))
    near = (rows["election"] + rows["after"]).to_numpy() == 0
    far = near & (rows["before"].to_numpy() == 0)
    assert (log_odds(p, rows)[:, far] == p["intercept"][:, None]).all()
    found = leadership(p, rows, some)
    assert found["pit"] is None
    assert found["loo"]["observations"] == rows.sizes["row"]
    counted = sum(c["seen"] for c in found["checks"][:4])
    assert counted == rows["change"].sum()  # each quarter stands in one place of the calendar

    panel = indicator_panel(tables(), priors().grid)
    sizes = {"year": panel.sizes["year"], "indicator": panel.sizes["indicator"]}
    q = {k: np.zeros((draws, sizes["indicator"])) for k in ("intercept", "loading")}
    q |= {"noise": some.uniform(1.0, 1.1, (draws, sizes["indicator"])), "us_swing": np.zeros(draws)}
    q |= {"us_path": np.zeros((draws, sizes["year"]))}
    q |= {"subfactor_state": np.zeros((draws, sizes["year"], panel.sizes["subfactor"]))}
    expected, scale = expected_indicator(q, panel)
    assert (expected == 0).all()
    assert (scale >= 1).all()
    found = cohesion(q, panel, some)
    assert len(found["checks"]) == sizes["indicator"]
    assert sum(found["pit"]) == panel.sizes["obs"]
