"""Entities of a projection: the labels of every axis, in the order of the arrays of the kernel."""

from dataclasses import dataclass

from forecast.names import NEUTRAL, NO_DESIGN
from forecast.quarters import quarter_label, quarter_number
from forecast.workspace.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Mission:
    """One mission of a projection, real or hypothetical. Indices of quarters count from the first projected quarter."""

    name: str
    label: str
    framework: str  # of `names.FRAMEWORKS`
    combat: bool
    hypothetical: bool
    lead: str
    start: int  # index of its first projected quarter
    end: int | None  # index of the first quarter without it, None if open
    ever: int  # number of countries that have ever contributed
    contributors: tuple[str, ...]  # countries present at the start, sorted
    troops: tuple[float, ...]  # persons, one number for each contributor
    served: tuple[int, ...]  # quarters since entry at the first projected quarter, one number for each contributor
    flags: tuple[str, ...]  # what is unknown about the mission, in words
    age: int = 0  # quarters since the mission began, at its first projected quarter
    paid: tuple[str, ...] = ()  # contributors that joined for side payments
    prestige: tuple[str, ...] = ()  # contributors that joined for prestige
    separate: tuple[str, ...] = ()  # contributors that have a separate sector
    creep: bool = False  # whether its aims have expanded towards state-building


@dataclass(frozen=True, kw_only=True, slots=True)
class Dyad:
    """The United States with one partner, as in USA-JPN."""

    name: str
    partner: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """Labels of allies, countries, missions, scenarios and dyads, and the calendar of the projection."""

    members: tuple[str, ...]  # allies, sorted
    countries: tuple[str, ...]  # countries with a leader series, sorted
    missions: tuple[Mission, ...]
    wars: tuple[str, ...]
    designs: tuple[str, ...]
    quarters: tuple[str, ...]  # labels of the projected quarters
    years: tuple[int, ...]  # calendar years whose last quarter is projected
    quarter_of_year: int  # 0 to 3: place of the first projected quarter in its year
    verdict_at: int  # index of the quarter in which the shifts of all wars are complete
    dyads: tuple[Dyad, ...] = ()
    #: War and design against which the others are read; a plan may leave them out.
    reference: tuple[str, str] = (NEUTRAL, NO_DESIGN)

    @property
    def contributors(self) -> tuple[str, ...]:
        """All countries with a contingent, sorted."""
        return tuple(sorted({c for mission in self.missions for c in mission.contributors}))

    @property
    def spenders(self) -> tuple[str, ...]:
        """All countries whose spending is projected: the allies, and the partners of dyads."""
        return tuple(sorted({*self.members, *(dyad.partner for dyad in self.dyads)}))

    @property
    def cells(self) -> list[tuple[str, str]]:
        """All scenarios (war, design), in the order of the tallies."""
        return [(war, design) for war in self.wars for design in self.designs]


def calendar(plan: Plan) -> tuple[tuple[str, ...], tuple[int, ...], int]:
    """Return the labels of the quarters, the years whose last quarter is projected, and the first quarter as 0 to 3."""
    first = quarter_number(plan.first_quarter)
    quarters = tuple(quarter_label(first + i) for i in range(plan.quarters))
    years = tuple(int(q[:4]) for q in quarters if q.endswith("Q4"))
    return quarters, years, first % 4
