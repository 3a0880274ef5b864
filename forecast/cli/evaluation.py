"""The verbs that judge the models: claims of the science, back-tests, other readings of the record, calibration."""

from typing import Annotated

import typer

from forecast.cli.options import CORES, HERE, Home, PlanName, RunName, Threads, stages_on_terminal
from forecast.errors import ForecastError

science = typer.Typer()


@science.command()
def requirements(
    run: RunName = "latest",
    home: Home = HERE,
    threads: Threads = CORES,
) -> None:
    """Test every requirement of the science on the plan and the posteriors of a run; print a table."""
    from forecast.evaluation.requirements.experiment import build_experiment
    from forecast.evaluation.requirements.registry import IDS, examine, requirement_lines
    from forecast.names import MODELS
    from forecast.storage.runs import open_run
    from forecast.workspace.inputs import read_inputs

    made, stages = open_run(run, home), stages_on_terminal()
    with stages("read"):
        fits = {model: made.posterior(model).load() for model in MODELS}
        lab = build_experiment(read_inputs(home, made.manifest["provenance"]["plan"]), fits, threads)
    found = []
    with stages("requirements") as tell:
        for n, identifier in enumerate(IDS):
            tell(identifier, n / len(IDS))
            found.append(examine(identifier, lab))
    print("\n".join(requirement_lines(found)))
    if unexpected := [one.id for one in found if not one.met and not one.reason]:
        raise ForecastError(f"not met: {', '.join(unexpected)}")


@science.command()
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
    from forecast.evaluation.score_report import score_lines
    from forecast.evaluation.score_store import TABLE
    from forecast.evaluation.scoring_run import publish, stored
    from forecast.evaluation.scoring_run import score as score_all

    folder = score_all(home, plan, stages_on_terminal(), quick=quick)
    print("\n".join(score_lines(stored(folder).json(TABLE))))
    print(f"\nscores  {folder}")
    if not quick:
        print(f"page    {publish(folder, home)}")


@science.command()
def variants(plan: PlanName = "quickstart", home: Home = HERE, threads: Threads = CORES) -> None:
    """Fit the withdrawal model under other readings of the record; print the headlines (ten minutes)."""
    from forecast.evaluation.coding_variants import variant_lines, vary
    from forecast.evaluation.score_store import TABLE
    from forecast.storage.runs import Run
    from forecast.workspace.inputs import read_inputs

    folder = vary(read_inputs(home, plan), stages_on_terminal(), threads)
    print("\n".join(variant_lines(Run(folder, {}).json(TABLE))))
    print(f"\nvariants  {folder}; `forecast report` now shows them")


@science.command()
def calibrate(
    model: Annotated[list[str] | None, typer.Option("--model", help="Only this model; may be repeated.")] = None,
    simulations: Annotated[int, typer.Option(min=2, help="How many; stored ones are kept.")] = 100,
    quick: Annotated[bool, typer.Option("--quick", help="Twenty simulations.")] = False,
    flaw: Annotated[str, typer.Option(help="Simulate with a known flaw, which the command must catch.")] = "",
    home: Home = HERE,
) -> None:
    """Calibrate models by simulation: they must find again what was drawn from their own beliefs.

    Also tests what the beliefs foretell before a table is read. Certificates go to runs/certificates; reports and
    `forecast show` quote them. A stopped calibration goes on where it was. A flaw certifies nothing.
    """
    from forecast.evaluation.calibration.sbc import calibrate_all, calibration_lines, verdict

    size = 20 if quick else simulations
    found = calibrate_all(home, model or [], size, flaw, stages_on_terminal())
    for one in found:
        print("\n".join(calibration_lines(one)))
    if faults := [line for one in found if (line := verdict(one))]:
        raise ForecastError("; ".join(faults))
