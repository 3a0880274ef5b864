"""Report how a table drifted since an earlier run: rows added, removed and revised, and by how much against usual.

What is usual for defence spending comes from successive editions of the same figures in `defence_spending_vintages`.
Other tables have no record of editions, so only the largest relative change is reported.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.data.editions import Edition, compare_editions
from forecast.data.tables import Tables, load_tables, table_text
from forecast.pipeline.kept_tables import tables_of
from forecast.storage.runs import PUBLISHED, list_runs
from forecast.workspace.inputs import own_tables
from forecast.workspace.plan import calendar_day

_USUAL: Final = 0.95  # of revisions are smaller than what counts as usual
_REVISED: Final = "defence_spending"  # the table whose earlier editions are known


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """What differs between two editions of a table.

    Attributes
    ----------
    table : name of the table.
    added, removed, revised : numbers of rows.
    largest : relative change of the number that changed most, such as 0.12; None if no number changed.
    where : that number in words: its row, column and both values.
    usual : relative change that 95 % of revisions stay below; None where no earlier editions are known.
    unusual : numbers that changed by more; 0 where `usual` is None.
    """

    table: str
    added: int
    removed: int
    revised: int
    largest: float | None
    where: str
    usual: float | None
    unusual: int


def drift_since(home: Path, manifest: Mapping[str, Any], tables: Tables) -> list[Drift]:
    """Return what has drifted since an earlier run, one entry for each table that differs.

    Parameters
    ----------
    home : folder of the workspace.
    manifest : manifest of the earlier run.
    tables : tables of now; where the earlier table is not kept, there is no entry.
    """
    earlier, usual = tables_of(home, manifest), usual_revision(tables.defence_spending_vintages)
    return [
        table_drift(compare_editions(name, earlier[name], text), usual if name == _REVISED else None)
        for name, digest in tables.digests.items()
        if name in earlier and manifest["tables"].get(name) != digest
        for text in [table_text(getattr(tables, name))]
    ]


def table_drift(edition: Edition, usual: float | None) -> Drift:
    """Return the drift of one table; `usual` as in `Drift`."""
    changes = list(_relative_changes(edition))
    largest, where = max(changes, default=(None, ""), key=lambda change: change[0] or 0.0)
    return Drift(
        table=edition.table,
        added=len(edition.added),
        removed=len(edition.removed),
        revised=len(edition.changed),
        largest=largest,
        where=where,
        usual=usual,
        unusual=sum(change > usual for change, _ in changes) if usual is not None else 0,
    )


def usual_revision(vintages: pd.DataFrame) -> float | None:
    """Return the relative change that 95 % of the revisions from one edition to the next stay below; None without any.

    `vintages` are rows of country, year, basis, vintage and share_gdp; figures that an edition repeats do not count.
    """
    in_order = vintages.sort_values("vintage")
    ratio = in_order.groupby(["country", "year", "basis"], observed=True)["share_gdp"].pct_change()
    sizes = np.abs(ratio[ratio.notna() & (ratio != 0.0)])
    return float(sizes.quantile(_USUAL)) if len(sizes) else None


def _relative_changes(edition: Edition) -> Iterator[tuple[float, str]]:
    """Yield the size of each changed number, relative to the earlier one, and its place in words."""
    for key, cells in edition.changed.items():
        for column, (before, after) in cells.items():
            try:
                old, new = float(before), float(after)
            except ValueError:
                continue
            if old != 0.0 and math.isfinite(new / old):
                yield abs(new / old - 1.0), f"{', '.join(key)}: {column} {before} is now {after}"


def drift_text(drift: Drift) -> str:
    """Return one sentence on a table, such as "defence_spending: 3 rows added, 1 removed, 20 revised; …"."""
    text = f"{drift.table}: {drift.added} rows added, {drift.removed} removed, {drift.revised} revised"
    if drift.largest is not None:
        text += f"; the largest change is {drift.largest:.1%} ({drift.where})"
    if drift.usual is not None and drift.largest is not None:
        text += f"; {drift.unusual} changed by more than {drift.usual:.1%}, below which 95 % of past revisions stay"
    return text


def drift_record(drift: Drift) -> dict[str, Any]:
    """Return a drift as plain data for the manifest, with its sentence."""
    return {**asdict(drift), "text": drift_text(drift)}


def drift_lines(home: Path) -> list[str]:
    """Return one sentence for each table that differs from the newest run of a workspace; none without a run."""
    runs = [run for run in list_runs(home) if run.status in PUBLISHED and run.manifest.get("tables")]
    if not runs:
        return []
    newest = runs[-1]
    now = load_tables(own_tables(home), calendar_day(newest.manifest["plan"]["as_of"]))
    return [f"since {newest.id}, {drift_text(drift)}" for drift in drift_since(home, newest.manifest, now)]
