"""Back-test the spending model: forecast shares of GDP each December from what was known on that day.

Origins before 2014 are forecast and judged on the World Bank's basis. Later origins of allies use NATO's basis. No
horizon crosses from one basis to the other. Forecasts start from the figures that NATO first published for the origin;
today's edition supplies the outcome. The model is refitted at each origin to what was known then, but compiled once.
The priors of an origin are those of `forecast.priors.dated`, which have not seen what came later. The log score at one
year of these refits is the leave-future-out log predictive density.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import NATO_FROM
from forecast.data.spending import spending_panel, vectors_on_grid
from forecast.data.tables import Tables, known_at
from forecast.evaluation.backtests.announcements import Case, case_at, record_of, updated_paths
from forecast.evaluation.backtests.tasks import HITS, MODEL, Refit, Task
from forecast.evaluation.baselines.spending import (
    History,
    automatic_forecasts,
    history_of,
    simple_forecasts,
)
from forecast.evaluation.scoring import covered, crps, energy_score, pit, variogram_score
from forecast.evaluation.stacking import Distances, distances, mixture, stacking_weights
from forecast.inference.draws import draws_by_name
from forecast.models.spending import spending_paths
from forecast.priors.dated import priors_at
from forecast.priors.load import Priors
from forecast.progress import Report, silent

ORIGINS: Final = tuple(range(2005, 2024))
HORIZONS: Final = (1, 2, 3, 5)  # years
STACKED: Final = "stacked"
#: Forecasters that are stacked with the model; they persist where the model reverts to targets and pledges.
_STACKED_WITH: Final = ("pooled drift", "pooled AR")
#: Groups of countries that are compared apart; membership is that at the origin.
MEMBERS, OTHERS = "NATO members", "other countries"
JOINT_TARGET: Final = "log share of GDP, allies together"
_SAMPLES: Final = 1000  # of each forecast
_KERNEL_TAILS: Final = 4.0  # degrees of freedom of the kernels that estimate a density from samples
_NARROWEST: Final = 1e-3  # smallest width of a kernel, in log points
#: The forecaster that updates the model's samples with the announced budgets that were known.
WITH_PLANS: Final = "model with announced plans"


#: Returns samples (country, year, sample) of the log share by forecaster, and the R-hat of the fit behind them.
Forecaster = Callable[["ForecastOrigin", np.random.Generator], tuple[dict[str, Floats], float]]


def spending_tasks(
    tables: Tables,
    priors: Priors,
    refit: Refit,
    seed: int,
    origins: tuple[int, ...] = ORIGINS,
) -> list[Task]:
    """Return the tasks for shares of GDP 1, 2, 3 and 5 years ahead: the model, simple and automatic baselines."""

    def with_model() -> Forecaster:
        model = partial(_by_model, refit, spending_panel(tables, priors))
        return _Stacker(partial(_by_model_and_plans, model, tables, {}))

    # made when a task runs: the first collects what it has forecast, so each run of it needs a new one
    forecasters: dict[str, Callable[[], Forecaster]] = {
        "spending_ahead": with_model,
        "spending_baselines": lambda: partial(_by_rule, simple_forecasts),
        "spending_automatic": lambda: partial(_by_rule, automatic_forecasts),
    }

    def rows(name: str, report: Report) -> pd.DataFrame:
        return _rows(tables, priors, forecasters[name](), seed, origins, report)

    return [Task(model="spending", name=name, run=partial(rows, name)) for name in forecasters]


def _rows(
    tables: Tables,
    priors: Priors,
    forecaster: Forecaster,
    seed: int,
    origins: tuple[int, ...],
    report: Report,
) -> pd.DataFrame:
    """Return the rows of one forecaster, or one family of them, at all origins."""
    pieces = []
    for i, year in enumerate(origins):
        report(f"{year}", i / len(origins))
        origin = origin_at(tables, priors_at(priors, year), year)
        forecasts, rhat = forecaster(origin, np.random.default_rng([seed, year]))
        pieces += [scored(name, paths, origin, rhat) for name, paths in forecasts.items()]
    return pd.concat(pieces, ignore_index=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastOrigin:
    """Hold what was known at an origin, the countries forecast, and their outcomes.

    `panel` and `priors` hold what was known then. `member` says which of `countries` were in NATO. `outcomes` holds the
    log share by country (rows) and year (columns), in the basis of the origin.
    """

    origin: int
    priors: Priors
    panel: xr.Dataset
    countries: list[str]
    member: NDArray[np.bool_]
    outcomes: pd.DataFrame


def origin_at(tables: Tables, priors: Priors, origin: int) -> ForecastOrigin:
    """Return what was known at the end of the year `origin`, with the outcomes after it."""
    panel = spending_panel(tables_at(tables, origin), priors)
    current = panel["last_year"].to_numpy() == origin
    countries = [str(c) for c in panel["country"].to_numpy()[current]]
    member = tables.was_ally(pd.Series(countries), pd.Series(origin, range(len(countries)))).to_numpy()
    return ForecastOrigin(
        origin=origin,
        priors=priors,
        panel=panel,
        countries=countries,
        member=member,
        outcomes=outcomes(tables, origin),
    )


def outcomes(tables: Tables, origin: int) -> pd.DataFrame:
    """Return log shares by country and year, from today's edition, in the one basis on which an origin is judged."""
    spending = tables.defence_spending
    allied = spending["country"].isin(spending.loc[spending["basis"] == "nato", "country"])
    basis = np.where(allied & (origin >= NATO_FROM), "nato", "wdi")
    judged = spending[(spending["basis"] == basis) & (spending["share_gdp"] > 0)]
    shares: pd.DataFrame = judged.pivot(index="country", columns="year", values="share_gdp")
    return shares.map(np.log)


def tables_at(tables: Tables, origin: int) -> Tables:
    """Return the tables known at the end of the year `origin`, with NATO's figures as first published.

    The figures of a country come from the first edition that covers the origin and the year before. That edition may
    be later than the origin, because the bundled tables hold few editions. The figure of the origin comes from an
    edition already published then, where one exists. Growth of GDP is from today's edition; the tables hold no other.
    """
    known = known_at(tables, date(origin, 12, 31))
    if origin < NATO_FROM:
        return known
    editions = tables.defence_spending_vintages
    published = [
        _first_published(editions[editions["country"] == country], origin)
        for country in sorted(set(editions["country"]))
    ]
    replacement = pd.concat(published) if published else editions.iloc[:0]
    spending = known.defence_spending
    replaced = (spending["basis"] == "nato") & spending["country"].isin(replacement["country"])
    columns = list(spending.columns)
    both = pd.concat([spending[~replaced], replacement[columns]]).sort_values(["country", "year", "basis"])
    return dataclasses.replace(known, defence_spending=both.reset_index(drop=True))


def _first_published(editions: pd.DataFrame, origin: int) -> pd.DataFrame:
    """Return the figures of one country up to the year `origin`; no row where no edition covers it."""
    needed = {origin, max(NATO_FROM, origin - 1)}
    years = {str(vintage): set(rows["year"]) for vintage, rows in editions.groupby("vintage")}
    covering = [vintage for vintage, covered_years in years.items() if needed <= covered_years]
    if not covering:
        return editions.head(0)
    first = editions[(editions["vintage"] == min(covering)) & (editions["year"] <= origin)]
    available = editions[(editions["year"] == origin) & (editions["vintage"] <= f"{origin}-12")]
    if available.empty:
        return first
    latest = available[available["vintage"] == available["vintage"].max()]
    joined: pd.DataFrame = pd.concat([first[first["year"] < origin], latest])
    return joined


def _by_model(
    refit: Refit, grid: xr.Dataset, origin: ForecastOrigin, rng: np.random.Generator
) -> tuple[dict[str, Floats], float]:
    """Return the paths of the model fitted to the origin's panel, put on the `grid` that it is compiled on."""
    vectors = {f"{name}_seen": values for name, values in vectors_on_grid(origin.panel, grid).items()}
    tree, rhat = refit(vectors, origin.priors, silent)
    draws = draws_by_name(tree, _SAMPLES, rng)
    panel = origin.panel.sel(country=origin.countries)
    return {MODEL: spending_paths(draws, panel, origin.member, origin.priors, max(HORIZONS), rng)}, rhat


def _by_model_and_plans(
    model: Forecaster,
    tables: Tables,
    cases: dict[int, Case],
    origin: ForecastOrigin,
    rng: np.random.Generator,
) -> tuple[dict[str, Floats], float]:
    """Return the paths of the model, and the same paths updated with announcements; `cases` collects all origins."""
    forecasts, rhat = model(origin, rng)
    paths, known = forecasts[MODEL], tables_at(tables, origin.origin)
    case = case_at(origin.origin, origin.countries, paths, known, origin.priors)
    earlier = [past for year, past in cases.items() if year < origin.origin]
    record = record_of(earlier, partial(outcomes, known), origin.origin)
    cases[origin.origin] = case
    return {**forecasts, WITH_PLANS: updated_paths(case, record, paths, origin.priors, rng.spawn(1)[0])}, rhat


def _by_rule(
    rule: Callable[[History, int, int, np.random.Generator], dict[str, Floats]],
    origin: ForecastOrigin,
    rng: np.random.Generator,
) -> tuple[dict[str, Floats], float]:
    """Return the paths of the baselines of `rule` from the same history; they have no R-hat (NaN)."""
    pledge = float(np.log(origin.priors.value("spending.pledge_2025")))
    history = history_of(origin.panel, origin.countries, origin.member, pledge)
    return rule(history, max(HORIZONS), _SAMPLES, rng), float("nan")


class _Stacker:
    """Add the stack of the model and simple baselines to the model's forecasts, origin by origin.

    The weights of a horizon are learnt from the forecasts of earlier origins whose outcomes were known by then.
    """

    def __init__(self, by_model: Forecaster) -> None:
        """Start without any past forecast of the model that `by_model` returns."""
        self.by_model = by_model
        self.past: dict[int, list[Distances]] = {horizon: [] for horizon in HORIZONS}

    def __call__(self, origin: ForecastOrigin, rng: np.random.Generator) -> tuple[dict[str, Floats], float]:
        """Return the paths of the model and of the stack, and the R-hat of the fit."""
        forecasts, rhat = self.by_model(origin, rng)
        others, _ = _by_rule(simple_forecasts, origin, rng)
        samples = np.stack([forecasts[MODEL], *(others[name] for name in _STACKED_WITH)])
        stacked = np.full_like(forecasts[MODEL], np.nan)
        for horizon, past in self.past.items():
            year, ahead = origin.origin + horizon, samples[:, :, horizon - 1]
            weights = stacking_weights(past, origin.origin, len(samples))
            stacked[:, horizon - 1] = mixture(ahead, weights, rng)
            if year in origin.outcomes:
                observed = origin.outcomes[year].reindex(origin.countries).to_numpy()
                known = np.isfinite(observed)
                past.append(distances(ahead[:, known], observed[known], year))
        return forecasts | {STACKED: stacked}, rhat


def scored(forecaster: str, paths: Floats, origin: ForecastOrigin, rhat: float) -> pd.DataFrame:
    """Return the rows of one forecaster at one origin, for all horizons with a known outcome.

    `paths` (country, year, sample) holds the log share in the years after the origin.
    """
    pieces = []
    for horizon in HORIZONS:
        year = origin.origin + horizon
        if year not in origin.outcomes:
            continue
        observed = origin.outcomes[year].reindex(origin.countries).to_numpy()
        known = np.isfinite(observed)
        samples, y = paths[known, horizon - 1], observed[known]
        if joint := _joint_scores(samples[origin.member[known]], y[origin.member[known]]):
            common = {"model": "spending", "forecaster": forecaster, "origin": str(origin.origin)}
            pieces.append(pd.DataFrame([{**common, "horizon": float(horizon), "rhat": rhat, **joint}]))
        place = pit(samples, y, 0.5)
        pieces.append(
            pd.DataFrame(
                {
                    "model": "spending",
                    "target": "log share of GDP",
                    "forecaster": forecaster,
                    "origin": str(origin.origin),
                    "horizon": float(horizon),
                    "unit": np.array(origin.countries)[known],
                    "group": np.where(origin.member, MEMBERS, OTHERS)[known],
                    "observed": y,
                    "crps": crps(samples, y),
                    "log_score": -log_density(samples, y),
                    "pit": place,
                    "rhat": rhat,
                    **{name: covered(place, level).astype(float) for name, level in HITS.items()},
                }
            )
        )
    return pd.concat(pieces, ignore_index=True)


def _joint_scores(samples: Floats, observed: Floats) -> dict[str, Any]:
    """Return the row of the joint forecast (ally, sample) of all allies; empty for fewer than two allies.

    It has no outcome of its own: `observed` is the mean over the allies.
    """
    if len(observed) < 2:
        return {}
    return {
        "target": JOINT_TARGET,
        "unit": "all allies",
        "observed": float(observed.mean()),
        "energy": energy_score(samples, observed),
        "variogram": variogram_score(samples, observed),
    }


def log_density(samples: Floats, observed: Floats) -> Floats:
    """Return the log density at `observed` (...) of the distribution that `samples` (..., S) are drawn from.

    The density is a sum of Student-t(4) kernels, so an outcome beyond all samples has a low density but not zero. The
    kernel width follows Silverman (1986), equation 3.31, computed from the interquartile range.
    """
    from scipy.stats import t

    low, high = np.quantile(samples, [0.25, 0.75], axis=-1)
    width = np.maximum(_NARROWEST, 0.9 * (high - low) / 1.34 * samples.shape[-1] ** -0.2)
    z = (observed[..., None] - samples) / width[..., None]
    return np.asarray(np.log(t.pdf(z, _KERNEL_TAILS).mean(axis=-1)) - np.log(width))
