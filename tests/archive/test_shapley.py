"""Shapley's rule on games that can be solved by hand, and its four axioms on random games."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.archive.shapley import MOST_EXACT, Swapped, effects, orders_of, sets_of
from forecast.array_types import Floats


def solve(parts: int, game: dict[Swapped, float], error: float = 0.0, noise: int | None = None) -> list[list[float]]:
    """Return mean, lowest, highest and error of each part."""

    def value(swapped: Swapped) -> Floats:
        return np.array([game[swapped]])

    found = effects(orders_of(parts), value, lambda _: np.array([error]), noise)
    return [[float(x[0]) for x in (e.mean, e.lowest, e.highest, e.error)] for e in found]


def game_of(parts: int, worth: list[float]) -> dict[Swapped, float]:
    """Return a game with these worths of all sets, in the order of their binary numbers."""
    return {frozenset(part for part in range(parts) if number >> part & 1): worth[number] for number in range(2**parts)}


def test_additive_game_gives_each_part_its_own_effect_in_every_order() -> None:
    own = [1.0, -2.0, 0.5]
    game = game_of(3, [sum(own[part] for part in range(3) if number >> part & 1) for number in range(8)])
    for part, found in enumerate(solve(3, game)):
        assert found == pytest.approx([own[part], own[part], own[part], 0.0])


def test_interaction_is_shared_equally_and_seen_in_the_spread() -> None:
    """Part 0 alone changes 1, part 1 alone nothing, both together 5: the interaction 4 is shared."""
    first, second = solve(2, game_of(2, [0.0, 1.0, 0.0, 5.0]))
    assert first[:3] == pytest.approx([3.0, 1.0, 5.0])
    assert second[:3] == pytest.approx([2.0, 0.0, 4.0])


def test_glove_game() -> None:
    """One left glove and two right ones are worth 1 as a pair: 2/3 to the left, 1/6 to each right (Shapley 1953)."""
    game = game_of(3, [0, 0, 0, 1, 0, 1, 0, 1])
    assert [found[0] for found in solve(3, game)] == pytest.approx([2 / 3, 1 / 6, 1 / 6])


@settings(max_examples=40)
@given(
    st.integers(1, 6).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.floats(-5, 5), min_size=2**n, max_size=2**n)))
)
def test_effects_sum_to_the_change(case: tuple[int, list[float]]) -> None:
    parts, worth = case
    found = solve(parts, game_of(parts, worth))
    assert sum(effect[0] for effect in found) == pytest.approx(worth[-1] - worth[0], abs=1e-12)
    assert all(effect[1] - 1e-12 <= effect[0] <= effect[2] + 1e-12 for effect in found)


@settings(max_examples=25)
@given(st.integers(1, 5), st.data())
def test_mean_is_the_formula_over_sets(parts: int, data: st.DataObject) -> None:
    worth = data.draw(st.lists(st.floats(-5, 5), min_size=2**parts, max_size=2**parts))
    game = game_of(parts, worth)
    for part, found in enumerate(solve(parts, game)):
        others = [other for other in range(parts) if other != part]
        expected = sum(
            factorial(size)
            * factorial(parts - size - 1)
            / factorial(parts)
            * (game[frozenset(s) | {part}] - game[frozenset(s)])
            for size in range(parts)
            for s in combinations(others, size)
        )
        assert found[0] == pytest.approx(expected, abs=1e-12)


def test_null_part_gets_nothing_and_equal_parts_the_same() -> None:
    """Part 1 never matters; parts 0 and 2 matter only together."""
    game = game_of(3, [0, 0, 0, 0, 0, 7, 0, 7])
    first, null, last = solve(3, game)
    assert null == [0.0, 0.0, 0.0, 0.0]
    assert first == last == [3.5, 0.0, 7.0, 0.0]


def test_many_parts_use_a_sample_of_orders_with_their_reverses() -> None:
    orders = orders_of(MOST_EXACT + 1)
    assert len(orders) == 8
    assert {order[::-1] for order in orders} == set(orders)
    assert orders == orders_of(MOST_EXACT + 1)
    assert len(orders_of(4)) == 24
    assert len(sets_of(orders_of(4))) == 16
    assert len(sets_of(orders)) < 2 ** (MOST_EXACT + 1)


def test_error_of_two_parts() -> None:
    """Each effect is half of two differences; with the seed swapped, the two errors on one side add up."""
    first, noise = solve(2, game_of(2, [0.0, 1.0, 2.0, 3.0]), error=0.1, noise=1)
    assert first[3] == pytest.approx(0.1 * (4 * 0.5**2) ** 0.5)
    assert noise[3] == pytest.approx(0.1 * 2**0.5)


def test_no_part() -> None:
    assert effects(orders_of(0), lambda _: np.zeros(1), lambda _: np.zeros(1), None) == []
    assert sets_of(orders_of(0)) == [frozenset()]
