"""Test the cohesion model against its equations written a second time, and the recovery of known states."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from forecast.constants import UNITED_NATIONS
from forecast.data.cohesion_indicators import INDICATORS, indicator_panel
from forecast.inference.pymc_models import cohesion
from tests.support import fake_posteriors as our

PHI = 0.96**4  # a year
SD, COMMON, OWN = 0.7, 0.3, 0.4
J = len(INDICATORS)


@pytest.fixture(scope="module")
def panel() -> xr.Dataset:
    return indicator_panel(our.tables(), our.priors().grid)


def walk(z: NDArray[Any]) -> NDArray[Any]:
    """Return x_0 = z_0, x_t = phi x_(t-1) + sqrt(1 - phi^2) z_t, along the first axis."""
    out = [z[0]]
    for step in z[1:]:
        out.append(PHI * out[-1] + np.sqrt(1 - PHI**2) * step)
    return np.array(out)


def states(factor_of: NDArray[Any], z: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return sub-factors and factors from the noise: common, by factor, rest of each factor, by sub-factor."""
    x = walk(z)
    sub = np.empty((len(x), len(factor_of)))
    for k, f in enumerate(factor_of):
        parts = (COMMON, x[:, 0]), (1 - COMMON - OWN, x[:, 1 + f]), (OWN, x[:, 9 + k])
        sub[:, k] = SD * sum(np.sqrt(share) * path for share, path in parts)
    factor = np.empty((len(x), 4))
    for f in range(4):
        in_factor = factor_of == f
        rest = SD * np.sqrt(OWN * (1 - 1 / in_factor.sum())) * x[:, 5 + f]
        factor[:, f] = sub[:, in_factor].mean(axis=1) + rest
    return sub, factor


def random_parameters(panel: xr.Dataset, rng: np.random.Generator) -> dict[str, Any]:
    years = panel.sizes["year"]
    return {
        "walk_hidden": rng.normal(size=(years, 20)),
        "us_walk_hidden": rng.normal(size=(years, 1)),
        "loading": rng.lognormal(np.log(0.7), 0.3, J),
        "noise": rng.lognormal(np.log(0.7), 0.25, J),
        "intercept": rng.normal(0, 0.3, J),
        "us_swing": rng.beta(2, 2),
        "us_path_sd": rng.lognormal(0, 0.5),
        "factor_weights": rng.dirichlet([6, 6, 6, 6]),
        "cut_lower": rng.normal(-0.25, 0.12),
        "cut_gap": rng.lognormal(-0.47, 0.2),
        "rater_sd": rng.lognormal(-1.386, 0.4),
    }


def expected(panel: xr.Dataset, p: dict[str, Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return mean and SD of every value of an indicator, row by row."""
    sub, _ = states(panel["factor_of"].values, p["walk_hidden"])
    usa = p["us_path_sd"] * walk(p["us_walk_hidden"])[:, 0]
    mean, sd = np.empty(panel.sizes["obs"]), np.empty(panel.sizes["obs"])
    for n in range(panel.sizes["obs"]):
        j, t = int(panel["indicator_of"][n]), int(panel["year_of"][n])
        mean[n] = p["intercept"][j] + p["loading"][j] * sub[t, int(panel["subfactor_of"][j])]
        if panel["indicator"].values[j] == UNITED_NATIONS:
            mean[n] -= p["us_swing"] * usa[t]
        sd[n] = np.hypot(p["noise"][j], float(panel["error"][n]))
    return mean, sd


def verdict_density(panel: xr.Dataset, p: dict[str, Any]) -> float:
    """Return the log density of the verdicts: ordered probit at the anchors."""
    _, factor = states(panel["factor_of"].values, p["walk_hidden"])
    cuts = [-np.inf, p["cut_lower"], p["cut_lower"] + p["cut_gap"], np.inf]
    total = 0.0
    for t, k in zip(panel["anchor_year"].values, panel["verdict"].values, strict=True):
        seen = stats.norm(p["factor_weights"] @ factor[t], p["rater_sd"])
        total += np.log(seen.cdf(cuts[k + 1]) - seen.cdf(cuts[k]))
    return float(total)


def log_density(panel: xr.Dataset, p: dict[str, Any]) -> float:
    """Return the joint log density, written a second time."""
    lognormal, norm = lambda s, m: stats.lognorm(s, scale=np.exp(m)), stats.norm
    total = norm.logpdf(p["walk_hidden"]).sum() + norm.logpdf(p["us_walk_hidden"]).sum()
    total += lognormal(0.3, -0.357).logpdf(p["loading"]).sum()
    total += lognormal(0.25, -0.357).logpdf(p["noise"]).sum()
    total += norm(0, 0.3).logpdf(p["intercept"]).sum()
    total += stats.beta(2, 2).logpdf(p["us_swing"]) + lognormal(0.5, 0).logpdf(p["us_path_sd"])
    total += stats.dirichlet([6, 6, 6, 6]).logpdf(p["factor_weights"])
    total += norm(-0.25, 0.12).logpdf(p["cut_lower"]) + lognormal(0.2, -0.47).logpdf(p["cut_gap"])
    total += lognormal(0.4, -1.386).logpdf(p["rater_sd"])
    usa = p["us_path_sd"] * walk(p["us_walk_hidden"])[:, 0]
    seen = panel["us_position"].notnull().values
    where, error = panel["us_position"].values[seen], panel["us_error"].values[seen]
    total += norm(usa[seen], error).logpdf(where).sum()
    mean, sd = expected(panel, p)
    total += norm(mean, sd).logpdf(panel["value"].values).sum()
    return float(total + verdict_density(panel, p))


def unconstrained(p: dict[str, Any]) -> dict[str, Any]:
    """Return the same point under the sampler's names and transformations."""
    out = {}
    for name, x in p.items():
        if name in ("loading", "noise", "us_path_sd", "cut_gap", "rater_sd"):
            out[f"{name}_log__"] = np.asarray(np.log(x))
        elif name == "us_swing":
            out[f"{name}_logodds__"] = np.asarray(np.log(x / (1 - x)))
        elif name == "factor_weights":
            out[f"{name}_simplex__"] = np.log(x[:-1]) - np.log(x).mean()
        else:
            out[name] = np.asarray(x)
    return out


def test_log_density_matches_equations(panel: xr.Dataset) -> None:
    model = cohesion.build(panel, our.priors())
    density = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    points = [random_parameters(panel, np.random.default_rng(seed)) for seed in (1, 2)]
    found = [float(density(unconstrained(point))) for point in points]
    expected_density = [log_density(panel, point) for point in points]
    # constants folded in 32 bits, and another order of sums
    assert found == pytest.approx(expected_density, abs=1e-4)
    assert found[0] - found[1] == pytest.approx(expected_density[0] - expected_density[1], abs=1e-6)


def test_states_have_stationary_moments_of_simulation(panel: xr.Dataset) -> None:
    priors, factor_of = our.priors(), panel["factor_of"].values
    assert cohesion.yearly_phi(priors) == PHI
    many = 40_000
    z = np.random.default_rng(3).normal(size=(2, 20, many))
    drawn = [states(factor_of, z[:, :, i]) for i in range(many // 20)]
    sub, factor = (np.array([one[k][1] for one in drawn]) for k in (0, 1))
    # A variance of n normals has relative SE sqrt(2 / n), a correlation about 1 / sqrt(n).
    n = len(drawn)
    for values in (sub, factor):
        assert abs(values.var(axis=0) / SD**2 - 1).max() < 4.5 * np.sqrt(2 / n)
    assert abs(np.corrcoef(factor.T)[0, 1:] - COMMON).max() < 4.5 / np.sqrt(n)
    assert abs(np.corrcoef(sub.T)[0, 1] - (1 - OWN)) < 4.5 / np.sqrt(n)
    constant = priors.value("alliance.factor_sd"), priors.value("alliance.factor_correlation")
    assert (*constant, priors.value("cohesion.own_share")) == (SD, COMMON, OWN)


def test_variables_read_by_projection_exist(panel: xr.Dataset) -> None:
    model = cohesion.build(panel, our.priors())
    assert model.named_vars_to_dims["factor_state"] == ("year", "factor")
    assert model.named_vars_to_dims["subfactor_state"] == ("year", "subfactor")
    assert model.named_vars_to_dims["factor_weights"] == ("factor",)
    named = {v.name for v in [*model.free_RVs, *model.deterministics]}
    assert {"cut_lower", "cut_gap", "rater_sd", "loading", "noise", "us_path"} <= named
    assert {"value", "keep"} <= {v.name for v in model.data_vars}


@pytest.mark.slow
def test_fit_recovers_known_states(panel: xr.Dataset) -> None:
    """Indicators and verdicts are simulated from the equations at the real dates and fitted with few draws."""
    import nutpie

    rng = np.random.default_rng(8)
    parameters = random_parameters(panel, rng)
    usa = parameters["us_path_sd"] * walk(parameters["us_walk_hidden"])[:, 0]
    noise = rng.normal(size=panel.sizes["year"]) * panel["us_error"].values
    _, factor = states(panel["factor_of"].values, parameters["walk_hidden"])
    index = factor @ parameters["factor_weights"]
    seen = index[panel["anchor_year"].values] + parameters["rater_sd"] * rng.normal(size=6)
    cuts = parameters["cut_lower"] + np.array([0.0, parameters["cut_gap"]])
    mean, sd = expected(panel, parameters)
    simulated = panel.assign(
        value=("obs", rng.normal(mean, sd)),
        us_position=("year", usa + noise),
        verdict=("anchor", np.searchsorted(cuts, seen)),
    )
    compiled = nutpie.compile_pymc_model(cohesion.build(simulated, our.priors()))
    tree = nutpie.sample(compiled, chains=2, tune=500, draws=400, target_accept=0.9, seed=1, progress_bar=False)
    draws = tree["posterior"].to_dataset()
    for name, x in (("loading", parameters["loading"]), ("factor_state", factor)):
        middle, spread = draws[name].mean(("chain", "draw")), draws[name].std(("chain", "draw"))
        rms = float(np.sqrt((((middle - x) / spread) ** 2).mean()))
        # 1 if intervals are calibrated; errors of years and factors are correlated, so few are independent
        assert 0.4 < rms < 1.8, name
    found = (draws["factor_weights"] * draws["factor_state"]).sum("factor").mean(("chain", "draw"))
    # An earlier design with fewer indicators reached about 0.68.
    assert np.corrcoef(found, index)[0, 1] > 0.5
