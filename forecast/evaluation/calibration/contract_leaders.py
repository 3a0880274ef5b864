"""The contract of the leadership model: changes of leader by place in the electoral calendar and by time in office.

Each path draws a change in every quarter of the fit, given the office and the calendar as observed.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

from forecast.array_types import Floats
from forecast.constants import DURATION_BINS
from forecast.data.leaders import leader_quarters
from forecast.evaluation.calibration.contract_lines import Line, make_line
from forecast.models.cohesion import Samples
from forecast.random_streams import address
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.records import COUNTRY_LANES, LANES, records
from forecast.simulation.replay import LeaderHistory, replay_leaders
from forecast.workspace.inputs import Inputs


def leader_history(data: xr.Dataset, countries: tuple[str, ...]) -> LeaderHistory:
    """Return the quarters of the fit; `countries` is the order of the countries in the draws."""
    column = {name: data[name].to_numpy() for name in data.data_vars}
    names = data["country"].to_numpy()[column["country_of"]]
    ids = [address(f"{country} {quarter}") for country, quarter in zip(names, column["quarter"], strict=True)]
    return LeaderHistory(
        id=np.array(ids, dtype=np.int64),
        country=np.array([countries.index(str(country)) for country in names], dtype=np.int64),
        in_office=column["in_office"],
        vote=column["election"],
        voted=column["after"],
        before=column["before"],
        limited=column["limited"],
    )


def leadership_lines(
    inputs: Inputs, samples: Samples, draws: Draws, static: StaticInputs, countries: tuple[str, ...], seed: int
) -> list[Line]:
    """Return the lines of the leadership model, with one history for each parameter draw."""
    data = leader_quarters(inputs.tables)
    changes = np.zeros((draws.parameters.size, data.sizes["row"]), dtype=np.int64)
    replay_leaders(
        np.arange(draws.parameters.size),
        seed,
        leader_history(data, countries),
        draws,
        static.constants,
        records(COUNTRY_LANES, 1),
        np.zeros(LANES),
        changes,
    )
    fitted = {name: np.asarray(values) for name, values in samples.items()}
    return compare_leaders(data, changes, fitted)


def compare_leaders(data: xr.Dataset, changes: NDArray[np.int64], fitted: Mapping[str, Floats]) -> list[Line]:
    """Return the lines on simulated changes (path, row), given the fit's draws by name, one for each path."""
    chance = stated_chance(data, fitted)
    observed, lines = data["change"].to_numpy(), []
    for place, rows in _places(data).items():
        lines.append(_line(f"changes {place}", rows, observed, changes, chance))
    for k, name in enumerate(DURATION_BINS):
        rows = data["bin_of"].to_numpy() == k
        lines.append(_line(f"changes after {name} quarters in office", rows, observed, changes, chance))
    return lines


def stated_chance(data: xr.Dataset, fitted: Mapping[str, Floats]) -> Floats:
    """Return the probability of a change, (path, row), written independently of the production model."""
    x = {name: data[name].to_numpy() for name in data.data_vars}
    effect = fitted["country_effect"][:, x["country_of"]]
    logit = fitted["intercept"][:, None] + effect + fitted["tenure"][:, x["bin_of"]]
    for name in ("election", "after", "after_new", "limited", "before"):
        logit = logit + fitted[name][:, None] * x[name]
    return np.asarray(expit(logit + fitted["offset"][:, None] * effect * (x["election"] + x["after"])))


def _places(data: xr.Dataset) -> dict[str, NDArray[np.bool_]]:
    """Return the quarters by place in the electoral calendar."""
    on = {name: data[name].to_numpy() > 0 for name in ("election", "after", "after_new", "limited", "before")}
    after = on["after"] & ~on["election"]
    return {
        "in the half-year before a vote": on["before"] & ~on["after"],
        "in the quarter of a vote": on["election"],
        "after a vote that brought in the leader": after & on["after_new"],
        "after a vote from which the leader was barred": after & on["limited"],
        "after a vote in which the leader could stand": after & ~on["after_new"] & ~on["limited"],
        "far from any vote": ~on["election"] & ~on["after"] & ~on["before"],
    }


def _line(
    term: str, rows: NDArray[np.bool_], observed: NDArray[np.int64], changes: NDArray[np.int64], chance: Floats
) -> Line:
    per = 100.0 / max(int(rows.sum()), 1)
    simulated = np.asarray(changes[:, rows].sum(axis=1) * per, dtype=float)
    expected = chance[:, rows].sum(axis=1) * per
    return make_line(term, "per 100 quarters", float(observed[rows].sum() * per), simulated, expected)
