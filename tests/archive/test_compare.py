"""A comparison of two runs names what was changed between them, and nothing else."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.archive.compare import compare_runs
from forecast.data.tables import load_tables
from forecast.errors import RunError
from forecast.pipeline.kept_tables import keep_tables, tables_of
from forecast.reporting.comparison_text import comparison_lines
from forecast.storage.files import write_json, written_whole
from forecast.storage.runs import Run, open_run, write_manifest
from forecast.workspace.inputs import own_tables


@pytest.fixture
def home(made_run: Run, tmp_path: Path) -> Path:
    """A copy of the workspace of the made run, which a test may change."""
    return Path(shutil.copytree(made_run.path.parent.parent, tmp_path / "workspace"))


def second(home: Path, **changes: Any) -> Run:
    """Write a copy of the run with another manifest, headlines or priors; return it."""
    run = open_run("latest", home)
    folder = home / "runs" / run.id.replace(run.id[-8:], "ffffffff")
    with written_whole(folder) as temporary:
        shutil.copytree(run.path, temporary, dirs_exist_ok=True)
        for name in ("headlines", "priors", "mixture"):
            content = json.loads((run.path / f"{name}.json").read_text())
            changes.get(name, lambda _: None)(content)
            write_json(temporary / f"{name}.json", content)
        manifest = {**run.manifest, "id": folder.name}
        changes.get("manifest", lambda _: None)(manifest)
        write_manifest(temporary, manifest)
    return open_run(folder.name, home)


def test_run_equals_itself(home: Path) -> None:
    run = open_run("latest", home)
    comparison = compare_runs(home, run, run)
    assert comparison.same_inputs
    assert not comparison.clear
    assert not comparison.flips
    assert len(comparison.moves) == len(run.headlines)
    assert "the same" in list(comparison_lines(comparison))[-1]


def test_changed_prior_setting_and_version_are_named(home: Path) -> None:
    def priors(content: Any) -> None:
        entry = next(entry for entry in content["priors"] if entry["name"] == "spending.kappa")
        entry |= {"params": [9.0, 91.0], "text": "Beta(9, 91)"}
        content["priors"][0]["note"] = "another note changes no number"
        content["grid"]["wars"]["win"]["ramp"] = 3

    def manifest(content: Any) -> None:
        content["plan"] = {**content["plan"], "quarters": 20}
        content["provenance"] = {**content["provenance"], "simulation_version": 1}

    run = open_run("latest", home)
    comparison = compare_runs(home, run, second(home, priors=priors, manifest=manifest))
    assert [name for name, *_ in comparison.priors] == ["spending.kappa"]
    assert comparison.priors[0][2] == "Beta(9, 91)"
    assert comparison.scenarios == [("wars.win.ramp", "8", "3")]
    assert comparison.plan == [("quarters", "24", "20")]
    assert [name for name, *_ in comparison.versions] == ["simulation_version"]
    text = "\n".join(comparison_lines(comparison))
    assert "spending.kappa: " in text
    assert "quarters: 24 -> 20" in text


def test_changed_weights_are_named(home: Path) -> None:
    def mixture(content: Any) -> None:
        content["weights"][0] |= {"size": 7.0, "date": "2025-07-01"}

    run = open_run("latest", home)
    comparison = compare_runs(home, run, second(home, mixture=mixture))
    assert not comparison.same_inputs
    ((name, old, new),) = comparison.weights
    assert name == run.json("mixture.json")["weights"][0]["of"]
    assert new.endswith("(size 7, 2025-07-01)") and old.endswith(", 2025-06-01)")
    assert "Weights of scenarios (1 differ)" in "\n".join(comparison_lines(comparison))


def test_moved_headline_and_flip_come_first(home: Path) -> None:
    def headlines(content: Any) -> None:
        records = [r for r in content["headlines"] if r["target"] == "cohesion_verdict"][:3]
        values = sorted(r["value"] for r in records)
        order = np.argsort([r["value"] for r in records])
        for rank, at in enumerate(order):  # the likeliest class becomes the least likely
            records[at]["value"] = values[2 - rank]

    run = open_run("latest", home)
    comparison = compare_runs(home, run, second(home, headlines=headlines))
    assert len(comparison.flips) == 1
    moved = {move["category"] for move in comparison.moves if move["value"] != move["before"]}
    assert len(moved) >= 2
    errors = [abs(move["errors"]) for move in comparison.moves]
    assert errors == sorted(errors, reverse=True)
    assert "Likeliest verdict is another" in list(comparison_lines(comparison))[2]


def test_revised_row_is_shown_from_the_kept_tables(home: Path) -> None:
    import hashlib

    run = open_run("latest", home)
    text = tables_of(home, run.manifest)["defence_spending"]
    lines = text.splitlines(keepends=True)
    cells = lines[1].split(",")
    at = lines[0].split(",").index("share_gdp")
    cells[at] = "3.21"
    edited = "".join([lines[0], ",".join(cells), *lines[3:]])
    digest = hashlib.sha256(edited.encode()).hexdigest()
    (home / "runs" / "tables" / f"defence_spending-{digest[:16]}.csv").write_text(edited)

    def manifest(content: Any) -> None:
        content["tables"] = {**content["tables"], "defence_spending": digest, "threat": "ab" * 32}

    comparison = compare_runs(home, run, second(home, manifest=manifest))
    (edition,) = comparison.tables
    assert len(edition.removed) == 1
    assert [cells["share_gdp"][1] for cells in edition.changed.values()] == ["3.21"]
    assert comparison.tables_without_rows == ["threat"]
    shown = "\n".join(comparison_lines(comparison))
    assert "1 row revised, 1 row removed" in shown
    assert "-> 3.21" in shown


def test_changed_kept_table_counts_as_not_kept(home: Path) -> None:
    run = open_run("latest", home)
    for path in (home / "runs" / "tables").glob("threat-*.csv"):
        path.write_text(path.read_text().replace("RUS", "ABC", 1))
    texts = tables_of(home, run.manifest)
    assert "ABC" not in texts["threat"]  # the table of the workspace, which is the same, is used
    keep_tables(home, load_tables(own_tables(home), date.fromisoformat(run.manifest["plan"]["as_of"])))
    assert not [path for path in (home / "runs" / "tables").glob("threat-*.csv") if "ABC" in path.read_text()]


def test_damaged_run_is_not_compared(home: Path) -> None:
    run = open_run("latest", home)
    other = second(home)
    (other.path / "headlines.json").write_text((run.path / "headlines.json").read_text() + " ")
    with pytest.raises(RunError, match="damaged"):
        compare_runs(home, run, other)
