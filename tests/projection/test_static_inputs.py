"""The arrays of the core say what tables, beliefs and plan say, wherever a thing stands in the plan."""

from math import log
from typing import Any

import numpy as np
import pytest
from numba import typeof

from forecast.data.leaders import leader_state
from forecast.projection.static_inputs import build_static_inputs
from forecast.random_streams import address
from forecast.simulation.arrays import StaticInputs
from forecast.simulation.records import NEVER
from forecast.workspace.plan import Plan
from forecast.workspace.resolve import build_roster
from forecast.workspace.roster import Roster
from tests.support import fake_posteriors as our
from tests.support.random_kernel_inputs import tiny_layout


def both(plan: Plan) -> tuple[Roster, StaticInputs]:
    roster = build_roster(our.tables(), plan, our.priors())
    return roster, build_static_inputs(our.tables(), our.priors(), plan, roster)


@pytest.fixture(scope="module")
def whole() -> tuple[Roster, StaticInputs]:
    return both(our.smoke())


@pytest.fixture(scope="module")
def roster(whole: tuple[Roster, StaticInputs]) -> Roster:
    return whole[0]


@pytest.fixture(scope="module")
def layout(whole: tuple[Roster, StaticInputs]) -> StaticInputs:
    return whole[1]


def at(roster: Roster, name: str) -> int:
    return [m.name for m in roster.missions].index(name)


def test_weights_of_a_mission_sum_to_one(roster: Roster, layout: StaticInputs) -> None:
    for s, mission in enumerate(roster.missions):
        weight = layout.contingents[s]["weight"]
        size = len(mission.contributors)
        assert weight[:size].sum() == pytest.approx(1.0, abs=1e-12)  # rounding
        assert np.all(weight[:size] > 0)
        assert np.all(weight[size:] == 0)
        assert layout.missions[s].contingents == size
    usa = roster.missions[at(roster, "willing_combat")].contributors.index("USA")
    weight = layout.contingents[at(roster, "willing_combat")]["weight"]
    assert weight[usa] == pytest.approx(6000 / 19150)


def test_european_weights_sum_to_one(roster: Roster, layout: StaticInputs) -> None:
    weight = dict(zip(roster.members, layout.members["european"], strict=True))
    assert sum(weight.values()) == pytest.approx(1.0, abs=1e-12)  # rounding
    for outside in ("USA", "CAN", "TUR", "ISL"):
        assert weight[outside] == 0.0
    assert max(weight, key=weight.__getitem__) == "DEU"


def test_indices_point_at_the_right_country(roster: Roster, layout: StaticInputs) -> None:
    for m, member in enumerate(roster.members):
        k = layout.members[m].country
        assert (k == -1) == (member not in roster.countries)
        assert k == -1 or roster.countries[k] == member
    for s, mission in enumerate(roster.missions):
        for c, country in enumerate(mission.contributors):
            k = layout.contingents[s, c].country
            assert (roster.countries[k] if k >= 0 else None) == (country if country in roster.countries else None)
            assert layout.contingents[s, c].served == mission.served[c]
    assert roster.countries[layout.constants[0].usa] == "USA"


def test_missions_carry_start_end_lead_and_stake(roster: Roster, layout: StaticInputs) -> None:
    for s, mission in enumerate(roster.missions):
        found = layout.missions[s]
        assert found.start == mission.start
        assert found.end == (NEVER if mission.end is None else mission.end)
        assert found.stake == float(mission.framework == "nato" and not mission.hypothetical)
        lead = mission.contributors[found.lead] if found.lead >= 0 else None
        assert lead == (mission.lead if mission.lead in mission.contributors else None)
        assert found.ever == mission.ever
    assert layout.missions[at(roster, "unifil")].end == 4
    assert layout.missions[at(roster, "willing_combat")].lead >= 0
    assert layout.missions[at(roster, "kfor")].lead == -1  # led by NATO, not by a state


def test_clocks_of_leaders_are_those_of_the_tables(roster: Roster, layout: StaticInputs) -> None:
    known = leader_state(our.tables())
    for k, country in enumerate(roster.countries):
        assert layout.countries[k].in_office == known.loc[country, "quarters_in_office"]
        assert layout.countries[k].term == known.loc[country, "term_quarters"]
        assert layout.countries[k].next_election >= 0
    usa = layout.countries[roster.countries.index("USA")]
    assert usa.next_election == 11  # November 2028, from 2026Q1
    assert usa.term == 16
    assert usa.parliamentary == 0
    assert layout.constants[0].usa_limited == 1


def test_constants_are_the_beliefs(layout: StaticInputs) -> None:
    one, priors = layout.constants[0], our.priors()
    assert one.quarter_of_year == 0
    assert one.onset == 0
    assert one.collapse == 1
    assert one.neutral_target == 1.0
    assert one.floor == pytest.approx(log(0.2))
    assert one.cap == pytest.approx(log(8.0))
    assert one.front_mark == pytest.approx(log(5.0))
    phi = priors.value("alliance.factor_phi")
    stationary = one.factor_innovation / np.sqrt(1 - phi**2)
    assert stationary == pytest.approx(priors.value("alliance.factor_sd"))
    # pledge: 2 % in 2025, 3.5 % in 2035, a straight line between
    np.testing.assert_allclose(np.exp(layout.pledge), np.linspace(2.15, 3.5, 10))


@pytest.mark.parametrize(("onset", "expected"), [("2026Q1", 0), ("2027Q3", 6)])
def test_onset_and_what_is_switched_off_come_from_the_plan(onset: str, expected: int) -> None:
    one = both(our.plan_with(onset=onset, off=("collapse",), missions=("kfor",), ends={}))[1].constants[0]
    assert (one.onset, one.collapse) == (expected, 0)


def test_cells_are_war_times_design(roster: Roster, layout: StaticInputs) -> None:
    grid = our.priors().grid
    assert len(layout.cells) == len(roster.cells) == 20
    for cell, (war, design) in zip(layout.cells, roster.cells, strict=True):
        assert cell.threat_target == grid.wars[war].threat_target.value
        assert cell.war_ramp == grid.wars[war].ramp
        assert cell.design_ramp == grid.designs[design].ramp
        assert cell.credibility == (1.0 if design == "division_of_labour" else 0.0)
        fades = [0, 0, 0, 12] if design == "division_of_labour" else [0] * 4
        assert cell.half_life.tolist() == fades


def by_name(roster: Roster, layout: StaticInputs) -> dict[str, Any]:
    """What the core is told of each thing, by its name and not by its place."""
    found: dict[str, Any] = {}
    for s, mission in enumerate(roster.missions):
        found[mission.name] = layout.missions[s].tolist()
        for c, country in enumerate(mission.contributors):
            one = layout.contingents[s, c]
            k = roster.countries[one.country] if one.country >= 0 else None
            found[f"{mission.name}/{country}"] = (one.id, k, one.served, one.weight)
    for kind, labels, rows in (
        ("member", roster.members, layout.members),
        ("country", roster.countries, layout.countries),
    ):
        found |= {f"{kind} {n}": rows[i].tolist() for i, n in enumerate(labels)}
    return found


def test_the_order_of_a_plan_moves_nothing(roster: Roster, layout: StaticInputs) -> None:
    plan = our.plan_with(
        missions=our.smoke().missions[::-1],
        hypothetical=our.smoke().hypothetical[::-1],
        war=our.smoke().war[::-1],
        design=our.smoke().design[::-1],
    )
    other, turned = both(plan)
    assert by_name(other, turned) == by_name(roster, layout)
    cells = [layout.cells[roster.cells.index(cell)].tobytes() for cell in other.cells]
    assert [cell.tobytes() for cell in turned.cells] == cells


def test_fewer_missions_leave_the_others_as_they_were(roster: Roster, layout: StaticInputs) -> None:
    few = by_name(*both(our.plan_with(missions=("minusca",), ends={}, hypothetical=())))
    whole = by_name(roster, layout)
    same = [name for name in few if "/" in name or name == "minusca"]
    assert len(same) > 10
    for name in same:
        assert few[name] == whole[name]


def test_addresses_are_those_of_the_names(roster: Roster, layout: StaticInputs) -> None:
    assert layout.members["id"].tolist() == [address(m) for m in roster.members]
    assert layout.countries["id"].tolist() == [address(c) for c in roster.countries]
    s = at(roster, "kfor")
    first = roster.missions[s].contributors[0]
    assert layout.contingents[s, 0].id == address(f"kfor/{first}")


def test_one_compiled_kernel_serves_every_plan(whole: tuple[Roster, StaticInputs]) -> None:
    """Sizes are data: the arrays of a real plan and of an invented world have the same types."""
    assert typeof(whole[1]) == typeof(tiny_layout())
