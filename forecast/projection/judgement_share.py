"""How much of a number's variance is judgement: two runs that share the beliefs without data, and nothing else."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast.progress import Report
from forecast.projection.batches import SimulationSpec, with_cells
from forecast.projection.execution import simulate_paths
from forecast.simulation.tallies import SampledPaths

CELLS: Final = 5  # whole paths of all cells at once would take much memory


def judgement_shares(
    first: SampledPaths, other: SimulationSpec, *, threads: int, report: Report, dask: str = ""
) -> dict[str, NDArray[np.float64]]:
    """Shares of variance against the whole paths of another run, which is lived through a few cells at a time."""
    size, found = other.layout.cells.size, []
    for begin in range(0, size, CELLS):
        keep = list(range(size))[begin : begin + CELLS]

        def told(what: str, part: float, keep: list[int] = keep) -> None:
            report(what, (keep[0] + part * len(keep)) / size)

        _, second = simulate_paths(with_cells(other, keep), other.joint_paths, threads=threads, report=told, dask=dask)
        found.append(explained(SampledPaths(*(whole[:, begin : begin + CELLS] for whole in first)), second))
    return {name: np.concatenate([shares[name] for shares in found]) for name in found[0]}


def explained(first: SampledPaths, second: SampledPaths) -> dict[str, NDArray[np.float64]]:
    """Share of the variance of each output that the beliefs without data explain, by cell and time.

    Two runs share those beliefs path by path and nothing else; the correlation of their outputs is the closed
    first-order index of that group (Sobol 1993; estimator of Janon et al. 2014).
    """
    found = {}
    for name in ("european", "survival"):  # a cell at a time, for whole paths are large
        pairs = (np.moveaxis(getattr(joint, name), 1, 0) for joint in (first, second))
        found[name] = np.stack([_correlation(a, b) for a, b in zip(*pairs, strict=True)])
    return found


def _correlation(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    a, b = a.astype(float), b.astype(float)
    middle = (a.mean(axis=0) + b.mean(axis=0)) / 2
    covariance = ((a - middle) * (b - middle)).mean(axis=0)
    variance = (((a - middle) ** 2 + (b - middle) ** 2) / 2).mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(covariance / variance, 0.0, 1.0)
