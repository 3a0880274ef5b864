"""The experiment of the requirements: the default plan with the posterior draws of `tests/data/posteriors`."""

import pytest
import xarray as xr

from forecast.evaluation.requirements.experiment import Experiment, build_experiment
from forecast.names import MODELS
from forecast.workspace.inputs import Inputs, read_inputs
from tests.support.requirements import DRAWS, POSTERIORS, ROOT


@pytest.fixture(scope="session")
def experiment() -> Experiment:
    read = read_inputs(ROOT, "quickstart")
    fields = {name: getattr(read, name) for name in Inputs.__dataclass_fields__}
    plan = read.plan.model_copy(update={"draws": DRAWS})
    posterior = {}
    for model in MODELS:
        path = POSTERIORS / f"{model}.nc"
        with xr.open_datatree(path, engine="netcdf4") as tree:
            posterior[model] = tree.load()
    return build_experiment(Inputs(**(fields | {"plan": plan})), posterior, threads=2)
