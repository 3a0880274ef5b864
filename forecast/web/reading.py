"""The API for readers: runs, headlines, files, trees, tables and questions.

To add a question, write three lines: the route, the signature with `run: Published` and `site: Site`, and
`return await site.compute(FUNCTION, site.home, run, …)`. It is computed in another process within a time limit.
"""

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from forecast.archive.answers import question_rows
from forecast.archive.compare import Comparison, compare_runs
from forecast.archive.headline_values import estimates_of
from forecast.archive.mixture import mix, mixed_rows
from forecast.archive.quantities import planned_ends
from forecast.archive.query import answer_query, answer_rows, sampled_paths
from forecast.archive.query_language import EXAMPLE, parse_query
from forecast.archive.questions import read_questions
from forecast.archive.resolutions import read_resolutions
from forecast.archive.run_mixture import weights_for
from forecast.archive.scoreboard import scoreboard as score_questions
from forecast.archive.verify import faults_of_ledger, passed_over, verify_run
from forecast.data.table_schema import TABLES
from forecast.data.tables import load_tables, table_text
from forecast.errors import RunError, listed, shown
from forecast.names import HEADLINES, MANIFEST, MODELS, PROJECTION
from forecast.priors.weights import weight_rows
from forecast.reporting.export_tables import MARK, PACKAGE, export_run
from forecast.storage.ledger import Entry, ledger_path
from forecast.storage.runs import Run, read_run
from forecast.storage.shapes import Headline
from forecast.web.access import reader
from forecast.web.inputs import plan_file, scenario_file, table_file
from forecast.web.models import (
    Answers,
    Calendar,
    Column,
    Mixture,
    Names,
    Questions,
    RunDetail,
    Runs,
    RunSummary,
    Table,
    Tables,
    Verified,
    summary_of,
)
from forecast.web.problems import Problem, without_home
from forecast.web.replies import JSON, file_reply, json_reply, json_text, require_listed, text_reply
from forecast.web.service import AnyRun, Published, Site, published
from forecast.workspace.inputs import own_tables
from forecast.workspace.plan import known_plans

#: Trees of a run by name of the store, each with its file.
_TREES: Final = {"projection": PROJECTION} | {model: f"posterior/{model}.nc" for model in MODELS}
_KEPT: Final = 32  # answers that are kept
_ZARR: Final = "application/octet-stream"
Form = Literal["csv", "parquet"]
Question = Annotated[str, Query(max_length=1000, examples=[EXAMPLE], description="a question to the archive")]

reading = APIRouter(prefix="/api/v1", dependencies=[Depends(reader)])


@reading.get("/runs", response_model=Runs, tags=["runs"])
def list_runs(request: Request, site: Site, plan: str = "", status: str = "") -> Response:
    """List the runs, oldest first, with failed and damaged ones."""
    runs = [run for run in site.catalog.runs() if plan in ("", run.plan_name) and status in ("", run.status)]
    return json_reply(request, Runs, {"runs": [RunSummary(**summary_of(run)) for run in runs]})


@reading.get("/runs/{run}", response_model=RunDetail, tags=["runs"])
def show_run(request: Request, run: AnyRun) -> Response:
    """Describe a run. `run` is an id, `latest`, or `PLAN@latest`."""
    files = dict(run.manifest.get("files", {}))
    trees = [f"{name}.zarr" for name, file in _TREES.items() if file in files]
    provenance = dict(run.manifest.get("provenance", {}))
    content = summary_of(run) | {"provenance": provenance, "files": files, "trees": trees}
    return json_reply(request, RunDetail, content)


@reading.get("/runs/{run}/headlines", response_model=list[Headline], tags=["runs"])
def headlines(request: Request, run: Published, target: str = "") -> Response:
    """Return the headline records of a run, all or of one target such as `cohesion_verdict`."""
    text = _headlines(run.path, run.manifest["files"][HEADLINES], target)
    return text_reply(request, text, JSON)


@lru_cache(maxsize=_KEPT)
def _headlines(folder: Path, digest: str, target: str) -> bytes:
    """Return headline records as JSON; `digest` says which version of the file of the run is kept."""
    records = [record for record in read_run(folder).headlines if target in ("", record["target"])]
    return json_text(list[dict[str, Any]], records)


@reading.get("/runs/{run}/files/{name:path}", tags=["files"], response_class=Response)
def run_file(request: Request, run: Published, name: str) -> Response:
    """Return a file of a run as it is stored, whole or by ranges; its ETag is its sha256."""
    files: dict[str, str] = {**run.manifest["files"], MANIFEST: ""}
    if name not in files:
        raise Problem(
            404, f"runs/{run.id}: no file is called {shown(name)}, expected one of {listed(files)}; correct it"
        )
    return file_reply(request, run.path / name, files[name])


@reading.get("/runs/{run}/{tree}.zarr/{key:path}", tags=["files"], response_class=Response)
async def tree_part(request: Request, run: Published, site: Site, tree: str, key: str) -> Response:
    """Return one key of a tree of a run as Zarr: `xarray.open_datatree("http://…/projection.zarr")` reads it."""
    file = _TREES.get(tree, "")
    if file not in run.manifest["files"]:
        raise Problem(
            404, f"runs/{run.id}: no tree is called {shown(tree)}, expected one of {', '.join(_TREES)}; correct it"
        )
    store = await site.trees.get(run, file, site.compute)
    if key not in store:
        raise Problem(404, f"{tree}.zarr: no key {shown(key)}; open the store by its address")
    metadata = key.endswith(".json")
    return text_reply(request, store[key], "application/json") if metadata else Response(store[key], media_type=_ZARR)


@reading.get("/runs/{run}/exports/{form}", response_model=Names, tags=["files"])
async def list_exports(run: Published, site: Site, form: Form) -> Names:
    """Make the tidy tables of a run as CSV or Parquet, if they are not there yet, and list them."""
    folder = site.home / "reports" / f"{run.id}-{form}"
    if not (folder / MARK).exists():
        try:
            await site.compute(export_run, run, form, folder)
        except Problem as error:
            fix = f"or make the export on the machine with `forecast export {run.id} --to {form}`"
            raise Problem(error.status, f"{error.detail}, {fix}", error.headers) from None
    return Names(
        names=sorted(path.name for path in folder.iterdir() if path.suffix == f".{form}" or path.name == PACKAGE)
    )


@reading.get("/runs/{run}/exports/{form}/{name}", tags=["files"], response_class=Response)
def export_file(request: Request, run: Published, site: Site, form: Form, name: str) -> Response:
    """Return one tidy table of a run, whole or by ranges; its ETag is its sha256."""
    return file_reply(request, require_listed(site.home / "reports" / f"{run.id}-{form}", name))


@reading.get("/runs/{run}/query", response_model=Answers, tags=["questions"])
async def query(run: Published, site: Site, q: Question) -> Any:
    """Answer a question from the sampled paths of a run (`docs/archive.md` describes the language)."""
    try:
        return {"run": run.id, "query": q, **await site.compute(_answers, run, q)}
    except RunError as error:
        raise Problem(422, str(error)) from None


def _answers(run: Run, question: str) -> dict[str, Any]:
    parsed, joint = parse_query(question), sampled_paths(run)
    answers = answer_query(parsed, joint, run.manifest["plan"]["draws"])
    return {"notes": planned_ends(parsed, joint), "answers": list(answer_rows(answers))}


@reading.get("/runs/{run}/compare", response_model=Comparison, tags=["questions"])
async def compare(run: Published, site: Site, before: Annotated[str, Query(max_length=200)]) -> Any:
    """Compare a run with an earlier one: inputs, verdicts that flipped, and headlines that moved."""
    return await site.compute(compare_runs, site.home, site.catalog.find(before), run)


@reading.get("/runs/{run}/verify", response_model=Verified, tags=["questions"])
async def verify(request: Request, run: Published, site: Site) -> Any:
    """Check every file of a run against its manifest, and its headlines against the ledger."""
    entry, faults, damaged = await site.compute(_verified, site.home, run, request.path_params["run"])
    state = {"run": run.id, "files": len(run.manifest["files"]), "ledger_faults": faults}
    state["damaged"] = [without_home(reason, site.home) for reason in damaged]
    return state | {"seal": entry.seal, "entry": entry.number, "time": entry.time}


@reading.get("/runs/{run}/mixture", response_model=Mixture, tags=["questions"])
async def mixture(run: Published, site: Site) -> Any:
    """Mix the scenarios of a run with its own weights, or if it has none with the weights of the workspace."""
    return {"run": run.id, **await site.compute(_mixture, site.home, run)}


def _mixture(home: Path, run: Run) -> dict[str, Any]:
    weights = weights_for(home, run)
    return {"weights": weight_rows(weights), "headlines": mixed_rows(mix(estimates_of(run), weights))}


@reading.get("/runs/{run}/questions", response_model=Questions, tags=["questions"])
async def questions(run: Published, site: Site) -> Any:
    """List the questions of the workspace with the answers of a run."""
    return {"run": run.id, "questions": await site.compute(_questions, site.home, run)}


def _questions(home: Path, run: Run) -> list[dict[str, Any]]:
    return question_rows(read_questions(home), read_resolutions(home), run)


@reading.get("/scoreboard", tags=["questions"])
async def scoreboard(site: Site) -> dict[str, Any]:
    """Score the answers of all runs to the questions that are resolved, against their baselines."""
    return asdict(await site.compute(score_questions, site.home))


def _verified(home: Path, run: Run, name: str) -> tuple[Entry, list[str], list[str]]:
    return verify_run(home, run), faults_of_ledger(home), passed_over(home, run, name)


@reading.get("/headlines", response_model=list[Headline], tags=["runs"])
def latest_headlines(request: Request, site: Site, plan: str = "", target: str = "") -> Response:
    """Return the headlines of the last complete run, of all plans or of one."""
    run = published(site.catalog.find(f"{plan}@latest" if plan else "latest"))
    return headlines(request, run, target)


@reading.get("/schedule", response_model=Calendar, tags=["service"])
def schedule(site: Site) -> Any:
    """Return the state of every schedule: next, due, missed and running slots, and the last good run."""
    states, troubles = site.calendar.look()
    return {"plans": [asdict(state) for state in states], "troubles": troubles}


@reading.get("/ledger", tags=["files"], response_class=Response)
def ledger(request: Request, site: Site) -> Response:
    """Return the ledger, one entry a line, to check the seals of published runs."""
    path = ledger_path(site.home)
    if not path.exists():
        raise Problem(404, "runs: no run has been published, expected one in the ledger; make one")
    return file_reply(request, path)


@reading.get("/tables", response_model=Tables, tags=["inputs"])
def list_tables(request: Request, site: Site) -> Response:
    """List the tables with their columns."""
    folder = site.home / "tables"
    rows = [
        Table(name=name, own=(folder / f"{name}.csv").exists(), columns=list(map(Column.model_validate, spec.columns)))
        for name, spec in TABLES.items()
    ]
    return json_reply(request, Tables, {"tables": rows})


@reading.get("/tables/{name}", tags=["inputs"], response_class=Response)
async def table(request: Request, site: Site, name: str) -> Response:
    """Return a table as CSV: the bundled rows, with the own rows of the workspace."""
    table_file(name)
    return text_reply(request, await site.compute(_table, site.home, name), "text/csv; charset=utf-8")


def _table(home: Path, name: str) -> bytes:
    return table_text(getattr(load_tables(own_tables(home)), name)).encode()


@reading.get("/plans", response_model=Names, tags=["inputs"])
def list_plans(site: Site) -> Names:
    """List the plans."""
    return Names(names=known_plans(site.home))


@reading.get("/plans/{name}", tags=["inputs"], response_class=Response)
def plan(request: Request, site: Site, name: str) -> Response:
    """Return the file of a plan; its ETag is what a change of it must name."""
    return _input(request, site, plan_file(name))


@reading.get("/scenarios/{part}", tags=["inputs"], response_class=Response)
def scenario(request: Request, site: Site, part: str) -> Response:
    """Return the file of a part of the scenarios (`factors`, `war` or `design`)."""
    return _input(request, site, scenario_file(part))


def _input(request: Request, site: Site, file: Path) -> Response:
    if not (site.home / file).exists():
        raise Problem(404, f"{file}: there is no such file, expected one that is listed; list them")
    return file_reply(request, site.home / file)
