"""Check each fit against its own data: leave-one-out densities, PIT values and posterior predictive checks.

Leave-one-out uses Pareto-smoothed importance sampling (`importance_sampling.leave_one_out`). The PIT value of an
observation is its leave-one-out predictive distribution function at the observed value. A check compares a statistic of
the data with the same statistic of replicated data drawn from the fit. All results use about a thousand draws, so only
two digits are meaningful. `inference.arviz_groups` stores the same draws for ArviZ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

from forecast.array_types import Floats
from forecast.constants import STAYED
from forecast.data.leaders import POSITIONS
from forecast.inference.importance_sampling import MAX_PARETO_K, leave_one_out
from forecast.models.cohesion import expected_indicator
from forecast.models.kaplan_meier import contingents_of_mission, contributor_durations, kaplan_meier, share_after
from forecast.models.leadership import log_odds
from forecast.models.spending import Draws, expected_change
from forecast.models.withdrawal import predict_exits, predict_remaining
from forecast.names import INTERVAL, POSTERIOR
from forecast.priors.load import Priors
from forecast.quarters import quarter_clock

DRAWS: Final = 1000  # most posterior draws that are used
STREAM: Final = 0x9D  # of the random numbers, beside the seed of the plan
BINS: Final = 20  # bins of the PIT histogram
_MIN_CONTRIBUTORS: Final = 8  # of a mission that is checked
_YEARS: Final = 3.0  # length of stay at which survival is checked
_RECENT_YEARS: Final = 3  # years of the check of recent changes in spending


@dataclass(frozen=True, kw_only=True, slots=True)
class AgainstData:
    """A fit against its observations.

    Attributes
    ----------
    observed : the observations, (observation,).
    log_likelihood : pointwise log-likelihood, (draw, observation).
    replicated : replicated observations, (draw, observation).
    elpd : log predictive density of each observation without it, (observation,).
    pareto_k : Pareto k of each observation; `elpd` is reliable up to `MAX_PARETO_K`.
    pit : PIT value of each observation; None for discrete data.
    checks : a list of `check`.
    """

    observed: Floats
    log_likelihood: Floats
    replicated: Floats
    elpd: Floats
    pareto_k: Floats
    pit: Floats | None
    checks: list[dict[str, Any]]


def thinned(tree: xr.DataTree) -> xr.Dataset:
    """Return at most `DRAWS` evenly spaced draws of a posterior, dims `chain` and `draw`."""
    posterior = tree[POSTERIOR].to_dataset()
    step = -(-posterior.sizes["chain"] * posterior.sizes["draw"] // DRAWS)
    return posterior.isel(draw=slice(None, None, max(1, step)))


def against_data(
    model: str, draws: xr.Dataset, data: xr.Dataset, priors: Priors, rng: np.random.Generator
) -> AgainstData:
    """Compare draws of a posterior, dims `chain` and `draw`, with the data of the model."""
    if model == "withdrawal":
        return withdrawal(draws, data, priors, rng)
    by_name = {str(name): pooled(values) for name, values in draws.data_vars.items()}
    return {"spending": spending, "leadership": leadership, "cohesion": cohesion}[model](by_name, data, rng)


def replicate(model: str, draws: xr.Dataset, data: xr.Dataset, rng: np.random.Generator) -> Floats:
    """Return one replicated data set for each of these draws, dims `chain` and `draw`; (draw, observation)."""
    if model == "withdrawal":
        return _stays(draws, data, rng)
    by_name = {str(name): pooled(values) for name, values in draws.data_vars.items()}
    return {"spending": _changes, "leadership": _turnovers, "cohesion": _indicators}[model](by_name, data, rng)


def pooled(values: xr.DataArray) -> Floats:
    """Return draws with all chains joined, (draw, ...)."""
    array = values.transpose("chain", "draw", ...).to_numpy()
    return np.asarray(array.reshape(-1, *array.shape[2:]))


def summary(found: AgainstData) -> dict[str, Any]:
    """Return the results that are stored with a fit.

    Returns
    -------
    `loo` (sums over observations), `pit` (counts in 20 bins; None for discrete data) and `checks`.
    """
    elpd, k = found.elpd, found.pareto_k
    within = np.logaddexp.reduce(found.log_likelihood, axis=0) - np.log(len(found.log_likelihood))
    return {
        "loo": {
            "observations": elpd.size,
            "elpd": float(elpd.sum()),
            "se": float(elpd.std() * np.sqrt(elpd.size)),
            "parameters": float((within - elpd).sum()),
            "far": int((k > MAX_PARETO_K).sum()),
            "largest_k": float(k.max()),
        },
        "pit": None if found.pit is None else np.histogram(found.pit, BINS, (0.0, 1.0))[0].tolist(),
        "checks": found.checks,
    }


def spending(p: Draws, panel: xr.Dataset, rng: np.random.Generator) -> AgainstData:
    """Check yearly changes of the log share of GDP; statistics in percent."""
    expected, scale = expected_change(p, panel)
    observed, nu = panel["change"].to_numpy(), p["tails"][:, panel["country_of"].to_numpy()]
    replicated = _changes(p, panel, rng)
    year = panel["year_of"].to_numpy()
    counts, last = np.bincount(year), year >= panel.sizes["year"] - _RECENT_YEARS
    statistics: dict[str, Callable[[Floats], Floats]] = {
        "standard deviation of a year's change, %": lambda x: 100 * x.std(axis=-1),
        "changes beyond 10 %, % of all": lambda x: 100 * (np.abs(x) > 0.1).mean(axis=-1),
        "largest rise in a year, %": lambda x: 100 * np.expm1(x.max(axis=-1)),
        "largest fall in a year, %": lambda x: 100 * np.expm1(x.min(axis=-1)),
        "spread of the years' means, %": lambda x: 100 * (_sums(x, year) / counts).std(axis=-1),
        "mean change of the last three years, %": lambda x: 100 * x[..., last].mean(axis=-1),
    }
    checks = [check(what, f(observed), f(replicated)) for what, f in statistics.items()]
    from scipy import stats  # takes a second and 50 MiB to load

    density, cdf = (f(observed, nu, expected, scale) for f in (stats.t.logpdf, stats.t.cdf))
    return left_out(observed, density, replicated, checks, cdf=cdf)


def _changes(p: Draws, panel: xr.Dataset, rng: np.random.Generator) -> Floats:
    expected, scale = expected_change(p, panel)
    return np.asarray(expected + scale * rng.standard_t(p["tails"][:, panel["country_of"].to_numpy()]))


def leadership(p: Draws, data: xr.Dataset, rng: np.random.Generator) -> AgainstData:
    """Check changes of leader by position of the quarter in the electoral calendar."""
    odds, observed = log_odds(p, data), data["change"].to_numpy().astype(float)
    replicated = _turnovers(p, data, rng)
    near = {name: data[name].to_numpy() > 0 for name in POSITIONS}
    after = near["after"] & ~near["election"]
    positions = {
        "with an election": near["election"],
        "after one that brought in the leader": after & near["after_new"],
        "after one, the leader being barred from it": after & near["limited"],
        "after one, the leader being an earlier one who could stand": after & ~near["after_new"] & ~near["limited"],
        "in the half-year before one": near["before"] & ~near["election"] & ~near["after"],
        "far from any": ~near["election"] & ~near["after"] & ~near["before"],
    }
    checks = [
        check(
            f"changes in {quarters.sum():,} quarters {position}",
            observed[quarters].sum(),
            replicated[:, quarters].sum(axis=1),
        )
        for position, quarters in positions.items()
    ]
    counts = [_sums(x, data["country_of"].to_numpy()) for x in (observed, replicated)]
    checks += [
        check("changes in the most restless country", *(x.max(axis=-1) for x in counts)),
        check("changes in the calmest country", *(x.min(axis=-1) for x in counts)),
    ]
    # quarters with equal covariates and outcome have equal leave-one-out results, so each kind is computed once
    covariates = np.stack([data[n].to_numpy() for n in (*near, "country_of", "bin_of", "change")])
    kinds = np.unique(covariates, axis=1, return_index=True, return_inverse=True)[1:]
    log_likelihood = -np.logaddexp(0.0, -(2.0 * observed - 1.0) * odds)
    return left_out(observed, log_likelihood, replicated, checks, kinds=kinds)


def _turnovers(p: Draws, data: xr.Dataset, rng: np.random.Generator) -> Floats:
    odds = log_odds(p, data)
    return np.asarray(rng.random(odds.shape) < expit(odds), dtype=float)


def withdrawal(draws: xr.Dataset, spells: xr.Dataset, priors: Priors, rng: np.random.Generator) -> AgainstData:
    """Check the stay of each contingent, in years; statistic: the share that stays three years, by mission.

    A replicated stay ends where the record of the contingent ends, if it has not ended before: at its last observation
    if it was still there, else at the as-of date.
    """
    from forecast.inference.pymc_models.withdrawal import spell_log_likelihood

    log_likelihood = spell_log_likelihood(spells, priors, draws)
    checks = []
    for mission in (str(m) for m in spells["mission"].values):
        stays = contributor_durations(spells, mission)
        if stays["country"].nunique() >= _MIN_CONTRIBUTORS and stays["years"].max() >= _YEARS:
            observed = share_after(kaplan_meier(stays), [_YEARS])[0]
            replicated = predict_remaining(draws, spells, mission, [_YEARS], rng, new_mission=False)[:, 0]
            what = f"{mission}: contributors there after three years, %"
            checks.append(check(what, 100 * observed, 100 * replicated))
    entry, end = spells["entry"].to_numpy(), spells["end"].to_numpy()
    return left_out(
        (end - entry) / 4.0,
        log_likelihood.reshape(-1, log_likelihood.shape[-1]),
        _stays(draws, spells, rng),
        checks,
    )


def _stays(draws: xr.Dataset, spells: xr.Dataset, rng: np.random.Generator) -> Floats:
    """Return the years until each contingent leaves or its record ends, (draw, spell)."""
    as_of = quarter_clock(pd.Series([pd.Timestamp(spells.attrs["as_of"])]))
    ends = np.where(spells["kind"].to_numpy() == STAYED, spells["end"].to_numpy(), as_of)
    replicated = np.empty((draws.sizes["chain"] * draws.sizes["draw"], ends.size))
    for mission in (str(m) for m in spells["mission"].values):
        rows = contingents_of_mission(spells, mission)
        span = (-np.inf, int(np.floor(ends[rows].max())))
        replicated[:, rows] = predict_exits(draws, spells, mission, span, rng, new_mission=False)
    return np.asarray(np.minimum(replicated, ends) - spells["entry"].to_numpy()) / 4.0


def cohesion(p: Draws, panel: xr.Dataset, rng: np.random.Generator) -> AgainstData:
    """Check the cohesion indicators, in their standardised units."""
    expected, scale = expected_indicator(p, panel)
    j = panel["indicator_of"].to_numpy()
    observed = panel["value"].to_numpy()
    replicated = _indicators(p, panel, rng)
    names = [str(name).replace("_", " ") for name in panel["indicator"].values]
    checks = [
        check(f"{name}: spread over the years", observed[j == k].std(), replicated[:, j == k].std(axis=1))
        for k, name in enumerate(names)
    ]
    from scipy import stats  # takes a second and 50 MiB to load

    density, cdf = (f(observed, expected, scale) for f in (stats.norm.logpdf, stats.norm.cdf))
    return left_out(observed, density, replicated, checks, cdf=cdf)


def _indicators(p: Draws, panel: xr.Dataset, rng: np.random.Generator) -> Floats:
    expected, scale = expected_indicator(p, panel)
    return np.asarray(expected + scale * rng.standard_normal(expected.shape))


def left_out(
    observed: Floats,
    log_likelihood: Floats,
    replicated: Floats,
    checks: list[dict[str, Any]],
    *,
    cdf: Floats | None = None,
    kinds: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> AgainstData:
    """Return a fit against its observations, with each observation left out in turn.

    Parameters
    ----------
    observed, log_likelihood, replicated, checks : as in `AgainstData`.
    cdf : distribution function of each draw at the observed value, (draw, observation); None for discrete data.
    kinds : one observation of each kind of equal observations, and the kind of each observation; None if all differ.
    """
    size = len(observed)
    first, kind = kinds or (np.arange(size), np.arange(size))
    elpd, k, log_weights = leave_one_out(log_likelihood[None, :, first])
    pit = None if cdf is None else np.array([np.exp(log_weights[n]) @ cdf[:, n] for n in range(size)])
    return AgainstData(
        observed=observed,
        log_likelihood=log_likelihood,
        replicated=replicated,
        elpd=elpd[kind],
        pareto_k=k[kind],
        pit=pit,
        checks=checks,
    )


def check(what: str, observed: Any, replicated: Floats) -> dict[str, Any]:
    """Return a statistic of the data with its distribution over replicated data.

    `p` is the share of replicated values at or above the observed one. Equal values count half, so `p` is about 0.5
    where a whole number is as expected.
    """
    tail = (1.0 - INTERVAL) / 2
    lower, median, upper = np.quantile(replicated, (tail, 0.5, 1.0 - tail))
    share = (replicated > observed).mean() + 0.5 * (replicated == observed).mean()
    numbers = {"seen": observed, "lower": lower, "median": median, "upper": upper, "p": share}
    return {"what": what, **{name: float(x) for name, x in numbers.items()}}


def _sums(values: Floats, group: NDArray[np.int64]) -> Floats:
    """Return the sums of `values` by group along the last axis."""
    return np.asarray(values @ np.eye(group.max() + 1)[group])
