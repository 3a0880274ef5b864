"""Draws of the parameters of missions: modes of defection, course of the mission, publics, hand-over.

A coefficient comes from the posterior of the withdrawal model if the model has it, else from its prior.
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

Draw = Callable[[str], Floats]  # returns the draws of a prior by its name

#: Coefficients that a withdrawal fit may lack.
_OPTIONAL = ("casualties", "loss_aversion", "combat_drift", "ever_reduced", "reduction")
#: Sizes of the modes of defection, in the order of the kernel.
_MODE_SIZES = ("cut_size", "re_role_size", "caveat_size", "swap_size")


def put_missions(parameters: Any, samples: Mapping[str, xr.DataArray], priors: Priors, draw: Draw) -> None:
    """Fill in the mission fields of `records.PARAMETER`; `samples` are draws of the withdrawal model."""
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
    for name in _OPTIONAL:
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
    for mode, name in enumerate(_MODE_SIZES):
        low, high = priors[f"missions.{name}"].params
        parameters["mode_lower"][:, mode], parameters["mode_upper"][:, mode] = low, high


def mission_parameters(roster: Roster, size: int, draw: Draw) -> Any:
    """Return `records.MISSION_PARAMETER`, (P, S): full exits and consensus of elites by framework."""
    parameters = records(state.MISSION_PARAMETER, size, len(roster.missions))
    for s, mission in enumerate(roster.missions):
        kind = "ad_hoc" if mission.framework == "ad_hoc" else "institution"
        elites = mission.framework if mission.framework in ("ad_hoc", "nato") else "other"
        parameters["full_exit"][:, s] = draw(f"missions.full_exit_{kind}")
        parameters["consensus"][:, s] = draw(f"missions.consensus_{elites}")
    return parameters


def circumstances(roster: Roster, size: int, widest: int, draw: Draw) -> Floats:
    """Return the effect of each contingent's circumstances on its log hazard of defection, (P, S, C).

    The circumstances are why it joined, whether it has a sector of its own, and whether the mission's aims have grown.
    """
    log_hazard = np.zeros((size, len(roster.missions), widest))
    effects = {
        "paid": draw("missions.side_payment"),
        "prestige": draw("missions.prestige"),
        "separate": draw("missions.separate_sector"),
    }
    creep = draw("missions.mission_creep")
    for s, mission in enumerate(roster.missions):
        log_hazard[:, s, : len(mission.contributors)] += (creep * mission.creep)[:, None]
        for key, effect in effects.items():
            for country in getattr(mission, key):
                log_hazard[:, s, mission.contributors.index(country)] += effect
    return log_hazard
