"""Return yearly paths of the defence spending pledges: of the alliance and of each partner of a dyad."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.priors.load import Priors

_PLEDGE_YEARS: Final = (2025, 2035)


def pledge_path(
    priors: Priors, years: Sequence[int] | NDArray[np.int64], last: float | None = None
) -> NDArray[np.float64]:
    """Return the NATO pledge in percent of GDP: constant to 2025, linear to 2035, constant afterwards.

    Sources: NATO, Wales Summit Declaration 2014; The Hague Summit Declaration 2025.

    Parameters
    ----------
    priors : Priors
        Priors with `spending.pledge_2025` and `spending.pledge_2035`.
    years : sequence of int
        Calendar years.
    last : float, optional
        Pledge in 2035, in percent of GDP, in place of `spending.pledge_2035`.

    Returns
    -------
    array of float
        One pledge for each year.
    """
    levels = [priors.value(f"spending.pledge_{year}") for year in _PLEDGE_YEARS]
    levels[-1] = levels[-1] if last is None else last
    return pledge_between(levels, years)


def pledge_between(levels: Sequence[float], years: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the NATO pledge of each year from its levels in 2025 and 2035, in percent of GDP."""
    return np.asarray(np.interp(np.asarray(years, dtype=float), _PLEDGE_YEARS, levels))


_OWN_PLEDGE_YEARS: Final = (2022, 2027, 2035)


def own_pledge(priors: Priors, name: str, years: Sequence[int]) -> Floats:
    """Return the spending target of a dyad's partner in percent of GDP.

    The target is linear between 2022, 2027 and 2035, and constant before and after.
    """
    levels = [priors.value(f"dyads.{name}.pledge_{year}") for year in _OWN_PLEDGE_YEARS]
    return np.asarray(np.interp(np.asarray(years, dtype=float), _OWN_PLEDGE_YEARS, levels))
