"""Test exponential, logarithm, power and cosine of the compiled code against exact values, with numbers and lanes."""

import decimal
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.simulation import elementary
from forecast.simulation.lanes import load_draws, store
from forecast.simulation.records import LANES
from tests.support.random_kernel_inputs import enough

Numbers = NDArray[np.float64]
RNG = np.random.default_rng(5)
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
EXACT = decimal.Context(prec=40)
BOUND = 2.0  # units of the last place


def cosine(turns: Decimal) -> Decimal:
    """Return cos(2 pi x) by its series."""
    angle = 2 * PI * (turns - turns.to_integral_value())
    term, total, k = Decimal(1), Decimal(1), 0
    while abs(term) > Decimal("1e-36"):
        k += 2
        term *= -angle * angle / (k * (k - 1))
        total += term
    return total


def exp_points(size: int) -> Numbers:
    """Return arguments of the exponential: everywhere, near 0, and at the ends."""
    return np.concatenate(
        [RNG.uniform(-700, 700, size // 2), RNG.normal(0, 1, size - size // 2 - 3), [0.0, -1e-300, 709]]
    )


def log_points(size: int) -> Numbers:
    """Return arguments of the logarithm: all sizes, near 1, and the uniforms at the ends."""
    ends = [1.0, 0.5 * 2.0**-32, 1.0 - 0.5 * 2.0**-32, np.nextafter(1.0, 2.0)]
    wide = 2.0 ** RNG.uniform(-1000, 1000, size // 2)
    return np.concatenate([wide, 1.0 + RNG.normal(0, 0.01, size - size // 2 - 4), ends])


def turns(size: int) -> Numbers:
    """Return arguments of the cosine, from 0 to 1, some of them near its zeros."""
    near = 0.25 + RNG.integers(0, 2, size // 4) * 0.5 + RNG.normal(0, 1e-6, size // 4)
    return np.concatenate([RNG.random(size - size // 4 - 3), near, [0.0, 0.5, 1.0]])


CASES: dict[str, tuple[Any, Any, Callable[[int], Numbers], Callable[[Decimal], Decimal]]] = {
    "exp": (elementary.exp_of, elementary.exp, exp_points, lambda x: x.exp()),
    "log": (elementary.log_of, elementary.log, log_points, lambda x: x.ln()),
    "cos": (elementary.cos_turns_of, elementary.cos_turns, turns, cosine),
}


def compiled(function: Any) -> Callable[[Numbers], tuple[Numbers, Numbers]]:
    """Return what computes a function of all elements in compiled code, by lanes and one by one."""

    @numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
    def run(x: Any, by_lanes: Any, by_one: Any) -> None:
        for i in range(0, x.size - LANES + 1, LANES):
            store(by_lanes[i : i + LANES], function(load_draws(x[i : i + LANES])))
        for i in range(x.size):
            by_one[i] = function(x[i])

    def call(x: Numbers) -> tuple[Numbers, Numbers]:
        by_lanes, by_one = np.full_like(x, math.nan), np.full_like(x, math.nan)
        run(x, by_lanes, by_one)
        return by_lanes, by_one

    return call


def error(x: float, found: float, exact: Callable[[Decimal], Decimal]) -> float:
    """Return the distance to the exact value, in units of the last place of that value."""
    value = exact(Decimal(x))
    return float(abs(Decimal(found) - value) / Decimal(math.ulp(float(value))))


def check_bound(name: str, size: int) -> None:
    """Fail if a value of the function is further from the exact one than the bound, or differs with lanes."""
    polynomial, _, points, exact = CASES[name]
    x = points(size - size % LANES)
    by_lanes, by_one = compiled(polynomial)(x)
    assert np.array_equal(by_lanes, by_one)
    with decimal.localcontext(EXACT):
        assert max(error(a, b, exact) for a, b in zip(x.tolist(), by_one.tolist(), strict=True)) <= BOUND


@pytest.mark.parametrize("name", CASES)
def test_values_are_within_two_units_of_the_last_place(name: str) -> None:
    check_bound(name, enough(4_000, 400))


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_a_million_values_are_within_two_units_of_the_last_place(name: str) -> None:
    check_bound(name, enough(1_000_000, 1_000))


@pytest.mark.parametrize("name", CASES)
def test_plain_python_has_the_same_values_up_to_rounding(name: str) -> None:
    polynomial, plain, points, _ = CASES[name]
    x = points(200)
    assert np.allclose(polynomial(x), plain(x), rtol=1e-14, atol=1e-15)


def test_powers_and_ends_of_the_range() -> None:
    assert elementary.power_of(2.0, 10.0) == pytest.approx(1024.0, rel=1e-14)
    assert elementary.power(2.0, 10.0) == 1024.0
    assert elementary.exp_of(0.0) == 1.0 and elementary.log_of(1.0) == 0.0 and elementary.cos_turns_of(0.0) == 1.0
    assert elementary.exp_of(1e6) == elementary.exp_of(709.0) and elementary.exp_of(-math.inf) < 1e-300
