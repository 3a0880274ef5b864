"""Restrict spells to what was known on a day, so that a back-test forecasts from no later information."""

from typing import Any, Final

import numpy as np
import xarray as xr

from forecast.constants import STAYED
from forecast.data.withdrawal_covariates import POLITICS_FROM

_SHORTEST: Final = 4  # quarters: the shortest record from which the frequency of a political event is computed


def mask_future(spells: xr.Dataset, since: float, last: int, *, joining: bool = False) -> xr.Dataset:
    """Return `spells` with later covariates replaced by their expected values, up to the end of quarter `last`.

    Changes of leader and elections continue at the country's past frequency since 1990. If less than a year has passed
    since then, the frequency over the whole record is used. Casualties, cuts and announced ends of missions are set to
    0, and the number of contributors stays constant. The age of a combat mission is known in advance.

    Parameters
    ----------
    spells : data set of `data.deployments.mission_spells`.
    since : clock of the forecast, in quarters since the year 0.
    last : number of the last quarter to cover.
    joining : whether the dates on which contributors join are given.

    Returns
    -------
    The data set with covariates by quarter from the first quarter of `spells` to `last`.
    """
    first = int(np.floor(since)) + 1
    quarters = spells["quarter"].to_numpy()
    recent = quarters >= POLITICS_FROM
    if first >= POLITICS_FROM + _SHORTEST:
        recent &= quarters < first
    covered = np.arange(min(quarters[0], first - 1), max(quarters[-1], last) + 1)
    masked: dict[str, Any] = {}
    for name in (str(n) for n in spells.data_vars if str(n).endswith("_by_quarter")):
        series = spells[name].astype(float)
        later = series.reindex(quarter=covered, fill_value=0.0)
        expected: Any = 0.0
        if "country" in series.dims:
            expected = series.isel(quarter=recent).mean("quarter")
        elif name == "contributors_by_quarter":
            expected = later if joining else later.sel(quarter=first - 1)
        elif name == "combat_age_by_quarter":
            expected = later
        masked[name] = later.where(later["quarter"] < first, expected)
    cut = spells["reduced_from"]
    return spells.drop_dims("quarter").assign(masked | {"reduced_from": cut.where(cut <= since)})


def as_of(spells: xr.Dataset, until: float) -> xr.Dataset:
    """Return `spells` as they were known at the clock `until` (quarters since the year 0), on the same rows.

    Contingents that left later are censored. If a bracket was still open, the spell is known up to its beginning.
    Covariates are unchanged, because they are lagged or public. The exception is the end of a mission, which may not
    have been announced.
    """
    of, length = spells["spell_of"].to_numpy(), spells["length"].to_numpy()
    begin = spells["begin"].to_numpy()
    bracket_open = np.zeros(spells.sizes["spell"], dtype=bool)
    inside = spells["in_bracket"].to_numpy()
    bracket_open[of[inside & (begin + length > until)]] = True
    later = (spells["end"].to_numpy() > until) | bracket_open
    return spells.assign(
        length=("row", np.clip(until - begin, 0.0, length)),
        kind=("spell", np.where(later, STAYED, spells["kind"].to_numpy())),
        exact=("spell", spells["exact"].to_numpy() & ~later),
        event_row=("spell", np.where(later, -1, spells["event_row"].to_numpy())),
    )
