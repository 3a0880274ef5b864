"""The flip-flop index agrees with hand computation; the test of efficiency keeps its level under a martingale."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from forecast.archive.revisions import FEWEST, efficiency, flip_flop


@pytest.mark.parametrize(
    ("forecasts", "expected"),
    [
        ([0.1, 0.2, 0.9], 0.0),
        ([0.9, 0.5, 0.5, 0.1], 0.0),
        ([0.2, 0.8, 0.2], 0.6),
        ([0.2, 0.8, 0.2, 0.8], 0.6),
        ([0.5, 0.5, 0.5], 0.0),
    ],
)
def test_the_index_counts_turns(forecasts: list[float], expected: float) -> None:
    assert flip_flop(forecasts) == pytest.approx(expected)
    assert flip_flop([1.0 - p for p in forecasts]) == pytest.approx(expected)


def test_two_forecasts_cannot_turn() -> None:
    assert flip_flop([0.1, 0.9]) is None and flip_flop([]) is None


def martingales(rng: np.random.Generator, questions: int = 40, times: int = 6) -> list[list[float]]:
    """Probabilities that a random walk ends above a threshold, as it unfolds."""
    steps = rng.standard_normal((questions, times + 2))
    walk = steps.cumsum(axis=1)[:, :times]
    left = np.sqrt(np.arange(times + 1, 1, -1))
    return [list(row) for row in norm.cdf(walk / left)]


def test_the_level_under_a_martingale_is_five_percent() -> None:
    rng = np.random.default_rng(19870101)  # martingales
    p = [efficiency(martingales(rng)).p for _ in range(600)]
    assert 0.03 <= np.mean([value is not None and value < 0.05 for value in p]) <= 0.07


def test_slow_and_nervous_forecasters_are_found() -> None:
    rng = np.random.default_rng(19870102)  # martingales that are smoothed, and with noise
    right = [np.array(history) for history in martingales(rng, 100, 8)]
    slow = efficiency([list((h[1:] + h[:-1]) / 2) for h in right])
    nervous = efficiency([list(h + 0.1 * rng.standard_normal(h.size)) for h in right])
    assert slow.p is not None and slow.p < 0.01 and slow.slope > 0.2
    assert nervous.p is not None and nervous.p < 0.01 and nervous.slope < -0.2


def test_too_few_questions_give_no_p_value() -> None:
    rng = np.random.default_rng(1)
    few = efficiency(martingales(rng, FEWEST - 1))
    assert (few.questions, few.t, few.p) == (FEWEST - 1, None, None)
    nothing = efficiency([[0.1, 0.2], [0.3, 0.3, 0.3]])
    assert nothing.questions == 0 and math.isnan(nothing.slope)
