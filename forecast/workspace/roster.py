"""Who and what a projection is about: the labels of every axis, in the order of the kernel's arrays."""

from dataclasses import dataclass

from forecast.quarters import quarter_label, quarter_number
from forecast.workspace.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Mission:
    """One mission of a projection, real or hypothetical; quarters count from the first projected one."""

    name: str
    label: str
    framework: str
    combat: bool
    hypothetical: bool
    lead: str
    start: int
    end: int | None
    ever: int
    contributors: tuple[str, ...]
    troops: tuple[float, ...]
    served: tuple[int, ...]
    flags: tuple[str, ...]
    age: int = 0  # quarters since the mission began, at its start or at the first projected quarter
    paid: tuple[str, ...] = ()  # contributors that joined for side payments
    prestige: tuple[str, ...] = ()  # that joined for standing
    separate: tuple[str, ...] = ()  # that have a sector of their own
    creep: bool = False  # its aims have grown towards state-building


@dataclass(frozen=True, kw_only=True, slots=True)
class Dyad:
    """The United States with one partner, as in USA-JPN."""

    name: str
    partner: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """Labels: allies, all countries with a leader series, missions, dyads, and the calendar."""

    members: tuple[str, ...]
    countries: tuple[str, ...]
    missions: tuple[Mission, ...]
    wars: tuple[str, ...]
    designs: tuple[str, ...]
    quarters: tuple[str, ...]
    years: tuple[int, ...]
    quarter_of_year: int
    verdict_at: int  # index of the quarter in which the shifts of all wars are whole
    dyads: tuple[Dyad, ...] = ()

    @property
    def contributors(self) -> tuple[str, ...]:
        """Every country with a contingent, in alphabetical order."""
        return tuple(sorted({c for mission in self.missions for c in mission.contributors}))

    @property
    def cells(self) -> list[tuple[str, str]]:
        """(war, design) in the order of the tallies."""
        return [(war, design) for war in self.wars for design in self.designs]


def calendar(plan: Plan) -> tuple[tuple[str, ...], tuple[int, ...], int]:
    """Labels of the quarters, the calendar years whose last quarter is projected, and 0..3 of the first quarter."""
    first = quarter_number(plan.first_quarter)
    quarters = tuple(quarter_label(first + i) for i in range(plan.quarters))
    years = tuple(int(q[:4]) for q in quarters if q.endswith("Q4"))
    return quarters, years, first % 4
