"""A plan says what to run: the day it knows up to, missions, scenarios, paths, seed, and how to fit.

It is a frozen record checked field by field; where its file is, only `storage/files.py` knows.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator, model_validator

from forecast.errors import PlanError, PriorError, all_faults
from forecast.names import DESIGNS, MECHANISMS, STRESSES, WARS
from forecast.priors.validation import Strict, validate
from forecast.quarters import quarter_label, quarter_number, quarter_of

War = Literal["neutral", "win", "lose", "stalemate"]
Design = Literal[
    "none",
    "business_as_usual",
    "democracy_international",
    "global_vs_china",
    "division_of_labour",
]

Model = Literal["spending", "leadership", "withdrawal", "cohesion"]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="lower-case letters, digits and _")]
Pair = Annotated[str, Field(pattern=r"^USA-[A-Z]{3}$", description="a dyad such as USA-JPN")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="a country code such as FRA")]
Quarter = Annotated[str, Field(pattern=r"^\d{4}Q[1-4]$", description="a quarter such as 2026Q1")]


#: So many paths at most: sums in fixed point and counts of 32 bits then hold any of them.
MOST_PATHS: Final = 100_000_000


class FitSettings(Strict):
    """How the models are sampled. tune and draws are per chain; `draws_of` names models that need more or fewer."""

    chains: int = Field(default=4, ge=2, le=16)
    tune: int = Field(default=1000, ge=200)
    draws: int = Field(default=1000, ge=200)
    draws_of: Mapping[Model, Annotated[int, Field(ge=200)]] = {}
    target_accept: float = Field(default=0.95, gt=0.5, lt=1.0)
    leave_out: tuple[Label, ...] = ()

    def of(self, model: str) -> "FitSettings":
        """What holds for one model."""
        draws = next((n for m, n in self.draws_of.items() if m == model), self.draws)
        return self.model_copy(update={"draws": draws, "draws_of": {}})


class Schedule(Strict):
    """When a plan is due, and what becomes of a run that takes too much. None of it changes a number.

    `cron` is minute, hour, day of month, month, day of week; 0 and 7 are Sunday, names are allowed. `on_failure` and
    `on_recovery` are commands, word by word, run without a shell.
    """

    cron: str
    timezone: str = "UTC"
    timeout: float = Field(default=120.0, gt=0.0)  # minutes
    memory: float = Field(default=16.0, ge=2.0)  # GiB of address space
    degraded: bool = False  # after a failure, publish from the posteriors of the last good run
    on_failure: tuple[str, ...] = ()
    on_recovery: tuple[str, ...] = ()

    @field_validator("cron")
    @classmethod
    def _comes(cls, value: str) -> str:
        try:
            next(CronSim(value, datetime(2000, 1, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration) as error:
            raise ValueError(f"expected a cron expression such as '0 6 * * mon', Mondays at six ({error})") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("expected a time zone such as Europe/Berlin or UTC") from None
        return value


class Hypothetical(Strict):
    """A coalition that does not exist: who would join with how many troops, and from when."""

    name: Label
    label: str
    framework: Literal["ad_hoc", "nato", "un", "eu"]
    intensity: Literal["combat", "noncombat"]
    lead: Country
    start: Quarter
    contributors: Mapping[Country, Annotated[int, Field(ge=1)]] = Field(min_length=1)
    paid: tuple[Country, ...] = ()  # joined for side payments
    prestige: tuple[Country, ...] = ()  # joined for standing
    separate: tuple[Country, ...] = ()  # have a sector of their own
    creep: bool = False  # its aims have grown towards state-building
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _lead_contributes(self) -> "Hypothetical":
        for key in ("paid", "prestige", "separate"):
            if strangers := sorted(set(getattr(self, key)) - set(self.contributors)):
                raise ValueError(f"{key} {', '.join(strangers)} is not among the contributors")
        if self.lead not in self.contributors:
            raise ValueError(f"lead {self.lead} is not among the contributors")
        return self


class Plan(Strict):
    """What to run. `war` and `design` span the grid; `draws` parameter draws serve `paths` paths in turn."""

    name: Label
    title: str
    as_of: date
    seed: int = Field(ge=0, lt=2**32)
    quarters: int = Field(default=40, ge=8, le=80)  # the verdict is read at the eighth
    draws: int = Field(default=4000, ge=32)
    paths: int = Field(default=20000, ge=32, le=MOST_PATHS)
    precision: float | None = Field(default=None, gt=0.0)  # add paths until no headline errs more
    joint_paths: int = Field(default=500, ge=32)
    onset: Quarter | None = None
    pledge_2035: float | None = Field(default=None, gt=0.0, le=10.0)  # percent of GDP, for another pledge
    start: Literal["neutral", "posterior"] = "posterior"  # of the factors of cohesion
    off: tuple[Label, ...] = ()  # mechanisms that are switched off
    stress: Mapping[Label, Quarter] = Field(default_factory=dict)  # events that are set to happen
    war: tuple[War, ...] = WARS
    design: tuple[Design, ...] = DESIGNS
    missions: tuple[Label, ...] = ()
    ends: Mapping[Label, Quarter] = Field(default_factory=dict)
    hypothetical: tuple[Hypothetical, ...] = ()
    dyads: tuple[Pair, ...] = ("USA-JPN", "USA-KOR")
    fit: FitSettings = FitSettings()
    schedule: Schedule | None = None

    @model_validator(mode="after")
    def _no_twice(self) -> "Plan":
        named = [*self.missions, *(h.name for h in self.hypothetical)]
        for what, values in (("war", self.war), ("design", self.design), ("missions", named)):
            if not values:
                raise ValueError(f"{what} is empty, expected at least one")
            if len(set(values)) < len(values):
                raise ValueError(f"{what} names something twice: {', '.join(values)}")
        if len(set(self.dyads)) < len(self.dyads):
            raise ValueError(f"dyads names something twice: {', '.join(self.dyads)}")
        for key, given, known in (("off", self.off, MECHANISMS), ("stress", self.stress, STRESSES)):
            for name in given:
                if name not in known:
                    expected = f"expected one of {', '.join(known) or 'none'}"
                    raise ValueError(f"{key} names {name!r}, {expected}")
        for name in self.ends:
            if name not in self.missions:
                raise ValueError(f"ends names {name!r}, which is not among the missions")
        if self.joint_paths > self.paths:
            raise ValueError(f"joint_paths is {self.joint_paths}, more than paths ({self.paths})")
        quarters = {"onset": self.onset} | {f"stress.{k}": q for k, q in self.stress.items()}
        for key, quarter in quarters.items():
            if quarter and quarter_number(quarter) < quarter_number(self.first_quarter):
                raise ValueError(f"{key} is {quarter}, expected {self.first_quarter} or later")
        if self.draws % 32:
            raise ValueError(f"draws is {self.draws}, expected a multiple of 32 (the batches)")
        return self

    @field_validator("war", "design")
    @classmethod
    def _in_order(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """The order of `names`, whatever that of the file: the reference comes first."""
        return tuple(sorted(value, key=(*WARS, *DESIGNS).index))

    @property
    def first_quarter(self) -> str:
        """The quarter after the as-of date, e.g. 2026Q1."""
        return quarter_label(quarter_number(quarter_of(self.as_of)) + 1)


def parse_plan(where: str, name: str, content: Mapping[str, Any]) -> Plan:
    """Return the plan in a parsed file; raise PlanError with all faults, each with file and key."""
    own_name = [f"{where}: unknown key 'name'; remove it, a plan has the name of its file"] if "name" in content else []
    plan, faults = validate(where, Plan, content, given={"name": name})
    if plan is None or own_name:
        raise all_faults(PlanError, own_name + faults)
    return plan


def load_plan(home: Path, name: str) -> "Plan":
    """The plan `name` of a workspace, or a plan file by its path; raises PlanError."""
    from forecast.storage.files import read_toml

    path = Path(name) if name.endswith(".toml") else home / "runs" / "plans" / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(known_plans(home)) or "none"
        raise PlanError(f"{path}: no such plan; known plans here: {known} (see `forecast init`)")
    try:
        return parse_plan(str(path), path.stem, read_toml(path))
    except PriorError as error:
        raise PlanError(str(error)) from None


def known_plans(home: Path) -> list[str]:
    """Names of the plans of a workspace."""
    return sorted(path.stem for path in (home / "runs" / "plans").glob("*.toml"))
