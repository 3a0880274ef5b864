"""Check the rules of a forecast hub, as far as an export can break them."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd

from forecast.reporting.export_hubverse import TASK_IDS
from tests.support.twin.path import Path


def faults(hub: Path) -> list[str]:
    """Return the broken rules on names, columns, values of tasks, quantiles, probabilities and means."""
    tasks = json.loads((hub / "hub-config" / "tasks.json").read_text("utf-8"))
    (round_,) = tasks["rounds"]
    (path,) = (hub / "model-output").rglob("*.csv")
    broken = []
    if not re.fullmatch(rf"\d{{4}}-\d\d-\d\d-{path.parent.name}\.csv", path.name):
        broken.append("name of the file")
    if not re.fullmatch(r"[A-Za-z0-9_+]{1,16}-[A-Za-z0-9_+]{1,16}", path.parent.name):
        broken.append("name of the model")
    rows = pd.read_csv(path, dtype={"output_type_id": str}, keep_default_na=False)
    if list(rows.columns) != [*TASK_IDS, *OUTPUT]:
        broken.append("columns")
    if set(rows[round_["round_id"]]) != {path.name[:10]}:
        broken.append("round")
    if rows.duplicated([*TASK_IDS, *OUTPUT[:2]]).any():
        broken.append("rows twice")
    known = 0
    for group in round_["model_tasks"]:
        (target,) = group["task_ids"]["target"]["required"]
        target_rows = rows[rows["target"] == target]
        known += len(target_rows)
        broken += [f"{target}: {fault}" for fault in task_faults(group, target_rows)]
    samples = rows[rows["output_type"] == "sample"]
    if (samples.groupby("output_type_id")["target"].nunique() > 1).any():
        broken.append("sample of two targets")
    return broken + ["unknown targets"] * (known != len(rows))


OUTPUT = ("output_type", "output_type_id", "value")


def task_faults(group: dict[str, Any], rows: pd.DataFrame) -> list[str]:
    broken = []
    for key, allowed in group["task_ids"].items():
        if not set(rows[key]) <= {*(allowed["required"] or ()), *(allowed["optional"] or ())}:
            broken.append(f"value of {key}")
    if set(rows["output_type"]) != set(group["output_type"]):
        broken.append("output types")
    tasks = len(rows[list(TASK_IDS)].drop_duplicates())
    for kind, rule in group["output_type"].items():
        target_rows = rows[rows["output_type"] == kind]
        low, high = rule["value"].get("minimum", -np.inf), rule["value"].get("maximum", np.inf)
        if not target_rows["value"].between(low, high).all():
            broken.append(f"{kind}: range")
        if target_rows[list(TASK_IDS)].drop_duplicates().shape[0] != tasks:
            broken.append(f"{kind}: not for every task")
        if kind == "sample":
            broken += sample_faults(rule["output_type_id_params"], target_rows)
        else:
            broken += value_faults(kind, [str(x) for x in rule["output_type_id"]["required"] or ["NA"]], target_rows)
    return broken


def value_faults(kind: str, wanted: list[str], rows: pd.DataFrame) -> list[str]:
    """Return the broken rules on the ids and values of each task; `wanted` are the ids."""
    each = rows.sort_values(list(TASK_IDS), kind="stable")  # the rows of a task together
    tasks = len(each[list(TASK_IDS)].drop_duplicates())
    if list(each["output_type_id"]) != wanted * tasks:
        return [f"{kind}: ids"]
    values = each["value"].to_numpy().reshape(tasks, -1)
    if kind == "quantile" and (np.diff(values) < 0).any():
        return ["quantile: falls"]
    if kind == "pmf" and (abs(values.sum(axis=1) - 1) > 1.5e-8).any():  # the validator's tolerance
        return ["pmf: sum"]
    return []


def sample_faults(params: dict[str, Any], rows: pd.DataFrame) -> list[str]:
    """Return the broken rules on samples: ids, number of a task, and the dimensions over which they are joint."""
    broken = []
    if params["type"] != "character" or rows["output_type_id"].str.len().max() > params["max_length"]:
        broken.append("sample: ids")
    number = rows.groupby(list(TASK_IDS))["output_type_id"].nunique()
    if not number.between(params["min_samples_per_task"], params["max_samples_per_task"]).all():
        broken.append("sample: number")
    by_sample = rows.groupby("output_type_id")
    compound = params["compound_taskid_set"]
    if not set(compound) < set(TASK_IDS) or (by_sample[compound].nunique() > 1).any(axis=None):
        broken.append("sample: spans compound tasks")
    rest = [key for key in TASK_IDS if key not in compound]
    if len({frozenset(map(tuple, group[rest].to_numpy())) for _, group in by_sample}) != 1:
        broken.append("sample: joint over different tasks")
    return broken
