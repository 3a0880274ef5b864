"""Test that the random numbers are Philox4x32-10, lie inside (0, 1) and have their distributions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecast.simulation import random_numbers as rng
from tests.support.random_kernel_inputs import enough
from tests.support.twin import dyads as reference_dyads  # adds its purposes  # noqa: F401
from tests.support.twin import path as reference

FULL = 2**32 - 1
SIZE = enough(20_000, 2_000)
# A Kolmogorov-Smirnov test with a fixed seed: a correct distribution fails for one seed in a thousand.
RARE = 1e-3

KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((FULL,) * 4, (FULL,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
words = st.integers(0, FULL)


def sample(purpose: int) -> np.ndarray:
    """Return the four uniforms of SIZE addresses."""
    return np.array([rng.uniforms(7, i, 3, 5, purpose) for i in range(SIZE)])


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_matches_published_vectors(
    counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert tuple(int(word) for word in rng.philox(*counter, *key)) == expected
    assert reference.philox(counter, key) == expected


@given(counter=st.tuples(words, words, words, words), key=st.tuples(words, words))
def test_philox_matches_twin(counter: tuple[int, ...], key: tuple[int, ...]) -> None:
    assert tuple(int(word) for word in rng.philox(*counter, *key)) == reference.philox(counter, key)


@given(words, words, words, words, st.integers(1, 10))
def test_uniforms_lie_strictly_inside_unit_interval(seed: int, path: int, time: int, entity: int, purpose: int) -> None:
    assert all(0.0 < u < 1.0 for u in rng.uniforms(seed, path, time, entity, purpose))


def test_extreme_words_lie_strictly_inside_unit_interval() -> None:
    assert 0.0 < rng.to_unit(0) < 2.0**-32
    assert 1.0 - 2.0**-32 < rng.to_unit(FULL) < 1.0


@given(st.lists(st.tuples(*[st.integers(0, 50)] * 5), min_size=2, max_size=20, unique=True))
def test_different_addresses_give_different_numbers(addresses: list[tuple[int, ...]]) -> None:
    # Philox is a bijection of the counter for one key; two keys collide with chance 2^-128.
    assert len({rng.uniforms(*address) for address in addresses}) == len(addresses)


def test_purposes_are_distinct_and_equal_to_twin() -> None:
    values = {
        name.lower().replace("_", " "): value
        for name, value in vars(rng).items()
        if name.isupper() and not name.startswith("_")
    }
    assert len(set(values.values())) == len(values)
    assert {name: values[name] for name in reference.PURPOSES} == reference.PURPOSES


def test_uniforms_are_uniform_and_uncorrelated() -> None:
    u = sample(rng.FACTORS)
    assert stats.kstest(u.ravel(), "uniform").pvalue > RARE
    # The correlation of independent columns has standard error n^-1/2.
    assert np.abs(np.corrcoef(u.T) - np.eye(4)).max() < 4 / math.sqrt(SIZE)


def test_normal_inverts_normal_distribution() -> None:
    tails = np.geomspace(1e-10, 0.02, 500)
    u = np.concatenate([tails, np.linspace(0.02, 0.98, 2001), 1.0 - tails])
    values = np.array([rng.normal(float(x)) for x in u])
    # Both are good to a few units in the last place.
    np.testing.assert_allclose(values, stats.norm.ppf(u), rtol=1e-13, atol=1e-13)
    assert rng.normal(0.5) == 0.0


@given(st.floats(1e-300, 1.0 - 1e-10), st.floats(1e-300, 1.0 - 1e-10))
def test_normal_is_monotone(a: float, b: float) -> None:
    low, high = sorted((a, b))
    # Where two pieces of the approximation meet, the last digit may step back.
    assert rng.normal(low) <= rng.normal(high) + 1e-14


@pytest.mark.parametrize("nu", [1.5, 4.0, 30.0])
def test_student_has_its_distribution(nu: float) -> None:
    t = [rng.student(u, v, nu) for u, v, _, _ in sample(rng.SPENDING)]
    assert stats.kstest(t, stats.t(nu).cdf).pvalue > RARE


def test_exponential_has_its_distribution_and_is_decreasing() -> None:
    u = np.sort(sample(rng.EXIT)[:, 0])
    e = np.array([rng.exponential(x) for x in u])
    assert stats.kstest(e, "expon").pvalue > RARE
    assert (np.diff(e) <= 0).all() and e.min() > 0
