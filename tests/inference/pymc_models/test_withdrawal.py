"""The withdrawal model's likelihood, spell by spell against plain integration, and its recovery of a known truth."""

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


def some_point(spells: xr.Dataset, seed: int) -> dict[str, np.ndarray]:
    """Values of every free variable of the model."""
    rng = np.random.default_rng(seed)
    raw = {f"{d}_effect_z": rng.standard_normal(spells.sizes[d]) for d in ("mission", "country")}
    raw |= {f"duration_{k}_z": rng.standard_normal(7) for k in ("defection", "planned")}
    raw["combat_drift_z"] = np.array(0.5)  # it is believed to be .02 +- .02
    return {name: np.asarray(value) for name, value in (TRUTH | raw).items()}


def log_rates(spells: xr.Dataset, x: dict[str, np.ndarray]) -> np.ndarray:
    """Both log rates of every piece, straight from the equations: (cause, row)."""
    of = spells["spell_of"].values
    m, c = spells["mission_of"].values[of], spells["country_of"].values[of]
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
    """One spell, with the chance of its bracket by numerical integration over time.

    rates : (cause, piece); p weighs them in the rate of an exit with that code.
    """
    coded = p * rates[0] + (1 - p) * rates[1]
    hazard = rates.sum(axis=0) * length
    if kind == STAYED:
        return -hazard.sum()
    if exact:
        return -hazard.sum() + math.log(coded[-1])
    chance, survived = 0.0, math.exp(-hazard[~in_bracket].sum())
    for piece in np.flatnonzero(in_bracket):
        both, mine = rates[:, piece].sum(), coded[piece]
        chance += quad(lambda t, s=survived, b=both, k=mine: s * math.exp(-b * t) * k, 0, length[piece])[0]
        survived *= math.exp(-hazard[piece])
    return math.log(chance)


def likelihood_of(spells: xr.Dataset, priors: Priors, point: dict[str, np.ndarray]):
    """The PyMC model's log-likelihood as a function of its data vectors."""
    model = build(spells, priors)
    names = [v.name for v in model.free_RVs]
    assert set(names) == set(point) - {"combat_drift"}  # it follows from its step
    # interpreted, not compiled: the graph is the same and the test stays fast
    f = pytensor.function([model[n] for n in names], model["log_likelihood"], mode="FAST_COMPILE")

    def evaluate(keep: np.ndarray, **vectors: np.ndarray) -> float:
        for name, values in (vectors | {"keep": keep}).items():
            model.set_data(name, values)
        return float(f(*[point[n] for n in names]))

    return evaluate


@pytest.fixture(scope="module")
def point(spells):
    return some_point(spells, seed=3)


@pytest.fixture(scope="module")
def evaluate(spells, priors, point):
    return likelihood_of(spells, priors, point)


@pytest.fixture(scope="module")
def plain(spells, point) -> np.ndarray:
    rates = np.exp(log_rates(spells, point))
    of, length = spells["spell_of"].values, spells["length"].values
    inside = spells["in_bracket"].values
    return np.array(
        [
            plain_log_likelihood(kind, exact, p, length[of == s], inside[of == s], rates[:, of == s])
            for s, (kind, exact, p) in enumerate(
                zip(spells["kind"].values, spells["exact"].values, spells["p_defect"].values, strict=True)
            )
        ]
    )


def test_every_spell_has_the_likelihood_of_plain_integration(evaluate, plain) -> None:
    one = np.eye(len(plain))
    got = np.array([evaluate(row) for row in one])
    # both are sums of a few hundred doubles; quadrature of smooth exponentials reaches 1e-12
    np.testing.assert_allclose(got, plain, rtol=1e-9, atol=1e-9)


def test_keep_leaves_spells_out_and_nothing_else(spells, evaluate, plain) -> None:
    keep = (spells["mission_of"].values != list(spells["mission"].values).index("isaf")).astype(float)
    assert 0 < (keep == 0).sum() < len(keep)
    assert evaluate(keep) == pytest.approx(plain[keep == 1].sum(), rel=1e-10)
    assert evaluate(np.ones(len(keep))) == pytest.approx(plain.sum(), rel=1e-10)


def test_the_parts_of_the_likelihood_are_those_of_the_spells(spells, priors, point, plain) -> None:
    """What LOO is made of: read off the model as a derivative, for two draws at once."""
    at = {
        name: (("chain", "draw", *(f"{name}_{k}" for k in range(x.ndim))), np.stack([x, x])[None])
        for name, x in point.items()
    }
    found = spell_log_likelihood(spells, priors, xr.Dataset(at))
    assert found.shape == (1, 2, len(plain))
    np.testing.assert_allclose(found[0], np.stack([plain, plain]), rtol=1e-9, atol=1e-9)


def told_otherwise(spells: xr.Dataset, kind: int) -> xr.Dataset:
    """The same spells, all having ended so at an unknown time within their whole length (or not at all)."""
    known = spells.copy()
    known["kind"] = ("spell", np.full(spells.sizes["spell"], kind))
    chance = {DEFECTION: 1.0, PLANNED: 0.0}.get(kind, 0.5)
    known["p_defect"] = ("spell", np.full(spells.sizes["spell"], chance))
    known["exact"] = ("spell", np.zeros(spells.sizes["spell"], dtype=bool))
    known["in_bracket"] = ("row", np.full(spells.sizes["row"], kind != STAYED))
    return known


def test_all_that_can_happen_has_probability_one(spells, priors, point) -> None:
    few = np.flatnonzero(np.isin(spells["spell_of"].values, range(0, 40)))
    part = spells.isel(row=few, spell=range(40))
    chances = {
        kind: likelihood_of(told_otherwise(part, kind), priors, point)
        for kind in (DEFECTION, PLANNED, OPEN_CAUSE, STAYED)
    }
    for keep in np.eye(40):
        p = {kind: math.exp(f(keep)) for kind, f in chances.items()}
        # rounding only: no approximation is involved
        assert p[DEFECTION] + p[PLANNED] + p[STAYED] == pytest.approx(1.0, abs=1e-12)
        assert p[DEFECTION] + p[PLANNED] == pytest.approx(2 * p[OPEN_CAUSE], rel=1e-12)


def test_the_contract_of_names_and_dims(spells, priors) -> None:
    model = build(spells, priors)
    dims = model.named_vars_to_dims
    for name in ("mission_effect", "country_effect"):
        assert dims[name] == (name.removesuffix("_effect"),)
    for name in ("duration_defection", "duration_planned"):
        assert dims[name] == ("duration_bin",)
    assert {n for n in TRUTH} <= set(model.named_vars)
    walk = pm.draw(model["duration_defection"], random_seed=1)
    assert walk.sum() == pytest.approx(0.0, abs=1e-12)  # centred


def test_no_start_of_a_chain_is_hopeless(spells, priors) -> None:
    """The sampler starts within one unit of 0 in each unbounded coordinate; rates must stay in reach of the data."""
    model = build(spells, priors)
    likelihood = model.replace_rvs_by_values([model["log_likelihood"]])
    density = pm.compile(model.value_vars, likelihood, mode="FAST_COMPILE", on_unused_input="ignore")
    rng, shapes = np.random.default_rng(5), [np.shape(x) for x in model.initial_point().values()]
    found = [density(*(rng.uniform(-1, 1, s) for s in shapes))[0] for _ in range(20)]
    # effects of a unit or two multiply to -1e7 at worst; a drift of one unit, times forty quarters, would give -1e17
    assert min(found) > -1e9


def shaped(x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A point with the effects and durations that its raw values make."""
    walk = {k: np.append(0.0, np.cumsum(x[f"duration_{k}_z"])) for k in ("defection", "planned")}
    return (
        x
        | {f"{d}_effect": x[f"{d}_sd"] * x[f"{d}_effect_z"] for d in ("mission", "country")}
        | {f"duration_{k}": x[f"duration_scale_{k}"] * (w - w.mean()) for k, w in walk.items()}
    )


def test_the_simulator_and_the_equations_agree(spells, point) -> None:
    got = withdrawal.log_rates(spells, {k: v[None] for k, v in shaped(point).items()})[:, 0]
    np.testing.assert_allclose(got, log_rates(spells, point), rtol=1e-12)


def test_other_fates_are_other_data_of_the_same_model(priors) -> None:
    still = withdrawal_calibration.design(contributors=6, quarters=12, seed=1)
    point = some_point(still, seed=4) | {"defection_intercept": np.array(-4.0)}
    new = withdrawal_calibration.simulate_exits(still, shaped(point), np.random.default_rng(2), trust=0.9)
    assert set(new["kind"].values) == {STAYED, DEFECTION, PLANNED}
    evaluate = likelihood_of(still, priors, point)
    rates, of = np.exp(log_rates(new, point)), new["spell_of"].values
    expected = 0.0
    for s, kind in enumerate(new["kind"].values):
        mine = np.flatnonzero((of == s) & (new["length"].values > 0))
        p = float(new["p_defect"].values[s])
        length = new["length"].values[mine]
        expected += plain_log_likelihood(kind, True, p, length, length < 0, rates[:, mine])
    assert evaluate(**data_vectors(new)) == pytest.approx(expected, rel=1e-10)


def test_what_came_later_is_undone_on_the_same_rows(spells, evaluate, point) -> None:
    until = 8018.0  # the middle of the Iraq years
    known = as_of(spells, until)
    vectors = data_vectors(known)
    rates = np.exp(log_rates(spells, point))
    of, length, inside = (known[n].values for n in ("spell_of", "length", "in_bracket"))
    expected = 0.0
    for s in range(spells.sizes["spell"]):
        mine, stay = of == s, float(known["kind"].values[s])
        used = mine & ~inside if stay == STAYED else mine
        row = int(known["event_row"].values[s])
        rate = rates[:, mine][:, : row - np.flatnonzero(mine)[0] + 1] if row >= 0 else rates[:, mine]
        exact = bool(known["exact"].values[s])
        pieces = slice(0, rate.shape[1]) if exact else slice(None)
        expected += plain_log_likelihood(
            int(stay),
            exact,
            float(known["p_defect"].values[s]),
            length[used][pieces],
            inside[used][pieces],
            rates[:, used][:, pieces],
        )
    assert (known["end"].values[vectors["exact"] > 0] <= until).all()
    got = evaluate(**vectors)
    for name, values in data_vectors(spells).items():
        if name != "keep":
            evaluate(np.ones(spells.sizes["spell"]), **{name: values})  # as it was, for other tests
    # sums of a few hundred doubles
    assert got == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # third-party samplers warn on import
def test_a_known_truth_is_recovered_and_a_mission_can_be_left_out(spells, priors) -> None:
    import nutpie

    truth = some_point(spells, seed=11)
    world = withdrawal_calibration.simulate_exits(spells, shaped(truth), np.random.default_rng(5), trust=0.9)
    compiled = nutpie.compile_pymc_model(build(world, priors))
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
    keep = (world["mission_of"].values != list(world["mission"].values).index("isaf")).astype(float)
    without = nutpie.sample(compiled.with_data(keep=keep), **settings, progress_bar=False)["posterior"]
    spread = [float(d["mission_effect"].sel(mission="isaf").std()) for d in (fit, without)]
    assert spread[1] > 1.3 * spread[0]
