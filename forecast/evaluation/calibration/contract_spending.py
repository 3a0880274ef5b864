"""The contract of the spending model: yearly changes of spending by group of countries, period and covariate.

Each path simulates every known yearly change from the level before it, with the growth, elections and membership of the
year as observed, and with the fitted common factor, volatility and response of the year. Years in which a country
outside the alliance was below the pledge are left out: the fit gives it a part of the members' response, but the
projection follows no such country.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import beta

from forecast.array_types import Floats
from forecast.constants import GROWTH_CENTER, PLEDGE_FROM
from forecast.data.tables import Tables
from forecast.evaluation.calibration.contract_lines import Line, make_line
from forecast.priors.load import Priors
from forecast.priors.pledges import pledge_path
from forecast.random_streams import address
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.buffers import new_path_state, new_shocks
from forecast.simulation.records import MEMBER, NEVER, records
from forecast.simulation.replay import BudgetHistory, replay_budgets
from forecast.workspace.roster import Roster

_PERIODS: Final = {"to 2014": (0, 2014), "2015 to 2021": (2015, 2021), "from 2022": (2022, 9999)}
_UNIT: Final = "% a year"


@dataclass(frozen=True, kw_only=True, slots=True)
class PastBudgets:
    """What the replay of budgets needs; its countries are the allies and the partners of the dyads."""

    panel: xr.Dataset
    static: StaticInputs
    draws: Draws
    history: BudgetHistory
    year: NDArray[np.int64]  # (obs,) position of the year of each observation
    column: NDArray[np.int64]  # (obs,) position of its country


def past_budgets(
    tables: Tables, priors: Priors, panel: xr.Dataset, roster: Roster, static: StaticInputs, draws: Draws
) -> PastBudgets:
    """Return the past budgets of the countries of the panel that the projection follows."""
    partners = [dyad.partner for dyad in roster.dyads]
    names = [*roster.members, *partners]
    years = panel["year"].to_numpy()
    column = np.array([names.index(c) if c in names else -1 for c in panel["country"].to_numpy()])
    followed = (column[panel["country_of"].to_numpy()] >= 0) & (panel["gap_others"].to_numpy() == 0.0)
    kept = panel.isel(obs=np.flatnonzero(followed))
    place = kept["year_of"].to_numpy(), column[kept["country_of"].to_numpy()]
    series = {
        name: np.full((years.size, len(names)), np.nan) for name in ("level", "growth", "growth_before", "election")
    }
    for name, values in series.items():
        values[place] = kept[name].to_numpy() + (GROWTH_CENTER if name.startswith("growth") else 0.0)
    ally = [tables.was_ally(pd.Series(name, index=range(years.size)), pd.Series(years)) for name in names]
    members = records(MEMBER, len(names))
    members[: len(roster.members)] = static.members
    members["id"][len(roster.members) :] = [address(name) for name in partners]
    constants = static.constants.copy()
    constants["onset"] = NEVER
    constants["ally_usa"] = -1
    return PastBudgets(
        panel=kept,
        static=static._replace(
            members=members,
            constants=constants,
            pledge=np.log(pledge_path(priors, list(years))),
            announced=np.full((len(names), years.size), np.nan),
        ),
        draws=draws._replace(members=np.concatenate([draws.members, draws.partners], axis=1).view(np.recarray)),
        history=BudgetHistory(
            level=series["level"],
            growth=np.nan_to_num(series["growth"]),
            growth_before=np.nan_to_num(series["growth_before"]),
            election=np.nan_to_num(series["election"]),
            ally=np.ascontiguousarray(np.array(ally).T, dtype=np.int64),
            common=np.zeros((1, 0)),
            response=np.zeros((1, 0)),
            volatility=np.zeros((1, 0)),
        ),
        year=place[0],
        column=place[1],
    )


def replay_changes(past: PastBudgets, samples: Mapping[str, Any], seed: int) -> Floats:
    """Return simulated changes of the log share, (path, obs), with one path for each draw."""
    paths, years = past.draws.parameters.size, past.panel["year"].to_numpy()
    response = np.full((paths, years.size), -np.inf)
    response[:, years >= PLEDGE_FROM] = np.asarray(samples["log_response"])
    history = past.history._replace(
        common=np.ascontiguousarray(samples["factor"], dtype=float),
        response=response,
        volatility=np.ascontiguousarray(samples["volatility"], dtype=float),
    )
    changes = np.full((paths, years.size, past.static.members.size), np.nan)
    shocks, state = new_shocks(past.static, 1), new_path_state(past.static, 1)
    replay_budgets(np.arange(paths), seed, past.static, past.draws, history, shocks, state, changes)
    return np.asarray(changes[:, past.year, past.column])


def compare_changes(past: PastBudgets, changes: Floats, samples: Mapping[str, Any]) -> list[Line]:
    """Return the lines on simulated changes (path, obs), given the fit's draws by name, one for each path."""
    fitted = {name: np.asarray(values) for name, values in samples.items()}
    expected = stated_change(past.panel, fitted)
    observed = past.panel["change"].to_numpy()
    lines = []
    for term, rows in _groups(past.panel).items():
        if rows.any():
            seen, *means = (100.0 * values[..., rows].mean(axis=-1) for values in (observed, changes, expected))
            lines.append(make_line(f"mean change: {term}", _UNIT, float(seen), *means))
    sizes = [np.abs(values - expected) for values in (observed, changes)]
    mean_size = stated_noise(past.panel, fitted)
    for period, rows in _periods(past.panel).items():
        seen, *means = (100.0 * values[:, rows].mean(axis=1) for values in (*sizes, mean_size))
        lines.append(make_line(f"mean size of a surprise, {period}", _UNIT, float(seen.mean()), *means))
    return lines


def stated_change(panel: xr.Dataset, fitted: Mapping[str, Floats]) -> Floats:
    """Return the expected change of the log share, (path, obs), written independently of the production model.

    The levels are taken as they are, without the error of the last ones, as the simulation takes them.
    """
    w = {name: values.to_numpy() for name, values in panel.data_vars.items()}
    i, t, years = w["country_of"], w["year_of"], panel["year"].to_numpy()
    b = {name: fitted[name][:, None] for name in ("front", "growth", "growth_lag", "election")}
    change = fitted["pull"][:, i] * (fitted["target"][:, i] - w["level"])
    change = change + fitted["loading"][:, i] * fitted["factor"][:, t]
    pledged = years[t] >= PLEDGE_FROM
    closed = np.exp(fitted["log_response"][:, np.maximum(years[t] - PLEDGE_FROM, 0)]) * pledged
    change = change + closed * (w["gap"] + b["front"] * w["front_gap"])
    change = change + b["growth"] * w["growth"] + b["growth_lag"] * w["growth_before"]
    return np.asarray(change + b["election"] * w["election"])


def stated_noise(panel: xr.Dataset, fitted: Mapping[str, Floats]) -> Floats:
    """Return the mean absolute value of the noise, (path, obs), written independently of the production model."""
    scale = fitted["scale"][:, panel["country_of"].to_numpy()]
    scale = scale * np.exp(fitted["volatility"][:, panel["year_of"].to_numpy()])
    nu = fitted["tails"][:, panel["country_of"].to_numpy()]
    return np.asarray(scale * 2.0 * np.sqrt(nu) / ((nu - 1.0) * beta(nu / 2.0, 0.5)))


def _periods(panel: xr.Dataset) -> dict[str, NDArray[np.bool_]]:
    year = panel["year"].to_numpy()[panel["year_of"].to_numpy()]
    return {name: (first <= year) & (year <= last) for name, (first, last) in _PERIODS.items()}


def _groups(panel: xr.Dataset) -> dict[str, NDArray[np.bool_]]:
    """Return the observations by group of countries and period, and by covariate."""
    of = panel["country_of"].to_numpy()
    front = panel["front"].to_numpy()[of] > 0
    outside = np.isin(panel["country"].to_numpy()[of], ("JPN", "KOR"))
    america = np.isin(panel["country"].to_numpy()[of], ("USA", "CAN"))
    groups = {
        "front line": front,
        "other Europe": ~front & ~outside & ~america,
        "North America": america,
        "partners in Asia": outside,
    }
    rows = {
        f"{group}, {period}": members & within
        for group, members in groups.items()
        for period, within in _periods(panel).items()
    }
    return rows | {
        "years of an election": panel["election"].to_numpy() > 0,
        "years in which the economy shrinks": panel["growth"].to_numpy() < -0.02,
        "years of growth above 5 %": panel["growth"].to_numpy() > 0.03,
        "allies far below the pledge, from 2015": panel["gap"].to_numpy() > 0.3,
    }
