"""Resolve a plan against tables and priors to the roster of entities.

Everything in a plan that contradicts the tables or the priors is reported here, before anything is fitted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from forecast.data.country_codes import country_hint
from forecast.data.deployments import open_contingents
from forecast.data.leaders import followed_countries
from forecast.data.tables import Tables
from forecast.errors import DataError, PlanError, all_faults, did_you_mean, listed
from forecast.names import DESIGN, WAR
from forecast.priors.load import Priors
from forecast.priors.scenarios import with_own
from forecast.quarters import quarter_number
from forecast.workspace.plan import Hypothetical, Plan
from forecast.workspace.roster import Dyad, Mission, Roster, calendar

#: Years after the last figures of defence spending in which a forecast from them still makes sense.
_YEARS_WITHOUT_FIGURES: Final = 2
_MOST_SCENARIOS: Final = 100  # of a run: a report shows a picture of each
_HINTS: Final = 5  # unknown codes for which a message names the country that is probably meant
_NEW = "not in any fit, so its effect is drawn from the population of missions"
_UNSEEN = "in no mission of the tables, so the effect is drawn from the population of countries"
_EARLY = "last observed more than a month before the as-of date, counted as present"
_UNLED = "no leaders or elections in the tables, so these have no effect"


def with_own_scenarios(priors: Priors, plan: Plan, where: str) -> Priors:
    """Return priors whose grid has the scenarios of the plan itself too; raises PlanError with all their faults."""
    if not plan.own_war and not plan.own_design:
        return priors
    grid, faults = with_own(priors.grid, {WAR: plan.own_war, DESIGN: plan.own_design}, where)
    if faults:
        raise all_faults(PlanError, faults)
    return replace(priors, grid=grid)


def build_roster(tables: Tables, plan: Plan, priors: Priors, where: str = "") -> Roster:
    """Return the entities that a plan projects.

    Parameters
    ----------
    tables : tables as of the day of the plan.
    plan : plan to resolve.
    priors : priors and scenarios. Verdicts are read when the longest ramp of the wars has ended.
    where : file of the plan in messages; by default its usual place.

    Raises
    ------
    PlanError
        Listing every scenario, mission, hypothetical mission, left-out mission and dyad that cannot be projected, with
        its key.
    """
    wars, designs, faults = _scenarios(plan, priors)
    faults += _day_faults(tables, plan) + _pledge_faults(plan, priors)
    missions: list[Mission] = []
    led = set(followed_countries(tables))
    for name in plan.missions:
        try:
            missions.append(_real(name, tables, plan, led))
        except (DataError, PlanError) as error:
            faults.append(f"missions: {error}")
    for coalition in plan.hypothetical:
        start = quarter_number(coalition.start) - quarter_number(plan.first_quarter)
        faults += _hypothetical_faults(coalition, start, tables, plan)
        missions.append(_hypothetical(coalition, start, tables, led))
    known = sorted(set(tables.main_contingents()["mission"]))
    faults += [
        f"fit.leave_out: no mission {name!r} in the tables, expected one of {', '.join(known)}; correct the name"
        for name in sorted(set(plan.fit.leave_out) - {*known})
    ]
    faults += dyad_faults(tables, priors, plan)
    first: dict[str, str] = {}
    scenarios = {**priors.grid.wars, **priors.grid.designs}
    for mission in missions:
        if mission.name in scenarios:
            faults.append(
                f"{mission.name}: is the name of a scenario too, expected one of its own; rename the scenario"
            )
        if (other := first.setdefault(mission.label, mission.name)) != mission.name:
            faults.append(f"{mission.name}: label is that of {other}, expected one of its own; change the label")
    if faults:
        where = where or f"runs/plans/{plan.name}.toml"
        raise all_faults(PlanError, [f"{where}: {fault}" for fault in faults])
    members = tuple(sorted(tables.allies()["country"]))
    dyads = dyads_of(tables, plan)
    wanted = {*members, *(c for mission in missions for c in mission.contributors)}
    wanted |= {dyad.partner for dyad in dyads}
    quarters, years, quarter_of_year = calendar(plan)
    ramp = max(war.ramp for war in priors.grid.wars.values())
    return Roster(
        members=members,
        countries=tuple(sorted(wanted & led)),
        missions=tuple(missions),
        wars=wars,
        designs=designs,
        reference=priors.grid.reference,
        quarters=quarters,
        years=years,
        quarter_of_year=quarter_of_year,
        verdict_at=min(onset_index(plan) + ramp, plan.quarters) - 1,
        dyads=dyads,
    )


def _scenarios(plan: Plan, priors: Priors) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return the wars and the designs of a plan in the order of the grid, and the faults of their choice."""
    faults: list[str] = []
    chosen: list[tuple[str, ...]] = []
    axes: tuple[tuple[str, Any, Mapping[str, Any]], ...] = (
        ("war", plan.war, priors.grid.wars),
        ("design", plan.design, priors.grid.designs),
    )
    for key, given, known in axes:
        faults += [
            f"{key} names {name!r}, expected one of {', '.join(known)}, the tables of priors/scenarios/{key}.toml"
            f"{did_you_mean(name, known)}; correct the name, or add [{name}] there"
            for name in given or ()
            if name not in known
        ]
        chosen.append(tuple(name for name in known if given is None or name in given))
    wars, designs = chosen
    if (size := len(wars) * len(designs)) > _MOST_SCENARIOS:
        faults.append(
            f"war and design: {len(wars)} × {len(designs)} = {size} scenarios, expected at most {_MOST_SCENARIOS}; "
            "name fewer of them"
        )
    return wars, designs, faults


def _day_faults(tables: Tables, plan: Plan) -> list[str]:
    """Return a fault if the as-of day is long after the last figures of the tables."""
    last_year = int(tables.defence_spending["year"].max())
    latest = date(last_year + _YEARS_WITHOUT_FIGURES, 12, 31)
    if plan.as_of <= latest:
        return []
    return [
        f"as_of is {plan.as_of}, expected a day up to {latest}, because the last figures of defence_spending.csv are "
        f"of {last_year}; choose an earlier day, or add later figures to the workspace's tables/defence_spending.csv"
    ]


def _pledge_faults(plan: Plan, priors: Priors) -> list[str]:
    """Return a fault if no ally could reach the pledge of the plan within the bounds of the priors."""
    floor, cap = priors.value("spending.floor"), priors.value("spending.cap")
    if plan.pledge_2035 is None or floor < plan.pledge_2035 <= cap:
        return []
    return [
        f"pledge_2035 is {plan.pledge_2035:g}, expected above {floor:g} and at most {cap:g} percent of GDP, [floor] "
        "and the [cap] of priors/spending.toml; change one of them"
    ]


def _hypothetical_faults(coalition: Hypothetical, start: int, tables: Tables, plan: Plan) -> list[str]:
    where, faults = f"hypothetical {coalition.name}", []
    if not 0 <= start < plan.quarters:
        faults.append(
            f"{where}: start is {coalition.start}, expected {plan.first_quarter} or one of the {plan.quarters} "
            "quarters from then; change it"
        )
    if coalition.name in set(tables.missions["mission"]):
        faults.append(f"{where}: name is that of a mission in missions.csv, expected a name of its own; change it")
    unknown = sorted(set(coalition.contributors) - set(tables.countries["country"]))
    if unknown:
        hints = (f"; {code}: {hint.removeprefix('; ')}" for code in unknown[:_HINTS] if (hint := country_hint(code)))
        faults.append(
            f"{where}: contributors {listed(unknown)} are not in countries.csv; add them to the workspace's "
            f"tables/countries.csv, or correct the codes{''.join(hints)}"
        )
    return faults


def _real(name: str, tables: Tables, plan: Plan, led: set[str]) -> Mission:
    """Return a mission of the tables, with all contributors that are present at the as-of date."""
    present = open_contingents(tables, name)
    if present.empty:
        raise PlanError(f"{name}: no contributor is present on {plan.as_of}, expected at least one; omit the mission")
    row = tables.missions.set_index("mission").to_dict("index")[name]
    ever = tables.main_contingents(name)
    first = quarter_number(plan.first_quarter)
    end = quarter_number(plan.ends[name]) - first if name in plan.ends else None
    if end is not None and end < 1:
        raise PlanError(f"{name}: ends in {plan.ends[name]}, expected after {plan.first_quarter}; change ends.{name}")
    unled = ~present["country"].isin(led)
    dated, old = present["level_date"].notna(), present["troops_old"]
    notes = {
        _EARLY: present.loc[present["last_seen_early"], "country"],
        _UNLED: present.loc[unled, "country"],
        "last head count": [f"{x.country} ({x.level_date:%Y-%m})" for x in present[dated & old].itertuples()],
        "no head count, size estimated": present.loc[~dated, "country"],
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
        contributors=tuple(present["country"]),
        troops=tuple(present["troops"].astype(float)),
        served=tuple(present["quarters"].astype(int)),
        flags=_flags(notes),
        age=max(first - quarter_number(row["start"]), 0),
    )


def _flags(notes: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return each note with the countries that it concerns, without the notes that concern none."""
    names = {note: ", ".join(countries) for note, countries in notes.items()}
    return tuple(f"{note}: {countries}" for note, countries in names.items() if countries)


def _hypothetical(coalition: Hypothetical, start: int, tables: Tables, led: set[str]) -> Mission:
    """Return a hypothetical mission; its effect, and that of new countries, is drawn from the population."""
    contributors = tuple(sorted(coalition.contributors))
    fitted = set(tables.main_contingents()["country"])
    notes = {
        _UNSEEN: [c for c in contributors if c not in fitted],
        _UNLED: [c for c in contributors if c not in led],
    }
    return Mission(
        name=coalition.name,
        label=coalition.label,
        framework=coalition.framework,
        combat=coalition.intensity == "combat",
        hypothetical=True,
        lead=coalition.lead,
        start=start,
        end=None,
        ever=len(contributors),
        contributors=contributors,
        troops=tuple(float(coalition.contributors[c]) for c in contributors),
        served=tuple(0 for _ in contributors),
        flags=(f"hypothetical ({coalition.source})", _NEW, *_flags(notes)),
        paid=coalition.paid,
        prestige=coalition.prestige,
        separate=coalition.separate,
        creep=coalition.creep,
    )


def onset_index(plan: Plan) -> int:
    """Return the index of the quarter in which the scenarios begin to differ; 0 is the first projected quarter."""
    onset = plan.onset or plan.first_quarter
    return quarter_number(onset) - quarter_number(plan.first_quarter)


def dyads_of(tables: Tables, plan: Plan) -> tuple[Dyad, ...]:
    """Return the dyads of a plan with their labels."""
    names = dict(zip(tables.countries["country"], tables.countries["name"], strict=True))
    dyads = []
    for pair in plan.dyads:
        lead, partner = pair.split("-")
        label = f"{names.get(lead, lead)}–{names.get(partner, partner)}"
        dyads.append(Dyad(name=pair, partner=partner, label=label))
    return tuple(dyads)


def dyad_faults(tables: Tables, priors: Priors, plan: Plan) -> list[str]:
    """Return the faults of the dyads of a plan: a pair without priors, or a partner without figures of spending."""
    faults, with_spending = [], set(tables.defence_spending["country"])
    known = priors.dyads
    for dyad in dyads_of(tables, plan):
        where = f"dyads: {dyad.name}"
        if dyad.name not in known:
            faults.append(
                f"{where} is not in priors/dyads.toml, expected one of {', '.join(known) or 'none'}; "
                f"remove the pair or add tables [{dyad.name}.<name>] there"
            )
        elif dyad.partner not in with_spending:
            faults.append(
                f"{where} has a partner without rows in defence_spending.csv, expected figures of {dyad.partner}; "
                "add them to the workspace's tables/defence_spending.csv"
            )
    return faults
