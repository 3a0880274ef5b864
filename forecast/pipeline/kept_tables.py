"""Keep the tables of every run, one file for each content, so that two runs can be compared row by row later.

`runs/tables/NAME-DIGEST.csv` holds the canonical text of a table; its sha256 is the digest in the manifest of the run.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from forecast.data.table_schema import TABLES
from forecast.data.tables import Tables, load_tables, table_text
from forecast.errors import ForecastError
from forecast.storage.files import read_bytes, replace_text
from forecast.workspace.inputs import own_tables

_FOLDER: Final = "tables"


def keep_tables(home: Path, tables: Tables) -> None:
    """Write the tables that are not kept yet or were changed; raises RunError if that is impossible."""
    for name, digest in tables.digests.items():
        if _kept(home, name, digest) is None:
            replace_text(_path(home, name, digest), table_text(getattr(tables, name)))


def tables_of(home: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of the tables of a run by name, if they are kept or the workspace still has them.

    A kept file that was changed counts as not kept.
    """
    digests: Mapping[str, str] = manifest["tables"]
    kept = {name: _kept(home, name, digest) for name, digest in digests.items() if name in TABLES}
    if None in kept.values():
        try:
            now = load_tables(own_tables(home), date.fromisoformat(manifest["plan"]["as_of"]))
        except ForecastError:  # the tables of the workspace are broken, which does not concern the kept ones
            now = None
        for name, digest in digests.items():
            if now and kept.get(name, "") is None and now.digests[name] == digest:
                kept[name] = table_text(getattr(now, name))
    return {name: text for name, text in kept.items() if text is not None}


def _kept(home: Path, name: str, digest: str) -> str | None:
    path = _path(home, name, digest)
    if not path.exists():
        return None
    raw = read_bytes(path)
    return raw.decode() if hashlib.sha256(raw).hexdigest() == digest else None


def _path(home: Path, name: str, digest: str) -> Path:
    return home / "runs" / _FOLDER / f"{name}-{digest[:16]}.csv"
