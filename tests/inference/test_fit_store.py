"""Test that a stored fit is used again exactly while its model, data, priors and settings are unchanged."""

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.errors import PlanError
from forecast.inference import fit_store, own_process
from forecast.inference.digests import fit_digest
from forecast.inference.fit_store import fit_lines
from forecast.inference.reference_fits import earlier_lines
from forecast.priors.load import load_priors
from forecast.progress import silent
from forecast.storage.files import write_tree
from forecast.storage.runs import write_manifest
from forecast.workspace.init import create_workspace
from forecast.workspace.inputs import Inputs, read_inputs
from forecast.workspace.plan import load_plan
from tests.support.fake_posteriors import ROOT, plan_with, smoke

LEADERSHIP = (
    "intercept",
    "country_sd",
    "election",
    "after",
    "before",
    "offset",
    "tenure_scale",
)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return read_inputs(ROOT, "smoke")


def with_tables(inputs: Inputs, **frames: pd.DataFrame) -> Inputs:
    return dataclasses.replace(inputs, tables=dataclasses.replace(inputs.tables, **frames))


def test_digest_changes_with_model_seed_and_settings(inputs: Inputs) -> None:
    base = fit_digest(inputs, "spending", None)
    assert base == fit_digest(inputs, "spending", None)
    assert base != fit_digest(inputs, "leadership", None)
    other_seed = dataclasses.replace(inputs, plan=plan_with(seed=7))
    assert base != fit_digest(other_seed, "spending", None)
    longer = plan_with(fit=smoke().fit.model_dump() | {"tune": 3000})
    assert base != fit_digest(dataclasses.replace(inputs, plan=longer), "spending", None)
    withdrawal = fit_digest(inputs, "withdrawal", None)
    assert withdrawal != fit_digest(inputs, "withdrawal", "isaf")


def test_digest_ignores_unrelated_changes(inputs: Inputs) -> None:
    """More paths, other missions and tables of other models do not change the digest."""
    base = fit_digest(inputs, "spending", None)
    wider = plan_with(paths=4096, missions=["kfor"], ends={}, draws=64)
    assert base == fit_digest(dataclasses.replace(inputs, plan=wider), "spending", None)
    rows = inputs.tables.deployments.copy()
    rows.loc[rows["exit"].notna() & ~rows["residual"], "exit_kind"] = "unknown"
    changed = with_tables(inputs, deployments=rows)
    assert base == fit_digest(changed, "spending", None)
    assert fit_digest(changed, "withdrawal", None) != fit_digest(inputs, "withdrawal", None)
    noted = with_tables(inputs, deployments=inputs.tables.deployments.assign(source_key="another note"))
    assert fit_digest(noted, "withdrawal", None) == fit_digest(inputs, "withdrawal", None)


def test_troop_counts_change_withdrawal_digest(inputs: Inputs) -> None:
    """The rate of reductions is estimated from troop counts, which are not part of the spells."""
    levels = inputs.tables.troop_levels.copy()
    levels["troops"] = levels["troops"] * 2
    changed = with_tables(inputs, troop_levels=levels)
    assert fit_digest(changed, "withdrawal", None) != fit_digest(inputs, "withdrawal", None)
    assert fit_digest(changed, "cohesion", None) == fit_digest(inputs, "cohesion", None)


def test_prior_value_changes_digest_but_note_does_not(tmp_path: Path, inputs: Inputs) -> None:
    create_workspace(tmp_path)
    path = tmp_path / "priors" / "spending.toml"
    base = fit_digest(inputs, "spending", None)
    path.write_text(path.read_text().replace("pull of the log share", "a pull of the log share"))
    noted = dataclasses.replace(inputs, priors=load_priors(tmp_path / "priors"))
    assert fit_digest(noted, "spending", None) == base
    path.write_text(path.read_text().replace("alpha = 3", "alpha = 4", 1))
    moved = dataclasses.replace(inputs, priors=load_priors(tmp_path / "priors"))
    assert fit_digest(moved, "spending", None) != base
    assert fit_digest(moved, "leadership", None) == fit_digest(inputs, "leadership", None)


def test_run_id_is_stable_and_names_plan_and_date(inputs: Inputs) -> None:
    assert inputs.run_id == read_inputs(ROOT, "smoke").run_id
    assert inputs.run_id.startswith("2025-12-31-smoke-")
    assert inputs.run_id != read_inputs(ROOT, "quickstart").run_id


def test_fit_is_made_once_and_read_back(inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support.pipeline_run import invented_fits, invented_trees

    made: list[str] = []

    def make(folder: Path, inputs: Inputs, model: str, *rest: Any) -> None:
        made.append(model)
        write_tree(folder / "posterior.nc", invented_trees()[model])
        write_manifest(folder, {"model": model, **invented_fits(None, None)[1][model]})  # type: ignore[arg-type]

    monkeypatch.setattr(fit_store, "_make_fit", make)
    elsewhere = dataclasses.replace(inputs, home=tmp_path)
    for _ in range(2):
        fit_store.fit_one(elsewhere, "spending", lambda: (None, 0.0), silent)
    assert made == ["spending"]
    stored = fit_store.fit_stored(elsewhere, "spending")
    assert stored is not None
    tree, facts = stored
    assert facts["model"] == "spending"
    assert "kappa" in tree["posterior"].to_dataset()


@pytest.fixture
def here(inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Inputs, list[str]]:
    """Return inputs of a plan that leaves two missions out, and what is done for them: all in this process, no fit."""
    from tests.support.pipeline_run import invented_fits, invented_trees

    told: list[str] = []

    def make(folder: Path, inputs: Inputs, model: str, compiled: Any, report: Any, left: str | None) -> None:
        told.append(f"{model} {left} {compiled() is compiled()}")
        write_tree(folder / "posterior.nc", invented_trees()[model])
        write_manifest(folder, {"model": model, **invented_fits(None, None)[1][model]})  # type: ignore[arg-type]

    @contextmanager
    def run_here(jobs: list[Any], later: Any = ()) -> Iterator[Any]:
        told.append(f"{len(jobs)} jobs, {len(later)} later")
        waiting = iter([*jobs, *later])

        def show(stages: Any, count: int) -> None:
            for job in islice(waiting, count):
                job(stages)

        yield show

    loo = dict.fromkeys(("elpd", "se", "parameters", "largest_k"), 0.5) | {"observations": 2, "far": 0}
    monkeypatch.setattr(fit_store, "_make_fit", make)
    monkeypatch.setattr(fit_store, "_compile", lambda inputs, model: (object(), 0.0))
    groups = xr.DataTree.from_dict({"observed_data": xr.Dataset({"change": ("obs", [0.5])})})
    monkeypatch.setattr(fit_store, "against_its_data", lambda *rest: ({"loo": loo, "pit": None, "checks": []}, groups))
    monkeypatch.setattr(fit_store, "with_groups", lambda tree, groups, priors: tree)
    monkeypatch.setattr(fit_store, "running", run_here)
    monkeypatch.setattr(own_process, "running", run_here)
    plan = plan_with(fit=smoke().fit.model_dump() | {"leave_out": ["isaf", "kfor"]})
    return dataclasses.replace(inputs, home=tmp_path, plan=plan), told


def test_missing_fits_and_checks_are_made_once(here: tuple[Inputs, list[str]]) -> None:
    """Each model has one job, whose fit is checked at once; all missions that are left out have one more."""
    from tests.support.pipeline_run import quiet

    inputs, told = here
    for _ in range(2):
        trees, facts = fit_store.fit_all(inputs, quiet)
        assert set(trees) == {"spending", "leadership", "withdrawal", "cohesion"}
        assert set(facts) == {*trees, "fit without isaf", "fit without kfor"}
        assert facts["spending"]["predictive"]["loo"]["observations"] == 2
    models = [f"{model} None True" for model in ("spending", "withdrawal", "cohesion", "leadership")]
    without = [f"withdrawal {left} True" for left in ("isaf", "kfor")]
    assert told == ["4 jobs, 1 later", *models, *without, "0 jobs, 0 later"]
    assert set(fit_store.fit_models(inputs, ["cohesion"], quiet)) == {"cohesion"}
    assert set(fit_store.fit_left_out(inputs, quiet).posteriors) == {"isaf", "kfor"}
    assert told[-1] == "0 jobs, 0 later"


def test_the_fits_without_a_mission_are_waited_for_when_they_are_asked_for(here: tuple[Inputs, list[str]]) -> None:
    """What else is to be done before is done with the models. Fits that are stored are not made again."""
    from tests.support.pipeline_run import quiet

    inputs, told = here
    assert fit_store.left_out_stored(inputs) == ({}, {})
    with fit_store.fits_of(inputs, quiet, [lambda stages: told.append("also")]) as fits:
        assert told[-1] == "also"
        assert list(fits.facts) == list(fits.posteriors)
        assert fits.later.waiting == ["fit without isaf", "fit without kfor"]
        assert fits.seconds > 0
        assert list(fits.later.left_out().facts) == fits.later.waiting
    shutil.rmtree(fit_store._folder(inputs, "withdrawal", "kfor"))
    assert list(fit_store.left_out_stored(inputs).posteriors) == ["isaf"]
    assert list(fit_store.fit_left_out(inputs, quiet).posteriors) == ["isaf", "kfor"]
    assert told[-2:] == ["1 jobs, 0 later", "withdrawal kfor True"]


def test_lines_show_diagnostics_and_earlier_fits() -> None:
    from tests.support.pipeline_run import invented_fits, invented_trees

    facts = invented_fits(None, None).facts  # type: ignore[arg-type]
    assert all("R-hat" in line for line in fit_lines(facts))
    assert earlier_lines("withdrawal", invented_trees()["withdrawal"]) == []  # no earlier fit
    draws = xr.Dataset({name: (("chain", "draw"), np.full((2, 4), 1.0)) for name in LEADERSHIP})
    lines = earlier_lines("leadership", xr.DataTree.from_dict({"posterior": draws}))
    assert len(lines) == 1 + len(LEADERSHIP)
    assert "apart +27.7 SD" in lines[1]  # (1 - -3.43) / .16


def test_unknown_plan_error_lists_known_plans() -> None:
    with pytest.raises(PlanError, match="known plans here: quickstart, smoke"):
        load_plan(ROOT, "nonesuch")
