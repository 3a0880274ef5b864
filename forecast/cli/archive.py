"""Commands on stored runs: verify, question, mix, compare and explain."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.cli.options import ARCHIVE, CORES, HERE, Home, RunName, Threads, stages_on_terminal
from forecast.errors import ForecastError

if TYPE_CHECKING:
    import xarray as xr

    from forecast.archive.weighted_paths import Sampled
    from forecast.priors.weights import ScenarioWeights
    from forecast.storage.runs import Run

archive = typer.Typer()


@archive.command(rich_help_panel=ARCHIVE)
def verify(
    run: RunName = "latest",
    home: Home = HERE,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Make the run again and compare its files byte by byte.")
    ] = False,
    correct: Annotated[
        str | None,
        typer.Option("--correct", metavar="REASON", help="Add an entry for the run as it is now, with this reason."),
    ] = None,
    threads: Threads = CORES,
) -> None:
    """Check that a run is as it was published.

    Checks every file against the manifest, the headlines against their seal in runs/ledger.jsonl, and the ledger
    itself. The exit code is 1 if anything differs.
    """
    from forecast.archive.verify import faults_of_ledger, verify_run
    from forecast.storage.ledger import read_ledger, seal_run
    from forecast.storage.runs import open_run

    opened = open_run(run, home)
    if correct is not None:
        opened.require_whole()
        seal_run(home, opened, datetime.now(UTC).isoformat(timespec="seconds"), correct)
    entry = verify_run(home, opened)
    print(f"files   {len(opened.manifest['files'])} undamaged: {opened.path}")
    print(f"seal    {entry.seal[:16]}, entry {entry.number} of {len(read_ledger(home))}, {entry.time[:10]}")
    faults = faults_of_ledger(home)
    if rerun:
        from forecast.archive.repeat import repeat_run
        from forecast.projection.execution import Executor

        again = repeat_run(home, opened, stages_on_terminal(), Executor(threads, ""))
        print("\n".join(f"moved   {line}" for line in again.moved) or "inputs  as they were")
        if again.same:
            print("rerun   every file has the same bytes")
        else:
            faults.append(
                f"{opened.id}: made again, {', '.join(again.files)} differ; first difference: "
                f"{again.variable or 'in the text of a file alone'}"
            )
    if faults:
        raise ForecastError("\n".join(faults))


@archive.command(rich_help_panel=ARCHIVE)
def query(
    run: Annotated[str, typer.Argument(help="Run id, a unique part of it, or 'latest'.")],
    question: Annotated[str, typer.Argument(help="Such as 'P(collapsed[kfor] by 2029Q4, war=win)'.")],
    home: Home = HERE,
    error: Annotated[
        float | None, typer.Option(min=0.0, help="Largest Monte Carlo standard error of an answer.")
    ] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Simulate more paths if too few meet the condition or the error.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
    threads: Threads = CORES,
) -> None:
    """Ask a question about a stored run: a probability, mean or quantile, with conditions.

    Answered from the run's sampled joint paths, for every scenario that the question leaves open. docs/archive.md
    describes the language.
    """
    import json as js

    from forecast.archive.query import answer_query, answer_rows, sampled_paths
    from forecast.archive.query_language import parse_query
    from forecast.reporting.query_text import answer_lines
    from forecast.storage.runs import open_run

    parsed, opened = parse_query(question), open_run(run, home)
    opened.require_published()
    more = None
    if simulate:
        from forecast.archive.more_paths import more_paths
        from forecast.projection.execution import Executor

        more = more_paths(home, opened, stages_on_terminal(), Executor(threads, ""))
    draws = opened.manifest["plan"]["draws"]
    answers = answer_query(parsed, sampled_paths(opened), draws, error, more)
    if json:
        print(js.dumps({"run": opened.id, "query": question, "answers": list(answer_rows(answers))}, indent=1))
    else:
        print("\n".join(answer_lines(opened.id, parsed, answers)))


@archive.command(rich_help_panel=ARCHIVE)
def compare(
    before: Annotated[str, typer.Argument(help="The earlier run: its id or a unique part of it.")],
    after: RunName = "latest",
    home: Home = HERE,
    everything: Annotated[bool, typer.Option("--all", help="Show every headline, row and setting.")] = False,
) -> None:
    """Compare two runs: verdicts that flipped, headlines that moved, and what differs in the inputs.

    Tables are compared row by row. A move is given in Monte Carlo standard errors of both runs together.
    """
    from forecast.archive.compare import compare_runs
    from forecast.reporting.comparison_text import comparison_lines
    from forecast.storage.runs import open_run

    comparison = compare_runs(home, open_run(before, home), open_run(after, home))
    lines = comparison_lines(comparison, 10**9) if everything else comparison_lines(comparison)
    print("\n".join(lines))


@archive.command(rich_help_panel=ARCHIVE)
def explain(
    before: Annotated[str, typer.Argument(help="The earlier run: its id or a unique part of it.")],
    after: RunName = "latest",
    home: Home = HERE,
    cost: Annotated[bool, typer.Option("--cost", help="Print what would be computed, and stop.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show every headline.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
    threads: Threads = CORES,
) -> None:
    """Explain why the headlines moved between two runs, by hybrid runs with parts of both.

    The parts are new data, revised data, horizon roll, scenario definition, priors, Monte Carlo noise and version. The
    contributions of the parts that differ add up to the change. The cost is printed before anything is simulated, and
    hybrid runs are kept, so the same question is answered at once later.
    """
    import json as js

    from forecast.archive.explain import explain as explain_prepared
    from forecast.archive.explain import explanation_rows, prepare_explanation
    from forecast.projection.execution import Executor
    from forecast.reporting.explanation_text import cost_line, explanation_lines
    from forecast.storage.runs import open_run

    prepared = prepare_explanation(home, open_run(before, home), open_run(after, home))
    print(cost_line(prepared.cost), file=sys.stdout if cost else sys.stderr)
    if cost:
        return
    explanation = explain_prepared(prepared, stages_on_terminal(), Executor(threads, ""))
    if json:
        print(js.dumps(explanation_rows(explanation), indent=1))
    else:
        lines = explanation_lines(explanation, 10**9) if everything else explanation_lines(explanation)
        print("\n".join(lines))


WeightsFile = Annotated[
    Path | None, typer.Option("--weights", help="TOML file with dated weights; by default priors/weights.toml.")
]
Day = Annotated[
    datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Use the newest weights of this day or before.")
]
Within = Annotated[
    str | None,
    typer.Option("--in", metavar="SCENARIO", help="One scenario instead of weights, as in 'war=lose, design=none'."),
]
Simulate = Annotated[
    int, typer.Option("--simulate", min=0, metavar="PATHS", help="Simulate so many paths; 0 reads the stored ones.")
]
AsJSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@archive.command(rich_help_panel=ARCHIVE)
def reweight(
    run: RunName = "latest",
    home: Home = HERE,
    weights: WeightsFile = None,
    date: Day = None,
    target: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Find the weights that give it: 'verdict Weak = 0.5'.")
    ] = None,
    json: AsJSON = False,
) -> None:
    """Mix the scenarios of a stored run with dated weights, without simulating anything.

    The Monte Carlo error and the uncertainty of the weights are given apart.
    """
    from forecast.archive.headline_values import estimates_of
    from forecast.archive.mixture import mix, mixed_rows, tilt, tilt_rows
    from forecast.priors.weights import weight_rows
    from forecast.reporting.mixture_text import mixture_lines, tilt_lines

    opened = _whole_run(run, home)
    given = _weights_of(opened, home, weights, date, None)
    estimates = estimates_of(opened)
    if target is not None:
        tilted = tilt(estimates, given, target)
        _show(opened.id, {"tilt": tilt_rows(tilted, given)}, tilt_lines(opened.id, tilted, given), json=json)
        return
    mixed = mix(estimates, given)
    result = {"weights": weight_rows(given), "headlines": mixed_rows(mixed)}
    _show(opened.id, result, mixture_lines(opened.id, mixed, given), json=json)


@archive.command(rich_help_panel=ARCHIVE)
def budget(
    run: RunName = "latest",
    home: Home = HERE,
    weights: WeightsFile = None,
    date: Day = None,
    within: Within = None,
    draws: Annotated[
        int | None,
        typer.Option(min=1, help="Parameter draws, three paths of each; by default at most 2,000."),
    ] = None,
    json: AsJSON = False,
    threads: Threads = CORES,
) -> None:
    """Divide the variance of every headline into scenario, judgement, parameters and chance.

    Simulates paths of the same plan, so the tables and priors of the workspace must be as in the run.
    """
    from forecast.archive.budget import budget_rows, budgets
    from forecast.projection.execution import Executor
    from forecast.reporting.budget_text import budget_lines

    opened = _whole_run(run, home)
    given = _weights_of(opened, home, weights, date, within)
    number = draws or min(2000, opened.manifest["plan"]["draws"])
    found = budgets(home, opened, given, number, stages_on_terminal(), Executor(threads, ""))
    _show(opened.id, {"budget": budget_rows(found)}, budget_lines(opened.id, found, given), json=json)


@archive.command(rich_help_panel=ARCHIVE)
def voi(
    run: RunName = "latest",
    home: Home = HERE,
    weights: WeightsFile = None,
    date: Day = None,
    within: Within = None,
    releases: Annotated[
        Path | None, typer.Option(help="TOML file with the calendar of releases; by default priors/releases.toml.")
    ] = None,
    simulate: Simulate = 0,
    json: AsJSON = False,
    threads: Threads = CORES,
) -> None:
    """Show which coming release is expected to narrow which headline, and by how much (value of information)."""
    from forecast.archive.information import coming, information_rows, known_terms, value_of_information
    from forecast.archive.query import sampled_paths
    from forecast.priors.releases import FILE, read_releases
    from forecast.reporting.information_text import information_lines

    opened = _whole_run(run, home)
    given = _weights_of(opened, home, weights, date, within)
    calendar = coming(read_releases(releases or home / "priors" / FILE), opened.manifest["plan"]["as_of"])
    joint = sampled_paths(opened)
    sampled = _sampled(opened, home, joint, known_terms(calendar, joint), given, simulate, threads)
    found = value_of_information(calendar, sampled)
    _show(opened.id, {"releases": information_rows(found)}, information_lines(opened.id, found, given), json=json)


@archive.command(rich_help_panel=ARCHIVE)
def tripwires(
    run: RunName = "latest",
    home: Home = HERE,
    weights: WeightsFile = None,
    date: Day = None,
    within: Within = None,
    move: Annotated[float, typer.Option(help="Smallest move of a headline, in its unit; 0.05 is five points.")] = 0.05,
    simulate: Simulate = 0,
    json: AsJSON = False,
    threads: Threads = CORES,
) -> None:
    """Show what, observed within a year, would move a headline by five points, and how likely that is."""
    from forecast.archive.query import sampled_paths
    from forecast.archive.tripwires import find_tripwires, observables, paths_needed, tripwire_rows
    from forecast.reporting.tripwire_text import tripwire_lines

    opened = _whole_run(run, home)
    given = _weights_of(opened, home, weights, date, within)
    joint = sampled_paths(opened)
    sampled = _sampled(opened, home, joint, observables(joint), given, simulate, threads)
    found, needed = find_tripwires(sampled, move), paths_needed(sampled, move)
    result = {"tripwires": tripwire_rows(found), "paths_needed": {kind.name: paths for kind, paths in needed.items()}}
    _show(opened.id, result, tripwire_lines(opened.id, found, needed, given, move), json=json)


def _whole_run(name: str, home: Path) -> "Run":
    from forecast.storage.runs import open_run

    opened = open_run(name, home)
    opened.require_whole()
    return opened


def _weights_of(
    run: "Run", home: Path, path: Path | None, day: datetime | None, within: str | None
) -> "ScenarioWeights":
    """Return the weights of a file for the scenarios of a run, or all weight on one scenario."""
    from forecast.archive.headline_values import scenarios_of
    from forecast.archive.weighted_paths import parse_scenario
    from forecast.priors.weights import FILE, only, read_weights

    wars, designs = scenarios_of(run)
    if within is not None:
        return only(wars, designs, *parse_scenario(within, wars, designs))
    return read_weights(path or home / "priors" / FILE, wars, designs, day.date() if day else None)


def _sampled(
    run: "Run",
    home: Path,
    joint: "xr.Dataset",
    terms: Sequence[str],
    weights: "ScenarioWeights",
    simulate: int,
    threads: int,
) -> "Sampled":
    """Return headlines and terms on the stored paths of a run, or on so many simulated ones."""
    from forecast.archive.headline_values import kinds_of
    from forecast.archive.weighted_paths import read_sampled, simulator, used_scenarios

    used, more = used_scenarios(weights), None
    if simulate:
        from forecast.projection.execution import Executor

        more = simulator(home, run, used, simulate, stages_on_terminal(), Executor(threads, ""))
    return read_sampled(kinds_of(run.headlines), terms, joint, used, run.manifest["plan"]["draws"], more)


def _show(run: str, result: Mapping[str, Any], lines: Iterable[str], *, json: bool) -> None:
    """Print a result as JSON, or as lines."""
    import json as js

    print(js.dumps({"run": run, **result}, indent=1, allow_nan=False) if json else "\n".join(lines))
