"""A prior is read completely or refused with all its faults, and its draws follow the named distribution."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecast.errors import PriorError, did_you_mean
from forecast.priors.prior import Prior, truncated_normal
from forecast.priors.tables import DISTRIBUTIONS, EVIDENCE, AnyPrior
from forecast.priors.validation import Strict, validate

SIZE = 40_000
FILE, WHERE = "spending.toml", "spending.toml [kappa]"
SOURCED = {"source": "judgement", "evidence": "judgement"}
#: Distribution -> its parameters and the same distribution in scipy.
CASES: dict[str, tuple[tuple[float, ...], Any]] = {
    "Beta": ((3, 37), stats.beta(3, 37)),
    "Gamma": ((4, 2), stats.gamma(4, scale=0.5)),
    "HalfNormal": ((0.4,), stats.halfnorm(scale=0.4)),
    "LogNormal": ((-0.5, 0.3), stats.lognorm(0.3, scale=math.exp(-0.5))),
    "Normal": ((-1.0, 0.5), stats.norm(-1.0, 0.5)),
    "TruncatedNormal": ((0.2, 0.3, 0.1), stats.truncnorm(-1 / 3, np.inf, 0.2, 0.3)),
    "Uniform": ((0.3, 0.7), stats.uniform(0.3, 0.4)),
}


def prior(dist: str, *params: float, name: str = "some.prior") -> Prior:
    return Prior(name=name, dist=dist, params=params, source="s", evidence="data")


class Section(Strict):
    """A file with one prior."""

    kappa: AnyPrior


def parsed(entry: Any) -> tuple[Prior | None, list[str]]:
    """Return the prior or None, and the faults of a file with one entry."""
    section, faults = validate(FILE, Section, {"kappa": entry}, tables=True)
    return (section.kappa.to_prior("spending.kappa") if section else None), faults


def faults_of(entry: Any) -> list[str]:
    prior, faults = parsed(entry)
    assert (prior is None) == bool(faults)
    assert all(fault.startswith(FILE) for fault in faults)
    return faults


@pytest.mark.parametrize("dist", CASES)
def test_draws_follow_the_distribution(dist: str) -> None:
    params, truth = CASES[dist]
    draws = prior(dist, *params).sample(np.random.default_rng(1), SIZE)
    assert draws.shape == (SIZE,)
    error = truth.std() / math.sqrt(SIZE)
    assert abs(draws.mean() - truth.mean()) < 4 * error  # four standard errors: 1 in 16,000
    kurtosis = float(truth.stats("k"))
    spread = truth.std() * math.sqrt((kurtosis + 2) / (4 * SIZE))  # standard error of a sample's SD
    assert abs(draws.std() - truth.std()) < 4 * spread
    assert stats.kstest(draws, truth.cdf).pvalue > 1e-4


def test_dirichlet_draws() -> None:
    params = (6.0, 3.0, 1.0)
    draws = prior("Dirichlet", *params).sample(np.random.default_rng(1), SIZE)
    truth = stats.dirichlet(params)
    assert draws.shape == (SIZE, 3)
    np.testing.assert_allclose(draws.sum(axis=1), 1.0, atol=1e-12)  # rounding
    error = np.sqrt(truth.var() / SIZE)
    assert np.all(np.abs(draws.mean(axis=0) - truth.mean()) < 4 * error)
    # the SD of a bounded share has a relative error below 1 / sqrt(SIZE)
    np.testing.assert_allclose(draws.std(axis=0), np.sqrt(truth.var()), rtol=4 / math.sqrt(SIZE))


def test_only_a_constant_has_a_value() -> None:
    constant = prior("Constant", 0.3)
    assert constant.value == 0.3
    assert np.array_equal(constant.sample(np.random.default_rng(1), 3), [0.3, 0.3, 0.3])
    with pytest.raises(PriorError, match=r"some\.prior: dist is 'Normal', expected 'Constant'"):
        _ = prior("Normal", 0.0, 1.0).value


def test_draws_depend_only_on_the_seed() -> None:
    for dist, (params, _) in CASES.items():
        first, same, other = (prior(dist, *params).sample(np.random.default_rng(seed), 5) for seed in (1, 1, 2))
        assert np.array_equal(first, same)
        assert not np.array_equal(first, other)


def test_every_distribution_is_covered() -> None:
    assert {*CASES, "Constant", "Dirichlet"} == set(DISTRIBUTIONS)


ORDINARY = st.floats(-1e6, 1e6)
ABOVE = st.floats(0.5, 1e6)
WORDS = st.text(min_size=1).filter(lambda text: bool(text.strip()))


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """Return any valid TOML table of a prior."""
    dist = draw(st.sampled_from(sorted(DISTRIBUTIONS)))
    entry: dict[str, Any] = {"dist": dist, "source": draw(WORDS)}
    entry["evidence"] = draw(st.sampled_from(EVIDENCE))
    for key in DISTRIBUTIONS[dist]:
        if key == "concentration":
            entry[key] = draw(st.lists(ABOVE | st.integers(1, 99), min_size=1, max_size=5))
        else:
            entry[key] = draw(ABOVE if key in ("alpha", "beta", "sigma") else ORDINARY)
    if dist == "LogNormal":
        entry |= {"mu": draw(st.floats(-20, 20)), "sigma": draw(st.floats(1e-6, 5))}
    if dist == "TruncatedNormal":
        entry["lower"] = min(entry["lower"], entry["mu"])
    if dist == "Uniform":
        entry["lower"] = draw(st.floats(-1e5, 1e5))
        entry["upper"] = entry["lower"] + draw(st.floats(1e-3, 1e3))
    for key in draw(st.sets(st.sampled_from(["note", "unit"]))):
        entry[key] = draw(st.text())
    return entry


@given(entries())
def test_valid_entries_are_read_unchanged(entry: dict[str, Any]) -> None:
    prior, faults = parsed(entry)
    assert faults == []
    assert prior is not None
    numbers = [entry[key] for key in DISTRIBUTIONS[entry["dist"]]]
    given_params = numbers[0] if entry["dist"] == "Dirichlet" else numbers
    texts = {key: getattr(prior, key) for key in ("dist", "source", "evidence", "unit", "note")}
    assert texts == {"unit": "", "note": ""} | {k: v for k, v in entry.items() if k in texts}
    assert prior.params == tuple(float(x) for x in given_params)
    assert parsed(entry)[0] == prior


BELIEF: dict[str, Any] = SOURCED | {"dist": "Normal", "mu": 0.0, "sigma": 1.0, "seen": 2004}
FAULTY: dict[str, tuple[dict[str, Any], str]] = {
    "no source": ({"source": None}, "source is missing, expected the work that the numbers come from, or 'judgement'"),
    "blank source": ({"source": "  "}, "source is '  ', expected the work that the numbers come from, or 'judgement'"),
    "source that is no text": (
        {"source": 3},
        "source is 3, expected the work that the numbers come from, or 'judgement'",
    ),
    "no evidence": ({"evidence": None}, "evidence is missing, expected 'data', 'literature' or 'judgement'"),
    "other evidence": ({"evidence": "hearsay"}, "evidence is 'hearsay', expected 'data', 'literature' or 'judgement'"),
    "list as evidence": ({"evidence": ["data"]}, "evidence is ['data'], expected"),
    "misspelt key": ({"sgima": 1.0}, "unknown key 'sgima'; did you mean 'sigma'?"),
    "foreign key": (
        {"zzz": 1.0},
        "unknown key 'zzz'; known: dist, source, evidence, unit, note, seen, author, date, expires, before, mu, sigma",
    ),
    "misspelt dist": ({"dist": "Nromal"}, "did you mean 'Normal'?"),
    "unknown dist": ({"dist": "Xyz"}, "dist is 'Xyz', expected one of Beta, Constant"),
    "no dist": ({"dist": None}, "dist is missing, expected one of Beta"),
    "list as dist": ({"dist": ["Normal"]}, "dist is ['Normal'], expected one of Beta"),
    "text for a number": ({"mu": "0.1"}, "mu is '0.1', expected a finite number"),
    "truth for a number": ({"mu": True}, "mu is true, expected a finite number"),
    "no number": ({"mu": None}, "mu is missing, expected a finite number"),
    "text for a year": ({"seen": "2024"}, "seen is '2024', expected the latest year that the prior has seen"),
    "year with a fraction": ({"seen": 2024.5}, "seen is 2024.5, expected the latest year that the prior has seen"),
    "year too early": ({"seen": 24}, "seen is 24, expected the latest year that the prior has seen"),
    "earlier assumption that is no table": ({"before": 3}, "before is 3, expected a table of the same distribution"),
    "earlier assumption without a year": (
        {"seen": 2024, "before": BELIEF | {"seen": None}},
        "before.seen is missing, expected a year before seen (2024)",
    ),
    "earlier assumption that has seen as much": (
        {"seen": 2004, "before": BELIEF},
        "before.seen is 2004, expected a year before seen (2004); correct one of them or remove the table [before]",
    ),
    "earlier assumption of another distribution": (
        {"seen": 2024, "before": BELIEF | {"dist": "Beta"}},
        "before.dist is 'Beta', expected 'Normal'",
    ),
    "earlier assumption with a fault": (
        {"seen": 2024, "before": BELIEF | {"sigma": -1}},
        "before.sigma is -1, expected",
    ),
    "list for a number": ({"mu": [0.1]}, "mu is [0.1], expected a finite number"),
    "not a number": ({"mu": math.nan}, "mu is nan, expected a finite number"),
    "infinite": ({"sigma": math.inf}, "sigma is inf, expected a finite number"),
    "unknown dist and other keys": ({"dist": "Xyz", "sgima": 1.0}, "dist is 'Xyz', expected one of Beta, Constant"),
    "negative sigma": ({"sigma": -1.0}, "sigma is -1.0, expected a finite number above 0"),
    "sigma of zero": ({"sigma": 0}, "sigma is 0, expected a finite number above 0"),
}


def entry_with(changes: dict[str, Any], **base: Any) -> dict[str, Any]:
    entry = {"dist": "Normal", "mu": 0.1, "sigma": 0.2, **SOURCED, **base, **changes}
    return {key: value for key, value in entry.items() if value is not None}


@pytest.mark.parametrize("case", FAULTY)
def test_fault_names_place_and_value(case: str) -> None:
    changes, expected = FAULTY[case]
    faults = faults_of(entry_with(changes))
    assert len(faults) == 1
    assert expected in faults[0]


def test_all_faults_of_an_entry() -> None:
    faults = faults_of({"dist": "Beta", "alpha": -1, "bata": 2, "evidence": "rumour"})
    expected = (
        "unknown key 'bata'",
        "source is missing",
        "evidence is 'rumour'",
        "alpha is -1",
        "beta is missing",
    )
    assert len(faults) == len(expected)
    for part in expected:
        assert any(part in fault for fault in faults), part


def test_unknown_distribution_hides_no_other_fault() -> None:
    faults = faults_of({"dist": "Xyz", "evidence": "rumour"})
    assert [fault.removeprefix(f"{WHERE}: ").split(",")[0] for fault in faults] == [
        "dist is 'Xyz'",
        "source is missing",
        "evidence is 'rumour'",
    ]


@pytest.mark.parametrize("entry", [0.3, "Normal", [1, 2], None])
def test_prior_must_be_a_table(entry: Any) -> None:
    assert faults_of(entry) == [f"{FILE}: kappa is {entry!r}, expected a table"]


def test_dirichlet_needs_positive_numbers() -> None:
    base = {"dist": "Dirichlet", **SOURCED}
    for concentration, expected in {
        6: "concentration is 6, expected a list of finite numbers above 0, from 0.5 to 1,000,000",
        (): "concentration is [], expected a list of finite numbers above 0, from 0.5 to 1,000,000",
        (1, 0): "concentration #2 is 0, expected a finite number above 0, from 0.5 to 1,000,000",
        (1, "x"): "concentration #2 is 'x', expected a finite number above 0, from 0.5 to 1,000,000",
    }.items():
        value = list(concentration) if isinstance(concentration, tuple) else concentration
        assert faults_of({**base, "concentration": value}) == [f"{WHERE}: {expected}"]


@pytest.mark.parametrize(("lower", "upper"), [(0.7, 0.3), (0.5, 0.5)])
def test_uniform_bounds_are_ordered(lower: float, upper: float) -> None:
    entry = {"dist": "Uniform", "lower": lower, "upper": upper, **SOURCED}
    assert faults_of(entry) == [f"{WHERE}: lower is {lower}, expected a number below upper ({upper})"]


def test_notation_and_nearest_name() -> None:
    assert prior("Beta", 3, 37).describe() == "Beta(3, 37)"
    assert prior("Constant", 0.25).describe() == "0.25"
    assert did_you_mean("kapa", ["kappa", "nu"]) == "; did you mean 'kappa'?"
    assert did_you_mean("zzz", ["kappa", "nu"]) == ""


@pytest.mark.parametrize("dist", CASES)
def test_log_density_equals_scipy_up_to_a_constant(dist: str) -> None:
    params, truth = CASES[dist]
    x = truth.ppf(np.linspace(0.05, 0.95, 9))
    difference = prior(dist, *params).log_density(x) - truth.logpdf(x)
    np.testing.assert_allclose(difference, difference[0], atol=1e-12)


def test_dirichlet_log_density() -> None:
    x = np.random.default_rng(2).dirichlet([2.0, 3.0, 4.0], 5)
    truth = np.array([stats.dirichlet([2.0, 3.0, 4.0]).logpdf(row) for row in x])
    difference = prior("Dirichlet", 2.0, 3.0, 4.0).log_density(x) - truth
    np.testing.assert_allclose(difference, difference[0], atol=1e-12)


@pytest.mark.parametrize("lower", [-40.0, -2.5, -1e-9, 0.0, 0.3, 8.0])
def test_a_truncated_normal_has_the_bytes_of_scipy(lower: float) -> None:
    q = np.random.default_rng(3).random(500)
    expected = stats.truncnorm.ppf(q, lower, np.inf, 0.4, 0.15)
    np.testing.assert_array_equal(truncated_normal(q, lower) * 0.15 + 0.4, expected)
