"""Divide a change among parts by Shapley's rule: the effect of swapping a part, averaged over the orders of swapping.

The game is a value for every set of swapped parts. In each order the effects add up to the whole change, and so do
their averages (Shapley 1953). With many parts, some orders stand for all: random ones, each with its reverse, which
cancels the error of pairs of parts (Mitchell et al. 2022).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

import numpy as np

from forecast.array_types import Floats

MOST_EXACT: Final = 5  # parts; with more, not every order is used
_PAIRS: Final = 4  # of orders, where there are more parts
_SEED: Final = 1953

Swapped = frozenset[int]  # numbers of the parts that are swapped
Order = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """The effect of one part on each of several values.

    Attributes
    ----------
    mean : average over the orders, (values,).
    lowest, highest : over the orders, (values,).
    error : Monte Carlo standard error of the average, (values,).
    """

    mean: Floats
    lowest: Floats
    highest: Floats
    error: Floats


def orders_of(parts: int) -> list[Order]:
    """Return every order of so many parts, or, of more than `MOST_EXACT`, a fixed sample of them."""
    if parts <= MOST_EXACT:
        return list(permutations(range(parts)))
    rng = np.random.default_rng(_SEED)
    drawn = [tuple(map(int, rng.permutation(parts))) for _ in range(_PAIRS)]
    return [order for forward in drawn for order in (forward, forward[::-1])]


def with_part(orders: Sequence[Order], part: int) -> list[Order]:
    """Return the orders with one more part at every place."""
    return [(*order[:at], part, *order[at:]) for order in orders for at in range(len(order) + 1)]


def sets_of(orders: Sequence[Order]) -> list[Swapped]:
    """Return the sets of swapped parts that these orders pass through, the smallest first."""
    return sorted({frozenset(order[:n]) for order in orders for n in range(len(order) + 1)}, key=lambda s: (len(s), *s))


def effects(
    orders: Sequence[Order],
    value: Callable[[Swapped], Floats],
    error: Callable[[Swapped], Floats],
    noise: int | None,
) -> list[Effect]:
    """Return the effect of each part.

    The errors of sets are combined as if they were independent. Sets with the same seed share random numbers, so the
    noise of a difference between them partly cancels, and its error is too large rather than too small. The part
    `noise` is the exception, because it replaces those random numbers: errors of sets with the same seed add up.

    Parameters
    ----------
    orders : orders in which the parts are swapped.
    value : value of a set of swapped parts, (values,).
    error : its Monte Carlo standard error, (values,).
    noise : number of the part that holds the seed.
    """
    return [_effect(part, orders, value, error, together=part == noise) for part in range(len(orders[0]))]


def _effect(
    part: int,
    orders: Sequence[Order],
    value: Callable[[Swapped], Floats],
    error: Callable[[Swapped], Floats],
    *,
    together: bool,
) -> Effect:
    before = [frozenset(order[: order.index(part)]) for order in orders]
    steps = np.stack([value(swapped | {part}) - value(swapped) for swapped in before])
    weights = {swapped: before.count(swapped) / len(before) for swapped in dict.fromkeys(before)}
    power = 1 if together else 2
    without = sum(((w * error(swapped)) ** power for swapped, w in weights.items()), np.zeros(1))
    within = sum(((w * error(swapped | {part})) ** power for swapped, w in weights.items()), np.zeros(1))
    return Effect(
        mean=np.array([math.fsum(column) / len(orders) for column in steps.T]),
        lowest=steps.min(axis=0),
        highest=steps.max(axis=0),
        error=np.sqrt(without ** (2 // power) + within ** (2 // power)),
    )
