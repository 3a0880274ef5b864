"""Headlines: records of fields, all classes of a verdict, and whether a verdict is decided."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast import names
from forecast.projection.headlines import KEY, key_of, verdicts
from forecast.projection.output_schema import HEADLINE_FIELDS
from tests.support.bundled_scenarios import DESIGNS, WARS
from tests.support.tiny_run_folder import make_run


def classes(values: tuple[float, float, float], errors: tuple[float, float, float]) -> list[dict[str, Any]]:
    return [
        {
            "target": names.COHESION_VERDICT,
            "war": "win",
            "design": "none",
            "category": name,
            "value": value,
            "mcse": error,
        }
        for name, value, error in zip(names.VERDICTS, values, errors, strict=True)
    ]


@pytest.mark.parametrize(
    ("values", "error", "decided"),
    [
        ((0.10, 0.20, 0.70), 0.01, True),
        ((0.10, 0.43, 0.47), 0.0001, False),  # the margin is below 0.05
        ((0.10, 0.42, 0.48), 0.0001, True),
        ((0.10, 0.40, 0.50), 0.04, False),  # the margin is below twice its error
        ((0.10, 0.40, 0.50), 0.02, True),
    ],
)
def test_a_verdict_is_decided_by_its_margin(values: tuple[float, float, float], error: float, decided: bool) -> None:
    verdict = verdicts(classes(values, (error, error, error)))["win", "none"]
    assert verdict.likeliest == "Strong"
    assert verdict.margin == pytest.approx(values[2] - values[1])
    assert verdict.margin_error == pytest.approx(error * math.sqrt(3))
    assert verdict.decided is decided


def test_the_error_of_the_margin_is_that_of_the_difference() -> None:
    """Exact for batch means, because the probabilities of each batch sum to one."""
    batches = np.random.default_rng(4).dirichlet([2.0, 3.0, 4.0], size=32)
    errors = batches.std(axis=0, ddof=1) / math.sqrt(32)
    means = batches.mean(axis=0)
    verdict = verdicts(classes(tuple(means), tuple(errors)))["win", "none"]
    assert verdict.likeliest == "Strong"
    difference = batches[:, 2] - batches[:, 1]
    assert verdict.margin_error == pytest.approx(difference.std(ddof=1) / math.sqrt(32))


def test_every_scenario_has_all_classes_and_no_field_holds_a_sentence(tmp_path: Path) -> None:
    run = make_run(tmp_path, designs=DESIGNS[:2])
    headlines = run.headlines
    assert len({key_of(record) for record in headlines}) == len(headlines)
    by_scenario = verdicts(headlines)
    assert set(by_scenario) == {(war, design) for war in WARS for design in DESIGNS[:2]}
    with run.projection as tree:
        probability = tree["alliance"]["verdict_probability"].isel(quarter=7).load()
    for (war, design), verdict in by_scenario.items():
        stored = probability.sel(war=war, design=design)
        assert verdict.likeliest == str(stored["verdict"].values[int(stored.values.argmax())])
        for name, record in verdict.classes.items():
            assert record["value"] == pytest.approx(stored.sel(verdict=name).item(), abs=1e-5)
            assert record["baseline"] == pytest.approx(
                probability.sel(war="neutral", design="none", verdict=name).item(), abs=1e-5
            )
    words = {
        "target": {names.COHESION_VERDICT, names.EUROPEAN_SPENDING, names.MISSION_SURVIVAL},
        "horizon_role": {names.END_OF_RAMP, names.AFTER_FIVE_YEARS, names.END_OF_HORIZON},
        "statistic": {names.PROBABILITY, names.MEDIAN, names.MEAN},
        "category": {*names.VERDICTS, *names.CURVES, None},
        "baseline_name": {"reference_scenario", "random_walk", "kaplan_meier", None},
        "unit_id": {"alliance", "kfor", "willing"},
    }
    for record in headlines:
        assert set(record) == set(HEADLINE_FIELDS) > set(KEY)
        if record["target"] not in names.MAIN_TARGETS:
            continue
        for field, known in words.items():
            assert record[field] in known
