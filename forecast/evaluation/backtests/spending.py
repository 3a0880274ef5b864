"""Back-test of the spending model: each December it says where shares of GDP go, knowing the editions of that day.

Origins before 2014 are forecast and judged on the World Bank's basis throughout, later ones (of allies) on NATO's: a
horizon never crosses from one to the other. What NATO first printed for an origin is where its forecasts start; today's
edition says what happened. The model is fitted anew at each origin to what was known, with one compilation for all.
The log score at one year, of these refits, is the leave-future-out log predictive density.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import NATO_FROM
from forecast.data.spending import spending_panel
from forecast.data.tables import Tables, known_at
from forecast.evaluation.backtests.tasks import HITS, MODEL, Task, refit
from forecast.evaluation.baselines.spending import (
    History,
    automatic_forecasts,
    history_of,
    simple_forecasts,
)
from forecast.evaluation.scoring import covered, crps, pit
from forecast.inference.draws import draws_by_name
from forecast.models.spending import spending_paths
from forecast.priors.load import Priors
from forecast.progress import Report
from forecast.workspace.plan import FitSettings

ORIGINS: Final = tuple(range(2005, 2024))
HORIZONS: Final = (1, 2, 3, 5)  # years
_SAMPLES: Final = 1000
_KERNEL_TAILS: Final = 4.0  # degrees of freedom of the kernels of a density from samples
_NARROWEST: Final = 1e-3  # log points: the least width of a kernel


Sampler = Callable[[xr.Dataset], tuple[xr.DataTree, float]]
Forecaster = Callable[["ForecastOrigin", np.random.Generator], tuple[dict[str, Floats], float]]


def spending_tasks(
    tables: Tables,
    priors: Priors,
    settings: FitSettings,
    seed: int,
    origins: tuple[int, ...] = ORIGINS,
) -> list[Task]:
    """Shares of GDP one, two, three and five years after each origin: the model, the baselines, the automatic ones."""
    sample = _sampler(tables, priors, settings, seed)
    forecasters: dict[str, Forecaster] = {
        "spending_ahead": partial(_by_model, sample, priors),
        "spending_baselines": partial(_by_rule, simple_forecasts, priors),
        "spending_automatic": partial(_by_rule, automatic_forecasts, priors),
    }
    return [
        Task(
            model="spending",
            name=name,
            run=partial(_rows, tables, priors, forecaster, seed, origins),
        )
        for name, forecaster in forecasters.items()
    ]


def _rows(
    tables: Tables,
    priors: Priors,
    forecaster: Forecaster,
    seed: int,
    origins: tuple[int, ...],
    report: Report,
) -> pd.DataFrame:
    """Rows of one kind of forecaster at all origins."""
    pieces = []
    for i, origin in enumerate(origins):
        report(f"{origin}", i / len(origins))
        place = origin_at(tables, priors, origin)
        forecasts, rhat = forecaster(place, np.random.default_rng([seed, origin]))
        pieces += [scored(who, paths, place, rhat) for who, paths in forecasts.items()]
    return pd.concat(pieces, ignore_index=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastOrigin:
    """An origin: the panel as it stood, the countries forecast with their membership of NATO, and what came after.

    `seen` is the log share by country and year, in the basis of the origin.
    """

    origin: int
    panel: xr.Dataset
    countries: list[str]
    member: NDArray[np.bool_]
    seen: pd.DataFrame


def origin_at(tables: Tables, priors: Priors, origin: int) -> ForecastOrigin:
    """What was known at the end of the year `origin`."""
    panel = spending_panel(tables_at(tables, origin), priors)
    there = panel["last_year"].to_numpy() == origin
    countries = [str(c) for c in panel["country"].to_numpy()[there]]
    member = tables.was_ally(pd.Series(countries), pd.Series(origin, range(len(countries)))).to_numpy()
    return ForecastOrigin(
        origin=origin,
        panel=panel,
        countries=countries,
        member=member,
        seen=outcomes(tables, origin),
    )


def outcomes(tables: Tables, origin: int) -> pd.DataFrame:
    """Log shares by country and year in today's edition of the one basis on which an origin is judged."""
    spent = tables.defence_spending
    allied = spent["country"].isin(spent.loc[spent["basis"] == "nato", "country"])
    basis = np.where(allied & (origin >= NATO_FROM), "nato", "wdi")
    one = spent[spent["basis"] == basis]
    shares: pd.DataFrame = one.pivot(index="country", columns="year", values="share_gdp")
    return shares.map(np.log)


def tables_at(tables: Tables, origin: int) -> Tables:
    """The tables known at the end of the year `origin`, with the figures of NATO as first printed.

    A country's figures are those of the first edition that covers the origin and the year before (the first that
    bundled tables hold may be later than the origin); the last of them is that of an edition already out, where there
    is one. Growth of GDP is today's edition: the tables hold no other.
    """
    known = known_at(tables, date(origin, 12, 31))
    if origin < NATO_FROM:
        return known
    editions = tables.defence_spending_vintages
    printed = [
        _first_printed(editions[editions["country"] == country], origin) for country in sorted(set(editions["country"]))
    ]
    covered_by = pd.concat(printed) if printed else editions.iloc[:0]
    spent = known.defence_spending
    replaced = (spent["basis"] == "nato") & spent["country"].isin(covered_by["country"])
    columns = list(spent.columns)
    both = pd.concat([spent[~replaced], covered_by[columns]]).sort_values(["country", "year", "basis"])
    return dataclasses.replace(known, defence_spending=both.reset_index(drop=True))


def _first_printed(editions: pd.DataFrame, origin: int) -> pd.DataFrame:
    """One country's figures to the year `origin`; no row where no edition covers it."""
    needed = {origin, max(NATO_FROM, origin - 1)}
    years = {str(vintage): set(rows["year"]) for vintage, rows in editions.groupby("vintage")}
    whole = [vintage for vintage, there in years.items() if needed <= there]
    if not whole:
        return editions.head(0)
    first = editions[(editions["vintage"] == min(whole)) & (editions["year"] <= origin)]
    out = editions[(editions["year"] == origin) & (editions["vintage"] <= f"{origin}-12")]
    if out.empty:
        return first
    latest = out[out["vintage"] == out["vintage"].max()]
    joined: pd.DataFrame = pd.concat([first[first["year"] < origin], latest])
    return joined


def _by_model(
    sample: Sampler, priors: Priors, place: ForecastOrigin, rng: np.random.Generator
) -> tuple[dict[str, Floats], float]:
    """The model, fitted to the panel of the origin."""
    tree, rhat = sample(place.panel)
    draws = draws_by_name(tree, _SAMPLES, rng)
    panel = place.panel.sel(country=place.countries)
    return {MODEL: spending_paths(draws, panel, place.member, priors, max(HORIZONS), rng)}, rhat


def _by_rule(
    rule: Callable[[History, int, int, np.random.Generator], dict[str, Floats]],
    priors: Priors,
    place: ForecastOrigin,
    rng: np.random.Generator,
) -> tuple[dict[str, Floats], float]:
    """Baselines, from the same past; they have no chains."""
    mark = float(np.log(priors.value("spending.pledge_2025")))
    past = history_of(place.panel, place.countries, place.member, mark)
    return rule(past, max(HORIZONS), _SAMPLES, rng), float("nan")


def _sampler(tables: Tables, priors: Priors, settings: FitSettings, seed: int) -> Sampler:
    """A function from a panel to its fit and R-hat; the model is compiled at the first call."""

    @cache
    def compiled() -> tuple[Any, xr.Dataset]:
        from forecast.inference.pymc_models.sampling import compile_model

        return compile_model("spending", tables, priors), spending_panel(tables, priors)

    def sample(panel: xr.Dataset) -> tuple[xr.DataTree, float]:
        from forecast.data.spending import vectors_on_grid

        model, grid = compiled()
        vectors = {f"{name}_seen": values for name, values in vectors_on_grid(panel, grid).items()}
        done = refit(model.with_data(**vectors), settings, seed, lambda what, part: None)
        return done.tree, done.diagnostics.rhat

    return sample


def scored(who: str, paths: Floats, place: ForecastOrigin, rhat: float) -> pd.DataFrame:
    """Rows of one forecaster at one origin, of all horizons whose outcome is known."""
    pieces = []
    for horizon in HORIZONS:
        year = place.origin + horizon
        if year not in place.seen:
            continue
        seen = place.seen[year].reindex(place.countries).to_numpy()
        there = np.isfinite(seen)
        samples, y = paths[there, horizon - 1], seen[there]
        where = pit(samples, y, 0.5)
        pieces.append(
            pd.DataFrame(
                {
                    "model": "spending",
                    "target": "log share of GDP",
                    "forecaster": who,
                    "origin": str(place.origin),
                    "horizon": float(horizon),
                    "unit": np.array(place.countries)[there],
                    "observed": y,
                    "crps": crps(samples, y),
                    "log_score": -log_density(samples, y),
                    "pit": where,
                    "rhat": rhat,
                    **{name: covered(where, level) for name, level in HITS.items()},
                }
            )
        )
    return pd.concat(pieces, ignore_index=True)


def log_density(samples: Floats, observed: Floats) -> Floats:
    """Log density at `observed` (...) of the distribution that `samples` (..., S) are drawn from.

    Student-t(4) kernels, so that what lies beyond all samples costs much but not everything; their width is that of
    Silverman 1986, equation 3.31, from the interquartile range.
    """
    from scipy.stats import t

    low, high = np.quantile(samples, [0.25, 0.75], axis=-1)
    width = np.maximum(_NARROWEST, 0.9 * (high - low) / 1.34 * samples.shape[-1] ** -0.2)
    z = (observed[..., None] - samples) / width[..., None]
    return np.asarray(np.log(t.pdf(z, _KERNEL_TAILS).mean(axis=-1)) - np.log(width))
