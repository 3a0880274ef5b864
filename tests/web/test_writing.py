"""What is submitted is checked before anything is written, and nothing in it is executed."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from forecast.web.inputs import named
from forecast.workspace.init import create_workspace
from forecast.workspace.plan import load_plan
from tests.support.web_client import client

PLAN = 'title = "Mine"\nas_of = 2025-12-31\nseed = 1\nmissions = ["kfor"]\n'
HOOK = '[schedule]\ncron = "* * * * *"\non_failure = ["touch", "executed"]\n'


@pytest.fixture
def web(home: Path) -> Any:
    with client(home, writing="open") as opened:
        yield opened


def files(home: Path) -> dict[str, bytes]:
    """Every file of a workspace but locks."""
    found = [path for path in home.rglob("*") if path.is_file() and not path.name.startswith(".lock")]
    return {str(path.relative_to(home)): path.read_bytes() for path in found}


def put(web: TestClient, path: str, text: str, **headers: str) -> Any:
    return web.put(
        f"/api/v1{path}", content=text.encode(), headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def test_a_plan_is_checked_and_written(web: TestClient, home: Path) -> None:
    before = files(home)
    only = put(web, "/plans/mine?check_only=true", PLAN)
    assert only.status_code == 200 and only.json()["written"] is False and files(home) == before
    done = put(web, "/plans/mine", PLAN)
    assert done.json() == {**only.json(), "written": True}
    assert "plan runs/plans/mine.toml" in done.json()["notes"]
    assert load_plan(home, "mine").title == "Mine"


def test_a_plan_is_replaced_only_by_who_has_read_it(web: TestClient, home: Path) -> None:
    put(web, "/plans/mine", PLAN)
    tag = web.get("/api/v1/plans/mine").headers["etag"]
    other = PLAN.replace("Mine", "Other")
    assert put(web, "/plans/mine", other).status_code == 428
    assert put(web, "/plans/mine", other, if_match='"0"').status_code == 412
    assert put(web, "/plans/mine", other, if_match=tag).status_code == 200
    assert put(web, "/plans/mine", PLAN, if_match=tag).status_code == 412
    assert load_plan(home, "mine").title == "Other"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("titel = 1", "unknown key 'titel'"),
        (PLAN.replace("kfor", "nix"), "nix"),
        ("x = [", "not valid TOML"),
        (PLAN + "[" * 5000, "not valid TOML"),
        (PLAN + "a." * 60000 + "b = 1", "nested too deep"),
        ("#" * 200_000, "200,000 bytes"),
        (PLAN + 'note = "\x00"', "not valid TOML"),
        (PLAN + HOOK, "has a [schedule], expected none over HTTP"),
        (PLAN + '[schedule]\ncron = "0 6 * * *"\n', "has a [schedule], expected none over HTTP"),
        ("\ufeff", "title"),
    ],
)
def test_a_faulty_plan_is_not_written(web: TestClient, home: Path, text: str, part: str) -> None:
    before = files(home)
    answer = put(web, "/plans/mine", text)
    assert answer.status_code == 422, answer.text
    assert part in answer.text.replace('\\"', '"') and str(home) not in answer.text
    assert files(home) == before and not Path("executed").exists()


def test_a_plan_with_a_schedule_is_not_replaced(web: TestClient, home: Path) -> None:
    plan = home / "runs" / "plans" / "nightly.toml"
    plan.write_text(PLAN + HOOK)
    tag = hashlib.sha256(plan.read_bytes()).hexdigest()
    answer = put(web, "/plans/nightly", PLAN, if_match=f'"{tag}"')
    assert answer.status_code == 422 and "edit the file on the machine" in answer.json()["detail"]
    assert plan.read_text() == PLAN + HOOK


@pytest.mark.parametrize("name", ["..", "a%2fb", "A", "x.toml", "%2e%2e%2fx", "a" * 65, "a%00", "-rf", "a;id", "$(id)"])
@pytest.mark.parametrize("kind", ["plans", "tables", "scenarios"])
def test_a_name_becomes_no_path(web: TestClient, home: Path, kind: str, name: str) -> None:
    before = files(home)
    assert put(web, f"/{kind}/{name}", PLAN).status_code in (404, 405, 422)
    assert files(home) == before


def test_bytes_that_are_no_text(web: TestClient, home: Path) -> None:
    answer = web.put("/api/v1/plans/mine", content=b"title = \xff")
    assert answer.status_code == 422 and "byte 8 is not UTF-8" in answer.json()["detail"]


def test_scenarios_are_checked_with_every_plan(web: TestClient, home: Path) -> None:
    path = home / "priors" / "scenarios" / "war.toml"
    text, tag = path.read_text(), web.get("/api/v1/scenarios/war").headers["etag"]
    faulty = put(web, "/scenarios/war", text.replace("ramp = ", "ramp = 4000 # ", 1), if_match=tag)
    assert faulty.status_code == 422 and "ramp" in faulty.text and path.read_text() == text
    changed = text.replace("label = ", "label = 'Other' # ", 1)
    done = put(web, "/scenarios/war", changed, if_match=tag)
    assert done.status_code == 200 and path.read_text() == changed


@pytest.mark.slow
def test_rows_are_added_to_a_table(web: TestClient, home: Path) -> None:
    header, *_ = web.get("/api/v1/tables/economy").text.split("\n")
    columns = header.split(",")
    shown = {
        row.split(",")[1]: row for row in web.get("/api/v1/tables/economy").text.split("\n") if row.startswith("FRA,")
    }
    assert columns[:2] == ["country", "year"]
    before = files(home)
    body = {"rows": {"economy": f"{header}\n{shown['1990']}\n"}}
    assert web.post("/api/v1/tables?check_only=true", json=body).status_code == 200 and files(home) == before
    assert web.post("/api/v1/tables", json=body).json()["written"] is True
    more = {"rows": {"economy": f"{header}\n{shown['1991']}\n"}}
    assert web.post("/api/v1/tables", json=more).status_code == 200
    own = (home / "tables" / "economy.csv").read_text()
    assert own == f"{header}\n{shown['1990']}\n{shown['1991']}\n"
    again = web.post("/api/v1/tables", json=more)  # the same key twice
    assert again.status_code == 422 and "economy.csv" in again.text
    odd = web.post("/api/v1/tables", json={"rows": {"economy": "country\nFRA"}})
    assert odd.status_code == 422 and "the first line is 'country'" in odd.text
    assert (home / "tables" / "economy.csv").read_text() == own
    tables = {table["name"]: table["own"] for table in web.get("/api/v1/tables").json()["tables"]}
    assert tables["economy"] and not tables["missions"]


@pytest.mark.slow
def test_a_mission_with_its_contingents_and_a_plan_for_it(web: TestClient, home: Path, tmp_path: Path) -> None:
    create_workspace(tmp_path / "example", example=True)
    rows = {path.stem: path.read_text() for path in (tmp_path / "example" / "tables").glob("*.csv")}
    assert {"missions", "deployments"} <= rows.keys()
    assert web.post("/api/v1/tables", json={"rows": {"deployments": rows["deployments"]}}).status_code == 422
    assert web.post("/api/v1/tables", json={"rows": rows}).status_code == 200
    assert {path.stem: path.read_text() for path in (home / "tables").glob("*.csv")} == rows
    plan = (tmp_path / "example" / "runs" / "plans" / "example.toml").read_text()
    assert put(web, "/plans/example", plan).status_code == 200


def test_tables_are_written_together_or_not_at_all(web: TestClient, home: Path) -> None:
    header = web.get("/api/v1/tables/missions").text.split("\n")[0]
    body = {"rows": {"missions": header + "\n", "deployments": "nix\n1\n"}}
    answer = web.post("/api/v1/tables", json=body)
    assert answer.status_code == 422 and "deployments.csv" in answer.text
    assert not (home / "tables").exists()
    assert web.post("/api/v1/tables", json={"rows": {}}).status_code == 422
    assert web.post("/api/v1/tables", json={"rows": {"../x": "a"}}).status_code == 422


@pytest.mark.parametrize(
    ("title", "name"), [("My own: Scenario!", "my_own_scenario"), ("2030", "s_2030"), ("Ünïon x", "n_on_x")]
)
def test_a_name_is_made_of_a_title(title: str, name: str) -> None:
    assert named("name", title) == name
