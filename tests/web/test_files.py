"""Files by range and by version, compressed text, pages, and nothing outside the lists of the runs."""

import gzip
import hashlib
import os
import re
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from forecast.storage.runs import Run
from tests.support.web_client import PAGE, client, copy_workspace

FILES = "/api/v1/runs/latest/files"
#: What a path must never reach.
CLIMBS = (
    "..%2f..%2fplans/small.toml",
    "%2e%2e/%2e%2e/plans/small.toml",
    "/etc/passwd",
    "//etc/passwd",
    "posterior%2f..%2fmanifest.json",
    "posterior",
    "manifest.json%00",
    "..\\manifest.json",
    "projection.nc/",
    "",
)


def test_a_file_is_whole_and_named_by_its_sha256(web: TestClient, made_run: Run) -> None:
    for name, digest in made_run.manifest["files"].items():
        answer = web.get(f"{FILES}/{name}")
        assert answer.content == (made_run.path / name).read_bytes()
        assert answer.headers["etag"] == f'"{digest}"' and answer.headers["accept-ranges"] == "bytes"
        assert web.get(f"{FILES}/{name}", headers={"if-none-match": f'"x", W/"{digest}"'}).status_code == 304
    manifest = web.get(f"{FILES}/manifest.json")
    assert manifest.headers["etag"] == f'"{hashlib.sha256(manifest.content).hexdigest()}"'


@pytest.mark.parametrize(
    ("span", "part"), [("bytes=0-9", slice(0, 10)), ("bytes=100-", slice(100, None)), ("bytes=-7", slice(-7, None))]
)
def test_a_range_of_a_file(web: TestClient, made_run: Run, span: str, part: slice) -> None:
    whole = (made_run.path / "projection.nc").read_bytes()
    answer = web.get(f"{FILES}/projection.nc", headers={"range": span})
    assert answer.status_code == 206 and answer.content == whole[part]
    tag = answer.headers["etag"]
    same = web.get(f"{FILES}/projection.nc", headers={"range": span, "if-range": tag})
    assert same.status_code == 206
    other = web.get(f"{FILES}/projection.nc", headers={"range": span, "if-range": '"other"'})
    assert other.status_code == 200 and other.content == whole


def test_a_range_beyond_the_end(web: TestClient) -> None:
    for span in ("bytes=99999999999-", "bytes=0-1, 99999999999-", "bytes=-0"):
        answer = web.get(f"{FILES}/projection.nc", headers={"range": span})
        assert answer.status_code == 416 and answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-range"].startswith("bytes */") and span in answer.json()["detail"]


@pytest.mark.parametrize(
    "span", ["bytes=a-b", "bytes=", "bytes=-", "bytes=9-3", "lines=1-2", "bytes=1-2;3", f"bytes={'9' * 5000}-"]
)
def test_a_range_that_is_none_is_ignored(web: TestClient, made_run: Run, span: str) -> None:
    answer = web.get(f"{FILES}/headlines.json", headers={"range": span})
    assert answer.status_code == 200 and answer.content == (made_run.path / "headlines.json").read_bytes()


def test_head_gives_the_headers_alone(web: TestClient, made_run: Run) -> None:
    size = str((made_run.path / "projection.nc").stat().st_size)
    head = web.head(f"{FILES}/projection.nc")
    assert head.status_code == 200 and head.headers["content-length"] == size
    for path in ("/", "/healthz", "/api/v1/runs", "/metrics"):
        assert web.head(path).status_code == 200


@pytest.mark.parametrize("name", CLIMBS)
def test_no_path_leads_out_of_a_run(web: TestClient, name: str) -> None:
    assert web.get(f"{FILES}/{name}").status_code in (404, 307)
    assert web.get(f"/api/v1/runs/latest/exports/csv/{name}").status_code in (404, 307, 200, 422)
    assert web.get(f"/reports/latest/{name}").status_code in (404, 307)


def test_a_link_in_a_report_folder_is_not_followed(made_run: Run, tmp_path: Path) -> None:
    home = copy_workspace(made_run, tmp_path / "home")
    (tmp_path / "secret.html").write_text("secret")
    os.symlink(tmp_path / "secret.html", home / "reports" / made_run.id / "link.html")
    with client(home) as web:
        answer = web.get(f"/reports/{made_run.id}/link.html")
        assert answer.status_code == 404 and "secret" not in answer.text


def test_every_file_to_which_a_page_links_is_served(made_run: Run, tmp_path: Path) -> None:
    opening = files("forecast.reporting").joinpath("templates", "opening.html").read_text("utf-8")
    linked = re.findall(r'href="\.\./\.\.(/runs/)\{\{ run_id\|urlencode \}\}(/[^"]+)"', opening)
    assert len(linked) == opening.count("/runs/") >= 2
    home = copy_workspace(made_run, tmp_path / "home")
    with client(home) as web:
        for runs, name in linked:
            answer = web.get(f"{runs}{made_run.id}{name}", follow_redirects=True)
            assert answer.content == (made_run.path / name[1:]).read_bytes()
        page = f"/reports/{made_run.id}/index.html"
        assert web.get("/runs/latest/x%3F%0A", follow_redirects=True).status_code == 404
        assert f'href="{page}"' in web.get("/").text
        (home / page[1:]).unlink()
        assert made_run.id in web.get("/").text and f'href="{page}"' not in web.get("/").text


def test_text_is_compressed_under_a_tag_of_its_own(web: TestClient) -> None:
    plain = web.get("/reports/small@latest/index.html", follow_redirects=True, headers={"accept-encoding": "identity"})
    packed = web.get("/reports/small@latest/index.html", follow_redirects=True, headers={"accept-encoding": "gzip"})
    assert plain.text == packed.text == PAGE
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) == len(gzip.compress(PAGE.encode(), 6, mtime=0)) < len(PAGE) / 10
    assert packed.headers["etag"] == plain.headers["etag"][:-1] + '-gzip"'
    again = {"accept-encoding": "gzip", "if-none-match": packed.headers["etag"]}
    assert web.get(packed.url.path, headers=again).status_code == 304
    assert "content-encoding" not in web.get(f"{FILES}/projection.nc", headers={"accept-encoding": "gzip"}).headers


def test_a_changed_page_is_served_anew(made_run: Run, tmp_path: Path) -> None:
    home = copy_workspace(made_run, tmp_path / "home")
    path = f"/reports/{made_run.id}/index.html"
    with client(home) as web:
        before = web.get(path).headers["etag"]
        (home / path[1:]).write_text("<!DOCTYPE html>other")
        after = web.get(path)
        assert after.text == "<!DOCTYPE html>other" and after.headers["etag"] != before
        assert "no file is called" in web.get(f"/reports/{made_run.id}/nix.html").json()["detail"]
        assert web.get("/reports/").text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("form", [pytest.param("csv", marks=pytest.mark.slow), "parquet"])
def test_tidy_tables_of_a_run(made_run: Run, tmp_path: Path, form: str) -> None:
    home = copy_workspace(made_run, tmp_path / "home")
    with client(home) as web:
        base = f"/api/v1/runs/latest/exports/{form}"
        assert web.get(f"{base}/headlines.{form}").status_code == 404  # not made yet
        names = web.get(base).json()["names"]
        assert {f"headlines.{form}", "datapackage.json"} <= set(names)
        answer = web.get(f"{base}/headlines.{form}", headers={"range": "bytes=0-3"})
        path = home / "reports" / f"{made_run.id}-{form}" / f"headlines.{form}"
        assert answer.status_code == 206 and answer.content == path.read_bytes()[:4]
        assert answer.headers["etag"] == f'"{hashlib.sha256(path.read_bytes()).hexdigest()}"'
        assert web.get("/api/v1/runs/latest/exports/xlsx").status_code == 422
        assert web.get("/api/v1/ledger").content == (home / "runs" / "ledger.jsonl").read_bytes()
