"""Update the state of a cell within a quarter; `forecast.simulation.kernel` states the order."""
