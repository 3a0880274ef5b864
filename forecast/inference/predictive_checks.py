"""Check each fit against its own data: leave-one-out densities, PIT values and posterior predictive checks.

Leave-one-out uses Pareto-smoothed importance sampling (`importance_sampling.leave_one_out`). The PIT value of an
observation is its leave-one-out predictive distribution function at the observed value. A check compares a statistic of
the data with the same statistic of replicated data drawn from the fit. All results use about a thousand draws, so only
two digits are meaningful.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from forecast.array_types import Floats
from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.deployments import mission_spells
from forecast.data.leaders import POSITIONS, leader_quarters
from forecast.data.spending import spending_panel
from forecast.data.tables import Tables
from forecast.inference.draws import draws_by_name
from forecast.inference.importance_sampling import MAX_PARETO_K, leave_one_out
from forecast.models.cohesion import expected_indicator
from forecast.models.kaplan_meier import contributor_durations, kaplan_meier, share_after
from forecast.models.leadership import log_odds
from forecast.models.spending import Draws, expected_change
from forecast.models.withdrawal import predict_remaining
from forecast.names import INTERVAL, POSTERIOR
from forecast.priors.load import Priors

DRAWS: Final = 1000  # posterior draws that are used
BINS: Final = 20  # bins of the PIT histogram
_MIN_CONTRIBUTORS: Final = 8  # of a mission that is checked
_YEARS: Final = 3.0  # length of stay at which survival is checked
_RECENT_YEARS: Final = 3  # years of the check of recent changes in spending


def predictive(model: str, tree: xr.DataTree, tables: Tables, priors: Priors, seed: int) -> dict[str, Any]:
    """Return the results that are stored with a fit.

    Returns
    -------
    `loo` (sums over observations), `pit` (counts in 20 bins; None for discrete data) and `checks` (a list of `check`).
    """
    rng = np.random.default_rng((seed, 0x9D))
    if model == "withdrawal":
        return withdrawal(tree, mission_spells(tables, priors), priors, rng)
    draws = _thinned(tree, rng)
    if model == "spending":
        return spending(draws, spending_panel(tables, priors), rng)
    if model == "leadership":
        return leadership(draws, leader_quarters(tables), rng)
    return cohesion(draws, indicator_panel(tables, priors.grid), rng)


def _thinned(tree: xr.DataTree, rng: np.random.Generator) -> dict[str, Floats]:
    """Return `DRAWS` draws by name, (draw, ...)."""
    return {name: x.to_numpy() for name, x in draws_by_name(tree, DRAWS, rng).items()}


def spending(p: Draws, panel: xr.Dataset, rng: np.random.Generator) -> dict[str, Any]:
    """Check yearly changes of the log share of GDP; statistics in percent."""
    expected, scale = expected_change(p, panel)
    observed, nu = panel["change"].to_numpy(), p["tails"][:, panel["country_of"].to_numpy()]
    replicated = expected + scale * rng.standard_t(nu)
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
    return {
        **loo_and_pit(stats.t.logpdf(observed, nu, expected, scale), stats.t.cdf(observed, nu, expected, scale)),
        "checks": [check(what, f(observed), f(replicated)) for what, f in statistics.items()],
    }


def leadership(p: Draws, data: xr.Dataset, rng: np.random.Generator) -> dict[str, Any]:
    """Check changes of leader by position of the quarter in the electoral calendar."""
    odds, observed = log_odds(p, data), data["change"].to_numpy().astype(float)
    replicated = (rng.random(odds.shape) < expit(odds)).astype(float)
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
    kinds = np.stack([data[n].to_numpy() for n in (*near, "country_of", "bin_of", "change")])
    _, first, times = np.unique(kinds, axis=1, return_index=True, return_counts=True)
    log_likelihood = -np.logaddexp(0.0, -(2.0 * observed - 1.0) * odds)[:, first]
    return {**loo_and_pit(log_likelihood, times=times), "checks": checks}


def withdrawal(tree: xr.DataTree, spells: xr.Dataset, priors: Priors, rng: np.random.Generator) -> dict[str, Any]:
    """Check stay and exit of each contingent; statistic: the share that stays three years, by mission."""
    from forecast.inference.pymc_models.withdrawal import spell_log_likelihood

    posterior = tree[POSTERIOR].to_dataset()
    step = max(1, posterior.sizes["chain"] * posterior.sizes["draw"] // DRAWS)
    thinned = posterior.isel(draw=slice(None, None, step))
    log_likelihood = spell_log_likelihood(spells, priors, thinned)
    checks = []
    for mission in (str(m) for m in spells["mission"].values):
        stays = contributor_durations(spells, mission)
        if stays["country"].nunique() >= _MIN_CONTRIBUTORS and stays["years"].max() >= _YEARS:
            observed = share_after(kaplan_meier(stays), [_YEARS])[0]
            replicated = predict_remaining(thinned, spells, mission, [_YEARS], rng, new_mission=False)[:, 0]
            what = f"{mission}: contributors there after three years, %"
            checks.append(check(what, 100 * observed, 100 * replicated))
    return {
        **loo_and_pit(log_likelihood.reshape(-1, log_likelihood.shape[-1])),
        "checks": checks,
    }


def cohesion(p: Draws, panel: xr.Dataset, rng: np.random.Generator) -> dict[str, Any]:
    """Check the cohesion indicators, in their standardised units."""
    expected, scale = expected_indicator(p, panel)
    j = panel["indicator_of"].to_numpy()
    observed = panel["value"].to_numpy()
    replicated = expected + scale * rng.standard_normal(expected.shape)
    names = [str(name).replace("_", " ") for name in panel["indicator"].values]
    checks = [
        check(f"{name}: spread over the years", observed[j == k].std(), replicated[:, j == k].std(axis=1))
        for k, name in enumerate(names)
    ]
    return {
        **loo_and_pit(stats.norm.logpdf(observed, expected, scale), stats.norm.cdf(observed, expected, scale)),
        "checks": checks,
    }


def loo_and_pit(log_likelihood: Floats, cdf: Floats | None = None, times: Any = 1) -> dict[str, Any]:
    """Return leave-one-out sums and the PIT histogram.

    Parameters
    ----------
    log_likelihood
        Pointwise log-likelihood of independent draws, (draw, observation).
    cdf
        Distribution function of each draw at the observed value, (draw, observation); None for discrete data.
    times
        How often each observation occurs, (observation,).
    """
    size = log_likelihood.shape[1]
    elpd, k, log_weights = leave_one_out(log_likelihood[None])
    within = np.logaddexp.reduce(log_likelihood, axis=0) - np.log(len(log_likelihood))
    times = np.broadcast_to(times, size)
    repeated = np.repeat(elpd, times)
    pit = None if cdf is None else [np.exp(log_weights[n]) @ cdf[:, n] for n in range(size)]
    return {
        "loo": {
            "observations": repeated.size,
            "elpd": float(repeated.sum()),
            "se": float(repeated.std() * np.sqrt(repeated.size)),
            "parameters": float((times * (within - elpd)).sum()),
            "far": int(times[k > MAX_PARETO_K].sum()),
            "largest_k": float(k.max()),
        },
        "pit": None if pit is None else np.histogram(pit, BINS, (0.0, 1.0))[0].tolist(),
    }


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
