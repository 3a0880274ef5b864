"""Fitting: one model, compiled once, sampled with nutpie, checked at the gate, returned as a DataTree that ArviZ opens.

A fit that misses the gate is sampled once more with twice the draws and another seed; if it misses again, that is an
error with the reason. The same data, beliefs, settings and seed give the same draws.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

import forecast.inference.pymc_models  # sets the compiler's flags before PyTensor is imported  # noqa: F401
from forecast.data.deployments import mission_spells
from forecast.data.tables import Tables
from forecast.errors import NotConvergedError, PlanError
from forecast.inference.datasets import data_of
from forecast.inference.diagnostics import Diagnostics, diagnose
from forecast.inference.pymc_models import cohesion, leadership, spending, withdrawal
from forecast.names import POSTERIOR
from forecast.priors.load import Priors
from forecast.progress import Report
from forecast.workspace.plan import FitSettings

_POLL_MS: Final = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """A fit that passed the gate: its tree, its diagnostics, and how long sampling took (seconds)."""

    tree: xr.DataTree
    diagnostics: Diagnostics
    attempts: int
    seconds: float


def build(name: str, data: xr.Dataset, priors: Priors) -> Any:
    """The model `name` (a `pymc.Model`) on such data, from tables or invented."""
    module = {
        "spending": spending,
        "leadership": leadership,
        "withdrawal": withdrawal,
        "cohesion": cohesion,
    }[name]
    return module.build(data, priors)


def compile_model(name: str, tables: Tables, priors: Priors) -> Any:
    """The model `name` on its data, compiled by nutpie; takes about a minute from an empty cache."""
    return compile_on(name, data_of(name, tables, priors), priors)


def compile_on(name: str, data: xr.Dataset, priors: Priors) -> Any:
    """The same on other data of the same form."""
    import nutpie

    return nutpie.compile_pymc_model(build(name, data, priors))


def without_mission(compiled: Any, tables: Tables, priors: Priors, mission: str) -> Any:
    """The compiled withdrawal model with the spells of one mission left out; nothing is compiled again."""
    spells = mission_spells(tables, priors)
    there = spells["mission"].to_numpy()[spells["mission_of"].to_numpy()] == mission
    if not there.any():
        known = ", ".join(spells["mission"].to_numpy())
        raise PlanError(f"[fit] leave_out: no mission {mission!r} in the tables; known: {known}")
    return compiled.with_data(keep=np.where(there, 0.0, 1.0))


def fit(name: str, compiled: Any, settings: FitSettings, seed: int, report: Report) -> Fit:
    """Sample and check one compiled model.

    Raises NotConvergedError when the second attempt misses the gate too.
    """
    begun = time.perf_counter()
    for attempt in (1, 2):
        tree = _sample(compiled, settings, attempt, seed, report)
        report("checking", 1.0)
        diagnostics = diagnose(tree)
        if diagnostics.passed:
            seconds = time.perf_counter() - begun
            return Fit(tree=tree, diagnostics=diagnostics, attempts=attempt, seconds=seconds)
        report(f"gate missed ({diagnostics}); sampling longer", 0.0)
    raise NotConvergedError(
        f"{name}: the chains do not agree after two attempts: {diagnostics}; expected R-hat <= 1.01, "
        "ESS >= 400 and no divergence. Ask for more tune and draws in [fit] of the plan, or tighten the priors."
    )


def short_fit(compiled: Any, settings: FitSettings, seed: int, report: Report) -> Fit:
    """One attempt, whatever the gate says: for back-tests, which need many fits and few draws of each."""
    begun = time.perf_counter()
    tree = _sample(compiled, settings, 1, seed, report)
    seconds = time.perf_counter() - begun
    return Fit(tree=tree, diagnostics=diagnose(tree), attempts=1, seconds=seconds)


def _sample(compiled: Any, settings: FitSettings, attempt: int, seed: int, report: Report) -> xr.DataTree:
    """One attempt; Ctrl-C stops the sampler's threads before it goes on its way."""
    import nutpie

    total = settings.chains * attempt * (settings.tune + settings.draws)

    def progress(chains: list[Any]) -> None:
        report("sampling", sum(chain.finished_draws for chain in chains) / total)

    sampler = nutpie.sample(
        compiled,
        chains=settings.chains,
        tune=attempt * settings.tune,
        draws=attempt * settings.draws,
        target_accept=settings.target_accept,
        seed=seed + attempt - 1,
        save_warmup=False,
        progress_bar=False,
        progress_callback=progress,
        progress_rate=_POLL_MS,
        blocking=False,
    )
    try:
        tree = sampler.wait()
    except BaseException:
        sampler.abort()
        raise
    return _plain(tree)


def _plain(tree: xr.DataTree) -> xr.DataTree:
    """Only what must be kept: posterior and sampler statistics, without clocks, so equal draws are equal bytes.

    Variables whose name ends in `_hidden` are steps on the way to others, and are dropped.
    """
    stats = tree["sample_stats"].to_dataset()
    kept = {k: v for k, v in stats.data_vars.items() if v.dtype.kind in "fbiu"}
    draws = tree[POSTERIOR].to_dataset()
    hidden = [name for name in draws.data_vars if str(name).endswith("_hidden")]
    groups = {POSTERIOR: draws.drop_vars(hidden), "sample_stats": xr.Dataset(kept)}
    for group in groups.values():
        group.attrs = {"inference_library": "nutpie", "sample_dims": ["chain", "draw"]}
    return xr.DataTree.from_dict(groups)
