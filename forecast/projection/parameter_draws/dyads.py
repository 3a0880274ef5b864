"""Draws of the parameters of the dyads, as the records of the kernel.

`priors/dyads.toml` alone describes the dyads, so a new dyad needs no code.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from forecast.array_types import Floats
from forecast.constants import QUARTERS_PER_YEAR
from forecast.priors.load import Priors
from forecast.simulation import records as state
from forecast.simulation.records import records
from forecast.workspace.roster import Roster


def dyad_draws(draw: Callable[[str], Floats], priors: Priors, roster: Roster, size: int) -> tuple[Any, Any]:
    """Return the parameters of the dyads (P, D) and of their common outlook (P,).

    Parameters
    ----------
    draw
        Returns the draws of a prior by its name, (P,).
    priors
        Priors, with one table for each dyad.
    roster
        Labels of all axes.
    size
        Number of draws, P.
    """
    dyads = records(state.DYAD_PARAMETER, size, len(roster.dyads))
    for d, dyad in enumerate(roster.dyads):
        for name in state.DYAD_PARAMETER.names or ():
            if f"dyads.{name}" in priors.by_name:
                dyads[name][:, d] = draw(f"dyads.{name}")
            elif f"dyads.{dyad.name}.{name}" in priors.by_name:
                dyads[name][:, d] = draw(f"dyads.{dyad.name}.{name}")
        ratio = draw(f"dyads.{dyad.name}.termination_ratio")
        dyads["termination"][:, d] = draw("alliance_exit.dyad") * ratio / QUARTERS_PER_YEAR
        dyads["honour"][:, d] = np.log(dyads["honour"][:, d] / (1 - dyads["honour"][:, d]))
        dyads["troops_cut"][:, d] = 1 - np.exp(-draw("alliance_exit.us_drawdown") / QUARTERS_PER_YEAR)
    cut = priors["alliance_exit.us_drawdown_size"].params
    dyads["cut_lower"], dyads["cut_upper"] = cut[0], cut[1]
    outlook = records(state.OUTLOOK_PARAMETER, size)
    for name in state.OUTLOOK_PARAMETER.names or ():
        outlook[name] = draw(f"dyads.{name}")
    return dyads, outlook


def dyad_cells(signal: Mapping[str, Floats], roster: Roster) -> Any:
    """Return the signal of each cell (P, N) from the draws of its design."""
    cells = records(state.DYAD_CELL, len(next(iter(signal.values()))), len(roster.cells))
    for n, (_, design) in enumerate(roster.cells):
        cells["signal"][:, n] = signal[design]
    return cells
