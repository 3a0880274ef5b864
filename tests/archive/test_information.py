"""The value of information is that of the linear Gaussian model, where it has a closed form."""

import datetime
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.archive.headline_values import kinds_of, scenarios_of
from forecast.archive.information import (
    coming,
    explained_shares,
    information_rows,
    known_terms,
    value_of_information,
)
from forecast.archive.query import sampled_paths
from forecast.archive.weighted_paths import (
    parse_scenario,
    read_sampled,
    simulator,
    term_on_paths,
    used_scenarios,
)
from forecast.errors import RunError
from forecast.priors.releases import Release
from forecast.priors.weights import only, read_weights
from forecast.projection.execution import Executor
from forecast.reporting.information_text import information_lines
from forecast.storage.runs import Run
from tests.support.pipeline_run import quiet
from tests.support.scenario_weights import sampled, weights_file

ONE = np.ones(1)


def release(*reveals: str, day: str = "2026-03-01", announced: bool = True) -> Release:
    return Release(
        name=f"Figures of {day}",
        date=datetime.date.fromisoformat(day),
        announced=announced,
        source="an office",
        reveals=reveals,
    )


@pytest.fixture(scope="module")
def joint(made_run: Run) -> xr.Dataset:
    return sampled_paths(made_run)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 1.0])
def test_linear_gaussian_case_has_the_closed_form(share: float) -> None:
    """y = a x + e has var(E[y | x]) / var(y) = a^2 / (a^2 + sd^2); two quantities add up."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4000, 1, 2))
    e = rng.normal(size=(4000, 1))
    y = np.sqrt(share * 0.75) * x[..., 0] - np.sqrt(share * 0.25) * x[..., 1] + np.sqrt(1.0 - share) * e
    found, error = explained_shares(x, y[..., None], ONE, np.arange(4000))
    assert found.item() == pytest.approx(share, abs=4.0 * error.item() + 0.006)  # cut at three standard deviations


def test_errors_cover_the_closed_form() -> None:
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x, e = rng.normal(size=(2, 400, 1))
        found, error = explained_shares(x[..., None], (0.6 * x + 0.8 * e)[..., None], ONE, np.arange(400))
        covered += abs(found.item() - 0.36) <= 1.96 * error.item()
    assert 89 <= covered <= 99


def test_draws_that_serve_several_paths_are_no_new_evidence() -> None:
    """Copies of the same paths change neither the share nor its error, and leave the folds apart."""
    rng = np.random.default_rng(4)
    x, e = rng.normal(size=(2, 300, 1))
    y = x + e
    once = explained_shares(x[..., None], y[..., None], ONE, np.arange(300))
    thrice = explained_shares(*(np.tile(v, (3, 1))[..., None] for v in (x, y)), ONE, np.tile(np.arange(300), 3))
    assert thrice[0] == pytest.approx(once[0], rel=1e-6) and thrice[1] == pytest.approx(once[1], rel=1e-6)


def test_an_event_and_a_scenario_can_be_revealed() -> None:
    """In a mixture, knowing which of two scenarios came true removes the variance between them."""
    rng = np.random.default_rng(6)
    which = np.tile([0.0, 1.0], (500, 1))
    y = 2.0 * which + rng.normal(size=(500, 2))
    found, error = explained_shares(which[..., None], y[..., None], np.array([0.5, 0.5]), np.arange(500))
    assert found.item() == pytest.approx(0.5, abs=4.0 * error.item())


def test_a_headline_without_variance_is_left_out() -> None:
    x = np.random.default_rng(1).normal(size=200)
    (found,) = value_of_information([release("E(x in 2026)")], sampled(np.ones(200), {"E(x in 2026)": x}))
    assert found.narrowings == []


def test_releases_of_a_run(made_run: Run, joint: xr.Dataset, tmp_path: Path) -> None:
    weights = read_weights(weights_file(tmp_path), *scenarios_of(made_run))
    used, kinds = used_scenarios(weights), kinds_of(made_run.headlines)
    calendar = [
        release("E(european_spending in 2030)"),
        release("E(nominal[unifil] in 2026Q1)", "P(exited[USA, willing] by 2026Q4)", day="2026-04-01"),
        release("E(nominal[atlantis] in 2026Q1)", day="2026-05-01", announced=False),
    ]
    terms = known_terms(calendar, joint)
    assert terms == [*calendar[0].reveals, *calendar[1].reveals]
    with pytest.raises(RunError, match="32 sampled paths, expected at least 100; simulate more with --simulate"):
        value_of_information(calendar, read_sampled(kinds, terms, joint, used, 32))
    more = simulator(made_run.path.parent.parent, made_run, used, 128, quiet, Executor(1))
    values = read_sampled(kinds, terms, joint, used, 32, more)
    stored = read_sampled(kinds, terms, joint, used, 32)
    assert np.array_equal(values.targets[:32], stored.targets), "the first simulated paths are the stored ones"
    for text in terms:
        assert np.array_equal(values.terms[text][:32], stored.terms[text])
    found = value_of_information(calendar, values)
    best = found[0].narrowings[0]
    assert best.kind.name == "european_spending 2030" and best.share > 0.9
    assert found[2].missing == ["E(nominal[atlantis] in 2026Q1)"] and not found[2].narrowings
    assert all(0.0 <= n.share <= 1.0 and n.error >= 0.0 for one in found for n in one.narrowings)
    rows = json.loads(json.dumps(information_rows(found), allow_nan=False))
    assert {"release", "date", "headline", "share", "error", "paths"} <= set(rows[0])
    text = "\n".join(information_lines(made_run.id, found, weights))
    assert "the run does not have E(nominal[atlantis] in 2026Q1)" in text and "2026-05-01, expected" in text
    assert "no headline is narrowed" in text or "willing" in text


def test_past_releases_are_left_out() -> None:
    early, late = release("E(x in 2026)", day="2026-01-31"), release("E(x in 2026)", day="2026-06-01")
    assert coming([early, late], "2025-12-31") == [early, late]
    assert coming([early, late], "2026-01-31") == [late]
    with pytest.raises(RunError, match="the last release of the calendar is on 2026-06-01, expected one after"):
        coming([early, late], "2026-06-01")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Q(0.5, cohesion in 2027)", "expected E\\(value\\) or P\\(event\\) alone"),
        ("E(cohesion in 2027, war=win)", "expected E\\(value\\) or P\\(event\\) alone"),
        ("E(cohesion in 2027 | crisis by 2027)", "alone"),
        ("E(cohesion in 2027) - E(cohesion in 2028)", "alone"),
        ("cohesion in 2027", "at character 1"),
    ],
)
def test_terms_that_are_none_are_refused(joint: xr.Dataset, text: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        term_on_paths(text, joint)
    if "character" in message:
        with pytest.raises(RunError, match=message):
            known_terms([release(text)], joint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("war=peace, design=none", "war is 'peace', expected one of win, lose"),
        ("war=los, design=none", "did you mean 'lose'"),
        ("war=win", "design is '', expected one of none"),
        ("war=win, design=none, day=3", "'day' is unknown"),
    ],
)
def test_scenarios_that_are_none_are_refused(text: str, message: str) -> None:
    assert parse_scenario("design=none,war=win", ["win", "lose"], ["none"]) == ("win", "none")
    with pytest.raises(RunError, match=message):
        parse_scenario(text, ["win", "lose"], ["none"])


def test_too_many_paths_are_refused(made_run: Run) -> None:
    used = used_scenarios(only(*scenarios_of(made_run), "win", "none"))
    with pytest.raises(RunError, match="60,000 paths, expected at most 50,000"):
        simulator(made_run.path.parent.parent, made_run, used, 60_000, quiet, Executor(1))
