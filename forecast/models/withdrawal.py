"""The withdrawal model in NumPy: log rates from given parameters, and the contributors left in a mission over time.

The terms of the log rates are the rules of `forecast.simulation.rules.withdrawal`, which the PyMC model and the kernel
call too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import STAYED, duration_bin
from forecast.models.kaplan_meier import contingents_of_mission
from forecast.simulation.rules import withdrawal as rule

_OF_MISSION: Final = ("nato", "un", "eu", "noncombat")
#: Covariates of defection that change with time.
_MOVING: Final = (
    "leader_change",
    "election_ahead",
    "contagion",
    "lead_gone",
    "casualties",
    "ever_reduced",
    "combat_age",
)


def log_rates(spells: xr.Dataset, draws: Mapping[str, Any], rows: NDArray[np.int64] | None = None) -> Floats:
    """Return the log rates per quarter of both causes, (cause, draw, row), of all rows or of `rows`.

    Parameters
    ----------
    spells : what `forecast.data.deployments.mission_spells` returns.
    draws : every variable of the model by its name, dim `draw` first; effects and durations have a second dim in the
        order of `spells`.
    rows : positions along `row`; all if None.
    """
    x = {name: np.asarray(values, dtype=float) for name, values in draws.items()}
    b = {name: values[:, None] for name, values in x.items() if values.ndim == 1}
    rows = np.arange(spells.sizes["row"]) if rows is None else rows
    of = spells["spell_of"].to_numpy()[rows]
    m, c = spells["mission_of"].to_numpy()[of], spells["country_of"].to_numpy()[of]
    bins = spells["duration"].to_numpy()[rows]
    frailty = x["mission_effect"][:, m] + x["country_effect"][:, c]
    terms = _mission_terms(b, {name: spells[name].to_numpy()[m] for name in _OF_MISSION})
    lead = b["lead"] * (spells["country"].to_numpy()[c] == spells["lead"].to_numpy()[m])
    seen = {name: spells[name].to_numpy()[rows] for name in (*_MOVING, "ending")}
    defection = rule.defection_level(b["defection_intercept"], terms, frailty, lead)
    defection = _add_moving(defection + x["duration_defection"][:, bins], b, seen)
    planned = rule.planned_level(b["planned_intercept"], b["frailty_load"], frailty, lead)
    planned = rule.planned_log_rate(planned + x["duration_planned"][:, bins], b["ending"], seen["ending"])
    return np.stack([defection, planned])


def _mission_terms(b: Mapping[str, Any], mission: Mapping[str, Any]) -> Any:
    """Return what framework and intensity add to the log rate of defection."""
    return rule.mission_terms(*(term for name in _OF_MISSION for term in (b[name], mission[name])))


def _add_moving(log_rate: Any, b: Mapping[str, Any], seen: Mapping[str, Any]) -> Any:
    """Add all terms that change with time to the log rate of defection; `seen` holds the covariates of `_MOVING`."""
    log_rate = rule.add_politics(
        log_rate, b["leader_change"], seen["leader_change"], b["election_ahead"], seen["election_ahead"]
    )
    log_rate = rule.add_partners(log_rate, b["contagion"], seen["contagion"], b["lead_gone"], seen["lead_gone"])
    log_rate = rule.add_casualties(log_rate, b["casualties"], seen["casualties"])
    log_rate = rule.add_reduction(log_rate, b["ever_reduced"], seen["ever_reduced"])
    return rule.add_combat(log_rate, b["combat_drift"], seen["combat_age"])


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
    names = ("defection_intercept", "planned_intercept", "frailty_load", "lead", *_OF_MISSION)
    b = {name: _flat(draws, name)[:, None] for name in names}
    terms = _mission_terms(b, {name: float(spells[name].sel(mission=mission)) for name in _OF_MISSION})
    lead = b["lead"] * crew.is_lead
    return (
        rule.defection_level(b["defection_intercept"], terms, frailty, lead),
        rule.planned_level(b["planned_intercept"], b["frailty_load"], frailty, lead),
    )


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
        bins = duration_bin(quarter - entered)
        seen = {
            "leader_change": now["leader_change_by_quarter"].to_numpy(),
            "election_ahead": now["election_ahead_by_quarter"].to_numpy(),
            "contagion": share[:, None],
            "lead_gone": _lead_gone(left_at, crew, entered, quarter)[:, None],
            "casualties": float(now["casualties_by_quarter"]),
            "ever_reduced": quarter >= crew.reduced_from,
            "combat_age": age[k],
        }
        defection = _add_moving(base[0] + b["duration_defection"][:, bins], b, seen)
        ending = float(now["ending_by_quarter"])
        planned = rule.planned_log_rate(base[1] + b["duration_planned"][:, bins], b["ending"], ending)
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
