"""One workspace with a published run for all tests that only read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from forecast.storage.runs import Run
from forecast.workspace.init import create_workspace
from tests.support.web_client import client, copy_workspace


@pytest.fixture(scope="session")
def shared_home(made_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_workspace(made_run, tmp_path_factory.mktemp("web") / "home")


@pytest.fixture(scope="session")
def web(shared_home: Path) -> Iterator[TestClient]:
    """A client that reads."""
    with client(shared_home) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty workspace that a test may change."""
    create_workspace(tmp_path / "home")
    return tmp_path / "home"
