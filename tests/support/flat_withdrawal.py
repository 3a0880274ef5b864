"""A posterior of the withdrawal model in which every effect is zero, so that its predictions have closed forms."""

from typing import Final

import numpy as np
import xarray as xr

_SCALARS: Final = (
    "defection_intercept",
    "planned_intercept",
    "nato",
    "un",
    "eu",
    "noncombat",
    "lead",
    "leader_change",
    "election_ahead",
    "contagion",
    "lead_gone",
    "ending",
    "mission_sd",
    "country_sd",
    "frailty_load",
    "casualties",
    "combat_drift",
    "ever_reduced",
)
_EFFECTS: Final = {
    "mission_effect": "mission",
    "country_effect": "country",
    "duration_defection": "duration_bin",
    "duration_planned": "duration_bin",
}


def flat_withdrawal(spells: xr.Dataset, chains: int, size: int, **values: float) -> xr.Dataset:
    """Return `chains` × `size` equal draws: scalars are 0 except for `values`, durations and effects are 0."""
    sample = ("chain", "draw")
    draws = {name: (sample, np.full((chains, size), values.get(name, 0.0))) for name in _SCALARS}
    effects = {name: ((*sample, dim), np.zeros((chains, size, spells.sizes[dim]))) for name, dim in _EFFECTS.items()}
    return xr.Dataset(draws | effects, coords={dim: spells[dim].values for dim in set(_EFFECTS.values())})
