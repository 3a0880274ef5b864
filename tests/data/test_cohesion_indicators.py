"""Indicators of cohesion: small examples by hand, and known turning points."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecast.data import cohesion_indicators
from forecast.data.cohesion_indicators import INDICATORS, indicator_panel, raw_series
from forecast.data.tables import known_at
from forecast.errors import DataError
from forecast.names import FACTORS
from tests.support import fake_posteriors as our


def answers(**years: dict[str, float]) -> pd.DataFrame:
    rows = [(c, int(y[1:]), v) for y, values in years.items() for c, v in values.items()]
    return pd.DataFrame(rows, columns=["country", "year", "value"])


def percent(logit: float) -> float:
    return 100.0 / (1.0 + np.exp(-logit))


def test_level_recovers_year_effects() -> None:
    usual = {"AAA": -1.0, "BBB": 0.0, "CCC": 0.4, "DDD": 0.6}
    moves = {2001: -0.5, 2002: 0.0, 2003: 0.7}
    polled_in = {2001: "AAA BBB CCC", 2002: "AAA BBB CCC DDD", 2003: "BBB CCC DDD"}
    shares = answers(**{f"y{y}": {c: percent(usual[c] + moves[y]) for c in polled_in[y].split()} for y in moves})
    levels = cohesion_indicators.level(shares)
    assert levels["value"].to_dict() == pytest.approx(moves)  # country effects sum to 0
    assert levels["error"].to_numpy() == pytest.approx(0.0, abs=1e-9)


def test_year_with_few_countries_is_left_out() -> None:
    three, two = {"A": 40, "B": 50, "C": 45}, {"A": 41, "B": 53}
    shares = answers(y2001=three, y2002=two, y2003={"Z": 90}, y2004=three)
    assert cohesion_indicators.level(shares).index.tolist() == [2001, 2004]
    assert cohesion_indicators.level(shares.iloc[:0]).empty
    assert cohesion_indicators.spread(shares).empty


def test_error_of_a_level() -> None:
    rng = np.random.default_rng(2)
    noise, size = 0.3, 12
    levels = []
    for _ in range(40):
        rows = {
            f"y{2000 + t}": {f"C{i}": percent(i / 10 + noise * rng.normal()) for i in range(size)} for t in range(8)
        }
        levels.append(cohesion_indicators.level(answers(**rows)))
    error = np.mean([level["error"].mean() for level in levels])
    assert error == pytest.approx(noise / np.sqrt(size), rel=0.05)  # 3,000 residuals: standard error 1.5 %
    spread = np.std([level["value"] - level["value"].mean() for level in levels])
    assert spread == pytest.approx(error, rel=0.2)  # 320 effects, centred


def test_spread_is_relative_to_usual_answers() -> None:
    usual = np.arange(7.0)
    wide = {f"C{i}": 50 + 4 * x for i, x in enumerate(usual)}
    close = {f"C{i}": 50 + 2 * x for i, x in enumerate(usual)}
    spreads = cohesion_indicators.spread(answers(y2001=wide, y2002=close))["value"]
    assert spreads.to_dict() == pytest.approx({2001: np.log(4 / 3), 2002: np.log(2 / 3)})


def test_gini() -> None:
    assert cohesion_indicators.gini(pd.Series([2.0, 2.0, 2.0])) == 0.0
    assert cohesion_indicators.gini(pd.Series([0.0, 0.0, 0.0, 1.0])) == pytest.approx(0.75)
    x = np.random.default_rng(1).gamma(2.0, size=30)
    pairs = np.abs(np.subtract.outer(x, x)).mean() / (2 * x.mean())
    assert cohesion_indicators.gini(pd.Series(x)) == pytest.approx(pairs)


def test_panel_covers_eight_subfactors() -> None:
    panel = indicator_panel(our.tables(), our.priors().grid)
    assert panel.sizes["subfactor"] == 11 and panel["factor"].values.tolist() == list(FACTORS)
    measured = set(panel["subfactor"].values[panel["subfactor_of"].values])
    unmeasured = set(panel["subfactor"].values) - measured
    assert unmeasured == {"mena", "nato_eu", "alliance_wide"}
    values = panel["value"].to_series().groupby(panel["indicator_of"].to_series())
    # the fixed centers and scales are those of these years, so means are near 0 and SDs near 1
    assert (values.mean().abs() < 0.15).all() and values.std().between(0.8, 1.2).all()
    polled = [list(INDICATORS).index(n) for n in INDICATORS if "view" in n or "spread" in n]
    assert (panel["error"].values[np.isin(panel["indicator_of"].values, polled)] > 0).all()
    assert panel["anchor"].values.tolist() == ["1999", "2001Q4", "2003Q1", "2011", "2019Q4", "2022Q2"]


def test_un_gap_matches_published_values() -> None:
    gap = raw_series("un_gap", our.tables())["value"]
    published = {2001: 1.43, 2003: 1.68, 2015: 1.39, 2018: 1.62, 2022: 1.09, 2024: 1.02}
    assert gap.loc[list(published)].to_dict() == pytest.approx(published, abs=0.04)


def test_higher_is_more_cohesive() -> None:
    panel = indicator_panel(our.tables(), our.priors().grid)
    table = pd.DataFrame(
        {
            "name": panel["indicator"].values[panel["indicator_of"].values],
            "year": panel["year"].values[panel["year_of"].values],
            "value": panel["value"].values,
        }
    ).pivot(index="year", columns="name", values="value")
    assert table.loc[2003, "un_gap"] < table.loc[2001, "un_gap"] < table.loc[2022, "un_gap"]
    assert table.loc[2022, "russia_spread"] > table.loc[2014, "russia_spread"]
    assert table.loc[2009, "us_view"] > table.loc[2007, "us_view"]
    assert table["at_pledge"].idxmax() == 2025
    # Requirement L7: more votes for populists mean less cohesion.
    votes = raw_series("populists", our.tables())["value"]
    assert np.corrcoef(votes, table["populists"].dropna())[0, 1] == pytest.approx(-1.0)


def test_turkey_and_hungary_are_far_from_the_median() -> None:
    # Requirement L6: farther from the median ally than the median ally is.
    distance = cohesion_indicators.alignment_distance(our.tables())
    assert (distance[["TUR", "HUN"]] > distance.median()).all()


def test_earlier_day_has_the_same_earlier_values() -> None:
    now = indicator_panel(our.tables(), our.priors().grid)
    earlier = indicator_panel(known_at(our.tables(), date(2009, 12, 31)), our.priors().grid)
    assert earlier["year"].values[-1] == 2009 and earlier.sizes["anchor"] == 3
    early = now["year_of"] < earlier.sizes["year"]
    for name in ("un_gap", "populists", "burden_gini"):  # these three need no fit
        j = list(INDICATORS).index(name)
        current = now["value"].values[(early & (now["indicator_of"] == j)).values]
        assert current == pytest.approx(earlier["value"].values[(earlier["indicator_of"] == j).values])


def test_missing_subfactor_is_named() -> None:
    grid = our.priors().grid
    norms = {k: v for k, v in grid.factors["norms"].items() if k != "populism"}
    with pytest.raises(DataError, match="sub-factors populism have indicators"):
        indicator_panel(our.tables(), replace(grid, factors={**grid.factors, "norms": norms}))
