"""From tables, beliefs and plan to the roster of labels and the layout of the core.

All that is wrong with a plan against the tables is named here, before anything is fitted.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecast import layout_alliance
from forecast.core import state
from forecast.core.state import NEVER, Layout, records
from forecast.data import Tables
from forecast.dyads import dyad_layout, dyads_of
from forecast.errors import DataError, PlanError, all_faults
from forecast.layout_missions import (
    contingent_records,
    dependence,
    mission_records,
    put_mission_constants,
    slot_records,
)
from forecast.names import MECHANISMS, STRESSES, WARS
from forecast.panel import european_weights, last_growth, pledge_path
from forecast.plan import Hypothetical, Plan, quarter_number, quarter_of
from forecast.priors import Beliefs
from forecast.roster import Mission, Roster, address, calendar
from forecast.spells import open_contingents
from forecast.tenure import followed_countries, leader_state

Leaders = dict[str, dict[str, Any]]  # the state of leaders and elections by country
_NEW = "no fit has seen it: its effect is drawn from the population of missions"
_UNSEEN = "in no mission of the tables, effect drawn from the population of countries"
_UNLED = "no calendar of leaders, so none of their effects"


def build_roster(tables: Tables, plan: Plan, ramp: int = 8) -> Roster:
    """Who and what is projected; raises PlanError listing every mission that cannot be.

    `ramp` is the longest ramp of the wars, in quarters: verdicts are read when it has ended.
    """
    faults: list[str] = []
    missions: list[Mission] = []
    led = set(followed_countries(tables))
    for name in plan.missions:
        try:
            missions.append(_real(name, tables, plan, led))
        except (DataError, PlanError) as error:
            faults.append(f"plan {plan.name}, missions: {error}")
    for wish in plan.hypothetical:
        start = quarter_number(wish.start) - quarter_number(plan.first_quarter)
        faults.extend(_wish_faults(wish, start, tables, plan))
        missions.append(_hypothetical(wish, start, tables, led))
    known = tables.deployments.loc[~tables.deployments["residual"], "mission"]
    for name in sorted(set(plan.fit.leave_out) - set(known)):
        faults.append(
            f"plan {plan.name}, fit.leave_out: no mission {name!r} in the tables, expected one of "
            f"{', '.join(sorted(set(known)))}"
        )
    if faults:
        raise all_faults(PlanError, faults)
    nato = tables.members[(tables.members["alliance"] == "NATO") & tables.members["left"].isna()]
    members = tuple(sorted(nato["country"]))
    dyads = dyads_of(tables, plan)
    wanted = {*members, *(c for mission in missions for c in mission.contributors)}
    wanted |= {dyad.partner for dyad in dyads}
    quarters, years, quarter_of_year = calendar(plan)
    return Roster(
        members=members,
        countries=tuple(sorted(wanted & led)),
        missions=tuple(missions),
        wars=plan.war,
        designs=plan.design,
        quarters=quarters,
        years=years,
        quarter_of_year=quarter_of_year,
        verdict_at=min(_onset(plan) + ramp, plan.quarters) - 1,
        dyads=dyads,
    )


def _wish_faults(wish: Hypothetical, start: int, tables: Tables, plan: Plan) -> list[str]:
    where, faults = f"plan {plan.name}, hypothetical {wish.name}", []
    if not 0 <= start < plan.quarters:
        faults.append(
            f"{where}: start is {wish.start}, expected {plan.first_quarter} or one of the "
            f"{plan.quarters} quarters from then"
        )
    unknown = sorted(set(wish.contributors) - set(tables.countries["country"]))
    if unknown:
        faults.append(
            f"{where}: contributors {', '.join(unknown)} are not in countries.csv; "
            "add them to the workspace's tables/countries.csv"
        )
    return faults


def _real(name: str, tables: Tables, plan: Plan, led: set[str]) -> Mission:
    """A mission of the tables, with all contributors that are still there at the as-of date."""
    there = open_contingents(tables, name)
    if there.empty:
        raise PlanError(
            f"{name}: no contributor is there on {plan.as_of}; leave it out of missions"
        )
    row = tables.missions.set_index("mission").to_dict("index")[name]
    ever = tables.deployments[
        (tables.deployments["mission"] == name) & ~tables.deployments["residual"]
    ]
    first = quarter_number(plan.first_quarter)
    end = quarter_number(plan.ends[name]) - first if name in plan.ends else None
    if end is not None and end < 1:
        raise PlanError(f"{name}: ends in {plan.ends[name]}, expected after {plan.first_quarter}")
    unled = ~there["country"].isin(led)
    notes = {
        "not seen lately, counted as present": there.loc[there["last_seen_early"], "country"],
        _UNLED: there.loc[unled, "country"],
    }
    return Mission(
        name=name,
        label=str(row["name"]).split(" (")[0],
        framework=str(row["framework"]),
        combat=row["intensity"] == "combat",
        hypothetical=False,
        lead=str(row["lead"]),
        start=0,
        end=end,
        ever=int(ever["country"].nunique()),
        contributors=tuple(there["country"]),
        troops=tuple(there["troops"].astype(float)),
        served=tuple(there["quarters"].astype(int)),
        flags=_flags(notes),
        age=max(first - quarter_number(quarter_of(row["start"])), 0),
    )


def _flags(notes: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """What must be known of a mission: each reason with the countries that it concerns, if there are any."""
    found = {why: ", ".join(countries) for why, countries in notes.items()}
    return tuple(f"{why}: {countries}" for why, countries in found.items() if countries)


def _hypothetical(wish: Hypothetical, start: int, tables: Tables, led: set[str]) -> Mission:
    """A mission that no fit has seen, so its effect is drawn from the population; and so of its new countries."""
    contributors = tuple(sorted(wish.contributors))
    seen = set(tables.deployments.loc[~tables.deployments["residual"], "country"])
    notes = {
        _UNSEEN: [c for c in contributors if c not in seen],
        _UNLED: [c for c in contributors if c not in led],
    }
    return Mission(
        name=wish.name,
        label=wish.label,
        framework=wish.framework,
        combat=wish.intensity == "combat",
        hypothetical=True,
        lead=wish.lead,
        start=start,
        end=None,
        ever=len(contributors),
        contributors=contributors,
        troops=tuple(float(wish.contributors[c]) for c in contributors),
        served=tuple(0 for _ in contributors),
        flags=(f"hypothetical ({wish.source})", _NEW, *_flags(notes)),
        paid=wish.paid,
        prestige=wish.prestige,
        separate=wish.separate,
        creep=wish.creep,
    )


def build_layout(tables: Tables, beliefs: Beliefs, plan: Plan, roster: Roster) -> Layout:
    """The arrays of the core."""
    leaders = _leaders(tables)
    dyads, dyad_pledge = dyad_layout(tables, beliefs, roster)
    layout = Layout(
        constants=_constants(leaders, beliefs, plan, roster),
        pledge=np.log(pledge_path(beliefs, list(roster.years), plan.pledge_2035)),
        members=_members(tables, beliefs, roster),
        countries=_countries(leaders, plan, roster),
        missions=mission_records(roster),
        contingents=contingent_records(roster, tables, beliefs),
        slots=slot_records(),
        cells=_cells(beliefs, roster),
        dyads=dyads,
        dyad_pledge=dyad_pledge,
    )
    layout_alliance.put_members(layout.members, tables, beliefs, roster)
    layout_alliance.put_countries(layout.countries, beliefs, roster)
    layout_alliance.put_missions(layout.missions, layout.contingents, roster)
    layout_alliance.put_cells(layout.cells, beliefs, roster)
    return layout


def _leaders(tables: Tables) -> Leaders:
    """The state of leaders and elections by country."""
    rows: dict[Any, dict[Any, Any]] = leader_state(tables).to_dict("index")
    return {str(country): row for country, row in rows.items()}


def _onset(plan: Plan) -> int:
    """Index of the quarter in which the scenarios begin to differ."""
    onset = plan.onset or plan.first_quarter
    return quarter_number(onset) - quarter_number(plan.first_quarter)


def _constants(leaders: Leaders, beliefs: Beliefs, plan: Plan, roster: Roster) -> Any:
    out = records(state.CONSTANTS, 1)
    one, first = out[0], quarter_number(plan.first_quarter)
    one.quarter_of_year = roster.quarter_of_year
    one.usa = roster.countries.index("USA") if "USA" in roster.countries else -1
    one.usa_limited = int(leaders["USA"]["term_limited"])
    one.onset = _onset(plan)
    for name in MECHANISMS:
        one[name] = int(name not in plan.off)
    for name in STRESSES:
        one[name] = quarter_number(plan.stress[name]) - first if name in plan.stress else NEVER
    one.neutral_target = beliefs.grid.wars[WARS[0]].threat_target.value
    for name in ("floor", "cap", "front_mark"):
        one[name] = np.log(beliefs.value(f"spending.{name}"))
    for name in ("growth_mean", "growth_phi", "growth_bounce", "growth_sd"):
        one[name] = beliefs.value(f"spending.{name}")
    one.early_election = beliefs.value("leadership.early_election")
    one.usa_off_cycle = beliefs.value("leadership.usa_off_cycle")
    one.contagion_cap = beliefs.value("withdrawal.contagion_cap")
    for name in ("hollow_flags", "hollow_operation", "collapse_operation"):
        one[name] = beliefs.value(f"missions.{name}")
    one.factor_phi = beliefs.value("alliance.factor_phi")
    one.factor_innovation = beliefs.value("alliance.factor_sd") * np.sqrt(1 - one.factor_phi**2)
    one.factor_correlation = beliefs.value("alliance.factor_correlation")
    one.threat_persistence = beliefs.value("alliance.threat_persistence")
    one.threat_sd = beliefs.value("alliance.threat_sd")
    layout_alliance.put_constants(one, beliefs, roster)
    put_mission_constants(one, beliefs)
    return out


def _members(tables: Tables, beliefs: Beliefs, roster: Roster) -> Any:
    out = records(state.MEMBER, len(roster.members))
    nato = tables.members[tables.members["alliance"] == "NATO"].set_index("country")
    front = nato["frontline"].to_dict()
    weights = european_weights(tables).to_series()
    growth, depends = last_growth(tables), dependence(tables, beliefs)
    for m, name in enumerate(roster.members):
        out[m].id = address(name)
        out[m].country = roster.countries.index(name) if name in roster.countries else -1
        out[m].start_growth = growth.get(name, 0.0)
        out[m].front = float(front[name])
        out[m].depends = depends[name]
        out[m].european = float(weights.get(name, 0.0))
    return out


def _countries(leaders: Leaders, plan: Plan, roster: Roster) -> Any:
    out = records(state.COUNTRY, len(roster.countries))
    for k, name in enumerate(roster.countries):
        row = leaders[name]
        out[k].id = address(name)
        vote = row["next_election"]
        out[k].next_election = (
            NEVER
            if pd.isna(vote)
            else quarter_number(str(vote)) - quarter_number(plan.first_quarter)
        )
        out[k].term = int(row["term_quarters"]) if not pd.isna(row["term_quarters"]) else NEVER
        out[k].parliamentary = int(row["early_vote"])
        out[k].in_office = int(row["quarters_in_office"])
        out[k].voted = int(row["voted"])
    return out


def _cells(beliefs: Beliefs, roster: Roster) -> Any:
    out = records(state.CELL, len(roster.cells))
    for n, (war_name, design_name) in enumerate(roster.cells):
        war, design = beliefs.grid.wars[war_name], beliefs.grid.designs[design_name]
        out[n].war_ramp, out[n].design_ramp = war.ramp, design.ramp
        out[n].threat_target = war.threat_target.value
        out[n].pledge_multiplier = design.pledge_multiplier.value
        out[n].credibility = design.credibility.value
        out[n].half_life = [design.half_life.get(f, 0.0) for f in beliefs.grid.factors]
    return out
