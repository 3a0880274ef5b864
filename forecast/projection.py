"""The bridge between labels and the core: parameter draws and a layout in, one labelled tree out.

Only here do integer tallies become probabilities and quantiles, each variable with the dimensions, unit and meaning
that `schema.VARIABLES` gives it.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast import names, schema
from forecast.core import tally as counts
from forecast.core.dyad_state import WHOLE_STATE
from forecast.core.tally import Joint, Tally
from forecast.errors import ForecastError
from forecast.panel import FIRST_YEAR
from forecast.roster import Roster

_COMPRESSION: Final = {"zlib": True, "complevel": 4, "shuffle": True}


def label(
    tally: Tally,
    joint: Joint,
    roster: Roster,
    history: pd.DataFrame,
    country_names: Mapping[str, str],
    attributes: Mapping[str, str | int | float],
) -> xr.DataTree:
    """One tree of groups alliance, members, missions, counts and joint; `attributes` go into every group.

    `history` has country, year and share_gdp (percent of GDP) of past spending; `country_names` names every country.
    """
    past = history[history["year"] >= FIRST_YEAR].pivot(
        index="country", columns="year", values="share_gdp"
    )
    shape = (len(roster.wars), len(roster.designs))
    found = {
        **_alliance(tally, shape),
        **_members(tally, shape, roster, past),
        **_missions(tally, shape, roster),
        **_dyads(tally, joint, shape, roster, past),
        **_histograms(tally, shape),
        **_joint(joint, shape),
    }
    wanted = _wanted(set(found), roster)
    coords = coordinates(roster, joint.cohesion.shape[0])
    coords[names.HISTORY_YEAR] = past.columns.to_numpy()
    groups: dict[str, xr.Dataset] = {"/": xr.Dataset(attrs=dict(attributes))}
    for group in dict.fromkeys(v.group for v in wanted.values()):
        mine = {
            name: xr.Variable(v.dims, _light(found[name]), _describe(v), _COMPRESSION)
            for name, v in wanted.items()
            if v.group == group
        }
        dims = {dim for variable in mine.values() for dim in variable.dims}
        groups[group] = xr.Dataset(
            mine, {dim: coords[dim] for dim in coords if dim in dims}, dict(attributes)
        )
    groups[names.MEMBERS] = groups[names.MEMBERS].assign_coords(
        member_name=(names.MEMBER, [country_names[c] for c in roster.members])
    )
    notes = _mission_notes(roster)
    notes["contributor_name"] = (
        names.CONTRIBUTOR,
        [country_names[c] for c in roster.contributors],
    )
    groups[names.MISSIONS] = groups[names.MISSIONS].assign_coords(notes)
    if roster.dyads:
        called = (names.DYAD, [dyad.label for dyad in roster.dyads])
        groups[names.DYADS] = groups[names.DYADS].assign_coords(dyad_label=called)
    return xr.DataTree.from_dict(groups)


def _wanted(found: set[str], roster: Roster) -> dict[str, schema.Variable]:
    """What is stored: all of schema.VARIABLES, without dyads none of theirs."""
    wanted = {k: v for k, v in schema.VARIABLES.items() if roster.dyads or names.DYAD not in v.dims}
    if found != set(wanted):
        odd = sorted(found ^ set(wanted))
        raise ForecastError(f"the projection and schema.VARIABLES differ in {', '.join(odd)}")
    return wanted


def coordinates(roster: Roster, joint_paths: int) -> dict[str, Any]:
    """The labels of every dimension."""
    return {
        names.WAR: list(roster.wars),
        names.DESIGN: list(roster.designs),
        names.QUARTER: list(roster.quarters),
        names.YEAR: list(roster.years),
        names.FACTOR: list(names.FACTORS),
        names.VERDICT: list(names.VERDICTS),
        names.MEMBER: list(roster.members),
        names.MISSION: [mission.name for mission in roster.missions],
        names.CONTRIBUTOR: list(roster.contributors),
        names.MODE: list(names.MODES),
        names.DYAD: [dyad.name for dyad in roster.dyads],
        names.CURVE: list(names.CURVES),
        names.INDEX: list(names.INDICES),
        names.EVENT: list(names.EVENTS),
        names.QUANTILE: list(names.QUANTILES),
        names.PATH: np.arange(joint_paths),
        names.COHESION_BIN: counts.cohesion_values(),
        names.SHARE_BIN: counts.share_values(),
        names.SURVIVAL_BIN: counts.survival_values(),
    }


def _light(values: NDArray[Any]) -> NDArray[Any]:
    """32-bit numbers on disk: Monte Carlo error is far above their precision."""
    return values.astype(np.int32 if values.dtype.kind == "i" else np.float32)


def _describe(variable: schema.Variable) -> dict[str, str]:
    return {"units": variable.units, "long_name": variable.long_name}


def _by_cell(values: NDArray[Any], shape: tuple[int, int], axis: int = 0) -> NDArray[Any]:
    """The axis of cells split into war and design."""
    return values.reshape(*values.shape[:axis], *shape, *values.shape[axis + 1 :])


def _mean_and_error(
    sums: NDArray[np.int64], paths: NDArray[np.int64], shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over all paths, and its Monte Carlo error from batches of parameter draws. sums (B, N, ...)."""
    spread = tuple([slice(None)] + [None] * (sums.ndim - 1))
    batches = sums / counts.UNIT / paths[spread]
    error = batches.std(axis=0, ddof=1) / np.sqrt(paths.size)
    return _by_cell(sums.sum(axis=0) / counts.UNIT / paths.sum(), shape), _by_cell(error, shape)


def _alliance(tally: Tally, shape: tuple[int, int]) -> dict[str, NDArray[Any]]:
    total = tally.paths.sum()
    units = tally.verdict * int(counts.UNIT)
    probability, probability_error = _mean_and_error(units, tally.paths, shape)
    cohesion, cohesion_error = _mean_and_error(tally.cohesion_sum, tally.paths, shape)
    european, european_error = _mean_and_error(tally.european_sum, tally.paths, shape)
    by_quantile = counts.quantiles(
        tally.cohesion, counts.cohesion_values(), names.QUANTILES, counts.COHESION_STEP
    )
    share = _share_quantiles(tally.european)
    return {
        "verdict_probability": probability,
        "verdict_probability_mcse": probability_error,
        "cohesion": _by_cell(by_quantile, shape),
        "cohesion_mean": cohesion,
        "cohesion_mcse": cohesion_error,
        "factor_mean": _by_cell(tally.factor_sum / counts.UNIT / total, shape),
        "new_missions": _by_cell(tally.begun / total, shape),
        "entrapment_probability": _by_cell(tally.entrapped / total, shape),
        "threat_level_mean": _by_cell(tally.threat_sum / counts.UNIT / total, shape),
        "european_share": _by_cell(share, shape),
        "european_share_mean": european,
        "european_share_mcse": european_error,
        "index_mean": _by_cell(tally.index_sum / counts.UNIT / total, shape),
        "event_probability": _by_cell(tally.event / total, shape),
    }


def _share_quantiles(histogram: NDArray[np.int64]) -> NDArray[np.float64]:
    """Quantiles in percent of GDP from bins of its logarithm."""
    logs = np.log(counts.share_values())
    return np.exp(counts.quantiles(histogram, logs, names.QUANTILES, counts.SHARE_STEP))


def _members(
    tally: Tally, shape: tuple[int, int], roster: Roster, past: pd.DataFrame
) -> dict[str, NDArray[Any]]:
    share = _share_quantiles(tally.share)
    turnover = np.full((len(roster.members), len(roster.years)), np.nan)
    for row, member in enumerate(roster.members):
        if member in roster.countries:
            turnover[row] = tally.turnover[roster.countries.index(member)] / tally.paths.sum()
    return {
        "spending_share": _by_cell(share, shape),
        "spending_history": past.reindex(list(roster.members)).to_numpy(),
        "leader_change_probability": turnover,
    }


def _running(roster: Roster) -> NDArray[np.bool_]:
    """(S, Q): True while a mission runs."""
    t = np.arange(len(roster.quarters))
    ends = [len(t) if m.end is None else m.end for m in roster.missions]
    return np.array(
        [(t >= m.start) & (t < end) for m, end in zip(roster.missions, ends, strict=True)]
    )


def _missions(tally: Tally, shape: tuple[int, int], roster: Roster) -> dict[str, NDArray[Any]]:
    total, runs = tally.paths.sum(), _running(roster)
    curves = counts.quantiles(tally.survival, counts.survival_values(), names.QUANTILES)
    mean, error = _mean_and_error(tally.survival_sum, tally.paths, shape)
    silent = ~runs[:, None, :] & np.ones((1, 3, 1), bool)
    mean[:, :, silent], error[:, :, silent] = np.nan, np.nan
    hollow = _by_cell(np.where(runs, tally.hollow / total, np.nan), shape)
    collapsed = _by_cell(np.where(runs, tally.collapsed / total, np.nan), shape)
    ended = _by_cell(np.where(runs, tally.ended / total, np.nan), shape)
    handed = _by_cell(np.where(runs, tally.handed / total, np.nan), shape)
    contributors = list(roster.contributors)
    gone = np.full((*shape, len(roster.missions), len(contributors), len(roster.quarters)), np.nan)
    weight = np.zeros((len(roster.missions), len(contributors)))
    for s, mission in enumerate(roster.missions):
        troops = np.array(mission.troops)
        for c, country in enumerate(mission.contributors):
            left = np.where(runs[s], tally.exits[:, s, c].cumsum(-1) / total, np.nan)
            gone[:, :, s, contributors.index(country)] = _by_cell(left, shape)
            weight[s, contributors.index(country)] = troops[c] / troops.sum()
    return {
        "survival": _by_cell(curves, shape),
        "survival_mean": mean,
        "survival_mcse": error,
        "hollow_probability": hollow,
        "collapse_probability": collapsed,
        "nominal_end_probability": ended,
        "hand_over_probability": handed,
        "defections": _by_cell(tally.modes / total, shape),
        "caveats_noticed": _by_cell(tally.seen / total, shape),
        "exit_probability": gone,
        "contingent_weight": weight,
    }


#: What each sum of a dyad is called in the stored tree.
_TOLD: Final = dict(zip(WHOLE_STATE, (
    "dyad_cohesion", "abandonment", "entrapment", "base_opinion", "host_support", "us_troops",
), strict=True))  # fmt: skip


def _dyads(
    tally: Tally, joint: Joint, shape: tuple[int, int], roster: Roster, past: pd.DataFrame
) -> dict[str, NDArray[Any]]:
    if not roster.dyads:
        return {}
    fans = counts.quantiles(
        tally.dyad_cohesion, counts.cohesion_values(), names.QUANTILES, counts.COHESION_STEP
    )
    found = {"dyad_cohesion": _by_cell(fans, shape)}
    for i, name in enumerate(_TOLD.values()):
        found[f"{name}_mean"], found[f"{name}_mcse"] = _mean_and_error(
            tally.dyad_sum[:, :, :, i], tally.paths, shape
        )
    unit = int(counts.UNIT)
    intact, error = _mean_and_error(tally.dyad_intact * unit, tally.paths, shape)
    return found | {
        "intact_probability": intact,
        "intact_probability_mcse": error,
        "refused_probability": _mean_and_error(tally.dyad_refused * unit, tally.paths, shape)[0],
        "partner_share": _by_cell(_share_quantiles(tally.partner_share), shape),
        "partner_history": past.reindex([dyad.partner for dyad in roster.dyads]).to_numpy(),
        "dyad_cohesion_count": _by_cell(tally.dyad_cohesion, shape),
        "joint_dyad_cohesion": _by_cell(joint.dyads[:, :, :, 0], shape, axis=1),
    }


def _histograms(tally: Tally, shape: tuple[int, int]) -> dict[str, NDArray[Any]]:
    return {
        "cohesion_count": _by_cell(tally.cohesion, shape),
        "european_share_count": _by_cell(tally.european, shape),
        "spending_share_count": _by_cell(tally.share, shape),
        "survival_count": _by_cell(tally.survival, shape),
    }


def _joint(joint: Joint, shape: tuple[int, int]) -> dict[str, NDArray[Any]]:
    return {
        "joint_cohesion": _by_cell(joint.cohesion, shape, axis=1),
        "joint_european_share": _by_cell(joint.european, shape, axis=1),
        "joint_index": _by_cell(joint.measures, shape, axis=1),
        "joint_survival": _by_cell(joint.survival, shape, axis=1),
    }


def _mission_notes(roster: Roster) -> dict[str, tuple[str, list[str]]]:
    """What a reader must know of each mission, as coordinates beside its name."""
    told = {
        "mission_label": [m.label for m in roster.missions],
        "framework": [m.framework for m in roster.missions],
        "kind": ["hypothetical" if m.hypothetical else "real" for m in roster.missions],
        "flags": ["; ".join(m.flags) for m in roster.missions],
    }
    return {name: (names.MISSION, values) for name, values in told.items()}
