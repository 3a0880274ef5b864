"""Tables of the alliance: faults are named, later facts are hidden, figures match publications."""

from datetime import date
from pathlib import Path

import pytest

from forecast.data.tables import known_at
from tests.support import fake_posteriors as our
from tests.support.table_faults import faults_of, overlay

EVENTS = "date,kind,actor,source,note\n"
DEMOCRACY = "country,year,liberal_democracy,electoral_democracy,populist_vote_share,source\n"
POLLS = "country,year,indicator,value,n,source\n"
ANCHORS = "year,quarter,verdict,source,note\n"
FAULTS = [
    ("alliance_events", EVENTS + "2020-01-01,summit,NTAO,mine,\n", ["actor is 'NTAO'", "NATO"]),
    ("alliance_events", EVENTS + "2020-01-01,quarrel,NATO,mine,\n", ["'quarrel'", "summit"]),
    ("democracy", DEMOCRACY + "HUN,2020,1.2,,,mine\n", ["'1.2'", "[0, 1]"]),
    ("public_opinion", POLLS + "HUN,2020,eu_favorable,40,900,m\n", ["us_favorable"]),
    ("cohesion_anchors", ANCHORS + "2020,Q5,Splendid,m,\n", ["'Q5'", "Weak, Fragmented, Strong"]),
]


@pytest.mark.parametrize(("file", "text", "words"), FAULTS)
def test_fault_is_named(tmp_path: Path, file: str, text: str, words: list[str]) -> None:
    message = faults_of(overlay(tmp_path, **{file: text}))
    for word in [f"{file}.csv", *words]:
        assert word in message


def test_earlier_day_hides_later_years() -> None:
    earlier = known_at(our.tables(), date(2012, 6, 30))
    for name in ("alignment", "democracy", "public_opinion", "threat", "great_powers"):
        assert getattr(earlier, name)["year"].max() == 2011
    assert earlier.cohesion_anchors["year"].tolist() == [1999, 2001, 2003, 2011]
    assert str(earlier.alliance_events["date"].max().date()) == "2012-05-20"


def test_allies_at_the_guideline_in_mid_2019() -> None:
    # Requirements L1 and L2: the mid-2019 edition, not rounded; its figure for Germany in 2018 is 1.24 %.
    rows = our.tables().defence_spending_vintages
    edition = rows[(rows["vintage"] == "2019-06") & (rows["basis"] == "nato")]
    share = edition.pivot(index="country", columns="year", values="share_gdp")
    assert (share[2019].notna().sum(), (share[2019] >= 2.0).sum()) == (28, 7)  # Iceland has no armed forces
    assert share.loc["DEU", [2018, 2019]].round(2).tolist() == [1.24, 1.36]


def test_japan_spends_one_percent_until_2020() -> None:
    # Requirement L3, in the World Bank's series.
    rows = our.tables().defence_spending
    japan = rows[(rows["country"] == "JPN") & (rows["basis"] == "wdi")].set_index("year")
    share = japan["share_gdp"]
    assert share.loc[1990:2020].between(0.85, 1.05).all()
    assert share.loc[2024] == pytest.approx(1.37, abs=0.005)


def test_gdp_of_china_and_the_soviet_union() -> None:
    # Requirement L14: GDP relative to the United States, at purchasing power parity.
    gdp = our.tables().great_powers.pivot(index="year", columns="country", values="gdp_ppp")
    soviet = gdp["RUS"].loc[1970:1991] / gdp["USA"].loc[1970:1991]
    assert 0.37 < soviet.max() < 0.43 and soviet.loc[1985] == pytest.approx(0.37, abs=0.005)
    china = gdp["CHN"] / gdp["USA"]
    assert china.loc[1990] < 0.3 and china.loc[2018] > 1.0
