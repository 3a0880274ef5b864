"""Back-test the leadership model: forecast each January who will have left office, without knowing undue elections.

The model is compiled once, and fitted to the quarters before each origin with the priors of that time. Elections to
come are drawn from the calendar known at the origin: at term, or early at the rates counted up to the origin. The skill
is therefore the skill of a forecast, not of a model that knows when people voted.
"""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.data.leaders import POSITIONS, grouped, leader_quarters, leader_state
from forecast.data.tables import Tables, known_at
from forecast.evaluation.backtests.tasks import MODEL, Refit, Task
from forecast.evaluation.baselines.leadership import (
    calendar_chance,
    constant_chance,
    country_chance,
    rate,
)
from forecast.evaluation.scoring import brier, log_score_binary
from forecast.inference.importance_sampling import MAX_PARETO_K, leave_one_out
from forecast.models.leadership import chance_of_change, draw_calendar, early_vote_rates, log_odds
from forecast.names import POSTERIOR
from forecast.priors.dated import priors_at
from forecast.priors.load import Priors
from forecast.progress import Report, silent
from forecast.quarters import quarter_number

ORIGINS: Final = tuple(range(2000, 2024))
HORIZONS: Final = (1, 2, 4, 8)  # quarters
_PATHS: Final = 2000  # draws of the electoral calendar
_PARAMETERS: Final = ("intercept", "offset", *POSITIONS, "country_effect", "tenure")


def leadership_tasks(
    tables: Tables,
    priors: Priors,
    refit: Refit,
    seed: int,
    origins: tuple[int, ...] = ORIGINS,
) -> list[Task]:
    """Return the tasks for changes of leader within 1, 2, 4 and 8 quarters of each January, and for single quarters."""
    ahead = partial(_ahead, tables, priors, refit, seed, origins)
    return [
        Task(model="leadership", name="leaders_ahead", run=ahead),
        Task(model="leadership", name="leaders_loo", run=partial(_left_out, leader_quarters(tables), priors, refit)),
    ]


def counts(data: xr.Dataset, keep: Any) -> dict[str, Any]:
    """Return the data vectors of the model for the rows that `keep` (row,) selects."""
    cells = grouped(data, keep)
    return {name: cells[name].to_numpy() for name in ("quarters", "changes")}


def row_frame(data: xr.Dataset) -> pd.DataFrame:
    """Return the rows of `leader_quarters` with the country and the number of the quarter."""
    names = ("change", *POSITIONS, "bin_of", "country_of")
    frame = pd.DataFrame({name: data[name].to_numpy() for name in names})
    frame["country"] = data["country"].to_numpy()[frame["country_of"]]
    frame["number"] = [quarter_number(q) for q in data["quarter"].to_numpy()]
    return frame


def _ahead(
    tables: Tables,
    priors: Priors,
    refit: Refit,
    seed: int,
    origins: tuple[int, ...],
    report: Report,
) -> pd.DataFrame:
    """Return the rows of all forecasters at all origins."""
    data = leader_quarters(tables)
    rows = row_frame(data)
    pieces = []
    for i, year in enumerate(origins):
        report(f"{year}", i / len(origins))
        keep = rows["number"] < 4 * year
        then, assumed = known_at(tables, date(year - 1, 12, 31)), priors_at(priors, year - 1)
        tree, rhat = refit(counts(data, keep), assumed, silent)
        state, early = leader_state(then), early_vote_rates(assumed, then)
        rng = np.random.default_rng([seed, year])
        calendar = draw_calendar(state, 4 * year, max(HORIZONS), early, _PATHS, rng)
        countries = [str(c) for c in state.index]
        known = rows[keep]
        chances = {
            MODEL: chance_of_change(tree[POSTERIOR].to_dataset(), state, calendar, rng),
            "electoral calendar": calendar_chance(known, calendar),
            "country rate": country_chance(known, countries, max(HORIZONS)),
            "constant rate": constant_chance(known, countries, max(HORIZONS)),
        }
        outcomes = seen_changes(rows, countries, 4 * year)
        for forecaster, chance in chances.items():
            scored = _scored(chance, outcomes, countries)
            pieces.append(scored.assign(forecaster=forecaster, origin=str(year), rhat=rhat))
    return pd.concat(pieces, ignore_index=True)


def seen_changes(rows: pd.DataFrame, countries: list[str], first: int) -> dict[int, pd.Series]:
    """Return by horizon whether each country's leader changed from quarter `first` on; NaN where a quarter is missing.

    `rows` is the output of `row_frame`; keys are the horizons in quarters.
    """
    outcomes = {}
    for quarters in HORIZONS:
        inside = rows[(rows["number"] >= first) & (rows["number"] < first + quarters)]
        changes = inside.groupby("country")["change"].agg(["max", "size"]).reindex(countries)
        outcomes[quarters] = changes["max"].where(changes["size"] == quarters)
    return outcomes


def _scored(chance: Any, outcomes: Mapping[int, pd.Series], countries: list[str]) -> pd.DataFrame:
    """Return the rows of one forecaster at one origin; `chance` is (quarter, country)."""
    pieces = []
    for quarters, observed in outcomes.items():
        known = observed.notna().to_numpy()
        p, y = chance[quarters - 1][known], observed[known].to_numpy(dtype=float)
        pieces.append(
            pd.DataFrame(
                {
                    "model": "leadership",
                    "target": "change of leader",
                    "horizon": quarters / 4,
                    "unit": np.array(countries)[known],
                    "observed": y,
                    "p": p,
                    "brier": brier(p, y),
                    "log_score": log_score_binary(p, y),
                }
            )
        )
    return pd.concat(pieces, ignore_index=True)


def _left_out(data: xr.Dataset, priors: Priors, refit: Refit, report: Report) -> pd.DataFrame:
    """Return the forecast of each quarter from all others, with elections known.

    The model's forecast is PSIS-LOO, or a fit without the quarter where Pareto k is above `MAX_PARETO_K`.
    """
    rows = row_frame(data)
    everything = np.ones(len(rows), dtype=bool)
    tree, rhat = refit(counts(data, everything), priors, report)
    elpd, pareto_k, _ = leave_one_out(log_likelihood(tree[POSTERIOR].to_dataset(), rows))
    for row in np.flatnonzero(pareto_k > MAX_PARETO_K):
        keep = everything.copy()
        keep[row] = False
        without, _ = refit(counts(data, keep), priors, report)
        density = log_likelihood(without[POSTERIOR].to_dataset(), rows.iloc[row : row + 1])[..., 0]
        elpd[row] = np.logaddexp.reduce(density, axis=None) - np.log(density.size)
    y = rows["change"].to_numpy(dtype=float)
    likelihood = np.exp(elpd)
    chances = {
        MODEL: np.where(y == 1.0, likelihood, 1.0 - likelihood),
        "constant rate": rate(y.sum() - y, len(y) - 1),
        "electoral calendar": _position_rates(rows),
    }
    pieces = [
        pd.DataFrame(
            {
                "model": "leadership",
                "target": "quarter left out",
                "forecaster": forecaster,
                "origin": rows["number"].astype(str),
                "horizon": 0.25,
                "unit": rows["country"],
                "observed": y,
                "p": p,
                "brier": brier(p, y),
                "log_score": log_score_binary(p, y),
                "rhat": rhat,
                "pareto_k": pareto_k if forecaster == MODEL else np.nan,
            }
        )
        for forecaster, p in chances.items()
    ]
    return pd.concat(pieces, ignore_index=True)


def _position_rates(rows: pd.DataFrame) -> Any:
    """Return the rate of each row's electoral position, counted without that row."""
    position = rows.groupby(["election", "after", "before"])["change"]
    return rate(position.transform("sum") - rows["change"], position.transform("size") - 1)


def log_likelihood(draws: xr.Dataset, rows: pd.DataFrame) -> Any:
    """Return the log probability of the outcome of each row (chain, draw, row)."""
    chains, size = draws.sizes["chain"], draws.sizes["draw"]
    pooled = {
        name: draws[name].transpose("chain", "draw", ...).to_numpy().reshape(chains * size, *draws[name].shape[2:])
        for name in _PARAMETERS
    }
    odds = log_odds(pooled, xr.Dataset.from_dataframe(rows))
    sign = 2.0 * rows["change"].to_numpy() - 1.0
    return -np.logaddexp(0.0, -sign * odds).reshape(chains, size, len(rows))
