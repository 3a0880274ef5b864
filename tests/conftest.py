"""Property tests see the same examples each time; none is timed, for the first call compiles and machines are busy."""

import os

import pytest
from hypothesis import HealthCheck, settings

from forecast.storage.locks import only_one
from forecast.storage.runs import Run, open_run

settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of `pipeline_run.py`, made once for all workers, in a workspace that tests may read but not change."""
    from tests.support.pipeline_run import make

    own = tmp_path_factory.getbasetemp()
    home = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "made"
    home.mkdir(exist_ok=True)
    with only_one(home, "made"):
        workspace = home / "workspace"
        return open_run("latest", workspace) if workspace.exists() else make(workspace)
