"""The share of a number's variance that is due to priors without data.

Two runs that share those priors, and nothing else, are compared path by path.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.progress import Report
from forecast.projection.batches import with_cells
from forecast.projection.execution import simulate_paths
from forecast.projection.projection import Projection
from forecast.simulation.tallies import SampledPaths

#: Fields of the sampled paths whose share is computed, and those that hold the quarter of an event.
OUTPUTS: Final = ("european", "survival", "measures", "events", "landmarks")
_MOMENTS: Final = ("events", "landmarks")
CELLS_AT_A_TIME: Final = 5  # sampled paths of all cells at once would take too much memory


def judgement_shares(sampled: SampledPaths, second: Projection, report: Report) -> dict[str, Floats]:
    """Simulate a second run, a few cells at a time, and return the shares of variance that it shares with the first.

    Parameters
    ----------
    sampled
        Sampled paths of the first run.
    second
        A projection of the same plan under the second seed.
    report
        Receives the progress.

    Returns
    -------
    dict
        Shares between 0 and 1 of `european` (N, Y), `survival` (N, S, 3, Q), `measures` (N, Q, indices), `events`
        (N, events, Q) and `landmarks` (N, S, landmarks, Q); the last two of whether it has happened by the quarter.
    """
    spec = second.spec
    cells, blocks = spec.static.cells.size, []
    for begin in range(0, cells, CELLS_AT_A_TIME):
        keep = list(range(cells))[begin : begin + CELLS_AT_A_TIME]

        def report_cells(what: str, part: float, keep: list[int] = keep) -> None:
            report(what, (keep[0] + part * len(keep)) / cells)

        _, second_sampled = simulate_paths(with_cells(spec, keep), spec.joint_paths, second.executor, report_cells)
        first_sampled = SampledPaths(*(values[:, begin : begin + CELLS_AT_A_TIME] for values in sampled))
        blocks.append(shared_variance(first_sampled, second_sampled))
    return {name: np.concatenate([shares[name] for shares in blocks]) for name in blocks[0]}


def shared_variance(first: SampledPaths, second: SampledPaths) -> dict[str, Floats]:
    """Return the share of each output's variance that is due to the priors without data, by cell and time.

    Two runs share those priors path by path and nothing else. The correlation of their outputs is then the closed
    first-order Sobol index of that group of priors (Sobol 1993; estimator of Janon et al. 2014).
    """
    shares = {}
    for name in OUTPUTS:  # one cell at a time, because sampled paths are large
        pairs = (_cells(sampled, name) for sampled in (first, second))
        shares[name] = np.stack([_correlation(a, b) for a, b in zip(*pairs, strict=True)])
    return shares


def _cells(sampled: SampledPaths, name: str) -> Iterator[NDArray[Any]]:
    """Yield the sampled values of each cell, (J, ...); of an event, whether it has happened by each quarter."""
    quarters = np.arange(sampled.cohesion.shape[2])
    for values in np.moveaxis(getattr(sampled, name), 1, 0):
        yield values[..., None] <= quarters if name in _MOMENTS else values  # NaN, never, is not below any quarter


def _correlation(a: NDArray[Any], b: NDArray[Any]) -> Floats:
    """Return the correlation over the first axis, with pooled means and variances, clipped to [0, 1]."""
    a, b = a.astype(float), b.astype(float)
    middle = (a.mean(axis=0) + b.mean(axis=0)) / 2
    covariance = ((a - middle) * (b - middle)).mean(axis=0)
    variance = (((a - middle) ** 2 + (b - middle) ** 2) / 2).mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(covariance / variance, 0.0, 1.0)
