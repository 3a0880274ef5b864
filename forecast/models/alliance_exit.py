"""Rates of events too rare for a regression: notices of exit, exits from the command, and draw-downs of troops.

Events are Poisson. A rate with a Gamma(a, b) prior has the posterior Gamma(a + n, b + y) after n events in y years.
All other parameters are drawn from their priors. None of these rates has skill beyond a base rate.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import xarray as xr

from forecast.array_types import Floats
from forecast.data.membership import command_outside, events_of_kind, member_years
from forecast.data.tables import Tables
from forecast.priors.load import Priors
from forecast.priors.prior import Prior
from forecast.random_streams import generator

#: Parameters that no table informs; they are drawn from their priors.
_FROM_PRIORS: Final = (
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
    """Return `size` draws of every rate and effect, each (size,); each depends only on `seed` and its own name.

    Rates per year: `notice` (an ally other than the United States, at neutral cohesion), `command_exit`,
    `command_return`, `us_notice_sympathetic`, `us_notice_other`, `us_drawdown`. Effects on log rates:
    `notice_cohesion` (per sign unit), `notice_sceptic`, `us_notice_burden` (per SD of shortfall). Probabilities:
    `notice_reversed`, `us_notice_succeeds`. Share of troops: `us_drawdown_size`.
    """
    updated = posteriors(priors, tables)
    plain = {name: priors[f"alliance_exit.{name}"] for name in _FROM_PRIORS}
    return {name: _sample(prior, size, seed) for name, prior in {**updated, **plain}.items()}


def samples(priors: Priors, tables: Tables, size: int, seed: int) -> dict[str, xr.DataArray]:
    """Return the draws of `draw` as arrays with dim `sample`, the form that the draws of a fitted model have."""
    draws = draw(priors, tables, size, seed)
    return {name: xr.DataArray(values, dims="sample") for name, values in draws.items()}


def _sample(prior: Prior, size: int, seed: int) -> Floats:
    return prior.sample(generator(seed, prior.name), size)


def posteriors(priors: Priors, tables: Tables) -> dict[str, Prior]:
    """Return the Gamma posteriors of `notice`, `command_exit` and `command_return`, given the tables.

    Member-years of the United States count too. Without them the rate of notice would be a thirtieth higher.
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
    """Return the posterior of a Gamma prior after `events` in `years` of exposure."""
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
    """Return prior and posterior mean and SD of each updated rate, and its contraction 1 - (SD / prior SD)^2."""
    summaries = {}
    for name, after in posteriors(priors, tables).items():
        (shape, rate), (a, b) = priors[f"alliance_exit.{name}"].params, after.params
        summaries[name] = {
            "posterior_mean": a / b,
            "posterior_sd": a**0.5 / b,
            "prior_mean": shape / rate,
            "prior_sd": shape**0.5 / rate,
            "contraction": 1.0 - (a / b**2) / (shape / rate**2),
        }
    return summaries


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """A yearly rate with a Gamma distribution, of each of `units` that are at risk after `delay` years."""

    shape: float
    years: float  # rate parameter of the Gamma distribution: years of exposure
    units: int = 1
    delay: float = 0.0  # years

    def chance(self, years: float) -> float:
        """Return the probability of at least one event within `years`."""
        exposure = self.units * max(years - self.delay, 0.0)
        return float(1.0 - (self.years / (self.years + exposure)) ** self.shape)


def base_rates(priors: Priors, tables: Tables, allies: Collection[str]) -> dict[str, Rate]:
    """Return the rate of each event of the alliance that past years give, without any effect of the model.

    An exit is a notice that is not reversed and takes effect after its year. Events whose rate is judgement have none.
    """
    others = len(set(allies) - {"USA"})
    rates = {
        name: Rate(shape=prior.params[0], years=prior.params[1], units=others)
        for name, prior in posteriors(priors, tables).items()
        if name != "command_return"
    }
    shape, years = priors["alliance_exit.us_drawdown"].params
    a, b = priors["alliance_exit.notice_reversed"].params
    notice = rates["notice"]
    effective = Rate(
        shape=notice.shape,
        years=notice.years * (a + b) / b,
        units=others,
        delay=priors.value("events.notice_quarters") / 4.0,
    )
    return rates | {"exit": effective, "us_drawdown": Rate(shape=shape, years=years)}
