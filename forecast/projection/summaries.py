"""What paths estimate: integer tallies become means, probabilities and quantiles, by war and design.

Each carries the name and the dimensions that `schema.VARIABLES` gives it.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast import names
from forecast.simulation import histograms as bins
from forecast.simulation.records import DYAD_SERIES
from forecast.simulation.tallies import UNIT, Tally
from forecast.workspace.roster import Roster


def estimates(tally: Tally, roster: Roster) -> dict[str, NDArray[np.float64]]:
    """All that paths estimate: every variable of the tree that is no histogram, no whole path and not given."""
    shape = (len(roster.wars), len(roster.designs))
    return {
        **_alliance(tally, shape),
        **_members(tally, shape, roster),
        **_missions(tally, shape, roster),
        **(_dyads(tally, shape) if roster.dyads else {}),
    }


def by_cell(values: NDArray[Any], shape: tuple[int, int], axis: int = 0) -> NDArray[Any]:
    """The axis of cells split into war and design."""
    return values.reshape(*values.shape[:axis], *shape, *values.shape[axis + 1 :])


def _mean(sums: NDArray[np.int64], tally: Tally, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Mean over all paths of what is summed in fixed point, (N, ...)."""
    return by_cell(sums / UNIT / tally.paths.sum(), shape)


def _share(number: NDArray[np.int64], tally: Tally, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Mean over all paths of what is counted, (N, ...): of those on which it is so, the share."""
    return by_cell(number / tally.paths.sum(), shape)


def _alliance(tally: Tally, shape: tuple[int, int]) -> dict[str, NDArray[Any]]:
    by_quantile = bins.quantiles(tally.cohesion, bins.cohesion_values(), names.QUANTILES, bins.COHESION_STEP)
    return {
        "verdict_probability": _share(tally.verdict, tally, shape),
        "cohesion": by_cell(by_quantile, shape),
        "cohesion_mean": _mean(tally.cohesion_sum, tally, shape),
        "factor_mean": _mean(tally.factor_sum, tally, shape),
        "new_missions": _share(tally.begun, tally, shape),
        "entrapment_probability": _share(tally.entrapped, tally, shape),
        "threat_level_mean": _mean(tally.threat_sum, tally, shape),
        "european_share": by_cell(_share_quantiles(tally.european), shape),
        "european_share_mean": _mean(tally.european_sum, tally, shape),
        "index_mean": _mean(tally.index_sum, tally, shape),
        "event_probability": _share(tally.event, tally, shape),
    }


def _share_quantiles(histogram: NDArray[np.int32]) -> NDArray[np.float64]:
    """Quantiles in percent of GDP from bins of its logarithm."""
    logs = np.log(bins.share_values())
    return np.exp(bins.quantiles(histogram, logs, names.QUANTILES, bins.SHARE_STEP))


def _members(tally: Tally, shape: tuple[int, int], roster: Roster) -> dict[str, NDArray[Any]]:
    turnover = np.full((len(roster.members), len(roster.years)), np.nan)
    for row, member in enumerate(roster.members):
        if member in roster.countries:
            turnover[row] = tally.turnover[roster.countries.index(member)] / tally.paths.sum()
    return {
        "spending_share": by_cell(_share_quantiles(tally.share), shape),
        "leader_change_probability": turnover,
    }


def _running(roster: Roster) -> NDArray[np.bool_]:
    """(S, Q): True while a mission runs."""
    t = np.arange(len(roster.quarters))
    ends = [len(t) if m.end is None else m.end for m in roster.missions]
    return np.array([(t >= m.start) & (t < end) for m, end in zip(roster.missions, ends, strict=True)])


def _missions(tally: Tally, shape: tuple[int, int], roster: Roster) -> dict[str, NDArray[Any]]:
    runs = _running(roster)

    def while_it_runs(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(runs, values, np.nan)

    curves = bins.quantiles(tally.survival, bins.survival_values(), names.QUANTILES)
    mean = _mean(tally.survival_sum, tally, shape)
    mean[:, :, np.broadcast_to(~runs[:, None, :], mean.shape[2:])] = np.nan
    left = _share(tally.exits.cumsum(-1), tally, shape)
    contributors = list(roster.contributors)
    gone = np.full((*shape, len(runs), len(contributors), runs.shape[1]), np.nan)
    for s, mission in enumerate(roster.missions):
        for c, country in enumerate(mission.contributors):
            gone[:, :, s, contributors.index(country)] = np.where(runs[s], left[:, :, s, c], np.nan)
    return {
        "survival": by_cell(curves, shape),
        "survival_mean": mean,
        "hollow_probability": while_it_runs(_share(tally.hollow, tally, shape)),
        "collapse_probability": while_it_runs(_share(tally.collapsed, tally, shape)),
        "nominal_end_probability": while_it_runs(_share(tally.ended, tally, shape)),
        "hand_over_probability": while_it_runs(_share(tally.handed, tally, shape)),
        "defections": _share(tally.modes, tally, shape),
        "caveats_noticed": _share(tally.seen, tally, shape),
        "exit_probability": gone,
    }


#: What each sum of a dyad is called in the stored tree.
_TOLD: Final = dict(
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
    fans = bins.quantiles(tally.dyad_cohesion, bins.cohesion_values(), names.QUANTILES, bins.COHESION_STEP)
    means = _mean(tally.dyad_sum, tally, shape)
    return {
        "dyad_cohesion": by_cell(fans, shape),
        **{f"{name}_mean": means[..., i] for i, name in enumerate(_TOLD.values())},
        "intact_probability": _share(tally.dyad_intact, tally, shape),
        "refused_probability": _share(tally.dyad_refused, tally, shape),
        "partner_share": by_cell(_share_quantiles(tally.partner_share), shape),
    }
