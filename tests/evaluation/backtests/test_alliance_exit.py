"""Test the constant rates of contingents by hand, and the rate of leaving the alliance in years without an exit."""

import math

import numpy as np
import pytest
import xarray as xr

from forecast.constants import STAYED
from forecast.data.exposure import PATTERNS
from forecast.evaluation.backtests.alliance_exit import chance, exit_tasks
from forecast.evaluation.backtests.withdrawal import constant_log_likelihood
from forecast.progress import silent
from tests.support.fake_posteriors import priors, tables

RNG = 1


def one_rate(exits: list[bool], lengths: list[float], bracket: list[float]) -> xr.Dataset:
    """Return spells of one mission, each with a row outside and a row within a bracket."""
    size = len(exits)
    row = {
        "spell_of": np.repeat(np.arange(size), 2),
        "length": np.stack([lengths, bracket], axis=1).ravel(),
        "in_bracket": np.tile([False, True], size),
    }
    row |= {name: np.zeros(2 * size) for names in PATTERNS.values() for name in names}
    within = np.array(bracket) > 0
    spell = {
        "kind": np.where(exits, 1, STAYED),
        "exact": np.array(exits) & ~within,
        "p_defect": np.full(size, 0.8),
        "event_row": 2 * np.arange(size),
        "mission_of": np.zeros(size, int),
        "country_of": np.arange(size),
        "entry": np.zeros(size),
        "end": np.array(lengths),
    }
    mission = {name: np.array([False]) for name in ("nato", "un", "eu", "noncombat")}
    mission |= {"framework": np.array(["un"]), "lead": np.array([""])}
    parts = (("row", row), ("spell", spell), ("mission", mission))
    data = {name: (dim, values) for dim, fields in parts for name, values in fields.items()}
    return xr.Dataset(data, coords={"mission": ["m"], "country": [f"C{k}" for k in range(size)]})


def test_constant_rates_by_hand() -> None:
    data = one_rate([True, True, False], [4.0, 2.0, 10.0], [0.0, 3.0, 0.0])
    nonempty = data.isel(row=data["length"].to_numpy() > 0)  # rows: first; second, and its bracket; third
    density = constant_log_likelihood(nonempty.assign(event_row=("spell", [0, 2, -1])))
    # without the first: one exit in 2 + 1.5 + 10 quarters, 0.8 of it a defection; one half is added to each cause
    defection, planned = 1.3 / 13.5, 0.7 / 13.5
    assert density[0] == pytest.approx(-4 * (defection + planned) + math.log(0.8 * defection + 0.2 * planned))
    defection, planned = 1.3 / 14.0, 0.7 / 14.0
    both = defection + planned
    share = (0.8 * defection + 0.2 * planned) / both
    assert density[1] == pytest.approx(-2 * both + math.log((1 - math.exp(-3 * both)) * share))
    defection, planned = 2.1 / 7.5, 0.9 / 7.5
    assert density[2] == pytest.approx(-10 * (defection + planned))


def test_chance_of_exit_is_a_gamma_mixture() -> None:
    rng = np.random.default_rng(RNG)
    # 400,000 draws of a probability near 0.01 with SD 0.007
    assert chance(2.0, 1000.0, 5.0) == pytest.approx(
        1 - np.exp(-5 * rng.gamma(2.0, 1 / 1000.0, 400_000)).mean(), abs=5e-5
    )


def test_without_exits_the_smaller_rate_scores_better() -> None:
    (task,) = exit_tasks(tables(), priors())
    rows = task.run(silent)
    assert rows["observed"].sum() == 0
    assert "USA" not in set(rows["unit"])
    mean = rows.groupby("forecaster")["log_score"].mean()
    chance = rows.groupby("forecaster")["p"].mean()
    assert list(mean.sort_values().index) == list(chance.sort_values().index)
    assert mean.min() > 0
    last = rows[(rows["origin"] == "2025") & (rows["forecaster"] == "model")]["p"].iloc[0]
    assert last == pytest.approx(0.0003, abs=0.0001)  # with the wider prior: today's has seen the year 2025
