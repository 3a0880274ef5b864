"""From beliefs to the parameter draws of missions: modes of defection, fortunes, publics, hand-over.

Where the withdrawal model has a posterior for a coefficient it is used; else its prior as it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from forecast.array_types import Floats
from forecast.priors.load import Priors
from forecast.simulation import records as state
from forecast.simulation.records import records
from forecast.workspace.roster import Roster

Draw = Callable[[str], Floats]  # draws of a belief by name

_FITTED = ("casualties", "loss_aversion", "combat_drift", "ever_reduced", "reduction")
_MODES = ("cut_size", "re_role_size", "caveat_size", "swap_size")


def put_missions(parameters: Any, samples: Mapping[str, xr.DataArray], priors: Priors, draw: Draw) -> None:
    """The mission fields of `state.PARAMETER`; `samples` are those of the withdrawal model."""
    for name in (
        "leader_change",
        "election_ahead",
        "contagion",
        "lead_gone",
        "ending",
        "duration_defection",
        "duration_planned",
    ):
        parameters[name] = samples[name].values
    for name in _FITTED:
        prior = draw(f"withdrawal.{name}")
        parameters[name] = samples[name].values if name in samples else prior
    parameters["nato"] = samples["nato"].values
    for name in (
        "mode_shares",
        "caveat_detection",
        "tether",
        "trend",
        "opposition",
        "right_wing",
        "left_turn",
        "backfill",
        "hand_over",
        "coalition_caveats",
        "solidarity",
        "call",
        "decision_lag",
    ):
        parameters[name] = draw(f"missions.{name}")
    for framework, name in enumerate(("ad_hoc", "nato")):
        parameters["join_cost"][:, framework] = draw(f"missions.join_cost_{name}")
        effect = samples["nato"].values if name == "nato" else 0.0
        leaving = np.exp(samples["defection_intercept"].values + effect)
        parameters["stay"][:, framework] = leaving + np.exp(samples["planned_intercept"].values)
    for mode, name in enumerate(_MODES):
        low, high = priors[f"missions.{name}"].params
        parameters["mode_lower"][:, mode], parameters["mode_upper"][:, mode] = low, high


def mission_parameters(roster: Roster, size: int, draw: Draw) -> Any:
    """(P, S) of `state.MISSION_PARAMETER`: modes and elites by framework."""
    out = records(state.MISSION_PARAMETER, size, len(roster.missions))
    for s, mission in enumerate(roster.missions):
        kind = "ad_hoc" if mission.framework == "ad_hoc" else "institution"
        elites = mission.framework if mission.framework in ("ad_hoc", "nato") else "other"
        out["full_exit"][:, s] = draw(f"missions.full_exit_{kind}")
        out["consensus"][:, s] = draw(f"missions.consensus_{elites}")
    return out


def circumstances(roster: Roster, size: int, widest: int, draw: Draw) -> Floats:
    """(P, S, C): why a contingent joined and where it stands, on its log hazard of defection."""
    out = np.zeros((size, len(roster.missions), widest))
    effects = {
        "paid": draw("missions.side_payment"),
        "prestige": draw("missions.prestige"),
        "separate": draw("missions.separate_sector"),
    }
    creep = draw("missions.mission_creep")
    for s, mission in enumerate(roster.missions):
        out[:, s, : len(mission.contributors)] += (creep * mission.creep)[:, None]
        for key, effect in effects.items():
            for country in getattr(mission, key):
                out[:, s, mission.contributors.index(country)] += effect
    return out
