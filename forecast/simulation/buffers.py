"""Allocate the arrays that the kernel writes into, with the sizes of a plan."""

from typing import Any

import numpy as np

from forecast.constants import DURATION_EDGES, bin_table
from forecast.simulation import records as dtypes
from forecast.simulation.arrays import Draws, PathState, Shocks, StaticInputs, Sums
from forecast.simulation.records import CELLS, LANES, Records, records
from forecast.simulation.tallies import SampledPaths, Tally, new_sampled_paths, new_tally

WAITING = 250  # paths whose bins are counted together


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
        changes=np.zeros((quarters, static.countries.size + LANES)),
        alliance=records(dtypes.ALLIANCE_SHOCKS, quarters),
        contingents=records(dtypes.CONTINGENT_SHOCKS, *static.contingents.shape),
        durations=np.zeros((2, len(bin_table(DURATION_EDGES)) + quarters + LANES)),
        campaigns=records(dtypes.CAMPAIGN_SHOCKS, quarters, static.missions.size),
        publics=np.zeros((static.countries.size, 4, quarters + LANES)),
        hazards=np.zeros((*static.contingents.shape, quarters + LANES)),
        curve_ratios=np.ones((*static.contingents.shape, quarters + LANES)),
        planned=np.zeros((*static.contingents.shape, quarters), np.bool_),
        any_planned=np.zeros((static.missions.size, quarters), np.bool_),
        allies=records(dtypes.ALLY_SHOCKS, members),
        orientation=np.zeros((quarters, members)),
        path=records(dtypes.PATH_SHOCKS, 1),
        candidate_missions=records(dtypes.CANDIDATE_MISSION_SHOCKS, static.candidate_missions.size),
        joining=records(dtypes.JOIN_SHOCKS, static.candidate_missions.size, members),
        outlook=records(dtypes.OUTLOOK, quarters),
        dyads=records(dtypes.DYAD_SHOCKS, quarters, static.dyads.size),
        partners=records(dtypes.BUDGET_SHOCKS, years, static.dyads.size),
        usual_campaign=np.zeros(quarters + LANES),
        countries=in_blocks(static.countries, dtypes.COUNTRY_LANES, LANES),
        turnover_effects=np.zeros(LANES),
        growth=np.zeros(members + LANES),
        scales=np.zeros(members + LANES),
        tails=np.ones(members + LANES),
        member_ids=np.pad(static.members["id"], (0, LANES)),
        contingent_ids=np.pad(static.contingents["id"], ((0, 0), (0, LANES))),
    )


def new_path_state(static: StaticInputs, quarters: int) -> PathState:
    """Return a buffer for the state of a block of cells of one path of the plan `static`."""
    cells = in_blocks(static.cells, dtypes.CELL_LANES, CELLS)
    blocks, years, members, dyads = cells.size, static.pledge.size, static.members.size, static.dyads.size
    missions = static.missions.size
    return PathState(
        cells=cells,
        cell_parameters=records(dtypes.CELL_PARAMETER_LANES, 1),
        dyad_cells=records(dtypes.DYAD_CELL_LANES, 1),
        alliance=records(dtypes.ALLIANCE_STATE, 1),
        allies=records(dtypes.ALLY_STATE, members),
        missions=records(dtypes.MISSION_STATE, missions),
        contingents=records(dtypes.CONTINGENT_STATE, *static.contingents.shape),
        crossed=np.zeros(static.contingents.shape[1], np.bool_),
        candidate_missions=records(dtypes.CANDIDATE_MISSION_STATE, static.candidate_missions.size),
        dyads=records(dtypes.DYAD_STATE, dyads),
        cohesion_bins=np.zeros((WAITING, blocks, 1 + dyads, quarters, CELLS), np.int16),
        share_bins=np.zeros((WAITING, blocks, members + 1 + dyads, years, CELLS), np.int16),
        survival_bins=np.zeros((WAITING, blocks, missions, quarters, 3, CELLS), np.int16),
        changed=np.zeros((WAITING, blocks, missions, quarters, 3), np.uint32),
        counted_bins=np.zeros((WAITING, 3, CELLS), np.int16),
        sums=Sums(
            alliance=records(dtypes.ALLIANCE_SUMS, blocks, quarters),
            years=records(dtypes.YEAR_SUMS, blocks, years),
            curves=records(dtypes.CURVE_SUMS, blocks, missions, 3, quarters),
            missions=records(dtypes.MISSION_SUMS, blocks, missions, quarters),
            defections=records(dtypes.DEFECTION_SUMS, blocks, missions),
            exits=records(dtypes.EXIT_SUMS, blocks, *static.contingents.shape, quarters),
            dyads=records(dtypes.DYAD_SUMS, blocks, dyads, quarters),
        ),
    )


def in_blocks(rows: Records, dtype: np.dtype[Any], size: int) -> Records:
    """Return rows of records in blocks of `size`, (B,) records of `dtype`; the last row fills up the last block."""
    blocks = -(-rows.size // size)
    index = np.minimum(np.arange(blocks * size), rows.size - 1).reshape(blocks, size)
    lanes = records(dtype, blocks)
    for name in rows.dtype.names or ():
        lanes[name] = np.moveaxis(rows[name][index], 1, -1)
    return lanes
