"""The density of the leadership model equals its equation, and a fit recovers known parameters."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import special, stats

from forecast.data import leaders
from forecast.data.leaders import leader_quarters
from forecast.data.tables import load_tables
from forecast.inference.pymc_models import leadership
from forecast.models.leadership import log_odds
from forecast.priors.load import Priors, load_priors

TRUTH = {
    "intercept": -3.5,
    "country_sd": 0.6,
    "election": 2.4,
    "after": 2.1,
    "after_new": -1.9,
    "limited": 2.6,
    "before": 0.4,
    "offset": -0.4,
    "tenure_scale": 0.3,
}


@pytest.fixture(scope="module")
def priors() -> Priors:
    return load_priors(Path(__file__).parents[3] / "priors")


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return leader_quarters(load_tables())


def random_truth(data: xr.Dataset, rng: np.random.Generator) -> dict[str, Any]:
    """Return `TRUTH` with effects of countries and steps over the tenure bins drawn given it."""
    return TRUTH | {
        "country_effect_z": rng.normal(size=data.sizes["country"]),
        "tenure_z": rng.normal(size=data.sizes["tenure_bin"] - 1),
    }


def walk(p: dict[str, Any]) -> NDArray[np.float64]:
    """Return the effect of each tenure bin, centred on zero."""
    steps = np.concatenate([[0.0], np.cumsum(p["tenure_scale"] * p["tenure_z"])])
    return steps - steps.mean()


def chance(data: xr.Dataset, p: dict[str, Any]) -> NDArray[np.float64]:
    """Return the probability of a change in every quarter, (row,)."""
    effect = p["country_sd"] * p["country_effect_z"][data["country_of"].values]
    election, after, new, limited, before = (
        data[name].values for name in ("election", "after", "after_new", "limited", "before")
    )
    logit = (
        p["intercept"]
        + effect
        + p["election"] * election
        + p["after"] * after
        + p["after_new"] * new
        + p["limited"] * limited
        + p["before"] * before
        + p["offset"] * effect * (election + after)
        + walk(p)[data["bin_of"].values]
    )
    return np.asarray(special.expit(logit))


def log_density(data: xr.Dataset, p: dict[str, Any], priors: Priors) -> float:
    """Return the log density of the priors and of the Bernoulli terms of single quarters, from SciPy."""
    total = 0.0
    for name in TRUTH:
        prior = priors[f"leadership.{name}"]
        if prior.dist == "HalfNormal":
            total += float(stats.halfnorm(scale=prior.params[0]).logpdf(p[name]))
        else:
            total += float(stats.norm(*prior.params).logpdf(p[name]))
    total += float(stats.norm.logpdf(p["country_effect_z"]).sum())
    total += float(stats.norm.logpdf(p["tenure_z"]).sum())
    return total + float(stats.bernoulli.logpmf(data["change"].values, chance(data, p)).sum())


def unconstrained(p: dict[str, Any]) -> dict[str, Any]:
    """Return the point under the names and transformations of the sampler."""
    positive = ("country_sd", "tenure_scale")
    return {
        f"{name}_log__" if name in positive else name: np.asarray(np.log(x) if name in positive else x)
        for name, x in p.items()
    }


def test_log_density_equals_sum_over_quarters(data: xr.Dataset, priors: Priors) -> None:
    model = leadership.build(data, priors)
    density = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    points = [random_truth(data, np.random.default_rng(seed)) for seed in (1, 2)]
    densities = [float(density(unconstrained(point))) for point in points]
    wanted = [log_density(data, point, priors) for point in points]
    # PyTensor folds constants of the priors in 32 bits: an error of about 1e-6, the same at every point
    assert densities == pytest.approx(wanted, abs=1e-5)
    # the difference has no constants; 7,635 terms of order 1 in another order agree to 1e-8
    assert densities[0] - densities[1] == pytest.approx(wanted[0] - wanted[1], abs=1e-8)


def test_cells_count_every_quarter(data: xr.Dataset) -> None:
    cells = leaders.grouped(data)
    assert cells["quarters"].sum() == data.sizes["row"]
    assert cells["changes"].sum() == data["change"].sum() == 485
    assert len(cells) < data.sizes["row"] / 5


def test_names_and_dimensions_of_the_posterior(data: xr.Dataset, priors: Priors) -> None:
    model = leadership.build(data, priors)
    assert set(TRUTH) <= {v.name for v in model.free_RVs}
    assert model.named_vars_to_dims["country_effect"] == ("country",)
    assert model.named_vars_to_dims["tenure"] == ("tenure_bin",)
    assert list(model.coords["country"]) == data["country"].values.tolist()


@pytest.mark.slow
def test_fit_agrees_with_the_tables_after_votes(data: xr.Dataset, priors: Priors) -> None:
    """Leaders who came in the quarter of a vote stay after it, and barred ones leave, as often as in the tables."""
    import nutpie

    compiled = nutpie.compile_pymc_model(leadership.build(data, priors))
    tree = nutpie.sample(compiled, chains=2, tune=400, draws=300, target_accept=0.9, seed=1, progress_bar=False)
    pooled = tree["posterior"].to_dataset().stack(pool=("chain", "draw")).transpose("pool", ...)
    draws = {str(name): x.to_numpy() for name, x in pooled.data_vars.items()}
    rng = np.random.default_rng(2)
    for name, seen in (("after_new", 4), ("limited", 16)):
        rows = data.isel(row=np.flatnonzero(data[name]))
        assert rows["change"].sum() == seen
        replicated = rng.binomial(1, special.expit(log_odds(draws, rows))).sum(axis=1)
        # the probability that a correct model has a replicate on one side only is below 1 %
        assert 0.01 < (replicated <= seen).mean() and (replicated >= seen).mean() > 0.01
        without = special.expit(log_odds(draws | {name: np.zeros_like(draws[name])}, rows)).sum(axis=1)
        assert abs(without.mean() - seen) > 5  # the effect is needed


@pytest.mark.slow
def test_fit_recovers_known_parameters(data: xr.Dataset, priors: Priors) -> None:
    """The changes are simulated from the equation in the real quarters and fitted with few draws."""
    import nutpie

    rng = np.random.default_rng(30)
    truth = random_truth(data, rng)
    simulated = data.assign(change=("row", (rng.random(data.sizes["row"]) < chance(data, truth)) * 1))
    changes = leaders.grouped(simulated)["changes"].to_numpy()
    compiled = nutpie.compile_pymc_model(leadership.build(data, priors)).with_data(changes=changes)
    tree = nutpie.sample(compiled, chains=2, tune=400, draws=300, target_accept=0.9, seed=1, progress_bar=False)
    draws = tree["posterior"].to_dataset()
    z = {name: float((draws[name].mean() - x) / draws[name].std()) for name, x in TRUTH.items()}
    # |z| < 2.58 holds for 99 % of correct intervals. The limit is wider for the maximum over nine parameters and the
    # Monte Carlo error of a few hundred effective draws; the largest value of twelve other seeds was 2.1
    assert max(abs(x) for x in z.values()) < 3.2, z
    effect = truth["country_sd"] * truth["country_effect_z"]
    for name, x in (("country_effect", effect), ("tenure", walk(truth))):
        mean, sd = draws[name].mean(("chain", "draw")), draws[name].std(("chain", "draw"))
        rms = float(np.sqrt((((mean - x) / sd) ** 2).mean()))
        # 1 if intervals are correct; errors of the bins of a walk are correlated, so twelve seeds gave 0.4 to 1.7
        assert rms < 2.0, name
