"""Rates too rare for a model: notices, exits from the command, draw-downs; Gamma counts on member-years.

A rate with a Gamma(a, b) prior that has seen n events in y years is Gamma(a + n, b + y); the rest is prior. None of
these numbers has skill beyond a base rate.
"""

from typing import Final

import xarray as xr

from forecast.array_types import Floats
from forecast.data.membership import command_outside, events_of_kind, member_years
from forecast.data.tables import Tables
from forecast.priors.load import Priors
from forecast.priors.prior import Prior
from forecast.random_streams import generator

#: Drawn as believed, nothing added.
_PLAIN: Final = (
    "notice_cohesion",
    "notice_sceptic",
    "notice_reversed",
    "us_notice_sympathetic",
    "us_notice_other",
    "us_notice_burden",
    "us_notice_succeeds",
    "us_drawdown",
    "us_drawdown_size",
)


def draw(priors: Priors, tables: Tables, size: int, seed: int) -> dict[str, Floats]:
    """`size` draws of every rate and effect, each (size,) and addressed by its name.

    Rates a year: `notice` (an ally other than the United States, at neutral cohesion), `command_exit`,
    `command_return`, `us_notice_sympathetic`, `us_notice_other`, `us_drawdown`. On log rates:
    `notice_cohesion` (per sign unit), `notice_sceptic`, `us_notice_burden` (per SD of shortfall). Chances:
    `notice_reversed`, `us_notice_succeeds`. Share of troops: `us_drawdown_size`.
    """
    learnt = posteriors(priors, tables)
    believed = {name: priors[f"alliance_exit.{name}"] for name in _PLAIN}
    return {name: _sample(prior, size, seed) for name, prior in {**learnt, **believed}.items()}


def samples(priors: Priors, tables: Tables, size: int, seed: int) -> dict[str, xr.DataArray]:
    """The draws of `draw`, in the form of a model's."""
    found = draw(priors, tables, size, seed)
    return {name: xr.DataArray(values, dims="sample") for name, values in found.items()}


def _sample(prior: Prior, size: int, seed: int) -> Floats:
    return prior.sample(generator(seed, prior.name), size)


def posteriors(priors: Priors, tables: Tables) -> dict[str, Prior]:
    """`notice`, `command_exit` and `command_return` after the tables, as Gamma distributions of their own.

    All member-years count, those of the United States too; without them the rate of notice would be a thirtieth higher.
    """
    years = member_years(tables)
    outside, returns = command_outside(tables)
    nato = tables.memberships()
    left = int((nato["left"].notna() & (nato["country"] != "USA")).sum())
    exits = len(events_of_kind(tables, "command_exit"))
    return {
        "notice": _updated(priors["alliance_exit.notice"], left, years),
        "command_exit": _updated(priors["alliance_exit.command_exit"], exits, years),
        "command_return": _updated(priors["alliance_exit.command_return"], returns, outside),
    }


def _updated(prior: Prior, events: int, years: float) -> Prior:
    shape, rate = prior.params
    return Prior(
        name=prior.name,
        dist="Gamma",
        params=(shape + events, rate + years),
        unit=prior.unit,
        source=f"{prior.source}; and the tables: {events} in {years:,.1f} years",
        evidence=prior.evidence,
        note=prior.note,
    )


def learnt(priors: Priors, tables: Tables) -> dict[str, dict[str, float]]:
    """Means and SDs of these rates before and after the tables, and the contraction 1 - (SD / prior SD)^2."""
    out = {}
    for name, after in posteriors(priors, tables).items():
        (shape, rate), (a, b) = priors[f"alliance_exit.{name}"].params, after.params
        out[name] = {
            "posterior_mean": a / b,
            "posterior_sd": a**0.5 / b,
            "prior_mean": shape / rate,
            "prior_sd": shape**0.5 / rate,
            "contraction": 1.0 - (a / b**2) / (shape / rate**2),
        }
    return out
