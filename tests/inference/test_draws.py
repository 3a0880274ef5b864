"""The gate lets good chains through and no others, and names the worst; draws are all used before any is used twice."""

import numpy as np
import pytest
import xarray as xr

from forecast.inference.diagnostics import Diagnostics, diagnose, shrinkage
from forecast.inference.draws import draws_by_name, select
from forecast.priors.prior import Prior

CHAINS, DRAWS = 4, 1000
COUNTRIES = ["DEU", "FRA", "POL"]


def chains(draws: int = DRAWS, seed: int = 1) -> dict[str, xr.DataArray]:
    """Independent normal draws: a scalar, and a vector by country."""
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


def test_good_chains_pass() -> None:
    found = diagnose(tree(chains()))
    assert found.passed
    assert found.rhat < 1.01
    assert 3000 < found.ess_bulk < 5000  # independent draws: the ESS is near their number, 4000
    assert (found.chains, found.draws, found.divergences) == (CHAINS, DRAWS, 0)
    assert found.as_dict()["passed"] is True
    assert f"R-hat {found.rhat:.4f} ({found.rhat_worst})" in str(found)


def test_a_shifted_chain_fails_and_its_coordinate_is_named() -> None:
    draws = chains()
    draws["target"][2, :, COUNTRIES.index("POL")] += 1.0  # half a SD
    found = diagnose(tree(draws))
    assert not found.passed
    assert found.rhat > 1.01
    assert found.rhat_worst == found.ess_bulk_worst == "target[POL]"


def test_a_chain_of_another_width_fails() -> None:
    draws = chains()
    draws["kappa"][1] = (draws["kappa"][1] - 0.1) * 2 + 0.1
    found = diagnose(tree(draws))
    assert not found.passed
    assert found.rhat_worst == "kappa"


def test_short_chains_fail_by_their_effective_size() -> None:
    found = diagnose(tree(chains(draws=60)))
    assert not found.passed
    assert min(found.ess_bulk, found.ess_tail) < 400


def test_sticky_chains_fail_by_their_effective_size() -> None:
    draws = chains()
    noise = draws["target"].values[..., 0]
    for t in range(1, DRAWS):
        noise[:, t] += 0.98 * noise[:, t - 1]
    found = diagnose(tree(draws))
    assert found.ess_bulk < 400
    assert found.ess_bulk_worst == "target[DEU]"
    assert not found.passed


def test_one_divergence_fails() -> None:
    found = diagnose(tree(chains(), divergences=1))
    assert found.divergences == 1
    assert found.rhat < 1.01
    assert not found.passed


@pytest.mark.filterwarnings("ignore:invalid value")  # ArviZ divides nothing by nothing
@pytest.mark.parametrize("value", [np.nan, 1.0])
def test_what_is_no_number_or_stands_still_never_passes(value: float) -> None:
    draws = chains()
    draws["target"][:, :, 1] = value
    found = diagnose(tree(draws))
    assert not found.passed
    assert found.rhat_worst == "target[FRA]"


@pytest.mark.parametrize("field", ["rhat", "ess_bulk", "ess_tail"])
def test_a_nan_in_any_number_fails(field: str) -> None:
    good = diagnose(tree(chains())).as_dict()
    good.pop("passed")
    assert Diagnostics(**good).passed
    assert not Diagnostics(**{**good, field: float("nan")}).passed


@pytest.mark.parametrize(
    ("field", "at", "beyond"),
    [("rhat", 1.01, 1.0101), ("ess_bulk", 400, 399.9), ("ess_tail", 400, 399.9)],
)
def test_the_gate_stands_where_it_is_written(field: str, at: float, beyond: float) -> None:
    good = diagnose(tree(chains())).as_dict()
    good.pop("passed")
    assert Diagnostics(**{**good, field: at}).passed
    assert not Diagnostics(**{**good, field: beyond}).passed


def numbered(draws: int = 8) -> xr.DataTree:
    """Every draw carries its own number, in both variables."""
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
def test_all_draws_are_used_before_any_is_used_again(size: int) -> None:
    found = draws_by_name(numbered(), size, np.random.default_rng(3))
    x = found["x"].values
    assert x.shape == (size,)
    for first in range(0, size, 32):
        part = x[first : first + 32]
        assert len(set(part)) == len(part)
    counts = np.bincount(x.astype(int), minlength=32)
    assert counts.max() - counts.min() <= 1


def test_variables_of_one_draw_stay_together_and_dims_are_in_order() -> None:
    found = draws_by_name(numbered(), 40, np.random.default_rng(3))
    assert found["y"].dims == ("sample", "country")
    np.testing.assert_array_equal(found["y"].values, found["x"].values[:, None] + [0.0, 0.25])
    assert found["y"]["country"].values.tolist() == ["DEU", "FRA"]


def test_draws_are_reproducible_and_in_random_order() -> None:
    one, same, other = (draws_by_name(numbered(), 32, np.random.default_rng(s))["x"].values for s in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, np.sort(one))


def test_labels_are_picked_in_order_and_absent_ones_filled() -> None:
    values = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], dims=("sample", "country"), coords={"country": ["DEU", "FRA"]})
    fill = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]])
    found = select(values, "country", ["FRA", "ISL", "DEU"], fill)
    np.testing.assert_array_equal(found, [[2.0, 20.0, 1.0], [4.0, 50.0, 3.0]])
    np.testing.assert_array_equal(select(values, "country", ["ISL"], -1.0), [[-1.0], [-1.0]])
    assert select(values, "country", [], 0.0).shape == (2, 0)


def test_shrinkage_tells_what_the_data_taught() -> None:
    def prior(name: str, dist: str, *params: float) -> Prior:
        return Prior(name=f"spending.{name}", dist=dist, params=params, source="s", evidence="data")

    priors = {
        "kappa": prior("kappa", "Normal", 0.2, 0.08),
        "target": prior("target", "Normal", 0.0, 1.0),  # not a scalar: left out
        "cap": prior("cap", "Constant", 8.0),
        "gone": prior("gone", "Normal", 0.0, 1.0),
    }
    found = shrinkage(tree(chains()), priors)
    assert list(found) == ["kappa"]
    kappa = found["kappa"]
    # 4000 posterior and 100,000 prior draws: relative errors of an SD are 1.1 % and 0.2 %
    assert kappa["posterior_mean"] == pytest.approx(0.1, abs=4 * 0.02 / 4000**0.5)
    assert kappa["prior_mean"] == pytest.approx(0.2, abs=4 * 0.08 / 1e5**0.5)
    assert kappa["posterior_sd"] == pytest.approx(0.02, rel=0.05)
    assert kappa["prior_sd"] == pytest.approx(0.08, rel=0.01)
    assert kappa["contraction"] == pytest.approx(1 - (0.02 / 0.08) ** 2, abs=0.01)
