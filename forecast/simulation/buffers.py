"""The arrays that the kernel writes into, empty and of the sizes of a plan."""

import numpy as np

from forecast.constants import DURATION_EDGES
from forecast.simulation import records as state
from forecast.simulation.arrays import Draws, Layout, Luck, World
from forecast.simulation.records import records
from forecast.simulation.tallies import Joint, Tally, new_joint, new_tally


def empty_tally(layout: Layout, quarters: int) -> Tally:
    """All zeros, of the sizes of `layout`."""
    return new_tally(
        layout.cells.size,
        quarters,
        layout.pledge.size,
        layout.members.size,
        layout.countries.size,
        layout.contingents.shape,
        layout.slots.size,
        layout.dyads.size,
    )


def empty_joint(layout: Layout, quarters: int, paths: int) -> Joint:
    """All NaN, of the sizes of `layout`."""
    return new_joint(
        paths,
        layout.cells.size,
        quarters,
        layout.pledge.size,
        layout.missions.size,
        layout.dyads.size,
    )


def blank_draws(layout: Layout) -> Draws:
    """One row of zeros of the sizes of `layout`: enough to compile the kernel."""
    return Draws(
        parameters=records(state.PARAMETER, 1),
        members=records(state.MEMBER_PARAMETER, 1, layout.members.size),
        countries=records(state.COUNTRY_PARAMETER, 1, layout.countries.size),
        missions=records(state.MISSION_PARAMETER, 1, layout.missions.size),
        contingents=records(state.CONTINGENT_PARAMETER, 1, *layout.contingents.shape),
        cells=records(state.CELL_PARAMETER, 1, layout.cells.size),
        dyads=records(state.DYAD_PARAMETER, 1, layout.dyads.size),
        partners=records(state.MEMBER_PARAMETER, 1, layout.dyads.size),
        outlook=records(state.OUTLOOK_PARAMETER, 1),
        dyad_cells=records(state.DYAD_CELL, 1, layout.cells.size),
    )


def new_luck(layout: Layout, quarters: int) -> Luck:
    """Empty buffers of the sizes of `layout`."""
    years, members = layout.pledge.size, layout.members.size
    return Luck(
        budgets=records(state.BUDGET_LUCK, years, members),
        common=np.zeros(years),
        response=np.zeros(years),
        volatility=np.zeros(years),
        leaders=records(state.LEADER_LUCK, quarters, layout.countries.size),
        alliance=records(state.ALLIANCE_LUCK, quarters),
        contingents=records(state.CONTINGENT_LUCK, *layout.contingents.shape),
        durations=np.zeros((2, len(DURATION_EDGES))),
        campaigns=records(state.CAMPAIGN_LUCK, quarters, layout.missions.size),
        publics=records(state.PUBLIC_LUCK, quarters, layout.countries.size),
        hazards=np.zeros((quarters, *layout.contingents.shape)),
        planned=np.zeros((quarters, layout.missions.size), np.int64),
        allies=records(state.ALLY_LUCK, members),
        orientation=np.zeros((quarters, members)),
        path=records(state.PATH_LUCK, 1),
        slots=records(state.SLOT_LUCK, layout.slots.size),
        joining=records(state.JOIN_LUCK, layout.slots.size, members),
        outlook=records(state.OUTLOOK, quarters),
        dyads=records(state.DYAD_LUCK, quarters, layout.dyads.size),
        partners=records(state.BUDGET_LUCK, years, layout.dyads.size),
    )


def new_world(layout: Layout, quarters: int) -> World:
    """Empty state of the sizes of `layout`."""
    return World(
        alliance=records(state.ALLIANCE_STATE, 1),
        shares=np.zeros(layout.members.size),
        missions=records(state.MISSION_STATE, layout.missions.size),
        contingents=records(state.CONTINGENT_STATE, *layout.contingents.shape),
        endured=np.zeros(layout.contingents.shape),
        lifts=np.zeros(layout.contingents.shape),
        due=np.zeros(layout.contingents.shape),
        allies=records(state.ALLY_STATE, layout.members.size),
        slots=records(state.SLOT_STATE, layout.slots.size),
        joined=np.zeros((layout.slots.size, layout.members.size), np.int64),
        dyads=records(state.DYAD_STATE, layout.dyads.size),
        bins=np.zeros((1 + layout.dyads.size, quarters), np.int64),
        moves=records(state.MOVE, layout.missions.size * 3 * quarters),
        moved=np.zeros(1, np.int64),
    )
