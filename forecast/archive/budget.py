"""Uncertainty budget: the shares of a headline's variance that come from scenario, judgement, parameters and chance.

Every parameter draw gives three paths in each scenario: a; b with the same draw and other shocks; and c with the same
priors without data, but another posterior draw and other shocks. Averaged over the scenarios with their weights,

- scenario: the variance between the means of the scenarios;
- judgement: the variance that the priors without data explain, var(a) - E[(a - c)^2] / 2;
- parameters: what the posterior draws explain beyond these, E[(a - c)^2] / 2 - E[(a - b)^2] / 2;
- chance: the rest, which no knowledge of parameters removes, E[(a - b)^2] / 2.

The shares sum to 1. Sources: Jansen 1999, Computer Physics Communications 117; the errors are a jackknife over draws
(Efron and Stein 1981, Annals of Statistics 9).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast.archive.headline_values import Kind, kinds_of, on_paths
from forecast.archive.more_paths import specifications, unchanged_inputs
from forecast.archive.weighted_paths import simulated_values, used_scenarios
from forecast.array_types import Floats
from forecast.errors import RunError
from forecast.priors.weights import ScenarioWeights
from forecast.progress import Stages
from forecast.projection.execution import Executor
from forecast.random_streams import second_seed
from forecast.storage.runs import Run

SOURCES: Final = ("scenario", "judgement", "parameters", "chance")
FEWEST: Final = 30  # draws; with fewer, the error of a share is itself unknown


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """The budget of one headline.

    Attributes
    ----------
    kind : the headline.
    sd : standard deviation of the forecast over paths and scenarios, in the unit of the headline.
    shares, errors : share of variance of each of `SOURCES`, and its standard error; NaN without variance.
    draws : number of parameter draws that they rest on, each with three paths in each scenario.
    """

    kind: Kind
    sd: float
    shares: Floats
    errors: Floats
    draws: int


def budgets(
    home: Path, run: Run, weights: ScenarioWeights, draws: int, stages: Stages, executor: Executor
) -> list[Budget]:
    """Simulate the paths of a budget and return that of every headline.

    Parameters
    ----------
    home : folder of the workspace; its tables and priors must be as in the run.
    run : whole run.
    weights : weights of the scenarios; in a single scenario, the share of the scenario is 0.
    draws : number of parameter draws, at most as many as the run has.
    stages : receives the progress.
    executor : where paths are simulated.

    Raises
    ------
    RunError
        If the inputs cannot be restored, the models or the simulation have changed since the run, or
        there are too few draws.
    """
    of_run = run.manifest["plan"]["draws"]
    if not FEWEST <= draws <= of_run:
        raise RunError(f"budget: {draws} draws, expected {FEWEST} to {of_run}, the number of the run; change --draws")
    inputs = unchanged_inputs(home, run)
    specification, kinds, used = specifications(run, inputs, executor), kinds_of(run.headlines), used_scenarios(weights)

    def read(joint: xr.Dataset) -> Floats:
        return np.stack([on_paths(kind, joint) for kind in kinds], axis=-1)

    numbers, seed = np.arange(draws), inputs.plan.seed
    first, second = specification(seed), specification(second_seed(seed))
    legs = [
        simulated_values(spec, inputs.roster, used, places, read, stages, executor)
        for spec, places in ((first, numbers), (first, numbers + of_run), (second, numbers))
    ]
    values = np.stack(legs)
    found = []
    for k, kind in enumerate(kinds):
        variance, shares, errors = variance_shares(values[..., k], used.weights)
        found.append(Budget(kind=kind, sd=float(np.sqrt(variance)), shares=shares, errors=errors, draws=draws))
    return found


def variance_shares(values: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
    """Return the variance, the share of each of `SOURCES`, and the standard errors of the shares.

    Parameters
    ----------
    values : of the three paths of each draw, (3, draw, N): the first; same draw; same judgement.
    weights : of the scenarios, (N,).
    """
    centre = values.mean(axis=(0, 1))
    a, b, c = values - centre  # so that sums of squares keep their precision
    of_draws = np.stack(
        [(a + b + c) / 3, (a**2 + b**2 + c**2) / 3, (a - b) ** 2 / 2, ((a - c) ** 2 + (b - c) ** 2) / 4]
    )
    sums, size = of_draws.sum(axis=1), a.shape[0]
    variance, shares = _shares(sums / size, centre, weights)
    left_out = _shares((sums[:, None] - of_draws) / (size - 1), centre, weights)[1]
    errors = np.sqrt((size - 1) / size * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    return float(variance), _whole(shares), errors


def _shares(moments: Floats, centre: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return variances (...) and shares (..., 4), which may be negative, from means over draws, (4, ..., N)."""
    mean, square, same_draw, same_judgement = moments
    means = centre + mean
    between = ((means - (means @ weights)[..., None]) ** 2) @ weights
    within, chance, but_judgement = (square - mean**2) @ weights, same_draw @ weights, same_judgement @ weights
    variance = between + within
    parts = np.stack([between, within - but_judgement, but_judgement - chance, chance], axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return variance, parts / np.asarray(variance)[..., None]


def _whole(shares: Floats) -> Floats:
    """Return shares that are not negative and sum to 1, by moving the cumulative shares as little as that needs."""
    if not np.isfinite(shares).all():
        return shares
    ends = np.maximum.accumulate(np.clip(np.cumsum(shares)[:-1], shares[0], 1.0))
    return np.diff(ends, prepend=0.0, append=1.0)


def budget_rows(found: Sequence[Budget]) -> list[dict[str, Any]]:
    """Return one plain record for each headline, for JSON and tables; a share without variance is None."""
    return [
        {
            "headline": one.kind.name,
            "sd": one.sd,
            **{source: _number(share) for source, share in zip(SOURCES, one.shares, strict=True)},
            **{f"{source}_error": _number(error) for source, error in zip(SOURCES, one.errors, strict=True)},
            "draws": one.draws,
        }
        for one in found
    ]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
