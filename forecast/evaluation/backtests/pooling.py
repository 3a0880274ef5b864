"""Pool the withdrawal model with the Kaplan-Meier curve, with weights learnt from earlier origins alone.

The pool is S = w S_KM + (1 - w) S_model. The projection and the forecaster `POOL` use the weight of
`priors/missions.toml`. The forecaster `LEARNT` shows what learning gains: it has a weight for each origin and horizon,
from the outcomes that were known at the origin.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.evaluation.backtests.tasks import KEY, MODEL
from forecast.evaluation.scoring import brier, log_score_binary
from forecast.priors.load import Priors

CURVE: Final = "Kaplan-Meier, then the model"
POOL: Final = "model pooled with Kaplan-Meier"
LEARNT: Final = "model pooled with Kaplan-Meier, learnt weights"
_TARGET: Final = "contingent there, as of a day"
_FORECAST: Final = [name for name in KEY if name != "forecaster"]


def pooled_draws(size: int, weight: float) -> NDArray[np.bool_]:
    """Return which of `size` draws come from the curve: of the first n draws, the whole part of n times `weight`."""
    return np.diff(np.floor(weight * np.arange(size + 1))) > 0.0


def best_weight(model: Any, curve: Any, observed: Any) -> float:
    """Return the weight w of `curve` that minimises the Brier score of w curve + (1 - w) model, within 0 and 1.

    The score is quadratic in w, so w = sum (curve - model) (observed - model) / sum (curve - model)^2. It is 1/2 where
    the forecasts are equal. All arguments are (forecast,).
    """
    difference = np.asarray(curve, dtype=float) - np.asarray(model, dtype=float)
    squares = float((difference**2).sum())
    covered = float((difference * (np.asarray(observed) - np.asarray(model))).sum())
    return float(np.clip(covered / squares, 0.0, 1.0)) if squares > 0.0 else 0.5


def learnt_weight(best: float, origins: int, prior: float, worth: float) -> float:
    """Return the best weight of past `origins`, drawn to a `prior` that is `worth` so many origins."""
    return (worth * prior + origins * best) / (worth + origins)


def learnt_weights(rows: pd.DataFrame, priors: Priors) -> pd.DataFrame:
    """Return the weights of the curve learnt from the rows of all back-tests.

    An origin counts for a later one if its horizon had passed by then. The last `year` is one in which every horizon
    has passed: its weights are learnt from all origins.

    Returns
    -------
    Columns `year` (first year of the forecast), `horizon` (years), `origins` learnt from, and `weight`. No rows if the
    curve was not scored.
    """
    prior, worth = (priors.value(f"missions.kaplan_meier_{name}") for name in ("weight", "origins"))
    lines: list[dict[str, float]] = []
    if CURVE not in set(rows["forecaster"]):
        return pd.DataFrame(lines, columns=["year", "horizon", "origins", "weight"])
    both = _paired(rows)
    years = sorted(both["year"].unique())
    for horizon in sorted(both["horizon"].unique()):
        for year in (*years, int(max(years) + both["horizon"].max())):
            past = both[(both["horizon"] == horizon) & (both["year"] + horizon <= year)]
            best, count = best_weight(past["p"], past["p_curve"], past["observed"]), past["year"].nunique()
            weight = learnt_weight(best, count, prior, worth)
            lines.append({"year": year, "horizon": horizon, "origins": count, "weight": weight})
    return pd.DataFrame(lines, columns=["year", "horizon", "origins", "weight"])


def learnt_rows(rows: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the forecaster `LEARNT`, with weights of `learnt_weights`."""
    if weights.empty:
        return rows.iloc[:0]
    both = _paired(rows).merge(weights, on=["year", "horizon"])
    p = both["weight"] * both["p_curve"] + (1.0 - both["weight"]) * both["p"]
    scores = {"brier": brier(p, both["observed"]), "log_score": log_score_binary(p, both["observed"])}
    return both[rows.columns].assign(forecaster=LEARNT, p=p, **scores)


def _paired(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the model's rows for contingents as of a day, with the `year` of the origin and the curve's `p_curve`."""
    of_target = rows[rows["target"] == _TARGET]
    curve = of_target.loc[of_target["forecaster"] == CURVE, [*_FORECAST, "p"]]
    both = of_target[of_target["forecaster"] == MODEL].merge(curve, on=_FORECAST, suffixes=("", "_curve"))
    return both.assign(year=both["origin"].astype(int))
