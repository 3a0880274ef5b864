"""Export a run as plain tables with one row for each observation, for tools that do not read NetCDF.

Variables of a group with the same dimensions are columns of one table. `datapackage.json` describes each file and
column with the unit and meaning stored in the run (Frictionless Data Package). Rows without a value, such as those
of a mission that has not started, and empty histogram bins are left out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast import names
from forecast.errors import RunError
from forecast.reporting.export_hubverse import write_hub
from forecast.storage.files import write_json, written_whole
from forecast.storage.runs import Run

PACKAGE: Final = "datapackage.json"


def export_run(run: Run, to: str, folder: Path) -> Path:
    """Write a run in format `to` into `folder`, whole or not at all, and return the folder; replace an earlier export.

    Raises
    ------
    RunError
        If the run is damaged, incomplete or in another output schema, or the folder holds anything but an export.
    """
    final = folder.resolve()
    if final.exists() and not ((final / PACKAGE).exists() or (final / "hub-config").exists()):
        raise RunError(f"{folder}: exists and is no earlier export; choose a new folder with --out, or remove it")
    with run.projection as tree, written_whole(final) as temporary:
        if to == "hubverse":
            write_hub(tree, temporary)
        else:
            _write_tables(run, tree, to, temporary)
    return final


def tidy_tables(tree: xr.DataTree) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield every table of a projection with its name: `<group>-<dimensions>`, or `<group>-<dimension>-labels`."""
    for group, node in tree.children.items():
        data = node.to_dataset()
        for dims in dict.fromkeys(v.dims for v in data.data_vars.values()):
            columns = [name for name, v in data.data_vars.items() if v.dims == dims]
            yield "-".join([group, *map(str, dims)]), _table(data[columns], group == names.COUNTS)
        for dim in data.dims:
            labels = [c for c, v in data.coords.items() if v.dims == (dim,) and c != dim]
            if labels:
                yield f"{group}-{dim}-labels", pd.DataFrame({c: data[c].values for c in [dim, *labels]})


def _table(data: xr.Dataset, counted: bool) -> pd.DataFrame:
    """Return variables of the same dimensions as columns, with one row for each cell that has a value."""
    first = next(iter(data.data_vars.values()))
    values = {str(name): v.values.ravel() for name, v in data.data_vars.items()}
    has_value = [v > 0 if counted else np.isfinite(v) for v in values.values()]
    kept = np.flatnonzero(np.any(has_value, axis=0))
    columns: dict[str, Any] = {}
    for dim, index in zip(first.dims, np.unravel_index(kept, first.shape), strict=True):
        labels = data[dim].values
        text = labels.dtype.kind in "UOT"
        columns[str(dim)] = pd.Categorical.from_codes(index, pd.Index(list(labels))) if text else labels[index]
    return pd.DataFrame(columns | {name: v[kept] for name, v in values.items()})


def _write_tables(run: Run, tree: xr.DataTree, to: str, folder: Path) -> None:
    resources = []
    tables = [("headlines", pd.DataFrame(run.headlines)), *tidy_tables(tree)]
    for name, table in tables:
        path = f"{name}.{to}"
        if to == "csv":
            table.to_csv(folder / path, index=False)
        else:
            table.to_parquet(folder / path, engine="pyarrow", index=False)
        data = tree[name.split("-")[0]] if name != "headlines" else xr.Dataset()
        fields = [_field(str(c), table[c], data) for c in table.columns]
        resources.append({"name": name, "path": path, "schema": {"fields": fields}})
    provenance = {k: v.item() if isinstance(v, np.generic) else v for k, v in tree.attrs.items()}
    package = {"name": run.id, "provenance": provenance, "resources": resources}
    write_json(folder / PACKAGE, package)


def _field(name: str, column: pd.Series, data: Any) -> dict[str, str]:
    """Return the description of a column: its type, and its unit and meaning as stored in the run."""
    kinds = {"i": "integer", "u": "integer", "f": "number", "b": "boolean"}
    attributes = data[name].attrs if name in data else {}
    facts = {"description": attributes.get("long_name", ""), "unit": attributes.get("units", "")}
    kind = kinds.get(getattr(column.dtype, "kind", "O"), "string")
    return {"name": name, "type": kind} | {k: str(v) for k, v in facts.items() if v}
