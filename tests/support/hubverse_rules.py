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
        wanted = [str(x) for x in rule["output_type_id"]["required"] or ["NA"]]
        each = target_rows.sort_values(list(TASK_IDS), kind="stable")  # the rows of a task together
        if list(each["output_type_id"]) != wanted * tasks:
            broken.append(f"{kind}: ids")
            continue
        values = each["value"].to_numpy().reshape(tasks, -1)
        if kind == "quantile" and (np.diff(values) < 0).any():
            broken.append("quantile: falls")
        if kind == "pmf" and (abs(values.sum(axis=1) - 1) > 1.5e-8).any():  # the validator's tolerance
            broken.append("pmf: sum")
    return broken
