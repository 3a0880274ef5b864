"""Monte Carlo errors of replicates: against a nested model of known variances, against other seeds, and by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from forecast.progress import silent
from forecast.projection import monte_carlo_error
from forecast.projection.batches import SimulationSpec
from forecast.projection.execution import simulate_paths
from forecast.projection.monte_carlo_error import GROUPS, Error, Projected, joined, project
from forecast.simulation.tallies import Tally
from tests.support.projections import tell
from tests.support.random_kernel_inputs import spec, tiny_draws, tiny_layout

ROWS = 64
PATHS = 5 * ROWS  # five rounds of the draws


@pytest.fixture(scope="module")
def tiny() -> SimulationSpec:
    layout = tiny_layout()
    return spec(layout, tiny_draws(layout, rows=ROWS), 7)


def projected(tiny: SimulationSpec, paths: range = range(PATHS), **options: Any) -> Projected:
    return project(tiny, paths, tell, **{"threads": 1, "report": silent} | options)


@pytest.mark.parametrize("paths", [range(ROWS - 5), range(5 * ROWS), range(3 * ROWS, 6 * ROWS + 17)])
@pytest.mark.parametrize("chunk", [3, 1000])
def test_every_path_has_one_replicate_and_halves_share_their_draws(paths: range, chunk: int) -> None:
    keys, parts = monte_carlo_error._parts(paths, ROWS, chunk)
    assert sorted(np.concatenate(parts)) == list(paths)
    rows: dict[tuple[int, int], set[int]] = {}
    for key, part in zip(keys, parts, strict=True):
        assert 0 < len(part) <= chunk
        assert (np.diff(part) > 0).all()
        rows.setdefault(key, set()).update((part % ROWS).tolist())
    assert all(row % GROUPS == group for (group, _), mine in rows.items() for row in mine)
    assert {half for _, half in rows} == ({0, 1} if len(paths) >= 2 * ROWS else {0})
    for group in range(GROUPS):
        if len(paths) >= 2 * ROWS:
            assert rows[group, 0] == rows[group, 1]


def test_replicates_give_the_tally_and_the_whole_paths_of_the_plain_projection(
    tiny: SimulationSpec,
) -> None:
    found = projected(tiny)
    tally, joint = simulate_paths(tiny, PATHS, threads=1, report=silent)
    for name in Tally._fields:
        np.testing.assert_array_equal(getattr(found.tally, name), getattr(tally, name))
    for one, other in zip(found.joint, joint, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("options", [{"threads": 2}, {"threads": 3, "chunk": 2}, {"chunk": 1}])
def test_errors_do_not_depend_on_threads_or_parts(tiny: SimulationSpec, options: dict[str, int]) -> None:
    few = range(3 * ROWS)
    one, other = projected(tiny, few), projected(tiny, few, **options)
    for name in one.errors:
        np.testing.assert_array_equal(one.errors[name].whole, other.errors[name].whole)
        np.testing.assert_array_equal(one.errors[name].paths, other.errors[name].paths)


def test_errors_are_those_of_the_equation(tiny: SimulationSpec) -> None:
    """From the whole paths, group by group, the variances by hand."""
    found = projected(tiny).errors["cohesion"]
    numbers = np.arange(PATHS)
    means, apart = [], []
    _, joint = simulate_paths(replace(tiny, joint_paths=PATHS), PATHS, threads=1, report=silent)
    for group in range(GROUPS):
        mine = numbers[numbers % ROWS % GROUPS == group]
        values = joint.cohesion[mine].astype(float)
        means.append(values.mean(0))
        halves = [values[mine // ROWS % 2 == half] for half in (0, 1)]
        share = len(halves[0]) * len(halves[1]) / len(mine) ** 2
        apart.append(share * (halves[0].mean(0) - halves[1].mean(0)) ** 2)
    # float32 keeps seven digits of whole paths.
    np.testing.assert_allclose(found.whole, np.var(means, axis=0, ddof=1) / GROUPS, rtol=1e-4)
    np.testing.assert_allclose(found.paths, np.mean(apart, axis=0) / GROUPS, rtol=1e-4)


def nested(rng: np.random.Generator, draws_sd: float, paths_sd: float, rounds: int) -> Error:
    """The error of the mean of a nested model: a mean for each draw, noise for each path."""
    centre = rng.normal(0.0, draws_sd, ROWS)
    values = centre[:, None] + rng.normal(0.0, paths_sd, (ROWS, rounds))
    spread = monte_carlo_error._Spread()
    for group in range(GROUPS):
        halves = [values[group::GROUPS, half::2] for half in range(min(2, rounds))]
        spread.add([(half.size, {"x": np.atleast_1d(half.mean())}) for half in halves])
    return spread.errors()["x"]


@pytest.mark.parametrize(("draws_sd", "paths_sd"), [(1.0, 0.5), (0.3, 2.0), (0.0, 1.0)])
@pytest.mark.parametrize("rounds", [2, 5])
def test_a_nested_model_of_known_variances_is_found_again(draws_sd: float, paths_sd: float, rounds: int) -> None:
    rng = np.random.default_rng(3)
    found = [nested(rng, draws_sd, paths_sd, rounds) for _ in range(400)]
    of_paths = paths_sd**2 / (ROWS * rounds)
    whole = draws_sd**2 / ROWS + of_paths
    # A variance of 31 degrees of freedom, four hundred times: a hundredth, and four of them.
    assert np.mean([e.whole for e in found]) == pytest.approx(whole, rel=0.06)
    assert np.mean([e.paths for e in found]) == pytest.approx(of_paths, rel=0.06)


def test_the_part_of_the_paths_is_how_much_other_seeds_differ(tiny: SimulationSpec) -> None:
    """The same draws under thirty other seeds: the sum of their variances is the sum of what each has told."""
    seen = [projected(replace(tiny, seed=seed)) for seed in range(30)]
    for name in ("verdict", "cohesion", "median"):
        told = np.mean([run.errors[name].paths for run in seen], axis=0)
        true = np.var([tell(run.tally)[name] for run in seen], axis=0, ddof=1)
        # Sums over some fifty numbers, known to a fifth each and related; a median of ten paths of a half wanders more.
        assert told.sum() == pytest.approx(true.sum(), rel=0.4 if name == "median" else 0.2)


def test_more_paths_are_joined_as_if_lived_at_once(tiny: SimulationSpec) -> None:
    once = projected(tiny)
    first = projected(tiny, range(2 * ROWS))
    second = projected(replace(tiny, joint_paths=0), range(2 * ROWS, PATHS))
    both = joined(first, second)
    assert both.paths == PATHS
    for name in Tally._fields:
        np.testing.assert_array_equal(getattr(both.tally, name), getattr(once.tally, name))
    assert both.joint is first.joint
    for name in ("verdict", "cohesion"):
        # Two estimates of the same variances from the same paths: sums over some fifty numbers.
        assert both.errors[name].paths.sum() == pytest.approx(once.errors[name].paths.sum(), rel=0.3)
        assert both.errors[name].whole.sum() == pytest.approx(once.errors[name].whole.sum(), rel=0.3)


def test_a_first_round_that_cannot_tell_the_parts_takes_chance_from_the_rest(tiny: SimulationSpec) -> None:
    first, rest = projected(tiny, range(ROWS)), projected(tiny, range(ROWS, PATHS))
    error, later = joined(first, rest).errors["cohesion"], rest.errors["cohesion"]
    np.testing.assert_allclose(error.paths, later.paths * 4 / 5, rtol=1e-9)  # 1 / 5 more paths
    assert np.isfinite(error.total).all()
    assert np.isfinite(error.draws).all()


def test_too_few_paths_tell_the_whole_error_alone(tiny: SimulationSpec) -> None:
    error = projected(tiny, range(ROWS)).errors["cohesion"]
    assert (error.total > 0.0).all()
    assert np.isnan(error.draws).all()


def test_an_error_has_two_parts_that_add_up_in_squares() -> None:
    error = Error(whole=np.array([4.0, 1.0]), paths=np.array([3.0, 2.0]))
    assert error.total.tolist() == [2.0, 1.0]
    assert error.draws.tolist() == [1.0, 0.0]  # chance may say more than all


def test_what_a_replicate_cannot_tell_has_no_error() -> None:
    spread = monte_carlo_error._Spread()
    for group in range(GROUPS):
        value = np.array([1.0, np.nan]) if group else np.array([np.nan, np.nan])
        spread.add([(1, {"x": value})])
    assert np.isnan(spread.errors()["x"].total).all()


def test_progress_is_told_over_all_replicates(tiny: SimulationSpec) -> None:
    told: list[float] = []
    projected(tiny, report=lambda what, part: told.append(part) if what == "projecting" else None)
    assert told == sorted(told) and told[-1] == 1.0
    assert len(told) >= GROUPS


def test_an_estimate_that_fails_is_heard_and_stops_the_others(tiny: SimulationSpec) -> None:
    heard: list[int] = []

    def fails(tally: Tally) -> dict[str, np.ndarray]:
        heard.append(int(tally.paths[0]))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        project(tiny, range(ROWS), fails, threads=2, report=silent)
    assert heard == [ROWS // GROUPS]
