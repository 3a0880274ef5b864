"""Take the parameters of a block of cells from the draws, a cell for each lane."""

from forecast.simulation.jit import loop
from forecast.simulation.records import CELLS


@loop
def take_cells(p, block, draws, path_state):
    """Copy the parameters of the cells of a block from row p of the draws; the last cell fills up the last block."""
    lanes, dyads = path_state.cell_parameters[0], path_state.dyad_cells[0]
    for i in range(CELLS):
        n = min(CELLS * block + i, draws.cells.shape[1] - 1)
        parameter = draws.cells[p, n]
        for f in range(4):
            lanes.war_shift[f, i], lanes.design_shift[f, i] = parameter.war_shift[f], parameter.design_shift[f]
        lanes.retrenchment[i], lanes.troop_cut[i] = parameter.retrenchment, parameter.troop_cut
        lanes.backsliding[i] = parameter.backsliding
        lanes.alignment_firm[i], lanes.alignment_frail[i] = parameter.alignment_firm, parameter.alignment_frail
        dyads.signal[i] = draws.dyad_cells[p, n].signal
