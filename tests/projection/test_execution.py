"""The same numbers on any number of threads and in chunks of any size; what fails in a thread is heard."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from forecast.progress import silent
from forecast.projection import execution
from forecast.projection.execution import simulate_paths, warm_up
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
WHOLE = 7
SHARED = {"paths", "turnover"}  # tallies that know no cells


@pytest.fixture(scope="module")
def world() -> tuple[StaticInputs, Draws]:
    layout = tiny_layout()
    return layout, tiny_draws(layout)


def simulate_exits(
    world: tuple[StaticInputs, Draws],
    *,
    threads: int = 1,
    paths: int = PATHS,
    chunk: int = execution.CHUNK,
    report: Callable[[str, float], None] = silent,
) -> tuple[Tally, SampledPaths]:
    return simulate_paths(spec(*world, WHOLE), paths, threads=threads, report=report, chunk=chunk)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_do_not_change_a_number(world: tuple[StaticInputs, Draws], threads: int) -> None:
    assert_same(simulate_exits(world, threads=threads, chunk=10), simulate_exits(world))


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_the_size_of_a_chunk_does_not_change_a_number(world: tuple[StaticInputs, Draws], chunk: int) -> None:
    assert_same(simulate_exits(world, threads=2, chunk=chunk), simulate_exits(world))


def test_chunks_of_a_thousand_and_of_an_odd_number_give_the_same_sums(
    world: tuple[StaticInputs, Draws],
) -> None:
    few = only(*world, [2])  # one cell, so that paths by the thousand are cheap
    many = enough(16_000, 9)
    whole = simulate_exits(few, paths=many, chunk=1000, threads=2)
    assert_same(simulate_exits(few, paths=many, chunk=7777, threads=2), whole)


@pytest.mark.parametrize("kept", [[3, 2, 1, 0], [2, 0], [3]])
def test_a_cell_does_not_know_what_other_cells_there_are(world: tuple[StaticInputs, Draws], kept: list[int]) -> None:
    whole, fewer = simulate_exits(world), simulate_exits(only(*world, kept))
    for name, counts in whole[0]._asdict().items():
        expected = counts if name in SHARED else counts[kept]
        np.testing.assert_array_equal(getattr(fewer[0], name), expected, err_msg=name)
    for name, paths in whole[1]._asdict().items():
        np.testing.assert_array_equal(getattr(fewer[1], name), paths[:, kept], err_msg=name)


def test_it_is_what_the_kernel_says(world: tuple[StaticInputs, Draws]) -> None:
    assert_same(simulate_exits(world, threads=2), play(*world, 0, PATHS, joint=WHOLE))


def test_every_path_is_lived_once(world: tuple[StaticInputs, Draws]) -> None:
    tally, joint = simulate_exits(world, threads=3)
    assert tally.paths.sum() == PATHS
    assert joint.cohesion.shape[0] == WHOLE
    assert np.all(np.isfinite(joint.cohesion))


@pytest.mark.parametrize("compiled, first", [(True, "loading"), (False, "compiling")])
def test_progress_is_told_to_the_end(
    world: tuple[StaticInputs, Draws], compiled: bool, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forecast.projection.execution.is_compiled", lambda: compiled)
    told: list[tuple[str, float]] = []
    simulate_exits(world, threads=2, chunk=4, report=lambda what, part: told.append((what, part)))
    assert told[0] == (f"{first} the kernel", 0.0)
    parts = [part for what, part in told if what == "projecting"]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert len(parts) == -(-PATHS // 4)
    assert parts[0] > 0.0


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_in_a_thread_surfaces_and_stops_the_others(
    world: tuple[StaticInputs, Draws], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lived = kernel.simulate, []

    def fails(paths: np.ndarray, *rest: Any) -> None:
        if paths.size and paths[0] >= 3:
            raise FloatingPointError(f"path {paths[0]}")
        lived.extend(paths)
        real(paths, *rest)

    monkeypatch.setattr(kernel, "simulate", fails)
    with pytest.raises(FloatingPointError, match="path"):
        simulate_exits(world, threads=threads, chunk=1)
    assert max(lived) < 3


def test_an_exception_in_the_report_surfaces(world: tuple[StaticInputs, Draws]) -> None:
    def fails(what: str, part: float) -> None:
        if what == "projecting":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_exits(world, threads=2, report=fails)


def test_warming_up_lives_through_nothing(world: tuple[StaticInputs, Draws], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(kernel, "simulate", lambda paths, *_: asked.append(len(paths)))
    warm_up(*world, QUARTERS, SEED)
    assert asked == [0]
