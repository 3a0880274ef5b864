"""What nobody could know of a mission on a day, taken out of its spells before a forecast is made from them."""

from typing import Any, Final

import numpy as np
import xarray as xr

from forecast.constants import STAYED

_POLITICS_FROM: Final = 4 * 1990  # leaders and elections are on record from then on
_SHORTEST: Final = 4  # quarters of politics that a share is taken over


def mask_future(spells: xr.Dataset, since: float, last: int, *, joining: bool = False) -> xr.Dataset:
    """`spells` with what was not known at `since` (quarters since the year 0), up to the end of quarter `last`.

    Leaders and elections go on at each country's share of the quarters before, from 1990 on (of all quarters, where
    `since` is hardly later). Nobody dies, is cut, or announces the end of a mission; nobody joins, unless `joining`
    says that who came when is given. How long a mission has been in combat is known.
    """
    first = int(np.floor(since)) + 1
    quarters = spells["quarter"].to_numpy()
    recent = quarters >= _POLITICS_FROM
    if first >= _POLITICS_FROM + _SHORTEST:
        recent &= quarters < first
    wide = np.arange(min(quarters[0], first - 1), max(quarters[-1], last) + 1)
    found: dict[str, Any] = {}
    for name in (str(n) for n in spells.data_vars if str(n).endswith("_by_quarter")):
        series = spells[name].astype(float)
        later = series.reindex(quarter=wide, fill_value=0.0)
        usual: Any = 0.0
        if "country" in series.dims:
            usual = series.isel(quarter=recent).mean("quarter")
        elif name == "contributors_by_quarter":
            usual = later if joining else later.sel(quarter=first - 1)
        elif name == "combat_age_by_quarter":
            usual = later
        found[name] = later.where(later["quarter"] < first, usual)
    cut = spells["reduced_from"]
    return spells.drop_dims("quarter").assign(found | {"reduced_from": cut.where(cut <= since)})


def as_of(spells: xr.Dataset, until: float) -> xr.Dataset:
    """`spells` as they stood at a time (quarters since the year 0): on the same rows, with what came later undone.

    Who left later stayed; whoever left within a bracket that was still open then is known to its beginning. Covariates
    stay: they are lagged or public, but for the end of a mission, which may not have been announced.
    """
    of, length = spells["spell_of"].to_numpy(), spells["length"].to_numpy()
    begin = spells["begin"].to_numpy()
    open_still = np.zeros(spells.sizes["spell"], dtype=bool)
    inside = spells["in_bracket"].to_numpy()
    open_still[of[inside & (begin + length > until)]] = True
    later = (spells["end"].to_numpy() > until) | open_still
    return spells.assign(
        length=("row", np.clip(until - begin, 0.0, length)),
        kind=("spell", np.where(later, STAYED, spells["kind"].to_numpy())),
        exact=("spell", spells["exact"].to_numpy() & ~later),
        event_row=("spell", np.where(later, -1, spells["event_row"].to_numpy())),
    )
