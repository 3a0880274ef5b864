"""Spells are split, dated and lagged as the model assumes, in the bundled tables and in a small example."""

import dataclasses
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.constants import DEFECTION, OPEN_CAUSE, STAYED, duration_bin
from forecast.data.deployments import event_counts, mission_spells, open_contingents
from forecast.data.table_schema import TABLES
from forecast.data.tables import Tables, known_at, load_tables
from forecast.errors import DataError
from forecast.priors.load import Priors, load_priors
from forecast.quarters import quarter_clock
from tests.support.table_faults import overlay

PRIORS = Path(__file__).parents[2] / "priors"


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load_tables()


@pytest.fixture(scope="module")
def priors() -> Priors:
    return load_priors(PRIORS)


@pytest.fixture(scope="module")
def spells(tables, priors):
    return mission_spells(tables, priors)


def clock(text: str) -> float:
    return float(quarter_clock(pd.Series(pd.to_datetime([text])))[0])


def small_tables(tables: Tables, rows: list[dict], *, end: str | None = "2004-12-31") -> Tables:
    """Return tables with one ad hoc mission from 2001, led by the first country, with the given deployments."""
    base = tables.deployments.iloc[0]
    blank = {"exit": pd.NaT, "exit_lo": pd.NaT, "last_obs": pd.NaT, "exit_prec": "", "spell": 1}
    plain = {"residual": False, "entry": "2001-01-10", "entry_prec": "day", "mission": "small"}
    frame = pd.DataFrame([base.to_dict() | blank | plain | row for row in rows])
    for name in ("entry", "exit", "exit_lo", "last_obs"):
        frame[name] = pd.to_datetime(frame[name]).astype(tables.deployments[name].dtype)
    frame["peak_troops"] = frame["peak_troops"].astype("Int64")
    frame.loc[(frame["exit_prec"] == "") & frame["exit"].notna(), "exit_prec"] = "day"
    missions = tables.missions[tables.missions["mission"] == "mnf_iraq"].assign(
        mission="small", start=pd.Timestamp("2001-01-01"), end=pd.Timestamp(end), lead=rows[0]["country"]
    )
    return dataclasses.replace(tables, deployments=frame, missions=missions)


def spell(data, mission: str, country: str):
    """Return the only spell of a country in a mission, and its rows."""
    m = list(data["mission"].values).index(mission)
    c = list(data["country"].values).index(country)
    (s,) = np.flatnonzero((data["mission_of"].values == m) & (data["country_of"].values == c))
    return data.isel(spell=s), data.isel(row=data["spell_of"].values == s)


# -- time ------------------------------------------------------------------------------------------


def test_clock_is_at_noon() -> None:
    assert clock("2001-01-01") == pytest.approx(4 * 2001 + 0.5 / 90)
    assert clock("2001-03-31") == pytest.approx(4 * 2001 + 89.5 / 90)
    assert np.isnan(quarter_clock(pd.Series([pd.NaT], dtype="datetime64[us]"))[0])


def test_duration_bins_begin_at_their_edges() -> None:
    served = [-1, 0, 1, 2, 3, 4, 7, 8, 11, 12, 15, 16, 23, 24, 39, 40, 400]
    assert list(duration_bin(served)) == [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]


# -- bundled tables --------------------------------------------------------------------------------


def test_spells_are_the_main_contingents(tables, spells) -> None:
    rows = tables.main_contingents()
    assert not rows["residual"].any()
    assert spells.sizes["spell"] == len(rows) == (~tables.deployments["residual"]).sum() < len(tables.deployments)


def test_end_of_mission_is_censoring(tables, spells) -> None:
    rows = tables.main_contingents().reset_index(drop=True)
    event = spells["kind"].values != STAYED
    assert not event[rows["exit_kind"].isin(["mission_end", "censored"])].any()
    assert event[~rows["exit_kind"].isin(["mission_end", "censored"])].all()
    assert (spells["kind"].values[rows["exit_kind"].isin(["reduced", "unknown"])] == OPEN_CAUSE).all()
    assert ((spells["event_row"].values >= 0) == event).all()


def test_rows_lie_within_one_quarter_and_sum_to_the_spell(spells) -> None:
    length = spells["length"].values
    assert ((length > 0) & (length <= 1)).all()
    total = np.bincount(spells["spell_of"].values, length)
    exact_end = spells["exact"].values | (spells["kind"].values == STAYED)
    stay = (spells["end"] - spells["entry"]).values
    # sums of a few hundred parts of a clock near 8000, whose rounding error is below 1e-9
    np.testing.assert_allclose(total[exact_end], stay[exact_end], atol=1e-9)
    assert (total[~exact_end] > stay[~exact_end]).all()


def test_exact_event_is_in_the_last_row(spells) -> None:
    rows_of = np.bincount(spells["spell_of"].values)
    last = np.cumsum(rows_of) - 1
    exact = spells["exact"].values
    assert (spells["event_row"].values[exact] == last[exact]).all()
    assert not spells["in_bracket"].values[last[exact]].any()


def test_left_truncated_spell_starts_at_duration_0(spells) -> None:
    contingent, rows = spell(spells, "unikom", "DNK")
    assert bool(contingent["left_truncated"])
    assert rows["duration"].values[0] == 0
    assert float(contingent["entry"]) == clock("1994-04-15")
    assert int(spells["left_truncated"].sum()) == 7


def test_interval_bracket_is_symmetric(spells) -> None:
    contingent, rows = spell(spells, "minustah", "ESP")  # 2006-02-15 .. 2006-03-15 .. 2006-04-12
    inside = rows["length"].values[rows["in_bracket"].values]
    assert not bool(contingent["exact"])
    assert inside.sum() == pytest.approx(clock("2006-04-12") - clock("2006-02-15"))
    assert rows["in_bracket"].values[-1] and not rows["in_bracket"].values[0]


def test_bracket_ends_with_the_mission(spells) -> None:
    contingent, rows = spell(spells, "rsm", "MNE")
    stop = float(contingent["entry"]) + float(rows["length"].sum())
    assert stop == pytest.approx(clock("2021-08-31"))


def test_year_bracket_has_four_quarters(spells) -> None:
    _, rows = spell(spells, "kfor", "NOR")
    inside = rows["in_bracket"].values
    assert rows["length"].values[inside].tolist() == [1, 1, 1, 1]
    assert rows["row_quarter"].values[inside].tolist() == [8016, 8017, 8018, 8019]


def test_event_counts_match_the_table(tables, spells) -> None:
    rows = tables.main_contingents()
    counts = event_counts(spells)
    assert counts.loc["defection_intercept", "defection"] == (rows["exit_kind"] == "defection").sum()
    assert counts.loc["planned_intercept", "planned"] == (rows["exit_kind"] == "planned").sum()
    parts = counts.loc[["ad_hoc", "nato", "un", "eu"]].sum()
    pd.testing.assert_series_equal(parts, counts.loc["defection_intercept"], check_names=False)
    bins = counts[counts.index.str.startswith("duration")].sum()
    pd.testing.assert_series_equal(bins, counts.loc["defection_intercept"], check_names=False)


def test_countries_without_tables_are_flagged(spells) -> None:
    contingent, rows = spell(spells, "minusca", "BGD")
    assert bool(contingent["no_leaders"]) and bool(contingent["no_elections"])
    assert not rows["leader_change"].any() and not rows["election_ahead"].any()


def test_earlier_day_has_fewer_exits(tables, priors) -> None:
    before = mission_spells(known_at(tables, date(2005, 12, 31)), priors)
    contingent, _ = spell(before, "mnf_iraq", "ITA")  # left in December 2006
    assert int(contingent["kind"]) == STAYED
    assert int(spell(before, "mnf_iraq", "ESP")[0]["kind"]) == DEFECTION
    assert int(before["quarter"].max()) == 8023


# -- small example ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cascade(tables, priors):
    """USA leaves in 2002Q2, FRA leaves with the mission, ITA joins late, and a residual of ESP does not count."""
    rows = [
        {"country": "USA", "exit": "2002-05-15", "exit_kind": "defection"},
        {"country": "FRA", "exit": "2004-12-31", "exit_kind": "mission_end"},
        {"country": "ITA", "entry": "2002-08-01", "exit": "2003-02-01", "exit_kind": "reduced"},
        {"country": "DEU", "exit": "2004-11-01", "exit_kind": "mission_end"},
        {"country": "ESP", "exit": "2004-02-01", "exit_kind": "planned", "residual": True},
    ]
    return mission_spells(small_tables(tables, rows), priors)


def by_quarter(rows, name: str) -> dict[int, float]:
    return dict(zip(rows["row_quarter"].values.tolist(), rows[name].values.tolist(), strict=True))


def test_contagion_and_lead_gone_start_in_the_next_quarter(cascade) -> None:
    _, rows = spell(cascade, "small", "FRA")
    share = by_quarter(rows, "contagion")
    q = 4 * 2002 + 1  # the quarter in which the lead leaves
    assert [share[q + k] for k in range(-1, 4)] == pytest.approx([0, 0, 1 / 3, 1 / 4, 0])
    # ITA has joined by 2002Q4 and leaves in 2003Q1
    assert [share[4 * 2003 + k] for k in range(4)] == pytest.approx([0, 1 / 4, 1 / 4, 0])
    assert share[4 * 2004 + 3] == 0  # neither the end of a mission nor a residual counts as contagion
    gone = by_quarter(rows, "lead_gone")
    assert [gone[q + k] for k in range(-1, 3)] == [0, 0, 1, 1]
    assert "ESP" not in cascade["country"].values


def test_contagion_is_capped(tables, priors) -> None:
    rows = [{"country": c, "exit": "2002-05-15", "exit_kind": "planned"} for c in ("USA", "FRA")]
    rows += [{"country": "ITA", "exit": "2004-12-31", "exit_kind": "mission_end"}]
    data = mission_spells(small_tables(tables, rows), priors)
    assert data["contagion"].max() == priors.value("withdrawal.contagion_cap") == 0.5


def test_ending_is_the_last_four_quarters(cascade) -> None:
    _, rows = spell(cascade, "small", "FRA")
    ending = by_quarter(rows, "ending")
    assert [q for q, on in ending.items() if on] == [4 * 2004 + k for k in range(4)]


def test_political_covariates_of_france_and_germany(cascade) -> None:
    # France elected a president in May 2002, after 1995; Germany voted in September 2002 without a change.
    _, france = spell(cascade, "small", "FRA")
    _, germany = spell(cascade, "small", "DEU")
    ahead = by_quarter(germany, "election_ahead")
    assert [ahead[4 * 2001 + k] for k in range(9)] == [0, 0, 1, 1, 1, 1, 1, 0, 0]
    assert not germany["leader_change"].any()
    assert by_quarter(france, "election_ahead")[4 * 2002 + 1] == 1


def test_returning_country_is_one_contributor(tables, priors) -> None:
    rows = [
        {"country": "USA", "exit": "2002-05-15", "exit_kind": "planned"},
        {"country": "USA", "spell": 2, "entry": "2003-02-01", "last_obs": "2004-01-01", "exit_kind": "censored"},
        {"country": "FRA", "exit": "2004-12-31", "exit_kind": "mission_end"},
    ]
    data = mission_spells(small_tables(tables, rows), priors)
    mission = data.sel(mission="small")
    assert int(mission["contributors_by_quarter"].max()) == 2
    gone = mission["lead_gone_by_quarter"]
    assert gone["quarter"].values[gone.values].tolist() == [8010, 8011, 8012]  # it returns in 2003Q1


def test_no_contingents_raises(tables, priors) -> None:
    none = dataclasses.replace(tables, deployments=tables.deployments.iloc[:0])
    with pytest.raises(DataError, match="residual"):
        mission_spells(none, priors)


# -- open contingents ------------------------------------------------------------------------------


def test_open_contingents_of_kfor(tables) -> None:
    contingents = open_contingents(tables, "kfor").set_index("country")
    assert contingents.index.is_unique and len(contingents) == 23
    assert contingents.loc["ITA", "quarters"] == 4 * 2026 - (4 * 1999 + 1)
    assert contingents.loc["LVA", "quarters"] == 16  # its second spell began in January 2022
    assert (contingents["troops"] > 0).all()
    assert set(contingents["troops_from"]) <= {"level", "peak", "median"}


def test_troops_from_level_then_peak_then_median(tables) -> None:
    rows = [
        {"country": "USA", "exit_kind": "censored", "last_obs": "2025-12-31", "peak_troops": 900},
        {"country": "FRA", "exit_kind": "censored", "last_obs": "2024-12-31", "peak_troops": 120},
        {"country": "DEU", "exit_kind": "censored", "last_obs": "2025-12-31", "peak_troops": 240},
        {"country": "ITA", "exit_kind": "censored", "last_obs": "2025-12-31", "peak_troops": pd.NA},
    ]
    levels = pd.DataFrame(
        {
            "mission": "small",
            "country": ["USA", "USA", "DEU", "FRA"],
            "date": pd.to_datetime(["2024-05-01", "2025-05-01", "2019-01-01", "2001-01-01"]),  # FRA: an earlier stay
            "troops": [400, 300, 80, 50],
            "source": "a",
        }
    )
    changed = dataclasses.replace(small_tables(tables, rows, end=None), troop_levels=levels)
    contingents = open_contingents(changed, "small").set_index("country")
    # The others have kept a third of their peaks, so France has 40; the median of 300, 80 and 40 is Italy's.
    assert contingents["troops"].to_dict() == pytest.approx({"USA": 300, "FRA": 40, "DEU": 80, "ITA": 80})
    assert contingents["troops_from"].to_dict() == {"USA": "level", "FRA": "peak", "DEU": "level", "ITA": "median"}
    assert contingents["troops_old"].to_dict() == {"USA": False, "FRA": True, "DEU": True, "ITA": True}
    assert contingents["last_seen_early"].to_dict() == {"USA": False, "FRA": True, "DEU": False, "ITA": False}


@pytest.mark.case("A26")
@pytest.mark.parametrize(
    ("last_seen", "is_early"),
    [
        ("2025-12-31", False),
        ("2025-12", False),
        ("2025-12-01", False),
        ("2025-11-29", True),
        ("2025-11", True),
        ("", False),
    ],
)
def test_a_contingent_seen_in_the_last_month_is_not_seen_early(tmp_path, last_seen: str, is_early: bool) -> None:
    head = ",".join(TABLES["deployments"].names)
    row = f"kfor,FRA,9,false,2020-01,month,,,,{last_seen},censored,high,,100,mine,"
    rows = open_contingents(load_tables(overlay(tmp_path, deployments=f"{head}\n{row}\n")), "kfor")
    assert rows.set_index("country").loc["FRA", "last_seen_early"] == is_early


@pytest.mark.parametrize(("mission", "message"), [("isaf", "ended"), ("nowhere", "no mission")])
def test_ended_or_unknown_mission_raises(tables, mission, message) -> None:
    with pytest.raises(DataError, match=message):
        open_contingents(tables, mission)
