"""Back-test of the verdicts on cohesion: each anchor judged by a model that was not told of it.

Six labels, most of them by one author, are no ground truth: the scores say how far the indicators alone carry a
verdict, beside that of the anchor before and beside the climatology of the prior. No claim of skill follows.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.tables import Tables
from forecast.evaluation import scoring
from forecast.evaluation.backtests.tasks import MODEL, Task, refit
from forecast.inference.draws import draws_by_name
from forecast.models import cohesion
from forecast.names import POSTERIOR, VERDICTS
from forecast.priors.load import Priors
from forecast.progress import Report
from forecast.workspace.plan import FitSettings

Sampler = Callable[[Any, Report], xr.DataTree]  # from the weights of the anchors to a fit
_NAME: Final = "cohesion"


def cohesion_tasks(tables: Tables, priors: Priors, settings: FitSettings, seed: int) -> list[Task]:
    """The verdict of each anchor with that anchor left out of the fit; one compilation for all."""
    panel = indicator_panel(tables, priors.grid)

    def run(report: Report) -> pd.DataFrame:
        from forecast.inference.pymc_models.sampling import compile_model

        report("compiling", 0.0)
        compiled = compile_model(_NAME, tables, priors)

        def sample(keep: Any, report: Report) -> xr.DataTree:
            done = refit(compiled.with_data(keep=keep), settings, seed, report)
            tree: xr.DataTree = done.tree
            return tree

        return left_out(panel, sample, seed, report)

    return [Task(model=_NAME, name="cohesion_anchors", run=run)]


def left_out(panel: xr.Dataset, sample: Sampler, seed: int, report: Report) -> pd.DataFrame:
    """One row for each anchor and forecaster: the probability given to its verdict, RPS and log score."""
    size = panel.sizes["anchor"]
    rows = []
    for n in range(size):
        keep = np.where(np.arange(size) == n, 0.0, 1.0)
        part = partial(_part, report, n, size)
        draws = sample(keep, part)
        whole = draws[POSTERIOR].to_dataset()
        count = whole.sizes["chain"] * whole.sizes["draw"]
        samples = draws_by_name(draws, count, np.random.default_rng(seed))
        own = {MODEL: cohesion.anchor_probability(samples, panel), **baselines(panel)}
        rows += [_row(panel, n, who, p.isel(anchor=n)) for who, p in own.items()]
    return pd.DataFrame(rows)


def _part(report: Report, n: int, size: int, what: str, done: float) -> None:
    report(what, (n + done) / size)


def _row(panel: xr.Dataset, n: int, who: str, probability: xr.DataArray) -> dict[str, Any]:
    verdict = panel["verdict"].isel(anchor=n, drop=True)
    given = float(probability.isel(verdict=int(verdict)))
    return {
        "model": _NAME,
        "target": "verdict of an anchor left out",
        "forecaster": who,
        "origin": str(panel["anchor"].values[n]),
        "horizon": 0.0,
        "unit": "NATO",
        "observed": float(verdict),
        "said": VERDICTS[int(probability.argmax("verdict"))],
        "given": given,
        "rps": float(scoring.verdict_rps(probability, verdict)),
    }


#: Chance of Weak, Fragmented, Strong with nothing known: draws of the priors of this model.
CLIMATOLOGY: Final = (0.33, 0.41, 0.26)


def baselines(panel: xr.Dataset) -> dict[str, xr.DataArray]:
    """Forecasts of the anchors without a model: climatology, and the verdict of the anchor before (first: none)."""
    verdict = panel["verdict"]
    flat = xr.DataArray(np.array(CLIMATOLOGY), dims="verdict")
    same = (xr.DataArray(np.arange(3), dims="verdict") == verdict.shift(anchor=1)).astype(float)
    first = xr.DataArray(np.arange(verdict.size) == 0, dims="anchor")
    return {
        "climatology": flat.broadcast_like(same).transpose("anchor", "verdict"),
        "persistence": same.where(~first, flat).transpose("anchor", "verdict"),
    }
