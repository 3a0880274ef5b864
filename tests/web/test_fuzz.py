"""10,000 requests that nobody would make by hand, and those that the description of the API invites: none fails."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from starlette.testclient import TestClient

from forecast.storage.runs import Run
from forecast.web.app import create_app
from forecast.web.settings import Settings
from tests.support.web_client import at_once, client, copy_workspace, print_lines

REQUESTS = 10_000
FAST: dict[str, Any] = {"at_once": 1e9, "per_second": 1e9, "writes_per_minute": 1e9, "writing": "open"}
NAMES = """
latest small@latest .. %2e%2e %00 %ff ' " <script> $(id) `id` {} * -1 nan 1e999 runs plans small files manifest.json
projection.nc projection.zarr zarr.json headlines exports csv parquet tables economy scenarios war jobs events reports
index.html (((( | , 🦊
"""
QUESTIONS = ("P(crisis by 2028)", "E(cohesion in 2030Q4)", "Q(0.5, european_spending in 2030)")
WORDS = (*NAMES.split(), *QUESTIONS, "a" * 300, "\n", "\r\n")
#: What a part of a path may be, by its name in the description of the API.
RIGHT = {
    "run": ("latest", "small@latest"),
    "form": ("csv", "parquet"),
    "tree": ("projection", "spending"),
    "key": ("zarr.json", "alliance/zarr.json", "alliance/cohesion/c/0/0/0/0"),
    "name:path": ("manifest.json", "projection.nc", "posterior/spending.nc"),
    "part": ("war", "design", "factors"),
    "name": ("small", "smoke", "economy", "headlines.csv", "index.html"),
}
HEADERS = (
    "range",
    "if-range",
    "if-none-match",
    "if-match",
    "accept",
    "accept-encoding",
    "origin",
    "cookie",
    "content-type",
)
SPANS = (
    "bytes=0-1",
    "bytes=-1",
    "bytes=5-1",
    "bytes=0-0,2-3",
    "bytes=9999999999-",
    "lines=1-2",
    "bytes=,,",
    "bytes=a-",
)


@pytest.fixture(scope="module")
def web(made_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = copy_workspace(made_run, tmp_path_factory.mktemp("fuzz") / "home")
    with client(home, **FAST) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.long
def test_fuzzed_requests_never_fail(web: TestClient) -> None:
    draw = random.Random(20261128)
    paths = [path for path in web.get("/api/v1/openapi.json").json()["paths"]]
    paths += ["/", "/new", "/login", "/jobs/{name}", "/reports/{run}/{name}", "/runs/{run}/{name}"]
    paths += ["/assets/{name}", "/nix/{x}"]
    statuses: dict[int, int] = {}
    for _ in range(REQUESTS):
        answer = web.request(**request(draw, paths))
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (answer.request.method, str(answer.request.url), answer.text)
    assert statuses.keys() >= {200, 404, 405, 422}


def request(draw: random.Random, paths: list[str]) -> dict[str, Any]:
    """Return a request that is nearly right, or not at all."""
    text = lambda: "".join(draw.choices(WORDS, k=draw.choice((1, 1, 1, 2))))  # noqa: E731
    path = draw.choice(paths)
    while "{" in path:
        before, _, rest = path.partition("{")
        field, _, after = rest.partition("}")
        word = draw.choice(RIGHT.get(field, WORDS)) if draw.random() < 0.6 else text()
        path = before + word.replace("\n", "%0a").replace("\r", "%0d") + after
    method = draw.choices(("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"), (60, 5, 5, 10, 10, 5, 5))[0]
    headers = {name: draw.choice((*SPANS, "gzip", '"x"', "*", "text/html", "application/json")) for name in HEADERS}
    chosen = {name: headers[name] for name in draw.sample(HEADERS, draw.randrange(3))}
    questions = {name: text() for name in draw.sample(("q", "plan", "target", "status", "before", "check_only"), 2)}
    body = draw.choice(
        (b"", b"{}", b"[", b"\xff\x00", b'{"plan": "smoke\\u0000"}', b'{"rows": {"economy": "x"}}', b"a=b&c")
    )
    content = body if method in ("PUT", "POST", "PATCH") else None
    if path == "/api/v1/jobs" and method == "POST":
        content = b"{}"  # no run is started
    return {"method": method, "url": path, "params": questions, "headers": chosen, "content": content}


@pytest.mark.slow
def test_the_api_keeps_to_its_description(made_run: Run, tmp_path: Path) -> None:
    home = copy_workspace(made_run, tmp_path / "home")
    app = create_app(home, Settings(**FAST), compute=at_once, runner=print_lines)
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers={"host": "127.0.0.1"})
    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]

    for operation in schema.exclude(path_regex="/events$").get_all_operations():
        run_one(operation.ok(), checks)


def run_one(operation: Any, checks: list[Any]) -> None:
    """Try one operation of the API with cases that its description allows."""

    @given(case=operation.as_strategy())
    @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def try_case(case: Any) -> None:
        answer = case.call(base_url="http://127.0.0.1", headers={"host": "127.0.0.1"})
        case.validate_response(answer, checks=checks)

    try_case()
