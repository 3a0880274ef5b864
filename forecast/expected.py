"""What each model expects of each observation, on bare arrays: the equations of `models/` for draws that are there.

Of withdrawal, whose likelihood has brackets, the model itself is asked: `models.withdrawal.spell_log_likelihood`.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.indicators import UNITED_NATIONS
from forecast.panel import PLEDGE_FROM

Floats = NDArray[np.float64]
Draws = Mapping[str, Floats]  # by name, (draw, ...)


def expected_change(p: Draws, panel: xr.Dataset) -> tuple[Floats, Floats]:
    """Mean and scale of each change, (draw, observation): the equation of `forecast.models.spending`."""
    w = {name: values.to_numpy() for name, values in panel.data_vars.items()}
    years = panel["year"].to_numpy()
    i, t = w["country_of"], w["year_of"]
    expected = p["kappa"][:, None] * (p["target"][:, i] - w["level"])
    expected += p["loading"][:, i] * p["factor"][:, t]
    before = np.zeros((p["kappa"].size, np.count_nonzero(years < PLEDGE_FROM)))
    response = np.concatenate([before, np.exp(p["log_response"])], axis=1)
    expected += response[:, t] * (w["gap"] + p["front"][:, None] * w["front_gap"])
    for name in ("growth", "election"):
        expected += p[name][:, None] * w[name]
    expected += (years[t] == w["last_year"][i]) * w["last_noise"][i] * p["revision"][:, i]
    own = p["scale"][:, i] * np.exp(p["volatility"][:, t])
    return expected, np.sqrt(own**2 + w["estimate_variance"])


def log_odds(p: Draws, data: xr.Dataset) -> Floats:
    """Of a change of leader, (draw, row): the equation of `forecast.models.leadership`."""
    row = {name: data[name].to_numpy() for name in ("election", "after", "before")}
    near = row["election"] + row["after"]
    effect = p["country_effect"][:, data["country_of"].to_numpy()]
    odds = p["intercept"][:, None] + effect * (1.0 + p["offset"][:, None] * near)
    for name, values in row.items():
        odds += p[name][:, None] * values
    return np.asarray(odds + p["tenure"][:, data["bin_of"].to_numpy()])


def expected_indicator(p: Draws, panel: xr.Dataset) -> tuple[Floats, Floats]:
    """Mean and scale of each value, (draw, observation): the equation of `forecast.models.cohesion`."""
    j, t = panel["indicator_of"].to_numpy(), panel["year_of"].to_numpy()
    state = p["subfactor_state"][:, t, panel["subfactor_of"].to_numpy()[j]]
    swings = panel["indicator"].to_numpy()[j] == UNITED_NATIONS
    expected = p["intercept"][:, j] + p["loading"][:, j] * state
    expected -= swings * p["us_swing"][:, None] * p["us_path"][:, t]
    return expected, np.sqrt(p["noise"][:, j] ** 2 + panel["error"].to_numpy() ** 2)
