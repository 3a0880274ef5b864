"""Figures: the drawn curves are the data, and colours come from the page."""

import re
from importlib.resources import files

import numpy as np
import pytest
import xarray as xr

from forecast import names
from forecast import quarters as quarters_module
from forecast.reporting import figures
from forecast.reporting.svg import COLOUR_NAMES
from tests.support.tiny_run_folder import all_checks, make_run

DIGITS = 0.02  # of a panel's height: coordinates are written to a hundredth of a point


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("run"), designs=names.DESIGNS[:2])
    with run.projection as tree:
        return {group: tree[group].to_dataset().load() for group in ("alliance", "members", "missions")}


def series(svg):
    """Name of each curve -> its vertices (n, 2)."""
    curves = {}
    for name, path in re.findall(r'data-series="([^"]+)">\s*<path d="([^"]+)"', svg):
        numbers = np.array(re.findall(r"-?\d+(?:\.\d+)?", path), float)
        curves[name] = numbers.reshape(-1, 2)
    return curves


def heights(area, n):
    """Lower and upper curve of a filled area of n points, in points from the top."""
    return area[:n, 1], area[n : 2 * n, 1][::-1]


def test_stacked_areas_are_the_probabilities_and_sum_to_one(trees):
    data = trees["alliance"]
    curves = series(figures.verdict_areas(data, {}))
    n = data.sizes[names.QUARTER]
    assert len(curves) == 4 * 2 * 3
    for war in names.WARS:
        for design in names.DESIGNS[:2]:
            layers = [heights(curves[f"{v} {war} {design}"], n) for v in names.VERDICTS]
            panel = layers[0][0][0] - layers[-1][1][0]
            for (low, high), verdict in zip(layers, names.VERDICTS, strict=True):
                p = data["verdict_probability"].sel(war=war, design=design, verdict=verdict).values
                np.testing.assert_allclose((low - high) / panel, p, atol=DIGITS)
            np.testing.assert_allclose(layers[-1][1], layers[-1][1][0], atol=0.02)


def test_each_panel_has_two_bands_and_a_median(trees):
    curves = series(figures.cohesion_fans(trees["alliance"], {}))
    assert len(curves) == 4 * 2 * 3
    for low, high in ((0.1, 0.9), (0.25, 0.75)):
        assert f"win none {low}-{high}" in curves
    wide, narrow = (curves[f"win none {b}"] for b in ("0.1-0.9", "0.25-0.75"))
    n = trees["alliance"].sizes[names.QUARTER]
    assert (heights(wide, n)[0] >= heights(narrow, n)[0]).all()


@pytest.mark.parametrize(("along", "panels"), [(names.WAR, 4), (names.DESIGN, 2)])
def test_european_fans_open_at_the_last_level(trees, along, panels):
    curves = series(figures.european_fans(trees["alliance"], along, 2.4, {}))
    assert len(curves) == 3 * panels
    band = curves[f"{trees['alliance'][along].values[0]} 0.1-0.9"]
    start = band[band[:, 0] == band[0, 0]]
    assert np.ptp(start[:, 1]) == 0
    assert np.unique(band[:, 0]).size == trees["alliance"].sizes[names.YEAR] + 1


def test_observed_spending_has_one_line_for_each_definition(trees):
    curves = series(figures.member_fan(trees["members"], "FRA", "France"))
    assert set(curves) == {
        "wdi",
        "nato",
        "neutral 0.1-0.9",
        "neutral median",
        "win median",
        "lose median",
    }
    assert curves["wdi"][-1, 0] < curves["nato"][0, 0]


def test_a_mission_is_drawn_only_while_it_runs(trees):
    data = trees["missions"]
    curves = series(figures.mission_curves(data, "unifil", "UNIFIL"))
    assert set(curves) == {
        "nominal",
        "operational",
        "nominal_by_count",
        "nominal band",
        "operational band",
        "hollow",
        "collapse",
    }
    assert len(curves["nominal"]) == figures.running(data, "unifil").sum() == 4
    assert not figures.running(data, "alliance")[:2].any()
    crossing = series(figures.crossing(data, ["willing", "alliance"], {}))
    assert crossing["alliance"][0, 0] > crossing["willing"][0, 0]


def test_each_observed_share_has_a_point():
    curves = all_checks()["withdrawal_curves"]["missions"]
    svg = figures.withdrawal_check(curves, {"isaf": "ISAF"})
    counted = svg.split('data-series="isaf counted"')[1].split("</g>\n</g>")[0]
    assert counted.count("<use") == 3
    assert ">ISAF</text>" in svg


def test_quarters_become_years():
    assert quarters_module.decimal_years(["2026Q1", "2027Q4"]).tolist() == [2026.0, 2027.75]


@pytest.mark.parametrize("quarters", [4, 80])
def test_any_horizon_can_be_drawn(tmp_path, quarters):
    run = make_run(tmp_path, wars=("win",), designs=("none",), missions=("kfor",), quarters=quarters)
    with run.projection as tree:
        alliance, members = (tree[g].to_dataset().load() for g in ("alliance", "members"))
    for svg in (
        figures.verdict_areas(alliance, {}),
        figures.cohesion_fans(alliance, {}),
        figures.european_fans(alliance, names.DESIGN, float("nan"), {}),
        figures.member_fan(members, "USA", "USA"),
    ):
        assert svg.startswith("<svg ") and svg.endswith("</svg>")
        assert "nan" not in svg.lower()


def test_svgs_have_no_colours_fonts_or_addresses(trees):
    svg = figures.verdict_areas(trees["alliance"], {"win": 'a "b" <c>'})
    assert svg == figures.verdict_areas(trees["alliance"], {"win": 'a "b" <c>'})
    assert 'class="fill-blue"' in svg and 'class="fill-ink"' in svg
    assert "http" not in svg and "font-family" not in svg and "<metadata" not in svg
    assert "<c>" not in svg
    assert not re.findall(r"(?:fill|stroke): #", svg)


def test_the_page_has_a_rule_for_every_colour():
    style = (files("forecast.reporting") / "templates" / "style.css").read_text("utf-8")
    for name in COLOUR_NAMES.values():
        value = "currentColor" if name == "ink" else f"var(--{name})"
        assert f".fill-{name} {{ fill: {value}; }}" in style
        assert f".line-{name} {{ stroke: {value}; }}" in style


def test_a_forecast_without_history_is_drawn(trees):
    data = trees["members"].copy(deep=True)
    data["spending_history"] = xr.full_like(data["spending_history"], np.nan)
    curves = series(figures.member_fan(data, "USA", "USA"))
    assert len(curves["neutral median"]) == data.sizes[names.YEAR]
