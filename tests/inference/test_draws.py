"""Test the convergence limits, the worst variable that they name, and the order in which draws are used."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from forecast.inference.arviz_functions import array_stats
from forecast.inference.diagnostics import Diagnostics, diagnose, shrinkage
from forecast.inference.draws import draws_by_name, select
from forecast.priors.prior import Prior
from forecast.storage.files import open_tree, write_tree

CHAINS, DRAWS = 4, 1000
COUNTRIES = ["DEU", "FRA", "POL"]


def chains(draws: int = DRAWS, seed: int = 1) -> dict[str, xr.DataArray]:
    """Return independent normal draws: a scalar, and a vector by country."""
    rng = np.random.default_rng(seed)
    lead = {"chain": range(CHAINS), "draw": range(draws)}
    vector = rng.normal(0.0, 2.0, (CHAINS, draws, len(COUNTRIES)))
    return {
        "kappa": xr.DataArray(rng.normal(0.1, 0.02, (CHAINS, draws)), coords=lead),
        "target": xr.DataArray(vector, coords=lead | {"country": COUNTRIES}),
    }


def tree(variables: dict[str, xr.DataArray], divergences: int = 0) -> xr.DataTree:
    posterior = xr.Dataset(variables)
    diverging = np.zeros((CHAINS, posterior.sizes["draw"]), bool)
    diverging.flat[:divergences] = True
    stats = xr.Dataset({"diverging": (("chain", "draw"), diverging)})
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})


def test_converged_chains_pass() -> None:
    result = diagnose(tree(chains()))
    assert result.passed
    assert result.rhat < 1.01
    assert 3000 < result.ess_bulk < 5000  # independent draws: the ESS is near 4,000, their number
    assert (result.chains, result.draws, result.divergences) == (CHAINS, DRAWS, 0)
    assert result.as_dict()["passed"] is True
    assert f"R-hat {result.rhat:.4f} ({result.rhat_worst})" in str(result)


def test_shifted_chain_fails_and_is_named() -> None:
    draws = chains()
    draws["target"][2, :, COUNTRIES.index("POL")] += 1.0  # half an SD
    result = diagnose(tree(draws))
    assert not result.passed
    assert result.rhat > 1.01
    assert result.rhat_worst == result.ess_bulk_worst == "target[POL]"


def test_chain_of_different_scale_fails() -> None:
    draws = chains()
    draws["kappa"][1] = (draws["kappa"][1] - 0.1) * 2 + 0.1
    result = diagnose(tree(draws))
    assert not result.passed
    assert result.rhat_worst == "kappa"


def test_short_chains_fail_by_ess() -> None:
    result = diagnose(tree(chains(draws=60)))
    assert not result.passed
    assert min(result.ess_bulk, result.ess_tail) < 400


def test_autocorrelated_chains_fail_by_ess() -> None:
    draws = chains()
    noise = draws["target"].values[..., 0]
    for t in range(1, DRAWS):
        noise[:, t] += 0.98 * noise[:, t - 1]
    result = diagnose(tree(draws))
    assert result.ess_bulk < 400
    assert result.ess_bulk_worst == "target[DEU]"
    assert not result.passed


def test_tail_ess_is_that_of_the_5_and_the_95_percent_quantile() -> None:
    """Each chain stays for ten draws at a time in its highest twentieth, and mixes well below it."""
    draws = chains()
    values = draws["kappa"].values
    for chain in values:
        chain.sort()
        chain[:] = np.random.default_rng(4).permutation(chain[:950].tolist() + [0.0] * 50)
        for i in range(0, DRAWS, 200):
            chain[i : i + 10] = 0.2 + 0.001 * np.arange(10)
    stats = array_stats()
    inner, outer = (min(float(stats.ess(values, method="quantile", prob=q)) for q in (p, 1 - p)) for p in (0.11, 0.05))
    assert outer < 0.7 * inner  # so that it matters which quantiles they are
    found = diagnose(tree(draws))
    assert (found.ess_tail, found.ess_tail_worst) == (pytest.approx(outer), "kappa")


def test_one_divergence_fails() -> None:
    result = diagnose(tree(chains(), divergences=1))
    assert result.divergences == 1
    assert result.rhat < 1.01
    assert not result.passed


@pytest.mark.filterwarnings("ignore:invalid value")  # ArviZ divides 0 by 0
@pytest.mark.parametrize("value", [np.nan, 1.0])
def test_nan_or_constant_variable_never_passes(value: float) -> None:
    draws = chains()
    draws["target"][:, :, 1] = value
    result = diagnose(tree(draws))
    assert not result.passed
    assert result.rhat_worst == "target[FRA]"


@pytest.mark.parametrize("field", ["rhat", "ess_bulk", "ess_tail"])
def test_nan_in_any_diagnostic_fails(field: str) -> None:
    good = diagnose(tree(chains())).as_dict()
    good.pop("passed")
    assert Diagnostics(**good).passed
    assert not Diagnostics(**{**good, field: float("nan")}).passed


@pytest.mark.parametrize(
    ("field", "at", "beyond"),
    [("rhat", 1.01, 1.0101), ("ess_bulk", 400, 399.9), ("ess_tail", 400, 399.9)],
)
def test_limits_are_inclusive(field: str, at: float, beyond: float) -> None:
    good = diagnose(tree(chains())).as_dict()
    good.pop("passed")
    assert Diagnostics(**{**good, field: at}).passed
    assert not Diagnostics(**{**good, field: beyond}).passed


def numbered(draws: int = 8) -> xr.DataTree:
    """Return a tree in which every draw has its own number, in both variables."""
    numbers = np.arange(CHAINS * draws, dtype=float).reshape(CHAINS, draws)
    dims = ("chain", "draw")
    return tree(
        {
            "x": xr.DataArray(numbers, dims=dims),
            "y": xr.DataArray(numbers[..., None] + [0.0, 0.25], dims=(*dims, "country")).assign_coords(
                country=["DEU", "FRA"]
            ),
        }
    )


@pytest.mark.parametrize("size", [5, 32, 70])
def test_all_draws_are_used_before_any_is_repeated(size: int) -> None:
    result = draws_by_name(numbered(), size, np.random.default_rng(3))
    x = result["x"].values
    assert x.shape == (size,)
    for first in range(0, size, 32):
        part = x[first : first + 32]
        assert len(set(part)) == len(part)
    counts = np.bincount(x.astype(int), minlength=32)
    assert counts.max() - counts.min() <= 1


def test_variables_of_one_draw_stay_together() -> None:
    result = draws_by_name(numbered(), 40, np.random.default_rng(3))
    assert result["y"].dims == ("sample", "country")
    np.testing.assert_array_equal(result["y"].values, result["x"].values[:, None] + [0.0, 0.25])
    assert result["y"]["country"].values.tolist() == ["DEU", "FRA"]


def test_draws_are_reproducible_and_shuffled() -> None:
    one, same, other = (draws_by_name(numbered(), 32, np.random.default_rng(s))["x"].values for s in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, np.sort(one))


def test_select_orders_labels_and_fills_absent_ones() -> None:
    values = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], dims=("sample", "country"), coords={"country": ["DEU", "FRA"]})
    fill = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]])
    result = select(values, "country", ["FRA", "ISL", "DEU"], fill)
    np.testing.assert_array_equal(result, [[2.0, 20.0, 1.0], [4.0, 50.0, 3.0]])
    np.testing.assert_array_equal(select(values, "country", ["ISL"], -1.0), [[-1.0], [-1.0]])
    assert select(values, "country", [], 0.0).shape == (2, 0)


def test_shrinkage_compares_posterior_and_prior() -> None:
    def prior(name: str, dist: str, *params: float) -> Prior:
        return Prior(name=f"spending.{name}", dist=dist, params=params, source="s", evidence="data")

    priors = {
        "kappa": prior("kappa", "Normal", 0.2, 0.08),
        "target": prior("target", "Normal", 0.0, 1.0),  # not a scalar: left out
        "cap": prior("cap", "Constant", 8.0),
        "gone": prior("gone", "Normal", 0.0, 1.0),
    }
    result = shrinkage(tree(chains()), priors)
    assert list(result) == ["kappa"]
    kappa = result["kappa"]
    # 4000 posterior and 100,000 prior draws: relative errors of an SD are 1.1 % and 0.2 %
    assert kappa["posterior_mean"] == pytest.approx(0.1, abs=4 * 0.02 / 4000**0.5)
    assert kappa["prior_mean"] == pytest.approx(0.2, abs=4 * 0.08 / 1e5**0.5)
    assert kappa["posterior_sd"] == pytest.approx(0.02, rel=0.05)
    assert kappa["prior_sd"] == pytest.approx(0.08, rel=0.01)
    assert kappa["contraction"] == pytest.approx(1 - (0.02 / 0.08) ** 2, abs=0.01)


def test_a_variable_is_read_when_it_is_asked_for_and_not_kept(tmp_path: Path) -> None:
    write_tree(tmp_path / "fit.nc", tree(chains(50)))
    usual = netCDF4.get_chunk_cache()
    with open_tree(tmp_path / "fit.nc", keep=False) as stored:
        assert netCDF4.get_chunk_cache() == usual  # on which the bytes of written files depend
        samples = draws_by_name(stored, 300, np.random.default_rng(2))
        whole = draws_by_name(tree(chains(50)), 300, np.random.default_rng(2))
        assert [*samples] == [*whole] == ["kappa", "target"]
        for name in samples:
            xr.testing.assert_identical(samples[name], whole[name])
        assert not any(values.variable._in_memory for values in samples.posterior.data_vars.values())
        assert len(samples) == 2
        assert "country" not in samples
        assert samples.get("country") is None  # a coordinate is no variable
