"""The API for readers returns what the Python functions return, and names every fault of a request."""

import gc
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from starlette.testclient import TestClient

from forecast.archive.query import answer_query, answer_rows, sampled_paths
from forecast.archive.query_language import parse_query
from forecast.storage.ledger import read_ledger
from forecast.storage.runs import Run, open_run
from forecast.web import compute
from tests.support.web_client import client

API = "/api/v1"


def get(web: TestClient, path: str, status: int = 200) -> Any:
    answer = web.get(f"{API}{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


def fault(web: TestClient, path: str, status: int) -> str:
    answer = web.get(f"{API}{path}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


@pytest.mark.parametrize("name", ["latest", "small@latest", ""])
def test_a_run_by_name(web: TestClient, made_run: Run, name: str) -> None:
    found = get(web, f"/runs/{name or made_run.id}")
    assert found["id"] == made_run.id and found["plan"] == "small" and found["as_of"] == "2025-12-31"
    assert found["age_of_facts"] > 0 and found["files"] == made_run.manifest["files"]
    assert "projection.zarr" in found["trees"] and "spending.zarr" in found["trees"]


def test_runs_are_listed_and_filtered(web: TestClient, made_run: Run) -> None:
    assert [run["id"] for run in get(web, "/runs")["runs"]] == [made_run.id]
    assert get(web, "/runs?plan=other")["runs"] == get(web, "/runs?status=failed")["runs"] == []


@pytest.mark.parametrize("name", ["nix", "..", "%2e%2e", "fits", "plans", "small", "x@latest", "@", "a" * 3000])
def test_no_run_of_a_name(web: TestClient, name: str) -> None:
    assert web.get(f"{API}/runs/{name}").status_code == 404


def test_headlines_are_those_of_the_run(web: TestClient, made_run: Run) -> None:
    assert get(web, "/runs/latest/headlines") == made_run.headlines == get(web, "/headlines?plan=small")
    spending = get(web, "/headlines?target=european_spending")
    assert spending and {record["target"] for record in spending} == {"european_spending"}


def test_a_question_is_answered_as_by_the_archive(web: TestClient, made_run: Run) -> None:
    question = "P(cohesion in 2030Q4 < 0, war=win, design=none)"
    found = get(web, f"/runs/latest/query?q={question}")
    draws = made_run.manifest["plan"]["draws"]
    assert found["answers"] == json.loads(
        json.dumps(list(answer_rows(answer_query(parse_query(question), sampled_paths(made_run), draws))))
    )


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("P(crisi by 2028)", "expected one of"),
        ("P(", "query:"),
        ("x" * 1000, "query:"),
        ("E(verdict in 2030Q4)", "query:"),
    ],
)
def test_a_faulty_question(web: TestClient, question: str, part: str) -> None:
    assert part in fault(web, f"/runs/latest/query?q={question}", 422)


def test_a_question_that_is_too_long(web: TestClient) -> None:
    answer = web.get(f"{API}/runs/latest/query", params={"q": "x" * 1001})
    assert answer.status_code == 422 and "query.q" in answer.json()["faults"][0]
    assert answer.json()["detail"].startswith("1 fault:")


def test_a_run_is_verified_and_compared(web: TestClient, made_run: Run, shared_home: Path) -> None:
    verified = get(web, "/runs/latest/verify")
    assert verified["files"] == len(made_run.manifest["files"])
    assert verified["seal"] == read_ledger(shared_home)[-1].seal and verified["ledger_faults"] == []
    assert verified["damaged"] == []
    compared = get(web, "/runs/latest/compare?before=small@latest")
    assert compared["before"] == compared["after"] == made_run.id and compared["flips"] == []


def test_verify_of_the_newest_run_names_damaged_ones_that_are_newer(
    made_run: Run, shared_home: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(shared_home, tmp_path / "home"))
    newer = home / "runs" / "9999-12-31-small-00000000"
    shutil.copytree(home / "runs" / made_run.id, newer)
    (newer / "headlines.json").write_text("{}")
    with client(home) as web:
        (reason,) = get(web, "/runs/latest/verify")["damaged"]
        assert newer.name in reason and "headlines.json" in reason and str(home) not in reason
        assert get(web, f"/runs/{made_run.id}/verify")["damaged"] == []


def test_a_mixture_is_the_weighted_sum_with_the_weights_of_the_run(web: TestClient, made_run: Run) -> None:
    found = get(web, "/runs/latest/mixture")
    (mixed,) = [row["value"] for row in found["headlines"] if row["category"] == "Weak"]
    stored = {(h["war"], h["design"]): h["value"] for h in made_run.headlines if h["category"] == "Weak"}
    expected = sum(row["weight"] * stored[row["war"], row["design"]] for row in found["weights"])
    assert mixed == pytest.approx(expected, abs=2e-5)  # headlines have five decimals
    assert sum(row["weight"] for row in found["weights"]) == pytest.approx(1.0)
    assert found["headlines"] == made_run.json("mixture.json")["headlines"]


def test_questions_and_their_scores(web: TestClient, made_run: Run) -> None:
    found = {row["id"]: row for row in get(web, "/runs/latest/questions")["questions"]}
    stored = {row["id"]: row for row in made_run.json("answers.json")["answers"]}
    assert stored and all(found[name]["answer"]["value"] == row["value"] for name, row in stored.items())
    assert set(get(web, "/scoreboard")["unresolved"]) == set(found)


def test_the_tree_of_a_run_as_zarr(web: TestClient, made_run: Run) -> None:
    from zarr.core.buffer import Buffer, default_buffer_prototype
    from zarr.storage import MemoryStore

    base = f"{API}/runs/latest/projection.zarr"
    root = web.get(f"{base}/zarr.json").json()
    keys = ["zarr.json", *(f"{name}/zarr.json" for name in root["consolidated_metadata"]["metadata"])]
    with made_run.projection as tree:
        chunk = "c/" + "/".join("0" * tree["alliance"]["cohesion"].ndim)
    keys.append(f"alliance/cohesion/{chunk}")
    kept: dict[str, Buffer] = {}
    for key in keys:
        answer = web.get(f"{base}/{key}")
        assert answer.status_code == 200, key
        kept[key] = default_buffer_prototype().buffer.from_bytes(answer.content)
    with (
        made_run.projection as tree,
        xr.open_zarr(
            MemoryStore(kept), group="alliance", consolidated=False, chunks=None, create_default_indexes=False
        ) as served,
    ):
        assert served["cohesion"].values.tobytes() == tree["alliance"]["cohesion"].values.tobytes()
        assert served["cohesion"].attrs == tree["alliance"]["cohesion"].attrs
    assert "no key" in fault(web, "/runs/latest/projection.zarr/alliance/nix", 404)
    assert "no tree" in fault(web, "/runs/latest/nix.zarr/zarr.json", 404)


def test_tables_plans_and_scenarios(web: TestClient, shared_home: Path) -> None:
    tables = {table["name"]: table for table in get(web, "/tables")["tables"]}
    assert {"name": "country", "kind": "text", "key": True, "nullable": False, "unit": ""} in tables["economy"][
        "columns"
    ]
    assert web.get(f"{API}/tables/missions").text.startswith("mission,")
    assert "small" in get(web, "/plans")["names"]
    plan = shared_home / "runs" / "plans" / "small.toml"
    assert web.get(f"{API}/plans/small").content == plan.read_bytes()
    assert web.get(f"{API}/scenarios/war").content == (shared_home / "priors" / "scenarios" / "war.toml").read_bytes()
    for path in ("/tables/nix", "/scenarios/nix", "/plans/Nix"):
        assert "expected" in fault(web, path, 422)
    assert "no such file" in fault(web, "/plans/nix", 404)


def test_the_service_describes_itself(web: TestClient) -> None:
    described = get(web, "/openapi.json")
    assert f"{API}/runs/{{run}}/query" in described["paths"]
    operations = [part for path in described["paths"].values() for part in path.values()]
    assert all(part["summary"] and part["description"] for part in operations)
    assert web.get("/healthz").json() == {"status": "ok"} and web.get("/readyz").json() == {"status": "ready"}


def test_a_damaged_run_is_shown_as_such_and_the_others_go_on(shared_home: Path, made_run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(shared_home, home)
    second = home / "runs" / made_run.id.replace("small", "other")
    shutil.copytree(home / "runs" / made_run.id, second)
    (second / "headlines.json").write_text("{}")
    broken = home / "runs" / made_run.id.replace("small", "third")
    broken.mkdir()
    (broken / "manifest.json").write_text("{")
    with client(home) as web:
        states = {run["id"]: run["status"] for run in get(web, "/runs")["runs"]}
        assert states == {made_run.id: "complete", second.name: "damaged", broken.name: "damaged"}
        detail = fault(web, f"/runs/{second.name}/headlines", 409)
        assert "headlines.json was changed since the run was written" in detail and str(home) not in detail
        assert "damaged" in fault(web, f"/runs/{second.name}/files/priors.json", 409)
        assert get(web, "/runs/latest")["id"] == made_run.id
        assert get(web, f"/runs/{broken.name}")["status"] == "damaged"
        assert "damaged" in web.get("/").text and web.get("/metrics").status_code == 200


def test_a_new_run_is_found(shared_home: Path, made_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.web.catalog._FRESH", 0.0)
    home = tmp_path / "home"
    shutil.copytree(shared_home, home)
    with client(home) as web:
        assert len(get(web, "/runs")["runs"]) == 1
        shutil.move(home / "runs" / made_run.id, home / "aside")
        assert get(web, "/runs")["runs"] == []
        assert "no run" in fault(web, "/headlines", 404)
        shutil.move(home / "aside", home / "runs" / made_run.id)
        assert open_run("small@latest", home).id == get(web, "/runs/latest")["id"]


def test_metrics_of_the_workspace(web: TestClient) -> None:
    text = web.get("/metrics").text
    assert 'forecast_runs{plan="small",status="complete"} 1.0' in text
    assert 'forecast_last_success_timestamp_seconds{plan="small"}' in text
    assert 'forecast_facts_age_days{plan="small"}' in text
    assert 'route="/api/v1/runs/{run}"' in text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # anyio leaves a pipe open
def test_a_computation_that_takes_too_long_is_killed(shared_home: Path) -> None:
    with client(shared_home, compute=compute.Apart(), seconds=0.05) as web:
        assert "or make the export on the machine with `forecast export" in fault(web, "/runs/latest/exports/csv", 503)
        assert "takes longer than 0.05 seconds" in fault(web, "/runs/latest/query?q=P(crisis by 2028)", 503)
    with client(shared_home, compute=compute.Apart()) as web:
        assert get(web, "/runs/latest/verify")["entry"] == 1
        assert "expected one of" in fault(web, "/runs/latest/query?q=P(crisi by 2028)", 422)
        get(web, "/runs/latest/query?q=P(crisis by 2028)")  # may load what pickles the causes of errors too
        assert "expected E(" in fault(web, "/runs/latest/query?q=x", 422)
    gc.collect()  # so that the pipe is found in this test


def test_an_unexpected_error_says_nothing_of_the_machine(shared_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*facts: object) -> None:
        raise ZeroDivisionError("secret")

    with client(shared_home, compute=broken) as web:
        detail = fault(web, "/runs/latest/verify", 500)
    assert "secret" not in detail and "unexpected error" in caplog.text
