"""The example workspace is valid, and the command `init --example` writes it."""

import sys
from pathlib import Path

import pytest

from forecast.cli import app
from forecast.data.table_schema import TABLES
from forecast.errors import RunError
from forecast.workspace.check import check_workspace
from forecast.workspace.example import PLAN_NAME, example_rows
from forecast.workspace.init import create_workspace


def test_rows_have_only_known_columns() -> None:
    for table, rows in example_rows().items():
        assert rows
        for row in rows:
            assert set(row) <= set(TABLES[table].names) - {"source"}


def test_init_example_writes_a_valid_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "own"
    monkeypatch.setattr(sys, "argv", ["forecast", "init", str(home), "--example"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert not ended.value.code
    files = [path for path in home.rglob("*") if path.is_file()]
    assert f"{len(files)} files written to {home}; next: forecast check" in capsys.readouterr().out
    valid = check_workspace(home)
    assert valid[0] == f"tables, with {home / 'tables'}"
    assert f"plan {home / 'runs' / 'plans' / PLAN_NAME}.toml" in valid


def test_existing_tables_are_unchanged(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    with pytest.raises(RunError, match=r"tables: already there; choose an empty folder"):
        create_workspace(tmp_path, example=True)
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]
