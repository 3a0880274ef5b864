"""The withdrawal model's likelihood, spell by spell against plain integration, and its recovery of a known truth."""

import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad

from forecast.data import load_tables
from forecast.priors import Beliefs, load_beliefs
from forecast.spells import DEFECTION, OPEN_CAUSE, PLANNED, STAYED, mission_spells

pm = pytest.importorskip("forecast.models.withdrawal").pm
import pytensor  # noqa: E402

from forecast.models.withdrawal import build  # noqa: E402

PRIORS = Path(__file__).parents[1] / "priors"
TRUTH = {
    "defection_intercept": -3.2, "planned_intercept": -3.8, "nato": -0.9, "un": -0.4, "eu": -0.7,
    "noncombat": -0.3, "lead": -0.8, "leader_change": 0.6, "election_ahead": 0.3, "contagion": 0.25,
    "lead_gone": 1.6, "ending": 1.5, "frailty_load": 0.4, "mission_sd": 0.6, "country_sd": 0.4,
    "duration_scale_defection": 0.4, "duration_scale_planned": 0.3,
}  # fmt: skip


@pytest.fixture(scope="module")
def beliefs() -> Beliefs:
    return load_beliefs(PRIORS)


@pytest.fixture(scope="module")
def spells(beliefs):
    return mission_spells(load_tables(), beliefs)


def some_point(spells: xr.Dataset, seed: int) -> dict[str, np.ndarray]:
    """Values of every free variable of the model."""
    rng = np.random.default_rng(seed)
    raw = {f"{d}_effect_raw": rng.standard_normal(spells.sizes[d]) for d in ("mission", "country")}
    raw |= {f"duration_{k}_raw": rng.standard_normal(7) for k in ("defection", "planned")}
    return {name: np.asarray(value) for name, value in (TRUTH | raw).items()}


def log_rates(spells: xr.Dataset, x: dict[str, np.ndarray]) -> np.ndarray:
    """Both log rates of every piece, straight from the equations: (cause, row)."""
    of = spells["spell_of"].values
    m, c = spells["mission_of"].values[of], spells["country_of"].values[of]
    frailty = (
        x["mission_sd"] * x["mission_effect_raw"][m] + x["country_sd"] * x["country_effect_raw"][c]
    )
    duration = {}
    for cause in ("defection", "planned"):
        walk = np.concatenate([[0.0], np.cumsum(x[f"duration_{cause}_raw"])])
        duration[cause] = (x[f"duration_scale_{cause}"] * (walk - walk.mean()))[
            spells["duration"].values
        ]
    defection = x["defection_intercept"] + frailty + duration["defection"]
    for name in ("nato", "un", "eu", "noncombat"):
        defection = defection + x[name] * spells[name].values[m]
    for name in ("leader_change", "election_ahead", "lead_gone"):
        defection = defection + x[name] * spells[name].values
    defection = defection + x["contagion"] * spells["contagion"].values / 0.1
    planned = x["planned_intercept"] + x["frailty_load"] * frailty + duration["planned"]
    leads = x["lead"] * (spells["country"].values[c] == spells["lead"].values[m])
    defection, planned = defection + leads, planned + leads
    return np.stack([defection, planned + x["ending"] * spells["ending"].values])


def plain_log_likelihood(kind: int, exact: bool, length, in_bracket, rates) -> float:
    """One spell, with the chance of its bracket by numerical integration over time.

    rates : (cause, piece).
    """
    causes = {DEFECTION: [0], PLANNED: [1], OPEN_CAUSE: [0, 1]}.get(kind, [])
    hazard = rates.sum(axis=0) * length
    if kind == STAYED:
        return -hazard.sum()
    if exact:
        return -hazard.sum() + math.log(rates[causes, -1].sum())
    chance, survived = 0.0, math.exp(-hazard[~in_bracket].sum())
    for piece in np.flatnonzero(in_bracket):
        both, mine = rates[:, piece].sum(), rates[causes, piece].sum()
        chance += quad(
            lambda t, s=survived, b=both, k=mine: s * math.exp(-b * t) * k, 0, length[piece]
        )[0]
        survived *= math.exp(-hazard[piece])
    return math.log(chance)


def likelihood_of(spells: xr.Dataset, beliefs: Beliefs, point: dict[str, np.ndarray]):
    """The PyMC model's log-likelihood as a function of `keep`."""
    model = build(spells, beliefs)
    names = [v.name for v in model.free_RVs]
    assert set(names) == set(point)
    # interpreted, not compiled: the graph is the same and the test stays fast
    f = pytensor.function([model[n] for n in names], model["log_likelihood"], mode="FAST_COMPILE")

    def evaluate(keep: np.ndarray) -> float:
        model.set_data("keep", keep)
        return float(f(*[point[n] for n in names]))

    return evaluate


@pytest.fixture(scope="module")
def point(spells):
    return some_point(spells, seed=3)


@pytest.fixture(scope="module")
def evaluate(spells, beliefs, point):
    return likelihood_of(spells, beliefs, point)


@pytest.fixture(scope="module")
def plain(spells, point) -> np.ndarray:
    rates = np.exp(log_rates(spells, point))
    of, length = spells["spell_of"].values, spells["length"].values
    inside = spells["in_bracket"].values
    return np.array(
        [
            plain_log_likelihood(kind, exact, length[of == s], inside[of == s], rates[:, of == s])
            for s, (kind, exact) in enumerate(zip(spells["kind"].values, spells["exact"].values, strict=True))
        ]
    )  # fmt: skip


def test_every_spell_has_the_likelihood_of_plain_integration(evaluate, plain) -> None:
    one = np.eye(len(plain))
    got = np.array([evaluate(row) for row in one])
    # both are sums of a few hundred doubles; quadrature of smooth exponentials reaches 1e-12
    np.testing.assert_allclose(got, plain, rtol=1e-9, atol=1e-9)


def test_keep_leaves_spells_out_and_nothing_else(spells, evaluate, plain) -> None:
    keep = (spells["mission_of"].values != list(spells["mission"].values).index("isaf")).astype(
        float
    )
    assert 0 < (keep == 0).sum() < len(keep)
    assert evaluate(keep) == pytest.approx(plain[keep == 1].sum(), rel=1e-10)
    assert evaluate(np.ones(len(keep))) == pytest.approx(plain.sum(), rel=1e-10)


def told_otherwise(spells: xr.Dataset, kind: int) -> xr.Dataset:
    """The same spells, all having ended so at an unknown time within their whole length (or not at all)."""
    known = spells.copy()
    known["kind"] = ("spell", np.full(spells.sizes["spell"], kind))
    known["exact"] = ("spell", np.zeros(spells.sizes["spell"], dtype=bool))
    known["in_bracket"] = ("row", np.full(spells.sizes["row"], kind != STAYED))
    return known


def test_all_that_can_happen_has_probability_one(spells, beliefs, point) -> None:
    few = np.flatnonzero(np.isin(spells["spell_of"].values, range(0, 40)))
    part = spells.isel(row=few, spell=range(40))
    chances = {
        kind: likelihood_of(told_otherwise(part, kind), beliefs, point)
        for kind in (DEFECTION, PLANNED, OPEN_CAUSE, STAYED)
    }
    for keep in np.eye(40):
        p = {kind: math.exp(f(keep)) for kind, f in chances.items()}
        # rounding only: no approximation is involved
        assert p[DEFECTION] + p[PLANNED] + p[STAYED] == pytest.approx(1.0, abs=1e-12)
        assert p[DEFECTION] + p[PLANNED] == pytest.approx(p[OPEN_CAUSE], rel=1e-12)


def test_the_contract_of_names_and_dims(spells, beliefs) -> None:
    model = build(spells, beliefs)
    dims = model.named_vars_to_dims
    for name in ("mission_effect", "country_effect"):
        assert dims[name] == (name.removesuffix("_effect"),)
    for name in ("duration_defection", "duration_planned"):
        assert dims[name] == ("duration_bin",)
    assert {n for n in TRUTH} <= set(model.named_vars)
    walk = pm.draw(model["duration_defection"], random_seed=1)
    assert walk.sum() == pytest.approx(0.0, abs=1e-12)  # centred


def simulated(spells: xr.Dataset, x: dict[str, np.ndarray], seed: int) -> xr.Dataset:
    """New fates on the real pieces, at known times: each spell ends by its own threshold, or as it was cut off."""
    rng = np.random.default_rng(seed)
    rates = np.exp(log_rates(spells, x))
    of, length = spells["spell_of"].values, spells["length"].values.copy()
    rows, kind, event_row = [], [], []
    for s in range(spells.sizes["spell"]):
        mine = np.flatnonzero(of == s)
        hazard = np.cumsum(rates[:, mine].sum(axis=0) * length[mine])
        threshold = rng.exponential()
        k = int(np.searchsorted(hazard, threshold))
        kind.append(STAYED)
        event_row.append(-1)
        if k < len(mine):
            mine = mine[: k + 1]
            both = rates[:, mine[-1]]
            length[mine[-1]] -= (hazard[k] - threshold) / both.sum()
            kind[-1] = DEFECTION if rng.random() < both[0] / both.sum() else PLANNED
            event_row[-1] = sum(map(len, rows)) + k
        rows.append(mine)
    new = spells.assign(length=("row", length), in_bracket=("row", np.zeros(len(length), bool)))
    new = new.isel(row=np.concatenate(rows))
    known = {"kind": np.array(kind), "event_row": np.array(event_row), "exact": np.array(kind) > 0}
    return new.assign({name: ("spell", values) for name, values in known.items()})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # third-party samplers warn on import
def test_a_known_truth_is_recovered_and_a_mission_can_be_left_out(spells, beliefs) -> None:
    import nutpie

    truth = some_point(spells, seed=11)
    world = simulated(spells, truth, seed=5)
    compiled = nutpie.compile_pymc_model(build(world, beliefs))
    settings = {"chains": 2, "draws": 300, "tune": 400, "target_accept": 0.9, "seed": 1}
    fit = nutpie.sample(compiled, **settings, progress_bar=False)["posterior"].to_dataset()
    draws = fit.stack(sample=("chain", "draw"))
    scalars = [name for name in TRUTH if not name.startswith("duration")]
    z = [float((draws[n].mean() - TRUTH[n]) / draws[n].std()) for n in scalars]
    # 14 standard normals stay below 3.5 in all but one case of 150
    assert max(map(abs, z)) < 3.5, dict(zip(scalars, z, strict=True))
    for dim in ("mission", "country"):
        mean = draws[f"{dim}_effect"].mean("sample").values
        assert np.corrcoef(mean, truth[f"{dim}_effect_raw"])[0, 1] > 0.3
    keep = (world["mission_of"].values != list(world["mission"].values).index("isaf")).astype(float)
    without = nutpie.sample(compiled.with_data(keep=keep), **settings, progress_bar=False)[
        "posterior"
    ]
    spread = [float(d["mission_effect"].sel(mission="isaf").std()) for d in (fit, without)]
    assert spread[1] > 1.3 * spread[0]
