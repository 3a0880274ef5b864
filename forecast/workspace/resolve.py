"""A plan resolved against tables and priors: the roster of entities.

Everything wrong with a plan against the tables is named here, before anything is fitted.
"""

from collections.abc import Iterable, Mapping

from forecast.data.deployments import open_contingents
from forecast.data.leaders import followed_countries
from forecast.data.tables import Tables
from forecast.errors import DataError, PlanError, all_faults
from forecast.priors.load import Priors
from forecast.quarters import quarter_number, quarter_of
from forecast.workspace.plan import Hypothetical, Plan
from forecast.workspace.roster import Dyad, Mission, Roster, calendar

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
        verdict_at=min(onset_index(plan) + ramp, plan.quarters) - 1,
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
        raise PlanError(f"{name}: no contributor is there on {plan.as_of}; leave it out of missions")
    row = tables.missions.set_index("mission").to_dict("index")[name]
    ever = tables.deployments[(tables.deployments["mission"] == name) & ~tables.deployments["residual"]]
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


def onset_index(plan: Plan) -> int:
    """Index of the quarter in which the scenarios begin to differ."""
    onset = plan.onset or plan.first_quarter
    return quarter_number(onset) - quarter_number(plan.first_quarter)


def dyads_of(tables: Tables, plan: Plan) -> tuple[Dyad, ...]:
    """The dyads of a plan with their labels."""
    called = dict(zip(tables.countries["country"], tables.countries["name"], strict=True))
    found = []
    for name in plan.dyads:
        lead, partner = name.split("-")
        label = f"{called.get(lead, lead)}–{called.get(partner, partner)}"
        found.append(Dyad(name=name, partner=partner, label=label))
    return tuple(found)


def dyad_faults(tables: Tables, priors: Priors, plan: Plan) -> list[str]:
    """What is wrong with the dyads of a plan: nothing believed of one, or no figures of its partner's spending."""
    faults, spends = [], set(tables.defence_spending["country"])
    known = priors.dyads
    for dyad in dyads_of(tables, plan):
        where = f"plan {plan.name}, dyads: {dyad.name}"
        if dyad.name not in known:
            faults.append(
                f"{where} is not in priors/dyads.toml, expected one of {', '.join(known) or 'none'}; "
                f"add tables [{dyad.name}.<name>] there"
            )
        if dyad.partner not in spends:
            faults.append(
                f"{where}: no row of defence_spending is of {dyad.partner}, expected its figures; "
                "add them to the workspace's tables/defence_spending.csv"
            )
    return faults
