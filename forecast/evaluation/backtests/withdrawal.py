"""Back-test the withdrawal model: forecast how many contingents remain in a mission, and which.

We ask two questions. First, for a mission left out of the fit, whose effect is therefore unknown: how many contingents
remain a number of years after their own entry? Second, for missions running on a day, with a fit to what was known
then: how many of those present remain after a number of years? No forecaster is given future leaders, elections or
mission end dates; the model uses their long-run averages.

The end of a mission is censoring. We score a contingent at a horizon only if its mission and our data extend that far.
A contingent whose own record ends earlier counts by whether it had left by then, and all forecasters forecast that
shorter time. No forecaster therefore gains from a mission end that it could not know.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.array_types import Floats
from forecast.data.as_of import as_of, mask_future
from forecast.data.deployments import mission_spells
from forecast.data.exposure import data_vectors
from forecast.data.tables import Tables
from forecast.evaluation.backtests.pooling import CURVE, POOL, pooled_draws
from forecast.evaluation.backtests.tasks import HITS, MODEL, Refit, Task
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
from forecast.models.withdrawal import Curve, predict_exits
from forecast.names import POSTERIOR
from forecast.priors.dated import priors_at
from forecast.priors.load import Priors
from forecast.progress import Report, silent
from forecast.quarters import quarter_clock
from forecast.random_streams import address

YEARS: Final = (1, 2, 3, 5)  # horizons
#: Days before the Januaries at which forecasts are made: Iraq (three), Afghanistan (two), Resolute Support.
DAYS: Final = (
    date(2003, 12, 31),
    date(2004, 12, 31),
    date(2005, 12, 31),
    date(2008, 12, 31),
    date(2010, 12, 31),
    date(2019, 12, 31),
)
_SMALLEST: Final = 8  # fewest contributors of a mission that is scored
_FEWEST: Final = 4  # fewest contingents scored at a horizon
_DRAWS: Final = 1000  # of each baseline

_UNSEEN: Final = {
    "Kaplan-Meier by framework": baselines.kaplan_meier_chance,
    "constant hazard by framework": baselines.constant_hazard,
    "Cox": baselines.cox_chance,
    "one past mission's curve": baselines.mission_climate,
}
_RUNNING: Final = _UNSEEN | {"last year's rate": baselines.last_year_rate}


@dataclass(frozen=True, kw_only=True, slots=True)
class MissionForecast:
    """Hold the contingents of one mission to forecast, from when, and how long each could be followed.

    `contingents` has the columns of `spell_frame`; every array has one element per contingent. `since` is in quarters
    since the year 0, and `followed` and `possible` are lengths in quarters from `since`. `followed` ends with the
    mission, the tables or the contingent's own record; `possible` ends with the mission or the tables. `left_at` is the
    quarter in which the contingent left, infinite if it stayed.
    """

    contingents: pd.DataFrame
    since: Floats
    followed: Floats
    possible: Floats
    left_at: Floats
    origin: str


def mission_tasks(
    tables: Tables,
    priors: Priors,
    refit: Refit,
    seed: int,
    missions: tuple[str, ...] | None = None,
    days: tuple[date, ...] = DAYS,
) -> list[Task]:
    """Return the tasks for missions left out one by one, missions running on `days`, and single contingents.

    `missions` names the missions left out; by default they are those of `scored_missions`.
    """
    spells = mission_spells(tables, priors)
    chosen = scored_missions(tables, spells) if missions is None else list(missions)
    left_out = {f"left_out_{m}": partial(_left_out, tables, spells, priors, refit, seed, m) for m in chosen}
    as_of_days = {
        f"as_of_{day}": partial(_as_of, tables, priors_at(priors, day.year), refit, seed, day) for day in days
    }
    return [
        *(Task(model="withdrawal", name=name, run=run) for name, run in {**left_out, **as_of_days}.items()),
        spell_task(spells, priors, refit),
    ]


def scored_missions(tables: Tables, spells: xr.Dataset) -> list[str]:
    """Return missions with at least eight contributors, one exit, and four contingents that could stay for a year."""
    frame = baselines.spell_frame(spells)
    frame["long"] = _ends(tables, frame["mission"]) - frame["entry"] >= 4 * min(YEARS)
    by = frame.groupby("mission").agg(countries=("country", "nunique"), exits=("left", "sum"), long=("long", "sum"))
    large = (by["countries"] >= _SMALLEST) & (by["exits"] > 0)
    return sorted(by.index[large & (by["long"] >= _FEWEST)])


def _ends(tables: Tables, missions: Any) -> Floats:
    """Return when each mission, or the record of the tables, ended; quarters since the year 0."""
    last = pd.Timestamp(tables.as_of)
    ends = missions.map(tables.missions.set_index("mission")["end"]).fillna(last)
    return quarter_clock(ends.where(ends <= last, last))


def _left_out(
    tables: Tables, spells: xr.Dataset, priors: Priors, refit: Refit, seed: int, mission: str, report: Report
) -> pd.DataFrame:
    """Return the rows of one mission, forecast from a fit without it and with the priors of the year before it."""
    frame = baselines.spell_frame(spells)
    report("fitting", 0.0)
    inside = (frame["mission"] == mission).to_numpy()
    before = priors_at(priors, int(frame.loc[inside, "entry"].min() // 4) - 1)
    tree, rhat = refit({"keep": np.where(inside, 0.0, 1.0)}, before, silent)
    rng = np.random.default_rng([seed, address(mission)])
    forecast = _left_out_forecast(tables, frame, mission)
    entry = forecast.since
    last = int(np.floor(entry.max() + 4 * max(YEARS)))
    blind = mask_future(spells, float(entry.min()), last, joining=True)
    left_at = predict_exits(tree[POSTERIOR].to_dataset(), blind, mission, (-np.inf, last), rng, new_mission=True)
    rows = _scored_horizons(forecast, {MODEL: left_at}, frame[~inside], _UNSEEN, rng, "left out")
    return rows.assign(rhat=rhat)


def _left_out_forecast(tables: Tables, frame: pd.DataFrame, mission: str) -> MissionForecast:
    """Return the forecast of all contingents of a mission, each from its own entry; `frame` is a `spell_frame`."""
    contingents = frame[frame["mission"] == mission].reset_index(drop=True)
    return mission_forecast_of(
        contingents, contingents["entry"].to_numpy(), _ends(tables, contingents["mission"]), mission
    )


def _as_of_forecast(tables: Tables, frame: pd.DataFrame, mission: str, day: date) -> MissionForecast:
    """Return the forecast of the contingents that are in a mission on a day, from that day."""
    now = _clock(day)
    there = (frame["mission"] == mission) & (frame["entry"] <= now) & (frame["end"] > now)
    contingents = frame[there].reset_index(drop=True)
    since, ends = np.full(len(contingents), now), _ends(tables, contingents["mission"])
    return mission_forecast_of(contingents, since, ends, str(day.year + 1))


def _clock(day: date) -> float:
    """Return a day in quarters since the year 0."""
    return float(quarter_clock(pd.Series([pd.Timestamp(day)]))[0])


def unscored_horizons(
    tables: Tables, priors: Priors, missions: tuple[str, ...] | None = None, days: tuple[date, ...] = DAYS
) -> list[dict[str, Any]]:
    """Return the horizons of missions that are not scored, because too few contingents could be followed so long.

    Each entry has `question`, `mission`, `origin`, `horizon` (years) and `contingents` that could be followed. The
    arguments are those of `mission_tasks`.
    """
    spells = mission_spells(tables, priors)
    frame = spell_frame(spells)
    chosen = scored_missions(tables, spells) if missions is None else list(missions)
    asked = [("left out", mission, _left_out_forecast(tables, frame, mission)) for mission in chosen]
    for day in days:
        running = running_missions(tables, spells, _clock(day))
        asked += [("as of a day", mission, _as_of_forecast(tables, frame, mission, day)) for mission in running]
    counted = [(*one, year, int((one[2].possible >= 4.0 * year).sum())) for one in asked for year in YEARS]
    return [
        {"question": question, "mission": mission, "origin": forecast.origin, "horizon": year, "contingents": count}
        for question, mission, forecast, year, count in counted
        if count < _FEWEST
    ]


def mission_forecast_of(contingents: pd.DataFrame, since: Floats, end: Floats, origin: str) -> MissionForecast:
    """Return the forecast of all `contingents` (of `spell_frame`) from `since` on, in a mission that ended at `end`."""
    left = contingents["left"].to_numpy(dtype=bool)
    stop = contingents["end"].to_numpy()
    return MissionForecast(
        contingents=contingents,
        since=since,
        possible=end - since,
        followed=np.where(left, end, np.minimum(stop, end)) - since,
        left_at=np.where(left, stop, np.inf),
        origin=origin,
    )


def _as_of(tables: Tables, priors: Priors, refit: Refit, seed: int, day: date, report: Report) -> pd.DataFrame:
    """Return the rows of every mission that ran with eight contingents or more on `day`.

    All forecasters, and the `priors`, know what was known on that day; the outcomes are in the spells of `tables`.
    Besides the model there is a forecaster that follows the Kaplan-Meier curve as far as it has an estimate, and the
    pool of both that the projection uses.
    """
    report("fitting", 0.0)
    now, spells = _clock(day), mission_spells(tables, priors)
    weight, fewest = (priors.value(f"missions.kaplan_meier_{name}") for name in ("weight", "fewest"))
    known_spells = as_of(spells, now)
    tree, rhat = refit(data_vectors(known_spells), priors, silent)
    draws = tree[POSTERIOR].to_dataset()
    rng = np.random.default_rng([seed, day.year])
    last = int(np.floor(now + 4 * max(YEARS)))
    entered = spells["entry"].to_numpy() <= now
    blind = mask_future(spells, now, last).isel(spell=entered)
    frame, known = baselines.spell_frame(spells)[entered], baselines.spell_frame(known_spells)
    train = known[known["entry"] <= now].assign(end=lambda x: x["end"].clip(upper=now))
    train["years"] = (train["end"] - train["entry"]) / 4.0
    pieces = []
    for mission in running_missions(tables, spells, now):
        left_at = predict_exits(draws, blind, mission, (now, last), rng, new_mission=False)
        present = (frame.loc[frame["mission"] == mission, "end"] > now).to_numpy()
        forecast = _as_of_forecast(tables, frame, mission, day)
        samples = {MODEL: left_at[:, present]}
        pieces.append(_scored_horizons(forecast, samples, train, _RUNNING, rng, "as of a day"))
        similar = train[train["framework"] == forecast.contingents["framework"].iloc[0]]
        curve, own = Curve(durations=similar, fewest=int(fewest)), np.random.default_rng([seed, day.year, 1])
        followed = predict_exits(draws, blind, mission, (now, last), own, new_mission=False, curve=curve)
        pool = np.where(pooled_draws(len(left_at), weight)[:, None], followed, left_at)
        samples = {CURVE: followed[:, present], POOL: pool[:, present]}
        pieces.append(_scored_horizons(forecast, samples, train, {}, own, "as of a day"))
    return pd.concat(pieces, ignore_index=True).assign(rhat=rhat, origin=str(day.year + 1))


def running_missions(tables: Tables, spells: xr.Dataset, now: float) -> list[str]:
    """Return the missions that run at `now` (quarters since the year 0) with eight contingents or more."""
    frame = baselines.spell_frame(spells)
    present = frame[(frame["entry"] <= now) & (frame["end"] > now)]
    present = present[_ends(tables, present["mission"]) > now]
    sizes = present.groupby("mission").size()
    return sorted(sizes.index[sizes >= _SMALLEST])


#: Returns the probabilities to stay (draw, contingent) from training contingents, a query and the number of draws.
Baseline = Callable[[pd.DataFrame, SurvivalQuery, int, np.random.Generator], Floats]


def _scored_horizons(
    forecast: MissionForecast,
    exits: Mapping[str, Floats],
    train: pd.DataFrame,
    others: Mapping[str, Baseline],
    rng: np.random.Generator,
    question: str,
) -> pd.DataFrame:
    """Return the rows of all forecasters at every horizon for which enough contingents could be followed.

    Parameters
    ----------
    forecast
        The contingents and their outcomes.
    exits
        When contingents leave by name of the forecaster, (draw, contingent), in quarters since the year 0; infinite
        for those who stay.
    train
        Contingents that the baselines learn from.
    others
        The baselines by name.
    question
        "left out" or "as of a day"; the last part of the name of the target.
    """
    pieces = []
    for year in YEARS:
        followable = np.flatnonzero(forecast.possible >= 4.0 * year)
        if len(followable) < _FEWEST:
            continue
        until = forecast.since + np.minimum(4.0 * year, forecast.followed)
        stayed = (forecast.left_at > until)[followable]
        contingents = forecast.contingents.iloc[followable]
        samples = {name: (left_at > until)[:, followable] for name, left_at in exits.items()}
        query = SurvivalQuery(
            contingents=contingents,
            served=(forecast.since - forecast.contingents["entry"].to_numpy())[followable] / 4.0,
            ahead=(until - forecast.since)[followable] / 4.0,
        )
        for name, baseline in others.items():
            chance = baseline(train, query, _DRAWS, rng)
            samples[name] = rng.random(chance.shape) < chance
        pieces += [
            rows.assign(model="withdrawal", forecaster=name, origin=forecast.origin, horizon=float(year))
            for name, stays in samples.items()
            for rows in _scored(stays, stayed, contingents, rng, question)
        ]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame()


def _scored(
    samples: Any, stayed: Any, contingents: pd.DataFrame, rng: np.random.Generator, question: str
) -> list[pd.DataFrame]:
    """Return one row for the number that remain, and one row for each contingent.

    `samples` (draw, contingent) says which contingents remain in each draw; `stayed` (contingent,) is the outcome.
    """
    mission = str(contingents["mission"].iloc[0])
    count, remaining, size = samples.sum(axis=1), stayed.sum(), len(stayed)
    place = float(pit(count, remaining, rng.random()))
    number = pd.DataFrame(
        {
            "target": f"number left, {question}",
            "unit": [mission],
            "observed": float(remaining),
            "size": size,
            "forecast": count.mean(),
            "crps": crps(count, remaining),
            "log_score": log_score_counts(count, remaining, size),
            "pit": place,
            **{name: bool(covered(place, level)) for name, level in HITS.items()},
        }
    )
    # half a draw is added to either outcome: finitely many draws cannot show a probability of exactly 0 or 1
    p = (samples.sum(axis=0) + 0.5) / (samples.shape[0] + 1.0)
    spell = contingents.groupby("country").cumcount() + 1  # a country may enter a mission twice
    names = mission + ":" + contingents["country"].to_numpy() + ":" + spell.astype(str).to_numpy()
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
    return [number, each]


def spell_task(spells: xr.Dataset, priors: Priors, refit: Refit) -> Task:
    """Return the task that leaves out single contingents; the baseline is a constant rate by framework and cause."""
    return Task(model="withdrawal", name="contingents_loo", run=partial(_contingents_left_out, spells, priors, refit))


def _contingents_left_out(spells: xr.Dataset, priors: Priors, refit: Refit, report: Report) -> pd.DataFrame:
    """Return the rows of all contingents: PSIS-LOO, or a fit without the contingent where Pareto k is too high."""
    from forecast.inference.pymc_models.withdrawal import spell_log_likelihood

    report("fitting", 0.0)
    everything = np.ones(spells.sizes["spell"])
    tree, rhat = refit({"keep": everything}, priors, silent)
    elpd, pareto_k, _ = leave_one_out(spell_log_likelihood(spells, priors, tree[POSTERIOR].to_dataset()))
    influential = np.flatnonzero(pareto_k > MAX_PARETO_K)
    for i, spell in enumerate(influential):
        report(f"refit {i + 1} of {len(influential)}", (i + 1) / (len(influential) + 1))
        keep = everything.copy()
        keep[spell] = 0.0
        without, _ = refit({"keep": keep}, priors, silent)
        density = spell_log_likelihood(spells, priors, without[POSTERIOR].to_dataset())[..., spell]
        elpd[spell] = np.logaddexp.reduce(density, axis=None) - np.log(density.size)
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
                "forecaster": forecaster,
                "log_score": score,
                "rhat": rhat,
                "pareto_k": pareto_k if forecaster == MODEL else np.nan,
                "refitted": pareto_k > MAX_PARETO_K,
            }
        )
        for forecaster, score in scores.items()
    ]
    return pd.concat(pieces, ignore_index=True)


def constant_log_likelihood(spells: xr.Dataset) -> Floats:
    """Return the log-likelihood of each spell at constant rates of its framework by cause, counted without the spell.

    A rate is the sum over exits of the probability of its cause, plus one half, divided by the quarters of exposure.
    """
    spell_of, in_bracket = spells["spell_of"].to_numpy(), spells["in_bracket"].to_numpy()
    length, size = spells["length"].to_numpy(), spells.sizes["spell"]
    before, within = (np.bincount(spell_of, length * part, size) for part in (~in_bracket, in_bracket))
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
