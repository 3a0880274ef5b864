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

    The shares have standard errors: with few sampled paths they are large.

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
        The standard error of each has its name with `_error`.
    """
    spec = second.spec
    cells, blocks = spec.static.cells.size, []
    for begin in range(0, cells, CELLS_AT_A_TIME):
        keep = list(range(cells))[begin : begin + CELLS_AT_A_TIME]

        def report_cells(what: str, part: float, keep: list[int] = keep) -> None:
            report(what, (keep[0] + part * len(keep)) / cells)

        _, second_sampled = simulate_paths(with_cells(spec, keep), spec.joint_paths, second.executor, report_cells)
        first_sampled = SampledPaths(*(values[:, begin : begin + CELLS_AT_A_TIME] for values in sampled))
        blocks.append(shared_variance(first_sampled, second_sampled, spec.draws.parameters.size))
    return {name: np.concatenate([shares[name] for shares in blocks]) for name in blocks[0]}


def shared_variance(first: SampledPaths, second: SampledPaths, draws: int) -> dict[str, Floats]:
    """Return the share of each output's variance that is due to the priors without data, by cell and time.

    Two runs share those priors path by path and nothing else. The correlation of their outputs is then the closed
    first-order Sobol index of that group of priors (Sobol 1993; estimator of Janon et al. 2014). The standard error of
    a share, under the name of the output with `_error`, comes from the influence of each parameter draw. `draws` is
    the number of draws: path p has the draw p modulo this number.
    """
    shares = {}
    for name in OUTPUTS:  # one cell at a time, because sampled paths are large
        pairs = (_cells(sampled, name) for sampled in (first, second))
        found = [_correlation(a, b, draws) for a, b in zip(*pairs, strict=True)]
        shares[name], shares[f"{name}_error"] = (np.stack(parts) for parts in zip(*found, strict=True))
    return shares


def unknown_shares(sampled: SampledPaths) -> dict[str, Floats]:
    """Return NaN for every share, and its error, that `judgement_shares` would give."""
    shares = {
        name: np.stack([np.full(values.shape[1:], np.nan) for values in _cells(sampled, name)]) for name in OUTPUTS
    }
    return shares | {f"{name}_error": values for name, values in shares.items()}


def _cells(sampled: SampledPaths, name: str) -> Iterator[NDArray[Any]]:
    """Yield the sampled values of each cell, (J, ...); of an event, whether it has happened by each quarter."""
    quarters = np.arange(sampled.cohesion.shape[2])
    for values in np.moveaxis(getattr(sampled, name), 1, 0):
        yield values[..., None] <= quarters if name in _MOMENTS else values  # NaN, never, is not below any quarter


def _correlation(a: NDArray[Any], b: NDArray[Any], draws: int) -> tuple[Floats, Floats]:
    """Return the correlation over the first axis, with pooled means and variances, in [0, 1], and its error."""
    a, b = a.astype(float), b.astype(float)
    middle = (a.mean(axis=0) + b.mean(axis=0)) / 2
    product = (a - middle) * (b - middle)
    square = ((a - middle) ** 2 + (b - middle) ** 2) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        share = product.mean(axis=0) / square.mean(axis=0)
        influence = (product - share * square) / square.mean(axis=0)
    by_draw = influence[:draws].copy()
    for begin in range(draws, len(influence), draws):
        more = influence[begin : begin + draws]
        by_draw[: len(more)] += more
    correction = len(by_draw) / max(len(by_draw) - 1, 1)
    error = np.sqrt((by_draw**2).sum(axis=0) * correction) / len(influence)
    return np.clip(share, 0.0, 1.0), error
