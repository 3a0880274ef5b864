"""Baselines for withdrawals from missions: rates and curves that can be counted from the same data."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.array_types import Floats
from forecast.constants import STAYED
from forecast.models.kaplan_meier import kaplan_meier, share_after

_COX: Final = ("nato", "un", "eu", "noncombat", "lead")


def spell_frame(spells: xr.Dataset) -> pd.DataFrame:
    """One line for each contingent, in the order of `spells`: `years` it stayed, `left`, and what baselines know."""
    mission, country = spells["mission_of"].to_numpy(), spells["country_of"].to_numpy()
    at = {
        "mission": spells["mission"].to_numpy()[mission],
        "country": spells["country"].to_numpy()[country],
        "framework": spells["framework"].to_numpy()[mission],
        "entry": spells["entry"].to_numpy(),
        "end": spells["end"].to_numpy(),
        "left": spells["kind"].to_numpy() != STAYED,
    }
    frame = pd.DataFrame(at).assign(years=lambda x: (x["end"] - x["entry"]) / 4.0)
    for name in ("nato", "un", "eu", "noncombat"):
        frame[name] = spells[name].to_numpy()[mission].astype(float)
    frame["lead"] = (frame["country"].to_numpy() == spells["lead"].to_numpy()[mission]).astype(float)
    return frame


@dataclass(frozen=True, kw_only=True, slots=True)
class SurvivalQuery:
    """What is asked of a baseline: contingents, the years each has `served`, and the years `ahead` of each."""

    crew: pd.DataFrame
    served: Floats
    ahead: Floats


def constant_hazard(train: pd.DataFrame, ask: SurvivalQuery, size: int, rng: np.random.Generator) -> Floats:
    """Chances to stay (draw, contingent) at the rate of the framework: exits over years, as a Gamma posterior."""
    mine = _framework(train, ask.crew)
    drawn = rng.gamma(mine["left"].sum() + 0.5, 1.0 / mine["years"].sum(), (size, 1))
    return np.asarray(np.exp(-drawn * ask.ahead))


def kaplan_meier_chance(train: pd.DataFrame, ask: SurvivalQuery, size: int, rng: np.random.Generator) -> Floats:
    """Chances to stay from the Kaplan-Meier curve of the framework, given the years served."""
    return np.tile(_curve_chance(_framework(train, ask.crew), ask), (size, 1))


def mission_climate(train: pd.DataFrame, ask: SurvivalQuery, size: int, rng: np.random.Generator) -> Floats:
    """Chances to stay from the curve of one past mission of the framework, drawn anew for each draw.

    Kaplan-Meier as it would be if missions differ; a mission with few contingents is as likely as a large one.
    """
    mine = _framework(train, ask.crew)
    curves = np.stack([_curve_chance(part, ask) for _, part in mine.groupby("mission")])
    return np.asarray(curves[rng.integers(len(curves), size=size)])


def cox_chance(train: pd.DataFrame, ask: SurvivalQuery, size: int, rng: np.random.Generator) -> Floats:
    """Chances to stay by Cox's proportional hazards: framework, combat and lead, with Breslow's baseline hazard."""
    from statsmodels.duration.hazard_regression import PHReg

    used = [name for name in _COX if 0 < train.loc[train[name] > 0, "left"].sum() < train["left"].sum()]
    stayed = np.maximum(train["years"].to_numpy(), 1e-6)
    model = PHReg(stayed, train[used].to_numpy(), status=train["left"].to_numpy(dtype=int))
    found = model.fit()
    times, cumulative, _ = found.baseline_cumulative_hazard[0]
    ratio = np.exp(ask.crew[used].to_numpy() @ found.params)

    def hazard(years: Floats) -> Floats:
        return np.concatenate([[0.0], cumulative])[np.searchsorted(times, years, side="right")]

    stay = np.exp(-ratio * (hazard(ask.served + ask.ahead) - hazard(ask.served)))
    return np.tile(stay, (size, 1))


def last_year_rate(train: pd.DataFrame, ask: SurvivalQuery, size: int, rng: np.random.Generator) -> Floats:
    """Chances to stay at the mission's own rate in its last year, half an exit at the framework's rate added."""
    own = train[train["mission"] == ask.crew["mission"].iloc[0]]
    now = float(train["end"].max())
    past = _framework(train, ask.crew)
    usual = (past["left"].sum() + 0.5) / past["years"].sum()
    exits = (own["left"] & (own["end"] > now - 4.0)).sum()
    years = np.maximum(own["end"] - np.maximum(own["entry"], now - 4.0), 0.0).sum() / 4.0
    one = (exits + 0.5) / (years + 0.5 / usual)
    return np.tile(np.exp(-one * ask.ahead), (size, 1))


def _framework(train: pd.DataFrame, crew: pd.DataFrame) -> pd.DataFrame:
    """Past contingents under the same framework; all where there is none."""
    mine = train[train["framework"] == crew["framework"].iloc[0]]
    return mine if len(mine) and mine["years"].sum() > 0 else train


def _curve_chance(train: pd.DataFrame, ask: SurvivalQuery) -> Floats:
    """S(served + ahead) / S(served); 1 where nobody was followed so long and none is left in the curve."""
    curve = kaplan_meier(train)
    now = share_after(curve, ask.served.tolist())
    later = share_after(curve, (ask.served + ask.ahead).tolist())
    return np.where(now > 0.0, later / np.where(now > 0.0, now, 1.0), 1.0)
