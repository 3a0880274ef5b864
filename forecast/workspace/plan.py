"""Plans: what to run, up to which day, with which missions, scenarios, paths, seed and fit settings.

A plan is a frozen record whose fields are validated one by one, and together. `load_plan` reads it from a workspace.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from forecast.errors import PlanError, PriorError, all_faults, did_you_mean, listed, shown_key
from forecast.names import DYAD_STRESSES, MECHANISMS, STRESSES
from forecast.priors.validation import A_NAME, NAME, Flag, Real, Strict, Whole, matching, validate
from forecast.quarters import quarter_label, quarter_number
from forecast.storage.listing import list_files
from forecast.storage.runs import LATEST
from forecast.storage.toml_files import read_toml


def resolve_as_of(value: Any, today: date) -> Any:
    """Return the day that the words `today` and `last quarter` (its last day) mean; any other value as it is."""
    if value == TODAY:
        return today
    if value == LAST_QUARTER:
        return today.replace(month=3 * ((today.month - 1) // 3) + 1, day=1) - timedelta(days=1)
    return value


def calendar_day(value: Any) -> date:
    """Return a day from a TOML date or from text of the form YYYY-MM-DD."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("expected a day of the calendar, YYYY-MM-DD, such as 2025-12-31") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"expected a day, YYYY-MM-DD, such as 2025-12-31, or '{TODAY}' or '{LAST_QUARTER}'")
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(f"expected a day from {FIRST_DAY} to {LAST_DAY}")
    return value


def _all_different(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("expected each name once; remove the repeat")
    return names


#: Earlier, there is no change of defence spending to fit; later, a slip of the keyboard is more likely than a plan.
FIRST_DAY: Final = date(1995, 12, 31)
LAST_DAY: Final = date(2099, 12, 31)
#: What `as_of` may say instead of a day. The word is resolved when the plan is read, so no run depends on it.
TODAY: Final = "today"
LAST_QUARTER: Final = "last quarter"
#: Largest number of paths: sums in fixed point and 32-bit counts cannot overflow below it.
MOST_PATHS: Final = 100_000_000
#: Smallest precision: below it, more paths would be needed than there can be.
FINEST: Final = 1e-5
#: Files of the time zone data that mean the time of this machine, no time, or count leap seconds.
_NO_ZONES: Final = ("localtime", "posixrules", "posix/", "right/", "Factory")
COARSEST: Final = 1e6  # no headline is larger

Model = Literal["spending", "leadership", "withdrawal", "cohesion"]
A_PLAN_NAME: Final = f"{A_NAME}, other than {LATEST!r}"
Label = Annotated[str, matching(NAME, A_NAME)]
Text = Annotated[str, matching(r"(?=.*\S)[^\n\r]{1,300}", "some text in one line of at most 300 characters")]
Pair = Annotated[str, matching("USA-[A-Z]{3}", "the United States and a partner, such as USA-JPN")]
Country = Annotated[str, matching("[A-Z]{3}", "a country code of three capitals, such as FRA (ISO 3166-1)")]
Quarter = Annotated[str, matching("(19|20|21)[0-9]{2}Q[1-4]", "a quarter, YYYYQn, such as 2027Q4")]
Countries = Annotated[tuple[Country, ...], AfterValidator(_all_different)]


class FitSettings(Strict):
    """How the models are sampled."""

    chains: Whole = Field(default=4, ge=2, le=16, description="number of Markov chains")
    tune: Whole = Field(default=1000, ge=200, le=100_000, description="tuning steps of each chain, which are discarded")
    draws: Whole = Field(default=1000, ge=200, le=100_000, description="draws of each chain that are kept")
    draws_of: Mapping[Model, Annotated[Whole, Field(ge=200, le=100_000)]] = Field(
        default={}, description="draws of each chain for single models, instead of `draws`"
    )
    target_accept: Real = Field(default=0.95, gt=0.5, le=0.999, description="target acceptance rate of the sampler")
    leave_out: Annotated[tuple[Label, ...], AfterValidator(_all_different)] = Field(
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
    timeout: Real = Field(default=120.0, ge=0.01, le=10_080.0, description="longest duration of a run, minutes")
    memory: Real = Field(default=16.0, ge=3.0, le=65_536.0, description="largest address space of a run, GiB")
    degraded: Flag = Field(
        default=False, description="whether to publish from the posteriors of the last good run after a failure"
    )
    on_failure: tuple[str, ...] = Field(
        default=(), description="command to run after a failure, word by word, without a shell"
    )
    on_recovery: tuple[str, ...] = Field(
        default=(), description="command to run after the first success since a failure, likewise"
    )
    on_change: tuple[str, ...] = Field(
        default=(), description="command to run when a headline moved by more than two Monte Carlo errors, likewise"
    )
    webhook: Annotated[str, matching("([A-Z][A-Z0-9_]{0,99})?", "the name of an environment variable")] = Field(
        default="", description="environment variable with the address to which each of these events is sent"
    )

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        try:
            if len(value) > 200 or len(value.split()) != 5:  # with a sixth field, the library would count seconds
                raise CronSimError("five fields are needed")
            next(CronSim(value, datetime(2000, 1, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration, ValueError) as error:
            raise ValueError(f"expected a cron expression such as '0 6 * * mon', Mondays at six ({error})") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        try:
            if value.startswith(_NO_ZONES):
                raise ValueError("not the time of a place")
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the time zone data
            raise ValueError("expected a time zone such as Europe/Berlin or UTC") from None
        return value

    @field_validator("on_failure", "on_recovery", "on_change")
    @classmethod
    def _is_command(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value and not value[0].strip():
            raise ValueError('expected a command, word by word, such as ["notify", "--urgent"]')
        if any("\0" in word for word in value):
            raise ValueError("expected words without the character NUL")
        return value


class Hypothetical(Strict):
    """A coalition that does not exist: its start and the troops of each contributor."""

    name: Label = Field(description="name in the stored results")
    label: Text = Field(description="name in reports")
    framework: Literal["ad_hoc", "nato", "un", "eu"] = Field(description="organisation that commands it")
    intensity: Literal["combat", "noncombat"] = Field(description="whether it fights")
    lead: Country = Field(description="lead country, one of the contributors")
    start: Quarter = Field(description="first quarter, within the projected ones")
    contributors: Mapping[Country, Annotated[Whole, Field(ge=1, le=10_000_000)]] = Field(
        min_length=1, description="troops of each country at the start, persons"
    )
    paid: Countries = Field(default=(), description="contributors that join for side payments")
    prestige: Countries = Field(default=(), description="contributors that join for prestige")
    separate: Countries = Field(default=(), description="contributors that have a separate sector")
    creep: Flag = Field(default=False, description="whether its aims have expanded towards state-building")
    source: Text = Field(description="source of the numbers, or the word judgement with a reason")

    @model_validator(mode="after")
    def _names_contributors(self) -> "Hypothetical":
        for key in ("paid", "prestige", "separate"):
            if others := sorted(set(getattr(self, key)) - set(self.contributors)):
                raise ValueError(f"{key} {listed(others)} is not among the contributors; add troops or remove it")
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
    title: Text = Field(description="title of the report")
    as_of: Annotated[date, BeforeValidator(calendar_day)] = Field(
        description="last day that is known, or the words `today` or `last quarter`; the first projected quarter "
        "follows it"
    )
    seed: Whole = Field(ge=0, lt=2**32, description="seed of all random numbers")
    quarters: Whole = Field(default=40, ge=8, le=80, description="number of projected quarters")
    draws: Whole = Field(default=4000, ge=32, le=1_000_000, description="number of parameter draws, a multiple of 32")
    paths: Whole = Field(default=20000, ge=32, le=MOST_PATHS, description="number of simulated paths of each scenario")
    precision: Real | None = Field(
        default=None,
        ge=FINEST,
        le=COARSEST,
        description="add paths until no headline has a larger Monte Carlo standard error, in the unit of the headline",
    )
    joint_paths: Whole = Field(default=500, ge=32, description="number of whole paths that are stored, at most `paths`")
    onset: Quarter | None = Field(
        default=None, description="quarter in which the scenarios begin to differ; the first projected one if absent"
    )
    pledge_2035: Real | None = Field(
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
    war: tuple[Label, ...] | None = Field(
        default=None, description="outcomes of the war, of `priors/scenarios/war.toml`; all if absent"
    )
    design: tuple[Label, ...] | None = Field(
        default=None, description="designs of the alliance, of `priors/scenarios/design.toml`; all if absent"
    )
    own_war: Mapping[Label, Mapping[str, Any]] = Field(
        default={}, description="outcomes of the war for this plan alone, each a table as in `war.toml`"
    )
    own_design: Mapping[Label, Mapping[str, Any]] = Field(
        default={}, description="designs of the alliance for this plan alone, each a table as in `design.toml`"
    )
    missions: tuple[Label, ...] = Field(default=(), description="missions of the table `missions` to project")
    ends: Mapping[Label, Quarter] = Field(
        default_factory=dict, description="first quarter without the mission, for missions with a known end"
    )
    hypothetical: tuple[Hypothetical, ...] = Field(
        default=(), max_length=50, description="hypothetical missions to project"
    )
    dyads: tuple[Pair, ...] = Field(
        default=("USA-JPN", "USA-KOR"), description="pairs with priors in `priors/dyads.toml` to project"
    )
    fit: FitSettings = Field(default=FitSettings(), description="how the models are sampled")
    schedule: Schedule | None = Field(default=None, description="when `forecast serve` runs the plan")

    @model_serializer(mode="wrap")
    def _without_empty(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out own scenarios if there are none, so that a plan without them has the keys of results it had."""
        return {key: value for key, value in serialize(self).items() if value or not key.startswith("own_")}

    @model_validator(mode="after")
    def _names_are_known_once(self) -> "Plan":
        missions = [*self.missions, *(coalition.name for coalition in self.hypothetical)]
        scenarios = {"war": self.war, "design": self.design}
        named = {key: [*values] for key, values in scenarios.items() if values is not None} | {"missions": missions}
        for key, values in named.items():
            if not values:
                raise ValueError(f"{key} is empty, expected at least one name")
        for key, values in {**named, "dyads": [*self.dyads], "off": [*self.off]}.items():
            if len(set(values)) < len(values):
                repeat = next(name for name in values if values.count(name) > 1)
                raise ValueError(f"{key} names {repeat} twice, expected each name once; remove the repeat")
        for key, given, known in (("off", self.off, MECHANISMS), ("stress", self.stress, STRESSES)):
            if unknown := [name for name in given if name not in known]:
                expected = did_you_mean(unknown[0], known) or f", expected one of {', '.join(known)}"
                raise ValueError(f"{key} names {unknown[0]!r}{expected}")
        if not self.dyads and (idle := [name for name in self.stress if name in DYAD_STRESSES]):
            raise ValueError(
                f"stress names {idle[0]!r}, which concerns the dyads, but dyads is empty; change one of them"
            )
        if strange := [name for name in self.ends if name not in self.missions]:
            raise ValueError(
                f"ends names {strange[0]!r}, which is not among the missions; add it there or remove it here"
            )
        return self

    @model_validator(mode="after")
    def _own_scenarios_are_projected(self) -> "Plan":
        for key, chosen, own in (("war", self.war, self.own_war), ("design", self.design, self.own_design)):
            if chosen is not None and (idle := [name for name in own if name not in chosen]):
                raise ValueError(
                    f"own_{key} has {idle[0]!r}, which is not among {key}; add it there, or remove the table here"
                )
        return self

    @model_validator(mode="after")
    def _numbers_fit_together(self) -> "Plan":
        if self.joint_paths > self.paths:
            raise ValueError(f"joint_paths is {self.joint_paths}, expected at most paths ({self.paths})")
        quarters = {"onset": self.onset} | {f"stress.{k}": q for k, q in self.stress.items()}
        first = quarter_number(self.first_quarter)
        for key, quarter in quarters.items():
            if quarter and not first <= quarter_number(quarter) < first + self.quarters:
                last = quarter_label(first + self.quarters - 1)
                raise ValueError(f"{key} is {quarter}, expected {self.first_quarter} or later, up to {last}")
        if self.draws % 32:
            raise ValueError(f"draws is {self.draws}, expected a multiple of 32, the number of batches")
        return self

    @property
    def first_quarter(self) -> str:
        """Label of the quarter after the as-of date, e.g. 2026Q1."""
        return quarter_label(quarter_number(self.as_of) + 1)


def is_plan_name(name: str) -> bool:
    """Return whether a plan may have a name: `latest` stands for the newest run wherever a run is named."""
    return re.fullmatch(NAME, name) is not None and name != LATEST


def parse_plan(where: str, name: str, content: Mapping[str, Any], now: datetime | None = None) -> Plan:
    """Return the plan of a parsed file.

    Parameters
    ----------
    where : name of the file in error messages.
    name : name of the plan.
    content : parsed TOML.
    now : the time at which `as_of` is resolved, aware; the present time if absent. Its day is local to the time
        zone of the plan's schedule.

    Raises
    ------
    PlanError
        Listing every fault with file and key.
    """
    if not is_plan_name(name):
        raise PlanError(
            f"{where}: the file has no name of a plan, expected {A_PLAN_NAME} before .toml; rename the file, or "
            "remove it if it is a copy"
        )
    faults = []
    if "name" in content:
        faults.append(f"{where}: unknown key 'name'; remove it, because a plan has the name of its file")
    plan, others = validate(where, Plan, _resolved(content, now or datetime.now(UTC)), given={"name": name})
    if plan is None or faults:
        raise all_faults(PlanError, faults + others)
    return plan


def _resolved(content: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """Return the content of a plan file with a day for `as_of`; a wrong time zone is reported by the validation."""
    if content.get("as_of") not in (TODAY, LAST_QUARTER):
        return content
    try:
        zone = ZoneInfo(content["schedule"]["timezone"])
    except (KeyError, TypeError, ValueError, ZoneInfoNotFoundError, OSError):
        zone = ZoneInfo("UTC")
    return {**content, "as_of": resolve_as_of(content["as_of"], now.astimezone(zone).date())}


def load_plan(home: Path, name: str) -> "Plan":
    """Return a plan of a workspace by its name, or from a plan file by its path.

    Raises
    ------
    PlanError
        If there is no such file, or if it is invalid.
    """
    return read_plan(plan_path(home, name))


def read_plan(path: Path, now: datetime | None = None) -> Plan:
    """Return the plan in a file, with `as_of` resolved at the time `now`; raises PlanError if it is invalid."""
    try:
        return parse_plan(str(path), path.stem, read_toml(path), now)
    except PriorError as error:
        raise PlanError(str(error)) from None


def plan_path(home: Path, name: str) -> Path:
    """Return the file of a plan, given its name or its path; raises PlanError if a workspace has no plan of the name.

    Plans whose names differ only in capitals are two files of one plan on some file systems, so neither is read.
    """
    if name.lower().endswith(".toml"):
        return Path(name)
    files = [path for path in plan_files(home) if path.stem == name]
    if len(files) > 1:
        raise PlanError(
            f"{', '.join(map(str, files))}: {len(files)} files of one plan, expected one; remove the others"
        )
    if files:
        return files[0]
    known = known_plans(home)
    raise PlanError(
        f"{home / 'runs' / 'plans' / shown_key(name)}.toml: no such plan; known plans here: {listed(known) or 'none'}; "
        f"name one of them, or make them with `forecast init`{did_you_mean(name, known)}"
    )


def plan_files(home: Path) -> list[Path]:
    """Return the files of the plans of a workspace, sorted by path; raises PlanError if the folder is unreadable."""
    folder = home / "runs" / "plans"
    try:
        return list_files(folder, ".toml")
    except OSError as error:
        raise PlanError(f"{folder}: cannot be read ({error.strerror}); correct the permissions of the folder") from None


def known_plans(home: Path) -> list[str]:
    """Return the names of the plans of a workspace, sorted."""
    return sorted({path.stem for path in plan_files(home)})
