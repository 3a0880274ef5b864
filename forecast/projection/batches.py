"""A simulation: its inputs, and the batches of paths into which it is split.

A thread or a worker of a cluster simulates one batch on its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.buffers import empty_sampled_paths, empty_tally, new_path_state, new_shocks
from forecast.simulation.tallies import SampledPaths, Tally

STRIDE: Final = 250  # paths between two reports of progress

Paths = NDArray[np.int64]  # numbers of paths, ascending


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationSpec:
    """Everything that all batches of a simulation share.

    Parameters
    ----------
    static
        The plan, tables and constants as the arrays of the kernel, with N cells.
    draws
        P draws of every parameter; row p serves the paths p, p + P, p + 2 P, ...
    quarters
        Length of the simulation.
    joint_paths
        The paths with numbers below this are also stored quarter by quarter.
    seed
        Seed of all shocks.
    """

    static: StaticInputs
    draws: Draws
    quarters: int
    joint_paths: int
    seed: int


def split_paths(paths: Paths, size: int) -> list[Paths]:
    """Split paths into batches of at most `size`."""
    return [paths[first : first + size] for first in range(0, len(paths), size)]


def select_cells(static: StaticInputs, draws: Draws, keep: list[int]) -> tuple[StaticInputs, Draws]:
    """Return the inputs with only the cells at the positions `keep`."""
    return (
        static._replace(cells=static.cells[keep].copy()),
        draws._replace(cells=draws.cells[:, keep].copy(), dyad_cells=draws.dyad_cells[:, keep].copy()),
    )


def with_cells(spec: SimulationSpec, keep: list[int]) -> SimulationSpec:
    """Return the specification with only the cells at the positions `keep`."""
    static, draws = select_cells(spec.static, spec.draws, keep)
    return replace(spec, static=static, draws=draws)


def never_stop(paths: int) -> bool:
    """Return False: simulate the whole batch."""
    return False


def simulate_batch(
    spec: SimulationSpec, batch: Paths, stop_after: Callable[[int], bool] = never_stop
) -> tuple[Tally, SampledPaths]:
    """Simulate one batch and return its tally, not yet settled, and its sampled paths.

    `stop_after` receives the number of paths just simulated and returns True to stop early.
    """
    from forecast.simulation.kernel import simulate

    static, quarters = spec.static, spec.quarters
    tally = empty_tally(static, quarters)
    sampled = empty_sampled_paths(static, quarters, int(np.sum(batch < spec.joint_paths)))
    shocks, path_state = new_shocks(static, quarters), new_path_state(static, quarters)
    for first in range(0, len(batch), STRIDE):
        stride = batch[first : first + STRIDE]
        remaining = SampledPaths(*(values[first:] for values in sampled))
        simulate(stride, spec.seed, static, spec.draws, shocks, path_state, tally, remaining)
        if stop_after(len(stride)):
            break
    return tally, sampled
