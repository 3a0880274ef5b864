"""`make mutants`: break rules of the simulation one by one, and list which requirements and contract lines notice.

A mutant replaces one piece of text in a copy of the sources. A new process compiles the copy, tests the requirements on
the posteriors of `tests/data/posteriors`, and simulates the past (`forecast.evaluation.calibration.contract`). A mutant
is noticed by what fails there and holds for the sources as they are. The exit code is 1 if a mutant is not noticed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from forecast.names import MODELS
from tests.support.requirements import DRAWS, POSTERIORS, ROOT

PATHS = 128  # simulated histories of a contract
AS_IT_IS = "as it is"


class Mutant(NamedTuple):
    """A rule in `forecast/simulation/FILE` and the text that breaks it."""

    rule: str
    file: str
    old: str
    new: str


_MISSIONS, _WITHDRAWAL, _LEADERS = "rules/missions.py", "rules/withdrawal.py", "rules/leadership.py"
_SPENDING, _ALLIANCE, _SHOCKS = "rules/spending.py", "rules/alliance.py", "shocks/missions.py"
MUTANTS = (
    Mutant(
        "troops are never reduced for a planned cause",
        _SHOCKS,
        "v[i] / ratio if constants.reductions == 1 else math.inf",
        "math.inf",
    ),
    Mutant("defections never end in a reduction", _SHOCKS, "reductions = reduction_ratio", "reductions = 0.0"),
    Mutant("no contingent swaps missions", _MISSIONS, "return 2 if rest < re_role + caveat else 3", "return 2"),
    Mutant("a reduced contingent stays longer", _MISSIONS, "add_reduction(0.0, b, 1.0)", "add_reduction(0.0, -b, 1.0)"),
    Mutant(
        "the exits of others keep contingents",
        _MISSIONS,
        "add_partners(0.0, b_contagion",
        "add_partners(0.0, -b_contagion",
    ),
    Mutant("a new leader keeps troops", _MISSIONS, "add_politics(0.0, b_change", "add_politics(0.0, -b_change"),
    Mutant("an election ahead keeps troops", _MISSIONS, "changed, b_ahead, election", "changed, -b_ahead, election"),
    Mutant("losses keep troops", _MISSIONS, "add_casualties(0.0, b_losses", "add_casualties(0.0, -b_losses"),
    Mutant("the end of a mission is not foreseen", _MISSIONS, "where(quarters_left <= 4,", "where(quarters_left <= 0,"),
    Mutant(
        "exits are forgotten at once",
        "steps/missions.py",
        "store(state.exits_1, load(state.exits))",
        "store(state.exits_1, 0.0)",
    ),
    Mutant(
        "the exit of the lead nation is overlooked",
        "steps/missions.py",
        "(present == 0.0) & (handed == 0.0)",
        "present < 0.0",
    ),
    Mutant("dependence does not bind", _MISSIONS, "if pull != 0.0 else 1.0", "if pull > 1e9 else 1.0"),
    Mutant("those who stay carry nothing more", _MISSIONS, ", 1.0), b)", ", 1.0), 0.0)"),
    Mutant(
        "public opposition does not matter",
        _MISSIONS,
        "b_opposition * (1.0 - consensus) * opposition",
        "0.0 * opposition",
    ),
    Mutant("consensus of elites does not matter", _MISSIONS, "(1.0 - consensus) * opposition", "opposition"),
    Mutant("NATO takes over nothing", _MISSIONS, "(leaderless | collapsed) & (u < chance)", "u < 0.0"),
    Mutant(
        "members have no interest in a mission",
        _MISSIONS,
        "return sd_common * common + sd_own * own",
        "return 0.0 * own",
    ),
    Mutant("NATO decides at once", _MISSIONS, "math.floor(1.0 + quarters * absent) if framework == 1 else 0", "0"),
    Mutant("leaders fall twice at a vote", _LEADERS, "+ b_after_new * after_new", "+ 0.0 * after_new"),
    Mutant("term limits do not bind", _LEADERS, "+ b_limited * limited", "+ 0.0 * limited"),
    Mutant("a vote raises no turnover", _LEADERS, "+ b_election * election", "+ 0.0 * election"),
    Mutant("spending leaves its target", _SPENDING, "pull * (target - log_share)", "pull * (log_share - target)"),
    Mutant("growth of GDP raises the share", _SPENDING, "+ b_growth * growth", "- b_growth * growth"),
    Mutant("a gap below the pledge is not closed", _SPENDING, "+ response * (gap +", "+ response * (0.0 * gap +"),
    Mutant("the front line is like the rest", _SPENDING, "front * front_gap", "0.0 * front_gap"),
    Mutant("spending has half the noise", _SPENDING, "return scale * exp(log_volatility)", "return 0.5 * scale"),
    Mutant("Europe arms against China", _ALLIANCE, "return size if pacific else size * far", "return size"),
    Mutant(
        "a promise stays credible",
        _ALLIANCE,
        "credibility * maximum(0.0, 1.0 - decay",
        "credibility * maximum(1.0, 1.0 - decay",
    ),
    Mutant(
        "threats have no weight in cohesion",
        _ALLIANCE,
        "return weights[0] * factors[0] + weights[1]",
        "return weights[1]",
    ),
    Mutant("raters are exact", _ALLIANCE, "rating = cohesion + rater_sd * z", "rating = cohesion + 0.0 * z"),
    Mutant("a crisis only rallies", _ALLIANCE, "return -size * (late - early)", "return size * (late - early)"),
)


#: The models whose contract calls the rules of a file; no other contract can change.
_CALLED: Mapping[str, tuple[str, ...]] = {
    "": MODELS,
    _MISSIONS: ("withdrawal",),
    _SHOCKS: ("withdrawal",),
    "steps/missions.py": ("withdrawal",),
    _LEADERS: ("leadership",),
    _SPENDING: ("spending",),
    _ALLIANCE: ("spending", "cohesion"),
}


def mutate(mutant: Mutant, folder: Path) -> None:
    """Copy the package into `folder` and break one rule there; the text must occur exactly once."""
    shutil.copytree(ROOT / "forecast", folder / "forecast", ignore=shutil.ignore_patterns("__pycache__"))
    if not mutant.file:
        return
    path = folder / "forecast" / "simulation" / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.rule}: {mutant.old!r} occurs {text.count(mutant.old)} times in {mutant.file}")
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def failures(mutant: Mutant, ids: Sequence[str], models: Sequence[str], paths: int = PATHS) -> set[str]:
    """Return the ids of the requirements, and the contract lines, that fail in a process with a broken rule."""
    models = [model for model in models if model in _CALLED[mutant.file]]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        mutate(mutant, folder)
        done = subprocess.run(
            [sys.executable, "-c", f"from tests.tools.mutants import report; report({ids!r}, {models!r}, {paths})"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "XDG_CACHE_HOME": str(folder / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            return {f"it cannot run: {done.stderr.strip().splitlines()[-1]}"}
    return set(json.loads(done.stdout.splitlines()[-1]))


def report(ids: Sequence[str], models: Sequence[str], paths: int) -> None:
    """Print what fails as JSON; runs in the process of a mutant."""
    import xarray as xr

    import forecast
    from forecast.evaluation.calibration.contract import contract_lines, samples_of
    from forecast.evaluation.requirements.experiment import build_experiment
    from forecast.evaluation.requirements.registry import examine
    from forecast.progress import silent
    from forecast.workspace.inputs import Inputs, read_inputs

    assert Path(forecast.__file__).is_relative_to(Path.cwd().resolve()), "the sources as they are were imported"
    read = read_inputs(ROOT, "quickstart")
    fields: dict[str, Any] = {name: getattr(read, name) for name in Inputs.__dataclass_fields__}
    inputs = Inputs(**(fields | {"plan": read.plan.model_copy(update={"draws": DRAWS})}))
    posterior = {}
    for model in MODELS:
        with xr.open_datatree(POSTERIORS / f"{model}.nc", engine="netcdf4") as tree:
            posterior[model] = tree.load()
    found = []
    if models:
        lines = contract_lines(inputs, models, samples_of(inputs, posterior, paths), silent)
        for model in models:
            found += [f"{model}: {line['term']}" for line in lines[model] if line["agrees"] is False]
            found += [f"{model}, data: {line['term']}" for line in lines[model] if line["within"] is False]
    if ids:
        experiment = build_experiment(inputs, posterior, threads=1)
        found += [name for name in ids if examine(name, experiment).met is False]
    print(json.dumps(found))


def table(noticed: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the table as lines of Markdown; lines in which the simulation departs from the fit stand first."""
    lines = ["| broken rule | requirements | contract |", "|---|---|---|"]
    for rule, found in noticed.items():
        ids = [name for name in found if ":" not in name]
        contract = sorted((name for name in found if ":" in name), key=lambda name: (", data:" in name, name))
        shown = "; ".join(contract[:3]) + (f" and {len(contract) - 3} more" if len(contract) > 3 else "")
        lines.append(f"| {rule} | {', '.join(ids) or '–'} | {shown or '–'} |")
    return lines


def main() -> None:
    """Break the chosen rules, print the table, and exit with 1 if a mutant is not noticed."""
    from forecast.evaluation.requirements.registry import IDS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="break only rules whose name contains this text")
    parser.add_argument("--ids", default=",".join(IDS), help="requirements to test, separated by commas")
    parser.add_argument("--models", default=",".join(MODELS), help="models whose contract is tested")
    arguments = parser.parse_args()
    ids, models = (tuple(filter(None, text.split(","))) for text in (arguments.ids, arguments.models))
    before = failures(Mutant(AS_IT_IS, "", "", ""), ids, models)
    print(f"as it is, not met: {', '.join(sorted(before)) or 'none'}", flush=True)
    noticed = {}
    for mutant in MUTANTS:
        if arguments.only in mutant.rule:
            noticed[mutant.rule] = sorted(failures(mutant, ids, models) - before)
            print(f"{mutant.rule}: {', '.join(noticed[mutant.rule]) or 'NOT NOTICED'}", flush=True)
    print("\n".join(table(noticed)))
    sys.exit(any(not found for found in noticed.values()))


if __name__ == "__main__":
    main()
