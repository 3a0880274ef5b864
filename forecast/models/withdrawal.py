"""The withdrawal model in NumPy: rates from given parameters, simulated exits, and the contributors left over time.

The equations are those of `inference/pymc_models/withdrawal.py`: what is simulated here and fitted there must agree,
which is what simulation-based calibration tests. Covariates stay as they are; only who leaves, when and why is drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import DEFECTION, PLANNED, STAYED, duration_bin
from forecast.models.kaplan_meier import contingents_of_mission

_MOVING: Final = {
    "leader_change": "leader_change",
    "election_ahead": "election_ahead",
    "lead_gone": "lead_gone",
    "casualties": "casualties",
    "combat_drift": "combat_age",
    "ever_reduced": "ever_reduced",
}


def log_rates(spells: xr.Dataset, draws: Mapping[str, Any], rows: NDArray[np.int64] | None = None) -> Floats:
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


def simulate_exits(
    spells: xr.Dataset, draw: Mapping[str, Any], rng: np.random.Generator, trust: float = 1.0
) -> xr.Dataset:
    """New fates on the same rows: each spell leaves by its own Exp(1) threshold, at a known time, or stays to its end.

    draw : one draw of every variable (no dim `draw`), as `pm.draw` gives it. `trust` is the chance that the coded cause
    is the true one. Rows after an exit keep their place with length 0, so `forecast.data.exposure.data_vectors` of what
    comes back fits the model built on `spells`; brackets are laid aside.
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


def predict_remaining(
    draws: xr.Dataset,
    spells: xr.Dataset,
    mission: str,
    years: Sequence[float],
    rng: np.random.Generator,
    *,
    new_mission: bool,
) -> Floats:
    """Posterior predictive share of contributors left, shape (draw, year), one simulated history a draw.

    Parameters
    ----------
    draws : posterior of the withdrawal model, dims `chain` and `draw`.
    spells : what `forecast.data.deployments.mission_spells` gave; entries, leader changes, elections, losses and first
        cuts are taken as observed (0 after the as-of date), contagion and the lead's exit are simulated.
    years : after each contributor's own entry.
    new_mission : draw the mission's effect from its population, as for one never seen.

    Each contributor has one Exp(1) threshold; it leaves when its cumulative hazard of both causes crosses it, which is
    exact for rates that stand still within quarters.

    Raises
    ------
    DataError
        When the mission is not in `spells`.
    """
    entry = spells["entry"].to_numpy()[contingents_of_mission(spells, mission)]
    last = int(np.floor(entry.max() + 4.0 * max(years)))
    left_at = predict_exits(draws, spells, mission, last, rng, new_mission=new_mission)
    stayed = [(left_at > entry + 4.0 * year).mean(axis=1) for year in years]
    return np.stack(stayed, axis=1)


def predict_exits(
    draws: xr.Dataset,
    spells: xr.Dataset,
    mission: str,
    last: int,
    rng: np.random.Generator,
    *,
    new_mission: bool,
    since: float = -np.inf,
) -> Floats:
    """When each contingent of `mission` leaves, in quarters since the year 0; infinite if not by the end of `last`.

    Shape (draw, contingent), in the order of `spells`. What happened up to `since` is taken as seen: who had left then
    has left, all others were still there. See `predict_remaining` for the rest.
    """
    crew = _crew(spells, mission)
    base = _base_rates(draws, spells, mission, crew, rng, new_mission=new_mission)
    mine = contingents_of_mission(spells, mission)
    end = spells["end"].to_numpy()[mine]
    gone = (spells["kind"].to_numpy()[mine] != STAYED) & (end <= since)
    known = np.broadcast_to(np.where(gone, end, np.inf), base[0].shape).copy()
    return _simulate(_parameters(draws), base, crew, known, since, last, rng)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Crew:
    """The contingents of one mission and the quarters they lived through."""

    entry: Floats
    country: NDArray[np.int64]
    is_lead: NDArray[np.bool_]
    reduced_from: Floats  # first quarter after a first cut, NaN if there was none
    quarters: xr.Dataset  # the mission's and the countries' calendar, 0 after the as-of date
    cap: float


def _crew(spells: xr.Dataset, mission: str) -> _Crew:
    mine = contingents_of_mission(spells, mission)
    country = spells["country_of"].to_numpy()[mine]
    names = [
        "leader_change",
        "election_ahead",
        "ending",
        "contributors",
        "casualties",
        "combat_age",
    ]
    quarters = spells[[f"{name}_by_quarter" for name in names]]
    quarters = quarters.sel(mission=mission).isel(country=country).astype(float)
    return _Crew(
        entry=spells["entry"].to_numpy()[mine],
        country=country,
        is_lead=spells["country"].to_numpy()[country] == str(spells["lead"].sel(mission=mission).item()),
        quarters=quarters,
        reduced_from=spells["reduced_from"].to_numpy()[mine],
        cap=float(spells.attrs["contagion_cap"]),
    )


def _flat(draws: xr.Dataset, name: str) -> Floats:
    """A variable with its chains laid end to end: (draw, ...)."""
    values = draws[name].transpose("chain", "draw", ...).to_numpy()
    return values.reshape(-1, *values.shape[2:])


def _parameters(draws: xr.Dataset) -> dict[str, Floats]:
    names = (
        "leader_change",
        "election_ahead",
        "contagion",
        "lead_gone",
        "ending",
        "casualties",
        "combat_drift",
        "ever_reduced",
    )
    scalars = {name: _flat(draws, name)[:, None] for name in names}
    return scalars | {f"duration_{k}": _flat(draws, f"duration_{k}") for k in ("defection", "planned")}


def _base_rates(
    draws: xr.Dataset,
    spells: xr.Dataset,
    mission: str,
    crew: _Crew,
    rng: np.random.Generator,
    *,
    new_mission: bool,
) -> tuple[Floats, Floats]:
    """Log rates (draw, contingent) of both causes without duration and covariates."""
    if new_mission:
        scale = _flat(draws, "mission_sd")
        of_mission = scale * rng.standard_normal(len(scale))
    else:
        of_mission = _flat(draws.sel(mission=mission), "mission_effect")
    here = draws.sel(country=spells["country"].to_numpy()[crew.country])
    frailty = of_mission[:, None] + _flat(here, "country_effect")
    level = _flat(draws, "defection_intercept")
    for name in ("nato", "un", "eu", "noncombat"):
        level = level + _flat(draws, name) * float(spells[name].sel(mission=mission))
    load, planned = _flat(draws, "frailty_load"), _flat(draws, "planned_intercept")
    lead = _flat(draws, "lead")[:, None] * crew.is_lead
    return level[:, None] + frailty + lead, planned[:, None] + load[:, None] * frailty + lead


def _simulate(
    b: dict[str, Floats],
    base: tuple[Floats, Floats],
    crew: _Crew,
    left_at: Floats,
    since: float,
    last: int,
    rng: np.random.Generator,
) -> Floats:
    """`left_at` (draw, contingent) with the exits after `since` filled in, up to the end of quarter `last`."""
    first = int(np.floor(max(crew.entry.min(), since)))
    calendar = crew.quarters.reindex(quarter=np.arange(first, last + 1), fill_value=0.0)
    ever = np.maximum.accumulate(calendar["contributors_by_quarter"].to_numpy())
    age = np.maximum.accumulate(calendar["combat_age_by_quarter"].to_numpy())
    entered = np.floor(crew.entry).astype(int)
    threshold = rng.standard_exponential(base[0].shape)
    for k, quarter in enumerate(range(first, last + 1)):
        now = calendar.isel(quarter=k)
        recent = ((left_at >= quarter - 2) & (left_at < quarter)).sum(axis=1)
        share = np.minimum(crew.cap, recent / max(ever[k], 1.0))
        b_lead = b["lead_gone"] * _lead_gone(left_at, crew, entered, quarter)[:, None]
        bins = duration_bin(quarter - entered)
        defection = (
            base[0]
            + b["duration_defection"][:, bins]
            + 10.0 * b["contagion"] * share[:, None]
            + b_lead
            + b["leader_change"] * now["leader_change_by_quarter"].to_numpy()
            + b["election_ahead"] * now["election_ahead_by_quarter"].to_numpy()
            + b["casualties"] * float(now["casualties_by_quarter"])
            + b["combat_drift"] * age[k]
            + b["ever_reduced"] * (quarter >= crew.reduced_from)
        )
        ending = float(now["ending_by_quarter"])
        planned = base[1] + b["duration_planned"][:, bins] + b["ending"] * ending
        begin = np.maximum(crew.entry, max(quarter, since))
        rate = np.exp(defection) + np.exp(planned)
        hazard = rate * np.maximum(quarter + 1 - begin, 0.0)
        leaves = np.isinf(left_at) & (threshold < hazard)
        left_at = np.where(leaves, begin + threshold / rate, left_at)
        threshold = threshold - hazard
    return left_at


def _lead_gone(left_at: Floats, crew: _Crew, entered: NDArray[np.int64], quarter: int) -> NDArray[np.bool_]:
    """Whether the lead had come and gone before this quarter, by draw."""
    began = crew.is_lead & (entered < quarter)
    return began.any() & ((left_at < quarter) | ~began).all(axis=1)
