"""The report: complete, reproducible, without network access, accessible, and equal to the run."""

import hashlib
import json
import re
import sys
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from forecast import names
from forecast.errors import RunError
from forecast.evaluation.calibration.certificates import write_certificate
from forecast.evaluation.score_store import score_versions
from forecast.priors.load import load_priors
from forecast.projection.headlines import verdicts
from forecast.reporting import formatting, limits, report_data
from forecast.reporting.html_report import PAGE, render, write_report
from forecast.reporting.report_data import ReportData, read_report_data
from forecast.reporting.terminal import check_lines, headline_lines
from forecast.storage.files import write_json
from forecast.storage.runs import Run, open_run, write_manifest
from tests.support.bundled_scenarios import DESIGNS
from tests.support.tiny_run_folder import ID, MEMBERS, MISSIONS, all_checks, make_run

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
MAX_BYTES = 3_000_000
#: Pages and files beside the page, which a reader may open: all runs, and two files of the run.
BESIDE = {"../index.html", *(f"../../runs/{ID}/{name}" for name in (names.HEADLINES, names.PROJECTION))}
ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """Balanced tags, ids, links and the text of every table cell."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.cells = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [v for k, v in attrs if k == "id"]
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [v for k, v in attrs if k == "id"]

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if self.cells and {"td", "th"} & set(self.open):
            self.cells[-1] += data

    def of(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return make_run(home, designs=DESIGNS[:2], checks=all_checks(), named=True)


def home_of(run):
    return run.path.parents[1]


@pytest.fixture(scope="module")
def data(run):
    return read_report_data(run, home_of(run))


@pytest.fixture(scope="module")
def text(data):
    return render(data)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_a_report_is_reproducible_and_replaces_an_older_one(run, text, tmp_path):
    path = tmp_path / "reports" / ID / PAGE
    path.parent.mkdir(parents=True)
    path.write_text("stale")
    assert write_report(run, tmp_path) == path
    assert path.read_bytes() == text.encode()
    assert [p.name for p in (tmp_path / "reports").iterdir()] == [ID]
    assert path.stat().st_size < MAX_BYTES


def test_certificates_are_shown(tmp_path):
    run = make_run(tmp_path, wars=("win",), designs=("none",), missions=("kfor",), quarters=4)
    assert "uncertified models" in write_report(run, tmp_path).read_text()
    digests = {"spending": "a", "leadership": "b", "cohesion": "c"}
    run = Run(run.path, {**run.manifest, "certificates": digests})
    for model, faults in (("spending", []), ("leadership", ["ranks of offset outside their band"])):
        (committed,) = (ROOT / "runs" / "certificates").glob(f"{model}-*.json")
        certificate = json.loads(committed.read_text("utf-8"))
        certificate["summary"]["faults"] = faults
        write_certificate(tmp_path, f"{model}-{digests[model]}", certificate)
    text = write_report(run, tmp_path).read_text()
    assert "spending: certified: SBC 100 simulations, ranks in band, prior gates met" in text
    assert '<span class="unmet">NOT certified: SBC 100 simulations, ranks of offset' in text
    assert "cohesion: <span" in text and "forecast calibrate --model cohesion" in text


def test_the_page_loads_nothing_from_the_network(page, text):
    for tag, attrs in page.tags:
        for key in ("src", "href", "action", "data", "srcset", "poster"):
            if key in attrs:
                beside = tag == "a" and attrs[key] in BESIDE
                assert beside or attrs[key].startswith("#") or attrs[key] == "data:,", (tag, attrs)
    numbers, behaviour = page.of("script")  # the page's policy names the second by its hash
    assert numbers == {"type": "application/json", "id": "tables"} and behaviour == {} and not page.of("iframe")
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "@import" not in text and not re.search(r"url\((?!#)", text)


@pytest.mark.case("B06")
def test_pages_need_no_plotting_library(data, text, monkeypatch):
    """So no settings that a user has made for matplotlib reach them."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # an import would fail
    assert render(data) == text


def test_the_page_is_accessible(page, text):
    tables, charts = page.of("table"), page.of("svg")
    assert len(tables) > 10 and len(page.of("caption")) == len(tables)
    drawn = [svg for svg in charts if "aria-hidden" not in svg]  # bars stand beside their numbers
    assert len(drawn) > 40 and all(svg["role"] == "img" for svg in drawn)
    described = {svg[key] for svg in drawn for key in ("aria-labelledby", "aria-describedby")}
    assert described <= set(page.ids) and len(described) == 2 * len(drawn)
    assert all("scope" in th for th in page.of("th"))
    assert len(page.ids) == len(set(page.ids))
    anchors = {a["href"][1:] for a in page.of("a") if a["href"].startswith("#") and "=" not in a["href"]}
    assert anchors <= set(page.ids) and "main" in anchors
    assert page.of("html")[0]["lang"] == "en"
    assert "prefers-color-scheme: dark" in text and "@media print" in text


def test_every_member_and_mission_is_on_the_page(page, text):
    cells = [c.strip() for c in page.cells]
    for name in ("France", "Iceland", "United States"):
        assert cells.count(name) >= 2  # spending and leaders
    for mission in MISSIONS:
        assert f'id="mission-{mission}"' in text
    assert "Iceland has no armed forces" in text
    assert "Mission kfor &lt;&amp;&gt;" in text
    assert "not seen lately, counted as present: CHL" in text


def test_numbers_in_tables_are_those_of_the_run(run, data, page):
    cells = [" ".join(c.split()) for c in page.cells]
    for (war, design), verdict in verdicts(run.headlines).items():
        parts = [(name, formatting.probability(verdict.classes[name]["value"])) for name in reversed(names.VERDICTS)]
        spoken = ", ".join(f"{name} {p}" for name, p in parts)
        leader = f"{verdict.likeliest} {formatting.probability(verdict.record['value'])}"
        shown = f"{leader if verdict.decided else 'Undecided'}: {spoken}".replace("\u00a0", " ")
        assert any(cell.endswith(shown) for cell in cells), (war, design)
    for h in run.headlines:
        if h["target"] == names.EUROPEAN_SPENDING:
            assert f"{h['value']:.2f} {h['lower']:.2f} to {h['upper']:.2f}" in cells
    survival = data.missions["survival_mean"].sel(mission="kfor", curve="operational", war="lose")
    mean = survival.isel(design=0, quarter=19).item()
    assert any(c.startswith(f"{mean:.2f} ±") for c in cells)
    turnover = data.members["leader_change_probability"].sel(member="FRA", year=2028).item()
    assert formatting.probability(turnover).replace("\u00a0", " ") in cells
    share = data.members["spending_share"].sel(member="USA", war="win", design="none", year=2030)
    assert any(c.startswith(f"{share.sel(quantile=0.5).item():.2f} ") for c in cells)


def test_tests_criteria_and_scores_are_shown(text):
    assert text.count(">NOT met<") == 1 and "1 of 8 tests is not met" in text
    assert "All 4 fits pass their convergence criteria" in text
    assert "The models of this run have not been scored on past outcomes" in text
    assert 'data-series="isaf counted"' in text


def test_tests_without_mechanisms_say_so(run, text):
    """Their numbers differ from the headlines; no reader of page or terminal may take them for the forecast."""
    shown = " ".join(" ".join(headline_lines(run)).split())
    assert shown.count("mechanisms off") == text.count("mechanisms off") == 1 + 5
    assert "are not the forecast" in shown and "are not the forecast" in text
    lines = [line for _, line in check_lines(all_checks())]
    reference = [line for line in lines if "mechanisms off" in line]
    assert [line for line in lines if "verdicts" in line or "under the prior" in line] == reference


def test_a_scoring_of_the_same_models_is_shown(run, tmp_path):
    """A scoring made after the run is found by the digest of the model; an unscored model is named."""
    line = {
        "model": "spending",
        "target": "log share of GDP",
        "score": "crps",
        "baseline": "random walk",
        "horizon": 1.0,
        "n": 500,
        "clusters": 19,
        "skill": 0.034,
        "t": -2.2,
        "p": 0.04,
    }
    cover = {
        "model": "spending",
        "target": "log share of GDP",
        "forecaster": "model",
        "horizon": 1.0,
        "in50": 0.52,
        "in80": 0.79,
        "in95": 0.94,
        "n": 500,
    }
    folder = tmp_path / "runs" / "scores" / "abc"
    folder.mkdir(parents=True)
    write_json(folder / "table.json", {"skill": [line], "cover": [cover]})
    facts = {"models": {"spending": "s1", "leadership": "other"}, "quick": False}
    write_manifest(folder, {**facts, "versions": score_versions()})
    models = {"spending": "s1", "leadership": "l1"}
    text = write_report(Run(run.path, {**run.manifest, "models": models}), tmp_path).read_text()
    cells = [c.strip() for c in Page(text).cells]
    assert "3.4 (p 0.040; 500)" in cells and "random walk" in cells and "79" in cells
    assert "Spending: The lowest skill is +3.4 % (p 0.040) against random walk" in text
    assert "Not scored for this run: leadership." in text
    assert "have not been scored" not in text


def test_priors_are_shown_with_source_and_posterior(page, text):
    cells = [c.strip() for c in page.cells]
    assert "kappa" in cells and "0.123 ± 0.050" in cells and "0.94" in cells
    assert "data of &lt;spending.kappa&gt;" in text
    assert cells.count("=/–") == 6  # the sign of one factor and of its sub-factor in three wars
    assert cells.count("+") == 1  # a sub-factor with a sign from its source


@pytest.mark.parametrize(
    "smaller",
    [
        {"missions": ("kfor",), "designs": ("none", "global_vs_china"), "quarters": 4},
        {"wars": ("win",), "designs": ("division_of_labour",), "missions": ("unifil",)},
        {"wars": ("lose", "win"), "designs": ("none",), "missions": ("unifil", "willing")},
        {"missions": ("willing", "alliance"), "designs": ("none",), "quarters": 5},
    ],
)
def test_smaller_plans_and_missing_tests(tmp_path, smaller):
    text = render(read_report_data(make_run(tmp_path, **smaller), tmp_path))
    page = Page(text)
    assert "No tests are stored" in text and "No tests of this run are stored" in text
    assert ("Coalition and alliance compared" in text) == ("alliance" in smaller["missions"])
    assert len(page.of("caption")) == len(page.of("table"))
    assert len(page.ids) == len(set(page.ids))
    assert all(code in text for code in MEMBERS)
    assert not re.search(r"\bnan\b", text)


def test_missing_tests_are_named(tmp_path):
    checks = {"operation_below_flags": {"largest_excess": 0.0, "met": True}}
    small = {"wars": ("win",), "designs": ("none",), "missions": ("kfor",), "quarters": 4}
    text = render(read_report_data(make_run(tmp_path, **small, checks=checks), tmp_path))
    assert "this plan leaves no mission out of the fit" in text
    assert "needs a hypothetical mission" in text and "need all outcomes of the war" in text
    assert "All 1 tests are met" not in text and "The only test made is met" in text


def test_a_failed_or_damaged_run_has_no_report(run, tmp_path):
    failed = Run(run.path, {"status": "failed", "reason": "a full disk"})
    with pytest.raises(RunError, match=r"failed.*a full disk"):
        write_report(failed, tmp_path)
    make_run(tmp_path)
    (tmp_path / "runs" / ID / names.PROJECTION).unlink()
    with pytest.raises(RunError, match="missing"):
        write_report(open_run(ID, tmp_path), tmp_path)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5043, "50 %"),
        (0.0, "< 1 %"),
        (0.0099, "< 1 %"),
        (0.01, "1 %"),
        (0.999, "> 99 %"),
        (1.0, "> 99 %"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_probabilities_have_two_digits(value, text):
    assert formatting.probability(value).replace("\u00a0", " ") == text


def test_a_small_negative_number_is_zero():
    assert formatting.number(-0.001) == "0.00"
    assert formatting.number(-0.5, 1) == "−0.5"


def test_contrasts_are_differences_path_by_path(data):
    differences = report_data.contrasts(data, "joint_cohesion", "quarter", 7)
    cohesion = data.joint["joint_cohesion"].isel(quarter=7)
    expected = cohesion.sel(war="win", design="none") - cohesion.sel(war="neutral", design="none")
    assert differences["win", "none"]["mean"] == pytest.approx(expected.mean().item(), abs=1e-6)  # 32-bit
    assert differences["neutral", "none"]["mean"] == 0.0


@pytest.mark.case("A2")
def test_an_undecided_verdict_has_no_colour(run, text):
    by_scenario = verdicts(run.headlines)
    undecided = [verdict for verdict in by_scenario.values() if not verdict.decided]
    assert 0 < len(undecided) < len(by_scenario)
    grid = text.split('<table class="cells stack"')[1].split("</table>")[0]
    assert grid.count("<strong>Undecided</strong>") == grid.count('class="three undecided"') == len(undecided)
    assert grid.count(' class="lead-') == len(by_scenario) - len(undecided)


@pytest.mark.case("A7")
def test_no_list_ranks_who_leaves(text, data):
    assert "Likeliest to have left" not in text
    for mission in MISSIONS:  # contingents stand in the order of their troops
        listed = text.split(f'id="mission-{mission}"')[1].split('class="contingents"')[1].split("</table>")[0]
        weights = data.missions["contingent_weight"].sel(mission=mission)
        in_order = [str(c) for c in weights.sortby(weights, ascending=False)[names.CONTRIBUTOR].values]
        assert re.findall(r'<th scope="row">([^<]+)</th>', listed) == in_order


@pytest.mark.case("A27")
def test_a_figure_of_the_running_year_is_marked_as_an_estimate(text):
    table = text.split('<table class="wide sortable">')[1].split("</table>")[0]
    assert table.count('<small>2025 <abbr title="estimate of the running year">e</abbr></small>') == 2  # Iceland: none
    assert "So a forecast can start below the last figure." in text


@pytest.mark.case("A5")
def test_another_experiment_says_how_it_differs(data):
    values = {"probability of Strong, win": {"mean": 0.72, "mcse": 0.005}}
    page = render(replace(data, variants={"as it is": values, "contested": values}))
    assert "this experiment starts from the neutral state and has one path for each draw" in page


def test_what_changed_since_the_last_run_is_shown(run, tmp_path):
    sides = [
        {"category": "Strong", "value": 0.7, "horizon": "2027Q3", "decided": True},
        {"category": "Weak", "value": 0.45, "horizon": "2027Q4", "decided": False},
    ]
    move = next(h for h in run.headlines if h["target"] == names.EUROPEAN_SPENDING)
    since = {
        "run": "earlier",
        "finished": "2026-01-05T06:00:00+00:00",
        "inputs": ["table defence_spending"],
        "compared": 90,
        "moved": 1,
        "moves": [move | {"before": 1.25, "before_horizon": "2029", "errors": 3.14}],
        "flips": [{"war": "lose", "design": "none", "before": sides[0], "now": sides[1]}],
        "passed_over": [{"run": "older", "schema": "2"}, {"run": "pruned", "gone": "2026-01-01T06:00:00+00:00"}],
    }
    changed = Run(run.path, {**run.manifest, "since": since})
    text = render(read_report_data(changed, tmp_path)).replace("\u00a0", " ")
    assert "War lose × Design none: Strong in 2027Q3 (Strong 70 %), now undecided in 2027Q4 (Weak 45 %)." in text
    assert "Changed inputs: table defence spending." in text
    assert "Run <code>older</code> has output schema 2 and cannot be compared." in text
    cells = [c.strip() for c in Page(text).cells]
    assert {"1.25 % of GDP", "2029 → 2030", "3.1"} <= set(cells)
    alone = {"run": None, "passed_over": since["passed_over"]}
    text = render(read_report_data(Run(run.path, {**run.manifest, "since": alone}), tmp_path))
    assert "No earlier run of this plan can be compared." in text
    assert "Run <code>pruned</code> of 2026-01-01 06:00 UTC is no longer in the workspace." in text
    first = {**run.manifest, "since": {"run": None, "passed_over": []}}
    assert "This is the first complete run of this plan" in render(read_report_data(Run(run.path, first), tmp_path))


def test_a_run_of_another_schema_has_no_report(run, tmp_path):
    provenance = {**run.manifest["provenance"], "schema_version": "2"}
    with pytest.raises(RunError, match="output schema 2, but this version reads schema 5; run the plan again"):
        write_report(Run(run.path, {**run.manifest, "provenance": provenance}), tmp_path)
    assert not (tmp_path / "reports").exists()


def test_report_data_holds_scores_variants_and_certificates_beside_the_manifest(data):
    assert isinstance(data, ReportData)
    assert data.manifest is data.run.manifest
    assert not {"variants", "certified"} & set(data.manifest)
    assert (data.scores, data.variants, data.certificates) == ("unscored", {}, {})


# -- limits ----------------------------------------------------------------------------------------------------------


def test_limits_name_every_mechanism_and_known_priors():
    priors = load_priors(ROOT / "priors").by_name
    assert set(limits.MECHANISM_PRIORS) == set(names.MECHANISMS)
    assert {name for group in limits.MECHANISM_PRIORS.values() for name in group} <= set(priors)
    assert set(limits.COVARIATES) <= set(names.MECHANISMS)


def test_limits_follow_the_plan_and_the_priors():
    prior = {"name": "withdrawal.casualties", "evidence": "literature"}
    estimated = prior | {"posterior_mean": 0.1, "posterior_sd": 0.1, "contraction": 0.4}
    trend = {"name": "missions.trend", "evidence": "literature"}

    def sentences(off, *priors):
        return " ".join(limits.covariate_sentences(limits.mechanism_rows({"off": off}, priors)))

    text = sentences([], estimated, trend)
    assert "The effect of casualties is estimated from past missions." in text
    assert "the battlefield trend, public opposition" in text and "set by priors alone" in text
    assert "switched off" not in text
    text = sentences(["losses", "opinion"], estimated, trend)
    assert "The effect of casualties and public opposition is switched off in this plan." in text
    assert "estimated from past missions" not in text and "fatality records" not in text
    assert "estimated from past missions" not in sentences([], prior, trend)
    rows = {row["name"]: row for row in limits.mechanism_rows({"off": ["tether"]}, [estimated, trend])}
    assert rows["losses"]["basis"] == "estimated from data (largest contraction 0.40)"
    assert rows["battlefield"]["basis"] == "prior from literature"
    assert not rows["tether"]["acts"] and rows["losses"]["acts"]


def test_the_page_says_what_acts(text):
    assert "This plan switches off battlefield and hand over." in text
    assert "The effect of the battlefield trend is switched off in this plan." in text
    assert "The effect of casualties is estimated from past missions." in text
    assert "These allies have announced their spending for years ahead: FRA." in text
    assert text.count("<td>switched off</td>") == 2
    assert text.count("<td>acts</td>") == len(names.MECHANISMS) - 2


NASTY = (
    "Deal: $50 bn at 2%, $75 bn at 3%",
    "Global: $_{x}$ ^ \\frac{a}{b",
    "<script>alert(1)</script> & \"quoted\" 'text'",
    "{{ 7 * 7 }} {% raw %} ${x} `code` [bold]no[/bold]",
    "two\nlines\tand \x1b[2J\0\x0b",
    "\u202eعربى עברית " + "long " * 200,
)


@pytest.mark.case("B05")
def test_a_users_text_is_shown_as_text_everywhere(run, data):
    """Labels of wars, designs and missions, names of countries, the plan's title, and sources and notes of priors."""
    texts = iter(NASTY * 100)
    priors = json.loads(json.dumps(data.priors))
    for part in ("wars", "designs"):
        for entry in priors["grid"][part].values():
            entry["label"] = next(texts)
    for prior in priors["priors"]:
        prior |= {"source": next(texts), "note": next(texts)}
    members, missions = data.members.copy(), data.missions.copy()
    for dataset, name in ((members, "member_name"), (missions, "mission_label")):
        if name in dataset:
            dataset[name] = dataset[name].dims, np.array([next(texts) for _ in range(dataset[name].size)], object)
    plan = run.manifest["plan"] | {"title": NASTY[2] + NASTY[4]}
    nasty = Run(run.path, {**run.manifest, "plan": plan})
    page = render(replace(data, run=nasty, priors=priors, members=members, missions=missions))
    Page(page)
    assert page.count("<script>") == 1 and "alert(1)</script>" not in page  # the page's own script
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;quoted&#34;" in page
    assert "{{ 7 * 7 }} {% raw %} ${x} `code` [bold]no[/bold]" in page
    assert "Deal: $50 bn at 2%, $75 bn at 3%" in page
    assert not set("\0\x0b\x1b") & set(page)
    assert "\x1b" not in "".join(headline_lines(nasty))
