"""The size told before a run: as large as the arrays are, flat in the paths, and refused where it does not fit."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from forecast.errors import RunError
from forecast.projection import resources
from forecast.projection.batches import simulate_batch
from forecast.projection.resources import (
    Size,
    refuse_what_does_not_fit,
    size_lines,
    size_of,
    typical_draws,
)
from forecast.simulation.buffers import empty_tally
from forecast.workspace.plan import Plan, load_plan
from tests.support.random_kernel_inputs import QUARTERS, spec, tiny_layout

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan(ROOT, "smoke").model_copy(update={"quarters": QUARTERS, "draws": 8})


def test_memory_grows_by_the_numbers_of_the_paths_and_by_two_tallies_a_thread(plan: Plan) -> None:
    layout = tiny_layout()
    one = size_of(plan, layout, 1)
    many = size_of(plan.model_copy(update={"paths": 1000 * plan.paths}), layout, 1)
    assert many.memory - one.memory == np.int64().nbytes * (many.paths - one.paths)
    assert many.disk == one.disk
    assert many.steps == 1000 * one.steps == 1000 * plan.paths * layout.cells.size * QUARTERS
    tally = sum(part.nbytes for part in empty_tally(layout, QUARTERS))
    assert size_of(plan, layout, 3).memory - one.memory == 2 * 2 * tally  # one filled, one waiting


def test_time_is_not_guessed_where_the_kernel_is_not_compiled(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "is_compiled", lambda: False)
    size = size_of(plan, tiny_layout(), 1, timed=True)
    assert size.seconds is None
    assert "forecast warmup" in size_lines(size, 1)[-1]


def test_time_grows_with_the_paths_and_shrinks_with_threads(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "is_compiled", lambda: True)
    monkeypatch.setattr(resources, "seconds_a_path", lambda plan, layout: 0.5)
    size = size_of(plan, tiny_layout(), 2, timed=True)
    assert size.seconds == 0.25 * plan.paths


def test_a_burst_takes_time(plan: Plan) -> None:
    assert resources.seconds_a_path(plan, tiny_layout()) > 0.0


def test_typical_paths_are_numbers_throughout() -> None:
    layout = tiny_layout()
    _, joint = simulate_batch(spec(layout, typical_draws(layout), 5), np.arange(5))
    for name in ("cohesion", "european", "measures", "dyads"):
        assert np.isfinite(getattr(joint, name)).all(), name


SMALL = Size(paths=1, steps=1, memory=1, disk=1, seconds=1.0)


def test_what_fits_is_not_refused(plan: Plan, tmp_path: Path) -> None:
    refuse_what_does_not_fit(SMALL, plan, tmp_path)


def test_too_much_memory_is_refused_with_the_mend(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"memory.*free: lower joint_paths"):
        refuse_what_does_not_fit(replace(SMALL, memory=1 << 60), plan, tmp_path)


def test_too_much_disk_is_refused_with_the_mend(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    with pytest.raises(RunError, match=r"up to 2\.0 GiB of disk, 1 MiB are free.*make room"):
        refuse_what_does_not_fit(replace(SMALL, disk=1 << 31), plan, tmp_path)


def test_a_system_that_does_not_tell_its_memory_refuses_nothing(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "free_memory", lambda: None)
    refuse_what_does_not_fit(replace(SMALL, memory=1 << 60), plan, tmp_path)


@pytest.mark.parametrize(("seconds", "told"), [(0.2, "1 s"), (119.0, "119 s"), (600.0, "10 min")])
def test_times_are_told_in_words_of_their_size(seconds: float, told: str) -> None:
    assert resources.told_seconds(seconds) == told
