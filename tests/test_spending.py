"""The spending model is the equation it claims to be, and finds parameters that are known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from forecast.data import load_tables
from forecast.models import spending
from forecast.panel import spending_panel
from forecast.priors import Beliefs, load_beliefs

EFFECTS = ("gap_wales", "gap_surge", "front_wales", "front_surge", "growth", "election")
#: Near what the tables say, so that the simulated years look like the real ones.
TRUTH = {
    "kappa": 0.05, "target_mean": 0.1, "target_sd": 0.4, "nu_raw": 2.0, "log_scale_mean": -3.0,
    "log_scale_sd": 0.5, "factor_phi": 0.7, "factor_scale": 0.03, "loading_sd": 0.3,
    "gap_wales": 0.05, "gap_surge": 0.15, "front_wales": 0.02, "front_surge": 0.1, "growth": -0.6,
    "election": -0.01,
}  # fmt: skip


@pytest.fixture(scope="module")
def beliefs() -> Beliefs:
    return load_beliefs(Path(__file__).parents[1] / "priors")


@pytest.fixture(scope="module")
def panel(beliefs: Beliefs) -> xr.Dataset:
    return spending_panel(load_tables(), beliefs)


def random_truth(panel: xr.Dataset, rng: np.random.Generator) -> dict[str, Any]:
    """`TRUTH` with countries and a factor drawn from it."""
    size, years = panel.sizes["country"], panel.sizes["year"]
    truth: dict[str, Any] = dict(TRUTH)
    truth["target_raw"] = rng.normal(size=size)
    truth["loading_raw"] = rng.normal(size=size)
    truth["log_scale"] = truth["log_scale_mean"] + truth["log_scale_sd"] * rng.normal(size=size)
    factor = np.empty(years)
    factor[0] = truth["factor_scale"] * rng.normal()
    for t in range(1, years):
        step = truth["factor_scale"] * np.sqrt(1 - truth["factor_phi"] ** 2) * rng.normal()
        factor[t] = truth["factor_phi"] * factor[t - 1] + step
    truth["factor_raw"] = factor + truth["kappa"] * truth["target_mean"]
    return truth


def expected(panel: xr.Dataset, p: dict[str, Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Location and scale of every change, row by row, from the published equation."""
    target = np.log(1.7) + p["target_mean"] + p["target_sd"] * p["target_raw"]
    loading = np.exp(p["loading_sd"] * p["loading_raw"] - p["loading_sd"] ** 2 / 2)
    factor = p["factor_raw"] - p["kappa"] * p["target_mean"]
    location, scale = np.empty(panel.sizes["obs"]), np.empty(panel.sizes["obs"])
    for n in range(panel.sizes["obs"]):
        row = panel.isel(obs=n)
        i, t = int(row["country_of"]), int(row["year_of"])
        location[n] = -p["kappa"] * (float(row["level"]) - target[i]) + loading[i] * factor[t]
        location[n] += sum(p[name] * float(row[name]) for name in EFFECTS)
        scale[n] = np.hypot(np.exp(p["log_scale"][i]), np.sqrt(float(row["estimate_variance"])))
    return location, scale


def prior_density(name: str, x: Any, beliefs: Beliefs) -> float:
    """log density of one number under its belief, by SciPy."""
    prior = beliefs[f"spending.{name}"]
    p = prior.params
    law = {
        "Beta": lambda: stats.beta(*p),
        "Gamma": lambda: stats.gamma(p[0], scale=1 / p[1]),
        "HalfNormal": lambda: stats.halfnorm(scale=p[0]),
        "LogNormal": lambda: stats.lognorm(p[1], scale=np.exp(p[0])),
        "Normal": lambda: stats.norm(*p),
    }[prior.dist]()
    return float(law.logpdf(x))


def log_density(panel: xr.Dataset, p: dict[str, Any], beliefs: Beliefs) -> float:
    """The whole joint log density written out again: priors, countries, factor, changes."""
    names = [*EFFECTS, "kappa", "target_mean", "target_sd", "log_scale_mean", "log_scale_sd",
             "factor_phi", "factor_scale", "loading_sd"]  # fmt: skip
    total = sum(prior_density(name, p[name], beliefs) for name in names)
    total += prior_density("nu", p["nu_raw"], beliefs)
    total += stats.norm.logpdf(p["target_raw"]).sum() + stats.norm.logpdf(p["loading_raw"]).sum()
    total += stats.norm.logpdf(p["log_scale"], p["log_scale_mean"], p["log_scale_sd"]).sum()
    factor = p["factor_raw"] - p["kappa"] * p["target_mean"]
    lag = np.abs(np.subtract.outer(np.arange(factor.size), np.arange(factor.size)))
    covariance = p["factor_scale"] ** 2 * p["factor_phi"] ** lag  # of a stationary AR(1)
    total += stats.multivariate_normal(cov=covariance).logpdf(factor)
    location, scale = expected(panel, p)
    noise = stats.t(2 + p["nu_raw"], location, scale)
    return float(total + noise.logpdf(panel["change"].values).sum())


def unconstrained(p: dict[str, Any], beliefs: Beliefs) -> dict[str, Any]:
    """The same point as the sampler names it."""
    out = {}
    for name, x in p.items():
        key = "spending.nu" if name == "nu_raw" else f"spending.{name}"
        dist = beliefs[key].dist if key in beliefs.priors else "Normal"
        if dist == "Beta":
            out[f"{name}_logodds__"] = np.asarray(np.log(x / (1 - x)))
        elif dist in ("Gamma", "HalfNormal", "LogNormal"):
            out[f"{name}_log__"] = np.asarray(np.log(x))
        else:
            out[name] = np.asarray(x)
    return out


def test_the_log_density_is_the_published_equation(panel: xr.Dataset, beliefs: Beliefs) -> None:
    model = spending.build(panel, beliefs)
    density = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    points = [random_truth(panel, np.random.default_rng(seed)) for seed in (1, 2)]
    found = [float(density(unconstrained(point, beliefs))) for point in points]
    wanted = [log_density(panel, point, beliefs) for point in points]
    # constants of the priors that fit in 32 bits are folded in 32 bits: about 1e-6 in all, at every point
    assert found == pytest.approx(wanted, abs=1e-5)
    # without them, 1,000 terms of order 1-10 summed in another order: 1e-9 is ample
    assert found[0] - found[1] == pytest.approx(wanted[0] - wanted[1], abs=1e-9)


def test_names_and_dimensions_that_the_projection_reads(
    panel: xr.Dataset, beliefs: Beliefs
) -> None:
    model = spending.build(panel, beliefs)
    scalars = {*TRUTH, "nu"} - {"nu_raw"}
    assert scalars <= {v.name for v in [*model.free_RVs, *model.deterministics]}
    for name in ("target", "scale", "loading"):
        assert model.named_vars_to_dims[name] == ("country",)
    assert model.named_vars_to_dims["factor"] == ("year",)
    assert list(model.coords["country"]) == panel["country"].values.tolist()
    assert list(model.coords["year"]) == panel["year"].values.tolist()


@pytest.mark.slow
def test_known_parameters_are_found_again(panel: xr.Dataset, beliefs: Beliefs) -> None:
    """Data simulated from the equation on the real panel, fitted with few draws."""
    import nutpie

    rng = np.random.default_rng(20)
    truth = random_truth(panel, rng)
    location, scale = expected(panel, truth)
    change = location + scale * rng.standard_t(2 + truth["nu_raw"], size=location.size)
    compiled = nutpie.compile_pymc_model(spending.build(panel, beliefs)).with_data(change=change)
    tree = nutpie.sample(
        compiled, chains=2, tune=500, draws=400, target_accept=0.9, seed=1, progress_bar=False
    )
    draws = tree["posterior"].to_dataset()
    z = {name: float((draws[name].mean() - x) / draws[name].std()) for name, x in TRUTH.items()}
    # |z| < 2.58 holds for 99 of 100 correct intervals. Fifteen of them, and the Monte Carlo error of some
    # hundred effective draws, need more room: the largest of twelve other seeds was 2.7
    assert max(abs(x) for x in z.values()) < 3.3, z
    factor = truth["factor_raw"] - truth["kappa"] * truth["target_mean"]
    for name, x in (("log_scale", truth["log_scale"]), ("factor", factor)):
        mean, sd = draws[name].mean(("chain", "draw")), draws[name].std(("chain", "draw"))
        rms = float(np.sqrt((((mean - x) / sd) ** 2).mean()))
        # 1 if intervals are right; errors of neighbouring years go together: .7 to 1.7 in twelve seeds
        assert 0.5 < rms < 2.0, name
    # the data speak: the surge is known better than before, and is not zero
    assert float(draws["gap_surge"].std()) < beliefs["spending.gap_surge"].params[1]
    assert float(draws["gap_surge"].quantile(0.005)) > 0
