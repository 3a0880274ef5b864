"""Who and what is projected: named faults, a calendar, and addresses that depend on names alone."""

import dataclasses
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.tables import known_at
from forecast.errors import PlanError
from forecast.names import DESIGNS, WARS
from forecast.quarters import quarter_number
from forecast.random_streams import address
from forecast.workspace.resolve import build_roster
from forecast.workspace.roster import Mission, Roster, calendar
from tests.support import fake_posteriors as our

COALITION = our.smoke().hypothetical[0].model_dump()


@pytest.fixture(scope="module")
def roster() -> Roster:
    return build_roster(our.tables(), our.smoke())


def mission(roster: Roster, name: str) -> Mission:
    return next(m for m in roster.missions if m.name == name)


def refusal(**changes: Any) -> str:
    with pytest.raises(PlanError) as caught:
        build_roster(our.tables(), our.plan_with(**changes))
    return str(caught.value)


def test_the_labels_of_all_axes(roster: Roster) -> None:
    assert len(roster.members) == 32
    assert list(roster.members) == sorted(roster.members)
    assert {"USA", "FIN", "SWE", "ISL"} < set(roster.members)
    assert roster.wars == WARS
    assert roster.designs == DESIGNS
    assert roster.cells == [(w, d) for w in WARS for d in DESIGNS]
    assert [m.name for m in roster.missions] == [
        *our.smoke().missions,
        *(h.name for h in our.smoke().hypothetical),
    ]
    assert list(roster.contributors) == sorted(set(roster.contributors))
    partners = {dyad.partner for dyad in roster.dyads}
    assert partners == {"JPN", "KOR"} < set(roster.countries)
    assert set(roster.countries) - set(roster.members) <= {*roster.contributors, *partners}


def test_the_calendar_counts_years_whose_last_quarter_is_projected() -> None:
    for day, quarters, first, of_year, years in (
        (date(2025, 12, 31), 40, "2026Q1", 0, range(2026, 2036)),
        (date(2024, 6, 30), 8, "2024Q3", 2, range(2024, 2026)),
        (date(2024, 9, 30), 10, "2024Q4", 3, range(2024, 2027)),
    ):
        plan = our.plan_with(as_of=day, quarters=quarters, onset=None, hypothetical=())
        labels, found, start = calendar(plan)
        assert (labels[0], len(labels), start) == (first, quarters, of_year)
        assert found == tuple(years)
        numbers = [quarter_number(label) for label in labels]
        assert numbers == list(range(numbers[0], numbers[0] + quarters))


@given(st.text(), st.text())
def test_an_address_is_32_bits_of_the_name_alone(one: str, other: str) -> None:
    assert 0 <= address(one) < 2**32
    assert address(one) == address(str(one))
    if one != other and len(one) < 4 and one.isascii() and other.isascii() and len(other) < 4:
        assert address(one) != address(other)  # a CRC of 32 bits tells apart all of up to 4 bytes


def test_no_two_names_of_a_plan_share_an_address(roster: Roster) -> None:
    names = [*roster.countries, *roster.members]
    names += [f"{m.name}/{c}" for m in roster.missions for c in m.contributors]
    assert len({address(name) for name in names}) == len(set(names))


def test_an_end_is_counted_from_the_first_quarter(roster: Roster) -> None:
    assert mission(roster, "unifil").end == 4  # 2027Q1 from 2026Q1
    assert mission(roster, "kfor").end is None
    assert mission(roster, "nato_combat").start == 2
    told = refusal(ends={"unifil": "2026Q1"})
    assert "unifil: ends in 2026Q1, expected after 2026Q1" in told


@pytest.mark.parametrize("start", ["2025Q4", "2036Q1"])
def test_a_start_outside_the_horizon_is_refused(start: str) -> None:
    told = refusal(hypothetical=[COALITION | {"start": start}])
    assert f"hypothetical willing_combat: start is {start}, expected 2026Q1 or one of the 40" in told


def test_the_last_quarter_may_be_a_start() -> None:
    plan = our.plan_with(hypothetical=[COALITION | {"start": "2035Q4"}])
    assert build_roster(our.tables(), plan).missions[-1].start == 39


def test_all_that_is_wrong_is_named_at_once() -> None:
    contributors = {"USA": 100, "XYZ": 5, "ABC": 5}
    told = refusal(
        missions=["kfro", "isaf", "kfor"],
        ends={},
        hypothetical=[COALITION | {"start": "2020Q1", "contributors": contributors}],
        fit=our.smoke().fit.model_dump() | {"leave_out": ("isaff",)},
    )
    assert told.startswith("5 faults:")
    for part in (
        "plan smoke, missions: missions.csv: no mission 'kfro', expected one of alba",
        "plan smoke, missions: missions.csv, isaf: it ended before 2025-12-31",
        "plan smoke, hypothetical willing_combat: start is 2020Q1",
        "contributors ABC, XYZ are not in countries.csv; add them to the workspace's",
        "plan smoke, fit.leave_out: no mission 'isaff' in the tables, expected one of",
    ):
        assert part in told


def test_a_mission_without_anybody_is_refused() -> None:
    tables = our.tables()
    rows = tables.deployments
    nobody = dataclasses.replace(tables, deployments=rows[rows["mission"] != "kfor"])
    with pytest.raises(PlanError, match="kfor: no contributor is there on 2025-12-31; leave it out"):
        build_roster(nobody, our.smoke())


def test_what_is_not_known_of_contributors_is_flagged(roster: Roster) -> None:
    for one in roster.missions:
        assert len(one.contributors) == len(one.troops) == len(one.served)
        assert list(one.contributors) == sorted(one.contributors)
        assert min(one.troops) > 0
        assert min(one.served) >= 0
        assert one.ever >= len(one.contributors)
        if one.hypothetical:
            assert set(one.served) == {0}
            assert one.flags[0].startswith("hypothetical (judgement")
    told = " ".join(mission(roster, "unifil").flags)
    assert "no calendar of leaders, so none of their effects: BGD" in told
    assert "FRA" not in told


def test_an_earlier_day_has_an_earlier_roster() -> None:
    day = date(2019, 12, 31)
    plan = our.plan_with(as_of=day, missions=("kfor",), ends={}, hypothetical=())
    found = build_roster(known_at(our.tables(), day), plan)
    assert len(found.members) == 29  # before North Macedonia, Finland and Sweden
    assert found.quarters[0] == "2020Q1"
