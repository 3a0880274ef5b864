"""Leaders and elections by quarter match the tables: changes, covariates, and the state at the as-of date."""

import dataclasses
from datetime import date

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.constants import DURATION_BINS, DURATION_EDGES, duration_bin
from forecast.data.leaders import POSITIONS, early_votes, leader_calendar, leader_quarters, leader_state, same_person
from forecast.data.tables import Tables, known_at, load_tables
from forecast.errors import DataError
from forecast.quarters import quarter_label, quarter_number


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load_tables()


@pytest.fixture(scope="module")
def data(tables: Tables) -> xr.Dataset:
    return leader_quarters(tables)


@pytest.fixture(scope="module")
def frame(data: xr.Dataset) -> pd.DataFrame:
    rows = pd.DataFrame({name: data[name].to_numpy() for name in data})
    rows["country"] = data["country"].to_numpy()[rows["country_of"]]
    return rows.set_index(["country", "quarter"]).sort_index()


@pytest.fixture(scope="module")
def state(tables: Tables) -> pd.DataFrame:
    return leader_state(tables)


def test_countries_and_quarters(data: xr.Dataset, frame: pd.DataFrame) -> None:
    countries = set(data["country"].values)
    assert not {"BIH", "CHE", "RUS", "CHN", "USA", "JOR"} & countries  # JOR elects no leader
    assert {"ISL", "TUR", "JPN", "KOR", "AUS", "UKR"} < countries
    assert len(countries) == 54
    assert frame.index.is_unique
    quarters = frame.index.get_level_values("quarter")
    assert (quarters.min(), quarters.max()) == ("1990Q1", "2025Q4")
    assert len(frame.loc["DEU"]) == 4 * 36


def test_changes_in_germany(frame: pd.DataFrame) -> None:
    changes = frame.loc["DEU"].query("change == 1")
    assert changes.index.tolist() == ["1998Q4", "2005Q4", "2021Q4", "2025Q2"]
    # Kohl since 1982Q4; whole quarters in office at the start of the quarter of the change
    assert changes["in_office"].tolist() == [63, 27, 63, 13]


def test_covariates_around_the_election_of_september_2021(frame: pd.DataFrame) -> None:
    germany = frame.loc["DEU"].loc["2020Q4":"2022Q1", ["before", "election", "after"]]
    expected = [[0, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert germany.to_numpy().tolist() == expected


def test_two_changes_in_one_quarter_count_once(frame: pd.DataFrame) -> None:
    britain = frame.loc["GBR"].loc["2022Q1":"2024Q4"]  # Truss 6 September, Sunak 25 October 2022
    assert britain.query("change == 1").index.tolist() == ["2022Q3", "2022Q4", "2024Q3"]
    assert frame["change"].isin([0, 1]).all()


def test_return_within_the_quarter_is_no_change(frame: pd.DataFrame) -> None:
    romania = frame.loc["ROU"].loc["2005Q1":"2015Q1"]  # suspensions in April 2007 and July 2012
    assert romania.query("change == 1").index.tolist() == ["2014Q4"]
    assert romania.loc["2014Q4", "in_office"] == 39  # since 2004Q4
    greece = frame.loc["GRC"].loc["2023Q1":"2023Q4"]  # Mitsotakis, a caretaker, Mitsotakis
    assert greece["change"].sum() == 0


def test_only_the_final_round_counts(frame: pd.DataFrame) -> None:
    france = frame.loc["FRA"].query("election == 1")
    assert france.index.tolist() == [f"{year}Q2" for year in (1995, 2002, 2007, 2012, 2017, 2022)]
    lithuania = frame.loc["LTU"]  # 21 December 1997 and 4 January 1998
    assert lithuania.loc[["1997Q4", "1998Q1"], "election"].tolist() == [0, 1]


def test_an_early_election_is_not_known_before(frame: pd.DataFrame) -> None:
    """Germany voted early in 2005Q3 (due in 2006Q3) and one quarter early in 1998Q3."""
    assert frame.loc["DEU"].loc["2005Q1":"2006Q4", "before"].sum() == 0
    assert frame.loc[("DEU", "1998Q2"), "before"] == 1


@pytest.mark.parametrize("day", [date(2004, 12, 31), date(2018, 3, 31)])
def test_covariates_know_nothing_of_later_elections(tables: Tables, frame: pd.DataFrame, day: date) -> None:
    then = leader_quarters(known_at(tables, day))
    rows = pd.DataFrame({name: then[name].to_numpy() for name in ("quarter", *POSITIONS)})
    rows["country"] = then["country"].to_numpy()[then["country_of"].to_numpy()]
    rows = rows[rows["quarter"] <= quarter_label(quarter_number(day))].set_index(["country", "quarter"])
    assert len(rows) > 2000
    pd.testing.assert_frame_equal(rows, frame.loc[rows.index, list(POSITIONS)], check_dtype=False)


def test_scheduled_election_counts_before(frame: pd.DataFrame) -> None:
    assert frame.loc[("HUN", "2025Q4"), "before"] == 1  # due in April 2026
    assert frame.loc[("HUN", "2025Q3"), "before"] == 0


def test_earlier_day_ends_with_its_last_whole_quarter(tables: Tables) -> None:
    early = leader_quarters(known_at(tables, date(2012, 5, 10)))
    assert max(early["quarter"].values) == "2012Q1"


def test_duration_bins() -> None:
    assert len(DURATION_BINS) == len(DURATION_EDGES)
    served = np.array([0, 1, 2, 3, 4, 7, 8, 11, 12, 15, 16, 23, 24, 39, 40, 200])
    assert duration_bin(served).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]


def test_leader_calendar_matches_leader_quarters(tables: Tables, frame: pd.DataFrame) -> None:
    quarters = np.arange(4 * 1990, 4 * 2026)
    countries = np.array(["BIH", "CHE", "DEU", "GRC", "JOR", "LTU", "USA"])
    changes, votes = leader_calendar(tables, countries, quarters)
    assert not changes[[0, 1, 4]].any() and not votes[[0, 1, 4]].any()  # rotating chairs, no contest
    for country in ("DEU", "GRC", "LTU"):  # caretakers, two rounds
        c = list(countries).index(country)
        labels = np.array([quarter_label(q) for q in quarters])
        rows = frame.loc[country]
        assert set(labels[changes[c]]) == set(rows.index[rows["change"] == 1])
        assert set(labels[votes[c]]) == set(rows.index[rows["election"] == 1])
    american = changes[-1].nonzero()[0] + quarters[0]
    assert american.tolist() == [4 * year for year in (1993, 2001, 2009, 2017, 2021, 2025)]


def test_early_vote_follows_the_law(state: pd.DataFrame) -> None:
    assert state.loc[["DEU", "GBR", "SWE"], "early_vote"].all()
    assert not state.loc[["NOR", "USA", "FRA"], "early_vote"].any()


NAMES = st.text("ab", min_size=1, max_size=3)


@given(given=NAMES, family=NAMES)
def test_same_person_ignores_given_names(given: str, family: str) -> None:
    assert same_person(family, f"{given} {family}")
    assert same_person(f"{given} {family}", family)
    assert same_person(given, family) == (given == family)


def test_same_person_tells_namesakes_apart() -> None:
    assert not same_person("Fogh Rasmussen", "Lars Lokke Rasmussen")
    assert not same_person("Karamanlis", "anlis")


def test_all_allies_have_a_state(tables: Tables, state: pd.DataFrame) -> None:
    assert set(tables.allies()["country"]) <= set(state.index)
    assert {"JPN", "KOR", "USA"} < set(state.index)
    assert (state["quarters_in_office"] >= 0).all()
    assert (state["next_election"].dropna() >= "2026Q1").all()
    assert state.index[state["next_election"].isna()].tolist() == ["UKR"]  # overdue, martial law


def test_states_by_hand(state: pd.DataFrame) -> None:
    columns = ["quarters_in_office", "next_election", "fixed", "term_quarters", "early_vote"]
    assert state.loc["DEU", columns].tolist() == [2, "2029Q1", False, 16, True]  # vote of 2025-02-23
    assert state.loc["USA", columns].tolist() == [3, "2028Q4", True, 16, False]
    assert state.loc["CZE", columns].tolist() == [0, "2029Q4", False, 16, True]  # since 2025-12-15
    # a scheduled date is either the day of the vote or the last possible one
    assert state.loc[["HUN", "SWE", "DNK", "ESP"], "fixed"].tolist() == [True, True, False, False]
    assert state.loc["SLV", "next_election"] == "2027Q1"  # an early term by law
    assert state.index[state["voted"]].tolist() == ["CZE", "HND", "NLD", "TON"]


def test_term_limits(state: pd.DataFrame) -> None:
    # won in 2016 and 2024; 2017 and 2022; 2019 and 2024; 2018 and 2023
    countries = ["USA", "FRA", "LTU", "TUR"]
    assert (state.loc[countries, ["mandates", "term_limit"]] == 2).all(axis=None)
    # one term only; the successor of Castro in HND was elected in 2025Q4 and not in office yet; the limit of KAZ is new
    assert (state.loc[["KOR", "HND", "KAZ"], ["mandates", "term_limit"]] == 1).all(axis=None)
    # elected in 2025 after an annulled election, and in 2019
    assert state.loc[["ROU", "UKR"], "mandates"].tolist() == [1, 1]
    assert state.loc[["DEU", "HUN"], "term_limit"].isna().all()  # prime ministers


def test_elections_before_the_limit_do_not_count(tables: Tables) -> None:
    """Tokayev won in June 2019 and in November 2022, and the limit dates from September 2022."""
    for first, mandates in (("2022-09-17", 1), ("2022-11-20", 1), ("2022-11-21", 0), (None, 2)):
        terms = tables.terms.assign(limit_from=pd.Timestamp(first) if first else pd.NaT)
        changed = dataclasses.replace(tables, terms=terms)
        assert leader_state(changed).loc["KAZ", "mandates"] == mandates


def test_limited_leaders_are_replaced_by_the_quarter_after_the_vote(tables: Tables, frame: pd.DataFrame) -> None:
    barred = frame.query("limited == 1")
    assert barred["change"].value_counts().to_dict() == {1: 16, 0: 2}
    kept = barred.query("change == 0").index.tolist()
    assert kept == [("DOM", "2008Q3"), ("HND", "2018Q1")]  # a court set the ban of HND aside
    countries = ("DOM", "HND", "KOR", "LTU", "ROU", "UKR")
    assert set(barred.index.get_level_values("country")) == set(countries)
    assert (barred["after"] == 1).all() and (barred["after_new"] == 0).all()


def test_leaders_new_after_a_vote_stay(frame: pd.DataFrame) -> None:
    new = frame.query("after_new == 1")
    assert (len(new), new["change"].sum()) == (146, 4)
    assert (new["after"] == 1).all() and (new["in_office"] == 0).all()
    kept = frame.query("after == 1 and after_new == 0")
    assert (len(kept), kept["change"].sum()) == (359, 122)
    assert frame.loc[("DEU", "1999Q1"), "after_new"] == 0  # in office from October 1998, after the vote of September
    assert frame.loc[("GBR", "1997Q3"), "after_new"] == 1  # Blair took office on the day after the vote of 1997Q2


def test_early_votes_by_quarters_left(tables: Tables) -> None:
    counts = early_votes(tables)
    assert counts.index.tolist() == [1, 2, 3]
    assert counts["votes"].tolist() == [39, 20, 124]
    assert counts["quarters"].tolist() == [212, 235, 4545]
    earlier = early_votes(known_at(tables, date(1999, 12, 31)))
    assert (earlier < counts).all(axis=None)


def test_early_votes_of_one_country_by_hand(tables: Tables) -> None:
    """Germany voted early in 1998Q3 (due 1998Q4), 2005Q3 (due 2006Q3) and 2025Q1 (due 2025Q3)."""
    germany = dataclasses.replace(tables, elections=tables.elections.query("country == 'DEU'"))
    counts = early_votes(germany)
    assert counts["votes"].tolist() == [1, 1, 1]
    # ten terms of 16 quarters: 13 with three or more left in eight of them, 12 until 2005Q3, and 3 since 2025Q1
    assert counts["quarters"].tolist() == [7, 8, 8 * 13 + 12 + 3]


def test_state_and_quarters_agree_on_time_in_office(tables: Tables, frame: pd.DataFrame) -> None:
    earlier = leader_state(known_at(tables, date(2023, 12, 31)))
    served = frame.xs("2024Q1", level="quarter")["in_office"]
    pd.testing.assert_series_equal(earlier.loc[served.index, "quarters_in_office"], served, check_names=False)


def test_missing_rows_raise(tables: Tables) -> None:
    with pytest.raises(DataError, match=r"terms\.csv: no row for POL"):
        leader_state(dataclasses.replace(tables, terms=tables.terms.query("country != 'POL'")))
    with pytest.raises(DataError, match="no country has rows in both"):
        leader_quarters(dataclasses.replace(tables, leaders=tables.leaders.iloc[:0]))
    late = tables.leaders.query("country != 'POL' or start > '2020-01-01'")
    with pytest.raises(DataError, match="nobody governs POL"):
        leader_state(dataclasses.replace(tables, leaders=late), date(2018, 12, 31))
