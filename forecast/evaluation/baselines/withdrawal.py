"""Baselines for withdrawals from missions: rates and curves counted from the data that the model is fitted to."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import STAYED
from forecast.models.kaplan_meier import kaplan_meier, share_after

_COX: Final = ("nato", "un", "eu", "noncombat", "lead")  # covariates of the Cox model


def spell_frame(spells: xr.Dataset) -> pd.DataFrame:
    """Return one row per contingent, in the order of `spells`: `years` it stayed, `left`, and what baselines use.

    `entry` and `end` are in quarters since the year 0.
    """
    mission, country = spells["mission_of"].to_numpy(), spells["country_of"].to_numpy()
    columns = {
        "mission": spells["mission"].to_numpy()[mission],
        "country": spells["country"].to_numpy()[country],
        "framework": spells["framework"].to_numpy()[mission],
        "entry": spells["entry"].to_numpy(),
        "end": spells["end"].to_numpy(),
        "left": spells["kind"].to_numpy() != STAYED,
    }
    frame = pd.DataFrame(columns).assign(years=lambda x: (x["end"] - x["entry"]) / 4.0)
    for name in ("nato", "un", "eu", "noncombat"):
        frame[name] = spells[name].to_numpy()[mission].astype(float)
    frame["lead"] = (frame["country"].to_numpy() == spells["lead"].to_numpy()[mission]).astype(float)
    return frame


@dataclass(frozen=True, kw_only=True, slots=True)
class SurvivalQuery:
    """Ask a baseline for probabilities to stay: of which contingents, after how long, and for how long.

    `contingents` are rows of `spell_frame`; `served` and `ahead` (contingent,) are the years served and the years to
    stay.
    """

    contingents: pd.DataFrame
    served: Floats
    ahead: Floats


def constant_hazard(train: pd.DataFrame, query: SurvivalQuery, size: int, rng: np.random.Generator) -> Floats:
    """Return probabilities to stay (draw, contingent) at the framework's rate, drawn from its Gamma posterior."""
    similar = _framework(train, query.contingents)
    drawn = rng.gamma(similar["left"].sum() + 0.5, 1.0 / similar["years"].sum(), (size, 1))
    return np.asarray(np.exp(-drawn * query.ahead))


def kaplan_meier_chance(train: pd.DataFrame, query: SurvivalQuery, size: int, rng: np.random.Generator) -> Floats:
    """Return probabilities to stay (draw, contingent) from the framework's Kaplan-Meier curve."""
    return np.tile(_curve_chance(_framework(train, query.contingents), query), (size, 1))


def mission_climate(train: pd.DataFrame, query: SurvivalQuery, size: int, rng: np.random.Generator) -> Floats:
    """Return probabilities to stay (draw, contingent) from the curve of one past mission, sampled for each draw.

    The spread between missions of the framework becomes the spread of the forecast. Small and large missions are
    equally likely.
    """
    similar = _framework(train, query.contingents)
    curves = np.stack([_curve_chance(part, query) for _, part in similar.groupby("mission")])
    return np.asarray(curves[rng.integers(len(curves), size=size)])


def cox_chance(train: pd.DataFrame, query: SurvivalQuery, size: int, rng: np.random.Generator) -> Floats:
    """Return probabilities to stay (draw, contingent) from Cox regression with Breslow's baseline hazard.

    Covariates are framework, combat and lead nation; a covariate needs exits at both of its values. The cumulative
    hazard is computed here: statsmodels gives its value just before each exit, not just after.
    """
    from statsmodels.duration.hazard_regression import PHReg

    used = [name for name in _COX if 0 < train.loc[train[name] > 0, "left"].sum() < train["left"].sum()]
    stayed = np.maximum(train["years"].to_numpy(), 1e-6)
    model = PHReg(stayed, train[used].to_numpy(), status=train["left"].to_numpy(dtype=int))
    coefficients = model.fit().params
    times, cumulative = breslow_hazard(stayed, train["left"].to_numpy(bool), np.exp(train[used] @ coefficients))
    ratio = np.exp(query.contingents[used].to_numpy() @ coefficients)

    def hazard(years: Floats) -> Floats:
        return np.concatenate([[0.0], cumulative])[np.searchsorted(times, years, side="right")]

    stay = np.exp(-ratio * (hazard(query.served + query.ahead) - hazard(query.served)))
    return np.tile(stay, (size, 1))


def breslow_hazard(years: Floats, left: NDArray[np.bool_], ratio: Any) -> tuple[Floats, Floats]:
    """Return the times of exits and the cumulative baseline hazard just after each (Breslow 1974).

    At each time the hazard grows by the exits over the summed hazard ratios of those at risk. Whoever leaves or is
    censored at that time is at risk.

    Parameters
    ----------
    years, left, ratio : years of stay, whether it ended in an exit, and hazard ratio, each (contingent,).
    """
    times, exits = np.unique(years[left], return_counts=True)
    at_risk = (years[None, :] >= times[:, None]) @ np.asarray(ratio, dtype=float)
    return times, np.cumsum(exits / at_risk)


def last_year_rate(train: pd.DataFrame, query: SurvivalQuery, size: int, rng: np.random.Generator) -> Floats:
    """Return probabilities to stay (draw, contingent) at the mission's rate of the last year.

    Half an exit at the framework's rate is added.
    """
    mission = train[train["mission"] == query.contingents["mission"].iloc[0]]
    now = float(train["end"].max())
    similar = _framework(train, query.contingents)
    usual = (similar["left"].sum() + 0.5) / similar["years"].sum()
    exits = (mission["left"] & (mission["end"] > now - 4.0)).sum()
    years = np.maximum(mission["end"] - np.maximum(mission["entry"], now - 4.0), 0.0).sum() / 4.0
    rate = (exits + 0.5) / (years + 0.5 / usual)
    return np.tile(np.exp(-rate * query.ahead), (size, 1))


def _framework(train: pd.DataFrame, contingents: pd.DataFrame) -> pd.DataFrame:
    """Return past contingents under the framework of `contingents`; all past contingents where there are none."""
    similar = train[train["framework"] == contingents["framework"].iloc[0]]
    return similar if len(similar) and similar["years"].sum() > 0 else train


def _curve_chance(train: pd.DataFrame, query: SurvivalQuery) -> Floats:
    """Return S(served + ahead) / S(served) by contingent; 1 where the curve has reached zero."""
    curve = kaplan_meier(train)
    now = share_after(curve, query.served.tolist())
    later = share_after(curve, (query.served + query.ahead).tolist())
    return np.where(now > 0.0, later / np.where(now > 0.0, now, 1.0), 1.0)
