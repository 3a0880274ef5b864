"""Back-tests of the withdrawal model: how many contingents are left, and which.

Two questions. A mission left out of the fit, so of an effect never seen: how many are left so many years after their
own entry. And missions running on a day, fitted to what was known that day: how many of those present are left so
many years on. Nobody is told of leaders, elections or ends of missions to come; the model takes their long-run share.

The end of a mission is censoring. A horizon is asked of a contingent only if its mission (and the tables) went on that
long; one whose own record breaks off before counts by whether it had left by then, and all forecasters speak of that
shorter time. So no forecaster gains from an end that nobody foretold.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.array_types import Floats
from forecast.data.as_of import as_of, mask_future
from forecast.data.deployments import mission_spells
from forecast.data.exposure import data_vectors
from forecast.data.tables import Tables
from forecast.evaluation.backtests.tasks import HITS, MODEL, Task, refit
from forecast.evaluation.baselines import withdrawal as baselines
from forecast.evaluation.baselines.withdrawal import SurvivalQuery, spell_frame
from forecast.evaluation.scoring import (
    brier,
    covered,
    crps,
    log_score_binary,
    log_score_counts,
    pit,
)
from forecast.inference.importance_sampling import MAX_PARETO_K, leave_one_out
from forecast.models.withdrawal import predict_exits
from forecast.names import POSTERIOR
from forecast.priors.load import Priors
from forecast.progress import Report
from forecast.quarters import quarter_clock
from forecast.random_streams import address
from forecast.workspace.plan import FitSettings

YEARS: Final = (1, 2, 3, 5)
#: Days before the Januaries of which forecasts are made: Iraq (three), Afghanistan (two), Resolute Support.
DAYS: Final = (
    date(2003, 12, 31),
    date(2004, 12, 31),
    date(2005, 12, 31),
    date(2008, 12, 31),
    date(2010, 12, 31),
    date(2019, 12, 31),
)
_SMALLEST: Final = 8  # contributors that a mission must have had
_FEWEST: Final = 4  # contingents that a horizon must be asked of
_DRAWS: Final = 1000

_UNSEEN: Final = {
    "Kaplan-Meier by framework": baselines.kaplan_meier_chance,
    "constant hazard by framework": baselines.constant_hazard,
    "Cox": baselines.cox_chance,
    "one past mission's curve": baselines.mission_climate,
}
_RUNNING: Final = _UNSEEN | {"last year's rate": baselines.last_year_rate}


@dataclass(frozen=True, kw_only=True, slots=True)
class MissionForecast:
    """One question: who is asked about, from when, how long each could be followed, and when each left (else inf)."""

    crew: pd.DataFrame
    since: Floats  # quarters since the year 0
    followed: Floats  # quarters: until the mission, the tables or its own record ended
    possible: Floats  # quarters until the mission or the tables ended
    left_at: Floats
    origin: str


def mission_tasks(
    tables: Tables,
    priors: Priors,
    settings: FitSettings,
    seed: int,
    missions: tuple[str, ...] | None = None,
    days: tuple[date, ...] = DAYS,
) -> list[Task]:
    """Missions left out one by one (those of `scored_missions` unless named); those running on a day; single spells."""
    spells = mission_spells(tables, priors)
    sample = _sampler(tables, priors, settings, seed)
    chosen = scored_missions(tables, spells) if missions is None else list(missions)
    left_out = {f"left_out_{m}": partial(_left_out, tables, spells, sample, seed, m) for m in chosen}
    as_of = {f"as_of_{day}": partial(_as_of, tables, spells, sample, seed, day) for day in days}
    return [
        *(Task(model="withdrawal", name=name, run=run) for name, run in {**left_out, **as_of}.items()),
        spell_task(spells, priors, sample),
    ]


def scored_missions(tables: Tables, spells: xr.Dataset) -> list[str]:
    """Missions with at least eight contributors, one exit, and four contingents that could stay for a year."""
    frame = baselines.spell_frame(spells)
    frame["long"] = _ends(tables, frame["mission"]) - frame["entry"] >= 4 * min(YEARS)
    by = frame.groupby("mission").agg(countries=("country", "nunique"), exits=("left", "sum"), long=("long", "sum"))
    large = (by["countries"] >= _SMALLEST) & (by["exits"] > 0)
    return sorted(by.index[large & (by["long"] >= _FEWEST)])


def _ends(tables: Tables, missions: Any) -> Floats:
    """When each mission ended, or the tables do; quarters since the year 0."""
    last = pd.Timestamp(tables.as_of)
    ends = missions.map(tables.missions.set_index("mission")["end"]).fillna(last)
    return quarter_clock(ends.where(ends <= last, last))


Sampler = Callable[[Mapping[str, Any]], tuple[xr.Dataset, float]]


def _sampler(tables: Tables, priors: Priors, settings: FitSettings, seed: int) -> Sampler:
    """A function from data vectors to draws and R-hat; the model is compiled at the first call."""

    @cache
    def compiled() -> Any:
        from forecast.inference.pymc_models.sampling import compile_model

        return compile_model("withdrawal", tables, priors)

    def sample(vectors: Mapping[str, Any]) -> tuple[xr.Dataset, float]:
        ready = compiled().with_data(**vectors)
        done = refit(ready, settings, seed, lambda what, part: None)
        return done.tree[POSTERIOR].to_dataset(), done.diagnostics.rhat

    return sample


def _left_out(
    tables: Tables, spells: xr.Dataset, sample: Sampler, seed: int, mission: str, report: Report
) -> pd.DataFrame:
    """Rows of one mission, left out."""
    frame = baselines.spell_frame(spells)
    report("fitting", 0.0)
    mine = (frame["mission"] == mission).to_numpy()
    draws, rhat = sample({"keep": np.where(mine, 0.0, 1.0)})
    rng = np.random.default_rng([seed, address(mission)])
    crew = frame[mine].reset_index(drop=True)
    entry = crew["entry"].to_numpy()
    last = int(np.floor(entry.max() + 4 * max(YEARS)))
    blind = mask_future(spells, float(entry.min()), last, joining=True)
    left_at = predict_exits(draws, blind, mission, last, rng, new_mission=True)
    case = mission_forecast_of(crew, entry, _ends(tables, crew["mission"]), mission)
    return _asked(case, left_at, frame[~mine], _UNSEEN, rng, "left out").assign(rhat=rhat)


def mission_forecast_of(crew: pd.DataFrame, since: Floats, end: Floats, origin: str) -> MissionForecast:
    """The question about all of `crew` (of `spell_frame`) from `since` on, in a mission that ended at `end`."""
    left = crew["left"].to_numpy(dtype=bool)
    stop = crew["end"].to_numpy()
    return MissionForecast(
        crew=crew,
        since=since,
        possible=end - since,
        followed=np.where(left, end, np.minimum(stop, end)) - since,
        left_at=np.where(left, stop, np.inf),
        origin=origin,
    )


def _as_of(tables: Tables, spells: xr.Dataset, sample: Sampler, seed: int, day: date, report: Report) -> pd.DataFrame:
    """Rows of every mission that ran with eight contingents on a day."""
    report("fitting", 0.0)
    now = float(quarter_clock(pd.Series([pd.Timestamp(day)]))[0])
    seen = as_of(spells, now)
    vectors = data_vectors(seen)
    draws, rhat = sample(vectors)
    rng = np.random.default_rng([seed, day.year])
    pieces = [
        _running(tables, spells, seen, draws, mission, now, rng) for mission in running_missions(tables, spells, now)
    ]
    return pd.concat(pieces, ignore_index=True).assign(rhat=rhat, origin=str(day.year + 1))


def running_missions(tables: Tables, spells: xr.Dataset, now: float) -> list[str]:
    """Missions not over at `now`, with eight contingents or more present."""
    frame = baselines.spell_frame(spells)
    there = frame[(frame["entry"] <= now) & (frame["end"] > now)]
    there = there[_ends(tables, there["mission"]) > now]
    sizes = there.groupby("mission").size()
    return sorted(sizes.index[sizes >= _SMALLEST])


def _running(
    tables: Tables,
    spells: xr.Dataset,
    seen: xr.Dataset,
    draws: xr.Dataset,
    mission: str,
    now: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Rows of one mission on one day; all forecasters know `seen`, the truth is in `spells`."""
    last = int(np.floor(now + 4 * max(YEARS)))
    entered = spells["entry"].to_numpy() <= now
    blind = mask_future(spells, now, last).isel(spell=entered)
    left_at = predict_exits(draws, blind, mission, last, rng, new_mission=False, since=now)
    frame, known = baselines.spell_frame(spells), baselines.spell_frame(seen)
    train = known[known["entry"] <= now].assign(end=lambda x: x["end"].clip(upper=now))
    train["years"] = (train["end"] - train["entry"]) / 4.0
    crew = frame[entered & (frame["mission"] == mission)]
    there = (crew["end"] > now).to_numpy()
    crew = crew[there].reset_index(drop=True)
    case = mission_forecast_of(crew, np.full(len(crew), now), _ends(tables, crew["mission"]), "")
    return _asked(case, left_at[:, there], train, _RUNNING, rng, "as of a day")


Baseline = Callable[[pd.DataFrame, SurvivalQuery, int, np.random.Generator], Floats]


def _asked(
    case: MissionForecast,
    left_at: Floats,
    train: pd.DataFrame,
    others: Mapping[str, Baseline],
    rng: np.random.Generator,
    question: str,
) -> pd.DataFrame:
    """Rows of model and baselines at every horizon that enough contingents could be followed for."""
    pieces = []
    for year in YEARS:
        asked = np.flatnonzero(case.possible >= 4.0 * year)
        if len(asked) < _FEWEST:
            continue
        until = case.since + np.minimum(4.0 * year, case.followed)
        stayed = (case.left_at > until)[asked]
        there = {MODEL: (left_at > until)[:, asked]}
        ask = SurvivalQuery(
            crew=case.crew.iloc[asked],
            served=(case.since - case.crew["entry"].to_numpy())[asked] / 4.0,
            ahead=(until - case.since)[asked] / 4.0,
        )
        for name, forecast in others.items():
            chance = forecast(train, ask, _DRAWS, rng)
            there[name] = rng.random(chance.shape) < chance
        pieces += [
            part.assign(model="withdrawal", forecaster=who, origin=case.origin, horizon=float(year))
            for who, samples in there.items()
            for part in _scored(samples, stayed, case.crew.iloc[asked], rng, question)
        ]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame()


def _scored(
    samples: Any, stayed: Any, crew: pd.DataFrame, rng: np.random.Generator, question: str
) -> list[pd.DataFrame]:
    """One row for the count, and one for each contingent; `samples` (draw, contingent) says who is there."""
    mission = str(crew["mission"].iloc[0])
    count, left, size = samples.sum(axis=1), stayed.sum(), len(stayed)
    place = float(pit(count, left, rng.random()))
    whole = pd.DataFrame(
        {
            "target": f"number left, {question}",
            "unit": [mission],
            "observed": float(left),
            "size": size,
            "forecast": count.mean(),
            "crps": crps(count, left),
            "log_score": log_score_counts(count, left, size),
            "pit": place,
            **{name: bool(covered(place, level)) for name, level in HITS.items()},
        }
    )
    # one more draw each way: a chance from so many samples is not known to be 0 or 1
    p = (samples.sum(axis=0) + 0.5) / (samples.shape[0] + 1.0)
    spell = crew.groupby("country").cumcount() + 1  # some came twice
    names = mission + ":" + crew["country"].to_numpy() + ":" + spell.astype(str).to_numpy()
    each = pd.DataFrame(
        {
            "target": f"contingent there, {question}",
            "unit": names,
            "observed": stayed.astype(float),
            "p": p,
            "brier": brier(p, stayed),
            "log_score": log_score_binary(p, stayed),
        }
    )
    return [whole, each]


def spell_task(spells: xr.Dataset, priors: Priors, sample: Sampler) -> Task:
    """The model beside constant rates of the framework, by cause."""
    run = partial(_rows, spells, priors, sample)
    return Task(model="withdrawal", name="contingents_loo", run=run)


def _rows(spells: xr.Dataset, priors: Priors, sample: Sampler, report: Report) -> pd.DataFrame:
    from forecast.inference.pymc_models.withdrawal import spell_log_likelihood

    report("fitting", 0.0)
    everything = np.ones(spells.sizes["spell"])
    draws, rhat = sample({"keep": everything})
    elpd, pareto_k, _ = leave_one_out(spell_log_likelihood(spells, priors, draws))
    far = np.flatnonzero(pareto_k > MAX_PARETO_K)
    for i, spell in enumerate(far):
        report(f"refit {i + 1} of {len(far)}", (i + 1) / (len(far) + 1))
        keep = everything.copy()
        keep[spell] = 0.0
        refit, _ = sample({"keep": keep})
        alone = spell_log_likelihood(spells, priors, refit)[..., spell]
        elpd[spell] = np.logaddexp.reduce(alone, axis=None) - np.log(alone.size)
    frame = spell_frame(spells)
    number = (frame.groupby(["mission", "country"]).cumcount() + 1).astype(str)
    common = {
        "model": "withdrawal",
        "target": "contingent left out",
        "origin": frame["mission"],
        "horizon": 0.0,
        "unit": frame["mission"] + ":" + frame["country"] + ":" + number,
        "observed": frame["left"].astype(float),
    }
    scores = {MODEL: -elpd, "constant rates by framework": -constant_log_likelihood(spells)}
    pieces = [
        pd.DataFrame(
            {
                **common,
                "forecaster": who,
                "log_score": score,
                "rhat": rhat,
                "pareto_k": pareto_k if who == MODEL else np.nan,
                "refitted": pareto_k > MAX_PARETO_K,
            }
        )
        for who, score in scores.items()
    ]
    return pd.concat(pieces, ignore_index=True)


def constant_log_likelihood(spells: xr.Dataset) -> Floats:
    """Log-likelihood of each spell at the rates of its framework by cause, counted without it, by the same rule.

    A rate is the sum of the chances of its cause over exits, and a half, over quarters of exposure.
    """
    of, inside = spells["spell_of"].to_numpy(), spells["in_bracket"].to_numpy()
    length, size = spells["length"].to_numpy(), spells.sizes["spell"]
    before, within = (np.bincount(of, length * part, size) for part in (~inside, inside))
    vectors = data_vectors(spells)
    exact, bracketed, p = (vectors[name] for name in ("exact", "bracketed", "p_defect"))
    left = exact + bracketed
    framework = spell_frame(spells)["framework"]

    def others(values: Floats) -> Floats:
        return np.asarray(pd.Series(values).groupby(framework).transform("sum") - values)

    exposure = others(before + within / 2.0)
    defection, planned = ((others(left * chance) + 0.5) / exposure for chance in (p, 1.0 - p))
    both, coded = defection + planned, p * defection + (1.0 - p) * planned
    bracket = np.log(np.where(bracketed > 0, -np.expm1(-both * within) * coded / both, 1.0))
    return np.asarray(-both * before + exact * np.log(coded) + bracketed * bracket)
