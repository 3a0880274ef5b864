"""Figures: the drawn curves are the data, and colours come from the page."""

import re
from importlib.resources import files
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forecast import names
from forecast import quarters as quarters_module
from forecast.reporting import figures
from forecast.reporting.formatting import printable
from forecast.reporting.svg import COLOUR_NAMES
from tests.support.tiny_run_folder import all_checks, make_run

DIGITS = 0.02  # of a panel's height: coordinates are written to a hundredth of a point


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("run"), designs=names.DESIGNS[:2])
    with run.projection as tree:
        return {group: tree[group].to_dataset().load() for group in ("alliance", "members", "missions")}


@pytest.fixture(scope="module")
def members(trees):
    return trees["members"]


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


#: Settings that a user's matplotlibrc or notebook may hold; each would change or stop a picture.
HOSTILE = {
    "text.usetex": True,
    "text.parse_math": True,
    "font.size": 30,
    "font.family": "monospace",
    "figure.dpi": 200,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "black",
    "axes.facecolor": "black",
    "axes.grid": True,
    "axes.prop_cycle": matplotlib.cycler(color=["k"]),
    "axes.titlelocation": "left",
    "axes.unicode_minus": False,
    "axes.xmargin": 0.3,
    "lines.linewidth": 9,
    "lines.marker": "o",
    "path.simplify": False,
    "path.sketch": (1, 100, 2),
    "savefig.bbox": "tight",
    "savefig.transparent": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "mine",
    "xtick.labelsize": 30,
    "ytick.direction": "in",
}


@pytest.mark.case("B06")
def test_a_users_settings_reach_no_figure_and_stay_as_they_are(trees):
    checks = all_checks()["withdrawal_curves"]["missions"]

    def draw():
        return [
            figures.verdict_areas(trees["alliance"], {}),
            figures.cohesion_fans(trees["alliance"], {}),
            figures.european_fans(trees["alliance"], names.WAR, 2.4, {}),
            figures.member_fan(trees["members"], "FRA", "France"),
            figures.mission_curves(trees["missions"], "unifil", "UNIFIL"),
            figures.crossing(trees["missions"], ["willing", "alliance"], {}),
            figures.withdrawal_check(checks, {}),
        ]

    expected = draw()
    with matplotlib.rc_context(HOSTILE):
        before = dict(matplotlib.rcParams)
        assert draw() == expected
        assert dict(matplotlib.rcParams) == before


#: Letters that some language takes for markup, or that XML cannot hold.
MARKUP = "$_^\\{}<>&%#`'\"[]()~*|\n\t\r\0\x1b\x0b\x85\u2028\u202e\ufffe\ud800אبZz €ß–😀"


@pytest.mark.case("B05")
@settings(max_examples=20)
@given(st.text(st.sampled_from(MARKUP), min_size=1, max_size=80))
@example("Deal: $50 bn at 2%, $75 bn at 3%")
@example("$x_1$ {{ 7 * 7 }} {% raw %} <script>alert(1)</script>")
@example("\\frac{1}{2} \\text{")
@example("long " * 2000)
def test_a_users_text_is_drawn_as_text(members, text):
    root = ElementTree.fromstring(figures.member_fan(members, "USA", text))
    shown = printable(text)
    assert root.attrib["aria-label"].startswith(shown)
    drawn = ["".join(element.itertext()) for element in root.iter("text")]
    assert (shown if len(shown) <= 60 else f"{shown[:59]}…").strip() in [title.strip() for title in drawn] + [""]
