"""The command line: each command calls the Python function of the same purpose.

A `ForecastError` is printed without a traceback and exits with code 1. Wrong usage exits with 2, and Ctrl-C with 130.
No command leaves half-written files.
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Never

import typer

from forecast.cli import archive, evaluation, mixtures, service, tokens
from forecast.cli.environment import failure_of_output, settle
from forecast.cli.help_text import GroupedCommands
from forecast.cli.options import (
    CORES,
    FORECASTS,
    HERE,
    SCHEDULE,
    WORKSPACE,
    Dask,
    Format,
    Home,
    PlanName,
    Precision,
    RunName,
    Threads,
    stages_on_terminal,
)
from forecast.errors import ForecastError, all_faults
from forecast.progress import Stages
from forecast.reporting.formatting import printable
from forecast.storage.facts_age import age_text

if TYPE_CHECKING:
    from forecast.storage.runs import Run

app = typer.Typer(
    cls=GroupedCommands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    """Print the version and exit, if it is wanted."""
    if wanted:
        from forecast import __version__

        print(__version__)
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def forecast(version: Version = False) -> None:
    """Monte Carlo forecasts of alliance cohesion and coalition survival.

    Begin with `forecast init FOLDER`; the pages in docs/ explain every command.
    """


def main() -> None:
    """Run the command `forecast`."""
    try:
        settle()
        app(standalone_mode=True)
    except ForecastError as error:
        _fail(str(error))
    except (OSError, SystemExit) as ended:
        if (reason := failure_of_output("\n" if isinstance(ended, OSError) else "")) is None:
            raise
        _fail(f"standard output: cannot be written ({reason}); send it to a place with space, such as another disk")


def _fail(message: str) -> Never:
    print("\n".join(map(printable, f"forecast: {message}".split("\n"))), file=sys.stderr)
    sys.exit(1)


@app.command(rich_help_panel=WORKSPACE)
def init(
    folder: Annotated[Path, typer.Argument(help="An empty or new folder.")],
    example: Annotated[
        bool, typer.Option("--example", help="Add tables with an invented ally and mission, and a plan for them.")
    ] = False,
) -> None:
    """Create a workspace with the default priors, scenarios and plans."""
    from forecast.workspace.init import create_workspace

    files = create_workspace(folder, example=example)
    print(f"{len(files)} files written to {folder}; next: forecast check --home {folder}")


@app.command(rich_help_panel=WORKSPACE)
def check(
    home: Home = HERE,
    json: Annotated[bool, typer.Option("--json", help="Print the valid parts and the faults as JSON.")] = False,
) -> None:
    """Check tables, priors, scenarios, plans and questions, and list the tables that changed since the newest run.

    All faults are reported together. The exit code is 1 if there are any.
    """
    import json as js

    from forecast.archive.questions import read_questions
    from forecast.errors import faults_of
    from forecast.pipeline.drift import drift_lines
    from forecast.workspace.check import check_workspace

    def valid_parts() -> list[str]:
        lines = check_workspace(home)
        if questions := read_questions(home):
            lines.append(f"{len(questions)} questions")
        return [*lines, *drift_lines(home)]

    if not json:
        print("\n".join(f"ok  {line}" for line in valid_parts()))
        return
    valid, faults = [], []
    try:
        valid = valid_parts()
    except ForecastError as error:
        faults = faults_of(error)
    print(js.dumps({"valid": valid, "faults": faults}, indent=1, ensure_ascii=False))
    if faults:
        sys.exit(1)


@app.command(rich_help_panel=WORKSPACE)
def doctor(
    home: Annotated[Path, typer.Option("--home", help="Workspace to look at.")] = HERE,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Show versions, machine, caches and clock, and what is wrong with a workspace.

    The exit code is 1 if anything is wrong.
    """
    import json as js
    from dataclasses import asdict

    from forecast.service.doctor import examine, finding_lines

    findings = examine(home, datetime.now().astimezone())
    if json:
        print(js.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        print("\n".join(map(printable, finding_lines(findings))))
    if any(finding.fix for finding in findings):
        sys.exit(1)


@app.command(rich_help_panel=FORECASTS)
def run(
    plan: PlanName = "quickstart",
    home: Home = HERE,
    threads: Threads = CORES,
    dask: Dask = "",
    precision: Precision = None,
    due: Annotated[
        bool,
        typer.Option("--due", help="Run every plan that is due by its schedule, and ignore PLAN."),
    ] = False,
    degraded: Annotated[
        bool,
        typer.Option(
            "--degraded",
            help="Do not fit. Use stored fits, or those of the plan's last complete run, and mark the run as degraded.",
        ),
    ] = False,
    result: Annotated[
        Path | None,
        typer.Option("--result", help="JSON file for the run's id, status and reason of failure."),
    ] = None,
) -> None:
    """Fit, project and report a plan, and print its headlines.

    The report appears as soon as the forecast is there; the fits that leave a mission out may follow.
    """
    if due:
        service.run_due_plans(home)
        return
    from forecast.archive.further_files import further_files
    from forecast.pipeline.run import Callbacks, run_degraded
    from forecast.pipeline.run import run as make_run
    from forecast.service.result import Result, failures_reported, write_result

    begun, stages = time.monotonic(), stages_on_terminal()

    def show_pending(made: "Run") -> None:
        page = _write_pages(made, home, stages)
        print(f"first page after {time.monotonic() - begun:.0f} s: {page.resolve().as_uri()}", flush=True)

    with failures_reported(result):
        make = run_degraded if degraded else make_run
        callbacks = Callbacks(further=further_files, show=show_pending)
        made = make(home, plan, stages, threads, dask, precision, callbacks)
        page = _write_pages(made, home, stages)
        from forecast.reporting.terminal import headline_lines

        print("\n".join(headline_lines(made)))
        print(f"\nrun     {made.path}\nreport  {page}")
        print(f"facts   {age_text(made.facts, datetime.now(UTC).date())}")
        print(f"next    open {page.resolve().as_uri()} in a browser")
        write_result(result, Result(run=made.id, status=made.status))


def _write_pages(made: "Run", home: Path, stages: Stages) -> Path:
    """Write the report of a run and the page of all runs; return the path of the report."""
    from forecast.inference.memory import return_memory

    return_memory()
    from forecast.reporting.audit import page_faults  # after the projection, which needs its memory
    from forecast.reporting.html_report import write_index, write_report

    with stages("report"):
        page = write_report(made, home)
        if faults := page_faults(home, made):
            raise all_faults(ForecastError, faults)
        try:
            write_index(home)
        except ForecastError as error:  # the run and its report are complete without the page of all runs
            print(f"forecast: {error}", file=sys.stderr)
    return page


@app.command(rich_help_panel=FORECASTS)
def fit(plan: PlanName = "quickstart", home: Home = HERE) -> None:
    """Fit the models of a plan.

    Existing fits are used again while nothing that affects them has changed. Prints diagnostics and the differences
    from the reference fits.
    """
    from forecast.inference.fit_store import fit_all, fit_lines
    from forecast.inference.reference_fits import earlier_lines
    from forecast.pipeline.prepare import build_run_data
    from forecast.workspace.inputs import read_inputs

    inputs = read_inputs(home, plan)
    build_run_data(inputs)  # so that a fault in the data of any model is found before the first fit
    trees, facts = fit_all(inputs, stages_on_terminal())
    print("\n".join(fit_lines(facts)))
    for model, tree in trees.items():
        print("\n".join(["", *earlier_lines(model, tree)]).rstrip())


@app.command(rich_help_panel=FORECASTS)
def project(
    plan: PlanName = "quickstart",
    home: Home = HERE,
    threads: Threads = CORES,
    dask: Dask = "",
    precision: Precision = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the memory, disk space and time required, then exit.")
    ] = False,
) -> None:
    """Fit and project a plan without writing the report."""
    if dry_run:
        from forecast.pipeline.prepare import checked_size
        from forecast.projection.resources import size_lines
        from forecast.workspace.inputs import read_inputs

        with stages_on_terminal()("size") as report:
            report("plan, tables and priors", 0.0)
            inputs = read_inputs(home, plan, precision)
            report("data of the models, and a burst of paths", 0.2)
            size = checked_size(inputs, threads)
        print("\n".join(size_lines(size, threads)))
        return
    from forecast.archive.further_files import further_files
    from forecast.pipeline.run import Callbacks
    from forecast.pipeline.run import run as make_run

    callbacks = Callbacks(further=further_files)
    made = make_run(home, plan, stages_on_terminal(), threads, dask, precision, callbacks)
    print(f"run     {made.path}")


@app.command(rich_help_panel=FORECASTS)
def warmup(plan: PlanName = "quickstart", home: Home = HERE) -> None:
    """Compile the simulator ahead of time and cache the compiled code."""
    from forecast.pipeline.prepare import warm_kernel
    from forecast.workspace.inputs import read_inputs

    print(f"simulator compiled in {warm_kernel(read_inputs(home, plan)):.1f} s")


@app.command(name="list", rich_help_panel=FORECASTS)
def list_(
    home: Home = HERE,
    json: Annotated[bool, typer.Option("--json", help="Print the runs as JSON, with sizes in bytes.")] = False,
) -> None:
    """List all runs, oldest first, including failed runs, with size and age of the facts."""
    import json as js

    from forecast.reporting.run_list import run_lines, run_records
    from forecast.storage.runs import list_runs

    runs, today = list_runs(home), datetime.now(UTC).date()
    if json:
        print(js.dumps(run_records(runs, today), indent=1, ensure_ascii=False))
        return
    print("".join(f"{printable(line)}\n" for line in run_lines(runs, today)), end="")
    if not runs:
        print(f"no runs in {home / 'runs'}; make one with: forecast run quickstart")


@app.command(rich_help_panel=FORECASTS)
def show(
    run: RunName = "latest",
    home: Home = HERE,
    json: Annotated[bool, typer.Option("--json", help="Print manifest, headlines and checks as JSON.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Print every group of headlines.")] = False,
) -> None:
    """Print the headlines, calibration certificates and file status of a run."""
    import json as js

    from forecast.evaluation.calibration.certificates import certificate_lines
    from forecast.reporting.terminal import headline_lines
    from forecast.storage.files import CHECKSUMS
    from forecast.storage.runs import FAILED, open_run

    opened = open_run(run, home)
    if json:
        content: dict[str, Any] = {"manifest": opened.manifest}
        if opened.status != FAILED:
            opened.require_whole(or_pending=True)
            content["headlines"] = opened.headlines
            content["checks"] = opened.checks
        print(js.dumps(content, indent=1, ensure_ascii=False))
        return
    opened.require_whole(or_pending=True)
    print("\n".join(headline_lines(opened, everything=everything)))
    print("\nSimulation-based calibration")
    for model, (_, line) in certificate_lines(home, opened.manifest.get("certificates", {})).items():
        print(f"  {model:<12} {line}")
    print(f"\nrun     {opened.path}\nfiles   undamaged")
    print(f"facts   {age_text(opened.facts, datetime.now(UTC).date())}")
    if CHECKSUMS not in opened.manifest:
        print("        the manifest is of an earlier version and has no checksums; an edit of it would not be noticed")


@app.command(rich_help_panel=FORECASTS)
def report(run: RunName = "latest", home: Home = HERE) -> None:
    """Write the HTML report of a run and the index page of all runs."""
    from forecast.reporting.html_report import write_index, write_report
    from forecast.storage.runs import open_run

    print(f"{write_report(open_run(run, home), home)}\n{write_index(home)}")


@app.command(rich_help_panel=FORECASTS)
def export(
    run: RunName = "latest",
    to: Annotated[Format, typer.Option("--to", help="Format of the files.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="Output folder.", show_default="reports/RUN-FORMAT")] = None,
    home: Home = HERE,
) -> None:
    """Export a run as tidy tables (CSV or Parquet, with a data package) or as hubverse model output."""
    from forecast.reporting.export_tables import export_run
    from forecast.storage.runs import open_run

    opened = open_run(run, home)
    print(export_run(opened, to, out or home / "reports" / f"{opened.id}-{to}"))


app.add_typer(archive.archive)
app.add_typer(mixtures.mixtures)
app.add_typer(evaluation.evaluation)
app.add_typer(service.service)
app.add_typer(tokens.tokens, name="token", rich_help_panel=SCHEDULE)
