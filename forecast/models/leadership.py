"""Forecasts of who will still govern, from the clocks known on a day: elections at term or early, and the fitted rates.

The rule of a quarter is that of the core (`simulation/shocks/path.py`), for many draws at once; a test holds the two
together.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.array_types import Floats
from forecast.constants import duration_bin
from forecast.models.spending import Draws
from forecast.quarters import quarter_number
from forecast.simulation.rules import leadership as rule

_NEVER: Final = -1
_USED: Final = (
    "intercept",
    "offset",
    "election",
    "after",
    "before",
    "country_sd",
    "country_effect",
    "tenure",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """Votes to come as one may draw them: 0/1 by (draw, quarter, country), as the covariates of the model."""

    election: Floats
    after: Floats
    before: Floats


def draw_calendar(
    state: pd.DataFrame,
    first: int,
    quarters: int,
    early: float,
    size: int,
    rng: np.random.Generator,
) -> Calendar:
    """Elections in `quarters` quarters from number `first` on, where `state` is that of `tenure.leader_state`.

    A vote is held when the clock says so, or, where the law allows, early with chance `early` a quarter if it is
    more than two quarters away; the clock then starts anew.
    """
    due = [_NEVER if pd.isna(q) else quarter_number(q) - first for q in state["next_election"]]
    term = state["term_quarters"].to_numpy()
    may_be_early = state["early_vote"].to_numpy(dtype=bool)
    clock = np.tile(np.array(due), (size, 1))
    voted = np.tile(state["voted"].to_numpy(dtype=bool), (size, 1))
    out = np.zeros((3, size, quarters, len(state)))
    for t in range(quarters):
        dissolved = rng.random(clock.shape) < early
        vote = (clock == t) | (may_be_early & (clock - t > 2) & dissolved)
        clock = np.where(vote, t + term, clock)
        ahead = (clock > t) & (clock - t <= 2) & ~vote
        out[:, :, t] = vote, voted, ahead
        voted = vote
    return Calendar(election=out[0], after=out[1], before=out[2])


def chance_of_change(draws: xr.Dataset, state: pd.DataFrame, calendar: Calendar, rng: np.random.Generator) -> Floats:
    """Chance that the leader changes within 1, 2, ... quarters, shape (quarter, country), over draws and calendars.

    `draws` are those of the leadership model; a country that it has not seen gets an effect from the population.
    """
    b = _resampled(draws, calendar.election.shape[0], rng)
    effect = _effects(b, list(state.index), rng)
    in_office = state["quarters_in_office"].to_numpy()
    stay = np.ones_like(effect)
    out = []
    for t in range(calendar.election.shape[1]):
        vote, voted, before = (x[:, t] for x in (calendar.election, calendar.after, calendar.before))
        log_odds = rule.turnover_log_odds(
            b["intercept"],
            effect,
            b["offset"],
            b["election"],
            vote,
            b["after"],
            voted,
            b["before"],
            before,
            b["tenure"][:, duration_bin(in_office + t)],
        )
        stay = stay * (1.0 - rule.turnover_probability(log_odds))
        out.append(1.0 - stay.mean(axis=0))
    return np.array(out)


def _resampled(draws: xr.Dataset, size: int, rng: np.random.Generator) -> dict[str, Any]:
    """`size` posterior draws of each variable, as columns; every draw is used before any is used again."""
    pool = draws.sizes["chain"] * draws.sizes["draw"]
    order = np.concatenate([rng.permutation(pool) for _ in range(-(-size // pool))])[:size]
    out: dict[str, Any] = {"country": draws["country"].to_numpy().tolist()}
    for name in _USED:
        values = draws[name].transpose("chain", "draw", ...).to_numpy()
        out[name] = values.reshape(pool, -1)[order]
    return out


def _effects(b: dict[str, Any], countries: list[str], rng: np.random.Generator) -> Floats:
    columns = [
        b["country_effect"][:, b["country"].index(c)]
        if c in b["country"]
        else b["country_sd"][:, 0] * rng.standard_normal(len(b["country_sd"]))
        for c in countries
    ]
    return np.stack(columns, axis=1)


def log_odds(p: Draws, data: xr.Dataset) -> Floats:
    """Return the log odds of a change of leader in each quarter of `data`, (draw, row)."""
    intercept, offset, *effects = (p[name][:, None] for name in ("intercept", "offset", "election", "after", "before"))
    election, after, before = (data[name].to_numpy() for name in ("election", "after", "before"))
    effect = p["country_effect"][:, data["country_of"].to_numpy()]
    tenure = p["tenure"][:, data["bin_of"].to_numpy()]
    odds = rule.turnover_log_odds(
        intercept, effect, offset, effects[0], election, effects[1], after, effects[2], before, tenure
    )
    return np.asarray(odds)
