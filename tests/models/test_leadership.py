"""Forecasts of leaders: the calendar as it can be known, chances against brute force, baselines against counts."""

import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.constants import DURATION_EDGES
from forecast.data.leaders import leader_quarters
from forecast.evaluation.backtests.leadership import (
    HORIZONS,
    _ahead,
    counts,
    log_likelihood,
    row_frame,
    seen_changes,
)
from forecast.evaluation.baselines.leadership import (
    calendar_chance,
    constant_chance,
    country_chance,
    rate,
)
from forecast.inference.importance_sampling import MAX_PARETO_K, leave_one_out
from forecast.models.leadership import Calendar, chance_of_change, draw_calendar
from tests.support.fake_posteriors import priors, tables

FIRST = 4 * 2010
COUNTRIES = ["AAA", "BBB", "CCC"]


@pytest.fixture
def state() -> pd.DataFrame:
    """A parliament that votes in five quarters, a president in two, and a country whose vote is overdue."""
    return pd.DataFrame(
        {
            "quarters_in_office": [3, 14, 0],
            "next_election": ["2011Q2", "2010Q3", None],
            "term_quarters": [16, 4, 16],
            "early_vote": [True, False, True],
            "voted": [False, False, True],
        },
        index=COUNTRIES,
    )


def draws(size: int = 4, effects: float = 0.5) -> xr.Dataset:
    rng = np.random.default_rng(2)
    one = {
        "intercept": -2.5,
        "offset": -0.3,
        "election": 1.5,
        "after": 1.0,
        "before": 0.4,
        "country_sd": 0.6,
    }
    found = {k: (("chain", "draw"), np.full((1, size), v)) for k, v in one.items()}
    effect = np.tile([effects, -effects], (1, size, 1))
    return xr.Dataset(
        found
        | {
            "country_effect": (("chain", "draw", "country"), effect),
            "tenure": (("chain", "draw", "tenure_bin"), rng.normal(0, 0.3, (1, size, len(DURATION_EDGES)))),
        },
        coords={"country": ["AAA", "BBB"]},
    )


def test_a_vote_comes_at_term_or_early(state: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    never = draw_calendar(state, FIRST, 8, 0.0, 3, rng)
    np.testing.assert_array_equal(never.election[:, :, 0], np.tile(np.eye(8)[5], (3, 1)))
    np.testing.assert_array_equal(never.after[0, :, 0], np.eye(8)[6])
    np.testing.assert_array_equal(never.before[0, :, 0], np.eye(8)[3] + np.eye(8)[4])
    np.testing.assert_array_equal(never.election[0, :, 1], np.eye(8)[2] + np.eye(8)[6])
    assert never.election[:, :, 2].sum() == 0
    np.testing.assert_array_equal(never.after[0, :, 2], np.eye(8)[0])
    often = draw_calendar(state, FIRST, 8, 0.1, 20_000, rng)
    # more than two quarters ahead in quarters 0, 1 and 2: 1 - .9^3; 20 000 draws, standard error .003
    early = often.election[:, :3, 0].any(axis=1).mean()
    assert early == pytest.approx(1 - 0.9**3, abs=0.012)
    np.testing.assert_array_equal(often.election[..., 1], np.tile(never.election[0, :, 1], (20_000, 1)))


def test_chances_are_those_of_living_through_it(state: pd.DataFrame) -> None:
    posterior, rng = draws(), np.random.default_rng(1)
    calendar = draw_calendar(state, FIRST, 5, 0.05, 400, rng)
    found = chance_of_change(posterior, state, calendar, np.random.default_rng(5))
    tenure = posterior["tenure"].to_numpy()[0]
    for c, effect in ((0, 0.5), (1, -0.5)):
        stayed = 0.0
        for k in range(400):
            for d in range(4):
                alive = 1.0
                for t in range(5):
                    e, a, b = (x[k, t, c] for x in (calendar.election, calendar.after, calendar.before))
                    served = state["quarters_in_office"].iloc[c] + t
                    at = max(i for i, edge in enumerate(DURATION_EDGES) if edge <= served)
                    logit = -2.5 + effect + (1.5 - 0.3 * effect) * e + (1.0 - 0.3 * effect) * a
                    alive *= 1.0 - 1.0 / (1.0 + math.exp(-(logit + 0.4 * b + tenure[d, at])))
                stayed += alive / 1600
        # each calendar meets one draw here and all four there: standard error about .003
        assert found[4, c] == pytest.approx(1.0 - stayed, abs=0.015)
    assert (np.diff(found, axis=0) > 0).all()


def test_an_unseen_country_gets_an_effect_from_the_population(state: pd.DataFrame) -> None:
    posterior = draws(size=2000)
    flat = Calendar(election=np.zeros((2000, 1, 3)), after=np.zeros((2000, 1, 3)), before=np.zeros((2000, 1, 3)))
    found = chance_of_change(posterior, state, flat, np.random.default_rng(5))[0, 2]
    rng = np.random.default_rng(6)
    logit = -2.5 + 0.6 * rng.standard_normal(200_000) + rng.choice(posterior["tenure"].to_numpy()[0, :, 0], 200_000)
    # 2000 draws of a chance with SD about .06
    assert found == pytest.approx((1 / (1 + np.exp(-logit))).mean(), abs=0.006)


def test_baselines_are_counts() -> None:
    rows = pd.DataFrame(
        {
            "country": ["AAA"] * 6 + ["BBB"] * 4,
            "change": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            "election": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            "after": [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            "before": [0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
        }
    )
    pooled = 2.5 / 11
    np.testing.assert_allclose(constant_chance(rows, COUNTRIES, 2)[:, 0], [pooled, 1 - (1 - pooled) ** 2])
    own = country_chance(rows, COUNTRIES, 1)[0]
    np.testing.assert_allclose(own, [(2 + 20 * pooled) / 26, 20 * pooled / 24, pooled])
    election = np.array([[[1.0], [0.0], [0.0]]])
    calendar = Calendar(election=election, after=np.roll(election, 1, axis=1), before=np.zeros((1, 3, 1)))
    quarters = [2.5 / 3, 0.5 / 2, 0.5 / 7]
    np.testing.assert_allclose(calendar_chance(rows, calendar)[:, 0], 1 - np.cumprod(1 - np.array(quarters)))


def test_an_origin_learns_only_from_before_it() -> None:
    data = leader_quarters(tables())
    rows = row_frame(data)
    keep = (rows["number"] < FIRST).to_numpy()
    everything, early = counts(data, np.ones(len(rows))), counts(data, keep)
    assert len(early["quarters"]) == len(everything["quarters"])
    assert everything["quarters"].sum() == len(rows)
    assert early["quarters"].sum() == keep.sum()
    assert early["changes"].sum() == rows["change"][keep].sum()
    seen = seen_changes(rows, ["DEU", "GBR", "XXX"], 4 * 2005)
    assert seen[4].tolist()[:2] == [1.0, 0.0]  # Schroeder left in 2005, Blair in 2007
    assert seen[8].tolist()[:2] == [1.0, 0.0]
    assert np.isnan(seen[1].iloc[2])


def test_every_forecaster_answers_for_every_country_of_the_tables() -> None:
    asked = []

    def sample(vectors, report):  # type: ignore[no-untyped-def]
        asked.append(int(vectors["quarters"].sum()))
        return xr.DataTree.from_dict({"posterior": draws()}), 1.0

    rows = _ahead(tables(), priors(), sample, 1, (2010, 2015), lambda *_: None)
    assert len(asked) == 2 and asked[0] < asked[1]
    assert len(rows["forecaster"].unique()) == 4
    answered = rows.groupby(["forecaster", "origin", "horizon"])["unit"].nunique()
    assert (answered.xs("2015", level="origin") > 40).all() and len(answered) == 4 * 2 * len(HORIZONS)
    assert rows["p"].between(0, 1, inclusive="neither").all()


def test_psis_of_a_normal_mean_is_its_closed_form() -> None:
    # y_i ~ N(m, 1), flat prior: without y_i the predictive is N(mean of the others, 1 + 1/(n - 1))
    rng = np.random.default_rng(4)
    y = rng.normal(size=30)
    m = rng.normal(y.mean(), 1 / math.sqrt(30), (4, 1000))
    elpd, k, _ = leave_one_out(-0.5 * math.log(2 * math.pi) - (y - m[..., None]) ** 2 / 2)
    others = (y.sum() - y) / 29
    variance = 1 + 1 / 29
    exact = -0.5 * np.log(2 * math.pi * variance) - (y - others) ** 2 / (2 * variance)
    # 4000 draws: the standard error of each is below .005 for all but the outermost
    np.testing.assert_allclose(elpd, exact, atol=0.02)
    assert (k < MAX_PARETO_K).all()


def test_the_log_likelihood_is_that_of_the_rule() -> None:
    data = leader_quarters(tables())
    rows = row_frame(data).iloc[[0, 500, 900]]
    rng = np.random.default_rng(3)
    dims = {"country_effect": "country", "tenure": "tenure_bin"}
    names = ("intercept", "offset", "election", "after", "before")
    values = {k: (("chain", "draw"), rng.normal(size=(1, 2))) for k in names}
    values |= {k: (("chain", "draw", d), rng.normal(size=(1, 2, data.sizes[d]))) for k, d in dims.items()}
    draw = xr.Dataset(values)
    found = log_likelihood(draw, rows)
    for i, row in enumerate(rows.itertuples()):
        for d in range(2):
            at = draw.isel(chain=0, draw=d)
            u = float(at["country_effect"][row.country_of])
            logit = float(at["intercept"]) + u * (1 + float(at["offset"]) * (row.election + row.after))
            logit += sum(float(at[k]) * getattr(row, k) for k in ("election", "after", "before"))
            logit += float(at["tenure"][row.bin_of])
            p = 1 / (1 + math.exp(-logit))
            assert found[0, d, i] == pytest.approx(math.log(p if row.change else 1 - p))


def test_a_rate_is_never_certain() -> None:
    assert rate(0, 0) == 0.5
    assert 0 < rate(0, 100) < rate(100, 100) < 1
    assert priors().value("leadership.early_election") > 0
