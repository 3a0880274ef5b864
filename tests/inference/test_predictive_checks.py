"""Test the checks of a fit against closed forms, and that they detect a wrong model."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.leaders import leader_quarters
from forecast.data.spending import spending_panel
from forecast.inference.predictive_checks import check, cohesion, leadership, left_out, spending, summary
from forecast.models.cohesion import expected_indicator
from forecast.models.leadership import log_odds
from forecast.models.spending import expected_change
from forecast.reporting.fit_charts import outside_band
from tests.support.fake_posteriors import priors, tables

RNG = np.random.default_rng(11)


def conjugate(size: int, draws: int, wide: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return data from N(mu, 1) and draws of the posterior under a flat prior; `wide` scales the data's SD."""
    seen = wide * RNG.standard_normal(size)
    return seen, RNG.normal(seen.mean(), 1 / np.sqrt(size), draws)


def test_leave_one_out_matches_closed_form() -> None:
    """The predictive distribution of a left-out normal value is N(mean of the others, 1 + 1 / (n - 1)).

    The sum over 40 values has a Monte Carlo error of about 0.01 with 4,000 draws; ten times that is allowed.
    """
    seen, mu = conjugate(40, 4000)
    others = (seen.sum() - seen) / 39
    exact = stats.norm.logpdf(seen, others, np.sqrt(1 + 1 / 39))
    density = stats.norm.logpdf(seen, mu[:, None])
    result = summary(left_out(seen, density, density, [], cdf=stats.norm.cdf(seen, mu[:, None])))
    assert result["loo"]["elpd"] == pytest.approx(exact.sum(), abs=0.1)
    assert result["loo"]["se"] == pytest.approx(exact.std() * np.sqrt(40), rel=0.05)
    assert result["loo"]["parameters"] == pytest.approx(1.0, abs=0.5)  # one mean is estimated
    assert result["loo"]["far"] == 0
    pit = stats.norm.cdf(seen, others, np.sqrt(1 + 1 / 39))
    near = np.histogram(pit, 20, (0, 1))[0]
    assert np.abs(np.cumsum(result["pit"]) - np.cumsum(near)).max() <= 2  # values near the edge of a bin


def test_repeated_observations_are_computed_once() -> None:
    seen, mu = conjugate(8, 500)
    density = stats.norm.logpdf(seen, mu[:, None])
    times = np.array([1, 2, 3, 1, 1, 4, 1, 1])
    kind = np.repeat(np.arange(8), times)
    first = np.concatenate([[0], np.cumsum(times)[:-1]])
    density, seen = density[:, kind], seen[kind]
    once = summary(left_out(seen, density, density, [], kinds=(first, kind)))
    assert once["loo"] == pytest.approx(summary(left_out(seen, density, density, []))["loo"])


def test_pit_detects_too_narrow_predictions() -> None:
    for wide, outside in ((1.0, range(6)), (2.0, range(8, 21))):
        seen, mu = conjugate(1000, 500, wide)
        density, cdf = (f(seen, mu[:, None]) for f in (stats.norm.logpdf, stats.norm.cdf))
        counts = summary(left_out(seen, density, density, [], cdf=cdf))["pit"]
        assert sum(counts) == 1000
        assert len(outside_band(counts)) in outside


def test_check_counts_ties_half() -> None:
    result = check("a number", 2.0, np.array([1.0, 2.0, 2.0, 3.0]))
    assert result["p"] == 0.5
    assert (result["lower"], result["median"], result["upper"]) == pytest.approx((1.3, 2.0, 2.7))


def spending_draws(panel: xr.Dataset, draws: int) -> dict[str, np.ndarray]:
    one = {"front": 0.5, "response_others": 0.3, "growth": -0.6, "growth_lag": 0.3, "election": 0.01}
    years, countries = panel.sizes["year"], panel.sizes["country"]
    pledged = int((panel["year"] >= 2015).sum())
    own = {"target": 0.5, "pull": 0.05, "tails": 6.0, "loading": 1.0, "revision": 0.0, "scale": 0.2}
    return (
        {k: np.full(draws, v) for k, v in one.items()}
        | {k: RNG.normal(v, 0.01, (draws, countries)) for k, v in own.items()}
        | {k: np.zeros((draws, years)) for k in ("factor", "volatility")}
        | {"log_response": np.full((draws, pledged), -2.0)}
    )


def test_checks_pass_for_model_data_only() -> None:
    """Changes simulated from the model pass; with twice the noise, the check of their SD fails."""
    panel = spending_panel(tables(), priors())
    p = spending_draws(panel, 200)
    expected, scale = expected_change(p, panel)
    noise = RNG.standard_t(6.0, panel.sizes["obs"])
    for wide, low, high in ((1.0, 0.02, 0.98), (2.0, 0.0, 0.001)):
        replicated = panel.assign(change=("obs", expected[0] + wide * scale[0] * noise))
        spread = spending(p, replicated, np.random.default_rng(3)).checks[0]
        assert low <= spread["p"] <= high


EFFECTS = {"offset": 0.0, "election": 2.6, "after": 2.5, "after_new": -2.5, "limited": 2.5, "before": 0.4}


def test_leaders_and_indicators_are_told_of_too() -> None:
    rows = leader_quarters(tables())
    draws, some = 50, np.random.default_rng(4)
    p = {k: np.full(draws, v) for k, v in EFFECTS.items()}
    p["intercept"] = some.normal(-3.5, 0.1, draws)
    p["country_effect"] = np.zeros((draws, rows.sizes["country"]))
    p["tenure"] = np.zeros((draws, rows.sizes["tenure_bin"]))
    near = (rows["election"] + rows["after"]).to_numpy() == 0
    far = near & (rows["before"].to_numpy() == 0)
    assert (log_odds(p, rows)[:, far] == p["intercept"][:, None]).all()
    result = summary(leadership(p, rows, some))
    assert result["pit"] is None
    assert result["loo"]["observations"] == rows.sizes["row"]
    counted = sum(c["seen"] for c in result["checks"][:6])
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
    result = summary(cohesion(q, panel, some))
    assert len(result["checks"]) == sizes["indicator"]
    assert sum(result["pit"]) == panel.sizes["obs"]
