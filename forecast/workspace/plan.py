"""Plans: what to run, up to which day, with which missions, scenarios, paths, seed and fit settings.

A plan is a frozen record whose fields are validated one by one, and together. `load_plan` reads it from a workspace.
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
from forecast.quarters import quarter_label, quarter_number

War = Literal["neutral", "win", "lose", "stalemate"]
Design = Literal[
    "none",
    "business_as_usual",
    "democracy_international",
    "global_vs_china",
    "division_of_labour",
]
Model = Literal["spending", "leadership", "withdrawal", "cohesion"]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Pair = Annotated[str, Field(pattern=r"^USA-[A-Z]{3}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Quarter = Annotated[str, Field(pattern=r"^\d{4}Q[1-4]$")]

#: Largest number of paths: sums in fixed point and 32-bit counts cannot overflow below it.
MOST_PATHS: Final = 100_000_000


class FitSettings(Strict):
    """How the models are sampled."""

    chains: int = Field(default=4, ge=2, le=16, description="number of Markov chains")
    tune: int = Field(default=1000, ge=200, description="tuning steps of each chain, which are discarded")
    draws: int = Field(default=1000, ge=200, description="draws of each chain that are kept")
    draws_of: Mapping[Model, Annotated[int, Field(ge=200)]] = Field(
        default={}, description="draws of each chain for single models, instead of `draws`"
    )
    target_accept: float = Field(default=0.95, gt=0.5, lt=1.0, description="target acceptance rate of the sampler")
    leave_out: tuple[Label, ...] = Field(
        default=(), description="missions, each left out of one more fit of the withdrawal model"
    )

    def of(self, model: str) -> "FitSettings":
        """Return the settings of one model."""
        draws = next((n for m, n in self.draws_of.items() if m == model), self.draws)
        return self.model_copy(update={"draws": draws, "draws_of": {}})


class Schedule(Strict):
    """When `forecast serve` runs a plan, and what it does when a run fails. No key changes a result."""

    cron: str = Field(
        description="minute, hour, day of month, month and day of week (0 and 7 are Sunday; names are allowed)"
    )
    timezone: str = Field(default="UTC", description="time zone of `cron`, as in Europe/Berlin")
    timeout: float = Field(default=120.0, gt=0.0, allow_inf_nan=False, description="longest duration of a run, minutes")
    memory: float = Field(default=16.0, ge=2.0, allow_inf_nan=False, description="largest address space of a run, GiB")
    degraded: bool = Field(
        default=False, description="whether to publish from the posteriors of the last good run after a failure"
    )
    on_failure: tuple[str, ...] = Field(
        default=(), description="command to run after a failure, word by word, without a shell"
    )
    on_recovery: tuple[str, ...] = Field(
        default=(), description="command to run after the first success since a failure, likewise"
    )

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        try:
            if len(value.split()) == 6:  # cronsim takes seconds too
                raise CronSimError("six fields")
            next(CronSim(value, datetime(2000, 1, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration) as error:
            raise ValueError(f"expected a cron expression such as '0 6 * * mon', Mondays at six ({error})") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the time zone data
            raise ValueError("expected a time zone such as Europe/Berlin or UTC") from None
        return value


class Hypothetical(Strict):
    """A coalition that does not exist: its start and the troops of each contributor."""

    name: Label = Field(description="name in the stored results")
    label: str = Field(description="name in reports")
    framework: Literal["ad_hoc", "nato", "un", "eu"] = Field(description="organisation that commands it")
    intensity: Literal["combat", "noncombat"] = Field(description="whether it fights")
    lead: Country = Field(description="lead country, one of the contributors")
    start: Quarter = Field(description="first quarter, within the projected ones")
    contributors: Mapping[Country, Annotated[int, Field(ge=1)]] = Field(
        min_length=1, description="troops of each country at the start, persons"
    )
    paid: tuple[Country, ...] = Field(default=(), description="contributors that join for side payments")
    prestige: tuple[Country, ...] = Field(default=(), description="contributors that join for prestige")
    separate: tuple[Country, ...] = Field(default=(), description="contributors that have a separate sector")
    creep: bool = Field(default=False, description="whether its aims have expanded towards state-building")
    source: str = Field(min_length=1, description="source of the numbers, or the word judgement with a reason")

    @model_validator(mode="after")
    def _names_contributors(self) -> "Hypothetical":
        for key in ("paid", "prestige", "separate"):
            if others := sorted(set(getattr(self, key)) - set(self.contributors)):
                raise ValueError(f"{key} {', '.join(others)} is not among the contributors; add troops or remove it")
        if self.lead not in self.contributors:
            raise ValueError(f"lead {self.lead} is not among the contributors; add its troops or change the lead")
        return self


class Plan(Strict):
    """What to run.

    A run projects every combination of `war` and `design`. It simulates `paths` paths, which use the `draws` parameter
    draws in turn.
    """

    documented = True

    name: Label = Field(description="the name of the plan file, of lower-case letters, digits and _")
    title: str = Field(description="title of the report")
    as_of: date = Field(description="last day that is known; the first projected quarter follows it")
    seed: int = Field(ge=0, lt=2**32, description="seed of all random numbers")
    quarters: int = Field(default=40, ge=8, le=80, description="number of projected quarters")
    draws: int = Field(default=4000, ge=32, description="number of parameter draws, a multiple of 32")
    paths: int = Field(default=20000, ge=32, le=MOST_PATHS, description="number of simulated paths of each scenario")
    precision: float | None = Field(
        allow_inf_nan=False,
        default=None,
        gt=0.0,
        description="add paths until no headline has a larger Monte Carlo standard error, in the unit of the headline",
    )
    joint_paths: int = Field(default=500, ge=32, description="number of whole paths that are stored, at most `paths`")
    onset: Quarter | None = Field(
        default=None, description="quarter in which the scenarios begin to differ; the first projected one if absent"
    )
    pledge_2035: float | None = Field(
        default=None, gt=0.0, le=10.0, description="pledge for 2035 in percent of GDP, instead of the one in the priors"
    )
    start: Literal["neutral", "posterior"] = Field(
        default="posterior", description="state of the factors of cohesion at the start: 0, or as fitted"
    )
    off: tuple[Label, ...] = Field(default=(), description="mechanisms to switch off, of `names.MECHANISMS`")
    stress: Mapping[Label, Quarter] = Field(
        default_factory=dict,
        description="events to set to happen, of `names.STRESSES`, each with its quarter",
    )
    war: tuple[War, ...] = Field(default=WARS, description="outcomes of the war in Ukraine")
    design: tuple[Design, ...] = Field(default=DESIGNS, description="designs of the alliance")
    missions: tuple[Label, ...] = Field(default=(), description="missions of the table `missions` to project")
    ends: Mapping[Label, Quarter] = Field(
        default_factory=dict, description="first quarter without the mission, for missions with a known end"
    )
    hypothetical: tuple[Hypothetical, ...] = Field(default=(), description="hypothetical missions to project")
    dyads: tuple[Pair, ...] = Field(
        default=("USA-JPN", "USA-KOR"), description="pairs with priors in `priors/dyads.toml` to project"
    )
    fit: FitSettings = Field(default=FitSettings(), description="how the models are sampled")
    schedule: Schedule | None = Field(default=None, description="when `forecast serve` runs the plan")

    @model_validator(mode="after")
    def _names_are_known_once(self) -> "Plan":
        missions = [*self.missions, *(coalition.name for coalition in self.hypothetical)]
        named: dict[str, list[str]] = {"war": [*self.war], "design": [*self.design], "missions": missions}
        for key, values in named.items():
            if not values:
                raise ValueError(f"{key} is empty, expected at least one name")
        for key, values in {**named, "dyads": [*self.dyads]}.items():
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names something twice: {', '.join(values)}; remove the repeat")
        for key, given, known in (("off", self.off, MECHANISMS), ("stress", self.stress, STRESSES)):
            if unknown := [name for name in given if name not in known]:
                raise ValueError(f"{key} names {unknown[0]!r}, expected one of {', '.join(known)}")
        if strange := [name for name in self.ends if name not in self.missions]:
            raise ValueError(
                f"ends names {strange[0]!r}, which is not among the missions; add it there or remove it here"
            )
        return self

    @model_validator(mode="after")
    def _numbers_fit_together(self) -> "Plan":
        if self.joint_paths > self.paths:
            raise ValueError(f"joint_paths is {self.joint_paths}, expected at most paths ({self.paths})")
        quarters = {"onset": self.onset} | {f"stress.{k}": q for k, q in self.stress.items()}
        for key, quarter in quarters.items():
            if quarter and quarter_number(quarter) < quarter_number(self.first_quarter):
                raise ValueError(f"{key} is {quarter}, expected {self.first_quarter} or later")
        if self.draws % 32:
            raise ValueError(f"draws is {self.draws}, expected a multiple of 32, the number of batches")
        return self

    @field_validator("war", "design")
    @classmethod
    def _in_order(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Return the values in the order of `names`, so that the reference scenario is first."""
        return tuple(sorted(value, key=(*WARS, *DESIGNS).index))

    @property
    def first_quarter(self) -> str:
        """Label of the quarter after the as-of date, e.g. 2026Q1."""
        return quarter_label(quarter_number(self.as_of) + 1)


def parse_plan(where: str, name: str, content: Mapping[str, Any]) -> Plan:
    """Return the plan of a parsed file.

    Parameters
    ----------
    where : name of the file in error messages.
    name : name of the plan.
    content : parsed TOML.

    Raises
    ------
    PlanError
        Listing every fault with file and key.
    """
    faults = []
    if "name" in content:
        faults.append(f"{where}: unknown key 'name'; remove it, because a plan has the name of its file")
    plan, others = validate(where, Plan, content, given={"name": name})
    if plan is None or faults:
        raise all_faults(PlanError, faults + others)
    return plan


def load_plan(home: Path, name: str) -> "Plan":
    """Return a plan of a workspace by its name, or from a plan file by its path.

    Raises
    ------
    PlanError
        If there is no such file, or if it is invalid.
    """
    from forecast.storage.files import read_toml

    path = Path(name) if name.endswith(".toml") else home / "runs" / "plans" / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(known_plans(home)) or "none"
        raise PlanError(
            f"{path}: no such plan; known plans here: {known}; name one of them, or make them with `forecast init`"
        )
    try:
        return parse_plan(str(path), path.stem, read_toml(path))
    except PriorError as error:
        raise PlanError(str(error)) from None


def known_plans(home: Path) -> list[str]:
    """Return the names of the plans of a workspace, sorted."""
    return sorted(path.stem for path in (home / "runs" / "plans").glob("*.toml"))
