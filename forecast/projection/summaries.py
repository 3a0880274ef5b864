"""Estimates of a projection: integer tallies become means, probabilities and quantiles, by war and design.

Each estimate has the name and the dimensions of its entry in `output_schema.VARIABLES`.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast import names
from forecast.array_types import Floats
from forecast.simulation import histograms as bins
from forecast.simulation.records import DYAD_SERIES
from forecast.simulation.tallies import UNIT, Tally
from forecast.workspace.roster import Roster


def estimates(tally: Tally, roster: Roster) -> dict[str, Floats]:
    """Return the variables of the tree whose Monte Carlo errors are estimated from groups of paths.

    The other variables are histograms, sampled paths, what is known beforehand, and `survival_quantiles`.
    """
    shape = (len(roster.wars), len(roster.designs))
    return {
        **_alliance(tally, shape),
        **_members(tally, shape, roster),
        **_missions(tally, shape, roster),
        **(_dyads(tally, shape) if roster.dyads else {}),
    }


def survival_quantiles(tally: Tally, roster: Roster) -> Floats:
    """Return the quantiles of the survival curves; their errors come from the histograms of all paths."""
    curves = bins.quantiles(tally.survival, bins.survival_values(), names.QUANTILES)
    return by_cell(curves, (len(roster.wars), len(roster.designs)))


def by_cell(values: NDArray[Any], shape: tuple[int, int], axis: int = 0) -> NDArray[Any]:
    """Split the axis of cells into war and design."""
    return values.reshape(*values.shape[:axis], *shape, *values.shape[axis + 1 :])


def _mean(sums: NDArray[np.int64], tally: Tally, shape: tuple[int, int]) -> Floats:
    """Return the mean over all paths of a sum in fixed point, (N, ...)."""
    return by_cell(sums / UNIT / tally.paths.sum(), shape)


def _share(number: NDArray[np.int64], tally: Tally, shape: tuple[int, int]) -> Floats:
    """Return the mean over all paths of a count, (N, ...)."""
    return by_cell(number / tally.paths.sum(), shape)


def _alliance(tally: Tally, shape: tuple[int, int]) -> dict[str, NDArray[Any]]:
    """Return the estimates of the group `alliance`."""
    by_quantile = bins.quantiles(tally.cohesion, bins.cohesion_values(), names.QUANTILES, bins.COHESION_STEP)
    return {
        "verdict_probability": _share(tally.verdict, tally, shape),
        "cohesion": by_cell(by_quantile, shape),
        "cohesion_mean": _mean(tally.cohesion_sum, tally, shape),
        "factor_mean": _mean(tally.factor_sum, tally, shape),
        "new_missions": _share(tally.begun, tally, shape),
        "entrapment_probability": _share(tally.entrapped, tally, shape),
        "threat_level_mean": _mean(tally.threat_sum, tally, shape),
        "european_share": by_cell(_spending_quantiles(tally.european), shape),
        "european_share_mean": _mean(tally.european_sum, tally, shape),
        "index_mean": _mean(tally.index_sum, tally, shape),
        "event_probability": _share(tally.event, tally, shape),
    }


def _spending_quantiles(histogram: NDArray[np.int32]) -> Floats:
    """Return quantiles in percent of GDP from bins of its logarithm."""
    logs = np.log(bins.share_values())
    return np.exp(bins.quantiles(histogram, logs, names.QUANTILES, bins.SHARE_STEP))


def _members(tally: Tally, shape: tuple[int, int], roster: Roster) -> dict[str, NDArray[Any]]:
    """Return the estimates of the group `members`."""
    turnover = np.full((len(roster.members), len(roster.years)), np.nan)
    for row, member in enumerate(roster.members):
        if member in roster.countries:
            turnover[row] = tally.turnover[roster.countries.index(member)] / tally.paths.sum()
    return {
        "spending_share": by_cell(_spending_quantiles(tally.share), shape),
        "leader_change_probability": turnover,
    }


def _running(roster: Roster) -> NDArray[np.bool_]:
    """Return (S, Q): True in the quarters in which a mission runs."""
    t = np.arange(len(roster.quarters))
    ends = [len(t) if m.end is None else m.end for m in roster.missions]
    return np.array([(t >= m.start) & (t < end) for m, end in zip(roster.missions, ends, strict=True)])


def _missions(tally: Tally, shape: tuple[int, int], roster: Roster) -> dict[str, NDArray[Any]]:
    """Return the estimates of the group `missions`; NaN in quarters in which a mission does not run."""
    running = _running(roster)

    def while_running(values: Floats) -> Floats:
        return np.where(running, values, np.nan)

    mean = _mean(tally.survival_sum, tally, shape)
    mean[:, :, np.broadcast_to(~running[:, None, :], mean.shape[2:])] = np.nan
    left_by_contingent = _share(tally.exits.cumsum(-1), tally, shape)
    contributors = list(roster.contributors)
    left = np.full((*shape, len(running), len(contributors), running.shape[1]), np.nan)
    for s, mission in enumerate(roster.missions):
        for c, country in enumerate(mission.contributors):
            left[:, :, s, contributors.index(country)] = np.where(running[s], left_by_contingent[:, :, s, c], np.nan)
    return {
        "survival_mean": mean,
        "hollow_probability": while_running(_share(tally.hollow, tally, shape)),
        "collapse_probability": while_running(_share(tally.collapsed, tally, shape)),
        "nominal_end_probability": while_running(_share(tally.ended, tally, shape)),
        "hand_over_probability": while_running(_share(tally.handed, tally, shape)),
        "defections": _share(tally.modes, tally, shape),
        "caveats_noticed": _share(tally.seen, tally, shape),
        "exit_probability": left,
    }


#: Name in the stored tree of each sum of a dyad, by its name in the simulation.
_DYAD_VARIABLES: Final = dict(
    zip(
        DYAD_SERIES,
        (
            "dyad_cohesion",
            "abandonment",
            "entrapment",
            "base_opinion",
            "host_support",
            "us_troops",
        ),
        strict=True,
    )
)


def _dyads(tally: Tally, shape: tuple[int, int]) -> dict[str, NDArray[Any]]:
    """Return the estimates of the group `dyads`."""
    by_quantile = bins.quantiles(tally.dyad_cohesion, bins.cohesion_values(), names.QUANTILES, bins.COHESION_STEP)
    means = _mean(tally.dyad_sum, tally, shape)
    return {
        "dyad_cohesion": by_cell(by_quantile, shape),
        **{f"{name}_mean": means[..., i] for i, name in enumerate(_DYAD_VARIABLES.values())},
        "intact_probability": _share(tally.dyad_intact, tally, shape),
        "refused_probability": _share(tally.dyad_refused, tally, shape),
        "partner_share": by_cell(_spending_quantiles(tally.partner_share), shape),
    }
