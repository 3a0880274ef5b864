"""Estimates equal exact enumeration on a chain of three states, and their intervals cover at the stated rate."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from forecast.archive.estimates import Sample, estimate, estimate_difference

#: A chain of three states over four steps, and its start.
MOVES = np.array([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.05, 0.15, 0.8]])
START = np.array([0.5, 0.3, 0.2])
STEPS = 4
PATHS = np.array(list(itertools.product(range(3), repeat=STEPS)))  # every path there is
CHANCES = START[PATHS[:, 0]] * np.prod([MOVES[PATHS[:, i], PATHS[:, i + 1]] for i in range(STEPS - 1)], axis=0)

Rule = Callable[[np.ndarray], np.ndarray]


def ends_high(paths: np.ndarray) -> np.ndarray:
    return paths[:, -1] == 2


def ever_low(paths: np.ndarray) -> np.ndarray:
    return (paths == 0).any(axis=1)


def total(paths: np.ndarray) -> np.ndarray:
    return paths.sum(axis=1).astype(float)


def simulated(seed: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return PATHS[rng.choice(CHANCES.size, size, p=CHANCES / CHANCES.sum())]


def sample(paths: np.ndarray, values: Rule, condition: Rule | None = None, **more: float) -> Sample:
    size = len(paths)
    return Sample(
        values=values(paths).astype(float),
        holds=condition(paths) if condition else np.ones(size, dtype=bool),
        soft=more.get("soft"),
        level=more.get("level"),
        draw=np.arange(size),
    )


def exact_mean(values: Rule, condition: Rule | None = None, soft: float | None = None) -> float:
    x, holds = values(PATHS).astype(float), condition(PATHS) if condition else np.ones(CHANCES.size, dtype=bool)
    inside = np.average(x[holds], weights=CHANCES[holds])
    if soft is None:
        return float(inside)
    return float(soft * inside + (1 - soft) * np.average(x[~holds], weights=CHANCES[~holds]))


def weighted_by_chance(values: Rule, condition: Rule | None = None, **more: float) -> Sample:
    """A sample in which each path stands as often as its chance says, in units of 1 / 400,000."""
    paths = np.repeat(PATHS, np.round(CHANCES * 400_000).astype(int), axis=0)
    return sample(paths, values, condition, **more)


def test_chances_sum_to_one() -> None:
    assert CHANCES.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("soft", [None, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("values", [ends_high, total])
def test_estimates_equal_exact_enumeration(values: Rule, soft: float | None) -> None:
    more = {} if soft is None else {"soft": soft}
    found = estimate(weighted_by_chance(values, ever_low, **more))
    assert found.value == pytest.approx(exact_mean(values, ever_low, soft), abs=1e-4)  # of rounding the chances


def test_certain_soft_condition_is_the_hard_one() -> None:
    paths = simulated(1, 500)
    hard, soft = estimate(sample(paths, total, ever_low)), estimate(sample(paths, total, ever_low, soft=1.0))
    assert soft.value == pytest.approx(hard.value)
    assert soft.error == pytest.approx(hard.error)


def test_quantile_equals_exact_enumeration() -> None:
    x, holds = total(PATHS), ever_low(PATHS)
    order = np.argsort(x[holds])
    reached = np.cumsum(CHANCES[holds][order]) / CHANCES[holds].sum()
    for level in (0.1, 0.37, 0.5, 0.9):
        exact = x[holds][order][np.searchsorted(reached, level)]
        assert estimate(weighted_by_chance(total, ever_low, level=level)).value == exact


#: A rate within 93 to 97 % of 1,000 intervals: 95 % less or more than three standard errors of .7 %.
SEEDS, LOW, HIGH = 1000, 0.93, 0.97


@pytest.mark.parametrize(
    ("values", "condition", "soft"), [(ends_high, ever_low, None), (total, ever_low, None), (ends_high, ever_low, 0.3)]
)
def test_intervals_cover_at_the_stated_rate(values: Rule, condition: Rule, soft: float | None) -> None:
    exact, more = exact_mean(values, condition, soft), {} if soft is None else {"soft": soft}
    found = [estimate(sample(simulated(seed, 400), values, condition, **more)) for seed in range(SEEDS)]
    assert LOW <= np.mean([one.lower <= exact <= one.upper for one in found]) <= HIGH


def test_intervals_cover_where_paths_share_draws() -> None:
    """Ten paths share each draw, whose mean is common to them; the exact mean is 0."""
    covered = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        values = np.repeat(rng.normal(size=60), 10) + rng.normal(size=600)
        draw = np.repeat(np.arange(60), 10)
        holds = rng.random(600) < 0.5
        found = estimate(Sample(values=values, holds=holds, soft=None, level=None, draw=draw))
        covered.append(found.lower <= 0.0 <= found.upper)
        assert found.effective < found.support
    assert LOW <= np.mean(covered) <= HIGH


def test_median_is_covered_at_the_stated_rate() -> None:
    covered = []
    for seed in range(SEEDS):
        values = np.random.default_rng(seed).exponential(size=500)
        found = estimate(
            Sample(values=values, holds=np.ones(500, dtype=bool), soft=None, level=0.5, draw=np.arange(500))
        )
        covered.append(found.lower <= np.log(2.0) <= found.upper)
    assert LOW - 0.01 <= np.mean(covered) <= HIGH + 0.01  # the density is estimated too


def test_shared_noise_cancels_in_a_difference() -> None:
    rng = np.random.default_rng(3)
    shared, size = rng.normal(size=2000), 2000
    one, other = (
        Sample(
            values=shift + shared + 0.1 * rng.normal(size=size),
            holds=np.ones(size, dtype=bool),
            soft=None,
            level=None,
            draw=np.arange(size),
        )
        for shift in (0.5, 0.0)
    )
    found = estimate_difference(one, other)
    assert found.error == pytest.approx(0.1 * np.sqrt(2 / size), rel=0.1)
    assert found.lower <= 0.5 <= found.upper


def test_event_on_no_path_has_an_upper_bound() -> None:
    none = estimate(sample(simulated(1, 300), lambda paths: np.zeros(len(paths))))
    assert none.value == 0.0
    assert none.lower == 0.0
    assert 0.001 < none.upper < 0.02


def test_difference_that_no_path_shows_has_bounds_and_an_error() -> None:
    paths = simulated(1, 300)
    rare = sample(paths, lambda paths: (np.arange(len(paths)) < 30).astype(float))
    found = estimate_difference(rare, rare)
    n = min(estimate(rare).effective, len(paths))
    assert (found.value, found.lower, found.upper) == (0.0, pytest.approx(-3.0 / n), pytest.approx(3.0 / n))
    assert found.error == found.upper / 2.0


def test_samples_of_one_term_are_joined_path_by_path() -> None:
    paths = simulated(2, 400)
    whole = sample(paths, total, ever_low)
    first, second = sample(paths[:150], total, ever_low), sample(paths[150:], total, ever_low)
    joined = first.joined(Sample(**{**_fields(second), "draw": np.arange(150, 400)}))
    assert estimate(joined) == estimate(whole)


def _fields(of: Sample) -> dict[str, object]:
    return {name: getattr(of, name) for name in Sample.__slots__}
