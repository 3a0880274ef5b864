"""Test that tallies add up exactly, and that values read from histograms are off by at most one bin."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.simulation import histograms as bins
from forecast.simulation import recording, tallies
from forecast.simulation.buffers import empty_tally
from forecast.simulation.histograms import quantiles
from forecast.simulation.tallies import Tally
from tests.support.random_kernel_inputs import (
    QUARTERS,
    enough,
    merged,
    play,
    tiny_draws,
    tiny_layout,
)

LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
PATHS = enough(60, 6)
# low edge, width, bins; the bins of survival curves are centred on the multiples of the width
GRIDS = {
    "cohesion": (bins.COHESION_LOW, bins.COHESION_STEP, bins.COHESION_BINS),
    "share": (bins.SHARE_LOW, bins.SHARE_STEP, bins.SHARE_BINS),
    "survival": (-0.5 * bins.SURVIVAL_STEP, bins.SURVIVAL_STEP, bins.SURVIVAL_BINS),
}
VALUES = {
    "cohesion": bins.cohesion_values(),
    "share": np.log(bins.share_values()),
    "survival": bins.survival_values(),
}


def histogram(data: np.ndarray, grid: str) -> np.ndarray:
    low, step, number = GRIDS[grid]
    counts = np.zeros(number, np.int64)
    for x in data:
        counts[bins.bin_index(float(x), low, step, number)] += 1
    return counts


@pytest.mark.parametrize("grid", GRIDS)
def test_value_of_bin_is_its_middle(grid: str) -> None:
    low, step, number = GRIDS[grid]
    np.testing.assert_allclose(VALUES[grid], low + step * (np.arange(number) + 0.5), atol=1e-12)
    assert (histogram(VALUES[grid], grid) == 1).all()


def test_certain_survival_and_exit_have_own_bins() -> None:
    values = bins.survival_values()
    assert values[0] == 0.0 and values[-1] == 1.0


@pytest.mark.parametrize("grid", GRIDS)
def test_values_outside_fall_into_end_bins(grid: str) -> None:
    low, step, number = GRIDS[grid]
    assert bins.bin_index(low - 1e6, low, step, number) == 0
    assert bins.bin_index(low, low, step, number) == 0
    assert bins.bin_index(low + 1e6, low, step, number) == number - 1


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("size", [1, 2, 19, 20, 333])
def test_quantiles_match_sorted_sample(grid: str, size: int) -> None:
    data = np.random.default_rng(size).choice(VALUES[grid], size)
    exact = np.quantile(data, LEVELS, method="inverted_cdf")
    assert (quantiles(histogram(data, grid), VALUES[grid], LEVELS) == exact).all()


@given(
    st.sampled_from(sorted(GRIDS)),
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40),
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5),
)
def test_quantiles_are_off_by_at_most_one_bin(grid: str, places: list[float], levels: list[float]) -> None:
    low, step, number = GRIDS[grid]
    data = low + step * number * np.array(places)
    exact = np.quantile(data, levels, method="inverted_cdf")
    # Half a bin; np.quantile may round a level that is a whole rank the other way, so skip those.
    ranks = np.array(levels) * data.size
    clear = np.abs(ranks - np.round(ranks)) > 1e-9
    error = np.abs(quantiles(histogram(data, grid), VALUES[grid], tuple(levels)) - exact)
    assert (error[clear] <= 0.5 * step + 1e-9).all()


def test_quantiles_of_several_histograms() -> None:
    table = np.random.default_rng(1).integers(0, 5, (3, 4, bins.COHESION_BINS))
    out = quantiles(table, VALUES["cohesion"], LEVELS)
    assert out.shape == (3, 4, len(LEVELS))
    assert (out[2, 1] == quantiles(table[2, 1], VALUES["cohesion"], LEVELS)).all()
    assert (np.diff(out, axis=-1) >= 0).all()


def test_quantiles_of_empty_histogram_are_nan() -> None:
    table = np.zeros((2, bins.COHESION_BINS), np.int64)
    table[1, 7] = 3
    out = quantiles(table, VALUES["cohesion"], (0.5,))
    assert np.isnan(out[0, 0]) and out[1, 0] == VALUES["cohesion"][7]


@given(st.floats(-(2.0**19) + 1, 2.0**19 - 1))
def test_fixed_point_round_trip(x: float) -> None:
    assert abs(int(recording.fixed(x)) / tallies.UNIT - x) <= 0.5 / tallies.UNIT


@given(st.integers(-(2**20), 2**20))
def test_fixed_point_is_exact_for_its_units(n: int) -> None:
    assert recording.fixed(n / tallies.UNIT) == n


def parts() -> list[Tally]:
    layout = tiny_layout()
    draws = tiny_draws(layout)
    third = PATHS // 3
    return [play(layout, draws, i * third, (i + 1) * third)[0] for i in range(3)]


def test_addition_does_not_depend_on_order() -> None:
    a, b, c = parts()
    for name in Tally._fields:
        total = getattr(a, name) + getattr(b, name) + getattr(c, name)
        for order in ([a, b, c], [c, a, b], [merged([b, c]), a]):
            assert (getattr(merged(order), name) == total).all()


def test_addition_changes_total_only() -> None:
    a, b, _ = parts()
    before = b.paths.copy(), a.paths + b.paths
    tallies.add(a, b)
    assert (b.paths == before[0]).all() and (a.paths == before[1]).all()


def test_every_path_is_counted_once() -> None:
    layout = tiny_layout()
    tally, _ = play(layout, tiny_draws(layout), 0, PATHS)
    assert tally.paths.sum() == PATHS
    assert (tally.verdict.sum(-1) == PATHS).all()
    assert (tally.cohesion.sum(-1) == PATHS).all()
    assert (tally.european.sum(-1) == PATHS).all()
    has_spending = ~np.isnan(tiny_draws(layout).members["start"][0])
    assert (tally.share.sum(-1) == PATHS * has_spending[None, :, None]).all()
    running = np.zeros((3, 12), bool)
    for s, mission in enumerate(layout.missions):
        running[s, mission.start : min(mission.end, 12)] = True
    assert (tally.survival.sum(-1) == PATHS * running[None, :, None, :]).all()
    for name in ("hollow", "collapsed"):
        assert (getattr(tally, name) <= PATHS * running).all()


def test_sums_agree_with_sampled_paths() -> None:
    layout = tiny_layout()
    tally, joint = play(layout, tiny_draws(layout), 0, PATHS, joint=PATHS)
    # float32 keeps seven digits.
    for total, whole in (
        (tally.cohesion_sum, joint.cohesion),
        (tally.european_sum, joint.european),
        (tally.survival_sum, np.nan_to_num(joint.survival)),
    ):
        mean = total / tallies.UNIT / PATHS
        np.testing.assert_allclose(mean, whole.mean(0, dtype=float), rtol=1e-6, atol=1e-6)
    low, step, number = GRIDS["cohesion"]
    cell, t = 2, 7
    assert (tally.cohesion[cell, t] == histogram(joint.cohesion[:, cell, t], "cohesion")).all()
    assert math.isclose(low + step * number, 4.0)


def test_settle_sums_over_time_until_mission_ends() -> None:
    layout = tiny_layout()
    empty = empty_tally(layout, QUARTERS)
    empty.hollow[1, 0, 2], empty.hollow[1, 0, 5] = 3, -2
    empty.serving[0, 1, 0], empty.serving[0, 1, 4] = 5, -5
    settled = tallies.settle(empty, layout.missions)
    end = min(int(layout.missions[0].end), 12)
    assert settled.hollow[1, 0].tolist() == [0, 0, 3, 3, 3, *[1] * (end - 5), *[0] * (12 - end)]
    assert settled.serving[0, 1].tolist() == [5, 5, 5, 5, *[0] * 8]
    assert settled is empty  # changed in place, because a tally is large
