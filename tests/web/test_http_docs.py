"""The page on the service lists every request that it answers, and no other."""

import re
from pathlib import Path

from forecast.web.app import create_app
from forecast.web.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "http.md"


def test_every_route_for_programs_is_documented(tmp_path: Path) -> None:
    written = set(re.findall(r"`(GET|PUT|POST|DELETE) (/[^`?]+)", PAGE.read_text()))
    paths = create_app(tmp_path, Settings(hosts=("127.0.0.1",))).openapi()["paths"]
    requests = [
        (method.upper(), path)
        for path, methods in paths.items()
        if path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))
        for method in methods
    ]
    answered: set[tuple[str, str]] = set()
    for method, path in requests:
        pattern = re.sub(r"\{\w+\}", "[^/]+", path.replace(".", r"\."))
        found = {pair for pair in written if pair[0] == method and re.fullmatch(pattern, pair[1])}
        assert found, f"docs/http.md does not have {method} {path}"
        answered |= found
    assert len(requests) > 30 and written == answered
