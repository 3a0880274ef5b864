"""Test that lanes have the values of numbers one by one, in compiled and in plain Python, and that they are packed."""

import operator
import platform
import re
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

from forecast.constants import DURATION_EDGES
from forecast.simulation import lanes
from forecast.simulation import random_numbers as rng
from forecast.simulation import records as dtypes
from forecast.simulation.elementary import exp
from forecast.simulation.jit import device
from forecast.simulation.lanes import any_lane, lane, load, load_draws, maximum, minimum, store, where
from forecast.simulation.records import CELLS, LANES, records
from forecast.simulation.rules import alliance, dyads, leadership, spending
from forecast.simulation.rules import missions as missions_rule
from forecast.simulation.rules.common import value_in_bin
from forecast.simulation.steps.missions import accumulate_hazard, update_survival_curves

A, B = np.array([-2.0, -0.0, 0.5, 1.0, 3.0, 7.5, -1e9, 2.0]), np.array([1.0, 1.0, 0.5, -1.0, 2.0, 7.5, 1e-9, 2.0])
compiled = numba.njit(error_model="numpy")


@device  # type: ignore[untyped-decorator]
def mixed(a: Any, b: Any) -> Any:
    """Return a number from operators, conditions and functions of two numbers."""
    total = 0.0
    total += a * b - 2.0 / b
    mask = (a < b) | ((a >= 3.0) & (b != 2.0))
    total = where(mask, -total, maximum(a, minimum(b, 1)))
    return total + lanes.sqrt(lanes.absolute(a)) + lanes.floor(b) + where(a > 0.0, 1.0, 0.0)


SIZES = pytest.mark.parametrize(("read", "size"), [(load_draws, LANES), (load, CELLS)], ids=["draws", "cells"])


@SIZES
def test_lanes_have_the_values_of_numbers_one_by_one(read: Any, size: int) -> None:
    def run(a: Any, b: Any, out: Any) -> None:
        store(out, mixed(read(a), read(b)))

    a, b, out, plain = np.resize(A, size), np.resize(B, size), np.zeros(size), np.zeros(size)
    compiled(run)(a, b, out)
    run(a, b, plain)
    assert out.tolist() == plain.tolist() == [float(mixed(x, y)) for x, y in zip(a, b, strict=True)]


@SIZES
@pytest.mark.parametrize("name", ["add", "sub", "mul", "xor", "and_", "or_", "lshift", "rshift"])
def test_operators_of_whole_numbers(name: str, read: Any, size: int) -> None:
    function = getattr(operator, name)
    a, b, out = np.arange(size) - 3, np.arange(size) + 1, np.zeros(size, np.int64)

    @compiled  # type: ignore[untyped-decorator]
    def call(a: Any, b: Any, out: Any) -> None:
        store(out, function(read(a), read(b)))

    call(a, b, out)
    assert out.tolist() == function(a, b).tolist()


def test_narrow_integers_keep_the_low_bits_and_lanes_are_read_one_by_one() -> None:
    def call(a: Any, out: Any, small: Any) -> Any:
        values = load_draws(a)
        store(small, values + lanes.lane_numbers())
        for i in range(LANES):
            out[i] = lane(values, i)
        return any_lane(values > 6), any_lane(values > 7)

    a = np.arange(LANES)
    for function in (compiled(call), call):
        out, small = np.zeros(LANES, np.int64), np.zeros(LANES, np.int16)
        assert function(a, out, small) == (True, False)
        assert out.tolist() == a.tolist() and small.tolist() == (2 * a).tolist()


@SIZES
def test_bits_say_in_which_lanes_a_mask_holds(read: Any, size: int) -> None:
    def bits(a: Any) -> Any:
        return lanes.lane_bits(read(a) > 2.0)

    def any_of(a: Any) -> Any:
        return any_lane(read(a) > 2.0)

    bits_of, any_in = compiled(bits), compiled(any_of)
    for i in range(size):  # each register, alone and with the first lane
        a = np.zeros(size)
        assert not any_in(a)
        a[i] = 3.0
        assert bits_of(a) == bits(a) == 1 << i and any_in(a)
        a[0] = 3.0
        assert bits_of(a) == bits(a) == (1 << i) | 1


def test_lanes_of_two_sizes_do_not_mix() -> None:
    def call(a: Any, b: Any) -> Any:
        return any_lane(load(a) > load_draws(b))

    with pytest.raises(numba.TypingError):
        compiled(call)(np.zeros(CELLS), np.zeros(LANES))


def test_nothing_is_written_beyond_the_lanes() -> None:
    def call(whole: Any, small: Any) -> None:
        store(whole, 1.0)
        store(small, where(load(whole) > 0.0, 1, 0))

    for function in (compiled(call), call):
        out, small = np.zeros(2 * CELLS), np.zeros(2 * CELLS, np.int16)
        function(out[:CELLS], small[:CELLS])
        assert out.tolist() == small.tolist() == [1] * CELLS + [0] * CELLS


def test_narrow_integers_are_read_with_their_sign() -> None:
    def call(a: Any, out: Any) -> None:
        store(out, load(a) + load(a))

    a = np.resize(np.array([-30000, -1, 0, 1, 2, 3, 4, 30000], np.int16), CELLS)
    for function in (compiled(call), call):
        out = np.zeros(CELLS, np.int64)
        function(a, out)
        assert out.tolist() == [2 * int(x) for x in a]


def test_registers_start_at_a_half_or_a_whole_cache_line() -> None:
    for name in dir(dtypes):
        dtype = getattr(dtypes, name)
        if not name.endswith(("_STATE", "_LANES")) or not isinstance(dtype, np.dtype):
            continue
        fields = [dtype.fields[field] for field in dtype.names or ()]
        assert records(dtype, 3).ctypes.data % 64 == 0 and dtype.itemsize % 32 == 0, name
        lanes_at = [offset for kind, offset, *_ in fields if kind.shape and kind.shape[-1] in (CELLS, LANES)]
        assert lanes_at and all(offset % 32 == 0 for offset in lanes_at), name


# -- the loops of the kernel are packed ------------------------------------------------------------


def philox_block(values: Any) -> None:
    u = rng.uniforms(values.size, 2, rng.times(values.shape[0]), 4, 5)
    store(values[0], u[0] + u[1] + u[2] + u[3])


def normal_block(values: Any) -> None:
    store(values[0], rng.normal(load_draws(values[1])))


def exponentials(values: Any) -> None:
    store(values[0], rng.exponential(load_draws(values[1])) + exp(load_draws(values[2])))


def student_block(values: Any) -> None:
    store(values[0], rng.student(load_draws(values[1]), load_draws(values[2]), load_draws(values[3])))


def cohesion(values: Any) -> None:
    factors = load(values[0]), load(values[1]), load(values[2]), load(values[3])
    store(values[4], alliance.discordance(factors) + alliance.cohesion_index((0.1, 0.2, 0.3, 0.4), factors))
    store(values[5], alliance.deterrence_signal(factors[0], factors[1]))


def spending_year(values: Any) -> None:
    share = load(values[0])
    gap = spending.gap(share, 0.7)
    change = spending.spending_change(share, 0.5, 0.1, 1.0, 0.2, 0.1, gap, 0.5, gap, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0)
    store(values[1], spending.bounded(share + change, 0.1, -1.0, 1.0))


def dyad_quarter(values: Any) -> None:
    signal = dyads.signal(0.5, load(values[1]), 0.1, 0.0)
    fear = dyads.abandonment(load(values[0]), 0.9, 0.4, signal, 0.3, 1, 0.2, 0, 0.1)
    store(values[2], dyads.end_chance(0.01, 0.5, fear, load(values[3])))


def mission_ratios(values: Any) -> None:
    share = missions_rule.contagion_share(load(values[0]), load(values[1]), 5, 0.5)
    ratio = missions_rule.mission_hazard_ratio(share, 0.1, load(values[2]), 1.8)
    store(values[3], ratio * missions_rule.backfill_hazard_ratio(load(values[4]), load(values[5]), 0.6))


def public_opinion(values: Any) -> None:
    store(values[0], missions_rule.public_hazard_ratio(load(values[1]), 0.5, 0.3, load(values[2]), -0.2, 1.0, 0.4))


def leaders(values: Any) -> None:
    """A quarter of leaders in eight countries, but for the table of their calendars."""
    office, vote = load(values[0]), where(load(values[1]) == 1.0, 1.0, 0.0)
    tenure = value_in_bin(DURATION_EDGES, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), office)
    odds = leadership.turnover_log_odds(
        -4, load(values[2]), -0.4, 2, vote, 2, vote, -2, vote, 2, vote, 0.3, vote, tenure
    )
    early = leadership.early_vote_hazard((0.2, 0.1, 0.03), office, vote)
    store(values[3], leadership.turnover_probability(odds) + leadership.president_turnover(vote, vote, 0.4, 0.01))
    store(values[4], early + leadership.mandates_won(office, vote, vote, vote, vote))


LOOPS = (
    leaders,
    philox_block,
    normal_block,
    exponentials,
    student_block,
    cohesion,
    spending_year,
    dyad_quarter,
    mission_ratios,
    public_opinion,
)


def hazards(contingents: Any, values: Any, crossed: Any) -> Any:
    """The innermost loop of the kernel."""
    return accumulate_hazard(contingents.size, load(values[0]), values[1], values[2], contingents, crossed)


def curves(contingents: Any, plan: Any, state: Any) -> None:
    """The loop over contingents that computes the survival curves."""
    update_survival_curves(contingents.size, plan, contingents, state[0])


def scalar_arithmetic(function: Any, *arguments: Any) -> list[str]:
    """Return the instructions of a compiled function that add, multiply, divide or take roots of single numbers."""
    jitted = numba.njit(error_model="numpy", nogil=True, _nrt=False, no_cpython_wrapper=False)(function)
    jitted(*arguments)
    assembly = "".join(jitted.inspect_asm().values())
    assert re.search(r"\bv?(add|mul|sub)pd\b", assembly) is not None
    return re.findall(r"\bv?(?:add|sub|mul|div|sqrt|max|min)sd\b.*", assembly)


needs_compiler = pytest.mark.skipif(
    numba.config.DISABLE_JIT or platform.machine() != "x86_64", reason="reads the machine code of x86-64"
)


@needs_compiler
@pytest.mark.parametrize("function", LOOPS, ids=lambda function: function.__name__)
def test_rules_called_with_lanes_have_no_scalar_arithmetic(function: Callable[..., None]) -> None:
    assert scalar_arithmetic(function, np.full((6, CELLS), 0.5)) == []


@needs_compiler
def test_loops_over_contingents_have_no_scalar_arithmetic() -> None:
    contingents = records(dtypes.CONTINGENT_STATE, 3)
    crossed = np.zeros(8, np.bool_)
    assert scalar_arithmetic(hazards, contingents, np.full((3, CELLS), 0.5), crossed) == []
    assert crossed.tolist() == [True] * 3 + [False] * 5  # all thresholds are 0
    plan, state = records(dtypes.CONTINGENT, 3), records(dtypes.MISSION_STATE, 1)
    assert len(scalar_arithmetic(curves, contingents, plan, state)) == 0
