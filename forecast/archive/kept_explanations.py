"""Keep explanations, so that the page of a run can show which inputs moved its headlines.

`runs/explanations/AFTER/BEFORE.json` holds the rows of the explanation of one pair of runs.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypedDict

from forecast.errors import RunError
from forecast.projection.headlines import key_of
from forecast.storage.files import read_json, replace_json, with_checksums
from forecast.storage.listing import list_folders
from forecast.storage.runs import Run
from forecast.storage.shapes import Number

log = logging.getLogger(__name__)

_FOLDER: Final = "explanations"


class _Contribution(TypedDict):
    """What one part contributes."""

    part: str
    value: Number


class _Headline(TypedDict):
    """A headline and its contributions."""

    target: str
    unit_id: str
    war: str
    design: str
    horizon_role: str
    statistic: str
    category: str
    before: Number
    after: Number
    error: Number
    contributions: list[_Contribution]


class _Explanation(TypedDict):
    """The file of an explanation."""

    headlines: list[_Headline]


def keep_explanation(home: Path, rows: Mapping[str, Any]) -> None:
    """Keep what `explanation_rows` gives; raises RunError if that is impossible."""
    replace_json(_path(home, rows["before"], rows["after"]), with_checksums(rows))


def kept_explanation(home: Path, before: str, run: Run) -> list[dict[str, Any]]:
    """Return the explained headlines of a run since an earlier one, as they are in the run.

    Each has its `record`, the value `before`, and the `contributions`. The list is empty if none are kept, or if the
    file is damaged.
    """
    path = _path(home, before, run.id)
    if not os.path.lexists(path):
        return []
    try:
        rows = read_json(path, _Explanation, fix=f"explain it again: forecast explain {before} {run.id}")["headlines"]
    except RunError as error:
        log.warning("%s", error)
        return []
    records = {key_of(record): record for record in run.headlines}
    found = [{**row, "record": records.get(key_of(row))} for row in rows]
    return [row for row in found if row["record"] and row["record"]["value"] == row["after"]]


def explained_runs(home: Path) -> list[Path]:
    """Return the folders of the explanations of each run, named after it; raises OSError if they cannot be listed."""
    return list_folders(home / "runs" / _FOLDER)


def _path(home: Path, before: str, after: str) -> Path:
    return home / "runs" / _FOLDER / after / f"{before}.json"
