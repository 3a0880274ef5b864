"""Compute exponential, logarithm, power and cosine, of numbers and of lanes, with plain arithmetic in compiled code.

Compiled code uses polynomials, so its results do not depend on a mathematics library or on the processor. The
exponential, the logarithm and the cosine are within two units of the last place (`tests/simulation/test_elementary.py`
compares them with exact values). Plain Python uses NumPy, whose last digit may differ.

Sources of the coefficients of logarithm and cosine: FreeBSD msun, `e_log.c`, `k_sin.c` and `k_cos.c`.
"""

from typing import Any

import numpy as np

from forecast.simulation.jit import compiled_as, device
from forecast.simulation.lanes import absolute, bits_of, floor, from_bits, maximum, minimum, where

_LOG2_HIGH, _LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # log 2; the high part ends in zeros
_SHIFT = 6755399441055744.0  # 1.5 * 2^52: added to a number below 2^51, it leaves the nearest whole number in the bits
_SHIFT_BITS = np.int64(0x4338000000000000)
_ROOT_HALF = np.int64(0x3FE6A09E667F3BCD)  # bits of sqrt(1/2)
_52 = np.int64(52)


@device
def whole(x):
    """Return a number without fraction, below 2^51 in size, as a whole number."""
    return bits_of(x + _SHIFT) - _SHIFT_BITS


@device
def number(whole_number):
    """Return a whole number below 2^51 in size as a number with a fraction."""
    return from_bits(whole_number + _SHIFT_BITS) - _SHIFT


@device
def exp_of(x):
    """Return e^x; below -708 and above 709 the value there.

    x = k log 2 + r with |r| <= log 2 / 2, and e^r by its series up to r^13.
    """
    x = minimum(maximum(x, -708.0), 709.0)
    shifted = x * 1.4426950408889634 + _SHIFT
    k = shifted - _SHIFT
    r = x - k * _LOG2_HIGH - k * _LOG2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = (r * (1.0 / 120.0) + 1.0 / 24.0) * r2 + (r * (1.0 / 6.0) + 0.5)
    middle = (r * (1.0 / 362880.0) + 1.0 / 40320.0) * r2 + (r * (1.0 / 5040.0) + 1.0 / 720.0)
    high = (r * (1.0 / 6227020800.0) + 1.0 / 479001600.0) * r2 + (r * (1.0 / 39916800.0) + 1.0 / 3628800.0)
    series = (high * r4 + middle) * r4 + low
    return from_bits(bits_of(1.0 + (series * r2 + r)) + (bits_of(shifted) << _52))


@device
def log_of(x):
    """Return the natural logarithm of x > 0, which must not be subnormal.

    x = 2^k m with sqrt(1/2) <= m < sqrt 2, and log m by a series in (m - 1) / (m + 1).
    """
    bits = bits_of(x)
    k = (bits - _ROOT_HALF) >> _52
    f = from_bits(bits - (k << _52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    half = 0.5 * f * f
    exponent = number(k)
    return exponent * _LOG2_HIGH - ((half - (s * (half + (even + odd)) + exponent * _LOG2_LOW)) - f)


@device
def power_of(x, y):
    """Return x^y = exp(y log x) for x > 0; its relative error grows with the size of y log x."""
    return exp_of(y * log_of(x))


@device
def cos_turns_of(x):
    """Return cos(2 pi x) for x of 0 to 1: the nearest quarter of a turn, then the series of sine or cosine."""
    quarter = floor(4.0 * x + 0.5)
    r = 6.283185307179586 * (x - 0.25 * quarter)
    z = r * r
    sine = r + r * z * (
        -1.66666666666666324348e-01
        + z
        * (
            8.33333333332248946124e-03
            + z
            * (
                -1.98412698298579493134e-04
                + z * (2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10))
            )
        )
    )
    cosine = (
        1.0
        - 0.5 * z
        + z
        * z
        * (
            4.16666666666666019037e-02
            + z
            * (
                -1.38888888888741095749e-03
                + z
                * (
                    2.48015872894767294178e-05
                    + z
                    * (-2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))
                )
            )
        )
    )
    # quarters 0 to 4: cosine, minus sine, minus cosine, sine, cosine
    odd = absolute(quarter - 2.0) == 1.0
    size = where(odd, sine, cosine)
    return where(absolute(quarter - 1.5) < 1.0, -size, size)


@compiled_as(exp_of)
def exp(x: Any) -> Any:
    """Return e^x."""
    return np.exp(x)


@compiled_as(log_of)
def log(x: Any) -> Any:
    """Return the natural logarithm."""
    return np.log(x)


@compiled_as(power_of)
def power(x: Any, y: Any) -> Any:
    """Return x^y for x > 0."""
    return np.power(x, y)


@compiled_as(cos_turns_of)
def cos_turns(x: Any) -> Any:
    """Return the cosine of x full turns."""
    return np.cos(2.0 * np.pi * x)
