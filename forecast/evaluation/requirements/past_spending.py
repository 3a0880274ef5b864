"""Simulate the spending of the allies of 1989 over the ten years after the Cold War, from the fitted spending model."""

from typing import Final

import numpy as np
import pandas as pd

from forecast.array_types import Floats
from forecast.constants import COMMON_TAILS
from forecast.evaluation.requirements.experiment import Experiment
from forecast.random_streams import generator
from forecast.simulation.rules import common, spending

_FIRST: Final = 1989  # year of the first level
_LAST: Final = 1999  # year of the last level


def after_the_cold_war(experiment: Experiment) -> Floats:
    """Return the mean yearly change of the log share of the European allies of 1989, (draw,), in log points.

    Each ally starts from its share in 1989 and has the growth that it had (its usual growth where the tables have
    none). The common factor and the volatility start from their stationary distributions, because the fit starts in
    1995. There was no pledge.
    """
    tables, samples = experiment.inputs.tables, experiment.samples["spending"]
    levels = tables.defence_spending.query(f"basis == 'wdi' and year == {_FIRST}").set_index("country")["share_gdp"]
    fitted = set(map(str, samples["target"]["country"].values)) - {"USA", "CAN"}
    allies = [c for c in levels.index if c in fitted and _was_ally(experiment, c)]
    target, pull, loading, scale, tails = (samples[name].sel(country=allies).values for name in _BY_COUNTRY)
    p = {name: samples[name].values[:, None] for name in _SCALARS}
    rng = generator(experiment.inputs.plan.seed, "after the cold war")
    size = len(target)
    factor = p["factor_scale"] * rng.standard_t(COMMON_TAILS, (size, 1))
    volatility = p["volatility_sd"] * rng.normal(size=(size, 1))
    start = np.log(levels.loc[allies].to_numpy(float))
    share = np.broadcast_to(start, target.shape)
    growth = tables.economy.pivot(index="year", columns="country", values="gdp_growth") / 100.0
    usual = experiment.inputs.priors.value("spending.growth_mean")
    for year in range(_FIRST + 1, _LAST + 1):
        before, known = growth.reindex(index=[year - 1, year], columns=allies).fillna(usual).to_numpy()
        step = spending.innovation_scale(p["factor_scale"], p["factor_phi"])
        factor = common.autoregress(factor, 0.0, p["factor_phi"], step, rng.standard_t(COMMON_TAILS, (size, 1)))
        step = spending.innovation_scale(p["volatility_sd"], p["volatility_phi"])
        volatility = common.autoregress(volatility, 0.0, p["volatility_phi"], step, rng.normal(size=(size, 1)))
        change = spending.spending_change(
            share,
            target,
            pull,
            loading,
            factor,
            0.0,
            0.0,
            0.0,
            0.0,
            p["growth"],
            spending.centred_growth(known),
            p["growth_lag"],
            spending.centred_growth(before),
            p["election"],
            0.25,
        )
        share = share + change + spending.spread(scale, volatility) * rng.standard_t(tails, share.shape)
    return np.asarray((share - start).mean(axis=1) / (_LAST - _FIRST))


_BY_COUNTRY: Final = ("target", "pull", "loading", "scale", "tails")
_SCALARS: Final = (
    "growth",
    "growth_lag",
    "election",
    "factor_phi",
    "factor_scale",
    "volatility_phi",
    "volatility_sd",
)


def _was_ally(experiment: Experiment, country: str) -> bool:
    return bool(experiment.inputs.tables.was_ally(pd.Series([country]), pd.Series([_FIRST])).iloc[0])
