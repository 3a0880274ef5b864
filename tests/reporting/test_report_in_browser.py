"""The report in Chromium: no error, no request, no fault of accessibility, and what the reader chooses is the run's."""

import gzip
import json
from pathlib import Path

import pytest

from forecast import names
from forecast.reporting import formatting
from forecast.reporting.html_report import write_index, write_report
from forecast.reporting.report_data import read_report_data
from forecast.storage.runs import Run
from tests.support.browser import CHROMIUM, Browser
from tests.support.bundled_scenarios import DESIGNS, WARS
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
