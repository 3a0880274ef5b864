"""Make a workspace with a run of the whole pipeline from fake posteriors, and a scoring that needs no fit."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast import names
from forecast.archive.further_files import further_files
from forecast.evaluation.backtests.alliance_exit import exit_tasks
from forecast.evaluation.backtests.tasks import run_tasks
from forecast.evaluation.scoring_run import _write
from forecast.inference.arviz_groups import OBSERVED, with_groups
from forecast.inference.fit_store import Fits
from forecast.pipeline import run as pipeline
from forecast.progress import Report, silent
from forecast.storage.runs import Run
from forecast.workspace.init import create_workspace
from forecast.workspace.inputs import Inputs, read_inputs
from tests.support import fake_posteriors
from tests.support.fake_posteriors import all_samples, priors, tables
from tests.support.scenario_weights import weights_file

SIZE = "draws = 64\npaths = 128\njoint_paths = 128"
SMALLER = 'draws = 32\npaths = 64\njoint_paths = 32\ndesign = ["none", "division_of_labour"]'


def make(home: Path) -> Run:
    """Make a run of all wars and two designs over six years."""
    create_workspace(home)
    assert SIZE in PLAN
    (home / "runs" / "plans" / "small.toml").write_text(PLAN.replace(SIZE, SMALLER))
    (home / "runs" / "questions.toml").write_text(QUESTIONS)
    weights_file(home / "priors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "fits_of", invented_fits_of)
        run = pipeline.run(home, "small", quiet, threads=1, callbacks=pipeline.Callbacks(further=further_files))
    tasks = [(task, "specimen") for task in exit_tasks(tables(), priors())]
    rows = run_tasks(home, tasks, quiet)
    _write(home / "runs" / "scores" / "specimen", read_inputs(home, "small"), rows, False)
    return run


QUESTIONS = """
[allies_at_two_percent]
text = "How many allies spend 2 % of GDP or more in 2026?"
query = "E(count(spending[*] in 2026 >= 2))"
rule = "Figures as printed."
source = "a press release"
opened = 2025-11-01
deadline = 2027-06-30
scenario = "win × none"
baseline = 20
baseline_source = "last year"

[kfor_loses_italy]
text = "Does Italy leave KFOR by the end of 2027?"
query = "P(exited[ITA, kfor] by 2027Q4)"
rule = "No Italian troops in the placemat."
source = "a placemat"
opened = 2025-11-01
deadline = 2027-12-31
weights = { "neutral × none" = 0.5, "win × none" = 0.25, "lose × division_of_labour" = 0.25 }
weights_source = "judgement"
baseline = 0.1
baseline_source = "a constant rate"

[new_french_president]
text = "Does the President of France change in 2027?"
quantity = { target = "leader_change_probability", unit = "FRA", period = "2027" }
rule = "Another person holds the office on 31 December 2027."
source = "the gazette"
opened = 2025-11-01
deadline = 2027-12-31
scenario = "neutral × none"
baseline = 0.25
baseline_source = "a constant rate"

[europe_in_2026]
text = "How much does Europe spend in 2026?"
quantity = { target = "european_spending", period = "2026" }
rule = "Figures as printed."
source = "a press release"
opened = 2025-11-01
deadline = 2027-06-30
scenario = "neutral × none"
baseline = 2.2
baseline_source = "last year"

[minusca_ends]
text = "Does MINUSCA end by the end of 2027?"
query = "P(ended[minusca] by 2027Q4)"
rule = "Its mandate has ended."
source = "a resolution"
opened = 2025-11-01
deadline = 2027-12-31
scenario = "neutral × none"
baseline = 0.1
baseline_source = "a constant rate"

[answered_before]
text = "Does France spend 2 % in 2025?"
query = "P(spending[FRA] in 2026 >= 2)"
rule = "Figures as printed."
source = "a press release"
opened = 2025-01-01
deadline = 2025-06-30
scenario = "neutral × none"
baseline = 0.5
baseline_source = "even odds"
"""

PLAN = """
title = "Tiny"
as_of = 2025-12-31
seed = 5
quarters = 24
draws = 64
paths = 128
joint_paths = 128
missions = ["kfor", "unifil"]
[ends]
unifil = "2027Q1"
[[hypothetical]]
name = "willing"
label = "Willing"
framework = "ad_hoc"
intensity = "combat"
lead = "USA"
start = "2026Q1"
source = "judgement"
contributors = { USA = 100, GBR = 50, POL = 50 }
[[hypothetical]]
name = "together"
label = "Together"
framework = "nato"
intensity = "combat"
lead = "USA"
start = "2026Q3"
source = "judgement"
contributors = { USA = 100, GBR = 50, POL = 50 }
"""


def small(plan: str, *wars: str, design: str = "none") -> str:
    """Return the plan over two years, in some wars and one design."""
    return plan.replace("quarters = 24", f'quarters = 8\nwar = {list(wars)}\ndesign = ["{design}"]')


@contextlib.contextmanager
def quiet(title: str) -> Iterator[Report]:
    yield silent


def invented_trees() -> dict[str, xr.DataTree]:
    """Return fake posteriors in the form of a fit, with one chain."""
    trees = {}
    for model, samples in all_samples().items():
        chains = {name: values.rename(sample="draw").expand_dims(chain=[0]) for name, values in samples.items()}
        if model == "withdrawal":
            labels = {"mission_effect": ("mission", "kfor"), "country_effect": ("country", "DEU")}
            for name, (dim, label) in labels.items():
                none = np.zeros((1, fake_posteriors.SIZE, 1))
                chains[name] = xr.DataArray(none, dims=["chain", "draw", dim], coords={dim: [label]})
        energy = np.random.default_rng(1).normal(size=(1, fake_posteriors.SIZE))
        stats = xr.Dataset({"energy": (("chain", "draw"), energy)})
        groups = {"posterior": xr.Dataset(chains), "sample_stats": stats}
        trees[model] = xr.DataTree.from_dict(groups)
    return trees


def invented_groups(model: str, size: int = 30) -> xr.DataTree:
    """Return fake observations of a model, in the groups that a real fit has."""
    rng, of = np.random.default_rng(2), OBSERVED[model]
    coords = {"chain": [0], "draw": np.arange(fake_posteriors.SIZE), of.dim: np.arange(size)}
    shape, dims = (1, fake_posteriors.SIZE, size), ("chain", "draw", of.dim)
    even = np.broadcast_to(np.linspace(-1.01, -0.99, shape[1])[None, :, None], shape)  # no Pareto k is high
    text = {"long_name": of.long_name, "units": of.units}
    one = {"pareto_k": rng.uniform(-0.1, 0.6, size), "elpd": rng.normal(-1.0, 0.1, size), "pit": rng.random(size)}
    kappa = (("chain", "draw"), rng.beta(3.0, 97.0, (1, fake_posteriors.SIZE)))
    prior = {"kappa": kappa} if model == "spending" else {}
    groups = {
        "observed_data": xr.Dataset({of.name: (of.dim, rng.normal(size=size), text)}, {of.dim: coords[of.dim]}),
        "log_likelihood": xr.Dataset({of.name: (dims, rng.permuted(even, axis=1))}, coords),
        "posterior_predictive": xr.Dataset({of.name: (dims, rng.normal(size=shape), text)}, coords),
        "prior": xr.Dataset(prior),
        "prior_predictive": xr.Dataset({of.name: (dims, 2.0 * rng.normal(size=shape), text)}, coords),
        names.LEFT_OUT: xr.Dataset({name: (of.dim, values) for name, values in one.items()}),
    }
    graph = [
        {"name": "scale", "kind": "free", "dims": [], "parents": []},
        {"name": "state", "kind": "computed", "dims": ["year"], "parents": ["scale"]},
        {"name": "seen", "kind": "data", "dims": ["year"], "parents": []},
        {"name": "density", "kind": "density", "dims": [], "parents": ["seen", "state"]},
    ]
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {"model": model, "fit": f"{model}-0", names.GRAPH: json.dumps(graph)}
    return tree


def invented_fits(inputs: Inputs, stages: Any) -> Any:
    worst = {"rhat_worst": "a", "ess_bulk_worst": "a", "ess_tail_worst": "a"}
    diagnostics = {"rhat": 1.0, "ess_bulk": 500.0, "ess_tail": 500.0, "divergences": 0, **worst}
    diagnostics |= {"chains": 4, "draws": 9, "passed": True}
    fact = {"diagnostics": diagnostics, "attempts": 1, "seconds": {"compile": 1.0, "sample": 1.0}}
    trees = invented_trees()
    whole = {model: with_groups(trees[model], invented_groups(model), priors()) for model in names.MODELS}
    return Fits(trees | whole, dict.fromkeys(names.MODELS, fact))


def invented_fits_of(inputs: Any, stages: Any, also: Any = ()) -> Any:
    return contextlib.nullcontext(invented_fits(inputs, stages))
