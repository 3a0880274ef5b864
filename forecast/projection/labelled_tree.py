"""Label the result of a projection: arrays by position become one tree of named variables.

Each variable has the dimensions, unit and meaning of its entry in `output_schema.VARIABLES`.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.array_types import Floats
from forecast.constants import FIRST_YEAR
from forecast.errors import ForecastError
from forecast.projection import output_schema
from forecast.projection.monte_carlo_error import Projected, lumpy_quantile_errors
from forecast.projection.summaries import by_cell, estimates, survival_quantiles
from forecast.simulation import histograms as bins
from forecast.simulation.tallies import SampledPaths, Tally
from forecast.workspace.roster import Roster

_COMPRESSION: Final = {"zlib": True, "complevel": 4, "shuffle": True}

#: Meaning of the coordinates whose name does not say enough.
_MEANINGS: Final = {
    names.WAR: "outcome of the war",
    names.DESIGN: "design of the alliance",
    names.QUARTER: "projected quarter",
    names.QUANTILE: "probability of the quantile",
    names.YEAR: "projected year",
    names.HISTORY_YEAR: "observed year",
    names.VERDICT: "class of the verdict",
    names.MEMBER: "ally, ISO 3166-1 alpha-3",
    names.CONTRIBUTOR: "contributor, ISO 3166-1 alpha-3",
    names.PATH: "number of the sampled path",
    names.SOURCE: "source of the Monte Carlo error",
}


def label_projection(
    projected: Projected,
    roster: Roster,
    history: pd.DataFrame,
    labels: Mapping[str, str],
    attributes: Mapping[str, str | int | float],
) -> xr.DataTree:
    """Return one tree with the groups alliance, members, missions, dyads, mcse, counts and joint.

    Parameters
    ----------
    projected
        The result of the simulated paths.
    roster
        Labels of all axes.
    history
        Past spending with the columns country, year and share_gdp (percent of GDP).
    labels
        Name of every country by its code, and labels of the wars and designs.
    attributes
        Attributes of every group.
    """
    past = history[history["year"] >= FIRST_YEAR].pivot(index="country", columns="year", values="share_gdp")
    shape = (len(roster.wars), len(roster.designs))
    values = {
        **estimates(projected.tally, roster),
        "survival": survival_quantiles(projected.tally, roster),
        **_known_values(roster, past),
        **_histograms(projected.tally, shape, roster),
        **_sampled_paths(projected.joint, shape, roster),
    }
    variables = _stored_variables(set(values), roster)
    coords = coordinates(roster, projected.joint.cohesion.shape[0])
    coords[names.HISTORY_YEAR] = past.columns.to_numpy()
    groups: dict[str, xr.Dataset] = {"/": xr.Dataset(attrs=dict(attributes))}
    for group in dict.fromkeys(v.group for v in variables.values()):
        group_variables = {name: v for name, v in variables.items() if v.group == group}
        groups[group] = _dataset(group_variables, values, coords, attributes)
    errors = {k: np.stack([error.total, error.draws]) for k, error in projected.errors.items()}
    errors["survival"] = np.stack(
        [
            lumpy_quantile_errors(values["survival_count"], bins.survival_values(), names.QUANTILES, error)
            for error in errors["survival_mean"]
        ]
    )
    for name in errors:
        if name.endswith("_probability"):
            errors[name][0] = error_of_probability(values[name], errors[name][0], projected.paths)
    error_variables = {name: output_schema.error_of(name) for name in errors}
    groups[names.MCSE] = _dataset(error_variables, errors, coords, attributes)
    _assign_labels(groups, roster, labels)
    groups = {name: with_dates_and_labels(group, labels) for name, group in groups.items()}
    return xr.DataTree.from_dict(groups)


def with_dates_and_labels(group: xr.Dataset, labels: Mapping[str, str]) -> xr.Dataset:
    """Return a group with its coordinates described, labels of its scenarios, and the first day of its times.

    Observed years, projected years and quarters have dates of one kind, so they can be drawn on one axis.
    """
    added: dict[str, Any] = {}
    for dim in set(_MEANINGS) & set(group.coords):
        added[str(dim)] = group[dim].assign_attrs(long_name=_MEANINGS[str(dim)])
    for dim in {names.WAR, names.DESIGN} & set(group.dims):
        words = [labels.get(name, name) for name in group[dim].values.tolist()]
        added[f"{dim}_label"] = (dim, words, {"long_name": f"name of the {_MEANINGS[dim]}"})
    for dim in {names.QUARTER, names.YEAR, names.HISTORY_YEAR} & set(group.dims):
        days = pd.PeriodIndex(group[dim].values.astype(str), freq="Q" if dim == names.QUARTER else "Y").start_time
        encoding = {"units": "days since 1970-01-01", "dtype": "int32"}
        added[f"{dim}_start"] = xr.Variable(dim, days, {"long_name": f"first day of the {dim}"}, encoding)
    return group.assign_coords({name: added[name] for name in sorted(added)})


def error_of_probability(probability: Floats, error: Floats, paths: int) -> Floats:
    """Return the Monte Carlo errors of probabilities, with a lower bound where an event happens on no path or on all.

    No path differs there, so the estimated error is 0. The bound is 1.5 / paths: two such errors are the upper 95 %
    limit of a probability with no event in `paths` trials, 3 / paths (the rule of three, Hanley and Lippman-Hand 1983).

    Parameters
    ----------
    probability, error : arrays of one shape.
    paths : number of simulated paths.
    """
    certain = (probability == 0.0) | (probability == 1.0)
    return np.where(certain, np.maximum(error, 1.5 / paths), error)


def _assign_labels(groups: dict[str, xr.Dataset], roster: Roster, labels: Mapping[str, str]) -> None:
    """Add names for readers as coordinates beside the codes of members, missions, contributors and dyads."""
    groups[names.MEMBERS] = groups[names.MEMBERS].assign_coords(
        member_name=(names.MEMBER, [labels[c] for c in roster.members])
    )
    mission_labels = _mission_labels(roster)
    mission_labels["contributor_name"] = (
        names.CONTRIBUTOR,
        [labels[c] for c in roster.contributors],
    )
    groups[names.MISSIONS] = groups[names.MISSIONS].assign_coords(mission_labels)
    if roster.dyads:
        dyad_label = (names.DYAD, [dyad.label for dyad in roster.dyads])
        groups[names.DYADS] = groups[names.DYADS].assign_coords(dyad_label=dyad_label)


def _stored_variables(computed: set[str], roster: Roster) -> dict[str, output_schema.Variable]:
    """Return the variables of the schema that a plan stores; without dyads, none of their variables.

    Raises
    ------
    ForecastError
        The names in `computed` are not those of the schema.
    """
    variables = {k: v for k, v in output_schema.VARIABLES.items() if roster.dyads or names.DYAD not in v.dims}
    if computed != set(variables):
        differing = sorted(computed ^ set(variables))
        raise ForecastError(
            f"the variables computed differ from output_schema.VARIABLES in {', '.join(differing)}: add or remove them"
        )
    return variables


def coordinates(roster: Roster, joint_paths: int) -> dict[str, Any]:
    """Return the labels of every dimension."""
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
        names.LANDMARK: list(names.LANDMARKS),
        names.MEMBERSHIP: list(names.STEPS_OUT),
        names.QUANTILE: list(names.QUANTILES),
        names.SOURCE: list(names.SOURCES),
        names.PATH: np.arange(joint_paths),
        names.COHESION_BIN: bins.cohesion_values(),
        names.SHARE_BIN: bins.share_values(),
        names.SURVIVAL_BIN: bins.survival_values(),
    }


def _to_32_bit(values: NDArray[Any]) -> NDArray[Any]:
    """Return 32-bit numbers for the file: Monte Carlo error is far above their precision."""
    return values.astype(np.int32 if values.dtype.kind == "i" else np.float32, copy=False)


def _dataset(
    variables: Mapping[str, output_schema.Variable],
    values: Mapping[str, NDArray[Any]],
    coords: Mapping[str, Any],
    attributes: Mapping[str, str | int | float],
) -> xr.Dataset:
    """Return variables with units and long names, and the coordinates of their dimensions."""
    stored = {}
    for name, v in variables.items():
        description = {"units": v.units, "long_name": v.long_name}
        stored[name] = xr.Variable(v.dims, _to_32_bit(values[name]), description, _COMPRESSION)
    dims = {dim for v in variables.values() for dim in v.dims}
    return xr.Dataset(stored, {dim: coords[dim] for dim in coords if dim in dims}, dict(attributes))


def _known_values(roster: Roster, past: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return what is known before the simulation: past spending, and each contingent's share of its mission."""
    contributors = list(roster.contributors)
    weight = np.zeros((len(roster.missions), len(contributors)))
    for s, mission in enumerate(roster.missions):
        troops = np.array(mission.troops)
        for c, country in enumerate(mission.contributors):
            weight[s, contributors.index(country)] = troops[c] / troops.sum()
    values = {
        "spending_history": past.reindex(list(roster.members)).to_numpy(),
        "contingent_weight": weight,
    }
    if roster.dyads:
        partners = [dyad.partner for dyad in roster.dyads]
        values["partner_history"] = past.reindex(partners).to_numpy()
    return values


def _histograms(tally: Tally, shape: tuple[int, int], roster: Roster) -> dict[str, NDArray[Any]]:
    """Return the histograms of the group `counts`."""
    counts = {
        "cohesion_count": by_cell(tally.cohesion, shape),
        "european_share_count": by_cell(tally.european, shape),
        "spending_share_count": by_cell(tally.share, shape),
        "survival_count": by_cell(tally.survival, shape),
    }
    if roster.dyads:
        counts["dyad_cohesion_count"] = by_cell(tally.dyad_cohesion, shape)
    return counts


def _sampled_paths(joint: SampledPaths, shape: tuple[int, int], roster: Roster) -> dict[str, NDArray[Any]]:
    """Return the sampled paths of the group `joint`."""
    contributors = list(roster.contributors)
    exits = np.full((*joint.exits.shape[:3], len(contributors)), np.nan, np.float32)
    for s, mission in enumerate(roster.missions):
        places = [contributors.index(country) for country in mission.contributors]
        exits[:, :, s, places] = joint.exits[:, :, s, : len(places)]
    sampled = {
        "joint_verdict": by_cell(joint.verdict, shape, axis=1),
        "joint_spending_share": by_cell(joint.shares, shape, axis=1),
        "joint_event_quarter": by_cell(joint.events, shape, axis=1),
        "joint_landmark_quarter": by_cell(joint.landmarks, shape, axis=1),
        "joint_membership_quarter": by_cell(joint.membership, shape, axis=1),
        "joint_exit_quarter": by_cell(exits, shape, axis=1),
        "joint_cohesion": by_cell(joint.cohesion, shape, axis=1),
        "joint_european_share": by_cell(joint.european, shape, axis=1),
        "joint_index": by_cell(joint.measures, shape, axis=1),
        "joint_survival": by_cell(joint.survival, shape, axis=1),
    }
    if roster.dyads:
        sampled["joint_dyad_cohesion"] = by_cell(joint.dyads[:, :, :, 0], shape, axis=1)
    return sampled


def joint_dataset(joint: SampledPaths, roster: Roster) -> xr.Dataset:
    """Return sampled paths with labels, in the form of the group `joint`."""
    values = _sampled_paths(joint, (len(roster.wars), len(roster.designs)), roster)
    variables = {name: output_schema.VARIABLES[name] for name in values}
    return _dataset(variables, values, coordinates(roster, joint.cohesion.shape[0]), {})


def _mission_labels(roster: Roster) -> dict[str, tuple[str, list[str]]]:
    """Return label, framework, kind and warnings of each mission, as coordinates beside its name."""
    labels = {
        "mission_label": [m.label for m in roster.missions],
        "framework": [m.framework for m in roster.missions],
        "kind": ["hypothetical" if m.hypothetical else "real" for m in roster.missions],
        "flags": ["; ".join(m.flags) for m in roster.missions],
    }
    return {name: (names.MISSION, values) for name, values in labels.items()}
