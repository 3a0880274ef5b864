"""Define the calibration problem of the leadership model.

It has six countries, sixty quarters, and synthetic election calendars and tenures.
"""

from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.special import expit

from forecast.constants import DURATION_BINS, duration_bin
from forecast.evaluation.calibration.problem import CalibrationProblem, Draws, Parameters, draw_scalars
from forecast.models.leadership import log_odds
from forecast.priors.load import Priors

_COUNTRIES: Final = 6
_QUARTERS: Final = 60
_TERM: Final = 16  # quarters from election to election
_SCALARS: Final = (
    "intercept",
    "country_sd",
    "election",
    "after",
    "after_new",
    "limited",
    "before",
    "offset",
    "tenure_scale",
)


def problem() -> CalibrationProblem:
    """Return the calibration problem of the leadership model."""
    simulator_faults = {"late-elections": _late_elections, "all-alike": _all_alike}
    return CalibrationProblem(
        data=_data(),
        draw=_draw,
        simulate=_simulate,
        data_vectors=_data_vectors,
        derived=_derived,
        simulator_faults=simulator_faults,
    )


def _data() -> xr.Dataset:
    """Return elections at fixed intervals and tenures that do not depend on the simulated changes.

    Of three elections in a row, one brings in a new leader and one has a leader who may not stand.
    """
    country = np.repeat(np.arange(_COUNTRIES), _QUARTERS)
    clock = np.tile(np.arange(_QUARTERS), _COUNTRIES) + 3 * country
    to_election, number = -clock % _TERM, clock // _TERM + country
    after = to_election == _TERM - 1
    in_office = (np.tile(np.arange(_QUARTERS), _COUNTRIES) + 11 * country) % (9 * (country + 1))
    columns: dict[str, Any] = {
        "country_of": country,
        "bin_of": duration_bin(in_office),
        "election": to_election == 0,
        "after": after,
        "after_new": after & (number % 3 == 1),
        "limited": after & (number % 3 == 2),
        "before": (to_election == 1) | (to_election == 2),
        "change": np.zeros(country.size),
    }
    return xr.Dataset(
        {name: ("row", np.asarray(values, dtype=np.int64)) for name, values in columns.items()},
        coords={
            "country": [f"C{i}" for i in range(_COUNTRIES)],
            "tenure_bin": np.array(DURATION_BINS, dtype=object),
        },
    )


def _draw(priors: Priors, rng: np.random.Generator) -> Parameters:
    """Draw scalars from their priors, then country effects and the random walk over tenure given the scalars."""
    p = draw_scalars(priors, "leadership", _SCALARS, rng)
    walk = [0.0]
    for _ in DURATION_BINS[1:]:
        walk.append(rng.normal(walk[-1], p["tenure_scale"]))
    p["tenure"] = np.array(walk) - np.mean(walk)
    return p | {"country_effect": rng.normal(0.0, p["country_sd"], _COUNTRIES)}


def _simulate(data: xr.Dataset, p: Parameters, rng: np.random.Generator) -> xr.Dataset:
    """Simulate one Bernoulli variate per quarter."""
    change = []
    for row in data.drop_dims(["country", "tenure_bin"]).to_dataframe().itertuples():
        country_effect = p["country_effect"][row.country_of]
        logit = p["intercept"] + country_effect + p["tenure"][row.bin_of] + p["before"] * row.before
        if row.election:
            logit += p["election"] + p["offset"] * country_effect
        if row.after:
            logit += p["after"] + p["offset"] * country_effect
        if row.after_new:
            logit += p["after_new"]
        if row.limited:
            logit += p["limited"]
        change.append(int(rng.random() < 1.0 / (1.0 + np.exp(-logit))))
    return data.assign(change=("row", np.array(change)))


def _data_vectors(data: xr.Dataset) -> dict[str, np.ndarray[Any, Any]]:
    """Return the outcomes under the name of the model's data vector."""
    from forecast.data.leaders import grouped

    return {"changes": grouped(data)["changes"].to_numpy()}


def _derived(data: xr.Dataset, p: Draws) -> dict[str, np.ndarray[Any, Any]]:
    """Return the log-likelihood, and the probability of a change in an election quarter of the first country."""
    odds, changed = log_odds(p, data), data["change"].to_numpy() == 1
    first = p["country_effect"][:, 0]
    election_logit = p["intercept"] + p["election"] + first * (1.0 + p["offset"])
    return {
        "log_likelihood": -np.logaddexp(0.0, np.where(changed, -odds, odds)).sum(axis=1),
        "first_at_election": expit(election_logit),
    }


def _late_elections(p: Parameters) -> Parameters:
    """Return parameters whose election effects act one quarter late."""
    return p | {"election": p["before"], "after": p["election"], "before": 0.0}


def _all_alike(p: Parameters) -> Parameters:
    """Return parameters without country effects."""
    return p | {"country_effect": np.zeros(_COUNTRIES)}
