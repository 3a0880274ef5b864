"""Every line of the threat model names a test that exists, and two of its lines are shown here."""

import ast
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import forecast
from forecast.errors import RunError
from tests.support.markdown_code import ROOT

LINES = [
    line.split("|")[1:-1]
    for line in (ROOT / "docs" / "threat-model.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and "`tests/" in line
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0].strip()[:40])
def test_a_line_names_a_test(line: list[str]) -> None:
    assert len(line) == 3 and all(cell.strip() for cell in line)
    found = re.fullmatch(r"`(tests/[\w/]+\.py)::(\w+)`", line[2].strip())
    assert found, line[2]
    tree = ast.parse((ROOT / found[1]).read_text("utf-8"))
    assert found[2] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_table_is_long_enough() -> None:
    assert len(LINES) > 30


def test_no_module_loads_pickles() -> None:
    for path in (ROOT / "forecast" / "web").rglob("*.py"):
        names = {node.id for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Name)}
        assert not names & {"pickle", "marshal", "shelve", "eval", "exec", "__import__"}, path


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """An address that leads to another path, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *facts: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_a_redirection_is_not_followed(
    elsewhere: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address, asked = elsewhere
    monkeypatch.setenv("FORECAST_TOKEN", "secret")
    with pytest.raises(RunError, match="answered with status 302; check the address"):
        forecast.open_run(f"{address}/api/v1/runs/latest", tmp_path)
    assert asked == ["/api/v1/runs/latest"]
