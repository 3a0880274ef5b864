"""Pages of fitted models: numbers and bytes, and every page in a browser if Chromium is installed."""

import json
import re
import shutil
import subprocess
from urllib.parse import urlsplit

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom

from forecast import names
from forecast.evaluation.calibration.contract_lines import make_line
from forecast.evaluation.calibration.contract_store import FOLDER, contract_name
from forecast.reporting.fit_charts import _band, elapsed_chart, khat_chart, outside_band, pit_chart
from forecast.reporting.html_report import write_index, write_report
from forecast.reporting.model_diagrams import EQUATIONS, draw_graph
from forecast.reporting.model_page import read_fit
from forecast.storage.files import replace_json, write_tree
from forecast.storage.runs import Run, open_run, write_manifest
from forecast.workspace.provenance import CONTRACT_VERSION
from tests.support.tiny_run_folder import make_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-features=NetworkTimeServiceQuerying
--enable-logging=stderr""".split()
#: Hosts that the browser contacts without any page; no page of a report may name them.
BROWSER_HOSTS = {"update.googleapis.com", "accounts.google.com", "clients2.google.com", "www.google.com"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    run = make_run(home, wars=("neutral", "win"), designs=("none",), quarters=12)
    rng = np.random.default_rng(3)
    draws = {
        "kappa": (("chain", "draw"), rng.beta(6.0, 100.0, (2, 200))),
        "target": (("chain", "draw", "country"), rng.normal(size=(2, 200, 3))),
    }
    energy = {"energy": (("chain", "draw"), rng.normal(size=(2, 200)))}
    groups = {
        names.POSTERIOR: xr.Dataset(draws, coords={"country": ["FRA", "POL", "USA"]}),
        "sample_stats": xr.Dataset(energy),
    }
    write_tree(run.path / "posterior" / "spending.nc", xr.DataTree.from_dict(groups))
    write_manifest(run.path, run.manifest)
    return open_run(run.id, home)


@pytest.fixture(scope="module")
def folder(run):
    home = run.path.parents[1]
    page = write_report(run, home)
    write_index(home)
    return page.parent


def test_the_numbers_of_a_fit_are_those_stored(run):
    fit = read_fit(run, "spending", run.json(names.PRIORS)["priors"])
    with run.posterior("spending") as tree:
        kappa = tree[names.POSTERIOR]["kappa"].to_numpy()
    (row,) = fit["rows"]
    assert row["mean"] == pytest.approx(kappa.mean())
    assert row["lower"] == pytest.approx(np.quantile(kappa, 0.1))
    assert len(row["trace"]) == len(row["ranks"]) == 2
    assert fit["data"] == ["country: 3"]
    assert [w["name"] for w in fit["vectors"]] == ["target"]
    assert fit["bfmi"] == pytest.approx([2.0, 2.0], rel=0.25)  # independent energies: 2, SE .1


def test_the_posterior_stands_over_the_prior_and_vectors_are_drawn(run):
    fit = read_fit(run, "spending", run.json(names.PRIORS)["priors"], {"FRA": "France"})
    (row,) = fit["rows"]
    assert row["prior_interval"][0] < row["prior_mean"] < row["prior_interval"][1]
    assert f"kappa: {(row['median'] - row['prior_mean']) / row['prior_sd']:.3f}" in fit["forest"].replace("−", "-")
    (effect,) = fit["effects"]
    assert (
        effect["title"] == "Target, by country" and ">France</text>" in effect["svg"] and ">POL</text>" in effect["svg"]
    )
    assert fit["paths"] == fit["bins"] == []


def test_fitted_paths_and_bins_are_medians_with_intervals(tmp_path):
    rng = np.random.default_rng(4)
    run = make_run(tmp_path, wars=("win",), designs=("none",), missions=("kfor",), quarters=4)
    draws = {
        "volatility": (("chain", "draw", "year"), rng.normal(size=(2, 50, 3))),
        "factor_state": (("chain", "draw", "year", "factor"), rng.normal(size=(2, 50, 3, 2))),
        "level": (("chain", "draw"), rng.normal(size=(2, 50))),
        "tenure": (("chain", "draw", "tenure_bin"), rng.normal(size=(2, 50, 2))),
        "country_effect_z": (("chain", "draw", "country"), rng.normal(size=(2, 50, 2))),
    }
    coords = {"year": [2001, 2002, 2003], "factor": ["norms", "threats"], "tenure_bin": ["0-2", "2-4"]}
    groups = {
        names.POSTERIOR: xr.Dataset(draws, coords=coords),
        "sample_stats": xr.Dataset({"energy": (("chain", "draw"), rng.normal(size=(2, 50)))}),
    }
    write_tree(run.path / "posterior" / "cohesion.nc", xr.DataTree.from_dict(groups))
    write_manifest(run.path, run.manifest)
    fit = read_fit(open_run(run.id, tmp_path), "cohesion", [], {"norms": "Norms and values"})
    assert [path["title"] for path in fit["paths"]] == [
        "Volatility: volatility",
        *["Factor state: factor state"] * 2,
    ]
    assert ">Norms and values</text>" in fit["paths"][1]["svg"]
    assert [part["title"] for part in fit["bins"]] == ["Tenure, by quarters in office"]
    assert fit["effects"] == [] and fit["forest"] == ""
    median = np.median(draws["tenure"][1][..., 0])
    assert f"0-2: {median:.3f}".replace("-0.", "−0.") in fit["bins"][0]["svg"]


@pytest.mark.parametrize(("model", "curves"), [("withdrawal", 3), ("leadership", 1), ("cohesion", 0)])
def test_a_page_shows_the_hazard_by_elapsed_time(made_run, model, curves):
    elapsed = read_fit(made_run, model, made_run.json(names.PRIORS)["priors"])["elapsed"]
    assert len(elapsed.get("keys", ())) == curves
    if curves:
        assert "% a" in elapsed["svg"] and "years since" in elapsed["svg"]


def test_a_hazard_is_drawn_as_steps_with_its_interval():
    draws = np.linspace(0.1, 0.2, 101)[:, None] * np.array([1.0, 2.0, *[1.0] * 6])
    drawn = elapsed_chart({"hazard": draws}, "key", "A hazard", ("years", "% a year"))
    assert "First half-year: 15.0 % (90 % interval 10.5 to 19.5 %)" in drawn
    path = re.search(r'data-series="hazard" d="M([^"]*)"', drawn)[1]
    heights = [float(point.split()[1]) for point in path.split("L")]
    assert len(heights) == 16 and heights[0] == heights[1] == heights[4] > heights[2] == heights[3]


def test_a_model_page_is_linked_and_reproducible(run, folder):
    page = folder / "spending.html"
    first = page.read_bytes()
    write_report(run, run.path.parents[1])
    assert page.read_bytes() == first
    assert 'href="spending.html"' in (folder / "index.html").read_text()
    assert b"Beta" in first or b"Normal" in first
    assert b"<script" not in first and not re.search(rb'(src|href)="https?:', first)


def test_a_page_shows_the_past_as_simulated_and_as_observed(run, folder):
    home, digest = run.path.parents[1], "0123456789abcdef"
    lines = [
        make_line("mean change: front line", "% a year", 2.0, np.linspace(0.0, 1.0, 99), 0.5),
        make_line("swaps", "a year", None, np.linspace(0.0, 1.0, 99), 0.9),
    ]
    contract = {
        "model": "spending",
        "digest": digest,
        "simulation_version": 3,
        "version": CONTRACT_VERSION,
        "paths": 99,
    }
    path = home / "runs" / "certificates" / FOLDER / f"{contract_name('spending', digest, 3)}.json"
    assert "The past was not simulated" in (folder / "spending.html").read_text()
    replace_json(path, contract | {"lines": lines})
    provenance = {**run.manifest["provenance"], "simulation_version": 3}
    dated = Run(run.path, {**run.manifest, "models": {"spending": digest}, "provenance": provenance})
    page = (write_report(dated, home).parent / "spending.html").read_text()
    assert "0 of 1 numbers of the data lie in the 95 % interval of 99 simulations" in page
    assert "the simulation departs from the fit in: swaps" in page
    panel = page.split('id="past"')[1].split('id="trust"')[0]
    assert panel.count("<circle") == 1 and 'fill="var(--red)"' in panel and "mean change: front line" in panel
    path.unlink()
    write_report(run, home)


def node(name, kind, *parents):
    return {"name": name, "kind": kind, "dims": [], "parents": list(parents)}


def test_a_graph_has_a_box_for_what_is_alike_and_an_arrow_for_each_use():
    nodes = [
        node("a", "free"),
        node("b_z", "free"),
        node("state", "computed", "a", "b_z"),
        node("level", "free"),
        node("value", "data"),
        node("value_seen", "observed", "level", "state"),
    ]
    drawn = draw_graph(nodes, "cohesion")
    assert drawn.count("<rect") == 4  # `a` and `b_z` share a box, and `value` is drawn as `value_seen`
    assert drawn.count("<circle") == 3
    assert ">b z</text>" in drawn and ">value</text>" not in drawn
    assert set(EQUATIONS) == set(names.MODELS)


def test_a_fit_with_its_groups_has_graph_left_out_observations_and_units(made_run):
    fit = read_fit(made_run, "spending", made_run.json(names.PRIORS)["priors"], {"FRA": "France"})
    with made_run.posterior("spending") as tree:
        k = tree[names.LEFT_OUT]["pareto_k"].to_numpy()
    assert fit["observations"] == k.size == 30
    assert fit["hardest"][0]["k"] == pytest.approx(k.max())
    assert f"the largest is {k.max():.2f}" in fit["khat"] and "Pareto k</text>" in fit["khat"]
    assert fit["graph"].count("<rect") == 4
    assert any("(log of percent of GDP)" in part["svg"] for part in fit["effects"])


def test_bars_of_a_pit_outside_the_band_are_counted():
    assert outside_band([50] * 20) == []
    for counts in ([7] * 20, [50] * 20, [3], [123] * 10):
        assert _band(counts) == binom.interval(0.95, sum(counts), 1 / len(counts))
    assert outside_band([150, *[45] * 18, 40]) == [0]
    drawn = pit_chart([50] * 20, "pit")
    assert drawn.count("<rect") == 20 and ">observations</text>" in drawn
    assert khat_chart(np.array([0.1, 0.9, 0.3]), "k").count("fill-red") == 1


def open_in_browser(page, width, folder):
    """Return the console messages of a page, and the network addresses that it requested."""
    log = folder / "log.json"
    done = subprocess.run(
        [
            CHROMIUM,
            *QUIET,
            f"--user-data-dir={folder / 'user'}",
            f"--log-net-log={log}",
            f"--window-size={width},1200",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "</html>" in done.stdout
    urls = [e["params"]["url"] for e in json.loads(log.read_text())["events"] if "url" in e.get("params", {})]
    messages = [text for text in done.stderr.splitlines() if "CONSOLE" in text]
    network = {url for url in urls if url.startswith(("http", "ws"))}
    return messages, {url for url in network if urlsplit(url).hostname not in BROWSER_HOSTS}


needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: pages not opened")


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("width", [390, 900, 1440])
def test_a_browser_finds_no_error_and_no_network_request(folder, width, tmp_path):
    for page in [*folder.glob("*.html"), folder.parent / "index.html"]:
        profile = tmp_path / f"{page.parent.name}-{page.stem}"
        profile.mkdir()
        assert open_in_browser(page, width, profile) == ([], set())
        assert not any(host in page.read_text() for host in BROWSER_HOSTS)
        assert page.stat().st_size <= 5_000_000


@pytest.mark.slow
@needs_browser
def test_the_browser_reports_errors_and_requests(tmp_path):
    page, address = tmp_path / "bad.html", "http://127.0.0.1:9/picture.png"
    page.write_text(f"<html><img src='{address}'><script>console.error('bad')</script></html>")
    messages, requested = open_in_browser(page, 900, tmp_path)
    assert address in requested
    assert any("bad" in text for text in messages)
