"""Commands that evaluate the models: requirements, back-tests, alternative codings and calibration."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.options import CORES, EVALUATION, HERE, Home, PlanName, RunName, Threads, stages_on_terminal
from forecast.errors import ForecastError
from forecast.progress import Stages

evaluation = typer.Typer()


@evaluation.command(rich_help_panel=EVALUATION)
def requirements(
    run: RunName = "latest",
    home: Home = HERE,
    threads: Threads = CORES,
) -> None:
    """Test every requirement of the literature on the plan and posteriors of a run.

    Prints a table of results. The exit code is 1 if a requirement without a stated reason is not met.
    """
    from forecast.evaluation.requirements.experiment import build_experiment
    from forecast.evaluation.requirements.registry import IDS, examine, requirement_lines
    from forecast.names import MODELS
    from forecast.storage.runs import open_run
    from forecast.workspace.inputs import read_inputs

    opened, stages = open_run(run, home), stages_on_terminal()
    opened.require_whole()
    with stages("read"):
        fits = {model: opened.posterior(model).load() for model in MODELS}
        experiment = build_experiment(read_inputs(home, opened.plan_name), fits, threads)
    results = []
    with stages("requirements") as report:
        for n, identifier in enumerate(IDS):
            report(identifier, n / len(IDS))
            results.append(examine(identifier, experiment))
    print("\n".join(requirement_lines(results)))
    if unexpected := [result.id for result in results if result.met is False and not result.reason]:
        raise ForecastError(f"requirements not met: {', '.join(unexpected)}")


@evaluation.command(rich_help_panel=EVALUATION)
def score(
    plan: PlanName = "quickstart",
    home: Home = HERE,
    quick: Annotated[
        bool, typer.Option("--quick", help="Use few origins and short chains: for a try-out, not as evidence.")
    ] = False,
) -> None:
    """Back-test all models against their baselines on past outcomes.

    Tables, priors and seed are those of the plan. Scores go to runs/scores/DIGEST/, and the page of scores also to
    docs/scores.md. Reports of runs with the same models show them. Interrupted scoring resumes. Takes half an hour on
    two cores.
    """
    from forecast.evaluation.score_report import score_lines
    from forecast.evaluation.score_store import TABLE
    from forecast.evaluation.scoring_run import publish
    from forecast.evaluation.scoring_run import score as score_all
    from forecast.storage.files import read_json

    folder = score_all(home, plan, stages_on_terminal(), quick=quick)
    print("\n".join(score_lines(read_json(folder / TABLE))))
    print(f"\nscores  {folder}")
    if not quick:
        print(f"page    {publish(folder, home)}")


@evaluation.command(rich_help_panel=EVALUATION)
def variants(plan: PlanName = "quickstart", home: Home = HERE, threads: Threads = CORES) -> None:
    """Fit the withdrawal model to alternative codings of the exits.

    Prints the headlines of each coding; reports of runs with the same models show them. Takes ten minutes.
    """
    from forecast.evaluation.coding_variants import variant_lines, vary
    from forecast.evaluation.score_store import TABLE
    from forecast.storage.files import read_json
    from forecast.workspace.inputs import read_inputs

    folder = vary(read_inputs(home, plan), stages_on_terminal(), threads)
    print("\n".join(variant_lines(read_json(folder / TABLE))))
    print(f"\nvariants  {folder}; `forecast report` now shows them")


@evaluation.command(rich_help_panel=EVALUATION)
def calibrate(
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Calibrate only this model. May be repeated.")
    ] = None,
    simulations: Annotated[
        int, typer.Option(min=2, help="Number of simulations for each model. Stored ones are used again.")
    ] = 100,
    quick: Annotated[bool, typer.Option("--quick", help="Use 20 simulations.")] = False,
    simulator_fault: Annotated[
        str,
        typer.Option(
            "--simulator-fault",
            help="Simulate with this known fault, which the tests must detect. No certificate is written.",
        ),
    ] = "",
    plan: Annotated[
        str, typer.Option("--plan", help="Simulate the past with the fits of this plan. [default: quickstart]")
    ] = "",
    home: Home = HERE,
) -> None:
    """Run simulation-based calibration of the models, and compare their fits with the past in simulations.

    Simulates data from each model's prior, refits, and tests that the true parameters have uniform ranks. Also runs the
    prior predictive checks. Then simulates the past with the compiled kernel and the stored fits of a plan, and
    compares it with the data and with the fits. Certificates go to runs/certificates; reports and 'forecast show'
    quote them. Interrupted runs resume.
    """
    from forecast.evaluation.calibration.sbc import calibrate_all, calibration_lines, verdict
    from forecast.workspace.plan import plan_path

    size, stages = 20 if quick else simulations, stages_on_terminal()
    if plan:
        plan_path(home, plan)  # a wrong name fails before the simulations
    results = calibrate_all(home, model or [], size, simulator_fault, stages)
    for result in results:
        print("\n".join(calibration_lines(result)))
    faults = [line for result in results if (line := verdict(result))]
    if not simulator_fault:
        faults += _compare_with_past(home, plan, [result["model"] for result in results], stages)
    if faults:
        raise ForecastError("; ".join(faults))


@evaluation.command(rich_help_panel=EVALUATION)
def resolve(
    outcomes: Annotated[
        str, typer.Argument(help="CSV file of outcomes, or with --outcome or --annul the id of a question.")
    ] = "outcomes.csv",
    home: Home = HERE,
    out: Annotated[Path | None, typer.Option(help="Output folder.", show_default="reports/resolved")] = None,
    outcome: Annotated[
        float | None, typer.Option("--outcome", help="Outcome of the question: 0, 1, or a number.")
    ] = None,
    annul: Annotated[
        str | None, typer.Option("--annul", metavar="REASON", help="Annul the question for this reason.")
    ] = None,
    known: Annotated[
        datetime | None, typer.Option("--known", formats=["%Y-%m-%d"], help="Day on which the outcome became known.")
    ] = None,
    source: Annotated[str, typer.Option("--source", help="Where the outcome is from.")] = "",
) -> None:
    """Score the stored runs on outcomes that became known after they were made, against baselines.

    Forecasts made when the outcome was known are refused. Prints mean scores by target and horizon, and writes every
    scored forecast as CSV and JSON. With --outcome or --annul, records the outcome of a question of
    runs/questions.toml instead, once; forecast scoreboard scores it.
    """
    if outcome is not None or annul is not None:
        _record(home, outcomes, outcome, annul, known, source)
        return
    from forecast.evaluation.resolution.resolve import resolve as resolve_runs
    from forecast.evaluation.resolution.resolve import resolved_lines

    folder = out or home / "reports" / "resolved"
    resolved = resolve_runs(home, Path(outcomes), folder, datetime.now(UTC).date())
    print("\n".join(resolved_lines(resolved)))
    print(f"\nresolved  {folder}")


def _record(
    home: Path, name: str, outcome: float | None, annul: str | None, known: datetime | None, source: str
) -> None:
    """Record the outcome of a question and print it."""
    from forecast.archive.questions import question_of, read_questions
    from forecast.archive.resolutions import FILE, Resolution, record

    if outcome is not None and annul is not None:
        raise ForecastError("resolve: --outcome and --annul, expected one of them; leave one out")
    now = datetime.now(UTC)
    question = question_of(read_questions(home), name, home)
    resolution = Resolution(
        question=name,
        digest=question.digest,
        outcome=outcome,
        known=str((known or now).date()),
        source=source,
        reason=annul or "",
        recorded=now.isoformat(timespec="seconds"),
    )
    recorded = record(home, question, resolution)
    print(f"{name}: {recorded.says}, known on {recorded.known}, by {recorded.source}; in {home / FILE}")


def _compare_with_past(home: Path, plan: str, models: list[str], stages: Stages) -> list[str]:
    """Compare the stored fits of a plan with the past, print the result, and return where the simulation departs."""
    from forecast.evaluation.calibration.contract import make_contracts, missing_fits
    from forecast.evaluation.calibration.contract_store import contract_text, disagreements
    from forecast.workspace.inputs import read_inputs
    from forecast.workspace.plan import known_plans

    if not plan and (name := "quickstart") not in known_plans(home):
        print(f"contract: no plan {name} here; name a plan with --plan to simulate the past with its fits")
        return []
    inputs = read_inputs(home, plan or "quickstart")
    if missing := missing_fits(inputs):
        name = inputs.plan.name
        print(f"contract: plan {name} has no stored fit of {', '.join(missing)}; run `forecast run {name}` first")
        return []
    with stages("contract") as report:
        contracts = make_contracts(inputs, models, report)
    for contract in contracts.values():
        print("\n".join(contract_text(contract)))
    return [
        f"{model}: the simulation departs from the fit in {term}"
        for model, contract in contracts.items()
        for term in disagreements(contract)
    ]
