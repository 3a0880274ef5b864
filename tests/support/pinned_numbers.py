"""Compute the numbers that guard the versions of `forecast.workspace.provenance`, each from fixed inputs.

`python -m tests.support.pinned_numbers` rewrites `tests/data/pins.json`. Run it only after raising the version that
the failing test names.
"""

import functools
import importlib
import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

if TYPE_CHECKING:
    from forecast.evaluation.backtests.tasks import Refit

ROOT = Path(__file__).parents[2]
PINS = ROOT / "tests" / "data" / "pins.json"
SEED = 20261127
Numbers = dict[str, float]


@dataclass(frozen=True)
class Pin:
    """Hold how to compute pinned numbers, and the version that they guard."""

    version: str
    numbers: Callable[[], Numbers]
    #: Whether the numbers also depend on the bundled tables and priors.
    of_tables: bool = False
    #: Relative. Rounding differs between processors, where sums of thousands of terms agree to about 1e-13.
    tolerance: float = 1e-9


def summary(values: Any) -> Numbers:
    """Return size, mean, SD and a weighted sum of the finite values; they depend on every value and on the order."""
    x = np.asarray(values, dtype=float).ravel()
    x = x[np.isfinite(x)]
    if not x.size:
        return {"size": 0.0}
    weight = np.cos(np.arange(x.size))
    return {
        "size": float(x.size),
        "mean": float(x.mean()),
        "sd": float(x.std()),
        "weighted": float(x @ weight),
    }


def named(prefix: str, numbers: Numbers) -> Numbers:
    """Return the numbers with `prefix` before each name."""
    return {f"{prefix} {name}": value for name, value in numbers.items()}


def leaves(content: Any, place: str = "") -> Numbers:
    """Every number in nested mappings and sequences, by the path that leads to it."""
    if isinstance(content, Mapping):
        pairs: Any = content.items()
    elif isinstance(content, list | tuple):
        pairs = enumerate(content)
    else:
        return {place: float(content)} if isinstance(content, bool | int | float | np.number) else {}
    numbers: Numbers = {}
    for key, value in pairs:
        numbers |= leaves(value, f"{place} {key}".strip())
    return numbers


def constants_of(*modules: str) -> Numbers:
    """Every number that a module states at its top, such as a limit, an origin or a number of draws."""
    numbers: Numbers = {}
    for module in modules:
        for name, value in vars(importlib.import_module(f"forecast.{module}")).items():
            if name.isupper() and not name.endswith(("_VERSION", "TYPE_CHECKING")) and not isinstance(value, type):
                settings = value.model_dump() if hasattr(value, "model_dump") else value
                numbers |= leaves(settings, f"{module} {name}")
    return numbers


def of_frame(rows: pd.DataFrame) -> Numbers:
    """Return the number of rows and the summary of every numeric column."""
    numbers: Numbers = {"rows": float(len(rows))}
    for name in rows.select_dtypes(["number", "bool"]):
        if rows[name].notna().any():
            numbers |= named(str(name), summary(rows[name]))
    return numbers


# -- models --------------------------------------------------------------------------------------------


def density(model: str) -> Numbers:
    """Return log density and gradient at three points, for data simulated from the calibration problem of the model."""
    import pymc as pm
    from pytensor.compile.mode import Mode
    from pytensor.gradient import grad

    from forecast.evaluation.calibration.sbc import problem_of
    from forecast.inference.pymc_models.sampling import build
    from tests.support.fake_posteriors import priors

    problem = problem_of(model)
    problem_priors = problem.priors(priors())
    rng = np.random.default_rng(SEED)
    data = problem.simulate(problem.data, problem.draw(problem_priors, rng), rng)
    graph = build(model, problem.data, problem_priors)
    with graph:
        pm.set_data(problem.data_vectors(data))
    # interpreted, because three calls are faster than compiling the graph
    mode = Mode(linker="py", optimizer=None)
    total = functools.reduce(operator.add, [term.sum() for term in graph.logp(sum=False)])
    evaluate = pm.compile(graph.value_vars, [total, *grad(total, graph.value_vars)], mode=mode)
    start = graph.initial_point(random_seed=SEED)
    numbers: Numbers = {}
    for point in range(3):
        values = [start[v.name] + 0.1 * rng.normal(size=np.shape(start[v.name])) for v in graph.value_vars]
        value, *gradient = evaluate(*values)
        numbers[f"log density {point}"] = float(value)
        numbers |= named(f"gradient {point}", summary(np.concatenate([np.ravel(g) for g in gradient])))
    return numbers


def sampler() -> Numbers:
    """What a fit asks of the sampler at its first and second attempt."""
    from unittest import mock

    from forecast.inference.pymc_models import sampling
    from forecast.progress import silent
    from forecast.workspace.plan import FitSettings

    asked: list[dict[str, Any]] = []

    def sample(compiled: Any, **options: Any) -> Any:
        asked.append(options)
        raise RuntimeError("only the request is of interest")

    settings = FitSettings(chains=3, tune=300, draws=700, target_accept=0.85)
    with mock.patch("nutpie.sample", sample):
        for attempt in (1, 2):
            try:
                sampling._sample(None, settings, attempt, 17, silent)
            except RuntimeError:
                continue
    return leaves(asked, "attempt")


def shift_of_reductions() -> Numbers:
    """The shift from exits to reductions on the bundled tables."""
    from forecast.data.deployments import mission_spells
    from forecast.inference.reductions import reduction_shift
    from tests.support.fake_posteriors import priors, tables

    spells = mission_spells(tables(), priors())
    return summary(reduction_shift(withdrawal_draws(8), spells, tables(), priors(), SEED))


def certificate(model: str) -> Numbers:
    """The summary of made-up ranks, with the gates of the prior predictive of a model."""
    from forecast.evaluation.calibration.rank_tests import rank
    from forecast.evaluation.calibration.sbc import summarise
    from tests.support.fake_posteriors import priors

    rng = np.random.default_rng(SEED)
    simulations = []
    for number in range(40):
        truth, draws = rng.normal(size=2), rng.normal(size=(2, 400))
        simulations.append(
            {
                "number": number,
                "ranks": {f"q{i}": rank(truth[i], draws[i]) for i in range(2)},
                "truth": {f"q{i}": float(truth[i]) for i in range(2)},
                "mean": {f"q{i}": float(draws[i].mean() + 0.5 * truth[i]) for i in range(2)},
                "sd": {f"q{i}": float(draws[i].std()) for i in range(2)},
                "divergences": 0,
                "ess": 400.0,
                "seconds": 1.0,
            }
        )
    return leaves(summarise(simulations, model, priors()))


def reduction() -> Numbers:
    """Return a summary of the shift from exits to reductions, for random hazards in six windows."""
    from forecast.inference.reductions import shift_given

    rng = np.random.default_rng(SEED)
    hazard, cut = rng.exponential(0.2, (50, 6)), np.array([1, 0, 0, 1, 0, 1], dtype=bool)
    return summary(shift_given(hazard, cut, 0.5, 1.0, rng.random(50)))


def problem(model: str) -> Numbers:
    """Return summaries of the simulated data of a calibration problem, and of the quantities derived from a draw."""
    from forecast.evaluation.calibration.problem import as_draws
    from forecast.evaluation.calibration.sbc import problem_of
    from tests.support.fake_posteriors import priors

    calibration = problem_of(model)
    problem_priors, rng = calibration.priors(priors()), np.random.default_rng(SEED)
    numbers: Numbers = {}
    for name, variable in calibration.data.variables.items():
        if variable.dtype.kind in "fbiu":
            numbers |= named(f"data {name}", summary(variable))
    truth = calibration.draw(problem_priors, rng)
    observed = calibration.simulate(calibration.data, truth, rng)
    for name, values in calibration.data_vectors(observed).items():
        numbers |= named(f"outcome {name}", summary(values))
    for name, value in truth.items():
        numbers |= named(f"drawn {name}", summary(value))
    for name, value in calibration.derived(observed, as_draws(truth)).items():
        numbers |= named(f"derived {name}", summary(value))
    return numbers


# -- simulation ----------------------------------------------------------------------------------------


def paths(**layout: Any) -> Numbers:
    """Return a summary of every tally of forty paths of a small plan that needs no tables."""
    from tests.support.random_kernel_inputs import play, tiny_draws, tiny_layout

    static = tiny_layout(**layout)
    tally, joint = play(static, tiny_draws(static), 0, 40, joint=40)
    numbers: Numbers = {}
    for name, values in {**tally._asdict(), **joint._asdict()}.items():
        numbers |= named(name, summary(values))
    return numbers


def headlines() -> Numbers:
    """Return headlines and summaries of the estimates of a tiny run from fixed posteriors."""
    import tomllib

    from forecast.inference.fit_store import Fits
    from forecast.pipeline.prepare import build_run_data
    from forecast.pipeline.run import compute_result
    from forecast.projection.execution import Executor
    from forecast.projection.headlines import key_of
    from forecast.workspace.inputs import Inputs
    from forecast.workspace.plan import parse_plan
    from forecast.workspace.resolve import build_roster
    from tests.support.fake_posteriors import priors, tables
    from tests.support.pipeline_run import PLAN, SIZE, SMALLER, invented_trees, quiet

    plan = parse_plan("pinned", "pinned", tomllib.loads(PLAN.replace(SIZE, SMALLER)))
    roster = build_roster(tables(), plan, priors())
    inputs = Inputs(home=ROOT, plan=plan, tables=tables(), priors=priors(), roster=roster, run_id="pinned")
    result = compute_result(inputs, build_run_data(inputs), Fits(invented_trees(), {}), quiet, Executor(1))
    numbers: Numbers = leaves(result.checks, "check") | leaves(result.sensitivity, "sensitivity")
    for record in result.headlines:
        numbers |= leaves(record, f"headline {' '.join(key_of(record))}")
    for group in ("alliance", "members", "missions", "dyads", "mcse"):
        for name, variable in result.tree[group].data_vars.items():
            if variable.dtype.kind == "f":
                numbers |= named(f"{group} {name}", summary(variable))
    return numbers


# -- evaluation ----------------------------------------------------------------------------------------


def withdrawal_draws(size: int = 32) -> xr.Dataset:
    """Return a synthetic posterior of the withdrawal model on the bundled contingents: 2 chains of `size` draws."""
    from forecast.data.deployments import mission_spells
    from tests.support.fake_posteriors import priors, tables

    spells, rng = mission_spells(tables(), priors()), np.random.default_rng(SEED)
    draws: dict[str, Any] = {}
    for name, prior in priors().section("withdrawal").items():
        if prior.dist != "Constant":
            draws[name] = (("chain", "draw"), prior.sample(rng, 2 * size).reshape(2, size))
    for name, dim in (
        ("mission_effect", "mission"),
        ("country_effect", "country"),
        ("duration_defection", "duration_bin"),
        ("duration_planned", "duration_bin"),
    ):
        draws[name] = (("chain", "draw", dim), rng.normal(0.0, 0.3, (2, size, spells.sizes[dim])))
    coords = {n: spells[n].values for n in ("mission", "country", "duration_bin")}
    return xr.Dataset(draws, coords=coords)


def chained(samples: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Return the samples as a posterior with one chain."""
    return xr.Dataset({k: v.rename(sample="draw").expand_dims(chain=[0]) for k, v in samples.items()})


def refit_to(tree: xr.DataTree) -> "Refit":
    """Return a refit that gives `tree` with an R-hat of 1 for any data."""
    return lambda vectors, priors, report: (tree, 1.0)


def spending_backtest() -> Numbers:
    """Return scores of the spending model and its simple baselines at one origin, from a fixed posterior."""
    from forecast.evaluation.backtests.spending import spending_tasks
    from forecast.progress import silent
    from tests.support import fake_posteriors

    samples = fake_posteriors.spending_samples()
    samples |= {name: 0.0 * samples["kappa"] + 0.1 for name in ("factor_war", "response_war")}
    tree = xr.DataTree.from_dict({"posterior": chained(samples)})
    numbers: Numbers = {}
    for task in spending_tasks(fake_posteriors.tables(), fake_posteriors.priors(), refit_to(tree), 5, origins=(2018,)):
        if task.name != "spending_automatic":  # takes seconds per country; `automatic` pins two short series
            numbers |= named(task.name, of_frame(task.run(silent)))
    return numbers


def automatic() -> Numbers:
    """Return quantiles of the automatic baselines of spending on two short series, exact to about 4 digits."""
    from forecast.evaluation.baselines.spending import arima, smoothing

    rng = np.random.default_rng(SEED)
    trend, noise = 0.02 + 0.01 * rng.normal(size=20), 0.05 * rng.normal(size=20)
    numbers: Numbers = {}
    for name, changes in (("trend", trend), ("wander", noise)):
        for rule in (arima, smoothing):
            paths = rule(changes, 2, 4000, np.random.default_rng(SEED))
            numbers |= {f"{name} {rule.__name__} {q}": float(np.quantile(paths, q)) for q in (0.1, 0.5, 0.9)}
    return numbers


def leadership_backtest() -> Numbers:
    """Return scores of the leadership model and its baselines at one origin, from a fixed posterior."""
    from forecast.data.leaders import leader_quarters
    from forecast.evaluation.backtests.leadership import leadership_tasks
    from forecast.progress import silent
    from tests.support import fake_posteriors

    countries = [str(c) for c in leader_quarters(fake_posteriors.tables())["country"].values]
    tree = xr.DataTree.from_dict({"posterior": chained(fake_posteriors.leadership_samples(countries))})
    tasks = leadership_tasks(fake_posteriors.tables(), fake_posteriors.priors(), refit_to(tree), 5, origins=(2015,))
    return named(tasks[0].name, of_frame(tasks[0].run(silent)))


def withdrawal_backtest() -> Numbers:
    """Return scores of one left-out mission and of the missions that ran on one day, from a fixed posterior."""
    from forecast.evaluation.backtests.withdrawal import DAYS, mission_tasks
    from forecast.progress import silent
    from tests.support import fake_posteriors

    tree = xr.DataTree.from_dict({"posterior": withdrawal_draws()})
    tasks = mission_tasks(
        fake_posteriors.tables(), fake_posteriors.priors(), refit_to(tree), 5, missions=("mnf_iraq",), days=DAYS[-1:]
    )
    numbers: Numbers = {}
    for task in tasks[:2]:
        numbers |= named(task.name, of_frame(task.run(silent)))
    return numbers


def cohesion_backtest() -> Numbers:
    """Return scores of the verdicts at the anchors, from a fixed posterior."""
    from forecast.data.cohesion_indicators import indicator_panel
    from forecast.evaluation.backtests.cohesion import left_out
    from forecast.progress import silent
    from tests.support import fake_posteriors

    tree = xr.DataTree.from_dict({"posterior": chained(fake_posteriors.cohesion_samples())})
    panel = indicator_panel(fake_posteriors.tables(), fake_posteriors.priors().grid)
    return of_frame(left_out(panel, fake_posteriors.priors(), refit_to(tree), 5, silent))


def exit_backtest() -> Numbers:
    """Return scores of the forecasts of formal exits."""
    from forecast.evaluation.backtests.alliance_exit import exit_tasks
    from forecast.progress import silent
    from tests.support import fake_posteriors

    (task,) = exit_tasks(fake_posteriors.tables(), fake_posteriors.priors())
    return of_frame(task.run(silent))


def comparison() -> Numbers:
    """Return summaries of three tables of scores, from synthetic rows."""
    from forecast.evaluation.comparison import cover_table, fits_table, reliability_table, skill_table
    from tests.evaluation.backtests.test_tasks import forecasts

    rows = forecasts().assign(target="share", cluster=lambda frame: frame["origin"])
    rng = np.random.default_rng(SEED)
    chances = rng.random(len(rows))
    rows = rows.assign(p=chances, observed=(rng.random(len(rows)) < chances).astype(float))
    return (
        named("skill", of_frame(skill_table(rows)))
        | named("cover", of_frame(cover_table(rows)))
        | named("fits", of_frame(fits_table(rows.assign(rhat=1.0 + 0.02 * rng.random(len(rows))))))
        | named("reliability", of_frame(reliability_table(rows)))
    )


def data_posteriors() -> dict[str, xr.Dataset]:
    """Return a fixed posterior of each model with all that its data need, in two chains or one."""
    from forecast.data.cohesion_indicators import indicator_panel
    from forecast.data.leaders import leader_quarters
    from tests.support import fake_posteriors

    tables, priors = fake_posteriors.tables(), fake_posteriors.priors()
    countries = [str(c) for c in leader_quarters(tables)["country"].values]
    panel, rng = indicator_panel(tables, priors.grid), np.random.default_rng(SEED)
    samples = fake_posteriors.cohesion_samples()
    size, indicators = samples["us_swing"].size, panel.sizes["indicator"]
    of_indicators = {
        "loading": rng.lognormal(0.0, 0.2, (size, indicators)),
        "noise": rng.lognormal(-0.5, 0.2, (size, indicators)),
        "intercept": rng.normal(0.0, 0.2, (size, indicators)),
    }
    samples |= {name: xr.DataArray(x, dims=["sample", "indicator"]) for name, x in of_indicators.items()}
    samples["us_path"] = xr.DataArray(rng.normal(0.0, 0.5, (size, panel.sizes["year"])), dims=["sample", "year"])
    withdrawal = withdrawal_draws(16)
    standard = {
        "mission_effect_z": ("mission",),
        "country_effect_z": ("country",),
        "duration_defection_z": ("step",),
        "duration_planned_z": ("step",),
        "combat_drift_z": (),
    }
    sizes = {**withdrawal.sizes, "step": withdrawal.sizes["duration_bin"] - 1}
    for name, dims in standard.items():
        shape = [sizes[dim] for dim in ("chain", "draw", *dims)]
        withdrawal[name] = (("chain", "draw", *dims), rng.normal(size=shape))
    return {
        "spending": chained(fake_posteriors.spending_samples()),
        "leadership": chained(fake_posteriors.leadership_samples(countries)),
        "cohesion": chained(samples),
        "withdrawal": withdrawal,
    }


def predictive() -> Numbers:
    """Return the predictive checks of all models on their data, from fixed posteriors."""
    from forecast.inference.datasets import data_of
    from forecast.inference.predictive_checks import STREAM, against_data, thinned
    from forecast.inference.predictive_checks import summary as checks
    from tests.support import fake_posteriors

    tables, priors = fake_posteriors.tables(), fake_posteriors.priors()
    numbers: Numbers = {}
    for model, posterior in data_posteriors().items():
        draws = thinned(xr.DataTree.from_dict({"posterior": posterior}))
        rng = np.random.default_rng((5, STREAM))
        found = against_data(model, draws, data_of(model, tables, priors), priors, rng)
        numbers |= leaves(checks(found), model)
        numbers |= named(f"{model}.replicated", summary(found.replicated))
    return numbers


def variants() -> Numbers:
    """Return summaries of the data vectors of every recoding, and of the response in calm years."""
    from forecast.data.deployments import mission_spells
    from forecast.data.exit_coding import recodings
    from forecast.evaluation.coding_variants import calm_response
    from tests.support import fake_posteriors

    spells = mission_spells(fake_posteriors.tables(), fake_posteriors.priors())
    numbers: Numbers = named("calm", summary(calm_response(fake_posteriors.spending_samples()["log_response"])))
    for name, vectors in recodings(spells, fake_posteriors.tables(), fake_posteriors.priors()).items():
        for vector, values in vectors.items():
            numbers |= named(f"{name} {vector}", summary(values))
    return numbers


MODELS = ("spending", "leadership", "withdrawal", "cohesion")
ALL: dict[str, Pin] = {
    **{f"density of {m}": Pin(f'MODEL_VERSION["{m}"]', lambda m=m: density(m)) for m in MODELS},
    "sampler": Pin("MODEL_VERSION of every model", sampler),
    **{
        f"constants of {m}": Pin(
            f'MODEL_VERSION["{m}"]', lambda m=m: constants_of(f"inference.pymc_models.{m}", "inference.diagnostics")
        )
        for m in MODELS
    },
    "constants of the reductions": Pin('MODEL_VERSION["withdrawal"]', lambda: constants_of("inference.reductions")),
    "reductions on the tables": Pin('MODEL_VERSION["withdrawal"]', shift_of_reductions, of_tables=True),
    **{f"certificate of {m}": Pin(f'PROBLEM_VERSION["{m}"]', lambda m=m: certificate(m)) for m in MODELS},
    **{
        f"constants of the problem of {m}": Pin(
            f'PROBLEM_VERSION["{m}"]',
            lambda m=m: constants_of(
                *(f"evaluation.calibration.{name}" for name in (m, "sbc", "rank_tests", "prior_predictive"))
            ),
        )
        for m in MODELS
    },
    "constants of the simulation": Pin(
        "SIMULATION_VERSION",
        lambda: constants_of(
            "constants",
            *(f"simulation.{name}" for name in ("records", "histograms", "tallies", "rules.withdrawal")),
            *(
                f"projection.{name}"
                for name in (
                    "acceptance_checks",
                    "headlines",
                    "judgement_share",
                    "monte_carlo_error",
                    "prior_sensitivity",
                    "static_inputs",
                    "summaries",
                    "adaptive_paths",
                )
            ),
        ),
    ),
    **{
        f"constants of the back-test of {m}": Pin(
            f'BACKTEST_VERSION["{m}"]',
            lambda m=m: constants_of(
                f"evaluation.backtests.{m.replace(' ', '_')}",
                "evaluation.backtests.tasks",
                "evaluation.scoring",
                "evaluation.scoring_run",
                *([f"evaluation.baselines.{m}"] if m in ("spending", "leadership", "withdrawal") else []),
            ),
        )
        for m in (*MODELS, "alliance exit")
    },
    "constants of the comparison": Pin("COMPARISON_VERSION", lambda: constants_of("evaluation.comparison")),
    "constants of the predictive checks": Pin(
        "PREDICTIVE_VERSION",
        lambda: constants_of("inference.predictive_checks", "inference.importance_sampling"),
    ),
    "constants of the variants": Pin("VARIANTS_VERSION", lambda: constants_of("evaluation.coding_variants")),
    "reductions of withdrawal": Pin('MODEL_VERSION["withdrawal"]', reduction),
    **{f"problem of {m}": Pin(f'PROBLEM_VERSION["{m}"]', lambda m=m: problem(m)) for m in MODELS},
    "paths, all mechanisms off": Pin("SIMULATION_VERSION", lambda: paths(onset=2)),
    "paths, all mechanisms on": Pin("SIMULATION_VERSION", lambda: paths(**everything())),
    "headlines": Pin("SIMULATION_VERSION", headlines, of_tables=True),
    "back-test of spending": Pin('BACKTEST_VERSION["spending"]', spending_backtest, of_tables=True),
    "automatic baselines of spending": Pin('BACKTEST_VERSION["spending"]', automatic, tolerance=1e-3),
    "back-test of leadership": Pin('BACKTEST_VERSION["leadership"]', leadership_backtest, of_tables=True),
    "back-test of withdrawal": Pin('BACKTEST_VERSION["withdrawal"]', withdrawal_backtest, of_tables=True),
    "back-test of cohesion": Pin('BACKTEST_VERSION["cohesion"]', cohesion_backtest, of_tables=True),
    "back-test of alliance exit": Pin('BACKTEST_VERSION["alliance exit"]', exit_backtest, of_tables=True),
    "comparison": Pin("COMPARISON_VERSION", comparison),
    "predictive checks": Pin("PREDICTIVE_VERSION", predictive, of_tables=True),
    "variants": Pin("VARIANTS_VERSION", variants, of_tables=True),
}


def everything() -> dict[str, Any]:
    """Return the arguments of a layout with all mechanisms except collapse."""
    from forecast.names import MECHANISMS

    return {"on": [name for name in MECHANISMS if name != "collapse"], "stress": 4}


def inputs_digest() -> str:
    """Return a digest of the tables and priors that the pins of whole runs and back-tests depend on."""
    from forecast.storage.files import digest_of
    from tests.support.fake_posteriors import priors, tables

    return digest_of([dict(tables().digests), dict(priors().digests)])[:16]


def main() -> None:
    """Rewrite the file of pins."""
    content = {
        "inputs": inputs_digest(),
        "pins": {name: pin.numbers() for name, pin in ALL.items()},
    }
    PINS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
