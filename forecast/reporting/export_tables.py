"""Export a run as plain tables with one row for each observation, for tools that do not read NetCDF.

Variables of a group with the same dimensions are columns of one table. `datapackage.json` describes each file and
column with the unit and meaning stored in the run (Frictionless Data Package). Rows without a value, such as those
of a mission that has not started, and empty histogram bins are left out. A folder is replaced only if it is marked as
an earlier export.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
import pandas as pd
import xarray as xr

from forecast import names
from forecast.errors import RunError, cannot_read
from forecast.reporting.export_hubverse import CONFIG, add_to_hub, write_hub
from forecast.reporting.headline_text import COHESION_SKILL, COHESION_USE
from forecast.storage.files import read_json, sha256_of, with_checksums, write_json, written_whole
from forecast.storage.runs import Run, file_digests
from forecast.storage.shapes import Files

PACKAGE: Final = "datapackage.json"
MARK: Final = "forecast-export.json"
#: Columns whose description says that they have no measured skill.
_COHESION: Final = ("verdict_probability", "cohesion", "cohesion_mean", "cohesion_count", "joint_cohesion")
_QUOTED: Final = ',"\r\n'  # characters of CSV itself
_ROWS_AT_ONCE: Final = 65_536
#: What a spreadsheet takes for the beginning of a formula in a cell of text.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Mark(TypedDict):
    """The file that an export leaves in its folder, by which the next export knows what may be replaced."""

    run: str
    files: Files


def export_run(run: Run, to: str, folder: Path) -> Path:
    """Write a run in format `to` into `folder`, whole or not at all, and return the folder.

    The files of an earlier export in that folder are replaced. Files that were added to them are kept. An existing
    hub gets its model-output file, and nothing else in it is touched.

    Raises
    ------
    RunError
        If the run is damaged, incomplete or in another output schema, or the folder is no earlier export or hub.
    """
    run.require_whole()
    final = folder.resolve()
    try:
        to_hub = to == "hubverse" and (final / CONFIG).is_dir() and not os.path.lexists(final / MARK)
        own = None if to_hub else _earlier_files(folder)
    except OSError as error:
        raise error if isinstance(error, RunError) else cannot_read(folder, error) from error
    with run.projection as tree:
        if own is None:
            add_to_hub(tree, final)
            return final
        with written_whole(final, own) as temporary:
            if to == "hubverse":
                write_hub(tree, temporary)
            else:
                _write_tables(run, tree, to, temporary)
            write_json(temporary / MARK, with_checksums({"run": run.id, "files": file_digests(temporary)}))
    return final


def _earlier_files(folder: Path) -> list[str]:
    """Return the files of an earlier export in a folder, which may be new or empty.

    Raises RunError if the folder is something else, or if a file was changed after the export.
    """
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return []
    if not os.path.lexists(folder / MARK):
        raise RunError(f"{folder}: is no earlier export (it holds no {MARK}); choose a new folder with --out")
    known = read_json(folder / MARK, Mark, fix="choose a new folder with --out")["files"]
    changed = [name for name, digest in known.items() if sha256_of(folder / name) not in (digest, "missing")]
    if changed:
        raise RunError(
            f"{folder}: {', '.join(changed)} changed since the export; move what you need away, or choose a new folder "
            "with --out"
        )
    return [*known, MARK]


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
    headlines = pd.DataFrame(run.headlines)
    if "decided" in headlines:
        headlines["decided"] = headlines["decided"].astype("boolean")
    tables = [("headlines", headlines), *tidy_tables(tree)]
    for name, table in tables:
        path = f"{name}.{to}"
        if to == "csv":
            _write_csv(table.apply(_no_formulas), folder / path)
        else:
            table.to_parquet(folder / path, engine="pyarrow", index=False)
        data = tree[name.split("-")[0]] if name != "headlines" else xr.Dataset()
        fields = [_field(str(c), table[c], data) for c in table.columns]
        resources.append({"name": name, "path": path, "schema": {"fields": fields}})
    provenance = {k: v.item() if isinstance(v, np.generic) else v for k, v in tree.attrs.items()}
    package = {
        "name": run.id,
        "description": f"{COHESION_SKILL} {COHESION_USE}",
        "provenance": provenance,
        "resources": resources,
    }
    write_json(folder / PACKAGE, package)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV: by pyarrow, ten times as fast as pandas, if no text of the table needs quotation marks.

    pyarrow puts all text between them or none, and writes a number without a fraction without `.0`.
    """
    columns = [column for _, column in table.items()]
    if not all(map(_is_plain, columns)):
        table.to_csv(path, index=False)
        return
    import pyarrow as pa
    from pyarrow import csv

    options = csv.WriteOptions(quoting_style="none", quoting_header="none", batch_size=_ROWS_AT_ONCE)
    csv.write_csv(pa.Table.from_pandas(table, preserve_index=False), path, options)


def _is_plain(column: pd.Series) -> bool:
    """Return whether a column holds numbers, or names without a character that CSV would quote."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return not any(set(_QUOTED) & set(str(label)) for label in column.cat.categories)
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _no_formulas(column: pd.Series) -> pd.Series:
    """Return a column of text with an apostrophe before cells that a spreadsheet would compute; numbers as they are."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.rename_categories(_as_text)
    return column.map(_as_text)


def _as_text(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _field(name: str, column: pd.Series, data: Any) -> dict[str, str]:
    """Return the description of a column: its type, and its unit and meaning as stored in the run."""
    kinds = {"i": "integer", "u": "integer", "f": "number", "b": "boolean", "M": "date"}
    attributes = data[name].attrs if name in data else {}
    description = attributes.get("long_name", "")
    if name in _COHESION:
        description += f". {COHESION_SKILL}"
    facts = {"description": description, "unit": attributes.get("units", "")}
    kind = kinds.get(getattr(column.dtype, "kind", "O"), "string")
    return {"name": name, "type": kind} | {k: str(v) for k, v in facts.items() if v}
