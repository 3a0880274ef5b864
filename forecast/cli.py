"""The command line: one verb a job, each a few lines over the Python of the same name.

A `ForecastError` is printed bare and exits with 1; wrong usage exits with 2; Ctrl-C with 130, leaving nothing
half-written.
"""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from forecast import cli_service
from forecast.errors import ForecastError

app = typer.Typer(
    help="Monte Carlo forecasts of alliance cohesion and coalition survival.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Home = Annotated[
    Path,
    typer.Option("--home", help="Workspace: the folder that holds priors/, runs/ and reports/."),
]
PlanName = Annotated[
    str, typer.Argument(help="Name of a plan in runs/plans, or a path to a .toml.")
]
RunName = Annotated[str, typer.Argument(help="Run id, a unique part of it, or 'latest'.")]
Format = Literal["csv", "parquet", "hubverse"]
Threads = Annotated[
    int, typer.Option(min=1, help="Threads of the projection; the numbers are the same.")
]
HERE = Path()
app.add_typer(cli_service.service)
CORES = os.cpu_count() or 1


def main() -> None:
    """Entry point of the command `forecast`."""
    try:
        app(standalone_mode=True)
    except ForecastError as error:
        print(f"forecast: {error}", file=sys.stderr)
        sys.exit(1)


def _stages() -> Any:
    from rich.console import Console

    from forecast.progress import stage

    return partial(stage, Console(stderr=True))


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="An empty or new folder.")]) -> None:
    """Lay a new workspace: default priors, scenarios and plans."""
    from forecast.workspace import lay_workspace

    made = lay_workspace(folder)
    print(f"{len(made)} files laid in {folder}; next: forecast check --home {folder}")


@app.command()
def check(home: Home = HERE) -> None:
    """Validate tables, priors, scenarios and plans; name every fault."""
    from forecast.audit import audit

    checked = audit(home)
    print("\n".join(f"ok  {line}" for line in checked))


@app.command()
def fit(plan: PlanName = "quickstart", home: Home = HERE) -> None:
    """Fit the models of a plan, or find them fitted; print diagnostics and what differs from earlier fits."""
    from forecast.earlier import earlier_lines
    from forecast.fits import fit_all, fit_lines
    from forecast.inputs import read_inputs

    trees, facts, _ = fit_all(read_inputs(home, plan), _stages())
    print("\n".join(fit_lines(facts)))
    for model, tree in trees.items():
        print("\n".join(["", *earlier_lines(model, tree)]).rstrip())


@app.command()
def project(plan: PlanName = "quickstart", home: Home = HERE, threads: Threads = CORES) -> None:
    """Make the run folder of a plan, without the report."""
    from forecast.pipeline import run as make_run

    made = make_run(home, plan, _stages(), threads)
    print(f"run     {made.path}")


@app.command()
def run(
    plan: PlanName = "quickstart",
    home: Home = HERE,
    threads: Threads = CORES,
    due: Annotated[
        bool, typer.Option("--due", help="Run all plans that are due by their [schedule] instead.")
    ] = False,
) -> None:
    """Do the whole job: fit, project, report, and print the headlines."""
    if due:
        cli_service.due(home)
        return
    from forecast.headlines import headline_lines
    from forecast.pipeline import run as make_run
    from forecast.reports import write_report

    stages = _stages()
    made = make_run(home, plan, stages, threads)
    with stages("report"):
        page = write_report(made, home)
    print("\n".join(headline_lines(made)))
    print(f"\nrun     {made.path}\nreport  {page}")


@app.command()
def requirements(
    run: RunName = "latest",
    home: Home = HERE,
    threads: Threads = CORES,
) -> None:
    """Test every requirement of the science on the plan and the posteriors of a run; print a table."""
    from forecast.inputs import read_inputs
    from forecast.lab import build_lab
    from forecast.names import MODELS
    from forecast.requirements import IDS, examine, requirement_lines
    from forecast.runs import open_run

    made, stages = open_run(run, home), _stages()
    with stages("read"):
        fits = {model: made.posterior(model).load() for model in MODELS}
        lab = build_lab(read_inputs(home, made.manifest["provenance"]["plan"]), fits, threads)
    found = []
    with stages("requirements") as tell:
        for n, identifier in enumerate(IDS):
            tell(identifier, n / len(IDS))
            found.append(examine(identifier, lab))
    print("\n".join(requirement_lines(found)))
    if unexpected := [one.id for one in found if not one.met and not one.reason]:
        raise ForecastError(f"not met: {', '.join(unexpected)}")


@app.command()
def score(
    plan: PlanName = "quickstart",
    home: Home = HERE,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few origins and short chains: a try-out, no evidence.")
    ] = False,
) -> None:
    """Back-test all models against their baselines on past outcomes; a stopped scoring goes on where it was.

    Tables, beliefs and seed are those of the plan. Scores, table and page go to runs/scores/<digest>/, the page also
    to docs/scores.md; reports of runs with the same models show them. Half an hour on two cores.
    """
    from forecast.score_pages import score_lines
    from forecast.scored import TABLE
    from forecast.scores import PAGE, publish, stored
    from forecast.scores import score as score_all

    folder = score_all(home, plan, _stages(), quick=quick)
    print("\n".join(score_lines(stored(folder).json(TABLE))))
    print(f"\nscores  {folder}\npage    {folder / PAGE if quick else publish(folder, home)}")


@app.command()
def variants(plan: PlanName = "quickstart", home: Home = HERE, threads: Threads = CORES) -> None:
    """Fit the withdrawal model under other readings of the record; print the headlines (ten minutes)."""
    from forecast.inputs import read_inputs
    from forecast.runs import Run
    from forecast.scored import TABLE
    from forecast.variants import variant_lines, vary

    folder = vary(read_inputs(home, plan), _stages(), threads)
    print("\n".join(variant_lines(Run(folder, {}).json(TABLE))))
    print(f"\nvariants  {folder}; `forecast report` now shows them")


@app.command()
def calibrate(
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Only this model; may be repeated.")
    ] = None,
    simulations: Annotated[int, typer.Option(min=2, help="How many; stored ones are kept.")] = 100,
    quick: Annotated[bool, typer.Option("--quick", help="Twenty simulations.")] = False,
    flaw: Annotated[
        str, typer.Option(help="Simulate with a known flaw, which the command must catch.")
    ] = "",
    home: Home = HERE,
) -> None:
    """Calibrate models by simulation: they must find again what was drawn from their own beliefs.

    Also tests what the beliefs foretell before a table is read. Certificates go to runs/certificates; reports and
    `forecast show` quote them. A stopped calibration goes on where it was. A flaw certifies nothing.
    """
    from forecast.calibration import calibrate_all, calibration_lines, verdict

    size = 20 if quick else simulations
    found = calibrate_all(home, model or [], size, flaw, _stages())
    for one in found:
        print("\n".join(calibration_lines(one)))
    if faults := [line for one in found if (line := verdict(one))]:
        raise ForecastError("; ".join(faults))


@app.command()
def report(run: RunName = "latest", home: Home = HERE) -> None:
    """Write the HTML report of a run, from its folder alone."""
    from forecast.reports import write_report
    from forecast.runs import open_run

    print(write_report(open_run(run, home), home))


@app.command(name="list")
def list_(home: Home = HERE) -> None:
    """List all runs, oldest first, failed ones too."""
    from forecast.runs import list_runs

    runs = list_runs(home)
    for one in runs:
        note = str(one.manifest.get("reason", "")).splitlines()
        print(
            f"{one.manifest['finished'][:16]}  {one.status:<9} {one.id}  {note[0] if note else ''}"
        )
    if not runs:
        print(f"no runs in {home / 'runs'}; make one with: forecast run quickstart")


@app.command()
def show(
    run: RunName = "latest",
    home: Home = HERE,
    json: Annotated[
        bool, typer.Option("--json", help="Print manifest and headlines as JSON.")
    ] = False,
) -> None:
    """Print the headlines of a run, its gates and where it stands."""
    import json as js

    from forecast.certificates import certificate_lines
    from forecast.headlines import headline_lines
    from forecast.runs import open_run

    made = open_run(run, home)
    if json:
        told: dict[str, Any] = {"manifest": made.manifest}
        if made.status == "complete":
            told["headlines"] = made.headlines
            told["checks"] = made.json("checks.json")
        print(js.dumps(told, indent=1, ensure_ascii=False))
        return
    if made.status != "complete":
        raise ForecastError(f"{made.id} failed: {made.manifest['reason']}")
    print("\n".join(headline_lines(made)))
    print("\nCalibration by simulation")
    for model, (_, line) in certificate_lines(home, made.manifest.get("certificates", {})).items():
        print(f"  {model:<12} {line}")
    damaged = made.damaged_files()
    print(
        f"\nrun     {made.path}\nfiles   {'damaged: ' + ', '.join(damaged) if damaged else 'whole'}"
    )


@app.command()
def export(
    run: RunName = "latest",
    to: Annotated[Format, typer.Option("--to", help="What to write.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="Folder; else reports/<run>-<to>.")] = None,
    home: Home = HERE,
) -> None:
    """Write a run for other tools: tidy tables with a data package, or hubverse model output."""
    from forecast.exports import export_run
    from forecast.runs import open_run

    made = open_run(run, home)
    print(export_run(made, to, out or home / "reports" / f"{made.id}-{to}"))


@app.command()
def warmup(plan: PlanName = "quickstart", home: Home = HERE) -> None:
    """Compile the kernel of the projection ahead of time, into the cache."""
    from forecast.inputs import read_inputs
    from forecast.pipeline import warm_kernel

    print(f"kernel ready in {warm_kernel(read_inputs(home, plan)):.1f} s")
