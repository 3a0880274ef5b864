"""A belief is read whole or refused with all its faults, and its draws are those of the named distribution."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecast.errors import PriorError, nearest
from forecast.priors.prior import DISTRIBUTIONS, EVIDENCE, Prior, parse_prior

SIZE = 40_000
WHERE = "spending.toml [kappa]"
SOURCED = {"source": "judgement", "evidence": "judgement"}
#: One case a distribution, beside what scipy calls it.
CASES: dict[str, tuple[tuple[float, ...], Any]] = {
    "Beta": ((3, 37), stats.beta(3, 37)),
    "Gamma": ((4, 2), stats.gamma(4, scale=0.5)),
    "HalfNormal": ((0.4,), stats.halfnorm(scale=0.4)),
    "LogNormal": ((-0.5, 0.3), stats.lognorm(0.3, scale=math.exp(-0.5))),
    "Normal": ((-1.0, 0.5), stats.norm(-1.0, 0.5)),
    "TruncatedNormal": ((0.2, 0.3, 0.1), stats.truncnorm(-1 / 3, np.inf, 0.2, 0.3)),
    "Uniform": ((0.3, 0.7), stats.uniform(0.3, 0.4)),
}


def prior(dist: str, *params: float, name: str = "some.belief") -> Prior:
    return Prior(name=name, dist=dist, params=params, source="s", evidence="data")


def faults_of(entry: Any) -> list[str]:
    faults: list[str] = []
    found = parse_prior(WHERE, "spending.kappa", entry, faults)
    assert (found is None) == bool(faults)
    assert all(fault.startswith(WHERE) for fault in faults)
    return faults


@pytest.mark.parametrize("dist", CASES)
def test_mean_sd_and_shape_of_draws_are_those_of_scipy(dist: str) -> None:
    params, truth = CASES[dist]
    draws = prior(dist, *params).sample(np.random.default_rng(1), SIZE)
    assert draws.shape == (SIZE,)
    error = truth.std() / math.sqrt(SIZE)
    assert abs(draws.mean() - truth.mean()) < 4 * error  # four standard errors: 1 in 16,000
    kurtosis = float(truth.stats("k"))
    spread = truth.std() * math.sqrt((kurtosis + 2) / (4 * SIZE))  # of a sample's SD
    assert abs(draws.std() - truth.std()) < 4 * spread
    assert stats.kstest(draws, truth.cdf).pvalue > 1e-4


def test_a_dirichlet_has_one_column_a_component() -> None:
    params = (6.0, 3.0, 1.0)
    draws = prior("Dirichlet", *params).sample(np.random.default_rng(1), SIZE)
    truth = stats.dirichlet(params)
    assert draws.shape == (SIZE, 3)
    np.testing.assert_allclose(draws.sum(axis=1), 1.0, atol=1e-12)  # rounding
    error = np.sqrt(truth.var() / SIZE)
    assert np.all(np.abs(draws.mean(axis=0) - truth.mean()) < 4 * error)
    # the SD of a bounded share has a relative error below 1 / sqrt(SIZE)
    np.testing.assert_allclose(draws.std(axis=0), np.sqrt(truth.var()), rtol=4 / math.sqrt(SIZE))


def test_a_constant_is_its_value_and_nothing_else_is() -> None:
    constant = prior("Constant", 0.3)
    assert constant.value == 0.3
    assert np.array_equal(constant.sample(np.random.default_rng(1), 3), [0.3, 0.3, 0.3])
    with pytest.raises(PriorError, match=r"some\.belief: a constant is needed here, found Normal"):
        _ = prior("Normal", 0.0, 1.0).value


def test_draws_depend_on_the_seed_alone() -> None:
    for dist, (params, _) in CASES.items():
        one, same, other = (prior(dist, *params).sample(np.random.default_rng(seed), 5) for seed in (1, 1, 2))
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)


def test_every_distribution_is_tested_here() -> None:
    assert {*CASES, "Constant", "Dirichlet"} == set(DISTRIBUTIONS)


ORDINARY = st.floats(-1e6, 1e6)
ABOVE = st.floats(1e-6, 1e6)
WORDS = st.text(min_size=1).filter(lambda text: bool(text.strip()))


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """Any sound TOML table of a belief."""
    dist = draw(st.sampled_from(sorted(DISTRIBUTIONS)))
    entry: dict[str, Any] = {"dist": dist, "source": draw(WORDS)}
    entry["evidence"] = draw(st.sampled_from(EVIDENCE))
    for key in DISTRIBUTIONS[dist]:
        if key == "concentration":
            entry[key] = draw(st.lists(ABOVE | st.integers(1, 99), min_size=1, max_size=5))
        else:
            entry[key] = draw(ABOVE if key in ("alpha", "beta", "sigma") else ORDINARY)
    if dist == "Uniform":
        entry["upper"] = entry["lower"] + draw(st.floats(1e-3, 1e3))
    for key in draw(st.sets(st.sampled_from(["note", "unit"]))):
        entry[key] = draw(st.text())
    return entry


@given(entries())
def test_what_is_sound_is_read_as_it_stands(entry: dict[str, Any]) -> None:
    faults: list[str] = []
    found = parse_prior(WHERE, "a.b", entry, faults)
    assert faults == []
    assert found is not None
    numbers = [entry[key] for key in DISTRIBUTIONS[entry["dist"]]]
    given_params = numbers[0] if entry["dist"] == "Dirichlet" else numbers
    back = {
        "dist": found.dist,
        "source": found.source,
        "evidence": found.evidence,
        "unit": found.unit,
        "note": found.note,
    }
    assert back == {"unit": "", "note": ""} | {k: v for k, v in entry.items() if k in back}
    assert found.params == tuple(float(x) for x in given_params)
    assert parse_prior(WHERE, "a.b", entry, faults) == found


FAULTY: dict[str, tuple[dict[str, Any], str]] = {
    "no source": ({"source": None}, "no source"),
    "blank source": ({"source": "  "}, "no source"),
    "source that is no text": ({"source": 3}, "source is 3, expected some text"),
    "no evidence": ({"evidence": None}, "no evidence"),
    "other evidence": ({"evidence": "hearsay"}, "evidence is 'hearsay', expected one of data"),
    "list as evidence": ({"evidence": ["data"]}, "evidence is ['data'], expected"),
    "misspelt key": ({"sgima": 1.0}, "unknown key 'sgima'; did you mean 'sigma'?"),
    "foreign key": ({"zzz": 1.0}, "unknown key 'zzz'; known: dist, source"),
    "misspelt dist": ({"dist": "Nromal"}, "did you mean 'Normal'?"),
    "unknown dist": ({"dist": "Xyz"}, "dist is 'Xyz', expected one of Beta, Constant"),
    "no dist": ({"dist": None}, "dist is None, expected one of Beta"),
    "list as dist": ({"dist": ["Normal"]}, "dist is ['Normal'], expected one of Beta"),
    "text for a number": ({"mu": "0.1"}, "mu is '0.1', expected a number"),
    "truth for a number": ({"mu": True}, "mu is True, expected a number"),
    "no number": ({"mu": None}, "mu is None, expected a number"),
    "list for a number": ({"mu": [0.1]}, "mu is [0.1], expected one number"),
    "not a number": ({"mu": math.nan}, "mu is nan, expected a finite number"),
    "infinite": ({"sigma": math.inf}, "sigma is inf, expected a finite number"),
    "negative sigma": ({"sigma": -1.0}, "sigma is -1.0, expected a number above 0"),
    "sigma of zero": ({"sigma": 0}, "sigma is 0, expected a number above 0"),
}


def entry_with(changes: dict[str, Any], **base: Any) -> dict[str, Any]:
    whole = {"dist": "Normal", "mu": 0.1, "sigma": 0.2, **SOURCED, **base, **changes}
    return {key: value for key, value in whole.items() if value is not None}


@pytest.mark.parametrize("case", FAULTY)
def test_one_fault_is_named_with_place_and_what_was_found(case: str) -> None:
    changes, expected = FAULTY[case]
    faults = faults_of(entry_with(changes))
    assert len(faults) == 1
    assert expected in faults[0]


def test_all_faults_of_an_entry_are_named_at_once() -> None:
    faults = faults_of({"dist": "Beta", "alpha": -1, "bata": 2, "evidence": "rumour"})
    expected = (
        "unknown key 'bata'",
        "no source",
        "evidence is 'rumour'",
        "alpha is -1",
        "beta is None",
    )
    assert len(faults) == len(expected)
    for part in expected:
        assert any(part in fault for fault in faults), part


@pytest.mark.parametrize("entry", [0.3, "Normal", [1, 2], None])
def test_a_bare_number_is_no_belief(entry: Any) -> None:
    assert faults_of(entry) == [f"{WHERE}: found {entry!r}, expected a table with dist, source and evidence"]


def test_a_dirichlet_wants_a_list_and_all_of_it_positive() -> None:
    base = {"dist": "Dirichlet", **SOURCED}
    assert "expected a list of numbers" in faults_of({**base, "concentration": 6})[0]
    assert "expected a number" in faults_of({**base, "concentration": []})[0]
    assert "above 0" in faults_of({**base, "concentration": [1, 0]})[0]
    assert "expected a number" in faults_of({**base, "concentration": [1, "x"]})[0]


@pytest.mark.parametrize(("lower", "upper"), [(0.7, 0.3), (0.5, 0.5)])
def test_the_bounds_of_a_uniform_stand_in_order(lower: float, upper: float) -> None:
    entry = {"dist": "Uniform", "lower": lower, "upper": upper, **SOURCED}
    assert faults_of(entry) == [f"{WHERE}: lower is {lower}, expected a number below upper ({upper})"]


def test_it_is_told_as_in_statistics() -> None:
    assert prior("Beta", 3, 37).describe() == "Beta(3, 37)"
    assert prior("Constant", 0.25).describe() == "0.25"
    assert nearest("kapa", ["kappa", "nu"]) == "; did you mean 'kappa'?"
    assert nearest("zzz", ["kappa", "nu"]) == ""


@pytest.mark.parametrize("dist", CASES)
def test_the_log_density_is_that_of_scipy_but_for_a_constant(dist: str) -> None:
    params, truth = CASES[dist]
    x = truth.ppf(np.linspace(0.05, 0.95, 9))
    apart = prior(dist, *params).log_density(x) - truth.logpdf(x)
    np.testing.assert_allclose(apart, apart[0], atol=1e-12)


def test_the_log_density_of_a_dirichlet_sees_all_components() -> None:
    x = np.random.default_rng(2).dirichlet([2.0, 3.0, 4.0], 5)
    truth = np.array([stats.dirichlet([2.0, 3.0, 4.0]).logpdf(row) for row in x])
    apart = prior("Dirichlet", 2.0, 3.0, 4.0).log_density(x) - truth
    np.testing.assert_allclose(apart, apart[0], atol=1e-12)
