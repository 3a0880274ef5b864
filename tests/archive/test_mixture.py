"""A mixture is the exact weighted sum, its errors have the moments of the weights, and a tilt is the nearest one."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from forecast import names
from forecast.archive.headline_values import Estimates, Kind, estimates_of, find_kind, kinds_of, scenarios_of
from forecast.archive.mixture import Mixed, mix, mixed_rows, mixed_value, tilt, tilt_rows, tilted
from forecast.errors import RunError
from forecast.priors.weights import ScenarioWeights, only, read_weights
from forecast.reporting.mixture_text import mixture_lines, tilt_lines
from forecast.simulation import histograms
from forecast.storage.runs import Run
from tests.support.scenario_weights import kind, weights_file


@pytest.fixture(scope="module")
def estimates(made_run: Run) -> list[Estimates]:
    return estimates_of(made_run)


@pytest.fixture(scope="module")
def weights(made_run: Run, tmp_path_factory: pytest.TempPathFactory) -> ScenarioWeights:
    return read_weights(weights_file(tmp_path_factory.mktemp("weights")), *scenarios_of(made_run))


def by_kind(mixed: list[Mixed]) -> dict[Kind, Mixed]:
    return {one.kind: one for one in mixed}


def test_all_weight_on_one_scenario_gives_its_headlines(made_run: Run, estimates: list[Estimates]) -> None:
    wars, designs = scenarios_of(made_run)
    records = [record for record in made_run.headlines if record["target"] in names.MAIN_TARGETS]
    seen = 0
    for war in wars:
        mixed = by_kind(mix(estimates, only(wars, designs, war, "none")))
        for record in records:
            if (record["war"], record["design"]) == (war, "none"):
                one, seen = mixed[kinds_of([record])[0]], seen + 1
                for found, published in ((one.value, "value"), (one.lower, "lower"), (one.upper, "upper")):
                    assert found == pytest.approx(record[published], abs=6e-6), (record, published)
                assert one.weights.sd == 0.0 and one.weights.lower == one.value == one.weights.upper
                if record["statistic"] != names.MEDIAN:
                    assert one.monte_carlo.sd == pytest.approx(record["mcse"], abs=6e-6)
    assert seen == sum(record["design"] == "none" for record in records)


def test_mixture_is_the_weighted_sum(estimates: list[Estimates], weights: ScenarioWeights) -> None:
    for one, mixed in zip(estimates, mix(estimates, weights), strict=True):
        if one.kind.statistic != names.MEDIAN:
            exact = math.fsum(w * v for w, v in zip(weights.mean, one.values, strict=True))
            assert mixed.value == pytest.approx(exact, rel=1e-14)
        assert mixed.least <= mixed.value <= mixed.most
        assert mixed.least <= mixed.weights.lower <= mixed.value <= mixed.weights.upper <= mixed.most


def test_probabilities_of_the_classes_sum_to_one(estimates: list[Estimates], weights: ScenarioWeights) -> None:
    classes = [one.value for one in mix(estimates, weights) if one.kind.target == names.COHESION_VERDICT]
    assert len(classes) == 3 and math.fsum(classes) == pytest.approx(1.0, abs=1e-6)  # stored with 32 bits


def test_quantiles_are_those_of_the_paths_drawn_by_weight(estimates: list[Estimates], weights: ScenarioWeights) -> None:
    """With weights in tenths, copies of the scenarios' histograms have the quantiles of the mixture."""
    tenths = np.array([2, 0, 3, 1, 0, 4, 0, 0])
    for one in estimates:
        if one.counts is None or one.bins is None:
            continue
        copies = (tenths @ one.counts).astype(int)
        levels = histograms.quantiles(copies, one.bins, (0.1, 0.5, 0.9), one.step)
        levels = np.exp(levels) if one.step else levels
        even = ScenarioWeights(
            entries=(), wars=weights.wars, designs=weights.designs, mean=tenths / 10, covariance=np.zeros((8, 8))
        )
        (mixed,) = mix([one], even)
        middle = mixed.value if one.kind.statistic == names.MEDIAN else levels[1]
        width = one.step * levels[2] if one.step else histograms.SURVIVAL_STEP
        assert [mixed.lower, middle, mixed.upper] == pytest.approx(list(levels), abs=width)


def test_uncertainty_of_the_weights_is_that_of_sampled_weights(
    estimates: list[Estimates], weights: ScenarioWeights
) -> None:
    rng = np.random.default_rng(5)
    wars = np.zeros((4000, 4))
    wars[:, 1:] = rng.dirichlet([2.0, 10.0, 8.0], 4000)
    drawn = (wars[:, :, None] * rng.dirichlet([4.2, 1.8], 4000)[:, None, :]).reshape(4000, 8)
    for one, mixed in zip(estimates, mix(estimates, weights), strict=True):
        values = np.array([mixed_value(one, mean) for mean in drawn])
        tolerance = 0.35 if one.kind.statistic == names.MEDIAN else 0.06  # a median is linearised
        assert mixed.weights.sd == pytest.approx(values.std(), rel=tolerance, abs=2e-4)
        inside = np.mean((values >= mixed.weights.lower - 1e-9) & (values <= mixed.weights.upper + 1e-9))
        assert 0.90 <= inside or mixed.weights.sd < 1e-3


def test_monte_carlo_error_is_at_least_that_of_independent_scenarios(
    estimates: list[Estimates], weights: ScenarioWeights
) -> None:
    for one, mixed in zip(estimates, mix(estimates, weights), strict=True):
        if one.kind.statistic != names.MEDIAN:
            assert mixed.monte_carlo.sd >= np.sqrt(np.sum((weights.mean * one.errors) ** 2)) - 1e-12
            assert mixed.monte_carlo.sd <= one.errors.max() + 1e-12


def test_mixing_takes_less_than_50_ms(estimates: list[Estimates], weights: ScenarioWeights) -> None:
    """The work does not depend on the number of paths, because the histograms have fixed bins."""
    taken = []
    for _ in range(5):
        begun = time.process_time()
        mix(estimates, weights)
        taken.append(time.process_time() - begun)
    assert min(taken) < 0.05


def test_a_tilt_of_two_scenarios_has_the_closed_form() -> None:
    found = tilted(np.array([0.7, 0.3]), np.array([0.2, 0.6]), 0.5)
    assert found is not None and found == pytest.approx([0.25, 0.75], abs=1e-12)


@given(
    base=st.lists(st.floats(0.05, 1.0), min_size=3, max_size=8),
    seed=st.integers(0, 1000),
    place=st.floats(0.05, 0.95),
)
def test_a_tilt_meets_its_target_with_the_least_relative_entropy(base: list[float], seed: int, place: float) -> None:
    p = np.array(base) / np.sum(base)
    values = np.random.default_rng(seed).uniform(size=p.size)
    level = values.min() + place * np.ptp(values)
    found = tilted(p, values, level)
    assert found is not None
    assert found.sum() == pytest.approx(1.0, abs=1e-12) and found @ values == pytest.approx(level, abs=1e-9)
    # any other weights with this mean are farther: move along the directions that keep sum and mean
    entropy = found @ np.log(found / p)
    keeping = np.linalg.svd(np.stack([np.ones(p.size), values]))[2][2:]
    for direction in keeping:
        for step in (-1e-3, 1e-3):
            other = found + step * direction * found.min()
            assert other @ np.log(other / p) >= entropy - 1e-12


def test_a_tilt_is_that_of_a_numerical_optimiser() -> None:
    p, values = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.1, 0.9, 0.4, 0.3])
    found = tilted(p, values, 0.6)
    solved = minimize(
        lambda q: float(q @ np.log(q / p)),
        np.full(4, 0.25),
        bounds=[(1e-9, 1.0)] * 4,
        constraints=[
            {"type": "eq", "fun": lambda q: q.sum() - 1.0},
            {"type": "eq", "fun": lambda q: q @ values - 0.6},
        ],
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert found == pytest.approx(solved.x, abs=1e-5)


def test_ends_are_reached_and_what_lies_beyond_is_refused() -> None:
    p, values = np.array([0.5, 0.2, 0.3, 0.0]), np.array([0.2, 0.6, 0.6, 0.9])
    assert tilted(p, values, 0.6) == pytest.approx([0.0, 0.4, 0.6, 0.0])
    assert tilted(p, values, 0.2) == pytest.approx([1.0, 0.0, 0.0, 0.0])
    assert tilted(p, values, 0.61) is None and tilted(p, values, 0.19) is None


def test_weights_needed_for_a_headline(estimates: list[Estimates], weights: ScenarioWeights) -> None:
    for words in ("verdict Weak", "european_spending 2030"):
        one = {e.kind: e for e in estimates}[find_kind([e.kind for e in estimates], words)]
        used = one.values[weights.mean > 0.0]
        wanted = float(used.min() + 0.6 * np.ptp(used))
        found = tilt(estimates, weights, f"{words} = {wanted:.4f}")
        assert mixed_value(one, found.weights) == pytest.approx(wanted, abs=0.02 if one.step else 1e-4)
        assert found.relative_entropy >= 0.0 and not found.weights[weights.mean == 0.0].any()
        rows = tilt_rows(found, weights)
        assert math.fsum(row["needed"] for row in rows["weights"]) == pytest.approx(1.0)
        assert any("relative entropy" in line or "relative" in line for line in tilt_lines("a-run", found, weights))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("verdict Weak = 1.5", "out of reach, expected .* to .*, the range of the scenarios with weight"),
        ("european_spending 2030 = 30", "out of reach"),
        ("european_spending 2030 = -1", "out of reach"),
        ("verdict Weak", "expected a headline, =, and a number"),
        ("verdict Weak = many", "expected a headline, =, and a number"),
        ("verdict Weak = nan", "out of reach"),
        ("verdict = 0.5", "several headlines have these words, expected one of: cohesion_verdict Weak"),
        ("verdict Weka = 0.5", "no headline has these words"),
        ("= 0.5", "no headline has these words"),
    ],
)
def test_targets_out_of_reach_or_unclear_are_refused(
    estimates: list[Estimates], weights: ScenarioWeights, target: str, message: str
) -> None:
    with pytest.raises(RunError, match=message):
        tilt(estimates, weights, target)


@given(st.floats(1e-6, 1.0), st.floats(1e-6, 1.0))
def test_every_bound_of_a_refused_target_can_be_asked_for(a: float, b: float) -> None:
    one = Estimates(kind=kind("Weak"), values=np.array([a, b]), errors=np.zeros(2))
    weights = replace(only(("win", "lose"), ("none",), "win", "none"), mean=np.array([0.5, 0.5]))
    with pytest.raises(RunError, match="out of reach") as caught:
        tilt([one], weights, "mission_survival Weak = 2")
    words = str(caught.value).split("expected ")[1].split()
    for end in (words[0], words[2].rstrip(",")):
        assert tilt([one], weights, f"mission_survival Weak = {end}").target == pytest.approx(float(end))


def test_text_and_records(estimates: list[Estimates], weights: ScenarioWeights, tmp_path: Path) -> None:
    mixed = mix(estimates, weights)
    lines = list(mixture_lines("a-run", mixed, weights, {"kfor": "A mission with a very long name in the Balkans"}))
    assert max(map(len, lines)) <= 80 and not any("kfor" in line for line in lines)
    assert any("a survey" in line for line in lines) and any("2025-06-01" in line for line in lines)
    rows = json.loads(json.dumps(mixed_rows(mixed), allow_nan=False))
    assert {"value", "mcse_sd", "mcse_lower", "weights_sd", "weights_upper", "least", "most"} <= set(rows[0])
