"""The way from the form to the answer: an own scenario and an own coalition, progress, and the page."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from forecast.errors import ForecastError
from forecast.priors.load import load_priors
from forecast.service.cancel import request_path
from forecast.service.loop import FellBack
from forecast.service.slots import Slot, file_of, lock_of, write_running, write_slot
from forecast.storage.files import read_json
from forecast.storage.locks import only_one
from forecast.web.jobs import Jobs
from forecast.web.own_plan import Answers, own_plan
from forecast.web.problems import without_home
from forecast.workspace.inputs import read_inputs
from forecast.workspace.plan import load_plan
from tests.support.bundled_scenarios import DESIGNS, WARS
from tests.support.web_client import ADDRESS, client, print_lines, wait_for_cancel, wait_until

ORIGIN = {"origin": ADDRESS}
FORM = {
    "title": "A coalition of my own",
    "plan": "smoke",
    "size": "small",
    "war": ["stalemate", "neutral"],
    "design": ["none"],
    "onset": "2027Q1",
    "pledge": "3.5",
    "stress": "crisis",
    "stress_quarter": "2027Q2",
    "label": "Mine & yours",
    "framework": "ad_hoc",
    "intensity": "noncombat",
    "lead": "fra",
    "start": "2026Q3",
    "contributors": "FRA\t2500\npol = 800, deu: 1'000;",
}


@pytest.fixture
def web(home: Path) -> Iterator[TestClient]:
    with client(home, writing="open") as opened:
        yield opened


def secret_of(web: TestClient, path: str = "/new") -> str:
    found = re.search(r'name="secret" value="([^"]+)"', web.get(path).text)
    assert found
    return found[1]


def send(web: TestClient, **changes: Any) -> Any:
    return web.post("/new", data={**FORM, "secret": secret_of(web), **changes}, headers=ORIGIN)


def test_from_the_form_to_the_answer(web: TestClient, home: Path) -> None:
    answer = send(web)
    assert answer.status_code == 303, answer.text
    job = answer.headers["location"]
    plan = load_plan(home, "a_coalition_of_my_own")
    assert plan.title == FORM["title"] and plan.war == ("stalemate", "neutral") and plan.design == ("none",)
    assert plan.onset == "2027Q1" and plan.pledge_2035 == 3.5 and plan.stress == {"crisis": "2027Q2"}
    own = plan.hypothetical[-1]
    assert (own.name, own.label, own.lead, own.start) == ("mine_yours", "Mine & yours", "FRA", "2026Q3")
    assert own.contributors == {"FRA": 2500, "POL": 800, "DEU": 1000}
    wait_until(lambda: "Open the forecast" in web.get(job).text)
    page = web.get(job)
    assert "/reports/2025-12-31-a_coalition_of_my_own-0123abcd/index.html" in page.text
    assert "project: paths 25%" in page.text and str(home) not in page.text
    assert "a_coalition_of_my_own" in web.get("/").text


WAR = {
    "war_label": 'Cease-fire = "2027"',
    "war_verdict": "Weak",
    "threats": "–",
    "leadership": "=/+",
    "war_threat": "1.3",
    "war_ramp": "12",
}


DESIGN = {
    "design_label": "European pillar",
    "shift_threats": "\u22120.2",
    "shift_leadership": "0.4",
    "design_ramp": "16",
    "pledge_multiplier": "1.2",
    "us_drawdown": "2",
    "first_responder": "0.5",
}


def test_own_scenarios_belong_to_their_plan_and_are_projected_beside_the_reference(web: TestClient, home: Path) -> None:
    laid = {path: path.read_bytes() for path in [*(home / "priors").rglob("*.toml"), *(home / "runs").rglob("*.toml")]}
    unchanged = read_inputs(home, "smoke").run_id
    answer = send(web, **WAR, **DESIGN, war=["win"], design=[])
    assert answer.status_code == 303, answer.text
    assert {path: path.read_bytes() for path in laid} == laid and read_inputs(home, "smoke").run_id == unchanged
    inputs = read_inputs(home, "a_coalition_of_my_own")
    assert inputs.plan.war == ("neutral", "win", "cease_fire_2027")
    assert inputs.plan.design == (*DESIGNS, "european_pillar")
    war, design = (inputs.priors.grid.wars["cease_fire_2027"], inputs.priors.grid.designs["european_pillar"])
    assert (war.label, war.verdict, war.ramp, war.threat_target.value) == (WAR["war_label"], "Weak", 12, 1.3)
    assert list(war.symbols.values()) == ["–", "=", "=", "=/+"] and war.source.startswith("judgement")
    assert {name: (prior.dist, *prior.params) for name, prior in design.shift.items()} == {
        "threats": ("Normal", -0.2, 0.3),
        "leadership": ("Normal", 0.4, 0.3),
    }
    assert (design.ramp, design.us_drawdown.value, design.entrapment.value) == (16, 2.0, 1.0)
    again = send(
        web,
        **WAR,
        title="Once more",
        plan="a_coalition_of_my_own",
        label="",
        contributors="",
        lead="",
        start="",
        intensity="combat",
    )
    assert again.status_code == 422 and "makes [cease_fire_2027], which is there already" in again.text


def test_a_plan_that_rests_on_own_scenarios_has_them(web: TestClient, home: Path) -> None:
    send(web, **WAR, war=[], design=[])
    more = {"title": "Both", "plan": "a_coalition_of_my_own", "war": [], "design": [], "label": "Second"}
    assert send(web, **DESIGN, **more, shift_sd="0").status_code == 303
    inputs = read_inputs(home, "both")
    assert inputs.plan.war == (*WARS, "cease_fire_2027") and inputs.plan.design == (*DESIGNS, "european_pillar")
    assert inputs.priors.grid.designs["european_pillar"].shift["threats"].dist == "Constant"
    assert send(web, title="Chosen", plan="both", war=["win"], design=[], label="Third").status_code == 303
    plan = load_plan(home, "chosen")
    assert plan.war == ("win",) and not plan.own_war and [*plan.own_design] == ["european_pillar"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("own_war = 5", "own_war is 5"),
        ("stress = 5", "stress is 5"),
        ("design = 5", "design is 5"),
        ("x = 5", "unknown key &#39;x&#39;"),
    ],
)
def test_a_fault_of_the_plan_beneath_is_named(web: TestClient, home: Path, line: str, fault: str) -> None:
    plan = (home / "runs" / "plans" / "smoke.toml").read_text("utf-8")
    (home / "runs" / "plans" / "broken.toml").write_text(f"{line}\n{plan}", "utf-8")
    answer = send(web, plan="broken", war=[])
    assert (
        answer.status_code == 422
        and f"runs/plans/broken.toml: {'' if line != 'x = 5' else 'unknown key'}" in answer.text
    )


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({**WAR, "war_verdict": "Solid"}, "verdict is &#39;Solid&#39;, expected"),
        ({**WAR, "threats": "++"}, "signs.threats is &#39;++&#39;, expected one of"),
        ({**WAR, "war_threat": "inf"}, "threat_target.value is inf, expected"),
        ({**WAR, "war_threat": "high"}, "threat: &#39;high&#39;, expected a number"),
        ({**WAR, "war_ramp": "1.5"}, "expected a whole number such as 8"),
        ({**WAR, "war_ramp": "900"}, "ramp is 900, expected a whole number of quarters"),
        ({**WAR, "war_label": "Stalemate"}, "makes [stalemate], which is there already"),
        ({**WAR, "war_label": "none"}, "[own_war.none]: is the name of a design too"),
        ({**WAR, "war_label": "UKRAINE WINS"}, "expected another text than [win] has"),
        ({**DESIGN, "shift_norms": "much"}, "shift of norms: &#39;much&#39;, expected a number"),
        ({**DESIGN, "shift_sd": "-1"}, "sigma"),
        ({**DESIGN, "first_responder": "2"}, "first_responder"),
        ({**DESIGN, "us_drawdown": ""}, "us drawdown: &#39;&#39;, expected a number"),
        ({**DESIGN, "design_label": ""}, "shift threats: &#39;−0.2&#39;, but the name of your design is empty"),
        ({**DESIGN, "design_label": "Business as usual"}, "makes [business_as_usual], which is there already"),
        ({**WAR, "start": "2019Q1"}, "start is 2019Q1"),
        ({"title": "!!"}, "name of the scenario: &#39;!!&#39;, expected a title with a letter from a to z, or a digit"),
        ({"title": ""}, "name of the scenario: &#39;&#39;, expected a title with a letter from a to z, or a digit"),
        ({"label": "…"}, "name of your coalition: &#39;…&#39;, expected a title with a letter"),
        ({**WAR, "war_label": "?"}, "name of your outcome: &#39;?&#39;, expected a title with a letter"),
        ({"title": "Smoke!"}, "makes the plan smoke, which is there already, expected another name; choose one"),
        ({"title": "latest"}, "other than &#39;latest&#39;"),
        ({"contributors": "FRA 100\nfra 200"}, "contributors fra: is there twice"),
        ({"stress": ""}, "stress quarter: &#39;2027Q2&#39;, but the event that happens is empty"),
        ({**WAR, "war_label": ""}, "threats: &#39;–&#39;, but the name of your outcome is empty"),
        ({"label": "", "contributors": ""}, "lead: &#39;fra&#39;, but the name of your coalition is empty"),
        ({"size": "huge"}, "expected one of small, medium, large"),
        ({"plan": "nix"}, "no such plan"),
        ({"plan": "../../x.toml"}, "expected the name of a plan"),
        ({"contributors": "FRA many"}, "FRA 2500"),
        ({"contributors": "FRA 2,500, POL 800"}, "contributors FRA: &#39;2,500&#39;, expected"),
        ({"contributors": "FRA 2500, 800"}, "contributors FRA: &#39;2500, 800&#39;, expected"),
        ({"contributors": "="}, "contributors : &#39;&#39;, expected"),
        ({"contributors": "FRA"}, "contributors FRA: &#39;&#39;, expected"),
        ({"title": "Перемирие"}, "expected a title with a letter from a to z, or a digit"),
        ({**WAR, "war_label": "NULL"}, "(not nan or null)"),
        ({"label": "NaN"}, "(not nan or null)"),
        ({"contributors": "FRA 1e9999"}, "FRA 2500"),
        ({"pledge": "much"}, "expected a number such as 3.5"),
        ({"pledge": "nan"}, "pledge_2035"),
        ({"onset": "soon"}, "onset"),
        ({"war": ["defeat"]}, "war"),
        ({"stress_quarter": ""}, "stress"),
        ({"label": "<script>alert(1)</script>", "start": "x"}, "start"),
        ({"title": 'x"\nseed = 9'}, "title"),
        ({"lead": "USA"}, "lead USA is not among the contributors"),
    ],
)
def test_a_fault_of_the_form_is_shown_with_what_was_filled_in(
    web: TestClient, home: Path, changes: dict[str, Any], part: str
) -> None:
    answer = send(web, **changes)
    assert answer.status_code == 422 and part in answer.text and "Start the projection" in answer.text
    assert str(home) not in answer.text and "<script>alert" not in answer.text
    assert sorted(path.stem for path in (home / "runs" / "plans").glob("*.toml")) == ["quickstart", "smoke"]
    assert tuple(load_priors(home / "priors").grid.wars) == WARS
    assert web.get("/api/v1/jobs").json() == []


def test_the_plan_beneath_keeps_its_settings(home: Path) -> None:
    (home / "runs" / "plans" / "base.toml").write_text(
        'title = "Base"\nas_of = 2025-12-31\nseed = 7\nprecision = 0.5\nmissions = ["kfor"]\noff = ["crises"]\n'
        '[fit]\nchains = 3\n[schedule]\ncron = "0 6 * * *"\non_failure = ["touch", "executed"]\n'
    )
    name, text = own_plan(home, Answers(title="Mine \u007f \\ '\"", plan="base"))
    (home / "runs" / "plans" / f"{name}.toml").write_text(text.replace("\\u007f", ""))
    plan = load_plan(home, name)
    assert plan.seed == 7 and plan.off == ("crises",) and plan.fit.chains == 3 and plan.title == "Mine  \\ '\""
    assert plan.schedule is None and plan.precision is None


@pytest.mark.parametrize("name", ["workspace", "my workspace", "100 % größer#1"])
def test_no_path_and_no_address_of_a_file_names_the_place_of_the_workspace(tmp_path: Path, name: str) -> None:
    page = tmp_path / name / "reports" / "index.html"
    for text in (str(page), page.as_uri()):
        assert without_home(f"open {text} in a browser", tmp_path / name) == "open reports/index.html in a browser"


def test_pages_work_without_scripts(web: TestClient) -> None:
    for path in ("/", "/new", "/login"):
        text = web.get(path).text
        assert "<script" not in text and "style=" not in text and "onclick" not in text
        assert '<html lang="en">' in text and "<h1>" in text
    assert web.get("/assets/progress.js").status_code == web.get("/assets/style.css").status_code == 200
    assert web.get("/assets/base.html").status_code == 404


def test_a_browser_gets_a_page_for_an_error(web: TestClient) -> None:
    answer = web.get("/jobs/nix", headers={"accept": "text/html"})
    assert answer.status_code == 404 and "no job is called" in answer.text and "<h1>" in answer.text


def test_a_job_is_followed_to_its_end(web: TestClient, home: Path) -> None:
    started = web.post("/api/v1/jobs", json={"plan": "smoke"})
    assert started.status_code == 202
    events = web.get(started.headers["location"] + "/events")
    assert events.headers["content-type"].startswith("text/event-stream")
    assert "data: project: paths 25%" in events.text and str(home) not in events.text
    end = json.loads(events.text.partition("event: end\ndata: ")[2].splitlines()[0])
    assert end["status"] == "complete" and end["run"].startswith("2025-12-31-smoke-") and end["by"] == "anybody"
    assert web.head(started.headers["location"] + "/events").status_code == 200


def test_a_running_job_is_cancelled_and_one_plan_runs_once(home: Path) -> None:
    with client(home, runner=wait_for_cancel, writing="open") as web:
        job = web.post("/api/v1/jobs", json={"plan": "smoke"}).headers["location"]
        wait_until(lambda: web.get(job).json()["status"] == "running")
        again = web.post("/api/v1/jobs", json={"plan": "smoke"})
        assert again.status_code == 409 and "is running already" in again.json()["detail"]
        waiting = web.post("/api/v1/jobs", json={"plan": "quickstart"}).headers["location"]
        cancelled = web.delete(waiting).json()
        assert (cancelled["status"], cancelled["reason"]) == ("cancelled", "cancelled on request, before the run began")
        page = job.removeprefix("/api/v1")
        assert '<noscript><meta http-equiv="refresh"' in web.get(page).text
        web.get("/new")
        answer = web.post(f"{page}/cancel", data={"secret": secret_of(web, page)}, headers=ORIGIN)
        assert answer.status_code == 303
        wait_until(lambda: web.get(job).json()["status"] == "cancelled")
        assert web.delete(job).status_code == 409
        assert web.post("/api/v1/jobs", json={"plan": "nix"}).status_code == 422
        assert web.post("/api/v1/jobs", json={"plan": "smoke", "home": "/"}).status_code == 422


def test_connections_that_follow_a_run_are_bounded(home: Path) -> None:
    with client(home, writing="open", streams=1) as web:
        service = web.app.state.service  # type: ignore[attr-defined]
        job = web.post("/api/v1/jobs", json={"plan": "smoke"}).headers["location"]
        with service.streams.one():
            assert web.get(f"{job}/events").status_code == 503
        assert web.get(f"{job}/events").status_code == 200


def test_a_job_whose_record_cannot_be_written_is_not_started(home: Path) -> None:
    (home / "runs" / "jobs").write_text("in the way")
    with client(home, writing="open") as web:
        answer = web.post("/api/v1/jobs", json={"plan": "smoke"})
        assert answer.status_code == 409 and "cannot be written" in answer.json()["detail"]
        assert web.get("/api/v1/jobs").json() == []


def test_only_so_many_jobs_wait(home: Path) -> None:
    text = (home / "runs" / "plans" / "smoke.toml").read_text()
    for number in range(12):
        (home / "runs" / "plans" / f"p{number}.toml").write_text(text)
    with client(home, runner=wait_for_cancel, writing="open") as web:
        codes = [web.post("/api/v1/jobs", json={"plan": f"p{number}"}).status_code for number in range(12)]
        assert codes.count(202) in (8, 9) and codes[-1] == 409


@pytest.mark.parametrize(
    ("error", "status", "run"),
    [
        (ForecastError("no space"), "failed", ""),
        (FellBack("no space", "r-1"), "degraded", "r-1"),
        (KeyError("x"), "failed", ""),
    ],
)
def test_a_run_that_fails_stops_no_other(home: Path, error: Exception, status: str, run: str) -> None:
    def fail_once(home: Path, scheduled: Any, log: Path) -> str:
        if scheduled.name == "smoke":
            raise error
        return print_lines(home, scheduled, log)

    with client(home, runner=fail_once, writing="open") as web:
        first = web.post("/api/v1/jobs", json={"plan": "smoke"}).headers["location"]
        second = web.post("/api/v1/jobs", json={"plan": "quickstart"}).headers["location"]
        wait_until(lambda: web.get(second).json()["status"] == "complete")
        ended = web.get(first).json()
        assert (ended["status"], ended["run"]) == (status, run) and ended["reason"]
        assert f'forecast_jobs{{status="{status}"}} 1.0' in web.get("/metrics").text


def test_a_restart_closes_what_it_interrupted(home: Path) -> None:
    with client(home, runner=wait_for_cancel, writing="open") as web:
        job = web.post("/api/v1/jobs", json={"plan": "smoke"}).json()["id"]
        wait_until(lambda: web.get(f"/api/v1/jobs/{job}").json()["status"] == "running")
        kept = (home / "runs" / "jobs" / f"{job}.json").read_bytes()
        waiting = web.post("/api/v1/jobs", json={"plan": "quickstart"}).json()["id"]
    record = read_json(home / "runs" / "jobs" / f"{waiting}.json")
    assert record["status"] == "cancelled" and "the service stopped before the run began" in record["reason"]
    (home / "runs" / "jobs" / f"{waiting}.json").unlink()
    assert read_json(home / "runs" / "jobs" / f"{job}.json")["status"] == "cancelled"
    (home / "runs" / "jobs" / f"{job}.json").write_bytes(kept)  # as after kill -9
    (home / "runs" / "jobs" / "0000000000000000.json").write_text("{")
    jobs = Jobs(home, print_lines)
    jobs.begin()
    jobs.end()
    (found,) = jobs.list()
    assert found.status == "failed" and "the service stopped before the run ended" in found.reason


def test_a_scheduled_run_is_followed_and_cancelled(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.web.service._FRESH", 0.0)
    plan = home / "runs" / "plans" / "nightly.toml"
    plan.write_text((home / "runs" / "plans" / "smoke.toml").read_text() + '[schedule]\ncron = "0 6 * * *"\n')
    at = "2026-11-27T06:00:00+00:00"
    log = file_of(home, "nightly", at, ".log")
    with client(home, writing="open") as web:
        assert web.get("/api/v1/schedule/nightly/events").status_code == 404
        assert "no scheduled run" in web.delete("/api/v1/schedule/nightly").json()["detail"]
        with only_one(home, lock_of("nightly")):
            write_running(home, "nightly", at, at)
            log.write_text("project: paths 25%\n")
            (state,) = [state for state in web.get("/api/v1/schedule").json()["plans"] if state["plan"] == "nightly"]
            assert state["running"] == at and "running" in web.get("/").text
            stopper = threading.Timer(0.2, lambda: write_slot(home, "nightly", Slot(at=at, status="cancelled")))
            stopper.start()
            events = web.get("/api/v1/schedule/nightly/events")
            assert "data: project: paths 25%" in events.text and "event: end" in events.text
            stopper.join()
            write_running(home, "nightly", at, at)
            stopper = threading.Timer(0.3, lambda: write_slot(home, "nightly", Slot(at=at, status="cancelled")))
            stopper.start()
            assert web.delete("/api/v1/schedule/nightly").json() == {"plan": "nightly", "at": at}
            assert request_path(log).exists()
