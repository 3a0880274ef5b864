"""Results do not depend on the number of threads or the batch size; an exception in a thread is raised."""

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from forecast.progress import silent
from forecast.projection import execution
from forecast.projection.execution import Executor, load_kernel, simulate_paths
from forecast.projection.monte_carlo_error import project
from forecast.simulation import kernel
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import SampledPaths, Tally
from tests.support.projections import assert_same
from tests.support.random_kernel_inputs import (
    QUARTERS,
    SEED,
    enough,
    only,
    play,
    spec,
    tiny_draws,
    tiny_layout,
)

PATHS = enough(101, 9)
SAMPLED = 7
WITHOUT_CELLS = {"paths", "turnover"}  # tallies without an axis of cells


@pytest.fixture(scope="module")
def inputs() -> tuple[StaticInputs, Draws]:
    layout = tiny_layout()
    return layout, tiny_draws(layout)


def simulate_tiny(
    inputs: tuple[StaticInputs, Draws],
    *,
    threads: int = 1,
    paths: int = PATHS,
    batch_size: int = 0,
    report: Callable[[str, float], None] = silent,
) -> tuple[Tally, SampledPaths]:
    """Return the tally and the sampled paths of a tiny plan."""
    return simulate_paths(spec(*inputs, SAMPLED), paths, Executor(threads, batch_size=batch_size), report)


@pytest.mark.parametrize("threads", [2, 5])
def test_results_do_not_depend_on_threads(inputs: tuple[StaticInputs, Draws], threads: int) -> None:
    assert_same(simulate_tiny(inputs, threads=threads, batch_size=10), simulate_tiny(inputs))


@pytest.mark.parametrize("batch_size", [1, 7, 10_000])
def test_results_do_not_depend_on_batch_size(inputs: tuple[StaticInputs, Draws], batch_size: int) -> None:
    assert_same(simulate_tiny(inputs, threads=2, batch_size=batch_size), simulate_tiny(inputs))


def test_results_do_not_depend_on_size_of_large_batches(
    inputs: tuple[StaticInputs, Draws],
) -> None:
    one_cell = only(*inputs, [2])  # thousands of paths of one cell are cheap
    paths = enough(16_000, 9)
    expected = simulate_tiny(one_cell, paths=paths, batch_size=1000, threads=2)
    assert_same(simulate_tiny(one_cell, paths=paths, batch_size=7777, threads=2), expected)


@pytest.mark.parametrize("kept", [[3, 2, 1, 0], [2, 0, 1], [3], ([0, 1, 2, 3] * 7)[:25]])
def test_cell_does_not_depend_on_other_cells(inputs: tuple[StaticInputs, Draws], kept: list[int]) -> None:
    all_cells, kept_cells = simulate_tiny(inputs), simulate_tiny(only(*inputs, kept))
    for name, counts in all_cells[0]._asdict().items():
        expected = counts if name in WITHOUT_CELLS else counts[kept]
        np.testing.assert_array_equal(getattr(kept_cells[0], name), expected, err_msg=name)
    for name, paths in all_cells[1]._asdict().items():
        np.testing.assert_array_equal(getattr(kept_cells[1], name), paths[:, kept], err_msg=name)


def test_batches_match_one_kernel_call(inputs: tuple[StaticInputs, Draws]) -> None:
    assert_same(simulate_tiny(inputs, threads=2), play(*inputs, 0, PATHS, joint=SAMPLED))


def test_every_path_is_simulated_once(inputs: tuple[StaticInputs, Draws]) -> None:
    tally, joint = simulate_tiny(inputs, threads=3)
    assert tally.paths.sum() == PATHS
    assert joint.cohesion.shape[0] == SAMPLED
    assert np.all(np.isfinite(joint.cohesion))


@pytest.mark.parametrize("compiled, first", [(True, "loading"), (False, "compiling")])
def test_progress_is_reported_to_the_end(
    inputs: tuple[StaticInputs, Draws], compiled: bool, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forecast.projection.execution.is_compiled", lambda: compiled)
    reports: list[tuple[str, float]] = []
    simulate_tiny(inputs, threads=2, batch_size=4, report=lambda what, part: reports.append((what, part)))
    assert reports[0] == (f"{first} the kernel", 0.0)
    parts = [part for what, part in reports if what == "projecting"]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert len(parts) == -(-PATHS // 4)
    assert parts[0] > 0.0


@pytest.mark.parametrize("threads", [1, 2])
def test_exception_in_a_thread_is_raised_and_stops_others(
    inputs: tuple[StaticInputs, Draws], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, simulated = kernel.simulate, []

    def fails(paths: np.ndarray, *rest: Any) -> None:
        if paths.size and paths[0] >= 3:
            raise FloatingPointError(f"path {paths[0]}")
        simulated.extend(paths)
        original(paths, *rest)

    monkeypatch.setattr(kernel, "simulate", fails)
    with pytest.raises(FloatingPointError, match="path"):
        simulate_tiny(inputs, threads=threads, batch_size=1)
    assert max(simulated) < 3


def test_exception_in_the_report_is_raised(inputs: tuple[StaticInputs, Draws]) -> None:
    def fails(what: str, part: float) -> None:
        if what == "projecting":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_tiny(inputs, threads=2, report=fails)


def test_loading_the_kernel_simulates_no_path(
    inputs: tuple[StaticInputs, Draws], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(kernel, "simulate", lambda paths, *_: sizes.append(len(paths)))
    load_kernel(*inputs, QUARTERS, SEED)
    assert sizes == [0]


@pytest.mark.parametrize("projecting", ["simulate", "project"])
def test_no_more_tallies_are_alive_than_threads(
    inputs: tuple[StaticInputs, Draws], monkeypatch: pytest.MonkeyPatch, projecting: str
) -> None:
    """A tally is large: those that were added up are gone before the next batch begins."""
    alive: list[weakref.ref[Any]] = []
    most = [0]
    original = execution.simulate_batch

    def tracked(*arguments: Any) -> tuple[Tally, SampledPaths]:
        tally, sampled = original(*arguments)
        alive.append(weakref.ref(tally.share))
        most[0] = max(most[0], sum(share() is not None for share in alive))
        return tally, sampled

    monkeypatch.setattr(execution, "simulate_batch", tracked)
    executor, one = Executor(2, batch_size=3), spec(*inputs, SAMPLED)
    if projecting == "simulate":
        simulate_paths(one, 30, executor, silent)
    else:
        project(one, range(64), lambda tally: {"paths": tally.paths.astype(float)}, Executor(2), silent)
    assert len(alive) > 4
    assert most[0] <= 2
