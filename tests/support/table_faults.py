"""Tables with a fault, and what is said of them."""

from datetime import date

import pytest

from forecast.data.tables import AS_OF, load_tables
from forecast.errors import DataError
from tests.support.twin.path import Path


def overlay(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    return folder


def faults_of(folder: Path, as_of: date = AS_OF) -> str:
    with pytest.raises(DataError) as caught:
        load_tables(folder, as_of)
    return str(caught.value)
