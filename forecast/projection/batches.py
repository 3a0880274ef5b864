"""One part of a projection: numbered paths, and the tally that they share.

A thread or a worker of a cluster lives through a part on its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecast.simulation.arrays import Draws, Layout
from forecast.simulation.buffers import empty_joint, empty_tally, new_luck, new_world
from forecast.simulation.tallies import Joint, Tally

STRIDE: Final = 250  # paths between two reports of progress

Paths = NDArray[np.int64]  # numbers of paths, ascending


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What all parts of a projection share; the paths below `joint_paths` are kept whole."""

    layout: Layout
    draws: Draws
    quarters: int
    joint_paths: int
    seed: int


def cut(paths: Paths, size: int) -> list[Paths]:
    """Paths in parts of at most `size`."""
    return [paths[first : first + size] for first in range(0, len(paths), size)]


def some_cells(layout: Layout, draws: Draws, keep: list[int]) -> tuple[Layout, Draws]:
    """Only the cells at these positions."""
    return (
        layout._replace(cells=layout.cells[keep].copy()),
        draws._replace(cells=draws.cells[:, keep].copy(), dyad_cells=draws.dyad_cells[:, keep].copy()),
    )


def with_cells(setting: Setting, keep: list[int]) -> Setting:
    """The same with only the cells at these positions."""
    layout, draws = some_cells(setting.layout, setting.draws, keep)
    return replace(setting, layout=layout, draws=draws)


def live(setting: Setting, part: Paths, told: Callable[[int], bool] = lambda paths: False) -> tuple[Tally, Joint]:
    """Live through one part; `told` hears of the paths that are done, and says whether to stop."""
    from forecast.simulation.kernel import simulate

    layout, quarters = setting.layout, setting.quarters
    tally = empty_tally(layout, quarters)
    whole = empty_joint(layout, quarters, int(np.sum(part < setting.joint_paths)))
    luck, world = new_luck(layout, quarters), new_world(layout, quarters)
    for first in range(0, len(part), STRIDE):
        some = part[first : first + STRIDE]
        rest = Joint(*(paths[first:] for paths in whole))
        simulate(some, setting.seed, layout, setting.draws, luck, world, tally, rest)
        if told(len(some)):
            break
    return tally, whole
