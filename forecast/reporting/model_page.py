"""What the page of one fitted model tells: each coefficient before and after the fit, its chains, and what is missing.

Read from the run folder alone; ArviZ gives R-hat, ESS and energy, PyMC is not needed.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.stats import binom

from forecast import names
from forecast.array_types import Floats
from forecast.priors.prior import Prior
from forecast.priors.registry import PRIOR_FILES
from forecast.storage.runs import Run

WIDE, HIGH = 180.0, 44.0  # of a small picture
PIT_WIDE, PIT_HIGH = 480.0, 120.0
_BINS: Final = 40
_TRACED: Final = 150  # points of a trace
_PRIOR_DRAWS: Final = 20_000
_FIELDS: Final = ("name", "dist", "params", "source", "evidence", "unit", "note")


def fitted(run: Run) -> list[str]:
    """Models whose posterior the run holds, in the order of the house."""
    return [m for m in names.MODELS if (run.path / "posterior" / f"{m}.nc").is_file()]


def read_fit(run: Run, model: str, told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All that the template of a model's page asks for; `told` are the priors of the run."""
    with closing(run.posterior(model)) as tree:
        draws = tree[names.POSTERIOR].to_dataset().load()
        energy = tree["sample_stats"]["energy"].to_numpy()
    mine = PRIOR_FILES.get(model, (model,))
    priors = [p for p in told if p["name"].split(".")[0] in mine]
    scalars = [str(n) for n, v in draws.data_vars.items() if v.ndim == 2]
    rhat, bulk, tail = _diagnostics(draws[scalars])  # those of all elements stand in the manifest
    rows = []
    for prior in priors:
        name = prior["name"].split(".", 1)[1]
        if name in scalars:
            seen = {"rhat": rhat[name].item(), "bulk": bulk[name].item(), "tail": tail[name].item()}
            rows.append({**prior, "short": name, **seen, **_pictures(prior, draws, name)})
    wide = [
        {"name": str(n), "dims": " × ".join(f"{v.sizes[d]} {d}" for d in v.dims[2:])}
        for n, v in draws.data_vars.items()
        if v.ndim > 2
    ]
    kept = run.manifest["fits"].get(model, {})
    seen = kept.get("predictive", {})
    return {
        "model": model,
        "rows": rows,
        "wide": wide,
        "worst": kept.get("diagnostics", {}),
        "data": _extent(draws),
        "seen": seen,
        "pit": _pit_bars(seen["pit"]) if seen.get("pit") else None,
        "chains": draws.sizes["chain"],
        "draws": draws.sizes["draw"],
        "bfmi": _bfmi(energy),
        "energy": _energy(energy),
    }


def _diagnostics(draws: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    import arviz as az

    return az.rhat(draws), az.ess(draws, method="bulk"), az.ess(draws, method="tail")


def _extent(draws: xr.Dataset) -> list[str]:
    """The sizes of the labelled dimensions of the fit: what it knows of."""
    known = [str(d) for d in draws.dims if d in draws.coords and d not in ("chain", "draw")]
    told = []
    for dim in (d for d in known if "_dim_" not in d):  # those have no labels of their own
        labels = draws[dim].values
        span = f" ({labels[0]} to {labels[-1]})" if np.issubdtype(labels.dtype, np.integer) else ""
        told.append(f"{dim.replace('_', ' ')}: {labels.size}{span}")
    return told


def _pictures(prior: Mapping[str, Any], draws: xr.Dataset, name: str) -> dict[str, Any]:
    """Interval, densities, trace and ranks of one coefficient."""
    values = draws[name].to_numpy()
    belief = Prior(**{k: prior[k] for k in _FIELDS} | {"params": tuple(prior["params"])})
    before = np.asarray(belief.sample(np.random.default_rng(0), _PRIOR_DRAWS), float)
    both = [np.quantile(x, (0.005, 0.995)) for x in (before, values)]
    low, high = min(b[0] for b in both), max(b[1] for b in both)
    heights = [np.histogram(x, _BINS, (low, high), density=True)[0] for x in (before, values)]
    top = max(h.max() for h in heights)
    lower, upper = np.quantile(values, (0.1, 0.9))
    return {
        "lower": float(lower),
        "upper": float(upper),
        "mean": float(values.mean()),
        "range": (float(low), float(high)),
        "density": [line(np.append(0, np.append(h, 0)), 0, top) for h in heights],
        "trace": [line(c[:: max(1, c.size // _TRACED)], values.min(), values.max()) for c in values],
        "ranks": _ranks(values),
    }


def _ranks(values: Floats) -> list[str]:
    """How many of each chain's draws stand in each twentieth of all: level lines if the chains agree."""
    order = values.ravel().argsort().argsort().reshape(values.shape)
    counts = [np.histogram(chain, 20, (0, values.size))[0] for chain in order]
    return [line(c.astype(float), 0, 2 * values.shape[1] / 20) for c in counts]


def _bfmi(energy: Floats) -> list[float]:
    """Energy Bayesian fraction of missing information of each chain; below .3 the tails were not explored."""
    return [float(np.square(np.diff(c)).mean() / c.var()) for c in energy]


def _energy(energy: Floats) -> list[str]:
    """Densities of the centred energy and of its steps: they should be about as wide."""
    centred = (energy - energy.mean(axis=1, keepdims=True)).ravel()
    both = (centred, np.diff(energy, axis=1).ravel())
    reach = max(np.abs(x).max() for x in both)
    heights = [np.histogram(x, _BINS, (-reach, reach), density=True)[0] for x in both]
    return [line(h, 0, max(h.max() for h in heights)) for h in heights]


def _pit_bars(counts: Sequence[int]) -> dict[str, Any]:
    """Bars of the PIT, from left to right, and the band that holds a level one's bars, 95 % of each."""
    size, parts = sum(counts), len(counts)
    low, high = (float(x) for x in binom.interval(0.95, size, 1.0 / parts))
    top = max(high, *counts) * 1.1
    wide, one = PIT_WIDE / parts, PIT_HIGH / top
    bars = [
        {"x": wide * i + 1, "y": PIT_HIGH - n * one, "w": wide - 2, "h": n * one, "n": n} for i, n in enumerate(counts)
    ]
    band = {"y": PIT_HIGH - high * one, "h": (high - low) * one}
    outside = sum(not low <= n <= high for n in counts)
    return {
        "bars": bars,
        "band": band,
        "outside": outside,
        "n": size,
        "wide": PIT_WIDE,
        "high": PIT_HIGH,
    }


def line(values: Floats, low: float, high: float) -> str:
    """The points of a polyline in a small picture, from left to right, `low` at its foot."""
    x = np.linspace(2, WIDE - 2, len(values))
    y = HIGH - 2 - (HIGH - 4) * np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    return " ".join(f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=True))
