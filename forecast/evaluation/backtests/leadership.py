"""Back-tests of the leadership model: each January it says who will have gone, knowing no vote that was not due.

The model is fitted to the quarters before each origin, with one compilation for all. Votes to come are drawn from the
calendar as it stood: at term, or early with the chance that the projection uses. So the skill is that of a forecast,
not that of a model told when people voted.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache, partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.data.leaders import leader_quarters, leader_state
from forecast.data.tables import Tables, known_at
from forecast.evaluation.backtests.tasks import MODEL, Task, refit
from forecast.evaluation.baselines.leadership import (
    calendar_chance,
    constant_chance,
    country_chance,
    rate,
)
from forecast.evaluation.scoring import brier, log_score_binary
from forecast.inference.importance_sampling import MAX_PARETO_K, leave_one_out
from forecast.models.leadership import chance_of_change, draw_calendar
from forecast.names import POSTERIOR
from forecast.priors.load import Priors
from forecast.progress import Report
from forecast.quarters import quarter_number
from forecast.workspace.plan import FitSettings

ORIGINS: Final = tuple(range(2000, 2024))
HORIZONS: Final = (1, 2, 4, 8)  # quarters
_PATHS: Final = 2000
#: Quarters before an origin that are not learnt from: whether a vote was near was not known of them yet.
_UNKNOWN: Final = 2

Sampler = Callable[[Mapping[str, Any], Report], tuple[xr.Dataset, float]]


def leadership_tasks(
    tables: Tables,
    priors: Priors,
    settings: FitSettings,
    seed: int,
    origins: tuple[int, ...] = ORIGINS,
) -> list[Task]:
    """Changes of leader within 1, 2, 4 and 8 quarters from each January; and single quarters left out."""
    data = leader_quarters(tables)
    sample = _sampler(tables, priors, settings, seed)
    ahead = partial(_ahead, tables, priors, data, sample, seed, origins)
    return [
        Task(model="leadership", name="leaders_ahead", run=ahead),
        Task(model="leadership", name="leaders_loo", run=partial(_left_out, data, sample)),
    ]


def _sampler(tables: Tables, priors: Priors, settings: FitSettings, seed: int) -> Sampler:
    """A function from data vectors to draws and R-hat; the model is compiled at the first call."""

    @cache
    def compiled() -> Any:
        from forecast.inference.pymc_models.sampling import compile_model

        return compile_model("leadership", tables, priors)

    def sample(vectors: Mapping[str, Any], report: Report) -> tuple[xr.Dataset, float]:
        done = refit(compiled().with_data(**vectors), settings, seed, report)
        return done.tree[POSTERIOR].to_dataset(), done.diagnostics.rhat

    return sample


def counts(data: xr.Dataset, keep: Any) -> dict[str, Any]:
    """The data vectors of the model for the rows with `keep`."""
    from forecast.data.leaders import grouped

    cells = grouped(data, keep)
    return {name: cells[name].to_numpy() for name in ("quarters", "changes")}


def row_frame(data: xr.Dataset) -> pd.DataFrame:
    """The rows of `leader_quarters` with country and number of the quarter."""
    names = ("change", "election", "after", "before", "bin_of", "country_of")
    frame = pd.DataFrame({name: data[name].to_numpy() for name in names})
    frame["country"] = data["country"].to_numpy()[frame["country_of"]]
    frame["number"] = [quarter_number(q) for q in data["quarter"].to_numpy()]
    return frame


def _ahead(
    tables: Tables,
    priors: Priors,
    data: xr.Dataset,
    sample: Sampler,
    seed: int,
    origins: tuple[int, ...],
    report: Report,
) -> pd.DataFrame:
    """Rows of all origins."""
    rows = row_frame(data)
    pieces = []
    for i, year in enumerate(origins):
        report(f"{year}", i / len(origins))
        keep = rows["number"] < 4 * year - _UNKNOWN
        draws, rhat = sample(counts(data, keep), lambda what, part: None)
        state = leader_state(known_at(tables, date(year - 1, 12, 31)))
        rng = np.random.default_rng([seed, year])
        early = priors.value("leadership.early_election")
        calendar = draw_calendar(state, 4 * year, max(HORIZONS), early, _PATHS, rng)
        names = [str(c) for c in state.index]
        known = rows[keep]
        chances = {
            MODEL: chance_of_change(draws, state, calendar, rng),
            "electoral calendar": calendar_chance(known, calendar),
            "country rate": country_chance(known, names, max(HORIZONS)),
            "constant rate": constant_chance(known, names, max(HORIZONS)),
        }
        seen = seen_changes(rows, names, 4 * year)
        pieces += [_scored(who, chance, seen, names, year, rhat) for who, chance in chances.items()]
    return pd.concat(pieces, ignore_index=True)


def seen_changes(rows: pd.DataFrame, countries: list[str], first: int) -> dict[int, pd.Series]:
    """By horizon, whether the leader changed from quarter `first` on, for countries with every quarter on record."""
    out = {}
    for quarters in HORIZONS:
        inside = rows[(rows["number"] >= first) & (rows["number"] < first + quarters)]
        found = inside.groupby("country")["change"].agg(["max", "size"]).reindex(countries)
        out[quarters] = found["max"].where(found["size"] == quarters)
    return out


def _scored(
    who: str, chance: Any, seen: Mapping[int, pd.Series], names: list[str], year: int, rhat: float
) -> pd.DataFrame:
    """Rows of one forecaster at one origin."""
    pieces = []
    for quarters, observed in seen.items():
        there = observed.notna().to_numpy()
        p, y = chance[quarters - 1][there], observed[there].to_numpy(dtype=float)
        pieces.append(
            pd.DataFrame(
                {
                    "model": "leadership",
                    "target": "change of leader",
                    "forecaster": who,
                    "origin": str(year),
                    "horizon": quarters / 4,
                    "unit": np.array(names)[there],
                    "observed": y,
                    "p": p,
                    "brier": brier(p, y),
                    "log_score": log_score_binary(p, y),
                    "rhat": rhat,
                }
            )
        )
    return pd.concat(pieces, ignore_index=True)


def _left_out(data: xr.Dataset, sample: Sampler, report: Report) -> pd.DataFrame:
    """Each quarter foretold from all others, votes known: PSIS-LOO, and a fit without it where k is above .7."""
    rows = row_frame(data)
    everything = np.ones(len(rows), dtype=bool)
    draws, rhat = sample(counts(data, everything), report)
    elpd, pareto_k, _ = leave_one_out(log_likelihood(draws, rows))
    for row in np.flatnonzero(pareto_k > MAX_PARETO_K):
        keep = everything.copy()
        keep[row] = False
        refit, _ = sample(counts(data, keep), report)
        alone = log_likelihood(refit, rows.iloc[row : row + 1])
        elpd[row] = np.logaddexp.reduce(alone[..., 0], axis=None) - np.log(alone[..., 0].size)
    y = rows["change"].to_numpy(dtype=float)
    happened = np.exp(elpd)
    chances = {
        MODEL: np.where(y == 1.0, happened, 1.0 - happened),
        "constant rate": rate(y.sum() - y, len(y) - 1),
        "electoral calendar": _position_rates(rows),
    }
    pieces = [
        pd.DataFrame(
            {
                "model": "leadership",
                "target": "quarter left out",
                "forecaster": who,
                "origin": rows["number"].astype(str),
                "horizon": 0.25,
                "unit": rows["country"],
                "observed": y,
                "p": p,
                "brier": brier(p, y),
                "log_score": log_score_binary(p, y),
                "rhat": rhat,
                "pareto_k": pareto_k if who == MODEL else np.nan,
            }
        )
        for who, p in chances.items()
    ]
    return pd.concat(pieces, ignore_index=True)


def _position_rates(rows: pd.DataFrame) -> Any:
    """The rate of each row's electoral position, counted without that row."""
    position = rows.groupby(["election", "after", "before"])["change"]
    return rate(position.transform("sum") - rows["change"], position.transform("size") - 1)


def log_likelihood(draws: xr.Dataset, rows: pd.DataFrame) -> Any:
    """Log chance of what each row saw, by (chain, draw, row)."""
    near = (rows["election"] + rows["after"]).to_numpy()
    effect = draws["country_effect"].transpose("chain", "draw", "country").to_numpy()
    logit = draws["intercept"].to_numpy()[..., None] + effect[..., rows["country_of"]] * (
        1.0 + draws["offset"].to_numpy()[..., None] * near
    )
    for name in ("election", "after", "before"):
        logit += draws[name].to_numpy()[..., None] * rows[name].to_numpy()
    tenure = draws["tenure"].transpose("chain", "draw", "tenure_bin").to_numpy()
    logit += tenure[..., rows["bin_of"]]
    sign = 2.0 * rows["change"].to_numpy() - 1.0
    return -np.logaddexp(0.0, -sign * logit)
