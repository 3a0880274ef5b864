"""The numbers that the report keeps for its script are those of the run, to the last digit of single precision."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast import names
from forecast.archive.kept_explanations import keep_explanation
from forecast.projection.headlines import KEY, key_of
from forecast.reporting import charts, formatting, page_charts, page_data, report_data
from forecast.reporting.html_report import render
from forecast.reporting.report_data import read_report_data
from forecast.storage.runs import Run
from tests.support.bundled_scenarios import DESIGNS
from tests.support.tiny_run_folder import all_checks, make_run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return read_report_data(make_run(home, designs=DESIGNS[:2], checks=all_checks(), named=True), home)


@pytest.fixture(scope="module")
def tables(data):
    (text,) = re.findall(r'<script type="application/json" id="tables">(.*?)</script>', render(data), re.DOTALL)
    return json.loads(text)


def single(values):
    return np.array(values, "float32").T


def test_the_explorer_has_every_scenario_of_the_run(data, tables):
    explorer, levels = tables["explorer"], [0.1, 0.25, 0.5, 0.75, 0.9]
    assert explorer["quarters"] == data.quarters and len(explorer["cells"]) == 8
    for cell, numbers in explorer["cells"].items():
        war, design = cell.split("/")
        stored = data.alliance.sel(war=war, design=design)
        np.testing.assert_array_equal(single(numbers["v"]), stored["verdict_probability"].values)
        np.testing.assert_array_equal(single(numbers["c"]), stored["cohesion"].sel(quantile=levels).values)
        np.testing.assert_array_equal(single(numbers["s"]), stored["european_share"].sel(quantile=levels).values)


def test_each_ally_has_its_history_and_forecast(data, tables):
    assert set(tables["allies"]["allies"]) == {"FRA", "USA"}  # Iceland has no forecast
    for code, ally in tables["allies"]["allies"].items():
        fan = data.members["spending_share"].sel(member=code, quantile=[0.1, 0.5, 0.9]).isel(war=0, design=0)
        np.testing.assert_array_equal(single(ally["fan"]), fan.values)
        np.testing.assert_array_equal(single(ally["past"]), data.members["spending_history"].sel(member=code).values)


def test_values_under_the_pointer_are_those_of_the_run(data, tables):
    hover = tables["hover"]
    assert {"history", "europe", "crossing", "mission-kfor-chart", "dyad-USA-JPN"} <= set(hover)
    for table in hover.values():
        for row in table["rows"]:
            columns = row["values"] if row["kind"] == "fan" else [row["values"]]
            assert {len(column) for column in columns} == {len(table["at"])} == {len(table["labels"])}
    mission = data.missions.sel(mission="kfor").isel(war=0, design=0)
    rows = {row["name"]: row["values"] for row in hover["mission-kfor-chart"]["rows"]}
    np.testing.assert_array_equal(single(rows["hollow"]), mission["hollow_probability"].values)


def test_cohesion_of_the_past_comes_from_the_draws_of_its_model(data):
    rng = np.random.default_rng(5)
    state = xr.DataArray(rng.normal(size=(2, 50, 3, 4)), dims=("chain", "draw", "year", "factor"))
    weights = xr.DataArray(rng.dirichlet(np.ones(4), (2, 50)), dims=("chain", "draw", "factor"))
    draws = xr.Dataset(
        {"factor_state": state, "factor_weights": weights}, {"year": [2023, 2024, 2025], "factor": list(names.FACTORS)}
    )
    history = page_data.cohesion_history(draws)
    index = (state.values * weights.values[:, :, None, :]).sum(-1).reshape(-1, 3)
    np.testing.assert_allclose(history["index"]["median"], np.quantile(index, 0.5, axis=0))
    np.testing.assert_allclose(history["index"]["lower"], np.quantile(index, 0.1, axis=0))
    norms = state.values[..., names.FACTORS.index("norms")].reshape(-1, 3)
    np.testing.assert_allclose(history["factors"]["upper"]["norms"], np.quantile(norms, 0.9, axis=0))
    page = render(replace(data, cohesion=draws))
    assert "Cohesion since 2023" in page and 'data-series="past median"' in page
    assert page_data.cohesion_history(None) is None


def test_facts_age_and_warn(data):
    finished = {"2026-01-05T06:00:00+00:00": 5, "2026-11-28T04:37:00+00:00": 332}
    for moment, days in finished.items():
        aged = replace(data, run=Run(data.run.path, {**data.manifest, "finished": moment}))
        assert page_data.facts_age(aged) == days
        head = render(aged).split("<nav")[0]
        assert f"{days} days old when this forecast was made" in head
        assert ('data-as-of="2025-12-31" class="unmet"' in head) == (days > page_data.OLD_FACTS)


def test_cards_show_three_parts_and_changes(data):
    cards = page_data.verdict_cards(data)
    assert [card["war"] for card in cards] == ["win", "lose", "stalemate"]
    for card in cards:
        assert [name for name, _ in card["parts"]] == ["Strong", "Fragmented", "Weak"]
        assert sum(p for _, p in card["parts"]) == pytest.approx(1.0, abs=1e-4)
        assert card["change"] == "not compared with an earlier run"
    record = next(h for h in data.headlines if h["target"] == names.EUROPEAN_SPENDING)
    since = {"run": "earlier", "finished": "2026-01-05T06:00:00+00:00", "inputs": [], "compared": 9, "moved": 1}
    move = record | {"before": 1.25, "before_horizon": record["horizon"], "errors": 3.1}
    changed = Run(data.run.path, {**data.manifest, "since": since | {"moves": [move], "flips": []}})
    card = page_data.spending_card(replace(data, run=changed))
    assert card["change"] == f"{record['horizon']} was 1.25\u00a0% of GDP on 2026-01-05"
    verdict = page_data.verdict_cards(replace(data, run=changed))[0]
    assert verdict["change"] == "unchanged since 2026-01-05, within Monte Carlo error"
    others = [{**move, "unit_id": f"other {n}"} for n in range(12)]
    for kept, words in (
        ({}, "not among the 12 clearest moves"),
        ({"card_moves": []}, "unchanged since"),
        ({"card_moves": [move]}, f"{record['horizon']} was"),
    ):
        facts = since | {"moved": 13, "moves": others, "flips": [], **kept}
        many = Run(data.run.path, {**data.manifest, "since": facts})
        assert page_data.spending_card(replace(data, run=many))["change"].startswith(words)
    for passed_over, words in (([], "first run of this plan"), ([{"run": "x"}], "not compared with an earlier run")):
        alone = Run(data.run.path, {**data.manifest, "since": {"run": None, "passed_over": passed_over}})
        assert page_data.spending_card(replace(data, run=alone))["change"] == words


def test_the_pledge_rises_in_a_straight_line_to_2035(data):
    years, levels = page_data.pledge(data)
    assert np.interp([2020, 2025, 2030], years, levels) == pytest.approx([2.0, 2.0, 2.75])
    assert years[-1] == data.members[names.YEAR].values[-1]


def test_european_history_has_the_weights_of_the_forecast(data):
    assert page_data.european_history(data)[0].size == 0  # a run made before the weights were stored
    members = data.members.copy()
    members["spending_history"] = members["spending_history"].fillna(1.0)
    members["spending_history"].loc[{"member": "FRA", names.HISTORY_YEAR: 2025}] = np.nan
    weighted = data.alliance.assign_attrs(european_weights="FRA 0.250000, USA 0.750000")
    years, level = page_data.european_history(replace(data, alliance=weighted, members=members))
    past = members["spending_history"].copy()
    past.loc[{"member": "FRA", names.HISTORY_YEAR: 2025}] = past.sel(member="FRA").sel({names.HISTORY_YEAR: 2024})
    assert years.tolist() == past[names.HISTORY_YEAR].values.tolist()
    np.testing.assert_allclose(level, 0.25 * past.sel(member="FRA") + 0.75 * past.sel(member="USA"), rtol=1e-6)
    unknown = data.alliance.assign_attrs(european_weights="FRA 0.250000, XYZ 0.750000")
    assert page_data.european_history(replace(data, alliance=unknown))[0].size == 0


def test_scheduled_elections_are_marked(tmp_path):
    run = make_run(tmp_path, missions=("kfor",), quarters=12, named=True)
    unknown = read_report_data(run, tmp_path)
    assert unknown.votes is None and "does not hold the elections, so none is marked" in render(unknown)
    due = [
        {"country": "FRA", "date": "2027-04-15", "precision": "month"},
        {"country": "USA", "date": "2028-11-07", "precision": "day"},
    ]
    data = read_report_data(Run(run.path, {**run.manifest, "elections": due}), tmp_path)
    assert data.votes == {("FRA", 2027): "election in 2027-04", ("USA", 2028): "election on 2028-11-07"}
    page = render(data)
    p = formatting.probability(data.members["leader_change_probability"].sel(member="FRA", year=2027).item())
    assert f"<title>France 2027: {p}, election in 2027-04</title>" in page
    assert f'<abbr title="election in 2027-04">•</abbr> {p}</td>' in page
    assert page.count("election on 2028-11-07") == 3  # two widths of the picture, and the table


def test_an_explained_change_is_drawn_as_a_waterfall(data, tmp_path):
    record = next(h for h in data.headlines if h["target"] == names.EUROPEAN_SPENDING)
    since = {"run": "2025-09-30-specimen-11111111", "finished": "2026-01-05T06:00:00+00:00"}
    since |= {"inputs": [], "compared": 9}
    move = record | {"before": record["value"] - 0.25, "before_horizon": record["horizon"], "errors": 3.1}
    changed = Run(data.run.path, {**data.manifest, "since": since | {"moved": 1, "moves": [move], "flips": []}})
    parts = [{"part": "new data", "value": 0.4}, {"part": "<priors>", "value": -0.15}, {"part": "none", "value": 1e-6}]
    row = dict(zip(KEY, key_of(record), strict=True))
    row |= {"before": record["value"] - 0.25, "after": record["value"], "error": 0.1, "contributions": parts}
    asked = read_report_data(changed, tmp_path)
    assert f"<code>forecast explain {since['run']} {data.run.id}</code>" in render(asked)
    keep_explanation(tmp_path, {"before": since["run"], "after": data.run.id, "headlines": [row]})
    drawn = read_report_data(changed, tmp_path)
    assert [kept["record"] for kept in drawn.explained] == [record]
    page = render(drawn)
    assert "forecast explain" not in page and "Waterfall by input" in page
    assert "new data +0.400" in page and "&lt;priors&gt; −0.150" in page
    assert f"this run {record['value']:.3f}" in page and "none 0.000" in page
    keep_explanation(tmp_path, {"before": since["run"], "after": data.run.id, "headlines": [row | {"after": 0.0}]})
    assert read_report_data(changed, tmp_path).explained == []  # not the values of this run


def test_waterfalls_show_moves_beyond_chance_of_main_targets_first(data):
    part = [{"part": "priors", "value": 0.25}]
    chosen = {h["target"]: h for h in data.headlines}
    spending, verdict = chosen[names.EUROPEAN_SPENDING], chosen[names.COHESION_VERDICT]
    other = next(h for target, h in chosen.items() if target not in names.MAIN_TARGETS)
    moved = {"before": 0.5, "after": 0.75, "error": 0.12, "contributions": part}
    rows = [{"record": other, **moved}, {"record": verdict, **moved}, {"record": spending, **moved, "error": 0.13}]
    shown = report_data.explained_rows(replace(data, explained=rows))
    assert [row["record"] for row in shown] == [verdict, other]
    assert shown[0]["percent"] and "priors +25.0\u00a0pp" in charts.waterfall_chart(shown[0], "key")
    assert all(row["title"][0].isupper() for row in shown)


@pytest.mark.case("A4")
def test_head_counts_are_dated():
    notes = (
        "last observed long ago: KAZ; last head count: USA (2022-01), DEU (2021-05); no head count, size estimated: EST"
    )
    assert page_data.head_counts(notes) == {
        "USA": "2022-01 (old)",
        "DEU": "2021-05 (old)",
        "EST": "none: size estimated",
    }


def test_the_question_names_what_varies(tmp_path):
    one = {"missions": ("kfor",), "quarters": 4}
    for number, (kept, end) in enumerate(
        (
            ({}, "what the end of the war in Ukraine changes"),
            ({"wars": ("win",)}, "what the design of the alliance changes"),
            ({"wars": ("win",), "designs": ("none",)}, "to 2026"),
        )
    ):
        home = tmp_path / str(number)
        assert page_data.question(read_report_data(make_run(home, **one, **kept), home)).endswith(end)


def test_numbers_in_a_page_cannot_close_the_script():
    text = page_data.as_json({"label": "</script><b>&", "x": [float("nan"), 0.5]})
    assert "<" not in text and json.loads(text) == {"label": "</script><b>&", "x": [None, 0.5]}


def test_a_run_without_scores_draws_no_skill(data):
    assert page_data.skill_rows(data) == page_data.coverage_rows(data) == []
    assert set(page_charts.values(data, None)) == {"explorer", "allies", "styles", "hover"}
