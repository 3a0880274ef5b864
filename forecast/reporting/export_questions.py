"""Export questions and answers for forecasting platforms: the two JSON files of ForecastBench, and a CSV table.

A question set (forecastbench.org) lists questions about events, each with its resolution criteria and dates; a forecast
set holds the probabilities of one model. Questions about numbers are in the table and among the targets for a hub.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from forecast.archive.answers import LEVELS
from forecast.archive.questions import EVENT
from forecast.errors import RunError
from forecast.names import ALLIANCE
from forecast.reporting.export_hubverse import MODEL, SCHEMAS, TASK_IDS, TEAM
from forecast.reporting.formatting import printable
from forecast.storage.files import write_json, written_whole
from forecast.storage.runs import Run

NAME: Final = "alliance-forecast"
TABLE, QUESTION_SET, FORECAST_SET = "questions.csv", "question_set.json", "forecast_set.json"
HUB: Final = "hub"
_TEAM: Final = f"{TEAM}-{MODEL}"
_NONE: Final = "N/A"  # what the format has for a field without content
_COLUMNS: Final = (
    *("id", "text", "kind", "opened", "deadline", "rule", "source", "query", "scenario", "state", "outcome"),
    *("value", "error", "lower", "upper", "baseline", "baseline_source", "run", "as_of"),
)


def export_questions(run: Run, rows: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Write the rows of `answers.question_rows` into a new or empty folder, whole or not at all; return the folder.

    Raises
    ------
    RunError
        If the folder holds something, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder}: is not empty, expected a new folder; choose another with --export")
    as_of = str(run.manifest["plan"]["as_of"])
    due = run.manifest["finished"][:10]
    named = f"{due}-{NAME}.json"
    with written_whole(folder) as temporary:
        events = [row for row in rows if row["kind"] == EVENT]
        questions = [_question(row, as_of) for row in events]
        write_json(temporary / QUESTION_SET, {"forecast_due_date": due, "question_set": named, "questions": questions})
        forecasts = [_forecast(row, run) for row in events if "answer" in row]
        write_json(
            temporary / FORECAST_SET,
            {
                "organization": NAME,
                "model": f"{NAME} {run.manifest['provenance'].get('forecast_version', '')}".strip(),
                "model_organization": NAME,
                "question_set": named,
                "forecast_due_date": due,
                "forecasts": forecasts,
            },
        )
        (temporary / TABLE).write_text(_csv(rows, run, as_of), encoding="utf-8")
        answered = [row for row in rows if "answer" in row]
        if answered:
            write_question_hub(answered, as_of, temporary / HUB)
    return folder


def write_question_hub(rows: Sequence[Mapping[str, Any]], as_of: str, folder: Path) -> None:
    """Write answered questions as targets of a hubverse hub: `tasks.json` and the model-output file that satisfies it.

    An event has the probabilities of `no` and `yes`, a number its mean and quantiles.
    """
    output = folder / "model-output" / _TEAM / f"{as_of}-{_TEAM}.csv"
    output.parent.mkdir(parents=True)
    (folder / "hub-config").mkdir()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*TASK_IDS, "output_type", "output_type_id", "value"])
    for row in rows:
        task, answer = _task_of(row, as_of), row["answer"]
        if row["kind"] == EVENT:
            writer.writerow([*task, "pmf", "no", 1.0 - answer["value"]])
            writer.writerow([*task, "pmf", "yes", answer["value"]])
            continue
        writer.writerow([*task, "mean", "NA", answer["value"]])
        for level, value in zip(LEVELS, answer["quantiles"], strict=True):
            writer.writerow([*task, "quantile", f"{level:g}", value])
    output.write_text(text.getvalue(), encoding="utf-8")
    due = {"relative_to": "origin_date", "start": 0, "end": 366}
    tasks = [_hub_task(row, as_of) for row in rows]
    round_ = {"round_id_from_variable": True, "round_id": "origin_date", "model_tasks": tasks, "submissions_due": due}
    content = {
        "schema_version": f"{SCHEMAS}/tasks-schema.json",
        "rounds": [round_],
        "output_type_id_datatype": "character",
    }
    write_json(folder / "hub-config" / "tasks.json", content)


def _task_of(row: Mapping[str, Any], as_of: str) -> tuple[str, ...]:
    """Return the values of the task ids of a question, in the order of `TASK_IDS`."""
    scenario = row.get("scenario", "weighted").replace(" × ", ".")
    return as_of, scenario, row["id"], ALLIANCE, row["deadline"]


def _hub_task(row: Mapping[str, Any], as_of: str) -> dict[str, Any]:
    """Return the model task of one question."""
    is_event = row["kind"] == EVENT
    number = {"is_required": True, "value": {"type": "double"}}
    if is_event:
        bounded = {"is_required": True, "value": {"type": "double", "minimum": 0, "maximum": 1}}
        types = {"pmf": {"output_type_id": {"required": ["no", "yes"]}, **bounded}}
    else:
        types = {
            "mean": {"output_type_id": {"required": None}, **number},
            "quantile": {"output_type_id": {"required": list(LEVELS)}, **number},
        }
    return {
        "task_ids": {
            key: {"required": [value], "optional": None}
            for key, value in zip(TASK_IDS, _task_of(row, as_of), strict=True)
        },
        "output_type": types,
        "target_metadata": [
            {
                "target_id": row["id"],
                "target_name": row["text"],
                "target_units": "1" if is_event else "as in the question",
                "target_keys": {"target": row["id"]},
                "description": _one_line(row["rule"]),
                "target_type": "nominal" if is_event else "continuous",
                "is_step_ahead": False,
            }
        ],
    }


def _question(row: Mapping[str, Any], as_of: str) -> dict[str, Any]:
    """Return a question in the fields of a question set; the baseline is the value at the freeze."""
    return {
        "id": row["id"],
        "source": NAME,
        "question": row["text"],
        "resolution_criteria": _one_line(row["rule"]),
        "background": f"Resolution source: {row['source']}.",
        "market_info_open_datetime": _NONE,
        "market_info_close_datetime": f"{row['deadline']}T23:59:59+00:00",
        "market_info_resolution_criteria": _NONE,
        "url": _NONE,
        "freeze_datetime": f"{as_of}T00:00:00+00:00",
        "freeze_datetime_value": f"{row['baseline']:g}",
        "freeze_datetime_value_explanation": row["baseline_source"],
        "source_intro": "A question on the cohesion of the North Atlantic alliance, its spending and its missions.",
        "resolution_dates": [row["deadline"]],
    }


def _forecast(row: Mapping[str, Any], run: Run) -> dict[str, Any]:
    return {
        "id": row["id"],
        "source": NAME,
        "forecast": row["answer"]["value"],
        "resolution_date": row["deadline"],
        "reasoning": f"run {run.id}, {row.get('scenario') or 'weighted scenarios'}",
    }


def _csv(rows: Sequence[Mapping[str, Any]], run: Run, as_of: str) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        answer = row.get("answer", {})
        quantiles = answer.get("quantiles")
        cells = {name: row.get(name, "") for name in _COLUMNS} | {"run": run.id, "as_of": as_of}
        cells |= {"value": answer.get("value", ""), "error": answer.get("error", "")}
        cells |= {"lower": quantiles[5], "upper": quantiles[-6]} if quantiles else {"lower": "", "upper": ""}
        cells["scenario"] = row.get("scenario") or "; ".join(f"{cell}: {w:g}" for cell, w in row["weights"].items())
        if quantity := row.get("quantity"):
            cells["query"] = " ".join(quantity.values())
        writer.writerow({key: _one_line(cell) if isinstance(cell, str) else cell for key, cell in cells.items()})
    return text.getvalue()


def _one_line(text: str) -> str:
    return printable(text.strip())
