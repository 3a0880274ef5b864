"""Score the stored runs on dated outcomes, against baselines, by horizon.

A forecast made on or after the day on which an outcome became known is refused: it is not scored, and the table says
so. A forecast is conditional on its scenario, so only the scenario that held is scored.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast import names
from forecast.array_types import Floats
from forecast.errors import DataError, RunError, did_you_mean
from forecast.evaluation.resolution.baselines import Records
from forecast.evaluation.resolution.outcomes import Outcome, read_outcomes
from forecast.evaluation.scoring import brier, crps, crps_of_histogram, rps
from forecast.priors.stored import stored_reference
from forecast.quarters import last_whole_quarter, quarter_number
from forecast.storage.files import sha256_of, write_json, written_whole
from forecast.storage.runs import PUBLISHED, Run, list_runs

CSV: Final = "resolved.csv"
JSON: Final = "resolved.json"
_SCORES: Final = {"verdict": "RPS", "event": "Brier", "number": "CRPS"}
_KEY: Final = ("target", "score_name", "baseline", "years")
_ENOUGH: Final = 20  # outcomes of one target and horizon below which the lines warn
Row = dict[str, Any]


def resolve(home: Path, outcomes: Path, folder: Path, today: date) -> dict[str, Any]:
    """Score all published runs of a workspace on a file of outcomes; write the tables into `folder` and return them.

    Returns
    -------
    `forecasts` (one row for each run and outcome scored), `summary` (by target and horizon), `refused` (forecasts made
    too late), `unanswered` (runs and outcomes without a forecast, with the reason) and `outcomes` (with their sources).

    Raises
    ------
    DataError
        If the outcomes have a fault, or no forecast can be scored.
    RunError
        If `folder` cannot be written, or holds other files of these names.
    """
    known = read_outcomes(outcomes, today)
    rows = [row for run in list_runs(home) for row in _rows(home, run, known)]
    refused = [row for row in rows if "refused" in row]
    unanswered = [row for row in rows if "reason" in row]
    forecasts = [row for row in rows if "score" in row]
    if not forecasts:
        raise DataError(_nothing(home, outcomes, rows))
    resolved = {
        "outcomes_sha256": sha256_of(outcomes),
        "outcomes": [_recorded(outcome) for outcome in known],
        "forecasts": forecasts,
        "summary": summarised(forecasts),
        "refused": refused,
        "unanswered": unanswered,
    }
    with written_whole(folder, (CSV, JSON)) as temporary:
        write_json(temporary / JSON, resolved)
        (temporary / CSV).write_text(_csv(forecasts), encoding="utf-8")
    return resolved


def _recorded(outcome: Outcome) -> Row:
    return {
        "target": outcome.target,
        "unit": outcome.unit,
        "period": outcome.period,
        "value": names.VERDICTS[int(outcome.value)] if outcome.question.kind == "verdict" else outcome.value,
        "date": str(outcome.known),
        "source": outcome.source,
        "war": outcome.war,
        "design": outcome.design,
    }


def _rows(home: Path, run: Run, outcomes: Sequence[Outcome]) -> Iterator[Row]:
    """Yield one row for each outcome: scored, refused, or without a forecast; one row for a run that cannot be read."""
    if run.status not in PUBLISHED:
        if run.status == "damaged":
            yield {"run": run.id, "outcome": "all", "reason": run.reason}
        return
    made = date.fromisoformat(run.manifest["finished"][:10])
    try:
        tree = run.projection
    except RunError as error:
        yield {"run": run.id, "outcome": "all", "reason": str(error)}
        return
    war, design = stored_reference(run.json(names.PRIORS))
    with tree:
        as_of = date.fromisoformat(str(run.manifest["plan"]["as_of"]))
        records = Records(home, tree, as_of)
        for stated in outcomes:
            outcome = replace(stated, war=stated.war or war, design=stated.design or design)
            facts = {"run": run.id, "outcome": outcome.name}
            if outcome.known <= max(made, as_of):
                too_late = f"made on {max(made, as_of)}, but the outcome was known on {outcome.known}"
                yield {**facts, "refused": too_late}
                continue
            labels = _labels(outcome)
            found = _forecast(tree, outcome, labels)
            if isinstance(found, str):
                yield {**facts, "reason": found}
            else:
                plan = {"run": run.id, "plan": run.plan_name, "as_of": str(as_of), "made": str(made)}
                yield plan | _scored(outcome, as_of, found, records.baseline(outcome, labels))


def _labels(outcome: Outcome) -> dict[str, Any]:
    """Return the coordinates of the forecast in the projection, by dimension."""
    question = outcome.question
    labels: dict[str, Any] = {names.WAR: outcome.war, names.DESIGN: outcome.design}
    labels |= dict(zip(question.unit_dims, outcome.unit.split(":"), strict=False))
    labels[question.time] = outcome.period if question.time == names.QUARTER else int(outcome.period)
    return labels


def _forecast(tree: xr.DataTree, outcome: Outcome, labels: dict[str, Any]) -> xr.DataArray | str:
    """Return the forecast of an outcome, or why a run has none."""
    question = outcome.question
    group = tree[question.group].to_dataset() if question.group in tree else xr.Dataset()
    if question.variable not in group:
        return f"the run has no {question.variable}"
    data = group[question.variable]
    for dim, label in labels.items():
        if dim in data.dims:
            known = data[dim].to_numpy().tolist()
            if label not in known:
                return f"the run has no {dim} {label}{did_you_mean(str(label), map(str, known))}"
            data = data.sel({dim: label})
    if names.CONTRIBUTOR in data.coords:
        place = {dim: labels[dim] for dim in (names.MISSION, names.CONTRIBUTOR)}
        if not group["contingent_weight"].sel(place) > 0:
            return f"{place[names.CONTRIBUTOR]} has no contingent in {place[names.MISSION]}"
    if bool(data.isnull().any()) or (question.kind == "number" and float(data.sum()) == 0.0):
        return "the run has no value in that period"
    return data


def _scored(outcome: Outcome, as_of: date, found: xr.DataArray, other: tuple[str, Any]) -> Row:
    """Return the row of one forecast, with its score and the score of the baseline."""
    baseline, alternative = other
    values, y = found.to_numpy().astype(float), outcome.value
    row: Row = {"target": outcome.target, "unit": outcome.unit, "period": outcome.period}
    row |= {"war": outcome.war, "design": outcome.design, "horizon": horizon_years(as_of, outcome.period)}
    row |= {"known": str(outcome.known), "observed": y, "lower": None, "upper": None}
    if outcome.question.kind == "verdict":
        row |= {"forecast": float(values[int(y)]), "score": float(rps(values, y))}
        row["score_baseline"] = float(rps(alternative, y))
    elif outcome.question.kind == "event":
        row |= {"forecast": float(values), "score": float(brier(values, y))}
        row["score_baseline"] = float(brier(alternative, y))
    else:
        bins = found[found.dims[0]].to_numpy().astype(float)
        lower, middle, upper = quantiles(values, bins, (0.1, 0.5, 0.9))
        row |= {"forecast": middle, "lower": lower, "upper": upper}
        row["score"] = float(crps_of_histogram(bins, values, y))
        row["score_baseline"] = float(crps(alternative, y))
    return row | {"score_name": _SCORES[outcome.question.kind], "baseline": baseline}


def horizon_years(as_of: date, period: str) -> float:
    """Return the time in years from the last whole quarter that was known to the end of a quarter or year."""
    last = period if "Q" in period else f"{period}Q4"
    return (quarter_number(last) - last_whole_quarter(as_of)) / 4.0


def quantiles(counts: Floats, bins: Floats, levels: Sequence[float]) -> list[float]:
    """Return the values of the bins at which the counts reach these shares of their sum."""
    reached = np.searchsorted(np.cumsum(counts) / counts.sum(), np.asarray(levels) - 1e-9)
    return [float(bins[i]) for i in reached]


def summarised(forecasts: Sequence[Row]) -> list[Row]:
    """Return mean scores and skill by target and horizon, the horizon in whole years rounded up.

    Runs that answer the same question are not independent, so each row also counts the outcomes.
    """
    frame = pd.DataFrame(forecasts).assign(years=lambda x: np.ceil(x["horizon"]).astype(int))
    lines = []
    for key, part in frame.groupby(list(_KEY), sort=False):
        model, other = float(part["score"].mean()), float(part["score_baseline"].mean())
        outcomes = len(part.drop_duplicates(["unit", "period"]))
        counts = {"outcomes": outcomes, "forecasts": len(part), "score": model, "score_baseline": other}
        lines.append(
            {**dict(zip(_KEY, key, strict=True)), **counts, "skill": 1.0 - model / other if other > 0 else None}
        )
    return sorted(lines, key=lambda line: (line["target"], line["years"]))


def _csv(forecasts: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(forecasts[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(forecasts)
    return text.getvalue()


def _nothing(home: Path, outcomes: Path, rows: Sequence[Row]) -> str:
    """Return why no forecast can be scored, with the first few reasons."""
    if not rows:
        return f"{home / 'runs'}: no run to score, expected one; make one with `forecast run quickstart`"
    reasons = [f"{row['run']}: {row['outcome']}: {row.get('refused') or row['reason']}" for row in rows]
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return (
        f"{outcomes}: no forecast can be scored ({'; '.join(reasons[:3])}{more}); add outcomes that became known after "
        "a run was made and that the run forecasts"
    )


def resolved_lines(resolved: dict[str, Any]) -> list[str]:
    """Return the summary as lines of at most 80 columns, the lowest skill first."""
    rows = sorted(resolved["summary"], key=lambda row: np.inf if row["skill"] is None else row["skill"])
    lines = [
        f"{len(resolved['forecasts'])} forecasts scored on {len(resolved['outcomes'])} outcomes (lower is better)",
        "",
        f"{'target':<26}{'years':>5}{'fcsts':>6}{'outc.':>6} {'score':<6}{'run':>7}{'base':>7}{'skill':>9}",
    ]
    for row in rows:
        skill = "-" if row["skill"] is None else f"{100 * row['skill']:+.0f} %"
        lines.append(
            f"{row['target']:<26}{row['years']:>5}{row['forecasts']:>6}{row['outcomes']:>6} {row['score_name']:<6}"
            f"{row['score']:>7.3f}{row['score_baseline']:>7.3f}{skill:>9}"
        )
    lines += ["", "Baselines: " + ", ".join(sorted({row["baseline"] for row in rows})) + "."]
    if max(row["outcomes"] for row in rows) < _ENOUGH:
        lines.append(f"No line has {_ENOUGH} outcomes: too few to show any skill.")
    for name, what in (("refused", "refused, made when the outcome was known"), ("unanswered", "without a forecast")):
        if resolved[name]:
            lines.append(f"{len(resolved[name])} {what}; {JSON} lists them.")
    return lines
