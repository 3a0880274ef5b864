"""The rules of a forecast hub, as far as an export can break them."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd

from forecast.reporting.export_hubverse import TASK_IDS
from tests.support.twin.path import Path


def faults(hub: Path) -> list[str]:
    """What the published rules find wrong: of names, columns, values of tasks, quantiles, chances and means."""
    tasks = json.loads((hub / "hub-config" / "tasks.json").read_text("utf-8"))
    (one,) = tasks["rounds"]
    (path,) = (hub / "model-output").rglob("*.csv")
    found = []
    if not re.fullmatch(rf"\d{{4}}-\d\d-\d\d-{path.parent.name}\.csv", path.name):
        found.append("name of the file")
    if not re.fullmatch(r"[A-Za-z0-9_+]{1,16}-[A-Za-z0-9_+]{1,16}", path.parent.name):
        found.append("name of the model")
    rows = pd.read_csv(path, dtype={"output_type_id": str}, keep_default_na=False)
    if list(rows.columns) != [*TASK_IDS, *OUTPUT]:
        found.append("columns")
    if set(rows[one["round_id"]]) != {path.name[:10]}:
        found.append("round")
    if rows.duplicated([*TASK_IDS, *OUTPUT[:2]]).any():
        found.append("rows twice")
    known = 0
    for group in one["model_tasks"]:
        (target,) = group["task_ids"]["target"]["required"]
        mine = rows[rows["target"] == target]
        known += len(mine)
        found += [f"{target}: {fault}" for fault in task_faults(group, mine)]
    return found + ["unknown targets"] * (known != len(rows))


OUTPUT = ("output_type", "output_type_id", "value")


def task_faults(group: dict[str, Any], rows: pd.DataFrame) -> list[str]:
    found = []
    for key, allowed in group["task_ids"].items():
        if not set(rows[key]) <= {*(allowed["required"] or ()), *(allowed["optional"] or ())}:
            found.append(f"value of {key}")
    if set(rows["output_type"]) != set(group["output_type"]):
        found.append("output types")
    tasks = len(rows[list(TASK_IDS)].drop_duplicates())
    for kind, rule in group["output_type"].items():
        mine = rows[rows["output_type"] == kind]
        low, high = rule["value"].get("minimum", -np.inf), rule["value"].get("maximum", np.inf)
        if not mine["value"].between(low, high).all():
            found.append(f"{kind}: range")
        if mine[list(TASK_IDS)].drop_duplicates().shape[0] != tasks:
            found.append(f"{kind}: not for every task")
        wanted = [str(x) for x in rule["output_type_id"]["required"] or ["NA"]]
        each = mine.sort_values(list(TASK_IDS), kind="stable")  # the rows of a task together
        if list(each["output_type_id"]) != wanted * tasks:
            found.append(f"{kind}: ids")
            continue
        values = each["value"].to_numpy().reshape(tasks, -1)
        if kind == "quantile" and (np.diff(values) < 0).any():
            found.append("quantile: falls")
        if kind == "pmf" and (abs(values.sum(axis=1) - 1) > 1.5e-8).any():  # the validator's tolerance
            found.append("pmf: sum")
    return found
