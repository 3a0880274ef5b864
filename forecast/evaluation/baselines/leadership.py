"""Baselines for changes of leader: rates that can be counted from the same data."""

from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.array_types import Floats
from forecast.models.leadership import Calendar

_POSITIONS: Final = ("election", "after", "before")
_COUNTRY_WEIGHT: Final = 20.0  # quarters at the pooled rate that a country's own record is added to


def rate(changes: Any, quarters: Any) -> Any:
    """Share of quarters with a change, with half a change and one quarter added, so that it is never 0 or 1."""
    return (np.asarray(changes, dtype=float) + 0.5) / (np.asarray(quarters, dtype=float) + 1.0)


def constant_chance(rows: pd.DataFrame, countries: list[str], quarters: int) -> Floats:
    """Chance of a change within 1, 2, ... quarters at the pooled rate of `rows`, shape (quarter, country)."""
    one = float(rate(rows["change"].sum(), len(rows)))
    return _within(np.full((quarters, len(countries)), one))


def country_chance(rows: pd.DataFrame, countries: list[str], quarters: int) -> Floats:
    """The same at each country's own rate, drawn towards the pooled one as if five more years had been seen."""
    pooled = float(rate(rows["change"].sum(), len(rows)))
    own = rows.groupby("country")["change"].agg(["sum", "size"]).reindex(countries, fill_value=0)
    per_quarter = (own["sum"] + _COUNTRY_WEIGHT * pooled) / (own["size"] + _COUNTRY_WEIGHT)
    return _within(np.tile(per_quarter.to_numpy(), (quarters, 1)))


def calendar_chance(rows: pd.DataFrame, calendar: Calendar) -> Floats:
    """The same at the rates of electoral positions (vote, one quarter after, one or two before, any other).

    The calendar is that of the model, so the two differ only by country and tenure.
    """
    near = rows[list(_POSITIONS)].to_numpy(dtype=bool)
    rates = [rate(rows["change"][mask].sum(), mask.sum()) for mask in [*near.T, ~near.any(axis=1)]]
    ahead = np.stack([calendar.election, calendar.after, calendar.before]) > 0
    ahead[1] &= ~ahead[0]
    ahead[2] &= ~ahead[:2].any(axis=0)
    per_quarter = np.select(list(ahead), rates[:3], rates[3])
    return np.asarray((1.0 - np.cumprod(1.0 - per_quarter, axis=1)).mean(axis=0))


def _within(per_quarter: Floats) -> Floats:
    return np.asarray(1.0 - np.cumprod(1.0 - per_quarter, axis=0))
