"""The rules of the codebook: each alone, on named cases of the literature, and against all coded exits."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.data.deployments import mission_spells
from forecast.data.exit_coding import (
    FREE,
    ExitFacts,
    classified_exits,
    classify_exit,
    gone_by_level,
    high_quality,
    named_cases,
    recoded,
    recodings,
    screened,
    spell_keys,
)
from forecast.data.exposure import data_vectors
from forecast.data.tables import Tables, load_tables
from forecast.data.troop_levels import is_reduction, level_windows
from forecast.priors.load import load_priors

PRIORS = load_priors(Path(__file__).parents[2] / "priors")


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load_tables()


@pytest.fixture(scope="module")
def exits(tables) -> pd.DataFrame:
    return classified_exits(tables, PRIORS).set_index(["mission", "country", "spell"])


@pytest.fixture(scope="module")
def spells(tables):
    return mission_spells(tables, PRIORS)


@pytest.mark.parametrize(
    ("facts", "code", "rule", "channel"),
    [
        ({"mission_over": True, "provoked": True}, "planned", 1, "end"),
        ({"on_schedule": True}, "planned", 2, "term"),
        ({"on_schedule": True, "refused": True}, "contested", 2, "term"),
        ({"replaced": True, "provoked": True}, "planned", 3, "rotation"),
        ({"refused": True}, "defection", 4, "own"),
        ({"provoked": True}, "defection", 4, "own"),
        ({"provoked": True, "ally_left": True}, "defection", 4, "contagion"),
        ({}, "unknown", 5, ""),
    ],
)
def test_first_rule_that_applies_decides(facts, code, rule, channel) -> None:
    result = classify_exit(ExitFacts(**facts))
    assert (result.code, result.rule, result.channel) == (code, rule, channel)


def test_named_cases(tables, exits) -> None:
    def case(mission: str, country: str) -> tuple[str, str]:
        row = exits.loc[(mission, country, 1)]
        return row["code"], row["channel"]

    assert case("mnf_iraq", "ESP") == ("defection", "own")
    assert case("mnf_iraq", "ITA") == ("defection", "own")  # announced early, in stages
    assert case("mnf_iraq", "JPN") == ("planned", "term")
    assert case("mnf_iraq", "KOR") == ("planned", "end")
    for country in ("BEL", "DEU", "FRA", "ITA", "TUR"):
        assert case("unosom_ii", country) == ("defection", "contagion")
    assert case("unosom_ii", "USA") == ("defection", "own")
    for country in ("CAN", "NLD"):
        assert case("isaf", country)[0] == "contested"
    cuts = level_windows(tables, PRIORS).query("reduced and mission == 'mnf_iraq'")
    assert (cuts["country"] == "KOR").sum() == 2  # 3,500 to 2,300 to 1,200, then an exit
    assert (cuts["country"] == "ITA").sum() == 1
    assert "ESP" not in set(cuts["country"])


def test_rules_reproduce_the_codebook(tables, exits) -> None:
    rows = tables.main_contingents()
    kind = rows.set_index(["mission", "country", "spell"])["exit_kind"].loc[exits.index]
    coded = ~exits["from_facts"]
    expected = kind.replace({"mission_end": "planned", "reduced": "unknown"})
    assert (exits["code"] == expected)[coded].all()
    assert ((exits["rule"] == 1) == (kind == "mission_end"))[coded].all()


def test_every_event_has_source_and_probability(exits) -> None:
    event = exits[exits["rule"] != 1]
    assert event["p_defect"].between(0.05, 0.95).all()
    assert (event["source"] != "").all()
    assert exits.loc[exits["rule"] == 1, "p_defect"].isna().all()
    assert (event.loc[event["code"] == "unknown", "p_defect"] == FREE).all()


def test_confidence_sets_the_probability_of_defection(spells) -> None:
    p, kind = spells["p_defect"].values, spells["exit_kind"].values
    confidence = spells["confidence"].values
    for level, chance in (("high", 0.95), ("medium", 0.8), ("low", 0.6)):
        assert set(p[(kind == "planned") & (confidence == level)]) <= {1 - chance}
        assert set(p[(kind == "defection") & (confidence == level)]) <= {chance}
    assert (p[np.isin(kind, ["unknown", "reduced"])] == FREE).all()


def test_recoding_changes_only_named_exits(tables, spells) -> None:
    before = spells["p_defect"].values
    for chance in (0.2, 0.8):
        after = recoded(spells, unknown=chance)
        unknown = spells["exit_kind"].values == "unknown"
        assert (after[unknown] == chance).all() and (after[~unknown] == before[~unknown]).all()
    overlay = named_cases(tables, PRIORS, ("contested",))
    assert set(overlay) == {("isaf", "CAN", 1), ("isaf", "NLD", 1)}
    after = recoded(spells, overlay=overlay)
    changed = {key for key, a, b in zip(spell_keys(spells), before, after, strict=True) if a != b}
    assert changed == set(overlay)
    named = named_cases(tables, PRIORS, ("contested", "defection", "planned"))
    assert named[("mnf_iraq", "ITA", 1)] == 0.95
    assert ("mnf_iraq", "KOR", 1) not in named  # it left with the mission, which is not an event


def test_recodings_are_data_vectors(tables, spells) -> None:
    fitted = data_vectors(spells)
    codings = recodings(spells, tables, PRIORS)
    assert len(codings) == 7
    for vectors in codings.values():
        for name, values in vectors.items():
            assert values.shape == fitted[name].shape and (values != fitted[name]).any()
            assert ((values >= 0) & (values <= 1)).all()


def test_high_quality_keeps_enough_exits(spells) -> None:
    keep = high_quality(spells)
    kinds = spells["exit_kind"].values[keep == 1]
    assert 0 < keep.sum() < keep.size
    assert (kinds == "defection").sum() >= 20 and (kinds == "unknown").sum() == 0


def test_most_unknown_exits_are_small(tables) -> None:
    exits = screened(tables)
    share = exits.groupby("exit_kind")["large"].mean()
    assert share["unknown"] < 0.25 < share["defection"]
    unknown = (exits["exit_kind"] == "unknown").mean()
    assert unknown == pytest.approx(0.34, abs=0.01)  # 64 of 188


def test_level_of_0_in_a_running_mission_is_an_exit(tables) -> None:
    level = tables.troop_levels.iloc[:1]
    common = {"mission": "mnf_iraq", "troops": 0, "source": "a"}
    zero = [
        level.assign(country="ESP", date=pd.Timestamp("2005-01-15"), **common),  # left in 2004
        level.assign(country="POL", date=pd.Timestamp("2005-01-15"), **common),  # present until 2008
        level.assign(country="GBR", date=pd.Timestamp("2010-06-01"), **common),  # the mission has ended
    ]
    gone = gone_by_level(dataclasses.replace(tables, troop_levels=pd.concat(zero)))
    assert gone.set_index("country")["recorded"].to_dict() == {"ESP": True, "POL": False}


@pytest.mark.parametrize(
    ("before", "after", "peak", "cut"),
    [
        (100, 50, 100, True),  # half of the peak
        (100, 51, 100, False),
        (60, 20, 100, False),  # a fall by less than half of the peak
        (1000, 800, 1000, True),  # a fall by 200, a fifth
        (9000, 8500, 9000, False),  # a fall by 500, but only a twentieth
        (100, 0, 100, False),  # an exit
        (8, 3, 8, False),  # the peak is below ten
    ],
)
def test_is_reduction(before, after, peak, cut) -> None:
    assert bool(is_reduction(before, after, peak, PRIORS)) is cut
