"""Addressed random numbers as arrays, and what the parts of the vectorised twin share.

The last axis of every array is the path. Addresses and numbers are those of `forecast.simulation.random_numbers`.
"""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.special import ndtri

Array = Any

_MASK, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_CHUNK = 16384  # numbers drawn at once, so that the words stay in the cache

normal = ndtri


def uniforms(seed: int, path: Array, time: Array, entity: Array, purpose: int, count: int) -> Array:
    """The first `count` uniforms of all paths at each address: (count, addresses ..., paths)."""
    time, entity = np.broadcast_arrays(time, entity)
    first, second = time.reshape(-1, 1), entity.reshape(-1, 1)
    out = np.empty((count, first.size, path.size))
    rows = max(_CHUNK // path.size, 1)
    for i in range(0, first.size, rows):
        some = slice(i, i + rows)
        _draw(seed, path, first[some], second[some], purpose, out[:, some])
    return out.reshape(count, *time.shape, path.size)


def uniforms_at(seed: int, path: Array, time: Array, entity: Array, purpose: int, count: int) -> Array:
    """The first `count` uniforms at scattered addresses, one path each: (count, addresses)."""
    out = np.empty((count, path.size))
    for i in range(0, path.size, _CHUNK):
        some = slice(i, i + _CHUNK)
        _draw(seed, path[some], time[some], entity[some], purpose, out[:, some])
    return out


def _draw(seed: int, path: Array, time: Array, entity: Array, purpose: int, out: Array) -> None:
    """Philox4x32-10: the first rounds by broadcasting, the others in place."""
    c0, c1 = time.astype(np.uint64), entity.astype(np.uint64)
    c2, c3 = np.uint64(purpose), np.uint64(0)
    key = path.astype(np.uint64)
    keys = [(np.uint64((seed + r * _W0) & 0xFFFFFFFF), np.uint64(r * _W1)) for r in range(10)]
    for k0, step in keys[:2]:
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1 = (p1 >> _32) ^ c1 ^ k0, p1 & _MASK
        c2, c3 = (p0 >> _32) ^ c3 ^ ((key + step) & _MASK), p0 & _MASK
    shape = out.shape[1:]
    c0, c1, c2, c3 = (np.array(np.broadcast_to(word, shape)) for word in (c0, c1, c2, c3))
    p0, p1 = np.empty_like(c0), np.empty_like(c0)
    for k0, step in keys[2:]:
        np.multiply(c0, _M0, out=p0)
        np.multiply(c2, _M1, out=p1)
        np.right_shift(p1, _32, out=c0)
        c0 ^= c1
        c0 ^= k0
        np.bitwise_and(p1, _MASK, out=c1)
        np.right_shift(p0, _32, out=c2)
        c2 ^= c3
        c2 ^= (key + step) & _MASK
        np.bitwise_and(p0, _MASK, out=c3)
    for word, unit in zip((c0, c1, c2, c3), out, strict=False):
        np.add(word.view(np.int64), 0.5, out=unit)
        unit *= 2.3283064365386963e-10


def exponential(u: Array) -> Array:
    """Exp(1) by inversion."""
    return -np.log(u)


def student(u: Array, v: Array, nu: Array) -> Array:
    """Student-t with nu degrees of freedom (Bailey 1994)."""
    return np.sqrt(nu * (u ** (-2.0 / nu) - 1.0)) * np.cos(2.0 * math.pi * v)


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + np.exp(-x))


def columns(table: Any, rows: Array) -> SimpleNamespace:
    """Some rows of the draws, an array a field: (within the field ..., entities ..., paths)."""
    taken, out = np.asarray(table)[rows], SimpleNamespace()
    for name in taken.dtype.names:
        values = taken[name]
        axes = (*range(taken.ndim, values.ndim), *range(1, taken.ndim), 0)
        setattr(out, name, np.ascontiguousarray(values.transpose(axes)))
    return out


def fields(table: Any) -> SimpleNamespace:
    """A table of the layout, an array a field."""
    table = np.asarray(table)
    return SimpleNamespace(**{name: table[name].copy() for name in table.dtype.names})


def constants_of(layout: Any) -> SimpleNamespace:
    """The constants as plain numbers."""
    one = np.asarray(layout.constants)[0]
    return SimpleNamespace(**{name: one[name].item() for name in one.dtype.names})


def ramp(quarters: int, onset: int, length: Array) -> Array:
    """The part of a shift that is in force, by quarter and cell: (quarters, cells, 1)."""
    t = np.arange(quarters)[:, None, None]
    return np.where(t < onset, 0.0, np.minimum(1.0, (t - onset + 1) / length[:, None]))


def years_of(quarter_of_year: int, quarters: int, years: int) -> list[slice]:
    """The quarters of each calendar year."""
    first = [4 * y - quarter_of_year for y in range(years)]
    return [slice(max(t, 0), min(t + 4, quarters)) for t in first]


def autoregress(x: Array, start: Array, phi: Array, mean: Array = 0.0) -> Array:
    """An AR(1) in place: x holds the scaled noise of each step."""
    before = start
    for row in x:
        row += mean + phi * (before - mean)
        before = row
    return x


def bins(x: Array, low: float, step: float, count: int) -> Array:
    """The bin of a histogram that each x falls into; what lies outside falls into the first or last."""
    at = np.floor((x - low) / step).astype(np.int64)
    np.maximum(at, 0, out=at)
    return np.minimum(at, count - 1, out=at)


def histogram(at: Array, size: int) -> Array:
    """Counts of bins along the last axis: (..., size)."""
    shape = at.shape[:-1]
    rows = np.arange(math.prod(shape)).reshape(*shape, 1) * size
    return np.bincount((at + rows).ravel(), minlength=rows.size * size).reshape(*shape, size)
