"""Scenarios are whatever a workspace names: an added one changes no other, and grids of any size are simulated."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from forecast.errors import PlanError
from forecast.priors.load import Priors
from forecast.progress import silent
from forecast.projection.batches import SimulationSpec
from forecast.projection.execution import Executor, simulate_paths
from forecast.projection.parameter_draws.assemble import assemble_draws
from forecast.projection.static_inputs import build_static_inputs
from forecast.simulation.tallies import Tally
from forecast.workspace.resolve import build_roster
from forecast.workspace.roster import Roster
from tests.support import fake_posteriors as our
from tests.support.bundled_scenarios import DESIGNS, WARS
from tests.support.random_kernel_inputs import enough

DRAWS, QUARTERS = 32, 12


def priors_with(**wars: str) -> Priors:
    """The bundled priors with further wars, each a copy of a bundled one."""
    grid = our.priors().grid
    added = {name: replace(grid.wars[of], name=name, label=name) for name, of in wars.items()}
    return replace(our.priors(), grid=replace(grid, wars={**grid.wars, **added}))


@cache
def simulated(**wars: str) -> tuple[Roster, Tally]:
    """The smoke plan with further wars, as far as two designs and three years."""
    priors = priors_with(**wars)
    plan = our.plan_with(
        design=["none", "division_of_labour"], quarters=QUARTERS, draws=DRAWS, paths=64, joint_paths=32
    )
    roster = build_roster(our.tables(), plan, priors)
    samples = our.all_samples(roster.countries, size=DRAWS)
    draws = assemble_draws(samples, our.panel(), priors, roster, plan.seed)
    spec = SimulationSpec(
        static=build_static_inputs(our.tables(), priors, plan, roster),
        draws=draws,
        quarters=QUARTERS,
        joint_paths=32,
        seed=plan.seed,
    )
    return roster, simulate_paths(spec, enough(64, 2), Executor(1), silent)[0]


def cells_of(roster: Roster, tally: Tally, wars: list[str]) -> dict[str, np.ndarray]:
    """Every tally with an axis of cells, of the cells of some wars."""
    keep = [n for n, (war, _) in enumerate(roster.cells) if war in wars]
    fields = {name: getattr(tally, name) for name in Tally._fields}
    return {
        name: values[keep]
        for name, values in fields.items()
        if isinstance(values, np.ndarray) and values.ndim and values.shape[0] == len(roster.cells)
    }


def assert_equal(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> None:
    assert len(first) > 10 and set(first) == set(second)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


def test_a_copied_war_has_exactly_the_numbers_of_the_war_it_copies() -> None:
    roster, tally = simulated(ceasefire="stalemate", truce="win")
    assert roster.wars == (*WARS, "ceasefire", "truce")
    assert_equal(cells_of(roster, tally, ["ceasefire"]), cells_of(roster, tally, ["stalemate"]))


def test_an_added_war_changes_no_other_scenario() -> None:
    added = simulated(ceasefire="stalemate", truce="win")
    assert_equal(cells_of(*added, list(WARS)), cells_of(*simulated(), list(WARS)))


def test_a_plan_chooses_among_the_scenarios_of_the_workspace_in_their_order() -> None:
    plan = our.plan_with(war=["ceasefire", "win"], design=["division_of_labour", "none"])
    roster = build_roster(our.tables(), plan, priors_with(ceasefire="stalemate"))
    assert roster.cells == [(w, d) for w in ("win", "ceasefire") for d in ("none", "division_of_labour")]
    assert roster.reference == ("neutral", "none")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"war": ["ceasfire"]}, "war names 'ceasfire', expected one of neutral, win, lose, stalemate, ceasefire, the "),
        ({"war": ["draw"]}, "the tables of priors/scenarios/war.toml; correct the name, or add [draw] there"),
        ({"design": ["nothing"]}, "design names 'nothing', expected one of none, business_as_usual"),
    ],
)
def test_an_unknown_scenario_is_refused_with_those_that_exist_and_their_file(changes, message) -> None:
    with pytest.raises(PlanError) as caught:
        build_roster(our.tables(), our.plan_with(**changes), priors_with(ceasefire="stalemate"), "mine.toml")
    assert f"mine.toml: {next(iter(changes))} names" in str(caught.value) and message in str(caught.value)


def test_a_mission_and_a_scenario_have_different_names() -> None:
    with pytest.raises(PlanError, match="kfor: is the name of a scenario too, expected one of its own; rename"):
        build_roster(our.tables(), our.smoke(), priors_with(kfor="win"))


def test_a_run_has_at_most_a_hundred_scenarios() -> None:
    many = priors_with(**{f"war_{n}": "win" for n in range(16)})
    assert len(build_roster(our.tables(), our.smoke(), many).cells) == 100
    with pytest.raises(PlanError, match="war and design: 21 × 5 = 105 scenarios, expected at most 100; name fewer"):
        build_roster(our.tables(), our.smoke(), priors_with(**{f"war_{n}": "win" for n in range(17)}))
    assert len(DESIGNS) == 5
