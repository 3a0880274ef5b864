"""Commands on the uncertainty of a stored run: mix scenarios, divide the variance, and find what would narrow it."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.cli.options import ARCHIVE, CORES, HERE, Home, RunName, Threads, stages_on_terminal

if TYPE_CHECKING:
    import xarray as xr

    from forecast.archive.weighted_paths import Sampled
    from forecast.priors.weights import ScenarioWeights
    from forecast.storage.runs import Run

mixtures = typer.Typer()

WeightsFile = Annotated[
    Path | None, typer.Option("--weights", help="TOML file with dated weights, in place of the run's weights.")
]
Day = Annotated[
    datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Use weights of the file of this day or before.")
]
Within = Annotated[
    str | None,
    typer.Option("--in", metavar="SCENARIO", help="One scenario instead of weights, as in 'war=lose, design=none'."),
]
Simulate = Annotated[
    int, typer.Option("--simulate", min=0, metavar="PATHS", help="Simulate so many paths; 0 reads the stored ones.")
]
AsJSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@mixtures.command(rich_help_panel=ARCHIVE)
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
    from forecast.reporting.labels import mission_labels
    from forecast.reporting.mixture_text import mixture_lines, tilt_lines

    opened = _whole_run(run, home)
    given = _weights_of(opened, home, weights, date, None)
    estimates, labels = estimates_of(opened), mission_labels(opened)
    if target is not None:
        tilted = tilt(estimates, given, target)
        _show(opened.id, {"tilt": tilt_rows(tilted, given)}, tilt_lines(opened.id, tilted, given, labels), json=json)
        return
    mixed = mix(estimates, given)
    result = {"weights": weight_rows(given), "headlines": mixed_rows(mixed)}
    _show(opened.id, result, mixture_lines(opened.id, mixed, given, labels), json=json)


@mixtures.command(rich_help_panel=ARCHIVE)
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

    Simulates further paths of the run, from the tables, priors and posteriors that it keeps.
    """
    from forecast.archive.budget import budget_rows, budgets
    from forecast.projection.execution import Executor
    from forecast.reporting.budget_text import budget_lines
    from forecast.reporting.labels import mission_labels

    opened = _whole_run(run, home)
    given = _weights_of(opened, home, weights, date, within)
    number = draws or min(2000, opened.manifest["plan"]["draws"])
    found = budgets(home, opened, given, number, stages_on_terminal(), Executor(threads, ""))
    _show(
        opened.id,
        {"budget": budget_rows(found)},
        budget_lines(opened.id, found, given, mission_labels(opened)),
        json=json,
    )


@mixtures.command(rich_help_panel=ARCHIVE)
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
    from forecast.archive.information import coming, information_rows, known_terms, require_paths, value_of_information
    from forecast.archive.query import sampled_paths
    from forecast.names import PATH
    from forecast.priors.releases import FILE, read_releases
    from forecast.reporting.information_text import information_lines
    from forecast.reporting.labels import mission_labels

    opened = _whole_run(run, home)
    given = _weights_of(opened, home, weights, date, within)
    calendar = coming(read_releases(releases or home / "priors" / FILE), opened.manifest["plan"]["as_of"])
    joint = sampled_paths(opened)
    require_paths(simulate or joint.sizes[PATH])
    sampled = _sampled(opened, home, joint, known_terms(calendar, joint), given, simulate, threads)
    found = value_of_information(calendar, sampled)
    _show(
        opened.id,
        {"releases": information_rows(found)},
        information_lines(opened.id, found, given, mission_labels(opened)),
        json=json,
    )


@mixtures.command(rich_help_panel=ARCHIVE)
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
    import numpy as np

    from forecast.archive.query import sampled_paths
    from forecast.archive.tripwires import find_tripwires, observables, paths_needed, require_sense, tripwire_rows
    from forecast.names import PATH
    from forecast.reporting.labels import mission_labels
    from forecast.reporting.tripwire_text import tripwire_lines

    opened = _whole_run(run, home)
    given = _weights_of(opened, home, weights, date, within)
    joint = sampled_paths(opened)
    require_sense(np.arange(simulate or joint.sizes[PATH]) % opened.manifest["plan"]["draws"], move)
    sampled = _sampled(opened, home, joint, observables(joint), given, simulate, threads)
    found, needed = find_tripwires(sampled, move), paths_needed(sampled, move)
    result = {"tripwires": tripwire_rows(found), "paths_needed": {kind.name: paths for kind, paths in needed.items()}}
    _show(opened.id, result, tripwire_lines(opened.id, found, needed, given, move, mission_labels(opened)), json=json)


def _whole_run(name: str, home: Path) -> "Run":
    from forecast.storage.runs import open_run

    opened = open_run(name, home)
    opened.require_whole()
    return opened


def _weights_of(
    run: "Run", home: Path, path: Path | None, day: datetime | None, within: str | None
) -> "ScenarioWeights":
    """Return the weights of a run, of a file, or all weight on one scenario."""
    from forecast.archive.headline_values import scenarios_of
    from forecast.archive.run_mixture import weights_for
    from forecast.archive.weighted_paths import parse_scenario
    from forecast.priors.weights import only

    if within is not None:
        wars, designs = scenarios_of(run)
        return only(wars, designs, *parse_scenario(within, wars, designs))
    weights, as_of = weights_for(home, run, path, day.date() if day else None), run.manifest["plan"]["as_of"]
    for entry in weights.entries:
        if entry.date.isoformat() > as_of:
            print(
                f"note: the weights of {entry.title} are dated {entry.date}, after the run's as-of date {as_of}; "
                f"--date {as_of} takes those known then",
                file=sys.stderr,
            )
    return weights


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
