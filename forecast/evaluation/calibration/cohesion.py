"""Define the calibration problem of the cohesion model.

It has five indicators of five sub-factors over twenty years, and six anchors.
"""

from typing import Any, Final

import numpy as np
import xarray as xr
from scipy import stats

from forecast.constants import UNITED_NATIONS
from forecast.evaluation.calibration.problem import CalibrationProblem, Draws, Parameters, draw_scalars
from forecast.models.cohesion import expected_indicator
from forecast.names import FACTORS
from forecast.priors.load import Priors

_YEARS: Final = 20
_FACTOR_OF: Final = np.array([0, 0, 1, 2, 3])  # factor of each sub-factor; the first factor has two
_SUBFACTOR_OF: Final = np.array([0, 1, 2, 3, 4])  # sub-factor of each indicator
_INDICATORS: Final = ("first", "second", "third", "fourth", UNITED_NATIONS)
_ANCHORS: Final = (2, 5, 9, 12, 16, 18)  # positions of the years with a verdict
_VECTORS: Final = ("loading", "noise", "intercept")  # parameters with one value per indicator
_QUARTERS: Final = 4  # in a year


def problem() -> CalibrationProblem:
    """Return the calibration problem of the cohesion model."""
    return CalibrationProblem(
        data=_data(),
        draw=_draw,
        simulate=_simulate,
        data_vectors=_data_vectors,
        derived=_derived,
        simulator_faults={"half-noise": _half_noise, "steady-states": _steady_states},
    )


def _data() -> xr.Dataset:
    """Return every indicator in every year; the last two have a known error in addition to their noise."""
    indicator = np.repeat(np.arange(len(_INDICATORS)), _YEARS)
    years = np.arange(2000, 2000 + _YEARS)
    return xr.Dataset(
        {
            "indicator_of": ("obs", indicator),
            "year_of": ("obs", np.tile(np.arange(_YEARS), len(_INDICATORS))),
            "value": ("obs", np.zeros(indicator.size)),
            "error": ("obs", np.where(indicator >= len(_INDICATORS) - 2, 0.3, 0.0)),
            "factor_of": ("subfactor", _FACTOR_OF),
            "subfactor_of": ("indicator", _SUBFACTOR_OF),
            "anchor_year": ("anchor", np.array(_ANCHORS)),
            "verdict": ("anchor", np.zeros(len(_ANCHORS), dtype=np.int64)),
            "us_position": ("year", np.zeros(_YEARS)),
            "us_error": ("year", np.full(_YEARS, 0.2)),
        },
        coords={
            "year": years,
            "factor": list(FACTORS),
            "subfactor": [f"S{k}" for k in range(_FACTOR_OF.size)],
            "indicator": list(_INDICATORS),
            "anchor": [f"A{k}" for k in _ANCHORS],
        },
    )


def _ar1_paths(series: int, phi: float, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return stationary AR(1) paths (year, series) with SD 1."""
    path = [rng.normal(size=series)]
    for _ in range(_YEARS - 1):
        path.append(phi * path[-1] + np.sqrt(1.0 - phi**2) * rng.normal(size=series))
    return np.array(path)


def _draw(priors: Priors, rng: np.random.Generator) -> Parameters:
    """Draw scalars from their priors, then states as sums of shared and own AR(1) paths."""
    p = draw_scalars(priors, "cohesion", ("us_swing", "us_path_sd"), rng)
    p |= draw_scalars(priors, "alliance", ("cut_lower", "cut_gap", "rater_sd"), rng)
    p["factor_weights"] = priors["alliance.factor_weights"].sample(rng, 1)[0]
    for name in _VECTORS:
        p[name] = priors[f"cohesion.{name}"].sample(rng, len(_INDICATORS))
    sd, rho, quarterly = (priors.value(f"alliance.factor_{x}") for x in ("sd", "correlation", "phi"))
    own_share, phi = priors.value("cohesion.own_share"), quarterly**_QUARTERS
    common, by_factor = _ar1_paths(1, phi, rng), _ar1_paths(len(FACTORS), phi, rng)
    shared = np.sqrt(rho) * common + np.sqrt(1.0 - rho - own_share) * by_factor
    by_subfactor = _ar1_paths(_FACTOR_OF.size, phi, rng)
    subfactor = sd * (shared[:, _FACTOR_OF] + np.sqrt(own_share) * by_subfactor)
    factor, residual = np.empty((_YEARS, len(FACTORS))), _ar1_paths(len(FACTORS), phi, rng)
    for f in range(len(FACTORS)):
        members = _FACTOR_OF == f
        rest = sd * np.sqrt(own_share - own_share / members.sum()) * residual[:, f]
        factor[:, f] = subfactor[:, members].mean(axis=1) + rest
    p |= {"subfactor_state": subfactor, "factor_state": factor}
    return p | {"us_path": p["us_path_sd"] * _ar1_paths(1, phi, rng)[:, 0]}


def _simulate(data: xr.Dataset, p: Parameters, rng: np.random.Generator) -> xr.Dataset:
    """Simulate indicators, verdicts and the US position from the states, one value at a time."""
    value = []
    columns = (data[x].to_numpy() for x in ("indicator_of", "year_of", "error"))
    for j, t, error in zip(*columns, strict=True):
        x = p["intercept"][j] + p["loading"][j] * p["subfactor_state"][t, _SUBFACTOR_OF[j]]
        if _INDICATORS[j] == UNITED_NATIONS:
            x -= p["us_swing"] * p["us_path"][t]
        value.append(x + p["noise"][j] * rng.normal() + error * rng.normal())
    verdict = []
    for year in _ANCHORS:
        judged = (p["factor_weights"] * p["factor_state"][year]).sum() + p["rater_sd"] * rng.normal()
        verdict.append(int(judged > p["cut_lower"]) + int(judged > p["cut_lower"] + p["cut_gap"]))
    position = p["us_path"] + data["us_error"].to_numpy() * rng.normal(size=_YEARS)
    return data.assign(
        value=("obs", np.array(value)),
        verdict=("anchor", np.array(verdict)),
        us_position=("year", position),
    )


def _data_vectors(data: xr.Dataset) -> dict[str, np.ndarray[Any, Any]]:
    """Return the outcomes of `data` under the names of the model's data vectors."""
    return {
        "value": data["value"].to_numpy(),
        "verdict": data["verdict"].to_numpy().astype(float),
        "us_position": data["us_position"].to_numpy(),
    }


def _derived(data: xr.Dataset, p: Draws) -> dict[str, np.ndarray[Any, Any]]:
    """Return the parameters of each indicator, the weights, the log-likelihood, and the index of the last year."""
    quantities = {f"{name}_{j}": p[name][:, j] for name in _VECTORS for j in range(len(_INDICATORS))}
    quantities |= {f"weight_{f}": p["factor_weights"][:, f] for f in range(len(FACTORS) - 1)}
    index = (p["factor_weights"][:, None, :] * p["factor_state"]).sum(axis=2)
    return quantities | {"log_likelihood": _log_likelihood(data, p, index), "index_last": index[:, -1]}


def _log_likelihood(data: xr.Dataset, p: Draws, index: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the log-likelihood (draw,) of indicators, US position and verdicts."""
    w = {name: values.to_numpy() for name, values in data.data_vars.items()}
    mean, spread = expected_indicator(p, data)
    density = stats.norm.logpdf(w["value"], mean, spread).sum(axis=1)
    density += stats.norm.logpdf(w["us_position"], p["us_path"], w["us_error"]).sum(axis=1)
    low = p["cut_lower"][:, None]
    cuts = np.stack([np.full_like(low, -np.inf), low, low + p["cut_gap"][:, None], np.full_like(low, np.inf)])
    standardised = (cuts - index[:, w["anchor_year"]]) / p["rater_sd"][:, None]
    chances = np.diff(stats.norm.cdf(standardised), axis=0)
    chance = np.take_along_axis(chances, w["verdict"][None, None, :] * np.ones_like(chances[:1], dtype=int), 0)[0]
    return np.asarray(density + np.log(np.maximum(chance, 1e-300)).sum(axis=1))


def _half_noise(p: Parameters) -> Parameters:
    """Return parameters whose noise is halved."""
    return p | {"noise": p["noise"] / 2}


def _steady_states(p: Parameters) -> Parameters:
    """Return parameters whose sub-factors stay at zero."""
    return p | {"subfactor_state": np.zeros_like(p["subfactor_state"])}
