"""A posterior file has what ArviZ needs: its functions take the tree as it is, and their numbers are those stored."""

import json
from pathlib import Path

import arviz as az
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

from forecast import names
from forecast.inference.arviz_groups import OBSERVED, PREDICTIVE_DRAWS, against_its_data, with_groups
from forecast.inference.importance_sampling import leave_one_out
from forecast.storage.files import replace_tree
from forecast.workspace.inputs import Inputs, read_inputs
from tests.support.fake_posteriors import ROOT
from tests.support.pinned_numbers import data_posteriors

GROUPS = {
    "observed_data",
    "constant_data",
    "log_likelihood",
    "posterior_predictive",
    "prior",
    "prior_predictive",
    names.LEFT_OUT,
}


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return read_inputs(ROOT, "smoke")


@pytest.fixture(scope="module")
def posteriors() -> dict[str, xr.Dataset]:
    return data_posteriors()


def file_of(model: str, inputs: Inputs, posterior: xr.Dataset, folder: Path) -> xr.DataTree:
    """The tree of a fit, as it is read from its file."""
    fit = xr.DataTree.from_dict({names.POSTERIOR: posterior})
    found, groups = against_its_data(inputs, model, fit)
    whole = with_groups(fit, groups, inputs.priors)
    replace_tree(folder / f"{model}.nc", whole)
    with xr.open_datatree(folder / f"{model}.nc", engine="netcdf4") as tree:
        stored = tree.load()
    assert found["loo"]["elpd"] == pytest.approx(float(stored[names.LEFT_OUT]["elpd"].sum()), rel=1e-5)
    return stored


@pytest.mark.case("A18")
@pytest.mark.parametrize(
    "model",
    ["cohesion", "leadership", *(pytest.param(m, marks=pytest.mark.slow) for m in ("spending", "withdrawal"))],
)
def test_a_fit_has_the_groups_of_arviz(
    model: str, inputs: Inputs, posteriors: dict[str, xr.Dataset], tmp_path: Path
) -> None:
    tree = file_of(model, inputs, posteriors[model], tmp_path)
    of = OBSERVED[model]
    assert GROUPS <= set(tree.children)
    draws = {tree[group][of.name].shape for group in ("log_likelihood", "posterior_predictive")}
    assert len(draws) == 1
    for group in tree.children.values():
        for name, values in group.data_vars.items():
            assert values.attrs.get("long_name"), (group.name, name)
            assert values.dtype.kind in "OUT" or values.attrs.get("units"), (group.name, name)
    replicated = tree["prior_predictive"][of.name]
    assert replicated.shape == (1, PREDICTIVE_DRAWS, tree["observed_data"].sizes[of.dim])
    assert bool(np.isfinite(replicated).all()) and float(replicated.std("draw").mean()) > 0.0
    assert tree["observed_data"][of.name].attrs["units"] == of.units
    assert tree["observed_data"].sizes[of.dim] == draws.pop()[2]
    for label in of.labels:
        assert tree["observed_data"][label].dims == (of.dim,)
    for name, values in tree["prior"].data_vars.items():
        assert values.dims[2:] == tree["posterior"][name].dims[2:]
    assert tree.attrs["fit"].startswith(f"{model}-") and tree.attrs["as_of"] == str(inputs.plan.as_of)
    graph = json.loads(tree.attrs[names.GRAPH])
    earlier: set[str] = set()
    for node in graph:  # each variable stands after those that it is computed from
        assert earlier.issuperset(node["parents"])
        earlier.add(node["name"])
    kinds = {node["name"]: node["kind"] for node in graph}
    of_priors = [kinds[name] for name in map(str, tree["prior"].data_vars) if name in kinds]
    assert len(of_priors) > 5 and set(of_priors) <= {"free", "computed"}


@pytest.mark.case("A18")
def test_arviz_takes_a_fit_as_it_is(inputs: Inputs, posteriors: dict[str, xr.Dataset], tmp_path: Path) -> None:
    mpl.use("agg")
    tree = file_of("cohesion", inputs, posteriors["cohesion"], tmp_path)
    with pytest.warns(UserWarning, match="shape parameter"):  # an invented fit is far from the data
        loo = az.loo(tree, pointwise=True)
    ours = leave_one_out(tree["log_likelihood"]["value"].values)  # ArviZ estimates one efficiency for all observations
    assert loo.elpd == pytest.approx(ours.log_density.sum(), rel=0.02)
    pit = az.loo_pit(tree)["value"]
    assert float(abs(pit - tree[names.LEFT_OUT]["pit"]).median()) < 0.1  # the one counts draws, the other integrates
    assert az.plot_ppc_dist(tree) is not None
    assert az.plot_ppc_dist(tree, group="prior_predictive") is not None
    assert az.plot_prior_posterior(tree, var_names=["us_swing", "cut_lower"]) is not None


def test_four_bytes_are_enough_for_leaving_one_out() -> None:
    rng = np.random.default_rng(8)
    seen, mean = rng.normal(size=200), rng.normal(0.0, 0.1, (1, 800, 1))
    exact = -0.5 * (seen - mean) ** 2
    stored = leave_one_out(exact.astype(np.float32)).log_density.sum()
    assert stored == pytest.approx(leave_one_out(exact).log_density.sum(), abs=1e-3)
