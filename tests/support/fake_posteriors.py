"""Synthetic posteriors for fast tests, with the names and dimensions of real fits."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from forecast.constants import DURATION_BINS, PLEDGE_FROM
from forecast.data.spending import spending_panel
from forecast.data.tables import Tables, load_tables
from forecast.models import alliance_exit
from forecast.models.cohesion import Samples
from forecast.names import FACTORS
from forecast.priors.load import Priors, load_priors
from forecast.projection.parameter_draws.assemble import prior_withdrawal
from forecast.workspace.plan import Plan, load_plan

ROOT = Path(__file__).parents[2]
SEED = 11
SIZE = 64  # draws: two in each batch


@cache
def tables() -> Tables:
    """Return the bundled tables."""
    return load_tables()


@cache
def priors() -> Priors:
    """Return the priors of the repository."""
    return load_priors(ROOT / "priors")


@cache
def panel() -> xr.Dataset:
    """Return the spending panel of the bundled tables."""
    return spending_panel(tables(), priors())


@cache
def smoke() -> Plan:
    """Return the plan `smoke`."""
    return load_plan(ROOT, "smoke")


def plan_with(**fields: Any) -> Plan:
    """Return the plan `smoke` with other values of some fields, validated again."""
    return Plan.model_validate(smoke().model_dump() | fields)


def array(values: Any, **coords: Sequence[Any]) -> xr.DataArray:
    """Return draws with dim `sample` first, then the dims of `coords` with their labels."""
    return xr.DataArray(np.asarray(values, float), dims=["sample", *coords], coords=coords)


def spending_samples(size: int = SIZE, seed: int = SEED) -> Samples:
    """Return draws of the spending model around plausible values, for all countries and years of the panel."""
    rng = np.random.default_rng(seed)
    centers = {
        "kappa": 0.06,
        "target_mean": 0.1,
        "target_sd": 0.4,
        "nu_minus_two": 3.0,
        "log_scale_mean": -3.0,
        "log_scale_sd": 0.4,
        "factor_phi": 0.6,
        "factor_scale": 0.03,
        "loading_sd": 0.3,
        "response_mean": -3.0,
        "response_phi": 0.8,
        "response_sd": 0.4,
        "response_others": 0.3,
        "front": 0.3,
        "volatility_phi": 0.7,
        "volatility_sd": 0.2,
        "growth": -0.5,
        "growth_lag": 0.3,
        "election": -0.01,
    }
    samples = {k: array(v * (1.0 + 0.05 * rng.normal(size=size))) for k, v in centers.items()}
    country, year = panel()["country"].values, panel()["year"].values
    samples["target"] = array(rng.normal(0.6, 0.2, (size, country.size)), country=country)
    samples["scale"] = array(rng.uniform(0.03, 0.08, (size, country.size)), country=country)
    samples["loading"] = array(rng.uniform(0.7, 1.3, (size, country.size)), country=country)
    samples["pull"] = array(rng.uniform(0.02, 0.1, (size, country.size)), country=country)
    samples["tails"] = array(rng.uniform(3.0, 6.0, (size, country.size)), country=country)
    for name, sd in (("factor", 0.02), ("volatility", 0.2)):
        samples[name] = array(rng.normal(0.0, sd, (size, year.size)), year=year)
    pledged = year[year >= PLEDGE_FROM]
    samples["log_response"] = array(rng.normal(-2.0, 0.3, (size, pledged.size)), pledge_year=pledged)
    samples["revision"] = array(rng.standard_t(4.0, (size, country.size)), country=country)
    return samples


def leadership_samples(countries: Sequence[str], size: int = SIZE, seed: int = SEED) -> Samples:
    """Return draws of the leadership model with effects of `countries` only; other countries are new to the fit."""
    rng = np.random.default_rng(seed)
    centers = {
        "intercept": -3.5,
        "country_sd": 0.5,
        "election": 2.0,
        "after": 1.8,
        "after_new": -1.8,
        "limited": 3.5,
        "before": 0.2,
        "offset": -0.5,
    }
    samples = {k: array(v * (1.0 + 0.05 * rng.normal(size=size))) for k, v in centers.items()}
    effects = rng.normal(0.0, 0.5, (size, len(countries)))
    samples["country_effect"] = array(effects, country=list(countries))
    bins = list(DURATION_BINS)
    samples["tenure"] = array(rng.normal(0.0, 0.1, (size, len(bins))), tenure_bin=bins)
    return samples


def cohesion_samples(size: int = SIZE, seed: int = SEED) -> Samples:
    """Return draws of the cohesion model for all years; the state of the last year is not neutral."""
    rng = np.random.default_rng(seed)
    years, grid = list(range(1985, 2026)), priors().grid
    subfactors = [sub for factor in FACTORS for sub in grid.factors[factor]]
    states = rng.normal(0.0, 0.5, (size, len(years), len(subfactors)))
    ends = np.cumsum([len(grid.factors[f]) for f in FACTORS])[:-1]
    means = [part.mean(axis=2) for part in np.split(states, ends, axis=2)]
    factors = np.stack(means, axis=2) + rng.normal(0.0, 0.3, (size, len(years), 4))
    factors[:, -1] += [0.3, 0.6, -0.8, 0.1]
    return {
        "factor_weights": array(rng.dirichlet([6, 6, 6, 6], size), factor=list(FACTORS)),
        "cut_lower": array(rng.normal(-0.25, 0.1, size)),
        "cut_gap": array(rng.lognormal(-0.47, 0.2, size)),
        "rater_sd": array(rng.lognormal(-1.386, 0.3, size)),
        "us_swing": array(rng.beta(2, 2, size)),
        "us_path_sd": array(rng.lognormal(0, 0.3, size)),
        "factor_state": array(factors, year=years, factor=list(FACTORS)),
        "subfactor_state": array(states, year=years, subfactor=subfactors),
    }


def all_samples(
    leaders: Sequence[str] = ("DEU", "FRA", "GBR"), size: int = SIZE, seed: int = SEED
) -> dict[str, Samples]:
    """Return draws of all models: three synthetic posteriors, the withdrawal prior, and the rates of alliance exit."""
    return {
        "spending": spending_samples(size, seed),
        "leadership": leadership_samples(leaders, size, seed),
        "withdrawal": prior_withdrawal(priors(), size, seed),
        "rates": alliance_exit.samples(priors(), tables(), size, seed),
        "cohesion": cohesion_samples(size, seed),
    }
