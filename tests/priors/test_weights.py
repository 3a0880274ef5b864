"""Weights are read strictly, with the moments of the Dirichlet distributions that a file states."""

import datetime
from pathlib import Path

import numpy as np
import pytest

from forecast.errors import PriorError
from forecast.priors.releases import read_releases
from forecast.priors.weights import only, read_weights, require_scenarios, weight_rows
from tests.support.bundled_scenarios import DESIGNS, WARS
from tests.support.fake_posteriors import priors

PRIORS = Path(__file__).parents[2] / "priors"
WAR = """
[[weights]]
of = "war"
date = 2025-01-01
author = "a panel"
source = "a survey"
size = 20.0
probability = { win = 0.1, stalemate = 0.4, lose = 0.5 }
"""
DESIGN = """
[[weights]]
of = "design"
date = 2025-02-01
author = "a panel"
source = "another survey"
size = 6.0
probability = { none = 0.75, division_of_labour = 0.25 }
"""
GIVEN = WAR.replace("size", 'given = "division_of_labour"\nsize').replace(
    "{ win = 0.1, stalemate = 0.4, lose = 0.5 }", "{ win = 0.6, lose = 0.4 }"
)
TWO = ("none", "division_of_labour")


def written(folder: Path, text: str) -> Path:
    path = folder / "weights.toml"
    path.write_text(text)
    return path


def test_the_weights_of_the_package_sum_to_one() -> None:
    weights = read_weights(PRIORS / "weights.toml", WARS, DESIGNS)
    assert weights.mean.sum() == pytest.approx(1.0, abs=1e-15)
    assert weights.covariance.sum() == pytest.approx(0.0, abs=1e-15)
    assert all(entry.source and entry.author for entry in weights.entries)


@pytest.mark.parametrize("text", [WAR + DESIGN, WAR + DESIGN + GIVEN], ids=["independent", "wars given a design"])
def test_moments_are_those_of_sampled_dirichlet_weights(tmp_path: Path, text: str) -> None:
    weights = read_weights(written(tmp_path, text), WARS, TWO)
    rng = np.random.default_rng(7)
    size = 50_000
    wars = np.zeros((size, 4, 2))  # the columns are the designs
    wars[:, 1:, :] = rng.dirichlet([2.0, 10.0, 8.0], size)[..., None]  # win, lose, stalemate
    if text.endswith(GIVEN):
        wars[:, 1:, 1] = 0.0
        wars[:, 1:3, 1] = rng.dirichlet([12.0, 8.0], size)
    drawn = (wars * rng.dirichlet([4.5, 1.5], size)[:, None, :]).reshape(size, 8)
    assert weights.mean == pytest.approx(drawn.mean(axis=0), abs=0.004)
    assert weights.covariance == pytest.approx(np.cov(drawn.T), abs=1e-3)
    assert [row["sd"] for row in weight_rows(weights)] == pytest.approx(drawn.std(axis=0), abs=0.004)


def test_the_newest_judgement_of_the_day_counts(tmp_path: Path) -> None:
    newer = WAR.replace("2025-01-01", "2025-06-01").replace("win = 0.1, stalemate = 0.4", "win = 0.3, stalemate = 0.2")
    path = written(tmp_path, newer + WAR + DESIGN)
    assert read_weights(path, WARS, TWO).mean[2] == pytest.approx(0.3 * 0.75)
    earlier = read_weights(path, WARS, TWO, datetime.date(2025, 5, 31))
    assert earlier.mean[2] == pytest.approx(0.1 * 0.75)
    with pytest.raises(PriorError, match="no weights of designs dated 2025-01-31 or before"):
        read_weights(path, WARS, TWO, datetime.date(2025, 1, 31))


def test_one_scenario_has_all_weight_without_uncertainty() -> None:
    weights = only(WARS, TWO, "lose", "none")
    assert weights.mean.sum() == 1.0 and weights.mean[weights.scenarios.index(("lose", "none"))] == 1.0
    assert not weights.covariance.any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WAR.replace("lose = 0.5", "lose = 0.4") + DESIGN, r"probability sums to 0\.9, expected 1"),
        (WAR.replace("win = 0.1", "win = -0.1") + DESIGN, r"win is -0\.1, expected a probability from 0 to 1"),
        (WAR.replace("date = 2025-01-01\n", "") + DESIGN, "date is missing, expected a day"),
        (WAR.replace("2025-01-01", '"January"') + DESIGN, "date is 'January', expected a day"),
        (WAR.replace("2025-01-01", "2025-01-01T10:00:00") + DESIGN, "date is .*expected a day"),
        (WAR.replace('source = "a survey"\n', "") + DESIGN, "source is missing"),
        (WAR.replace('"a survey"', '" "') + DESIGN, "source is ' ', expected some text in one line"),
        (WAR.replace('author = "a panel"\n', "") + DESIGN, "author is missing"),
        (WAR.replace("20.0", "0.0") + DESIGN, "size is 0.0, expected how many observations"),
        (WAR.replace("size", "sized") + DESIGN, "unknown key 'weights #1.sized'.*did you mean|size is missing"),
        (WAR.replace('of = "war"', 'of = "wars"') + DESIGN, "of is 'wars', expected 'war' or 'design'"),
        (DESIGN, "no weights of wars given none, expected"),
        (WAR, "no weights of designs, expected"),
        (WAR + WAR + DESIGN, "two weights of war on 2025-01-01, expected one"),
        (GIVEN + GIVEN + WAR + DESIGN, "two weights of war given division_of_labour on"),
        (WAR + DESIGN.replace("size", 'given = "none"\nsize'), "given is set, expected only for of = 'war'"),
        (
            WAR + DESIGN.replace("none", "global_vs_china"),
            "global_vs_china has the probability 0.75, but the run has only 'none'",
        ),
        (WAR.replace("2025-01-01", "2199-01-01") + DESIGN, "date is 2199-01-01, which is to come, expected the day"),
        ("", "weights is missing"),
        ("weights = []", r"weights is \[\], expected"),
        ("[weights]\nof = 'war'", r"write \[\[weights\]\] with double brackets"),
        ("[[weights]", "not valid TOML"),
    ],
)
def test_faults_are_named_with_file_and_fix(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(PriorError, match=message) as caught:
        read_weights(path, WARS, TWO)
    assert str(path) in str(caught.value)


def test_the_check_compares_the_names_with_the_scenarios_of_the_workspace(tmp_path: Path) -> None:
    require_scenarios(PRIORS / "weights.toml", priors().grid)
    wrong = WAR.replace("stalemate", "stalmate") + GIVEN.replace('"division_of_labour"', '"division"') + DESIGN
    with pytest.raises(PriorError) as caught:
        require_scenarios(written(tmp_path, wrong), priors().grid)
    assert "names 'stalmate', expected one of neutral, win" in str(caught.value)
    assert "did you mean 'stalemate'?" in str(caught.value)
    assert "given names 'division', expected one of none" in str(caught.value)


def test_the_calendar_of_the_package_is_sourced_and_in_order() -> None:
    releases = read_releases(PRIORS / "releases.toml")
    assert [release.date for release in releases] == sorted(release.date for release in releases)
    assert all(release.source for release in releases)


RELEASE = """
[[releases]]
name = "Figures"
date = 2026-04-01
announced = true
source = "an office"
reveals = ["E(european_spending in 2026)"]
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RELEASE + RELEASE, "two releases are called 'Figures', expected one"),
        (RELEASE.replace("announced = true\n", ""), "announced is missing"),
        (RELEASE.replace("true", "1"), "announced is 1, expected true"),
        (RELEASE.replace("2026-04-01", '"spring"'), "date is 'spring', expected a day"),
        (RELEASE.replace('["E(european_spending in 2026)"]', "[]"), r"reveals is \[\], expected"),
        ("", "releases is missing"),
    ],
)
def test_faults_of_a_calendar_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "releases.toml"
    path.write_text(text)
    with pytest.raises(PriorError, match=message) as caught:
        read_releases(path)
    assert str(path) in str(caught.value)


def test_a_list_with_a_faulty_item_has_one_fault(tmp_path: Path) -> None:
    """A list whose only item is faulty is not also too short."""
    path = written(tmp_path, WAR.replace("lose = 0.5", "lose = 0.4"))
    with pytest.raises(PriorError) as caught:
        read_weights(path, WARS, TWO)
    assert str(caught.value) == f"{path}: weights #1: probability sums to 0.9, expected 1; correct the numbers"
