"""The random numbers are Philox4x32-10, keep inside (0, 1), and have the laws they claim."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecast.simulation import random_numbers as draw
from tests.support.random_kernel_inputs import enough
from tests.support.twin import dyads as reference_dyads  # adds its purposes  # noqa: F401
from tests.support.twin import path as reference

FULL = 2**32 - 1
SIZE = enough(20_000, 2_000)
# A Kolmogorov-Smirnov test with a fixed seed: a law that holds fails once in a thousand seeds.
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
    """Four uniforms at each of SIZE addresses."""
    return np.array([draw.uniforms(7, i, 3, 5, purpose) for i in range(SIZE)])


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers_of_the_authors(
    counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert tuple(int(word) for word in draw.philox(*counter, *key)) == expected
    assert reference.philox(counter, key) == expected


@given(counter=st.tuples(words, words, words, words), key=st.tuples(words, words))
def test_kernel_and_twin_mix_the_same_words(counter: tuple[int, ...], key: tuple[int, ...]) -> None:
    assert tuple(int(word) for word in draw.philox(*counter, *key)) == reference.philox(counter, key)


@given(words, words, words, words, st.integers(1, 10))
def test_uniforms_lie_strictly_inside(seed: int, path: int, time: int, entity: int, purpose: int) -> None:
    assert all(0.0 < u < 1.0 for u in draw.uniforms(seed, path, time, entity, purpose))


def test_the_ends_of_a_word_lie_strictly_inside() -> None:
    assert 0.0 < draw.to_unit(np.uint64(0)) < 2.0**-32
    assert 1.0 - 2.0**-32 < draw.to_unit(np.uint64(FULL)) < 1.0


@given(st.lists(st.tuples(*[st.integers(0, 50)] * 5), min_size=2, max_size=20, unique=True))
def test_other_addresses_give_other_numbers(addresses: list[tuple[int, ...]]) -> None:
    # Philox is a bijection of the counter for one key; two keys collide with chance 2^-128.
    assert len({draw.uniforms(*address) for address in addresses}) == len(addresses)


def test_purposes_are_distinct_and_the_twin_uses_the_same() -> None:
    ours = {
        name.lower().replace("_", " "): value
        for name, value in vars(draw).items()
        if name.isupper() and not name.startswith("_")
    }
    assert len(set(ours.values())) == len(ours)
    assert {name: ours[name] for name in reference.PURPOSES} == reference.PURPOSES


def test_uniforms_are_uniform_and_the_four_words_are_unrelated() -> None:
    u = sample(draw.FACTORS)
    assert stats.kstest(u.ravel(), "uniform").pvalue > RARE
    # The correlation of independent columns has standard error n^-1/2.
    assert np.abs(np.corrcoef(u.T) - np.eye(4)).max() < 4 / math.sqrt(SIZE)


def test_normal_is_the_inverse_of_the_normal_law() -> None:
    tails = np.geomspace(1e-10, 0.02, 500)
    u = np.concatenate([tails, np.linspace(0.02, 0.98, 2001), 1.0 - tails])
    ours = np.array([draw.normal(float(x)) for x in u])
    # Both are good to a few units in the last place.
    np.testing.assert_allclose(ours, stats.norm.ppf(u), rtol=1e-13, atol=1e-13)
    assert draw.normal(0.5) == 0.0


@given(st.floats(1e-300, 1.0 - 1e-10), st.floats(1e-300, 1.0 - 1e-10))
def test_normal_rises(a: float, b: float) -> None:
    low, high = sorted((a, b))
    # Where two pieces of the approximation meet, the last digit may step back.
    assert draw.normal(low) <= draw.normal(high) + 1e-14


@pytest.mark.parametrize("nu", [1.5, 4.0, 30.0])
def test_student_has_its_law(nu: float) -> None:
    t = [draw.student(u, v, nu) for u, v, _, _ in sample(draw.SPENDING)]
    assert stats.kstest(t, stats.t(nu).cdf).pvalue > RARE


def test_exponential_has_its_law_and_falls() -> None:
    u = np.sort(sample(draw.EXIT)[:, 0])
    e = np.array([draw.exponential(x) for x in u])
    assert stats.kstest(e, "expon").pvalue > RARE
    assert (np.diff(e) <= 0).all() and e.min() > 0
