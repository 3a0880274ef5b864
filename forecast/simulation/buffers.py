"""The arrays that the kernel writes into, empty and of the sizes of a plan."""

import numpy as np

from forecast.constants import DURATION_EDGES
from forecast.simulation import records as state
from forecast.simulation.arrays import Draws, PathState, Shocks, StaticInputs
from forecast.simulation.records import records
from forecast.simulation.tallies import SampledPaths, Tally, new_sampled_paths, new_tally


def empty_tally(static: StaticInputs, quarters: int) -> Tally:
    """All zeros, of the sizes of `layout`."""
    return new_tally(
        static.cells.size,
        quarters,
        static.pledge.size,
        static.members.size,
        static.countries.size,
        static.contingents.shape,
        static.slots.size,
        static.dyads.size,
    )


def empty_sampled_paths(static: StaticInputs, quarters: int, paths: int) -> SampledPaths:
    """All NaN, of the sizes of `layout`."""
    return new_sampled_paths(
        paths,
        static.cells.size,
        quarters,
        static.pledge.size,
        static.missions.size,
        static.dyads.size,
    )


def blank_draws(static: StaticInputs) -> Draws:
    """One row of zeros of the sizes of `layout`: enough to compile the kernel."""
    return Draws(
        parameters=records(state.PARAMETER, 1),
        members=records(state.MEMBER_PARAMETER, 1, static.members.size),
        countries=records(state.COUNTRY_PARAMETER, 1, static.countries.size),
        missions=records(state.MISSION_PARAMETER, 1, static.missions.size),
        contingents=records(state.CONTINGENT_PARAMETER, 1, *static.contingents.shape),
        cells=records(state.CELL_PARAMETER, 1, static.cells.size),
        dyads=records(state.DYAD_PARAMETER, 1, static.dyads.size),
        partners=records(state.MEMBER_PARAMETER, 1, static.dyads.size),
        outlook=records(state.OUTLOOK_PARAMETER, 1),
        dyad_cells=records(state.DYAD_CELL, 1, static.cells.size),
    )


def new_shocks(static: StaticInputs, quarters: int) -> Shocks:
    """Empty buffers of the sizes of `layout`."""
    years, members = static.pledge.size, static.members.size
    return Shocks(
        budgets=records(state.BUDGET_SHOCKS, years, members),
        common=np.zeros(years),
        response=np.zeros(years),
        volatility=np.zeros(years),
        leaders=records(state.LEADER_SHOCKS, quarters, static.countries.size),
        alliance=records(state.ALLIANCE_SHOCKS, quarters),
        contingents=records(state.CONTINGENT_SHOCKS, *static.contingents.shape),
        durations=np.zeros((2, len(DURATION_EDGES))),
        campaigns=records(state.CAMPAIGN_SHOCKS, quarters, static.missions.size),
        publics=records(state.PUBLIC_SHOCKS, quarters, static.countries.size),
        hazards=np.zeros((quarters, *static.contingents.shape)),
        planned=np.zeros((quarters, static.missions.size), np.int64),
        allies=records(state.ALLY_SHOCKS, members),
        orientation=np.zeros((quarters, members)),
        path=records(state.PATH_SHOCKS, 1),
        slots=records(state.CANDIDATE_MISSION_SHOCKS, static.slots.size),
        joining=records(state.JOIN_SHOCKS, static.slots.size, members),
        outlook=records(state.OUTLOOK, quarters),
        dyads=records(state.DYAD_SHOCKS, quarters, static.dyads.size),
        partners=records(state.BUDGET_SHOCKS, years, static.dyads.size),
    )


def new_path_state(static: StaticInputs, quarters: int) -> PathState:
    """Empty state of the sizes of `layout`."""
    return PathState(
        alliance=records(state.ALLIANCE_STATE, 1),
        shares=np.zeros(static.members.size),
        missions=records(state.MISSION_STATE, static.missions.size),
        contingents=records(state.CONTINGENT_STATE, *static.contingents.shape),
        endured=np.zeros(static.contingents.shape),
        lifts=np.zeros(static.contingents.shape),
        due=np.zeros(static.contingents.shape),
        allies=records(state.ALLY_STATE, static.members.size),
        slots=records(state.CANDIDATE_MISSION_STATE, static.slots.size),
        joined=np.zeros((static.slots.size, static.members.size), np.int64),
        dyads=records(state.DYAD_STATE, static.dyads.size),
        bins=np.zeros((1 + static.dyads.size, quarters), np.int64),
        moves=records(state.MOVE, static.missions.size * 3 * quarters),
        moved=np.zeros(1, np.int64),
    )
