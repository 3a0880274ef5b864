"""Who may do what: reading open or by token, writing by role, sessions and forms, and requests from other sites."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from forecast.web.observe import JsonLines
from forecast.web.tokens import ROLES, add_token, remove_token
from tests.support.web_client import ADDRESS, client, wait_for_cancel

NOW = "2026-11-28T10:00:00+00:00"
ORIGIN = {"origin": ADDRESS}
#: Each request that changes something, with the least role that may make it and the status that it then has.
CHANGES = (
    ("PUT", "/api/v1/plans/mine", "analyst", 422),
    ("PUT", "/api/v1/scenarios/war", "analyst", 428),
    ("PUT", "/api/v1/tables/economy", "analyst", 422),
    ("POST", "/api/v1/tables", "analyst", 422),
    ("POST", "/api/v1/jobs", "operator", 422),
    ("DELETE", "/api/v1/jobs/0123456789abcdef", "operator", 404),
    ("DELETE", "/api/v1/schedule/smoke", "operator", 422),
    ("POST", "/new", "operator", 403),  # without the secret of a session
    ("POST", "/jobs/0123456789abcdef/cancel", "operator", 403),
)
#: Requests that need no token although reading needs one.
ALWAYS = ("/healthz", "/readyz", "/login", "/assets/style.css", "/assets/progress.js", "/api/v1/openapi.json")


@pytest.fixture
def tokens(home: Path) -> dict[str, dict[str, str]]:
    """A header for each role."""
    return {role: {"authorization": f"Bearer {add_token(home, role, role, NOW)}"} for role in ROLES}


@pytest.fixture
def web(home: Path, tokens: dict[str, dict[str, str]]) -> Iterator[TestClient]:
    with client(home, reading="token") as opened:
        yield opened


@pytest.mark.parametrize(("method", "path", "role", "status"), CHANGES)
def test_a_change_needs_a_role(
    web: TestClient, tokens: dict[str, dict[str, str]], method: str, path: str, role: str, status: int
) -> None:
    assert web.request(method, path, content=b"x").status_code == 401
    for other in ROLES:
        expected = 403 if ROLES.index(other) < ROLES.index(role) else status
        answer = web.request(method, path, content=b"x", headers=tokens[other])
        assert answer.status_code == expected, (other, answer.text)


def test_every_change_is_in_the_list(web: TestClient) -> None:
    described = web.get("/api/v1/openapi.json").json()["paths"]
    known = {(method, re.sub(r"[^/]+$", "{}", path) if path.count("/") > 3 else path) for method, path, *_ in CHANGES}
    for path, methods in described.items():
        for method in set(methods) - {"get"}:
            shape = re.sub(r"\{[^}]+\}$", "{}", path)
            assert (method.upper(), shape) in known, path


def test_reading_by_token_alone(web: TestClient, tokens: dict[str, dict[str, str]]) -> None:
    described = web.get("/api/v1/openapi.json").json()["paths"]
    reads = [path for path, methods in described.items() if "get" in methods] + [
        "/",
        "/reports/",
        "/reports/a/b",
        "/runs/a/b",
        "/new",
    ]
    for path in [re.sub(r"\{[^}]+\}", "x", path) for path in reads]:
        if path not in ALWAYS:
            assert web.get(path).status_code in (401, 303), path
            assert web.get(path, headers=tokens["reader"]).status_code not in (401, 303), path
    for path in ALWAYS:
        assert web.get(path).status_code == 200, path
    refused = web.get("/api/v1/runs")
    assert refused.headers["www-authenticate"] == "Bearer" and "expected one in the header" in refused.json()["detail"]


@pytest.mark.parametrize("value", ["Bearer nix", "Bearer", "Basic eDp5", "nix", "Bearer \u00e9"])
def test_a_wrong_token_is_refused_though_reading_is_open(home: Path, value: str) -> None:
    with client(home) as web:
        assert web.get("/api/v1/runs").status_code == 200
        assert web.get("/api/v1/runs", headers={"authorization": value.encode()}).status_code == 401  # type: ignore[dict-item]


def test_wrong_tokens_are_slowed_down(home: Path) -> None:
    with client(home, writes_per_minute=3.0) as web:
        codes = [web.get("/api/v1/runs", headers={"authorization": "Bearer nix"}).status_code for _ in range(5)]
        assert codes == [401, 401, 401, 429, 429]
        assert web.get("/healthz").status_code == 429  # of this client


def test_rates_of_a_client_are_bounded(home: Path) -> None:
    with client(home, at_once=3.0, per_second=0.001) as web:
        answers = [web.get("/healthz") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].headers["retry-after"] == "60" and "wait a minute" in answers[-1].json()["detail"]
    with client(home, writes_per_minute=2.0, writing="open") as web:
        codes = [web.delete("/api/v1/jobs/x").status_code for _ in range(3)]
        assert codes == [404, 404, 429] and web.get("/healthz").status_code == 200


def test_a_large_body_is_refused(home: Path) -> None:
    with client(home, writing="open", body=1000) as web:
        answer = web.put("/api/v1/plans/mine", content=b"#" * 1001)
        assert answer.status_code == 413 and answer.headers["content-type"] == "application/problem+json"
        parts = iter([b"#" * 600, b"#" * 600])
        assert web.put("/api/v1/plans/mine", content=parts).headers["x-frame-options"] == "DENY"
        parts = iter([b"#" * 600, b"#" * 600])
        assert web.put("/api/v1/plans/mine", content=parts).json()["status"] == 413
        parts = iter([b"[" * 600, b"[" * 600])
        kind = {"content-type": "application/json"}
        assert web.post("/api/v1/tables", content=parts, headers=kind).status_code == 413
        assert not (home / "runs" / "plans" / "mine.toml").exists()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost:80@evil.example"])
def test_another_host_is_refused(home: Path, host: str) -> None:
    with client(home) as web:
        assert web.get("/api/v1/runs", headers={"host": host}).status_code == 421
        for name in ("localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"):
            assert web.get("/healthz", headers={"host": name}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": f"{ADDRESS}:81"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_a_change_from_another_site_is_refused(home: Path, headers: dict[str, str]) -> None:
    with client(home, writing="open") as web:
        for method, path, *_ in CHANGES:
            answer = web.request(method, path, content=b"x", headers=headers)
            assert answer.status_code == 403 and "another site" in answer.json()["detail"]
        assert web.get("/", headers=headers).status_code == 200


def sign_in(web: TestClient, token: dict[str, str]) -> str:
    """Sign in as a browser does and return the header with the cookie."""
    secret = token["authorization"].removeprefix("Bearer ")
    answer = web.post("/login", data={"token": secret}, headers=ORIGIN)
    assert answer.status_code == 303 and secret not in str(answer.headers)
    return answer.headers["set-cookie"]


def test_a_session_is_for_this_site_alone(web: TestClient, tokens: dict[str, dict[str, str]], home: Path) -> None:
    cookie = sign_in(web, tokens["operator"])
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Secure" not in cookie
    assert "Signed in as operator" in web.get("/").text
    remove_token(home, "operator")
    assert web.get("/api/v1/runs").status_code == 401  # the session ends with the token


def test_a_session_over_tls_is_secure_and_ends(web: TestClient, tokens: dict[str, dict[str, str]]) -> None:
    secret = tokens["reader"]["authorization"].removeprefix("Bearer ")
    secure = web.post("/login", data={"token": secret}, headers={"origin": "https://127.0.0.1"})
    assert "Secure" in secure.headers["set-cookie"]
    sign_in(web, tokens["reader"])
    assert web.get("/api/v1/runs").status_code == 200
    assert web.post("/logout", headers=ORIGIN).status_code == 303
    assert web.get("/api/v1/runs").status_code == 401
    assert web.post("/login", data={"token": "nix"}, headers=ORIGIN).status_code == 401


def test_a_form_needs_the_secret_of_its_session(web: TestClient, tokens: dict[str, dict[str, str]]) -> None:
    sign_in(web, tokens["operator"])
    page = web.get("/new")
    secret = re.search(r'name="secret" value="([^"]+)"', page.text)
    assert secret and page.headers["cache-control"] == "no-store"
    for wrong in ("", "x", secret[1] + "x", "\u00e9"):
        assert web.post("/new", data={"secret": wrong, "title": "Mine"}, headers=ORIGIN).status_code == 403
    assert web.post("/new", data={"secret": secret[1], "title": ""}, headers=ORIGIN).status_code == 422


def test_a_page_leads_a_browser_to_the_form_to_sign_in(web: TestClient) -> None:
    answer = web.get("/", headers={"accept": "text/html"})
    assert answer.status_code == 303 and answer.headers["location"] == "/login"


def test_security_headers_of_every_answer(home: Path) -> None:
    with client(home) as web:
        for path in ("/", "/api/v1/runs", "/nix", "/assets/style.css", "/login", "/metrics"):
            headers = web.get(path).headers
            assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "same-origin" and "server" not in headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy


def test_no_secret_is_logged_or_stored(home: Path, tokens: dict[str, dict[str, str]]) -> None:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    logger, handler = logging.getLogger("forecast.web"), Keep()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    secrets = [header["authorization"].removeprefix("Bearer ") for header in tokens.values()]
    try:
        with client(home, reading="token", runner=wait_for_cancel) as web:
            web.get("/api/v1/runs?token=hidden", headers=tokens["reader"])
            web.get(f"/{secrets[0]}")
            sign_in(web, tokens["operator"])
            started = web.post("/api/v1/jobs", json={"plan": "smoke"}, headers=tokens["operator"])
            assert started.status_code == 202
    finally:
        logger.removeHandler(handler)
    assert any('"by": "reader"' in line and '"route": "/api/v1/runs"' in line for line in lines)
    stored = [path.read_bytes().decode(errors="replace") for path in (home / "runs").rglob("*") if path.is_file()]
    for text in ["\n".join(lines), *stored]:
        assert not any(secret in text for secret in (*secrets, "hidden"))
