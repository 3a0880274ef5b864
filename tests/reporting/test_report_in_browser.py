"""The report in Chromium: no error, no request, no fault of accessibility, and what the reader chooses is the run's."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast import names
from forecast.reporting import formatting
from forecast.reporting.html_report import render, write_index, write_report
from forecast.reporting.report_data import read_report_data
from forecast.storage.runs import Run
from tests.support.browser import CHROMIUM, Browser
from tests.support.bundled_scenarios import DESIGNS, WARS
from tests.support.markdown_code import ROOT
from tests.support.tiny_run_folder import ID, all_checks, make_run

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no chromium: pages not opened")]

#: axe-core 4.14.1 by Deque Systems, under the Mozilla Public License 2.0; its notice is in the file.
AXE = Path(__file__).parents[1] / "data" / "axe.min.js.gz"
#: Rules of accessibility: WCAG 2.2 up to level AA, and good practice.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIEWS = [(390, False), (390, True), (820, False), (820, True), (1440, False), (1440, True)]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("home"), checks=all_checks(), named=True)


@pytest.fixture(scope="module")
def page(run):
    home = run.path.parents[1]
    write_index(home)
    return write_report(run, home)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def faults(browser):
    """What axe finds, as rule and the first element that breaks it."""
    browser.run(gzip.decompress(AXE.read_bytes()).decode() + ";0")
    options = json.dumps({"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]})
    script = f"axe.run(document, {options}).then((r) => r.violations.map((v) => [v.id, v.nodes[0].html.slice(0, 200)]))"
    return browser.run(script)


@pytest.mark.parametrize(("width", "dark"), VIEWS)
def test_the_report_is_sound_at_every_width_and_in_both_schemes(browser, page, width, dark):
    browser.open(page, width, dark=dark)
    assert browser.messages == []
    assert [url for url in browser.requests if url != page.as_uri()] == ["data:,"] * (len(browser.requests) - 1)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert faults(browser) == []
    browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; }); 0")
    assert faults(browser) == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert page.stat().st_size <= 3_000_000


def test_the_first_chart_is_on_the_first_screen(browser, page):
    for width, height in ((1440, 900), (390, 844)):
        browser.open(page, width, height=height)
        assert browser.run("document.querySelector('.three').getBoundingClientRect().bottom") < height


@pytest.fixture(scope="module")
def full_page(run, tmp_path_factory):
    """The page with all that a run can have: past cohesion, scores, votes, and an explained change."""
    data = read_report_data(run, run.path.parents[1])
    rng = np.random.default_rng(5)
    draws = xr.Dataset(
        {
            "factor_state": (("chain", "draw", "year", "factor"), rng.normal(size=(1, 50, 41, 4))),
            "factor_weights": (("chain", "draw", "factor"), rng.dirichlet(np.ones(4), (1, 50))),
        },
        {"year": range(1985, 2026), "factor": list(names.FACTORS)},
    )
    (scores,) = (ROOT / "runs" / "scores").glob("*/table.json")
    moved = [h for h in run.headlines if h["target"] in names.MAIN_TARGETS][::9]
    moves = [h | {"before": h["value"] * 0.9, "before_horizon": h["horizon"], "errors": 3.1} for h in moved]
    side = {"category": "Weak", "value": 0.45, "horizon": "2027Q4", "decided": False}
    flips = [{"war": war, "design": "none", "before": side, "now": side} for war in ("win", "lose")]
    since = {"run": "earlier", "finished": "2026-01-05T06:00:00+00:00", "inputs": ["table threat"], "compared": 90}
    since |= {"moved": len(moves), "moves": moves, "flips": flips}
    parts = [{"part": part, "value": 0.01} for part in ("new data", "horizon roll", "scenario definition", "priors")]
    full = replace(
        data,
        run=Run(run.path, {**run.manifest, "since": since}),
        cohesion=draws,
        scores={**json.loads(scores.read_text()), "models": {}},
        votes={("FRA", 2027): "election in 2027-04"},
        explained=[{"record": h, "before": 0.9, "after": 1.0, "error": 0.01, "contributions": parts} for h in moved],
    )
    page = tmp_path_factory.mktemp("full") / "index.html"
    page.write_text(render(full), encoding="utf-8")
    return page


def test_the_page_has_at_most_six_screens_before_a_fold_is_opened(browser, full_page):
    browser.open(full_page, 1440, height=900)
    assert browser.messages == []
    assert browser.run("document.querySelectorAll('svg[aria-label*=\"change by input\"]').length") == 4
    assert browser.run("document.documentElement.scrollHeight") <= 6 * 900
    assert browser.run("document.querySelectorAll('details[open]').length") == 0
    assert faults(browser) == []


LONG = "A long label of an own scenario,"


def cut_off(browser):
    """Return probabilities, cells of the grid and texts of pictures that do not stand inside their boxes."""
    beyond = "e.getBoundingClientRect().right > document.documentElement.clientWidth + 1"
    tests = {
        ".three b": "e.offsetWidth > e.parentNode.clientWidth",
        "tbody th": "e.scrollWidth > e.clientWidth + 1",
        "a.cell, a.cell .says": "e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1",
        "svg text": f"e.getBoundingClientRect().width && (e.getBoundingClientRect().left < -1 || {beyond})",
    }
    shown = "map((e) => e.outerHTML.slice(0, 120))"
    scripts = (f"[...document.querySelectorAll('{css}')].filter((e) => {test}).{shown}" for css, test in tests.items())
    return [found for script in scripts for found in browser.run(script)]


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_no_label_is_cut_off(browser, full_page, width):
    browser.open(full_page, width)
    assert browser.run("[...document.querySelectorAll('.three b')].filter((e) => e.offsetWidth).length") > 20
    assert cut_off(browser) == []
    browser.run("document.querySelector('.three').style.width = '20em'; 0")
    browser.run("document.querySelector('.three b').style.cssText = 'display: inline-block; width: 30em'; 0")
    assert len(cut_off(browser)) == 1


@pytest.mark.parametrize(("size", "label"), [(1, LONG), (3, LONG), (5, LONG), (5, "W" * 150)])
def test_own_scenarios_with_long_labels_fit(browser, tmp_path, size, label):
    wars, designs = ([f"{kind}_{n}" for n in range(size)] for kind in ("war", "design"))
    made = make_run(tmp_path, wars=wars, designs=designs if size == 5 else designs[:1], quarters=12, named=True)
    data = read_report_data(made, tmp_path)
    for part in ("wars", "designs"):
        for n, entry in enumerate(data.priors["grid"][part].values()):
            entry["label"] = f"{label} {part} number {n}"
    page = tmp_path / "index.html"
    page.write_text(render(data), encoding="utf-8")
    for width in (390, 1440):
        browser.open(page, width)
        assert browser.messages == [] and faults(browser) == []
        assert browser.run("document.documentElement.scrollWidth") <= width
        shown = cut_off(browser)  # pictures shorten a label, but by its letters, not by their width
        assert [found for found in shown if label == LONG or not found.startswith("<text")] == []
    assert browser.run("document.querySelectorAll('a.cell').length") == len(data.verdicts)
    assert browser.run("document.querySelectorAll('a[href$=contrasts]').length") == (size > 1)


def readout(browser):
    """The rows of the table below the explorer, as text."""
    script = "[...document.querySelectorAll('#readout tbody tr')].map((r) => [...r.cells].map((c) => c.innerText))"
    return [[" ".join(cell.split()) for cell in row] for row in browser.run(script)]


def expected(data, war, design, quarter):
    cell = data.alliance.sel(war=war, design=design)
    at = cell.sel(quarter=quarter)
    year = min(max(int(quarter[:4]), int(cell[names.YEAR][0])), int(cell[names.YEAR][-1]))

    def fan(values):
        low, middle, high = (formatting.number(float(values.sel(quantile=level))) for level in (0.1, 0.5, 0.9))
        return f"{middle} ({low} to {high})"

    classes = [float(at["verdict_probability"].sel(verdict=v)) for v in reversed(names.VERDICTS)]
    shown = [formatting.probability(p).replace("\u00a0", " ") for p in classes]
    return [*shown, fan(at["cohesion"]), fan(cell["european_share"].sel(year=year))]


def test_the_explorer_shows_the_chosen_scenarios_of_the_run(browser, run, page):
    data = read_report_data(run, run.path.parents[1])
    browser.open(page, 1440, fragment="#war=lose&design=none&with=win/business_as_usual&at=2029Q3")
    rows = readout(browser)
    assert [row[0] for row in rows] == ["War lose × Design none", "War win × Design business_as_usual"]
    assert rows[0][1:] == expected(data, "lose", "none", "2029Q3")
    assert rows[1][1:] == expected(data, "win", "business_as_usual", "2029Q3")
    browser.run("document.querySelector('[data-cell=\"stalemate/division_of_labour\"]').click()")
    assert readout(browser)[0][1:] == expected(data, "stalemate", "division_of_labour", "2029Q3")
    assert "war=stalemate&design=division_of_labour" in browser.run("location.hash")
    for war in WARS:
        for design in DESIGNS:
            choose = f"const f = document.querySelector('#explorer form'); f.elements.war.value = '{war}';"
            choose += f"f.elements.design.value = '{design}'; f.dispatchEvent(new Event('input'));"
            browser.run(f"{{ {choose} }} 0")
            assert readout(browser)[0][1:] == expected(data, war, design, "2029Q3")


@pytest.mark.parametrize(
    ("fragment", "war", "design", "quarter"),
    [
        ("#at=2026Q1", "neutral", "none", "2026Q1"),
        ("#war=lose", "lose", "none", None),
        ("#design=division_of_labour&war=peace&at=2026Q2", "neutral", "division_of_labour", "2026Q2"),
        ("#war=lose&design=none&with=win/nothing&at=1999Q1&allies=XYZ", "lose", "none", None),
    ],
)
def test_an_address_keeps_the_parts_that_the_page_knows(browser, run, page, fragment, war, design, quarter):
    data = read_report_data(run, run.path.parents[1])
    browser.open(page, 1440, fragment=fragment)
    (row,) = readout(browser)
    assert row[1:] == expected(data, war, design, quarter or data.quarters[data.verdict_quarter])
    assert browser.run("document.querySelectorAll('.picker input:checked').length") > 0
    assert not any(part in browser.run("location.hash") for part in ("peace", "nothing", "1999", "XYZ"))


def test_values_appear_under_the_pointer_and_by_keyboard(browser, run, page):
    data = read_report_data(run, run.path.parents[1])
    browser.open(page, 1440)
    chart = "document.querySelector('[data-key=\"explore-verdict\"]').ownerSVGElement"
    press = f"{chart}.dispatchEvent(new KeyboardEvent('keydown', {{ key: 'ArrowRight', bubbles: true }}))"
    browser.run(f"{press}; {press}; 0")
    tip = " ".join(browser.run("document.querySelector('.tip').innerText").split())
    strong = data.alliance["verdict_probability"].isel(war=0, design=0, quarter=1).sel(verdict="Strong").item()
    assert tip.startswith(f"{data.quarters[1]} Strong {formatting.probability(strong)}".replace("\u00a0", " "))
    browser.run(f"{chart}.dispatchEvent(new Event('pointerleave')); 0")
    assert browser.run("document.querySelector('.tip').hidden")


def test_at_most_five_allies_are_chosen_and_drawn(browser, page):
    browser.open(page, 820, fragment="#allies=USA")
    assert browser.run("document.querySelectorAll('.picker input:checked').length") == 1
    lines = "[...document.querySelectorAll('.at-wide [data-key=allies] [data-series$=median]')]"
    assert browser.run(f"{lines}.filter((l) => l.getAttribute('d')).length") == 1
    browser.run("document.querySelector('.picker input[value=FRA]').click()")
    assert browser.run(f"{lines}.filter((l) => l.getAttribute('d')).length") == 2
    assert browser.run("document.querySelector('#picked').innerText").split("\n")[:2] == ["France", "United States"]
    browser.run("document.querySelector('.picker input[value=USA]').click()")
    assert browser.run("location.hash").endswith("allies=FRA")


def test_without_scripts_the_page_shows_every_chart(browser, page):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page, 1440)
        text = page.read_text("utf-8")
        assert 'data-series="shown median" d="M' in text and 'data-series="pick 0 median" d="M' in text
        assert "js-only" in text and browser.messages == []
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_the_browser_notices_errors_and_requests(browser, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text("<html><img src='http://127.0.0.1:9/x.png'><script>console.error('bad')</script></html>")
    browser.open(page, 900)
    assert "http://127.0.0.1:9/x.png" in browser.requests
    assert any("bad" in message for message in browser.messages)
    assert faults(browser) != []


def test_index_and_model_pages_are_sound(browser, page):
    for other in [page.parents[1] / "index.html", *(p for p in page.parent.glob("*.html") if p != page)]:
        browser.open(other, 1440)
        assert browser.messages == [], other
    assert page.parent.name == ID
