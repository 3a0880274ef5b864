"""Build, compile and sample the models with nutpie, and check the convergence of the chains.

A fit that misses the limits of `diagnostics` is sampled a second time with twice the draws and another seed; if it
misses them again, the fit is an error. The same data, priors, settings and seed give the same draws.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

import forecast.inference.pymc_models  # sets the compiler's flags before PyTensor is imported  # noqa: F401
from forecast.data.tables import Tables
from forecast.errors import NotConvergedError, PlanError
from forecast.inference.datasets import data_of
from forecast.inference.diagnostics import Diagnostics, diagnose
from forecast.inference.pymc_models import cohesion, leadership, spending, withdrawal
from forecast.inference.pymc_models.prior_draws import prior_draws
from forecast.names import POSTERIOR
from forecast.priors.load import Priors
from forecast.progress import Report
from forecast.workspace.plan import FitSettings

_POLL_MS: Final = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """One fit: its tree (as ArviZ opens it), its diagnostics, the number of attempts and the seconds of sampling."""

    tree: xr.DataTree
    diagnostics: Diagnostics
    attempts: int
    seconds: float


def build(name: str, data: xr.Dataset, priors: Priors) -> Any:
    """Return the `pymc.Model` of the model `name` on observed or simulated data."""
    module = {
        "spending": spending,
        "leadership": leadership,
        "withdrawal": withdrawal,
        "cohesion": cohesion,
    }[name]
    return module.build(data, priors)


def draw_from_prior(name: str, model: Any, posterior: xr.Dataset, size: int, seed: int) -> xr.Dataset:
    """Return joint draws from the prior of the variables of a posterior, dims `chain` (one) and `draw`.

    Quantities of a posterior that are no variables of the model are left out.
    """
    names = [str(variable) for variable in posterior.data_vars if variable in model.named_vars]
    flat = spending.drawn_forwards(model) if name == "spending" else {}
    drawn = prior_draws(model, names, flat, size, seed)
    coords = {dim: labels for dim, labels in posterior.coords.items() if dim not in ("chain", "draw")}
    return xr.Dataset(
        {variable: (posterior[variable].dims, values[None]) for variable, values in drawn.items()},
        coords={**coords, "chain": [0], "draw": np.arange(size)},
    )


def compile_model(name: str, tables: Tables, priors: Priors) -> Any:
    """Return the model `name` on its own data, compiled by nutpie; takes about a minute with an empty cache."""
    return compile_on(name, data_of(name, tables, priors), priors)


def compile_on(name: str, data: xr.Dataset, priors: Priors) -> Any:
    """Return the model `name` compiled on `data`."""
    import nutpie

    return nutpie.compile_pymc_model(build(name, data, priors))


def without_mission(compiled: Any, tables: Tables, priors: Priors, mission: str) -> Any:
    """Return the compiled withdrawal model without the spells of one mission; it is not compiled again."""
    spells = data_of("withdrawal", tables, priors)
    is_left_out = spells["mission"].to_numpy()[spells["mission_of"].to_numpy()] == mission
    if not is_left_out.any():
        known = ", ".join(spells["mission"].to_numpy())
        raise PlanError(f"plan, fit.leave_out: no mission {mission!r} in the tables, expected one of {known}")
    return compiled.with_data(keep=np.where(is_left_out, 0.0, 1.0))


def fit(name: str, compiled: Any, settings: FitSettings, seed: int, report: Report) -> Fit:
    """Return a fit of a compiled model that has passed the convergence limits.

    Raises
    ------
    NotConvergedError
        If the second attempt misses the limits too.
    """
    start = time.perf_counter()
    for attempt in (1, 2):
        tree = _sample(compiled, settings, attempt, seed, report)
        report("checking", 1.0)
        diagnostics = diagnose(tree)
        if diagnostics.passed:
            seconds = time.perf_counter() - start
            return Fit(tree=tree, diagnostics=diagnostics, attempts=attempt, seconds=seconds)
        report(f"not converged ({diagnostics}); sampling longer", 0.0)
    raise NotConvergedError(
        f"{name}: the chains do not agree after two attempts: {diagnostics}; expected R-hat <= 1.01, "
        "ESS >= 400 and no divergence; raise tune and draws in [fit] of the plan, or tighten the priors"
    )


def short_fit(compiled: Any, settings: FitSettings, seed: int, report: Report) -> Fit:
    """Return a fit after one attempt, converged or not: for back-tests, which need many fits with few draws each."""
    start = time.perf_counter()
    tree = _sample(compiled, settings, 1, seed, report)
    seconds = time.perf_counter() - start
    return Fit(tree=tree, diagnostics=diagnose(tree), attempts=1, seconds=seconds)


def _sample(compiled: Any, settings: FitSettings, attempt: int, seed: int, report: Report) -> xr.DataTree:
    """Sample once; on Ctrl-C the sampler's threads are stopped before the exception is raised again."""
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
    """Return the posterior and the sampler statistics without times, so that equal draws are stored as equal bytes.

    Variables whose name ends in `_hidden` are dropped.
    """
    stats = tree["sample_stats"].to_dataset()
    kept = {k: v for k, v in stats.data_vars.items() if v.dtype.kind in "fbiu"}
    draws = tree[POSTERIOR].to_dataset()
    hidden = [name for name in draws.data_vars if str(name).endswith("_hidden")]
    groups = {POSTERIOR: draws.drop_vars(hidden), "sample_stats": xr.Dataset(kept)}
    for group in groups.values():
        group.attrs = {"inference_library": "nutpie", "sample_dims": ["chain", "draw"]}
    return xr.DataTree.from_dict(groups)
