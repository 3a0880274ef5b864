"""A prior that has seen later years than an origin is replaced by an earlier or a wider assumption."""

import re
from dataclasses import replace

import numpy as np
import pytest

from forecast.names import MODELS
from forecast.priors.dated import dated_digest, priors_at, widened
from forecast.priors.load import Priors
from forecast.priors.prior import Prior
from tests.support import fake_posteriors as our

SIZE = 40_000


def prior(dist: str, *params: float, seen: int = 2024, before: Prior | None = None) -> Prior:
    return Prior(name="spending.kappa", dist=dist, params=params, source="s", evidence="data", seen=seen, before=before)


def planted(one: Prior) -> Priors:
    """Return the bundled priors with `one` in the place of its name."""
    return replace(our.priors(), by_name={**our.priors().by_name, one.name: one})


def test_a_prior_is_used_from_the_year_that_it_has_seen() -> None:
    oldest = prior("Beta", 2, 5, seen=1990)
    middle = prior("Beta", 3, 37, seen=2004, before=oldest)
    priors = planted(prior("Beta", 3, 97, before=middle))
    found = {year: priors_at(priors, year)["spending.kappa"].params for year in (2024, 2023, 2004, 2003, 1990, 1989)}
    assert found == {2024: (3, 97), 2023: (3, 37), 2004: (3, 37), 2003: (2, 5), 1990: (2, 5), 1989: (1, 1.25)}


@pytest.mark.parametrize("year", [2003, 2013, 2020])
def test_a_later_belief_does_not_reach_an_earlier_origin(year: int) -> None:
    """Whatever a prior has learnt after the origin, the priors of the origin are the same."""
    early = prior("Normal", 0.0, 1.0, seen=2000)
    one, other = (planted(prior("Normal", mu, 0.01, seen=year + 1, before=early)) for mu in (-5.0, 5.0))
    assert priors_at(one, year)["spending.kappa"] == priors_at(other, year)["spending.kappa"] == early
    assert priors_at(one, year + 1)["spending.kappa"].params == (-5.0, 0.01)


@pytest.mark.parametrize(
    "one",
    [
        prior("Beta", 120, 180),
        prior("Gamma", 8, 2),
        prior("HalfNormal", 0.3),
        prior("Normal", -2, 0.5),
        prior("TruncatedNormal", 5.0, 0.5, 0.0),
    ],
    ids=lambda one: one.dist,
)
def test_the_rule_doubles_the_standard_deviation(one: Prior) -> None:
    narrow, wide = (p.sample(np.random.default_rng(1), SIZE) for p in (one, widened(one)))
    assert wide.std() == pytest.approx(2.0 * narrow.std(), rel=0.03)
    if one.dist != "HalfNormal":
        assert wide.mean() == pytest.approx(narrow.mean(), abs=0.03 * narrow.std() * 4)


def test_what_cannot_be_widened_stays() -> None:
    for one in (prior("Constant", 2.0), prior("Uniform", 0.2, 0.5)):
        assert widened(one) == one
    assert widened(prior("Beta", 3, 97)).params == (1.0, 24.25)  # no peak at 0
    assert widened(prior("Beta", 0.5, 8)).params == (0.5, 2.0)
    wide = widened(prior("LogNormal", -1.0, 0.5))
    assert wide.params == (-1.0, 1.0)


def test_every_bundled_prior_is_dated_and_its_source_names_no_later_year() -> None:
    for one in our.priors().by_name.values():
        for stated in (one, one.before):
            if stated is None:
                continue
            years = [int(year) for year in re.findall(r"\b(?:19|20)\d\d\b", stated.source)]
            assert 1900 <= stated.seen <= 2025, one.name
            if not re.search("until|runs to|by 2035|after 2035|for 20", stated.source):
                assert min(max(years, default=0), 2025) <= stated.seen, (one.name, stated.source)


def test_the_digest_follows_dates_and_earlier_beliefs_of_the_model_alone() -> None:
    now = {model: dated_digest(our.priors(), model) for model in MODELS}
    for change in (
        {"seen": 2023},
        {"before": prior("Beta", 3, 37, seen=2004)},
        {"before": prior("Beta", 3, 38, seen=2004)},
    ):
        other = planted(replace(prior("Beta", 3, 97), **change))
        changed = {model for model in MODELS if dated_digest(other, model) != now[model]}
        assert changed == {"spending"}
        assert other.digests == our.priors().digests
