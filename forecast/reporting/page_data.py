"""Turn a run into what the report page shows first: cards, explorer, history, missions, trust and glossary.

Each function is pure: it takes the data of a run and returns rows or numbers. `charts.py` draws them, and the templates
of the page print them. Every number is stored in the run, except differences between its own scenarios.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast import names
from forecast.array_types import Floats
from forecast.constants import NATO_FROM
from forecast.evaluation.backtests.tasks import MODEL
from forecast.evaluation.comparison import ALL_HORIZONS
from forecast.evaluation.score_report import TARGET_NAMES, p_text
from forecast.projection.headlines import Verdict, key_of
from forecast.quarters import decimal_years
from forecast.reporting.formatting import number
from forecast.reporting.headline_text import plain, value_text, verdict_text
from forecast.reporting.report_data import ReportData, contrasts, country_names, mission_cards, spending_table

Row = dict[str, Any]

CARDS: Final = 3  # outcomes of the war with a card of their own
OLD_FACTS: Final = 90  # days after which the page warns
FACTOR_NAMES: Final = {
    "threats": "Convergence of threat perception",
    "institutions": "Institutions",
    "norms": "Norms and values",
    "leadership": "Leadership",
}
SHORT_FACTORS: Final = {**FACTOR_NAMES, "threats": "Shared view of threats"}
#: The target and score of each model that the chart of skill shows; the tables have all.
_MAIN_SCORES: Final = {
    "cohesion": ("verdict of an anchor left out", "rps"),
    "withdrawal": ("number left, as of a day", "crps"),
    "leadership": ("change of leader", "brier"),
    "spending": ("log share of GDP", "crps"),
}
_FIRST_PICKS: Final = ("USA", "GBR", "DEU", "FRA", "POL")
_HEAD_COUNTS: Final = {"last head count": "{} (old)", "no head count, size estimated": "none: size estimated"}
_COUNTED: Final = re.compile(r"([A-Z]{3})(?: \((\d{4}-\d{2})\))?")


# -- head ------------------------------------------------------------------------------------------------------------


def question(data: ReportData) -> str:
    """Return the question that the page answers, from the scenarios and the horizon of the run."""
    last = data.members[names.YEAR].values[-1]
    if len(data.wars) > 1:
        return f"NATO cohesion and defence spending to {last}: what the end of the war in Ukraine changes"
    if len(data.designs) > 1:
        return f"NATO cohesion and defence spending to {last}: what the design of the alliance changes"
    return f"NATO cohesion and defence spending to {last}"


def facts_age(data: ReportData) -> int:
    """Return the days from the as-of date to the day on which the run was made."""
    made = date.fromisoformat(str(data.manifest["finished"])[:10])
    return (made - date.fromisoformat(str(data.plan["as_of"]))).days


# -- cards -----------------------------------------------------------------------------------------------------------


def verdict_cards(data: ReportData) -> list[Row]:
    """Return a card for each outcome of the war except the reference, three at most, under the first design."""
    design = data.designs[0]
    cards = []
    for war in data.wars[1 : 1 + CARDS] or data.wars[:1]:
        verdict = data.verdicts[war, design]
        cards.append(
            {
                "war": war,
                "title": data.labels[war],
                "horizon": verdict.record["horizon"],
                "parts": class_parts(verdict),
                "decided": verdict.decided,
                "says": verdict_text(verdict),
                "mcse": max(record["mcse"] or 0.0 for record in verdict.classes.values()),
                "change": _change(data, list(verdict.classes.values())),
            }
        )
    return cards


def class_parts(verdict: Verdict) -> list[tuple[str, float]]:
    """Return the probability of each class, from Strong to Weak."""
    return list(verdict.probabilities.items())[::-1]


def spending_card(data: ReportData) -> Row | None:
    """Return European spending in the reference scenario at each horizon, beside the pledge of that year."""
    spending = spending_table(data)
    if not spending["rows"]:
        return None
    records = spending["rows"][0]["records"]
    years, levels = pledge(data)
    return {
        "records": [{**h, "pledge": float(np.interp(int(h["horizon"]), years, levels))} for h in records],
        "last": spending["last"],
        "change": _change(data, records),
        "scored": "spending" in data.scored_models,
    }


def coalition_card(data: ReportData) -> Row | None:
    """Return the hypothetical missions, or else the first two missions, five years after their start."""
    cards = [card for card in mission_cards(data) if card["starts"]]
    chosen = ([card for card in cards if card["kind"] == "hypothetical"] or cards)[:2]
    if not chosen:
        return None
    records = [row["record"] for card in chosen for row in card["wars"][:1] if row["record"]]
    return {"missions": chosen, "change": _change(data, records), "scored": "withdrawal" in data.scored_models}


def _change(data: ReportData, records: Sequence[Mapping[str, Any]]) -> str:
    """Return in words how these headlines changed since the last run."""
    since = data.manifest.get("since")
    if not since or (since["run"] is None and since["passed_over"]):
        return "not compared with an earlier run"
    if since["run"] is None:
        return "first run of this plan"
    keys = {key_of(record) for record in records}
    moved = [move for move in [*since["moves"], *since.get("card_moves", [])] if key_of(move) in keys]
    if not moved and len(since["moves"]) < since["moved"] and "card_moves" not in since:  # of an earlier build
        return f"not among the {len(since['moves'])} clearest moves since {since['finished'][:10]}"
    if not moved:
        return f"unchanged since {since['finished'][:10]}, within Monte Carlo error"
    parts = (f"{_what(move)} was {value_text(move, move['before'])} on {since['finished'][:10]}" for move in moved)
    return "; ".join(parts)


def _what(move: Mapping[str, Any]) -> str:
    if move["target"] == names.COHESION_VERDICT:
        return str(move["category"])
    return str(move["horizon"] if move["target"] == names.EUROPEAN_SPENDING else plain(move["unit_id"]))


# -- explorer --------------------------------------------------------------------------------------------------------


def explorer(data: ReportData) -> Row:
    """Return the numbers of every scenario for the explorer: `quarters`, `years`, `labels`, and `cells` by scenario.

    A cell has the probability of each verdict (`v`), and the quantiles of cohesion (`c`) and of European spending (`s`)
    at `levels`.
    """
    alliance = data.alliance
    levels = (0.1, 0.25, 0.5, 0.75, 0.9)
    cells = {}
    for war in data.wars:
        for design in data.designs:
            cell = alliance.sel(war=war, design=design)
            cells[f"{war}/{design}"] = {
                "v": _columns(cell["verdict_probability"].values),
                "c": _columns(cell["cohesion"].sel(quantile=list(levels)).values),
                "s": _columns(cell["european_share"].sel(quantile=list(levels)).values),
            }
    return {
        "quarters": data.quarters,
        "at": [round(float(x), 2) for x in decimal_years(data.quarters)],
        "years": [int(y) for y in alliance[names.YEAR].values],
        "labels": {name: data.labels[name] for name in (*data.wars, *data.designs)},
        "horizon": data.verdict_quarter,
        "cells": cells,
    }


def _columns(values: Floats) -> list[list[float]]:
    """Return the columns of a table, each number with the fewest digits that give its stored single precision."""
    return [[single(x) for x in column] for column in np.asarray(values).T]


def single(x: Any) -> float:
    """Return a number of single precision with its fewest digits."""
    return float(str(np.float32(x)))


def as_json(tables: Mapping[str, Any]) -> str:
    """Return numbers as JSON that can stand inside a page; a number that is missing is null."""
    text = json.dumps(_finite(tables), ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace("&", "\\u0026").replace("\u2028", "\\u2028")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def contrast_rows(data: ReportData, variable: str, dim: str, index: int) -> list[Row]:
    """Return each scenario less the reference, path by path, by outcome of the war; empty with fewer than two paths."""
    found = contrasts(data, variable, dim, index)
    return [
        {"group": data.labels[war], "label": data.labels[design], **row}
        for (war, design), row in found.items()
        if (war, design) != (data.wars[0], data.designs[0])
    ]


def readout(data: ReportData) -> list[Row]:
    """Return the reference scenario when verdicts are read, as the first row of the table below the explorer."""
    cell = data.alliance.isel(war=0, design=0)
    quarter = cell.isel(quarter=data.verdict_quarter)
    years = [int(y) for y in cell[names.YEAR].values]
    year = int(data.quarters[data.verdict_quarter][:4])
    levels = [0.1, 0.5, 0.9]
    return [
        {
            "name": f"{data.labels[data.wars[0]]} × {data.labels[data.designs[0]]}",
            "verdict": quarter["verdict_probability"].values[::-1].tolist(),
            "cohesion": quarter["cohesion"].sel(quantile=levels).values.tolist(),
            "spending": cell["european_share"]
            .isel(year=years.index(year) if year in years else 0)
            .sel(quantile=levels)
            .values.tolist(),
        }
    ]


# -- cohesion --------------------------------------------------------------------------------------------------------


def cohesion_history(posterior: xr.Dataset | None) -> Row | None:
    """Return the cohesion index and its factors as the cohesion model estimates them for each past year.

    `index` and `factors` have `years`, and `lower`, `median` and `upper`: the ends and the middle of the 80 % interval.
    """
    if posterior is None or not {"factor_state", "factor_weights"} <= set(posterior.data_vars):
        return None
    state, weights = posterior["factor_state"], posterior["factor_weights"]
    index = (state * weights).sum(names.FACTOR)
    years = [int(y) for y in posterior[names.YEAR].values]
    levels = {"lower": 0.1, "median": 0.5, "upper": 0.9}

    def quantiles(values: xr.DataArray) -> dict[str, Floats]:
        found = values.quantile(list(levels.values()), ("chain", "draw"), skipna=False).values
        return dict(zip(levels, found, strict=True))

    by_factor = {str(f): quantiles(state.sel(factor=f)) for f in posterior[names.FACTOR].values}
    factors = {level: {f: fan[level] for f, fan in by_factor.items()} for level in levels}
    return {"index": {"years": years, **quantiles(index)}, "factors": {"years": years, **factors}}


def anchors(data: ReportData) -> list[Row]:
    """Return the past verdicts that the cohesion model uses: `when`, `at` in years, and the fitted probability `p`."""
    stored = data.checks.get("cohesion", {}).get("anchors", {})
    return [
        {"when": when, "at": int(when[:4]) + (0.25 * int(when[5]) - 0.125 if len(when) > 4 else 0.5), "p": p}
        for when, p in sorted(stored.items())
    ]


def cohesion_rows(data: ReportData) -> list[Row]:
    """Return cohesion of the reference scenario by quarter: `fan` (80 % interval and median) and the mean `factors`."""
    cell = data.alliance.isel(war=0, design=0)
    fans = cell["cohesion"].sel(quantile=[0.1, 0.5, 0.9]).values.tolist()
    factors = cell["factor_mean"].sel(factor=list(FACTOR_NAMES)).values.tolist()
    return [
        {"quarter": quarter, "fan": fan, "factors": means}
        for quarter, fan, means in zip(data.quarters, fans, factors, strict=True)
    ]


# -- spending --------------------------------------------------------------------------------------------------------


def pledge(data: ReportData) -> tuple[Floats, Floats]:
    """Return the years and levels (percent of GDP) between which the pledge of the allies rises in a straight line."""
    stored = {prior["name"]: prior["params"][0] for prior in data.priors["priors"] if "pledge" in prior["name"]}
    last = pledge_in_2035(data)
    first_year, last_year = 2014.0, float(data.members[names.YEAR].values[-1])
    corners = np.array([first_year, 2025.0, 2035.0, max(last_year, 2035.0)])
    levels = np.array([stored.get("spending.pledge_2025", 2.0)] * 2 + [last] * 2)
    shown = np.array([y for y in corners if y < last_year] + [last_year])
    return shown, np.interp(shown, corners, levels)


def european_history(data: ReportData) -> tuple[Floats, Floats]:
    """Return years and spending of the European allies, weighted by their GDP in the latest year; empty if unknown.

    The weights are the weights of the forecast. Years before every ally has a figure are left out; later an ally keeps
    its last figure, as it does at the start of the forecast.
    """
    stored = str(data.alliance.attrs.get("european_weights", ""))
    weights = {code: float(weight) for code, weight in (pair.split() for pair in stored.split(", ") if pair)}
    known = [code for code in weights if code in data.members[names.MEMBER].values]
    if not known or len(known) < len(weights):
        return np.array([]), np.array([])
    observed = data.members["spending_history"].sel(member=known)
    history = observed.copy(data=pd.DataFrame(observed.values).ffill(axis=1).to_numpy())
    level = (history * xr.DataArray(list(weights.values()), dims=names.MEMBER)).sum(names.MEMBER, skipna=False)
    complete = np.isfinite(level.values)
    return history[names.HISTORY_YEAR].values[complete].astype(float), level.values[complete].astype(float)


def pledge_in_2035(data: ReportData) -> float:
    """Return the pledge for 2035 that acts in this run, in percent of GDP."""
    stored = {prior["name"]: prior["params"][0] for prior in data.priors["priors"]}
    return float(data.plan.get("pledge_2035") or stored.get("spending.pledge_2035", 3.5))


def picks(data: ReportData) -> list[str]:
    """Return the allies that the chart shows at first, five at most."""
    spends = np.isfinite(data.members["spending_share"].values).any(axis=(0, 1, 3, 4))
    codes = [str(c) for c, known in zip(data.members[names.MEMBER].values, spends, strict=True) if known]
    return [code for code in _FIRST_PICKS if code in codes] or codes[:5]


def ally_lines(data: ReportData) -> Row:
    """Return observed and forecast spending of each ally for the chart in which the reader chooses allies."""
    members, labels = data.members, country_names(data.members, names.MEMBER)
    reference = members["spending_share"].isel(war=0, design=0).sel(quantile=[0.1, 0.5, 0.9])
    return {
        "past": [int(y) for y in members[names.HISTORY_YEAR].values],
        "years": [int(y) for y in members[names.YEAR].values],
        "nato_from": NATO_FROM,
        "allies": {
            code: {
                "name": label,
                "past": [single(x) for x in members["spending_history"].sel(member=code).values],
                "fan": _columns(reference.sel(member=code).values),
            }
            for code, label in labels.items()
            if np.isfinite(reference.sel(member=code).values).any()
        },
    }


def is_estimate(data: ReportData, year: int | None) -> bool:
    """Return whether a figure of this year is an estimate: its year had not ended, or ended on the as-of day."""
    return year is not None and year >= int(str(data.plan["as_of"])[:4])


# -- missions --------------------------------------------------------------------------------------------------------


def mission_rows(data: ReportData) -> list[Row]:
    """Return each mission with `contributors`: name, share of its troops, and when they were last counted."""
    weights = data.missions["contingent_weight"]
    labels = country_names(data.missions, names.CONTRIBUTOR)
    rows = []
    for card in mission_cards(data):
        notes = head_counts(card["notes"])
        present = [(str(c), float(w)) for c, w in zip(labels, weights.sel(mission=card["name"]).values, strict=True)]
        rows.append(
            {
                **card,
                "contributors": [
                    {"name": labels[code], "share": share, "counted": notes.get(code, "")}
                    for code, share in sorted(present, key=lambda pair: (-pair[1], labels[pair[0]]))
                    if share > 0
                ],
            }
        )
    return rows


def head_counts(notes: str) -> dict[str, str]:
    """Return what the notes of a mission say on the head count of a contributor, by its code."""
    found: dict[str, str] = {}
    for note in notes.split("; "):
        kind, _, listed = note.partition(": ")
        if kind in _HEAD_COUNTS:
            found |= {code: _HEAD_COUNTS[kind].format(day) for code, day in _COUNTED.findall(listed)}
    return found


# -- how sure --------------------------------------------------------------------------------------------------------


def coverage_rows(data: ReportData) -> list[Row]:
    """Return how often the intervals of each model held the outcome, over all horizons: all, then by decade."""
    cover = [] if isinstance(data.scores, str) else data.scores["cover"]
    own = [row for row in cover if row["forecaster"] == MODEL]
    overall = [row for row in own if str(row["horizon"]).startswith(ALL_HORIZONS)] or own
    ordered = sorted(overall, key=lambda row: (row["model"], row["target"], str(row["horizon"])))
    return [{**row, "group": _target(row), "label": _origins(row["horizon"])} for row in ordered]


def _origins(horizon: Any) -> str:
    """Return which forecasts a row covers: all, one decade, or one horizon."""
    if not str(horizon).startswith(ALL_HORIZONS):
        return f"{horizon:g} years ahead"
    return str(horizon).removeprefix(f"{ALL_HORIZONS}, ") if horizon != ALL_HORIZONS else "all origins"


def skill_rows(data: ReportData) -> list[Row]:
    """Return the skill of each model against each baseline over all horizons, for its main target."""
    rows = [] if isinstance(data.scores, str) else data.scores["skill"]
    shown = [
        row
        for row in rows
        if row["skill"] is not None
        and (row["target"], row["score"]) == _MAIN_SCORES.get(row["model"])
        and row["horizon"] == ALL_HORIZONS
    ]
    return [
        {
            "group": _target(row),
            "label": row["baseline"],
            "skill": row["skill"],
            "p": row["p"],
            "words": f"{number(100 * row['skill'], 1)} % ({p_text(row) or 'no test'}; {row['n']} forecasts)",
        }
        for row in sorted(shown, key=lambda row: (list(_MAIN_SCORES).index(row["model"]), row["skill"]))
    ]


def _target(row: Mapping[str, Any]) -> str:
    return f"{plain(row['model']).capitalize()}: {TARGET_NAMES.get(row['target'], row['target'])}"


# -- models ---------------------------------------------------------------------------------------------------------


def words_of(data: ReportData) -> dict[str, str]:
    """Return the names of factors, sub-factors, countries and missions of a run by their identifiers."""
    factors = data.priors["grid"]["factors"]
    return {
        **{key: label for group in factors.values() for key, label in group.items()},
        **FACTOR_NAMES,
        **country_names(data.missions, names.CONTRIBUTOR),
        **country_names(data.members, names.MEMBER),
        **data.labels,
    }


# -- glossary --------------------------------------------------------------------------------------------------------


def glossary(data: ReportData, limits: Mapping[str, float | None]) -> list[tuple[str, str]]:
    """Return the terms of the page with their meaning in this run; `limits` are the thresholds of the missions."""
    reference = f"{data.labels[data.wars[0]]} × {data.labels[data.designs[0]]}"
    hollow, below, collapse = (
        number(limits[name]) for name in ("hollow_nominal", "hollow_operational", "collapse_operational")
    )
    return [
        ("Reference", f"The scenario {reference}, with which the others are compared."),
        (
            "Strong, Fragmented, Weak",
            "Classes of the cohesion index between two uncertain cut points. A class is not an event.",
        ),
        ("Undecided", "A verdict whose margin over the next class is below 5 percentage points or within its error."),
        (
            "Flags",
            "Nominal participation: the share of the initial contingents, by troops, whose country is still present.",
        ),
        (
            "Operation",
            "Operational contribution: the share of the initial contribution left after exits and reductions.",
        ),
        ("Hollow", f"Nominal participation of at least {hollow} while operational contribution is below {below}."),
        ("Collapsed", f"Operational contribution below {collapse} for two quarters."),
        ("80 % interval", "Equal tails: one outcome in ten lies below it and one in ten above it."),
        ("MC error", f"Monte Carlo standard error: the noise of {path_count(data)} simulated paths, not of the model."),
        ("Judgement", "The share of the variance of a number that comes from priors without data."),
        ("Random walk", "The forecast that spending stays at its last observed level."),
        ("Skill", "1 − (mean score of the model / mean score of the baseline). Above 0, the model is better."),
    ]


def path_count(data: ReportData) -> str:
    """Return the number of simulated paths as text."""
    return f"{int(data.manifest['provenance']['paths']):,}"
