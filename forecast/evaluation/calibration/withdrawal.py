"""Define the calibration problem of the withdrawal model.

It has three synthetic missions with ten contributors for sixteen quarters. The data exercise all parts of the
likelihood: exits on a known day or within a bracket, and causes that are miscoded.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import DEFECTION, DURATION_BINS, PLANNED, STAYED, duration_bin
from forecast.data.exposure import data_vectors
from forecast.evaluation.calibration.problem import CalibrationProblem, Draws, Parameters, draw_scalars
from forecast.priors.load import Priors

_CONTRIBUTORS: Final = 10
_QUARTERS: Final = 16
_BRACKET: Final = 4  # quarters in which exits of every second spell are known only to a bracket
_TRUST: Final = 0.9  # probability that the coded cause is correct; the model knows it
_SCALARS: Final = (
    "defection_intercept",
    "planned_intercept",
    "nato",
    "un",
    "eu",
    "noncombat",
    "leader_change",
    "election_ahead",
    "contagion",
    "lead_gone",
    "lead",
    "ending",
    "duration_scale_defection",
    "duration_scale_planned",
    "mission_sd",
    "country_sd",
    "frailty_load",
    "casualties",
    "combat_drift",
    "ever_reduced",
)
#: Coefficients of time-varying covariates, with the names of the covariates.
_MOVING: Final = {
    "leader_change": "leader_change",
    "election_ahead": "election_ahead",
    "lead_gone": "lead_gone",
    "casualties": "casualties",
    "combat_drift": "combat_age",
    "ever_reduced": "ever_reduced",
}


def problem() -> CalibrationProblem:
    """Return the calibration problem of the withdrawal model."""
    return CalibrationProblem(
        data=_with_brackets(_base()),
        draw=_draw,
        simulate=_simulate,
        data_vectors=_data_vectors,
        derived=_derived,
        simulator_faults={"rates-a-month": _rates_a_month},
    )


def _base() -> xr.Dataset:
    """Return the data set of the problem before any exit is put in a bracket."""
    return design(_CONTRIBUTORS, _QUARTERS, 1)


def _bracketed_rows(data: xr.Dataset) -> NDArray[np.bool_]:
    """Return which rows are in the last year of every second spell; an exit there is dated only to that year."""
    first = data["begin"].to_numpy()[0]
    late = data["begin"].to_numpy() >= first + _QUARTERS - _BRACKET
    return np.asarray(late & (data["spell_of"].to_numpy() % 2 == 1))


def _with_brackets(base: xr.Dataset) -> xr.Dataset:
    """Return `base` with its bracketed rows repeated as brackets; the original rows hold the exposure of survivors."""
    brackets = base.isel(row=np.flatnonzero(_bracketed_rows(base)))
    brackets = brackets.assign(
        length=("row", np.ones(brackets.sizes["row"])),
        in_bracket=("row", np.ones(brackets.sizes["row"], dtype=bool)),
    )
    row_columns = [name for name, values in base.data_vars.items() if values.dims == ("row",)]
    joined = xr.concat([base[row_columns], brackets[row_columns]], dim="row")
    return base.drop_dims("row").merge(joined)


def _draw(priors: Priors, rng: np.random.Generator) -> Parameters:
    """Draw scalars from their priors, then mission, country and duration effects given the scalars."""
    p = draw_scalars(priors, "withdrawal", _SCALARS, rng)
    for cause in ("defection", "planned"):
        walk = [0.0]
        for _ in DURATION_BINS[1:]:
            walk.append(rng.normal(walk[-1], p[f"duration_scale_{cause}"]))
        p[f"duration_{cause}"] = np.array(walk) - np.mean(walk)
    p["mission_effect"] = rng.normal(0.0, p["mission_sd"], 3)
    return p | {"country_effect": rng.normal(0.0, p["country_sd"], _CONTRIBUTORS)}


def _simulate(data: xr.Dataset, p: Parameters, rng: np.random.Generator) -> xr.Dataset:
    """Simulate exits; of exits in a bracketed year only the year is kept."""
    exits = simulate_exits(_base(), p, rng, trust=_TRUST)
    row = exits["event_row"].to_numpy()
    bracketed = _bracketed_rows(exits)
    within = (row >= 0) & bracketed[row]
    hidden = within[exits["spell_of"].to_numpy()] & bracketed
    return _with_brackets(
        exits.assign(
            length=("row", np.where(hidden, 0.0, exits["length"].to_numpy())),
            exact=("spell", exits["exact"].to_numpy() & ~within),
            event_row=("spell", np.where(within, -1, row)),
        )
    )


def _within(data: xr.Dataset) -> NDArray[np.bool_]:
    """Return which spells ended within a bracket."""
    return np.asarray((data["kind"].to_numpy() != STAYED) & ~data["exact"].to_numpy())


def _data_vectors(data: xr.Dataset) -> dict[str, NDArray[Any]]:
    """Return the outcomes under the names of the model's data vectors."""
    return data_vectors(data) | {"bracketed": _within(data).astype(float)}


def _derived(data: xr.Dataset, p: Draws) -> dict[str, NDArray[Any]]:
    """Return the log-likelihood, and the probability that a contributor stays in the first mission for two years."""
    rates = np.exp(stated_log_rates(data, p))
    spell_of, in_bracket = data["spell_of"].to_numpy(), data["in_bracket"].to_numpy()
    length, p_defect = data["length"].to_numpy(), data["p_defect"].to_numpy()
    exits = np.flatnonzero(data["exact"].to_numpy())
    row = data["event_row"].to_numpy()[exits]
    coded_rates = p_defect[exits] * rates[0][:, row] + (1.0 - p_defect[exits]) * rates[1][:, row]
    total = np.log(coded_rates).sum(axis=1) - (rates.sum(axis=0) * length)[:, ~in_bracket].sum(axis=1)
    for s in np.flatnonzero(_within(data)):
        defects, plans = rates[:, :, np.flatnonzero(in_bracket & (spell_of == s))]
        coded_rate = p_defect[s] * defects + (1.0 - p_defect[s]) * plans
        survival, density = np.ones(total.size), np.zeros(total.size)
        for k in range(_BRACKET):  # whole quarters
            rate = defects[:, k] + plans[:, k]
            density += survival * (1.0 - np.exp(-rate)) * coded_rate[:, k] / rate
            survival = survival * np.exp(-rate)
        total += np.log(density)
    two_years = np.flatnonzero(spell_of == 1)[:8]
    stays = np.exp(-rates[:, :, two_years].sum(axis=(0, 2)))
    return {"log_likelihood": total, "stays_two_years": stays}


def _rates_a_month(p: Parameters) -> Parameters:
    """Return parameters whose quarterly rates are used as monthly rates."""
    return p | {name: p[name] + np.log(3.0) for name in ("defection_intercept", "planned_intercept")}


_FIRST: Final = 4 * 2000  # first quarter of the missions, in quarters since the year 0


def design(contributors: int, quarters: int, seed: int) -> xr.Dataset:
    """Return three synthetic missions: ad hoc combat, NATO combat, and United Nations without combat.

    The same `contributors` are in all three missions from the first quarter to the last. Leaders, elections, losses,
    reductions and contagion are drawn once, from `seed`. There are 3 * contributors spells of `quarters` rows each.
    """
    names = np.array(["ad_hoc", "nato", "un"])
    countries = np.array([f"C{k:02d}" for k in range(contributors)])
    spell_m, spell_c = np.divmod(np.arange(3 * contributors), contributors)
    of_mission = {name: names == name for name in ("nato", "un", "eu")} | {
        "noncombat": names == "un",
        "lead": np.array([countries[0], "", ""]),
    }
    of_spell = {
        "mission_of": spell_m,
        "country_of": spell_c,
        "entry": np.full(spell_m.size, float(_FIRST)),
        "kind": np.full(spell_m.size, STAYED),
        "exact": np.zeros(spell_m.size, dtype=bool),
        "event_row": np.full(spell_m.size, -1),
        "p_defect": np.full(spell_m.size, 0.5),
    }
    rows = _design_rows(contributors, quarters, np.random.default_rng(seed))
    return xr.Dataset(
        {name: ("row", values) for name, values in rows.items()}
        | {name: ("mission", values) for name, values in of_mission.items()}
        | {name: ("spell", values) for name, values in of_spell.items()},
        coords={"mission": names, "country": countries, "duration_bin": list(DURATION_BINS)},
    )


def _design_rows(contributors: int, quarters: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Return the columns of the rows; a row is one quarter of one contributor to one mission."""
    m, c, t = (grid.ravel() for grid in np.indices((3, contributors, quarters)))
    by_country = rng.random((2, contributors, quarters))
    by_mission = rng.random((2, 3, quarters))
    cut = rng.integers(quarters // 2, 2 * quarters, (3, contributors))
    late = t >= quarters - 4
    return {
        "spell_of": m * contributors + c,
        "begin": _FIRST + t * 1.0,
        "duration": duration_bin(t),
        "length": np.ones(m.size),
        "in_bracket": np.zeros(m.size, dtype=bool),
        "leader_change": (by_country[0] < 0.15)[c, t] * 1.0,
        "election_ahead": (by_country[1] < 0.3)[c, t] * 1.0,
        "contagion": np.round(0.3 * np.maximum(by_mission[0][m, t] - 0.5, 0.0), 1),
        "lead_gone": (late & (m == 0)) * 1.0,
        "ending": late * 1.0,
        "casualties": np.round(3.0 * by_mission[1][m, t] - 1.0) * (m < 2),
        "combat_age": t * (m < 2) * 1.0,
        "ever_reduced": (t >= cut[m, c]) * 1.0,
    }


def stated_log_rates(spells: xr.Dataset, draws: Mapping[str, Any]) -> Floats:
    """Return the log rates per quarter (cause, draw, row), written independently of the production model."""
    x = {name: np.asarray(values, dtype=float) for name, values in draws.items()}
    spell_of = spells["spell_of"].to_numpy()
    m, c = spells["mission_of"].to_numpy()[spell_of], spells["country_of"].to_numpy()[spell_of]
    bins = spells["duration"].to_numpy()
    frailty = x["mission_effect"][:, m] + x["country_effect"][:, c]
    level = x["defection_intercept"][:, None]
    for name in ("nato", "un", "eu", "noncombat"):
        level = level + x[name][:, None] * spells[name].to_numpy()[m]
    moving = 10.0 * x["contagion"][:, None] * spells["contagion"].to_numpy()
    for name, covariate in _MOVING.items():
        moving = moving + x[name][:, None] * spells[covariate].to_numpy()
    leads = spells["country"].to_numpy()[c] == spells["lead"].to_numpy()[m]
    lead = x["lead"][:, None] * leads
    defection = level + frailty + lead + x["duration_defection"][:, bins] + moving
    planned = x["planned_intercept"][:, None] + x["frailty_load"][:, None] * frailty + lead
    planned = planned + x["duration_planned"][:, bins]
    planned = planned + x["ending"][:, None] * spells["ending"].to_numpy()
    return np.stack([defection, planned])


def simulate_exits(
    spells: xr.Dataset, draw: Mapping[str, Any], rng: np.random.Generator, trust: float = 1.0
) -> xr.Dataset:
    """Return `spells` with simulated exits: a spell exits when its cumulative hazard crosses an Exp(1) threshold.

    Exit times are exact and brackets are ignored. Rows after an exit are kept with length 0, so the data vectors of the
    result fit the model built on `spells`.

    Parameters
    ----------
    spells
        Spells with their covariates; existing exits are ignored.
    draw
        One value of every parameter, without a draw dimension.
    rng
        Random generator.
    trust
        Probability that the coded cause is the true cause.
    """
    rates = np.exp(stated_log_rates(spells, {k: np.asarray(v)[None] for k, v in draw.items()})[:, 0])
    spell_of, length = spells["spell_of"].to_numpy(), spells["length"].to_numpy().copy()
    kind = np.full(spells.sizes["spell"], STAYED)
    event_row = np.full(spells.sizes["spell"], -1)
    p_defect = np.full(spells.sizes["spell"], 0.5)
    for s in range(spells.sizes["spell"]):
        rows = np.flatnonzero(spell_of == s)
        hazard = np.cumsum(rates[:, rows].sum(axis=0) * length[rows])
        threshold = rng.exponential()
        k = int(np.searchsorted(hazard, threshold))
        if k == len(rows):
            continue
        cause_rates = rates[:, rows[k]]
        length[rows[k]] -= (hazard[k] - threshold) / cause_rates.sum()
        length[rows[k + 1 :]] = 0.0
        defects, correct = rng.random(2) < (cause_rates[0] / cause_rates.sum(), trust)
        kind[s] = DEFECTION if defects == correct else PLANNED
        event_row[s], p_defect[s] = rows[k], trust if kind[s] == DEFECTION else 1.0 - trust
    return spells.assign(
        length=("row", length),
        in_bracket=("row", np.zeros(len(length), dtype=bool)),
        kind=("spell", kind),
        exact=("spell", kind != STAYED),
        event_row=("spell", event_row),
        p_defect=("spell", p_defect),
    )
