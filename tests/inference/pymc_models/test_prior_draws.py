"""Every variable of a model is drawn from its joint prior, also the one that the sampler moves as a flat variable."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from forecast.constants import COMMON_TAILS, WAR_BUDGETS
from forecast.data.spending import spending_panel
from forecast.data.tables import load_tables
from forecast.inference.pymc_models.sampling import build, draw_from_prior
from forecast.priors.load import Priors, load_priors

SIZE = 400


@pytest.fixture(scope="module")
def priors() -> Priors:
    return load_priors(Path(__file__).parents[3] / "priors")


@pytest.fixture(scope="module")
def draws(priors: Priors) -> xr.Dataset:
    model = build("spending", spending_panel(load_tables(), priors), priors)
    names = [variable.name for variable in (*model.free_RVs, *model.deterministics)]
    coords = {dim: list(labels) for dim, labels in model.coords.items() if labels is not None}
    dims = {name: model.named_vars_to_dims.get(name, ()) for name in names}
    shape = {dim: len(labels) for dim, labels in coords.items()}
    empty = {name: (("chain", "draw", *of), np.zeros((1, 1, *(shape[dim] for dim in of)))) for name, of in dims.items()}
    posterior = xr.Dataset({**empty, "of_no_model": (("chain", "draw"), np.zeros((1, 1)))}, coords=coords)
    return draw_from_prior("spending", model, posterior, SIZE, seed=3)


def test_each_variable_has_its_prior(draws: xr.Dataset, priors: Priors) -> None:
    assert dict(draws.sizes)["draw"] == SIZE and "of_no_model" not in draws
    for name in ("kappa", "target_mean", "factor_scale", "response_mean", "volatility_phi"):
        exact = priors[f"spending.{name}"].sample(np.random.default_rng(1), 20_000)
        assert stats.ks_2samp(draws[name].values.ravel(), exact).pvalue > 0.001, name


def test_the_factor_of_the_spending_model_follows_its_equation(draws: xr.Dataset) -> None:
    factor, one = draws["factor"][0], draws.isel(chain=0)
    drift = one["kappa"] * one["target_mean"]
    np.testing.assert_allclose((one["factor_with_drift"] - drift).transpose(*factor.dims), factor, atol=1e-12)
    war = (factor["year"] == WAR_BUDGETS) * one["factor_war"]
    shock = factor - one["factor_phi"] * factor.shift(year=1, fill_value=0.0) - war
    scale = one["factor_scale"] * xr.where(
        factor["year"] == factor["year"][0], 1.0, np.sqrt(1 - one["factor_phi"] ** 2)
    )
    assert stats.kstest((shock / scale).values.ravel(), stats.t(COMMON_TAILS).cdf).pvalue > 0.001
