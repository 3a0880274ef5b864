"""A model beside its baselines, from rows of forecasts: on the forecasts that both made, with counts and a paired test.

skill = 1 - mean score / mean score of the baseline, so above 0 the model is better. All scores are lower for better.
A score that can be negative (of a density) has no zero, so no skill either; its difference is tested all the same.
"""

import pandas as pd

from forecast.evaluation.backtests.tasks import HITS, MODEL, SCORES
from forecast.evaluation.scoring import paired, reliability

_GROUP = ["model", "target"]
_ON = ["origin", "horizon", "unit"]
ALL_HORIZONS = "all"
_YEAR = r"(19|20)\d\d(-|$)"  # origins that are years or days, and not missions or quarters
FAIR = 1.01  # R-hat of a converged fit
_ROUNDING = 1e-9  # a CRPS of 0 may come out as a negative number of that size


def skill_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One line for each model, target, horizon (and all together), score and baseline.

    Columns: `n` forecasts in common, `clusters` among them, mean `score_model` and `score_baseline`, `skill`, and the
    clustered `t` and `p` of the difference (model less baseline: t below 0 speaks for the model).
    """
    lines = []
    for (model, target), group in rows.groupby(_GROUP, sort=False):
        own = group[group["forecaster"] == MODEL]
        for baseline, other in group[group["forecaster"] != MODEL].groupby("forecaster", sort=False):
            both = own.merge(other, on=_ON, suffixes=("", "_baseline"))
            for score in [s for s in SCORES if s in rows and both[s].notna().any()]:
                for horizon, part in [*both.groupby("horizon"), (ALL_HORIZONS, both)]:
                    if line := _compared(part, score):
                        of = {"model": model, "target": target, "horizon": horizon}
                        lines.append({**of, "score": score, "baseline": baseline, **line})
    return pd.DataFrame(lines)


def _compared(both: pd.DataFrame, score: str) -> dict[str, float]:
    """The numbers of one line; nothing where no forecast has both scores."""
    both = both[both[score].notna() & both[f"{score}_baseline"].notna()]
    if both.empty:
        return {}
    mine, theirs = both[score], both[f"{score}_baseline"]
    test = paired(mine - theirs, both["cluster"])
    has_zero = theirs.mean() > 0 and theirs.min() > -_ROUNDING
    return {
        "n": test.n,
        "clusters": test.clusters,
        "score_model": float(mine.mean()),
        "score_baseline": float(theirs.mean()),
        "skill": 1.0 - float(mine.mean()) / float(theirs.mean()) if has_zero else float("nan"),
        "t": test.t,
        "p": test.p,
    }


def cover_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of forecasts whose central 50, 80 and 95 % intervals held what was seen, and the mean place (PIT).

    By horizon, for all horizons together, and for all of the origins of each decade.
    """
    if "pit" not in rows:
        return pd.DataFrame()
    each = rows[rows["pit"].notna()]
    dated = each[each["origin"].str.match(_YEAR)]
    decade = ALL_HORIZONS + ", " + dated["origin"].str[:3] + "0s"
    seen = pd.concat([each, each.assign(horizon=ALL_HORIZONS), dated.assign(horizon=decade)])
    by = [*_GROUP, "forecaster", "horizon"]
    means = seen.groupby(by, sort=False)[[*HITS, "pit"]].mean()
    return means.assign(n=seen.groupby(by, sort=False).size()).reset_index()


def reliability_table(rows: pd.DataFrame, bins: int = 8) -> pd.DataFrame:
    """Forecast and seen frequency of the model's chances, by target and horizon."""
    if "p" not in rows:
        return pd.DataFrame()
    own = rows[(rows["forecaster"] == MODEL) & rows["p"].notna()]
    lines = [
        {**dict(zip([*_GROUP, "horizon"], name, strict=True)), **line}
        for name, part in own.groupby([*_GROUP, "horizon"], sort=False)
        for line in reliability(part["p"], part["observed"], bins)
    ]
    return pd.DataFrame(lines)


def fits_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a line for each model: how many fits its forecasts rest on, how many missed `FAIR`, the largest R-hat."""
    if "rhat" not in rows:
        return pd.DataFrame()
    own = rows[(rows["forecaster"] == MODEL) & rows["rhat"].notna()]
    fits = own.drop_duplicates(["model", "rhat"]).groupby("model", sort=False)["rhat"]
    table = fits.agg(fits="size", missed=lambda rhat: int((rhat > FAIR).sum()), largest="max")
    return table.reset_index()
