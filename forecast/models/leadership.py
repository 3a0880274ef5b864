"""The leadership model in NumPy: log odds of a change of leader, simulated elections, and forecasts of a change.

The forecasts start from the election dates known on a day. Elections are drawn by the rule that the simulation uses
(`forecast.simulation.shocks.path`), for many draws at once; a test compares the two.
"""

import itertools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.array_types import Floats
from forecast.constants import DURATION_BINS, EARLY_BINS, duration_bin
from forecast.data.leaders import POSITIONS, early_votes
from forecast.data.tables import Tables
from forecast.models.spending import Draws
from forecast.priors.load import Priors
from forecast.quarters import quarter_number
from forecast.simulation.rules import leadership as rule

_NEVER: Final = -1  # in place of a number of quarters: no election is due
_USED: Final = ("intercept", "offset", *POSITIONS, "country_sd", "country_effect", "tenure")


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """Simulated elections as covariates of the model, each 0 or 1, (draw, quarter, country).

    `election` marks a quarter with a vote, `after` the quarter after one, `before` the two quarters before one.
    """

    election: Floats
    after: Floats
    before: Floats


def early_vote_rates(priors: Priors, tables: Tables) -> Floats:
    """Return the probability of an early vote in a quarter, by quarters left until the deadline, (left,).

    They are posterior means: the Beta prior `early_vote` and the counts of `forecast.data.leaders.early_votes`.
    """
    alpha, beta = priors["leadership.early_vote"].params
    counts = early_votes(tables)
    return np.asarray((alpha + counts["votes"]) / (alpha + beta + counts["quarters"]))


def draw_calendar(
    state: pd.DataFrame,
    first: int,
    quarters: int,
    early: Floats,
    size: int,
    rng: np.random.Generator,
) -> Calendar:
    """Return `size` simulated calendars of elections.

    A vote is held at the latest when it is due. Where the law allows, it is held early with a probability that depends
    on the quarters left; in the last two quarters only if its day is not set. The next vote is then due one term later.

    Parameters
    ----------
    state : one row for each country, from `forecast.data.leaders.leader_state`.
    first : number of the first quarter, since the year 0.
    quarters : length of the calendars.
    early : probability per quarter of an early vote, from `early_vote_rates`.
    size : number of draws.
    rng : generator of the early votes.
    """
    due = [_NEVER if pd.isna(q) else quarter_number(q) - first for q in state["next_election"]]
    term = state["term_quarters"].to_numpy()
    may_be_early = state["early_vote"].to_numpy(dtype=bool)
    due_in = np.tile(np.array(due), (size, 1))
    fixed = np.tile(state["fixed"].to_numpy(dtype=bool), (size, 1))
    voted = np.tile(state["voted"].to_numpy(dtype=bool), (size, 1))
    covariates = np.zeros((3, size, quarters, len(state)))
    for t in range(quarters):
        left = due_in - t
        possible = may_be_early & (left > 0) & ~(fixed & (left < EARLY_BINS))
        dissolved = rng.random(due_in.shape) < early[np.clip(left, 1, EARLY_BINS) - 1]
        vote = (left == 0) | (possible & dissolved)
        due_in, fixed = np.where(vote, t + term, due_in), fixed & ~vote
        ahead = (due_in > t) & (due_in - t <= 2) & ~vote
        covariates[:, :, t] = vote, voted, ahead
        voted = vote
    return Calendar(election=covariates[0], after=covariates[1], before=covariates[2])


def chance_of_change(draws: xr.Dataset, state: pd.DataFrame, calendar: Calendar, rng: np.random.Generator) -> Floats:
    """Return the probability that the leader changes within 1, 2, ... quarters, (quarter, country).

    Parameters
    ----------
    draws : posterior of the leadership model, dims `chain` and `draw`. A country without an effect in it gets one
        drawn from the population.
    state : one row for each country, from `forecast.data.leaders.leader_state`.
    calendar : simulated elections. Each is combined with one posterior draw, and the result is their mean.
    rng : generator of the assignment of draws and of new effects.
    """
    b = _resampled(draws, calendar.election.shape[0], rng)
    effect = _effects(b, list(state.index), rng)
    in_office, limit = state["quarters_in_office"].to_numpy(), state["term_limit"].to_numpy(dtype=float)
    stay, mandates = np.ones_like(effect), np.tile(state["mandates"].to_numpy(), (len(effect), 1))
    chances = []
    for t in range(calendar.election.shape[1]):
        vote, voted, before = (x[:, t] for x in (calendar.election, calendar.after, calendar.before))
        new = voted * (in_office + t == 0)
        limited = (voted - new) * (mandates >= limit)
        log_odds = rule.turnover_log_odds(
            b["intercept"],
            effect,
            b["offset"],
            b["election"],
            vote,
            b["after"],
            voted,
            b["after_new"],
            new,
            b["limited"],
            limited,
            b["before"],
            before,
            b["tenure"][:, duration_bin(in_office + t)],
        )
        stay = stay * (1.0 - rule.turnover_probability(log_odds))
        mandates = rule.mandates_won(mandates, False, vote, voted, new)
        chances.append(1.0 - stay.mean(axis=0))
    return np.array(chances)


def _resampled(draws: xr.Dataset, size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return `size` posterior draws of each variable, (size, ...); every draw is used before any is used again."""
    pool = draws.sizes["chain"] * draws.sizes["draw"]
    order = np.concatenate([rng.permutation(pool) for _ in range(-(-size // pool))])[:size]
    columns: dict[str, Any] = {"country": draws["country"].to_numpy().tolist()}
    for name in _USED:
        values = draws[name].transpose("chain", "draw", ...).to_numpy()
        columns[name] = values.reshape(pool, -1)[order]
    return columns


def _effects(b: dict[str, Any], countries: list[str], rng: np.random.Generator) -> Floats:
    """Return the effects of countries, (draw, country); a country new to the fit gets one from the population."""
    columns = [
        b["country_effect"][:, b["country"].index(c)]
        if c in b["country"]
        else b["country_sd"][:, 0] * rng.standard_normal(len(b["country_sd"]))
        for c in countries
    ]
    return np.stack(columns, axis=1)


def log_odds(p: Draws, data: xr.Dataset) -> Floats:
    """Return the log odds of a change of leader in each quarter of `data`, (draw, row)."""
    terms = itertools.chain.from_iterable((p[name][:, None], data[name].to_numpy()) for name in POSITIONS)
    effect = p["country_effect"][:, data["country_of"].to_numpy()]
    tenure = p["tenure"][:, data["bin_of"].to_numpy()]
    return np.asarray(rule.turnover_log_odds(p["intercept"][:, None], effect, p["offset"][:, None], *terms, tenure))


def chance_by_time_in_office(p: Draws) -> Floats:
    """Return the probability of a change of leader in a quarter far from elections, (draw, bin of `DURATION_BINS`).

    The country is a reference, with an effect of 0.
    """
    bins = len(DURATION_BINS)
    which = {"country_of": ("row", np.zeros(bins, dtype=np.int64)), "bin_of": ("row", np.arange(bins))}
    data = xr.Dataset(which).assign({name: ("row", np.zeros(bins)) for name in POSITIONS})
    odds = log_odds({**p, "country_effect": np.zeros((len(p["intercept"]), 1))}, data)
    return np.asarray(rule.turnover_probability(odds))
