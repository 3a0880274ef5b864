"""From roster and tables to the records of missions and contingents in the core."""

from typing import Any, Final

import numpy as np

from forecast.core import state
from forecast.core.mission_state import SLOT
from forecast.core.state import NEVER, records
from forecast.data import Tables
from forecast.priors import Beliefs
from forecast.roster import Mission, Roster, address

SLOTS: Final = {
    "new_ad_hoc_1": "ad_hoc",
    "new_nato_1": "nato",
    "new_ad_hoc_2": "ad_hoc",
    "new_nato_2": "nato",
}


def put_mission_constants(one: Any, beliefs: Beliefs) -> None:
    """Constants of missions in the one record of `state.CONSTANTS`."""
    one.casualty_memory = beliefs.value("withdrawal.casualty_memory")
    for name in ("casualty_phi", "trend_phi", "opinion_phi", "noncombat_losses", "same_camp",
                 "wing_sd", "nominal_flags", "us_led", "common_interest", "own_interest"):  # fmt: skip
        one[name] = beliefs.value(f"missions.{name}")
    one.arrival_rate = beliefs.value("missions.new_missions") / 4 / len(SLOTS)


def mission_records(roster: Roster) -> Any:
    """One record of `state.MISSION` a mission."""
    out = records(state.MISSION, len(roster.missions))
    for s, mission in enumerate(roster.missions):
        there = mission.contributors
        out[s].start = mission.start
        out[s].end = NEVER if mission.end is None else mission.end
        out[s].stake = 1.0 if mission.framework == "nato" and not mission.hypothetical else 0.0
        out[s].lead = there.index(mission.lead) if mission.lead in there else -1
        out[s].contingents = len(there)
        out[s].ever = mission.ever
        # Two hypothetical missions share their fortunes, so that they differ by what the plan says alone.
        out[s].id = address("hypothetical" if mission.hypothetical else mission.name)
        out[s].combat = float(mission.combat)
        out[s].ad_hoc = int(mission.framework == "ad_hoc")
        out[s].age = mission.age
    return out


def slot_records() -> Any:
    """New missions that may arise, half of them coalitions of the willing, half under NATO."""
    out = records(SLOT, len(SLOTS))
    for a, (name, framework) in enumerate(SLOTS.items()):
        out[a].id, out[a].framework = address(name), framework == "nato"
    return out


def contingent_records(roster: Roster, tables: Tables, beliefs: Beliefs) -> Any:
    """One record of `state.CONTINGENT` a contingent, padded to the widest mission."""
    widest = max(len(mission.contributors) for mission in roster.missions)
    out = records(state.CONTINGENT, len(roster.missions), widest)
    out["country"] = -1
    depends = dependence(tables, beliefs)
    for s, mission in enumerate(roster.missions):
        troops = np.array(mission.troops)
        tether = _tethers(mission, depends, beliefs)
        for c, country in enumerate(mission.contributors):
            out[s, c].id = address(f"{mission.name}/{country}")
            if country in roster.countries:
                out[s, c].country = roster.countries.index(country)
            out[s, c].served = mission.served[c]
            out[s, c].weight = troops[c] / troops.sum()
            out[s, c].tether = tether[c]
    return out


def dependence(tables: Tables, beliefs: Beliefs) -> dict[str, float]:
    """How much each ally depends on NATO, 0 to 1; who is no ally is not listed."""
    nato = tables.members[(tables.members["alliance"] == "NATO") & tables.members["left"].isna()]
    front, ally = beliefs.value("missions.tether_front"), beliefs.value("missions.tether_ally")
    return {
        c: front if f else ally for c, f in zip(nato["country"], nato["frontline"], strict=True)
    }


def _tethers(mission: Mission, depends: dict[str, float], beliefs: Beliefs) -> Any:
    """Dependence times framework, less the mean over the mission: the level is in the chance of a full exit."""
    kind = "nato" if mission.framework == "nato" else "other"
    tether = np.array([depends.get(c, 0.0) for c in mission.contributors])
    tether *= beliefs.value(f"missions.tether_{kind}")
    return tether - tether.mean()
