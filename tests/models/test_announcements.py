"""The weight of announcements is recovered where it is planted, and forecasts move as it says."""

import numpy as np
import pytest

from forecast.models.announcements import Record, learned_weights, spread_of, with_announcements
from forecast.simulation.rules.spending import announced_change, announced_share
from tests.support import fake_posteriors as our

N = 400


def planted(weights: dict[str, float], horizon: int = 1, noise: float = 0.1, n: int = N) -> Record:
    """Return n cases of each country whose outcome closes its weight of the distance to the announcement."""
    rng = np.random.default_rng(5)
    country = np.repeat(list(weights), n)
    spread = np.full(country.size, 0.1)
    forecast = rng.normal(0.5, 0.3, country.size)
    announced = forecast + rng.normal(0.0, 0.15, country.size)
    own = np.repeat(list(weights.values()), n)
    outcome = forecast + own * (announced - forecast) + noise * spread * rng.normal(size=country.size)
    return Record(
        country=country,
        horizon=np.full(country.size, horizon),
        forecast=forecast,
        spread=spread,
        announced=announced,
        outcome=outcome,
    )


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_a_planted_weight_is_found(weight: float) -> None:
    mean, sd = learned_weights(planted({"AAA": weight, "BBB": weight}), ["AAA", "BBB"], 1, our.priors())
    assert mean == pytest.approx([weight] * 2, abs=0.03)
    assert (sd < 0.06).all()


def test_countries_are_kept_apart_and_pooled() -> None:
    record = planted({"AAA": 1.0, "BBB": 0.0, "CCC": 0.0})
    mean, sd = learned_weights(record, ["AAA", "BBB", "NEW"], 1, our.priors())
    assert mean[0] > 0.9 and mean[1] < 0.1
    assert mean[1] < mean[2] < mean[0]  # a country without record gets the common weight
    assert sd[2] > 3 * sd[0]
    few = planted({"AAA": 1.0}, n=2)
    assert 0.25 < learned_weights(few, ["AAA"], 1, our.priors())[0][0] < 0.9  # two cases do not decide


def test_without_record_the_weight_is_the_prior() -> None:
    empty = planted({"AAA": 1.0}, horizon=2)
    mean, sd = learned_weights(empty, ["AAA"], 1, our.priors())
    prior = {name: our.priors().value(f"announcements.{name}") for name in ("weight_mean", "weight_sd", "country_sd")}
    assert mean == pytest.approx([prior["weight_mean"]])
    assert sd == pytest.approx([np.hypot(prior["weight_sd"], prior["country_sd"])])


def test_overlapping_horizons_count_less() -> None:
    sd = [learned_weights(planted({"AAA": 0.5}, h, n=20), ["AAA"], h, our.priors())[1][0] for h in (1, 5)]
    assert sd[0] < sd[1]


def samples(size: int = 4000) -> np.ndarray:
    rng = np.random.default_rng(6)
    return np.cumsum(rng.normal(0.02, 0.1, (2, 3, size)), axis=1)


def updated(weight: float, announced: list[float]) -> np.ndarray:
    weights = [(np.full(2, weight), np.zeros(2))] * 3
    return with_announcements(samples(), np.array([announced, [np.nan] * 3]), weights, np.random.default_rng(7))


def test_a_reliable_announcement_moves_the_forecast_and_a_useless_one_changes_nothing() -> None:
    nan = float("nan")
    sure = updated(1.0, [0.1, 0.2, 0.3])
    assert np.median(sure[0], axis=1) == pytest.approx([0.1, 0.2, 0.3])
    assert np.array_equal(sure[1], samples()[1])  # a country without announcement
    assert np.array_equal(updated(0.0, [0.1, 0.2, 0.3]), samples())
    ended = updated(1.0, [0.1, nan, nan])
    assert np.allclose(ended[0, 1] - samples()[0, 1], ended[0, 0] - samples()[0, 0])  # the shift stays


@pytest.mark.parametrize("weight", [0.2, 0.7])
def test_the_middle_moves_by_the_weight_and_the_width_stays(weight: float) -> None:
    before, after = samples()[0, 0], updated(weight, [0.5, 0.5, 0.5])[0, 0]
    assert np.median(after) == pytest.approx(np.median(before) + weight * (0.5 - np.median(before)))
    assert spread_of(after) == pytest.approx(spread_of(before))


def test_rules_in_plain_numbers() -> None:
    assert announced_share(0.6, 0.9, 0.25, 0.5) == pytest.approx(0.6 + 0.1)
    assert announced_change(0.04, -0.02, 0.36) == pytest.approx(0.64 * 0.04 - 0.36 * 0.02)
    assert announced_change(0.04, -0.02, 0.0) == 0.04
