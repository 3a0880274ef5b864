"""Headlines beside the main targets: equal to the stored estimates, with baselines where there is a rate."""

import math
from pathlib import Path

import numpy as np
import pytest

from forecast import names
from forecast.models.alliance_exit import Rate
from forecast.projection import output_schema
from forecast.projection.headlines import KEY, key_of
from forecast.storage.runs import Run
from tests.support.bundled_scenarios import DESIGNS, WARS
from tests.support.tiny_run_folder import make_run

VARIABLES = {
    names.ALLIANCE_EVENT: ("event_probability", names.EVENT),
    names.COHESION_FACTOR: ("factor_mean", names.FACTOR),
    names.ALLIANCE_INDEX: ("index_mean", names.INDEX),
    names.NEW_MISSIONS: ("new_missions", ""),
    names.ENTRAPMENT: ("entrapment_probability", ""),
    names.DEFECTIONS: ("defections", names.MODE),
}
LANDMARKS = {
    "collapsed": "collapse_probability",
    "ended": "nominal_end_probability",
    "handed_over": "hand_over_probability",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("home"), designs=DESIGNS[:2])


def test_each_is_the_stored_estimate_with_its_error(run: Run) -> None:
    seen = set()
    with run.projection as tree:
        errors = tree[names.MCSE].to_dataset()
        for record in run.headlines:
            name, dim = VARIABLES.get(record["target"], ("", ""))
            if record["target"] == names.MISSION_LANDMARK:
                name = LANDMARKS[record["category"]]
            if not name:
                continue
            data = tree[output_schema.VARIABLES[name].group].to_dataset()[name]
            place = {"war": record["war"], "design": record["design"]} | ({dim: record["category"]} if dim else {})
            place |= {"quarter": record["horizon"]} if "quarter" in data.dims else {}
            place |= {"mission": record["unit_id"]} if "mission" in data.dims else {}
            assert record["value"] == pytest.approx(data.sel(place).item(), abs=1e-5)
            stored = errors[name].sel(place | {names.SOURCE: "total"}).item()
            assert record["mcse"] == pytest.approx(stored, abs=1e-5)
            assert record["design"] == "none"
            seen.add((record["target"], record["category"]))
    for target, labels in (
        (names.ALLIANCE_EVENT, names.EVENTS),
        (names.COHESION_FACTOR, names.FACTORS),
        (names.ALLIANCE_INDEX, names.INDICES),
        (names.MISSION_LANDMARK, names.LANDMARKS),
        (names.DEFECTIONS, names.MODES),
        (names.NEW_MISSIONS, (None,)),
        (names.ENTRAPMENT, (None,)),
    ):
        assert {category for name, category in seen if name == target} == set(labels)


def test_keys_are_unique_and_every_war_has_each(run: Run) -> None:
    assert len({key_of(record) for record in run.headlines}) == len(run.headlines)
    groups: dict[tuple[str, ...], set[str]] = {}
    for record in run.headlines:
        rest = tuple(str(record[name]) for name in KEY if name != "war")
        groups.setdefault(rest, set()).add(record["war"])
    assert all(wars == set(WARS) for wars in groups.values())


def test_only_a_coalition_can_be_handed_over_and_an_ended_mission_counts_its_defections(run: Run) -> None:
    handed = {r["unit_id"] for r in run.headlines if r["category"] == "handed_over"}
    assert handed == {"willing"}
    ended = [r for r in run.headlines if r["target"] == names.DEFECTIONS and r["unit_id"] == "unifil"]
    assert {r["horizon"] for r in ended} == {"2026Q4"}  # its last quarter
    assert not [r for r in run.headlines if r["target"] == names.MISSION_LANDMARK and r["unit_id"] == "unifil"]


def test_baselines_and_judgement(run: Run) -> None:
    by_target: dict[str, list[dict[str, object]]] = {}
    for record in run.headlines:
        by_target.setdefault(record["target"], []).append(record)
    for record in by_target[names.ALLIANCE_EVENT]:
        years = {"2030Q4": 5.0, "2031Q4": 6.0}[str(record["horizon"])]
        if record["category"] == "notice":
            assert record["baseline"] == pytest.approx(1 - (1000 / (1000 + 30 * years)) ** 2, abs=1e-5)
            assert record["baseline_name"] == "base_rate"
        else:
            assert (record["baseline"], record["baseline_name"]) == (None, None)
        assert record["judgement"] == 0.22
    assert {r["judgement"] for r in by_target[names.ALLIANCE_INDEX]} == {0.31}
    assert {r["judgement"] for r in by_target[names.COHESION_FACTOR]} == {None}  # its paths are not sampled
    assert {r["category"] for r in by_target[names.SPENDING_AT_LEAST]} == {"2", "3.5"}
    assert {(r["category"], r["baseline"]) for r in by_target[names.SPENDING_AT_LEAST]} == {("2", 1.0), ("3.5", 0.0)}
    assert {r["decided"] for r in run.headlines if r["target"] != names.COHESION_VERDICT} == {None}


def test_verdicts_say_whether_they_are_decided(run: Run) -> None:
    from forecast.projection.headlines import verdicts

    scenarios = verdicts(run.headlines)
    for record in run.headlines:
        if record["target"] == names.COHESION_VERDICT:
            assert record["decided"] is scenarios[record["war"], record["design"]].decided
    assert {verdict.decided for verdict in scenarios.values()} == {True, False}


def test_a_short_plan_has_one_horizon(tmp_path: Path) -> None:
    short = make_run(tmp_path, wars=("win",), designs=("none",), missions=("kfor",), quarters=4)
    events = [r for r in short.headlines if r["target"] == names.ALLIANCE_EVENT]
    assert {(r["horizon"], r["horizon_role"]) for r in events} == {("2026Q4", names.END_OF_HORIZON)}
    assert not [r for r in short.headlines if r["target"] == names.MISSION_LANDMARK]


@pytest.mark.parametrize(("units", "delay", "years"), [(1, 0.0, 10.0), (31, 0.0, 5.0), (31, 1.0, 5.0), (31, 1.0, 0.5)])
def test_a_rate_is_averaged_over_its_distribution(units: int, delay: float, years: float) -> None:
    rates = np.random.default_rng(2).gamma(2.5, 1 / 800.0, 400_000)
    expected = float(np.mean(1 - np.exp(-rates * units * max(years - delay, 0.0))))
    chance = Rate(shape=2.5, years=800.0, units=units, delay=delay).chance(years)
    assert chance == pytest.approx(expected, abs=4 * 0.5 / math.sqrt(rates.size))
