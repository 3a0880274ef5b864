"""Forecasts of leaders: simulated calendars, chances compared with brute force, and baselines with counts."""

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
from forecast.inference.predictive_checks import pooled
from forecast.models.leadership import Calendar, chance_by_time_in_office, chance_of_change, draw_calendar
from tests.support.fake_posteriors import priors, tables

FIRST = 4 * 2010
COUNTRIES = ["AAA", "BBB", "CCC"]


@pytest.fixture
def state() -> pd.DataFrame:
    """Return a parliament with a vote in five quarters, a president with one in two, and a country with no date."""
    return pd.DataFrame(
        {
            "quarters_in_office": [3, 14, 0],
            "next_election": ["2011Q2", "2010Q3", None],
            "term_quarters": [16, 4, 16],
            "fixed": [False, False, False],
            "early_vote": [True, False, True],
            "mandates": [0, 1, 0],
            "term_limit": [np.nan, 2.0, np.nan],
            "voted": [False, False, True],
        },
        index=COUNTRIES,
    )


def draws(size: int = 4, effects: float = 0.5) -> xr.Dataset:
    """Return a posterior of equal draws, in which two countries have opposite effects."""
    rng = np.random.default_rng(2)
    scalars = {
        "intercept": -2.5,
        "offset": -0.3,
        "election": 1.5,
        "after": 1.0,
        "after_new": -1.2,
        "limited": 2.0,
        "before": 0.4,
        "country_sd": 0.6,
    }
    variables = {k: (("chain", "draw"), np.full((1, size), v)) for k, v in scalars.items()}
    effect = np.tile([effects, -effects], (1, size, 1))
    return xr.Dataset(
        variables
        | {
            "country_effect": (("chain", "draw", "country"), effect),
            "tenure": (("chain", "draw", "tenure_bin"), rng.normal(0, 0.3, (1, size, len(DURATION_EDGES)))),
        },
        coords={"country": ["AAA", "BBB"]},
    )


def test_votes_are_at_term_or_early(state: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    regular = draw_calendar(state, FIRST, 8, np.zeros(3), 3, rng)
    np.testing.assert_array_equal(regular.election[:, :, 0], np.tile(np.eye(8)[5], (3, 1)))
    np.testing.assert_array_equal(regular.after[0, :, 0], np.eye(8)[6])
    np.testing.assert_array_equal(regular.before[0, :, 0], np.eye(8)[3] + np.eye(8)[4])
    np.testing.assert_array_equal(regular.election[0, :, 1], np.eye(8)[2] + np.eye(8)[6])
    assert regular.election[:, :, 2].sum() == 0
    np.testing.assert_array_equal(regular.after[0, :, 2], np.eye(8)[0])
    with_early = draw_calendar(state, FIRST, 8, np.array([0.3, 0.2, 0.1]), 20_000, rng)
    # the vote is due in quarter 5; the standard error of 20,000 draws is 0.003
    first = with_early.election[:, :, 0].argmax(axis=1)
    stay = np.cumprod([1.0, 0.9, 0.9, 0.9, 0.8, 0.7])
    expected = stay * [0.1, 0.1, 0.1, 0.2, 0.3, 1.0]
    np.testing.assert_allclose(np.bincount(first, minlength=6) / 20_000, expected, atol=0.014)
    np.testing.assert_array_equal(with_early.election[..., 1], np.tile(regular.election[0, :, 1], (20_000, 1)))


def test_chance_of_change_matches_brute_force(state: pd.DataFrame) -> None:
    posterior, rng = draws(), np.random.default_rng(1)
    state["voted"], state["quarters_in_office"] = [True, False, True], [0, 14, 0]
    calendar = draw_calendar(state, FIRST, 8, np.full(3, 0.05), 400, rng)
    chances = chance_of_change(posterior, state, calendar, np.random.default_rng(5))
    tenure = posterior["tenure"].to_numpy()[0]
    for c, effect in ((0, 0.5), (1, -0.5)):
        stayed = 0.0
        for k in range(400):
            for d in range(4):
                survival = 1.0
                for t in range(8):
                    e, a, b = (x[k, t, c] for x in (calendar.election, calendar.after, calendar.before))
                    served = state["quarters_in_office"].iloc[c] + t
                    duration_bin = max(i for i, edge in enumerate(DURATION_EDGES) if edge <= served)
                    logit = -2.5 + effect + (1.5 - 0.3 * effect) * e + (1.0 - 0.3 * effect) * a
                    logit -= 1.2 * (c == 0 and t == 0)  # came to office with the vote of the quarter before
                    if c == 1 and t == 7:  # the second vote of this president, in quarter 6, is the last allowed
                        logit += 2.0 * a
                    survival *= 1.0 - 1.0 / (1.0 + math.exp(-(logit + 0.4 * b + tenure[d, duration_bin])))
                stayed += survival / 1600
        # the function gives one draw to each calendar, the loops all four: the standard error is about 0.003
        assert chances[7, c] == pytest.approx(1.0 - stayed, abs=0.015)
    assert (np.diff(chances, axis=0) > 0).all()


def test_the_chance_of_a_reference_country_far_from_elections() -> None:
    posterior = draws()
    chance = chance_by_time_in_office({str(name): pooled(values) for name, values in posterior.data_vars.items()})
    np.testing.assert_allclose(chance, 1.0 / (1.0 + np.exp(2.5 - posterior["tenure"].to_numpy()[0])))


def test_new_country_gets_an_effect_from_the_population(state: pd.DataFrame) -> None:
    posterior = draws(size=2000)
    flat = Calendar(election=np.zeros((2000, 1, 3)), after=np.zeros((2000, 1, 3)), before=np.zeros((2000, 1, 3)))
    chance = chance_of_change(posterior, state, flat, np.random.default_rng(5))[0, 2]
    rng = np.random.default_rng(6)
    logit = -2.5 + 0.6 * rng.standard_normal(200_000) + rng.choice(posterior["tenure"].to_numpy()[0, :, 0], 200_000)
    # 2,000 draws of a probability with an SD of about 0.06
    assert chance == pytest.approx((1 / (1 + np.exp(-logit))).mean(), abs=0.006)


def test_baselines_match_counts() -> None:
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
    by_country = country_chance(rows, COUNTRIES, 1)[0]
    np.testing.assert_allclose(by_country, [(2 + 20 * pooled) / 26, 20 * pooled / 24, pooled])
    election = np.array([[[1.0], [0.0], [0.0]]])
    calendar = Calendar(election=election, after=np.roll(election, 1, axis=1), before=np.zeros((1, 3, 1)))
    quarters = [2.5 / 3, 0.5 / 2, 0.5 / 7]
    np.testing.assert_allclose(calendar_chance(rows, calendar)[:, 0], 1 - np.cumprod(1 - np.array(quarters)))


def test_origin_uses_only_earlier_quarters() -> None:
    data = leader_quarters(tables())
    rows = row_frame(data)
    keep = (rows["number"] < FIRST).to_numpy()
    all_counts, early = counts(data, np.ones(len(rows))), counts(data, keep)
    assert len(early["quarters"]) == len(all_counts["quarters"])
    assert all_counts["quarters"].sum() == len(rows)
    assert early["quarters"].sum() == keep.sum()
    assert early["changes"].sum() == rows["change"][keep].sum()
    changes = seen_changes(rows, ["DEU", "GBR", "XXX"], 4 * 2005)
    assert changes[4].tolist()[:2] == [1.0, 0.0]  # Schroeder left in 2005, Blair in 2007
    assert changes[8].tolist()[:2] == [1.0, 0.0]
    assert np.isnan(changes[1].iloc[2])


def test_every_forecaster_covers_every_country() -> None:
    quarters = []

    def sample(vectors, assumed, report):  # type: ignore[no-untyped-def]
        quarters.append(int(vectors["quarters"].sum()))
        return xr.DataTree.from_dict({"posterior": draws()}), 1.0

    rows = _ahead(tables(), priors(), sample, 1, (2010, 2015), lambda *_: None)
    assert len(quarters) == 2 and quarters[0] < quarters[1]
    assert len(rows["forecaster"].unique()) == 4
    units = rows.groupby(["forecaster", "origin", "horizon"])["unit"].nunique()
    assert (units.xs("2015", level="origin") > 40).all() and len(units) == 4 * 2 * len(HORIZONS)
    assert rows["p"].between(0, 1, inclusive="neither").all()


def test_psis_of_a_normal_mean_matches_closed_form() -> None:
    # y_i ~ N(m, 1), flat prior: without y_i the predictive is N(mean of the others, 1 + 1/(n - 1))
    rng = np.random.default_rng(4)
    y = rng.normal(size=30)
    m = rng.normal(y.mean(), 1 / math.sqrt(30), (4, 1000))
    elpd, k, _ = leave_one_out(-0.5 * math.log(2 * math.pi) - (y - m[..., None]) ** 2 / 2)
    others = (y.sum() - y) / 29
    variance = 1 + 1 / 29
    exact = -0.5 * np.log(2 * math.pi * variance) - (y - others) ** 2 / (2 * variance)
    # with 4,000 draws the standard error is below 0.005 for all but the most extreme values
    np.testing.assert_allclose(elpd, exact, atol=0.02)
    assert (k < MAX_PARETO_K).all()


def test_each_observation_has_its_own_relative_efficiency() -> None:
    """One observation depends on draws that stick for 20 steps, the other on independent ones."""
    rng = np.random.default_rng(5)
    sticky = np.repeat(rng.normal(size=(4, 50)), 20, axis=1)
    values = -0.5 * np.stack([sticky, rng.normal(size=(4, 1000))], axis=-1) ** 2
    both, swapped = leave_one_out(values), leave_one_out(values[..., ::-1])
    for part, other in zip(both, swapped, strict=True):
        np.testing.assert_allclose(part, other[::-1])
    for i, one in enumerate(leave_one_out(values[..., i : i + 1]) for i in (0, 1)):
        assert one.pareto_k[0] == pytest.approx(both.pareto_k[i])
    alone = leave_one_out(values.reshape(1, -1, 2))  # draws of one chain count as independent
    assert alone.pareto_k[0] != pytest.approx(both.pareto_k[0], abs=0.02)


def test_log_likelihood_matches_equation() -> None:
    data = leader_quarters(tables())
    every = row_frame(data)
    rows = every.iloc[[0, 500, every["after_new"].argmax(), every["limited"].argmax(), every["before"].argmax()]]
    rng = np.random.default_rng(3)
    dims = {"country_effect": "country", "tenure": "tenure_bin"}
    positions = ("election", "after", "after_new", "limited", "before")
    names = ("intercept", "offset", *positions)
    variables = {k: (("chain", "draw"), rng.normal(size=(1, 2))) for k in names}
    variables |= {k: (("chain", "draw", d), rng.normal(size=(1, 2, data.sizes[d]))) for k, d in dims.items()}
    draw = xr.Dataset(variables)
    likelihoods = log_likelihood(draw, rows)
    for i, row in enumerate(rows.itertuples()):
        for d in range(2):
            values = draw.isel(chain=0, draw=d)
            u = float(values["country_effect"][row.country_of])
            logit = float(values["intercept"]) + u * (1 + float(values["offset"]) * (row.election + row.after))
            logit += sum(float(values[k]) * getattr(row, k) for k in positions)
            logit += float(values["tenure"][row.bin_of])
            p = 1 / (1 + math.exp(-logit))
            assert likelihoods[0, d, i] == pytest.approx(math.log(p if row.change else 1 - p))


def test_rate_is_never_zero_or_one() -> None:
    assert rate(0, 0) == 0.5
    assert 0 < rate(0, 100) < rate(100, 100) < 1
