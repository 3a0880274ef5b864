"""Each contingent left out once: how well all others tell when it leaves and why, by PSIS-LOO, exact where k > .7.

No forecast: the rest of its mission is in the fit. The score is minus a log density a quarter for who left on a known
day, minus a log probability for all others; so its level has no meaning, only differences have.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.backtests import MODEL, Task
from forecast.baselines_exits import spell_frame
from forecast.cells import data_vectors
from forecast.posterior import leave_one_out
from forecast.priors import Beliefs
from forecast.progress import Report

Floats = NDArray[np.float64]
Sampler = Callable[[Mapping[str, Any]], tuple[xr.Dataset, float]]
_MAX_K: Final = 0.7


def spell_task(spells: xr.Dataset, beliefs: Beliefs, sample: Sampler) -> Task:
    """The model beside constant rates of the framework, by cause."""
    run = partial(_rows, spells, beliefs, sample)
    return Task(model="withdrawal", name="contingents_loo", run=run)


def _rows(spells: xr.Dataset, beliefs: Beliefs, sample: Sampler, report: Report) -> pd.DataFrame:
    from forecast.models.withdrawal import spell_log_likelihood

    report("fitting", 0.0)
    everything = np.ones(spells.sizes["spell"])
    draws, rhat = sample({"keep": everything})
    elpd, pareto_k = leave_one_out(spell_log_likelihood(spells, beliefs, draws))
    far = np.flatnonzero(pareto_k > _MAX_K)
    for i, spell in enumerate(far):
        report(f"refit {i + 1} of {len(far)}", (i + 1) / (len(far) + 1))
        keep = everything.copy()
        keep[spell] = 0.0
        refit, _ = sample({"keep": keep})
        alone = spell_log_likelihood(spells, beliefs, refit)[..., spell]
        elpd[spell] = np.logaddexp.reduce(alone, axis=None) - np.log(alone.size)
    frame = spell_frame(spells)
    number = (frame.groupby(["mission", "country"]).cumcount() + 1).astype(str)
    common = {
        "model": "withdrawal", "target": "contingent left out", "origin": frame["mission"], "horizon": 0.0,
        "unit": frame["mission"] + ":" + frame["country"] + ":" + number, "observed": frame["left"].astype(float),
    }  # fmt: skip
    scores = {MODEL: -elpd, "constant rates by framework": -constant_log_likelihood(spells)}
    pieces = [
        pd.DataFrame({**common, "forecaster": who, "log_score": score, "rhat": rhat,
                      "pareto_k": pareto_k if who == MODEL else np.nan, "refitted": pareto_k > _MAX_K})
        for who, score in scores.items()
    ]  # fmt: skip
    return pd.concat(pieces, ignore_index=True)


def constant_log_likelihood(spells: xr.Dataset) -> Floats:
    """Log-likelihood of each spell at the rates of its framework by cause, counted without it, by the same rule.

    A rate is the sum of the chances of its cause over exits, and a half, over quarters of exposure.
    """
    of, inside = spells["spell_of"].to_numpy(), spells["in_bracket"].to_numpy()
    length, size = spells["length"].to_numpy(), spells.sizes["spell"]
    before, within = (np.bincount(of, length * part, size) for part in (~inside, inside))
    vectors = data_vectors(spells)
    exact, bracketed, p = (vectors[name] for name in ("exact", "bracketed", "p_defect"))
    left = exact + bracketed
    framework = spell_frame(spells)["framework"]

    def others(values: Floats) -> Floats:
        return np.asarray(pd.Series(values).groupby(framework).transform("sum") - values)

    exposure = others(before + within / 2.0)
    defection, planned = ((others(left * chance) + 0.5) / exposure for chance in (p, 1.0 - p))
    both, coded = defection + planned, p * defection + (1.0 - p) * planned
    bracket = np.log(np.where(bracketed > 0, -np.expm1(-both * within) * coded / both, 1.0))
    return np.asarray(-both * before + exact * np.log(coded) + bracketed * bracket)
