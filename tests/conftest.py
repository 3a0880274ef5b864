"""Property tests see the same examples each time; none is timed, for the first call compiles and machines are busy."""

import pytest
from hypothesis import HealthCheck, settings

from forecast.storage.runs import Run

settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of `made.py`, in a workspace that tests may read but not change."""
    from tests.support.pipeline_run import make

    return make(tmp_path_factory.mktemp("made") / "workspace")
