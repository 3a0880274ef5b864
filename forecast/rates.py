"""Rates too rare for a model: notices, exits from the command, draw-downs; Gamma counts on member-years.

A rate with a Gamma(a, b) prior that has seen n events in y years is Gamma(a + n, b + y); the rest is prior. None of
these numbers has skill beyond a base rate.
"""

from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.belief import Prior
from forecast.data import Tables
from forecast.priors import Beliefs
from forecast.roster import address

Floats = NDArray[np.float64]

_YEAR: Final = 365.25  # days
#: Drawn as believed, nothing added.
_PLAIN: Final = (
    "notice_cohesion", "notice_sceptic", "notice_reversed", "us_notice_sympathetic",
    "us_notice_other", "us_notice_burden", "us_notice_succeeds", "us_drawdown", "us_drawdown_size",
)  # fmt: skip


def draw(beliefs: Beliefs, tables: Tables, size: int, seed: int) -> dict[str, Floats]:
    """`size` draws of every rate and effect, each (size,) and addressed by its name.

    Rates a year: `notice` (an ally other than the United States, at neutral cohesion), `command_exit`,
    `command_return`, `us_notice_sympathetic`, `us_notice_other`, `us_drawdown`. On log rates:
    `notice_cohesion` (per sign unit), `notice_sceptic`, `us_notice_burden` (per SD of shortfall). Chances:
    `notice_reversed`, `us_notice_succeeds`. Share of troops: `us_drawdown_size`.
    """
    learnt = posteriors(beliefs, tables)
    believed = {name: beliefs[f"alliance_exit.{name}"] for name in _PLAIN}
    return {name: _sample(prior, size, seed) for name, prior in {**learnt, **believed}.items()}


def samples(beliefs: Beliefs, tables: Tables, size: int, seed: int) -> dict[str, xr.DataArray]:
    """The draws of `draw`, in the form of a model's."""
    found = draw(beliefs, tables, size, seed)
    return {name: xr.DataArray(values, dims="sample") for name, values in found.items()}


def _sample(prior: Prior, size: int, seed: int) -> Floats:
    key = [seed, address(prior.name)]
    return prior.sample(np.random.Generator(np.random.Philox(key=key)), size)


def posteriors(beliefs: Beliefs, tables: Tables) -> dict[str, Prior]:
    """`notice`, `command_exit` and `command_return` after the tables, as Gamma distributions of their own.

    All member-years count, those of the United States too; without them the rate of notice would be a thirtieth higher.
    """
    years = member_years(tables)
    outside, returns = command_outside(tables)
    left = int((_nato(tables)["left"].notna() & (_nato(tables)["country"] != "USA")).sum())
    exits = len(_events(tables, "command_exit"))
    return {
        "notice": _updated(beliefs["alliance_exit.notice"], left, years),
        "command_exit": _updated(beliefs["alliance_exit.command_exit"], exits, years),
        "command_return": _updated(beliefs["alliance_exit.command_return"], returns, outside),
    }


def _updated(prior: Prior, events: int, years: float) -> Prior:
    shape, rate = prior.params
    return Prior(
        name=prior.name, dist="Gamma", params=(shape + events, rate + years), unit=prior.unit,
        source=f"{prior.source}; and the tables: {events} in {years:,.1f} years",
        evidence=prior.evidence, note=prior.note,
    )  # fmt: skip


def member_years(tables: Tables, until: date | None = None) -> float:
    """Years of membership of NATO from entry into force to the end of `until` (the as-of day unless given)."""
    end = pd.Timestamp((until or tables.as_of) + timedelta(days=1))
    nato = _nato(tables)
    first, last = (nato[c].fillna(end).where(nato[c] < end, end) for c in ("in_force", "left"))
    return float((last - first).dt.days.sum() / _YEAR)


def command_outside(tables: Tables) -> tuple[float, int]:
    """Years that members spent outside the integrated command, and how many came back."""
    end = pd.Timestamp(tables.as_of + timedelta(days=1))
    returns = _events(tables, "command_return")
    total, back = 0.0, 0
    for actor, day in _events(tables, "command_exit").itertuples(index=False):
        later = returns.loc[(returns["actor"] == actor) & (returns["date"] > day), "date"]
        back += int(len(later) > 0)
        total += ((later.min() if len(later) else end) - day).days / _YEAR
    return total, back


def learnt(beliefs: Beliefs, tables: Tables) -> dict[str, dict[str, float]]:
    """Means and SDs of these rates before and after the tables, and the contraction 1 - (SD / prior SD)^2."""
    out = {}
    for name, after in posteriors(beliefs, tables).items():
        (shape, rate), (a, b) = beliefs[f"alliance_exit.{name}"].params, after.params
        out[name] = {
            "posterior_mean": a / b,
            "posterior_sd": a**0.5 / b,
            "prior_mean": shape / rate,
            "prior_sd": shape**0.5 / rate,
            "contraction": 1.0 - (a / b**2) / (shape / rate**2),
        }
    return out


def chance_of_any(prior: Prior, members: int, years: float) -> float:
    """P(at least one event among `members` within `years`) under a Gamma(a, b) rate: 1 - (b / (b + n t))^a."""
    shape, rate = prior.params
    return float(1.0 - (rate / (rate + members * years)) ** shape)


def _nato(tables: Tables) -> pd.DataFrame:
    return tables.members[tables.members["alliance"] == "NATO"]


def _events(tables: Tables, kind: str) -> pd.DataFrame:
    events = tables.alliance_events
    return events.loc[events["kind"] == kind, ["actor", "date"]]
