"""Baselines for changes of leader: rates counted from the data that the model is fitted to."""

from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.array_types import Floats
from forecast.models.leadership import Calendar

_POSITIONS: Final = ("election", "after", "before")
_COUNTRY_WEIGHT: Final = 20.0  # quarters at the pooled rate that are added to the record of a country


def rate(changes: Any, quarters: Any) -> Any:
    """Return changes per quarter, with half a change and one quarter added so that the rate is never 0 or 1."""
    return (np.asarray(changes, dtype=float) + 0.5) / (np.asarray(quarters, dtype=float) + 1.0)


def constant_chance(rows: pd.DataFrame, countries: list[str], quarters: int) -> Floats:
    """Return the probability (quarter, country) of a change within 1, 2, ... quarters, at the pooled rate of `rows`."""
    pooled = float(rate(rows["change"].sum(), len(rows)))
    return _within(np.full((quarters, len(countries)), pooled))


def country_chance(rows: pd.DataFrame, countries: list[str], quarters: int) -> Floats:
    """Return the same at the rate of each country, shrunk to the pooled rate by `_COUNTRY_WEIGHT` extra quarters."""
    pooled = float(rate(rows["change"].sum(), len(rows)))
    changes = rows.groupby("country")["change"].agg(["sum", "size"]).reindex(countries, fill_value=0)
    per_quarter = (changes["sum"] + _COUNTRY_WEIGHT * pooled) / (changes["size"] + _COUNTRY_WEIGHT)
    return _within(np.tile(per_quarter.to_numpy(), (quarters, 1)))


def calendar_chance(rows: pd.DataFrame, calendar: Calendar) -> Floats:
    """Return the same at the rates of electoral positions: election, one quarter after, one or two before, any other.

    The model gets the same `calendar`, so the two forecasts differ only by country and tenure.
    """
    near = rows[list(_POSITIONS)].to_numpy(dtype=bool)
    rates = [rate(rows["change"][mask].sum(), mask.sum()) for mask in [*near.T, ~near.any(axis=1)]]
    ahead = np.stack([calendar.election, calendar.after, calendar.before]) > 0
    ahead[1] &= ~ahead[0]
    ahead[2] &= ~ahead[:2].any(axis=0)
    per_quarter = np.select(list(ahead), rates[:3], rates[3])
    return np.asarray((1.0 - np.cumprod(1.0 - per_quarter, axis=1)).mean(axis=0))


def _within(per_quarter: Floats) -> Floats:
    """Return the probability of a change by the end of each quarter from probabilities per quarter."""
    return np.asarray(1.0 - np.cumprod(1.0 - per_quarter, axis=0))
