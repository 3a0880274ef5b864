"""One part of a projection: numbered paths, and the tally that they share.

A thread or a worker of a cluster lives through a part on its own.
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
    """What all parts of a projection share; the paths below `joint_paths` are kept whole."""

    layout: StaticInputs
    draws: Draws
    quarters: int
    joint_paths: int
    seed: int


def cut(paths: Paths, size: int) -> list[Paths]:
    """Paths in parts of at most `size`."""
    return [paths[first : first + size] for first in range(0, len(paths), size)]


def some_cells(layout: StaticInputs, draws: Draws, keep: list[int]) -> tuple[StaticInputs, Draws]:
    """Only the cells at these positions."""
    return (
        layout._replace(cells=layout.cells[keep].copy()),
        draws._replace(cells=draws.cells[:, keep].copy(), dyad_cells=draws.dyad_cells[:, keep].copy()),
    )


def with_cells(spec: SimulationSpec, keep: list[int]) -> SimulationSpec:
    """The same with only the cells at these positions."""
    layout, draws = some_cells(spec.layout, spec.draws, keep)
    return replace(spec, layout=layout, draws=draws)


def simulate_batch(
    spec: SimulationSpec, part: Paths, told: Callable[[int], bool] = lambda paths: False
) -> tuple[Tally, SampledPaths]:
    """Live through one part; `told` hears of the paths that are done, and says whether to stop."""
    from forecast.simulation.kernel import simulate

    layout, quarters = spec.layout, spec.quarters
    tally = empty_tally(layout, quarters)
    whole = empty_sampled_paths(layout, quarters, int(np.sum(part < spec.joint_paths)))
    shocks, world = new_shocks(layout, quarters), new_path_state(layout, quarters)
    for first in range(0, len(part), STRIDE):
        some = part[first : first + STRIDE]
        rest = SampledPaths(*(paths[first:] for paths in whole))
        simulate(some, spec.seed, layout, spec.draws, shocks, world, tally, rest)
        if told(len(some)):
            break
    return tally, whole
