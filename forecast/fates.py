"""The withdrawal model run forwards: rates of given pieces from given parameters, and new fates drawn from them.

The equations of `models/withdrawal.py` once more, in NumPy: what is simulated here and fitted there must agree, which
is what simulation-based calibration asks. Covariates stay as they are; only who leaves, when and why is drawn.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.spells import DEFECTION, DURATION_BINS, PLANNED, STAYED, duration_bin

Floats = NDArray[np.float64]
_MOVING: Final = {
    "leader_change": "leader_change", "election_ahead": "election_ahead", "lead_gone": "lead_gone",
    "casualties": "casualties", "combat_drift": "combat_age", "ever_reduced": "ever_reduced",
}  # fmt: skip
_FIRST: Final = 4 * 2000  # the quarter in which the missions of a design begin


def log_rates(
    spells: xr.Dataset, draws: Mapping[str, Any], rows: NDArray[np.int64] | None = None
) -> Floats:
    """Log rates a quarter of both causes, shape (cause, draw, row), of all rows or of `rows`.

    draws : every variable of the model by its name, dim `draw` first; effects and durations have a second dim in the
        order of `spells`.
    """
    x = {name: np.asarray(values, dtype=float) for name, values in draws.items()}
    rows = np.arange(spells.sizes["row"]) if rows is None else rows
    of = spells["spell_of"].to_numpy()[rows]
    m, c = spells["mission_of"].to_numpy()[of], spells["country_of"].to_numpy()[of]
    bins = spells["duration"].to_numpy()[rows]
    frailty = x["mission_effect"][:, m] + x["country_effect"][:, c]
    level = x["defection_intercept"][:, None]
    for name in ("nato", "un", "eu", "noncombat"):
        level = level + x[name][:, None] * spells[name].to_numpy()[m]
    moved = 10.0 * x["contagion"][:, None] * spells["contagion"].to_numpy()[rows]
    for name, covariate in _MOVING.items():
        moved = moved + x[name][:, None] * spells[covariate].to_numpy()[rows]
    leads = spells["country"].to_numpy()[c] == spells["lead"].to_numpy()[m]
    lead = x["lead"][:, None] * leads
    defection = level + frailty + lead + x["duration_defection"][:, bins] + moved
    planned = x["planned_intercept"][:, None] + x["frailty_load"][:, None] * frailty + lead
    planned = planned + x["duration_planned"][:, bins]
    planned = planned + x["ending"][:, None] * spells["ending"].to_numpy()[rows]
    return np.stack([defection, planned])


def simulated(
    spells: xr.Dataset, draw: Mapping[str, Any], rng: np.random.Generator, trust: float = 1.0
) -> xr.Dataset:
    """New fates on the same rows: each spell leaves by its own Exp(1) threshold, at a known time, or stays to its end.

    draw : one draw of every variable (no dim `draw`), as `pm.draw` gives it. `trust` is the chance that the coded cause
    is the true one. Rows after an exit keep their place with length 0, so `forecast.cells.data_vectors` of what comes
    back fits the model built on `spells`; brackets are laid aside.
    """
    rates = np.exp(log_rates(spells, {k: np.asarray(v)[None] for k, v in draw.items()})[:, 0])
    of, length = spells["spell_of"].to_numpy(), spells["length"].to_numpy().copy()
    kind = np.full(spells.sizes["spell"], STAYED)
    event_row = np.full(spells.sizes["spell"], -1)
    p_defect = np.full(spells.sizes["spell"], 0.5)
    for s in range(spells.sizes["spell"]):
        mine = np.flatnonzero(of == s)
        hazard = np.cumsum(rates[:, mine].sum(axis=0) * length[mine])
        threshold = rng.exponential()
        k = int(np.searchsorted(hazard, threshold))
        if k == len(mine):
            continue
        both = rates[:, mine[k]]
        length[mine[k]] -= (hazard[k] - threshold) / both.sum()
        length[mine[k + 1 :]] = 0.0
        defects, right = rng.random(2) < (both[0] / both.sum(), trust)
        kind[s] = DEFECTION if defects == right else PLANNED
        event_row[s], p_defect[s] = mine[k], trust if kind[s] == DEFECTION else 1.0 - trust
    return spells.assign(
        length=("row", length),
        in_bracket=("row", np.zeros(len(length), dtype=bool)),
        kind=("spell", kind),
        exact=("spell", kind != STAYED),
        event_row=("spell", event_row),
        p_defect=("spell", p_defect),
    )


def design(contributors: int, quarters: int, seed: int) -> xr.Dataset:
    """Three invented missions for calibration: ad hoc combat, NATO combat, United Nations without combat.

    The same `contributors` are in all three from the first quarter to the last; leaders, votes, losses, cuts and the
    departures of others are drawn once, by `seed`. Shape: 3 * contributors spells of `quarters` rows each.
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


def _design_rows(
    contributors: int, quarters: int, rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """One whole quarter a row, by mission, contributor and quarter."""
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
