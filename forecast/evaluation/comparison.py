"""Compare a model with its baselines on the forecasts that both made, with counts and a paired test.

Skill is 1 - (mean score / mean score of the baseline). Lower scores are better, so the model is better where skill is
above 0. A score of a density can be negative and has no natural zero, so it has no skill; its difference is still
tested.
"""

from typing import Any

import pandas as pd

from forecast.evaluation.backtests.tasks import HITS, MODEL, SCORES
from forecast.evaluation.scoring import paired, reliability

_GROUP = ["model", "target"]
_ON = ["origin", "horizon", "unit"]
ALL_HORIZONS = "all"
_YEAR = r"(19|20)\d\d(-|$)"  # matches origins that are years or days, not missions or quarters
FAIR = 1.01  # largest R-hat of a converged fit
_ROUNDING = 1e-9  # rounding can make a CRPS of 0 negative by this much


def skill_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each model, target, horizon (and all horizons together), score and baseline.

    Columns: `n` common forecasts, `clusters` among them, mean `score_model` and `score_baseline`, `skill`, and `t`, `p`
    and `p_newey_west` of the difference (`scoring.paired`). The difference is model minus baseline, so a negative t
    favours the model. Besides each horizon there are rows for all horizons together, for the origins of each decade,
    and for each `group` of units.
    """
    lines = []
    for (model, target), group in rows.groupby(_GROUP, sort=False):
        model_rows = group[group["forecaster"] == MODEL]
        for baseline, other in group[group["forecaster"] != MODEL].groupby("forecaster", sort=False):
            both = model_rows.merge(other, on=_ON, suffixes=("", "_baseline"))
            for score in [s for s in SCORES if s in rows and both[s].notna().any()]:
                for horizon, part in _parts(both):
                    if line := _compared(part, score):
                        key = {"model": model, "target": target, "horizon": horizon}
                        lines.append({**key, "score": score, "baseline": baseline, **line})
    return pd.DataFrame(lines)


def _parts(both: pd.DataFrame) -> list[tuple[Any, pd.DataFrame]]:
    """Return the parts that are compared, each with its label in the column `horizon`."""
    parts: list[tuple[Any, pd.DataFrame]] = [*both.groupby("horizon"), (ALL_HORIZONS, both)]
    dated = both[both["origin"].str.match(_YEAR)]
    by_part = [dated["origin"].str[:3] + "0s"]
    if "group" in both:
        by_part.append(both["group"].dropna())
    for labels in by_part:
        if labels.nunique() > 1:
            parts += [(f"{ALL_HORIZONS}, {label}", both.loc[rows.index]) for label, rows in labels.groupby(labels)]
    return parts


def _compared(both: pd.DataFrame, score: str) -> dict[str, float]:
    """Return the numbers of one row; empty where no forecast has both scores."""
    both = both[both[score].notna() & both[f"{score}_baseline"].notna()]
    if both.empty:
        return {}
    of_model, of_baseline = both[score], both[f"{score}_baseline"]
    in_time = bool(both["cluster"].str.match(_YEAR).all())
    test = paired(of_model - of_baseline, both["cluster"], in_time=in_time)
    has_zero = of_baseline.mean() > 0 and of_baseline.min() > -_ROUNDING
    return {
        "n": test.n,
        "clusters": test.clusters,
        "score_model": float(of_model.mean()),
        "score_baseline": float(of_baseline.mean()),
        "skill": 1.0 - float(of_model.mean()) / float(of_baseline.mean()) if has_zero else float("nan"),
        "t": test.t,
        "p": test.p,
        "p_newey_west": test.p_newey_west,
    }


def cover_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of outcomes inside the central 50, 80 and 95 % intervals, and the mean PIT value.

    Rows are by horizon, for all horizons together, and for all horizons of the origins of each decade.
    """
    if "pit" not in rows:
        return pd.DataFrame()
    with_pit = rows[rows["pit"].notna()]
    dated = with_pit[with_pit["origin"].str.match(_YEAR)]
    decade = ALL_HORIZONS + ", " + dated["origin"].str[:3] + "0s"
    grouped = pd.concat([with_pit, with_pit.assign(horizon=ALL_HORIZONS), dated.assign(horizon=decade)])
    by = [*_GROUP, "forecaster", "horizon"]
    means = grouped.groupby(by, sort=False)[[*HITS, "pit"]].mean()
    return means.assign(n=grouped.groupby(by, sort=False).size()).reset_index()


def reliability_table(rows: pd.DataFrame, bins: int = 8) -> pd.DataFrame:
    """Return forecast and observed frequencies of the model's probabilities, by target and horizon."""
    if "p" not in rows:
        return pd.DataFrame()
    model_rows = rows[(rows["forecaster"] == MODEL) & rows["p"].notna()]
    lines = [
        {**dict(zip([*_GROUP, "horizon"], name, strict=True)), **line}
        for name, part in model_rows.groupby([*_GROUP, "horizon"], sort=False)
        for line in reliability(part["p"], part["observed"], bins)
    ]
    return pd.DataFrame(lines)


def fits_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per model: the number of fits behind its forecasts, how many miss `FAIR`, the largest R-hat."""
    if "rhat" not in rows:
        return pd.DataFrame()
    model_rows = rows[(rows["forecaster"] == MODEL) & rows["rhat"].notna()]
    fits = model_rows.drop_duplicates(["model", "rhat"]).groupby("model", sort=False)["rhat"]
    table = fits.agg(fits="size", missed=lambda rhat: int((rhat > FAIR).sum()), largest="max")
    return table.reset_index()
