"""Tripwires find a known threshold, claim nothing of noise, and agree with the frequency on new paths."""

import numpy as np
import pytest

from forecast.archive.tripwires import beyond, crossing, find_tripwires, paths_needed
from forecast.errors import RunError
from forecast.reporting.tripwire_text import condition
from tests.support.scenario_weights import sampled

X, NOISE, EVENT = "E(x in 2026)", "E(noise in 2026)", "P(alarm by 2026)"


def toy(paths: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The headline is 1 with probability 0.8 where x is above 1, which happens with 20 %, and else with 0.3."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3.0, 2.0, size=paths)
    target = (rng.uniform(size=paths) < np.where(x > 1.0, 0.8, 0.3)).astype(float)
    alarm = (rng.uniform(size=paths) < np.where(target > 0.5, 0.3, 0.1)).astype(float)
    return target, {X: x, NOISE: rng.normal(size=paths), EVENT: alarm}


def test_a_known_threshold_is_found_with_its_chance_and_move() -> None:
    """Beyond t <= 1 the mean is 0.3 + 0.5 * 0.2 / P(x > t), so it moves by 0.1 * (1 / P(x > t) - 1)."""
    found = find_tripwires(sampled(*toy(8000, 1)), move=0.38)
    (one,) = [tripwire for tripwire in found if tripwire.observable == "x in 2026"]
    assert one.above and not one.is_event
    assert one.threshold == pytest.approx(1.0, abs=0.1)  # of the shares tried, 20 % is the first that moves enough
    assert one.chance == pytest.approx(0.2, abs=4.0 * one.chance_error)
    assert one.move == pytest.approx(0.4, abs=4.0 * one.move_error)
    assert one.paths == 4000 and one.support == pytest.approx(4000 * one.chance, rel=1e-3)


def test_the_number_of_paths_needed_is_enough() -> None:
    """Twice as many paths find a move half as large again beyond a threshold that is crossed with 25 %."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.uniform(size=200)
        target = (rng.uniform(size=200) < np.where(x > 0.75, 0.55, 0.4 - 0.05 / 3)).astype(float)
        (paths,) = paths_needed(sampled(target, {X: x}), 0.15).values()
        more = np.random.default_rng(100 + seed)
        x = more.uniform(size=2 * paths)
        target = (more.uniform(size=2 * paths) < np.where(x > 0.75, 0.65, 0.35)).astype(float)
        found.append(bool(find_tripwires(sampled(target, {X: x}), move=0.15)))
    assert np.mean(found) >= 0.9


def test_an_event_is_a_tripwire() -> None:
    found = find_tripwires(sampled(*toy(8000, 2)), move=0.2)
    (one,) = [tripwire for tripwire in found if tripwire.is_event]
    assert one.above and condition(one) == "alarm by 2026"
    assert one.move == pytest.approx(0.4 * 0.3 / 0.18 - 0.4, abs=4.0 * one.move_error)  # P(target | alarm) - P(target)


def test_noise_is_no_tripwire() -> None:
    for seed in range(5):
        target, _ = toy(1000, seed)
        unrelated = {f"E(noise{k} in 2026)": np.random.default_rng([seed, k]).normal(size=1000) for k in range(20)}
        assert find_tripwires(sampled(target, unrelated), move=0.01) == []


def test_frequency_on_new_paths_agrees() -> None:
    """Chance and move of a chosen threshold are those of paths that took no part in choosing or measuring it."""
    apart = []
    for seed in range(40):
        target, terms = toy(1000, seed)
        for one in find_tripwires(sampled(target, terms), move=0.05):
            new_target, new_terms = toy(20_000, 10_000 + seed)
            text = f"{'P' if one.is_event else 'E'}({one.observable})"
            new = sampled(new_target, new_terms)
            exact = crossing(new, beyond(new.terms[text], one.threshold, above=one.above))
            assert exact is not None
            apart.append(
                [
                    (one.chance - exact.chance) / np.hypot(one.chance_error, exact.chance_error),
                    (one.move - exact.moves[0]) / np.hypot(one.move_error, exact.errors[0]),
                ]
            )
    z = np.array(apart)
    assert len(z) > 60
    assert (np.abs(z) <= 1.96).mean() >= 0.90 and np.abs(z).max() < 4.5
    assert (np.abs(z.mean(axis=0)) < 0.5).all(), "the choice does not flatter"


def test_paths_of_one_draw_are_one_piece_of_evidence() -> None:
    target, terms = toy(500, 3)
    once = sampled(target, terms)
    copies = sampled(np.tile(target, 4), {text: np.tile(values, 4) for text, values in terms.items()}, draws=500)
    a, b = (crossing(s, beyond(s.terms[X], 0.5, above=True)) for s in (once, copies))
    assert a is not None and b is not None
    assert b.errors == pytest.approx(a.errors) and b.chance_error == pytest.approx(a.chance_error)
    assert b.support == pytest.approx(a.support)
    assert crossing(once, beyond(once.terms[X], 9.0, above=True)) is None


@pytest.mark.parametrize("move", [0.0, -0.1, float("nan")])
def test_a_move_of_nothing_is_refused(move: float) -> None:
    with pytest.raises(RunError, match="expected a number above 0"):
        find_tripwires(sampled(*toy(500, 1)), move=move)


def test_thin_support_is_refused_with_the_number_needed() -> None:
    with pytest.raises(RunError, match="100 paths, expected at least 120, and about 1,200 for"):
        find_tripwires(sampled(*toy(100, 1)), move=0.05)
