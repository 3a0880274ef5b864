"""Tables of a workspace that contain faults, and the message about the faults."""

from datetime import date
from pathlib import Path

import pytest

from forecast.data.tables import AS_OF, load_tables
from forecast.errors import DataError


def overlay(folder: Path, **files: str) -> Path:
    """Write each text to `<name>.csv` in `folder` and return the folder."""
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    return folder


def faults_of(folder: Path, as_of: date = AS_OF) -> str:
    """Return the message of the error that loading the tables with this overlay raises."""
    with pytest.raises(DataError) as caught:
        load_tables(folder, as_of)
    return str(caught.value)
