"""What the API returns, with examples: the shapes that a program may rely on."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from forecast.data.table_schema import TABLES
from forecast.service.slots import State
from forecast.storage.facts_age import age_in_days
from forecast.storage.runs import Run

RUN = "2025-12-31-quickstart-7adf72b7"


class RunSummary(BaseModel):
    """One run in a list."""

    id: str = Field(examples=[RUN])
    plan: str = Field(examples=["quickstart"])
    title: str = Field(examples=["All scenarios, eight missions, ten years"])
    status: str = Field(examples=["complete"], description="complete, degraded, pending, failed or damaged")
    reason: str = Field(default="", description="why the run failed or is damaged")
    as_of: str = Field(default="", examples=["2025-12-31"], description="last day that was known")
    age_of_facts: int | None = Field(default=None, examples=[332], description="days since `as_of`")
    finished: str = Field(examples=["2026-11-28T09:45:12.345+00:00"], description="UTC")
    url: str = Field(examples=[f"/api/v1/runs/{RUN}"])
    page: str = Field(examples=[f"/reports/{RUN}/index.html"])


class RunDetail(RunSummary):
    """A run: what it stores and where its parts are."""

    provenance: dict[str, Any] = Field(description="plan, seed, versions and digests")
    files: dict[str, str] = Field(description="sha256 by name; each is at `files/NAME`")
    trees: list[str] = Field(examples=[["projection.zarr"]], description="each is a Zarr store at this name")


class Runs(BaseModel):
    """Runs, oldest first."""

    runs: list[RunSummary]


class Answers(BaseModel):
    """The answers to a question, one for each scenario that it leaves open."""

    run: str = Field(examples=[RUN])
    query: str = Field(examples=["P(crisis by 2028, war=win, design=none)"])
    notes: list[str] = Field(description="what the answers hold of missions that end by plan before the time asked for")
    answers: list[dict[str, Any]]


class Mixture(BaseModel):
    """The headlines of a run, with its scenarios mixed."""

    run: str = Field(examples=[RUN])
    weights: list[dict[str, Any]] = Field(description="the weight of each scenario")
    headlines: list[dict[str, Any]]


class Questions(BaseModel):
    """The questions of the workspace, each with the answer of a run or why it has none."""

    run: str = Field(examples=[RUN])
    questions: list[dict[str, Any]]


class Verified(BaseModel):
    """A run whose files are those that were published."""

    run: str = Field(examples=[RUN])
    files: int = Field(examples=[9], description="number of files, all undamaged")
    seal: str = Field(description="seal of the run's newest entry of the ledger")
    entry: int = Field(examples=[1], description="number of that entry")
    time: str = Field(description="when the entry was made, UTC")
    ledger_faults: list[str] = Field(default=[], description="published runs without an entry")
    damaged: list[str] = Field(default=[], description="what is damaged in each newer run that `latest` passes over")


class Calendar(BaseModel):
    """The state of every schedule; times are UTC."""

    plans: list[State]
    troubles: list[str] = Field(description="what is wrong with a plan, a record or a lock")


class Column(BaseModel):
    """One column of a table."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["share_gdp"])
    kind: str = Field(examples=["float"])
    key: bool
    nullable: bool
    unit: str = Field(examples=["percent of GDP"])


class Table(BaseModel):
    """One table of the workspace."""

    name: str = Field(examples=["defence_spending"])
    own: bool = Field(description="whether the workspace has rows of its own")
    columns: list[Column]


class Tables(BaseModel):
    """The tables."""

    tables: list[Table]


class Names(BaseModel):
    """Names of things that can be asked for."""

    names: list[str]


class Checked(BaseModel):
    """What was submitted is valid."""

    written: bool = Field(description="whether it was written, or only checked")
    name: str = Field(examples=["own_scenario"])
    notes: list[str] = Field(examples=[["plan runs/plans/own_scenario.toml"]], description="as `forecast check` prints")


class Start(BaseModel):
    """A run to start."""

    model_config = ConfigDict(extra="forbid")

    plan: str = Field(examples=["smoke"], max_length=64, description="name of a plan of the workspace")


class Rows(BaseModel):
    """Rows to add to tables of the workspace; the first line of each text names the columns."""

    model_config = ConfigDict(extra="forbid")

    rows: dict[str, str] = Field(
        max_length=len(TABLES), examples=[{"economy": "country,year,gdp_growth,…\nFRA,2026,…"}]
    )


class Stopped(BaseModel):
    """A scheduled run that has ended."""

    plan: str = Field(examples=["quickstart"])
    at: str = Field(examples=["2026-11-30T06:00:00+00:00"], description="when its slot was due, UTC")


class HealthState(BaseModel):
    """The service answers."""

    status: str = Field(examples=["ok"])


def summary_of(run: Run) -> dict[str, Any]:
    """Return the fields of `RunSummary`; a damaged manifest leaves most of them empty."""
    plan: Any = run.manifest.get("plan")
    plan = plan if isinstance(plan, Mapping) else {}
    as_of = str(plan.get("as_of", ""))
    return {
        "id": run.id,
        "plan": run.plan_name,
        "title": str(plan.get("title", "")),
        "status": run.status,
        "reason": run.reason,
        "as_of": as_of,
        "age_of_facts": age_in_days(as_of, datetime.now(UTC).date()),
        "finished": str(run.manifest.get("finished", "")),
        "url": f"/api/v1/runs/{run.id}",
        "page": f"/reports/{run.id}/index.html",
    }
