"""Allocate the arrays that the kernel writes into, with the sizes of a plan."""

import numpy as np

from forecast.constants import DURATION_EDGES
from forecast.simulation import records as dtypes
from forecast.simulation.arrays import Draws, PathState, Shocks, StaticInputs
from forecast.simulation.records import records
from forecast.simulation.tallies import SampledPaths, Tally, new_sampled_paths, new_tally


def empty_tally(static: StaticInputs, quarters: int) -> Tally:
    """Return a tally of zeros for the plan `static`."""
    return new_tally(
        static.cells.size,
        quarters,
        static.pledge.size,
        static.members.size,
        static.countries.size,
        static.contingents.shape,
        static.candidate_missions.size,
        static.dyads.size,
    )


def empty_sampled_paths(static: StaticInputs, quarters: int, paths: int) -> SampledPaths:
    """Return arrays for the series of the first `paths` paths of the plan `static`, filled with NaN."""
    return new_sampled_paths(
        paths,
        static.cells.size,
        quarters,
        static.pledge.size,
        static.members.size,
        static.contingents.shape,
        static.dyads.size,
    )


def blank_draws(static: StaticInputs) -> Draws:
    """Return one row of zero parameters for the plan `static`; it suffices to compile the kernel."""
    return Draws(
        parameters=records(dtypes.PARAMETER, 1),
        members=records(dtypes.MEMBER_PARAMETER, 1, static.members.size),
        countries=records(dtypes.COUNTRY_PARAMETER, 1, static.countries.size),
        missions=records(dtypes.MISSION_PARAMETER, 1, static.missions.size),
        contingents=records(dtypes.CONTINGENT_PARAMETER, 1, *static.contingents.shape),
        cells=records(dtypes.CELL_PARAMETER, 1, static.cells.size),
        dyads=records(dtypes.DYAD_PARAMETER, 1, static.dyads.size),
        partners=records(dtypes.MEMBER_PARAMETER, 1, static.dyads.size),
        outlook=records(dtypes.OUTLOOK_PARAMETER, 1),
        dyad_cells=records(dtypes.DYAD_CELL, 1, static.cells.size),
    )


def new_shocks(static: StaticInputs, quarters: int) -> Shocks:
    """Return buffers for the shocks of one path of the plan `static`."""
    years, members = static.pledge.size, static.members.size
    return Shocks(
        budgets=records(dtypes.BUDGET_SHOCKS, years, members),
        common=np.zeros(years),
        response=np.zeros(years),
        volatility=np.zeros(years),
        leaders=records(dtypes.LEADER_SHOCKS, quarters, static.countries.size),
        alliance=records(dtypes.ALLIANCE_SHOCKS, quarters),
        contingents=records(dtypes.CONTINGENT_SHOCKS, *static.contingents.shape),
        durations=np.zeros((2, len(DURATION_EDGES))),
        campaigns=records(dtypes.CAMPAIGN_SHOCKS, quarters, static.missions.size),
        publics=records(dtypes.PUBLIC_SHOCKS, quarters, static.countries.size),
        hazards=np.zeros((quarters, *static.contingents.shape)),
        curve_ratios=np.ones((quarters, *static.contingents.shape)),
        planned=np.zeros((quarters, static.missions.size), np.int64),
        allies=records(dtypes.ALLY_SHOCKS, members),
        orientation=np.zeros((quarters, members)),
        path=records(dtypes.PATH_SHOCKS, 1),
        candidate_missions=records(dtypes.CANDIDATE_MISSION_SHOCKS, static.candidate_missions.size),
        joining=records(dtypes.JOIN_SHOCKS, static.candidate_missions.size, members),
        outlook=records(dtypes.OUTLOOK, quarters),
        dyads=records(dtypes.DYAD_SHOCKS, quarters, static.dyads.size),
        partners=records(dtypes.BUDGET_SHOCKS, years, static.dyads.size),
    )


def new_path_state(static: StaticInputs, quarters: int) -> PathState:
    """Return a buffer for the state of one cell of one path of the plan `static`."""
    return PathState(
        alliance=records(dtypes.ALLIANCE_STATE, 1),
        shares=np.zeros(static.members.size),
        missions=records(dtypes.MISSION_STATE, static.missions.size),
        contingents=records(dtypes.CONTINGENT_STATE, *static.contingents.shape),
        cumulative_hazard=np.zeros(static.contingents.shape),
        exit_hazard=np.zeros(static.contingents.shape),
        hazard_ratios=np.zeros(static.contingents.shape),
        next_cut=np.zeros(static.contingents.shape),
        exit_threshold=np.zeros(static.contingents.shape),
        allies=records(dtypes.ALLY_STATE, static.members.size),
        candidate_missions=records(dtypes.CANDIDATE_MISSION_STATE, static.candidate_missions.size),
        joined=np.zeros((static.candidate_missions.size, static.members.size), np.int64),
        dyads=records(dtypes.DYAD_STATE, static.dyads.size),
        bins=np.zeros((1 + static.dyads.size, quarters), np.int64),
        moves=records(dtypes.MOVE, static.missions.size * 3 * quarters),
        move_count=np.zeros(1, np.int64),
    )
