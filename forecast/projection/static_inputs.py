"""From tables, priors and plan to the arrays that the kernel reads and never changes."""

from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.array_types import Floats
from forecast.data.leaders import leader_state
from forecast.data.spending import european_weights, last_growth
from forecast.data.tables import Tables
from forecast.names import FRAMEWORKS, MECHANISMS, STRESSES, WARS
from forecast.priors.load import Priors
from forecast.priors.pledges import own_pledge, pledge_path
from forecast.quarters import quarter_number
from forecast.random_streams import address
from forecast.simulation import records as state
from forecast.simulation.arrays import StaticInputs
from forecast.simulation.records import CANDIDATE_MISSION, NEVER, records
from forecast.workspace.plan import Plan
from forecast.workspace.resolve import onset_index
from forecast.workspace.roster import Mission, Roster

Leaders = dict[str, dict[str, Any]]  # the state of leaders and elections by country


def build_static_inputs(tables: Tables, priors: Priors, plan: Plan, roster: Roster) -> StaticInputs:
    """The arrays of the core."""
    leaders = _leaders(tables)
    dyads, dyad_pledge = dyad_static_inputs(tables, priors, roster)
    layout = StaticInputs(
        constants=_constants(leaders, priors, plan, roster),
        pledge=np.log(pledge_path(priors, list(roster.years), plan.pledge_2035)),
        members=_members(tables, priors, roster),
        countries=_countries(leaders, plan, roster),
        missions=mission_records(roster),
        contingents=contingent_records(roster, tables, priors),
        candidate_missions=candidate_mission_records(),
        cells=_cells(priors, roster),
        dyads=dyads,
        dyad_pledge=dyad_pledge,
    )
    put_members(layout.members, tables, priors, roster)
    put_countries(layout.countries, priors, roster)
    put_missions(layout.missions, layout.contingents, roster)
    put_cells(layout.cells, priors, roster)
    return layout


def _leaders(tables: Tables) -> Leaders:
    """The state of leaders and elections by country."""
    rows: dict[Any, dict[Any, Any]] = leader_state(tables).to_dict("index")
    return {str(country): row for country, row in rows.items()}


def _constants(leaders: Leaders, priors: Priors, plan: Plan, roster: Roster) -> Any:
    out = records(state.CONSTANTS, 1)
    one, first = out[0], quarter_number(plan.first_quarter)
    one.quarter_of_year = roster.quarter_of_year
    one.usa = roster.countries.index("USA") if "USA" in roster.countries else -1
    one.usa_limited = int(leaders["USA"]["term_limited"])
    one.onset = onset_index(plan)
    for name in MECHANISMS:
        one[name] = int(name not in plan.off)
    for name in STRESSES:
        one[name] = quarter_number(plan.stress[name]) - first if name in plan.stress else NEVER
    one.neutral_target = priors.grid.wars[WARS[0]].threat_target.value
    for name in ("floor", "cap", "front_mark"):
        one[name] = np.log(priors.value(f"spending.{name}"))
    for name in ("growth_mean", "growth_phi", "growth_bounce", "growth_sd"):
        one[name] = priors.value(f"spending.{name}")
    one.early_election = priors.value("leadership.early_election")
    one.usa_off_cycle = priors.value("leadership.usa_off_cycle")
    one.contagion_cap = priors.value("withdrawal.contagion_cap")
    for name in ("hollow_flags", "hollow_operation", "collapse_operation"):
        one[name] = priors.value(f"missions.{name}")
    one.factor_phi = priors.value("alliance.factor_phi")
    one.factor_innovation = priors.value("alliance.factor_sd") * np.sqrt(1 - one.factor_phi**2)
    one.factor_correlation = priors.value("alliance.factor_correlation")
    one.threat_persistence = priors.value("alliance.threat_persistence")
    one.threat_sd = priors.value("alliance.threat_sd")
    put_constants(one, priors, roster)
    put_mission_constants(one, priors)
    return out


def _members(tables: Tables, priors: Priors, roster: Roster) -> Any:
    out = records(state.MEMBER, len(roster.members))
    front = tables.allies().set_index("country")["frontline"].to_dict()
    weights = european_weights(tables).to_series()
    growth, depends = last_growth(tables), dependence(tables, priors)
    for m, name in enumerate(roster.members):
        out[m].id = address(name)
        out[m].country = roster.countries.index(name) if name in roster.countries else -1
        out[m].start_growth = growth.get(name, 0.0)
        out[m].front = float(front[name])
        out[m].dependence = depends[name]
        out[m].european = float(weights.get(name, 0.0))
    return out


def _countries(leaders: Leaders, plan: Plan, roster: Roster) -> Any:
    out = records(state.COUNTRY, len(roster.countries))
    for k, name in enumerate(roster.countries):
        row = leaders[name]
        out[k].id = address(name)
        vote = row["next_election"]
        out[k].next_election = (
            NEVER if pd.isna(vote) else quarter_number(str(vote)) - quarter_number(plan.first_quarter)
        )
        out[k].term = int(row["term_quarters"]) if not pd.isna(row["term_quarters"]) else NEVER
        out[k].parliamentary = int(row["early_vote"])
        out[k].in_office = int(row["quarters_in_office"])
        out[k].voted = int(row["voted"])
    return out


def _cells(priors: Priors, roster: Roster) -> Any:
    out = records(state.CELL, len(roster.cells))
    for n, (war_name, design_name) in enumerate(roster.cells):
        war, design = priors.grid.wars[war_name], priors.grid.designs[design_name]
        out[n].war_ramp, out[n].design_ramp = war.ramp, design.ramp
        out[n].threat_target = war.threat_target.value
        out[n].pledge_multiplier = design.pledge_multiplier.value
        out[n].credibility = design.credibility.value
        out[n].half_life = [design.half_life.get(f, 0.0) for f in priors.grid.factors]
    return out


_HEARD: Final = ("USA", "FRA", "DEU")  # leaders of the alliance, the first with a weight of its own
_HALF_LIVES: Final = {"rally_decay": "rally", "onset_decay": "onset", "strain_decay": "strain"}
_NATO: Final = FRAMEWORKS[1]


def put_constants(one: Any, priors: Priors, roster: Roster) -> None:
    """The numbers of the alliance that do not vary by draw."""
    one.ally_usa = roster.members.index("USA") if "USA" in roster.members else -1
    for field, what in _HALF_LIVES.items():
        one[field] = 0.5 ** (1.0 / priors.value(f"events.{what}_half_life"))
    for name in (
        "orientation_jitter",
        "low_alignment",
        "article5_persistence",
        "burden_sd",
        "burden_gap",
        "exit_factor",
        "honour_line",
        "broken_quarters",
        "notice_quarters",
        "deterrence_feedback",
    ):
        one[name] = priors.value(f"events.{name}")
    alpha, beta = priors["events.article5"].params
    one.article5_usual = alpha / (alpha + beta)


def put_members(out: Any, tables: Tables, priors: Priors, roster: Roster) -> None:
    """Weight by GDP, distance from Moscow, and whether a firm democracy (one without figures counts as such)."""
    members = list(roster.members)
    nato = tables.allies().set_index("country").loc[members]
    gdp = _latest(tables.economy, "gdp_usd").reindex(members).fillna(0.0)
    km = nato["distance_moscow_km"].to_numpy(float)
    line = priors.value("events.firm_democracy")
    out["weight"] = gdp / gdp.sum()
    out["distance"] = km / 1000.0
    out["distance_z"] = (km - km.mean()) / km.std() if len(km) > 1 and km.std() > 0 else 0.0
    out["pacific"] = nato["region"] == "north_america"
    out["firm"] = _latest(tables.democracy, "liberal_democracy").reindex(members).fillna(1.0) >= line


def _latest(table: pd.DataFrame, column: str) -> pd.Series:
    """The last known figure of each country."""
    return table.dropna(subset=[column]).sort_values("year").groupby("country")[column].last()


def put_countries(out: Any, priors: Priors, roster: Roster) -> None:
    """Weights of the leaders that are heard."""
    usa = priors.value("events.voice_usa")
    for k, name in enumerate(roster.countries):
        if name in _HEARD:
            out[k].influence_weight = usa if name == _HEARD[0] else (1.0 - usa) / (len(_HEARD) - 1)


def put_missions(missions: Any, contingents: Any, roster: Roster) -> None:
    """Which missions may divide the alliance (combat, and real), and which leave those who stay out their veto."""
    for s, mission in enumerate(roster.missions):
        missions[s].contentious = int(mission.combat and not mission.hypothetical)
        missions[s].veto = int(mission.framework == _NATO and not mission.hypothetical)
        allied = np.isin(mission.contributors, roster.members)
        contingents[s, : allied.size]["ally"] = allied


def put_cells(out: Any, priors: Priors, roster: Roster) -> None:
    """The posture of the designs."""
    for n, (_, name) in enumerate(roster.cells):
        design = priors.grid.designs[name]
        out[n].promise = int(bool(design.promise))
        out[n].troop_ramp = 1 if design.mode == "abrupt" else design.ramp
        out[n].drawdown = design.us_drawdown.value
        for field in ("china_focus", "first_responder", "out_of_area", "entrapment"):
            out[n][field] = getattr(design, field).value


CANDIDATE_MISSIONS: Final = {
    "new_ad_hoc_1": "ad_hoc",
    "new_nato_1": "nato",
    "new_ad_hoc_2": "ad_hoc",
    "new_nato_2": "nato",
}


def put_mission_constants(one: Any, priors: Priors) -> None:
    """Constants of missions in the one record of `state.CONSTANTS`."""
    one.casualty_memory = priors.value("withdrawal.casualty_memory")
    for name in (
        "casualty_phi",
        "trend_phi",
        "opinion_phi",
        "noncombat_losses",
        "same_camp",
        "wing_sd",
        "nominal_flags",
        "us_led",
        "common_interest",
        "own_interest",
    ):
        one[name] = priors.value(f"missions.{name}")
    one.arrival_rate = priors.value("missions.new_missions") / 4 / len(CANDIDATE_MISSIONS)


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


def candidate_mission_records() -> Any:
    """New missions that may arise, half of them coalitions of the willing, half under NATO."""
    out = records(CANDIDATE_MISSION, len(CANDIDATE_MISSIONS))
    for a, (name, framework) in enumerate(CANDIDATE_MISSIONS.items()):
        out[a].id, out[a].framework = address(name), framework == "nato"
    return out


def contingent_records(roster: Roster, tables: Tables, priors: Priors) -> Any:
    """One record of `state.CONTINGENT` a contingent, padded to the widest mission."""
    widest = max(len(mission.contributors) for mission in roster.missions)
    out = records(state.CONTINGENT, len(roster.missions), widest)
    out["country"] = -1
    depends = dependence(tables, priors)
    for s, mission in enumerate(roster.missions):
        troops = np.array(mission.troops)
        tether = _tethers(mission, depends, priors)
        for c, country in enumerate(mission.contributors):
            out[s, c].id = address(f"{mission.name}/{country}")
            if country in roster.countries:
                out[s, c].country = roster.countries.index(country)
            out[s, c].served = mission.served[c]
            out[s, c].weight = troops[c] / troops.sum()
            out[s, c].relative_dependence = tether[c]
    return out


def dependence(tables: Tables, priors: Priors) -> dict[str, float]:
    """How much each ally depends on NATO, 0 to 1; who is no ally is not listed."""
    nato = tables.allies()
    front, ally = priors.value("missions.tether_front"), priors.value("missions.tether_ally")
    return {c: front if f else ally for c, f in zip(nato["country"], nato["frontline"], strict=True)}


def _tethers(mission: Mission, depends: dict[str, float], priors: Priors) -> Any:
    """Dependence times framework, less the mean over the mission: the level is in the chance of a full exit."""
    kind = "nato" if mission.framework == "nato" else "other"
    tether = np.array([depends.get(c, 0.0) for c in mission.contributors])
    tether *= priors.value(f"missions.tether_{kind}")
    return tether - tether.mean()


def dyad_static_inputs(tables: Tables, priors: Priors, roster: Roster) -> tuple[Any, Floats]:
    """Records (D,) and log pledges (D, Y) of the dyads."""
    out = records(state.DYAD, len(roster.dyads))
    pledge = np.zeros((len(roster.dyads), len(roster.years)))
    growth, first = last_growth(tables), int(roster.quarters[0][:4])
    for d, dyad in enumerate(roster.dyads):
        every = 4 * int(priors.value(f"dyads.{dyad.name}.renewal_every"))
        due = 4 * (int(priors.value(f"dyads.{dyad.name}.renewal_year")) - first)
        due -= roster.quarter_of_year
        out[d].id, out[d].partner = address(dyad.name), address(dyad.partner)
        held = dyad.partner in roster.countries
        out[d].country = roster.countries.index(dyad.partner) if held else -1
        out[d].start_growth = growth.get(dyad.partner, 0.0)
        out[d].renewal = due if due >= 0 else due % every
        out[d].renewal_every = every
        pledge[d] = np.log(own_pledge(priors, dyad.name, roster.years))
    return out, pledge
