"""Check the conditions that several constants must meet together."""

import math
import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from forecast.priors.prior import Prior

_Order = tuple[Callable[[float, float], bool], str]
_AT_MOST: Final[_Order] = (operator.le, "at most")
_BELOW: Final[_Order] = (operator.lt, "less than")
#: Pairs of constants of one file, the lower one first. A strain that does not outlast its onset would be a relief.
_ORDERED: Final = (
    ("spending.floor", _BELOW, "spending.cap"),
    ("spending.floor", _BELOW, "spending.pledge_2025"),
    ("spending.floor", _BELOW, "spending.pledge_2035"),
    ("spending.pledge_2025", _AT_MOST, "spending.cap"),
    ("spending.pledge_2035", _AT_MOST, "spending.cap"),
    ("alliance.sign_sd_pure", _AT_MOST, "alliance.sign_sd_composite"),
    ("missions.collapse_operation", _AT_MOST, "missions.hollow_operation"),
    ("missions.nominal_flags", _AT_MOST, "missions.hollow_flags"),
    ("withdrawal.trust_low", _AT_MOST, "withdrawal.trust_medium"),
    ("withdrawal.trust_medium", _AT_MOST, "withdrawal.trust_high"),
    ("events.onset_half_life", _BELOW, "events.strain_half_life"),
)
_DYAD_WEIGHTS: Final = tuple(f"weight_{part}" for part in ("threat", "abandonment", "entrapment", "opinion"))


def joint_faults(priors: Mapping[str, Prior], folder: Path) -> list[str]:
    """Return a line for each condition that the constants do not meet; those on missing constants are left out.

    Parameters
    ----------
    priors : priors by dotted name.
    folder : folder of their files, for the messages.
    """
    values = {name: prior.params[0] for name, prior in priors.items() if prior.dist == "Constant"}
    faults, named = [], set[str]()
    for lower, (in_order, words), upper in _ORDERED:
        if named.isdisjoint({lower, upper}) and not in_order(values.get(lower, -math.inf), values.get(upper, math.inf)):
            named |= {lower, upper}  # each constant is in one fault, so that one slip is one fault
            (file, low), (_, high) = lower.split("."), upper.split(".")
            faults.append(
                f"{folder / file}.toml [{low}]: value is {values[lower]:g}, expected {words} the "
                f"{values[upper]:g} of [{high}]; correct one of the two"
            )
    weights = [values.get(f"dyads.{name}", math.nan) for name in _DYAD_WEIGHTS]
    if abs(sum(weights) - 1.0) > 1e-6:  # false for missing weights, which are NaN
        faults.append(
            f"{folder / 'dyads.toml'} {', '.join(f'[{name}]' for name in _DYAD_WEIGHTS)}: the values sum to "
            f"{sum(weights):g}, expected 1; correct them"
        )
    shared, own = (values.get(name, 0.0) for name in ("alliance.factor_correlation", "cohesion.own_share"))
    if shared + own >= 1.0:
        faults.append(
            f"{folder / 'cohesion.toml'} [own_share]: value is {own:g}, expected less than {1.0 - shared:g}, what "
            "[factor_correlation] of alliance.toml leaves of the variance; correct one of the two"
        )
    return faults
