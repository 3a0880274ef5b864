"""Test that the likelihood written for calibration equals the likelihood of the production model."""

import importlib
from typing import Any

import numpy as np
import pytest

from forecast.evaluation.calibration.sbc import MODELS, problem_of
from tests.support.fake_posteriors import priors


def named_values(model: Any, point: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Return parameters and deterministics at a point of the sampler, as arrays with one draw."""
    variables = [*model.free_RVs, *model.deterministics]
    run = model.compile_fn(model.replace_rvs_by_values(variables), mode="FAST_COMPILE")
    return {v.name: np.asarray(x)[None] for v, x in zip(variables, run(point), strict=True)}


@pytest.mark.parametrize("name", MODELS)
def test_log_likelihood_equals_that_of_the_model(name: str) -> None:
    """Compare two data sets at one point: the priors cancel, so the likelihoods are compared."""
    problem = problem_of(name)
    build = importlib.import_module(f"forecast.inference.pymc_models.{name}").build
    rng = np.random.default_rng(6)
    true_parameters = problem.draw(priors(), rng)
    datasets = [problem.simulate(problem.data, true_parameters, rng) for _ in range(2)]
    model = build(problem.data, problem.priors(priors()))
    start = model.initial_point(random_seed=1)
    point = {k: x + rng.normal(0.0, 0.3, np.shape(x)) for k, x in start.items()}
    parameters = named_values(model, point)
    data_terms = [*model.observed_RVs, *model.potentials]
    density = model.compile_logp(vars=data_terms, jacobian=False, mode="FAST_COMPILE")
    production, written = [], []
    for data in datasets:
        for vector, values in problem.data_vectors(data).items():
            if vector in model:
                model.set_data(vector, values)
        production.append(float(density(point)))
        written.append(problem.derived(data, parameters)["log_likelihood"][0])
    # a few hundred terms of order 1 to 100, added in another order
    assert production[0] - production[1] == pytest.approx(written[0] - written[1], rel=1e-9, abs=1e-6)
