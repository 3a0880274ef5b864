"""Back-test the verdicts on cohesion: each anchor is judged by a model fitted without its label.

There are six labels, most of them by one author, so they are no ground truth. The scores show how far the indicators
alone support a verdict, compared with the previous anchor's verdict and with climatology. We claim no skill.
"""

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.tables import Tables
from forecast.evaluation.backtests.tasks import MODEL, Refit, Task
from forecast.evaluation.scoring import rps
from forecast.inference.draws import draws_by_name
from forecast.models import cohesion
from forecast.names import POSTERIOR, VERDICTS
from forecast.priors.dated import priors_at
from forecast.priors.load import Priors
from forecast.progress import Report

_NAME: Final = "cohesion"


def cohesion_tasks(tables: Tables, priors: Priors, refit: Refit, seed: int) -> list[Task]:
    """Return the task that forecasts the verdict of each anchor from a fit without that anchor."""
    panel = indicator_panel(tables, priors.grid)
    return [Task(model=_NAME, name="cohesion_anchors", run=partial(left_out, panel, priors, refit, seed))]


def left_out(panel: xr.Dataset, priors: Priors, refit: Refit, seed: int, report: Report) -> pd.DataFrame:
    """Return one row for each anchor and forecaster: the probability of the anchor's verdict, RPS and log score.

    A fit uses the priors of the year before the anchor left out.
    """
    size = panel.sizes["anchor"]
    rows = []
    for n in range(size):
        keep = np.where(np.arange(size) == n, 0.0, 1.0)
        before = priors_at(priors, int(str(panel["anchor"].values[n])[:4]) - 1)
        tree, _ = refit({"keep": keep}, before, partial(_report_anchor, report, n, size))
        posterior = tree[POSTERIOR].to_dataset()
        draws = posterior.sizes["chain"] * posterior.sizes["draw"]
        samples = draws_by_name(tree, draws, np.random.default_rng(seed))
        forecasts = {MODEL: cohesion.anchor_probability(samples, panel), **baselines(panel)}
        rows += [_row(panel, n, forecaster, p.isel(anchor=n)) for forecaster, p in forecasts.items()]
    return pd.DataFrame(rows)


def _report_anchor(report: Report, n: int, size: int, what: str, part: float) -> None:
    """Report the progress of the fit of anchor `n` as progress of the whole task."""
    report(what, (n + part) / size)


def _row(panel: xr.Dataset, n: int, forecaster: str, probability: xr.DataArray) -> dict[str, Any]:
    verdict = panel["verdict"].isel(anchor=n, drop=True)
    return {
        "model": _NAME,
        "target": "verdict of an anchor left out",
        "forecaster": forecaster,
        "origin": str(panel["anchor"].values[n]),
        "horizon": 0.0,
        "unit": "NATO",
        "observed": float(verdict),
        "said": VERDICTS[int(probability.argmax("verdict"))],
        "given": float(probability.isel(verdict=int(verdict))),
        "rps": float(rps(probability.to_numpy(), int(verdict))),
    }


#: Prior probability of Weak, Fragmented and Strong, from draws of this model's priors.
CLIMATOLOGY: Final = (0.33, 0.41, 0.26)


def baselines(panel: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return the forecasts (anchor, verdict) of climatology and of persistence.

    Persistence repeats the verdict of the previous anchor; for the first anchor it is climatology.
    """
    verdict = panel["verdict"]
    climatology = xr.DataArray(np.array(CLIMATOLOGY), dims="verdict")
    same = (xr.DataArray(np.arange(3), dims="verdict") == verdict.shift(anchor=1)).astype(float)
    first = xr.DataArray(np.arange(verdict.size) == 0, dims="anchor")
    return {
        "climatology": climatology.broadcast_like(same).transpose("anchor", "verdict"),
        "persistence": same.where(~first, climatology).transpose("anchor", "verdict"),
    }
