"""Define the calibration problem of the spending model.

It has eight countries, years with and without a pledge, and synthetic covariates.
"""

from typing import Any, Final

import numpy as np
import xarray as xr
from scipy import stats

from forecast.constants import COMMON_TAILS, PLEDGE_FROM, TARGET_CENTER, WAR_BUDGETS
from forecast.evaluation.calibration.problem import CalibrationProblem, Draws, Parameters, draw_scalars
from forecast.models.spending import expected_change
from forecast.priors.load import Priors
from forecast.priors.prior import Prior

_COUNTRIES: Final = 8
_OUTSIDE: Final = 3  # of them, the last ones, are not in NATO
_YEARS: Final = tuple(range(2010, 2025))
_SCALARS: Final = (
    "kappa",
    "kappa_others",
    "target_mean",
    "target_sd",
    "log_scale_mean",
    "log_scale_mean_others",
    "log_scale_sd",
    "factor_phi",
    "factor_scale",
    "factor_war",
    "loading_sd",
    "response_mean",
    "response_phi",
    "response_sd",
    "response_war",
    "response_others",
    "front",
    "volatility_phi",
    "volatility_sd",
    "growth",
    "growth_lag",
    "election",
)
#: Two priors differ from those of the published fit. `log_scale_sd` is kept away from zero, because fifteen years of
#: data identify it poorly and chains stick there. `response_sd` is smaller, because the simulated gaps are fixed and a
#: response above one would overshoot them. The test is valid under any prior that simulator and model share.
_OTHER_PRIORS: Final = {
    f"spending.{name}": Prior(
        name=f"spending.{name}",
        dist="LogNormal",
        params=params,
        source="invented",
        evidence="judgement",
    )
    for name, params in (
        ("log_scale_sd", (-1.1, 0.4)),
        ("response_sd", (-1.4, 0.25)),
    )
}
_LAST_NOISE: Final = 1.0  # scale of the error of a last level that is an estimate, over the scale of the country


def problem() -> CalibrationProblem:
    """Return the calibration problem of the spending model."""
    return CalibrationProblem(
        data=_data(),
        draw=_draw,
        simulate=_simulate,
        data_vectors=_data_vectors,
        derived=_derived,
        simulator_faults={"half-noise": _half_noise, "no-factor": _no_factor},
        other_priors=_OTHER_PRIORS,
    )


def _data() -> xr.Dataset:
    """Return synthetic levels, gaps, growth and elections; half of the last levels are estimates."""
    rng = np.random.default_rng(1)
    country = np.repeat(np.arange(_COUNTRIES), len(_YEARS))
    year = np.tile(np.asarray(_YEARS), _COUNTRIES)
    level = np.log(TARGET_CENTER) + rng.normal(0.0, 0.3, year.size)
    pledged, outside = year >= PLEDGE_FROM, np.arange(_COUNTRIES) >= _COUNTRIES - _OUTSIDE
    gap = np.maximum(0.0, np.log(2.0) - level) * pledged
    columns: dict[str, Any] = {
        "country_of": country,
        "year_of": year - _YEARS[0],
        "level": level,
        "gap": gap * ~outside[country],
        "gap_others": gap * outside[country],
        "front_gap": np.maximum(0.0, np.log(5.0) - level) * pledged * (country % 3 == 0),
        "growth": rng.normal(0.0, 0.03, year.size),
        "growth_before": rng.normal(0.0, 0.03, year.size),
        "election": 1.0 * (rng.random(year.size) < 0.25),
        "estimate_variance": 0.02**2 * (year == _YEARS[-2]),
        "change": np.zeros(year.size),
    }
    by_country = {
        "last_year": np.full(_COUNTRIES, _YEARS[-1]),
        "last_noise": _LAST_NOISE * (np.arange(_COUNTRIES) % 2),
        "outside": 1.0 * outside,
    }
    return xr.Dataset(
        {name: ("obs", values) for name, values in columns.items()}
        | {name: ("country", values) for name, values in by_country.items()},
        coords={"country": [f"C{i:02d}" for i in range(_COUNTRIES)], "year": list(_YEARS)},
        attrs={"last_year": _YEARS[-1]},
    )


def _draw(priors: Priors, rng: np.random.Generator) -> Parameters:
    """Draw scalars from their priors, then parameters of countries and years given the scalars."""
    p = draw_scalars(priors, "spending", _SCALARS, rng)
    outside = np.arange(_COUNTRIES) >= _COUNTRIES - _OUTSIDE
    tails = [2.0 + float(priors[f"spending.nu_minus_two{group}"].sample(rng, 1)[0]) for group in ("", "_others")]
    p["pull"] = np.where(outside, p["kappa_others"], p["kappa"])
    p["tails"] = np.where(outside, tails[1], tails[0])
    p["target"] = np.log(TARGET_CENTER) + rng.normal(p["target_mean"], p["target_sd"], _COUNTRIES)
    log_scale_mean = np.where(outside, p["log_scale_mean_others"], p["log_scale_mean"])
    p["scale"] = np.exp(rng.normal(log_scale_mean, p["log_scale_sd"], _COUNTRIES))
    # a log-normal with these two parameters has mean 1
    p["loading"] = rng.lognormal(-(p["loading_sd"] ** 2) / 2, p["loading_sd"], _COUNTRIES)
    p["revision"] = rng.standard_t(COMMON_TAILS, _COUNTRIES)
    factor: list[float] = []
    volatility: list[float] = []
    response: list[float] = []
    for year in _YEARS:
        factor_value, volatility_value = (
            p["factor_scale"] * rng.standard_t(COMMON_TAILS),
            p["volatility_sd"] * rng.normal(),
        )
        if year > _YEARS[0]:
            factor_value = p["factor_phi"] * factor[-1] + np.sqrt(1.0 - p["factor_phi"] ** 2) * factor_value
            factor_value += p["factor_war"] * (year == WAR_BUDGETS)
            volatility_value = (
                p["volatility_phi"] * volatility[-1] + np.sqrt(1.0 - p["volatility_phi"] ** 2) * volatility_value
            )
        factor.append(factor_value)
        volatility.append(volatility_value)
        if year >= PLEDGE_FROM:
            deviation = p["response_phi"] * (response[-1] - p["response_mean"]) if response else 0.0
            deviation += p["response_sd"] * rng.normal() + p["response_war"] * (year == WAR_BUDGETS)
            response.append(p["response_mean"] + deviation)
    p |= {"factor": np.array(factor), "volatility": np.array(volatility)}
    return p | {"log_response": np.array(response)}


def _simulate(data: xr.Dataset, p: Parameters, rng: np.random.Generator) -> xr.Dataset:
    """Simulate the equation of the model, one change at a time."""
    w = {name: values.to_numpy() for name, values in data.data_vars.items()}
    change = []
    for n in range(data.sizes["obs"]):
        i, t = w["country_of"][n], w["year_of"][n]
        expected = p["pull"][i] * (p["target"][i] - w["level"][n]) + p["loading"][i] * p["factor"][t]
        if _YEARS[t] >= PLEDGE_FROM:
            closed = np.exp(p["log_response"][_YEARS[t] - PLEDGE_FROM])
            gap = w["gap"][n] + p["response_others"] * w["gap_others"][n]
            expected += closed * (gap + p["front"] * w["front_gap"][n])
        expected += p["growth"] * w["growth"][n] + p["growth_lag"] * w["growth_before"][n]
        expected += p["election"] * w["election"][n]
        if _YEARS[t] == w["last_year"][i]:
            expected += w["last_noise"][i] * p["scale"][i] * p["revision"][i]
        scale = p["scale"][i] * np.exp(p["volatility"][t])
        # a Student-t variate is a normal variate divided by the root of a scaled chi-square
        noise = rng.normal() / np.sqrt(rng.chisquare(p["tails"][i]) / p["tails"][i])
        change.append(expected + np.hypot(scale, np.sqrt(w["estimate_variance"][n])) * noise)
    return data.assign(change=("obs", np.array(change)))


def _data_vectors(data: xr.Dataset) -> dict[str, np.ndarray[Any, Any]]:
    """Return the outcomes under the name of the model's data vector."""
    from forecast.data.spending import vectors_on_grid

    return {"change_seen": vectors_on_grid(data, data)["change"]}


def _derived(data: xr.Dataset, p: Draws) -> dict[str, np.ndarray[Any, Any]]:
    """Return the log-likelihood and the last values of factor and log response, from which forecasts start."""
    expected, scale = expected_change(p, data)
    tails = p["tails"][:, data["country_of"].to_numpy()]
    density = stats.t.logpdf(data["change"].to_numpy(), tails, expected, scale)
    return {
        "log_likelihood": density.sum(axis=1),
        "factor_last": p["factor"][:, -1],
        "response_last": p["log_response"][:, -1],
    }


def _half_noise(p: Parameters) -> Parameters:
    """Return parameters whose noise is halved."""
    return p | {"scale": p["scale"] / 2}


def _no_factor(p: Parameters) -> Parameters:
    """Return parameters without the common factor."""
    return p | {"factor": np.zeros(len(_YEARS))}
