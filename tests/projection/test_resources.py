"""The size of a projection follows its arrays, and a size above the free resources is refused."""

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
    projection_size,
    require_resources,
    size_lines,
    typical_draws,
)
from forecast.simulation.buffers import empty_tally, new_path_state
from forecast.workspace.plan import Plan, load_plan
from tests.support.random_kernel_inputs import QUARTERS, spec, tiny_layout

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan(ROOT, "smoke").model_copy(update={"quarters": QUARTERS, "draws": 8})


def test_memory_grows_with_path_numbers_and_with_tally_and_state_of_each_thread(plan: Plan) -> None:
    layout = tiny_layout()
    single = projection_size(plan, layout, 1)
    many = projection_size(plan.model_copy(update={"paths": 1000 * plan.paths}), layout, 1)
    assert many.memory - single.memory == np.int64().nbytes * (many.paths - single.paths)
    assert many.disk == single.disk
    assert many.steps == 1000 * single.steps == 1000 * plan.paths * layout.cells.size * QUARTERS
    tally = sum(part.nbytes for part in empty_tally(layout, QUARTERS))
    state = new_path_state(layout, QUARTERS)
    arrays = [part for part in (*state, *state.sums) if not isinstance(part, tuple)]
    each = tally + sum(part.nbytes for part in arrays)
    assert projection_size(plan, layout, 3).memory - single.memory == 2 * each


def test_time_is_unknown_without_a_compiled_kernel(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "is_compiled", lambda: False)
    size = projection_size(plan, tiny_layout(), 1, timed=True)
    assert size.seconds is None
    assert "forecast warmup" in size_lines(size, 1)[-1]


def test_time_is_proportional_to_paths_per_thread(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "is_compiled", lambda: True)
    monkeypatch.setattr(resources, "seconds_per_path", lambda plan, layout: 0.5)
    size = projection_size(plan, tiny_layout(), 2, timed=True)
    assert size.seconds == 0.25 * plan.paths


def test_a_burst_is_timed(plan: Plan) -> None:
    assert resources.seconds_per_path(plan, tiny_layout()) > 0.0


def test_typical_draws_give_finite_paths() -> None:
    layout = tiny_layout()
    _, joint = simulate_batch(spec(layout, typical_draws(layout), 5), np.arange(5))
    for name in ("cohesion", "european", "measures", "dyads"):
        assert np.isfinite(getattr(joint, name)).all(), name


SMALL = Size(paths=1, steps=1, memory=1, disk=1, seconds=1.0)


def test_a_small_projection_is_accepted(plan: Plan, tmp_path: Path) -> None:
    require_resources(SMALL, plan, tmp_path)


def test_too_much_memory_is_refused_with_the_fix(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"memory.*free: lower joint_paths"):
        require_resources(replace(SMALL, memory=1 << 60), plan, tmp_path)


def test_too_much_disk_is_refused_with_the_fix(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    with pytest.raises(RunError, match=r"up to 2\.0 GiB of disk, but 1 MiB are free.*delete files"):
        require_resources(replace(SMALL, disk=1 << 31), plan, tmp_path)


def test_unknown_free_memory_refuses_nothing(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "free_memory", lambda: None)
    require_resources(replace(SMALL, memory=1 << 60), plan, tmp_path)


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (119.0, "119 s"), (600.0, "10 min")])
def test_durations_are_formatted(seconds: float, text: str) -> None:
    assert resources.format_duration(seconds) == text


@pytest.mark.case("L8")
@pytest.mark.parametrize(("seconds", "most"), [(1e-4, 2 * 40 + 1), (0.3, 2 * 3 + 1), (20.0, 3)])
def test_a_huge_plan_is_timed_with_few_paths(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, seconds: float, most: int
) -> None:
    """A slow simulator gets few paths, and its time for each path is found all the same."""
    clock, simulated = [0.0], [0]

    def simulate(paths: np.ndarray, *arguments: object) -> None:
        simulated[0] += paths.size
        clock[0] += seconds * paths.size

    monkeypatch.setattr("forecast.simulation.kernel.simulate", simulate)
    monkeypatch.setattr(resources.time, "thread_time", lambda: clock[0])
    assert resources.seconds_per_path(plan, tiny_layout()) == pytest.approx(seconds)
    assert simulated[0] == most
