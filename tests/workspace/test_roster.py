"""The roster of entities: named faults, the calendar, and addresses that depend on names only."""

import dataclasses
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.tables import known_at
from forecast.errors import PlanError
from forecast.quarters import quarter_number
from forecast.random_streams import address
from forecast.workspace.resolve import build_roster
from forecast.workspace.roster import Mission, Roster, calendar
from tests.support import fake_posteriors as our
from tests.support.bundled_scenarios import DESIGNS, WARS

COALITION = our.smoke().hypothetical[0].model_dump()


@pytest.fixture(scope="module")
def roster() -> Roster:
    return build_roster(our.tables(), our.smoke(), our.priors())


def mission(roster: Roster, name: str) -> Mission:
    return next(m for m in roster.missions if m.name == name)


def refusal(**changes: Any) -> str:
    with pytest.raises(PlanError) as caught:
        build_roster(our.tables(), our.plan_with(**changes), our.priors())
    return str(caught.value)


def test_labels_of_all_axes(roster: Roster) -> None:
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


def test_calendar_has_years_whose_last_quarter_is_projected() -> None:
    for day, quarters, first, of_year, years in (
        (date(2025, 12, 31), 40, "2026Q1", 0, range(2026, 2036)),
        (date(2024, 6, 30), 8, "2024Q3", 2, range(2024, 2026)),
        (date(2024, 9, 30), 10, "2024Q4", 3, range(2024, 2027)),
    ):
        plan = our.plan_with(as_of=day, quarters=quarters, onset=None, hypothetical=())
        labels, projected_years, start = calendar(plan)
        assert (labels[0], len(labels), start) == (first, quarters, of_year)
        assert projected_years == tuple(years)
        numbers = [quarter_number(label) for label in labels]
        assert numbers == list(range(numbers[0], numbers[0] + quarters))


@given(st.text(), st.text())
def test_address_is_32_bits_of_the_name(name: str, other: str) -> None:
    assert 0 <= address(name) < 2**32
    assert address(name) == address(str(name))
    if name != other and len(name) < 4 and name.isascii() and other.isascii() and len(other) < 4:
        assert address(name) != address(other)  # a 32-bit CRC is unique for texts of up to 4 bytes


def test_addresses_of_a_plan_are_unique(roster: Roster) -> None:
    names = [*roster.countries, *roster.members]
    names += [f"{m.name}/{c}" for m in roster.missions for c in m.contributors]
    assert len({address(name) for name in names}) == len(set(names))


def test_end_counts_from_the_first_quarter(roster: Roster) -> None:
    assert mission(roster, "unifil").end == 4  # 2027Q1 from 2026Q1
    assert mission(roster, "kfor").end is None
    assert mission(roster, "nato_combat").start == 2
    message = refusal(ends={"unifil": "2026Q1"})
    assert "unifil: ends in 2026Q1, expected after 2026Q1" in message


@pytest.mark.parametrize("start", ["2025Q4", "2036Q1"])
def test_start_outside_the_horizon_is_a_fault(start: str) -> None:
    message = refusal(hypothetical=[COALITION | {"start": start}])
    assert f"hypothetical willing_combat: start is {start}, expected 2026Q1 or one of the 40" in message


def test_start_in_the_last_quarter_is_valid() -> None:
    plan = our.plan_with(hypothetical=[COALITION | {"start": "2035Q4"}])
    assert build_roster(our.tables(), plan, our.priors()).missions[-1].start == 39


def test_all_faults_are_reported_at_once() -> None:
    contributors = {"USA": 100, "XYZ": 5, "ABC": 5}
    message = refusal(
        missions=["kfro", "isaf", "kfor"],
        ends={},
        hypothetical=[COALITION | {"start": "2020Q1", "contributors": contributors}],
        dyads=("USA-AUS", "USA-JPN"),
        fit=our.smoke().fit.model_dump() | {"leave_out": ("isaff",)},
    )
    assert message.startswith("6 faults:")
    for part in (
        "runs/plans/smoke.toml: missions: missions.csv: no mission 'kfro', expected one of alba",
        "runs/plans/smoke.toml: missions: missions.csv, isaf: it ended before 2025-12-31",
        "runs/plans/smoke.toml: hypothetical willing_combat: start is 2020Q1",
        "contributors ABC, XYZ are not in countries.csv; add them to the workspace's",
        "runs/plans/smoke.toml: fit.leave_out: no mission 'isaff' in the tables, expected one of",
        "runs/plans/smoke.toml: dyads: USA-AUS is not in priors/dyads.toml, expected one of USA-JPN, USA-KOR;",
    ):
        assert part in message


@pytest.mark.case("B12")
def test_foreign_codes_of_contributors_have_hints() -> None:
    contributors = {"USA": 100, "UKG": 5, "GMY": 5, "UKA": 5}
    message = refusal(hypothetical=[COALITION | {"contributors": contributors}])
    assert message.endswith(
        "contributors GMY, UKA, UKG are not in countries.csv; add them to the workspace's tables/countries.csv, "
        "or correct the codes; GMY: did you mean 'DEU' (Germany)?; UKG: did you mean 'GBR' (United Kingdom)?"
    )


def test_dyad_without_spending_is_a_fault() -> None:
    tables = our.tables()
    rows = tables.defence_spending
    without = dataclasses.replace(tables, defence_spending=rows[rows["country"] != "JPN"])
    with pytest.raises(PlanError, match=r"^runs/plans/smoke\.toml: dyads: USA-JPN has a partner without rows in"):
        build_roster(without, our.smoke(), our.priors())


def test_mission_without_contributors_is_a_fault() -> None:
    tables = our.tables()
    rows = tables.deployments
    nobody = dataclasses.replace(tables, deployments=rows[rows["mission"] != "kfor"])
    with pytest.raises(PlanError, match="kfor: no contributor is present on 2025-12-31, expected at least one; omit"):
        build_roster(nobody, our.smoke(), our.priors())


def test_unknown_facts_of_contributors_are_flagged(roster: Roster) -> None:
    for entry in roster.missions:
        assert len(entry.contributors) == len(entry.troops) == len(entry.served)
        assert list(entry.contributors) == sorted(entry.contributors)
        assert min(entry.troops) > 0
        assert min(entry.served) >= 0
        assert entry.ever >= len(entry.contributors)
        if entry.hypothetical:
            assert set(entry.served) == {0}
            assert entry.flags[0].startswith("hypothetical (judgement")
    message = " ".join(mission(roster, "unifil").flags)
    assert "no leaders or elections in the tables, so these have no effect: BGD" in message
    assert "FRA" not in message


def test_roster_of_an_earlier_day() -> None:
    day = date(2019, 12, 31)
    plan = our.plan_with(as_of=day, missions=("kfor",), ends={}, hypothetical=())
    roster = build_roster(known_at(our.tables(), day), plan, our.priors())
    assert len(roster.members) == 29  # before North Macedonia, Finland and Sweden
    assert roster.quarters[0] == "2020Q1"


@pytest.mark.case("M17")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"hypothetical": [COALITION | {"name": "isaf"}]},
            "hypothetical isaf: name is that of a mission in missions.csv",
        ),
        (
            {"hypothetical": [COALITION, COALITION | {"name": "another"}]},
            f"another: label is that of {COALITION['name']}, expected one of its own",
        ),
        ({"pledge_2035": 9.0}, "pledge_2035 is 9, expected above 0.2 and at most 8 percent of GDP"),
        ({"pledge_2035": 0.1}, "pledge_2035 is 0.1, expected above 0.2 and at most 8 percent of GDP"),
    ],
)
def test_what_a_run_could_not_tell_apart_or_reach(changes: dict[str, Any], words: str) -> None:
    message = refusal(**changes)
    assert words in message and "\n" not in message
