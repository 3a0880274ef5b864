"""How each fitted model sits on the data it saw: leave-one-out, PIT, and what it would have seen in its own terms.

Leave-one-out by Pareto-smoothed importance sampling (Vehtari, Gelman and Gabry 2017, Statistics and Computing 27); the
PIT of an observation is its predictive distribution without it, at what was seen. A check compares a number of the data
with the same number of data that the fit makes up. All from a thousand draws, so digits beyond the second are noise.
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
from forecast.data.leaders import leader_quarters
from forecast.data.spending import spending_panel
from forecast.data.tables import Tables
from forecast.inference.draws import draws_by_name
from forecast.inference.importance_sampling import power_scaled
from forecast.models.cohesion import expected_indicator
from forecast.models.kaplan_meier import contributor_durations, kaplan_meier, share_after
from forecast.models.leadership import log_odds
from forecast.models.spending import Draws, expected_change
from forecast.models.withdrawal import predict_remaining
from forecast.names import INTERVAL, POSTERIOR
from forecast.priors.load import Priors

DRAWS: Final = 1000
BINS: Final = 20  # of the PIT
FAR: Final = 0.7  # Pareto k above which leave-one-out is not to be trusted
_FEWEST: Final = 8  # contributors of a mission that is checked
_YEARS: Final = 3.0  # of stay


def predictive(model: str, tree: xr.DataTree, tables: Tables, priors: Priors, seed: int) -> dict[str, Any]:
    """What a fit is kept with: `loo`, `pit` (counts by twentieth; None for discrete data) and `checks`."""
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
    """Draws by name, (draw, ...)."""
    return {name: x.to_numpy() for name, x in draws_by_name(tree, DRAWS, rng).items()}


def spending(p: Draws, panel: xr.Dataset, rng: np.random.Generator) -> dict[str, Any]:
    """Yearly changes of the log share of GDP, in percent."""
    expected, scale = expected_change(p, panel)
    seen, nu = panel["change"].to_numpy(), p["nu"][:, None]
    made = expected + scale * rng.standard_t(np.broadcast_to(nu, expected.shape))
    year = panel["year_of"].to_numpy()
    years, last = np.bincount(year), year >= panel.sizes["year"] - 3
    number: dict[str, Callable[[Floats], Floats]] = {
        "standard deviation of a year's change, %": lambda x: 100 * x.std(axis=-1),
        "changes beyond 10 %, % of all": lambda x: 100 * (np.abs(x) > 0.1).mean(axis=-1),
        "largest rise in a year, %": lambda x: 100 * np.expm1(x.max(axis=-1)),
        "largest fall in a year, %": lambda x: 100 * np.expm1(x.min(axis=-1)),
        "spread of the years' means, %": lambda x: 100 * (_sums(x, year) / years).std(axis=-1),
        "mean change of the last three years, %": lambda x: 100 * x[..., last].mean(axis=-1),
    }
    return {
        **without_each(stats.t.logpdf(seen, nu, expected, scale), stats.t.cdf(seen, nu, expected, scale)),
        "checks": [check(what, f(seen), f(made)) for what, f in number.items()],
    }


def leadership(p: Draws, data: xr.Dataset, rng: np.random.Generator) -> dict[str, Any]:
    """Changes of leader by the place of the quarter in the calendar of elections."""
    odds, seen = log_odds(p, data), data["change"].to_numpy().astype(float)
    made = (rng.random(odds.shape) < expit(odds)).astype(float)
    near = {name: data[name].to_numpy() > 0 for name in ("election", "after", "before")}
    places = {
        "with an election": near["election"],
        "after one": near["after"] & ~near["election"],
        "in the half-year before one": near["before"] & ~near["election"] & ~near["after"],
        "far from any": ~near["election"] & ~near["after"] & ~near["before"],
    }
    checks = [
        check(
            f"changes in {there.sum():,} quarters {where}",
            seen[there].sum(),
            made[:, there].sum(axis=1),
        )
        for where, there in places.items()
    ]
    counts = [_sums(x, data["country_of"].to_numpy()) for x in (seen, made)]
    checks += [
        check("changes in the most restless country", *(x.max(axis=-1) for x in counts)),
        check("changes in the calmest country", *(x.min(axis=-1) for x in counts)),
    ]
    # quarters alike in all the model sees are left out alike, so each kind is worked out once
    kinds = np.stack([data[n].to_numpy() for n in (*near, "country_of", "bin_of", "change")])
    _, first, times = np.unique(kinds, axis=1, return_index=True, return_counts=True)
    log_likelihood = -np.logaddexp(0.0, -(2.0 * seen - 1.0) * odds)[:, first]
    return {**without_each(log_likelihood, times=times), "checks": checks}


def withdrawal(tree: xr.DataTree, spells: xr.Dataset, priors: Priors, rng: np.random.Generator) -> dict[str, Any]:
    """Each contingent's stay and exit; the share that stays three years, by mission."""
    from forecast.inference.pymc_models.withdrawal import spell_log_likelihood

    posterior = tree[POSTERIOR].to_dataset()
    step = max(1, posterior.sizes["chain"] * posterior.sizes["draw"] // DRAWS)
    few = posterior.isel(draw=slice(None, None, step))
    log_likelihood = spell_log_likelihood(spells, priors, few)
    checks = []
    for mission in (str(m) for m in spells["mission"].values):
        stays = contributor_durations(spells, mission)
        if stays["country"].nunique() >= _FEWEST and stays["years"].max() >= _YEARS:
            counted = share_after(kaplan_meier(stays), [_YEARS])[0]
            made = predict_remaining(few, spells, mission, [_YEARS], rng, new_mission=False)[:, 0]
            what = f"{mission}: contributors there after three years, %"
            checks.append(check(what, 100 * counted, 100 * made))
    return {
        **without_each(log_likelihood.reshape(-1, log_likelihood.shape[-1])),
        "checks": checks,
    }


def cohesion(p: Draws, panel: xr.Dataset, rng: np.random.Generator) -> dict[str, Any]:
    """The indicators, in their own standardised units."""
    expected, scale = expected_indicator(p, panel)
    j = panel["indicator_of"].to_numpy()
    seen = panel["value"].to_numpy()
    made = expected + scale * rng.standard_normal(expected.shape)
    names = [str(name).replace("_", " ") for name in panel["indicator"].values]
    checks = [
        check(f"{name}: spread over the years", seen[j == k].std(), made[:, j == k].std(axis=1))
        for k, name in enumerate(names)
    ]
    return {
        **without_each(stats.norm.logpdf(seen, expected, scale), stats.norm.cdf(seen, expected, scale)),
        "checks": checks,
    }


def without_each(log_likelihood: Floats, chance: Floats | None = None, times: Any = 1) -> dict[str, Any]:
    """Leave-one-out over observations, from (draw, observation), each seen so many `times`.

    `chance` is that of at most what was seen.
    """
    size = log_likelihood.shape[1]
    elpd, k, pit = np.empty(size), np.empty(size), np.empty(size)
    for n in range(size):
        # to leave an observation out is to raise its likelihood to the power 0
        log_weights, k[n] = power_scaled(log_likelihood[:, n], 0.0)
        elpd[n] = np.logaddexp.reduce(log_weights + log_likelihood[:, n])
        if chance is not None:
            pit[n] = np.exp(log_weights) @ chance[:, n]
    within = np.logaddexp.reduce(log_likelihood, axis=0) - np.log(len(log_likelihood))
    times = np.broadcast_to(times, size)
    every = np.repeat(elpd, times)
    return {
        "loo": {
            "observations": every.size,
            "elpd": float(every.sum()),
            "se": float(every.std() * np.sqrt(every.size)),
            "parameters": float((times * (within - elpd)).sum()),
            "far": int(times[k > FAR].sum()),
            "largest_k": float(k.max()),
        },
        "pit": None if chance is None else np.histogram(pit, BINS, (0.0, 1.0))[0].tolist(),
    }


def check(what: str, seen: Any, made: Floats) -> dict[str, Any]:
    """A number of the data beside its distribution over made-up data; `p` is the share of those at or above it.

    Of equal ones half count, so that `p` is about .5 where a whole number is as expected.
    """
    tail = (1.0 - INTERVAL) / 2
    lower, median, upper = np.quantile(made, (tail, 0.5, 1.0 - tail))
    share = (made > seen).mean() + 0.5 * (made == seen).mean()
    numbers = {"seen": seen, "lower": lower, "median": median, "upper": upper, "p": share}
    return {"what": what, **{name: float(x) for name, x in numbers.items()}}


def _sums(values: Floats, group: NDArray[np.int64]) -> Floats:
    """The sum of each group along the last axis."""
    return np.asarray(values @ np.eye(group.max() + 1)[group])
