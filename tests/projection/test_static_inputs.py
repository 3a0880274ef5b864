"""Static inputs hold what tables, priors and plan say, in whatever order the plan lists it."""

from math import log
from typing import Any

import numpy as np
import pytest
from numba import typeof

from forecast.data.deployments import mission_spells, open_contingents
from forecast.data.leaders import leader_state
from forecast.models.kaplan_meier import framework_durations, kaplan_meier, share_after
from forecast.models.leadership import early_vote_rates
from forecast.projection.static_inputs import build_static_inputs
from forecast.quarters import quarter_clock
from forecast.random_streams import address
from forecast.simulation.arrays import StaticInputs
from forecast.simulation.records import NEVER
from forecast.workspace.plan import Plan
from forecast.workspace.resolve import build_roster
from forecast.workspace.roster import Roster
from tests.support import fake_posteriors as our
from tests.support.bundled_scenarios import WARS
from tests.support.random_kernel_inputs import tiny_layout


def build_both(plan: Plan) -> tuple[Roster, StaticInputs]:
    roster = build_roster(our.tables(), plan, our.priors())
    return roster, build_static_inputs(our.tables(), our.priors(), plan, roster)


@pytest.fixture(scope="module")
def whole() -> tuple[Roster, StaticInputs]:
    return build_both(our.smoke())


@pytest.fixture(scope="module")
def roster(whole: tuple[Roster, StaticInputs]) -> Roster:
    return whole[0]


@pytest.fixture(scope="module")
def layout(whole: tuple[Roster, StaticInputs]) -> StaticInputs:
    return whole[1]


def mission_index(roster: Roster, name: str) -> int:
    return [m.name for m in roster.missions].index(name)


def test_weights_of_a_mission_sum_to_one(roster: Roster, layout: StaticInputs) -> None:
    for s, mission in enumerate(roster.missions):
        weight = layout.contingents[s]["weight"]
        size = len(mission.contributors)
        assert weight[:size].sum() == pytest.approx(1.0, abs=1e-12)  # rounding
        assert np.all(weight[:size] > 0)
        assert np.all(weight[size:] == 0)
        assert layout.missions[s].contingents == size
    usa = roster.missions[mission_index(roster, "willing_combat")].contributors.index("USA")
    weight = layout.contingents[mission_index(roster, "willing_combat")]["weight"]
    assert weight[usa] == pytest.approx(6000 / 19150)


def test_running_missions_alone_have_a_curve(roster: Roster, layout: StaticInputs) -> None:
    assert layout.constants[0].kaplan_meier_weight == 0.5
    spells = mission_spells(our.tables(), our.priors())
    for s, mission in enumerate(roster.missions):
        hazards = layout.curve_hazards[:, s, : len(mission.contributors)]
        assert (layout.curve_hazards[:, s, len(mission.contributors) :] < 0.0).all()
        if mission.hypothetical:
            assert (hazards < 0.0).all()
            continue
        durations = framework_durations(spells, mission.framework)
        curve, years = kaplan_meier(durations), np.sort(durations["years"])
        present = open_contingents(our.tables(), mission.name)
        for c, entry in enumerate(quarter_clock(present["entry"])):
            served = (4 * 2026 - entry) / 4
            known = int((hazards[:, c] >= 0.0).sum())  # the first quarters, while five contributors stayed longer
            assert (hazards[known:, c] < 0.0).all()
            assert known == sum((years > served + (t + 1) / 4).sum() >= 5 for t in range(len(hazards)))
            left = share_after(curve, [served + known / 4]) / share_after(curve, [served]) if known else 1.0
            assert np.exp(-hazards[:known, c].sum()) == pytest.approx(left)
    assert (layout.curve_hazards[:, mission_index(roster, "minusca")] > 0.0).any()


def test_usual_politics_are_shares_since_1990(roster: Roster, layout: StaticInputs) -> None:
    usa = layout.countries[roster.countries.index("USA")]
    # six changes of president from 1993 to 2025, two quarters each, of 144; five quarters of 16 see a vote ahead
    assert usa.usual_change == pytest.approx(12 / 144)
    assert usa.usual_election == pytest.approx(45 / 144, abs=2 / 144)


def test_european_weights_sum_to_one(roster: Roster, layout: StaticInputs) -> None:
    weight = dict(zip(roster.members, layout.members["european"], strict=True))
    assert sum(weight.values()) == pytest.approx(1.0, abs=1e-12)  # rounding
    for outside in ("USA", "CAN", "TUR", "ISL"):
        assert weight[outside] == 0.0
    assert max(weight, key=weight.__getitem__) == "DEU"


def test_indices_point_to_the_right_country(roster: Roster, layout: StaticInputs) -> None:
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


def test_missions_have_start_end_lead_and_stake(roster: Roster, layout: StaticInputs) -> None:
    for s, mission in enumerate(roster.missions):
        record = layout.missions[s]
        assert record.start == mission.start
        assert record.end == (NEVER if mission.end is None else mission.end)
        assert record.stake == float(mission.framework == "nato" and not mission.hypothetical)
        lead = mission.contributors[record.lead] if record.lead >= 0 else None
        assert lead == (mission.lead if mission.lead in mission.contributors else None)
        assert record.ever == mission.ever
    assert layout.missions[mission_index(roster, "unifil")].end == 4
    assert layout.missions[mission_index(roster, "willing_combat")].lead >= 0
    assert layout.missions[mission_index(roster, "kfor")].lead == -1  # led by NATO, not by a state


def test_leader_clocks_come_from_the_tables(roster: Roster, layout: StaticInputs) -> None:
    leaders = leader_state(our.tables())
    for k, country in enumerate(roster.countries):
        assert layout.countries[k].in_office == leaders.loc[country, "quarters_in_office"]
        assert layout.countries[k].term == leaders.loc[country, "term_quarters"]
        assert layout.countries[k].next_election >= 0
    usa = layout.countries[roster.countries.index("USA")]
    assert usa.next_election == 11  # November 2028, from 2026Q1
    assert usa.term == 16
    assert usa.parliamentary == 0
    assert (usa.mandates, usa.term_limit, usa.fixed) == (2, 2, 1)
    france = layout.countries[roster.countries.index("FRA")]
    assert (france.mandates, france.term_limit) == (2, 2)
    germany = layout.countries[roster.countries.index("DEU")]
    assert (germany.mandates, germany.term_limit, germany.fixed) == (0, NEVER, 0)
    np.testing.assert_array_equal(layout.constants[0].early_vote, early_vote_rates(our.priors(), our.tables()))


def test_constants_come_from_the_priors(layout: StaticInputs) -> None:
    constants, priors = layout.constants[0], our.priors()
    assert constants.quarter_of_year == 0
    assert constants.onset == 0
    assert constants.collapse == 1
    assert constants.neutral_target == 1.0
    assert constants.floor == pytest.approx(log(0.2))
    assert constants.cap == pytest.approx(log(8.0))
    assert constants.front_mark == pytest.approx(log(5.0))
    phi = priors.value("alliance.factor_phi")
    stationary = constants.factor_innovation / np.sqrt(1 - phi**2)
    assert stationary == pytest.approx(priors.value("alliance.factor_sd"))
    # The pledge is 2 % in 2025 and 3.5 % in 2035, with a straight line between.
    np.testing.assert_allclose(np.exp(layout.pledge), np.linspace(2.15, 3.5, 10))


def test_announced_shares_are_those_of_the_plans_in_force(roster: Roster, layout: StaticInputs) -> None:
    announced = dict(zip(roster.members, np.exp(layout.announced), strict=True))
    assert layout.announced.shape == (len(roster.members), len(roster.years))
    np.testing.assert_allclose(announced["LTU"][:5], 5.0)  # 5 to 6 % from 2026 to 2030
    assert np.isnan(announced["LTU"][5:]).all()
    assert announced["DEU"][3] == pytest.approx(3.5)
    assert announced["DEU"][0] < announced["DEU"][1] < announced["DEU"][2] < 3.5
    for member in ("GRC", "TUR", "USA"):  # none, or over
        assert np.isnan(announced[member]).all()


@pytest.mark.parametrize(("onset", "expected"), [("2026Q1", 0), ("2027Q3", 6)])
def test_onset_and_mechanisms_come_from_the_plan(onset: str, expected: int) -> None:
    constants = build_both(our.plan_with(onset=onset, off=("collapse",), missions=("kfor",), ends={}))[1].constants[0]
    assert (constants.onset, constants.collapse) == (expected, 0)


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
    """The record of each thing, by its name and not by its position."""
    records: dict[str, Any] = {}
    for s, mission in enumerate(roster.missions):
        records[mission.name] = layout.missions[s].tolist()
        for c, country in enumerate(mission.contributors):
            contingent = layout.contingents[s, c]
            k = roster.countries[contingent.country] if contingent.country >= 0 else None
            records[f"{mission.name}/{country}"] = (contingent.id, k, contingent.served, contingent.weight)
    for kind, labels, rows in (
        ("member", roster.members, layout.members),
        ("country", roster.countries, layout.countries),
    ):
        records |= {f"{kind} {n}": rows[i].tolist() for i, n in enumerate(labels)}
    return records


def test_records_do_not_depend_on_the_order_of_a_plan(roster: Roster, layout: StaticInputs) -> None:
    plan = our.plan_with(
        missions=our.smoke().missions[::-1],
        hypothetical=our.smoke().hypothetical[::-1],
        war=WARS[::-1],
        design=our.smoke().design[::-1],
    )
    other, turned = build_both(plan)
    assert by_name(other, turned) == by_name(roster, layout)
    cells = [layout.cells[roster.cells.index(cell)].tobytes() for cell in other.cells]
    assert [cell.tobytes() for cell in turned.cells] == cells


def test_missions_do_not_depend_on_each_other(roster: Roster, layout: StaticInputs) -> None:
    few = by_name(*build_both(our.plan_with(missions=("minusca",), ends={}, hypothetical=())))
    whole = by_name(roster, layout)
    shared = [name for name in few if "/" in name or name == "minusca"]
    assert len(shared) > 10
    for name in shared:
        assert few[name] == whole[name]


def test_addresses_depend_on_names(roster: Roster, layout: StaticInputs) -> None:
    assert layout.members["id"].tolist() == [address(m) for m in roster.members]
    assert layout.countries["id"].tolist() == [address(c) for c in roster.countries]
    s = mission_index(roster, "kfor")
    first = roster.missions[s].contributors[0]
    assert layout.contingents[s, 0].id == address(f"kfor/{first}")


def test_one_compiled_kernel_serves_every_plan(whole: tuple[Roster, StaticInputs]) -> None:
    """Sizes are data: the arrays of a real and of a random plan have the same types."""
    assert typeof(whole[1]) == typeof(tiny_layout())
