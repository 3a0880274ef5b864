"""Releases and tripwires of a real run: stored and simulated paths are the same, and answers state their support."""

import datetime
import json

import numpy as np
import pytest
import xarray as xr

from forecast.archive.headline_values import Kind, kinds_of, scenarios_of
from forecast.archive.information import information_rows, known_terms, value_of_information
from forecast.archive.query import sampled_paths
from forecast.archive.tripwires import beyond, crossing, find_tripwires, observables, paths_needed, tripwire_rows
from forecast.archive.weighted_paths import (
    Sampled,
    Used,
    parse_scenario,
    read_sampled,
    simulator,
    term_on_paths,
    used_scenarios,
)
from forecast.errors import RunError
from forecast.priors.releases import Release
from forecast.priors.weights import ScenarioWeights, only, read_weights
from forecast.projection.execution import Executor
from forecast.reporting.information_text import information_lines
from forecast.reporting.tripwire_text import condition, tripwire_lines
from forecast.storage.runs import Run
from tests.support.pipeline_run import quiet
from tests.support.scenario_weights import weights_file


def release(*reveals: str, day: str = "2026-03-01", announced: bool = True) -> Release:
    date = datetime.date.fromisoformat(day)
    return Release(name=f"Figures of {day}", date=date, announced=announced, source="an office", reveals=reveals)


CALENDAR = (
    release("E(european_spending in 2030)"),
    release("E(nominal[unifil] in 2026Q1)", "P(exited[USA, willing] by 2026Q4)", day="2026-04-01"),
    release("E(nominal[atlantis] in 2026Q1)", day="2026-05-01", announced=False),
)


@pytest.fixture(scope="module")
def joint(made_run: Run) -> xr.Dataset:
    return sampled_paths(made_run)


@pytest.fixture(scope="module")
def weights(made_run: Run, tmp_path_factory: pytest.TempPathFactory) -> ScenarioWeights:
    return read_weights(weights_file(tmp_path_factory.mktemp("weights")), *scenarios_of(made_run))


@pytest.fixture(scope="module")
def used(weights: ScenarioWeights) -> Used:
    return used_scenarios(weights)


@pytest.fixture(scope="module")
def kinds(made_run: Run) -> list[Kind]:
    return kinds_of(made_run.headlines)


@pytest.fixture(scope="module")
def simulated(made_run: Run, joint: xr.Dataset, used: Used, kinds: list[Kind]) -> Sampled:
    """Every term of the calendar and every observable on 800 simulated paths, in more than one part."""
    more = simulator(made_run.path.parent.parent, made_run, used, 800, quiet, Executor(1))
    return read_sampled(kinds, [*observables(joint), *known_terms(CALENDAR, joint)], joint, used, 32, more)


def test_the_first_simulated_paths_are_the_stored_ones(
    joint: xr.Dataset, used: Used, kinds: list[Kind], simulated: Sampled
) -> None:
    stored = read_sampled(kinds, list(simulated.terms), joint, used, 32)
    assert stored.paths == 32 and simulated.paths == 800
    assert np.array_equal(simulated.targets[:32], stored.targets)
    for text, values in simulated.terms.items():
        assert np.array_equal(values[:32], stored.terms[text]), text
    assert np.array_equal(simulated.draw[:64], np.tile(np.arange(32), 2))


def test_only_scenarios_with_weight_are_looked_at(made_run: Run, used: Used) -> None:
    assert used.wars == ("win", "lose", "stalemate") and used.designs == ("none", "division_of_labour")
    assert used.weights.sum() == pytest.approx(1.0)
    one = used_scenarios(only(*scenarios_of(made_run), "lose", "none"))
    assert (one.wars, one.designs, one.weights.tolist()) == (("lose",), ("none",), [1.0])


def test_releases_of_a_run(
    made_run: Run, joint: xr.Dataset, used: Used, kinds: list[Kind], weights: ScenarioWeights, simulated: Sampled
) -> None:
    with pytest.raises(RunError, match="32 sampled paths, expected at least 100; simulate more with --simulate"):
        value_of_information(CALENDAR, read_sampled(kinds, known_terms(CALENDAR, joint), joint, used, 32))
    found = value_of_information(CALENDAR, simulated)
    best = found[0].narrowings[0]
    assert best.kind.name == "european_spending 2030" and best.share > 0.9
    assert found[2].missing == ["E(nominal[atlantis] in 2026Q1)"] and not found[2].narrowings
    assert all(0.0 <= n.share <= 1.0 and n.error >= 0.0 for one in found for n in one.narrowings)
    rows = json.loads(json.dumps(information_rows(found), allow_nan=False))
    assert {"release", "date", "headline", "share", "error", "paths"} <= set(rows[0])
    text = "\n".join(lines := list(information_lines(made_run.id, found, weights, {"kfor": "Long name " * 9})))
    assert max(map(len, lines)) <= 80
    assert "the run does not have E(nominal[atlantis] in 2026Q1)" in text and "2026-05-01, expected" in text


def test_tripwires_of_a_run(
    made_run: Run, joint: xr.Dataset, kinds: list[Kind], weights: ScenarioWeights, simulated: Sampled
) -> None:
    terms = observables(joint)
    assert "E(european_spending in 2026)" in terms and "P(exited[USA, willing] by 2026Q4)" in terms
    assert "E(nominal[together] in 2026Q4)" in terms and not any("ISL" in text for text in terms if "spending" in text)
    first, fresh = (simulated.where((np.arange(800) < 400) == early) for early in (True, False))
    found = find_tripwires(first, 0.05)
    assert found
    for one in found:
        values = fresh.terms[f"{'P' if one.is_event else 'E'}({one.observable})"]
        again = crossing(fresh, beyond(values, one.threshold, above=one.above))
        assert again is not None
        assert abs(one.chance - again.chance) <= 4.0 * np.hypot(one.chance_error, again.chance_error)
        k = kinds.index(one.kind)
        assert abs(one.move - again.moves[k]) <= 4.0 * np.hypot(one.move_error, again.errors[k])
    rows = json.loads(json.dumps(tripwire_rows(found), allow_nan=False))
    assert all(row["chance_error"] > 0.0 and row["support"] > 0.0 for row in rows)
    needed = paths_needed(first, 0.05)
    assert list(needed) == kinds and all(paths > 0 for paths in needed.values())
    text = "\n".join(lines := list(tripwire_lines(made_run.id, found, needed, weights, 0.05, {"kfor": "Long " * 18})))
    assert max(map(len, lines)) <= 80
    assert all(condition(one) in text for one in found)
    assert f"{needed[kinds[0]]:,}" in "\n".join(tripwire_lines(made_run.id, [], needed, weights, 0.05))


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


def test_too_many_paths_are_refused(made_run: Run, used: Used) -> None:
    with pytest.raises(RunError, match="60,000 paths, expected at most 50,000"):
        simulator(made_run.path.parent.parent, made_run, used, 60_000, quiet, Executor(1))
