"""Weights of the pool against closed forms, and no foresight."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from forecast.evaluation.backtests.pooling import (
    CURVE,
    LEARNT,
    best_weight,
    learnt_rows,
    learnt_weight,
    learnt_weights,
    pooled_draws,
)
from forecast.evaluation.scoring import brier
from tests.support.fake_posteriors import priors

ORIGINS, HORIZONS = (2001, 2002, 2004, 2008), (1.0, 3.0)
SHARE = st.floats(0.0, 1.0)


def rows_of(origins: tuple[int, ...] = ORIGINS, seed: int = 1) -> pd.DataFrame:
    """Return rows of the model and of the curve for six contingents at each origin and horizon."""
    rng = np.random.default_rng(seed)
    rows = []
    for origin in origins:
        for horizon in HORIZONS:
            for unit in range(6):
                key = {"model": "withdrawal", "target": "contingent there, as of a day", "cluster": str(origin)}
                key |= {"origin": str(origin), "horizon": horizon, "unit": f"u{unit}"}
                key["observed"] = float(rng.random() < 0.7)
                rows += [{**key, "forecaster": name, "p": rng.uniform(0.2, 0.99)} for name in ("model", CURVE)]
    frame = pd.DataFrame(rows)
    return frame.assign(brier=brier(frame["p"], frame["observed"]), log_score=0.0)


@given(st.integers(1, 300), SHARE)
def test_any_number_of_first_draws_has_the_weight(size: int, weight: float) -> None:
    drawn = pooled_draws(size, weight)
    assert drawn.shape == (size,)
    assert (abs(drawn.cumsum() - weight * np.arange(1, size + 1)) < 1.0 + 1e-9).all()


@given(st.lists(st.tuples(SHARE, SHARE, st.booleans()), min_size=1, max_size=20))
def test_best_weight_minimises_the_score(cases: list[tuple[float, float, bool]]) -> None:
    model, curve, observed = np.array(cases, dtype=float).T

    def score(weight: float) -> float:
        return float(brier(weight * curve + (1.0 - weight) * model, observed).sum())

    found = minimize_scalar(score, bounds=(0.0, 1.0), method="bounded").x
    assert score(best_weight(model, curve, observed)) <= score(found) + 1e-9


def test_weight_of_equal_or_no_forecasts_is_a_half() -> None:
    assert best_weight([0.3, 0.4], [0.3, 0.4], [1.0, 0.0]) == best_weight([], [], []) == 0.5


def test_learnt_weight_is_drawn_to_the_prior() -> None:
    assert learnt_weight(1.0, 0, 0.5, 4.0) == 0.5
    assert learnt_weight(1.0, 4, 0.5, 4.0) == 0.75
    assert learnt_weight(0.0, 10**9, 0.5, 4.0) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("changed", ORIGINS)
@pytest.mark.parametrize("horizon", HORIZONS)
def test_weights_know_no_outcome_after_their_origin(changed: int, horizon: float) -> None:
    rows = rows_of()
    other = rows.copy()
    hit = (other["origin"] == str(changed)) & (other["horizon"] == horizon)
    other.loc[hit, "observed"] = 1.0 - other.loc[hit, "observed"]
    before, after = (learnt_weights(x, priors()).set_index(["horizon", "year"])["weight"] for x in (rows, other))
    differs = before.index[before != after]
    assert len(differs) > 0
    assert all(one == horizon and year >= changed + horizon for one, year in differs)


def test_a_later_origin_changes_no_earlier_weight() -> None:
    rows = rows_of()
    planted = pd.concat([rows, rows_of((2006,), seed=9)])
    before, after = (learnt_weights(x, priors()).set_index(["horizon", "year"])["weight"] for x in (rows, planted))
    early = [(h, year) for h in HORIZONS for year in ORIGINS if year <= 2006]
    pd.testing.assert_series_equal(before.loc[early], after.loc[early])
    assert before.loc[(1.0, 2008)] != after.loc[(1.0, 2008)]


def test_rows_of_the_learnt_pool() -> None:
    rows = rows_of()
    weights = learnt_weights(rows, priors())
    assert sorted(weights["year"].unique()) == [*ORIGINS, 2011]
    assert weights.set_index(["year", "horizon"]).loc[(2011, 1.0), "origins"] == 4
    pool = learnt_rows(rows, weights)
    assert list(pool.columns) == list(rows.columns) and set(pool["forecaster"]) == {LEARNT}
    key = ["origin", "horizon", "unit"]
    model, curve = (rows[rows["forecaster"] == name].set_index(key)["p"] for name in ("model", CURVE))
    first = pool.set_index(key).loc["2001"]["p"]
    pd.testing.assert_series_equal(first, ((model + curve) / 2).loc["2001"])  # no earlier origin: the prior of 1/2
    np.testing.assert_allclose(pool["brier"], brier(pool["p"], pool["observed"]))


def test_without_forecasts_of_the_curve_there_are_no_rows() -> None:
    rows = rows_of()
    rows = rows[rows["forecaster"] == "model"]
    assert learnt_weights(rows, priors()).empty and learnt_rows(rows, learnt_weights(rows, priors())).empty
