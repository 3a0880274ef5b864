"""Draws of the parameters of the dyads, as the kernel's records.

A dyad is described in `priors/dyads.toml` alone, so a new one needs no code.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from forecast.array_types import Floats
from forecast.priors.load import Priors
from forecast.simulation import records as dyad_state
from forecast.simulation.records import records
from forecast.workspace.roster import Roster


def dyad_draws(draw: Callable[[str], Floats], priors: Priors, roster: Roster, size: int) -> tuple[Any, Any]:
    """Parameters of dyads (P, D) and of what they all see (P,); `draw` gives draws of a belief by its name."""
    out = records(dyad_state.DYAD_PARAMETER, size, len(roster.dyads))
    for d, dyad in enumerate(roster.dyads):
        for name in dyad_state.DYAD_PARAMETER.names or ():
            if f"dyads.{name}" in priors.by_name:
                out[name][:, d] = draw(f"dyads.{name}")
            elif f"dyads.{dyad.name}.{name}" in priors.by_name:
                out[name][:, d] = draw(f"dyads.{dyad.name}.{name}")
        ratio = draw(f"dyads.{dyad.name}.termination_ratio")
        out["termination"][:, d] = draw("alliance_exit.dyad") * ratio / 4
        out["honour"][:, d] = np.log(out["honour"][:, d] / (1 - out["honour"][:, d]))
        out["troops_cut"][:, d] = 1 - np.exp(-draw("alliance_exit.us_drawdown") / 4)
    cut = priors["alliance_exit.us_drawdown_size"].params
    out["cut_lower"], out["cut_upper"] = cut[0], cut[1]
    outlook = records(dyad_state.OUTLOOK_PARAMETER, size)
    for name in dyad_state.OUTLOOK_PARAMETER.names or ():
        outlook[name] = draw(f"dyads.{name}")
    return out, outlook


def dyad_cells(signal: Mapping[str, Floats], roster: Roster) -> Any:
    """Signal (P, N) of each cell from the draws of its design."""
    out = records(dyad_state.DYAD_CELL, len(next(iter(signal.values()))), len(roster.cells))
    for n, (_, design) in enumerate(roster.cells):
        out["signal"][:, n] = signal[design]
    return out
