"""Read an export of a run back, and compare every number with the run.

The tables are read by their labels: each cell is looked up in the projection by the labels in its row, whatever order
the export has written.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast import names
from forecast.quarters import period_end
from forecast.reporting.export_hubverse import MOST_SAMPLES, SAMPLE, TARGETS, Target

_FEW: Final = 5  # faults of a column that are listed
_HUB_DIGITS: Final = 1e-6


def export_faults(folder: Path, tree: xr.DataTree, headlines: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Return how many numbers of an export were compared with the run, and a sentence for each that differs.

    Parameters
    ----------
    folder : folder that `export_run` wrote, in any format.
    tree : projection of the run.
    headlines : headline records of the run.
    """
    compared, faults = 0, []
    for path in sorted(folder.rglob("*.csv")) + sorted(folder.glob("*.parquet")):
        if path.parent.parent.name == "model-output":
            count, found = _hub_faults(path, tree)
        elif path.stem == "headlines":
            count, found = _headline_faults(_read(path), headlines)
        elif path.stem.split("-")[0] in tree.children and not path.stem.endswith("-labels"):
            count, found = _table_faults(_read(path), tree[path.stem.split("-")[0]].to_dataset())
        else:
            continue
        compared += count
        faults += [f"{path}: {fault}" for fault in found]
    return compared, faults


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)


def _table_faults(table: pd.DataFrame, data: xr.Dataset) -> tuple[int, list[str]]:
    """Compare a tidy table with the group that it holds a part of."""
    dims = [str(column) for column in table if column in data.dims]
    compared, faults = 0, []
    for column in (str(column) for column in table if column not in data.dims):
        if column not in data:
            faults.append(f"column {column}, which the run does not have")
            continue
        values = data[column].transpose(*dims).to_numpy()
        at, unknown = _places(table, data, dims)
        if unknown:
            faults.append(unknown)
            break
        shown, stored = table[column].to_numpy(dtype=float), values[at].astype(float)
        compared += shown.size
        same = np.isclose(shown, stored, rtol=1e-6, atol=1e-12, equal_nan=True)
        faults += list(_named(table, dims, column, ~same, shown, stored))
        missing = np.ones(values.shape, dtype=bool)
        missing[at] = False
        missing &= values > 0 if data[column].attrs.get("units") == "paths" else np.isfinite(values)
        if missing.any():
            faults.append(f"{column}: {int(missing.sum())} numbers of the run are not in the table")
    return compared, faults


def _places(table: pd.DataFrame, data: xr.Dataset, dims: Sequence[str]) -> tuple[tuple[Any, ...], str]:
    """Return the position of each row in the run, and which label the run does not have."""
    at = []
    for dim in dims:
        known = pd.Index(data[dim].to_numpy())
        labels = table[dim].astype(known.dtype) if known.dtype.kind in "iuf" else table[dim].astype(str)
        if known.dtype.kind == "f":  # a table has its own digits
            place = np.abs(known.to_numpy()[None, :] - labels.to_numpy()[:, None]).argmin(axis=1)
        else:
            place = known.astype(labels.dtype).get_indexer(labels)
        if (place < 0).any():
            return (), f"{dim} {table[dim].iloc[int(np.argmin(place))]!r}, which the run does not have"
        at.append(place)
    return tuple(at), ""


def _named(table: pd.DataFrame, dims: Sequence[str], column: str, wrong: Any, shown: Any, stored: Any) -> Iterator[str]:
    """Yield one sentence for each of the first wrong cells, and one for the number of others."""
    rows = np.flatnonzero(wrong)
    for row in rows[:_FEW]:
        labels = ", ".join(str(table[dim].iloc[row]) for dim in dims)
        yield f"{column} at {labels}: {shown[row]:.7g} is written, the run has {stored[row]:.7g}"
    if rows.size > _FEW:
        yield f"{column}: {rows.size - _FEW} more numbers differ"


def _headline_faults(table: pd.DataFrame, headlines: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Compare the table of headlines with the records, cell by cell."""
    if len(table) != len(headlines):
        return 0, [f"{len(table)} headlines, the run has {len(headlines)}"]
    compared, faults = 0, []
    for number, (row, record) in enumerate(zip(table.to_dict("records"), headlines, strict=True)):
        for key, stored in record.items():
            if isinstance(stored, bool) or not isinstance(stored, int | float):
                same = stored is None or str(row[key]).lstrip("'") == str(stored)
            else:
                compared += 1
                same = bool(np.isclose(float(row[key]), stored, rtol=1e-9, atol=0.0))
            if not same:
                faults.append(f"headline {number}: {key} is {row[key]}, the run has {stored}")
    return compared, faults


def _hub_faults(path: Path, tree: xr.DataTree) -> tuple[int, list[str]]:
    """Compare a file of a hub with the projection; rows of other targets and types are not counted."""
    rows = pd.read_csv(path, keep_default_na=False)
    compared, faults = 0, []
    for target in TARGETS:
        for kind in target.variables:
            part = rows[(rows["target"] == target.name) & (rows["output_type"] == kind)]
            count, found = _hub_part_faults(part, target, kind, tree)
            compared += count
            faults += found
    return compared, faults


def _hub_part_faults(part: pd.DataFrame, target: Target, kind: str, tree: xr.DataTree) -> tuple[int, list[str]]:
    data = tree[names.JOINT if kind == SAMPLE else target.group].to_dataset()[target.variables[kind]]
    dim, label = target.select
    data = data.sel({dim: label}) if dim else data
    time = names.QUARTER if names.QUARTER in data.dims else names.YEAR
    scenario = part["scenario_id"].str.split(".", expand=True)
    ends = {period_end(label): label for label in data[time].to_numpy().tolist()}
    labels = pd.DataFrame({names.WAR: scenario[0], names.DESIGN: scenario[1], time: part["target_end_date"].map(ends)})
    if target.location_dim:
        labels[target.location_dim] = part["location"]
    if kind == SAMPLE:
        data = data.isel({names.PATH: slice(MOST_SAMPLES)})
        labels[names.PATH] = part["output_type_id"].str[1:].astype(int)  # after a letter of the target
    if kind == "pmf":
        labels[names.VERDICT] = part["output_type_id"]
    if kind == "quantile":
        labels[names.QUANTILE] = part["output_type_id"].astype(float)
    dims = [str(dim) for dim in data.dims]
    if labels.isna().to_numpy().any():
        return 0, [f"{target.name} {kind}: a date or scenario that the run does not have"]
    at, unknown = _places(labels, data.to_dataset(name="value"), dims)
    if unknown:
        return 0, [f"{target.name} {kind}: {unknown}"]
    shown, stored = part["value"].to_numpy(dtype=float), data.to_numpy()[at].astype(float)
    wrong = ~np.isclose(shown, stored, rtol=_HUB_DIGITS, atol=_HUB_DIGITS)
    faults = list(_named(labels.reset_index(drop=True), dims, f"{target.name} {kind}", wrong, shown, stored))
    if (missing := int(np.isfinite(data.to_numpy()).sum()) - shown.size) > 0:
        faults.append(f"{target.name} {kind}: {missing} numbers of the run are not in the file")
    return shown.size, faults
