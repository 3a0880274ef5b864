"""The command line: one verb a job, each a few lines over the Python of the same name.

A `ForecastError` is printed bare and exits with 1; wrong usage exits with 2; Ctrl-C with 130, leaving nothing
half-written.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli import evaluation, service
from forecast.cli.options import (
    CORES,
    HERE,
    Dask,
    Format,
    Home,
    PlanName,
    Precision,
    RunName,
    Threads,
    stages_on_terminal,
)
from forecast.errors import ForecastError

app = typer.Typer(
    help="Monte Carlo forecasts of alliance cohesion and coalition survival.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(service.service)
app.add_typer(evaluation.science)


def main() -> None:
    """Entry point of the command `forecast`."""
    try:
        app(standalone_mode=True)
    except ForecastError as error:
        print(f"forecast: {error}", file=sys.stderr)
        sys.exit(1)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="An empty or new folder.")]) -> None:
    """Lay a new workspace: default priors, scenarios and plans."""
    from forecast.workspace.init import create_workspace

    made = create_workspace(folder)
    print(f"{len(made)} files laid in {folder}; next: forecast check --home {folder}")


@app.command()
def check(home: Home = HERE) -> None:
    """Validate tables, priors, scenarios and plans; name every fault."""
    from forecast.workspace.check import check_workspace

    checked = check_workspace(home)
    print("\n".join(f"ok  {line}" for line in checked))


@app.command()
def fit(plan: PlanName = "quickstart", home: Home = HERE) -> None:
    """Fit the models of a plan, or find them fitted; print diagnostics and what differs from earlier fits."""
    from forecast.inference.fit_store import fit_all, fit_lines
    from forecast.inference.reference_fits import earlier_lines
    from forecast.workspace.inputs import read_inputs

    trees, facts, _ = fit_all(read_inputs(home, plan), stages_on_terminal())
    print("\n".join(fit_lines(facts)))
    for model, tree in trees.items():
        print("\n".join(["", *earlier_lines(model, tree)]).rstrip())


@app.command()
def project(
    plan: PlanName = "quickstart",
    home: Home = HERE,
    threads: Threads = CORES,
    dask: Dask = "",
    precision: Precision = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell memory, disk and time needed.")] = False,
) -> None:
    """Make the run folder of a plan, without the report."""
    if dry_run:
        from forecast.pipeline.prepare import size_before
        from forecast.projection.resources import size_lines
        from forecast.workspace.inputs import read_inputs

        inputs = read_inputs(home, plan, precision)
        print("\n".join(size_lines(size_before(inputs, threads), threads)))
        return
    from forecast.pipeline.run import run as make_run

    made = make_run(home, plan, stages_on_terminal(), threads, dask, precision=precision)
    print(f"run     {made.path}")


@app.command()
def run(
    plan: PlanName = "quickstart",
    home: Home = HERE,
    threads: Threads = CORES,
    dask: Dask = "",
    precision: Precision = None,
    due: Annotated[bool, typer.Option("--due", help="Run all plans that are due by their [schedule] instead.")] = False,
    degraded: Annotated[
        bool,
        typer.Option(
            "--degraded",
            help="Fit nothing: take what is not fitted from the last good run of the plan, and mark all files.",
        ),
    ] = False,
) -> None:
    """Do the whole job: fit, project, report, and print the headlines."""
    if due:
        service.due(home)
        return
    from forecast.pipeline.run import run as make_run
    from forecast.reporting.html_report import write_index, write_report
    from forecast.reporting.terminal import headline_lines

    stages = stages_on_terminal()
    made = make_run(home, plan, stages, threads, dask, degraded, precision)
    with stages("report"):
        page = write_report(made, home)
        write_index(home)
    print("\n".join(headline_lines(made)))
    print(f"\nrun     {made.path}\nreport  {page}")


@app.command()
def report(run: RunName = "latest", home: Home = HERE) -> None:
    """Write the HTML report of a run, from its folder alone, and the index page over all runs."""
    from forecast.reporting.html_report import write_index, write_report
    from forecast.storage.runs import open_run

    print(f"{write_report(open_run(run, home), home)}\n{write_index(home)}")


@app.command(name="list")
def list_(home: Home = HERE) -> None:
    """List all runs, oldest first, failed ones too."""
    from forecast.storage.runs import list_runs

    runs = list_runs(home)
    for one in runs:
        note = str(one.manifest.get("reason", "")).splitlines()
        print(f"{one.manifest['finished'][:16]}  {one.status:<9} {one.id}  {note[0] if note else ''}")
    if not runs:
        print(f"no runs in {home / 'runs'}; make one with: forecast run quickstart")


@app.command()
def show(
    run: RunName = "latest",
    home: Home = HERE,
    json: Annotated[bool, typer.Option("--json", help="Print manifest and headlines as JSON.")] = False,
) -> None:
    """Print the headlines of a run, its gates and where it stands."""
    import json as js

    from forecast.evaluation.calibration.certificates import certificate_lines
    from forecast.reporting.terminal import headline_lines
    from forecast.storage.runs import TOLD, open_run

    made = open_run(run, home)
    if json:
        told: dict[str, Any] = {"manifest": made.manifest}
        if made.status in TOLD:
            told["headlines"] = made.headlines
            told["checks"] = made.json("checks.json")
        print(js.dumps(told, indent=1, ensure_ascii=False))
        return
    if made.status not in TOLD:
        raise ForecastError(f"{made.id} failed: {made.manifest['reason']}")
    print("\n".join(headline_lines(made)))
    print("\nCalibration by simulation")
    for model, (_, line) in certificate_lines(home, made.manifest.get("certificates", {})).items():
        print(f"  {model:<12} {line}")
    damaged = made.damaged_files()
    print(f"\nrun     {made.path}\nfiles   {'damaged: ' + ', '.join(damaged) if damaged else 'whole'}")


@app.command()
def export(
    run: RunName = "latest",
    to: Annotated[Format, typer.Option("--to", help="What to write.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="Folder; else reports/<run>-<to>.")] = None,
    home: Home = HERE,
) -> None:
    """Write a run for other tools: tidy tables with a data package, or hubverse model output."""
    from forecast.reporting.export_tables import export_run
    from forecast.storage.runs import open_run

    made = open_run(run, home)
    print(export_run(made, to, out or home / "reports" / f"{made.id}-{to}"))


@app.command()
def warmup(plan: PlanName = "quickstart", home: Home = HERE) -> None:
    """Compile the kernel of the projection ahead of time, into the cache."""
    from forecast.pipeline.prepare import warm_kernel
    from forecast.workspace.inputs import read_inputs

    print(f"kernel ready in {warm_kernel(read_inputs(home, plan)):.1f} s")
