"""What surveys of changing sets of allies say of a year: how high an answer stands, and how far apart the allies are.

No two years asked the same countries, so a country's usual position is taken out first: on the logit of the share,
y_it = country_i + year_t + e_it, by least squares.
"""

from typing import Final

import numpy as np
import pandas as pd

MIN_LEVEL: Final = 3  # countries that must have been asked for a year to count
MIN_SPREAD: Final = 6


def level(shares: pd.DataFrame) -> pd.DataFrame:
    """`value` and `error` by year of the year effects, logits with mean country effect 0.

    `shares` has `country`, `year`, `value` (percent). The error is the residual SD over the root of the number of
    countries: it holds the sampling of persons and each country's own turns. Empty where no two years share a country.
    """
    fitted = _two_way(shares)
    if fitted.empty:
        return pd.DataFrame(columns=["value", "error"], dtype=float)
    freedom = len(fitted) - fitted["country"].nunique() - fitted["year"].nunique() + 1
    noise = np.sqrt((fitted["residual"] ** 2).sum() / max(freedom, 1))
    found = fitted.groupby("year").agg(value=("effect", "first"), asked=("country", "size"))
    found["error"] = noise / np.sqrt(found["asked"])
    return found.loc[found["asked"] >= MIN_LEVEL, ["value", "error"]]


def spread(shares: pd.DataFrame) -> pd.DataFrame:
    """`value` and `error` by year: log of the SD between the allies asked, over what their usual positions would give.

    Positions are percent. The error is the jackknife over countries (Efron and Tibshirani 1993, ch. 11).
    """
    usual = shares.groupby("country")["value"].mean()
    rows = {}
    for year, asked in shares.groupby("year"):
        if len(asked) >= MIN_SPREAD:
            now, then = asked["value"].to_numpy(), usual[asked["country"]].to_numpy()
            whole = np.log(now.std(ddof=1) / then.std(ddof=1))
            n = len(asked)
            each = [
                np.log(np.delete(now, i).std(ddof=1) / np.delete(then, i).std(ddof=1))
                for i in range(n)
            ]
            rows[year] = {"value": whole, "error": np.sqrt((n - 1) * np.var(each))}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "error"], dtype=float)


def _two_way(shares: pd.DataFrame) -> pd.DataFrame:
    """Rows with the `effect` of their year and their `residual`; only countries asked twice or more tell of years."""
    often = shares.groupby("country")["year"].transform("nunique") > 1
    rows = shares[often].reset_index(drop=True)
    if rows.empty:
        return rows.assign(effect=0.0, residual=0.0)
    share = rows["value"].to_numpy(dtype=float) / 100.0
    y = np.log(share / (1.0 - share))
    countries = pd.get_dummies(rows["country"], dtype=float).to_numpy()
    years = pd.get_dummies(rows["year"], dtype=float)
    # one row more: the country effects add up to nothing
    design = np.vstack(
        [
            np.hstack([countries, years.to_numpy()]),
            np.r_[np.ones(countries.shape[1]), np.zeros(years.shape[1])],
        ]
    )
    effects, *_ = np.linalg.lstsq(design, np.r_[y, 0.0], rcond=None)
    of_year = dict(zip(years.columns, effects[countries.shape[1] :], strict=True))
    effect = rows["year"].map(of_year).to_numpy(dtype=float)
    return rows.assign(effect=effect, residual=y - design[:-1] @ effects)
