"""How many contributors are still in a mission after so many years: counted (Kaplan-Meier) and foretold by the model.

Both measure time from each contributor's own entry and set the end of the mission aside, so one can check the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.errors import DataError
from forecast.spells import STAYED, duration_bin

Floats = NDArray[np.float64]


def contributor_durations(spells: xr.Dataset, mission: str) -> pd.DataFrame:
    """Stay of each contingent in years and whether it `left`; the end of the mission is censoring.

    Every exit counts, whatever its cause, at its stored date (the midpoint of a bracket).
    """
    mine = _of_mission(spells, mission)
    return pd.DataFrame(
        {
            "country": spells["country"].to_numpy()[spells["country_of"].to_numpy()[mine]],
            "years": (spells["end"] - spells["entry"]).to_numpy()[mine] / 4.0,
            "left": spells["kind"].to_numpy()[mine] != STAYED,
        }
    )


def kaplan_meier(durations: pd.DataFrame) -> pd.DataFrame:
    """Product-limit estimate (Kaplan and Meier 1958) from columns `years` and `left`.

    One line for each time of an exit: `years`, `at_risk`, `exits`, `share` still there just after.
    Who is censored at the time of an exit was at risk of it.
    """
    years, left = durations["years"].to_numpy(), durations["left"].to_numpy(dtype=bool)
    times, exits = np.unique(years[left], return_counts=True)
    at_risk = (years[None, :] >= times[:, None]).sum(axis=1)
    share = np.cumprod(1.0 - exits / at_risk)
    return pd.DataFrame({"years": times, "at_risk": at_risk, "exits": exits, "share": share})


def share_after(curve: pd.DataFrame, years: Sequence[float]) -> Floats:
    """Height of a `kaplan_meier` curve at each of `years`; 1 before the first exit."""
    steps = np.concatenate([[1.0], curve["share"].to_numpy()])
    return steps[np.searchsorted(curve["years"].to_numpy(), years, side="right")]


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
    spells : what `forecast.spells.mission_spells` gave; entries, leader changes, elections, losses and first cuts are
        taken as observed (0 after the as-of date), contagion and the lead's exit are simulated.
    years : after each contributor's own entry.
    new_mission : draw the mission's effect from its population, as for one never seen.

    Each contributor has one Exp(1) threshold; it leaves when its cumulative hazard of both causes crosses it, which is
    exact for rates that stand still within quarters.

    Raises
    ------
    DataError
        When the mission is not in `spells`.
    """
    entry = spells["entry"].to_numpy()[_of_mission(spells, mission)]
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
    mine = _of_mission(spells, mission)
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


def _of_mission(spells: xr.Dataset, mission: str) -> NDArray[np.int64]:
    known = spells["mission"].to_numpy()
    if mission not in known:
        raise DataError(
            f"no contingents in mission {mission!r}, expected one of {', '.join(known)}"
        )
    code = int(np.flatnonzero(known == mission)[0])
    return np.flatnonzero(spells["mission_of"].to_numpy() == code)


def _crew(spells: xr.Dataset, mission: str) -> _Crew:
    mine = _of_mission(spells, mission)
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
        is_lead=spells["country"].to_numpy()[country]
        == str(spells["lead"].sel(mission=mission).item()),
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
        "leader_change", "election_ahead", "contagion", "lead_gone", "ending", "casualties",
        "combat_drift", "ever_reduced",
    )  # fmt: skip
    scalars = {name: _flat(draws, name)[:, None] for name in names}
    return scalars | {
        f"duration_{k}": _flat(draws, f"duration_{k}") for k in ("defection", "planned")
    }


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
            base[0] + b["duration_defection"][:, bins] + 10.0 * b["contagion"] * share[:, None] + b_lead
            + b["leader_change"] * now["leader_change_by_quarter"].to_numpy()
            + b["election_ahead"] * now["election_ahead_by_quarter"].to_numpy()
            + b["casualties"] * float(now["casualties_by_quarter"]) + b["combat_drift"] * age[k]
            + b["ever_reduced"] * (quarter >= crew.reduced_from)
        )  # fmt: skip
        ending = float(now["ending_by_quarter"])
        planned = base[1] + b["duration_planned"][:, bins] + b["ending"] * ending
        begin = np.maximum(crew.entry, max(quarter, since))
        rate = np.exp(defection) + np.exp(planned)
        hazard = rate * np.maximum(quarter + 1 - begin, 0.0)
        leaves = np.isinf(left_at) & (threshold < hazard)
        left_at = np.where(leaves, begin + threshold / rate, left_at)
        threshold = threshold - hazard
    return left_at


def _lead_gone(
    left_at: Floats, crew: _Crew, entered: NDArray[np.int64], quarter: int
) -> NDArray[np.bool_]:
    """Whether the lead had come and gone before this quarter, by draw."""
    began = crew.is_lead & (entered < quarter)
    return began.any() & ((left_at < quarter) | ~began).all(axis=1)
