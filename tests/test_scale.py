"""The same numbers on any number of threads and in chunks of any size; what fails in a thread is heard."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from worlds import QUARTERS, SEED, enough, play, tiny_draws, tiny_layout

from forecast import scale
from forecast.core import kernel
from forecast.core.state import Draws, Layout
from forecast.core.tally import Joint, Tally
from forecast.progress import silent
from forecast.scale import simulate_paths, warm_up

PATHS = enough(101, 9)
WHOLE = 7


@pytest.fixture(scope="module")
def world() -> tuple[Layout, Draws]:
    layout = tiny_layout()
    return layout, tiny_draws(layout)


def simulated(
    world: tuple[Layout, Draws],
    *,
    threads: int = 1,
    paths: int = PATHS,
    report: Callable[[str, float], None] = silent,
) -> tuple[Tally, Joint]:
    return simulate_paths(
        *world, quarters=QUARTERS, paths=paths, joint_paths=WHOLE, seed=SEED, threads=threads,
        report=report,
    )  # fmt: skip


def assert_same(one: tuple[Tally, Joint], other: tuple[Tally, Joint]) -> None:
    for a, b in zip(one, other, strict=True):
        for name, left, right in zip(a._fields, a, b, strict=True):
            np.testing.assert_array_equal(left, right, err_msg=name)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_do_not_change_a_number(
    world: tuple[Layout, Draws], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "CHUNK", 10)
    assert_same(simulated(world, threads=threads), simulated(world))


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_the_size_of_a_chunk_does_not_change_a_number(
    world: tuple[Layout, Draws], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = simulated(world)
    monkeypatch.setattr(scale, "CHUNK", chunk)
    assert_same(simulated(world, threads=2), whole)


def test_it_is_what_the_kernel_says(world: tuple[Layout, Draws]) -> None:
    assert_same(simulated(world, threads=2), play(*world, 0, PATHS, joint=WHOLE))


def test_every_path_is_lived_once(world: tuple[Layout, Draws]) -> None:
    tally, joint = simulated(world, threads=3)
    assert tally.paths.sum() == PATHS
    assert joint.cohesion.shape[0] == WHOLE
    assert np.all(np.isfinite(joint.cohesion))


def test_progress_is_told_to_the_end(
    world: tuple[Layout, Draws], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "CHUNK", 4)
    told: list[tuple[str, float]] = []
    simulated(world, threads=2, report=lambda what, part: told.append((what, part)))
    assert told[0] == ("compiling the kernel", 0.0)
    parts = [part for what, part in told if what == "projecting"]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert len(parts) == -(-PATHS // 4)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_in_a_thread_surfaces_and_stops_the_others(
    world: tuple[Layout, Draws], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "CHUNK", 1)
    real, lived = kernel.simulate, []

    def fails(first: int, last: int, *rest: Any) -> None:
        if first >= 3:
            raise FloatingPointError(f"path {first}")
        lived.append(first)
        real(first, last, *rest)

    monkeypatch.setattr(kernel, "simulate", fails)
    with pytest.raises(FloatingPointError, match="path"):
        simulated(world, threads=threads)
    assert max(lived) < 3


def test_an_exception_in_the_report_surfaces(world: tuple[Layout, Draws]) -> None:
    def fails(what: str, part: float) -> None:
        if what == "projecting":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulated(world, threads=2, report=fails)


def test_warming_up_lives_through_nothing(
    world: tuple[Layout, Draws], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(kernel, "simulate", lambda first, last, *_: asked.append((first, last)))
    warm_up(*world, QUARTERS, SEED)
    assert asked == [(0, 0)]
