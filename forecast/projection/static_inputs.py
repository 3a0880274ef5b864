"""Build the arrays that the kernel reads and never changes from tables, priors and plan."""

from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.array_types import Floats
from forecast.constants import QUARTERS_PER_YEAR
from forecast.data.announcements import announced_paths
from forecast.data.deployments import mission_spells, open_contingents
from forecast.data.leaders import leader_state
from forecast.data.spending import european_weights, last_growth
from forecast.data.tables import Tables
from forecast.data.withdrawal_covariates import usual_politics
from forecast.models.kaplan_meier import curve_hazard, framework_durations
from forecast.models.leadership import early_vote_rates
from forecast.names import FRAMEWORKS, MECHANISMS, STRESSES
from forecast.priors.load import Priors
from forecast.priors.pledges import own_pledge, pledge_path
from forecast.quarters import quarter_clock, quarter_number
from forecast.random_streams import address
from forecast.simulation import records as state
from forecast.simulation.arrays import StaticInputs
from forecast.simulation.records import CANDIDATE_MISSION, NEVER, records
from forecast.workspace.plan import Plan
from forecast.workspace.resolve import onset_index
from forecast.workspace.roster import Mission, Roster

Leaders = dict[str, dict[str, Any]]  # the state of leaders and elections by country


def build_static_inputs(
    tables: Tables, priors: Priors, plan: Plan, roster: Roster, *, pooled: bool = True
) -> StaticInputs:
    """Return the static inputs of the kernel; `pooled` is whether running missions may follow a Kaplan-Meier curve."""
    dyads, dyad_pledge = dyad_static_inputs(tables, priors, roster)
    usual = usual_politics(tables, roster.countries)
    static = StaticInputs(
        constants=_constants(tables, priors, plan, roster),
        pledge=np.log(pledge_path(priors, list(roster.years), plan.pledge_2035)),
        announced=_announced(tables, priors, roster),
        members=_members(tables, priors, roster),
        countries=_countries(_leaders(tables), usual, plan, roster),
        missions=mission_records(roster),
        contingents=contingent_records(roster, tables, priors),
        candidate_missions=candidate_mission_records(),
        cells=_cells(priors, roster),
        dyads=dyads,
        dyad_pledge=dyad_pledge,
        curve_hazards=curve_hazards(tables, priors, plan, roster) if pooled else _no_curve(roster),
    )
    put_members(static.members, tables, priors, roster)
    put_countries(static.countries, priors, roster)
    put_missions(static.missions, static.contingents, roster)
    put_cells(static.cells, priors, roster)
    return static


def _leaders(tables: Tables) -> Leaders:
    """Return the state of leaders and elections by country."""
    rows: dict[Any, dict[Any, Any]] = leader_state(tables).to_dict("index")
    return {str(country): row for country, row in rows.items()}


def _constants(tables: Tables, priors: Priors, plan: Plan, roster: Roster) -> Any:
    """Return the one record of `records.CONSTANTS`, (1,)."""
    rows = records(state.CONSTANTS, 1)
    constants, first = rows[0], quarter_number(plan.first_quarter)
    constants.quarter_of_year = roster.quarter_of_year
    constants.usa = roster.countries.index("USA") if "USA" in roster.countries else -1
    constants.onset = onset_index(plan)
    for name in MECHANISMS:
        constants[name] = int(name not in plan.off)
    for name in STRESSES:
        constants[name] = quarter_number(plan.stress[name]) - first if name in plan.stress else NEVER
    constants.neutral_target = priors.grid.wars[roster.reference[0]].threat_target.value
    for name in ("floor", "cap", "front_mark"):
        constants[name] = np.log(priors.value(f"spending.{name}"))
    for name in ("growth_mean", "growth_phi", "growth_bounce", "growth_sd"):
        constants[name] = priors.value(f"spending.{name}")
    constants.early_vote = early_vote_rates(priors, tables)
    constants.usa_off_cycle = priors.value("leadership.usa_off_cycle")
    constants.kaplan_meier_weight = priors.value("missions.kaplan_meier_weight")
    constants.contagion_cap = priors.value("withdrawal.contagion_cap")
    for name in ("hollow_flags", "hollow_operation", "collapse_operation"):
        constants[name] = priors.value(f"missions.{name}")
    constants.factor_phi = priors.value("alliance.factor_phi")
    constants.factor_innovation = priors.value("alliance.factor_sd") * np.sqrt(1 - constants.factor_phi**2)
    constants.factor_correlation = priors.value("alliance.factor_correlation")
    constants.threat_persistence = priors.value("alliance.threat_persistence")
    constants.threat_sd = priors.value("alliance.threat_sd")
    put_constants(constants, priors, roster)
    put_mission_constants(constants, priors)
    return rows


def _members(tables: Tables, priors: Priors, roster: Roster) -> Any:
    """Return `records.MEMBER`, (M,): growth, front line, dependence and weight in European spending."""
    rows = records(state.MEMBER, len(roster.members))
    front = tables.allies().set_index("country")["frontline"].to_dict()
    weights = european_weights(tables).to_series()
    growth, depends = last_growth(tables), dependence(tables, priors)
    for m, name in enumerate(roster.members):
        rows[m].id = address(name)
        rows[m].country = roster.countries.index(name) if name in roster.countries else -1
        rows[m].start_growth = growth.get(name, 0.0)
        rows[m].front = float(front[name])
        rows[m].dependence = depends[name]
        rows[m].european = float(weights.get(name, 0.0))
    return rows


def _announced(tables: Tables, priors: Priors, roster: Roster) -> Floats:
    """Return the announced log shares of the members, (M, Y), percent of GDP; NaN where no announcement is in force."""
    growth, inflation = priors.value("spending.growth_mean"), priors.value("announcements.inflation")
    paths = announced_paths(tables, growth, inflation, len(roster.years))
    return paths.reindex(country=list(roster.members), year=list(roster.years)).to_numpy()


def _countries(leaders: Leaders, usual: pd.DataFrame, plan: Plan, roster: Roster) -> Any:
    """Return `records.COUNTRY`, (K,): the clocks of leaders and elections, in quarters."""
    rows = records(state.COUNTRY, len(roster.countries))
    for k, name in enumerate(roster.countries):
        leader = leaders[name]
        rows[k].id = address(name)
        vote = leader["next_election"]
        rows[k].next_election = (
            NEVER if pd.isna(vote) else quarter_number(str(vote)) - quarter_number(plan.first_quarter)
        )
        rows[k].fixed = int(leader["fixed"])
        rows[k].term = int(leader["term_quarters"]) if not pd.isna(leader["term_quarters"]) else NEVER
        rows[k].parliamentary = int(leader["early_vote"])
        rows[k].in_office = int(leader["quarters_in_office"])
        rows[k].mandates = int(leader["mandates"])
        rows[k].term_limit = NEVER if pd.isna(leader["term_limit"]) else int(leader["term_limit"])
        rows[k].voted = int(leader["voted"])
    rows["usual_change"], rows["usual_election"] = usual["leader_change"], usual["election_ahead"]
    return rows


def _cells(priors: Priors, roster: Roster) -> Any:
    """Return `records.CELL`, (N,): ramps, threat, pledge and credibility by war and design."""
    rows = records(state.CELL, len(roster.cells))
    for n, (war_name, design_name) in enumerate(roster.cells):
        war, design = priors.grid.wars[war_name], priors.grid.designs[design_name]
        rows[n].war_ramp, rows[n].design_ramp = war.ramp, design.ramp
        rows[n].threat_target = war.threat_target.value
        rows[n].pledge_multiplier = design.pledge_multiplier.value
        rows[n].credibility = design.credibility.value
        rows[n].half_life = [design.half_life.get(f, 0.0) for f in priors.grid.factors]
    return rows


#: Countries whose leaders move the alliance; the first has a weight of its own.
_INFLUENTIAL: Final = ("USA", "FRA", "DEU")
_HALF_LIVES: Final = {"rally_decay": "rally", "onset_decay": "onset", "strain_decay": "strain"}
_NATO: Final = FRAMEWORKS[1]


def put_constants(constants: Any, priors: Priors, roster: Roster) -> None:
    """Fill in the constants of the alliance."""
    constants.ally_usa = roster.members.index("USA") if "USA" in roster.members else -1
    for field, event in _HALF_LIVES.items():
        constants[field] = 0.5 ** (1.0 / priors.value(f"events.{event}_half_life"))
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
        constants[name] = priors.value(f"events.{name}")
    alpha, beta = priors["events.article5"].params
    constants.article5_usual = alpha / (alpha + beta)


def put_members(rows: Any, tables: Tables, priors: Priors, roster: Roster) -> None:
    """Fill in weight by GDP, distance from Moscow (1,000 km), and firm democracies (including those without data)."""
    members = list(roster.members)
    nato = tables.allies().set_index("country").loc[members]
    gdp = _latest(tables.economy, "gdp_usd").reindex(members).fillna(0.0)
    km = nato["distance_moscow_km"].to_numpy(float)
    line = priors.value("events.firm_democracy")
    rows["weight"] = gdp / gdp.sum()
    rows["distance"] = km / 1000.0
    rows["distance_z"] = (km - km.mean()) / km.std() if len(km) > 1 and km.std() > 0 else 0.0
    rows["pacific"] = nato["region"] == "north_america"
    rows["firm"] = _latest(tables.democracy, "liberal_democracy").reindex(members).fillna(1.0) >= line


def _latest(table: pd.DataFrame, column: str) -> pd.Series:
    """Return the last known value of each country."""
    return table.dropna(subset=[column]).sort_values("year").groupby("country")[column].last()


def put_countries(rows: Any, priors: Priors, roster: Roster) -> None:
    """Fill in the weights of influential leaders, which sum to 1."""
    usa = priors.value("events.voice_usa")
    for k, name in enumerate(roster.countries):
        if name in _INFLUENTIAL:
            rows[k].influence_weight = usa if name == _INFLUENTIAL[0] else (1.0 - usa) / (len(_INFLUENTIAL) - 1)


def put_missions(missions: Any, contingents: Any, roster: Roster) -> None:
    """Fill in which missions may divide the alliance (combat missions) and which are subject to a veto."""
    for s, mission in enumerate(roster.missions):
        missions[s].contentious = int(mission.combat)
        missions[s].veto = int(mission.framework == _NATO and not mission.hypothetical)
        allied = np.isin(mission.contributors, roster.members)
        contingents[s, : allied.size]["ally"] = allied


def put_cells(rows: Any, priors: Priors, roster: Roster) -> None:
    """Fill in the posture of the designs."""
    for n, (_, name) in enumerate(roster.cells):
        design = priors.grid.designs[name]
        rows[n].promise = int(bool(design.promise))
        rows[n].troop_ramp = 1 if design.mode == "abrupt" else design.ramp
        rows[n].drawdown = design.us_drawdown.value
        for field in ("china_focus", "first_responder", "out_of_area", "entrapment"):
            rows[n][field] = getattr(design, field).value


#: New missions that may begin, with their framework.
CANDIDATE_MISSIONS: Final = {
    "new_ad_hoc_1": "ad_hoc",
    "new_nato_1": "nato",
    "new_ad_hoc_2": "ad_hoc",
    "new_nato_2": "nato",
}


def put_mission_constants(constants: Any, priors: Priors) -> None:
    """Fill in the constants of missions."""
    constants.casualty_memory = priors.value("withdrawal.casualty_memory")
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
        constants[name] = priors.value(f"missions.{name}")
    constants.arrival_rate = priors.value("missions.new_missions") / QUARTERS_PER_YEAR / len(CANDIDATE_MISSIONS)


def mission_records(roster: Roster) -> Any:
    """Return `records.MISSION`, (S,)."""
    rows = records(state.MISSION, len(roster.missions))
    for s, mission in enumerate(roster.missions):
        contributors = mission.contributors
        rows[s].start = mission.start
        rows[s].end = NEVER if mission.end is None else mission.end
        rows[s].stake = 1.0 if mission.framework == "nato" and not mission.hypothetical else 0.0
        rows[s].lead = contributors.index(mission.lead) if mission.lead in contributors else -1
        rows[s].contingents = len(contributors)
        rows[s].ever = mission.ever
        # Hypothetical missions share their shocks, so that they differ only in what the plan says of them.
        rows[s].id = address("hypothetical" if mission.hypothetical else mission.name)
        rows[s].combat = float(mission.combat)
        rows[s].ad_hoc = int(mission.framework == "ad_hoc")
        rows[s].age = mission.age
    return rows


def candidate_mission_records() -> Any:
    """Return `records.CANDIDATE_MISSION`, (A,): half coalitions of the willing, half under NATO."""
    rows = records(CANDIDATE_MISSION, len(CANDIDATE_MISSIONS))
    for a, (name, framework) in enumerate(CANDIDATE_MISSIONS.items()):
        rows[a].id, rows[a].framework = address(name), framework == "nato"
    return rows


def contingent_records(roster: Roster, tables: Tables, priors: Priors) -> Any:
    """Return `records.CONTINGENT`, (S, C), padded to the largest number of contingents in a mission."""
    widest = max(len(mission.contributors) for mission in roster.missions)
    rows = records(state.CONTINGENT, len(roster.missions), widest)
    rows["country"] = -1
    depends = dependence(tables, priors)
    for s, mission in enumerate(roster.missions):
        troops = np.array(mission.troops)
        tether = _tethers(mission, depends, priors)
        for c, country in enumerate(mission.contributors):
            rows[s, c].id = address(f"{mission.name}/{country}")
            if country in roster.countries:
                rows[s, c].country = roster.countries.index(country)
            rows[s, c].served = mission.served[c]
            rows[s, c].weight = troops[c] / troops.sum()
            rows[s, c].relative_dependence = tether[c]
    return rows


def curve_hazards(tables: Tables, priors: Priors, plan: Plan, roster: Roster) -> Floats:
    """Return the hazards of exits by the Kaplan-Meier curve of the framework given the time served, (Q, S, C).

    They are negative where the curve has no estimate, and for hypothetical missions, which do not follow it.
    """
    quarters = quarter_number(plan.first_quarter) + np.arange(len(roster.quarters))
    hazards = _no_curve(roster)
    if all(mission.hypothetical for mission in roster.missions):
        return hazards
    spells, fewest = mission_spells(tables, priors), int(priors.value("missions.kaplan_meier_fewest"))
    for s, mission in enumerate(roster.missions):
        if not mission.hypothetical:
            entry = quarter_clock(open_contingents(tables, mission.name)["entry"])
            begin = (quarters[:, None] - entry) / QUARTERS_PER_YEAR
            durations = framework_durations(spells, mission.framework)
            hazard = curve_hazard(durations, begin, begin + 1.0 / QUARTERS_PER_YEAR, fewest)
            hazards[:, s, : hazard.shape[1]] = np.where(np.isnan(hazard), -1.0, hazard)
    return hazards


def _no_curve(roster: Roster) -> Floats:
    """Return the hazards of missions that follow no curve, (Q, S, C)."""
    widest = max(len(mission.contributors) for mission in roster.missions)
    return np.full((len(roster.quarters), len(roster.missions), widest), -1.0)


def dependence(tables: Tables, priors: Priors) -> dict[str, float]:
    """Return how much each current ally depends on NATO, from 0 to 1."""
    nato = tables.allies()
    front, ally = priors.value("missions.tether_front"), priors.value("missions.tether_ally")
    return {c: front if f else ally for c, f in zip(nato["country"], nato["frontline"], strict=True)}


def _tethers(mission: Mission, depends: dict[str, float], priors: Priors) -> Any:
    """Return the dependence of each contingent by framework, less the mission's mean.

    The mean is already part of the probability of a full exit.
    """
    kind = "nato" if mission.framework == "nato" else "other"
    tether = np.array([depends.get(c, 0.0) for c in mission.contributors])
    tether *= priors.value(f"missions.tether_{kind}")
    return tether - tether.mean()


def dyad_static_inputs(tables: Tables, priors: Priors, roster: Roster) -> tuple[Any, Floats]:
    """Return `records.DYAD`, (D,), and the log pledges of the partners, (D, Y)."""
    rows = records(state.DYAD, len(roster.dyads))
    pledge = np.zeros((len(roster.dyads), len(roster.years)))
    growth, first = last_growth(tables), int(roster.quarters[0][:4])
    for d, dyad in enumerate(roster.dyads):
        every = QUARTERS_PER_YEAR * int(priors.value(f"dyads.{dyad.name}.renewal_every"))
        due = QUARTERS_PER_YEAR * (int(priors.value(f"dyads.{dyad.name}.renewal_year")) - first)
        due -= roster.quarter_of_year
        rows[d].id, rows[d].partner = address(dyad.name), address(dyad.partner)
        has_leader_series = dyad.partner in roster.countries
        rows[d].country = roster.countries.index(dyad.partner) if has_leader_series else -1
        rows[d].start_growth = growth.get(dyad.partner, 0.0)
        rows[d].renewal = due if due >= 0 else due % every
        rows[d].renewal_every = every
        pledge[d] = np.log(own_pledge(priors, dyad.name, roster.years))
    return rows, pledge
