"""The withdrawal model in NumPy: log rates from given parameters, and the contributors left in a mission over time.

The terms of the log rates are stated in `forecast.simulation.rules.withdrawal`; the PyMC model and the kernel call the
same functions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import DURATION_BINS, QUARTERS_PER_YEAR, STAYED, duration_bin
from forecast.models.kaplan_meier import contingents_of_mission, curve_hazard
from forecast.simulation.rules import withdrawal as rule

#: Indicators of framework and intensity, constant for a mission.
_OF_MISSION: Final = ("nato", "un", "eu", "noncombat")
#: Time-varying covariates of the log rate of defection.
_MOVING: Final = (
    "leader_change",
    "election_ahead",
    "contagion",
    "lead_gone",
    "casualties",
    "ever_reduced",
    "combat_age",
)
#: Those of them that are 0 in the usual course of events.
_UNUSUAL: Final = ("contagion", "lead_gone", "casualties", "ever_reduced")
_CAUSES: Final = ("defection", "planned")


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
    spell_of = spells["spell_of"].to_numpy()[rows]
    m, c = spells["mission_of"].to_numpy()[spell_of], spells["country_of"].to_numpy()[spell_of]
    bins = spells["duration"].to_numpy()[rows]
    frailty = x["mission_effect"][:, m] + x["country_effect"][:, c]
    terms = _mission_terms(b, {name: spells[name].to_numpy()[m] for name in _OF_MISSION})
    lead = b["lead"] * (spells["country"].to_numpy()[c] == spells["lead"].to_numpy()[m])
    covariates = {name: spells[name].to_numpy()[rows] for name in (*_MOVING, "ending")}
    defection = rule.defection_level(b["defection_intercept"], terms, frailty, lead)
    defection = _add_moving(defection + x["duration_defection"][:, bins], b, covariates)
    planned = rule.planned_level(b["planned_intercept"], b["frailty_load"], frailty, lead)
    planned = rule.planned_log_rate(planned + x["duration_planned"][:, bins], b["ending"], covariates["ending"])
    return np.stack([defection, planned])


def hazard_by_time_served(draws: Mapping[str, Any]) -> Floats:
    """Return the hazard per year of both causes in a reference case, (cause, draw, bin of `DURATION_BINS`).

    The case is a contributor that does not lead, in a mission of NATO without combat, both with effects of 0 and in the
    usual course of events.

    Parameters
    ----------
    draws : the variables of the model by name, dim `draw` first.
    """
    bins, alone = len(DURATION_BINS), np.zeros(1, dtype=np.int64)
    case = xr.Dataset(
        {
            "spell_of": ("row", np.zeros(bins, dtype=np.int64)),
            "mission_of": ("spell", alone),
            "country_of": ("spell", alone),
            "duration": ("row", np.arange(bins)),
            "lead": ("mission", ["lead"]),
            **{name: ("mission", [float(name in ("nato", "noncombat"))]) for name in _OF_MISSION},
            **{name: ("row", np.zeros(bins)) for name in (*_MOVING, "ending")},
        },
        coords={"country": ["reference"]},
    )
    no_effect = np.zeros((len(draws["defection_intercept"]), 1))
    log_rate = log_rates(case, {**draws, "mission_effect": no_effect, "country_effect": no_effect})
    return np.asarray(QUARTERS_PER_YEAR * np.exp(log_rate))


def _mission_terms(b: Mapping[str, Any], mission: Mapping[str, Any]) -> Any:
    """Return what framework and intensity add to the log rate of defection."""
    return rule.mission_terms(*(term for name in _OF_MISSION for term in (b[name], mission[name])))


def _add_moving(log_rate: Any, b: Mapping[str, Any], covariates: Mapping[str, Any]) -> Any:
    """Return the log rate of defection with all time-varying terms added; `covariates` are those of `_MOVING`."""
    log_rate = rule.add_politics(
        log_rate, b["leader_change"], covariates["leader_change"], b["election_ahead"], covariates["election_ahead"]
    )
    log_rate = rule.add_partners(
        log_rate, b["contagion"], covariates["contagion"], b["lead_gone"], covariates["lead_gone"]
    )
    log_rate = rule.add_casualties(log_rate, b["casualties"], covariates["casualties"])
    log_rate = rule.add_reduction(log_rate, b["ever_reduced"], covariates["ever_reduced"])
    return rule.add_combat(log_rate, b["combat_drift"], covariates["combat_age"])


def predict_remaining(
    draws: xr.Dataset,
    spells: xr.Dataset,
    mission: str,
    years: Sequence[float],
    rng: np.random.Generator,
    *,
    new_mission: bool,
) -> Floats:
    """Return the posterior predictive share of contributors still present, (draw, year).

    One history is simulated for each draw. Each contributor has an Exp(1) threshold and leaves when the cumulative
    hazard of both causes crosses it, which is exact for rates that are constant within quarters.

    Parameters
    ----------
    draws : posterior of the withdrawal model, dims `chain` and `draw`.
    spells : what `forecast.data.deployments.mission_spells` returns. Entries, leader changes, elections, losses and
        first reductions are taken as observed (0 after the as-of date). Contagion and the exit of the lead nation are
        simulated.
    mission : name of a mission in `spells`.
    years : times since the entry of each contributor, at which the share is taken.
    rng : generator of the thresholds and of the effect of a new mission.
    new_mission : whether to draw the mission's effect from its population, as for a mission that is not in the fit.

    Raises
    ------
    DataError
        If the mission is not in `spells`.
    """
    entry = spells["entry"].to_numpy()[contingents_of_mission(spells, mission)]
    last = int(np.floor(entry.max() + 4.0 * max(years)))
    left_at = predict_exits(draws, spells, mission, (-np.inf, last), rng, new_mission=new_mission)
    remaining = [(left_at > entry + 4.0 * year).mean(axis=1) for year in years]
    return np.stack(remaining, axis=1)


def predict_exits(
    draws: xr.Dataset,
    spells: xr.Dataset,
    mission: str,
    span: tuple[float, int],
    rng: np.random.Generator,
    *,
    new_mission: bool,
    curve: "Curve | None" = None,
) -> Floats:
    """Return when each contingent of a mission leaves, (draw, contingent) in the order of `spells`.

    Times are in quarters since the year 0; infinite if the contingent has not left by the end of `span`.

    Parameters
    ----------
    draws, spells, mission, rng, new_mission : as in `predict_remaining`.
    span : the clock up to which all that happened is taken as observed (minus infinity for nothing), and the last
        quarter that is simulated.
    curve : Kaplan-Meier curve that all contingents follow as far as it has an estimate; None for the model alone.
    """
    since, last = span
    contingents = _contingents(spells, mission)
    coefficients = _coefficients(draws)
    effect = _mission_effect(draws, mission, rng, new_mission)
    levels = _levels(draws, spells, mission, contingents, effect)
    rows = contingents_of_mission(spells, mission)
    end = spells["end"].to_numpy()[rows]
    gone = (spells["kind"].to_numpy()[rows] != STAYED) & (end <= since)
    left_at = np.broadcast_to(np.where(gone, end, np.inf), levels[0].shape).copy()
    first = int(np.floor(max(contingents.entry.min(), since)))
    threshold = rng.standard_exponential(levels[0].shape)
    for rates in _quarters(contingents, coefficients, levels, left_at, range(first, last + 1)):
        begin = np.maximum(contingents.entry, max(rates.quarter, since))
        length = np.maximum(rates.quarter + 1 - begin, 0.0)
        hazard = rates.rate * length
        if curve is not None:
            served = begin - contingents.entry
            hazard *= _curve_ratios(curve, served, served + length, rates)
        leaves = np.isinf(left_at) & (threshold < hazard)
        left_at[leaves] = (begin + length * threshold / np.where(leaves, hazard, 1.0))[leaves]
        threshold -= hazard
    return left_at


@dataclass(frozen=True, kw_only=True, slots=True)
class _Contingents:
    """Hold the contingents of one mission and their covariates by quarter."""

    entry: Floats
    country: NDArray[np.int64]
    is_lead: NDArray[np.bool_]
    reduced_from: Floats  # first quarter after the first reduction, NaN if there was none
    quarters: xr.Dataset  # calendar of the mission and of the countries, 0 after the as-of date
    cap: float  # largest share of recent exits that contagion counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """Hold what a Kaplan-Meier curve is made of, and the fewest contributors that it needs (see `curve_hazard`)."""

    durations: pd.DataFrame
    fewest: int


class _Rates(NamedTuple):
    """Hold the rates per quarter of leaving in one quarter, (draw, contingent).

    `rate` is for either cause. The usual rates, by cause, hold while all partners are present, losses are at their
    reference and the contingent was never reduced.
    """

    quarter: int
    rate: Floats
    usual_defection: Floats
    usual_planned: Floats


def _curve_ratios(curve: Curve, begin: Floats, end: Floats, rates: _Rates) -> Floats:
    """Return the factors on the hazards of contingents that follow a curve, between two numbers of quarters served."""
    hazard = curve_hazard(curve.durations, begin / 4.0, end / 4.0, curve.fewest)
    length = np.where(end > begin, end - begin, 1.0)
    ratio = rule.curve_ratio(hazard / length, rates.usual_defection, rates.usual_planned)
    return np.where(np.isnan(ratio), 1.0, ratio)


def _contingents(spells: xr.Dataset, mission: str) -> _Contingents:
    """Return the contingents of a mission, in the order of `spells`."""
    rows = contingents_of_mission(spells, mission)
    country = spells["country_of"].to_numpy()[rows]
    names = ("leader_change", "election_ahead", "ending", "contributors", "casualties", "combat_age")
    quarters = spells[[f"{name}_by_quarter" for name in names]]
    quarters = quarters.sel(mission=mission).isel(country=country).astype(float)
    return _Contingents(
        entry=spells["entry"].to_numpy()[rows],
        country=country,
        is_lead=spells["country"].to_numpy()[country] == str(spells["lead"].sel(mission=mission).item()),
        quarters=quarters,
        reduced_from=spells["reduced_from"].to_numpy()[rows],
        cap=float(spells.attrs["contagion_cap"]),
    )


def _flat(draws: xr.Dataset, name: str) -> Floats:
    """Return the draws of a variable with all chains joined, (draw, ...)."""
    values = draws[name].transpose("chain", "draw", ...).to_numpy()
    return values.reshape(-1, *values.shape[2:])


def _coefficients(draws: xr.Dataset) -> dict[str, Floats]:
    """Return the coefficients of time-varying covariates, (draw, 1), and the effects of duration, (draw, bin)."""
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
    return scalars | {f"duration_{cause}": _flat(draws, f"duration_{cause}") for cause in _CAUSES}


def _mission_effect(draws: xr.Dataset, mission: str, rng: np.random.Generator, new_mission: bool) -> Floats:
    """Return the effect of a mission, (draw,): the fitted effect, or one drawn from the population of missions."""
    if not new_mission:
        return _flat(draws.sel(mission=mission), "mission_effect")
    scale = _flat(draws, "mission_sd")
    return np.asarray(scale * rng.standard_normal(len(scale)))


def _levels(
    draws: xr.Dataset, spells: xr.Dataset, mission: str, contingents: _Contingents, effect: Floats
) -> tuple[Floats, Floats]:
    """Return the constant parts of the log rates of both causes, each (draw, contingent)."""
    of_countries = draws.sel(country=spells["country"].to_numpy()[contingents.country])
    frailty = effect[:, None] + _flat(of_countries, "country_effect")
    names = ("defection_intercept", "planned_intercept", "frailty_load", "lead", *_OF_MISSION)
    b = {name: _flat(draws, name)[:, None] for name in names}
    terms = _mission_terms(b, {name: float(spells[name].sel(mission=mission)) for name in _OF_MISSION})
    lead = b["lead"] * contingents.is_lead
    return (
        rule.defection_level(b["defection_intercept"], terms, frailty, lead),
        rule.planned_level(b["planned_intercept"], b["frailty_load"], frailty, lead),
    )


def _quarters(
    contingents: _Contingents,
    b: dict[str, Floats],
    levels: tuple[Floats, Floats],
    left_at: Floats,
    quarters: range,
) -> Iterator[_Rates]:
    """Yield the rates of each quarter, given the earlier exits in `left_at`, which the caller updates in between."""
    calendar = contingents.quarters.reindex(quarter=np.asarray(quarters), fill_value=0.0)
    contributors = np.maximum.accumulate(calendar["contributors_by_quarter"].to_numpy())
    age = np.maximum.accumulate(calendar["combat_age_by_quarter"].to_numpy())
    entered = np.floor(contingents.entry).astype(int)
    for k, quarter in enumerate(quarters):
        values = calendar.isel(quarter=k)
        recent = ((left_at >= quarter - 2) & (left_at < quarter)).sum(axis=1)
        share = np.minimum(contingents.cap, recent / max(contributors[k], 1.0))
        covariates = {
            "leader_change": values["leader_change_by_quarter"].to_numpy(),
            "election_ahead": values["election_ahead_by_quarter"].to_numpy(),
            "contagion": share[:, None],
            "lead_gone": _lead_gone(left_at, contingents, entered, quarter)[:, None],
            "casualties": float(values["casualties_by_quarter"]),
            "ever_reduced": quarter >= contingents.reduced_from,
            "combat_age": age[k],
        }
        bins = duration_bin(quarter - entered)
        level, usual_planned = (levels[i] + b[f"duration_{cause}"][:, bins] for i, cause in enumerate(_CAUSES))
        defection = _add_moving(level, b, covariates)
        usual = _add_moving(level, b, covariates | dict.fromkeys(_UNUSUAL, 0.0))
        planned = rule.planned_log_rate(usual_planned, b["ending"], float(values["ending_by_quarter"]))
        yield _Rates(quarter, np.exp(defection) + np.exp(planned), np.exp(usual), np.exp(usual_planned))


def _lead_gone(
    left_at: Floats, contingents: _Contingents, entered: NDArray[np.int64], quarter: int
) -> NDArray[np.bool_]:
    """Return whether the lead nation had entered and left before this quarter, (draw,)."""
    began = contingents.is_lead & (entered < quarter)
    return began.any() & ((left_at < quarter) | ~began).all(axis=1)
