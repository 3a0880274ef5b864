"""Leadership in small: six countries and sixty quarters, with invented calendars and clocks of office."""

from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.special import expit

from forecast.constants import TENURE_BINS, tenure_bin
from forecast.evaluation.calibration.problem import Draws, Small, Truth, one_of
from forecast.models.leadership import log_odds
from forecast.priors.load import Beliefs

_COUNTRIES: Final = 6
_QUARTERS: Final = 60
_TERM: Final = 16  # quarters from election to election
_SCALARS: Final = ("intercept", "country_sd", "election", "after", "before", "offset", "tenure_scale")


def small() -> Small:
    """The description that calibration reads."""
    flaws = {"late-elections": _late_elections, "all-alike": _all_alike}
    return Small(world=_world(), draw=_draw, simulate=_simulate, outcomes=_outcomes, derived=_derived, flaws=flaws)


def _world() -> xr.Dataset:
    """Elections at fixed intervals; clocks of office that run on, whatever the simulated changes."""
    country = np.repeat(np.arange(_COUNTRIES), _QUARTERS)
    to_election = -(np.tile(np.arange(_QUARTERS), _COUNTRIES) + 3 * country) % _TERM
    in_office = (np.tile(np.arange(_QUARTERS), _COUNTRIES) + 11 * country) % (9 * (country + 1))
    columns: dict[str, Any] = {
        "country_of": country,
        "bin_of": tenure_bin(in_office),
        "election": to_election == 0,
        "after": to_election == _TERM - 1,
        "before": (to_election == 1) | (to_election == 2),
        "change": np.zeros(country.size),
    }
    return xr.Dataset(
        {name: ("row", np.asarray(values, dtype=np.int64)) for name, values in columns.items()},
        coords={
            "country": [f"C{i}" for i in range(_COUNTRIES)],
            "tenure_bin": np.array(TENURE_BINS, dtype=object),
        },
    )


def _draw(beliefs: Beliefs, rng: np.random.Generator) -> Truth:
    """Numbers from their beliefs, then countries and the walk over tenure from the numbers."""
    p = one_of(beliefs, "leadership", _SCALARS, rng)
    walk = [0.0]
    for _ in TENURE_BINS[1:]:
        walk.append(rng.normal(walk[-1], p["tenure_scale"]))
    p["tenure"] = np.array(walk) - np.mean(walk)
    return p | {"country_effect": rng.normal(0.0, p["country_sd"], _COUNTRIES)}


def _simulate(world: xr.Dataset, p: Truth, rng: np.random.Generator) -> xr.Dataset:
    """A coin for each quarter."""
    change = []
    for row in world.drop_dims(["country", "tenure_bin"]).to_dataframe().itertuples():
        restless = p["country_effect"][row.country_of]
        score = p["intercept"] + restless + p["tenure"][row.bin_of] + p["before"] * row.before
        if row.election:
            score += p["election"] + p["offset"] * restless
        if row.after:
            score += p["after"] + p["offset"] * restless
        change.append(int(rng.random() < 1.0 / (1.0 + np.exp(-score))))
    return world.assign(change=("row", np.array(change)))


def _outcomes(world: xr.Dataset) -> dict[str, np.ndarray[Any, Any]]:
    from forecast.data.leaders import grouped

    return {"changes": grouped(world)["changes"].to_numpy()}


def _derived(world: xr.Dataset, p: Draws) -> dict[str, np.ndarray[Any, Any]]:
    """The log-likelihood of single quarters; the chance that a country of the table changes its leader in a vote."""
    odds, changed = log_odds(p, world), world["change"].to_numpy() == 1
    first = p["country_effect"][:, 0]
    vote = p["intercept"] + p["election"] + first * (1.0 + p["offset"])
    return {
        "log_likelihood": -np.logaddexp(0.0, np.where(changed, -odds, odds)).sum(axis=1),
        "first_at_election": expit(vote),
    }


def _late_elections(p: Truth) -> Truth:
    """What elections do shows a quarter late."""
    return p | {"election": p["before"], "after": p["election"], "before": 0.0}


def _all_alike(p: Truth) -> Truth:
    """Countries that do not differ."""
    return p | {"country_effect": np.zeros(_COUNTRIES)}
