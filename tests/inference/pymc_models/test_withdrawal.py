"""The likelihood of the withdrawal model equals numerical integration, and a fit recovers known parameters."""

import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad

from forecast.constants import DEFECTION, OPEN_CAUSE, PLANNED, STAYED
from forecast.data.as_of import as_of
from forecast.data.deployments import mission_spells
from forecast.data.exposure import data_vectors
from forecast.data.tables import load_tables
from forecast.evaluation.calibration import withdrawal as withdrawal_calibration
from forecast.models import withdrawal
from forecast.priors.load import Priors, load_priors

pm = pytest.importorskip("forecast.inference.pymc_models.withdrawal").pm
import pytensor  # noqa: E402

from forecast.inference.pymc_models.withdrawal import build, spell_log_likelihood  # noqa: E402

PRIORS = Path(__file__).parents[3] / "priors"
TRUTH = {
    "defection_intercept": -3.2,
    "planned_intercept": -3.8,
    "nato": -0.9,
    "un": -0.4,
    "eu": -0.7,
    "noncombat": -0.3,
    "lead": -0.8,
    "leader_change": 0.6,
    "election_ahead": 0.3,
    "contagion": 0.25,
    "lead_gone": 1.6,
    "ending": 1.5,
    "frailty_load": 0.4,
    "mission_sd": 0.6,
    "country_sd": 0.4,
    "duration_scale_defection": 0.4,
    "duration_scale_planned": 0.3,
    "casualties": 0.3,
    "combat_drift": 0.03,
    "ever_reduced": 0.5,
}


@pytest.fixture(scope="module")
def priors() -> Priors:
    return load_priors(PRIORS)


@pytest.fixture(scope="module")
def spells(priors):
    return mission_spells(load_tables(), priors)


def random_point(spells: xr.Dataset, seed: int) -> dict[str, np.ndarray]:
    """Return values of every free variable of the model, some fixed and some drawn from `seed`."""
    rng = np.random.default_rng(seed)
    normals = {f"{d}_effect_z": rng.standard_normal(spells.sizes[d]) for d in ("mission", "country")}
    normals |= {f"duration_{k}_z": rng.standard_normal(7) for k in ("defection", "planned")}
    normals["combat_drift_z"] = np.array(0.5)  # its prior is 0.02 +- 0.02
    return {name: np.asarray(value) for name, value in (TRUTH | normals).items()}


def log_rates(spells: xr.Dataset, x: dict[str, np.ndarray]) -> np.ndarray:
    """Return both log rates of every row, (cause, row), computed from the equations independently of the model."""
    spell_of = spells["spell_of"].values
    m, c = spells["mission_of"].values[spell_of], spells["country_of"].values[spell_of]
    frailty = x["mission_sd"] * x["mission_effect_z"][m] + x["country_sd"] * x["country_effect_z"][c]
    duration = {}
    for cause in ("defection", "planned"):
        walk = np.concatenate([[0.0], np.cumsum(x[f"duration_{cause}_z"])])
        duration[cause] = (x[f"duration_scale_{cause}"] * (walk - walk.mean()))[spells["duration"].values]
    defection = x["defection_intercept"] + frailty + duration["defection"]
    for name in ("nato", "un", "eu", "noncombat"):
        defection = defection + x[name] * spells[name].values[m]
    defection = defection + x["combat_drift"] * spells["combat_age"].values
    for name in ("leader_change", "election_ahead", "lead_gone", "casualties", "ever_reduced"):
        defection = defection + x[name] * spells[name].values
    defection = defection + x["contagion"] * spells["contagion"].values / 0.1
    planned = x["planned_intercept"] + x["frailty_load"] * frailty + duration["planned"]
    leads = x["lead"] * (spells["country"].values[c] == spells["lead"].values[m])
    defection, planned = defection + leads, planned + leads
    return np.stack([defection, planned + x["ending"] * spells["ending"].values])


def plain_log_likelihood(kind: int, exact: bool, p: float, length, in_bracket, rates) -> float:
    """Return the log-likelihood of one spell; the probability of a bracket is integrated numerically over time.

    `length` (quarters), `in_bracket` and `rates` (cause, piece) are those of the pieces of the spell. `p` is the
    probability that an exit with its code was a defection.
    """
    coded = p * rates[0] + (1 - p) * rates[1]
    hazard = rates.sum(axis=0) * length
    if kind == STAYED:
        return -hazard.sum()
    if exact:
        return -hazard.sum() + math.log(coded[-1])
    chance, survived = 0.0, math.exp(-hazard[~in_bracket].sum())
    for piece in np.flatnonzero(in_bracket):
        total, of_code = rates[:, piece].sum(), coded[piece]
        chance += quad(lambda t, s=survived, b=total, k=of_code: s * math.exp(-b * t) * k, 0, length[piece])[0]
        survived *= math.exp(-hazard[piece])
    return math.log(chance)


def likelihood_of(spells: xr.Dataset, priors: Priors, point: dict[str, np.ndarray]):
    """Return the log-likelihood of the PyMC model as a function of its data vectors."""
    model = build(spells, priors)
    names = [v.name for v in model.free_RVs]
    assert set(names) == set(point) - {"combat_drift"}  # a function of `combat_drift_z`
    # interpreted, because compiling the same graph is slow
    f = pytensor.function([model[n] for n in names], model["log_likelihood"], mode="FAST_COMPILE")

    def evaluate(keep: np.ndarray, **vectors: np.ndarray) -> float:
        for name, values in (vectors | {"keep": keep}).items():
            model.set_data(name, values)
        return float(f(*[point[n] for n in names]))

    return evaluate


@pytest.fixture(scope="module")
def point(spells):
    return random_point(spells, seed=3)


@pytest.fixture(scope="module")
def evaluate(spells, priors, point):
    return likelihood_of(spells, priors, point)


@pytest.fixture(scope="module")
def plain(spells, point) -> np.ndarray:
    rates = np.exp(log_rates(spells, point))
    spell_of, length = spells["spell_of"].values, spells["length"].values
    in_bracket = spells["in_bracket"].values
    return np.array(
        [
            plain_log_likelihood(
                kind, exact, p, length[spell_of == s], in_bracket[spell_of == s], rates[:, spell_of == s]
            )
            for s, (kind, exact, p) in enumerate(
                zip(spells["kind"].values, spells["exact"].values, spells["p_defect"].values, strict=True)
            )
        ]
    )


def test_likelihood_of_each_spell_matches_integration(evaluate, plain) -> None:
    likelihoods = np.array([evaluate(keep) for keep in np.eye(len(plain))])
    # both are sums of a few hundred doubles; quadrature of smooth exponentials reaches 1e-12
    np.testing.assert_allclose(likelihoods, plain, rtol=1e-9, atol=1e-9)


def test_keep_leaves_out_spells(spells, evaluate, plain) -> None:
    keep = (spells["mission_of"].values != list(spells["mission"].values).index("isaf")).astype(float)
    assert 0 < (keep == 0).sum() < len(keep)
    assert evaluate(keep) == pytest.approx(plain[keep == 1].sum(), rel=1e-10)
    assert evaluate(np.ones(len(keep))) == pytest.approx(plain.sum(), rel=1e-10)


def test_log_likelihood_by_spell(spells, priors, point, plain) -> None:
    """Leave-one-out scores use these values, the derivative of the model by `keep`, here for two draws."""
    draws = {
        name: (("chain", "draw", *(f"{name}_{k}" for k in range(x.ndim))), np.stack([x, x])[None])
        for name, x in point.items()
    }
    likelihoods = spell_log_likelihood(spells, priors, xr.Dataset(draws))
    assert likelihoods.shape == (1, 2, len(plain))
    np.testing.assert_allclose(likelihoods[0], np.stack([plain, plain]), rtol=1e-9, atol=1e-9)


def with_outcome(spells: xr.Dataset, kind: int) -> xr.Dataset:
    """Return the spells with one outcome for all; an exit may be at any time within its spell."""
    known = spells.copy()
    known["kind"] = ("spell", np.full(spells.sizes["spell"], kind))
    chance = {DEFECTION: 1.0, PLANNED: 0.0}.get(kind, 0.5)
    known["p_defect"] = ("spell", np.full(spells.sizes["spell"], chance))
    known["exact"] = ("spell", np.zeros(spells.sizes["spell"], dtype=bool))
    known["in_bracket"] = ("row", np.full(spells.sizes["row"], kind != STAYED))
    return known


def test_probabilities_of_all_outcomes_sum_to_one(spells, priors, point) -> None:
    rows = np.flatnonzero(np.isin(spells["spell_of"].values, range(0, 40)))
    part = spells.isel(row=rows, spell=range(40))
    chances = {
        kind: likelihood_of(with_outcome(part, kind), priors, point)
        for kind in (DEFECTION, PLANNED, OPEN_CAUSE, STAYED)
    }
    for keep in np.eye(40):
        p = {kind: math.exp(f(keep)) for kind, f in chances.items()}
        # both are exact apart from rounding
        assert p[DEFECTION] + p[PLANNED] + p[STAYED] == pytest.approx(1.0, abs=1e-12)
        assert p[DEFECTION] + p[PLANNED] == pytest.approx(2 * p[OPEN_CAUSE], rel=1e-12)


def test_names_and_dimensions_of_the_posterior(spells, priors) -> None:
    model = build(spells, priors)
    dims = model.named_vars_to_dims
    for name in ("mission_effect", "country_effect"):
        assert dims[name] == (name.removesuffix("_effect"),)
    for name in ("duration_defection", "duration_planned"):
        assert dims[name] == ("duration_bin",)
    assert {n for n in TRUTH} <= set(model.named_vars)
    walk = pm.draw(model["duration_defection"], random_seed=1)
    assert walk.sum() == pytest.approx(0.0, abs=1e-12)  # centred


def test_density_is_moderate_where_chains_start(spells, priors) -> None:
    """The sampler starts within one unit of 0 in each unbounded coordinate, from where a chain must find the data."""
    model = build(spells, priors)
    likelihood = model.replace_rvs_by_values([model["log_likelihood"]])
    density = pm.compile(model.value_vars, likelihood, mode="FAST_COMPILE", on_unused_input="ignore")
    rng, shapes = np.random.default_rng(5), [np.shape(x) for x in model.initial_point().values()]
    densities = [density(*(rng.uniform(-1, 1, s) for s in shapes))[0] for _ in range(20)]
    # effects of one or two units give -1e7 at worst; a drift of one unit over forty quarters would give -1e17
    assert min(densities) > -1e9


def with_effects(x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the point with the effects and durations that follow from its standard normals."""
    walk = {k: np.append(0.0, np.cumsum(x[f"duration_{k}_z"])) for k in ("defection", "planned")}
    return (
        x
        | {f"{d}_effect": x[f"{d}_sd"] * x[f"{d}_effect_z"] for d in ("mission", "country")}
        | {f"duration_{k}": x[f"duration_scale_{k}"] * (w - w.mean()) for k, w in walk.items()}
    )


def test_numpy_log_rates_match_equations(spells, point) -> None:
    rates = withdrawal.log_rates(spells, {k: v[None] for k, v in with_effects(point).items()})[:, 0]
    np.testing.assert_allclose(rates, log_rates(spells, point), rtol=1e-12)


def test_compiled_model_accepts_other_outcomes(priors) -> None:
    missions = withdrawal_calibration.design(contributors=6, quarters=12, seed=1)
    point = random_point(missions, seed=4) | {"defection_intercept": np.array(-4.0)}
    simulated = withdrawal_calibration.simulate_exits(
        missions, with_effects(point), np.random.default_rng(2), trust=0.9
    )
    assert set(simulated["kind"].values) == {STAYED, DEFECTION, PLANNED}
    evaluate = likelihood_of(missions, priors, point)
    rates, spell_of = np.exp(log_rates(simulated, point)), simulated["spell_of"].values
    expected = 0.0
    for s, kind in enumerate(simulated["kind"].values):
        rows = np.flatnonzero((spell_of == s) & (simulated["length"].values > 0))
        p = float(simulated["p_defect"].values[s])
        length = simulated["length"].values[rows]
        expected += plain_log_likelihood(kind, True, p, length, length < 0, rates[:, rows])
    assert evaluate(**data_vectors(simulated)) == pytest.approx(expected, rel=1e-10)


def test_compiled_model_accepts_outcomes_as_of_a_day(spells, evaluate, point) -> None:
    until = 8018.0  # the middle of the Iraq years
    known = as_of(spells, until)
    vectors = data_vectors(known)
    rates = np.exp(log_rates(spells, point))
    spell_of, length, in_bracket = (known[n].values for n in ("spell_of", "length", "in_bracket"))
    expected = 0.0
    for s in range(spells.sizes["spell"]):
        of_spell, kind = spell_of == s, float(known["kind"].values[s])
        used = of_spell & ~in_bracket if kind == STAYED else of_spell
        row = int(known["event_row"].values[s])
        rate = rates[:, of_spell][:, : row - np.flatnonzero(of_spell)[0] + 1] if row >= 0 else rates[:, of_spell]
        exact = bool(known["exact"].values[s])
        pieces = slice(0, rate.shape[1]) if exact else slice(None)
        expected += plain_log_likelihood(
            int(kind),
            exact,
            float(known["p_defect"].values[s]),
            length[used][pieces],
            in_bracket[used][pieces],
            rates[:, used][:, pieces],
        )
    assert (known["end"].values[vectors["exact"] > 0] <= until).all()
    likelihood = evaluate(**vectors)
    for name, values in data_vectors(spells).items():
        if name != "keep":
            evaluate(np.ones(spells.sizes["spell"]), **{name: values})  # restores the data for other tests
    # sums of a few hundred doubles
    assert likelihood == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # third-party samplers warn on import
def test_fit_recovers_known_parameters_and_leaves_out_a_mission(spells, priors) -> None:
    import nutpie

    truth = random_point(spells, seed=11)
    simulated = withdrawal_calibration.simulate_exits(spells, with_effects(truth), np.random.default_rng(5), trust=0.9)
    compiled = nutpie.compile_pymc_model(build(simulated, priors))
    settings = {"chains": 2, "draws": 300, "tune": 400, "target_accept": 0.9, "seed": 1}
    fit = nutpie.sample(compiled, **settings, progress_bar=False)["posterior"].to_dataset()
    draws = fit.stack(sample=("chain", "draw"))
    scalars = [name for name in TRUTH if not name.startswith("duration")]
    z = [float((draws[n].mean() - TRUTH[n]) / draws[n].std()) for n in scalars]
    # 17 standard normals stay below 3.5 in all but one case of 150
    assert max(map(abs, z)) < 3.5, dict(zip(scalars, z, strict=True))
    for dim in ("mission", "country"):
        mean = draws[f"{dim}_effect"].mean("sample").values
        assert np.corrcoef(mean, truth[f"{dim}_effect_z"])[0, 1] > 0.3
    keep = (simulated["mission_of"].values != list(simulated["mission"].values).index("isaf")).astype(float)
    without = nutpie.sample(compiled.with_data(keep=keep), **settings, progress_bar=False)["posterior"]
    spread = [float(d["mission_effect"].sel(mission="isaf").std()) for d in (fit, without)]
    assert spread[1] > 1.3 * spread[0]
