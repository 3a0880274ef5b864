"""The bridge between labels and the core: parameter draws and a layout in, one labelled tree out.

Each variable has the dimensions, unit and meaning that `schema.VARIABLES` gives it.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.constants import FIRST_YEAR
from forecast.errors import ForecastError
from forecast.projection import output_schema
from forecast.projection.monte_carlo_error import Projected
from forecast.projection.summaries import by_cell, estimates
from forecast.simulation import histograms as bins
from forecast.simulation.tallies import SampledPaths, Tally
from forecast.workspace.roster import Roster

_COMPRESSION: Final = {"zlib": True, "complevel": 4, "shuffle": True}


def label(
    projected: Projected,
    roster: Roster,
    history: pd.DataFrame,
    country_names: Mapping[str, str],
    attributes: Mapping[str, str | int | float],
) -> xr.DataTree:
    """One tree of groups alliance, members, missions, dyads, mcse, counts and joint; `attributes` go into every group.

    `history` has country, year and share_gdp (percent of GDP) of past spending; `country_names` names every country.
    """
    tally, joint = projected.tally, projected.joint
    past = history[history["year"] >= FIRST_YEAR].pivot(index="country", columns="year", values="share_gdp")
    shape = (len(roster.wars), len(roster.designs))
    found = {
        **estimates(tally, roster),
        **_given(roster, past),
        **_histograms(tally, shape, roster),
        **_joint(joint, shape, roster),
    }
    wanted = _wanted(set(found), roster)
    coords = coordinates(roster, joint.cohesion.shape[0])
    coords[names.HISTORY_YEAR] = past.columns.to_numpy()
    groups: dict[str, xr.Dataset] = {"/": xr.Dataset(attrs=dict(attributes))}
    for group in dict.fromkeys(v.group for v in wanted.values()):
        mine = {name: v for name, v in wanted.items() if v.group == group}
        groups[group] = _group(mine, found, coords, attributes)
    errors = {k: np.stack([error.total, error.draws]) for k, error in projected.errors.items()}
    told = {name: output_schema.error_of(name) for name in errors}
    groups[names.MCSE] = _group(told, errors, coords, attributes)
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


def _wanted(found: set[str], roster: Roster) -> dict[str, output_schema.Variable]:
    """What is stored: all of schema.VARIABLES, without dyads none of theirs."""
    wanted = {k: v for k, v in output_schema.VARIABLES.items() if roster.dyads or names.DYAD not in v.dims}
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
        names.SOURCE: list(names.SOURCES),
        names.PATH: np.arange(joint_paths),
        names.COHESION_BIN: bins.cohesion_values(),
        names.SHARE_BIN: bins.share_values(),
        names.SURVIVAL_BIN: bins.survival_values(),
    }


def _light(values: NDArray[Any]) -> NDArray[Any]:
    """32-bit numbers on disk: Monte Carlo error is far above their precision."""
    return values.astype(np.int32 if values.dtype.kind == "i" else np.float32, copy=False)


def _group(
    variables: Mapping[str, output_schema.Variable],
    values: Mapping[str, NDArray[Any]],
    coords: Mapping[str, Any],
    attributes: Mapping[str, str | int | float],
) -> xr.Dataset:
    """Variables with what they are, and the coordinates of their dimensions."""
    found = {}
    for name, v in variables.items():
        told = {"units": v.units, "long_name": v.long_name}
        found[name] = xr.Variable(v.dims, _light(values[name]), told, _COMPRESSION)
    dims = {dim for v in variables.values() for dim in v.dims}
    return xr.Dataset(found, {dim: coords[dim] for dim in coords if dim in dims}, dict(attributes))


def _given(roster: Roster, past: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """What is known before a path is lived: past spending and who sends how much."""
    contributors = list(roster.contributors)
    weight = np.zeros((len(roster.missions), len(contributors)))
    for s, mission in enumerate(roster.missions):
        troops = np.array(mission.troops)
        for c, country in enumerate(mission.contributors):
            weight[s, contributors.index(country)] = troops[c] / troops.sum()
    found = {
        "spending_history": past.reindex(list(roster.members)).to_numpy(),
        "contingent_weight": weight,
    }
    if roster.dyads:
        partners = [dyad.partner for dyad in roster.dyads]
        found["partner_history"] = past.reindex(partners).to_numpy()
    return found


def _histograms(tally: Tally, shape: tuple[int, int], roster: Roster) -> dict[str, NDArray[Any]]:
    found = {
        "cohesion_count": by_cell(tally.cohesion, shape),
        "european_share_count": by_cell(tally.european, shape),
        "spending_share_count": by_cell(tally.share, shape),
        "survival_count": by_cell(tally.survival, shape),
    }
    if roster.dyads:
        found["dyad_cohesion_count"] = by_cell(tally.dyad_cohesion, shape)
    return found


def _joint(joint: SampledPaths, shape: tuple[int, int], roster: Roster) -> dict[str, NDArray[Any]]:
    found = {
        "joint_cohesion": by_cell(joint.cohesion, shape, axis=1),
        "joint_european_share": by_cell(joint.european, shape, axis=1),
        "joint_index": by_cell(joint.measures, shape, axis=1),
        "joint_survival": by_cell(joint.survival, shape, axis=1),
    }
    if roster.dyads:
        found["joint_dyad_cohesion"] = by_cell(joint.dyads[:, :, :, 0], shape, axis=1)
    return found


def _mission_notes(roster: Roster) -> dict[str, tuple[str, list[str]]]:
    """What a reader must know of each mission, as coordinates beside its name."""
    told = {
        "mission_label": [m.label for m in roster.missions],
        "framework": [m.framework for m in roster.missions],
        "kind": ["hypothetical" if m.hypothetical else "real" for m in roster.missions],
        "flags": ["; ".join(m.flags) for m in roster.missions],
    }
    return {name: (names.MISSION, values) for name, values in told.items()}
