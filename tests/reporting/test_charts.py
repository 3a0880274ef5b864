"""Charts: the drawn curves are the data, colours come from the page, and any text is shown as text."""

import re
from importlib.resources import files
from xml.etree import ElementTree

import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forecast import names
from forecast.quarters import decimal_years
from forecast.reporting import charts, svg
from forecast.reporting.formatting import printable
from forecast.reporting.svg import Frame
from tests.support.bundled_scenarios import DESIGNS
from tests.support.tiny_run_folder import all_checks, make_run

DIGITS = 0.06  # pixels: coordinates are written to a tenth


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("run"), designs=DESIGNS[:2])
    with run.projection as tree:
        return {group: tree[group].to_dataset().load() for group in ("alliance", "members", "missions", "dyads")}


def series(picture):
    """Name of each curve -> its vertices (n, 2) in pixels."""
    found = re.findall(r'data-series="([^"]*)" d="([^"]*)"', picture)
    return {name: np.array(re.findall(r"-?\d+(?:\.\d+)?", path), float).reshape(-1, 2) for name, path in found}


def frame_of(picture):
    """The scales of the first frame of a picture, as its `data-plot` states them."""
    left, right, top, bottom, x0, x1, y0, y1 = map(float, re.search(r'data-plot="([^"]+)"', picture)[1].split())
    return Frame(left=left, right=right, top=top, bottom=bottom, x=(x0, x1), y=(y0, y1))


def check(frame, points, x, y):
    np.testing.assert_allclose(points[:, 0], [frame.across(v) for v in x], atol=DIGITS)
    np.testing.assert_allclose(points[:, 1], [frame.up(v) for v in y], atol=DIGITS)


def wide(pair):
    """The picture for wide screens."""
    return pair.split('<div class="at-narrow">')[0]


def test_stacked_areas_are_the_probabilities_and_sum_to_one(trees):
    data = trees["alliance"]["verdict_probability"].sel(war="win", design="none")
    picture = charts.verdict_chart(data, "key", "title")
    frame, curves = frame_of(picture), series(picture)
    x, floor = decimal_years(data[names.QUARTER].values), 0.0
    for verdict in names.VERDICTS:
        top = floor + data.sel(verdict=verdict).values.astype(float)
        check(frame, curves[verdict], np.append(x, x[::-1]), np.append(floor + 0 * x, top[::-1]))
        floor = top
    np.testing.assert_allclose(floor, 1.0, atol=1e-6)
    assert set(series(charts.verdict_cell(data, "key", "title"))) == set(names.VERDICTS)


def test_a_fan_has_two_bands_and_a_median(trees):
    fan = trees["alliance"]["cohesion"].values.astype(float)
    x = decimal_years(trees["alliance"][names.QUARTER].values)
    picture = charts.fan_chart(x, fan[0, 0], charts.reach_of(fan), "key", "title")
    curves = series(picture)
    check(frame_of(picture), curves["shown median"], x, charts.quantile(fan[0, 0], 0.5))
    edges = charts.quantile(fan[0, 0], 0.1), charts.quantile(fan[0, 0], 0.9)
    check(frame_of(picture), curves["shown 0.1-0.9"], np.append(x, x[::-1]), np.append(edges[0], edges[1][::-1]))
    assert "shown 0.25-0.75" in curves and not curves["compare median"].size


def test_european_fans_open_at_the_last_level(trees):
    data = trees["alliance"]["european_share"].isel(design=0)
    fans = {str(war): data.sel(war=war).values.astype(float) for war in data[names.WAR].values}
    years = data[names.YEAR].values.astype(float)
    lines = {
        "observed": (np.array([2024.0, 2025.0]), np.array([2.1, 2.4])),
        "pledge": (np.array([2025.0, 2031.0]), np.array([2.0, 2.9])),
    }
    picture = wide(charts.europe_chart(fans, years, 2.4, lines, "key"))
    curves = series(picture)
    for war, fan in fans.items():
        x = np.append(years[0] - 1, years)
        check(frame_of(picture), curves[f"{war} median"], x, np.append(2.4, charts.quantile(fan, 0.5)))
    check(frame_of(picture), curves["observed nato"], *lines["observed"])
    check(frame_of(picture), curves["pledge"], *lines["pledge"])
    assert [name for name in curves if name.endswith("0.9")] == [f"{next(iter(fans))} 0.1-0.9"]


def test_observed_spending_has_one_line_for_each_definition(trees):
    curves = series(charts.ally_cell(trees["members"], "FRA", "France"))
    assert set(curves) == {"FRA 0.1-0.9", "FRA 0.25-0.75", "FRA median", "FRA wdi", "FRA nato"}
    assert curves["FRA wdi"][-1, 0] < curves["FRA nato"][0, 0]


def test_the_chosen_allies_are_drawn(trees):
    members, pledge = trees["members"], (np.array([2014.0, 2031.0]), np.array([2.0, 2.9]))
    picture = wide(charts.allies_chart(members, ["USA"], pledge, "key"))
    frame, curves = frame_of(picture), series(picture)
    years, past = members[names.HISTORY_YEAR].values, members["spending_history"].sel(member="USA").values
    check(frame, curves["pick 0 wdi"], years[years < 2014], past[years < 2014])
    check(frame, curves["pick 0 nato"], years[years >= 2014], past[years >= 2014])
    assert not curves["pick 1 median"].size and len(curves) == 4 * len(charts.PICKED) + 1


def test_a_mission_is_drawn_only_while_it_runs(trees):
    data = trees["missions"]
    runs = charts.running(data, "unifil")
    picture = wide(charts.mission_chart(data, "unifil", "UNIFIL", "key"))
    curves = series(picture)
    assert set(curves) == {*names.CURVES, "nominal band", "operational band", "hollow", "collapse"}
    x = decimal_years(data[names.QUARTER].values)[runs]
    chance = data["hollow_probability"].sel(mission="unifil").isel(war=0, design=0).values[runs]
    assert runs.sum() == 4
    check(frame_of(picture), curves["hollow"], x, chance)
    assert not charts.running(data, "alliance")[:2].any()
    crossing = series(wide(charts.crossing_chart(data, ["willing", "alliance"], {}, "key")))
    assert crossing["alliance"][0, 0] > crossing["willing"][0, 0]


def test_history_joins_the_forecast(trees):
    data = trees["alliance"].isel(war=0, design=0)
    future = decimal_years(data[names.QUARTER].values), data["cohesion"].values.astype(float)
    past = {
        "years": [2023, 2024, 2025],
        "lower": [-0.4, -0.3, -0.2],
        "median": [0.0, 0.1, 0.2],
        "upper": [0.4, 0.5, 0.6],
    }
    mark = {"when": "2024Q1", "at": 2024.125, "p": 0.7}
    picture = wide(charts.history_chart(past, future, [mark], "key"))
    frame, curves = frame_of(picture), series(picture)
    check(frame, curves["past median"], [2023.5, 2024.5, 2025.5], past["median"])
    check(frame, curves["join"], [2025.5, future[0][0]], [0.2, charts.quantile(future[1], 0.5)[0]])
    assert "2024Q1: probability of the verdict of that time in the fit 70" in picture
    alone = series(wide(charts.history_chart(None, future, [mark], "key")))
    assert "past median" not in alone and "forecast median" in alone


ROW = {"group": "win", "label": "none", "mean": 0.5, "mcse": 0.02, "lower": -0.2, "upper": 1.1}


@pytest.mark.parametrize("rows", [[ROW], [ROW, ROW | {"group": "lose", "mean": -0.3}]])
def test_a_contrast_is_a_dot_with_its_interval(rows):
    root = ElementTree.fromstring(f"<div>{charts.contrast_chart(rows, 'key', 'title', 'sign units')}</div>")
    for picture in root.iter("svg"):
        titles = [title.text for title in picture.iter("title")]
        assert f"win, none: 0.50, {chr(0x2212)}0.20 to 1.10" in titles
        assert len(list(picture.iter("circle"))) == len(rows)


def test_skill_and_coverage_are_dots():
    skill = {"group": "Spending", "label": "random walk", "skill": 0.1, "p": 0.01, "words": "10.0 % (p 0.010)"}
    picture = wide(charts.skill_chart([skill, skill | {"skill": -0.2}, skill | {"p": None}], "key"))
    assert picture.count("<circle") == 3
    assert picture.count('class="fill-blue"') == picture.count('class="fill-red"') == 1  # only clear differences
    cover = {"group": "Spending", "label": "2000s", "in50": 0.4, "in80": 0.8, "in95": 1.0, "n": 30}
    assert "40 % inside the 50 % interval; 30 forecasts" in wide(charts.coverage_chart([cover], "key"))
    assert charts.coverage_chart([], "key") and charts.skill_chart([], "key")


def test_each_observed_share_has_a_point():
    curves = all_checks()["withdrawal_curves"]["missions"]
    picture = charts.withdrawal_chart(curves, {"isaf": "ISAF"}, "key")
    counted = picture.split('data-series="isaf counted"')[1].split("</g>")[0]
    assert counted.count("<circle") == 3
    assert ">ISAF</text>" in picture


@pytest.mark.parametrize("quarters", [4, 80])
def test_any_horizon_can_be_drawn(tmp_path, quarters):
    run = make_run(tmp_path, wars=("win",), designs=("none",), missions=("kfor",), quarters=quarters)
    with run.projection as tree:
        alliance, members = (tree[g].to_dataset().load() for g in ("alliance", "members"))
    cell, years = alliance.isel(war=0, design=0), alliance[names.YEAR].values.astype(float)
    pictures = (
        charts.verdict_chart(cell["verdict_probability"], "key", "title"),
        charts.europe_chart({"win": cell["european_share"].values}, years, float("nan"), {}, "key"),
        charts.allies_chart(members, ["USA"], (years, years), "key"),
        charts.ally_cell(members, "USA", "USA"),
    )
    for picture in pictures:
        ElementTree.fromstring(f"<div>{picture}</div>")
        assert "nan" not in picture.lower()


def test_pictures_have_no_colours_fonts_or_addresses(trees):
    data = trees["alliance"]["verdict_probability"].isel(war=0, design=0)
    picture = charts.verdict_chart(data, "key", 'a "b" <c>')
    assert picture == charts.verdict_chart(data, "key", 'a "b" <c>')
    assert 'class="fill-blue"' in picture and "http" not in picture and "font" not in picture
    assert "<c>" not in picture and not re.findall(r"(?:fill|stroke)=\"(?!none)", picture)


def test_the_page_has_a_rule_for_every_colour():
    style = (files("forecast.reporting") / "templates" / "style.css").read_text("utf-8")
    for name in svg.COLOURS:
        value = "currentColor" if name == "ink" else f"var(--{name})"
        assert f".fill-{name} {{ fill: {value}; }}" in style
        assert f".line-{name} {{ stroke: {value}; }}" in style


def test_a_forecast_without_history_is_drawn(trees):
    data = trees["members"].copy(deep=True)
    data["spending_history"] = xr.full_like(data["spending_history"], np.nan)
    curves = series(charts.ally_cell(data, "USA", "USA"))
    assert len(curves["USA median"]) == data.sizes[names.YEAR]


@given(low=st.floats(-1e3, 1e3), span=st.floats(1e-3, 1e3), count=st.integers(2, 10))
def test_ticks_are_round_and_within(low, span, count):
    ticks = svg.round_ticks(low, low + span, count)
    assert all(low - 1e-6 * span <= tick <= low + span + 1e-6 * span for tick in ticks)
    steps = np.diff(ticks)
    assert len(ticks) <= 2 * count and (steps.size == 0 or np.allclose(steps, steps[0], rtol=1e-3))


#: Letters that some language takes for markup, or that XML cannot hold.
MARKUP = "$_^\\{}<>&%#`'\"[]()~*|\n\t\r\0\x1b\x0b\x85\u2028\u202e\ufffe\ud800אבZz €ß–😀"


@pytest.mark.case("B05")
@settings(max_examples=20)
@given(st.text(st.sampled_from(MARKUP), min_size=1, max_size=80))
@example("Deal: $50 bn at 2%, $75 bn at 3%")
@example("$x_1$ {{ 7 * 7 }} {% raw %} <script>alert(1)</script>")
@example("\\frac{1}{2} \\text{")
@example("long " * 2000)
def test_a_users_text_is_drawn_as_text(text):
    rows = [ROW | {"group": text, "label": text}]
    root = ElementTree.fromstring(f"<div>{charts.contrast_chart(rows, 'key', text, text)}</div>")
    shown = printable(text)
    drawn = ["".join(element.itertext()) for element in root.iter("text")]
    assert (shown if len(shown) <= 60 else f"{shown[:59]}…") in drawn
    assert root.find(".//title").text == shown
