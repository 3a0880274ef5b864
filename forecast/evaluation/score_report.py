"""Present scores: lines for the terminal, and the summary page in Markdown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from forecast.evaluation.backtests.tasks import HITS, MODEL
from forecast.evaluation.comparison import ALL_HORIZONS, FAIR

#: Clusters that a decade or a group must have to be shown.
_FEWEST_CLUSTERS: Final = 4
RELIABILITY: Final = "reliability"
FITS: Final = "fits"
WEIGHTS: Final = "weights"
Row = Mapping[str, Any]
#: Scores that are shown, with their names. A joint forecast has both of its scores, other targets the first they have.
_SHOWN: Final = {
    "energy": "energy",
    "variogram": "variogram",
    "crps": "CRPS",
    "brier": "Brier",
    "rps": "RPS",
    "log_score": "log density",
}
#: Plain names of targets whose stored name can be misread.
TARGET_NAMES: Final = {
    "number left, left out": "number remaining, mission left out",
    "number left, as of a day": "number remaining, as of a day",
    "contingent there, left out": "contingent remains, mission left out",
    "contingent there, as of a day": "contingent remains, as of a day",
}


def page(table: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Return the summary page; `table` and `facts` are the stored table and manifest of a scoring."""
    eventless = eventless_targets(table)
    models: dict[str, list[Row]] = {}
    for row in without_tests(table):
        models.setdefault(row["model"], []).append(row)

    def order(model: str) -> tuple[bool, float]:
        return any(name == model for name, _ in eventless), min(map(_overall_skill, models[model]))

    sections = [_section(model, models[model], eventless) for model in sorted(models, key=order)]
    cover = [
        row for row in table["cover"] if row["forecaster"] == MODEL and str(row["horizon"]).startswith(ALL_HORIZONS)
    ]
    template = (files("forecast") / "reporting" / "templates" / "scores.md").read_text(encoding="utf-8")
    return template.format(
        convergence=_convergence(table[FITS]) + (" **Quick scores are not evidence.**" if facts["quick"] else ""),
        as_of=facts["as_of"],
        seed=facts["seed"],
        skill="\n".join(sections),
        parts=_parts(without_tests(table)),
        weights=_weights(table.get(WEIGHTS, ())),
        unscored=_unscored(facts["unscored"]),
        coverage_miss=_coverage_miss(cover),
        coverage=_coverage(cover),
    )


def eventless_targets(table: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return model and target of every event that never occurred in the forecasts scored."""
    frequency: dict[tuple[str, str], float] = {}
    for row in table.get(RELIABILITY, ()):
        key = (row["model"], row["target"])
        frequency[key] = max(frequency.get(key, 0.0), float(row["seen"]))
    return {key for key, highest in frequency.items() if highest == 0.0}


def without_tests(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of skill, without t and p for targets whose event never occurred.

    Without an event every score rewards the smaller probability, so a test of the difference says nothing.
    """
    eventless = eventless_targets(table)
    return [
        {**row, "t": None, "p": None, "p_newey_west": None} if (row["model"], row["target"]) in eventless else dict(row)
        for row in table["skill"]
    ]


def _convergence(fits: Sequence[Row]) -> str:
    """Return a sentence that says how many refits miss the R-hat gate, and the largest R-hat."""
    missed = sorted((fit for fit in fits if fit["missed"]), key=lambda fit: fit["fits"] - fit["missed"])
    if not missed:
        return f"No refit misses the project's own R-hat gate of {FAIR}."
    counts = [f"{fit['missed']} of {fit['fits']} {fit['model']} refits" for fit in missed]
    several = ", ".join(counts[:-1]) + " and " + counts[-1] if counts[1:] else counts[0]
    largest = max(missed, key=lambda fit: float(fit["largest"]))
    return (
        f"{several} miss the project's own R-hat gate of {FAIR}; the largest R-hat is {largest['largest']:.3f} "
        f"({largest['model']})."
    )


def _overall_skill(row: Row) -> float:
    """Return the skill of a row over all horizons; infinity for other rows, so that they sort last."""
    return float(row["skill"]) if row["horizon"] == ALL_HORIZONS and row["skill"] is not None else float("inf")


def _section(model: str, rows: Sequence[Row], eventless: set[tuple[str, str]]) -> str:
    """Return the heading, the worst figure and the table of one model."""
    shown = [row for row in rows if row["score"] in _shown_scores(row["target"], rows)]
    horizons = sorted({row["horizon"] for row in shown if not is_overall(row) and row["horizon"] != 0.0})
    lines = []
    for table in worst_first(pivot(shown)):
        target, score = table["target"], _SHOWN[table["score"]]
        label = f"{TARGET_NAMES.get(target, target)} ({score})"
        cells = [dict(zip(table["horizons"], row["cells"], strict=True)) for row in table["rows"]]
        columns = [str(horizon) for horizon in (*horizons, ALL_HORIZONS)]
        lines.append([label, "*forecasts (clusters)*", *(_counts([row.get(c) for row in cells]) for c in columns)])
        for row in table["rows"]:
            by_horizon = dict(zip(table["horizons"], row["cells"], strict=True))
            lines.append(["", row["baseline"], *(_page_cell(by_horizon.get(c)) for c in columns)])
    head = ["target (score)", "baseline", *(_years(horizon) for horizon in horizons), "all horizons"]
    return f"## {model.capitalize()}\n\n{_worst(shown, eventless)}\n\n{markdown(head, lines)}\n"


def is_overall(row: Row) -> bool:
    """Return whether a row covers all horizons, of all forecasts or of a part of them."""
    return str(row["horizon"]).startswith(ALL_HORIZONS)


def _parts(rows: Sequence[Row]) -> str:
    """Return the table of skill over all horizons, by decade of the origin and by group of units."""
    parts = [row for row in rows if is_overall(row) and row["horizon"] != ALL_HORIZONS]
    parts = [row for row in parts if row["score"] == _shown_scores(row["target"], rows)[0]]
    parts = [row for row in parts if row["clusters"] >= _FEWEST_CLUSTERS]
    several = Counter((row["target"], row["baseline"]) for row in parts)
    parts = [row for row in parts if several[row["target"], row["baseline"]] > 1]
    columns = sorted({_part(row) for row in parts})
    cells: dict[tuple[str, str], dict[str, Row]] = {}
    for row in parts:
        label = f"{row['model']}: {TARGET_NAMES.get(row['target'], row['target'])}"
        cells.setdefault((label, row["baseline"]), {})[_part(row)] = row
    lines = [[*key, *(_page_cell(by_part.get(c)) for c in columns)] for key, by_part in sorted(cells.items())]
    return markdown(["target", "baseline", *columns], lines)


def _unscored(horizons: Sequence[Row]) -> str:
    """Return a sentence that counts and names the horizons of missions that are not scored."""
    if not horizons:
        return "Every horizon of every mission is scored."
    missions: dict[str, list[str]] = {}
    for row in horizons:
        name = row["mission"] if row["question"] == "left out" else f"{row['mission']} as of {row['origin']}"
        missions.setdefault(name, []).append(str(row["horizon"]))
    named = "; ".join(f"{name} ({', '.join(years)})" for name, years in missions.items())
    return (
        f"{len(horizons)} horizons of missions are not scored, because fewer than four contingents could be followed "
        f"so long (years in brackets): {named}."
    )


def _weights(weights: Sequence[Row]) -> str:
    """Return a sentence with the weights of the Kaplan-Meier curve learnt from all origins."""
    if not weights:
        return ""
    last = max(row["year"] for row in weights)
    learnt = [f"{row['weight']:.2f} at {_years(row['horizon'])}" for row in weights if row["year"] == last]
    return f" From all origins the learnt weights of the curve are {', '.join(learnt)}."


def _shown_scores(target: str, rows: Sequence[Row]) -> list[str]:
    """Return the scores that the page shows for a target."""
    scores = {row["score"] for row in rows if row["target"] == target}
    shown = [score for score in _SHOWN if score in scores]
    return [score for score in shown if score in ("energy", "variogram")] or shown[:1]


def _row_skill(row: Mapping[str, Any]) -> float:
    """Return the lowest skill over all horizons in a row of `pivot`; infinity where there is none."""
    return min((_overall_skill(cell) for cell in row["cells"] if cell), default=float("inf"))


def worst_first(tables: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tables of `pivot`, and the rows of each, in the order of the lowest skill over all horizons."""
    ordered = [{**table, "rows": sorted(table["rows"], key=_row_skill)} for table in tables]
    return sorted(ordered, key=lambda table: _row_skill(table["rows"][0]))


def worst_lines(rows: Sequence[Row]) -> list[str]:
    """Return one sentence for each model with its lowest skill, the model with the lowest first."""
    shown = [row for row in rows if row["score"] in _shown_scores(row["target"], rows)]
    models = dict.fromkeys(row["model"] for row in shown)
    worst = {model: [row for row in shown if row["model"] == model] for model in models}
    ordered = sorted(worst, key=lambda model: min(map(_overall_skill, worst[model])))
    return [f"{model.capitalize()}: {_worst(worst[model], set())}" for model in ordered]


def _worst(rows: Sequence[Row], eventless: set[tuple[str, str]]) -> str:
    """Return a sentence with the lowest skill of a model, or that no event occurred."""
    rows = [row for row in rows if row["horizon"] == ALL_HORIZONS or not is_overall(row)]
    with_skill = [row for row in rows if row["skill"] is not None and row["score"] != "log_score"]
    if not with_skill:
        return "No skill can be computed for the score of this model."
    row = min(with_skill, key=lambda row: float(row["skill"]))
    if (row["model"], row["target"]) in eventless:
        return (
            "The event never occurred in the scored forecasts, so there is no test. The scores only show which "
            "forecaster gave the smaller probability. We claim no skill."
        )
    target, horizon = TARGET_NAMES.get(row["target"], row["target"]), row["horizon"]
    ahead = "" if horizon in (ALL_HORIZONS, 0.0) else f", {_years(horizon)} ahead"
    return f"The lowest skill is {_page_cell(row)} against {row['baseline']} ({target}{ahead})."


def _counts(cells: Sequence[Row | None]) -> str:
    """Return the number of forecasts and clusters of a column; a range where baselines differ."""
    counts = [(cell["n"], cell["clusters"]) for cell in cells if cell]
    if not counts:
        return ""
    ranges = [
        f"{min(numbers):,}" + (f"-{max(numbers):,}" if len(set(numbers)) > 1 else "")
        for numbers in zip(*counts, strict=True)
    ]
    return f"{ranges[0]} ({ranges[1]})"


def _page_cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row["score"] == "log_score" or row["skill"] is None:
        value = f"{row['score_model'] - row['score_baseline']:+.2f} nats"
    else:
        value = f"{100 * row['skill']:+.1f} %"
    return f"{value} ({p_text(row)})" if p_text(row) else value


def p_text(row: Row) -> str:
    """Return the p values of a row by the cosine and the Newey-West (NW) variance, the larger first; empty for none."""
    known = {name: row.get(key) for name, key in (("", "p"), ("NW ", "p_newey_west"))}
    values = {name: float(p) for name, p in known.items() if p is not None}
    return ", ".join(f"{name}{_p(values[name])}" for name in sorted(values, key=lambda name: -values[name]))


def _p(p: float) -> str:
    if p < 0.001:
        return "p < 0.001"
    return f"p {p:.3f}" if p < 0.1 else f"p {p:.2f}"


def _years(horizon: float) -> str:
    return f"{horizon:g} year" + ("" if horizon == 1.0 else "s")


def _part(row: Row) -> str:
    """Return the decade or group of a row over all horizons, or "all"."""
    return str(row["horizon"]).removeprefix(f"{ALL_HORIZONS}, ")


def _coverage(cover: Sequence[Row]) -> str:
    """Return the table of coverage by decade of origin, for all horizons together."""
    ordered = sorted(cover, key=lambda row: (row["model"], row["target"], _part(row)))
    lines = [
        [
            f"{row['model']}: {TARGET_NAMES.get(row['target'], row['target'])}",
            _part(row),
            f"{row['n']:,}",
            *(f"{100 * row[name]:.0f} %" for name in HITS),
        ]
        for row in ordered
    ]
    return markdown(["target", "origins", "forecasts", *(f"{100 * level:.0f} %" for level in HITS.values())], lines)


def _coverage_miss(cover: Sequence[Row]) -> str:
    """Return a sentence with the largest difference between coverage and level."""
    misses = [(abs(row[name] - level), row, name) for row in cover for name, level in HITS.items()]
    if not misses:
        return ""
    _, row, name = max(misses, key=lambda miss: miss[0])
    target = TARGET_NAMES.get(row["target"], row["target"])
    return (
        f"The largest deviation is {100 * row[name]:.0f} % inside the {100 * HITS[name]:.0f} % interval "
        f"({row['model']}: {target}, origins {_part(row)}, {row['n']:,} forecasts)."
    )


def pivot(skill: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one table for each model, target and score: a row per baseline, a cell per horizon.

    Decades and groups are left out. A cell holds a row of `comparison.skill_table`, or None where the horizon was not
    compared.
    """
    tables: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in (row for row in skill if row["horizon"] == ALL_HORIZONS or not is_overall(row)):
        key = (row["model"], row["target"], row["score"])
        table = tables.setdefault(key, {"model": key[0], "target": key[1], "score": key[2], "horizons": [], "rows": {}})
        horizon = str(row["horizon"])
        if horizon not in table["horizons"]:
            table["horizons"].append(horizon)
        table["rows"].setdefault(row["baseline"], {})[horizon] = row
    for table in tables.values():
        table["rows"] = [
            {"baseline": name, "cells": [cells.get(horizon) for horizon in table["horizons"]]}
            for name, cells in table["rows"].items()
        ]
    return list(tables.values())


def score_lines(table: Mapping[str, Any]) -> list[str]:
    """Return the comparison as lines for the terminal: skill in percent by horizon, with the larger p value."""
    lines = []
    for comparison in pivot(without_tests(table)):
        lines += [
            "",
            f"{comparison['model']}: {comparison['target']}, skill in {comparison['score']} by horizon (years)",
        ]
        lines.append(" " * 30 + "".join(f"{h:>17}" for h in comparison["horizons"]))
        for row in comparison["rows"]:
            cells = "".join(f"{_cell(cell):>17}" for cell in row["cells"])
            lines.append(f"  {row['baseline']:<28}{cells}")
    return lines[1:]


def _cell(row: Row | None) -> str:
    if row is None or row["skill"] is None:
        return "-"
    values = [row[name] for name in ("p", "p_newey_west") if row.get(name) is not None]
    p = f" (p {max(values):.2f})" if values else ""
    return f"{100 * row['skill']:+.1f} %{p}"


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines))
